"""What has to hold before a ledger is used: each situation with its whole message, and with its fix."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator import Emulator, Store
from tests.commands import Result
from tests.ledger.clones import ACCOUNT, FETCH, FILES, HOOK, REF, Clones, commit, git

OTHER = "AC" + "1" * 32
START = "add --start-ledger to `reconciler plan` and `reconciler apply`"
WITHOUT = "To do without the ledger, add --baseline none; apply and undo also need --no-record"


def error(result: Result, code: int = 1) -> str:
    """The message of a command that failed, as one line of words."""
    assert result.code == code, result.err
    start = result.err.index("Error: ")
    return " ".join(result.err[start:].removeprefix("Error: ").split())


# --- G19 to G21: where the ledger is ---------------------------------------------------------------------------------


def test_a_ledger_that_only_the_remote_has_is_fetched(clones: Clones) -> None:
    clones.start()
    clones.clone("there")
    expected = f"the ledger of prod is on origin, but not in this clone. Fetch it: {FETCH}"
    assert error(clones.plan(clone="there")) == error(clones.apply(clone="there")) == expected
    git("fetch", "-q", "origin", "+refs/reconciler/*:refs/reconciler/*", at=clones.folder / "there")
    assert clones.plan(clone="there").code == 0


def test_an_apply_needs_the_newest_entry_and_a_plan_warns(clones: Clones) -> None:
    clones.start()
    there = clones.clone("there")
    git("fetch", "-q", "origin", "+refs/reconciler/*:refs/reconciler/*", at=there)
    commit({"reconciler.yaml": FILES.replace("Main", "Second")}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    assert clones.apply().code == 0
    entry = clones.entry()
    assert error(clones.apply(clone="there")) == (
        f"origin has a newer entry of the ledger of prod than this clone (entry 2, {entry.started_at}, by Ada). "
        f"Nothing was sent. Fetch it, and run the command again: {FETCH}"
    )
    plan = clones.plan("--format", "json", clone="there").json
    (warning,) = [one for one in plan["warnings"] if one["code"] == "ledger-behind"]
    assert warning["message"] == "origin has a newer entry of the ledger of prod than this clone"
    assert warning["hint"] == f"fetch it, and update this clone: {FETCH} && git pull"
    assert "commands" not in plan


def test_a_shallow_clone_is_not_taken_for_one_without_a_baseline(clones: Clones) -> None:
    clones.start()
    commit({"reconciler.yaml": FILES.replace("Main", "Second")}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    assert clones.apply("--target", 'addresses["+14155550100"]').code == 0
    there = clones.clone("there", "--depth=1")
    git("fetch", "-q", "--depth=1", "origin", f"+{REF}:{REF}", at=there)
    expected = (
        "this clone lacks objects that the ledger of prod needs: it is shallow or partial. Fetch them: "
        "git fetch --unshallow origin"
    )
    assert error(clones.plan(clone="there")) == error(clones.apply(clone="there")) == expected
    git("fetch", "-q", "--unshallow", "origin", at=there)
    assert clones.plan(clone="there").code == 0


def test_a_partial_clone_fetches_nothing_by_itself(clones: Clones) -> None:
    clones.start()
    commit({"reconciler.yaml": FILES.replace("Main", "Second")}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    git("config", "uploadpack.allowFilter", "true", at=clones.folder / "remote.git")
    there = clones.clone("there", "--filter=blob:none")
    git("fetch", "-q", "origin", "+refs/reconciler/*:refs/reconciler/*", at=there)
    expected = (
        "this clone lacks objects that the ledger of prod needs: it is shallow or partial. Fetch them: "
        "git fetch --refetch --no-filter origin"
    )
    assert error(clones.plan(clone="there")) == expected
    git("show", f"{REF}:entry.json", at=there)  # git itself fetches it, but not the files of its commit
    assert error(clones.plan(clone="there")) == expected
    git("fetch", "-q", "--refetch", "--no-filter", "origin", at=there)
    assert clones.plan(clone="there").code == 0


def test_a_commit_that_was_rewritten_stays_the_baseline(clones: Clones) -> None:
    clones.start()
    (clones.here / "reconciler.yaml").write_text(FILES.replace("Main", "Second"), encoding="utf-8")
    git("commit", "-q", "-a", "--amend", "-m", "rewritten", at=clones.here)
    git("push", "-q", "-f", "origin", "main", at=clones.here)
    for place in (clones.here, clones.folder / "remote.git"):
        git("reflog", "expire", "--expire=now", "--all", at=place)
        git("gc", "-q", "--prune=now", at=place)
    there = clones.clone("there")
    git("fetch", "-q", "origin", "+refs/reconciler/*:refs/reconciler/*", at=there)
    for clone in ("here", "there"):
        (change,) = clones.plan("--format", "json", clone=clone).json["changes"]
        assert [(one["path"], one["class"]) for one in change["fields"]] == [("friendly_name", "pending")]
    assert clones.apply(clone="there").code == 0


def test_the_first_use_is_explicit(clones: Clones) -> None:
    expected = f"prod has no ledger yet. To start one, {START}"
    assert error(clones.plan()) == error(clones.apply()) == expected
    assert clones.plan("--start-ledger").code == 0
    assert git("for-each-ref", "refs/reconciler/", at=clones.here) == ""
    clones.start()
    assert error(clones.apply("--start-ledger")) == (
        "prod has a ledger already; its newest entry is 1. Remove --start-ledger to use it"
    )


def test_without_a_remote_another_clone_may_have_the_ledger(clones: Clones) -> None:
    commit({"reconciler.yaml": FILES.replace(", remote: origin", "")}, clones.here)
    assert error(clones.plan()) == (
        f"prod has no ledger yet. If another clone has it, fetch it: {FETCH} Otherwise, to start one, {START}"
    )
    git("remote", "remove", "origin", at=clones.here)
    assert error(clones.plan()) == f"prod has no ledger yet. To start one, {START}"


def test_a_renamed_environment_is_recognized_by_its_account(clones: Clones) -> None:
    clones.start()
    assert error(clones.plan(env="staging")) == (
        f"staging has no ledger yet. To start one, {START}. The ledger of prod has this account; if the "
        "environment was renamed: reconciler ledger rename prod staging"
    )


# --- G22, G23: entries of something else, and forged ones ------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"account_sid": OTHER}, f"account {OTHER}, not AC00000000000000000000000000000000"),
        ({"environment": "staging"}, "environment staging, not prod"),
    ],
)
def test_an_entry_of_another_account_or_environment(clones: Clones, changes: dict[str, Any], what: str) -> None:
    clones.start()
    clones.forge(key_id="other", **changes)
    expected = (
        f"entry 1 of refs/reconciler/prod is of {what}. To continue the ref with this {what.split(maxsplit=1)[0]} and "
        "without the resources that it remembers, use --start-ledger"
    )
    assert error(clones.plan()) == error(clones.apply()) == expected
    assert clones.apply("--start-ledger").code == 0
    assert (clones.entry().number, clones.entry().begins) == (2, True)


def test_an_entry_that_was_edited_by_hand(clones: Clones) -> None:
    clones.start()
    edited = replace(clones.entry(), actor="Eve")
    clones.write(edited.to_json(), subject="apply 1 applied")
    restore = (
        "Restore the ledger's ref from a clone or a remote that has the original, or start again with --start-ledger"
    )
    assert error(clones.plan()) == f"entry 1 was modified (its signature does not match). {restore}"
    assert error(clones.apply()) == f"entry 1 was modified (its signature does not match). {restore}"
    clones.write(json.dumps({**json.loads(edited.to_json()), "number": "one"}), subject="apply 1 applied")
    assert error(clones.plan()) == (f"the newest entry was modified (at number: it must be an integer). {restore}")


def test_an_entry_whose_parents_or_number_do_not_fit(clones: Clones) -> None:
    clones.start()
    good, source = clones.tip(), clones.entry().source.commit
    made = clones.forge(source)
    restore = (
        "Restore the ledger's ref from a clone or a remote that has the original, or start again with --start-ledger"
    )
    assert error(clones.plan()) == f"entry 1 was modified (it does not fit its commit {made[:12]}). {restore}"
    clones.write(clones.entry(good).to_json(), good, source, subject="apply 7 applied")
    assert "entry 1 was modified (it does not fit its commit" in error(clones.plan())
    git("update-ref", REF, source, at=clones.here)
    git("push", "-q", "-f", "origin", f"{REF}:{REF}", at=clones.here)
    assert (
        error(clones.plan()) == f"the newest entry was modified (its commit {source[:12]} has no entry.json). {restore}"
    )


def test_an_entry_with_another_key_is_used_with_a_warning(clones: Clones, monkeypatch: pytest.MonkeyPatch) -> None:
    clones.start()
    monkeypatch.setenv("RECONCILER_PLAN_KEY", "k" * 32)
    plan = clones.plan("--format", "json").json
    (warning,) = [one for one in plan["warnings"] if one["code"] == "other-ledger-key"]
    assert warning["message"] == (
        "the ledger of prod was written with another key, so its signature, which values of secrets and "
        "environment variables it was applied with, and which resources it created cannot be checked"
    )
    assert warning["hint"] == "set the same RECONCILER_PLAN_KEY for everyone who plans and applies"


ROLE = "agent: {type: conversation, permissions: [sendMessage]}"
REMADE = FILES.replace(ROLE, ROLE + ", night: {type: conversation, permissions: [sendMessage]}")


def test_with_another_key_a_removal_is_withheld_until_it_is_approved(
    clones: Clones, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Someone may have deleted the created role and made an equal one, which only its SID tells apart."""
    push_files(clones, REMADE)
    clones.start()
    role = clones.entry().resources["services.support.roles.night"].sid_digest
    monkeypatch.setenv("RECONCILER_PLAN_KEY", "k" * 32)
    push_files(clones, REMADE.replace("Main", "Line"))
    assert clones.apply().code == 0
    # An apply with the other key does not prove that the role is the one that was created.
    assert clones.entry().resources["services.support.roles.night"].sid_digest == role
    push_files(clones, FILES)
    (change,) = [one for one in clones.plan("--format", "json").json["changes"] if one["action"] == "delete"]
    assert (change["address"], change["class"], change["guard"]) == (
        "services.support.roles.night",
        "removed",
        {
            "name": "unidentified",
            "verdict": "withheld",
            "message": (
                "services.support.roles.night is no longer declared, but the ledger was written with another key, so "
                "it is unknown whether this is the resource that was created or one that was made again since; use the "
                "former credentials or RECONCILER_PLAN_KEY, delete it with --approve services.support.roles.night, or "
                "keep it with removed: [{address: services.support.roles.night, action: forget}]"
            ),
            "only_delete": False,
        },
    )
    assert clones.apply().code == 5
    assert clones.apply("--approve", "services.support.roles.night").code == 0
    assert "services.support.roles.night" not in clones.entry().resources
    assert clones.plan("--format", "json").json["changes"] == []


