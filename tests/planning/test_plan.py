"""Scenarios of a whole plan and its apply: files and an account in, changes and requests out."""

from __future__ import annotations

import pytest

from reconciler.address import Address
from reconciler.emulator import Rules
from reconciler.errors import MatchError
from reconciler.journal import UnfinishedReplace
from reconciler.kinds import BY_NAME
from tests.scenario import fields, only, problems, told
from tests.world import World, read, seen

SUPPORT = """
version: 1
services:
  support:
    friendly_name: Customer Support
"""


def test_a_new_service_comes_with_everything_in_the_fewest_requests() -> None:
    account = World()
    files = read(
        SUPPORT
        + """
    roles:
      agent: {type: conversation, permissions: [sendMessage]}
      channel user: {permissions: [sendMessage, leaveConversation]}
    configuration: {default_conversation_role: agent, default_chat_service_role: service admin}
    webhooks: {post_webhook_url: https://h.example.com/x, pre_webhook_url: null}
    notifications: {log_enabled: true}
addresses:
  "+14155550100": {auto_creation: {type: default, service: support, enabled: true}}
account:
  configuration: {default_service: support}
"""
    )
    made = account.plan(files)
    assert told(made) == [
        "create services.support",
        "update account.configuration",
        "update services.support.notifications",
        "create services.support.roles.agent",
        "update services.support.configuration",
        'update services.support.roles["channel user"]',
        "update services.support.webhooks",
        'create addresses["+14155550100"]',
    ]
    account.forget_requests()
    assert account.do(made).exit_code == 0
    service = account.service("Customer Support")
    roles = f"/v1/Services/{service}/Roles"
    # The one look is whether somebody has made a service of that name meanwhile: the API would take a second one.
    assert account.requests[:2] == ["GET /v1/Services?PageSize=50", "POST /v1/Services"]
    assert sorted(account.requests[2:]) == sorted(
        [
            "POST /v1/Configuration",
            "POST /v1/Configuration/Addresses",
            f"POST /v1/Services/{service}/Configuration",
            f"POST /v1/Services/{service}/Configuration/Notifications",
            f"POST /v1/Services/{service}/Configuration/Webhooks",
            f"GET {roles}?PageSize=50",
            f"POST {roles}",
            f"POST {roles}/{account.role('Customer Support', 'channel user')}",
        ]
    )
    assert account.plan(files).changes == ()


def test_roles_that_twilio_makes_are_adopted_in_a_live_service_too() -> None:
    account = World()
    account.post("/v1/Services", {"FriendlyName": "Customer Support"})
    files = read(SUPPORT + "    roles: {channel user: {permissions: [sendMessage]}}\n")
    made = account.plan(files)
    assert told(made) == ['update services.support.roles["channel user"]']
    account.converge(files)
    names = [
        role["friendly_name"]
        for role in account.get(f"/v1/Services/{account.service('Customer Support')}/Roles")["roles"]
    ]
    assert sorted(names) == ["channel admin", "channel user", "service admin", "service user"]


def test_an_update_sends_only_what_differs() -> None:
    account = World()
    service = account.post("/v1/Services", {"FriendlyName": "Customer Support"})["sid"]
    hooks = f"/v1/Services/{service}/Configuration/Webhooks"
    account.post(hooks, {"Method": "POST", "PostWebhookUrl": "https://a.example.com", "Filters": ["onMessageAdded"]})
    files = read(
        SUPPORT + "    webhooks: {method: post, filters: [onMessageAdded], post_webhook_url: https://b.example.com}\n"
    )
    made = account.plan(files)
    assert [(item.path, item.before, item.after) for item in only(made).fields] == [
        ("post_webhook_url", "https://a.example.com", "https://b.example.com")
    ]
    account.do(made)
    assert account.emulator.requests[-1].form == {"PostWebhookUrl": ["https://b.example.com"]}


# --- replacing -------------------------------------------------------------------------------------------------------

AGENT_OF_SERVICE = SUPPORT + "    roles: {agent: {type: service, permissions: [joinConversation]}}\n"


