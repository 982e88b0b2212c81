"""The planner against the model of `tests/model` on random histories: same actions, classes, values, and records.

The model's addresses and fields get kinds of their own, so that both sides have the same. After each step of a history
of the model, both plan from the model's account and ledger. What the model does not have (guards of roles, targets that
bring what they need) is left out of the comparison.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.address import Address
from reconciler.change import Change
from reconciler.config.model import Config, Declared, Reference, Value
from reconciler.errors import Place
from reconciler.kinds import BY_NAME, KINDS
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content
from reconciler.kinds.markers import (
    Choice,
    Declaration,
    Description,
    Example,
    Immutable,
    NaturalKey,
    Ref,
    Required,
    Wire,
)
from reconciler.planning.baseline import Baseline, EntryInfo, Record
from reconciler.planning.options import PlanOptions
from reconciler.planning.plan import Plan, make_plan
from reconciler.planning.widening import widen
from reconciler.state import Collection, Live, Participation, State
from tests.builders import ACCOUNT, HERE, configuration, declared, sid
from tests.model import rules
from tests.model.histories import History, accounts, configs, step, targets
from tests.model.rules import Mark

_Text = Annotated[str | None, Wire("Text"), Example("x"), Description("A text.")]
_Method = Annotated[str | None, Wire("Method"), Choice(("POST", "GET")), Example("POST"), Description("The method.")]


class Part(Declaration):
    """What the model's roles and addresses have."""

    name: Annotated[
        str | None,
        Wire("Name"),
        NaturalKey(),
        Immutable(),
        Required(),
        Example("a"),
        Description("The name."),
    ] = None
    url: Annotated[str | None, Wire("Url"), Example("x"), Description("A text.")] = None
    note: Annotated[str | None, Wire("Note"), Example("x"), Description("A text.")] = None
    method: _Method = None


class Chooser(Declaration):
    """What the model's singleton has."""

    url: Annotated[str | None, Wire("Url"), Example("x"), Description("A text.")] = None
    note: Annotated[str | None, Wire("Note"), Example("x"), Description("A text.")] = None
    method: _Method = None
    default_role: Annotated[
        str | None, Wire("DefaultRole"), Ref("part", "service"), Example("a"), Description("A part.")
    ] = None


PART = Kind(
    name="part",
    model=Part,
    section=("parts",),
    path="/v1/Services/{service}/Parts",
    summary="A part.",
    docs="https://example.com",
    parent="service",
    sid_prefix="PT",
    list_key="parts",
    built_in={"builtin": "part"},
)
CHOOSER = Kind(
    name="chooser",
    model=Chooser,
    section=("chooser",),
    path="/v1/Services/{service}/Chooser",
    summary="A singleton.",
    docs="https://example.com",
    parent="service",
    singleton=True,
)

SERVICE = Address.parse("services.s")
PATHS = {
    rules.ROLE: SERVICE.child("parts", "agent"),
    "addresses.a": SERVICE.child("parts", "a"),
    "addresses.b": SERVICE.child("parts", "b"),
    rules.SINGLETON: SERVICE.child("chooser"),
}
CLASSES = {
    "pending": "pending",
    "pending (newly declared)": "newly_declared",
    "drifted": "drifted",
    "conflict": "conflict",
    "unknown": "unknown",
    "pending (removed)": "removed",
    "conflict (removed)": "removed_conflict",
}
IS = sid("IS")
BUILT_IN = sid("PT", 999_999)


@pytest.fixture(scope="module", autouse=True)
def _kinds() -> Iterator[None]:
    with KINDS.extended(PART, CHOOSER):
        yield


# --- the model's things in the planner's terms -----------------------------------------------------------------------


def reference(name: str) -> Reference:
    if name == "builtin":
        return Reference(SERVICE.child("parts", "builtin"), "part", "builtin")
    return Reference(PATHS[name], "part")


def content(name: str, value: rules.Value) -> Content | Reference:
    return reference(value) if name == "default_role" and value is not None else value


def one_declared(address: str, declaration: rules.Declaration) -> Declared:
    where = PATHS[address]
    given: dict[str, Value] = {}
    if address != rules.SINGLETON:
        given["name"] = Value(where.parts[-1], HERE)
    if isinstance(declaration, Mapping):
        given |= {name: Value(content(name, value), HERE) for name, value in declaration.items()}
    kind = BY_NAME["chooser" if address == rules.SINGLETON else "part"]
    ordered = {path: given[path] for path in kind.by_path if path in given}
    return Declared(where, kind, Place("x", 1, 1), SERVICE, values=ordered, absent=declaration is Mark.ABSENT)


def files(config: rules.Config) -> Config:
    service = declared("services.s", {"friendly_name": "s"})
    return configuration(service, *(one_declared(address, one) for address, one in config.items()))


