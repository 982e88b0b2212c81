"""The counterexample of each correction that `rules.py` lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.model import rules
from tests.model.rules import Change, Config, Fault, Ledger, Mark, Report, Resource, Result, Value

A = "addresses.a"


class Run:
    """An account with its ledger."""

    def __init__(self, **values: Value) -> None:
        """Start with an address from the console if values are given."""
        self.account: dict[str, Resource] = rules.new_account()
        if values:
            self.account[A] = rules.new_resource(A, values)
        self.ledger: Ledger = ()

    def _keep(self, result: Result) -> Result:
        self.account, self.ledger = dict(result.account), result.ledger
        return result

    def apply(self, config: Config, *faults: Fault, ours: bool = False) -> Report:
        result = self._keep(rules.apply(self.ledger, self.account, config, faults=faults, ours=ours))
        assert result.report is not None, result.outcome
        return result.report

    def undo(self, report: Report, faults: Sequence[Fault] = ()) -> str:
        return self._keep(rules.undo(self.ledger, self.account, report, faults=faults)).outcome

    def plan(self, config: Config, address: str = A) -> Change:
        return {one.address: one for one in rules.plan(self.ledger, self.account, config)}[address]

    def console(self, address: str = A, **values: Value) -> None:
        live = self.account[address]
        self.account[address] = Resource(live.sid, {**live.fields, **values})

    def fields(self, address: str = A) -> Mapping[str, Value]:
        return self.account[address].fields


def test_c1_a_create_that_was_killed_before_it_was_sent_is_pending() -> None:
    run = Run()
    run.apply({A: {"url": "x"}}, "kill before")
    change = run.plan({A: {"url": "x"}})
    assert (change.action, change.classes) == ("create", {"": "pending"})


def test_c1_the_killed_undo_of_a_delete_is_pending() -> None:
    run = Run(url="x")
    report = run.apply({A: Mark.ABSENT})
    run.undo(report, ["kill after"])
    change = run.plan({A: Mark.ABSENT})
    assert (change.action, change.classes) == ("delete", {"": "pending"})


def test_c2_a_removed_created_resource_that_changed_is_withheld_whole() -> None:
    run = Run()
    run.apply({A: {"url": "x", "note": "x"}})
    run.console(url="y")
    change = run.plan({})
    assert (change.action, change.writes) == ("withheld", {})
    run.apply({}, ours=True)
    assert A not in run.account


def test_c3_an_interrupted_delete_and_create_cause_no_conflict_in_a_field_without_return_value() -> None:
    run = Run()
    run.apply({A: {"url": "x", "method": "GET"}})
    run.apply({}, "kill after")
    run.apply({A: {"url": "x"}}, "kill after")
    change = run.plan({A: {"url": "x", "method": "PUT"}})
    assert (change.action, change.refused) == ("update", False)
    assert run.plan({}).action == "delete"


def test_c3_a_removed_field_without_return_value_is_forgotten() -> None:
    run = Run()
    run.apply({A: {"url": "x", "method": "GET"}})
    run.console(method="PUT")
    assert run.plan({A: {"url": "x"}}).action == "none"


def test_c4_a_killed_delete_and_a_create_do_not_leave_a_created_resource() -> None:
    run = Run(url="x")
    run.apply({A: {"url": "x"}})
    run.apply({A: Mark.ABSENT}, "kill after")
    run.apply({A: {"url": "x"}})
    run.apply({})
    assert A not in run.account


def test_c4_an_unsent_undo_of_a_delete_and_a_create_do_not_leave_a_created_resource() -> None:
    run = Run(url="x")
    run.apply({A: {}})
    report = run.apply({A: Mark.ABSENT})
    run.undo(report, ["unsent"])
    run.apply({A: {}})
    run.apply({})
    assert A not in run.account


def test_c4_adopted_values_of_a_deleted_resource_cause_no_conflict() -> None:
    run = Run()
    run.apply({A: {"url": "x"}})
    run.console(note="y")
    run.apply({A: {"url": "x", "note": "x"}})  # adopts "y"
    run.apply({}, "kill after")
    run.apply({A: {"url": "x"}}, "kill after")
    change = run.plan({A: {"url": "x", "note": "z"}})
    assert (change.classes["note"], change.refused) == ("pending (newly declared)", False)


def test_c5_a_baseline_that_declares_absent_does_not_license_a_delete() -> None:
    run = Run()
    run.apply({A: Mark.ABSENT})
    run.apply({A: {"url": "x"}}, "kill after")
    run.console(url="y")
    assert run.plan({}).action != "delete"


def test_c5_a_resource_from_the_console_after_absent_is_adopted() -> None:
    run = Run()
    run.apply({A: Mark.ABSENT})
    run.apply({A: {"url": "x"}}, "kill before")
    run.account[A] = rules.new_resource(A, {"url": "y"})
    run.apply({A: {"url": "x"}})
    run.apply({})
    assert run.fields() == {**rules.INITIAL, "url": "y"}


def test_c6_an_adopted_reference_to_a_missing_role_stays() -> None:
    run = Run()
    run.apply({rules.ROLE: {}})
    run.console(rules.SINGLETON, default_role=rules.ROLE)
    run.apply({rules.ROLE: {}, rules.SINGLETON: {"default_role": "builtin"}})
    run.apply({rules.SINGLETON: {"default_role": "builtin"}})
    assert rules.ROLE not in run.account
    assert run.plan({}, rules.SINGLETON).action == "forget"


def test_c7_an_undo_after_a_killed_undo_is_no_conflict() -> None:
    run = Run()
    report = run.apply({A: {"url": "x"}, "addresses.b": {}})
    assert run.undo(report, ["kill after"]) == "killed"
    assert run.undo(report) == "applied"
    assert list(run.account) == [rules.SINGLETON]


def test_c8_a_killed_undo_of_an_approved_delete_keeps_the_conflict() -> None:
    run = Run()
    run.apply({A: {"url": "x"}})
    run.console(url="y")
    report = run.apply({}, ours=True)
    assert run.undo(report, ["kill after"]) == "killed"
    change = run.plan({})
    assert (change.action, change.classes) == ("withheld", {"": "conflict (removed)"})
    assert change.record.origin == "created"


def test_c8_a_killed_undo_of_the_delete_of_an_adopted_resource_keeps_it_adopted() -> None:
    run = Run(url="x")
    run.apply({A: {"url": "y"}})
    report = run.apply({A: Mark.ABSENT})
    run.undo(report, ["kill after"])
    change = run.plan({})
    assert (change.action, change.writes) == ("update", {"url": "x"})


def test_c8_the_undo_of_a_lost_delete_knows_the_resource_that_it_created() -> None:
    run = Run()
    run.apply({A: {}})
    report = run.apply({}, "lost")
    run.undo(report, ["lost"])
    run.apply({})
    assert A not in run.account


def test_the_scenario_a_reverted_commit_is_undone_in_the_account() -> None:
    run = Run()
    start: Config = {rules.SINGLETON: {"note": "x"}}
    run.apply(start)
    run.apply({A: {"url": "y"}, rules.SINGLETON: {"note": "x", "url": "x", "method": "GET"}})
    run.apply(start)
    assert A not in run.account
    assert run.fields(rules.SINGLETON) == {**rules.SINGLETON_INITIAL, "note": "x"}
