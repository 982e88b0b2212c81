"""Renders the dependency graph of a configuration as Mermaid or DOT, colored by the actions of a plan.

Takes a `Config`, and optionally a `PlanFile`; returns one string that ends in a newline and is deterministic. Handles
and names are hostile input: they are in quoted labels, escaped for the language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler.change import MARKS
from reconciler.config.model import Config, Reference
from reconciler.kinds import kind_noun
from reconciler.lazy_dataclass import dataclass
from reconciler.render.markdown_text import shortened
from reconciler.render.rows import ChangeRow, Pointer

if TYPE_CHECKING:  # most graphs are drawn without a plan
    from reconciler.documents.plan import PlanFile

LABEL_LIMIT = 120

_COLOURS = {
    "create": ("#d7f5dd", "#1a7f37"),
    "update": ("#fff3c4", "#9a6700"),
    "replace": ("#ffdfc9", "#bc4c00"),
    "delete": ("#ffd9d7", "#cf222e"),
    "outside": ("#f0f0f0", "#8c8c8c"),
}
"""The background and border of a node; dark text is readable on each of them."""

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 ]")
# Mermaid decodes character codes before it looks for these: a line break, a formula, an icon.
_MEANT_BY_MERMAID = re.compile(r"\\(?=n)|\$(?=\$)|fa[bklrs]?(?=:)")
_JOINER = "\u2060"
"""A character without width that allows no line break; inserted where Mermaid would interpret a text."""


@dataclass(frozen=True, slots=True)
class Node:
    """A resource.

    Attributes:
        address: its address.
        kind: its kind.
        state: the action of a plan; ``outside`` for a resource that is referenced but not declared; empty for none.
    """

    address: str
    kind: str
    state: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """A dependency.

    Attributes:
        source: the address of the dependent resource.
        target: the address of its dependency.
        label: the field that refers to it; empty for the parent.
    """

    source: str
    target: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """Resources and their dependencies, sorted."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def graph(config: Config, plan: PlanFile | None = None) -> Graph:
    """Build the dependency graph of a configuration.

    Args:
        config: the configuration.
        plan: the plan; undeclared resources that it changes are in the graph too.
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
    """Build the dependency graph of a plan: parents among the changes, and references to any resource.

    Args:
        changes: the changes of the plan. One without dependencies and dependents is not in the graph.
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
    """Return the nearest known resource that contains another; empty for none.

    Args:
        address: the address of the inner resource.
        known: the known resources, by address.
        lengths: the lengths of their addresses, longest first; a hostile address may have a million dots.
    """
    for end in lengths:
        if 0 < end < len(address) and address[end] in ".[" and address[:end] in known:
            return address[:end]
    return ""


def mermaid(drawn: Graph, *, limit: int = LABEL_LIMIT) -> str:
    """Render a graph as a Mermaid flowchart.

    Args:
        drawn: the graph.
        limit: the number of characters of an address or a field to show.
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
    """Render a graph in the DOT language of Graphviz."""
    names = _names(drawn.nodes)
    lines = ["digraph reconciler {", "  rankdir=LR;", '  node [shape=box, fontname="sans-serif"];']
    for node in drawn.nodes:
        first, second = _label(node)
        # The only line break is ours: a backslash in a label is doubled.
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
    """Assign node names, since an address could be a keyword of the language."""
    return {node.address: f"n{number}" for number, node in enumerate(nodes)}


def _states(nodes: Iterable[Node]) -> list[str]:
    used = {node.state for node in nodes}
    return [state for state in _COLOURS if state in used]


def _label(node: Node, limit: int = LABEL_LIMIT) -> tuple[str, str]:
    """Return the two lines of a node; the action is in words too, for readers who cannot distinguish the colors."""
    if not node.kind:
        return shortened(node.address, limit), "unchanged"
    words = {"": "", "outside": " (not declared)"}
    state = words.get(node.state, f" ({node.state})")
    mark = next((f"{mark} " for action, mark in MARKS.items() if action == node.state), "")
    return mark + _keeping_ends(node.address, limit), shortened(kind_noun(node.kind), limit) + state


def _keeping_ends(address: str, limit: int) -> str:
    """Put an address on one line; of a long one, the middle is cut, since its last part identifies it."""
    shown = shortened(address, len(address) * 10)
    if len(shown) <= limit:
        return shown
    start = limit // 4
    return f"{shown[:start]}…{shown[len(shown) - (limit - start - 1) :]}"


def _in_mermaid(text: str) -> str:
    """Encode a label in Mermaid's character codes, so that no quote, tag, or directive gets through."""
    text = _MEANT_BY_MERMAID.sub(lambda match: match[0] + _JOINER, text)
    return _NOT_PLAIN.sub(lambda match: match[0] if match[0] in "._-" else f"#{ord(match[0])};", text)


def _in_dot(text: str) -> str:
    return text.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
