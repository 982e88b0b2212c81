"""Which declarations of another ledger mean a live resource: those with its pin or its name, under any handle."""

from __future__ import annotations

import pytest

from reconciler.address import Address
from reconciler.config.model import Declared
from reconciler.planning.live_identity import LiveIdentity
from reconciler.planning.plan import Plan
from tests.undone import do, plan_undo
from tests.world import World, read

SERVICE = f"IS{'1' * 32}"
ROLES = "roles: {x: {type: conversation, permissions: [sendMessage]}}"
FILES = f"version: 1\nservices: {{desk: {{friendly_name: Desk, {ROLES}}}}}\n"


def declared(services: str, *parts: str) -> Declared:
    return read(f"version: 1\nservices: {{{services}}}\n").resources[Address(("services", *parts))]


@pytest.mark.parametrize(
    ("services", "means"),
    [
        ("other: {friendly_name: Desk}", True),
        (f"other: {{sid: {SERVICE}}}", True),
        ("other: {sid: default}", True),
        (f"Desk: {{sid: IS{'2' * 32}}}", False),
        ("desk: {friendly_name: Other}", False),
    ],
)
def test_a_service_is_recognized_by_its_pin_or_name(services: str, means: bool) -> None:  # noqa: FBT001 - a column
    identity = LiveIdentity("service", frozenset({SERVICE, "default"}), frozenset({"Desk"}))
    assert identity.is_declared_as(declared(services, services.partition(":")[0])) is means


def test_another_kind_is_another_resource() -> None:
    identity = LiveIdentity("user", frozenset(), frozenset({"x"}))
    role = declared("d: {roles: {x: {type: conversation, permissions: [sendMessage]}}}", "d", "roles", "x")
    assert not identity.is_declared_as(role)


def test_an_undo_deletes_nothing_that_another_ledger_declares() -> None:
    account, files = World(), read(FILES)
    account.do(account.plan(read("version: 1\nservices: {desk: {friendly_name: Desk}}\n")))
    _, report = do(account, account.plan(files), files)
    asked: list[tuple[LiveIdentity, ...]] = []

    def elsewhere(lineage: tuple[LiveIdentity, ...]) -> str:
        asked.append(lineage)
        return "the ledger refs/reconciler/other declares"

    assert guards(plan_undo(account, report, files, elsewhere)) == {"services.desk.roles.x": "declared_elsewhere"}
    assert [(one.kind, sorted(one.names)) for one in asked[0]] == [("service", ["Desk"]), ("role", ["x"])]
    assert guards(plan_undo(account, report, files)) == {"services.desk.roles.x": ""}


def test_an_undo_changes_nothing_that_another_ledger_declares() -> None:
    account, files = World(), read(FILES)
    account.do(account.plan(files))
    changed = read(FILES.replace("sendMessage", "leaveConversation"))
    _, report = do(account, account.plan(changed), changed)
    made = plan_undo(account, report, changed, lambda _: "the ledger other declares")
    message = "the ledger other declares services.desk.roles.x for the same account, so the undo does not change it"
    assert [(one.action, one.guard.message if one.guard is not None else "") for one in made.changes] == [
        ("update", message)
    ]


def guards(made: Plan) -> dict[str, str]:
    return {str(one.address): one.guard.name if one.guard is not None else "" for one in made.changes}
