"""Markup, and the one way for a text to become part of it.

Takes strings; gives `Html`. A plain string that is put into a tag, as content or as an attribute, is escaped there:
what is not `Html` never stands in a page as it came. Characters that would move, turn or hide text are made visible.
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
"""After these a line ends, where that changes nothing: for people who read or compare the source."""

SHORT = 64
_MEANING: Final = re.compile("[&<>\"']")


class Html(str):
    """A piece of a page: markup, in which every text is escaped already. Only this module makes one out of a text."""

    __slots__ = ()


def text(content: str) -> Html:
    """A text as markup, with nothing in it that means anything, moves anything or cannot be seen."""
    return _short(content) if len(content) <= SHORT else _text(content)


def _text(content: str) -> Html:
    shown = escape(content)
    return Html(shown if _MEANING.search(shown) is None else escape_markup(shown))


_short = lru_cache(maxsize=8192)(_text)
"""Most texts of a page are ours, or come again and again: names of fields, of kinds, of services."""


def join(parts: list[Html], between: str = "") -> Html:
    """Pieces one after the other, with a plain text between them."""
    return Html(text(between).join(parts))


def by_line(texts: Iterable[str]) -> Html:
    """Texts, each on a line of its own, where the style keeps lines."""
    return Html("\n".join(map(text, texts)))


def tag(name: str, /, *content: str, **attributes: str | bool) -> Html:
    """An element.

    Args:
        name: of the element; ours, never a value's.
        content: pieces of markup, and texts, which are escaped.
        attributes: with ``_`` for ``-`` and ``class_`` for ``class``. True stands for an attribute without a value,
            False for none at all.
    """
    inner = "".join([piece if type(piece) is Html else text(piece) for piece in content])
    opening = name + _attributes(attributes) if attributes else name
    return Html(f"<{opening}>{inner}</{name}>\n" if name in _LINES else f"<{opening}>{inner}</{name}>")


def void(name: str, /, **attributes: str | bool) -> Html:
    """An element that has no content; the arguments are those of others."""
    return Html(f"<{name}{_attributes(attributes)}>")


def _attributes(given: Mapping[str, str | bool]) -> str:
    written = ""
    for key, value in given.items():
        if value is not False:
            written += _attribute(key) if value is True else f'{_attribute(key)}="{text(value)}"'
    return written


@cache
def _attribute(key: str) -> str:
    """The name of an attribute with the space before it; there are few."""
    return " " + key.rstrip("_").replace("_", "-")


def verbatim(name: str, source: str) -> Html:
    """Our own style or script, whose bytes the page's policy knows by their digest."""
    assert "</" not in source
    return Html(f"<{name}>{source}</{name}>")
