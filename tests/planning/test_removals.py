"""What becomes of what is no longer declared, on the emulator with a ledger in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.address import Address
from reconciler.planning.baseline import Baseline
from reconciler.planning.plan import Plan
from tests.properties.ledgered import Fault, FaultyWorld, Ledgered
from tests.world import World, read

SERVICE = "version: 1\nservices: {s: {}}\n"
ROLE = """version: 1
services:
  s:
    roles: {agent: {type: conversation, permissions: [sendMessage]}}
    users: {ada: {friendly_name: Ada, attributes: {team: 1}}}
"""


@pytest.fixture
def ledger() -> Ledgered:
    return Ledgered(FaultyWorld(World()))


def planned(ledger: Ledgered, files: str, **options: Any) -> Plan:
    return ledger.account.plan(read(files), baseline=ledger.baseline, **options)


def told(made: Plan) -> list[tuple[str, str, str]]:
    """Each change with its guard."""
    return [
        (str(change.address), change.action, change.guard.name if change.guard is not None else "")
        for change in made.changes
    ]


def handled(made: Plan) -> dict[str, str]:
    return {str(address): decision.handling for address, decision in made.decisions.items()}


def test_what_an_apply_created_is_deleted(ledger: Ledgered) -> None:
    ledger.apply(read(ROLE))
    made = planned(ledger, SERVICE)
    assert told(made) == [("services.s.roles.agent", "delete", ""), ("services.s.users.ada", "delete", "")]
    assert {change.standing for change in made.changes} == {"removed"}
    ledger.apply(read(SERVICE))
    assert planned(ledger, SERVICE).changes == ()
    assert set(ledger.remembered) == {Address.parse("services.s")}


INVITED = """version: 1
services:
  s:
    users: {ada: {friendly_name: Ada}}
    conversations: {lobby: {participants: {ada: {identity: ada}}}}
