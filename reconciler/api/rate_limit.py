"""The rate of writes to one service and to one conversation, kept within the limits that Twilio publishes.

Takes requests; returns each a slot when it may be sent, in order. Reads never wait here, nor do writes without a
published limit. Does not know the HTTP library.

A slot is taken before a write is sent and returned one second after its answer. So when Twilio processes a write, every
other write that it processed within the second before still holds its slot: however late or early single requests
arrive, no window of one second contains more writes than there are slots. A token bucket cannot guarantee that: in its
first second it allows its content and its refill, up to twice the rate.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import field

from reconciler.api.retry import Retry
from reconciler.errors import OutOfTime, Stopped
from reconciler.kinds.api_paths import WriteScope, write_scope
from reconciler.lazy_dataclass import dataclass

WRITES_PER_SECOND = 30
"""Per service: creates and deletes of its conversations, and all writes to its users and roles. Per conversation:
writes to the conversation itself and to everything in it. Source: Twilio docs, Conversations limits (which say
"about" this many).
"""

_SECOND = 1.0


@dataclass
class _Window:
    """The slots of one key: those of writes in progress, and those of writes answered less than a second ago."""

    in_progress: int = 0
    answered: deque[float] = field(default_factory=deque)
    queue: asyncio.Lock = field(default_factory=asyncio.Lock)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def recent(self, now: float) -> int:
        """Return the number of writes that were answered less than a second ago."""
        while self.answered and self.answered[0] + _SECOND <= now:
            self.answered.popleft()
        return len(self.answered)


class RateLimit:
    """The write rate of one command.

    Args:
        retry: the command's clock, deadline, and sleep.
        writes: the maximum number of writes within any second for one key.
    """

    def __init__(self, retry: Retry, writes: int = WRITES_PER_SECOND) -> None:
        self._retry = retry
        self._writes = writes
        self._windows: dict[WriteScope, _Window] = {}

    @asynccontextmanager
    async def slot(self, method: str, path: str) -> AsyncIterator[None]:
        """Hold a slot while a request is sent and answered.

        Raises:
            OutOfTime: no slot is free before the command's deadline.
            Stopped: the command was interrupted while this waited.
        """
        key = write_scope(method, path)
        if key is None:
            yield
            return
        window = self._windows.setdefault(key, _Window())
        async with window.queue:
            await self._wait(window, f"{method} {path}")
            window.in_progress += 1
        try:
            yield
        finally:
            window.in_progress -= 1
            window.answered.append(self._retry.clock())
            window.ended.set()

    def room(self, owner: Hashable) -> float:
        """Return how many writes may be in progress now; any number after an interrupt, which none should wait for.

        Args:
            owner: what the writes count against; only a `WriteScope` has a limit.
        """
        if not isinstance(owner, WriteScope) or self._retry.is_stopped:
            return math.inf
        window = self._windows.get(owner)
        return self._writes - (0 if window is None else window.recent(self._retry.clock()))

    async def wait_for_room(self, owner: Hashable) -> None:
        """Wait until `room` rises, or the command is interrupted."""
        if not isinstance(owner, WriteScope):
            return
        window = self._windows.setdefault(owner, _Window())
        now = self._retry.clock()
        if window.recent(now):
            await self._retry.sleep_unless_stopped(window.answered[0] + _SECOND - now)
        else:
            window.ended.clear()
            await window.ended.wait()

    async def _wait(self, window: _Window, request: str) -> None:
        """Wait for a free slot; only the first request of a queue waits here."""
        while True:
            now = self._retry.clock()
            if window.in_progress + window.recent(now) < self._writes:
                return
            if self._retry.is_stopped:
                raise Stopped(f"{request}: not sent, the run was interrupted")
            if not window.answered:
                # Every slot is held by a write in progress.
                window.ended.clear()
                await window.ended.wait()
                continue
            wait = window.answered[0] + _SECOND - now
            if wait >= self._retry.seconds_left:
                raise OutOfTime(f"{request}: not sent, the command's deadline has passed (--timeout)")
            await self._retry.sleep_unless_stopped(wait)
