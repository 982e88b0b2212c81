"""The impact of deletes: counts that match the emulator, in no more requests than needed, and bounded approvals."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.change import Change, Impact
from reconciler.emulator.seed import Traffic, seed
from reconciler.kinds import KINDS
from reconciler.planning.plan import Plan
from tests.world import World, seen
from tests.world import read as read_whole

LIMIT = 200


def read(files: str, **options: Any) -> Any:
    return read_whole(f"version: 1\n{files}", **options)


def plan(world: World, files: str, **options: Any) -> Plan:
    world.forget_requests()
    return world.plan(read(files), **{"count_limit": LIMIT, **options})


def deleted(made: Plan) -> Change:
    [change] = [change for change in made.changes if change.action in {"delete", "replace"}]
    return change


def numbers(impact: Impact | None) -> dict[str, int]:
    assert impact is not None
    return {item.name: item.number for item in impact.tallies}


def counting(world: World) -> list[str]:
    """The requests that count, with the service's SID and those of what is in it left out."""
    marks = ("/Conversations", "/Users", "/Bindings", "/Messages", "/Participants")
    return [
        "/".join("" if part[2:].isalnum() and len(part) == 34 else part for part in request.split("/"))
        for request in world.requests
        if any(mark in request for mark in marks)
    ]


class Desk:
    """A service with conversations, messages, participants, users, and bindings."""

    def __init__(self, *, conversations: int = 3, closed: int = 1, messages: int = 2, users: int = 2) -> None:
        self.world = World()
        self.service = self.world.post("/v1/Services", {"FriendlyName": "Desk"})["sid"]
        self.base = f"/v1/Services/{self.service}"
        self.lobby = self.world.post(f"{self.base}/Conversations", {"UniqueName": "lobby"})["sid"]
        for number in range(1, conversations):
            sid = self.world.post(f"{self.base}/Conversations", {"FriendlyName": str(number)})["sid"]
            if number <= closed:
                self.world.post(f"{self.base}/Conversations/{sid}", {"State": "closed"})
        for _ in range(messages):
            self.say()
        for number in range(users):
            self.world.post(f"{self.base}/Users", {"Identity": f"user{number}"})
        self.world.forget_requests()

    def say(self) -> None:
        self.world.post(f"{self.base}/Conversations/{self.lobby}/Messages", {"Body": "hello"})

    def join(self, identity: str) -> None:
        self.world.post(f"{self.base}/Conversations/{self.lobby}/Participants", {"Identity": identity})


SERVICE = "services: {desk: {friendly_name: Desk, absent: true}}"
LOBBY = "services: {desk: {friendly_name: Desk, conversations: {lobby: {absent: true}}}}"
USER = "services: {desk: {friendly_name: Desk, users: {user0: {absent: true}}}}"

# --- every kind ------------------------------------------------------------------------------------------------------


def test_every_kind_that_can_be_deleted_is_covered_here() -> None:
    with_impact = {kind.name for kind in KINDS if kind.deletable and (kind.counts or kind.name == "role")}
    with_impact |= {kind.name for kind in KINDS if kind.diverts({"auto_creation.enabled": True})}
    assert with_impact == {"service", "conversation", "role", "address_configuration", "user"}
    without = {kind.name for kind in KINDS if kind.deletable} - with_impact
    assert without == {"participant", "conversation_webhook", "credential"}


def test_a_service_shows_active_conversations_conversations_users_and_bindings() -> None:
    desk = Desk(conversations=5, closed=2, users=3)
    change = deleted(plan(desk.world, SERVICE))
    assert numbers(change.impact) == {"active_conversations": 3, "conversations": 5, "users": 3, "bindings": 0}
    assert sorted(counting(desk.world)) == [
        "GET /v1/Services//Bindings?PageSize=50",
        "GET /v1/Services//Conversations?PageSize=50",
        "GET /v1/Services//Conversations?State=active&PageSize=50",
        "GET /v1/Services//Users?PageSize=50",
    ]


