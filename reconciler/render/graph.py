"""What needs what in a configuration, as Mermaid or DOT, coloured by what a plan does with it.

Takes a `Config`, and a `PlanFile` where there is one; gives one string that ends in a newline and is the same every
time. Handles and names are hostile here too: they stand in quoted labels, in which nothing of theirs means anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.change import MARKS
from reconciler.config.model import Config, Reference
from reconciler.documents.plan import PlanFile
from reconciler.kinds import kind_noun
from reconciler.render.markdown_text import shortened
from reconciler.render.rows import ChangeRow, Pointer

LABEL_LIMIT = 120

_COLOURS = {
    "create": ("#d7f5dd", "#1a7f37"),
    "update": ("#fff3c4", "#9a6700"),
    "replace": ("#ffdfc9", "#bc4c00"),
    "delete": ("#ffd9d7", "#cf222e"),
    "outside": ("#f0f0f0", "#8c8c8c"),
}
"""Background and border of a node: dark text is readable on each of them."""

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 ]")
# Character codes are taken back before these are looked for: a line break, a formula, an icon.
_MEANT_BY_MERMAID = re.compile(r"\\(?=n)|\$(?=\$)|fa[bklrs]?(?=:)")
_JOINER = "\u2060"
"""Has no width and allows no break; put where Mermaid would otherwise read more than a text."""


@dataclass(frozen=True, slots=True)
class Node:
    """A resource.

    Attributes:
        address: where it stands.
        kind: what it is.
        state: an action of a plan; ``outside`` for what the files refer to and do not declare; empty for nothing to
            tell.
    """

    address: str
    kind: str
    state: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """A need.

    Attributes:
        source: the address of what needs.
        target: the address of what is needed.
        label: the field that refers to it; empty for what merely stands within the other.
    """

    source: str
    target: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """Resources and their needs, sorted."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def graph(config: Config, plan: PlanFile | None = None) -> Graph:
    """What needs what.

    Args:
        config: the files.
        plan: what will be done; what it changes and the files do not name is in the graph too.
    """
    kinds: dict[str, str] = {}
    outside: dict[str, str] = {}
    edges: set[Edge] = set()
    for declared in config.resources.values():
        address = str(declared.address)
        kinds[address] = declared.kind.name
        if declared.parent is not None:
            edges.add(Edge(address, str(declared.parent)))
        for path, value in declared.values.items():
            if isinstance(value.content, Reference):
                target = str(value.content.address)
                outside[target] = value.content.kind
                edges.add(Edge(address, target, path))
    actions: dict[str, str] = {}
    if plan is not None:
        for change in plan.changes:
            actions[change.address] = change.action
            kinds.setdefault(change.address, change.kind)
    nodes = [Node(address, kind, actions.get(address, "")) for address, kind in kinds.items()]
    nodes += [Node(address, kind, "outside") for address, kind in outside.items() if address not in kinds]
    known = {node.address for node in nodes}
    return Graph(
        tuple(sorted(nodes, key=lambda node: node.address)),
        tuple(
            sorted(
                (edge for edge in edges if {edge.source, edge.target} <= known),
                key=lambda edge: (edge.source, edge.target, edge.label),
            )
        ),
    )


def needs(changes: Sequence[ChangeRow]) -> Graph:
    """What of a plan needs what: containment among what changes, and what fields refer to, changing or not.

    Args:
        changes: those of the plan. What neither needs another nor is needed is not in the graph.
    """
    states = {change.address: Node(change.address, change.kind, change.action) for change in changes}
    lengths = sorted({len(address) for address in states}, reverse=True)
    edges: dict[Edge, None] = {}
    for change in changes:
        parent = _parent(change.address, states, lengths)
        if parent:
            edges[Edge(change.address, parent)] = None
        for row in change.fields:
            target = row.after.address if isinstance(row.after, Pointer) else ""
            if target and target != change.address:
                edges[Edge(change.address, target, row.path)] = None
    used = dict.fromkeys(end for edge in edges for end in (edge.source, edge.target))
    return Graph(
        tuple(states.get(address, Node(address, "", "outside")) for address in used),
        tuple(edges),
    )


