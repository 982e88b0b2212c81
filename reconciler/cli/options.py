"""The options that commands share: the configuration, the scope, approvals, and the account.

Each decorator adds its options to a command and passes them on as one object of the workflow.
"""

from __future__ import annotations

import functools
import math
import os
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import click

from reconciler import __version__
from reconciler.address import Address, AddressError
from reconciler.api import logs
from reconciler.cli import candidates, console
from reconciler.cli.choices import Choices
from reconciler.cli.exit_codes import BUG, of_error
from reconciler.cli.output import Command
from reconciler.ledger.options import LedgerOptions
from reconciler.workflow import Endpoint, Inputs

Decorator = Callable[[Command], Command]
_TARGET = "Include only this resource, everything below it, its parents, and its references."
ADDRESS = 'services.support.roles.agent or addresses["+14155550100"]'


def _added(command: Command, *options: Decorator) -> Command:
    """Add options in the order in which the help lists them."""
    for option in reversed(options):
        command = option(command)
    return command


def _variables(_context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, str]:
    variables: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            # The text is not repeated: it may be a secret.
            raise click.BadParameter("use NAME=VALUE, such as --var host=hooks.example.com")
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise click.BadParameter("it contains bytes that are not UTF-8")
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
        from reconciler.config.similar import closest  # noqa: PLC0415 - only for a wrong word

        for action, colon, address in (text.partition(":") for text in texts):
            if colon and (meant := closest(action, ("delete", "replace", "update"))) not in {"", action}:
                hint = f"did you mean --approve {shlex.quote(f'{meant}:{address}')}?"
        raise click.BadParameter(f"{error}; {hint}") from None


def file_options(function: Command) -> Command:
    """Add PATH and the options of `reading_options`; the command gets ``inputs``."""

    @functools.wraps(function)
    def command(*, path: str, inputs: Inputs, **given: object) -> int:
        return function(inputs=replace(inputs, path=path), **given)

    return click.argument("path", default=".", shell_complete=candidates.yaml_files)(reading_options(command))


def reading_options(function: Command) -> Command:
    """Add ``--env``, ``--var``, ``--overlay``, and ``--strict``; the command gets ``inputs`` without a path."""

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
            help="Select an environment of the configuration.",
        ),
        click.option(
            "--var", metavar="NAME=VALUE", multiple=True, callback=_variables, help="Set a variable. Repeatable."
        ),
        click.option(
            "--overlay",
            metavar="FILE",
            multiple=True,
            shell_complete=candidates.yaml_files,
            help="Merge this file last to override. Repeatable.",
        ),
        click.option("--strict", is_flag=True, help="Treat warnings as errors."),
    )


def target_option(target_help: str = _TARGET) -> Decorator:
    """Add ``--target``; the command gets ``target``."""
    return click.option(
        "--target",
        metavar="ADDRESS",
        multiple=True,
        callback=_addresses,
        shell_complete=candidates.addresses,
        help=f"{target_help} Repeatable.",
    )


def scope_options(target_help: str = _TARGET) -> Decorator:
    """Add ``--target`` and ``--exclude`` to ``inputs``; used below `file_options`.

    Args:
        target_help: The help text of ``--target``.
    """

    def decorate(function: Command) -> Command:
        @functools.wraps(function)
        def command(*, inputs: Inputs, target: tuple[str, ...], exclude: tuple[str, ...], **given: object) -> int:
            return function(inputs=replace(inputs, targets=target, excludes=exclude), **given)

        return _added(
            command,
            target_option(target_help),
            click.option(
                "--exclude",
                metavar="ADDRESS",
                multiple=True,
                callback=_addresses,
                shell_complete=candidates.addresses,
                help="Exclude this resource, everything below it, and its dependents. Repeatable.",
            ),
        )

    return decorate


def approve_options(function: Command) -> Command:
    """Add ``--approve`` and ``--count-limit`` to ``inputs``; used below `file_options`."""

    @functools.wraps(function)
    def command(*, inputs: Inputs, approve: tuple[str, ...], count_limit: int, **given: object) -> int:
        return function(inputs=replace(inputs, approved=approve, count_limit=count_limit), **given)

    return _added(
        command,
        click.option(
            "--approve",
            metavar="[ACTION:]ADDRESS",
            multiple=True,
            callback=_approvals,
            shell_complete=candidates.destructible,
            help="Approve a delete that destroys history; with replace:ADDRESS, a replace; with update:ADDRESS, an "
            "update that overwrites what changed in the account. Repeatable.",
        ),
        click.option(
            "--count-limit",
            metavar="N",
            type=click.IntRange(1, 100_000),
            default=200,
            show_default=True,
            help="Count up to N resources of each kind that a delete affects.",
        ),
    )


def approval_options(function: Command) -> Command:
    """Add ``--approve``, ``--count-limit``, and ``--rotate`` to ``inputs``; used below `file_options`."""

    @functools.wraps(function)
    def command(*, inputs: Inputs, rotate: tuple[str, ...], **given: object) -> int:
        return function(inputs=replace(inputs, rotate=rotate), **given)

    return _added(
        approve_options(command),
        click.option(
            "--rotate",
            metavar="ADDRESS",
            multiple=True,
            callback=_addresses,
            shell_complete=candidates.rotatable,
            help="Send the write-only values of this resource again: secrets, keys, timers. Repeatable.",
        ),
    )


