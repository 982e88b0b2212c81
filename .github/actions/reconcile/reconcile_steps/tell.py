"""Tells on GitHub what the steps before left to be told: one comment, one issue, each edited and not added to.

The only step that writes to GitHub. It runs nothing, and reads nothing but the event and what `run` or `reviewed` left.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from reconcile_steps.comment import is_ours, same
from reconcile_steps.github import GitHub
from reconcile_steps.job import Failed, Job


def main(job: Job) -> int:
    """Tell what there is to tell."""
    told: dict[str, Any] = json.loads((job.folder / "tell.json").read_text(encoding="utf-8"))
    if job.flag("comment") and "comment" in told:
        number = _pull_request(job, told)
        if number:
            job.output("comment-url", keep_comment(job, GitHub(job), number, told["comment"]))
        else:
            sys.stdout.write("There is no pull request to comment on.\n")
    if job.flag("issue") and "issue" in told:
        job.output("issue-url", keep_issue(job, GitHub(job), told["issue"]))
    return 0


def _pull_request(job: Job, told: dict[str, Any]) -> int:
    """The number of the pull request to comment on; 0 for none."""
    event = job.pull_request()
    if event:
        if (event.get("head", {}).get("repo") or {}).get("full_name") != job.repository:
            sys.stdout.write("A pull request from a fork: nothing that it says is repeated in our name.\n")
            return 0
        return int(event["number"])
    text = job.input("pull-request") or str(told.get("pull_request") or "0")
    if not text.isdecimal():
        raise Failed(f"the input pull-request takes a number, not {text!r}")
    return int(text)


def keep_comment(job: Job, github: GitHub, number: int, body: str) -> str:
    """Make the comment with this body's first line say this; give its URL.

    Raises:
        Failed: GitHub kept another text than it was given.
    """
    mark = body.partition("\n")[0]
    author = job.input("author")
    found = (item for item in github.pages(f"issues/{number}/comments") if is_ours(item, mark, author))
    former = next(found, None)
    if former is None:
        kept = github.send("POST", f"issues/{number}/comments", {"body": body})
    else:
        kept = github.send("PATCH", f"issues/comments/{former['id']}", {"body": body})
    if same(str(kept.get("body"))) != same(body):
        # `reviewed` compares what stands there with the plan; better to hear of it now than at the merge.
        raise Failed("GitHub keeps another text of the comment than it was given")
    if not is_ours(kept, mark, author):
        raise Failed(f"the comment is by {kept.get('user', {}).get('login')}, not by {author}: set the input author")
    return str(kept.get("html_url", ""))


def keep_issue(job: Job, github: GitHub, wanted: dict[str, Any]) -> str:
    """Keep one issue open while there is something to tell, and none otherwise; give its URL, if there was one."""
    author = job.input("author")
    ours = [
        item
        for item in github.pages("issues", {"state": "open", "sort": "created", "direction": "asc"})
        if "pull_request" not in item and is_ours(item, wanted["mark"], author)
    ]
    if not wanted["open"]:
        for item in ours:
            github.send("POST", f"issues/{item['number']}/comments", {"body": "The account is as the files say."})
            github.send("PATCH", f"issues/{item['number']}", {"state": "closed", "state_reason": "completed"})
        return str(ours[0].get("html_url", "")) if ours else ""
    text = {"title": wanted["title"], "body": wanted["body"]}
    if not ours:
        return str(github.send("POST", "issues", text).get("html_url", ""))
    first, *others = ours
    for item in others:
        github.send("PATCH", f"issues/{item['number']}", {"state": "closed", "state_reason": "not_planned"})
    return str(github.send("PATCH", f"issues/{first['number']}", text).get("html_url", ""))
