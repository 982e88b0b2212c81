"""Hints for a commit that a clone lacks: commands to paste.

Takes the commit as typed and a way to run git; returns a sentence. Reads only the repository's references and settings,
not the network, so it does not know whether a remote has a branch.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence

from reconciler.config.similar import closest
from reconciler.lazy_dataclass import dataclass

Git = Callable[..., str | None]
"""Runs git with these arguments: its output without the last line feed; None if it failed."""

# What may follow a name: ~2, ^, ^2, ^{commit}, @{1}, @{yesterday}. Source: gitrevisions(7).
_SUFFIX = re.compile(r"(?:[~^].*|@\{.*)\Z", re.DOTALL)
_STEP = re.compile(r"~(?P<many>\d*)|\^(?P<which>\d*)(?!\{)|(?P<kind>\^\{(?:commit)?\})")
_OBJECT = re.compile(r"[0-9a-fA-F]{4,64}\Z")
_FULL = frozenset({40, 64})
"""The lengths of a whole object name, in SHA-1 and SHA-256: no server gives a commit by a part of it."""
_USUAL = ("origin", "upstream")
"""Names of remotes by convention: what begins with one of them and a slash means a branch of it."""


def how_to_get(ref: str, git: Git, *, folder: str = "") -> str:
    """Return how to get a missing commit, as the end of a sentence, with each command on its own line.

    Args:
        ref: The commit as typed, without a path.
        git: Runs git in the repository.
        folder: The folder of the repository, if it is not that of the current folder; empty otherwise.
    """
    text = f"; {_Advice(ref, git, ['git', *(['-C', folder] if folder else [])]).text()}"
    # Each command is on its own line, which no layout folds.
    return re.sub(r"[;:,]? ?\0([^\0]*)\0[,;]? ?", r":\n  \1\n", text).rstrip("\n")


@dataclass(frozen=True)
class _Advice:
    """The hint for one name.

    Attributes:
        ref: The name as typed.
        git: Runs git in the repository.
        program: The start of every command.
    """

    ref: str
    git: Git
    program: Sequence[str]

    def text(self) -> str:
        suffix = _SUFFIX.search(self.ref)
        base = self.ref[: suffix.start()] if suffix else self.ref
        if self.git("rev-parse", "--verify", "--quiet", "HEAD^{commit}") is None and base in {"HEAD", "@", ""}:
            return "there are no commits yet"
        if suffix is not None and self._is_commit(base or "HEAD"):
            return self._earlier(base or "HEAD", suffix[0])
        if not base.startswith("-") and self.git("cat-file", "-e", base) is not None:
            return f"{base} exists but is not a commit; use a branch, a tag of a commit, or a commit"
        return self._name(base, suffix[0] if suffix else "")

    def _is_commit(self, name: str) -> bool:
        return self.git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}") is not None

    def _command(self, *words: str) -> str:
        return f"\0{shlex.join([*self.program, *words])}\0"

    # --- an ancestor --------------------------------------------------------------------------------------------------

    def _earlier(self, base: str, suffix: str) -> str:
        """Return the hint for an ancestor of a commit that exists."""
        if re.match(r"@\{(?:u|upstream|push)\}", suffix, re.IGNORECASE):
            remote = self._remote() or "origin"
            return f"{base} follows no branch of a remote; use the name of that branch: git:{remote}/BRANCH"
        if suffix.startswith("@{"):
            return f"the reflog of {base} does not go back that far; use the commit itself (see `git log`)"
        count, steps = 0, list(_STEP.finditer(suffix))
        if "".join(step[0] for step in steps) != suffix or len(suffix) > 100:
            return "use a branch, a tag, or a commit"
        for step in steps:
            if step["kind"] is None:
                count += min(int(step["many"] or 1), 10**6) if step["many"] is not None else 1
        if self.git("rev-parse", "--is-shallow-repository") != "true":
            return f"the history of {base} does not go back that far; see `git log {base}`"
        remote = self._remote()
        if not remote:
            return "this clone is shallow, and has no remote to fetch more of its history from"
        # Name the remote, since a branch without an upstream has none.
        deepen = self._command("fetch", f"--deepen={count}", *([] if remote == "origin" else [remote]))
        whole = self._command("fetch", "--unshallow", *([] if remote == "origin" else [remote]))
        return f"this clone is shallow: {deepen}, or all of its history: {whole}"

    # --- a name -------------------------------------------------------------------------------------------------------

    def _name(self, base: str, suffix: str) -> str:
        """Return the hint for a name that does not exist."""
        names = [name for name in (self.git("for-each-ref", "--format=%(refname)") or "").split("\n") if name]
        fetched = next((name for name in names if re.fullmatch(rf"refs/remotes/[^/]+/{re.escape(base)}", name)), "")
        if fetched:
            return f"did you mean git:{fetched.removeprefix('refs/remotes/')}{suffix}?"
        valid = _OBJECT.match(base) or self.git("check-ref-format", "--allow-onelevel", base) is not None
        if base.startswith("-") or not valid:
            return "this is not a valid name; write git:BRANCH, git:TAG, or git:COMMIT"
        if base == "FETCH_HEAD":
            return f"nothing has been fetched yet: {self._command('fetch', self._remote() or 'origin', 'BRANCH')}"
        branch = base.removeprefix("refs/").removeprefix("remotes/")
        parts = self._of_remote(branch)
        if parts is not None:
            return self._tracking(*parts)
        unknown = branch.partition("/")[0]
        if unknown in _USUAL and "/" in branch:
            add = self._command("remote", "add", unknown, "URL")
            fetch = self._command("fetch", unknown, branch.partition("/")[2])
            return f"there is no remote {unknown} here: {add}, then {fetch}"
        return self._plain(base, suffix, [name.split("/", 2)[-1] for name in names])

    def _plain(self, base: str, suffix: str, names: Sequence[str]) -> str:
        """Return the hint for a name without a remote."""
        close = closest(base, names, cutoff=0.75)
        meant = f"did you mean git:{close}{suffix}? If not: " if close else ""
        remote = self._remote()
        if not remote:
            return f"{meant}there is no remote to fetch it from; git branch --all and git tag list the available names"
        if _OBJECT.match(base) and len(base) not in _FULL and not close:
            shallow = self.git("rev-parse", "--is-shallow-repository") == "true"
            fetch = self._command("fetch", *(["--unshallow"] if shallow else []), remote)
            return f"{fetch}, if a branch of {remote} has it; other commits are fetched by their full name only"
        tag = re.fullmatch(r"(?:refs/)?tags/(.+)", base)
        if tag is not None:
            return f"{meant}{self._command('fetch', remote, 'tag', tag[1])}, if {remote} has that tag"
        if suffix.startswith("@{"):
            return f"{meant}this clone has no reflog of {base}; use the commit itself"
        name = re.sub(r"\A(?:refs/)?heads/", "", base)
        fetch = self._command("fetch", remote, name)
        shallow = self.git("rev-parse", "--is-shallow-repository") == "true"
        clone = "this clone is shallow and may lack it: " if shallow and not meant else ""
        return f"{meant}{clone}{fetch}, then compare with git:FETCH_HEAD{suffix}, if {remote} has it"

    def _of_remote(self, branch: str) -> tuple[str, str] | None:
        """Split a name into a remote and its branch. If several remotes fit, the longest name wins."""
        fitting = [remote for remote in self._remotes() if branch.startswith(f"{remote}/")]
        remote = max(fitting, key=len, default="")
        return (remote, branch.removeprefix(f"{remote}/")) if remote else None

    def _tracking(self, remote: str, branch: str) -> str:
        """Return the hint for a remote's branch that was not fetched. Not every clone stores it under that name."""
        kept = (self.git("config", "--get-all", f"remote.{remote}.fetch") or "").split("\n")
        is_kept = any(
            spec.removeprefix("+").partition(":")[0] in {"refs/heads/*", f"refs/heads/{branch}"}
            for spec in kept
            if ":refs/remotes/" in spec
        )
        if branch == "HEAD":
            return f"{self._command('remote', 'set-head', remote, '--auto')} sets it"
        where = "" if is_kept else f":refs/remotes/{remote}/{branch}"
        return f"fetch it: {self._command('fetch', remote, branch + where)}"

    def _remotes(self) -> Sequence[str]:
        return [name for name in (self.git("remote") or "").split("\n") if name]

    def _remote(self) -> str:
        """Return the remote to fetch from: origin, or else the first; empty if there is none."""
        remotes = self._remotes()
        return "origin" if "origin" in remotes else next(iter(remotes), "")
