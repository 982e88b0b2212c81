"""Files and environment variables for real: the `Sources` of a command that runs on somebody's disk.

Takes the path that a person gave; gives the bytes of files in the root file's folder and below, and refuses whatever
lies outside, by a link as well. Writes nothing and knows nothing of YAML.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from reconciler.config.sources import SourceError, fixed_part, readable, select

ROOT_NAME = "reconciler.yaml"
LARGEST = 10_000_000
"""The most bytes that a file may have."""
_CAREFULLY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Not through a link, and without waiting; not every system has these."""


class DiskSources:
    """Files on a disk.

    Nothing is read before it is asked for, so a path that leads nowhere is told by `read`, like any other file that
    cannot be read.

    Args:
        path: the root file, or a folder that holds `ROOT_NAME`.
        env: the environment variables.
    """

    def __init__(self, path: str = ".", env: Mapping[str, str] | None = None) -> None:
        self._env = os.environ if env is None else env
        given = Path(path)
        self._is_folder = _is_folder(given)
        root = given / ROOT_NAME if self._is_folder else given
        self._root_name = root.name
        self._folder = root.parent
        self.root = root.as_posix()

    def environment(self, name: str) -> str | None:
        """An environment variable, or None when it is not set."""
        return self._env.get(name)

    def relative(self, path: str) -> str:
        """A path as typed on the command line, seen from the root file's folder; for overlays."""
        return Path(os.path.relpath(path, self._folder)).as_posix()

    def read(self, path: str) -> bytes:
        """The bytes of one file; see `reconciler.config.sources.Sources.read`."""
        file = self._folder / path
        shown = readable(file.as_posix())
        try:
            target = file.resolve(strict=True)
            # The root file itself may be a link; what it includes is still looked for beside the link.
            if path != self._root_name and not target.is_relative_to(self._folder.resolve()):
                raise SourceError(
                    f"{shown} leads out of the root file's folder",
                    "put the file into that folder; links may not leave it either",
                )
            if path != self._root_name and _is_hidden(target, self._folder.resolve()):
                # Whoever may propose a change to the files could else have a plan show what .git or .env hold.
                raise SourceError(f"{shown} is hidden, and hidden files are not read", "give it a name without a dot")
            return _read(target, shown)
        except FileNotFoundError:
            raise self._missing(path, shown) from None
        except PermissionError:
            raise SourceError(f"{shown} may not be read by this user", "give yourself the right to read it") from None
        except (OSError, RuntimeError, ValueError) as error:
            # RuntimeError: links in a circle; ValueError: a NUL in the path.
            reason = getattr(error, "strerror", None) or "its path is malformed"
            raise SourceError(f"{shown} cannot be read: {reason}") from None

    def glob(self, pattern: str) -> Sequence[str]:
        """The files that fit a pattern; see `reconciler.config.sources.Sources.glob`."""
        fixed, segments = fixed_part(pattern), pattern.split("/")
        depth = None if "**" in segments else len(segments) - (len(fixed.split("/")) if fixed else 0)
        return select(pattern, _files(fixed, self._folder, depth))

    def _missing(self, path: str, shown: str) -> SourceError:
        if path != self._root_name:
            return SourceError(
                f"{shown} does not exist", "check the name; it is relative to the file that names it", missing=True
            )
        if not self._is_folder:
            return SourceError(
                f"{shown} does not exist", f"name a file, or a folder that holds {ROOT_NAME}", missing=True
            )
        folder = self._folder.as_posix()
        names = sorted(item.name for item in self._folder.iterdir())
        if not names:
            hint = f"write {ROOT_NAME} there; its first line is version: 1"
            return SourceError(f"the folder {folder} is empty", hint, missing=True)
        others = [name for name in names if name.endswith((".yaml", ".yml"))]
        hint = f"name the file: {(self._folder / others[0]).as_posix()}" if others else "name the folder that holds it"
        return SourceError(f"the folder {folder} holds no {ROOT_NAME}", hint, missing=True)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _is_hidden(target: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in target.relative_to(folder).parts)


def _read(target: Path, shown: str) -> bytes:
    # Asked before it is opened, which alone may do something to a device, and once more of what is open then: it cannot
    # have become a link, a pipe or another file in between.
    before = target.stat()
    _check_ordinary(before, shown)
    descriptor = os.open(target, os.O_RDONLY | _CAREFULLY)
    try:
        opened = os.fstat(descriptor)
        _check_ordinary(opened, shown)
        if not os.path.samestat(before, opened) or target.resolve(strict=True) != target:
            raise SourceError(f"{shown} was exchanged while it was read", "run the command again")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(LARGEST + 1)
    finally:
        os.close(descriptor)
    if len(data) > LARGEST:
        raise SourceError(f"{shown} is larger than {LARGEST // 1_000_000} MB", "split it, and include the parts")
    return data


def _check_ordinary(found: os.stat_result, shown: str) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise SourceError(f"{shown} is a folder", "name a file")
    if not stat.S_ISREG(found.st_mode):
        raise SourceError(f"{shown} is no ordinary file", "name a file")


def _files(prefix: str, folder: Path, depth: int | None) -> Iterator[str]:
    """The files below a folder as deep as a pattern may look, hidden folders and links to folders left alone."""
    try:
        entries = list(os.scandir(folder / prefix))
    except (OSError, ValueError):
        return
    for entry in entries:
        path = f"{prefix}/{entry.name}" if prefix else entry.name
        try:
            if entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith(".") and (depth is None or depth > 1):
                    yield from _files(path, folder, None if depth is None else depth - 1)
            elif entry.is_file():
                yield path
        except OSError:
            continue
