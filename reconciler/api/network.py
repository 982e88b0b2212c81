"""The network as a transport of the HTTP library: connections to one API, kept open between requests.

Takes requests to one base URL; returns responses whose bodies are read as they arrive. Opens a connection if none is
idle, so there are never more than simultaneous requests. Sends every request once: it neither repeats nor redirects
one, and it connects to no host but that of the base URL, or to the proxy of the environment.
"""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import AsyncIterator

import httpx

from reconciler.api.connection import Connection, Route, connect
from reconciler.errors import UsageError

_LAST_PORT = 65535


class Network(httpx.AsyncBaseTransport):
    """The way to an API over the network.

    Args:
        base_url: scheme, host, and port.

    Raises:
        UsageError: an environment variable for proxies or certificates is invalid.
    """

    def __init__(self, base_url: str) -> None:
        url = httpx.URL(base_url)
        self._origin = (url.raw_scheme, url.raw_host, url.port)
        self._route = find_route(url)
        self._idle: list[Connection] = []
        self._is_closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; return its response, whose stream must be closed.

        Raises:
            httpx.ConnectTimeout, httpx.ConnectError, httpx.ProxyError: it was not sent.
            httpx.TransportError: any other error; it may have arrived.
        """
        url = request.url
        if (url.raw_scheme, url.raw_host, url.port) != self._origin:
            raise httpx.ConnectError("the request is for a different host")
        connection = self._take() or await connect(self._route)
        try:
            head = await connection.request(request)
        except BaseException:
            connection.abort()
            raise
        return httpx.Response(
            head.status_code,
            headers=head.headers.raw_items(),
            stream=_Body(self, connection),
            extensions={"http_version": b"HTTP/" + head.http_version, "reason_phrase": head.reason},
        )

    def give_back(self, connection: Connection) -> None:
        """Keep a connection whose answer was read to its end, and close any other."""
        if not self._is_closed and connection.finish(asyncio.get_running_loop().time()):
            self._idle.append(connection)
        else:
            connection.abort()

    async def aclose(self) -> None:
        """Close the idle connections; those in use are closed after their answer."""
        self._is_closed = True
        closing, self._idle = self._idle, []
        for connection in closing:
            connection.abort()
        for connection in closing:
            await connection.wait_closed()

    def _take(self) -> Connection | None:
        """Return an idle connection; the one that was used last is the least likely to be closed."""
        now = asyncio.get_running_loop().time()
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable(now):
                return connection
            connection.abort()
        return None


class _Body(httpx.AsyncByteStream):
    """The body of a response, as it was sent."""

    def __init__(self, network: Network, connection: Connection) -> None:
        self._network, self._connection = network, connection

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := await self._connection.read():
            yield piece

    async def aclose(self) -> None:
        self._network.give_back(self._connection)


def find_route(url: httpx.URL) -> Route:
    """Find the way to the API: what is trusted, and through which proxy it leads.

    Only ``https://`` goes through a proxy: ``http://`` is for this machine, and a proxy would see its credentials.

    Raises:
        UsageError: a variable for proxies or certificates is invalid. Its value is not repeated, since the URL of a
            proxy may contain a password.
    """
    host = url.raw_host.decode("ascii")
    if url.scheme != "https":
        return Route(host, url.port or 80)
    port = url.port or 443
    try:
        proxy = _find_proxy(host, port)
    except (ValueError, httpx.InvalidURL):
        raise UsageError(
            "cannot set up the network: check the environment variables for proxies (HTTPS_PROXY, ALL_PROXY, "
            "NO_PROXY), which support only http:// and https://"
        ) from None
    try:
        tls = httpx.create_ssl_context()
    except OSError:
        raise UsageError(
            "cannot set up the network: check the environment variables for certificates (SSL_CERT_FILE, SSL_CERT_DIR)"
        ) from None
    tls.set_alpn_protocols(["http/1.1"])
    return Route(host, port, tls, proxy)


def _find_proxy(host: str, port: int) -> httpx.Proxy | None:
    """Find the proxy for a host in the environment, or in the settings of the system; None if there is none.

    Raises:
        ValueError, httpx.InvalidURL: its URL is invalid.
    """
    proxies = urllib.request.getproxies()
    text = proxies.get("https") or proxies.get("all")
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if not text or urllib.request.proxy_bypass(host) or urllib.request.proxy_bypass(authority):
        return None
    proxy = httpx.Proxy(text if "://" in text else f"http://{text}")
    if proxy.url.scheme not in {"http", "https"} or not proxy.url.host or (proxy.url.port or 1) > _LAST_PORT:
        raise ValueError(proxy.url.scheme)
    return proxy
