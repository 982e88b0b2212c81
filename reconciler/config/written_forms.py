"""The written form of values from outside of the configuration, with environment variables, secrets, and files by name.

Takes the nodes of a field; returns their form. No form contains a value from outside.
"""

from __future__ import annotations

import json

from reconciler.config.interpolation import Interpolation
from reconciler.config.interpolation_syntax import unescape
from reconciler.config.model import Outside, Written
from reconciler.config.nodes import ListNode, MapNode, Node
from reconciler.config.resolved_text import ResolvedText
from reconciler.config.value_parsers import (
    parse_json_scalar,
)
from reconciler.json_text import Json
from reconciler.kinds.fields import Field, Shape


class WrittenForms:
    """Renders values as files write them.

    Args:
        interpolation: Resolves scalars.
    """

    def __init__(self, interpolation: Interpolation) -> None:
        self._interpolation = interpolation

    def outside(self, field: Field, node: Node) -> Written:
        """Return the written form of a valid value; see `Value.written`."""
        found: list[ResolvedText] = []
        written = self._outside_of(field, node, found)
        return written if any(text.written for text in found) and not any(text.is_lost for text in found) else None

    def _outside_of(self, field: Field, node: Node, found: list[ResolvedText]) -> Written:
        match node:
            case MapNode():
                return {
                    unescape(key)[0]: self._outside_of(field, pair.value, found) for key, pair in node.by_key.items()
                }
            case ListNode():
                return [self._outside_of(field, item, found) for item in node.items]
            case _:
                text = self._interpolation.text(node)
                found.append(text)
                if text.written:
                    return Outside(text.written)
                if field.shape is not Shape.JSON or text.missing:
                    return text.text
                return None if text.null else parse_json_scalar(text.text, text.tag, bare=text.bare)

    def by_name(self, field: Field, node: Node) -> str:
        """Return a list or mapping as JSON text, with its known parts, and the rest by name."""
        written = self._node_by_name(node)
        if field.shape is Shape.SET and isinstance(written, list):
            written = sorted(written)
        return json.dumps(written, sort_keys=True, ensure_ascii=False)

    def _node_by_name(self, node: Node) -> Json:
        match node:
            case MapNode():
                return {key: self._node_by_name(pair.value) for key, pair in node.by_key.items()}
            case ListNode():
                return [self._node_by_name(item) for item in node.items]
            case _:
                text = self._interpolation.text(node)
                return text.form or text.text
