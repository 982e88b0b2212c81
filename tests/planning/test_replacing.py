"""What is replaced or moves: nothing is deleted before what takes its place can be there, and nothing comes between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.api.client import Client
from reconciler.api.credentials import Credentials
from reconciler.api.retry import Retry
from reconciler.api.transport import in_process
from reconciler.emulator.app import Receive, Scope, Send
from reconciler.execution.apply import apply
from reconciler.report import Progress, Report, Silent
from tests.scenario import HEAD, club, fields, only, told
from tests.world import ACCOUNT, World, read

ADDRESSES = "/v1/Configuration/Addresses"
MAIN = {
    "Type": "sms",
    "Address": "+14155550111",
    "FriendlyName": "Main line",
    "AutoCreation.Enabled": "true",
    "AutoCreation.Type": "webhook",
    "AutoCreation.WebhookUrl": "https://hooks.example.com/in",
}
CUSTOMER, DESK = "+14155550199", "+14155550100"
PAIR = {"MessagingBinding.Address": CUSTOMER, "MessagingBinding.ProxyAddress": DESK}
PERSON = f'{{address: "{CUSTOMER}", proxy_address: "{DESK}"}}'


class Refusing:
    """The emulator, except that it refuses the first request of one sort."""

    def __init__(self, world: World, is_meant: Callable[[str, str], bool]) -> None:
        self.world = world
        self.is_meant = is_meant
        self.has_refused = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.has_refused or not self.is_meant(scope["method"], scope["path"]):
            await self.world.emulator(scope, receive, send)
            return
        self.has_refused = True
        await send({"type": "http.response.start", "status": 400, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b'{"code": 20001, "message": "refused", "status": 400}'})


def do(
    world: World,
    files: Any,
    app: Any = None,
    *,
    stop: asyncio.Event | None = None,
    progress: Progress | None = None,
    **retry: Any,
) -> Report:
    """Plan, and apply over an application that may get something wrong."""
    made = world.plan(files)
    assert made.blocking() == ()

    async def run() -> Report:
        credentials = Credentials(ACCOUNT, "emulator", ACCOUNT)
        transport = in_process(app or world.emulator)
        tries = Retry(**({"attempts": 1} | retry))
        async with Client("https://x.example.com", credentials, transport=transport, retry=tries) as client:
            return await apply(made, client, progress or Silent(), stop)

    return asyncio.run(run())


def statuses(report: Report) -> dict[str, str]:
    return {outcome.step: outcome.status for result in report.results for outcome in result.outcomes}


def numbers(world: World) -> list[str]:
    return sorted(item["address"] for item in world.get(ADDRESSES)["address_configurations"])


# --- what the create needs comes before the delete -------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        '{address: "+14155550111", type: sms, address_country: US, auto_creation: {service: two}}',
        '{address: "+14155550122", renamed_from: "+14155550111", auto_creation: {service: two}}',
    ],
)
def test_an_address_stays_when_what_its_successor_needs_fails(line: str) -> None:
    world = World()
    old = world.post(ADDRESSES, MAIN)["sid"]
    files = read(f"version: 1\nservices: {{two: {{friendly_name: Two}}}}\naddresses: {{main: {line}}}\n")
    needs = {step.id: step.needs for change in world.plan(files).changes for step in change.steps}
    assert "services.two#create" in needs["addresses.main#create"]
    assert needs["addresses.main#delete"] in {("services.two#create",), ("addresses.main#create",)}
    app = Refusing(world, lambda method, path: method == "POST" and path == "/v1/Services")
    report = do(world, files, app)
    assert statuses(report) == {
        "services.two#create": "failed",
        "addresses.main#delete": "skipped",
        "addresses.main#create": "skipped",
    }
    assert world.get(f"{ADDRESSES}/{old}")["auto_creation"]["webhook_url"] == "https://hooks.example.com/in"
    world.converge(files)
    (kept,) = world.get(ADDRESSES)["address_configurations"]
    assert (kept["friendly_name"], kept["auto_creation"]["webhook_url"]) == (
        "Main line",
        "https://hooks.example.com/in",
    )


def test_an_address_gets_its_new_number_before_it_loses_the_old_one() -> None:
    world = World()
    old = world.post(ADDRESSES, MAIN)["sid"]
    files = read('version: 1\naddresses: {main: {address: "+14155550122", renamed_from: "+14155550111"}}\n')
    world.forget_requests()
    world.converge(files)
    assert world.writes == [f"POST {ADDRESSES}", f"DELETE {ADDRESSES}/{old}"]


def test_addresses_that_pass_their_numbers_on_lose_nothing() -> None:
    world = World()
    world.post(ADDRESSES, MAIN)
    world.post(ADDRESSES, {**MAIN, "Address": "+14155550122", "FriendlyName": "Second line"})
    files = read(
        "version: 1\naddresses:\n"
        '  a: {address: "+14155550122", friendly_name: First, renamed_from: "+14155550111"}\n'
        '  b: {address: "+14155550133", friendly_name: Second, renamed_from: "+14155550122"}\n'
    )
    do(world, files)
    assert "+14155550133" in numbers(world) or "+14155550122" in numbers(world)


def test_a_replaced_address_is_deleted_and_made_again_with_nothing_in_between() -> None:
    world = World()
    world.post(ADDRESSES, MAIN)
    many = "".join(f"  s{number}: {{friendly_name: S{number}, roles: {{}}}}\n" for number in range(12))
    files = read(f'version: 1\nservices:\n{many}addresses: {{"+14155550111": {{type: sms, address_country: US}}}}\n')
    world.forget_requests()
    world.converge(files)
    at = next(index for index, write in enumerate(world.writes) if write.startswith("DELETE"))
    assert world.writes[at + 1] == f"POST {ADDRESSES}"


class Interrupting:
    """The emulator; a person interrupts the run when a delete has been answered."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.stop = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.world.emulator(scope, receive, send)
        if scope["method"] == "DELETE":
            self.stop.set()


