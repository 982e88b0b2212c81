"""What replacing, renaming, or deleting a role does to defaults, holders, and other roles; what replaces carry over."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from reconciler.api.client import ReadClient
from reconciler.api.credentials import Credentials
from reconciler.api.transport import in_process
from reconciler.emulator import Rules
from reconciler.emulator.app import Receive, Scope, Send
from reconciler.errors import MatchError
from reconciler.planning.plan import Plan
from reconciler.render.markdown import plan_markdown
from reconciler.render.text import plan_text
from reconciler.report import Silent
from reconciler.workflow.planning import fetch_and_plan
from tests.scenario import HEAD, club, told
from tests.world import ACCOUNT, World, read, seen

DEFAULTS = {
    "service": ("default_chat_service_role", "DefaultChatServiceRoleSid", "joinConversation"),
    "conversation": ("default_conversation_role", "DefaultConversationRoleSid", "sendMessage"),
}


def role(account: World, service: str, name: str, of_type: str = "service", *permissions: str) -> str:
    """Make a role as somebody else would; gives its SID."""
    words = permissions or (DEFAULTS[of_type][2],)
    form = {"FriendlyName": name, "Type": of_type, "Permission": list(words)}
    return str(account.post(f"{service}/Roles", form)["sid"])


def roles(account: World, service: str) -> list[str]:
    """Every role that Twilio did not make, with its type and permissions."""
    return sorted(
        f"{item['friendly_name']} {item['type']} {' '.join(item['permissions'])}"
        for item in account.get(f"{service}/Roles")["roles"]
        if not item["friendly_name"].startswith(("service ", "channel "))
    )


def default(account: World, service: str, field: str) -> str:
    return str(account.get(f"{service}/Configuration")[f"{field}_sid"])


def guard(account: World, text: str, **options: Any) -> dict[str, tuple[str, bool]]:
    """What is withheld, by address: which guard, and whether only the delete."""
    return {
        str(change.address): (change.guard.name, change.guard.only_delete)
        for change in account.plan(read(text), **options).changes
        if change.guard is not None
    }


# --- defaults --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("of_type", DEFAULTS)
@pytest.mark.parametrize("value", ["", "role"])
@pytest.mark.parametrize("change", ["rename", "rename beside another field"])
def test_an_ignored_default_keeps_its_role(of_type: str, value: str, change: str) -> None:
    field, form, permission = DEFAULTS[of_type]
    account, service = club(Rules(default_role="allowed", role_in_use="allowed"))
    old = role(account, service, "old", of_type)
    account.post(f"{service}/Configuration", {form: old})
    declared = f"{field}: new, " if value else ""
    declared += "reachability_enabled: true, " if "beside" in change else ""
    text = HEAD + (
        f"    roles: {{new: {{renamed_from: old, type: {of_type}, permissions: [{permission}]}}}}\n"
        f"    configuration: {{{declared}lifecycle: {{ignore_changes: [{field}]}}}}\n"
    )
    assert guard(account, text) == {"services.club.roles.new": ("default_role", True)}
    assert account.apply(read(text)).exit_code == 5
    assert default(account, service, field) == old
    assert roles(account, service) == [f"new {of_type} {permission}", f"old {of_type} {permission}"]
    before = account.snapshot()
    account.apply(read(text))
    assert account.snapshot() == before


@pytest.mark.parametrize("of_type", DEFAULTS)
@pytest.mark.parametrize(
    ("later", "permissions", "moves"),
    [
        pytest.param("new", (), True, id="interrupted"),
        pytest.param("new", ("editOwnUserInfo",), True, id="interrupted, with other permissions"),
        pytest.param("old", (), False, id="stale"),
        pytest.param("old", ("editOwnUserInfo",), False, id="stale, with other permissions"),
        pytest.param("", (), True, id="in one second, as a rename makes it"),
        pytest.param("", ("editOwnUserInfo",), False, id="in one second, and another role"),
    ],
)
def test_without_a_journal_a_default_moves_only_to_a_role_that_was_made_later(
    of_type: str,
    later: str,
    permissions: tuple[str, ...],
    moves: bool,  # noqa: FBT001 - a table's column
) -> None:
    field, form, permission = DEFAULTS[of_type]
    account, service = club()
    other = tuple("leaveConversation" if of_type == "conversation" else item for item in permissions)
    for name in ("old", "new") if later != "old" else ("new", "old"):
        role(account, service, name, of_type, *(other if name == "old" else ()))
        if later:
            account.now += timedelta(seconds=1)
    old, new = account.role("Members' club", "old"), account.role("Members' club", "new")
    account.post(f"{service}/Configuration", {form: old})
    text = HEAD + f"    roles: {{new: {{renamed_from: old, type: {of_type}, permissions: [{permission}]}}}}\n"
    account.converge(read(text))
    assert default(account, service, field) == (new if moves else old)
    assert len(roles(account, service)) == 2


# --- types -----------------------------------------------------------------------------------------------------------


def test_a_role_of_another_type_that_another_one_is_renamed_from_is_not_replaced() -> None:
    account, service = club()
    old = role(account, service, "b", "service")
    account.post(f"{service}/Users", {"Identity": "ada", "RoleSid": old})
    text = HEAD + (
        "    roles:\n"
        "      b: {type: conversation, permissions: [sendMessage]}\n"
        "      c: {type: service, permissions: [joinConversation], renamed_from: b}\n"
        "    users: {ada: {role: c}}\n"
    )
    made = account.plan(read(text))
    assert sorted(told(made)) == [
        "create services.club.roles.b",
        "replace services.club.roles.c",
        "update services.club.users.ada",
    ]
    account.converge(read(text))
    assert roles(account, service) == ["b conversation sendMessage", "c service joinConversation"]


def test_a_former_name_of_the_right_type_comes_before_a_change_of_type() -> None:
    account, service = club()
    role(account, service, "b", "service")
    role(account, service, "a", "conversation")
    text = HEAD + "    roles: {b: {type: conversation, permissions: [sendMessage], renamed_from: a}}\n"
    account.converge(read(text))
    assert roles(account, service) == ["b conversation sendMessage", "b service joinConversation"]


@pytest.mark.parametrize("absent", ["absent: true", "absent: true, type: conversation"])
def test_a_role_of_another_type_is_kept_when_a_former_name_must_not_exist(absent: str) -> None:
    account, service = club()
    role(account, service, "a", "service")
    old = role(account, service, "b", "conversation")
    account.post(f"{service}/Configuration", {"DefaultConversationRoleSid": old})
    account.post(f"{service}/Users", {"Identity": "ada", "RoleSid": account.role("Members' club", "a")})
    text = HEAD + (
        "    roles:\n"
        "      a: {type: conversation, permissions: [sendMessage], renamed_from: b}\n"
        f"      b: {{{absent}}}\n"
    )
    assert told(account.plan(read(text))) == ["replace services.club.roles.a"]
    account.converge(read(text))
    assert roles(account, service) == ["a conversation sendMessage", "a service joinConversation"]
    (new,) = [item for item in account.get(f"{service}/Roles")["roles"] if item["permissions"] == ["sendMessage"]]
    assert default(account, service, "default_conversation_role") == new["sid"]


def test_a_role_of_another_type_is_kept_when_another_role_has_the_former_name() -> None:
    account, service = club()
    role(account, service, "a", "service")
    role(account, service, "b", "conversation")
    role(account, service, "b", "service")
    text = HEAD + (
        "    roles:\n"
        "      a: {type: conversation, permissions: [leaveConversation], renamed_from: b}\n"
        "      b: {type: conversation, permissions: [sendMessage]}\n"
    )
    assert told(account.plan(read(text))) == ["create services.club.roles.a"]
    account.converge(read(text))
    assert roles(account, service) == [
        "a conversation leaveConversation",
        "a service joinConversation",
        "b conversation sendMessage",
        "b service joinConversation",
    ]


def test_roles_of_another_type_do_not_break_names_that_follow_each_other() -> None:
    account, service = club()
    role(account, service, "a", "service")
    role(account, service, "b", "conversation", "sendMessage")
    role(account, service, "c", "conversation", "leaveConversation")
    text = HEAD + (
        "    roles:\n      a: {type: conversation, renamed_from: b}\n      b: {type: conversation, renamed_from: c}\n"
    )
    account.converge(read(text))
    assert roles(account, service) == [
        "a conversation sendMessage",
        "a service joinConversation",
        "b conversation leaveConversation",
    ]


@pytest.mark.parametrize("live", [("service", "conversation"), ("conversation",)])
def test_the_type_of_an_absent_role_counts(live: tuple[str, ...]) -> None:
    account, service = club()
    for of_type in live:
        role(account, service, "agent", of_type)
    text = HEAD + "    roles: {agent: {type: service, absent: true}}\n"
    account.converge(read(text))
    assert roles(account, service) == ["agent conversation sendMessage"]


def test_a_type_change_that_keeps_its_permissions_is_an_error_with_its_fix() -> None:
    account, service = club()
    role(account, service, "a", "service")
    text = HEAD + (
        "    roles: {a: {type: conversation, permissions: [sendMessage], lifecycle: {ignore_changes: [permissions]}}}\n"
    )
    with pytest.raises(MatchError) as error:
        account.plan(read(text))
    (problem,) = error.value.problems
    assert problem.code == "cannot-carry"
    assert problem.message == (
        "services.club.roles.a must be replaced, but its live permissions, which ignore_changes keeps, is not valid "
        "for the new one"
    )
    assert problem.hint == "Remove permissions from ignore_changes to give the new role the declared value."
    account.converge(read(text.replace(", lifecycle: {ignore_changes: [permissions]}", "")))


def test_a_type_change_without_permissions_asks_for_them() -> None:
    account, service = club()
    role(account, service, "a", "service")
    with pytest.raises(MatchError) as error:
        account.plan(read(HEAD + "    roles: {a: {type: conversation}}\n"))
    (problem,) = error.value.problems
    assert problem.message == (
        "services.club.roles.a is not in the account and cannot be created without `permissions`"
    )


# --- what a replace carries over -------------------------------------------------------------------------------------

FLOW = "FW" + "0" * 32
HOOKS: dict[str, dict[str, Any]] = {
    "webhook": {"Configuration.Url": "https://x.example/0", "Configuration.Filters": ["onMessageAdded"]},
    "trigger": {"Configuration.Url": "https://x.example/0", "Configuration.Triggers": ["stop"]},
    "studio": {"Configuration.FlowSid": FLOW},
}
DECLARED = {
    "webhook": 'target: webhook, url: "https://x.example/0", filters: [onMessageAdded]',
    "trigger": 'target: trigger, url: "https://x.example/0", triggers: [help]',
    "studio": f"target: studio, flow_sid: {FLOW}",
}
CHANGES = [(old, new) for old in HOOKS for new in HOOKS if old != new]


@pytest.mark.parametrize(("old", "new"), CHANGES)
@pytest.mark.parametrize("others", [0, 4], ids=["with room", "full"])
def test_another_target_gets_only_what_it_can_have(old: str, new: str, others: int) -> None:
    account, service = club()
    room = f"{service}/Conversations/{account.post(f'{service}/Conversations', {'UniqueName': 'room'})['sid']}"
    method = {} if old == "studio" else {"Configuration.Method": "GET"}
    account.post(f"{room}/Webhooks", {"Target": old, **HOOKS[old], **method})
    for number in range(others):
        other = {"Target": "webhook", "Configuration.Url": f"https://x.example/other/{number}"}
        account.post(f"{room}/Webhooks", {**other, "Configuration.Filters": ["onMessageAdded"]})
    former = f"{old} {FLOW if old == 'studio' else 'https://x.example/0'}"
    text = HEAD + f'    conversations: {{room: {{webhooks: {{a: {{{DECLARED[new]}, renamed_from: "{former}"}}}}}}}}\n'
    account.converge(read(text))
    hooks = account.get(f"{room}/Webhooks")["webhooks"]
    assert len(hooks) == others + 1
    assert sum(1 for hook in hooks if hook["target"] == new) == (others + 1 if new == "webhook" else 1)


def test_another_target_that_lacks_what_it_needs_deletes_nothing() -> None:
    account, service = club()
    room = f"{service}/Conversations/{account.post(f'{service}/Conversations', {'UniqueName': 'room'})['sid']}"
    account.post(f"{room}/Webhooks", {"Target": "studio", "Configuration.FlowSid": FLOW})
    hook = f'{{target: trigger, triggers: [help], renamed_from: "studio {FLOW}"}}'
    text = HEAD + f"    conversations: {{room: {{webhooks: {{a: {hook}}}}}}}\n"
    before = account.snapshot()
    with pytest.raises(MatchError) as error:
        account.plan(read(text))
    assert {problem.message for problem in error.value.problems} == {"target trigger requires `url`"}
    assert account.snapshot() == before


def test_another_type_of_an_address_gets_only_what_its_auto_creation_has() -> None:
    account, service = club()
    old = {"Type": "sms", "Address": "+14155550111", "AutoCreation.Enabled": "true", "AutoCreation.Type": "webhook"}
    account.post("/v1/Configuration/Addresses", {**old, "AutoCreation.WebhookUrl": "https://x.example/in"})
    text = f"""
