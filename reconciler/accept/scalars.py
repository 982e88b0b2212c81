"""Texts and other plain values as YAML scalars, in the style of the scalar that they replace.

Takes a value and a style; gives YAML that parses back to the same value. A text that would be read as another type, or
that the style cannot hold, is quoted.
"""

from __future__ import annotations

import json
import re
from typing import TypeAlias

Plain: TypeAlias = str | int | float | bool | None

_OTHER_TYPE = re.compile(
    r"(?:|~|null|true|false|yes|no|on|off|y|n|<<|=|[-+.]?(?:inf|nan)|\.inf|\.nan"
    r"|[-+]?0x[\da-f_]+|[-+]?(?:0[bo])?[\d_,.:]*\d[\d_,.:]*(?:e[-+]?\d*)?|\d{4}-\d\d?-\d\d?.*)\Z",
    re.IGNORECASE,
)
"""Plain texts that some reader takes for something else than text."""
_PLAIN_START = re.compile(r"[^\s\-?:,\[\]{}#&*!|>'\"%@`]")
_NOT_PLAIN = re.compile(r": |:\Z|\s#|[\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]|\s\Z")
_NOT_PLAIN_IN_FLOW = re.compile(r"[,\[\]{}?]|:(?=['\"])")
_PRINTABLE = re.compile(r"[\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*\Z")
_ODD_BREAKS = re.compile("[\r\x85\u2028\u2029]")
_SHORT = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}
_ESCAPED = re.compile('[\\\\"\\x00-\\x1f\\x7f-\\xa0\\u2028\\u2029\\ufeff\\ud800-\\udfff\\ufffe\\uffff]')


class Unset(str):
    """The tag that removes what a template or an earlier file writes."""

    __slots__ = ()


UNSET = Unset("!unset")


def scalar(value: Plain, *, style: str = "", in_flow: bool = False, as_key: bool = False) -> str:
    """Write a value in one line.

    Args:
        value: The value.
        style: ``'`` or ``"`` to keep quotes of that kind around a text; anything else for none if possible.
        in_flow: Whether it is written in brackets or braces.
        as_key: Whether it is a key.
    """
    if value is None:
        return "null"
    if isinstance(value, Unset):
        return "!unset " if in_flow else "!unset"  # a comma would be read as a part of the tag
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return json.dumps(value)
    if style == "'" and _PRINTABLE.match(value) is not None and not _ODD_BREAKS.search(value):
        return "'" + value.replace("'", "''") + "'"
    if style not in {"'", '"'} and _can_be_plain(value, in_flow=in_flow, as_key=as_key):
        return value
    return '"' + _ESCAPED.sub(_escape, value) + '"'


def _can_be_plain(text: str, *, in_flow: bool, as_key: bool) -> bool:
    if _OTHER_TYPE.match(text) is not None or _PLAIN_START.match(text) is None or _NOT_PLAIN.search(text):
        return False
    if text.startswith(("---", "...")) or (as_key and len(text) > 100):
        return False
    return not (in_flow and _NOT_PLAIN_IN_FLOW.search(text))


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if character in _SHORT:
        return _SHORT[character]
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


def block_scalar(text: str, *, style: str, indent: str, newline: str) -> tuple[str, str] | None:
    """Write a text as a block scalar.

    Args:
        text: The text.
        style: ``|`` or ``>``.
        indent: The spaces before each line.
        newline: The line break of the file.

    Returns:
        The header, as in ``|-``, and the lines with their breaks; None if a block cannot hold the text.
    """
    body = text.rstrip("\n")
    ends = len(text) - len(body)
    lines = body.split("\n")
    if not body or any(_PRINTABLE.match(line.replace("\t", " ")) is None or _ODD_BREAKS.search(line) for line in lines):
        return None
    # The first line gives the indent, so a space or tab at its beginning would be taken for a part of that.
    if lines[0][:1] in {" ", "\t", ""} or any(not line.strip(" \t") and line for line in lines):
        return None
    if style == ">" and any(line[:1] in {" ", "\t"} or line.endswith((" ", "\t")) for line in lines):
        style = "|"
    chomping = "-" if not ends else "" if ends == 1 else "+"
    if style == ">":
        written: list[str] = []
        for number, line in enumerate(lines):
            # In a folded block, an empty line stands for a line break; a single break, for a space.
            written += ["", indent + line] if number and line and lines[number - 1] else [indent + line if line else ""]
        if any(not line for line in lines):
            written = _folded(lines, indent)
    else:
        written = [indent + line if line else "" for line in lines]
    written += [""] * (ends - 1) if ends > 1 else []
    return style + chomping, newline.join(written) + newline


def _folded(lines: list[str], indent: str) -> list[str]:
    """Write the lines of a folded block with empty ones between them: each break takes one more line."""
    written: list[str] = [indent + lines[0]]
    breaks = 0
    for line in lines[1:]:
        breaks += 1
        if line:
            written += [""] * breaks + [indent + line]
            breaks = 0
    return written