def test_an_interrupt_between_the_delete_and_the_create_waits_for_the_create() -> None:
    world = World()
    world.post(ADDRESSES, MAIN)
    files = read('version: 1\naddresses: {"+14155550111": {type: sms, address_country: US}}\n')
    app = Interrupting(world)
    report = do(world, files, app, stop=app.stop)
    assert statuses(report) == {
        'addresses["+14155550111"]#delete': "done",
        'addresses["+14155550111"]#create': "done",
    }


def test_a_deadline_between_the_delete_and_the_create_waits_for_the_create() -> None:
    world = World()
    world.post(ADDRESSES, MAIN)
    files = read('version: 1\naddresses: {"+14155550111": {type: sms, address_country: US}}\n')
    seconds = 0.0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal seconds
        await world.emulator(scope, receive, send)
        seconds += 20.0 if scope["method"] == "DELETE" else 0.0

    report = do(world, files, app, timeout=10.0, clock=lambda: seconds)
    assert set(statuses(report).values()) == {"done"}
    assert numbers(world) == ["+14155550111"]


# --- room that is made -----------------------------------------------------------------------------------------------


def held_in(world: World, service: str, name: str = "room") -> str:
    """A conversation of another service that holds the pair; the path of the service."""
    path = f"/v1/Services/{world.post('/v1/Services', {'FriendlyName': service})['sid']}"
    room = world.post(f"{path}/Conversations", {"UniqueName": name})["sid"]
    world.post(f"{path}/Conversations/{room}/Participants", PAIR)
    return path


MOVED = f"""
version: 1
services:
  old: {{absent: true, friendly_name: Old}}
  new:
    friendly_name: New
    roles: {{guide: {{type: conversation, permissions: [sendMessage]}}}}
    conversations: {{room: {{participants: {{out: {PERSON}}}}}}}
addresses: {{"+14155550111": {{auto_creation: {{service: new}}}}}}
approvals: [{{address: services.old}}]
"""


def test_a_pair_moves_out_of_a_service_that_goes_after_everything_else() -> None:
    world = World()
    old = held_in(world, "Old")
    world.post(ADDRESSES, {**MAIN, "AutoCreation.ConversationServiceSid": old.rsplit("/", 1)[1]})
    world.forget_requests()
    world.converge(read(MOVED))
    assert world.writes[-2] == f"DELETE {old}"
    assert world.writes[-1].endswith("/Participants")


@pytest.mark.parametrize("failing", ["Roles", "Conversations", "Addresses"])
def test_a_service_with_a_pair_stays_when_anything_before_it_fails(failing: str) -> None:
    world = World()
    old = held_in(world, "Old")
    world.post(ADDRESSES, {**MAIN, "AutoCreation.ConversationServiceSid": old.rsplit("/", 1)[1]})
    app = Refusing(world, lambda method, path: method == "POST" and failing in path)
    report = do(world, read(MOVED), app)
    assert statuses(report)["services.old#delete"] == "skipped"
    world.get(old)
    world.converge(read(MOVED))


