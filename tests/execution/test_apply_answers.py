"""An apply whose API answers otherwise than the plan could know: each step ends as what it found out says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.api.client import Client
from reconciler.api.credentials import Credentials
from reconciler.api.retry import Retry
from reconciler.api.transport import in_process
from reconciler.emulator.app import Message, Receive, Scope, Send
from reconciler.execution.apply import apply
from reconciler.kinds import BY_NAME
from reconciler.report import Report, Silent
from reconciler.workflow.planning import fetch_and_plan
from tests.faults.harness import Once, no_time, run
from tests.scenario import HEAD, club, writes
from tests.world import ACCOUNT, World, read

ANYONE = Credentials(ACCOUNT, "emulator", ACCOUNT)

Change = Callable[[dict[str, Any]], object]


class Otherwise:
    """An API of which some answers say something else than the account holds.

    Args:
        world: the account.
        method: of the requests whose answers are changed.
        end: how their paths end.
        change: changes the JSON of an answer in place.
        times: how many of them.
        status: what they answer with.
    """

    def __init__(  # noqa: PLR0917 - a sentence: of this account, GETs of that end so, so many times
        self, world: World, method: str, end: str, change: Change, times: int = 1, status: int | None = None
    ) -> None:
        self.world, self.method, self.end, self.change, self.times = world, method, end, change, times
        self.status = status

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not (self.times and scope["method"] == self.method and scope["path"].endswith(self.end)):
            await self.world.emulator(scope, receive, send)
            return
        self.times -= 1

        async def changed(message: Message) -> None:
            if message["type"] == "http.response.body":
                body = json.loads(message["body"] or b"{}")
                self.change(body)
                message = {**message, "body": json.dumps(body).encode()}
            elif message["type"] == "http.response.start":
                headers = [pair for pair in message["headers"] if pair[0].lower() != b"content-length"]
                message = {**message, "headers": headers, "status": self.status or message["status"]}
            await send(message)

        await self.world.emulator(scope, receive, changed)


def ends(app: Any, world: World, files: str) -> list[str]:
    """How each step ended, of a plan that was made while all was well."""
    report = run(app, read(files), plan_over=world.emulator)
    return [
        f"{outcome.step} {outcome.status}" + (f": {outcome.message}" if outcome.message else "")
        for result in report.results
        for outcome in result.outcomes
    ]


# --- deletes ---------------------------------------------------------------------------------------------------------

GONE = HEAD + "    users: {ada: {absent: true}}\n"


def test_what_somebody_deleted_meanwhile_counts_as_deleted() -> None:
    account, base = club()
    ada = account.post(f"{base}/Users", {"Identity": "ada"})["sid"]
    made = account.plan(read(GONE))
    account.delete(f"{base}/Users/{ada}")
    (result,) = account.do(made).results
    assert [outcome.status for outcome in result.outcomes] == ["unchanged"]
    assert result.status == "done"


def test_a_delete_that_is_refused_is_a_failure() -> None:
    account, base = club()
    account.post(f"{base}/Users", {"Identity": "ada"})
    app = Otherwise(account, "DELETE", "", lambda _body: None, times=99, status=400)
    assert ends(app, account, GONE) == ["services.club.users.ada#delete failed: Twilio rejected the request"]


@pytest.mark.parametrize(
    ("status", "ending"),
    [
        (400, "withheld: "), (409, "withheld: "),
        (403, "failed: Twilio rejected the request"), (422, "failed: Twilio rejected the request"),
    ],
)  # fmt: skip
def test_a_role_whose_delete_does_not_fit_the_account_is_kept(status: int, ending: str) -> None:
    account, base = club()
    account.post(f"{base}/Roles", {"FriendlyName": "spare", "Type": "service", "Permission": "joinConversation"})
    app = Otherwise(account, "DELETE", "", lambda _body: None, times=99, status=status)
    (end,) = ends(app, account, HEAD + "    roles: {spare: {absent: true}}\n")
    assert end.startswith(f"services.club.roles.spare#delete {ending}")
    assert (status in {400, 409}) is (BY_NAME["role"].delete_refusal in end)


# --- what comes with a new service -----------------------------------------------------------------------------------

USER = HEAD + "    roles: {channel user: {type: conversation, permissions: [sendMessage]}}\n"


def test_a_role_of_a_new_service_that_is_there_twice_is_a_failure() -> None:
    account = World()

    def twice(body: dict[str, Any]) -> None:
        body["roles"].append({**body["roles"][-1], "sid": "RL" + "f" * 32})
        for role in body["roles"][-2:]:
            role["friendly_name"] = "channel user"

    assert ends(Otherwise(account, "GET", "/Roles", twice), account, USER)[1] == (
        'services.club.roles["channel user"]#update failed: '
        "the new service has 2 resources of kind role named 'channel user', so the one to update is ambiguous. "
        "Pin it with `sid`"
    )


def test_a_role_of_a_new_service_that_is_of_another_type_is_a_failure() -> None:
    account = World()

    def other(body: dict[str, Any]) -> None:
        for role in body["roles"]:
            role["type"] = "deployment"

    assert ends(Otherwise(account, "GET", "/Roles", other), account, USER)[1] == (
        'services.club.roles["channel user"]#update failed: '
        "Twilio created this role with a different type, which cannot be changed"
    )
    assert [item.path for item in writes(account)] == ["/v1/Services"]


def none(body: dict[str, Any]) -> None:
    body["roles"].clear()


def role_reads(account: World) -> int:
    """The number of lists of roles that were read."""
    return sum(1 for request in account.requests if request.startswith("GET ") and "/Roles" in request)


def test_roles_of_a_new_service_that_reads_do_not_show_yet_are_read_again_once_for_all() -> None:
    account = World()
    files = HEAD + (
        "    roles:\n      channel user: {type: conversation, permissions: [sendMessage]}\n"
        "      service user: {type: service, permissions: [joinConversation]}\n"
        "      channel admin: {type: conversation, permissions: [sendMessage]}\n"
    )
    found = ends(Otherwise(account, "GET", "/Roles", none), account, files)
    assert sorted(found[1:]) == [
        'services.club.roles["channel admin"]#update done',
        'services.club.roles["channel user"]#update done',
        'services.club.roles["service user"]#update done',
    ]
    assert role_reads(account) == 2


def test_a_role_that_a_new_service_need_not_have_is_looked_up_once() -> None:
    account = World()
    found = ends(
        account.emulator, account, HEAD + "    roles: {guest: {type: service, permissions: [joinConversation]}}\n"
    )
    assert found[1:] == ["services.club.roles.guest#create done"]
    assert role_reads(account) == 1


def test_a_role_that_a_new_service_lacks_is_made() -> None:
    account = World()
    assert ends(Otherwise(account, "GET", "/Roles", none, times=99), account, USER) == [
        "services.club#create done",
        'services.club.roles["channel user"]#update done',
    ]
    assert [item.form for item in writes(account)[1:]] == [
        {"FriendlyName": ["channel user"], "Type": ["conversation"], "Permission": ["sendMessage"]}
    ]


def test_a_reference_to_a_role_that_a_new_service_lacks_is_a_failure() -> None:
    account = World()
    files = HEAD + "    configuration: {default_conversation_role: channel user}\n"
    found = ends(Otherwise(account, "GET", "/Roles", none, times=99), account, files)
    assert found[1] == (
        'services.club.configuration#update failed: services.club.roles["channel user"], which this resource refers '
        "to, does not exist"
    )


@pytest.mark.parametrize(("times", "ending"), [(2, "done"), (3, "failed: Twilio rejected the request")])
def test_a_new_service_that_reads_do_not_show_yet_is_waited_for_and_not_for_ever(times: int, ending: str) -> None:
    account = World()
    app = Otherwise(account, "GET", "/Roles", lambda _body: None, times=times, status=404)
    assert ends(app, account, USER)[1] == f'services.club.roles["channel user"]#update {ending}'


# --- answers of writes -----------------------------------------------------------------------------------------------


def test_a_setting_that_is_not_empty_as_expected_is_sent_after_all() -> None:
    account = World()
    files = HEAD + "    notifications: {log_enabled: true, new_message: {template: '', sound: ring}}\n"

    def filled(body: dict[str, Any]) -> None:
        body["new_message"]["template"] = "somebody's own"

    found = ends(Otherwise(account, "POST", "/Notifications", filled), account, files)
    assert found[1] == "services.club.notifications#update done"
    assert [item.form for item in writes(account)[1:]] == [
        {"LogEnabled": ["true"], "NewMessage.Sound": ["ring"]},
        {"NewMessage.Template": [""]},
    ]


def test_a_field_that_a_create_filled_by_itself_is_emptied() -> None:
    account, _ = club()
    files = HEAD + "    conversations: {lounge: {friendly_name: Lounge, attributes: {}}}\n"

    def filled(body: dict[str, Any]) -> None:
        body["attributes"] = '{"made": "by Twilio"}'

    assert ends(Otherwise(account, "POST", "/Conversations", filled), account, files) == [
        "services.club.conversations.lounge#create done"
    ]
    assert [item.form for item in writes(account)] == [
        {"FriendlyName": ["Lounge"], "UniqueName": ["lounge"]},
        {"Attributes": ["{}"]},
    ]


@pytest.mark.parametrize("method", ["create", "update"])
def test_a_value_that_the_api_kept_for_itself_is_a_failure(method: str) -> None:
    account, base = club()
    if method == "update":
        account.post(f"{base}/Users", {"Identity": "ada"})
    files = HEAD + "    users: {ada: {friendly_name: Ada}}\n"

    def kept(body: dict[str, Any]) -> None:
        body["friendly_name"] = "Eve"

    end = "/Users" if method == "create" else ""
    (found,) = ends(Otherwise(account, "POST", end, kept), account, files)
    told = "failed: Twilio reported success, but kept its own value of friendly_name"
    assert found.startswith(f"services.club.users.ada#{method} {told}")


# --- the report ------------------------------------------------------------------------------------------------------


def test_a_report_counts_what_this_apply_sent_and_nothing_before_it() -> None:
    account, base = club()
    files = read(HEAD + "    users: {ada: {}, bob: {}}\n")
    again = Once(account.emulator, "503", lambda method, _path: method == "POST")

    async def counted() -> Report:
        async with Client(
            "https://x.example.com", ANYONE, transport=in_process(again), retry=Retry(sleep=no_time)
        ) as client:
            made = await fetch_and_plan(files, client, Silent())
            await client.post(f"{base}/Users", [("Identity", "zoe")], idempotent=True)
            assert (client.writes, client.resent) == (2, 1)
            return await apply(made, client, Silent())

    report = asyncio.run(counted())
    assert (report.requests, report.writes, report.resent) == (2, 2, 0)
    assert 0 <= report.seconds < 60
    assert [outcome.status for result in report.results for outcome in result.outcomes] == ["done", "done"]


def test_a_pair_that_an_undeclared_conversation_has_names_that_conversation() -> None:
    account = World()
    account.converge(read("version: 1\nservices: {club: {}}\n"))
    service = account.service("club")
    other = account.post(f"/v1/Services/{service}/Conversations", {"UniqueName": "other"})["sid"]
    pair = {"MessagingBinding.Address": "+14155550199", "MessagingBinding.ProxyAddress": "+14155550100"}
    account.post(f"/v1/Services/{service}/Conversations/{other}/Participants", pair)
    files = read(
        "version: 1\nservices: {club: {conversations: {lounge: {participants: {guest: "
        '{address: "+14155550199", proxy_address: "+14155550100"}}}}}}\n'
    )
    report = account.do(account.plan(files))
    (refusal,) = [outcome.refusal for result in report.results for outcome in result.outcomes if outcome.refusal]
    assert refusal.code == 50416
    assert other in refusal.message
