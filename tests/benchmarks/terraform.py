"""Our speed next to Terraform's with its community provider for Twilio: creates and empty plans of three accounts.

Both reach one kind of emulator through one kind of proxy (`twilio_host.py`), with TLS, at 50 ms latency and with
Twilio's limit of 30 writes a second to one service. Each run creates an account from nothing, then plans it without
changes. Terraform with a block for each resource, Terraform with `for_each`, ours, and ours with `--concurrency 20`
take turns. Terraform gets `-parallelism=10`, its default and ours.

Needs `terraform` and `terraform-provider-twilio` on the PATH; see README.md.
"""

from __future__ import annotations

import json
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from reconciler.api.rate_limit import WRITES_PER_SECOND
from tests.benchmarks.goals import Goal
from tests.benchmarks.measuring import ROOT, Command, Row, Usage, reconciler, usage_of_process
from tests.benchmarks.terraform_files import SOURCE, ours, terraform_blocks, terraform_for_each
from tests.benchmarks.twilio_host import Served, TwilioHost, twilio_host
from tests.builders import ACCOUNT

LATENCY, CONCURRENCY = 50.0, 10
PAGE = 50
"""Resources on a page of a list."""
CLI_FILE = "cli.tfrc"
PROGRAMS = ("terraform", "terraform-provider-twilio")


class Shape(NamedTuple):
    """The size of an account, how often it is measured, and the goals of its create and empty plan."""

    name: str
    services: int
    addresses: int
    runs: int
    create: Goal
    plan: Goal


SHAPES = (
    Shape("medium", 10, 100, 5, Goal.TERRAFORM_MEDIUM_CREATE, Goal.TERRAFORM_MEDIUM_PLAN),
    Shape("1,000 addresses", 10, 1000, 3, Goal.TERRAFORM_ADDRESSES_CREATE, Goal.TERRAFORM_ADDRESSES_PLAN),
    Shape("100 services", 100, 100, 3, Goal.TERRAFORM_SERVICES_CREATE, Goal.TERRAFORM_SERVICES_PLAN),
)


class Measured(NamedTuple):
    """One command: what its processes used, and what was served to them."""

    usage: Usage
    served: Served


class Side(NamedTuple):
    """One of the programs that are compared: the commands that create an account, and that plan it without changes."""

    file: str
    text: Callable[[int, int], str]
    create: Sequence[str]
    plan: Sequence[str]
    environment: Mapping[str, str]


def _terraform(text: Callable[[int, int], str]) -> Side:
    return Side(
        "main.tf.json",
        text,
        ["terraform", "apply", "-auto-approve", "-input=false", "-no-color", f"-parallelism={CONCURRENCY}"],
        ["terraform", "plan", "-input=false", "-no-color", f"-parallelism={CONCURRENCY}"],
        {"TF_CLI_CONFIG_FILE": CLI_FILE, "CHECKPOINT_DISABLE": "1"},
    )


def _ours(*options: str) -> Side:
    return Side(
        "reconciler.yaml",
        ours,
        reconciler("apply", "--yes", *options).arguments,
        reconciler("plan", *options).arguments,
        {"PYTHONPATH": str(ROOT)},
    )


SIDES = (_terraform(terraform_blocks), _terraform(terraform_for_each), _ours(), _ours("--concurrency", "20"))


def _cli_file(provider: str) -> str:
    """Return Terraform's settings: the provider is used from where it is, so that Terraform need not verify it."""
    override = f"{json.dumps(SOURCE)} = {json.dumps(str(Path(provider).resolve().parent))}"
    return f"provider_installation {{\n  dev_overrides {{ {override} }}\n  direct {{}}\n}}\n"


def _measure(command: Sequence[str], side: Side, folder: Path, host: TwilioHost) -> Measured:
    environment = {
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": "emulator",
        **host.environment,
        **side.environment,
    }
    with host.counted() as served:
        usage = usage_of_process(Command(command, folder, environment))
    return Measured(usage, served[0])


