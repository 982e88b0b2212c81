"""Text for Markdown: escaping for the renderers of GitHub and GitLab, and limited space.

Takes and gives plain strings. Escaping punctuation is not enough here: renderers find mentions, issue references, and
bare links after they have resolved entities and backslashes. They do not look in code, so everything that is not
plainly a word is put in a code span or a fence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape as html_escape
from posixpath import normpath
from urllib.parse import quote

from reconciler.lazy_dataclass import dataclass
from reconciler.render.terminal import escape

LINE_LIMIT = 300
"""The characters of a line of a fence that are shown."""
SENTENCE_LIMIT = 500
CODE_LIMIT = 160

_TICKS = re.compile("`+")
# A word that renderers do not interpret: letters and digits with ordinary punctuation.
_WORD = re.compile(r"[(\"'“‘]*[^\W_]+(?:['’.+-][^\W_]+)*[)\"'”’.,;:?!…]*\Z|[-–—·…→+]\Z")
# Words that look ordinary but become links: hosts, commits, GH-12, and the keys of other trackers.
_LINKED = re.compile(r"www\.|\b[0-9a-f]{7,}\b|[^\W_]+-\d", re.IGNORECASE)


def size(text: str) -> int:
    """Return the size of a text in bytes, which is never less than its number of characters."""
    return len(text.encode("utf-8", "replace"))


def shortened(text: str, limit: int) -> str:
    """Put an escaped text on one line, cut with an ellipsis."""
    shown = escape(text[: limit + 1])
    return shown if len(shown) <= limit and len(text) <= limit else f"{shown[: limit - 1]}…"


_QUOTED = re.compile(r"`([^`\s][^`]*)`([,.;:)]*)$")
_TOKEN = re.compile(r"`[^`\s][^`]*`[,.;:)]*(?!\S)|\S+")
"""A word, or words that a message has put in backticks itself."""


def code(text: str, limit: int = CODE_LIMIT) -> str:
    """Put a text in a code span, which renderers do not interpret. A table also needs `cell`."""
    shown = shortened(text, limit).strip(" ")
    if not shown:
        return "` `"
    ticks = "`" * (max((len(run) for run in _TICKS.findall(shown)), default=0) + 1)
    pad = " " if shown[0] == "`" or shown[-1] == "`" else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def cell(markdown: str) -> str:
    r"""Escape a cell of a table: a pipe becomes ``\u007c``, since renderers differ in how they escape it in code.

    `reconciler.schema.markdown_table` escapes the pipes of the project's own pages.
    """
    return markdown.replace("|", "\\u007c")


def prose(text: str, limit: int = SENTENCE_LIMIT) -> str:
    """Escape a sentence: words that renderers could interpret are put in code spans.

    Must not be at the start of a line, where a number and a dot make a list.
    """
    parts: list[str] = []
    odd: list[str] = []
    for word in [*_TOKEN.findall(shortened(text, limit)), ""]:
        quoted = _QUOTED.match(word)
        is_argument = word.startswith("'") and bool(odd) and odd[-1].startswith("--")
        if quoted is None and word and (is_argument or _WORD.match(word) is None or _LINKED.search(word)):
            odd.append(word)
            continue
        if odd:
            together = " ".join(odd)
            inner = together.rstrip(",.;:") or together  # punctuation after a clause belongs to the sentence
            parts.append(code(inner, limit) + together[len(inner) :])
            odd = []
        parts.append(code(quoted[1], limit) + quoted[2] if quoted else word)
    return " ".join(part for part in parts if part) or "` `"


def html_code(text: str, limit: int = CODE_LIMIT) -> str:
    """Put a text in a code element of our own HTML."""
    return f"<code>{html_escape(shortened(text, limit))}</code>"


def fence(language: str, lines: Iterable[str]) -> str:
    """Put escaped lines in a fence that none of them can close."""
    body = [line if len(line) <= LINE_LIMIT else f"{line[: LINE_LIMIT - 1]}…" for line in lines]
    longest = max((len(run) for line in body for run in _TICKS.findall(line)), default=0)
    ticks = "`" * max(3, longest + 1)
    return "\n".join([ticks + language, *body, ticks])


@dataclass(frozen=True, slots=True)
class Repository:
    """Where the configuration is on the web.

    Attributes:
        url: the URL of the repository, without a slash at its end.
        ref: the commit.
        folder: the folder that file names are relative to; empty for the root.
    """

    url: str
    ref: str
    folder: str = ""

    @classmethod
    def of(cls, server: str, name: str, ref: str, folder: str = "") -> Repository | None:
        """Return the repository, or None if a part is missing or malformed."""
        is_one = (
            re.fullmatch(r"https?://[A-Za-z0-9.-]+(?::\d+)?", server.rstrip("/"))
            and re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*/[A-Za-z0-9._-]*[A-Za-z0-9_-]", name)
            and re.fullmatch(r"[0-9a-f]{40,64}", ref)
        )
        return cls(f"{server.rstrip('/')}/{name}", ref, folder) if is_one else None

    def link(self, file: str, line: int) -> str:
        """Return the URL of a line; empty for a file outside the repository."""
        path = normpath(f"{self.folder}/{file}" if self.folder else file)
        # A colon: a file at another commit, REF:PATH.
        outside = ":" in file or file.startswith("/") or path.startswith(("/", "../")) or path in {".", ".."}
        if not file or outside or len(path) > CODE_LIMIT:
            return ""
        anchor = f"#L{line}" if line else ""
        return f"{self.url}/blob/{self.ref}/{quote(path, safe='/', errors='replace')}{anchor}"


@dataclass(slots=True)
class Room:
    """The space that is left.

    Attributes:
        left: the number of bytes.
    """

    left: int

    def take(self, items: Iterable[str], *, at_most: int, spare: int = 120) -> list[str]:
        """Take as many of the first items as fit.

        Args:
            items: the items, which are generated only as far as they fit.
            at_most: the space that they may take together.
            spare: the space to leave for the count of the others.
        """
        allowed = min(at_most, self.left) - spare
        taken: list[str] = []
        for item in items:
            needed = size(item) + 1
            if needed > allowed:
                break
            allowed -= needed
            self.left -= needed
            taken.append(item)
        return taken

    def titled(self, title: str, items: Iterable[str], number: int, *, at_most: int) -> list[str]:
        """Take a title, as many items as fit, and the count of the others; nothing if there are no items.

        Args:
            title: the title, one line.
            items: the items; see `take`.
            number: the number of all items.
            at_most: the space that they may take together.
        """
        if not number:
            return []
        self.left -= size(title) + 4
        taken = self.take(items, at_most=at_most)
        if len(taken) < number:
            taken.append(f"- … {number - len(taken):,} more")
        return [title, "\n".join(taken)]
