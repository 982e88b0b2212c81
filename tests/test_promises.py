"""What the README says the tool will never do, each proved through the command line and a served account.

One section for each promise. The account is the emulator over HTTP in this process, so that a test can look into it,
count what it was asked, and break the connection where it likes.
"""

from __future__ import annotations

import itertools
import json
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from reconciler.api.client import Client, ReadClient
from reconciler.emulator import Emulator, Rules, Store
from reconciler.workflow import planning
from tests.commands import Result, Run, forget_surroundings, runner
from tests.emulator.served import served

ACCOUNT = "AC" + "0" * 32

FILES = """\
version: 1
account:
  webhooks: {target: webhook, method: POST, post_webhook_url: https://hooks.example.com/account}
services:
  support:
    friendly_name: Customer Support
    roles:
      agent: {type: conversation, permissions: [sendMessage, leaveConversation]}
      channel user: {type: conversation, permissions: [sendMessage]}
    configuration: {default_conversation_role: agent, reachability_enabled: true}
    webhooks: {method: POST, filters: [onMessageAdded], post_webhook_url: https://hooks.example.com/support}
    notifications: {new_message: {enabled: true, template: "${PARTICIPANT}: ${MESSAGE}"}}
  sales:
    roles:
      agent: {type: conversation, permissions: [sendMessage]}
    configuration: {default_conversation_creator_role: agent}
addresses:
  "+14155550100":
    friendly_name: Main line
    auto_creation: {enabled: true, type: default, service: support}
"""


@dataclass
class Account:
    """A served account. As an ASGI application it passes requests on, and may be told to break one.

    Attributes:
        before: called with the number of a write before the emulator gets it.
        after: called with it when the emulator has carried it out, and before the client hears of it.
    """

    emulator: Emulator
    url: str = ""
    before: Callable[[int], None] = lambda _number: None
    after: Callable[[int], None] = lambda _number: None
    writes_seen: Iterator[int] = field(default_factory=itertools.count)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] == "GET":
            await self.emulator(scope, receive, send)
            return
        number = next(self.writes_seen)
        answer: list[Any] = []

        async def keep(message: Any) -> None:
            answer.append(message)

        self.before(number)
        await self.emulator(scope, receive, keep)
        self.after(number)
        for message in answer:
            await send(message)

    @property
    def base_url(self) -> str:
        return self.emulator.base_url

    @base_url.setter
    def base_url(self, url: str) -> None:
        self.emulator.base_url = self.url = url

    @property
    def writes(self) -> list[str]:
        return [f"{item.method} {item.path}" for item in self.emulator.requests if item.method != "GET"]

    def whole(self) -> tuple[str, ...]:
        return ("--api-url", self.url)

    def call(self, method: str, path: str, form: dict[str, Any] | None = None) -> dict[str, Any]:
        """Do something as somebody else would."""
        reply = self.emulator.call(method, path, form or {})
        assert reply.status < 300, reply.body
        return reply.body if isinstance(reply.body, dict) else {}

    def service(self, name: str) -> str:
        found = [item["sid"] for item in self.call("GET", "/v1/Services")["services"] if item["friendly_name"] == name]
        (sid,) = found
        return str(sid)

    def names(self) -> dict[str, list[str]]:
        """What there is, by name: where something was made twice, its name stands there twice."""
        services = self.call("GET", "/v1/Services")["services"]
        found = {"": sorted(item["friendly_name"] for item in services)}
        for item in services:
            roles = self.call("GET", f"/v1/Services/{item['sid']}/Roles")["roles"]
            found[item["friendly_name"]] = sorted(role["friendly_name"] for role in roles)
        addresses = self.call("GET", "/v1/Configuration/Addresses")["address_configurations"]
        found["addresses"] = sorted(item["address"] for item in addresses)
        return found


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    forget_surroundings(monkeypatch)
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", ACCOUNT)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "emulator")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reconciler.yaml").write_text(FILES)
    return tmp_path


@pytest.fixture
def account() -> Iterator[Account]:
    store = Store.open(":memory:")
    made = Account(Emulator(store, require_auth=True))
    with served(cast("Emulator", made)):  # it has what of an emulator is needed
        yield made
    store.close()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(capsys)


def write(text: str) -> None:
    Path("reconciler.yaml").write_text(text)


def is_converged(run: Run, account: Account) -> bool:
    planned = run("plan", *account.whole(), "--detailed-exitcode", "--format", "json")
    return planned.code == 0 and planned.json["changes"] == []


# --- 1: after a successful apply, a plan is empty --------------------------------------------------------------------


def test_an_apply_to_a_new_account_converges(run: Run, account: Account) -> None:
    assert run("apply", *account.whole(), "--yes").code == 0
    assert is_converged(run, account)


