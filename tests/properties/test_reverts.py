"""A revert takes back what an apply did: apply(c1), apply(c2), git revert, apply equals apply(c1), for all kinds.

What the API cannot set back is left out: conversations that were closed, resources that were deleted and created again
(their SIDs and undeclared values), roles that were replaced by one of another type, fields that stay as they are, and
what a guard keeps.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from reconciler.config.model import Config
from reconciler.emulator import Rules
from reconciler.errors import MatchError
from reconciler.planning.plan import Plan
from tests.properties.accounts import inhabited
from tests.properties.ledgered import Fault, FaultyWorld, Ledgered
from tests.properties.strategies import Call, accounts, configurations, text
from tests.world import read

ORDINARY, MANY = 30, 1_000
quick = settings(
    max_examples=ORDINARY,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    report_multiple_bugs=False,
)
thorough = settings(quick, max_examples=MANY)

_IRREVERSIBLE = {"absent", "renamed_from", "prune", "lifecycle", "sid"}
_NOT_CLEARABLE = {
    "default_closed_timer", "default_inactive_timer", "default_messaging_service_sid", "conversation_service_sid",
    "studio_flow_sid", "studio_retry_count", "messaging_service_sid", "method", "friendly_name",
}  # fmt: skip
_INITIAL = {"method": "POST", "webhook_method": "POST", "target": "webhook", "type": "default"}
_BY_ITSELF = {
    "default_chat_service_sid",
    "date_created",
    "date_updated",
    "last_active",
    "timers",
    "durations",
    "state_changed",
}


def reversible(value: Any) -> Any:
    """A configuration without what deletes, renames, or protects, and without closed conversations."""
    match value:
        case dict():
            return {
                key: reversible(item)
                for key, item in value.items()
                if key not in _IRREVERSIBLE and not (key == "state" and item in {"closed", "inactive"})
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
    compare(before, ledger.account.snapshot(), after)
    event("reverted")


def classes(made: Plan) -> set[str]:
    return {change.standing for change in made.changes} | {
        item.standing for change in made.changes for item in change.fields
    }


def compare(before: Mapping[str, Any], after: Mapping[str, Any], made: Plan) -> None:
    """Everything that was there is there as it was, and nothing else is."""
    kept = {change.sid for change in made.changes if change.guard is not None}
    old, new = named(before), named(after)
    for name in old.keys() | new.keys():
        one, other = old.get(name), new.get(name)
        if other is not None and kept & {other["sid"], *above(after, other["sid"])}:
            continue
        if one is None and other is not None and other["kind"] == "user":
            continue  # made by a participant
        assert one is not None, f"left over: {name}"
        assert other is not None, f"lost: {name}"
        if one["sid"] == other["sid"]:
            # Twilio empties what does not belong to the new type, so that the former one cannot be set again.
            one, other = ({**row, "auto_creation": None, "bindings": None} for row in (one, other))
            assert without_stuck(one, other) == without_stuck(other, one), name


def above(snapshot: Mapping[str, Any], sid: str) -> list[str]:
    """The SIDs of what contains a resource."""
    parent = snapshot[sid].get("parent")
    return [] if parent not in snapshot else [parent, *above(snapshot, parent)]


def without_stuck(row: Any, other: Any) -> Any:
    """A row without the values that the API cannot clear once they are set."""
    if isinstance(row, str) and isinstance(other, str) and row[:1] == "{":
        return json.loads(row)
    if not isinstance(row, dict) or not isinstance(other, dict):
        return row
    return {
        key: without_stuck(value, other.get(key))
        for key, value in row.items()
        if not (key in _NOT_CLEARABLE and (value is None or other.get(key) is None))
    }


def named(snapshot: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """A snapshot by the names of the resources and of what contains them, with names in the place of SIDs."""
    names: dict[str, str] = {}

    def name_of(sid: str) -> str:
        if sid not in names:
            row = snapshot[sid]
            own = row["name"]
            if not own and row["kind"] != "account":
                own = json.dumps(row.get("configuration"), sort_keys=True)
            above = name_of(row["parent"]) if row.get("parent") in snapshot else ""
            names[sid] = f"{above}/{row['kind']}:{own}{'' if row['kind'] == 'role' else row.get('type', '')}"
        return names[sid]

    for sid in snapshot:
        name_of(sid)

    def plain(value: Any) -> Any:
        match value:
            case dict():
                found = {key: plain(item) for key, item in value.items() if key not in _BY_ITSELF}
                return {key: item for key, item in found.items() if item is not None and _INITIAL.get(key) != item}
            case list():
                return sorted(map(plain, value)) or None if all(isinstance(one, str) for one in value) else value
            case "" | False:
                return None  # as the API shows what was never set
            case str() if value in names:
                return names[value]
            case _:
                return value

    return {names[sid]: plain(row) | {"sid": sid} for sid, row in snapshot.items()}


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
