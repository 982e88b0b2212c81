"""Orders the steps of a plan: those that free a key or slot come early, those that close a resource late, deletes last.

Takes changes whose steps already depend on what they refer to; returns them with further dependencies, sorted so that
each comes after its dependencies. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from reconciler.address import Address
from reconciler.change import Change, Step
from reconciler.config.model import Reference, Unknown
from reconciler.kinds import BY_NAME, KINDS
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content
from reconciler.kinds.markers import Ref
from reconciler.planning import graph
from reconciler.state import Collection, Live, State

_ORDER = {kind: index for index, kind in enumerate(KINDS)}


def add_dependencies(changes: Sequence[Change], state: State, live: Mapping[Address, Live]) -> list[Change]:
    """Add the dependencies of every step that follow from the other changes.

    Args:
        changes: all of them; each step already depends on what it refers to.
        state: the account.
        live: the live resource of each declared one that has one.
    """
    arranged = _delete_referrers_first(_make_room(_hand_over_names(changes, state), state, live), state)
    arranged = _after_defaults(_close_last(arranged))
    return _bring_forward(_delay_deletes(arranged), state)


def _hand_over_names(changes: Sequence[Change], state: State) -> list[Change]:
    """Create what takes over a name only after the successor of the resource that still has it.

    Roles of one name may exist side by side, so nothing frees it. But after a kill, only the successor shows which of
    them is the former one.
    """
    leaving: dict[tuple[object, ...], Change] = {}
    for change in changes:
        former = state.get(change.sid or "")
        if change.action == "replace" and former is not None and former.values.get(change.kind.natural_key):
            leaving[_typed_name(change, former.values)] = change
    needs: dict[str, str] = {}
    for change in changes if leaving else ():
        owner = leaving.get(_typed_name(change, _wanted(change)))
        if owner is not None and owner is not change:
            # Names that are exchanged are errors of the configuration, or need no change.
            needs[_taking(change).id] = _taking(owner).id
    return _with_steps(
        changes, lambda step: replace(step, needs=(*step.needs, needs[step.id])) if step.id in needs else step
    )


def _typed_name(change: Change, contents: Mapping[str, Content | Reference | Unknown]) -> tuple[object, ...]:
    """Return the name in the values of a resource, with its type: only resources of one type can be confused."""
    kind = change.kind
    return (kind.name, change.parent, contents.get(kind.natural_key), contents.get(kind.discriminator))


def _make_room(changes: Sequence[Change], state: State, live: Mapping[Address, Live]) -> list[Change]:
    """Order a delete or update before a create or update if both resources cannot exist at once.

    Reasons are a shared unique key (an address and proxy pair that moves to another conversation, a unique name that
    another resource takes over) and a full parent (the sixth webhook of a conversation).
    """
    first = _sharing_unique_keys(changes, state)
    for create, deletes in _in_full_parents(changes, state, live).items():
        first.setdefault(create, set()).update(deletes)
    by_address = {change.address: change for change in changes}
    takers: dict[str, list[str]] = defaultdict(list)
    needs: dict[str, list[str]] = defaultdict(list)
    for address, freeing in sorted(first.items()):
        taker = _taking(by_address[address]).id
        for other in sorted(freeing):
            step = _freeing(by_address[other]).id
            needs[taker].append(step)
            takers[step].append(taker)
    return _with_steps(
        changes,
        lambda step: (
            replace(
                step,
                needs=(*step.needs, *needs.get(step.id, ())),
                makes_way_for=(*step.makes_way_for, *takers.get(step.id, ())) if step.op == "delete" else (),
                last=step.last and step.id not in takers,
            )
            if step.id in needs or step.id in takers
            else step
        ),
    )


def _with_steps(changes: Iterable[Change], edit: Callable[[Step], Step]) -> list[Change]:
    result = []
    for change in changes:
        steps = tuple(map(edit, change.steps))
        same = all(new is old for new, old in zip(steps, change.steps, strict=True))
        result.append(change if same else replace(change, steps=steps))
    return result


def _freeing(change: Change) -> Step:
    """Return the step after which a change's former keys are free."""
    return next((step for step in change.steps if step.op == "delete"), change.steps[0])


