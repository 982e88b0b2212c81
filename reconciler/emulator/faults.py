"""Repeatable fault injection between a client and the API.

`Faulty` wraps an ASGI application, in process or served, and makes a share of its requests fail as a `Faults`
specifies: latency, too many concurrent requests, server errors, connections that break before, during, and after the
work, invalid responses, stale reads, and lists that change between pages. A seed decides which request gets which
fault, so the same requests in the same order get the same faults.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from reconciler.emulator.app import Emulator, Message, Receive, Scope, Send
from reconciler.emulator.errors import EmulatorError
from reconciler.emulator.store import Store

FAULTS: Mapping[str, str] = {
    "500": "server error; the request has no effect",
    "502": "gateway error; the request has no effect",
    "503": "service unavailable; the request has no effect",
    "504": "gateway timeout; the request has taken effect",
    "reset-before": "the connection breaks before the request is accepted",
    "reset-taken": "the connection breaks after the request is accepted; the request takes effect within the lag",
    "reset-after": "the connection breaks after the request has taken effect",
    "reset-body": "the request takes effect; the connection breaks in the middle of the response's body",
    "truncated": "the request takes effect; the response's JSON is cut in half",
    "invalid-json": "the request takes effect; the response is not JSON",
    "wrong-type": "the request takes effect; the response is an HTML page",
}
"""Faults of any request, by their name in a specification."""

READ_FAULTS: Mapping[str, str] = {
    "stale": "a read shows an earlier state of the account, at most lag milliseconds old",
    "shifted": "a later page lacks its first item, as if an item of an earlier page had been deleted in between; "
    "at most once in four reads of a list",
    "overlapping": "a later page begins with the last item of the previous page",
    "repeated": "the previous page is returned again instead of a later one",
}
"""Faults of reads."""

AMOUNTS: Mapping[str, str] = {
    "latency": "delay of every response in milliseconds",
    "jitter": "maximum additional random delay in milliseconds",
    "crowd": "maximum number of concurrent requests; further ones get 429",
    "lag": "maximum delay of stale reads and late writes in milliseconds (default 1000)",
    "pages": "maximum number of items on a page; a small number gives short lists several pages",
}
"""Other names in a specification, each with a number."""

ANY, ANY_READ = "any", "any-read"
_BROKEN = {"reset-before", "reset-taken", "reset-after", "reset-body"}
_UNDONE = {"500", "502", "503", "reset-before", "reset-taken"}
_WHOLE = {"crowd", "pages"}
_READINGS_BETWEEN_SHIFTS = 4

Wait = Callable[[float], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults to inject, and how often.

    Attributes:
        rates: The share of requests, 0 to 1, for each of `FAULTS` and `READ_FAULTS`; together at most 1. A read fault
            that is drawn for another request has no effect.
        latency: The delay of every response in milliseconds.
        jitter: The maximum additional random delay in milliseconds.
        crowd: The maximum number of concurrent requests; further ones get 429; 0 for no limit.
        lag: The longest delay in milliseconds of stale reads and late writes.
        pages: The maximum number of items on a page; 0 for as many as requested.
    """

    rates: Mapping[str, float] = field(default_factory=dict)
    latency: float = 0
    jitter: float = 0
    crowd: int = 0
    lag: float = 1000
    pages: int = 0

    @classmethod
    def parse(cls, text: str) -> Faults:
        """Parse a specification: ``503=0.1,reset-after=0.05,latency=20,jitter=50,crowd=8``.

        ``any=0.2`` distributes a share over all of `FAULTS` that are not named, ``any-read=0.2`` over `READ_FAULTS`.

        Raises:
            EmulatorError: The specification is invalid; the message says why.
        """
        numbers: dict[str, float] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, _, number = part.partition("=")
            if name in numbers:
                raise EmulatorError(f"{name} is given twice")
            numbers[name] = _number(name, number)
        rates = {name: number for name, number in numbers.items() if name in FAULTS or name in READ_FAULTS}
        for word, faults in ((ANY, FAULTS), (ANY_READ, READ_FAULTS)):
            rest = [name for name in faults if name not in numbers]
            if word in numbers and rest:
                rates.update({name: numbers[word] / len(rest) for name in rest})
        if sum(rates.values()) > 1 + 1e-9:
            raise EmulatorError("the shares of all faults add up to more than 1")
        amounts = {name: numbers[name] for name in AMOUNTS if name in numbers}
        return cls(
            rates,
            latency=amounts.get("latency", 0),
            jitter=amounts.get("jitter", 0),
            crowd=int(amounts.get("crowd", 0)),
            lag=amounts.get("lag", 1000),
            pages=int(amounts.get("pages", 0)),
        )


