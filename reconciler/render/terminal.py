"""Text for a terminal: escaping, widths, wrapping, and colors.

Takes and gives plain strings. Every text that is not from this program's own source passes `escape` before it is laid
out, and colors come after that, so the only control characters in the output are newlines and our own colors.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Literal

from reconciler.lazy_dataclass import dataclass

Style = Literal["bold", "dim", "red", "green", "yellow", "cyan"]

_SGR: dict[Style, str] = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}

# Characters that are printable by category but invisible: fillers, joiners, variation selectors (Unicode's
# Default_Ignorable_Code_Point, without those that `str.isprintable` excludes), and two symbols whose glyph is blank.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U0001d159\U000e0100-\U000e01ef]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def escape(text: str) -> str:
    r"""Make every character visible that could move the cursor, reverse text, or hide.

    Control characters, bidirectional overrides, zero-width characters, unusual spaces, lone surrogates, and line breaks
    become ``\u001b`` and the like; ``\n``, ``\r`` and ``\t`` keep their usual short forms. Everything else is kept.
    """
    if text.isprintable() and (text.isascii() or _INVISIBLE.search(text) is None):
        return text
    return "".join(
        character if character.isprintable() and not _INVISIBLE.match(character) else _visible(character)
        for character in text
    )


def code_points(text: str) -> str:
    r"""Write every character that is not ASCII as its code point, like ``\u0430``."""
    return "".join(character if character.isascii() else _visible(character) for character in text)


def _visible(character: str) -> str:
    code = ord(character)
    return _SHORT.get(character) or (f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}")


@lru_cache(maxsize=4096)
def _cell(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cells(text: str) -> int:
    """Return the number of columns of an escaped text."""
    return len(text) if text.isascii() else sum(map(_cell, text))


def cut(text: str, width: int) -> str:
    """Cut an escaped text to a width, with an ellipsis."""
    if cells(text) <= width:
        return text
    head, _ = _split(text, max(width - 1, 0))
    return head + "…"


def _split(text: str, width: int) -> tuple[str, str]:
    """Split a text into the part that fits a width, and the rest."""
    if text.isascii():
        return text[:width], text[width:]
    used = 0
    for position, character in enumerate(text):
        used += _cell(character)
        if used > width:
            return text[:position], text[position:]
    return text, ""


def wrap(text: str, width: int) -> list[str]:
    """Break an escaped text into lines of a width, at a space in the second half of a line if there is one.

    Only the space at such a break is lost, and nothing is added.
    """
    width = max(width, 10)
    lines: list[str] = []
    start = 0
    while True:
        # Looks only at what one line can hold, since a text may be long, unless combining marks fill it.
        rest = text[start : start + 4 * width]
        if cells(rest) <= width and start + len(rest) < len(text):
            rest = text[start:]
        if cells(rest) <= width:
            lines.append(rest)
            return lines
        head, tail = _split(rest, width)
        space = head.rfind(" ")
        used = len(head)
        if tail.startswith(" "):
            used += 1
        elif space >= len(head) // 2:
            head, used = rest[:space], space + 1
        lines.append(head)
        start += used


@dataclass(frozen=True, slots=True)
class Paint:
    """Applies colors to text, or none.

    Attributes:
        colour: whether to apply colors.
    """

    colour: bool

    def __call__(self, text: str, *styles: Style) -> str:
        """Return the text in these styles; it must be escaped already."""
        if not self.colour or not styles or not text:
            return text
        return f"\x1b[{';'.join(_SGR[style] for style in styles)}m{text}\x1b[0m"
