"""What the emulator gets wrong on purpose: which faults there are, that they are repeatable, and what they leave."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import httpx
import pytest

from reconciler.emulator import EmulatorError
from reconciler.emulator.faults import FAULTS, READ_FAULTS, Faults, Faulty, FaultyEmulator
from reconciler.emulator.store import Store
from tests.emulator.served import served
from tests.world import World

BEFORE = {"500", "502", "503", "reset-before", "reset-taken"}


def create(app: Any) -> httpx.Response:
    async def run() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://x.example.com") as client:
            return await client.post("/v1/Services", data={"FriendlyName": "a"})

    return asyncio.run(run())


def made(world: World) -> int:
    return sum(row["name"] == "a" or row.get("friendly_name") == "a" for row in world.snapshot().values())


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_leaves_the_work_done_or_undone_as_it_says(fault: str) -> None:
    world = World()
    app = Faulty(world.emulator, Faults({fault: 1}))
    if fault.startswith("reset"):
        with pytest.raises(ConnectionResetError):
            create(app)
    else:
        answer = create(app)
        assert answer.status_code == (int(fault) if fault.isdigit() else 201 if fault == "truncated" else 200)
        if not fault.isdigit():
            with pytest.raises(json.JSONDecodeError):
                answer.json()
            assert answer.headers["Content-Type"].startswith("text/html") is (fault == "wrong-type")
    assert made(world) == (fault not in BEFORE)
    assert app.injected == {fault: 1}


def test_without_faults_nothing_is_wrong() -> None:
    world = World()
    app = Faulty(world.emulator, Faults())
    assert [create(app).status_code for _ in range(20)] == [201] * 20
    assert app.injected == {}


def test_one_seed_is_one_course_of_events() -> None:
    def course(seed: int) -> list[int]:
        app = Faulty(World().emulator, Faults.parse("500=0.2,503=0.2,504=0.2"), seed=seed)
        return [create(app).status_code for _ in range(40)]

    assert course(1) == course(1)
    assert course(1) != course(2)
    assert set(course(1)) == {201, 500, 503, 504}


def test_late_answers() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    app = Faulty(World().emulator, Faults.parse("latency=100,jitter=50"), sleep=sleep)
    for _ in range(10):
        create(app)
    assert all(0.1 <= wait <= 0.15 for wait in waits)
    assert len(set(waits)) == 10


def test_a_crowd_is_sent_away() -> None:
    app = Faulty(World().emulator, Faults.parse("crowd=3,latency=1"))

    async def run() -> list[int]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://x.example.com") as client:
            answers = await asyncio.gather(*(client.get("/v1/Services") for _ in range(8)))
            return sorted(answer.status_code for answer in answers)

    assert asyncio.run(run()) == [200] * 3 + [429] * 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Faults()),
        (" 503=0.5 , crowd=8 ,", Faults({"503": 0.5}, crowd=8)),
        ("any=0.9", Faults(dict.fromkeys(FAULTS, 0.9 / 11))),
        (
            "any-read=0.4,stale=0.1",
            Faults({"stale": 0.1, **dict.fromkeys(("shifted", "overlapping", "repeated"), 0.4 / 3)}),
        ),
        ("lag=50,pages=2", Faults(lag=50, pages=2)),
        ("500=0.1,latency=5,jitter=2.5", Faults({"500": 0.1}, latency=5, jitter=2.5)),
    ],
)
def test_a_specification_is_read(text: str, expected: Faults) -> None:
    assert Faults.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("resets=0.1", "unknown fault 'resets'; use one of 500"),
        ("503", "503 takes a share from 0 to 1, as in 503=0.1"),
        ("503=2", "takes a share"),
        ("503=nan", "takes a share"),
        ("503=x", "takes a share"),
        ("crowd=-1", "crowd takes a whole number from 0 to 60000, as in crowd=8"),
        ("latency=inf", "takes a number"),
        ("500=0.6,503=0.6", "more than 1"),
        ("any=0.6,any-read=0.6", "more than 1"),
        ("crowd=2.5", "crowd takes a whole number"),
        ("pages=0.5", "pages takes a whole number"),
        ("503=0.1,latency=1,503=0.2", "503 is given twice"),
    ],
)
def test_a_specification_that_is_none_is_told(text: str, why: str) -> None:
    with pytest.raises(EmulatorError, match=why):
        Faults.parse(text)


def test_a_served_connection_really_breaks() -> None:
    app = FaultyEmulator(Store.open(":memory:"), Faults())
    with served(app) as host, httpx.Client(base_url=host.url, trust_env=False) as client:

        def create(fault: str, name: str) -> None:
            app.faulty.faults = Faults({fault: 1}, lag=0)
            client.post("/v1/Services", data={"FriendlyName": name})

        def there() -> list[str]:
            app.faulty.faults = Faults()
            names = [item["friendly_name"] for item in client.get("/v1/Services").json()["services"]]
            return [name for name in names if len(name) == 1]

        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            create("reset-before", "a")
        assert there() == []
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            create("reset-after", "b")
        assert there() == ["b"]
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
            create("reset-body", "c")
        assert there() == ["b", "c"]
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            create("reset-taken", "d")
        assert app.store.count_named("service", "d") == 0
        assert there() == ["b", "c", "d"]


@pytest.mark.parametrize("fault", ["reset-before", "reset-taken", "reset-after"])
def test_what_breaks_is_a_reset_and_not_an_end(fault: str) -> None:
    """httpx may notice while it still sends, and then tells another error: so without it."""
    app = FaultyEmulator(Store.open(":memory:"), Faults({fault: 1}))
    with served(app) as host, socket.create_connection(("127.0.0.1", int(host.url.rpartition(":")[2]))) as connection:
        connection.sendall(b"GET /v1/Services HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


class Clock:
    """Seconds that go by when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def names(app: Any, query: str = "") -> list[str]:
    """The services that somebody made, as one reads them: page by page, wherever the next one is said to be."""

    async def run() -> list[str]:
        found: list[str] = []
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://x.example.com") as client:
            url: str | None = f"/v1/Services?PageSize=50{query}"
            for _ in range(9):
                body = (await client.get(url or "")).json()
                found += [item["friendly_name"] for item in body["services"]]
                url = body["meta"]["next_page_url"]
                if url is None:
                    break
            return [name for name in found if len(name) == 1]

    return asyncio.run(run())


