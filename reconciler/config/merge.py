"""Merging of trees: `unite` for included files, `override` for overlays and templates.

Takes trees, which stay unchanged; returns new ones and reports conflicts. It knows the format only where merging
depends on it: `prune`, `approvals`, and other lists of settings are combined. The reader of a field decides what null
means; see `nodes.MapNode.cleared`.

    below           above            unite                    override
    mapping         mapping          merged                   merged
    block           null             the block                the block, marked as cleared
    null            block            the block                the block
    prune           prune            combined                 above wins (mappings merge)
    approvals       approvals        concatenated             above wins
    anything        !unset           an error, by `without_unset_marks`     removed
    anything else   anything else    an error                 above wins
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.address import Address
from reconciler.config.findings import Findings
from reconciler.config.nodes import (
    UNSET,
    UNSET_DONE,
    UNSET_IN_VAIN,
    KeyValue,
    ListNode,
    MapNode,
    Node,
    ScalarNode,
    is_null,
)

_LISTS = {("approvals",), ("acknowledge",), ("removed",)}
"""The keys of the top level whose lists are concatenated."""


class Merger:
    """Merges trees.

    Args:
        findings: Collects the problems.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        # The mappings created here, which may be changed in place. They are kept alive so that their ids stay unique.
        self._own: dict[int, tuple[MapNode, dict[str, KeyValue]]] = {}

    def unite(self, tables: Sequence[MapNode]) -> MapNode:
        """Merge the top levels of several files. Values that are set twice are errors."""
        united = tables[0]
        for table in tables[1:]:
            united = self._unite_tables(united, table, ())
        return united

    def override(self, below: MapNode, above: MapNode) -> MapNode:
        """Merge an overlay over a tree."""
        return self._override_tables(below, above, is_template=False)

    def expand(self, template: MapNode, table: MapNode) -> MapNode:
        """Merge a service over its template."""
        return self._override_tables(template, table, is_template=True)

    def _mine(self, table: MapNode) -> tuple[MapNode, dict[str, KeyValue]]:
        known = self._own.get(id(table))
        if known is not None:
            return known
        by_key = dict(table.by_key)
        made = (MapNode(by_key, table.origin, table.line, table.column, table.cleared), by_key)
        self._own[id(made[0])] = made
        return made

    def _unite_tables(self, one: MapNode, other: MapNode, path: tuple[str, ...]) -> MapNode:
        united, by_key = self._mine(one)
        for key, pair in other.by_key.items():
            first = by_key.get(key)
            if first is None:
                by_key[key] = pair
            else:
                by_key[key] = KeyValue(first.key, self._unite(first, pair, (*path, key)))
        return united

    def _unite(self, first: KeyValue, second: KeyValue, path: tuple[str, ...]) -> Node:
        one, other = first.value, second.value
        # Sections and handles alternate in a path: the key prune has an odd position, a role named prune an even one.
        if path[-1] == "prune" and len(path) % 2 == 1:
            one, other = _as_table(one), _as_table(other)
        if isinstance(one, MapNode) and isinstance(other, MapNode):
            return self._unite_tables(one, other, path)
        if is_null(one) or is_null(other):
            empty, kept = (one, other) if is_null(one) else (other, one)
            # An empty block adds nothing. The null of a field, or of a key in attributes, is a value like any other.
            is_block = isinstance(kept, MapNode) and "attributes" not in path[::2]
            if is_block or is_null(kept) or path in _LISTS or empty is kept:
                return kept
        if path in _LISTS and isinstance(one, ListNode) and isinstance(other, ListNode):
            return ListNode([*one.items, *other.items], one.origin, one.line, one.column)
        self._findings.error(
            "set-twice",
            f"{Address(path)} is set twice",
            second.key.place,
            "keep one of the two; only overlays may override",
            related=[(first.key.place, "it is set here first")],
        )
        return one

    def _override_tables(self, below: MapNode, above: MapNode, *, is_template: bool) -> MapNode:
        merged, by_key = self._mine(below)
        for key, pair in above.by_key.items():
            first = by_key.get(key)
            if first is None:
                by_key[key] = _without_effect(pair) if is_template else pair
            else:
                value = self._override(first.value, pair.value, is_template=is_template)
                # A mapping that an overlay extends keeps its place; one over a template has that of the service.
                keeps_place = not is_template and isinstance(first.value, MapNode) and isinstance(value, MapNode)
                by_key[key] = KeyValue(first.key if keeps_place else pair.key, value)
        return merged

    def _override(self, below: Node, above: Node, *, is_template: bool) -> Node:
        if isinstance(above, ScalarNode) and above.is_unset:
            return _retagged(above, UNSET_DONE)
        if isinstance(below, MapNode) and isinstance(above, MapNode):
            return self._override_tables(below, above, is_template=is_template)
        if isinstance(below, MapNode) and isinstance(above, ScalarNode) and above.is_null:
            return MapNode(below.by_key, below.origin, below.line, below.column, cleared=above)
        return above

    def without_unset_marks(self, table: MapNode) -> MapNode:
        """Return a tree without its ``!unset`` marks, and report those that removed nothing."""
        by_key: dict[str, KeyValue] = {}
        for key, pair in table.by_key.items():
            if isinstance(pair.value, ScalarNode) and pair.value.is_unset:
                self._report_unset(pair.value, key)
            else:
                by_key[key] = KeyValue(pair.key, self._node_without_unset_marks(pair.value, key))
        return MapNode(by_key, table.origin, table.line, table.column, table.cleared)

    def _node_without_unset_marks(self, node: Node, key: str) -> Node:
        match node:
            case MapNode():
                return self.without_unset_marks(node)
            case ListNode():
                kept: list[Node] = []
                for item in node.items:
                    if isinstance(item, ScalarNode) and item.is_unset:
                        hint = "write the whole list as it should be; lists are replaced, not merged"
                        self._findings.error(
                            "unset-in-list", "!unset cannot remove a single item from a list", item.place, hint
                        )
                    else:
                        kept.append(self._node_without_unset_marks(item, key))
                return ListNode(kept, node.origin, node.line, node.column)
            case _:
                return node

    def _report_unset(self, mark: ScalarNode, key: str) -> None:
        if mark.tag == UNSET_DONE:
            return
        if mark.tag == UNSET_IN_VAIN or mark.origin.via.startswith("overlay "):
            message = f"!unset removes {key}, which is not set"
            self._findings.warning("unset-in-vain", message, mark.place, "remove the line")
        else:
            message = f"!unset removes {key}, but there is nothing to remove it from"
            hint = "use it in an overlay, or in a service that uses a template"
            self._findings.error("unset-misplaced", message, mark.place, hint)


def _as_table(node: Node) -> Node:
    """Return a list of collections to prune as the equivalent mapping."""
    if not isinstance(node, ListNode) or not all(isinstance(item, ScalarNode) for item in node.items):
        return node
    by_key = {
        item.text: KeyValue(item, MapNode({}, item.origin, item.line, item.column))
        for item in node.items
        if isinstance(item, ScalarNode)
    }
    return MapNode(by_key, node.origin, node.line, node.column)


def _retagged(mark: ScalarNode, tag: str) -> ScalarNode:
    return ScalarNode("", mark.plain, tag, mark.origin, mark.line, mark.column, mark.end_line)


def _without_effect(pair: KeyValue) -> KeyValue:
    value = pair.value
    if isinstance(value, ScalarNode) and value.tag == UNSET:
        return KeyValue(pair.key, _retagged(value, UNSET_IN_VAIN))
    return pair
