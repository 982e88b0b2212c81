"""Retries: the failed requests to send again, the wait before each retry, and the deadline.

Takes errors of the API and the time; returns decisions, and waits. A request is sent again only if it had no effect, or
if sending it twice has the same effect as sending it once; every other failure is left to the caller, who can look up
what happened (`is_ambiguous`). Independent of the HTTP library and of kinds.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from reconciler.errors import ApiError, Intercepted, Malformed, Refusal, Refused, Unreachable, Unsent
from reconciler.lazy_dataclass import dataclass

TRANSIENT_CODES = frozenset({20162, 50213, 50391, 50419, 50002})
"""Conflicts that resolve themselves: another write to the same resource, a service that is still being deleted.

Source: Twilio's error dictionary, which recommends a retry for each of them.
"""

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
"""Seconds of the first backoff, and of the longest."""
LONGEST_RETRY_AFTER = 120.0
"""The longest wait in seconds that an answer can request."""

LONGEST_FINISH = 60.0
"""Seconds beyond the deadline that a create may take if its delete has been sent."""

_MUST_FINISH: ContextVar[bool] = ContextVar("_MUST_FINISH", default=False)
_DELETING = 50002
_TOO_MANY_WRITES = frozenset({50063, 50074})
_TOO_MANY_REQUESTS = 429
_SERVER_ERRORS = frozenset({500, 502, 503, 504})


def is_refused_for_now(error: ApiError) -> bool:
    """Return whether the API refused the request temporarily, without any effect."""
    if not isinstance(error, Refused):
        return False
    return error.refusal.status == _TOO_MANY_REQUESTS or error.refusal.code in TRANSIENT_CODES


def is_ambiguous(error: ApiError) -> bool:
    """Return whether the request may have had an effect although it failed: its answer was lost, or is unreadable."""
    if isinstance(error, Refused):
        return error.refusal.status in _SERVER_ERRORS and not is_refused_for_now(error)
    return isinstance(error, Unreachable | Malformed) and not isinstance(error, Unsent)


def retry_reason(error: ApiError) -> str:
    """Describe why a request is sent again, without the API's own words, which can be anything."""
    match error:
        case Refused(refusal=refusal):
            return f"Twilio answered {refusal.status} ({_meaning(refusal)})"
        case Unsent():
            return "no connection was established"
        case Malformed() | Intercepted():
            return "the answer could not be read"
        case _:
            return "no answer"


def _meaning(refusal: Refusal) -> str:
    if refusal.code == _DELETING:
        return "the service is still being deleted"
    if refusal.code in TRANSIENT_CODES:
        return "another request is changing the same resource"
    if refusal.status == _TOO_MANY_REQUESTS:
        return "too many writes per second" if refusal.code in _TOO_MANY_WRITES else "too many requests"
    return "server error"


def _ignore_wait(_seconds: float) -> None:
    """Do nothing."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Retry:
    """The retry policy of one command.

    Attributes:
        attempts: the maximum number of attempts at one request.
        timeout: seconds after its creation, after which nothing is sent.
        stop: when set, nothing is sent again, and waits end.
        sleep: waits; for tests.
        uniform: draws a number between two others; for tests.
        clock: seconds of a monotonic clock; for tests.
        now: the time that a date in ``Retry-After`` is compared with; for tests.
    """

    attempts: int = 8
    timeout: float = float("inf")
    stop: asyncio.Event | None = None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    uniform: Callable[[float, float], float] = random.uniform
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = _now

    def __post_init__(self) -> None:
        self._deadline = self.clock() + self.timeout

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """Let this task finish a sequence of requests: ignore interrupts, and extend the deadline.

        The deadline is extended by `LONGEST_FINISH` seconds.
        """
        token = _MUST_FINISH.set(True)
        try:
            yield
        finally:
            _MUST_FINISH.reset(token)

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline; zero or negative after it."""
        return self._deadline + (LONGEST_FINISH if _MUST_FINISH.get() else 0.0) - self.clock()

    @property
    def is_past_deadline(self) -> bool:
        """Whether the command's deadline has passed."""
        return self.seconds_left <= 0

    @property
    def is_stopped(self) -> bool:
        """Whether the command was interrupted."""
        return self.stop is not None and self.stop.is_set() and not _MUST_FINISH.get()

    async def wait_to_retry(
        self, attempt: int, retry_after: str = "", on_wait: Callable[[float], None] = _ignore_wait
    ) -> bool:
        """Wait before a retry of a failed attempt.

        Args:
            attempt: the number of the failed attempt, from 1.
            retry_after: the answer's ``Retry-After`` header; empty if it had none.
            on_wait: called with the seconds before each wait.

        Returns:
            Whether to try again. False comes without a wait, except after an interrupt.
        """
        if attempt >= self.attempts or self.is_stopped:
            return False
        wait = self._requested_wait(retry_after)
        if wait is None:
            # Full jitter: requests that were refused together do not return together.
            wait = self.uniform(0, min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1)))
        return await self.sleep_within_deadline(wait, on_wait)

    async def sleep_within_deadline(self, seconds: float, on_wait: Callable[[float], None] = _ignore_wait) -> bool:
        """Sleep, unless that would pass the deadline; return whether it slept and was not interrupted."""
        if seconds >= self.seconds_left or self.is_stopped:
            return False
        on_wait(seconds)
        await self.sleep_unless_stopped(seconds)
        return not self.is_stopped

    async def sleep_unless_stopped(self, seconds: float) -> None:
        """Sleep, or wake up early if the command is interrupted."""
        if self.stop is None or _MUST_FINISH.get():
            await self.sleep(seconds)
            return
        waits = [asyncio.ensure_future(self.sleep(seconds)), asyncio.ensure_future(self.stop.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _requested_wait(self, retry_after: str) -> float | None:
        """Parse ``Retry-After``, in seconds or as a date; None if it is missing or invalid."""
        text = retry_after.strip()
        if text.isascii() and text.isdigit():
            # An absurd number of digits is a long time, not an error.
            return min(float(text[:9]), LONGEST_RETRY_AFTER)
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return min(max((moment - self.now()).total_seconds(), 0.0), LONGEST_RETRY_AFTER)


def no_retries() -> Retry:
    """Build a `Retry` that sends every request once, without a deadline."""
    return Retry(attempts=1)