"""


@pytest.mark.parametrize(
    ("lobby", "guard"),
    [
        ("{participants: {ada: {identity: ada}}}", "implied"),
        ("{participants: {ada: {identity: ada, absent: true}}}", ""),
        ("{absent: true, participants: {ada: {identity: ada}}}", ""),
    ],
)
def test_a_user_stays_as_long_as_a_participant_needs_it(ledger: Ledgered, lobby: str, guard: str) -> None:
    ledger.apply(read(INVITED))
    files = f"version: 1\nservices: {{s: {{conversations: {{lobby: {lobby}}}}}}}\n"
    made = planned(ledger, files, approved=("services.s.conversations.lobby",))
    assert told(made)[-1] == ("services.s.users.ada", "delete", guard)


AGENT_KEPT = "removed: [{address: services.s.roles.agent, action: forget}]\n"


@pytest.mark.parametrize(
    ("files", "options", "withheld"),
    [
        (SERVICE, {}, ["roles.agent", "users.ada"]),
        (SERVICE + AGENT_KEPT, {}, ["users.ada"]),
        (SERVICE + "on_removal: {users: forget}\n", {}, ["roles.agent"]),
        (SERVICE, {"targets": ("services.s.users",)}, ["users.ada"]),
        (SERVICE, {"excludes": ("services.s.users", "services.s.roles")}, []),
        (SERVICE, {"excludes": ("services.s.users.ada",)}, ["roles.agent"]),
    ],
)
def test_what_this_release_cannot_read_is_kept_until_it_is_forgotten(
    ledger: Ledgered, files: str, options: dict[str, Any], withheld: list[str]
) -> None:
    ledger.apply(read(ROLE))
    unreadable = replace(ledger.baseline, declarations={})
    made = ledger.account.plan(read(files), baseline=unreadable, **options)
    assert told(made) == [(f"services.s.{one}", "delete", "unclear_removal") for one in withheld]
    assert [problem.code for problem in made.warnings if problem.code == "stale-removed"] == []
    kept = ["services.s.roles.agent", "services.s.users.ada"]
    assert set(kept) & {address for address, how in handled(made).items() if how == "withheld"} == {
        f"services.s.{one}" for one in withheld
    }


PRUNED = "version: 1\nservices: {s: {roles: {}, prune: %s}}\nremoved: [{address: %s, action: forget}]\n"


@pytest.mark.parametrize(
    ("prune", "address", "warnings"),
    [
        ("[roles]", "services.s.roles.agent", ["pruned-anyway"]),
        ("{roles: {except: [agent]}}", "services.s.roles.agent", []),
        ("{roles: {match: ['x*']}}", "services.s.roles.agent", ["unused-match"]),
        ("[roles]", "services.s.users.ada", []),
    ],
)
def test_a_resource_that_is_to_be_kept_but_is_pruned(
    ledger: Ledgered, prune: str, address: str, warnings: list[str]
) -> None:
    ledger.apply(read(ROLE))
    made = planned(ledger, PRUNED % (prune, address))
    assert [problem.code for problem in made.warnings] == warnings


def test_a_resource_that_is_to_be_kept_but_is_pruned_is_reported_without_its_contents(ledger: Ledgered) -> None:
    ledger.apply(read(ROLE))
    kept = "removed: [{address: services.s, action: forget}]\n"
    made = planned(ledger, f"version: 1\nservices: {{}}\nprune: {{services: {{match: [s]}}}}\n{kept}")
    assert [(problem.code, problem.address) for problem in made.warnings] == [("pruned-anyway", "services.s")]


def test_a_resource_that_is_to_be_kept_in_one_that_is_pruned(ledger: Ledgered) -> None:
    ledger.apply(read(ROLE))
    kept = "removed: [{address: services.s.roles.agent, action: forget}]\n"
    made = planned(ledger, f"version: 1\nservices: {{}}\nprune: {{services: {{match: [s]}}}}\n{kept}")
    sid = ledger.account.service("s")
    (warning,) = made.warnings
    assert warning.message == (
        f"removed: services.s.roles.agent is to be kept, but a prune rule deletes the service {sid}, and with it "
        "services.s.roles.agent"
    )


def test_what_existed_before_stays_and_its_fields_return(ledger: Ledgered) -> None:
    ledger.apply(read(SERVICE))
    path = f"/v1/Services/{ledger.account.service('s')}"
    ledger.account.post(f"{path}/Users", {"Identity": "ada", "FriendlyName": "A.", "Attributes": '{"team": 2}'})
    ledger.apply(read(ROLE))
    made = planned(ledger, SERVICE)
    assert told(made) == [("services.s.users.ada", "update", ""), ("services.s.roles.agent", "delete", "")]
    assert [(item.path, item.after, item.adopted) for item in made.changes[0].fields] == [
        ("friendly_name", "A.", True),
        ("attributes", {"team": 2}, True),
    ]
    ledger.apply(read(SERVICE))
    (user,) = ledger.account.get(f"{path}/Users")["users"]
    assert (user["friendly_name"], user["attributes"]) == ("A.", '{"team":2}')


@pytest.mark.parametrize(
    ("action", "changes"),
    [
        ("delete", [("services.s.roles.agent", "delete", ""), ("services.s.users.ada", "delete", "")]),
        ("forget", [("services.s.roles.agent", "delete", "")]),
    ],
)
def test_on_removal_decides_about_a_kind(ledger: Ledgered, action: str, changes: list[tuple[str, str, str]]) -> None:
    ledger.apply(read(SERVICE))
    ledger.account.post(f"/v1/Services/{ledger.account.service('s')}/Users", {"Identity": "ada"})
    ledger.apply(read(ROLE))
    made = planned(ledger, f"{SERVICE}on_removal: {{users: {action}}}\n")
    assert told(made) == changes
    assert handled(made)["services.s.users.ada"] == ("change" if action == "delete" else "forget")


def test_a_resource_that_the_account_changed_is_withheld_whole(ledger: Ledgered) -> None:
    ledger.apply(read(ROLE))
    users = f"/v1/Services/{ledger.account.service('s')}/Users"
    (user,) = ledger.account.get(users)["users"]
    ledger.account.post(f"{users}/{user['sid']}", {"FriendlyName": "Countess"})
    made = planned(ledger, SERVICE)
    assert told(made) == [("services.s.roles.agent", "delete", ""), ("services.s.users.ada", "delete", "conflict")]
    assert handled(made)["services.s.users.ada"] == "withheld"
    approved = planned(ledger, SERVICE, approved=["services.s.users.ada"])
    assert ("services.s.users.ada", "delete", "") in told(approved)
    assert ("services.s.users.ada", "delete", "") in told(planned(ledger, SERVICE, ours=True))


def test_removed_keeps_a_resource_or_a_field(ledger: Ledgered) -> None:
    ledger.apply(read(ROLE))
    removed = "removed: [{address: services.s.users.ada, action: forget}, {address: services.s.x, action: forget}]\n"
    with pytest.raises(Exception, match="no resource or field can have"):
        read(SERVICE + removed)
    removed = "removed: [{address: services.s.users.ada, action: forget}, {address: services.t, action: forget}]\n"
    made = planned(ledger, SERVICE + removed)
    assert told(made) == [("services.s.roles.agent", "delete", "")]
    assert handled(made)["services.s.users.ada"] == "forget"
    assert [problem.message for problem in made.warnings if problem.code == "stale-removed"] == [
        "removed: services.t is declared, or was never applied"
    ]
    named = removed.replace("services.t", "services.s.users.adda")
    (stale,) = [
        problem
        for problem in planned(ledger, SERVICE + named.replace("services.s.users.ada", "services.t")).warnings
        if "Did you mean" in problem.message
    ]
    assert (stale.message, stale.fix) == (
        "removed: services.s.users.adda is declared, or was never applied. Did you mean services.s.users.ada?",
        "removed: [{address: services.s.users.ada, action: forget}]",
    )
    less = ROLE.replace("friendly_name: Ada, attributes: {team: 1}", "friendly_name: Ada")
    field = "removed: [{address: services.s.users.ada.attributes, action: forget}]\n"
    assert told(planned(ledger, less)) == [("services.s.users.ada", "update", "")]
    assert told(planned(ledger, less + field)) == []


def test_a_service_takes_everything_in_it_along_or_nothing(ledger: Ledgered) -> None:
    ledger.apply(read(ROLE))
    empty = "version: 1\n"
    refused = planned(ledger, empty)
    assert told(refused) == [("services.s", "delete", "approval")]
    made = planned(ledger, empty, approved=["services.s"])
    assert told(made) == [("services.s", "delete", "")]
    assert handled(made) == dict.fromkeys(("services.s", "services.s.roles.agent", "services.s.users.ada"), "change")
    assert {str(one.covered_by) for one in made.decisions.values()} == {"None", "services.s"}
    ledger.apply(read(empty))
    assert ledger.remembered == {}


def test_a_protected_resource_inside_keeps_the_service_and_everything_in_it(ledger: Ledgered) -> None:
    ledger.apply(read(ROLE.replace("sendMessage]", "sendMessage], lifecycle: {prevent_destroy: true}")))
    made = planned(ledger, "version: 1\n", approved=["services.s"])
    assert told(made) == [("services.s", "delete", "prevent_destroy")]
    assert set(handled(made).values()) == {"withheld"}


def test_prune_decides_in_its_collections(ledger: Ledgered) -> None:
    ledger.apply(read(ROLE))
    kept = "version: 1\nservices: {s: {roles: {}, users: {}, prune: {roles: {except: agent}, users: {}}}}\n"
    made = planned(ledger, kept)
    assert [(str(change.address.collection), change.reason) for change in made.changes] == [
        ("services.s.users", "pruned")
    ]
    assert handled(made)["services.s.roles.agent"] == "forget"


def test_prune_of_services_decides_nothing_inside_a_declared_one(ledger: Ledgered) -> None:
    rule = "prune: {services: {match: other}}\n"
    ledger.apply(read(ROLE + rule))
    assert told(planned(ledger, SERVICE + rule)) == [
        ("services.s.roles.agent", "delete", ""),
        ("services.s.users.ada", "delete", ""),
    ]
    made = planned(ledger, f"version: 1\nservices: {{}}\n{rule}")
    assert made.changes == ()
    assert handled(made) == dict.fromkeys(("services.s", "services.s.roles.agent", "services.s.users.ada"), "forget")


def test_outside_of_a_target_nothing_is_removed_or_forgotten(ledger: Ledgered) -> None:
    ledger.apply(read(ROLE))
    made = planned(ledger, SERVICE, targets=["services.s.users"])
    assert told(made) == [("services.s.users.ada", "delete", "")]
    assert "services.s.roles.agent" not in handled(made)
    excluded = planned(ledger, SERVICE, excludes=["services.s.users"])
    assert told(excluded) == [("services.s.roles.agent", "delete", "")]
    assert "services.s.users.ada" not in handled(excluded)


def test_a_new_name_under_the_same_handle_is_a_rename(ledger: Ledgered) -> None:
    before = "version: 1\nservices: {s: {conversations: {c: {unique_name: one, friendly_name: One}}}}\n"
    ledger.apply(read(before))
    made = planned(ledger, before.replace("one,", "two,"))
    assert told(made) == [("services.s.conversations.c", "update", "")]
    assert [(item.path, item.before, item.after, item.standing) for item in made.changes[0].fields] == [
        ("unique_name", "one", "two", "pending")
    ]
    assert made.warnings == ()


def test_a_new_handle_is_no_change_also_for_what_is_inside(ledger: Ledgered) -> None:
    ledger.apply(read(ROLE))
    moved = ROLE.replace("  s:\n", "  desk:\n    friendly_name: s\n").replace(
        "agent:", "helper: {friendly_name: agent, "
    )
    moved = moved.replace("friendly_name: agent,  {type", "friendly_name: agent, type")
    made = planned(ledger, moved)
    assert told(made) == []
    assert {str(record.declared_as[1]): str(new) for new, record in made.remembered.items()} == {
        "services.s": "services.desk",
        "services.s.roles.agent": "services.desk.roles.helper",
        "services.s.users.ada": "services.desk.users.ada",
    }
    assert set(handled(made).values()) == {"none"}


def test_a_new_name_and_a_new_handle_are_a_removal_and_a_create(ledger: Ledgered) -> None:
    ledger.apply(read(ROLE))
    assert told(planned(ledger, ROLE.replace("agent:", "helper:"))) == [
        ("services.s.roles.helper", "create", ""),
        ("services.s.roles.agent", "delete", ""),
    ]


def test_handles_that_are_passed_on_follow_the_names(ledger: Ledgered) -> None:
    ledger.apply(read("version: 1\nservices: {s: {users: {a: {identity: one}, b: {identity: two}}}}\n"))
    made = planned(ledger, "version: 1\nservices: {s: {users: {b: {identity: one}}}}\n")
    assert told(made) == [("services.s.users.two", "delete", "")]
    assert handled(made)["services.s.users.b"] == "none"


def test_a_webhook_without_a_name_is_deleted_or_moves(ledger: Ledgered) -> None:
    hook = "{target: webhook, url: 'https://a.example/', filters: [onMessageAdded]}"
    before = f"version: 1\nservices: {{s: {{conversations: {{c: {{webhooks: {{crm: {hook}}}}}}}}}}}\n"
    ledger.apply(read(before))
    assert told(planned(ledger, before.replace("crm:", "bot:"))) == []
    gone = planned(ledger, "version: 1\nservices: {s: {conversations: {c: {}}}}\n")
    assert told(gone) == [("services.s.conversations.c.webhooks.crm", "delete", "")]


def test_a_secret_that_changed_is_sent_again(ledger: Ledgered) -> None:
    files = "version: 1\ncredentials: {push: {type: fcm, secret: '${secret:KEY}'}}\n"
    first, second = read(files, {"KEY": "one" * 20}), read(files, {"KEY": "two" * 20})
    ledger.apply(first)
    assert ledger.account.plan(first, baseline=ledger.baseline).changes == ()
    made = ledger.account.plan(second, baseline=ledger.baseline)
    assert told(made) == [("credentials.push", "update", "")]
    assert [(item.path, item.standing, item.sensitive) for item in made.changes[0].fields] == [
        ("secret", "pending", True)
    ]
    ledger.apply(second)
    assert ledger.account.plan(second, baseline=ledger.baseline).changes == ()


def test_a_field_that_cannot_return_stays_with_a_note(ledger: Ledgered) -> None:
    files = "version: 1\nservices: {s: {webhooks: {method: GET}}}\n"
    ledger.apply(read(files))
    made = planned(ledger, SERVICE)
    assert made.changes == ()
    assert [problem.message for problem in made.warnings] == [
        "services.s.webhooks: method keeps its value; it is no longer managed"
    ]


LINE = """version: 1
services: {s: {}}
addresses:
  line:
    address: "+14155550100"
    type: sms
