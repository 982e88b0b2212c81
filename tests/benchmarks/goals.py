"""The goals: one row for each, with what is measured, its reference, and the limit of the figure.

CPU time, with compiled files present, unless the measurement says otherwise.
"""

from __future__ import annotations

from enum import Enum

from tests.benchmarks.measuring import Row

TERRAFORM, AT_LEAST = "Terraform's", "at least"


class Goal(Enum):
    """Each goal: measurement, reference, unit, and limit; the limit is the most, unless it is marked "at least"."""

    VERSION = ("--version", 'python -c "import click"', "x", 1.15)
    VALIDATE = ("validate examples/quickstart", 'python -c "import click, yaml, pydantic"', "x", 1.8)
    PLAN = (
        "plan examples/quickstart --emulator", 'python -c "import click, yaml, pydantic, httpx, sqlite3"', "x", 1.5,
    )  # fmt: skip
    COMPLETION = ("completion of an address on Tab", 'python -c "import click"', "x", 2.5)
    LOAD = ("load 10,000 resources", "C parse of the same text", "x", 3.0)
    UNCHANGED = ("plan of 10,000 without changes, without load and emulator", "json.loads of the state", "x", 12.0)
    LINEAR = ("plan of 10,000 without changes", "plan of 1,000", "x", 11.0)
    REQUEST = ("client's share of a request over loopback", "", "ms", 0.9)
    REQUEST_RATIO = ("client's share of a request over loopback", "raw aiohttp", "x", 6.0)
    MEDIUM_PLAN = (
        "wall time: empty plan, medium account, 50 ms", "sequential rounds x latency + interpreter with imports", "x",
        1.25,
    )  # fmt: skip
    MEDIUM_CREATE = (
        "wall time: create of the medium account, 50 ms",
        "requests / concurrency x latency + interpreter with imports", "x", 1.35,
    )  # fmt: skip
    MEDIUM_MEMORY = (
        "peak memory: empty plan, medium account", 'python -c "import click, yaml, pydantic, httpx"', "x", 1.6,
    )  # fmt: skip
    LARGE_MEMORY = ("peak memory: plan of 10,000", "", "MB", 180.0)
    ACCEPT_ONE = ("accept one value in a file of 10,000 resources", "", "s", 3.0)
    ACCEPT_MANY = ("accept 1,000 values in a file of 10,000 resources", "", "s", 6.0)
    EMULATOR = ("answers of the emulator in a second of its CPU time", "", "requests", 1500.0, AT_LEAST)
    TERRAFORM_MEDIUM_CREATE = ("speed: create of the medium account, 50 ms", TERRAFORM, "x", 2.5, AT_LEAST)
    TERRAFORM_MEDIUM_PLAN = ("speed: empty plan of the medium account, 50 ms", TERRAFORM, "x", 2.5, AT_LEAST)
    TERRAFORM_ADDRESSES_CREATE = ("speed: create with 1,000 addresses, 50 ms", TERRAFORM, "x", 6.0, AT_LEAST)
    TERRAFORM_ADDRESSES_PLAN = ("speed: empty plan with 1,000 addresses, 50 ms", TERRAFORM, "x", 6.0, AT_LEAST)
    TERRAFORM_SERVICES_CREATE = ("speed: create with 100 services, 50 ms", TERRAFORM, "x", 6.0, AT_LEAST)
    TERRAFORM_SERVICES_PLAN = ("speed: empty plan with 100 services, 50 ms", TERRAFORM, "x", 6.0, AT_LEAST)

    def row(self, figure: float | None, detail: str = "") -> Row:
        """Return this goal's row with what was measured."""
        measurement, reference, unit, limit, *direction = self.value
        return Row(measurement, reference, unit, figure, limit, detail, at_least=direction == [AT_LEAST])

    def ratio(self, measured: float, reference: float) -> Row:
        """Return this goal's row for two CPU times in seconds."""
        return self.row(measured / reference, f"{measured * 1000:.0f} ms : {reference * 1000:.0f} ms")
