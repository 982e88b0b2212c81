"""Builds the rows that renderers lay out from a plan, a drift, or a comparison.

Takes documents, which contain no secrets; gives `ChangesView`. Decides what is shown: which lists as added and removed
items, which fields as the differences inside them, which values as unknown until apply. The renderers decide how.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.change import MARKS, Action, Standing
from reconciler.documents.comparison import ComparedChange, ComparisonFile
from reconciler.documents.drift import Difference, DriftField, DriftFile, missing_above
from reconciler.documents.entries import (
    ChangeEntry,
    FieldEntry,
    GuardEntry,
    SinceEntry,
    SourceEntry,
    UnmanagedEntry,
    WarningEntry,
)
from reconciler.documents.plan import PlanFile
from reconciler.json_text import Json
from reconciler.kinds import kind_noun
from reconciler.render.rows import (
    ChangeRow,
    ChangesView,
    Counts,
    FieldMark,
    FieldRow,
    GuardRow,
    Hidden,
    Nothing,
    Plain,
    Pointer,
    Side,
    SinceRow,
    SourceRow,
    Unclear,
    UnmanagedGroup,
    UnmanagedRow,
    WarningRow,
    set_diff,
)
from reconciler.render.wording import count

_LONGEST_ADDRESS = 10_000
"""Characters; longer than three names of 256 characters can make, all of them escaped. Longer texts are not addresses,
and every part of them would be looked up."""
_MOST_KINDS = 8


def plan_view(plan: PlanFile) -> ChangesView:
    """Build the rows of a plan."""
    created = frozenset(entry.address for entry in plan.changes if entry.action in {"create", "replace"})
    return replace(
        _view(
            (plan.account_sid, plan.options.env),
            tuple(
                replace(_change(entry, created), standing=entry.standing, since=_since(entry.since))
                for entry in plan.changes
            ),
            plan.unmanaged,
            (*_warnings((*plan.unreadable, *plan.warnings)), *_acknowledged(plan.acknowledged)),
            plan.guards,
        ),
        counts=Counts(
            create=plan.summary.create,
            update=plan.summary.update,
            replace=plan.summary.replace,
            delete=plan.summary.delete,
            no_op=plan.summary.no_op,
            unmanaged=plan.summary.unmanaged,
            withheld=plan.summary.withheld,
        ),
        targets=plan.options.target,
        excludes=plan.options.exclude,
        left_out=plan.left_out,
        unverified=plan.unverified,
        unlisted=plan.unlisted,
        unsearched=plan.unsearched,
        unreadable=_warnings(plan.unreadable),
        origin=_origin(plan.tool_version, plan.created_at, plan.config_digest),
        baseline=_since(plan.baseline),
    )


def drift_view(drift: DriftFile, *, nested: bool = False) -> ChangesView:
    """Build the rows of a drift.

    Args:
        drift: the drift.
        nested: whether to list what lies inside a missing resource, which is otherwise only counted there.
    """
    missing = frozenset(entry.address for entry in drift.differences if entry.state == "missing")
    actions: Counter[Action] = Counter(map(_drift_action, drift.differences))
    inside: dict[str, Counter[str]] = {}
    listed: list[Difference] = []
    for entry in drift.differences:
        above = missing_above(entry.address, missing) if entry.state == "missing" and not nested else ""
        if above:
            inside.setdefault(above, Counter())[kind_noun(entry.kind)] += 1
        else:
            listed.append(entry)
    changes = tuple(_difference(entry, missing, inside.get(entry.address)) for entry in listed)
    return replace(
        _view(
            (drift.account_sid, drift.env),
            changes,
            drift.unmanaged,
            (*_warnings((*drift.unreadable, *drift.warnings)), *_acknowledged(drift.acknowledged)),
            (),
        ),
        counts=Counts(
            create=actions["create"],
            update=actions["update"],
            replace=actions["replace"],
            delete=actions["delete"],
            no_op=drift.summary.equal,
            unmanaged=drift.summary.unmanaged,
            withheld=0,
        ),
        targets=drift.target,
        excludes=drift.exclude,
        left_out=drift.left_out,
        unverified=drift.not_compared,
        unlisted=drift.unlisted,
        unsearched=drift.unsearched,
        unreadable=_warnings(drift.unreadable),
        origin=_origin(drift.tool_version, drift.created_at, drift.config_digest),
        pending=tuple(_difference(entry, missing, None) for entry in drift.pending),
        baseline=_since(drift.baseline),
    )


def comparison_view(comparison: ComparisonFile) -> ChangesView:
    """Build the rows of a comparison of two configurations."""
    created = frozenset(entry.address for entry in comparison.changes if entry.action in {"create", "replace"})
    summary = comparison.summary
    return replace(
        _view(
            (comparison.after.account_sid, comparison.after.env),
            tuple(_change(entry, created) for entry in comparison.changes),
            comparison.no_longer_managed,
            _warnings(comparison.warnings),
            comparison.guards,
        ),
        counts=Counts(
            create=summary.create,
            update=summary.update,
            replace=summary.replace,
            delete=summary.delete,
            no_op=summary.no_op,
            unmanaged=summary.unmanaged,
            withheld=summary.withheld,
        ),
        origin=_origin(comparison.tool_version, "", comparison.after.config_digest),
    )


def _view(
    scope: tuple[str, str],
    changes: tuple[ChangeRow, ...],
    unmanaged: Sequence[UnmanagedEntry],
    warnings: Iterable[WarningRow],
    guards: Sequence[GuardEntry],
) -> ChangesView:
    """Build what all three have in common.

    Args:
        scope: the account and the environment.
        changes: the rows of the changes.
        unmanaged: the live resources that are not declared.
        warnings: the rows of the warnings.
        guards: the guards that refuse it as a whole.
    """
    refused = [change for change in changes if change.guard is not None and change.guard.verdict == "refused"]
    return ChangesView(
        account=scope[0],
        environment=scope[1],
        targets=(),
        excludes=(),
        counts=Counts(0, 0, 0, 0, 0, 0, 0),
        changes=changes,
        left_out=(),
        unverified=(),
        unlisted=(),
        unsearched=(),
        unreadable=(),
        unmanaged=_unmanaged(unmanaged),
        warnings=tuple(warnings),
        approvals=tuple(change.approval for change in refused if change.guard is not None and change.guard.approval),
        refusals=tuple(guard.message for guard in guards if guard.verdict == "refused"),
        refused=len(refused),
        high=sum(1 for change in changes if change.risk == "high"),
        origin={},
    )


def _origin(tool_version: str, created_at: str, config_digest: str) -> Mapping[str, str]:
    return {"tool_version": tool_version, "created_at": created_at, "config_digest": config_digest}


def _warnings(entries: Iterable[WarningEntry]) -> tuple[WarningRow, ...]:
    return tuple(
        WarningRow(entry.severity, entry.code, entry.message, entry.hint, entry.address, _source(entry.source))
        for entry in entries
    )


def _acknowledged(number: int) -> Iterator[WarningRow]:
    if number:
        yield WarningRow("notice", "acknowledged", f"{count(number, 'warning')} acknowledged", "", "", None)


def _change(entry: ChangeEntry | ComparedChange, created: frozenset[str]) -> ChangeRow:
    # A replace sends everything, and most of it is as it was.
    different = [field for field in entry.fields if entry.action != "replace" or not _is_equal(field)]
    fields = tuple(row for field in different for row in _rows(_of_entry(field), entry.action, created))
    reasons = {row.before.reason if isinstance(row.before, Unclear) else "" for row in fields}
    guard = None if entry.guard is None else _guard(entry.guard)
    row = ChangeRow(
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
        guard=guard,
        source=_source(entry.source),
    )
    # An apply leaves the resource alone, so the change has no effects: they would hide those of other changes.
    return replace(row, risk="low", consequences=()) if row.is_withheld else row


def _drift_action(entry: Difference) -> Action:
    """The action that would remove a difference."""
    match entry.state:
        case "missing":
            return "create"
        case "unwanted":
            return "delete"
        case _:
            return "replace" if any(field.immutable for field in entry.fields) else "update"


def _difference(entry: Difference, missing: frozenset[str], inside: Counter[str] | None) -> ChangeRow:
    action = _drift_action(entry)
    different = [_of_drift(field) for field in entry.fields]
    fields = tuple(
        row
        for field in different
        if action != "replace" or not _is_same(field)
        for row in _rows(field, action, missing)
    )
    reasons = {row.before.reason if isinstance(row.before, Unclear) else "" for row in fields}
    return ChangeRow(
        address=entry.address,
        kind=entry.kind,
        action=action,
        mark=MARKS[action],
        sid=entry.sid or "",
        name=entry.name,
        service=entry.service,
        reason="" if inside is None else _with_inside(inside),
        risk=entry.risk,
        before_unknown=reasons.pop() if len(reasons) == 1 else "",
        fields=fields,
        consequences=(),
        guard=None,
        source=_source(entry.source),
        standing=entry.standing,
        since=_since(entry.since),
    )


def _with_inside(kinds: Counter[str]) -> str:
    """What else is missing inside a missing resource, by kind."""
    listed = ", ".join(count(number, kind) for kind, number in sorted(kinds.items())[:_MOST_KINDS])
    return f"and {kinds.total():,} inside it: {listed}{', …' if len(kinds) > _MOST_KINDS else ''}"


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
    return None if entry is None else SourceRow(entry.file, entry.line, entry.via, entry.column)


def _since(entry: SinceEntry | None) -> SinceRow | None:
    return None if entry is None else SinceRow(entry.entry, entry.at, entry.commit)


def _unmanaged(entries: Sequence[UnmanagedEntry]) -> tuple[UnmanagedGroup, ...]:
    groups: dict[str, list[UnmanagedRow]] = {}
    for entry in entries:
        groups.setdefault(entry.kind, []).append(UnmanagedRow(entry.address, entry.sid, entry.name))
    return tuple(UnmanagedGroup(kind, tuple(rows)) for kind, rows in groups.items())


# --- fields ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of any document.

    Attributes:
        inside: the differences inside it, each with its path, mark, and both sides.
    """

    path: str
    before: Json
    after: Json
    before_name: str
    sensitive: bool
    forces_replacement: bool
    source: SourceEntry | None
    before_source: SourceEntry | None
    inside: tuple[tuple[str, FieldMark, Json, Json], ...]
    standing: Standing = ""
    since: SinceEntry | None = None
    returns: bool = False
    adopted: bool = False