def _run(shape: Shape, side: Side, provider: str) -> tuple[Measured, Measured]:
    """Create an account from nothing, and plan it without changes."""
    with (
        tempfile.TemporaryDirectory() as name,
        twilio_host(Path(name), latency=LATENCY, writes_per_second=WRITES_PER_SECOND) as host,
    ):
        folder = Path(name) / "configuration"
        folder.mkdir()
        (folder / CLI_FILE).write_text(_cli_file(provider), encoding="utf-8")
        (folder / side.file).write_text(side.text(shape.services, shape.addresses), encoding="utf-8")
        return _measure(side.create, side, folder, host), _measure(side.plan, side, folder, host)


def _medians(runs: Sequence[Measured]) -> Measured:
    usage, served = (
        [statistics.median(figures) for figures in zip(*values, strict=True)] for values in zip(*runs, strict=True)
    )
    return Measured(Usage(*usage), Served(*served))


def _text(measured: Measured) -> str:
    """Return what a side used: wall time, CPU time, requests, memory."""
    usage, served = measured
    refused = f" ({served.refused:.0f} refused)" if served.refused else ""
    return (
        f"{usage.seconds:.1f} s, CPU {usage.cpu:.1f} s, {served.requests:.0f} requests{refused}, {usage.memory:.0f} MB"
    )


def _ratio(theirs: Sequence[Measured], own: Sequence[Measured]) -> float:
    """Return the median of each run's ratio of wall time: other work of the machine slows both sides of a run."""
    return statistics.median(other.usage.seconds / mine.usage.seconds for other, mine in zip(theirs, own, strict=True))


def _rows(goal: Goal, sides: Sequence[Sequence[Measured]], pages: int) -> Iterator[Row]:
    """Compare the runs of the sides.

    Args:
        goal: The goal of the row.
        sides: The runs of each of `SIDES`, in the order in which they ran.
        pages: The pages of our longest list, of which each names the next one.
    """
    blocks, for_each, own, own_20 = (_medians(runs) for runs in sides)
    waits = [
        max(measured.served.requests / CONCURRENCY, rounds) * LATENCY / 1000
        for measured, rounds in ((blocks, 1), (own, pages))
    ]
    detail = (
        f"{_text(blocks)} : {_text(own)}; of which latency, at {CONCURRENCY} requests at once: "
        f"{waits[0]:.1f} : {waits[1]:.1f} s; 20 at once: {own_20.usage.seconds:.1f} s; "
        f"CPU of emulator and proxy: {blocks.served.servers:.1f} : {own.served.servers:.1f} s"
    )
    row = goal.row(_ratio(sides[0], sides[2]), detail)
    yield row
    reference, detail = f"{row.reference}, with for_each", f"{_text(for_each)} : {_text(own)}"
    yield Row(row.measurement, reference, row.unit, _ratio(sides[1], sides[2]), detail=detail)


def rows() -> Iterator[Row]:
    """Measure all shapes, the sides in turn; one row with what is missing, if Terraform or its provider is."""
    program, provider = found = [shutil.which(name) for name in PROGRAMS]
    if program is None or provider is None:
        missing = " and ".join(name for name, path in zip(PROGRAMS, found, strict=True) if path is None)
        reason = f"not measured: {missing} not on PATH; see tests/benchmarks/README.md"
        yield Row("comparison with Terraform", "", "", None, detail=reason)
        return
    for side in SIDES:
        _run(SHAPES[0], side, provider)  # writes Python's compiled files, and reads everything into memory
    for shape in SHAPES:
        runs = [[_run(shape, side, provider) for side in SIDES] for _ in range(shape.runs)]
        for index, (goal, pages) in enumerate(((shape.create, 1), (shape.plan, shape.addresses // PAGE))):
            yield from _rows(goal, [[run[side][index] for run in runs] for side in range(len(SIDES))], pages)
