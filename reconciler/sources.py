"""Files and environment variables for real: the `Sources` of a command that runs on somebody's disk.

Takes the path that a person gave; gives the bytes of files in the root file's folder and below, and refuses whatever
lies outside, by a link as well. Writes nothing and knows nothing of YAML.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path

from reconciler.config.sources import SourceError, check_folder_links, fixed_part, looks_like_yaml, readable, select

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
            raise _dangling(file, shown) or self._missing(path, shown) from None
        except PermissionError:
            raise SourceError(f"{shown} may not be read by this user", "give yourself the right to read it") from None
        except (OSError, RuntimeError, ValueError) as error:
            if path != self._root_name and _leads_in_a_circle(file):
                raise SourceError(f"{shown} is a link that leads back to itself", "remove the link") from None
            # ValueError: a NUL in the path.
            reason = getattr(error, "strerror", None) or "its path is malformed"
            raise SourceError(f"{shown} cannot be read: {reason}") from None

    def glob(self, pattern: str) -> Sequence[str]:
        """The files that fit a pattern; see `reconciler.config.sources.Sources.glob`."""
        fixed, segments = fixed_part(pattern), pattern.split("/")
        depth = None if "**" in segments else len(segments) - (len(fixed.split("/")) if fixed else 0)
        links: dict[str, str | None] = {}
        found = select(pattern, _names(fixed, self._folder, depth, links))
        if links:
            check_folder_links(pattern, found, links, lambda folder: _names(folder, self._folder, depth, {}))
        return found

    def identity(self, path: str) -> Hashable:
        """The file itself, however it is named; see `reconciler.config.sources.Sources.identity`."""
        try:
            found = (self._folder / path).stat()
        except (OSError, ValueError):
            return path
        return (found.st_dev, found.st_ino)

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


def _dangling(file: Path, shown: str) -> SourceError | None:
    """What to say of a link whose target does not exist; None for anything else."""
    if not _is_link(file):
        return None
    target = readable(str(file.readlink()))
    return SourceError(f"{shown} is a link to {target}, which does not exist", "restore the target, or remove the link")


def _leads_in_a_circle(file: Path) -> bool:
    try:
        file.stat()
    except RuntimeError:
        return True
    except (OSError, ValueError) as error:
        return getattr(error, "errno", None) == errno.ELOOP
    return False


def _is_link(file: Path) -> bool:
    try:
        return file.is_symlink()
    except (OSError, ValueError):
        return False


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


def _names(prefix: str, folder: Path, depth: int | None, links: dict[str, str | None]) -> Iterator[str]:
    """Whatever is below a folder, as deep as a pattern may look, but for folders and what is hidden.

    Args:
        prefix: the folder, relative to the root's.
        folder: the root's folder.
        depth: how deep to look; None for all of it.
        links: takes the links to folders, which are not followed, and where they lead.

    Raises:
        SourceError: a folder cannot be listed.
    """
    try:
        entries = sorted(os.scandir(folder / prefix), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return
    except OSError as error:
        shown = readable((folder / prefix).as_posix())
        reason = error.strerror or "it is no folder"
        raise SourceError(
            f"the folder {shown} cannot be listed: {reason}", "give yourself the right to read it"
        ) from None
    for entry in entries:
        path = f"{prefix}/{entry.name}" if prefix else entry.name
        is_hidden = entry.name.startswith(".")
        if _is_dir(entry, follow_symlinks=False):
            if looks_like_yaml(entry.name):
                yield path
            if not is_hidden and (depth is None or depth > 1):
                yield from _names(path, folder, None if depth is None else depth - 1, links)
        elif _is_dir(entry, follow_symlinks=True):
            if not is_hidden and (depth is None or depth > 1):
                links[path] = _inside(folder / path, folder)
            if looks_like_yaml(entry.name):
                yield path
        else:
            yield path


def _is_dir(entry: os.DirEntry[str], *, follow_symlinks: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=follow_symlinks)
    except OSError:  # a link in a circle
        return False


def _inside(path: Path, folder: Path) -> str | None:
    """A path without links, relative to the root's folder; None if it is not in there."""
    try:
        target = path.resolve(strict=True).relative_to(folder.resolve()).as_posix()
    except (OSError, RuntimeError, ValueError):
        return None
    return "" if target == "." else target
