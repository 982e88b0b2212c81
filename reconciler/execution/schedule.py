"""The order of an apply: the phases of its steps, and the groups that run as one unit. Pure.

Takes steps; returns them in phases and groups. Each step lists its dependencies; nothing here waits or sends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from reconciler.api import wire
from reconciler.change import Change, Op, Step
from reconciler.kinds.api_paths import WriteScope, write_scope
from reconciler.planning import graph
from reconciler.report import Outcome

_WRITES_PER_STEP = 3
"""Writes to one service, or to one conversation, in the time of one step: 30 a second (`reconciler.api.rate_limit`),
and a step takes about 0.1 s."""


def phases(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """Divide steps into three phases, each of which begins when the previous one has ended.

    The first has everything that is neither `last` nor `late`; the second, the `late` steps and their dependents; the
    third, the `last` steps.
    """
    dependents: dict[str, list[Step]] = {}
    for step in steps:
        for need in step.needs:
            dependents.setdefault(need, []).append(step)
    queue = [step for step in steps if step.late]
    late = {step.id for step in queue}
    while queue:
        for step in dependents.get(queue.pop().id, ()):
            if step.id not in late:
                late.add(step.id)
                queue.append(step)
    yield [step for step in steps if not step.last and step.id not in late]
    yield [step for step in steps if not step.last and step.id in late]
    yield [step for step in steps if step.last]


def groups(steps: Sequence[Step]) -> list[list[Step]]:
    """Group deletes with the steps that they make room for; every other step is a group of its own.

    Returns:
        Groups in the order of the plan as far as dependencies allow. In a group, each step comes after its
        dependencies, and deletes come first where that leaves a choice.
    """
    by_id = {step.id: step for step in steps}
    position = {step.id: index for index, step in enumerate(steps)}
    group = {step.id: {step.id} for step in steps}
    for step in steps:
        for taker in step.makes_way_for:
            if taker in by_id:
                group[step.id] |= group[taker]
                group.update(dict.fromkeys(group[taker], group[step.id]))
    while True:
        members = {min(ids): ids for ids in group.values()}
        name = {step: first for first, ids in members.items() for step in ids}
        needs = {
            first: {name[need] for step in ids for need in by_id[step].needs if need in name}
            for first, ids in members.items()
        }
        try:
            order = graph.order({first: min(position[step] for step in members[first]) for first in members}, needs)
        except graph.CycleError as error:
            # Groups that wait for each other become one; inside it, each step comes after its dependencies.
            merged = set().union(*(members[first] for first in error.cycle))
            group.update(dict.fromkeys(merged, merged))
            continue
        return [_ordered([by_id[step] for step in sorted(members[first])]) for first in order]


def _ordered(steps: Sequence[Step]) -> list[Step]:
    """Order the steps of a group: each after its dependencies, and deletes first where that leaves a choice."""
    by_id = {step.id: step for step in steps}
    ranks = {step.id: (step.op != "delete", step.id) for step in steps}
    return [by_id[step] for step in graph.order(ranks, {step.id: step.needs for step in steps})]


def scope_of(step: Step, parents: Sequence[str], sid: str) -> WriteScope | None:
    """Return what the write of a step counts against; None if no limit is published.

    Args:
        step: the step.
        parents: texts that identify the containing resources, outermost first: their SIDs or handles.
        sid: the text that identifies its own resource; empty if it is not known.
    """
    path = wire.instance_path(step.kind, parents, "" if step.op == "create" else sid)
    return write_scope("DELETE" if step.op == "delete" else "POST", path)


def ranks(groups: Sequence[Sequence[Step]]) -> list[int]:
    """Rank groups by what waits for them; of those that are ready, the one with the lowest rank should go first.

    The rank is the negative length of the longest path of steps that remains once a group is ready: the group itself,
    one that needs it, one that needs that one, and so on. A path is at least as long as what remains of the same
    service or conversation takes at the limit of its writes. It depends on the plan alone.

    Args:
        groups: in an order in which each comes after those that it needs, as `groups` returns them.
    """
    number = {step.id: index for index, group in enumerate(groups) for step in group}
    longest = [0] * len(groups)
    remaining: Counter[WriteScope] = Counter()
    for index in range(len(groups) - 1, -1, -1):
        group = groups[index]
        longest[index] += len(group)
        for step in group:
            if step.parent is not None:
                scope = scope_of(step, step.parent.parts[1::2], step.address.parts[-1])
                if scope is not None:
                    remaining[scope] += 1
                    longest[index] = max(longest[index], -(-remaining[scope] // _WRITES_PER_STEP))
        for need in (need for step in group for need in step.needs):
            needed = number.get(need, index)
            if needed != index:
                longest[needed] = max(longest[needed], longest[index])
    return [-path for path in longest]


def is_withheld(change: Change, step: Step) -> bool:
    """Return whether a guard withholds a step of a change."""
    if change.guard is None or change.guard.verdict != "withheld":
        return False
    return step.last or not change.guard.is_partial


def withheld_without_steps(change: Change) -> list[Outcome]:
    """Return the outcome of a change that is withheld before it has steps, as one that an undo may not make."""
    if change.guard is None:
        return []
    op: Op = "update" if change.action == "replace" else change.action
    address = str(change.address)
    return [Outcome(f"{address}#{op}", address, op, "withheld", change.sid or "", change.guard.message)]
