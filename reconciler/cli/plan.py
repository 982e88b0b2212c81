"""``reconciler plan``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler import workflow
from reconciler.cli import candidates, console, exit_codes, showing
from reconciler.cli.files import check_replaceable, write_file
from reconciler.cli.manual import Page
from reconciler.cli.next_steps import command_line, with_ways_out
from reconciler.cli.options import (
    account_options,
    approval_options,
    baseline_options,
    file_options,
    ledger_options,
    scope_options,
)
from reconciler.cli.output import Output, output_in
from reconciler.cli.running import PLAN_AS_TEXT, PLANNING, Run, display
from reconciler.render.terminal import escape
from reconciler.workflow import Endpoint, Inputs

if TYPE_CHECKING:
    from reconciler.documents.plan import PlanFile

EPILOG = """\b
Examples:
  reconciler plan
  reconciler plan --env prod --out plan.json
  reconciler plan --target services.support --detailed-exitcode
  reconciler plan --format markdown > comment.md
  reconciler plan --env prod --format html > plan.html
  reconciler plan examples/quickstart --emulator demo.db --format json"""


@click.command(cls=Page, epilog=EPILOG)
@file_options
@scope_options()
@approval_options
@baseline_options()
@ledger_options(writes=False)
@account_options
@click.option(
    "--out",
    metavar="FILE",
    default="",
    shell_complete=candidates.files,
    help="Save the plan for `show` and `apply --plan`. It contains live values.",
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit with status 2 if the plan has changes.")
@output_in(*showing.PLAN)
def plan(inputs: Inputs, endpoint: Endpoint, output: Output, *, out: str, detailed_exitcode: bool) -> int:
    """Show the changes an apply would make (read-only).

    PATH is a file, or a folder that contains reconciler.yaml; the default is the current folder. Guards that would stop
    an apply are shown, but do not change the exit code. Live resources that the configuration does not declare are
    listed as unmanaged and do not count as changes. Unmanaged users, conversations, and participants are listed only
    in pruned collections.
    """
    if out:
        check_replaceable(out)
    creates = bool(endpoint.emulator) and not Path(endpoint.emulator).exists()
    later = (*PLANNING, "reconciler.documents.plan_steps", *(PLAN_AS_TEXT if output.as_text else ()))
    run = Run(display(lines_on_stdout=False, may_colour=output.may_colour), later=later)
    planned = run.execute(lambda: workflow.plan(inputs, endpoint, run.display))
    if creates and console.is_terminal(sys.stderr):
        console.err(f"Created a new, empty account: {escape(endpoint.emulator)}\n")
    file = planned.sealed() if out or output.format_name == "json" else planned.file
    file = with_ways_out(file, inputs, endpoint, planned.prospects, continues=not out)
    if out:
        write_file(Path(out), file.to_json())
    showing.show_plan(file, output)
    if out and output.as_text and not planned.file.has_changes:
        console.out(f"\nSaved to {escape(out)}. It has no changes to apply.\n")
    elif out and output.as_text:
        console.out(f"\nSaved to {escape(out)}. {_then(file, inputs, endpoint, out)}\n")
    return exit_codes.of_plan(planned.file, detailed=detailed_exitcode)


def _then(file: PlanFile, inputs: Inputs, endpoint: Endpoint, out: str) -> str:
    """Say how to apply a saved plan: the command, with the approvals that the plan lacks."""
    from reconciler.documents.plan_steps import approvals  # noqa: PLC0415 - help and completion do without

    guards = [*file.guards, *(change.guard for change in file.changes if change.guard is not None)]
    refusing = sum(guard.verdict == "refused" for guard in guards)
    words = approvals(file)
    then = "Apply exactly this plan:"
    if refusing:
        is_enough = refusing == len(words) // 2
        then = "To approve and apply exactly this plan:" if is_enough else "Resolve what is refused, then apply it:"
    again = command_line("apply", inputs, endpoint, options=("--plan", out, *words), shown=file.to_json(), scope=False)
    return f"{then}\n  {again}"