"""
ROUTED = f"""{LINE}\
    auto_creation:
      enabled: true
      type: webhook
      service: s
      webhook_url: https://h.example.com/a
      webhook_method: POST
      webhook_filters: [onMessageAdded]
"""


def test_automatic_creation_returns_with_its_type(ledger: Ledgered) -> None:
    """The webhook's method cannot be cleared, but the API drops it with the type."""
    ledger.apply(read(LINE))
    (before,) = ledger.account.get("/v1/Configuration/Addresses")["address_configurations"]
    ledger.apply(read(ROUTED))
    made = planned(ledger, LINE)
    assert [(item.path, item.before, item.after, item.standing) for item in made.changes[0].fields] == [
        ("auto_creation.enabled", True, False, "removed"),
        ("auto_creation.type", "webhook", "default", "removed"),
        ("auto_creation.webhook_url", "https://h.example.com/a", None, "removed"),
        ("auto_creation.webhook_filters", ("onMessageAdded",), None, "removed"),
    ]
    ledger.apply(read(LINE))
    (after,) = ledger.account.get("/v1/Configuration/Addresses")["address_configurations"]
    kept = {"conversation_service_sid": after["auto_creation"]["conversation_service_sid"]}  # cannot be cleared
    assert after["auto_creation"] == before["auto_creation"] | kept
    assert planned(ledger, LINE).changes == ()


