"""Twilio over HTTP: who asks, where, how many at once, page by page, and what an answer means.

The only importer of httpx. `ReadClient` has no way to write, and is all that plan, drift, export and validate ever
hold; `Client` adds create, update and delete. Errors are `reconciler.errors`, never the library's own. Knows nothing of
kinds: paths and forms come in, JSON goes out. Sends again what is safe to be sent again (`reconciler.api.retry`). Never
follows a redirect, never sends credentials to any host but the one it was made for, and takes ``http://`` on the
loopback interface only.
"""

from __future__ import annotations

import asyncio
import base64
import builtins
import hashlib
import json
import re
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import urlencode, urlsplit

import httpx

from reconciler import __version__, logs
from reconciler.api.rate_limit import RateLimit
from reconciler.api.retry import ConcurrencyLimit, Retry, is_ambiguous, is_refused_for_now, no_retries, retry_reason
from reconciler.errors import (
    ApiError,
    Intercepted,
    Malformed,
    OutOfTime,
    Refusal,
    Refused,
    TooLarge,
    Unreachable,
    Unsent,
    UsageError,
    cause_of,
)
from reconciler.json_text import Json
from reconciler.redaction import Redaction

TWILIO_HOST = "conversations.twilio.com"
"""Source: the OpenAPI description, servers."""
EDGES: Mapping[str, str] = {
    "au1": "sydney",
    "br1": "sao-paulo",
    "de1": "frankfurt",
    "ie1": "dublin",
    "jp1": "tokyo",
    "jp2": "osaka",
    "sg1": "singapore",
    "us1": "ashburn",
    "us2": "umatilla",
}
"""The edge of each region. Hosts of a region without an edge ended in April 2026. Sources: twilio-cli-core, config.js;
Twilio docs, legacy regions."""

_LABEL = re.compile(r"[A-Za-z0-9-]+\Z")
_ACCOUNT_SID = re.compile(r"AC[0-9a-fA-F]{32}")
_WEBHOOK_HEADER = "X-Twilio-Webhook-Enabled"
_EMULATOR_HEADER = "Emulator-Id"
"""Of the built-in emulator: names its database. Twilio sends no such header, and only this machine is believed."""
_LONGEST_ID = 64
"""Source: the OpenAPI description; without it a REST call fires no webhook (Twilio docs, Conversations webhooks)."""

_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_MOST_CODES = 10**9
_LONGEST_WORDS = 2000
"""So much of what an API says of an error is kept."""
_LONGEST_ANSWER = 60.0
"""Seconds for one answer as a whole; the limit above is for each piece of it."""
_FIRST_ERROR, _FIRST_SERVER_ERROR = 400, 500
_TOO_MANY = 429
_LARGEST_ANSWER = 10_000_000
"""Bytes of one answer, unpacked. The largest that Twilio gives is a page of 50 users or conversations: each has at most
16,384 characters of attributes, which JSON in JSON writes as six bytes each at worst, so 5 MB."""
_LATE_WRITE = 10.0
"""Seconds that a write which is under way when the command's time is up has to be answered: half-known is worse."""
_LARGEST_POOL = 20
"""Connections in one pool of the HTTP library, which looks at all of them for each request: with 50 a request costs
five times the CPU that it costs with 20, and fewer are answered in a second (measured by tests/benchmarks/apply.py)."""
_LONG_WAIT = 5.0
"""Seconds from which on a wait is worth a warning."""


Waiting = Callable[[float, str], None]
"""Told how many seconds a request waits before it is sent again, and why."""


def _unheard(_seconds: float, _why: str) -> None:
    """Tell nobody."""


_SURE_READINGS = 6
"""How often a list that moves is read before it counts as unreadable, where two readings have to agree."""
_IDLE_PAGES = 5
"""How many pages in a row may bring nothing new."""
_MOST_PAGES = 100_000
"""Five million of what is largest, users and conversations; whoever has more pages than that has no end."""


Transport = httpx.AsyncBaseTransport
"""A way to the API; the network when nothing else is given."""

App = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]
]
"""An ASGI application, whose scopes and events are open mappings by its specification."""


