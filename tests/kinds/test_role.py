"""The kind `role`."""

from __future__ import annotations

import pytest

from reconciler.api import wire
from reconciler.kinds.flex import is_flex_service
from reconciler.kinds.markers import Choice, Length, Vocabulary
from reconciler.kinds.role import BUILT_IN_ROLES, ROLE
from tests.builders import live, sid

SUPPORT = sid("IS")


def test_its_name_and_type_are_given_once_and_its_permissions_always() -> None:
    assert [(field.path, field.param, field.required, field.immutable, field.always_sent) for field in ROLE.fields] == [
        ("friendly_name", "FriendlyName", True, True, False),
        ("type", "Type", True, True, False),
        ("permissions", "Permission", True, False, True),
    ]


def test_a_new_one_is_made_before_the_old_one_goes() -> None:
    assert ROLE.replace_risk == "medium"
    assert ROLE.irreplaceable == ""


def test_permissions_are_told_apart_by_type_and_never_empty() -> None:
    vocabulary = ROLE.by_path["permissions"].marker(Vocabulary)
    choice = ROLE.by_path["type"].marker(Choice)
    assert vocabulary is not None
    assert choice is not None
    assert vocabulary.at_least_one
    assert set(vocabulary.by_type) == set(choice.words)
    assert set(vocabulary.words) == {word for words in vocabulary.by_type.values() for word in words}


def test_a_long_name_is_doubtful_before_it_is_wrong() -> None:
    length = ROLE.by_path["friendly_name"].marker(Length)
    assert length == Length(256, doubtful=64)


@pytest.mark.parametrize("name", ["service admin", "service user", "channel admin", "channel user"])
def test_twilios_own_roles_are_known_by_their_exact_name(name: str) -> None:
    assert live("role", contents={"friendly_name": name}, parents=(SUPPORT,)).is_built_in


@pytest.mark.parametrize("name", ["agent", "", "service  admin", "Service Admin", "guest"])
def test_other_roles_are_somebodys(name: str) -> None:
    assert not live("role", contents={"friendly_name": name}, parents=(SUPPORT,)).is_built_in


def test_a_role_of_another_type_is_not_twilios_own() -> None:
    contents = {"friendly_name": "channel user", "type": "service"}
    assert not live("role", contents=contents, parents=(SUPPORT,)).is_built_in


def test_built_in_names_are_lower_case() -> None:
    assert [name.lower() for name in BUILT_IN_ROLES] == list(BUILT_IN_ROLES)


@pytest.mark.parametrize("name", ["Channel User", "channel  user", "channel_user", "CHANNEL-USER"])
def test_a_name_that_is_spelled_like_twilios_own_is_doubtful(name: str) -> None:
    (fault,) = ROLE.check({"friendly_name": name})
    assert (fault.severity, fault.code) == ("warning", "like-built-in")
    assert fault.hint.startswith("Write friendly_name: channel user ")


@pytest.mark.parametrize("name", ["channel user", "channel users", "agent", "Guest", ""])
def test_other_names_are_not_doubtful(name: str) -> None:
    assert ROLE.check({"friendly_name": name}) == ()


ALL_OF_FLEX = [("admin", "service"), ("supervisor", "service"), ("agent", "service"), ("guest", "service")]


@pytest.mark.parametrize(
    ("name", "roles", "expected"),
    [
        ("Flex Chat Service", [], True),
        ("My flex desk", [], True),
        ("Flexible desk", [], False),
        ("Desk", [("admin", "service"), ("admin", "conversation")], True),
        ("Desk", [("supervisor", "service"), ("supervisor", "conversation")], True),
        ("Desk", [("agent", "service"), ("agent", "conversation")], False),
        ("Desk", ALL_OF_FLEX, True),
        ("Desk", ALL_OF_FLEX[1:], False),
        ("", [], False),
    ],
)
def test_a_service_of_flex_is_known_by_its_name_or_its_roles(
    name: str,
    roles: list[tuple[str, str]],
    expected: bool,  # noqa: FBT001 - a table's column
) -> None:
    contents = [{"friendly_name": one, "type": of_type} for one, of_type in roles]
    assert is_flex_service(name, contents) is expected


def test_reads_an_answer() -> None:
    body = {
        "sid": sid("RL"),
        "account_sid": sid("AC"),
        "chat_service_sid": SUPPORT,
        "friendly_name": "agent",
        "type": "conversation",
        "permissions": ["sendMessage", "editOwnMessage"],
        "date_created": "2026-01-02T03:04:05Z",
        "date_updated": "2026-01-02T03:04:05Z",
        "url": "https://conversations.twilio.com/v1/Services/IS/Roles/RL",
    }
    assert wire.decode(ROLE, body).values == {
        "friendly_name": "agent",
        "type": "conversation",
        "permissions": ("editOwnMessage", "sendMessage"),
    }
