"""The options that verbs share: which files, which part of them, which account.

Each decorator adds its options to a command and hands them over as one object, in the workflow's own terms.
"""

from __future__ import annotations

import functools
import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import click

from reconciler import __version__, logs
from reconciler.address import Address, AddressError
from reconciler.cli import candidates, console
from reconciler.cli.exit_codes import BUG, of_error
from reconciler.cli.output import Command
from reconciler.workflow import Endpoint, Inputs

Decorator = Callable[[Command], Command]
ADDRESS = 'services.support.roles.agent or addresses["+14155550100"]'


def _added(command: Command, *options: Decorator) -> Command:
    """Add options so that the help lists them in this order."""
    for option in reversed(options):
        command = option(command)
    return command


def _variables(_context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, str]:
    variables: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            # What was given is not repeated: it may be a value that is nobody's business.
            raise click.BadParameter("takes NAME=VALUE, for instance --var host=hooks.example.com")
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise click.BadParameter("holds bytes that are no UTF-8 text")
        variables[name] = value
    return variables


def _finite(_context: click.Context, _parameter: click.Parameter, number: float) -> float:
    if not math.isfinite(number):
        raise click.BadParameter(f"{number} is not a number of seconds")
    return number


def _addresses(_context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return tuple(str(Address.parse(text)) for text in texts)
    except AddressError as error:
        raise click.BadParameter(f"{error}; an address looks like {ADDRESS}") from None


def _approvals(_context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    if not texts:
        return ()
    from reconciler.config.model import Approval  # noqa: PLC0415 - help and completion do without

    try:
        return tuple(str(Approval.parse(text)) for text in texts)
    except AddressError as error:
        hint = f"an address looks like {ADDRESS}, with replace: before it for a replace"
        raise click.BadParameter(f"{error}; {hint}") from None


def file_options(function: Command) -> Command:
    """PATH, and the options on how files are read; the command gets ``inputs``."""

    @functools.wraps(function)
    def command(*, path: str, inputs: Inputs, **given: object) -> int:
        return function(inputs=replace(inputs, path=path), **given)

    return click.argument("path", default=".", shell_complete=candidates.yaml_files)(reading_options(command))


def reading_options(function: Command) -> Command:
    """``--env``, ``--var``, ``--overlay``, ``--strict``; the command gets ``inputs`` without a path."""

    @functools.wraps(function)
    def command(*, env: str, var: dict[str, str], overlay: tuple[str, ...], strict: bool, **given: object) -> int:
        inputs = Inputs(environment=env, variables=var, overlays=overlay, strict=strict)
        return function(inputs=inputs, **given)

    return _added(
        command,
        click.option(
            "--env",
            metavar="NAME",
            default="",
            envvar="RECONCILER_ENV",
            shell_complete=candidates.environments,
            help="The environment: its account, variables, overlays.",
        ),
        click.option(
            "--var", metavar="NAME=VALUE", multiple=True, callback=_variables, help="Set a variable. Repeatable."
        ),
        click.option(
            "--overlay",
            metavar="FILE",
            multiple=True,
            shell_complete=candidates.yaml_files,
            help="A file whose values come last and win. Repeatable.",
        ),
        click.option("--strict", is_flag=True, help="Take warnings for errors."),
    )


def scope_options(function: Command) -> Command:
    """``--target``, ``--exclude``, added to ``inputs``; stands below `file_options`."""

    @functools.wraps(function)
    def command(*, inputs: Inputs, target: tuple[str, ...], exclude: tuple[str, ...], **given: object) -> int:
        return function(inputs=replace(inputs, targets=target, excludes=exclude), **given)

    return _added(
        command,
        click.option(
            "--target",
            metavar="ADDRESS",
            multiple=True,
            callback=_addresses,
            shell_complete=candidates.addresses,
            help="Only this resource, everything below it, its parents and references. Repeatable.",
        ),
        click.option(
            "--exclude",
            metavar="ADDRESS",
            multiple=True,
            callback=_addresses,
            shell_complete=candidates.addresses,
            help="Leave out this resource, everything below it, and its dependents. Repeatable.",
        ),
    )


def consent_options(function: Command) -> Command:
    """``--approve``, ``--rotate``, added to ``inputs``; stands below `file_options`."""

    @functools.wraps(function)
    def command(*, inputs: Inputs, approve: tuple[str, ...], rotate: tuple[str, ...], **given: object) -> int:
        return function(inputs=replace(inputs, approved=approve, rotate=rotate), **given)

    return _added(
        command,
        click.option(
            "--approve",
            metavar="[ACTION:]ADDRESS",
            multiple=True,
            callback=_approvals,
            shell_complete=candidates.destructible,
            help="Approve a delete (or, as replace:ADDRESS, a replace) that destroys history. Repeatable.",
        ),
        click.option(
            "--rotate",
            metavar="ADDRESS",
            multiple=True,
            callback=_addresses,
            shell_complete=candidates.rotatable,
            help="Send again what Twilio never returns of this: secrets, keys, timers. Repeatable.",
        ),
    )


def account_options(function: Command) -> Command:
    """Where the API is, how to speak to it, and what is logged of that; the command gets ``endpoint``."""

    @functools.wraps(function)
    def command(
        *,
        emulator: str,
        api_url: str,
        profile: str,
        concurrency: int,
        timeout: float,
        log_level: logs.Level | None,
        log_format: logs.Format | None,
        **given: object,
    ) -> int:
        chosen = [name for name, value in (("--emulator", emulator), ("--api-url", api_url)) if value]
        if len(chosen) > 1:
            raise click.UsageError("--emulator and --api-url exclude each other; which account is meant?")
        if emulator and profile:
            raise click.UsageError("--emulator needs no credentials; leave --profile out")
        endpoint = Endpoint(
            emulator=emulator,
            api_url=api_url,
            profile=profile,
            concurrency=concurrency,
            timeout=timeout,
            environment=dict(os.environ),
        )
        return _logged(log_level, log_format, lambda: function(endpoint=endpoint, **given))

    return _added(
        command,
        click.option(
            "--emulator",
            metavar="FILE",
            default="",
            shell_complete=candidates.files,
            help="Act on the built-in emulator, kept in this file, instead of on Twilio.",
        ),
        click.option("--api-url", metavar="URL", default="", help="Another host; https, or http on this machine only."),
        click.option(
            "--profile",
            metavar="NAME",
            default="",
            shell_complete=candidates.profiles,
            help="Credentials from a profile of Twilio's own CLI.",
        ),
        click.option(
            "--concurrency",
            metavar="N",
            type=click.IntRange(1, 100),
            default=10,
            show_default=True,
            help="How many requests at once; writes get half of it.",
        ),
        click.option(
            "--timeout",
            metavar="SECONDS",
            type=click.FloatRange(0, min_open=True),
            callback=_finite,
            default=1800,
            show_default=True,
            help="How long the API is asked and asked again; nothing is sent after that.",
        ),
        click.option(
            "--log-level",
            type=click.Choice(logs.LEVELS),
            envvar="RECONCILER_LOG_LEVEL",
            help="Log to standard error: requests at debug, steps and retries at info. Left out, only long waits are "
            "logged; a terminal shows those on its progress line.",
        ),
        click.option(
            "--log-format",
            type=click.Choice(logs.FORMATS),
            envvar="RECONCILER_LOG_FORMAT",
            help="How the log is written; json is one object a line. Without --log-level, it means info.",
        ),
    )


def _logged(level: logs.Level | None, form: logs.Format | None, work: Callable[[], int]) -> int:
    """Do a command's work, logging it from its beginning to its end."""
    if level is None and form is None:
        # Nobody asked: what failed is in the report, and a terminal shows the waits on its live line.
        only = frozenset[str]() if console.is_terminal(sys.stderr) else frozenset({"retry"})
        with logs.writing(console.err, level="warning", only=only):
            return work()
    name, begun = click.get_current_context().command_path.partition(" ")[2], time.monotonic()
    with logs.writing(console.err, form=form or "text", level=level or "info"):
        logs.begin(name, __version__)
        code = BUG
        try:
            code = work()
        except BaseException as error:
            code = of_error(error)
            raise
        finally:
            logs.end(name, exit_code=code, ms=(time.monotonic() - begun) * 1000)
        return code
