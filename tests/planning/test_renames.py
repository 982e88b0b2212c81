"""What `renamed_from` does to the account, and what it never does: delete what has the former name later."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.address import Address
from reconciler.emulator import Rules
from reconciler.errors import ConfigError
from reconciler.journal import UnfinishedReplace
from reconciler.kinds import BY_NAME
from tests.scenario import HEAD, club, told
from tests.world import World, read


def users(account: World, service: str) -> dict[str, str]:
    """The attributes of every user, by identity."""
    return {str(user["identity"]): str(user["attributes"]) for user in account.get(f"{service}/Users")["users"]}


def conversations(account: World, service: str) -> dict[str, str]:
    """The SID of every conversation, by unique name."""
    found = account.get(f"{service}/Conversations")["conversations"]
    return {str(item["unique_name"]): str(item["sid"]) for item in found}


def codes(account: World, text: str) -> list[str]:
    return [problem.code for problem in account.plan(read(text)).warnings]


RENAMED = (
    HEAD
    + """
    users: {ada@new: {renamed_from: ada@old}}
    roles: {helper: {type: conversation, permissions: [sendMessage], renamed_from: clerk}}
    conversations: {desk: {renamed_from: front}}
addresses: {"+14155550100": {type: sms, renamed_from: "+14155550199"}}
"""
)
ROLE = {"FriendlyName": "clerk", "Type": "conversation", "Permission": ["sendMessage"]}
LINE = {"Type": "sms", "Address": "+14155550199"}


def test_a_stale_former_name_deletes_nothing() -> None:
    account, service = club()

    def old_names() -> None:
        account.post(f"{service}/Users", {"Identity": "ada@old"})
        account.post(f"{service}/Roles", ROLE)
        account.post(f"{service}/Conversations", {"UniqueName": "front"})
        account.post("/v1/Configuration/Addresses", LINE)

    old_names()
    account.converge(read(RENAMED))
    assert codes(account, RENAMED) == ["stale-renamed-from"] * 4
    old_names()
    before = account.snapshot()
    made = account.plan(read(RENAMED))
    assert told(made) == []
    assert [problem.code for problem in made.warnings] == ["stale-renamed-from"] * 4
    assert account.do(made).exit_code == 0
    assert account.snapshot() == before


def test_both_names_from_the_beginning_delete_nothing() -> None:
    account, service = club()
    for identity in ("ada@old", "ada@new"):
        account.post(f"{service}/Users", {"Identity": identity})
    text = HEAD + "    users: {ada@new: {renamed_from: ada@old}}\n"
    made = account.plan(read(text))
    assert told(made) == []
    (problem,) = made.warnings
    old = account.get(f"{service}/Users/ada@old")["sid"]
    assert (problem.message, problem.hint, problem.fix) == (
        'renamed_from: both "ada@new" and "ada@old" exist in club; the old one is left alone',
        "Remove renamed_from. To delete the old one, declare it as absent.",
        f'"ada@old": {{sid: {old}, absent: true}}',
    )
    account.converge(read(HEAD + f"    users: {{ada@new: {{}}, old: {{sid: {old}, absent: true}}}}\n"))
    assert set(users(account, service)) == {"ada@new"}


def test_the_old_name_in_a_pruned_collection_is_pruned_and_says_so() -> None:
    account, service = club()
    for identity in ("ada@old", "ada@new"):
        account.post(f"{service}/Users", {"Identity": identity})
    made = account.plan(read(HEAD + "    users: {ada@new: {renamed_from: ada@old}}\n    prune: [users]\n"))
    assert [change.reason for change in made.changes] == ["pruned"]


def test_names_that_follow_each_other_lose_nobody() -> None:
    account, service = club()
    for identity in "bcd":
        account.post(f"{service}/Users", {"Identity": identity, "Attributes": f'{{"was":"{identity}"}}'})
    text = HEAD + "    users: {a: {renamed_from: b}, b: {renamed_from: c}, c: {renamed_from: d}}\n"
    made = account.plan(read(text))
    assert sorted(told(made)) == [f"replace services.club.users.{name}" for name in "abc"]
    assert account.do(made).exit_code == 0
    assert users(account, service) == {"a": '{"was":"b"}', "b": '{"was":"c"}', "c": '{"was":"d"}'}
    after = account.plan(read(text))
    assert told(after) == []
    assert [problem.code for problem in after.warnings] == ["stale-renamed-from"] * 3


def test_names_that_follow_each_other_are_changed_in_place_where_the_api_can() -> None:
    account, service = club()
    for name in "bc":
        account.post(f"{service}/Conversations", {"UniqueName": name})
    before = conversations(account, service)
    text = HEAD + "    conversations: {a: {renamed_from: b}, b: {renamed_from: c}}\n"
    account.converge(read(text))
    assert conversations(account, service) == {"a": before["b"], "b": before["c"]}


@pytest.mark.parametrize("live", ["b", "c", "ab", "ac", "abc"])
def test_names_that_follow_each_other_delete_nobody_whoever_is_live(live: str) -> None:
    account, service = club()
    for identity in live:
        account.post(f"{service}/Users", {"Identity": identity, "Attributes": f'{{"was":"{identity}"}}'})
    account.converge(read(HEAD + "    users: {a: {renamed_from: b}, b: {renamed_from: c}}\n"))
    kept = set(users(account, service).values()) - {"{}"}
    assert kept == {f'{{"was":"{identity}"}}' for identity in live}


def test_a_name_that_must_not_exist_is_gone_by_the_rename() -> None:
    for first, second in (("a", "b"), ("b", "a")):
        account, service = club()
        account.post(f"{service}/Users", {"Identity": second, "Attributes": '{"was":"old"}'})
        text = HEAD + f"    users: {{{first}: {{renamed_from: {second}}}, {second}: {{absent: true}}}}\n"
        account.converge(read(text))
        assert users(account, service) == {first: '{"was":"old"}'}


def test_absent_deletes_only_the_present_name() -> None:
    account, service = club()
    account.post(f"{service}/Users", {"Identity": "ada@old"})
    text = HEAD + "    users: {ada@new: {absent: true, renamed_from: ada@old}}\n"
    made = account.plan(read(text))
    assert told(made) == []
    assert [(problem.code, problem.message) for problem in made.warnings] == [
        (
            "unused-renamed-from",
            "renamed_from has no effect together with absent, which deletes only the resource with the current name",
        ),
        ("unused-absent", 'absent: no user "ada@new" in club. Did you mean "ada@old"?'),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "    users: {a: {renamed_from: b}, b: {renamed_from: a}}\n",
        "    users: {a: {renamed_from: b}, b: {renamed_from: c}, c: {renamed_from: a}}\n",
    ],
)
def test_names_that_are_exchanged_are_an_error(text: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(HEAD + text)
    (problem,) = error.value.problems
    assert problem.code == "exchanged-names"
    assert problem.hint == "Rename one of them to a third name first, and apply that."


def test_an_interrupted_rename_is_completed_where_the_next_name_follows() -> None:
    account, service = club()
    for name in "abc":
        account.post(f"{service}/Users", {"Identity": name, "Attributes": f'{{"was":"{name}"}}'})
    text = HEAD + "    users: {a: {renamed_from: b}, b: {renamed_from: c}}\n"
    old = account.get(f"{service}/Users/b")["sid"]
    begun = UnfinishedReplace(Address.parse("services.club.users.a"), BY_NAME["user"], old, "b", (service[-34:],))
    made = account.plan(read(text), unfinished=[begun])
    assert sorted(told(made)) == [f'delete services.club.users["{old}"]', "replace services.club.users.b"]
    assert account.do(made).exit_code == 0
    assert users(account, service) == {"a": '{"was":"a"}', "b": '{"was":"c"}'}


@pytest.mark.parametrize("names", ["repeatable", "unique"])
def test_roles_whose_names_follow_each_other_lose_nothing(names: Any) -> None:
    account, service = club(Rules(role_names=names))
    for name, word in (("b", "sendMessage"), ("c", "leaveConversation")):
        account.post(f"{service}/Roles", {"FriendlyName": name, "Type": "conversation", "Permission": [word]})
    text = HEAD + "    roles: {a: {renamed_from: b}, b: {renamed_from: c}}\n"
    account.apply(read(text))
    found = {item["friendly_name"]: item["permissions"] for item in account.get(f"{service}/Roles")["roles"]}
    assert found["a"] == ["sendMessage"]
    assert ["leaveConversation"] in found.values()


# --- hints -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("live", "declared", "hinted"),
    [
        pytest.param(("Agent", "conversation", "sendMessage"), "agents", True, id="near name"),
        pytest.param(("clerk", "conversation", "sendMessage"), "helper", True, id="same permissions"),
        pytest.param(("clerk", "conversation", "leaveConversation"), "helper", False, id="neither"),
        pytest.param(("agents", "service", "joinConversation"), "agent", False, id="another type"),
    ],
)
def test_a_role_that_is_probably_renamed_is_said_to_be(live: tuple[str, str, str], declared: str, hinted: Any) -> None:
    account, service = club()
    name, of_type, permission = live
    form = {"FriendlyName": name, "Type": of_type, "Permission": [permission]}
    sid = account.post(f"{service}/Roles", form)["sid"]
    text = HEAD + f"    roles: {{{declared}: {{type: conversation, permissions: [sendMessage]}}}}\n"
    (change,) = account.plan(read(text)).changes
    words = (
        f"Looks like a new name for the live role {name!r} ({sid}). Its holders keep that role. "
        f'To rename it, add renamed_from: "{name}".'
    )
    assert (change.risk, change.consequences) == (("medium", (words,)) if hinted else ("low", ()))


CHAIN = """
addresses:
  "+14155550101": {friendly_name: Front door, renamed_from: "+14155550102"%s}
  "+14155550103": {renamed_from: "+14155550101"}
