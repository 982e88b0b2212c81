"""Fuzz every reader of hostile input for some time, and say how much was tried.

python -m tests.fuzz --seconds 600                       inputs made by hypothesis
python -m tests.fuzz --seconds 600 --engine atheris      guided by what the inputs reach (pip install atheris)
python -m tests.fuzz --only yaml --only plan             some of the targets

Ends with 1 for a finding, which is printed with the input that led to it. An input that costs more than `MOST_CPU`
seconds is a finding too.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.targets import TARGETS, Target

MOST_CPU = 5.0
ROUND = 500


class TooLong(Exception):
    """An input cost more than it may."""


def _alarm(_number: int, _frame: FrameType | None) -> None:
    raise TooLong


def _by_hypothesis(target: Target, seconds: float, start: int) -> tuple[int, str]:
    """Try a target for so long; gives how many inputs there were, and what was found."""
    tried = 0
    end = time.monotonic() + seconds
    number = start
    signal.signal(signal.SIGVTALRM, _alarm)

    def run(data: bytes) -> None:
        nonlocal tried
        tried += 1
        signal.setitimer(signal.ITIMER_VIRTUAL, MOST_CPU)
        try:
            target.run(data)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)

    while time.monotonic() < end:
        number += 1
        check = settings(
            max_examples=ROUND,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        )(seed(number)(given(target.inputs)(run)))
        try:
            check()
        except BaseException as error:  # noqa: BLE001 - every sort is a finding
            notes = "\n".join(getattr(error, "__notes__", []))
            return tried, f"seed {number}: {type(error).__name__}: {str(error)[:500]}\n{notes[:2000]}"
    return tried, ""


def _by_atheris(target: Target, seconds: float) -> tuple[int, str]:
    """The same in a process of its own, since atheris ends the process that it is in."""
    code = f"from tests.fuzz.__main__ import guided; guided({target.name!r}, {int(seconds)})"
    with tempfile.TemporaryDirectory() as folder:
        ended = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False,
            env={**os.environ, "FUZZ_FOLDER": folder},
        )  # fmt: skip
    told = ended.stderr.splitlines()
    done = [line for line in told if line.startswith("Done ")]
    if ended.returncode == 0 and done:
        return int(done[-1].split()[1]), ""
    return 0, "\n".join(told[-40:])


def guided(name: str, seconds: int) -> None:
    """Let atheris guide the inputs of one target; ends the process."""
    atheris = importlib.import_module("atheris")
    target = next(item for item in TARGETS if item.name == name)
    atheris.instrument_all()
    folder = os.environ["FUZZ_FOLDER"]
    for number in range(40):
        (Path(folder) / str(number)).write_bytes(target.inputs.example())
    options = [f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=1500", "-max_len=8192", folder]
    atheris.Setup([sys.argv[0], *options], target.run)
    atheris.Fuzz()


def main() -> int:
    """Read the options and fuzz."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60, help="for each target")
    parser.add_argument("--engine", choices=("hypothesis", "atheris"), default="hypothesis")
    parser.add_argument("--only", action="append", choices=[target.name for target in TARGETS])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    found = False
    for target in TARGETS:
        if options.only and target.name not in options.only:
            continue
        if options.engine == "atheris":
            tried, finding = _by_atheris(target, options.seconds)
        else:
            tried, finding = _by_hypothesis(target, options.seconds, options.seed)
        found = found or bool(finding)
        print(f"{target.name}: {tried} inputs, {finding or 'nothing found'}", flush=True)
    return int(found)


if __name__ == "__main__":
    sys.exit(main())
