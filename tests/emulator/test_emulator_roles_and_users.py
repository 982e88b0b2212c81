"""Roles and users, in both forms of their paths."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.emulator.witness import ACCOUNT, STAMP, TWILIO, Api, api, segment, sid

ROLES = "/v1/Roles"
USERS = "/v1/Users"


def new_role(twilio: Api, name: str = "agent", kind: str = "conversation", *permissions: str) -> str:
    sent = {"FriendlyName": name, "Type": kind, "Permission": list(permissions or ["editOwnMessage"])}
    return str(twilio.create(ROLES, **sent)["sid"])


def test_a_role_in_both_forms() -> None:
    twilio = Api()
    service = twilio.default_service()
    role = twilio.create(ROLES, FriendlyName="agent", Type="Conversation", Permission=["sendMessage", "addParticipant"])
    assert role == {
        "sid": role["sid"],
        "account_sid": ACCOUNT,
        "chat_service_sid": service,
        "friendly_name": "agent",
        "type": "conversation",
        "permissions": ["sendMessage", "addParticipant"],
        "date_created": STAMP,
        "date_updated": STAMP,
        "url": f"{TWILIO}/v1/Roles/{role['sid']}",
    }
    assert twilio.get(f"{ROLES}/{role['sid']}") == role
    in_service = {**role, "url": f"{TWILIO}/v1/Services/{service}/Roles/{role['sid']}"}
    assert twilio.get(f"/v1/Services/{service}/Roles/{role['sid']}") == in_service
    twilio.pass_time(seconds=5)
    after = twilio.update(f"{ROLES}/{role['sid']}", Permission="sendMessage")
    assert after == {**role, "permissions": ["sendMessage"], "date_updated": "2026-01-02T03:04:10Z"}
    assert [item for item in twilio.listed(ROLES) if item["sid"] == role["sid"]] == [after]
    twilio.delete(f"{ROLES}/{role['sid']}")
    assert twilio.refusal("GET", f"{ROLES}/{role['sid']}") == (404, 20404)


def test_changing_the_default_service_re_targets_the_short_paths() -> None:
    twilio = Api()
    role = new_role(twilio)
    other = twilio.create("/v1/Services", FriendlyName="other")["sid"]
    assert twilio.refusal("GET", f"/v1/Services/{other}/Roles/{role}") == (404, 20404)
    twilio.update("/v1/Configuration", DefaultChatServiceSid=other)
    assert twilio.refusal("GET", f"{ROLES}/{role}") == (404, 20404)
    assert {item["chat_service_sid"] for item in twilio.listed(ROLES)} == {other}
    assert twilio.create(USERS, Identity="ada")["chat_service_sid"] == other


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"Type": "service", "Permission": "joinConversation"}, 50000),
        ({"FriendlyName": "x", "Permission": "joinConversation"}, 50105),
        ({"FriendlyName": "x", "Type": "channel", "Permission": "joinConversation"}, 50105),
        ({"FriendlyName": "x", "Type": "service"}, 20001),
        ({"FriendlyName": "x", "Type": "service", "Permission": ""}, 20001),
        ({"FriendlyName": "x", "Type": "service", "Permission": ["joinConversation", "fly"]}, 50104),
        ({"FriendlyName": "x", "Type": "service", "Permission": "sendMessage"}, 50104),
        ({"FriendlyName": "x" * 257, "Type": "service", "Permission": "joinConversation"}, 50003),
    ],
)
def test_a_wrong_role_is_refused(form: dict[str, str], code: int) -> None:
    twilio = Api()
    before = twilio.app.snapshot()
    assert twilio.refusal("POST", ROLES, **form) == (400, code)
    assert twilio.app.snapshot() == before


def test_name_and_type_of_a_role_are_fixed_and_its_set_cannot_be_emptied() -> None:
    twilio = Api()
    path = f"{ROLES}/{new_role(twilio)}"
    before = twilio.get(path)
    assert twilio.update(path, FriendlyName="x", Permission="editOwnMessage") == before
    assert twilio.update(path, Type="service", Permission="editOwnMessage") == before
    assert twilio.refusal("POST", path) == (400, 20001)
    assert twilio.refusal("POST", path, Permission="") == (400, 20001)
    assert twilio.refusal("POST", path, Permission="joinConversation") == (400, 50104)
    assert twilio.get(path)["permissions"] == ["editOwnMessage"]


def test_permissions_of_practice_are_known_to_conversation_roles() -> None:
    twilio = Api()
    permissions = ["addNonChatParticipant", "editNotificationLevel"]
    role = twilio.create(ROLES, FriendlyName="x", Type="conversation", Permission=permissions)
    assert role["permissions"] == permissions


def test_permissions_of_practice_are_known_to_service_roles() -> None:
    twilio = Api()
    permissions = [
        "addNonChatParticipant", "deleteOwnMessage", "editAnyParticipantAttributes", "editOwnParticipantAttributes",
    ]  # fmt: skip
    role = twilio.create(ROLES, FriendlyName="x", Type="service", Permission=permissions)
    assert role["permissions"] == permissions


def test_unknown_permissions_may_be_taken() -> None:
    twilio = api(unknown_permission="allowed")
    assert twilio.create(ROLES, FriendlyName="x", Type="service", Permission="fly")["permissions"] == ["fly"]


@pytest.mark.parametrize(
    ("reading", "after"),
    [
        ("as sent", ["sendMessage", "addParticipant", "leaveConversation"]),
        ("sorted", ["addParticipant", "leaveConversation", "sendMessage"]),
        ("reversed", ["leaveConversation", "addParticipant", "sendMessage"]),
    ],
)
def test_the_order_of_permissions(reading: str, after: list[str]) -> None:
    twilio = api(set_order=reading)
    sent = ["sendMessage", "addParticipant", "leaveConversation"]
    assert twilio.create(ROLES, FriendlyName="x", Type="conversation", Permission=sent)["permissions"] == after


@pytest.mark.parametrize(("limit", "longest"), [(256, 256), (64, 64)])
def test_how_long_a_roles_name_may_be(limit: int, longest: int) -> None:
    twilio = api(role_name_limit=limit)
    new_role(twilio, "x" * longest)
    sent = {"FriendlyName": "x" * (longest + 1), "Type": "service", "Permission": "joinConversation"}
    assert twilio.refusal("POST", ROLES, **sent) == (400, 50003)


def test_role_names() -> None:
    repeatable, unique = api(role_names="repeatable"), api(role_names="unique")
    sent = {"FriendlyName": "twice", "Type": "service", "Permission": "joinConversation"}
    for twilio in (repeatable, unique):
        twilio.create(ROLES, **sent)
        other = twilio.create("/v1/Services", FriendlyName="other")["sid"]
        twilio.create(f"/v1/Services/{other}/Roles", **sent)
        # Names repeat across types in any case.
        twilio.create(ROLES, FriendlyName="twice", Type="conversation", Permission="sendMessage")
    assert repeatable.create(ROLES, **sent)["friendly_name"] == "twice"
    assert unique.refusal("POST", ROLES, **sent) == (409, 20409)


def test_deleting_a_default_role() -> None:
    refusing, allowing = api(default_role="refused"), api(default_role="allowed")
    assert refusing.refusal("DELETE", f"{ROLES}/{refusing.role('channel admin')}") == (400, 20409)
    allowing.delete(f"{ROLES}/{allowing.role('channel admin')}")
    configuration = allowing.get(f"/v1/Services/{allowing.default_service()}/Configuration")
    assert configuration["default_conversation_creator_role_sid"] is None
    assert configuration["default_conversation_role_sid"] == allowing.role("channel user")
    # One that no default names goes in either reading.
    refusing.delete(f"{ROLES}/{refusing.role('service admin')}")


def test_deleting_a_role_that_a_user_holds() -> None:
    for reading in ("refused", "allowed"):
        twilio = api(role_in_use=reading)
        role = new_role(twilio, "clerk", "service", "joinConversation")
        user = twilio.create(USERS, Identity="ada", RoleSid=role)
        if reading == "refused":
            assert twilio.refusal("DELETE", f"{ROLES}/{role}") == (400, 20409)
            twilio.update(f"{USERS}/ada", RoleSid=twilio.role("service admin"))
            twilio.delete(f"{ROLES}/{role}")
        else:
            twilio.delete(f"{ROLES}/{role}")
            assert twilio.get(f"{USERS}/ada") == {**user, "role_sid": twilio.role("service user")}


def test_a_user_in_both_forms() -> None:
    twilio = Api()
    service, role = twilio.default_service(), twilio.role("service admin")
    user = twilio.create(
        USERS, Identity="ada@example.com", FriendlyName="Ada", Attributes='{ "team": 1 }', RoleSid=role
    )
    assert user == {
        "sid": user["sid"],
        "account_sid": ACCOUNT,
        "chat_service_sid": service,
        "role_sid": role,
        "identity": "ada@example.com",
        "friendly_name": "Ada",
        "attributes": '{ "team": 1 }',
        "is_online": False,
        "is_notifiable": False,
        "date_created": STAMP,
        "date_updated": STAMP,
        "url": f"{TWILIO}/v1/Users/{user['sid']}",
        "links": {"user_conversations": f"{TWILIO}/v1/Users/{user['sid']}/Conversations"},
    }
    path = f"/v1/Services/{service}/Users"
    in_service = {
        **user,
        "url": f"{TWILIO}{path}/{user['sid']}",
        "links": {"user_conversations": f"{TWILIO}{path}/{user['sid']}/Conversations"},
    }
    assert twilio.get(f"{path}/{segment('ada@example.com')}") == in_service
    assert twilio.get(f"{path}/{user['sid']}") == in_service
    assert twilio.listed(path) == [{**in_service, "is_online": None, "is_notifiable": None}]
    twilio.pass_time(minutes=1)
    after = twilio.update(f"{USERS}/{user['sid']}", FriendlyName="", Attributes="{}")
    assert after == {**user, "friendly_name": None, "attributes": "{}", "date_updated": "2026-01-02T03:05:05Z"}
    twilio.delete(f"{USERS}/{segment('ada@example.com')}")
    assert twilio.listed(USERS) == []


def test_a_user_of_little_has_the_default_role() -> None:
    twilio = Api()
    user = twilio.create(USERS, Identity="a/b c")
    assert user["role_sid"] == twilio.role("service user")
    assert (user["friendly_name"], user["attributes"]) == (None, "{}")
    assert twilio.get(f"{USERS}/{segment('a/b c')}") == user


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, 50204),
        ({"Identity": ""}, 50204),
        ({"Identity": "x" * 257}, 50207),
        ({"Identity": sid("US")}, 50206),
        ({"Identity": "x", "FriendlyName": "x" * 257}, 50003),
        ({"Identity": "x", "Attributes": "{"}, 50304),
        ({"Identity": "x", "Attributes": ""}, 50304),
        ({"Identity": "x", "Attributes": "NaN"}, 50304),
        ({"Identity": "x", "Attributes": "[" * 4000}, 50304),
        ({"Identity": "x", "Attributes": json.dumps("é" * 2050, ensure_ascii=False)}, 50303),
        ({"Identity": "x", "RoleSid": sid("RL")}, 50102),
        ({"Identity": "x", "RoleSid": ""}, 50102),
    ],
)
def test_a_wrong_user_is_refused(form: dict[str, str], code: int) -> None:
    twilio = Api()
    before = twilio.app.snapshot()
    assert twilio.refusal("POST", USERS, **form) == (400, code)
    assert twilio.app.snapshot() == before


def test_a_users_role_is_of_the_service_and_for_services() -> None:
    twilio = Api()
    other = twilio.create("/v1/Services", FriendlyName="other")["sid"]
    twilio.create(USERS, Identity="ada")
    for role in (twilio.role("channel user"), twilio.role("service user", other)):
        assert twilio.refusal("POST", f"{USERS}/ada", RoleSid=role) == (400, 50102)


def test_a_users_identity_is_fixed() -> None:
    twilio = Api()
    twilio.create(USERS, Identity="ada")
    before = twilio.get(f"{USERS}/ada")
    assert twilio.update(f"{USERS}/ada", Identity="eve") == before
    assert twilio.update(f"{USERS}/ada") == before


@pytest.mark.parametrize("status", [409, 400])
def test_an_identity_is_unique_in_its_service_and_case_sensitive(status: int) -> None:
    twilio = api(duplicate_status=status)
    other = twilio.create("/v1/Services", FriendlyName="other")["sid"]
    twilio.create(USERS, Identity="ada")
    assert twilio.refusal("POST", USERS, Identity="ada") == (status, 50201)
    twilio.create(USERS, Identity="Ada")
    twilio.create(f"/v1/Services/{other}/Users", Identity="ada")


@pytest.mark.parametrize("limit", [4096, 16384])
def test_how_long_a_users_attributes_may_be(limit: int) -> None:
    twilio = api(user_attributes_limit=limit)
    text = json.dumps("x" * (limit - 2))
    assert twilio.create(USERS, Identity="ada", Attributes=text)["attributes"] == text
    assert twilio.refusal("POST", f"{USERS}/ada", Attributes=text + " ") == (400, 50303)


@pytest.mark.parametrize(("reading", "after"), [("null", None), ("empty", "")])
def test_how_a_cleared_name_comes_back(reading: str, after: str | None) -> None:
    twilio = api(cleared_text=reading)
    twilio.create(USERS, Identity="ada", FriendlyName="Ada")
    assert twilio.update(f"{USERS}/ada", FriendlyName="")["friendly_name"] == after


@settings(max_examples=60)
@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(
        lambda text: text not in {".", ".."}
    )
)
def test_any_identity_finds_its_user(identity: str) -> None:
    twilio = Api()
    user = twilio.create(USERS, Identity=identity)
    assert user["identity"] == identity
    assert twilio.get(f"{USERS}/{segment(identity)}") == user
