"""One HTTP/1.1 connection to the API, directly or through a tunnel of a proxy.

Takes a `Route` and requests, one after the other; returns heads and pieces of bodies. h11 speaks the protocol, asyncio
opens sockets and encrypts. Errors are those of the HTTP library's interface: every error of `connect` means that no
byte of a request was sent, and every error of a `Connection` that the request may have arrived.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
import ssl
from base64 import b64encode
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

import h11
import httpx

CONNECT_TIMEOUT, READ_TIMEOUT = 10.0, 30.0
"""Seconds for each step of opening a connection, and for each part of an answer."""
LONGEST_IDLE = 5.0
"""Seconds after which an idle connection is not used again. Servers close idle connections, and a request that meets
the end of its connection may have arrived or not."""
_NEXT_ADDRESS = 0.25
"""Seconds before a host's next address is tried as well (source: RFC 8305, section 5)."""
_LARGEST_HEAD = 100 * 1024
"""Bytes of an answer's status line and headers."""


@dataclass(frozen=True, slots=True)
class Route:
    """The way to the API.

    Attributes:
        host: the API's host, in ASCII.
        port: its port.
        tls: what is trusted; None without encryption.
        proxy: the proxy that opens a tunnel, if any.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    proxy: httpx.Proxy | None = None


async def connect(route: Route) -> Connection:
    """Open a connection.

    Raises:
        httpx.ConnectTimeout: a step took longer than `CONNECT_TIMEOUT`.
        httpx.ConnectError: the host, or the proxy, cannot be reached, or is not the one that it claims to be.
        httpx.ProxyError: the proxy does not open the tunnel.
    """
    connection = Connection()
    try:
        await _open(connection, route)
    except BaseException:
        connection.abort()
        raise
    return connection


async def _open(connection: Connection, route: Route) -> None:
    proxy = route.proxy
    if proxy is None:
        await _reach(connection, route.host, route.port)
    else:
        try:
            port = proxy.url.port or (443 if proxy.url.scheme == "https" else 80)
            host = proxy.url.raw_host.decode("ascii")
            await _reach(connection, host, port)
            if proxy.url.scheme == "https" and route.tls is not None:
                await _encrypt(connection, route.tls, host)
        except httpx.ConnectError as error:
            raise httpx.ConnectError(f"no connection to the proxy: {error}; check HTTPS_PROXY and NO_PROXY") from None
        await connection.open_tunnel(route, proxy)
    if route.tls is not None:
        await _encrypt(connection, route.tls, route.host)


async def _reach(connection: Connection, host: str, port: int) -> None:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            await loop.create_connection(lambda: connection, host, port, happy_eyeballs_delay=_NEXT_ADDRESS)
    except TimeoutError:
        raise httpx.ConnectTimeout("no connection") from None
    except (OSError, ValueError) as error:
        raise httpx.ConnectError(_reason(error)) from None


async def _encrypt(connection: Connection, tls: ssl.SSLContext, host: str) -> None:
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            await connection.start_tls(tls, host)
    except TimeoutError:
        raise httpx.ConnectTimeout("no handshake") from None
    except (OSError, ValueError) as error:
        raise httpx.ConnectError(_reason(error)) from None


def _reason(error: Exception) -> str:
    """Describe why there is no connection, without addresses, of which asyncio lists all that it tried."""
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError | socket.gaierror):
        if error.errno is not None:
            return os.strerror(error.errno)
        if type(error) is OSError:
            return "All connection attempts failed"
    return str(error) or type(error).__name__


class Connection(asyncio.Protocol):
    """A connection, which carries one request at a time.

    Attributes:
        idle_since: when the last answer ended, in seconds of the event loop's clock.
    """

    def __init__(self) -> None:
        self.idle_since = 0.0
        self._http = _new_protocol()
        self._transport: asyncio.Transport | None = None
        self._news: asyncio.Future[None] | None = None
        self._has_ended = False
        self._failure: Exception | None = None
        self._closed = asyncio.Event()

    # --- what the event loop calls -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Hand the bytes to the protocol, and wake up the reader; unsolicited bytes end the connection."""
        if self._http.our_state is h11.IDLE:
            self._has_ended = True
            self.abort()
            return
        self._http.receive_data(data)
        self._wake()

    def eof_received(self) -> None:
        """Note that the other side sends nothing more; asyncio closes the connection then."""
        self._has_ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end of the connection, and its cause."""
        self._has_ended, self._failure = True, exc
        self._closed.set()
        self._wake()

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    # --- opening and closing -----------------------------------------------------------------------------------------

    async def start_tls(self, tls: ssl.SSLContext, host: str) -> None:
        """Encrypt the connection, and check that the other side is that host.

        Raises:
            OSError: it is not, or the handshake fails.
        """
        assert self._transport is not None
        loop = asyncio.get_running_loop()
        transport = await loop.start_tls(self._transport, self, tls, server_hostname=host)
        if transport is None:  # on Python 3.11, if the connection is lost in the meantime
            raise ConnectionResetError("the connection was lost")
        self._transport = transport

    async def open_tunnel(self, route: Route, proxy: httpx.Proxy) -> None:
        """Ask the proxy at the other side for a tunnel to the route's host.

        Raises:
            httpx.ProxyError: it opens none. Its own words are not repeated: they could contain its credentials.
            httpx.ConnectTimeout: it does not answer.
        """
        host = f"[{route.host}]" if ":" in route.host else route.host
        target = f"{host}:{route.port}".encode("ascii")
        headers = [(b"Host", target)]
        if proxy.raw_auth is not None:
            headers.append((b"Proxy-Authorization", b"Basic " + b64encode(b":".join(proxy.raw_auth))))
        try:
            answer = await self._exchange(h11.Request(method=b"CONNECT", target=target, headers=headers), b"")
        except httpx.TimeoutException:
            raise httpx.ConnectTimeout("no answer of the proxy") from None
        except httpx.TransportError:
            raise httpx.ProxyError("it ended the connection without a valid answer") from None
        status = answer.status_code
        if not 200 <= status < 300:
            known = status in HTTPStatus.__members__.values()
            raise httpx.ProxyError(f"{status} {HTTPStatus(status).phrase}" if known else str(status))
        self._http = _new_protocol()

    def abort(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()
        else:
            self._closed.set()

    async def wait_closed(self) -> None:
        """Wait until an aborted connection is closed."""
        await self._closed.wait()

    # --- requests ----------------------------------------------------------------------------------------------------

    def is_usable(self, now: float) -> bool:
        """Return whether an idle connection can take another request: the other side is silent and has not hung up.

        The socket itself is asked, because the event loop may not have noticed: it notices nothing while a plan is
        computed.
        """
        return (
            now - self.idle_since <= LONGEST_IDLE
            and not self._has_ended
            and self._http.trailing_data == (b"", False)
            and not self._is_readable()
        )

    async def request(self, request: httpx.Request) -> h11.Response:
        """Send a request; return the head of its answer.

        Raises:
            httpx.TransportError: there is none, or none that is HTTP.
        """
        head = h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw)
        return await self._exchange(head, request.content)

    async def read(self) -> bytes:
        """Return the next piece of the answer's body; empty at its end.

        Raises:
            httpx.TransportError: it ends too early, or is not HTTP.
        """
        while True:
            event = await self._next_event()
            if isinstance(event, h11.EndOfMessage):
                return b""
            if isinstance(event, h11.Data) and event.data:
                return bytes(event.data)

    def finish(self, now: float) -> bool:
        """End a request; return whether the connection can be kept for another one."""
        is_complete = self._http.our_state is h11.DONE and self._http.their_state is h11.DONE
        if self._has_ended or not is_complete or self._http.trailing_data[0]:
            return False
        self._http.start_next_cycle()
        self.idle_since = now
        return True

    async def _exchange(self, head: h11.Request, body: bytes) -> h11.Response:
        assert self._transport is not None
        try:
            pieces = [self._http.send(head), self._http.send(h11.Data(data=body)) if body else b""]
            pieces.append(self._http.send(h11.EndOfMessage()))
        except h11.LocalProtocolError as error:
            raise httpx.LocalProtocolError(str(error)) from None
        self._transport.write(b"".join(pieces))
        while not isinstance(event := await self._next_event(), h11.Response):
            pass  # 1xx, which announces an answer
        return event

    async def _next_event(self) -> h11.Event:
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                raise httpx.RemoteProtocolError(str(error)) from None
            if isinstance(event, h11.Event):
                return event
            await self._wait_for_news()

    async def _wait_for_news(self) -> None:
        """Wait for bytes, or for the end of the connection."""
        if self._has_ended:
            if self._failure is not None:
                raise httpx.ReadError(str(self._failure))
            if self._http.their_state is h11.SEND_RESPONSE:
                raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
            self._http.receive_data(b"")
            return
        self._news = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                await self._news
        except TimeoutError:
            raise httpx.ReadTimeout("no answer") from None
        finally:
            self._news = None

    def _is_readable(self) -> bool:
        assert self._transport is not None
        descriptor = self._transport.get_extra_info("socket").fileno()
        if descriptor < 0:
            return True
        if not hasattr(select, "poll"):  # Windows
            return bool(select.select([descriptor], [], [], 0)[0])
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(0))


def _new_protocol() -> h11.Connection:
    return h11.Connection(h11.CLIENT, max_incomplete_event_size=_LARGEST_HEAD)
