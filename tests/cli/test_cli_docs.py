"""``reconciler docs``: the pages of the package, on a terminal and elsewhere."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from reconciler.cli.docs import TOPICS, docs
from tests.cli.conftest import Tty
from tests.commands import Result

Cli = Callable[..., Result]
REPOSITORY = Path(__file__).resolve().parents[2]


def test_the_pages_are_listed_with_what_they_cover(cli: Cli) -> None:
    result = cli("docs")
    assert (result.code, result.err) == (0, "")
    listed, hint = result.out.split("\n\n")
    assert [line.split(maxsplit=1) for line in listed.splitlines()] == [
        [name, topic.content] for name, topic in TOPICS.items()
    ]
    assert hint == "To read a page: reconciler docs TOPIC\n"


def test_every_page_of_the_package_is_a_topic() -> None:
    pages = {file.relative_to(REPOSITORY).as_posix() for file in (REPOSITORY / "reconciler").rglob("*.md")}
    assert pages <= {topic.path for topic in TOPICS.values()}


def test_a_page_from_elsewhere_is_put_into_the_package() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    outside = {topic.path: topic.packaged for topic in TOPICS.values() if not topic.path.startswith("reconciler/")}
    assert outside == {"schemas/README.md": "docs/reference.md"}
    assert all(included[path] == f"reconciler/{packaged}" for path, packaged in outside.items())


@pytest.mark.parametrize("topic", TOPICS)
def test_a_page_is_written_as_it_is(cli: Cli, topic: str) -> None:
    result = cli("docs", topic)
    assert (result.code, result.err) == (0, "")
    assert result.out == (REPOSITORY / TOPICS[topic].path).read_text(encoding="utf-8")


def paged(cli: Cli, monkeypatch: pytest.MonkeyPatch, topic: str, *, columns: int) -> str:
    """Return what the pager shows on a terminal."""
    shown: list[str] = []
    monkeypatch.setattr(sys, "stdout", Tty())
    monkeypatch.setattr(click, "echo_via_pager", shown.append)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    assert cli("docs", topic).code == 0
    return shown[0]


def test_a_terminal_gets_a_filled_page_with_commands_for_links(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert paged(cli, monkeypatch, "guide", columns=60).startswith(
        "# Guide\n"
        "\n"
        "This guide explains how `reconciler` works. For a quick\n"
        "start, see the README (README.md in the repository). For\n"
        "step-by-step tasks, see the recipes\n"
        "(`reconciler docs recipes`). For errors and warnings, see\n"
        "troubleshooting (`reconciler docs troubleshooting`). For\n"
        "every key and field, see the configuration reference\n"
        "(`reconciler docs reference`).\n"
        "\n"
        "- Getting started: a real account\n"
    )


def test_a_wide_terminal_gets_lines_of_100_columns(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = paged(cli, monkeypatch, "recipes", columns=250)
    text = [line for line in shown.splitlines() if not line.startswith("    ")]
    assert 90 < max(map(len, text)) <= 100


def test_an_unknown_page_is_an_error_with_the_near_miss(cli: Cli) -> None:
    result = cli("docs", "receipes")
    assert (result.code, result.out) == (1, "")
    assert "no page 'receipes'. Did you mean `reconciler docs recipes`?" in result.err
    assert "Available: guide" in cli("docs", "zzz").err


def test_pages_are_completed() -> None:
    parameter = docs.params[0]
    found = parameter.shell_complete(click.Context(docs), "rec")
    assert [(item.value, item.help) for item in found] == [("recipes", TOPICS["recipes"].content)]
