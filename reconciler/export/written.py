"""A tree of keys and values as YAML text, in which every text comes back as it was. Pure; knows nothing of Twilio.

Takes a `Tree` whose leaves are contents; gives its lines, each with the owner that its entry names, so that whoever
finds a line wrong can tell what it says. Live texts are hostile input: whatever is in them, they can neither end the
scalar or the comment that holds them, nor mean a null, a number or a lookup of ours.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from reconciler.config.interpolation_syntax import escape

Owner = TypeVar("Owner")

WIDTH = 120
_LONGEST_KEY = 1000
"""YAML takes keys of 1024 characters, quotes and escapes included."""
_DEEPEST_BLOCK = 20
"""Deeper JSON is written as one text: the files' own limits on nesting count from the top."""
_MOST_DIGITS = 300
"""Longer numbers are numbers in JSON text only."""

# Plain: begins with a letter, has no character that means anything to YAML or to us, and is none of the words below.
_PLAIN = re.compile(r"[^\W\d][\w./-]*(?:@[\w.-]+)?(?: [\w./-]+)*\Z")
_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9._~/?=&%+;@-]+\Z")
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"})
_PLAIN_LOOKUP = re.compile(r"\$\{(?:secret|env|file):[\w./-]+\}\Z")
_SHORT = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_LONGEST_COMMENT = 200


@dataclass(frozen=True, slots=True)
class Literal:
    """Text that is YAML already: a placeholder, ``true``, a SID.

    Attributes:
        text: as it is written.
    """

    text: str


@dataclass(slots=True)
class Entry(Generic[Owner]):
    """A key with its value.

    Attributes:
        key: any text.
        value: a tree, a text, a `Literal`, a tuple of texts and of those, or a `Data`.
        owner: what the lines say; None where they are nobody's.
        comments: lines above it.
    """

    key: str
    value: Value[Owner]
    owner: Owner | None = None
    comments: tuple[str, ...] = ()


@dataclass(slots=True)
class Tree(Generic[Owner]):
    """A mapping in the order in which it is written.

    Attributes:
        entries: its keys.
        comments: lines at its beginning.
    """

    entries: list[Entry[Owner]] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)

    def add(self, key: str, value: Value[Owner], owner: Owner | None = None, comments: tuple[str, ...] = ()) -> None:
        """Write one more key."""
        self.entries.append(Entry(key, value, owner, comments))

    def below(self, *keys: str) -> Tree[Owner]:
        """The tree at these keys, made where it is not there yet."""
        tree = self
        for key in keys:
            found = next((entry.value for entry in tree.entries if entry.key == key), None)
            if not isinstance(found, Tree):
                found = Tree()
                tree.add(key, found)
            tree = found
        return tree

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not self.entries and not self.comments


Writable: TypeAlias = "bool | int | float | str | Literal | Sequence[Writable] | Mapping[str, Writable] | None"
"""JSON, any part of which may be a `Literal`."""


@dataclass(frozen=True, slots=True)
class Data:
    """JSON of somebody's own.

    Attributes:
        value: a mapping; a `Literal` in it stands for itself.
    """

    value: Writable


Value: TypeAlias = "Tree[Owner] | str | Literal | tuple[str | Literal, ...] | Data"


@dataclass(frozen=True, slots=True)
class Line(Generic[Owner]):
    """One line, without its line break."""

    text: str
    owner: Owner | None = None


# --- texts -----------------------------------------------------------------------------------------------------------


def scalar(text: str, *, flow: bool = False) -> str:
    """A value that reads back as exactly this text, and is never looked up.

    Args:
        text: any text without lone surrogates.
        flow: whether it stands in brackets or braces, where a plain text can hold less.
    """
    return _quoted(escape(text), flow=flow)


def template(text: str) -> Literal:
    """A notification template, in which Twilio's own ``${NAME}`` stays as it is."""
    return Literal(_quoted(escape(text, is_template=True), flow=False))


def lookup(text: str) -> Literal:
    """A value in which what is to be looked up is looked up; good in brackets and braces too."""
    return Literal(text if _PLAIN_LOOKUP.match(text) else _in_quotes(text))


def key(text: str, *, flow: bool = False) -> str:
    """A key that reads back as exactly this text; keys are never looked up."""
    return _quoted(text, flow=flow)


def _quoted(text: str, *, flow: bool) -> str:
    if _PLAIN.match(text) and text.lower() not in _WORDS and text.isprintable():
        return text
    if not flow and _PLAIN_URL.match(text):
        return text
    return _in_quotes(text)


def _in_quotes(text: str) -> str:
    return '"' + "".join(_character(character) for character in text) + '"'


def _character(character: str) -> str:
    short = _SHORT.get(character)
    if short is not None:
        return short
    return character if character.isprintable() else _escaped(ord(character))


