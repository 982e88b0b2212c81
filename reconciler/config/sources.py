"""The `Sources` protocol: how a configuration reads files, with the rules for paths and patterns.

Takes paths relative to the root file's folder, with forward slashes; returns bytes and names. No I/O:
`reconciler.sources` implements the protocol.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from reconciler.config import globs


class SourceError(Exception):
    """A file cannot be read. It becomes a problem at the place that refers to the file.

    Args:
        message: What is wrong, with the name of the file.
        hint: How to fix it; empty if the message already does.
        missing: Whether the file does not exist, so that a default may replace it.
    """

    def __init__(self, message: str, hint: str = "", *, missing: bool = False) -> None:
        self.message = message
        self.hint = hint
        self.missing = missing
        super().__init__(message)


class Sources(Protocol):
    """Files and environment variables.

    Attributes:
        root: The root file's path as shown to users.
    """

    @property
    def root(self) -> str:
        """The root file's path as shown to users."""
        ...

    def read(self, path: str) -> bytes:
        """Return the bytes of a file.

        Args:
            path: The path relative to the root file's folder.

        Raises:
            SourceError: The file is missing, a folder, outside of the root file's folder (also by a link), too large,
                or unreadable.
        """
        ...

    def glob(self, pattern: str) -> Sequence[str]:
        """Return the names below the root file's folder that match a pattern, sorted.

        A name that matches and cannot be read (a dangling link, a pipe) is included, so that `read` reports it: a
        pattern never skips a file silently. The same applies to a folder that is named like a YAML file.

        Raises:
            SourceError: A folder cannot be listed, or the pattern leads through a link to a folder, which patterns do
                not follow, to files that it does not match otherwise.
        """
        ...

    def identity(self, path: str) -> Hashable:
        """Return a value that all names of one file share, links included; the path itself if there is no such file."""
        ...

    def environment(self, name: str) -> str | None:
        """Return an environment variable, or None if it is not set."""
        ...


def display_path(path: str) -> str:
    """Return a path as text. Bytes that are not UTF-8 are escaped, since text cannot hold them otherwise."""
    try:
        data = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a surrogate pair, which no file name contains
        data = path.encode("utf-8", "backslashreplace")
    return data.decode("utf-8", "backslashreplace")


def resolve_path(path: str, other: str) -> str | None:
    """Resolve a path relative to another file; both are relative to the root file's folder.

    Returns:
        The path, or None if it is absolute or leads out of the root file's folder.
    """
    if other.startswith("/") or "\0" in other or re.match(r"[A-Za-z]:[\\/]", other):
        return None
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(path), other))
    return None if joined == ".." or joined.startswith("../") else joined


def fixed_part(pattern: str) -> str:
    """Return the path of the folder, without wildcards, that contains every file that a pattern matches."""
    fixed = []
    for segment in pattern.split("/"):
        if globs.is_glob(segment):
            break
        fixed.append(globs.literal(segment))
    return "/".join(fixed)


def select(pattern: str, paths: Iterable[str]) -> list[str]:
    """Return the paths that match a pattern, sorted.

    Each segment is a glob (`reconciler.config.globs`), so wildcards do not cross ``/``. They skip names that start with
    a dot. A segment ``**`` matches any number of folders.
    """
    segments = pattern.split("/")
    forms = [None if segment == "**" else _Segment(segment) for segment in segments]
    return sorted(path for path in paths if _fits(forms, path.split("/")))


def looks_like_yaml(name: str) -> bool:
    """Whether a name has the suffix of a YAML file."""
    return name.lower().endswith((".yaml", ".yml"))


class LinkTarget(NamedTuple):
    """The target of a link.

    Attributes:
        folder: The folder that it leads to, relative to the root file's folder; None if that is outside.
        missing_target: The target as the link names it, if it does not exist; empty otherwise.
    """

    folder: str | None
    missing_target: str = ""


def check_folder_links(
    pattern: str,
    matched: Iterable[str],
    links: Mapping[str, LinkTarget],
    files_below: Callable[[str], Iterable[str]],
) -> None:
    """Refuse a pattern that would match files only through a link to a folder.

    Patterns do not follow such links, which may form cycles, so these files would be skipped silently. The same holds
    for files behind a dangling link to a folder.

    Args:
        pattern: The pattern.
        matched: The files that it matches without them.
        links: The target of each link that leads to a folder or nowhere. A link to a folder that contains it is a
            cycle, and has nothing of its own behind it.
        files_below: Returns the files below a folder, with their paths.

    Raises:
        SourceError: The pattern would match such files.
    """
    found = set(matched)
    segments = pattern.split("/")
    forms = [None if segment == "**" else _Segment(segment) for segment in segments]
    for link, (target, missing_target) in sorted(links.items()):
        is_circle = target is not None and (not target or link.startswith(f"{target}/"))
        if is_circle or not _enters(forms, link.split("/")):
            continue
        if missing_target:
            raise SourceError(
                f"{display_path(link)} is a link to {display_path(missing_target)}, which does not exist",
                "restore the target, or remove the link",
            )
        if target is None:
            raise SourceError(
                f"{display_path(link)} leads out of the root file's folder",
                "move the folder into that folder; links must not leave it",
            )
        for file in files_below(target):
            through = f"{link}/{file.removeprefix(target).lstrip('/')}"
            if file not in found and _fits(forms, through.split("/")):
                raise SourceError(
                    f"{display_path(through)} lies behind a link to a folder, and patterns do not follow those",
                    f"include {display_path(file)}, or write the path without wildcards",
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
    """Whether the parts of a path match those of a pattern, where None stands for any number of folders.

    Tracks every position in the pattern that can be reached, so that the cost is at most the product of both lengths.
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
    """Add the positions that are reached if ``**`` matches no folder. A pattern must end with a name."""
    found = set(reached)
    for place in range(min(reached, default=len(forms)), len(forms) - 1):
        if place in found and forms[place] is None:
            found.add(place + 1)
    return found


class _Segment(NamedTuple):
    """The glob of one path segment."""

    pattern: str

    def fits(self, name: str) -> bool:
        takes_hidden = self.pattern.startswith(".")
        return (takes_hidden or not name.startswith(".")) and globs.matches(self.pattern, name)
