"""A plan walked once into rows that every renderer lays out in its own medium.

Takes a `PlanFile`, which is redacted already; gives frozen dataclasses. Decides what is said: which lists are shown as
what was added and removed, which texts as a line diff, what counts as known after the apply. Decides nothing about how:
texts in rows are as they came, hostile ones included, and each renderer escapes them for its medium.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import groupby
from operator import eq
from typing import Literal, TypeAlias

from pydantic_core import to_json

from reconciler.change import MARKS, Action
from reconciler.documents.entries import ChangeEntry, FieldEntry, GuardEntry, SourceEntry, UnmanagedEntry
from reconciler.documents.plan import PlanFile
from reconciler.json_text import Json
from reconciler.kinds.markers import Risk

FieldMark = Literal["+", "~", "-"]
LineMark = Literal["+", "-", " ", "…"]

CONTEXT_LINES = 2
_NESTED = (dict, list, tuple)
_LONGEST_ADDRESS = 10_000
"""Characters; longer than what three names of 256, every character of them escaped, can make. What is longer is none,
and every part of it would be looked up."""
DIFFABLE_LINES = 1000
"""Over this many differing lines a text is shown as replaced whole: comparing costs their product."""
DIFFABLE_PAIRS = 20_000
"""Likewise over this many pairs of equal lines, since each may be part of the best alignment."""


# --- one side of a field ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Nothing:
    """There is no value."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A value as JSON."""

    value: Json


@dataclass(frozen=True, slots=True)
class Pointer:
    """Another resource.

    Attributes:
        address: where it stands; empty when only its SID is known.
        name: its name, for people; may be empty.
        sid: its SID; empty when only the address is known.
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
        secret: names where it comes from; may be empty.
        pending: whether it is not set yet.
        shown: a URL with its secret parts masked; empty where nothing of the value may be shown.
        differs: whether it differs from what was before in masked parts only.
    """

    secret: str = ""
    pending: bool = False
    shown: str = ""
    differs: bool = False


@dataclass(frozen=True, slots=True)
class Unclear:
    """A value that cannot be told before the apply."""

    reason: str


Side: TypeAlias = Nothing | Plain | Pointer | Hidden | Unclear


# --- rows ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A place in the files: ``support.yaml:12`` and the way a value came there."""

    file: str
    line: int
    via: str

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Items:
    """A set, as what happens to it."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    kept: tuple[str, ...]


DiffLine: TypeAlias = tuple[LineMark, str]
"""A line of a text that has several; after ``…`` the number of equal lines that it stands for.

A bare tuple, since there may be very many: the garbage collector leaves it alone, which a named one is not.
"""


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field that differs.

    Attributes:
        path: dotted.
        mark: ``+`` gets a value, ``-`` loses it, ``~`` changes.
        before: the live side.
        after: the files' side.
        items: the difference as a set, when both sides are lists (or one is, and the other is nothing).
        forces_replacement: whether it is why the resource is replaced.
        source: where the files say so.
        before_source: where other files say what was before; None where the account does.
    """

    path: str
    mark: FieldMark
    before: Side
    after: Side
    items: Items | None
    forces_replacement: bool
    source: SourceRow | None
    before_source: SourceRow | None = None

    @property
    def lines(self) -> tuple[DiffLine, ...]:
        """The difference by lines, when a side is a text of several lines or a mapping; compared when it is asked for.

        A renderer that has no room for a difference does not pay for it, and asks once for each that it shows: nothing
        is kept, since those of all changes together may be large.
        """
        return _lines(self.before, self.after)


@dataclass(frozen=True, slots=True)
class GuardRow:
    """Why a change is not simply done; `approval` says whether consent by address is what it lacks."""

    name: str
    verdict: Literal["refused", "withheld"]
    message: str
    only_delete: bool
    approval: bool
    fix: str = ""


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """What happens to one resource.

    Attributes:
        mark: ``+``, ``~``, ``-/+`` or ``-``.
        before_unknown: why nothing is known of the live side, when that is so for every field; empty otherwise.
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

    @property
    def approval(self) -> str:
        """What ``--approve`` takes for it."""
        return f"replace:{self.address}" if self.action == "replace" else self.address

    @property
    def is_withheld(self) -> bool:
        """Whether nothing of it will be done."""
        return self.guard is not None and self.guard.verdict == "withheld" and not self.guard.only_delete


@dataclass(frozen=True, slots=True)
class UnmanagedRow:
    """A live resource that the files do not name."""

    address: str
    sid: str
    name: str


@dataclass(frozen=True, slots=True)
class UnmanagedGroup:
    """The unmanaged resources of one kind, in the plan's order."""

    kind: str
    rows: tuple[UnmanagedRow, ...]


