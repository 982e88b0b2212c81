"""What differs: only what the files name, and only by meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.api import wire
from reconciler.change import FieldChange
from reconciler.config.model import Declared, Lifecycle, Reference, Unknown, Value
from reconciler.errors import Place
from reconciler.kinds import BY_NAME
from reconciler.kinds.base import Kind
from reconciler.kinds.comparable import canonical_json
from reconciler.kinds.fields import Content
from reconciler.kinds.markers import Declaration, Secret, Wire, WriteOnly
from reconciler.planning.diff import diff, holds_secret, inner_changes
from reconciler.state import Live
from tests.builders import HERE, DeclaredValues, declared, live, reference, sid, value

SUPPORT = sid("IS", 1)
HOOK = "https://hooks.example.com/pre"


class Sealed(Declaration):
    """Shapes and markers that none of the kinds has yet."""

    attributes: Annotated[dict[str, Any] | None, Wire("Attributes")] = None
    certificate: Annotated[str | None, Wire("Certificate"), WriteOnly(), Secret()] = None
    note: Annotated[str | None, Wire("Note"), Secret()] = None


SEALED = Kind(name="sealed", model=Sealed, section=("sealed",), path="/v1/Sealed", summary="", docs="", sid_prefix="XX")


def nothing(_reference: Reference) -> str | None:
    return None


def nameless(_sid: str) -> str:
    return ""


def changes(one: Declared, other: Live, sids: dict[str, str] | None = None) -> tuple[FieldChange, ...]:
    known = {reference(address): found for address, found in (sids or {}).items()}
    return diff(one, other, known.get, nameless)


def differing(address: str, desired: DeclaredValues, before: Mapping[str, Content]) -> dict[str, tuple[object, object]]:
    one = declared(address, desired)
    item = live(one.kind.name, contents=before, parents=(SUPPORT,) if one.parent is not None else ())
    return {change.path: (change.before, change.after) for change in changes(one, item)}


def sealed(contents: dict[str, Value], *, sensitive: frozenset[str] = frozenset()) -> Declared:
    made = declared("account.webhooks")
    return Declared(made.address, SEALED, HERE, values=contents, sensitive=sensitive)


# --- one-sidedness ---------------------------------------------------------------------------------------------------


def test_what_the_files_leave_out_is_not_compared() -> None:
    before: dict[str, Content] = {
        "method": "GET",
        "filters": ("onMessageAdded",),
        "pre_webhook_url": HOOK,
        "target": "flex",
    }
    assert differing("account.webhooks", {"method": "POST"}, before) == {"method": ("GET", "POST")}


def test_nothing_named_is_nothing_different() -> None:
    assert differing("account.webhooks", {}, {"method": "GET", "target": "flex"}) == {}


def test_a_change_tells_everything_about_a_field() -> None:
    place = Place("support.yaml", 12, 5, "overlay prod.yaml")
    one = declared("account.webhooks", {"pre_webhook_url": Value(HOOK, place, sensitive=True, secrets=("HOOK",))})
    assert changes(one, live("account_webhook", contents={"pre_webhook_url": "https://old.example.com"})) == (
        FieldChange(
            path="pre_webhook_url",
            before="https://old.example.com",
            after=HOOK,
            sensitive=True,
            secrets=("HOOK",),
            source=place,
        ),
    )


def test_changes_come_in_the_order_of_the_kinds_fields() -> None:
    desired: dict[str, Content] = {
        "log_enabled": True,
        "removed_from_conversation.sound": "x",
        "new_message.template": "y",
    }
    found = differing("services.s.notifications", desired, {})
    assert list(found) == ["log_enabled", "new_message.template", "removed_from_conversation.sound"]


def test_a_field_that_cannot_change_in_place_says_so() -> None:
    one = declared("services.s.roles.agent", {"type": "service", "permissions": ("a",)})
    before = {"friendly_name": "clerk", "type": "conversation", "permissions": ("b",)}
    found = changes(one, live("role", contents=before, parents=(SUPPORT,)))
    assert [(item.path, item.forces_replacement) for item in found] == [
        ("friendly_name", True),
        ("type", True),
        ("permissions", False),
    ]


@pytest.mark.parametrize("path", ["method", "filters"])
def test_what_is_to_be_ignored_is_not_compared(path: str) -> None:
    one = declared("account.webhooks", {"method": "POST", "filters": ("a",)}, ignore_changes=[path])
    found = changes(one, live("account_webhook", contents={"method": "GET"}))
    assert {item.path for item in found} == {"method", "filters"} - {path}


def test_what_is_never_returned_is_not_compared() -> None:
    one = sealed({"certificate": value("new"), "attributes": value(None)})
    assert changes(one, Live(SEALED, "XX", values={"attributes": None})) == ()


def test_what_is_not_known_is_not_compared() -> None:
    one = declared("account.webhooks", {"pre_webhook_url": Unknown("secret HOOK is not set")})
    assert changes(one, live("account_webhook", contents={"pre_webhook_url": HOOK})) == ()


def test_a_field_that_the_live_resource_does_not_even_hold_is_empty() -> None:
    one = declared("account.webhooks", {"method": "POST", "filters": None})
    found = diff(one, Live(BY_NAME["account_webhook"], "x"), nothing, nameless)
    assert [(item.path, item.before, item.after) for item in found] == [("method", None, "POST")]


# --- equality --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "path", "desired", "before"),
    [
        ("account.webhooks", "filters", ("b", "a"), ("a", "b")),
        ("account.webhooks", "filters", None, None),
        ("account.webhooks", "filters", (), None),
        ("account.webhooks", "method", "post", "POST"),
        ("account.webhooks", "pre_webhook_url", None, ""),
        ("account.webhooks", "pre_webhook_url", "", None),
        ("account.configuration", "default_inactive_timer", "PT60M", "PT1H"),
        ("account.configuration", "default_closed_timer", "P1W", "P7D"),
        ("services.s.notifications", "log_enabled", False, None),
        ("services.s.notifications", "log_enabled", None, False),
        ("services.s.notifications", "new_message.sound", None, None),
        ("addresses.main", "auto_creation.studio_retry_count", 0, 0),
        ("addresses.main", "type", "SMS", "sms"),
    ],
)
def test_what_means_the_same_is_no_change(address: str, path: str, desired: Content, before: Content) -> None:
    assert path not in differing(address, {path: desired}, {path: before})


@pytest.mark.parametrize(
    ("address", "path", "desired", "before"),
    [
        ("account.webhooks", "filters", ("a",), ("a", "b")),
        ("account.webhooks", "filters", None, ("a",)),
        ("account.webhooks", "filters", ("A",), ("a",)),
        ("account.webhooks", "pre_webhook_url", HOOK, HOOK + "/"),
        ("account.webhooks", "pre_webhook_url", HOOK, "HTTPS" + HOOK[5:]),
        ("account.webhooks", "pre_webhook_url", None, HOOK),
        ("account.configuration", "default_inactive_timer", "PT61M", "PT1H"),
        ("account.configuration", "default_inactive_timer", "PT1H", "soon"),
        ("account.configuration", "default_inactive_timer", "PT1H", "PT" + "9" * 9999 + "S"),
        ("services.s.notifications", "log_enabled", None, True),
        ("services.s.notifications", "new_message.sound", "ring", "Ring"),
        ("addresses.main", "auto_creation.studio_retry_count", 0, None),
        ("addresses.main", "auto_creation.studio_retry_count", 3, "three"),
        ("addresses.main", "friendly_name", "ü", "u\u0308"),
    ],
)
def test_what_means_something_else_is_a_change(address: str, path: str, desired: Content, before: Content) -> None:
    assert differing(address, {path: desired}, {path: before})[path] == (before, desired)


@pytest.mark.parametrize(
    ("desired", "before", "same"),
    [
        ({"a": 1, "b": [2]}, {"b": [2.0], "a": 1}, True),
        ({}, None, True),
        (None, {}, True),
        ({"a": True}, {"a": 1}, False),
        ({"a": 0}, {"a": False}, False),
        ({"a": [1, 2]}, {"a": [2, 1]}, False),
        ({"a": None}, {}, False),
        ({}, [], False),
        ({"a": 1}, '{"a": 1', False),
    ],
)
def test_attributes_compare_parsed(desired: Content, before: Content, same: bool) -> None:  # noqa: FBT001 - a table's column
    found = changes(sealed({"attributes": value(desired)}), Live(SEALED, "XX", values={"attributes": before}))
    assert (found == ()) is same


contents = {
    "method": st.sampled_from(["GET", "POST", "post"]),
    "filters": st.none() | st.lists(st.sampled_from(["a", "b", "c"])).map(lambda some: tuple(sorted(set(some)))),
    "pre_webhook_url": st.none() | st.sampled_from([HOOK, HOOK + "?x"]),
}


@settings(max_examples=50)
@given(desired=st.fixed_dictionaries({}, optional=contents), before=st.fixed_dictionaries({}, optional=contents))
def test_after_sending_what_differs_nothing_differs(desired: dict[str, Content], before: dict[str, Content]) -> None:
    one = declared("account.webhooks", desired)
    found = changes(one, live("account_webhook", contents=before))
    after: dict[str, Any] = {**before, **{item.path: item.after for item in found}}
    assert changes(one, live("account_webhook", contents=after)) == ()
    assert {item.path for item in found} <= set(desired)


@pytest.mark.parametrize(
    "answered", [{"filters": ["b", "a"], "method": "post"}, {"filters": ["a", "b", "b"], "method": "POST"}]
)
def test_what_the_api_answers_in_its_own_way_is_no_change(answered: dict[str, Any]) -> None:
    one = declared("account.webhooks", {"filters": ("a", "b"), "method": "POST", "post_webhook_url": None})
    kind = BY_NAME["account_webhook"]
    assert changes(one, Live(kind, "x", values=wire.decode(kind, answered).values)) == ()


# --- references ------------------------------------------------------------------------------------------------------


def test_a_reference_is_the_same_when_it_resolves_to_what_is_live() -> None:
    one = declared("account.configuration", {"default_service": reference("services.support")})
    item = live("account_configuration", contents={"default_service": SUPPORT})
    assert changes(one, item, {"services.support": SUPPORT}) == ()


@pytest.mark.parametrize("before", [None, "", sid("IS", 2)])
def test_a_reference_is_a_change_when_it_resolves_to_another(before: Content) -> None:
    support = reference("services.support")
    one = declared("account.configuration", {"default_service": support})
    found = changes(
        one, live("account_configuration", contents={"default_service": before}), {"services.support": SUPPORT}
    )
    assert [(item.before, item.after) for item in found] == [(before, support)]


@pytest.mark.parametrize("before", [None, sid("IS", 2)])
def test_a_reference_to_what_is_yet_to_be_is_a_change(before: Content) -> None:
    one = declared("account.configuration", {"default_service": reference("services.support")})
    assert len(changes(one, live("account_configuration", contents={"default_service": before}))) == 1


def test_a_reference_may_be_a_sid() -> None:
    one = declared("account.configuration", {"default_service": SUPPORT})
    assert changes(one, live("account_configuration", contents={"default_service": SUPPORT})) == ()
    assert len(changes(one, live("account_configuration", contents={"default_service": sid("IS", 2)}))) == 1


def test_what_a_reference_was_is_told_by_name() -> None:
    one = declared("account.configuration", {"default_service": SUPPORT, "default_closed_timer": "P1D"})
    before = {"default_service": sid("IS", 2), "default_closed_timer": "P2D"}
    names = {sid("IS", 2): "Sales", SUPPORT: "Support"}
    found = diff(one, live("account_configuration", contents=before), nothing, names.__getitem__)
    assert {item.path: (item.before_name, item.after_name) for item in found} == {
        "default_service": ("Sales", "Support"),
        "default_closed_timer": ("", ""),
    }


# --- what may not be shown -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("https://ada:secret@hooks.example.com", True),
        ("https://ada:@hooks.example.com", True),
        ("//ada:secret@hooks.example.com", True),
        ("https://[broken:secret@", True),
        ("https://ada@hooks.example.com", True),
        ("https://hooks.example.com/?token=x", True),
        ("https://hooks.example.com/?a=b&X-Api-Key=x", True),
        ("https://hooks.example.com/#access_token=x", True),
        ("https://hooks.example.com/?token=", False),
        ("https://hooks.example.com/?author=ada&page=2", False),
        ("https://hooks.example.com/?to=ada@example.com", False),
        ("https://hooks.example.com/a:b@c", False),
        ("https://hooks.example.com", False),
        ("", False),
        (None, False),
        (7, False),
    ],
)
def test_tells_a_secret_in_a_url(content: Content, expected: bool) -> None:  # noqa: FBT001 - a table's column
    assert holds_secret(BY_NAME["account_webhook"].by_path["pre_webhook_url"], content) is expected


def test_only_a_url_carries_a_password() -> None:
    text = BY_NAME["address_configuration"].by_path["friendly_name"]
    assert not holds_secret(text, "https://ada:secret@hooks.example.com")


@pytest.mark.parametrize(
    ("desired", "before"),
    [(HOOK, "https://ada:secret@hooks.example.com"), ("https://ada:secret@hooks.example.com", HOOK)],
)
def test_a_url_with_a_password_on_either_side_is_not_shown(desired: str, before: str) -> None:
    one = declared("account.webhooks", {"pre_webhook_url": desired})
    (found,) = changes(one, live("account_webhook", contents={"pre_webhook_url": before}))
    assert found.sensitive
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    "one",
    [
        sealed({"attributes": value({"a": 1}, sensitive=True)}),
        sealed({"attributes": value({"a": 1})}, sensitive=frozenset({"attributes"})),
        sealed({"note": value("x")}),
    ],
)
def test_a_sensitive_value_a_sensitive_field_and_a_secret_are_not_shown(one: Declared) -> None:
    (found,) = changes(one, Live(SEALED, "XX", values={"attributes": {"token": "t0ken"}, "note": "t0ken"}))
    assert found.sensitive
    assert "t0ken" not in repr(found)


def test_an_ordinary_value_is_shown() -> None:
    one = declared("account.webhooks", {"method": "POST"})
    (found,) = changes(one, live("account_webhook", contents={"method": "GET"}))
    assert repr(found) == "FieldChange('method', 'GET' -> 'POST')"


def test_what_is_sensitive_is_still_compared() -> None:
    one = sealed({"note": value("x", sensitive=True)})
    assert changes(one, Live(SEALED, "XX", values={"note": "x"})) == ()
    assert one.lifecycle == Lifecycle()


# --- inside JSON -----------------------------------------------------------------------------------------------------


def inside(before: Any, after: Any) -> list[tuple[str, Any, Any]]:
    return [(change.path, change.before, change.after) for change in inner_changes(before, after)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"team": 1, "vip": True}, {"team": 2, "vip": True}, [("team", 1, 2)]),
        ({"tags": [{"name": "a"}, {"id": 1}]}, {"tags": [{"name": "a"}, {"id": 2}]}, [("tags[1].id", 1, 2)]),
        ({"skills": ["a", "b"]}, {"skills": ["a", "c", "d"]}, [("skills[1]", "b", "c"), ("skills[2]", None, "d")]),
        ({"skills": ["a", "b", "c"]}, {"skills": ["b", "c"]}, [("skills[0]", "a", None)]),
        ({"old": 1}, {"new": 1}, [("new", None, 1), ("old", 1, None)]),
        ({"a": {"b": 1}}, {"a": [1]}, [("a", {"b": 1}, [1])]),
        ({"a.b": 1, "__c": 1}, {"a.b": 2, "__c": 2}, [("__c", 1, 2), ('["a.b"]', 1, 2)]),
        ({"": 1}, {"": 2}, [('[""]', 1, 2)]),
        ({"n": 1}, {"n": 1.0}, []),
        ({"n": 1, "x": [0]}, {"n": True, "x": [False]}, [("n", 1, True), ("x[0]", 0, False)]),
        ({"n": 1.1}, {"n": 1.1000000000000003}, [("n", 1.1, 1.1000000000000003)]),
        ({"n": 10**400}, {"n": 10**400 + 1}, [("n", 10**400, 10**400 + 1)]),
        ({"n": None}, {}, [("n", None, None)]),
        (None, {"n": 1}, []),
    ],
)  # fmt: skip
def test_says_where_inside_attributes_two_differ(before: Any, after: Any, expected: list[tuple[str, Any, Any]]) -> None:
    assert inside(before, after) == expected


def test_tells_null_from_nothing() -> None:
    [change] = inner_changes({"n": None}, {})
    assert change.kind == "removed"


MANY = {str(number): number for number in range(2000)}


@pytest.mark.parametrize("odd", [None, [], "text", MANY], ids=lambda odd: str(odd)[:10])
def test_says_nothing_of_what_is_no_mapping_or_too_large(odd: Any) -> None:
    assert inside(odd, {"a": 1}) == []
    assert inside({"a": 1}, odd) == []


def test_what_is_just_not_too_large_is_looked_into() -> None:
    keys = {str(number): number for number in range(1999)}
    assert inside(keys, keys | {"7": 0}) == [("7", 7, 0)]


scalars = st.none() | st.booleans() | st.integers(0, 2) | st.floats(0, 2) | st.sampled_from(["", "1", "true", "a"])
lists = st.dictionaries(st.sampled_from(["a", "b"]), st.lists(scalars, max_size=5), max_size=2)


@given(lists, lists)
def test_the_differences_inside_are_all_of_them(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> None:
    made = {key: dict(enumerate(items)) for key, items in before.items()}
    added: dict[str, dict[int, Any]] = {}
    for change in inner_changes(before, after):
        key, _, index = change.path.rstrip("]").partition("[")
        if not index:
            assert change.kind in {"added", "removed"}
            made.pop(key, None)
            if change.kind == "added":
                made[key] = dict(enumerate(after[key]))
        elif change.kind == "added":
            added.setdefault(key, {})[int(index)] = change.after
        elif change.kind == "removed":
            del made[key][int(index)]
        else:
            made[key][int(index)] = change.after
    rebuilt = {key: [items[index] for index in sorted(items)] for key, items in made.items()}
    for key, items in added.items():
        for at in sorted(items):
            rebuilt[key].insert(at, items[at])
    assert canonical_json(rebuilt) == canonical_json(after)


def test_lists_of_many_equal_items_are_compared_in_a_moment() -> None:
    before = {"items": ["a", "b"] * 450}
    found = inner_changes(before, {"items": ["a", "c"] * 450})
    assert len(found) == 450


def test_differences_inside_are_told_of_attributes_that_are_shown() -> None:
    account = Live(SEALED, "XX", values={"attributes": {"team": 1, "kept": 2}})
    (found,) = changes(sealed({"attributes": value({"team": 2, "kept": 2})}), account)
    assert not found.sensitive
    assert [(change.path, change.before, change.after) for change in found.inside] == [("team", 1, 2)]
    (found,) = changes(sealed({"attributes": value({"team": 2, "kept": 2}, sensitive=True)}), account)
    assert (found.sensitive, found.inside) == (True, ())


def test_equal_attributes_never_reach_deepdiff(monkeypatch: pytest.MonkeyPatch) -> None:
    import deepdiff

    monkeypatch.setattr(deepdiff, "DeepDiff", None)
    account = Live(SEALED, "XX", values={"attributes": {"team": 1.0, "tags": ["a"]}})
    assert changes(sealed({"attributes": value({"tags": ["a"], "team": 1})}), account) == ()
    with pytest.raises(TypeError):
        changes(sealed({"attributes": value({"tags": ["b"], "team": 1})}), account)
