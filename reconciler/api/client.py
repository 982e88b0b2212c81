"""Clients of the Conversations API: `ReadClient`, which has no method that writes, and `Client`, which adds writes.

Takes paths and forms; returns JSON, or an error of `reconciler.errors`. `plan`, `drift`, `export`, and `validate` use
only a `ReadClient`. A request is sent within the limits of rate and concurrency, and again if that is safe
(`reconciler.api.retry`). Knows nothing of kinds.
"""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from types import TracebackType
from typing import Self
from urllib.parse import urlencode, urlsplit

from reconciler.api import logs
from reconciler.api.answers import (
    TOO_MANY_REQUESTS,
    Answer,
    describe_interceptor,
    is_not_found,
    parse_body,
    refusal_of,
)
from reconciler.api.concurrency_limit import ConcurrencyLimit
from reconciler.api.credentials import Credentials
from reconciler.api.hosts import data_location, is_loopback
from reconciler.api.paging import Pages, next_page
from reconciler.api.rate_limit import RateLimit
from reconciler.api.retry import Retry, is_ambiguous, is_refused_for_now, no_retries, retry_reason
from reconciler.api.transport import ConnectionPools, Request, Transport
from reconciler.errors import (
    ApiError,
    Intercepted,
    Malformed,
    OutOfTime,
    Refused,
    TooLarge,
    Unreachable,
    Unsent,
    cause_of,
)
from reconciler.json_text import Json
from reconciler.lazy_dataclass import dataclass
from reconciler.redaction import Redaction

_WEBHOOK_HEADER = "X-Twilio-Webhook-Enabled"
"""Source: the OpenAPI description; without it a REST call fires no webhook (Twilio docs, Conversations webhooks)."""
_EMULATOR_HEADER = "Emulator-Id"
"""The built-in emulator's header that names its database. Twilio sends no such header, and it is believed only from
this machine."""
_LONGEST_ID = 64
_LONGEST_ANSWER = 60.0
"""Seconds for one answer as a whole; the HTTP library's timeouts limit only each part of it."""
_LATE_WRITE = 10.0
"""Seconds that a write in progress at the command's deadline has for its answer; after that, its outcome is unknown."""
_LONG_WAIT = 5.0
"""Waits of at least this many seconds are logged as warnings."""
_AGREEING_READINGS = 6
"""The maximum number of times a changing list is read until two consecutive readings agree."""

OnWait = Callable[[float, str], None]
"""Called with the seconds that a request waits before a retry, and the reason."""


def _ignore_wait(_seconds: float, _reason: str) -> None:
    """Do nothing."""


@dataclass(eq=False)
class _AttemptFailed(Exception):
    """One attempt at a request failed.

    Attributes:
        error: the failure.
        retry_after: the answer's ``Retry-After`` header, or empty.
    """

    error: ApiError
    retry_after: str = ""


