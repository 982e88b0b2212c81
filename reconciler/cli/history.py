"""``reconciler history``."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from reconciler import workflow
from reconciler.cli import candidates, console
from reconciler.cli.choices import format_option
from reconciler.cli.exit_codes import DONE
from reconciler.cli.manual import Page
from reconciler.errors import UsageError
from reconciler.workflow import Inputs

EPILOG = """\b
Examples:
  reconciler history --env prod
  reconciler history show 42 --env prod
  reconciler history config/reconciler.yaml --format json"""


@click.command(cls=Page, epilog=EPILOG)
@click.argument("words", nargs=-1, metavar="[show NUMBER] [PATH]", shell_complete=candidates.yaml_files)
@click.option(
    "--env",
    metavar="NAME",
    default="",
    envvar="RECONCILER_ENV",
    shell_complete=candidates.environments,
    help="The environment whose ledger is shown.",
)
@format_option("text", "json")
def history(*, words: tuple[str, ...], env: str, format_name: str) -> int:
    """List the entries of the ledger, newest first, or show one, offline.

    PATH is a file, or a folder that contains reconciler.yaml; the default is the current folder. Each line has the
    number, start, status, source commit, actor, and changes of an apply. `show` prints one entry: what was applied, by
    which run, and what is remembered of each resource.
    """
    from reconciler.render.history import entry_text, history_text  # noqa: PLC0415 - help and completion do without

    number, path = _parsed(words)
    inputs = Inputs(path, environment=env)
    if number is None:
        document = workflow.history(inputs, os.environ)
        console.out(document.to_json() if format_name == "json" else history_text(document))
    else:
        entry = workflow.history_entry(inputs, os.environ, number)
        console.out(entry.to_json() if format_name == "json" else entry_text(entry))
    return DONE


def _parsed(words: tuple[str, ...]) -> tuple[int | None, str]:
    """Return the number of the entry to show, None for all, and the path.

    Raises:
        UsageError: There are other words.
    """
    rest = words
    number: int | None = None
    if words and words[0] == "show":
        text = words[1] if len(words) > 1 else ""
        if not (text.isascii() and text.isdigit() and 0 < len(text) < 10):
            raise UsageError("history show needs the number of an entry: `reconciler history show 42`")
        number, rest = int(text), words[2:]
    elif (entry := _meant(words)) is not None:
        meant = shlex.join(["reconciler", "history", "show", entry, *words[1 if words[0] == entry else 2 :]])
        raise UsageError(f"{words[0]} is not a PATH. Did you mean `{meant}`?")
    if len(rest) > 1:
        raise UsageError(f"history takes one PATH, not {len(rest)}")
    return number, rest[0] if rest else "."


def _meant(words: tuple[str, ...]) -> str | None:
    """Return the number of an entry that was given without `show`, or with a misspelled one; None if there is none."""
    if not words or Path(words[0]).exists():
        return None
    from reconciler.config.similar import closest  # noqa: PLC0415 - only for a wrong word

    first, *rest = words
    if first.isascii() and first.isdigit():
        return first
    is_near = bool(rest) and rest[0].isascii() and rest[0].isdigit() and bool(closest(first, ["show"]))
    return rest[0] if is_near else None
