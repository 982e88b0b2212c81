"""The promises that hold for every configuration, from every live state, under every reading of what is unverified."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from reconciler.documents.writing import to_content
from reconciler.emulator import Rules
from reconciler.errors import MatchError
from reconciler.planning.plan import Plan
from reconciler.report import Outcome, Report
from tests.properties.accounts import inhabited, only_named_differs
from tests.properties.strategies import Call, accounts, configurations, rules, text
from tests.world import World, read, seen

quick = settings(
    # The slow tests try hundreds.
    max_examples=12,
    suppress_health_check=list(HealthCheck),
    # Without shrinking, which takes minutes here: what fails is said in full, and can be shrunk when it is wanted.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    report_multiple_bugs=False,
)
# For what has no slow test.
some = settings(quick, max_examples=24)
thorough = settings(quick, max_examples=400)


def approved(account: World, files: Any) -> Plan:
    """A plan whose destructive changes are all approved."""
    first = account.plan(files)
    wanting = [
        f"{change.action}:{change.address}"
        for change in first.changes
        if change.guard is not None and change.guard.name == "approval"
    ]
    return account.plan(files, approved=wanting) if wanting else first


def _outcomes(report: Report) -> list[Outcome]:
    return [outcome for result in report.results for outcome in result.outcomes]


def explained(report: Report) -> bool:
    """Whether every failure says what the API said or kept, and everything skipped says because of what."""
    return all(
        (outcome.status != "failed" or outcome.refusal is not None or outcome.message)
        and (outcome.status != "skipped" or outcome.because)
        for result in report.results
        for outcome in result.outcomes
    )


@quick
@given(configurations(), accounts(), rules)
def test_apply_converges_or_says_what_the_api_kept(root: dict[str, Any], calls: list[Call], readings: Rules) -> None:
    converges_or_says_why(root, calls, readings)


@pytest.mark.slow
@thorough
@given(configurations(), accounts(), rules)
def test_apply_converges_or_says_why_thoroughly(root: dict[str, Any], calls: list[Call], readings: Rules) -> None:
    converges_or_says_why(root, calls, readings)


def converges_or_says_why(root: dict[str, Any], calls: list[Call], readings: Rules) -> None:
    account = inhabited(calls, readings)
    files = read(text(root))
    try:
        made = approved(account, files)
    except MatchError as error:
        event(f"cannot be planned: {error.problems[0].code}")
        assert account.writes == []
        return
    assert account.writes == []
    assert made.blocking() == ()
    before = account.snapshot()
    report = account.do(made)
    only_named_differs(before, account.snapshot(), [made])
    event(f"exit code {report.exit_code}")
    if report.exit_code == 1:
        assert explained(report)
        return
    after = approved(account, files)
    withheld = {change.address for change in made.changes if change.guard is not None}
    if readings.address_of_deleted_service == "deleted" and readings.default_auto_creation_service == "hidden":
        return  # nobody can see that an address will go with its service
    assert [change for change in after.changes if change.address not in withheld and change.guard is None] == []


@quick
@given(configurations(), accounts())
def test_where_the_api_takes_everything_apply_ends_in_an_empty_plan(root: dict[str, Any], calls: list[Call]) -> None:
    succeeds(root, calls)


@pytest.mark.slow
@thorough
@given(configurations(), accounts())
def test_where_the_api_takes_everything_apply_succeeds_thoroughly(root: dict[str, Any], calls: list[Call]) -> None:
    succeeds(root, calls)


def succeeds(root: dict[str, Any], calls: list[Call]) -> None:
    account = inhabited(calls, Rules())
    files = read(text(root))
    try:
        made = approved(account, files)
    except MatchError as error:
        event(f"cannot be planned: {error.problems[0].code}")
        return
    report = account.do(made)
    assert [outcome for outcome in _outcomes(report) if outcome.status in {"failed", "skipped"}] == []
    if report.exit_code == 0:
        assert approved(account, files).changes == ()


@some
@given(configurations(), accounts(), st.randoms(use_true_random=False))
def test_a_plan_is_the_same_for_shuffled_files(root: dict[str, Any], calls: list[Call], chance: random.Random) -> None:
    account = inhabited(calls, Rules())
    try:
        one = seen(account.plan(read(text(root))))
    except MatchError:
        return
    other = seen(account.plan(read(text(_shuffled(root, chance)))))
    for first, second in zip(one.changes, other.changes, strict=True):
        assert _without_places(to_content(first)) == _without_places(to_content(second))
    # The seal covers the places.
    dumps = (to_content(plan, exclude={"seal"}) for plan in (one, other))
    assert _without_places(next(dumps)) == _without_places(next(dumps))


def _shuffled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        chance.shuffle(keys)
        # The order of a list inside of attributes means something.
        return {key: value[key] if key == "attributes" else _shuffled(value[key], chance) for key in keys}
    if isinstance(value, list):
        items = list(value)
        chance.shuffle(items)
        return items
    return value


def _without_places(value: Any) -> Any:
    """A plan without line numbers, which move with the lines, and without the order that they give to warnings."""
    if isinstance(value, dict) and "warnings" in value:
        value = value | {"warnings": sorted(value["warnings"], key=lambda item: (item["address"], item["message"]))}
    if isinstance(value, dict):
        return {key: _without_places(item) for key, item in value.items() if key != "source"}
    if isinstance(value, (list, tuple)):
        return [_without_places(item) for item in value]
    return value
