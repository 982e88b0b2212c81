"""How many writes a second go to one service and to one conversation: no more than Twilio publishes.

Takes the moment at which a write may be sent; gives turns, first come first served. Reads never wait here, nor do
writes that Twilio counts for nobody. Does not know the HTTP library.

A turn is taken before a write is sent and given back a second after its answer came, so whenever Twilio processes one,
every other that it processed in the second before still holds its turn: however late or early single requests arrive,
no window of a second holds more than there are turns. A bucket that is refilled steadily cannot promise that: it lets
through what is in it and what is added meanwhile, up to twice as much in its first second.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from reconciler.api.retry import Retry
from reconciler.errors import OutOfTime, Stopped
from reconciler.kinds.api_paths import write_scope

WRITES_PER_SECOND = 30
"""For a service: creating and deleting its conversations, all of its users and roles; apart from these for each
conversation: itself and what is in it. Source: Twilio docs, Conversations limits, which says "about" this many.
"""

_SECOND = 1.0

Key = tuple[str, ...]


@dataclass
class _Window:
    """The turns of one key: those of writes under way, and of those that were answered less than a second ago."""

    under_way: int = 0
    answered: deque[float] = field(default_factory=deque)
    queue: asyncio.Lock = field(default_factory=asyncio.Lock)
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class RateLimit:
    """The turns of one command.

    Args:
        retry: tells the time, how much of it is left, and waits.
        writes: how many in any second for one key.
    """

    def __init__(self, retry: Retry, writes: int = WRITES_PER_SECOND) -> None:
        self._retry = retry
        self._writes = writes
        self._windows: dict[Key, _Window] = {}

    @asynccontextmanager
    async def slot(self, method: str, path: str) -> AsyncIterator[None]:
        """Hold a turn while a request is sent and answered.

        Raises:
            OutOfTime: the command's time will be up before there is one.
            Stopped: a person stopped the command while this waited.
        """
        key = write_scope(method, path)
        if key is None:
            yield
            return
        window = self._windows.setdefault(key, _Window())
        async with window.queue:
            await self._wait(window, f"{method} {path}")
            window.under_way += 1
        try:
            yield
        finally:
            window.under_way -= 1
            window.answered.append(self._retry.clock())
            window.ended.set()

    async def _wait(self, window: _Window, what: str) -> None:
        """Until there is a turn; only the first of a queue is in here."""
        while True:
            now = self._retry.clock()
            while window.answered and window.answered[0] + _SECOND <= now:
                window.answered.popleft()
            if window.under_way + len(window.answered) < self._writes:
                return
            if self._retry.is_stopped:
                raise Stopped(f"{what}: not sent, the run was interrupted")
            if not window.answered:
                # As many as there are turns are under way, and none of them has been answered.
                window.ended.clear()
                await window.ended.wait()
                continue
            wait = window.answered[0] + _SECOND - now
            if wait >= self._retry.seconds_left:
                raise OutOfTime(f"{what}: not sent, the command's time is up (--timeout)")
            await self._retry.sleep_unless_stopped(wait)
