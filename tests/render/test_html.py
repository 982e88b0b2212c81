"""Pages: golden files for what they say, and properties for what no value can make of them."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.documents.drift import drift_document
from reconciler.documents.parts import UndeclaredPart
from reconciler.documents.plan import PlanFile
from reconciler.documents.report import ResultPart
from reconciler.render.graph import needs
from reconciler.render.html import drift_html, plan_html, report_html
from reconciler.render.html.drawing import MOST
from reconciler.render.html.markup import tag, text
from reconciler.render.view import plan_view
from tests.render import plan_samples as samples
from tests.render.elements import Element, every, read, shape
from tests.render.test_markdown import ATTACKS, COMMIT, REPOSITORY, attacks, hostile_plan
from tests.render.test_plan_text import plans
from tests.render.test_report_text import hostile_report, results

MORE_ATTACKS = (
    "</script><script>alert(1)</script>", "</style>", '"><img src=x onerror=alert(1)>', "' onmouseover='alert(1)",
    "javascript:alert(1)", "]]>", "<!--", "<svg/onload=alert(1)>", "</details></li>", "&quot;", "\x00", "\x0c",
    "\u2028", "</title>", "<base href=//evil.example>", "=", "one\ntwo", "\n", "{{x}}", "\ud800",
)  # fmt: skip
texts = attacks | st.sampled_from(MORE_ATTACKS) | st.text(max_size=12)


def without_sources(page: str) -> str:
    """A page without style and script, which have no place in a golden file; their digests neither."""
    page = re.sub(r"<(style|script)>.*?</\1>", r"<\1>…</\1>", page, flags=re.DOTALL)
    return re.sub(r"sha256-[^']+", "sha256-…", page)


@pytest.mark.parametrize("name", samples.GOLDEN_PLANS)
def test_golden_plan(name: str, golden: Callable[[str, str], None]) -> None:
    page = plan_html(samples.GOLDEN_PLANS[name], REPOSITORY if name == "every_action" else None)
    golden(f"plan/{name}.html", without_sources(page))


@pytest.mark.parametrize("name", samples.DRIFTS)
def test_golden_drift(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"drift/{name}.html", without_sources(drift_html(drift_document(samples.GOLDEN_PLANS[name]))))


@pytest.mark.parametrize("name", samples.REPORTS)
def test_golden_report(name: str, golden: Callable[[str, str], None]) -> None:
    plan = samples.EVERY_ACTION if name == "all_statuses" else None
    golden(f"report/{name}.html", without_sources(report_html(samples.REPORTS[name], plan)))


# --- what no value can do --------------------------------------------------------------------------------------------

ALLOWED = {
    "a": {"href", "class", "rel"}, "b": set(), "body": {"class"}, "button": {"type", "id"}, "code": set(),
    "dd": {"class"}, "defs": set(), "del": set(), "details": {"class", "open"},
    "div": {"class", "tabindex", "role", "aria-label"}, "dl": {"class"}, "dt": set(), "em": set(), "fieldset": set(),
    "footer": set(),
    "form": {"id", "role", "aria-label", "hidden"}, "g": {"class"}, "h1": set(), "h2": set(), "h3": set(),
    "head": set(), "header": {"class"}, "html": {"lang"}, "i": {"aria-hidden"}, "ins": set(),
    "input": {"type", "id", "autocomplete", "spellcheck", "placeholder", "aria-keyshortcuts", "name", "value"},
    "label": {"class"}, "legend": set(),
    "li": {"id", "class", "data-action", "data-risk", "data-service", "data-kind", "data-status"}, "main": set(),
    "mark": set(), "marker": {"id", "markerwidth", "markerheight", "refx", "refy", "orient"},
    "meta": {"charset", "http-equiv", "content", "name"}, "ol": {"class", "role"}, "option": {"value"},
    "output": {"id", "aria-live", "data-noun"}, "p": {"class"}, "path": {"d", "class", "marker-end"},
    "pre": {"tabindex", "role", "aria-label"}, "q": set(), "rect": {"x", "y", "width", "height", "rx"},
    "script": set(), "section": {"id", "class"}, "select": {"name"}, "small": set(),
    "span": {"class", "role", "aria-label", "aria-hidden"}, "strong": set(), "style": set(), "summary": set(),
    "svg": {"viewbox", "width", "height", "role", "aria-label"}, "text": {"x", "y", "class"}, "title": set(),
    "ul": {"class", "role"},
}  # fmt: skip


def elements(page: str) -> list[Element]:
    root, words = read(page)
    found = every(root)
    for name, attributes, _ in found:
        assert {key for key, _ in attributes} <= ALLOWED[name], (name, attributes)
        for key, value in attributes:
            if key == "href":
                assert re.match(rf"#|{re.escape(REPOSITORY.url)}/blob/{COMMIT}/|https://www\.twilio\.com/", value or "")
    counted = [name for name, _, _ in found]
    assert (counted.count("script"), counted.count("style"), counted.count("body")) == (1, 1, 1)
    identities = [value for _, attributes, _ in found for key, value in attributes if key == "id"]
    assert len(identities) == len(set(identities))
    said = words.replace("\n", "")
    assert all(character.isprintable() for character in said)
    return found


@given(plans())
@settings(max_examples=60)
def test_any_plan_and_drift_is_a_page_of_our_elements(plan: PlanFile) -> None:
    elements(plan_html(plan, REPOSITORY))
    elements(drift_html(drift_document(plan), REPOSITORY))


@given(st.lists(results, max_size=4), st.sampled_from([0, 1, 5, 130]), st.none() | plans())
@settings(max_examples=60)
def test_any_report_is_a_page_of_our_elements(found: list[ResultPart], exit_code: int, plan: PlanFile | None) -> None:
    elements(report_html(samples.report(*found, exit_code=exit_code), plan, REPOSITORY))


def harmless(written: str) -> str:
    """A text of the same length that differs where others differ: letters for letters, signs for signs."""
    kept = re.compile(r"[A-Za-z0-9 \n./_\[\]-]")
    return "".join(
        character if kept.match(character) else chr((0x4E00 if character.isalnum() else 0x2A00) + _number(character))
        for character in written
    )


_seen: dict[str, int] = {}


def _number(character: str) -> int:
    # Within a block of 256 signs: more kinds of odd characters do not meet in one example.
    return _seen.setdefault(character, len(_seen) % 256)


@given(st.lists(texts, min_size=1, max_size=30))
@settings(max_examples=40)
def test_whatever_the_values_the_elements_are_those_of_harmless_ones(found: list[str]) -> None:
    are_as_harmless_ones(found)


@pytest.mark.slow
@given(st.lists(texts, min_size=1, max_size=30))
@settings(max_examples=500)
def test_whatever_the_values_the_elements_are_those_of_harmless_ones_thoroughly(found: list[str]) -> None:
    are_as_harmless_ones(found)


def are_as_harmless_ones(found: list[str]) -> None:
    _seen.clear()
    mild = [harmless(item) for item in found]
    renderers: tuple[Callable[[PlanFile], str], ...] = (plan_html, lambda plan: drift_html(drift_document(plan)))
    for render in renderers:
        told, expected = render(hostile_plan(found)), render(hostile_plan(mild))
        assert shape(read(told)[0]) == shape(read(expected)[0])
    told, expected = report_html(hostile_report(found)), report_html(hostile_report(mild))
    assert shape(read(told)[0]) == shape(read(expected)[0])


@pytest.mark.parametrize("attack", [*ATTACKS, *MORE_ATTACKS])
def test_each_attack_alone(attack: str) -> None:
    _seen.clear()
    told, expected = plan_html(hostile_plan([attack])), plan_html(hostile_plan([harmless(attack)]))
    assert shape(read(told)[0]) == shape(read(expected)[0])
    assert text(attack) in told.replace("\n", "") or "\n" in attack


def test_every_text_is_escaped_by_one_function_as_content_and_as_attribute() -> None:
    assert tag("p", "<b>&\"'\x1b\u202e", title='<">\n') == (
        '<p title="&lt;&quot;&gt;\\n">&lt;b&gt;&amp;&quot;&#x27;\\u001b\\u202e</p>\n'
    )  # fmt: skip


# --- what a page is --------------------------------------------------------------------------------------------------


def test_the_policy_allows_this_style_and_this_script_and_nothing_else() -> None:
    page = plan_html(samples.EVERY_ACTION)
    digests = {}
    for name in ("style", "script"):
        [source] = re.findall(rf"<{name}>(.*?)</{name}>", page, re.DOTALL)
        digests[name] = b64encode(sha256(source.encode()).digest()).decode()
    [policy] = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digests['style']}'; script-src 'sha256-{digests['script']}'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    # Nothing stands before it that it would have to allow.
    assert page.index("Content-Security-Policy") < page.index("<style>") < page.index("<script>")


def test_sensitive_values_are_never_shown() -> None:
    for page in (plan_html(samples.SECRETS), drift_html(drift_document(samples.SECRETS))):
        assert "not redacted" not in page
        assert "nor was this" not in page
        assert "k1:" not in page


def test_every_change_is_there_however_many_there_are() -> None:
    page = plan_html(samples.LARGE)
    for number in range(1, 701):
        assert f"<code>addresses.line{number}</code> <q>" in page
    assert page.count("<details><summary>") == 1_000, "all are folded"
    assert '<ol class="entries many"' in page


def heading(page: str) -> str:
    [found] = re.findall(r"</span> ([^<]*)</h1>", page)
    return str(found)


def test_the_verdict_comes_first() -> None:
    assert heading(plan_html(samples.EMPTY)) == "No changes"
    assert heading(plan_html(samples.SMALL)) == "1 change, none high-risk"
    assert heading(plan_html(samples.EVERY_ACTION)) == "2 of 6 changes are high-risk"
    assert heading(plan_html(samples.GUARDS)) == "An apply would refuse this plan"
    assert heading(plan_html(samples.plan(samples.WITHHELD))) == "Nothing would be sent: 1 change withheld"
    drifted = heading(drift_html(drift_document(samples.EVERY_ACTION)))
    assert drifted == "6 differences between account and configuration, 2 high-risk"
    assert heading(drift_html(drift_document(samples.EMPTY))) == "No drift"
    assert heading(drift_html(drift_document(samples.MANY_UNMANAGED))) == "No drift, but unmanaged resources"
    reports = {name: heading(report_html(report)) for name, report in samples.REPORTS.items()}
    assert reports == {
        "all_done": "Applied",
        "deleted": "Applied",
        "nothing_done": "No changes",
        "all_statuses": "Apply incomplete",
        "out_of_time": "Apply incomplete",
        "every_cause": "Apply incomplete",
        "only_withheld": "Applied, except for withheld changes",
        "interrupted": "Interrupted",
        "hostile": "Apply incomplete",
        "undone": "Applied, except for withheld changes",
    }


def test_what_destroys_comes_first() -> None:
    page = plan_html(samples.EVERY_ACTION)
    actions = re.findall(r'<li id="c\d" class="(\w+)"', page)
    assert actions == ["delete", "replace", "update", "create", "update", "update"]


def test_a_drift_says_what_is_and_of_what_would_be_done_only_the_effects() -> None:
    page = drift_html(drift_document(samples.GUARDS))
    _, words = read(page[page.index("<body") :].replace("</html>", ""))
    for word in ("apply", "withheld", "approve"):
        assert word not in words.partition("'use strict'")[0].lower(), word
    assert "Live" in drift_html(drift_document(samples.SMALL))


def test_the_differences_of_a_drift_come_before_trivia_with_their_risks_and_effects() -> None:
    setting = UndeclaredPart(
        address="account.configuration",
        kind="configuration",
        field="default_service",
        account="IS1",
        sensitive=False,
        risk="medium",
        meaning="Conversations start there.",
        clearable=False,
    )
    found = drift_document(samples.EVERY_ACTION, [setting])
    page = drift_html(found)
    assert page.index('id="list"') < page.index('id="settings"')
    first = page[page.index('id="c1"') : page.index('id="c3"')]
    assert '<span class="risk high">high risk</span>' in first
    assert '<p class="said">If reverted: Everyone with the role gets a different one.</p>' in first
    high = drift_document(samples.SMALL, [replace(setting, risk="high")])
    page = drift_html(high)
    assert page.index('id="settings"') < page.index('id="list"')


def test_a_report_has_what_twilio_support_asks_for_and_links_only_to_twilio() -> None:
    page = report_html(samples.ALL_STATUSES)
    for part in ("HTTP 400, Twilio error 50301", samples.REFUSED.request_id, "Invalid permission &#x27;sendEverything"):
        assert part in page
    assert '<a href="https://www.twilio.com/docs/errors/50301" rel="noreferrer">' in page
    for more in ("https://www.twilio.com.evil.example/", "https://www.twilio.com/\n", "http://www.twilio.com/x",
                 "javascript:alert(1)", "https://www.twilio.com@evil.example/"):  # fmt: skip
        refused = replace(samples.REFUSED, more_info=more)
        outcome = samples.outcome(samples.AGENT, "update", "failed", refusal=refused)
        links = elements(report_html(samples.report(samples.result(samples.AGENT, "failed", outcome), exit_code=1)))
        assert [dict(attributes)["href"] for name, attributes, _ in links if name == "a"] == ["#list", "#c1"]


def test_a_report_with_its_plan_shows_what_differed() -> None:
    assert "deleteOwnMessage" not in report_html(samples.ALL_STATUSES)
    assert "<del>deleteOwnMessage</del>" in report_html(samples.ALL_STATUSES, samples.EVERY_ACTION)


def field_of(before: Any, after: Any) -> str:
    page = plan_html(samples.plan(samples.change("a.b", "role", "update", samples.field("f", before, after))))
    [found] = re.findall(r"<dt><code>f</code></dt>\n(.*?)</div>", page, re.DOTALL)
    return str(found).replace("\n", "")


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("//a.de/x", "//b.de/x", "<code>//<mark>a</mark>.de/x</code>|<code>//<mark>b</mark>.de/x</code>"),
        ("GET", "POST", "<code>GET</code>|<code>POST</code>"),
        ("10", 10, "<code>&quot;10&quot;</code>|<code>10</code>"),
        ("a b", "a b c", "<code>&quot;a b&quot;</code>|<code>&quot;a b<mark> c</mark>&quot;</code>"),
        ("\\u202e", "\u202e", "<code>&quot;\\\\u202e&quot;</code>|<code>&quot;\\u202e&quot;</code>"),
        ("say a", "say b", "<code>&quot;say <mark>a</mark>&quot;</code>|<code>&quot;say <mark>b</mark>&quot;</code>"),
        (True, False, "<code>true</code>|<code>false</code>"),
    ],
)  # fmt: skip
def test_both_sides_of_a_field(before: Any, after: Any, shown: str) -> None:
    left, right = shown.split("|")
    assert field_of(before, after) == f'<dd class="b">{left}</dd><dd class="a">{right}</dd>'


def test_lines_stand_in_pairs() -> None:
    assert field_of("one\ntwo\nsix", "one\n2\nthree\nsix") == (
        '<dd class="lines"><p><span>one</span></p><p><del>two</del><ins>2</ins></p><p><ins>three</ins></p>'
        "<p><span>six</span></p></dd>"
    )


def test_long_texts_are_folded_and_show_what_differs() -> None:
    told = field_of("w " * 5000 + "END", "w " * 5000 + "STOP")
    assert "<mark>END</mark>" in told
    assert "<small> (10,003 characters)</small>" in told
    assert len(told) < 1000
    assert "<details><summary>" in plan_html(samples.HOSTILE)


# --- the graph -------------------------------------------------------------------------------------------------------


def test_the_graph_has_containment_and_references() -> None:
    found = needs(plan_view(samples.NEW_SERVICE).changes)
    assert [(edge.source, edge.target, edge.label) for edge in found.edges] == [
        ("services.support.roles.agent", "services.support", ""),
        ("services.support.configuration", "services.support", ""),
        ("services.support.configuration", "services.support.roles.agent", "default_conversation_role"),
        ("services.support.configuration", 'services.support.roles["service user"]', "default_chat_service_role"),
        ("services.support.webhooks", "services.support", ""),
    ]
    assert [node.state for node in found.nodes] == ["create", "create", "update", "outside", "update"]


def boxes(page: str) -> dict[str, tuple[int, int]]:
    found = re.findall(r"<title>([^<:]*): [^<]*</title><rect x=\"(\d+)\" y=\"(\d+)\"", page)
    return {address.replace("&quot;", '"'): (int(x), int(y)) for address, x, y in found}


def test_what_is_needed_stands_on_the_left_and_nothing_stands_upon_another() -> None:
    changes = plan_view(samples.NEW_SERVICE).changes
    page = plan_html(samples.NEW_SERVICE)
    where = boxes(page)
    for edge in needs(changes).edges:
        assert where[edge.target][0] < where[edge.source][0], edge
    assert len(set(where.values())) == len(where)
    assert "Arrows point from a resource to its dependencies" in page


def role(number: int, *referents: int) -> Any:
    fields = [samples.field(f"f{target}", None, {"ref": f"roles.r{target}"}) for target in referents]
    return samples.change(f"roles.r{number}", "role", "update", *fields)


def test_a_circle_of_needs_is_drawn_too() -> None:
    page = plan_html(samples.plan(role(1, 2), role(2, 3), role(3, 1), role(4, 4)))
    assert sorted(boxes(page)) == ["roles.r1", "roles.r2", "roles.r3"]
    assert len({x for x, _ in boxes(page).values()}) == 3
    assert "1 change without dependencies is not drawn" in page


def test_a_graph_of_many_is_told_and_not_drawn() -> None:
    page = plan_html(samples.plan(*(role(number, number + 1) for number in range(MOST))))
    assert "<svg" not in page
    assert f"Not drawn: the graph has {MOST + 1} resources" in page
    assert page.count(" depends on <code>roles.r") == MOST
    assert "<svg" in plan_html(samples.plan(*(role(number, number + 1) for number in range(MOST - 1))))


def test_a_plan_in_which_nothing_needs_anything_has_no_graph() -> None:
    assert "Dependencies" not in plan_html(replace(samples.LARGE, changes=(samples.AGENT,)))
