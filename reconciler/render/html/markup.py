"""Markup, and the only way to make a text part of it.

Takes strings; returns `Html`. A plain string in a tag, as content or as an attribute, is escaped there, so that only
`Html` reaches a page unchanged. Characters that would move, reverse, or hide text are made visible.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from html import escape as escape_markup
from typing import Final

from reconciler.render.terminal import escape

_LINES: Final = frozenset(
    ["body", "dd", "details", "div", "dl", "dt", "fieldset", "footer", "form", "h1", "h2", "h3", "head", "header", "li",
     "main", "ol", "p", "path", "section", "summary", "svg", "ul"]
)  # fmt: skip
"""Elements that are followed by a line break, so that the source can be read and compared."""

SHORT = 64
_MEANING: Final = re.compile("[&<>\"']")


class Html(str):
    """A piece of markup in which every text is escaped. Only this module creates one from a text."""

    __slots__ = ()


def text(content: str) -> Html:
    """Escape a text for markup."""
    return _short(content) if len(content) <= SHORT else _text(content)


def _text(content: str) -> Html:
    shown = escape(content)
    return Html(shown if _MEANING.search(shown) is None else escape_markup(shown))


_short = lru_cache(maxsize=8192)(_text)
"""Escape a text, with a cache: most texts of a page repeat, such as names of fields, kinds, and services."""


def join(parts: list[Html], between: str = "") -> Html:
    """Join pieces, with a plain text between them."""
    return Html(text(between).join(parts))


def prose(sentences: str) -> Html:
    """Escape sentences without foreign text; what is between backticks becomes code."""
    *pairs, last = sentences.split("`") if sentences.count("`") % 2 == 0 else (sentences,)
    parts = [tag("code", part) if number % 2 else text(part) for number, part in enumerate([*pairs, last])]
    return join([part for part in parts if part])


def by_line(texts: Iterable[str]) -> Html:
    """Put each text on its own line, in an element whose style keeps lines."""
    return Html("\n".join(map(text, texts)))


def tag(name: str, /, *content: str, **attributes: str | bool) -> Html:
    """Build an element.

    Args:
        name: its name, never one from a value.
        content: pieces of markup, and texts, which are escaped.
        attributes: with ``_`` for ``-`` and ``class_`` for ``class``. True means an attribute without a value, False
            none at all.
    """
    inner = "".join([piece if type(piece) is Html else text(piece) for piece in content])
    opening = name + _attributes(attributes) if attributes else name
    return Html(f"<{opening}>{inner}</{name}>\n" if name in _LINES else f"<{opening}>{inner}</{name}>")


def void(name: str, /, **attributes: str | bool) -> Html:
    """Build an element without content; see `tag`."""
    return Html(f"<{name}{_attributes(attributes)}>")


def _attributes(given: Mapping[str, str | bool]) -> str:
    written = ""
    for key, value in given.items():
        if value is not False:
            written += _attribute(key) if value is True else f'{_attribute(key)}="{text(value)}"'
    return written


@cache
def _attribute(key: str) -> str:
    """Return the name of an attribute, with a space before it."""
    return " " + key.rstrip("_").replace("_", "-")


def verbatim(name: str, source: str) -> Html:
    """Embed our own style or script, whose digest is in the policy of the page."""
    assert "</" not in source
    return Html(f"<{name}>{source}</{name}>")
