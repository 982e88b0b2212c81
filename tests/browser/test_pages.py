"""Pages in a real browser: what they do, what they ask for, what a reader with other senses gets of them."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from reconciler.documents.drift import drift_document
from reconciler.render.html import drift_html, plan_html, report_html
from tests.browser.conftest import Open, Opened
from tests.render import plan_samples as samples
from tests.render.elements import Element, read
from tests.render.test_html import MORE_ATTACKS
from tests.render.test_markdown import ATTACKS, hostile_plan
from tests.render.test_report_text import hostile_report

pytestmark = pytest.mark.browser

LONG = samples.plan(*[entry for entry in samples.LARGE.changes if entry.kind == "address_configuration"][:300])
ATTACKED = [*ATTACKS, *MORE_ATTACKS]
PAGES = {
    "every_action": lambda: plan_html(samples.EVERY_ACTION),
    "guards": lambda: plan_html(samples.GUARDS),
    "empty": lambda: plan_html(samples.EMPTY),
    "hostile": lambda: plan_html(samples.HOSTILE),
    "new_service": lambda: plan_html(samples.NEW_SERVICE),
    "many_unmanaged": lambda: plan_html(samples.MANY_UNMANAGED),
    "large": lambda: plan_html(samples.LARGE),
    "attacks": lambda: plan_html(hostile_plan(ATTACKED)),
    "drift": lambda: drift_html(drift_document(samples.EVERY_ACTION)),
    "report": lambda: report_html(samples.ALL_STATUSES, samples.EVERY_ACTION),
    "hostile_report": lambda: report_html(hostile_report(ATTACKED)),
}


def assert_quiet(opened: Opened) -> None:
    assert opened.complaints == []
    assert opened.requests == []


# --- filters ---------------------------------------------------------------------------------------------------------


def test_a_search_finds_addresses_values_files_and_words_of_people(open_page: Open) -> None:
    opened = open_page(plan_html(samples.EVERY_ACTION))
    opened.assert_found("6 changes")
    for words, shown in (
        ("hooks-of-another", ["account.webhooks"]),
        ("addresses.yaml:3", ["addresses.main"]),
        ("LOSES deleteOwnMessage", ["services.support.roles.agent"]),
        ("roles permissions", ["services.support.roles.lead", "services.support.roles.agent"]),
        ("nowhere", []),
    ):
        opened.page.locator("#search").fill(words)
        opened.page.locator("#search").press("Enter")
        assert opened.shown() == shown
        opened.assert_found(f"{len(shown)} of 6 changes")
    assert_quiet(opened)


def test_filters_narrow_down_together_and_are_cleared(open_page: Open) -> None:
    opened = open_page(plan_html(samples.EVERY_ACTION))
    page = opened.page
    page.get_by_role("checkbox", name="update").check()
    opened.assert_found("3 of 6 changes")
    page.get_by_role("checkbox", name="delete").check()
    opened.assert_found("4 of 6 changes")
    page.get_by_role("checkbox", name="medium").check()
    opened.assert_found("3 of 6 changes")
    page.locator("select[name=service]").select_option(label="Customer Support (4)")
    page.locator("select[name=kind]").select_option(label="role (3)")
    assert opened.shown() == ["services.support.roles.old", "services.support.roles.agent"]
    page.get_by_role("button", name="Clear").click()
    opened.assert_found("6 changes")
    assert len(opened.shown()) == 6
    assert page.get_by_role("checkbox", checked=True).count() == 0
    assert_quiet(opened)


def test_a_report_is_filtered_by_how_it_ended(open_page: Open) -> None:
    opened = open_page(report_html(samples.ALL_STATUSES))
    opened.page.get_by_role("checkbox", name="failed").check()
    assert opened.shown() == ["services.support.roles.agent", "account.webhooks"]
    opened.assert_found("2 of 8 changes")


def test_a_drift_is_filtered_by_what_is_so(open_page: Open) -> None:
    opened = open_page(drift_html(drift_document(samples.EVERY_ACTION)))
    opened.page.get_by_role("checkbox", name="missing").check()
    assert opened.shown() == ["addresses.main"]
    opened.assert_found("1 of 6 differences")


def test_a_long_list_is_searched_too(open_page: Open) -> None:
    opened = open_page(plan_html(LONG))
    opened.page.locator("#search").fill("addresses.line29 ")
    opened.page.locator("#search").press("Enter")
    opened.assert_found("11 of 300 changes")
    # Hiding one item of a numbered list costs Chromium a walk over the others: minutes, of ten thousand.
    assert (
        opened.page.locator("#c1").evaluate("item => { item.hidden = false; return getComputedStyle(item).display; }")
        == "block"
    )
    opened.page.locator("#search").press("Enter")
    opened.page.get_by_role("button", name="Unfold all").click()
    assert opened.page.locator(".entries details[open]").count() == 11
    opened.page.get_by_role("button", name="Fold all", exact=True).click()
    assert opened.page.locator(".entries details[open]").count() == 0
    assert_quiet(opened)


# --- keyboard --------------------------------------------------------------------------------------------------------


def focused(opened: Opened) -> str:
    told: str = opened.page.evaluate("document.activeElement.id || document.activeElement.innerText.trim()")
    return told


def test_the_keyboard_is_enough(open_page: Open) -> None:
    opened = open_page(plan_html(LONG))
    page = opened.page
    page.keyboard.press("Tab")
    assert focused(opened) == "Skip to the list"
    assert page.locator(".skip").bounding_box()["x"] >= 0  # type: ignore[index] # it is there while it has the focus
    page.keyboard.press("/")
    assert focused(opened) == "search"
    page.keyboard.type("line7 ")
    opened.assert_found("11 of 300 changes")
    page.keyboard.press("Escape")
    assert page.locator("#search").input_value() == ""
    opened.assert_found("300 changes")
    page.keyboard.type("/")
    assert page.locator("#search").input_value() == "/"
    page.keyboard.press("Escape")
    first = page.locator("#c1 summary")
    first.focus()
    page.keyboard.press("Enter")
    assert page.locator("#c1 .fields").is_visible()
    page.keyboard.press("Space")
    assert not page.locator("#c1 .fields").is_visible()
    assert first.evaluate("item => getComputedStyle(item).outlineStyle") == "solid"
    assert_quiet(opened)


def test_a_link_to_a_change_unfolds_it_even_if_it_is_filtered_out(open_page: Open) -> None:
    opened = open_page(plan_html(LONG))
    page = opened.page
    page.locator("#search").fill("line299 ")
    page.locator("#search").press("Enter")
    assert opened.shown() == ["addresses.line299"]
    page.locator("#meaning a").first.click()
    page.locator("#c1 .fields").wait_for()
    opened.assert_found("300 changes")
    straight = open_page(plan_html(LONG), anchor="#c250")
    assert straight.page.locator("#c250 .fields").is_visible()
    assert straight.page.locator("#c250").evaluate(
        "item => item.getBoundingClientRect().top >= 0 && item.getBoundingClientRect().top < innerHeight"
    )
    assert_quiet(straight)


# --- nothing runs, nothing is asked for ------------------------------------------------------------------------------

BROWSERS_TREE = """() => {
  const told = (item) => [item.localName, Array.from(item.attributes, (it) => [it.name, it.value]),
                          Array.from(item.children, told)];
  return told(document.documentElement);
}"""


def as_lists(element: Element) -> list[Any]:
    name, attributes, inner = element
    return [name, [[key, value or ""] for key, value in attributes], [as_lists(child) for child in inner]]


def lowered(tree: list[Any]) -> list[Any]:
    """A tree as the browser has it, with names of attributes as `read` has them: SVG knows capitals."""
    name, attributes, inner = tree
    return [name, [[key.lower(), value] for key, value in attributes], [lowered(child) for child in inner]]


@pytest.mark.parametrize("name", PAGES)
def test_a_browser_has_nothing_to_repair_and_runs_nothing_of_theirs(name: str, open_page: Open) -> None:
    html = PAGES[name]()
    still = open_page(html, scripts=False)
    assert lowered(still.page.evaluate(BROWSERS_TREE)) == as_lists(read(html)[0])
    opened = open_page(html)
    opened.page.locator("summary").first.click() if opened.page.locator("summary").count() else None
    assert opened.page.locator("script").count() == 1
    assert opened.page.evaluate("Object.keys(window).filter((name) => /alert|^x$/.test(name))") == ["alert"]
    assert_quiet(opened)
    assert_quiet(still)


class _Listener(BaseHTTPRequestHandler):
    asked: list[str]
    html: bytes

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.html)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def served() -> Iterator[tuple[str, list[str]]]:
    """A page on a server of its own, and what was asked of it."""
    asked: list[str] = []
    handler = type("Listener", (_Listener,), {"asked": asked, "html": plan_html(samples.EVERY_ACTION).encode()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_policy_stops_scripts_styles_images_and_requests(browser: Any, served: tuple[str, list[str]]) -> None:
    url, asked = served
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = Opened(context, f"{url}/plan")
    page = opened.page
    assert opened.complaints == []
    page.evaluate(
        """(url) => {
          window.told = [];
          document.addEventListener('securitypolicyviolation', (event) => told.push(event.effectiveDirective));
          const add = (name, attributes) => {
            document.body.append(Object.assign(document.createElement(name), attributes));
          };
          add('img', { src: url + '/image' });
          add('iframe', { src: url + '/frame' });
          add('link', { rel: 'stylesheet', href: url + '/style' });
          add('style', { textContent: 'body { display: none }' });
          document.body.setAttribute('style', 'display: none');
          const form = document.createElement('form');
          form.action = url + '/form';
          document.body.append(form);
          form.submit();
        }""",
        url,
    )
    refused = page.evaluate("(url) => fetch(url + '/fetch').then(() => 'answered', () => 'refused')", url)
    trusted = page.evaluate("""() => [
      (item) => { item.innerHTML = '<b>'; },
      (item) => { item.setAttribute('onclick', 'alert(1)'); },
      (item) => { item.append(Object.assign(document.createElement('script'), { text: 'alert(1)' })); },
    ].map((work) => { try { work(document.body); return 'taken'; } catch (error) { return error.name; } })""")
    assert refused == "refused"
    assert trusted == ["TypeError", "TypeError", "TypeError"]
    assert page.locator("h1").is_visible()
    assert set(page.evaluate("told")) == {
        "img-src", "frame-src", "style-src-elem", "style-src-attr", "form-action", "connect-src",
        "require-trusted-types-for",
    }  # fmt: skip
    context.close()
    assert set(asked) <= {"/plan", "/favicon.ico"}  # the second is the browser's own idea


# --- for everybody ---------------------------------------------------------------------------------------------------


@cache
def axe() -> str:
    """The accessibility engine, from the package that brings it along."""
    spec = importlib.util.find_spec("axe_playwright_python")
    assert spec is not None
    assert spec.origin is not None
    return (Path(spec.origin).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
@pytest.mark.parametrize("name", ["every_action", "guards", "empty", "hostile", "new_service", "drift", "report"])
def test_axe_finds_no_serious_violations(name: str, phone: bool, dark: bool, open_page: Open) -> None:  # noqa: FBT001 - parameters of a test
    opened = open_page(PAGES[name](), phone=phone, dark=dark)
    ground = opened.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert ground == ("rgb(16, 19, 23)" if dark else "rgb(255, 255, 255)")
    opened.unfold()
    opened.page.evaluate(axe())
    result = opened.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    found = [
        (violation["id"], violation["impact"], node["html"][:200], node.get("failureSummary"))
        for violation in result["violations"]
        for node in violation["nodes"]
        if violation["impact"] in {"serious", "critical", "moderate"}
    ]
    assert found == []
    assert len(result["violations"]) == 0
    assert opened.requests == []


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wider_than_a_phone(name: str, open_page: Open) -> None:
    opened = open_page(PAGES[name](), phone=True)
    opened.unfold()
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert opened.page.locator("h1").bounding_box()["y"] < 120  # type: ignore[index] # the verdict is there at once


def test_sides_stand_next_to_one_another_where_there_is_room(
    open_page: Open,
) -> None:
    def corners(*, phone: bool) -> tuple[Any, Any]:
        page = open_page(plan_html(samples.SMALL), phone=phone).page
        before, after = (page.locator(f".fields dd.{side}").first.bounding_box() for side in "ba")
        return before, after

    before, after = corners(phone=False)
    assert after["x"] >= before["x"] + before["width"] - 1
    assert after["y"] == before["y"]
    before, after = corners(phone=True)
    assert after["x"] == before["x"]
    assert after["y"] >= before["y"] + before["height"] - 1


def test_signs_are_read_out_as_words(open_page: Open) -> None:
    opened = open_page(plan_html(samples.SMALL))
    heading = opened.page.get_by_role("heading", level=1).aria_snapshot()
    assert "1 change, none high-risk" in heading
    assert opened.page.get_by_role("heading", name="update services.support.roles.agent").count() == 1
    told = opened.page.locator(".fields").aria_snapshot()
    assert "deletion: deleteOwnMessage" in told
    assert "insertion: sendMediaMessage" in told


def test_without_scripts_everything_but_the_filters_is_there(open_page: Open) -> None:
    opened = open_page(plan_html(LONG), scripts=False)
    assert not opened.page.locator("#filters").is_visible()
    assert len(opened.shown()) == 300
    opened.page.locator("#c1 summary").click()
    assert opened.page.locator("#c1 .fields").is_visible()
    assert_quiet(opened)


def test_on_paper_nothing_is_folded(open_page: Open) -> None:
    opened = open_page(plan_html(LONG), dark=True)
    page = opened.page
    assert not page.locator("#c300 .fields").is_visible()
    page.emulate_media(media="print")
    height = "item => item.getBoundingClientRect().height"
    assert page.locator("#c300 .fields").evaluate(height) > 10
    assert page.locator("#c1 .fields").evaluate(height) > 10
    assert not page.locator("#filters").is_visible()
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf(format="A4").startswith(b"%PDF")
    assert_quiet(opened)
