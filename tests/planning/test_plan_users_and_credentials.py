"""Scenarios of users, credentials, the header for webhooks, and large collections: files in, requests out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from reconciler.emulator import Rules
from reconciler.emulator.seed import Traffic, seed
from reconciler.errors import MatchError
from tests.scenario import HEAD, club, fields, only, problems, sent, told, writes
from tests.world import World, read, seen

FLOW = "FW" + "1" * 32
CUSTOMER, DESK = "+14155550199", "+14155550100"


# --- users -----------------------------------------------------------------------------------------------------------


def test_another_identity_is_another_user() -> None:
    account, _ = club()
    account.converge(read(HEAD + "    users: {ada: {friendly_name: Ada}}\n"))
    made = account.plan(read(HEAD + "    users: {ada: {identity: Ada, friendly_name: Ada}}\n"))
    assert told(made) == ["create services.club.users.ada"]


def test_users_follow_a_role_that_is_replaced_before_the_old_one_goes() -> None:
    account, service = club(Rules(role_in_use="refused"))
    text = HEAD + (
        "    roles: {mod: {type: service, permissions: [editAnyMessage]}}\n"
        "    users: {ada: {role: mod}, ben: {role: mod}}\n"
    )
    account.converge(read(text))
    old = account.role("Members' club", "mod")
    # A role's name is immutable, so this is a replace.
    files = read(text.replace("mod: {type", "mod: {friendly_name: moderator, renamed_from: mod, type"))
    made = account.plan(files)
    assert {f"{change.action} {change.address}": change.guard for change in made.changes} == {
        "replace services.club.roles.mod": None,
        "update services.club.users.ada": None,
        "update services.club.users.ben": None,
    }
    account.forget_requests()
    account.converge(files)
    assert account.writes[0] == f"POST {service}/Roles"
    assert account.writes[-1] == f"DELETE {service}/Roles/{old}"
    assert len(account.writes) == 4


def test_a_role_that_somebody_else_still_holds_stays() -> None:
    account, service = club()
    text = HEAD + "    roles: {mod: {type: service, permissions: [editAnyMessage]}}\n    users: {ada: {role: mod}}\n"
    account.converge(read(text))
    old = account.role("Members' club", "mod")
    account.post(f"{service}/Users", {"Identity": "zoe", "RoleSid": old})
    files = read(text.replace("mod: {type", "mod: {friendly_name: moderator, renamed_from: mod, type"))
    made = account.plan(files)
    guard = next(change.guard for change in made.changes if change.action == "replace")
    assert guard is not None
    assert (guard.name, guard.only_delete) == ("role_in_use", True)
    assert guard.message == "1 user still holds the role 'mod' (zoe); assign another role first"
    assert account.do(made).exit_code == 5
    assert account.get(f"{service}/Users/ada")["role_sid"] == account.role("Members' club", "moderator")
    assert account.get(f"{service}/Roles/{old}")["friendly_name"] == "mod"


@pytest.mark.parametrize(
    "gone",
    [
        "    roles: {mod: {absent: true}}\n    users: {ada: {absent: true}, ben: {absent: true}}\n",
        "    roles: {}\n    users: {}\n    prune: [roles, users]\n",
    ],
    ids=["absent", "pruned"],
)
def test_a_role_goes_after_the_users_who_go_with_it(gone: str) -> None:
    account, _ = club(Rules(role_in_use="refused"))
    users = "    users: {ada: {role: mod}, ben: {role: mod}}\n"
    account.converge(read(HEAD + "    roles: {mod: {type: service, permissions: [editAnyMessage]}}\n" + users))
    account.forget_requests()
    account.converge(read(HEAD + gone))
    assert [request.split("/")[4] for request in account.writes] == ["Users", "Users", "Roles"]


def test_a_role_stays_with_a_user_who_may_not_go() -> None:
    account, _ = club()
    text = HEAD + "    roles: {mod: {type: service, permissions: [editAnyMessage]}}\n    users: {ada: {role: mod}}\n"
    account.converge(read(text))
    kept = read(
        HEAD + "    roles: {}\n    users: {ada: {lifecycle: {prevent_destroy: true}}}\n    prune: [roles, users]\n"
    )
    made = account.plan(kept)
    assert {f"{change.action} {change.kind.name}": change.guard and change.guard.name for change in made.changes} == {
        "delete role": "role_in_use"
    }
    assert account.do(made).exit_code == 5


def test_a_role_stays_with_a_user_whose_new_role_may_not_be_made() -> None:
    account, service = club(Rules(role_in_use="allowed"))
    text = HEAD + "    roles: {mod: {type: service, permissions: [editAnyMessage]}}\n    users: {ada: {role: mod}}\n"
    account.converge(read(text))
    mod = account.role("Members' club", "mod")
    made = account.plan(
        read(
            HEAD
            + "    roles: {boss: {type: service, permissions: [editAnyMessage], lifecycle: {prevent_create: true}}}\n"
            "    users: {ada: {role: boss}}\n    prune: [roles]\n"
        )
    )
    assert {f"{change.action} {change.kind.name}": change.guard and change.guard.name for change in made.changes} == {
        "create role": "prevent_create",
        "update user": "needs",
        "delete role": "role_in_use",
    }
    assert account.do(made).exit_code == 5
    assert account.get(f"{service}/Users/ada")["role_sid"] == mod


def test_a_service_stays_with_an_address_whose_new_service_may_not_be_made() -> None:
    account, _ = club()
    number = 'addresses: {"+14155550100": {auto_creation: {enabled: true, type: default, service: club}}}\n'
    account.converge(read(HEAD + number))
    club_sid = account.service("Members' club")
    made = account.plan(
        read(
            HEAD + "    absent: true\n  bar: {lifecycle: {prevent_create: true}}\n" + number.replace(": club", ": bar")
        ),
        approved=["services.club"],
    )
    assert {f"{change.action} {change.kind.name}": change.guard and change.guard.name for change in made.changes} == {
        "create service": "prevent_create",
        "update address_configuration": "needs",
        "delete service": "service_in_use",
    }
    assert account.do(made).exit_code == 5
    assert account.service("Members' club") == club_sid


# --- credentials -----------------------------------------------------------------------------------------------------

PUSH = """
version: 1
credentials:
  android: {type: fcm, friendly_name: Push, secret: "${secret:FCM}"}