def test_a_conversation_shows_messages_participants_and_the_last_message() -> None:
    desk = Desk(messages=3)
    desk.join("user0")
    change = deleted(plan(desk.world, LOBBY))
    assert numbers(change.impact) == {"messages": 3, "participants": 1}
    assert change.impact is not None
    assert change.impact.latest == "2026-01-02T12:00:00Z"
    assert sorted(counting(desk.world)[1:]) == [
        "GET /v1/Services//Conversations//Messages?Order=desc&PageSize=50",
        "GET /v1/Services//Conversations//Participants?PageSize=50",
    ]


def test_a_user_shows_conversations() -> None:
    desk = Desk()
    desk.join("user0")
    change = deleted(plan(desk.world, USER))
    assert numbers(change.impact) == {"conversations": 1}
    assert counting(desk.world)[-1] == "GET /v1/Services//Users//Conversations?PageSize=50"


def test_a_role_shows_its_holders_who_get_another_role_in_the_same_apply() -> None:
    desk = Desk(users=3)
    form = {"FriendlyName": "helper", "Type": "service", "Permission": "joinConversation"}
    role = desk.world.post(f"{desk.base}/Roles", form)["sid"]
    for user in ("user0", "user1"):
        desk.world.post(f"{desk.base}/Users/{user}", {"RoleSid": role})
    moving = """
services:
  desk:
    friendly_name: Desk
    roles: {helper: {type: service, absent: true}}
    users: {user0: {role: service user}, user1: {role: service user}}
"""
    change = deleted(plan(desk.world, moving))
    assert change.guard is None
    assert numbers(change.impact) == {"holders": 2}
    assert change.impact is not None
    assert change.impact.holders == ("user0", "user1")
    # A role that someone holds is not deleted. The guard names the holders, with the YAML that moves them.
    held = deleted(plan(desk.world, moving.replace(", user1: {role: service user}", "")))
    assert held.impact is None
    assert held.guard is not None
    assert held.guard.holders == ("user1",)
    assert held.guard.fix == "services:\n  desk:\n    users:\n      user1: {role: service user}"


@pytest.mark.parametrize(
    ("enabled", "where"),
    [
        ("true", "After the delete, messages that belong to no conversation reach the number's messaging webhook."),
        (
            "false",
            "After the delete, messages still reach the number's messaging webhook, because auto-creation is off.",
        ),
    ],
)
def test_an_address_shows_where_messages_go_instead(enabled: str, where: str) -> None:
    world = World()
    form = {"Type": "sms", "Address": "+14155550100", "AutoCreation.Enabled": enabled, "AutoCreation.Type": "default"}
    world.post("/v1/Configuration/Addresses", form)
    change = deleted(plan(world, 'addresses: {main: {address: "+14155550100", absent: true}}'))
    assert change.impact == Impact(diverted=where)
    assert counting(world) == []


@pytest.mark.parametrize(
    "files",
    [
        (
            "services: {desk: {friendly_name: Desk, conversations: "
            "{lobby: {participants: {a: {identity: user0, absent: true}}}}}}"
        ),
        "credentials: {old: {type: fcm, absent: true}}",
    ],
)
def test_other_kinds_have_no_impact_and_cost_nothing(files: str) -> None:
    desk = Desk()
    desk.join("user0")
    desk.world.post("/v1/Credentials", {"Type": "fcm", "Secret": "s3", "FriendlyName": "old"})
    change = deleted(plan(desk.world, files))
    with_counts = list(desk.world.requests)
    assert change.impact is None
    plan(desk.world, files, count_limit=0)
    assert desk.world.requests == with_counts


RENAMED = "services: {desk: {friendly_name: Desk, users: {ada: {renamed_from: user0}}}}"


def test_a_replace_counts_its_old_resource() -> None:
    desk = Desk()
    desk.join("user0")
    change = deleted(plan(desk.world, RENAMED))
    assert (change.action, numbers(change.impact)) == ("replace", {"conversations": 1})


# --- a busy account --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def busy() -> World:
    world = World()
    seed(world.emulator, Traffic(addresses=0, users=70, conversations=60, participants=150, messages=400, bindings=120))
    return world