def test_an_apply_to_an_account_that_others_changed_converges(run: Run, account: Account) -> None:
    run("apply", *account.whole(), "--yes")
    sid = account.service("Customer Support")
    for role in account.call("GET", f"/v1/Services/{sid}/Roles")["roles"]:
        account.call("POST", f"/v1/Services/{sid}/Roles/{role['sid']}", {"Permission": ["editOwnMessage"]})
    account.call("POST", f"/v1/Services/{sid}/Configuration", {"ReachabilityEnabled": "false"})
    account.call("POST", "/v1/Configuration/Webhooks", {"Method": "GET"})
    account.call("DELETE", "/v1/Services/" + account.service("sales"))
    assert run("plan", *account.whole(), "--detailed-exitcode").code == 2
    assert run("apply", *account.whole(), "--yes").code == 0
    assert is_converged(run, account)


def test_an_apply_of_every_action_converges(run: Run, account: Account) -> None:
    run("apply", *account.whole(), "--yes")
    account.call("POST", f"/v1/Services/{account.service('sales')}/Roles",
                 {"FriendlyName": "stray", "Type": "service", "Permission": ["joinConversation"]})  # fmt: skip
    write(
        FILES.replace("  sales:\n", "  sales:\n    prune: [roles]\n")
        .replace("      agent: {type: conversation, permissions: [sendMessage]}\n    configuration: {default_conv"
                 "ersation_creator_role: agent}", "      helper: {type: conversation, permissions: [sendMessage]}\n"
                 "    configuration: {default_conversation_creator_role: helper}")
        .replace('"+14155550100":\n', '"+14155550101":\n    renamed_from: "+14155550100"\n')
        .replace("reachability_enabled: true", "reachability_enabled: false")
    )  # fmt: skip
    planned = run("plan", *account.whole(), "--format", "json").json
    assert {change["action"] for change in planned["changes"]} == {"create", "update", "replace", "delete"}
    applied = run("apply", *account.whole(), "--yes")
    # The old default role may only go once an apply has pointed the default elsewhere.
    assert applied.code == 5, applied.out + applied.err
    assert run("apply", *account.whole(), "--yes").code == 0
    assert is_converged(run, account)


# --- 2: nothing else -------------------------------------------------------------------------------------------------


def test_what_the_files_do_not_name_is_not_touched(run: Run, account: Account) -> None:
    stranger = account.call("POST", "/v1/Services", {"FriendlyName": "Not ours"})["sid"]
    account.call("POST", f"/v1/Services/{stranger}/Configuration", {"ReachabilityEnabled": "true"})
    account.call("POST", "/v1/Configuration/Addresses", {"Type": "sms", "Address": "+14155550199"})
    account.call("POST", "/v1/Configuration", {"DefaultClosedTimer": "P9D"})
    ours = account.call("POST", "/v1/Services", {"FriendlyName": "Customer Support"})["sid"]
    account.call("POST", f"/v1/Services/{ours}/Configuration/Notifications", {"LogEnabled": "true"})
    account.call("POST", f"/v1/Services/{ours}/Roles",
                 {"FriendlyName": "theirs", "Type": "service", "Permission": ["joinConversation"]})  # fmt: skip
    before = account.emulator.snapshot()
    assert run("apply", *account.whole(), "--yes").code == 0
    after = account.emulator.snapshot()
    theirs = [sid for sid, body in before.items() if stranger in (sid, body["parent"])]
    assert len(theirs) > 4
    assert {sid: after[sid] for sid in theirs} == {sid: before[sid] for sid in theirs}
    assert account.call("GET", "/v1/Configuration")["default_closed_timer"] == "P9D"
    assert account.call("GET", f"/v1/Services/{ours}/Configuration/Notifications")["log_enabled"] is True
    assert "theirs" in account.names()["Customer Support"]
    assert "+14155550199" in account.names()["addresses"]


def test_pruning_takes_what_its_globs_name_and_nothing_that_twilio_made(run: Run, account: Account) -> None:
    run("apply", *account.whole(), "--yes")
    sid = account.service("sales")
    for name in ("tmp-1", "tmp-2", "tmp-kept", "theirs"):
        account.call("POST", f"/v1/Services/{sid}/Roles",
                     {"FriendlyName": name, "Type": "service", "Permission": ["joinConversation"]})  # fmt: skip
    write(FILES.replace("  sales:\n", '  sales:\n    prune: {roles: {match: "tmp-*", except: [tmp-kept]}}\n'))
    assert run("apply", *account.whole(), "--yes").code == 0
    assert account.names()["sales"] == sorted(["agent", *BUILT_IN, "theirs", "tmp-kept"])


def test_nothing_is_deleted_over_the_limit_or_without_consent(run: Run, account: Account) -> None:
    run("apply", *account.whole(), "--yes")
    account.emulator.requests.clear()
    write(FILES.replace("  sales:\n", "  sales:\n    absent: true\n"))
    refused = run("apply", *account.whole(), "--yes")
    assert refused.code == 4
    assert "--approve 'services.sales'" in refused.err
    write(FILES.replace("  sales:\n", "  sales:\n    absent: true\n") + "limits: {deletes: 0}\n")
    assert run("apply", *account.whole(), "--yes", "--approve", "services.sales").code == 4
    assert account.writes == []
    write(FILES.replace("  sales:\n", "  sales:\n    absent: true\n"))
    assert run("apply", *account.whole(), "--yes", "--approve", "services.sales").code == 0
    assert account.names()[""] == ["Customer Support", "Default Conversations Service"]
    assert is_converged(run, account)


