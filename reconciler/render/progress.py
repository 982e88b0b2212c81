"""Shows the progress of a run; a `reconciler.report.Progress`.

Takes two streams, each of which may be missing: `live`, a terminal on which one line is redrawn, and `lines`, to which
a line is written for each step that ended. A stream that fails (a closed pipe, a full disk) must not stop the run, so
it is not written to again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

from reconciler.change import Step
from reconciler.render.terminal import Paint, Style, cut, escape
from reconciler.render.values import quoted
from reconciler.render.wording import PAST
from reconciler.report import Outcome

REDRAW_SECONDS = 0.1
_ERASE = "\r\x1b[K"
_DOING = {"create": "creating", "update": "updating", "delete": "deleting"}
_MARKS = {"create": "+", "update": "~", "delete": "-"}
_COLOURS: dict[str, tuple[Style, ...]] = {"+": ("green",), "~": ("yellow",), "-": ("red",)}


SHORTEST_WAIT = 1.0
"""Seconds; a shorter wait ends before it could be read."""


class Display:
    """Shows a run on a terminal and in a log.

    Args:
        live: the terminal for the line that is redrawn; None for none.
        lines: the stream for a line per step that ended; None for none.
        log: the stream for log lines; None for none.
        colour: whether to use colors in `lines`.
        width: the number of columns of the terminal.
        clock: returns the time in seconds.
    """

    def __init__(
        self,
        *,
        live: TextIO | None,
        lines: TextIO | None,
        log: TextIO | None = None,
        colour: bool = False,
        width: int = 80,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._streams: dict[str, TextIO | None] = {"live": live, "lines": lines, "log": log}
        self._paint = Paint(colour)
        self._width = width
        self._clock = clock
        self._begun = clock()
        self._drawn = ""
        self._drawn_at = float("-inf")
        self._what = ""
        self._is_reading = True  # loading and reading have one clock
        self._is_paused = False
        self._done, self._total = 0, 0
        self._running: dict[str, tuple[str, float]] = {}
        self._wait = (float("-inf"), "")

    # --- events of a run ----------------------------------------------------------------------------------------------

    def reading(self, answered: int, asked: int) -> None:
        """Show how many of the known requests of the fetch were answered."""
        self._begin(reading=True)
        self._what = f"Reading the account: {answered:,} of {asked:,} requests"
        self._draw()

    def working(self, what: str) -> None:
        """Show work without requests, during which the line may not be redrawn."""
        self._begin(reading=True)
        self._what = what
        self._draw(at_once=True)

    def started(self, step: Step) -> None:
        """Show that a step was sent."""
        self._begin(reading=False)
        self._running[step.id] = (f"{_DOING[step.op]} {step.address}", self._clock())
        self._draw()

    def ended(self, outcome: Outcome, done: int, total: int) -> None:
        """Show that a step ended, and how many of all steps did."""
        self._begin(reading=False)
        self._done, self._total = done, total
        _, begun = self._running.pop(outcome.step, ("", self._clock()))
        self._say(outcome, self._clock() - begun)
        self._draw()

    def waiting(self, seconds: float, why: str) -> None:
        """Show that a request waits before a retry; of several, the longest wait is shown."""
        until = self._clock() + seconds
        if seconds >= SHORTEST_WAIT and until > self._wait[0]:
            self._wait = (until, why)
            self._draw()

    # --- lines of the caller ------------------------------------------------------------------------------------------

    def note(self, text: str) -> None:
        """Write a line above the live one; without a terminal, to the log."""
        self._erase()
        self._write("live" if self._streams["live"] is not None else "log", f"{escape(text)}\n")
        self._draw(at_once=True)

    def log(self, line: str) -> None:
        """Write a line of the log above the live one."""
        self._erase()
        self._write("log", line)
        self._draw(at_once=True)

    def tick(self) -> None:
        """Redraw the elapsed time."""
        if self._what or self._running:
            self._draw()

    def clear(self) -> None:
        """Erase the live line until the next event."""
        self._erase()
        self._what = ""
        self._wait = (float("-inf"), "")
        self._running.clear()
        self._is_paused = True

    def __enter__(self) -> Self:
        """Start with a line for the time before the first request: a large configuration takes seconds to load."""
        self._what = "Loading the configuration"
        self._draw()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Restore the terminal, in any case."""
        self.clear()
        self._streams["live"] = None

    # --- drawing ------------------------------------------------------------------------------------------------------

    def _begin(self, *, reading: bool) -> None:
        """Restart the clock at the start of a phase, and after a pause such as a question."""
        if reading is not self._is_reading or self._is_paused:
            self._begun = self._clock()
            self._is_reading, self._is_paused = reading, False
            self._what = ""

    def _say(self, outcome: Outcome, seconds: float) -> None:
        address = _deleted(outcome) if outcome.op == "delete" else escape(outcome.change)
        mark = self._paint(_MARKS[outcome.op], *_COLOURS[_MARKS[outcome.op]])
        match outcome.status:
            case "done":
                line = f"  {mark} {address} {PAST[outcome.op]} ({seconds:.1f} s)"
            case "unchanged":
                line = f"  {mark} {address} already up to date ({seconds:.1f} s)"
            case "failed":
                line = self._paint(f"  ! {address}: {outcome.op} failed", "bold", "red")
            case _:
                line = self._paint(f"  ! {address}: {outcome.op} {outcome.status}", "yellow")
        # Steps that were not sent because the run ended are listed once, in the report.
        if self._streams["lines"] is None or (outcome.status == "skipped" and outcome.cause):
            return
        self._erase()
        self._write("lines", line + "\n")

    def _draw(self, *, at_once: bool = False) -> None:
        now = self._clock()
        if self._streams["live"] is None or (self._drawn and not at_once and now - self._drawn_at < REDRAW_SECONDS):
            return
        text = self._what
        if not self._is_reading and (self._running or self._total):
            text = f"Applying: {self._done:,} of {self._total:,} done" if self._total else "Applying"
        if not text and now < self._wait[0]:
            text = "Waiting for the API"
        if not text:
            return
        text += f", {now - self._begun:.0f} s"
        until, why = self._wait
        if now < until:
            text += f"; waiting {math.ceil(until - now)} s: {why}"
        if self._running:
            first = min(self._running.values(), key=lambda item: item[1])[0]
            more = len(self._running) - 1
            text += f"; {first}{f' and {more:,} more' if more else ''}"
        # One column stays free: a full line would wrap, and wrapped lines cannot be redrawn.
        line = cut(escape(text), self._width - 1)
        self._write("live", _ERASE + line)
        self._drawn, self._drawn_at = line, now

    def _erase(self) -> None:
        if self._drawn:
            self._write("live", _ERASE)
        self._drawn, self._drawn_at = "", float("-inf")

    def _write(self, name: str, text: str) -> None:
        stream = self._streams[name]
        if stream is None:
            return
        try:
            stream.write(text)
            stream.flush()
        except (OSError, ValueError):
            self._streams[name] = None


def _deleted(outcome: Outcome) -> str:
    """Name the deleted resource: its address may consist of SIDs, or be that of the new resource of a replace."""
    name = f" {quoted(outcome.name)}" if outcome.name and outcome.name not in outcome.change else ""
    if not outcome.is_old:
        return escape(outcome.change) + name
    sid = f" ({escape(outcome.sid)})" if outcome.sid else ""
    old = f" {quoted(outcome.name)}" if outcome.name else ""
    return f"{escape(outcome.change)}: old resource{old}{sid}"
