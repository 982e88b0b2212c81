"""From a declared resource and its live one to a change: its steps, and what stands in the way."""

from __future__ import annotations

from reconciler.address import Address
from reconciler.change import Change
from reconciler.config.model import Config, Unknown
from reconciler.planning.change_builder import ChangeBuilder, UnorderedChanges
from reconciler.planning.context import PlanContext
from reconciler.state import Live, State
from tests.builders import configuration, declared, live, prune, sid, state

CLUB = sid("IS", 1)
SERVICE = live("service", 1, {"friendly_name": "club"})
LOBBY = "services.club.conversations.lobby"


def build(config: Config, account: State, *, rotate: str = "") -> UnorderedChanges:
    chosen = frozenset({Address.parse(rotate)} if rotate else ())
    return ChangeBuilder(PlanContext(config, account), chosen).build()


def only(unordered: UnorderedChanges) -> Change:
    assert unordered.problems == ()
    (change,) = unordered.changes
    return change


def role(of_type: str, *permissions: str) -> Live:
    values = {"friendly_name": "agent", "type": of_type, "permissions": permissions}
    return live("role", 1, values, parents=(CLUB,))


def test_what_matches_is_counted_and_nothing_else() -> None:
    config = configuration(declared("services.club"), declared("services.club.roles.agent", {"type": "service"}))
    unordered = build(config, state(SERVICE, role("service", "joinConversation")))
    assert (unordered.changes, unordered.unchanged, unordered.unverified, unordered.problems) == ((), 2, (), ())


def test_an_update_sends_what_differs_and_expects_what_does_not() -> None:
    wanted = {"type": "service", "permissions": ("createConversation",)}
    config = configuration(declared("services.club"), declared("services.club.roles.agent", wanted))
    change = only(build(config, state(SERVICE, role("service", "joinConversation"))))
    (step,) = change.steps
    assert (change.action, change.reason) == ("update", "differs from the configuration")
    assert step.values == {"permissions": ("createConversation",)}
    assert step.expects == {"friendly_name": "agent", "type": "service"}


def test_a_replace_of_a_role_creates_first_and_deletes_last() -> None:
    wanted = {"type": "conversation", "permissions": ("sendMessage",)}
    config = configuration(declared("services.club"), declared("services.club.roles.agent", wanted))
    change = only(build(config, state(SERVICE, role("service", "joinConversation"))))
    create, delete = change.steps
    assert (create.op, delete.op, delete.last) == ("create", "delete", True)
    assert delete.needs == (create.id,)
    assert delete.makes_way_for == ()


def test_a_replace_of_what_shares_its_key_deletes_first() -> None:
    config = configuration(declared("addresses.main", {"address": "+14155550100", "type": "whatsapp"}))
    old = live("address_configuration", 1, {"address": "+14155550100", "type": "sms", "friendly_name": "Main"})
    change = only(build(config, state(old)))
    delete, create = change.steps
    assert (delete.op, create.op, delete.last) == ("delete", "create", False)
    assert create.needs == (delete.id,)
    assert delete.makes_way_for == (create.id,)
    # What only the account has goes along.
    assert change.carried == ("friendly_name",)
    assert create.values["friendly_name"] == "Main"


def test_what_can_never_be_replaced_is_a_problem() -> None:
    config = configuration(
        declared("services.club"), declared("services.club.roles.agent", {"type": "conversation"}, pin=sid("RL", 1))
    )
    unordered = build(config, state(SERVICE, role("service", "joinConversation")))
    (problem,) = (item for item in unordered.problems if item.code == "cannot-replace")
    assert problem.message == (
        "changing type of services.club.roles.agent requires replacement: its `sid` would refer to a deleted resource; "
        "use `renamed_from` instead of `sid`"
    )


def test_a_create_that_lacks_a_required_value_is_a_problem() -> None:
    config = configuration(declared("services.club"), declared("services.club.roles.agent", {"type": "service"}))
    unordered = build(config, state(SERVICE))
    assert [(item.code, item.address) for item in unordered.problems] == [("cannot-be", "services.club.roles.agent")]


def test_a_conversation_is_created_open_and_closed_by_a_second_step() -> None:
    config = configuration(declared("services.club"), declared(LOBBY, {"state": "closed"}))
    create, close = only(build(config, state(SERVICE))).steps
    assert "state" not in create.values
    assert close.values == {"state": "closed"}
    assert close.needs == (create.id,)


def test_a_write_only_value_is_unverified_until_it_is_rotated() -> None:
    secret = Unknown("secret KEY is not set")
    config = configuration(declared("credentials.push", {"type": "fcm", "secret": secret}))
    account = state(live("credential", 1, {"friendly_name": "push", "type": "fcm"}))
    kept = build(config, account)
    assert (kept.changes, kept.unverified) == ((), ((Address.parse("credentials.push"), "secret"),))
    sent = build(config, account, rotate="credentials.push")
    change = only(sent)
    assert (change.reason, sent.unverified) == ("resent (--rotate)", ())
    assert "secret" in change.steps[0].values


def test_a_service_is_deleted_after_everything_else_at_the_top() -> None:
    config = configuration(pruned=[prune("services"), prune("addresses")])
    unordered = build(config, state(SERVICE, live("address_configuration", 1, {"address": "+14155550100"})))
    steps = {change.kind.name: change.steps[0] for change in unordered.changes}
    assert steps["service"].needs == (steps["address_configuration"].id,)
    assert steps["address_configuration"].needs == ()
    assert all(step.last for step in steps.values())