def with_agent(rules: Rules | None = None) -> tuple[World, str, str]:
    """An account whose support service has the role agent of type conversation."""
    account = World(rules or Rules())
    service = account.post("/v1/Services", {"FriendlyName": "Customer Support"})["sid"]
    form = {"FriendlyName": "agent", "Type": "conversation", "Permission": ["sendMessage"]}
    return account, service, account.post(f"/v1/Services/{service}/Roles", form)["sid"]


def test_a_role_of_another_type_is_made_first_and_deleted_last() -> None:
    account, service, old = with_agent()
    files = read(AGENT_OF_SERVICE)
    made = account.plan(files)
    assert told(made) == ["replace services.support.roles.agent"]
    assert [(step.op, step.last) for step in only(made).steps] == [("create", False), ("delete", True)]
    account.forget_requests()
    assert account.do(made).exit_code == 0
    assert account.writes == [f"POST /v1/Services/{service}/Roles", f"DELETE /v1/Services/{service}/Roles/{old}"]
    assert account.plan(files).changes == ()


def test_a_role_that_a_replace_cut_short_left_behind_is_told_and_left_alone() -> None:
    account, service, old = with_agent()
    new = {"FriendlyName": "agent", "Type": "service", "Permission": ["joinConversation"]}
    account.post(f"/v1/Services/{service}/Roles", new)
    made = account.plan(read(AGENT_OF_SERVICE))
    assert made.changes == ()
    (problem,) = made.warnings
    assert (problem.code, problem.severity) == ("left-over", "warning")
    assert problem.message == (
        f'services.support.roles["{old}"] has the name of services.support.roles.agent but another type; '
        "an interrupted replace may have left it"
    )
    assert problem.hint == (
        f"If so, delete it: declare it as {{sid: {old}, absent: true}}. If not, add it to unmanaged.ignore, or "
        "declare it."
    )
    wanted = AGENT_OF_SERVICE + f"unmanaged: {{ignore: ['services.support.roles[\"{old}\"]']}}\n"
    assert account.plan(read(wanted)).warnings == ()
    deleting = read(AGENT_OF_SERVICE.replace("{agent:", f"{{left: {{sid: {old}, absent: true}}, agent:"))
    assert told(account.plan(deleting)) == ["delete services.support.roles.left"]
    account.converge(deleting)
    assert account.plan(read(AGENT_OF_SERVICE)).warnings == ()


def test_a_renamed_role_takes_its_place_everywhere() -> None:
    account, service, old = with_agent()
    account.post(f"/v1/Services/{service}/Configuration", {"DefaultConversationRoleSid": old})
    files = read(SUPPORT + "    roles: {helper: {renamed_from: agent}}\n")
    made = account.plan(files)
    assert [step.id for step in only(made).steps] == [
        "services.support.roles.helper#create",
        "services.support.roles.helper#repoint",
        "services.support.roles.helper#delete",
    ]
    account.converge(files)
    helper = account.role("Customer Support", "helper")
    assert account.get(f"/v1/Services/{service}/Configuration")["default_conversation_role_sid"] == helper
    kept = account.get(f"/v1/Services/{service}/Roles/{helper}")
    assert (kept["type"], kept["permissions"]) == ("conversation", ["sendMessage"])
    assert old not in account.snapshot()


def test_a_default_that_the_files_point_at_a_replaced_role_follows_it() -> None:
    account, service, old = with_agent()
    account.post(f"/v1/Services/{service}/Configuration", {"DefaultConversationRoleSid": old})
    files = read(
        SUPPORT + "    roles: {helper: {renamed_from: agent}}\n    configuration: {default_conversation_role: helper}\n"
    )
    made = account.plan(files)
    assert told(made) == ["replace services.support.roles.helper", "update services.support.configuration"]
    account.converge(files)


