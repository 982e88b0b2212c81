"""The options that control output."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import console
from reconciler.cli.choices import format_option
from reconciler.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from reconciler.render.markdown_text import Repository

Command = Callable[..., int]


@dataclass(frozen=True, slots=True)
class Output:
    """How to show a result.

    Attributes:
        format_name: The format of standard output.
        verbose: Whether to show everything in full.
        may_colour: Whether colors are allowed.
        watched: Whether the user has seen the steps line by line.
        plan_command: The command that plans again, with the path and the options that were given.
    """

    format_name: str
    verbose: bool
    may_colour: bool
    watched: bool = False
    plan_command: str = "reconciler plan"

    @property
    def as_text(self) -> bool:
        """Whether standard output is text for the user; otherwise it is one document."""
        return self.format_name == "text"

    @property
    def as_log(self) -> bool:
        """Whether standard output shows steps while they run."""
        return self.format_name in {"text", "github"}

    @property
    def colour(self) -> bool:
        """Whether standard output takes colors."""
        return console.takes_colour(sys.stdout, allowed=self.may_colour)

    @property
    def width(self) -> int:
        """The number of columns of standard output."""
        return console.width_of(sys.stdout)


def output_in(*formats: str) -> Callable[[Command], Command]:
    """Add ``--format``, ``--verbose``, and ``--no-color``; the command gets them as ``output``.

    Args:
        formats: The choices; the first is the default.
    """

    def decorate(function: Command) -> Command:
        @functools.wraps(function)
        def command(*, format_name: str, verbose: bool, no_color: bool, **given: object) -> int:
            return function(output=Output(format_name, verbose, not no_color), **given)

        options = (
            format_option(*formats),
            click.option("--verbose", is_flag=True, help="Show full output: long texts, every unmanaged resource."),
            click.option("--no-color", is_flag=True, help="No colors; see also NO_COLOR and FORCE_COLOR."),
        )
        result: Command = command
        for option in reversed(options):
            result = option(result)
        return result

    return decorate


def workspace_folder() -> str:
    """Return the current folder relative to the workspace of a GitHub job; empty at its root, and elsewhere."""
    workspace = os.environ.get("GITHUB_WORKSPACE", "")
    if not workspace or not Path.cwd().is_relative_to(workspace):
        return ""
    folder = Path.cwd().relative_to(workspace).as_posix()
    return "" if folder == "." else folder


def repository() -> Repository | None:
    """Return the repository of a GitHub job, for links; None elsewhere."""
    from reconciler.render.markdown_text import Repository  # noqa: PLC0415 - help and completion do without

    variable = os.environ.get
    return Repository.of(
        variable("GITHUB_SERVER_URL", ""),
        variable("GITHUB_REPOSITORY", ""),
        variable("GITHUB_SHA", ""),
        workspace_folder(),
    )