class _InProcess(httpx.ASGITransport):
    """Whose application says by a `ConnectionError` that it breaks the connection."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await super().handle_async_request(request)
        except ConnectionError as error:
            raise httpx.ReadError(str(error), request=request) from None


def in_process(app: App) -> Transport:
    """The way to an API that runs in this process, as an ASGI application."""
    return _InProcess(app=app)


@dataclass(eq=False)
class _Failed(Exception):
    """One attempt that failed, with what its answer asked for."""

    error: ApiError
    retry_after: str = ""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What was answered, read to its end.

    Attributes:
        status: the HTTP status.
        reason: the words beside it.
        headers: by name, in any case.
        body: its bytes, unpacked.
    """

    status: int
    reason: str
    headers: httpx.Headers
    body: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """Who asks.

    Attributes:
        username: an account SID, or the SID of an API key.
        password: the auth token, or the API key's secret.
        account_sid: the account that the environment names; the one that answers must be it.
        private: what else keys digests, where the password is no secret (the emulator's); empty otherwise.
    """

    username: str
    password: str
    account_sid: str
    private: str = ""

    def __repr__(self) -> str:
        """Without the password."""
        return f"Credentials({self.username!r})"

    def secrets(self) -> tuple[str, ...]:
        """What may not be shown: the password, and what a request carries of it. The emulator's is no secret."""
        if self.password == "emulator":  # noqa: S105 - it stands in the guide
            return ()
        return self.password, base64.b64encode(f"{self.username}:{self.password}".encode()).decode()

    def digest_key(self) -> bytes:
        """A key for digests of sensitive values, which only who knows the credentials can make."""
        parts = ("reconciler plan digest", self.username, self.password, *([self.private] if self.private else []))
        return hashlib.sha256("\0".join(parts).encode()).digest()

    def signing_key(self) -> bytes:
        """A key for what a later run with the same credentials has to believe, wherever the emulator runs."""
        parts = ("reconciler signature", self.username, self.password)
        return hashlib.sha256("\0".join(parts).encode()).digest()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Credentials:
        """Read ``TWILIO_ACCOUNT_SID`` with ``TWILIO_AUTH_TOKEN``, or ``TWILIO_API_KEY`` and ``TWILIO_API_SECRET``.

        A key is taken when both are there, as Twilio's own command line does.

        Raises:
            UsageError: when something is missing; the message names it.
        """
        account_sid = environment.get("TWILIO_ACCOUNT_SID", "")
        key, secret = environment.get("TWILIO_API_KEY", ""), environment.get("TWILIO_API_SECRET", "")
        token = environment.get("TWILIO_AUTH_TOKEN", "")
        if not account_sid:
            raise UsageError(
                "no credentials: set TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN, or with TWILIO_API_KEY and "
                "TWILIO_API_SECRET; or use --emulator FILE, which needs none"
            )
        if not _ACCOUNT_SID.fullmatch(account_sid):
            # What was given is not repeated: whoever mixes the variables up has put a secret there.
            raise UsageError("TWILIO_ACCOUNT_SID is not the SID of an account: AC and 32 hexadecimal digits")
        if key and secret:
            _check_sendable(TWILIO_API_KEY=key, TWILIO_API_SECRET=secret)
            return cls(key, secret, account_sid)
        if token:
            _check_sendable(TWILIO_AUTH_TOKEN=token)
            return cls(account_sid, token, account_sid)
        missing = "TWILIO_API_SECRET" if key else "TWILIO_AUTH_TOKEN (or TWILIO_API_KEY and TWILIO_API_SECRET)"
        raise UsageError(f"no credentials: TWILIO_ACCOUNT_SID is set, but {missing} is not")

    @classmethod
    def from_profile(cls, profile: str, file: Path) -> tuple[Credentials, str, str]:
        """Read a profile of the Twilio CLI.

        Args:
            profile: its name.
            file: the CLI's ``config.json``.

        Returns:
            The credentials, the region, and the edge: the profile's, else the file's top-level one. The latter two are
            empty if the file has none.

        Raises:
            UsageError: there is no such file or profile, or the profile is incomplete or malformed.
        """
        try:
            # Another program's file: checked as it is read.
            content: Any = json.loads(file.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError, RecursionError) as error:
            why = "there is no such file" if isinstance(error, FileNotFoundError) else "it cannot be read as JSON"
            hint = "make a profile with `twilio login`, or set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"
            raise UsageError(f"--profile {profile}: {file}: {why}; {hint}") from None
        told = content.get("profiles") if isinstance(content, dict) else None
        profiles: dict[str, Any] = told if isinstance(told, dict) else {}
        found = profiles.get(profile)
        where = f"--profile {profile}: {file}"
        if not isinstance(found, dict):
            if _is_old_profile(content, profile):
                raise UsageError(
                    f"{where} has this profile in the format of an old Twilio CLI, without its key; create it again: "
                    f"`twilio profiles:create --profile {profile}`"
                )
            raise UsageError(f"{where} has no such profile; it has {', '.join(profiles) or 'none'}")
        values = {}
        for name in ("accountSid", "apiKey", "apiSecret", "region", "edge"):
            value = found.get(name)
            if name == "edge" and not value:
                value = content.get("edge")
            if value is not None and not isinstance(value, str):
                # The value is not repeated: it may be a secret.
                raise UsageError(f"{where}: {name} of the profile is not text; run `twilio profiles:create` again")
            values[name] = value or ""
        if not (values["accountSid"] and values["apiKey"] and values["apiSecret"]):
            raise UsageError(f"{where} holds no API key for it; run `twilio profiles:create` again")
        if not _ACCOUNT_SID.fullmatch(values["accountSid"]):
            raise UsageError(f"{where}: accountSid is not the SID of an account: AC and 32 hexadecimal digits")
        _check_sendable(apiKey=values["apiKey"], apiSecret=values["apiSecret"])
        credentials = cls(values["apiKey"], values["apiSecret"], values["accountSid"])
        return credentials, values["region"], values["edge"]


