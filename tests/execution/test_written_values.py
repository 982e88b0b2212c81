"""The values before and after each step, as the report of an apply has them."""

from __future__ import annotations

import asyncio
from typing import Any

from reconciler.api.client import Client
from reconciler.api.credentials import Credentials
from reconciler.api.retry import Retry
from reconciler.api.transport import in_process
from reconciler.documents.step_values import StepValues
from reconciler.documents.values import Digests, Mask
from reconciler.execution.apply import apply
from reconciler.report import Outcome, Silent
from tests.execution.test_apply_answers import Otherwise
from tests.scenario import HEAD, club
from tests.world import ACCOUNT, World, read

KEY = b"0123456789abcdef0123456789abcdef"


def outcomes(world: World, text: str, app: Any = None) -> dict[str, Outcome]:
    """Apply a configuration; return the outcome of each step by ID."""
    config = read(text, {"FCM": "AAAA" + "x" * 60})
    made = world.plan(config)
    values = StepValues(made, config.resources, Mask(), Digests(made.account_sid, KEY))

    async def run() -> list[Outcome]:
        credentials = Credentials(ACCOUNT, "emulator", ACCOUNT)
        transport = in_process(app or world.emulator)
        async with Client("https://x.example.com", credentials, transport=transport, retry=Retry(attempts=1)) as client:
            report = await apply(made, client, Silent(), values=values)
        return [outcome for result in report.results for outcome in result.outcomes]

    return {outcome.step: outcome for outcome in asyncio.run(run())}


def sides(outcome: Outcome) -> tuple[Any, Any]:
    """The values before and after a step."""
    assert outcome.written is not None
    return outcome.written.before, outcome.written.after


def test_an_update_has_the_fields_that_it_sent_and_a_delete_has_all() -> None:
    world, service = club()
    world.post(f"{service}/Users", {"Identity": "ada", "FriendlyName": "Ada", "Attributes": '{"a": 1}'})
    world.post(f"{service}/Users", {"Identity": "eve", "FriendlyName": "Eve"})
    ended = outcomes(world, HEAD + "    users: {ada: {friendly_name: Ada L}, eve: {absent: true}}\n")
    assert {step: sides(outcome) for step, outcome in ended.items()} == {
        "services.club.users.ada#update": ({"friendly_name": "Ada"}, {"friendly_name": "Ada L"}),
        "services.club.users.eve#delete": (
            {
                "identity": "eve",
                "friendly_name": "Eve",
                "role": world.role("Members' club", "service user"),
                "attributes": {"json": {}},
            },
            None,
        ),
    }


def test_a_delete_of_a_missing_resource_has_no_values() -> None:
    world, service = club()
    eve = world.post(f"{service}/Users", {"Identity": "eve"})["sid"]
    app = Otherwise(world, "DELETE", eve, lambda _body: None, status=404)
    ended = outcomes(world, HEAD + "    users: {eve: {absent: true}}\n", app)
    assert (ended["services.club.users.eve#delete"].status, ended["services.club.users.eve#delete"].written) == (
        "unchanged", None,
    )  # fmt: skip


def test_an_update_that_the_api_kept_in_part_has_the_values_of_its_answer() -> None:
    world, service = club()
    ada = world.post(f"{service}/Users", {"Identity": "ada", "FriendlyName": "Ada"})["sid"]
    app = Otherwise(world, "POST", ada, lambda body: body.update(friendly_name="Other"))
    ended = outcomes(world, HEAD + "    users: {ada: {friendly_name: Ada L}}\n", app)
    outcome = ended["services.club.users.ada#update"]
    assert (outcome.status, *sides(outcome)) == ("failed", {"friendly_name": "Ada"}, {"friendly_name": "Other"})


def test_a_create_has_what_it_sent_and_what_its_answer_has() -> None:
    world = World()
    ended = outcomes(
        world, 'version: 1\ncredentials: {android: {type: fcm, friendly_name: Push, secret: "${secret:FCM}"}}\n'
    )
    # The API does not return the secret, so it is the one that was sent, as a digest.
    digest = "hmac-sha256:176484829fe24ac8ce3ca3beecc0d507c34e71de206bbc844d310eeb0032c80a"
    assert sides(ended["credentials.android#create"]) == (
        None, {"type": "fcm", "friendly_name": "Push", "sandbox": None, "secret": {"digest": digest}},
    )  # fmt: skip


def test_a_create_that_is_cleared_has_the_cleared_values() -> None:
    world, _ = club()
    app = Otherwise(world, "POST", "/Conversations", lambda body: body.update(attributes='{"made": "by Twilio"}'))
    ended = outcomes(world, HEAD + "    conversations: {lounge: {attributes: {}}}\n", app)
    before, after = sides(ended["services.club.conversations.lounge#create"])
    assert (before, after["unique_name"], after["attributes"]) == (None, "lounge", {"json": {}})


def test_a_setting_of_a_new_service_that_is_cleared_has_the_cleared_values() -> None:
    world = World()
    url = "https://a.example.com/pre"
    app = Otherwise(world, "GET", "/Configuration/Webhooks", lambda body: body.update(pre_webhook_url=url))
    ended = outcomes(world, HEAD + "    webhooks: {pre_webhook_url: null}\n", app)
    outcome = ended["services.club.webhooks#update"]
    assert (outcome.status, *sides(outcome)) == ("done", None, {"pre_webhook_url": None})


def test_a_setting_of_a_new_service_that_is_empty_has_no_values() -> None:
    ended = outcomes(World(), HEAD + "    webhooks: {pre_webhook_url: null}\n")
    outcome = ended["services.club.webhooks#update"]
    assert (outcome.status, outcome.written) == ("unchanged", None)
