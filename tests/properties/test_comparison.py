"""What a comparison of two configurations promises: nothing for one that is the same, and what a plan would find."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from reconciler.change import Change, FieldChange
from reconciler.config.model import Config, Unknown
from reconciler.errors import MatchError
from reconciler.planning.comparison import Comparison, compare
from reconciler.planning.comparison_fields import NOT_NAMED
from reconciler.planning.plan import Plan
from tests.properties.strategies import SERVICES, configurations, text
from tests.properties.test_convergence import _shuffled, approved, quick, some, thorough
from tests.world import World, read


@some
@given(configurations(), st.randoms(use_true_random=False))
def test_a_configuration_does_not_differ_from_itself(root: dict[str, Any], chance: random.Random) -> None:
    one, other = read(text(root)), read(text(_shuffled(root, chance)))
    found = compare(one, other)
    assert (found.changes, found.no_longer_managed, found.warnings) == ((), (), other.warnings)
    assert found.unchanged == sum(1 for item in _wanted(one))


def _wanted(config: Config) -> list[Any]:
    gone = [item.address for item in config.resources.values() if item.absent]
    return [item for item in config.resources.values() if not any(item.address.is_within(one) for one in gone)]


@st.composite
def edits(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A configuration and what somebody made of it: some parts left out, some taken from another one."""
    before, other = draw(configurations()), draw(configurations())
    chance = draw(st.randoms(use_true_random=False))
    after = _edited(before, other, chance)
    after["limits"] = before["limits"]
    return before, after


def _edited(one: dict[str, Any], other: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    edited: dict[str, Any] = {}
    for key, value in one.items():
        odds = chance.random()
        if key in {"version", "friendly_name", "type"}:
            edited[key] = value
        elif isinstance(value, dict) and isinstance(other.get(key), dict) and key != "attributes" and odds < 0.8:
            edited[key] = _edited(value, other[key], chance)
        elif odds < 0.85:
            edited[key] = value
        elif odds < 0.95 and key in other:
            edited[key] = other[key]
    return edited | {key: value for key, value in other.items() if key not in one and chance.random() < 0.15}


@quick
@given(edits())
def test_a_comparison_finds_what_a_plan_finds(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    finds_the_same(*pair)


@pytest.mark.slow
@thorough
@given(edits())
def test_a_comparison_finds_what_a_plan_finds_thoroughly(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    finds_the_same(*pair)


def finds_the_same(first: dict[str, Any], second: dict[str, Any]) -> None:
    """In an account to which the first was applied, a plan of the second finds what the comparison says, no more."""
    try:
        before, after = read(text(first)), read(text(second))
    except Exception as error:  # noqa: BLE001 - an edit may leave what is no configuration
        event(f"no configuration: {type(error).__name__}")
        return
    if _has(after, SERVICES[2]) and not _has(before, SERVICES[2]):
        event("the second names what every account has")
        return
    account = World()
    try:
        applied = account.do(approved(account, before)).exit_code
    except MatchError as error:
        event(f"the first cannot be planned: {error.problems[0].code}")
        return
    if applied != 0:
        event("the first cannot be applied")
        return
    found = compare(before, after)
    try:
        planned = approved(account, after)
    except MatchError as error:
        event(f"the second cannot be planned: {error.problems[0].code}")
        return
    event("nothing differs" if not found.changes else "something differs")
    told, true = _told(found), _told(planned)
    for key in true.keys() - told.keys():
        # What the first does not name, but the account has all the same.
        assert _is_beyond(true[key], before), key
    for key in told.keys() - true.keys():
        assert _may_be_so_already(told[key]), key
    for key in told.keys() & true.keys():
        assert _fields(true[key]) <= _fields(told[key]), key
        beyond = _fields(told[key]) - _fields(true[key])
        assert all(_is_unknown(item) for item in told[key].fields if item.path in beyond), (key, beyond)


def _has(config: Config, service: str) -> bool:
    return any(item.natural_key == service and not item.absent for item in config.resources.values())


def _told(plan: Plan | Comparison) -> dict[tuple[str, str, str, str], Change]:
    """Changes by what they do to what; deletes by name, since what the files do not name has another address."""
    return {
        (
            change.action,
            change.kind.name,
            change.service,
            change.name if change.action == "delete" else str(change.address),
        ): change
        for change in plan.changes
    }


def _fields(change: Change) -> set[str]:
    if change.action == "replace":
        return {item.path for item in change.fields if item.forces_replacement}
    return {item.path for item in change.fields if not change.kind.by_path[item.path].write_only}


def _is_unknown(item: FieldChange) -> bool:
    return isinstance(item.before, Unknown)


def _may_be_so_already(change: Change) -> bool:
    """Whether the comparison only said what it cannot know: a field that was not named, a value never returned."""
    if change.action == "delete":
        return "if the account has it" in change.reason
    return change.action == "update" and all(
        item.before == NOT_NAMED or change.kind.by_path[item.path].write_only for item in change.fields
    )


def _is_beyond(change: Change, before: Config) -> bool:
    """Whether a delete is of something that nobody declared: made by Twilio along with something else."""
    names = {item.natural_key for item in before.resources.values() if item.kind == change.kind and not item.absent}
    return change.action == "delete" and change.name not in names