"""
FRONT_DOOR = 'addresses["+14155550101"]'


@pytest.mark.parametrize(
    ("options", "lifecycle"),
    [
        ({"excludes": (FRONT_DOOR,)}, ""),
        ({"targets": ('addresses["+14155550103"]',)}, ""),
        ({}, ", lifecycle: {prevent_destroy: true}"),
    ],
)
def test_a_name_is_not_given_up_where_what_takes_it_is_left_out(options: dict[str, Any], lifecycle: str) -> None:
    account, _ = club()
    for number in "12":
        account.post("/v1/Configuration/Addresses", {"Type": "sms", "Address": f"+1415555010{number}"})
    before = account.snapshot()
    text = HEAD + CHAIN % lifecycle
    made = account.plan(read(text), **options)
    held = {str(change.address): change.guard.name for change in made.changes if change.guard is not None}
    assert held['addresses["+14155550103"]'] == "name_given_up"
    assert account.apply(read(text), **options).exit_code == 5
    assert account.snapshot() == before
    if options:
        account.converge(read(text))


def test_a_user_whose_name_nobody_takes_over_is_kept() -> None:
    account, service = club()
    for identity in ("b", "c"):
        account.post(f"{service}/Users", {"Identity": identity})
    text = HEAD + "    users: {a: {renamed_from: b}, b: {renamed_from: c, lifecycle: {prevent_destroy: true}}}\n"
    assert account.apply(read(text)).exit_code == 5
    assert sorted(users(account, service)) == ["b", "c"]
