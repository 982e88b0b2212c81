"""Run the benchmarks: ``python -m tests.benchmarks [MODULE ...]``.

Writes progress and the table to standard error, and the rows as JSON to standard output. Every module runs in a process
of its own, one after the other, so that no heap weighs on the next. Nothing is asserted: the table shows which goals
are reached.
"""

from __future__ import annotations

import sys
import time

from tests.benchmarks.measuring import Row
from tests.benchmarks.modules import MODULES, measure
from tests.benchmarks.table import json_text, table, with_every_goal


def main(modules: list[str]) -> None:
    """Measure the modules, all if none is given."""
    rows: list[Row] = []
    for module in modules or MODULES:
        started = time.perf_counter()
        rows += measure(module)
        sys.stderr.write(f"{module}: {time.perf_counter() - started:.0f} s\n")
    if not modules:
        rows = with_every_goal(rows)
    sys.stderr.write("\n" + table(rows))
    sys.stdout.write(json_text(rows))


if __name__ == "__main__":
    main(sys.argv[1:])
