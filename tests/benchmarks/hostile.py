"""What each hostile input of the corpus costs: CPU and memory of a process of its own; reports the worst.

A second of CPU, imports included, and 200 MB are what each may cost. The processes are forks of one that has imported
what they need: importing it hundreds of times would take minutes. What the imports cost is added.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from reconciler.cli import main
from tests.benchmarks.measuring import Row, cpu_of_process, python
from tests.hostile import corpus

MOST_SECONDS, MOST_BYTES = 1.0, 200_000_000
WORST = 5
IMPORTS = (
    "reconciler.workflow.planning", "reconciler.documents.plan", "reconciler.render.text", "reconciler.emulator",
    "reconciler.emulator.app", "httpx",
)  # fmt: skip


def _run(case: corpus.Case, folder: Path, peak: Path) -> None:
    """Run a case's first command in this process, silently, and write the peak of its memory."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.chdir(folder)
    if case.answers:
        corpus.tamper(case, setattr)
    main(list(case.commands[0]))
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found is not None
    peak.write_text(found[1], encoding="ascii")


def cost(case: corpus.Case, folder: Path) -> tuple[float, int]:
    """Return the CPU seconds of a case's first command without imports, and the peak of its process in bytes."""
    peak = folder.parent / "peak"
    child = os.fork()
    if child == 0:
        try:
            _run(case, folder, peak)
        finally:
            os._exit(0)
    _, _, used = os.wait4(child, 0)
    return used.ru_utime + used.ru_stime, int(peak.read_text(encoding="ascii")) * 1024


def rows() -> Iterator[Row]:
    """Measure every case."""
    imports = cpu_of_process(python(f"import {', '.join(IMPORTS)}"))
    for name in IMPORTS:
        import_module(name)
    found: list[tuple[float, int, str]] = []
    with tempfile.TemporaryDirectory() as base:
        corpus.account(Path(base) / "a.db")
        account = (Path(base) / "a.db").read_bytes()
    for case in corpus.cases():
        with tempfile.TemporaryDirectory() as base:
            folder = Path(base) / "here"
            folder.mkdir()
            corpus.lay_out(case, folder)
            if case.answers:
                (folder / "a.db").write_bytes(account)
            seconds, size = cost(case, folder)
            found.append((imports + seconds, size, case.name))
    worst = sorted(found, reverse=True)
    for seconds, _, name in worst[:WORST]:
        yield Row(f"hostile input: {name}", "", "s", seconds)
    largest = max(found, key=lambda item: item[1])
    yield Row(f"peak memory of hostile input: {largest[2]}", "", "MB", largest[1] / 1e6)
    over = [name for seconds, size, name in found if seconds > MOST_SECONDS or size > MOST_BYTES]
    title = f"hostile inputs over {MOST_SECONDS:g} s or {MOST_BYTES / 1e6:.0f} MB"
    yield Row(title, "", "", len(over), detail=f"of {len(found)}: {', '.join(over) or 'none'}")
