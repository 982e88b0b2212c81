"""Which kinds refer to which, as derived from their fields."""

from __future__ import annotations

import pytest

from reconciler.kinds import BY_NAME, KINDS
from reconciler.kinds.relations import (
    Use,
    account_default_of,
    default_kinds_of,
    depth,
    destinations_of,
    holding_below,
    holding_beside,
    holdings_of,
    is_held,
    kinds_within,
    long_collections,
)

ROLE, SERVICE = BY_NAME["role"], BY_NAME["service"]


def paths(uses: tuple[Use, ...]) -> list[str]:
    return [f"{use.kind.name}.{use.field.path}" for use in uses]


def test_only_roles_are_held_by_users_and_participants() -> None:
    assert [kind.name for kind in KINDS if is_held(kind)] == ["role"]
    assert paths(holdings_of(ROLE)) == ["user.role", "participant.role"]
    assert paths((holding_beside(), holding_below())) == ["user.role", "participant.role"]


def test_defaults_are_chosen_by_the_singleton_beside_a_kind() -> None:
    chosen = {kind.name: [other.name for other in default_kinds_of(kind)] for kind in KINDS if default_kinds_of(kind)}
    assert chosen == {"service": ["account_configuration"], "role": ["service_configuration"]}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_only_services_have_an_account_default(kind: object) -> None:
    default = account_default_of(kind)  # type: ignore[arg-type]
    assert (default is not None) == (kind == SERVICE)


def test_addresses_lead_into_services() -> None:
    assert paths(destinations_of(SERVICE)) == ["address_configuration.auto_creation.service"]
    assert destinations_of(ROLE) == ()


def test_depth_counts_what_contains_a_kind() -> None:
    assert {kind.name: depth(kind) for kind in (SERVICE, ROLE, BY_NAME["participant"])} == {
        "service": 0,
        "role": 1,
        "participant": 2,
    }


def test_a_kind_holds_itself_and_everything_inside() -> None:
    names = [kind.name for kind in kinds_within(BY_NAME["conversation"])]
    assert names == ["conversation", "conversation_webhook", "participant"]


def test_traffic_is_exported_only_on_request() -> None:
    assert {key: [kind.name for kind in kinds] for key, kinds in long_collections().items()} == {
        "users": ["user"],
        "conversations": ["conversation", "conversation_webhook", "participant"],
    }