def profiles_file(environment: Mapping[str, str]) -> Path:
    """Return the path of the Twilio CLI's configuration file (source: twilio-cli, ``TWILIO_CONFIG_DIR``)."""
    folder = environment.get("TWILIO_CONFIG_DIR")
    home = Path(environment.get("HOME") or Path.home())
    return (Path(folder) if folder else home / ".twilio-cli") / "config.json"


def _is_old_profile(content: object, profile: str) -> bool:
    """Whether the file has the profile under ``projects``, as old versions of the Twilio CLI wrote it."""
    projects = content.get("projects") if isinstance(content, dict) else None
    return isinstance(projects, list) and any(
        isinstance(project, dict) and project.get("id") == profile for project in projects
    )


def _check_sendable(**named: str) -> None:
    """Refuse what no credential is, and what a header could not hold; what it says is not repeated.

    Raises:
        UsageError: names the one that is wrong.
    """
    for name, text in named.items():
        if not (text.isascii() and text.isprintable()) or " " in text:
            raise UsageError(
                f"{name} holds a character that no key has (a blank, a line break, or one that is not ASCII); copy it "
                "again"
            )


def twilio_url(region: str = "", edge: str = "") -> str:
    """Build the base URL at Twilio: ``{product}.{edge}.{region}``, or the global host without either.

    A region without an edge gets its own edge (`EDGES`). An edge without a region means region ``us1`` (source:
    twilio-python, get_hostname).

    Raises:
        UsageError: either is not a single label of a host name (it could lead to another host), or the region is
            unknown and no edge is given.
    """
    region, edge = region.lower(), edge.lower()
    for name, label in (("region", region), ("edge", edge)):
        if label and not _LABEL.match(label):
            raise UsageError(
                f"invalid {name} {label!r} (TWILIO_{name.upper()}): it looks like "
                f"{'ie1' if name == 'region' else 'dublin'}"
            )
    if region and not edge and region not in EDGES:
        raise UsageError(
            f"unknown region {region!r} (TWILIO_REGION): known are {', '.join(EDGES)}; for any other, set its edge too "
            "(TWILIO_EDGE)"
        )
    if not region and not edge:
        return f"https://{TWILIO_HOST}"
    region = region or "us1"
    product, domain = TWILIO_HOST.split(".", 1)
    return f"https://{product}.{edge or EDGES[region]}.{region}.{domain}"


