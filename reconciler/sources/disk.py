"""Files on disk, and environment variables: the `Sources` of ordinary commands.

Takes the path that the user gave; returns the bytes of files in the root file's folder and below, and refuses
everything outside, links included. Writes nothing. Does not parse YAML.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shlex
import stat
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path

from reconciler.config.lookalike import did_you_mean
from reconciler.config.sources import (
    LinkTarget,
    SourceError,
    check_folder_links,
    display_path,
    fixed_part,
    looks_like_yaml,
    select,
)
from reconciler.sources.near_files import near_file

ROOT_NAME = "reconciler.yaml"
_MOST_ABOVE = 20
_MOST_LOOKED_AT = 100_000
"""The number of parent folders, and of bytes of a file, that are searched to suggest another root file."""
LARGEST = 10_000_000
"""The maximum size of a file in bytes."""
_CAREFULLY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Flags to open a file without following a link and without blocking; not every system has these."""


class DiskSources:
    """Files on disk.

    Nothing is read before it is asked for, so `read` reports an invalid path like any unreadable file.

    Args:
        path: The root file, or a folder that contains `ROOT_NAME`.
        env: The environment variables.
        most_bytes: How many bytes of files to read in all; one that exceeds that counts as unreadable.
            None for no limit.
    """

    def __init__(self, path: str = ".", env: Mapping[str, str] | None = None, *, most_bytes: int | None = None) -> None:
        self._env = os.environ if env is None else env
        self._bytes_left = most_bytes
        given = Path(path)
        self._is_folder = _is_folder(given)
        root = given / ROOT_NAME if self._is_folder else given
        self._root_name = root.name
        self._folder = root.parent
        self.root = root.as_posix()

    def environment(self, name: str) -> str | None:
        """Return an environment variable, or None if it is not set."""
        return self._env.get(name)

    def relative(self, path: str) -> str:
        """Return a path of the command line relative to the root file's folder; for overlays."""
        return Path(os.path.relpath(path, self._folder)).as_posix()

    def read(self, path: str) -> bytes:
        """Return the bytes of a file; see `reconciler.config.sources.Sources.read`."""
        file = self._folder / path
        shown = display_path(file.as_posix())
        try:
            target = file.resolve(strict=True)
            # The root file itself may be a link; its includes are still relative to the link.
            if path != self._root_name and not target.is_relative_to(self._folder.resolve()):
                raise SourceError(
                    f"{shown} leads out of the root file's folder",
                    "move the file into that folder; links must not leave it",
                )
            if path != self._root_name and _is_hidden(target, self._folder.resolve()):
                # Otherwise the author of a pull request could have a plan show the content of .git or .env.
                raise SourceError(
                    f"{shown} is hidden, and hidden files are not read", "rename it without the leading dot"
                )
            return self._counted(_read(target, shown), shown)
        except FileNotFoundError:
            raise _dangling(file, shown) or self._missing(path, shown) from None
        except PermissionError:
            raise SourceError(f"{shown} cannot be read: permission denied", "grant this user read access") from None
        except (OSError, RuntimeError, ValueError) as error:
            if path != self._root_name and _leads_in_a_circle(file):
                raise SourceError(f"{shown} is a link to itself", "remove the link") from None
            # ValueError: a NUL in the path.
            reason = getattr(error, "strerror", None) or "its path is malformed"
            raise SourceError(f"{shown} cannot be read: {reason}") from None

    def _counted(self, data: bytes, shown: str) -> bytes:
        """Count the bytes of a file.

        Raises:
            SourceError: They are more than may be read.
        """
        if self._bytes_left is not None:
            if len(data) > self._bytes_left:
                raise SourceError(f"{shown} is not read: the files are too large together")
            self._bytes_left -= len(data)
        return data

    def glob(self, pattern: str) -> Sequence[str]:
        """Return the files that match a pattern; see `reconciler.config.sources.Sources.glob`."""
        fixed, segments = fixed_part(pattern), pattern.split("/")
        depth = None if "**" in segments else len(segments) - (len(fixed.split("/")) if fixed else 0)
        links: dict[str, LinkTarget] = {}
        self._check_fixed(fixed)
        found = select(pattern, _names(fixed, self._folder, depth, links))
        if links:
            check_folder_links(pattern, found, links, lambda folder: _names(folder, self._folder, depth, {}))
        return found

    def _check_fixed(self, fixed: str) -> None:
        """Refuse a pattern below a dangling link: ``parts/*.yaml`` if ``parts`` is one."""
        parts = fixed.split("/") if fixed else []
        for end in range(1, len(parts) + 1):
            path = "/".join(parts[:end])
            if gone := _gone(self._folder / path):
                raise SourceError(
                    f"{display_path(path)} is a link to {display_path(gone)}, which does not exist",
                    "restore the target, or remove the link",
                )

    def identity(self, path: str) -> Hashable:
        """Identify a file independently of its name; see `reconciler.config.sources.Sources.identity`."""
        try:
            found = (self._folder / path).stat()
        except (OSError, ValueError):
            return path
        return (found.st_dev, found.st_ino)

    def _missing(self, path: str, shown: str) -> SourceError:
        near = near_file(self._folder / path)
        if path != self._root_name:
            hint = "check the name; it is relative to the file that refers to it"
            if near is not None and not near.is_dir():
                beside = Path(path).parent / near.name
                hint = did_you_mean(Path(path).name, display_path(beside.as_posix()))
            return SourceError(f"{shown} does not exist", hint, missing=True)
        if not self._is_folder:
            hint = f"use a file, or a folder that contains {ROOT_NAME}"
            if near is not None and (looks_like_yaml(near.name) or (near / ROOT_NAME).is_file()):
                hint = f"did you mean {_word(near)}?"
            return SourceError(f"{shown} does not exist", hint, missing=True)
        shown_folder = display_path(self._folder.as_posix())
        return SourceError(
            f"the folder {shown_folder} contains no {ROOT_NAME}", _where_else(self._folder), missing=True
        )


