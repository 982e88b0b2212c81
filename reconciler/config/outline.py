"""Text -> outline: which resources and environments the files name, whatever else may be wrong with them.

Takes `Sources`; gives addresses with their kinds, and names. For completion while somebody types: nothing is
interpolated or typed, so no secret is looked up, and a file that is broken or missing only leaves its own part out.
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
    """What the files name.

    Attributes:
        resources: the kind of every resource by its address, in the order of the files.
        environments: the names of the environments.
    """

    resources: dict[Address, Kind]
    environments: tuple[str, ...]


def outline(sources: Sources, *, environment: str = "", overlays: Sequence[str] = ()) -> Outline:
    """Read what can be read; problems are not told.

    Args:
        sources: the files.
        environment: the environment whose overlays count; one that is not known counts as none.
        overlays: overlays of the command line, relative to the root file's folder.
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
