"""What matches nothing in the account, and the near miss that is suggested for it."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import MatchError
from reconciler.near import similarity
from reconciler.plan import Plan
from tests.scenario import HEAD, club, told
from tests.world import World, read


def found(made: Plan) -> list[tuple[str, str, str]]:
    """The severity, code, and message of everything doubtful."""
    return [(problem.severity, problem.code, problem.message) for problem in made.warnings]


def planned(account: World, text: str, **options: Any) -> list[tuple[str, str, str]]:
    return found(account.plan(read(text), **options))


def role(account: World, service: str, name: str, kind: str = "conversation") -> str:
    form = {
        "FriendlyName": name,
        "Type": kind,
        "Permission": ["sendMessage" if kind != "service" else "editOwnMessage"],
    }
    return str(account.post(f"{service}/Roles", form)["sid"])


# --- near misses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada", "ada@example.com"),
        ("ada-example-com", "ada@example.com"),
        ("trainee", "Trainee"),
        ("old-desk", "Old Desk"),
        ("support team", "Support  Team "),
        ("clrk", "clerk"),
        ("whatsapp:+14155550100", "whatsapp: +1 415 555 0100"),
        ("e\u0301lan", "\u00e9lan"),
        ("agent", "agent-7"),
    ],
)
def test_names_that_are_similar(one: str, other: str) -> None:
    assert similarity(one, other) >= 0.6
    assert similarity(other, one) == similarity(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("user-101", "user-102"),
        ("+14155550100", "+14155550101"),
        ("agent", "supervisor"),
        ("", "x"),
        ("a", "a@example.com"),
        ("-", "--"),
    ],
)
def test_names_that_are_not_similar(one: str, other: str) -> None:
    assert similarity(one, other) < 0.6


# --- absent ----------------------------------------------------------------------------------------------------------


def test_an_absent_handle_with_another_live_name_is_reported() -> None:
    account, service = club()
    account.post(f"{service}/Users", {"Identity": "ada@example.com", "FriendlyName": "Ada Lovelace"})
    role(account, service, "Trainee Agent")
    account.post("/v1/Services", {"FriendlyName": "Old Desk"})
    text = HEAD + (
        "    users: {Ada: {absent: true}}\n    roles: {trainee-agent: {absent: true}}\n  old-desk: {absent: true}\n"
    )
    made = account.plan(read(text))
    assert told(made) == []
    assert found(made) == [
        ("warning", "unused-absent", 'absent: no role "trainee-agent" in club. Did you mean "Trainee Agent"?'),
        ("warning", "unused-absent", 'absent: no user "Ada" in club. Did you mean "ada@example.com"?'),
        ("warning", "unused-absent", 'absent: no service "old-desk" in the account. Did you mean "Old Desk"?'),
    ]


def test_an_absent_that_has_done_its_work_is_a_notice() -> None:
    account, service = club()
    for identity in ("user-102", "zoe"):
        account.post(f"{service}/Users", {"Identity": identity})
    text = HEAD + "    users: {user-101: {absent: true}, user-102: {absent: true}}\n"
    account.converge(read(text))
    assert planned(account, text) == [
        ("notice", "done-absent", 'absent: no user "user-101" in club'),
        ("notice", "done-absent", 'absent: no user "user-102" in club'),
    ]


def test_an_absent_below_what_does_not_exist_is_not_reported() -> None:
    assert planned(World(), HEAD + "    users: {ada: {absent: true}}\n") == []


def test_a_managed_resource_is_no_near_miss() -> None:
    account, service = club()
    account.post(f"{service}/Users", {"Identity": "ada@example.com"})
    text = HEAD + "    users: {ada: {absent: true}, kept: {identity: ada@example.com}}\n"
    assert planned(account, text) == [("notice", "done-absent", 'absent: no user "ada" in club')]


def test_a_secret_name_is_not_compared_with_live_names() -> None:
    account, service = club()
    account.post(f"{service}/Users", {"Identity": "ada@example.com"})
    text = HEAD + "    users: {x: {absent: true, identity: '${secret:WHO}'}}\n"
    made = account.plan(read(text, {"WHO": "ada@example.co"}))
    assert found(made) == [("notice", "done-absent", 'absent: no user "(sensitive value)" in club')]


# --- renamed_from ----------------------------------------------------------------------------------------------------


def test_a_former_name_that_is_not_live_is_reported_with_the_near_miss() -> None:
    account, service = club()
    role(account, service, "Clerk")
    text = HEAD + "    roles: {helper: {type: conversation, permissions: [leaveConversation], renamed_from: clerk}}\n"
    assert planned(account, text) == [
        ("warning", "unused-renamed-from", 'renamed_from: no role "clerk" in club. Did you mean "Clerk"?')
    ]


def test_a_former_name_that_nothing_is_similar_to_is_reported() -> None:
    account, _ = club()
    text = HEAD + "    roles: {helper: {type: conversation, permissions: [sendMessage], renamed_from: zzz}}\n"
    message = 'renamed_from: no role "zzz" in club; services.club.roles.helper is created'
    assert planned(account, text) == [("warning", "unused-renamed-from", message)]


def test_a_rename_that_is_done_is_reported() -> None:
    account, service = club()
    account.post(f"{service}/Users", {"Identity": "b"})
    text = HEAD + "    users: {a: {renamed_from: b}}\n"
    account.converge(read(text))
    done = 'renamed_from: "a" has its new name'
    assert planned(account, text) == [("warning", "stale-renamed-from", done)]


# --- globs -----------------------------------------------------------------------------------------------------------


def test_a_pattern_that_matches_nothing_is_reported_with_the_near_miss() -> None:
    account, service = club()
    role(account, service, "VIP Agent")
    text = HEAD + "    roles: {}\n    prune: {roles: {match: ['zzz*', '?* *'], except: ['vip *', '[vip] agent']}}\n"
    assert planned(account, text) == [
        ("warning", "unused-match", 'match: no role in club matches "zzz*"'),
        ("warning", "unused-except", 'except: no role in club matches "[vip] agent". Did you mean "VIP Agent"?'),
        ("warning", "unused-except", 'except: no role in club matches "vip *". Did you mean "VIP Agent"?'),
    ]


def test_an_exception_by_handle_is_reported_with_the_name() -> None:
    account, service = club()
    role(account, service, "Agent [A]*")
    text = HEAD + ("    roles: {agent-a: {friendly_name: 'Agent [A]*'}}\n    prune: {roles: {except: [agent-a]}}\n")
    message = r'except: no role in club matches "agent-a". Did you mean "Agent [A]\*"?'
    assert planned(account, text) == [("warning", "unused-except", message)]


def test_an_ignored_pattern_that_matches_nothing_is_reported_with_the_address() -> None:
    account, service = club()
    sid = role(account, service, "clerk")
    role(account, service, "agent")
    text = HEAD + "    roles: {agent: {}}\nunmanaged: {ignore: [services.club.roles.clerk]}\n"
    address = f'services.club.roles["{sid}"]'
    message = f'ignore: no unmanaged resource matches "services.club.roles.clerk". Did you mean {address}?'
    assert planned(account, text) == [("warning", "unused-ignore", message)]
    assert planned(account, text.replace("[services.club.roles.clerk]", f"['{address}']")) == []


# --- approvals and options -------------------------------------------------------------------------------------------


def test_an_approval_of_nothing_is_reported() -> None:
    account, _ = club()
    old = account.post("/v1/Services", {"FriendlyName": "Old Desk"})["sid"]
    text = HEAD + "prune: {services: {match: 'Old*'}}\napprovals: [{address: 'services[\"Old Desk\"]'}]\n"
    assert planned(account, text) == [
        (
            "warning",
            "unused-approval",
            f'approvals: no delete of services["Old Desk"] is planned. Did you mean services["{old}"]?',
        )
    ]
    done = HEAD + "approvals: [{address: services.gone}]\n"
    message = "approvals: no delete of services.gone is planned"
    assert planned(account, done) == [("notice", "done-approval", message)]


@pytest.mark.parametrize("option", ["targets", "excludes", "rotate"])
def test_an_option_that_names_nothing_is_an_error_with_the_near_miss(option: str) -> None:
    account, service = club()
    role(account, service, "Front Desk")
    files = read(HEAD + "    roles: {front-desk: {friendly_name: Front Desk}}\n")
    word = {"targets": "--target", "excludes": "--exclude", "rotate": "--rotate"}[option]
    for address, meant in (
        ('services.club.roles["Front Desk"]', "services.club.roles.front-desk"),
        ('services["Members\' club"]', "services.club"),
        ("services.club.roles.front_desk", "services.club.roles.front-desk"),
    ):
        with pytest.raises(MatchError) as error:
            account.plan(files, **{option: [address]})
        assert [problem.message for problem in error.value.problems] == [
            f"{word} {address}: no such resource. Did you mean {meant}?"
        ]
