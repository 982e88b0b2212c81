"""Rows: the data that every renderer lays out, for a plan, a drift, or a comparison.

Frozen data in the terms of a change: an address, an action, both sides of each field. Texts in rows are unescaped,
hostile ones included; each renderer escapes them for its medium. `reconciler.render.view` builds rows from documents.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import field
from typing import Literal, TypeAlias

from reconciler.change import Action, Standing
from reconciler.json_text import Json
from reconciler.kinds.markers import Risk
from reconciler.lazy_dataclass import dataclass
from reconciler.render.line_diff import DiffLine, line_diff

FieldMark = Literal["+", "~", "-", "↩"]
KNOWN_LATER = "known after apply"
"""The reason of a side that is unknown because its resource does not exist yet."""
_NESTED = (dict, list, tuple)


# --- one side of a field ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Nothing:
    """No value."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A plain JSON value."""

    value: Json


@dataclass(frozen=True, slots=True)
class Pointer:
    """A reference to another resource.

    Attributes:
        address: its address; empty if only its SID is known.
        name: its name; may be empty.
        sid: its SID; empty if only the address is known.
        pending: whether its SID is known only after the apply.
    """

    address: str = ""
    name: str = ""
    sid: str = ""
    pending: bool = False


@dataclass(frozen=True, slots=True)
class Hidden:
    """A sensitive value.

    Attributes:
        secret: the names of the secrets that it comes from; may be empty.
        pending: whether one of them is not set.
        shown: a URL with its secret parts masked; empty if no part of the value may be shown.
        differs: whether it differs from the former value in masked parts only.
    """

    secret: str = ""
    pending: bool = False
    shown: str = ""
    differs: bool = False


@dataclass(frozen=True, slots=True)
class Unclear:
    """A value that is unknown until apply."""

    reason: str


Side: TypeAlias = Nothing | Plain | Pointer | Hidden | Unclear


@dataclass(frozen=True, slots=True)
class SinceRow:
    """The entry of the ledger that a standing refers to, or a commit if `entry` is 0."""

    entry: int
    at: str
    commit: str


NextSteps: TypeAlias = tuple[tuple[str, str], ...]
"""The ways out of a finding: for each, its name, and the command or YAML."""


# --- rows ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A place in the configuration, and where a value came from: a variable, an overlay, or a template."""

    file: str
    line: int
    via: str
    column: int = field(default=0, compare=False)

    @property
    def place(self) -> str:
        """The file and line, as in ``support.yaml:12``."""
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class SetDiff:
    """The difference of two sets."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    kept: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field that differs.

    Attributes:
        path: the field's path, with dots; with the path inside it for a difference inside JSON.
        mark: ``+`` for a new value, ``-`` for a removed one, ``~`` for a changed one, ``↩`` for one that returns to
            what it was before the configuration declared it.
        before: the former side: the live one, or that of the first of two configurations.
        after: the configured side.
        items: the difference of two sets; None unless both sides are lists, or one is and the other is nothing.
        forces_replacement: whether it forces the replacement.
        source: where the configuration sets it.
        before_source: where the first of two configurations sets the former value.
        standing: how the difference stands to the baseline; empty without one.
        since: the entry since which the value was right, or the commit that removed the field.
        adopted: whether the value is the one from before the field was managed.
        owners: of a drift, the owners of the file that sets it.
        age: of a drift with a history, when it was first seen, in words.
    """

    path: str
    mark: FieldMark
    before: Side
    after: Side
    items: SetDiff | None
    forces_replacement: bool
    source: SourceRow | None
    before_source: SourceRow | None = None
    standing: Standing = ""
    since: SinceRow | None = None
    adopted: bool = False
    owners: tuple[str, ...] = ()
    age: str = ""

    @property
    def lines(self) -> tuple[DiffLine, ...]:
        """The difference by lines; empty unless a side is a text of several lines or a mapping.

        Computed on access and not kept: a renderer pays only for the differences that it shows, and those of all
        changes together may be large.
        """
        return lines_of(self.before, self.after)


