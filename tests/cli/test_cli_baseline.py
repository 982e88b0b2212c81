"""``--baseline`` and ``--ours``, from the options to the account."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.test_cli_diff import commit, git, repository
from tests.commands import Result

__all__ = ["repository"]
Cli = Callable[..., Result]

NUMBER = "+14155550100"
EMPTY = "version: 1\naccount: {sid: AC00000000000000000000000000000000}\n"
BEFORE = f"""version: 1
account:
  sid: AC00000000000000000000000000000000
  webhooks: {{pre_webhook_url: "https://a.example/pre"}}
addresses: {{main: {{address: "{NUMBER}", friendly_name: Main}}}}
"""


@pytest.fixture
def applied(repository: Path, cli: Cli) -> Path:
    """A repository whose first commit was applied, and whose second one has nothing in it any more."""
    repository.write_text(BEFORE)
    commit()
    git("tag", "first")
    assert cli("apply", "--emulator", "a.db", "--yes").code == 0
    repository.write_text(EMPTY)
    commit()
    return repository


def test_a_revert_removes_what_a_commit_added(cli: Cli, applied: Path) -> None:
    assert "No changes" in cli("plan", "--emulator", "a.db").out
    made = cli("plan", "--emulator", "a.db", "--baseline", "git:first", "--format", "json").json
    assert made["options"]["baseline"] == "git:first"
    assert [
        (change["address"], change["action"], change["reason"], change.get("class")) for change in made["changes"]
    ] == [
        ("account.webhooks", "update", "removed from the configuration", None),
        ("addresses.main", "delete", "removed from the configuration", "removed"),
    ]
    assert [(item["path"], item["after"], item["class"], item["returns"]) for item in made["changes"][0]["fields"]] == [
        ("pre_webhook_url", None, "removed", True)
    ]
    assert cli("apply", "--emulator", "a.db", "--baseline", "git:first", "--yes").code == 0
    assert cli("plan", "--emulator", "a.db", "--baseline", "git:first", "--detailed-exitcode").code == 0
    applied.write_text(BEFORE)
    missing = cli("plan", "--emulator", "a.db", "--format", "json").json["changes"]
    assert [(change["address"], change["action"]) for change in missing] == [
        ("account.webhooks", "update"),
        ("addresses.main", "create"),
    ]


def test_a_console_change_is_drift_and_a_commit_is_pending(cli: Cli, applied: Path) -> None:
    applied.write_text(BEFORE.replace("Main}", "Front}"))
    found = cli("drift", "--emulator", "a.db", "--baseline", "git:first", "--format", "json")
    assert (found.code, len(found.json["differences"]), len(found.json["pending"])) == (0, 0, 1)
    Path("old.yaml").write_text(BEFORE.replace("Main}", "Older}"))
    found = cli("drift", "--emulator", "a.db", "--baseline", "old.yaml", "--format", "json")
    assert (found.code, len(found.json["differences"]), found.json.get("pending")) == (2, 1, None)
    refused = cli("apply", "--emulator", "a.db", "--baseline", "old.yaml", "--yes")
    assert refused.code == 4
    assert "friendly_name of addresses.main changed in the configuration and in the account" in " ".join(
        refused.err.split()
    )
    assert cli("apply", "--emulator", "a.db", "--baseline", "old.yaml", "--yes", "--ours").code == 0


def test_a_reviewed_plan_that_shows_a_conflict_approves_it(cli: Cli, applied: Path) -> None:
    applied.write_text(BEFORE.replace("Main}", "Front}"))
    Path("old.yaml").write_text(BEFORE.replace("Main}", "Older}"))
    assert cli("plan", "--emulator", "a.db", "--baseline", "old.yaml", "--out", "plan.json").code == 0
    applied_plan = cli("apply", "--emulator", "a.db", "--plan", "plan.json")
    assert applied_plan.code == 0, applied_plan.err


def test_a_baseline_that_does_not_exist_is_an_error(cli: Cli, applied: Path) -> None:
    assert applied.exists()
    for baseline, told in (
        ("git:", "has no commit"),
        ("git:nowhere", "nowhere"),
        ("missing.yaml", "missing.yaml"),
    ):
        result = cli("plan", "--emulator", "a.db", "--baseline", baseline)
        assert (result.code, told in result.err) == (1, True), result.err
    assert cli("plan", "--emulator", "a.db", "--baseline", "none").code == 0


def test_the_history_is_only_read(cli: Cli, applied: Path) -> None:
    assert applied.exists()
    before = subprocess.run(["git", "status", "--porcelain"], check=True, capture_output=True).stdout
    assert cli("plan", "--emulator", "a.db", "--baseline", "git:first").code == 0
    assert subprocess.run(["git", "status", "--porcelain"], check=True, capture_output=True).stdout == before


def test_a_plan_is_stale_if_a_class_differs(cli: Cli, applied: Path) -> None:
    applied.write_text(BEFORE.replace("Main}", "Front}"))
    Path("old.yaml").write_text(BEFORE)
    assert cli("plan", "--emulator", "a.db", "--baseline", "old.yaml", "--out", "plan.json").code == 0
    Path("old.yaml").write_text(BEFORE.replace("Main}", "Front}"))
    stale = cli("apply", "--emulator", "a.db", "--plan", "plan.json")
    assert stale.code == 3
    assert "friendly_name is now drifted; pending was approved" in stale.err
    Path("old.yaml").write_text(BEFORE)
    assert cli("apply", "--emulator", "a.db", "--plan", "plan.json").code == 0