"""
SECRET = "not-for-your-eyes"


def test_credentials_are_told_apart_by_type_and_name() -> None:
    account = World()
    account.post("/v1/Credentials", {"Type": "gcm", "FriendlyName": "Push", "ApiKey": "k"})
    account.post("/v1/Credentials", {"Type": "fcm", "FriendlyName": "Push", "Secret": "s"})
    assert account.plan(read(PUSH, {"FCM": SECRET})).changes == ()
    ios = PUSH + '  old: {type: gcm, friendly_name: Push, api_key: "${secret:FCM}"}\n'
    assert account.plan(read(ios, {"FCM": SECRET})).changes == ()
    account.post("/v1/Credentials", {"Type": "fcm", "FriendlyName": "Push", "Secret": "s"})
    with pytest.raises(MatchError) as error:
        account.plan(read(PUSH, {"FCM": SECRET}))
    assert [code for code in problems(error) if code != "unusual-key"] == ["ambiguous-name"]


def test_a_credential_of_another_type_is_another_one() -> None:
    account = World()
    account.post("/v1/Credentials", {"Type": "gcm", "FriendlyName": "Push", "ApiKey": "k"})
    assert told(account.plan(read(PUSH, {"FCM": SECRET}))) == ["create credentials.android"]


def test_another_type_of_a_pinned_credential_takes_its_secret_along() -> None:
    account = World()
    sid = account.post("/v1/Credentials", {"Type": "gcm", "FriendlyName": "Push", "ApiKey": "k"})["sid"]
    account.forget_requests()
    files = read(PUSH.replace("{type: fcm", f"{{sid: {sid}, type: fcm"), {"FCM": SECRET})
    made = account.plan(files)
    assert {path: item.sensitive for path, item in fields(only(made)).items()} == {"type": False, "secret": True}
    account.converge(files)
    assert sent(account) == [(f"POST /v1/Credentials/{sid}", {"Type": ["fcm"], "Secret": [SECRET]})]


def test_a_secret_is_sent_once_and_again_only_when_asked() -> None:
    account = World()
    account.converge(read(PUSH, {"FCM": SECRET}))
    assert sent(account) == [("POST /v1/Credentials", {"Type": ["fcm"], "FriendlyName": ["Push"], "Secret": [SECRET]})]
    account.forget_requests()
    files = read(PUSH, {"FCM": "another"})
    made = account.plan(files)
    assert made.changes == ()
    assert [(str(address), path) for address, path in made.unverified] == [("credentials.android", "secret")]
    rotated = account.plan(files, rotate=("credentials.android",))
    assert [item.path for item in only(rotated).fields] == ["secret"]
    assert only(rotated).reason == "resent (--rotate)"
    shown = seen(rotated).to_json()
    assert "another" not in shown
    assert '"FCM"' in shown
    assert account.do(rotated).exit_code == 0
    assert [form for _, form in sent(account)] == [{"Secret": ["another"]}]


def test_an_unset_secret_is_missed_only_when_it_must_be_sent() -> None:
    account = World()
    unset = read(PUSH)
    assert [problem.code for problem in account.plan(unset).unset] == ["unset-secret"]
    account.converge(read(PUSH, {"FCM": SECRET}))
    made = account.plan(unset)
    assert made.changes == ()
    assert [(str(address), path) for address, path in made.unverified] == [("credentials.android", "secret")]
    (problem,) = account.plan(unset, rotate=("credentials.android",)).unset
    assert problem.message == "secret of credentials.android must be sent, but secret FCM is not set"
    renamed = read(
        PUSH.replace("type: fcm, friendly_name: Push", "type: fcm, renamed_from: Push, friendly_name: Droid")
    )
    assert [item.path for item in only(account.plan(renamed)).fields] == ["friendly_name"]


@pytest.mark.parametrize("text", ["title", "lower"])
def test_a_sandbox_that_comes_back_as_text_is_no_difference(text: Any) -> None:
    account = World(Rules(sandbox_text=text))
    account.post("/v1/Credentials", {"Type": "apn", "FriendlyName": "ios", "Sandbox": "true"})
    ios = "version: 1\ncredentials: {ios: {type: apn, sandbox: SANDBOX}}\n"
    assert account.plan(read(ios.replace("SANDBOX", "true"))).changes == ()
    account.converge(read(ios.replace("SANDBOX", "false")))


def test_credentials_are_pruned_by_name() -> None:
    account = World()
    for name in ("old push", "kept"):
        account.post("/v1/Credentials", {"Type": "gcm", "FriendlyName": name, "ApiKey": "k"})
    files = read(PUSH + 'prune: {credentials: {match: "old *"}}\n', {"FCM": SECRET})
    assert [(change.action, change.name) for change in account.plan(files).changes] == [
        ("create", "Push"),
        ("delete", "old push"),
    ]
    account.converge(files)


# --- the header for webhooks -----------------------------------------------------------------------------------------

EVERYTHING = (
    HEAD
    + f"""
    roles: {{spare: {{type: service, permissions: [editAnyMessage]}}}}
    users: {{ada: {{friendly_name: Ada}}}}
    conversations:
      desk:
        participants: {{host: {{identity: ada}}}}
        webhooks: {{bot: {{target: studio, flow_sid: {FLOW}}}}}
