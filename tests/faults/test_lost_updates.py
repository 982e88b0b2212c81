"""A lost update succeeded if the resource has every value that was sent; a lost delete, if the resource is gone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reconciler.address import Address
from reconciler.config.model import Config
from reconciler.planning.options import PlanOptions
from reconciler.report import Report
from tests.faults.harness import Once, failures, run
from tests.world import World, read

HEAD = "version: 1\nservices: {support: {conversations: {lounge: {"
OPEN, CLOSED = read(f"{HEAD}}}}}}}}}"), read(f"{HEAD}state: closed}}}}}}}}")


def updating(collection: str) -> Callable[[str, str], bool]:
    return lambda method, path: method == "POST" and f"/{collection}/" in path


def statuses(report: Report) -> list[str]:
    return [outcome.status for result in report.results for outcome in result.outcomes]


@pytest.mark.parametrize("fault", ["reset-after", "504", "truncated"])
def test_a_close_whose_answer_was_lost_is_done_though_the_next_attempt_is_refused(fault: str) -> None:
    world = World()
    world.converge(OPEN)
    report = run(Once(world.emulator, fault, updating("Conversations")), CLOSED)
    assert failures(report) == []
    assert statuses(report) == ["done"]
    assert world.plan(CLOSED).changes == ()


def test_a_close_that_never_took_place_is_not_done() -> None:
    world = World()
    world.converge(OPEN)
    report = run(Once(world.emulator, "reset-before", updating("Conversations"), times=100), CLOSED)
    assert statuses(report) == ["interrupted"]
    (change,) = world.plan(CLOSED).changes
    assert change.action == "update"


def test_a_close_that_cannot_be_read_back_is_not_said_to_be_done() -> None:
    world = World()
    world.converge(OPEN)
    sent: list[str] = []

    def after_the_write(method: str, path: str) -> bool:
        sent.extend([method] * ("/Conversations/" in path))
        return "/Conversations/" in path and "POST" in sent

    report = run(Once(world.emulator, "reset-after", after_the_write, times=100), CLOSED)
    assert statuses(report) == ["interrupted"]
    assert world.plan(CLOSED).changes == ()


def test_an_update_without_any_answer_is_done_when_the_resource_has_its_values() -> None:
    def role(permission: str) -> Config:
        return read(
            f"version: 1\nservices: {{support: {{roles: {{a: {{type: service, permissions: [{permission}]}}}}}}}}"
        )

    world = World()
    world.converge(role("joinConversation"))
    after = role("createConversation")
    report = run(Once(world.emulator, "reset-after", updating("Roles"), times=100), after)
    assert statuses(report) == ["done"]
    assert world.plan(after).changes == ()


def test_an_update_that_did_not_take_place_is_sent_again() -> None:
    world = World()
    world.converge(OPEN)
    app = Once(world.emulator, "reset-before", updating("Conversations"))
    assert statuses(run(app, CLOSED)) == ["done"]
    assert app.wrong.injected == {"reset-before": 1}


def test_an_update_of_a_value_that_cannot_be_read_stays_unknown() -> None:
    def credential(key: str) -> Config:
        text = 'version: 1\ncredentials: {push: {type: fcm, friendly_name: Push, secret: "${secret:FCM}"}}'
        return read(text, {"FCM": key * 40})

    world = World()
    world.converge(credential("A"))
    app = Once(world.emulator, "reset-after", updating("Credentials"), times=100)
    options = PlanOptions(rotate=(Address.parse("credentials.push"),))
    report = run(app, credential("B"), options=options)
    assert statuses(report) == ["interrupted"]


@pytest.mark.parametrize(
    ("attempts", "fault", "status"), [(1, "reset-after", "done"), (3, "reset-before", "interrupted")]
)
def test_a_delete_without_any_answer_is_done_when_the_resource_is_gone(attempts: int, fault: str, status: str) -> None:
    head = "version: 1\nservices: {support: {roles: {a: {"
    world = World()
    world.converge(read(f"{head}type: service, permissions: [joinConversation]}}}}}}}}"))
    app = Once(world.emulator, fault, lambda method, _path: method == "DELETE", times=100)
    report = run(app, read(f"{head}absent: true}}}}}}}}"), attempts=attempts)
    assert statuses(report) == [status]
