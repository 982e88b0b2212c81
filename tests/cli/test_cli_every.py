"""``drift --every``: the schedule, the health file, and the signals that stop it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from reconciler.cli import repeating
from reconciler.cli.repeating import HealthFile, Repeater, Status, pause
from reconciler.errors import UsageError
from tests.cli.conftest import FILES
from tests.commands import Result

Cli = Callable[..., Result]
EMULATED = ("--emulator", "demo.db")
EVERY = (*EMULATED, "--every", "15m")


@pytest.mark.parametrize(
    ("every", "failures", "elapsed", "draw", "seconds"),
    [
        (900, 0, 100, 0.0, 800),
        (900, 0, 100, 1.0, 890),
        (900, 1, 0, 0.0, 1_800),
        (900, 2, 0, 0.0, 3_600),
        (900, 9, 0, 0.0, 3_600),
        (7_200, 3, 0, 0.0, 7_200),
        (60, 500, 0, 0.0, 3_600),
        (60, 0, 600, 1.0, 60),
    ],
)
def test_a_pause(every: float, failures: int, elapsed: float, draw: float, seconds: float) -> None:
    assert pause(every, failures, elapsed, draw) == pytest.approx(seconds)


def test_runs_follow_one_another_until_it_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "health.json"
    statuses: list[Status] = ["ok", "failed", "failed", "drift"]
    seen: list[dict[str, object]] = []
    running = 0

    async def run() -> None:
        stop = asyncio.Event()
        left = iter(statuses)

        async def once() -> Status:
            nonlocal running
            running += 1
            assert running == 1
            seen.append(json.loads(path.read_text()))
            await asyncio.sleep(0)
            running -= 1
            status = next(left)
            if status == "drift":
                stop.set()
            return status

        await Repeater(1e-9, HealthFile(str(path)), lambda: 0.0).repeat(once, stop)

    asyncio.run(run())
    assert [(state["status"], state.get("failures")) for state in seen] == [
        ("starting", None), ("ok", 0), ("failed", 1), ("failed", 2),
    ]  # fmt: skip
    assert seen[1].keys() == {"format", "format_version", "status", "failures", "last_run", "next_run", "last_success"}
    assert seen[3]["last_success"] == seen[1]["last_success"]
    assert not path.exists()


def test_a_pause_ends_at_once() -> None:
    async def run() -> float:
        stop = asyncio.Event()

        async def once() -> Status:
            asyncio.get_running_loop().call_later(0.01, stop.set)
            return "ok"

        began = time.monotonic()
        await Repeater(86_400).repeat(once, stop)
        return time.monotonic() - began

    assert asyncio.run(run()) < 5


def test_another_file_is_not_replaced_by_a_health_file(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    for text in ("[]", "{}", "version: 1\n"):
        path.write_text(text)
        with pytest.raises(UsageError, match="has other content"):
            HealthFile(str(path))
        assert path.read_text() == text
    path.write_text('{"format": "reconciler.health"}')
    HealthFile(str(path))
    assert json.loads(path.read_text())["status"] == "starting"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--every", "0s"), "use a number with a unit, such as 30s"),
        (("--every", "15"), "use a number with a unit, such as 30s"),
        (("--every", "31d"), "use a number with a unit, such as 30s"),
        (("--every", "1m", "--format", "html"), "--every cannot write html. Use text, markdown, json, or chat"),
        (("--health", "h.json"), "--health needs --every"),
    ],
)
def test_invalid_options(cli: Cli, files: Path, options: tuple[str, ...], reason: str) -> None:
    assert files.exists()
    result = cli("drift", *EMULATED, *options)
    assert (result.code, reason in result.err) == (1, True)


def _between(monkeypatch: pytest.MonkeyPatch, *steps: Callable[[], object]) -> list[Status]:
    """Let the repeater run once, and once more after each step."""
    statuses: list[Status] = []

    async def repeat(_self: Repeater, once: Callable[[], Awaitable[Status]], _stop: asyncio.Event) -> None:
        statuses.append(await once())
        for step in steps:
            step()
            statuses.append(await once())

    monkeypatch.setattr(repeating.Repeater, "repeat", repeat)
    return statuses


def test_a_result_is_shown_when_it_differs_from_the_last(
    cli: Cli, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("apply", *EMULATED, "--yes").code == 0
    statuses = _between(
        monkeypatch,
        lambda: None,
        lambda: files.write_text(FILES.replace("[sendMessage]", "[leaveConversation]")),
        lambda: files.write_text("version: 1\nservices: 5\n"),
        lambda: files.write_text(FILES),
    )
    result = cli("drift", *EVERY, "--metrics", "m.prom")
    assert (result.code, statuses) == (0, ["ok", "ok", "drift", "failed", "ok"])
    assert result.out.count("No drift: ") == 2
    assert result.out.count("Drift: 1 different") == 1
    assert result.err.startswith("No change.\nerror: ")
    assert 'reconciler_drift_success{environment=""} 1\n' in Path("m.prom").read_text()


def test_chat_repeats_only_new_findings(cli: Cli, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("apply", *EMULATED, "--yes").code == 0
    changed = FILES.replace("[sendMessage]", "[leaveConversation]")
    _between(monkeypatch, lambda: files.write_text(changed), lambda: files.write_text(changed + "\n"))
    out = cli("drift", *EVERY, "--history", "drift.db", "--format", "chat").out
    assert out.count("services.support.roles.agent: differs") == 1


def test_a_first_run_that_can_never_succeed_ends_it(cli: Cli, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files.write_text("version: 1\nservices: 5\n")
    assert _between(monkeypatch) == []
    assert cli("drift", *EVERY).code == 1


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_quietly(cli: Cli, files: Path, number: int) -> None:
    assert files.exists()
    assert cli("apply", *EMULATED, "--yes").code == 0
    words = [sys.executable, "-m", "reconciler", "drift", *EVERY, "--health", "h.json", "--format", "json"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ})
    try:
        for _ in range(600):
            if Path("h.json").exists() and json.loads(Path("h.json").read_text())["status"] == "ok":
                break
            time.sleep(0.05)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert json.loads(out)["format"] == "reconciler.drift"
    assert err.startswith("Next run at ")
    assert not Path("h.json").exists()