def test_a_replaced_role_that_users_hold_is_kept_and_said_so() -> None:
    account, service, old = with_agent()
    account.post(
        f"/v1/Services/{service}/Users",
        {"Identity": "ada", "RoleSid": account.role("Customer Support", "service admin")},
    )
    form = {"FriendlyName": "helper", "Type": "service", "Permission": ["joinConversation"]}
    held = account.post(f"/v1/Services/{service}/Roles", form)["sid"]
    account.post(f"/v1/Services/{service}/Users", {"Identity": "bob", "RoleSid": held})
    files = read(SUPPORT + "    roles: {aide: {renamed_from: helper}}\n")
    made = account.plan(files)
    guard = only(made).guard
    assert guard is not None
    assert (guard.name, guard.only_delete) == ("role_in_use", True)
    assert "1 user still holds the role 'helper'" in guard.message
    report = account.do(made)
    assert report.exit_code == 5
    assert [outcome.status for outcome in report.results[0].outcomes] == ["done", "withheld"]
    assert held in account.snapshot()
    assert old in account.snapshot()


def test_a_default_role_cannot_lose_its_type_under_the_service() -> None:
    account, service, old = with_agent()
    account.post(f"/v1/Services/{service}/Configuration", {"DefaultConversationRoleSid": old})
    made = account.plan(read(AGENT_OF_SERVICE))
    guard = only(made).guard
    assert guard is not None
    assert (guard.name, guard.verdict, guard.only_delete) == ("default_role", "withheld", True)
    assert account.do(made).exit_code == 5
    assert account.get(f"/v1/Services/{service}/Configuration")["default_conversation_role_sid"] == old


def test_an_interrupted_rename_is_completed_where_the_journal_shows_that_it_was_under_way() -> None:
    account, service, old = with_agent()
    account.post(f"/v1/Services/{service}/Configuration", {"DefaultConversationRoleSid": old})
    form = {"FriendlyName": "helper", "Type": "conversation", "Permission": ["sendMessage"]}
    account.post(f"/v1/Services/{service}/Roles", form)
    files = read(SUPPORT + "    roles: {helper: {renamed_from: agent}}\n")
    helper = Address.parse("services.support.roles.helper")
    begun = UnfinishedReplace(helper, BY_NAME["role"], old, "agent", (service,))
    made = account.plan(files, unfinished=[begun])
    assert told(made) == [f'delete services.support.roles["{old}"]']
    assert only(made).guard is None
    assert only(made).reason == "completes the interrupted replace by services.support.roles.helper"
    assert [step.id for step in only(made).steps] == [
        "services.support.roles.helper#repoint",
        f'services.support.roles["{old}"]#delete',
    ]
    assert account.do(made).exit_code == 0
    assert account.plan(files).changes == ()
    assert old not in account.snapshot()


def test_without_a_journal_the_default_follows_a_renamed_role_and_nothing_is_deleted() -> None:
    account, service, old = with_agent()
    account.post(f"/v1/Services/{service}/Configuration", {"DefaultConversationRoleSid": old})
    form = {"FriendlyName": "helper", "Type": "conversation", "Permission": ["sendMessage"]}
    helper = account.post(f"/v1/Services/{service}/Roles", form)["sid"]
    files = read(
        SUPPORT + "    roles: {helper: {renamed_from: agent}}\n    configuration: {reachability_enabled: true}\n"
    )
    change = only(account.plan(files))
    assert (str(change.address), sorted(fields(change))) == (
        "services.support.configuration",
        ["default_conversation_role", "reachability_enabled"],
    )
    account.converge(files)
    assert account.get(f"/v1/Services/{service}/Configuration")["default_conversation_role_sid"] == helper
    assert old in account.snapshot()


def test_an_interrupted_rename_that_the_files_take_back_deletes_nothing() -> None:
    account, service, old = with_agent()
    form = {"FriendlyName": "helper", "Type": "conversation", "Permission": ["sendMessage"]}
    account.post(f"/v1/Services/{service}/Roles", form)
    helper = Address.parse("services.support.roles.helper")
    begun = UnfinishedReplace(helper, BY_NAME["role"], old, "agent", (service,))
    for roles in ("{helper: {}}", "{agent: {}}", "{}"):
        made = account.plan(read(SUPPORT + f"    roles: {roles}\n"), unfinished=[begun])
        assert made.changes == ()
        assert made.execution.finished_replaces == {old}


