"""Builds the rows that renderers lay out from a plan, a drift, or a comparison.

Takes documents, which contain no secrets; returns `ChangesView`. Decides the content: lists as added and removed items,
fields as the differences inside them, values that are unknown until apply. The renderers decide the layout.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.change import MARKS, Action, Standing
from reconciler.documents.parts import (
    ChangePart,
    FieldPart,
    GuardPart,
    NextStepsPart,
    SincePart,
    SourcePart,
    TallyPart,
    UndeclaredPart,
    UnmanagedPart,
    WarningPart,
)
from reconciler.documents.plan import PlanFile
from reconciler.json_text import Json
from reconciler.kinds import kind_noun
from reconciler.lazy_dataclass import dataclass
from reconciler.render.rows import (
    ChangeRow,
    ChangesView,
    Counts,
    FieldMark,
    FieldRow,
    GuardRow,
    Hidden,
    NextSteps,
    Nothing,
    Plain,
    Pointer,
    SettingRow,
    Side,
    SinceRow,
    SourceRow,
    TimelineRow,
    Unclear,
    UnmanagedGroup,
    UnmanagedRow,
    WarningRow,
    set_diff,
)
from reconciler.render.wording import age, count

if TYPE_CHECKING:  # each document is read by few commands
    from reconciler.documents.comparison import ComparedChange, ComparisonFile
    from reconciler.documents.drift import Difference, DriftField, DriftFile
    from reconciler.documents.drift_log import SightingPart

_LONGEST_ADDRESS = 10_000
"""Characters; longer than three names of 256 characters can make, all of them escaped. Longer texts are not addresses,
and every part of them would be looked up."""
_MOST_KINDS = 8
_OWN_KEYS = ("lifecycle: ", "absent: ")
_MOST_HOLDERS = 10


def plan_view(plan: PlanFile) -> ChangesView:
    """Build the rows of a plan."""
    created = frozenset(part.address for part in plan.changes if part.action in {"create", "replace"})
    return replace(
        _view(
            (plan.account_sid, plan.options.env),
            tuple(
                replace(
                    _change(part, created),
                    standing=part.standing,
                    since=_since(part.since),
                    next_steps=_next_steps(part.next_steps),
                )
                for part in plan.changes
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
        undo="" if plan.options.undo is None else plan.options.undo.report,
        undoes_nothing=plan.options.undo is not None and plan.options.undo.is_empty,
        irreversible=tuple((part.address, part.message) for part in plan.irreversible),
        apply_command="" if plan.commands is None else plan.commands.apply,
        accept_command="" if plan.commands is None else plan.commands.accept,
        accept_omits=() if plan.commands is None else plan.commands.accept_omits,
        by_hand=() if plan.commands is None else plan.commands.by_hand,
    )


_RISKS = ("high", "medium", "low")


def drift_view(drift: DriftFile, *, nested: bool = False) -> ChangesView:
    """Build the rows of a drift.

    Args:
        drift: the drift.
        nested: whether to list what lies inside a missing resource, which is otherwise only counted there.
    """
    from reconciler.documents.drift import missing_above  # noqa: PLC0415 - see above

    missing = frozenset(part.address for part in drift.differences if part.state == "missing")
    actions: Counter[Action] = Counter(map(_drift_action, drift.differences))
    inside: dict[str, Counter[str]] = {}
    listed: list[Difference] = []
    for part in drift.differences:
        above = missing_above(part.address, missing) if part.state == "missing" and not nested else ""
        if above:
            inside.setdefault(above, Counter())[kind_noun(part.kind)] += 1
        else:
            listed.append(part)
    listed.sort(key=lambda part: _RISKS.index(part.risk))
    changes = tuple(_difference(part, missing, inside.get(part.address), drift.created_at) for part in listed)
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
        settings=tuple(
            replace(_setting(part), age=age(part.first_seen, drift.created_at)) for part in drift.undeclared_settings
        ),
        timeline=tuple(map(_sighting, drift.history)),
        left_out=drift.left_out,
        unverified=drift.not_compared,
        unlisted=drift.unlisted,
        unsearched=drift.unsearched,
        unreadable=_warnings(drift.unreadable),
        origin=_origin(drift.tool_version, drift.created_at, drift.config_digest),
        pending=tuple(_difference(part, missing, None, drift.created_at) for part in drift.pending),
        baseline=_since(drift.baseline),
        unmanaged=_unmanaged(drift.unmanaged, drift.created_at),
    )


def _sighting(row: SightingPart) -> TimelineRow:
    name = f"{row.address}.{row.field}" if row.field else row.address
    return TimelineRow(name, row.standing, row.first_seen, row.last_seen, row.gone)


def comparison_view(comparison: ComparisonFile) -> ChangesView:
    """Build the rows of a comparison of two configurations."""
    created = frozenset(part.address for part in comparison.changes if part.action in {"create", "replace"})
    summary = comparison.summary
    return replace(
        _view(
            (comparison.after.account_sid, comparison.after.env),
            tuple(_change(part, created) for part in comparison.changes),
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
    unmanaged: Sequence[UnmanagedPart],
    warnings: Iterable[WarningRow],
    guards: Sequence[GuardPart],
) -> ChangesView:
    """Build the common part of all three.

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
        settings=(),
        warnings=tuple(warnings),
        approvals=tuple(change.approval for change in refused if change.guard is not None and change.guard.approval),
        refusals=tuple(guard.message for guard in guards if guard.verdict == "refused"),
        refused=len(refused),
        high=sum(1 for change in changes if change.risk == "high"),
        origin={},
    )


