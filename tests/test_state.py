"""The live account as far as it was read."""

from __future__ import annotations

from reconciler.kinds import BY_NAME
from reconciler.state import State
from tests.builders import ACCOUNT, live, sid, state

ROLE = BY_NAME["role"]
SUPPORT, SALES = sid("IS", 1), sid("IS", 2)


def test_a_collection_is_in_order_of_sid_whatever_the_apis_order() -> None:
    one, two, three = (live("role", number, parents=(SUPPORT,)) for number in (1, 2, 3))
    elsewhere = live("role", 4, parents=(SALES,))
    account = state(three, elsewhere, one, two)
    assert account.collection(ROLE, (SUPPORT,)) == (one, two, three)
    assert account.collection(ROLE, (SALES,)) == (elsewhere,)
    assert account.collection(ROLE, ()) == ()


def test_everything_is_given_in_order_of_sid() -> None:
    service, role = live("service"), live("role", parents=(SUPPORT,))
    assert list(state(role, service)) == [service, role]
    assert len(state(role, service)) == 2


def test_a_resource_that_a_page_repeats_is_kept_once_as_last_read() -> None:
    early = live("role", 1, {"type": "service"}, parents=(SUPPORT,))
    late = live("role", 1, {"type": "conversation"}, parents=(SUPPORT,))
    account = state(early, late)
    assert account.get(sid("RL")) is late
    assert account.collection(ROLE, (SUPPORT,)) == (late,)


def test_what_was_not_read_is_none() -> None:
    assert state().get(sid("RL")) is None
    assert state().get("") is None
    assert state().singleton(BY_NAME["account_webhook"], ()) is None


def test_a_singleton_is_found_in_its_parent() -> None:
    first = live("service_webhook", parents=(SUPPORT,))
    second = live("service_webhook", parents=(SALES,))
    account = state(first, second)
    assert account.singleton(BY_NAME["service_webhook"], (SALES,)) is second
    assert account.get(f"/v1/Services/{SUPPORT}/Configuration/Webhooks") is first


def test_a_resource_is_named_by_its_natural_key() -> None:
    assert live("service", contents={"friendly_name": "Support"}).name == "Support"
    assert live("address_configuration", contents={"address": "+1", "friendly_name": "Main"}).name == "+1"
    assert live("service").name == ""
    assert live("account_webhook", contents={"method": "POST"}).name == ""


def test_only_roles_are_made_by_twilio_itself() -> None:
    assert not live("service", contents={"friendly_name": "service admin"}).is_built_in
    assert live("role", contents={"friendly_name": "service admin"}, parents=(SUPPORT,)).is_built_in


def test_what_a_caller_gives_is_copied() -> None:
    holders = {SUPPORT: {sid("RL"): {sid("US"): "ada"}}}
    account = State(account_sid=ACCOUNT, role_holders=holders)
    holders.clear()
    assert account.role_holders == {SUPPORT: {sid("RL"): {sid("US"): "ada"}}}
    assert account.account_sid == ACCOUNT