def test_a_pair_is_not_taken_when_the_service_that_holds_it_may_not_go() -> None:
    world = World()
    held_in(world, "Old")
    files = MOVED.replace("absent: true, friendly_name: Old", "friendly_name: Old").replace(
        "approvals: [{address: services.old}]", ""
    )
    kept = files.replace("  old: {friendly_name: Old}\n", "") + "prune: [services]\n"
    kept = kept.replace("  new:\n", "  stays: {friendly_name: Stays}\n  new:\n")
    default = world.get("/v1/Configuration")["default_chat_service_sid"]
    old = world.service("Old")
    world.post("/v1/Configuration", {"DefaultChatServiceSid": old})
    made = world.plan(read(kept), approved=[f'services["{default}"]'])
    guards = {str(change.address): change.guard for change in made.changes}
    guard = guards["services.new.conversations.room.participants.out"]
    assert guard is not None
    assert (guard.name, guard.verdict) == ("needs", "withheld")
    assert f'services["{old}"]' in guard.message
    assert world.do(made).exit_code == 5


def test_a_webhook_that_makes_room_stays_when_its_successor_needs_something_that_fails() -> None:
    world, service = club()
    hooks = "".join(
        f"          h{number}: {{target: webhook, url: 'https://{number}.example.com', filters: [onMessageAdded]}}\n"
        for number in range(5)
    )
    lines = "    conversations:\n      desk:\n        prune: [webhooks]\n        webhooks:\n"
    world.converge(read(HEAD + lines + hooks))
    bot = f"          bot: {{target: studio, flow_sid: FW{'0' * 32}}}\n"
    world.forget_requests()
    world.converge(read(HEAD + lines + "".join(hooks.splitlines(keepends=True)[1:]) + bot))
    desk = world.get(f"{service}/Conversations/desk")["sid"]
    assert [write.split(" ")[0] for write in world.writes] == ["DELETE", "POST"]
    assert world.writes[1] == f"POST {service}/Conversations/{desk}/Webhooks"


# --- who gets a default ----------------------------------------------------------------------------------------------


def with_default_role(world: World, service: str, kind: str) -> str:
    """Give a service another default role of that type; its SID."""
    form = {
        "FriendlyName": "old",
        "Type": kind,
        "Permission": ["joinConversation" if kind == "service" else "sendMessage"],
    }
    role = world.post(f"{service}/Roles", form)["sid"]
    default = "DefaultChatServiceRoleSid" if kind == "service" else "DefaultConversationRoleSid"
    world.post(f"{service}/Configuration", {default: role})
    return str(role)


@pytest.mark.parametrize("configured", ["", "    configuration: {default_chat_service_role: member}\n"])
def test_a_new_user_gets_the_role_that_replaces_the_default(configured: str) -> None:
    world, service = club()
    with_default_role(world, service, "service")
    files = read(
        HEAD
        + "    roles: {member: {renamed_from: old, type: service, permissions: [joinConversation]}}\n"
        + configured
        + "    users: {zoe: {}}\n    conversations: {desk: {participants: {ann: {identity: ann}}}}\n"
    )
    world.converge(files)
    member = world.role("Members' club", "member")
    # Ann is declared nowhere: Twilio makes a user of her when she takes part.
    assert {user["identity"]: user["role_sid"] for user in world.get(f"{service}/Users")["users"]} == {
        "zoe": member,
        "ann": member,
    }


def test_a_new_participant_gets_the_role_that_replaces_the_default() -> None:
    world, service = club()
    with_default_role(world, service, "conversation")
    files = read(
        HEAD
        + "    roles: {member: {renamed_from: old}}\n"
        + "    users: {zoe: {}}\n    conversations: {desk: {participants: {zoe: {identity: zoe}}}}\n"
    )
    world.converge(files)
    (participant,) = world.get(f"{service}/Conversations/desk/Participants")["participants"]
    assert participant["role_sid"] == world.role("Members' club", "member")


def test_a_new_conversation_waits_for_the_defaults_that_it_takes() -> None:
    world, _service = club()
    files = read(
        "version: 1\naccount: {configuration: {default_inactive_timer: PT20M}}\n"
        + HEAD.partition("version: 1\n")[2]
        + "    roles: {owner: {type: conversation, permissions: [sendMessage]}}\n"
        + "    configuration: {default_conversation_creator_role: owner}\n"
        + "    conversations:\n      desk: {}\n      own: {timers: {inactive: PT5M}}\n"
    )
    needs = {step.id: step.needs for change in world.plan(files).changes for step in change.steps}
    assert needs["services.club.conversations.desk#create"] == (
        "services.club.configuration#update",
        "account.configuration#update",
    )
    assert needs["services.club.conversations.own#create"] == ("services.club.configuration#update",)
    world.converge(files)


