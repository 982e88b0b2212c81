"""Entries, status, origin, and adopted values (G6 to G12), by example."""

from __future__ import annotations

from tests.model import rules
from tests.model.rules import Record, new_account, new_resource

A = "addresses.a"


def test_an_apply_writes_one_entry_and_one_without_changes_writes_none() -> None:
    first = rules.apply((), new_account(), {A: {"url": "x"}})
    assert [(one.number, one.status) for one in first.ledger] == [(1, "applied")]
    sid = first.account[A].sid
    assert first.ledger[0].records == {A: Record(1, (), "created", {}, sid)}
    again = rules.apply(first.ledger, first.account, {A: {"url": "x"}})
    assert again.ledger == first.ledger


def test_an_apply_without_changes_records_a_configuration_that_moved() -> None:
    first = rules.apply((), new_account(), {A: {"url": "x"}})
    second = rules.apply(first.ledger, first.account, {A: {"url": "x", "note": None}})
    assert [one.status for one in second.ledger] == ["applied", "applied"]
    assert second.ledger[1].records[A].baseline == 2


def test_targets_and_failures_are_incomplete() -> None:
    config: rules.Config = {A: {"url": "x"}, "addresses.b": {}}
    targeted = rules.apply((), new_account(), config, targets=[A])
    assert (targeted.outcome, sorted(targeted.ledger[0].records)) == ("incomplete", [A])
    failed = rules.apply((), new_account(), config, faults=["fail"])
    assert (failed.outcome, sorted(failed.ledger[0].records)) == ("incomplete", ["addresses.b"])


def test_a_kill_leaves_the_started_entry_with_what_was_attempted() -> None:
    killed = rules.apply((), new_account(), {A: {"url": "x"}}, faults=["kill after"])
    assert [one.status for one in killed.ledger] == ["started"]
    assert killed.ledger[0].records == {A: Record(None, (1,), "created")}


def test_an_existing_resource_is_adopted_with_its_values_and_returns_to_them() -> None:
    account = {**new_account(), A: new_resource(A, {"url": "x", "note": "y"})}
    first = rules.apply((), account, {A: {"url": "y", "method": "GET", "note": "y"}})
    record = first.ledger[0].records[A]
    assert (record.origin, record.adopted) == ("adopted", {"url": "x", "note": "y", "method": "POST"})
    second = rules.apply(first.ledger, first.account, {})
    assert second.account == account
    assert second.ledger[1].records == {}


def test_a_resource_that_the_console_replaced_is_adopted_anew() -> None:
    first = rules.apply((), new_account(), {A: {"url": "x"}})
    account = {**first.account, A: new_resource(A, {"url": "x"})}
    second = rules.apply(first.ledger, account, {})
    assert second.account == account


def test_a_conflict_is_refused_before_the_first_write_until_it_is_approved() -> None:
    first = rules.apply((), new_account(), {A: {"url": "x"}})
    account = {**first.account, A: rules.Resource(first.account[A].sid, {**rules.INITIAL, "url": "z"})}
    refused = rules.apply(first.ledger, account, {A: {"url": "y"}, "addresses.b": {}})
    assert (refused.outcome, refused.account, refused.ledger) == ("refused", account, first.ledger)
    approved = rules.apply(first.ledger, account, {A: {"url": "y"}}, ours=True)
    assert approved.account[A].fields["url"] == "y"


def test_the_default_role_is_deleted_by_the_second_apply() -> None:
    first = rules.apply((), new_account(), {rules.ROLE: {}, rules.SINGLETON: {"default_role": rules.ROLE}})
    second = rules.apply(first.ledger, first.account, {})
    assert (second.outcome, rules.ROLE in second.account) == ("incomplete", True)
    third = rules.apply(second.ledger, second.account, {})
    assert (third.outcome, third.account) == ("applied", new_account())


def test_a_create_that_was_not_sent_does_not_claim_a_resource_of_the_console() -> None:
    killed = rules.apply((), new_account(), {A: {"url": "x"}}, faults=["kill before"])
    account = {**new_account(), A: new_resource(A, {"url": "z"})}
    second = rules.apply(killed.ledger, account, {A: {"url": "x"}})
    assert second.account[A].fields["url"] == "x"
    assert rules.apply(second.ledger, second.account, {}).account == account


def test_a_killed_create_after_a_delete_in_the_console_stays_created() -> None:
    first = rules.apply((), new_account(), {A: {"url": "x"}})
    killed = rules.apply(first.ledger, new_account(), {A: {"url": "x"}}, faults=["kill after"])
    assert A in killed.account
    assert A not in rules.apply(killed.ledger, killed.account, {}).account


def test_an_adopted_value_is_recorded_once() -> None:
    account = {**new_account(), A: new_resource(A, {"url": "x"})}
    killed = rules.apply((), account, {A: {"url": "y"}}, faults=["kill before"])
    edited = {**account, A: rules.Resource(account[A].sid, {**rules.INITIAL, "url": "z"})}
    (change,) = rules.plan(killed.ledger, edited, {A: {"url": "y"}})
    assert change.record.adopted == {"url": "x"}
