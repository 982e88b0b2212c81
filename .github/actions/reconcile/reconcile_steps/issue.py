"""Keeps one issue open while there is drift, with the history of its findings in a hidden line.

Takes what `run` prepared, and GitHub's API. A finding notifies when it is new, and again when it is due for a reminder:
GitHub notifies of a new issue and of a comment, but not of an edited text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from reconcile_steps import comment, history
from reconcile_steps.github import GitHub
from reconcile_steps.job import Job

GONE = "The account matches the configuration."


def recall(job: Job) -> int:
    """Save the history for the drift that follows: of the open issue, or of one that was closed lately."""
    mark, github = comment.marker("drift", job.input("path"), job.input("env")), GitHub(job)
    issues = own_issues(job, github, mark)
    if not issues:
        query = {"state": "closed", "sort": "updated", "direction": "desc", "per_page": "100"}
        issues = _own(job, github.get("issues", query), mark)
    if issues:
        history.save(job, str(issues[0].get("body") or ""))
    return 0


def own_issues(job: Job, github: GitHub, mark: str) -> list[dict[str, Any]]:
    """List the open issues of the action, the oldest first."""
    return _own(job, github.pages("issues", {"state": "open", "sort": "created", "direction": "asc"}), mark)


def _own(job: Job, items: Iterable[dict[str, Any]], mark: str) -> list[dict[str, Any]]:
    author = job.input("author")
    return [item for item in items if "pull_request" not in item and comment.is_own(item, mark, author)]


def keep_issue(job: Job, github: GitHub, wanted: Mapping[str, Any]) -> str:
    """Keep one issue open while there is drift, and close it afterwards; return its URL if there is one."""
    ours = own_issues(job, github, wanted["mark"])
    if not wanted["open"]:
        for item in ours:
            github.send("POST", f"issues/{item['number']}/comments", {"body": GONE})
            body = history.replaced(str(item.get("body") or ""), wanted["history"])
            closed = {"state": "closed", "state_reason": "completed", "body": body}
            github.send("PATCH", f"issues/{item['number']}", closed)
        return str(ours[0].get("html_url", "")) if ours else ""
    text = {"title": wanted["title"], "body": wanted["body"]}
    if not ours:
        return str(github.send("POST", "issues", text).get("html_url", ""))
    first, *others = ours
    for item in others:
        github.send("PATCH", f"issues/{item['number']}", {"state": "closed", "state_reason": "not_planned"})
    kept = github.send("PATCH", f"issues/{first['number']}", text)
    if wanted["due"]:
        github.send("POST", f"issues/{first['number']}/comments", {"body": wanted["due"]})
    return str(kept.get("html_url", ""))


def load_messages(job: Job) -> dict[str, Any]:
    """Load the comment and the issue that earlier steps prepared."""
    found: dict[str, Any] = json.loads((job.folder / "messages.json").read_text(encoding="utf-8"))
    return found
