"""The history of drift: when each finding was first seen, last seen, and gone, without values.

Contains rows of the history file; returns JSON. Does no I/O.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reconciler.documents.parts import Part

TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"
_TIME_OR_EMPTY = r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)?$"


class SightingPart(Part):
    """One finding over time."""

    account_sid: str = Field(description="The account.")
    env: str = Field(description="The environment; empty for none.")
    address: str = Field(description="The resource's address.")
    field: str = Field(description="The field's path; empty for a finding about the whole resource.")
    kind: str = Field(description="The resource's kind.")
    standing: str = Field(
        alias="class",
        description="Its class to the baseline; without one `differs`, `missing`, or `unwanted`. `unmanaged` or "
        "`undeclared` for what is not declared.",
    )
    first_seen: str = Field(pattern=TIME, description="When a run first found it, as ISO 8601 in UTC.")
    last_seen: str = Field(pattern=TIME, description="When a run last found it.")
    gone: str = Field(pattern=_TIME_OR_EMPTY, description="When a run first did not find it again; empty until then.")
    notified: str = Field(
        default="",
        pattern=_TIME_OR_EMPTY,
        exclude_if=lambda text: not text,
        description="When a run last counted it as new or as due for a reminder; absent if unknown.",
    )


class DriftLogFile(Part):
    """The findings of all runs with the same history file."""

    format: Literal["reconciler.drift-log"] = "reconciler.drift-log"
    format_version: Literal[1] = 1
    findings: tuple[SightingPart, ...] = Field(description="Those that remain first, then by the time of first sight.")

    def to_json(self) -> str:
        """Render the document as indented ASCII that ends in a newline."""
        return self.model_dump_json(indent=2, ensure_ascii=True) + "\n"
