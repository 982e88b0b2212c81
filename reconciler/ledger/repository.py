"""The git repository of a configuration: objects, refs, and the remote, by the ``git`` program.

Takes names and bytes; returns object names and bytes. Hooks, filters, and prompts are off. Nothing is fetched into the
repository, and only the ledger's ref is pushed. Independent of the content of an entry.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from reconciler.errors import LedgerError, UsageError
from reconciler.lazy_dataclass import dataclass
from reconciler.sources.git import GitSources
from reconciler.sources.git_process import GitProcess, git_environment, run_git

ENTRY = "entry.json"
_QUIET = ("-c", f"core.hooksPath={os.devnull}", "-c", "gc.auto=0", "-c", "i18n.commitEncoding=UTF-8")
"""No hook of the repository runs, and no clean-up in the background."""
_WITHOUT = "To do without the ledger, add --baseline none; apply and undo also need --no-record"
_LONGEST_COMPLAINT = 300
_SECONDS = 120
"""The most time that a remote may take."""
_LARGEST = 200_000_000
"""The most bytes that an entry may have."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as stored in its object: without grafts, replacements, or the limits of a shallow clone.

    Attributes:
        name: Its object name.
        parents: The object names of its parents.
        subject: The first line of its message.
    """

    name: str
    parents: tuple[str, ...]
    subject: str


class Repository:
    """The repository that contains a configuration. Close it when done.

    Args:
        root: The root file.
        environment: The environment variables of git.

    Attributes:
        root: The root file's path from the top of the repository.
        folder: The root file's folder.
        is_shallow: Whether the clone lacks a part of its history.

    Raises:
        LedgerError: There is no repository, or no git.
    """

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self.environment = git_environment(environment)
        self._given = environment
        self._folder = str(root.parent)
        self._git = GitProcess("HEAD", self._folder, self.environment)
        try:
            found = self._git.run("rev-parse", "--show-prefix", "--absolute-git-dir", "--is-shallow-repository")
            if found.returncode != 0:
                raise LedgerError(f"the ledger is kept in git, and {_unusable(root.parent, found)}. {_WITHOUT}")
            prefix, place = self._described(found.stdout)
            self._git.check_not_embedded(place)
            self.is_shallow = found.stdout.endswith(b"\ntrue\n")
        except UsageError as error:
            message = str(error).removeprefix("git:HEAD needs git, which ").removeprefix("git:HEAD: ")
            if message.startswith("cannot be run"):
                message = f"the ledger is kept in git, and the git program {message.partition(';')[0]}. Install git"
            raise LedgerError(f"{message}. {_WITHOUT}") from None
        self.root = prefix + root.name
        self.folder = self._folder

    def _described(self, told: bytes) -> tuple[str, str | None]:
        """Return the folder's path from the top, and the repository, from git's three answers in one text."""
        lines = told.decode(errors="surrogateescape").split("\n")
        if len(lines) == 4:
            return lines[0], lines[1]
        # The name of a folder contains a line feed.
        alone = self._git.run("rev-parse", "--show-prefix").stdout
        return alone.decode(errors="surrogateescape").removesuffix("\n"), None

    def close(self) -> None:
        """End the git process."""
        self._git.close()

    # --- reading ------------------------------------------------------------------------------------------------------

    def output(self, *arguments: str) -> str | None:
        """Return the output of a git command without its last line feed; None if it fails."""
        return self._git.output(*arguments)

    def succeeds(self, *arguments: str) -> bool:
        """Return whether a git command succeeds."""
        return self._git.run(*arguments).returncode == 0

    def other_folder(self) -> str:
        """Return the folder to run git in; empty if the current folder is in the same repository."""
        return self._git.other_folder()

    def head(self) -> str:
        """Return the commit of the work tree; empty if there is none yet."""
        return self._commit_of("HEAD")

    def user_name(self) -> str:
        """Return the name of git's user; empty if none is configured."""
        return self.output("config", "--get", "user.name") or ""

    def files_at(self, commit: str, path: str) -> GitSources:
        """Return the files at a commit, which are read through this repository's process.

        Args:
            commit: The commit.
            path: The root file, from the top of the repository.

        Raises:
            UsageError: The clone lacks the commit, or a folder of it.
        """
        return GitSources(commit, path, from_top=True, git=self._git)

    def _commit_of(self, name: str) -> str:
        found = self._git.find_object(f"{name}^{{commit}}")
        return "" if found is None else found.oid

    def ref(self, name: str) -> str:
        """Return the commit of a ref; empty if it does not exist."""
        # A ref whose object is missing is not a missing ref.
        return self._commit_of(name) or (
            self.output("rev-parse", "--verify", "--quiet", "--end-of-options", name) or ""
        )

    def refs(self, *patterns: str) -> dict[str, str]:
        """Return the object of each ref below a name, by ref."""
        listing = self.output("for-each-ref", "--format=%(objectname) %(refname)", *patterns) or ""
        return {name: oid for oid, _, name in (line.partition(" ") for line in listing.split("\n") if line)}

    def commit(self, name: str) -> Commit | None:
        """Return a commit; None if the clone lacks it."""
        data = self._git.read_object(name)
        if data is None:
            return None
        head, _, message = data.decode(errors="replace").partition("\n\n")
        lines = [line.partition(" ") for line in head.split("\n")]
        parents = tuple(value for key, _, value in lines if key == "parent")
        return Commit(name, parents, message.partition("\n")[0])

    def file(self, commit: str, path: str) -> bytes | None:
        """Return a file at a commit; None if the commit or the clone lacks it."""
        if "\n" in path:
            return None
        try:
            return self._git.read_object(f"{commit}:{path}", _LARGEST)
        except ValueError:
            return b""

    def lists(self, commit: str, path: str) -> bool:
        """Return whether a commit has a file, even if the clone lacks its content."""
        return bool(self.output("ls-tree", "--full-tree", "--name-only", commit, "--", path))

    def lacks_content_of(self, commit: str) -> bool:
        """Return whether the clone, a partial one, lacks the content of a file at a commit."""
        listing = self.output("rev-list", "--objects", "--missing=print", "--no-walk", commit)
        return listing is None or any(line.startswith("?") for line in listing.split("\n"))

    def has_files_of(self, commit: str) -> bool:
        """Return whether the clone has the top folder of a commit."""
        return self._git.find_object(f"{commit}^{{tree}}", _LARGEST) is not None

    def is_ignored(self, path: str) -> bool:
        """Return whether git ignores a file that it does not track.

        Args:
            path: The file, relative to the root file's folder.
        """
        return bool(self.output("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--", path))

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Return whether the clone's history leads from a commit back to another."""
        return self.succeeds("merge-base", "--is-ancestor", older, newer)

    def has_remotes(self) -> bool:
        """Return whether the repository has a remote."""
        return bool(self.output("remote"))

    def complete_with(self, remote: str) -> str:
        """Return the command that fetches the objects that the clone lacks."""
        words = ["--unshallow"] if self.is_shallow else ["--refetch", "--no-filter"]
        return shlex.join(["git", "fetch", *words, remote or "origin"])

    # --- writing ------------------------------------------------------------------------------------------------------

    def write_entry(self, text: str, parents: Sequence[str], message: str, author: str, moment: str) -> str:
        """Store a commit whose tree contains an entry; return its name. No ref changes.

        Args:
            text: The entry's JSON.
            parents: Its parents.
            message: Its message.
            author: The name of its author.
            moment: Its time.
        """
        blob = self._stored(("hash-object", "-w", "--stdin", "--no-filters"), text.encode())
        tree = self._stored(("mktree",), f"100644 blob {blob}\t{ENTRY}\n".encode())
        person = {"NAME": author, "EMAIL": "reconciler@localhost", "DATE": moment}
        environment = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in person.items()}
        options = [word for parent in parents for word in ("-p", parent)]
        return self._stored(("commit-tree", tree, *options), f"{message}\n".encode(), environment)

    def _stored(self, arguments: Sequence[str], data: bytes, environment: Mapping[str, str] | None = None) -> str:
        done = run_git([*_QUIET, *arguments], self._folder, {**self.environment, **(environment or {})}, stdin=data)
        if done.returncode != 0:
            raise LedgerError(f"the ledger cannot be written: git says {_complaint(done)!r}")
        return done.stdout.decode().strip()

    def move_ref(self, name: str, new: str, old: str) -> str:
        """Move a ref if it still has its old object.

        Args:
            name: The ref.
            new: The new object.
            old: The old object; empty if the ref must not exist.

        Returns:
            Empty if it was moved; ``moved`` if it has another object; otherwise git's message, and how to go on.
        """
        done = run_git(
            [*_QUIET, "update-ref", "--create-reflog", "-m", "reconciler", name, new, old or "0" * len(new)],
            self._folder,
            self.environment,
        )
        if done.returncode == 0:
            return ""
        if self.ref(name) != old:
            return "moved"
        complaint = _complaint(done)
        fix = (
            "If no other git command is running, delete that file"
            if ".lock': File exists" in complaint
            else "Let this user write to the repository"
        )
        return f"the ref {name} cannot be written: git says {complaint!r}. {fix}"

    def rename_ref(self, old_name: str, new_name: str, *, new: str, old: str) -> bool:
        """Create a ref and delete another one atomically; return whether that succeeded."""
        orders = f"start\ncreate {new_name} {new}\ndelete {old_name} {old}\nprepare\ncommit\n"
        done = run_git([*_QUIET, "update-ref", "--stdin"], self._folder, self.environment, stdin=orders.encode())
        return done.returncode == 0

    # --- the remote ---------------------------------------------------------------------------------------------------

    def remote_refs(self, remote: str, *patterns: str) -> dict[str, str]:
        """Return the object of each ref of a remote that matches a pattern, by ref.

        Raises:
            LedgerError: The remote cannot be reached.
        """
        done = self._remotely("ls-remote", "--refs", "--end-of-options", remote, *patterns)
        if done.returncode != 0:
            raise LedgerError(f"{_unreachable(remote, done)}. {_WITHOUT}")
        rows = (line.partition("\t") for line in done.stdout.decode(errors="replace").split("\n"))
        return {name: oid for oid, _, name in rows if name}

    def push(self, remote: str, *moves: tuple[str, str, str]) -> str:
        """Move refs of a remote if each still has its old object: all of them or none.

        Args:
            remote: The remote.
            moves: Each ref with its new object (empty to delete it) and its old one (empty if it must not exist).

        Returns:
            Empty if they were moved; ``moved`` if a ref has another object; otherwise git's message.
        """
        leases = [f"--force-with-lease={name}:{old}" for name, _, old in moves]
        done = self._remotely(
            "push", "--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no", "--no-signed",
            *(["--atomic"] if len(moves) > 1 else []), *leases, "--end-of-options", remote,
            *(f"{new}:{name}" for name, new, _ in moves),
        )  # fmt: skip
        if done.returncode == 0:
            return ""
        try:
            now = self.remote_refs(remote, *(name for name, _, _ in moves))
        except LedgerError:
            return _unreachable(remote, done)
        if all(now.get(name, "") == new for name, new, _ in moves):
            return ""  # only the answer was lost
        if any(now.get(name, "") != old for name, _, old in moves):
            return "moved"
        return _rejected(remote, done) or _unreachable(remote, done)

    def peek(self, remote: str, ref: str) -> bytes | None:
        """Return the newest entry of a remote, for a message; None if it cannot be read.

        Its objects go to a temporary folder, so that nothing of the clone changes.
        """
        objects = self.output("rev-parse", "--path-format=absolute", "--git-path", "objects")
        if objects is None:
            return None
        with tempfile.TemporaryDirectory(prefix="reconciler-") as folder:
            extra = {"GIT_OBJECT_DIRECTORY": folder, "GIT_ALTERNATE_OBJECT_DIRECTORIES": objects}
            fetched = self._remotely(
                "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--refmap=",
                "--no-auto-maintenance", "--end-of-options", remote, ref,
                environment=extra,
            )  # fmt: skip
            named = self._remotely("ls-remote", "--refs", "--end-of-options", remote, ref)
            oid = named.stdout.decode(errors="replace").partition("\t")[0]
            if fetched.returncode != 0 or named.returncode != 0 or not oid.isalnum():
                return None
            found = run_git(["cat-file", "blob", f"{oid}:{ENTRY}"], self._folder, {**self.environment, **extra})
            return found.stdout if found.returncode == 0 else None

    def _remotely(
        self, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a git command that reaches a remote, without any prompt."""
        env = {**self.environment, **(environment or {})}
        del env["GIT_ALLOW_PROTOCOL"]
        env |= {name: self._given[name] for name in ("GIT_ALLOW_PROTOCOL",) if name in self._given}
        # Empty, it prevents git from running the program of core.askPass or SSH_ASKPASS.
        env.setdefault("GIT_ASKPASS", "")
        command = [*_QUIET, *arguments]
        try:
            return run_git(command, self._folder, env, detached=True, timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            complaint = f"error: no answer within {_SECONDS} seconds\n".encode()
            return subprocess.CompletedProcess(command, 128, b"", complaint)


def _unusable(folder: Path, done: subprocess.CompletedProcess[bytes]) -> str:
    complaint = _complaint(done)
    if "not a git repository" in complaint or "work tree" in complaint:
        return (
            f"{folder.resolve()} is not in the work tree of a git repository. Create one with `git init`, or run this "
            "in a clone"
        )
    return f"the repository of {folder.resolve()} cannot be read: git says {complaint!r}"


def _unreachable(remote: str, done: subprocess.CompletedProcess[bytes]) -> str:
    return f"the ledger's remote {remote} cannot be used: git says {_complaint(done)!r}"


def _rejected(remote: str, done: subprocess.CompletedProcess[bytes]) -> str:
    """Return why a remote rejected a push, in its own words; empty if it did not."""
    rows = [line.split("\t") for line in done.stdout.decode(errors="replace").split("\n")]
    reasons = [row[2].strip() for row in rows if row[0] == "!" and len(row) > 2]
    if not reasons:
        return ""
    lines = done.stderr.decode(errors="replace").split("\n")
    told = [line.removeprefix("remote:").strip() for line in lines if line.startswith("remote:")]
    words = _without_credentials("; ".join([reasons[0], *filter(None, told)]))[:_LONGEST_COMPLAINT]
    return f"the ledger's remote {remote} rejected the push: git says {words!r}"


def _complaint(done: subprocess.CompletedProcess[bytes]) -> str:
    """Return the first line of a complaint of git; a URL in it may contain a password."""
    lines = [line for line in done.stderr.decode(errors="replace").split("\n") if line.strip()]
    wanted = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines
    return _without_credentials(wanted[0].strip())[:_LONGEST_COMPLAINT] if wanted else f"exit status {done.returncode}"


def _without_credentials(text: str) -> str:
    return re.sub(r"(://)[^/@\s]+@", r"\1", text)
