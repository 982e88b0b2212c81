"""The kind `role`."""

from __future__ import annotations

import pytest

from reconciler import wire
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


@pytest.mark.parametrize("name", ["service admin", "service user", "channel admin", "channel user", "guest", "Guest"])
def test_twilios_own_roles_are_known_by_name_in_any_case(name: str) -> None:
    assert live("role", contents={"friendly_name": name}, parents=(SUPPORT,)).is_built_in


@pytest.mark.parametrize("name", ["agent", "", "service  admin", "guest "])
def test_other_roles_are_somebodys(name: str) -> None:
    assert not live("role", contents={"friendly_name": name}, parents=(SUPPORT,)).is_built_in


def test_built_in_names_are_lower_case() -> None:
    assert {name.lower() for name in BUILT_IN_ROLES} == BUILT_IN_ROLES


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