def push_files(clones: Clones, text: str) -> None:
    commit({"reconciler.yaml": text}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)


# --- G24, G25 --------------------------------------------------------------------------------------------------------


def test_two_configurations_need_two_prefixes(clones: Clones) -> None:
    clones.start()
    commit({"second/reconciler.yaml": FILES}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    clones.chdir(clones.here)
    result = clones.run("plan", "second", "--env", "prod", "--emulator", clones.account)
    assert error(result) == (
        "refs/reconciler/prod is the ledger of another configuration: entry 1 applied reconciler.yaml, which still "
        "exists beside second/reconciler.yaml. Give each its own prefix: ledger: {git: refs/reconciler/NAME}"
    )


def test_a_root_file_that_moved_keeps_its_ledger(clones: Clones) -> None:
    clones.start()
    (clones.here / "moved").mkdir()
    git("mv", "reconciler.yaml", "moved/reconciler.yaml", at=clones.here)
    commit({}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    clones.chdir(clones.here)
    assert clones.run("plan", "moved", "--env", "prod", "--emulator", clones.account).code == 0


def test_a_folder_outside_of_git(clones: Clones) -> None:
    shutil.rmtree(clones.here / ".git")
    assert clones.plan("--baseline", "none").code == 0
    assert clones.apply("--baseline", "none", "--no-record").code == 0
    assert error(clones.plan()) == (
        f"the ledger is kept in git, and {clones.here} is not in the work tree of a git repository. Create one with "
        f"`git init`, or run this in a clone. {WITHOUT}"
    )


def test_a_repository_that_git_refuses_to_read(clones: Clones) -> None:
    (clones.here / ".git" / "config").write_text("[core\n", encoding="utf-8")
    assert error(clones.plan()) == (
        f"the ledger is kept in git, and the repository of {clones.here} cannot be read: git says 'fatal: bad config "
        f"line 1 in file .git/config'. {WITHOUT}"
    )


def test_a_remote_that_does_not_answer(clones: Clones, monkeypatch: pytest.MonkeyPatch) -> None:
    clones.start()
    monkeypatch.setattr("reconciler.ledger.repository._SECONDS", 0.5)
    git("config", "remote.origin.uploadpack", "sleep 60; true", at=clones.here)
    assert error(clones.plan()) == (
        "the ledger's remote origin cannot be used: git says 'error: no answer within 0.5 seconds'. " + WITHOUT
    )


def test_a_machine_without_git(clones: Clones, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert error(clones.plan()) == (
        "the ledger is kept in git, and the git program cannot be run (No such file or directory). Install git. "
        f"{WITHOUT}"
    )


def test_a_remote_that_cannot_be_reached(clones: Clones) -> None:
    clones.start()
    (clones.folder / "remote.git").rename(clones.folder / "gone.git")
    assert error(clones.apply()).startswith(
        "the ledger's remote origin cannot be used: git says \"fatal: '../remote.git' does not appear to be a git "
        f'repository". {WITHOUT}'
    )


def test_a_repository_inside_of_another_one_is_refused(clones: Clones) -> None:
    inner = clones.here / "inner"
    git("init", "-q", "--bare", str(inner))
    shutil.copy(clones.here / "reconciler.yaml", inner)
    clones.chdir(clones.here)
    result = clones.run("plan", "inner", "--env", "prod", "--emulator", clones.account)
    assert "looks like a git repository inside of another one" in error(result) or "work tree" in error(result)


# --- G26 to G28: only for an apply -----------------------------------------------------------------------------------

NOT_IN = "the ledger records the commit that is applied, and commit {} does not contain what would be applied: {}. "
COMMIT = "Commit these files, or use --no-record"


def not_in(clones: Clones, files: str) -> str:
    return NOT_IN.format(git("rev-parse", "HEAD", at=clones.here)[:12], files) + COMMIT


def test_uncommitted_untracked_and_ignored_files_cannot_be_applied(clones: Clones) -> None:
    clones.start()
    root = clones.here / "reconciler.yaml"
    root.write_text(FILES.replace("Main", "Second") + "include: ['parts/*.yaml']\n", encoding="utf-8")
    (clones.here / "parts").mkdir()
    (clones.here / "parts" / "new.yaml").write_text("credentials: {}\n", encoding="utf-8")
    assert error(clones.apply()) == not_in(clones, "parts/new.yaml (not committed), reconciler.yaml (not committed)")
    assert clones.plan().code == 0
    (clones.here / ".gitignore").write_text("*.db\nparts/\n", encoding="utf-8")
    git("add", "-A", at=clones.here)
    git("commit", "-q", "-m", "include", at=clones.here)
    assert error(clones.apply()) == not_in(clones, "parts/new.yaml (ignored by git)")
    assert clones.apply("--no-record").code == 0
    assert clones.entry().number == 1


def test_a_file_that_was_only_deleted_here_is_noticed(clones: Clones) -> None:
    commit({"reconciler.yaml": FILES + "include: ['parts/*.yaml']\n", "parts/a.yaml": "credentials: {}\n"}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    clones.start()
    (clones.here / "parts" / "a.yaml").unlink()
    assert error(clones.apply()) == not_in(clones, "parts/a.yaml (not committed)")


def test_line_ends_that_git_converts_are_no_difference(clones: Clones) -> None:
    (clones.here / "reconciler.yaml").write_bytes(FILES.replace("\n", "\r\n").encode())
    clones.start()


def test_a_file_of_a_value_may_be_ignored(clones: Clones) -> None:
    files = FILES.replace("Main", '"${file:name.txt}"')
    commit({"reconciler.yaml": files, ".gitignore": "*.db\nname.txt\n"}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    (clones.here / "name.txt").write_text("Desk\n", encoding="utf-8")
    clones.start()
    assert list(clones.entry().fingerprints) == ["file:name.txt"]
    assert "Desk" not in clones.entry().to_json()


def test_a_repository_without_commits(clones: Clones) -> None:
    git("checkout", "-q", "--orphan", "fresh", at=clones.here)
    assert error(clones.apply("--start-ledger")) == (
        "the ledger records the commit that is applied, and this repository has no commits. Commit the "
        "configuration, or use --no-record"
    )


def test_a_commit_that_was_not_pushed(clones: Clones) -> None:
    clones.start()
    made = commit({"reconciler.yaml": FILES.replace("Main", "Second")}, clones.here)
    assert error(clones.apply()) == (
        f"commit {made[:12]} is on no branch or tag of origin, so others could not see what was applied. Push it "
        "first: git push origin main If it is there already, fetch it: git fetch origin"
    )
    assert clones.plan().code == 0
    git("tag", "v2", at=clones.here)
    git("push", "-q", "origin", "v2", at=clones.here)
    assert clones.apply().code == 0


def test_an_older_commit_is_refused(clones: Clones) -> None:
    old = git("rev-parse", "HEAD", at=clones.here)
    new = commit({"reconciler.yaml": FILES.replace("Main", "Second")}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    clones.start()
    git("checkout", "-q", old, at=clones.here)
    day = clones.entry().started_at[:10]
    assert error(clones.apply(), 4) == (
        f"a guard refuses this apply; nothing was sent: - commit {old[:12]} is older than {new[:12]}, which entry 1 "
        f"applied on {day}, and its configuration differs: an apply would roll back what was merged in between. Update "
        "this clone first: `git pull`. To roll back, use --rollback"
    )
    warning = (
        f"Warning[older-commit]: commit {old[:12]} is older than {new[:12]}, which entry 1 applied on {day}, and its "
        "configuration differs: an apply would roll back what was merged in between, so it is refused"
    )
    plan = clones.plan()
    assert plan.code == 0
    assert plan.out.splitlines()[-4:] == [
        warning,
        "  update this clone first: git pull",
        "",
        "Plan: 0 to create, 1 to update, 0 to replace, 0 to delete; 3 unchanged, 1 unmanaged.",
    ]
    drift = clones.at("here", "drift", "--fail-on", "pending")
    assert warning in drift.out
    assert "reconciler apply" not in drift.out
    assert clones.apply("--rollback").code == 0
    assert clones.entry().source.commit == old


def test_a_revert_is_no_rollback(clones: Clones) -> None:
    commit({"reconciler.yaml": FILES.replace("method: POST", f"method: POST, pre_webhook_url: {HOOK}")}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    clones.start()
    git("revert", "--no-edit", "HEAD", at=clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    assert clones.apply().code == 0


# --- G29 to G34: situations ------------------------------------------------------------------------------------------


def test_a_detached_head_and_a_work_tree(clones: Clones) -> None:
    git("checkout", "-q", "--detach", at=clones.here)
    clones.start()
    git("worktree", "add", "-q", str(clones.folder / "tree"), "main", at=clones.here)
    assert clones.plan(clone="tree").code == 0


def test_a_ledger_that_was_rewritten(clones: Clones) -> None:
    clones.start()
    old = clones.tip()
    other = clones.forge(key_id="other", actor="Eve")
    git("update-ref", REF, old, at=clones.here)
    expected = (
        f"the ledger of prod was rewritten: this clone has entry 1 (commit {old}), and origin has entry 1 (commit "
        f"{other}), which does not follow it. Find out who changed {REF}. To continue with the one on origin, fetch "
        f"it: {FETCH}"
    )
    assert error(clones.plan()) == error(clones.apply()) == expected


def test_a_local_ref_that_is_behind_or_ahead_moves_forward(clones: Clones) -> None:
    clones.start()
    first = clones.tip()
    files = FILES.replace("Main", "Second")
    commit({"reconciler.yaml": files}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    assert clones.apply().code == 0
    second = clones.tip()
    git("update-ref", REF, first, at=clones.here)
    assert clones.plan().code == 0
    assert clones.tip() == first
    commit({"reconciler.yaml": files.replace("Second", "Third")}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    assert clones.apply().code == 0
    assert clones.tip() == clones.tip("remote.git")
    git("update-ref", REF, second, at=clones.folder / "remote.git")
    commit({"reconciler.yaml": files.replace("Second", "Fourth")}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    assert clones.apply().code == 0
    assert clones.tip() == clones.tip("remote.git")
    assert clones.entry().number == 4


def test_environments_have_one_ref_each(clones: Clones) -> None:
    clones.start()
    assert clones.apply("--start-ledger", env="staging").code == 0
    assert git("for-each-ref", "--format=%(refname)", "refs/reconciler/", at=clones.here).splitlines() == [
        "refs/reconciler/prod",
        "refs/reconciler/staging",
    ]


SALES = FILES.replace("refs/reconciler,", "refs/reconciler/sales,")


def test_two_configurations_of_one_account_do_not_delete_what_the_other_declares(clones: Clones) -> None:
    shared = FILES.replace('addresses: {"+1', 'addresses: {desk: {address: "+14155550177", type: sms}, "+1')
    commit({"reconciler.yaml": shared}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    clones.start()
    other = SALES.replace('addresses: {"+14155550100": {type: sms, friendly_name: Main}}', "addresses: {}").replace(
        "addresses: {}", 'addresses: {other: {address: "+14155550177", type: sms}}'
    )
    commit({"sales/reconciler.yaml": other, "reconciler.yaml": FILES}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    clones.chdir(clones.here)
    started = clones.run("apply", "sales", "--yes", "--start-ledger", "--env", "prod", "--emulator", clones.account)
    assert started.code == 0, started.err
    plan = clones.plan("--format", "json").json
    assert [(one["address"], one["action"], one["class"], one["guard"]) for one in plan["changes"]] == [
        (
            "addresses.desk",
            "delete",
            "removed",
            {
                "name": "declared_elsewhere",
                "verdict": "withheld",
                "message": (
                    "addresses.desk is no longer declared, but the ledger refs/reconciler/sales/prod declares it for "
                    "the same account; let only that configuration manage it with removed: [{address: addresses.desk, "
                    "action: forget}]"
                ),
                "only_delete": False,
            },
        )
    ]
    assert clones.plan("--detailed-exitcode").code == 2
    # An approval does not outweigh the other ledger.
    assert clones.apply("--approve", "addresses.desk").code == 5
    assert clones.entry().status == "incomplete"
    assert "addresses.desk" in clones.entry().resources


def shared_with_sales(clones: Clones) -> None:
    """Starts the ledger `sales` for the same account, and removes an address from the first configuration."""
    hooks = FILES.replace('addresses: {"+1', 'addresses: {desk: {address: "+14155550177", type: sms}, "+1')
    commit({"reconciler.yaml": hooks}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    clones.start()
    commit({"sales/reconciler.yaml": SALES, "reconciler.yaml": FILES}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    clones.chdir(clones.here)
    started = clones.run("apply", "sales", "--yes", "--start-ledger", "--env", "prod", "--emulator", clones.account)
    assert started.code == 0, started.err


def with_entry(clones: Clones, ref: str, content: bytes) -> None:
    """Replaces the entry at the tip of a ref."""
    file = clones.folder / "entry"
    file.write_bytes(content)
    blob = git("hash-object", "-w", str(file), at=clones.here)
    (clones.folder / "tree").write_text(f"100644 blob {blob}\tentry.json\n")
    with (clones.folder / "tree").open() as lines:
        tree = subprocess.run(
            ["git", "mktree"], cwd=clones.here, stdin=lines, capture_output=True, text=True, check=True
        )
    parents = [word for one in git("log", "-1", "--format=%P", ref, at=clones.here).split() for word in ("-p", one)]
    git("update-ref", ref, git("commit-tree", tree.stdout.strip(), *parents, "-m", "x", at=clones.here), at=clones.here)


UNREADABLE = "cannot be read: a newer release wrote it, or it is damaged"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda entry: {**entry, "format_version": 2}, UNREADABLE),
        (lambda _: {"a": 1}, UNREADABLE),
        (
            lambda entry: {**entry, "source": {**entry["source"], "commit": "0" * 40}},
            "cannot be compared: this clone lacks files of commit 0000000",
        ),
        # The declared kinds are known, and no address is one of them.
        (
            lambda entry: {**entry, "declared": ["services.x"], "source": {**entry["source"], "commit": "0" * 40}},
            "",
        ),
    ],
)
def test_a_ledger_that_is_not_understood_may_declare_anything(
    clones: Clones, change: Callable[[dict[str, Any]], Any], why: str
) -> None:
    shared_with_sales(clones)
    entry = json.loads(git("cat-file", "-p", "refs/reconciler/sales/prod:entry.json", at=clones.here))
    with_entry(clones, "refs/reconciler/sales/prod", json.dumps(change(entry)).encode())
    guards = [one["guard"] for one in clones.plan("--format", "json").json["changes"]]
    message = (
        f"addresses.desk is no longer declared, but the ledger refs/reconciler/sales/prod {why}, so it may declare it "
        "for the same account; let only that configuration manage it with removed: [{address: addresses.desk, action: "
        "forget}]"
    )
    expected = {"name": "declared_elsewhere", "verdict": "withheld", "message": message, "only_delete": False}
    assert guards == [expected if why else None]


def test_a_conversation_that_is_declared_again_has_lost_its_history(clones: Clones) -> None:
    talk = FILES.replace("{support: {", "{support: {conversations: {lounge: {friendly_name: Lounge}}, ")
    commit({"reconciler.yaml": talk}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    clones.start()
    commit({"reconciler.yaml": FILES}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    assert clones.apply("--approve", "services.support.conversations.lounge").code == 0
    commit({"reconciler.yaml": talk}, clones.here)
    (change,) = clones.plan("--format", "json").json["changes"]
    assert change["consequences"] == ["Deleted in entry 2; its history does not come back."]


def test_a_plan_is_applied_with_the_new_entry_if_the_ledger_moved(clones: Clones) -> None:
    clones.start()
    commit({"reconciler.yaml": FILES.replace("Main", "Other")}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    assert clones.plan("--out", "plan.db").code == 0
    assert clones.apply("--target", "services.support").code == 0
    commit({"reconciler.yaml": FILES.replace("Main", "Other") + "# later\n"}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    assert clones.apply("--target", "account.webhooks").code == 0
    clones.chdir(clones.here)
    result = clones.run("apply", "--plan", "plan.db", "--emulator", clones.account)
    assert result.code == 0, result.err
    assert (
        "the ledger moved since the approved plan was made, from entry 1 to 3; the account is compared with the new "
        "entry"
    ) in " ".join(result.out.split())


def test_an_approved_removal_that_became_a_conflict_is_not_approved(clones: Clones) -> None:
    desk = 'desk: {address: "+14155550177", type: sms, friendly_name: Desk}'
    push_files(clones, FILES.replace('addresses: {"+1', f'addresses: {{{desk}, "+1'))
    clones.start()
    push_files(clones, FILES)
    assert clones.plan("--out", "../plan.json").code == 0
    edit_desk(clones)
    result = clones.at("here", "apply", "--plan", "../plan.json")
    assert result.code == 3
    assert "addresses.desk: it is now removed conflict; removed was approved" in result.err


def edit_desk(clones: Clones) -> None:
    """Change the address in the account, as the console does."""
    store = Store.open(clones.account)
    try:
        emulator = Emulator(store)
        body = emulator.call("GET", "/v1/Configuration/Addresses").body or {}
        (desk,) = [row for row in body["address_configurations"] if row["friendly_name"] == "Desk"]
        path = f"/v1/Configuration/Addresses/{desk['sid']}"
        assert emulator.call("POST", path, {"FriendlyName": "Other"}).status == 200
    finally:
        store.close()


def test_the_name_of_an_environment_is_encoded(clones: Clones) -> None:
    account = "{account_sid: AC00000000000000000000000000000000}"
    commit({"reconciler.yaml": FILES.replace("{prod:", f"{{'a b/c~..ü': {account}, prod:")}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    assert clones.apply("--start-ledger", env="a b/c~..ü").code == 0
    assert git("for-each-ref", "--format=%(refname)", "refs/reconciler/", at=clones.here) == (
        "refs/reconciler/a%20b%2Fc%7E%2E%2E%C3%BC"
    )


def test_a_trial_with_an_emulated_account_leaves_the_ledger_alone(clones: Clones) -> None:
    clones.start()
    tip = clones.tip()
    (clones.folder / "remote.git").rename(clones.folder / "gone.git")
    clones.chdir(clones.here)
    other = str(clones.folder / "other.db")
    result = clones.run("apply", "--yes", "--env", "prod", "--emulator", other, "--format", "json")
    assert result.code == 0
    plan = clones.run("plan", "--env", "prod", "--emulator", other, "--format", "json").json
    (warning,) = [one for one in plan["warnings"] if one["code"] == "ledger-not-used"]
    assert warning["message"] == (
        f"the ledger of prod is of host {clones.entry().host}, not of this emulated account, so it is not used: the "
        "plan does not show who changed what, and an apply is not recorded"
    )
    assert clones.tip() == tip


def test_hooks_filters_and_prompts_do_not_run(clones: Clones) -> None:
    clones.start()
    hooks = clones.here / ".git" / "hooks"
    hooks.mkdir()
    for hook in ("pre-push", "reference-transaction", "post-commit", "pre-commit"):
        (hooks / hook).write_text(f"#!/bin/sh\ntouch {clones.folder}/ran\nexit 1\n", encoding="utf-8")
        (hooks / hook).chmod(0o755)
    git("config", "core.askPass", f"touch {clones.folder}/ran", at=clones.here)
    git("config", "filter.x.clean", f"touch {clones.folder}/ran", at=clones.here)
    git("-c", "core.hooksPath=/dev/null", "commit", "-q", "--allow-empty", "-m", "x", at=clones.here)
    (clones.here / "reconciler.yaml").write_text(FILES.replace("Main", "Second"), encoding="utf-8")
    git("-c", "core.hooksPath=/dev/null", "commit", "-q", "-a", "-m", "x", at=clones.here)
    git("-c", "core.hooksPath=/dev/null", "push", "-q", "origin", "main", at=clones.here)
    assert clones.apply().code == 0
    assert not (clones.folder / "ran").exists()


def test_without_a_ledger_no_git_process_runs_and_options_about_it_are_refused(
    clones: Clones, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit({"reconciler.yaml": FILES.replace("ledger: {git: refs/reconciler, remote: origin}\n", "")}, clones.here)
    monkeypatch.setenv("PATH", "")
    assert clones.plan().code == 0
    assert error(clones.plan("--start-ledger")) == (
        "--start-ledger needs a ledger. Add `ledger: git` to the root file, or remove --start-ledger"
    )
    assert Path(os.curdir).resolve() == clones.here.resolve()


def test_the_start_of_a_ledger_says_what_counts_as_created(clones: Clones) -> None:
    assert clones.plan("--start-ledger", "--format", "json").json["warnings"] == []
    assert clones.apply("--baseline", "none", "--no-record").code == 0
    assert clones.apply("--start-ledger") == Result(
        0,
        f"""\
No changes. Account {ACCOUNT}, environment prod, matches the configuration (4 resources compared, 1 unmanaged).

Unmanaged: only the account's default service (--verbose shows the options).

Not searched for unmanaged resources: credentials (nothing declared)

Note: the ledger {REF} begins, and 3 existing resources count as created by reconciler: an apply deletes what you \
remove from the configuration, and clears removed settings
  to stop managing one without deleting it: removed: [{{address: ADDRESS, action: forget}}]
Started the ledger {REF}: `reconciler docs baseline` explains it.
""",
        "",
    )
    assert "as created by reconciler" not in clones.plan().out
