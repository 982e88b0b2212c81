"""The manual: every page as people read it, and nothing in it that is not so."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from reconciler.cli import exit_codes, manual, reference
from reconciler.cli import help as help_pages
from reconciler.cli.manual import EXIT_CODES
from reconciler.cli.root import GROUPS, ROOT, VERBS
from tests.cli.conftest import FILES
from tests.commands import Result

Cli = Callable[..., Result]
Golden = Callable[[str, str], None]

PACKAGE = Path(manual.__file__).parents[1]


def pages(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None
            yield from pages(found, f"{name} {below}".strip())


PAGES = dict(pages(ROOT, ""))


@pytest.mark.parametrize("name", PAGES, ids=lambda name: name or "reconciler")
def test_a_page_reads_well(cli: Cli, golden: Golden, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for page in PAGES.values():
        # click keeps the help option of whoever asked first, and other tests ask without a program around a command.
        monkeypatch.setattr(page, "_help_option", None, raising=False)
    result = cli(*name.split(), "--help")
    assert (result.code, result.err) == (0, "")
    assert max(len(line) for line in result.out.splitlines()) <= 80
    assert len(result.out.splitlines()) <= 60
    assert "\b" not in result.out
    golden(f"help/{name.replace(' ', '-') or 'reconciler'}.txt", result.out)


@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if not isinstance(page, click.Group)])
def test_every_command_has_a_whole_page(name: str) -> None:
    page = PAGES[name]
    assert isinstance(page, manual.Page)
    text = page.get_help(click.Context(page, info_name=name))
    headings = re.findall(r"^(\S[^\n]*):$", text, re.MULTILINE)
    assert {"Options", "Exit codes"} <= set(headings)
    assert headings.index("Exit codes") < next(i for i, heading in enumerate(headings) if heading.startswith("Example"))


def test_every_option_stands_under_one_heading_of_its_page_or_of_the_global_options() -> None:
    shared = help_pages.topic_text("options")
    for name, page in PAGES.items():
        text = page.get_help(click.Context(page, info_name=name)) + (shared if name else "")
        for parameter in page.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                spelled = re.escape(", ".join(sorted(parameter.opts, key=len)))
                found = re.findall(rf"^  {spelled}(?: |$)", text, re.MULTILINE)
                assert len(found) == 1, (name, parameter.opts)


@pytest.mark.parametrize("topic", help_pages.TOPICS)
def test_a_topic_reads_well(cli: Cli, golden: Golden, monkeypatch: pytest.MonkeyPatch, topic: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = cli("help", topic)
    assert (result.code, result.err) == (0, "")
    assert max(len(line) for line in result.out.splitlines()) <= 80
    assert len(result.out.splitlines()) <= 60
    golden(f"help/help-{topic}.txt", result.out)


def test_every_environment_variable_of_an_option_is_on_the_page_of_variables() -> None:
    listed = {name for rows in help_pages.ENVIRONMENT.values() for name, _ in rows}
    named = {str(parameter.envvar) for page in PAGES.values() for parameter in page.params if parameter.envvar}
    assert named <= listed
    credentials = {name for name, _ in help_pages.ENVIRONMENT["Credentials"]}
    source = "".join(path.read_text(encoding="utf-8") for path in (PACKAGE / "api").glob("*.py"))
    workflow = (PACKAGE / "workflow" / "connecting.py").read_text(encoding="utf-8")
    assert credentials == set(re.findall(r"\"(TWILIO_[A-Z_]+)\"", source + workflow))


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ((), "Getting started:"),
        (("plan",), "Usage: reconciler plan [OPTIONS] [PATH]"),
        (("emulator", "serve"), "Usage: reconciler emulator serve [OPTIONS]"),
    ],
)
def test_help_shows_the_page_of_a_command(cli: Cli, words: tuple[str, ...], shown: str) -> None:
    result = cli("help", *words)
    assert (result.code, result.err) == (0, "")
    assert shown in result.out
    assert result.out == cli(*words, "--help").out


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("plam",), "Did you mean `reconciler help plan`?"),
        (("enviroment",), "Did you mean `reconciler help environment`?"),
        (("emulator", "sevre"), "Did you mean `reconciler help emulator serve`?"),
        (("plan", "options"), "no help for 'plan options'"),
    ],
)
def test_help_of_something_unknown_names_the_near_miss(cli: Cli, words: tuple[str, ...], hint: str) -> None:
    result = cli("help", *words)
    assert (result.code, result.out) == (1, "")
    assert hint in result.err


def test_the_page_of_commands_is_current() -> None:
    assert reference.PAGE.read_text(encoding="utf-8") == reference.reference(), (
        "run `python -m reconciler.cli.reference --write`"
    )


def test_every_verb_is_listed_once() -> None:
    listed = [verb for verbs in GROUPS.values() for verb in verbs]
    assert sorted(listed) == sorted(VERBS)


def test_every_exit_code_is_told() -> None:
    assert [int(code) for code, _ in EXIT_CODES] == sorted(exit_codes.PRECEDENCE)
    told = {code for codes in manual._CODES.values() for code in codes} | manual._COMMON_CODES.keys()
    assert told | {130} == set(exit_codes.PRECEDENCE)
    assert manual._CODES.keys() <= VERBS.keys()
    assert manual._FILES.keys() <= VERBS.keys()


def examples() -> Iterator[tuple[str, str]]:
    """Every command line that a page shows."""
    for name, page in PAGES.items():
        for line in (page.epilog or "").splitlines():
            for part in re.split(r" && | \| | > ", line.split("      (")[0]):
                if part.strip().startswith("reconciler ") and line.startswith("  "):
                    yield name, part.strip()


def test_every_page_has_examples() -> None:
    shown = {name for name, _ in examples()} | {"completion"}  # whose examples are lines of shells
    assert shown >= {name for name, page in PAGES.items() if isinstance(page, manual.Page)}


@pytest.mark.parametrize(("name", "line"), list(examples()))
def test_every_example_is_understood(name: str, line: str) -> None:
    words = shlex.split(line)[1:]
    command: click.Command = ROOT
    context = click.Context(ROOT)
    while isinstance(command, click.Group):
        verb, found, words = command.resolve_command(context, words)
        assert found is not None, (name, line)
        command, context = found, click.Context(found, info_name=verb)
    command.make_context(command.name, words)


@pytest.mark.parametrize("line", [line for name, line in examples() if name in {"init", "schema", "graph", "validate"}])
def test_examples_that_need_nothing_work(cli: Cli, tmp_path: Path, line: str) -> None:
    words = shlex.split(line)[1:]
    if words[0] in {"graph", "validate", "plan"}:
        for folder in (tmp_path, tmp_path / "conversations"):
            folder.mkdir(exist_ok=True)
            (folder / "reconciler.yaml").write_text(FILES + "environments: {prod: {}}\n")
    if "--plan" in words:
        assert cli("plan", "--emulator", "demo.db", "--out", "plan.json").code == 0
    assert cli(*words).code == 0
