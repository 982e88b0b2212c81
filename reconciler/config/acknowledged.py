"""Acknowledged warnings: counted, but neither shown nor turned into errors.

Takes the entries of ``acknowledge`` and problems; returns the remaining problems and the acknowledged ones. Pure.
Errors
cannot be acknowledged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from reconciler.config.model import Acknowledgement
from reconciler.errors import Problem

CODE = "unused-acknowledgement"


def split_acknowledged(
    entries: Sequence[Acknowledgement], problems: Iterable[Problem]
) -> tuple[tuple[Problem, ...], tuple[Problem, ...]]:
    """Split problems into those to show and those acknowledged, both in the order given."""
    others: list[Problem] = []
    acknowledged: list[Problem] = []
    for problem in problems:
        is_known = problem.severity != "error" and any(covers(entry, problem) for entry in entries)
        (acknowledged if is_known else others).append(problem)
    return tuple(others), tuple(acknowledged)


def covers(entry: Acknowledgement, problem: Problem) -> bool:
    """Whether an entry acknowledges a problem: by its code, and by its address if the entry has one."""
    return entry.code == problem.code and entry.address in {"", problem.address}


def unused(
    entries: Iterable[Acknowledgement], acknowledged: Sequence[Problem], others: Sequence[Problem]
) -> tuple[Problem, ...]:
    """Return a warning for each entry that acknowledges nothing.

    Args:
        entries: The entries of the configuration.
        acknowledged: The problems that any of them covers.
        others: The problems that none of them covers, for near misses.
    """
    found = []
    for entry in entries:
        if any(covers(entry, problem) for problem in acknowledged):
            continue
        where = f" about {entry.address}" if entry.address else ""
        message = f"acknowledge: no warning {entry.code}{where}"
        same = next((problem.address for problem in others if problem.code == entry.code and problem.address), "")
        close = get_close_matches(entry.code, sorted({problem.code for problem in others}), n=1)
        if same:
            message += f". Did you mean address {same}?"
        elif close and close[0] != entry.code:
            message += f". Did you mean code {close[0]}?"
        found.append(
            Problem(CODE, message, entry.place, "Remove the entry, or correct it.", "warning", address=entry.address)
        )
    return tuple(found)
