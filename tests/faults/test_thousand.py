"""A thousand resources over a served API that gets a fifth of all requests wrong and takes eight at once."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter

import pytest

from reconciler.apply import apply
from reconciler.client import Client, Credentials, ReadClient
from reconciler.config.model import Config
from reconciler.emulator.faults import Faults, FaultyEmulator
from reconciler.emulator.store import Store
from reconciler.fetch import fetch
from reconciler.plan import Plan, make_plan
from reconciler.report import Report, Silent
from reconciler.retry import Retry
from tests.emulator.served import served
from tests.world import ACCOUNT, read

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


def _applied(url: str, files: Config) -> tuple[Plan, Report, int, int]:
    """The plan, the report, and how many requests reading and applying took."""

    async def both() -> tuple[Plan, Report, int, int]:
        credentials = Credentials(ACCOUNT, "emulator", ACCOUNT)

        def retry() -> Retry:
            clock = lambda: time.monotonic() * FASTER  # noqa: E731 - two lines of no meaning otherwise
            return Retry(sleep=_sleep, clock=clock, uniform=random.Random(1).uniform)

        async with ReadClient(url, credentials, retry=retry()) as reader:
            made = make_plan(files, await fetch(files, reader, Silent()))
            assert not made.unsearched
            assert not made.unseen
        async with Client(url, credentials, concurrency=24, retry=retry()) as client:
            return made, await apply(made, client, Silent()), reader.requests, client.requests

    return asyncio.run(both())


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_a_thousand_resources_are_made_without_a_person(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    files = thousand()
    faults = Faults.parse("any=0.2,crowd=8,lag=50")
    app = FaultyEmulator(Store.open(":memory:"), faults, seed=seed, require_auth=True, latency_ms=2)
    with served(app) as host:
        made, report, reads, requests = _applied(host.url, files)
        befallen = Counter(app.faulty.befallen)
        app.faulty.faults = Faults()
        again, _, _, _ = _applied(host.url, files)
    steps = sum(len(change.steps) for change in made.changes)
    ideal = reads + steps
    with capsys.disabled():
        print(
            f"\nthousand: {len(files.resources)} resources, {steps} steps, {reads + requests} requests, "
            f"{(reads + requests) / ideal:.2f} of the ideal {ideal}, {sum(befallen.values())} faults {dict(befallen)}, "
            f"{report.seconds:.0f} s"
        )
    assert {outcome.status for result in report.results for outcome in result.outcomes} <= {"done", "unchanged"}
    assert report.exit_code == 0
    assert again.changes == ()
    assert befallen["429"] > 0
    assert sum(befallen.values()) - befallen["429"] > 0.15 * (reads + requests)
    assert reads + requests < 1.6 * ideal
    _nothing_twice(app.store)


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