_INNER_MARKS: Mapping[str, FieldMark] = {"added": "+", "removed": "-", "changed": "~"}
_DRIFT_MARKS: Mapping[str, FieldMark] = {"files": "+", "account": "-", "": "~"}


def _of_entry(entry: FieldEntry) -> _Field:
    return _Field(
        path=entry.path,
        before=entry.before,
        after=entry.after,
        before_name=entry.before_name,
        sensitive=entry.sensitive,
        forces_replacement=entry.forces_replacement,
        source=entry.source,
        before_source=entry.before_source,
        inside=tuple((inner.path, _INNER_MARKS[inner.kind], inner.before, inner.after) for inner in entry.inside),
        standing=entry.standing,
        since=entry.since,
        returns=entry.returns,
        adopted=entry.adopted,
    )


def _of_drift(entry: DriftField) -> _Field:
    return _Field(
        path=entry.path,
        before=entry.account,
        after=entry.files,
        before_name=entry.account_name,
        sensitive=entry.sensitive,
        forces_replacement=entry.immutable,
        source=entry.source,
        before_source=None,
        inside=tuple((inner.path, _DRIFT_MARKS[inner.only_in], inner.account, inner.files) for inner in entry.inside),
        standing=entry.standing,
        since=entry.since,
    )


def _rows(entry: _Field, action: Action, created: frozenset[str]) -> Iterator[FieldRow]:
    """Build the rows of one field: one for each difference inside it if they are known, or else one for the field."""
    if entry.sensitive or not entry.inside:
        yield _row(entry, action, created)
        return
    source, before_source = _source(entry.source), _source(entry.before_source)
    for path, mark, before, after in entry.inside:
        dot = "" if path.startswith("[") else "."
        yield FieldRow(
            path=f"{entry.path}{dot}{path}",
            mark=mark,
            before=Nothing() if mark == "+" else Plain(before),
            after=Nothing() if mark == "-" else Plain(after),
            items=None,
            forces_replacement=entry.forces_replacement,
            source=source,
            before_source=None if before_source == source else before_source,
            standing=entry.standing,
            since=_since(entry.since),
        )
        source = before_source = None  # the same for all of them, so shown once


