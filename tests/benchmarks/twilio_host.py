"""Twilio's host on this machine: an emulator behind a forward proxy, for programs whose URL cannot be changed.

The proxy takes `CONNECT` for Twilio's host only, ends TLS with a certificate made for the occasion, and passes bytes on
to the emulator, without looking at them: nothing leaves the machine. Emulator and proxy are processes of their own, and
report their CPU time, so that it is seen if either of them is what was measured.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from reconciler.emulator import Emulator, Store
from reconciler.emulator.app import TWILIO_URL
from reconciler.emulator.server import serve

HOST = "conversations.twilio.com"
LOOPBACK = "127.0.0.1"


class Served(NamedTuple):
    """What an emulator and its proxy have done so far.

    Attributes:
        requests: The number of requests, those refused included.
        refused: The number of requests that got 429.
        emulator: CPU seconds of the emulator.
        proxy: CPU seconds of the proxy.
    """

    requests: float
    refused: float
    emulator: float
    proxy: float

    @property
    def servers(self) -> float:
        """CPU seconds of both."""
        return self.emulator + self.proxy


class TwilioHost:
    """A running emulator and its proxy.

    Args:
        environment: The variables that lead a program to it.
        usage: Asks both processes what they have done.
    """

    def __init__(self, environment: Mapping[str, str], usage: Callable[[], Served]) -> None:
        self.environment = environment
        self._usage = usage

    @contextmanager
    def counted(self) -> Iterator[list[Served]]:
        """Give a list that contains what was done in the block, once it has ended."""
        before, result = self._usage(), list[Served]()
        yield result
        result.append(Served(*(now - then for now, then in zip(self._usage(), before, strict=True))))


@contextmanager
def twilio_host(folder: Path, *, latency: float, writes_per_second: int) -> Iterator[TwilioHost]:
    """Serve an empty account until the block ends.

    Args:
        folder: Where the certificate is kept.
        latency: Milliseconds before each response.
        writes_per_second: The most writes to one service that are not refused.
    """
    certificate = folder / "twilio.pem"
    if not certificate.exists():
        certificate.write_bytes(certificate_of(HOST))
    with process(_emulate, latency, writes_per_second) as emulator:
        address = urlsplit(emulator.recv())
        with process(_tunnel, str(certificate), address.port) as proxy:
            environment = {
                "HTTPS_PROXY": f"http://{LOOPBACK}:{proxy.recv()}",
                "NO_PROXY": "",
                "SSL_CERT_FILE": str(certificate),
            }
            environment |= {name.lower(): value for name, value in environment.items() if name.endswith("PROXY")}

            def usage() -> Served:
                requests, refused, cpu = ask(emulator)
                return Served(requests, refused, cpu, *ask(proxy))

            yield TwilioHost(environment, usage)


def ask(process: Connection) -> Any:
    """Return the present figures of a process that uses `answer_with`."""
    process.send(None)
    return process.recv()


@contextmanager
def process(work: Callable[..., None], *arguments: object) -> Iterator[Connection]:
    """Run a function in a process of its own; give it the other end of a pipe as its first argument."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs, *arguments), daemon=True)
    process.start()
    try:
        yield ours
    finally:
        process.terminate()
        process.join()


def answer_with(pipe: Connection, figures: Callable[[], object]) -> None:
    """Send the figures of this process whenever they are asked for."""

    def work() -> None:
        with suppress(EOFError, OSError):
            while True:
                pipe.recv()
                pipe.send(figures())

    threading.Thread(target=work, daemon=True).start()


def _emulate(pipe: Connection, latency: float, writes_per_second: int) -> None:
    app = Emulator(Store.open(":memory:"), writes_per_second=writes_per_second, latency_ms=latency)

    def figures() -> tuple[int, int, float]:
        statuses = Counter(request.status for request in tuple(app.requests))
        return statuses.total(), statuses[429], time.process_time()

    def ready(url: str) -> None:
        app.base_url = TWILIO_URL
        pipe.send(url)
        answer_with(pipe, figures)

    serve(app, port=0, ready=ready)


def _tunnel(pipe: Connection, certificate: str, port: int) -> None:
    async def run() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server = await asyncio.get_running_loop().create_server(lambda: _Proxy(context, port), LOOPBACK, 0)
        pipe.send(server.sockets[0].getsockname()[1])
        answer_with(pipe, lambda: (time.process_time(),))
        await server.serve_forever()

    asyncio.run(run())


class _Proxy(asyncio.Protocol):
    """A connection to the proxy, until its `CONNECT` is answered."""

    def __init__(self, context: ssl.SSLContext, port: int) -> None:
        self._context, self._port, self._head = context, port, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._head += data
        if not self._head.endswith(b"\r\n\r\n"):
            return
        if self._head.startswith(f"CONNECT {HOST}:443 ".encode()):
            self._task = asyncio.get_running_loop().create_task(self._connect())
        else:
            self._transport.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            self._transport.close()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        to_emulator, from_emulator = await loop.create_connection(_Pump, LOOPBACK, self._port)
        from_client = _Pump()
        from_client.to = to_emulator
        self._transport.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with suppress(OSError):  # a client that goes away during the handshake
            from_emulator.to = await loop.start_tls(self._transport, from_client, self._context, server_side=True)


class _Pump(asyncio.Protocol):
    """Sends what it receives to another connection, and closes that one when its own is closed."""

    to: asyncio.Transport | None = None

    def data_received(self, data: bytes) -> None:
        assert self.to is not None
        self.to.write(data)

    def connection_lost(self, _: Exception | None) -> None:
        if self.to is not None:
            self.to.close()


def certificate_of(host: str) -> bytes:
    """Make a certificate of a host that is its own authority; return it with its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem + certificate.public_bytes(Encoding.PEM)
