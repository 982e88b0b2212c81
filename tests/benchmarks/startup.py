"""What it costs to start: CPU time and memory of short commands, as ratios to the same interpreter with libraries."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.goals import Goal
from tests.benchmarks.measuring import ROOT, Command, Row, medians, peak_of_process, python, reconciler

RUNS = 9
QUICKSTART = ROOT / "examples" / "quickstart"
SUPPORT_DESK = ROOT / "examples" / "support-desk"
CLICK = python("import click")
READING = python("import click, yaml, pydantic")
PLANNING = python("import click, yaml, pydantic, httpx, sqlite3")


def complete(words: str, current: str = "") -> Command:
    """Return the command that a shell runs on Tab in the folder of an example."""
    environment = {"_RECONCILER_COMPLETE": "zsh_complete", "COMP_WORDS": words, "COMP_CURRENT": current}
    return reconciler(folder=SUPPORT_DESK, environment=environment)


def rows() -> Iterator[Row]:
    """Measure the goals, then what other short commands cost."""
    with tempfile.TemporaryDirectory() as folder:
        plan = reconciler("plan", str(QUICKSTART), "--emulator", str(Path(folder) / "demo.db"))
        address = complete("reconciler\nplan\n--target")
        commands = [
            CLICK,
            READING,
            PLANNING,
            reconciler("--version"),
            reconciler("validate", str(QUICKSTART)),
            plan,
            address,
        ]
        click, reading, planning, version, validated, planned, completed = medians(commands, RUNS)
        yield Goal.VERSION.ratio(version, click)
        yield Goal.VALIDATE.ratio(validated, reading)
        yield Goal.PLAN.ratio(planned, planning)
        yield Goal.COMPLETION.ratio(completed, click)
        others = {
            "--help": reconciler("--help"),
            "plan --help": reconciler("plan", "--help"),
            "completion of a verb": complete("reconciler"),
            "completion of an option": complete("reconciler\nplan", "--t"),
        }
        for name, found in zip(others, medians(list(others.values()), 5), strict=True):
            detail = f"{found * 1000:.0f} ms : {click * 1000:.0f} ms"
            yield Row(name, 'python -c "import click"', "x", found / click, detail=detail)
        for name, command in {"validate": commands[4], "plan --emulator": plan, "completion": address}.items():
            yield Row(f"peak memory: {name}", "", "MB", peak_of_process(command))
