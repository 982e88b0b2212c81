"""``drift --history``, ``--remind``, and ``drift log``: over several runs, from the command line."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import console
from reconciler.documents.drift import DriftFile, drift_document
from reconciler.errors import UsageError
from reconciler.workflow.drift_history import read_drift_log, record_drift, record_report
from tests.cli.conftest import FILES
from tests.commands import Result
from tests.render import plan_samples as samples

Cli = Callable[..., Result]
EMULATED = ("--emulator", "demo.db")
HISTORY = (*EMULATED, "--history", "drift.db")
NAME = "services.support.roles.agent"
_LONG_AGO = """UPDATE finding SET notified = '{"chat": "2020-01-01T00:00:00Z", "json": "2020-01-01T00:00:00Z"}'"""


@pytest.fixture
def drifted(cli: Cli, files: Path) -> Path:
    assert cli("apply", *EMULATED, "--yes").code == 0
    files.write_text(FILES.replace("[sendMessage]", "[leaveConversation]"))
    return files


def _at(moment: str, *, drift: DriftFile | None = None) -> DriftFile:
    found = drift_document(samples.GOLDEN_PLANS["baseline"]) if drift is None else drift
    return replace(found, created_at=moment)


def test_each_finding_shows_its_age_in_every_format(cli: Cli, drifted: Path) -> None:
    assert drifted.exists()
    assert cli("drift", *HISTORY).code == 2
    with sqlite3.connect("drift.db") as connection:
        connection.execute("UPDATE finding SET first_seen = '2020-01-01T00:00:00Z'")
    for name in ("text", "markdown", "html"):
        assert "first seen 2020-01-01, " in cli("drift", *HISTORY, "--format", name).out
    assert "Timeline" in cli("drift", *HISTORY, "--format", "html").out
    [found] = cli("drift", *HISTORY, "--format", "json").json["differences"]
    assert found["fields"][0]["first_seen"] == "2020-01-01T00:00:00Z"
    assert cli("drift", *HISTORY, "--metrics", "m.prom").code == 2
    assert 'reconciler_drift_oldest_finding_age_seconds{environment="",class="differs"} ' in Path("m.prom").read_text()


def test_the_log_shows_when_a_finding_was_gone(cli: Cli, drifted: Path) -> None:
    assert cli("drift", *HISTORY).code == 2
    drifted.write_text(FILES)
    assert cli("drift", *HISTORY).code == 0
    log = cli("drift", "log", "--history", "drift.db", "--format", "json")
    assert log.code == 0
    [row] = [row for row in log.json["findings"] if row["address"] == NAME]
    assert (row["field"], row["class"], row["kind"], bool(row["gone"])) == ("permissions", "differs", "role", True)
    text = cli("drift", "log", "--history", "drift.db").out
    assert text.startswith("FIRST SEEN")
    assert f"{NAME}.permissions" in text
    assert "leaveConversation" not in Path("drift.db").read_bytes().decode("latin-1")


def test_chat_is_silent_until_a_finding_is_new_or_due(cli: Cli, drifted: Path) -> None:
    assert drifted.exists()
    chat = (*HISTORY, "--format", "chat")
    assert NAME in cli("drift", *chat).out
    again = cli("drift", *chat)
    assert (again.code, again.out) == (2, "")
    assert cli("drift", *chat, "--remind", "7").out == ""
    with sqlite3.connect("drift.db") as connection:
        connection.execute(_LONG_AGO)
    assert cli("drift", *chat).out == ""
    assert NAME in cli("drift", *chat, "--remind", "7").out
    assert cli("drift", *chat, "--remind", "7").out == ""


@pytest.mark.parametrize("name", ["text", "html", "markdown", "json", "github"])
def test_runs_in_other_formats_leave_the_message_due(cli: Cli, drifted: Path, name: str) -> None:
    assert drifted.exists()
    assert cli("drift", *HISTORY, "--format", name).code == 2
    chat = (*HISTORY, "--format", "chat")
    assert NAME in cli("drift", *chat).out
    assert cli("drift", *HISTORY, "--format", name).code == 2
    assert cli("drift", *chat).out == ""
    with sqlite3.connect("drift.db") as connection:
        connection.execute(_LONG_AGO)
    assert cli("drift", *HISTORY, "--format", name, "--remind", "7").code == 2
    assert NAME in cli("drift", *chat, "--remind", "7").out


def reported(path: str, drift: DriftFile, **options: Any) -> DriftFile:
    found = record_drift(path, drift, **options)
    record_report(path, found, **options)
    return found


@pytest.mark.parametrize("history", ["drift.db", "drift.json"])
@pytest.mark.parametrize("name", ["chat", "json"])
def test_a_report_that_was_not_written_stays_due(
    cli: Cli, drifted: Path, monkeypatch: pytest.MonkeyPatch, name: str, history: str
) -> None:
    assert drifted.exists()
    options = (*EMULATED, "--history", history, "--format", name)
    refused = cli("drift", *options, "--metrics", "missing/drift.prom")
    assert (refused.code, refused.err) == (1, "Error: cannot write missing/drift.prom: No such file or directory\n")
    with monkeypatch.context() as patch:
        patch.setattr(console, "unwritten", lambda: "No space left on device")
        assert cli("drift", *options).code == 2
    rows = json.loads(cli("drift", "log", "--history", history, "--format", "json").out)["findings"]
    assert rows
    assert not any("notified" in row for row in rows)
    found = cli("drift", *options)
    assert NAME in found.out
    rows = json.loads(cli("drift", "log", "--history", history, "--format", "json").out)["findings"]
    assert [list(row["notified"]) for row in rows] == [[name] for _ in rows]
    if name == "json":
        assert found.json["history"] == rows


def test_each_format_counts_for_itself(tmp_path: Path) -> None:
    path = str(tmp_path / "drift.db")
    channels = ("text", "json", "chat", "json", "chat", "github", "text")
    due = [reported(path, _at(f"2026-01-0{day}T00:00:00Z"), channel=name).to_notify
           for day, name in enumerate(channels, 1)]  # fmt: skip
    assert due == [4, 4, 4, 0, 0, 4, 0]
    [row, *_] = read_drift_log(path).findings
    assert row.notified == {
        "json": "2026-01-02T00:00:00Z", "chat": "2026-01-03T00:00:00Z", "github": "2026-01-06T00:00:00Z"
    }  # fmt: skip


@pytest.mark.parametrize(("notified", "due"), [("2026-01-01T00:00:00Z", 0), ("", 4)])
def test_a_history_of_an_earlier_version_goes_on(tmp_path: Path, notified: str, due: int) -> None:
    path = str(tmp_path / "drift.db")
    reported(path, _at("2026-01-01T00:00:00Z"))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE finding SET notified = ?", (notified,))
        connection.execute("PRAGMA user_version = 1")
    assert reported(path, _at("2026-01-02T00:00:00Z"), channel="chat").to_notify == due
    assert reported(path, _at("2026-01-03T00:00:00Z"), channel="chat").to_notify == 0


def test_a_reminder_is_due_after_its_days(tmp_path: Path) -> None:
    path = str(tmp_path / "drift.db")
    due = [
        reported(path, _at(moment), remind_days=7).to_notify
        for moment in ("2026-01-01T00:00:00Z", "2026-01-07T23:59:59Z", "2026-01-08T00:00:00Z", "2026-01-08T00:00:01Z")
    ]
    assert due == [4, 0, 4, 0]


def test_a_finding_that_comes_back_is_a_new_one(tmp_path: Path) -> None:
    path = str(tmp_path / "drift.db")
    nothing = replace(drift_document(samples.GOLDEN_PLANS["baseline"]), differences=())
    reported(path, _at("2026-01-01T00:00:00Z"))
    reported(path, _at("2026-01-02T00:00:00Z", drift=nothing))
    assert reported(path, _at("2026-01-03T00:00:00Z")).to_notify == 4
    rows = [(row.first_seen, row.gone) for row in read_drift_log(path).findings if row.field == "filters"]
    assert rows == [("2026-01-03T00:00:00Z", ""), ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")]


def test_a_history_in_json_is_what_the_log_prints(cli: Cli, drifted: Path) -> None:
    in_json = (*EMULATED, "--history", "drift.json")
    assert cli("drift", *in_json, "--format", "chat").out != ""
    assert cli("drift", *in_json, "--format", "chat").out == ""
    text = Path("drift.json").read_text()
    assert cli("drift", "log", "--history", "drift.json", "--format", "json").out == text
    rows = {row["address"]: row for row in json.loads(text)["findings"]}
    assert rows[NAME]["notified"] == {"chat": rows[NAME]["first_seen"]}
    drifted.write_text(FILES)
    assert cli("drift", *in_json).code == 0
    assert {
        bool(row["gone"]) for row in json.loads(Path("drift.json").read_text())["findings"] if row["address"] == NAME
    } == {True}


@pytest.mark.parametrize(
    ("text", "reason"),
    [("[", "not JSON"), ("{}", "is not a history"), ('{"findings": [{"address": 1}]}', "is not a history")],
)
def test_a_history_in_json_that_is_not_one_is_refused(cli: Cli, drifted: Path, text: str, reason: str) -> None:
    assert drifted.exists()
    Path("drift.json").write_text(text)
    refused = cli("drift", *EMULATED, "--history", "drift.json")
    assert (refused.code, reason in refused.err) == (1, True)
    assert Path("drift.json").read_text() == text


def test_both_forms_of_a_history_remember_the_same(tmp_path: Path) -> None:
    drift, nothing = (drift_document(samples.GOLDEN_PLANS["baseline"]) for _ in range(2))
    nothing = replace(nothing, differences=())
    found = []
    for name in ("drift.db", "drift.json"):
        path = str(tmp_path / name)
        for day, what in enumerate((drift, nothing, drift, drift), 1):
            reported(path, _at(f"2026-01-0{day}T00:00:00Z", drift=what), remind_days=1)
        found.append(read_drift_log(path))
    assert found[0] == found[1]


@pytest.mark.parametrize("narrowed", [{"target": ("addresses.x",)}, {"exclude": ("services.support",)}])
def test_a_narrowed_run_marks_nothing_as_gone(tmp_path: Path, narrowed: Any) -> None:
    path = str(tmp_path / "drift.db")
    reported(path, _at("2026-01-01T00:00:00Z"))
    part = replace(drift_document(samples.GOLDEN_PLANS["baseline"]), differences=(), **narrowed)
    reported(path, _at("2026-01-02T00:00:00Z", drift=part))
    assert {row.gone for row in read_drift_log(path).findings} == {""}


def test_environments_do_not_affect_each_other(tmp_path: Path) -> None:
    path = str(tmp_path / "drift.db")
    reported(path, _at("2026-01-01T00:00:00Z"))
    other = replace(drift_document(samples.GOLDEN_PLANS["baseline"]), differences=(), env="prod")
    reported(path, _at("2026-01-02T00:00:00Z", drift=other))
    assert {row.gone for row in read_drift_log(path).findings} == {""}


def test_another_file_is_refused(cli: Cli, drifted: Path) -> None:
    assert drifted.exists()
    other = cli("drift", *EMULATED, "--history", "demo.db")
    assert (other.code, "it is another database. Use another file" in other.err) == (1, True)
    text = cli("drift", *EMULATED, "--history", "reconciler.yaml")
    assert (text.code, "file is not a database" in text.err) == (1, True)
    assert cli("drift", "log", "--history", "missing.db").code == 1
    assert cli("drift", *EMULATED, "--remind", "3").code == 1
    with pytest.raises(UsageError, match="newer version"):
        _newer(Path("new.db"))


def _newer(path: Path) -> None:
    reported(str(path), _at("2026-01-01T00:00:00Z"))
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    read_drift_log(str(path))


def test_the_schema_of_the_log(cli: Cli) -> None:
    schema = json.loads(cli("schema", "drift-log").out)
    assert schema["title"] == "reconciler drift log"
