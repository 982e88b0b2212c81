"""A comparison of two configurations in JSON, typed, with nothing secret in it.

Takes the `Plan` that a comparison made, or the JSON of a comparison, which is hostile input; gives `ComparisonFile`.
It is no plan file, so nothing that was merely compared is ever taken for an approval. Does no I/O.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from reconciler.documents.entries import (
    ChangeEntry,
    GuardEntry,
    OptionsEntry,
    Part,
    SummaryEntry,
    UnmanagedEntry,
    WarningEntry,
)
from reconciler.documents.plan import PlanFile, plan_document
from reconciler.documents.saved import parse_as
from reconciler.planning.plan import Plan
from reconciler.redaction import spelled_out


class SideEntry(Part):
    """One of the two configurations."""

    name: str = Field(description="Its root file, with the ref it was read at, and its environment.")
    account_sid: str = Field(default="", description="The account it is for; empty when it does not say.")
    env: str = Field(default="", description="The environment; empty without one.")
    config_digest: str = Field(description="What the files mean, as a digest.")


class ComparisonFile(Part):
    """What changes if the account is as the first configuration says, and the files become the second."""

    format: Literal["reconciler.diff"] = "reconciler.diff"
    format_version: Literal[1] = 1
    tool_version: str
    before: SideEntry
    after: SideEntry
    one_account: bool = Field(
        description="Whether both are for one account and environment; if not, addresses are compared, nothing judged"
    )
    summary: SummaryEntry
    changes: tuple[ChangeEntry, ...]
    no_longer_managed: tuple[UnmanagedEntry, ...] = Field(
        description="What only the first names, and the second does not delete: the account keeps it."
    )
    warnings: tuple[WarningEntry, ...]
    guards: tuple[GuardEntry, ...] = Field(default=(), description="What would refuse an apply as a whole.")

    @property
    def differs(self) -> bool:
        """Whether the two do not mean the same; guards and fields that are no longer managed count."""
        told = any(warning.code in {"guard-differs", "no-longer-managed"} for warning in self.warnings)
        return bool(self.changes or self.no_longer_managed or told)

    def to_json(self) -> str:
        """The text of the file: indented, in the order of the format, in ASCII, ending in a newline."""
        return spelled_out(self.model_dump_json(indent=2, by_alias=True, ensure_ascii=True)) + "\n"

    def as_plan(self) -> PlanFile:
        """The same as renderers of plans look at it."""
        return PlanFile(
            tool_version=self.tool_version,
            account_sid=self.after.account_sid,
            created_at="",
            config_digest=self.after.config_digest,
            options=OptionsEntry(env=self.after.env),
            summary=self.summary,
            changes=self.changes,
            unmanaged=self.no_longer_managed,
            warnings=self.warnings,
            guards=self.guards,
        )


def comparison_document(
    plan: Plan, before: SideEntry, after: SideEntry, *, one_account: bool, tool_version: str
) -> ComparisonFile:
    """Turn what `reconciler.planning.comparison.compare` made into what may leave the process."""
    shown = plan_document(plan, key=b"", tool_version=tool_version, created_at="")
    return ComparisonFile(
        tool_version=tool_version,
        before=before,
        after=after,
        one_account=one_account,
        summary=shown.summary,
        changes=tuple(map(_without_account, shown.changes)),
        no_longer_managed=shown.unmanaged,
        warnings=shown.warnings,
        guards=shown.guards,
    )


def _without_account(entry: ChangeEntry) -> ChangeEntry:
    """A change without what only an account gives: SIDs, and digests, which serve to compare with a later plan."""
    steps = tuple(
        step.model_copy(update={"sets": {path: _blank(value) for path, value in step.sets.items()}})
        for step in entry.steps
    )
    fields = tuple(
        field.model_copy(update={"before": _blank(field.before), "after": _blank(field.after)})
        for field in entry.fields
    )
    return entry.model_copy(update={"parents": (), "steps": steps, "fields": fields})


def _blank(side: Any) -> Any:
    match side:
        case {"digest": str()}:
            return {**side, "digest": ""}
        case {"ref": str(), "sid": str() | None}:
            return {"ref": side["ref"]}
        case _:
            return side


def parse_comparison(text: str | bytes, name: str) -> ComparisonFile:
    """Read a saved comparison.

    Args:
        text: its content.
        name: what to call it in an error.

    Raises:
        PlanFileError: when it is none, or one of another format version.
    """
    return parse_as(ComparisonFile, text, name, "diff", "reconciler diff --format json")
