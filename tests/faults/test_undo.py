"""An undo of every kind of resource, of which any single write fails, is lost, or is the last one before a kill."""

from __future__ import annotations

import asyncio
import functools
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from reconciler import workflow
from reconciler.api.client import Client
from reconciler.api.fetch import fetch, fetch_planned
from reconciler.api.transport import in_process
from reconciler.documents.report import ReportFile
from reconciler.documents.undo_source import undo_targets
from reconciler.documents.values import Digests
from reconciler.emulator.app import Receive, Scope, Send
from reconciler.emulator.faults import App
from reconciler.execution.apply import apply
from reconciler.planning.options import PlanOptions
from reconciler.planning.undo import Undo
from reconciler.report import Report, Silent
from reconciler.workflow import Endpoint, Inputs
from tests.faults.chaos import Killed as ProcessKilled
from tests.ledger.lives import Death, Mortal, Side
from tests.undone import KEY, URL, do, picture, plan_undo
from tests.world import _ANYONE, World, _once, read

BEFORE = """
version: 1
account:
  configuration: {default_service: desk, default_inactive_timer: PT1H, default_closed_timer: P1D}
  webhooks: {target: webhook, method: GET, filters: [onMessageAdded], post_webhook_url: "https://a.example.com/old"}
services:
  desk:
    configuration: {reachability_enabled: true, default_conversation_role: reader}
    notifications: {log_enabled: true, new_message: {enabled: true, template: Old, sound: ring}}
    webhooks: {method: POST, filters: [onMessageAdded], pre_webhook_url: "https://a.example.com/pre"}
    roles:
      reader: {type: conversation, permissions: [sendMessage]}
      greeter: {type: service, permissions: [joinConversation]}
      turncoat: {type: service, permissions: [joinConversation]}
    users:
      ada: {friendly_name: Ada, role: greeter, attributes: {team: 1}}
      bob: {friendly_name: Bob}
    conversations:
      lounge:
        friendly_name: Lounge
        attributes: {pinned: true}
        participants:
          ada: {identity: ada, role: reader, attributes: {vip: true}}
          guest: {address: "+14155550199", proxy_address: "+14155550100"}
        webhooks:
          first: {target: webhook, url: "https://a.example.com/1", method: POST, filters: [onMessageAdded]}
          second: {target: studio, flow_sid: FW11111111111111111111111111111111}
addresses:
  "+14155550100": {type: sms, friendly_name: Main line}
  "+14155550101":
    type: sms
    auto_creation: {enabled: true, type: webhook, service: desk, webhook_url: "https://a.example.com/in",
      webhook_method: POST, webhook_filters: [onMessageAdded]}
"""
AFTER = """
version: 1
limits: {deletes: 50}
account:
  configuration: {default_inactive_timer: PT2H, default_closed_timer: P2D}
  webhooks: {target: webhook, method: POST, filters: [onMessageAdded, onMessageAdd], post_webhook_url: null}
services:
  desk:
    configuration: {reachability_enabled: false, default_conversation_role: channel user}
    notifications: {log_enabled: false, new_message: {enabled: false, template: New, sound: null}}
    webhooks: {method: GET, filters: [onMessageAdd], pre_webhook_url: null, post_webhook_url: "https://a.example.com/x"}
    roles:
      reader: {type: conversation, permissions: [sendMessage, sendMediaMessage]}
      greeter: {type: service, permissions: [joinConversation, createConversation]}
      turncoat: {type: conversation, permissions: [sendMessage]}
      new: {type: service, permissions: [joinConversation]}
    users:
      ada: {friendly_name: Ada L., role: new, attributes: {team: 2}}
      bob: {absent: true}
      cleo: {role: new}
    conversations:
      lounge:
        friendly_name: Salon
        attributes: {pinned: false, more: [1]}
        participants:
          ada: {identity: ada, role: turncoat, attributes: {}}
          guest: {address: "+14155550199", proxy_address: "+14155550102"}
        webhooks:
          first: {target: webhook, url: "https://a.example.com/2", method: GET, filters: [onMessageUpdated]}
          third: {target: trigger, url: "https://a.example.com/3", method: POST, triggers: [help]}
        prune: [webhooks, participants]
      garden:
        friendly_name: Garden
        webhooks: {own: {target: webhook, url: "https://a.example.com/4", filters: [onMessageAdded]}}
  branch:
    friendly_name: Branch
    roles: {clerk: {type: service, permissions: [joinConversation]}}
    users: {dan: {role: clerk}}
    conversations: {hall: {participants: {dan: {identity: dan}}}}
    webhooks: {post_webhook_url: "https://a.example.com/branch"}
addresses:
  "+14155550100": {absent: true}
  "+14155550101":
    type: sms
    auto_creation: {enabled: true, type: studio, service: branch, studio_flow_sid: FW22222222222222222222222222222222}
credentials:
  android: {type: fcm, friendly_name: Push, secret: s3cret-of-the-key}
"""


