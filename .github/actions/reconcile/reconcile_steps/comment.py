"""Builds the bodies of comments, issues, and summaries from what `reconciler` rendered; equal inputs give equal bodies.

Takes texts; gives a body that fits into one comment. Its first line is unique to the action, which finds it by that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from reconcile_steps.result import CommandResult

LIMIT = 65_536
"""The longest comment that GitHub accepts."""
LOG_LIMIT = 20_000

NOT_SENT = "⛔ Not applied: no reviewed plan fits. Nothing was sent"


def marker(command: str, path: str, environment: str) -> str:
    """Return the first line of a body: invisible, and the same for every run on the same configuration."""
    parts = [quote(part, safe="").replace("-", "%2D") for part in (command, path, environment)]
    return f"<!-- reconciler:action {' '.join(part or '.' for part in parts)} -->"


def plan_body(mark: str, markdown: str, *, digest: str, head: str, planned: str, run_url: str) -> str:
    """Build the comment on a plan. It can be rebuilt from the plan, and compared.

    Args:
        mark: The first line.
        markdown: The plan, as `reconciler` renders it.
        digest: The digest of the plan file.
        head: The head commit of the pull request.
        planned: The commit that was planned: the head merged into its base.
        run_url: The URL of the run that planned it.
    """
    footer = f"---\nPlan `{digest}` of {head}, merged as {planned}, by [this run]({run_url})."
    body = f"{mark}\n{markdown.rstrip()}\n\n{footer}\n"
    if _size(body) > LIMIT:
        body = f"{mark}\n### The plan is too long for a comment\n\nThe summary of the run shows it.\n\n{footer}\n"
    return body


def unchanged_body(mark: str, *, commit: str, run_url: str) -> str:
    """Build the comment that replaces the one on an earlier plan of a pull request without changes."""
    text = "### No changes\n\nThis pull request does not change the configuration, so there is nothing to apply."
    return f"{mark}\n{text}\n\n---\nCommit {commit}, [this run]({run_url}).\n"


def log_body(mark: str, heading: str, output: str, *, commit: str, run_url: str) -> str:
    """Build a comment from a heading and the output of a command."""
    parts = [f"{mark}\n### {heading}"]
    if output.strip():
        parts.append(fenced(output))
    parts.append(f"---\nCommit {commit}, [this run]({run_url}).\n")
    return "\n\n".join(parts)


def result_body(mark: str, heading: str, result: CommandResult, *, commit: str, run_url: str) -> str:
    """Build the comment on the result of a command: its Markdown, or its output if it has none."""
    footer = f"---\nCommit {commit}, [this run]({run_url})."
    body = f"{mark}\n{result.markdown.rstrip()}\n\n{footer}\n"
    if not result.markdown.strip() or _size(body) > LIMIT:
        return log_body(mark, heading, result.output, commit=commit, run_url=run_url)
    return body


def drift_body(mark: str, markdown: str, *, run_url: str, branch: str = "") -> str:
    """Build the issue on a drift.

    Args:
        mark: The first line.
        markdown: The drift, as `reconciler` renders it.
        run_url: The URL of the run that found it.
        branch: The branch with the edits that accept it; empty for none.
    """
    accepted = f" A pull request from the branch `{branch}` accepts what can be accepted." if branch else ""
    footer = f"---\nDetected by [this run]({run_url}).{accepted} This issue is closed when the drift is gone."
    heading = "### Drift: the account differs from the configuration"
    return within_limit(
        f"{mark}\n{markdown.rstrip()}\n\n{footer}\n",
        f"{mark}\n{heading}\n\nThe summary of the run shows the drift.\n\n{footer}\n",
    )


def within_limit(body: str, short: str) -> str:
    """Return a body, or a short one if it is too long."""
    return body if _size(body) <= LIMIT else short


def room_in(body: str) -> int:
    """Return how many characters a body may get in addition."""
    return LIMIT - _size(body) - 1


def fenced(text: str) -> str:
    """Return a text as a code block that it cannot close; only the end of a long one."""
    text = text.strip("\n").replace("\r", "")
    if len(text) > LOG_LIMIT:
        text = "…\n" + text[-LOG_LIMIT:]
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}text\n{text}\n{ticks}"


def _size(body: str) -> int:
    """Return the length in UTF-16 units: GitHub may count a character above U+FFFF as two."""
    return len(body.encode("utf-16-le", "surrogatepass")) // 2


def is_own(item: Mapping[str, Any], mark: str, author: str) -> bool:
    """Return whether a comment or an issue has this first line and this author."""
    body = str(item.get("body") or "")
    writer = item.get("user") or {}
    return writer.get("login") == author and normalize(body.partition("\n")[0]) == mark


def normalize(body: str) -> str:
    """Return a body in the form in which two are compared: GitHub may store other line endings."""
    return "\n".join(line.rstrip() for line in body.replace("\r\n", "\n").strip().split("\n"))