def _origin(tool_version: str, created_at: str, config_digest: str) -> Mapping[str, str]:
    return {"tool_version": tool_version, "created_at": created_at, "config_digest": config_digest}


def _warnings(parts: Iterable[WarningPart]) -> tuple[WarningRow, ...]:
    return tuple(
        WarningRow(part.severity, part.code, part.message, part.hint, part.address, _source(part.source), part.fix)
        for part in parts
    )


def _acknowledged(number: int) -> Iterator[WarningRow]:
    if number:
        yield WarningRow("notice", "acknowledged", f"{count(number, 'warning')} acknowledged", "", "", None)


def _change(part: ChangePart | ComparedChange, created: frozenset[str]) -> ChangeRow:
    # A replace sends everything, and most of it is as it was.
    different = [field for field in part.fields if part.action != "replace" or not _is_equal(field)]
    fields = tuple(row for field in different for row in _rows(_of_part(field), part.action, created))
    reasons = {row.before.reason if isinstance(row.before, Unclear) else "" for row in fields}
    guard = None if part.guard is None else _guard(part.guard)
    row = ChangeRow(
        address=part.address,
        kind=part.kind,
        action=part.action,
        mark=MARKS[part.action],
        sid=part.sid or "",
        name=part.name,
        service=part.service,
        reason=part.reason,
        risk=part.risk,
        before_unknown=reasons.pop() if len(reasons) == 1 else "",
        fields=fields,
        consequences=(*part.consequences, *_impact(part)),
        guard=guard,
        source=_source(part.source),
    )
    # An apply does not touch the resource, so the change has no effects: they would hide those of other changes.
    return replace(row, risk="low", consequences=()) if row.is_withheld else row


def _impact(part: ChangePart | ComparedChange) -> Iterator[str]:
    """Say what a delete destroys or affects, in sentences."""
    found = part.impact if isinstance(part, ChangePart) else None
    if found is None:
        return
    numbers = list(_counted([item for item in found.counts.values() if not item.why_unknown]))
    if found.last_message:
        numbers.append(f"last message {found.last_message}")
    if numbers:
        names = f" ({_named(found.holders)})" if found.holders else ""
        yield f"Impact: {', '.join(numbers)}{names}."
    unknown = [f"{item.noun}s ({item.why_unknown})" for item in found.counts.values() if item.why_unknown]
    if unknown:
        yield f"Not counted: {', '.join(unknown)}."
    if found.diverted:
        yield found.diverted


def _counted(tallies: Sequence[TallyPart]) -> Iterator[str]:
    """Write numbers with their nouns; active conversations, which are some of the conversations, behind all of them."""
    parts = {whole.noun: part for part in tallies for whole in tallies if part.noun.endswith(f" {whole.noun}")}
    for tally in tallies:
        if tally in parts.values():
            continue
        text = _at_least(tally) + count(tally.number, tally.noun)
        part = parts.get(tally.noun)
        if part is not None and (tally.number or part.number):
            of_these = f"{_at_least(part)}{part.number:,}" if part.number else "none"
            text += f" ({of_these} {part.noun.removesuffix(f' {tally.noun}')})"
        yield text


