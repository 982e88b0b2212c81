"""Exit codes of commands, and their precedence; `Report.exit_code` is that of the steps of an apply.

0 success, or no changes · 1 error · 2 differences · 3 the approved plan no longer fits · 4 refused by a guard ·
5 a protected part was withheld, or an export is incomplete · 70 internal error · 130 interrupted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from click.exceptions import Abort, ClickException

from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from reconciler.documents.plan import PlanFile
    from reconciler.report import Report

DONE, ERROR, DIFFERENCES, WITHHELD, BUG, INTERRUPTED = 0, 1, 2, 5, 70, 130

PRECEDENCE = (130, 70, 1, 3, 4, 5, 2, 0)
"""The codes by precedence, highest first."""


def worst(codes: list[int]) -> int:
    """Return the exit code with the highest precedence; 0 if there are none."""
    return min(codes, key=PRECEDENCE.index, default=DONE)


def of_error(error: BaseException) -> int:
    """Return the exit code of an exception; of a group, the worst.

    click uses 2 for wrong usage, which means differences here, so it becomes 1.
    """
    match error:
        case BaseExceptionGroup(exceptions=several):
            return worst([of_error(one) for one in several])
        case ReconcilerError():
            return error.exit_code
        case KeyboardInterrupt() | Abort():
            return INTERRUPTED
        case ClickException():
            return ERROR
        case _:
            return BUG


def of_plan(plan: PlanFile, *, detailed: bool) -> int:
    """Return the exit code of a plan: guards' verdicts and unmanaged resources do not count."""
    if plan.unreadable:
        return ERROR
    return DIFFERENCES if detailed and plan.has_changes else DONE


def of_apply(plan: PlanFile, report: Report | None) -> int:
    """Return the exit code of an apply."""
    if report is not None:
        return report.exit_code
    if plan.unreadable:
        return ERROR
    return WITHHELD if plan.summary.withheld else DONE
