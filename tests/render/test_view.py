"""How plans are walked: differences by lines are right, and nobody pays for those that are not shown."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.documents.drift import drift_document
from reconciler.documents.parts import GuardPart, ImpactPart, TallyPart, WarningPart
from reconciler.kinds import BY_NAME
from reconciler.render import rows
from reconciler.render.drift import drift_chat, drift_markdown, drift_text
from reconciler.render.html.plan_page import drift_html, plan_html
from reconciler.render.line_diff import DiffLine
from reconciler.render.markdown import plan_markdown
from reconciler.render.text import plan_text
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


def tallies(active: int | str, every: int | str) -> dict[str, TallyPart]:
    """The counts of a service; a text is a refusal, and a negative number was not counted to its end."""
    nouns = {"active conversation": active, "conversation": every, "user": 2}
    return {
        noun: TallyPart(number=0, noun=noun, why_unknown=number)
        if isinstance(number, str)
        else TallyPart(number=abs(number), at_least=number < 0, noun=noun)
        for noun, number in nouns.items()
    }


@pytest.mark.parametrize(
    ("active", "every", "sentences"),
    [
        (0, 0, ("Impact: 0 conversations, 2 users.",)),
        (0, 1, ("Impact: 1 conversation (none active), 2 users.",)),
        (1, 1, ("Impact: 1 conversation (1 active), 2 users.",)),
        (1, 2_000, ("Impact: 2,000 conversations (1 active), 2 users.",)),
        (-200, -200, ("Impact: at least 200 conversations (at least 200 active), 2 users.",)),
        (7, -200, ("Impact: at least 200 conversations (7 active), 2 users.",)),
        # A customer began it between the two requests.
        (1, 0, ("Impact: 0 conversations (1 active), 2 users.",)),
        ("403", 3, ("Impact: 3 conversations, 2 users.", "Not counted: active conversations (403).")),
        (3, "403", ("Impact: 3 active conversations, 2 users.", "Not counted: conversations (403).")),
    ],
)
def test_the_active_conversations_are_some_of_all(
    active: int | str, every: int | str, sentences: tuple[str, ...]
) -> None:
    change = replace(samples.change("x", "service", "delete"), impact=ImpactPart(counts=tallies(active, every)))
    assert plan_view(samples.plan(change)).changes[0].consequences == sentences


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


# --- withheld changes, and collections that could not be read ---------------------------------------------------------


def test_a_withheld_change_has_no_effects_and_is_not_counted_as_high_risk() -> None:
    guard = GuardPart(name="default_service", verdict="withheld", message="the default service is never deleted")
    withheld = replace(samples.LOST_SERVICE, guard=guard)
    shown = plan_view(samples.plan(withheld))
    assert shown.high == 0
    assert not shown.changes[0].consequences
    plan = samples.plan(withheld)
    for text in (plan_markdown(plan), plan_text(plan, colour=False, width=100), plan_html(plan)):
        assert "never deleted" in text
        assert "Destroys every" not in text
        assert "high risk" not in text.lower()
        assert "high-risk" not in text


def test_a_withheld_delete_of_the_old_resource_keeps_the_effects_of_the_new_one() -> None:
    assert samples.HALF_HELD.guard is not None
    half = replace(samples.HALF_HELD, consequences=("Everyone loses sendMessage.",))
    shown = plan_view(samples.plan(half))
    assert (shown.high, shown.changes[0].consequences) == (1, ("Everyone loses sendMessage.",))


UNREADABLE = WarningPart(
    severity="warning",
    code="unreadable",
    message="cannot read the credential list: HTTP 403, Twilio error 20003; not compared: credentials.android",
    hint="Give the API key permission to read it.",
    address="",
    source=None,
)


def test_the_headline_of_a_plan_says_that_a_collection_could_not_be_read() -> None:
    empty = replace(samples.EMPTY, unreadable=(UNREADABLE,))
    partial = "Incomplete: 1 collection could not be read. "
    markdown = plan_markdown(empty)
    assert f"### ⚠️ {partial}No other changes: " in markdown
    assert "✅" not in markdown
    assert plan_text(empty, colour=False, width=200).startswith(f"{partial}No other changes. The part of account ")
    small = replace(samples.SMALL, unreadable=(UNREADABLE,))
    assert f"### ⚠️ {partial}0 to create, 1 to update" in plan_markdown(small)
    assert f"{partial}Plan: 0 to create, 1 to update" in plan_text(small, colour=False, width=200)
    assert "Incomplete, no other changes" in plan_html(empty)


def test_the_headline_of_a_drift_says_that_a_collection_could_not_be_read() -> None:
    drift = drift_document(replace(samples.EMPTY, unreadable=(UNREADABLE,)))
    headline = "Incomplete: 1 collection could not be read. No drift in the rest"
    assert f"### ⚠️ {headline}" in drift_markdown(drift)
    assert drift_text(drift, colour=False, width=200).startswith(headline)
    assert headline in drift_html(drift)
    chat = drift_chat(drift)
    assert chat.startswith(headline)
    assert f"\n• {UNREADABLE.message}\n" in chat


def test_a_chat_message_names_what_was_compared_only_in_part() -> None:
    message = "HOOK_TOKEN is not set, so post_webhook_url of services.s.webhooks was compared only in part"
    warning = replace(UNREADABLE, code="not-compared", message=message)
    chat = drift_chat(drift_document(replace(samples.EMPTY, warnings=(warning,) * 5)))
    assert chat.count(f"\n• {message}") == 3
    assert "\n• 2 more not compared, or compared in part\n" in chat