def test_an_update_sends_only_what_differs(run: Run, account: Account) -> None:
    run("apply", *account.whole(), "--yes")
    account.emulator.requests.clear()
    write(
        FILES.replace("Main line", "Front door").replace("[sendMessage]}\n    conf", "[leaveConversation]}\n    conf")
    )
    assert run("apply", *account.whole(), "--yes").code == 0
    sent = [dict(item.form) for item in account.emulator.requests if item.method != "GET"]
    assert sorted(sent, key=str) == [
        {"FriendlyName": ["Front door"]},
        {"Permission": ["leaveConversation"]},
        {"Permission": ["leaveConversation"]},
    ]


# --- 3: the plan is the truth ----------------------------------------------------------------------------------------


def test_nothing_but_apply_sends_anything_but_get(run: Run, account: Account) -> None:
    run("plan", *account.whole(), "--out", "first.json")
    run("apply", *account.whole(), "--target", "services.sales", "--yes")
    account.emulator.requests.clear()
    whole = account.whole()
    assert run("validate").code == 0
    assert run("plan", *whole, "--detailed-exitcode").code == 2
    assert run("plan", *whole, "--out", "plan.json", "--format", "json").code == 0
    assert run("plan", *whole, "--target", "services.support", "--exclude", "addresses").code == 0
    assert run("show", "plan.json").code == 0
    assert run("schema").code == 0
    assert run("apply", *whole).code == 1, "there is no terminal to ask on"
    assert len(account.emulator.requests) > 10
    assert account.writes == []


def test_what_shows_holds_a_client_that_has_no_way_to_write() -> None:
    assert {name for name in dir(ReadClient) if not name.startswith("_")} == {
        "wait_to_retry",
        "endpoint",
        "get",
        "list",
        "locate",
        "pages",
    }
    assert {name for name in dir(Client) if not name.startswith("_")} == {
        "wait_to_retry",
        "endpoint",
        "get",
        "list",
        "locate",
        "pages",
        "post",
        "delete",
        "writes",
        "write_concurrency",
    }


def test_an_apply_does_what_was_shown(run: Run, account: Account) -> None:
    planned = run("plan", *account.whole(), "--format", "json").json
    applied = run("apply", *account.whole(), "--yes", "--format", "json").json
    shown = [(change["address"], change["action"]) for change in planned["changes"]]
    assert [(change["address"], change["action"]) for change in applied["changes"]] == shown
    assert len(account.writes) == applied["writes"] == sum(len(change["steps"]) for change in planned["changes"])


def test_a_field_that_the_api_kept_is_a_failed_step(run: Run, account: Account) -> None:
    run("apply", *account.whole(), "--yes")
    account.emulator.rules = Rules(empty_webhook_url="ignored")
    write(FILES.replace("post_webhook_url: https://hooks.example.com/support", "post_webhook_url: null"))
    ended = run("apply", *account.whole(), "--yes")
    assert ended.code == 1
    kept = "      Twilio reported success, but kept its own value of post_webhook_url"
    assert f"  services.support.webhooks: update\n{kept}" in ended.out
    assert "Apply incomplete: 0 created, 0 updated" in ended.out
    assert run("plan", *account.whole(), "--detailed-exitcode").code == 2


# --- an approved plan ------------------------------------------------------------------------------------------------


def test_the_command_that_a_saved_plan_names_applies_it(run: Run) -> None:
    write(FILES.replace("Main line", "${var:line}"))
    Path("more.yaml").write_text("addresses: {'+14155550100': {friendly_name: \"Front door's ${var:line}\"}}\n")
    varied = ("--var", "line=Main line", "--overlay", "more.yaml", "--emulator", "a b.db")
    planned = run("plan", *varied, "--out", "plan.json")
    program, *arguments = shlex.split(planned.out.rstrip("\n").rpartition("Apply exactly this plan:\n")[2])
    assert program == "reconciler"
    assert arguments == ["apply", "--plan", "plan.json", *varied]
    assert run(*arguments).code == 0
    assert run("plan", *varied, "--detailed-exitcode").code == 0


def test_an_approved_plan_does_not_fit_files_that_moved(run: Run, account: Account) -> None:
    run("plan", *account.whole(), "--out", "plan.json")
    write(FILES.replace("Main line", "Front door"))
    ended = run("apply", *account.whole(), "--plan", "plan.json")
    assert ended.code == 3
    assert 'addresses["+14155550100"]: friendly_name would become "Front door"; "Main line" was approved' in ended.err
    assert account.writes == []