def test_an_address_of_another_type_is_deleted_first_and_keeps_what_the_files_do_not_name() -> None:
    account = World()
    form = {"Type": "sms", "Address": "+14155550100", "FriendlyName": "Main line"}
    old = account.post("/v1/Configuration/Addresses", form)["sid"]
    files = read('version: 1\naddresses: {"+14155550100": {type: sms, address_country: US}}\n')
    made = account.plan(files)
    assert told(made) == ['replace addresses["+14155550100"]']
    assert only(made).risk == "high"
    account.forget_requests()
    account.converge(files)
    assert account.writes == [f"DELETE /v1/Configuration/Addresses/{old}", "POST /v1/Configuration/Addresses"]
    (kept,) = account.get("/v1/Configuration/Addresses")["address_configurations"]
    assert (kept["friendly_name"], kept["address_country"]) == ("Main line", "US")


def test_a_pinned_service_cannot_be_renamed() -> None:
    account = World()
    sid = account.post("/v1/Services", {"FriendlyName": "Old"})["sid"]
    with pytest.raises(MatchError) as error:
        account.plan(read(f"version: 1\nservices: {{support: {{sid: {sid}, friendly_name: New}}}}\n"))
    assert problems(error) == ["cannot-replace"]
    assert "Twilio cannot rename a service" in error.value.problems[0].message


def test_a_pinned_role_cannot_be_replaced() -> None:
    account, _service, old = with_agent()
    with pytest.raises(MatchError) as error:
        account.plan(read(SUPPORT + f"    roles: {{agent: {{sid: {old}, friendly_name: other}}}}\n"))
    assert problems(error) == ["cannot-replace"]
    assert "renamed_from" in error.value.problems[0].message


# --- who is who ------------------------------------------------------------------------------------------------------


def test_a_likely_rename_of_a_service_is_high_risk_and_says_so() -> None:
    account = World()
    sid = account.post("/v1/Services", {"FriendlyName": "Customer Suport"})["sid"]
    change = only(account.plan(read(SUPPORT)))
    assert (change.action, change.risk) == ("create", "high")
    assert f"pin it with sid: {sid}" in change.consequences[0]


def test_two_live_services_of_one_name_must_be_told_apart() -> None:
    account = World()
    sids = sorted(account.post("/v1/Services", {"FriendlyName": "Customer Support"})["sid"] for _ in range(2))
    with pytest.raises(MatchError) as error:
        account.plan(read(SUPPORT))
    assert problems(error) == ["ambiguous-name"]
    assert all(sid in error.value.problems[0].message for sid in sids)
    account.converge(read(SUPPORT.replace("friendly_name: Customer Support", f"sid: {sids[0]}")))


def test_the_default_service_can_be_pinned_without_its_name() -> None:
    account = World()
    files = read("version: 1\nservices: {main: {sid: default, webhooks: {method: GET}}}\n")
    assert told(account.plan(files)) == ["update services.main.webhooks"]
    account.converge(files)


def test_a_dead_pin_is_an_error_never_a_create() -> None:
    account = World()
    with pytest.raises(MatchError) as error:
        account.plan(read(f"version: 1\nservices: {{support: {{sid: IS{'0' * 32}}}}}\n"))
    assert problems(error) == ["dead-pin"]


def test_everything_that_does_not_fit_is_told_at_once() -> None:
    account = World()
    with pytest.raises(MatchError) as error:
        account.plan(
            read(
                f"version: 1\nservices: {{one: {{sid: IS{'0' * 32}}}, two: {{sid: IS{'1' * 32}}}}}\n"
                "addresses: {weird: {friendly_name: x}}\n"
            )
        )
    assert problems(error) == ["dead-pin", "dead-pin", "cannot-be", "unusual-address"]
    assert "cannot be created without `type`" in error.value.problems[2].message