def _at_least(tally: TallyPart) -> str:
    return "at least " if tally.at_least else ""


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_HOLDERS:,} more" if len(names) > _MOST_HOLDERS else ""
    return ", ".join(names[:_MOST_HOLDERS]) + more


def _drift_action(part: Difference) -> Action:
    """Return the action that would remove a difference."""
    match part.state:
        case "missing":
            return "create"
        case "unwanted":
            return "delete"
        case _:
            return "replace" if any(field.immutable for field in part.fields) else "update"


def _difference(part: Difference, missing: frozenset[str], inside: Counter[str] | None, now: str) -> ChangeRow:
    action = _drift_action(part)
    different = [_of_drift(field, now) for field in part.fields]
    fields = tuple(
        row
        for field in different
        if action != "replace" or not _is_same(field)
        for row in _rows(field, action, missing)
    )
    reasons = {row.before.reason if isinstance(row.before, Unclear) else "" for row in fields}
    return ChangeRow(
        address=part.address,
        kind=part.kind,
        action=action,
        mark=MARKS[action],
        sid=part.sid or "",
        name=part.name,
        service=part.service,
        reason=part.withheld if inside is None else _with_inside(inside),
        risk=part.risk,
        before_unknown=reasons.pop() if len(reasons) == 1 else "",
        fields=fields,
        consequences=part.effects,
        guard=None,
        source=_source(part.source),
        standing=part.standing,
        since=_since(part.since),
        owners=part.owners,
        next_steps=tuple((name, _placed(text, part.address)) for name, text in _next_steps(part.next_steps)),
        age=age(part.first_seen, now),
    )


def _next_steps(part: NextStepsPart | None) -> NextSteps:
    if part is None:
        return ()
    named = (
        ("accept", part.accept),
        ("by hand", part.by_hand),
        ("approve", part.approve),
        ("revert", part.revert),
        ("forget", part.forget),
        ("delete", part.delete),
        ("ignore", part.ignore),
    )
    return tuple((name, text) for name, text in named if text)


def _placed(text: str, address: str) -> str:
    """Say where a line of a resource's own keys goes; documents have it without, so that it fits into braces."""
    return f"{text}  # in {address}" if text.startswith(_OWN_KEYS) else text


def _with_inside(kinds: Counter[str]) -> str:
    """Describe the resources inside a missing one, by kind."""
    listed = ", ".join(count(number, kind) for kind, number in sorted(kinds.items())[:_MOST_KINDS])
    return f"and {kinds.total():,} inside it: {listed}{', …' if len(kinds) > _MOST_KINDS else ''}"


def _guard(part: GuardPart) -> GuardRow:
    return GuardRow(
        name=part.name,
        verdict=part.verdict,
        message=part.message,
        only_delete=part.only_delete,
        approval=part.name == "approval" and part.verdict == "refused",
        fix=part.fix,
    )


def _source(part: SourcePart | None) -> SourceRow | None:
    return None if part is None else SourceRow(part.file, part.line, part.via, part.column)


def _since(part: SincePart | None) -> SinceRow | None:
    return None if part is None else SinceRow(part.entry, part.at, part.commit)


def _unmanaged(parts: Sequence[UnmanagedPart], now: str = "") -> tuple[UnmanagedGroup, ...]:
    groups: dict[str, list[UnmanagedRow]] = {}
    for part in parts:
        groups.setdefault(part.kind, []).append(
            UnmanagedRow(
                part.address,
                part.sid,
                part.name,
                _next_steps(part.next_steps),
                age(part.first_seen, now),
                is_default=part.is_default,
            )
        )
    return tuple(UnmanagedGroup(kind, tuple(rows)) for kind, rows in groups.items())