def _taking(change: Change) -> Step:
    """Return the step that needs a change's keys to be free."""
    return next((step for step in change.steps if step.op == "create"), change.steps[0])


def _sharing_unique_keys(changes: Sequence[Change], state: State) -> dict[Address, set[Address]]:
    leaving: dict[tuple[object, ...], Address] = {}
    deleted: dict[str, Address] = {}
    closed: dict[str, Address] = {}
    for change in changes:
        live = state.get(change.sid or "")
        if live is None:
            continue
        if change.action == "delete":
            deleted[live.sid] = change.address
        elif _closes(change, live):
            closed[live.sid] = change.address
        kept = {} if change.action == "delete" else {**live.values, **_wanted(change)}
        freed = {*_unique_keys(change.kind, change.parent, live.values)}
        for key in freed - {*_unique_keys(change.kind, change.parent, kept)}:
            leaving[key] = change.address
    if deleted:
        # The contents of a deleted resource free their keys as well, at any depth.
        for live in state:
            within = next((deleted[sid] for sid in live.parents if sid in deleted), None)
            if within is not None:
                leaving.update(dict.fromkeys(_unique_keys(live.kind, within, live.values), within))
    if closed:
        # Source: an address and proxy pair is unique among active conversations, so closing one frees its pairs.
        for live in state:
            within = next((closed[sid] for sid in live.parents if sid in closed), None)
            if within is not None:
                for key in _unique_keys(live.kind, within, live.values):
                    leaving.setdefault(key, within)
    closing = frozenset(closed.values())
    first: dict[Address, set[Address]] = defaultdict(set)
    for change in changes:
        for key in _unique_keys(change.kind, change.parent, _wanted(change)):
            # A change does not free a key that it takes itself.
            if key not in leaving:
                continue
            if leaving[key] in closing and any(change.address.is_within(one) for one in closing):
                continue  # a conversation closes after everything inside it, so this cannot wait for a close
            first[change.address].add(leaving[key])
    return dict(first)


def _closes(change: Change, live: Live) -> bool:
    """Whether an update makes a resource final, such as by closing a conversation."""
    return change.action == "update" and bool(change.kind.why_final({**live.values, **_wanted(change)}))


def _wanted(change: Change) -> Mapping[str, Content | Reference | Unknown]:
    """Return the values that a change sends first for a remaining or new resource; empty for a deleted one."""
    if change.action == "delete":
        return {}
    return next((step.values for step in change.steps if step.op != "delete"), {})


def _unique_keys(
    kind: Kind, parent: Address | None, contents: Mapping[str, Content | Reference | Unknown]
) -> Iterable[tuple[object, ...]]:
    for paths, scope, values in kind.unique_keys(contents):
        yield (kind.name, paths, parent if scope == "parent" else None, values)


def find_swaps(changes: Sequence[Change], state: State) -> list[tuple[Address, ...]]:
    """Return cycles of changes in which each needs a name that the next one still has, so none can be first."""
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
        if address in path:
            found.append(tuple(path[path.index(address) :]))
        done.update(path)
    return found


def collections_to_fetch(changes: Sequence[Change], state: State) -> frozenset[Collection]:
    """Return the collections of deleted resources to read, because their contents may hold a key that a create needs.

    Only the next level of a nested collection is returned; call again once it has been read.
    """
    wanting = {
        change.kind
        for change in changes
        for key in _unique_keys(change.kind, change.parent, _wanted(change))
        if key[2] is None
    }
    above = {kind: _path_to(kind) for kind in wanting}
    left = [
        live
        for change in changes
        if (live := state.get(change.sid or "")) and (change.action == "delete" or _closes(change, live))
    ]
    collections: set[Collection] = set()
    while left:
        live = left.pop()
        for path in above.values():
            if live.kind not in path[:-1]:
                continue
            inner = path[path.index(live.kind) + 1]
            collections.add(Collection(inner.name, live.lineage))
            left += state.collection(inner, live.lineage)
    return frozenset(collections - state.complete - state.unreadable.keys())


