"""What an apply of many resources over a network costs: requests, CPU, and what the rate limit of writes makes of it.

The emulator is served by a process of its own, answers after 50 ms, and refuses more than 30 writes a second to one
service. Requests are compared with the ideal (one for each resource, and what a plan reads), CPU with what bare GETs
through the same client take, at several numbers of them at once.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from reconciler.api.client import Client
from reconciler.api.credentials import Credentials
from reconciler.api.rate_limit import RateLimit
from reconciler.api.retry import Retry
from reconciler.emulator import Emulator, Store
from reconciler.emulator.server import serve
from reconciler.execution.apply import apply
from reconciler.report import Report, Silent
from reconciler.workflow.planning import fetch_and_plan
from tests.benchmarks.measuring import Row
from tests.world import ACCOUNT, read

RESOURCES, LATENCY = 300, 50.0
CREDENTIALS = Credentials(ACCOUNT, "emulator", ACCOUNT)


def files(services: int) -> str:
    """Return a configuration of that many services with users, `RESOURCES` together."""
    lines = ["version: 1", "services:"]
    for service in range(services):
        users = RESOURCES // services - 1
        lines += [f"  s{service}:", "    users:", *(f"      user{user}: {{}}" for user in range(users))]
    return "\n".join(lines) + "\n"


def _serve(latency: float, database: str, writes_per_second: int | None, told: Connection) -> None:
    app = Emulator(Store.open(database), writes_per_second=writes_per_second, latency_ms=latency)
    serve(app, port=0, ready=told.send)


@contextmanager
def served(latency: float, *, database: str = ":memory:", writes_per_second: int | None = 30) -> Iterator[str]:
    """An emulator in a process of its own; gives its URL."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(latency, database, writes_per_second, theirs), daemon=True
    )
    process.start()
    try:
        yield str(ours.recv())
    finally:
        process.terminate()
        process.join()


def applied(url: str, text: str, *, paced: bool) -> tuple[Report, int, float]:
    """Plan and apply; gives the report, the requests of the plan, and the CPU seconds of the apply."""

    async def both() -> tuple[Report, int, float]:
        files = read(text)
        async with Client(url, CREDENTIALS) as client:
            made = await fetch_and_plan(files, client, Silent())
            reads = client.requests
        retry = Retry()
        async with Client(url, CREDENTIALS, retry=retry, rate_limit=RateLimit(retry) if paced else None) as client:
            begun = time.process_time()
            report = await apply(made, client, Silent())
            return report, reads, time.process_time() - begun

    return asyncio.run(both())


def bare(url: str, requests: int, concurrency: int) -> tuple[float, float]:
    """Seconds and CPU seconds of so many requests through the client alone, so many at a time."""

    async def all_of_them() -> tuple[float, float]:
        async with Client(url, CREDENTIALS, concurrency=concurrency) as client:
            begun, cpu = time.perf_counter(), time.process_time()
            await asyncio.gather(*(client.get("/v1/Configuration") for _ in range(requests)))
            return time.perf_counter() - begun, time.process_time() - cpu

    return asyncio.run(all_of_them())


def rows() -> Iterator[Row]:
    """Measure applies with and without the rate limit, then GETs alone."""
    for services in (50, 4, 1):
        for paced in (True, False):
            with served(LATENCY) as url:
                report, reads, cpu = applied(url, files(services), paced=paced)
            ideal = RESOURCES + reads
            requests, name = report.requests + reads, f"{services} services, {'paced' if paced else 'unpaced'}"
            detail = f"{report.seconds:.1f} s, {report.resent} sent again after a 429, exit code {report.exit_code}"
            yield Row(f"apply of {RESOURCES}, {name}: requests", "ideal", "x", requests / ideal, detail=detail)
            yield Row(f"apply of {RESOURCES}, {name}: CPU per request", "", "ms", 1000 * cpu / report.requests)
    with served(LATENCY) as url:
        for concurrency in (5, 10, 20, 50, 100):
            seconds, cpu = bare(url, RESOURCES, concurrency)
            detail = f"{RESOURCES / seconds:.0f} per second"
            yield Row(
                f"GETs, {concurrency} at a time: CPU per request", "", "ms", 1000 * cpu / RESOURCES, detail=detail
            )
