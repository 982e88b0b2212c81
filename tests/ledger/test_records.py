"""The records of both entries of an apply, compared with the model of the rules over random histories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.address import Address
from reconciler.ledger.records import Ended, Planned, have_moved, outcome_records, started_records
from reconciler.planning.baseline import Record
from tests.model import rules
from tests.model.histories import History, accounts, configs, faults, targets, wander

ORDINARY, MANY = 40, 2_000


def address(text: str) -> Address:
    return Address.parse(text)


def record(one: rules.Record) -> Record:
    """A record of the model, with its SID as the digest."""
    return Record(one.baseline, one.attempted, one.origin, dict(one.adopted), "" if one.sid is None else str(one.sid))


def records(ones: rules.Records) -> dict[Address, Record]:
    return {address(name): record(one) for name, one in ones.items()}


def planned(change: rules.Change) -> Planned:
    return Planned(
        record(change.record),
        writes=change.action in {"create", "update", "delete"},
        creates=change.action == "create",
        is_withheld=change.withheld,
    )


def ended(change: rules.Change, report: rules.Report) -> Ended:
    """How a change ended, by the model's report, which lists what was written."""
    steps = {step.address: step for step in report.steps}
    if change.address not in steps:
        return "not written"
    return "done" if steps[change.address].known else "unknown"


def check(data: st.DataObject) -> None:
    """Apply once more after a random history, and compare the records."""
    history = History(data.draw(accounts()))
    pool = [data.draw(configs()) for _ in range(3)]
    wander(data, history, pool, console=True)
    config, scope = data.draw(st.sampled_from(pool)), data.draw(targets())
    before, account, ours = history.ledger, history.account, data.draw(st.booleans())
    changes = rules.plan(before, account, config, targets=scope, ours=ours)
    result = history.apply(config, scope=scope, ours=ours, failures=data.draw(faults()))
    if result.outcome == "refused":
        return
    assert result.report is not None
    number = len(before) + 1
    plans = {address(change.address): planned(change) for change in changes}
    previous = records(rules.head_records(before))
    if result.outcome == "killed":
        assert started_records(previous, plans, number) == records(result.ledger[-1].records)
        return

    def sid(one: Address) -> str:
        live = result.account.get(str(one))
        return "" if live is None else str(live.sid)

    def declares_the_same(one: Address, entry: int) -> bool:
        return before[entry - 1].config.get(str(one)) == config.get(str(one))

    found = outcome_records(
        previous,
        plans,
        {address(one.address): ended(one, result.report) for one in changes if plans[address(one.address)].writes},
        declared={
            address(name): tuple(fields) if isinstance(fields, Mapping) else () for name, fields in config.items()
        },
        number=number,
        sid_digest_of=sid,
    )
    is_same = bool(before) and before[-1].config == config
    writes = any(plan.writes for plan in plans.values())
    moved = have_moved(previous, found, is_same_configuration=is_same, has_same_declaration=declares_the_same)
    assert (writes or moved) == (len(result.ledger) == number)
    if len(result.ledger) == number:
        assert found == records(result.ledger[-1].records)


@given(st.data())
@settings(max_examples=ORDINARY)
def test_the_records_are_those_of_the_model(data: st.DataObject) -> None:
    check(data)


@pytest.mark.slow
@given(st.data())
@settings(max_examples=MANY)
def test_the_records_are_those_of_the_model_often(data: st.DataObject) -> None:
    check(data)


# --- what the model does not have ------------------------------------------------------------------------------------

SUPPORT, AGENT, CALLER = (address(f"services.{name}") for name in ("support", "support.roles.agent", "caller"))
CREATED = Record(1, (), "created", {}, "digest")


def outcome(plans: Mapping[Address, Planned], ends: Mapping[Address, Ended], *names: Address) -> dict[Address, Record]:
    previous = dict.fromkeys((SUPPORT, AGENT), CREATED)
    return outcome_records(
        previous, plans, ends, declared=dict.fromkeys(names, ()), number=2, sid_digest_of=lambda _: "new"
    )


def test_what_goes_with_its_service_is_forgotten_if_the_service_was_deleted() -> None:
    plans = {SUPPORT: Planned(CREATED, writes=True), AGENT: Planned(CREATED, writes=True, change=SUPPORT)}
    assert outcome(plans, {SUPPORT: "done"}) == {}
    assert outcome(plans, {SUPPORT: "not written"}) == {SUPPORT: CREATED, AGENT: CREATED}
    attempted = Record(1, (2,), "created", {}, "digest")
    assert outcome(plans, {SUPPORT: "unknown"}) == {SUPPORT: attempted, AGENT: attempted}


def test_a_resource_remembers_its_former_address_until_it_is_completed() -> None:
    moved = replace(CREATED, declared_as={1: CALLER})
    plans = {SUPPORT: Planned(CREATED), AGENT: Planned(moved, writes=True)}
    assert outcome(plans, {AGENT: "unknown"}, SUPPORT, AGENT)[AGENT] == replace(moved, attempted=(2,))
    assert outcome(plans, {AGENT: "done"}, SUPPORT, AGENT)[AGENT] == Record(2, (), "created", {}, "new")


def test_a_replace_that_keeps_the_old_resource_is_not_complete() -> None:
    plans = {AGENT: Planned(CREATED, writes=True, creates=True, is_withheld=True)}
    assert outcome(plans, {AGENT: "done"}, AGENT)[AGENT] == Record(1, (2,), "created", {}, "")