@dataclass(frozen=True, slots=True)
class GuardRow:
    """Why a change is refused or withheld.

    Attributes:
        approval: whether it only lacks an approval of its address.
    """

    name: str
    verdict: Literal["refused", "withheld"]
    message: str
    only_delete: bool
    approval: bool
    fix: str = ""


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A change of one resource, or a difference of it.

    Attributes:
        action: the action; of a drift, the one that would remove the difference.
        mark: ``+``, ``~``, ``-/+``, or ``-``.
        risk: its risk; low if all of it is withheld.
        consequences: its effects in words; none if all of it is withheld.
        before_unknown: if the former side of every field is unknown, the reason; empty otherwise.
        standing: how the resource as a whole stands to the baseline; empty if only fields differ.
        since: the entry since which it was as declared, or the commit that removed it.
        owners: of a drift, the owners of the file that declares it.
        next_steps: of a drift, the ways out of it.
        age: of a drift with a history, when it was first seen, in words; empty if only fields differ.
    """

    address: str
    kind: str
    action: Action
    mark: str
    sid: str
    name: str
    service: str
    reason: str
    risk: Risk
    before_unknown: str
    fields: tuple[FieldRow, ...]
    consequences: tuple[str, ...]
    guard: GuardRow | None
    source: SourceRow | None
    standing: Standing = ""
    since: SinceRow | None = None
    owners: tuple[str, ...] = ()
    next_steps: NextSteps = ()
    age: str = ""

    @property
    def approval(self) -> str:
        """The value of ``--approve`` that approves it."""
        return f"{self.action}:{self.address}" if self.action in {"replace", "update"} else self.address

    @property
    def former_side(self) -> str:
        """Why the former side of every field is unknown; empty if it is known, or if its reason says it already."""
        return "" if self.before_unknown in {KNOWN_LATER, self.reason} else self.before_unknown

    @property
    def is_withheld(self) -> bool:
        """Whether a guard withholds all of it."""
        return self.guard is not None and self.guard.verdict == "withheld" and not self.guard.only_delete


@dataclass(frozen=True, slots=True)
class UnmanagedRow:
    """A live resource that the configuration does not declare; `is_default` is the account's default service."""

    address: str
    sid: str
    name: str
    next_steps: NextSteps = ()
    age: str = ""
    is_default: bool = False


@dataclass(frozen=True, slots=True)
class UnmanagedGroup:
    """The unmanaged resources of one kind, in their order."""

    kind: str
    rows: tuple[UnmanagedRow, ...]


@dataclass(frozen=True, slots=True)
class SettingRow:
    """A live setting that the configuration does not declare.

    Attributes:
        name: its address and field, as ``unmanaged.ignore`` takes them.
        service: the name of its service; empty for the account's.
        value: the live value.
        risk: the risk of the value.
        meaning: the effect of the setting.
        clearable: whether ``sealed: true`` clears it.
        next_steps: the ways out of it.
        age: when it was first seen, in words; empty without a history.
    """

    name: str
    service: str
    value: Side
    risk: Risk
    meaning: str
    clearable: bool
    next_steps: NextSteps = ()
    age: str = ""


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """A finding over time; the times are those of the history."""

    name: str
    standing: str
    first_seen: str
    last_seen: str
    gone: str


_CODE = re.compile(r"[a-z][a-z0-9-]{0,63}")


@dataclass(frozen=True, slots=True)
class WarningRow:
    """A warning, or a notice: a part of the configuration that can be removed."""

    severity: Literal["warning", "notice"]
    code: str
    message: str
    hint: str
    address: str
    source: SourceRow | None
    fix: str = ""

    @property
    def label(self) -> str:
        """The word to put before the message."""
        if self.severity == "notice":
            return "Note"
        # `acknowledge` takes the code. That of a saved plan may be any text, which is not shown.
        return f"Warning[{self.code}]" if _CODE.fullmatch(self.code) else "Warning"

    @property
    def where(self) -> str:
        """The place of the configuration that it is about, or the resource; empty if the message names it already."""
        if self.source is not None:
            return self.source.place
        return "" if self.address in self.message else self.address


@dataclass(frozen=True, slots=True)
class Counts:
    """The number of changes by action, and of other resources."""

    create: int
    update: int
    replace: int
    delete: int
    no_op: int
    unmanaged: int
    withheld: int


