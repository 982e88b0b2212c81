"""A replace deletes nothing that another ledger declares: that is a removal, too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.journal import UnfinishedReplace
from reconciler.planning.baseline import DeclaredElsewhere
from reconciler.planning.live_identity import LiveIdentity
from reconciler.planning.plan import Plan
from tests.properties.ledgered import FaultyWorld, Ledgered
from tests.world import World, read

FILES = "version: 1\nservices: {desk: {friendly_name: Desk, %s}}\n"
ROLE = "roles: {x: {friendly_name: %s, type: %s, permissions: [%s]}}"
ALPHA = ROLE % ("Alpha", "conversation", "sendMessage")
BETA = ROLE % ("Beta", "conversation", "sendMessage")
OF_SERVICE = ROLE % ("Alpha", "service", "addParticipant")
NOT_REPLACED = "so it is not replaced; let only one of the two configurations declare it"
USER = "users: {x: {identity: %s}}"
PARTICIPANT = "conversations: {talk: {participants: {x: {identity: %s}}}}"
TALK = ("conversation", "talk")


def planned(ledgered: Ledgered, text: str, declared_elsewhere: DeclaredElsewhere) -> Plan:
    baseline = replace(ledgered.baseline, declared_elsewhere=declared_elsewhere)
    return ledgered.account.plan(read(FILES % text), baseline=baseline)


def owner_of(kind: str, name: str) -> DeclaredElsewhere:
    """Another ledger that declares one resource in the service, a participant in its conversation."""

    def declares(lineage: tuple[LiveIdentity, ...]) -> str:
        names = [("service", "Desk"), *([TALK] if kind == "participant" else []), (kind, name)]
        is_it = len(lineage) == len(names) and all(
            one.kind == of and called in one.names for one, (of, called) in zip(lineage, names, strict=True)
        )
        return "the ledger other declares" if is_it else ""

    return declares


def applied(text: str) -> Ledgered:
    ledgered = Ledgered(FaultyWorld(World()))
    assert ledgered.apply(read(FILES % text)) is not None
    return ledgered


@pytest.mark.parametrize(
    ("before", "after", "kind", "name"),
    [
        (ALPHA, BETA, "role", "Alpha"),
        (ALPHA, OF_SERVICE, "role", "Alpha"),
        (USER % "ada", USER % "bob", "user", "ada"),
        (PARTICIPANT % "ada", PARTICIPANT % "bob", "participant", "ada"),
    ],
)
def test_the_former_resource_is_kept(before: str, after: str, kind: str, name: str) -> None:
    ledgered, elsewhere = applied(before), owner_of(kind, name)
    (change,) = planned(ledgered, after, elsewhere).changes
    assert change.guard is not None
    assert (change.action, change.guard.name, change.guard.only_delete) == ("replace", "declared_elsewhere", True)
    assert change.guard.message == (
        f"the ledger other declares {kind} {name!r} for the same account, so the former one is kept, and only that "
        "configuration manages it"
    )
    rows = ledgered.account.snapshot()
    ledgered.account.do(planned(ledgered, after, elsewhere))
    assert {sid: row for sid, row in ledgered.account.snapshot().items() if sid in rows} == rows
    # What else declares something does not matter.
    (other,) = planned(applied(before), after, owner_of(kind, "Gamma")).changes
    assert other.guard is None or other.guard.name == "approval"


@pytest.mark.parametrize(
    ("after", "action"),
    [
        (ROLE % ("Alpha", "conversation", "leaveConversation"), "update"),
        ("roles: {x: {friendly_name: Alpha, absent: true}}", "delete"),
    ],
)
def test_what_is_written_down_for_the_resource_itself_is_done(after: str, action: str) -> None:
    (change,) = planned(applied(ALPHA), after, owner_of("role", "Alpha")).changes
    assert (change.action, change.guard) == (action, None)


def test_a_resource_that_would_be_deleted_first_is_not_replaced() -> None:
    address = 'addresses: {{x: {{address: "+14155550100", type: {}}}}}\n'
    ledgered = Ledgered(FaultyWorld(World()))
    ledgered.apply(read("version: 1\n" + address.format("sms")))
    baseline = replace(ledgered.baseline, declared_elsewhere=lambda _: "the ledger other declares")
    made = ledgered.account.plan(read("version: 1\n" + address.format("whatsapp")), baseline=baseline)
    assert [(one.action, one.guard.message if one.guard is not None else "") for one in made.changes] == [
        (
            "replace",
            f"the ledger other declares address '+14155550100' for the same account, {NOT_REPLACED}",
        )
    ]
    assert made.changes[0].is_withheld


def test_an_interrupted_replace_is_complete_without_the_delete() -> None:
    ledgered = applied(ALPHA)
    saved = kept_by_a_replace(ledgered, OF_SERVICE)
    files = read(FILES % OF_SERVICE)

    def again(elsewhere: DeclaredElsewhere) -> list[tuple[str, str | None]]:
        baseline = replace(ledgered.baseline, declared_elsewhere=elsewhere)
        made = ledgered.account.plan(files, baseline=baseline, unfinished=(saved,))
        return [(one.action, one.sid) for one in made.changes]

    assert again(owner_of("role", "Alpha")) == []
    assert again(owner_of("role", "Gamma")) == [("delete", saved.sid)]


def kept_by_a_replace(ledgered: Ledgered, after: str) -> UnfinishedReplace:
    """Replace the role `Alpha`, which another ledger keeps; return what a journal of that replace says."""
    (change,) = planned(ledgered, after, owner_of("role", "Alpha")).changes
    role = change.former
    assert role is not None
    ledgered.account.do(planned(ledgered, after, owner_of("role", "Alpha")))
    return UnfinishedReplace(change.address, role.kind, role.sid, role.name, role.parents, former=role.values)
