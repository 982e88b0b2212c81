"""What all tests share: golden files, and what properties are tried with.

A golden file is what a renderer gave when somebody last looked at it. `pytest --update-golden` writes them anew; the
difference in git is then to be read by a person.

Properties are tried with the same examples each time, so that a change is judged by what it changed and not by luck.
Those that set no number of examples have 50, and 100 where CI tries other versions (`--hypothesis-profile=plenty`).
`pytest --hypothesis-profile=wander` draws others each time, to find what nobody has found yet.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings

# Hundreds of tests start Python processes. If the environment forbids compiled files, each would compile every module.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Properties are about what holds, and not about how busy the machine is.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("plenty", settings.get_profile("unhurried"), derandomize=True, database=None)
settings.register_profile("steady", settings.get_profile("plenty"), max_examples=50)
settings.register_profile("wander", settings.get_profile("unhurried"), derandomize=False, print_blob=True)
settings.load_profile("steady")

GOLDEN = Path(__file__).resolve().parent / "golden"


def pytest_configure() -> None:
    """Undo what the tests' own start made of signals and of bytecode, which processes inherit; search and wait less.

    A job in the background ignores SIGINT, and `nohup` ignores SIGHUP, but some tests send them. Images of containers
    tell Python to write no bytecode: each worker would rewrite every test, and each process that a test starts would
    compile the whole program.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    mock.patch.object(os, "fsync", _without_waiting).start()
    gc.set_threshold(500_000, 20, 100)
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


def _without_waiting(descriptor: int) -> None:
    """Stand for `os.fsync`: the tests' machine suffers no power failure, and waiting for its disk takes long."""
    os.fstat(descriptor)


def pytest_collection_finish() -> None:
    """Leave modules and tests, which live until the end, out of every search for cycles; there are ten at the end."""
    gc.freeze()


def pytest_xdist_auto_num_workers() -> int:
    """Return one worker more than there are cores: a tenth of the time, tests wait for a disk or for a process."""
    return (os.cpu_count() or 1) + 1


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew")


LONGEST = 32_000
"""Characters; a golden file is there to be read by a person, so a sample that gives more is too large."""


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares a text with a golden file, by its path in tests/golden."""
    update = bool(request.config.getoption("--update-golden"))

    def compare(path: str, text: str) -> None:
        file = GOLDEN / path
        assert len(text) <= LONGEST, f"{path} is too long to be read: use a smaller sample"
        if update:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="")
        assert file.exists(), "new: run `pytest --update-golden` and look at it"
        assert text == file.read_text(encoding="utf-8")

    return compare