def _row(entry: _Field, action: Action, created: frozenset[str]) -> FieldRow:
    before = _side(entry.before, frozenset(), entry.before_name, sensitive=entry.sensitive)
    after = _side(entry.after, created, "", sensitive=entry.sensitive)
    if isinstance(before, Hidden) and isinstance(after, Hidden) and after.shown and before.shown == after.shown:
        after = replace(after, differs=not _is_same(entry))
    source, before_source = _source(entry.source), _source(entry.before_source)
    mark: FieldMark = "~"
    if isinstance(after, Nothing):
        mark = "-"
    elif isinstance(before, Nothing) or action == "create":
        mark = "+"
    if entry.returns:
        mark = "↩"
    return FieldRow(
        path=entry.path,
        mark=mark,
        before=before,
        after=after,
        items=set_diff(before, after),
        forces_replacement=entry.forces_replacement,
        source=source,
        before_source=None if before_source == source else before_source,  # the same place is not repeated
        standing=entry.standing,
        since=_since(entry.since),
        adopted=entry.adopted,
    )


def _is_equal(entry: FieldEntry) -> bool:
    return _is_same(_of_entry(entry))


def _is_same(entry: _Field) -> bool:
    """Whether both sides of a field are equal; a field that forces a replacement is always shown."""
    if entry.forces_replacement:
        return False
    match entry.before, entry.after:
        case ({"sensitive": True}, _) | (_, {"sensitive": True}):
            return False  # a comparison, which lists only what differs
        case list() | tuple() as before, list() | tuple() as after:
            return sorted(map(json.dumps, before)) == sorted(map(json.dumps, after))
        case str(sid), {"ref": str(), "sid": other}:
            return bool(sid == other)
        case {"digest": before}, {"digest": after}:
            return bool(before == after)
        case before, after:
            return json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True)


