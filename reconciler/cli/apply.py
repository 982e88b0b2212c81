"""``reconciler apply``."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from reconciler import workflow
from reconciler.cli import candidates, console, exit_codes, showing
from reconciler.cli.files import read_limited
from reconciler.cli.github_log import LOG
from reconciler.cli.manual import Page
from reconciler.cli.options import account_options, consent_options, file_options, scope_options
from reconciler.cli.output import Output, output_in
from reconciler.cli.running import Run, display
from reconciler.errors import ReconcilerError, UsageError
from reconciler.render.terminal import escape
from reconciler.workflow import Applied, Decision, Endpoint, Inputs

if TYPE_CHECKING:
    from reconciler.documents.plan import PlanFile

EPILOG = """\b
Examples:
  reconciler apply
  reconciler apply --env prod --plan plan.json
  reconciler apply --approve 'services["IS0123456789abcdef0123456789abcdef"]'
  reconciler apply examples/quickstart --emulator demo.db --yes"""


@click.command(cls=Page, epilog=EPILOG)
@file_options
@scope_options
@consent_options
@account_options
@click.option(
    "--plan",
    "plan_path",
    metavar="FILE",
    shell_complete=candidates.files,
    default="",
    help="A plan that was reviewed: go on, without asking, only if every change is one of its changes.",
)
@click.option(
    "--report",
    "report_path",
    metavar="FILE",
    shell_complete=candidates.files,
    default="",
    help="Write the report to FILE while the apply runs, as JSON. A later run completes what the report says is left.",
)
@click.option(
    "--trigger-webhooks", is_flag=True, help="Let the account's own webhooks hear of these writes (off by default)."
)
@click.option("-y", "--yes", "--auto-approve", "yes", is_flag=True, help="Do not ask.")
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
    """Make the account what the files say: plan afresh, ask, apply.

    PATH is a file, or a folder that holds reconciler.yaml; the current folder when left out. With --plan, the options
    that the plan was made with are taken from it. A plan file is an approval, not a program: what is sent comes from
    the files as they are now. Run again after a failure, it takes up where it stopped.
    """
    from reconciler.documents.plan import parse_plan  # noqa: PLC0415 - help and completion do without

    approved = parse_plan(read_limited(plan_path), plan_path) if plan_path else None
    if approved is not None:
        inputs = _as_planned(inputs, approved)
    run = Run(display(lines_on_stdout=output.as_log, may_colour=output.may_colour))
    shown = False

    def show(file: PlanFile) -> None:
        nonlocal shown
        run.display.clear()
        if output.as_log:
            if not output.as_text:
                LOG.pause()
            console.out(showing.plan_as_text(file, output) + "\n")
            shown = True

    async def confirm(file: PlanFile) -> Decision:
        if not yes:
            if not output.as_log:
                # Nothing has been written yet that would show that standard output is full or closed. A line break
                # before the document means nothing in JSON, Markdown, or HTML.
                console.out("\n")
            _check_shown()
        decision = Decision.PREAPPROVED
        if not (yes or approved is not None or _nothing_to_send(file)):
            decision = Decision.APPROVED if _ask(file, run, output, endpoint) else Decision.DECLINED
        run.writing = decision is not Decision.DECLINED
        return decision

    applied = run.execute(
        lambda: workflow.apply(
            inputs,
            endpoint,
            run.display,
            show,
            confirm,
            approved=approved,
            stop=run.stop,
            trigger_webhooks=trigger_webhooks,
            report=report_path,
        )
    )
    if applied.declined:
        raise ReconcilerError("declined; nothing was sent")
    console.at_stake(_outcome(applied))
    _show(applied, output, shown=shown)
    return exit_codes.of_apply(applied.file, applied.report)


def _as_planned(inputs: Inputs, plan: PlanFile) -> Inputs:
    """The same inputs with the options of a plan, which the command line may repeat and not contradict.

    Approvals are the exception: they may be given when the plan is applied, and those of the plan depend on its seal.
    """
    options = plan.options
    compared = (
        ("--env", inputs.environment, options.env),
        ("--target", inputs.targets, options.target),
        ("--exclude", inputs.excludes, options.exclude),
        ("--rotate", inputs.rotate, options.rotate),
    )
    for name, given, planned in compared:
        if given and sorted(given) != sorted(planned):
            words = ", ".join([planned] if isinstance(planned, str) else planned)
            if name == "--env" and _is_from_environment("env"):
                raise UsageError(
                    f"the plan was made {f'for environment {words}' if planned else 'without an environment'}, and "
                    f"RECONCILER_ENV is {given}; "
                    + (f"say --env {words} to apply the plan" if planned else "unset RECONCILER_ENV to apply the plan")
                )
            raise UsageError(
                f"the plan was made {f'with {name} {words}' if planned else f'without {name}'}; leave {name} out to "
                f"apply it as it is, or make a new plan with the other {name}"
            )
    return replace(
        inputs,
        environment=options.env,
        targets=options.target,
        excludes=options.exclude,
        rotate=options.rotate,
    )


def _is_from_environment(parameter: str) -> bool:
    source = click.get_current_context().get_parameter_source(parameter)
    return source is click.core.ParameterSource.ENVIRONMENT


def _check_shown() -> None:
    """Refuse to go on with a plan that nobody can have read.

    Raises:
        UsageError: standard output is closed, full, or no longer read.
    """
    reason = console.unwritten()
    if reason:
        console.take_as_told()
        raise UsageError(
            f"the plan could not be shown, so nothing was sent; standard output could not be written: {reason}. Write "
            "it to a place that takes it, or apply without being asked (--yes)"
        )


def _outcome(applied: Applied) -> str:
    """Summarize what was applied in a sentence, for a user who cannot see the report."""
    if applied.report is None:
        return "nothing was sent to the account"
    from reconciler.documents.report import report_document  # noqa: PLC0415 - help and completion do without

    told = report_document(applied.report, applied.file).summary
    counts = (
        ("created", told.create), ("updated", told.update), ("replaced", told.replace), ("deleted", told.delete),
        ("done in part", told.partly), ("failed", told.failed), ("interrupted", told.interrupted),
        ("skipped", told.skipped), ("withheld", told.withheld),
    )  # fmt: skip
    words = ", ".join(f"{number:,} {word}" for word, number in counts if number) or "nothing to do"
    return f"the plan was applied all the same ({words}); `reconciler plan` shows what is left"


def _nothing_to_send(plan: PlanFile) -> bool:
    summary = plan.summary
    return not (summary.create or summary.update or summary.replace or summary.delete)


def _question(plan: PlanFile, endpoint: Endpoint) -> str:
    """What is asked: the environment, the account, and where it is if that is not Twilio."""
    number = len(plan.changes) - plan.summary.withheld
    what = "this change" if number == 1 else f"these {number:,} changes"
    account = f"account {escape(plan.account_sid)}"
    environment = f'environment "{escape(plan.options.env)}"' if plan.options.env else ""
    place = ""
    if endpoint.emulator:
        place = f"on the emulator {escape(endpoint.emulator)}"
    elif endpoint.api_url:
        place = f"at {escape(endpoint.api_url)}"
    # The account's SID alone takes half of a narrow terminal's line.
    more = ", ".join(text for text in (account if environment else "", place) if text)
    lines = [f"Apply {what} to {environment or account}?", *([f"  {more}"] if more else [])]
    return "\n".join([*lines, 'Only "yes" is accepted to approve. Enter a value: '])


def _ask(plan: PlanFile, run: Run, output: Output, endpoint: Endpoint) -> bool:
    """Ask on the terminal.

    Raises:
        UsageError: there is none, or it does not show the plan.
    """
    if not (console.is_terminal(sys.stdin) and console.is_terminal(sys.stderr)):
        raise UsageError(
            "there is no terminal to ask on, so nothing was sent; review a plan and apply it (reconciler plan --out "
            "plan.json, reconciler apply --plan plan.json), or apply without being asked (--yes)"
        )
    with run.asking():
        if not output.as_log:
            colour = console.takes_colour(sys.stderr, allowed=output.may_colour)
            from reconciler.render.text import plan_text  # noqa: PLC0415 - help and completion do without

            text = plan_text(plan, colour=colour, width=console.width_of(sys.stderr), verbose=output.verbose)
            is_shown = console.err(text)
        else:
            is_shown = True
        if not (is_shown and console.err(_question(plan, endpoint))):
            raise UsageError("the plan could not be shown on the terminal, so nothing was sent")
        try:
            answer = sys.stdin.readline()
        except KeyboardInterrupt:
            console.err("\n")
            raise
        console.err("\n" if not answer.endswith("\n") else "")
        return answer.strip().lower() == "yes"


def _show(applied: Applied, output: Output, *, shown: bool) -> None:
    if output.as_log and applied.report is None:
        if not shown:
            showing.show_plan(applied.file, output)
        LOG.resume()
        return
    if output.as_log:
        console.out("\n")
    # What went well was listed line by line while it happened.
    from reconciler.documents.report import report_document  # noqa: PLC0415 - help and completion do without
    from reconciler.report import Report  # noqa: PLC0415 - help and completion do without

    report = report_document(applied.report or Report(()), applied.file)
    showing.show_report(report, replace(output, watched=True), applied.file)