def test_every_count_of_a_service_and_of_what_is_in_it_matches_the_emulator(busy: World) -> None:
    store, main = busy.emulator.store, busy.get("/v1/Configuration")["default_chat_service_sid"]
    others = [item["sid"] for item in busy.get("/v1/Services")["services"] if item["sid"] != main]
    assert len(others) == 2
    for service in others:
        held = store.children("conversation", service)
        made = plan(busy, f"services: {{s: {{sid: {service}, absent: true}}}}", count_limit=10_000)
        assert numbers(deleted(made).impact) == {
            "active_conversations": sum(1 for row in held if row.facts["state"] == "active"),
            "conversations": len(held),
            "users": store.count("user", service),
            "bindings": store.count("binding", service),
        }
        pruned = f"""
services:
  s: {{sid: {service}, conversations: {{}}, users: {{}}, prune: [conversations, users]}}
limits: {{deletes: 1000}}
"""
        changes = plan(busy, pruned, count_limit=10_000).changes
        assert {change.kind.name for change in changes} == {"conversation", "user"}
        for change in changes:
            assert change.sid is not None
            if change.kind.name == "conversation":
                said = store.children("message", change.sid)
                assert numbers(change.impact) == {
                    "messages": len(said),
                    "participants": store.count("participant", change.sid),
                }
                assert change.impact is not None
                assert change.impact.latest == (max(row.facts["date_created"] for row in said) if said else "")
            else:
                taking_part = [
                    row
                    for row in store.all_named("participant", change.name)
                    if row.facts["chat_service_sid"] == service
                ]
                assert numbers(change.impact) == {"conversations": len(taking_part)}


# --- requests --------------------------------------------------------------------------------------------------------


def test_a_plan_without_deletes_sends_nothing_more() -> None:
    desk = Desk()
    files = "services: {desk: {friendly_name: Desk, conversations: {lobby: {friendly_name: Lobby}}}}"
    plan(desk.world, files)
    counted = list(desk.world.requests)
    plan(desk.world, files, count_limit=0)
    assert desk.world.requests == counted


def test_a_withheld_delete_is_not_counted() -> None:
    desk = Desk()
    protected = "services: {desk: {friendly_name: Desk, users: {user0: {absent: true}}}}"
    desk.world.post("/v1/Configuration", {"DefaultChatServiceSid": desk.service})
    change = deleted(plan(desk.world, SERVICE))
    assert change.guard is not None
    assert (change.guard.verdict, change.impact, counting(desk.world)) == ("withheld", None, [])
    assert numbers(deleted(plan(desk.world, protected)).impact) == {"conversations": 0}


def test_further_pages_are_read_up_to_the_limit() -> None:
    desk = Desk(messages=120)
    for limit, number, is_exact, pages in (
        (200, 120, True, 3),
        (100, 100, False, 2),
        (1, 1, False, 1),
        (120, 120, True, 3),
    ):
        change = deleted(plan(desk.world, LOBBY, count_limit=limit))
        assert change.impact is not None
        messages = change.impact.tallies[0]
        read_pages = [request for request in desk.world.requests if "/Messages?" in request]
        assert (messages.number, messages.is_exact, len(read_pages)) == (number, is_exact, pages), limit


def test_a_list_that_may_not_be_read_is_named() -> None:
    desk = Desk()
    desk.world.forbidden[r"GET /v1/Services/[^/]+/Bindings"] = 403
    change = deleted(plan(desk.world, SERVICE))
    assert change.impact is not None
    bindings = next(item for item in change.impact.tallies if item.name == "bindings")
    assert bindings.why_unknown.startswith("HTTP 403")
    assert change.guard is not None
    assert change.guard.name == "approval"


def test_impact_is_no_part_of_what_is_approved() -> None:
    from reconciler.documents.approval import not_approved

    desk = Desk(messages=1)
    approved = ("services.desk.conversations.lobby",)
    before = seen(plan(desk.world, LOBBY, approved=approved))
    desk.say()
    after = seen(plan(desk.world, LOBBY, approved=approved))
    assert [
        change.impact.counts["messages"].number for change in (*before.changes, *after.changes) if change.impact
    ] == [
        1,
        2,
    ]
    assert not_approved(before, after, {}) == ()


