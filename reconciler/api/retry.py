"""When a request that failed is sent again, and how many may be under way meanwhile.

Takes errors of the API and the moment; gives decisions and waits. Knows neither HTTP's library nor kinds. What is sent
again must either never have been processed, or do no harm when it is done twice; everything else is the caller's, who
can look before it tries again (`is_ambiguous`).
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from reconciler.errors import ApiError, Intercepted, Malformed, Refusal, Refused, Unreachable, Unsent

TRANSIENT_CODES = frozenset({20162, 50213, 50391, 50419, 50002})
"""Conflicts that pass by themselves: another write to the same thing, a service still being deleted.

Source: Twilio's error dictionary, which says of each of them to try again.
"""

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
LONGEST_RETRY_AFTER = 120.0
"""An answer may not keep a run for longer than this, whatever it asks for."""

LONGEST_FINISH = 60.0
"""How many seconds beyond the deadline a create may take whose delete has been sent."""

_IS_FINISHING: ContextVar[bool] = ContextVar("_IS_FINISHING", default=False)
_DELETING = 50002
_TOO_MANY_WRITES = frozenset({50063, 50074})
_TOO_MANY = 429
_SERVER_ERRORS = frozenset({500, 502, 503, 504})
_ANSWERS_BEFORE_ONE_MORE = 20
"""Good answers before one more request is allowed at once: down in one go, up step by step."""


def is_refused_for_now(error: ApiError) -> bool:
    """Whether the API said that it did nothing, and that it would another time."""
    if not isinstance(error, Refused):
        return False
    return error.refusal.status == _TOO_MANY or error.refusal.code in TRANSIENT_CODES


def is_ambiguous(error: ApiError) -> bool:
    """Whether the request may have been carried out all the same: its answer was lost, or is none."""
    if isinstance(error, Refused):
        return error.refusal.status in _SERVER_ERRORS and not is_refused_for_now(error)
    return isinstance(error, Unreachable | Malformed) and not isinstance(error, Unsent)


def retry_reason(error: ApiError) -> str:
    """Why a request is sent again, in a few words of our own: the API's may be anything."""
    match error:
        case Refused(refusal=refusal):
            return f"Twilio answered {refusal.status} ({_meaning(refusal)})"
        case Unsent():
            return "no connection came about"
        case Malformed() | Intercepted():
            return "the answer could not be read"
        case _:
            return "no answer came"


def _meaning(refusal: Refusal) -> str:
    if refusal.code == _DELETING:
        return "the service is still being deleted"
    if refusal.code in TRANSIENT_CODES:
        return "another request is changing the same"
    if refusal.status == _TOO_MANY:
        return "too many writes a second" if refusal.code in _TOO_MANY_WRITES else "too many requests"
    return "server error"