def test_a_webhook_returns_what_it_can_if_its_type_cannot_return(ledger: Ledgered) -> None:
    """A declared type needs the URL, so the URL alone stays."""
    ledger.apply(read(LINE + "    auto_creation: {enabled: false}\n"))
    ledger.apply(read(ROUTED))
    made = planned(ledger, LINE + "    auto_creation: {type: webhook}\n")
    assert [(item.path, item.before, item.after) for item in made.changes[0].fields] == [
        ("auto_creation.enabled", True, None),
        ("auto_creation.webhook_filters", ("onMessageAdded",), None),
    ]
    assert "addresses.line: auto_creation.webhook_url keeps its value; it is no longer managed" in [
        problem.message for problem in made.warnings
    ]


def test_a_service_that_is_renamed_leaves_the_former_one_behind(ledger: Ledgered) -> None:
    first, second = (f"version: 1\nservices: {{s: {{friendly_name: {name}}}}}\n" for name in ("Support", "Desk"))
    behind = (
        "services.s has another name now, so the service {} that was applied under this handle stays in the account, "
        "and the ledger no longer remembers it"
    )
    ledger.apply(read(first))
    support = ledger.account.service("Support")
    made = planned(ledger, second)
    assert told(made) == [("services.s", "create", "")]
    assert left_behind(made) == [behind.format(support)]
    ledger.apply(read(second))
    assert left_behind(planned(ledger, second)) == []
    desk = ledger.account.service("Desk")
    made = planned(ledger, first)
    assert told(made) == []
    assert left_behind(made) == [behind.format(desk)]


