"""What holds of every export: it says what is there, exactly, and planning it finds nothing to do."""

from __future__ import annotations

import asyncio
import itertools
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from reconciler.api import wire
from reconciler.api.client import ReadClient
from reconciler.config.model import Config
from reconciler.emulator import Rules
from reconciler.errors import ConfigError, MatchError
from reconciler.export import Export, export
from reconciler.export.account import read_account
from reconciler.export.existing import collect_existing
from reconciler.export.yaml_writer import Data, Tree, lines, scalar
from reconciler.kinds import BY_NAME, KINDS
from reconciler.kinds.comparable import canonical_json
from reconciler.kinds.fields import Field, Shape
from reconciler.report import Silent
from reconciler.state import Live, State
from tests.properties.accounts import inhabited
from tests.properties.strategies import Call, accounts, configurations, rules, text
from tests.world import _ANYONE, ACCOUNT, World, read

quick = settings(
    max_examples=6,
    suppress_health_check=list(HealthCheck),
    # Without shrinking, which takes minutes here: what fails is said in full, and can be shrunk when it is wanted.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    report_multiple_bugs=False,
)
thorough = settings(quick, max_examples=250)
texts_many = settings(quick, max_examples=60)

# What has meant something to somebody: to YAML, to a terminal, to us.
_ODD = (
    "", " ", "NO", "null", "~", "1e3", "0x1f", ".inf", "+14155550100", "- a", "a: b", "a #b", "#", "!unset", "&a", "*a",
    "<<", "=", "${env:HOME}", "$${env:HOME}", "${evn:X}", "${PARTICIPANT}", "${secret:A", "$", "$$", "a\nb\n", "\n",
    "\t", "\x00", "\x1b[31m", "\x85", "\u2028", "\ufeff", "\u202e", "日本", "é", "e\u0301", "👩‍👩‍👧", "\U000e0041", "'",
    '"', "\\", "{a}", "[a]", "a,b", "%", "@", "`", "? a", "---", "...", "| a", "> a", " padded ", "a" * 300,
    "IS" + "0" * 32,
)  # fmt: skip
letters = st.characters(exclude_categories=["Cs"])
texts = st.one_of(
    st.sampled_from(_ODD),
    st.text(letters, max_size=40),
    st.lists(st.sampled_from(_ODD), max_size=4).map("".join),
)
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)


def exported(account: World, *, former: Config | None = None, in_one_file: bool = True) -> Export:
    """What `export` makes of an account, everything included."""

    async def run() -> State:
        async with ReadClient("https://conversations.twilio.com", _ANYONE, transport=account.transport()) as client:
            return await read_account(client, Silent(), ("users", "conversations"))

    found = asyncio.run(run())
    existing = collect_existing(former, found) if former is not None else None
    return export(found, existing=existing, in_one_file=in_one_file)


# --- texts -----------------------------------------------------------------------------------------------------------


def user_of(lines_of_user: str) -> Any:
    files = read(f"version: 1\nservices:\n  s:\n    users:\n      u:\n{lines_of_user}\n")
    return next(item for item in files.resources.values() if item.kind.name == "user").values


@texts_many
@given(texts)
def test_a_text_comes_back_as_it_was(value: str) -> None:
    written = scalar(value)
    assert written.isprintable()
    assert user_of(f"        friendly_name: {written}")["friendly_name"].content == value
    flow = (
        f"        attributes: {{{scalar(value, flow=True)}: [{scalar(value, flow=True)}, {scalar(value, flow=True)}]}}"
    )
    assert user_of(flow)["attributes"].content == {value: [value, value]}


@texts_many
@given(st.dictionaries(texts, json_values, max_size=4))
def test_json_comes_back_as_it_was(value: dict[str, Any]) -> None:
    tree: Tree[None] = Tree()
    tree.add("attributes", Data(value))
    written = [line.text for line in lines(tree, indent=8)]
    assert all(line.isprintable() for line in written)
    assert canonical_json(user_of("\n".join(written))["attributes"].content) == canonical_json(value)


@texts_many
@given(texts, texts)
def test_a_comment_holds_whatever_it_holds(note: str, value: str) -> None:
    tree: Tree[None] = Tree()
    tree.add("friendly_name", value, None, (note,))
    tree.comments.append(note)
    written = "\n".join(line.text for line in lines(tree, indent=8))
    assert user_of(written)["friendly_name"].content == value


