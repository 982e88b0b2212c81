"""Publishes the comment and the issue that earlier steps prepared; each is edited rather than posted again.

It runs no command, and reads only the event and what `run` or `reviewed` prepared.
"""

from __future__ import annotations

import sys
from typing import Any

from reconcile_steps.comment import is_own, normalize
from reconcile_steps.github import GitHub
from reconcile_steps.issue import keep_issue, load_messages
from reconcile_steps.job import Failed, Job


def main(job: Job) -> int:
    """Publish what earlier steps prepared."""
    messages = load_messages(job)
    if job.flag("comment") and "comment" in messages:
        number = _pull_request(job, messages)
        if number:
            is_edit = bool(messages.get("is_edit"))
            url = keep_comment(job, GitHub(job), number, messages["comment"], is_edit=is_edit)
            job.output("comment-url", url)
        else:
            sys.stdout.write("No pull request to comment on.\n")
    if job.flag("issue") and "issue" in messages:
        job.output("issue-url", keep_issue(job, GitHub(job), messages["issue"]))
    return 0


def _pull_request(job: Job, messages: dict[str, Any]) -> int:
    """Return the number of the pull request to comment on; 0 for none."""
    event = job.pull_request()
    if event:
        if (event.get("head", {}).get("repo") or {}).get("full_name") != job.repository:
            sys.stdout.write("The pull request comes from a fork, so its output is not posted as a comment.\n")
            return 0
        return int(event["number"])
    text = job.input("pull-request") or str(messages.get("pull_request") or "0")
    if not text.isdecimal():
        raise Failed(f"invalid input pull-request: {text!r}. Use a number")
    return int(text)


def keep_comment(job: Job, github: GitHub, number: int, body: str, *, is_edit: bool = False) -> str:
    """Create or edit the comment with this body's first line; return its URL.

    Args:
        job: The job.
        github: The repository.
        number: The pull request.
        body: The text.
        is_edit: Whether only an existing comment is edited. Without one, the URL is empty.

    Raises:
        Failed: GitHub stored another text, or the comment has another author.
    """
    mark = body.partition("\n")[0]
    author = job.input("author")
    found = (item for item in github.pages(f"issues/{number}/comments") if is_own(item, mark, author))
    former = next(found, None)
    if former is None and is_edit:
        return ""
    if former is None:
        kept = github.send("POST", f"issues/{number}/comments", {"body": body})
    else:
        kept = github.send("PATCH", f"issues/comments/{former['id']}", {"body": body})
    if normalize(str(kept.get("body"))) != normalize(body):
        # `reviewed` compares the comment with the plan; fail now rather than at the merge.
        raise Failed("GitHub stored another text of the comment than was sent")
    if not is_own(kept, mark, author):
        raise Failed(
            f"the author of the comment is {kept.get('user', {}).get('login')}, not {author}. Set the input author"
        )
    return str(kept.get("html_url", ""))
