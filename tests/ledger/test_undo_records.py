"""The records of both entries of an undo, compared with the model of the rules over random histories."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Literal, TypeAlias

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from reconciler.address import Address
from reconciler.ledger.records import Ended, UndoneEntry, undo_outcome_records, undo_started_records
from reconciler.planning.baseline import Record
from reconciler.planning.plan import UndoneAddress
from tests.ledger.test_records import MANY, ORDINARY, address, records
from tests.model import rules
from tests.model.histories import History, accounts, configs, faults, wander

Decision: TypeAlias = Literal["write", "nothing", "withheld"]


def undone(history: History, stuck: Collection[str]) -> dict[Address, UndoneAddress]:
    """What the undo of the newest apply does with each address."""
    assert history.report is not None
    found = {}
    for step in history.report.steps:
        live = history.account.get(step.address)
        decision, kept = rules._undo_step(step, live), rules._stuck(step, live, stuck)
        if kept and live is not None and _set_back(step, kept).items() <= live.fields.items():
            decision = "nothing"
        creates = step.before is not None and step.after is None
        sid = str(live.sid) if creates and decision == "nothing" and live is not None else ""
        found[address(step.address)] = UndoneAddress(
            decision, creates, sid, (address(step.address),), is_partial=bool(kept)
        )
    return found


def _set_back(step: rules.StepReport, kept: Collection[str]) -> dict[str, rules.Value]:
    return {name: value for name, value in (step.before or {}).items() if name not in kept}


def endings(
    history: History, items: dict[Address, UndoneAddress], failures: list[rules.Fault], stuck: Collection[str]
) -> dict[Address, Ended]:
    """How each write of an undo ends with these failures."""
    assert history.report is not None
    current, left, found = dict(history.account), list(failures), dict[Address, Ended]()
    for step in reversed(history.report.steps):
        if items[address(step.address)].decision == "write":
            fault = left.pop(0) if left else "ok"
            kept = rules._stuck(step, history.account.get(step.address), stuck)
            back = _set_back(step, kept) if kept else step.before
            found[address(step.address)] = rules._run_step(current, step.address, back, fault)
    return found


def check(data: st.DataObject) -> None:
    """Undo the newest apply of a random history, and compare the records."""
    history = History(data.draw(accounts()))
    pool = [data.draw(configs()) for _ in range(3)]
    wander(data, history, pool, console=True)
    if history.report is None:
        event("nothing to undo")
        return
    ledger, report, failures = history.ledger, history.report, data.draw(faults())
    stuck = data.draw(st.frozensets(st.sampled_from(("url", "note")), max_size=2))
    items = undone(history, stuck)
    if any(item.is_partial for item in items.values()):
        event("a field stays")
    current = records(rules.head_records(ledger))
    previous = records(ledger[report.entry - 2].records) if report.entry > 1 else {}
    entry = UndoneEntry(report.entry, records(ledger[report.entry - 1].records), previous)
    result = rules.undo(ledger, history.account, report, faults=failures, stuck=stuck)
    event(result.outcome)
    if result.outcome == "killed":
        assert undo_started_records(current, entry, items) == records(result.ledger[-1].records)
        return

    def sid(one: Address) -> str:
        live = result.account.get(str(one))
        return "" if live is None else str(live.sid)

    found = undo_outcome_records(current, entry, items, endings(history, items, failures, stuck), sid)
    assert found == records(result.ledger[-1].records)


ROLE = Address(("services", "support", "roles", "x"))


def outcome(
    decision: Decision,
    *,
    current: Record | None,
    left: Record | None,
    before: Record | None,
    creates: bool = False,
    is_proved: bool = True,
) -> Record | None:
    """The record of a role after the undo of entry 2, all of whose writes take effect."""
    entry = UndoneEntry(2, _of(left), _of(before), is_proved=is_proved)
    items = {ROLE: UndoneAddress(decision, creates, "RL1" if creates else "", (ROLE,) if decision == "write" else ())}
    endings: dict[Address, Ended] = {ROLE: "done"}
    return undo_outcome_records(_of(current), entry, items, endings, lambda _: "digest of RL1").get(ROLE)


def _of(record: Record | None) -> dict[Address, Record]:
    return {} if record is None else {ROLE: record}


CREATED = Record(2, sid_digest="old")
FORMER = Record(1, sid_digest="old")


def test_what_a_later_apply_created_stays_recorded_by_an_older_undo() -> None:
    later = Record(4, sid_digest="newer")
    assert outcome("nothing", current=later, left=CREATED, before=None) == later
    attempted = Record(None, (4,))
    assert outcome("nothing", current=attempted, left=CREATED, before=None) == attempted


def test_a_setting_that_a_later_apply_declared_keeps_its_adopted_value() -> None:
    later = Record(3, adopted={"pre_webhook_url": "https://old.example.com"})
    found = outcome("write", current=later, left=Record(2), before=Record(1))
    assert found == Record(3, (1,), adopted={"pre_webhook_url": "https://old.example.com"})


def test_what_a_later_apply_forgot_stays_forgotten() -> None:
    assert outcome("nothing", current=None, left=CREATED, before=FORMER) is None
    assert outcome("write", current=None, left=CREATED, before=FORMER) is None


def test_a_resource_that_someone_else_created_again_is_not_recorded() -> None:
    assert outcome("nothing", current=None, left=None, before=FORMER, creates=True) is None


def test_a_killed_undo_that_created_it_again_records_it() -> None:
    killed = Record(1, (0,))
    assert outcome("nothing", current=killed, left=None, before=FORMER, creates=True) == Record(
        1, sid_digest="digest of RL1"
    )


LEFT = Record(2, sid_digest="of the new one")
MARKED = Record(2, (1,))


def replaced(
    current: Record, sid: str = "", decision: Decision = "write", *, former: Record = FORMER, is_partial: bool = False
) -> Record | None:
    """The record of a replaced role after the undo of entry 2, all of whose writes take effect."""
    changes = (ROLE,) if decision == "write" else ()
    item = UndoneAddress(decision, True, sid, changes, existed=True, is_partial=is_partial)
    entry, endings = UndoneEntry(2, {ROLE: LEFT}, {ROLE: former}), dict[Address, Ended]({ROLE: "done"})
    return undo_outcome_records({ROLE: current}, entry, {ROLE: item}, endings, lambda _: "digest").get(ROLE)


def test_a_role_that_is_created_again_beside_a_held_one_counts_as_created() -> None:
    assert replaced(LEFT, is_partial=True) == MARKED
    assert replaced(LEFT) == replace(FORMER, sid_digest="digest")


def test_only_what_an_undo_creates_again_gets_another_digest() -> None:
    updated = Record(2, sid_digest="old")
    assert outcome("write", current=updated, left=updated, before=FORMER) == FORMER
    adopted = Record(1, origin="adopted")
    assert replaced(LEFT, former=adopted) == adopted
    item = UndoneAddress("write", True, changes=(ROLE,), existed=True)
    entry, unknown = UndoneEntry(2, {ROLE: LEFT}, {ROLE: FORMER}), dict[Address, Ended]({ROLE: "unknown"})
    assert undo_outcome_records({ROLE: LEFT}, entry, {ROLE: item}, unknown, lambda _: "digest") == {ROLE: MARKED}


@pytest.mark.parametrize("decision", ["write", "nothing"])
def test_an_earlier_undo_created_it(decision: Decision) -> None:
    assert replaced(MARKED, "RL1", decision) == replace(FORMER, sid_digest="digest")


@pytest.mark.parametrize("decision", ["write", "nothing"])
def test_what_someone_else_made_like_the_former_one_does_not_count_as_created(decision: Decision) -> None:
    assert replaced(LEFT, "RL1", decision) == FORMER  # its digest is that of the former one
    assert replaced(LEFT, "RL1", decision, former=Record(1)) == Record(1, origin="adopted")
    undone_before = replace(FORMER, sid_digest="of the one that the undo created")
    assert replaced(undone_before, "RL1", decision) == undone_before


@pytest.mark.parametrize(
    ("former", "digest", "expected"),
    [
        # Nothing shows that the undo created it, and only a digest that can be compared shows that someone else did.
        (Record(1), "", Record(1)),
        (Record(1), "digest", Record(1, origin="adopted")),
        # The outcome of its create is unknown, so that no SID was recorded.
        (Record(None, (1,)), "digest", Record(None, (1,))),
    ],
)
def test_a_found_resource_without_a_recorded_sid(former: Record, digest: str, expected: Record) -> None:
    item = UndoneAddress("nothing", True, "RL1", existed=True)
    entry = UndoneEntry(2, {ROLE: Record(2)}, {ROLE: former})
    assert undo_outcome_records(entry.left, entry, {ROLE: item}, {}, lambda _: digest) == {ROLE: expected}


def test_a_record_that_had_another_handle_is_not_forgotten() -> None:
    other, kept = ROLE.collection.child("y"), Record(2, adopted={"permissions": ("sendMessage",)})
    entry = UndoneEntry(2, {ROLE: kept}, {other: FORMER})
    item = UndoneAddress("write", changes=(ROLE,), existed=True)
    found = undo_outcome_records({ROLE: kept}, entry, {ROLE: item}, {ROLE: "done"}, lambda _: "")
    assert found == {ROLE: replace(kept, attempted=(0,))}
    new = replace(item, existed=False)
    assert undo_outcome_records({ROLE: kept}, entry, {ROLE: new}, {ROLE: "done"}, lambda _: "") == {}


def kept(decision: Decision, current: Record, before: Record | None) -> Record | None:
    """The record of a role after the undo of entry 2, which cannot set back one of its fields."""
    item = UndoneAddress(decision, changes=(ROLE,) if decision == "write" else (), existed=True, is_partial=True)
    entry = UndoneEntry(2, {ROLE: current}, _of(before))
    return undo_outcome_records({ROLE: current}, entry, {ROLE: item}, {ROLE: "done"}, lambda _: "").get(ROLE)


@pytest.mark.parametrize("decision", ["write", "nothing"])
def test_a_field_that_cannot_be_set_back_keeps_its_record(decision: Decision) -> None:
    current = Record(2, (), "adopted", {"filters": None})
    both = replace(current, attempted=(0,))
    assert kept(decision, current, None) == both
    assert kept("nothing", both, None) == both  # the same undo again
    assert kept(decision, current, Record(1, (), "adopted", {"method": "GET"})) == replace(
        current, attempted=(1,), adopted={"method": "GET", "filters": None}
    )


def started(current: Record, item: UndoneAddress) -> Record | None:
    """The record of a role while the undo of entry 2 runs, which is what is left if it is killed."""
    return undo_started_records({ROLE: current}, UndoneEntry(2, {ROLE: LEFT}, {ROLE: FORMER}), {ROLE: item}).get(ROLE)


@pytest.mark.parametrize("decision", ["withheld", "nothing"])
def test_a_killed_undo_leaves_the_record_of_what_it_does_not_write(decision: Decision) -> None:
    assert started(LEFT, UndoneAddress(decision, existed=True)) == LEFT


def test_a_killed_undo_may_have_created_the_resource_again() -> None:
    again = UndoneAddress("write", True, changes=(ROLE,), existed=True)
    assert started(LEFT, again) == MARKED
    assert started(replace(MARKED, sid_digest="of the new one"), again) == Record(2, (1, 1))


@pytest.mark.parametrize(
    ("attempted", "before", "expected"),
    [
        ((3, 1), Record(1, (3,)), (3, 1)),
        ((1,), Record(1, (3,)), (1, 3, 1)),
        ((3, 0), Record(None, (3,)), (3, 0)),
    ],
)
def test_the_same_undo_again_adds_no_attempt(
    attempted: tuple[int, ...], before: Record, expected: tuple[int, ...]
) -> None:
    assert kept("nothing", Record(2, attempted), before) == Record(2, expected)


def test_a_field_that_stays_of_a_resource_without_a_record_is_attempted() -> None:
    item = UndoneAddress("nothing", existed=True, is_partial=True)
    assert undo_started_records({}, UndoneEntry(2, {}, {ROLE: FORMER}), {ROLE: item}) == {
        ROLE: replace(FORMER, attempted=(0,))
    }


def test_a_failed_write_of_some_fields_leaves_the_record() -> None:
    item = UndoneAddress("write", changes=(ROLE,), existed=True, is_partial=True)
    entry, endings = UndoneEntry(2, {ROLE: LEFT}, {ROLE: FORMER}), dict[Address, Ended]({ROLE: "not written"})
    assert undo_outcome_records({ROLE: LEFT}, entry, {ROLE: item}, endings, lambda _: "") == {ROLE: LEFT}


def test_an_edited_report_makes_nothing_be_forgotten() -> None:
    assert outcome("nothing", current=CREATED, left=CREATED, before=None, is_proved=False) == CREATED
    assert outcome("write", current=CREATED, left=CREATED, before=None, is_proved=False) == replace(
        CREATED, attempted=(0,)
    )


@given(st.data())
@settings(max_examples=ORDINARY)
def test_the_records_of_an_undo_are_those_of_the_model(data: st.DataObject) -> None:
    check(data)


@pytest.mark.slow
@given(st.data())
@settings(max_examples=MANY)
def test_the_records_of_an_undo_are_those_of_the_model_often(data: st.DataObject) -> None:
    check(data)
