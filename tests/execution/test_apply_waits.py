"""A step that waits for what Twilio makes by itself keeps no other from being sent."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.api.client import Client
from reconciler.api.credentials import Credentials
from reconciler.api.retry import Retry
from reconciler.api.transport import in_process
from reconciler.emulator.app import Receive, Scope, Send
from reconciler.execution.apply import apply
from reconciler.report import Report, Silent
from reconciler.workflow.planning import fetch_and_plan
from tests.world import ACCOUNT, World, read

MANY = "".join(f"  c{number}: {{}}\n" for number in range(20))
NEW = "version: 1\nservices:\n  a: %s\n  b: %s\n" + MANY
BUILT_IN = "{{roles: {{{name}: {{permissions: [{word}]}}}}}}"


class Lagging:
    """An API whose reads in new services lag behind: they are not there until somebody has waited."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.has_waited = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "GET" and not self.has_waited and scope["path"].count("/") > 3:
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b"{}"})
            return
        await self.world.emulator(scope, receive, send)


def applied(text: str) -> tuple[Report, list[int]]:
    """Apply with one write at a time; gives how many services were there whenever a wait ended."""
    world, files = World(), read(text)
    app = Lagging(world)
    seen: list[int] = []

    async def sleep(_seconds: float) -> None:
        # As long as whatever else can be sent takes.
        for _ in range(6000):
            await asyncio.sleep(0)
        app.has_waited = True
        seen.append(sum(row["kind"] == "service" for row in world.snapshot().values()))

    async def run() -> Report:
        someone = Credentials(ACCOUNT, "emulator", ACCOUNT)
        async with Client(
            "https://a.example.com", someone, concurrency=2, transport=in_process(app), retry=Retry(sleep=sleep)
        ) as client:
            made = await fetch_and_plan(files, client, Silent())
            return await apply(made, client, Silent())

    report = asyncio.run(run())
    assert world.plan(files).changes == ()
    return report, seen


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("service admin", "addParticipant"),
        ("service user", "createConversation"),
        ("channel admin", "addParticipant"),
        ("channel user", "sendMessage"),
    ],
)
def test_a_built_in_role_that_is_looked_for_lets_others_write(name: str, word: str) -> None:
    body = BUILT_IN.format(name=name, word=word)
    report, seen = applied(NEW % (body, body))
    assert (report.exit_code, set(seen)) == (0, {23})


@pytest.mark.parametrize(
    "body",
    [
        "{notifications: {log_enabled: false}}",
        "{configuration: {reachability_enabled: false}}",
        "{webhooks: {pre_webhook_url: null}}",
        "{configuration: {default_conversation_role: channel user}}",
        "{users: {ada: {role: service admin}}}",
    ],
)
def test_what_is_read_in_a_new_service_lets_others_write(body: str) -> None:
    report, seen = applied(NEW % (body, body))
    assert (report.exit_code, set(seen)) == (0, {23})