def test_what_was_taken_is_done_up_to_a_lag_later() -> None:
    clock, world = Clock(), World()
    app = Faulty(world.emulator, Faults({"reset-taken": 1}, lag=2000), seed=1, clock=clock)
    with pytest.raises(ConnectionResetError):
        create(app)
    app.faults = Faults(lag=2000)
    assert names(app) == []
    clock.seconds = 2.0
    assert names(app) == ["a"]
    app.faults = Faults({"reset-taken": 1}, lag=2000)
    with pytest.raises(ConnectionResetError):
        create(app)
    asyncio.run(app.finish_late())
    app.faults = Faults()
    assert names(app) == ["a", "a"]


def test_a_stale_read_shows_what_was_before_the_writes_of_the_last_lag() -> None:
    clock, world = Clock(), World()
    app = Faulty(world.emulator, Faults({"stale": 1}, lag=2000), clock=clock)
    assert create(app).status_code == 201
    assert names(app) == []
    clock.seconds = 1.5
    assert create(app).status_code == 201
    assert names(app) == []
    clock.seconds = 2.0
    # The first has been there for two seconds, the second for half of one: reads lag behind by two at most.
    assert names(app) == ["a", "a"]
    assert create(app).status_code == 201
    assert names(app) == ["a", "a"]
    assert app.injected == {"stale": 3}
    app.close()


def test_a_late_write_counts_from_when_it_was_due() -> None:
    clock, world = Clock(), World()
    app = Faulty(world.emulator, Faults({"reset-taken": 1}, lag=2000), clock=clock)
    with pytest.raises(ConnectionResetError):
        create(app)
    app.faults = Faults({"stale": 1}, lag=2000)
    clock.seconds = 4.0
    # It was due after two seconds at most, and no request came in between: a stale read may not hide it any more.
    assert names(app) == ["a"]
    app.close()


def test_what_is_stale_hides_what_is_new_and_shows_what_is_gone() -> None:
    world = World()
    app = Faulty(world.emulator, Faults({"stale": 1}))
    sid = create(app).json()["sid"]

    async def status(method: str) -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://x.example.com") as client:
            return (await client.request(method, f"/v1/Services/{sid}")).status_code

    assert asyncio.run(status("GET")) == 404
    app.close()
    assert asyncio.run(status("DELETE")) == 204
    assert asyncio.run(status("GET")) == 200
    app.close()


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("", ["a", "b", "c", "d", "e"]),
        ("shifted", ["a", "b", "d", "e"]),
        ("overlapping", ["a", "b", "b", "c", "d", "e"]),
        ("repeated", ["a", "b", "a", "b", "a", "b", "a", "b", "a", "b", "a", "b", "a", "b", "a", "b", "a", "b"]),
    ],
)
def test_lists_move_while_they_are_paged(fault: str, expected: list[str]) -> None:
    world = World()
    for name in "abcde":
        world.post("/v1/Services", {"FriendlyName": name})
    app = Faulty(world.emulator, Faults({fault: 1} if fault else {}, pages=3))
    assert names(app) == expected


def test_a_list_is_not_shifted_again_at_once() -> None:
    world = World()
    for name in "abcde":
        world.post("/v1/Services", {"FriendlyName": name})
    app = Faulty(world.emulator, Faults({"shifted": 1}, pages=3))
    whole = ["a", "b", "c", "d", "e"]
    assert [len(names(app)) for _ in range(6)] == [4, 5, 5, 5, 4, 5]
    assert names(app) == whole


@pytest.mark.parametrize("fault", READ_FAULTS)
def test_what_befalls_reads_leaves_writes_alone(fault: str) -> None:
    world = World()
    app = Faulty(world.emulator, Faults({fault: 1}, pages=1))
    assert create(app).status_code == 201
    assert made(world) == 1
    assert app.injected == {}
    app.close()
