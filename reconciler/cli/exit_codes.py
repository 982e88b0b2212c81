"""What the process ends with: the one place where outcomes become exit codes.

0 done or nothing to do · 1 error · 2 differences · 3 the approved plan no longer fits · 4 refused by a guard ·
5 applied, but a protected part was withheld · 70 a bug · 130 interrupted.
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
"""Of several codes, the first of these."""


def worst(codes: list[int]) -> int:
    """The one of several exit codes that counts; 0 of none."""
    return min(codes, key=PRECEDENCE.index, default=DONE)


def of_error(error: BaseException) -> int:
    """What an exception ends the process with; of a group, the worst in it.

    Click's own code for wrong usage is 2, which here means differences, so it becomes 1.
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
    """What a plan ends with: guards are shown and do not count, unmanaged resources are no difference."""
    if plan.unreadable:
        return ERROR
    return DIFFERENCES if detailed and plan.has_changes else DONE


def of_apply(plan: PlanFile, report: Report | None) -> int:
    """What an apply ends with."""
    if report is not None:
        return report.exit_code
    if plan.unreadable:
        return ERROR
    return WITHHELD if plan.summary.withheld else DONE
