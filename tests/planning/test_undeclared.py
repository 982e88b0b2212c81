"""Live settings that are declared nowhere: every field of the five singletons, on the emulator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from reconciler.address import Address
from reconciler.config.model import Config
from reconciler.emulator import Rules
from reconciler.kinds import KINDS
from reconciler.planning.baseline import Baseline, EntryInfo, Record
from reconciler.planning.plan import Plan
from reconciler.planning.undeclared import UndeclaredSetting
from tests.world import World
from tests.world import read as read_whole


def read(files: str, **options: Any) -> Config:
    return read_whole(f"version: 1\n{files}", **options)


BARE = "services: {support: {friendly_name: Support}}"
SECTIONS = """
account:
  configuration: {}
  webhooks: {}
services:
  support:
    friendly_name: Support
    configuration: {}
    notifications: {}
    webhooks: {}
"""
ROLE = "RL-of-agent"
SERVICE = "IS-of-support"
MESSAGING = "MG" + "7" * 32


@dataclass(frozen=True)
class Case:
    """One field: the console's change of it, and what a drift reports."""

    kind: str
    path: str
    param: str
    sent: str
    found: Any
    risk: str = "low"


CASES = (
    Case("account_configuration", "default_service", "DefaultChatServiceSid", SERVICE, SERVICE, "medium"),
    Case(
        "account_configuration",
        "default_messaging_service_sid",
        "DefaultMessagingServiceSid",
        MESSAGING,
        MESSAGING,
        "medium",
    ),
    Case("account_configuration", "default_inactive_timer", "DefaultInactiveTimer", "PT15M", "PT15M", "medium"),
    Case("account_configuration", "default_closed_timer", "DefaultClosedTimer", "P30D", "P30D", "medium"),
    Case("account_webhook", "target", "Target", "flex", "flex", "medium"),
    Case("account_webhook", "method", "Method", "GET", "GET", "medium"),
    Case("account_webhook", "filters", "Filters", "onMessageAdded", ("onMessageAdded",), "medium"),
    Case(
        "account_webhook", "pre_webhook_url", "PreWebhookUrl", "https://a.example/pre", "https://a.example/pre", "high"
    ),
    Case(
        "account_webhook",
        "post_webhook_url",
        "PostWebhookUrl",
        "https://a.example/post",
        "https://a.example/post",
        "medium",
    ),
    Case(
        "service_configuration",
        "default_conversation_creator_role",
        "DefaultConversationCreatorRoleSid",
        ROLE,
        ROLE,
        "medium",
    ),
    Case("service_configuration", "default_conversation_role", "DefaultConversationRoleSid", ROLE, ROLE, "medium"),
    Case("service_configuration", "default_chat_service_role", "DefaultChatServiceRoleSid", ROLE, ROLE, "medium"),
    Case("service_configuration", "reachability_enabled", "ReachabilityEnabled", "true", True),
    Case("service_webhook", "method", "Method", "GET", "GET", "medium"),
    Case("service_webhook", "filters", "Filters", "onMessageAdd", ("onMessageAdd",), "medium"),
    Case(
        "service_webhook", "pre_webhook_url", "PreWebhookUrl", "https://b.example/pre", "https://b.example/pre", "high"
    ),
    Case(
        "service_webhook",
        "post_webhook_url",
        "PostWebhookUrl",
        "https://b.example/post",
        "https://b.example/post",
        "medium",
    ),
    Case("service_notification", "log_enabled", "LogEnabled", "true", True),
    Case("service_notification", "new_message.enabled", "NewMessage.Enabled", "true", True),
    Case("service_notification", "new_message.template", "NewMessage.Template", "${MESSAGE}", "${MESSAGE}"),
    Case("service_notification", "new_message.sound", "NewMessage.Sound", "ring", "ring"),
    Case("service_notification", "new_message.badge_count_enabled", "NewMessage.BadgeCountEnabled", "true", True),
    Case("service_notification", "new_message.with_media.enabled", "NewMessage.WithMedia.Enabled", "true", True),
    Case(
        "service_notification", "new_message.with_media.template", "NewMessage.WithMedia.Template", "a file", "a file"
    ),
    Case("service_notification", "added_to_conversation.enabled", "AddedToConversation.Enabled", "true", True),
    Case("service_notification", "added_to_conversation.template", "AddedToConversation.Template", "hello", "hello"),
    Case("service_notification", "added_to_conversation.sound", "AddedToConversation.Sound", "ring", "ring"),
    Case("service_notification", "removed_from_conversation.enabled", "RemovedFromConversation.Enabled", "true", True),
    Case(
        "service_notification", "removed_from_conversation.template", "RemovedFromConversation.Template", "bye", "bye"
    ),
    Case("service_notification", "removed_from_conversation.sound", "RemovedFromConversation.Sound", "ring", "ring"),
)
ADDRESSES = {
    "account_configuration": "account.configuration",
    "account_webhook": "account.webhooks",
    "service_configuration": "services.support.configuration",
    "service_webhook": "services.support.webhooks",
    "service_notification": "services.support.notifications",
}
PATHS = {
    "account_configuration": "/v1/Configuration",
    "account_webhook": "/v1/Configuration/Webhooks",
    "service_configuration": "/v1/Services/{service}/Configuration",
    "service_webhook": "/v1/Services/{service}/Configuration/Webhooks",
    "service_notification": "/v1/Services/{service}/Configuration/Notifications",
}