# --- states that no emulator would have ------------------------------------------------------------------------------

_ANY = st.one_of(texts, json_values)


def _likely(field: Field) -> st.SearchStrategy[Any]:
    """Something that fits, often; anything at all, sometimes."""
    fitting: dict[Shape, st.SearchStrategy[Any]] = {
        Shape.URL: st.sampled_from(
            ("https://a.example.com/x?y=%20", "https://u:p@a.example.com", "ftp://a", "http://[")
        ),
        Shape.BOOL: st.booleans(),
        Shape.INT: st.integers(-1, 5),
        Shape.SET: st.lists(st.one_of(texts, st.sampled_from(("onMessageAdded", "sendMessage"))), max_size=4),
        Shape.TIMER: st.sampled_from(("PT1H", "pt60m", "PT1S", "P1D", "soon")),
        Shape.JSON: st.one_of(st.just('{"a": 1e999}'), json_values.map(json.dumps)),
        Shape.SID: st.sampled_from(("MG" + "1" * 32, "FW" + "2" * 32, "nothing")),
    }
    words = next((marker.words for marker in field.markers if hasattr(marker, "words")), ())
    if field.shape is Shape.ENUM:
        return st.one_of(st.sampled_from(words), st.sampled_from(words).map(str.upper), texts)
    return fitting.get(field.shape, texts)


@st.composite
def bodies(draw: st.DrawFn, kind_name: str, sid: str, refs: dict[str, list[str]]) -> dict[str, Any]:
    """An answer of the API, of which only the SID is sure to be what it should be."""
    kind = BY_NAME[kind_name]
    body: dict[str, Any] = {"sid": sid, "date_created": draw(st.sampled_from("ab")), "date_updated": "b"}
    for field in kind.fields:
        if draw(st.integers(0, 2)) == 0:
            continue
        value = draw(st.one_of(_likely(field), _likely(field), _likely(field), _ANY))
        if field.shape is Shape.REF and draw(st.booleans()):
            value = draw(st.sampled_from([*refs.get("role", []), *refs.get("service", []), "RL" + "9" * 32]))
        inner = body
        for part in field.response[:-1]:
            below = inner.get(part)
            inner[part] = inner = below if isinstance(below, dict) else {}
        inner[field.response[-1]] = value
    return body


@st.composite
def states(draw: st.DrawFn) -> State:
    """An account that nothing is too odd for."""
    numbers = itertools.count(1)
    found: list[Live] = []
    refs: dict[str, list[str]] = {}

    def fill(parent: str | None, parents: tuple[str, ...]) -> None:
        for kind in sorted((kind for kind in KINDS if kind.parent == parent), key=lambda kind: kind.name != "role"):
            for _ in range(1 if kind.singleton else draw(st.integers(0, 3))):
                path = wire.collection_path(kind, parents)
                sid = path if kind.singleton else f"{kind.sid_prefix}{next(numbers):032x}"
                refs.setdefault(kind.name, []).append(sid)
                decoded = wire.decode(kind, draw(bodies(kind.name, sid, refs)))
                found.append(Live(kind, sid, parents, decoded.values, decoded.created, decoded.updated))
                if not kind.singleton:
                    fill(kind.name, (*parents, sid))

    fill(None, ())
    return State(account_sid=ACCOUNT, resources=found)


@quick
@given(states(), st.booleans())
def test_whatever_is_live_can_be_written(state: State, in_one_file: bool) -> None:  # noqa: FBT001 - drawn
    can_be_written(state, in_one_file=in_one_file)


@pytest.mark.slow
@thorough
@given(states(), st.booleans())
def test_whatever_is_live_can_be_written_thoroughly(state: State, in_one_file: bool) -> None:  # noqa: FBT001 - drawn
    can_be_written(state, in_one_file=in_one_file)


def can_be_written(state: State, *, in_one_file: bool) -> None:
    made = export(state, in_one_file=in_one_file)  # loads and plans what it wrote, and raises when that is not empty
    event(f"left out: {made.left_out > 0}, pinned: {bool(made.pinned)}")
    assert all(text.replace("\n", "").isprintable() for text in made.files.values())
    assert export(state, in_one_file=in_one_file).files == made.files
    again = export(state, existing=collect_existing(made.config, state), in_one_file=in_one_file)
    assert again.files == made.files


