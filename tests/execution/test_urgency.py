"""Of the writes that are ready, the one with the longest remaining path is sent first, and what waits holds no slot."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.address import Address
from reconciler.api.client import Client
from reconciler.api.credentials import Credentials
from reconciler.api.rate_limit import RateLimit
from reconciler.api.transport import in_process
from reconciler.change import Op, Step
from reconciler.emulator.app import Receive, Scope, Send
from reconciler.execution.apply import apply
from reconciler.execution.schedule import groups, ranks
from reconciler.kinds import BY_NAME
from reconciler.report import Report, Silent
from reconciler.workflow.planning import fetch_and_plan
from tests.simulated_time import SimulatedTime
from tests.world import ACCOUNT, World, read

LATENCY = 0.05


def step(name: str, *needs: str, op: Op = "create", makes_way_for: tuple[str, ...] = ()) -> Step:
    """A write without a limit per second."""
    address = Address(("credentials", name))
    return Step(name, op, address, BY_NAME["credential"], None, needs=needs, makes_way_for=makes_way_for)


def inside(kind: str, *parts: str, op: Op = "create") -> Step:
    """A write in a service or conversation."""
    address = Address(parts)
    return Step("/".join(parts), op, address, BY_NAME[kind], Address(parts[:-2]))


def ranked(*steps: Step) -> dict[str, int]:
    ordered = groups(steps)
    return {"+".join(step.id for step in group): rank for group, rank in zip(ordered, ranks(ordered), strict=True)}


def test_a_rank_is_the_length_of_the_longest_path_that_remains() -> None:
    steps = (step("a"), step("b", "a"), step("c", "a", "b"), step("d"), step("e", "elsewhere"))
    assert ranked(*steps) == {"a": -3, "b": -2, "c": -1, "d": -1, "e": -1}


def test_a_group_counts_with_all_of_its_steps() -> None:
    old = step("old", op="delete", makes_way_for=("new",))
    assert ranked(step("first"), old, step("new", "old", "first"), step("then", "new")) == {
        "first": -4, "old+new": -3, "then": -1,
    }  # fmt: skip


def test_a_path_is_as_long_as_the_limit_of_writes_of_a_service_makes_it() -> None:
    users = [inside("user", "services", "a", "users", f"u{number}") for number in range(7)]
    other = inside("role", "services", "b", "roles", "r")
    found = ranked(*users, other)
    assert list(found.values()) == [-3, -2, -2, -2, -1, -1, -1, -1]


def test_a_conversation_has_a_limit_of_its_own_and_counts_against_its_service_when_it_is_made() -> None:
    room, user = ("services", "a", "conversations", "room"), ("services", "a", "users")
    writes = [
        inside("conversation", *room, op="update"),
        *(inside("participant", *room, "participants", f"p{number}") for number in range(3)),
        inside("conversation", *room[:-1], "new"),
        inside("conversation", *room[:-1], "old", op="delete"),
        *(inside("user", *user, f"u{number}") for number in range(2)),
    ]
    found = ranked(*writes)
    # Four writes to the room, and four to the service.
    assert sorted(found.values()) == [-2, -2, -1, -1, -1, -1, -1, -1]
    assert [name for name, rank in found.items() if rank == -2] == [writes[0].id, writes[4].id]


@st.composite
def _graphs(draw: st.DrawFn) -> Mapping[str, tuple[str, ...]]:
    names = [str(number) for number in range(draw(st.integers(0, 12)))]
    return {name: tuple(draw(st.sets(st.sampled_from(names[:index] or ["x"])))) for index, name in enumerate(names)}


@given(_graphs())
def test_ranks_are_those_that_a_search_of_every_path_finds(graph: Mapping[str, tuple[str, ...]]) -> None:
    @cache
    def path(name: str) -> int:
        return 1 + max((path(other) for other, needs in graph.items() if name in needs), default=0)

    assert ranked(*(step(name, *needs) for name, needs in graph.items())) == {name: -path(name) for name in graph}


# --- an apply --------------------------------------------------------------------------------------------------------


class Slow:
    """An account that answers after a while; notes when each write and each read was sent.

    Attributes:
        sent: time, method, and the last word of the path of each request.
        slow: seconds until the answer to a GET of a path that ends with this word; `LATENCY` for all others.
    """

    def __init__(self, time: SimulatedTime, world: World, slow: Mapping[str, float]) -> None:
        self.time, self.world, self.slow = time, world, slow
        self.sent: list[tuple[float, str]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        word = scope["path"].rsplit("/", 1)[1]
        self.sent.append((self.time.now, f"{scope['method']} {word}"))
        await asyncio.sleep(self.slow.get(word, LATENCY) if scope["method"] == "GET" else LATENCY)
        await self.world.emulator(scope, receive, send)

    def seconds(self, request: str) -> list[float]:
        """When the requests of one sort were sent."""
        return [round(when, 2) for when, what in self.sent if what == request]


def applied(text: str, *, concurrency: int, slow: Mapping[str, float] | None = None) -> tuple[Slow, float]:
    """Apply to an empty account; return it, and the seconds that it took."""
    time, world = SimulatedTime(), World()
    app = Slow(time, world, slow or {})

    async def run() -> float:
        retry, someone = time.retry(), Credentials(ACCOUNT, "emulator", ACCOUNT)
        async with Client(
            "https://a.example.com", someone, concurrency=concurrency, transport=in_process(app), retry=retry,
            rate_limit=RateLimit(retry),
        ) as client:  # fmt: skip
            made = await fetch_and_plan(read(text), client, Silent())
            app.sent.clear()
            begin = time.now
            report = await apply(made, client, Silent())
            assert (report.exit_code, report.resent) == (0, 0)
            app.sent = [(when - begin, what) for when, what in app.sent]
            return round(time.now - begin, 2)

    return app, time.run(run())


def addresses(count: int) -> str:
    return "addresses:\n" + "".join(f'  "+1415555{number:04}": {{type: sms}}\n' for number in range(count))


def services(count: int, body: str = "{}") -> str:
    return "version: 1\nservices:\n" + "".join(f"  s{number}: {body}\n" for number in range(count))


ROLES = (
    "{roles: {a: {type: conversation, permissions: [sendMessage]}, b: {type: service, permissions: [editOwnUserInfo]}}}"
)


def test_the_longest_paths_go_first_and_a_new_services_contents_as_soon_as_it_exists() -> None:
    app, seconds = applied(services(4, ROLES) + addresses(10), concurrency=4)
    # 22 writes, two at a time at first, then up to four; the list of services is read before the first create.
    assert app.seconds("GET Services") == [0]
    assert app.seconds("POST Services") == [0.05, 0.05, 0.05, 0.1]
    assert app.seconds("POST Roles") == [0.1, 0.1, 0.15, 0.15, 0.15, 0.2, 0.2, 0.2]
    assert app.seconds("POST Addresses") == [0, 0, 0.1, 0.15, 0.2, 0.25, 0.25, 0.25, 0.25, 0.3]
    assert seconds == 0.35


def test_a_list_that_is_read_before_creates_keeps_no_other_write_waiting() -> None:
    app, _ = applied(services(12) + addresses(8), concurrency=8, slow={"Services": 1.0})
    assert max(app.seconds("POST Addresses")) < 0.2
    assert min(app.seconds("POST Services")) == 1.0


@pytest.mark.parametrize("role", ["guest: {type: conversation, ", "channel user: {"])
def test_a_role_that_twilio_may_have_made_keeps_no_other_write_waiting(role: str) -> None:
    text = services(3, f"{{roles: {{{role}permissions: [sendMessage]}}}}}}") + addresses(12)
    app, _ = applied(text, concurrency=6, slow={"Roles": 5.0})
    assert max(app.seconds("POST Addresses")) < 1


def test_writes_that_wait_for_the_limit_of_their_service_keep_no_other_write_waiting() -> None:
    users = "{users: {" + ", ".join(f"u{number}: {{}}" for number in range(65)) + "}}"
    app, seconds = applied(services(1, users) + addresses(40), concurrency=4)
    times = app.seconds("POST Users")
    assert [times[index] for index in (0, 29, 30, 59, 60)] == [0.1, 0.45, 1.15, 1.5, 2.2]
    # 40 addresses and the first 30 users, four at a time.
    assert max(app.seconds("POST Addresses")) < 1.15
    assert seconds == 2.3


def test_an_interrupt_ends_the_wait_for_the_limit_of_a_service() -> None:
    users = "{users: {" + ", ".join(f"u{number}: {{}}" for number in range(65)) + "}}"
    time, world, stop = SimulatedTime(), World(), asyncio.Event()
    app = Slow(time, world, {})

    async def run() -> tuple[Report, float, int]:
        retry, someone = time.retry(stop=stop), Credentials(ACCOUNT, "emulator", ACCOUNT)
        async with Client(
            "https://a.example.com", someone, concurrency=4, transport=in_process(app), retry=retry,
            rate_limit=RateLimit(retry),
        ) as client:  # fmt: skip
            made = await fetch_and_plan(read(services(1, users)), client, Silent())
            running = asyncio.ensure_future(apply(made, client, Silent(), stop))
            await asyncio.sleep(0.9)  # 30 users are there, and the next may be sent in a while
            begin = time.now
            stop.set()
            report = await running
            return report, time.now - begin, len(asyncio.all_tasks())

    report, seconds, tasks = time.run(run())
    statuses = [outcome.status for result in report.results for outcome in result.outcomes]
    assert (statuses.count("done"), statuses.count("skipped")) == (31, 35)
    assert (round(seconds, 3), tasks) == (0, 1)