# --- deleting --------------------------------------------------------------------------------------------------------


def test_nothing_is_deleted_unless_it_is_asked_for() -> None:
    account, _service, _old = with_agent()
    files = read(SUPPORT + "    roles: {channel user: {}}\n")
    made = account.plan(files)
    assert made.changes == ()
    assert sorted(item.live.name for item in made.unmanaged) == ["Default Conversations Service", "agent"]


def test_prune_deletes_what_the_files_do_not_name_but_never_what_twilio_made() -> None:
    account, service, old = with_agent()
    files = read(SUPPORT + "    roles: {}\n    prune: [roles]\n")
    account.forget_requests()
    report = account.apply(files)
    assert report.exit_code == 0
    assert account.writes == [f"DELETE /v1/Services/{service}/Roles/{old}"]
    assert f"GET /v1/Services/{service}/Users?PageSize=50" in account.requests


def test_a_pruned_default_role_is_withheld() -> None:
    account, service, old = with_agent()
    account.post(f"/v1/Services/{service}/Configuration", {"DefaultConversationRoleSid": old})
    report = account.apply(read(SUPPORT + "    roles: {}\n    prune: [roles]\n"))
    assert report.exit_code == 5
    assert old in account.snapshot()


def test_a_service_is_deleted_only_with_approval() -> None:
    account, service, _old = with_agent()
    files = read(SUPPORT + "    absent: true\n")
    made = account.plan(files)
    assert only(made).risk == "high"
    assert "approve it with --approve 'services.support'" in made.blocking()[0]
    account.converge(files, approved=["services.support"])
    assert service not in account.snapshot()


def test_the_files_can_approve() -> None:
    account, service, _old = with_agent()
    approval = f"approvals: [{{address: 'services[\"{service}\"]', action: delete}}]\n"
    files = read("version: 1\nservices: {}\nprune: {services: {except: Default*}}\n" + approval)
    assert account.plan(files).blocking() == ()
    account.converge(files)
    assert service not in account.snapshot()


def test_the_default_service_is_never_deleted() -> None:
    account = World()
    made = account.plan(read("version: 1\nservices: {}\nprune: [services]\n"))
    guard = only(made).guard
    assert guard is not None
    assert guard.name == "default_service"
    assert account.do(made).exit_code == 5
    assert account.writes == []


def test_what_prevents_its_destruction_keeps_whatever_contains_it() -> None:
    account, service, _old = with_agent()
    files = read(
        SUPPORT + "    absent: true\n    roles: {agent: {type: conversation, permissions: [sendMessage], "
        "lifecycle: {prevent_destroy: true}}}\n"
    )
    report = account.do(account.plan(files, approved=["services.support"]))
    assert report.exit_code == 5
    assert service in account.snapshot()


def test_limits_refuse_the_whole_plan() -> None:
    account = World()
    for number in range(12):
        account.post("/v1/Configuration/Addresses", {"Type": "sms", "Address": f"+141555501{number:02}"})
    made = account.plan(read("version: 1\naddresses: {}\nprune: [addresses]\n"))
    assert made.blocking() == (
        ("12 deletes (replaces included), but limits.deletes allows 10; raise the limit if all of them are intended"),
    )


def test_prevent_create_withholds_the_create_and_what_needs_it() -> None:
    account = World()
    files = read(
        SUPPORT + "    lifecycle: {prevent_create: true}\n    webhooks: {method: POST}\n"
        'addresses: {"+14155550100": {auto_creation: {type: default, service: support}}}\n'
    )
    made = account.plan(files)
    assert [change.guard.name for change in made.changes if change.guard] == ["prevent_create", "needs", "needs"]
    assert account.do(made).exit_code == 5
    assert account.writes == []


# --- narrowing -------------------------------------------------------------------------------------------------------

TWO = """
version: 1
services:
  one: {roles: {a: {type: conversation, permissions: [sendMessage]}}, configuration: {default_conversation_role: a}}
  two: {webhooks: {method: GET}}
"""


