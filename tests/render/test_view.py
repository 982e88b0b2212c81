"""How plans are walked: differences by lines are right, and nobody pays for those that are not shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.kinds import BY_NAME
from reconciler.render import rows
from reconciler.render.line_diff import DiffLine
from reconciler.render.markdown import plan_markdown
from reconciler.render.view import plan_view
from tests.render import plan_samples as samples

words = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=30)


def sides(lines: tuple[DiffLine, ...], old: list[str], new: list[str]) -> tuple[list[str], list[str]]:
    """Both texts as a difference tells them; what it leaves out is taken from the texts."""
    before: list[str] = []
    after: list[str] = []
    for mark, text in lines:
        if mark == "…":
            before += old[len(before) : len(before) + int(text)]
            after += new[len(after) : len(after) + int(text)]
        if mark in "- ":
            before.append(text)
        if mark in "+ ":
            after.append(text)
    return before, after


@given(words, words)
def test_a_difference_by_lines_tells_both_texts(old: list[str], new: list[str]) -> None:
    texts = "\n".join([*old, "end", "end"]), "\n".join([*new, "end", "end"])
    change = samples.change("x", "role", "update", samples.field("text", *texts))
    row = plan_view(samples.plan(change)).changes[0].fields[0]
    assert sides(row.lines, texts[0].split("\n"), texts[1].split("\n")) == (texts[0].split("\n"), texts[1].split("\n"))


def test_lines_that_stay_where_they_were_are_not_told_as_moved() -> None:
    before = {"json": {"a": 1, "b": 2, "c": 3, "d": 4}}
    after = {"json": {"a": 1, "b": 5, "c": 3, "d": 6}}
    change = samples.change("x", "role", "update", samples.field("attributes", before, after))
    assert list(plan_view(samples.plan(change)).changes[0].fields[0].lines) == [
        (" ", "{"), (" ", '  "a": 1,'),
        ("-", '  "b": 2,'), ("+", '  "b": 5,'),
        (" ", '  "c": 3,'),
        ("-", '  "d": 4'), ("+", '  "d": 6'),
        (" ", "}"),
    ]  # fmt: skip


def test_a_comment_compares_no_more_than_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0
    compare = rows.lines_of

    def counted(*given: rows.Side) -> tuple[DiffLine, ...]:
        nonlocal compared
        compared += 1
        return compare(*given)

    monkeypatch.setattr(rows, "lines_of", counted)
    long = [{"json": {f"key{key}": number for key in range(50)}} for number in range(5_001)]
    plan_markdown(
        samples.plan(
            *(
                samples.change(f"c{number}", "conversation", "update", samples.field("attributes", *long[number:][:2]))
                for number in range(5_000)
            )
        )
    )
    assert 5 < compared < 100


def test_the_sample_of_every_kind_has_every_kind_and_only_their_fields() -> None:
    assert {change.kind for change in samples.EVERY_KIND.changes} == set(BY_NAME)
    for change in samples.EVERY_KIND.changes:
        assert {field.path for field in change.fields} <= set(BY_NAME[change.kind].by_path), change.address