def left_behind(made: Plan) -> list[str]:
    return [problem.message for problem in made.warnings if problem.code == "left-behind"]


def test_a_resource_that_was_created_again_in_the_console_is_not_deleted(ledger: Ledgered) -> None:
    ledger.apply(read(ROLE))
    users = f"/v1/Services/{ledger.account.service('s')}/Users"
    (user,) = ledger.account.get(users)["users"]
    ledger.account.delete(f"{users}/{user['sid']}")
    ledger.account.post(users, {"Identity": "ada", "FriendlyName": "Ada", "Attributes": '{"team": 1}'})
    made = planned(ledger, SERVICE)
    assert told(made) == [("services.s.roles.agent", "delete", "")]
    assert handled(made)["services.s.users.ada"] == "forget"


def test_no_more_is_read_than_what_is_remembered(ledger: Ledgered) -> None:
    ledger.apply(read(ROLE))
    account = ledger.account
    absent = ROLE.replace("conversation,", "conversation, absent: true,").replace("Ada,", "Ada, absent: true,")
    for files, same in ((ROLE, ROLE), (SERVICE, absent)):
        account.forget_requests()
        account.plan(read(same))
        without = list(account.requests)
        account.forget_requests()
        planned(ledger, files)
        assert sorted(account.requests) == sorted(without)


MOVED = """version: 1
services:
  s: {friendly_name: Sales}
  Default Conversations Service: {friendly_name: Another}
account: {configuration: {default_service: s}}
addresses: {main: {address: "+14155550100", auto_creation: {service: s}}}
"""
NOT_MOVED = """version: 1
services: {Default Conversations Service: {friendly_name: Another}}
addresses: {line: {address: "+14155550100"}}
"""


def routes(ledger: Ledgered) -> list[str]:
    """The default service, and the one in which an address starts conversations."""
    names = {item["sid"]: item["friendly_name"] for item in ledger.account.get("/v1/Services")["services"]}
    (address,) = ledger.account.get("/v1/Configuration/Addresses")["address_configurations"]
    default = ledger.account.get("/v1/Configuration")["default_chat_service_sid"]
    return [names[default], names[address["auto_creation"]["conversation_service_sid"]]]


def with_address(ledger: Ledgered) -> None:
    """Add an address of the default service, of which no configuration knows."""
    sid = ledger.account.get("/v1/Configuration")["default_chat_service_sid"]
    form = {"Type": "sms", "Address": "+14155550100", "AutoCreation.ConversationServiceSid": sid}
    ledger.account.post("/v1/Configuration/Addresses", form)