@dataclass(frozen=True, slots=True)
class ChangesView:
    """A plan, a drift, or a comparison, as renderers read it.

    Attributes:
        targets: the addresses of ``--target``.
        excludes: the addresses of ``--exclude``.
        left_out: the declared resources that these two omit.
        unverified: the write-only values that were not compared.
        unlisted: the collections whose undeclared resources were not compared.
        unsearched: the collections that were not searched for unmanaged resources.
        unreadable: the collections that could not be read, which are among the warnings as well.
        settings: the live settings that are not declared, the gravest first.
        approvals: the missing approvals, as values of ``--approve``, in order.
        refusals: the reasons why an apply refuses the plan as a whole, one sentence each.
        refused: the number of changes that a guard refuses.
        high: the number of changes of high risk that are not withheld.
        origin: the tool's version, the time, and the digest of the configuration, as far as they are known.
        pending: of a drift, the changes that were merged and not applied yet.
        baseline: the configuration that was applied last; None if nothing was compared with it.
        undo: of an undo, the report whose apply it undoes, as it was named; empty for any other plan.
        undoes_nothing: whether the apply that is undone changed nothing.
        irreversible: of an undo, the resources that remain different permanently, each with a sentence.
        apply_command: of a plan, the command that applies it, with every approval; empty if it is unknown.
        accept_command: of a plan, the command that accepts the account's values instead; empty for none.
        accept_omits: the names of the resources and fields that it leaves out.
        by_hand: the values that no command accepts, each with the reason and what to change by hand.
        timeline: of a drift with a history, the findings of this and earlier runs.
    """

    account: str
    environment: str
    targets: tuple[str, ...]
    excludes: tuple[str, ...]
    counts: Counts
    changes: tuple[ChangeRow, ...]
    left_out: tuple[str, ...]
    unverified: tuple[str, ...]
    unlisted: tuple[str, ...]
    unsearched: tuple[str, ...]
    unreadable: tuple[WarningRow, ...]
    unmanaged: tuple[UnmanagedGroup, ...]
    settings: tuple[SettingRow, ...]
    warnings: tuple[WarningRow, ...]
    approvals: tuple[str, ...]
    refusals: tuple[str, ...]
    refused: int
    high: int
    origin: Mapping[str, str]
    pending: tuple[ChangeRow, ...] = ()
    baseline: SinceRow | None = None
    undo: str = ""
    undoes_nothing: bool = False
    irreversible: tuple[tuple[str, str], ...] = ()
    timeline: tuple[TimelineRow, ...] = ()
    apply_command: str = ""
    accept_command: str = ""
    accept_omits: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()

    @property
    def settings_first(self) -> bool:
        """Whether an undeclared setting is of high risk and no difference is, so that the settings come first."""
        return any(row.risk == "high" for row in self.settings) and not self.high


# --- comparing two sides ---------------------------------------------------------------------------------------------


def set_diff(before: Side, after: Side) -> SetDiff | None:
    """Compare two sides as sets; None unless they are sets of texts, of which one may be missing."""
    old, new = _list(before), _list(after)
    if old is None or new is None or not (isinstance(before, Plain) or isinstance(after, Plain)):
        return None
    had, has = frozenset(old), frozenset(new)
    return SetDiff(
        added=tuple(item for item in new if item not in had),
        removed=tuple(item for item in old if item not in has),
        kept=tuple(item for item in new if item in had),
    )


def _list(side: Side) -> tuple[str, ...] | None:
    """Return the items of a set of texts, none for nothing; None if a side is not a set of texts."""
    match side:
        case Nothing() | Unclear():
            return ()
        case Plain(value=list() | tuple() as items) if all(isinstance(item, str) for item in items):
            return tuple(items)
        case _:
            return None


def lines_of(before: Side, after: Side) -> tuple[DiffLine, ...]:
    """Compare two sides by lines; see `FieldRow.lines`."""
    old, new = _text(before), _text(after)
    if old is None or new is None:
        return ()
    structured = any(isinstance(side, Plain) and isinstance(side.value, (dict, list)) for side in (before, after))
    if not structured and "\n" not in old.rstrip("\n") and "\n" not in new.rstrip("\n"):
        return ()
    return tuple(line_diff(old.split("\n") if old else [], new.split("\n") if new else []))


def _text(side: Side) -> str | None:
    """Return a side as text to be compared by lines, mappings as indented JSON; None if it has no such form."""
    match side:
        case Nothing() | Unclear():
            return ""
        case Plain(value=str(text)):
            return text
        case Plain(value=dict() | list() | tuple() as value):
            if _list(side) is not None:
                return None
            return _indented(value)
        case _:
            return None


def _indented(value: Json) -> str:
    """Render JSON with one line for each leaf and sorted keys."""
    from pydantic_core import to_json  # noqa: PLC0415 - most plans change no JSON

    try:
        # Several times as fast as the standard library, which indents in Python.
        return to_json(_in_order(value), indent=2, inf_nan_mode="constants").decode()
    except (ValueError, RecursionError):  # lone surrogates, and too deep nesting
        return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)


def _in_order(value: Json) -> Json:
    """Sort the keys of JSON."""
    if isinstance(value, dict):
        return {key: _in_order(value[key]) if isinstance(value[key], _NESTED) else value[key] for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [_in_order(item) if isinstance(item, _NESTED) else item for item in value]
    return value
