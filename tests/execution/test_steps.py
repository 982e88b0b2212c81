"""What a step sends for a resource that Twilio creates along with a new service, and how it ends."""

from __future__ import annotations

from typing import Any

from reconciler.emulator import Rules
from reconciler.report import Outcome, Report
from tests.execution.test_apply_answers import Otherwise, none
from tests.faults.harness import run
from tests.scenario import HEAD, sent
from tests.world import World, read

CLUB = "Members' club"
GUEST = HEAD + "    roles: {guest: {type: %s, permissions: [sendMessage]}}\n"


def outcomes(world: World, files: str, app: Any = None) -> list[Outcome]:
    """Apply a configuration with a new service; return the outcomes after that of the service."""
    report: Report = run(app or world.emulator, read(files), plan_over=world.emulator)
    return [outcome for result in report.results for outcome in result.outcomes][1:]


def roles(world: World, name: str) -> list[tuple[str, list[str]]]:
    """The roles of that name in the club, each with its type and permissions."""
    found = world.get(f"/v1/Services/{world.service(CLUB)}/Roles")["roles"]
    return [(role["type"], role["permissions"]) for role in found if role["friendly_name"] == name]


# --- built-in roles --------------------------------------------------------------------------------------------------


def test_a_built_in_role_is_found_by_name_and_gets_the_declared_permissions() -> None:
    world = World()
    [outcome] = outcomes(world, HEAD + "    roles: {channel user: {permissions: [sendMessage]}}\n")
    role = world.role(CLUB, "channel user")
    assert (outcome.status, outcome.sid) == ("done", role)
    assert sent(world)[1:] == [
        (f"POST /v1/Services/{world.service(CLUB)}/Roles/{role}", {"Permission": ["sendMessage"]})
    ]
    assert roles(world, "channel user") == [("conversation", ["sendMessage"])]


def test_a_built_in_role_with_the_declared_permissions_is_unchanged() -> None:
    world = World()
    world.post("/v1/Services", {"FriendlyName": CLUB})
    [(_, permissions)] = roles(world, "channel user")
    world = World()
    [outcome] = outcomes(world, HEAD + f"    roles: {{channel user: {{permissions: [{', '.join(permissions)}]}}}}\n")
    assert (outcome.status, outcome.sid) == ("unchanged", world.role(CLUB, "channel user"))
    assert len(world.writes) == 1


def test_a_missing_built_in_role_cannot_be_created_without_its_type() -> None:
    world = World()
    app = Otherwise(world, "GET", "/Roles", none, times=99)
    [outcome] = outcomes(world, HEAD + "    roles: {channel user: {permissions: [sendMessage]}}\n", app)
    assert outcome.status == "failed"
    assert outcome.message == (
        "the new service has no built-in role 'channel user', and the configuration does not set type, which is needed "
        "to create it. Set type"
    )
    assert len(world.writes) == 1


def test_a_built_in_role_of_another_type_is_named_and_not_changed() -> None:
    world = World()

    def other(body: dict[str, Any]) -> None:
        for role in body["roles"]:
            role["type"] = "deployment"

    files = HEAD + "    roles: {channel user: {type: conversation, permissions: [sendMessage]}}\n"
    [outcome] = outcomes(world, files, Otherwise(world, "GET", "/Roles", other))
    assert (outcome.status, outcome.sid) == ("failed", world.role(CLUB, "channel user"))
    assert len(world.writes) == 1


def test_a_role_of_flex_that_the_new_service_has_is_updated() -> None:
    world = World(Rules(guest_role=True))
    [outcome] = outcomes(world, GUEST % "conversation")
    assert (outcome.op, outcome.status, outcome.sid) == ("create", "done", world.role(CLUB, "guest"))
    assert roles(world, "guest") == [("conversation", ["sendMessage"])]
    assert sent(world)[1][1] == {"Permission": ["sendMessage"]}


def test_a_role_of_flex_of_another_type_stays_beside_the_declared_one() -> None:
    world = World(Rules(guest_role=True))
    files = (GUEST % "service").replace("sendMessage", "joinConversation")
    [outcome] = outcomes(world, files)
    assert (outcome.op, outcome.status) == ("create", "done")
    assert [kind for kind, _ in roles(world, "guest")] == ["conversation", "service"]


def test_a_list_of_roles_that_may_not_be_read_is_asked_for_once() -> None:
    world = World()
    app = Otherwise(world, "GET", "/Roles", lambda _body: None, times=99, status=403)
    [outcome] = outcomes(world, HEAD + "    roles: {channel user: {permissions: [sendMessage]}}\n", app)
    assert (outcome.status, outcome.message, outcome.cause) == ("failed", "Twilio rejected the request", "permission")
    assert [request for request in world.requests if "/Roles" in request] == [world.requests[-1]]


# --- a second step ---------------------------------------------------------------------------------------------------


def test_a_conversation_that_is_created_closed_is_closed_by_its_sid() -> None:
    world = World()
    created, closed = outcomes(world, HEAD + "    conversations: {lounge: {state: closed}}\n")
    assert [(outcome.op, outcome.status, outcome.sid) for outcome in (created, closed)] == [
        ("create", "done", created.sid), ("update", "done", created.sid),
    ]  # fmt: skip
    base = f"POST /v1/Services/{world.service(CLUB)}/Conversations"
    assert sent(world)[1:] == [(base, {"UniqueName": ["lounge"]}), (f"{base}/{created.sid}", {"State": ["closed"]})]


# --- settings --------------------------------------------------------------------------------------------------------


def test_a_setting_of_a_new_service_is_sent_without_reading_it() -> None:
    world = World()
    [outcome] = outcomes(world, HEAD + "    notifications: {log_enabled: true}\n")
    assert outcome.status == "done"
    assert [request.partition(" ")[0] for request in world.requests[-2:]] == ["POST", "POST"]
    assert sent(world)[1][1] == {"LogEnabled": ["true"]}
