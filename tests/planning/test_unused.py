"""What matches nothing in the account, and the near miss that is suggested for it."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.config.similar import is_mistyped_number, is_typo, similarity
from reconciler.errors import MatchError
from reconciler.planning.plan import Plan
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


@pytest.mark.parametrize("number", ["+4155550100", "4155550100", "+1415555010", "+14155551000", "+114155550100"])
def test_a_phone_number_with_digits_missing_too_many_or_exchanged(number: str) -> None:
    assert is_mistyped_number(number, "+14155550100")


@pytest.mark.parametrize("number", ["+14155550101", "+14155550100", "+44", "agent 14155550100", "+491711234567"])
def test_another_phone_number_is_not_a_mistyped_one(number: str) -> None:
    assert not is_mistyped_number(number, "+14155550100")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("dsk", "desk"),
        ("Desk", "desk"),
        ("dsek", "desk"),
        ("deskk", "desk"),
        ("dexk", "desk"),
        ("old_desk", "old-desk"),
    ],
)
def test_a_typo(one: str, other: str) -> None:
    assert is_typo(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("old-desk", "new-desk"), ("support-eu", "support-us"), ("desk-a", "desk-b"), ("desk-1", "desk-2"),
        ("desk", "desk"), ("a", "b"), ("desk", "desktop"),
    ],
)  # fmt: skip
def test_another_name_is_no_typo(one: str, other: str) -> None:
    assert not is_typo(one, other)


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
    done = 'renamed_from: "a" already has its new name'
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


def test_an_exception_by_sid_or_by_a_mistyped_number_is_reported_with_the_name() -> None:
    account, _ = club()
    sid = account.post("/v1/Services", {"FriendlyName": "Old Desk"})["sid"]
    account.post("/v1/Configuration/Addresses", {"Type": "sms", "Address": "+14155550100"})
    other = "IS" + "0" * 32
    text = HEAD + (
        "addresses: {}\nprune:\n"
        f"  addresses: {{match: '+1*', except: ['+4155550100', '+14155550101']}}\n"
        f"  services: {{match: 'Old*', except: [{sid}, {other}]}}\n"
    )
    assert planned(account, text) == [
        ("warning", "unused-except", 'except: no address in the account matches "+14155550101"'),
        (
            "warning",
            "unused-except",
            'except: no address in the account matches "+4155550100". Did you mean "+14155550100"?',
        ),
        ("warning", "unused-except", f'except: no service in the account matches "{other}"'),
        ("warning", "unused-except", f'except: no service in the account matches "{sid}". Did you mean "Old Desk"?'),
    ]


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("services.*.role.*", "services.*.roles.*"),
        ("services.club.role.*", "services.club.roles.*"),
        ("service.*", "services.*"),
        ("addreses.*", "addresses.*"),
        ("services.Club.*", "services.club.*"),
        ("services.clb.*", "services.club.*"),
        ("services.club.conversations.*.participant.*", "services.club.conversations.*.participants.*"),
    ],
)
def test_an_ignored_pattern_with_a_misspelt_part_is_reported(pattern: str, meant: str) -> None:
    account, _ = club()
    text = HEAD + f"unmanaged: {{ignore: ['{pattern}']}}\n"
    message = f'ignore: no unmanaged resource matches "{pattern}". Did you mean {meant}?'
    assert planned(account, text) == [("warning", "unused-ignore", message)]


@pytest.mark.parametrize(
    "pattern",
    ["services.*.roles.*", "services.club.users.*", "addresses.*", "credentials.*", "services.gone.*", "*.roles.*"],
)
def test_an_ignored_pattern_that_matches_nothing_now_is_a_notice(pattern: str) -> None:
    account, _ = club()
    text = HEAD + f"unmanaged: {{ignore: ['{pattern}']}}\n"
    assert planned(account, text) == [("notice", "unused-ignore", f'ignore: no unmanaged resource matches "{pattern}"')]


@pytest.mark.parametrize(
    "pattern", ["services.*.roles.*", "services.club.*", "*.roles.RL*", 'services.club.roles["RL*']
)
def test_an_ignored_pattern_matches_sids_as_parts_of_an_address(pattern: str) -> None:
    account, service = club()
    role(account, service, "clerk")
    role(account, service, "agent")
    text = HEAD + "    roles: {agent: {}}\n"
    assert [item.name for item in account.plan(read(text)).unmanaged if item.live.kind.name == "role"] == ["clerk"]
    made = account.plan(read(f"{text}unmanaged: {{ignore: ['{pattern}']}}\n"))
    assert ([item for item in made.unmanaged if item.live.kind.name == "role"], found(made)) == ([], [])


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


@pytest.mark.parametrize(
    ("address", "meant"),
    [
        ("services.clb", "services.club"),
        ("services.Club", "services.club"),
        ('services["Members\' club"]', "services.club"),
        ("services.club.conversations.loby", "services.club.conversations.lobby"),
    ],
)
def test_an_approval_with_a_typo_is_reported_although_nothing_is_planned(address: str, meant: str) -> None:
    account, service = club()
    account.post(f"{service}/Conversations", {"UniqueName": "lobby"})
    text = HEAD + "    conversations: {lobby: {}}\n"
    quoted = address.replace("'", "''")
    assert planned(account, f"{text}approvals: [{{address: '{quoted}'}}]\n") == [
        ("warning", "unused-approval", f"approvals: no such resource {address}. Did you mean {meant}?")
    ]
    assert planned(account, text, approved=[address]) == [
        ("warning", "unused-approval", f"--approve: no such resource {address}. Did you mean {meant}?")
    ]


@pytest.mark.parametrize("address", ["services.club", "services.old-club", "services.clubs-eu", "services.gone"])
def test_an_approval_that_has_done_its_work_is_a_notice(address: str) -> None:
    account, _ = club()
    assert planned(account, f"{HEAD}approvals: [{{address: {address}}}]\n") == [
        ("notice", "done-approval", f"approvals: no delete of {address} is planned")
    ]


# --- names that look the same ----------------------------------------------------------------------------------------


def test_an_absent_of_another_type_names_the_types() -> None:
    account, _ = club()
    account.post("/v1/Credentials", {"Type": "fcm", "FriendlyName": "Push", "Secret": "s"})
    text = HEAD + "credentials: {push: {type: apn, friendly_name: Push, absent: true}}\n"
    message = 'absent: no credential "Push" (apn) in the account. Did you mean "Push" (fcm)?'
    assert planned(account, text) == [("warning", "unused-absent", message)]


def test_a_suggestion_that_looks_like_what_is_written_names_the_difference() -> None:
    account, service = club()
    account.post(f"{service}/Users", {"Identity": "cafe\u0301"})
    text = HEAD + '    users: {"caf\u00e9": {absent: true}}\n'
    message = 'absent: no user "caf\u00e9" in club. Did you mean "cafe\u0301"? It has U+0065 U+0301 in place of U+00E9.'
    assert planned(account, text) == [("warning", "unused-absent", message)]


# --- what --rotate sends ---------------------------------------------------------------------------------------------

KEYS = """
credentials:
  push: {type: fcm, friendly_name: Push, secret: "${secret:KEY}"}
  kept: {type: fcm, friendly_name: Kept, secret: "${secret:KEY}", lifecycle: {ignore_changes: [secret]}}
  gone: {type: fcm, friendly_name: Gone, absent: true}