version: 1
addresses:
  main:
    address: "+14155550122"
    renamed_from: "+14155550111"
    auto_creation: {{enabled: true, type: studio, studio_flow_sid: {FLOW}}}
"""
    account.converge(read(text))
    (found,) = account.get("/v1/Configuration/Addresses")["address_configurations"]
    assert (found["address"], found["auto_creation"]["studio_flow_sid"]) == ("+14155550122", FLOW)
    assert service


# --- lists that decide a delete --------------------------------------------------------------------------------------


class Moving:
    """The emulator, except that the second page of a list is empty, as often as told.

    That is what a reader sees while somebody deletes enough of what was on the first page.
    """

    def __init__(self, account: World, key: str, times: int) -> None:
        self.account, self.key, self.left = account, key, times

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not (scope["method"] == "GET" and b"PageToken" in scope["query_string"] and self.left):
            await self.account.emulator(scope, receive, send)
            return
        answer: list[Any] = []

        async def keep(message: Any) -> None:
            answer.append(message)

        await self.account.emulator(scope, receive, keep)
        body = json.loads(b"".join(message.get("body", b"") for message in answer))
        if self.key in body:
            self.left -= 1
            body[self.key] = []
        await send({**answer[0], "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})


def planned(text: str, app: Moving) -> Plan:
    """Plan over an application whose lists move."""

    async def run() -> Plan:
        credentials = Credentials(ACCOUNT, "emulator", ACCOUNT)
        async with ReadClient("https://x.example.com", credentials, transport=in_process(app)) as client:
            files = read(text)
            return await fetch_and_plan(files, client, Silent())

    return asyncio.run(run())


def test_a_list_of_users_that_moves_hides_no_holder() -> None:
    account, service = club()
    old = role(account, service, "x")
    sids = [account.post(f"{service}/Users", {"Identity": f"u{number:02}"})["sid"] for number in range(55)]
    on_first = {user["sid"] for user in account.get(f"{service}/Users")["users"]}
    account.post(f"{service}/Users/{min({*sids} - on_first)}", {"RoleSid": old})
    made = planned(HEAD + "    roles: {x: {absent: true}}\n", Moving(account, "users", 1))
    assert [change.guard and change.guard.name for change in made.changes] == ["role_in_use"]


def test_a_list_of_addresses_that_moves_hides_no_use_of_a_service() -> None:
    account, service = club()
    path, sids = "/v1/Configuration/Addresses", set[str]()
    for number in range(55):
        form = {"Type": "sms", "Address": f"+141555501{number:02}", "AutoCreation.Enabled": "true"}
        sids = {account.post(path, {**form, "AutoCreation.Type": "default"})["sid"], *sids}
    on_first = {item["sid"] for item in account.get(path)["address_configurations"]}
    account.post(f"{path}/{min(sids - on_first)}", {"AutoCreation.ConversationServiceSid": service[-34:]})
    text = HEAD + "    absent: true\napprovals: [{address: services.club}]\n"
    made = planned(text, Moving(account, "address_configurations", 1))
    assert [change.guard and change.guard.name for change in made.changes] == ["service_in_use"]


# --- what the plan says of the service's defaults --------------------------------------------------------------------


@pytest.mark.parametrize("of_type", DEFAULTS)
def test_a_plan_says_which_defaults_a_replace_moves(of_type: str) -> None:
    field, form, permission = DEFAULTS[of_type]
    account, service = club()
    old = role(account, service, "old-member", of_type)
    account.post(f"{service}/Configuration", {form: old})
    text = HEAD + f"    roles: {{member: {{renamed_from: old-member, type: {of_type}, permissions: [{permission}]}}}}\n"
    (change,) = account.plan(read(text)).changes
    sentence = f"Moves services.club.configuration.{field}: old-member ({old}) → services.club.roles.member."
    assert (change.risk, change.consequences) == ("medium", (sentence,))
    shown = seen(account.plan(read(text)))
    assert sentence.replace("→", "") in " ".join(plan_text(shown, colour=False, width=300).split()).replace("→", "")
    assert "default" in plan_markdown(shown)


def test_a_plan_says_every_default_that_a_replace_moves() -> None:
    account, service = club()
    old = role(account, service, "old", "conversation")
    account.post(
        f"{service}/Configuration", {"DefaultConversationRoleSid": old, "DefaultConversationCreatorRoleSid": old}
    )
    (change,) = account.plan(read(HEAD + "    roles: {new: {renamed_from: old}}\n")).changes
    assert [sentence.split(":")[0] for sentence in change.consequences] == [
        "Moves services.club.configuration.default_conversation_creator_role",
        "Moves services.club.configuration.default_conversation_role",
    ]


# --- names that follow each other ------------------------------------------------------------------------------------

CHAIN = HEAD + "    roles: {a: {renamed_from: b}, b: {renamed_from: c}}\n"
LEFT_OUT: list[Any] = [
    pytest.param({"targets": ("services.club.roles.b",)}, CHAIN, id="target"),
    pytest.param({"excludes": ("services.club.roles.a",)}, CHAIN, id="exclude"),
    pytest.param({}, CHAIN.replace("from: b}", "from: b, lifecycle: {prevent_destroy: true}}"), id="prevent_destroy"),
]


def chain(account: World, service: str, of_type: str = "service") -> None:
    other = {"service": "deleteConversation", "conversation": "leaveConversation"}[of_type]
    role(account, service, "b", of_type)
    role(account, service, "c", of_type, other)


@pytest.mark.parametrize("of_type", DEFAULTS)
@pytest.mark.parametrize(("options", "text"), LEFT_OUT)
def test_a_chain_of_which_a_member_is_left_out_makes_no_second_role(
    options: dict[str, Any], text: str, of_type: str
) -> None:
    account, service = club()
    chain(account, service, of_type)
    before = roles(account, service)
    for _ in range(2):
        assert guard(account, text, **options)["services.club.roles.b"] == ("name_taken", False)
        assert account.apply(read(text), **options).exit_code == 5
        assert roles(account, service) == before
    if options:
        assert account.apply(read(text)).exit_code == 0
        assert {line.split()[0] for line in roles(account, service)} == {"a", "b"}


def test_a_chain_whose_first_role_is_held_makes_no_second_role() -> None:
    account, service = club()
    chain(account, service)
    account.post(f"{service}/Users", {"Identity": "zed", "RoleSid": account.role("Members' club", "b")})
    ends = [account.apply(read(CHAIN)).exit_code for _ in range(3)]
    assert ends == [5, 0, 0]
    assert roles(account, service) == [
        "a service joinConversation",
        "b service joinConversation",
        "c service deleteConversation",
    ]


def test_a_longer_chain_stops_where_a_name_is_kept() -> None:
    account, service = club()
    for name in "bcd":
        role(account, service, name)
    text = HEAD + "    roles: {a: {renamed_from: b}, b: {renamed_from: c}, c: {renamed_from: d}}\n"
    found = guard(account, text, excludes=("services.club.roles.a",))
    assert found == {"services.club.roles.b": ("name_taken", False), "services.club.roles.c": ("name_taken", False)}


# --- participants who hold a conversation role -----------------------------------------------------------------------

GOES = {
    "absent": "    roles: {old: {absent: true}}\n",
    "pruned": "    roles: {}\n    prune: [roles]\n",
    "renamed": "    roles: {new: {renamed_from: old}}\n",
    "another type": "    roles: {old: {type: service, permissions: [joinConversation]}}\n",
}


def joined(account: World, service: str, old: str, *, number: int = 1) -> list[str]:
    """Conversations with a participant who holds a role; gives the SIDs of both."""
    found = []
    for index in range(number):
        room = account.post(f"{service}/Conversations", {"UniqueName": f"room-{index}"})["sid"]
        path = f"{service}/Conversations/{room}/Participants"
        found += [str(room), str(account.post(path, {"Identity": f"bob-{index}", "RoleSid": old})["sid"])]
    return found


@pytest.mark.parametrize("reading", ["refused", "allowed"])
@pytest.mark.parametrize("goes", GOES)
def test_a_role_that_an_undeclared_participant_holds_is_kept(goes: str, reading: Any) -> None:
    account, service = club(Rules(role_in_use=reading))
    old = role(account, service, "old", "conversation")
    room, bob = joined(account, service, old)
    text = HEAD + GOES[goes]
    made = account.plan(read(text))
    assert [change.guard.message for change in made.changes if change.guard is not None] == [
        f"1 participant still holds the role 'old' ({bob} in {room}); assign another role first"
    ]
    assert "bob" not in plan_text(seen(made), colour=False, width=200)
    ends = [account.apply(read(text)).exit_code for _ in range(2)]
    # Without a journal, the next run sees two roles, and leaves the old one alone.
    assert ends == ([5, 5] if goes in {"absent", "pruned"} else [5, 0])
    assert account.get(f"{service}/Conversations/{room}/Participants/{bob}")["role_sid"] == old


@pytest.mark.parametrize("reading", ["refused", "allowed"])
@pytest.mark.parametrize("goes", ["absent", "renamed"])
def test_a_role_that_a_declared_participant_holds_is_kept_until_it_has_another(goes: str, reading: Any) -> None:
    account, service = club(Rules(role_in_use=reading))
    old = role(account, service, "old", "conversation")
    room, bob = joined(account, service, old)
    there = "    conversations: {room-0: {participants: {bob: {identity: bob-0, attributes: {a: 1}}}}}\n"
    text = HEAD + GOES[goes] + there
    made = account.plan(read(text))
    (held,) = [change.guard for change in made.changes if change.guard is not None]
    where = "services.club.conversations.room-0.participants.bob"
    assert held.message == f"1 participant still holds the role 'old' ({where}); assign another role first"
    successor = "new" if goes == "renamed" else "channel user"
    assert held.fix == (
        "services:\n  club:\n    conversations:\n      room-0:\n        participants:\n"
        f"          bob: {{role: {successor}}}"
    )
    assert account.do(made).exit_code == 5
    path = f"{service}/Conversations/{room}/Participants/{bob}"
    assert account.get(path)["role_sid"] == old
    moved = text.replace("identity: bob-0,", f"identity: bob-0, role: {successor},")
    account.apply(read(moved))
    assert account.get(path)["role_sid"] != old
    assert account.plan(read(moved)).changes == ()


def test_a_participant_who_moves_in_the_same_plan_keeps_no_role() -> None:
    account, service = club()
    old = role(account, service, "old", "conversation")
    joined(account, service, old)
    for line in ("role: new", "absent: true"):
        there = f"    conversations: {{room-0: {{participants: {{bob: {{identity: bob-0, {line}}}}}}}}}\n"
        assert guard(account, HEAD + GOES["renamed"] + there) == {}


@pytest.mark.parametrize(("number", "is_said"), [(20, False), (21, True)])
def test_a_plan_says_that_not_every_participant_was_looked_up(number: int, *, is_said: bool) -> None:
    account, service = club()
    role(account, service, "old", "conversation")
    joined(account, service, account.role("Members' club", "channel user"), number=number)
    account.forget_requests()
    (change,) = account.plan(read(HEAD + GOES["absent"])).changes
    words = "Only participants of the most active conversations were checked."
    assert (change.risk == "high", any(words in item for item in change.consequences)) == (is_said, is_said)
    assert sum("/Participants" in request for request in account.requests) == 20
    assert account.writes == []


def test_conversations_that_may_not_be_read_are_said_not_to_be_looked_up() -> None:
    account, service = club()
    role(account, service, "old", "conversation")
    account.forbidden = {r"GET .*/Conversations": 403}
    (change,) = account.plan(read(HEAD + GOES["absent"])).changes
    assert change.risk == "high"


def test_no_participant_is_looked_up_for_a_role_of_a_service() -> None:
    account, service = club()
    old = role(account, service, "old", "service")
    joined(account, service, account.role("Members' club", "channel user"))
    account.forget_requests()
    account.plan(read(HEAD + GOES["absent"]))
    assert not [request for request in account.requests if "Conversations/" in request]
    assert old


@pytest.mark.parametrize("goes", GOES)
def test_a_delete_that_twilio_refuses_is_withheld_and_says_why(goes: str) -> None:
    account, service = club(Rules(role_in_use="refused"))
    old = role(account, service, "old", "conversation")
    # More conversations than are looked through, and the holder in the one with the oldest activity.
    found = joined(account, service, old)
    for index in range(1, 25):
        account.now += timedelta(minutes=1)
        account.post(f"{service}/Conversations", {"UniqueName": f"room-{index}"})
    made = account.plan(read(HEAD + GOES[goes]))
    assert [change.guard for change in made.changes] == [None] * len(made.changes)
    report = account.do(made)
    outcomes = [outcome for result in report.results for outcome in result.outcomes if outcome.op == "delete"]
    assert [outcome.status for outcome in outcomes] == ["withheld"]
    assert outcomes[0].message.startswith("Twilio refused to delete the role, probably because it is still held")
    assert outcomes[0].refusal is not None
    assert report.exit_code == 5
    assert account.get(f"{service}/Conversations/{found[0]}/Participants/{found[1]}")["role_sid"] == old


def test_an_update_of_the_new_role_does_not_move_a_default_later() -> None:
    account, service = club()
    old = role(account, service, "old")
    role(account, service, "new", "service", "editOwnUserInfo")
    account.post(f"{service}/Configuration", {"DefaultChatServiceRoleSid": old})
    account.converge(read(HEAD + "    roles: {new: {renamed_from: old, permissions: [joinConversation]}}\n"))


def test_a_role_that_loses_a_permission_is_as_risky_as_the_default_that_it_becomes() -> None:
    account, service = club()
    role(account, service, "agent", "service", "joinConversation", "deleteAnyMessage")
    text = HEAD + (
        "    configuration: {default_chat_service_role: agent}\n"
        "    roles: {agent: {type: service, permissions: [joinConversation]}}\n"
    )
    risks = {str(change.address): change.risk for change in account.plan(read(text)).changes}
    assert risks["services.club.roles.agent"] == "high"
