"""Both sides of a field as text: a reviewer must be able to see each difference."""

from __future__ import annotations

import time

import pytest

from reconciler.render.html.sides import sides
from reconciler.render.rows import Plain
from reconciler.render.terminal import escape
from reconciler.render.values import TEXT_LIMIT, both_texts, line_texts

FILLER = "Please wait for the next agent. " * 9


def shown(old: str, new: str, limit: int = TEXT_LIMIT) -> tuple[str, str]:
    return both_texts(Plain(old), Plain(new), limit=limit)


@pytest.mark.parametrize("limit", [TEXT_LIMIT, 200])
def test_a_long_text_shows_each_of_two_differences(limit: int) -> None:
    before, after = shown(
        f"Hello {FILLER}https://help.example.com {FILLER}", f"Hallo {FILLER}https://evil.example.net {FILLER}", limit
    )
    assert before.startswith('"Hello ')
    assert "help.example.com" in before
    assert "evil.example.net" in after
    assert before.endswith('"… (607 characters)')
    assert len(after) < limit + 40


def test_differences_that_do_not_fit_are_counted() -> None:
    old = FILLER.join(f"old{number} " for number in range(9))
    before, after = shown(old, old.replace("old", "new"), 200)
    assert "old0" in before
    assert "new1" in after
    assert before.endswith("; 7 more differences)")
    assert after.endswith("; 7 more differences)")


def test_a_difference_that_is_cut_says_that_it_continues() -> None:
    before, after = shown("a" * 2_000, "b" * 2_000)
    assert before.endswith("(2,000 characters; the difference continues)")
    assert after.endswith("(2,000 characters; the difference continues)")


def test_a_long_line_shows_each_of_two_differences() -> None:
    old, new = f"Hello {FILLER} help.example.com {FILLER}", f"Hallo {FILLER} evil.example.net {FILLER}"
    (_, before), (_, after) = line_texts([("-", old), ("+", new)], limit=200)
    assert "Hello" in before
    assert "help.example.com" in before
    assert "evil.example.net" in after


def test_a_hostile_text_is_compared_in_little_time() -> None:
    started = time.perf_counter()
    shown("b " + "a " * 20_000 + "c", "c " + "a " * 19_000 + "b")
    shown("b " + "a " * 490 + "c", "c " + "a " * 400 + "b")
    shown("b " + "a x " * 240 + "c", "c " + "x a " * 240 + "b")
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("caf\u00e9", "cafe\u0301", ("caf\\u00e9", "cafe\\u0301")),
        ("agent", "\u0430gent", ("agent", "\\u0430gent")),
        ("\u039f", "O", ("\\u039f", "O")),
        ("caf\u00e9", "cafe", ("caf\u00e9", "cafe")),
        ("\u043c\u0438\u0440", "\u043c\u0438\u0440\u044b", ("\u043c\u0438\u0440", "\u043c\u0438\u0440\u044b")),
    ],
)
def test_sides_that_look_the_same_are_shown_by_code_points(old: str, new: str, expected: tuple[str, str]) -> None:
    assert shown(old, new) == expected
    assert [text for _, text in line_texts([("-", old), ("+", new)], limit=200)] == list(expected)
    before, after = sides(Plain(old), Plain(new))
    assert before != after
    assert ("\\u" in before + after) == ("\\u" in "".join(expected))


@pytest.mark.parametrize("blank", ["\u2800", "\U0001d159"])
def test_symbols_whose_glyph_is_blank_are_made_visible(blank: str) -> None:
    assert escape(f"agent{blank}").isascii()
    assert escape(f"agent{blank}").startswith("agent\\")
