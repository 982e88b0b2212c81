"""What each hostile input of the corpus costs: CPU and memory of a process of its own; the worst are printed.

python -m tests.benchmarks.hostile

Ends with 1 when one costs more than a second of CPU or 200 MB of memory over what the same command costs on an empty
configuration, which is what starting Python takes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.hostile import corpus

MOST_SECONDS, MOST_BYTES = 1.0, 200_000_000
RUN = """\
import sys
from tests.hostile import corpus
from reconciler.cli import main
case = next(case for case in corpus.cases() if case.name == sys.argv[1])
if case.answers:
    corpus.tamper(case, setattr)
sys.exit(main(case.commands[0]))
"""


def cost(command: list[str], folder: str) -> tuple[float, int]:
    """CPU seconds and peak bytes of one process."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_utime + used.ru_stime, used.ru_maxrss * 1024


def main() -> int:
    """Measure every case."""
    found = []
    with tempfile.TemporaryDirectory() as base:
        corpus.account(Path(base) / "a.db")
        kept = (Path(base) / "a.db").read_bytes()
    for case in corpus.cases():
        with tempfile.TemporaryDirectory() as folder:
            corpus.lay_out(case, Path(folder))
            if case.answers:
                (Path(folder) / "a.db").write_bytes(kept)
            command = [sys.executable, "-m", "reconciler", *case.commands[0]]
            if case.answers:
                command = [sys.executable, "-c", RUN, case.name]
            found.append((*cost(command, folder), case.name))
    least_seconds, least_bytes = min(found)[0], min(found, key=lambda item: item[1])[1]
    worst = sorted(found, reverse=True)
    print(f"{len(found)} inputs; the least cost {least_seconds:.2f} s of CPU and {least_bytes / 1e6:.0f} MB")
    for seconds, size, name in worst[:10]:
        print(f"{seconds:6.2f} s {size / 1e6:5.0f} MB  {name}")
    print(f"most memory: {max(item[1] for item in found) / 1e6:.0f} MB, {max(found, key=lambda item: item[1])[2]}")
    over = [
        name
        for seconds, size, name in found
        if seconds - least_seconds > MOST_SECONDS or size > least_bytes + MOST_BYTES
    ]
    print(f"over the limit: {', '.join(over) or 'none'}")
    return bool(over)


if __name__ == "__main__":
    sys.exit(main())
