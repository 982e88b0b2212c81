"""Draws a dependency graph as SVG, with dependencies on the left of the resources that need them.

Takes a `Graph`; returns markup. A small layered layout: layers by the longest path, points along long edges, order
within a layer by the positions of neighbors. The same graph is always drawn the same way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

from reconciler.kinds import kind_noun
from reconciler.lazy_dataclass import dataclass
from reconciler.render.graph import Graph, Node
from reconciler.render.html.frame import SIGNS, bullets, folded, section
from reconciler.render.html.markup import Html, join, tag, text
from reconciler.render.terminal import cells, cut, escape
from reconciler.render.wording import count

MOST = 48
"""The maximum number of resources in a drawing; a larger one is not useful."""

_WIDTH, _HEIGHT, _ACROSS, _DOWN, _MARGIN = 248, 46, 76, 14, 8
_LABEL = 30
_SWEEPS = 6

Point: TypeAlias = tuple[int, int]
"""A node by its number, or a point on an edge by the edge's negative number; and its layer."""


def drawing(graph: Graph, links: Mapping[str, str], total: int) -> list[Html]:
    """Render the section with the dependencies.

    Args:
        graph: the graph.
        links: the links on the page, by address.
        total: the number of changes, in the graph or not.
    """
    if not graph.edges:
        return []
    listed = folded(
        f"As a list: {len(graph.edges):,} {'dependency' if len(graph.edges) == 1 else 'dependencies'}",
        bullets(list(_as_list(graph)), "names"),
    )
    if len(graph.nodes) > MOST:
        said = f"Not drawn: the graph has {len(graph.nodes):,} resources, and at most {MOST} are drawn."
        return [section("Dependencies", tag("p", said), listed, identity="graph")]
    alone = total - sum(1 for node in graph.nodes if node.state != "outside")
    said = "Arrows point from a resource to its dependencies; a dashed arrow points to its parent."
    if alone > 0:
        said += f" {count(alone, 'change')} without dependencies {'is' if alone == 1 else 'are'} not drawn."
    svg = tag("div", _svg(graph, links), class_="drawing", tabindex="0", role="region", aria_label="Drawing")
    return [section("Dependencies", tag("p", said), svg, listed, identity="graph")]


def _as_list(graph: Graph) -> Iterator[Html]:
    for edge in graph.edges:
        how = text(" depends on ") if edge.label else text(" is inside ")
        label = [text(" as "), tag("code", edge.label)] if edge.label else []
        yield join([tag("code", edge.source), how, tag("code", edge.target), *label])


# --- layout ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Layout:
    """The positions: layers of points, and the points that each edge passes, from the dependent to its dependency."""

    layers: tuple[tuple[Point, ...], ...]
    ways: tuple[tuple[Point, ...], ...]


def _layout(graph: Graph) -> _Layout:
    number = {node.address: position for position, node in enumerate(graph.nodes)}
    pairs = [(number[edge.source], number[edge.target]) for edge in graph.edges]
    layer = _layers(len(graph.nodes), pairs)
    rows: list[list[Point]] = [[] for _ in range(max(layer) + 1)]
    for node, depth in enumerate(layer):
        rows[depth].append((node, depth))
    ways: list[tuple[Point, ...]] = []
    for position, (source, target) in enumerate(pairs):
        step = -1 if layer[target] < layer[source] else 1
        between = [(-1 - position, depth) for depth in range(layer[source] + step, layer[target], step)]
        for point in between:
            rows[point[1]].append(point)
        ways.append(((source, layer[source]), *between, (target, layer[target])))
    beside: dict[Point, list[Point]] = defaultdict(list)
    for way in ways:
        for one, other in pairwise(way):
            beside[one].append(other)
            beside[other].append(one)
    for sweep in range(_SWEEPS):
        for row in rows if sweep % 2 else reversed(rows):
            height = {point: (position + 0.5) / len(other) for other in rows for position, point in enumerate(other)}
            row.sort(key=lambda point: sum(height[near] for near in beside[point]) / len(beside[point]))
    return _Layout(tuple(map(tuple, rows)), tuple(ways))


