"""The options on how something is shown, and showing it."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass

import click

from reconciler.cli import console

Command = Callable[..., int]


@dataclass(frozen=True, slots=True)
class Output:
    """How something is shown.

    Attributes:
        as_json: whether standard output is JSON and nothing else.
        verbose: whether nothing is shortened.
        may_colour: whether colours are allowed at all.
    """

    as_json: bool
    verbose: bool
    may_colour: bool

    @property
    def colour(self) -> bool:
        """Whether standard output takes colours."""
        return console.takes_colour(sys.stdout, allowed=self.may_colour)

    @property
    def width(self) -> int:
        """How many columns standard output has."""
        return console.width_of(sys.stdout)


def format_option(function: Command) -> Command:
    """``--format text|json``."""
    return click.option(
        "--format",
        "format_name",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="What to write to standard output. With json, that JSON and nothing else, on every exit.",
    )(function)


def output_options(function: Command) -> Command:
    """``--format``, ``--verbose``, ``--no-color``; the command gets them as ``output``."""

    @functools.wraps(function)
    def command(*, format_name: str, verbose: bool, no_color: bool, **given: object) -> int:
        return function(output=Output(format_name == "json", verbose, not no_color), **given)

    options = (
        format_option,
        click.option("--verbose", is_flag=True, help="Shorten nothing: long texts, every unmanaged resource."),
        click.option("--no-color", is_flag=True, help="No colours. NO_COLOR and FORCE_COLOR are heeded too."),
    )
    result: Command = command
    for option in reversed(options):
        result = option(result)
    return result
