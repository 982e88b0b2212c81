"""The values before and after each step, as the report of an apply has them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from reconciler.api.client import Client
from reconciler.api.credentials import Credentials
from reconciler.api.retry import Retry
from reconciler.api.transport import in_process
from reconciler.documents.step_values import StepValues
from reconciler.documents.values import Digests, Mask
from reconciler.execution.apply import apply
from reconciler.report import Outcome, Silent
from reconciler.workflow.planning import fetch_and_plan
from tests.execution.test_apply_answers import Otherwise
from tests.scenario import HEAD, club
from tests.world import ACCOUNT, World, read

KEY = b"0123456789abcdef0123456789abcdef"


def outcomes(world: World, text: str, app: Any = None, *, plan_over: Any = None) -> dict[str, Outcome]:
    """Apply a configuration; return the outcome of each step by ID."""
    config = read(text, {"FCM": "AAAA" + "x" * 60})

    def client(over: Any) -> Client:
        credentials = Credentials(ACCOUNT, "emulator", ACCOUNT)
        transport = in_process(over or world.emulator)
        return Client("https://x.example.com", credentials, transport=transport, retry=Retry(attempts=1))

    async def run() -> list[Outcome]:
        async with client(plan_over) as reading:
            made = await fetch_and_plan(config, reading, Silent())
        values = StepValues(made, config.resources, Mask(), Digests(made.account_sid, KEY))
        async with client(app) as writing:
            report = await apply(made, writing, Silent(), values=values)
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


def test_an_update_has_the_fields_that_twilio_changed_with_it() -> None:
    world, service = club()
    ada = world.post(f"{service}/Users", {"Identity": "ada", "FriendlyName": "Ada", "Attributes": '{"a": 1}'})["sid"]

    app = Otherwise(world, "POST", ada, lambda body: body.update(attributes='{"a": 2}'))
    ended = outcomes(world, HEAD + "    users: {ada: {friendly_name: Ada L}}\n", app)
    assert sides(ended["services.club.users.ada#update"]) == (
        {"friendly_name": "Ada", "attributes": {"json": {"a": 1}}},
        {"friendly_name": "Ada L", "attributes": {"json": {"a": 2}}},
    )


def test_an_update_has_no_field_that_a_timer_changed_at_the_same_moment() -> None:
    world, service = club()
    lounge = world.post(f"{service}/Conversations", {"UniqueName": "lounge", "FriendlyName": "Lounge"})["sid"]
    app = Otherwise(world, "POST", lounge, lambda body: body.update(state="inactive"))
    ended = outcomes(world, HEAD + "    conversations: {lounge: {friendly_name: Hall}}\n", app)
    assert sides(ended["services.club.conversations.lounge#update"]) == (
        {"friendly_name": "Lounge"}, {"friendly_name": "Hall"},
    )  # fmt: skip


@pytest.mark.parametrize("known", ["before", "after"])
def test_an_update_has_no_field_that_is_known_on_one_side_only(known: str) -> None:
    world, service = club()
    lounge = f"{service}/Conversations/{world.post(f'{service}/Conversations', {'UniqueName': 'lounge'})['sid']}"
    form = {"Target": "studio", "Configuration.FlowSid": "FW" + "1" * 32, "Configuration.Filters": "onMessageAdded"}
    bot = world.post(f"{lounge}/Webhooks", form)["sid"]

    def unknown(body: dict[str, Any]) -> None:
        for webhook in body.get("webhooks", [body]):
            del webhook["configuration"]["filters"]

    method, end = ("GET", "/Webhooks") if known == "after" else ("POST", bot)
    app = Otherwise(world, method, end, unknown)
    webhook = f"{{sid: {bot}, target: studio, flow_sid: FW{'2' * 32}}}"
    text = HEAD + f"    conversations: {{lounge: {{webhooks: {{bot: {webhook}}}}}}}\n"
    ended = outcomes(world, text, app, plan_over=app)
    assert app.times == 0
    assert sides(ended["services.club.conversations.lounge.webhooks.bot#update"]) == (
        {"flow_sid": "FW" + "1" * 32}, {"flow_sid": "FW" + "2" * 32},
    )  # fmt: skip


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
    ended = outcomes(world, HEAD + "    conversations: {lounge: {attributes: {}, timers: {closed: P1D}}}\n", app)
    before, after = sides(ended["services.club.conversations.lounge#create"])
    # The API does not return the timer.
    assert (before, after["unique_name"], after["attributes"], after["timers.closed"]) == (
        None, "lounge", {"json": {}}, "P1D",
    )  # fmt: skip


def test_a_setting_of_a_new_service_that_is_cleared_has_the_cleared_values() -> None:
    world = World()
    url = "https://a.example.com/pre"
    app = Otherwise(world, "GET", "/Configuration/Webhooks", lambda body: body.update(pre_webhook_url=url))
    ended = outcomes(world, HEAD + "    webhooks: {pre_webhook_url: null}\n", app)
    outcome = ended["services.club.webhooks#update"]
    assert (outcome.status, *sides(outcome)) == ("done", None, {"pre_webhook_url": None})


def test_settings_of_a_new_service_that_are_sent_and_cleared_have_both_values() -> None:
    world = World()
    app = Otherwise(world, "POST", "/Notifications", lambda body: body["new_message"].update(template="Hello"))
    ended = outcomes(world, HEAD + "    notifications: {log_enabled: true, new_message: {template: ''}}\n", app)
    assert sides(ended["services.club.notifications#update"]) == (
        None, {"log_enabled": True, "new_message.template": None},
    )  # fmt: skip


def test_a_built_in_role_has_its_values_before_and_after() -> None:
    world = World()
    files = HEAD + "    roles: {channel user: {permissions: [sendMessage]}}\n"
    [(_, outcome)] = [(step, item) for step, item in outcomes(world, files).items() if step.endswith("#update")]
    before, after = sides(outcome)
    assert after == {"permissions": ["sendMessage"]}
    assert before.keys() == {"permissions"}
    assert "leaveConversation" in before["permissions"]


def test_a_setting_of_a_new_service_that_is_empty_has_no_values() -> None:
    ended = outcomes(World(), HEAD + "    webhooks: {pre_webhook_url: null}\n")
    outcome = ended["services.club.webhooks#update"]
    assert (outcome.status, outcome.written) == ("unchanged", None)
