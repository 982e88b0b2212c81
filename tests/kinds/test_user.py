"""The kind `user`."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.api import wire
from reconciler.json_text import Json
from reconciler.kinds.markers import Length, Ref
from reconciler.kinds.user import USER
from tests.builders import live, sid

SUPPORT = sid("IS")


def test_its_identity_is_given_once_and_the_rest_may_change() -> None:
    assert [(field.path, field.param, field.required, field.immutable) for field in USER.fields] == [
        ("identity", "Identity", True, True),
        ("friendly_name", "FriendlyName", False, False),
        ("role", "RoleSid", False, False),
        ("attributes", "Attributes", False, False),
    ]


def test_it_is_recognised_and_read_by_its_identity_which_its_service_has_once() -> None:
    assert (USER.natural_key, USER.readable_by_name) == ("identity", True)
    assert USER.unique == ((("identity",), "parent"),)
    assert USER.replace_risk == "high"


def test_its_role_is_one_for_services() -> None:
    assert USER.by_path["role"].marker(Ref) == Ref(
        "role", "service", of_type="service", default="default_chat_service_role"
    )
    assert USER.by_path["identity"].marker(Length) == Length(256)


def test_twilio_makes_none_by_itself_and_its_writes_may_trigger_webhooks() -> None:
    assert not live("user", contents={"identity": "guest"}, parents=(SUPPORT,)).is_built_in
    assert USER.webhook_header
    assert USER.why_final({"identity": "ada"}) == ""


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": 1.0}, {"a": 1}, True),
        ({}, None, True),
        ({}, "", True),
        ({"a": True}, {"a": 1}, False),
        ({"a": [1, 2]}, {"a": [2, 1]}, False),
        ({"a": None}, {}, False),
    ],
)
def test_attributes_are_compared_by_meaning(one: Any, other: Any, *, same: bool) -> None:
    attributes = USER.by_path["attributes"]
    assert (attributes.comparable(one) == attributes.comparable(other)) is same


def test_upper_and_lower_case_of_an_identity_count() -> None:
    identity = USER.by_path["identity"]
    assert identity.comparable("Ada") != identity.comparable("ada")


def test_reads_an_answer_without_what_changes_by_itself() -> None:
    body: dict[str, Json] = {
        "sid": sid("US"),
        "account_sid": sid("AC"),
        "chat_service_sid": SUPPORT,
        "role_sid": sid("RL"),
        "identity": "ada@example.com",
        "friendly_name": "",
        "attributes": '{ "team" : 1 }',
        "is_online": True,
        "is_notifiable": None,
        "date_created": "2026-01-02T03:04:05Z",
        "date_updated": "2026-01-02T03:04:05Z",
        "url": "https://conversations.twilio.com/v1/Services/IS/Users/US",
        "links": {},
    }
    assert wire.decode(USER, body).values == {
        "identity": "ada@example.com",
        "friendly_name": None,
        "role": sid("RL"),
        "attributes": {"team": 1},
    }


def test_attributes_that_are_no_json_stay_text() -> None:
    decoded = wire.decode(USER, {"sid": sid("US"), "identity": "ada", "attributes": "{oops"})
    assert decoded.values["attributes"] == "{oops"
