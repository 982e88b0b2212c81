"""How many requests the emulator answers in a second of its own CPU time, served by a process of its own.

The client cannot be what is measured: it sends prepared bytes over open connections, and only the CPU time of the
emulator's process counts.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection
from urllib.parse import urlencode, urlsplit

from reconciler.emulator import Emulator, Store
from reconciler.emulator.server import serve
from tests.benchmarks.goals import Goal
from tests.benchmarks.measuring import Row
from tests.benchmarks.twilio_host import answer_with, ask, process
from tests.builders import ACCOUNT

CONNECTIONS, REQUESTS, RUNS = 10, 600, 3
HEAD = (
    "Host: emulator\r\nAccept: application/json\r\n"
    f"Authorization: Basic {b64encode(f'{ACCOUNT}:emulator'.encode()).decode()}\r\n"
)


def _emulate(pipe: Connection) -> None:
    def ready(url: str) -> None:
        pipe.send(url)
        answer_with(pipe, time.process_time)

    serve(Emulator(Store.open(":memory:")), port=0, ready=ready)


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\n{HEAD}\r\n".encode()


def _post(path: str, form: Mapping[str, str]) -> bytes:
    body = urlencode(form)
    head = f"{HEAD}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
    return f"POST {path} HTTP/1.1\r\n{head}\r\n{body}".encode()


async def _answers(url: str, requests: list[bytes]) -> bytes:
    """Send requests over one connection, each after the answer to the one before; return the last answer."""
    host = urlsplit(url)
    reader, writer = await asyncio.open_connection(host.hostname, host.port)
    body = b""
    for request in requests:
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        body = await reader.readexactly(int(head.partition(b"content-length:")[2].split()[0]))
        assert head.split()[1] in {b"200", b"201"}, (request, head, body)
    writer.close()
    await writer.wait_closed()
    return body


def _per_second(emulator: Connection, url: str, request: Callable[[], bytes]) -> float:
    """Return the requests of one sort that are answered in a second of the emulator's CPU time, in the best run."""

    async def run() -> float:
        work = [[request() for _ in range(REQUESTS // CONNECTIONS)] for _ in range(CONNECTIONS)]
        before = float(ask(emulator))
        await asyncio.gather(*(_answers(url, requests) for requests in work))
        return REQUESTS / (float(ask(emulator)) - before)

    return max(asyncio.run(run()) for _ in range(RUNS))


def rows() -> Iterator[Row]:
    """Measure three sorts of requests, and what follows for as many of each."""
    with process(_emulate) as emulator:
        url = str(emulator.recv())
        service = json.loads(asyncio.run(_answers(url, [_post("/v1/Services", {"FriendlyName": "a"})])))["sid"]
        users, number = f"/v1/Services/{service}/Users", itertools.count()
        found = {
            "creates": _per_second(emulator, url, lambda: _post(users, {"Identity": f"user{next(number)}"})),
            "reads of one resource": _per_second(emulator, url, lambda: _get(f"/v1/Services/{service}")),
            "pages of 50 resources": _per_second(emulator, url, lambda: _get(f"{users}?PageSize=50")),
        }
    yield Goal.EMULATOR.row(
        len(found) / sum(1 / rate for rate in found.values()),
        ", ".join(f"{rate:,.0f} {name}" for name, rate in found.items()),
    )