def checked_url(url: str) -> str:
    """The base URL of another API, when it may be used.

    Raises:
        UsageError: when it is no URL, holds a password, or would send credentials in the clear to another machine.
    """
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        raise UsageError("--api-url is no URL; it looks like https://conversations.example.com") from None
    if "@" in url:
        raise UsageError("--api-url holds a user name or password; credentials come from the environment")
    if parts.query or parts.fragment:
        raise UsageError("--api-url has a query or fragment, which may hold a token; give scheme, host, and path only")
    if parts.scheme not in {"http", "https"} or not host:
        raise UsageError(f"--api-url {url} is no http or https URL; it looks like http://127.0.0.1:4010")
    if parts.scheme == "http" and not is_loopback(url):
        raise UsageError(f"--api-url {url} would send credentials in the clear; http:// is for this machine only")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def data_of(url: str) -> str:
    """Name the data that a base URL leads to.

    Every edge of a region leads to the same data (source: Twilio's Global Infrastructure documentation), and this
    machine has several names.
    """
    parts = urlsplit(url)
    product, domain = TWILIO_HOST.split(".", 1)
    host = parts.hostname or ""
    if host.startswith(f"{product}.") and host.endswith(f".{domain}"):
        labels = host.removeprefix(product).removesuffix(domain).strip(".")
        return f"{labels.rpartition('.')[2] or 'us1'}.{domain}"
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{'localhost' if is_loopback(url) else host}:{port}{parts.path}"


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class Pages:
    """One reading of a list, page by page, as far as it is wanted; gives nothing twice.

    Iterating gives the new items of a page, and whether it is the last one; it raises an `ApiError` where a page cannot
    be read, and where page after page brings nothing new.

    Args:
        path: the list.
        first: path and query of the first page.
        read: reads a page: its items, and path and query of the next one.

    Attributes:
        number: how many pages were read.
        sids: the SIDs of what was found.
        has_moved: whether something came twice: what was read may lack something, too.
    """

    def __init__(
        self, path: str, first: str, read: Callable[[str], Awaitable[tuple[Sequence[Json], str | None]]]
    ) -> None:
        self.number = 0
        self.sids: set[str] = set()
        self.has_moved = False
        self._path = path
        self._following: str | None = first
        self._read = read

    async def __aiter__(self) -> AsyncIterator[tuple[Sequence[Json], bool]]:
        """See the class."""
        seen: set[str] = set()
        idle = 0
        while self._following is not None:
            asked = self._following
            found, self._following = await self._read(asked)
            self.number += 1
            new = [item for item in found if self._is_new(item)]
            if len(new) < len(found) or asked in seen:
                self.has_moved = True
            idle = 0 if new and asked not in seen else idle + 1
            seen.add(asked)
            if self._following is not None and (idle >= _IDLE_PAGES or self.number >= _MOST_PAGES):
                why = "go round in a circle" if idle >= _IDLE_PAGES else f"are more than {_MOST_PAGES}"
                raise Malformed(f"GET {self._path}: the pages {why} at {self._following}")
            yield new, self._following is None

    def _is_new(self, item: Json) -> bool:
        """Whether an item was not there before; without a SID nobody can tell."""
        sid = item.get("sid") if isinstance(item, dict) else None
        if not isinstance(sid, str):
            return True
        is_new = sid not in self.sids
        self.sids.add(sid)
        return is_new


