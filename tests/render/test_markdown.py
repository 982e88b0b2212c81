"""Plans as Markdown: golden files for what people see, and properties for what nobody may."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reconciler.documents.drift import drift_document
from reconciler.documents.parts import GuardPart, UnmanagedPart, WarningPart
from reconciler.documents.plan import PlanFile
from reconciler.render.drift import drift_chat, drift_markdown, drift_text
from reconciler.render.markdown import LIMIT, plan_markdown
from reconciler.render.markdown_text import Repository, cell, code, fence, html_code, prose
from tests.render import plan_samples as samples
from tests.render.test_plan_text import hostile as hostile_texts
from tests.render.test_plan_text import plans

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = Repository("https://github.com/acme/desk", COMMIT, "config")
READER = MarkdownIt("gfm-like", {"linkify": False}).enable("table")

ATTACKS = (
    "@octocat", "a|b", "\n\n# heading", "```\n</details>", "`", "``` `` `", "</details></summary>", "<img src=x>",
    "![x](https://evil.example/x.png)", "[x](javascript:alert(1))", "<!-- ", " -->", "--", "<script>alert(1)</script>",
    "&lt;b&gt;", "&#64;octocat", "\\|", "\\", "*bold*", "_x_", "~~x~~", "www.evil.example", "https://evil.example",
    "#1", "acme/desk#1", "GH-1", "ada@example.com", "| --- |", "- x", "1. x", "    code", "\t", ":tada:", "$`x`$",
    "\u202e", "\x1b[2J", "\r", "</code>", "'\"", "",
)  # fmt: skip
attacks = st.sampled_from(ATTACKS) | st.lists(st.sampled_from(ATTACKS), max_size=4).map("".join) | hostile_texts


@pytest.mark.parametrize("name", samples.GOLDEN_PLANS)
def test_golden(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"plan/{name}.md", plan_markdown(samples.GOLDEN_PLANS[name], REPOSITORY if name == "every_action" else None))


@pytest.mark.parametrize("name", samples.DRIFTS)
def test_golden_drift(name: str, golden: Callable[[str, str], None]) -> None:
    plan = samples.GOLDEN_PLANS[name]
    golden(f"drift/{name}.md", drift_markdown(drift_document(plan)))
    golden(f"drift/{name}.txt", drift_text(drift_document(plan), colour=False, width=100))
    golden(f"drift/{name}.colour.txt", drift_text(drift_document(plan), colour=True, width=100))
    golden(f"drift/{name}.chat", drift_chat(drift_document(plan)))
    golden(f"drift/{name}.json", drift_document(plan).to_json())


# --- how it is read --------------------------------------------------------------------------------------------------


def tokens(text: str) -> list[Token]:
    return READER.parse(text)


def shape(text: str) -> list[tuple[Any, ...]]:
    """The blocks, and within them everything that is not a word; a code span is words of somebody else's."""
    found: list[tuple[Any, ...]] = []
    for token in tokens(text):
        if token.type != "inline":
            html = re.sub(r"<code>[^<>]*</code>", "<code></code>", token.content) if token.type == "html_block" else ""
            found.append((token.type, token.tag, token.info, "" if html.startswith("<!--") else html))
            continue
        inner: list[tuple[Any, ...]] = []
        for child in token.children or ():
            kind = "words" if child.type in {"text", "code_inline", "text_special", "softbreak"} else child.type
            if kind != "words" or inner[-1:] != [("words",)]:
                inner.append((kind,))
        found.append(("inline", tuple(inner)))
    return found


def bare_words(text: str) -> Iterator[str]:
    """Text in which a renderer looks for mentions, references and links."""
    for token in tokens(text):
        for child in token.children or ():
            if child.type in {"text", "text_special"}:
                yield child.content


LABEL = r"[A-Za-z0-9 ._-]*(?:#\d+;[A-Za-z0-9 ._-]*)*"
MERMAID = re.compile(
    rf'flowchart LR|  n\d+\["{LABEL}<br>{LABEL}"\](?::::[a-z]+)?|  n\d+ (?:-->\|"{LABEL}"\||-\.->) n\d+'
    r"|  classDef [a-z]+ fill:#[0-9a-f]{6},stroke:#[0-9a-f]{6},color:#[0-9a-f]{6}"
)
"""All that a line of a graph may be: whatever is no plain character in a label is a number."""


