"""Everything that can go wrong between a client and the API, on purpose and repeatably.

`Faulty` stands in front of an ASGI application, in process or served, and lets some of its requests go wrong as a
`Faults` says: late answers, too many at once, server errors, connections that break before, during and after the work,
answers that are none, reads of a former state, lists that move while they are paged. What goes wrong when is drawn from
a seed, so the same requests in the same order meet the same.
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
    "500": "an error of the server; nothing was done",
    "502": "an error of a gateway; nothing was done",
    "503": "the service is busy; nothing was done",
    "504": "a gateway had no answer in time, and the work was done",
    "reset-before": "the connection breaks before the request is taken",
    "reset-taken": "the connection breaks when the request was taken, and the work is done up to a lag later",
    "reset-after": "the connection breaks after the work was done",
    "reset-body": "the work was done, and the connection breaks in the middle of the answer's body",
    "truncated": "the work was done, and the answer's JSON ends in its middle",
    "invalid-json": "the work was done, and the answer is no JSON",
    "wrong-type": "the work was done, and the answer is a page of HTML",
}
"""What can go wrong with any request, by the name that a specification calls it by."""

READ_FAULTS: Mapping[str, str] = {
    "stale": "a read shows the account as it was before the writes of the last lag",
    "shifted": "a further page lacks its first item, as when one before it was deleted meanwhile; "
    "of four readings of a list in one at most",
    "overlapping": "a further page begins with the last item of the page before it",
    "repeated": "instead of a further page the one before it comes again",
}
"""What can go wrong with a read."""

AMOUNTS: Mapping[str, str] = {
    "latency": "how many milliseconds every answer waits",
    "jitter": "up to how many milliseconds more, drawn for each",
    "crowd": "how many requests may be under way at once, one more being answered 429",
    "lag": "how many milliseconds stale reads and late work lag behind at most (1000)",
    "pages": "how many items a page has at most, so that small lists have several",
}
"""What a specification takes besides, each with a number."""

ANY, ANY_READ = "any", "any-read"
_BROKEN = {"reset-before", "reset-taken", "reset-after", "reset-body"}
_UNDONE = {"500", "502", "503", "reset-before", "reset-taken"}
_WHOLE = {"crowd", "pages"}
_READINGS_BETWEEN_SHIFTS = 4

Wait = Callable[[float], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong, and how often.

    Attributes:
        rates: the share of requests, 0 to 1, that each of `FAULTS` and `READ_FAULTS` befalls; 1 at most in all. A fault
            of reads that is drawn for anything else befalls nobody.
        latency: how many milliseconds every answer waits.
        jitter: up to how many more.
        crowd: how many requests may be under way at once, one more being answered 429; 0 for any number.
        lag: how many milliseconds stale reads, and work that is done late, lag behind at most.
        pages: how many items a page has at most; 0 for as many as are asked for.
    """

    rates: Mapping[str, float] = field(default_factory=dict)
    latency: float = 0
    jitter: float = 0
    crowd: int = 0
    lag: float = 1000
    pages: int = 0

    @classmethod
    def parse(cls, text: str) -> Faults:
        """Read a specification: ``503=0.1,reset-after=0.05,latency=20,jitter=50,crowd=8``.

        ``any=0.2`` spreads a share over all of `FAULTS` that are not named, ``any-read=0.2`` over `READ_FAULTS`.

        Raises:
            EmulatorError: it is none; the message says why.
        """
        told: dict[str, float] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, _, number = part.partition("=")
            if name in told:
                raise EmulatorError(f"{name} is there twice")
            told[name] = _number(name, number)
        rates = {name: number for name, number in told.items() if name in FAULTS or name in READ_FAULTS}
        for word, faults in ((ANY, FAULTS), (ANY_READ, READ_FAULTS)):
            rest = [name for name in faults if name not in told]
            if word in told and rest:
                rates.update({name: told[word] / len(rest) for name in rest})
        if sum(rates.values()) > 1 + 1e-9:
            raise EmulatorError("the shares of all faults together are more than 1")
        amounts = {name: told[name] for name in AMOUNTS if name in told}
        return cls(
            rates,
            latency=amounts.get("latency", 0),
            jitter=amounts.get("jitter", 0),
            crowd=int(amounts.get("crowd", 0)),
            lag=amounts.get("lag", 1000),
            pages=int(amounts.get("pages", 0)),
        )


def _number(name: str, text: str) -> float:
    """What a specification says of a name, when it is a fitting number."""
    if name not in {*FAULTS, *READ_FAULTS, *AMOUNTS, ANY, ANY_READ}:
        known = ", ".join((*FAULTS, ANY, *READ_FAULTS, ANY_READ, *AMOUNTS))
        raise EmulatorError(f"{name!r} is no fault; there are {known}")
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    most, wanted, example = 1.0, "a share from 0 to 1", "0.1"
    if name in AMOUNTS:
        most, wanted, example = 60_000.0, "a number from 0 to 60000", "8"
    if name in _WHOLE:
        wanted = "a whole number from 0 to 60000"
    if not 0 <= number <= most or (name in _WHOLE and not number.is_integer()):
        raise EmulatorError(f"{name} takes {wanted}, as in {name}={example}")
    return number


@dataclass(frozen=True, slots=True)
class _Taken:
    """A request that was taken and whose work is yet to be done."""

    due: float
    scope: Scope
    body: bytes


