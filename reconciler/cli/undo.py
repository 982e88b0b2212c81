"""``reconciler undo``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from reconciler import workflow
from reconciler.cli import candidates, console, exit_codes, showing
from reconciler.cli.apply import carry_out
from reconciler.cli.files import check_replaceable, write_file
from reconciler.cli.manual import Page
from reconciler.cli.next_steps import command_line
from reconciler.cli.options import account_options, approve_options, file_options, lock_options
from reconciler.cli.output import Output, output_in
from reconciler.cli.running import Run, display
from reconciler.errors import UsageError
from reconciler.render.terminal import escape
from reconciler.workflow import Endpoint, Inputs, UndoSource

EPILOG = """\b
Examples:
  reconciler undo report.json
  reconciler undo report.json --out undo.json
  reconciler apply --plan undo.json
  reconciler undo report.json examples/quickstart --emulator demo.db --yes"""


@click.command(cls=Page, epilog=EPILOG)
@click.argument("report", metavar="REPORT", shell_complete=candidates.files)
@file_options
@approve_options
@lock_options
@account_options
@click.option(
    "--out",
    metavar="FILE",
    default="",
    shell_complete=candidates.files,
    help="Only save the plan, for `show` and `apply --plan`. It contains live values.",
)
@click.option(
    "--report",
    "report_path",
    metavar="FILE",
    shell_complete=candidates.files,
    default="",
    help="Write the report of the undo as it runs, as JSON. `undo` takes it, too.",
)
@click.option("--trigger-webhooks", is_flag=True, help="Let writes trigger the account's webhooks.")
@click.option("-y", "--yes", "--auto-approve", "yes", is_flag=True, help="Do not ask for approval.")
@output_in(*showing.REPORT)
def undo(
    report: str,
    inputs: Inputs,
    endpoint: Endpoint,
    output: Output,
    *,
    out: str,
    report_path: str,
    trigger_webhooks: bool,
    yes: bool,
) -> int:
    """Undo an apply: plan each resource back to what it was before, and apply the plan after approval.

    REPORT is a file of `apply --report` or `apply --format json`. Resources that were created are deleted, deleted ones
    are created again, and updated fields get their old values. What cannot be undone is listed first. Resources that
    someone changed since the apply are withheld. The limits, approvals, and protections of the current configuration
    hold; PATH is a file, or a folder that contains reconciler.yaml; the default is the current folder.
    """
    if out and report_path:
        raise UsageError("--out only saves the plan, so there is no --report to write. Remove one of them")
    if report_path and Path(report_path).exists() and Path(report_path).resolve() == Path(report).resolve():
        raise UsageError(f"--report {report_path} is the report that is undone. Name another file")
    if report.isdecimal() and not Path(report).exists():
        raise UsageError(f"there is no file {report}. REPORT is a file of `apply --report`, not the number of an entry")
    source = workflow.read_source(report, plan_folder=str(Path(out).parent) if out else ".")
    inputs = _in_environment(inputs, source)
    if out:
        return _save(inputs, endpoint, output, source, out)
    return carry_out(
        inputs,
        endpoint,
        output,
        report_path=report_path,
        trigger_webhooks=trigger_webhooks,
        yes=yes,
        undo=source,
    )


def _in_environment(inputs: Inputs, source: UndoSource) -> Inputs:
    """Take the environment of the report.

    Raises:
        UsageError: The command line names another one.
    """
    applied = source.report.options.env
    if inputs.environment and inputs.environment != applied:
        made = f"environment {applied}" if applied else "no environment"
        raise UsageError(f"{source.name} is the report of an apply to {made}, and --env is {inputs.environment}")
    return replace(inputs, environment=applied)


def _save(inputs: Inputs, endpoint: Endpoint, output: Output, source: UndoSource, out: str) -> int:
    """Save and show the plan of the undo."""
    check_replaceable(out)
    run = Run(display(lines_on_stdout=False, may_colour=output.may_colour))
    planned = run.execute(lambda: workflow.plan_undo(inputs, endpoint, run.display, source))
    file = planned.sealed()
    text = file.to_json()
    write_file(Path(out), text)
    showing.show_plan(file, output)
    if output.as_text:
        again = command_line("apply", inputs, endpoint, options=("--plan", out), shown=text, scope=False)
        then = f"To undo exactly this:\n  {again}\n" if file.has_changes else "It has no changes to apply.\n"
        console.out(f"\nSaved to {escape(out)}. {then}")
    return exit_codes.of_plan(file, detailed=False)