"""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rotate": ["services.club"]}, "services.club: the resource has no write-only values in the configuration"),
        ({"rotate": ["credentials"]}, "credentials: the resource has no write-only values in the configuration"),
        (
            {"rotate": ["credentials.gone"]},
            "credentials.gone: the resource has no write-only values in the configuration",
        ),
        (
            {"rotate": ["credentials.kept"]},
            "credentials.kept: the resource has ignore_changes for its write-only values",
        ),
        (
            {"rotate": ["credentials.push"], "targets": ["services.club"]},
            "credentials.push: the resource is excluded from the plan by --target or --exclude",
        ),
        (
            {"rotate": ["credentials.push"], "excludes": ["credentials.push"]},
            "credentials.push: the resource is excluded from the plan by --target or --exclude",
        ),
        (
            {"rotate": ["credentials.push"], "excludes": ["credentials"]},
            "credentials.push: the resource is excluded from the plan by --target or --exclude",
        ),
    ],
)
def test_a_rotate_that_sends_nothing_is_an_error(options: dict[str, list[str]], message: str) -> None:
    account, _ = club()
    files = read(HEAD + KEYS, {"KEY": "k" * 20})
    with pytest.raises(MatchError) as error:
        account.plan(files, **options)
    assert [problem.message for problem in error.value.problems if problem.code == "nothing-to-rotate"] == [
        f"--rotate {message}, so nothing would be sent"
    ]


@pytest.mark.parametrize("targets", [[], ["credentials.push"], ["credentials"]])
def test_a_rotate_that_sends_something_is_no_error(targets: list[str]) -> None:
    account, _ = club()
    account.post("/v1/Credentials", {"Type": "fcm", "FriendlyName": "Push", "Secret": "s"})
    files = read(HEAD + KEYS, {"KEY": "k" * 20})
    made = account.plan(files, rotate=["credentials.push"], targets=targets)
    change = next(change for change in made.changes if str(change.address) == "credentials.push")
    assert [item.path for item in change.fields] == ["secret"]


def test_a_pattern_that_matches_what_the_same_plan_creates_is_not_reported() -> None:
    account, _ = club()
    text = HEAD + 'addresses: {main: {address: "+14155550100"}}\nprune: {addresses: {match: "+1415*"}}\n'
    assert planned(account, text) == []
    other = text.replace('match: "+1415*"', 'match: "+1515*"')
    assert [code for _, code, _ in planned(account, other)] == ["unused-match"]
    assert [code for _, code, _ in planned(account, text.replace('*"}}', '*", except: ["+14155550100"]}}'))] == []


def test_a_second_webhook_of_one_url_is_not_taken_for_the_rest_of_a_replace() -> None:
    account, service = club()
    conversation = account.post(f"{service}/Conversations", {"UniqueName": "lobby"})["sid"]
    for event in ("onMessageAdded", "onMessageUpdated"):
        form = {"Target": "webhook", "Configuration.Url": "https://x.example/1", "Configuration.Filters": [event]}
        account.post(f"{service}/Conversations/{conversation}/Webhooks", form)
    hook = "w: {target: webhook, url: 'https://x.example/1', filters: [onMessageAdded]}"
    assert planned(account, f"{HEAD}    conversations: {{lobby: {{webhooks: {{{hook}}}}}}}\n") == []
