"""The limit of simultaneous requests: lowered when the account is under strain, raised again as answers arrive.

Takes signs of strain from answers; returns slots. Independent of the HTTP library and of kinds.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_ANSWERS_BEFORE_RAISE = 20
"""Answers without strain before the limit rises by one: it falls at once, and rises step by step."""
_ANSWERS_AFTER_REFUSAL = 40
"""Answers without strain before a limit first rises after a 429: production shares the limit and was affected too."""
_WRITES_BEFORE_RAISE = 2
"""Answers to writes without strain before one more write may run at once, until the first 429: all of the slots are in
use after as many answers as there are slots, in two rounds of simultaneous writes. With 161 creates, ten at a time, the
start at half of them costs no round; with four answers before each rise it costs one of seventeen."""


class ConcurrencyLimit:
    """A limit of simultaneous requests that adapts to the account's load and never exceeds its maximum.

    Writes may use half of the slots at first, and more of them as writes succeed without strain.

    Args:
        most: the maximum.

    Attributes:
        limit: the present limit.
        write_limit: the present limit of writes, which count as requests as well.
    """

    def __init__(self, most: int) -> None:
        self.most = self.limit = max(1, most)
        self.write_limit = max(1, self.most // 2)
        self._in_use = self._writes = self._good_answers = self._good_writes = 0
        self._answers_before_raise = _ANSWERS_BEFORE_RAISE
        self._writes_before_raise = _WRITES_BEFORE_RAISE
        self._fewest_others: int | None = None
        self._waiting: deque[tuple[bool, asyncio.Future[None]]] = deque()
        self._generation = 0

    @asynccontextmanager
    async def slot(self, *, write: bool, first: bool = False) -> AsyncIterator[int]:
        """Hold a slot while a request is sent and answered.

        Args:
            write: whether the request is a write.
            first: whether it goes before the waiting requests: others wait for its answer, one after the other.

        Yields:
            The generation of the limit, for `on_too_many_requests` and `on_answer`.
        """
        await self._acquire(write=write, first=first)
        try:
            yield self._generation
        finally:
            self._release(write=write)

    def on_too_many_requests(self, generation: int) -> None:
        """Halve the limit after an answer with status 429.

        Answers to requests that were sent before the limit was last lowered are ignored: they say nothing about the
        present limit.
        """
        if generation == self._generation:
            self._lower(self.limit // 2)
            self.write_limit = max(1, min(self.write_limit, self.limit // 2))
            self._answers_before_raise = _ANSWERS_AFTER_REFUSAL
            self._writes_before_raise = _ANSWERS_AFTER_REFUSAL

    def on_answer(self, generation: int, others: int, *, write: bool = False) -> None:
        """Adapt the limit after any other answer.

        Args:
            generation: the value that `slot` yielded.
            others: the number of the account's simultaneous requests from other clients.
            write: whether the request was a write.
        """
        # Twilio's limit covers the whole account, production included, and is not published. Requests of other clients
        # are not a refusal, so the limit falls slowly, and only to a quarter.
        if others > 2 * self.most:
            if generation == self._generation and self.limit > max(1, self.most // 4):
                self._lower(self.limit - 1)
            return
        self._good_answers += 1
        if self._good_answers >= self._answers_before_raise and self.limit < self.most:
            self.limit, self._good_answers = self.limit + 1, 0
            self._answers_before_raise = _ANSWERS_BEFORE_RAISE
            self._wake()
        if self._is_rising(others):
            self._good_writes = 0
        elif write and self.write_limit < self.limit:
            self._good_writes += 1
            if self._good_writes >= self._writes_before_raise:
                self.write_limit, self._good_writes = self.write_limit + 1, 0
                self._writes_before_raise = min(self._writes_before_raise, _ANSWERS_BEFORE_RAISE)
                self._wake()

    def _is_rising(self, others: int) -> bool:
        """Whether the other clients of the account have become busier than our own requests could explain."""
        others = max(0, others)
        if self._fewest_others is None or others < self._fewest_others:
            self._fewest_others = others
        return others > self._fewest_others + self.most

    @property
    def in_use(self) -> int:
        """The number of slots held."""
        return self._in_use

    def _lower(self, limit: int) -> None:
        self.limit, self._good_answers, self._good_writes = max(1, limit), 0, 0
        self.write_limit = min(self.write_limit, self.limit)
        self._generation += 1

    def _has_room(self, *, write: bool) -> bool:
        return self._in_use < self.limit and not (write and self._writes >= self.write_limit)

    async def _acquire(self, *, write: bool, first: bool) -> None:
        if self._has_room(write=write) and (first or not any(is_write is write for is_write, _ in self._waiting)):
            self._take(write=write)
            return
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = (write, granted)
        if first:
            self._waiting.appendleft(waiter)
        else:
            self._waiting.append(waiter)
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                # The slot was granted in the moment of the cancellation.
                self._release(write=write)
            else:
                # It may have left the queue already, which skips cancelled requests.
                with suppress(ValueError):
                    self._waiting.remove(waiter)
            raise

    def _take(self, *, write: bool) -> None:
        self._in_use += 1
        self._writes += write

    def _release(self, *, write: bool) -> None:
        self._in_use -= 1
        self._writes -= write
        self._wake()

    def _wake(self) -> None:
        """Grant free slots to the waiting requests, in order; a write that has to wait does not delay reads."""
        passed_over: list[tuple[bool, asyncio.Future[None]]] = []
        while self._waiting and self._in_use < self.limit:
            write, granted = self._waiting.popleft()
            if granted.done():
                continue
            if self._has_room(write=write):
                self._take(write=write)
                granted.set_result(None)
            else:
                passed_over.append((write, granted))
        self._waiting.extendleft(reversed(passed_over))
