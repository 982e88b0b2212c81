"""Outline of a configuration: its resources and environments, even if the files have errors.

Takes `Sources`; returns addresses with their kinds, names, and the place of the ledger. For shell completion and the
history of a ledger: nothing is interpolated or typed, so no secret is read, and a broken or missing file affects only
its own part.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from reconciler.address import Address
from reconciler.config.drafts import DraftBuilder
from reconciler.config.environments import read_environments, select_environment
from reconciler.config.files import FileLoader
from reconciler.config.findings import Findings
from reconciler.config.layout import standard_layout
from reconciler.config.ledger import read_ledger
from reconciler.config.model import LedgerSetting
from reconciler.config.overlays import apply_overlays, apply_templates
from reconciler.config.sources import Sources
from reconciler.kinds.base import Kind
from reconciler.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Outline:
    """The resources and environments of a configuration.

    Attributes:
        resources: The kind of every resource by its address, in the order of the files.
        environments: The names of the environments.
        ledger: Where the ledger is; None without one.
    """

    resources: dict[Address, Kind]
    environments: tuple[str, ...]
    ledger: LedgerSetting | None = None


def outline(sources: Sources, *, environment: str = "", overlays: Sequence[str] = ()) -> Outline:
    """Read the outline of a configuration, without reporting problems.

    Args:
        sources: The files.
        environment: The environment whose overlays apply; an unknown one counts as none.
        overlays: The overlays of the command line, relative to the root file's folder.
    """
    findings = Findings()
    files = FileLoader(sources, findings)
    base = files.base()
    environments = read_environments(base, findings)
    selected = select_environment(environments, environment, findings, complete=False)
    tree = apply_overlays(files, base, selected.overlays, overlays, findings)
    tree, _ = apply_templates(files, tree, findings)
    drafts = DraftBuilder(standard_layout(), findings).build(tree)
    ledger = read_ledger(base, posixpath.basename(sources.root), environments, findings)
    return Outline({draft.address: draft.kind for draft in drafts}, tuple(environments), ledger)
