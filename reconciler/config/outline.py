"""Outline of a configuration: its resources and environments, even if the files have errors.

Takes `Sources`; returns addresses with their kinds, and names. For shell completion: nothing is interpolated or typed,
so no secret is read, and a broken or missing file affects only its own part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.address import Address
from reconciler.config.drafts import DraftBuilder
from reconciler.config.environments import pick, read_environments
from reconciler.config.files import FileLoader
from reconciler.config.findings import Findings
from reconciler.config.layout import standard_layout
from reconciler.config.loading import overlaid, templated
from reconciler.config.sources import Sources
from reconciler.kinds.base import Kind


@dataclass(frozen=True, slots=True)
class Outline:
    """The resources and environments of a configuration.

    Attributes:
        resources: The kind of every resource by its address, in the order of the files.
        environments: The names of the environments.
    """

    resources: dict[Address, Kind]
    environments: tuple[str, ...]


def outline(sources: Sources, *, environment: str = "", overlays: Sequence[str] = ()) -> Outline:
    """Read the outline of a configuration, without reporting problems.

    Args:
        sources: The files.
        environment: The environment whose overlays apply; an unknown one counts as none.
        overlays: The overlays of the command line, relative to the root file's folder.
    """
    findings = Findings()
    documents = FileLoader(sources, findings)
    base = documents.base()
    environments = read_environments(base, findings)
    picked = pick(environments, environment, findings, complete=False)
    tree = overlaid(documents, base, picked.overlays, overlays, findings)
    tree, _ = templated(documents, tree, findings)
    drafts = DraftBuilder(standard_layout(), findings).build(tree)
    return Outline({draft.address: draft.kind for draft in drafts}, tuple(environments))
