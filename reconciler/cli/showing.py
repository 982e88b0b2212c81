"""Shows plans, drifts, and reports in the selected format: the one place that connects formats and renderers.

Takes a document and an `Output`; writes to standard output. A new format is one line in each table below: commands take
the choices of ``--format`` from them. The ``github`` ones give annotations, which are written after the text.
Renderers are imported on first use.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from reconciler.cli import console
from reconciler.cli.output import Output, repository, workspace_folder
from reconciler.config.collector import collector_paused
from reconciler.render.terminal import escape

if TYPE_CHECKING:
    from reconciler.documents.acceptance import AcceptFile
    from reconciler.documents.comparison import ComparisonFile
    from reconciler.documents.drift import DriftFile
    from reconciler.documents.parts import WarningPart
    from reconciler.documents.plan import PlanFile
    from reconciler.documents.report import ReportFile

Formats: TypeAlias = "Collection[str]"
PlanRenderer: TypeAlias = "Callable[[PlanFile, Output], str]"
DriftRenderer: TypeAlias = "Callable[[DriftFile, Output], str]"
ComparisonRenderer: TypeAlias = "Callable[[ComparisonFile, Output], str]"
AcceptRenderer: TypeAlias = "Callable[[AcceptFile, Output], str]"
ReportRenderer: TypeAlias = "Callable[[ReportFile, PlanFile | None, Output], str]"


def render_paused(render: Callable[..., str], *given: object) -> str:
    """Render a document with the garbage collector paused.

    It searches for cycles, which renderers do not create; with a large plan in memory, that took a third of the time.
    """
    with collector_paused():
        return render(*given)


def _write(table: Mapping[str, Callable[..., str]], output: Output, *given: object) -> None:
    """Write to standard output; in a GitHub log, the text with annotations, and the job's summary."""
    if output.format_name != "github":
        console.out(render_paused(table[output.format_name], *given, output))
        return
    from reconciler.cli.github_log import LOG  # noqa: PLC0415 - see above

    text, annotations, summary = (render_paused(table[name], *given, output) for name in ("text", "github", "markdown"))
    LOG.write(text, annotations, summary)


# --- a plan ----------------------------------------------------------------------------------------------------------


def plan_as_text(plan: PlanFile, output: Output) -> str:
    """Render a plan as text, as `plan` and `apply` show it."""
    from reconciler.render.text import plan_text  # noqa: PLC0415 - see above

    return plan_text(plan, colour=output.colour, width=output.width, verbose=output.verbose)


def _plan_as_markdown(plan: PlanFile, _output: Output) -> str:
    from reconciler.render.markdown import plan_markdown  # noqa: PLC0415 - see above

    return plan_markdown(plan, repository())


def _plan_as_html(plan: PlanFile, _output: Output) -> str:
    from reconciler.render.html import plan_html  # noqa: PLC0415 - see above

    return plan_html(plan, repository())


def _plan_as_annotations(plan: PlanFile, _output: Output) -> str:
    from reconciler.render import github  # noqa: PLC0415 - see above

    return github.commands(github.of_plan(plan), workspace_folder())


PLAN: Mapping[str, PlanRenderer] = {
    "text": plan_as_text,
    "markdown": _plan_as_markdown,
    "html": _plan_as_html,
    "json": lambda plan, _: plan.to_json(),
    "github": _plan_as_annotations,
}


def report_unreadable(problems: Sequence[WarningPart]) -> None:
    """Write to standard error why the command exits with status 1 although everything else was done."""
    for problem in problems:
        console.err(f"error: {escape(problem.message)}\n  = {escape(problem.hint)}\n")


def show_plan(plan: PlanFile, output: Output) -> None:
    """Write a plan to standard output."""
    _write(PLAN, output, plan)
    report_unreadable(plan.unreadable)


# --- a drift ---------------------------------------------------------------------------------------------------------


def _drift_as_text(drift: DriftFile, output: Output) -> str:
    from reconciler.render.drift import drift_text  # noqa: PLC0415 - see above

    return drift_text(drift, colour=output.colour, width=output.width, verbose=output.verbose)


def _drift_as_markdown(drift: DriftFile, _output: Output) -> str:
    from reconciler.render.drift import drift_markdown  # noqa: PLC0415 - see above

    return drift_markdown(drift, repository())


def _drift_as_html(drift: DriftFile, _output: Output) -> str:
    from reconciler.render.html import drift_html  # noqa: PLC0415 - see above

    return drift_html(drift, repository())


def _drift_as_chat(drift: DriftFile, _output: Output) -> str:
    from reconciler.render.drift import drift_chat  # noqa: PLC0415 - see above

    return drift_chat(drift)


