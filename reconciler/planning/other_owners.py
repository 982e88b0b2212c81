"""Keeps the former resource of a replace that another ledger declares, as the removal of such a resource is withheld.

Takes changes and a `Resolution`; gives the same changes with their guards. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reconciler.change import Change, Guard
from reconciler.config.model import Declared
from reconciler.planning.guard_context import live_name
from reconciler.planning.live_identity import LiveIdentity, lineage_of
from reconciler.planning.removals import Resolution
from reconciler.state import Live, State


def with_former_kept(change: Change, resolution: Resolution, state: State) -> Change | None:
    """Withhold the delete of a replace, also of an interrupted one, if another ledger declares the former resource.

    Args:
        change: The change.
        resolution: The configuration that contains everything that is removed.
        state: The account.

    Returns:
        None if nothing is left to do: an interrupted replace is complete if its former resource belongs to others.
    """
    live = state.get(change.sid or "")
    is_replaced = change.action == "replace" or (change.action == "delete" and bool(change.completes))
    if live is None or not is_replaced or change.is_withheld:
        return change
    above = tuple(lineage_of(reversed(list(_around(change, resolution))), resolution.matching.live, state))
    owner = resolution.widened.baseline.declared_elsewhere((*above, _identity_of(live)))
    if not owner:
        return change
    has_rest = _has_rest(change)
    if change.completes and not has_rest:
        return None
    noun, name = change.kind.noun, change.former_title or live_name(change, live)
    kept = "the former one is kept, and only that configuration manages it"
    rejected = "it is not replaced; let only one of the two configurations declare it"
    message = f"{owner} {noun} {name!r} for the same account, so {kept if has_rest else rejected}"
    return replace(change, guard=Guard("declared_elsewhere", "withheld", message, only_delete=has_rest))


def _has_rest(change: Change) -> bool:
    """Whether the new resource can be created without the delete of the former one."""
    return change.steps[0].op != "delete"


def _around(change: Change, resolution: Resolution) -> Iterator[Declared]:
    """Yield what contains a resource, innermost first."""
    resources = resolution.widened.config.resources
    above = resources.get(change.parent) if change.parent is not None else None
    while above is not None:
        yield above
        above = resources.get(above.parent) if above.parent is not None else None


def _identity_of(live: Live) -> LiveIdentity:
    """Return what identifies a resource that its own declaration calls by another name now."""
    return LiveIdentity(live.kind.name, frozenset({live.sid}), frozenset({live.name} - {""}))
