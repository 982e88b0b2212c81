"""``reconciler apply``."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import click

from reconciler import workflow
from reconciler.cli import candidates, console, exit_codes, showing
from reconciler.cli.files import read_plan
from reconciler.cli.github_log import LOG
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
from reconciler.errors import LedgerError, ReconcilerError, StalePlan, UsageError
from reconciler.lazy_dataclass import dataclass
from reconciler.render.error_text import error_text
from reconciler.render.terminal import escape
from reconciler.workflow import Applied, Decision, Endpoint, Inputs

if TYPE_CHECKING:
    from reconciler.documents.plan import PlanFile
    from reconciler.documents.ways_out import Accepting
    from reconciler.workflow import UndoSource

_APPLYING = tuple(
    f"reconciler.{name}"
    for name in (
        "documents.step_values", "execution.record", "execution.steps", "execution.apply", "render.report_text",
    )
)  # fmt: skip
"""What applies a plan, in an order in which each imports little more than itself."""
EPILOG = """\b
Examples:
  reconciler apply
  reconciler apply --env prod --plan plan.json
  reconciler apply --approve 'services["IS0123456789abcdef0123456789abcdef"]'
  reconciler apply examples/quickstart --emulator demo.db --yes"""


@click.command(cls=Page, epilog=EPILOG)
@file_options
@scope_options()
@approval_options
@baseline_options()
@ledger_options(writes=True)
@account_options
@click.option(
    "--plan",
    "plan_path",
    metavar="FILE",
    shell_complete=candidates.files,
    default="",
    help="Apply this reviewed plan without asking, if it contains every change.",
)
@click.option(
    "--report",
    "report_path",
    metavar="FILE",
    shell_complete=candidates.files,
    default="",
    help="Write the report during the apply, as JSON. A later run with the same file continues it.",
)
@click.option("--trigger-webhooks", is_flag=True, help="Let writes trigger the account's webhooks.")
@click.option("-y", "--yes", "--auto-approve", "yes", is_flag=True, help="Do not ask for approval.")
@output_in(*showing.REPORT)
def apply(
    inputs: Inputs,
    endpoint: Endpoint,
    output: Output,
    *,
    plan_path: str,
    report_path: str,
    trigger_webhooks: bool,
    yes: bool,
) -> int:
    """Plan again, and apply the plan after approval.

    PATH is a file, or a folder that contains reconciler.yaml; the default is the current folder. With --plan, the
    options of the plan are used. A plan file is an approval, not a program: the values that are sent come from the
    current configuration. If an apply fails, run it again to continue.
    """
    approved = read_plan(plan_path) if plan_path else None
    undo: UndoSource | None = None
    if approved is not None:
        inputs = _as_planned(inputs, approved)
        if approved.options.undo is not None:
            undo = workflow.read_source_of_plan(approved, plan_path)
    try:
        return carry_out(
            inputs,
            endpoint,
            output,
            approved=approved,
            report_path=report_path,
            trigger_webhooks=trigger_webhooks,
            yes=yes,
            undo=undo,
        )
    except StalePlan as error:
        if undo is not None:
            raise
        again = command_line("plan", inputs, endpoint, options=("--out", plan_path), shown="\n".join(error.differences))
        raise StalePlan(error.differences, again) from None


def carry_out(
    inputs: Inputs,
    endpoint: Endpoint,
    output: Output,
    *,
    approved: PlanFile | None = None,
    report_path: str,
    trigger_webhooks: bool,
    yes: bool,
    undo: UndoSource | None,
) -> int:
    """Plan, show the plan, ask, apply, and show the report.

    Args:
        inputs: The configuration.
        endpoint: The account.
        output: How to show the plan and the report.
        approved: A reviewed plan; None for none.
        report_path: The file of the report; empty for none.
        trigger_webhooks: Whether writes trigger the account's own webhooks.
        yes: Whether to apply without asking.
        undo: The report whose apply is undone; None to apply the configuration.
    """
    explained = _Explained(inputs, endpoint, is_other=bool(approved or undo))
    run = _run(output, writes_report=bool(report_path))
    shown = False

    def show(file: PlanFile) -> None:
        nonlocal shown
        run.display.clear()
        if output.as_log:
            if not output.as_text:
                LOG.pause()
            console.out(showing.plan_as_text(explained(file), output) + "\n")
            shown = True

    async def confirm(file: PlanFile) -> Decision:
        _check_shown(output, needed=not yes)
        asks = not (yes or approved is not None or _nothing_to_send(file))
        is_approved = not asks or _ask(explained(file), run, output, inputs, endpoint)
        decision = Decision.DECLINED if not is_approved else Decision.APPROVED if asks else Decision.PREAPPROVED
        run.writing = decision is not Decision.DECLINED
        return decision

    applied = run.execute(
        lambda: workflow.apply(
            inputs, endpoint, run.display, show, confirm,
            approved=approved, stop=run.stop, trigger_webhooks=trigger_webhooks, report=report_path, undo=undo,
            on_stale=partial(_report_stale, run, output), on_prospects=explained.judge_by,
        )
    )  # fmt: skip
    return _finish(replace(applied, file=explained(applied.file)), inputs, endpoint, output, shown=shown)


def _run(output: Output, *, writes_report: bool) -> Run:
    """Return a run that imports what it needs later while the account is read."""
    later = (
        *PLANNING,
        *_APPLYING,
        *(PLAN_AS_TEXT if output.as_log else ()),
        *(("pydantic_core",) if writes_report else ()),
    )
    return Run(display(lines_on_stdout=output.as_log, may_colour=output.may_colour), later=later)


@dataclass
class _Explained:
    """Adds the ways out to a plan, once it is known what `accept` would take.

    Attributes:
        inputs: The configuration, and the options that narrow it.
        endpoint: The account.
        is_other: Whether the plan is a reviewed one, or that of an undo: the commands that continue are others.
        accepting: Knows what `accept` takes; None until there is a plan with changes.
    """

    inputs: Inputs
    endpoint: Endpoint
    is_other: bool
    accepting: Accepting | None = None

    def judge_by(self, accepting: Accepting) -> None:
        """Set what knows what `accept` takes."""
        self.accepting = accepting

    def __call__(self, file: PlanFile) -> PlanFile:
        """Return a plan with its ways out."""
        if self.is_other or self.accepting is None:
            return file
        from reconciler.documents.plan_steps import approvals  # noqa: PLC0415 - help and completion do without

        # The prompt continues, unless an approval is missing.
        continues = bool(approvals(file))
        return with_ways_out(file, self.inputs, self.endpoint, self.accepting, continues=continues, accepts=False)


def _report_stale(run: Run, output: Output) -> None:
    """Say first why the plan that follows is not applied."""
    run.display.clear()
    if output.as_log:
        console.out("The approved plan no longer matches, so nothing is sent. The plan is now:\n\n")


def _finish(applied: Applied, inputs: Inputs, endpoint: Endpoint, output: Output, *, shown: bool) -> int:
    """Show the result of an apply, and return its exit code.

    Raises:
        ReconcilerError: The user declined.
    """
    if applied.declined:
        raise ReconcilerError("declined. Nothing was sent")
    seen = applied.file.to_json() if inputs.variables else ""
    output = replace(output, plan_command=command_line("plan", inputs, endpoint, shown=seen))
    console.at_stake(_outcome(applied, output.plan_command))
    _show(applied, output, shown=shown)
    if applied.document is not None and applied.document.unrecorded:
        console.err(
            error_text(LedgerError(applied.document.unrecorded), colour=False, width=console.width_of(sys.stderr))
        )
    return exit_codes.of_apply(applied.file, applied.report)


def _as_planned(inputs: Inputs, plan: PlanFile) -> Inputs:
    """Take the options of a plan, which the command line may repeat but not contradict.

    Approvals are the exception: they may be added when the plan is applied, and those of the plan depend on its seal.

    Raises:
        UsageError: The command line contradicts the plan.
    """
    options = plan.options
    compared = (
        ("--env", inputs.environment, options.env),
        ("--target", inputs.targets, options.target),
        ("--exclude", inputs.excludes, options.exclude),
        ("--rotate", inputs.rotate, options.rotate),
        ("--baseline", inputs.baseline, options.baseline),
    )
    for name, given, planned in compared:
        if given and sorted(given) != sorted(planned):
            words = ", ".join([planned] if isinstance(planned, str) else planned)
            if name == "--env" and _is_from_environment("env"):
                raise UsageError(
                    f"the plan was made {f'for environment {words}' if planned else 'without an environment'}, but "
                    f"RECONCILER_ENV is {given}. "
                    + (f"Add --env {words} to apply the plan" if planned else "Unset RECONCILER_ENV to apply the plan")
                )
            raise UsageError(
                f"the plan was made {f'with {name} {words}' if planned else f'without {name}'}. Remove {name} to "
                f"apply it, or make a new plan with the other {name}"
            )
    return replace(
        inputs,
        environment=options.env,
        targets=options.target,
        excludes=options.exclude,
        rotate=options.rotate,
        baseline=options.baseline,
    )


def _is_from_environment(parameter: str) -> bool:
    source = click.get_current_context().get_parameter_source(parameter)
    return source is click.core.ParameterSource.ENVIRONMENT


def _check_shown(output: Output, *, needed: bool) -> None:
    """Refuse to continue with a plan that could not be shown, if it needs to be.

    Raises:
        UsageError: Standard output is closed, full, or no longer read.
    """
    if not needed:
        return
    if not output.as_log:
        # Nothing has been written yet, so it is unknown whether standard output is full or closed. A line break before
        # the document has no meaning in JSON, Markdown, or HTML.
        console.out("\n")
    reason = console.unwritten()
    if reason:
        console.mark_reported()
        raise UsageError(
            f"the plan could not be shown, so nothing was sent: cannot write to standard output: {reason}. Redirect it "
            "to a writable file, or apply without approval (--yes)"
        )


def _outcome(applied: Applied, plan_command: str) -> str:
    """Summarize what was applied in a sentence, for a user who cannot see the report."""
    if applied.report is None or applied.document is None:
        return "nothing was sent to the account"
    summary = applied.document.summary
    counts = (
        ("created", summary.create), ("updated", summary.update), ("replaced", summary.replace),
        ("deleted", summary.delete), ("partly done", summary.partly), ("failed", summary.failed),
        ("interrupted", summary.interrupted), ("skipped", summary.skipped), ("withheld", summary.withheld),
    )  # fmt: skip
    words = ", ".join(f"{number:,} {word}" for word, number in counts if number) or "nothing to do"
    return f"the plan was applied nevertheless ({words}). Run `{plan_command}` to see what is left"


def _nothing_to_send(plan: PlanFile) -> bool:
    summary = plan.summary
    return not (summary.create or summary.update or summary.replace or summary.delete)


def _question(plan: PlanFile, endpoint: Endpoint) -> str:
    """Return the question: the environment, the account, and the API if it is not Twilio."""
    number = len(plan.changes) - plan.summary.withheld
    what = "this change" if number == 1 else f"these {number:,} changes"
    account = f"account {escape(plan.account_sid)}"
    environment = f'environment "{escape(plan.options.env)}"' if plan.options.env else ""
    place = ""
    if endpoint.emulator:
        place = f"on the emulator {escape(endpoint.emulator)}"
    elif endpoint.api_url:
        place = f"at {escape(endpoint.api_url)}"
    # The SID of the account alone takes half a line of a narrow terminal.
    more = ", ".join(text for text in (account if environment else "", place) if text)
    lines = [f"Apply {what} to {environment or account}?", *([f"  {more}"] if more else [])]
    return "\n".join([*lines, 'Only "yes" is accepted to approve. Enter a value: '])


def _ask(plan: PlanFile, run: Run, output: Output, inputs: Inputs, endpoint: Endpoint) -> bool:
    """Ask for approval on the terminal.

    Raises:
        UsageError: There is no terminal, or it does not show the plan.
    """
    if not (console.is_terminal(sys.stdin) and console.is_terminal(sys.stderr)):
        undo = plan.options.undo
        verb, file, first = ("plan", "plan.json", ()) if undo is None else ("undo", "undo.json", (undo.report,))
        does = "apply" if undo is None else "undo"
        raise UsageError(
            f"no terminal to ask for approval, so nothing was sent. Apply a reviewed plan, or {does} without approval "
            f"(--yes):\n  {command_line(verb, inputs, endpoint, first=first, options=('--out', file))}\n"
            f"  {command_line('apply', inputs, endpoint, options=('--plan', file), scope=False)}"
        )
    with run.asking():
        if not (output.as_log and console.is_terminal(sys.stdout)):
            # The answer is given on the terminal, so the plan must be shown there too, wherever standard output goes.
            colour = console.takes_colour(sys.stderr, allowed=output.may_colour)
            from reconciler.render.text import plan_text  # noqa: PLC0415 - help and completion do without

            text = plan_text(plan, colour=colour, width=console.width_of(sys.stderr), verbose=output.verbose)
            is_shown = console.err(text)
        else:
            is_shown = True
        if not (is_shown and console.err(_question(plan, endpoint))):
            raise UsageError("the plan could not be shown on the terminal. Nothing was sent")
        try:
            answer = sys.stdin.readline()
        except KeyboardInterrupt:
            console.err("\n")
            raise
        console.err("\n" if not answer.endswith("\n") else "")
        return answer.strip().lower() == "yes"


def _show(applied: Applied, output: Output, *, shown: bool) -> None:
    from reconciler.render.report_text import follow_up_text  # noqa: PLC0415 - help and completion do without

    if output.as_log and applied.report is None:
        if not shown:
            showing.show_plan(applied.file, output)
        if output.as_text and applied.document is not None:
            console.out(follow_up_text(applied.document) + _begun(applied))
        LOG.resume()
        return
    assert applied.document is not None
    # Completed steps were listed while they ran.
    if output.as_log and any(one.status != "withheld" for part in applied.document.changes for one in part.outcomes):
        console.out("\n")
    document = applied.sealed() if output.format_name == "json" else applied.document
    showing.show_report(document, replace(output, watched=True), applied.file)
    if output.as_text:
        console.out(_begun(applied))


def _begun(applied: Applied) -> str:
    """Say that the ledger began, and where it is."""
    if not applied.begun_ledger:
        return ""
    return f"Started the ledger {escape(applied.begun_ledger)}: `reconciler docs baseline` explains it.\n"
