"""Collections that a key may not read: what needs them is left out and reported; everything else goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from reconciler.api.client import ReadClient
from reconciler.api.credentials import Credentials
from reconciler.errors import Refused
from reconciler.export import Export, export
from reconciler.export.account import read_account
from reconciler.planning.plan import Plan
from reconciler.report import Silent
from tests.commands import forget_surroundings, runner
from tests.emulator.served import served
from tests.restricted import Restricted
from tests.scenario import told
from tests.world import ACCOUNT, World, read

DESK = """
version: 1
account: {webhooks: {method: GET}}
services:
  desk:
    webhooks: {method: GET}
    roles: {agent: {type: conversation, permissions: [sendMessage]}}
    configuration: {default_conversation_role: agent}
    users: {ada: {role: service admin}, ben: {}}
    conversations: {lobby: {participants: {ada: {identity: ada, role: agent}}}}
addresses: {"+14155550100": {auto_creation: {enabled: true, type: default, service: desk}}}
"""


def desk() -> World:
    """An account with the service."""
    account = World()
    account.post("/v1/Services", {"FriendlyName": "desk"})
    return account


def forbid(account: World, pattern: str, status: int = 403) -> World:
    account.forbidden[pattern] = status
    return account


def messages(made: Plan) -> list[str]:
    return [problem.message for problem in made.unreadable]


@pytest.mark.parametrize(
    ("pattern", "changes", "message"),
    [
        (
            "GET /v1/Configuration/Webhooks",
            [
                "create services.desk.roles.agent", "update services.desk.configuration",
                "create services.desk.conversations.lobby",
                "create services.desk.conversations.lobby.participants.ada", "update services.desk.webhooks",
                "create services.desk.users.ada", "create services.desk.users.ben",
                'create addresses["+14155550100"]',
            ],
            "cannot read the account webhook: HTTP 403, Twilio error 70051; not compared: account.webhooks",
        ),
        (
            "GET /v1/Services/[^/]+/Users",
            [
                "update account.webhooks", "create services.desk.roles.agent", "update services.desk.configuration",
                "create services.desk.conversations.lobby",
                "create services.desk.conversations.lobby.participants.ada", "update services.desk.webhooks",
                'create addresses["+14155550100"]',
            ],
            ("cannot read the user list of 'desk': HTTP 403, Twilio error 70051; not compared: "
            "services.desk.users.ada, services.desk.users.ben"),
        ),
        (
            "GET /v1/Services/[^/]+/Roles",
            [
                "update account.webhooks", "create services.desk.conversations.lobby",
                "update services.desk.webhooks", "create services.desk.users.ben",
                'create addresses["+14155550100"]',
            ],
            ("cannot read the role list of 'desk': HTTP 403, Twilio error 70051; not compared: "
            "services.desk.configuration, services.desk.conversations.lobby.participants.ada, "
            "services.desk.roles.agent and 1 more"),
        ),
        (
            "GET /v1/Services",
            ["update account.webhooks"],
            ("cannot read the service list: HTTP 403, Twilio error 70051; not compared: "
            'addresses["+14155550100"], services.desk'),
        ),
    ],
    ids=["a singleton", "users", "roles", "services"],
)  # fmt: skip
def test_only_what_needs_the_collection_is_left_out(pattern: str, changes: list[str], message: str) -> None:
    account = forbid(desk(), pattern)
    made = account.plan(read(DESK))
    assert sorted(told(made)) == sorted(changes)
    assert messages(made) == [message]
    report = account.do(made)
    assert report.exit_code == 1
    assert {result.status for result in report.results} == {"done"}


@pytest.mark.parametrize(
    ("files", "status", "hint"),
    [
        (DESK, 403, "Give the API key permission to read it, or exclude these resources with --exclude."),
        (
            DESK,
            404,
            "It does not exist in this account or region. Exclude these resources with --exclude.",
        ),
        (
            "version: 1",
            403,
            "Give the API key permission to read it, or use --fail-on without unmanaged, which does not search it.",
        ),
        (
            "version: 1",
            404,
            "It does not exist in this account or region. Use --fail-on without unmanaged, which does not search it.",
        ),
    ],
    ids=["declared, 403", "declared, 404", "searched, 403", "searched, 404"],
)
def test_only_what_is_declared_can_be_excluded(files: str, status: int, hint: str) -> None:
    account = forbid(desk(), "GET /v1/Configuration/Addresses", status)
    made = account.plan(read(files), searches=True)
    assert [problem.hint for problem in made.unreadable] == [hint]


def test_a_missing_region_is_a_404() -> None:
    account = forbid(desk(), "GET /v1/Configuration/Addresses", 404)
    made = account.plan(read(DESK))
    assert messages(made) == [
        'cannot read the address list: HTTP 404, Twilio error 20404; not compared: addresses["+14155550100"]'
    ]
    assert "give the API key" not in made.unreadable[0].hint


@pytest.mark.parametrize("pattern", ["GET /v1/Configuration", "GET /v1/Services"])
def test_a_key_that_is_not_accepted_at_all_stops_the_plan(pattern: str) -> None:
    with pytest.raises(Refused):
        forbid(desk(), pattern, 401).plan(read(DESK))


def test_the_account_itself_has_to_be_readable() -> None:
    with pytest.raises(Refused):
        forbid(desk(), "GET /v1/Configuration").plan(read(DESK))


def test_a_target_does_not_need_what_is_outside_of_it() -> None:
    account = forbid(desk(), "GET /v1/Services/[^/]+/Users")
    assert account.plan(read(DESK), targets=["services.desk.webhooks"]).unreadable == ()
    assert account.plan(read(DESK), excludes=["services.desk.users"]).unreadable == ()


def test_what_cannot_be_read_is_not_pruned() -> None:
    account = desk()
    service = account.service("desk")
    account.post(f"/v1/Services/{service}/Users", {"Identity": "eve"})
    made = forbid(account, "GET /v1/Services/[^/]+/Users").plan(
        read("version: 1\nservices: {desk: {users: {}, prune: [users]}}\n")
    )
    assert (told(made), messages(made)) == ([], ["cannot read the user list of 'desk': HTTP 403, Twilio error 70051"])


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("GET /v1/Services/[^/]+/Users", "user"),
        ("GET /v1/Services/[^/]+/Configuration", "service configuration"),
    ],
)
def test_a_role_is_not_deleted_while_nobody_can_tell_who_holds_it(pattern: str, words: str) -> None:
    account = desk()
    service = account.service("desk")
    role = {"FriendlyName": "old", "Type": "service", "Permission": ["joinConversation"]}
    account.post(f"/v1/Services/{service}/Roles", role)
    made = forbid(account, pattern).plan(read("version: 1\nservices: {desk: {roles: {old: {absent: true}}}}\n"))
    (change,) = made.changes
    assert change.guard is not None
    assert (change.guard.name, change.guard.verdict) == ("unreadable", "withheld")
    assert f"has no permission to read the {words} list" in change.guard.message


def test_a_service_is_not_deleted_while_nobody_can_tell_which_addresses_use_it() -> None:
    account = forbid(desk(), "GET /v1/Configuration/Addresses")
    made = account.plan(read("version: 1\nservices: {desk: {absent: true}}\napprovals: [{address: services.desk}]\n"))
    (change,) = made.changes
    assert change.guard is not None
    assert change.guard.name == "unreadable"


def exported(account: World) -> Export:
    async def run() -> Export:
        async with ReadClient(
            "https://conversations.twilio.com",
            Credentials(ACCOUNT, "emulator", ACCOUNT),
            transport=account.transport(),
        ) as client:
            return export(await read_account(client, Silent(), ["users"]))

    return asyncio.run(run())


def test_an_export_leaves_out_what_may_not_be_read_and_says_so() -> None:
    account = desk()
    account.converge(read(DESK))
    forbid(account, "GET /v1/Services/[^/]+/Users")
    found = exported(account)
    text = "Not exported: the user list of desk could not be read (HTTP 403, Twilio error 70051)."
    assert text in found.unreadable
    assert f"# {text}" in found.files["reconciler.yaml"].splitlines()
    assert not any(declared.kind.name == "user" for declared in found.config.resources.values())
    assert any(declared.kind.name == "role" for declared in found.config.resources.values())


def test_an_export_tells_a_deleted_service_from_one_that_may_not_be_read() -> None:
    account = desk()
    account.converge(read(DESK))
    forbid(account, "GET /v1/Services/[^/]+/Roles", 404)
    assert (
        "Not exported: the role list of desk could not be read (HTTP 404, Twilio error 20404)."
        in exported(account).unreadable
    )
    service = account.service("desk")
    forbid(account, f"GET /v1/Services/{service}.*", 404)
    assert not any("desk" in text for text in exported(account).unreadable)


def test_commands_do_everything_else_and_exit_with_status_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    account = desk()
    (tmp_path / "reconciler.yaml").write_text(DESK)
    forget_surroundings(monkeypatch)
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", ACCOUNT)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "emulator")
    run = runner(capsys)
    said = "error: cannot read the user list of 'desk': HTTP 403, Twilio error 70051"
    with served(account.emulator) as host:
        host.app = Restricted(account.emulator, {"GET /v1/Services/[^/]+/Users": 403})
        connection = (str(tmp_path), "--api-url", host.url)
        for command in (("plan",), ("plan", "--detailed-exitcode"), ("drift",), ("drift", "--format", "json")):
            ended = run(command[0], *connection, *command[1:])
            assert (ended.code, said in ended.err) == (1, True), ended
        applied = run("apply", *connection, "--yes", "--format", "json")
        assert (applied.code, said in applied.err) == (1, True)
        assert {result["status"] for result in applied.json["changes"]} == {"done"}
        assert len(applied.json["unreadable"]) == 1
        again = run("apply", *connection, "--yes")
        assert (again.code, said in again.err) == (1, True)
        left = run("export", "--api-url", host.url, "--include", "users")
        assert left.code == 5
        assert "Warning: Not exported: the user list of desk" in left.err
        assert max(map(len, left.err.splitlines())) <= 100
        (tmp_path / "out").mkdir()
        assert run("export", "--api-url", host.url, "--out", str(tmp_path / "out")).code == 0
        over = run("export", "--api-url", host.url, "--out", str(tmp_path / "out"), "--include", "users")
        assert (over.code, "may not read everything (user)" in over.err) == (1, True)
