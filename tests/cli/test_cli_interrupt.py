"""Real signals to a real process that writes to a served emulator: what ends when, and that the report is honest."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator import Store
from reconciler.emulator.faults import Faults, FaultyEmulator
from tests.emulator.served import Host, served

TOKEN = "emulator"
USERS = 40
MINUTE = 60
FILES = "version: 1\nservices:\n  support:\n    users:\n" + "".join(f"      user{n}: {{}}\n" for n in range(USERS))


@pytest.fixture
def app() -> FaultyEmulator:
    return FaultyEmulator(Store.open(":memory:"), Faults(), require_auth=True, auth_token=TOKEN)


@pytest.fixture
def late() -> list[float]:
    """The latencies of a minute that have begun."""
    return []


@pytest.fixture
def host(app: FaultyEmulator, late: list[float]) -> Iterator[Host]:
    """Serves it; at the end nobody waits for answers that are late."""
    is_over = False

    async def sleep(seconds: float) -> None:
        if seconds < MINUTE:
            await asyncio.sleep(seconds)
            return
        late.append(seconds)
        for _ in range(MINUTE * 20):
            if is_over:
                return
            await asyncio.sleep(0.05)

    app.faulty._sleep = sleep
    with served(app) as host:
        yield host
        is_over = True


@contextmanager
def started(verb: str, host: Host, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The command line as a process, that is not left behind."""
    Path("reconciler.yaml").write_text(FILES)
    environment = {**os.environ, "TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": TOKEN}
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", verb, "--api-url", host.url, "--format", "json", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(12_000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it never came to that")


def users_made(app: FaultyEmulator) -> int:
    return sum(record.method == "POST" and record.path.endswith("/Users") for record in app.requests)


def there(app: FaultyEmulator) -> set[str]:
    """The users that the account has."""
    return {row["name"] for row in app.snapshot().values() if row["kind"] == "user"}


def by_status(report: Any) -> dict[str, set[str]]:
    """The users of a report by how their step ended."""
    found: dict[str, set[str]] = {}
    for change in report["changes"]:
        for outcome in change["outcomes"]:
            if change["kind"] == "user":
                found.setdefault(outcome["status"], set()).add(change["name"])
    return found


@pytest.mark.parametrize(
    "numbers",
    [
        [signal.SIGINT],
        pytest.param([signal.SIGTERM], marks=pytest.mark.slow),
        # A terminal that closes sends it, and so does the shell in it.
        [signal.SIGHUP, signal.SIGHUP],
    ],
    ids=str,
)
def test_the_first_signal_lets_what_is_under_way_end_and_the_report_is_what_is_there(
    app: FaultyEmulator, host: Host, numbers: list[signal.Signals]
) -> None:
    app.faulty.faults = Faults(latency=100)
    with started("apply", host, "--yes") as process:
        wait_until(lambda: users_made(app) >= 3)
        for number in numbers:
            process.send_signal(number)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    report = json.loads(out)
    assert (report["format"], report["exit_code"], report["interrupted"]) == ("reconciler.report", 130, True)
    found = by_status(report)
    assert set(found) == {"done", "skipped"}
    assert found["done"] == there(app)
    assert 3 <= len(found["done"]) < USERS
    assert len(found["done"] | found["skipped"]) == USERS
    assert "Stopping. Waiting for requests in flight" in err


def test_the_second_signal_cuts_off_what_is_under_way_and_the_report_says_so(
    app: FaultyEmulator, host: Host, late: list[float]
) -> None:
    app.faulty.faults = Faults(latency=50)
    with started("apply", host, "--yes") as process:
        wait_until(lambda: users_made(app) >= 3)
        app.faulty.faults = Faults(latency=60_000)
        wait_until(lambda: len(late) >= 3)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        while "Stopping" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        # What is under way would take a minute, and would be let go after ten seconds.
        out, _ = process.communicate(timeout=8)
    assert process.returncode == 130
    found = by_status(json.loads(out))
    assert set(found) == {"done", "interrupted", "skipped"}
    # How many writes are in flight follows the strain of the account.
    assert 3 <= len(found["interrupted"]) <= 10
    assert found["done"] <= there(app)
    assert not found["skipped"] & there(app)


