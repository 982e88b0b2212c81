"""Finds live resources that are not declared.

Takes a `PlanContext` and the changes of a plan; returns the unmanaged resources of the collections read. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.address import Address
from reconciler.change import Change
from reconciler.config.ignored import is_ignored
from reconciler.kinds.base import Kind
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.context import PlanContext
from reconciler.planning.scope import SEARCHED
from reconciler.state import Live


@dataclass(frozen=True, slots=True)
class Unmanaged:
    """A live resource that is not declared.

    Attributes:
        address: its address, made of SIDs where there is no handle.
        live: the resource.
        name: its natural key in a form that may be shown, with the type if others have the same name; empty for
            `live.title`.
        is_default: whether it is the account's default service, which is never deleted.
    """

    address: Address
    live: Live
    name: str = ""
    is_default: bool = False


def unmanaged_resources(context: PlanContext, undeclared: Iterable[Unmanaged]) -> tuple[Unmanaged, ...]:
    """Return the undeclared resources that a plan lists: without ignored ones, and without customers."""
    ignored = context.config.unmanaged_ignore
    unlisted = {*unlisted_collections(context).values()}
    return tuple(
        item
        for item in undeclared
        if (item.live.kind.name, item.live.parents) not in unlisted
        if not any(is_ignored(glob, item.address) for glob in ignored)
    )


def unlisted_collections(context: PlanContext) -> dict[Address, tuple[str, tuple[str, ...]]]:
    """Return the unpruned collections that hold traffic, by address: undeclared resources in them are not compared."""
    found = {}
    for (kind, parent), members in context.config.collections.items():
        parents = context.parents_at(parent)
        if not kind.is_traffic or parent is None or parents is None:
            continue
        collection = parent.child(*kind.section)
        if collection not in context.config.prune and any(map(context.selection.covers, members)):
            found[collection] = (kind.name, parents)
    return dict(sorted(found.items()))


def undeclared_resources(context: PlanContext, changes: Iterable[Change]) -> list[Unmanaged]:
    """Return every undeclared live resource in a collection that was read."""
    deleted = {change.sid for change in changes if change.action == "delete"}
    found = [
        Unmanaged(
            context.naming.address_of(live),
            live,
            _name_of_unmanaged(context, live),
            is_default=live.sid in context.default_services,
        )
        for live in _unmatched(context)
        if deleted.isdisjoint((live.sid, *live.parents)) and not context.is_protected(live)
    ]
    return sorted(found, key=lambda item: (item.address, item.live.sid))


def _unmatched(context: PlanContext) -> Iterator[Live]:
    """Yield the live resources of the searched collections that match no declared one."""
    addresses = context.matching.addresses
    for kind, parents in _searched_collections(context):
        if not kind.singleton and parents is not None:
            # Nearly all are declared, so their SIDs are looked up without touching the resources.
            members = context.state.members(kind, parents)
            yield from (members[sid] for sid in members if sid not in addresses)


def unsearched_collections(context: PlanContext) -> tuple[Address, ...]:
    """Return the top-level collections that were not searched, because nothing is declared in them.

    They may hold any number of unmanaged resources. Collections that the plan does not cover are left out.
    """
    searched = _searched_collections(context)
    return tuple(
        collection
        for kind in SEARCHED
        if kind.parent is None
        and (kind, ()) not in searched
        and context.selection.covers_collection(collection := Address(kind.section))
    )


def _searched_collections(context: PlanContext) -> set[tuple[Kind, tuple[str, ...] | None]]:
    """Return the kind and the parents' SIDs of every collection that is searched for unmanaged resources."""
    selection = context.selection
    named = {
        (kind, context.parents_at(parent))
        for (kind, parent), members in context.config.collections.items()
        if any(map(selection.covers, members))
    }
    named |= {
        (prune.kind, context.pruned_parents(prune))
        for prune in context.config.prune.values()
        if selection.covers_collection(prune.collection)
    }
    if not selection.searches:
        return named
    owners = [
        (declared.address, live)
        for declared in context.covered()
        if (live := context.matching.live.get(declared.address))
    ]
    for kind in SEARCHED:
        if kind.parent is None and selection.covers_collection(Address(kind.section)):
            named.add((kind, ()))
        for address, live in owners:
            if kind.parent == live.kind.name and selection.covers_collection(address.child(*kind.section)):
                named.add((kind, live.lineage))
    return named


def _name_of_unmanaged(context: PlanContext, live: Live) -> str:
    above = context.matching.addresses.get(live.parents[-1]) if live.parents else None
    return context.naming.label(live.kind, above, live.title, live.values)