def test_the_cases_are_every_field_of_every_singleton() -> None:
    fields = {(kind.name, field.path) for kind in KINDS if kind.singleton for field in kind.fields}
    assert {(case.kind, case.path) for case in CASES} == fields
    assert len(CASES) == len(fields)


@pytest.fixture
def world() -> World:
    """A service as Twilio creates it, in an account without defaults that a test does not set."""
    made = World()
    made.apply(read(BARE))
    return made


def look(world: World, files: str = BARE, **options: Any) -> Plan:
    return world.plan(read(files), settings=True, **options)


def shown(found: tuple[UndeclaredSetting, ...]) -> list[tuple[str, Any, str]]:
    """The settings without the account's defaults, which every account has."""
    return [
        (f"{item.address}.{item.value.path}", item.value.before, item.risk)
        for item in found
        if item.kind.name != "account_configuration"
    ]


def change(world: World, case: Case) -> Any:
    """Change a field in the console, and return the live value."""
    service = world.service("Support")
    sent, found = case.sent, case.found
    if sent == ROLE:
        of_type = "service" if case.path == "default_chat_service_role" else "conversation"
        form = {"FriendlyName": "agent", "Type": of_type, "Permission": "editOwnUserInfo"}
        if of_type == "conversation":
            form["Permission"] = "sendMessage"
        sent = found = world.post(f"/v1/Services/{service}/Roles", form)["sid"]
    elif sent == SERVICE:
        sent = found = service
    world.post(PATHS[case.kind].format(service=service), {case.param: sent})
    return found


