"""What goes before what, beyond what a change itself needs: room made first, doors closed last, deletes at the end.

Takes changes whose steps already name what they refer to; gives them with further needs, in an order in which each
comes after what it needs, narrowed to what was asked for. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from reconciler import graph
from reconciler.address import Address
from reconciler.change import Change, Step
from reconciler.config.model import Reference, Unknown
from reconciler.kinds import KINDS
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content
from reconciler.kinds.markers import Ref
from reconciler.state import Collection, Live, State

_ORDER = {kind: index for index, kind in enumerate(KINDS)}


def make_room(changes: Sequence[Change], state: State, live: Mapping[Address, Live]) -> list[Change]:
    """Let a delete or update go before a create or update where both cannot be there at once, and only that one.

    That is so where they share what must be unique (an address and proxy pair that moves to another conversation, a
    unique name that another one takes over), and where their parent is full (the sixth webhook of a conversation).
    """
    # What is replaced lets go of its keys with its first step.
    letting_go = {change.address: "delete" if change.action == "replace" else change.action for change in changes}
    first = _sharing_unique_keys(changes, state)
    for create, deletes in _in_full_parents(changes, state, live).items():
        first.setdefault(create, set()).update(deletes)
    early = {address for addresses in first.values() for address in addresses}
    result = []
    for change in changes:
        if change.address in early and change.action == "delete":
            steps = tuple(replace(step, last=False) for step in change.steps)
            result.append(replace(change, steps=steps))
        elif change.address in first:
            needs = tuple(f"{address}#{letting_go[address]}" for address in sorted(first[change.address]))
            steps = tuple(
                replace(step, needs=(*step.needs, *needs)) if step.op in {"create", change.action} else step
                for step in change.steps
            )
            result.append(replace(change, steps=steps))
        else:
            result.append(change)
    return result


def _sharing_unique_keys(changes: Sequence[Change], state: State) -> dict[Address, set[Address]]:
    leaving: dict[tuple[object, ...], Address] = {}
    for change in changes:
        live = state.get(change.sid or "")
        if change.action == "update" and live is not None:
            kept = {**live.values, **change.steps[0].values}
            freed = {*_unique_keys(change.kind, change.parent, live.values)}
            for key in freed - {*_unique_keys(change.kind, change.parent, kept)}:
                leaving[key] = change.address
        if change.action == "replace" and live is not None and change.steps[0].op == "delete":
            freed = {*_unique_keys(change.kind, change.parent, live.values)}
            for key in freed - {*_unique_keys(change.kind, change.parent, _wanted(change))}:
                leaving[key] = change.address
        if change.action == "delete" and live is not None:
            for key in _unique_keys(change.kind, change.parent, live.values):
                leaving[key] = change.address
            for kind in KINDS:
                for inner in (
                    state.collection(kind, (*live.parents, live.sid)) if kind.parent == change.kind.name else ()
                ):
                    for key in _unique_keys(kind, change.address, inner.values):
                        leaving[key] = change.address
    first: dict[Address, set[Address]] = defaultdict(set)
    for change in changes:
        for key in _unique_keys(change.kind, change.parent, _wanted(change)):
            if key in leaving and leaving[key] != change.address:
                first[change.address].add(leaving[key])
    return dict(first)


def _wanted(change: Change) -> Mapping[str, Content | Reference | Unknown]:
    """What a change sends first of a resource that is to be; nothing for one that goes."""
    return next((step.values for step in change.steps if step.op != "delete"), {})


def _unique_keys(
    kind: Kind, parent: Address | None, contents: Mapping[str, Content | Reference | Unknown]
) -> Iterable[tuple[object, ...]]:
    for paths, scope in kind.unique:
        values = tuple(contents.get(path) for path in paths)
        if all(isinstance(value, str) and value for value in values):
            yield (kind.name, paths, parent if scope == "parent" else None, values)


def swaps(changes: Sequence[Change], state: State) -> list[tuple[Address, ...]]:
    """Circles of changes of which each wants what the next one still has, so that none can be the first."""
    waiting = _sharing_unique_keys(changes, state)
    found: list[tuple[Address, ...]] = []
    done: set[Address] = set()
    for start in sorted(waiting):
        path: list[Address] = []
        address: Address | None = start
        while address is not None and address not in done and address not in path:
            path.append(address)
            # A name is free after one change, and each change takes one name.
            address = min(waiting.get(address, ()), default=None)
        if address is not None and address in path:
            found.append(tuple(path[path.index(address) :]))
        done.update(path)
    return found


def unseen(changes: Sequence[Change], state: State) -> frozenset[Collection]:
    """What has to be read of resources that go, because something in them may hold what a create wants for itself."""
    wanting = {
        change.kind
        for change in changes
        if change.kind.parent is not None
        for key in _unique_keys(change.kind, change.parent, _wanted(change))
        if key[2] is None
    }
    leaving = [live for change in changes if change.action == "delete" and (live := state.get(change.sid or ""))]
    collections = {
        Collection(kind.name, (*live.parents, live.sid))
        for kind in wanting
        for live in leaving
        if live.kind.name == kind.parent
    }
    return frozenset(collections - state.complete)


def after_defaults(changes: Sequence[Change]) -> list[Change]:
    """Let what gets a default (the role of a new user) wait for the change of that default."""
    settled = {
        (change.parent, item.path): change.steps[0].id
        for change in changes
        if change.kind.name == "service_configuration"
        for item in change.fields
    }
    result = []
    for change in changes:
        service = Address(change.address.parts[:2])
        needs = [
            settled[service, marker.default]
            for field in change.kind.fields
            if change.action == "create"
            and (marker := field.marker(Ref)) is not None
            and (service, marker.default) in settled
            and field.path not in change.steps[0].values
        ]
        steps = tuple(
            replace(step, needs=(*step.needs, *needs)) if step.op == "create" else step for step in change.steps
        )
        result.append(replace(change, steps=steps) if needs else change)
    return result


def _in_full_parents(
    changes: Sequence[Change], state: State, live: Mapping[Address, Live]
) -> dict[Address, set[Address]]:
    creates: dict[Address, list[Change]] = defaultdict(list)
    deletes: dict[Address, list[Change]] = defaultdict(list)
    for change in changes:
        if change.kind.most_in_parent and change.parent is not None:
            if change.action == "create":
                creates[change.parent].append(change)
            elif change.action == "delete":
                deletes[change.parent].append(change)
    first: dict[Address, set[Address]] = {}
    for parent, leaving in deletes.items():
        coming = sorted(creates.get(parent, ()), key=lambda change: change.address)
        over = _how_many(leaving[0], state, live) + len(coming) - leaving[0].kind.most_in_parent
        gone = [change.address for change in sorted(leaving, key=lambda change: change.address)][: max(0, over)]
        # The last creates are those that find no room.
        for create, address in zip(reversed(coming), gone, strict=False):
            first[create.address] = {address}
    return first


def without_room(changes: Sequence[Change], state: State, live: Mapping[Address, Live]) -> frozenset[Address]:
    """The creates whose parent stays full, whatever is deleted; the last ones of each parent."""
    inside: dict[Address, list[Change]] = defaultdict(list)
    for change in changes:
        if change.kind.most_in_parent and change.parent is not None:
            inside[change.parent].append(change)
    refused: set[Address] = set()
    for members in inside.values():
        coming = sorted(change.address for change in members if change.action == "create")
        leaving = sum(1 for change in members if change.action == "delete")
        over = _how_many(members[0], state, live) - leaving + len(coming) - members[0].kind.most_in_parent
        refused.update(coming[len(coming) - over :] if over > 0 else ())
    return frozenset(refused)


def _how_many(member: Change, state: State, live: Mapping[Address, Live]) -> int:
    """How many of its kind its parent holds now."""
    above = live.get(member.parent) if member.parent is not None else None
    return 0 if above is None else len(state.collection(member.kind, (*above.parents, above.sid)))


def let_go(changes: Sequence[Change], state: State) -> list[Change]:
    """Let the delete of what others refer to (a role) wait for the deletes of those others (users who hold it)."""
    referring: dict[str, list[str]] = defaultdict(list)
    for change in changes:
        live = state.get(change.sid or "")
        if change.action != "delete" or live is None:
            continue
        for field in live.kind.fields:
            if field.marker(Ref) is not None and isinstance(sid := live.values.get(field.path), str):
                referring[sid].extend(step.id for step in change.steps)
    return [
        replace(
            change,
            steps=tuple(
                replace(step, needs=(*step.needs, *sorted(referring[change.sid]))) if step.op == "delete" else step
                for step in change.steps
            ),
        )
        # Services go after everything else as it is.
        if change.sid in referring and change.kind.parent is not None
        else change
        for change in changes
    ]


def close_last(changes: Sequence[Change]) -> list[Change]:
    """Let a step that makes a resource final wait for everything that still has to happen inside of it."""
    inside: dict[Address, list[Step]] = defaultdict(list)
    for change in changes:
        if change.parent is not None:
            inside[change.parent].extend(change.steps)
    result = []
    for change in changes:
        steps = tuple(
            replace(step, needs=(*step.needs, *(inner.id for inner in inside[change.address] if not inner.last)))
            if step.op == "update" and change.kind.final(step.values) and inside.get(change.address)
            else step
            for step in change.steps
        )
        result.append(replace(change, steps=steps))
    return result


def in_order(changes: Sequence[Change]) -> list[Change]:
    """Put changes into order: each after what it needs, deletes last.

    Raises:
        graph.CycleError: when changes need each other in a circle.
    """
    by_address = {change.address: change for change in changes}
    owner = {step.id: change.address for change in changes for step in change.steps}
    needs = {
        change.address: [
            owner[need]
            for step in change.steps
            for need in step.needs
            # A step that closes a resource waits for what is inside, which itself waits for the resource to be made.
            if need in owner and not owner[need].is_within(change.address)
        ]
        for change in changes
    }
    ranks = {
        change.address: (
            change.action == "delete" and all(step.last for step in change.steps),
            _ORDER[change.kind] if change.kind.parent is None else 0,
            change.address,
        )
        for change in changes
    }
    return [by_address[item] for item in graph.order(ranks, needs)]
