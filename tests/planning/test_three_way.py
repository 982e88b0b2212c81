"""The tables of fields and resources, row by row, through the planner.

B is the baseline, D the configuration, L the account. `–` is not declared in B and D, and empty in L.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import pytest

from reconciler.address import Address
from reconciler.change import Standing
from reconciler.config.model import Approval, Config, Declared, Reference, Unknown
from reconciler.documents.drift import drift_document
from reconciler.kinds.fields import Content
from reconciler.planning.baseline import Baseline, EntryInfo, Record
from reconciler.planning.options import PlanOptions
from reconciler.planning.plan import Plan, make_plan
from reconciler.planning.three_way import Sides, declared_standing
from reconciler.planning.widening import widen
from reconciler.state import State
from tests.builders import configuration, declared, live, sid, state
from tests.world import seen

# B D L: class | plan | drift. Without a change in the plan, there is no class.
FIELDS = """
– – –: | – | –
– – x: | – | –
– – y: | – | –
– x –: newly_declared | change | pending
– x x: | – | –
– x y: newly_declared | change | pending
– y –: newly_declared | change | pending
– y x: newly_declared | change | pending
– y y: | – | –
x – –: | – | –
x – x: removed | return | pending
x – y: removed_conflict | withheld | drift
x x –: drifted | change | drift
x x x: | – | –
x x y: drifted | change | drift
x y –: conflict | refused | drift
x y x: pending | change | pending
x y y: | – | –
y – –: | – | –
y – x: removed_conflict | withheld | drift
y – y: removed | return | pending
y x –: conflict | refused | drift
y x x: | – | –
y x y: pending | change | pending
y y –: drifted | change | drift
y y x: drifted | change | drift
y y y: | – | –
x y z: conflict | refused | drift
unknown x x: | – | –
unknown x y: unknown | change | drift
unknown x –: unknown | change | drift
unknown – –: | – | –
unknown – x: removed_conflict | withheld | drift
"""

# The same with an adopted value.
ADOPTED = """
x – x, adopted y: removed | return | pending
x – y, adopted y: | – | –
x – –, adopted y: removed_conflict | withheld | drift
x – x, adopted x: | – | –
x – y, adopted x: removed_conflict | withheld | drift
– – y, adopted y: | – | –
x x y, adopted y: drifted | change | drift
"""

# B D L: class | plan | drift | what the ledger does.
RESOURCES = """
– – missing: | – | – |
– – as B: | – | – |
– – changed: | – | – |
– absent missing: | – | – | none
– absent as B: pending | delete | pending | change
– absent changed: pending | delete | pending | change
– declared missing: pending | create | pending | change
– declared as B: | – | – | none
– declared changed: | update | pending | change
absent – missing: | – | – | forget
absent – as B: | – | – | forget
absent – changed: | – | – | forget
absent absent missing: | – | – | none
absent absent as B: drifted | delete | drift | change
absent absent changed: drifted | delete | drift | change
absent declared missing: pending | create | pending | change
absent declared as B: | – | – | none
absent declared changed: | update | pending | change
declared – missing: | – | – | forget
declared – as B: removed | delete | pending | change
declared – changed: removed_conflict | withheld | drift | withheld
declared absent missing: | – | – | none
declared absent as B: pending | delete | pending | change
declared absent changed: pending | delete | pending | change
declared declared missing: drifted | create | drift | change
declared declared as B: | – | – | none
declared declared changed: | update | drift | change
"""

WHERE = "addresses.main"
MAIN = Address.parse(WHERE)
NUMBER = "+14155550100"
ENTRY = EntryInfo(1, "2026-01-01T12:00:00Z", "a" * 40)


def lines(table: str) -> list[str]:
    return table.strip().splitlines()


ABSENT = declared(WHERE, {"address": NUMBER, "type": "sms"}, absent=True)


def address(**contents: Content | Reference | Unknown) -> Declared:
    return declared(WHERE, {"address": NUMBER, "type": "sms", **contents})


def account(**contents: Content) -> State:
    return state(live("address_configuration", 1, {"address": NUMBER, "type": "sms", **contents}))


def baseline(*resources: Declared, record: Record | None = None) -> Baseline:
    """A baseline of one entry."""
    return Baseline(
        records={MAIN: record or Record(1)},
        declarations={1: {one.address: one for one in resources}},
        entries={1: ENTRY},
        head=ENTRY,
        removed_in=lambda _key: ("b" * 40, True),
    )


def plan(config: Config, base: Baseline, now: State, **options: object) -> Plan:
    return make_plan(widen(config, base), now, PlanOptions(**options))  # type: ignore[arg-type]


def in_drift(made: Plan) -> str:
    found = drift_document(seen(made))
    return "drift" if found.differences else "pending" if found.pending else "–"


def contents(text: str) -> dict[str, Content | Reference | Unknown]:
    if text == "–":
        return {}
    return {"friendly_name": Unknown("secret NAME is not set", "${secret:NAME}") if text == "unknown" else text}


def of_field(made: Plan) -> str:
    """The class of the field, and what the plan does with it."""
    changes = [(change, item) for change in made.changes for item in change.fields if item.path == "friendly_name"]
    if not changes:
        assert made.changes == ()
        return "| –"
    ((change, item),) = changes
    verdict = change.guard.verdict if change.guard is not None else "return" if item.returns else "change"
    return f"{item.standing} | {verdict}"


@pytest.mark.parametrize("line", lines(FIELDS) + lines(ADOPTED))
def test_fields(line: str) -> None:
    situation, _, expected = line.partition(":")
    states, _, adopted = situation.partition(", adopted ")
    before, desired, now = states.split()
    record = Record(1, adopted={"friendly_name": adopted}) if adopted else Record(1)
    base = baseline(address(**contents(before)), record=record)
    found = account(friendly_name=None if now == "–" else now)
    made = plan(configuration(address(**contents(desired))), base, found)
    assert f"{of_field(made)} | {in_drift(made)}" == expected.strip()


@pytest.mark.parametrize("line", lines(RESOURCES))
def test_resources(line: str) -> None:
    situation, _, expected = line.partition(":")
    before, desired, now = situation.split(maxsplit=2)
    shapes: Mapping[str, tuple[Declared, ...]] = {
        "–": (),
        "absent": (ABSENT,),
        "declared": (address(friendly_name="x"),),
    }
    base = baseline(*shapes[before])
    if before == "–":
        base = Baseline(entries=base.entries, head=ENTRY)
    live_one = state() if now == "missing" else account(friendly_name="x" if now == "as B" else "y")
    made = plan(configuration(*shapes[desired]), base, live_one)
    standing: Standing = ""
    done = "–"
    for change in made.changes:
        standing, done = change.standing, change.guard.verdict if change.guard is not None else change.action
    decision = made.decisions.get(MAIN)
    handling = decision.handling if decision is not None else ""
    assert f"{standing} | {done} | {in_drift(made)} | {handling}".strip() == expected.strip()


def test_the_tables_are_complete() -> None:
    assert {" ".join(one) for one in itertools.product("–xy", repeat=3)} <= {x.split(":")[0] for x in lines(FIELDS)}
    every = itertools.product(("–", "absent", "declared"), ("–", "absent", "declared"), ("missing", "as B", "changed"))
    assert {" ".join(one) for one in every} == {x.split(":")[0] for x in lines(RESOURCES)}


@pytest.mark.parametrize(
    ("before", "desired", "now", "standing"),
    [
        pytest.param({"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 2, "b": 2}, "drifted", id="one accepted, one drifted"),
        pytest.param({"a": 1}, {"a": 1, "b": 2}, {"b": 2}, "drifted", id="one added on both sides, one lost"),
        pytest.param({"a": {"b": 1, "c": 1}}, {"a": {"b": 2, "c": 1}}, {"a": {"b": 2}}, "drifted", id="inside"),
        pytest.param({"a": 1, "b": 1}, {"a": 2, "b": 2}, {"a": 2, "b": 1}, "pending", id="one of two is live"),
        pytest.param({"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 1, "b": 2}, "conflict", id="another one on each side"),
        pytest.param({"a": 1}, {"a": 2}, {"a": 3}, "conflict", id="one on both sides"),
        pytest.param({"a": 1, "b": 1}, {"a": True, "b": 1}, {"a": 2, "b": 1}, "conflict", id="1 is not true"),
        pytest.param({"a": [1]}, {"a": [1, 2]}, {"a": [1, 3]}, "conflict", id="lists are whole values"),
        pytest.param({"a": {"b": 1}}, {"a": 1}, {"a": {"b": 2}}, "conflict", id="no mapping any more"),
    ],
)
def test_of_json_only_the_inner_values_that_still_differ_count(
    before: Content, desired: Content, now: Content, standing: str
) -> None:
    where = "services.s.users.ada"
    attributes = {"identity": "ada"}
    account = live("user", 1, {**attributes, "attributes": now}, parents=(sid("IS"),))
    found = declared(where, {**attributes, "attributes": desired}).values["attributes"]
    state_of = declared(where, {**attributes, "attributes": before}).values["attributes"]
    sides = Sides(account, lambda _reference: None, lambda _reference, _sid: False)
    assert declared_standing(state_of, found, "attributes", sides) == standing


@pytest.mark.parametrize("options", [{"ours": True}, {"approved": (Approval.parse(f"update:{WHERE}"),)}])
def test_an_approved_conflict_is_written(options: dict[str, object]) -> None:
    base = baseline(address(friendly_name="x"))
    refused = plan(configuration(address(friendly_name="y")), base, account(friendly_name="z"))
    (message,) = refused.blocking()
    assert message == (
        "friendly_name of addresses.main changed in the configuration and in the account; write the configuration's "
        "values with --approve 'update:addresses.main' or --ours, or declare the account's"
    )
    made = plan(configuration(address(friendly_name="y")), base, account(friendly_name="z"), **options)
    assert made.blocking() == ()
    assert [(change.action, change.fields[0].standing) for change in made.changes] == [("update", "conflict")]


def test_a_field_in_conflict_is_withheld_and_the_others_are_written() -> None:
    base = baseline(address(friendly_name="x", **{"auto_creation.enabled": False}))
    now = account(friendly_name="y", **{"auto_creation.enabled": False})
    made = plan(configuration(address(**{"auto_creation.enabled": True})), base, now)
    (change,) = made.changes
    assert change.guard is not None
    assert change.guard.only_fields == ("friendly_name",)
    assert [(step.id, dict(step.values), step.last) for step in change.steps] == [
        ("addresses.main#update", {"auto_creation.enabled": True}, False),
        ("addresses.main#return", {"friendly_name": None}, True),
    ]
    assert not change.is_withheld
    assert made.decisions[MAIN].is_partial
    approved = plan(configuration(address(**{"auto_creation.enabled": True})), base, now, ours=True)
    assert [dict(step.values) for step in approved.changes[0].steps] == [
        {"friendly_name": None, "auto_creation.enabled": True}
    ]


def test_a_removed_resource_is_deleted_with_its_reason() -> None:
    made = plan(configuration(), baseline(address(friendly_name="x")), account(friendly_name="x"))
    (change,) = made.changes
    assert (change.action, change.reason) == ("delete", "removed from the configuration (commit bbbbbbb)")
    assert change.since is not None
    assert (change.since.entry, change.since.commit) == (1, "b" * 40)


def test_an_adopted_resource_is_not_deleted() -> None:
    record = Record(1, origin="adopted", adopted={"friendly_name": "old"})
    made = plan(configuration(), baseline(address(friendly_name="x"), record=record), account(friendly_name="x"))
    (change,) = made.changes
    assert (change.action, change.reason) == ("update", "removed from the configuration (commit bbbbbbb)")
    assert [(item.path, item.before, item.after, item.returns, item.adopted) for item in change.fields] == [
        ("friendly_name", "x", "old", True, True)
    ]


def test_removing_a_block_does_not_remove_its_protection() -> None:
    kept = declared(WHERE, {"address": NUMBER}, prevent_destroy=True)
    (change,) = plan(configuration(), baseline(kept), account()).changes
    assert change.guard is not None
    assert (change.guard.name, change.guard.verdict) == ("prevent_destroy", "withheld")


def test_a_new_handle_for_the_same_natural_key_is_no_change() -> None:
    other = declared("addresses.front", {"address": NUMBER, "friendly_name": "x"})
    made = plan(configuration(other), baseline(address(friendly_name="x")), account(friendly_name="x"))
    assert made.changes == ()
    assert {present: record.declared_as for present, record in made.remembered.items()} == {
        Address.parse("addresses.front"): {1: MAIN}
    }
    assert made.decisions == {Address.parse("addresses.front"): made.decisions[Address.parse("addresses.front")]}
    assert made.decisions[Address.parse("addresses.front")].record.origin == "created"
