"""Applies with a ledger: what they record, whom they wait for, and what they say if they cannot record it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import threading
from pathlib import Path
from typing import Any

import pytest

from reconciler import LedgerError, SyncReconciler, workflow
from reconciler.documents.ledger import LedgerRun
from reconciler.emulator import Emulator, Store
from reconciler.emulator.app import Receive, Scope, Send
from reconciler.ledger.options import LedgerOptions
from reconciler.ledger.run_identity import as_time
from reconciler.report import Silent
from reconciler.workflow import Applied, Decision, Endpoint, Inputs
from tests.commands import Result
from tests.ledger.clones import FETCH, FILES, REF, Clones, commit, git
from tests.ledger.test_preconditions import error

OTHER = FILES.replace("Main", "Other")


def push(clones: Clones, text: str) -> str:
    made = commit({"reconciler.yaml": text}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    return made


def subjects(clones: Clones, at: str = "here") -> list[str]:
    """The entries of the ref, newest first, with their starts."""
    found = git("log", "--first-parent", "--format=%s", REF, at=clones.folder / at).splitlines()
    return [subject for subject in found if re.fullmatch(r"(apply|rename|undo) \d+ \w+", subject)]


# --- what is recorded ------------------------------------------------------------------------------------------------


def test_an_apply_records_its_intent_and_its_outcome(clones: Clones) -> None:
    clones.start()
    source = git("rev-parse", "HEAD", at=clones.here)
    assert subjects(clones) == subjects(clones, "remote.git") == ["apply 1 applied", "apply 1 started"]
    assert git("show", "-s", "--format=%P", REF, at=clones.here).split() == [clones.tip(ref=f"{REF}~1"), source]
    assert git("show", "-s", "--format=%P", f"{REF}~1", at=clones.here) == source
    start = clones.entry(f"{REF}~1")
    assert {name: item.attempted for name, item in start.resources.items()} == {
        'addresses["+14155550100"]': (1,),
        "services.support": (1,),
        "services.support.roles.agent": (1,),
    }
    entry = clones.entry()
    assert (entry.status, entry.source.commit, entry.source.root) == ("applied", source, "reconciler.yaml")
    assert {item.baseline for item in entry.resources.values()} == {1}
    assert entry.summary.create == 3


def test_an_apply_without_changes_records_only_what_moved(clones: Clones) -> None:
    clones.start()
    assert clones.apply().code == 0
    assert subjects(clones) == ["apply 1 applied", "apply 1 started"]
    push(clones, FILES.replace("method: POST", "method: POST, filters: []"))
    assert clones.apply().code == 0
    assert subjects(clones)[:1] == ["apply 2 applied"]
    assert {item.baseline for item in clones.entry().resources.values()} == {2}
    assert clones.apply().code == 0
    assert len(subjects(clones)) == 3


def test_a_narrowed_apply_is_incomplete(clones: Clones) -> None:
    clones.start()
    push(clones, OTHER)
    assert clones.apply("--target", 'addresses["+14155550100"]').code == 0
    entry = clones.entry()
    assert entry.status == "incomplete"
    assert {name: item.baseline for name, item in entry.resources.items()} == {
        "account.webhooks": 1,
        'addresses["+14155550100"]': 2,
        "services.support": 1,
        "services.support.roles.agent": 1,
    }


def test_secrets_and_sids_are_never_stored(clones: Clones, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUSH", "s3cret-of-push")
    monkeypatch.setenv("HOST", "hooks.example.com")
    text = FILES.replace(
        "method: POST", 'method: POST, post_webhook_url: "https://${env:HOST}/in?token=${var:token}&a=${var:shown}"'
    ).replace(
        "services: {", 'credentials: {push: {type: fcm, friendly_name: P, secret: "${secret:PUSH}"}}\nservices: {'
    )
    push(clones, text)
    assert clones.apply("--start-ledger", "--var", "token=t0ken-value", "--var", "shown=plain-value").code == 0
    entry = clones.entry()
    assert sorted(entry.fingerprints) == ["env:HOST", "secret:PUSH"]
    assert entry.source.variables["shown"].value == "plain-value"
    assert (entry.source.variables["token"].value, len(entry.source.variables["token"].fingerprint)) == (None, 81)
    for at in (REF, f"{REF}~1"):
        stored = clones.entry(at).to_json()
        assert not re.search(r"s3cret|t0ken|hooks\.example|\b(?!AC)[A-Z]{2}[0-9a-f]{32}\b", stored)
    assert "unknown" not in clones.plan("--var", "token=t0ken-value", "--var", "shown=plain-value").out


# --- the lock --------------------------------------------------------------------------------------------------------


def hold(clones: Clones, **changes: object) -> None:
    """Let another machine hold the lock."""
    clones.start()
    run = LedgerRun(url="https://ci.example.com/runs/981", machine="ci-7", machine_id="x", process="1 1")
    from reconciler.api.credentials import Credentials
    from reconciler.documents.ledger import LedgerKey

    account = clones.entry().account_sid
    key = LedgerKey(Credentials(account, "emulator", account).signing_key())
    tip = clones.tip()
    update = {"number": 2, "status": "started", "run": run, "actor": "deploy-bot", "previous": tip, "ended_at": ""}
    clones.forge(tip, clones.entry().source.commit, key=key, **{**update, **changes})


def test_a_lock_blocks_applies_and_plans_warn(clones: Clones) -> None:
    hold(clones, deadline="2999-01-01T00:00:00Z")
    push(clones, OTHER)
    started = clones.entry().started_at[11:16]
    expected = (
        f"another apply of prod is in progress started {started} UTC by deploy-bot, deadline 2999-01-01 00:00 UTC, "
        "https://ci.example.com/runs/981 = wait for it; if it has ended, use --take-over"
    )
    assert error(clones.apply()) == error(clones.apply("--no-record")) == expected
    for command in ("plan", "drift"):
        clones.chdir(clones.here)
        document = clones.at("here", command, "--format", "json")
        (warning,) = [one for one in document.json["warnings"] if one["code"] == "apply-in-progress"]
        assert warning["message"] == (
            f"another apply of prod is in progress: started {started} UTC by deploy-bot, deadline 2999-01-01 00:00 "
            "UTC, https://ci.example.com/runs/981"
        )
    assert clones.plan("--strict").code == 1
    assert clones.apply("--take-over").code == 0
    assert subjects(clones)[:3] == ["apply 3 applied", "apply 3 started", "apply 2 started"]


def test_a_plan_warns_of_an_apply_that_only_the_remote_knows(clones: Clones) -> None:
    clones.start()
    first = clones.tip()
    run = LedgerRun(machine="ci-7", machine_id="x", process="1 1")
    changes: dict[str, Any] = {"number": 2, "status": "started", "run": run, "previous": first, "ended_at": ""}
    clones.forge(first, clones.entry().source.commit, **changes, deadline="2999-01-01T00:00:00Z")
    there = clones.clone("there")
    git("fetch", "-q", "origin", f"{first}:{REF}", at=there)
    refs, objects = git("for-each-ref", at=there), git("count-objects", "-v", at=there)
    plan = clones.plan("--format", "json", clone="there").json
    assert [one["code"] for one in plan["warnings"]][:2] == ["apply-in-progress", "ledger-behind"]
    assert (git("for-each-ref", at=there), git("count-objects", "-v", at=there)) == (refs, objects)


def test_a_lock_is_released_after_its_deadline(clones: Clones) -> None:
    hold(clones, deadline="2020-01-01T00:00:00Z")
    push(clones, OTHER)
    assert clones.apply().code == 0
    assert clones.entry().number == 3


def test_without_a_record_nothing_is_written(clones: Clones) -> None:
    clones.start()
    tip = clones.tip()
    push(clones, OTHER)
    assert clones.apply("--no-record").code == 0
    assert clones.tip() == clones.tip("remote.git") == tip


# --- an outcome that cannot be recorded -------------------------------------------------------------------------------


class Meddling(Emulator):
    """An emulator during whose first write something else happens."""

    meddle = staticmethod(lambda: None)
    is_done = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") == "POST" and not self.is_done:
            self.is_done = True
            self.meddle()
        await super().__call__(scope, receive, send)


async def _yes(_plan: object) -> Decision:
    return Decision.PREAPPROVED


def apply_while(clones: Clones, meddle: object, report: str = "") -> Applied:
    """Apply, and let something happen during the first write."""
    store = Store.open(clones.account)
    app = Meddling(store)
    app.meddle = meddle  # type: ignore[assignment]
    inputs = Inputs(str(clones.here), environment="prod", ledger=LedgerOptions())
    endpoint = Endpoint(app=app, environment=dict(os.environ))
    try:
        return asyncio.run(workflow.apply(inputs, endpoint, Silent(), lambda _plan: None, _yes, report=report))
    finally:
        store.close()


def test_an_apply_that_lost_its_lock_says_so(clones: Clones) -> None:
    clones.start()
    push(clones, OTHER)
    there = clones.folder / "there"

    def take_over() -> None:
        clones.clone("there")
        git("fetch", "-q", "origin", "+refs/reconciler/*:refs/reconciler/*", at=there)
        git("config", "user.name", "Bob", at=there)
        inputs = Inputs(str(there), environment="prod", ledger=LedgerOptions(takes_over=True))
        endpoint = Endpoint(emulator=clones.account, environment=dict(os.environ))

        def run() -> None:
            asyncio.run(workflow.apply(inputs, endpoint, Silent(), lambda _plan: None, _yes))

        # A loop of its own: this one runs inside of a request.
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()

    applied = apply_while(clones, take_over)
    assert applied.report is not None
    assert applied.report.exit_code == 1
    assert re.fullmatch(
        r"this apply lost the lock of the ledger of prod, so its outcome was not recorded: it counts as incomplete\. "
        r"origin has a newer entry of the ledger of prod than this clone \(entry 3, \S+Z, by Bob\)\. Fetch it, and run "
        r"the command again:\n  " + re.escape(FETCH),
        applied.report.unrecorded,
    )
    assert applied.document is not None
    assert json.loads(applied.document.to_json())["unrecorded"] == applied.report.unrecorded
    assert subjects(clones, "remote.git")[:3] == ["apply 3 applied", "apply 3 started", "apply 2 started"]


def test_an_outcome_that_cannot_be_pushed_stays_here(clones: Clones) -> None:
    clones.start()
    push(clones, OTHER)
    remote, gone = clones.folder / "remote.git", clones.folder / "gone.git"
    applied = apply_while(clones, lambda: remote.rename(gone))
    assert applied.report is not None
    assert applied.report.exit_code == 1
    assert applied.report.unrecorded == (
        "the ledger's remote origin cannot be used: git says \"fatal: '../remote.git' does not appear to be a git "
        'repository". The outcome of this apply is in the ledger of this clone only; until it is pushed, other applies '
        "are blocked. Push it with `reconciler ledger push`"
    )
    Path(gone).rename(remote)
    assert subjects(clones, "remote.git")[0] == "apply 2 started"
    clones.chdir(clones.here)
    assert clones.run("ledger", "push", "--env", "prod").out == "Pushed entry 2.\n"
    assert subjects(clones, "remote.git")[0] == "apply 2 applied"


def test_an_outcome_that_the_remote_rejected_is_pushed_by_the_next_apply(clones: Clones) -> None:
    clones.start()
    push(clones, OTHER)
    hook = clones.folder / "remote.git/hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)

    def deny() -> None:
        hook.write_text("#!/bin/sh\necho 'quota exceeded, contact the storage team' >&2\nexit 1\n", encoding="utf-8")
        hook.chmod(0o755)

    why = (
        "the ledger's remote origin rejected the push: git says '[remote rejected] (pre-receive hook declined); quota "
        "exceeded, contact the storage team'"
    )
    applied = apply_while(clones, deny)
    assert applied.report is not None
    assert applied.report.unrecorded == (
        f"{why}. The outcome of this apply is in the ledger of this clone only; until it is pushed, other applies are "
        "blocked. Push it with `reconciler ledger push`"
    )
    lacks = "origin lacks the newest entry of the ledger of prod, so applies of other clones may be blocked"
    assert ahead(clones.plan()) == f"{lacks} push it: reconciler ledger push"
    assert ahead(clones.apply()) == f"{lacks}: {why} push it: reconciler ledger push"
    hook.unlink()
    assert ahead(clones.apply("--no-record")) == f"{lacks} push it: reconciler ledger push"
    assert subjects(clones, "remote.git")[0] == "apply 2 started"
    assert ahead(clones.apply()) == ""
    assert subjects(clones, "remote.git")[0] == "apply 2 applied"


def ahead(result: Result) -> str:
    """The warning that the remote lacks an entry, with its hint; empty if there is none."""
    assert result.code == 0, result.err
    _, _, found = (result.out + result.err).partition("Warning[ledger-ahead]: ")
    return " ".join(found.partition("\n\n")[0].split())


def test_an_outcome_that_cannot_be_stored_does_not_hide_what_was_done(clones: Clones) -> None:
    clones.start()
    push(clones, OTHER)
    objects, gone = clones.here / ".git/objects", clones.here / ".git/gone"
    report = clones.folder / "report.json"
    applied = apply_while(clones, lambda: objects.rename(gone), str(report))
    gone.rename(objects)
    assert applied.report is not None
    assert applied.report.exit_code == 1
    assert applied.report.unrecorded == (
        "the ledger cannot be written: git says 'fatal: not a git repository (or any of the parent directories): "
        ".git'. The changes of this apply were made, but its outcome was not recorded: it counts as incomplete. "
        "Correct the cause, and run the command again"
    )
    written = json.loads(report.read_text())
    assert (written["exit_code"], written["interrupted"], written["unrecorded"]) == (
        1,
        False,
        applied.report.unrecorded,
    )
    assert [(one["address"], one["status"]) for one in written["changes"]] == [('addresses["+14155550100"]', "done")]
    assert subjects(clones)[0] == "apply 2 started"
    assert clones.apply("--take-over").code == 0
    assert subjects(clones)[0] == "apply 3 applied"


def locked(path: Path) -> str:
    """What git says of a ref whose lock file a killed git left."""
    return (
        f"the ref {REF} cannot be written: git says \"fatal: update_ref failed for ref '{REF}': cannot lock "
        f"ref '{REF}': Unable to create '{path}': File exists.\". If no other git command is running, delete that file"
    )


def test_a_ref_that_cannot_be_written_has_not_moved(clones: Clones) -> None:
    clones.start()
    push(clones, OTHER)
    lock_file = (clones.here / ".git" / f"{REF}.lock").resolve()
    lock_file.touch()
    assert error(clones.apply()) == f"{locked(lock_file)}. Nothing was sent"
    assert subjects(clones, "remote.git")[:2] == ["apply 2 incomplete", "apply 2 started"]
    lock_file.unlink()
    applied = apply_while(clones, lock_file.touch)
    assert applied.report is not None
    assert applied.report.exit_code == 1
    assert applied.report.unrecorded == (
        f"{locked(lock_file)}. The outcome of this apply is on origin, and the next apply uses it"
    )
    lock_file.unlink()
    assert subjects(clones)[0] == "apply 3 started"
    assert clones.apply().code == 0
    assert subjects(clones)[0] == "apply 3 applied"


def test_without_a_remote_a_ref_that_cannot_be_written_leaves_the_apply_incomplete(clones: Clones) -> None:
    files = FILES.replace(", remote: origin", "")
    push(clones, files)
    clones.start()
    push(clones, OTHER.replace(", remote: origin", ""))
    lock_file = (clones.here / ".git" / f"{REF}.lock").resolve()
    applied = apply_while(clones, lock_file.touch)
    assert applied.report is not None
    assert applied.report.unrecorded == (
        f"{locked(lock_file)}. The changes of this apply were made, but its outcome was not recorded: it counts as "
        "incomplete. Correct the cause, and run the command again"
    )


def test_an_apply_without_the_ledger_respects_its_lock(clones: Clones) -> None:
    clones.start()
    push(clones, OTHER)
    found: list[str] = []

    def meanwhile() -> None:
        def run() -> None:
            inputs = Inputs(str(clones.here), environment="prod", baseline="none", ledger=LedgerOptions(records=False))
            endpoint = Endpoint(emulator=clones.account, environment=dict(os.environ))
            try:
                asyncio.run(workflow.apply(inputs, endpoint, Silent(), lambda _plan: None, _yes))
            except LedgerError as error:
                found.append(str(error))

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()

    assert apply_while(clones, meanwhile).report is not None
    (message,) = found
    assert re.fullmatch(
        r"another apply of prod is in progress\n"
        r"  started \d\d:\d\d UTC by Ada, deadline \d\d:\d\d UTC, \S+, process \d+\n"
        r"  = wait for it; if it has ended, use --take-over",
        message,
    )
    # Without a lock, and without a repository, it works.
    assert clones.apply("--baseline", "none", "--no-record").code == 0
    (clones.here / ".git").rename(clones.here / "gone")
    assert clones.apply("--baseline", "none", "--no-record").code == 0


def test_a_lock_that_the_local_ref_does_not_take_is_given_back(clones: Clones, monkeypatch: pytest.MonkeyPatch) -> None:
    clones.start()
    push(clones, OTHER)
    from reconciler.ledger.repository import Repository

    monkeypatch.setattr(Repository, "move_ref", lambda *_arguments: "moved")
    assert error(clones.apply()) == (
        "the ledger of prod moved since the plan: entry 1 was written at "
        f"{clones.entry().started_at} by Ada. Nothing was sent. Run the command again"
    )
    assert subjects(clones, "remote.git")[:2] == ["apply 2 incomplete", "apply 2 started"]
    assert clones.entry(at="remote.git").resources == clones.entry().resources


def test_a_deadline_is_that_of_the_timeout(clones: Clones) -> None:
    clones.start()
    push(clones, OTHER)
    assert clones.apply("--timeout", "90").code == 0
    entry = clones.entry(f"{REF}~1")
    seconds = (as_time(entry.deadline) - as_time(entry.started_at)).total_seconds()
    assert 80 <= seconds <= 90


def test_the_library_applies_with_a_ledger(clones: Clones) -> None:
    here, account = clones.here, clones.account
    with pytest.raises(LedgerError, match="prod has no ledger yet"):
        SyncReconciler(here, env="prod", emulator=account).apply()
    start = LedgerOptions(starts=True)
    assert SyncReconciler(here, env="prod", emulator=account, ledger=start).apply().exit_code == 0
    assert clones.entry().status == "applied"
    assert SyncReconciler(here, env="prod", emulator=account, baseline="none").plan().baseline is None


# --- the origin, and what is not recorded ----------------------------------------------------------------------------


def in_console(clones: Clones, path: str, form: dict[str, str] | None = None) -> Any:
    """Read or change the account as a person does in the console."""
    with contextlib.closing(Store.open(clones.account)) as store:
        answer = Emulator(store).call("GET" if form is None else "POST", path, form)
    assert answer.status < 400, answer.body
    return answer.body


def service(clones: Clones) -> str:
    found = in_console(clones, "/v1/Services")["services"]
    return str(next(one["sid"] for one in found if one["friendly_name"] == "support"))


def test_a_secret_that_someone_typed_into_the_console_is_not_recorded(
    clones: Clones, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "tok-abcdef-999")
    clones.start()
    typed = {"Identity": "ada", "FriendlyName": "tok-abcdef-999", "Attributes": '{"k": "Bearer tok-abcdef-999"}'}
    in_console(clones, f"/v1/Services/{service(clones)}/Users", typed)
    inside = (
        "users: {ada: {friendly_name: Ada, attributes: {k: v}}}, "
        'webhooks: {post_webhook_url: "https://hooks.example.com/in?token=${secret:TOKEN}"}, roles'
    )
    push(clones, FILES.replace("roles", inside))
    assert clones.apply().code == 0
    user = clones.entry().resources["services.support.users.ada"]
    assert (user.origin, user.adopted) == ("adopted", {})
    assert "tok-abcdef" not in git("log", "--first-parent", "-p", REF, at=clones.here)


def test_only_what_a_killed_first_apply_declared_counts_as_created(clones: Clones) -> None:
    lead = {"FriendlyName": "lead", "Type": "conversation", "Permission": "sendMessage"}
    clones.start()
    in_console(clones, f"/v1/Services/{service(clones)}/Roles", lead)
    git("update-ref", REF, f"{REF}~1", at=clones.here)
    git("update-ref", REF, f"{clones.tip()}", at=clones.folder / "remote.git")
    assert (clones.entry().status, clones.entry().begins) == ("started", True)
    push(
        clones, FILES.replace("permissions: [sendMessage]}", "permissions: [sendMessage]}, lead: {type: conversation}")
    )
    assert clones.apply("--take-over").code == 0
    found = {address: item.origin for address, item in clones.entry().resources.items()}
    assert found["services.support.roles.agent"] == "created"
    assert found["services.support.roles.lead"] == "adopted"


def test_without_a_ledger_there_is_no_git_process_and_with_one_no_request_but_one(
    clones: Clones, monkeypatch: pytest.MonkeyPatch
) -> None:
    clones.start()
    plain = FILES.replace("ledger: {git: refs/reconciler, remote: origin}\n", "")
    (clones.folder / "plain").mkdir()
    (clones.folder / "plain" / "reconciler.yaml").write_text(plain, encoding="utf-8")

    def requests(folder: Path) -> int:
        endpoint = Endpoint(emulator=clones.account, environment=dict(os.environ))
        return asyncio.run(workflow.plan(Inputs(str(folder), environment="prod"), endpoint, Silent())).requests

    # An emulated account is asked for its name, so that its ledger is not taken for that of another one.
    assert requests(clones.here) == requests(clones.folder / "plain") + 1

    def refuse(*_arguments: object, **_options: object) -> None:
        raise AssertionError("git must not run")

    monkeypatch.setattr("subprocess.Popen", refuse)
    assert requests(clones.folder / "plain") > 0
    clones.chdir(clones.folder / "plain")
    for command in ("plan", "drift", "validate"):
        arguments = () if command == "validate" else ("--emulator", clones.account)
        assert clones.run(command, "--env", "prod", *arguments).code == 0