def state_of(account: rules.Account) -> State:
    kind = BY_NAME["part"]
    lives = [Live(BY_NAME["service"], IS, (), {"friendly_name": "s"})]
    lives.append(Live(kind, BUILT_IN, (IS,), {"name": "builtin", "url": None, "note": None, "method": "POST"}))
    for address, one in account.items():
        values: dict[str, Content] = dict(one.fields)
        if address == rules.SINGLETON:
            role = one.fields["default_role"]
            values["default_role"] = BUILT_IN if role == "builtin" else sid("PT", account[role or ""].sid)
            lives.append(Live(BY_NAME["chooser"], "/chooser", (IS,), values))
        else:
            lives.append(Live(kind, sid("PT", one.sid), (IS,), {"name": PATHS[address].parts[-1], **values}))
    return State(
        account_sid=ACCOUNT,
        resources=lives,
        complete=[Collection("part", (IS,)), Collection("service")],
        role_holders={IS: {}},
        participants={IS: Participation({}, is_complete=True)},
    )


def record_of(record: rules.Record) -> Record:
    adopted = {name: content(name, value) for name, value in record.adopted.items()}
    digest = "" if record.sid is None else f"digest of {sid('PT', record.sid)}"
    return Record(record.baseline, record.attempted, record.origin, adopted, digest)


def baseline_of(ledger: rules.Ledger) -> Baseline:
    infos = {one.number: EntryInfo(one.number, "2026-01-01T12:00:00Z", f"{one.number:040x}") for one in ledger}
    return Baseline(
        records={PATHS[address]: record_of(one) for address, one in rules.head_records(ledger).items()},
        declarations={one.number: files(one.config).resources for one in ledger},
        entries=infos,
        head=infos[len(ledger)] if ledger else None,
        digest_of=lambda live_sid: f"digest of {live_sid}",
    )


def planned(history: History, config: rules.Config, scope: frozenset[str] | None, *, ours: bool) -> Plan:
    options = PlanOptions(targets=tuple(PATHS[one] for one in sorted(scope or ())), ours=ours)
    return make_plan(widen(files(config), baseline_of(history.ledger)), state_of(history.account), options)


# --- comparison ------------------------------------------------------------------------------------------------------


def shown_change(change: Change | None) -> object:
    """What a plan does with an address, in the words of the model."""
    if change is None:
        return "nothing"
    guard = change.guard
    if change.is_withheld:
        return "withheld", change.standing or {item.path: item.standing for item in change.fields}
    if change.action != "update":
        return change.action, change.standing
    writes = {path: value for step in change.steps if not (guard and step.last) for path, value in step.values.items()}
    refused, partial = guard is not None and guard.verdict == "refused", guard is not None and guard.is_partial
    return "update", {item.path: item.standing for item in change.fields}, writes, refused, partial


def expected_change(change: rules.Change) -> object:
    """The same of the model."""
    classes = {name: CLASSES[kind] for name, kind in change.classes.items() if kind in CLASSES}
    if change.action in {"none", "forget"}:
        return "nothing"
    if change.action == "withheld":
        return "withheld", classes.get("") or classes
    if change.action != "update":
        return change.action, classes[""]
    writes = {name: content(name, value) for name, value in change.writes.items()}
    return "update", classes, writes, change.refused, change.withheld and not change.refused


def compare(history: History, config: rules.Config, scope: frozenset[str] | None, *, ours: bool) -> None:
    """Plan with both, and compare every address."""
    known = {*config, *rules.head_records(history.ledger)}
    scope = (scope & known or None) if scope is not None else None
    expected = rules.plan(history.ledger, history.account, config, targets=scope, ours=ours)
    made = planned(history, config, scope, ours=ours)
    changes = {change.address: change for change in made.changes}
    for one in expected:
        address = PATHS[one.address]
        if history.account[rules.SINGLETON].fields["default_role"] == one.address and one.action == "withheld":
            continue  # a guard of the role, which the parts do not have
        assert shown_change(changes.get(address)) == expected_change(one), (one, made.decisions.get(address))
        decision = made.decisions[address]
        if one.action in {"none", "forget"}:
            assert decision.handling == one.action, (one, decision)
        else:
            assert decision.handling == ("withheld" if one.action == "withheld" else "change"), (one, decision)
        if one.action != "forget":
            assert decision.record == record_of(one.record), (one, decision)


def check(data: st.DataObject) -> None:
    """Compare the plans of a random history, before each of its steps."""
    history = History(data.draw(accounts()))
    pool = [data.draw(configs()) for _ in range(3)]
    for _ in range(data.draw(st.integers(1, 6))):
        compare(history, data.draw(st.sampled_from(pool)), data.draw(targets()), ours=data.draw(st.booleans()))
        step(data, history, pool, console=True)


@given(st.data())
@settings(max_examples=48)
def test_plans_are_those_of_the_model(data: st.DataObject) -> None:
    check(data)


@pytest.mark.slow
@given(st.data())
@settings(max_examples=5_000)
def test_plans_are_those_of_the_model_often(data: st.DataObject) -> None:
    check(data)
