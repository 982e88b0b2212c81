"""Undo with a ledger: its lock, its entry, the records that it takes back, and the commands that follow."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
from pathlib import Path
from typing import Any

import pytest

from reconciler import workflow
from reconciler.address import Address
from reconciler.ledger.options import LedgerOptions
from reconciler.report import Silent
from reconciler.workflow import Endpoint, Inputs
from tests.commands import Result
from tests.faults.chaos import Killed
from tests.ledger.clones import ACCOUNT, FILES, HOOK, Clones, commit, git
from tests.ledger.lives import WRITING, Death, Lives, Side, _show, _yes

CHANGED = (
    FILES.replace("friendly_name: Main", "friendly_name: Front")
    .replace("[sendMessage]", "[sendMessage, leaveConversation]")
    .replace("addresses: {", 'addresses: {"+14155550101": {type: sms}, ')
)


def changes(plan: Any) -> list[str]:
    return [f"{change['action']} {change['address']}" for change in plan["changes"]]


def classes(plan: Any) -> set[str]:
    return {field["class"] for change in plan["changes"] for field in change["fields"] if "class" in field}


@pytest.fixture
def applied(clones: Clones) -> Clones:
    """A clone whose second commit was applied with a report."""

    def make() -> None:
        clones.start()
        push(clones, CHANGED)
        assert clones.apply("--report", "../report.json").code == 0

    clones.after("applied", make)
    return clones


def with_hook(url: str) -> str:
    return FILES.replace("method: POST}", f"method: POST, pre_webhook_url: '{url}'}}")


def push(clones: Clones, text: str) -> str:
    name = commit({"reconciler.yaml": text}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    return name


def undo(clones: Clones, *arguments: str) -> Any:
    return clones.at("here", "undo", "../report.json", "--yes", *arguments)


def follow(clones: Clones, commands: list[str]) -> None:
    """Run the printed commands."""
    for command in commands:
        words = shlex.split(command)
        assert words[0] == "git"
        git(*words[1:], at=clones.here)


def test_the_undone_changes_are_pending_until_the_revert(applied: Clones) -> None:
    before = applied.tip()
    undone = undo(applied, "--format", "json")
    assert undone.code == 0
    head = git("rev-parse", "HEAD", at=applied.here)
    assert undone.json["follow_up"] == [f"git revert --no-edit {head}"]
    entry = json.loads(git("show", f"{applied.tip()}:entry.json", at=applied.here))
    assert (entry["number"], entry["operation"], entry["status"]) == (3, "undo", "applied")
    assert entry["source"]["commit"] == head
    first = json.loads(git("show", f"{before}~1:entry.json", at=applied.here))  # the start of the apply
    assert first["number"] == 2
    plan = applied.plan("--format", "json").json
    assert changes(plan) == [
        'update addresses["+14155550100"]',
        "update services.support.roles.agent",
        'create addresses["+14155550101"]',
    ] or sorted(changes(plan)) == [
        'create addresses["+14155550101"]',
        'update addresses["+14155550100"]',
        "update services.support.roles.agent",
    ]
    assert classes(plan) <= {"pending", "newly_declared"}
    follow(applied, undone.json["follow_up"])
    assert changes(applied.plan("--format", "json").json) == []
    git("push", "-q", "origin", "main", at=applied.here)
    assert applied.apply().code == 0


def test_the_records_are_those_from_before_the_apply(applied: Clones) -> None:
    resources = [
        json.loads(git("show", f"{commit}:entry.json", at=applied.here))["resources"]
        for commit in (applied.tip(), f"{applied.tip()}~2")
    ]
    assert resources[0] != resources[1]
    assert undo(applied).code == 0
    after = json.loads(git("show", f"{applied.tip()}:entry.json", at=applied.here))["resources"]
    assert 'addresses["+14155550101"]' not in after
    changed = ('addresses["+14155550100"]', "services.support.roles.agent")
    assert {address: after[address] for address in changed} == {address: resources[1][address] for address in changed}


def test_the_next_apply_makes_the_changes_again(applied: Clones) -> None:
    assert undo(applied).code == 0
    assert applied.apply().code == 0
    assert changes(applied.plan("--format", "json").json) == []


def test_an_undo_waits_for_the_lock(applied: Clones) -> None:
    started = json.loads(git("show", f"{applied.tip()}~1:entry.json", at=applied.here))
    assert started["status"] == "started"
    parent = git("rev-parse", f"{applied.tip()}~1", at=applied.here)
    git("update-ref", "refs/reconciler/prod", parent, at=applied.here)
    git("push", "-qf", "origin", "refs/reconciler/prod", at=applied.here)
    # That process is this one, and still runs.
    refused = undo(applied)
    assert refused.code == 1
    assert "another apply of prod is in progress" in refused.err
    assert undo(applied, "--take-over").code == 0


def test_several_commits_and_a_merge_are_reverted_newest_first(clones: Clones) -> None:
    clones.start()
    one = push(clones, FILES.replace("friendly_name: Main", "friendly_name: One"))
    commit({"notes.txt": "not of the configuration"}, clones.here)
    git("checkout", "-qb", "topic", at=clones.here)
    commit({"reconciler.yaml": FILES.replace("friendly_name: Main", "friendly_name: Two")}, clones.here)
    git("checkout", "-q", "main", at=clones.here)
    git("merge", "-q", "--no-ff", "--no-edit", "topic", at=clones.here)
    merge = git("rev-parse", "HEAD", at=clones.here)
    last = push(clones, FILES.replace("friendly_name: Main", "friendly_name: Three"))
    assert clones.apply("--report", "../report.json").code == 0
    undone = undo(clones, "--format", "json")
    assert undone.json["follow_up"] == [
        f"git revert --no-edit {last}",
        f"git revert --no-edit -m 1 {merge}",
        f"git revert --no-edit {one}",
    ]
    follow(clones, undone.json["follow_up"])
    assert changes(clones.plan("--format", "json").json) == []


def test_the_last_of_several_attempts_at_a_commit_reverts_it(clones: Clones) -> None:
    clones.start()
    changed = push(clones, CHANGED)
    assert clones.apply("--target", "services", "--report", "../first.json").code == 0  # incomplete, as after a failure
    assert clones.apply("--report", "../report.json").code == 0
    assert undo(clones, "--format", "json").json["follow_up"] == [f"git revert --no-edit {changed}"]
    # The undo is an entry of that commit, too.
    assert clones.apply("--report", "../report.json").code == 0
    undone = undo(clones, "--format", "json")
    assert undone.json["follow_up"] == [f"git revert --no-edit {changed}"]
    assert clones.at("here", "undo", "../first.json", "--yes").code == 0
    follow(clones, undone.json["follow_up"])
    assert changes(clones.plan("--format", "json").json) == []


FAILING = "roles: {x: {type: conversation, permissions: [createConversation]}, agent:"


def test_what_someone_else_applied_between_two_runs_of_a_report_stays(clones: Clones) -> None:
    clones.start()
    report, number = ("--report", "../report.json"), 'addresses["+14155550100"]'
    push(clones, FILES.replace("friendly_name: Main", "friendly_name: One").replace("roles: {agent:", FAILING))
    assert clones.apply(*report).code == 1
    push(clones, FILES.replace("friendly_name: Main", "friendly_name: Theirs"))
    assert clones.apply().code == 0
    theirs = clones.entry().resources[number]
    last = push(clones, FILES.replace("friendly_name: Main", "friendly_name: Last"))
    assert clones.apply(*report).code == 0
    undone = undo(clones, "--format", "json")
    assert (undone.code, undone.json["follow_up"]) == (0, [f"git revert --no-edit {last}"])
    assert clones.entry().resources[number] == theirs
    follow(clones, undone.json["follow_up"])
    assert changes(clones.plan("--format", "json").json) == []


def test_the_commits_of_both_runs_are_reverted_but_not_those_in_between(clones: Clones) -> None:
    clones.start()
    failing = CHANGED.replace("roles: {agent:", FAILING)
    first = push(clones, failing)
    report = ("--report", "../report.json")
    assert clones.apply(*report).code == 1
    push(clones, failing.replace("method: POST", "method: GET"))
    assert clones.apply().code == 1
    last = push(clones, CHANGED.replace("method: POST", "method: GET"))
    assert clones.apply(*report).code == 0
    assert undo(clones, "--format", "json").json["follow_up"] == [f"git revert --no-edit {last} {first}"]
    push(clones, FILES.replace("method: POST", "method: GET"))
    assert changes(clones.plan("--format", "json").json) == []


def test_a_file_that_was_removed_after_its_last_use_comes_back(clones: Clones) -> None:
    text = FILES.replace("friendly_name: Main", 'friendly_name: "${file:name.txt}"')
    commit({"reconciler.yaml": text, "name.txt": "Main"}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    clones.start()
    changed = push(clones, FILES.replace("friendly_name: Main", "friendly_name: Front"))
    (clones.here / "name.txt").unlink()
    removed = push(clones, FILES.replace("friendly_name: Main", "friendly_name: Front"))
    assert clones.apply("--report", "../report.json").code == 0
    undone = undo(clones, "--format", "json")
    assert undone.json["follow_up"] == [f"git revert --no-edit {removed} {changed}"]
    follow(clones, undone.json["follow_up"])
    assert changes(clones.plan("--format", "json").json) == []


def test_an_overwritten_key_is_sent_again_after_the_revert(clones: Clones, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"{FILES}credentials: {{push: {{type: fcm, friendly_name: Push, secret: '${{env:PUSH}}'}}}}\n"
    key = {"type": "service_account", "project_id": "p", "private_key": "first", "client_email": "a@example.com"}
    monkeypatch.setenv("PUSH", json.dumps(key))
    push(clones, text)
    clones.start()
    monkeypatch.setenv("PUSH", json.dumps({**key, "private_key": "second"}))
    assert clones.apply("--report", "../report.json").code == 0
    assert undo(clones).code == 0
    assert changes(clones.plan("--format", "json").json) == []
    monkeypatch.setenv("PUSH", json.dumps(key))
    assert changes(clones.plan("--format", "json").json) == ["update credentials.push"]


def test_a_setting_that_cannot_be_set_back_is_removed_after_the_revert(clones: Clones) -> None:
    former = f"{HOOK}?token=SECRET123"
    (clones.here / "reconciler.yaml").write_text(with_hook(former), encoding="utf-8")
    assert clones.apply("--baseline", "none", "--no-record").code == 0
    git("checkout", "-q", "reconciler.yaml", at=clones.here)
    clones.start()
    push(clones, with_hook("https://new.example.com/pre"))
    assert clones.apply("--report", "../report.json").code == 0
    undone = undo(clones, "--format", "json")
    assert undone.json["irreversible"][0]["address"] == "account.webhooks"
    entry = clones.entry()
    assert (entry.status, entry.records()[Address.parse("account.webhooks")].attempted) == ("incomplete", (1,))
    assert undo(clones).code == 0
    assert clones.entry() == entry
    assert changes(clones.plan("--format", "json").json) == []
    follow(clones, undone.json["follow_up"])
    plan = clones.plan("--format", "json").json
    assert changes(plan) == ["update account.webhooks"]
    assert [(field["path"], field["after"]) for field in plan["changes"][0]["fields"]] == [("pre_webhook_url", None)]


def test_files_are_restored_if_the_commits_are_not_in_one_line(clones: Clones) -> None:
    clones.start()
    first = git("rev-parse", "HEAD", at=clones.here)
    git("checkout", "-q", "--orphan", "other", at=clones.here)
    commit({"reconciler.yaml": f"{CHANGED}include: [more.yaml]\n", "more.yaml": "x-more: 1\n"}, clones.here)
    git("push", "-qf", "origin", "other:main", at=clones.here)
    assert clones.apply("--report", "../report.json").code == 0
    undone = undo(clones, "--format", "json")
    assert undone.json["follow_up"] == [
        f"git restore --source={first} -- reconciler.yaml",
        "git rm -- more.yaml",
    ]
    follow(clones, undone.json["follow_up"])
    assert Path(clones.here / "reconciler.yaml").read_text(encoding="utf-8") == FILES
    commit({}, clones.here)
    assert changes(clones.plan("--format", "json").json) == []


def test_an_undo_of_an_apply_that_is_not_in_the_ledger_changes_no_record(clones: Clones) -> None:
    clones.start()
    (clones.here / "reconciler.yaml").write_text(CHANGED, encoding="utf-8")
    assert clones.apply("--no-record", "--report", "../report.json").code == 0
    before = json.loads(git("show", f"{clones.tip()}:entry.json", at=clones.here))
    git("checkout", "-q", "reconciler.yaml", at=clones.here)
    assert undo(clones).code == 0
    after = json.loads(git("show", f"{clones.tip()}:entry.json", at=clones.here))
    assert (after["operation"], after["resources"]) == ("undo", before["resources"])
    assert changes(clones.plan("--format", "json").json) == []


# --- only the commits whose changes the apply made --------------------------------------------------------------------


WITH_HOOK = with_hook(HOOK)
TRAINEE = WITH_HOOK.replace(
    "roles: {agent:", "roles: {trainee: {type: conversation, permissions: [sendMessage]}, agent:"
)


def test_what_an_earlier_undo_took_back_does_not_come_back(clones: Clones) -> None:
    push(clones, WITH_HOOK)
    clones.start()
    trainee = push(clones, TRAINEE)
    assert clones.apply("--report", "../report.json").code == 0
    first = undo(clones, "--format", "json").json["follow_up"]
    assert first == [f"git revert --no-edit {trainee}"]
    follow(clones, first)
    later = push(clones, with_hook("https://hooks.example.com/v2"))
    assert clones.apply("--report", "../report.json").code == 0
    undone = undo(clones, "--format", "json").json["follow_up"]
    assert undone == [f"git revert --no-edit {later}"]
    follow(clones, undone)
    assert Path(clones.here / "reconciler.yaml").read_text(encoding="utf-8") == WITH_HOOK
    assert changes(clones.plan("--format", "json").json) == []


def test_a_revert_of_the_same_value_does_not_come_back_either(clones: Clones) -> None:
    push(clones, WITH_HOOK)
    clones.start()
    push(clones, with_hook("https://hooks.example.com/v2"))
    assert clones.apply("--report", "../report.json").code == 0
    follow(clones, undo(clones, "--format", "json").json["follow_up"])
    later = push(clones, with_hook("https://hooks.example.com/v3"))
    assert clones.apply("--report", "../report.json").code == 0
    assert undo(clones, "--format", "json").json["follow_up"] == [f"git revert --no-edit {later}"]


def test_a_change_that_was_undone_and_not_reverted_is_reverted_with_the_next_one(clones: Clones) -> None:
    clones.start()
    first = push(clones, TRAINEE)
    assert clones.apply("--report", "../report.json").code == 0
    assert undo(clones).code == 0
    second = push(clones, TRAINEE.replace(HOOK, "https://hooks.example.com/v2"))
    assert clones.apply("--report", "../report.json").code == 0
    undone = undo(clones, "--format", "json").json["follow_up"]
    assert undone == [f"git revert --no-edit {second} {first}"]
    follow(clones, undone)
    assert changes(clones.plan("--format", "json").json) == []


def test_a_commit_that_follows_the_account_is_not_reverted(clones: Clones) -> None:
    clones.start()
    (clones.here / "reconciler.yaml").write_text(WITH_HOOK, encoding="utf-8")
    assert clones.apply("--baseline", "none", "--no-record").code == 0  # as in the console
    push(clones, WITH_HOOK)
    number = push(clones, WITH_HOOK.replace("friendly_name: Main", "friendly_name: Front"))
    assert clones.apply("--report", "../report.json").code == 0
    undone = undo(clones, "--format", "json").json["follow_up"]
    assert undone == [f"git revert --no-edit {number}"]
    follow(clones, undone)
    assert changes(clones.plan("--format", "json").json) == []


def test_an_undo_of_an_apply_that_changed_nothing_names_no_commit(clones: Clones) -> None:
    clones.start()
    (clones.here / "reconciler.yaml").write_text(WITH_HOOK, encoding="utf-8")
    assert clones.apply("--baseline", "none", "--no-record").code == 0
    push(clones, WITH_HOOK)
    assert clones.apply("--report", "../report.json").code == 0
    assert undo(clones) == Result(0, "Nothing to undo: the apply of ../report.json changed nothing.\n", "")
    assert undo(clones, "--format", "json").json.get("follow_up", []) == []


def test_an_undo_that_withholds_everything_names_no_commit(clones: Clones) -> None:
    push(clones, WITH_HOOK)
    clones.start()
    push(clones, with_hook("https://hooks.example.com/v2"))
    assert clones.apply("--report", "../report.json").code == 0
    (clones.here / "reconciler.yaml").write_text(with_hook("https://hooks.example.com/theirs"), encoding="utf-8")
    assert clones.apply("--baseline", "none", "--no-record").code == 0
    git("checkout", "-q", "reconciler.yaml", at=clones.here)
    undone = undo(clones, "--format", "json")
    assert (undone.code, undone.json["summary"]["withheld"], undone.json.get("follow_up", [])) == (5, 1, [])


def test_an_undo_that_fails_names_no_commit(applied: Clones) -> None:
    failing = applied.at("here", "undo", "../report.json", "--yes", "--format", "json", "--timeout", "0.001")
    assert (failing.code, failing.json.get("follow_up", [])) == (1, [])


def test_the_same_undo_after_the_revert_names_no_commit(applied: Clones) -> None:
    follow(applied, undo(applied, "--format", "json").json["follow_up"])
    again = undo(applied)
    assert again == Result(
        0, f"Nothing to undo. Account {ACCOUNT}, environment prod, is as before the apply of ../report.json.\n", ""
    )


# --- killed at any moment ---------------------------------------------------------------------------------------------


def test_a_report_with_numbers_that_no_entry_has_changes_no_record(applied: Clones) -> None:
    path = applied.here / "../report.json"
    report = json.loads(path.read_text())
    report["earlier"] = [{"entry": 1, "changes": report["changes"]}]
    report["entry"] = 10**15  # so many numbers between the runs would fill the memory
    path.write_text(json.dumps(report))
    before = applied.entry()
    result = applied.at("here", "undo", "../report.json", "--yes", "--approve", 'addresses["+14155550101"]')
    assert result.code == 0
    assert applied.entry().resources == before.resources


def life(lives: Lives, death: Death | None = None) -> bool:
    """Undo in a new process; return whether it survives."""
    lives.number += 1
    lives.death = lives.app.death = death or Death()
    inputs = Inputs(str(lives.folder / "here"), environment="prod", ledger=LedgerOptions())
    endpoint = Endpoint(app=lives.app, environment=dict(os.environ))
    source = workflow.read_source(str(lives.folder / "report.json"))
    try:
        asyncio.run(workflow.apply(inputs, endpoint, Silent(), _show, _yes, undo=source))
    except Killed:
        return False
    finally:
        lives.ended.add(f"life {lives.number}")
        lives.death = lives.app.death = Death()
    return True


def prepared(clones: Clones, monkeypatch: pytest.MonkeyPatch) -> tuple[Lives, list[str], Any]:
    """An account that an apply changed, what it had before, and the records from before."""
    lives = Lives(clones.folder, monkeypatch)
    assert lives.apply(starts=True) is not None
    before, records = lives.values(), dict(lives.records())
    lives.commit(CHANGED)
    inputs = Inputs(str(lives.folder / "here"), environment="prod", ledger=LedgerOptions())
    endpoint = Endpoint(app=lives.app, environment=dict(os.environ))
    report = str(lives.folder / "report.json")
    asyncio.run(workflow.apply(inputs, endpoint, Silent(), _show, _yes, report=report))
    return lives, before, records


def killed_and_again(clones: Clones, monkeypatch: pytest.MonkeyPatch, at: int, side: Side) -> bool:
    """Undo, die at that moment, and undo again; return whether it died."""
    lives, before, records = prepared(clones, monkeypatch)
    survives = life(lives, Death(at, side, WRITING))
    lives.check_refs()
    assert life(lives)
    lives.check_refs()
    assert lives.values() == before
    found = dict(lives.records())
    assert found.keys() == records.keys()
    for address, record in found.items():
        # What the apply did not change has its baseline there.
        assert record.attempted == ()
        assert record.origin == records[address].origin
        assert record.baseline in {records[address].baseline, 2}
    plan = lives.plan()
    assert {field.standing for change in plan.changes for field in change.fields} <= {"pending", "newly_declared", ""}
    return not survives


@pytest.mark.parametrize(
    ("at", "side"),
    [(0, "before"), (3, "before"), (3, "after"), (4, "after"), (6, "after"), (8, "before"), (11, "after")],
)
def test_a_killed_undo_is_completed_by_another_one(
    clones: Clones, monkeypatch: pytest.MonkeyPatch, at: int, side: Side
) -> None:
    killed_and_again(clones, monkeypatch, at, side)


@pytest.mark.slow
@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("at", range(20))
def test_an_undo_that_is_killed_at_any_moment_is_completed_by_another_one(
    clones: Clones, monkeypatch: pytest.MonkeyPatch, at: int, side: Side
) -> None:
    killed_and_again(clones, monkeypatch, at, side)
