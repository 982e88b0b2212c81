"""A value that is empty, as of a shell variable that is unset, is an error of every option and argument."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from reconciler.cli.manual import Page
from reconciler.cli.root import ROOT
from tests.commands import Run as Cli


def commands(group: click.Group, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, by its words."""
    with click.Context(group) as context:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            if isinstance(command, click.Group):
                yield from commands(command, (*above, name))
            else:
                yield (*above, name), command


COMMANDS = dict(commands(ROOT))


def required(command: click.Command, besides: click.Parameter) -> list[str]:
    """What has to be given for a command to start at all."""
    return [
        word
        for parameter in command.params
        if parameter.required and parameter is not besides
        for word in ([parameter.opts[0], "x"] if isinstance(parameter, click.Option) else ["x"])
    ]


def cases() -> Iterator[tuple[tuple[str, ...], str, list[str]]]:
    for words, command in COMMANDS.items():
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                if parameter.is_flag:
                    continue
                for spelling in parameter.opts:
                    yield words, spelling, [*required(command, parameter), spelling, ""]
                    if spelling.startswith("--"):
                        yield words, spelling, [*required(command, parameter), f"{spelling}="]
            else:
                arguments = [item for item in command.params if isinstance(item, click.Argument)]
                given = ["x" for _ in range([item.name for item in arguments].index(parameter.name))]
                options = [
                    word
                    for item in command.params
                    if isinstance(item, click.Option) and item.required
                    for word in (item.opts[0], "x")
                ]
                yield words, "Invalid value", [*options, *given, ""]


@pytest.mark.parametrize(
    ("words", "name", "arguments"), list(cases()), ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_an_empty_value_is_an_error(cli: Cli, words: tuple[str, ...], name: str, arguments: list[str]) -> None:
    result = cli(*words, *arguments)
    assert (result.code, result.out) == (1, "")
    err = " ".join(result.err.split())
    assert err.endswith("it is empty, perhaps because a shell variable is unset. Give it a value, or omit it"), err
    assert name in err


def test_every_command_rejects_empty_values_by_the_same_means() -> None:
    assert {words for words, command in COMMANDS.items() if not isinstance(command, Page)} == set()


@pytest.mark.parametrize("option", ["--target", "--overlay", "--var"])
def test_one_empty_value_among_others_is_an_error(cli: Cli, option: str) -> None:
    result = cli("validate" if option != "--target" else "plan", option, "a=b", option, "")
    assert (result.code, option in result.err, "it is empty" in result.err) == (1, True, True)


def test_with_json_it_is_a_document(cli: Cli) -> None:
    result = cli("plan", "--emulator", "", "--format", "json")
    assert (result.code, result.json["format"]) == (1, "reconciler.error")


def repeated() -> Iterator[tuple[tuple[str, ...], str, list[str]]]:
    for words, command in COMMANDS.items():
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not (parameter.is_flag or parameter.multiple):
                spelling = parameter.opts[0]
                yield words, spelling, [*required(command, parameter), spelling, "1", spelling, "2"]


@pytest.mark.parametrize(
    ("words", "name", "arguments"),
    list(repeated()),
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_an_option_of_one_value_that_is_given_twice_is_refused(
    words: tuple[str, ...], name: str, arguments: list[str], cli: Cli
) -> None:
    result = cli(*words, *arguments)
    assert result.code == 1
    assert f"'{name}'" in result.err
    assert "more than once" in " ".join(result.err.split())


@pytest.mark.parametrize("seconds", ["nan", "inf", "-inf"])
def test_a_timeout_is_a_number_of_seconds(seconds: str, cli: Cli) -> None:
    result = cli("plan", "--timeout", seconds)
    assert (result.code, "--timeout" in result.err) == (1, True)
