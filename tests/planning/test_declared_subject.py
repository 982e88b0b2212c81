"""The resources of the first of two configurations, as risk and guards judge them."""

from __future__ import annotations

import pytest

from reconciler.address import Address
from reconciler.config.model import Unknown
from reconciler.kinds import BY_NAME
from reconciler.planning.comparison_fields import NOT_NAMED
from reconciler.planning.declared_subject import DeclaredSubject, declared_subject, undeclared_singleton
from reconciler.redaction import HIDDEN
from tests.world import read

FILES = """
version: 1
services:
  support:
    sid: IS00000000000000000000000000000001
    webhooks: {method: POST}
    roles:
      agent: {type: conversation, permissions: [sendMessage]}
      channel user: {type: conversation, permissions: [sendMessage]}
    users:
      ada: {identity: "${env:WHO}", friendly_name: Ada}
      eve: {identity: eve, sensitive: [identity]}
"""


def subject(address: str) -> DeclaredSubject:
    config = read(FILES, allow_unset=True)
    return declared_subject(config.resources[Address.parse(address)])


def test_only_a_pinned_resource_has_a_sid() -> None:
    assert subject("services.support").sid == "IS00000000000000000000000000000001"
    assert subject("services.support.roles.agent").sid == ""


def test_a_resource_has_the_declared_values() -> None:
    assert subject("services.support.roles.agent").values == {
        "friendly_name": "agent",
        "type": "conversation",
        "permissions": ("sendMessage",),
    }


def test_a_singleton_has_all_fields_and_names_only_the_declared_ones() -> None:
    values = subject("services.support.webhooks").values
    assert values["method"] == "POST"
    assert values["pre_webhook_url"] == NOT_NAMED
    other = undeclared_singleton(BY_NAME["service_webhook"])
    assert (other.sid, other.name, other.title) == ("", "", "")
    assert {*other.values.values()} == {NOT_NAMED}


def test_an_unknown_name_is_compared_and_shown_as_it_is_written() -> None:
    ada = subject("services.support.users.ada")
    assert (ada.name, ada.title) == ("${env:WHO}", "${env:WHO}")
    assert not any(isinstance(content, Unknown) for content in ada.values.values())


def test_a_sensitive_name_is_compared_and_not_shown() -> None:
    eve = subject("services.support.users.eve")
    assert (eve.name, eve.title) == ("eve", HIDDEN)


@pytest.mark.parametrize(("role", "expected"), [(".agent", False), ('["channel user"]', True)])
def test_roles_that_twilio_makes_are_known_by_name_and_type(role: str, *, expected: bool) -> None:
    assert subject(f"services.support.roles{role}").is_built_in is expected
