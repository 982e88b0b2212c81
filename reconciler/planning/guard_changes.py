"""Applies the guards to a plan, repeatedly, until no further change is withheld.

Takes a `PlanContext` and sorted changes; returns the same changes with their guards. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from reconciler.address import Address
from reconciler.change import Change
from reconciler.config.model import Approval, Declared
from reconciler.kinds import BY_NAME, KINDS
from reconciler.kinds.base import Kind
from reconciler.kinds.markers import Ref
from reconciler.kinds.relations import chooses_held, destinations_of, holdings_of, is_held
from reconciler.planning import guards, ordering
from reconciler.planning.context import PlanContext
from reconciler.planning.counts import bounds_of
from reconciler.planning.guard_context import GuardContext
from reconciler.planning.kept_decisions import NOT_REVIEWED, Reviewed
from reconciler.planning.match_by_name import is_of_type
from reconciler.state import Live


def guard_changes(
    context: PlanContext,
    changes: tuple[Change, ...],
    approved: Iterable[Approval] = (),
    reviewed: Reviewed = NOT_REVIEWED,
    *,
    ours: bool = False,
) -> tuple[Change, ...]:
    """Return every change with its guard, if any; a withheld change frees no name or slot for others.

    A user whose change is withheld keeps a role, which prevents the role from being deleted.

    Args:
        context: configuration and account.
        changes: the changes, in order.
        approved: approvals in addition to those of the configuration.
        reviewed: the decisions of the reviewed plan that this one continues.
        ours: whether the configuration wins every conflict with the account.
    """
    given = (*context.config.approvals, *approved)
    approvals, bounds = frozenset((item.address, item.action) for item in given), bounds_of(given)
    held: frozenset[Address] = frozenset()
    kept: frozenset[Address] = frozenset()
    while True:
        doing = tuple(change for change in changes if change.address not in held)
        known = replace(
            _guard_context(context, changes, doing, kept),
            approved=approvals,
            bounds=bounds,
            reviewed=reviewed,
            ours=ours,
        )
        guarded = guards.guard(changes, known)
        found = held | {change.address for change in guarded if change.is_withheld}
        keeping = kept | {change.address for change in guarded if change.guard is not None}
        if (found, keeping) == (held, kept):
            return guarded
        held, kept = found, keeping


def _guard_context(
    context: PlanContext, changes: tuple[Change, ...], doing: tuple[Change, ...], kept: frozenset[Address]
) -> GuardContext:
    """Build the guard context for the changes that are applied, some of them without their delete."""
    holding = {use.kind: use.field.path for kind in KINDS for use in holdings_of(kind)}
    coming = tuple(change for change in changes if change.action != "delete")
    leaving = tuple(change for change in doing if change.action == "delete")
    return GuardContext(
        config=context.config,
        state=context.state,
        approved=frozenset(),
        default_roles=context.default_roles,
        remaining_defaults=_remaining_defaults(context, doing),
        default_services=context.default_services,
        before=context.matching.live,
        services_of_addresses=_services_of_addresses(context, doing),
        no_room=ordering.creates_without_room((*coming, *leaving), context.state, context.matching.live),
        assigned=_assigned_roles(context, doing),
        successors={
            change.completes: successor
            for change in changes
            if (successor := context.successor(change.completes)) is not None
        },
        names_taken=_names_taken(context, changes, kept),
        names_given_up=_names_given_up(context, changes, doing, kept),
        replacements=context.interrupted.replacements,
        moved=frozenset(
            change.sid
            for change in doing
            if change.kind in holding and change.sid
            if change.action == "delete" or any(item.path == holding[change.kind] for item in change.fields)
        ),
    )


def _names_taken(context: PlanContext, doing: Iterable[Change], kept: frozenset[Address]) -> dict[Address, Live]:
    """Return the creates of roles whose name and type another live role keeps, with that role.

    Twilio accepts duplicates, which are then ambiguous.

    Args:
        context: configuration and account.
        doing: the changes that are applied.
        kept: those whose delete, at least, is withheld.
    """
    gone = {
        change.sid for change in doing if change.address not in kept for step in change.steps if step.op == "delete"
    }
    taken: dict[Address, Live] = {}
    for change in doing:
        parent = context.matching.live.get(change.parent) if change.parent is not None else None
        if not is_held(change.kind) or parent is None:
            continue
        for step in change.steps:
            if step.op != "create" or step.adopts is not None:
                continue
            same_key = (change.kind.natural_key, change.kind.discriminator)
            for live in context.state.collection(change.kind, (parent.sid,)):
                same = all(live.values.get(path) == step.values.get(path) for path in same_key)
                if same and live.sid not in gone:
                    taken[change.address] = live
    return taken


def _names_given_up(
    context: PlanContext, changes: Sequence[Change], doing: Sequence[Change], kept: frozenset[Address]
) -> dict[Address, Address]:
    """Return the changes that free a name that another declared resource was to take but does not take in this apply.

    Returns:
        The declared resource, by the address of the change. With the change alone, no resource would have the name.
    """
    taking = {change.address for change in doing}
    given_up: dict[Address, Address] = {}
    for change in changes:
        live = context.state.get(change.sid or "")
        if change.address in kept and change.address in taking:
            continue  # its old resource stays
        own = context.successor(change.completes) if change.completes else change.address
        if live is None or not live.name or own is None or (change.action == "delete" and not change.completes):
            continue
        for other in heirs_of_name(context, live, own):
            if other.address not in taking:
                given_up[change.address] = other.address
    return given_up


def _remaining_defaults(context: PlanContext, doing: Iterable[Change]) -> dict[str, str]:
    """Return the roles that are a service's default after the given changes, by SID, with the default's field."""
    defaults = {
        (live.parents[0], field.path): str(live.values[field.path])
        for kind in filter(chooses_held, KINDS)
        for live in context.state.of_kind(kind)
        for field in live.kind.fields
        if field.marker(Ref) is not None and live.values.get(field.path)
    }
    for change in doing:
        service = context.matching.live.get(change.parent) if change.parent is not None else None
        if service is None:
            continue
        for step in change.steps:
            if chooses_held(step.kind):
                for path, content in step.values.items():
                    defaults[service.sid, path] = context.sid(content)
    return {sid: path for (_, path), sid in sorted(defaults.items()) if sid}


def _assigned_roles(context: PlanContext, doing: Iterable[Change]) -> dict[str, str]:
    """Return the roles that are assigned by SID after the apply, with the address that assigns them.

    Includes declared values, and undeclared values that a replaced resource carries over.
    """
    assigned: dict[str, str] = {}
    for declared in context.of_kinds(lambda kind: kind.references):
        for path in declared.kind.references:
            value = declared.values.get(path)
            if value is None:
                continue
            if not (path in declared.lifecycle.ignore_changes and declared.address in context.matching.live):
                assigned.update(_assigned(declared.kind, path, value.content, declared.address))
    for change in doing:
        for step in change.steps:
            for path, content in step.values.items():
                assigned.update(_assigned(step.kind, path, content, step.address))
    return assigned


def _assigned(kind: Kind, path: str, content: object, address: Address) -> dict[str, str]:
    reference = kind.references.get(path)
    if reference is None or not is_held(BY_NAME[reference.kind]) or not isinstance(content, str) or not content:
        return {}
    return {content: str(address)}


def _services_of_addresses(context: PlanContext, changes: Iterable[Change]) -> frozenset[tuple[str, str]]:
    paths = {use.kind: use.field.path for kind in KINDS for use in destinations_of(kind)}
    leading = [change for change in changes if change.kind in paths]
    by_sid = {change.sid: change for change in leading}
    # Values that only the account had may also come from the journal of an interrupted apply.
    pointing = {
        (context.sid(step.values.get(paths[change.kind])), change.name) for change in leading for step in change.steps
    }
    for live in (live for kind in paths for live in context.state.collection(kind, ())):
        change, path = by_sid.get(live.sid), paths[live.kind]
        if change is not None and change.action == "delete":
            continue
        moved = [item.after for item in (change.fields if change is not None else ()) if item.path == path]
        pointing.add((context.sid(moved[0]) if moved else str(live.values.get(path) or ""), live.name))
    for declared in context.of_kinds(lambda kind: kind in paths):
        path = paths[declared.kind]
        value = declared.values.get(path)
        if value is not None and path not in declared.lifecycle.ignore_changes:
            pointing.add((context.sid(value.content), declared.title))
    return frozenset((sid, name) for sid, name in pointing if sid)


def heirs_of_name(context: PlanContext, live: Live, owner: Address) -> Iterator[Declared]:
    """Yield the declared resources that are to take over the name of a live one from its present declared owner.

    Args:
        context: configuration and account.
        live: the resource that has the name.
        owner: the declared resource that is, or replaces, the live one.
    """
    declared = context.config.resources.get(owner)
    if declared is None or declared.natural_key == live.name:
        return
    for other in context.config.collection(live.kind, declared.parent):
        if other is declared or other.absent or other.natural_key != live.name:
            continue
        current = context.matching.live.get(other.address)
        if is_of_type(other, live) and (current is None or current.name != live.name):
            yield other
