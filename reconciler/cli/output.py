"""The options on how something is shown, and showing it."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from reconciler.cli import console
from reconciler.render.markdown_text import Repository

Command = Callable[..., int]


@dataclass(frozen=True, slots=True)
class Output:
    """How something is shown.

    Attributes:
        format_name: what to write to standard output.
        verbose: whether nothing is shortened.
        may_colour: whether colours are allowed at all.
        watched: whether the reader has seen, line by line, what took place.
    """

    format_name: str
    verbose: bool
    may_colour: bool
    watched: bool = False

    @property
    def as_text(self) -> bool:
        """Whether standard output is for the person who waits; else it is one document and nothing else."""
        return self.format_name == "text"

    @property
    def colour(self) -> bool:
        """Whether standard output takes colours."""
        return console.takes_colour(sys.stdout, allowed=self.may_colour)

    @property
    def width(self) -> int:
        """How many columns standard output has."""
        return console.width_of(sys.stdout)


def output_in(*formats: str) -> Callable[[Command], Command]:
    """``--format`` of these, ``--verbose``, ``--no-color``; the command gets them as ``output``.

    Args:
        formats: what there is to choose from; the first is what is written where nothing is asked for.
    """

    def decorate(function: Command) -> Command:
        @functools.wraps(function)
        def command(*, format_name: str, verbose: bool, no_color: bool, **given: object) -> int:
            return function(output=Output(format_name, verbose, not no_color), **given)

        options = (
            click.option(
                "--format",
                "format_name",
                type=click.Choice(formats),
                default=formats[0],
                show_default=True,
                help="What to write to standard output. With json, that JSON and nothing else, on every exit.",
            ),
            click.option("--verbose", is_flag=True, help="Shorten nothing: long texts, every unmanaged resource."),
            click.option("--no-color", is_flag=True, help="No colours. NO_COLOR and FORCE_COLOR are heeded too."),
        )
        result: Command = command
        for option in reversed(options):
            result = option(result)
        return result

    return decorate


output_options = output_in("text", "json")
"""What a command takes that shows something as text or as JSON."""


def repository() -> Repository | None:
    """Where the files are on the web, as GitHub tells a job; None elsewhere."""
    told = os.environ.get
    folder = ""
    workspace = told("GITHUB_WORKSPACE", "")
    if workspace and Path.cwd().is_relative_to(workspace):
        folder = Path.cwd().relative_to(workspace).as_posix()
    return Repository.of(
        told("GITHUB_SERVER_URL", ""),
        told("GITHUB_REPOSITORY", ""),
        told("GITHUB_SHA", ""),
        "" if folder == "." else folder,
    )