def _dangling(file: Path, shown: str) -> SourceError | None:
    """Return the error for a dangling link; None for anything else."""
    if not _is_link(file):
        return None
    target = display_path(str(file.readlink()))
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


def _where_else(folder: Path) -> str:
    """Return a hint for a folder without a root file: one that is in it, includes it, or is below it."""
    beside = [path for path in _visible(folder) if path.suffix in {".yaml", ".yml"} and _says_version(path)]
    if beside:
        return f"use the file {_word(beside[0])}"
    above = next((root for root in _above(folder) if _includes(root, folder)), None)
    if above is not None:
        return f"{_word(above)} includes its files; use that file"
    below = [path for path in _visible(folder) if _says_version(path / ROOT_NAME)]
    if below:
        return f"use the folder that contains it: {_word(below[0])}"
    here = "" if folder == Path() else f" {_word(folder)}"
    return f"`reconciler init{here}` creates one, and `reconciler export --out FOLDER` writes one from a live account"


def _visible(folder: Path) -> list[Path]:
    """Return the content of a folder, sorted, without hidden names; empty if it cannot be listed."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except (OSError, ValueError):
        return []


def _word(path: Path) -> str:
    """Quote a path for a shell."""
    return display_path(shlex.quote(path.as_posix()))


def _says_version(path: Path) -> bool:
    """Whether a file looks like a root file. Included files have no version."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return re.search(rb"^version *:", file.read(_MOST_LOOKED_AT), re.MULTILINE) is not None
    except (OSError, ValueError):
        return False


def _above(folder: Path) -> Iterator[Path]:
    """Yield the root files above a folder, nearest first, up to the top of the repository."""
    at = folder
    for _ in range(_MOST_ABOVE):
        try:
            if (at / ".git").exists() or at.resolve() == at.resolve().parent:
                return
            at = at / ".." if at.name in {"", ".."} else at.parent
            if (at / ROOT_NAME).is_file():
                yield at / ROOT_NAME
        except (OSError, RuntimeError, ValueError):
            return


