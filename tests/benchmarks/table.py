"""Rows to a table, and to JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from tests.benchmarks.goals import Goal
from tests.benchmarks.measuring import Row


def with_every_goal(rows: Sequence[Row]) -> list[Row]:
    """Return a row for each goal, measured or not, then the rows without one."""
    named = {(row.measurement, row.reference): row for row in rows if row.goal is not None}
    goals = [goal.row(None, "not measured") for goal in Goal]
    return [
        *(named.get((row.measurement, row.reference), row) for row in goals),
        *(row for row in rows if row.goal is None),
    ]


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    return f"{value:,.2f} {unit}" if value < 100 else f"{value:,.0f} {unit}"


def table(rows: Sequence[Row]) -> str:
    """Return the table: each row's figure with its goal beside it."""
    names = [f"{row.measurement} : {row.reference}" if row.reference else row.measurement for row in rows]
    width = max(len(name) for name in names)
    lines = [f"{'measurement : reference':{width}}  {'figure':>12}  {'goal':>10}  reached"]
    for name, row in zip(names, rows, strict=True):
        reached = {None: "", True: "yes", False: "no"}[row.is_reached]
        goal = "" if row.goal is None else ("≥ " if row.at_least else "") + _figure(row.goal, row.unit)
        line = f"{name:{width}}  {_figure(row.figure, row.unit):>12}  {goal:>10}  {reached:7}  {row.detail}"
        lines.append(line.rstrip())
    return "\n".join(lines) + "\n"


def json_text(rows: Sequence[Row]) -> str:
    """Return the rows as JSON."""
    return json.dumps([asdict(row) for row in rows], indent=1, ensure_ascii=False) + "\n"
