"""``reconciler undo``: shows, asks, undoes, and says how the configuration follows."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import main
from reconciler.emulator import Emulator, Store
from tests.commands import Run, forget_surroundings, runner

HERE = ("--emulator", "e.db")
BEFORE = """\
version: 1
services:
  desk:
    roles: {agent: {type: service, permissions: [addParticipant]}}
    users: {ada: {role: agent}}
    webhooks: {post_webhook_url: "https://hooks.example.com/in"}
"""
AFTER = """\
version: 1
account: {configuration: {default_inactive_timer: PT15M}}
services:
  desk:
    roles:
      agent: {type: service, permissions: [addParticipant, joinConversation]}
      lead: {type: conversation, permissions: [sendMessage]}
    users: {ada: {role: agent, friendly_name: Ada}}
    webhooks: {post_webhook_url: "https://hooks.example.com/in?token=${env:TOKEN}"}
  branch: {users: {cleo: {}}}
"""


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with two commits of which the second was applied with a report."""
    folder = tmp_path_factory.mktemp("applied")
    with pytest.MonkeyPatch.context() as monkeypatch, contextlib.redirect_stdout(io.StringIO()):
        surround(monkeypatch, folder)
        git("init", "-q")
        for text, options in ((BEFORE, ()), (AFTER, ("--report", "report.json"))):
            Path("reconciler.yaml").write_text(text)
            git("add", "reconciler.yaml")
            git("commit", "-qm", "Change the desk")
            assert main(("apply", *HERE, "--yes", *options)) == 0
    return folder


def surround(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    forget_surroundings(monkeypatch)
    monkeypatch.delenv("GIT_DIR", raising=False)
    monkeypatch.setenv("TOKEN", "hunter2-hunter2")
    monkeypatch.chdir(folder)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, applied: Path) -> Run:
    """The command line, in a copy of the repository."""
    shutil.copytree(applied, tmp_path, dirs_exist_ok=True)
    surround(monkeypatch, tmp_path)
    return runner(capsys)


def git(*arguments: str) -> str:
    command = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def changes(run: Run) -> list[str]:
    """What a plan of the configuration would do."""
    return [f"{item['action']} {item['address']}" for item in run("plan", *HERE, "--format", "json").json["changes"]]


def console_edit(path: str, form: dict[str, Any]) -> None:
    """Change the account as somebody else would; <…> is the SID of the resource of that name."""
    store = Store.open("e.db")
    account = Emulator(store)
    for sid, row in account.snapshot().items():
        path = path.replace(f"<{row['name']}>", sid)
    assert account.call("POST", path, form).status == 200
    store.close()


def test_the_plan_lists_first_what_cannot_be_undone_and_ends_with_the_revert(run: Run) -> None:
    head = git("rev-parse", "HEAD")
    undone = run("undo", "report.json", *HERE, "--yes")
    assert undone.code == 0
    lines = undone.out.splitlines()
    assert lines[:6] == [
        "Undo of report.json, account AC00000000000000000000000000000000",
        "",
        "Cannot be undone:",
        "    ! account.configuration: default_inactive_timer stays as it is: Twilio can overwrite a timer but",
        "      not clear it",
        "",
    ]
    assert lines[-4:] == [
        "The apply is undone, except for what cannot be undone.",
        "",
        "Run and merge this, or the next apply makes the undone changes again:",
        f"  git revert --no-edit {head}",
    ]
    git("revert", "--no-edit", head)
    assert changes(run) == []


