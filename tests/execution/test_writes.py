"""What a write sends besides its values, and what its answer must have besides what was sent."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from reconciler.api.client import Client
from reconciler.api.credentials import Credentials
from reconciler.api.transport import in_process
from reconciler.emulator.app import Receive, Scope, Send
from reconciler.execution.step_errors import StepFailed
from reconciler.execution.writes import Writes
from reconciler.kinds import BY_NAME
from tests.execution.test_apply_answers import Otherwise
from tests.planning.test_replacing import do
from tests.world import ACCOUNT, World, read

ANYONE = Credentials(ACCOUNT, "emulator", ACCOUNT)
CONVERSATION, ROLE, USER = BY_NAME["conversation"], BY_NAME["role"], BY_NAME["user"]


class Sent:
    """Keeps which writes ask for webhooks."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.webhooks: list[tuple[str, bool]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            headers = {name.lower() for name, _ in scope["headers"]}
            self.webhooks.append((scope["method"], b"x-twilio-webhook-enabled" in headers))
        await self.world.emulator(scope, receive, send)


def write(app: Any, doing: Any, *, trigger_webhooks: bool = False) -> Any:
    async def run() -> Any:
        async with Client("https://x.example.com", ANYONE, transport=in_process(app)) as client:
            return await doing(Writes(client, trigger_webhooks=trigger_webhooks))

    return asyncio.run(run())


@pytest.mark.parametrize("trigger", [True, False])
def test_only_kinds_with_the_header_trigger_webhooks_and_only_when_asked(trigger: bool) -> None:  # noqa: FBT001 - a table's column
    world = World()
    service = world.post("/v1/Services", {"FriendlyName": "club"})["sid"]
    role = world.post(
        f"/v1/Services/{service}/Roles", {"FriendlyName": "a", "Type": "service", "Permission": "joinConversation"}
    )["sid"]
    app = Sent(world)

    async def everything(writes: Writes) -> None:
        conversations = f"/v1/Services/{service}/Conversations"
        created = await writes.create(CONVERSATION, conversations, {"unique_name": "lounge"}, attempt=1)
        await writes.update(CONVERSATION, f"{conversations}/{created.sid}", {"friendly_name": "Lounge"})
        assert await writes.delete(CONVERSATION, f"{conversations}/{created.sid}")
        await writes.update(ROLE, f"/v1/Services/{service}/Roles/{role}", {"permissions": ("createConversation",)})
        assert await writes.delete(ROLE, f"/v1/Services/{service}/Roles/{role}")

    write(app, everything, trigger_webhooks=trigger)
    assert app.webhooks == [
        ("POST", trigger), ("POST", trigger), ("DELETE", trigger), ("POST", False), ("DELETE", False)
    ]  # fmt: skip


def test_an_apply_triggers_no_webhooks_by_default() -> None:
    world = World()
    app = Sent(world)
    do(world, read("version: 1\nservices: {club: {conversations: {lounge: {}}}}\n"), app)
    assert app.webhooks == [("POST", False), ("POST", False)]


def test_an_update_must_not_undo_another_declared_value() -> None:
    world = World()
    service = world.post("/v1/Services", {"FriendlyName": "club"})["sid"]
    user = world.post(f"/v1/Services/{service}/Users", {"Identity": "ada", "FriendlyName": "Ada"})["sid"]
    app = Otherwise(world, "POST", user, lambda body: body.update(friendly_name="Bob"))

    async def update(writes: Writes) -> None:
        path = f"/v1/Services/{service}/Users/{user}"
        await writes.update(USER, path, {"attributes": {"a": 1}}, {"friendly_name": "Ada"})

    with pytest.raises(StepFailed, match="kept its own value of friendly_name"):
        write(app, update)


def test_a_delete_says_whether_there_was_anything_to_delete() -> None:
    world = World()
    service = world.post("/v1/Services", {"FriendlyName": "club"})["sid"]
    path = f"/v1/Services/{service}/Users/US{'0' * 32}"
    assert write(world.emulator, lambda writes: writes.delete(USER, path)) is False


def test_an_update_is_not_counted_as_a_retry() -> None:
    world = World()
    service = world.post("/v1/Services", {"FriendlyName": "club"})["sid"]
    user = world.post(f"/v1/Services/{service}/Users", {"Identity": "ada"})["sid"]

    async def run() -> tuple[int, int]:
        async with Client("https://x.example.com", ANYONE, transport=in_process(world.emulator)) as client:
            writes = Writes(client, trigger_webhooks=False)
            await writes.update(USER, f"/v1/Services/{service}/Users/{user}", {"friendly_name": "Ada"})
            return client.writes, client.resent

    assert asyncio.run(run()) == (1, 0)
