"""The journal of an apply: each replace is saved before its first request and removed after its last one."""

from __future__ import annotations

import asyncio
import errno
import os
from dataclasses import fields
from typing import Any

import pytest

from reconciler.address import Address
from reconciler.api.client import Client
from reconciler.api.credentials import Credentials
from reconciler.api.retry import Retry
from reconciler.api.transport import in_process
from reconciler.execution.apply import apply
from reconciler.journal import UnfinishedReplace
from reconciler.kinds import BY_NAME
from reconciler.report import Report, Silent
from tests.planning.test_replacing import ADDRESSES, MAIN, Refusing, statuses
from tests.scenario import HEAD, club
from tests.world import ACCOUNT, World, read

REPLACED = (
    'version: 1\naddresses: {main: {address: "+14155550111", type: sms, address_country: US, friendly_name: Front}}\n'
)


class Memory:
    """A journal that keeps its entries, and the number of writes to the account before each call.

    Args:
        world: the account.
        error: what each call raises, if anything.
    """

    def __init__(self, world: World, error: OSError | None = None) -> None:
        self.world, self.error = world, error
        self.calls: list[tuple[str, str, int]] = []
        self.saved: list[UnfinishedReplace] = []

    def begin(self, saved: UnfinishedReplace) -> None:
        self.calls.append(("begin", saved.sid, len(self.world.writes)))
        self.saved.append(saved)
        if self.error:
            raise self.error

    def finish(self, sid: str) -> None:
        self.calls.append(("finish", sid, len(self.world.writes)))
        if self.error:
            raise self.error


def applied(world: World, text: str, journal: Memory, app: Any = None, **options: Any) -> Report:
    """Plan and apply with a journal."""
    made = world.plan(read(text, environment=options.pop("environment", "")), **options)
    assert made.blocking() == ()
    world.forget_requests()

    async def run() -> Report:
        credentials = Credentials(ACCOUNT, "emulator", ACCOUNT)
        transport = in_process(app or world.emulator)
        async with Client("https://x.example.com", credentials, transport=transport, retry=Retry(attempts=1)) as client:
            return await apply(made, client, Silent(), journal=journal)

    return asyncio.run(run())


def contents(saved: UnfinishedReplace) -> dict[str, Any]:
    """The attributes of a saved replace that are not empty."""
    values = {field.name: getattr(saved, field.name) for field in fields(saved)}
    return {name: value for name, value in values.items() if value}


def test_a_replace_is_saved_before_its_delete_and_removed_after_its_create() -> None:
    world = World()
    old = world.post(ADDRESSES, {**MAIN, "AutoCreation.WebhookUrl": "https://hooks.example.com/in?token=s3cret"})["sid"]
    journal = Memory(world)
    report = applied(world, REPLACED, journal)
    assert set(statuses(report).values()) == {"done"}
    assert journal.calls == [("begin", old, 0), ("finish", old, 2)]
    (saved,) = journal.saved
    assert contents(saved) == {
        "address": Address(("addresses", "main")),
        "kind": BY_NAME["address_configuration"],
        "sid": old,
        "name": "+14155550111",
        "values": {
            "auto_creation.enabled": True,
            "auto_creation.type": "webhook",
            "auto_creation.webhook_method": "POST",
            "auto_creation.webhook_url": "https://hooks.example.com/in?token=s3cret",
        },
        "sensitive": frozenset({"auto_creation.webhook_url"}),
        "former": {"address": "+14155550111", "type": "sms", "friendly_name": "Main line"},
    }


@pytest.mark.parametrize(
    ("sensitive", "shown", "hidden"),
    [("", {"friendly_name": "old"}, {}), ("sensitive: [friendly_name], ", {}, {"title": "(sensitive value)"})],
)
def test_a_role_replace_is_saved_once_and_keeps_its_parents_and_environment(
    sensitive: str, shown: dict[str, str], hidden: dict[str, str]
) -> None:
    world, service = club()
    old = world.post(f"{service}/Roles", {"FriendlyName": "old", "Type": "service", "Permission": "joinConversation"})[
        "sid"
    ]
    world.post(f"{service}/Configuration", {"DefaultChatServiceRoleSid": old})
    journal = Memory(world)
    text = (
        HEAD + "    configuration: {default_chat_service_role: new}\n"
        f"    roles: {{new: {{{sensitive}renamed_from: old, type: service, "
        "permissions: [joinConversation, createConversation]}}\nenvironments: {staging: {}}\n"
    )
    report = applied(world, text, journal, environment="staging")
    assert set(statuses(report).values()) == {"done"}
    assert journal.calls == [("begin", old, 0), ("finish", old, 3)]
    (saved,) = journal.saved
    assert (
        contents(saved)
        == {
            "address": Address(("services", "club", "roles", "new")),
            "kind": BY_NAME["role"],
            "sid": old,
            "name": "old",
            "parents": (service.rsplit("/", 1)[1],),
            "former": {"type": "service", "permissions": ("joinConversation",)} | shown,
            "environment": "staging",
        }
        | hidden
    )


