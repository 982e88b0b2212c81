"""Builds the deletes of a plan: absent and pruned resources, and old resources that an interrupted replace left.

Takes a `PlanContext`; returns changes whose steps come last. Guards decide which of them are applied. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from reconciler.address import Address
from reconciler.change import Change, Step
from reconciler.config import globs
from reconciler.config.model import Prune
from reconciler.errors import Place
from reconciler.planning.context import PlanContext
from reconciler.planning.role_defaults import repoint_defaults
from reconciler.planning.subject import Subject
from reconciler.state import Live


def build_deletions(context: PlanContext) -> list[Change]:
    """Build every delete: absent resources first, then old resources of replaces, then pruned ones."""
    changes = [*_absent(context), *_completions(context)]
    deleted = {change.sid for change in changes}
    changes += [change for change in _pruned(context) if change.sid not in deleted]
    # A service is deleted after everything else, when nothing refers to it anymore.
    others = tuple(change.steps[0].id for change in changes if change.kind.parent is None and change.kind.updatable)
    return [
        change
        if change.kind.updatable
        else replace(change, steps=tuple(replace(step, needs=others) for step in change.steps))
        for change in changes
    ]


def is_pruned(prune: Prune, subject: Subject) -> bool:
    """Return whether a resource that is not declared falls under a prune rule.

    Globs are matched against the natural key, case-sensitively. Resources that Twilio created are never pruned, nor is
    `guest`: Flex creates it, and whether a service belongs to Flex is not certain.
    """
    if subject.is_built_in or subject.name in subject.kind.never_pruned:
        return False
    wanted = not prune.match or any(globs.matches(glob, subject.name) for glob in prune.match)
    return wanted and not any(globs.matches(glob, subject.name) for glob in prune.keep)


def _absent(context: PlanContext) -> Iterator[Change]:
    for declared in context.desired.absent:
        live = context.matching.live.get(declared.address)
        if live is not None and context.selection.covers_delete(declared.address):
            yield _deletion(
                context, live, declared.address, declared.parent, reason="absent: true", place=declared.place
            )


def _completions(context: PlanContext) -> Iterator[Change]:
    """Delete the old resources that interrupted replaces left, once the defaults on them have moved."""
    for saved, live in context.interrupted.to_complete():
        declared = context.config.resources[saved.address]
        change = _deletion(
            context,
            live,
            context.naming.address_of(live),
            declared.parent,
            reason=f"completes the interrupted replace by {saved.address}",
            place=declared.place,
        )
        new = context.matching.live[saved.address]
        repoint, _ = repoint_defaults(context, declared, live, new.values)
        repoint = tuple(replace(step, needs=()) for step in repoint)
        (delete,) = change.steps
        delete = replace(delete, needs=tuple(step.id for step in repoint))
        yield replace(change, steps=(*repoint, delete), completes=live.sid)


def _pruned(context: PlanContext) -> Iterator[Change]:
    for prune in context.config.prune.values():
        parent = prune.collection.collection if prune.kind.parent is not None else None
        for live in _pruned_members(context, prune):
            address = context.naming.address_of(live)
            if context.selection.covers_delete(address):
                yield _deletion(context, live, address, parent, reason="pruned", place=prune.place)


def _pruned_members(context: PlanContext, prune: Prune) -> Iterable[Live]:
    parents = context.pruned_parents(prune)
    if parents is None:
        return ()
    implied = {
        name
        for kind, service, name in context.implied_users
        if (kind, service) == (prune.kind.name, prune.collection.root)
    }
    return (
        live
        for live in context.state.collection(prune.kind, parents)
        if live.sid not in context.matching.addresses
        and live.name not in implied
        and is_pruned(prune, live)
        and not context.is_protected(live)
    )


def _deletion(
    context: PlanContext, live: Live, address: Address, parent: Address | None, *, reason: str, place: Place | None
) -> Change:
    step = Step(f"{address}#delete", "delete", address, live.kind, parent, sid=live.sid, last=True)
    return Change(
        address=address,
        kind=live.kind,
        action="delete",
        sid=live.sid,
        name=context.naming.of_sid(live.sid) or live.title,
        parent=parent,
        service=context.naming.service_of(parent),
        steps=(step,),
        reason=reason,
        source=place,
    )
