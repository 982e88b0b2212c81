"""What a narrowed plan does not cover stays as it is: its record in the ledger, and what a later plan does about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from reconciler.address import Address
from reconciler.emulator import Rules
from reconciler.errors import MatchError
from reconciler.planning.baseline import Record
from tests.properties.accounts import inhabited
from tests.properties.ledgered import FaultyWorld, Ledgered
from tests.properties.strategies import Call, accounts, configurations, text
from tests.properties.test_reverts import reversible, thorough
from tests.world import read

pytestmark = pytest.mark.slow
DEFAULTS = Address.parse("account.configuration")
"""It returns to references, which may lead to resources that another plan has forgotten."""


def within(records: Mapping[Address, Record], address: Address) -> dict[Address, Record]:
    return {one: record for one, record in records.items() if one.is_within(address)}


def narrowed(first: Any, second: Any, calls: list[Call], option: str, data: st.DataObject) -> None:
    """Apply a part of the second configuration, and compare what is planned for the rest before and after."""
    files = [read(text(reversible(one) | {"limits": {"deletes": 1000}})) for one in (first, second)]
    ledger = Ledgered(FaultyWorld(inhabited(calls, Rules())))
    for _ in range(2):
        report = ledger.apply(files[0])
        assume(report is not None and report.exit_code in {0, 5})
    known = sorted({*files[1].resources, *ledger.remembered} - {DEFAULTS})
    assume(known)
    address = data.draw(st.sampled_from(known))
    before, records = ledger.plan(files[1]), within(ledger.remembered, address)
    options: dict[str, Any] = {option: (str(address),)}
    report = ledger.apply(files[1], **options)
    assume(report is not None and report.exit_code in {0, 5})
    if option == "excludes":
        assert within(ledger.remembered, address) == records
    live, after = ledger.account.snapshot(), ledger.plan(files[1])
    removed = {change.sid for change in before.changes if change.standing == "removed" and change.action == "delete"}
    assert removed & live.keys() <= {change.sid for change in after.changes}
    event("compared")


@pytest.mark.parametrize("option", ["targets", "excludes"])
@settings(thorough, max_examples=200)
@given(configurations(), configurations(), accounts(), st.data())
def test_a_narrowed_apply_forgets_nothing_that_it_does_not_cover(
    option: str, first: Any, second: Any, calls: list[Call], data: st.DataObject
) -> None:
    try:
        narrowed(first, second, calls, option, data)
    except MatchError as error:
        event(f"cannot be planned: {error.problems[0].code}")