def _escaped(code: int) -> str:
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def comment(text: str) -> str:
    """A text as part of a comment: one line, control characters visible, not too long."""
    cut = text if len(text) <= _LONGEST_COMMENT else text[: _LONGEST_COMMENT - 1] + "…"
    return _visible(cut)


def _visible(text: str) -> str:
    return "".join(item if item.isprintable() else _character(item) for item in text)


# --- JSON ------------------------------------------------------------------------------------------------------------


def can_be_written(value: Writable) -> bool:
    """Whether JSON has a spelling for a value: all but infinite numbers, which a careless reader makes of 1e999."""
    match value:
        case dict():
            return all(can_be_written(item) for item in value.values())
        case list():
            return all(can_be_written(item) for item in value)
        case float():
            return math.isfinite(value)
        case _:
            return True


def fits_yaml(value: Writable, depth: int = 0) -> bool:
    """Whether JSON can be written as YAML's own mappings and lists."""
    match value:
        case dict():
            return depth < _DEEPEST_BLOCK and all(
                len(scalar(name)) < _LONGEST_KEY and fits_yaml(item, depth + 1) for name, item in value.items()
            )
        case list():
            return depth < _DEEPEST_BLOCK and all(fits_yaml(item, depth + 1) for item in value)
        case int():
            return value.bit_length() < _MOST_DIGITS * 3
        case _:
            return True


def _in_flow(value: Writable) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{scalar(name, flow=True)}: {_in_flow(item)}" for name, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_in_flow, value)) + "]"
        case str():
            return scalar(value, flow=True)
        case Literal():
            return value.text if value.text.startswith('"') else _in_quotes(value.text)
        case _:
            return json.dumps(value)


def _json_lines(head: str, value: Writable, indent: int, owner: Owner | None) -> Iterator[Line[Owner]]:
    """The lines of a value after ``key:`` or ``-``."""
    flow = scalar(value) if isinstance(value, str) else _in_flow(value)
    if indent + len(head) + 1 + len(flow) <= WIDTH or not isinstance(value, (dict, list)) or not value:
        yield Line(f"{' ' * indent}{head} {flow}", owner)
        return
    yield Line(" " * indent + head, owner)
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _json_lines(f"{scalar(name)}:", item, indent + 2, owner)
    else:
        for item in value:
            yield from _json_lines("-", item, indent + 2, owner)


# --- trees -----------------------------------------------------------------------------------------------------------


def lines(tree: Tree[Owner], indent: int = 0) -> Iterator[Line[Owner]]:
    """The lines of a tree."""
    yield from _comments(tree.comments, indent)
    for entry in tree.entries:
        yield from _comments(entry.comments, indent)
        yield from _entry_lines(entry, indent)


def _comments(texts: list[str] | tuple[str, ...], indent: int) -> Iterator[Line[Owner]]:
    for text in texts:
        for line in _folded(_visible(text), WIDTH - indent - 2):
            yield Line(f"{' ' * indent}# {line}")


def _folded(text: str, width: int) -> Iterator[str]:
    """A comment's text in lines; its own line breaks have been made visible before."""
    rest = text
    while len(rest) > max(width, 40):
        space = rest.rfind(" ", 20, max(width, 40))
        if space < 0:
            break
        yield rest[:space]
        rest = rest[space + 1 :]
    yield rest


def _entry_lines(entry: Entry[Owner], indent: int) -> Iterator[Line[Owner]]:
    head = f"{key(entry.key)}:"
    pad = " " * indent
    value = entry.value
    match value:
        case Tree() if value.entries:
            yield Line(pad + head, entry.owner)
            yield from lines(value, indent + 2)
        case Tree():
            yield from _comments(value.comments, indent)
            yield Line(f"{pad}{head} {{}}", entry.owner)
        case Literal():
            yield Line(f"{pad}{head} {value.text}", entry.owner)
        case Data():
            if fits_yaml(value.value):
                yield from _json_lines(head, value.value, indent, entry.owner)
            else:
                yield Line(f"{pad}{head} {scalar(json.dumps(value.value, ensure_ascii=False))}", entry.owner)
        case tuple():
            yield from _list_lines(head, value, indent, entry.owner)
        case str():
            yield Line(f"{pad}{head} {scalar(value)}", entry.owner)


def _list_lines(head: str, items: tuple[str | Literal, ...], indent: int, owner: Owner | None) -> Iterator[Line[Owner]]:
    flow = f"{' ' * indent}{head} [{', '.join(map(_in_flow, items))}]"
    if len(flow) <= WIDTH:
        yield Line(flow, owner)
        return
    yield Line(" " * indent + head, owner)
    for item in items:
        yield Line(f"{' ' * (indent + 2)}- {scalar(item) if isinstance(item, str) else item.text}", owner)