class Faulty:
    """An ASGI application that gets some of its requests wrong.

    Args:
        app: the application that gets them right.
        faults: what goes wrong; may be replaced between requests.
        seed: what is drawn from.
        emulator: whose former states and pages are shown by `READ_FAULTS`; the application itself when it is one.
            Without one nothing of that befalls.
        raises: how a connection breaks: in process by a `ConnectionResetError`; served, by a reset of the connection.
        sleep: waits for the latency; for tests.
        clock: seconds that only go up, for the lag; for tests.

    Attributes:
        befallen: how many requests each fault befell, by name; ``429`` for the crowd.
        raises: as given; may be replaced between requests.
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
        self.befallen: dict[str, int] = {}
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
        """Serve one ASGI connection; only HTTP goes wrong."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._under_way += 1
        try:
            await self._serve(scope, receive, send)
        finally:
            self._under_way -= 1

    async def settle(self) -> None:
        """Do all work that was taken and not yet done."""
        taken, self._taken = self._taken, []
        for request in taken:
            await self._app(request.scope, _given(request.body), _Answer().take)

    def close(self) -> None:
        """Forget the former state."""
        if self._former is not None:
            self._former.store.close()
            self._former = None

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        faults = self.faults
        # Drawn at the beginning, and the same number for each request, whatever comes of it.
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
        self._befell(fault)
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
            # An answer without a body has nothing that could be cut.
            await _reply(send, answer.status, answer.body[: len(answer.body) // 2])
        elif fault == "invalid-json":
            await _reply(send, 200, b"{'sid': undefined}")
        else:
            await _reply(send, 200, b"<html><body>Please sign in</body></html>", b"text/html")

    def _befell(self, fault: str) -> None:
        self.befallen[fault] = self.befallen.get(fault, 0) + 1

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
        for request in due:
            self.about_to_write()
            await self._app(request.scope, _given(request.body), _Answer().take)

    # --- reads -------------------------------------------------------------------------------------------------------

    def about_to_write(self) -> None:
        """Before a write: keep the account as it is, to be shown to those who read it stale.

        For whoever writes past this application.
        """
        if self._emulator is None or not self.faults.rates.get("stale"):
            return
        now = self._clock()
        if self._former is None or now >= self._former_until:
            self.close()
            self._former = self._emulator.copied()
            self._former_until = now + self.faults.lag / 1000

    def _in_small_pages(self, scope: Scope) -> Scope:
        query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        asked = dict(query).get("PageSize", "")
        if not self.faults.pages or not asked.isdecimal() or int(asked) <= self.faults.pages:
            return scope
        query = [(name, str(self.faults.pages) if name == "PageSize" else value) for name, value in query]
        return {**scope, "query_string": urlencode(query).encode()}

    async def _misread(self, fault: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a read go wrong, if it is one that can."""
        answer = _Answer()
        await self._app(scope, receive, answer.take)
        # Who is not let in sees no former state either.
        wrong = None
        if scope["method"] == "GET" and answer.status in {200, 404}:
            wrong = self._as_it_was(scope) if fault == "stale" else self._moved(fault, answer)
        if wrong is None or wrong == (answer.status, answer.body):
            for message in answer.messages:
                await send(message)
            return
        self._befell(fault)
        await _reply(send, *wrong)

    def _as_it_was(self, scope: Scope) -> tuple[int, bytes] | None:
        if self._former is None or self._clock() >= self._former_until:
            return None
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        path = raw.partition(b"?")[0].decode("latin-1")
        reply = self._former.call("GET", path, query=scope.get("query_string", b"").decode("latin-1"))
        return reply.status, _text(reply.body)

    def _moved(self, fault: str, answer: _Answer) -> tuple[int, bytes] | None:
        """A page of a list that changed while it was paged; None for anything but a further page."""
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
        """Whether a reading of that list may be shifted: a list that changes all the time cannot be read by anybody."""
        path = unquote(path)
        reading = self._readings.get(path, 0)
        if 0 < reading - self._shifted.get(path, -_READINGS_BETWEEN_SHIFTS) < _READINGS_BETWEEN_SHIFTS:
            return False
        self._shifted[path] = reading
        return True

    # --- connections -------------------------------------------------------------------------------------------------

    async def _break(self, send: Send, answer: _Answer | None) -> None:
        """Break the connection; with an answer, in the middle of its body."""
        if self.raises:
            raise ConnectionResetError("Connection reset by peer")
        if answer is not None:
            headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer.body) + 1).encode())]
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            half = answer.body[: len(answer.body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
        # uvicorn's own objects, as the contract of ASGI knows no way to break a connection.
        transport: asyncio.Transport | None = getattr(getattr(send, "__self__", None), "transport", None)
        if transport is None:
            raise ConnectionResetError("Connection reset by peer")
        connection = transport.get_extra_info("socket")
        if answer is None and connection is not None:
            with suppress(OSError):
                # Closed without lingering: the other side sees a reset, and not an end.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        # The server hears of it in the loop's next rounds, and then misses no answer.
        for _ in range(3):
            await asyncio.sleep(0)


class FaultyEmulator(Emulator):
    """An emulator that gets some of its requests wrong.

    Args:
        store: as for the emulator.
        faults: what goes wrong.
        seed: what is drawn from.
        in_process: whether it is called in this process rather than served, where connections break in another way.
        options: as for the emulator.
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
    """What the application answered, kept back."""

    def __init__(self) -> None:
        self.status = 500
        self.body = b""
        self.messages: list[Message] = []

    async def take(self, message: Message) -> None:
        """Stand in for ASGI's `send`."""
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
    """ASGI's `receive` of a request whose body is known."""

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
