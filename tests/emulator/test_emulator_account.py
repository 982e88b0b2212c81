"""The account's configuration, its webhooks, services, their configuration, notifications and webhooks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.witness import ACCOUNT, STAMP, TWILIO, Api, api, sid

CONFIGURATION = "/v1/Configuration"
WEBHOOKS = "/v1/Configuration/Webhooks"
UNSET = {"method": None, "filters": None, "pre_webhook_url": None, "post_webhook_url": None}


def test_a_new_account() -> None:
    twilio = Api()
    (service,) = twilio.get("/v1/Services")["services"]
    body = twilio.get(CONFIGURATION)
    messaging = body.pop("default_messaging_service_sid")
    assert messaging.startswith("MG")
    assert len(messaging) == 34
    assert body == {
        "account_sid": ACCOUNT,
        "default_chat_service_sid": service["sid"],
        "default_inactive_timer": None,
        "default_closed_timer": None,
        "url": f"{TWILIO}/v1/Configuration",
        "links": {
            "service": f"{TWILIO}/v1/Services/{service['sid']}/Configuration",
            "webhooks": f"{TWILIO}/v1/Configuration/Webhooks",
        },
    }
    url = f"{TWILIO}/v1/Services/{service['sid']}"
    assert service == {
        "account_sid": ACCOUNT,
        "sid": service["sid"],
        "friendly_name": "Default Conversations Service",
        "date_created": STAMP,
        "date_updated": STAMP,
        "url": url,
        "links": {
            "conversations": f"{url}/Conversations",
            "users": f"{url}/Users",
            "roles": f"{url}/Roles",
            "bindings": f"{url}/Bindings",
            "configuration": f"{url}/Configuration",
            "participant_conversations": f"{url}/ParticipantConversations",
            "conversation_with_participants": f"{url}/ConversationWithParticipants",
        },
    }


def test_the_configuration_is_updated_and_keeps_what_was_not_sent() -> None:
    twilio = Api()
    other = twilio.create("/v1/Services", FriendlyName="other")["sid"]
    before = twilio.get(CONFIGURATION)
    after = twilio.update(CONFIGURATION, DefaultChatServiceSid=other, DefaultInactiveTimer="PT1M")
    assert after["default_chat_service_sid"] == other
    assert after["default_inactive_timer"] == "PT1M"
    assert after["default_closed_timer"] is None
    assert after["default_messaging_service_sid"] == before["default_messaging_service_sid"]
    assert after["links"]["service"] == f"{TWILIO}/v1/Services/{other}/Configuration"
    assert twilio.get(CONFIGURATION) == after
    assert twilio.update(CONFIGURATION, DefaultClosedTimer="P1DT12H")["default_closed_timer"] == "P1DT12H"
    assert twilio.update(CONFIGURATION, DefaultMessagingServiceSid=sid("MG"))["default_messaging_service_sid"] == sid(
        "MG"
    )


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, 20161),
        ({"DefaultInactiveTimer": "PT59S"}, 50375),
        ({"DefaultClosedTimer": "PT9M59S"}, 50376),
        ({"DefaultInactiveTimer": "1 hour"}, 50379),
        ({"DefaultClosedTimer": "PT"}, 50380),
        ({"DefaultClosedTimer": "P"}, 50380),
        ({"DefaultClosedTimer": "P1.5D"}, 50380),
        ({"DefaultClosedTimer": "PT١٠M"}, 50380),
        ({"DefaultChatServiceSid": sid("IS")}, 50050),
        ({"DefaultChatServiceSid": "default"}, 20001),
        ({"DefaultChatServiceSid": sid("IS") + "\n"}, 20001),
        ({"DefaultMessagingServiceSid": "MG1"}, 50341),
        ({"FriendlyName": "x"}, 20001),
    ],
)
def test_a_wrong_configuration_changes_nothing(form: dict[str, str], code: int) -> None:
    twilio = api(unknown_parameter="refused", empty_update="refused")
    before = twilio.app.snapshot()
    assert twilio.refusal("POST", CONFIGURATION, **form) == (400, code)
    assert twilio.app.snapshot() == before


def test_a_wrong_parameter_beside_a_good_one_changes_nothing() -> None:
    twilio = Api()
    before = twilio.app.snapshot()
    form = {"DefaultInactiveTimer": "PT1H", "DefaultClosedTimer": "PT1M"}
    assert twilio.refusal("POST", CONFIGURATION, **form) == (400, 50376)
    assert twilio.app.snapshot() == before


@pytest.mark.parametrize(("reading", "after"), [("clears", None), ("ignored", "PT1H")])
def test_an_empty_account_timer(reading: str, after: str | None) -> None:
    twilio = api(empty_account_timer=reading)
    twilio.update(CONFIGURATION, DefaultInactiveTimer="PT1H")
    assert twilio.update(CONFIGURATION, DefaultInactiveTimer="")["default_inactive_timer"] == after


def test_an_empty_account_timer_may_be_refused() -> None:
    twilio = api(empty_account_timer="refused")
    assert twilio.refusal("POST", CONFIGURATION, DefaultInactiveTimer="") == (400, 50379)
    assert twilio.refusal("POST", CONFIGURATION, DefaultClosedTimer="") == (400, 50380)


def test_a_timer_of_no_time() -> None:
    refusing, clearing = api(zero_timer="refused"), api(zero_timer="clears")
    assert refusing.refusal("POST", CONFIGURATION, DefaultClosedTimer="PT0S") == (400, 50376)
    clearing.update(CONFIGURATION, DefaultClosedTimer="PT10M")
    assert clearing.update(CONFIGURATION, DefaultClosedTimer="PT0S")["default_closed_timer"] is None


def test_an_empty_messaging_service() -> None:
    clearing, ignoring, refusing = (
        api(empty_messaging_service=reading) for reading in ("clears", "ignored", "refused")
    )
    assert clearing.update(CONFIGURATION, DefaultMessagingServiceSid="")["default_messaging_service_sid"] is None
    assert ignoring.update(CONFIGURATION, DefaultMessagingServiceSid="")["default_messaging_service_sid"] is not None
    assert refusing.refusal("POST", CONFIGURATION, DefaultMessagingServiceSid="") == (400, 50341)


def test_account_webhooks() -> None:
    twilio = Api()
    assert twilio.get(WEBHOOKS) == {
        "account_sid": ACCOUNT,
        **UNSET,
        "method": "POST",
        "filters": [],
        "target": "webhook",
        "url": f"{TWILIO}{WEBHOOKS}",
    }
    sent = {
        "Target": "FLEX",
        "Method": "GET",
        "Filters": ["onUserUpdate", "onMessageAdd"],
        "PreWebhookUrl": "https://example.com/pre",
        "PostWebhookUrl": "http://example.com/post?a=b",
    }
    after = twilio.update(WEBHOOKS, **sent)
    assert after == {
        "account_sid": ACCOUNT,
        "target": "flex",
        "method": "GET",
        "filters": ["onUserUpdate", "onMessageAdd"],
        "pre_webhook_url": "https://example.com/pre",
        "post_webhook_url": "http://example.com/post?a=b",
        "url": f"{TWILIO}{WEBHOOKS}",
    }
    assert twilio.update(WEBHOOKS, Method="POST") == {**after, "method": "POST"}
    assert twilio.get(WEBHOOKS) == {**after, "method": "POST"}


def service_webhooks(twilio: Api) -> str:
    return f"/v1/Services/{twilio.default_service()}/Configuration/Webhooks"


def account_webhooks(twilio: Api) -> str:
    del twilio
    return WEBHOOKS


both = pytest.mark.parametrize("of", [account_webhooks, service_webhooks])


def test_service_webhooks_are_apart_from_the_accounts() -> None:
    twilio = Api()
    service, path = twilio.default_service(), service_webhooks(twilio)
    empty = {"account_sid": ACCOUNT, "chat_service_sid": service, **UNSET, "url": f"{TWILIO}{path}"}
    assert twilio.get(path) == empty
    after = twilio.update(path, PostWebhookUrl="https://example.com", Filters="onMessageAdded")
    assert after == {**empty, "post_webhook_url": "https://example.com", "filters": ["onMessageAdded"]}
    assert twilio.get(WEBHOOKS)["post_webhook_url"] is None
    # A parameter of the account's webhooks only.
    assert twilio.update(path, Target="webhook") == after


@both
@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, 20161),
        ({"Method": "PUT"}, 50055),
        ({"Method": ""}, 50055),
        ({"PreWebhookUrl": "example.com"}, 50077),
        ({"PostWebhookUrl": "ftp://example.com"}, 50078),
        ({"PostWebhookUrl": "https://"}, 50078),
        ({"PostWebhookUrl": "https://[::1"}, 50078),
        ({"Filters": ["onMessageAdded", "onMessageSend"]}, 50054),
    ],
)
def test_wrong_webhooks_change_nothing(of: Any, form: dict[str, str], code: int) -> None:
    twilio = api(unknown_parameter="refused", empty_update="refused")
    before = twilio.app.snapshot()
    assert twilio.refusal("POST", of(twilio), **form) == (400, code)
    assert twilio.app.snapshot() == before


@both
@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        ("null", UNSET),
        ("empty", {"method": "POST", "filters": [], "pre_webhook_url": "", "post_webhook_url": ""}),
        ("post", {**UNSET, "method": "POST", "filters": []}),
    ],
)
def test_forms_of_unset_webhooks(of: Any, reading: str, expected: dict[str, Any]) -> None:
    twilio = api(unset_account_webhooks=reading) if of is account_webhooks else api(unset_webhooks=reading)
    body = twilio.get(of(twilio))
    assert {key: body[key] for key in expected} == expected
    assert twilio.update(of(twilio), Method="GET")["method"] == "GET"


@pytest.mark.parametrize("path", ["/v1/Conversations/Webhooks", "/v1/Conversations/Web%68ooks"])
def test_the_accounts_webhooks_have_a_second_path(path: str) -> None:
    twilio = Api()
    # A conversation of that name is reached in its service, and by its SID, only.
    made = twilio.create("/v1/Conversations", UniqueName="Webhooks")
    assert twilio.get(path) == twilio.get(WEBHOOKS)
    after = twilio.update(path, Method="get", Filters="onMessageAdded")
    assert (after["method"], after["filters"]) == ("GET", ["onMessageAdded"])
    assert twilio.get(WEBHOOKS) == after
    assert twilio.update(path) == after
    assert twilio.refusal("POST", path, Method="PUT") == (400, 50055)
    assert twilio.refusal("DELETE", path) == (405, 20004)
    in_service = f"/v1/Services/{twilio.default_service()}/Conversations/Webhooks"
    assert twilio.get(in_service)["sid"] == made["sid"]
    assert twilio.listed(f"{path}/Webhooks") == []


@both
@pytest.mark.parametrize(
    ("reading", "shown", "after"),
    [("clears", "null", None), ("clears", "empty", ""), ("ignored", "null", "https://example.com")],
)
def test_an_empty_webhook_url(of: Any, reading: str, shown: str, after: str | None) -> None:
    twilio = api(empty_webhook_url=reading, cleared_text=shown)
    twilio.update(of(twilio), PreWebhookUrl="https://example.com", PostWebhookUrl="https://example.com")
    assert twilio.update(of(twilio), PreWebhookUrl="")["pre_webhook_url"] == after
    assert twilio.get(of(twilio))["pre_webhook_url"] == after
    assert twilio.get(of(twilio))["post_webhook_url"] == "https://example.com"


@both
@pytest.mark.parametrize(("reading", "after"), [("clears", []), ("ignored", ["onMessageAdd"])])
def test_empty_filters(of: Any, reading: str, after: list[str]) -> None:
    twilio = api(empty_filters=reading)
    twilio.update(of(twilio), Filters="onMessageAdd")
    assert twilio.update(of(twilio), Filters="")["filters"] == after


@both
def test_empty_filters_may_be_refused(of: Any) -> None:
    twilio = api(empty_filters="refused")
    assert twilio.refusal("POST", of(twilio), Filters="") == (400, 50054)


@both
def test_unknown_filters_may_be_taken(of: Any) -> None:
    twilio = api(unknown_filter="allowed")
    assert twilio.update(of(twilio), Filters="onSunrise")["filters"] == ["onSunrise"]


def test_user_events_of_a_service() -> None:
    allowing, refusing = api(service_user_filters="allowed"), api(service_user_filters="refused")
    assert allowing.update(service_webhooks(allowing), Filters="onUserAdded")["filters"] == ["onUserAdded"]
    assert refusing.refusal("POST", service_webhooks(refusing), Filters="onUserAdded") == (400, 50054)
    assert refusing.update(WEBHOOKS, Filters="onUserAdded")["filters"] == ["onUserAdded"]


@both
@pytest.mark.parametrize(("reading", "after"), [("as sent", "Post"), ("upper", "POST"), ("lower", "post")])
def test_a_methods_case(of: Any, reading: str, after: str) -> None:
    twilio = api(method_case=reading)
    assert twilio.update(of(twilio), Method="Post")["method"] == after


@both
@pytest.mark.parametrize(
    ("reading", "after"),
    [
        ("as sent", ["onMessageUpdated", "onMessageAdd", "onParticipantAdd"]),
        ("sorted", ["onMessageAdd", "onMessageUpdated", "onParticipantAdd"]),
        ("reversed", ["onParticipantAdd", "onMessageAdd", "onMessageUpdated"]),
    ],
)
def test_the_order_of_filters(of: Any, reading: str, after: list[str]) -> None:
    twilio = api(set_order=reading)
    sent = ["onMessageUpdated", "onMessageAdd", "onParticipantAdd", "onMessageAdd"]
    assert twilio.update(of(twilio), Filters=sent)["filters"] == after


def test_a_service_is_created_with_roles_and_a_configuration_that_names_them() -> None:
    twilio = Api()
    service = twilio.create("/v1/Services", FriendlyName="Customer Support")
    path = f"/v1/Services/{service['sid']}"
    assert twilio.get(path) == service
    roles = {role["friendly_name"]: role for role in twilio.get(f"{path}/Roles")["roles"]}
    assert {name: (role["type"], role["permissions"]) for name, role in roles.items()} == {
        "service admin": (
            "service",
            [
                "addParticipant", "createConversation", "deleteAnyMessage", "deleteConversation", "editAnyMessage",
                "editAnyMessageAttributes", "editAnyUserInfo", "editConversationAttributes", "editConversationName",
                "joinConversation", "removeParticipant",
            ],
        ),
        "service user": ("service", ["createConversation", "editOwnUserInfo", "joinConversation"]),
        "channel admin": (
            "conversation",
            [
                "addParticipant", "deleteAnyMessage", "deleteConversation", "editAnyMessage",
                "editAnyMessageAttributes", "editAnyParticipantAttributes", "editConversationAttributes",
                "editConversationName", "editNotificationLevel", "leaveConversation", "removeParticipant",
                "sendMediaMessage", "sendMessage",
            ],
        ),
        "channel user": (
            "conversation",
            [
                "deleteOwnMessage", "editOwnMessage", "editOwnMessageAttributes", "leaveConversation",
                "sendMediaMessage", "sendMessage",
            ],
        ),
    }  # fmt: skip
    assert twilio.get(f"{path}/Configuration") == {
        "chat_service_sid": service["sid"],
        "default_conversation_creator_role_sid": roles["channel admin"]["sid"],
        "default_conversation_role_sid": roles["channel user"]["sid"],
        "default_chat_service_role_sid": roles["service user"]["sid"],
        "reachability_enabled": False,
        "url": f"{TWILIO}{path}/Configuration",
        "links": {
            "notifications": f"{TWILIO}{path}/Configuration/Notifications",
            "webhooks": f"{TWILIO}{path}/Configuration/Webhooks",
        },
    }


def test_the_creators_default_role() -> None:
    twilio = api(creator_default="channel user")
    configuration = twilio.get(f"/v1/Services/{twilio.default_service()}/Configuration")
    assert configuration["default_conversation_creator_role_sid"] == twilio.role("channel user")


def test_other_readings_of_the_built_in_roles() -> None:
    twilio = api(built_in_permissions="extended", guest_role=True)
    roles = {role["friendly_name"]: role["permissions"] for role in twilio.get("/v1/Roles")["roles"]}
    assert sorted(roles) == ["channel admin", "channel user", "guest", "service admin", "service user"]
    assert "editNotificationLevel" in roles["channel user"]
    # What Twilio makes by itself it also takes.
    for name, permissions in roles.items():
        assert twilio.update(f"/v1/Roles/{twilio.role(name)}", Permission=permissions)["permissions"] == permissions


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, 50000),
        ({"FriendlyName": ""}, 50000),
        ({"FriendlyName": "x" * 257}, 50003),
        ({"FriendlyName": "x", "UniqueName": "x"}, 20001),
    ],
)
def test_a_wrong_service_is_refused(form: dict[str, str], code: int) -> None:
    assert api(unknown_parameter="refused").refusal("POST", "/v1/Services", **form) == (400, code)


def test_a_service_cannot_be_updated() -> None:
    twilio = Api()
    assert twilio.refusal("POST", f"/v1/Services/{twilio.default_service()}", FriendlyName="x") == (405, 20004)


def test_service_names() -> None:
    repeatable, unique = api(service_names="repeatable"), api(service_names="unique", duplicate_status=400)
    for twilio in (repeatable, unique):
        twilio.create("/v1/Services", FriendlyName="twice")
    assert repeatable.create("/v1/Services", FriendlyName="twice")["friendly_name"] == "twice"
    assert unique.refusal("POST", "/v1/Services", FriendlyName="twice") == (400, 20409)


def test_a_services_account_sid_may_be_null() -> None:
    twilio = api(service_account_sid="null")
    assert twilio.create("/v1/Services", FriendlyName="x")["account_sid"] is None
    assert [service["account_sid"] for service in twilio.get("/v1/Services")["services"]] == [None, None]


def test_deleting_a_service_takes_everything_in_it_along() -> None:
    twilio = Api()
    before = twilio.app.snapshot()
    service = twilio.create("/v1/Services", FriendlyName="x")["sid"]
    path = f"/v1/Services/{service}"
    user = twilio.create(f"{path}/Users", Identity="ada")["sid"]
    role = twilio.role("service user", service)
    twilio.delete(path)
    assert twilio.app.snapshot() == before
    assert twilio.refusal("GET", path) == (404, 20404)
    assert twilio.refusal("GET", f"{path}/Users/{user}") == (404, 20404)
    assert twilio.refusal("GET", f"{path}/Roles/{role}") == (404, 20404)
    assert twilio.refusal("DELETE", path) == (404, 20404)


def test_deleting_the_default_service() -> None:
    refusing, allowing = api(default_service="refused"), api(default_service="allowed")
    assert refusing.refusal("DELETE", f"/v1/Services/{refusing.default_service()}") == (400, 20409)
    allowing.delete(f"/v1/Services/{allowing.default_service()}")
    body = allowing.get(CONFIGURATION)
    assert body["default_chat_service_sid"] is None
    assert body["links"]["service"] is None
    assert allowing.refusal("GET", "/v1/Roles") == (404, 20404)
    other = allowing.create("/v1/Services", FriendlyName="x")["sid"]
    allowing.update(CONFIGURATION, DefaultChatServiceSid=other)
    assert len(allowing.get("/v1/Roles")["roles"]) == 4


def test_a_services_configuration_names_roles_of_its_own_and_of_the_right_type() -> None:
    twilio = Api()
    service = twilio.create("/v1/Services", FriendlyName="x")["sid"]
    path = f"/v1/Services/{service}/Configuration"
    before = twilio.get(path)
    admin, user = twilio.role("channel admin", service), twilio.role("channel user", service)
    after = twilio.update(
        path, DefaultConversationRoleSid=admin, DefaultConversationCreatorRoleSid=user, ReachabilityEnabled="True"
    )
    changed = {
        "default_conversation_role_sid": admin,
        "default_conversation_creator_role_sid": user,
        "reachability_enabled": True,
    }
    assert after == {**before, **changed}
    assert twilio.get(path) == after
    foreign = twilio.role("channel user")
    wrong = {
        "DefaultConversationRoleSid": (50101, twilio.role("service user", service)),
        "DefaultConversationCreatorRoleSid": (50106, twilio.role("service admin", service)),
        "DefaultChatServiceRoleSid": (50102, user),
    }
    for name, (code, role) in wrong.items():
        for value in (role, foreign, sid("RL"), "RL1", ""):
            assert twilio.refusal("POST", path, **{name: value}) == (400, code)
    assert twilio.refusal("POST", path, ReachabilityEnabled="yes") == (400, 20001)
    assert twilio.get(path) == after


NOTHING = {"enabled": False}


def notifications(twilio: Api) -> str:
    return f"/v1/Services/{twilio.default_service()}/Configuration/Notifications"


@pytest.mark.parametrize(("reading", "unset"), [("null", None), ("empty", "")])
def test_notifications_nobody_set(reading: str, unset: str | None) -> None:
    twilio = api(unset_notifications=reading)
    texts = {"enabled": False, "template": unset, "sound": unset}
    assert twilio.get(notifications(twilio)) == {
        "account_sid": ACCOUNT,
        "chat_service_sid": twilio.default_service(),
        "log_enabled": False,
        "new_message": {**texts, "badge_count_enabled": False, "with_media": {"enabled": False, "template": unset}},
        "added_to_conversation": texts,
        "removed_from_conversation": texts,
        "url": f"{TWILIO}{notifications(twilio)}",
    }


def test_notifications_nobody_set_may_be_left_out() -> None:
    twilio = api(unset_notifications="absent")
    untouched = {
        "account_sid": ACCOUNT,
        "chat_service_sid": twilio.default_service(),
        "log_enabled": False,
        "new_message": NOTHING,
        "added_to_conversation": NOTHING,
        "removed_from_conversation": NOTHING,
        "url": f"{TWILIO}{notifications(twilio)}",
    }
    assert twilio.get(notifications(twilio)) == untouched
    after = twilio.update(
        notifications(twilio),
        LogEnabled="true",
        NewMessage_WithMedia_Enabled="TRUE",
        NewMessage_Template="${PARTICIPANT}: ${MESSAGE}",
        AddedToConversation_Sound="ring",
    )
    assert after == {
        **untouched,
        "log_enabled": True,
        "new_message": {"enabled": False, "template": "${PARTICIPANT}: ${MESSAGE}", "with_media": {"enabled": True}},
        "added_to_conversation": {"enabled": False, "sound": "ring"},
    }
    cleared = twilio.update(
        notifications(twilio), NewMessage_Template="", AddedToConversation_Sound="", LogEnabled="False"
    )
    assert cleared == {**untouched, "new_message": {"enabled": False, "with_media": {"enabled": True}}}


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, 20161),
        ({"LogEnabled": "1"}, 20001),
        ({"NewMessage.Template": "x" * 2049}, 50058),
        ({"NewMessage.WithMedia.Template": "x" * 2049}, 50058),
        ({"RemovedFromConversation.Sound": "x" * 257}, 50059),
        ({"RemovedFromConversation.BadgeCountEnabled": "true"}, 20001),
    ],
)
def test_wrong_notifications_change_nothing(form: dict[str, str], code: int) -> None:
    twilio = api(unknown_parameter="refused", empty_update="refused")
    before = twilio.app.snapshot()
    assert twilio.refusal("POST", notifications(twilio), **form) == (400, code)
    assert twilio.app.snapshot() == before