def test_a_target_brings_along_what_it_needs() -> None:
    made = World().plan(read(TWO), targets=["services.one.configuration"])
    assert told(made) == [
        "create services.one", "create services.one.roles.a", "update services.one.configuration",
    ]  # fmt: skip
    assert [str(address) for address in made.left_out] == ["services.two", "services.two.webhooks"]


def test_an_exclude_leaves_out_what_needs_it() -> None:
    made = World().plan(read(TWO), excludes=["services.one.roles"])
    assert told(made) == ["create services.one", "create services.two", "update services.two.webhooks"]


# --- requests --------------------------------------------------------------------------------------------------------


def test_two_rounds_read_what_the_files_name_and_nothing_else() -> None:
    account, service, _old = with_agent()
    account.forget_requests()
    account.plan(
        read(
            SUPPORT
            + "    roles: {agent: {type: conversation, permissions: [sendMessage]}}\n    webhooks: {method: POST}\n"
            "account: {webhooks: {method: POST}}\n"
        )
    )
    assert sorted(account.requests[:3]) == [
        "GET /v1/Configuration",
        "GET /v1/Configuration/Webhooks",
        "GET /v1/Services?PageSize=50",
    ]
    assert sorted(account.requests[3:]) == [
        f"GET /v1/Services/{service}/Configuration",
        f"GET /v1/Services/{service}/Configuration/Webhooks",
        f"GET /v1/Services/{service}/Roles?PageSize=50",
    ]


def test_lists_of_many_pages_are_read_to_the_end() -> None:
    account = World()
    for number in range(120):
        account.post("/v1/Services", {"FriendlyName": f"team {number}"})
    files = read("version: 1\nservices: {last: {friendly_name: team 119}}\n")
    account.forget_requests()
    assert account.plan(files).changes == ()
    assert [path for path in account.requests if "Services" in path and "Page=" in path] != []
    assert len(account.requests) == 4


def test_a_live_url_with_a_password_is_not_shown_where_its_resource_is_replaced() -> None:
    account = World()
    creation = {"AutoCreation.Enabled": "true", "AutoCreation.Type": "webhook"}
    live = {"AutoCreation.WebhookUrl": "https://ada:hunter22@hooks.example.com/x", "AddressCountry": "US"}
    account.post("/v1/Configuration/Addresses", {"Type": "sms", "Address": "55501", **creation, **live})
    made = account.plan(
        read(
            "version: 1\naddresses: {'55501': {address_country: CA, auto_creation: "
            "{enabled: true, type: webhook, webhook_url: 'https://hooks.example.com/x'}}}\n"
        )
    )
    assert told(made) == ['replace addresses["55501"]']
    assert "hunter22" not in seen(made).to_json()


GUEST = "version: 1\nservices: {desk: {roles: {guest: {type: service, permissions: [joinConversation]}}}}\n"


def test_a_role_that_may_come_with_its_service_is_made_where_it_does_not() -> None:
    World().converge(read(GUEST))


def test_a_guest_of_a_new_service_is_a_create() -> None:
    account = World()
    made = account.plan(read("limits: {creates: 1}\n" + GUEST))
    assert told(made) == ["create services.desk", "create services.desk.roles.guest"]
    assert [guard.name for guard in made.refusals] == ["limit"]
    report = account.apply(read(GUEST))
    outcomes = [outcome for result in report.results for outcome in result.outcomes]
    assert [(outcome.op, outcome.status) for outcome in outcomes] == [("create", "done"), ("create", "done")]


def test_a_guest_that_is_there_after_all_is_not_made_twice() -> None:
    account = World(rules=Rules(guest_role=True))
    account.converge(read(GUEST.replace("type: service", "type: conversation").replace("join", "leave")))
    roles = account.get(f"/v1/Services/{account.service('desk')}/Roles")["roles"]
    assert [role["permissions"] for role in roles if role["friendly_name"] == "guest"] == [["leaveConversation"]]