@given(plans())
@settings(max_examples=50)
def test_any_drift_is_harmless(plan: PlanFile) -> None:
    assert_harmless(drift_markdown(drift_document(plan), REPOSITORY))
    for text in (drift_text(drift_document(plan), colour=False, width=80), drift_chat(drift_document(plan))):
        assert [character for character in text if not character.isprintable() and character != "\n"] == []


def assert_harmless(text: str) -> None:
    allowed = re.compile(
        r"<!-- [a-z:]+[A-Za-z0-9%._~ ]* -->\n?"
        r"|<details><summary>(?:<code>[^<>]*</code>|[\w ,:;.-])*</summary>\n?|</details>\n?"
    )
    for token in tokens(text):
        if token.info == "mermaid":
            assert [line for line in token.content.splitlines() if not MERMAID.fullmatch(line)] == []
        assert token.type != "html_block" or allowed.fullmatch(token.content), token.content
        for child in token.children or ():
            assert child.type not in {"image", "html_inline"}, child
            if child.type == "link_open":
                assert str(child.attrs["href"]).startswith(f"{REPOSITORY.url}/blob/{COMMIT}/")
    for words in bare_words(text):
        assert not re.search(r"[@#<>$`|\\]|://|www\.|\w:\w+:|\b[0-9a-f]{7,}\b", words.replace(COMMIT, "")), words
    assert [character for character in text if not character.isprintable() and character != "\n"] == []
    assert len(text) < LIMIT
    assert len(text.encode()) < LIMIT


def hostile_plan(texts: Sequence[str]) -> PlanFile:
    """A plan of a fixed shape, whose every text is taken from these in turn."""
    position = -1

    def text() -> str:
        nonlocal position
        position += 1
        # None of them empty: an empty text is one that is not there, and not told.
        return f"x{texts[position % len(texts)]}y"

    def fields() -> list[Any]:
        return [
            samples.field(text(), text(), text(), source=samples.source(1, text(), text())),
            samples.field(text(), [text()], [text(), text()]),
            samples.field(text(), {"json": {text(): text()}}, {"ref": text()}),
        ]

    def one(number: int, action: Any, **more: Any) -> Any:
        return samples.change(
            f"{number}{text()}", text(), action, *fields(),
            sid=text(), name=text(), service="one", reason=f"{number}{text()}", risk="high",
            consequences=(text(), text()), source=samples.source(number, text(), text()), **more,
        )  # fmt: skip

    guard = GuardPart(name="approval", verdict="refused", message=text())
    return samples.plan(
        one(1, "create"), one(2, "update"), one(3, "replace", guard=guard), one(4, "delete"),
        account_sid=text(),
        unmanaged=(UnmanagedPart(address=text(), kind=text(), sid=text(), name=text()),),
        warnings=(WarningPart(code="x", message=text(), hint=text(), address=text()),),
        guards=(GuardPart(name="limit", verdict="refused", message=text()),),
        left_out=(text(),),
    )  # fmt: skip


@given(st.lists(attacks, min_size=1, max_size=30))
@settings(max_examples=50)
def test_whatever_the_values_the_structure_is_that_of_harmless_ones(texts: list[str]) -> None:
    has_the_structure_of_harmless_ones(texts)


@pytest.mark.slow
@given(st.lists(attacks, min_size=1, max_size=30))
@settings(max_examples=500)
def test_whatever_the_values_the_structure_is_that_of_harmless_ones_thoroughly(texts: list[str]) -> None:
    has_the_structure_of_harmless_ones(texts)


def has_the_structure_of_harmless_ones(texts: list[str]) -> None:
    told = plan_markdown(hostile_plan(texts))
    assert_harmless(told)
    assert shape(told) == shape(plan_markdown(hostile_plan(["harmless"])))


@pytest.mark.parametrize("attack", ATTACKS)
def test_each_attack_alone(attack: str) -> None:
    told = plan_markdown(hostile_plan([attack]))
    assert_harmless(told)
    assert shape(told) == shape(plan_markdown(hostile_plan(["harmless"])))


@given(plans())
@settings(max_examples=40)
def test_any_plan_is_harmless_with_links_too(plan: PlanFile) -> None:
    assert_harmless(plan_markdown(plan, REPOSITORY))