def test_a_field_returns_to_a_service_that_was_never_declared(ledger: Ledgered) -> None:
    with_address(ledger)
    ledger.apply(read(MOVED))
    assert routes(ledger) == ["Sales", "Sales"]
    made = planned(ledger, NOT_MOVED)
    assert told(made)[:2] == [("account.configuration", "update", ""), ("addresses.line", "update", "")]
    assert [item.adopted for change in made.changes for item in change.fields] == [True, True]
    for _ in range(2):  # a former default may need one more apply
        ledger.apply(read(NOT_MOVED))
    assert routes(ledger) == ["Default Conversations Service"] * 2
    assert planned(ledger, NOT_MOVED).changes == ()


@pytest.mark.parametrize(
    ("former", "declared", "remembered"),
    [
        ("https://hooks.example.com/in/orders", "https://new.example.com/", "https://hooks.example.com/in/orders"),
        # A plan shows it as https://hooks.example.com/in/(sensitive), because the segment may be a token.
        ("https://hooks.example.com/in/8f3a9c2b7d1e4f6a8f3a9c2b", "https://new.example.com/", None),
        # The configuration has it in plain text.
        (
            "https://hooks.example.com/in/8f3a9c2b7d1e4f6a8f3a9c2b",
            "https://new.example.com/8f3a9c2b7d1e4f6a8f3a9c2b",
            "https://hooks.example.com/in/8f3a9c2b7d1e4f6a8f3a9c2b",
        ),
    ],
)
def test_a_former_url_that_a_plan_may_not_show_is_not_stored(
    ledger: Ledgered, former: str, declared: str, remembered: str | None
) -> None:
    ledger.apply(read(SERVICE))
    path = f"/v1/Services/{ledger.account.service('s')}/Configuration/Webhooks"
    ledger.account.post(path, {"PostWebhookUrl": former})
    hooks = f"version: 1\nservices: {{s: {{friendly_name: s, webhooks: {{post_webhook_url: '{declared}'}}}}}}\n"
    ledger.apply(read(hooks))
    record = ledger.remembered[Address.parse("services.s.webhooks")]
    assert record.adopted.get("post_webhook_url") == remembered
    (change,) = planned(ledger, SERVICE).changes
    assert [(item.path, item.after) for item in change.fields] == [("post_webhook_url", remembered)]


@pytest.mark.parametrize(
    ("former", "own"),
    [
        ("https://hooks.example.com/in?token=s3cret", ""),
        ("https://hooks.example.com/in", ", sensitive: [post_webhook_url]"),
    ],
)
def test_a_former_secret_is_not_stored(ledger: Ledgered, former: str, own: str) -> None:
    ledger.apply(read(SERVICE))
    path = f"/v1/Services/{ledger.account.service('s')}/Configuration/Webhooks"
    ledger.account.post(path, {"PostWebhookUrl": former, "Method": "GET"})
    hooks = f"{{post_webhook_url: 'https://new.example.com', method: POST{own}}}"
    ledger.apply(read(f"version: 1\nservices: {{s: {{friendly_name: s, webhooks: {hooks}}}}}\n"))
    assert ledger.remembered[Address.parse("services.s.webhooks")].adopted == {"method": "GET"}


def test_a_field_stays_if_several_services_have_the_former_name(ledger: Ledgered) -> None:
    with_address(ledger)
    ledger.apply(read(MOVED))
    ledger.account.post("/v1/Services", {"FriendlyName": "Default Conversations Service"})
    made = planned(ledger, NOT_MOVED)
    assert [problem.message for problem in made.warnings if problem.code == "not-returned"] == [
        "addresses.line: auto_creation.service keeps its value; it is no longer managed",
        "account.configuration: default_service keeps its value; it is no longer managed",
    ]


@pytest.mark.parametrize("former", ["", "conversations: {desk: {}}", "conversations: {desk: {state: active}}"])
def test_a_conversation_that_a_commit_made_inactive_is_active_again(ledger: Ledgered, former: str) -> None:
    ledger.apply(read(SERVICE))
    path = f"/v1/Services/{ledger.account.service('s')}/Conversations"
    ledger.account.post(path, {"UniqueName": "desk"})
    first, second = (read(f"version: 1\nservices: {{s: {{{text}}}}}\n") for text in (former, _INACTIVE))
    for files in (first, second):
        ledger.apply(files)
    (conversation,) = ledger.account.get(path)["conversations"]
    assert conversation["state"] == "inactive"
    made = ledger.plan(first)
    (field,) = made.changes[0].fields
    assert (field.path, field.after) == ("state", "active")
    assert field.standing == ("pending" if "state" in former else "removed")
    ledger.apply(first, fault=Fault(0, "before"))  # killed before it is sent
    ledger.apply(first)
    (conversation,) = ledger.account.get(path)["conversations"]
    assert conversation["state"] == "active"
    ledger.account.post(f"{path}/{conversation['sid']}", {"State": "inactive"})  # as a timer does
    assert ledger.plan(first).changes == ()


