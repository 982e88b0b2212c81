"""HTTP requests: connection pools, the in-process transport, and answers read within limits.

Takes a request; returns an `Answer` of any status, or an `ApiError` that says whether the request may have reached the
API. Never follows a redirect, and never sends credentials to any host but the one of the base URL. Does not retry, and
does not interpret answers.
"""

from __future__ import annotations

import importlib.util
import ssl
import sys
import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import urlencode

import httpx

from reconciler import __version__
from reconciler.api.answers import FIRST_ERROR, LONGEST_MESSAGE, Answer
from reconciler.api.credentials import Credentials
from reconciler.api.hosts import host_hint
from reconciler.api.proxies import ProxySetting, proxy_for
from reconciler.errors import Malformed, TooLarge, Unreachable, Unsent, UsageError

if importlib.util.find_spec("sniffio") is None:
    # The HTTP library tries to import it several times for each request. This way Python knows that it is missing, and
    # does not search every folder for it: a tenth of the CPU time of a request.
    sys.modules["sniffio"] = None  # type: ignore[assignment]

_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_LONGEST_IDLE = 5.0
"""Seconds after which an unused connection is not used again: a user may take minutes to approve a plan, and a gateway
may have forgotten the connection by then without closing it. It is the HTTP library's default."""
_LARGEST_ANSWER = 10_000_000
"""Bytes of one answer, decompressed. The largest one from Twilio is a page of 50 users or conversations: each has at
most 16,384 characters of attributes, which JSON in JSON writes as six bytes each at worst, so 5 MB."""
Transport = httpx.AsyncBaseTransport
"""A way to the API other than the network, such as the emulator in process."""

Request = httpx.Request
"""A request that can be sent any number of times; made by `ConnectionPools.build_request`."""

App = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]
]
"""An ASGI application, whose scopes and events are open mappings by its specification."""


class _InProcessTransport(httpx.ASGITransport):
    """Reports a `ConnectionError` of the application as a broken connection."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await super().handle_async_request(request)
        except ConnectionError as error:
            raise httpx.ReadError(str(error), request=request) from None


def in_process(app: App) -> Transport:
    """Build the transport to an API that runs in this process, as an ASGI application."""
    return _InProcessTransport(app=app)


class _NoCookies(httpx.Cookies):
    """Keeps no cookie: the API needs none, and what a gateway sets must not decide what a later request does."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Do nothing. The library would build two more objects of another library: a twelfth of a request's CPU."""


class _Pool(httpx.AsyncClient):
    """A client of the HTTP library without cookies."""

    _none = _NoCookies()

    @property
    def cookies(self) -> httpx.Cookies:
        return self._none

    @cookies.setter
    def cookies(self, _cookies: object) -> None:
        """Keep none."""


class ConnectionPools:
    """Connections to one API, each in a pool of its own.

    For each request, the HTTP library examines all connections of a pool, several times: with 50 in one pool, a request
    costs three times the CPU (`python -m tests.benchmarks transport`).

    Args:
        base_url: scheme, host, and port, without a trailing slash.
        credentials: sent with every request.
        concurrency: the maximum number of simultaneous connections.
        transport: used instead of the network, if given.

    Raises:
        UsageError: an environment variable for proxies or certificates is invalid.
    """

    def __init__(
        self, base_url: str, credentials: Credentials, *, concurrency: int, transport: Transport | None
    ) -> None:
        self._base_url = base_url
        is_encrypted = base_url.startswith("https://")
        self._pools = _open_pools(
            max(1, concurrency) if transport is None else 1,
            is_encrypted=is_encrypted and transport is None,
            auth=httpx.BasicAuth(credentials.username, credentials.password),
            headers={
                "Accept": "application/json",
                # The only encoding that `_read_body` decompresses within a limit.
                "Accept-Encoding": "gzip",
                "User-Agent": f"reconciler/{__version__}",
            },
            timeout=_TIMEOUT,
            follow_redirects=False,
            # The library would read NO_PROXY itself, and fail on an entry that it does not understand.
            trust_env=False,
            # http:// is for this machine only, and a proxy would see its credentials.
            proxy=proxy_for(base_url) if transport is None and is_encrypted else None,
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_LONGEST_IDLE),
            transport=transport,
        )
        self._in_flight = [0] * len(self._pools)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        for pool in self._pools:
            await cast("AbstractAsyncContextManager[None]", pool).__aexit__(kind, error, trace)

    def build_request(
        self, method: str, path: str, form: Sequence[tuple[str, str]] | None, headers: Mapping[str, str]
    ) -> Request:
        """Build a request.

        Args:
            method: the HTTP verb.
            path: path and query, relative to the base URL.
            form: parameters of the body; None for no body.
            headers: further headers.

        Raises:
            Malformed: the path or form cannot be sent. It came from the API then: control characters in a link, lone
                surrogates in a name.
        """
        media_type = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
        try:
            content = urlencode(form).encode() if form is not None else None
            return self._pools[0].build_request(
                method, self._base_url + path, content=content, headers={**media_type, **headers}
            )
        except (httpx.InvalidURL, UnicodeError):
            raise Malformed(
                f"{method} {path[:200]!r} cannot be sent: it is not a valid path, or contains invalid text"
            ) from None

    async def send(self, request: Request) -> Answer:
        """Send a request once, through the pool with the fewest requests in flight.

        Raises:
            Unsent: no connection was established, so the API cannot have received the request.
            Unreachable: there was no answer, or only a part of one.
            Malformed: the body cannot be decompressed.
            TooLarge: the body is larger than any of the API's.
        """
        index = self._in_flight.index(min(self._in_flight))
        self._in_flight[index] += 1
        try:
            return await _exchange(self._pools[index], request)
        except httpx.TimeoutException as error:
            is_unsent = isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout)
            hint = host_hint(self._base_url) if is_unsent else ""
            message = f"no answer from {self._base_url} within the time limit{hint}"
            raise (Unsent(message) if is_unsent else Unreachable(message)) from None
        except httpx.HTTPError as error:
            # A proxy that refuses to connect has forwarded nothing.
            is_proxy = isinstance(error, httpx.ProxyError)
            is_unsent = is_proxy or isinstance(error, httpx.ConnectError)
            why = str(error)[:LONGEST_MESSAGE] or type(error).__name__
            hint = host_hint(self._base_url) if is_unsent else ""
            if is_proxy:
                why, hint = f"the proxy refused: {_status(why)}", "; check HTTPS_PROXY and NO_PROXY"
            message = f"{self._base_url} cannot be reached: {why}{hint}"
            raise (Unsent(message) if is_unsent else Unreachable(message)) from None
        finally:
            self._in_flight[index] -= 1