@pytest.mark.slow
@given(plans())
@settings(max_examples=500)
def test_any_plan_is_harmless_with_links_too_thoroughly(plan: PlanFile) -> None:
    assert_harmless(plan_markdown(plan, REPOSITORY))


@given(attacks)
def test_a_span_is_one_span_wherever_it_stands(text: str) -> None:
    [_, inline, _] = tokens(f"x {code(text)} y")
    assert [child.type for child in inline.children or ()] == ["text", "code_inline", "text"]
    table = f"| a | b |\n|---|---|\n| {cell(code(text))} | y |"
    cells = [token.content for token in tokens(table) if token.type == "inline"]
    assert len(cells) == 4
    assert cells[3] == "y"
    assert "<" not in html_code(text).removeprefix("<code>").removesuffix("</code>")


def test_sentences_stay_sentences() -> None:
    sentence = "Everyone with the role 'agent' gains sendMediaMessage (3 users); nobody loses anything."
    assert prose(sentence) == sentence
    assert prose("ask @ada about it, or #12") == "ask `@ada` about it, or `#12`"
    assert prose("run `reconciler drift`, or `apply --yes`.") == "run `reconciler drift`, or `apply --yes`."
    assert prose("approve it with --approve 'services.a', or not") == "approve it with `--approve 'services.a'`, or not"
    assert prose("") == "` `"


def test_a_fence_is_closed_by_nothing_in_it() -> None:
    [token] = tokens(fence("diff", ["````", "x"]))
    assert (token.type, token.content) == ("fence", "````\nx\n")


# --- what is told ----------------------------------------------------------------------------------------------------


