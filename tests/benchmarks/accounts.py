"""What a medium and a large account cost: wall time over a network, CPU without one, memory, and how they grow.

The medium account has 10 services with 5 roles each, and 100 addresses; an emulator of a process of its own answers
after 50 ms. The large one has 10,000 roles in 100 services; its answers are recorded once and replayed, so that the
CPU of the emulator does not count.
"""

from __future__ import annotations

import asyncio
import gc
import json
import math
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from reconciler.api.client import ReadClient
from reconciler.api.transport import in_process
from reconciler.cli.entry import COLLECT_EVERY
from reconciler.config.model import Config
from reconciler.report import Silent
from reconciler.workflow.planning import fetch_and_plan
from tests.benchmarks import plan as large
from tests.benchmarks.apply import CREDENTIALS, served
from tests.benchmarks.goals import Goal
from tests.benchmarks.measuring import (
    Command,
    Row,
    cpu_of_process,
    least_cpu,
    medians,
    peak_of_process,
    python,
    reconciler,
)
from tests.world import World, read

LATENCY, CONCURRENCY, RUNS = 50.0, 10, 5
IMPORTS = "import click, yaml, pydantic, httpx"
SCOPES = 4
"""The rounds of a plan that follow from each other: account, services, their contents, and further pages of these."""


def medium() -> str:
    """Return the configuration of the medium account."""
    lines = ["version: 1", "limits: {deletes: 0}", "services:"]
    for service in range(10):
        lines += [f"  s{service}:", f"    friendly_name: Service {service}", "    roles:"]
        lines += [f"      r{role}: {{type: conversation, permissions: [sendMessage]}}" for role in range(5)]
    lines += ["addresses:", *(f'  "+141555{number:05}": {{type: sms}}' for number in range(100))]
    return "\n".join(lines) + "\n"


class _Recorder:
    """An ASGI application that keeps the answers of another one."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.answers: dict[tuple[str, bytes], list[Any]] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        kept = self.answers[scope["path"], scope["query_string"]] = []

        async def keep(message: Any) -> None:
            kept.append(message)
            await send(message)

        await self.app(scope, receive, keep)

    async def replay(self, scope: Any, _receive: Any, send: Any) -> None:
        """Give a kept answer."""
        for message in self.answers[scope["path"], scope["query_string"]]:
            await send(message)

    def bodies(self) -> list[bytes]:
        return [message["body"] for kept in self.answers.values() for message in kept if message.get("body")]


def _plan(config: Config, app: Any) -> None:
    config = replace(config)  # without what an earlier plan found out about it

    async def run() -> None:
        async with ReadClient("https://conversations.twilio.com", CREDENTIALS, transport=in_process(app)) as client:
            made = await fetch_and_plan(config, client, Silent())
            assert made.changes == ()

    asyncio.run(run())


def _unchanged(services: int) -> tuple[float, float]:
    """Return the CPU seconds of a plan without changes, and of `json.loads` of the same answers."""
    config, account = read(large.files(services)), World()
    account.do(account.plan(config))
    recorder = _Recorder(account.emulator)
    _plan(config, recorder)
    bodies = recorder.bodies()
    gc.collect()
    gc.freeze()  # the objects of the emulator and of the recording are no part of a plan
    thresholds = gc.get_threshold()
    gc.set_threshold(COLLECT_EVERY)
    try:
        return (
            least_cpu(lambda: _plan(config, recorder.replay)),
            least_cpu(lambda: [json.loads(body) for body in bodies]),
        )
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


def _wall(command: Command) -> float:
    begun = time.perf_counter()
    cpu_of_process(command)
    return time.perf_counter() - begun


def _create(folder: Path, environment: Mapping[str, str], url: str = "") -> tuple[float, int]:
    """Create the medium account, served for this alone without a URL; return the seconds and requests."""
    if not url:
        with served(LATENCY) as own:
            return _create(folder, environment, own)
    report = folder / f"{time.monotonic_ns()}.json"
    options = ("--yes", "--api-url", url, "--report", str(report))
    seconds = _wall(reconciler("apply", ".", *options, folder=folder, environment=environment))
    return seconds, json.loads(report.read_text(encoding="utf-8"))["requests"]


def _medium(folder: Path) -> Iterator[Row]:
    (folder / "reconciler.yaml").write_text(medium(), encoding="utf-8")
    (starting,) = medians([python(IMPORTS)], RUNS, _wall)
    environment = {"TWILIO_ACCOUNT_SID": CREDENTIALS.account_sid, "TWILIO_AUTH_TOKEN": "emulator"}
    creates = [_create(folder, environment)[0] for _ in range(RUNS - 1)]
    with served(LATENCY) as url:
        seconds, requests = _create(folder, environment, url)
        plan = reconciler("plan", ".", "--api-url", url, folder=folder, environment=environment)
        (planning,) = medians([plan], RUNS, _wall)
        memory = peak_of_process(plan)
    created = sorted([*creates, seconds])[RUNS // 2]
    least = peak_of_process(python(IMPORTS))
    ideal = SCOPES * LATENCY / 1000 + starting
    yield Goal.MEDIUM_PLAN.row(planning / ideal, f"{planning:.2f} : {ideal:.2f} s")
    ideal = math.ceil(requests / CONCURRENCY) * LATENCY / 1000 + starting
    yield Goal.MEDIUM_CREATE.row(created / ideal, f"{created:.2f} : {ideal:.2f} s, {requests} requests")
    yield Goal.MEDIUM_MEMORY.row(memory / least, f"{memory:.0f} : {least:.0f} MB")


def rows() -> Iterator[Row]:
    """Measure both accounts."""
    text = large.files()
    loading, parsing = least_cpu(lambda: read(text)), least_cpu(lambda: list(yaml.parse(text, Loader=yaml.CSafeLoader)))
    yield Goal.LOAD.ratio(loading, parsing)
    planning, reading = _unchanged(large.SERVICES)
    yield Goal.UNCHANGED.ratio(planning, reading)
    tenth, _ = _unchanged(large.SERVICES // 10)
    yield Goal.LINEAR.ratio(planning, tenth)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield from _medium(folder)
        (folder / "reconciler.yaml").write_text(text, encoding="utf-8")
        cpu_of_process(reconciler("apply", ".", "--yes", "--emulator", "large.db", folder=folder))
        peak = peak_of_process(reconciler("plan", ".", "--emulator", "large.db", folder=folder))
        yield Goal.LARGE_MEMORY.row(peak)
