"""The parser's events -> a tree of nodes, within limits.

Resolves anchors, aliases, and merge keys, and counts their expansion before it happens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from yaml import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from reconciler.config.findings import Findings, shown
from reconciler.config.nodes import NULLS, UNSET, KeyValue, ListNode, MapNode, Node, Origin, ScalarNode
from reconciler.config.yaml_events import SURROGATE, Event, join_surrogates
from reconciler.errors import Place
from reconciler.lazy_dataclass import dataclass
from reconciler.redaction import literal_holds_secret, may_be_secret

MOST_DEPTH = 60
MOST_WRITTEN = 250_000
"""The maximum number of keys, values, lists, and mappings in a file; a resource has about ten."""
MOST_EXPANDED = 500_000
"""The maximum number of nodes that aliases and merge keys may add to the written ones."""
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
        items: The items of a list; of a mapping, the mappings to merge.
        key: The key of a mapping that has no value yet.
        waits: Whether a key has been read, even an invalid one.
        hides: Whether the value of an invalid key may be a secret.
        nodes_before: The number of nodes before it.
        height: The depth of the deepest list or mapping that has been read in it, plus one.
    """

    line: int
    column: int
    anchor: str | None
    by_key: dict[str, KeyValue] | None
    items: list[Node]
    nodes_before: int
    key: ScalarNode | None = None
    waits: bool = False
    hides: bool = False
    height: int = 1


