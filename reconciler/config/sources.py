"""How the configuration asks for text: the protocol, its error, and the rules for paths and globs.

Takes paths relative to the root file's folder, with forward slashes; gives bytes and names. Nothing here touches a
disk: `reconciler.sources` does that for real, and tests do it from a dictionary.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Protocol

WILDCARDS = frozenset("*?[")


class SourceError(Exception):
    """A file cannot be read; becomes a problem with the place that asked for it.

    Args:
        message: one sentence that says what is wrong, naming the file.
        hint: what to do; empty when the message says it.
        missing: whether there simply is no such file, so that a default may take its place.
    """

    def __init__(self, message: str, hint: str = "", *, missing: bool = False) -> None:
        self.message = message
        self.hint = hint
        self.missing = missing
        super().__init__(message)


class Sources(Protocol):
    """Where text comes from.

    Attributes:
        root: the root file's path as people are shown it.
    """

    @property
    def root(self) -> str:
        """The root file's path as people are shown it."""
        ...

    def read(self, path: str) -> bytes:
        """The bytes of one file.

        Args:
            path: relative to the root file's folder.

        Raises:
            SourceError: when it is missing, a folder, outside of the root's folder (by a link as well), too large or
                unreadable.
        """
        ...

    def glob(self, pattern: str) -> Sequence[str]:
        """The files below the root's folder whose relative path fits the pattern, sorted."""
        ...

    def environment(self, name: str) -> str | None:
        """An environment variable, or None when it is not set."""
        ...


def is_pattern(path: str) -> bool:
    """Whether a path holds wildcards."""
    return not WILDCARDS.isdisjoint(path)


def beside(path: str, other: str) -> str | None:
    """The second path as seen from the file of the first, both relative to the root's folder.

    Returns:
        The path, or None when it is absolute or leads out of the root's folder.
    """
    if other.startswith("/") or "\0" in other or re.match(r"[A-Za-z]:[\\/]", other):
        return None
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(path), other))
    return None if joined == ".." or joined.startswith("../") else joined


def select(pattern: str, paths: Iterable[str]) -> list[str]:
    """Those of the paths that fit the pattern, sorted.

    ``*`` and ``?`` stay within a folder and skip names that begin with a dot, ``**`` stands for any number of folders.
    """
    form = _compiled(pattern)
    return sorted(path for path in paths if form.match(path))


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts: list[str] = []
    segments = pattern.split("/")
    for index, segment in enumerate(segments):
        is_last = index == len(segments) - 1
        if segment == "**":
            parts.append(r"(?:(?!\.)[^/]+/)*" + (r"(?!\.)[^/]+" if is_last else ""))
        else:
            parts.append(_segment(segment) + ("" if is_last else "/"))
    return re.compile("".join(parts) + r"\Z")


def _segment(segment: str) -> str:
    text = r"(?!\.)" if segment[:1] in WILDCARDS and segment else ""
    position = 0
    while position < len(segment):
        char = segment[position]
        position += 1
        # Runs of stars are one star: otherwise a hostile pattern costs exponential time.
        if char == "*":
            if not text.endswith("[^/]*"):
                text += "[^/]*"
        elif char == "?":
            text += "[^/]"
        elif char == "[" and (end := segment.find("]", position + 1)) > 0:
            body = segment[position:end].replace("\\", r"\\").replace("[", r"\[").replace("^", r"\^")
            negated = body.startswith("!")
            text += f"[^/{body[1:]}]" if negated else f"[{body}]"
            position = end + 1
        else:
            text += re.escape(char)
    return text
