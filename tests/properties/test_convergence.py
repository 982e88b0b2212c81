"""The promises that hold for every configuration, from every live state, under every reading of what is unverified."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from reconciler.emulator import Rules
from reconciler.errors import MatchError
from reconciler.plan import Plan
from reconciler.report import Outcome, Report
from tests.properties.strategies import CONVERSATIONS, Call, accounts, configurations, rules, text
from tests.world import World, read, seen

quick = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    # Without shrinking, which takes minutes here: what fails is said in full, and can be shrunk when it is wanted.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    report_multiple_bugs=False,
)
thorough = settings(quick, max_examples=400)


_PLACEHOLDER = re.compile(r"<([^<>]+)>")


def world(calls: list[Call], readings: Rules) -> World:
    """An account in which somebody made those calls, as far as the API let them."""
    made = World(rules=readings)

    def sid(match: re.Match[str]) -> str:
        if match.group(1) in CONVERSATIONS or match.group(1) == "other":
            rows = reversed(made.snapshot().items())
            return next((sid for sid, row in rows if row["name"] == match.group(1)), "CH" + "0" * 32)
        name, _, role = match.group(1).partition("/")
        found = [item["sid"] for item in made.get("/v1/Services")["services"] if item["friendly_name"] == name]
        if not role:
            return str(found[0])
        members = made.get(f"/v1/Services/{found[0]}/Roles")["roles"]
        return next((str(item["sid"]) for item in members if item["friendly_name"] == role), "RL" + "0" * 32)

    for path, form in calls:
        filled = {key: re.sub(_PLACEHOLDER, sid, item) if isinstance(item, str) else item for key, item in form.items()}
        made.emulator.call("POST", re.sub(_PLACEHOLDER, sid, path), filled)
    return made


def approved(account: World, files: Any) -> Plan:
    """A plan whose destructive changes are all approved."""
    first = account.plan(files)
    wanting = [
        str(change.address) for change in first.changes if change.guard is not None and change.guard.name == "approval"
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
    account = world(calls, readings)
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
    _nothing_else(account, made, before)
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
    account = world(calls, Rules())
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


@quick
@given(configurations(), accounts(), st.randoms(use_true_random=False))
def test_a_plan_is_the_same_for_shuffled_files(root: dict[str, Any], calls: list[Call], chance: random.Random) -> None:
    account = world(calls, Rules())
    try:
        one = seen(account.plan(read(text(root))))
    except MatchError:
        return
    other = seen(account.plan(read(text(_shuffled(root, chance)))))
    for first, second in zip(one.changes, other.changes, strict=True):
        assert _without_places(first.model_dump()) == _without_places(second.model_dump())
    assert _without_places(one.model_dump()) == _without_places(other.model_dump())


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


def _nothing_else(account: World, made: Plan, before: dict[str, Any]) -> None:
    """Only what the plan named is different: resources it changed or deleted, and in singletons the fields it named."""
    after = account.snapshot()
    gone = {change.sid for change in made.changes if change.action in {"delete", "replace"}}
    gone |= {sid for sid, row in before.items() if row["parent"] in gone}
    # What becomes of an address whose service is deleted is Twilio's doing, and unverified.
    gone |= {
        sid for sid, row in before.items() if (row.get("auto_creation") or {}).get("conversation_service_sid") in gone
    }
    identities = {row["name"] for sid, row in before.items() if sid in gone and row["kind"] == "user"}
    gone |= {sid for sid, row in before.items() if row["kind"] == "participant" and row["name"] in identities}
    gone |= {sid for sid, row in before.items() if row["parent"] in gone}
    named = _named(made)
    for sid, row in before.items():
        if sid in gone:
            continue
        assert sid in after, f"{sid} is gone: {row}"
        assert _unnamed(row, named.get(sid, set())) == _unnamed(after[sid], named.get(sid, set())), sid


def _unnamed(row: dict[str, Any], named: set[str]) -> dict[str, Any]:
    """What no step names, flat; dates aside, and what auto-creation of another type shows."""
    flat = {
        f"{key}.{inner}": item for key, value in row.items() if isinstance(value, dict) for inner, item in value.items()
    }
    flat |= {key: value for key, value in row.items() if not isinstance(value, dict)}
    moved = ["auto_creation."] if "auto_creation.type" in named else []
    moved += ["bindings."] if any(key.startswith("bindings.") for key in named) else []
    # Whatever changes a conversation's state or timers starts them anew.
    moved += ["timers.", "last_active"] if named & {"state", "timers.inactive", "timers.closed"} else []
    if any(key.startswith("configuration.") for key in named):
        moved.append("configuration.")
    return {
        key: value
        for key, value in flat.items()
        if key not in named and key != "date_updated" and not key.startswith(tuple(moved))
    }


def _named(made: Plan) -> dict[str, set[str]]:
    """By SID, the keys of a snapshot that some step of the plan sends."""
    blocks = {
        "account_configuration": "configuration",
        "account_webhook": "webhooks",
        "service_configuration": "configuration",
        "service_notification": "notifications",
        "service_webhook": "webhooks",
    }
    named: dict[str, set[str]] = {}
    for change in made.changes:
        for step in change.steps:
            block = blocks.get(step.kind.name)
            if block is not None:
                owner = made.account_sid if step.parent is None else made.sids.get(step.parent, "")
            else:
                owner = step.sid or ""
            for path in step.values:
                field = step.kind.by_path[path]
                keys = {".".join(field.response), field.param} if block is None else {field.param, field.response[0]}
                named.setdefault(owner, set()).update(keys if block is None else {f"{block}.{key}" for key in keys})
    return named
