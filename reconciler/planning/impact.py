"""The impact of the deletes of a plan: what they destroy or affect, as numbers and names.

Takes guarded changes and the account; returns the same changes with their impact, and what has to be counted first.
Pure. An impact is shown, but is not part of the approval: it may change at any time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reconciler.change import Change, Impact, Tally
from reconciler.kinds.impact import Count
from reconciler.kinds.relations import is_held
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.context import PlanContext
from reconciler.planning.counts import Bounds, holding_bounds
from reconciler.planning.guard_context import removes
from reconciler.planning.role_guards import Holders, holders_of
from reconciler.state import Counted, Live, State


@dataclass(frozen=True, slots=True)
class CountRead:
    """One list to count.

    Attributes:
        live: the resource that is to be deleted.
        count: what to count of it.
        limit: the number from which on no further page is needed.
    """

    live: Live
    count: Count
    limit: int


def counts_to_fetch(changes: Iterable[Change], state: State, bounds: Bounds, limit: int) -> tuple[CountRead, ...]:
    """Return what has to be counted before the plan is shown: bounded lists as far as their bounds need.

    Args:
        changes: the changes, with their guards.
        state: the account.
        bounds: the bounds of approvals.
        limit: how far other lists are counted; 0 if nothing is counted.
    """
    if not limit:
        return ()
    reads = []
    for change in changes:
        live = state.get(change.sid or "")
        if live is None or not _is_deleted(change):
            continue
        needed: dict[str, int] = {}
        for alternative in bounds.get((change.address, change.action), ()):
            for name, most in alternative:
                needed[name] = max(needed.get(name, 0), most + 1)
        reads += [
            CountRead(live, count, max(limit, needed.get(count.name, 0)))
            for count in change.kind.counts
            if count.name not in state.counts.get(live.sid, {})
        ]
    return tuple(reads)


def with_impact(context: PlanContext, changes: Iterable[Change], bounds: Bounds) -> tuple[Change, ...]:
    """Return the changes with the impact of each delete, and the bounds that are checked again before it is sent."""
    return tuple(_bound(context, _with_impact(context, change), bounds) for change in changes)


def _is_deleted(change: Change) -> bool:
    """Whether a change is to delete its resource: no guard withholds it."""
    held = change.guard if change.guard is not None and change.guard.verdict == "withheld" else None
    return removes(change) and held is None


def _with_impact(context: PlanContext, change: Change) -> Change:
    live = context.state.get(change.sid or "")
    if live is None or not _is_deleted(change):
        return change
    counts = context.state.counts.get(live.sid, {})
    known = [(count, counts[count.name]) for count in change.kind.counts if count.name in counts]
    found = Impact(
        tallies=tuple(_tally(count, now) for count, now in known),
        latest=next((now.newest for count, now in known if count.newest), ""),
        diverted=_diverted(change, live),
    )
    if is_held(change.kind) and (holders := holders_of(context.config, context.state, context.matching.live, live)):
        found = replace(found, tallies=(_held(holders),), holders=holders.names)
    return replace(change, impact=found) if found != Impact() else change


def _tally(count: Count, now: Counted) -> Tally:
    why = now.refusal.answer if now.refusal is not None else ""
    return Tally(count.name, count.noun, now.number, now.is_exact, why)


def _held(holders: Holders) -> Tally:
    return Tally("holders", "holder", len(holders.names), holders.is_complete)


def _diverted(change: Change, live: Live) -> str:
    where = change.kind.diverts(live.values)
    if not where:
        return ""
    when = "After the delete" if change.action == "delete" else "Between delete and create"
    return f"{when}, {where}."


def _bound(context: PlanContext, change: Change, bounds: Bounds) -> Change:
    at_most = holding_bounds(change, context.state, bounds) if _is_deleted(change) else ()
    if not at_most:
        return change
    steps = (
        replace(step, at_most=at_most) if step.op == "delete" and step.sid == change.sid else step
        for step in change.steps
    )
    return replace(change, steps=tuple(steps))