# --- accounts in the emulator ----------------------------------------------------------------------------------------


@quick
@given(accounts(), rules)
def test_an_export_plans_as_empty_and_sends_nothing_but_get(calls: list[Call], readings: Rules) -> None:
    plans_as_empty(calls, readings)


@pytest.mark.slow
@thorough
@given(accounts(), rules)
def test_an_export_plans_as_empty_thoroughly(calls: list[Call], readings: Rules) -> None:
    plans_as_empty(calls, readings)


def plans_as_empty(calls: list[Call], readings: Rules) -> None:
    account = inhabited(calls, readings)
    account.forget_requests()
    made = exported(account, in_one_file=False)
    assert account.writes == []
    files = read(dict(made.files))
    assert account.plan(files).changes == ()
    assert exported(account, in_one_file=False).files == made.files
    assert exported(account, former=files, in_one_file=False).files == made.files


class Ticking(World):
    """An account in which no two things happen in one second, so that dates tell what was changed."""

    def __init__(self, seed: int = 1) -> None:
        super().__init__(seed=seed, tick=timedelta(seconds=1))


def said(made: Export) -> list[str]:
    """The lines of an export without what the clock says, and without comments: on what the copy has not."""
    moves = ("#", "state: inactive", "lifecycle: {ignore_changes: [state]}")
    return [line for text in made.files.values() for line in text.splitlines() if not line.lstrip().startswith(moves)]


def meaning(account: World) -> dict[tuple[Any, ...], Any]:
    """What the emulator itself has kept, by names in the place of SIDs; without dates and what is closed."""
    rows = account.snapshot()
    closed = {sid for sid, row in rows.items() if row.get("state") == "closed"}

    def named(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: named(item) for name, item in value.items()}
        if isinstance(value, list):
            return sorted(map(str, value))
        return rows[value]["name"] if isinstance(value, str) and value in rows and value != ACCOUNT else value

    def place(row: dict[str, Any]) -> tuple[Any, ...]:
        above = rows.get(row["parent"])
        return (*(place(above) if above is not None else ()), row["kind"], row["name"])

    return {
        (*place(row), str(named(row.get(beside, "")))): _plain({name: named(row.get(name)) for name in _SETTINGS})
        for sid, row in rows.items()
        for beside in [{"participant": "messaging_binding", "webhook": "configuration"}.get(row["kind"], "type")]
        if sid not in closed and row["parent"] not in closed
    }


_SETTINGS = (
    "friendly_name", "permissions", "configuration", "notifications", "webhooks", "auto_creation",
    "attributes", "type", "role_sid", "messaging_binding", "messaging_service_sid", "address_country", "sandbox",
    "target",
)  # fmt: skip


@quick
@given(configurations())
def test_an_account_comes_back_in_an_empty_one(root: dict[str, Any]) -> None:
    comes_back(root)


@pytest.mark.slow
@thorough
@given(configurations())
def test_an_account_comes_back_in_an_empty_one_thoroughly(root: dict[str, Any]) -> None:
    comes_back(root)


def comes_back(root: dict[str, Any]) -> None:
    first = Ticking()
    try:
        first.do(first.plan(read(text(root))))
    except (ConfigError, MatchError):
        return
    made = exported(first)
    event(f"pinned: {bool(made.pinned)}")
    if made.pinned:
        return  # a SID is one account's own
    second = Ticking(seed=2)
    secrets = dict.fromkeys(made.secrets, "s3cret")
    report = second.apply(read(made.files["reconciler.yaml"], secrets))
    assert report.exit_code == 0, [
        outcome for result in report.results for outcome in result.outcomes if outcome.status != "done"
    ]
    assert said(exported(second)) == said(made)
    before, after = meaning(first), meaning(second)
    assert before == {place: after[place] for place in before}


def _plain(value: Any) -> Any:
    """A content without the difference between null, absent, empty and false, and without methods of no URL."""
    if isinstance(value, dict):
        if not value.get("pre_webhook_url") and not value.get("post_webhook_url") and "filters" in value:
            value = {name: item for name, item in value.items() if name != "method" or "url" in value}
        return {name: plain for name, item in value.items() if (plain := _plain(item))}
    return value or None
