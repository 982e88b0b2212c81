"""Plans, drifts and reports in the format that was asked for: the one place where a format meets its renderers.

Takes what is to be shown and an `Output`; writes to standard output. A new format is one line in each of the tables
below: commands take their ``--format`` choices from them. Renderers are imported when they are used.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, TypeAlias

from reconciler.cli import console
from reconciler.cli.output import Output, repository

if TYPE_CHECKING:
    from reconciler.plan_file import PlanFile
    from reconciler.report_file import ReportFile

Formats: TypeAlias = "Collection[str]"
PlanRenderer: TypeAlias = "Callable[[PlanFile, Output], str]"
ReportRenderer: TypeAlias = "Callable[[ReportFile, Output], str]"

# --- a plan ----------------------------------------------------------------------------------------------------------


def plan_as_text(plan: PlanFile, output: Output) -> str:
    """A plan as `plan` and `apply` show it to people."""
    from reconciler.render.text import plan_text  # noqa: PLC0415 - see above

    return plan_text(plan, colour=output.colour, width=output.width, verbose=output.verbose)


def _plan_as_markdown(plan: PlanFile, _output: Output) -> str:
    from reconciler.render.markdown import plan_markdown  # noqa: PLC0415 - see above

    return plan_markdown(plan, repository())


PLAN: Mapping[str, PlanRenderer] = {
    "text": plan_as_text,
    "markdown": _plan_as_markdown,
    "json": lambda plan, _: plan.to_json(),
}


def show_plan(plan: PlanFile, output: Output) -> None:
    """Write a plan to standard output."""
    console.out(PLAN[output.format_name](plan, output))


# --- a drift ---------------------------------------------------------------------------------------------------------


def _drift_as_text(plan: PlanFile, output: Output) -> str:
    from reconciler.render.drift import drift_text  # noqa: PLC0415 - see above

    return drift_text(plan, colour=output.colour, width=output.width, verbose=output.verbose)


def _drift_as_markdown(plan: PlanFile, _output: Output) -> str:
    from reconciler.render.drift import drift_markdown  # noqa: PLC0415 - see above

    return drift_markdown(plan, repository())


def _drift_as_json(plan: PlanFile, _output: Output) -> str:
    from reconciler.render.drift import drift_json  # noqa: PLC0415 - see above

    return drift_json(plan)


def _drift_as_chat(plan: PlanFile, _output: Output) -> str:
    from reconciler.render.drift import drift_chat  # noqa: PLC0415 - see above

    return drift_chat(plan)


DRIFT: Mapping[str, PlanRenderer] = {
    "text": _drift_as_text,
    "markdown": _drift_as_markdown,
    "json": _drift_as_json,
    "chat": _drift_as_chat,
}


def show_drift(plan: PlanFile, output: Output) -> None:
    """Write what a plan says of what is, to standard output."""
    console.out(DRIFT[output.format_name](plan, output))


# --- what an apply did -----------------------------------------------------------------------------------------------


def _report_as_text(report: ReportFile, output: Output) -> str:
    from reconciler.render.report_text import report_text  # noqa: PLC0415 - see above

    return report_text(report, colour=output.colour, width=output.width, list_done=not output.watched)


def _report_as_markdown(report: ReportFile, _output: Output) -> str:
    from reconciler.render.report_markdown import report_markdown  # noqa: PLC0415 - see above

    return report_markdown(report)


REPORT: Mapping[str, ReportRenderer] = {
    "text": _report_as_text,
    "markdown": _report_as_markdown,
    "json": lambda report, _: report.to_json(),
}


def show_report(report: ReportFile, output: Output) -> None:
    """Write what an apply did to standard output."""
    console.out(REPORT[output.format_name](report, output))