credentials:
  android: {{type: fcm, secret: "${{secret:FCM}}"}}
"""
)
_HEADER = "x-twilio-webhook-enabled"


def with_header(account: World) -> dict[str, str | None]:
    """By the last word of the path that is no SID: what the header said."""
    found: dict[str, str | None] = {}
    for record in writes(account):
        words = [word for word in record.path.split("/") if not any(char.isdigit() for char in word)]
        found[f"{record.method} {words[-1]}"] = record.headers.get(_HEADER)
    return found


@pytest.mark.parametrize(("asked", "told"), [(True, "true"), (False, None)], ids=["asked", "not asked"])
def test_webhooks_are_triggered_only_when_asked_and_where_the_api_knows_how(*, asked: bool, told: str | None) -> None:
    account = World()
    files = read(EVERYTHING, {"FCM": SECRET})
    assert account.do(account.plan(files), trigger_webhooks=asked).exit_code == 0
    assert with_header(account) == {
        "POST Services": None,
        "POST Roles": None,
        "POST Users": told,
        "POST Conversations": told,
        "POST Participants": told,
        "POST Webhooks": None,
        "POST Credentials": None,
    }
    account.forget_requests()
    gone = read(
        HEAD
        + """
    roles: {spare: {absent: true}}
    users: {ada: {absent: true}}
    conversations: {desk: {absent: true}}
credentials:
  android: {type: fcm, absent: true}
"""
    )
    report = account.do(account.plan(gone, approved=("services.club.conversations.desk",)), trigger_webhooks=asked)
    assert report.exit_code == 0
    assert with_header(account) == {
        "DELETE Roles": None,
        "DELETE Users": told,
        "DELETE Conversations": told,
        "DELETE Credentials": None,
    }


# --- large collections -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crowd() -> tuple[World, str]:
    """A service with 10,000 users, and its path."""
    account = World()
    nothing = {"conversations": 0, "participants": 0, "webhooks": 0, "messages": 0, "bindings": 0, "addresses": 0}
    seed(account.emulator, Traffic(services=0, roles=0, users=10_000, credentials=0, **nothing))
    service = account.get("/v1/Configuration")["default_chat_service_sid"]
    return account, f"/v1/Services/{service}"


def members(service: str, names: Sequence[str], more: str = "") -> str:
    lines = "".join(f"      {name}: {{friendly_name: Somebody}}\n" for name in names)
    return f"version: 1\nservices:\n  all:\n    sid: {service.rpartition('/')[2]}\n{more}    users:\n{lines}"


def test_twenty_users_among_ten_thousand_are_read_one_by_one(crowd: tuple[World, str]) -> None:
    account, service = crowd
    there = sorted(str(row["name"]) for row in account.snapshot().values() if row["kind"] == "user")
    names = [f"new{number}" for number in range(5)] + there[::700]
    account.forget_requests()
    made = account.plan(read(members(service, names)))
    asked = [request for request in account.requests if "/Users" in request]
    assert len(asked) <= 21
    assert len(account.requests) - len(asked) <= 2
    assert sorted(change.action for change in made.changes) == ["create"] * 5 + ["update"] * 15
    # Nothing is said of the thousands that were not read.
    assert len(made.unmanaged) <= 50


def test_pruning_users_reads_all_of_them(crowd: tuple[World, str]) -> None:
    account, service = crowd
    account.forget_requests()
    made = account.plan(read(members(service, ["new"], '    prune: {users: {match: "zo*.7*"}}\n')))
    asked = [request for request in account.requests if "/Users" in request]
    assert len(asked) == 200
    gone = [change for change in made.changes if change.action == "delete"]
    assert gone
    assert all(change.name.startswith("zo") for change in gone)
