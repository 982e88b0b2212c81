"""How much CPU ten thousand changes cost to lay out in each format, as a ratio to writing the same plan as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from reconciler.cli import showing
from reconciler.cli.output import Output
from reconciler.documents.plan import PlanFile
from reconciler.documents.problems import error_document
from reconciler.errors import ConfigError, Place, Problem
from reconciler.render import github
from reconciler.render.problems import problems_text
from reconciler.render.problems_markdown import problems_markdown
from reconciler.render.sarif import sarif
from tests.benchmarks.measuring import Row, least_cpu
from tests.render import plan_samples as samples

CHANGES = 10_000


def alike() -> PlanFile:
    """Ten thousand changes that are the same but for where they happen."""
    large = samples.LARGE
    return replace(large, changes=large.changes * (CHANGES // len(large.changes)))


def different() -> PlanFile:
    """Ten thousand changes of which no two are alike."""
    return samples.plan(
        *(
            samples.change(
                f"services.s{index % 50}.roles.r{index}", "role", ("update", "create", "delete")[index % 3],
                samples.field("permissions", ["a", "b"], ["b", f"c{index}"], source=samples.source(index)),
                samples.field("friendly_name", f"old {index}", f"new {index}", source=samples.source(index)),
                name=f"r{index}", service=f"s{index % 50}", consequences=(f"{index} gains something.",),
                risk=("low", "medium", "high")[index % 3], source=samples.source(index),
            )
            for index in range(CHANGES)
        )
    )  # fmt: skip


def attributes(index: int) -> dict[str, object]:
    """Attributes of sixty lines, of which some differ by the index."""
    return {f"key{number}": [number, f"text {number}", index if number % 5 == 0 else 0] for number in range(12)}


def long_json() -> PlanFile:
    """Ten thousand changes of long attributes."""
    return samples.plan(
        *(
            samples.change(
                f"services.s{index % 50}.conversations.c{index}", "conversation", "update",
                samples.field("attributes", {"json": attributes(index)}, {"json": attributes(index + 1)}),
                name=f"c{index}", service=f"s{index % 50}", source=samples.source(index),
            )
            for index in range(CHANGES)
        )
    )  # fmt: skip


PLANS: Mapping[str, Callable[[], PlanFile]] = {"alike": alike, "different": different, "long JSON": long_json}


def rows() -> Iterator[Row]:
    """Measure every format of a plan, then of problems."""
    for name, build in PLANS.items():
        plan = build()
        json = least_cpu(plan.to_json)
        for format_name in showing.PLAN:
            if format_name != "json":
                output = Output(format_name, verbose=False, may_colour=True)
                spent = least_cpu(partial(showing.render_paused, showing.PLAN[format_name], plan, output))
                yield _row(f"{len(plan.changes):,} changes, {name}: {format_name}", spent, json)
    yield from problems()


def problems() -> Iterator[Row]:
    """Measure every format of ten thousand problems."""
    found = [
        Problem("unknown-key", f"a service has no key {number}", Place("a.yaml", number, 1), "did you mean roles?")
        for number in range(1, CHANGES + 1)
    ]
    json = least_cpu(partial(error_document, ConfigError(found), exit_code=1))
    renderers: Mapping[str, Callable[[], object]] = {
        "text": partial(problems_text, found, {"a.yaml": ("rols: {}",) * CHANGES}, colour=True),
        "markdown": partial(problems_markdown, found),
        "sarif": partial(sarif, found, tool_version="1", exit_code=1),
        "github": lambda: github.commands(github.of_problems(found)),
    }
    for name, render in renderers.items():
        yield _row(f"{len(found):,} problems: {name}", least_cpu(render), json)


def _row(name: str, spent: float, json: float) -> Row:
    return Row(name, "as JSON", "x", spent / json, detail=f"{spent:.2f} s : {json:.2f} s")
