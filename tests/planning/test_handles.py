"""Present addresses of what the ledger remembers, and that no handle makes it forget a resource."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from reconciler.address import Address
from reconciler.config.model import Config
from reconciler.errors import MatchError
from reconciler.planning.baseline import Baseline, Record
from reconciler.planning.handles import with_present_handles
from tests.properties.ledgered import Fault, FaultyWorld, Ledgered
from tests.world import World, read

ORDINARY, MANY = 4, 100
quick = settings(
    max_examples=ORDINARY,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    deadline=None,
)
thorough = settings(quick, max_examples=MANY)

BETA = "friendly_name: Beta, type: conversation, permissions: [sendMessage]"
ALPHA = "friendly_name: Alpha, type: conversation, permissions: [sendMessage]"
GAMMA = "friendly_name: Gamma, type: conversation, permissions: [sendMessage]"
OTHER_BETA = "friendly_name: Beta, type: service, permissions: [createConversation]"


def roles(service: str = "s", **fields: str) -> Config:
    """A configuration of one service with roles, by handle."""
    lines = [f"      {handle}: {{{content}}}\n" for handle, content in fields.items()]
    return read(
        f"version: 1\nservices:\n  {service}:\n    friendly_name: s\n    roles:\n{''.join(lines) or '      {}'}"
    )


def present(
    config: Config, entries: dict[int, Config], records: dict[str, Record]
) -> dict[str, tuple[int | None, tuple[int, ...], dict[int, str], list[str]]]:
    """What is remembered of roles: the entries, their addresses, and the name in each of these, by present address."""
    found = with_present_handles(
        Baseline(
            records={Address.parse(f"services.{name}"): record for name, record in records.items()},
            declarations={number: one.resources for number, one in entries.items()},
        ),
        config,
    )
    return {
        str(address).removeprefix("services."): (
            record.baseline,
            record.attempted,
            {number: str(one).removeprefix("services.") for number, one in record.declared_as.items()},
            [
                declared.natural_key
                for number in (record.baseline, *record.attempted)
                if number and (declared := found.declarations[number].get(address)) is not None
            ],
        )
        for address, record in found.records.items()
    }


def test_two_resources_never_have_one_address() -> None:
    """Each entry's own declarations would give both records the address `b`."""
    entries = {1: roles(a=BETA, b=ALPHA), 2: roles(a=OTHER_BETA, b=ALPHA)}
    records = {"s": Record(2), "s.roles.a": Record(1), "s.roles.b": Record(2)}
    assert present(roles(b=BETA), entries, records) == {
        "s": (2, (), {}, ["s"]),
        "s.roles.b": (1, (), {1: "s.roles.a"}, ["Beta"]),
        "s.roles.Alpha": (2, (), {2: "s.roles.b"}, ["Alpha"]),
    }


def test_a_free_address_is_none_of_the_configuration() -> None:
    entries = {1: roles(a=BETA, b=ALPHA)}
    records = {"s": Record(1), "s.roles.a": Record(1), "s.roles.b": Record(1)}
    assert present(roles(b=BETA, Alpha=GAMMA), entries, records) == {
        "s": (1, (), {}, ["s"]),
        "s.roles.b": (1, (), {1: "s.roles.a"}, ["Beta"]),
        's.roles["Alpha (2)"]': (1, (), {1: "s.roles.b"}, ["Alpha"]),
    }


def test_what_an_entry_calls_otherwise_is_found_under_that_address() -> None:
    entries = {1: roles(a=ALPHA, b=BETA), 2: roles(a=BETA)}
    records = {
        "s": Record(2),
        "s.roles.a": Record(2),
        "s.roles.Alpha": Record(1, (2,), declared_as={1: Address.parse("services.s.roles.a")}),
    }
    for config in (roles(a=BETA), roles(a=BETA, Alpha=GAMMA), roles(c=BETA), roles("t", a=BETA)):
        found = {tuple(one[3]): one[:2] for one in present(config, entries, records).values()}
        assert found == {("s",): (2, ()), ("Beta",): (2, ()), ("Alpha",): (1, (2,))}


def test_a_duplicate_of_an_earlier_release_is_one_record() -> None:
    entries = {1: roles(a=BETA), 2: roles("t", b=BETA)}
    records = {
        "s": Record(1),
        "s.roles.a": Record(1, sid_digest="x"),
        "t": Record(1, (2,)),
        "t.roles.b": Record(1, (2,), sid_digest="x"),
    }
    for config, service, handle in (
        (roles("t", b=BETA), "t", "b"),
        (roles("u", c=BETA), "u", "c"),
        (roles(), "s", "a"),
    ):
        found = present(config, entries, records)
        assert {name: one[:2] for name, one in found.items() if name == service} == {service: (1, (2,))}
        assert [one[3] for name, one in found.items() if ".roles." in name] == [["Beta", "Beta"]]
        assert len(found) == 2 or not handle