def _layers(nodes: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    """Return each node's layer: one more than its deepest dependency; edges that close a cycle do not count."""
    needed: list[list[int]] = [[] for _ in range(nodes)]
    for source, target in pairs:
        needed[source].append(target)
    layer = [-1] * nodes
    for start in range(nodes):
        way = [(start, iter(needed[start]))] if layer[start] < 0 else []
        on_way = {start}
        deepest = {start: 0}
        while way:
            node, rest = way[-1]
            target = next(rest, -1)
            if target < 0:
                layer[node] = deepest[node]
                on_way.discard(node)
                way.pop()
                if way:
                    above = way[-1][0]
                    deepest[above] = max(deepest[above], layer[node] + 1)
            elif target not in on_way:
                if layer[target] >= 0:
                    deepest[node] = max(deepest[node], layer[target] + 1)
                else:
                    deepest[target] = 0
                    on_way.add(target)
                    way.append((target, iter(needed[target])))
    return layer


def _tops(layout: _Layout) -> dict[Point, int]:
    """Return the vertical position of each point: in the order of its layer, near its neighbors, without overlaps."""
    step = _HEIGHT + _DOWN
    tops = {point: float(position * step) for row in layout.layers for position, point in enumerate(row)}
    beside: dict[Point, list[Point]] = defaultdict(list)
    for way in layout.ways:
        for one, other in pairwise(way):
            beside[one].append(other)
            beside[other].append(one)
    for sweep in range(_SWEEPS):
        for row in layout.layers if sweep % 2 else reversed(layout.layers):
            wanted = [sum(tops[near] for near in beside[point]) / len(beside[point]) for point in row]
            lowest = float("-inf")
            for point, wish in zip(row, wanted, strict=True):
                lowest = tops[point] = max(wish, lowest + step)
            # Points that overlapped were moved down: the whole layer is moved up again by the average.
            up = sum(tops[point] - wish for point, wish in zip(row, wanted, strict=True)) / len(row)
            for point in row:
                tops[point] -= up
    highest = min(tops.values())
    return {point: round(top - highest) for point, top in tops.items()}


# --- drawing ---------------------------------------------------------------------------------------------------------


def _svg(graph: Graph, links: Mapping[str, str]) -> Html:
    layout = _layout(graph)
    tops = _tops(layout)
    height = max(tops.values()) + _HEIGHT + 2 * _MARGIN
    width = len(layout.layers) * (_WIDTH + _ACROSS) - _ACROSS + 2 * _MARGIN
    corner: dict[Point, tuple[int, int]] = {}
    for depth, row in enumerate(layout.layers):
        for point in row:
            corner[point] = (_MARGIN + depth * (_WIDTH + _ACROSS), _MARGIN + tops[point])
    tip = tag("path", d="M0 0 8 4 0 8z", class_="tip")
    marker = tag("marker", tip, id="tip", markerWidth="8", markerHeight="8", refX="7", refY="4", orient="auto")
    edges = [
        tag("path", d=_path([corner[point] for point in way]), marker_end="url(#tip)",
            class_="edge" if edge.label else "edge within")
        for edge, way in zip(graph.edges, layout.ways, strict=True)
    ]  # fmt: skip
    nodes = [
        _box(node, corner[(position, layer)], links.get(node.address, ""))
        for layer, row in enumerate(layout.layers)
        for position, node in ((point[0], graph.nodes[point[0]]) for point in row if point[0] >= 0)
    ]
    return tag(
        "svg",
        tag("defs", marker),
        *edges,
        *nodes,
        viewBox=f"0 0 {width} {height}",
        width=str(width),
        height=str(height),
        role="group",
        aria_label="Dependencies, as a drawing",
    )


def _path(corners: Sequence[tuple[int, int]]) -> str:
    """Return the path from the left side of a node, through the points, to the right side of its dependency."""
    half = _HEIGHT // 2
    (x, y), *rest = corners
    parts = [f"M{x} {y + half}"]
    for position, (left, top) in enumerate(rest):
        last = position == len(rest) - 1
        bend = _ACROSS // 2
        end = (left + _WIDTH, top + half)
        parts.append(f"C{x - bend} {y + half} {end[0] + bend} {end[1]} {end[0]} {end[1]}")
        if not last:
            parts.append(f"H{left}")
        x, y = left, top
    return "".join(parts)


def _box(node: Node, corner: tuple[int, int], link: str) -> Html:
    x, y = corner
    outside = node.state == "outside"
    sign = next((sign for action, sign in SIGNS.items() if action == node.state), "")
    second = "does not change" if outside else f"{node.state} {kind_noun(node.kind)}"
    parts = (
        tag("title", f"{node.address}: {second}"),
        tag("rect", x=str(x), y=str(y), width=str(_WIDTH), height=str(_HEIGHT), rx="6"),
        tag("text", f"{sign} " if sign else "", _tail(node.address, _LABEL - len(sign) - bool(sign)),
            x=str(x + 12), y=str(y + 20), class_="first"),
        tag("text", cut(escape(second), _LABEL), x=str(x + 12), y=str(y + 36)),
    )  # fmt: skip
    return tag("a", *parts, href=link, class_=node.state) if link else tag("g", *parts, class_=node.state)


def _tail(address: str, room: int) -> str:
    """Return the end of an address, which identifies more than its start."""
    shown = escape(address)
    if cells(shown) <= room:
        return shown
    while cells(shown) > room - 1:
        shown = shown[max(1, (len(shown) - room) // 2) :]
    return f"…{shown}"
