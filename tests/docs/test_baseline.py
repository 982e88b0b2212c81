"""The tables of the page on the baseline are those that the planner is tested with, row by row."""

from __future__ import annotations

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


def test_the_page_has_every_row_of_the_table_of_fields() -> None:
    assert rows("Fields") == [cells(line, 3) for line in lines(FIELDS)]


def test_the_page_has_every_row_of_the_table_of_resources() -> None:
    assert rows("Resources") == [cells(line, 4) for line in lines(RESOURCES)]
