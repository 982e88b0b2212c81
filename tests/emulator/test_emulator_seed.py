"""Seeded accounts: repeatable, as large as asked for, and nothing in them that the API would have refused."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import main
from reconciler.emulator import DEFAULT_ACCOUNT_SID, Emulator, EmulatorError, Rules, Store
from reconciler.emulator.seed import SPAN, UNTIL, Traffic, seed
from reconciler.emulator.store import Facts
from tests.emulator.witness import Api, api

SMALL = Traffic(
    services=1, roles=3, users=8, conversations=5, participants=9, webhooks=4, messages=12, bindings=3, addresses=3,
    credentials=3,
)  # fmt: skip
NOTHING = Traffic(**dict.fromkeys(asdict(Traffic()), 0))
# What an account has when it is new: the default service and four roles in each.
BUILT_IN_ROLES = 4


def kinds(snapshot: dict[str, Facts]) -> Counter[str]:
    return Counter(facts["kind"] for facts in snapshot.values())


def test_there_is_as_much_as_was_asked_for() -> None:
    twilio = Api()
    seed(twilio.app, SMALL)
    found = kinds(twilio.app.snapshot())
    assert found.pop("receipt") > 0
    assert found.pop("account") == 1
    wanted = {name.removesuffix("es" if name == "addresses" else "s"): amount for name, amount in asdict(SMALL).items()}
    services = SMALL.services + 1
    assert found == {**wanted, "service": services, "role": SMALL.roles + BUILT_IN_ROLES * services}


def test_one_number_gives_one_account() -> None:
    def seeded(number: int) -> dict[str, Facts]:
        twilio = Api()
        seed(twilio.app, SMALL, number=number)
        return twilio.app.snapshot()

    first, again, other = seeded(1), seeded(1), seeded(2)
    assert list(first.items()) == list(again.items())
    assert kinds(first) - Counter(receipt=1000) == kinds(other) - Counter(receipt=1000)
    # The account, its default service and the roles of that were there before.
    assert len(first.keys() & other.keys()) == 2 + BUILT_IN_ROLES


def test_the_traffic_is_of_the_three_months_before_its_end() -> None:
    twilio = Api()
    before = twilio.app.snapshot().keys()
    seed(twilio.app, SMALL)
    dates = [
        facts[key]
        for sid, facts in twilio.app.snapshot().items()
        for key in ("date_created", "date_updated")
        if sid not in before and key in facts
    ]
    assert min(dates) >= (UNTIL - SPAN).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert max(dates) <= UNTIL.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert len(set(dates)) > len(dates) / 4


def test_seeding_again_adds() -> None:
    twilio = Api()
    seed(twilio.app, SMALL)
    before = twilio.app.snapshot()
    seed(twilio.app, SMALL)
    after = twilio.app.snapshot()
    assert before.keys() < after.keys()
    assert kinds(after)["user"] == 2 * SMALL.users


def test_what_was_seeded_is_read_over_the_api() -> None:
    twilio = Api()
    seed(twilio.app, replace(SMALL, conversations=30))
    states = set()
    for service in twilio.listed("/v1/Services"):
        home = f"/v1/Services/{service['sid']}"
        for user in twilio.listed(f"{home}/Users"):
            twilio.listed(f"{home}/Users/{user['sid']}/Conversations")
            assert twilio.get(f"{home}/Users/{user['identity']}")["sid"] == user["sid"]
        for conversation in twilio.listed(f"{home}/Conversations"):
            inside = f"{home}/Conversations/{conversation['sid']}"
            states.add(conversation["state"])
            assert len(twilio.listed(f"{inside}/Webhooks")) <= 5
            for message in twilio.listed(f"{inside}/Messages"):
                twilio.listed(f"{inside}/Messages/{message['sid']}/Receipts")
    assert states == {"active", "inactive", "closed"}


READINGS = [(name, reading) for name, readings in Rules.fields().items() for reading in readings[1:]]


@pytest.mark.parametrize(("name", "reading"), READINGS)
def test_it_works_under_every_reading(name: str, reading: Any) -> None:
    twilio = api(**{name: reading})
    seed(twilio.app, SMALL)
    assert kinds(twilio.app.snapshot())["message"] == SMALL.messages


@pytest.mark.parametrize(
    ("traffic", "says"),
    [
        (replace(NOTHING, users=-1), "cannot be negative"),
        (replace(NOTHING, messages=1), "Conversations are needed for messages"),
        (replace(NOTHING, participants=1), "Conversations are needed for participants"),
        (replace(NOTHING, webhooks=1), "Conversations are needed for webhooks"),
        (replace(NOTHING, bindings=1), "Users are needed"),
        (replace(NOTHING, conversations=2, webhooks=11), "5 webhooks at most"),
        (replace(NOTHING, conversations=1, participants=51), "no place for that many participants"),
    ],
)
def test_too_much_is_refused_and_nothing_is_added(traffic: Traffic, says: str) -> None:
    twilio = Api()
    before = twilio.app.snapshot()
    with pytest.raises(EmulatorError, match=says):
        seed(twilio.app, traffic)
    assert twilio.app.snapshot() == before


def test_extremes() -> None:
    twilio = Api()
    before = twilio.app.snapshot()
    seed(twilio.app, NOTHING)
    assert twilio.app.snapshot() == before
    seed(twilio.app, replace(NOTHING, conversations=2, participants=100, webhooks=10))
    assert kinds(twilio.app.snapshot())["participant"] == 100
    lone = api(default_service="allowed")
    lone.delete(f"/v1/Services/{lone.default_service()}")
    with pytest.raises(EmulatorError, match="no service"):
        seed(lone.app, NOTHING)
    seed(lone.app, replace(NOTHING, services=1, users=3))


@pytest.mark.slow
def test_ten_thousand_users_can_be_seeded() -> None:
    app = Emulator(Store.open(":memory:"), entropy=random.Random(1))
    seed(app, replace(NOTHING, users=10_000))
    body = app.call("GET", "/v1/Users", query="PageSize=50").body
    assert body is not None
    assert len(body["users"]) == 50


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(name: str, *options: str) -> dict[str, Facts]:
        file = tmp_path / name
        assert main(["emulator", "seed", "--db", str(file), *options]) == 0
        store = Store.open(file)
        snapshot = Emulator(store).snapshot()
        store.close()
        return snapshot

    few = ("--users", "5", "--conversations", "3", "--messages", "4", "--participants", "2", "--webhooks", "0")
    first = run("a.db", *few, "--seed", "7")
    said = capsys.readouterr().out
    assert said.startswith(
        f"Added to account {DEFAULT_ACCOUNT_SID} in {tmp_path / 'a.db'}: 2 services, 6 roles, 5 users"
    )
    assert "webhooks" not in said
    assert run("b.db", *few, "--seed", "7") == first
    assert run("c.db", *few, "--seed", "8").keys() != first.keys()
    assert len(run("a.db", *few)) > len(first)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--conversations", "0"], "Conversations are needed for participants"),
        (["--users", "-1"], "--users"),
        (["--db", "."], "--db ."),
    ],
)
def test_a_wrong_command_is_one_sentence(
    options: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = [] if "--db" in options else ["--db", str(tmp_path / "a.db")]
    assert main(["emulator", "seed", *database, *options]) == 1
    assert says in capsys.readouterr().err
