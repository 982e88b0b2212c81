"""A YAML text as nodes with their positions: where each value begins and ends, and how it is written.

Takes the text of a file; gives a `Document`. Changes nothing and knows nothing of configurations. Positions are offsets
in the text. The parser's marks lead beyond a block to the next token, so the end of a block is that of its last value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field
from typing import TypeAlias

import yaml
from yaml import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from reconciler.config.collector import collector_paused
from reconciler.config.yaml_events import SURROGATE, Event, join_surrogates, read_events
from reconciler.lazy_dataclass import dataclass

_PROPERTIES = re.compile(r"(?:(?:&|!)[^\s,\[\]{}]*(?:[ \t]+|(?=[\r\n,\]}])|\Z))*")
"""Anchors and tags before a value, with the spaces after them."""
_COMMENT = re.compile(r"#[^\r\n\x85\u2028\u2029]*")
BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
"""What libyaml takes for the end of a line."""


@dataclass(slots=True, eq=False)
class Scalar:
    """A scalar.

    Attributes:
        start: Where it begins, after its anchor and tag.
        end: Where it ends; of a block scalar, after the last line break of its content.
        outer: Where its anchor or tag begins, or `start` without them.
        text: Its text, with quotes and escapes resolved.
        style: ``'``, ``"``, ``|``, ``>``, or empty for plain.
        anchor: Its anchor; empty for none.
        tag: Its tag; empty for none.
    """

    start: int
    end: int
    outer: int
    text: str
    style: str
    anchor: str = ""
    tag: str = ""


@dataclass(slots=True, eq=False)
class Alias:
    """An alias: ``*name``."""

    start: int
    end: int
    outer: int
    name: str


@dataclass(slots=True, eq=False)
class Sequence:
    """A list.

    Attributes:
        start: Where its bracket is, or its first hyphen.
        end: After its closing bracket, or where its last item ends.
        outer: Where its anchor or tag begins, or `start` without them.
        is_flow: Whether it is written in brackets.
        items: Its items.
    """

    start: int
    end: int
    outer: int
    is_flow: bool
    items: list[Node] = field(default_factory=list)
    anchor: str = ""


@dataclass(slots=True, eq=False)
class Mapping:
    """A mapping.

    Attributes:
        start: Where its brace is, or its first key.
        end: After its closing brace, or where its last value ends.
        outer: Where its anchor or tag begins, or `start` without them.
        is_flow: Whether it is written in braces.
        pairs: Its keys with their values, in order.
    """

    start: int
    end: int
    outer: int
    is_flow: bool
    pairs: list[tuple[Node, Node]] = field(default_factory=list)
    anchor: str = ""

    def get(self, key: str) -> Node | None:
        """Return the value of a key that is written here; None if there is none, whatever a merge key adds."""
        return next((value for name, value in self.pairs if isinstance(name, Scalar) and name.text == key), None)


Node: TypeAlias = Scalar | Alias | Sequence | Mapping


@dataclass(slots=True)
class Document:
    """A parsed text.

    Attributes:
        text: The text, without a byte order mark.
        root: Its only value; None if it is empty.
        aliases: How often each anchor is used.
    """

    text: str
    root: Node | None
    aliases: dict[str, int]
    _by_start: dict[int, list[Node]] = field(default_factory=dict)
    _lines: list[int] = field(default_factory=list)

    def at(self, line: int, column: int) -> Node | None:
        """Find the innermost value that begins at a place, anchors and tags included.

        Args:
            line: The line, from 1.
            column: The column, from 1.
        """
        if not self._lines:
            self._lines = [0, *(found.end() for found in BREAK.finditer(self.text))]
            for node in _values(self.root):
                self._by_start.setdefault(node.outer, []).append(node)
                if node.start != node.outer:
                    self._by_start.setdefault(node.start, []).append(node)
        if not 0 < line <= len(self._lines):
            return None
        found = self._by_start.get(self._lines[line - 1] + column - 1)
        return found[-1] if found else None


def _values(root: Node | None) -> Iterator[Node]:
    """Yield every value, outer before inner. Keys are no values."""
    waiting = [root] if root is not None else []
    while waiting:
        node = waiting.pop()
        yield node
        match node:
            case Sequence():
                waiting += node.items
            case Mapping():
                waiting += [value for _, value in node.pairs]
            case _:
                pass


class PositionsError(Exception):
    """The text is not one YAML document."""


def parse(text: str) -> Document:
    """Parse a text of one document.

    Args:
        text: The text; a byte order mark at its beginning is not part of the document's text.

    Raises:
        PositionsError: It is malformed, or has several documents.
    """
    text = text.removeprefix("\ufeff")

    def build(events: Iterator[Event]) -> _Builder:
        builder = _Builder(text)
        for event in events:
            builder.take(event)
        return builder

    try:
        with collector_paused():
            builder = read_events(text, build)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise PositionsError(str(error)) from None
    return Document(text, builder.root, builder.aliases)


class _Builder:
    """Builds nodes from the parser's events."""

    def __init__(self, text: str) -> None:
        self.root: Node | None = None
        self.aliases: dict[str, int] = {}
        self._text = text
        self._stack: list[tuple[Sequence | Mapping, list[Node]]] = []
        self._documents = 0

    def take(self, event: Event) -> None:
        """Add one event."""
        kind = type(event)
        if kind is ScalarEvent:
            self._add(self._scalar(event))
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            outer, start = self._begin(event)
            collection = Mapping if kind is MappingStartEvent else Sequence
            opened = collection(start, start, outer, bool(event.flow_style), [], event.anchor or "")
            self._stack.append((opened, []))
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            self._end(event)
        elif kind is AliasEvent:
            self._alias(event)
        elif kind is DocumentStartEvent:
            self._documents += 1
            if self._documents > 1:
                raise PositionsError("the file has more than one YAML document")

    def _alias(self, event: Event) -> None:
        self.aliases[event.anchor] = self.aliases.get(event.anchor, 0) + 1
        start = event.start_mark.index
        self._add(Alias(start, event.end_mark.index, start, event.anchor))

    def _begin(self, event: Event) -> tuple[int, int]:
        """Return where a value begins with its anchor and tag, and without them."""
        outer = event.start_mark.index
        if event.anchor is None and event.tag is None:
            return outer, outer
        found = _PROPERTIES.match(self._text, outer)
        start = found.end() if found is not None else outer
        is_scalar = isinstance(event, ScalarEvent)
        if is_scalar and (event.style in {"|", ">"} or not (event.value or event.style)):
            return outer, start
        # A block begins in a line below its anchor, and a scalar may.
        while start < len(self._text) and (is_scalar or not event.flow_style):
            blank = re.compile(r"[ \t]*(?:#[^\r\n]*)?(?:\r\n|[\n\r])").match(self._text, start)
            if blank is None:
                break
            start = blank.end()
        return outer, start + len(self._text[start:]) - len(self._text[start:].lstrip(" "))

    def _scalar(self, event: Event) -> Scalar:
        style = event.style or ""
        value = event.value
        if not value.isascii() and SURROGATE.search(value):
            value = join_surrogates(value)
        if event.anchor is None and event.tag is None and style not in {"|", ">"}:
            start = event.start_mark.index
            return Scalar(start, event.end_mark.index, start, value, style)
        outer, start = self._begin(event)
        end = event.end_mark.index
        if style in {"|", ">"}:
            end = self._end_of_block(start, end)
        start = min(start, end) if end > outer or not value else start
        return Scalar(start, max(start, end), outer, value, style, event.anchor or "", event.tag or "")

    def _end_of_block(self, start: int, end: int) -> int:
        """Return where the content of a block scalar ends: the parser's mark may lie in the next line's indent."""
        text = self._text[start:end]
        kept = text.rstrip(" ") if not text.endswith(("\n", "\r")) else text
        breaks = kept.endswith(("\n", "\r", "\x85", "\u2028", "\u2029"))
        return start + len(kept) if breaks else end

    def _end(self, event: Event) -> None:
        opened, children = self._stack.pop()
        if isinstance(opened, Sequence):
            opened.items = children
        else:
            opened.pairs = [
                (key, self._beside(key, value)) for key, value in zip(children[::2], children[1::2], strict=True)
            ]
        if opened.is_flow:
            opened.end = event.end_mark.index
        else:
            opened.end = max([opened.start, *(child.end for child in children[-2:])])
            # A first key may have a question mark before it, where the block begins.
            if children and isinstance(opened, Mapping) and self._text[opened.start] != "?":
                opened.start = children[0].outer
        self._add(opened)

    def _beside(self, key: Node, value: Node) -> Node:
        """Return the value of a key; one that is left out with its colon ends where the key does.

        The parser's mark is that of the next token.
        """
        is_empty = isinstance(value, Scalar) and value.outer == value.end and value.start > key.end
        if is_empty and ":" not in _COMMENT.sub("", self._text[key.end : value.start]):
            return Scalar(key.end, key.end, key.end, "", "")
        return value

    def _add(self, node: Node) -> None:
        if self._stack:
            self._stack[-1][1].append(node)
        else:
            self.root = node