def _path_to(kind: Kind) -> tuple[Kind, ...]:
    """Return the kinds that contain a kind, outermost first, and the kind itself."""
    return (*(_path_to(BY_NAME[kind.parent]) if kind.parent is not None else ()), kind)


def _after_defaults(changes: Sequence[Change]) -> list[Change]:
    """Make steps that receive a default (the role of a new user) depend on the step that moves that default."""
    moved: dict[tuple[Address, str], list[str]] = defaultdict(list)
    for change in changes:
        for step in change.steps:
            if step.kind.singleton:
                for path in step.values:
                    moved[step.address, path].append(step.id)
    if not moved:
        return list(changes)

    def waiting(step: Step) -> Step:
        if step.op != "create":
            return step
        needs = [
            need
            for own, configuration, path in step.kind.defaults
            if own not in step.values
            for need in moved.get((_configuration(step, configuration), path), ())
        ]
        return replace(step, needs=tuple(dict.fromkeys((*step.needs, *needs)))) if needs else step

    return _with_steps(changes, waiting)


def _configuration(step: Step, kind: str) -> Address:
    """Return the address of the configuration that defines the defaults of a new resource."""
    section = BY_NAME[kind].section
    return Address(section) if BY_NAME[kind].parent is None else step.address.root.child(*section)


def _delay_deletes(changes: Sequence[Change]) -> list[Change]:
    """Make a delete that frees a key or slot depend on everything else that the steps waiting for it need.

    So nothing is deleted while creating its successor may still fail for another reason.
    """
    result = {change.address: change for change in changes}
    owner = {step.id: change.address for change in changes for step in change.steps}
    for change in changes:
        if not any(step.makes_way_for for step in change.steps):
            continue
        steps = {step.id: step for other in result.values() for step in other.steps}
        waiting = _dependents(change.address, result.values(), owner)
        for step in result[change.address].steps:
            inherited = [
                need for taker in step.makes_way_for for need in steps[taker].needs if owner.get(need) not in waiting
            ]
            steps[step.id] = replace(step, needs=tuple(dict.fromkeys((*step.needs, *inherited))))
        result[change.address] = replace(
            result[change.address], steps=tuple(steps[step.id] for step in result[change.address].steps)
        )
    return list(result.values())


def _dependents(address: Address, changes: Iterable[Change], owner: Mapping[str, Address]) -> set[Address]:
    """Return a change and those that depend on it, directly or indirectly."""
    waiting: dict[Address, set[Address]] = defaultdict(set)
    for change in changes:
        for step in change.steps:
            for need in step.needs:
                if need in owner:
                    waiting[owner[need]].add(change.address)
    found = {address}
    left = [address]
    while left:
        new = waiting[left.pop()] - found
        found |= new
        left += new
    return found


def _bring_forward(changes: Sequence[Change], state: State) -> list[Change]:
    """Move deletes that earlier steps depend on to the front, and delete history as late as possible.

    A service that must be deleted early, because a pair in it moves, is still deleted after everything that must
    survive has moved out of it, and does not depend on unrelated deletes at the top of the account.
    """
    steps = {step.id: step for change in changes for step in change.steps}
    for change in changes:
        for step in change.steps:
            if change.action == "delete" and change.kind.destroys and step.makes_way_for:
                needs = tuple(
                    need
                    for need in step.needs
                    if need not in steps or not steps[need].last or step.sid in _referenced_sids(steps[need], state)
                )
                steps[step.id] = replace(step, needs=needs, late=True)
    left = [step for step in steps.values() if not step.last]
    while left:
        for need in left.pop().needs:
            if need in steps and steps[need].last:
                steps[need] = replace(steps[need], last=False)
                left.append(steps[need])
    return _with_steps(changes, lambda step: steps[step.id])


def _referenced_sids(step: Step, state: State) -> set[str]:
    """Return the SIDs that the live resource of a step refers to."""
    live = state.get(step.sid or "")
    if live is None:
        return set()
    return {
        sid
        for field in live.kind.fields
        if field.marker(Ref) is not None and isinstance(sid := live.values.get(field.path), str)
    }