def _setting(part: UndeclaredPart) -> SettingRow:
    return SettingRow(
        name=f"{part.address}.{part.field}",
        service=part.service,
        value=_side(part.account, frozenset(), part.account_name, sensitive=part.sensitive),
        risk=part.risk,
        meaning=part.meaning,
        clearable=part.clearable,
        next_steps=_next_steps(part.next_steps),
    )


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
    after_name: str
    sensitive: bool
    forces_replacement: bool
    source: SourcePart | None
    before_source: SourcePart | None
    inside: tuple[tuple[str, FieldMark, Json, Json], ...]
    standing: Standing = ""
    since: SincePart | None = None
    returns: bool = False
    adopted: bool = False
    owners: tuple[str, ...] = ()
    age: str = ""


_INNER_MARKS: Mapping[str, FieldMark] = {"added": "+", "removed": "-", "changed": "~"}
_DRIFT_MARKS: Mapping[str, FieldMark] = {"files": "+", "account": "-", "": "~"}


def _of_part(part: FieldPart) -> _Field:
    return _Field(
        path=part.path,
        before=part.before,
        after=part.after,
        before_name=part.before_name,
        after_name=part.after_name,
        sensitive=part.sensitive,
        forces_replacement=part.forces_replacement,
        source=part.source,
        before_source=part.before_source,
        inside=tuple((inner.path, _INNER_MARKS[inner.kind], inner.before, inner.after) for inner in part.inside),
        standing=part.standing,
        since=part.since,
        returns=part.returns,
        adopted=part.adopted,
    )


def _of_drift(part: DriftField, now: str) -> _Field:
    return _Field(
        path=part.path,
        before=part.account,
        after=part.files,
        before_name=part.account_name,
        after_name="",
        sensitive=part.sensitive,
        forces_replacement=part.immutable,
        source=part.source,
        before_source=None,
        inside=tuple((inner.path, _DRIFT_MARKS[inner.only_in], inner.account, inner.files) for inner in part.inside),
        standing=part.standing,
        since=part.since,
        owners=part.owners,
        age=age(part.first_seen, now),
    )


def _rows(part: _Field, action: Action, created: frozenset[str]) -> Iterator[FieldRow]:
    """Build the rows of one field: one for each difference inside it if they are known, or else one for the field."""
    if part.sensitive or not part.inside:
        yield _row(part, action, created)
        return
    source, before_source = _source(part.source), _source(part.before_source)
    for path, mark, before, after in part.inside:
        dot = "" if path.startswith("[") else "."
        yield FieldRow(
            path=f"{part.path}{dot}{path}",
            mark=mark,
            before=Nothing() if mark == "+" else Plain(before),
            after=Nothing() if mark == "-" else Plain(after),
            items=None,
            forces_replacement=part.forces_replacement,
            source=source,
            before_source=None if before_source == source else before_source,
            standing=part.standing,
            since=_since(part.since),
            owners=part.owners,
            age=part.age,
        )
        source = before_source = None  # the same for all of them, so shown once


def _row(part: _Field, action: Action, created: frozenset[str]) -> FieldRow:
    before = _side(part.before, frozenset(), part.before_name, sensitive=part.sensitive)
    after = _side(part.after, created, part.after_name, sensitive=part.sensitive)
    if isinstance(before, Hidden) and isinstance(after, Hidden) and after.shown and before.shown == after.shown:
        after = replace(after, differs=not _is_same(part))
    source, before_source = _source(part.source), _source(part.before_source)
    mark: FieldMark = "~"
    if isinstance(after, Nothing):
        mark = "-"
    elif isinstance(before, Nothing) or action == "create":
        mark = "+"
    if part.returns:
        mark = "↩"
    return FieldRow(
        path=part.path,
        mark=mark,
        before=before,
        after=after,
        items=set_diff(before, after),
        forces_replacement=part.forces_replacement,
        source=source,
        before_source=None if before_source == source else before_source,  # the same place is not repeated
        standing=part.standing,
        since=_since(part.since),
        adopted=part.adopted,
        owners=part.owners,
        age=part.age,
    )


def _is_equal(part: FieldPart) -> bool:
    return _is_same(_of_part(part))


def _is_same(part: _Field) -> bool:
    """Whether both sides of a field are equal; a field that forces a replacement is always shown."""
    if part.forces_replacement:
        return False
    match part.before, part.after:
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
