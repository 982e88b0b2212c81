"""What programs read: plans, reports, problems and errors as JSON, each text one document that ends in a newline.

Takes the same data as the other renderers; gives JSON in ASCII, so that nothing in it can disturb a terminal or be cut
by an encoding. `PlanFile.to_json` and `ReportFile.to_json` make the other two.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from reconciler.errors import GuardRefusal, Place, Problem, ProblemsError, Refused, StalePlan


def error_json(error: BaseException, *, exit_code: int, message: str = "") -> str:
    """An error as JSON: ``reconciler.error``.

    Args:
        error: what happened.
        exit_code: what the process ends with.
        message: what to say in place of the error's own words, for errors whose words are not for people.
    """
    document: dict[str, Any] = {
        "format": "reconciler.error",
        "format_version": 1,
        "exit_code": exit_code,
        "message": message or str(error),
        "problems": [_problem(item) for item in error.problems] if isinstance(error, ProblemsError) else [],
        "differences": list(error.differences) if isinstance(error, StalePlan) else [],
        "reasons": list(error.reasons) if isinstance(error, GuardRefusal) else [],
        "refusal": None,
    }
    if isinstance(error, Refused):
        refusal = error.refusal
        document["refusal"] = {
            "method": refusal.method,
            "path": refusal.path,
            "status": refusal.status,
            "code": refusal.code,
            "message": refusal.message,
            "more_info": refusal.more_info,
            "request_id": refusal.request_id,
        }
    return _dumped(document)


def validation_json(*, environment: str, resources: int, warnings: Sequence[Problem]) -> str:
    """Files that are valid, as JSON: ``reconciler.validation``. Files that are not are an error.

    Args:
        environment: which environment was picked; empty for none.
        resources: how many resources the files declare.
        warnings: what is doubtful.
    """
    return _dumped(
        {
            "format": "reconciler.validation",
            "format_version": 1,
            "exit_code": 0,
            "environment": environment,
            "resources": resources,
            "problems": [_problem(item) for item in warnings],
        }
    )


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        "hint": problem.hint,
        "address": problem.address,
        "place": None if problem.place is None else _place(problem.place),
        "related": [{"what": what, "place": _place(place)} for place, what in problem.related],
    }


def _place(place: Place) -> dict[str, Any]:
    return {"file": place.file, "line": place.line, "column": place.column, "via": place.via}


def _dumped(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"