class Killed(BaseException):
    """The end of the process, as far as one in a test can have one."""


class NthWrite:
    """An ASGI application in which one write goes wrong.

    Args:
        app: the application.
        number: which write, from 0.
        how: ``refused`` and not done; ``lost``: done, and the answer never comes; or the process ends ``before`` it is
            sent, or ``after`` it is done.
    """

    def __init__(self, app: App, number: int, how: str) -> None:
        self.app, self.left, self.how = app, number, how
        self.writes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "GET":
            await self.app(scope, receive, send)
            return
        self.writes += 1
        self.left -= 1
        if self.left != -1:
            await self.app(scope, receive, send)
            return
        if self.how == "before":
            raise Killed
        if self.how in {"after", "lost"}:
            await self.app(scope, receive, _nowhere)
        if self.how == "after":
            raise Killed
        status = 504 if self.how == "lost" else 403
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]}
        )
        await send({"type": "http.response.body", "body": b'{"code": 1, "message": "no", "status": %d}' % status})


async def _nowhere(_message: Any) -> None:
    await asyncio.sleep(0)


def changed() -> tuple[World, dict[str, Any], ReportFile]:
    """An account that an apply changed, what it was before, and the report."""
    account, before, file = changed_once()
    return account.copied(), before, file


@functools.cache
def changed_once() -> tuple[World, dict[str, Any], ReportFile]:
    account = World()
    account.converge(read(BEFORE))
    # Undeclared contents of a deleted user, and of everything that is replaced, are restored as well.
    before = picture(account)
    files = read(AFTER)
    report, file = do(account, account.plan(files), files)
    assert report.exit_code == 0, [outcome for result in report.results for outcome in result.outcomes]
    return account, before, file


def undone_once(account: World, report: ReportFile, number: int, how: str) -> Report | None:
    """Undo with one write that goes wrong; None if the process ended."""
    files = read(AFTER)
    undo = Undo(files, undo_targets(report, "r"), "r", Digests(report.account_sid, KEY).of, unsealed="")

    async def run() -> Report:
        app = NthWrite(account.emulator, number, how)
        async with Client(URL, _ANYONE, transport=in_process(app), retry=_once()) as client:
            state = await fetch(undo.draft(), client, Silent())
            made = await fetch_planned(lambda: undo.plan(state, PlanOptions()), state, client, Silent())
            assert made.blocking() == ()
            return await apply(made, client, Silent())

    try:
        return asyncio.run(run())
    except Killed:
        return None


def restored(account: World, report: ReportFile, before: dict[str, Any]) -> None:
    """Undo until there is nothing left, and compare."""
    files = read(AFTER)
    while True:
        made = plan_undo(account, report, files)
        conflicts = [
            change for change in made.changes if change.guard is not None and change.guard.name == "changed_since"
        ]
        assert conflicts == []
        if not any(change.steps and not change.is_withheld for change in made.changes):
            break
        done, _file = do(account, made, files)
        assert done.exit_code in {0, 5}, [outcome for result in done.results for outcome in result.outcomes]
    assert made.changes == ()
    assert picture(account) == before