def _nobody(_seconds: float) -> None:
    """Tell nobody."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Retry:
    """How often and how long one command goes on asking.

    Attributes:
        attempts: how often one request is sent at most.
        timeout: how many seconds after it was made nothing is sent any more.
        stop: when set, nothing is sent again and nothing is waited for.
        sleep: waits; for tests.
        uniform: draws between two numbers; for tests.
        clock: seconds that only go up; for tests.
        now: the moment, to which a date in ``Retry-After`` is compared; for tests.
    """

    attempts: int = 8
    timeout: float = float("inf")
    stop: asyncio.Event | None = None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    uniform: Callable[[float, float], float] = random.uniform
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = _now

    def __post_init__(self) -> None:
        self._ends = self.clock() + self.timeout

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """Send what belongs together to its end: an interrupt does not stop it, and the time that is left is extended.

        For the task that enters it, and at most `LONGEST_FINISH` seconds beyond the deadline.
        """
        token = _IS_FINISHING.set(True)
        try:
            yield
        finally:
            _IS_FINISHING.reset(token)

    @property
    def _end(self) -> float:
        """When nothing is sent any more."""
        return self._ends + (LONGEST_FINISH if _IS_FINISHING.get() else 0.0)

    @property
    def seconds_left(self) -> float:
        """How many seconds of the command's time are left; none or less when it is up."""
        return self._end - self.clock()

    @property
    def is_past_deadline(self) -> bool:
        """Whether the command's time is up."""
        return self.seconds_left <= 0

    @property
    def is_stopped(self) -> bool:
        """Whether a person stopped the command."""
        return self.stop is not None and self.stop.is_set() and not _IS_FINISHING.get()

    async def wait_to_retry(self, attempt: int, retry_after: str = "", tell: Callable[[float], None] = _nobody) -> bool:
        """Wait as long as is right after a failed attempt.

        Args:
            attempt: which one failed, from 1.
            retry_after: the answer's header; empty when it had none.
            tell: told how many seconds are waited, before they are.

        Returns:
            Whether to try again; False, without waiting for nothing, when that was the last time.
        """
        if attempt >= self.attempts or self.is_stopped:
            return False
        wait = self._seconds(retry_after)
        if wait is None:
            # Full jitter: whoever was refused together does not come back together.
            wait = self.uniform(0, min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1)))
        return await self.sleep_within_deadline(wait, tell)

    async def sleep_within_deadline(self, seconds: float, tell: Callable[[float], None] = _nobody) -> bool:
        """Wait so long, if there is time, and tell how long; gives whether there was."""
        if self.clock() + seconds >= self._end or self.is_stopped:
            return False
        tell(seconds)
        await self.sleep_unless_stopped(seconds)
        return not self.is_stopped

    async def sleep_unless_stopped(self, seconds: float) -> None:
        """Wait, or less when a person stops the command."""
        if self.stop is None or _IS_FINISHING.get():
            await self.sleep(seconds)
            return
        waits = [asyncio.ensure_future(self.sleep(seconds)), asyncio.ensure_future(self.stop.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _seconds(self, retry_after: str) -> float | None:
        """What ``Retry-After`` asks for, as seconds or as a date; None when it asks for nothing sensible."""
        text = retry_after.strip()
        if text.isascii() and text.isdigit():
            # An absurd number of digits is a long time, and not an error.
            return min(float(text[:9]), LONGEST_RETRY_AFTER)
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return min(max((moment - self.now()).total_seconds(), 0.0), LONGEST_RETRY_AFTER)


def no_retries() -> Retry:
    """Every request once, without a deadline."""
    return Retry(attempts=1)


class ConcurrencyLimit:
    """So many requests at once, fewer while the API has too much to do, and never more than was asked for.

    Args:
        most: how many at once; writes get half of it.

    Attributes:
        limit: how many at present.
    """

    def __init__(self, most: int) -> None:
        self.most = self.limit = max(1, most)
        self._under_way = self._writes = self._good = 0
        self._waiting: deque[tuple[bool, asyncio.Future[None]]] = deque()
        self._generation = 0

    @asynccontextmanager
    async def slot(self, *, write: bool) -> AsyncIterator[int]:
        """Hold a place; gives the number to say how it went with (`on_too_many_requests`)."""
        await self._enter(write=write)
        try:
            yield self._generation
        finally:
            self._leave(write=write)

    def on_too_many_requests(self, generation: int) -> None:
        """An answer said that there are too many: half as many from now on.

        Requests that were sent before the last time the limit went down say nothing new.
        """
        if generation == self._generation:
            self._lower(self.limit // 2)

    def on_answer(self, generation: int, others: int) -> None:
        """An answer came.

        Args:
            generation: as `slot` gave it.
            others: how many requests of the account were under way that are not this run's.
        """
        # The limit is the whole account's, production included. How high it is nobody says, so this goes down gently,
        # and only so far: how busy others are is no refusal.
        if others > 2 * self.most:
            if generation == self._generation and self.limit > max(1, self.most // 4):
                self._lower(self.limit - 1)
            return
        self._good += 1
        if self._good >= _ANSWERS_BEFORE_ONE_MORE and self.limit < self.most:
            self.limit, self._good = self.limit + 1, 0
            self._wake()

    @property
    def under_way(self) -> int:
        """How many hold a place."""
        return self._under_way

    def _lower(self, limit: int) -> None:
        self.limit, self._good = max(1, limit), 0
        self._generation += 1

    def _has_room(self, *, write: bool) -> bool:
        return self._under_way < self.limit and not (write and self._writes >= max(1, self.limit // 2))

    async def _enter(self, *, write: bool) -> None:
        if self._has_room(write=write) and not any(kind is write for kind, _ in self._waiting):
            self._take(write=write)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (write, turn)
        self._waiting.append(entry)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # The place was given just when nobody wanted it any more.
                self._leave(write=write)
            else:
                self._waiting.remove(entry)
            raise

    def _take(self, *, write: bool) -> None:
        self._under_way += 1
        self._writes += write

    def _leave(self, *, write: bool) -> None:
        self._under_way -= 1
        self._writes -= write
        self._wake()

    def _wake(self) -> None:
        kept: deque[tuple[bool, asyncio.Future[None]]] = deque()
        while self._waiting and self._under_way < self.limit:
            write, turn = self._waiting.popleft()
            if turn.done():
                continue
            if self._has_room(write=write):
                self._take(write=write)
                turn.set_result(None)
            else:
                kept.append((write, turn))
        self._waiting = deque([*kept, *self._waiting])
