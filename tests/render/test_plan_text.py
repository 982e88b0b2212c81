"""Plans as text: golden files for what people see, and properties for what nobody may."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.documents.parts import (
    ChangePart,
    FieldPart,
    GuardPart,
    InnerPart,
    OptionsPart,
    SourcePart,
    UnmanagedPart,
    WarningPart,
)
from reconciler.documents.plan import PlanFile
from reconciler.render.line_diff import DiffLine
from reconciler.render.markdown import plan_markdown
from reconciler.render.terminal import cells, escape
from reconciler.render.text import plan_text
from reconciler.render.values import line_texts
from tests.render import plan_samples as samples

SGR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("name", samples.GOLDEN_PLANS)
def test_golden(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"plan/{name}.txt", plan_text(samples.GOLDEN_PLANS[name], colour=False, width=100))


@pytest.mark.parametrize("name", samples.GOLDEN_PLANS)
def test_golden_narrow_and_in_colour(name: str, golden: Callable[[str, str], None]) -> None:
    text = plan_text(samples.GOLDEN_PLANS[name], colour=True, width=80)
    golden(f"plan/{name}.colour.txt", text.replace("\x1b", "␛"))


def test_colours_change_nothing_but_colours() -> None:
    for plan in samples.PLANS.values():
        plain = plan_text(plan, colour=False, width=80)
        assert SGR.sub("", plan_text(plan, colour=True, width=80)) == plain


def test_verbose_shows_everything() -> None:
    text = plan_text(samples.MANY_UNMANAGED, colour=False, width=100, verbose=True)
    assert "role 1199" in text
    assert "addresses.line7" in text
    assert "--verbose" not in text
    joined = re.sub(r"\s+", "", plan_text(samples.HOSTILE, colour=False, width=100, verbose=True))
    assert re.sub(r"\s+", "", samples._LONG) in joined


def test_without_verbose_the_text_says_how_to_see_the_rest() -> None:
    text = plan_text(samples.MANY_UNMANAGED, colour=False, width=100)
    assert "role 3" not in text
    assert "1,197 more (--verbose shows them)" in text


def test_every_change_is_listed_however_many_there_are() -> None:
    text = plan_text(samples.LARGE, colour=False, width=100)
    assert all(f"addresses.line{number}\n" in text for number in range(1, 701))


def test_an_approval_can_be_copied_from_one_line() -> None:
    text = plan_text(samples.GUARDS, colour=False, width=40)
    assert f"""  --approve 'services["{samples.sid("IS", 9)}"]'\n""" in text


def test_sensitive_values_are_never_shown_even_if_they_come_unredacted() -> None:
    text = plan_text(samples.SECRETS, colour=False, width=100, verbose=True)
    assert "not redacted" not in text
    assert "k1:" not in text
    assert "?token=(sensitive)&v=1" in text


def test_settings_of_a_new_service_show_no_live_secret() -> None:
    unborn = {"unknown": "known after apply"}
    url = {"secret": "TOK", "digest": "k1:0", "shown": "https://h.example.com/x?token=(sensitive)"}
    webhooks = samples.change(
        "services.support.webhooks",
        "service_webhook",
        "update",
        samples.field("method", unborn, "POST"),
        samples.field("post_webhook_url", unborn, url, sensitive=True),
    )
    text = plan_text(samples.plan(webhooks), colour=False, width=120)
    assert "service webhook · differs\n" in text, "it says nothing of values that do not exist yet"
    assert "~ method:           POST" in text
    assert "~ post_webhook_url: https://h.example.com/x?token=(sensitive) (secret TOK)" in text.replace('"', "")
    assert "sensitive value" not in text
    markdown = plan_markdown(samples.plan(webhooks))
    assert "-   post_webhook_url" not in markdown


def long_attributes(key: str) -> PlanFile:
    """An update of one long string inside attributes that differs at its end only."""
    before, after = "x" * 900 + "agent", "x" * 900 + "admin"
    return samples.plan(
        samples.change(
            "services.s.users.ada",
            "user",
            "update",
            samples.field(
                "attributes",
                {"json": {key: before, "team": 1}},
                {"json": {key: after, "team": 1}},
                inside=(InnerPart(path=key, kind="changed", before=before, after=after),),
            ),
        )
    )


def test_differences_inside_attributes_show_path_before_and_after() -> None:
    text = plan_text(samples.EVERY_KIND, colour=False, width=100)
    assert "+ attributes.languages[1]: fr" in text
    assert "~ attributes.team:         1 → 2" in text
    markdown = plan_markdown(samples.EVERY_KIND)
    assert "+   attributes.languages[1]: fr" in markdown
    assert "-   attributes.team: 1\n+   attributes.team: 2" in markdown


@pytest.mark.parametrize("plan", [long_attributes("level"), long_attributes("level" * 30)], ids=["short", "long"])
def test_the_two_sides_of_a_difference_are_never_shown_alike(plan: PlanFile) -> None:
    for text in (plan_text(plan, colour=False, width=80), plan_markdown(plan)):
        assert 'xxxagent" (905 characters)' in text
        assert 'xxxadmin" (905 characters)' in text


@given(
    st.text(max_size=2),
    st.text('a\u200b\U000e0041"', max_size=700),
    st.text(max_size=2),
    st.text("b\x00", max_size=500),
)
def test_long_lines_that_differ_are_shown_differently(one: str, start: str, other: str, end: str) -> None:
    old, new = f"{start}{one}{end}", f"{start}{other}{end}"
    lines: list[DiffLine] = [("-", old), ("+", new)]
    (_, before), (_, after) = line_texts(lines, limit=200)
    assert (before == after) == (escape(old) == escape(new))
    assert max(len(before), len(after)) <= 230


def test_long_lines_stay_within_the_width_unless_they_are_to_be_copied() -> None:
    for width in (40, 80, 120):
        for plan in samples.PLANS.values():
            for line in plan_text(plan, colour=False, width=width).splitlines():
                assert cells(line) <= width or line.lstrip().startswith("--approve"), line


# --- properties ------------------------------------------------------------------------------------------------------

hostile = st.text(max_size=40) | st.text(
    alphabet=st.sampled_from("\x00\x07\x08\x1b\x7f\x85\x9b\n\r\t ab\"'\\`|<>\u200b\u202e\u2028\ufeff\ud800日\u0301"),
    max_size=20,
)
contents: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | hostile,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(hostile, inner, max_size=4),
    max_leaves=6,
)
forms = (
    contents
    | st.builds(lambda text: {"ref": text}, hostile)
    | st.builds(lambda text: {"unknown": text}, hostile)
    | st.builds(lambda text: {"secret": text, "digest": text}, hostile)
    | st.builds(lambda text: {"digest": text}, hostile)
    | st.builds(lambda text: {"digest": "k:1", "shown": text}, hostile)
    | st.builds(lambda text: {"secret": text, "shown": text}, hostile)
)
sources = st.none() | st.builds(SourcePart, file=hostile, line=st.integers(0, 99), via=hostile)
fields = st.builds(
    FieldPart,
    path=hostile,
    before=forms,
    after=forms,
    before_name=hostile,
    sensitive=st.booleans(),
    forces_replacement=st.booleans(),
    source=sources,
)
guards = st.builds(
    GuardPart,
    name=st.just("approval") | hostile,
    verdict=st.sampled_from(["refused", "withheld"]),
    message=hostile,
    only_delete=st.booleans(),
)
changes = st.builds(
    ChangePart,
    address=hostile,
    kind=hostile,
    action=st.sampled_from(["create", "update", "replace", "delete"]),
    sid=st.none() | hostile,
    name=hostile,
    service=hostile,
    fields=st.lists(fields, max_size=4).map(tuple),
    steps=st.just(()),
    reason=hostile,
    risk=st.sampled_from(["low", "medium", "high"]),
    consequences=st.lists(hostile, max_size=2).map(tuple),
    guard=st.none() | guards,
    source=sources,
)


@st.composite
def plans(draw: st.DrawFn) -> PlanFile:
    texts = st.lists(hostile, max_size=3).map(tuple)
    return samples.plan(
        *draw(st.lists(changes, max_size=4)),
        account_sid=draw(hostile),
        options=OptionsPart(env=draw(hostile), target=draw(texts), exclude=draw(texts)),
        unmanaged=tuple(
            UnmanagedPart(address=text, kind=text, sid=text, name=text) for text in draw(st.lists(hostile, max_size=5))
        ),
        warnings=tuple(
            WarningPart(code=text, message=text, hint=text, address=text)
            for text in draw(st.lists(hostile, max_size=2))
        ),
        guards=tuple(draw(st.lists(guards, max_size=2))),
        left_out=draw(texts),
    )


def assert_harmless(text: str) -> None:
    """Nothing but printable characters and line breaks; what is left of colours has been taken away before."""
    assert [character for character in text if not character.isprintable() and character != "\n"] == []
    text.encode("utf-8")


@given(plans(), st.tuples(st.booleans(), st.booleans()), st.integers(0, 150))
def test_any_plan_renders_and_is_harmless(plan: PlanFile, how: tuple[bool, bool], width: int) -> None:
    colour, verbose = how
    text = plan_text(plan, colour=colour, width=width, verbose=verbose)
    assert text.endswith("\n")
    assert_harmless(SGR.sub("", text) if colour else text)


def test_a_reason_is_not_repeated_as_the_former_side() -> None:
    entry = samples.SMALL.changes[0]
    unknown = {"unknown": "not declared in the first"}
    fields = tuple(replace(field, before=unknown, inside=()) for field in entry.fields)
    changed = replace(entry, reason="not declared in the first", fields=fields)
    shown = plan_text(samples.plan(changed), colour=False, width=200)
    assert shown.count("not declared in the first") == 1


def test_only_some_collections_that_are_not_compared_are_named() -> None:
    many = replace(samples.plan(samples.AGENT), unlisted=tuple(f"services.s{i}.users" for i in range(39)))
    shown = plan_text(many, colour=False, width=400)
    assert (
        "Not compared: undeclared services.s0.users, services.s1.users, services.s2.users, … 36 more "
        "(the collections are not pruned; --verbose lists them)"
    ) in shown
    assert "services.s38.users" in plan_text(many, colour=False, width=400, verbose=True)