def _parent(address: str, known: Mapping[str, Node], lengths: Sequence[int]) -> str:
    """The nearest resource that contains another, if it is known.

    Args:
        address: the inner resource.
        known: the resources by address.
        lengths: how long their addresses are, longest first; a hostile file has one address of a million dots.
    """
    for end in lengths:
        if 0 < end < len(address) and address[end] in ".[" and address[:end] in known:
            return address[:end]
    return ""


def mermaid(drawn: Graph, *, limit: int = LABEL_LIMIT) -> str:
    """A graph as a Mermaid flowchart.

    Args:
        drawn: what to draw.
        limit: how many characters of an address or a field to show.
    """
    names = _names(drawn.nodes)
    lines = ["flowchart LR"]
    for node in drawn.nodes:
        first, second = _label(node, limit)
        state = f":::{node.state}" if node.state else ""
        lines.append(f'  {names[node.address]}["{_in_mermaid(first)}<br>{_in_mermaid(second)}"]{state}')
    for edge in drawn.edges:
        arrow = f'-->|"{_in_mermaid(shortened(edge.label, limit))}"|' if edge.label else "-.->"
        lines.append(f"  {names[edge.source]} {arrow} {names[edge.target]}")
    for state in _states(drawn.nodes):
        fill, stroke = _COLOURS[state]
        lines.append(f"  classDef {state} fill:{fill},stroke:{stroke},color:#1f2328")
    return "\n".join(lines) + "\n"


def dot(drawn: Graph) -> str:
    """A graph in the language of Graphviz."""
    names = _names(drawn.nodes)
    lines = ["digraph reconciler {", "  rankdir=LR;", '  node [shape=box, fontname="sans-serif"];']
    for node in drawn.nodes:
        first, second = _label(node)
        # The one line break is ours: a backslash of theirs is doubled, and so breaks nothing.
        attributes = f'label="{_in_dot(first)}\\n{_in_dot(second)}"'
        if node.state:
            fill, stroke = _COLOURS[node.state]
            attributes += f', style=filled, fillcolor="{fill}", color="{stroke}"'
        lines.append(f"  {names[node.address]} [{attributes}];")
    for edge in drawn.edges:
        label = f'label="{_in_dot(shortened(edge.label, LABEL_LIMIT))}"' if edge.label else "style=dashed"
        lines.append(f"  {names[edge.source]} -> {names[edge.target]} [{label}];")
    return "\n".join([*lines, "}"]) + "\n"


def _names(nodes: Sequence[Node]) -> dict[str, str]:
    """Names of our own for nodes: theirs could be words of the language."""
    return {node.address: f"n{number}" for number, node in enumerate(nodes)}


def _states(nodes: Iterable[Node]) -> list[str]:
    used = {node.state for node in nodes}
    return [state for state in _COLOURS if state in used]


def _label(node: Node, limit: int = LABEL_LIMIT) -> tuple[str, str]:
    """What stands in a node, in two lines; the action in words too, for those who do not tell the colours apart."""
    if not node.kind:
        return shortened(node.address, limit), "unchanged"
    told = {"": "", "outside": " (not declared)"}
    state = told.get(node.state, f" ({node.state})")
    mark = next((f"{mark} " for action, mark in MARKS.items() if action == node.state), "")
    return mark + _keeping_ends(node.address, limit), shortened(kind_noun(node.kind), limit) + state


def _keeping_ends(address: str, limit: int) -> str:
    """An address on one line; when it is too long, what is left out is before its last part, which tells it apart."""
    shown = shortened(address, len(address) * 10)
    if len(shown) <= limit:
        return shown
    start = limit // 4
    return f"{shown[:start]}…{shown[len(shown) - (limit - start - 1) :]}"


def _in_mermaid(text: str) -> str:
    """A label as Mermaid's own character codes: neither a quote nor a tag nor a directive gets through."""
    text = _MEANT_BY_MERMAID.sub(lambda match: match[0] + _JOINER, text)
    return _NOT_PLAIN.sub(lambda match: match[0] if match[0] in "._-" else f"#{ord(match[0])};", text)


def _in_dot(text: str) -> str:
    return text.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