def _in_full_parents(
    changes: Sequence[Change], state: State, live: Mapping[Address, Live]
) -> dict[Address, set[Address]]:
    first: dict[Address, set[Address]] = {}
    for parent, members in _in_limited_parents(changes).items():
        coming = sorted(change.address for change in members if change.action == "create")
        leaving = sorted(change.address for change in members if change.action == "delete")
        over = len(coming) - _free_slots(parent, members[0].kind, state, live)
        # The last creates are the ones that exceed the limit.
        for create, delete in zip(reversed(coming), leaving[: max(0, over)], strict=False):
            first[create] = {delete}
    return first


def creates_without_room(changes: Sequence[Change], state: State, live: Mapping[Address, Live]) -> frozenset[Address]:
    """Return the creates whose parent remains full after all deletes; the last ones of each parent."""
    refused: set[Address] = set()
    for parent, members in _in_limited_parents(changes).items():
        coming = sorted(change.address for change in members if change.action == "create")
        leaving = [change for change in members if change.action == "delete"]
        room = len(leaving) + _free_slots(parent, members[0].kind, state, live)
        refused.update(coming[max(0, room) :])
    return frozenset(refused)


def _in_limited_parents(changes: Iterable[Change]) -> dict[Address, list[Change]]:
    """Return the changes of resources of which a parent can hold only so many, by parent."""
    inside: dict[Address, list[Change]] = defaultdict(list)
    for change in changes:
        if change.kind.max_per_parent and change.parent is not None:
            inside[change.parent].append(change)
    return inside


def _free_slots(parent: Address, kind: Kind, state: State, live: Mapping[Address, Live]) -> int:
    """Return how many more resources of a kind a parent could hold now."""
    above = live.get(parent)
    return kind.max_per_parent - (0 if above is None else len(state.collection(kind, above.lineage)))


def _delete_referrers_first(changes: Sequence[Change], state: State) -> list[Change]:
    """Make the delete of a referenced resource (a role) depend on the deletes of those that refer to it (users)."""
    referring: dict[str, list[str]] = defaultdict(list)
    for change in changes:
        for step in change.steps:
            for sid in _referenced_sids(step, state) if step.op == "delete" else ():
                referring[sid].append(step.id)

    def waiting(step: Step) -> Step:
        needs = sorted(referring.get(step.sid or "", ())) if step.op == "delete" else ()
        # The delete of a service depends on most other deletes already.
        return replace(step, needs=tuple(dict.fromkeys((*step.needs, *needs)))) if needs else step

    return _with_steps(changes, waiting)


def _close_last(changes: Sequence[Change]) -> list[Change]:
    """Make a step that makes a resource final depend on all remaining steps inside the resource."""
    inside: dict[Address, list[Step]] = defaultdict(list)
    for change in changes:
        if change.parent is not None:
            inside[change.parent].extend(change.steps)

    def waiting(step: Step) -> Step:
        if not step.kind.why_final(step.values):
            return step
        return replace(step, needs=(*step.needs, *(inner.id for inner in inside[step.address] if not inner.last)))

    return _with_steps(changes, waiting)


def sort_changes(changes: Sequence[Change]) -> list[Change]:
    """Sort changes: each after its dependencies, deletes last.

    Raises:
        graph.CycleError: if changes depend on each other in a cycle.
    """
    by_address = {change.address: change for change in changes}
    owner = {step.id: change.address for change in changes for step in change.steps}
    needs = {
        change.address: [
            owner[need]
            for step in change.steps
            for need in step.needs
            # The last delete of a replace may depend on steps that depend on its successor.
            if not (step.last and change.action == "replace")
            # A step that closes a resource depends on its contents, which depend on the create of the resource.
            if need in owner and not owner[need].is_within(change.address)
        ]
        for change in changes
    }
    ranks = {
        change.address: (
            all(step.last for step in change.steps),
            _ORDER[change.kind] if change.kind.parent is None else 0,
            change.address,
        )
        for change in changes
    }
    return [by_address[item] for item in graph.order(ranks, needs)]
