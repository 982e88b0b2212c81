"""The comparison document: how two configurations differ, without secrets.

Takes a `Comparison`, or the JSON of one, which is hostile input; returns `ComparisonFile`. It has no steps, digests, or
parents, so that no comparison can be mistaken for an approval. Does no I/O.
"""

from __future__ import annotations

from dataclasses import field
from operator import not_
from typing import Literal

from reconciler.change import Change
from reconciler.documents.base import Part, described
from reconciler.documents.parts import (
    FieldPart,
    GuardPart,
    SourcePart,
    SummaryPart,
    UnmanagedPart,
    WarningPart,
)
from reconciler.documents.saved import parse_as
from reconciler.documents.values import Mask, ValueForms, guard_part, source_part, warning_part
from reconciler.documents.writing import to_text
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.comparison import Comparison
from reconciler.redaction import spelled_out


@dataclass(frozen=True, slots=True, kw_only=True)
class SidePart(Part):
    """One of the two configurations."""

    name: str = field(metadata=described("Its root file, with the git ref and the environment."))
    account_sid: str = field(default="", metadata=described("The account it is for; empty if it declares none."))
    env: str = field(default="", metadata=described("The environment; empty for none."))
    config_digest: str = field(metadata=described("A digest of the configuration's meaning."))


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedChange(Part):
    """A change from the first configuration to the second."""

    address: str = field(metadata=described("The resource's address."))
    kind: str = field(metadata=described("The resource's kind."))
    action: Literal["create", "update", "replace", "delete"] = field(metadata=described("The action."))
    sid: str | None = field(metadata=described("The SID that the resource is pinned to; null for none."))
    name: str = field(metadata=described("The natural key; empty for a singleton."))
    service: str = field(default="", metadata=described("The name of its service; empty at the top of the account."))
    fields: tuple[FieldPart, ...] = field(metadata=described("The fields that differ."))
    reason: str = field(metadata=described("The reason, as a short phrase."))
    risk: Literal["low", "medium", "high"] = field(metadata=described("The risk."))
    consequences: tuple[str, ...] = field(default=(), metadata=described("The effects that a reviewer must judge."))
    guard: GuardPart | None = field(
        metadata=described("Why an apply would refuse or withhold it; null if it would not.")
    )
    source: SourcePart | None = field(
        default=None, metadata=described("The place in the second configuration that declares it.")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonFile(Part):
    """The changes that an apply of the second configuration would make if the account matched the first."""

    format: Literal["reconciler.diff"] = "reconciler.diff"
    format_version: Literal[1] = 1
    tool_version: str
    before: SidePart
    after: SidePart
    one_account: bool = field(
        metadata=described(
            "Whether both are for one account and environment; if not, addresses are compared, without risk."
        )
    )
    summary: SummaryPart
    changes: tuple[ComparedChange, ...]
    no_longer_managed: tuple[UnmanagedPart, ...] = field(
        metadata=described(
            "Resources that only the first configuration declares: the account keeps them, unless `removes` is true."
        )
    )
    removes: bool = field(
        default=False,
        metadata=described(
            "Whether the second configuration has a ledger, so that an apply removes what it no longer declares, as "
            "the plan shows; absent if false.",
            exclude_if=not_,
        ),
    )
    warnings: tuple[WarningPart, ...]
    guards: tuple[GuardPart, ...] = field(
        default=(), metadata=described("Guards that would refuse an apply as a whole.")
    )

    @property
    def differs(self) -> bool:
        """Whether the two differ in meaning, including guards and fields that are no longer managed."""
        is_warned = any(warning.code in {"guard-differs", "no-longer-managed"} for warning in self.warnings)
        return bool(self.changes or self.no_longer_managed or is_warned)

    def to_json(self) -> str:
        """Render the document as indented ASCII that ends in a newline."""
        return spelled_out(to_text(self, indent=2)) + "\n"


def comparison_document(
    comparison: Comparison, before: SidePart, after: SidePart, *, tool_version: str
) -> ComparisonFile:
    """Turn a comparison into a document without secrets.

    Args:
        comparison: the comparison.
        before: describes the first configuration.
        after: describes the second one.
        tool_version: this program's version.
    """
    mask = Mask()
    actions = [change.action for change in comparison.changes if not change.is_withheld]
    return ComparisonFile(
        tool_version=tool_version,
        before=before,
        after=after,
        one_account=comparison.one_account,
        summary=SummaryPart(
            create=actions.count("create"),
            update=actions.count("update"),
            replace=actions.count("replace"),
            delete=actions.count("delete"),
            no_op=comparison.unchanged,
            unmanaged=len(comparison.no_longer_managed),
            withheld=len(comparison.changes) - len(actions),
        ),
        changes=tuple(_change(change, mask) for change in comparison.changes),
        no_longer_managed=tuple(
            UnmanagedPart(address=str(item.address), kind=item.kind.name, sid=item.sid, name=item.name)
            for item in comparison.no_longer_managed
        ),
        removes=comparison.removes,
        warnings=tuple(warning_part(problem, mask) for problem in comparison.warnings),
        guards=tuple(guard_part(guard, mask) for guard in comparison.refusals),
    )


def _change(change: Change, mask: Mask) -> ComparedChange:
    forms = ValueForms(str(change.address), mask)
    return ComparedChange(
        address=str(change.address),
        kind=change.kind.name,
        action=change.action,
        sid=change.sid,
        name=change.name,
        service=change.service,
        fields=tuple(forms.field(item) for item in change.fields),
        reason=change.reason,
        risk=change.risk,
        consequences=change.consequences,
        guard=guard_part(change.guard, mask) if change.guard is not None else None,
        source=source_part(change.source),
    )


def parse_comparison(text: str | bytes, name: str) -> ComparisonFile:
    """Parse a saved comparison.

    Args:
        text: its text.
        name: what to call it in an error, usually its file.

    Raises:
        PlanFileError: it is not a comparison, or one of another format version.
    """
    return parse_as(ComparisonFile, text, name, "diff", "reconciler diff --format json")