def test_an_approved_plan_does_not_fit_an_account_that_moved(run: Run, account: Account) -> None:
    run("apply", *account.whole(), "--yes")
    write(FILES.replace("Main line", "Front door"))
    run("plan", *account.whole(), "--out", "plan.json")
    (address,) = account.call("GET", "/v1/Configuration/Addresses")["address_configurations"]
    account.call("POST", f"/v1/Configuration/Addresses/{address['sid']}", {"FriendlyName": "Their line"})
    account.emulator.requests.clear()
    ended = run("apply", *account.whole(), "--plan", "plan.json")
    assert ended.code == 3
    assert 'it was "Main line" in the approved' in ended.err
    assert account.writes == []


def test_an_approved_plan_does_not_cover_more_than_it_shows(run: Run, account: Account) -> None:
    run("apply", *account.whole(), "--yes")
    write(FILES.replace("Main line", "Front door"))
    run("plan", *account.whole(), "--out", "plan.json")
    account.call("POST", "/v1/Configuration/Webhooks", {"Method": "GET"})
    account.emulator.requests.clear()
    ended = run("apply", *account.whole(), "--plan", "plan.json")
    assert ended.code == 3
    assert "account.webhooks: update was not in the approved plan" in ended.err
    assert account.writes == []


def test_an_approved_plan_that_is_done_in_part_goes_on(run: Run, account: Account) -> None:
    run("plan", *account.whole(), "--out", "plan.json")
    assert run("apply", *account.whole(), "--target", "services.sales", "--yes").code == 0
    assert run("apply", *account.whole(), "--plan", "plan.json").code == 0
    assert is_converged(run, account)
    account.emulator.requests.clear()
    assert run("apply", *account.whole(), "--plan", "plan.json").code == 0
    assert account.writes == []


def test_a_plan_that_was_edited_by_hand_gets_nothing_done_that_the_files_do_not_say(run: Run, account: Account) -> None:
    stranger = account.call("POST", "/v1/Services", {"FriendlyName": "Not ours"})["sid"]
    run("plan", *account.whole(), "--out", "plan.json")
    plan = json.loads(Path("plan.json").read_text())
    template = next(change for change in plan["changes"] if change["address"] == "services.sales")
    address = f'services["{stranger}"]'
    delete = {"id": f"{address}#delete", "op": "delete", "needs": []}
    plan["changes"].append(
        {**template, "address": address, "action": "delete", "sid": stranger, "fields": [], "steps": [delete]}
    )
    plan["summary"]["delete"] += 1
    plan["options"]["approved"] = [address]
    Path("plan.json").write_text(json.dumps(plan))
    # What is in the plan and not in the files is not done; what is in both is.
    assert run("apply", *account.whole(), "--plan", "plan.json").code == 0
    assert "Not ours" in account.names()[""]
    assert [line for line in account.writes if line.startswith("DELETE")] == []
    assert is_converged(run, account)


def test_a_plan_whose_values_were_edited_by_hand_fits_nothing(run: Run, account: Account) -> None:
    run("plan", *account.whole(), "--out", "plan.json")
    text = Path("plan.json").read_text()
    Path("plan.json").write_text(text.replace("https://hooks.example.com/support", "https://evil.example.com/"))
    assert run("apply", *account.whole(), "--plan", "plan.json").code == 3
    assert account.writes == []


# --- 4: no duplicates, nothing lost ----------------------------------------------------------------------------------


class Killed(BaseException):
    """The end of the process, as far as a test in it can have one."""


WRITES = 11
BUILT_IN = ["channel admin", "channel user", "service admin", "service user"]
CONVERGED = {
    "": ["Customer Support", "Default Conversations Service", "sales"],
    "Default Conversations Service": BUILT_IN,
    "Customer Support": ["agent", *BUILT_IN],
    "sales": ["agent", *BUILT_IN],
    "addresses": ["+14155550100"],
}


def test_so_many_writes_does_a_whole_apply_take(run: Run, account: Account) -> None:
    assert run("apply", *account.whole(), "--yes").code == 0
    assert len(account.writes) == WRITES
    assert account.names() == CONVERGED


