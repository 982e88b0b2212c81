"""Time that passes only while everybody waits: what takes minutes takes none, and the same on every machine."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple

from reconciler.api.retry import Retry

Result = TypeVar("Result")
Given = TypeVarTuple("Given")


class SimulatedTime:
    """A clock, and loops in which it is asyncio's.

    What they run must wait for nothing outside of them: for a socket or a thread nobody would wait long enough.

    Attributes:
        now: seconds.
    """

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What `asyncio.run` does, with every waiting over at once."""
        with asyncio.Runner(loop_factory=lambda: _Loop(self)) as runner:
            return runner.run(work)

    def retry(self, **options: Any) -> Retry:
        """What goes by this clock, and waits as long as it ever would."""
        given: dict[str, Any] = {"clock": self, "uniform": lambda _low, high: high} | options
        return Retry(**given)


class _Selector(selectors.SelectSelector):
    """Lets the time that a loop would wait go by."""

    def __init__(self, time: SimulatedTime) -> None:
        super().__init__()
        self._time = time

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "everybody waits, and nothing will ever happen"
        self._time.now += max(timeout, 0.0)
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, time: SimulatedTime) -> None:
        self._simulated = time
        super().__init__(_Selector(time))

    def time(self) -> float:
        return self._simulated.now

    def call_at(
        self, when: float, callback: Callable[[*Given], object], *args: *Given, context: Context | None = None
    ) -> asyncio.TimerHandle:
        # Sums of fractions are not exact: whoever has almost waited long enough would wait for ever.
        return super().call_at(max(when, self.time() + 1e-6), callback, *args, context=context)
