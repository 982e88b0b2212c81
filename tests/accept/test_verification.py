"""What an accept may change besides the accepted values: nothing."""

from __future__ import annotations

import pytest

from reconciler.accept.verification import unexpected
from reconciler.address import Address
from tests.world import read

SERVICE = Address.parse("services.s")
ADA = SERVICE.child("users", "ada")
BEFORE = "version: 1\nservices:\n  s:\n    users: {ada: {friendly_name: Ada}}\n    roles: {}\n    prune: [roles]\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    prune: [roles]\n", ""),
        ("prune: [roles]", "prune: {roles: {except: [x]}}"),
        ("version: 1\n", "version: 1\nlimits: {deletes: 3}\n"),
        ("version: 1\n", "version: 1\napprovals: [{address: services.s, action: delete}]\n"),
    ],
)
def test_another_setting_is_unexpected(old: str, new: str) -> None:
    before, after = read(BEFORE), read(BEFORE.replace(old, new))
    allowed = [("", ADA, "friendly_name")]
    assert list(unexpected("", before, after, allowed)) == ["settings of the configuration would change"]
    assert list(unexpected("", before, before, allowed)) == []


def test_what_is_written_in_a_resource_that_goes_may_go_with_it() -> None:
    before, after = read(BEFORE), read("version: 1\nservices: {}\n")
    assert list(unexpected("", before, after, [("", SERVICE, "")])) == []


def test_another_field_and_another_resource_are_unexpected() -> None:
    after = read(BEFORE.replace("{friendly_name: Ada}", "{friendly_name: Bob, attributes: {a: 1}}, bob: {}"))
    assert list(unexpected("", read(BEFORE), after, [("", ADA, "friendly_name")])) == [
        f"{ADA}.attributes would change",
        "services.s.users.bob would be added",
    ]
