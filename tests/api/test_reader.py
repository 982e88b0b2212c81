"""What reading an account gives when answers go wrong, or the account changes under the reader."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.api.client import ReadClient
from reconciler.api.credentials import Credentials
from reconciler.api.reader import account_of, gather_or_cancel
from reconciler.api.transport import in_process
from reconciler.cli import export as cli
from reconciler.emulator.app import Receive, Scope, Send
from reconciler.emulator.faults import App, Faults, Faulty
from reconciler.emulator.rules import Rules
from reconciler.errors import Malformed, UsageError
from reconciler.export.account import read_account
from reconciler.kinds.relations import long_collections
from reconciler.report import Silent
from reconciler.state import State
from tests.world import ACCOUNT, World

ANYONE = Credentials(ACCOUNT, "emulator", ACCOUNT)


class Meanwhile:
    """An API in which something happens once, when the first request for a path has been answered."""

    def __init__(self, app: App, path: str, happens: Callable[[], object]) -> None:
        self.app, self.path, self.happens = app, path, happens
        self.has_happened = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)
        if scope["path"] == self.path and not self.has_happened:
            self.has_happened = True
            self.happens()


class Counted(Silent):
    """How far the reading was, each time that it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int]] = []

    def reading(self, answered: int, asked: int) -> None:
        self.told.append((answered, asked))


def whole(app: App, *include: str, credentials: Credentials = ANYONE, progress: Silent | None = None) -> State:
    async def run() -> State:
        async with ReadClient("https://a.example.com", credentials, transport=in_process(app)) as client:
            return await read_account(client, progress or Silent(), include)

    return asyncio.run(run())


def names(state: State, kind: str) -> list[str]:
    return sorted(live.name for live in state if live.kind.name == kind)


def push(world: World, name: str) -> None:
    world.post("/v1/Credentials", {"Type": "fcm", "FriendlyName": name, "Secret": "s"})


def test_what_comes_while_a_list_is_paged_is_found_when_the_list_moved() -> None:
    world = World(Rules(page_order="newest first"))
    for name in "abc":
        push(world, name)
    pages = Faulty(world.emulator, Faults({"overlapping": 1}, pages=2))
    app = Meanwhile(pages, "/v1/Credentials", lambda: push(world, "new"))
    assert names(whole(app), "credential") == ["a", "b", "c", "new"]


def test_a_service_that_goes_between_two_rounds_is_left_out_with_all_in_it() -> None:
    world = World()
    gone = world.post("/v1/Services", {"FriendlyName": "gone"})["sid"]
    world.post("/v1/Services", {"FriendlyName": "stays"})
    app = Meanwhile(world.emulator, "/v1/Services", lambda: world.delete(f"/v1/Services/{gone}"))
    found = whole(app)
    assert names(found, "service") == ["Default Conversations Service", "stays"]
    assert not [live for live in found if gone in live.parents]


def test_the_command_line_knows_the_words_for_what_is_long() -> None:
    assert tuple(long_collections()) == cli.LONG


def test_a_list_of_the_account_itself_that_is_not_there_is_left_out() -> None:
    async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/v1/Credentials":
            await World().emulator(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    assert [(collection.kind, refusal.status) for collection, refusal in whole(nothing).unreadable.items()] == [
        ("credential", 404)
    ]


def test_an_account_that_the_environment_does_not_name_is_an_error() -> None:
    other = "AC" + "f" * 32
    with pytest.raises(UsageError) as told:
        whole(World().emulator, credentials=Credentials("SK" + "1" * 32, "emulator", other))
    assert str(told.value) == (
        f"TWILIO_ACCOUNT_SID is {other}, but the credentials belong to account {ACCOUNT}. Set the credentials of the "
        "intended account"
    )


@pytest.mark.parametrize("body", [None, [], "x", {}, {"account_sid": None}, {"account_sid": 5}])
def test_an_account_that_does_not_say_which_it_is_is_malformed(body: Any) -> None:
    with pytest.raises(Malformed, match="GET /v1/Configuration: the answer does not name the account"):
        account_of(body)


def test_an_account_without_a_default_service_has_an_empty_one() -> None:
    assert account_of({"account_sid": ACCOUNT, "default_chat_service_sid": None}) == (ACCOUNT, "")


def test_every_request_is_told_when_it_goes_out_and_when_it_is_back() -> None:
    world, progress = World(), Counted()
    whole(world.emulator, progress=progress)
    assert progress.told[-1] == (len(world.requests), len(world.requests))
    assert progress.told == sorted(progress.told)
    assert all(answered <= asked for answered, asked in progress.told)


def test_the_first_error_stops_the_rest_and_is_raised_itself() -> None:
    ended: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            ended.append("cleaned up")
            raise

    async def wrong() -> None:
        await asyncio.sleep(0)
        raise Malformed("no")

    with pytest.raises(Malformed, match=r"^no$"):
        asyncio.run(gather_or_cancel([slow(), wrong(), slow()]))
    assert ended == ["cleaned up", "cleaned up"]


def test_answers_come_in_the_order_of_the_requests() -> None:
    async def after(turns: int) -> int:
        for _ in range(turns):
            await asyncio.sleep(0)
        return turns

    assert asyncio.run(gather_or_cancel([after(3), after(1), after(2)])) == [3, 1, 2]
