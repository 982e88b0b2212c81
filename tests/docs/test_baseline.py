"""The tables of the page on the baseline are those that the planner is tested with, row by row."""

from __future__ import annotations

import re

from tests.docs.pages import read
from tests.planning.test_three_way import FIELDS, RESOURCES, lines

PAGE = "reconciler/docs/baseline.md"
WORDS = {"newly_declared": "newly declared", "removed_conflict": "conflict (removed)"}


def rows(heading: str) -> list[list[str]]:
    """The rows of the table below a heading, without its head."""
    text = read(PAGE).split(f"\n## {heading}\n")[1].split("\n## ")[0]
    table = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


def cells(line: str, columns: int) -> list[str]:
    left, _, right = line.partition(":")
    baseline, configuration, account = left.split(" ", 2)
    found = [cell.strip() for cell in right.split("|")]
    found = [WORDS.get(cell, cell) or "–" for cell in (found + [""] * columns)[:columns]]
    return [baseline, configuration, account, *found]


def canonical(line: str) -> str:
    """Rename the values of a row in the order in which they occur: a row says the same of other values."""
    left, _, right = line.partition(":")
    values = dict.fromkeys(re.findall(r"\b[xyz]\b", left))
    renamed = dict(zip(values, "xyz", strict=False))
    return re.sub(r"\b[xyz]\b", lambda match: renamed[match[0]], left) + f":{right}"


def test_the_page_has_every_row_of_the_table_of_fields() -> None:
    found = list(dict.fromkeys(map(canonical, lines(FIELDS))))
    assert len({line.partition(":")[0] for line in found}) == len(found), "no two rows contradict each other"
    assert rows("Fields") == [cells(line, 3) for line in found]


def test_the_page_has_every_row_of_the_table_of_resources() -> None:
    every = [cells(line, 4) for line in lines(RESOURCES)]
    merged: list[list[str]] = []
    for baseline, configuration, account, *outcome in every:
        last = merged[-1] if merged else []
        if account == "changed" and last[3:] == outcome:  # both sorts of live resources are treated alike
            last[2] = "live"
        else:
            word = {"as B": "equal", "changed": "different"}.get(account, account)
            merged.append([baseline, configuration, word, *outcome])
    assert rows("Resources") == merged