_INACTIVE = "conversations: {desk: {state: inactive}}"


FLOW = "FW" + "0" * 32
STUDIO = {"Type": "studio", "StudioFlowSid": FLOW, "StudioRetryCount": "2", "Enabled": "true"}


@pytest.mark.parametrize("fault", [None, Fault(0, "before"), Fault(0, "after")])
@pytest.mark.parametrize("former", ["", f"auto_creation: {{enabled: true, type: studio, studio_flow_sid: {FLOW}}}"])
@pytest.mark.parametrize("later", ["type: default", "type: webhook, webhook_url: 'https://example.com/'"])
def test_what_the_api_drops_with_the_type_returns_with_it(
    ledger: Ledgered, former: str, later: str, fault: Fault | None
) -> None:
    form = {f"AutoCreation.{key}": value for key, value in STUDIO.items()}
    ledger.account.post("/v1/Configuration/Addresses", {"Type": "sms", "Address": "+14155550100", **form})
    line = 'version: 1\naddresses: {{line: {{address: "+14155550100", {}}}}}\n'
    first, second = read(line.format(former)), read(line.format(f"auto_creation: {{enabled: true, {later}}}"))
    ledger.apply(first)
    before = ledger.account.snapshot()
    ledger.apply(second, fault=fault)
    ledger.apply(second)
    ledger.apply(first, fault=fault)
    ledger.apply(first)
    (one,) = (row["auto_creation"] for row in ledger.account.snapshot().values() if row["kind"] == "address")
    assert one == next(row["auto_creation"] for row in before.values() if row["kind"] == "address")
    assert planned(ledger, line.format(former)).changes == ()
    ledger.apply(first)
    (record,) = ledger.remembered.values()
    assert "auto_creation.studio_retry_count" not in record.adopted


SENDER = "version: 1\nservices: {s: {roles: {agent: {type: conversation, permissions: [sendMessage]}}}}\n"
CREATOR = SENDER.replace("conversation", "service").replace("sendMessage", "createConversation")


def types(ledger: Ledgered) -> set[str]:
    """The types of the roles called `agent`."""
    path = f"/v1/Services/{ledger.account.service('s')}/Roles"
    return {item["type"] for item in ledger.account.get(path)["roles"] if item["friendly_name"] == "agent"}


@pytest.mark.parametrize("after", [SENDER, SERVICE])
def test_what_a_killed_replace_created_is_removed_after_a_revert(ledger: Ledgered, after: str) -> None:
    ledger.apply(read(SENDER))
    assert ledger.apply(read(CREATOR), fault=Fault(0, "after")) is None
    assert types(ledger) == {"conversation", "service"}
    made = planned(ledger, after)
    assert ('services.s.roles["agent (2)"]', "delete", "") in told(made)
    assert "left-over" not in {problem.code for problem in made.warnings}
    ledger.apply(read(after))
    assert types(ledger) == ({"conversation"} if after == SENDER else set())
    assert planned(ledger, after).changes == ()


def test_what_a_killed_replace_of_an_existing_role_created_is_removed_too(ledger: Ledgered) -> None:
    ledger.apply(read(SERVICE))
    form = {"FriendlyName": "agent", "Type": "conversation", "Permission": ["sendMessage"]}
    ledger.account.post(f"/v1/Services/{ledger.account.service('s')}/Roles", form)
    ledger.apply(read(CREATOR), fault=Fault(0, "after"))
    ledger.apply(read(SENDER))
    assert types(ledger) == {"conversation"}


def test_a_role_that_is_not_as_a_killed_replace_created_it_is_withheld_and_remembered(ledger: Ledgered) -> None:
    ledger.apply(read(SENDER))
    ledger.apply(read(CREATOR), fault=Fault(0, "after"))
    path = f"/v1/Services/{ledger.account.service('s')}/Roles"
    (role,) = [
        one for one in ledger.account.get(path)["roles"] if (one["friendly_name"], one["type"]) == ("agent", "service")
    ]
    ledger.account.post(f"{path}/{role['sid']}", {"Permission": ["addParticipant"]})
    for _ in range(2):
        assert told(planned(ledger, SENDER)) == [('services.s.roles["agent (2)"]', "delete", "conflict")]
        ledger.apply(read(SENDER))
    assert types(ledger) == {"conversation", "service"}
    approved = planned(ledger, SENDER, approved=['services.s.roles["agent (2)"]'])
    assert told(approved) == [('services.s.roles["agent (2)"]', "delete", "")]


