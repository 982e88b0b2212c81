"""Runs a function of the workflow with a display, and handles interrupts.

While the account is read, an interrupt ends the run at once. While it is written to, the first interrupt stops new
steps and lets those in flight complete, for some seconds, so that the report can state their outcomes; the second
cancels them, and the report says so. Further ones are ignored. A run that repeats a read ends after the current one.
SIGTERM and SIGHUP are interrupts too; see `reconciler.cli.signals`.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

from reconciler.api import logs
from reconciler.cli import console, signals
from reconciler.errors import Interrupted

if TYPE_CHECKING:  # only a run needs them, so help and completion are fast
    import asyncio

    from reconciler.render.progress import Display

Result = TypeVar("Result")

TICK_SECONDS = 0.2
PLANNING = tuple(
    f"reconciler.{name}"
    for name in (
        "planning.context", "planning.guards", "planning.removals", "planning.plan_problems", "planning.unmanaged",
        "planning.plan", "documents.parts", "documents.values", "documents.plan", "sources.git_process",
        "execution.journal_file",
    )
)  # fmt: skip
"""What plans when the account has been read, in an order in which each imports little more than itself."""
PLAN_AS_TEXT = ("reconciler.render.view", "reconciler.render.text")
"""What shows the plan as text."""
_PROBE_SECONDS, _MOST_BUSY, _MOST_AT_ONCE = 0.001, 0.0003, 0.004
"""The time in which the loop shows whether it is idle, the most CPU time of it that counts as idle, and the CPU time of
imports after which it has to be idle again. An answer waits for no more than these imports and one further module."""
HANGUP_SECONDS = 1.0
"""A terminal that closes sends SIGHUP, and so does its shell: within this time, they are one interrupt."""


def display(*, lines_on_stdout: bool, may_colour: bool) -> Display:
    """Build a display on the process's streams. The progress line is on standard error, and only on a terminal.

    Args:
        lines_on_stdout: Whether the lines on finished steps are part of the result rather than diagnostics.
        may_colour: Whether colors are allowed.
    """
    from reconciler.render.progress import Display  # noqa: PLC0415 - see above

    lines = sys.stdout if lines_on_stdout else sys.stderr
    return Display(
        live=sys.stderr if console.is_terminal(sys.stderr) else None,
        lines=lines,
        log=sys.stderr,
        colour=console.takes_colour(lines, allowed=may_colour),
        width=console.width_of(sys.stderr),
    )


class Run:
    """An asynchronous run.

    Args:
        display: The display, which is closed in any case when the run ends.
        later: Modules to import while the first requests are in flight, instead of before or after.

    Attributes:
        stop: Set by the first interrupt once `writing` is true.
        writing: Whether requests that change the account may be in flight.
        repeats: Whether the first interrupt lets a read complete, and ends the pause between two reads.
    """

    def __init__(self, display: Display, *, later: Sequence[str] = ()) -> None:
        import asyncio  # noqa: PLC0415 - see above

        self.display = display
        self._asyncio = asyncio
        self._later = later
        self.stop = asyncio.Event()
        self.writing = False
        self.repeats = False
        self._interrupted = False
        self._hung_up_at = float("-inf")
        self._task: asyncio.Task[object] | None = None

    def execute(self, work: Callable[[], Awaitable[Result]]) -> Result:
        """Run to the end.

        Raises:
            Interrupted: A signal stopped it before there was a result.
        """
        with self.display, logs.redirected(self.display.log):
            return self._asyncio.run(self._watched(work))

    async def _watched(self, work: Callable[[], Awaitable[Result]]) -> Result:
        self._task = self._asyncio.current_task()
        background = [self._asyncio.create_task(work()) for work in (self._tick, self._import_later)]
        self._listen()
        try:
            return await work()
        except self._asyncio.CancelledError:
            if not self._interrupted:
                raise
            raise Interrupted(self._interruption()) from None
        finally:
            self._ignore()
            for task in background:
                task.cancel()

    def _interruption(self) -> str:
        if not self.writing:
            return "interrupted. The account was not changed"
        return (
            "interrupted while requests were in flight, so it is unknown whether they took effect. Run the same "
            "command again to continue"
        )

    async def _tick(self) -> None:
        while True:
            await self._asyncio.sleep(TICK_SECONDS)
            self.display.tick()

    async def _import_later(self) -> None:
        until = float("-inf")
        for name in self._later:
            if name in sys.modules:
                continue
            if time.thread_time() >= until:
                await self._idle()
                until = time.thread_time() + _MOST_AT_ONCE
            import_module(name)

    async def _idle(self) -> None:
        """Wait until there is nothing to do but to wait for answers, so that an import delays no request."""
        while True:
            before = time.thread_time()
            await self._asyncio.sleep(_PROBE_SECONDS)
            if time.thread_time() - before < _MOST_BUSY:
                return

    # --- signals ------------------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        # Windows has no such handlers, and only the main thread can set them; elsewhere, Python's own are used.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            for number in signals.stopping():
                handler = self._hang_up if number == signals.HANGUP else self._interrupt
                self._asyncio.get_running_loop().add_signal_handler(number, handler)

    def _ignore(self) -> None:
        # The loop restores the system's handlers, which would end the process silently.
        with signals.blocked():
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                for number in signals.stopping():
                    self._asyncio.get_running_loop().remove_signal_handler(number)
            if self._interrupted or self.stop.is_set():
                signals.ignore()
            else:
                signals.raise_interrupts()

    def _hang_up(self) -> None:
        now = self._asyncio.get_running_loop().time()
        if now - self._hung_up_at > HANGUP_SECONDS:
            self._hung_up_at = now
            self._interrupt()

    def _interrupt(self) -> None:
        if self.writing and not self.stop.is_set():
            self.stop.set()
            self.display.note("Stopping. Waiting for requests in flight; interrupt again to cancel them.")
            return
        if self.repeats and not self.stop.is_set():
            self.stop.set()
            return
        self._interrupted = True
        if self._task is not None:
            self._task.cancel()

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """Pause the display and the loop's signal handlers while the user is asked.

        The loop's handlers would run only after the answer, since the question blocks the loop.

        Raises:
            Interrupted: The user interrupted the question.
        """
        self.display.clear()
        self._ignore()
        try:
            yield
        except KeyboardInterrupt:
            raise Interrupted("interrupted. The account was not changed") from None
        finally:
            self._listen()
