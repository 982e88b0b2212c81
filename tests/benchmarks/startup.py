"""What it costs to start: CPU time and memory of short commands, in multiples of a Python that does nothing.

    python tests/benchmarks/startup.py [--runs N]

Ratios, because they mean the same on every machine; of several runs the least counts, because what else the machine
does only ever adds. Nothing is asserted: what must not be imported, tests say.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "support-desk"
Case = tuple[str, list[str], Mapping[str, str]]
BARE: Case = ("python -c pass", [sys.executable, "-c", "pass"], {})
COMPLETION = {"_RECONCILER_COMPLETE": "zsh_complete", "COMP_CURRENT": ""}


@dataclass(frozen=True)
class Cost:
    """What one process cost.

    Attributes:
        seconds: CPU time, user and system.
        kilobytes: the most memory that it had at once.
    """

    seconds: float
    kilobytes: int


# Each process tells its own peak: what its parent could ask for counts the parent's memory too, from before the exec.
PEAK = """import atexit, os
def tell():
    lines = dict(line.split(":", 1) for line in open("/proc/self/status"))
    open(os.environ["PEAK"], "w").write(lines["VmHWM"].split()[0])
atexit.register(tell)
"""


def cost(command: list[str], extra: Mapping[str, str]) -> Cost:
    """Run a command once."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sitecustomize.py").write_text(PEAK)
        peak = Path(folder) / "peak"
        process = subprocess.Popen(
            command,
            cwd=EXAMPLE,
            env={**os.environ, "PYTHONPATH": folder, "PEAK": str(peak), **extra},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, command
        return Cost(used.ru_utime + used.ru_stime, int(peak.read_text()))


def least(command: list[str], extra: Mapping[str, str], runs: int) -> Cost:
    """The least that it cost in several runs; one before them writes Python's caches."""
    cost(command, extra)
    costs = [cost(command, extra) for _ in range(runs)]
    return Cost(min(one.seconds for one in costs), min(one.kilobytes for one in costs))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=10)
    runs = parser.parse_args().runs
    own = [sys.executable, "-m", "reconciler"]
    with tempfile.TemporaryDirectory() as folder:
        database = str(Path(folder) / "demo.db")
        cases: list[Case] = [
            BARE,
            ("import click", [sys.executable, "-c", "import click"], {}),
            ("--version", [*own, "--version"], {}),
            ("--help", [*own, "--help"], {}),
            ("plan --help", [*own, "plan", "--help"], {}),
            ("completion of a verb", own, COMPLETION | {"COMP_WORDS": "reconciler"}),
            ("completion of an option", own, COMPLETION | {"COMP_WORDS": "reconciler\nplan", "COMP_CURRENT": "--t"}),
            ("completion of an address", own, COMPLETION | {"COMP_WORDS": "reconciler\nplan\n--target"}),
            ("validate --env staging", [*own, "validate", "--env", "staging"], {}),
            ("plan --env staging --emulator", [*own, "plan", "--env", "staging", "--emulator", database], {}),
        ]
        bare = least(BARE[1], BARE[2], runs)
        print(f"{'':32} {'CPU':>10} {'':>8} {'memory':>10} {'':>7}")
        for name, command, extra in cases:
            found = least(command, extra, runs)
            times, memory = found.seconds / bare.seconds, found.kilobytes / bare.kilobytes
            milliseconds, megabytes = found.seconds * 1000, found.kilobytes / 1024
            print(f"{name:32} {milliseconds:7.0f} ms {times:7.1f}x {megabytes:7.1f} MB {memory:6.1f}x")


if __name__ == "__main__":
    main()
