"""Lists the findings of a drift, one for each field or resource, without values.

Takes a drift; returns findings in its order. Does no I/O.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from reconciler.documents.drift import Difference, DriftFile


class Finding(NamedTuple):
    """One finding.

    Attributes:
        address: The address of the resource.
        field: The path of the field; empty for a finding about the whole resource.
        kind: The kind of the resource.
        standing: Its class to the baseline; without one, ``differs``, ``missing``, or ``unwanted``. ``unmanaged`` and
            ``undeclared`` for what is not declared.
    """

    address: str
    field: str
    kind: str
    standing: str


def findings(drift: DriftFile) -> tuple[Finding, ...]:
    """List the findings of a drift, pending changes included."""
    return (
        *_differences(drift.differences),
        *_differences(drift.pending),
        *(Finding(part.address, "", part.kind, "unmanaged") for part in drift.unmanaged),
        *(Finding(part.address, part.field, part.kind, "undeclared") for part in drift.undeclared_settings),
    )


def _differences(parts: Sequence[Difference]) -> Iterator[Finding]:
    for part in parts:
        if part.state != "differs" or part.standing or not part.fields:
            yield Finding(part.address, "", part.kind, part.standing or part.state)
            continue
        for field in part.fields:
            yield Finding(part.address, field.path, part.kind, field.standing or part.state)