def test_values_are_shown_as_a_plan_of_the_configuration_shows_them(run: Run) -> None:
    before = "version: 1\nservices: {new: {roles: {agent: {type: conversation, permissions: [sendMessage]}}%s}}\n"
    Path("new.yaml").write_text(before % "")
    account = ("--emulator", "new.db", "--yes")
    assert run("apply", "new.yaml", *account).code == 0
    Path("new.yaml").write_text(
        before % ", configuration: {default_conversation_role: agent, reachability_enabled: true}"
    )
    assert run("apply", "new.yaml", *account, "--report", "new.json").code == 0
    undone = run("undo", "new.json", "new.yaml", *account)
    assert undone.code == 0
    shown = re.sub(r"(RL|SM)[0-9a-f]{32}", r"\1…", " ".join(undone.out.split()))
    assert '~ default_conversation_role: - agent (RL…) # new.json + "channel user" (RL…)' in shown
    assert "~ reachability_enabled: true → false # new.json" in shown


def test_a_merge_is_reverted_to_its_first_parent(run: Run) -> None:
    git("checkout", "-qb", "topic", "HEAD~1")
    Path("other.txt").write_text("x")
    git("add", "other.txt")
    git("commit", "-qm", "Add a note")
    git("merge", "-q", "--no-edit", "master" if "master" in git("branch", "--list", "master") else "main")
    Path("reconciler.yaml").write_text(AFTER.replace("PT15M", "PT30M"))
    merge = git("rev-parse", "HEAD")
    assert run("apply", *HERE, "--yes", "--report", "merged.json").code == 0
    undone = run("undo", "merged.json", *HERE, "--yes", "--format", "json")
    assert undone.json["follow_up"] == [f"git revert --no-edit -m 1 {merge}"]


def test_an_undo_can_be_undone(run: Run) -> None:
    assert run("undo", "report.json", *HERE, "--yes", "--report", "undone.json").code == 0
    assert changes(run) == [
        "update services.desk.roles.agent",
        "create services.desk.roles.lead",
        "update services.desk.users.ada",
        "update services.desk.webhooks",
        "create services.branch",
        "create services.branch.users.cleo",
    ]
    # What a deleted service contained is not in its report. The token is not either, but the configuration has it.
    undone = run("undo", "undone.json", *HERE, "--yes")
    assert undone.code == 0
    # Nothing tells whether the configuration followed the first undo, so no command fits.
    assert undone.out.splitlines()[-3:] == [
        "The apply is undone, except for what cannot be undone. `reconciler plan` shows whether the",
        "configuration agrees with the account.",
        "  reconciler plan --emulator e.db",
    ]
    assert changes(run) == ["create services.branch.users.cleo"]


def test_nothing_is_left_to_undo(run: Run) -> None:
    run("undo", "report.json", *HERE, "--yes")
    again = run("undo", "report.json", *HERE, "--yes")
    assert again.code == 0
    assert again.out.startswith("Nothing to undo. Account AC00000000000000000000000000000000 is as before the apply")
    assert f"  git revert --no-edit {git('rev-parse', 'HEAD')}" in again.out


def test_what_someone_changed_since_is_withheld(run: Run) -> None:
    console_edit("/v1/Services/<desk>/Users/<ada>", {"FriendlyName": "Ada Lovelace"})
    console_edit("/v1/Services/<branch>/Users/<cleo>", {"FriendlyName": "Cleo"})
    undone = run("undo", "report.json", *HERE, "--yes")
    assert undone.code == 5
    text = " ".join(undone.out.split())
    assert "withheld: friendly_name changed since the apply" in text
    assert "withheld: services.branch.users.cleo, which it contains, changed since the apply" in text
    assert "agent updated" in text
    assert changes(run) == [
        "update services.desk.roles.agent",
        "create services.desk.roles.lead",
        "update services.desk.users.ada",
        "update services.desk.webhooks",
    ]


def test_a_declined_undo_sends_nothing(run: Run) -> None:
    before = changes(run)
    declined = run("undo", "report.json", *HERE)
    assert declined.code == 1
    assert (
        "no terminal to ask for approval, so nothing was sent. Apply a reviewed plan, or undo without approval (--yes):"
    ) in " ".join(declined.err.split())
    assert declined.err.splitlines()[-2:] == [
        "         reconciler undo report.json --out undo.json --emulator e.db",
        "         reconciler apply --plan undo.json --emulator e.db",
    ]
    assert changes(run) == before == []
    declined = run("undo", "report.json", "reconciler.yaml", *HERE)
    again, _ = declined.err.splitlines()[-2:]
    assert again == "         reconciler undo report.json reconciler.yaml --out undo.json --emulator e.db"


