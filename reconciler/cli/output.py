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
    def as_log(self) -> bool:
        """Whether standard output tells what happens while it happens."""
        return self.format_name in {"text", "github"}

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


def workspace_folder() -> str:
    """Where in a job's workspace this is, as GitHub tells it; empty for its root, and elsewhere."""
    workspace = os.environ.get("GITHUB_WORKSPACE", "")
    if not workspace or not Path.cwd().is_relative_to(workspace):
        return ""
    folder = Path.cwd().relative_to(workspace).as_posix()
    return "" if folder == "." else folder


def repository() -> Repository | None:
    """Where the files are on the web, as GitHub tells a job; None elsewhere."""
    told = os.environ.get
    return Repository.of(
        told("GITHUB_SERVER_URL", ""),
        told("GITHUB_REPOSITORY", ""),
        told("GITHUB_SHA", ""),
        workspace_folder(),
    )
