"""Participants and scoped webhooks."""

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
    twilio = api(unknown_parameter="refused")
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


def test_the_status_of_a_pair_that_is_taken() -> None:
    twilio = api(duplicate_status=400)
    path = f"{conversation(twilio)}/Participants"
    twilio.create(path, **OUTSIDE)
    assert twilio.refusal("POST", path, **OUTSIDE) == (400, 50416)


def test_what_cannot_change_in_a_participant() -> None:
    twilio = Api()
    path = f"{conversation(twilio)}/Participants"
    phone = f"{path}/{twilio.create(path, **OUTSIDE)['sid']}"
    twilio.create(path, Identity="ada")
    assert twilio.update(phone, MessagingBinding_Address="+1415") == twilio.get(phone)
    assert twilio.get(phone)["messaging_binding"]["address"] == ADDRESS
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
    from reconciler.emulator.behavior import participants

    for name in ("MOST_OUTSIDE_CHAT", "MOST_IN_GROUP", "MOST_CONVERSATIONS"):
        monkeypatch.setattr(participants, name, {"MOST_OUTSIDE_CHAT": 2}.get(name, 1))
    twilio = api(limit_status=403, participant_limit=4)
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


@pytest.mark.parametrize("limit", [100, 1000])
def test_a_conversation_has_100_participants_by_default(limit: int) -> None:
    twilio = api(participant_limit=limit)
    path = f"{conversation(twilio)}/Participants"
    for number in range(100):
        assert twilio.app.call("POST", path, {"Identity": f"user{number}"}).status == 201
    reply = twilio.app.call("POST", path, {"Identity": "one more"})
    assert reply.status == (400 if limit == 100 else 201)
    assert reply.body is not None
    assert reply.body.get("code") == (50417 if limit == 100 else None)


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
            "method": "GET",
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


@pytest.mark.parametrize(("reading", "shown"), [("shown", {"filters": ["onMessageAdded"]}), ("hidden", {})])
def test_a_studio_webhook_may_be_sent_filters_and_a_message_to_replay_after(
    reading: str, shown: dict[str, list[str]]
) -> None:
    twilio = api(studio_filters=reading, inapplicable="refused")
    path = f"{conversation(twilio)}/Webhooks"
    sent = {**STUDIO, "Configuration.Filters": "onMessageAdded", "Configuration.ReplayAfter": "0"}
    made = twilio.create(path, **sent)
    assert made["configuration"] == {"flow_sid": sid("FW"), "replay_after": 0, **shown}
    assert twilio.update(f"{path}/{made['sid']}", Configuration_FlowSid=sid("FW")) == made
    assert twilio.refusal("POST", path, **{**sent, "Configuration.Filters": "onMessageAdd"}) == (400, 50365)
    assert twilio.refusal("POST", path, **{**sent, "Configuration.Method": "GET"}) == (400, 20001)


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
    before = twilio.get(path)
    assert twilio.refusal("POST", path) == (400, 20161)
    for form in ({"Target": "studio"}, {"Configuration.ReplayAfter": "1"}):
        # Unknown to an update, so it says nothing.
        assert twilio.refusal("POST", path, **form) == (400, 20161)
        assert twilio.update(path, **form, Configuration_Url="https://example.com") == before


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
