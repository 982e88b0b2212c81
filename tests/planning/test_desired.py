"""What has to exist, and what must not: each resource is in exactly one of the two, or inside the latter."""

from __future__ import annotations

import pytest

from reconciler.address import Address
from reconciler.planning.desired import Desired
from tests.builders import configuration, declared


def test_what_is_inside_an_absent_resource_is_neither_present_nor_absent() -> None:
    club, lobby = "services.club", "services.club.conversations.lobby"
    desired = Desired.of(
        configuration(
            declared(club),
            declared("services.old", absent=True),
            declared("services.old.roles.agent"),
            declared(lobby, absent=True),
            declared(f"{lobby}.participants.ada", {"identity": "ada"}),
            declared(f"{lobby}.participants.bob", {"identity": "bob"}, absent=True),
        )
    )
    assert [str(item.address) for item in desired.present] == [club]
    assert [str(item.address) for item in desired.absent] == [lobby, "services.old"]
    inside = {"services.old.roles.agent", f"{lobby}.participants.ada", f"{lobby}.participants.bob"}
    assert {str(address) for address in desired.inside_absent} == inside
    assert {str(address) for address in desired.removed} == {*inside, lobby, "services.old"}


@pytest.mark.parametrize(
    ("address", "section", "owner"),
    [
        ("services.club", ("services",), None),
        ("services.club.roles.agent", ("roles",), "services.club"),
        ("services.club.roles.roles", ("roles",), "services.club"),
        ("services.club.conversations.a.webhooks.b", ("webhooks",), "services.club.conversations.a"),
        ('addresses["+1415"]', ("addresses",), None),
    ],
)
def test_an_address_knows_its_owner(address: str, section: tuple[str, ...], owner: str | None) -> None:
    found = Address.parse(address).owner(section)
    assert (None if found is None else str(found)) == owner


@pytest.mark.parametrize(
    ("collection", "section", "owner"),
    [
        ("services", ("services",), None),
        ("services.club.roles", ("roles",), "services.club"),
        ("services.club.configuration", ("configuration",), "services.club"),
        ("account.configuration", ("account", "configuration"), None),
    ],
)
def test_a_collection_knows_its_owner(collection: str, section: tuple[str, ...], owner: str | None) -> None:
    found = Address.parse(collection).collection_owner(section)
    assert (None if found is None else str(found)) == owner


def test_an_address_knows_its_root_and_collection() -> None:
    address = Address.parse("services.club.conversations.a.webhooks.b")
    assert str(address.root) == "services.club"
    assert str(address.collection) == "services.club.conversations.a.webhooks"
