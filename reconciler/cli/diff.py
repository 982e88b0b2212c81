"""``reconciler diff``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from reconciler import workflow
from reconciler.cli import candidates, showing
from reconciler.cli.exit_codes import DIFFERENCES, DONE
from reconciler.cli.manual import Page
from reconciler.cli.options import reading_options
from reconciler.cli.output import Output, output_in
from reconciler.errors import UsageError
from reconciler.workflow import Inputs

EPILOG = """\b
Examples:
  reconciler diff git:origin/main --detailed-exitcode
  reconciler diff git:origin/main conversations/ --env prod --format markdown
  reconciler diff conversations/@staging conversations/@prod
  reconciler diff git:v1:conversations git:HEAD:conversations"""


@click.command(cls=Page, epilog=EPILOG)
@click.argument("one", metavar="A", shell_complete=candidates.yaml_files)
@click.argument("other", metavar="B", default=".", shell_complete=candidates.yaml_files)
@reading_options
@click.option("--detailed-exitcode", is_flag=True, help="Exit with status 2 if the configurations differ.")
@output_in(*showing.COMPARISON)
def diff(one: str, other: str, inputs: Inputs, output: Output, *, detailed_exitcode: bool) -> int:
    """Compare two configurations without an account.

    A and B are files or folders (the default of B is the current folder), git:REF for the same path at a commit, or
    git:REF:PATH for a path from the top of the repository. Add @ENVIRONMENT to select an environment.

    Shows the changes from A to B as if the account matched A. Two environments or accounts are compared by address.
    Environment variables and secrets are not read; they are compared by name.
    """
    sides = [_side(text, inputs) for text in (one, other)]
    named = next((side for side in sides if side.path or side.from_top), Inputs())
    before, after = (
        side if side.path or side.from_top else replace(side, path=named.path, from_top=named.from_top)
        for side in sides
    )
    found = workflow.compare(before, after)
    showing.show_comparison(found, output)
    return DIFFERENCES if detailed_exitcode and found.differs else DONE


def _side(text: str, inputs: Inputs) -> Inputs:
    """Parse one of the two arguments.

    The last @ begins an environment, unless the whole text is an existing path, or the @ is part of git's syntax
    (``@{1}``). An @ at the end means no environment, so that a name can contain an @.
    """
    ref, path = "", text
    if text.startswith("git:"):
        ref, colon, path = text.removeprefix("git:").partition(":")
        ref, environment = (ref, "") if colon else _split_environment(ref)
        if not ref:
            raise UsageError(f"{text} has no commit. Use git:BRANCH, git:TAG, or git:COMMIT")
        if not colon:
            return replace(inputs, path="", ref=ref, environment=environment or inputs.environment)
        path, environment = _split_environment(path)
        return replace(inputs, path=path, ref=ref, from_top=True, environment=environment or inputs.environment)
    environment = ""
    if not _exists(text):
        path, environment = _split_environment(text)
    return replace(inputs, path=path or ".", environment=environment or inputs.environment)


def _split_environment(text: str) -> tuple[str, str]:
    name, at, environment = text.rpartition("@")
    return (name, environment) if at and not environment.startswith("{") else (text, "")


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False
