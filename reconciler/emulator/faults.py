"""Everything that can go wrong between a client and the API, on purpose and repeatably.

`Faulty` stands in front of an ASGI application, in process or served, and lets some of its requests go wrong as a
`Faults` says: late answers, too many at once, server errors, broken connections before and after the work was done,
answers that are none. What goes wrong when is drawn from a seed, so the same requests in the same order meet the same.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.emulator.app import Emulator, Message, Receive, Scope, Send
from reconciler.emulator.errors import EmulatorError
from reconciler.emulator.store import Store

FAULTS: Mapping[str, str] = {
    "500": "an error of the server; nothing was done",
    "502": "an error of a gateway; nothing was done",
    "503": "the service is busy; nothing was done",
    "504": "a gateway had no answer in time, and the work was done",
    "reset-before": "the connection breaks before the request is taken",
    "reset-after": "the connection breaks after the work was done",
    "truncated": "the work was done, and the answer's JSON ends in its middle",
    "invalid-json": "the work was done, and the answer is no JSON",
    "wrong-type": "the work was done, and the answer is a page of HTML",
}
"""What can go wrong with one request, by the name that a specification calls it by."""

_BROKEN = {"reset-before", "reset-after"}
_UNDONE = {"500", "502", "503", "reset-before"}
_AMOUNTS = ("latency", "jitter", "crowd")

Wait = Callable[[float], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong, and how often.

    Attributes:
        rates: the share of requests, 0 to 1, that each of `FAULTS` befalls; 1 at most in all.
        latency: how many milliseconds every answer waits.
        jitter: up to how many more.
        crowd: how many requests may be under way at once, one more being answered 429; 0 for any number.
    """

    rates: Mapping[str, float] = field(default_factory=dict)
    latency: float = 0
    jitter: float = 0
    crowd: int = 0

    @classmethod
    def parse(cls, text: str) -> Faults:
        """Read a specification: ``503=0.1,reset-after=0.05,latency=20,jitter=50,crowd=8``.

        ``any=0.2`` spreads a share over all faults that are not named.

        Raises:
            EmulatorError: it is none; the message says why.
        """
        rates: dict[str, float] = {}
        amounts: dict[str, float] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, _, told = part.partition("=")
            try:
                number = float(told)
            except ValueError:
                number = -1.0
            is_amount = name in _AMOUNTS
            if not is_amount and name not in {*FAULTS, "any"}:
                raise EmulatorError(f"{name!r} is no fault; there are {', '.join((*FAULTS, 'any', *_AMOUNTS))}")
            if not 0 <= number <= (60_000 if is_amount else 1):
                wanted = "a number from 0 to 60000" if is_amount else "a share from 0 to 1"
                raise EmulatorError(f"{name} takes {wanted}, as in {name}={'8' if is_amount else '0.1'}")
            (amounts if is_amount else rates)[name] = number
        if "any" in rates:
            share, rest = rates.pop("any"), [name for name in FAULTS if name not in rates]
            rates.update({name: share / len(rest) for name in rest})
        if sum(rates.values()) > 1 + 1e-9:
            raise EmulatorError("the shares of all faults together are more than 1")
        crowd = amounts.get("crowd", 0)
        return cls(rates, amounts.get("latency", 0), amounts.get("jitter", 0), int(crowd))


class Faulty:
    """An ASGI application that gets some of its requests wrong.

    Args:
        app: the application that gets them right.
        faults: what goes wrong; may be replaced between requests.
        seed: what is drawn from.
        raises: how a connection breaks: in process by a `ConnectionResetError`; a server closes a connection by itself
            when an answer ends before its announced length.
        sleep: waits for the latency; for tests.

    Attributes:
        befallen: how many requests each fault befell, by name; ``429`` for the crowd.
    """

    def __init__(
        self, app: App, faults: Faults, *, seed: int = 0, raises: bool = True, sleep: Wait = asyncio.sleep
    ) -> None:
        self.faults = faults
        self.befallen: dict[str, int] = {}
        self._app = app
        self._random = random.Random(seed)  # noqa: S311 - what can be repeated is what is wanted
        self._raises = raises
        self._sleep = sleep
        self._under_way = 0

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

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        faults = self.faults
        # Drawn at the beginning, and the same number for each request, whatever comes of it.
        chance, late = self._random.random(), self._random.random()
        is_crowded = 0 < faults.crowd < self._under_way
        wait = (faults.latency + faults.jitter * late) / 1000
        if wait and not is_crowded:
            await self._sleep(wait)
        fault = "429" if is_crowded else self._drawn(chance)
        if not fault:
            await self._app(scope, receive, send)
            return
        self.befallen[fault] = self.befallen.get(fault, 0) + 1
        answer = _Answer()
        if fault not in _UNDONE and not is_crowded:
            await self._app(scope, receive, answer.take)
        if fault in _BROKEN:
            await self._break(send)
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

    def _drawn(self, chance: float) -> str:
        for name, rate in self.faults.rates.items():
            chance -= rate
            if chance < 0:
                return name
        return ""

    async def _break(self, send: Send) -> None:
        if self._raises:
            raise ConnectionResetError("Connection reset by peer")
        headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})


class FaultyEmulator(Emulator):
    """An emulator that gets some of its requests wrong, for being served.

    Args:
        store: as for the emulator.
        faults: what goes wrong.
        seed: what is drawn from.
        options: as for the emulator.
    """

    def __init__(self, store: Store, faults: Faults, *, seed: int = 0, **options: Any) -> None:
        super().__init__(store, **options)
        self._faulty = Faulty(super().__call__, faults, seed=seed, raises=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        await self._faulty(scope, receive, send)


class _Answer:
    """What the application answered, kept back."""

    def __init__(self) -> None:
        self.status = 500
        self.body = b""

    async def take(self, message: Message) -> None:
        """Stand in for ASGI's `send`."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.body += message.get("body", b"")


async def _reply(send: Send, status: int, body: bytes, kind: bytes = b"application/json;charset=utf-8") -> None:
    headers = [(b"content-type", kind)]
    if status != 204:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