def test_an_incomplete_replace_stays_saved() -> None:
    world = World()
    old = world.post(ADDRESSES, MAIN)["sid"]
    journal = Memory(world)
    app = Refusing(world, lambda method, path: (method, path) == ("POST", ADDRESSES))
    report = applied(world, REPLACED, journal, app)
    assert statuses(report) == {"addresses.main#delete": "done", "addresses.main#create": "failed"}
    assert journal.calls == [("begin", old, 0)]


def test_a_rerun_that_completes_a_replace_removes_it_from_the_journal() -> None:
    world, service = club()
    old = world.post(f"{service}/Roles", {"FriendlyName": "old", "Type": "service", "Permission": "joinConversation"})[
        "sid"
    ]
    text = HEAD + "    roles: {new: {renamed_from: old, type: service, permissions: [joinConversation]}}\n"
    journal = Memory(world)
    app = Refusing(world, lambda method, _path: method == "DELETE")
    assert statuses(applied(world, text, journal, app))["services.club.roles.new#delete"] != "done"
    unfinished = tuple(journal.saved)
    journal = Memory(world)
    report = applied(world, text, journal, unfinished=unfinished)
    assert set(statuses(report).values()) == {"done"}
    assert journal.calls == [("finish", old, 1)]


def test_other_changes_are_not_saved() -> None:
    world, service = club()
    world.post(f"{service}/Users", {"Identity": "ada"})
    world.post(f"{service}/Users", {"Identity": "eve"})
    journal = Memory(world)
    applied(world, HEAD + "    users: {ada: {friendly_name: Ada}, bob: {}, eve: {absent: true}}\n", journal)
    assert len(world.writes) == 3
    assert journal.calls == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "No space left on device"), (OSError("locked"), "locked")],
)
def test_a_replace_that_cannot_be_saved_is_not_sent(error: OSError, reason: str) -> None:
    world = World()
    world.post(ADDRESSES, MAIN)
    report = applied(world, REPLACED, Memory(world, error))
    (result,) = report.results
    assert [(item.status, item.message) for item in result.outcomes] == [
        ("failed", f"not sent: the values that only the account has could not be saved ({reason})"),
        ("skipped", "the delete of addresses.main failed"),
    ]
    assert world.writes == []


def test_a_replace_that_cannot_be_removed_from_the_journal_is_done() -> None:
    world = World()
    world.post(ADDRESSES, MAIN)
    journal = Memory(world)

    class Full(Memory):
        def begin(self, saved: UnfinishedReplace) -> None:
            journal.begin(saved)

    report = applied(world, REPLACED, Full(world, OSError(errno.ENOSPC, "full")))
    assert set(statuses(report).values()) == {"done"}


def test_the_title_of_a_webhook_hides_the_secret_in_its_url() -> None:
    world, service = club()
    path = f"{service}/Conversations/{world.post(f'{service}/Conversations', {'UniqueName': 'lounge'})['sid']}/Webhooks"
    url = "https://a.example.com/?token=s3cret"
    world.post(path, {"Target": "webhook", "Configuration.Url": url, "Configuration.Filters": "onMessageAdded"})
    webhook = f"{{renamed_from: 'webhook {url}', target: trigger, url: 'https://a.example.com', triggers: [help], "
    text = HEAD + f"    conversations: {{lounge: {{webhooks: {{crm: {webhook}replay_after: 0}}}}}}}}\n"
    journal = Memory(world)
    assert set(statuses(applied(world, text, journal)).values()) == {"done"}
    [saved] = journal.saved
    assert (saved.name, saved.title) == (f"webhook {url}", "webhook (sensitive value)")
    # The URL is sensitive, and Twilio never returned the message index.
    assert saved.former == {"target": "webhook"}
