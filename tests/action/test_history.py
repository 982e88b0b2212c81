"""The history of drift in the action's issue: the hidden line, who can edit it, and what notifies."""

from __future__ import annotations

import base64
import json
import random
import zlib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from reconcile_steps import comment, history, issue, run
from reconcile_steps.github import GitHub as Client
from reconcile_steps.job import Failed, Job

from reconciler.documents.conversion import from_content
from reconciler.documents.drift_log import SightingPart
from reconciler.documents.writing import to_content
from tests.action.stand_in import BOT, GitHub, Token, served
from tests.action.test_steps import WRITES, job

MARK = comment.marker("drift", ".", "")
ROLE = "services.support.roles.agent"


@pytest.fixture
def stand_in() -> Iterator[GitHub]:
    with served(GitHub()) as found:
        found.tokens["ghs_token"] = Token(BOT, WRITES)
        yield found


def row(address: str = ROLE, first: int = 1, last: int = 2, notified: int = 1, gone: int = 0) -> dict[str, Any]:
    """A row of the history, with days of a month as times."""

    def text(day: int) -> str:
        return f"2026-01-{day:02}T00:00:00Z" if day else ""

    return {
        "account_sid": "AC1", "env": "", "address": address, "field": "permissions", "kind": "role", "class": "drifted",
        "first_seen": text(first), "last_seen": text(last), "gone": text(gone),
        "notified": {"github": text(notified)},
    }  # fmt: skip


def folder_job(folder: Path, **more: str) -> Job:
    return Job({"FOLDER": str(folder), "INPUT_REMIND": "7", **more})


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    rows = [row(), row("a.b", gone=2)]
    body = f"{MARK}\n{history.hidden_line(rows, 10_000)}\n### Drift\n".replace("\n", "\r\n")
    told = folder_job(tmp_path)
    history.save(told, body)
    assert history.load(told) == rows
    # The row of the action is the row of `drift --history`.
    assert {field.metadata.get("alias", field.name) for field in fields(SightingPart)} == history._KEYS
    assert all(to_content(from_content(SightingPart, one)) == one for one in rows)


def _line(data: bytes) -> str:
    return f"<!-- reconciler:history whole {base64.b64encode(data).decode()} -->"


EDITED = [
    "", "<!-- reconciler:history whole  -->", "<!-- reconciler:history whole AAAA -->", _line(zlib.compress(b"{}")),
    _line(zlib.compress(b"[1]")), _line(zlib.compress(b"[" * 100_000)), _line(b"[]"),
    *(
        _line(zlib.compress(json.dumps([row() | change]).encode()))
        for change in ({"gone": "soon"}, {"first_seen": ""}, {"more": "x"}, {"field": 1}, {"address": "a\nb"},
                       {"notified": "x"}, {"notified": {"github": "soon"}}, {"notified": {"a\nb": ""}})
    ),
    _line(zlib.compress(b"[" + b" " * 10_000_000 + b"]")),
]  # fmt: skip


@pytest.mark.parametrize("line", EDITED, ids=range(len(EDITED)))
def test_a_line_that_was_edited_is_not_used(tmp_path: Path, line: str) -> None:
    told = folder_job(tmp_path)
    history.save(told, f"{MARK}\n{line}\n")
    assert history.load(told) == []
    assert history.due_text(told, [row()], "7") == ""


def test_findings_that_are_gone_leave_first(tmp_path: Path) -> None:
    draw = random.Random(1)
    # Names that do not compress.
    names = [f"addresses.a{draw.getrandbits(200):x}" for _ in range(80)]
    remaining, gone = [row(name) for name in names[:20]], [row(name, gone=3) for name in names[20:]]
    whole = len(history.hidden_line(remaining, 10**6))
    line = history.hidden_line([*gone, *remaining], whole + 500)
    assert line.startswith("<!-- reconciler:history whole ")
    told = folder_job(tmp_path)
    history.save(told, line)
    assert history.load(told)[:20] == remaining
    part = history.hidden_line(remaining, whole // 2)
    assert part.startswith("<!-- reconciler:history part ")
    # Then it is unknown what is new.
    other = tmp_path / "other"
    other.mkdir()
    history.save(folder_job(other), part)
    assert history.due_text(folder_job(other), [row(last=2, notified=2)], "7") == ""
    assert history.hidden_line(remaining, 10) == ""


def test_a_comment_names_what_is_new_and_what_is_due(tmp_path: Path) -> None:
    told = folder_job(tmp_path)
    history.save(told, history.hidden_line([row()], 1_000))
    rows = [
        row("old", 1, 9, 1), row("due", 1, 9, 9), row("new", 9, 9, 9), row("```\n# x", 9, 9, 9),
        row("gone", 1, 8, 8, 9),
    ]  # fmt: skip
    assert history.due_text(told, rows, "7") == (
        "**New since the last run:**\n\n````text\nnew.permissions\n```\n# x.permissions\n````\n\n"
        "**Still there after 7 days:**\n\n```text\ndue.permissions\n```"
    )
    assert history.due_text(told, rows[:1], "7") == ""
    many = [row(f"a{number}", 9, 9, 9) for number in range(60)]
    assert "\n… 10 more\n" in history.due_text(told, many, "7")


@pytest.mark.parametrize("remind", ["x", "-1", "1.5"])
def test_an_invalid_reminder_is_refused(tmp_path: Path, remind: str) -> None:
    with pytest.raises(Failed, match="invalid input remind"):
        run._history_options(folder_job(tmp_path, INPUT_REMIND=remind))


def test_the_issue_carries_its_history_from_run_to_run(stand_in: GitHub, tmp_path: Path) -> None:
    wanted = {"open": True, "mark": MARK, "title": "Drift", "due": ""}
    first = history.hidden_line([row()], 1_000)
    told = job(stand_in, tmp_path, INPUT_PATH=".")
    issue.keep_issue(told, Client(told), wanted | {"body": f"{MARK}\n{first}\nIt\n", "history": first})
    [kept] = stand_in.issues.values()
    issue.recall(told)
    assert history.load(told) == [row()]
    # A new finding comments, because an edited text notifies no one.
    second = history.hidden_line([row(), row("new", 3, 3, 3)], 1_000)
    body = f"{MARK}\n{second}\nIt\n"
    issue.keep_issue(told, Client(told), wanted | {"body": body, "history": second, "due": "**New**"})
    assert (kept["body"], stand_in.bodies(kept["number"])) == (body, ["**New**"])
    # At the end, the closed issue has the whole history.
    last = history.hidden_line([row(gone=4), row("new", 3, 3, 3, 4)], 1_000)
    issue.keep_issue(told, Client(told), wanted | {"open": False, "body": "", "history": last})
    assert (kept["state"], kept["body"]) == ("closed", f"{MARK}\n{last}\nIt\n")
    assert stand_in.bodies(kept["number"]) == ["**New**", issue.GONE]
    # The next issue continues it.
    history.file_of(told).unlink()
    issue.recall(told)
    assert [one["gone"] for one in history.load(told)] == [row(gone=4)["gone"]] * 2