def test_what_destroys_comes_first_and_identical_changes_are_told_once() -> None:
    rows = [line for line in plan_markdown(samples.EVERY_ACTION).splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == ["-", "-/+", "~", "+", "~", "~"]
    assert "`addresses.line1` `+14155550001` and 699 more like it" in plan_markdown(samples.LARGE)


def test_every_one_of_similar_changes_is_named_or_counted() -> None:
    plan = samples.GOLDEN_PLANS["many_changes"]
    for text in (plan_markdown(plan), drift_markdown(drift_document(plan))):
        assert [change.address for change in plan.changes if change.address not in text] == []
    large = plan_markdown(samples.LARGE)
    (more,) = re.findall(r"… ([\d,]+) more, not named; reconciler show shows a saved plan in full", large)[:1]
    named = sum(change.address in large for change in samples.LARGE.changes if change.risk == "high")
    assert int(more) > 0
    assert named > 100
    assert len(large) < LIMIT


def test_an_effect_names_the_other_changes_of_high_risk_that_share_it() -> None:
    base = samples.GOLDEN_PLANS["many_changes"].changes[0]
    base = replace(base, name="", risk="high", consequences=("Moves traffic.",))
    twins = [replace(base, address=f"addresses.line{i}") for i in (1, 2, 3)]
    shown = plan_markdown(samples.plan(*twins))
    assert "`addresses.line1`: Moves traffic. The same applies to `addresses.line2`, `addresses.line3`." in shown


def test_a_small_graph_is_drawn_and_a_large_one_is_not() -> None:
    assert "```mermaid\nflowchart LR\n" in plan_markdown(samples.EVERY_ACTION)
    for plan in (samples.SMALL, samples.LARGE, samples.EMPTY):
        assert "mermaid" not in plan_markdown(plan)
    assert "mermaid" not in drift_markdown(drift_document(samples.EVERY_ACTION))


def test_sources_are_linked_where_the_repository_is_known() -> None:
    text = plan_markdown(samples.SMALL, REPOSITORY)
    assert f"[`support.yaml:11`](https://github.com/acme/desk/blob/{COMMIT}/config/support.yaml#L11)" in text
    assert "](" not in plan_markdown(samples.SMALL)
    assert REPOSITORY.link("../x y).yaml", 0) == f"{REPOSITORY.url}/blob/{COMMIT}/x%20y%29.yaml"
    for outside in ("../../x.yaml", "", "../.."):
        assert REPOSITORY.link(outside, 1) == ""
    assert Repository(REPOSITORY.url, COMMIT).link("/etc/passwd", 1) == ""
    assert REPOSITORY.link("/etc/passwd", 1) == ""


@pytest.mark.parametrize(
    ("server", "name", "ref"),
    [("", "a/b", COMMIT), ("https://github.com", "a", COMMIT), ("https://github.com", "a/b", "main"),
     ("javascript:x", "a/b", COMMIT), ("https://x) ", "a/b", COMMIT)],
)  # fmt: skip
def test_a_repository_that_is_not_what_it_should_be_is_none(server: str, name: str, ref: str) -> None:
    assert Repository.of(server, name, ref) is None
    assert Repository.of("https://github.com/", "acme/desk", COMMIT) == Repository(REPOSITORY.url, COMMIT)


def test_the_marker_is_the_same_for_every_plan_of_an_environment() -> None:
    markers = {plan_markdown(plan).splitlines()[0] for plan in (samples.EMPTY, samples.SMALL)}
    assert markers == {f"<!-- reconciler:plan {samples.ACCOUNT} prod -->"}


def test_sensitive_values_are_never_shown() -> None:
    text = plan_markdown(samples.SECRETS)
    assert "not redacted" not in text
    assert "k1:" not in text


# --- size ------------------------------------------------------------------------------------------------------------


def many(number: int, action: Any, text: str) -> PlanFile:
    return samples.plan(
        *(
            samples.change(
                f"services.s{index % 50}.roles.r{index}", "role", action,
                samples.field("friendly_name", f"{text}{index}", f"{index}{text}"),
                samples.field("attributes", {"json": {"a": [text] * 30}}, {"json": {"b": [index] * 30}}),
                name=f"r{index}", service=f"s{index % 50}", risk="high", consequences=(f"{index} {text}",),
                source=samples.source(index), guard=GuardPart(name="approval", verdict="refused", message=text),
            )
            for index in range(number)
        ),
        warnings=tuple(WarningPart(code="x", message=text, hint=text) for _ in range(number)),
        unmanaged=tuple(UnmanagedPart(address=text, kind="role", sid="RL", name=text) for _ in range(number)),
        guards=tuple(GuardPart(name="limit", verdict="refused", message=text) for _ in range(50)),
        left_out=(text,) * number,
    )  # fmt: skip


@pytest.mark.parametrize("text", ["word " * 200, "日本語" * 400, "@`|<" * 300, "😀" * 900], ids=["a", "b", "c", "d"])
@pytest.mark.parametrize("action", ["delete", "update"])
def test_it_fits_into_a_comment_and_counts_what_does_not(action: Any, text: str) -> None:
    told = plan_markdown(many(800, action, text), REPOSITORY)
    assert_harmless(told)
    listed = sum(1 for line in told.splitlines() if re.match(r"\| `[-~]` ", line))
    missing = re.search(r"([\d,]+) more, not listed: ([\d,]+) to (delete|update)", told)
    assert missing is not None
    assert listed + int(missing[2].replace(",", "")) == 800
    assert missing[3] == action


def test_one_huge_change_leaves_room_for_the_others() -> None:
    text = "\n".join(f"{number} " + "日" * 500 for number in range(500))
    huge = samples.change(
        "huge", "conversation", "delete", *(samples.field(f"f{number}", text, None) for number in range(20))
    )
    told = plan_markdown(samples.plan(huge, samples.AGENT))
    assert_harmless(told)
    assert "more lines" in told
    assert "+     sendMediaMessage" in told


def test_ten_thousand_changes_stay_in_bounds() -> None:
    plan = samples.plan(
        *(
            samples.change(
                f"services.s{index % 50}.roles.r{index}", "role", "update",
                samples.field("permissions", ["a", "b"], ["b", f"c{index}"], source=samples.source(index)),
                samples.field("friendly_name", f"old {index}", f"new {index}"),
                name=f"r{index}", service=f"s{index % 50}", consequences=(f"{index} gains something.",),
            )
            for index in range(10_000)
        )
    )  # fmt: skip
    assert len(plan_markdown(plan)) < LIMIT


def test_a_bar_is_escaped_in_tables_only() -> None:
    hint = WarningPart(code="x", message="a|b is odd", hint="write a|c")
    change = samples.change('services["a|b"]', "service", "create", source=samples.source(1, "a|b.yaml"))
    text = plan_markdown(samples.plan(change, warnings=(hint,)))
    assert "- Warning[x]: `a|b` is odd Hint: write `a|c`" in text
    assert '`services["a\\u007cb"]`' in text
    assert "`a\\u007cb.yaml:1`" in text
