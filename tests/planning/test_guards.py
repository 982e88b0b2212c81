"""What stands between a change and its being done: each guard on both sides, limits, and how withholding spreads."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

import pytest

from reconciler.address import Address
from reconciler.change import Action, Change, Guard, Step
from reconciler.config.model import Approval, Config, Limits
from reconciler.emulator import Rules
from reconciler.planning.deletions import is_pruned
from reconciler.planning.guard_context import GuardContext
from reconciler.planning.guards import guard, limit
from reconciler.planning.role_guards import role_holders_to_fetch
from reconciler.render.text import plan_text
from reconciler.state import State
from tests.builders import configuration, declared, kind_at, live, prune, sid, state
from tests.world import World, read, seen

SUPPORT, SALES = sid("IS", 1), sid("IS", 2)


def change(
    address: str,
    action: Action,
    *,
    found: str | None = None,
    needs: tuple[str, ...] = (),
    held: Guard | None = None,
) -> Change:
    """A change of one step that needs other steps."""
    where = Address.parse(address)
    kind, parent = kind_at(where)
    op = "create" if action == "replace" else action
    step = Step(f"{where}#{op}", op, where, kind, parent, sid=found, needs=needs)
    return Change(where, kind, action, found, where.parts[-1], parent, steps=(step,), guard=held)


def around(
    config: Config | None = None,
    account: State | None = None,
    *,
    approved: tuple[str, ...] = (),
    default_roles: dict[str, frozenset[str]] | None = None,
    default_services: frozenset[str] = frozenset(),
) -> GuardContext:
    return GuardContext(
        config or configuration(),
        account or state(),
        frozenset((item.address, item.action) for item in map(Approval.parse, approved)),
        default_roles or {},
        default_services,
    )


def verdict(one: Change, facts: GuardContext) -> tuple[str, str, bool] | None:
    """Which guard holds a change and how, if one does."""
    (guarded,) = guard([one], facts)
    held = guarded.guard
    return None if held is None else (held.name, held.verdict, held.only_delete)


def message(one: Change, facts: GuardContext) -> str:
    (guarded,) = guard([one], facts)
    assert guarded.guard is not None
    return guarded.guard.message


def account(name: str = "agent", *, role_holders: dict[str, dict[str, int]] | None = None) -> State:
    """A service with one role."""
    role = live("role", 1, {"friendly_name": name, "type": "conversation"}, parents=(SUPPORT,))
    return state(live("service", 1, {"friendly_name": "support"}), role, role_holders=role_holders)


AGENT = "services.support.roles.agent"

# --- prune -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("match", "keep", "name", "expected"),
    [
        ((), (), "+14155550100", True),
        ((), (), "", True),
        (("+1*",), (), "+14155550100", True),
        (("+1*",), (), "+44555", False),
        (("+44*", "+1*"), (), "+14155550100", True),
        (("+1*",), ("+14155550122",), "+14155550122", False),
        (("+1*",), ("+14155550122",), "+14155550123", True),
        ((), ("+1*",), "+14155550100", False),
        ((), ("+1*", "whatsapp:*"), "whatsapp:+1", False),
        (("WhatsApp:*",), (), "whatsapp:+1", False),
        (("?",), (), "a", True),
        (("?",), (), "ab", False),
        (("[ab]",), (), "b", False),
        (("[ab]",), (), "[ab]", True),
        ((), ("[vip] agent",), "[vip] agent", False),
        ((), ("[vip] *",), "[vip] agent", False),
        ((), ("user[1]",), "user1", True),
        ((), (r"a\*b",), "a*b", False),
        ((), (r"a\*b",), "axb", True),
        ((), (r"a\?\\",), "a?\\", False),
        ((), (r"DOMAIN\ada",), r"DOMAIN\ada", False),
        (("desk",), (), "desk\n", False),
        (("*",), (), "two\nlines", True),
        (("a.b",), (), "axb", False),
        (("",), (), "a", False),
        (("日*",), (), "日本", True),
    ],
)
def test_globs_say_what_is_pruned(
    match: tuple[str, ...],
    keep: tuple[str, ...],
    name: str,
    expected: bool,  # noqa: FBT001 - a table's column
) -> None:
    rule = prune("addresses", match=match, keep=keep)
    assert is_pruned(rule, live("address_configuration", contents={"address": name})) is expected


@pytest.mark.parametrize("name", ["channel admin", "service user", "guest"])
@pytest.mark.parametrize("match", [(), ("*",)])
def test_what_twilio_made_by_itself_is_never_pruned(name: str, match: tuple[str, ...]) -> None:
    rule = prune("services.support.roles", match=match)
    assert not is_pruned(rule, live("role", contents={"friendly_name": name}, parents=(SUPPORT,)))


# --- limits ----------------------------------------------------------------------------------------------------------


def several(action: Action, count: int) -> list[Change]:
    return [change(f"addresses.a{number}", action) for number in range(count)]


@pytest.mark.parametrize(
    ("action", "limits", "count", "refused"),
    [
        ("delete", Limits(), 10, False),
        ("delete", Limits(), 11, True),
        ("replace", Limits(), 11, True),
        ("delete", Limits(deletes=0), 1, True),
        ("delete", Limits(deletes=0), 0, False),
        ("update", Limits(), 1000, False),
        ("update", Limits(updates=3), 3, False),
        ("update", Limits(updates=3), 4, True),
        ("create", Limits(), 1000, False),
        ("create", Limits(creates=3), 3, False),
        ("create", Limits(creates=3), 4, True),
        ("create", Limits(deletes=0, updates=0), 4, False),
        ("update", Limits(updates=0), 1, True),
    ],
)
def test_a_limit_refuses_what_is_over_it(
    action: Action,
    limits: Limits,
    count: int,
    refused: bool,  # noqa: FBT001 - a table's column
) -> None:
    assert [(held.name, held.verdict) for held in limit(several(action, count), limits)] == (
        [("limit", "refused")] if refused else []
    )


def test_deletes_and_replaces_are_counted_together() -> None:
    (held,) = limit([*several("delete", 6), *several("replace", 5)], Limits())
    assert held.message == (
        "11 deletes (replaces included), but limits.deletes allows 10; raise the limit if all of them are intended"
    )


def test_every_limit_is_told() -> None:
    changes = [*several("delete", 2), *several("update", 2), *several("create", 2)]
    assert [held.message.split(",")[0] for held in limit(changes, Limits(1, 1, 1))] == [
        "2 deletes (replaces included)",
        "2 updates",
        "2 creates",
    ]


def test_what_is_withheld_does_not_count() -> None:
    held = Guard("prevent_destroy", "withheld", "")
    assert limit([change("addresses.a", "delete", held=held)], Limits(deletes=0)) == ()


def test_what_is_refused_or_only_partly_withheld_counts() -> None:
    refused = change("addresses.a", "delete", held=Guard("approval", "refused", ""))
    partly = change("addresses.b", "replace", held=Guard("role_in_use", "withheld", "", only_delete=True))
    assert [held.message[:9] for held in limit([refused, partly], Limits(deletes=1))] == ["2 deletes"]


# --- lifecycle -------------------------------------------------------------------------------------------------------

MAIN = configuration(declared("addresses.main", prevent_destroy=True, prevent_create=True))


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("create", ("prevent_create", "withheld", False)),
        ("update", None),
        ("replace", ("prevent_destroy", "withheld", False)),
        ("delete", ("prevent_destroy", "withheld", False)),
    ],
)
def test_lifecycle_withholds_what_it_prevents(action: Action, expected: tuple[str, str, bool] | None) -> None:
    assert verdict(change("addresses.main", action), around(MAIN)) == expected


@pytest.mark.parametrize("action", ["create", "update", "replace", "delete"])
def test_without_a_lifecycle_nothing_is_prevented(action: Action) -> None:
    config = configuration(declared("addresses.main"), declared("addresses.other", prevent_destroy=True))
    assert verdict(change("addresses.main", action), around(config)) is None


def test_whatever_contains_what_may_not_be_destroyed_is_not_destroyed() -> None:
    config = configuration(declared("services.support", absent=True), declared(AGENT, prevent_destroy=True))
    one = change("services.support", "delete", found=SUPPORT)
    facts = around(config, approved=("services.support",))
    assert verdict(one, facts) == ("prevent_destroy", "withheld", False)
    assert message(one, facts) == f"lifecycle.prevent_destroy of {AGENT} does not allow it"


def test_what_stands_in_a_protected_service_is_not_protected_with_it() -> None:
    config = configuration(declared("services.support", prevent_destroy=True), declared(AGENT))
    assert verdict(change(AGENT, "delete", found=sid("RL")), around(config, account())) is None


# --- what is never deleted -------------------------------------------------------------------------------------------


def test_what_twilio_made_by_itself_is_never_deleted() -> None:
    one = change(AGENT, "delete", found=sid("RL"))
    assert verdict(one, around(account=account("channel admin"))) == ("built_in", "withheld", False)
    assert verdict(one, around(account=account("Channel Admin"))) is None


def test_the_default_service_is_never_deleted() -> None:
    one = change("services.support", "delete", found=SUPPORT)
    facts = around(approved=("services.support",), default_services=frozenset({SUPPORT}))
    assert verdict(one, facts) == ("default_service", "withheld", False)
    elsewhere = around(approved=("services.support",), default_services=frozenset({SALES}))
    assert verdict(one, elsewhere) is None


@pytest.mark.parametrize(
    ("pointing", "words"),
    [
        ({(SUPPORT, "+1")}, "the address +1 starts"),
        ({(SUPPORT, "+2"), (SUPPORT, "+1"), (SALES, "+0")}, "the address +1 and 1 more start"),
        ({(SUPPORT, "+3"), (SUPPORT, "+2"), (SUPPORT, "+1")}, "the address +1 and 2 more start"),
    ],
)
def test_a_service_in_which_addresses_start_conversations_is_never_deleted(
    pointing: set[tuple[str, str]], words: str
) -> None:
    facts = replace(around(approved=("services.support",)), services_of_addresses=frozenset(pointing))
    one = change("services.support", "delete", found=SUPPORT)
    assert verdict(one, facts) == ("service_in_use", "withheld", False)
    assert message(one, facts) == (f"{words} conversations in it; set another service first, or delete the address")


def test_a_service_in_which_no_address_starts_conversations_is_deleted() -> None:
    facts = replace(
        around(approved=("services.support",)), services_of_addresses=frozenset({(SALES, "+1"), ("", "+2")})
    )
    assert verdict(change("services.support", "delete", found=SUPPORT), facts) is None
    assert verdict(change("services.sales", "create"), facts) is None


LOBBY = "services.support.conversations.lobby"


@pytest.mark.parametrize(
    ("address", "action", "expected"),
    [
        (LOBBY, "update", ("final", "withheld", False)),
        (LOBBY, "replace", ("final", "withheld", False)),
        (LOBBY, "delete", None),
        (f"{LOBBY}.participants.ada", "create", ("final", "withheld", False)),
        (f"{LOBBY}.participants.ada", "update", ("final", "withheld", False)),
        (f"{LOBBY}.participants.ada", "replace", ("final", "withheld", False)),
        (f"{LOBBY}.participants.ada", "delete", None),
        ("services.support.conversations.open", "update", None),
    ],
)
def test_what_is_closed_takes_no_change_but_to_go(
    address: str, action: Action, expected: tuple[str, str, bool] | None
) -> None:
    lobby = live("conversation", 1, {"unique_name": "lobby", "state": "closed"}, parents=(SUPPORT,))
    open_ = live("conversation", 2, {"unique_name": "open", "state": "active"}, parents=(SUPPORT,))
    facts = replace(
        around(approved=(LOBBY,)),
        before={Address.parse(LOBBY): lobby, Address.parse("services.support.conversations.open"): open_},
    )
    assert verdict(change(address, action, found=sid("CH")), facts) == expected


def test_a_default_role_is_never_deleted() -> None:
    one = change(AGENT, "delete", found=sid("RL"))
    defaults = {SUPPORT: frozenset({sid("RL")})}
    facts = around(account=account(), default_roles=defaults)
    assert verdict(one, facts) == ("default_role", "withheld", False)
    assert message(one, facts).endswith("this plan moves the default, so apply it, and apply again to delete the role")
    facts = replace(facts, remaining_defaults={sid("RL"): "default_conversation_role"})
    assert message(one, facts).endswith("change the defaults and apply that, then delete it")


@pytest.mark.parametrize("defaults", [{}, {SUPPORT: frozenset({sid("RL", 2)})}, {SALES: frozenset({sid("RL")})}])
def test_a_role_that_is_no_default_of_its_service_is_deleted(defaults: dict[str, frozenset[str]]) -> None:
    assert verdict(change(AGENT, "delete", found=sid("RL")), around(account=account(), default_roles=defaults)) is None


def test_a_default_role_may_be_replaced() -> None:
    defaults = {SUPPORT: frozenset({sid("RL")})}
    one = change(AGENT, "replace", found=sid("RL"))
    assert verdict(one, around(account=account(), default_roles=defaults)) is None


@pytest.mark.parametrize(
    ("action", "holders", "expected"),
    [
        ("delete", 1, ("role_in_use", "withheld", False)),
        ("replace", 1, ("role_in_use", "withheld", True)),
        ("update", 1, None),
        ("delete", 0, None),
        ("replace", 0, None),
    ],
)
def test_of_a_role_that_users_hold_the_delete_is_withheld(
    action: Action, holders: int, expected: tuple[str, str, bool] | None
) -> None:
    known = account(role_holders={SUPPORT: {sid("RL"): holders, sid("RL", 2): 9}})
    assert verdict(change(AGENT, action, found=sid("RL")), around(account=known)) == expected


@pytest.mark.parametrize(("holders", "words"), [(1, "1 user still holds the role"), (2, "2 users still hold the role")])
def test_says_how_many_users_hold_a_role(holders: int, words: str) -> None:
    known = account(role_holders={SUPPORT: {sid("RL"): holders}})
    said = message(change(AGENT, "delete", found=sid("RL")), around(account=known))
    names = {1: "user-0", 2: "user-0, user-1"}[holders]
    assert said == f"{words} 'agent' ({names}); assign another role first"


HELD = """
version: 1
services:
  support:
    friendly_name: Customer Support
    roles: {agent: {absent: true}}
    users: {ada: {identity: "${secret:ADA}"}, zoe: {identity: "zoe: 1"}}
