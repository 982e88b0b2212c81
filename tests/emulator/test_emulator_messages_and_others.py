"""Messages and receipts; memberships, batches, bindings; credentials."""

from __future__ import annotations

import json

import pytest

from tests.emulator.witness import ACCOUNT, STAMP, TWILIO, Api, api, sid

CONVERSATIONS = "/v1/Conversations"
ADDRESS, PROXY = "+14155550199", "+14155550100"
OUTSIDE = {"MessagingBinding.Address": ADDRESS, "MessagingBinding.ProxyAddress": PROXY}


def conversation(twilio: Api) -> str:
    return f"{CONVERSATIONS}/{twilio.create(CONVERSATIONS, UniqueName='desk')['sid']}"


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
        (['{"identity": "\\ud800"}'], 400, 50424),
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
