"""The parser's events -> a tree of nodes, within limits.

Resolves anchors, aliases, and merge keys, and counts their expansion before it happens.
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import Any, NamedTuple, TypeAlias

import yaml

from reconciler.config.findings import Findings, shown
from reconciler.config.nodes import NULLS, UNSET, KeyValue, ListNode, MapNode, Node, Origin, ScalarNode
from reconciler.errors import Place
from reconciler.lazy_dataclass import dataclass
from reconciler.redaction import literal_holds_secret, may_be_secret

MOST_DEPTH = 60
MOST_WRITTEN = 250_000
"""The maximum number of keys, values, lists, and mappings in a file; a resource has about ten."""
MOST_EXPANDED = 500_000
"""The maximum number of nodes that aliases and merge keys may add to the written ones."""
Event: TypeAlias = Any  # PyYAML has no types for them
_SURROGATE = re.compile("[\ud800-\udfff]")
_FLOW_TOKEN = re.compile(
    r"""
    (?P<begin> [\[{] )
    | (?P<end> [\]}] )
    | " (?: [^"\\] | \\. )* "?
    | ' (?: [^'] | '' )* '?
    | \# .*
    | [\s,]+
    | [^\s,\[\]{}]+
    """,
    re.VERBOSE,
)
"""The tokens of a line of nested lists and mappings in brackets: their starts and ends, quoted text, a comment,
separators, and other words."""
_CORE = "tag:yaml.org,2002:"
_SCALAR_TAGS = {
    "!": "str", _CORE + "str": "str", _CORE + "int": "int", _CORE + "float": "float", _CORE + "bool": "bool",
    _CORE + "null": "null", "!unset": UNSET,
}  # fmt: skip
_LIST_TAGS = frozenset({None, "!", _CORE + "seq"})
_MAPPING_TAGS = frozenset({None, "!", _CORE + "map"})


class StopReadingError(Exception):
    """The file exceeds a limit, which has been reported."""


class _Anchored(NamedTuple):
    node: Node
    size: int
    height: int


@dataclass(slots=True)
class _Frame:
    """A list or mapping that is being read.

    Attributes:
        by_key: The keys and values of a mapping; None for a list.
        items: The items of a list.
        key: The key of a mapping that has no value yet.
        waits: Whether a key has been read, even an invalid one.
        hides: Whether the value of an invalid key may be a secret.
        size: Its number of nodes; those behind aliases count each time.
        height: Its depth.
    """

    line: int
    column: int
    anchor: str | None
    by_key: dict[str, KeyValue] | None
    items: list[Node] = field(default_factory=list)
    merged: list[Node] = field(default_factory=list)
    key: ScalarNode | None = None
    waits: bool = False
    hides: bool = False
    size: int = 1
    height: int = 1


class TreeBuilder:
    """Builds the tree of a file from the parser's events."""

    def __init__(self, origin: Origin, findings: Findings, lines: tuple[str, ...]) -> None:
        self.root: Node | None = None
        self.unsets = False
        self._origin = origin
        self._findings = findings
        self._lines = lines
        self._stack: list[_Frame] = []
        self._anchors: dict[str, _Anchored | None] = {}
        self._unused_anchors: dict[str, Place] = {}
        self._expanded = 0
        self._written = 0
        self._documents = 0
        self._read: Event = None

    def take(self, event: Event) -> None:
        """Add one event.

        Raises:
            StopReadingError: The file exceeds a limit, which has been reported.
        """
        self._read = event
        self._written += 1
        if self._written > MOST_WRITTEN:
            message = f"the file has more than {MOST_WRITTEN} keys, values, and lists"
            self._stop("too-large", message, event, "split it, and include the parts")
        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._begin(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._end()
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    self._stop(
                        "several-documents",
                        "the file has more than one YAML document",
                        event,
                        "remove the line ---, or split the file in two",
                    )
            case _:
                pass

    def _place(self, event: Event) -> Place:
        return Place(self._origin.file, event.start_mark.line + 1, event.start_mark.column + 1, self._origin.via)

    def _stop(self, code: str, message: str, event: Event, hint: str) -> None:
        self._findings.error(code, message, self._place(event), hint)
        raise StopReadingError

    def _scalar(self, event: Event) -> None:
        tag = ""
        if event.tag is not None:
            tag = _SCALAR_TAGS.get(event.tag, "")
            if not tag:
                self._unknown_tag(event)
            elif tag == UNSET:
                self.unsets = True
                if event.value:
                    self._findings.error(
                        "unset-with-value",
                        "!unset takes no value",
                        self._place(event),
                        "write !unset and nothing else",
                    )
            elif tag == "null" and event.value not in NULLS:
                self._findings.error(
                    "null-with-value",
                    "!!null is followed by text",
                    self._place(event),
                    "quote the value, or write null",
                )
                tag = "str"
            elif event.tag == "!" and not event.style:
                self._warn_swallowed(self._place(event), "a tag", "!")
        start, end = event.start_mark, event.end_mark
        text = event.value
        if not text.isascii() and _SURROGATE.search(text):
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
            if _SURROGATE.search(text):
                hint = 'write both halves, for instance "\\ud83d\\ude00", or the character itself'
                self._findings.error("not-text", "half a surrogate pair is not a character", self._place(event), hint)
                text = _SURROGATE.sub("\ufffd", text)
        # The end mark of a block scalar is the start of the next line.
        last = end.line + 1 if end.column or end.line == start.line else end.line
        node = ScalarNode(
            text, not event.style and tag != "str", tag, self._origin, start.line + 1, start.column + 1, last
        )
        if literal_holds_secret(text):
            self._findings.conceal(self._origin.file, node.line, node.end_line)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(node, 1, 1)
            if not event.style and not self._is_extension():
                self._unused_anchors[event.anchor] = self._place(event)
        self._add(node, 1, 1, event)

    def _is_extension(self) -> bool:
        """Whether this is inside of an ``x-*`` key, whose anchors may be meant for later."""
        key = self._stack[0].key if self._stack else None
        return key is not None and key.text.startswith("x-")

    def check_anchors(self) -> None:
        """Report values whose anchor is not used: text that begins with & was probably meant."""
        for place in self._unused_anchors.values():
            self._warn_swallowed(place, "an anchor that nothing refers to", "&")

    def _warn_swallowed(self, place: Place, what: str, character: str) -> None:
        message = f"YAML reads the word that begins with {character} as {what}, not as a part of the value"
        self._findings.warning("swallowed-text", message, place, f"quote the value to keep the {character}")

    def _unknown_tag(self, event: Event) -> None:
        hint = "remove the tag; the only tag of this tool is !unset, in overlays"
        self._findings.error("unknown-tag", f"the tag {shown(str(event.tag))} is not known", self._place(event), hint)

    def _begin(self, event: Event) -> None:
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag is not None and event.tag not in (_MAPPING_TAGS if is_mapping else _LIST_TAGS):
            if event.tag == "!unset":
                self._findings.error(
                    "unset-with-value", "!unset takes no value", self._place(event), "write !unset and nothing else"
                )
            else:
                self._unknown_tag(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        mark = event.start_mark
        self._stack.append(_Frame(mark.line + 1, mark.column + 1, event.anchor, {} if is_mapping else None))
        if len(self._stack) > MOST_DEPTH:
            self._too_deep(self._place(event))

    def check_depth_ahead(self, end: int | None) -> None:
        """Count the bracket nesting after the last event.

        Args:
            end: The number of lines that the parser scanned; None if it does not say.

        Raises:
            StopReadingError: It exceeds the limit, which has been reported.
        """
        if self._read is None:
            return
        mark = self._read.end_mark
        depth = len(self._stack)
        for number, line in enumerate(self._lines[mark.line : end], mark.line):
            for token in _FLOW_TOKEN.finditer(line, mark.column if number == mark.line else 0):
                depth += (token["begin"] is not None) - (token["end"] is not None)
                if depth > MOST_DEPTH:
                    self._too_deep(Place(self._origin.file, number + 1, token.start() + 1, self._origin.via))

    def _too_deep(self, place: Place) -> None:
        message = f"lists and mappings are nested more than {MOST_DEPTH} deep"
        self._findings.error("too-deep", message, place, "reduce its nesting")
        raise StopReadingError

    def _end(self) -> None:
        frame = self._stack.pop()
        node: Node
        if frame.by_key is None:
            node = ListNode(frame.items, self._origin, frame.line, frame.column)
        else:
            for merged in frame.merged:
                self._merge(frame.by_key, merged)
            node = MapNode(frame.by_key, self._origin, frame.line, frame.column)
        if frame.anchor is not None:
            self._anchors[frame.anchor] = _Anchored(node, frame.size, frame.height)
        self._add(node, frame.size, frame.height, None)

    def _alias(self, event: Event) -> None:
        name = event.anchor
        if name not in self._anchors:
            meant = self._findings.closest(name, tuple(self._anchors))
            hint = f"did you mean *{meant}?" if meant else f"anchor something with &{name} before this line"
            self._stop(
                "unknown-alias", f"*{name} refers to an anchor that is not defined before it in this file", event, hint
            )
        found = self._anchors[name]
        self._unused_anchors.pop(name, None)
        if found is None:
            self._stop("alias-in-itself", f"*{name} is part of the value it refers to", event, "write out the value")
            return
        self._expanded += found.size
        if self._expanded > MOST_EXPANDED:
            self._stop(
                "too-large",
                f"aliases make this file more than {MOST_EXPANDED} nodes large",
                event,
                "use fewer aliases of aliases",
            )
        if len(self._stack) + found.height > MOST_DEPTH:
            self._too_deep(self._place(event))
        self._add(found.node, found.size, found.height, event)

    def _add(self, node: Node, size: int, height: int, event: Event) -> None:
        if not self._stack:
            self.root = node
            return
        frame = self._stack[-1]
        frame.size += size
        if height >= frame.height:
            frame.height = height + 1
        if frame.by_key is None:
            frame.items.append(node)
        elif not frame.waits:
            frame.waits = True
            frame.key = self._key(node, frame, event)
        else:
            frame.waits = False
            if frame.key is not None:
                self._set(frame, frame.key, node)
                frame.key = None
            elif frame.hides and isinstance(node, ScalarNode):
                self._findings.conceal(self._origin.file, node.line, node.end_line)
            frame.hides = False

    def _key(self, node: Node, frame: _Frame, event: Event) -> ScalarNode | None:
        if not isinstance(node, ScalarNode):
            self._findings.error(
                "key-not-text", "a key must be text", node.place, "put it in quotes when it begins with [ or {"
            )
            return None
        if node.is_unset:
            self._findings.error("unset-with-value", "!unset cannot be a key", node.place)
            return None
        if isinstance(event, yaml.AliasEvent):
            place = self._place(event)
            node = ScalarNode(node.text, node.plain, node.tag, self._origin, place.line, place.column, place.line)
        if node.plain and node.text == "<<":
            return node
        first = frame.by_key.get(node.text) if frame.by_key else None
        if first is not None:
            self._findings.error(
                "duplicate-key", f"the key {shown(node.text)} occurs twice in one mapping", node.place,
                "keep one of the two", related=[(first.key.place, "first occurrence")],
            )  # fmt: skip
            frame.hides = may_be_secret(node.text)
            return None
        return node

    def _set(self, frame: _Frame, key: ScalarNode, value: Node) -> None:
        assert frame.by_key is not None
        if key.plain and key.text == "<<":
            frame.merged.append(value)
            return
        frame.by_key[key.text] = KeyValue(key, value)
        if isinstance(value, MapNode) or not may_be_secret(key.text):
            return
        for item in value.items if isinstance(value, ListNode) else [value]:
            if isinstance(item, ScalarNode) and item.text and not _is_lookup(item.text):
                self._findings.conceal(self._origin.file, item.line, item.end_line)

    def _merge(self, by_key: dict[str, KeyValue], merged: Node) -> None:
        """Apply YAML's merge key: the mapping's own keys take precedence, then those of earlier mappings."""
        if isinstance(merged, ScalarNode) and merged.is_null:
            return
        for table in merged.items if isinstance(merged, ListNode) else [merged]:
            if not isinstance(table, MapNode):
                self._findings.error(
                    "merge-key",
                    "<< merges mappings, and this is not a mapping",
                    table.place,
                    "refer to an anchored mapping: << : *name",
                )
                continue
            for key, pair in table.by_key.items():
                by_key.setdefault(key, pair)


def _is_lookup(text: str) -> bool:
    return text.startswith("${") and text.endswith("}")
