"""The commands on a ledger itself: history, ledger push, and ledger rename."""

from __future__ import annotations

import re

import pytest

from reconciler.documents.writing import to_content
from tests.ledger.clones import FETCH, FILES, REF, Clones, commit, git
from tests.ledger.test_preconditions import error

RENAMED = FILES.replace("{prod:", "{live: {account_sid: AC00000000000000000000000000000000}, prod:")


def second(clones: Clones) -> None:
    """Apply a second commit."""
    commit({"reconciler.yaml": FILES.replace("Main", "Other")}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    assert clones.apply().code == 0


def local(clones: Clones, *arguments: str) -> str:
    """Run a command that needs no account; give its output."""
    clones.chdir(clones.here)
    result = clones.run(*arguments)
    assert result.code == 0, result.err
    return result.out


def test_the_history_lists_the_entries_newest_first(clones: Clones) -> None:
    clones.start()
    second(clones)
    assert clones.apply("--target", "services.support").code == 0
    commits = git("log", "--format=%h", "--abbrev=7", "main", at=clones.here).split()
    lines = local(clones, "history", "--env", "prod").splitlines()
    assert [re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "TIME", line) for line in lines] == [
        f"2  TIME UTC  applied  {commits[0]}  Ada  1 updated",
        f"1  TIME UTC  applied  {commits[1]}  Ada  3 created",
    ]


def test_an_apply_without_changes_is_named_so(clones: Clones) -> None:
    clones.start()
    commit({"reconciler.yaml": FILES + "x-owner: ada\nlimits: {deletes: 3}\n"}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    assert clones.apply().code == 0
    newest, *_ = local(clones, "history", "--env", "prod").splitlines()
    assert newest.endswith("  Ada  no changes")


def test_the_first_apply_says_where_the_ledger_is(clones: Clones) -> None:
    note = f"Started the ledger {REF}: `reconciler docs baseline` explains it.\n"
    assert clones.apply("--start-ledger").out.endswith(f"The account matches the configuration.\n{note}")
    commit({"reconciler.yaml": FILES.replace("Main", "Other")}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    assert "Started the ledger" not in clones.apply().out


def test_one_entry_is_shown_whole(clones: Clones) -> None:
    clones.start()
    text = local(clones, "history", "show", "1", "--env", "prod")
    entry = clones.entry()
    time = f"{entry.started_at[:10]} {entry.started_at[11:16]} UTC"
    ended = f"{entry.ended_at[:10]} {entry.ended_at[11:16]} UTC"
    assert text == (
        "Entry 1: apply, applied\n"
        "\n"
        "  environment  prod\n"
        f"  account      {entry.account_sid} at {entry.host}\n"
        f"  started      {time} by Ada\n"
        f"  ended        {ended}\n"
        f"  run          machine {entry.run.machine}\n"
        f"  commit       {entry.source.commit}\n"
        "  files        reconciler.yaml\n"
        "  changes      3 created\n"
        "\n"
        "Resources:\n"
        "  account.webhooks              created; baseline 1\n"
        '  addresses["+14155550100"]     created; baseline 1\n'
        "  services.support              created; baseline 1\n"
        "  services.support.roles.agent  created; baseline 1\n"
    )


def test_both_are_json_as_their_schemas_say(clones: Clones) -> None:
    clones.start()
    clones.chdir(clones.here)
    history = clones.run("history", "--env", "prod", "--format", "json").json
    assert (history["ref"], [one["commit"] for one in history["entries"]]) == (REF, [clones.tip()])
    shown = clones.run("history", "show", "1", "--env", "prod", "--format", "json").json
    assert shown == to_content(clones.entry())


def test_what_the_history_does_not_have(clones: Clones) -> None:
    clones.chdir(clones.here)
    assert error(clones.run("history", "--env", "prod")) == (
        f"this clone has no ledger of prod. If the remote has it, fetch it: {FETCH}"
    )
    clones.start()
    assert error(clones.run("history")) == (
        f"this clone has no ledger of this configuration; it has one of prod. If the remote has it, fetch it: {FETCH}"
    )
    assert error(clones.run("history", "show", "7", "--env", "prod")) == (
        "the ledger of prod has no entry 7; it has 1 to 1"
    )
    assert error(clones.run("history", "show")) == (
        "history show needs the number of an entry: `reconciler history show 42`"
    )
    assert error(clones.run("history", "a", "b")) == "history takes one PATH, not 2"
    commit({"plain/reconciler.yaml": "version: 1\n"}, clones.here)
    assert error(clones.run("history", "plain")) == "plain/reconciler.yaml has no ledger. Add `ledger: git` to it"


def test_an_outcome_that_could_not_be_pushed_is_pushed_later(clones: Clones) -> None:
    clones.start()
    first = clones.tip("remote.git")
    second(clones)
    git("update-ref", REF, f"{REF}~1", at=clones.folder / "remote.git")  # the start was pushed, the outcome was not
    assert local(clones, "ledger", "push", "--env", "prod") == "Pushed entry 2.\n"
    assert clones.tip("remote.git") == clones.tip() != first
    assert local(clones, "ledger", "push", "--env", "prod") == "The remote has every entry.\n"


def test_an_outcome_is_not_pushed_once_another_entry_follows(clones: Clones) -> None:
    clones.start()
    second(clones)
    git("update-ref", REF, f"{REF}~1", at=clones.here)
    clones.chdir(clones.here)
    assert error(clones.run("ledger", "push", "--env", "prod")) == (
        "origin has a newer entry of the ledger of prod, so the one in this clone cannot be pushed any more: what that "
        f"apply did counts as incomplete. Fetch the newer one: {FETCH}"
    )
    commit({"reconciler.yaml": FILES.replace(", remote: origin", "")}, clones.here)
    assert error(clones.run("ledger", "push", "--env", "prod")) == (
        "the ledger has no remote. Add one: ledger: {git: refs/reconciler, remote: origin}"
    )


def rename(clones: Clones, *arguments: str) -> tuple[str, ...]:
    return ("ledger", "rename", *arguments, "--emulator", clones.account)


def test_a_ledger_is_renamed_with_its_environment(clones: Clones) -> None:
    clones.start()
    commit({"reconciler.yaml": RENAMED}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    assert local(clones, *rename(clones, "prod", "live")) == "Renamed the ledger of prod to live (entry 2).\n"
    for place in ("here", "remote.git"):
        refs = git("for-each-ref", "--format=%(refname)", "refs/reconciler/", at=clones.folder / place)
        assert refs == "refs/reconciler/live"
    assert clones.plan("--detailed-exitcode", env="live").code == 0
    lines = local(clones, "history", "--env", "live").splitlines()
    assert [line.split("  ")[-1] for line in lines] == ["renamed to live", "3 created"]


ELSEWHERE = f"it has one of prod, staging. If the remote has it, fetch it: {FETCH}"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("prod", "staging"), "staging has a ledger already: refs/reconciler/staging"),
        (
            ("nothing", "live"),
            f"this clone has no ledger of nothing; {ELSEWHERE}",
        ),
        (
            ("prod", "none"),
            "the configuration has no environment none; it has live, prod, staging. Rename it there first",
        ),
    ],
)
def test_a_ledger_that_cannot_be_renamed(clones: Clones, names: tuple[str, str], expected: str) -> None:
    clones.start()
    assert clones.apply("--start-ledger", env="staging").code == 0
    commit({"reconciler.yaml": RENAMED}, clones.here)
    clones.chdir(clones.here)
    assert error(clones.run(*rename(clones, *names))) == expected
