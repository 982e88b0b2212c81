"""An ASGI application between the command and the account: it writes down what passes, and fails one write.

It knows HTTP and nothing else: neither plans nor configurations, nor what the command meant by a request.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar, get_args
from urllib.parse import parse_qs

from reconciler.emulator.app import Message, Receive, Scope, Send
from tests.oracles.account import Account, State

Failure = Literal["refused", "lost", "unavailable", "killed before", "killed after"]
"""What becomes of one write.

``refused``: answered 400 and not performed. ``lost``: performed, and the connection breaks before the answer.
``unavailable``: performed, and answered 503. ``killed before``, ``killed after``: the process ends before the write
arrives, or after it was performed.
"""
FAILURES: tuple[Failure, ...] = get_args(Failure)

Result = TypeVar("Result")
Form: TypeAlias = Mapping[str, Sequence[str]]


class Killed(KeyboardInterrupt):
    """The end of the process, as the command line sees it: nothing that it does after this is kept."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer.

    Attributes:
        method: the HTTP method.
        path: the path, without the query.
        form: the body's keys with their values.
        status: how the account answered; 0 when the request never arrived.
        sid: the SID in the answer's body; empty when it has none.
        before: what the account held before; only for deletes, and only where it is wanted.
    """

    method: str
    path: str
    form: Form
    status: int
    sid: str = ""
    before: State | None = None

    @property
    def is_write(self) -> bool:
        return self.method != "GET"

    def __str__(self) -> str:
        fields = " ".join(f"{key}={','.join(values)}" for key, values in self.form.items())
        return f"{self.method} {self.path} {fields} -> {self.status}"


@dataclass
class Fault:
    """What goes wrong.

    Attributes:
        failure: how.
        at: for which write, counted from 0.
    """

    failure: Failure
    at: int

    def __str__(self) -> str:
        return f"write {self.at} {self.failure}"


class Recorder:
    """Passes requests on to an account.

    Args:
        account: the account.
        fault: what goes wrong; nothing when left out.
        at_death: called when the process dies, before anything else can happen.
        with_states: whether to keep what the account held before each delete.

    Attributes:
        log: what passed, oldest first.
        death: set when the process is killed: nothing that it sends arrives any more.
    """

    def __init__(
        self,
        account: Account,
        fault: Fault | None = None,
        *,
        at_death: Callable[[], None] = lambda: None,
        with_states: bool = False,
    ) -> None:
        self.account = account
        self.fault = fault
        self.store = account.emulator.store
        self.log: list[Exchange] = []
        self.death = asyncio.Event()
        self._at_death = at_death
        self._with_states = with_states
        self._writes = 0

    @property
    def is_dead(self) -> bool:
        return self.death.is_set()

    async def until_death(self, work: Coroutine[Any, Any, Result]) -> Result | None:
        """Do some work; gives its result, or None as soon as the process is killed."""
        task, death = asyncio.ensure_future(work), asyncio.ensure_future(self.death.wait())
        await asyncio.wait({task, death}, return_when=asyncio.FIRST_COMPLETED)
        death.cancel()
        return None if self.is_dead else task.result()

    @property
    def writes(self) -> list[Exchange]:
        return [exchange for exchange in self.log if exchange.is_write]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.is_dead:
            await _never()
        body = await _body(receive)
        failure = self._failure(scope["method"])
        if failure in {"refused", "killed before"}:
            self._keep(scope, body, 0, b"", None)
            if failure == "killed before":
                await self._die()
            await _answer(send, 400, {"code": 20001, "message": "refused by the test", "status": 400})
            return
        wanted = self._with_states and scope["method"] == "DELETE"
        before = self.account.state() if wanted else None
        answer: list[Message] = []

        async def given() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def taken(message: Message) -> None:
            answer.append(message)

        await self.account.emulator(scope, given, taken)
        content = b"".join(message.get("body", b"") for message in answer)
        self._keep(scope, body, answer[0]["status"], content, before)
        match failure:
            case "killed after":
                await self._die()
            case "lost":
                raise ConnectionError("the connection broke")
            case "unavailable":
                await _answer(send, 503, {"code": 20503, "message": "Service unavailable", "status": 503})
            case _:
                for message in answer:
                    await send(message)

    def _failure(self, method: str) -> Failure | None:
        if method == "GET":
            return None
        number, self._writes = self._writes, self._writes + 1
        return self.fault.failure if self.fault is not None and self.fault.at == number else None

    def _keep(self, scope: Scope, body: bytes, status: int, content: bytes, before: State | None) -> None:
        form = parse_qs(body.decode(), keep_blank_values=True)
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        path = raw.partition(b"?")[0].decode()
        sid = ""
        if scope["method"] == "POST" and content:
            sid = str(json.loads(content).get("sid", ""))
        self.log.append(Exchange(scope["method"], path, form, status, sid, before))

    async def _die(self) -> None:
        self._at_death()
        self.death.set()
        await _never()


async def _never() -> None:
    """Whoever asks is dead, and hears nothing."""
    await asyncio.get_running_loop().create_future()


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _answer(send: Send, status: int, content: Any) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(content).encode()})