def _number(name: str, text: str) -> float:
    """Parse the number of a name in a specification."""
    if name not in {*FAULTS, *READ_FAULTS, *AMOUNTS, ANY, ANY_READ}:
        known = ", ".join((*FAULTS, ANY, *READ_FAULTS, ANY_READ, *AMOUNTS))
        raise EmulatorError(f"unknown fault {name!r}; use one of {known}")
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    most, expected, example = 1.0, "a share from 0 to 1", "0.1"
    if name in AMOUNTS:
        most, expected, example = 60_000.0, "a number from 0 to 60000", "8"
    if name in _WHOLE:
        expected = "a whole number from 0 to 60000"
    if not 0 <= number <= most or (name in _WHOLE and not number.is_integer()):
        raise EmulatorError(f"{name} takes {expected}, as in {name}={example}")
    return number


@dataclass(frozen=True, slots=True)
class _Taken:
    """A request that was accepted and takes effect later."""

    due: float
    scope: Scope
    body: bytes


class Faulty:
    """An ASGI application that injects faults into requests to another one.

    Args:
        app: The application without faults.
        faults: The faults to inject; may be replaced between requests.
        seed: The seed of the random choices.
        emulator: The emulator whose former states and pages `READ_FAULTS` show; the application itself if it is one.
            Without an emulator, there are no read faults.
        raises: How a connection breaks: in process by a `ConnectionResetError`; served, by a reset of the connection.
        sleep: Waits for the latency; for tests.
        clock: Returns monotonic seconds, for the lag; for tests.

    Attributes:
        injected: The number of requests with each fault, by name; ``429`` for the crowd.
        raises: As given; may be replaced between requests.
    """

    def __init__(
        self,
        app: App,
        faults: Faults,
        *,
        seed: int = 0,
        emulator: Emulator | None = None,
        raises: bool = True,
        sleep: Wait = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.faults = faults
        self.injected: dict[str, int] = {}
        self._app = app
        self._emulator = emulator or (app if isinstance(app, Emulator) else None)
        self._random = random.Random(seed)  # noqa: S311 - what can be repeated is what is wanted
        self.raises = raises
        self._sleep = sleep
        self._clock = clock
        self._under_way = 0
        self._taken: list[_Taken] = []
        self._former: Emulator | None = None
        self._former_until = 0.0
        self._readings: dict[str, int] = {}
        self._shifted: dict[str, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection; only HTTP requests get faults."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._under_way += 1
        try:
            await self._serve(scope, receive, send)
        finally:
            self._under_way -= 1

    async def finish_late(self) -> None:
        """Let all late requests take effect now."""
        taken, self._taken = self._taken, []
        for request in taken:
            await self._app(request.scope, _given(request.body), _Answer().take)

    def close(self) -> None:
        """Discard the former state."""
        if self._former is not None:
            self._former.store.close()
            self._former = None

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        faults = self.faults
        # Drawn at the beginning, the same number for each request, regardless of its outcome.
        chance, late = self._random.random(), self._random.random()
        is_crowded = 0 < faults.crowd < self._under_way
        wait = (faults.latency + faults.jitter * late) / 1000
        if wait and not is_crowded:
            await self._sleep(wait)
        await self._do_what_is_due()
        fault = "429" if is_crowded else self._drawn(chance)
        if scope["method"] == "GET":
            scope = self._in_small_pages(scope)
            if b"PageToken=" not in scope.get("query_string", b""):
                self._readings[scope["path"]] = self._readings.get(scope["path"], 0) + 1
        elif not is_crowded:
            self.about_to_write()
        if fault in READ_FAULTS:
            await self._misread(fault, scope, receive, send)
            return
        if not fault:
            await self._app(scope, receive, send)
            return
        self._count_fault(fault)
        answer = _Answer()
        if fault == "reset-taken":
            self._taken.append(_Taken(self._clock() + late * faults.lag / 1000, scope, await _body(receive)))
        elif fault not in _UNDONE and not is_crowded:
            await self._app(scope, receive, answer.take)
        if fault in _BROKEN:
            await self._break(send, answer if fault == "reset-body" else None)
        elif fault.isdigit():
            code = 20429 if is_crowded else 20500
            body = {"code": code, "message": "On purpose", "more_info": "", "status": int(fault)}
            await _reply(send, int(fault), json.dumps(body).encode())
        elif fault == "truncated":
            # A response without a body has nothing to cut.
            await _reply(send, answer.status, answer.body[: len(answer.body) // 2])
        elif fault == "invalid-json":
            await _reply(send, 200, b"{'sid': undefined}")
        else:
            await _reply(send, 200, b"<html><body>Please sign in</body></html>", b"text/html")

    def _count_fault(self, fault: str) -> None:
        self.injected[fault] = self.injected.get(fault, 0) + 1

    def _drawn(self, chance: float) -> str:
        for name, rate in self.faults.rates.items():
            chance -= rate
            if chance < 0:
                return name
        return ""

    async def _do_what_is_due(self) -> None:
        now = self._clock()
        due = [request for request in self._taken if request.due <= now]
        self._taken = [request for request in self._taken if request.due > now]
        for request in sorted(due, key=lambda request: request.due):
            # It counts as done when it was due, not at the next request: a stale read is never older than the lag.
            self._save_former(request.due)
            await self._app(request.scope, _given(request.body), _Answer().take)

    # --- reads -------------------------------------------------------------------------------------------------------

    def about_to_write(self) -> None:
        """Save the account before a write, for stale reads.

        For writers that bypass this application.
        """
        self._save_former(self._clock())

    def _save_former(self, at: float) -> None:
        """Save the account before a write that takes effect at a time."""
        if self._emulator is None or not self.faults.rates.get("stale"):
            return
        if self._former is None or at >= self._former_until:
            self.close()
            self._former = self._emulator.copied()
            self._former_until = at + self.faults.lag / 1000

    def _in_small_pages(self, scope: Scope) -> Scope:
        query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        asked = dict(query).get("PageSize", "")
        if not self.faults.pages or not asked.isdecimal() or int(asked) <= self.faults.pages:
            return scope
        query = [(name, str(self.faults.pages) if name == "PageSize" else value) for name, value in query]
        return {**scope, "query_string": urlencode(query).encode()}

    async def _misread(self, fault: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Inject a fault into a read, if it can have one."""
        answer = _Answer()
        await self._app(scope, receive, answer.take)
        # Unauthenticated clients see no former state either.
        wrong = None
        if scope["method"] == "GET" and answer.status in {200, 404}:
            wrong = self._as_it_was(scope) if fault == "stale" else self._moved(fault, answer)
        if wrong is None or wrong == (answer.status, answer.body):
            for message in answer.messages:
                await send(message)
            return
        self._count_fault(fault)
        await _reply(send, *wrong)

    def _as_it_was(self, scope: Scope) -> tuple[int, bytes] | None:
        if self._former is None or self._clock() >= self._former_until:
            return None
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        path = raw.partition(b"?")[0].decode("latin-1")
        reply = self._former.call("GET", path, query=scope.get("query_string", b"").decode("latin-1"))
        return reply.status, _text(reply.body)

    def _moved(self, fault: str, answer: _Answer) -> tuple[int, bytes] | None:
        """Return a page of a list that changed between pages; None for anything but a later page."""
        body: Any = json.loads(answer.body) if answer.status == 200 else {}
        meta: Any = body.get("meta") or {}
        if self._emulator is None or not meta.get("previous_page_url"):
            return None
        before = urlsplit(meta["previous_page_url"])
        previous: Any = self._emulator.call("GET", before.path, query=before.query).body
        key = meta["key"]
        if fault == "repeated":
            return 200, _text(previous)
        if fault == "overlapping":
            body[key] = [*previous[key][-1:], *body[key]]
        elif not self._may_shift(before.path):
            return None
        else:
            body[key] = body[key][1:]
        return 200, _text(body)

    def _may_shift(self, path: str) -> bool:
        """Return whether a reading of a list may be shifted: a list that always changes cannot be read at all."""
        path = unquote(path)
        reading = self._readings.get(path, 0)
        if 0 < reading - self._shifted.get(path, -_READINGS_BETWEEN_SHIFTS) < _READINGS_BETWEEN_SHIFTS:
            return False
        self._shifted[path] = reading
        return True

    # --- connections -------------------------------------------------------------------------------------------------

    async def _break(self, send: Send, answer: _Answer | None) -> None:
        """Break the connection; if there is a response, in the middle of its body."""
        if self.raises:
            raise ConnectionResetError("Connection reset by peer")
        if answer is not None:
            headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer.body) + 1).encode())]
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            half = answer.body[: len(answer.body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
        # uvicorn's own objects, because ASGI has no way to break a connection.
        transport: asyncio.Transport | None = getattr(getattr(send, "__self__", None), "transport", None)
        if transport is None:
            raise ConnectionResetError("Connection reset by peer")
        connection = transport.get_extra_info("socket")
        if answer is None and connection is not None:
            with suppress(OSError):
                # Closed without lingering: the client sees a reset, not the end of the stream.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        # The server notices it in the next iterations of the event loop, and then expects no response.
        for _ in range(3):
            await asyncio.sleep(0)


class FaultyEmulator(Emulator):
    """Create an emulator with fault injection.

    Args:
        store: As for the emulator.
        faults: The faults to inject.
        seed: The seed of the random choices.
        in_process: Whether it is called in this process instead of served; connections then break differently.
        options: As for the emulator.
    """

    def __init__(
        self, store: Store, faults: Faults, *, seed: int = 0, in_process: bool = False, **options: Any
    ) -> None:
        super().__init__(store, **options)
        self.faulty = Faulty(super().__call__, faults, seed=seed, emulator=self, raises=in_process)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        await self.faulty(scope, receive, send)


class _Answer:
    """The application's response, buffered."""

    def __init__(self) -> None:
        self.status = 500
        self.body = b""
        self.messages: list[Message] = []

    async def take(self, message: Message) -> None:
        """Receive a message as ASGI's `send`."""
        self.messages.append(message)
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.body += message.get("body", b"")


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _given(body: bytes) -> Receive:
    """Build ASGI's `receive` for a request whose body is known."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _text(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


async def _reply(send: Send, status: int, body: bytes, kind: bytes = b"application/json;charset=utf-8") -> None:
    headers = [(b"content-type", kind)]
    if status != 204:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
