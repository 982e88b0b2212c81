"""Twilio's own SDK drives every resource of its Conversations v1 client against the served emulator."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]

from reconciler.emulator import Emulator, Store
from tests.emulator.sdk import (
    V1,
    WAYS,
    Resource,
    Sdk,
    drive,
    drive_creation,
    drive_singleton,
    functions,
    judge,
    judge_parts,
    modules,
    watched,
)
from tests.emulator.served import Host, served
from tests.emulator.witness import Api, dotted, sid

# How the asynchronous SDK hands credentials to its HTTP library is the SDK's to mend.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The 'auth' parameter is deprecated:DeprecationWarning"),
]

THEN = datetime(2025, 6, 1, 12, 0, 0, tzinfo=UTC)


class World:
    """A served account with what resources need around them, in the default service or in another one."""

    def __init__(self, api: Api, sdk: Sdk, url: str, *, in_service: bool) -> None:
        self.api, self.sdk, self.url = api, sdk, url
        self.app: Emulator = api.app
        self.service = self.create("/v1/Services", FriendlyName="one") if in_service else api.default_service()
        self.path = f"/v1/Services/{self.service}" if in_service else "/v1"
        self.in_service = in_service

    def create(self, path: str, **form: str) -> str:
        reply = self.app.call("POST", path, dotted(form))
        assert reply.status == 201, reply.body
        assert reply.body is not None
        return str(reply.body["sid"])

    def base(self, v1: V1) -> Any:
        return v1.services(self.service) if self.in_service else v1

    def conversation(self, **form: str) -> str:
        return self.create(f"{self.path}/Conversations", **form)

    def role(self, kind: str) -> str:
        return self.create(f"{self.path}/Roles", FriendlyName="spare", Type=kind, Permission="editOwnMessage")


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    store = Store.open(":memory:")
    with served(Emulator(store)) as host:
        yield host
    store.close()


@pytest.fixture(scope="module")
def sdk(host: Host) -> Iterator[Sdk]:
    sdk = Sdk(host.url)
    yield sdk
    sdk.close()


@pytest.fixture
def account(host: Host, sdk: Sdk) -> Iterator[Callable[..., World]]:
    api = Api(Store.open(":memory:"), require_auth=True)
    host.show(api.app)
    yield lambda in_service=False: World(api, sdk, host.url, in_service=in_service)
    api.store.close()


def roles(world: World) -> Resource:
    return Resource(
        at=lambda v1: world.base(v1).roles,
        new=lambda n: {"friendly_name": f"role {n}", "type": "conversation", "permission": ["sendMessage"]},
        change=lambda _: {"permission": ["sendMessage", "leaveConversation"]},
    )


def users(world: World) -> Resource:
    role = world.role("service")
    return Resource(
        at=lambda v1: world.base(v1).users,
        new=lambda n: {
            "identity": f"ada/{n}",
            "friendly_name": "Ada",
            "attributes": '{"a": 1}',
            "role_sid": role,
            "x_twilio_webhook_enabled": "true",
        },
        change=lambda _: {"friendly_name": "Countess", "attributes": "{}", "x_twilio_webhook_enabled": "false"},
    )


def user_conversations(world: World) -> Resource:
    user = world.create(f"{world.path}/Users", Identity="ada")
    for _ in range(8):
        world.create(f"{world.path}/Conversations/{world.conversation()}/Participants", Identity="ada")
    return Resource(
        at=lambda v1: world.base(v1).users(user).user_conversations,
        change=lambda _: {"notification_level": "muted", "last_read_message_index": 3, "last_read_timestamp": THEN},
        key="conversation_sid",
    )


def conversations(world: World) -> Resource:
    return Resource(
        at=lambda v1: world.base(v1).conversations,
        new=lambda n: {
            "friendly_name": f"Desk {n}",
            "unique_name": f"desk-{n}",
            "attributes": "{}",
            "messaging_service_sid": sid("MG"),
            "date_created": THEN,
            "date_updated": THEN,
            "state": "active",
            "timers_inactive": "PT1H",
            "timers_closed": "P1D",
            "bindings_email_address": "desk@example.com",
            "bindings_email_name": "Desk",
            "x_twilio_webhook_enabled": "true",
        },
        change=lambda _: {
            "friendly_name": "Other",
            "attributes": '{"b": [1]}',
            "state": "inactive",
            "date_updated": THEN,
        },
    )


def participants(world: World) -> Resource:
    conversation, role = world.conversation(), world.role("conversation")
    return Resource(
        at=lambda v1: world.base(v1).conversations(conversation).participants,
        new=lambda n: (
            {
                "messaging_binding_address": f"+1415555010{n}",
                "messaging_binding_proxy_address": "+14155550199",
                "attributes": "{}",
                "role_sid": role,
                "date_created": THEN,
                "date_updated": THEN,
            }
            if n % 2
            else {"identity": f"ada {n}", "x_twilio_webhook_enabled": "true"}
        ),
        change=lambda _: {
            "attributes": '{"c": null}',
            "role_sid": role,
            "last_read_message_index": 0,
            "date_updated": THEN,
        },
    )


def webhooks(world: World) -> Resource:
    conversation = world.conversation()
    kinds: list[dict[str, Any]] = [
        {"target": "studio", "configuration_flow_sid": sid("FW")},
        {"target": "webhook", "configuration_filters": ["onMessageAdded", "onMessageRemoved"]},
        {"target": "trigger", "configuration_triggers": ["help", "stop"], "configuration_replay_after": 0},
    ]
    return Resource(
        at=lambda v1: world.base(v1).conversations(conversation).webhooks,
        new=lambda n: (
            kinds[0]
            if n % 3 == 0
            else {**kinds[n % 3], "configuration_url": "https://example.com/", "configuration_method": "POST"}
        ),
        change=lambda n: (
            {"configuration_flow_sid": sid("FW", "b")}
            if n % 3 == 0
            else {"configuration_url": "https://example.org/", "configuration_method": "GET"}
        ),
    )


def messages(world: World) -> Resource:
    conversation = world.conversation()
    return Resource(
        at=lambda v1: world.base(v1).conversations(conversation).messages,
        new=lambda n: (
            {
                "author": "ada",
                "body": f"Hello {n}",
                "attributes": "{}",
                "date_created": THEN,
                "date_updated": THEN,
                "subject": "Greeting",
                "x_twilio_webhook_enabled": "true",
            }
            if n
            else {"content_sid": sid("HX"), "content_variables": "{}"}
        ),
        change=lambda _: {
            "author": "eve",
            "body": "Goodbye",
            "attributes": '"x"',
            "date_updated": THEN,
            "subject": "Parting",
        },
    )


def receipts(world: World) -> Resource:
    conversation = world.conversation()
    inside = f"{world.path}/Conversations/{conversation}"
    for number in range(5):
        binding = {
            "MessagingBinding.Address": f"+1415555010{number}",
            "MessagingBinding.ProxyAddress": "+14155550199",
        }
        world.create(f"{inside}/Participants", **binding)
    message = world.create(f"{inside}/Messages", Body="Hello")
    return Resource(
        at=lambda v1: world.base(v1).conversations(conversation).messages(message).delivery_receipts, deletes=False
    )


def services(_: World) -> Resource:
    return Resource(at=lambda v1: v1.services, new=lambda n: {"friendly_name": f"Service {n}"})


def credentials(_: World) -> Resource:
    kinds: list[dict[str, Any]] = [
        {"type": "apn", "certificate": "C", "private_key": "K", "sandbox": True},
        {"type": "gcm", "api_key": "A"},
        {"type": "fcm", "secret": "S"},
    ]
    return Resource(
        at=lambda v1: v1.credentials,
        new=lambda n: {"friendly_name": f"Phones {n}", **kinds[n % 3]},
        change=lambda _: {"friendly_name": "Tablets", "type": "fcm", "secret": "T"},
    )


def addresses(world: World) -> Resource:
    kinds: list[dict[str, Any]] = [
        {"auto_creation_type": "default"},
        {
            "auto_creation_type": "webhook",
            "auto_creation_conversation_service_sid": world.service,
            "auto_creation_webhook_url": "https://example.com/",
            "auto_creation_webhook_method": "POST",
            "auto_creation_webhook_filters": ["onMessageAdded", "onConversationRemoved"],
        },
        {"auto_creation_type": "studio", "auto_creation_studio_flow_sid": sid("FW"), "address_country": "US"},
    ]
    return Resource(
        at=lambda v1: v1.address_configurations,
        new=lambda n: {
            "type": "sms",
            "address": f"+1415555010{n}",
            "friendly_name": "Line",
            "auto_creation_enabled": True,
            **kinds[n % 3],
        },
        change=lambda _: {
            "friendly_name": "Other line",
            "auto_creation_enabled": False,
            "auto_creation_type": "studio",
            "auto_creation_conversation_service_sid": world.service,
            "auto_creation_studio_flow_sid": sid("FW", "b"),
            "auto_creation_studio_retry_count": 2,
        },
    )


def bindings(world: World) -> Resource:
    for number in range(8):
        world.app.add_binding(world.service, identity=f"ada {number}", credential_sid=sid("CR"))
    return Resource(at=lambda v1: v1.services(world.service).bindings)


LIFECYCLES: dict[str, Callable[[World], Resource]] = {
    "address_configuration": addresses,
    "credential": credentials,
    "service": services,
    "service.binding": bindings,
    **{
        prefix + name: resource
        for prefix in ("", "service.")
        for name, resource in {
            "role": roles,
            "user": users,
            "user.user_conversation": user_conversations,
            "conversation": conversations,
            "conversation.participant": participants,
            "conversation.webhook": webhooks,
            "conversation.message": messages,
            "conversation.message.delivery_receipt": receipts,
        }.items()
    },
}

HOOKS = {
    "method": "GET",
    "filters": ["onMessageAdd", "onMessageAdded"],
    "pre_webhook_url": "https://example.com/pre",
    "post_webhook_url": "https://example.com/post",
}
PUSHES = {
    "log_enabled": True,
    **{
        f"{event}_{key}": value
        for event in ("new_message", "added_to_conversation", "removed_from_conversation")
        for key, value in {"enabled": True, "template": "${PARTICIPANT}", "sound": "bell"}.items()
    },
    "new_message_badge_count_enabled": True,
    "new_message_with_media_enabled": True,
    "new_message_with_media_template": "${MEDIA}",
}
SINGLETONS: dict[str, Callable[[World], tuple[Callable[[V1], Any], dict[str, Any]]]] = {
    "configuration": lambda world: (
        lambda v1: v1.configuration,
        {
            "default_chat_service_sid": world.service,
            "default_messaging_service_sid": sid("MG"),
            "default_inactive_timer": "PT1H",
            "default_closed_timer": "P1D",
        },
    ),
    "configuration.webhook": lambda _: (lambda v1: v1.configuration.webhooks, {**HOOKS, "target": "flex"}),
    "service.configuration": lambda world: (
        lambda v1: v1.services(world.service).configuration,
        {
            "default_conversation_creator_role_sid": world.role("conversation"),
            "default_conversation_role_sid": world.role("conversation"),
            "default_chat_service_role_sid": world.role("service"),
            "reachability_enabled": True,
        },
    ),
    "service.configuration.notification": lambda world: (
        lambda v1: v1.services(world.service).configuration.notifications,
        PUSHES,
    ),
    "service.configuration.webhook": lambda world: (
        lambda v1: v1.services(world.service).configuration.webhooks,
        HOOKS,
    ),
}
OTHERS = {
    prefix + name
    for prefix in ("", "service.")
    for name in ("conversation_with_participants", "participant_conversation")
}


def missing(module: str, seen: set[Any]) -> list[str]:
    return [name for name, code in functions(module).items() if code not in seen]


@pytest.mark.parametrize("module", LIFECYCLES)
def test_a_resource_lives_as_the_sdk_expects(module: str, account: Callable[..., World]) -> None:
    world = account(in_service=module.startswith("service."))
    resource = LIFECYCLES[module](world)
    with watched() as seen:
        drive(world.sdk, resource)
    assert missing(module, seen) == []


@pytest.mark.parametrize("module", SINGLETONS)
def test_a_singleton_is_read_and_written(module: str, account: Callable[..., World]) -> None:
    world = account(in_service=module.startswith("service."))
    at, change = SINGLETONS[module](world)
    with watched() as seen:
        drive_singleton(world.sdk, at, change)
        judge_parts(world.sdk.v1().configuration)
        judge_parts(world.sdk.v1().services(world.service).configuration)
    assert missing(module, seen) == []


@pytest.mark.parametrize("prefix", ["", "service."])
def test_conversations_come_with_participants_and_are_found_by_them(prefix: str, account: Callable[..., World]) -> None:
    world = account(in_service=bool(prefix))
    people = [
        json.dumps({"identity": "ada"}),
        json.dumps({"messaging_binding": {"address": "+14155550100", "projected_address": None}}),
    ]
    sdk = world.sdk
    with watched() as seen:
        made = drive_creation(
            sdk,
            lambda v1: world.base(v1).conversation_with_participants,
            lambda n: {
                "friendly_name": f"Desk {n}",
                "unique_name": f"desk-{n}",
                "date_created": THEN,
                "date_updated": THEN,
                "messaging_service_sid": sid("MG"),
                "attributes": "{}",
                "state": "active",
                "timers_inactive": "PT1H",
                "timers_closed": "P1D",
                "bindings_email_address": "desk@example.com",
                "bindings_email_name": "Desk",
                "participant": people,
                "x_twilio_webhook_enabled": "true",
            },
        )
        sids = [conversation.sid for conversation in made]
        for chosen in ({"identity": "ada"}, {"address": "+14155550100"}):
            for way in WAYS:
                own = world.base(sdk.v1(way)).participant_conversations
                found = sdk.call(way, own, "list", page_size=3, **chosen)
                assert [item.conversation_sid for item in found] == sids
                for item in found:
                    judge(item)
                    assert item.conversation_date_created == THEN
                assert len(sdk.stream(way, own, page_size=3, **chosen)) == 4
                first = sdk.call(way, own, "page", page_size=3, **chosen)
                last = sdk.turn(way, own, "get_page", first.next_page_url)
                assert ([item.conversation_sid for item in first], [item.conversation_sid for item in last]) == (
                    sids[:3],
                    sids[3:],
                )
    assert missing(f"{prefix}conversation_with_participants", seen) == []
    assert missing(f"{prefix}participant_conversation", seen) == []


def test_every_class_of_the_sdk_is_driven(account: Callable[..., World]) -> None:
    assert modules() == {*LIFECYCLES, *SINGLETONS, *OTHERS}
    v1 = account().sdk.v1()
    with watched() as seen:
        judge_parts(v1)
    assert missing("", seen) == []


def test_lists_are_narrowed(account: Callable[..., World]) -> None:
    world = account()
    v1 = world.sdk.v1()
    old = v1.conversations.create(date_created=THEN)
    new = v1.conversations.create(state="inactive")
    assert [item.sid for item in v1.conversations.list(state="inactive")] == [new.sid]
    assert [item.sid for item in v1.conversations.list(start_date="2025-06-01", end_date="2025-06-01")] == [old.sid]
    sms = v1.address_configurations.create(type="sms", address="+14155550100")
    v1.address_configurations.create(type="email", address="desk@example.com")
    assert [item.sid for item in v1.address_configurations.list(type="sms")] == [sms.sid]
    for body in ("first", "second"):
        new.messages.create(body=body)
    assert [item.body for item in new.messages.list(order="desc")] == ["second", "first"]
    own = v1.services(world.service).bindings
    kinds = [world.app.add_binding(world.service, identity=who, binding_type=how) for who, how in PHONES]
    assert [item.sid for item in own.list(binding_type=["apn", "gcm"])] == kinds[:2]
    assert [item.sid for item in own.list(identity=["eve", "bob"])] == kinds[1:]


PHONES: tuple[tuple[str, Any], ...] = (("ada", "apn"), ("eve", "gcm"), ("bob", "fcm"))


def test_refusals_are_the_sdks_exceptions(account: Callable[..., World]) -> None:
    world = account()
    v1 = world.sdk.v1()
    v1.users.create(identity="ada")
    refusals: tuple[tuple[Callable[[], Any], int, int], ...] = (
        (lambda: v1.users.create(identity="ada"), 409, 50201),
        (lambda: v1.roles(sid("RL")).fetch(), 404, 20404),
        (lambda: v1.configuration().update(default_inactive_timer="PT1S"), 400, 50375),
        (lambda: v1.conversations.create(state="closed"), 400, 50384),
    )
    assert v1.configuration().update().default_chat_service_sid == world.service
    for refuse, status, code in refusals:
        with pytest.raises(TwilioRestException) as caught:
            refuse()
        assert (caught.value.status, caught.value.code) == (status, code)
        assert caught.value.msg


def test_credentials_are_asked_for(account: Callable[..., World]) -> None:
    world = account()
    stranger = Sdk(world.url, token="wrong")
    with pytest.raises(TwilioRestException) as caught:
        stranger.v1().configuration().fetch()
    assert (caught.value.status, caught.value.code) == (401, 20003)
    stranger.close()
    keyed = Sdk(world.url, user=sid("SK"))
    assert keyed.v1().configuration().fetch().default_chat_service_sid == world.service
    keyed.close()
