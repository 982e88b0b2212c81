"""The records of both entries of an undo, compared with the model of the rules over random histories."""

from __future__ import annotations

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from reconciler.address import Address
from reconciler.ledger.records import Ended, undo_outcome_records, undo_started_records
from reconciler.planning.plan import UndoneAddress
from tests.ledger.test_records import MANY, ORDINARY, address, records
from tests.model import rules
from tests.model.histories import History, accounts, configs, faults, wander


def undone(history: History) -> dict[Address, UndoneAddress]:
    """What the undo of the newest apply does with each address."""
    assert history.report is not None
    found = {}
    for step in history.report.steps:
        live = history.account.get(step.address)
        decision = rules._undo_step(step, live)
        creates = step.before is not None and step.after is None
        sid = str(live.sid) if creates and decision == "nothing" and live is not None else ""
        found[address(step.address)] = UndoneAddress(decision, creates, sid, (address(step.address),))
    return found


def endings(history: History, items: dict[Address, UndoneAddress], failures: list[rules.Fault]) -> dict[Address, Ended]:
    """How each write of an undo ends with these failures."""
    assert history.report is not None
    current, left, found = dict(history.account), list(failures), dict[Address, Ended]()
    for step in reversed(history.report.steps):
        if items[address(step.address)].decision == "write":
            fault = left.pop(0) if left else "ok"
            found[address(step.address)] = rules._run_step(current, step.address, step.before, fault)
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
    items = undone(history)
    current = records(rules.head_records(ledger))
    previous = records(ledger[report.entry - 2].records) if report.entry > 1 else {}
    result = rules.undo(ledger, history.account, report, faults=failures)
    event(result.outcome)
    if result.outcome == "killed":
        assert undo_started_records(current, previous, items) == records(result.ledger[-1].records)
        return

    def sid(one: Address) -> str:
        live = result.account.get(str(one))
        return "" if live is None else str(live.sid)

    found = undo_outcome_records(current, previous, items, endings(history, items, failures), sid)
    assert found == records(result.ledger[-1].records)


@given(st.data())
@settings(max_examples=ORDINARY)
def test_the_records_of_an_undo_are_those_of_the_model(data: st.DataObject) -> None:
    check(data)


@pytest.mark.slow
@given(st.data())
@settings(max_examples=MANY)
def test_the_records_of_an_undo_are_those_of_the_model_often(data: st.DataObject) -> None:
    check(data)