class ReadClient:
    """Reads of the API; it has no method that writes.

    Args:
        base_url: scheme, host and port, without a trailing slash.
        credentials: who asks.
        concurrency: how many requests may be under way at once.
        transport: another way to the API than the network (the emulator in process).
        retry: how often and how long a request is tried; once when left out.
        waiting: told of every wait before a request is sent again.
        redact: takes out of errors what may not be shown; what the credentials hold is taken out in any case.
        rate_limit: how many writes a second; any number when left out.

    Attributes:
        concurrency: how many requests may be under way at once.
        requests: how many were sent.
        resent: how many of them were sent before.
    """

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        *,
        concurrency: int = 10,
        transport: Transport | None = None,
        retry: Retry | None = None,
        waiting: Waiting = _unheard,
        redact: Redaction | None = None,
        rate_limit: RateLimit | None = None,
    ) -> None:
        self.credentials = credentials
        self.concurrency = concurrency
        self.redact = (redact or Redaction()).joined(credentials.secrets())
        self.requests = self.resent = 0
        self._base_url = base_url
        self._emulator = ""
        self._is_local = transport is not None or is_loopback(base_url)
        self._base_path = urlsplit(base_url).path
        host = urlsplit(base_url).hostname or ""
        is_regional = host.endswith(".twilio.com") and host != TWILIO_HOST
        self._host_hint = "; check TWILIO_REGION and TWILIO_EDGE, which make the host's name" if is_regional else ""
        self.retry = retry or no_retries()
        self._concurrency_limit = ConcurrencyLimit(concurrency)
        self._rate_limit = rate_limit
        self._is_known = False
        self._waiting = waiting
        self._warned_until = float("-inf")
        pools = max(1, -(-concurrency // _LARGEST_POOL)) if transport is None else 1
        each = max(1, -(-concurrency // pools))
        self._pools = [
            _opened(
                auth=httpx.BasicAuth(credentials.username, credentials.password),
                headers={
                    "Accept": "application/json",
                    # The one way of packing that `_unpacked` reads within a limit.
                    "Accept-Encoding": "gzip",
                    "User-Agent": f"reconciler/{__version__}",
                },
                timeout=_TIMEOUT,
                follow_redirects=False,
                # A proxy of the environment would see credentials that go over http://, which is for this machine only.
                trust_env=transport is None and base_url.startswith("https://"),
                limits=httpx.Limits(max_connections=each, max_keepalive_connections=each),
                transport=transport,
            )
            for _ in range(pools)
        ]
        self._under_way = [0] * pools

    @property
    def endpoint(self) -> str:
        """Names whose data this client reads: a Twilio region, another host, or an emulator's database.

        An emulator says which database it has in each answer, so its name is the same on another port, and on the same
        port another one is told apart.
        """
        return f"emulator {self._emulator}" if self._emulator else data_of(self._base_url)

    async def __aenter__(self) -> Self:
        """Nothing is opened before the first request."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        for pool in self._pools:
            await cast("AbstractAsyncContextManager[None]", pool).__aexit__(kind, error, trace)

    async def get(self, path: str) -> Json:
        """Read one resource.

        Args:
            path: from ``/v1``, with its query.

        Raises:
            ApiError: `Unreachable`, `Refused` or `Malformed`.
        """
        return await self._send("GET", path)

    async def list(self, path: str, key: str, page_size: int, *, surely: bool = False) -> Sequence[Json]:
        """Read a whole list, page by page.

        The next page is asked for at the path and query of ``next_page_url``, always on the host this client was made
        for (an answer must not send credentials elsewhere). A list that moved while it was paged is read again, a few
        times; nothing is given twice.

        Args:
            path: from ``/v1``, without a query.
            key: the envelope's key that holds the page.
            page_size: how many to ask for in a page.
            surely: whether a list of several pages is read until two readings in a row agree: one alone may lack what
                moved from a page that was yet to come to one that had been read.

        Raises:
            ApiError: `Unreachable`, `Refused` or `Malformed`.
        """
        items: Sequence[Json] = ()
        former: set[str] | None = None
        for _ in range(_SURE_READINGS if surely else 1):
            pages = self.pages(path, key, page_size)
            items = [item async for page, _is_last in pages for item in page]
            if not pages.has_moved:
                if not surely or pages.number == 1 or pages.sids == former:
                    return items
                former = pages.sids
        if surely:
            raise Malformed(f"GET {path}: the list changes faster than it can be read")
        # Once more, for what the first reading may lack; a long and busy list moves every time.
        again = [item async for page, _is_last in self.pages(path, key, page_size) for item in page]
        found = {str(item.get("sid")) for item in again if isinstance(item, dict)}
        return [*again, *(item for item in items if isinstance(item, dict) and str(item.get("sid")) not in found)]

    def pages(self, path: str, key: str, page_size: int) -> Pages:
        """Read a list as far as it is wanted, page by page; see `list`."""

        async def read(following: str) -> tuple[Sequence[Json], str | None]:
            page = await self._send("GET", following)
            found = page.get(key) if isinstance(page, dict) else None
            if not isinstance(found, builtins.list):
                raise Malformed(f"GET {following}: the answer has no list under {key!r}")
            return found, self._next_page(page)

        return Pages(path, f"{path}?{urlencode({'PageSize': page_size})}", read)

    def _next_page(self, page: Json) -> str | None:
        """Path and query of the next page, seen from the base URL; None after the last one."""
        meta = page.get("meta") if isinstance(page, dict) else None
        url = meta.get("next_page_url") if isinstance(meta, dict) else None
        if not url:
            return None
        try:
            parts = urlsplit(str(url))
        except ValueError:
            raise Malformed(f"the API's next_page_url is no URL: {str(url)[:200]!r}") from None
        if not parts.path.startswith("/"):
            raise Malformed(f"the API's next_page_url has no path: {str(url)[:200]!r}")
        # A server below a path of its own may or may not know that it is.
        path = parts.path.removeprefix(self._base_path) if parts.path.startswith(f"{self._base_path}/") else parts.path
        return f"{path}?{parts.query}" if parts.query else path

    async def _send(
        self,
        method: str,
        path: str,
        form: Sequence[tuple[str, str]] | None = None,
        *,
        webhooks: bool = False,
        idempotent: bool = True,
        attempt: int = 1,
    ) -> Json:
        """Send a request until there is an answer that lasts.

        What was refused for the moment, or never left, was not processed: any verb may be sent again. Whatever may have
        been processed is sent again only when twice does no more than once.
        """
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
        if webhooks:
            headers[_WEBHOOK_HEADER] = "true"
        try:
            content = urlencode(form).encode() if form is not None else None
            request = self._pools[0].build_request(method, self._base_url + path, content=content, headers=headers)
        except (httpx.InvalidURL, UnicodeError):
            # Only what the API itself said can be so odd: control characters in a link, halves of characters.
            raise Malformed(f"{method} {path[:200]!r} cannot be asked for: it is no path, or holds no text") from None
        lost: ApiError | None = None
        while True:
            try:
                return await self._attempt(request, path, attempt)
            except Unsent:
                # What was sent before and got no answer counts more than that it cannot be sent once more.
                if lost is None:
                    raise
                lost.may_be_done = True
                raise lost from None
            except _Failed as failed:
                error = failed.error
                if lost is not None and _is_gone(error) and method == "DELETE":
                    # The delete whose answer was lost has taken place.
                    return None
                is_lost = is_ambiguous(error)
                lost = error if is_lost else lost
                may_be_sent = is_refused_for_now(error) or isinstance(error, Unsent) or (is_lost and idempotent)
                may_be_sent = may_be_sent and not isinstance(error, TooLarge)
                if isinstance(error, Unsent) and not self._is_known and method == "GET":
                    # An address where nobody has ever answered is rather a wrong one than a bad moment: told at once.
                    raise error from None
                if not may_be_sent or not await self.wait_to_retry(method, path, attempt, error, failed.retry_after):
                    error.may_be_done, error.retry_after = lost is not None, failed.retry_after
                    raise error from None
            attempt += 1

    async def wait_to_retry(self, method: str, path: str, attempt: int, error: ApiError, retry_after: str = "") -> bool:
        """Wait as long as is right after a failed attempt, and say so.

        Args:
            method: the HTTP verb.
            path: from ``/v1``.
            attempt: which one failed, from 1.
            error: how.
            retry_after: what the answer asked for.

        Returns:
            Whether to try again; see `reconciler.api.retry.Retry.wait_to_retry`.
        """

        def tell(seconds: float) -> None:
            # One warning for all that wait at the same time.
            now = self.retry.clock()
            is_news = seconds >= _LONG_WAIT and now >= self._warned_until
            if is_news:
                self._warned_until = now + seconds
            level: logs.Level = "warning" if is_news else "info"
            logs.retry(method, path, attempt=attempt, seconds=seconds, reason=retry_reason(error), level=level)
            self._waiting(seconds, retry_reason(error))

        return await self.retry.wait_to_retry(attempt, retry_after, tell)

    async def _attempt(self, request: httpx.Request, path: str, attempt: int) -> Json:
        """Send a request once.

        Raises:
            _Failed: it was not done, or may not have been.
            OutOfTime: it was not sent, and will not be.
            Stopped: likewise.
        """
        method, write = request.method, request.method != "GET"
        turn = self._rate_limit.slot(method, path) if self._rate_limit is not None else nullcontext()
        # The turn comes first: a place is for what can be sent.
        async with turn, self._concurrency_limit.slot(write=write) as generation:
            if self.retry.is_past_deadline:
                raise OutOfTime(f"{method} {path}: not sent, the command's time is up (--timeout)")
            self._count(write=write, again=attempt > 1)
            begun = self.retry.clock()
            try:
                answer = await self._answer(request, path)
            except _Failed as failed:
                logs.request(method, path, attempt=attempt, ms=self._since(begun), failure=cause_of(failed.error))
                raise
            ms = self._since(begun)
            self._is_known = True
            if self._is_local:
                self._emulator = answer.headers.get(_EMULATOR_HEADER, "")[:_LONGEST_ID] or self._emulator
            if answer.status == _TOO_MANY:
                self._concurrency_limit.on_too_many_requests(generation)
            else:
                told = answer.headers.get("Twilio-Concurrent-Requests", "")
                all_of_them = int(told) if told.isascii() and told.isdigit() and len(told) < 10 else 0
                self._concurrency_limit.on_answer(generation, all_of_them - self._concurrency_limit.under_way)
        interceptor = _interceptor(answer)
        refusal = None if answer.is_success or interceptor else _refusal(method, path, answer, self.redact)
        logs.request(
            method,
            path,
            attempt=attempt,
            ms=ms,
            status=answer.status,
            code=None if refusal is None or refusal.code == refusal.status else refusal.code,
            request_id=answer.headers.get("Twilio-Request-Id", ""),
            size=len(answer.body),
        )
        if interceptor:
            raise _Failed(Intercepted(self.redact(f"{method} {path}: {interceptor}"), answer.status))
        if refusal is not None:
            raise _Failed(Refused(refusal), answer.headers.get("Retry-After", ""))
        if answer.status == 204:
            return None
        try:
            return cast("Json", json.loads(answer.body, parse_constant=_refuse_constant))
        except (ValueError, RecursionError):
            what = "an HTML page, which Twilio never sends" if _is_html(answer) else "not JSON"
            message = f"{method} {path}: the answer is {what} (HTTP {answer.status})"
            raise _Failed(Malformed(self.redact(message))) from None

    async def _answer(self, request: httpx.Request, path: str) -> _Answer:
        """The answer to a request, whatever it says.

        Raises:
            _Failed: there was none, or none that can be read.
        """
        late = _LATE_WRITE if request.method != "GET" else 0.0
        try:
            async with asyncio.timeout(min(_LONGEST_ANSWER, max(self.retry.seconds_left, 0.0) + late)):
                return await self._send_through_a_pool(request)
        except TimeoutError:
            why = (
                "within the time limit"
                if not self.retry.is_past_deadline
                else "before the command's time was up (--timeout)"
            )
            raise _Failed(Unreachable(f"{request.method} {path}: no answer from {self._base_url} {why}")) from None
        except httpx.TimeoutException as error:
            kind = Unsent if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout) else Unreachable
            hint = self._host_hint if kind is Unsent else ""
            message = f"{request.method} {path}: no answer from {self._base_url} within the time limit{hint}"
            raise _Failed(kind(self.redact(message))) from None
        except Malformed as error:
            raise _Failed(type(error)(self.redact(f"{request.method} {path}: {error}"))) from None
        except httpx.HTTPError as error:
            # A proxy that refuses to connect has passed nothing on.
            is_proxy = isinstance(error, httpx.ProxyError)
            kind = Unsent if is_proxy or isinstance(error, httpx.ConnectError) else Unreachable
            why = str(error)[:_LONGEST_WORDS] or type(error).__name__
            hint = self._host_hint if kind is Unsent else ""
            if is_proxy:
                why, hint = f"the proxy refused: {why}", "; check HTTPS_PROXY and NO_PROXY"
            message = f"{request.method} {path}: {self._base_url} cannot be reached: {why}{hint}"
            raise _Failed(kind(self.redact(message))) from None

    async def _send_through_a_pool(self, request: httpx.Request) -> _Answer:
        """Through the one that has least to do."""
        index = self._under_way.index(min(self._under_way))
        self._under_way[index] += 1
        try:
            response = await self._pools[index].send(request, stream=True)
            try:
                body = await _unpacked(response)
            except Malformed as error:
                # What a refusal's status says holds, however its words are packed: it may be a proxy's.
                if response.status_code < _FIRST_ERROR or isinstance(error, TooLarge):
                    raise
                body = b""
            finally:
                await response.aclose()
            return _Answer(response.status_code, response.reason_phrase, response.headers, body)
        finally:
            self._under_way[index] -= 1

    def _since(self, begun: float) -> float:
        """Milliseconds."""
        return (self.retry.clock() - begun) * 1000

    def _count(self, *, write: bool, again: bool) -> None:  # noqa: ARG002 - whoever writes counts writes too
        self.requests += 1
        self.resent += again


class Client(ReadClient):
    """Reads and writes of the API; made like a `ReadClient`, of whose requests half may be writes at a time.

    Attributes:
        writes: how many writes were sent.
    """

    writes = 0

    @property
    def write_concurrency(self) -> int:
        """How many writes may be under way at once."""
        return max(1, self.concurrency // 2)

    async def post(
        self,
        path: str,
        form: Sequence[tuple[str, str]],
        *,
        idempotent: bool = False,
        webhooks: bool = False,
        attempt: int = 1,
    ) -> Json:
        """Create in a collection, or update a resource (Twilio has one verb for both).

        Args:
            path: from ``/v1``.
            form: parameters in order; a list repeats its key.
            idempotent: whether it does no harm when it is done twice, as an update does not; a create whose answer was
                lost is not sent again here: whoever asked can look whether it took place.
            webhooks: whether the account's own webhooks are told, where this path knows the header for it.
            attempt: the how-manieth time this is sent, where whoever asks has sent it before.

        Raises:
            ApiError: `Unreachable`, `Refused` or `Malformed`; `reconciler.api.retry.is_ambiguous` tells whether it may
                have taken place.
        """
        return await self._send("POST", path, form, webhooks=webhooks, idempotent=idempotent, attempt=attempt)

    async def delete(self, path: str, *, webhooks: bool = False) -> None:
        """Delete a resource; one that is gone when it is tried again counts as deleted.

        Args:
            path: from ``/v1``.
            webhooks: whether the account's own webhooks are told, where this path knows the header for it.

        Raises:
            ApiError: `Unreachable` or `Refused`.
        """
        await self._send("DELETE", path, webhooks=webhooks)

    def _count(self, *, write: bool, again: bool) -> None:
        super()._count(write=write, again=again)
        self.writes += write


async def _unpacked(response: httpx.Response) -> bytes:
    """The body of an answer; never more of it in memory than an answer may have, however well it is packed.

    Raises:
        TooLarge: it is larger.
        Malformed: it is packed in another way than was asked for, or damaged.
    """
    packed = response.headers.get("Content-Encoding", "").strip().lower()
    if packed not in {"", "identity", "gzip"}:
        raise Malformed(f"the answer is packed as {packed[:40]!r}, which was not asked for")
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 16) if packed == "gzip" else None
    body, received = bytearray(), 0
    # Not the library's own way, which unpacks whatever came at once: a thousand times as much, and that once more for
    # each packing inside of another.
    async for piece in cast("httpx.AsyncByteStream", response.stream):
        received += len(piece)
        try:
            body += unpack.decompress(piece, _LARGEST_ANSWER + 1 - len(body)) if unpack is not None else piece
        except zlib.error:
            raise Malformed("the answer says that it is packed as gzip, and it is not") from None
        if max(received, len(body)) > _LARGEST_ANSWER:
            raise TooLarge(f"the answer is larger than {_LARGEST_ANSWER // 1_000_000} MB, and no answer of Twilio is")
    if unpack is not None and received and not unpack.eof:
        raise Malformed("the answer ends before it is complete")
    return bytes(body)


def _opened(**options: Any) -> httpx.AsyncClient:
    """An HTTP client, whose options the library reads from environment variables too.

    Raises:
        UsageError: a variable for proxies or certificates says something that cannot be; what it says is not repeated,
            since the URL of a proxy may hold a password.
    """
    try:
        return httpx.AsyncClient(**options)
    except (ValueError, ImportError, OSError, httpx.InvalidURL) as error:
        what = "proxies (HTTPS_PROXY, ALL_PROXY, NO_PROXY)"
        if isinstance(error, OSError):
            what = "certificates (SSL_CERT_FILE, SSL_CERT_DIR)"
        elif isinstance(error, ImportError):
            what += ", which can be http:// or https:// and nothing else"
        raise UsageError(f"the network cannot be used: look at the environment variables for {what}") from None


_PROXY_LOGIN, _NETWORK_LOGIN = 407, 511
"""Source: RFC 9110 and RFC 6585: only a proxy or a network's gateway answers so."""


def _interceptor(answer: _Answer) -> str:
    """Describe who answered instead of the API; empty when it may have been the API.

    Twilio's API answers no request with a redirect, nor refuses one with an HTML page. A server error or a 429 with
    such a page may come from its own load balancers, and a success is judged by whoever reads its body.
    """
    by_whom = "a proxy or captive portal answered instead of Twilio"
    if 300 <= answer.status < _FIRST_ERROR:
        return f"{by_whom}, with a redirect (HTTP {answer.status}){_target(answer.headers.get('Location', ''))}"
    if answer.status == _PROXY_LOGIN:
        return "the proxy requires a user name and password (HTTP 407); set them in HTTPS_PROXY"
    if answer.status == _NETWORK_LOGIN:
        return "the network requires a login (HTTP 511); open any page in a browser to log in"
    if _FIRST_ERROR <= answer.status < _FIRST_SERVER_ERROR and answer.status != _TOO_MANY and _is_html(answer):
        return f"{by_whom}, with an HTML page (HTTP {answer.status})"
    return ""


def _target(location: str) -> str:
    """Describe where a redirect leads: scheme and host only, since the rest may hold anything."""
    try:
        parts = urlsplit(location.strip())
        host = parts.hostname or ""
    except ValueError:
        return ""
    if not host:
        return ""
    return f" to {parts.scheme + '://' if parts.scheme else '//'}{host}"


def _is_html(answer: _Answer) -> bool:
    media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return media_type in {"text/html", "application/xhtml+xml"} or answer.body.lstrip()[:1] == b"<"


def _is_gone(error: ApiError) -> bool:
    return isinstance(error, Refused) and error.refusal.status == 404


def _refuse_constant(word: str) -> Json:
    """Python reads NaN and Infinity, which are no JSON."""
    raise ValueError(word)


def _refusal(method: str, path: str, answer: _Answer, redact: Redaction) -> Refusal:
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        body = None
    told: dict[str, Any] = body if isinstance(body, dict) else {}  # an error's body may be anything
    code = told.get("code")

    def words(value: object) -> str:
        """What the API says, which may be anything, and may repeat what it was sent."""
        return redact(value[:_LONGEST_WORDS]) if isinstance(value, str) else ""

    return Refusal(
        method=method,
        path=redact(path),
        status=answer.status,
        code=code if type(code) is int and 0 <= code < _MOST_CODES else answer.status,
        message=words(told.get("message")) or words(answer.reason) or "no message",
        more_info=words(told.get("more_info")),
        request_id=words(answer.headers.get("Twilio-Request-Id")),
    )
