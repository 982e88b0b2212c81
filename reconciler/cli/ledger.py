"""``reconciler ledger``."""

from __future__ import annotations

import os

import click

from reconciler import workflow
from reconciler.cli import candidates, console
from reconciler.cli.exit_codes import DONE
from reconciler.cli.manual import Page
from reconciler.render.terminal import escape
from reconciler.workflow import Endpoint, Inputs

EPILOG = """\b
Examples:
  reconciler ledger push --env prod
  reconciler ledger rename production prod"""
PUSH_EPILOG = """\b
Examples:
  reconciler ledger push --env prod"""
RENAME_EPILOG = """\b
Examples:
  reconciler ledger rename production prod
  reconciler ledger rename default prod"""


@click.group(epilog=EPILOG, invoke_without_command=True, subcommand_metavar="[COMMAND] [ARGS]...")
@click.pass_context
def ledger(context: click.Context) -> None:
    """Push or rename the ledger: what was applied last, in git.

    `reconciler history` lists its entries.
    """
    if context.invoked_subcommand is None:
        console.out(f"{context.get_help()}\n")


_path = click.argument("path", default=".", shell_complete=candidates.yaml_files)


@ledger.command(cls=Page, epilog=PUSH_EPILOG)
@_path
@click.option(
    "--env",
    metavar="NAME",
    default="",
    envvar="RECONCILER_ENV",
    shell_complete=candidates.environments,
    help="The environment whose ledger is pushed.",
)
def push(path: str, env: str) -> int:
    """Push the newest entry again, after an apply that could not.

    PATH is a file, or a folder that contains reconciler.yaml; the default is the current folder. Fails once another
    entry follows on the remote.
    """
    pushed = workflow.push_ledger(Inputs(path, environment=env), os.environ)
    console.out("The remote has every entry.\n" if pushed is None else f"Pushed entry {pushed.number}.\n")
    return DONE


@ledger.command(cls=Page, epilog=RENAME_EPILOG)
@click.argument("old")
@click.argument("new")
@_path
@click.option(
    "--emulator",
    metavar="FILE",
    default="",
    shell_complete=candidates.files,
    help="The ledger is of the emulated account in this file.",
)
@click.option(
    "--profile",
    metavar="NAME",
    default="",
    shell_complete=candidates.profiles,
    help="Sign with the credentials of this Twilio CLI profile.",
)
def rename(*, old: str, new: str, path: str, emulator: str, profile: str) -> int:
    """Rename the ledger of an environment that was renamed.

    OLD and NEW are names of environments; `default` stands for none. PATH is a file, or a folder that contains
    reconciler.yaml; the default is the current folder. Sends nothing to the account: the credentials only sign the
    entry.
    """
    endpoint = Endpoint(emulator=emulator, profile=profile, environment=dict(os.environ))
    entry = workflow.rename_ledger(Inputs(path), endpoint, old, new)
    console.out(f"Renamed the ledger of {escape(old)} to {escape(new)} (entry {entry.number}).\n")
    return DONE
