"""The difference of two texts by lines, at a cost that hostile texts cannot increase.

Takes lines; returns lines with marks. Equal lines that are far from a difference are counted, not repeated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import groupby
from operator import eq
from typing import Literal, TypeAlias

LineMark = Literal["+", "-", " ", "…"]

CONTEXT_LINES = 2
DIFFABLE_LINES = 1000
"""If more lines differ, a text is shown as replaced as a whole, because the cost of comparing is their product."""
DIFFABLE_PAIRS = 20_000
"""Likewise for more pairs of unchanged lines, each of which may be part of the best alignment."""

DiffLine: TypeAlias = tuple[LineMark, str]
"""A line and its mark; after ``…``, the number of unchanged lines that are left out.

A bare tuple, since there may be very many: the garbage collector ignores it, unlike a named one.
"""


def line_diff(old: Sequence[str], new: Sequence[str]) -> list[DiffLine]:
    """Compare two texts, given as lines."""
    shorter = min(len(old), len(new))
    head = next((at for at, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), shorter)
    tail = 0
    while tail < shorter - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    middle_old, middle_new = old[head : len(old) - tail], new[head : len(new) - tail]
    found = _equal(old[:head], first=True, last=False)
    opcodes = _by_position(middle_old, middle_new)
    if not opcodes:
        long = max(len(middle_old), len(middle_new)) > DIFFABLE_LINES
        if long or _alike(middle_old, middle_new) > DIFFABLE_PAIRS:
            opcodes = [("replace", 0, len(middle_old), 0, len(middle_new))]
        else:
            opcodes = list(SequenceMatcher(None, middle_old, middle_new, autojunk=False).get_opcodes())
    for tag, old_from, old_to, new_from, new_to in opcodes:
        if tag == "equal":
            found += _equal(middle_old[old_from:old_to], first=False, last=False)
        else:
            found += [("-", text) for text in middle_old[old_from:old_to]]
            found += [("+", text) for text in middle_new[new_from:new_to]]
    return found + _equal(old[len(old) - tail :] if tail else [], first=False, last=True)


def _alike(old: Sequence[str], new: Sequence[str]) -> int:
    """Count the pairs of unchanged lines, on which the cost of finding the best alignment depends."""
    had, has = Counter(old), Counter(new)
    return sum(number * has[line] for line, number in had.items())


def _by_position(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    """Compare lines by position, at a tenth of the cost of an alignment.

    Returns:
        Runs of equal and of different lines; none if fewer than half are equal, since lines may have moved.
    """
    same = list(map(eq, old, new))
    if len(old) != len(new) or 2 * same.count(True) < len(same):
        return []
    runs: list[tuple[str, int, int, int, int]] = []
    start = 0
    for is_same, run in groupby(same):
        end = start + len(list(run))
        runs.append(("equal" if is_same else "replace", start, end, start, end))
        start = end
    return runs


def _equal(lines: Sequence[str], *, first: bool, last: bool) -> list[DiffLine]:
    """Keep the unchanged lines next to a difference and count the others."""
    before = 0 if first else CONTEXT_LINES
    after = 0 if last else CONTEXT_LINES
    omitted = len(lines) - before - after
    if omitted <= 2:
        return [(" ", text) for text in lines]
    found: list[DiffLine] = [(" ", text) for text in lines[:before]]
    found.append(("…", str(omitted)))
    return found + [(" ", text) for text in lines[len(lines) - after :]]