def _drift_as_annotations(drift: DriftFile, _output: Output) -> str:
    from reconciler.render import github  # noqa: PLC0415 - see above

    return github.commands(github.of_drift(drift), workspace_folder())


DRIFT: Mapping[str, DriftRenderer] = {
    "text": _drift_as_text,
    "markdown": _drift_as_markdown,
    "html": _drift_as_html,
    "json": lambda drift, _: drift.to_json(),
    "github": _drift_as_annotations,
    "chat": _drift_as_chat,
}


def show_drift(drift: DriftFile, output: Output) -> None:
    """Write a drift to standard output."""
    _write(DRIFT, output, drift)
    report_unreadable(drift.unreadable)


# --- two configurations ----------------------------------------------------------------------------------------------


def _comparison_as_text(found: ComparisonFile, output: Output) -> str:
    from reconciler.render.comparison import comparison_text  # noqa: PLC0415 - see above

    return comparison_text(found, colour=output.colour, width=output.width, verbose=output.verbose)


def _comparison_as_markdown(found: ComparisonFile, _output: Output) -> str:
    from reconciler.render.comparison import comparison_markdown  # noqa: PLC0415 - see above

    return comparison_markdown(found, repository())


def _comparison_as_annotations(found: ComparisonFile, _output: Output) -> str:
    from reconciler.render import github  # noqa: PLC0415 - see above

    return github.commands(github.of_comparison(found), workspace_folder())


def _comparison_as_html(found: ComparisonFile, _output: Output) -> str:
    from reconciler.render.html import comparison_html  # noqa: PLC0415 - see above

    return comparison_html(found, repository())


COMPARISON: Mapping[str, ComparisonRenderer] = {
    "text": _comparison_as_text,
    "markdown": _comparison_as_markdown,
    "html": _comparison_as_html,
    "json": lambda found, _: found.to_json(),
    "github": _comparison_as_annotations,
}


def show_comparison(found: ComparisonFile, output: Output) -> None:
    """Write the comparison of two configurations to standard output."""
    _write(COMPARISON, output, found)


# --- accepted drift --------------------------------------------------------------------------------------------------


def _acceptance_as_text(found: AcceptFile, output: Output) -> str:
    from reconciler.render.acceptance import acceptance_text, refused_text  # noqa: PLC0415 - see above

    refused = f"\n{refused_text(found, is_named=False)}" if found.refused else ""
    return acceptance_text(found, colour=output.colour) + refused


def _acceptance_as_markdown(found: AcceptFile, _output: Output) -> str:
    from reconciler.render.acceptance import acceptance_markdown  # noqa: PLC0415 - see above

    return acceptance_markdown(found)


ACCEPTANCE: Mapping[str, AcceptRenderer] = {
    "text": _acceptance_as_text,
    "markdown": _acceptance_as_markdown,
    "json": lambda found, _: found.to_json(),
    "github": lambda _found, _output: "",
}


def show_acceptance(found: AcceptFile, output: Output) -> None:
    """Write the edits that accept drift to standard output."""
    _write(ACCEPTANCE, output, found)


# --- a report -----------------------------------------------------------------------------------------------


def _report_as_text(report: ReportFile, _plan: PlanFile | None, output: Output) -> str:
    from reconciler.render.report_text import report_text  # noqa: PLC0415 - see above

    return report_text(
        report,
        colour=output.colour,
        width=output.width,
        list_done=not output.watched,
        plan_command=output.plan_command,
    )


def _report_as_markdown(report: ReportFile, _plan: PlanFile | None, _output: Output) -> str:
    from reconciler.render.report_markdown import report_markdown  # noqa: PLC0415 - see above

    return report_markdown(report)


def _report_as_html(report: ReportFile, plan: PlanFile | None, _output: Output) -> str:
    from reconciler.render.html import report_html  # noqa: PLC0415 - see above

    return report_html(report, plan, repository())


def _report_as_annotations(report: ReportFile, plan: PlanFile | None, _output: Output) -> str:
    from reconciler.render import github  # noqa: PLC0415 - see above

    return github.commands(github.of_report(report, plan), workspace_folder())


REPORT: Mapping[str, ReportRenderer] = {
    "text": _report_as_text,
    "markdown": _report_as_markdown,
    "html": _report_as_html,
    "json": lambda report, _plan, _output: report.to_json(),
    "github": _report_as_annotations,
}


def show_report(report: ReportFile, output: Output, plan: PlanFile | None = None) -> None:
    """Write the report of an apply to standard output.

    Args:
        report: The report.
        output: How to show it.
        plan: The applied plan, for formats that show differences beside outcomes; None if it is not at hand.
    """
    _write(REPORT, output, report, plan)
    report_unreadable(report.unreadable)
