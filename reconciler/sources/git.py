"""Files at a commit: the `Sources` of a comparison with an earlier configuration.

Takes a ref and a path; returns the bytes of files in the root file's folder and below, from git's objects. Does not
touch the work tree, the index, or the configuration: no checkout, hook, filter, text conversion, or fetch. Refuses the
same files as `reconciler.sources.disk`, such as links out of the folder. Does not parse YAML.
"""

from __future__ import annotations

import os
import posixpath
import shlex
import sys
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from reconciler.config.sources import LinkTarget, SourceError, check_folder_links, fixed_part, looks_like_yaml, select
from reconciler.errors import UsageError
from reconciler.sources.disk import ROOT_NAME
from reconciler.sources.git_hints import how_to_get
from reconciler.sources.git_process import WHOLE, GitProcess, git_environment

_LFS = b"version https://git-lfs.github.com/spec/v1\n"
_LONGEST_POINTER = 1024
_MOST_LINKS = 40
"""The maximum number of links to follow; the same as Linux."""
_LINK, _FOLDER, _SUBMODULE = "120000", "040000", "160000"


class _TreeObject(NamedTuple):
    """A file, folder, link, or submodule in a tree."""

    mode: str
    oid: str


class GitSources:
    """Files at a commit, read through one ``git cat-file`` process. Close it, or use it as a context manager.

    Args:
        ref: The name of the commit: a branch, a tag, an object name, ``HEAD~3``.
        path: The root file, or a folder that contains `ROOT_NAME`; relative to the current folder, or to the top of the
            repository.
        from_top: Whether the path is relative to the top of the repository, as in git's own ``REF:PATH``.
        env: The environment variables of git itself. The files cannot read any.
        folder: A folder of the repository, for a path from its top; the current folder by default.
        git: An open process in the repository, which was checked, and which its owner closes; otherwise one is started.

    Raises:
        UsageError: There is no repository, no such commit, or no git.
    """

    def __init__(
        self,
        ref: str,
        path: str = ".",
        *,
        from_top: bool = False,
        env: Mapping[str, str] | None = None,
        folder: str = ".",
        git: GitProcess | None = None,
    ) -> None:
        self._ref = ref
        self._is_owner = git is None
        if git is None:
            variables = git_environment(os.environ if env is None else env)
            folder = _folder_of(path) if not from_top and "GIT_DIR" not in variables else folder
            git = GitProcess(ref, folder, variables)
            git.check_not_embedded()
        self._git = git
        try:
            self._locate(path, from_top=from_top)
        except BaseException:
            self.close()
            raise

    def _locate(self, path: str, *, from_top: bool) -> None:
        """Find the commit, and the root file in it."""
        self._commit = self._resolved(self._ref)
        self._trees: dict[str, dict[str, _TreeObject]] = {}
        self._folder = self._root_name = ""
        inside = self._from_top(path, from_top=from_top)
        try:
            where, found = self._followed(inside, path, may_leave=True)
        except SourceError:
            where, found = inside, None  # `read` reports it, like any unreadable file
        if found is not None and found.mode == _FOLDER:
            self._folder, self._root_name = where, ROOT_NAME
        else:
            self._folder, self._root_name = posixpath.split(inside)
        self.root = self._shown(self._root_name)

    def environment(self, name: str) -> str | None:  # noqa: ARG002 - the protocol's signature
        """Return None: the environment variables of that time are not known."""
        return None

    def relative(self, path: str) -> str:
        """Return a path of the command line relative to the root file's folder; for overlays."""
        return posixpath.relpath(self._from_top(path, from_top=False) or ".", self._folder or ".")

    def read(self, path: str) -> bytes:
        """Return the bytes of a file; see `reconciler.config.sources.Sources.read`."""
        shown = self._shown(path)
        try:
            _, item = self._followed(_joined(self._folder, path), shown, may_leave=path == self._root_name)
        except SourceError as error:
            if error.missing and path == self._root_name:
                hint = f"use a file that existed there, or a folder that contained {ROOT_NAME}: git:{self._ref}:PATH"
                raise SourceError(f"{shown} does not exist in that commit", hint, missing=True) from None
            raise
        if item.mode == _FOLDER:
            raise SourceError(f"{shown} is a folder", "use a file")
        if item.mode == _SUBMODULE:
            raise SourceError(f"{shown} is a submodule", "use a file of this repository")
        data = self._git.read_blob(item.oid, shown)
        if data.startswith(_LFS) and len(data) < _LONGEST_POINTER:
            raise SourceError(
                f"{shown} is kept in Git LFS, and git's objects hold only a pointer to it",
                f"compare with a folder instead: git worktree add --detach ../before {shlex.quote(self._ref)}, then "
                "git -C ../before lfs pull",
            )
        return data

    def glob(self, pattern: str) -> Sequence[str]:
        """Return the files that match a pattern; see `reconciler.config.sources.Sources.glob`."""
        prefix = fixed_part(pattern)
        try:
            base, _ = self._followed(_joined(self._folder, prefix), prefix, may_leave=True)
        except SourceError:
            return []
        start = f"{prefix}/" if prefix else ""
        links: dict[str, LinkTarget] = {}
        names = [start + name for name in self._names(base, links, start)]
        found = select(pattern, names)
        if links:
            check_folder_links(pattern, found, links, self._below)
        return found

    def _names(self, base: str, links: dict[str, LinkTarget], start: str) -> Iterator[str]:
        """Yield the names below a folder, relative to it; add links to folders to `links`."""
        below = f"{base}/" if base else ""
        for path, item in self._files.items():
            if not path.startswith(below) or item.mode == _SUBMODULE:
                continue
            name = path.removeprefix(below)
            target = self._folder_behind(path) if item.mode == _LINK else None
            if target is None or (looks_like_yaml(name) and "/" not in name):
                if item.mode == _LINK and not looks_like_yaml(name) and self._leads_to_nothing(path):
                    links[start + name] = LinkTarget(None, "a path")
                yield name
            else:
                links[start + name] = LinkTarget(self._relative(target))
        for folder in {self._folder, *_folders_of(self._files)}:
            if folder.startswith(below) and folder != base and looks_like_yaml(folder):
                yield folder.removeprefix(below)

    def _below(self, folder: str) -> Iterator[str]:
        """Yield the files below a folder; both are relative to the root file's folder."""
        start = f"{folder}/" if folder else ""
        return (start + name for name in self._names(_joined(self._folder, folder), {}, start))

    def _folder_behind(self, path: str) -> str | None:
        """Return the folder that a link leads to; None for files and dangling links, which `read` reports."""
        try:
            where, item = self._followed(path, path, may_leave=True)
        except SourceError:
            return None
        return where if item.mode == _FOLDER else None

    def _leads_to_nothing(self, path: str) -> bool:
        """Whether a link is dangling in the commit."""
        try:
            self._followed(path, path, may_leave=True)
        except SourceError as error:
            return error.missing
        return False

    def _relative(self, where: str) -> str | None:
        """Return a path from the top relative to the root file's folder; None if it is outside."""
        if where == self._folder:
            return ""
        if not self._is_inside(where):
            return None
        return where.removeprefix(f"{self._folder}/") if self._folder else where

    def identity(self, path: str) -> Hashable:
        """Identify a file independently of its name; see `reconciler.config.sources.Sources.identity`."""
        try:
            return self._followed(_joined(self._folder, path), path, may_leave=True)[0]
        except SourceError:
            return path

    def close(self) -> None:
        """End the git process, unless another owns it."""
        if self._is_owner:
            self._git.close()

    def __enter__(self) -> Self:
        """Return the sources."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the git process."""
        self.close()

    # --- paths and objects --------------------------------------------------------------------------------------------

    def _shown(self, path: str) -> str:
        # In git's syntax, from the top, so that files beside the root file have the same prefix.
        return f"{self._ref}:{posixpath.join(self._folder or '.', path)}"

    def _resolved(self, ref: str) -> str:
        """Return the commit of a ref."""
        if not ref or ref.startswith("-") or ".." in ref or any(not char.isprintable() for char in ref):
            raise UsageError(f"git:{ref!r} is not a commit; write git:BRANCH, git:TAG or git:COMMIT")
        found = self._git.find_object(f"{ref}^{{commit}}")
        if found is not None:
            return found.oid
        inside = self._git.run("rev-parse", "--git-dir")
        if inside.returncode != 0:
            complaint = inside.stderr.decode(errors="replace").strip().partition("\n")[0]
            if "not a git repository (or any" in complaint and "GIT_DIR" not in self._git.env:
                where = Path(self._git.folder).resolve()
                raise UsageError(
                    f"git:{ref}: {where} is not in a git repository; run this in the clone that contains the files, or "
                    "compare with a folder or a file"
                )
            raise UsageError(f"git:{ref} cannot be read: git says {complaint!r}; fix what `git status` reports there")
        advice = how_to_get(ref, self._git.output, folder=self._git.other_folder())
        raise UsageError(f"git:{ref}: this repository has no such commit{advice}")

    def _from_top(self, path: str, *, from_top: bool) -> str:
        """Return a path relative to the top of the repository; empty for the top itself."""
        if from_top:
            inside = posixpath.normpath(path or ".")
        else:
            top = self._git.run("rev-parse", "--show-toplevel")
            # Without a work tree, the path is relative to the top.
            base = top.stdout.decode(errors="surrogateescape").removesuffix("\n") if top.returncode == 0 else None
            typed = Path(path)
            # Resolve links of the folder, but not the file itself, which is followed in the commit.
            real = typed.parent.resolve() / typed.name if typed.name not in {"", ".."} else typed.resolve()
            inside = posixpath.normpath(path) if base is None else Path(os.path.relpath(real, base)).as_posix()
        if inside.startswith(("../", "/")) or inside == "..":
            raise UsageError(f"git:{self._ref}: {path} is outside of the repository")
        return _joined(inside)

    def _object(self, where: str) -> _TreeObject | None:
        """Return the object at a path from the top, without following links; None if there is none."""
        item: _TreeObject | None = _TreeObject(_FOLDER, f"{self._commit}^{{tree}}")
        for name in where.split("/") if where else ():
            if item is None or item.mode != _FOLDER:
                return None
            item = self._contents(item.oid).get(name)
        return item

    def _contents(self, tree: str) -> dict[str, _TreeObject]:
        """Return what is directly in a folder by name.

        Raises:
            UsageError: The clone lacks it.
        """
        if tree not in self._trees:
            found = self._git.find_object(tree, sys.maxsize)
            try:
                if found is None or found.kind != "tree":
                    raise self._lacks_files()
                self._trees[tree] = dict(_parsed(found.data, len(self._commit) // 2))
            except ValueError:
                raise self._lacks_files() from None
        return self._trees[tree]

    def _lacks_files(self) -> UsageError:
        return UsageError(f"git:{self._ref}: this clone lacks the files of that commit; {WHOLE}")

    @cached_property
    def _files(self) -> dict[str, _TreeObject]:
        """The files below the root file's folder by their paths from the top. Only patterns need all of them."""
        paths = (f"{self._folder}/",) if self._folder else ()
        listing = self._git.run("ls-tree", "-z", "--full-tree", "-r", self._commit, "--", *paths)
        if listing.returncode != 0:
            raise self._lacks_files()
        objects = {}
        for line in listing.stdout.split(b"\0"):
            head, tab, name = line.partition(b"\t")
            if tab:
                mode, _, oid = head.decode().split(" ")
                # No configuration can refer to a file whose name is not UTF-8.
                objects[name.decode(errors="surrogateescape")] = _TreeObject(mode, oid)
        return objects

    def _followed(self, where: str, shown: str, *, may_leave: bool) -> tuple[str, _TreeObject]:
        """Follow every link of a path from the top; return the final path and its object."""
        for _ in range(_MOST_LINKS):
            found = self._first_link(where)
            if found is None:
                item = self._object(where)
                if not may_leave and not self._is_inside(where):
                    raise _leads_out(shown)
                if item is None:
                    hint = "check the name; it is relative to the file that refers to it"
                    raise SourceError(f"{shown} does not exist", hint, missing=True)
                return where, item
            link, oid = found
            target = self._git.read_blob(oid, shown).decode(errors="surrogateescape")
            if target.startswith("/") or _climbs_out(link, target):
                raise _leads_out(shown)
            where = _joined(posixpath.dirname(link), target, where[len(link) + 1 :])
        raise SourceError(f"{shown} cannot be read: its links form a cycle")

    def _first_link(self, where: str) -> tuple[str, str] | None:
        """Return the first part of a path from the top that is a link, and the object that holds its target."""
        parts = where.split("/")
        for end in range(1, len(parts) + 1):
            path = "/".join(parts[:end])
            item = self._object(path)
            if item is None:
                return None
            if item.mode == _LINK:
                return path, item.oid
        return None

    def _is_inside(self, where: str) -> bool:
        return not self._folder or where.startswith(f"{self._folder}/")


def _parsed(data: bytes, size: int) -> Iterator[tuple[str, _TreeObject]]:
    """Yield the names and objects in the content of a tree object. Source: git's Documentation/gitformat-*, tree.

    Args:
        data: The content.
        size: The bytes of an object name.
    """
    position = 0
    while position < len(data):
        blank = data.index(b" ", position)
        end = data.index(b"\0", blank)
        name = data[blank + 1 : end].decode(errors="surrogateescape")
        position, mode = end + 1 + size, data[position:blank].decode().rjust(6, "0")
        yield name, _TreeObject(mode, data[end + 1 : position].hex())


def _joined(*parts: str) -> str:
    """Join parts of a path from the top; empty for the top itself."""
    path = posixpath.normpath(posixpath.join(*parts))
    return "" if path == "." else path


def _leads_out(shown: str) -> SourceError:
    return SourceError(
        f"{shown} leads out of the root file's folder", "move the file into that folder; links must not leave it"
    )


def _folders_of(paths: Iterable[str]) -> Iterator[str]:
    """Yield every folder above the paths."""
    for path in paths:
        while path := posixpath.dirname(path):
            yield path


def _folder_of(path: str) -> str:
    """Return the nearest existing folder of a path, in which git looks for its repository."""
    folder = Path(path)
    while not folder.is_dir():
        if folder == folder.parent:
            return "."
        folder = folder.parent
    return str(folder)


def _climbs_out(link: str, target: str) -> bool:
    """Whether the target of a link leads out of the repository."""
    depth = link.count("/")
    for part in target.split("/"):
        depth += -1 if part == ".." else 0 if part in {"", "."} else 1
        if depth < 0:
            return True
    return False