def _includes(root: Path, folder: Path) -> bool:
    """Whether a root file includes a file of a folder, judged by its text alone: it may not even be valid."""
    try:
        text = root.read_bytes()[:_MOST_LOOKED_AT].decode("utf-8", "replace")
        inside = folder.resolve().relative_to(root.parent.resolve()).as_posix()
    except (OSError, ValueError):
        return False
    found = re.search(r"^include *:(.*(?:\n(?:[ \t-].*)?)*)", text, re.MULTILINE)
    patterns = re.findall(r"[^\s,\[\]\"'#]+\.ya?ml", found[1]) if found is not None else []
    names = [f"{inside}/{path.name}" for path in _visible(folder)]
    return any(select(pattern.removeprefix("./"), names) for pattern in patterns)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _is_hidden(target: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in target.relative_to(folder).parts)


def _read(target: Path, shown: str) -> bytes:
    # Checked before opening, since opening a device may have effects, and again afterwards: the file may have been
    # replaced by a link, a pipe, or another file in between.
    before = target.stat()
    _check_ordinary(before, shown)
    descriptor = os.open(target, os.O_RDONLY | _CAREFULLY)
    try:
        opened = os.fstat(descriptor)
        _check_ordinary(opened, shown)
        if not os.path.samestat(before, opened) or target.resolve(strict=True) != target:
            raise SourceError(f"{shown} changed while it was read", "run the command again")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(LARGEST + 1)
    finally:
        os.close(descriptor)
    if len(data) > LARGEST:
        raise SourceError(f"{shown} is larger than {LARGEST // 1_000_000} MB", "split it, and include the parts")
    return data


def _check_ordinary(found: os.stat_result, shown: str) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise SourceError(f"{shown} is a folder", "use a file")
    if not stat.S_ISREG(found.st_mode):
        raise SourceError(f"{shown} is not a regular file", "use a file")


def _names(prefix: str, folder: Path, depth: int | None, links: dict[str, LinkTarget]) -> Iterator[str]:
    """Yield the names below a folder, as deep as a pattern may look, without folders and hidden names.

    Args:
        prefix: The folder, relative to the root file's folder.
        folder: The root file's folder.
        depth: How deep to look; None for no limit.
        links: Receives the links to folders and dangling links, which are not followed.

    Raises:
        SourceError: A folder cannot be listed.
    """
    try:
        entries = sorted(os.scandir(folder / prefix), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return
    except OSError as error:
        shown = display_path((folder / prefix).as_posix())
        reason = error.strerror or "it is not a folder"
        raise SourceError(f"the folder {shown} cannot be listed: {reason}", "grant this user read access") from None
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
                links[path] = LinkTarget(_inside(folder / path, folder))
            if looks_like_yaml(entry.name):
                yield path
        else:
            is_below = not is_hidden and (depth is None or depth > 1)
            if is_below and not looks_like_yaml(entry.name) and (gone := _gone(folder / path)):
                links[path] = LinkTarget(None, gone)
            yield path


def _gone(file: Path) -> str:
    """Return the target of a dangling link; empty for anything else."""
    try:
        return str(file.readlink()) if file.is_symlink() and not file.exists() else ""
    except (OSError, ValueError, RuntimeError):
        return ""


def _is_dir(entry: os.DirEntry[str], *, follow_symlinks: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=follow_symlinks)
    except OSError:  # a link in a cycle
        return False


def _inside(path: Path, folder: Path) -> str | None:
    """Resolve links, and return the path relative to the root file's folder; None if it is outside."""
    try:
        target = path.resolve(strict=True).relative_to(folder.resolve()).as_posix()
    except (OSError, RuntimeError, ValueError):
        return None
    return "" if target == "." else target


def sync_folder(folder: Path) -> None:
    """Make a change of a folder's entries survive a crash of the machine, if the system supports that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