class TreeBuilder:
    """Builds the tree of a file from the parser's events."""

    def __init__(self, origin: Origin, findings: Findings, lines: tuple[str, ...]) -> None:
        self.unsets = False
        self._origin = origin
        self._findings = findings
        self._lines = lines
        # The first frame stands for the file, which has one item at most.
        self._stack: list[_Frame] = [_Frame(1, 1, None, None, [], 0)]
        self._anchors: dict[str, _Anchored | None] = {}
        self._unused_anchors: dict[str, Place] = {}
        self._hidden_keys: dict[str, bool] = {}
        self._expanded = 0
        self._written = 0
        self._nodes_beyond_events = 0
        self._documents = 0
        self._read: Event = None

    @property
    def root(self) -> Node | None:
        """The tree; None if the file is empty."""
        items = self._stack[0].items
        return items[0] if items else None

    def build(self, events: Iterable[Event]) -> None:
        """Build the tree from all events of a file.

        A file has about ten events for each resource, so what nearly all of them have in common is decided first.

        Raises:
            StopReadingError: The file exceeds a limit, which has been reported.
        """
        stack = self._stack
        for event in events:
            self._read = event
            self._written += 1
            if self._written > MOST_WRITTEN:
                message = f"the file has more than {MOST_WRITTEN} keys, values, and lists"
                self._stop("too-large", message, event, "split it, and include the parts")
            kind = type(event)
            if kind is ScalarEvent:
                node = self._scalar(event)
                frame = stack[-1]
                if frame.by_key is None:
                    frame.items.append(node)
                elif frame.waits:
                    self._add_value(frame, frame.by_key, node)
                elif node.tag or node.text in frame.by_key:
                    self._add(node, event)
                else:
                    frame.key, frame.waits = node, True
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                self._begin(event, is_mapping=kind is MappingStartEvent)
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                self._end()
            elif kind is AliasEvent:
                self._alias(event)
            else:
                # The start or the end of the file or of a document.
                self._nodes_beyond_events -= 1
                self._documents += kind is DocumentStartEvent
                if self._documents > 1:
                    self._stop(
                        "several-documents",
                        "the file has more than one YAML document",
                        event,
                        "remove the line ---, or split the file in two",
                    )

    def _place(self, event: Event) -> Place:
        return Place(self._origin.file, event.start_mark.line + 1, event.start_mark.column + 1, self._origin.via)

    def _stop(self, code: str, message: str, event: Event, hint: str) -> None:
        self._findings.error(code, message, self._place(event), hint)
        raise StopReadingError

    def _scalar(self, event: Event) -> ScalarNode:
        text = event.value
        tag = "" if event.tag is None else self._scalar_tag(event)
        if not text.isascii() and SURROGATE.search(text):
            text = self._without_surrogates(text, event)
        start, end = event.start_mark, event.end_mark
        line, end_line = start.line + 1, end.line + 1
        if end_line != line and not end.column:
            end_line -= 1  # The end mark of a block scalar is the start of the next line.
        is_plain = not event.style
        node = ScalarNode(text, is_plain and tag != "str", tag, self._origin, line, start.column + 1, end_line)
        if "://" in text and literal_holds_secret(text):
            self._findings.conceal(self._origin.file, line, end_line)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(node, 1, 1)
            if is_plain and not _is_extension(self._stack):
                self._unused_anchors[event.anchor] = self._place(event)
        return node

    def _scalar_tag(self, event: Event) -> str:
        """Return the meaning of a scalar's tag; empty if it is not known, which is reported."""
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
            return "str"
        elif event.tag == "!" and not event.style:
            _warn_swallowed(self._findings, self._place(event), "a tag", "!")
        return tag

    def _without_surrogates(self, text: str, event: Event) -> str:
        """Join the halves of surrogate pairs, and replace and report a half without the other."""
        joined = join_surrogates(text)
        if not SURROGATE.search(joined):
            return joined
        hint = 'write both halves, for instance "\\ud83d\\ude00", or the character itself'
        self._findings.error("not-text", "half a surrogate pair is not a character", self._place(event), hint)
        return SURROGATE.sub("\ufffd", joined)

    def check_anchors(self) -> None:
        """Report values whose anchor is not used: text that begins with & was probably meant."""
        for place in self._unused_anchors.values():
            _warn_swallowed(self._findings, place, "an anchor that nothing refers to", "&")

    def _unknown_tag(self, event: Event) -> None:
        hint = "remove the tag; the only tag of this tool is !unset, in overlays"
        what = f"the tag {shown(str(event.tag))}"
        if _is_below_secret(self._stack):
            what, hint = "the tag of this value", "put the value in quotes if it begins with !"
        self._findings.error("unknown-tag", f"{what} is not known", self._place(event), hint)

    def _begin(self, event: Event, *, is_mapping: bool) -> None:
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
        nodes_before = self._written + self._nodes_beyond_events - 1
        self._stack.append(
            _Frame(mark.line + 1, mark.column + 1, event.anchor, {} if is_mapping else None, [], nodes_before)
        )
        if len(self._stack) - 1 > MOST_DEPTH:
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
        depth = len(self._stack) - 1
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
        self._nodes_beyond_events -= 1
        frame = self._stack.pop()
        node: Node
        if frame.by_key is None:
            node = ListNode(frame.items, self._origin, frame.line, frame.column)
        else:
            for merged in frame.items:
                _merge(self._findings, frame.by_key, merged)
            node = MapNode(frame.by_key, self._origin, frame.line, frame.column)
        size = self._written + self._nodes_beyond_events - frame.nodes_before
        height = frame.height if frame.height > 1 or size == 1 else 2
        if frame.anchor is not None:
            self._anchors[frame.anchor] = _Anchored(node, size, height)
        above = self._stack[-1]
        if height >= above.height:
            above.height = height + 1
        self._add(node, None)

    def _alias(self, event: Event) -> None:
        name = event.anchor
        if name not in self._anchors:
            short = shown(name)[1:-1]
            meant = self._findings.closest(name, tuple(self._anchors))
            hint = f"did you mean *{meant}?" if meant else f"anchor something with &{short} before this line"
            what = f"*{short}"
            if _is_below_secret(self._stack):
                what, hint = "this alias", "put the value in quotes if it begins with *"
            self._stop(
                "unknown-alias", f"{what} refers to an anchor that is not defined before it in this file", event, hint
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
        if len(self._stack) - 1 + found.height > MOST_DEPTH:
            self._too_deep(self._place(event))
        self._nodes_beyond_events += found.size - 1
        above = self._stack[-1]
        above.height = max(above.height, found.height + 1)
        self._add(found.node, event)

    def _add(self, node: Node, event: Event) -> None:
        """Add a node to the innermost list or mapping.

        Args:
            node: The node.
            event: The scalar or alias that it comes from; None for a list or mapping.
        """
        frame = self._stack[-1]
        if frame.by_key is None:
            frame.items.append(node)
        elif frame.waits:
            self._add_value(frame, frame.by_key, node)
        else:
            frame.waits = True
            frame.key = self._key(node, frame, event)

    def _add_value(self, frame: _Frame, by_key: dict[str, KeyValue], value: Node) -> None:
        """Add the value of the key that waits for it."""
        frame.waits = False
        key = frame.key
        if key is None:
            if frame.hides and isinstance(value, ScalarNode):
                self._findings.conceal(self._origin.file, value.line, value.end_line)
            frame.hides = False
            return
        frame.key = None
        text = key.text
        if text == "<<" and key.plain:
            frame.items.append(value)
            return
        by_key[text] = KeyValue(key, value)
        # Most keys occur many times.
        may_hide = self._hidden_keys.get(text)
        if may_hide is None:
            may_hide = self._hidden_keys[text] = may_be_secret(text)
        if may_hide and not isinstance(value, MapNode):
            for item in value.items if isinstance(value, ListNode) else [value]:
                if isinstance(item, ScalarNode) and item.text and not _is_lookup(item.text):
                    self._findings.conceal(self._origin.file, item.line, item.end_line)

    def _key(self, node: Node, frame: _Frame, event: Event) -> ScalarNode | None:
        if not isinstance(node, ScalarNode):
            self._findings.error(
                "key-not-text", "a key must be text", node.place, "put it in quotes when it begins with [ or {"
            )
            return None
        if node.is_unset:
            self._findings.error("unset-with-value", "!unset cannot be a key", node.place)
            return None
        if type(event) is AliasEvent:
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


def _merge(findings: Findings, by_key: dict[str, KeyValue], merged: Node) -> None:
    """Apply YAML's merge key: the mapping's own keys take precedence, then those of earlier mappings."""
    if isinstance(merged, ScalarNode) and merged.is_null:
        return
    for table in merged.items if isinstance(merged, ListNode) else [merged]:
        if not isinstance(table, MapNode):
            findings.error(
                "merge-key",
                "<< merges mappings, and this is not a mapping",
                table.place,
                "refer to an anchored mapping: << : *name",
            )
            continue
        for key, pair in table.by_key.items():
            by_key.setdefault(key, pair)


def _is_extension(stack: Sequence[_Frame]) -> bool:
    """Whether the place is inside of an ``x-*`` key, whose anchors may be meant for later."""
    key = stack[1].key if len(stack) > 1 else None
    return key is not None and key.text.startswith("x-")


def _is_below_secret(stack: Sequence[_Frame]) -> bool:
    """Whether the next value may be a secret: a password that begins with ! or * looks like a tag or an alias."""
    return any(
        frame.hides or (frame.waits and frame.key is not None and may_be_secret(frame.key.text)) for frame in stack
    )


def _warn_swallowed(findings: Findings, place: Place, what: str, character: str) -> None:
    message = f"YAML reads the word that begins with {character} as {what}, not as a part of the value"
    findings.warning("swallowed-text", message, place, f"quote the value to keep the {character}")


def _is_lookup(text: str) -> bool:
    return text.startswith("${") and text.endswith("}")
