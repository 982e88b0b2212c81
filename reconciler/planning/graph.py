"""Deterministic topological sort that reports cycles.

Takes nodes with a rank and their dependencies; returns them in an order in which each comes after its dependencies, and
otherwise by rank. Pure, and independent of the type of the nodes.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

Node = TypeVar("Node")


class CycleError(ValueError):
    """Nodes depend on each other in a cycle.

    Args:
        cycle: the nodes of one cycle, the first one repeated at the end.
    """

    def __init__(self, cycle: tuple[Any, ...]) -> None:
        self.cycle = cycle
        super().__init__(" → ".join(str(node) for node in cycle))


def order(ranks: Mapping[Node, Any], needs: Mapping[Node, Iterable[Node]]) -> list[Node]:
    """Sort nodes so that each comes after its dependencies.

    Args:
        ranks: every node with a comparable, unique rank; the lower rank comes first where dependencies allow either.
        needs: the dependencies of each node; nodes outside of `ranks` are ignored.

    Raises:
        CycleError: if the dependencies form a cycle.
    """
    waiting = {node: {need for need in needs.get(node, ()) if need in ranks and need != node} for node in ranks}
    needed_by: dict[Node, list[Node]] = {}
    for node, wants in waiting.items():
        for need in wants:
            needed_by.setdefault(need, []).append(node)
    free = [(ranks[node], index, node) for index, (node, wants) in enumerate(waiting.items()) if not wants]
    heapq.heapify(free)
    ordered: list[Node] = []
    index = len(waiting)
    while free:
        _rank, _index, node = heapq.heappop(free)
        ordered.append(node)
        for dependent in needed_by.get(node, ()):
            waiting[dependent].discard(node)
            if not waiting[dependent]:
                index += 1
                heapq.heappush(free, (ranks[dependent], index, dependent))
    if len(ordered) < len(waiting):
        raise CycleError(_cycle({node: wants for node, wants in waiting.items() if wants}, ranks))
    return ordered


def _cycle(waiting: Mapping[Node, set[Node]], ranks: Mapping[Node, Any]) -> tuple[Node, ...]:
    path: list[Node] = []
    node = min(waiting, key=lambda item: ranks[item])
    while node not in path:
        path.append(node)
        node = min((need for need in waiting[node] if need in waiting), key=lambda item: ranks[item])
    return (*path[path.index(node) :], node)