"""


def test_the_holders_of_a_role_are_named_with_the_yaml_that_moves_them() -> None:
    account = World()
    service = f"/v1/Services/{account.post('/v1/Services', {'FriendlyName': 'Customer Support'})['sid']}"
    form = {"FriendlyName": "agent", "Type": "service", "Permission": ["joinConversation"]}
    role = account.post(f"{service}/Roles", form)["sid"]
    for identity in ("hidden-one", "zoe: 1", *(f"user-{number:02}" for number in range(11))):
        account.post(f"{service}/Users", {"Identity": identity, "RoleSid": role})
    made = account.plan(read(HELD, {"ADA": "hidden-one"}))
    (held,) = (change.guard for change in made.changes if change.guard is not None)
    first = ", ".join(f"user-{number:02}" for number in range(9))
    assert held.message == (
        f"13 users still hold the role 'agent' (services.support.users.ada, {first} and 3 more); "
        "assign another role first"
    )
    assert held.holders == ("services.support.users.ada", *(f"user-{number:02}" for number in range(11)), "zoe: 1")
    assert held.fix.splitlines()[:5] == [
        "services:",
        "  support:",
        "    users:",
        "      ada: {role: service user}",
        "      user-00: {role: service user}",
    ]
    assert len(read(f"version: 1\n{held.fix}").resources) == 14
    entry = next(change.guard for change in seen(made).changes if change.guard is not None)
    assert len(entry.holders) == 13
    shown = plan_text(seen(made), colour=False, width=100)
    assert "      user-08: {role: service user}" in shown
    assert "user-09" not in shown
    assert "user-09: {role: service user}" in plan_text(seen(made), colour=False, width=100, verbose=True)
    assert "hidden-one" not in shown + seen(made).to_json()


def test_holders_of_roles_in_other_services_do_not_count() -> None:
    known = account(role_holders={SALES: {sid("RL"): 3}})
    assert verdict(change(AGENT, "delete", found=sid("RL")), around(account=known)) is None


# --- approval --------------------------------------------------------------------------------------------------------

WITH_SID = f'services["{SUPPORT}"]'


def test_deleting_a_service_needs_approval_by_its_address() -> None:
    one = change(WITH_SID, "delete", found=SUPPORT)
    assert verdict(one, around()) == ("approval", "refused", False)
    assert verdict(one, around(approved=("services.support", f'services["{SALES}"]'))) == ("approval", "refused", False)
    assert verdict(one, around(approved=(WITH_SID,))) is None
    assert message(one, around()) == (
        f"deleting {WITH_SID} destroys every conversation, message, user, and role in it; approve it with "
        f"--approve '{WITH_SID}', or under `approvals` in the configuration"
    )


def test_an_approval_approves_its_action_only() -> None:
    delete, replacement = (change(LOBBY, action, found=sid("CH")) for action in ("delete", "replace"))
    assert verdict(delete, around(approved=(f"replace:{LOBBY}",))) == ("approval", "refused", False)
    assert verdict(replacement, around(approved=(LOBBY,))) == ("approval", "refused", False)
    assert verdict(replacement, around(approved=(f"delete:{LOBBY}",))) == ("approval", "refused", False)
    assert verdict(replacement, around(approved=(f"replace:{LOBBY}",))) is None
    assert verdict(delete, around(approved=(f"delete:{LOBBY}",))) is None
    assert message(replacement, around()) == (
        f"replacing {LOBBY} deletes the old one and destroys every message and participant in it; approve it with "
        f"--approve 'replace:{LOBBY}', or with action: replace under `approvals` in the configuration"
    )


@pytest.mark.parametrize("text", ["services.support", "replace:services.support", 'replace:services["replace:x"]'])
def test_an_approval_is_text_and_back(text: str) -> None:
    assert str(Approval.parse(text)) == text


def test_an_option_to_approve_survives_a_shell() -> None:
    address = str(Address.of("services", "it's", "conversations", "a b"))
    told = message(change(address, "delete", found=sid("CH")), around())
    command = told.partition("--approve ")[2].partition(", or ")[0]
    assert shlex.split(command) == [address]


@pytest.mark.parametrize(
    ("address", "action"),
    [("addresses.main", "delete"), ("addresses.main", "replace"), (AGENT, "delete"), ("services.support", "create")],
)
def test_nothing_else_needs_approval(address: str, action: Action) -> None:
    assert verdict(change(address, action, found=sid("RL")), around(account=account())) is None


def test_approval_of_what_contains_it_is_no_approval() -> None:
    assert verdict(change("services.support", "delete"), around(approved=("services",))) is not None


def test_what_is_protected_is_withheld_before_it_is_refused() -> None:
    one = change("services.support", "delete", found=SUPPORT)
    assert verdict(one, around(default_services=frozenset({SUPPORT}))) == ("default_service", "withheld", False)


# --- spreading -------------------------------------------------------------------------------------------------------

PREVENTED = configuration(declared("services.support", prevent_create=True))


def test_what_needs_something_withheld_is_withheld_by_name_and_so_on() -> None:
    changes = [
        change("services.support", "create"),
        change(AGENT, "create", needs=("services.support#create",)),
        change("services.support.configuration", "update", needs=("services.support.roles.agent#create",)),
        change("addresses.main", "update", needs=("services.sales#create",)),
    ]
    guarded = guard(changes, around(PREVENTED))
    assert [None if one.guard is None else (one.guard.name, one.guard.message) for one in guarded] == [
        ("prevent_create", "services.support is not in the account, and lifecycle.prevent_create is set"),
        ("needs", "depends on services.support, which is withheld"),
        ("needs", f"depends on {AGENT}, which is withheld"),
        None,
    ]
    assert [one.is_withheld for one in guarded] == [True, True, True, False]


def test_withholding_spreads_against_the_order_too() -> None:
    changes = [
        change("services.support.configuration", "update", needs=("services.support.roles.agent#create",)),
        change(AGENT, "create", needs=("services.support#create",)),
        change("services.support", "create"),
    ]
    assert [one.is_withheld for one in guard(changes, around(PREVENTED))] == [True, True, True]


def test_what_is_refused_is_withheld_when_it_needs_something_withheld() -> None:
    changes = [
        change("services.support", "create"),
        change("services.sales", "delete", found=SALES, needs=("services.support#create",)),
    ]
    guarded = guard(changes, around(PREVENTED))
    assert guarded[1].guard == Guard("needs", "withheld", "depends on services.support, which is withheld")


def test_what_only_waits_for_something_inside_of_it_is_not_withheld_with_that() -> None:
    held = Guard("no_room", "withheld", "…")
    inside = change(f"{LOBBY}.participants.ada", "create", held=held)
    closing = change(LOBBY, "update", found=sid("CH"), needs=(inside.steps[0].id,))
    assert [item.guard for item in guard([inside, closing], around())] == [held, None]


def test_what_is_refused_does_not_spread() -> None:
    changes = [
        change("services.sales", "delete", found=SALES),
        change("addresses.main", "update", needs=("services.sales#delete",)),
    ]
    guarded = guard(changes, around())
    assert [one.guard is None for one in guarded] == [False, True]


def test_a_replace_of_which_only_the_delete_is_withheld_does_not_spread() -> None:
    known = account(role_holders={SUPPORT: {sid("RL"): 1}})
    changes = [
        change(AGENT, "replace", found=sid("RL")),
        change("services.support.configuration", "update", needs=("services.support.roles.agent#create",)),
    ]
    guarded = guard(changes, around(account=known))
    assert [one.is_withheld for one in guarded] == [False, False]
    assert guarded[1].guard is None


def test_a_replace_of_which_only_the_delete_was_withheld_is_withheld_when_it_needs_something_withheld() -> None:
    known = account(role_holders={SUPPORT: {sid("RL"): 1}})
    changes = [
        change("services.sales", "delete", found=SALES, held=Guard("default_service", "withheld", "")),
        change(AGENT, "replace", found=sid("RL"), needs=("services.sales#delete",)),
        change("services.support.configuration", "update", needs=("services.support.roles.agent#create",)),
    ]
    guarded = guard(changes, around(account=known, default_services=frozenset({SALES})))
    assert [one.is_withheld for one in guarded] == [True, True, True]
    assert guarded[1].guard == Guard("needs", "withheld", "depends on services.sales, which is withheld")


def test_what_needs_a_delete_that_alone_is_withheld_is_withheld() -> None:
    partly = change(AGENT, "replace", held=Guard("default_role", "withheld", "stuck", only_delete=True))
    delete = replace(partly.steps[0], id=f"{AGENT}#delete", op="delete")
    changes = [
        replace(partly, steps=(*partly.steps, delete)),
        change("services.support.configuration", "update", needs=(f"{AGENT}#create",)),
        change("services.support.webhooks", "update", needs=(f"{AGENT}#delete",)),
    ]
    assert [one.is_withheld for one in guard(changes, around(account=account()))] == [False, False, True]


def test_a_guard_that_a_change_has_already_is_kept() -> None:
    held = Guard("default_role", "withheld", "stuck", only_delete=True)
    (guarded,) = guard([change(AGENT, "replace", found=sid("RL"), held=held)], around(account=account()))
    assert guarded.guard == held


def test_guards_change_nothing_but_the_guard_and_add_nothing() -> None:
    changes = [change("services.support", "create"), *several("delete", 3)]
    assert guard(changes, around()) == tuple(changes)
    assert guard([], around()) == ()


# --- users to look through -------------------------------------------------------------------------------------------


def test_users_are_looked_through_where_a_role_goes_and_nobody_has_looked() -> None:
    one = change(AGENT, "delete", found=sid("RL"))
    assert role_holders_to_fetch([one], account()) == {SUPPORT}
    assert role_holders_to_fetch([change(AGENT, "replace", found=sid("RL"))], account()) == {SUPPORT}
    assert role_holders_to_fetch([one], account(role_holders={SUPPORT: {}})) == frozenset()


@pytest.mark.parametrize(
    "one",
    [
        change(AGENT, "update", found=sid("RL")),
        change(AGENT, "create"),
        change("addresses.main", "delete", found=sid("IG")),
        change(AGENT, "delete", found=sid("RL"), held=Guard("default_role", "withheld", "")),
        change(AGENT, "delete", found=sid("RL", 99)),
    ],
)
def test_users_are_looked_through_for_nothing_else(one: Change) -> None:
    assert role_holders_to_fetch([one], account()) == frozenset()


# --- as it will be carried out ---------------------------------------------------------------------------------------

RENAMED = """
version: 1
services:
  support:
    friendly_name: Customer Support
    roles: {member: {renamed_from: old-member, type: service, permissions: [joinConversation]}}
    configuration: {default_chat_service_role: DEFAULT}
