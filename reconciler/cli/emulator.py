"""``reconciler emulator``."""

from __future__ import annotations

import random
import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import TypeVar

import click

from reconciler.cli import candidates, console
from reconciler.cli.exit_codes import DONE
from reconciler.cli.manual import Page
from reconciler.emulator.app import Emulator
from reconciler.emulator.errors import EmulatorError
from reconciler.emulator.faults import AMOUNTS, FAULTS, READ_FAULTS, Faults, FaultyEmulator
from reconciler.emulator.seed import UNTIL, Traffic, seed
from reconciler.emulator.server import DEFAULT_PORT, LOOPBACK, serve
from reconciler.emulator.store import Store
from reconciler.errors import UsageError
from reconciler.render.terminal import escape

AUTH_TOKEN = "emulator"  # noqa: S105 - the documented token of an account that does not exist
EPILOG = """\b
Examples:
  reconciler emulator serve --db demo.db --port 4010

\b
and in another terminal:
  export TWILIO_ACCOUNT_SID=AC00000000000000000000000000000000
  export TWILIO_AUTH_TOKEN=emulator
  reconciler plan --api-url http://127.0.0.1:4010"""


def _listed(words: Mapping[str, str]) -> str:
    """Words and what they mean in two columns, which click leaves as they are."""
    rows = [
        textwrap.fill(
            f"{meaning}.", 78, initial_indent=f"  {word:<14}", subsequent_indent=" " * 16, break_on_hyphens=False
        )
        for word, meaning in words.items()
    ]
    return "\n".join(["\b", *rows])


SERVE_EPILOG = f"""{EPILOG}

A SPEC of --fault is a list of NAME=SHARE, with commas. The same seed lets the same requests in the same order meet
the same faults. What befalls any request (any=SHARE is spread over all of these that are not named):

{_listed(FAULTS)}

What befalls a read (any-read=SHARE is spread likewise):

{_listed(READ_FAULTS)}

And numbers:

{_listed(AMOUNTS)}"""

SEED_EPILOG = """\b
Examples:
  reconciler emulator seed --db demo.db --users 10000
  reconciler emulator serve --db demo.db

\b
The same numbers on a new file give the same account, to the last SID."""

Command = TypeVar("Command", bound=Callable[..., int])


@click.group(invoke_without_command=True, subcommand_metavar="[COMMAND] [ARGS]...")
@click.pass_context
def emulator(context: click.Context) -> None:
    """An account that is only a file: fill it, serve it.

    `plan`, `apply`, `drift` and `export` need neither: their --emulator FILE acts on such a file, and makes it.
    """
    if context.invoked_subcommand is None:
        console.out(f"{context.get_help()}\n")


def _amounts(command: Command) -> Command:
    """One option for each kind of traffic."""
    for kind in reversed(fields(Traffic)):
        click.option(
            f"--{kind.name}",
            metavar="N",
            type=click.IntRange(min=0),
            default=kind.default,
            show_default=True,
            help=f"How many {kind.name} to add.",
        )(command)
    return command


_db = click.option(
    "--db",
    metavar="FILE",
    required=True,
    shell_complete=candidates.files,
    help="The account; made when it is not there yet.",
)


@emulator.command("seed", cls=Page, epilog=SEED_EPILOG)
@_db
@click.option(
    "--seed", "number", metavar="N", type=int, default=0, show_default=True, help="Another number, another account."
)
@_amounts
def seed_command(db: str, number: int, **amounts: int) -> int:
    """Fill an emulated account with traffic.

    Adds services, users, conversations and what is in them.
    """
    try:
        store = Store.open(db)
    except EmulatorError as error:
        raise UsageError(f"--db {db}: {error}") from None
    try:
        # A new account follows from the number too, its SIDs and its dates.
        app = Emulator(store, clock=lambda: UNTIL, entropy=random.Random(number))  # noqa: S311 - SIDs are no secrets
        traffic = Traffic(**amounts)
        seed(app, traffic, number=number)
    except EmulatorError as error:
        raise UsageError(str(error)) from None
    finally:
        store.close()
    added = ", ".join(f"{amount} {kind}" for kind, amount in asdict(traffic).items() if amount)
    console.out(f"Added to account {store.account_sid} in {db}: {added or 'nothing'}.\n")
    return DONE


def _account(_context: click.Context, _parameter: click.Parameter, sid: str | None) -> str | None:
    if sid is not None and not re.fullmatch(r"AC[0-9a-f]{32}", sid):
        raise click.BadParameter("it is AC and 32 digits in lower-case hexadecimal")
    return sid


@emulator.command("serve", cls=Page, epilog=SERVE_EPILOG)
@_db
@click.option(
    "--port", metavar="N", type=click.IntRange(0, 65535), default=DEFAULT_PORT, show_default=True, help="0: a free one."
)
@click.option("--host", default=LOOPBACK, show_default=True, help="The address to listen on.")
@click.option(
    "--latency", metavar="MS", type=click.FloatRange(0, 60_000), default=0, help="How long every answer waits."
)
@click.option(
    "--fault",
    metavar="SPEC",
    default="",
    help="What goes wrong, and for which share of requests: 503=0.1,reset-after=0.05. All of it is listed below.",
)
@click.option(
    "--seed", "number", metavar="N", type=int, default=0, show_default=True, help="Another number, other faults."
)
@click.option(
    "--account-sid",
    metavar="AC…",
    default=None,
    callback=_account,
    help="The account; of a new file AC and zeros if left out, else the one that it holds.",
)
@click.option("--auth-token", metavar="TEXT", default=AUTH_TOKEN, show_default=True, help="The token that it accepts.")
def serve_command(
    *, db: str, port: int, host: str, latency: float, fault: str, number: int, account_sid: str | None, auth_token: str
) -> int:
    """Serve an emulated account over HTTP, until interrupted.

    The credentials are its SID and the auth token. `--emulator FILE` of other commands acts on the same file.
    """
    try:
        faults = Faults.parse(fault)
    except EmulatorError as error:
        raise UsageError(f"--fault: {error}") from None
    try:
        store = Store.open(db, account_sid=account_sid)
    except EmulatorError as error:
        raise UsageError(f"--db {db}: {error}") from None
    try:
        app = FaultyEmulator(store, faults, seed=number, require_auth=True, auth_token=auth_token, latency_ms=latency)
        serve(app, host, port, ready=lambda url: _say(url, store.account_sid, db, auth_token))
    except EmulatorError as error:
        raise UsageError(str(error)) from None
    except KeyboardInterrupt:
        # To interrupt a server is to end it as it is meant to be ended.
        console.err("\n")
    finally:
        store.close()
    return DONE


def _say(url: str, account_sid: str, db: str, auth_token: str) -> None:
    # One that somebody chose may be used elsewhere as well.
    token = AUTH_TOKEN if auth_token == AUTH_TOKEN else "the one of --auth-token"
    console.out(f"Serving account {account_sid} from {escape(db)} at {url} (auth token: {token}). Ctrl-C ends it.\n")
