"""One git process for a repository: commands, and the contents of objects.

Changes nothing in the repository: no prompts, no fetches, no hooks, filters, or replacement objects.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from reconciler.config.sources import SourceError
from reconciler.errors import UsageError
from reconciler.sources.disk import LARGEST

WHOLE = "git fetch --refetch --no-filter"
"""Fetches what a partial clone left out. Source: git-fetch(1), since git 2.36."""
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_PLACES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY")
GIT = ("git", "--no-pager", "--no-replace-objects", "--literal-pathspecs")
"""Reads objects as they are stored, without replacements, and takes names as names, not as patterns."""


class GitObject(NamedTuple):
    """An object of a repository.

    Attributes:
        oid: Its object name.
        kind: ``commit``, ``tree``, ``blob``, or ``tag``.
        data: Its content.
    """

    oid: str
    kind: str
    data: bytes


class GitProcess:
    """Runs git in a repository. Close it when done.

    Args:
        ref: The commit as typed, for messages.
        folder: The folder to run git in.
        env: The environment variables of git.
    """

    def __init__(self, ref: str, folder: str, env: Mapping[str, str]) -> None:
        self.folder = folder
        self.env = env
        self._ref = ref
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """Run a git command.

        Raises:
            UsageError: git cannot be run.
        """
        try:
            return run_git(arguments, self.folder, self.env)
        except OSError as error:
            raise UsageError(
                f"git:{self._ref} needs git, which cannot be run ({error.strerror}); install git, or "
                "compare with a folder"
            ) from None

    def output(self, *arguments: str) -> str | None:
        """Return the output of a git command without its last line feed; None if it fails."""
        done = self.run(*arguments)
        return done.stdout.decode(errors="replace").removesuffix("\n") if done.returncode == 0 else None

    def check_not_embedded(self, found: str | None = None) -> None:
        """Refuse a repository that the files of another repository form.

        A folder with ``HEAD``, ``objects``, and ``refs`` is a bare repository to git, which finds it before the real
        one. The author of a pull request could forge the history that the files are compared with.

        Args:
            found: The repository that git finds, if it is known.

        Raises:
            UsageError: The folder is in one.
        """
        found = self.embedded(found)
        if found:
            raise UsageError(
                f"git:{self._ref}: {found} looks like a git repository inside of another one, and could forge its "
                "history; remove HEAD, objects, and refs from it, or name the repository with GIT_DIR"
            )

    def embedded(self, found: str | None = None) -> str:
        """Return the repository that the files of another one form, if the folder is in one; else an empty text.

        Args:
            found: The repository that git finds, if it is known.

        Raises:
            UsageError: git cannot be run.
        """
        found = found or self.output("rev-parse", "--absolute-git-dir")
        folder = Path(self.folder).resolve()
        if "GIT_DIR" in self.env or found is None or not folder.is_relative_to(Path(found).resolve()):
            return ""
        around = GitProcess(self._ref, str(Path(found).resolve().parent), self.env).output(
            "rev-parse", "--absolute-git-dir"
        )
        is_inside = around is not None and Path(around).resolve() != Path(found).resolve()
        return found if is_inside else ""

    def other_folder(self) -> str:
        """Return the folder to run git in; empty if the current folder is in the same repository."""
        if self.folder == ".":
            return ""
        here = subprocess.run(  # noqa: S603 - no shell, nothing that was typed
            [*GIT, "rev-parse", "--absolute-git-dir"],
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        there = self.run("rev-parse", "--absolute-git-dir")
        return "" if here.returncode == 0 and here.stdout == there.stdout else self.folder

    def read_blob(self, oid: str, shown: str) -> bytes:
        """Return the content of an object. One process serves all of them.

        Raises:
            SourceError: The clone lacks the object, or it is too large.
        """
        try:
            data = self.read_object(oid)
        except ValueError:
            raise SourceError(
                f"{shown} is larger than {LARGEST // 1_000_000} MB", "split it, and include the parts"
            ) from None
        if data is None:
            raise SourceError(f"{shown} is in that commit, but this clone lacks its content", WHOLE)
        return data

    def read_object(self, name: str, most: int = LARGEST) -> bytes | None:
        """Return the content of an object; None if the clone lacks it. See `find_object`.

        Raises:
            ValueError: It is too large.
        """
        found = self.find_object(name, most)
        return None if found is None else found.data

    def find_object(self, name: str, most: int = LARGEST) -> GitObject | None:
        """Return an object; None if the clone lacks it. One process serves all of them.

        Args:
            name: Its name as git takes it, such as ``COMMIT:PATH`` or ``REF^{commit}``, in one line.
            most: The most bytes that it may have.

        Raises:
            ValueError: It is too large.
        """
        if self._process is None:
            self._process = subprocess.Popen(  # noqa: S603 - as above
                [*GIT, "cat-file", "--batch"],
                cwd=self.folder,
                env=self.env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        asked, answers = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answers is not None
        try:
            asked.write(f"{name}\n".encode())
            asked.flush()
            head = answers.readline().split()
        except OSError:
            head = []
        # What is missing is repeated as it was asked for, which may contain blanks.
        if len(head) != 3 or not head[2].isdigit():
            return None
        size = int(head[2])
        if size > most:
            self.close()
            raise ValueError(name)
        data = answers.read(size + 1)
        return GitObject(head[0].decode(), head[1].decode(), data[:size])

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            process, self._process = self._process, None
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
            process.wait()


def run_git(
    arguments: Sequence[str],
    folder: str,
    env: Mapping[str, str],
    *,
    stdin: bytes = b"",
    detached: bool = False,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run a git command.

    Args:
        arguments: The command and its arguments.
        folder: The folder to run it in.
        env: Its environment variables.
        stdin: Its standard input.
        timeout: The most seconds that it may take; None for no limit.
        detached: Whether it gets no terminal that it, or a program it runs, could prompt on, and no signals from one.

    Raises:
        OSError: git cannot be run.
        TimeoutExpired: It took longer.
    """
    command = [*GIT, *arguments]
    with subprocess.Popen(  # noqa: S603 - no shell; what people typed comes after --end-of-options or --
        command,
        cwd=folder,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=detached,
    ) as process:
        try:
            out, complaints = process.communicate(stdin, timeout)
        except BaseException:
            # A program that git runs, such as ssh, would keep the pipes open.
            if detached and hasattr(os, "killpg"):
                with contextlib.suppress(OSError):
                    os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, complaints)