@pytest.mark.parametrize("files", [BARE, SECTIONS], ids=["without sections", "with empty sections"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}.{case.path}")
def test_a_value_that_is_declared_nowhere_is_reported(world: World, case: Case, files: str) -> None:
    before = {f"{item.address}.{item.value.path}" for item in look(world, files).undeclared}
    found = change(world, case)
    name = f"{ADDRESSES[case.kind]}.{case.path}"
    after = {f"{item.address}.{item.value.path}": item for item in look(world, files).undeclared}
    assert after[name].value.before == found
    assert after[name].risk == case.risk
    assert set(after) == before | {name}


def test_initial_values_are_not_reported_except_the_accounts_defaults(world: World) -> None:
    found = look(world).undeclared
    assert [f"{item.address}.{item.value.path}" for item in found] == [
        "account.configuration.default_service",
        "account.configuration.default_messaging_service_sid",
    ]
    assert found[0].value.before_name == "Default Conversations Service"


@pytest.mark.parametrize("creator", ["channel admin", "channel user"])
def test_neither_reading_of_the_initial_creator_role_is_a_finding(creator: Any) -> None:
    world = World(rules=Rules(creator_default=creator))
    world.apply(read(BARE))
    assert shown(look(world).undeclared) == []


def test_a_different_built_in_role_as_default_is_reported(world: World) -> None:
    service, admin = world.service("Support"), world.role("Support", "channel admin")
    world.post(f"/v1/Services/{service}/Configuration", {"DefaultConversationRoleSid": admin})
    [found] = [item for item in look(world).undeclared if item.kind.name == "service_configuration"]
    assert (found.value.path, found.value.before_name) == ("default_conversation_role", "channel admin")


def test_a_declared_value_is_no_finding_whatever_it_is(world: World) -> None:
    files = BARE.replace("Support}", "Support, webhooks: {pre_webhook_url: https://a.example/x, method: GET}}")
    service = world.service("Support")
    world.post(f"/v1/Services/{service}/Configuration/Webhooks", {"PreWebhookUrl": "https://b.example/y"})
    assert shown(look(world, files).undeclared) == []


def test_pre_webhooks_come_first_then_other_urls_then_the_rest(world: World) -> None:
    service = world.service("Support")
    world.post("/v1/Configuration/Webhooks", {"PostWebhookUrl": "https://a.example/post", "Target": "flex"})
    form = {"PreWebhookUrl": "https://b.example/pre", "PostWebhookUrl": "https://b.example/post", "Method": "GET"}
    world.post(f"/v1/Services/{service}/Configuration/Webhooks", form)
    assert shown(look(world).undeclared) == [
        ("services.support.webhooks.pre_webhook_url", "https://b.example/pre", "high"),
        ("account.webhooks.post_webhook_url", "https://a.example/post", "medium"),
        ("services.support.webhooks.post_webhook_url", "https://b.example/post", "medium"),
        ("account.webhooks.target", "flex", "medium"),
        ("services.support.webhooks.method", "GET", "medium"),
    ]


def test_a_setting_can_be_ignored_and_a_pattern_for_nothing_is_reported(world: World) -> None:
    service = world.service("Support")
    form = {"PreWebhookUrl": "https://b.example/pre", "PostWebhookUrl": "https://b.example/post"}
    world.post(f"/v1/Services/{service}/Configuration/Webhooks", form)
    ignore = "\nunmanaged: {ignore: [services.support.webhooks.post_webhook_url, account.*]}"
    found = look(world, BARE + ignore)
    assert [f"{item.address}.{item.value.path}" for item in found.undeclared] == [
        "services.support.webhooks.pre_webhook_url"
    ]
    assert found.warnings == ()
    # A plan does not read the settings, so it cannot say that a pattern matches none.
    assert world.plan(read(BARE + ignore)).warnings == ()
    misspelt = ignore.replace("post_webhook_url", "post_webhook")
    assert [problem.code for problem in look(world, BARE + misspelt).warnings] == ["unused-ignore"]


def test_ignore_changes_and_narrowing_leave_settings_alone(world: World) -> None:
    service = world.service("Support")
    world.post(f"/v1/Services/{service}/Configuration/Webhooks", {"PostWebhookUrl": "https://b.example/post"})
    world.post("/v1/Configuration/Webhooks", {"PostWebhookUrl": "https://a.example/post"})
    left = BARE.replace("Support}", "Support, webhooks: {lifecycle: {ignore_changes: [post_webhook_url]}}}")
    assert [name for name, _, _ in shown(look(world, left).undeclared)] == ["account.webhooks.post_webhook_url"]
    of_service = look(world, targets=("services.support",)).undeclared
    assert [str(item.address) for item in of_service] == ["services.support.webhooks"]
    without = look(world, excludes=("services.support.webhooks",)).undeclared
    assert [name for name, _, _ in shown(without)] == ["account.webhooks.post_webhook_url"]


def test_a_secret_in_an_undeclared_url_is_masked(world: World) -> None:
    world.post("/v1/Configuration/Webhooks", {"PreWebhookUrl": "https://a.example/pre?token=4f5e6d7c8b9a0f1e2d3c"})
    [found] = [item for item in look(world).undeclared if item.value.path == "pre_webhook_url"]
    assert found.value.sensitive
    assert found.value.before_shown == "https://a.example/pre?token=(sensitive)"
    assert "4f5e" not in repr(found)


# --- requests --------------------------------------------------------------------------------------------------------

ROLES = (
    "services: {support: {friendly_name: Support, roles: {agent: {type: conversation, permissions: [sendMessage]}}}}"
)


def requests(world: World, files: str, **options: Any) -> list[str]:
    world.forget_requests()
    world.plan(read(files), **options)
    service = world.service("Support")
    return sorted(request.partition("?")[0].replace(service, "IS") for request in world.requests)


def extra(world: World, files: str) -> list[str]:
    """The requests of a drift that a plan does not send."""
    without, found = requests(world, files), requests(world, files, settings=True)
    for request in without:
        found.remove(request)
    return found


def test_a_drift_sends_one_request_for_the_account_and_three_for_a_service(world: World) -> None:
    world.apply(read(ROLES))
    assert extra(world, ROLES) == [
        "GET /v1/Configuration/Webhooks",
        "GET /v1/Services/IS/Configuration/Notifications",
        "GET /v1/Services/IS/Configuration/Webhooks",
    ]
    declared = ROLES.replace("roles:", "webhooks: {method: POST}, roles:") + "\naccount: {webhooks: {method: POST}}"
    assert extra(world, declared) == ["GET /v1/Services/IS/Configuration/Notifications"]


def test_the_names_of_the_default_roles_take_a_request_only_where_nothing_else_reads_them(world: World) -> None:
    of_bare = extra(world, BARE)
    assert of_bare == [
        "GET /v1/Configuration/Webhooks",
        "GET /v1/Services/IS/Configuration",
        "GET /v1/Services/IS/Configuration/Notifications",
        "GET /v1/Services/IS/Configuration/Webhooks",
        "GET /v1/Services/IS/Roles",
    ]
    whole = """
services:
  support:
    friendly_name: Support
    configuration:
      default_conversation_creator_role: channel admin
      default_conversation_role: channel user
      default_chat_service_role: service user
"""
    assert extra(world, whole) == [of_bare[0], *of_bare[2:4]]


def test_a_service_that_does_not_exist_yet_costs_nothing(world: World) -> None:
    assert extra(world, BARE.replace("Support", "Other")) == ["GET /v1/Configuration/Webhooks"]


def test_a_plan_reads_no_settings_unless_the_service_is_sealed(world: World) -> None:
    assert requests(world, BARE) == ["GET /v1/Configuration", "GET /v1/Services"]
    assert requests(world, BARE.replace("Support}", "Support, sealed: true}")) == [
        "GET /v1/Configuration",
        "GET /v1/Services",
        "GET /v1/Services/IS/Configuration",
        "GET /v1/Services/IS/Configuration/Notifications",
        "GET /v1/Services/IS/Configuration/Webhooks",
    ]


def test_settings_that_may_not_be_read_are_named(world: World) -> None:
    world.forbidden["GET .*/Configuration/Notifications"] = 403
    found = look(world)
    [problem] = found.unreadable
    assert problem.message.startswith("cannot read the service notification of 'Support': HTTP 403")
    assert look(world, excludes=("services.support.notifications",)).unreadable == ()
    # A plan does not need them.
    assert world.plan(read(BARE)).unreadable == ()


# --- sealed ----------------------------------------------------------------------------------------------------------

SEALED = "account: {sealed: true}\nservices: {support: {friendly_name: Support, sealed: true}}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}.{case.path}")
def test_sealed_clears_what_the_api_can_clear_and_the_rest_stays_a_finding(world: World, case: Case) -> None:
    found = change(world, case)
    name = f"{ADDRESSES[case.kind]}.{case.path}"
    of_kind = next(kind for kind in KINDS if kind.name == case.kind)
    plan = look(world, SEALED)
    changed = {f"{item.address}.{field.path}": field for item in plan.changes for field in item.fields}
    left = {f"{item.address}.{item.value.path}" for item in plan.undeclared}
    if of_kind.by_path[case.path].why_not_clearable():
        assert not changed
        assert name in left
        return
    assert list(changed) == [name]
    assert (changed[name].before, changed[name].after) == (found, None)
    owner = "services.support is" if case.kind.startswith("service") else "the account is"
    assert [change.reason for change in plan.changes] == [f"{case.path}: not declared, and {owner} sealed"]
    assert name not in left
    world.converge(read(SEALED))
    assert shown(look(world, SEALED).undeclared) == []


