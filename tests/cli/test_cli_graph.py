"""``graph``: what needs what, in two languages, in which no handle means anything."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.render.graph import Edge, Graph, Node, dot, mermaid
from tests.cli.conftest import FILES
from tests.commands import Result

Cli = Callable[..., Result]
EMULATED = ("--emulator", "demo.db")

MERMAID = """\
flowchart LR
  n0["services.support<br>service"]
  n1["services.support.configuration<br>service configuration"]
  n2["services.support.roles.agent<br>role"]
  n1 -.-> n0
  n1 -->|"default_conversation_role"| n2
  n2 -.-> n0
"""
DOT = """\
digraph reconciler {
  rankdir=LR;
  node [shape=box, fontname="sans-serif"];
  n0 [label="services.support\\nservice"];
  n1 [label="services.support.configuration\\nservice configuration"];
  n2 [label="services.support.roles.agent\\nrole"];
  n1 -> n0 [style=dashed];
  n1 -> n2 [label="default_conversation_role"];
  n2 -> n0 [style=dashed];
}
"""


def test_of_the_files(cli: Cli, files: Path) -> None:
    assert files.exists()
    assert cli("graph") == Result(0, MERMAID, "")
    assert cli("graph", "--format", "dot") == Result(0, DOT, "")


def test_it_needs_no_values(cli: Cli, files: Path) -> None:
    files.write_text(FILES + "    webhooks: {post_webhook_url: 'https://x.example/${secret:NOT_SET}'}\n")
    assert "services.support.webhooks" in cli("graph").out


def test_what_is_referred_to_and_not_declared_is_shown_as_that(cli: Cli, files: Path) -> None:
    files.write_text(FILES.replace("default_conversation_role: agent", "default_conversation_role: channel admin"))
    told = cli("graph").out
    assert "channel admin" in told
    assert "(not declared)" in told.replace("#40;", "(").replace("#41;", ")")
    assert "classDef outside" in told


def test_of_a_plan(cli: Cli, files: Path) -> None:
    assert cli("apply", *EMULATED, "--yes").code == 0
    gone = "      agent: {absent: true}"
    files.write_text(
        re.sub(r"      agent: .*", gone, FILES).replace("    configuration: {default_conversation_role: agent}\n", "")
        + "      clerk: {type: conversation, permissions: [sendMessage]}\n"
    )
    cli("plan", *EMULATED, "--out", "plan.json")
    told = cli("graph", "--plan", "plan.json").out
    assert ":::create" in told
    assert ":::delete" in told
    assert "classDef create fill:#" in told
    assert 'fillcolor="#' in cli("graph", "--plan", "plan.json", "--format", "dot").out
    missing = cli("graph", "--plan", "nowhere.json")
    assert missing.code == 1
    assert "nowhere.json" in missing.err


@pytest.mark.parametrize("example", ["quickstart", "support-desk"])
def test_the_examples_are_drawn_the_same_every_time(cli: Cli, example: str) -> None:
    path = str(Path(__file__).resolve().parents[2] / "examples" / example)
    arguments = ("graph", path, *(("--env", "prod") if example == "support-desk" else ()))
    first = cli(*arguments)
    assert first.code == 0
    assert cli(*arguments) == first


hostile = st.text(max_size=30) | st.text(alphabet='"\\[]<>|`&#;%{}\n\r-.: n', max_size=20)


@given(hostile, hostile, hostile, st.sampled_from(["", "create", "update", "replace", "delete", "outside"]))
def test_no_text_means_anything(address: str, kind: str, label: str, state: str) -> None:
    drawn = Graph((Node(address, kind, state), Node(address + "2", kind)), (Edge(address, address + "2", f"x{label}"),))
    first, *lines = mermaid(drawn).removesuffix("\n").split("\n")
    assert first == "flowchart LR"
    word = r"(?:[^\x00-\x7f]|[A-Za-z0-9 ._-]|#\d+;)*"
    shapes = (
        rf'  n[01]\["{word}<br>{word}"\](?::::[a-z]+)?', rf'  n0 -->\|"{word}"\| n1', r"  classDef [a-z]+ [a-z0-9:#,]+",
    )  # fmt: skip
    assert all(any(re.fullmatch(shape, line) for shape in shapes) for line in lines), lines
    body = dot(drawn).removesuffix("\n").split("\n")[3:-1]
    quoted = r'"(?:[^"\\]|\\.)*"'
    assert len(body) == 3
    assert all(re.fullmatch(rf"  n\d(?: -> n\d)? \[(?:[a-z]+=(?:{quoted}|filled)(?:, )?)+\];", line) for line in body)


def test_a_long_address_keeps_what_tells_it_apart() -> None:
    nodes = tuple(
        Node(f"services.support.conversations.announcements-of-the-whole-house.webhooks.{name}", "conversation_webhook")
        for name in ("bot", "crm")
    )
    assert mermaid(Graph(nodes, ()), limit=40).splitlines()[1:] == [
        '  n0["services.s#8230;-the-whole-house.webhooks.bot<br>conversation webhook"]',
        '  n1["services.s#8230;-the-whole-house.webhooks.crm<br>conversation webhook"]',
    ]


def test_a_label_holds_no_line_break_formula_or_icon_of_mermaids() -> None:
    drawn = mermaid(Graph((Node("a\nb", "role"), Node("$$x$$", "role"), Node("fas:fa-car", "role")), ()))
    assert drawn.splitlines()[1:] == [
        '  n0["a#92;#8288;nb<br>role"]',
        '  n1["#36;#8288;#36;x#36;#8288;#36;<br>role"]',
        '  n2["fas#8288;#58;fa-car<br>role"]',
    ]