def existing_role(ledger: Ledgered) -> None:
    """Add a role that no apply created, and whose type is `service`."""
    ledger.apply(read(SERVICE))
    form = {"FriendlyName": "agent", "Type": "service", "Permission": ["createConversation"]}
    ledger.account.post(f"/v1/Services/{ledger.account.service('s')}/Roles", form)


def test_an_existing_role_of_another_type_returns_with_its_type(ledger: Ledgered) -> None:
    existing_role(ledger)
    ledger.apply(read(SENDER))
    made = planned(ledger, SERVICE)
    assert told(made) == [("services.s.roles.agent", "replace", "")]
    assert [(item.path, item.before, item.after) for item in made.changes[0].fields if item.before != item.after] == [
        ("type", "conversation", "service"),
        ("permissions", ("sendMessage",), ("createConversation",)),
    ]
    ledger.apply(read(SERVICE))
    assert types(ledger) == {"service"}
    assert planned(ledger, SERVICE).changes == ()


def test_one_note_says_that_an_existing_role_stays(ledger: Ledgered) -> None:
    existing_role(ledger)
    ledger.apply(
        read("version: 1\nservices: {s: {roles: {agent: {type: service, permissions: [joinConversation]}}}}\n")
    )
    made = planned(ledger, SERVICE)
    assert told(made) == [("services.s.roles.agent", "update", "")]
    assert [problem.message for problem in made.warnings if problem.code == "not-returned"] == [
        "services.s.roles.agent stays in the account, and is no longer managed; the API cannot reset type"
    ]


@pytest.mark.parametrize("is_completed", [True, False])
def test_an_interrupted_replace_leaves_an_existing_role_as_it_was(ledger: Ledgered, *, is_completed: bool) -> None:
    """The killed one is the replace itself, or the one that takes it back."""
    existing_role(ledger)
    if is_completed:
        ledger.apply(read(SENDER))
    assert ledger.apply(read(SERVICE if is_completed else SENDER), fault=Fault(0, "after")) is None
    assert types(ledger) == {"conversation", "service"}
    assert told(planned(ledger, SERVICE)) == [("services.s.roles.agent", "delete", "")]
    ledger.apply(read(SERVICE))
    assert types(ledger) == {"service"}


def test_a_removed_resource_has_its_former_name_if_its_rename_was_not_sent(ledger: Ledgered) -> None:
    files = "version: 1\nservices: {s: {conversations: {talk: {unique_name: %s, friendly_name: Talk}}}}\n"
    ledger.apply(read(files % "first"))
    ledger.apply(read(files % "second"), fault=Fault(0, "before"))
    assert told(planned(ledger, SERVICE)) == [("services.s.conversations.talk", "delete", "approval")]
    ledger.apply(read(SERVICE))
    assert planned(ledger, SERVICE).changes == ()
    assert set(ledger.remembered) == {Address.parse("services.s")}


def test_a_create_that_was_killed_under_another_key_is_withheld(ledger: Ledgered) -> None:
    ledger.apply(read(SERVICE))
    ledger.apply(read(ROLE), fault=Fault(0, "after"))
    baseline = replace(ledger.baseline, has_fingerprints=False)
    made = ledger.account.plan(read(SERVICE), baseline=baseline)
    assert set(told(ledger.account.plan(read(SERVICE), baseline=ledger.baseline))) == {
        (address, "delete", "") for address, _, _ in told(made)
    }
    assert {guard for _, _, guard in told(made)} == {"unidentified"}


def test_after_a_killed_first_apply_a_handle_alone_makes_nothing_created() -> None:
    account = FaultyWorld(World())
    service = account.post("/v1/Services", {"FriendlyName": "s"})["sid"]
    for name in ("first", "second"):
        account.post(
            f"/v1/Services/{service}/Roles",
            {"FriendlyName": name, "Type": "conversation", "Permission": ["sendMessage"]},
        )
    files = (
        "version: 1\nservices: {s: {roles: {r: {friendly_name: %s, type: conversation, permissions: [sendMessage]}}}}\n"
    )
    killed = Baseline(first_attempts=(read(files % "first").resources,))
    address = Address.parse("services.s.roles.r")
    origins = {
        name: account.plan(read(files % name), baseline=killed).decisions[address].record.origin
        for name in ("first", "second")
    }
    assert origins == {"first": "created", "second": "adopted"}
