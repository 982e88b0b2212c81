"""The options that verbs share: which files, which part of them, which account.

Each decorator adds its options to a command and hands them over as one object, in the workflow's own terms.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import replace

import click

from reconciler.address import Address, AddressError
from reconciler.cli.output import Command
from reconciler.workflow import Endpoint, Inputs

Decorator = Callable[[Command], Command]
ADDRESS = "services.support.roles.agent"


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
        variables[name] = value
    return variables


def _addresses(_context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return tuple(str(Address.parse(text)) for text in texts)
    except AddressError as error:
        raise click.BadParameter(f"{error}; an address looks like {ADDRESS}") from None


def file_options(function: Command) -> Command:
    """PATH, ``--env``, ``--var``, ``--overlay``, ``--strict``; the command gets ``inputs``."""

    @functools.wraps(function)
    def command(
        *, path: str, env: str, var: dict[str, str], overlay: tuple[str, ...], strict: bool, **given: object
    ) -> int:
        inputs = Inputs(path=path, environment=env, variables=var, overlays=overlay, strict=strict)
        return function(inputs=inputs, **given)

    return _added(
        command,
        click.argument("path", default="."),
        click.option("--env", metavar="NAME", default="", help="The environment: its account, variables, overlays."),
        click.option(
            "--var", metavar="NAME=VALUE", multiple=True, callback=_variables, help="Set a variable. Repeatable."
        ),
        click.option(
            "--overlay", metavar="FILE", multiple=True, help="A file whose values come last and win. Repeatable."
        ),
        click.option("--strict", is_flag=True, help="Take warnings for errors."),
    )


def scope_options(function: Command) -> Command:
    """``--target``, ``--exclude``, ``--approve``, ``--rotate``, added to ``inputs``; stands below `file_options`."""

    @functools.wraps(function)
    def command(
        *,
        inputs: Inputs,
        target: tuple[str, ...],
        exclude: tuple[str, ...],
        approve: tuple[str, ...],
        rotate: tuple[str, ...],
        **given: object,
    ) -> int:
        narrowed = replace(inputs, targets=target, excludes=exclude, approved=approve, rotate=rotate)
        return function(inputs=narrowed, **given)

    return _added(
        command,
        click.option(
            "--target",
            metavar="ADDRESS",
            multiple=True,
            callback=_addresses,
            help="Only this, everything below it, and what it needs. Repeatable.",
        ),
        click.option(
            "--exclude",
            metavar="ADDRESS",
            multiple=True,
            callback=_addresses,
            help="Not this, nothing below it, and nothing that needs it. Repeatable.",
        ),
        click.option(
            "--approve",
            metavar="ADDRESS",
            multiple=True,
            callback=_addresses,
            help="Consent to a delete that destroys history, by the address that the plan names. Repeatable.",
        ),
        click.option(
            "--rotate",
            metavar="ADDRESS",
            multiple=True,
            callback=_addresses,
            help="Send again what Twilio never returns of this: secrets, keys, timers. Repeatable.",
        ),
    )


def account_options(function: Command) -> Command:
    """Where the API is and how to speak to it; the command gets ``endpoint``."""

    @functools.wraps(function)
    def command(*, emulator: str, api_url: str, profile: str, concurrency: int, timeout: float, **given: object) -> int:
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
        return function(endpoint=endpoint, **given)

    return _added(
        command,
        click.option(
            "--emulator",
            metavar="FILE",
            default="",
            help="Act on the built-in emulator, kept in this file, instead of on Twilio.",
        ),
        click.option("--api-url", metavar="URL", default="", help="Another host; https, or http on this machine only."),
        click.option("--profile", metavar="NAME", default="", help="Credentials from a profile of Twilio's own CLI."),
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
            default=1800,
            show_default=True,
            help="How long the API is asked and asked again; nothing is sent after that.",
        ),
    )
