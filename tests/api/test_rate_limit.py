"""No second in which a service or conversation is written to more often than Twilio publishes, and no wait beyond."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.api.client import Client
from reconciler.api.credentials import Credentials
from reconciler.api.rate_limit import RateLimit
from reconciler.api.transport import in_process
from reconciler.config.model import Config
from reconciler.emulator.app import Receive, Scope, Send
from reconciler.errors import OutOfTime, Stopped
from reconciler.execution.apply import apply
from reconciler.kinds.api_paths import WriteScope, write_scope
from reconciler.report import Report, Silent
from reconciler.workflow.planning import fetch_and_plan
from tests.simulated_time import SimulatedTime
from tests.world import ACCOUNT, NOON, World, read

IS, CH = "IS" + "1" * 32, "CH" + "2" * 32
SERVICE = f"/v1/Services/{IS}"
USERS = f"{SERVICE}/Users"
LATE = (0.0, 0.001, 0.03, 0.2, 0.5, 0.9)


@pytest.mark.parametrize(
    ("method", "path", "key"),
    [
        ("POST", USERS, WriteScope(IS)),
        ("POST", f"{USERS}/US1", WriteScope(IS)),
        ("DELETE", f"{USERS}/US1", WriteScope(IS)),
        ("POST", f"{SERVICE}/Roles", WriteScope(IS)),
        ("DELETE", f"{SERVICE}/Roles/RL1", WriteScope(IS)),
        ("POST", f"{SERVICE}/Conversations", WriteScope(IS)),
        ("DELETE", f"{SERVICE}/Conversations/{CH}", WriteScope(IS)),
        ("POST", f"{SERVICE}/Conversations/{CH}", WriteScope(IS, CH)),
        ("POST", f"{SERVICE}/Conversations/{CH}/Participants", WriteScope(IS, CH)),
        ("DELETE", f"{SERVICE}/Conversations/{CH}/Participants/MB1", WriteScope(IS, CH)),
        ("POST", f"{SERVICE}/Conversations/{CH}/Webhooks", WriteScope(IS, CH)),
        ("POST", "/v1/Roles", WriteScope("")),
        ("GET", USERS, None),
        ("POST", "/v1/Services", None),
        ("DELETE", SERVICE, None),
        ("POST", f"{SERVICE}/Configuration", None),
        ("POST", f"{SERVICE}/Configuration/Notifications", None),
        ("POST", "/v1/Configuration/Addresses", None),
        ("POST", "/v1/Credentials", None),
    ],
)
def test_what_a_write_is_counted_for(method: str, path: str, key: WriteScope | None) -> None:
    assert write_scope(method, path) == key


@settings(max_examples=40)
@given(
    rate=st.integers(1, 6),
    at_once=st.integers(1, 8),
    delays=st.lists(st.tuples(st.sampled_from(LATE), st.sampled_from(LATE)), min_size=1, max_size=30),
)
def test_no_second_at_the_server_has_more_however_late_requests_arrive(
    rate: int, at_once: int, delays: list[tuple[float, float]]
) -> None:
    time = SimulatedTime()
    processed: list[float] = []

    async def one(rate_limit: RateLimit, places: asyncio.Semaphore, there: float, back: float) -> None:
        async with places, rate_limit.slot("POST", USERS):
            await asyncio.sleep(there)
            processed.append(time.now)
            await asyncio.sleep(back)

    async def everything() -> None:
        rate_limit, places = RateLimit(time.retry(), rate), asyncio.Semaphore(at_once)
        await asyncio.gather(*(one(rate_limit, places, *delay) for delay in delays))

    time.run(everything())
    assert len(processed) == len(delays)
    window: deque[float] = deque()
    for moment in sorted(processed):
        # Sums of fractions are not exact.
        while window and window[0] <= moment - 1 + 1e-9:
            window.popleft()
        window.append(moment)
        assert len(window) <= rate


def test_it_is_as_fast_as_it_may_be() -> None:
    time = SimulatedTime()
    began: list[float] = []

    async def one(rate_limit: RateLimit, path: str) -> None:
        async with rate_limit.slot("POST", path):
            began.append(time.now)

    async def many(paths: list[str]) -> None:
        rate_limit = RateLimit(time.retry(), 30)
        await asyncio.gather(*(one(rate_limit, path) for path in paths))

    time.run(many([USERS] * 90))
    assert began == [0.0] * 30 + [1.0] * 30 + [2.0] * 30
    began.clear()
    time.now = 0.0
    time.run(many([f"/v1/Services/IS{number}/Users" for number in range(1000)]))
    assert began == [0.0] * 1000


def test_reads_and_what_is_counted_for_nobody_never_wait() -> None:
    time = SimulatedTime()

    async def many() -> None:
        rate_limit = RateLimit(time.retry(), 1)
        for method, path in (("GET", USERS), ("POST", "/v1/Services"), ("POST", "/v1/Credentials")):
            for _ in range(20):
                async with rate_limit.slot(method, path):
                    pass

    time.run(many())
    assert time.now == 0


def test_a_turn_that_would_come_after_the_end_is_not_waited_for() -> None:
    time = SimulatedTime()

    async def some() -> list[object]:
        rate_limit = RateLimit(time.retry(timeout=1.5), 1)

        async def one() -> None:
            async with rate_limit.slot("POST", USERS):
                pass

        return await asyncio.gather(*(one() for _ in range(4)), return_exceptions=True)

    first, second, *others = time.run(some())
    assert (first, second) == (None, None)
    assert [type(error) for error in others] == [OutOfTime] * 2
    assert time.now == 1.0


def test_an_interrupt_ends_the_waiting() -> None:
    time = SimulatedTime()

    async def some() -> list[object]:
        stop = asyncio.Event()
        rate_limit = RateLimit(time.retry(stop=stop), 1)

        async def one() -> None:
            async with rate_limit.slot("POST", USERS):
                pass

        waiting = [asyncio.ensure_future(one()) for _ in range(4)]
        for _ in range(20):
            await asyncio.sleep(0)
        stop.set()
        return await asyncio.gather(*waiting, return_exceptions=True)

    first, *others = time.run(some())
    assert first is None
    assert [type(error) for error in others] == [Stopped] * 3
    assert time.now == 0


def test_when_all_turns_are_under_way_the_next_comes_a_second_after_the_first_answer() -> None:
    time = SimulatedTime()
    began: list[float] = []

    async def one(rate_limit: RateLimit) -> None:
        async with rate_limit.slot("POST", USERS):
            began.append(time.now)
            await asyncio.sleep(5)

    async def some() -> None:
        rate_limit = RateLimit(time.retry(), 2)
        await asyncio.gather(*(one(rate_limit) for _ in range(3)))

    time.run(some())
    assert began == [0, 0, 6]


# --- against what Twilio does about it -------------------------------------------------------------------------------


def many_in_one_place() -> Config:
    users = "".join(f"      user{number}: {{}}\n" for number in range(70))
    people = "".join(f"          p{number}: {{identity: user{number}}}\n" for number in range(40))
    return read(
        "version: 1\nservices:\n  support:\n    roles:\n      r: {type: service, permissions: [joinConversation]}\n"
        f"    users:\n{users}    conversations:\n      lounge:\n        participants:\n{people}"
    )


def services(names: str) -> Config:
    """Services of so many users that each takes two seconds, at the pace that is allowed."""
    users = "".join(f"      user{number}: {{}}\n" for number in range(65))
    return read("version: 1\nservices:\n" + "".join(f"  {name}:\n    users:\n{users}" for name in names))


def applied(files: Config, *, paced: bool) -> tuple[Report, list[int], float]:
    """An apply to an account that takes 30 writes a second; how it ended, every status, and the seconds it took."""
    time = SimulatedTime()
    world = World(writes_per_second=30)
    draw = random.Random(2)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(draw.uniform(0, 0.02))
        world.now = NOON + timedelta(seconds=time.now)
        await world.emulator(scope, receive, send)
        await asyncio.sleep(draw.uniform(0, 0.02))

    async def all_of_it() -> Report:
        retry = time.retry()
        rate_limit = RateLimit(retry) if paced else None
        credentials = Credentials(ACCOUNT, "emulator", ACCOUNT)
        async with Client(
            "https://x.example.com", credentials, transport=in_process(app), retry=retry, rate_limit=rate_limit
        ) as client:
            made = await fetch_and_plan(files, client, Silent())
            return await apply(made, client, Silent())

    report = time.run(all_of_it())
    return report, [record.status for record in world.emulator.requests], time.now


def test_with_it_nothing_is_refused_and_without_it_something_is() -> None:
    report, statuses, seconds = applied(many_in_one_place(), paced=True)
    assert report.exit_code == 0
    assert statuses.count(429) == report.resent == 0
    # 72 writes for the service, and after its own creation 40 for the conversation, which need its users.
    assert 2 <= seconds < 4
    report, statuses, _ = applied(many_in_one_place(), paced=False)
    assert report.exit_code == 0
    assert statuses.count(429) == report.resent > 5


def test_services_do_not_wait_for_one_another() -> None:
    report, _, alone = applied(services("a"), paced=True)
    assert (report.exit_code, round(alone)) == (0, 2)
    # Four times the writes: what one service waits, the others use.
    report, statuses, together = applied(services("abcd"), paced=True)
    assert (report.exit_code, round(together)) == (0, 2)
    assert statuses.count(429) == 0