@dataclass(frozen=True, slots=True)
class WarningRow:
    """Something doubtful, or an entry of the configuration that can be removed (a notice)."""

    severity: Literal["warning", "notice"]
    code: str
    message: str
    hint: str
    address: str
    source: SourceRow | None

    @property
    def label(self) -> str:
        """The word before the message."""
        return "Note" if self.severity == "notice" else "Warning"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of each."""

    create: int
    update: int
    replace: int
    delete: int
    no_op: int
    unmanaged: int
    withheld: int


@dataclass(frozen=True, slots=True)
class PlanView:
    """A whole plan.

    Attributes:
        approvals: changes that need approval before an apply does anything, as ``--approve`` takes them, in the
            plan's order.
        refusals: why an apply would refuse the plan as a whole, a sentence each.
        refused: how many changes a guard refuses, for whatever reason.
        high: how many changes are of high risk.
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
    unmanaged: tuple[UnmanagedGroup, ...]
    warnings: tuple[WarningRow, ...]
    approvals: tuple[str, ...]
    refusals: tuple[str, ...]
    refused: int
    high: int


def view(plan: PlanFile) -> PlanView:
    """Walk a plan."""
    made = frozenset(entry.address for entry in plan.changes if entry.action in {"create", "replace"})
    changes = tuple(_change(entry, made) for entry in plan.changes)
    held = [change for change in changes if change.guard is not None and change.guard.verdict == "refused"]
    return PlanView(
        account=plan.account_sid,
        environment=plan.options.env,
        targets=plan.options.target,
        excludes=plan.options.exclude,
        counts=Counts(
            create=plan.summary.create,
            update=plan.summary.update,
            replace=plan.summary.replace,
            delete=plan.summary.delete,
            no_op=plan.summary.no_op,
            unmanaged=plan.summary.unmanaged,
            withheld=plan.summary.withheld,
        ),
        changes=changes,
        left_out=plan.left_out,
        unverified=plan.unverified,
        unlisted=plan.unlisted,
        unmanaged=_unmanaged(plan.unmanaged),
        warnings=(
            *(
                WarningRow(entry.severity, entry.code, entry.message, entry.hint, entry.address, _source(entry.source))
                for entry in (*plan.unreadable, *plan.warnings)
            ),
            *_acknowledged(plan.acknowledged),
        ),
        approvals=tuple(change.approval for change in held if change.guard is not None and change.guard.approval),
        refusals=tuple(guard.message for guard in plan.guards if guard.verdict == "refused"),
        refused=len(held),
        high=sum(1 for change in changes if change.risk == "high"),
    )


def _acknowledged(number: int) -> Iterator[WarningRow]:
    if number:
        noun = "warning" if number == 1 else "warnings"
        yield WarningRow("notice", "acknowledged", f"{number:,} {noun} acknowledged", "", "", None)


def _change(entry: ChangeEntry, made: frozenset[str]) -> ChangeRow:
    # A replace sends everything, and most of it is as it was.
    told = [field for field in entry.fields if entry.action != "replace" or not _is_equal(field)]
    fields = tuple(row for field in told for row in _rows(field, entry.action, made))
    reasons = {row.before.reason if isinstance(row.before, Unclear) else "" for row in fields}
    return ChangeRow(
        address=entry.address,
        kind=entry.kind,
        action=entry.action,
        mark=MARKS[entry.action],
        sid=entry.sid or "",
        name=entry.name,
        service=entry.service,
        reason=entry.reason,
        risk=entry.risk,
        before_unknown=reasons.pop() if len(reasons) == 1 else "",
        fields=fields,
        consequences=entry.consequences,
        guard=None if entry.guard is None else _guard(entry.guard),
        source=_source(entry.source),
    )


def _guard(entry: GuardEntry) -> GuardRow:
    return GuardRow(
        name=entry.name,
        verdict=entry.verdict,
        message=entry.message,
        only_delete=entry.only_delete,
        approval=entry.name == "approval" and entry.verdict == "refused",
        fix=entry.fix,
    )


def _source(entry: SourceEntry | None) -> SourceRow | None:
    return None if entry is None else SourceRow(entry.file, entry.line, entry.via)