def test_a_saved_plan_is_an_approval_of_the_same_report(run: Run) -> None:
    Path("plans").mkdir()
    saved = run("undo", "report.json", *HERE, "--out", "plans/undo.json")
    assert saved.code == 0
    assert saved.out.splitlines()[-2:] == [
        "Saved to plans/undo.json. To undo exactly this:",
        "  reconciler apply --plan plans/undo.json --emulator e.db",
    ]
    assert json.loads(Path("plans/undo.json").read_text())["options"]["undo"]["report"] == "../report.json"
    applied = run("apply", *HERE, "--plan", "plans/undo.json")
    assert applied.code == 0
    assert "The apply is undone" in applied.out


def test_a_plan_that_no_longer_fits_sends_nothing(run: Run) -> None:
    run("undo", "report.json", *HERE, "--out", "undo.json")
    console_edit("/v1/Configuration/Webhooks", {"Method": "GET"})  # not in the report, so not in the way
    console_edit("/v1/Services/<desk>/Users/<ada>", {"FriendlyName": ""})
    plan = json.loads(Path("undo.json").read_text())
    plan["changes"] = [change for change in plan["changes"] if change["address"] != "services.branch"]
    plan["summary"]["delete"] -= 1
    Path("undo.json").write_text(json.dumps(plan))
    stale = run("apply", *HERE, "--plan", "undo.json")
    assert stale.code == 3
    assert "services.branch: delete was not in the approved plan" in stale.err


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda undo: undo.update(report="/etc/hostname"), "it names its report by an absolute path"),
        (lambda undo: undo.update(report="no\nsuch"), "or in control characters"),
        (lambda undo: undo.update(report="reconciler.yaml"), "is not the report that undo.json was made from"),
        (lambda undo: undo.update(report="."), "it is not a regular file"),
        (lambda undo: undo.update(digest="sha256:00"), "is not the report that undo.json was made from"),
        (lambda undo: undo.update(report="gone.json"), "cannot read gone.json: No such file"),
    ],
)
def test_a_plan_of_another_report_is_refused(run: Run, edit: Callable[[Any], object], message: str) -> None:
    run("undo", "report.json", *HERE, "--out", "undo.json")
    plan = json.loads(Path("undo.json").read_text())
    edit(plan["options"]["undo"])
    Path("undo.json").write_text(json.dumps(plan))
    refused = run("apply", *HERE, "--plan", "undo.json")
    assert refused.code == 1
    assert message in " ".join(refused.err.split())
    assert changes(run) == []


def test_an_edited_report_licenses_no_deletes(run: Run) -> None:
    report = json.loads(Path("report.json").read_text())
    report["seconds"] = 1.0
    Path("report.json").write_text(json.dumps(report))
    refused = run("undo", "report.json", *HERE, "--yes")
    assert refused.code == 4
    assert "[unsealed-report]" in refused.out + refused.err
    approvals = ("--approve", "services.branch", "--approve", "services.desk.roles.lead")
    assert run("undo", "report.json", *HERE, "--yes", *approvals[:2]).code == 4
    assert run("undo", "report.json", *HERE, "--yes", *approvals).code == 0


