"""Counts that approvals are bound to: what a delete may destroy at most.

Takes changes and a `GuardContext`; returns guards. Pure. A bounded approval approves as long as no count is above its
bound: above it the plan is refused, and what cannot be counted is withheld.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from reconciler.address import Address
from reconciler.change import Change, Guard
from reconciler.config.model import Approval
from reconciler.kinds.base import Kind
from reconciler.kinds.impact import Count
from reconciler.planning.guard_context import GuardContext, has_more, removes
from reconciler.state import Counted, State

Bounds: TypeAlias = Mapping[tuple[Address, str], tuple[tuple[tuple[str, int], ...], ...]]
"""By address and action, the bounds of each approval that has some; nothing if another approval has none."""


def bounds_of(approvals: Iterable[Approval]) -> Bounds:
    """Return the bounds of approvals."""
    found: dict[tuple[Address, str], list[tuple[tuple[str, int], ...]]] = {}
    for item in approvals:
        found.setdefault((item.address, item.action), []).append(item.at_most)
    return {key: tuple(bounds) for key, bounds in found.items() if all(bounds)}


def count_named(kind: Kind, name: str) -> Count:
    """Return the count of that name, which the kind has."""
    return next(count for count in kind.counts if count.name == name)


def exceeded(kind: Kind, at_most: Iterable[tuple[str, int]], counts: Mapping[str, Counted]) -> str:
    """Return which bounds are exceeded, as text; empty if none are, as far as they were counted."""
    found = []
    for name, most in at_most:
        now = counts.get(name)
        if now is not None and now.number > most:
            noun = count_named(kind, name).noun
            number = f"{'' if now.is_exact else 'at least '}{now.number:,} {noun}{'' if now.number == 1 else 's'}"
            found.append(f"{number} (at most {most:,} approved)")
    return ", ".join(found)


def uncountable(kind: Kind, at_most: Iterable[tuple[str, int]], counts: Mapping[str, Counted]) -> str:
    """Return which bounds cannot be checked, with the API's answer, as text; empty if all can."""
    found = []
    for name, _ in at_most:
        now = counts.get(name)
        if now is not None and now.refusal is not None:
            found.append(f"{count_named(kind, name).noun}s ({now.refusal.answer})")
    return ", ".join(found)


def holding_bounds(change: Change, state: State, bounds: Bounds) -> tuple[tuple[str, int], ...]:
    """Return the bounds that the delete of a change is approved with; empty for none."""
    alternatives = bounds.get((change.address, change.action), ())
    counts = _counts_of(change, state)
    fitting = (
        item
        for item in alternatives
        if not exceeded(change.kind, item, counts) and not uncountable(change.kind, item, counts)
    )
    return next(fitting, alternatives[0] if alternatives else ())


def bound_unknown(change: Change, context: GuardContext) -> Guard | None:
    """Withhold a delete whose approval is bound to something that cannot be counted."""
    at_most = holding_bounds(change, context.state, context.bounds) if removes(change) else ()
    counts = _counts_of(change, context.state)
    unknown = uncountable(change.kind, at_most, counts)
    if not unknown or exceeded(change.kind, at_most, counts):
        return None
    return Guard(
        "not_counted",
        "withheld",
        f"the approval of {change.address} has bounds that cannot be checked: {unknown}; give the API key permission "
        "to read the list, or approve it without at_most",
        only_delete=has_more(change) and change.steps[0].op != "delete",
    )


def bound_exceeded(change: Change, context: GuardContext) -> Guard | None:
    """Refuse a delete that would destroy more than its approval allows."""
    at_most = holding_bounds(change, context.state, context.bounds) if removes(change) else ()
    above = exceeded(change.kind, at_most, _counts_of(change, context.state))
    if not above:
        return None
    return Guard(
        "bound_exceeded",
        "refused",
        f"{change.address} has {above}; to {change.action} it anyway, raise at_most of its approval",
    )


def _counts_of(change: Change, state: State) -> Mapping[str, Counted]:
    return state.counts.get(change.sid or "", {})
