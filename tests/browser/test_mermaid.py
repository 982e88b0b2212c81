"""Graphs in the real Mermaid, set as strictly as GitHub sets it: every label says what it says, and does nothing.

`MERMAID` names `mermaid.min.js`; where it is not named, these tests are skipped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from reconciler.render.graph import Edge, Graph, Node, mermaid, needs
from reconciler.render.view import plan_view
from tests.browser.conftest import WAIT_MS
from tests.render import plan_samples as samples

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page

pytestmark = pytest.mark.browser

JOINER = "\u2060"
# What is in the address, and what a reader sees of it.
HOSTILE = {
    'x"]; click n0 href "javascript:alert(1)"': 'x"]; click n0 href "javascript:alert(1)"',
    "<img src=x onerror=alert(1)>": "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>": "<script>alert(1)</script>",
    "**bold** `code`": "**bold** `code`",
    "#quot;#60;b#62;": "#quot;#60;b#62;",
    '%%{init: {"theme": "dark"}}%%': '%%{init: {"theme": "dark"}}%%',
    "end": "end",
    "graph TD; a-->b": "graph TD; a-->b",
    "two\nlines": f"two\\{JOINER}nlines",
    "$$x^2$$": f"${JOINER}$x^2${JOINER}$",
    "fa:fa-car fab:fa-x": f"fa{JOINER}:fa-car fab{JOINER}:fa-x",
    "\u202eabc": "\\u202eabc",
    "&lt;b&gt;": "&lt;b&gt;",
    "style n0 fill:red": "style n0 fill:red",
    ":::delete": ":::delete",
    "back\\slash": "back\\slash",
}


class Drawn:
    """A chart as a browser shows it.

    Attributes:
        nodes: what stands in each node, by lines.
        edges: what stands at each edge that has a text.
        odd: elements that no chart of ours has.
        dialogs: how often something was run.
    """

    def __init__(self, page: Page, chart: str) -> None:
        self.dialogs: list[str] = []
        page.on("dialog", self._refuse)
        page.evaluate("async text => { document.body.innerHTML = (await mermaid.render('drawn', text)).svg }", chart)
        texts = "found => found.map(one => one.innerText)"
        self.nodes = [str(text).split("\n") for text in page.locator(".nodeLabel").evaluate_all(texts)]
        self.edges = [text for text in page.locator("span.edgeLabel").evaluate_all(texts) if text]
        self.odd = page.locator("body").locator("img, script, a, iframe, i, math").count()

    def _refuse(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    script = os.environ.get("MERMAID", "")
    if not script:
        pytest.skip("needs the path of mermaid.min.js in MERMAID")
    opened = browser.new_page()
    opened.set_default_timeout(WAIT_MS)
    opened.set_content("<body></body>")
    opened.add_script_tag(path=script)
    opened.evaluate("mermaid.initialize({startOnLoad: false, securityLevel: 'strict'})")
    yield opened
    opened.close()


def test_whatever_is_in_an_address_is_shown_and_not_meant(page: Page) -> None:
    nodes = tuple(Node(address, "role", "create") for address in HOSTILE)
    edges = tuple(Edge(node.address, nodes[0].address, node.address) for node in nodes[1:])
    drawn = Drawn(page, mermaid(Graph(nodes, edges)))
    assert [" ".join(lines) for lines in drawn.nodes] == [f"+ {shown} role (create)" for shown in HOSTILE.values()]
    assert drawn.edges == list(HOSTILE.values())[1:]
    assert (drawn.odd, drawn.dialogs) == (0, [])


def test_the_graph_of_a_plan_is_drawn(page: Page) -> None:
    drawn = Drawn(page, mermaid(needs(plan_view(samples.EVERY_ACTION).changes), limit=40))
    assert drawn.nodes == [
        ["+ addresses.main", "address (create)"],
        ["services.support", "unchanged"],
        ["~ services.support.configuration", "service configuration (update)"],
        ["-/+ services.support.roles.lead", "role (replace)"],
    ]
    assert drawn.edges == ["auto_creation.service", "default_conversation_role"]
    assert drawn.odd == 0
