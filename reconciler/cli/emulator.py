"""``reconciler emulator``."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import asdict, fields
from typing import TypeVar

import click

from reconciler.cli import candidates, console
from reconciler.cli.exit_codes import DONE
from reconciler.cli.manual import Page
from reconciler.emulator.app import Emulator
from reconciler.emulator.errors import EmulatorError
from reconciler.emulator.faults import Faults, FaultyEmulator
from reconciler.emulator.rules import Rules
from reconciler.emulator.seed import UNTIL, Traffic, seed
from reconciler.emulator.server import DEFAULT_PORT, LOOPBACK, serve
from reconciler.emulator.store import Store
from reconciler.errors import UsageError
from reconciler.render.terminal import escape

AUTH_TOKEN = "emulator"  # noqa: S105 - the documented token of an emulated account
EPILOG = """\b
Examples:
  reconciler emulator serve --db demo.db --port 4010

\b
and in another terminal:
  export TWILIO_ACCOUNT_SID=AC00000000000000000000000000000000
  export TWILIO_AUTH_TOKEN=emulator
  reconciler plan --api-url http://127.0.0.1:4010"""


SERVE_EPILOG = f"""{EPILOG}

--fault takes NAME=SHARE, separated by commas; `reconciler help faults` lists the names. With the same --seed, the same
requests in the same order get the same faults."""

SEED_EPILOG = """\b
Examples:
  reconciler emulator seed --db demo.db --users 10000
  reconciler emulator serve --db demo.db

\b
With the same options and a new file, the account is always the same,
including SIDs."""

Command = TypeVar("Command", bound=Callable[..., int])


@click.group(invoke_without_command=True, subcommand_metavar="[COMMAND] [ARGS]...")
@click.pass_context
def emulator(context: click.Context) -> None:
    """Fill or serve an emulated account, which is stored in a file.

    Other commands use the file with --emulator FILE; `plan` and `apply` create it.
    """
    if context.invoked_subcommand is None:
        console.out(f"{context.get_help()}\n")


def _amounts(command: Command) -> Command:
    """Add one option for each kind of traffic."""
    for kind in reversed(fields(Traffic)):
        click.option(
            f"--{kind.name}",
            metavar="N",
            type=click.IntRange(min=0),
            default=kind.default,
            show_default=True,
            help=f"The number of {kind.name} to add.",
        )(command)
    return command


_db = click.option(
    "--db",
    metavar="FILE",
    required=True,
    shell_complete=candidates.files,
    help="The file of the account. It is created if it does not exist.",
)


@emulator.command("seed", cls=Page, epilog=SEED_EPILOG)
@_db
@click.option(
    "--seed", "number", metavar="N", type=int, default=0, show_default=True, help="The random seed of the traffic."
)
@_amounts
def seed_command(db: str, number: int, **amounts: int) -> int:
    """Fill an emulated account with traffic.

    Adds services, users, conversations, participants, and messages.
    """
    try:
        store = Store.open(db)
    except EmulatorError as error:
        raise UsageError(f"--db {db}: {error}") from None
    try:
        # The seed also determines a new account, with its SIDs and dates.
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
        raise click.BadParameter("use AC and 32 lowercase hexadecimal digits")
    return sid


@emulator.command("serve", cls=Page, epilog=SERVE_EPILOG)
@_db
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="The port, or 0 for any free port.",
)
@click.option("--host", default=LOOPBACK, show_default=True, help="The address to listen on.")
@click.option(
    "--latency", metavar="MS", type=click.FloatRange(0, 60_000), default=0, help="The delay of every response."
)
@click.option(
    "--fault",
    metavar="SPEC",
    default="",
    help="Faults and their shares of requests, such as 503=0.1,reset-after=0.05.",
)
@click.option(
    "--rule",
    "rules",
    metavar="NAME=READING",
    multiple=True,
    help="How to read a fact that is not verified, such as role_in_use=allowed. Repeatable.",
)
@click.option(
    "--seed", "number", metavar="N", type=int, default=0, show_default=True, help="The random seed of faults."
)
@click.option(
    "--account-sid",
    metavar="AC…",
    default=None,
    callback=_account,
    help="The SID of the account. Default: the one in the file, or AC and zeros for a new file.",
)
@click.option("--auth-token", metavar="TEXT", default=AUTH_TOKEN, show_default=True, help="The accepted auth token.")
def serve_command(
    *,
    db: str,
    port: int,
    host: str,
    latency: float,
    fault: str,
    rules: tuple[str, ...],
    number: int,
    account_sid: str | None,
    auth_token: str,
) -> int:
    """Serve an emulated account over HTTP until interrupted.

    Clients use its SID and the auth token as credentials. Other commands can use the same file with --emulator FILE.
    """
    try:
        faults = Faults.parse(fault)
    except EmulatorError as error:
        raise UsageError(f"--fault: {error}") from None
    readings = _readings(rules)
    try:
        store = Store.open(db, account_sid=account_sid)
    except EmulatorError as error:
        raise UsageError(f"--db {db}: {error}") from None
    try:
        app = FaultyEmulator(
            store, faults, seed=number, rules=readings, require_auth=True, auth_token=auth_token, latency_ms=latency
        )
        serve(app, host, port, ready=lambda url: _say(url, store.account_sid, db, auth_token))
    except EmulatorError as error:
        raise UsageError(str(error)) from None
    except KeyboardInterrupt:
        # An interrupt is the normal way to stop a server.
        console.err("\n")
    finally:
        store.close()
    return DONE


def _readings(settings: tuple[str, ...]) -> Rules:
    """Return the rules that `--rule` selects.

    Raises:
        UsageError: A setting has no reading, or its switch or reading does not exist.
    """
    chosen: dict[str, str] = {}
    for setting in settings:
        name, equals, reading = setting.partition("=")
        if not equals:
            raise UsageError(f"--rule {setting}: use NAME=READING, such as --rule role_in_use=allowed")
        chosen[name] = reading
    try:
        return Rules.read(chosen)
    except EmulatorError as error:
        raise UsageError(f"--rule: {error}") from None


def _say(url: str, account_sid: str, db: str, auth_token: str) -> None:
    # A chosen token may be used elsewhere, so it is not shown.
    token = AUTH_TOKEN if auth_token == AUTH_TOKEN else "the value of --auth-token"
    console.out(
        f"Serving account {account_sid} from {escape(db)} at {url} (auth token: {token}). Press Ctrl-C to stop.\n"
    )