def test_a_sealed_new_service_needs_no_call_of_its_own(world: World) -> None:
    files = read("services: {other: {sealed: true, webhooks: {method: GET}}}")
    plan = world.plan(files)
    assert [(change.address.parts, change.action) for change in plan.changes] == [
        (("services", "other"), "create"),
        (("services", "other", "webhooks"), "update"),
    ]
    assert [field.path for field in plan.changes[1].fields] == ["method"]
    world.converge(files)


def test_declared_values_and_ignored_ones_are_not_cleared(world: World) -> None:
    service = world.service("Support")
    form = {
        "PreWebhookUrl": "https://b.example/pre",
        "PostWebhookUrl": "https://b.example/post",
        "Filters": "onMessageAdd",
    }
    world.post(f"/v1/Services/{service}/Configuration/Webhooks", form)
    files = """
services:
  support:
    friendly_name: Support
    sealed: true
    webhooks: {pre_webhook_url: https://c.example/pre, lifecycle: {ignore_changes: [filters]}}
unmanaged: {ignore: [services.*.webhooks.post_webhook_url]}
"""
    [change] = world.plan(read(files)).changes
    assert [(field.path, field.after) for field in change.fields] == [("pre_webhook_url", "https://c.example/pre")]
    assert change.reason == "differs from the configuration"


