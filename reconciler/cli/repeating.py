"""Repeats a read of the account until a signal stops it: ``drift --every``.

Takes a function that reads once, and a schedule; returns when it is stopped. Runs never overlap, because the next one
starts only after the last one has ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias

from reconciler.cli import console
from reconciler.cli.files import READABLE, write_file
from reconciler.errors import UsageError
from reconciler.lazy_dataclass import dataclass

Status: TypeAlias = Literal["ok", "drift", "failed"]

JITTER = 0.1
"""The part of a pause that is added at random, so that containers that start together do not read together."""
SHORTEST_REST = 0.1
"""The part of the time of a run that follows it as a pause, even if the run takes longer than the interval."""
LONGEST_BACKOFF = 3600.0
"""Seconds after a failed run, unless the interval itself is longer."""
BEAT_SECONDS = 30.0
_FORMAT = "reconciler.health"


def pause(every: float, failures: int, elapsed: float, draw: float) -> float:
    """Return the seconds until the next run.

    Args:
        every: The interval between the starts of two runs.
        failures: The number of runs that failed in a row. Each doubles the interval.
        elapsed: How long the last run took.
        draw: A random number from 0 to 1.
    """
    wanted: float = min(every * 2.0 ** min(failures, 20), max(every, LONGEST_BACKOFF))
    return max(wanted * (1 + JITTER * draw) - elapsed, elapsed * SHORTEST_REST)


class HealthFile:
    """The file of ``--health``: the result of the last run, and the time of the next.

    It is written atomically after each run, touched while the process lives, and removed when it stops.

    Args:
        path: Its path.

    Raises:
        UsageError: The file exists and has other content, or cannot be written.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._state: dict[str, str | int] = {"format": _FORMAT, "format_version": 1, "status": "starting"}
        self._check()
        self._write()

    def ended(self, status: Status, failures: int, seconds: float) -> None:
        """Record the end of a run.

        Args:
            status: Its result.
            failures: The number of runs that failed in a row.
            seconds: The seconds until the next run.
        """
        now = time.time()
        self._state |= {
            "status": status,
            "failures": failures,
            "last_run": _text(now),
            "next_run": _text(now + seconds),
        }
        if status != "failed":
            self._state["last_success"] = _text(now)
        self._write()

    def beat(self) -> None:
        """Show that the process lives."""
        with contextlib.suppress(OSError):
            os.utime(self._path)

    def remove(self) -> None:
        """Remove the file: the process ends."""
        with contextlib.suppress(OSError):
            self._path.unlink()

    def _check(self) -> None:
        try:
            text = self._path.read_bytes()[:10_000] if self._path.is_file() else b""
            is_ours = not text or json.loads(text).get("format") == _FORMAT
        except OSError as error:
            raise UsageError(f"cannot read {self._path}: {error.strerror or error}") from None
        except (ValueError, AttributeError):
            is_ours = False
        if not is_ours:
            raise UsageError(f"cannot write {self._path}: the file exists and has other content. Use another file")

    def _write(self) -> None:
        write_file(self._path, json.dumps(self._state, indent=2) + "\n", READABLE)


@dataclass(frozen=True, slots=True)
class Repeater:
    """Repeats a run.

    Attributes:
        every: The interval between the starts of two runs, in seconds.
        health: The health file; None for none.
        draw: Returns random numbers from 0 to 1.
    """

    every: float
    health: HealthFile | None = None
    draw: Callable[[], float] = random.random

    async def repeat(self, once: Callable[[], Awaitable[Status]], stop: asyncio.Event) -> None:
        """Run until `stop` is set, or standard output is lost.

        Args:
            once: Runs once, reports its result, and returns its status.
            stop: Ends a pause at once, and a run after its end.
        """
        beating = asyncio.create_task(self._beat())
        failures = 0
        try:
            while not stop.is_set():
                began = time.monotonic()
                status = await once()
                failures = failures + 1 if status == "failed" else 0
                seconds = pause(self.every, failures, time.monotonic() - began, self.draw())
                if self.health is not None:
                    self.health.ended(status, failures, seconds)
                if stop.is_set() or console.unwritten():
                    return
                console.err(f"Next run at {_text(time.time() + seconds)}.\n")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), seconds)
        finally:
            beating.cancel()
            if self.health is not None:
                self.health.remove()

    async def _beat(self) -> None:
        while self.health is not None:
            self.health.beat()
            await asyncio.sleep(BEAT_SECONDS)


def _text(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
