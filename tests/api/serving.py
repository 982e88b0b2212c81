"""Servers on loopback that behave as a test says, byte for byte, and keep what they were sent."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Line:
    """One connection, as its server sees it.

    Attributes:
        received: every byte that arrived.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.received = b""

    async def request(self) -> bytes:
        """Read the next request: its head, and as much of a body as the head announces; empty at the end."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            self.received += error.partial
            return b""
        length = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        body = await self.reader.readexactly(int(length[0])) if length else b""
        self.received += head + body
        return head + body

    def reset(self) -> None:
        """End the connection with a reset."""
        found: socket.socket = self.writer.get_extra_info("socket")
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Behavior = Callable[[Line], Awaitable[None]]


class Server:
    """A server, and the connections that it had."""

    def __init__(self, port: int, *, encrypted: bool) -> None:
        self.port = port
        self.url = f"{'https' if encrypted else 'http'}://127.0.0.1:{port}"
        self.lines: list[Line] = []


@asynccontextmanager
async def serving(behavior: Behavior, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Serve; the connection is closed when its behavior ends."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(reader, writer)
        made.lines.append(line)
        with suppress(OSError, asyncio.IncompleteReadError):
            await behavior(line)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls)
    made = Server(server.sockets[0].getsockname()[1], encrypted=tls is not None)
    try:
        yield made
    finally:
        server.close()
        for line in made.lines:
            line.writer.transport.abort()
        await asyncio.sleep(0)
        await server.wait_closed()


async def answer_all(line: Line) -> None:
    """Give every request the same answer, on one connection."""
    while await line.request():
        line.writer.write(OK)