class ReadClient:
    """A client that reads from the API; it has no method that writes.

    Args:
        base_url: scheme, host, and port, without a trailing slash.
        credentials: sent with every request.
        concurrency: the maximum number of simultaneous requests.
        transport: used instead of the network, if given (the emulator in process).
        connections: used instead of own connections, if given, and not closed: other clients use them later.
        retry: the policy for retries; none by default.
        on_wait: called before each wait.
        redact: removes secrets from errors; those of the credentials are removed in any case.
        rate_limit: limits the writes per second; unlimited by default.

    Attributes:
        concurrency: the maximum number of simultaneous requests.
        requests: the number of requests sent.
        resent: the number of retries among them.
        rate_limit: the limit of the writes per second; None for none.
    """

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        *,
        concurrency: int = 10,
        transport: Transport | None = None,
        connections: ConnectionPools | None = None,
        retry: Retry | None = None,
        on_wait: OnWait = _ignore_wait,
        redact: Redaction | None = None,
        rate_limit: RateLimit | None = None,
    ) -> None:
        self.credentials = credentials
        self.concurrency = concurrency
        self.redact = (redact or Redaction()).joined(credentials.secrets())
        self.retry = retry or no_retries()
        self.requests = self.resent = 0
        self._base_url = base_url
        self._base_path = urlsplit(base_url).path
        self._is_local = transport is not None or is_loopback(base_url)
        self._emulator_id = ""
        self._has_been_answered = False
        self._concurrency_limit = ConcurrencyLimit(concurrency)
        self.rate_limit = rate_limit
        self._on_wait = on_wait
        self._warned_until = float("-inf")
        self._closes = connections is None
        self._connections = connections or ConnectionPools(
            base_url, credentials, concurrency=concurrency, transport=transport
        )

    @property
    def endpoint(self) -> str:
        """The name of the data that this client reads: a Twilio region, another host, or an emulator's database.

        An emulator sends the name of its database in each answer, so the name is the same on another port, and another
        emulator on the same port has a different name.
        """
        return f"emulator {self._emulator_id}" if self._emulator_id else data_location(self._base_url)

    async def locate(self) -> str:
        """Return `endpoint`, after a request if only the answer of an emulator names it."""
        if self._is_local and not self._emulator_id:
            await self.get("/v1/Configuration")
        return self.endpoint

    async def __aenter__(self) -> Self:
        """Return the client; no connection is opened before the first request."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections, unless other clients use them."""
        if self._closes:
            await self._connections.__aexit__(kind, error, trace)

    async def get(self, path: str) -> Json:
        """Read one resource.

        Args:
            path: from ``/v1``, with its query.

        Raises:
            ApiError: `Unreachable`, `Refused`, `Intercepted`, or `Malformed`.
        """
        return await self._send("GET", path)

    async def list(self, path: str, key: str, page_size: int, *, consistent: bool = False) -> Sequence[Json]:
        """Read a whole list, page by page, without duplicates.

        The next page is requested at the path and query of ``next_page_url``, always on this client's host. A list
        that changed while it was read is read again.

        Args:
            path: from ``/v1``, without a query.
            key: the envelope's key that holds the page.
            page_size: the number of items to request in a page.
            consistent: whether a list of several pages is read until two readings in a row agree. A single reading may
                lack an item that moved from an unread page to one that was already read.

        Raises:
            ApiError: `Unreachable`, `Refused`, `Intercepted`, or `Malformed`.
        """
        items: Sequence[Json] = ()
        previous: set[str] | None = None
        for _ in range(_AGREEING_READINGS if consistent else 1):
            pages = self.pages(path, key, page_size)
            items = [item async for page, _is_last in pages for item in page]
            if not pages.has_moved:
                if not consistent or pages.number == 1 or pages.sids == previous:
                    return items
                previous = pages.sids
        if consistent:
            raise Malformed(f"GET {path}: the list changes faster than it can be read")
        # Only once more, for items that the first reading may lack: a long and busy list changes every time.
        repeated = [item async for page, _is_last in self.pages(path, key, page_size) for item in page]
        sids = {str(item.get("sid")) for item in repeated if isinstance(item, dict)}
        return [*repeated, *(item for item in items if isinstance(item, dict) and str(item.get("sid")) not in sids)]

    def pages(self, path: str, key: str, page_size: int, query: Sequence[tuple[str, str]] = ()) -> Pages:
        """Read a list page by page, as far as the caller iterates; for the other arguments see `list`.

        Args:
            path: from ``/v1``, without a query.
            key: the envelope's key that holds the page.
            page_size: the number of items to request in a page.
            query: parameters that filter or order the list.
        """
        first_page = f"{path}?{urlencode([*query, ('PageSize', str(page_size))])}"

        async def read_page(page_path: str) -> tuple[Sequence[Json], str | None]:
            # Each further page waits for the one before it, so a long list takes the most rounds: it goes first.
            page = await self._send("GET", page_path, first=page_path != first_page)
            items = page.get(key) if isinstance(page, dict) else None
            if not isinstance(items, builtins.list):
                raise Malformed(f"GET {page_path}: the answer has no list under {key!r}")
            return items, next_page(page, self._base_path)

        return Pages(path, first_page, read_page)

    async def wait_to_retry(self, method: str, path: str, attempt: int, error: ApiError, retry_after: str = "") -> bool:
        """Wait before a retry of a failed attempt, and log the wait.

        Args:
            method: the HTTP verb.
            path: from ``/v1``.
            attempt: the number of the failed attempt, from 1.
            error: the failure.
            retry_after: the answer's ``Retry-After`` header, or empty.

        Returns:
            Whether to try again; see `reconciler.api.retry.Retry.wait_to_retry`.
        """
        reason = retry_reason(error)

        def announce(seconds: float) -> None:
            # One warning for all requests that wait at the same time.
            now = self.retry.clock()
            is_new = seconds >= _LONG_WAIT and now >= self._warned_until
            if is_new:
                self._warned_until = now + seconds
            level: logs.Level = "warning" if is_new else "info"
            logs.retry(method, path, attempt=attempt, seconds=seconds, reason=reason, level=level)
            self._on_wait(seconds, reason)

        return await self.retry.wait_to_retry(attempt, retry_after, announce)

    async def _send(
        self,
        method: str,
        path: str,
        form: Sequence[tuple[str, str]] | None = None,
        *,
        webhooks: bool = False,
        idempotent: bool = True,
        attempt: int = 1,
        first: bool = False,
    ) -> Json:
        """Send a request until its answer is final.

        A request that was refused temporarily, or that was not sent, had no effect: it may be sent again, whatever its
        verb. One that may have had an effect is sent again only if it is idempotent.
        """
        headers = {_WEBHOOK_HEADER: "true"} if webhooks else {}
        request = self._connections.build_request(method, path, form, headers)
        lost: ApiError | None = None
        while True:
            try:
                return await self._attempt(request, path, attempt, first=first)
            except Unsent:
                # An earlier attempt without an answer matters more than the fact that this one was not sent.
                if lost is None:
                    raise
                lost.may_be_done = True
                raise lost from None
            except _AttemptFailed as failed:
                error = failed.error
                if lost is not None and is_not_found(error) and method == "DELETE":
                    # The delete whose answer was lost succeeded.
                    return None
                is_lost = is_ambiguous(error)
                lost = error if is_lost else lost
                if isinstance(error, Unsent) and not self._has_been_answered and method == "GET":
                    # A host that has never answered is more likely wrong than overloaded: do not retry.
                    raise error from None
                is_safe = is_refused_for_now(error) or isinstance(error, Unsent) or (is_lost and idempotent)
                may_retry = is_safe and not isinstance(error, TooLarge)
                if not may_retry or not await self.wait_to_retry(method, path, attempt, error, failed.retry_after):
                    error.may_be_done, error.retry_after = lost is not None, failed.retry_after
                    raise error from None
            attempt += 1

    async def _attempt(self, request: Request, path: str, attempt: int, *, first: bool) -> Json:
        """Send a request once.

        Raises:
            _AttemptFailed: it had no effect, or it is not known whether it had one.
            OutOfTime: the deadline has passed; it was not sent.
            Stopped: the run was interrupted; it was not sent.
        """
        answer, ms = await self._exchange(request, path, attempt, first=first)
        method = request.method
        interceptor = describe_interceptor(answer)
        refusal = None if answer.is_success or interceptor else refusal_of(method, path, answer, self.redact)
        logs.request(
            method,
            path,
            attempt=attempt,
            ms=ms,
            status=answer.status,
            code=None if refusal is None or refusal.code == refusal.status else refusal.code,
            request_id=answer.request_id,
            size=len(answer.body),
        )
        if interceptor:
            raise _AttemptFailed(Intercepted(self.redact(f"{method} {path}: {interceptor}"), answer.status))
        if refusal is not None:
            raise _AttemptFailed(Refused(refusal), answer.headers.get("Retry-After", ""))
        try:
            return parse_body(answer)
        except Malformed as error:
            raise _AttemptFailed(Malformed(self.redact(f"{method} {path}: {error}"))) from None

    async def _exchange(self, request: Request, path: str, attempt: int, *, first: bool) -> tuple[Answer, float]:
        """Send a request within the limits of rate and concurrency; return the answer, and how long it took in ms."""
        method, write = request.method, request.method != "GET"
        rate_slot = self.rate_limit.slot(method, path) if self.rate_limit is not None else nullcontext()
        # The rate comes first: a request that waits for it must not hold one of the concurrent slots.
        async with rate_slot, self._concurrency_limit.slot(write=write, first=first) as generation:
            if self.retry.is_past_deadline:
                raise OutOfTime(f"{method} {path}: not sent, the command's deadline has passed (--timeout)")
            self._count(write=write, is_retry=attempt > 1)
            begin = self.retry.clock()
            try:
                answer = await self._answer_in_time(request, path)
            except _AttemptFailed as failed:
                logs.request(method, path, attempt=attempt, ms=self._ms_since(begin), failure=cause_of(failed.error))
                raise
            ms = self._ms_since(begin)
            self._has_been_answered = True
            if self._is_local:
                self._emulator_id = answer.headers.get(_EMULATOR_HEADER, "")[:_LONGEST_ID] or self._emulator_id
            if answer.status == TOO_MANY_REQUESTS:
                self._concurrency_limit.on_too_many_requests(generation)
            else:
                others = answer.concurrent_requests - self._concurrency_limit.in_use
                self._concurrency_limit.on_answer(generation, others, write=write)
            return answer, ms

    async def _answer_in_time(self, request: Request, path: str) -> Answer:
        """Send a request, and wait for its answer no longer than the deadline allows.

        Raises:
            _AttemptFailed: there was no answer, or none that can be read.
        """
        late = _LATE_WRITE if request.method != "GET" else 0.0
        try:
            async with asyncio.timeout(min(_LONGEST_ANSWER, max(self.retry.seconds_left, 0.0) + late)):
                return await self._connections.send(request)
        except TimeoutError:
            is_late = self.retry.is_past_deadline
            when = "before the command's deadline (--timeout)" if is_late else "within the time limit"
            error: ApiError = Unreachable(f"no answer from {self._base_url} {when}")
        except (Unreachable, Malformed) as failure:
            error = failure
        raise _AttemptFailed(type(error)(self.redact(f"{request.method} {path}: {error}"))) from None

    def _ms_since(self, begin: float) -> float:
        return (self.retry.clock() - begin) * 1000

    def _count(self, *, write: bool, is_retry: bool) -> None:  # noqa: ARG002 - `Client` counts writes
        self.requests += 1
        self.resent += is_retry


