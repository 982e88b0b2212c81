"""What the emulator gets wrong on purpose: which faults there are, that they are repeatable, and what they leave."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from reconciler.emulator import EmulatorError
from reconciler.emulator.faults import FAULTS, Faults, Faulty, FaultyEmulator
from reconciler.emulator.store import Store
from tests.emulator.served import served
from tests.world import World

BEFORE = {"500", "502", "503", "reset-before"}


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
    assert app.befallen == {fault: 1}


def test_without_faults_nothing_is_wrong() -> None:
    world = World()
    app = Faulty(world.emulator, Faults())
    assert [create(app).status_code for _ in range(20)] == [201] * 20
    assert app.befallen == {}


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
        ("any=0.9", Faults(dict.fromkeys(FAULTS, 0.9 / 9))),
        ("500=0.1,latency=5,jitter=2.5", Faults({"500": 0.1}, latency=5, jitter=2.5)),
    ],
)
def test_a_specification_is_read(text: str, expected: Faults) -> None:
    assert Faults.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("resets=0.1", "'resets' is no fault; there are 500"),
        ("503", "503 takes a share from 0 to 1, as in 503=0.1"),
        ("503=2", "takes a share"),
        ("503=nan", "takes a share"),
        ("503=x", "takes a share"),
        ("crowd=-1", "crowd takes a number from 0 to 60000, as in crowd=8"),
        ("latency=inf", "takes a number"),
        ("500=0.6,503=0.6", "more than 1"),
    ],
)
def test_a_specification_that_is_none_is_told(text: str, why: str) -> None:
    with pytest.raises(EmulatorError, match=why):
        Faults.parse(text)


def test_a_served_connection_breaks_before_and_after_the_work() -> None:
    store = Store.open(":memory:")
    app = FaultyEmulator(store, Faults({"reset-after": 1}))
    with served(app) as host, httpx.Client(base_url=host.url, trust_env=False) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            client.post("/v1/Services", data={"FriendlyName": "a"})
        app._faulty.faults = Faults()
        assert [item["friendly_name"] for item in client.get("/v1/Services").json()["services"]].count("a") == 1
        app._faulty.faults = Faults({"reset-before": 1})
        with pytest.raises(httpx.RemoteProtocolError):
            client.post("/v1/Services", data={"FriendlyName": "b"})
        app._faulty.faults = Faults()
        assert "b" not in [item["friendly_name"] for item in client.get("/v1/Services").json()["services"]]