# --- bounded approvals -----------------------------------------------------------------------------------------------


def bounded(bound: str, files: str = SERVICE, address: str = "services.desk") -> str:
    return f"{files}\napprovals: [{{address: {address}, action: delete, at_most: {{{bound}}}}}]"


def test_a_bound_that_holds_approves() -> None:
    desk = Desk(conversations=3, closed=2)
    made = plan(desk.world, bounded("active_conversations: 1, users: 2"))
    assert made.blocking() == ()
    assert deleted(made).steps[0].at_most == (("active_conversations", 1), ("users", 2))


def test_a_bound_that_is_exceeded_refuses_the_plan() -> None:
    desk = Desk(conversations=3, closed=0)
    made = plan(desk.world, bounded("active_conversations: 1"))
    [reason] = made.blocking()
    assert reason == (
        "services.desk has 3 active conversations (at most 1 approved); to delete it anyway, raise at_most of its "
        "approval"
    )
    # An approval without a bound approves whatever there is.
    assert plan(desk.world, bounded("active_conversations: 1"), approved=("services.desk",)).blocking() == ()


def test_a_bound_is_counted_as_far_as_it_needs() -> None:
    desk = Desk(messages=120)
    address = "services.desk.conversations.lobby"
    above = plan(desk.world, bounded("messages: 60", LOBBY, address), count_limit=10)
    assert "at least 61 messages (at most 60 approved)" in above.blocking()[0].replace("100 messages", "61 messages")
    assert plan(desk.world, bounded("messages: 120", LOBBY, address), count_limit=10).blocking() == ()


def test_a_bound_on_what_may_not_be_read_withholds_the_delete() -> None:
    desk = Desk()
    desk.world.forbidden[r"GET /v1/Services/[^/]+/Bindings"] = 403
    change = deleted(plan(desk.world, bounded("bindings: 0")))
    assert change.guard is not None
    assert (change.guard.name, change.guard.verdict) == ("not_counted", "withheld")


def test_what_is_above_its_bound_is_refused_even_if_another_bound_cannot_be_checked() -> None:
    desk = Desk(conversations=3, closed=0)
    desk.world.forbidden[r"GET /v1/Services/[^/]+/Bindings"] = 403
    change = deleted(plan(desk.world, bounded("bindings: 0, active_conversations: 1")))
    assert change.guard is not None
    assert (change.guard.name, change.guard.verdict) == ("bound_exceeded", "refused")


def test_only_the_delete_of_a_replace_is_withheld_for_what_cannot_be_counted() -> None:
    desk = Desk()
    desk.world.forbidden[r"GET /v1/Services/[^/]+/Users/[^/]+/Conversations"] = 403
    approval = "{address: services.desk.users.ada, action: replace, at_most: {conversations: 0}}"
    change = deleted(plan(desk.world, f"{RENAMED}\napprovals: [{approval}]"))
    assert change.guard is not None
    assert (change.guard.name, change.guard.only_delete) == ("not_counted", True)


def test_of_several_approvals_one_has_to_hold() -> None:
    desk = Desk(conversations=3, closed=1, users=2)
    narrow = "{address: services.desk, at_most: {active_conversations: 0}}"
    wide = "{address: services.desk, at_most: {active_conversations: 2}}"
    for approvals in (f"{narrow}, {wide}", f"{wide}, {narrow}"):
        made = plan(desk.world, f"{SERVICE}\napprovals: [{approvals}]")
        assert made.blocking() == ()
        assert deleted(made).steps[0].at_most == (("active_conversations", 2),)
    # One whose bound can be checked holds, whatever another one is bound to.
    desk.world.forbidden[r"GET /v1/Services/[^/]+/Bindings"] = 403
    hidden = "{address: services.desk, at_most: {bindings: 0}}"
    assert plan(desk.world, f"{SERVICE}\napprovals: [{hidden}, {wide}]").blocking() == ()
    assert deleted(plan(desk.world, f"{SERVICE}\napprovals: [{hidden}, {wide}]")).guard is None
    # Without a bound, nothing is checked again.
    whole = plan(desk.world, f"{SERVICE}\napprovals: [{wide}]", approved=("services.desk",))
    assert deleted(whole).steps[0].at_most == ()