def test_a_guest_without_a_type_is_told_before_anything_is_sent() -> None:
    with pytest.raises(MatchError) as error:
        World().plan(read(GUEST.replace("type: service, ", "")))
    assert problems(error) == ["cannot-be"]


def test_a_guest_of_another_type_is_made_beside_the_one_that_is_there() -> None:
    World(rules=Rules(guest_role=True)).converge(read(GUEST))


def test_twilios_own_role_of_another_type_is_told_before_its_service_is_made() -> None:
    text = "version: 1\nservices: {desk: {roles: {channel user: {type: service, permissions: [joinConversation]}}}}\n"
    with pytest.raises(MatchError) as error:
        World().plan(read(text))
    assert problems(error) == ["cannot-replace"]


def test_a_name_in_another_case_is_another_role_in_declarations_and_references() -> None:
    account = World()
    files = read(
        "version: 1\nservices: {desk: {roles: {Channel User: {type: conversation, permissions: [sendMessage]}},\n"
        "  configuration: {default_conversation_role: channel user}}}\n"
    )
    assert [problem.code for problem in files.warnings] == ["like-built-in"]
    account.converge(files)
    service = f"/v1/Services/{account.service('desk')}"
    own, other = account.role("desk", "channel user"), account.role("desk", "Channel User")
    assert own != other
    assert account.get(f"{service}/Configuration")["default_conversation_role_sid"] == own


# --- Flex ------------------------------------------------------------------------------------------------------------


def with_flex_roles(name: str, *roles: tuple[str, str]) -> tuple[World, str]:
    account = World()
    service = str(account.post("/v1/Services", {"FriendlyName": name})["sid"])
    for role, of_type in roles:
        permission = "sendMessage" if of_type == "conversation" else "joinConversation"
        account.post(
            f"/v1/Services/{service}/Roles", {"FriendlyName": role, "Type": of_type, "Permission": [permission]}
        )
    return account, service


PRUNED = "version: 1\nservices: {desk: {friendly_name: NAME, roles: {}, prune: [roles]}}\n"
OF_FLEX = [(name, of) for name in ("admin", "supervisor") for of in ("service", "conversation")]


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("Flex Chat Service", [("agent", "conversation"), ("guest", "service")]),
        ("desk", [*OF_FLEX, ("agent", "service"), ("guest", "service")]),
        ("desk", OF_FLEX[1:3]),
        ("desk", [("guest", "service")]),
    ],
)
def test_flex_roles_are_not_pruned_in_a_service_of_flex(name: str, roles: list[tuple[str, str]]) -> None:
    if roles == OF_FLEX[1:3]:
        roles = [("admin", "service"), ("admin", "conversation")]
    account, _ = with_flex_roles(name, *roles)
    assert told(account.plan(read(PRUNED.replace("NAME", name)))) == []


def test_flex_roles_are_not_deleted_in_the_service_that_flex_listens_to() -> None:
    account, service = with_flex_roles("desk", ("agent", "service"), ("ours", "service"))
    account.post("/v1/Configuration", {"DefaultChatServiceSid": service})
    account.post("/v1/Configuration/Webhooks", {"Target": "flex"})
    (change,) = account.plan(read(PRUNED.replace("NAME", "desk"))).changes
    assert change.name == "ours"
    absent = read("version: 1\nservices: {desk: {roles: {agent: {absent: true}}}}\n")
    held = only(account.plan(absent)).guard
    assert held is not None
    assert held.message == "the role 'agent' was created by Flex and is never deleted"


def test_a_role_with_a_name_of_flex_is_a_high_risk_to_delete_elsewhere() -> None:
    account, _ = with_flex_roles("desk", ("agent", "service"), ("agent", "conversation"), ("ours", "service"))
    made = account.plan(read(PRUNED.replace("NAME", "desk")))
    assert sorted((change.name, change.risk) for change in made.changes) == [
        ("agent (conversation)", "high"),
        ("agent (service)", "high"),
        ("ours", "medium"),
    ]