def git_environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables of git. It must not prompt, fetch, graft, trace, or translate."""
    kept = {name: value for name, value in env.items() if not name.startswith("GIT_TRACE")}
    # A hook's paths are relative to the folder that git was called in, and this tool calls it elsewhere.
    kept |= {name: str(Path(kept[name]).absolute()) for name in _PLACES if name in kept}
    return kept | {
        "LC_ALL": "C",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_GRAFT_FILE": os.devnull,
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
    }


class CheckedOut(NamedTuple):
    """What is checked out in a folder.

    Attributes:
        commit: The commit; empty without git, a repository, or a commit.
        top: The top folder of the repository; empty without one.
        prefix: The folder, relative to the top: ``""`` or ``"deploy/"``.
    """

    commit: str = ""
    top: str = ""
    prefix: str = ""


def checked_out(folder: str, env: Mapping[str, str]) -> CheckedOut:
    """Return what is checked out in a folder.

    Args:
        folder: The folder.
        env: The environment variables of git.
    """
    if not _may_be_in_repository(folder, env):
        return CheckedOut()
    arguments = ("rev-parse", "--show-toplevel", "--show-prefix", "HEAD")
    try:
        found = GitProcess("HEAD", folder, git_environment(env)).output(*arguments)
    except (UsageError, ValueError):
        return CheckedOut()
    *place, commit = (found or "").split("\n")
    if not _COMMIT.fullmatch(commit):
        return CheckedOut()
    # With a line feed in the name of a folder, the lines do not say which is which.
    return CheckedOut(commit, *place) if len(place) == 2 else CheckedOut(commit)


def _may_be_in_repository(folder: str, env: Mapping[str, str]) -> bool:
    """Return whether git could find a repository from a folder: a clone has ``.git``, a bare one has ``HEAD``."""
    path = Path(folder).resolve()
    return "GIT_DIR" in env or any(
        os.path.lexists(above / name) for above in (path, *path.parents) for name in (".git", "HEAD")
    )


def is_commit_name(text: str) -> bool:
    """Return whether a text, such as one from a saved document, is the full name of an object."""
    return _COMMIT.fullmatch(text) is not None


def revert_command(folder: str, commit: str, env: Mapping[str, str]) -> str:
    """Return the command that reverts a commit; empty if the text is not the name of one.

    Args:
        folder: A folder of the repository.
        commit: The commit, from a saved document.
        env: The environment variables of git.
    """
    if not is_commit_name(commit):
        return ""
    git = GitProcess(commit, folder, git_environment(env))
    try:
        parents = git.output("rev-list", "--parents", "-n", "1", commit) or ""
        other = git.other_folder()
    except (UsageError, OSError, ValueError):
        parents, other = "", ""
    return revert_command_of(commit, is_merge=len(parents.split()) > 2, folder=other)  # the commit and its parents


def revert_command_of(*commits: str, is_merge: bool, folder: str = "") -> str:
    """Return the command that reverts commits.

    Args:
        commits: The commits, newest first.
        is_merge: Whether all of them are merges, which are reverted to their first parents.
        folder: The folder to run git in; empty for the current one.
    """
    return shlex.join(
        [
            "git",
            *(["-C", folder] if folder else []),
            "revert",
            "--no-edit",
            *(["-m", "1"] if is_merge else []),
            *commits,
        ]
    )