@pytest.mark.parametrize("answered", [False, True], ids=["unanswered", "answered"])
@pytest.mark.parametrize("number", range(WRITES))
def test_killed_at_any_write_and_run_again_it_converges_without_duplicates(
    run: Run, monkeypatch: pytest.MonkeyPatch, *, number: int, answered: bool
) -> None:
    """At each write in turn: before it is sent, or when it has been carried out and nobody has heard of it."""
    emulated = ("--emulator", "account.db")
    sent = itertools.count()
    post = Client.post

    async def dying(self: Client, *arguments: Any, **options: Any) -> Any:
        mine = next(sent)
        if mine >= number and not answered:
            raise Killed
        answer = await post(self, *arguments, **options)
        if mine >= number:
            raise Killed
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(Client, "post", dying)
        assert run("apply", *emulated, "--yes", "--concurrency", "1").code == 70
    again = run("apply", *emulated, "--yes", "--format", "json")
    assert again.code == 0
    planned = run("plan", *emulated, "--detailed-exitcode", "--format", "json")
    assert (planned.code, planned.json["changes"]) == (0, [])
    store = Store.open("account.db")
    assert Account(Emulator(store)).names() == CONVERGED
    store.close()


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", [*(pytest.param(number, marks=pytest.mark.slow) for number in (0, 3)), 8])
def test_a_process_that_is_killed_for_real_can_be_run_again(
    run: Run, account: Account, moment: str, number: int
) -> None:
    command = [sys.executable, "-m", "reconciler", "apply", *account.whole(), "--yes", "--concurrency", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:

        def kill(seen: int) -> None:
            if seen == number:
                process.kill()
                process.wait()

        setattr(account, moment, kill)
        assert process.wait(60) == -signal.SIGKILL
    setattr(account, moment, lambda _number: None)
    assert run("apply", *account.whole(), "--yes").code == 0
    assert is_converged(run, account)
    assert account.names() == CONVERGED


def test_an_interrupted_apply_ends_what_is_under_way_and_says_what_is_done(account: Account) -> None:
    command = [sys.executable, "-m", "reconciler", "apply", *account.whole(), "--yes", "--format", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        account.before = lambda number: process.send_signal(signal.SIGINT) if number == 2 else None
        out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    report = json.loads(out)
    done = [change["address"] for change in report["changes"] if change["status"] == "done"]
    assert done
    assert len(account.writes) == report["writes"] < WRITES


def test_an_interrupt_stops_what_is_not_yet_under_way(account: Account) -> None:
    account.emulator._latency = 0.1
    roles = "".join(f"      r{number}: {{type: conversation, permissions: [sendMessage]}}\n" for number in range(60))
    write(f"version: 1\nservices:\n  support:\n    roles:\n{roles}")
    command = [sys.executable, "-m", "reconciler", "apply", *account.whole(), "--yes", "--concurrency", "4"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        account.before = lambda number: process.send_signal(signal.SIGINT) if number == 5 else None
        out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert len(account.writes) < 20
    assert f"; {61 - len(account.writes)} skipped." in out


# --- 5: a failure stays local ----------------------------------------------------------------------------------------


def test_a_failure_skips_what_needs_it_by_name_and_withholds_deletes(run: Run, account: Account) -> None:
    run("apply", *account.whole(), "--yes")
    account.call("POST", f"/v1/Services/{account.service('sales')}/Roles",
                 {"FriendlyName": "stray", "Type": "service", "Permission": ["joinConversation"]})  # fmt: skip
    write(
        FILES.replace("Main line", "Front door")
        .replace("  sales:\n", "  sales:\n    prune: [roles]\n")
        .replace(
            "      channel user:",
            "      broken: {type: conversation, permissions: [flyToTheMoon]}\n      channel user:",
        )
        .replace("default_conversation_role: agent,", "default_conversation_role: broken,")
    )
    ended = run("apply", *account.whole(), "--yes", "--format", "json")
    assert ended.code == 1
    outcomes = {change["address"]: change["outcomes"][0] for change in ended.json["changes"]}
    statuses = {address: outcome["status"] for address, outcome in outcomes.items()}
    (pruned,) = (address for address in statuses if address.startswith("services.sales.roles["))
    assert statuses == {
        "services.support.roles.broken": "failed",
        "services.support.configuration": "skipped",
        'addresses["+14155550100"]': "done",
        pruned: "skipped",
    }
    assert outcomes["services.support.configuration"]["because"] == "services.support.roles.broken#create"
    refusal = outcomes["services.support.roles.broken"]["refusal"]
    assert refusal["code"] == 50104
    assert re.fullmatch("RQ[0-9a-f]{32}", refusal["request_id"])
    assert [line for line in account.writes if line.startswith("DELETE")] == []
    text = run("apply", *account.whole(), "--yes").out
    for words in ("services.support.configuration: update", "the create of services.support.roles.broken failed",
                  "50104", "deletes run only after everything else has"):  # fmt: skip
        assert words in text


# --- 7: a plan is never noise ----------------------------------------------------------------------------------------

SPELLED = """\
version: 1
account:
  configuration: {default_inactive_timer: PT60M, default_closed_timer: P7D}
services:
  support:
    roles: {agent: {type: Conversation, permissions: [sendMessage, leaveConversation]}}
    webhooks: {method: post, filters: [onMessageAdded, onMessageAdd], pre_webhook_url: ""}
    notifications: {log_enabled: false, new_message: {template: null}}
"""
SPELLED_OTHERWISE = """\
version: 1
account:
  configuration: {default_inactive_timer: PT1H, default_closed_timer: P1W}
services:
  support:
    roles: {agent: {type: conversation, permissions: [leaveConversation, sendMessage]}}
    webhooks: {method: POST, filters: [onMessageAdd, onMessageAdded], pre_webhook_url: null}
    notifications: {log_enabled: null, new_message: {template: ""}}
"""


@pytest.mark.parametrize(
    "rules",
    [Rules(), Rules(set_order="reversed", method_case="lower", cleared_text="empty"),
     Rules(set_order="sorted", unset_webhooks="empty", unset_notifications="empty")],
    ids=["one", "another", "a third"],
)  # fmt: skip
def test_other_spellings_of_the_same_are_no_difference(run: Run, account: Account, rules: Rules) -> None:
    account.emulator.rules = rules
    write(SPELLED)
    assert run("apply", *account.whole(), "--yes").code == 0
    assert is_converged(run, account)
    write(SPELLED_OTHERWISE)
    assert is_converged(run, account)


# --- live settings that are not declared are reported ----------------------------------------------------------------


def test_a_setting_that_is_declared_nowhere_is_reported_and_left_alone(run: Run, account: Account) -> None:
    assert run("apply", *account.whole(), "--yes").code == 0
    sales = account.service("sales")
    account.call("POST", "/v1/Configuration", {"DefaultInactiveTimer": "PT5M"})
    account.call("POST", "/v1/Configuration/Webhooks", {"PreWebhookUrl": "https://other.example.com/pre"})
    account.call("POST", f"/v1/Services/{sales}/Configuration", {"ReachabilityEnabled": "true"})
    account.call(
        "POST", f"/v1/Services/{sales}/Configuration/Webhooks", {"PostWebhookUrl": "https://other.example.com"}
    )
    account.call("POST", f"/v1/Services/{sales}/Configuration/Notifications", {"NewMessage.Sound": "ring"})
    found = run("drift", *account.whole(), "--format", "json")
    names = [f"{item['address']}.{item['field']}" for item in found.json["undeclared_settings"]]
    assert names[:2] == ["account.webhooks.pre_webhook_url", "services.sales.webhooks.post_webhook_url"]
    assert set(names[2:]) == {
        "account.configuration.default_service",
        "account.configuration.default_messaging_service_sid",
        "account.configuration.default_inactive_timer",
        "services.sales.configuration.reachability_enabled",
        "services.sales.notifications.new_message.sound",
    }
    assert found.json["undeclared_settings"][0]["risk"] == "high"
    assert (found.code, run("drift", *account.whole(), "--fail-on", "unmanaged").code) == (0, 2)
    # No plan changes them.
    assert is_converged(run, account)


# --- removal is reversible -------------------------------------------------------------------------------------------

LATER = (
    FILES.replace(
        "post_webhook_url: https://hooks.example.com/account", "pre_webhook_url: https://hooks.example.com/pre"
    )
    .replace("[sendMessage, leaveConversation]", "[sendMessage, addParticipant]")
    .replace("      channel user:", "      lead: {type: conversation, permissions: [sendMessage]}\n      channel user:")
    .replace("default_conversation_role: agent, reachability_enabled: true", "default_conversation_role: channel user")
    .replace("    notifications: {new_message", "    notifications: {log_enabled: true, new_message")
    + '  "+14155550199": {type: sms, friendly_name: Second line}\n'
    + "credentials: {push: {type: fcm, friendly_name: Push, secret: abcdefgh}}\n"
)


def commit(text: str) -> None:
    write(text)
    git("add", "reconciler.yaml")
    git("commit", "-q", "-m", "Change")


def git(*words: str) -> None:
    named = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    subprocess.run(["git", *named, *words], check=True, capture_output=True)


def settings(account: Account) -> dict[str, Any]:
    """Everything in the account, by path, with names for SIDs and without times."""
    found: dict[str, Any] = {}
    names: dict[str, str] = {}

    def read(path: str, key: str, shown: str) -> None:
        body = account.call("GET", path)
        for item in body[key] if key else [body]:
            name = str(item.get("friendly_name") or item.get("address") or "")
            names[item.get("sid") or "-"] = f"{shown}/{name}"
            found[f"{shown}/{name}"] = item
            if key == "services":
                read(f"{path}/{item['sid']}/Roles", "roles", f"{name}/roles")
                for part in ("", "/Notifications", "/Webhooks"):
                    read(f"{path}/{item['sid']}/Configuration{part}", "", f"{name}{part}")

    read("/v1/Services", "services", "")
    read("/v1/Configuration/Addresses", "address_configurations", "addresses")
    read("/v1/Credentials", "credentials", "credentials")
    for part in ("", "/Webhooks"):
        read(f"/v1/Configuration{part}", "", f"account{part}")
    moments = {"sid", "url", "links", "date_created", "date_updated"}
    return {
        shown: {key: names.get(str(value), value) for key, value in item.items() if key not in moments}
        for shown, item in found.items()
    }


def test_after_a_revert_an_apply_restores_the_account(run: Run, account: Account) -> None:
    git("init", "-q", "-b", "main")
    commit(FILES + "ledger: git\n")
    assert run("apply", *account.whole(), "--start-ledger", "--yes").code == 0
    before = settings(account)
    commit(LATER + "ledger: git\n")
    assert run("apply", *account.whole(), "--yes").code == 0
    between = settings(account)
    assert between.keys() - before.keys() == {
        "Customer Support/roles/lead", "addresses/Second line", "credentials/Push",
    }  # fmt: skip
    assert len([shown for shown, item in before.items() if between[shown] != item]) == 4
    git("revert", "--no-edit", "HEAD")
    applied = run("apply", *account.whole(), "--yes")
    assert applied.code == 0, applied.out
    assert settings(account) == before
    assert is_converged(run, account)


# --- two applies never run at the same time --------------------------------------------------------------------------


def test_an_apply_sends_nothing_while_another_one_runs(run: Run, account: Account) -> None:
    git("init", "-q", "-b", "main")
    commit(FILES + "ledger: git\n")
    command = [sys.executable, "-m", "reconciler", "apply", *account.whole(), "--start-ledger", "--yes"]
    is_stopped = threading.Event()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:

        def stop(number: int) -> None:
            if number == 0:
                process.send_signal(signal.SIGSTOP)
                is_stopped.set()

        account.before = stop
        try:
            assert is_stopped.wait(60)
            # Meanwhile, the account answers the writes that were already on their way.
            assert run("plan", *account.whole()).code == 0
            first = len(account.writes)
            other = run("apply", *account.whole(), "--yes")
            assert other.code == 1
            assert "another apply of this configuration is in progress" in other.err
            assert f"process {process.pid}" in " ".join(other.err.split())
            assert len(account.writes) == first < WRITES
        finally:
            process.send_signal(signal.SIGCONT)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, out + err
    assert len(account.writes) == WRITES
    assert run("apply", *account.whole(), "--yes").code == 0
    assert len(account.writes) == WRITES
    assert account.names() == CONVERGED


# --- 8: secrets ------------------------------------------------------------------------------------------------------

CANARY = "kanarie/vogel+1"
SPELLINGS = (CANARY, "kanarie%2Fvogel%2B1", "kanarie%2fvogel", "vogel+1", "a2FuYXJpZS92b2dlbCsx")

SECRET = """\
version: 1
services:
  support:
    webhooks: {method: POST, post_webhook_url: "https://hooks.example.com/?token=${secret:HOOK_TOKEN}"}
    roles:
      agent: {type: conversation, permissions: [sendMessage, "${secret:HOOK_TOKEN}"]}
"""


def assert_no_canary(*results: Result) -> None:
    for ended in results:
        for spelling in SPELLINGS:
            assert spelling not in ended.out
            assert spelling not in ended.err


def assert_no_canary_in_files() -> None:
    for path in Path().rglob("*"):
        if path.is_file():
            assert not any(spelling.encode() in path.read_bytes() for spelling in SPELLINGS), path


def test_a_secret_is_nowhere(run: Run, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_TOKEN", CANARY)
    write(SECRET)
    whole = account.whole()
    assert_no_canary(run("validate"), run("validate", "--strict", "--format", "json"))
    planned = run("plan", *whole, "--out", "plan.json", "--verbose")
    assert planned.code == 0
    assert "(sensitive value of HOOK_TOKEN)" in planned.out
    assert_no_canary(planned, run("show", "plan.json"), run("show", "plan.json", "--format", "json"))
    failed = run("apply", *whole, "--yes", "--verbose")
    # The API refuses the role, and its error repeats what was sent.
    assert failed.code == 1
    assert "50104" in failed.out
    assert_no_canary(failed, run("apply", *whole, "--yes", "--format", "json"))
    sent = [item.form for item in account.emulator.requests if item.method == "POST"]
    assert any(CANARY in str(form) for form in sent), "it was sent all the same"
    # What is live is as secret as what is to be.
    assert_no_canary(run("plan", *whole, "--verbose"), run("plan", *whole, "--format", "json", "--out", "second.json"))
    monkeypatch.setenv("HOOK_TOKEN", "another")
    changed = run("plan", *whole, "--verbose", "--out", "third.json")
    told = '+ "https://hooks.example.com/?token=(sensitive)" (secret HOOK_TOKEN, sensitive parts differ)'
    assert told in " ".join(changed.out.split())
    assert_no_canary(changed, run("apply", *whole, "--plan", "third.json"))
    assert_no_canary_in_files()


@pytest.mark.parametrize(
    "line",
    ["friendly_name: {x: '${secret:HOOK_TOKEN}'}", "configuration: {reachability_enabled: '${secret:HOOK_TOKEN}'}",
     "configuration: {default_conversation_role: '${secret:HOOK_TOKEN}'}", "sid: '${secret:HOOK_TOKEN}'",
     "webhooks: {post_webhook_url: '${secret:HOOK_TOKEN}'}", "webhooks: {filters: ['${secret:HOOK_TOKEN}']}",
     "webhooks: {post_webhook_url: 'https://a b/${secret:HOOK_TOKEN}'}", "template: '${secret:HOOK_TOKEN}'"],
)  # fmt: skip
def test_a_secret_in_the_wrong_place_is_not_told_either(
    run: Run, account: Account, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setenv("HOOK_TOKEN", CANARY)
    write(f"version: 1\nservices:\n  support:\n    {line}\n")
    assert_no_canary(run("validate", "--strict"), run("validate", "--strict", "--format", "json"))
    assert_no_canary(run("plan", *account.whole()), run("apply", *account.whole(), "--yes", "--format", "json"))


def test_a_bug_keeps_its_traceback_to_a_file_and_its_secrets_to_itself(
    run: Run, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_TOKEN", CANARY)
    monkeypatch.setattr(tempfile, "tempdir", str(Path().absolute()))
    write(SECRET)

    def broken(*_arguments: object) -> None:
        raise ValueError(f"could not digest {CANARY}")

    monkeypatch.setattr(planning, "build_document", broken)
    ended = run("plan", *account.whole())
    assert ended.code == 70
    assert "internal error. This is a bug in reconciler" in ended.err
    (file,) = Path().glob("reconciler-bug-*.txt")
    assert "Traceback" in file.read_text() or "planning.py" in file.read_text()
    assert_no_canary(ended)
    assert_no_canary_in_files()


def test_credentials_are_nowhere(run: Run, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", CANARY)
    assert_no_canary(run("plan", *account.whole()), run("apply", *account.whole(), "--yes", "--format", "json"))
    monkeypatch.setenv("TWILIO_API_KEY", "SK" + "0" * 32)
    monkeypatch.setenv("TWILIO_API_SECRET", CANARY)
    assert_no_canary(run("plan", *account.whole(), "--format", "json"), run("plan", "--api-url", "http://127.0.0.1:9"))


# --- 9: hostile input ------------------------------------------------------------------------------------------------

HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202ereversed\r\nPlan: 0 to create\x9b31m"


def test_live_names_cannot_speak_to_the_terminal(run: Run, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    service = account.call("POST", "/v1/Services", {"FriendlyName": HOSTILE})["sid"]
    role = {"FriendlyName": HOSTILE, "Type": "conversation", "Permission": ["sendMessage"]}
    account.call("POST", f"/v1/Services/{service}/Roles", role)
    account.call("POST", f"/v1/Services/{service}/Configuration/Notifications", {"NewMessage.Template": HOSTILE})
    write(
        f"version: 1\nservices:\n  odd:\n    sid: {service}\n    roles: {{}}\n    prune: [roles]\n"
        "    notifications: {new_message: {template: tame}}\n"
    )
    monkeypatch.setenv("NO_COLOR", "1")
    run("plan", *account.whole(), "--out", "plan.json")
    for arguments in (["plan", *account.whole(), "--verbose"], ["show", "plan.json"],
                      ["apply", *account.whole(), "--yes", "--verbose"]):  # fmt: skip
        ended = run(*arguments)
        told = ended.out + ended.err
        assert "owned" in told
        assert not [sign for sign in told if sign != "\n" and (ord(sign) < 32 or 127 <= ord(sign) < 160)]
        assert "\u202e" not in told
        assert not [line for line in told.split("\n") if line.startswith("Plan: 0 to create") and "reversed" in line]


def bomb() -> str:
    levels = [f"x-{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 10)}]" for number in range(1, 12)]
    return "\n".join(["version: 1", "x-0: &a0 [1]", *levels, "services: {support: {friendly_name: *a11}}", ""])


@pytest.mark.parametrize(
    "text",
    [
        bomb(),
        "version: 1\nservices: " + "[" * 5000,
        "version: 1\nservices: !!python/object/apply:os.abort []\n",
        "version: 1\nx-a: &a {b: *a}\nservices: *a\n",
        "version: 1\nservices: {support: {<<: [*a, *b]}}\n",
        "version: 1\ninclude: ['../../../../../../etc/passwd']\n",
        "version: 1\nservices: {support: {friendly_name: '${file:/etc/passwd}'}}\n",
    ],
    ids=["a bomb of aliases", "depth", "a Python object", "a circle", "dangling", "a path out", "a file out"],
)
def test_hostile_files_are_problems_and_nothing_else(run: Run, text: str) -> None:
    write(text)
    ended = run("validate")
    assert ended.code == 1
    assert ended.err.startswith("error: ")
    assert "root:" not in ended.err
    assert len(ended.err) < 20_000


# --- 10: all problems at once ----------------------------------------------------------------------------------------


def test_all_problems_are_told_at_once_each_with_its_line_a_caret_and_what_to_do(run: Run) -> None:
    write("""\
version: 1
services:
  support:
    freindly_name: Support
    roles: {agent: {type: room, permissions: [sendMessage]}}
    configuration: {default_conversation_role: agnet, reachability_enabled: perhaps}
    webhooks: {post_webhook_url: ftp://hooks.example.com}
account: {configuration: {default_closed_timer: PT1M}}
""")
    ended = run("validate")
    assert ended.code == 1
    assert ended.err.endswith("\n6 errors\n")
    problems = ended.err.split("\n\n")[:-1]
    assert [re.search(r"--> (\S+)", problem)[1] for problem in problems] == [  # type: ignore[index]
        "reconciler.yaml:4:5", "reconciler.yaml:5:27", "reconciler.yaml:6:48", "reconciler.yaml:6:77",
        "reconciler.yaml:7:34", "reconciler.yaml:8:49",
    ]  # fmt: skip
    for problem in problems:
        assert re.search(r"\n\d+ \| .*\n +\| +\^\n +(?:\d+ )?= ", problem)
    assert "= did you mean friendly_name?" in ended.err
    assert "= did you mean agent?" in ended.err
