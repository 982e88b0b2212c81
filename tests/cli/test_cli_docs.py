"""``reconciler docs``: the pages of the package, on a terminal and elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from reconciler import cli as package
from reconciler.cli.docs import docs, topics
from tests.cli.conftest import Tty
from tests.commands import Result

Cli = Callable[..., Result]
FOLDER = Path(package.__file__).parents[1] / "docs"


def test_the_pages_are_listed_with_their_titles(cli: Cli) -> None:
    result = cli("docs")
    assert (result.code, result.err) == (0, "")
    listed = dict(line.split(maxsplit=1) for line in result.out.splitlines())
    assert listed.keys() == {file.stem for file in FOLDER.glob("*.md")}
    assert listed["cli"] == "Commands"


@pytest.mark.parametrize("topic", topics())
def test_a_page_is_written_as_it_is(cli: Cli, topic: str) -> None:
    result = cli("docs", topic)
    assert (result.code, result.err) == (0, "")
    assert result.out == (FOLDER / f"{topic}.md").read_text(encoding="utf-8")


def test_a_terminal_gets_the_pager(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    paged: list[str] = []
    monkeypatch.setattr(sys, "stdout", Tty())
    monkeypatch.setattr(click, "echo_via_pager", paged.append)
    assert cli("docs", "guide").code == 0
    assert paged == [(FOLDER / "guide.md").read_text(encoding="utf-8")]


def test_an_unknown_page_is_an_error_with_the_near_miss(cli: Cli) -> None:
    result = cli("docs", "receipes")
    assert (result.code, result.out) == (1, "")
    assert "no page 'receipes'. Did you mean `reconciler docs recipes`?" in result.err
    assert "Available: guide" in cli("docs", "zzz").err


def test_pages_are_completed() -> None:
    parameter = docs.params[0]
    found = parameter.shell_complete(click.Context(docs), "re")
    assert [item.value for item in found] == ["recipes"]
