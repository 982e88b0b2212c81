"""The modules that measure, and how one is run."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module

from tests.benchmarks.measuring import Row

MODULES = ("startup", "plan", "accounts", "apply", "transport", "emulator", "accept", "render", "hostile", "page")
"""In the order in which they run. Each has a function `rows() -> Iterator[Row]`."""


def collect(module: str) -> list[Row]:
    """Return the rows of a module."""
    return list(import_module(f"tests.benchmarks.{module}").rows())


def measure(module: str) -> list[Row]:
    """Return the rows of a module, measured in a process of its own; one row with the reason if it fails."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        try:
            return pool.submit(collect, module).result()
        except Exception as error:  # noqa: BLE001 - the other modules are measured all the same
            reason = f"not measured: {type(error).__name__}: {error}".splitlines()[0]
            return [Row(module, "", "", None, detail=reason)]
