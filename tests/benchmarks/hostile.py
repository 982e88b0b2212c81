"""What each hostile input of the corpus costs: CPU and memory of a process of its own; the worst are printed.

python -m tests.benchmarks.hostile

A second of CPU, imports included, and 200 MB are what each may cost. Ends with 1 over that much memory, and over twice
that much time, since a busy machine makes a second of CPU do less.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.hostile import corpus

WANTED_SECONDS, MOST_SECONDS, MOST_BYTES = 1.0, 2.0, 200_000_000
RUN = """\
import json, re, sys, time
from pathlib import Path
import reconciler.api.client
from reconciler.cli import main
told = json.loads(Path(sys.argv[1]).read_text())
if told["answers"]:
    from types import SimpleNamespace
    from tests.hostile import corpus
    corpus.tamper(SimpleNamespace(answers=told["answers"]), setattr)
begun = time.process_time()
main(told["command"])
spent = time.process_time() - begun
# The peak that the system counts for a process includes that of the one which started it.
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
Path(sys.argv[1]).write_text(json.dumps([spent, peak]))
"""


def cost(case: corpus.Case, folder: Path) -> tuple[float, int]:
    """CPU seconds of a case's first command, imports included, and the peak of its process in bytes."""
    told = folder.parent / "told.json"
    told.write_text(json.dumps({"command": case.commands[0], "answers": case.answers}), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    subprocess.run(
        [sys.executable, "-c", RUN, str(told)], cwd=folder, env=environment, capture_output=True, check=True
    )  # fmt: skip
    seconds, size = json.loads(told.read_text(encoding="utf-8"))
    return float(seconds), int(size)


def main() -> int:
    """Measure every case."""
    found = []
    with tempfile.TemporaryDirectory() as base:
        corpus.account(Path(base) / "a.db")
        kept = (Path(base) / "a.db").read_bytes()
    for case in corpus.cases():
        with tempfile.TemporaryDirectory() as base:
            folder = Path(base) / "here"
            folder.mkdir()
            corpus.lay_out(case, folder)
            if case.answers:
                (folder / "a.db").write_bytes(kept)
            found.append((*cost(case, folder), case.name))
    worst = sorted(found, reverse=True)
    print(f"{len(found)} inputs; the least cost {worst[-1][0]:.2f} s of CPU")
    for seconds, size, name in worst[:10]:
        print(f"{seconds:6.2f} s {size / 1e6:5.0f} MB  {name}")
    print(f"most memory: {max(item[1] for item in found) / 1e6:.0f} MB, {max(found, key=lambda item: item[1])[2]}")
    over = [name for seconds, size, name in found if seconds > MOST_SECONDS or size > MOST_BYTES]
    print(f"over a second: {', '.join(name for seconds, _, name in found if seconds > WANTED_SECONDS) or 'none'}")
    print(f"over the limit: {', '.join(over) or 'none'}")
    return bool(over)


if __name__ == "__main__":
    sys.exit(main())
