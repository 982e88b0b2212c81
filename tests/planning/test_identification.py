"""Removed resources whose names do not say which live resource they are: the recorded SID does, or it is withheld."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.address import Address
from reconciler.planning.baseline import Baseline, Record
from tests.planning.test_separation import WEBHOOKS, add, files, told
from tests.properties.ledgered import FaultyWorld, Ledgered
from tests.world import World, read

X = "x: {type: conversation, permissions: [sendMessage]}"
NONE = files("roles: {}")
ROLE = Address.parse("services.s.roles.x")


@pytest.fixture
def ledger() -> Ledgered:
    return Ledgered(FaultyWorld(World()))


def namesakes(ledger: Ledgered) -> tuple[str, str]:
    """The SIDs of the role that an apply created, and of another one with its name."""
    ledger.apply(files(f"roles: {{{X}}}"))
    path = f"/v1/Services/{ledger.account.service('s')}/Roles"
    own = next(item["sid"] for item in ledger.account.get(path)["roles"] if item["friendly_name"] == "x")
    return own, add(ledger, "Roles", FriendlyName="x", Type="conversation", Permission=["sendMessage"])


def live(ledger: Ledgered) -> set[str]:
    path = f"/v1/Services/{ledger.account.service('s')}/Roles"
    return {item["sid"] for item in ledger.account.get(path)["roles"] if item["friendly_name"] == "x"}


def test_of_two_with_one_name_the_created_one_is_deleted(ledger: Ledgered) -> None:
    own, other = namesakes(ledger)
    assert [(change.action, change.sid) for change in ledger.plan(NONE).changes] == [("delete", own)]
    ledger.apply(NONE)
    assert live(ledger) == {other}
    assert ROLE not in ledger.remembered


def test_others_with_its_name_stay_if_the_created_one_is_gone(ledger: Ledgered) -> None:
    own, other = namesakes(ledger)
    third = add(ledger, "Roles", FriendlyName="x", Type="conversation", Permission=["sendMessage"])
    ledger.account.delete(f"/v1/Services/{ledger.account.service('s')}/Roles/{own}")
    assert ledger.plan(NONE).changes == ()
    ledger.apply(NONE)
    assert (live(ledger), ROLE in ledger.remembered) == ({other, third}, False)


@pytest.mark.parametrize("digest", ["", "digest of another key"])
def test_it_is_withheld_if_the_ledger_does_not_know_the_sid(ledger: Ledgered, digest: str) -> None:
    namesakes(ledger)
    record = replace(ledger.remembered[ROLE], sid_digest=digest)
    ledger.remembered = {**ledger.remembered, ROLE: record}
    baseline = replace(ledger.baseline, is_own_digest=lambda one: one != "digest of another key")
    made = ledger.account.plan(NONE, baseline=baseline)
    assert told(made) == {"roles.x": ("delete", "unclear_removal", {"removed"})}
    assert made.decisions[ROLE].handling == "withheld"
    guard = made.changes[0].guard
    assert guard is not None
    assert "2 live resources of kind role match 'x'" in guard.message
    if not digest:
        report = ledger.apply(NONE)
        assert report is not None
        assert (report.exit_code, len(live(ledger)), ledger.remembered[ROLE]) == (5, 2, record)


def test_a_removed_resource_with_an_unknown_name_is_withheld(ledger: Ledgered) -> None:
    ledger.apply(files(f"roles: {{{X}}}"))
    made = ledger.account.plan(NONE, baseline=with_unknown_names(ledger))
    assert told(made) == {"roles.x": ("delete", "unclear_removal", {"removed"})}


def test_a_resource_that_gets_another_name_instead_of_an_unknown_one_is_kept(ledger: Ledgered) -> None:
    ledger.apply(files(f"roles: {{{X}}}"))
    config = files("roles: {x: {friendly_name: blue, type: conversation, permissions: [sendMessage]}}")
    made = ledger.account.plan(config, baseline=with_unknown_names(ledger))
    assert told(made) == {
        "roles.x": ("create", "", {"pending"}),
        'roles["x (2)"]': ("delete", "unclear_removal", {"removed"}),
    }
    assert {str(one): item.handling for one, item in made.decisions.items()} == {
        "services.s": "none",
        "services.s.roles.x": "change",
        'services.s.roles["x (2)"]': "withheld",
    }


def test_the_same_resource_keeps_its_record_if_its_former_name_is_unknown(ledger: Ledgered) -> None:
    ledger.apply(files(f"roles: {{{X}}}"))
    made = ledger.account.plan(files(f"roles: {{{X}}}"), baseline=with_unknown_names(ledger))
    assert told(made) == {}
    assert made.decisions[ROLE].record == Record(1, sid_digest=ledger.remembered[ROLE].sid_digest)


def with_unknown_names(ledger: Ledgered) -> Baseline:
    """The baseline, as if the name of the role had come from a variable that has another value now."""
    role = "x: {friendly_name: '${env:TEAM}', type: conversation, permissions: [sendMessage]}"
    past = read(f"version: 1\nservices: {{s: {{roles: {{{role}}}}}}}\n", allow_unset=True)
    return replace(ledger.baseline, declarations={1: past.resources})


def test_what_another_handle_pins_is_not_deleted(ledger: Ledgered) -> None:
    own, _ = namesakes(ledger)
    pinned = files(f"roles: {{y: {{sid: {own}, type: conversation, permissions: [sendMessage]}}}}")
    assert told(ledger.plan(pinned)) == {}
    ledger.apply(pinned)
    assert ROLE not in ledger.remembered


def test_of_two_services_with_one_name_the_created_one_is_deleted(ledger: Ledgered) -> None:
    ledger.apply(files("roles: {}"))
    own = ledger.account.service("s")
    ledger.account.post("/v1/Services", {"FriendlyName": "s"})
    assert [(change.action, change.sid) for change in ledger.plan(read("version: 1\n")).changes] == [("delete", own)]


def test_a_resource_without_a_name_is_found_although_it_changed(ledger: Ledgered) -> None:
    ledger.apply(files(WEBHOOKS % ("old", "onMessageAdded")))
    service = f"/v1/Services/{ledger.account.service('s')}"
    (talk,) = ledger.account.get(f"{service}/Conversations")["conversations"]
    webhooks = f"{service}/Conversations/{talk['sid']}/Webhooks"
    (own,) = ledger.account.get(webhooks)["webhooks"]
    ledger.account.post(f"{webhooks}/{own['sid']}", {"Configuration.Url": "https://theirs.example.com"})
    form = {"Configuration.Url": "https://other.example.com", "Configuration.Filters": "onMessageAdded"}
    ledger.account.post(webhooks, {"Target": "webhook", **form})
    made = ledger.plan(files("conversations: {talk: {webhooks: {}}}"))
    assert told(made) == {"conversations.talk.webhooks.w": ("delete", "conflict", {"removed_conflict"})}
    assert [change.sid for change in made.changes] == [own["sid"]]


def test_a_removed_resource_whose_pin_is_gone_is_forgotten(ledger: Ledgered) -> None:
    ledger.apply(files("roles: {}"))
    sid = add(ledger, "Roles", FriendlyName="x", Type="conversation", Permission=["sendMessage"])
    ledger.apply(files(f"roles: {{x: {{sid: {sid}, type: conversation, permissions: [leaveConversation]}}}}"))
    ledger.account.delete(f"/v1/Services/{ledger.account.service('s')}/Roles/{sid}")
    made = ledger.plan(NONE)
    assert (made.changes, made.decisions[ROLE].handling) == ((), "forget")
