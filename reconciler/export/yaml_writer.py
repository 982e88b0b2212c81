"""A tree of keys and values as YAML text that parses back to the same values. Pure; knows nothing about Twilio.

Takes a `Tree`; returns its lines, each with the owner of its key, so that a problem in a line can be traced to a field.
Live texts are hostile input: whatever they contain, they cannot end the scalar or comment that contains them, and
cannot become a null, a number, or an interpolation.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Generic, TypeAlias, TypeVar

from reconciler.config.interpolation_syntax import escape
from reconciler.lazy_dataclass import dataclass

Owner = TypeVar("Owner")

WIDTH = 120
_LONGEST_KEY = 1000
"""YAML accepts keys of up to 1024 characters, including quotes and escapes."""
_DEEPEST_BLOCK = 20
"""Deeper JSON is written as one text, because the configuration limits nesting from the top."""
_MOST_DIGITS = 300
"""Longer numbers are numbers only in JSON text."""

# Plain: begins with a letter, has no character with a meaning in YAML or in interpolation, and is not a word below.
_PLAIN = re.compile(r"[^\W\d][\w./-]*(?:@[\w.-]+)?(?: [\w./-]+)*\Z")
_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9._~/?=&%+;@-]+\Z")
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"})
_PLAIN_LOOKUP = re.compile(r"\$\{(?:secret|env|file):[\w./-]+\}\Z")
_SHORT = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_LONGEST_COMMENT = 200


@dataclass(frozen=True, slots=True)
class Literal:
    """Text that is YAML already: an interpolation, ``true``, a SID.

    Attributes:
        text: The YAML.
    """

    text: str


@dataclass(slots=True)
class WrittenKey(Generic[Owner]):
    """A key with its value.

    Attributes:
        key: Any text.
        value: A tree, a text, a `Literal`, a tuple of texts and literals, or a `Data`.
        owner: The subject of the lines; None if they contain nothing that can be left out.
        comments: Lines above it.
    """

    key: str
    value: Value[Owner]
    owner: Owner | None = None
    comments: tuple[str, ...] = ()


@dataclass(slots=True)
class Tree(Generic[Owner]):
    """A mapping in the order in which it is written.

    Attributes:
        keys: Its keys with their values.
        comments: Lines at its beginning.
    """

    keys: list[WrittenKey[Owner]] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)

    def add(self, key: str, value: Value[Owner], owner: Owner | None = None, comments: tuple[str, ...] = ()) -> None:
        """Add a key."""
        self.keys.append(WrittenKey(key, value, owner, comments))

    def below(self, *keys: str) -> Tree[Owner]:
        """Return the tree below these keys, and create it if it is missing."""
        tree = self
        for key in keys:
            found = next((written.value for written in tree.keys if written.key == key), None)
            if not isinstance(found, Tree):
                found = Tree()
                tree.add(key, found)
            tree = found
        return tree

    @property
    def is_empty(self) -> bool:
        """Whether it has no keys and no comments."""
        return not self.keys and not self.comments


Writable: TypeAlias = "bool | int | float | str | Literal | Sequence[Writable] | Mapping[str, Writable] | None"
"""JSON, any part of which may be a `Literal`."""


@dataclass(frozen=True, slots=True)
class Data:
    """JSON.

    Attributes:
        value: A mapping or a list; a `Literal` in it is written as it is.
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
    """Return YAML that parses to exactly this text and contains no interpolation.

    Args:
        text: Any text without lone surrogates.
        flow: Whether it is inside brackets or braces, where fewer texts can be plain.
    """
    return _quoted(escape(text), flow=flow)


def template(text: str) -> Literal:
    """Return YAML for a notification template, in which Twilio's ``${NAME}`` stays as it is."""
    return Literal(_quoted(escape(text, is_template=True), flow=False))


def lookup(text: str) -> Literal:
    """Return YAML for a text with interpolations; also valid inside brackets and braces."""
    return Literal(text if _PLAIN_LOOKUP.match(text) else _in_quotes(text))


def key(text: str, *, flow: bool = False) -> str:
    """Return YAML for a key that parses to exactly this text; keys are never interpolated."""
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
    """Return a text as part of a comment: one line, shortened, with visible control characters."""
    cut = text if len(text) <= _LONGEST_COMMENT else text[: _LONGEST_COMMENT - 1] + "…"
    return _visible(cut)


def _visible(text: str) -> str:
    return "".join(item if item.isprintable() else _character(item) for item in text)


# --- JSON ------------------------------------------------------------------------------------------------------------


def can_be_written(value: Writable) -> bool:
    """Return whether JSON can express a value; it cannot express infinite numbers, which some parsers make of 1e999."""
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
    """Return whether JSON can be written as YAML mappings and lists."""
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
    """Yield the lines of a value after ``key:`` or ``-``."""
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
    """Yield the lines of a tree."""
    yield from _comments(tree.comments, indent)
    for written in tree.keys:
        yield from _comments(written.comments, indent)
        yield from _key_lines(written, indent)


def _comments(texts: Sequence[str], indent: int) -> Iterator[Line[Owner]]:
    for line in comment_lines(texts, WIDTH - indent - 2):
        yield Line(f"{' ' * indent}# {line}")


def comment_lines(texts: Sequence[str], width: int) -> Iterator[str]:
    """Yield the lines of comments, of about a width, without the ``#``."""
    for text in texts:
        yield from _folded(_visible(text), width)


def _folded(text: str, width: int) -> Iterator[str]:
    """Yield the lines of a comment; line breaks in its text have been made visible before."""
    rest = text
    while len(rest) > max(width, 40):
        space = rest.rfind(" ", 20, max(width, 40))
        if space < 0:
            break
        yield rest[:space]
        rest = rest[space + 1 :]
    yield rest


def _key_lines(written: WrittenKey[Owner], indent: int) -> Iterator[Line[Owner]]:
    head = f"{key(written.key)}:"
    pad = " " * indent
    value = written.value
    match value:
        case Tree() if value.keys:
            yield Line(pad + head, written.owner)
            yield from lines(value, indent + 2)
        case Tree():
            yield from _comments(value.comments, indent)
            yield Line(f"{pad}{head} {{}}", written.owner)
        case Literal():
            yield Line(f"{pad}{head} {value.text}", written.owner)
        case Data():
            if fits_yaml(value.value):
                yield from _json_lines(head, value.value, indent, written.owner)
            else:
                yield Line(f"{pad}{head} {scalar(json.dumps(value.value, ensure_ascii=False))}", written.owner)
        case tuple():
            yield from _list_lines(head, value, indent, written.owner)
        case str():
            yield Line(f"{pad}{head} {scalar(value)}", written.owner)


def _list_lines(head: str, items: tuple[str | Literal, ...], indent: int, owner: Owner | None) -> Iterator[Line[Owner]]:
    flow = f"{' ' * indent}{head} [{', '.join(map(_in_flow, items))}]"
    if len(flow) <= WIDTH:
        yield Line(flow, owner)
        return
    yield Line(" " * indent + head, owner)
    for item in items:
        yield Line(f"{' ' * (indent + 2)}- {scalar(item) if isinstance(item, str) else item.text}", owner)
