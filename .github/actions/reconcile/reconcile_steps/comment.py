"""What stands in comments, issues and summaries: made from what `reconciler` rendered, and the same every time.

Takes texts; gives a body that one comment has room for. Its first line is ours alone, and how it is found again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from reconcile_steps.run import Ended

LIMIT = 65_536
"""GitHub takes no longer one."""
LOG_LIMIT = 20_000

NOT_SENT = "⛔ Not applied: no plan that was reviewed fits. Nothing was sent"


def marker(command: str, path: str, environment: str) -> str:
    """The first line of a body: invisible, and the same for every run about the same thing."""
    parts = [quote(part, safe="").replace("-", "%2D") for part in (command, path, environment)]
    return f"<!-- reconciler:action {' '.join(part or '.' for part in parts)} -->"


def plan_body(mark: str, markdown: str, *, digest: str, head: str, planned: str, run_url: str) -> str:
    """The comment on a plan; who has the plan can make it again and compare.

    Args:
        mark: the first line.
        markdown: the plan, as `reconciler` shows it.
        digest: of the plan's file.
        head: the newest commit of the pull request.
        planned: the commit whose files were planned: that one merged into its base.
        run_url: where it was planned.
    """
    footer = f"---\nPlan `{digest}` of {head}, merged as {planned}, by [this run]({run_url})."
    body = f"{mark}\n{markdown.rstrip()}\n\n{footer}\n"
    if _size(body) > LIMIT:
        body = f"{mark}\n### The plan is too long for a comment\n\nThe summary of the run shows it.\n\n{footer}\n"
    return body


def told_body(mark: str, heading: str, said: str, *, commit: str, run_url: str) -> str:
    """The comment on how something ended, with what was said about it."""
    parts = [f"{mark}\n### {heading}"]
    if said.strip():
        parts.append(fenced(said))
    parts.append(f"---\nCommit {commit}, [this run]({run_url}).\n")
    return "\n\n".join(parts)


def ended_body(mark: str, heading: str, ended: Ended, *, commit: str, run_url: str) -> str:
    """The comment on how a command ended: in its own words, or in what it said when it came to none."""
    footer = f"---\nCommit {commit}, [this run]({run_url})."
    body = f"{mark}\n{ended.markdown.rstrip()}\n\n{footer}\n"
    if not ended.markdown.strip() or _size(body) > LIMIT:
        return told_body(mark, heading, ended.said, commit=commit, run_url=run_url)
    return body


def drift_body(mark: str, markdown: str, *, run_url: str) -> str:
    """The issue on a drift."""
    footer = f"---\nAs seen by [this run]({run_url}). This issue is closed when the difference is gone."
    body = f"{mark}\n{markdown.rstrip()}\n\n{footer}\n"
    if _size(body) > LIMIT:
        body = f"{mark}\n### The account differs from the files\n\nThe summary of the run shows how.\n\n{footer}\n"
    return body


def fenced(text: str) -> str:
    """A text as a block of code that it cannot close, its end where it is too long."""
    text = text.strip("\n").replace("\r", "")
    if len(text) > LOG_LIMIT:
        text = "…\n" + text[-LOG_LIMIT:]
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}text\n{text}\n{ticks}"


def _size(body: str) -> int:
    """How long a body is by the longer of two counts: some take a character beyond the first 65,536 for two."""
    return len(body.encode("utf-16-le", "surrogatepass")) // 2


def is_ours(item: Mapping[str, Any], mark: str, author: str) -> bool:
    """Whether a comment or an issue is the one with this first line, written by us."""
    body = str(item.get("body") or "")
    writer = item.get("user") or {}
    return writer.get("login") == author and same(body.partition("\n")[0]) == mark


def same(body: str) -> str:
    """A body in the one spelling in which two are compared: GitHub may keep other line ends."""
    return "\n".join(line.rstrip() for line in body.replace("\r\n", "\n").strip().split("\n"))
