"""How the configuration asks for text: the protocol, its error, and the rules for paths and globs.

Takes paths relative to the root file's folder, with forward slashes; gives bytes and names. Nothing here touches a
disk: `reconciler.sources.disk` does that for real, and tests do it from a dictionary.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from reconciler.config import globs


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
        """The names below the root's folder whose relative path fits the pattern, sorted.

        A name that fits and cannot be read (a link to nothing, a pipe) is among them, so that `read` reports it: a
        pattern never leaves out what somebody put there. The same holds for a folder that is named like a YAML file.

        Raises:
            SourceError: a folder cannot be listed, or the pattern leads through a link to a folder, which no pattern
                follows, to files that it does not match otherwise.
        """
        ...

    def identity(self, path: str) -> Hashable:
        """What all names of one file have in common, by links as well; the path itself if the file cannot be found."""
        ...

    def environment(self, name: str) -> str | None:
        """An environment variable, or None when it is not set."""
        ...


def readable(path: str) -> str:
    """A path as text: bytes of a file's name that are no UTF-8 are spelled out, since nothing else can hold them."""
    try:
        data = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a character, which no file's name holds
        data = path.encode("utf-8", "backslashreplace")
    return data.decode("utf-8", "backslashreplace")


def beside(path: str, other: str) -> str | None:
    """The second path as seen from the file of the first, both relative to the root's folder.

    Returns:
        The path, or None when it is absolute or leads out of the root's folder.
    """
    if other.startswith("/") or "\0" in other or re.match(r"[A-Za-z]:[\\/]", other):
        return None
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(path), other))
    return None if joined == ".." or joined.startswith("../") else joined


def fixed_part(pattern: str) -> str:
    """The path of the folder, without wildcards, in which every file that a pattern matches lies."""
    fixed = []
    for segment in pattern.split("/"):
        if globs.is_glob(segment):
            break
        fixed.append(globs.literal(segment))
    return "/".join(fixed)


def select(pattern: str, paths: Iterable[str]) -> list[str]:
    """Those of the paths that fit the pattern, sorted.

    Each segment is a glob (`reconciler.config.globs`), so wildcards do not cross ``/``; they skip names that begin
    with a dot. A segment ``**`` matches any number of folders.
    """
    segments = pattern.split("/")
    forms = [None if segment == "**" else _Segment(segment) for segment in segments]
    return sorted(path for path in paths if _fits(forms, path.split("/")))


def looks_like_yaml(name: str) -> bool:
    """Whether a name ends as those of YAML files do."""
    return name.lower().endswith((".yaml", ".yml"))


class Behind(NamedTuple):
    """What is behind a link.

    Attributes:
        folder: the folder that it leads to, relative to the root's folder; None if it leads out of that.
        gone: the target as the link names it, where it does not exist; empty where it does.
    """

    folder: str | None
    gone: str = ""


def check_folder_links(
    pattern: str,
    matched: Iterable[str],
    links: Mapping[str, Behind],
    files_below: Callable[[str], Iterable[str]],
) -> None:
    """Refuse a pattern that would match files only through a link to a folder.

    Patterns do not follow such links, which may lead in circles, so these files would be left out silently. The files
    behind a link to a folder that does not exist would be, too.

    Args:
        pattern: the pattern.
        matched: what it matches without them.
        links: what is behind each link that leads to a folder, or to nothing. One to a folder that contains it is a
            circle, behind which nothing is meant to be.
        files_below: the files below a folder, with their paths.

    Raises:
        SourceError: it would.
    """
    found = set(matched)
    segments = pattern.split("/")
    forms = [None if segment == "**" else _Segment(segment) for segment in segments]
    for link, (target, gone) in sorted(links.items()):
        is_circle = target is not None and (not target or link.startswith(f"{target}/"))
        if is_circle or not _enters(forms, link.split("/")):
            continue
        if gone:
            raise SourceError(
                f"{readable(link)} is a link to {readable(gone)}, which does not exist",
                "restore the target, or remove the link",
            )
        if target is None:
            raise SourceError(
                f"{readable(link)} leads out of the root file's folder",
                "move the folder into that folder; links must not leave it",
            )
        for file in files_below(target):
            through = f"{link}/{file.removeprefix(target).lstrip('/')}"
            if file not in found and _fits(forms, through.split("/")):
                raise SourceError(
                    f"{readable(through)} lies behind a link to a folder, and patterns do not follow those",
                    f"include {readable(file)}, or write the path without wildcards",
                )


def _enters(forms: Sequence[_Segment | None], parts: Sequence[str]) -> bool:
    """Whether a pattern may match anything below a folder."""
    for end in range(len(forms) + 1):
        if _fits(forms[:end], parts) and end < len(forms):
            return True
        if end and forms[end - 1] is None and _fits(forms[:end], parts):
            return True
    return False


def _fits(forms: Sequence[_Segment | None], parts: Sequence[str]) -> bool:
    """Whether a path's parts fit a pattern's, of which None stands for any number of folders.

    Every place in the pattern that can be reached is kept, so that no pattern costs more than its length times the
    path's.
    """
    end = len(forms)
    reached = _with_none(forms, {0})
    for part in parts:
        following: set[int] = set()
        for place in reached:
            if place == end:
                continue
            form = forms[place]
            if form is None:
                if not part.startswith("."):
                    following |= {place} if place < end - 1 else {place, end}
            elif form.fits(part):
                following.add(place + 1)
        reached = _with_none(forms, following)
    return end in reached


def _with_none(forms: Sequence[_Segment | None], reached: set[int]) -> set[int]:
    """The places that are reached when folders may be none at all; at its end a pattern wants a name."""
    found = set(reached)
    for place in range(min(reached, default=len(forms)), len(forms) - 1):
        if place in found and forms[place] is None:
            found.add(place + 1)
    return found


class _Segment(NamedTuple):
    """A glob for one name in a path."""

    pattern: str

    def fits(self, name: str) -> bool:
        takes_hidden = self.pattern.startswith(".")
        return (takes_hidden or not name.startswith(".")) and globs.matches(self.pattern, name)
