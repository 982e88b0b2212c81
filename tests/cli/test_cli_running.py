"""What a run imports while it waits for answers."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import pytest

from reconciler.cli.running import Run, display

NAME = "imported_while_waiting"


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / f"{NAME}.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, NAME, raising=False)


def test_modules_are_imported_while_a_run_waits() -> None:
    async def work() -> None:
        while NAME not in sys.modules:  # noqa: ASYNC110 - an import sets no event
            await asyncio.sleep(0.01)

    Run(display(lines_on_stdout=False, may_colour=False), later=("sys", NAME)).execute(work)
    assert NAME in sys.modules


def test_nothing_is_imported_while_a_run_works() -> None:
    async def work() -> None:
        for _ in range(20):
            end = time.thread_time() + 0.001
            while time.thread_time() < end:
                pass
            await asyncio.sleep(0)

    Run(display(lines_on_stdout=False, may_colour=False), later=(NAME,)).execute(work)
    assert NAME not in sys.modules