def _unmanaged(entries: Sequence[UnmanagedEntry]) -> tuple[UnmanagedGroup, ...]:
    groups: dict[str, list[UnmanagedRow]] = {}
    for entry in entries:
        groups.setdefault(entry.kind, []).append(UnmanagedRow(entry.address, entry.sid, entry.name))
    return tuple(UnmanagedGroup(kind, tuple(rows)) for kind, rows in groups.items())


# --- fields ----------------------------------------------------------------------------------------------------------


def _rows(entry: FieldEntry, action: Action, made: frozenset[str]) -> Iterator[FieldRow]:
    """The rows of one field: one for each difference inside it where these are known, else one for the field."""
    if entry.sensitive or not entry.inside:
        yield _field(entry, action, made)
        return
    source, before_source = _source(entry.source), _source(entry.before_source)
    for inner in entry.inside:
        dot = "" if inner.path.startswith("[") else "."
        yield FieldRow(
            path=f"{entry.path}{dot}{inner.path}",
            mark=_INNER_MARKS[inner.kind],
            before=Nothing() if inner.kind == "added" else Plain(inner.before),
            after=Nothing() if inner.kind == "removed" else Plain(inner.after),
            items=None,
            forces_replacement=entry.forces_replacement,
            source=source,
            before_source=None if before_source == source else before_source,
        )
        source = before_source = None  # of all of them, said once


_INNER_MARKS: dict[str, FieldMark] = {"added": "+", "removed": "-", "changed": "~"}


def _field(entry: FieldEntry, action: Action, made: frozenset[str]) -> FieldRow:
    before = _side(entry.before, entry.sensitive, frozenset(), entry.before_name)
    after = _side(entry.after, entry.sensitive, made, "")
    if isinstance(before, Hidden) and isinstance(after, Hidden) and after.shown and before.shown == after.shown:
        after = replace(after, differs=not _is_equal(entry))
    source, before_source = _source(entry.source), _source(entry.before_source)
    mark: FieldMark = "~"
    if isinstance(after, Nothing):
        mark = "-"
    elif isinstance(before, Nothing) or action == "create":
        mark = "+"
    return FieldRow(
        path=entry.path,
        mark=mark,
        before=before,
        after=after,
        items=_items(before, after),
        forces_replacement=entry.forces_replacement,
        source=source,
        before_source=None if before_source == source else before_source,  # that it stands where it stood is no news
    )


def _is_equal(entry: FieldEntry) -> bool:
    """Whether a field is the same on both sides, as far as a plan tells; a field that forces a replacement is not."""
    if entry.forces_replacement:
        return False
    match entry.before, entry.after:
        case list() | tuple() as before, list() | tuple() as after:
            return sorted(map(json.dumps, before)) == sorted(map(json.dumps, after))
        case str(sid), {"ref": str(), "sid": other}:
            return bool(sid == other)
        case {"digest": before}, {"digest": after}:
            return bool(before == after)
        case before, after:
            return json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True)


def _side(value: Json, sensitive: bool, made: frozenset[str], name: str) -> Side:  # noqa: FBT001 - a fact about the value, not a mode
    match value:
        case None:
            return Nothing()
        case {"secret": str(secret), **rest} if rest.keys() <= {"digest", "shown"}:
            return Hidden(secret, pending="digest" not in rest, shown=_text_of(rest.get("shown")))
        case {"digest": str(), **rest} if rest.keys() <= {"shown"}:
            return Hidden(shown=_text_of(rest.get("shown")))
        case {"unknown": str(reason), **rest} if not rest:
            return Unclear(reason)  # also where the other side is sensitive: there is no value to hide
        case _ if sensitive:
            return Hidden()
        case {"ref": str(address), **rest} if rest.keys() <= {"sid"}:
            return Pointer(address=address, pending=_is_made(address, made))
        case {"json": inner, **rest} if not rest:
            return Plain(inner)
        case str() if name:
            return Pointer(name=name, sid=value)
        case _:
            return Plain(value)


def _text_of(value: object) -> str:
    return value if isinstance(value, str) else ""


def _is_made(address: str, made: frozenset[str]) -> bool:
    """Whether a resource, or what contains it, comes into being by the plan."""
    if len(address) > _LONGEST_ADDRESS:
        return False
    ends = [position for position, character in enumerate(address) if character in ".["]
    return any(address[:end] in made for end in [*ends, len(address)])


