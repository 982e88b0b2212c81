"""Lists of settings whose items are small mappings: `approvals`, `acknowledge`, and `removed`.

Takes the root mapping of a configuration; returns the items with valid keys, and reports all others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.config.findings import Findings, shown
from reconciler.config.nodes import ListNode, MapNode, Node, is_null
from reconciler.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class ListSetting:
    """The form of a list of settings.

    Attributes:
        key: Its key at the root.
        noun: What messages call one of its items, with the article.
        contents: What an item has, in words: ``address and action``.
        example: An item.
        keys: The keys of an item, each with the advice if it is missing; empty for an optional key.
    """

    key: str
    noun: str
    contents: str
    example: str
    keys: Mapping[str, str]

    def items(self, tree: MapNode, findings: Findings) -> Iterator[MapNode]:
        """Yield the items that are mappings and lack no key."""
        pair = tree.by_key.get(self.key)
        if pair is None or is_null(pair.value):
            return
        if not isinstance(pair.value, ListNode):
            message, hint = f"{self.key} must be a list", f"write a list: [{self.example}]"
            findings.error("wrong-type", message, pair.value.place, hint)
            return
        for node in pair.value.items:
            item = self._checked(node, findings)
            if item is not None:
                yield item

    def _checked(self, node: Node, findings: Findings) -> MapNode | None:
        if not isinstance(node, MapNode):
            message = f"{self.noun} must be a mapping with {self.contents}"
            findings.error("wrong-type", message, node.place, f"write {self.example}")
            return None
        for key, pair in node.by_key.items():
            if key not in self.keys:
                hint = findings.instead(key, tuple(self.keys))
                findings.error("unknown-key", f"{self.noun} has no key {shown(key)}", pair.key.place, hint)
        for key, hint in self.keys.items():
            if hint and key not in node.by_key:
                findings.error("missing-key", f"{self.noun} has no {key}", node.place, hint)
                return None
        return node
