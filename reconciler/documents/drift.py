"""The drift document: how an account differs from its configuration, without secrets.

Takes the `PlanFile` that would remove the differences, or the JSON of a drift, which is hostile input; returns
`DriftFile`. A resource that the plan would create is missing, and so are the settings and built-in roles of a missing
service, which the plan would update; a resource that it would delete is unwanted. Does no I/O.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from operator import not_
from typing import Literal, TypeAlias

from reconciler.change import Action, Standing
from reconciler.documents.base import Part, described, is_none
from reconciler.documents.drift_log import SightingPart
from reconciler.documents.parts import (
    ChangePart,
    FieldPart,
    GuardPart,
    InnerPart,
    NextStepsPart,
    SincePart,
    SourcePart,
    UndeclaredPart,
    UnmanagedPart,
    WarningPart,
)
from reconciler.documents.plan import PlanFile
from reconciler.documents.saved import parse_as
from reconciler.documents.writing import to_text
from reconciler.json_text import Json
from reconciler.lazy_dataclass import dataclass
from reconciler.redaction import spelled_out

DriftState: TypeAlias = Literal["missing", "differs", "unwanted"]

NOT_DRIFT: frozenset[Standing] = frozenset({"pending", "newly_declared", "removed"})
"""Differences that a change of the configuration explains: it was merged, and not applied yet."""

LONGEST_ADDRESS = 10_000
"""Characters; a longer text is not an address."""
_LASTING = frozenset({"final", "prevent_create", "prevent_destroy", "built_in", "default_service"})
"""Guards that withhold a change until the configuration changes."""
_STATES: Mapping[Action, DriftState] = {
    "create": "missing",
    "update": "differs",
    "replace": "differs",
    "delete": "unwanted",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InnerDrift(Part):
    """One difference inside a JSON value."""

    path: str = field(metadata=described('The path inside the value: `team`, `tags[0].name`, `["a.b"]`.'))
    only_in: Literal["", "files", "account"] = field(
        default="", metadata=described("The side that has it; empty for both.")
    )
    files: Json = field(default=None, metadata=described("The configured value, as plain JSON; null if there is none."))
    account: Json = field(default=None, metadata=described("The live value, as plain JSON; null if there is none."))


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftField(Part):
    """One field that differs."""

    path: str = field(metadata=described("The field's path, with dots."))
    files: Json = field(metadata=described("The configured value, in one of the forms of a plan file."))
    account: Json = field(metadata=described("The live value, in the same forms."))
    account_name: str = field(default="", metadata=described("The name of the resource that a live reference names."))
    sensitive: bool = field(metadata=described("Whether the values are hidden."))
    immutable: bool = field(default=False, metadata=described("Whether only a replace could change it."))
    source: SourcePart | None = field(metadata=described("Where the configuration sets it."))
    inside: tuple[InnerDrift, ...] = field(default=(), metadata=described("For JSON, the differences inside it."))
    standing: Standing = field(
        default="",
        metadata=described(
            "How the difference stands to the baseline; absent without one. See the plan's schema.",
            alias="class",
            exclude_if=not_,
        ),
    )
    since: SincePart | None = field(
        default=None,
        metadata=described(
            "The entry since which the value was right; for what was removed, the commit that removed it.",
            exclude_if=is_none,
        ),
    )
    owners: tuple[str, ...] = field(
        default=(),
        metadata=described(
            "The owners of the file that sets it, by the repository's CODEOWNERS; absent if none.", exclude_if=not_
        ),
    )
    first_seen: str = field(
        default="",
        metadata=described("When a run with `--history` first found it; absent if unknown.", exclude_if=not_),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference(Part):
    """A resource that differs from the configuration."""

    address: str = field(metadata=described("The resource's address."))
    kind: str = field(metadata=described("The resource's kind."))
    state: DriftState = field(metadata=described("Missing in the account, different, or live and to be deleted."))
    sid: str | None = field(metadata=described("The live resource; null if there is none."))
    name: str = field(metadata=described("The natural key; empty for a singleton."))
    service: str = field(default="", metadata=described("The name of its service; empty at the top of the account."))
    risk: Literal["low", "medium", "high"] = field(
        default="low", metadata=described("The risk of the change that would remove the difference.")
    )
    effects: tuple[str, ...] = field(
        default=(),
        metadata=described(
            "The effects of that change; absent if there are none, and if no apply makes it.", exclude_if=not_
        ),
    )
    fields: tuple[DriftField, ...] = field(metadata=described("The fields that differ."))
    withheld: str = field(
        default="", metadata=described("Why no apply removes the difference; absent if one does.", exclude_if=not_)
    )
    source: SourcePart | None = field(default=None, metadata=described("Where the configuration declares it."))
    standing: Standing = field(
        default="",
        metadata=described(
            "How the resource as a whole stands to the baseline; absent if only fields differ.",
            alias="class",
            exclude_if=not_,
        ),
    )
    since: SincePart | None = field(
        default=None,
        metadata=described(
            "The entry since which it was as declared, or the commit that removed it.", exclude_if=is_none
        ),
    )
    owners: tuple[str, ...] = field(
        default=(),
        metadata=described(
            "The owners of the file that declares it, by the repository's CODEOWNERS; absent if none.", exclude_if=not_
        ),
    )
    next_steps: NextStepsPart | None = field(
        default=None,
        metadata=described(
            "How to accept, revert, or ignore all of it; absent if the command that ran is unknown.", exclude_if=is_none
        ),
    )
    first_seen: str = field(
        default="",
        metadata=described("When a run with `--history` first found it; absent if unknown.", exclude_if=not_),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftSummary(Part):
    """The number of resources by state."""

    differs: int
    missing: int
    unwanted: int
    unmanaged: int = field(metadata=described("Live resources that the configuration does not declare."))
    undeclared_settings: int = field(
        default=0,
        metadata=described(
            "Live settings of the account and of declared services that the configuration does not declare."
        ),
    )
    equal: int = field(metadata=described("Resources that match the configuration."))
    pending: int = field(
        default=0,
        metadata=described(
            "Resources with changes that were merged and not applied yet; they are not drift.", exclude_if=not_
        ),
    )
    unreadable: int = field(
        default=0,
        metadata=described(
            "Collections that could not be read; the other numbers do not include what they contain.", exclude_if=not_
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftFile(Part):
    """The differences between an account and its configuration."""

    format: Literal["reconciler.drift"] = "reconciler.drift"
    format_version: Literal[1] = 1
    tool_version: str
    account_sid: str
    created_at: str = field(metadata=described("When the account was read."))
    config_digest: str = field(metadata=described("A digest of the configuration's meaning."))
    env: str = field(metadata=described("The environment; empty for none."))
    target: tuple[str, ...] = field(default=(), metadata=described("The addresses of `--target`.", exclude_if=not_))
    exclude: tuple[str, ...] = field(default=(), metadata=described("The addresses of `--exclude`.", exclude_if=not_))
    summary: DriftSummary
    differences: tuple[Difference, ...]
    pending: tuple[Difference, ...] = field(
        default=(),
        metadata=described(
            "Changes of the configuration since the baseline that no apply has made yet.", exclude_if=not_
        ),
    )
    baseline: SincePart | None = field(
        default=None,
        metadata=described(
            "The configuration that was applied last, with which both sides were compared.", exclude_if=is_none
        ),
    )
    unmanaged: tuple[UnmanagedPart, ...]
    undeclared_settings: tuple[UndeclaredPart, ...] = field(
        default=(),
        metadata=described(
            "Live settings of the account and of declared services that the configuration does not declare: "
            "first URLs that can reject messages, then other URLs, then the rest."
        ),
    )
    not_compared: tuple[str, ...] = field(default=(), metadata=described("Write-only values, which were not compared."))
    unlisted: tuple[str, ...] = field(
        default=(),
        metadata=described(
            "Collections whose undeclared resources were not compared, because they are not pruned.", exclude_if=not_
        ),
    )
    unsearched: tuple[str, ...] = field(
        default=(),
        metadata=described(
            "Top-level collections that were not searched for unmanaged resources, because the configuration "
            "declares nothing in them.",
            exclude_if=not_,
        ),
    )
    left_out: tuple[str, ...] = field(
        default=(), metadata=described("Declared resources that `--target` or `--exclude` omits.", exclude_if=not_)
    )
    warnings: tuple[WarningPart, ...]
    acknowledged: int = field(
        default=0, metadata=described("The number of acknowledged warnings; they are not listed.", exclude_if=not_)
    )
    requests: int = field(default=0, metadata=described("The number of requests; absent if unknown.", exclude_if=not_))
    to_notify: int | None = field(
        default=None,
        metadata=described(
            "The number of findings that are new, or due for a reminder; absent without `--history`.",
            exclude_if=is_none,
        ),
    )
    history: tuple[SightingPart, ...] = field(
        default=(),
        metadata=described(
            "The findings of this and earlier runs with the same `--history`, at most 500.", exclude_if=not_
        ),
    )
    unreadable: tuple[WarningPart, ...] = field(
        default=(),
        metadata=described("Collections that could not be read, with the resources that could not be compared."),
    )

    def to_json(self) -> str:
        """Render the document as indented ASCII that ends in a newline."""
        return spelled_out(to_text(self, indent=2)) + "\n"


def drift_document(plan: PlanFile, undeclared: Sequence[UndeclaredPart] = ()) -> DriftFile:
    """Describe the drift that a plan would remove.

    Args:
        plan: the plan.
        undeclared: live settings that are not declared, which no plan changes.
    """
    missing = frozenset(part.address for part in plan.changes if _STATES[part.action] == "missing")
    differences: list[Difference] = []
    pending: list[Difference] = []
    for part in plan.changes:
        found = _difference(part, missing)
        drifted, merged = _split(found)
        differences += [drifted] if drifted is not None else []
        pending += [merged] if merged is not None else []
    states = Counter(part.state for part in differences)
    return DriftFile(
        tool_version=plan.tool_version,
        account_sid=plan.account_sid,
        created_at=plan.created_at,
        config_digest=plan.config_digest,
        env=plan.options.env,
        target=plan.options.target,
        exclude=plan.options.exclude,
        summary=DriftSummary(
            differs=states["differs"],
            missing=states["missing"],
            unwanted=states["unwanted"],
            unmanaged=len(plan.unmanaged),
            undeclared_settings=len(undeclared),
            equal=plan.summary.no_op,
            pending=len(pending),
            unreadable=len(plan.unreadable),
        ),
        differences=tuple(differences),
        pending=tuple(pending),
        baseline=plan.baseline,
        unmanaged=plan.unmanaged,
        undeclared_settings=tuple(undeclared),
        not_compared=plan.unverified,
        unlisted=plan.unlisted,
        unsearched=plan.unsearched,
        left_out=plan.left_out,
        warnings=plan.warnings,
        acknowledged=plan.acknowledged,
        unreadable=plan.unreadable,
    )


def missing_above(address: str, missing: frozenset[str]) -> str:
    """Return the outermost missing resource that contains an address; empty if none does."""
    if len(address) > LONGEST_ADDRESS:
        return ""
    ends = (end for end, character in enumerate(address) if character in ".[")
    return next((address[:end] for end in ends if address[:end] in missing), "")


def _difference(part: ChangePart, missing: frozenset[str]) -> Difference:
    state, withheld = _STATES[part.action], _withheld(part.guard)
    if state == "differs" and missing_above(part.address, missing):
        state = "missing"  # a setting of a missing service, or a role that Twilio creates in it
    return Difference(
        address=part.address,
        kind=part.kind,
        state=state,
        sid=part.sid,
        name=part.name,
        service=part.service,
        risk=part.risk,
        effects=() if withheld else part.consequences,
        fields=tuple(map(_field, part.fields)),
        withheld=withheld,
        source=part.source,
        standing=part.standing,
        since=part.since,
    )


def _withheld(guard: GuardPart | None) -> str:
    return guard.message if guard is not None and guard.name in _LASTING and not guard.is_partial else ""


def _split(part: Difference) -> tuple[Difference | None, Difference | None]:
    """Split a difference into what drifted and what is pending; None for a part that is empty."""
    if part.standing or not any(field.standing for field in part.fields):
        return (None, part) if part.standing in NOT_DRIFT else (part, None)
    merged = tuple(field for field in part.fields if field.standing in NOT_DRIFT)
    drifted = tuple(field for field in part.fields if field.standing not in NOT_DRIFT)
    return (
        replace(part, fields=drifted) if drifted else None,
        replace(part, fields=merged) if merged else None,
    )


def _field(part: FieldPart) -> DriftField:
    return DriftField(
        path=part.path,
        files=part.after,
        account=part.before,
        account_name=part.before_name,
        sensitive=part.sensitive,
        immutable=part.forces_replacement,
        source=part.source,
        inside=tuple(map(_inner, part.inside)),
        standing=part.standing,
        since=part.since,
    )


_ONLY_IN: Mapping[str, Literal["", "files", "account"]] = {"added": "files", "removed": "account", "changed": ""}


def _inner(part: InnerPart) -> InnerDrift:
    return InnerDrift(path=part.path, only_in=_ONLY_IN[part.kind], files=part.after, account=part.before)


def parse_drift(text: str | bytes, name: str) -> DriftFile:
    """Parse a saved drift.

    Args:
        text: its text.
        name: what to call it in an error, usually its file.

    Raises:
        PlanFileError: it is not a drift, or one of another format version.
    """
    return parse_as(DriftFile, text, name, "drift", "reconciler drift --format json")