# --- a role that is assigned -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("roles", "action", "withheld"),
    [
        ("roles: {member: {renamed_from: old}}", "replace", "old one"),
        ("roles: {old: {type: service, permissions: [joinConversation]}}", "replace", "old one"),
        ("roles: {old: {absent: true}}", "delete", "all"),
        ("roles: {}\n    prune: [roles]", "delete", "all"),
    ],
)
@pytest.mark.parametrize(
    "assigning",
    [
        "    configuration: {default_conversation_role: %s}\n",
        "    users: {zoe: {}}\n    conversations: {desk: {participants: {zoe: {identity: zoe, role: %s}}}}\n",
    ],
)
def test_a_role_that_the_files_assign_by_its_sid_is_kept(
    roles: str,
    action: str,
    withheld: str,
    assigning: str,
) -> None:
    world, service = club()
    form = {"FriendlyName": "old", "Type": "conversation", "Permission": ["sendMessage"]}
    old = world.post(f"{service}/Roles", form)["sid"]
    made = world.plan(read(HEAD + f"    {roles}\n" + assigning % old))
    change = next(change for change in made.changes if change.sid == old)
    assert change.action == action
    assert change.guard is not None
    assert (change.guard.verdict, change.guard.only_delete) == ("withheld", withheld == "old one")
    assert change.guard.name in {"role_assigned", "default_role"}
    assert world.do(made).exit_code == 5
    world.get(f"{service}/Roles/{old}")


def test_a_role_that_a_renamed_user_carries_over_is_kept() -> None:
    world, service = club()
    form = {"FriendlyName": "old", "Type": "service", "Permission": ["joinConversation"]}
    old = world.post(f"{service}/Roles", form)["sid"]
    world.post(f"{service}/Users", {"Identity": "ada", "RoleSid": old})
    made = world.plan(read(HEAD + "    roles: {}\n    prune: [roles]\n    users: {ada2: {renamed_from: ada}}\n"))
    guards = {change.action: change.guard and change.guard.name for change in made.changes}
    assert guards == {"delete": "role_assigned", "replace": None}
    world.do(made)
    (user,) = world.get(f"{service}/Users")["users"]
    assert (user["identity"], user["role_sid"]) == ("ada2", old)


def test_a_renamed_user_gets_the_successor_of_the_role_that_it_has() -> None:
    world, service = club()
    form = {"FriendlyName": "old", "Type": "service", "Permission": ["joinConversation"]}
    old = world.post(f"{service}/Roles", form)["sid"]
    world.post(f"{service}/Users", {"Identity": "ada", "RoleSid": old, "Attributes": '{"team": 1}'})
    files = read(HEAD + "    roles: {new: {renamed_from: old}}\n    users: {ada2: {renamed_from: ada}}\n")
    world.converge(files)
    (user,) = world.get(f"{service}/Users")["users"]
    assert (user["identity"], user["attributes"]) == ("ada2", '{"team":1}')
    assert user["role_sid"] == world.role("Members' club", "new")
    assert old not in world.snapshot()


# --- ignore_changes ---------------------------------------------------------------------------------------------------


def test_an_ignored_field_keeps_its_live_value_in_a_replace() -> None:
    world = World()
    world.post(ADDRESSES, MAIN)
    files = read(
        'version: 1\naddresses:\n  "+14155550111":\n    type: sms\n    address_country: US\n    friendly_name: Other\n'
        "    auto_creation:\n      {enabled: false, type: webhook, webhook_method: GET, webhook_url: https://other.example.com}\n"
        "    lifecycle: {ignore_changes: [friendly_name, auto_creation.webhook_url]}\n"
    )
    change = only(world.plan(files))
    assert (change.action, change.carried) == ("replace", ("friendly_name", "auto_creation.webhook_url"))
    assert (fields(change)["friendly_name"].after, fields(change)["friendly_name"].source) == ("Main line", None)
    world.converge(files)
    (made,) = world.get(ADDRESSES)["address_configurations"]
    assert (made["friendly_name"], made["auto_creation"]["webhook_url"], made["auto_creation"]["enabled"]) == (
        "Main line",
        "https://hooks.example.com/in",
        False,
    )


def test_an_ignored_immutable_field_forces_no_replace_and_stays_in_one() -> None:
    world, service = club()
    form = {"FriendlyName": "old", "Type": "conversation", "Permission": ["sendMessage"]}
    world.post(f"{service}/Roles", form)
    role = "{%stype: service, permissions: [sendMessage], lifecycle: {ignore_changes: [type]}}"
    assert told(world.plan(read(HEAD + f"    roles: {{old: {role % ''}}}\n"))) == []
    world.converge(read(HEAD + f"    roles: {{new: {role % 'renamed_from: old, '}}}\n"))
    made = [item for item in world.get(f"{service}/Roles")["roles"] if item["friendly_name"] == "new"]
    assert [item["type"] for item in made] == ["conversation"]
