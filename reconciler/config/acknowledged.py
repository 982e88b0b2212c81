"""Which warnings a reviewer has acknowledged: they are counted, and neither shown nor made errors.

Takes the entries of ``acknowledge`` and problems; gives the problems that are left, and what was acknowledged. Pure.
Errors cannot be acknowledged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from reconciler.config.model import Acknowledgement
from reconciler.errors import Problem

CODE = "unused-acknowledgement"


def split(
    entries: Sequence[Acknowledgement], problems: Iterable[Problem]
) -> tuple[tuple[Problem, ...], tuple[Problem, ...]]:
    """Split problems into those to show and those acknowledged, both in the order given."""
    told: list[Problem] = []
    acknowledged: list[Problem] = []
    for problem in problems:
        is_known = problem.severity != "error" and any(covers(entry, problem) for entry in entries)
        (acknowledged if is_known else told).append(problem)
    return tuple(told), tuple(acknowledged)


def covers(entry: Acknowledgement, problem: Problem) -> bool:
    """Whether an entry acknowledges a problem: by its code, and by its address if the entry has one."""
    return entry.code == problem.code and entry.address in {"", problem.address}


def unused(
    entries: Iterable[Acknowledgement], acknowledged: Sequence[Problem], told: Sequence[Problem]
) -> tuple[Problem, ...]:
    """A warning for each entry that acknowledges nothing.

    Args:
        entries: of the files.
        acknowledged: what any of them covers.
        told: what none of them covers, among which the near miss is looked for.
    """
    found = []
    for entry in entries:
        if any(covers(entry, problem) for problem in acknowledged):
            continue
        where = f" about {entry.address}" if entry.address else ""
        message = f"acknowledge: no warning {entry.code}{where}"
        same = next((problem.address for problem in told if problem.code == entry.code and problem.address), "")
        close = get_close_matches(entry.code, sorted({problem.code for problem in told}), n=1)
        if same:
            message += f". Did you mean address {same}?"
        elif close and close[0] != entry.code:
            message += f". Did you mean code {close[0]}?"
        found.append(
            Problem(CODE, message, entry.place, "Remove the entry, or correct it.", "warning", address=entry.address)
        )
    return tuple(found)
