"""An apply of a small configuration of every kind over a faulty way to the API, in which no time passes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from reconciler.api.client import Client
from reconciler.api.credentials import Credentials
from reconciler.api.retry import Retry
from reconciler.api.transport import in_process
from reconciler.config.model import Config
from reconciler.emulator.app import Emulator, Receive, Scope, Send
from reconciler.emulator.faults import App, Faults, Faulty
from reconciler.execution.apply import apply
from reconciler.planning.options import PlanOptions
from reconciler.report import Report, Silent
from reconciler.workflow.planning import fetch_and_plan
from tests.world import ACCOUNT, World, read

FILES = """
version: 1
services:
  support:
    friendly_name: Support
    roles:
      greeter: {type: service, permissions: [joinConversation]}
      reader: {type: conversation, permissions: [sendMessage]}
    users:
      ada: {friendly_name: Ada, role: greeter}
      a/b c: {}
    conversations:
      lounge:
        friendly_name: Lounge
        participants:
          ada: {identity: ada, role: reader}
          guest: {address: "+14155550199", proxy_address: "+14155550100"}
        webhooks:
          first: {target: webhook, url: "https://a.example.com/1", filters: [onMessageAdded]}
          second: {target: webhook, url: "https://a.example.com/2", filters: [onMessageAdded]}
      garden: {friendly_name: Garden}
addresses:
  "+14155550100": {type: sms, friendly_name: Main line}
credentials:
  android: {type: fcm, friendly_name: Push, secret: "${secret:FCM}"}
"""
SECRET = {"FCM": "AAAA" + "x" * 60}
COUNTS = {
    "service": 2,
    "role": 10,
    "user": 2,
    "conversation": 2,
    "participant": 2,
    "webhook": 2,
    "address": 1,
    "credential": 1,
}
"""With what Twilio makes by itself: a service and four roles in each."""


def everything() -> Config:
    return read(FILES, SECRET)


class Once:
    """An ASGI application that gets the first few requests of one sort wrong, each in the same way."""

    def __init__(self, app: App, fault: str, is_meant: Callable[[str, str], bool], *, times: int = 1) -> None:
        self.right = app
        self.wrong = Faulty(app, Faults({fault: 1.0}))
        self.is_meant = is_meant
        self.times = times

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.right
        if self.times and self.is_meant(scope["method"], scope["path"]):
            self.times, app = self.times - 1, self.wrong
        await app(scope, receive, send)


async def no_time(_seconds: float) -> None:
    await asyncio.sleep(0)


class Waited:
    """Time in which only waiting goes by."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        await no_time(seconds)


def run(
    app: App,
    files: Config,
    *,
    attempts: int = 8,
    plan_over: App | None = None,
    options: PlanOptions | None = None,
    **time: Any,
) -> Report:
    """Plan and apply over that application, in no time or in that which is given."""
    credentials = Credentials(ACCOUNT, "emulator", ACCOUNT)

    async def both() -> Report:
        retry = Retry(attempts=attempts, **({"sleep": no_time} | time))
        transport = in_process(plan_over or app)
        async with Client("https://x.example.com", credentials, transport=transport, retry=retry) as client:
            made = await fetch_and_plan(files, client, Silent(), options)
        transport = in_process(app)
        async with Client("https://x.example.com", credentials, transport=transport, retry=retry) as client:
            return await apply(made, client, Silent())

    return asyncio.run(both())


def counts(account: World | Emulator) -> dict[str, int]:
    """How many there are of each kind that Twilio makes none of by itself."""
    kinds = [row["kind"] for row in account.snapshot().values()]
    return {kind: kinds.count(kind) for kind in COUNTS}


def failures(report: Report) -> list[str]:
    return [
        f"{outcome.step}: {outcome.message}"
        for result in report.results
        for outcome in result.outcomes
        if outcome.status not in {"done", "unchanged"}
    ]