"""


def with_default_role() -> tuple[World, str, str]:
    """An account whose default role for users is `old-member`; the path of its service and the SID of the role."""
    account = World()
    service = f"/v1/Services/{account.post('/v1/Services', {'FriendlyName': 'Customer Support'})['sid']}"
    form = {"FriendlyName": "old-member", "Type": "service", "Permission": ["joinConversation"]}
    role = str(account.post(f"{service}/Roles", form)["sid"])
    account.post(f"{service}/Configuration", {"DefaultChatServiceRoleSid": role})
    return account, service, role


@pytest.mark.parametrize(
    ("default", "options"),
    [
        pytest.param("member", {"targets": ["services.support.roles.member"]}, id="target"),
        pytest.param("member", {"excludes": ["services.support.configuration"]}, id="exclude"),
        pytest.param("service user, lifecycle: {ignore_changes: [default_chat_service_role]}", {}, id="ignore_changes"),
    ],
)
@pytest.mark.parametrize("rule", ["refused", "allowed"])
def test_a_replace_never_deletes_a_role_that_stays_a_default(default: str, options: Any, rule: Any) -> None:
    account, service, old = with_default_role()
    account.emulator.rules = Rules(default_role=rule)
    files = read(RENAMED.replace("DEFAULT", default))
    made = account.plan(files, **options)
    held = next(change.guard for change in made.changes if change.action == "replace")
    assert held is not None
    assert (held.name, held.verdict, held.only_delete) == ("default_role", "withheld", True)
    report = account.do(made)
    assert report.exit_code == 5
    assert f"DELETE {service}/Roles/{old}" not in account.writes
    assert account.get(f"{service}/Configuration")["default_chat_service_role_sid"] == old


def test_a_replace_deletes_a_former_default_role_after_the_same_plan_moved_the_default() -> None:
    account, service, old = with_default_role()
    account.forget_requests()
    account.converge(read(RENAMED.replace("DEFAULT", "member")))
    writes = account.writes
    assert writes.index(f"POST {service}/Configuration") < writes.index(f"DELETE {service}/Roles/{old}")


def test_a_service_that_a_declared_address_names_by_its_sid_is_kept() -> None:
    account = World()
    old = account.post("/v1/Services", {"FriendlyName": "Old"})["sid"]
    files = read(
        "version: 1\nservices: {old: {friendly_name: Old, absent: true}}\n"
        f"addresses: {{'+14155550100': {{auto_creation: {{type: default, service: {old}}}}}}}\n"
    )
    made = account.plan(files, approved=["services.old"])
    assert [change.guard.name for change in made.changes if change.guard is not None] == ["service_in_use"]
