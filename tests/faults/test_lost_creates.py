"""A create whose answer is lost is looked up before it is sent again: never twice, never left out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from reconciler.emulator import Emulator, Store
from reconciler.emulator.app import Receive, Scope, Send
from tests.faults.harness import COUNTS, Once, counts, everything, failures, run
from tests.world import World, read

COLLECTIONS = ["Services", "Roles", "Users", "Conversations", "Participants", "Webhooks", "Addresses", "Credentials"]
DONE = ["reset-after", "504", "truncated", "invalid-json", "wrong-type"]
UNDONE = ["reset-before", "500", "502", "503"]


def creating(collection: str) -> Callable[[str, str], bool]:
    return lambda method, path: method == "POST" and path.endswith(f"/{collection}")


def creates(world: World, collection: str) -> int:
    return sum(creating(collection)(record.method, record.path) for record in world.emulator.requests)


def sent_in_peace(collection: str) -> int:
    world = World()
    assert failures(run(world.emulator, everything())) == []
    assert counts(world) == COUNTS
    return creates(world, collection)


@pytest.mark.parametrize("fault", [*DONE, *UNDONE])
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_kind_is_made_once_whatever_happens_to_the_first_create(collection: str, fault: str) -> None:
    world = World()
    app = Once(world.emulator, fault, creating(collection))
    assert failures(run(app, everything())) == []
    assert app.wrong.befallen == {fault: 1}
    assert counts(world) == COUNTS
    # What was done is not sent again, and what was not done did not reach the account the first time.
    assert creates(world, collection) == sent_in_peace(collection)
    assert world.plan(everything()).changes == ()


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_nothing_is_made_twice_when_several_answers_in_a_row_are_lost(collection: str) -> None:
    world = World()
    app = Once(world.emulator, "reset-after", creating(collection), times=2)
    assert failures(run(app, everything())) == []
    assert counts(world) == COUNTS
    assert world.plan(everything()).changes == ()


def test_a_lost_create_is_found_even_when_it_is_not_to_be_tried_again() -> None:
    world = World()
    app = Once(world.emulator, "reset-after", creating("Roles"))
    assert failures(run(app, everything(), attempts=1)) == []
    assert counts(world) == COUNTS


def test_what_never_took_place_is_a_failure_after_the_last_attempt() -> None:
    world = World()
    app = Once(world.emulator, "503", creating("Credentials"), times=100)
    assert failures(run(app, everything())) == ["credentials.android#create: the API refused it"]
    assert app.wrong.befallen == {"503": 8}
    assert counts(world) == {**COUNTS, "credential": 0}


def test_what_cannot_be_looked_up_says_that_nobody_knows() -> None:
    world = World()
    app = Once(world.emulator, "reset-after", lambda _method, path: path.endswith("/Credentials"), times=100)
    (failure,) = failures(run(app, everything(), plan_over=world.emulator))
    assert "whether it was created all the same could not be found out" in failure
    assert counts(world) == COUNTS
    assert failures(run(world.emulator, everything())) == []
    assert counts(world) == COUNTS


def test_another_resource_of_that_name_that_was_there_before_is_not_taken_for_it() -> None:
    """A role that is made anew before the old one goes: both have one name for a while."""
    world = World()
    head = "version: 1\nservices:\n  support:\n    roles:\n      reader: "
    world.converge(read(head + "{type: conversation, permissions: [sendMessage]}\n"))
    old = world.role("support", "reader")
    app = Once(world.emulator, "reset-before", creating("Roles"))
    files = read(head + "{type: service, permissions: [joinConversation]}\n")
    assert failures(run(app, files)) == []
    assert app.wrong.befallen == {"reset-before": 1}
    assert world.role("support", "reader") != old
    assert world.plan(files).changes == ()


def test_what_somebody_changed_meanwhile_is_set_right() -> None:
    """The answer is lost, and before the look somebody writes something else."""
    world = World()

    class Meddled(Once):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            was_lost = self.wrong.befallen != {}
            if was_lost and scope["method"] == "GET" and scope["path"].endswith("/Users/ada"):
                world.emulator.call("POST", scope["path"], {"FriendlyName": "Somebody"})
            await super().__call__(scope, receive, send)

    app = Meddled(world.emulator, "reset-after", creating("Users"))
    files = read("version: 1\nservices: {support: {users: {ada: {friendly_name: Ada}}}}\n")
    assert failures(run(app, files)) == []
    assert world.plan(files).changes == ()


def test_a_rate_of_writes_that_is_too_high_is_waited_out() -> None:
    world = World()
    world.emulator = Emulator(Store.open(":memory:"), clock=lambda: world.now, writes_per_second=1)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # A second goes by for every few requests.
        world.now += timedelta(seconds=0.3)
        await world.emulator(scope, receive, send)

    assert failures(run(app, everything(), attempts=50)) == []
    assert any(record.status == 429 for record in world.emulator.requests)
    assert counts(world) == COUNTS