class Client(ReadClient):
    """A client that reads and writes; see `ReadClient`. At first, at most half of the simultaneous requests are writes.

    Attributes:
        writes: the number of writes sent.
    """

    writes = 0

    @property
    def write_concurrency(self) -> int:
        """The number of simultaneous writes that the account takes at present."""
        return self._concurrency_limit.write_limit

    async def post(
        self,
        path: str,
        form: Sequence[tuple[str, str]],
        *,
        idempotent: bool = False,
        webhooks: bool = False,
        attempt: int = 1,
    ) -> Json:
        """Create a resource in a collection, or update one (Twilio uses the same verb for both).

        Args:
            path: from ``/v1``.
            form: parameters in order; a list repeats its key.
            idempotent: whether sending the request twice has the same effect as sending it once, which is true of an
                update. A create whose answer was lost is not sent again here: the caller can look it up.
            webhooks: whether the request fires the account's webhooks, if this path supports the header for it.
            attempt: the number of this attempt, if the caller has sent the request before.

        Raises:
            ApiError: `Unreachable`, `Refused`, `Intercepted`, or `Malformed`; `reconciler.api.retry.is_ambiguous` says
                whether the request may have had an effect.
        """
        return await self._send("POST", path, form, webhooks=webhooks, idempotent=idempotent, attempt=attempt)

    async def delete(self, path: str, *, webhooks: bool = False) -> None:
        """Delete a resource; a 404 after a lost answer counts as success.

        Args:
            path: from ``/v1``.
            webhooks: whether the request fires the account's webhooks, if this path supports the header for it.

        Raises:
            ApiError: `Unreachable`, `Refused`, or `Intercepted`.
        """
        await self._send("DELETE", path, webhooks=webhooks)

    def _count(self, *, write: bool, is_retry: bool) -> None:
        super()._count(write=write, is_retry=is_retry)
        self.writes += write
