"""Suggestions that look like what is written."""

from __future__ import annotations

import pytest

from reconciler.config.lookalike import did_you_mean
from tests.config.told import problems_of


@pytest.mark.parametrize(
    ("wrong", "meant", "more"),
    [
        ("caf\u00e9", "cafe\u0301", " It has U+0065 U+0301 in place of U+00E9."),
        ("cafe\u0301", "caf\u00e9", " It has U+00E9 in place of U+0065 U+0301."),
        ("age\u200bnt", "agent", " It has no U+200B."),
        ("agent", "age\u200bnt", " It also has U+200B."),
        ("\u0430gent", "agent", " It has U+0061 in place of U+0430."),
        ("a\u00a0b", "a b", " It has U+0020 in place of U+00A0."),
        ("agnt", "agent", ""),
        ("Muller", "M\u00fcller", ""),
        ("\u00fcber", "\u00fcbel", ""),
        ("x" * 300 + "\u00e9", "x" * 300 + "e\u0301", ""),
    ],
)
def test_a_suggestion_names_the_difference_that_nobody_sees(wrong: str, meant: str, more: str) -> None:
    assert did_you_mean(wrong, meant) == f"did you mean {meant}?{more}"


@pytest.mark.parametrize(
    ("declared", "reference", "more"),
    [
        ("caf\u00e9", "cafe\u0301", " It has U+00E9 in place of U+0065 U+0301."),
        ("agent", "\u0430gent", " It has U+0061 in place of U+0430."),
        ("agent", "agnt", ""),
    ],
)
def test_a_reference_that_looks_like_a_handle(declared: str, reference: str, more: str) -> None:
    text = (
        f'services: {{s: {{roles: {{"{declared}": {{type: conversation, permissions: [sendMessage]}}}}, '
        f'configuration: {{default_conversation_role: "{reference}"}}}}}}'
    )
    (hint,) = [item.hint for item in problems_of(text) if item.severity == "error"]
    assert hint == f"did you mean {declared}?{more}"
