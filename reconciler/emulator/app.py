"""The emulator as an ASGI application.

Takes HTTP requests, finds their operation in the contract, checks their parameters, runs the family's behavior inside
one transaction, and responds as Twilio does: bodies, error bodies, headers. The state of the account is in the store.
The work of each request is synchronous, so requests of one process never interleave.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import copy
import json
import random
import re
import sqlite3
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import unquote

from reconciler.emulator import contract
from reconciler.emulator.arguments import Arguments, judge, read_form, read_pairs
from reconciler.emulator.behavior import TABLE, account, bindings, messages, timers, webhooks
from reconciler.emulator.behavior.context import (
    Behavior,
    Context,
    Reply,
    Surroundings,
    not_found,
    write_date,
)
from reconciler.emulator.errors import (
    METHOD_NOT_ALLOWED,
    TOO_MANY_REQUESTS,
    UNAUTHENTICATED,
    UNAVAILABLE,
    ApiError,
    refused,
)
from reconciler.emulator.rules import Rules
from reconciler.emulator.store import Facts, Store
from reconciler.emulator.transient import Key, Transients

# ASGI's own types: messages are open mappings by the specification.
Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

TWILIO_URL = "https://conversations.twilio.com"
REMEMBERED_REQUESTS = 100_000

_PRIMARY = 0xFF
"""The part of a SQLite error code that is the primary code."""
_UNWRITABLE = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN})

_ENCODED_SLASH = "%2f"
_API_KEY = re.compile(r"SK[0-9a-fA-F]{32}\Z")


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """A request received over ASGI.

    Attributes:
        method: The HTTP method.
        path: The path as sent, with the query if there was one.
        status: The status of the response.
        request_id: The response's Twilio-Request-Id.
        form: Keys of the body with their values; empty without a form.
        headers: The headers as sent, names in lower case, without credentials.
    """

    method: str
    path: str
    status: int
    request_id: str
    form: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]


class _Request(NamedTuple):
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Admission:
    """A request being processed: its form, the resource it locks, and the error if it is refused."""

    form: Mapping[str, Sequence[str]] = field(default_factory=dict)
    key: Key | None = None
    refusal: ApiError | None = None


class Emulator:
    """An account of Twilio Conversations v1, as an ASGI application.

    Args:
        store: The store of the account; an empty one gets a new account. The caller closes it.
        rules: The selected readings of unverified facts.
        base_url: Scheme and host of the URLs in responses, without a slash at the end.
        require_auth: Whether requests need credentials (401 with code 20003 otherwise): the account's SID, or any API
            key SID (SK and 32 hexadecimal digits), with the auth token as the password.
        auth_token: That password.
        latency_ms: The delay of every response in milliseconds, during which other requests are processed.
        clock: Returns the current time with its zone; the system's clock by default. Timers use it.
        concurrency_limit: The maximum number of concurrent requests; further ones get 429 with code 20429 and are not
            processed (error dictionary). No limit by default.
        writes_per_second: The maximum number of writes to a service, or to a conversation, in one second; further ones
            get 429 with code 50063 or 50074. No limit by default.
        conflicts: Whether a write to a resource that another request is writing gets 409 with code 20162, 50213, 50391,
            or 50419. Requests overlap during their latency.
        deletion_seconds: How long a deleted service responds with 409 and code 50002 before it is gone.
        entropy: The source of SIDs and request IDs; the system's by default. With a seed, every response is repeatable.

    Attributes:
        requests: The latest 100,000 requests over ASGI.
        rules: The readings in effect; may be replaced between requests.
        base_url: As given; may be replaced when the server knows its port.
    """

    def __init__(
        self,
        store: Store,
        *,
        rules: Rules = Rules(),  # noqa: B008 — frozen, so one instance may serve all
        base_url: str = TWILIO_URL,
        require_auth: bool = False,
        auth_token: str = "emulator",  # noqa: S107 — the documented token of a local emulator, no secret
        latency_ms: float = 0,
        clock: Callable[[], datetime] | None = None,
        concurrency_limit: int | None = None,
        writes_per_second: int | None = None,
        conflicts: bool = False,
        deletion_seconds: float = 0,
        entropy: random.Random | None = None,
    ) -> None:
        self.store = store
        self.rules = rules
        self.base_url = base_url
        self.requests: deque[RequestRecord] = deque(maxlen=REMEMBERED_REQUESTS)
        self._require_auth = require_auth
        self._auth_token = auth_token
        self._latency = latency_ms / 1000
        self._concurrency_limit = concurrency_limit
        self._clock = clock or _system_clock
        self._transients = Transients(
            store,
            writes_per_second=writes_per_second,
            conflicts=conflicts,
            deletion=timedelta(seconds=deletion_seconds),
        )
        self._entropy = entropy or random.Random()  # noqa: S311 - SIDs need to be distinct, not secret
        # Separate from SIDs, so that reads do not change the SIDs of later writes.
        self._request_ids = random.Random(self._entropy.getrandbits(64))  # noqa: S311 - likewise
        self._in_flight = 0
        self._contract = contract.load()
        self._make_account()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection: `http` or `lifespan`."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            raise NotImplementedError(f"The API is available over HTTP, not over {scope['type']}.")

    def call(
        self, method: str, path: str, form: Mapping[str, str | Sequence[str]] | None = None, *, query: str = ""
    ) -> Reply:
        """Process one request without HTTP, to prepare or inspect an account.

        It needs no credentials, has no latency, and is not among ``requests``.

        Args:
            method: GET, POST or DELETE.
            path: The path from `/v1` on, percent-encoded.
            form: Keys of the body; a list of values repeats the key.
            query: The encoded query.

        Returns:
            Status and body, also of refusals.
        """
        pairs = {key: [value] if isinstance(value, str) else list(value) for key, value in (form or {}).items()}
        try:
            return self._answer(method.upper(), path, query, {}, pairs)
        except ApiError as error:
            return Reply(error.status, error.body())

    def copied(self) -> Emulator:
        """Copy the account as it is now, to inspect it. The caller closes the copy's store."""
        other = copy.copy(self)
        other.store = self.store.copied()
        return other

    def add_binding(
        self,
        service_sid: str,
        *,
        identity: str,
        binding_type: bindings.BindingType = "apn",
        endpoint: str = "device",
        credential_sid: str | None = None,
    ) -> str:
        """Register a device for push notifications, as only an SDK can; return the binding's SID."""
        with self.store.transaction(write=True):
            facts = bindings.facts(
                stamp=write_date(self._clock()),
                identity=identity,
                binding_type=binding_type,
                endpoint=endpoint,
                credential_sid=credential_sid,
            )
            return self.store.add("binding", self._around().new_sid("BS"), service_sid, facts).sid

    def deliver(self, receipt_sid: str, status: messages.Status, *, error_code: int = 0) -> None:
        """Set the status of a delivery receipt, as only a carrier can.

        Raises:
            KeyError: There is no such receipt.
        """
        with self.store.transaction(write=True):
            receipt = self.store.get("receipt", receipt_sid)
            if receipt is None:
                raise KeyError(receipt_sid)
            receipt.facts.update(status=status, error_code=error_code, date_updated=write_date(self._clock()))
            self.store.put(receipt)

    def snapshot(self) -> dict[str, Facts]:
        """Return everything in the account by SID, for comparison.

        A resource has its kind, parent, name (natural key), and facts as stored; a service contains its configuration
        and webhooks; secrets of credentials are digests. Equal contents give equal snapshots, regardless of the rules.
        """
        self._run_timers(write_date(self._clock()))
        return {
            row.sid: {"kind": row.kind, "parent": row.parent, "name": row.name, **row.facts}
            for row in self.store.everything()
        }

    def _make_account(self) -> None:
        store = self.store
        if store.get("account", store.account_sid) is not None:
            return
        with store.transaction(write=True):
            # Another process may have been faster.
            if store.get("account", store.account_sid) is None:
                account.create(self._context("GET", "/v1/Configuration", {}, Arguments({})))

    def _context(self, method: str, path: str, values: Mapping[str, str], arguments: Arguments) -> Context:
        match = self._match(path)
        assert match is not None
        return Context(
            self._around(),
            now=self._clock(),
            base_url=self.base_url,
            operation=match.operations[method],
            path=path,
            values=values,
            arguments=arguments,
        )

    def _around(self) -> Surroundings:
        return Surroundings(self.store, self.rules, self._entropy)

    def _run_timers(self, now: str) -> None:
        if self.store.due(now):
            with self.store.transaction(write=True):
                timers.run(self.store, now)

    def _answer(
        self, method: str, path: str, query: str, headers: Mapping[str, str], form: Mapping[str, Sequence[str]]
    ) -> Reply:
        match = self._match(path)
        if match is None:
            raise not_found(path)
        operation = match.operations.get(method)
        if operation is None:
            raise ApiError(405, METHOD_NOT_ALLOWED, "Method not allowed")
        behavior = TABLE[operation.method, operation.path]
        arguments = judge(
            operation,
            behavior.faults,
            read_pairs(query),
            form,
            headers,
            refuse_unknown=self.rules.unknown_parameter == "refused",
        )
        self._refuse_empty_update(operation, behavior, arguments)
        context = self._context(method, path, match.values, arguments)
        try:
            self._run_timers(context.stamp)
            with self.store.transaction(write=method != "GET"):
                return behavior.run(context)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & _PRIMARY in _UNWRITABLE:
                # Not 503: a retry would find the same.
                raise ApiError(507, UNAVAILABLE, f"The emulator's database cannot be written: {error}") from error
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            raise ApiError(503, UNAVAILABLE, "Another process has locked the emulator's database") from error

    def _match(self, path: str) -> contract.Match | None:
        """Find the operations of a requested path, including aliases; None if there are none."""
        if self.rules.slash_in_path == "not_found" and _ENCODED_SLASH in path.lower():
            return None
        return self._contract.match(webhooks.ALIASES.get(unquote(path), path))

    def _refuse_empty_update(self, operation: contract.Operation, behavior: Behavior, arguments: Arguments) -> None:
        """Refuse an update without parameters if the rule says so, or if the resource always does."""
        may_be_empty = behavior.may_update_nothing and self.rules.empty_update == "allowed"
        if operation.is_update and not arguments and not may_be_empty:
            raise refused(behavior.empty_update, "The update has no parameters")

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._in_flight += 1
        begun = time.perf_counter()
        admission = _Admission()
        try:
            request = await _read(scope, receive)
            if request is None:
                return
            crowded = self._concurrency_limit is not None and self._in_flight > self._concurrency_limit
            admission = self._admission(request, crowded=crowded)
            if self._latency and not crowded:
                await asyncio.sleep(self._latency)
            request_id = f"RQ{self._request_ids.getrandbits(128):032x}"
            reply = self._reply(request, admission)
            path = f"{request.path}?{request.query}" if request.query else request.path
            headers = {name: value for name, value in request.headers.items() if name != "authorization"}
            self.requests.append(RequestRecord(request.method, path, reply.status, request_id, admission.form, headers))
            headers = {
                "Twilio-Request-Id": request_id,
                "Twilio-Concurrent-Requests": str(self._in_flight),
                "Twilio-Request-Duration": f"{time.perf_counter() - begun:.3f}",
            }
            if emulator_id := self.store.public_id():
                headers["Emulator-Id"] = emulator_id
            if reply.status == 401:
                headers["WWW-Authenticate"] = 'Basic realm="Twilio API"'
            await _write(send, reply, headers)
        finally:
            self._transients.end(admission.key)
            self._in_flight -= 1

    def _admission(self, request: _Request, *, crowded: bool) -> _Admission:
        """Refuse a request that cannot be processed, before it waits for its turn."""
        form: Mapping[str, Sequence[str]] = {}
        try:
            _admit(crowded=crowded)
            self._authenticate(request.headers.get("authorization"))
            form = read_form(request.headers.get("content-type"), request.body)
            match = self._match(request.path)
            key = self._transients.begin(match, request.method, form, self._clock()) if match else None
        except ApiError as error:
            return _Admission(form, refusal=error)
        return _Admission(form, key)

    def _reply(self, request: _Request, admission: _Admission) -> Reply:
        try:
            if admission.refusal is not None:
                raise admission.refusal
            reply = self._answer(request.method, request.path, request.query, request.headers, admission.form)
        except ApiError as error:
            return Reply(error.status, error.body())
        if reply.status == 204:
            match = self._match(request.path)
            assert match is not None
            self._transients.deleted(match, self._clock())
        return reply

    def _authenticate(self, header: str | None) -> None:
        if not self._require_auth:
            return
        scheme, _, encoded = (header or "").partition(" ")
        if scheme.lower() == "basic":
            try:
                user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                user = password = ""
            if password == self._auth_token and (user == self.store.account_sid or _API_KEY.match(user)):
                return
        raise ApiError(401, UNAUTHENTICATED, "Authenticate")


def _admit(*, crowded: bool) -> None:
    if crowded:
        raise ApiError(429, TOO_MANY_REQUESTS, "Too many concurrent requests")


def _system_clock() -> datetime:
    return datetime.now(UTC)


async def _live(receive: Receive, send: Send) -> None:
    """Handle the ASGI lifespan: there is nothing to start, and the caller closes the store."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _read(scope: Scope, receive: Receive) -> _Request | None:
    """Read the whole request; None if the client disconnected."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    return _Request(
        method=scope["method"],
        path=raw_path.partition(b"?")[0].decode("latin-1"),
        query=scope.get("query_string", b"").decode("latin-1"),
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
        body=body,
    )


async def _write(send: Send, reply: Reply, headers: Mapping[str, str]) -> None:
    content = b"" if reply.body is None else json.dumps(reply.body, ensure_ascii=False, separators=(",", ":")).encode()
    sent = dict(headers)
    if reply.body is not None:
        sent["Content-Type"] = "application/json;charset=utf-8"
        sent["Content-Length"] = str(len(content))
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in sent.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})
    await send({"type": "http.response.body", "body": content})
