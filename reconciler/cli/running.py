"""Running a verb of the workflow with a display, and what an interrupt does to it.

While an account is read, an interrupt ends the run at once. While it is written to, the first interrupt starts no
other step and lets those under way end, for some seconds, so that the report can say what took place; the second cuts
them off, and the report says so. SIGTERM and SIGHUP are interrupts too, see `reconciler.cli.signals`.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from reconciler import logs
from reconciler.cli import console, signals
from reconciler.errors import Interrupted

if TYPE_CHECKING:  # what only a run needs is imported by it, so that help and completion are quick
    import asyncio

    from reconciler.render.progress import Display

Result = TypeVar("Result")

TICK_SECONDS = 0.2
HANGUP_SECONDS = 1.0
"""A terminal that closes sends SIGHUP, and so does the shell in it: within this time, they are one interrupt."""


def display(*, lines_on_stdout: bool, may_colour: bool) -> Display:
    """A display on the process's own streams: the live line on standard error, and only on a terminal.

    Args:
        lines_on_stdout: whether the lines on ended steps are part of the result, and not of the diagnostics.
        may_colour: whether colours are allowed at all.
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
    """One asynchronous run.

    Args:
        display: told to leave the terminal tidy, however the run ends.

    Attributes:
        stop: set by the first interrupt once `writing` is true.
        writing: whether requests may be under way that change the account.
    """

    def __init__(self, display: Display) -> None:
        import asyncio  # noqa: PLC0415 - see above

        self.display = display
        self._asyncio = asyncio
        self.stop = asyncio.Event()
        self.writing = False
        self._interrupted = False
        self._hung_up_at = float("-inf")
        self._task: asyncio.Task[object] | None = None

    def execute(self, work: Callable[[], Awaitable[Result]]) -> Result:
        """Run to the end.

        Raises:
            Interrupted: a person, or whoever runs the process, stopped it before there was a result.
        """
        with self.display, logs.redirected(self.display.log):
            return self._asyncio.run(self._watched(work))

    async def _watched(self, work: Callable[[], Awaitable[Result]]) -> Result:
        self._task = self._asyncio.current_task()
        ticker = self._asyncio.create_task(self._tick())
        self._listen()
        try:
            return await work()
        except self._asyncio.CancelledError:
            if not self._interrupted:
                raise
            raise Interrupted(self._what_is_known()) from None
        finally:
            self._ignore()
            ticker.cancel()

    def _what_is_known(self) -> str:
        if not self.writing:
            return "interrupted; nothing was sent to the account but GET"
        return (
            "interrupted while requests were under way, and whether they took place is not known; run the same command "
            "again: it takes up where this one stopped"
        )

    async def _tick(self) -> None:
        while True:
            await self._asyncio.sleep(TICK_SECONDS)
            self.display.tick()

    # --- signals ------------------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        # Windows has no such handlers, and neither has any thread but the main one; there, Python's own have to do.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            for number in signals.stopping():
                heard = self._hang_up if number == signals.HANGUP else self._interrupt
                self._asyncio.get_running_loop().add_signal_handler(number, heard)

    def _ignore(self) -> None:
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            for number in signals.stopping():
                self._asyncio.get_running_loop().remove_signal_handler(number)
        # The loop leaves the system's own handlers behind, which end the process without a word.
        signals.raise_interrupts()

    def _hang_up(self) -> None:
        now = self._asyncio.get_running_loop().time()
        if now - self._hung_up_at > HANGUP_SECONDS:
            self._hung_up_at = now
            self._interrupt()

    def _interrupt(self) -> None:
        if self.writing and not self.stop.is_set():
            self.stop.set()
            self.display.note("Stopping: what is under way ends first. Interrupt again to leave at once.")
            return
        self._interrupted = True
        if self._task is not None:
            self._task.cancel()

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """While a person is asked: nothing drawn, and an interrupt is a `KeyboardInterrupt` again.

        The loop's own handlers would wait for the answer, since the question blocks the loop.

        Raises:
            Interrupted: in the place of that interrupt.
        """
        self.display.clear()
        self._ignore()
        try:
            yield
        except KeyboardInterrupt:
            raise Interrupted("interrupted; nothing was sent to the account but GET") from None
        finally:
            self._listen()
