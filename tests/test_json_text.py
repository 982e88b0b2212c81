"""JSON as the standard has it, and no more."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.json_text import nests_deeper, parse_document, parse_live


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a": NaN}', "JSON has no NaN"),
        ('{"a": -Infinity}', "JSON has no -Infinity"),
        ('{"a": 1e999}', "a number is too large"),
        ('{"a": 1, "b": {"c": 1, "c": 1}, "d": 1}', "an object has a duplicate key"),
        ('{"a": "x\\ud83dy"}', "it contains half of a surrogate pair"),
        ('{"\\uDC00": 1}', "it contains half of a surrogate pair"),
        (b'{"a": "\xff"}', "it is not UTF-8 text"),
        ("1" * 4301, "a number has more than 4300 digits"),
        ('{"a": }', "Expecting value: line 1 column 7 (char 6)"),
    ],
)
def test_what_is_no_json_is_told(text: str | bytes, why: str) -> None:
    with pytest.raises(ValueError) as told:  # noqa: PT011 - the message is compared below
        parse_document(text)
    assert str(told.value) == why


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, 1.5, true, null, "é"]}', {"a": [1, 1.5, True, None, "é"]}),
        (b'"\xc3\xa9"', "é"),
        ('"\\ud83d\\ude00"', "😀"),
        ("9" * 4300, 10**4300 - 1),
        ("-0.0", -0.0),
    ],
)
def test_what_is_json_is_read(text: str | bytes, value: Any) -> None:
    assert parse_document(text) == value


def test_objects_hold_so_many_keys_and_no_more() -> None:
    keys = [f'"{number}": 0' for number in range(20_001)]
    found = parse_document("{" + ", ".join(keys[1:]) + "}")
    assert isinstance(found, dict)
    assert len(found) == 20_000
    with pytest.raises(ValueError, match=r"^an object has more than 20000 keys$"):
        parse_document("{" + ", ".join(keys) + "}")


def test_documents_nest_so_deep_and_no_deeper() -> None:
    assert parse_document("[" * 130 + "]" * 130) is not None
    with pytest.raises(RecursionError):
        parse_document("[" * 131 + "]" * 131)
    with pytest.raises(RecursionError):
        parse_document("[" * 129 + "[1]" + "]" * 129)


def test_of_a_key_that_an_api_kept_twice_the_last_one_counts() -> None:
    assert parse_live('{"a": 1, "a": 2}') == {"a": 2}
    for text in ("[NaN]", "[Infinity]", "[1e999]", "[1e999"):
        with pytest.raises(ValueError):  # noqa: PT011 - of several sorts
            parse_live(text)
    assert parse_live("1e308") == 1e308


@pytest.mark.parametrize(
    ("value", "levels"),
    [(1, 1), ("text", 1), ([], 1), ({}, 1), ([1], 2), ({"a": 1}, 2), ([[], [1], {"a": {"b": "text"}}], 4)],
)
def test_levels_are_counted(value: Any, levels: int) -> None:
    assert not nests_deeper(value, levels)
    assert nests_deeper(value, levels - 1)
