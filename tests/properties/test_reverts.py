"""A revert takes back what an apply did: apply(c1), apply(c2), git revert, apply equals apply(c1), for all kinds.

`account_differences.py` compares, and lists with their reasons what the API cannot set back and what guards keep.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from reconciler.config.model import Config
from reconciler.emulator import Rules
from reconciler.errors import MatchError
from reconciler.planning.plan import Plan
from tests.properties.account_differences import check_sameness
from tests.properties.accounts import inhabited
from tests.properties.ledgered import Fault, FaultyWorld, Ledgered
from tests.properties.strategies import Call, accounts, configurations, text
from tests.world import read

ORDINARY, MANY = 12, 1_000
quick = settings(
    max_examples=ORDINARY,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    report_multiple_bugs=False,
    deadline=None,
)
thorough = settings(quick, max_examples=MANY)

_IRREVERSIBLE = {"absent", "renamed_from", "prune", "lifecycle", "sid"}


def reversible(value: Any) -> Any:
    """A configuration without what deletes, renames, or protects, and without closed conversations."""
    match value:
        case dict():
            return {
                key: reversible(item)
                for key, item in value.items()
                if key not in _IRREVERSIBLE and not (key == "state" and item == "closed")
            }
        case list():
            return [reversible(item) for item in value]
        case _:
            return value


faults = st.one_of(st.none(), st.builds(Fault, st.integers(0, 12), st.sampled_from(("before", "after", "refused"))))


def reverts(first: Any, second: Any, calls: list[Call], fault: Fault | None, again: Fault | None) -> None:
    """Check the property for two configurations and an account."""
    files = [read(text(reversible(one) | {"limits": {"deletes": 1000}})) for one in (first, second)]
    world = FaultyWorld(inhabited(calls, Rules()))
    ledger = Ledgered(world)
    try:
        check(ledger, files, fault, again)
    except MatchError as error:
        event(f"cannot be planned: {error.problems[0].code}")


def check(ledger: Ledgered, files: list[Config], fault: Fault | None, again: Fault | None) -> None:
    """Apply the first, the second, and the first again."""
    for _ in range(2):
        report = ledger.apply(files[0])
        if report is None or report.exit_code not in {0, 5}:
            event("the first configuration cannot be applied")
            return
    before = ledger.account.snapshot()
    ledger.apply(files[1], fault=fault)
    ledger.apply(files[1], fault=again)
    made = ledger.plan(files[0])
    assert not {"conflict", "removed_conflict", "unknown"} & classes(made)
    for _ in range(3):
        report = ledger.apply(files[0])
        assert report is not None
        assert [
            (outcome.change, outcome.message)
            for result in report.results
            for outcome in result.outcomes
            if outcome.status in {"failed", "skipped"}
        ] == []
    after = ledger.plan(files[0])
    assert [change for change in after.changes if change.guard is None] == []
    check_sameness(before, ledger.account.snapshot(), files, after)
    event("reverted")


def classes(made: Plan) -> set[str]:
    return {change.standing for change in made.changes} | {
        item.standing for change in made.changes for item in change.fields
    }


examples = given(configurations(), configurations(), accounts(), faults, faults)


@quick
@examples
def test_a_revert_takes_back_what_an_apply_did(
    first: Any, second: Any, calls: list[Call], fault: Fault | None, again: Fault | None
) -> None:
    reverts(first, second, calls, fault, again)


@pytest.mark.slow
@thorough
@examples
def test_a_revert_takes_back_what_an_apply_did_thoroughly(
    first: Any, second: Any, calls: list[Call], fault: Fault | None, again: Fault | None
) -> None:
    reverts(first, second, calls, fault, again)
