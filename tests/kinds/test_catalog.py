"""The table of kinds: its order, its lookups, and what is derived from it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.kinds import BY_NAME, KINDS, Catalog
from reconciler.kinds.base import Kind

SERVICE, ROLE, USER = BY_NAME["service"], BY_NAME["role"], BY_NAME["user"]


def test_a_catalog_is_a_sequence_with_lookup_by_name() -> None:
    catalog = Catalog(SERVICE, ROLE, USER)
    assert (list(catalog), len(catalog), catalog[1], catalog[:2]) == ([SERVICE, ROLE, USER], 3, ROLE, (SERVICE, ROLE))
    assert catalog.by_name == {"service": SERVICE, "role": ROLE, "user": USER}
    assert catalog.parents == (SERVICE,)


def test_parents_come_outer_before_inner() -> None:
    assert [kind.name for kind in KINDS.parents] == ["service", "conversation"]


def test_an_extension_lasts_as_long_as_its_context_and_reaches_what_is_derived() -> None:
    catalog = Catalog(SERVICE)
    computed: list[int] = []

    @catalog.derived
    def names() -> list[str]:
        computed.append(1)
        return [kind.name for kind in catalog]

    assert (names(), names(), len(computed)) == (["service"], ["service"], 1)
    with catalog.extended(ROLE):
        assert names() == ["service", "role"]
        assert catalog.by_name["role"] is ROLE
    assert names() == ["service"]
    assert "role" not in catalog.by_name


def test_an_extension_ends_when_its_context_fails() -> None:
    catalog = Catalog(SERVICE)
    with pytest.raises(RuntimeError), catalog.extended(ROLE):
        raise RuntimeError
    assert list(catalog) == [SERVICE]


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ((SERVICE, replace(USER, name="service")), "two kinds are named 'service'"),
        ((ROLE, SERVICE), "the kind 'role' comes before its parent 'service', or has none"),
    ],
)
def test_a_wrong_table_is_rejected(kinds: tuple[Kind, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Catalog(*kinds)
