"""What a request over the network costs the client: CPU time next to that of raw aiohttp, and requests per second.

The server is a process of its own that gives every request the same answer, as cheaply as Python can; over TLS with a
certificate made for the occasion, which both sides verify.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import aiohttp  # comes with Twilio's SDK

from reconciler.api.client import Client
from reconciler.api.credentials import Credentials
from tests.benchmarks.goals import Goal
from tests.benchmarks.measuring import Row
from tests.benchmarks.twilio_host import LOOPBACK, certificate_of, process
from tests.builders import ACCOUNT

REQUESTS, RUNS, HOST = 1000, 7, "localhost"
CREDENTIALS = Credentials(ACCOUNT, "emulator", ACCOUNT)
PATH = "/v1/Configuration"
BODY = json.dumps({"account_sid": ACCOUNT, "default_closed_timer": "P30D", "links": {"webhooks": "x" * 200}}).encode()
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTwilio-Request-Id: RQ1\r\nTwilio-Concurrent-Requests: 1\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
)
Get = Callable[[], Awaitable[object]]


class _Answering(asyncio.Protocol):
    """Answers every request that has no body."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(ANSWER * data.count(b"\r\n\r\n"))


def _serve(pipe: Connection, certificate: str) -> None:
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(_Answering, LOOPBACK, 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        pipe.send(f"https://{HOST}:{port}" if context else f"http://{LOOPBACK}:{port}")
        await server.serve_forever()

    asyncio.run(forever())


@contextmanager
def served(*, tls: bool) -> Iterator[str]:
    """A server in a process of its own; gives its URL. With TLS, this process trusts its certificate and no other."""
    with tempfile.TemporaryDirectory() as folder:
        certificate = Path(folder) / "server.pem"
        if tls:
            certificate.write_bytes(certificate_of(HOST))
            os.environ["SSL_CERT_FILE"] = str(certificate)
        with process(_serve, str(certificate) if tls else "") as pipe:
            yield str(pipe.recv())


async def cost(get: Get, concurrency: int) -> tuple[float, float]:
    """Return the seconds and CPU seconds of a request, so many at a time, on connections that are already open."""

    async def work(requests: int) -> None:
        for _ in range(requests):
            await get()

    await asyncio.gather(*(work(5) for _ in range(concurrency)))
    begun, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work(REQUESTS // concurrency) for _ in range(concurrency)))
    return (time.perf_counter() - begun) / REQUESTS, (time.process_time() - cpu) / REQUESTS


def ours(url: str, concurrency: int) -> tuple[float, float]:
    """Measure the client."""

    async def run() -> tuple[float, float]:
        async with Client(url, CREDENTIALS, concurrency=concurrency) as client:
            return await cost(lambda: client.get(PATH), concurrency)

    return asyncio.run(run())


def raw(url: str, concurrency: int) -> tuple[float, float]:
    """Measure aiohttp, with the same headers and the same parsing of answers."""

    async def run() -> tuple[float, float]:
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip", "Authorization": "Basic QUM6ZW11bGF0b3I="}
        # Its own context was made when it was imported, before the certificate.
        certificates = ssl.create_default_context() if url.startswith("https:") else False
        connector = aiohttp.TCPConnector(limit=concurrency, ssl=certificates)
        async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

            async def get() -> object:
                async with session.get(url + PATH) as answer:
                    return json.loads(await answer.read())

            return await cost(get, concurrency)

    return asyncio.run(run())


def _compared(url: str, concurrency: int) -> tuple[float, float, float]:
    """Measure both alternately; return our seconds and CPU seconds of a request, and the CPU seconds of raw aiohttp."""
    pairs = [(ours(url, concurrency), raw(url, concurrency)) for _ in range(RUNS)]
    columns = zip(*((client[0], client[1], aio[1]) for client, aio in pairs), strict=True)
    seconds, own, reference = (statistics.median(values) for values in columns)
    return seconds, own, reference


def rows() -> Iterator[Row]:
    """Measure without TLS at two numbers of connections, then with TLS."""
    for tls, concurrency in ((False, 10), (False, 50), (True, 10)):
        with served(tls=tls) as url:
            seconds, own, reference = _compared(url, concurrency)
        name = f", {concurrency} at a time{', over TLS' if tls else ''}"
        detail = f"{own * 1000:.2f} ms : {reference * 1000:.2f} ms"
        if concurrency == 10 and not tls:
            yield Goal.REQUEST.row(own * 1000)
            yield Goal.REQUEST_RATIO.row(own / reference, detail)
        else:
            yield Row("client's share of a request" + name, "raw aiohttp", "x", own / reference, detail=detail)
        yield Row("requests per second" + name, "", "", 1 / seconds)