def test_a_count_that_rises_before_the_delete_withholds_it() -> None:
    desk = Desk(messages=0)
    files = bounded("messages: 0", LOBBY, "services.desk.conversations.lobby")
    made = plan(desk.world, files)
    assert made.blocking() == ()
    desk.say()
    report = desk.world.do(made)
    assert report.exit_code == 5
    [outcome] = report.results[0].outcomes
    assert (outcome.status, outcome.message) == (
        "withheld",
        "it has 1 message (at most 0 approved) by now; raise at_most of its approval, or have it reviewed again",
    )
    assert desk.world.get(f"{desk.base}/Conversations/lobby")["sid"] == desk.lobby


def test_a_count_that_stays_lets_the_delete_go_on() -> None:
    desk = Desk(messages=1)
    files = bounded("messages: 1", LOBBY, "services.desk.conversations.lobby")
    made = plan(desk.world, files)
    desk.world.forget_requests()
    report = desk.world.do(made)
    assert report.exit_code == 0
    conversation = f"{desk.base}/Conversations/{desk.lobby}"
    # It is counted up to the first message above the bound, and no further.
    assert desk.world.requests == [
        f"GET {conversation}/Messages?Order=desc&PageSize=2", f"DELETE {conversation}",
    ]  # fmt: skip


def test_a_replace_keeps_its_old_resource_when_a_count_has_risen() -> None:
    desk = Desk()
    approval = "{address: services.desk.users.ada, action: replace, at_most: {conversations: 0}}"
    made = plan(desk.world, f"{RENAMED}\napprovals: [{approval}]")
    desk.join("user0")
    report = desk.world.do(made)
    assert report.exit_code == 5
    assert [(outcome.op, outcome.status) for outcome in report.results[0].outcomes] == [
        ("create", "done"),
        ("delete", "withheld"),
    ]
    users = {user["identity"] for user in desk.world.get(f"{desk.base}/Users")["users"]}
    assert {"ada", "user0"} <= users


def test_what_needs_the_place_of_a_withheld_delete_is_skipped() -> None:
    desk = Desk(messages=0)
    pair = {"MessagingBinding.Address": "+14155550199", "MessagingBinding.ProxyAddress": "+14155550100"}
    desk.world.post(f"{desk.base}/Conversations/{desk.lobby}/Participants", pair)
    files = """
services:
  desk:
    friendly_name: Desk
    conversations:
      lobby: {absent: true}
      hall: {participants: {caller: {address: "+14155550199", proxy_address: "+14155550100"}}}
approvals: [{address: services.desk.conversations.lobby, at_most: {messages: 0}}]
"""
    made = plan(desk.world, files)
    desk.say()
    report = desk.world.do(made)
    statuses = {str(result.change.address): result.status for result in report.results}
    assert statuses == {
        "services.desk.conversations.lobby": "withheld",
        "services.desk.conversations.hall": "done",
        "services.desk.conversations.hall.participants.caller": "skipped",
    }
    assert len(desk.world.get(f"{desk.base}/Conversations/lobby/Participants")["participants"]) == 1


def test_bounds_that_mean_nothing_are_errors() -> None:
    from reconciler.errors import ConfigError

    files = """
approvals:
  - {address: services.desk, at_most: {active: 0}}
  - {address: services.desk, at_most: {users: -1}}
  - {address: services.desk, at_most: 0}
  - {address: services.desk.roles.a, at_most: {holders: 0}}
"""
    with pytest.raises(ConfigError) as caught:
        read(files)
    assert [problem.message for problem in caught.value.problems] == [
        'at_most has no count "active"',
        'users must be a number from 0 to 1000000000, not "-1"',
        "at_most must be a mapping of counts",
        "at_most does not apply to a role: nothing is counted for it",
    ]


def test_a_bound_is_part_of_the_digest() -> None:
    assert read(bounded("users: 1")).digest != read(bounded("users: 2")).digest
