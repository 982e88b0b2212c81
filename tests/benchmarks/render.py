"""How much CPU a plan of ten thousand changes costs to lay out, as a ratio to writing the same plan as JSON.

python -m tests.benchmarks.render
"""

from __future__ import annotations

import time
from collections.abc import Callable

from reconciler.render.html import plan_html
from reconciler.render.markdown import plan_markdown
from reconciler.render.text import plan_text
from tests.render import plan_samples


def cpu(work: Callable[[], object]) -> float:
    """The least CPU seconds of three runs."""
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best


def main() -> None:
    large = plan_samples.LARGE
    plan = large.model_copy(update={"changes": large.changes * (10_000 // len(large.changes))})
    json = cpu(plan.to_json)
    print(f"{len(plan.changes)} changes as JSON: {json:.2f} s CPU")
    for name, work in (
        ("text", lambda: plan_text(plan, colour=True, width=100)),
        ("Markdown", lambda: plan_markdown(plan)),
        ("HTML", lambda: plan_html(plan)),
    ):
        spent = cpu(work)
        print(f"{name}: {spent:.2f} s CPU, {spent / json:.1f} times the JSON")


if __name__ == "__main__":
    main()