def test_one_change_says_which_of_its_values_are_cleared(world: World) -> None:
    service = world.service("Support")
    world.post(f"/v1/Services/{service}/Configuration/Webhooks", {"PostWebhookUrl": "https://b.example/post"})
    files = read(BARE.replace("Support}", "Support, sealed: true, webhooks: {method: GET}}"))
    [change] = world.plan(files).changes
    assert change.reason == (
        "differs from the configuration; post_webhook_url: not declared, and services.support is sealed"
    )
    assert [field.source.via if field.source else "" for field in change.fields] == ["", "sealed"]


def test_an_absent_service_is_not_sealed() -> None:
    files = read("services: {support: {sealed: true, absent: true}}")
    assert [str(address) for address in files.resources] == ["services.support"]


def test_a_template_and_an_overlay_can_seal() -> None:
    files = {
        "reconciler.yaml": "version: 1\ntemplates: {shut: {sealed: true}}\nservices: {a: {template: shut}, b: {}}",
        "open.yaml": "services: {a: {sealed: false}, b: {sealed: true}}",
    }
    assert [str(item) for item in read_whole(files).resources if item.parts[-1] == "webhooks"] == [
        "services.a.webhooks"
    ]
    overlaid = read_whole(files, overlays=("open.yaml",))
    assert [str(item) for item in overlaid.resources if item.parts[-1] == "webhooks"] == ["services.b.webhooks"]


def test_the_digest_of_a_configuration_tells_whether_it_is_sealed() -> None:
    assert read(BARE).digest != read(BARE.replace("Support}", "Support, sealed: true}")).digest


# --- with a baseline -------------------------------------------------------------------------------------------------


def test_a_service_that_only_the_ledger_has_is_not_declared(world: World) -> None:
    past = read(BARE).resources[Address.of("services", "support")]
    entry = EntryInfo(1, "2026-01-01T12:00:00Z", "a" * 40)
    baseline = Baseline(
        records={past.address: Record(1)},
        declarations={1: {past.address: past}},
        entries={1: entry},
        head=entry,
        removed_in=lambda _key: ("b" * 40, True),
    )
    service = world.service("Support")
    world.post(f"/v1/Services/{service}/Configuration/Webhooks", {"PostWebhookUrl": "https://b.example/post"})
    world.forget_requests()
    made = look(world, "services: {other: {}}", baseline=baseline)
    assert [(str(change.address), change.action) for change in made.changes] == [
        ("services.other", "create"),
        ("services.support", "delete"),
    ]
    assert shown(made.undeclared) == []
    assert not [request for request in world.requests if "/Services/IS" in request]
