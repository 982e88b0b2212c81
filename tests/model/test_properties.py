"""Properties of the rules over random histories: R8, U7, and that nothing is forgotten or in conflict with itself."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model import rules
from tests.model.histories import History, accounts, configs, faults, targets, values, wander
from tests.model.rules import Account, Change, Config, Mark

ORDINARY, MANY = 40, 2_000


def is_guarded(change: Change, account: Account) -> bool:
    """Whether only the default role's guard withholds a change."""
    return change.address == account[rules.SINGLETON].fields["default_role"] and change.action == "withheld"


def converge(history: History, config: Config, *, most: int = 2) -> None:
    """Apply without faults; a former default role may need a second apply."""
    for _ in range(most):
        history.apply(config, ours=True)
    changes = rules.plan(history.ledger, history.account, config)
    assert [one for one in changes if one.action != "none" and not is_guarded(one, history.account)] == []
    entries = len(history.ledger)
    history.apply(config)
    assert len(history.ledger) == entries  # G12


def check_revert(data: st.DataObject) -> None:
    """Check R8."""
    history = History(data.draw(accounts()))
    first, second, other = data.draw(configs()), data.draw(configs()), data.draw(configs())
    wander(data, history, [first, second, other], console=True)
    converge(history, first)
    before, kept = (
        history.account,
        [one.address for one in rules.plan(history.ledger, history.account, first) if one.action == "withheld"],
    )
    history.refused, history.kinds, history.report = False, set(), None
    history.apply(second, scope=data.draw(targets()), failures=data.draw(faults()))
    wander(data, history, [first, second], console=False, most=4)
    history.apply(first)
    history.apply(first)
    assert not history.refused
    assert not {"conflict", "conflict (removed)", "drifted"} & history.kinds
    for address in rules.ADDRESSES:
        declared = first.get(address)
        old, new = before.get(address), history.account.get(address)
        if not isinstance(declared, Mapping) and (second.get(address) is Mark.ABSENT or address in kept):
            continue  # deleted for good, or kept before only by a guard
        if old is None or new is None:
            assert old is new is None, address
            continue
        names = set(old.fields) if old.sid == new.sid else set(declared if isinstance(declared, Mapping) else ())
        if old.fields.get("default_role") not in ("builtin", *history.account):
            names -= {"default_role"}
        assert {name: new.fields[name] for name in names} == {name: old.fields[name] for name in names}, address


def check_interrupted(data: st.DataObject) -> None:
    """Check that nothing is forgotten or in conflict without console edits, and that an empty configuration ends it."""
    start = data.draw(accounts())
    history = History(start)
    pool = [data.draw(configs()) for _ in range(3)]
    wander(data, history, pool, console=False, most=10)
    history.apply({})
    history.apply({})
    assert not history.refused
    assert not {"conflict", "conflict (removed)", "drifted", "unknown"} & history.kinds
    assert {one.sid for one in history.account.values()} <= history.console
    removed = {address for config in pool for address, one in config.items() if one is Mark.ABSENT}
    for address in set(rules.ADDRESSES) - removed:
        assert values(history.account).get(address) == values(start).get(address), address


def check_undo(data: st.DataObject) -> None:
    """Check U7 and that the undone changes are planned again as before (U5)."""
    history = History(data.draw(accounts()))
    pool = [data.draw(configs()) for _ in range(3)]
    wander(data, history, pool, console=True)
    config, scope, ours = data.draw(st.sampled_from(pool)), data.draw(targets()), data.draw(st.booleans())
    before, planned = history.account, rules.plan(history.ledger, history.account, config)
    result = history.apply(config, scope=scope, ours=ours, failures=data.draw(faults()))
    for _ in range(data.draw(st.integers(0, 2))):
        history.undo(data.draw(faults()))
    history.undo()
    assert values(history.account) == values(before)
    undone = {one.address for one in result.report.steps} if result.report else set()
    again = rules.plan(history.ledger, history.account, config)

    def shown(changes: tuple[Change, ...]) -> dict[str, object]:
        return {one.address: (one.action, one.classes, one.writes) for one in changes if one.address in undone}

    assert shown(again) == shown(planned)


@given(st.data())
@settings(max_examples=ORDINARY)
def test_a_revert_restores_the_first_configuration(data: st.DataObject) -> None:
    check_revert(data)


@given(st.data())
@settings(max_examples=ORDINARY)
def test_an_interrupted_apply_forgets_nothing_and_causes_no_conflict(data: st.DataObject) -> None:
    check_interrupted(data)


@given(st.data())
@settings(max_examples=ORDINARY)
def test_an_undo_restores_the_account(data: st.DataObject) -> None:
    check_undo(data)


@pytest.mark.slow
@given(st.data())
@settings(max_examples=MANY)
def test_a_revert_restores_the_first_configuration_often(data: st.DataObject) -> None:
    check_revert(data)


@pytest.mark.slow
@given(st.data())
@settings(max_examples=MANY)
def test_an_interrupted_apply_forgets_nothing_and_causes_no_conflict_often(data: st.DataObject) -> None:
    check_interrupted(data)


@pytest.mark.slow
@given(st.data())
@settings(max_examples=MANY)
def test_an_undo_restores_the_account_often(data: st.DataObject) -> None:
    check_undo(data)