def baseline_options(*, ours: bool = True) -> Decorator:
    """Add ``--baseline`` and ``--ours`` to ``inputs``; used below `file_options`.

    Args:
        ours: Whether the command shows what an apply would do, so that conflicts can be decided.
    """

    def decorate(function: Command) -> Command:
        @functools.wraps(function)
        def command(*, inputs: Inputs, baseline: str, **given: object) -> int:
            chosen = replace(inputs, baseline=baseline, ours=bool(given.pop("ours", False)))
            return function(inputs=chosen, **given)

        return _added(
            command,
            click.option(
                "--baseline",
                metavar="WHAT",
                default="",
                shell_complete=candidates.yaml_files,
                help="Compare with this in place of the ledger: git:REF, git:REF:PATH, or a path, as in `diff`; none "
                "compares only the configuration and the account.",
            ),
            *(
                (
                    click.option(
                        "--ours",
                        is_flag=True,
                        help="Let the configuration win every conflict with changes in the account.",
                    ),
                )
                if ours
                else ()
            ),
        )

    return decorate


_NO_RECORD = click.option("--no-record", is_flag=True, help="Write no entry to the ledger.")
_TAKE_OVER = click.option("--take-over", is_flag=True, help="Ignore the lock of another apply that has ended.")


def ledger_options(*, writes: bool) -> Decorator:
    """Add the options on the ledger to ``inputs``; used below `file_options`.

    Args:
        writes: Whether the command writes entries.
    """

    def decorate(function: Command) -> Command:
        @functools.wraps(function)
        def command(*, inputs: Inputs, start_ledger: bool, **given: object) -> int:
            chosen = LedgerOptions(
                starts=start_ledger,
                takes_over=bool(given.pop("take_over", False)),
                records=not given.pop("no_record", False),
                rolls_back=bool(given.pop("rollback", False)),
            )
            return function(inputs=replace(inputs, ledger=chosen), **given)

        return _added(
            command,
            click.option("--start-ledger", is_flag=True, help="Begin the ledger of this environment."),
            *(
                (
                    _NO_RECORD,
                    click.option("--rollback", is_flag=True, help="Apply a commit older than the newest entry's."),
                    _TAKE_OVER,
                )
                if writes
                else ()
            ),
        )

    return decorate


def lock_options(function: Command) -> Command:
    """Add ``--no-record`` and ``--take-over`` to ``inputs``; used below `file_options`."""

    @functools.wraps(function)
    def command(*, inputs: Inputs, no_record: bool, take_over: bool, **given: object) -> int:
        return function(
            inputs=replace(inputs, ledger=LedgerOptions(takes_over=take_over, records=not no_record)), **given
        )

    return _added(command, _NO_RECORD, _TAKE_OVER)


_LOG_OPTIONS: tuple[Decorator, ...] = (
    click.option(
        "--log-level",
        type=Choices(logs.LEVELS),
        envvar="RECONCILER_LOG_LEVEL",
        help="Log to standard error: requests at debug, steps and retries at info. By default, only long waits are "
        "logged, or shown on the progress line of a terminal.",
    ),
    click.option(
        "--log-format",
        type=Choices(logs.FORMATS),
        envvar="RECONCILER_LOG_FORMAT",
        help="The log format; json is one object per line. Implies --log-level info.",
    ),
)


_ACCOUNT_OPTIONS = (
    click.option(
        "--emulator",
        metavar="FILE",
        default="",
        shell_complete=candidates.files,
        help="Use the emulated account in this file.",
    ),
    click.option(
        "--api-url", metavar="URL", default="", help="Send requests to this URL: https, or http on this machine."
    ),
    click.option(
        "--profile",
        metavar="NAME",
        default="",
        shell_complete=candidates.profiles,
        help="Use the credentials of this Twilio CLI profile.",
    ),
    click.option(
        "--concurrency",
        metavar="N",
        type=click.IntRange(1, 100),
        default=10,
        show_default=True,
        help="Maximum number of concurrent requests. Writes start at half of it.",
    ),
    click.option(
        "--timeout",
        metavar="SECONDS",
        type=click.FloatRange(0, min_open=True),
        callback=_finite,
        default=1800,
        show_default=True,
        help="Overall deadline for API calls, including retries.",
    ),
)


def account_options(function: Command) -> Command:
    """Add the options on the account, its API, and logging; the command gets ``endpoint``."""

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
            raise click.UsageError("use either --emulator or --api-url, not both")
        if emulator and profile:
            raise click.UsageError("--emulator uses no credentials. Remove --profile")
        endpoint = Endpoint(
            emulator=emulator,
            api_url=api_url,
            profile=profile,
            concurrency=concurrency,
            timeout=timeout,
            environment=dict(os.environ),
        )
        return _logged(log_level, log_format, lambda: function(endpoint=endpoint, **given))

    return _added(command, *_ACCOUNT_OPTIONS, *_LOG_OPTIONS)


def _logged(level: logs.Level | None, form: logs.Format | None, work: Callable[[], int]) -> int:
    """Run a command with logging."""
    if level is None and form is None:
        # No log was requested: failures are in the report, and a terminal shows waits on its progress line.
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
