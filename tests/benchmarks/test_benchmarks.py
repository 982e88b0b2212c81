"""The command that runs the benchmarks: every goal has its line, measured or not. Nothing here is timed."""

from __future__ import annotations

import json
import re

from tests.benchmarks.goals import Goal
from tests.benchmarks.measuring import Row
from tests.benchmarks.table import json_text, table, with_every_goal

LOAD = "load 10,000 resources"


def test_the_table_lists_every_goal_with_its_limit() -> None:
    lines = table(with_every_goal([])).splitlines()[1:]
    found = [re.fullmatch(r"(.*?) +– +([\d.]+ \w+) +not measured", line) for line in lines]
    assert [match and match.groups() for match in found] == [
        ('--version : python -c "import click"', "1.15 x"),
        ('validate examples/quickstart : python -c "import click, yaml, pydantic"', "1.80 x"),
        (
            'plan examples/quickstart --emulator : python -c "import click, yaml, pydantic, httpx, sqlite3"',
            "1.50 x",
        ),
        ('completion of an address on Tab : python -c "import click"', "2.50 x"),
        ("load 10,000 resources : C parse of the same text", "3.00 x"),
        ("plan of 10,000 without changes, without load and emulator : json.loads of the state", "12.00 x"),
        ("plan of 10,000 without changes : plan of 1,000", "11.00 x"),
        ("client's share of a request over loopback", "0.90 ms"),
        ("client's share of a request over loopback : raw aiohttp", "6.00 x"),
        (
            "wall time: empty plan, medium account, 50 ms : sequential rounds x latency + interpreter with imports",
            "1.25 x",
        ),
        (
            "wall time: create of the medium account, 50 ms : requests / concurrency x latency + interpreter with imports",  # noqa: E501
            "1.35 x",
        ),
        ('peak memory: empty plan, medium account : python -c "import click, yaml, pydantic, httpx"', "1.60 x"),
        ("peak memory: plan of 10,000", "180 MB"),
    ]


def test_a_measured_row_takes_the_place_of_its_goal() -> None:
    measured = Goal.LOAD.ratio(0.9, 0.3)
    other = Row("requests", "", "of", 3.0)
    rows = with_every_goal([other, measured])
    assert [row.measurement for row in rows] == [*(goal.value[0] for goal in Goal), "requests"]
    assert [row.figure for row in rows if row.measurement == LOAD] == [0.9 / 0.3]
    assert json.loads(json_text([measured])) == [
        {
            "measurement": LOAD, "reference": "C parse of the same text", "unit": "x", "figure": 0.9 / 0.3, "goal": 3.0,
            "detail": "900 ms : 300 ms",
        }
    ]  # fmt: skip


def test_the_table_says_whether_a_goal_is_reached() -> None:
    lines = table([Goal.LOAD.row(3.0), Goal.LOAD.row(3.01), Row("requests", "", "of", 3.0)]).splitlines()
    assert [line.split("  ")[-1].strip() for line in lines] == ["reached", "yes", "no", "3.00 of"]
