"""The history of drift: when each finding was first seen, last seen, and gone, without values.

Contains rows of the history file; returns JSON. Does no I/O.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import field
from operator import not_
from typing import Literal

from reconciler.documents.base import Part, described
from reconciler.documents.writing import to_text
from reconciler.lazy_dataclass import dataclass

TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"
_TIME_OR_EMPTY = r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)?$"


@dataclass(frozen=True, slots=True, kw_only=True)
class SightingPart(Part):
    """One finding over time."""

    account_sid: str = dataclasses.field(metadata=described("The account."))
    env: str = dataclasses.field(metadata=described("The environment; empty for none."))
    address: str = dataclasses.field(metadata=described("The resource's address."))
    field: str = dataclasses.field(
        metadata=described("The field's path; empty for a finding about the whole resource.")
    )
    kind: str = dataclasses.field(metadata=described("The resource's kind."))
    standing: str = dataclasses.field(
        metadata=described(
            "Its class to the baseline; without one `differs`, `missing`, or `unwanted`. `unmanaged` or "
            "`undeclared` for what is not declared.",
            alias="class",
        )
    )
    first_seen: str = dataclasses.field(
        metadata=described("When a run first found it, as ISO 8601 in UTC.", pattern=TIME)
    )
    last_seen: str = dataclasses.field(metadata=described("When a run last found it.", pattern=TIME))
    gone: str = dataclasses.field(
        metadata=described("When a run first did not find it again; empty until then.", pattern=_TIME_OR_EMPTY)
    )
    notified: Mapping[str, str] = dataclasses.field(
        default_factory=dict,
        metadata=described(
            "When a run last reported it as new or due, by the run's `--format`: chat, json, github; absent if none "
            "did. Each of them counts for itself.",
            exclude_if=not_,
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftLogFile(Part):
    """The findings of all runs with the same history file."""

    format: Literal["reconciler.drift-log"] = "reconciler.drift-log"
    format_version: Literal[1] = 1
    findings: tuple[SightingPart, ...] = field(
        metadata=described("Those that remain first, then by the time of first sight.")
    )

    def to_json(self) -> str:
        """Render the document as indented ASCII that ends in a newline."""
        return to_text(self, indent=2) + "\n"