def test_each_delete_and_high_risk_update_of_an_edited_report_requires_approval(run: Run) -> None:
    forge_report()
    before = run("export", *HERE, "--include", "users").out
    assert run("undo", "report.json", *HERE, "--out", "undo.json").code == 0
    plan = json.loads(Path("undo.json").read_text())
    assert {change["address"]: (change["reason"], change["guard"]["message"]) for change in plan["changes"]} == {
        "services.desk.webhooks": (
            "changed by the apply, as the unsealed report says",
            (
                "the report has no valid seal, so it does not prove which values services.desk.webhooks had before its "
                "apply; approve the high-risk update with --approve 'update:services.desk.webhooks', or under "
                "`approvals` in the configuration"
            ),
        ),
        "services.desk.users.ada": (
            "created by the apply, as the unsealed report says",
            (
                "the report has no valid seal, so it does not prove that its apply created services.desk.users.ada; "
                "approve the delete with --approve 'services.desk.users.ada', or under `approvals` in the configuration"
            ),
        ),
    }
    assert run("export", *HERE, "--include", "users").out == before
    shown = run("undo", "report.json", *HERE, "--yes")
    assert shown.code == 4
    assert "  --approve update:services.desk.webhooks --approve services.desk.users.ada" in shown.out.splitlines()
    assert [line for line in shown.out.splitlines() if "that is undone" in line] == []
    assert (
        "Warning[unsealed-report]: report.json was edited, or was made with other credentials or another "
        "RECONCILER_PLAN_KEY. Nothing proves what it says: any change in this plan may be one that the apply never "
        "made. Deletes, replaces, and high-risk updates require approval, and sensitive values cannot be compared "
        "Check each address and value, or use the same credentials or RECONCILER_PLAN_KEY."
    ) in " ".join(shown.out.split())
    approvals = ("--approve", "update:services.desk.webhooks", "--approve", "services.desk.users.ada")
    assert run("undo", "report.json", *HERE, "--yes", *approvals[:2]).code == 4
    assert run("export", *HERE, "--include", "users").out == before
    assert run("undo", "report.json", *HERE, "--yes", *approvals).code == 0
    assert changes(run) == ["create services.desk.users.ada"]
    assert "https://evil.example.com/x" in run("export", *HERE).out


def forge_report() -> None:
    """Let the report say that its apply created a declared user, and that another server received the events."""
    report = json.loads(Path("report.json").read_text())
    by_address = {change["address"]: change for change in report["changes"]}
    user, hooks = by_address["services.desk.users.ada"], by_address["services.desk.webhooks"]
    user["action"] = "create"
    user["outcomes"][0] |= {"step": "services.desk.users.ada#create", "op": "create", "before": None, "after": {}}
    hooks["outcomes"][0] |= {
        "before": {"pre_webhook_url": "https://evil.example.com/x"},
        "after": {"pre_webhook_url": None},
    }
    report["changes"] = [user, hooks]
    Path("report.json").write_text(json.dumps(report))


GONE = """version: 1
services:
  desk:
    conversations:
      news: {%s}
credentials:
  push: {type: fcm, friendly_name: Push, secret: "${secret:PUSH}"}
approvals: [{address: services.desk.conversations.news, action: delete}]
"""


def keep(text: str) -> None:
    Path("reconciler.yaml").write_text(text)
    git("commit", "-qam", "Change the news")


