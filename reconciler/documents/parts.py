"""The parts that several documents share: places, fields, changes, guards, warnings.

Each refuses unknown keys when it is read, since a saved document is hostile input.
"""

from __future__ import annotations

import dataclasses
from dataclasses import field
from operator import not_
from typing import Literal

from reconciler.change import Standing
from reconciler.documents.base import Part, described, is_none
from reconciler.json_text import Json
from reconciler.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePart(Part):
    """A place in the configuration."""

    file: str = field(metadata=described("The file, as it was given."))
    line: int = field(metadata=described("The line, from 1; 0 if unknown."))
    column: int = field(default=0, metadata=described("The column, from 1; 0 if unknown."))
    via: str = field(
        default="", metadata=described("Where the value came from: a variable, an overlay, or a template.")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class InnerPart(Part):
    """One difference inside a JSON value."""

    path: str = field(metadata=described('The path inside the value: `team`, `tags[0].name`, `["a.b"]`.'))
    kind: Literal["added", "removed", "changed"] = field(metadata=described("Which of the two sides has it."))
    before: Json = field(default=None, metadata=described("The former value, as plain JSON; null if it is added."))
    after: Json = field(default=None, metadata=described("The configured value, as plain JSON; null if it is removed."))


@dataclass(frozen=True, slots=True, kw_only=True)
class SincePart(Part):
    """An entry of the ledger, with which a difference is compared."""

    entry: int = field(metadata=described("Its number; 0 if the baseline is not from the ledger.", ge=0))
    at: str = field(
        metadata=described(
            "When it was written, as ISO 8601 in UTC; empty if unknown.",
            pattern=r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)?$",
        )
    )
    commit: str = field(
        metadata=described(
            "Its source commit, as a full object name; empty if there is none.", pattern="^([0-9a-f]{40,64})?$"
        )
    )


