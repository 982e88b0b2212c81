"""How costs are measured: rows of the table, CPU time and memory of processes, medians over alternating runs.

Figures are ratios where possible, because a ratio means the same on every machine. The two sides of a ratio run
alternately, so that whatever else the machine does slows both, and the medians are compared.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeVar

Result = TypeVar("Result")
ROOT = Path(__file__).resolve().parents[2]
_SAMPLED_EVERY = 0.02
"""Seconds between two looks at the memory of a process."""


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        measurement: What was measured.
        reference: What it was compared with; empty for a figure that stands alone.
        unit: Of the figure: "x" for a ratio, else "s", "ms", "MB", …
        figure: The result; None if it was not measured.
        goal: The most that the figure may be; None if there is no goal.
        detail: Both sides of a ratio, or the reason why nothing was measured.
        at_least: Whether the goal is the least that the figure may be instead.
    """

    measurement: str
    reference: str
    unit: str
    figure: float | None
    goal: float | None = None
    detail: str = ""
    at_least: bool = False

    @property
    def is_reached(self) -> bool | None:
        """Whether the goal is reached; None without a goal or figure."""
        if self.goal is None or self.figure is None:
            return None
        return self.figure >= self.goal if self.at_least else self.figure <= self.goal


@dataclass(frozen=True)
class Command:
    """A process to measure.

    Attributes:
        arguments: The command line.
        folder: The folder in which it runs.
        environment: Environment variables to add.
    """

    arguments: Sequence[str]
    folder: Path = ROOT
    environment: Mapping[str, str] = field(default_factory=dict)


def python(code: str) -> Command:
    """Return the command that runs a line of Python: the reference of most ratios."""
    return Command([sys.executable, "-c", code])


def reconciler(*arguments: str, folder: Path = ROOT, environment: Mapping[str, str] | None = None) -> Command:
    """Return the command that runs `reconciler` in a process of its own."""
    return Command([sys.executable, "-m", "reconciler", *arguments], folder, environment or {})


def _environment(command: Command) -> dict[str, str]:
    """Return the environment of a process; its first run writes Python's compiled files, whatever this one does."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return inherited | dict(command.environment)


class Usage(NamedTuple):
    """What a process used, its children included.

    Attributes:
        seconds: Wall time.
        cpu: Seconds of CPU time, user and system.
        memory: The most memory that the process and its living children had at once, in MB: the peaks of each added.
    """

    seconds: float
    cpu: float
    memory: float


def cpu_of_process(command: Command) -> float:
    """Run a process; return the CPU seconds that it used, user and system, those of its children included.

    Raises:
        RuntimeError: It failed.
    """
    return _run(command, lambda _: None)


def usage_of_process(command: Command) -> Usage:
    """Run a process; return what it used.

    Raises:
        RuntimeError: It failed.
    """
    peaks = [0.0]
    ended = threading.Event()

    def sample(pid: int) -> None:
        while not ended.wait(_SAMPLED_EVERY):
            peaks.append(sum(_peak(member) for member in _tree(pid)))

    def started(pid: int) -> None:
        threading.Thread(target=sample, args=(pid,), daemon=True).start()

    begun = time.perf_counter()
    try:
        used = _run(command, started)
        return Usage(time.perf_counter() - begun, used, max(peaks) / 1024)
    finally:
        ended.set()


def _tree(pid: int) -> Iterator[int]:
    """Yield a process and its living descendants, as Linux lists them."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # the thread has ended
            for child in children.read_text().split():
                yield from _tree(int(child))


def _peak(pid: int) -> float:
    """Return the most memory that one process has had, in KB; 0 if it has ended."""
    with suppress(OSError, KeyError):
        lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        return float(lines["VmHWM"].split()[0])
    return 0.0


def _run(command: Command, started: Callable[[int], None]) -> float:
    """Run a process; call a function with its ID once it has started; return its CPU seconds."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command.arguments,
            cwd=command.folder,
            env=_environment(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        started(process.pid)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            errors.seek(0)
            raise RuntimeError(f"{command.arguments}: exit code {process.returncode}: {errors.read().decode()}")
    return used.ru_utime + used.ru_stime


# The process reports its own peak: what its parent can ask for includes the parent's memory from before the exec.
_REPORT_PEAK = """import atexit, os
def tell():
    lines = dict(line.split(":", 1) for line in open("/proc/self/status"))
    open(os.environ["PEAK"], "w").write(lines["VmHWM"].split()[0])
atexit.register(tell)
"""


def peak_of_process(command: Command) -> float:
    """Run a process; return the most memory that it had at once, in MB."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sitecustomize.py").write_text(_REPORT_PEAK)
        peak = Path(folder) / "peak"
        path = os.pathsep.join([folder, str(command.folder)])
        measured = Command(
            command.arguments, command.folder, {**command.environment, "PYTHONPATH": path, "PEAK": str(peak)}
        )
        cpu_of_process(measured)
        return int(peak.read_text()) / 1024


def medians(
    commands: Sequence[Command], runs: int, measure: Callable[[Command], float] = cpu_of_process
) -> list[float]:
    """Measure several commands alternately; return the median of each, in order.

    One run of each before them is not counted: it writes Python's compiled files.

    Args:
        commands: What to run.
        runs: How often to run each.
        measure: What to measure; CPU seconds if omitted.
    """
    for command in commands:
        measure(command)
    found: list[list[float]] = [[] for _ in commands]
    for _ in range(runs):
        for results, command in zip(found, commands, strict=True):
            results.append(measure(command))
    return [statistics.median(results) for results in found]


def cpu(work: Callable[[], Result]) -> tuple[float, Result]:
    """Call a function; return the CPU seconds of this process, and the result."""
    started = time.process_time()
    result = work()
    return time.process_time() - started, result


def least_cpu(work: Callable[[], object], runs: int = 3) -> float:
    """Return the least CPU seconds of several calls: other programs only ever add."""
    return min(cpu(work)[0] for _ in range(runs))
