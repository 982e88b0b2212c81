"""Adds to each finding of a drift when it was first seen.

Takes a drift and rows of its history; returns a drift. Does no I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reconciler.documents.drift import Difference, DriftFile
from reconciler.documents.drift_log import SightingPart


def with_sightings(drift: DriftFile, rows: Sequence[SightingPart], *, to_notify: int) -> DriftFile:
    """Return a drift with its history.

    Args:
        drift: The drift.
        rows: The history of its account and environment.
        to_notify: The number of findings that are new, or due for a reminder.
    """
    since: dict[tuple[str, str], str] = {(row.address, row.field): row.first_seen for row in rows if not row.gone}

    def seen(part: Difference) -> Difference:
        fields = tuple(replace(field, first_seen=since.get((part.address, field.path), "")) for field in part.fields)
        return replace(part, first_seen=since.get((part.address, ""), ""), fields=fields)

    return replace(
        drift,
        differences=tuple(map(seen, drift.differences)),
        unmanaged=tuple(replace(part, first_seen=since.get((part.address, ""), "")) for part in drift.unmanaged),
        undeclared_settings=tuple(
            replace(part, first_seen=since.get((part.address, part.field), "")) for part in drift.undeclared_settings
        ),
        history=tuple(rows),
        to_notify=to_notify,
    )