def test_an_undo_of_every_kind_restores_the_account() -> None:
    account, before, report = changed()
    made = plan_undo(account, report, read(AFTER))
    studio = 'services.desk.conversations.lounge.webhooks["studio FW11111111111111111111111111111111"]'
    assert {str(address): message for address, message in made.irreversible} == {
        "services.desk.users.bob": "created again; Twilio removed every participant that it was",
        studio: "replay_after is not set: Twilio never returns it, so its old value is unknown",
    }
    assert made.blocking() == ()
    done, file = do(account, made, read(AFTER))
    assert done.exit_code == 0
    assert picture(account) == before
    # An undo has a report as well. Undoing it applies the changes again, except for the key, which no report contains,
    # and for what a deleted service or conversation contained.
    again = plan_undo(account, file, read(AFTER))
    assert do(account, again, read(AFTER))[0].exit_code == 5
    left = {f"{change.action} {change.address}" for change in account.plan(read(AFTER)).changes}
    assert {change for change in left if "branch." not in change and "garden." not in change} == {
        "create credentials.android"
    }


@pytest.mark.parametrize("how", ["refused", "lost", "before", "after"])
@pytest.mark.parametrize("number", [0, 1, 5, 9, 14, 18, 22])
def test_a_failed_undo_is_completed_by_another_one(number: int, how: str) -> None:
    account, before, report = changed()
    undone_once(account, report, number, how)
    restored(account, report, before)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["refused", "lost", "before", "after"])
@pytest.mark.parametrize("number", range(40))
def test_an_undo_that_fails_at_any_write_is_completed_by_another_one(number: int, how: str) -> None:
    account, before, report = changed()
    undone_once(account, report, number, how)
    restored(account, report, before)


# --- an apply that was killed ----------------------------------------------------------------------------------------


@functools.cache
def begun_once() -> World:
    account = World()
    account.converge(read(BEFORE))
    return account


def killed_apply(folder: Path, number: int, side: Side) -> tuple[World, dict[str, Any]]:
    """Apply with a report, and die at a write; give the account, and what it was before."""
    account = begun_once().copied()
    before = picture(account)
    app = Mortal(account.emulator.store, clock=lambda: account.now)
    app.death = Death(number, side, frozenset({"POST", "DELETE"}))
    (folder / "reconciler.yaml").write_text(AFTER, encoding="utf-8")
    inputs, endpoint = Inputs(str(folder)), Endpoint(app=app, environment={})
    report = str(folder / "report.json")
    with suppress(ProcessKilled):
        asyncio.run(workflow.apply(inputs, endpoint, Silent(), lambda _plan: None, _approve, report=report))
    app.death = Death()
    return account, before


async def _approve(_plan: object) -> workflow.Decision:
    return workflow.Decision.PREAPPROVED


def undone_in_a_folder(folder: Path, account: World) -> int:
    """Undo the report of that folder, as the command does.

    Whether the apply created a service or conversation may be in doubt, so the report does not approve the deletes.
    """
    inputs = Inputs(str(folder), approved=("services.branch", "services.desk.conversations.garden"))
    endpoint = Endpoint(app=account.emulator, environment={})
    source = workflow.read_source(str(folder / "report.json"))
    done = asyncio.run(workflow.apply(inputs, endpoint, Silent(), lambda _plan: None, _approve, undo=source))
    return 0 if done.report is None else done.report.exit_code


def check_killed_apply(folder: Path, number: int, side: Side) -> None:
    account, before = killed_apply(folder, number, side)
    for _ in range(3):
        assert undone_in_a_folder(folder, account) in {0, 5}
    assert picture(account) == before


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("number", [0, 2, 7, 12, 17, 24])
def test_a_killed_apply_is_undone(tmp_path: Path, number: int, side: Side) -> None:
    check_killed_apply(tmp_path, number, side)


@pytest.mark.slow
@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("number", range(40))
def test_an_apply_that_is_killed_at_any_write_is_undone(tmp_path: Path, number: int, side: Side) -> None:
    check_killed_apply(tmp_path, number, side)
