"""`--target` and `--exclude`: what a plan covers, what is read for it, and what is never deleted."""

from __future__ import annotations

import pytest

from reconciler.address import Address
from reconciler.config.selection import select
from reconciler.errors import MatchError
from tests.scenario import told
from tests.world import World, read

DESK = """
version: 1
account: {webhooks: {method: POST}}
services:
  desk:
    configuration: {default_conversation_role: agent}
    webhooks: {method: POST}
    notifications: {log_enabled: true}
    roles:
      agent: {type: conversation, permissions: [sendMessage]}
      lead: {type: service, permissions: [joinConversation]}
    users: {ada: {role: lead}, ben: {}}
    conversations: {lobby: {participants: {ada: {identity: ada, role: agent}}}}
  other:
    roles: {agent: {type: conversation, permissions: [sendMessage]}}
addresses: {"+14155550100": {auto_creation: {enabled: true, type: default, service: desk}}}
credentials: {push: {type: fcm, secret: "${secret:PUSH}"}}
"""
ENV = {"PUSH": "a-long-server-key"}


def covered(*, targets: tuple[str, ...] = (), excludes: tuple[str, ...] = ()) -> list[str]:
    files = read(DESK, ENV)
    chosen = select(files, [Address.parse(item) for item in targets], [Address.parse(item) for item in excludes])
    return [str(declared.address) for declared in files.resources.values() if chosen.covers(declared)]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("account.webhooks", ["account.webhooks"]),
        ("services.desk.webhooks", ["services.desk", "services.desk.webhooks"]),
        (
            "services.desk.configuration",
            ["services.desk", "services.desk.configuration", "services.desk.roles.agent"],
        ),
        ("services.desk.users.ada", ["services.desk", "services.desk.roles.lead", "services.desk.users.ada"]),
        (
            "services.desk.conversations",
            [
                "services.desk",
                "services.desk.conversations.lobby",
                "services.desk.conversations.lobby.participants.ada",
                "services.desk.roles.agent",
            ],
        ),
        ('addresses["+14155550100"]', ['addresses["+14155550100"]', "services.desk"]),
        ("services.other", ["services.other", "services.other.roles.agent"]),
    ],
)
def test_a_target_keeps_what_is_below_it_its_parents_and_its_references(target: str, expected: list[str]) -> None:
    assert covered(targets=(target,)) == expected


def test_an_exclude_drops_what_is_below_it_and_its_dependents() -> None:
    assert covered(excludes=("services.desk.roles.agent", "credentials", "services.other")) == [
        "account.webhooks",
        'addresses["+14155550100"]',
        "services.desk",
        "services.desk.conversations.lobby",
        "services.desk.notifications",
        "services.desk.roles.lead",
        "services.desk.users.ada",
        "services.desk.users.ben",
        "services.desk.webhooks",
    ]


def test_an_exclude_counts_for_more_than_a_target() -> None:
    assert covered(targets=("services.desk.users.ada",), excludes=("services.desk.roles.lead",)) == ["services.desk"]


def with_desk() -> World:
    account = World()
    account.converge(read(DESK, ENV))
    account.forget_requests()
    return account


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("account.webhooks", ["GET /v1/Configuration", "GET /v1/Configuration/Webhooks"]),
        (
            "services.desk.webhooks",
            ["GET /v1/Configuration", "GET /v1/Services/IS/Configuration/Webhooks", "GET /v1/Services?PageSize=50"],
        ),
        (
            "services.desk.notifications",
            [
                "GET /v1/Configuration",
                "GET /v1/Services/IS/Configuration/Notifications",
                "GET /v1/Services?PageSize=50",
            ],
        ),
        ("credentials.push", ["GET /v1/Configuration", "GET /v1/Credentials?PageSize=50"]),
    ],
)
def test_a_target_narrows_the_reads(target: str, expected: list[str]) -> None:
    account = with_desk()
    service = account.service("desk")
    account.forget_requests()
    assert account.plan(read(DESK, ENV), targets=[target]).changes == ()
    assert sorted(item.replace(service, "IS") for item in account.requests) == expected


def test_an_exclude_narrows_the_reads() -> None:
    account = with_desk()
    account.plan(read(DESK, ENV), excludes=["services", "credentials"])
    assert sorted(account.requests) == ["GET /v1/Configuration", "GET /v1/Configuration/Webhooks"]


PRUNED = """
version: 1
services:
  desk: {roles: {agent: {type: conversation, permissions: [sendMessage]}}, users: {}, prune: [roles, users]}
  old: {absent: true, users: {ada: {}}}
approvals: [{address: services.old}]
"""


def pruned() -> tuple[World, dict[str, str]]:
    account = World()
    desk = account.post("/v1/Services", {"FriendlyName": "desk"})["sid"]
    account.post("/v1/Services", {"FriendlyName": "old"})
    role = {"FriendlyName": "extra", "Type": "service", "Permission": ["joinConversation"]}
    sids = {"role": account.post(f"/v1/Services/{desk}/Roles", role)["sid"]}
    account.post(f"/v1/Services/{desk}/Users", {"Identity": "eve"})
    return account, sids


def test_a_target_prunes_only_in_its_own_collection() -> None:
    account, sids = pruned()
    made = account.plan(read(PRUNED), targets=["services.desk.roles"])
    assert told(made) == ["create services.desk.roles.agent", f'delete services.desk.roles["{sids["role"]}"]']


def test_one_pruned_resource_can_be_a_target() -> None:
    account, sids = pruned()
    made = account.plan(read(PRUNED), targets=[f'services.desk.roles["{sids["role"]}"]'])
    assert told(made) == [f'delete services.desk.roles["{sids["role"]}"]']


def test_a_target_inside_of_a_service_that_must_not_exist_does_not_delete_the_service() -> None:
    account, _ = pruned()
    assert told(account.plan(read(PRUNED), targets=["services.old.users.ada"])) == []


def test_nothing_is_deleted_that_contains_an_excluded_resource() -> None:
    account, _ = pruned()
    assert told(account.plan(read(PRUNED), excludes=["services.old.users.ada", "services.desk"])) == []


def test_what_is_omitted_is_neither_pruned_nor_unmanaged() -> None:
    account = with_desk()
    files = read(DESK.replace("users: {ada", "prune: [roles]\n    users: {ada"), ENV)
    made = account.plan(files, targets=["services.desk.roles.lead"])
    assert (told(made), [str(item.address) for item in made.unmanaged if item.live.kind.name == "role"]) == ([], [])


def test_a_dead_pin_outside_of_the_target_is_not_looked_for() -> None:
    account = with_desk()
    files = read(DESK.replace("credentials: {", f"credentials: {{spare: {{sid: CR{'1' * 32}}}, "), ENV)
    assert told(account.plan(files, targets=["account.webhooks"])) == []
    with pytest.raises(MatchError, match="spare"):
        account.plan(files)
