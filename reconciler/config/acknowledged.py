"""Acknowledged warnings: counted, but neither shown nor turned into errors.

Takes the items of ``acknowledge`` and problems; returns the remaining problems and the acknowledged ones. Pure.
Errors cannot be acknowledged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.config.model import Acknowledgement
from reconciler.config.paste import yaml_key
from reconciler.config.similar import closest
from reconciler.errors import Problem

CODE = "unused-acknowledgement"


def split_acknowledged(
    acknowledgements: Sequence[Acknowledgement], problems: Iterable[Problem]
) -> tuple[tuple[Problem, ...], tuple[Problem, ...]]:
    """Split problems into those to show and those acknowledged, both in the order given."""
    others: list[Problem] = []
    acknowledged: list[Problem] = []
    for problem in problems:
        is_known = problem.severity != "error" and any(
            covers(acknowledgement, problem) for acknowledgement in acknowledgements
        )
        (acknowledged if is_known else others).append(problem)
    return tuple(others), tuple(acknowledged)


def covers(acknowledgement: Acknowledgement, problem: Problem) -> bool:
    """Whether a problem is acknowledged: by its code, and by the address if there is one."""
    return acknowledgement.code == problem.code and acknowledgement.address in {"", problem.address}


def unused(
    acknowledgements: Iterable[Acknowledgement], acknowledged: Sequence[Problem], others: Sequence[Problem]
) -> tuple[Problem, ...]:
    """Return a warning for each acknowledgement that covers nothing.

    Args:
        acknowledgements: Those of the configuration.
        acknowledged: The problems that any of them covers.
        others: The problems that none of them covers, for near misses.
    """
    found = []
    for acknowledgement in acknowledgements:
        if any(covers(acknowledgement, problem) for problem in acknowledged):
            continue
        where = f" about {acknowledgement.address}" if acknowledgement.address else ""
        message = f"acknowledge: no warning {acknowledgement.code}{where}"
        same = next(
            (problem.address for problem in others if problem.code == acknowledgement.code and problem.address), ""
        )
        close = closest(acknowledgement.code, {problem.code for problem in others})
        fix = ""
        if same:
            message += f". Did you mean address {same}?"
            fix = f"acknowledge: [{{code: {acknowledgement.code}, address: {yaml_key(same)}}}]"
        elif close and close != acknowledgement.code:
            message += f". Did you mean code {close}?"
            about = f", address: {yaml_key(acknowledgement.address)}" if acknowledgement.address else ""
            fix = f"acknowledge: [{{code: {close}{about}}}]"
        found.append(
            Problem(
                CODE,
                message,
                acknowledgement.place,
                "Remove the item, or correct it.",
                "warning",
                address=acknowledgement.address,
                fix=fix,
            )
        )
    return tuple(found)
