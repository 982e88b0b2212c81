"""``reconciler drift``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from reconciler import workflow
from reconciler.cli import candidates, console, showing
from reconciler.cli.exit_codes import DIFFERENCES, DONE, ERROR
from reconciler.cli.manual import Page
from reconciler.cli.metrics_file import MetricsFile
from reconciler.cli.next_steps import command_line, command_lines
from reconciler.cli.options import account_options, baseline_options, file_options, ledger_options, scope_options
from reconciler.cli.output import Output, output_in
from reconciler.cli.running import Run, display
from reconciler.errors import ReconcilerError, UsageError
from reconciler.workflow import Endpoint, Inputs

if TYPE_CHECKING:
    from reconciler.documents.drift import DriftFile

EPILOG = """\b
Examples:
  reconciler drift --env prod --format chat
  reconciler drift --fail-on differences,unmanaged --format markdown > issue.md
  reconciler drift --env prod --metrics /var/lib/metrics/drift.prom"""

KINDS = ("differences", "unmanaged", "pending")


def _kinds(_context: click.Context, _parameter: click.Parameter, text: str) -> frozenset[str]:
    found = frozenset(part.strip() for part in text.split(","))
    if not found <= set(KINDS):
        raise click.BadParameter(f"use {', '.join(KINDS)}, or several of them, separated by commas")
    return found


def _recorded(history: str, found: DriftFile, remind_days: int) -> DriftFile:
    from reconciler.workflow.drift_history import record_drift  # noqa: PLC0415 - help and completion do without

    return record_drift(history, found, remind_days=remind_days)


def _with_next_steps(found: DriftFile, inputs: Inputs, endpoint: Endpoint) -> DriftFile:
    from reconciler.documents.drift_steps import Commands, with_next_steps  # noqa: PLC0415 - see showing

    shown = found.to_json()
    chosen = replace(inputs, targets=(), excludes=())
    accept, apply = (command_lines(verb, chosen, endpoint, shown=shown) for verb in ("accept", "apply"))
    return with_next_steps(found, Commands(accept, apply, command_lines("drift", inputs, endpoint, shown=shown)))


@click.command(cls=Page, epilog=EPILOG)
@file_options
@scope_options()
@baseline_options(ours=False)
@ledger_options(writes=False)
@account_options
@click.option(
    "--fail-on",
    metavar="WHAT",
    default="differences",
    show_default=True,
    callback=_kinds,
    help="Findings that exit with status 2, separated by commas: differences, unmanaged, or pending (changes that were "
    "merged but not applied; needs a baseline). With unmanaged, services, roles, addresses, and credentials are read "
    "even if the configuration declares none.",
)
@click.option(
    "--metrics",
    metavar="FILE",
    default="",
    type=click.Path(dir_okay=False),
    shell_complete=candidates.files,
    help="Write metrics in the text format of Prometheus to this file, also if the run fails: findings by kind and "
    "class, requests, duration, and the time of the last success.",
)
@click.option(
    "--history",
    metavar="FILE",
    default="",
    type=click.Path(dir_okay=False),
    shell_complete=candidates.files,
    help="Record in this SQLite file when each finding was first seen, last seen, and gone, without values. "
    "`reconciler drift log` lists them. With --format chat, the message is empty unless a finding is new.",
)
@click.option(
    "--remind",
    metavar="DAYS",
    type=click.IntRange(1, 3650),
    help="With --history: treat a finding that remains as new again after this many days.",
)
@output_in(*showing.DRIFT)
def drift(
    inputs: Inputs,
    endpoint: Endpoint,
    output: Output,
    *,
    fail_on: frozenset[str],
    metrics: str,
    history: str,
    remind: int | None,
) -> int:
    """Detect drift between the account and the configuration (read-only).

    PATH is a file, or a folder that contains reconciler.yaml; the default is the current folder. Shows the live and the
    configured value of each field that differs, and lists missing and unmanaged resources. Also lists undeclared
    settings: live values in the configuration, notifications, and webhooks of the account and of declared services.
    Each finding shows how to accept, revert, and ignore it, and its owners, if the repository has a CODEOWNERS file.
    Exits with status 2 if there is drift.
    """
    if remind is not None and not history:
        raise UsageError("--remind needs --history")
    file = MetricsFile(metrics, inputs.environment) if metrics else None
    run = Run(display(lines_on_stdout=False, may_colour=output.may_colour))
    try:
        found = run.execute(
            lambda: workflow.drift(inputs, endpoint, run.display, searches_unmanaged="unmanaged" in fail_on)
        )
        found = _recorded(history, found, remind or 0) if history else found
    except ReconcilerError:
        if file is not None:
            file.write(None)
        raise
    if file is not None:
        file.write(found)
    found = _with_next_steps(found, inputs, endpoint)
    if output.format_name != "chat" or found.to_notify != 0:
        showing.show_drift(found, output)
    if output.as_text and found.differences:
        again = command_line("apply", inputs, endpoint, shown=found.to_json())
        console.out(f"\nTo revert all of the drift, apply the configuration:\n  {again}\n")
    counts = {
        "differences": len(found.differences),
        "unmanaged": len(found.unmanaged) + len(found.undeclared_settings),
        "pending": len(found.pending),
    }
    if found.unreadable:
        return ERROR
    return DIFFERENCES if any(counts[kind] for kind in fail_on) else DONE