# --- over whole histories --------------------------------------------------------------------------------------------


@pytest.fixture
def ledger() -> Ledgered:
    return Ledgered(FaultyWorld(World()))


def test_a_removal_that_is_withheld_is_remembered_beside_the_handle_s_new_resource(ledger: Ledgered) -> None:
    protected = f"{ALPHA}, lifecycle: {{prevent_destroy: true}}"
    ledger.apply(roles(a=protected, b=BETA))
    for _ in range(2):
        report = ledger.apply(roles(a=BETA))
        assert report is not None
        assert report.exit_code == 5
        assert {str(address): record.declared_as for address, record in ledger.remembered.items()} == {
            "services.s": {},
            "services.s.roles.a": {},
            "services.s.roles.Alpha": {1: Address.parse("services.s.roles.a")},
        }
    ledger.apply(roles(a=BETA, b=ALPHA))
    ledger.apply(roles(a=BETA))
    assert names(ledger) == {"Beta"}


def test_only_one_of_two_exchanged_handles_is_applied(ledger: Ledgered) -> None:
    ledger.apply(roles(a=ALPHA, b=BETA))
    other = BETA.replace("sendMessage", "leaveConversation")
    ledger.apply(roles(a=other, b=ALPHA.replace("sendMessage", "leaveConversation")), targets=["services.s.roles.a"])
    assert names(ledger) == {"Alpha", "Beta"}
    ledger.apply(roles(b=other))
    assert names(ledger) == {"Beta"}


def names(ledger: Ledgered) -> set[str]:
    """The roles that are live, without built-in ones."""
    path = f"/v1/Services/{ledger.account.service('s')}/Roles"
    return {item["friendly_name"] for item in ledger.account.get(path)["roles"]} & {"Alpha", "Beta", "Gamma"}


HANDLES, NAMES = ("a", "b", "c"), ("X", "Y", "Z", "a")


@st.composite
def configurations(draw: st.DrawFn) -> Config:
    """Conversations whose handles, names, and contents change, in a service whose handle changes."""
    handles = draw(st.lists(st.sampled_from(HANDLES), unique=True))
    called = draw(st.permutations(NAMES))
    lines = [
        f"      {handle}: {{unique_name: {name}, friendly_name: {draw(st.sampled_from(('one', 'two')))}}}\n"
        for handle, name in zip(handles, called, strict=False)
    ]
    service = draw(st.sampled_from(("s", "s", "t")))
    inside = "".join(["    conversations:\n", *lines] if lines else [])
    return read(f"version: 1\nlimits: {{deletes: 100}}\nservices:\n  {service}:\n    friendly_name: S\n{inside}")


def check(data: st.DataObject) -> None:
    """Whatever is applied, in part, refused, or killed: an empty configuration removes all that was created."""
    ledger = Ledgered(FaultyWorld(World()))
    pool = data.draw(st.lists(configurations(), min_size=2, max_size=3))
    for _ in range(data.draw(st.integers(2, 6))):
        config = data.draw(st.sampled_from(pool))
        service = min(config.resources)
        options, fault = {}, None
        if data.draw(st.booleans()) and ledger.applied:
            options = {"targets": [f"{service}.conversations.{data.draw(st.sampled_from(HANDLES))}"]}
        else:
            faults = st.builds(Fault, st.integers(0, 4), st.sampled_from(("before", "after", "refused")))
            fault = data.draw(st.one_of(st.none(), faults))
        try:
            ledger.apply(config, fault=fault, **options)
        except MatchError:
            continue  # exchanged names, or a target that is nowhere
    for _ in range(2):
        ledger.apply(read("version: 1\nservices: {S: {}}\n"))
    path = f"/v1/Services/{ledger.account.service('S')}/Conversations"
    assert ledger.account.get(path)["conversations"] == []


@given(st.data())
@quick
def test_nothing_that_an_apply_created_is_forgotten(data: st.DataObject) -> None:
    check(data)


@pytest.mark.slow
@given(st.data())
@thorough
def test_nothing_that_an_apply_created_is_forgotten_often(data: st.DataObject) -> None:
    check(data)
