"""Glob patterns: the one kind that `include`, `match`, `except`, and `unmanaged.ignore` share.

``*`` matches any text and ``?`` one character. Matching is case-sensitive. Brackets are literal: names and addresses
contain them. A backslash before ``*``, ``?``, or another backslash makes that character literal; elsewhere it is
literal itself. Paths are matched segment by segment (`reconciler.config.sources.select`). Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_ANY, _ONE = "*", "?"
_ESCAPABLE = frozenset("*?\\")


def is_glob(text: str) -> bool:
    """Whether a text contains an unescaped wildcard."""
    return any(is_wildcard for _, is_wildcard in _tokens(text))


def literal(text: str) -> str:
    """Return the text that a pattern without wildcards matches."""
    return "".join(char for char, _ in _tokens(text))


def escape(text: str) -> str:
    """Return the pattern that matches only this text."""
    return "".join(f"\\{char}" if char in _ESCAPABLE else char for char in text)


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern matches a whole text, line breaks included."""
    return _compiled(pattern).match(text) is not None


def _tokens(pattern: str) -> Iterator[tuple[str, bool]]:
    """Yield each character of a pattern, and whether it is a wildcard."""
    position = 0
    while position < len(pattern):
        char = pattern[position]
        if char == "\\" and pattern[position + 1 : position + 2] in _ESCAPABLE:
            yield pattern[position + 1], False
            position += 2
        else:
            yield char, char in {_ANY, _ONE}
            position += 1


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Build a regular expression that never backtracks over an earlier ``*``, so that no pattern is slow."""
    parts = [""]
    for char, is_wildcard in _tokens(pattern):
        if not is_wildcard:
            parts[-1] += re.escape(char)
        elif char == _ONE:
            parts[-1] += "."
        elif len(parts) == 1 or parts[-1]:
            parts.append("")
    first, *rest = parts
    if not rest:
        return re.compile(rf"{first}\Z", re.DOTALL)
    *middle, last = rest
    lazily = "".join(f"(?>.*?{part})" for part in middle)
    return re.compile(rf"{first}{lazily}.*{last}\Z", re.DOTALL)
