"""Participants, scoped webhooks, messages and receipts; memberships, batches, bindings; credentials."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.emulator.witness import ACCOUNT, STAMP, TWILIO, Api, api, sid

CONVERSATIONS = "/v1/Conversations"
ADDRESS, PROXY = "+14155550199", "+14155550100"
OUTSIDE = {"MessagingBinding.Address": ADDRESS, "MessagingBinding.ProxyAddress": PROXY}
HOOK = {"Target": "webhook", "Configuration.Url": "https://example.com", "Configuration.Filters": ["onMessageAdded"]}
TRIGGER = {"Target": "trigger", "Configuration.Url": "https://example.com", "Configuration.Triggers": ["help", "stop"]}
STUDIO = {"Target": "studio", "Configuration.FlowSid": sid("FW")}


def conversation(twilio: Api, name: str = "desk") -> str:
    return f"{CONVERSATIONS}/{twilio.create(CONVERSATIONS, UniqueName=name)['sid']}"


def test_a_chat_participant_in_both_forms() -> None:
    twilio = Api()
    path = conversation(twilio)
    ada = twilio.create(f"{path}/Participants", Identity="ada", Attributes='{"a":1}')
    assert ada == {
        "account_sid": ACCOUNT,
        "conversation_sid": path.rpartition("/")[2],
        "sid": ada["sid"],
        "identity": "ada",
        "attributes": '{"a":1}',
        "messaging_binding": None,
        "role_sid": twilio.role("channel user"),
        "date_created": STAMP,
        "date_updated": STAMP,
        "url": f"{TWILIO}{path}/Participants/{ada['sid']}",
        "last_read_message_index": None,
        "last_read_timestamp": None,
    }
    service = twilio.default_service()
    long = f"/v1/Services/{service}/Conversations/desk/Participants"
    url = f"{TWILIO}/v1/Services/{service}/Conversations/{ada['conversation_sid']}/Participants/{ada['sid']}"
    assert twilio.get(f"{long}/ada") == {**ada, "chat_service_sid": service, "url": url}
    after = twilio.update(f"{path}/Participants/ada", RoleSid=twilio.role("channel admin"), LastReadMessageIndex="3")
    changed = {
        "role_sid": twilio.role("channel admin"),
        "last_read_message_index": 3,
        "last_read_timestamp": STAMP,
    }
    assert after == {**ada, **changed}
    assert twilio.listed(f"{path}/Participants") == [after]
    twilio.delete(f"{path}/Participants/{ada['sid']}")
    assert twilio.refusal("GET", f"{path}/Participants/ada") == (404, 20404)


@pytest.mark.parametrize(
    ("address", "proxy", "channel"),
    [
        (ADDRESS, PROXY, "sms"),
        (f"whatsapp:{ADDRESS}", f"whatsapp:{PROXY}", "whatsapp"),
        ("messenger:1", "messenger:2", "messenger"),
        ("a@example.com", "b@example.com", "email"),
        ("rcs:a", "rcs:b", "rcs"),
    ],
)
def test_a_participant_outside_chat(address: str, proxy: str, channel: str) -> None:
    twilio = Api()
    sent = {"MessagingBinding.Address": address, "MessagingBinding.ProxyAddress": proxy}
    made = twilio.create(f"{conversation(twilio)}/Participants", **sent)
    assert made["identity"] is None
    assert made["messaging_binding"] == {"type": channel, "address": address, "proxy_address": proxy}
    assert made["role_sid"] == twilio.role("channel user")


def test_participants_of_a_group() -> None:
    twilio = Api()
    path = f"{conversation(twilio)}/Participants"
    chat = twilio.create(path, Identity="ada", MessagingBinding_ProjectedAddress=PROXY)
    assert chat["messaging_binding"] == {"type": "sms", "projected_address": PROXY}
    phone = twilio.create(path, MessagingBinding_Address=ADDRESS)
    assert (phone["messaging_binding"], phone["role_sid"]) == ({"type": "sms", "address": ADDRESS}, None)
    assert twilio.refusal("POST", path, MessagingBinding_Address=ADDRESS) == (409, 50437)
    assert twilio.update(f"{path}/ada", MessagingBinding_ProjectedAddress="null")["messaging_binding"] is None
    again = twilio.update(f"{path}/ada", MessagingBinding_ProjectedAddress=PROXY)
    assert again["messaging_binding"] == {"type": "sms", "projected_address": PROXY}


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({}, 400, 20001),
        ({"Identity": sid("US")}, 400, 50206),
        ({"Identity": "x" * 257}, 400, 50207),
        ({"Identity": "taken"}, 409, 50433),
        ({"Identity": "x", "Attributes": "{"}, 400, 50304),
        ({"Identity": "x", "Attributes": json.dumps("x" * 4095)}, 400, 50303),
        ({"Identity": "x", "RoleSid": sid("RL")}, 400, 50101),
        ({"Identity": "x", "LastReadMessageIndex": "1"}, 400, 20001),
        ({"Identity": "x", "DateCreated": "now"}, 400, 50308),
        ({"MessagingBinding.ProxyAddress": PROXY}, 400, 50407),
        ({**OUTSIDE, "MessagingBinding.Address": "Ada"}, 400, 50407),
        ({**OUTSIDE, "MessagingBinding.Address": f"{'a' * 256}@example.com"}, 400, 50407),
        ({**OUTSIDE, "MessagingBinding.ProxyAddress": "desk"}, 400, 50408),
        ({**OUTSIDE, "MessagingBinding.ProxyAddress": ADDRESS}, 400, 50409),
        ({**OUTSIDE, "MessagingBinding.ProxyAddress": "whatsapp:+14155550100"}, 400, 50414),
    ],
)
def test_a_wrong_participant_is_refused(form: dict[str, str], status: int, code: int) -> None:
    twilio = Api()
    path = conversation(twilio)
    twilio.create(f"{path}/Participants", Identity="taken")
    before = twilio.app.snapshot()
    assert twilio.refusal("POST", f"{path}/Participants", **form) == (status, code)
    assert twilio.app.snapshot() == before


def test_a_participants_role_is_of_its_service_and_for_conversations() -> None:
    twilio = Api()
    path = f"{conversation(twilio)}/Participants"
    other = twilio.create("/v1/Services", FriendlyName="other")["sid"]
    for role in (twilio.role("service user"), twilio.role("channel user", other)):
        assert twilio.refusal("POST", path, Identity="ada", RoleSid=role) == (400, 50101)


def test_a_pair_of_addresses_is_unique_among_conversations_that_are_not_closed() -> None:
    twilio = Api()
    other = twilio.create("/v1/Services", FriendlyName="other")["sid"]
    first = conversation(twilio)
    second = f"/v1/Services/{other}/Conversations/{twilio.create(f'/v1/Services/{other}/Conversations')['sid']}"
    twilio.create(f"{first}/Participants", **OUTSIDE)
    response = twilio.send("POST", f"{second}/Participants", OUTSIDE)
    message = (
        f"A binding for this participant and proxy address already exists in Conversation {first.rpartition('/')[2]}"
    )
    assert (response.status_code, response.json()["code"], response.json()["message"]) == (409, 50416, message)
    assert twilio.refusal("POST", f"{first}/Participants", **OUTSIDE) == (409, 50416)
    # Another proxy is another pair; and what is closed holds no pair.
    twilio.create(f"{second}/Participants", **{**OUTSIDE, "MessagingBinding.ProxyAddress": "+14155550111"})
    twilio.update(first, State="inactive")
    assert twilio.refusal("POST", f"{second}/Participants", **OUTSIDE) == (409, 50416)
    twilio.update(first, State="closed")
    twilio.create(f"{second}/Participants", **OUTSIDE)


def test_what_cannot_change_in_a_participant() -> None:
    twilio = Api()
    path = f"{conversation(twilio)}/Participants"
    phone = f"{path}/{twilio.create(path, **OUTSIDE)['sid']}"
    twilio.create(path, Identity="ada")
    assert twilio.refusal("POST", phone, MessagingBinding_Address="+1415") == (400, 20001)
    assert twilio.refusal("POST", phone, MessagingBinding_ProxyAddress="+14155550111") == (400, 50441)
    assert twilio.refusal("POST", phone, MessagingBinding_ProjectedAddress=PROXY) == (400, 50442)
    assert twilio.refusal("POST", phone, Identity="eve") == (400, 50444)
    assert twilio.refusal("POST", f"{path}/ada", Identity="eve") == (400, 50444)
    assert twilio.update(phone, MessagingBinding_ProxyAddress=PROXY)["messaging_binding"]["proxy_address"] == PROXY
    taken = twilio.update(phone, MessagingBinding_ProxyAddress="null")
    assert taken["messaging_binding"] == {"type": "sms", "address": ADDRESS}


def test_a_projected_participant_can_be_given_an_identity() -> None:
    twilio = Api()
    path = f"{conversation(twilio)}/Participants"
    made = twilio.create(path, MessagingBinding_ProjectedAddress=PROXY)
    twilio.create(path, Identity="taken")
    assert twilio.refusal("POST", f"{path}/{made['sid']}", Identity="taken") == (409, 50433)
    assert twilio.update(f"{path}/{made['sid']}", Identity="ada")["identity"] == "ada"


@pytest.mark.parametrize(("reading", "users"), [("created", ["ada"]), ("absent", [])])
def test_a_participant_and_its_user(reading: str, users: list[str]) -> None:
    twilio = api(implicit_user=reading)
    twilio.create(f"{conversation(twilio)}/Participants", Identity="ada")
    assert [user["identity"] for user in twilio.listed("/v1/Users")] == users


@pytest.mark.parametrize(("reading", "left"), [("removed", []), ("kept", ["ada"])])
def test_the_participants_of_a_deleted_user(reading: str, left: list[str]) -> None:
    twilio = api(participants_of_deleted_user=reading)
    path = f"{conversation(twilio)}/Participants"
    twilio.create(path, Identity="ada")
    twilio.delete("/v1/Users/ada")
    assert [item["identity"] for item in twilio.listed(path)] == left


def test_a_role_that_a_participant_holds() -> None:
    for reading in ("refused", "allowed"):
        twilio = api(role_in_use=reading)
        sent = {"FriendlyName": "x", "Type": "conversation", "Permission": "sendMessage"}
        role = twilio.create("/v1/Roles", **sent)["sid"]
        path = f"{conversation(twilio)}/Participants"
        twilio.create(path, Identity="ada", RoleSid=role)
        if reading == "refused":
            assert twilio.refusal("DELETE", f"/v1/Roles/{role}") == (400, 20409)
        else:
            twilio.delete(f"/v1/Roles/{role}")
            assert twilio.get(f"{path}/ada")["role_sid"] == twilio.role("channel user")


def test_how_many_participants_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    from reconciler.emulator.behaviour import participants

    for name in ("MOST", "MOST_OUTSIDE_CHAT", "MOST_IN_GROUP", "MOST_CONVERSATIONS"):
        monkeypatch.setattr(participants, name, {"MOST": 4, "MOST_OUTSIDE_CHAT": 2}.get(name, 1))
    twilio = api(limit_status=403)
    path = f"{conversation(twilio)}/Participants"
    twilio.create(path, MessagingBinding_Address=ADDRESS)
    assert twilio.refusal("POST", path, MessagingBinding_Address="+14155550198") == (403, 50436)
    twilio.create(path, **OUTSIDE)
    assert twilio.refusal("POST", path, **{**OUTSIDE, "MessagingBinding.Address": "+1415555"}) == (403, 50422)
    twilio.create(path, Identity="ada")
    twilio.create(path, Identity="eve")
    assert twilio.refusal("POST", path, Identity="bob") == (403, 50417)
    second = conversation(twilio, "second")
    assert twilio.refusal("POST", f"{second}/Participants", Identity="ada") == (403, 50214)
    twilio.update(path.removesuffix("/Participants"), State="closed")
    twilio.create(f"{second}/Participants", Identity="ada")


def test_scoped_webhooks_of_every_target() -> None:
    twilio = Api()
    path = f"{conversation(twilio)}/Webhooks"
    hook = twilio.create(path, **HOOK, Configuration_Method="get", Configuration_ReplayAfter="7")
    assert hook == {
        "sid": hook["sid"],
        "account_sid": ACCOUNT,
        "conversation_sid": path.split("/")[3],
        "target": "webhook",
        "url": f"{TWILIO}{path}/{hook['sid']}",
        "configuration": {
            "url": "https://example.com",
            "method": "get",
            "filters": ["onMessageAdded"],
            "replay_after": 7,
        },
        "date_created": STAMP,
        "date_updated": STAMP,
    }
    trigger = twilio.create(path, **TRIGGER)
    shown = {"url": "https://example.com", "method": "POST", "triggers": ["help", "stop"]}
    assert trigger["configuration"] == shown
    studio = twilio.create(path, **STUDIO)
    assert studio["configuration"] == {"flow_sid": sid("FW")}
    assert twilio.listed(path) == [hook, trigger, studio]
    twilio.pass_time(seconds=1)
    after = twilio.update(f"{path}/{trigger['sid']}", Configuration_Triggers="go")
    assert after == {**trigger, "configuration": {**shown, "triggers": ["go"]}, "date_updated": "2026-01-02T03:04:06Z"}
    kept = twilio.update(f"{path}/{hook['sid']}", Configuration_Url="https://example.org")["configuration"]
    assert kept == {**hook["configuration"], "url": "https://example.org"}
    service = twilio.default_service()
    long = f"/v1/Services/{service}/Conversations/desk/Webhooks/{studio['sid']}"
    url = f"{TWILIO}/v1/Services/{service}/Conversations/{studio['conversation_sid']}/Webhooks/{studio['sid']}"
    assert twilio.get(long) == {**studio, "chat_service_sid": service, "url": url}
    twilio.delete(f"{path}/{studio['sid']}")
    assert twilio.refusal("GET", f"{path}/{studio['sid']}") == (404, 20404)


def without(form: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in form.items() if key != name}


@pytest.mark.parametrize(
    ("form", "code"),
    [
        (without(HOOK, "Target"), 50368),
        ({**HOOK, "Target": "flex"}, 50364),
        (without(HOOK, "Configuration.Url"), 50369),
        (without(TRIGGER, "Configuration.Url"), 50369),
        ({**HOOK, "Configuration.Url": ""}, 50369),
        ({**HOOK, "Configuration.Url": "example"}, 20001),
        ({**HOOK, "Configuration.Url": "https://example.com/" + "x" * 493}, 50372),
        ({**HOOK, "Configuration.Method": "PUT"}, 20001),
        (without(HOOK, "Configuration.Filters"), 50370),
        ({**HOOK, "Configuration.Filters": ""}, 50370),
        ({**HOOK, "Configuration.Filters": "onMessageAdd"}, 50365),
        (without(TRIGGER, "Configuration.Triggers"), 50371),
        ({**TRIGGER, "Configuration.Triggers": ""}, 50371),
        ({**TRIGGER, "Configuration.Triggers": "x" * 249}, 50366),
        ({**TRIGGER, "Configuration.Triggers": list("abcdef")}, 50362),
        (without(STUDIO, "Configuration.FlowSid"), 50367),
        ({**STUDIO, "Configuration.FlowSid": "FW1"}, 50367),
        ({**STUDIO, "Configuration.ReplayAfter": "-1"}, 20001),
    ],
)
def test_a_wrong_scoped_webhook_is_refused(form: dict[str, Any], code: int) -> None:
    twilio = Api()
    path = f"{conversation(twilio)}/Webhooks"
    before = twilio.app.snapshot()
    assert twilio.refusal("POST", path, **form) == (400, code)
    assert twilio.app.snapshot() == before


def test_target_and_replay_of_a_scoped_webhook_are_fixed() -> None:
    twilio = Api()
    path = f"{conversation(twilio)}/Webhooks"
    path = f"{path}/{twilio.create(path, **HOOK)['sid']}"
    assert twilio.refusal("POST", path, Target="studio") == (400, 20001)
    assert twilio.refusal("POST", path, Configuration_ReplayAfter="1") == (400, 20001)


@pytest.mark.parametrize("status", [400, 403, 409])
def test_five_webhooks_and_five_triggers(status: int) -> None:
    twilio = api(limit_status=status)
    path = f"{conversation(twilio)}/Webhooks"
    assert twilio.refusal("POST", path, **{**TRIGGER, "Configuration.Triggers": list("abcdef")}) == (status, 50362)
    for _ in range(5):
        twilio.create(path, **{**TRIGGER, "Configuration.Triggers": list("abcde")})
    assert twilio.refusal("POST", path, **STUDIO) == (status, 50361)
    meta = twilio.get(path)["meta"]
    assert (meta["page_size"], meta["next_page_url"]) == (5, None)


@pytest.mark.parametrize("reading", ["triggers", "filters"])
def test_where_keywords_come_back(reading: str) -> None:
    twilio = api(trigger_keywords=reading)
    path = f"{conversation(twilio)}/Webhooks"
    made = twilio.create(path, **TRIGGER)["configuration"]
    assert made == {"url": "https://example.com", "method": "POST", reading: ["help", "stop"]}


def test_where_replay_after_stays_hidden() -> None:
    twilio = api(replay_after="hidden")
    path = f"{conversation(twilio)}/Webhooks"
    assert twilio.create(path, **STUDIO, Configuration_ReplayAfter="0")["configuration"] == {"flow_sid": sid("FW")}


def test_empty_filters_of_a_scoped_webhook() -> None:
    for reading in ("clears", "ignored", "refused"):
        twilio = api(empty_filters=reading)
        path = f"{conversation(twilio)}/Webhooks"
        made = twilio.create(path, **HOOK)
        path = f"{path}/{made['sid']}"
        if reading == "ignored":
            assert twilio.update(path, Configuration_Filters="")["configuration"] == made["configuration"]
        else:
            code = 50370 if reading == "clears" else 50365
            assert twilio.refusal("POST", path, Configuration_Filters="") == (400, code)


def test_parameters_a_target_has_no_use_for() -> None:
    ignoring, refusing = api(inapplicable="ignored"), api(inapplicable="refused")
    sent = {**STUDIO, "Configuration.Url": "https://example.com"}
    assert ignoring.create(f"{conversation(ignoring)}/Webhooks", **sent)["configuration"] == {"flow_sid": sid("FW")}
    assert refusing.refusal("POST", f"{conversation(refusing)}/Webhooks", **sent) == (400, 20001)


@pytest.mark.parametrize(("reading", "after"), [("as sent", "get"), ("upper", "GET"), ("lower", "get")])
def test_the_case_of_a_scoped_method(reading: str, after: str) -> None:
    twilio = api(method_case=reading)
    made = twilio.create(f"{conversation(twilio)}/Webhooks", **HOOK, Configuration_Method="get")
    assert made["configuration"]["method"] == after


def test_messages_and_their_delivery() -> None:
    twilio = Api()
    path = conversation(twilio)
    ada = twilio.create(f"{path}/Participants", Identity="ada")["sid"]
    twilio.create(f"{path}/Participants", **OUTSIDE)
    twilio.create(f"{path}/Participants", **{**OUTSIDE, "MessagingBinding.Address": "+14155550198"})
    first = twilio.create(f"{path}/Messages", Author="ada", Body="hello", Attributes='{"a":1}')
    url = f"{TWILIO}{path}/Messages/{first['sid']}"
    delivered = {"total": 2, "sent": "all", "delivered": "all", "read": "none", "failed": "none", "undelivered": "none"}
    assert first == {
        "account_sid": ACCOUNT,
        "conversation_sid": path.rpartition("/")[2],
        "sid": first["sid"],
        "index": 0,
        "author": "ada",
        "body": "hello",
        "media": None,
        "attributes": '{"a":1}',
        "participant_sid": ada,
        "date_created": STAMP,
        "date_updated": STAMP,
        "url": url,
        "delivery": delivered,
        "links": {"delivery_receipts": f"{url}/Receipts", "channel_metadata": f"{url}/ChannelMetadata"},
        "content_sid": None,
    }
    receipts = twilio.listed(f"{path}/Messages/{first['sid']}/Receipts")
    assert [receipt["status"] for receipt in receipts] == ["delivered", "delivered"]
    assert twilio.get(receipts[0]["url"].removeprefix(TWILIO)) == receipts[0]
    twilio.app.deliver(receipts[0]["sid"], "read")
    twilio.app.deliver(receipts[1]["sid"], "failed", error_code=30003)
    some = {"total": 2, "sent": "some", "delivered": "some", "read": "some", "failed": "some", "undelivered": "none"}
    assert twilio.get(f"{path}/Messages/{first['sid']}")["delivery"] == some
    assert twilio.get(receipts[1]["url"].removeprefix(TWILIO))["error_code"] == 30003
    with pytest.raises(KeyError):
        twilio.app.deliver(sid("DY"), "read")
    answer = twilio.create(f"{path}/Messages", Author=ADDRESS, MediaSid=sid("ME"))
    assert (answer["index"], answer["delivery"]["total"]) == (1, 1)
    assert [media["sid"] for media in answer["media"]] == [sid("ME")]
    system = twilio.create(f"{path}/Messages", ContentSid=sid("HX"), Body="x")
    assert (system["author"], system["participant_sid"], system["body"]) == ("system", None, None)
    assert system["content_sid"] == sid("HX")
    assert [item["index"] for item in twilio.listed(f"{path}/Messages?PageSize=2")] == [0, 1, 2]
    assert [item["index"] for item in twilio.listed(f"{path}/Messages?PageSize=2&Order=desc")] == [2, 1, 0]
    assert twilio.update(f"{path}/Messages/{answer['sid']}", Body="edited", Subject="x")["body"] == "edited"
    twilio.delete(f"{path}/Messages/{system['sid']}")
    assert twilio.create(f"{path}/Messages", Body="x")["index"] == 3


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, 20001),
        ({"Body": ""}, 20001),
        ({"Body": "x" * 1601}, 20001),
        ({"Body": "x", "Subject": "x" * 257}, 20001),
        ({"Body": "x", "Attributes": "no"}, 50304),
        ({"Body": "x", "Attributes": json.dumps("x" * 4095)}, 50303),
        ({"MediaSid": "ME1"}, 20001),
    ],
)
def test_a_wrong_message_is_refused(form: dict[str, str], code: int) -> None:
    twilio = Api()
    path = conversation(twilio)
    before = twilio.app.snapshot()
    assert twilio.refusal("POST", f"{path}/Messages", **form) == (400, code)
    assert twilio.app.snapshot() == before


def test_the_conversations_of_a_user() -> None:
    twilio = Api()
    path = conversation(twilio)
    made = twilio.get(path)
    user = twilio.create("/v1/Users", Identity="ada")["sid"]
    assert twilio.listed("/v1/Users/ada/Conversations") == []
    participant = twilio.create(f"{path}/Participants", Identity="ada")["sid"]
    for _ in range(3):
        twilio.create(f"{path}/Messages", Body="x")
    expected = {
        "account_sid": ACCOUNT,
        "chat_service_sid": twilio.default_service(),
        "conversation_sid": made["sid"],
        "unread_messages_count": None,
        "last_read_message_index": None,
        "participant_sid": participant,
        "user_sid": user,
        "friendly_name": None,
        "conversation_state": "active",
        "timers": {},
        "attributes": "{}",
        "date_created": STAMP,
        "date_updated": STAMP,
        "created_by": "system",
        "notification_level": "default",
        "unique_name": "desk",
        "url": f"{TWILIO}/v1/Users/{user}/Conversations/{made['sid']}",
        "links": {"participant": f"{TWILIO}{path}/Participants/{participant}", "conversation": f"{TWILIO}{path}"},
    }
    assert twilio.listed("/v1/Users/ada/Conversations") == [expected]
    assert twilio.get(f"/v1/Users/{user}/Conversations/desk") == expected
    sent = {"NotificationLevel": "Muted", "LastReadMessageIndex": "0", "LastReadTimestamp": "2026-01-01T00:00:00Z"}
    after = twilio.update("/v1/Users/ada/Conversations/desk", **sent)
    read = {"notification_level": "muted", "last_read_message_index": 0, "unread_messages_count": 2}
    assert after == {**expected, **read}
    assert twilio.get(f"{path}/Participants/ada")["last_read_timestamp"] == "2026-01-01T00:00:00Z"
    assert twilio.refusal("POST", "/v1/Users/ada/Conversations/desk", LastReadTimestamp="now") == (400, 20001)
    twilio.delete("/v1/Users/ada/Conversations/desk")
    assert twilio.listed(f"{path}/Participants") == []


def test_the_conversations_of_a_participant() -> None:
    twilio = Api()
    path = conversation(twilio)
    user = twilio.create("/v1/Users", Identity="ada")["sid"]
    ada = twilio.create(f"{path}/Participants", Identity="ada")["sid"]
    phone = twilio.create(f"{path}/Participants", **OUTSIDE)["sid"]
    expected = {
        "account_sid": ACCOUNT,
        "chat_service_sid": twilio.default_service(),
        "participant_sid": ada,
        "participant_user_sid": user,
        "participant_identity": "ada",
        "participant_messaging_binding": None,
        "conversation_sid": path.rpartition("/")[2],
        "conversation_unique_name": "desk",
        "conversation_friendly_name": None,
        "conversation_attributes": "{}",
        "conversation_date_created": STAMP,
        "conversation_date_updated": STAMP,
        "conversation_created_by": "system",
        "conversation_state": "active",
        "conversation_timers": {},
        "links": {"participant": f"{TWILIO}{path}/Participants/{ada}", "conversation": f"{TWILIO}{path}"},
    }
    assert twilio.listed("/v1/ParticipantConversations?Identity=ada") == [expected]
    body = twilio.get("/v1/ParticipantConversations?Address=%2B14155550199")
    assert body["meta"]["url"] == f"{TWILIO}/v1/ParticipantConversations?Address=%2B14155550199&PageSize=50&Page=0"
    (outside,) = body["conversations"]
    assert (outside["participant_sid"], outside["participant_user_sid"]) == (phone, None)
    assert outside["participant_messaging_binding"] == {
        "type": "sms",
        "address": ADDRESS,
        "proxy_address": PROXY,
        "level": None,
        "name": None,
        "projected_address": None,
    }
    other = twilio.create("/v1/Services", FriendlyName="other")["sid"]
    assert twilio.listed(f"/v1/Services/{other}/ParticipantConversations?Identity=ada") == []
    for query in ("", "?Identity=ada&Address=x"):
        assert twilio.refusal("GET", f"/v1/ParticipantConversations{query}") == (400, 20001)


BATCH = "/v1/ConversationWithParticipants"


def test_a_conversation_with_participants() -> None:
    twilio = Api()
    alone = twilio.send("POST", BATCH, {"UniqueName": "alone"})
    assert (alone.status_code, alone.json()) == (201, twilio.get(f"{CONVERSATIONS}/alone"))
    binding = {"address": ADDRESS, "proxy_address": PROXY}
    people = [{"identity": "ada", "role_sid": twilio.role("channel admin")}, {"messaging_binding": binding}]
    response = twilio.send("POST", BATCH, {"UniqueName": "desk", "Participant": [json.dumps(one) for one in people]})
    assert (response.status_code, response.json()) == (202, twilio.get(f"{CONVERSATIONS}/desk"))
    ada, phone = twilio.listed(f"{CONVERSATIONS}/desk/Participants")
    assert (ada["identity"], ada["role_sid"]) == ("ada", twilio.role("channel admin"))
    assert phone["messaging_binding"] == {"type": "sms", **binding}


@pytest.mark.parametrize(
    ("people", "status", "code"),
    [
        (["{"], 400, 50424),
        (["[]"], 400, 50424),
        (['{"name": "ada"}'], 400, 50424),
        (['{"identity": 1}'], 400, 50424),
        (['{"messaging_binding": {"type": "sms"}}'], 400, 50424),
        (['{"messaging_binding": "sms"}'], 400, 50424),
        (['{"identity": "ada"}'] * 2, 409, 50433),
        (['{"identity": "ada"}'] * 11, 400, 50426),
        ([json.dumps({"identity": "ada", "role_sid": sid("RL")})], 400, 50101),
        ([json.dumps({"messaging_binding": {"address": ADDRESS, "proxy_address": PROXY}})], 409, 50425),
    ],
)
def test_a_wrong_batch_leaves_nothing(people: list[str], status: int, code: int) -> None:
    twilio = Api()
    twilio.create(f"{conversation(twilio)}/Participants", **OUTSIDE)
    before = twilio.app.snapshot()
    assert twilio.refusal("POST", BATCH, Participant=people) == (status, code)
    assert twilio.app.snapshot() == before


def test_bindings_are_read_filtered_and_deleted() -> None:
    twilio = Api()
    service = twilio.default_service()
    path = f"/v1/Services/{service}/Bindings"
    first = twilio.app.add_binding(service, identity="ada", credential_sid=sid("CR"), endpoint="phone")
    second = twilio.app.add_binding(service, identity="eve", binding_type="fcm")
    assert twilio.get(f"{path}/{first}") == {
        "sid": first,
        "account_sid": ACCOUNT,
        "chat_service_sid": service,
        "credential_sid": sid("CR"),
        "date_created": STAMP,
        "date_updated": STAMP,
        "endpoint": "phone",
        "identity": "ada",
        "binding_type": "apn",
        "message_types": ["removed_from_conversation", "new_message", "added_to_conversation"],
        "url": f"{TWILIO}{path}/{first}",
    }
    assert [item["sid"] for item in twilio.listed(f"{path}?BindingType=FCM")] == [second]
    assert [item["sid"] for item in twilio.listed(f"{path}?Identity=ada&Identity=eve&PageSize=1")] == [first, second]
    assert twilio.refusal("GET", f"{path}?BindingType=smoke") == (400, 20001)
    twilio.delete(f"{path}/{first}")
    assert [item["sid"] for item in twilio.listed(path)] == [second]
    assert twilio.refusal("POST", path) == (405, 20004)


CREDENTIALS = "/v1/Credentials"


def test_a_credential_never_shows_its_secrets() -> None:
    twilio = Api()
    sent = {"Type": "APN", "FriendlyName": "iOS", "Certificate": "CERT", "PrivateKey": "KEY", "Sandbox": "true"}
    made = twilio.create(CREDENTIALS, **sent)
    assert made == {
        "sid": made["sid"],
        "account_sid": ACCOUNT,
        "friendly_name": "iOS",
        "type": "apn",
        "sandbox": "True",
        "date_created": STAMP,
        "date_updated": STAMP,
        "url": f"{TWILIO}{CREDENTIALS}/{made['sid']}",
    }
    before = twilio.app.snapshot()
    assert "KEY" not in json.dumps(before[made["sid"]]["secrets"]["PrivateKey"])
    path = f"{CREDENTIALS}/{made['sid']}"
    twilio.pass_time(seconds=1)
    after = twilio.update(path, PrivateKey="NEW", Sandbox="false")
    assert after == {**made, "sandbox": "False", "date_updated": "2026-01-02T03:04:06Z"}
    assert twilio.app.snapshot()[made["sid"]]["secrets"]["PrivateKey"] != before[made["sid"]]["secrets"]["PrivateKey"]
    assert twilio.app.snapshot()[made["sid"]]["secrets"]["Certificate"] == before[made["sid"]]["secrets"]["Certificate"]
    assert twilio.listed(CREDENTIALS) == [after]
    twilio.delete(path)
    assert twilio.refusal("GET", path) == (404, 20404)


def test_a_wrong_credential_is_refused() -> None:
    twilio = Api()
    assert twilio.refusal("POST", CREDENTIALS, FriendlyName="x") == (400, 20001)
    assert twilio.refusal("POST", CREDENTIALS, Type="pigeon") == (400, 20001)
    assert twilio.refusal("POST", CREDENTIALS, Type="fcm", FriendlyName="x" * 65) == (400, 50003)
    assert twilio.refusal("POST", CREDENTIALS, Type="fcm", Sandbox="maybe") == (400, 20001)
    assert twilio.listed(CREDENTIALS) == []


@pytest.mark.parametrize(("reading", "after"), [("title", "True"), ("lower", "true")])
def test_the_text_of_sandbox(reading: str, after: str) -> None:
    assert api(sandbox_text=reading).create(CREDENTIALS, Type="apn", Sandbox="true")["sandbox"] == after


@pytest.mark.parametrize(("reading", "after"), [("clears", None), ("ignored", "iOS")])
def test_an_empty_credential_name(reading: str, after: str | None) -> None:
    twilio = api(empty_credential_name=reading)
    path = f"{CREDENTIALS}/{twilio.create(CREDENTIALS, Type='apn', FriendlyName='iOS')['sid']}"
    assert twilio.update(path, FriendlyName="")["friendly_name"] == after


def test_another_type_for_a_credential() -> None:
    for reading in ("changes", "ignored", "refused"):
        twilio = api(credential_type_update=reading)
        path = f"{CREDENTIALS}/{twilio.create(CREDENTIALS, Type='apn')['sid']}"
        assert twilio.update(path, Type="apn")["type"] == "apn"
        if reading == "refused":
            assert twilio.refusal("POST", path, Type="fcm") == (400, 20001)
        else:
            assert twilio.update(path, Type="fcm")["type"] == ("fcm" if reading == "changes" else "apn")
