"""The reads of a plan: in as few rounds as they need, with the same result and the same error whatever comes first."""

from __future__ import annotations

import asyncio
from functools import cache

import pytest

from reconciler.api.client import ReadClient
from reconciler.api.concurrency_limit import ConcurrencyLimit
from reconciler.api.fetch import fetch
from reconciler.api.transport import in_process
from reconciler.config.model import Config
from reconciler.emulator.app import Receive, Scope, Send
from reconciler.errors import MatchError, Refused
from reconciler.report import Silent
from reconciler.state import State
from tests.restricted import Restricted
from tests.simulated_time import SimulatedTime
from tests.world import _ANYONE, World, read

LATENCY = 0.05
NUMBERS = [f"+1415555{number:04}" for number in range(101)]
DESK = """
version: 1
services:
  desk:
    roles: {agent: {type: conversation, permissions: [sendMessage]}}
    conversations: {lobby: {participants: {ada: {identity: ada}}}}
addresses: {"+14155550000": {}, "+14155550100": {}}
"""


@cache
def account() -> World:
    """A service, and three pages of addresses."""
    world = World()
    for number in NUMBERS:
        world.post("/v1/Configuration/Addresses", {"Type": "sms", "Address": number})
    world.converge(read(DESK))
    return world


class Network:
    """An account whose answers take equally long, in simulated time.

    Args:
        forbidden: what it refuses; see `Restricted`.
        slow: parts of paths whose answers take ten times as long.

    Attributes:
        rounds: how long it took, in answers.
        requests: what was requested, in order of the answers.
    """

    def __init__(self, forbidden: dict[str, int] | None = None, slow: str = "nothing") -> None:
        self.app = Restricted(account().emulator, forbidden or {})
        self.slow = slow
        self.rounds = 0.0
        self.requests: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(LATENCY * (10 if self.slow in scope["path"] else 1))
        self.requests.append(scope["path"])
        await self.app(scope, receive, send)

    def read(self, config: Config, *, concurrency: int = 10) -> State:
        async def run() -> State:
            transport = in_process(self)
            async with ReadClient(
                "https://conversations.twilio.com", _ANYONE, transport=transport, concurrency=concurrency
            ) as client:
                return await fetch(config, client, Silent())

        time = SimulatedTime()
        try:
            return time.run(run())
        finally:
            self.rounds = round(time.now / LATENCY, 1)


def contents(state: State) -> tuple[list[str], list[str]]:
    return [live.sid for live in state], sorted(str(collection) for collection in state.complete)


@pytest.mark.parametrize("concurrency", [2, 10])
def test_contents_of_services_are_read_beside_the_pages_of_addresses(concurrency: int) -> None:
    network = Network()
    network.read(read(DESK), concurrency=concurrency)
    # The account and the services; roles, conversations, and the service's configuration; participants. Beside them,
    # three pages of addresses.
    assert len(network.requests) == 9
    assert network.rounds == (3 if concurrency == 10 else 5)


@pytest.mark.parametrize("slow", ["nothing", "/Addresses", "/Configuration", "/Services", "/Roles", "/Participants"])
def test_the_result_does_not_depend_on_what_is_answered_first(slow: str) -> None:
    assert contents(Network(slow=slow).read(read(DESK))) == contents(Network().read(read(DESK)))


@pytest.mark.parametrize("slow", ["nothing", "/Addresses", "/Roles"])
def test_the_error_does_not_depend_on_what_is_answered_first(slow: str) -> None:
    network = Network({"GET /v1/Configuration/Addresses": 401, "GET /v1/Services/[^/]+/Roles": 401}, slow)
    with pytest.raises(Refused) as raised:
        network.read(read(DESK))
    assert raised.value.refusal.path.startswith("/v1/Configuration/Addresses")


def test_an_error_inside_a_service_waits_only_for_the_other_lists() -> None:
    network = Network({"GET /v1/Services/[^/]+/Roles": 401})
    with pytest.raises(Refused) as raised:
        network.read(read(DESK))
    assert raised.value.refusal.path.endswith("/Roles?PageSize=50")
    assert network.rounds == 3


def test_nothing_inside_the_services_of_another_account_is_read() -> None:
    network = Network()
    with pytest.raises(MatchError, match="the credentials belong to account"):
        network.read(read(f"account: {{sid: AC{'f' * 32}}}{DESK}"))
    assert sorted(set(network.requests)) == ["/v1/Configuration", "/v1/Configuration/Addresses", "/v1/Services"]


def test_a_list_that_may_not_be_read_leaves_everything_else() -> None:
    state = Network({"GET /v1/Configuration/Addresses": 403}).read(read(DESK))
    assert [str(collection.kind) for collection in state.unreadable] == ["address_configuration"]
    assert {live.kind.name for live in state} >= {"service", "role", "conversation", "participant"}


def test_what_others_wait_for_goes_before_the_waiting_requests() -> None:
    order: list[str] = []

    async def run() -> None:
        limit = ConcurrencyLimit(1)

        async def ask(name: str, *, first: bool) -> None:
            async with limit.slot(write=False, first=first):
                order.append(name)

        async with limit.slot(write=False):
            tasks = [asyncio.create_task(ask(name, first=name == "page 2")) for name in ("a", "b", "page 2", "c")]
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        assert limit.in_use == 0

    asyncio.run(run())
    assert order == ["page 2", "a", "b", "c"]
