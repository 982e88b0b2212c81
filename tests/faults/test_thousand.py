"""A thousand resources over an API that gets a fifth of all requests wrong and takes eight at once."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Coroutine, Mapping
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest

from reconciler.api.client import Client, ReadClient
from reconciler.api.credentials import Credentials
from reconciler.api.retry import Retry
from reconciler.api.transport import in_process
from reconciler.config.model import Config
from reconciler.emulator import Emulator
from reconciler.emulator.faults import Faults, Faulty, FaultyEmulator
from reconciler.emulator.store import Store
from reconciler.execution.apply import apply
from reconciler.planning.plan import Plan
from reconciler.report import Report, Silent
from reconciler.workflow.planning import fetch_and_plan
from tests.emulator.served import served
from tests.simulated_time import SimulatedTime
from tests.world import ACCOUNT, NOON, read

IDEAL = 1006 + 6
"""One request for each resource, and what an account in which nothing is yet is read with."""

FASTER = 20
"""So many seconds of the client's are one of the machine's: it waits as it does in life, relative to the API's lag."""


async def _sleep(seconds: float) -> None:
    await asyncio.sleep(seconds / FASTER)


def _service(number: int) -> dict[str, object]:
    return {
        "friendly_name": f"Service {number}",
        "configuration": {"default_conversation_role": "r0", "reachability_enabled": True},
        "webhooks": {"method": "POST", "post_webhook_url": "https://hooks.example.com/", "filters": ["onMessageAdded"]},
        "roles": {f"r{role}": {"type": "conversation", "permissions": ["sendMessage"]} for role in range(20)},
        "users": {f"user{user}": {"friendly_name": f"User {user}"} for user in range(30)},
        "conversations": {
            f"room{room}": {
                "friendly_name": f"Room {room}",
                "participants": {
                    "one": {"identity": f"user{room}", "role": f"r{room}"},
                    "two": {"identity": f"user{room + 15}"},
                },
                "webhooks": {
                    "crm": {"target": "webhook", "url": "https://crm.example.com/", "filters": ["onMessageAdded"]}
                },
            }
            for room in range(14)
        },
    }


def thousand() -> Config:
    root = {
        "version": 1,
        "services": {f"s{number}": _service(number) for number in range(9)},
        "addresses": {f"+1415555{number:04}": {"type": "sms"} for number in range(20)},
        "credentials": {f"push{number}": {"type": "fcm", "secret": "s3cret"} for number in range(5)},
    }
    files = read(json.dumps(root))
    assert 1000 <= len(files.resources) <= 1050
    return files


def _applied(files: Config, url: str, **way: Any) -> Coroutine[Any, Any, tuple[Plan, Report, int]]:
    """The plan, the report, and how many requests reading and applying took."""

    async def both() -> tuple[Plan, Report, int]:
        credentials = Credentials(ACCOUNT, "emulator", ACCOUNT)
        async with ReadClient(url, credentials, **way) as reader:
            made = await fetch_and_plan(files, reader, Silent())
            assert not made.missing
        async with Client(url, credentials, concurrency=24, **way) as client:
            return made, await apply(made, client, Silent()), reader.requests + client.requests

    return both()


def _ends_well(made: Plan, report: Report, requests: int, injected: Mapping[str, int]) -> str:
    """Asserts that nobody is needed, at little cost; says in figures how it went."""
    assert sum(len(change.steps) for change in made.changes) == 1006
    assert {outcome.status for result in report.results for outcome in result.outcomes} <= {"done", "unchanged"}
    assert report.exit_code == 0
    assert requests < 1.6 * IDEAL
    others = sum(injected.values()) - injected["429"]
    assert others > 0.15 * requests
    return (
        f"{requests} requests, {requests / IDEAL:.2f} of the ideal {IDEAL}, "
        f"{sum(injected.values())} faults {dict(injected)}"
    )


@pytest.mark.slow
def test_what_the_ideal_is() -> None:
    emulator = Emulator(Store.open(":memory:"))
    way = {"transport": in_process(emulator)}
    _, report, requests = asyncio.run(_applied(thousand(), "https://x.example.com", **way))
    assert (report.exit_code, requests) == (0, IDEAL)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_thousand_resources_are_made_without_a_person(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    files, time = thousand(), SimulatedTime()
    emulator = Emulator(Store.open(":memory:"), clock=lambda: NOON + timedelta(seconds=time.now))
    app = Faulty(emulator, Faults.parse("any=0.2,crowd=8,lag=1000,latency=150,jitter=150"), seed=seed, clock=time)
    way = {"transport": in_process(app), "retry": time.retry(uniform=random.Random(seed).uniform)}
    made, report, requests = time.run(_applied(files, "https://x.example.com", **way))
    told = _ends_well(made, report, requests, Counter(app.injected))
    assert app.injected["429"] > 5
    app.faults = Faults()
    again, _, _ = time.run(_applied(files, "https://x.example.com", **way))
    assert again.changes == ()
    _nothing_twice(emulator.store)
    with capsys.disabled():
        print(f"\nthousand: {told}, {time.now:.0f} s as it would be")


@pytest.mark.slow
def test_a_thousand_resources_are_made_over_real_connections(capsys: pytest.CaptureFixture[str]) -> None:
    # How many there are at once, and so how many are refused, is this machine's matter: it is told, and not judged.
    files = thousand()
    app = FaultyEmulator(
        Store.open(":memory:"), Faults.parse("any=0.2,crowd=8,lag=50,latency=15"), seed=1, require_auth=True
    )
    with served(app) as host:
        retry = Retry(sleep=_sleep, clock=lambda: monotonic() * FASTER, uniform=random.Random(1).uniform)
        made, report, requests = asyncio.run(_applied(files, host.url, retry=retry))
        injected = Counter(app.faulty.injected)
        app.faulty.faults = Faults()
        again, _, _ = asyncio.run(_applied(files, host.url))
    told = _ends_well(made, report, requests, injected)
    assert again.changes == ()
    _nothing_twice(app.store)
    with capsys.disabled():
        print(f"\nthousand, served: {told}, {report.seconds:.0f} s at {FASTER} times the speed")


def _nothing_twice(store: Store) -> None:
    rows = store.everything()
    names = Counter((row.kind, row.parent, row.name) for row in rows if row.name is not None)
    assert [name for name, number in names.items() if number > 1] == []
    kinds = Counter(row.kind for row in rows)
    assert kinds == {
        "account": 1,
        "service": 10,
        "role": 10 * 4 + 9 * 20,
        "user": 9 * 30,
        "conversation": 9 * 14,
        "participant": 9 * 28,
        "webhook": 9 * 14,
        "address": 20,
        "credential": 5,
    }