class SharedConnections:
    """Connections that the clients of one command use one after the other, such as the reads and writes of an apply.

    Each client would otherwise read the trusted certificates again, and connect again: with TLS, two or three round
    trips.
    """

    def __init__(self) -> None:
        self._opened: list[tuple[tuple[str, Credentials, int], ConnectionPools]] = []

    def pools(self, base_url: str, credentials: Credentials, concurrency: int) -> ConnectionPools:
        """Return the connections to an API; those of an earlier client if it had the same URL and credentials.

        Args:
            base_url: scheme, host, and port, without a trailing slash.
            credentials: sent with every request.
            concurrency: the maximum number of simultaneous connections.

        Raises:
            UsageError: an environment variable for proxies or certificates is invalid.
        """
        wanted = (base_url, credentials, concurrency)
        for key, pools in self._opened:
            if key == wanted:
                return pools
        opened = ConnectionPools(base_url, credentials, concurrency=concurrency, transport=None)
        self._opened.append((wanted, opened))
        return opened

    async def __aenter__(self) -> Self:
        """Return the connections; none is opened before the first request."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        for _, pools in self._opened:
            await pools.__aexit__(kind, error, trace)


def _status(answer: str) -> str:
    """Return the status of a proxy's answer in our own words: its words may repeat what it was sent."""
    code = answer[:3]
    if code.isascii() and code.isdigit():
        try:
            return f"{code} {HTTPStatus(int(code)).phrase}"
        except ValueError:
            return code
    return "it gave no valid answer"


async def _exchange(pool: httpx.AsyncClient, request: Request) -> Answer:
    response = await pool.send(request, stream=True)
    try:
        body = await _read_body(response)
    except Malformed as error:
        # The status of a refusal counts, however its body is encoded: it may be a proxy's.
        if response.status_code < FIRST_ERROR or isinstance(error, TooLarge):
            raise
        body = b""
    finally:
        await response.aclose()
    return Answer(response.status_code, response.reason_phrase, response.headers, body)


async def _read_body(response: httpx.Response) -> bytes:
    """Read and decompress a body, never holding more of it in memory than `_LARGEST_ANSWER`.

    Raises:
        TooLarge: it is larger.
        Malformed: it has an encoding that was not requested, or is damaged.
    """
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in {"", "identity", "gzip"}:
        raise Malformed(f"the answer has the encoding {encoding[:40]!r}, which was not requested")
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 16) if encoding == "gzip" else None
    body, received = bytearray(), 0
    # The library itself decompresses a whole chunk at once: up to a thousand times as much, and that again for each
    # nested encoding.
    async for piece in cast("httpx.AsyncByteStream", response.stream):
        received += len(piece)
        try:
            body += unpack.decompress(piece, _LARGEST_ANSWER + 1 - len(body)) if unpack is not None else piece
        except zlib.error:
            raise Malformed("the answer claims to be gzip, but is not") from None
        if max(received, len(body)) > _LARGEST_ANSWER:
            raise TooLarge(f"the answer is larger than {_LARGEST_ANSWER // 1_000_000} MB, more than Twilio ever sends")
    if unpack is not None and received and not unpack.eof:
        raise Malformed("the answer is incomplete")
    return bytes(body)


def _open_pools(
    count: int, *, is_encrypted: bool, proxy: ProxySetting | None, **options: Any
) -> list[httpx.AsyncClient]:
    """Build clients of the HTTP library.

    Raises:
        UsageError: the proxy or a variable for certificates cannot be used.
    """
    try:
        # Reading the trusted certificates takes more time than many requests: once, and not at all without TLS.
        certificates = httpx.create_ssl_context() if is_encrypted else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    except OSError:
        raise UsageError(
            "cannot set up the network: check the environment variables for certificates (SSL_CERT_FILE, SSL_CERT_DIR)"
        ) from None
    if proxy is None:
        return [_Pool(verify=certificates, **options) for _ in range(count)]
    try:
        through = httpx.Proxy(proxy.url)
        return [_Pool(verify=certificates, proxy=through, **options) for _ in range(count)]
    except ImportError:
        raise proxy.invalid("only http:// and https:// are supported") from None
    except (ValueError, httpx.InvalidURL):
        # Its value is not repeated, since it may contain a password.
        raise proxy.invalid("its URL is invalid") from None