@pytest.fixture
def news(run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line, with a conversation that has a timer, an email binding, and a webhook; and a push key."""
    push(monkeypatch, "first")
    hook = "{target: webhook, url: 'https://crm.example.com/in', method: POST, filters: [onMessageAdded]}"
    settings = "timers: {inactive: PT1H}, bindings: {email: {address: d@example.com, name: D}}"
    keep(GONE % f"{settings}, webhooks: {{crm: {hook}}}")
    assert run("apply", *HERE, "--yes").code == 0
    return run


def push(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    account = {"type": "service_account", "project_id": "p", "private_key": key, "client_email": "a@example.com"}
    monkeypatch.setenv("PUSH", json.dumps(account))


def irreversible(run: Run, *arguments: str) -> tuple[int, list[str]]:
    undone = run("undo", "report.json", *HERE, "--yes", "--format", "json", *arguments)
    return undone.code, [f"{part['address']}: {part['message']}" for part in undone.json.get("irreversible", [])]


def test_a_conversation_comes_back_without_what_no_report_has(news: Run) -> None:
    keep(GONE % "absent: true")
    assert news("apply", *HERE, "--yes", "--report", "report.json").code == 0
    address = "services.desk.conversations.news"
    assert irreversible(news) == (
        0,
        [
            (
                f"{address}: bindings.email.name is not set: Twilio accepts it only with bindings.email.address, "
                "which it never returns"
            ),
            (
                f"{address}: created again with a new SID; every message and participant in it, and its webhooks, "
                "cannot be restored"
            ),
            (
                f"{address}: timers.inactive, timers.closed, and bindings.email.address are not set: Twilio never "
                "returns them, so their old values are unknown"
            ),
        ],
    )
    assert changes(news) == [f"delete {address}"]


def test_an_overwritten_secret_is_not_said_to_be_undone(news: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    push(monkeypatch, "second")
    rotated = news("apply", *HERE, "--yes", "--report", "report.json", "--rotate", "credentials.push")
    assert rotated.code == 0
    assert irreversible(news) == (
        0,
        [
            (
                "credentials.push: secret is not set back: Twilio never returns it, so its old value is unknown; "
                "to send the old one, declare it and apply with --rotate credentials.push"
            )
        ],
    )


@pytest.mark.parametrize(
    ("commits", "name"),
    [
        (["revert"], "~ friendly_name: (sensitive value) → (sensitive value)"),
        ([], "friendly_name is not set back: its old value is sensitive, so the report does not contain it"),
    ],
)
def test_what_the_apply_hid_is_hidden_in_its_undo(
    run: Run, monkeypatch: pytest.MonkeyPatch, commits: list[str], name: str
) -> None:
    monkeypatch.setenv("HOOK", "https://hooks.example.com/TOPSECRET")
    keep(
        BEFORE.replace(
            "ada: {role: agent}", "ada: {friendly_name: HIDDEN, role: agent, sensitive: [friendly_name]}"
        ).replace('"https://hooks.example.com/in"', '"${secret:HOOK}"')
    )
    assert run("apply", *HERE, "--yes", "--report", "report.json").code == 0
    for command in commits:
        git(command, "--no-edit", "HEAD")
    shown = [run("undo", "report.json", *HERE, "--out", "undo.json").out, Path("undo.json").read_text()]
    undone = run("undo", "report.json", *HERE, "--yes", "--report", "undone.json")
    assert undone.code == 0
    assert name in " ".join(undone.out.split())
    for text in (*shown, undone.out, undone.err, Path("undone.json").read_text()):
        assert "TOPSECRET" not in text
        assert "HIDDEN" not in text


def talk(service: str, path: str, form: dict[str, Any]) -> None:
    """Create something in the account as somebody else would."""
    store = Store.open("e.db")
    account = Emulator(store)
    sid = next(sid for sid, row in account.snapshot().items() if row["name"] == service)
    assert account.call("POST", f"/v1/Services/{sid}/{path}", form).status == 201
    store.close()


def test_conversations_that_others_began_in_a_created_service_need_approval(run: Run) -> None:
    talk("branch", "Conversations", {"FriendlyName": "Order 1"})
    refused = run("undo", "report.json", *HERE, "--yes")
    assert refused.code == 4
    assert (
        "services.branch has 1 conversation (at most 0 approved), which the apply did not create; approve the "
        "delete with --approve 'services.branch'"
    ) in " ".join(refused.err.split())
    assert changes(run) == []
    assert run("undo", "report.json", *HERE, "--yes", "--approve", "services.branch").code == 0


def test_a_conversation_of_the_apply_that_is_gone_licenses_no_other_one(run: Run) -> None:
    own = AFTER.replace("cleo: {}}", "cleo: {}}, conversations: {general: {unique_name: general}}")
    keep(own.replace("branch:", "shop:"))
    assert run("apply", *HERE, "--yes", "--report", "shop.json").code == 0
    store = Store.open("e.db")
    account = Emulator(store)
    names = {row["name"]: sid for sid, row in account.snapshot().items()}
    assert account.call("DELETE", f"/v1/Services/{names['shop']}/Conversations/{names['general']}").status == 204
    store.close()
    talk("shop", "Conversations", {"FriendlyName": "Order 1", "State": "inactive"})
    assert run("undo", "shop.json", *HERE, "--yes").code == 4


def test_a_new_handle_keeps_the_protection_and_newer_contents(run: Run) -> None:
    roles = "roles: {lead: {type: conversation, permissions: [sendMessage], lifecycle: {prevent_destroy: true}}}"
    keep(AFTER.replace("branch: {", "office: {friendly_name: branch, "))
    assert run("apply", *HERE, "--yes").code == 0
    keep(AFTER.replace("branch: {", f"office: {{friendly_name: branch, {roles}, "))
    assert run("apply", *HERE, "--yes").code == 0
    undone = run("undo", "report.json", *HERE, "--yes", "--approve", "services.branch", "--format", "json")
    assert undone.code == 5
    (withheld,) = [one for one in undone.json["changes"] if one["address"] == "services.branch"]
    assert (withheld["action"], withheld["status"]) == ("delete", "withheld")
    assert withheld["outcomes"][0]["message"] == (
        "lifecycle.prevent_destroy of services.branch.roles.lead does not allow it"
    )


def test_a_report_of_another_root_file_is_refused(run: Run) -> None:
    Path("other").mkdir()
    Path("other/reconciler.yaml").write_text("version: 1\n")
    git("add", "other/reconciler.yaml")
    git("commit", "-qm", "Add another configuration")
    refused = run("undo", "report.json", "other", *HERE, "--yes")
    assert refused.code == 1
    assert " ".join(refused.err.split()) == (
        "Error: report.json is the report of an apply of reconciler.yaml, and this is other/reconciler.yaml. Run "
        "`reconciler undo report.json .`"
    )
    git("mv", "-f", "reconciler.yaml", "other/reconciler.yaml")
    assert run("undo", "report.json", "other", *HERE, "--yes").code == 0


def test_an_apply_continues_no_report_of_another_root_file_or_environment(run: Run) -> None:
    refused = "roles: {lead: {type: conversation, permissions: [createConversation]}}"
    other = f"version: 1\nenvironments: {{prod: {{}}}}\nservices: {{shop: {{{refused}}}}}\n"
    Path("other").mkdir()
    Path("other/reconciler.yaml").write_text(other)
    git("add", "other/reconciler.yaml")
    git("commit", "-qm", "Add another configuration")
    # A complete report is replaced.
    assert run("apply", "other", *HERE, "--yes", "--env", "prod", "--report", "report.json").code == 1
    saved = json.loads(Path("report.json").read_text())
    assert "earlier" not in saved
    assert [one["status"] for one in saved["changes"]] == ["done", "failed"]
    options = (*HERE, "--yes", "--report", "report.json")
    for arguments, what in (
        ((), "other/reconciler.yaml, environment prod"),
        (("other",), "this configuration, environment prod"),
    ):
        again = run("apply", *arguments, *options)
        assert again.code == 1
        assert " ".join(again.err.split()) == (
            f"Error: report.json is the report of an apply of {what} that did not complete. Use another file for this "
            "apply, so that the other one can be undone or continued"
        )
    assert json.loads(Path("report.json").read_text()) == saved
    Path("other/reconciler.yaml").write_text(other.replace("createConversation", "sendMessage"))
    assert run("apply", "other", "--env", "prod", *options).code == 0
    assert len(json.loads(Path("report.json").read_text())["earlier"]) == 1


def test_an_edited_plan_file_licenses_no_deletes(run: Run) -> None:
    assert run("undo", "report.json", *HERE, "--out", "plan.json").code == 0
    saved = json.loads(Path("plan.json").read_text())
    Path("plan.json").write_text(json.dumps({**saved, "seal": f"{saved['seal'][:-4]}0000"}))
    refused = run("apply", "--plan", "plan.json", *HERE, "--yes")
    assert refused.code == 3
    assert "Warning[unsealed-report]: the plan file was edited" in refused.out
    assert changes(run) == []


def test_the_same_command_again_forgets_nothing_of_the_report(run: Run) -> None:
    assert run("apply", *HERE, "--yes", "--report", "report.json").code == 0
    saved = json.loads(Path("report.json").read_text())
    assert (saved["changes"], len(saved["earlier"])) == ([], 1)
    assert run("undo", "report.json", *HERE, "--yes").code == 0
    assert "create services.branch" in changes(run)


def test_a_bounded_approval_of_the_configuration_bounds_the_undo(run: Run) -> None:
    talk("branch", "Users", {"Identity": "dan"})
    bound = "approvals: [{address: services.branch, action: delete, at_most: {users: 1}}]\n"
    keep(f"{AFTER}{bound}")
    refused = run("undo", "report.json", *HERE, "--yes")
    assert refused.code == 4
    assert (
        "services.branch has 2 users (at most 1 approved); to delete it anyway, raise at_most of its approval"
    ) in " ".join(refused.err.split())
    keep(f"{AFTER}{bound.replace('users: 1', 'users: 2')}")
    assert run("undo", "report.json", *HERE, "--yes").code == 0


def test_an_undo_of_everything_says_that_the_apply_is_undone(run: Run) -> None:
    keep(AFTER.replace("friendly_name: Ada", "friendly_name: Ada L."))
    assert run("apply", *HERE, "--yes", "--report", "report.json").code == 0
    undone = run("undo", "report.json", *HERE, "--yes").out.splitlines()
    head = git("rev-parse", "HEAD")
    assert undone[-4:] == [
        "The apply is undone.",
        "",
        "Run and merge this, or the next apply makes the undone changes again:",
        f"  git revert --no-edit {head}",
    ]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda report: report.update(format_version=1), "was written by an older release of reconciler"),
        (lambda report: report.update(account_sid="AC" + "1" * 32), "is the report of an apply to account AC1111"),
        (lambda report: report["changes"][0].update(kind="planet"), "account.configuration has an unknown kind"),
        (lambda report: report["changes"][1].update(address="addresses.x"), "is not an address of its kind"),
        (
            lambda report: report["changes"][0]["outcomes"][0]["after"].update(default_inactive_timer=15),
            "(default_inactive_timer)",
        ),
        (lambda report: report["changes"][0]["outcomes"][0]["after"].update(color="red"), "'color' is not a field"),
        (lambda report: report["changes"][1]["outcomes"][0].update(parents=[]), "has the wrong number of parents"),
    ],
)
def test_a_report_that_no_apply_wrote_is_refused(run: Run, edit: Callable[[Any], object], message: str) -> None:
    report = json.loads(Path("report.json").read_text())
    edit(report)
    Path("report.json").write_text(json.dumps(report))
    refused = run("undo", "report.json", *HERE, "--yes")
    assert refused.code == 1
    assert message in " ".join(refused.err.split())
    assert changes(run) == []


def test_the_report_of_the_undo_does_not_replace_the_one_that_is_undone(run: Run) -> None:
    refused = run("undo", "report.json", *HERE, "--yes", "--report", "report.json")
    assert refused.code == 1
    assert "is the report that is undone" in refused.err


def test_no_secret_is_shown(run: Run) -> None:
    for form in ("text", "markdown", "html", "json", "github"):
        shown = run("undo", "report.json", *HERE, "--out", "undo.json", "--format", form)
        assert shown.code == 0
        assert "hunter2" not in shown.out + shown.err + Path("undo.json").read_text()
