"""Finds the owners of files in the text of a CODEOWNERS file.

Takes its text and paths from the top of the repository; returns owners. The last matching line decides. A line with a
pattern that CODEOWNERS does not support is skipped (negation, character ranges: GitHub docs, "About code owners").
Does no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from reconciler.lazy_dataclass import dataclass

_COMMENT = re.compile(r"(?:^|(?<=\s))#.*")
_WORD = re.compile(r"(?:\\.|[^\s\\])+")
_ESCAPED = re.compile(r"\\(.)")
_ANY_DEPTH = "**"


@dataclass(frozen=True, slots=True)
class _Rule:
    """A line: the segments of its pattern, and its owners."""

    segments: tuple[str, ...]
    owners: tuple[str, ...]


class CodeOwners:
    """The owners that a CODEOWNERS file names.

    Args:
        text: The text of the file.
    """

    def __init__(self, text: str) -> None:
        self._rules = tuple(_rules(text))
        self._known: dict[str, tuple[str, ...]] = {}

    def of(self, path: str) -> tuple[str, ...]:
        """Return the owners of a file, by its path from the top of the repository; none if the line names none."""
        if path not in self._known:
            parts = tuple(path.split("/"))
            found = (rule.owners for rule in reversed(self._rules) if _matches(rule.segments, parts))
            self._known[path] = next(found, ())
        return self._known[path]


def _rules(text: str) -> Iterator[_Rule]:
    for line in text.splitlines():
        words = _WORD.findall(_COMMENT.sub("", line))
        if words and not words[0].startswith(("!", "^[")) and "[" not in words[0]:
            yield _Rule(_segments(_ESCAPED.sub(r"\1", words[0])), tuple(words[1:]))


def _segments(pattern: str) -> tuple[str, ...]:
    """Split a pattern; without a slash before its end, it matches at any depth."""
    inner = pattern.strip("/")
    parts = [part for part in inner.split("/") if part]
    if not pattern.startswith("/") and "/" not in inner:
        parts.insert(0, _ANY_DEPTH)
    if pattern.endswith("/"):
        parts.append(_ANY_DEPTH)
    kept = [part for number, part in enumerate(parts) if part != _ANY_DEPTH or parts[number - 1 : number] != [part]]
    return tuple(kept)


def _matches(segments: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    """Whether a pattern matches a path or one of its folders."""
    match segments:
        case ():
            return True
        case ("**",):
            return bool(parts)  # what is in a folder, and not the folder itself
        case ("**", *rest):
            return any(_matches(tuple(rest), parts[start:]) for start in range(len(parts)))
        case ("*",):
            return len(parts) == 1  # `docs/*` does not match `docs/build/file` (GitHub docs, "About code owners")
        case (first, *rest):
            return bool(parts) and fnmatchcase(parts[0], first) and _matches(tuple(rest), parts[1:])
    return False
