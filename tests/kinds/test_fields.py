"""What contents mean: durations, JSON, and the form in which two contents of one shape are equal."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.kinds import BY_NAME
from reconciler.kinds.base import Kind
from reconciler.kinds.comparable import canonical_json, duration
from reconciler.kinds.fields import Content, Field
from reconciler.kinds.markers import Declaration, Wire


class Attributed(Declaration):
    """None of the kinds has JSON attributes yet; the shape is there all the same."""

    attributes: Annotated[dict[str, Any] | None, Wire("Attributes")] = None


FIELDS: dict[str, Field] = {
    "text": BY_NAME["address_configuration"].by_path["friendly_name"],
    "url": BY_NAME["account_webhook"].by_path["pre_webhook_url"],
    "boolean": BY_NAME["service_notification"].by_path["log_enabled"],
    "integer": BY_NAME["address_configuration"].by_path["auto_creation.studio_retry_count"],
    "choice": BY_NAME["account_webhook"].by_path["method"],
    "set": BY_NAME["account_webhook"].by_path["filters"],
    "duration": BY_NAME["account_configuration"].by_path["default_inactive_timer"],
    "sid": BY_NAME["account_configuration"].by_path["default_messaging_service_sid"],
    "reference": BY_NAME["account_configuration"].by_path["default_service"],
    "json": Kind(name="x", model=Attributed, section=("x",), path="/v1/X", summary="", docs="").by_path["attributes"],
}


def test_the_table_has_every_shape() -> None:
    assert {name: field.shape.value for name, field in FIELDS.items()} == {name: name for name in FIELDS}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PT1M", (0, 60)),
        ("PT60M", (0, 3600)),
        ("PT1H", (0, 3600)),
        ("pt1h", (0, 3600)),
        (" PT1H ", (0, 3600)),
        ("P1D", (0, 86400)),
        ("PT24H", (0, 86400)),
        ("P1W", (0, 604800)),
        ("P1M", (1, 0)),
        ("P1Y", (12, 0)),
        ("P12M", (12, 0)),
        ("P1Y2M3W4DT5H6M7S", (14, 25 * 86400 + 5 * 3600 + 6 * 60 + 7)),
        ("PT0S", (0, 0)),
        ("PT1.0S", (0, 1)),
        ("PT001H", (0, 3600)),
        ("", None),
        ("P", None),
        ("PT", None),
        ("P1DT", None),
        ("1H", None),
        ("PT1.5S", None),
        ("-PT1H", None),
        ("PT-1H", None),
        ("PT1H1H", None),
        ("PT1M1H", None),
        ("PT1H\nPT1H", None),
        ("15 minutes", None),
        ("PT１H", None),
        ("PT٣H", None),
    ],
)
def test_a_duration_is_months_and_seconds(text: str, expected: tuple[int, int] | None) -> None:
    assert duration(text) == expected


def test_a_duration_of_absurd_length_is_none() -> None:
    assert duration("PT" + "9" * 10_000 + "S") is None


@given(st.text(max_size=20))
def test_any_text_is_a_duration_or_none(text: str) -> None:
    found = duration(text)
    assert found is None or (found[0] >= 0 and found[1] >= 0)


@given(st.integers(0, 10**6), st.integers(0, 10**4), st.integers(0, 10**4))
def test_a_duration_counts_whatever_it_is_written_in(seconds: int, minutes: int, hours: int) -> None:
    whole = seconds + 60 * minutes + 3600 * hours
    assert duration(f"PT{hours}H{minutes}M{seconds}S") == duration(f"PT{whole}S") == (0, whole)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_json_in_canonical_form_can_be_hashed_and_equals_itself(value: Any) -> None:
    assert hash(canonical_json(value)) == hash(canonical_json(value))
    assert canonical_json(value) == canonical_json(value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": [1, 2]}, {"a": (1.0, 2)}),
        (0.0, -0.0),
    ],
)
def test_json_of_one_meaning_has_one_form(one: Any, other: Any) -> None:
    assert canonical_json(one) == canonical_json(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (0, False),
        ({"a": 1}, {"a": True}),
        ([1, 2], [2, 1]),
        ([], {}),
        ([["a", 1]], {"a": 1}),
        ("1", 1),
        ("", None),
        (["bool", True], True),
        ({"a": None}, {}),
        (1.5, 1),
    ],
)
def test_json_of_two_meanings_has_two_forms(one: Any, other: Any) -> None:
    assert canonical_json(one) != canonical_json(other)


@pytest.mark.parametrize(
    ("shape", "one", "other"),
    [
        ("text", None, ""),
        ("text", "Ada", "Ada"),
        ("url", None, ""),
        ("boolean", None, False),
        ("boolean", True, True),
        ("integer", 3, 3),
        ("choice", "POST", "post"),
        ("choice", None, ""),
        ("set", ("a", "b"), ("b", "a")),
        ("set", ("a", "a"), ("a",)),
        ("set", None, ()),
        ("duration", "PT60M", "PT1H"),
        ("duration", "P1D", "pt24h"),
        ("duration", None, ""),
        ("duration", "in a while", "in a while"),
        ("sid", None, ""),
        ("reference", None, ""),
        ("json", None, {}),
        ("json", "", {}),
        ("json", {"a": 1, "b": [1.0]}, {"b": [1], "a": 1}),
    ],
)
def test_two_contents_mean_the_same(shape: str, one: Content, other: Content) -> None:
    field = FIELDS[shape]
    assert field.comparable(one) == field.comparable(other)


@pytest.mark.parametrize(
    ("shape", "one", "other"),
    [
        ("text", "Ada", "ada"),
        ("text", "Ada", "Ada "),
        ("text", "ü", "u\u0308"),
        ("url", "https://a.example", "https://a.example/"),
        ("url", "https://a.example", "HTTPS://a.example"),
        ("url", "https://a.example?x=1&y=2", "https://a.example?y=2&x=1"),
        ("boolean", True, None),
        ("integer", 0, None),
        ("integer", 0, 1),
        ("choice", "GET", "POST"),
        ("set", ("a",), ("A",)),
        ("set", ("a",), None),
        ("duration", "P1M", "P30D"),
        ("duration", "PT0S", None),
        ("duration", "PT1H", "PT61M"),
        ("sid", "MG0", None),
        ("json", {"a": True}, {"a": 1}),
        ("json", [], {}),
        ("json", 0, {}),
        ("json", False, {}),
        ("json", {"a": None}, {}),
    ],
)
def test_two_contents_mean_something_else(shape: str, one: Content, other: Content) -> None:
    field = FIELDS[shape]
    assert field.comparable(one) != field.comparable(other)


@pytest.mark.parametrize(
    ("shape", "empty", "filled"),
    [
        ("text", "", "a"),
        ("url", "", "https://a.example"),
        ("boolean", False, True),
        ("integer", None, 0),
        ("choice", None, "GET"),
        ("set", (), ("a",)),
        ("duration", None, "PT1M"),
        ("reference", None, "IS0"),
        ("json", {}, {"a": None}),
    ],
)
def test_empty_is_what_a_field_has_that_was_never_set(shape: str, empty: Content, filled: Content) -> None:
    assert FIELDS[shape].is_empty(empty)
    assert FIELDS[shape].is_empty(None)
    assert not FIELDS[shape].is_empty(filled)