def test_a_hangup_that_is_ignored_from_the_start_stays_ignored(app: FaultyEmulator, host: Host) -> None:
    app.faulty.faults = Faults(latency=20)
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with started("apply", host, "--yes") as process:
            wait_until(lambda: users_made(app) >= 3)
            process.send_signal(signal.SIGHUP)
            process.communicate(timeout=120)
    finally:
        signal.signal(signal.SIGHUP, former)
    assert process.returncode == 0
    assert len(there(app)) == USERS


@pytest.mark.parametrize("verb", ["plan", "apply"])
def test_while_the_account_is_read_one_signal_is_enough(
    verb: str, app: FaultyEmulator, host: Host, late: list[float]
) -> None:
    app.faulty.faults = Faults(latency=600_000)
    with started(verb, host) as process:
        wait_until(lambda: len(late) > 0)
        process.send_signal(signal.SIGINT if verb == "plan" else signal.SIGHUP)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    document = json.loads(out)
    assert (document["format"], document["exit_code"]) == ("reconciler.error", 130)
    assert document["message"] == "interrupted. The account was not changed"
    assert "Traceback" not in err
    assert not app.requests


@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param((signal.SIGINT, signal.SIGINT), marks=pytest.mark.slow),
        # A runner that cancels a job sends both.
        (signal.SIGINT, signal.SIGTERM),
        pytest.param((signal.SIGTERM,) * 4, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_signals_in_quick_succession_are_one_interrupt(
    app: FaultyEmulator, host: Host, late: list[float], numbers: tuple[signal.Signals, ...]
) -> None:
    app.faulty.faults = Faults(latency=600_000)
    with started("drift", host) as process:
        wait_until(lambda: len(late) > 0)
        for number in numbers:
            process.send_signal(number)
            time.sleep(0.1)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert json.loads(out)["exit_code"] == 130


def test_a_third_signal_leaves_the_report_of_an_apply(app: FaultyEmulator, host: Host, late: list[float]) -> None:
    app.faulty.faults = Faults(latency=50)
    with started("apply", host, "--yes") as process:
        wait_until(lambda: users_made(app) >= 3)
        app.faulty.faults = Faults(latency=60_000)
        wait_until(lambda: len(late) >= 3)
        for _ in range(4):
            process.send_signal(signal.SIGTERM)
            time.sleep(0.1)
        out, err = process.communicate(timeout=8)
    assert process.returncode == 130, err
    assert json.loads(out)["format"] == "reconciler.report"


@pytest.mark.slow
def test_a_repeated_read_completes_after_the_first_signal(app: FaultyEmulator, host: Host) -> None:
    arrived: list[float] = []

    async def sleep(seconds: float) -> None:
        arrived.append(seconds)
        await asyncio.sleep(seconds)

    app.faulty.faults, app.faulty._sleep = Faults(latency=1000), sleep
    with started("drift", host, "--every", "1h") as process:
        wait_until(lambda: len(arrived) > 0)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=120)
    assert (process.returncode, json.loads(out)["format"], err) == (0, "reconciler.drift", "")


@pytest.mark.slow
def test_a_repeated_read_ends_at_once_after_the_second_signal(
    app: FaultyEmulator, host: Host, late: list[float]
) -> None:
    app.faulty.faults = Faults(latency=600_000)
    with started("drift", host, "--every", "1h") as process:
        wait_until(lambda: len(late) > 0)
        for _ in range(2):
            process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
        out, err = process.communicate(timeout=120)
    assert (process.returncode, json.loads(out)["exit_code"]) == (130, 130)
    assert "Traceback" not in err


STARTING = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[2]:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
from reconciler.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize("module", ["reconciler.cli.entry", "reconciler.errors", "click"])
def test_an_interrupt_while_the_command_line_is_imported_ends_it_silently(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STARTING, "--version", module], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