def _side(value: Json, created: frozenset[str], name: str, *, sensitive: bool) -> Side:
    match value:
        case None:
            return Nothing()
        case {"secret": str(secret), **rest} if rest.keys() <= {"digest", "sensitive", "shown"}:
            return Hidden(secret, pending=not rest.keys() & {"digest", "sensitive"}, shown=_text_of(rest.get("shown")))
        case {"digest": str(), **rest} if rest.keys() <= {"shown"}:
            return Hidden(shown=_text_of(rest.get("shown")))
        case {"sensitive": True, **rest} if rest.keys() <= {"shown"}:
            return Hidden(shown=_text_of(rest.get("shown")))
        case {"unknown": str(reason), **rest} if not rest:
            return Unclear(reason)  # also where the other side is sensitive: there is no value to hide
        case _ if sensitive:
            return Hidden()
        case {"ref": str(address), **rest} if rest.keys() <= {"sid"}:
            return Pointer(address=address, pending=_is_created(address, created))
        case {"json": inner, **rest} if not rest:
            return Plain(inner)
        case str() if name:
            return Pointer(name=name, sid=value)
        case _:
            return Plain(value)


def _text_of(value: object) -> str:
    return value if isinstance(value, str) else ""


def _is_created(address: str, created: frozenset[str]) -> bool:
    """Whether the plan creates a resource, or a resource that contains it."""
    if len(address) > _LONGEST_ADDRESS:
        return False
    ends = [position for position, character in enumerate(address) if character in ".["]
    return any(address[:end] in created for end in [*ends, len(address)])