_CLASS = (
    "How the difference stands to the baseline: `pending` (the configuration changed), `newly_declared`, `drifted` "
    "(the account changed), `conflict` (both changed), `unknown`, `removed` (no longer declared), `removed_conflict` "
    "(no longer declared, and the account changed), `up_to_date`. Absent without a baseline."
)
_SINCE = "The entry since which the value was right; for what was removed, the commit that removed it."


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldPart(Part):
    """One field that differs."""

    path: str = field(metadata=described("The field's path, with dots."))
    before: Json = field(metadata=described("The live value, in one of the forms of `reconciler.documents.values`."))
    after: Json = field(metadata=described("The configured value, in the same forms."))
    before_name: str = field(default="", metadata=described("The name of the resource that a live reference names."))
    after_name: str = field(
        default="",
        metadata=described(
            "The name of the live resource that a SID in `after` names; absent if none.", exclude_if=not_
        ),
    )
    sensitive: bool = field(metadata=described("Whether the values are hidden."))
    forces_replacement: bool = field(metadata=described("Whether this makes the change a replace."))
    source: SourcePart | None = field(metadata=described("Where the configuration sets it."))
    before_source: SourcePart | None = field(
        default=None,
        metadata=described(
            "Where another configuration sets the former value; absent if the account does.", exclude_if=is_none
        ),
    )
    inside: tuple[InnerPart, ...] = field(default=(), metadata=described("For JSON, the differences inside it."))
    standing: Standing = field(default="", metadata=described(_CLASS, alias="class", exclude_if=not_))
    since: SincePart | None = field(default=None, metadata=described(_SINCE, exclude_if=is_none))
    returns: bool = field(
        default=False,
        metadata=described(
            "Whether the configuration no longer declares the field, and `after` is what it returns to.",
            exclude_if=not_,
        ),
    )
    adopted: bool = field(
        default=False,
        metadata=described("Whether `after` is the value from before the field was managed.", exclude_if=not_),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPart(Part):
    """One API call."""

    id: str = field(metadata=described("Unique in the plan."))
    op: Literal["create", "update", "delete"] = field(metadata=described("The operation."))
    needs: tuple[str, ...] = field(metadata=described("The steps that must succeed first."))
    address: str = field(
        default="",
        metadata=described("The resource it writes to, if that is not the resource of the change.", exclude_if=not_),
    )
    sets: dict[str, Json] = field(
        default_factory=dict,
        metadata=described("The values it sends besides the fields of the change, by field.", exclude_if=not_),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardPart(Part):
    """Why a change is refused or withheld."""

    name: str = field(metadata=described("The name of the guard."))
    verdict: Literal["refused", "withheld"] = field(
        metadata=described("Stops the apply, or leaves this change out of it.")
    )
    message: str = field(metadata=described("What is protected, and what to do."))
    only_delete: bool = field(default=False, metadata=described("Whether only the old resource of a replace is kept."))
    holders: tuple[str, ...] = field(default=(), metadata=described("All users who hold the role.", exclude_if=not_))
    fix: str = field(default="", metadata=described("YAML for the configuration that resolves it.", exclude_if=not_))
    only_fields: tuple[str, ...] = field(
        default=(), metadata=described("The fields that alone are withheld; the others are written.", exclude_if=not_)
    )

    @property
    def is_partial(self) -> bool:
        """Whether it withholds only the last step of a change."""
        return self.only_delete or bool(self.only_fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class TallyPart(Part):
    """One number of an impact."""

    number: int = field(metadata=described("How many there are, as far as they were counted."))
    at_least: bool = field(default=False, metadata=described("Whether there may be more than were counted."))
    noun: str = field(metadata=described("What it counts, in the singular."))
    why_unknown: str = field(
        default="", metadata=described("Why they could not be counted; absent if they were.", exclude_if=not_)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactPart(Part):
    """What a delete destroys or affects, when the plan was made. An approved plan may differ in it."""

    counts: dict[str, TallyPart] = field(
        default_factory=dict, metadata=described("The numbers, by the names that `at_most` of an approval takes.")
    )
    last_message: str = field(
        default="", metadata=described("The time of the newest message; absent if unknown.", exclude_if=not_)
    )
    holders: tuple[str, ...] = field(
        default=(), metadata=described("Those who have the role until then.", exclude_if=not_)
    )
    diverted: str = field(default="", metadata=described("Where inbound messages go instead.", exclude_if=not_))


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStepsPart(Part):
    """What to do about one finding of a drift or a plan: each a command, or YAML, or empty."""

    accept: str = field(metadata=described("The command, or YAML, that makes the configuration match the account."))
    revert: str = field(
        metadata=described(
            "The command that applies the configured value; for an undeclared setting, YAML that clears it. "
            "Empty if an apply does not change it."
        )
    )
    ignore: str = field(metadata=described("YAML that hides the finding, or the command that leaves it out."))
    approve: str = field(
        default="",
        metadata=described(
            "The command that applies a refused or withheld change nevertheless, or YAML that approves it.",
            exclude_if=not_,
        ),
    )
    forget: str = field(
        default="",
        metadata=described(
            "YAML that keeps what is no longer declared as it is, and stops managing it.", exclude_if=not_
        ),
    )
    delete: str = field(default="", metadata=described("YAML that deletes an unmanaged resource.", exclude_if=not_))
    by_hand: str = field(
        default="",
        metadata=described(
            "What `accept` refuses, such as sensitive values: each with the reason, the place, and what to change.",
            exclude_if=not_,
        ),
    )


_NEXT_STEPS = "What to do about it; absent if there is nothing to do, or if the command that ran is unknown."


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePart(Part):
    """A change of one resource."""

    address: str = field(metadata=described("The resource's address."))
    kind: str = field(metadata=described("The resource's kind."))
    action: Literal["create", "update", "replace", "delete"] = field(metadata=described("The action."))
    sid: str | None = field(metadata=described("The live resource; null if there is none yet."))
    name: str = field(metadata=described("The natural key; empty for a singleton."))
    service: str = field(default="", metadata=described("The name of its service; empty at the top of the account."))
    parents: tuple[str | None, ...] = field(
        metadata=described(
            "The SIDs of the resources that contain it, outermost first; null for one that this plan creates."
        )
    )
    fields: tuple[FieldPart, ...] = field(metadata=described("The fields that differ."))
    steps: tuple[StepPart, ...] = field(metadata=described("The API calls, in order."))
    reason: str = field(metadata=described("The reason, as a short phrase."))
    risk: Literal["low", "medium", "high"] = field(metadata=described("The risk."))
    consequences: tuple[str, ...] = field(default=(), metadata=described("The effects that a reviewer must judge."))
    impact: ImpactPart | None = field(
        default=None,
        metadata=described(
            "What its delete destroys or affects; absent if it deletes nothing. Not part of the approval.",
            exclude_if=is_none,
        ),
    )
    guard: GuardPart | None = field(metadata=described("Why it is refused or withheld; null if it is not."))
    source: SourcePart | None = field(default=None, metadata=described("Where the configuration declares it."))
    standing: Standing = field(default="", metadata=described(_CLASS, alias="class", exclude_if=not_))
    since: SincePart | None = field(default=None, metadata=described(_SINCE, exclude_if=is_none))
    next_steps: NextStepsPart | None = field(default=None, metadata=described(_NEXT_STEPS, exclude_if=is_none))


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmanagedPart(Part):
    """A live resource that the configuration does not declare."""

    address: str = field(metadata=described("Its address, with SIDs for undeclared resources."))
    kind: str = field(metadata=described("Its kind."))
    sid: str = field(metadata=described("Its SID."))
    name: str = field(metadata=described("Its natural key."))
    is_default: bool = field(
        default=False,
        metadata=described(
            "Whether it is the account's default service, which is never deleted; absent if false.", exclude_if=not_
        ),
    )
    next_steps: NextStepsPart | None = field(default=None, metadata=described(_NEXT_STEPS, exclude_if=is_none))
    first_seen: str = field(
        default="",
        metadata=described("When a run with `--history` first found it; absent if unknown.", exclude_if=not_),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UndeclaredPart(Part):
    """A live setting of the account or of a declared service that the configuration does not declare."""

    address: str = dataclasses.field(metadata=described("The address of the block that could declare it."))
    kind: str = dataclasses.field(metadata=described("The kind of that block."))
    service: str = dataclasses.field(
        default="", metadata=described("The name of its service; empty for the account's settings.")
    )
    field: str = dataclasses.field(metadata=described("The field's path, with dots."))
    account: Json = dataclasses.field(metadata=described("The live value, in one of the forms of a plan file."))
    account_name: str = dataclasses.field(
        default="", metadata=described("The name of the resource that a live reference names.")
    )
    sensitive: bool = dataclasses.field(metadata=described("Whether the value is hidden."))
    risk: Literal["low", "medium", "high"] = dataclasses.field(
        metadata=described("High for a URL that can reject messages.")
    )
    meaning: str = dataclasses.field(metadata=described("What the setting does."))
    clearable: bool = dataclasses.field(metadata=described("Whether `null` or `sealed: true` can clear it."))
    next_steps: NextStepsPart | None = dataclasses.field(
        default=None, metadata=described(_NEXT_STEPS, exclude_if=is_none)
    )
    first_seen: str = dataclasses.field(
        default="",
        metadata=described("When a run with `--history` first found it; absent if unknown.", exclude_if=not_),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningPart(Part):
    """A warning or a notice."""

    code: str = field(metadata=described("A stable name."))
    severity: Literal["warning", "notice"] = field(
        default="warning",
        metadata=described(
            "A notice is about a part of the configuration that is no longer needed.",
            exclude_if=lambda severity: severity == "warning",
        ),
    )
    message: str = field(metadata=described("What is doubtful."))
    hint: str = field(default="", metadata=described("How to fix it."))
    fix: str = field(
        default="",
        metadata=described(
            "What to paste instead of what was written: an option of a command, or YAML. Absent if unknown.",
            exclude_if=not_,
        ),
    )
    address: str = field(default="", metadata=described("The address of the resource."))
    source: SourcePart | None = field(default=None, metadata=described("The place in the configuration."))


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoPart(Part):
    """The report whose apply is undone."""

    report: str = field(metadata=described("The path of its file, relative to the folder of the plan file."))
    digest: str = field(metadata=described("`sha256:` and the SHA-256 digest of the file."))
    is_empty: bool = field(default=False, metadata=described("Whether that apply changed nothing.", exclude_if=not_))


@dataclass(frozen=True, slots=True, kw_only=True)
class IrreversiblePart(Part):
    """A part of an apply that cannot be undone."""

    address: str = field(metadata=described("The resource's address."))
    message: str = field(metadata=described("What remains different, and why."))


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionsPart(Part):
    """The options that the plan was made with."""

    env: str = field(metadata=described("The environment; empty for none."))
    target: tuple[str, ...] = field(default=(), metadata=described("The addresses of `--target`."))
    exclude: tuple[str, ...] = field(default=(), metadata=described("The addresses of `--exclude`."))
    approved: tuple[str, ...] = field(default=(), metadata=described("The approvals of `--approve`: [ACTION:]ADDRESS."))
    rotate: tuple[str, ...] = field(default=(), metadata=described("The addresses of `--rotate`."))
    baseline: str = field(
        default="", metadata=described("The value of `--baseline`; absent for the ledger's.", exclude_if=not_)
    )
    ours: bool = field(default=False, metadata=described("Whether `--ours` was given.", exclude_if=not_))
    undo: UndoPart | None = field(
        default=None,
        metadata=described(
            "The report whose apply it undoes; absent if it applies the configuration.", exclude_if=is_none
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryPart(Part):
    """The number of changes by action, and of other resources."""

    create: int
    update: int
    replace: int
    delete: int
    no_op: int = field(metadata=described("Resources that match the configuration.", alias="no-op"))
    unmanaged: int = field(metadata=described("Live resources that the configuration does not declare."))
    withheld: int = field(metadata=described("Changes that a guard withholds; not counted above."))
