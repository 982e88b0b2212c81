"""Keeps one pull request with the edits that accept drift. It closes itself when the drift is gone.

Takes the edits that `drift` prepared, and GitHub's API; needs no clone. Commits of other authors are never overwritten:
a branch whose newest commit the action did not make is left alone. Each commit is a child of the newest one, so the
branch is never forced, and GitHub refuses the update if someone pushes at the same time.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from reconcile_steps import comment
from reconcile_steps.edits import FORMAT, VERSION
from reconcile_steps.github import GitHub, NotFound
from reconcile_steps.job import Failed, Job

GONE = "The account no longer differs from the configuration, so there is nothing to accept."
NOTHING_LEFT = "No remaining difference can be accepted. The summary of the run shows why."
_TRAILER = re.compile(r"^Reconciler-(Edits|Base|Seal): (\S+)$", re.MULTILINE)
_FINDINGS = re.compile(r"^<!-- reconciler:findings((?: [0-9a-f]{12})*) -->$", re.MULTILINE)
_COMMIT = re.compile(r"[0-9a-f]{40,64}")


def main(job: Job) -> int:
    """Create, update, or close the pull request; set the output `pull-request-url`."""
    url = _Keeper(job, GitHub(job), load_edits(job)).keep()
    job.output("pull-request-url", url)
    return 0


def load_edits(job: Job) -> dict[str, Any]:
    """Load the edits of the input `edits`.

    Raises:
        Failed: There are none.
    """
    file = Path(job.input("edits")) / "edits.json"
    try:
        found = json.loads(file.read_bytes()) if job.input("edits") else None
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict) or (found.get("format"), found.get("format_version")) != (FORMAT, VERSION):
        raise Failed("invalid input edits: no edits. Name the folder that drift prepared with the input accept")
    return found


@dataclass(frozen=True, slots=True)
class _Commit:
    """The newest commit of the branch, which the action made.

    Attributes:
        sha: Its digest.
        edits: The digest of its edits.
        base: The commit that it edits.
    """

    sha: str
    edits: str
    base: str


class _Keeper:
    """Keeps one pull request."""

    def __init__(self, job: Job, github: GitHub, edits: dict[str, Any]) -> None:
        self._job = job
        self._github = github
        self._edits = edits
        self._branch = str(edits["branch"])
        self._former = str(edits.get("former_branch", self._branch))
        self._findings = frozenset(map(str, edits["findings"]))

    def keep(self) -> str:
        """Create, update, or close the pull request; return its URL, empty for none."""
        own = self._own_pull_requests(self._branch)
        head = self._head(self._branch)
        if not own and not head and self._former != self._branch:
            own, head = self._continue_former()
        is_open = [item for item in own if item["state"] == "open"]
        commit = self._own_commit(head) if head else None
        if head and commit is None:
            return self._leave(head, is_open)
        if not self._edits["files"]:
            return self._close(own, is_open, commit)
        declined = _findings_of(own[0]) if own and not is_open and not own[0].get("merged_at") else frozenset()
        if declined and self._findings <= declined:
            self._forget(own[0], declined & self._findings)
            sys.stdout.write(f"{own[0]['html_url']} was closed, and there is no other difference since.\n")
            return ""
        self._push(commit)
        return self._show(is_open)

    # --- the pull request ---------------------------------------------------------------------------------------------

    def _continue_former(self) -> tuple[list[dict[str, Any]], str]:
        """Keep the branch of an earlier version of the action if it is there.

        Returns:
            The action's pull requests from it, and its newest commit; empty if it is not kept.
        """
        own = self._own_pull_requests(self._former)
        head = self._head(self._former) if own else ""
        is_open = any(item["state"] == "open" for item in own)
        if not head or not (is_open or self._own_commit(head) is not None):
            return own, ""
        self._branch = self._former
        return own, head

    def _own_pull_requests(self, branch: str) -> list[dict[str, Any]]:
        """List the action's pull requests from a branch, the newest first."""
        owner = self._job.repository.partition("/")[0]
        query = {"state": "all", "head": f"{owner}:{branch}", "sort": "created", "direction": "desc"}
        mark, author = self._edits["mark"], self._job.input("author")
        return [item for item in self._github.pages("pulls", query) if comment.is_own(item, mark, author)]

    def _body(self) -> str:
        """Build the body: the edits, and what merging and closing mean."""
        hidden = f"<!-- reconciler:findings{''.join(f' {key}' for key in sorted(self._findings))} -->"
        footer = (
            "---\n"
            "**Merge** this pull request to keep the live values; the next apply then leaves them. **Close** it to "
            "keep the configuration: the next apply reverts them, and the same differences do not open another pull "
            "request. It closes itself when the drift is gone.\n\n"
            f"Updated by [this run]({self._job.run_url}) from commit {self._edits['commit']}. After another author "
            "pushes to its branch, it is no longer updated. If its checks do not start, approve them, or "
            "close and reopen it."
        )
        head = f"{self._edits['mark']}\n{hidden}\n"
        body = f"{head}{self._edits['markdown'].rstrip()}\n\n{footer}\n"
        return comment.within_limit(body, f"{head}### Accept drift\n\nThe changed files show the edits.\n\n{footer}\n")

    def _show(self, is_open: list[dict[str, Any]]) -> str:
        text = {"title": self._edits["title"], "body": self._body()}
        if is_open:
            kept = self._github.send("PATCH", f"pulls/{is_open[0]['number']}", text)
        else:
            kept = self._github.send("POST", "pulls", {**text, "head": self._branch, "base": self._edits["base"]})
        author = self._job.input("author")
        if not comment.is_own(kept, self._edits["mark"], author):
            writer = (kept.get("user") or {}).get("login")
            raise Failed(f"the author of the pull request is {writer}, not {author}. Set the input author")
        return str(kept.get("html_url", ""))

    def _close(self, own: list[dict[str, Any]], is_open: list[dict[str, Any]], commit: _Commit | None) -> str:
        """Close the pull request, and delete its branch."""
        reason = NOTHING_LEFT if self._findings else GONE
        for item in is_open:
            self._github.send("POST", f"issues/{item['number']}/comments", {"body": reason})
            body = _with_findings(str(item["body"]), frozenset())
            self._github.send("PATCH", f"pulls/{item['number']}", {"state": "closed", "body": body})
        if commit is not None:
            self._github.send("DELETE", f"git/refs/heads/{quote(self._branch)}", {})
        if own and not is_open:
            self._forget(own[0], _findings_of(own[0]) & self._findings)
        return str(is_open[0]["html_url"]) if is_open else ""

    def _forget(self, item: dict[str, Any], kept: frozenset[str]) -> None:
        """Forget findings of a closed pull request that are gone: if they come back, they are new."""
        if kept != _findings_of(item):
            body = _with_findings(str(item["body"]), kept)
            self._github.send("PATCH", f"pulls/{item['number']}", {"body": body})

    def _leave(self, head: str, is_open: list[dict[str, Any]]) -> str:
        """Say that the branch has commits of another author."""
        message = (
            f"branch {self._branch} is left alone: the action did not make its newest commit {head}. Merge its pull "
            "request, or delete the branch; the next run then continues"
        )
        self._job.warning(message)
        self._job.summary(f"⚠️ {message}.")
        return str(is_open[0]["html_url"]) if is_open else ""

    # --- the branch ---------------------------------------------------------------------------------------------------

    def _head(self, branch: str) -> str:
        """Return the newest commit of a branch; empty if there is no branch."""
        try:
            found = self._github.get(f"git/ref/heads/{quote(branch)}")
        except NotFound:
            return ""
        return str(found["object"]["sha"])

    def _own_commit(self, sha: str) -> _Commit | None:
        """Return a commit if the action made it, with exactly this content and these parents."""
        found = self._github.get(f"git/commits/{sha}")
        trailers = dict(_TRAILER.findall(str(found["message"])))
        edits, base = trailers.get("Edits", ""), trailers.get("Base", "")
        parents = [str(parent["sha"]) for parent in found["parents"]]
        seal = self._seal(str(found["tree"]["sha"]), parents, edits, base)
        return _Commit(sha, edits, base) if trailers.get("Seal") == seal else None

    def _seal(self, tree: str, parents: list[str], edits: str, base: str) -> str:
        """Return the digest by which the action knows its own commits: an amended one has another tree or parent."""
        return _digest(self._edits["mark"], tree, *parents, edits, base)

    def _push(self, head: _Commit | None) -> None:
        """Make a commit with the edits, unless the newest one has the same."""
        base = str(self._edits["commit"])
        if not _COMMIT.fullmatch(base):
            raise Failed("invalid edits: they name no commit")
        files = self._edits["files"]
        edits = _digest(*(f"{file['path']}\0{file['mode']}\0{file['before']}\0{file['after']}" for file in files))
        if head is not None and head.edits == edits:
            return
        send = self._github.send
        entries = []
        for file in files:
            blob = send("POST", "git/blobs", {"content": file["content"], "encoding": "base64"})["sha"]
            entries.append({"path": file["path"], "mode": file["mode"], "type": "blob", "sha": blob})
        former = self._github.get(f"git/commits/{base}")["tree"]["sha"]
        tree = str(send("POST", "git/trees", {"base_tree": former, "tree": entries})["sha"])
        parents = [base] if head is None else [head.sha] if head.base == base else [head.sha, base]
        message = (
            f"Accept drift into the configuration\n\nReconciler-Edits: {edits}\nReconciler-Base: {base}\n"
            f"Reconciler-Seal: {self._seal(tree, parents, edits, base)}\n"
        )
        commit = send("POST", "git/commits", {"message": message, "tree": tree, "parents": parents})["sha"]
        if head is None:
            send("POST", "git/refs", {"ref": f"refs/heads/{self._branch}", "sha": commit})
        else:
            send("PATCH", f"git/refs/heads/{quote(self._branch)}", {"sha": commit, "force": False})


def _digest(*parts: str) -> str:
    return "sha256:" + hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _findings_of(item: dict[str, Any]) -> frozenset[str]:
    """Return the findings that a pull request shows, by its hidden line."""
    found = _FINDINGS.search(str(item.get("body") or "").replace("\r", ""))
    return frozenset(found[1].split()) if found else frozenset()


def _with_findings(body: str, findings: frozenset[str]) -> str:
    line = f"<!-- reconciler:findings{''.join(f' {key}' for key in sorted(findings))} -->"
    return _FINDINGS.sub(line, body.replace("\r", ""), count=1)
