"""The syntax tree of a file: scalars, lists, and mappings with their positions.

A scalar is text: its field decides what the text means. Aliases and templates share nodes, so no node is ever changed;
merging creates new mappings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from reconciler.errors import Place
from reconciler.lazy_dataclass import dataclass

# The words for null in YAML 1.2's core schema, the empty scalar included.
NULLS = frozenset({"", "~", "null", "Null", "NULL"})
UNSET = "unset"
"""The tag of ``!unset``."""
UNSET_DONE = "unset: it removed something"
UNSET_IN_VAIN = "unset: there was nothing to remove"
UNSETS = frozenset({UNSET, UNSET_DONE, UNSET_IN_VAIN})


@dataclass(frozen=True, slots=True)
class Origin:
    """The file that a node comes from.

    Attributes:
        file: Its path as shown to users.
        path: Its path relative to the root file's folder.
        via: How the node got here, such as ``overlay prod.yaml``; empty for base files.
    """

    file: str
    path: str
    via: str = ""


@dataclass(slots=True, eq=False)
class ScalarNode:
    """A scalar as written.

    Attributes:
        text: Its text, with quotes and escapes resolved.
        plain: Whether it is unquoted, so that it may be null or a number.
        tag: ``str``, ``int``, ``bool``, ``float``, ``null``, or one of `UNSETS`; empty without a tag.
        origin: Its file.
        line: Its line, from 1.
        column: Its column, from 1.
        end_line: The line of its last character.
    """

    text: str
    plain: bool
    tag: str
    origin: Origin
    line: int
    column: int
    end_line: int

    @property
    def place(self) -> Place:
        """Its place."""
        return Place(self.origin.file, self.line, self.column, self.origin.via)

    @property
    def is_null(self) -> bool:
        """Whether it means null."""
        return self.tag == "null" or (self.plain and not self.tag and self.text in NULLS)

    @property
    def is_unset(self) -> bool:
        """Whether it is ``!unset``."""
        return self.tag in UNSETS


@dataclass(slots=True, eq=False)
class ListNode:
    """A list.

    Attributes:
        items: Its items.
        origin: Its file.
        line: Its line, from 1.
        column: Its column, from 1.
    """

    items: list[Node]
    origin: Origin
    line: int
    column: int

    @property
    def place(self) -> Place:
        """The place where it starts."""
        return Place(self.origin.file, self.line, self.column, self.origin.via)


class KeyValue(NamedTuple):
    """A key and its value."""

    key: ScalarNode
    value: Node


@dataclass(slots=True, eq=False)
class MapNode:
    """A mapping with text keys.

    Attributes:
        by_key: Its keys with their values, by the key's text, in the order of the file.
        origin: Its file.
        line: Its line, from 1.
        column: Its column, from 1.
        cleared: The null that an overlay or a service put over it. For a block this is an empty mapping that changes
            nothing; in JSON it is null. The reader of the field decides.
    """

    by_key: Mapping[str, KeyValue]
    origin: Origin
    line: int
    column: int
    cleared: ScalarNode | None = None

    @property
    def place(self) -> Place:
        """The place where it starts."""
        return Place(self.origin.file, self.line, self.column, self.origin.via)


Node: TypeAlias = ScalarNode | ListNode | MapNode


def is_null(node: Node) -> bool:
    """Whether a node is a scalar that means null."""
    return isinstance(node, ScalarNode) and node.is_null


def count_nodes(node: Node) -> int:
    """Count the nodes of a tree; shared nodes count each time."""
    match node:
        case MapNode():
            return 1 + sum(count_nodes(pair.value) for pair in node.by_key.values())
        case ListNode():
            return 1 + sum(count_nodes(item) for item in node.items)
        case _:
            return 1


def relabel(node: Node, via: str) -> Node:
    """Return a copy of a tree whose places state its origin."""
    origins: dict[Origin, Origin] = {}

    def copy(item: Node) -> Node:
        origin = origins.get(item.origin)
        if origin is None:
            words = f"{item.origin.via}, {via}" if item.origin.via else via
            origin = origins[item.origin] = Origin(item.origin.file, item.origin.path, words)
        match item:
            case ScalarNode():
                return ScalarNode(item.text, item.plain, item.tag, origin, item.line, item.column, item.end_line)
            case ListNode():
                return ListNode([copy(inner) for inner in item.items], origin, item.line, item.column)
            case MapNode():
                by_key = {
                    key: KeyValue(
                        ScalarNode(
                            pair.key.text, pair.key.plain, pair.key.tag, origin,
                            pair.key.line, pair.key.column, pair.key.end_line,
                        ),
                        copy(pair.value),
                    )
                    for key, pair in item.by_key.items()
                }  # fmt: skip
                return MapNode(by_key, origin, item.line, item.column, item.cleared)

    return copy(node)