def _items(before: Side, after: Side) -> Items | None:
    old, new = _list(before), _list(after)
    if old is None or new is None or not (isinstance(before, Plain) or isinstance(after, Plain)):
        return None
    had, has = frozenset(old), frozenset(new)
    return Items(
        added=tuple(item for item in new if item not in had),
        removed=tuple(item for item in old if item not in has),
        kept=tuple(item for item in new if item in had),
    )


def _list(side: Side) -> tuple[str, ...] | None:
    """The items of a set, none for nothing; None when it is no set of texts."""
    match side:
        case Nothing() | Unclear():
            return ()
        case Plain(value=list() | tuple() as items) if all(isinstance(item, str) for item in items):
            return tuple(items)
        case _:
            return None


def _lines(before: Side, after: Side) -> tuple[DiffLine, ...]:
    old, new = _text(before), _text(after)
    if old is None or new is None:
        return ()
    structured = any(isinstance(side, Plain) and isinstance(side.value, (dict, list)) for side in (before, after))
    if not structured and "\n" not in old.rstrip("\n") and "\n" not in new.rstrip("\n"):
        return ()
    return tuple(_line_diff(old.split("\n") if old else [], new.split("\n") if new else []))


def _text(side: Side) -> str | None:
    """What can be compared by lines: text, and mappings as indented JSON; empty for nothing."""
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
    """JSON with a line for each leaf, keys sorted."""
    try:
        # Several times as fast as the standard library, which indents in Python.
        return to_json(_in_order(value), indent=2, inf_nan_mode="constants").decode()
    except (ValueError, RecursionError):  # halves of characters, and what nests too deep
        return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)


def _in_order(value: Json) -> Json:
    """The same JSON with sorted keys."""
    if isinstance(value, dict):
        return {key: _in_order(value[key]) if isinstance(value[key], _NESTED) else value[key] for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [_in_order(item) if isinstance(item, _NESTED) else item for item in value]
    return value


def _line_diff(old: Sequence[str], new: Sequence[str]) -> list[DiffLine]:
    shorter = min(len(old), len(new))
    head = next((at for at, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), shorter)
    tail = 0
    while tail < shorter - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    middle_old, middle_new = old[head : len(old) - tail], new[head : len(new) - tail]
    found = _equal(old[:head], first=True, last=False)
    opcodes = _by_position(middle_old, middle_new)
    if not opcodes:
        long = max(len(middle_old), len(middle_new)) > DIFFABLE_LINES
        if long or _alike(middle_old, middle_new) > DIFFABLE_PAIRS:
            opcodes = [("replace", 0, len(middle_old), 0, len(middle_new))]
        else:
            opcodes = list(SequenceMatcher(None, middle_old, middle_new, autojunk=False).get_opcodes())
    for tag, old_from, old_to, new_from, new_to in opcodes:
        if tag == "equal":
            found += _equal(middle_old[old_from:old_to], first=False, last=False)
        else:
            found += [("-", text) for text in middle_old[old_from:old_to]]
            found += [("+", text) for text in middle_new[new_from:new_to]]
    return found + _equal(old[len(old) - tail :] if tail else [], first=False, last=True)


def _alike(old: Sequence[str], new: Sequence[str]) -> int:
    """How many pairs of equal lines there are: what looking for the best alignment costs, many times over."""
    had, has = Counter(old), Counter(new)
    return sum(number * has[line] for line, number in had.items())


def _by_position(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    """Runs of equal and of different lines, where as many stay where they were as makes searching for them idle.

    None when lines seem to have moved. So it is with most mappings whose values change, at a tenth of the cost.
    """
    same = list(map(eq, old, new))
    if len(old) != len(new) or 2 * same.count(True) < len(same):
        return []
    found: list[tuple[str, int, int, int, int]] = []
    start = 0
    for is_same, run in groupby(same):
        end = start + len(list(run))
        found.append(("equal" if is_same else "replace", start, end, start, end))
        start = end
    return found


def _equal(lines: Sequence[str], *, first: bool, last: bool) -> list[DiffLine]:
    """Equal lines, of which only those next to a difference are shown."""
    before = 0 if first else CONTEXT_LINES
    after = 0 if last else CONTEXT_LINES
    omitted = len(lines) - before - after
    if omitted <= 2:
        return [(" ", text) for text in lines]
    found: list[DiffLine] = [(" ", text) for text in lines[:before]]
    found.append(("…", str(omitted)))
    return found + [(" ", text) for text in lines[len(lines) - after :]]
