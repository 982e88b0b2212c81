"""Escaping, measuring and wrapping."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.json_text import Json
from reconciler.render.rows import Plain
from reconciler.render.terminal import Paint, cells, cut, escape, wrap
from reconciler.render.values import both_texts, literal


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text: ä, 日本, 👍", "plain text: ä, 日本, 👍"),
        ("\x1b[31m", "\\u001b[31m"),
        ("\x9b2J", "\\u009b2J"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
        ("a\u00a0b", "a\\u00a0b"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("x\ufe0f\u3164", "x\\ufe0f\\u3164"),
    ],
)
def test_escape(text: str, shown: str) -> None:
    assert escape(text) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("word", "word"),
        ("+14155550100", "+14155550100"),
        ("https://a.example/b?c=d&e", "https://a.example/b?c=d&e"),
        ("two words", '"two words"'),
        ("", '""'),
        ("10", '"10"'),
        ("1e3", '"1e3"'),
        ("True", '"True"'),
        ("null", '"null"'),
        ("(none)", '"(none)"'),
        ("a,b", '"a,b"'),
        ('say "hi"', '"say \\"hi\\""'),
        ("back\\slash", '"back\\\\slash"'),
        ("\x1b", '"\\u001b"'),
        (10, "10"),
        (True, "true"),
        ([1, {"b": None}], '[1, {"b": null}]'),
    ],
)
def test_literal(value: Json, shown: str) -> None:
    assert literal(value) == shown


@given(st.text(), st.integers(10, 60))
def test_wrapped_lines_fit_and_lose_nothing_but_single_spaces(text: str, width: int) -> None:
    escaped = escape(text)
    lines = wrap(escaped, width)
    assert all(cells(line) <= width for line in lines)
    position = 0
    for line in lines:
        if position and not escaped.startswith(line, position):
            assert escaped[position] == " "
            position += 1
        assert escaped.startswith(line, position)
        position += len(line)
    assert escaped[position:] in ("", " ")


@given(st.text(), st.integers(1, 40))
def test_cut_fits(text: str, width: int) -> None:
    assert cells(cut(escape(text), width)) <= width


@given(st.text(), st.text(), st.text(), st.integers(1, 50))
def test_two_texts_that_differ_are_shown_differently(head: str, tail: str, more: str, limit: int) -> None:
    before, after = head + tail, head + more + "!" + tail
    one, other = both_texts(Plain(before), Plain(after), limit=limit)
    assert one != other


def test_wide_characters_count_twice_and_combining_ones_not_at_all() -> None:
    assert cells("日本") == 4
    assert cells("e\u0301") == 1
    assert cut("日本語", 4) == "日…"


def test_paint() -> None:
    assert Paint(colour=True)("x", "bold", "red") == "\x1b[1;31mx\x1b[0m"
    assert Paint(colour=True)("") == ""
    assert Paint(colour=False)("x", "bold") == "x"
