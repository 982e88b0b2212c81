"""Facts about a configuration and an account: pending steps, SIDs, built-in roles, and what replaces what."""

from __future__ import annotations

from reconciler.address import Address
from reconciler.config.model import Config, Reference
from reconciler.config.selection import select
from reconciler.planning.context import PlanContext
from reconciler.planning.guard_changes import heirs_of_name
from reconciler.state import Live, State
from tests.builders import configuration, declared, live, sid, state

CLUB = sid("IS", 1)
IN_CLUB = (CLUB,)
SERVICE = live("service", 1, {"friendly_name": "club"})
USER_ROLE = Reference(Address.parse('services.club.roles["service user"]'), "role", built_in="service user")
AGENT = Address.parse("services.club.roles.agent")


def role(name: str, number: int, of_type: str = "service") -> Live:
    values = {"friendly_name": name, "type": of_type, "permissions": ("joinConversation",)}
    return live("role", number, values, parents=IN_CLUB)


def context(config: Config, account: State | None = None) -> PlanContext:
    return PlanContext(config, account if account is not None else state(SERVICE))


def pending(found: PlanContext) -> dict[str, str]:
    return {str(address): step for address, step in found.pending_step.items()}


def codes(found: PlanContext) -> list[str]:
    return [problem.code for problem in found.problems]


def test_what_is_not_live_has_a_pending_step_and_no_sid() -> None:
    found = context(
        configuration(declared("services.club"), declared("services.club.roles.agent", {"type": "service"}))
    )
    assert pending(found) == {"services.club.roles.agent": "services.club.roles.agent#create"}
    assert found.sids == {Address.parse("services.club"): CLUB}
    assert found.sid_of(Reference(AGENT, "role")) is None
    assert found.sid_of(Reference(Address.parse("services.club"), "service")) == CLUB


def test_a_role_of_another_type_is_replaced_and_its_new_sid_is_pending() -> None:
    config = configuration(declared("services.club"), declared("services.club.roles.agent", {"type": "conversation"}))
    old = role("agent", 1)
    found = context(config, state(SERVICE, old))
    assert found.replaced == {AGENT}
    assert pending(found) == {str(AGENT): f"{AGENT}#create"}
    assert found.successor(old.sid) == AGENT
    assert found.sid_of(Reference(AGENT, "role")) is None


def test_in_a_new_service_twilios_own_roles_come_with_it() -> None:
    config = configuration(
        declared("services.new"),
        declared('services.new.roles["service user"]', {"friendly_name": "service user", "type": "service"}),
        declared("services.new.users.ada", {"identity": "ada", "role": reference("services.new", "channel user")}),
    )
    found = context(config, state())
    assert pending(found)['services.new.roles["service user"]'] == "services.new#create"
    assert {str(address): dict(values) for address, values in found.builtin_refs.items()} == {
        'services.new.roles["service user"]': {"friendly_name": "service user", "type": "service"},
        'services.new.roles["channel user"]': {"friendly_name": "channel user"},
    }
    user = config.resources[Address.parse("services.new.users.ada")]
    values = {path: value.content for path, value in user.values.items()}
    assert found.needs_of(user.kind, user.parent, values) == ("services.new#create",)


def test_a_built_in_role_is_looked_up_once_and_reported_where_it_is_missing() -> None:
    users = [declared(f"services.club.users.{name}", {"identity": name, "role": USER_ROLE}) for name in "ab"]
    config = configuration(declared("services.club"), *users)
    own = role("service user", 9)
    found = context(config, state(SERVICE, own))
    assert found.sid_of(USER_ROLE) == own.sid
    assert codes(found) == []
    missing = context(config)
    assert codes(missing) == ["unknown-built-in"]
    assert missing.problems[0].message == (
        "the service services.club has no 'service user', which Twilio usually creates"
    )


def test_a_participant_implies_its_user() -> None:
    lobby = "services.club.conversations.lobby"
    participant = declared(f"{lobby}.participants.ada", {"identity": "ada"})
    config = configuration(
        declared("services.club"), declared(lobby), participant, declared("services.club.users.ada", absent=True)
    )
    found = context(config)
    assert found.implied_users == {("user", Address.parse("services.club"), "ada")}
    assert codes(found) == ["absent-but-needed"]


def test_a_step_needs_the_user_that_it_implies_when_the_plan_creates_it() -> None:
    lobby = "services.club.conversations.lobby"
    config = configuration(
        declared("services.club"),
        declared(lobby),
        declared(f"{lobby}.participants.ada", {"identity": "ada"}),
        declared("services.club.users.ada", {"identity": "ada"}),
    )
    found = context(config)
    participant = config.resources[Address.parse(f"{lobby}.participants.ada")]
    values = {path: value.content for path, value in participant.values.items()}
    assert found.needs_of(participant.kind, participant.parent, values) == (
        "services.club.users.ada#create",
        f"{lobby}#create",
    )


def test_an_excluded_resource_has_no_pending_step() -> None:
    config = configuration(declared("services.club"), declared("services.club.roles.agent", {"type": "service"}))
    narrowed = PlanContext(config, state(SERVICE), select(config, (), (AGENT,)))
    assert pending(narrowed) == {}
    assert [str(item.address) for item in narrowed.covered()] == ["services.club"]


def test_the_heir_of_a_name_is_the_one_that_does_not_have_it_yet() -> None:
    config = configuration(
        declared("services.club"),
        declared("services.club.users.a", {"identity": "a"}, renamed_from="b"),
        declared("services.club.users.b", {"identity": "b"}, renamed_from="c"),
    )
    users = [live("user", number, {"identity": name}, parents=IN_CLUB) for number, name in enumerate("bc", 1)]
    found = context(config, state(SERVICE, *users))
    owner = Address.parse("services.club.users.a")
    assert found.matching.live[owner] == users[0]
    assert [str(item.address) for item in heirs_of_name(found, users[0], owner)] == ["services.club.users.b"]
    assert list(heirs_of_name(found, users[1], Address.parse("services.club.users.b"))) == []


def reference(service: str, name: str) -> Reference:
    return Reference(Address.parse(service).child("roles", name), "role", built_in=name)
