"""Who is who: every way in which a declared resource is, or is not, a live one."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.address import Address
from reconciler.config.model import Config, Declared
from reconciler.errors import Place, Problem
from reconciler.kinds import BY_NAME
from reconciler.kinds.fields import Content
from reconciler.planning import match_by_name
from reconciler.planning.match import Matching, match
from reconciler.state import Live, State
from tests.builders import HERE, configuration, declared, live, prune, sid, state

SUPPORT = sid("IS", 1)
IN_SUPPORT = (SUPPORT,)
NAMED = "services.support.roles.b"


def service(name: str, number: int = 1, *, created: str = "", updated: str = "") -> Live:
    return live("service", number, {"friendly_name": name}, created=created, updated=updated)


def role(name: str, type_: str, number: int = 1, *, parents: tuple[str, ...] = IN_SUPPORT) -> Live:
    contents = {"friendly_name": name, "type": type_, "permissions": ("sendMessage",)}
    return live("role", number, contents, parents=parents)


def address(text: str, number: int = 1) -> Live:
    return live("address_configuration", number, {"address": text})


def matched(config: Config, account: State) -> dict[str, str]:
    """The SID of every declared resource that has a live one; there must be no problem."""
    found = match(config, account)
    assert found.problems == ()
    return {str(where): item.sid for where, item in found.live.items()}


def told(matching: Matching) -> list[tuple[str, str]]:
    return [(problem.code, problem.address) for problem in matching.problems]


def in_support(*resources: Declared) -> Config:
    return configuration(declared("services.support"), *resources)


# --- names -----------------------------------------------------------------------------------------------------------


def test_a_name_is_the_one_live_resource_of_that_name() -> None:
    config = configuration(declared("services.support", {"friendly_name": "Customer Support"}))
    account = state(service("Sales", 1), service("Customer Support", 2), service("customer support", 3))
    assert matched(config, account) == {"services.support": sid("IS", 2)}


def test_a_name_that_is_not_there_is_nothing() -> None:
    found = match(configuration(declared("services.support")), state(service("Sales")))
    assert (found.live, found.addresses, found.problems) == ({}, {}, ())


def test_both_directions_are_told() -> None:
    found = match(configuration(declared("services.support")), state(service("support")))
    assert found.addresses == {sid("IS"): Address.of("services", "support")}


@pytest.mark.parametrize("name", ["", " ", "ünïcödé «»", "x" * 5000, 'a"b', "a\nb", "\u202eevil", "None", sid("IS", 9)])
def test_a_name_may_be_any_text(name: str) -> None:
    config = configuration(declared("services.support", {"friendly_name": name}))
    account = state(service(name, 1), service(name + "x", 2), service(f" {name} ", 3))
    assert matched(config, account) == {"services.support": sid("IS", 1)}


def test_a_live_resource_without_a_name_is_nobodys() -> None:
    account = state(live("service", 1), service("support", 2))
    assert matched(configuration(declared("services.support")), account) == {"services.support": sid("IS", 2)}


def test_an_address_is_recognised_by_itself_and_not_by_its_friendly_name() -> None:
    config = configuration(declared("addresses.main", {"address": "+14155550100", "friendly_name": "+14155550111"}))
    account = state(address("+14155550111", 1), address("+14155550100", 2), address("whatsapp:+14155550100", 3))
    assert matched(config, account) == {"addresses.main": sid("IG", 2)}


def test_a_singleton_is_there_when_its_parent_is() -> None:
    config = in_support(declared("services.support.webhooks"), declared("account.webhooks"))
    account = state(
        service("support"), live("service_webhook", parents=IN_SUPPORT), live("account_webhook"),
        live("service_webhook", parents=(sid("IS", 2),)),
    )  # fmt: skip
    assert matched(config, account) == {
        "account.webhooks": "/v1/Configuration/Webhooks",
        "services.support": SUPPORT,
        "services.support.webhooks": f"/v1/Services/{SUPPORT}/Configuration/Webhooks",
    }


def test_anything_in_a_service_that_is_yet_to_be_is_nothing() -> None:
    config = in_support(declared("services.support.roles.agent"), declared("services.support.webhooks"))
    account = state(role("agent", "conversation", parents=()), live("service_webhook", parents=IN_SUPPORT))
    assert matched(config, account) == {}


def test_resources_of_another_service_are_not_looked_at() -> None:
    config = in_support(declared("services.support.roles.agent", {"type": "conversation"}))
    account = state(service("support"), role("agent", "conversation", parents=(sid("IS", 2),)))
    assert matched(config, account) == {"services.support": SUPPORT}


def test_several_of_one_name_are_a_problem_that_lists_them() -> None:
    account = state(
        service("support", 2, created="2026-01-01T00:00:00Z", updated="2026-02-01T00:00:00Z"),
        service("support", 1),
        service("Support", 3),
    )
    found = match(configuration(declared("services.support")), account)
    assert found.live == {}
    assert found.problems == (
        Problem(
            code="ambiguous-name",
            message=(
                "2 live resources of kind service match 'support': "
                f"{sid('IS', 1)} (created at an unknown time, updated never), "
                f"{sid('IS', 2)} (created 2026-01-01T00:00:00Z, updated 2026-02-01T00:00:00Z)"
            ),
            place=HERE,
            hint="Set `sid` of services.support to the one to manage.",
            address="services.support",
        ),
    )


def test_several_of_one_name_are_a_problem_for_what_must_not_exist_too() -> None:
    account = state(service("support", 1), service("support", 2))
    found = match(configuration(declared("services.support", absent=True)), account)
    assert told(found) == [("ambiguous-name", "services.support")]


def test_of_several_one_that_another_pins_is_not_meant() -> None:
    config = configuration(declared("services.support"), declared("services.old", pin=sid("IS", 1)))
    account = state(service("support", 1), service("support", 2))
    assert matched(config, account) == {"services.old": sid("IS", 1), "services.support": sid("IS", 2)}


def test_a_name_that_another_pin_has_already_is_a_problem() -> None:
    config = configuration(declared("services.a", pin=SUPPORT), declared("services.b", {"friendly_name": "Support"}))
    found = match(config, state(service("Support")))
    assert told(found) == [("two-addresses", "services.b")]
    assert found.live == {Address.of("services", "a"): service("Support")}


ADA = live("user", 1, {"identity": "ada"}, parents=IN_SUPPORT)
ACCOUNT = state(service("support"), ADA)
PINNED = sid("US", 1)


@pytest.mark.parametrize(
    ("pinned", "named"),
    [
        pytest.param(
            declared("services.support.users.a", {"identity": "eve"}, pin=PINNED),
            declared("services.support.users.ada"),
            id="the pinned one gets another name, so the name is free",
        ),
        pytest.param(
            declared("services.support.users.a", pin=PINNED),
            declared("services.support.users.ada", absent=True),
            id="no other one of that name must exist",
        ),
        pytest.param(
            declared("services.support.users.a", pin=PINNED, absent=True),
            declared("services.support.users.ada"),
            id="the pinned one goes, so the name is free",
        ),
    ],
)
def test_a_name_that_a_pin_does_not_keep_is_free(pinned: Declared, named: Declared) -> None:
    assert matched(in_support(pinned, named), ACCOUNT) == {"services.support": SUPPORT, str(pinned.address): PINNED}


@pytest.mark.parametrize(("type_", "problems"), [("service", []), ("conversation", [("two-addresses", NAMED)])])
def test_a_role_that_is_pinned_elsewhere_is_told_when_it_is_of_the_declared_type(
    type_: str, problems: list[tuple[str, str]]
) -> None:
    config = in_support(
        declared("services.support.roles.a", pin=sid("RL", 1)),
        declared(NAMED, {"friendly_name": "agent", "type": type_}),
    )
    assert told(match(config, state(service("support"), role("agent", "conversation")))) == problems


def test_a_name_that_another_pin_has_is_told_once_though_a_former_name_is_looked_for_too() -> None:
    config = in_support(
        declared("services.support.users.a", pin=PINNED), declared("services.support.users.ada", renamed_from="old")
    )
    assert told(match(config, ACCOUNT)) == [("two-addresses", "services.support.users.ada")]


def test_a_webhook_that_is_pinned_is_not_another_ones_likeness() -> None:
    parents = (SUPPORT, sid("CH"))
    contents = {"target": "webhook", "url": "https://a.example.com", "filters": ("onMessageAdded",)}
    hooks = [live("conversation_webhook", number, contents, parents=parents) for number in (1, 2)]
    talk = live("conversation", 1, {"unique_name": "lobby"}, parents=IN_SUPPORT)
    lobby = "services.support.conversations.lobby"
    config = in_support(
        declared(lobby),
        declared(f"{lobby}.webhooks.a", contents, pin=hooks[0].sid),
        declared(f"{lobby}.webhooks.b", contents),
    )
    assert matched(config, state(service("support"), talk, *hooks)) == {
        "services.support": SUPPORT,
        lobby: talk.sid,
        f"{lobby}.webhooks.a": hooks[0].sid,
        f"{lobby}.webhooks.b": hooks[1].sid,
    }


HOOK: dict[str, Content] = {
    "target": "webhook",
    "url": "https://a.example.com",
    "method": "POST",
    "filters": ("onMessageAdded",),
}


@pytest.mark.parametrize(
    ("others", "meant"),
    [
        pytest.param([HOOK | {"method": "GET"}, HOOK, HOOK | {"method": "GET"}], 2, id="the exact one, not its likes"),
        pytest.param([HOOK, HOOK], 1, id="of two that are the same in all, the first"),
        pytest.param(
            [HOOK | {"filters": ("onUserAdded",)}, HOOK | {"method": "GET"}, HOOK | {"method": "GET"}],
            2,
            id="of those that have the events and are the same in all, the first",
        ),
    ],
)
def test_of_several_webhooks_the_most_alike_one_is_meant(others: list[dict[str, Content]], meant: int) -> None:
    parents = (SUPPORT, sid("CH"))
    hooks = [live("conversation_webhook", number, item, parents=parents) for number, item in enumerate(others, 1)]
    talk = live("conversation", 1, {"unique_name": "lobby"}, parents=IN_SUPPORT)
    lobby = "services.support.conversations.lobby"
    found = matched(
        in_support(declared(lobby), declared(f"{lobby}.webhooks.a", HOOK)), state(service("support"), talk, *hooks)
    )
    assert found[f"{lobby}.webhooks.a"] == sid("WH", meant)


FLOW = {"target": "studio", "flow_sid": sid("FW")}
OTHER = HOOK | {"url": "https://b.example.com"}


@pytest.mark.parametrize(
    ("files", "others", "meant"),
    [
        pytest.param(
            {"a": HOOK, "b": OTHER}, [HOOK | {"url": "https://old"}, HOOK], {"a": 2, "b": 1}, id="what is left"
        ),
        pytest.param(
            {"a": HOOK, "b": FLOW},
            [FLOW | {"flow_sid": sid("FW", 2)}, HOOK | {"url": "https://old"}],
            {"a": 2, "b": 1},
            id="of each target",
        ),
        pytest.param({"a": HOOK, "b": OTHER}, [HOOK | {"url": "https://old"}], {}, id="not one for two"),
        pytest.param({"a": HOOK}, [FLOW], {}, id="not one of another target"),
        pytest.param({"a": None}, [HOOK | {"url": "https://old"}], {}, id="not for what must not exist"),
    ],
)
def test_where_webhooks_are_pruned_a_lone_one_of_a_target_is_meant_for_a_lone_one(
    files: dict[str, dict[str, Content] | None], others: list[dict[str, Content]], meant: dict[str, int]
) -> None:
    parents = (SUPPORT, sid("CH"))
    hooks = [live("conversation_webhook", number, item, parents=parents) for number, item in enumerate(others, 1)]
    talk = live("conversation", 1, {"unique_name": "lobby"}, parents=IN_SUPPORT)
    lobby = "services.support.conversations.lobby"
    config = configuration(
        declared("services.support"),
        declared(lobby),
        *(declared(f"{lobby}.webhooks.{name}", item or HOOK, absent=item is None) for name, item in files.items()),
        pruned=[prune(f"{lobby}.webhooks")],
    )
    found = matched(config, state(service("support"), talk, *hooks))
    assert {address: hook for address, hook in found.items() if "webhooks" in address} == {
        f"{lobby}.webhooks.{name}": sid("WH", number) for name, number in meant.items()
    }


def test_two_addresses_for_one_live_resource_are_a_problem() -> None:
    config = configuration(
        declared("services.a", {"friendly_name": "Support"}), declared("services.b", {"friendly_name": "Support"})
    )
    found = match(config, state(service("Support")))
    assert found.problems == (
        Problem(
            code="two-addresses",
            message=f"services.b and services.a both match the live service {SUPPORT} ('Support')",
            place=HERE,
            hint="Declare it once.",
            related=((HERE, "the other declaration"),),
            address="services.b",
        ),
    )


def test_two_pins_to_one_live_resource_are_a_problem() -> None:
    config = configuration(declared("services.a", pin=SUPPORT), declared("services.b", pin=SUPPORT))
    assert told(match(config, state(service("Support")))) == [("two-addresses", "services.b")]


def test_a_pin_and_the_default_service_may_not_be_one() -> None:
    config = configuration(declared("services.a", pin=SUPPORT), declared("services.b", pin="default"))
    account = state(service("Support"), default_service=SUPPORT)
    assert told(match(config, account)) == [("two-addresses", "services.b")]


# --- roles -----------------------------------------------------------------------------------------------------------


def agent(handle: str = "agent", type_: str | None = "conversation") -> Declared:
    contents = {"friendly_name": "agent"} | ({} if type_ is None else {"type": type_})
    return declared(f"services.support.roles.{handle}", contents)


def roles(config: Config, *live_roles: Live) -> dict[str, str]:
    found = matched(config, state(service("support"), *live_roles))
    return {where.rpartition(".")[2]: item for where, item in found.items() if ".roles." in where}


def test_of_several_roles_of_one_name_the_one_of_its_type_is_meant() -> None:
    live_roles = (role("agent", "service", 1), role("agent", "conversation", 2))
    assert roles(in_support(agent()), *live_roles) == {"agent": sid("RL", 2)}


def test_a_single_role_of_another_type_is_meant_and_will_be_replaced() -> None:
    assert roles(in_support(agent()), role("agent", "service", 1)) == {"agent": sid("RL", 1)}


def test_of_several_roles_of_one_name_and_none_of_its_type_none_is_meant() -> None:
    live_roles = (role("agent", "service", 1), role("agent", "service", 2))
    assert roles(in_support(agent()), *live_roles) == {}


def test_several_roles_of_one_name_and_type_are_a_problem() -> None:
    account = state(
        service("support"),
        role("agent", "conversation", 1), role("agent", "conversation", 2), role("agent", "service", 3),
    )  # fmt: skip
    found = match(in_support(agent()), account)
    assert told(found) == [("ambiguous-name", "services.support.roles.agent")]
    assert found.problems[0].message.startswith("2 live resources of kind role match 'agent': ")
    assert sid("RL", 3) not in found.problems[0].message


def test_a_role_that_does_not_say_its_type_cannot_choose_among_several() -> None:
    account = state(service("support"), role("agent", "conversation", 1), role("agent", "service", 2))
    found = match(in_support(agent(type_=None)), account)
    assert told(found) == [("ambiguous-name", "services.support.roles.agent")]


@pytest.mark.parametrize("shuffle", [False, True])
def test_two_declared_roles_of_one_name_find_those_of_their_types(shuffle: bool) -> None:  # noqa: FBT001 - a table's column
    types = ("service", "conversation") if shuffle else ("conversation", "service")
    config = in_support(agent("a", types[0]), agent("b", types[1]))
    found = roles(config, role("agent", "conversation", 1), role("agent", "service", 2))
    assert found == {"a": sid("RL", 2 if shuffle else 1), "b": sid("RL", 1 if shuffle else 2)}


@pytest.mark.parametrize(("only", "handle"), [("conversation", "a"), ("service", "b")])
def test_a_single_role_is_left_to_the_declared_one_of_its_type(only: str, handle: str) -> None:
    config = in_support(agent("a", "conversation"), agent("b", "service"))
    assert roles(config, role("agent", only, 1)) == {handle: sid("RL", 1)}


def test_a_role_that_is_pinned_elsewhere_is_not_taken_for_another_type() -> None:
    config = in_support(agent("a", "conversation"), declared("services.support.roles.b", pin=sid("RL", 1)))
    assert roles(config, role("agent", "service", 1)) == {"b": sid("RL", 1)}


def test_names_of_roles_count_with_case() -> None:
    live_roles = (role("Agent", "conversation", 1),)
    assert roles(in_support(agent()), *live_roles) == {}


# --- pins ------------------------------------------------------------------------------------------------------------


def test_a_pin_is_that_one_whatever_its_name() -> None:
    config = configuration(declared("services.support", {"friendly_name": "Sales"}, pin=sid("IS", 2)))
    account = state(service("Sales", 1), service("Whatever", 2))
    assert matched(config, account) == {"services.support": sid("IS", 2)}


def test_a_pin_is_found_within_a_pinned_service() -> None:
    config = configuration(
        declared("services.support", pin=SUPPORT), declared("services.support.roles.agent", pin=sid("RL", 7))
    )
    account = state(service("x"), role("y", "service", 7))
    assert matched(config, account) == {"services.support": SUPPORT, "services.support.roles.agent": sid("RL", 7)}


def dead(address_: str, pin: str, kind: str, where: str) -> Problem:
    return Problem(
        code="dead-pin",
        message=f"{address_} is pinned to {pin}, but there is no such {kind} {where}",
        place=Place("reconciler.yaml", 2, 5),
        hint="Correct the SID, or remove it to match the resource by name.",
        address=address_,
    )


def test_a_pin_that_is_not_live_is_a_problem_even_when_the_name_is() -> None:
    config = configuration(declared("services.support", {"friendly_name": "Support"}, pin=sid("IS", 9)))
    found = match(config, state(service("Support")))
    assert found.live == {}
    assert found.problems == (dead("services.support", sid("IS", 9), "service", "in the account"),)


def test_a_pin_to_a_resource_of_another_kind_is_a_problem() -> None:
    config = configuration(declared("services.support", pin=sid("IG")))
    found = match(config, state(address("+1")))
    assert found.problems == (dead("services.support", sid("IG"), "service", "in the account"),)


def test_a_pin_to_a_role_of_another_service_is_a_problem() -> None:
    config = in_support(declared("services.support.roles.agent", pin=sid("RL")))
    found = match(config, state(service("support"), role("agent", "service", parents=(sid("IS", 2),))))
    assert found.problems == (
        dead("services.support.roles.agent", sid("RL"), "role", "in services.support"),
    )  # fmt: skip


def test_a_pin_in_a_service_that_is_yet_to_be_is_a_problem() -> None:
    config = in_support(declared("services.support.roles.agent", pin=sid("RL")))
    assert told(match(config, state())) == [("dead-pin", "services.support.roles.agent")]


def test_a_dead_pin_of_what_must_not_exist_is_none() -> None:
    found = match(configuration(declared("services.support", pin=SUPPORT, absent=True)), state())
    assert (found.live, found.problems) == ({}, ())


def test_the_default_service_is_pinned_as_it_was_fetched() -> None:
    config = configuration(declared("services.main", pin="default"))
    account = state(service("One", 1), service("Two", 2), default_service=sid("IS", 2))
    assert matched(config, account) == {"services.main": sid("IS", 2)}


def test_the_default_service_is_not_recognised_by_name_a_second_time() -> None:
    config = configuration(declared("services.main", pin="default"), declared("services.Two"))
    account = state(service("Two", 2), default_service=sid("IS", 2))
    assert [problem.code for problem in match(config, account).problems] == ["two-addresses"]


def test_a_pin_to_the_default_service_of_an_account_without_one_is_a_problem() -> None:
    found = match(configuration(declared("services.main", pin="default")), state(service("One")))
    assert found.problems == (
        Problem(
            code="no-default-service",
            message="the account has no default service",
            place=Place("reconciler.yaml", 2, 5),
            hint="Pin a SID, or remove the pin.",
            address="services.main",
        ),
    )


def test_a_default_service_that_is_not_in_the_list_is_a_dead_pin() -> None:
    found = match(configuration(declared("services.main", pin="default")), state(default_service=sid("IS", 3)))
    assert found.problems == (dead("services.main", sid("IS", 3), "service", "in the account"),)


# --- renames ---------------------------------------------------------------------------------------------------------

RENAMED = declared("services.support.roles.agent", {"type": "conversation"}, renamed_from="clerk")


def renamed(*live_roles: Live, config: Config | None = None) -> Matching:
    return match(config or in_support(RENAMED), state(service("support"), *live_roles))


def test_only_the_former_name_is_there() -> None:
    old = role("clerk", "conversation", 1)
    found = renamed(old)
    assert found.live[RENAMED.address] == old
    assert found.left_over == {}


def test_only_the_new_name_is_there() -> None:
    new = role("agent", "conversation", 1)
    found = renamed(new)
    assert found.live[RENAMED.address] == new
    assert found.left_over == {}


def test_of_both_names_the_new_one_is_meant_and_the_old_one_left_over() -> None:
    new, old = role("agent", "conversation", 2), role("clerk", "conversation", 1)
    found = renamed(new, old)
    assert found.live[RENAMED.address] == new
    assert found.left_over == {old.sid: RENAMED.address}
    assert old.sid not in found.addresses


def test_neither_name_is_there() -> None:
    assert RENAMED.address not in renamed(role("other", "conversation")).live


def test_a_former_name_that_another_resource_declares_is_that_ones() -> None:
    other = declared("services.support.roles.clerk", {"type": "conversation"})
    old = role("clerk", "conversation", 1)
    found = renamed(old, config=in_support(RENAMED, other))
    assert found.problems == ()
    assert found.addresses == {SUPPORT: Address.of("services", "support"), old.sid: other.address}
    assert found.left_over == {}


def test_a_former_address_that_another_one_declares_is_that_ones() -> None:
    config = configuration(
        declared("addresses.main", {"address": "+2"}, renamed_from="+1"), declared("addresses.other", {"address": "+1"})
    )
    assert matched(config, state(address("+1"))) == {"addresses.other": sid("IG")}


def test_a_former_name_that_another_resource_pins_is_that_ones() -> None:
    other = declared("services.support.roles.zoe", pin=sid("RL", 1))
    found = renamed(role("clerk", "conversation", 1), config=in_support(RENAMED, other))
    assert found.problems == ()
    assert found.addresses[sid("RL", 1)] == other.address
    assert found.left_over == {}


def test_a_former_name_that_a_pinned_resource_is_to_get_is_still_there_to_be_found() -> None:
    names = enumerate(("a", "b"), 1)
    talks = [live("conversation", number, {"unique_name": name}, parents=IN_SUPPORT) for number, name in names]
    config = in_support(
        declared("services.support.conversations.pinned", {"unique_name": "a"}, pin=talks[1].sid),
        declared("services.support.conversations.c", renamed_from="a"),
    )
    assert matched(config, state(service("support"), *talks)) == {
        "services.support": SUPPORT,
        "services.support.conversations.pinned": talks[1].sid,
        "services.support.conversations.c": talks[0].sid,
    }


def test_two_that_swap_their_names_each_find_the_one_that_has_the_new_name() -> None:
    config = in_support(
        declared("services.support.roles.a", {"type": "service"}, renamed_from="b"),
        declared("services.support.roles.b", {"type": "service"}, renamed_from="a"),
    )
    found = renamed(role("a", "service", 1), role("b", "service", 2), config=config)
    assert found.problems == ()
    assert found.addresses == {
        SUPPORT: Address.of("services", "support"),
        sid("RL", 1): Address.parse("services.support.roles.a"),
        sid("RL", 2): Address.parse("services.support.roles.b"),
    }
    assert found.left_over == {}


UNCLEAR = ("unclear-rename", "services.support.roles.b")


@pytest.mark.parametrize(
    ("created", "permission", "problems"),
    [
        pytest.param({"b": "01", "c": "02"}, "joinConversation", [UNCLEAR], id="older"),
        pytest.param({"b": "02", "c": "02"}, "joinConversation", [UNCLEAR], id="in one second"),
        pytest.param({"b": "03", "c": "02"}, "joinConversation", [], id="newer"),
        pytest.param({"b": "01"}, "joinConversation", [], id="no successor"),
        pytest.param({"b": "01", "c": "02"}, "sendMessage", [], id="as declared"),
    ],
)
def test_a_role_that_is_no_newer_than_its_successor_in_a_chain_may_be_either(
    created: dict[str, str], permission: str, problems: list[tuple[str, str]]
) -> None:
    """Without a journal, nothing tells the former `b`, of which `c` was made, from the one that is made from `a`."""
    config = in_support(
        *(
            declared(
                f"services.support.roles.{name}",
                {"type": "service", "permissions": (granted,)},
                renamed_from=former,
            )
            for name, former, granted in (("b", "a", permission), ("c", "b", "sendMessage"))
        )
    )
    live_roles = [
        replace(role(name, "service", number), created=f"2026-01-{day}T00:00:00Z")
        for number, (name, day) in enumerate({"a": "01", **created}.items(), 1)
    ]
    account = state(service("support"), *live_roles)
    assert told(match(config, account)) == problems
    under_way = {sid("RL", 1): Address.parse("services.support.roles.b")}
    assert told(match(config, account, under_way=under_way)) == []


@pytest.mark.parametrize(
    ("live_names", "problems"),
    [
        ("abcd", [("unclear-rename", "services.support.roles.b"), ("unclear-rename", "services.support.roles.c")]),
        ("bcd", []),
        ("abd", []),
    ],
)
def test_every_member_of_an_unfinished_chain_may_be_unclear(live_names: str, problems: list[tuple[str, str]]) -> None:
    config = in_support(
        *(
            declared(
                f"services.support.roles.{name}",
                {"type": "service", "permissions": ("joinConversation",)},
                renamed_from=former,
            )
            for name, former in ("ba", "cb", "dc")
        )
    )
    live_roles = [role(name, "service", number) for number, name in enumerate(live_names, 1)]
    assert told(match(config, state(service("support"), *live_roles))) == problems


def test_a_chain_whose_last_rename_was_interrupted_goes_on_from_there() -> None:
    """The role that the interrupted one replaces still has the name that the next one takes."""
    config = in_support(
        *(
            declared(f"services.support.roles.{name}", {"type": "service"}, renamed_from=former)
            for name, former in ("ba", "cb", "dc")
        )
    )
    live_roles = [role(name, "service", number) for number, name in enumerate("abcd", 1)]
    interrupted = {sid("RL", 3): Address.parse("services.support.roles.d")}
    found = match(config, state(service("support"), *live_roles), under_way=interrupted)
    assert {str(where): item.sid for where, item in found.live.items()} == {
        "services.support": SUPPORT,
        "services.support.roles.b": sid("RL", 1),
        "services.support.roles.c": sid("RL", 2),
        "services.support.roles.d": sid("RL", 4),
    }


def test_several_of_the_former_name_are_a_problem() -> None:
    found = renamed(role("clerk", "conversation", 1), role("clerk", "conversation", 2))
    assert told(found) == [("ambiguous-name", "services.support.roles.agent")]
    assert "match 'clerk'" in found.problems[0].message


def test_of_several_of_the_former_name_the_one_of_the_declared_type_is_meant() -> None:
    found = renamed(role("clerk", "service", 1), role("clerk", "conversation", 2))
    assert found.live[RENAMED.address].sid == sid("RL", 2)


def test_an_address_may_be_renamed_too() -> None:
    config = configuration(declared("addresses.main", {"address": "+2"}, renamed_from="+1"))
    assert matched(config, state(address("+1"))) == {"addresses.main": sid("IG")}


# --- a rename beside roles of other types ----------------------------------------------------------------------------

# The declared role `a` is of type conversation and has `renamed_from: b`. Rows: the types of the live roles a and b;
# c is conversation, s is service. Columns: what is declared as `b`. Cells: the live role that `a` is, then the one that
# `b` is, or the problem. "-" is none: what is declared is created, and what must not exist is gone.
BESIDE = """
live a,b | nothing   absent          absent-c  absent-s  c              s
-,-      | -         -,-             -,-       -,-       -,-            -,-
-,c      | b:c       b:c,-           b:c,-     b:c,-     -,b:c          b:c,-
-,s      | b:s       -,b:s           b:s,-     -,b:s     two-addresses  -,b:s
-,cs     | b:c       b:c,b:s         b:c,-     b:c,b:s   -,b:c          b:c,b:s
c,-      | a:c       a:c,-           a:c,-     a:c,-     a:c,-          a:c,-
c,c      | a:c       a:c,b:c         a:c,b:c   a:c,-     a:c,b:c        a:c,-
c,s      | a:c       a:c,b:s         a:c,-     a:c,b:s   a:c,b:s        a:c,b:s
c,cs     | a:c       ambiguous-name  a:c,b:c   a:c,b:s   a:c,b:c        a:c,b:s
s,-      | a:s       a:s,-           a:s,-     a:s,-     a:s,-          a:s,-
s,c      | b:c       b:c,-           b:c,-     b:c,-     -,b:c          b:c,-
s,s      | a:s       a:s,b:s         a:s,-     a:s,b:s   a:s,b:s        a:s,b:s
s,cs     | b:c       b:c,b:s         b:c,-     b:c,b:s   -,b:c          b:c,b:s
cs,-     | a:c       a:c,-           a:c,-     a:c,-     a:c,-          a:c,-
cs,c     | a:c       a:c,b:c         a:c,b:c   a:c,-     a:c,b:c        a:c,-
cs,s     | a:c       a:c,b:s         a:c,-     a:c,b:s   a:c,b:s        a:c,b:s
cs,cs    | a:c       ambiguous-name  a:c,b:c   a:c,b:s   a:c,b:c        a:c,b:s
"""
B_DECLARED: dict[str, tuple[Declared, ...]] = {
    "nothing": (),
    "absent": (declared(NAMED, absent=True),),
    "absent-c": (declared(NAMED, {"type": "conversation"}, absent=True),),
    "absent-s": (declared(NAMED, {"type": "service"}, absent=True),),
    "c": (declared(NAMED, {"type": "conversation"}),),
    "s": (declared(NAMED, {"type": "service"}),),
}
HEADER, *ROWS = (line.replace("|", "").split() for line in BESIDE.strip().splitlines())


def beside(row: str, column: str) -> str:
    """What the cell of a row and a column should be."""
    types = {"c": "conversation", "s": "service"}
    live_types = zip("ab", row.split(","), strict=True)
    names = [(name, types[letter]) for name, letters in live_types for letter in letters.strip("-")]
    a = declared("services.support.roles.a", {"type": "conversation"}, renamed_from="b")
    config = in_support(a, *B_DECLARED[column])
    found = match(config, state(service("support"), *(role(*name, number) for number, name in enumerate(names, 1))))
    if found.problems:
        return ",".join(problem.code for problem in found.problems)
    meant = [found.live.get(item.address) for item in (a, *B_DECLARED[column])]
    return ",".join(f"{item.name}:{str(item.values['type'])[0]}" if item else "-" for item in meant)


@pytest.mark.parametrize(
    ("row", "column", "cell"),
    [
        pytest.param(row, column, cell, id=f"live {row} and declared {column}")
        for row, *cells in ROWS
        for column, cell in zip(HEADER[2:], cells, strict=True)
    ],
)
def test_a_rename_beside_roles_of_other_types(row: str, column: str, cell: str) -> None:
    assert beside(row, column) == cell


# --- what must not exist ---------------------------------------------------------------------------------------------


def test_what_must_not_exist_is_found_like_anything_else() -> None:
    config = configuration(declared("services.support", absent=True))
    assert matched(config, state(service("support"))) == {"services.support": SUPPORT}


def test_nothing_is_looked_for_in_what_must_not_exist() -> None:
    config = configuration(
        declared("services.support", absent=True),
        declared("services.support.roles.agent", pin=sid("RL", 9)),
        declared("services.support.webhooks"),
    )
    account = state(service("support"), live("service_webhook", parents=IN_SUPPORT))
    assert matched(config, account) == {"services.support": SUPPORT}


# --- a first look ----------------------------------------------------------------------------------------------------


def test_a_first_look_matches_only_the_kinds_that_it_is_asked_for() -> None:
    config = in_support(declared("services.support.roles.agent", pin=sid("RL", 9)), declared("account.webhooks"))
    found = match(config, state(service("support"), live("account_webhook")), [BY_NAME["service"]])
    assert found.problems == ()
    assert [str(where) for where in found.live] == ["services.support"]


# --- former names of services ----------------------------------------------------------------------------------------


def former(name: str, *account: Live) -> str:
    found = match(configuration(declared("services.s", {"friendly_name": name})), state(*account))
    live_one = found.former.get(Address.of("services", "s"))
    return "" if live_one is None else live_one.name


@pytest.mark.parametrize(
    ("name", "live_name"),
    [
        ("Customer Support", "Customer  Support"),
        ("Customer Support", "customer support"),
        ("Customer Support", "Support"),
        ("Support", "Support (old)"),
        ("Kundendienst", "Kundendinst"),
        ("Customer Support", "Costumer Suport"),
    ],
)
def test_a_service_whose_name_is_close_is_likely_the_former_one(name: str, live_name: str) -> None:
    assert former(name, service(live_name)) == live_name


@pytest.mark.parametrize(
    ("name", "live_name"),
    [("Support", "Sales"), ("Support", ""), ("", "Support"), ("日本", "中国"), ("Support desk", "Sales desk")],
)
def test_a_service_whose_name_is_not_close_is_not(name: str, live_name: str) -> None:
    assert former(name, service(live_name)) == ""


@pytest.mark.parametrize("live_name", ["Front desk", "front-desk", "Front  Desk!"])
def test_a_service_whose_handle_is_a_live_name_is_likely_the_former_one(live_name: str) -> None:
    config = configuration(declared("services.front-desk", {"friendly_name": "Concierge"}))
    found = match(config, state(service(live_name, 1), service("Front office", 2)))
    assert {str(address): live.name for address, live in found.former.items()} == {"services.front-desk": live_name}


def test_of_several_the_closest_is_the_former_one() -> None:
    assert former("Support 2026", service("Support 1999", 1), service("Support 2025", 2)) == "Support 2025"


def test_a_managed_service_is_nobodys_former_one() -> None:
    config = configuration(
        declared("services.a", {"friendly_name": "Support"}), declared("services.b", {"friendly_name": "Support B"})
    )
    assert match(config, state(service("Support"))).former == {}


def test_a_service_that_is_found_or_unwanted_or_pinned_has_no_former_one() -> None:
    account = state(service("Support", 1), service("Support old", 2))
    assert match(configuration(declared("services.Support")), account).former == {}
    gone = declared("services.gone", {"friendly_name": "Support!"}, absent=True)
    assert match(configuration(gone), account).former == {}
    pinned = declared("services.pinned", {"friendly_name": "Support!"}, pin=sid("IS", 9))
    assert match(configuration(pinned), account).former == {}


def test_only_services_and_roles_have_former_ones() -> None:
    config = in_support(
        declared("services.support.roles.agents"), declared("addresses.main", {"address": "+14155550101"})
    )
    old = role("agent", "conversation")
    account = state(service("support"), old, address("+14155550100"))
    assert match(config, account).former == {Address.parse("services.support.roles.agents"): old}


# --- all together ----------------------------------------------------------------------------------------------------

names = st.sampled_from(["a", "b", "c"])
types = st.sampled_from(["service", "conversation"])


@settings(max_examples=100)
@given(data=st.data(), chance=st.randoms(use_true_random=False))
def test_no_live_resource_is_two_declared_ones_and_order_never_matters(
    data: st.DataObject, chance: random.Random
) -> None:
    live_roles = [role(data.draw(names), data.draw(types), number) for number in range(data.draw(st.integers(0, 5)))]
    resources = [declared("services.support")]
    for handle in data.draw(st.sets(st.sampled_from(["r1", "r2", "r3"]))):
        contents = {"friendly_name": data.draw(names), "type": data.draw(types)}
        pin = data.draw(st.sampled_from([None, None, None, *(item.sid for item in live_roles)]))
        before = data.draw(st.sampled_from(["", "", "a", "b"]))
        resources.append(
            declared(
                f"services.support.roles.{handle}",
                {} if pin else contents,
                pin=pin,
                renamed_from="" if pin else before,
                absent=data.draw(st.booleans()),
            )
        )
    found = match(configuration(*resources), state(service("support"), *live_roles))
    assert sorted(found.addresses) == sorted(item.sid for item in found.live.values())
    assert {where: item.sid for where, item in found.live.items()} == {
        where: found_sid for found_sid, where in found.addresses.items()
    }
    assert not set(found.left_over) & set(found.addresses)
    for where, item in found.live.items():
        one = configuration(*resources).resources[where]
        assert item.sid == one.pin or one.pin is None
        assert one.pin is not None or item.name in {one.natural_key, one.renamed_from}
    chance.shuffle(live_roles)
    chance.shuffle(resources)
    assert match(configuration(*resources), state(service("support"), *live_roles)) == found
    # The short ways, for a plain collection and for a name that occurs once, give what the general one gives.
    with patch.object(match_by_name.NameMatcher, "plain", return_value={}):
        assert match(configuration(*resources), state(service("support"), *live_roles)) == found
        with patch.object(match_by_name._Names, "only_pair", return_value=None):
            assert match(configuration(*resources), state(service("support"), *live_roles)) == found


def test_resources_are_compared_as_soon_as_they_are_matched() -> None:
    config = in_support(
        declared("services.support.roles.a"),
        declared("services.support.roles.b", absent=True),
        declared("services.support.roles.c"),
        declared("services.support.roles.d"),
    )
    account = state(service("support"), *(role(name, "service", number) for number, name in enumerate("abd", 1)))
    found = match(config, account, compare=lambda one, live: [live.name] if one.natural_key in "ab" else [])
    assert {str(where): paths for where, paths in found.unequal.items()} == {
        "services.support.roles.a": ["a"],
        "services.support.roles.b": ["b"],
    }
    assert [item.natural_key for item in found.unsettled] == ["a", "b", "c"]


def test_sids_are_those_of_matched_resources_without_singletons() -> None:
    config = in_support(declared("services.support.roles.a"), declared("services.support.configuration"))
    found = match(
        config,
        state(service("support"), role("a", "service"), live("service_configuration", parents=IN_SUPPORT)),
    )
    assert len(found.live) == 3
    assert {str(where): found_sid for where, found_sid in found.sids.items()} == {
        "services.support": SUPPORT,
        "services.support.roles.a": sid("RL", 1),
    }


# --- webhooks: what must exist comes first, and the most specific one decides ----------------------------------------

SAVED: dict[str, Content] = HOOK | {"filters": ("onMessageUpdated",)}
BARE: dict[str, Content] = {"target": "webhook", "url": "https://a.example.com"}
POSTED: dict[str, Content] = BARE | {"method": "POST"}


@pytest.mark.parametrize("live_order", [(HOOK, SAVED), (SAVED, HOOK)], ids=["a", "b"])
@pytest.mark.parametrize("handles", ["ab", "ba"])
def test_a_webhook_with_fewer_fields_leaves_the_live_one_that_only_another_fits(
    handles: str, live_order: tuple[dict[str, Content], ...]
) -> None:
    found = webhooks({handles[0]: POSTED, handles[1]: SAVED}, live_order)
    assert found == {handles[0]: live_order.index(HOOK), handles[1]: live_order.index(SAVED)}


@pytest.mark.parametrize("handles", ["ab", "ba"])
@pytest.mark.parametrize("declared_one", [HOOK, HOOK | {"method": "GET"}], ids=["exact", "same events"])
def test_an_absent_webhook_takes_no_live_one_that_a_declared_one_fits(
    handles: str, declared_one: dict[str, Content]
) -> None:
    assert webhooks({handles[0]: BARE, handles[1]: declared_one}, [HOOK], absent=handles[0]) == {handles[1]: 0}


def test_an_absent_webhook_takes_what_no_declared_one_fits() -> None:
    assert webhooks({"a": BARE, "b": HOOK}, [SAVED], absent="a") == {"a": 0}
    assert webhooks({"a": BARE, "b": HOOK}, [SAVED, HOOK], absent="a") == {"a": 0, "b": 1}


def webhooks(
    files: dict[str, dict[str, Content]], lives: Iterable[dict[str, Content]], absent: str = ""
) -> dict[str, int]:
    """The number of the live webhook of each declared one, by handle."""
    parents = (SUPPORT, sid("CH"))
    hooks = [live("conversation_webhook", number, item, parents=parents) for number, item in enumerate(lives)]
    lobby = "services.support.conversations.lobby"
    config = in_support(
        declared(lobby),
        *(declared(f"{lobby}.webhooks.{name}", item, absent=name in absent) for name, item in files.items()),
    )
    talk = live("conversation", 1, {"unique_name": "lobby"}, parents=IN_SUPPORT)
    found = matched(config, state(service("support"), talk, *hooks))
    numbers = {hook.sid: number for number, hook in enumerate(hooks)}
    return {address.rpartition(".")[2]: numbers[found[address]] for address in found if "webhooks" in address}


def test_an_absent_webhook_that_fits_several_live_ones_is_ambiguous() -> None:
    parents = (SUPPORT, sid("CH"))
    hooks = [live("conversation_webhook", number, item, parents=parents) for number, item in enumerate([HOOK, SAVED])]
    talk = live("conversation", 1, {"unique_name": "lobby"}, parents=IN_SUPPORT)
    lobby = "services.support.conversations.lobby"
    config = in_support(declared(lobby), declared(f"{lobby}.webhooks.a", BARE, absent=True))
    assert told(match(config, state(service("support"), talk, *hooks))) == [("ambiguous-name", f"{lobby}.webhooks.a")]


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(BARE, id="exactly, without naming what differs"),
        pytest.param(HOOK | {"method": "PUT"}, id="by the events, and differs from both"),
    ],
)
@pytest.mark.parametrize("is_pruned", [False, True])
def test_a_webhook_that_fits_several_different_live_ones_is_ambiguous(
    *, item: dict[str, Content], is_pruned: bool
) -> None:
    parents = (SUPPORT, sid("CH"))
    values = [HOOK, HOOK | {"method": "GET"}]
    hooks = [live("conversation_webhook", number, value, parents=parents) for number, value in enumerate(values)]
    talk = live("conversation", 1, {"unique_name": "lobby"}, parents=IN_SUPPORT)
    lobby = "services.support.conversations.lobby"
    config = configuration(
        declared("services.support"),
        declared(lobby),
        declared(f"{lobby}.webhooks.a", item),
        pruned=[prune(f"{lobby}.webhooks")] if is_pruned else [],
    )
    (problem,) = match(config, state(service("support"), talk, *hooks)).problems
    assert (problem.code, problem.address) == ("ambiguous-name", f"{lobby}.webhooks.a")
    assert all(hook.sid in problem.message for hook in hooks)


def test_of_two_absent_webhooks_the_one_with_more_fields_chooses_first() -> None:
    found = webhooks({"a": BARE, "b": SAVED}, [HOOK, SAVED], absent="ab")
    assert found == {"a": 0, "b": 1}
