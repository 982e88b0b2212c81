"""What Markdown needs: hostile text made harmless for GitHub's and GitLab's renderers, and room that is counted.

Takes and gives plain strings. Escaping punctuation is not enough here: mentions, references to issues and bare links
are found in the text that is left after entities and backslashes have been taken away. They are not looked for in code,
so whatever is not plainly a word stands in a code span or in a fence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape as html_escape
from posixpath import normpath
from urllib.parse import quote

from reconciler.render.terminal import escape

LINE_LIMIT = 300
"""Over this many characters one line of a fence is cut."""
SENTENCE_LIMIT = 500
CODE_LIMIT = 160

_TICKS = re.compile("`+")
# A word that no renderer takes for anything else: letters and digits, in the company of ordinary punctuation.
_WORD = re.compile(r"[(\"'“‘]*[^\W_]+(?:['’.+-][^\W_]+)*[)\"'”’.,;:?!…]*\Z|[-–—·…→+]\Z")
# Words that look ordinary and are linked nevertheless: hosts, commits, GH-12 and other trackers' keys.
_LINKED = re.compile(r"www\.|\b[0-9a-f]{7,}\b|[^\W_]+-\d", re.IGNORECASE)


def size(text: str) -> int:
    """How much room a text takes: bytes, of which there are never fewer than characters, however they are counted."""
    return len(text.encode("utf-8", "replace"))


def shortened(text: str, limit: int) -> str:
    """A text on one line without anything invisible, cut with an ellipsis."""
    shown = escape(text[: limit + 1])
    return shown if len(shown) <= limit and len(text) <= limit else f"{shown[: limit - 1]}…"


def code(text: str, limit: int = CODE_LIMIT) -> str:
    """A text as a code span, in which nothing is looked for. In a table, `cell` is needed besides."""
    shown = shortened(text, limit).strip(" ")
    if not shown:
        return "` `"
    ticks = "`" * (max((len(run) for run in _TICKS.findall(shown)), default=0) + 1)
    pad = " " if shown[0] == "`" or shown[-1] == "`" else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def cell(markdown: str) -> str:
    r"""A cell of a table: a bar becomes ``\u007c``, since renderers differ in how a bar in a code span is escaped."""
    return markdown.replace("|", "\\u007c")


def prose(text: str, limit: int = SENTENCE_LIMIT) -> str:
    """A sentence, with code spans around runs of words that could be taken for more than words.

    Never stands at the start of a line: there a number and a dot are a list.
    """
    parts: list[str] = []
    odd: list[str] = []
    for word in [*shortened(text, limit).split(), ""]:
        if word and (_WORD.match(word) is None or _LINKED.search(word)):
            odd.append(word)
            continue
        if odd:
            together = " ".join(odd)
            inner = together.rstrip(",.;:") or together  # what ends a clause belongs to the sentence
            parts.append(code(inner, limit) + together[len(inner) :])
            odd = []
        parts.append(word)
    return " ".join(part for part in parts if part) or "` `"


def html_code(text: str, limit: int = CODE_LIMIT) -> str:
    """A text as code within HTML of ours."""
    return f"<code>{html_escape(shortened(text, limit))}</code>"


def fence(language: str, lines: Iterable[str]) -> str:
    """Escaped lines as a fenced block that none of them can close."""
    body = [line if len(line) <= LINE_LIMIT else f"{line[: LINE_LIMIT - 1]}…" for line in lines]
    longest = max((len(run) for line in body for run in _TICKS.findall(line)), default=0)
    ticks = "`" * max(3, longest + 1)
    return "\n".join([ticks + language, *body, ticks])


@dataclass(frozen=True, slots=True)
class Repository:
    """Where the files can be looked at on the web.

    Attributes:
        url: of the repository, without a slash at its end.
        ref: the commit.
        folder: where in the repository the names of files start; empty for its root.
    """

    url: str
    ref: str
    folder: str = ""

    @classmethod
    def of(cls, server: str, name: str, ref: str, folder: str = "") -> Repository | None:
        """The repository, or None when a part is missing or is not what it should be."""
        is_one = (
            re.fullmatch(r"https?://[A-Za-z0-9.-]+(?::\d+)?", server.rstrip("/"))
            and re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*/[A-Za-z0-9._-]*[A-Za-z0-9_-]", name)
            and re.fullmatch(r"[0-9a-f]{40,64}", ref)
        )
        return cls(f"{server.rstrip('/')}/{name}", ref, folder) if is_one else None

    def link(self, file: str, line: int) -> str:
        """The URL of a line; empty for a file outside of the repository."""
        path = normpath(f"{self.folder}/{file}" if self.folder else file)
        # A colon: a file at another commit, REF:PATH.
        outside = ":" in file or file.startswith("/") or path.startswith(("/", "../")) or path in {".", ".."}
        if not file or outside or len(path) > CODE_LIMIT:
            return ""
        anchor = f"#L{line}" if line else ""
        return f"{self.url}/blob/{self.ref}/{quote(path, safe='/', errors='replace')}{anchor}"


@dataclass(slots=True)
class Room:
    """Characters that are left.

    Attributes:
        left: how many.
    """

    left: int

    def take(self, items: Iterable[str], *, at_most: int, spare: int = 120) -> list[str]:
        """As many items, from the first, as there is room for.

        Args:
            items: made one by one, and no further than they fit.
            at_most: how much of the room they may take together.
            spare: what to leave for saying what is missing.
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
        """A title and as many items below it as there is room for, and how many did not fit; nothing of none.

        Args:
            title: a line.
            items: as `take` wants them.
            number: how many there are.
            at_most: how much of the room they may take together.
        """
        if not number:
            return []
        self.left -= size(title) + 4
        taken = self.take(items, at_most=at_most)
        if len(taken) < number:
            taken.append(f"- … {number - len(taken):,} more")
        return [title, "\n".join(taken)]
