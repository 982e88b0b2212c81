"""What an approved plan covers: the whole of each change, where it happens, and what is left of one that was begun."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.address import Address
from reconciler.api.client import Client
from reconciler.api.credentials import Credentials
from reconciler.api.retry import Retry
from reconciler.api.transport import in_process
from reconciler.documents import approval
from reconciler.documents.kept_decisions import reviewed_decisions
from reconciler.documents.live import live_at
from reconciler.documents.plan import PlanFile, parse_plan
from reconciler.emulator.app import Receive, Scope, Send
from reconciler.errors import PlanFileError
from reconciler.execution.apply import apply
from reconciler.planning.kept_decisions import Reviewed
from reconciler.report import Silent
from tests.faults import harness
from tests.world import ACCOUNT, NOON, World, read, seen

SUPPORT = """
version: 1
services:
  support:
    friendly_name: Customer Support
    roles: {agent: {friendly_name: Agent, type: service, permissions: [joinConversation]}}
    users: {ada: {role: agent, attributes: {team: 1}}}
"""


class Account(World):
    """An account with an approved plan."""

    def approve(self, files: str, env: Mapping[str, str] | None = None, **options: Any) -> PlanFile:
        """The plan of these files, by way of its file."""
        return parse_plan(seen(self.plan(read(files, env), **options)).to_json(), "plan.json")

    def differences(
        self, approved: PlanFile, files: str, env: Mapping[str, str] | None = None, **options: Any
    ) -> tuple[str, ...]:
        """What a fresh plan of these files does that was not approved."""
        fresh = self.plan(read(files, env), **options)
        return approval.not_approved(approved, seen(fresh), live_at(fresh, approved, key=b"test"))

    def add(self, service: str, section: str, form: Mapping[str, Any]) -> str:
        """Something new in a service, made by somebody else."""
        return str(self.post(f"/v1/Services/{self.service(service)}/{section}", form)["sid"])


def edited(file: PlanFile, change: Any) -> PlanFile:
    content = json.loads(file.to_json())
    change(content)
    return parse_plan(json.dumps(content), "plan.json")


# --- where it happens ------------------------------------------------------------------------------------------------


def test_a_default_service_that_moved_is_another_parent() -> None:
    account = Account()
    default = account.service("Default Conversations Service")
    files = """
version: 1
services:
  main:
    sid: default
    webhooks: {pre_webhook_url: "https://hooks.example.com/x", method: POST}
    roles: {auditor: {type: service, permissions: [editAnyUserInfo]}}
"""
    approved = account.approve(files)
    assert account.differences(approved, files) == ()
    bank = account.post("/v1/Services", {"FriendlyName": "Bank"})["sid"]
    account.post("/v1/Configuration", {"DefaultChatServiceSid": bank})
    assert account.differences(approved, files) == tuple(
        difference
        for address in ("services.main.roles.auditor", "services.main.webhooks")
        for difference in (
            f'{address}: its service is now "Bank"; "Default Conversations Service" was approved',
            f"{address}: it would be applied in {bank}; {default} was approved",
        )
    )


def test_a_handle_that_names_another_service_is_another_parent() -> None:
    account = Account()
    account.converge(read("version: 1\nservices: {a: {friendly_name: Customer Support}, b: {friendly_name: Bank}}"))
    files = SUPPORT.replace("users: {ada: {role: agent, attributes: {team: 1}}}", "users: {}")
    approved = account.approve(files)
    bank, support = account.service("Bank"), account.service("Customer Support")
    assert account.differences(approved, files.replace("Customer Support", "Bank")) == (
        'services.support.roles.agent: its service is now "Bank"; "Customer Support" was approved',
        f"services.support.roles.agent: it would be applied in {bank}; {support} was approved",
    )


def test_a_handle_that_names_another_role_is_another_reference() -> None:
    account = Account()
    account.converge(read(SUPPORT.replace("role: agent, ", "")))
    account.add(
        "Customer Support", "Roles", {"FriendlyName": "Root", "Type": "service", "Permission": "joinConversation"}
    )
    approved = account.approve(SUPPORT)
    agent, root = (account.role("Customer Support", name) for name in ("Agent", "Root"))
    (found,) = account.differences(approved, SUPPORT.replace("Agent", "Root"))
    assert found == (
        f"services.support.users.ada: role would become services.support.roles.agent ({root}); "
        f"services.support.roles.agent ({agent}) was approved"
    )


def test_a_role_made_anew_under_the_same_name_is_another_reference() -> None:
    account = Account()
    account.converge(read(SUPPORT.replace("role: agent, ", "")))
    approved = account.approve(SUPPORT)
    service = account.service("Customer Support")
    account.delete(f"/v1/Services/{service}/Roles/{account.role('Customer Support', 'Agent')}")
    account.add(
        "Customer Support", "Roles", {"FriendlyName": "Agent", "Type": "service", "Permission": "joinConversation"}
    )
    (found,) = account.differences(approved, SUPPORT)
    assert found.startswith("services.support.users.ada: role would become services.support.roles.agent (RL")


LOBBY = """
version: 1
services:
  support:
    conversations:
      lobby: {participants: {ada: {identity: ada}}}
"""
ADA = "services.support.conversations.lobby.participants.ada"


def test_a_conversation_made_anew_under_the_same_name_is_another_parent() -> None:
    account = Account()
    account.converge(read("version: 1\nservices: {support: {conversations: {lobby: {}}}}"))
    approved = account.approve(LOBBY)
    conversations = f"/v1/Services/{account.service('support')}/Conversations"
    old = account.get(f"{conversations}/lobby")["sid"]
    account.delete(f"{conversations}/{old}")
    new = account.post(conversations, {"UniqueName": "lobby"})["sid"]
    service = account.service("support")
    (found,) = account.differences(approved, LOBBY)
    assert found == f"{ADA}: it would be applied in {service} / {new}; {service} / {old} was approved"


# --- what it does ----------------------------------------------------------------------------------------------------

RENAMED = """
version: 1
services:
  support:
    friendly_name: Customer Support
    roles: {agent: {renamed_from: old, type: service, permissions: [deleteConversation]}}
"""
OLD = {"FriendlyName": "old", "Type": "service", "Permission": "joinConversation"}


def test_a_replace_that_would_also_move_a_default_is_refused() -> None:
    account = Account()
    service = account.post("/v1/Services", {"FriendlyName": "Customer Support"})["sid"]
    old = account.add("Customer Support", "Roles", OLD)
    approved = account.approve(RENAMED)
    account.post(f"/v1/Services/{service}/Configuration", {"DefaultChatServiceRoleSid": old})
    found = account.differences(approved, RENAMED)
    assert (
        "services.support.roles.agent: it would also update services.support.configuration "
        "(default_chat_service_role), which the approved plan does not do"
    ) in found
    assert "services.support.roles.agent: its risk is now high; medium was approved" in found


def test_a_replace_that_would_move_one_more_default_is_refused() -> None:
    account = Account()
    service = account.post("/v1/Services", {"FriendlyName": "Customer Support"})["sid"]
    old = account.add("Customer Support", "Roles", OLD | {"Type": "conversation", "Permission": "sendMessage"})
    files = RENAMED.replace(
        "type: service, permissions: [deleteConversation]", "type: conversation, permissions: [sendMessage]"
    )
    account.post(f"/v1/Services/{service}/Configuration", {"DefaultConversationRoleSid": old})
    approved = account.approve(files)
    account.post(f"/v1/Services/{service}/Configuration", {"DefaultConversationCreatorRoleSid": old})
    found, effect = account.differences(approved, files)
    assert found == (
        "services.support.roles.agent: default_conversation_creator_role of services.support.configuration would be "
        "set to services.support.roles.agent (new); nothing was approved"
    )
    assert "Moves services.support.configuration.default_conversation_creator_role" in effect


@pytest.mark.parametrize(
    "other",
    ["true", "1.0", '"1"', "[1]", "null", "{}"],
)
@pytest.mark.parametrize("form", ["{team: %s}", "{a: {team: %s}}", "{a: [%s]}", "{a: [{b: [%s]}]}"])
def test_values_compare_as_typed_json(form: str, other: str) -> None:
    account = Account()
    account.converge(read(SUPPORT.replace("attributes: {team: 1}", "attributes: {x: y}")))
    files = SUPPORT.replace("{team: 1}", form % 1)
    approved = account.approve(files)
    (found,) = account.differences(approved, files.replace(form % 1, form % other))
    assert found.startswith("services.support.users.ada: attributes would become")
    # The other way round, and in the live value.
    account.converge(read(files))
    wanted = files.replace(form % 1, "{x: z}")
    approved = account.approve(wanted)
    attributes = re.sub(r"(\w+):", r'"\1":', form % other)
    account.post(f"/v1/Services/{account.service('Customer Support')}/Users/ada", {"Attributes": attributes})
    (found,) = account.differences(approved, wanted)
    assert found.startswith("services.support.users.ada: attributes is now")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "eve"),
        ("service", "Bank"),
        ("kind", "role"),
        ("reason", "because"),
        ("risk", "low"),
        ("consequences", []),
        ("parents", ["IS" + "0" * 32]),
        ("parents", [None]),
        ("parents", []),
        ("sid", "US" + "0" * 32),
        ("sid", None),
        ("action", "create"),
        ("fields", []),
        ("steps", []),
        ("steps", [{"id": "services.support.users.ada#update", "op": "delete", "needs": []}]),
        ("steps", [{"id": "services.support.users.ada#update", "op": "update", "needs": ["services.support#create"]}]),
        ("address", "services.support.users.eve"),
    ],
)
def test_an_edited_change_approves_nothing_else(key: str, value: Any) -> None:
    account = Account()
    account.converge(read(SUPPORT))
    files = SUPPORT.replace("role: agent", "role: service admin")
    approved = account.approve(files)
    assert account.differences(approved, files) == ()

    def edit(content: dict[str, Any]) -> None:
        (change,) = content["changes"]
        assert change[key] != value
        change[key] = value
        if key == "action":
            content["summary"] |= {"update": 0, "create": 1}

    assert account.differences(edited(approved, edit), files)


@pytest.mark.parametrize("since", ["2020-01-01T00:00:00Z", "2026-01-02T12:00:00Z"])
def test_an_update_that_was_edited_into_a_create_approves_no_update(since: str) -> None:
    """Somebody makes a change of a live service look like one of a new service."""
    account = Account()
    account.post("/v1/Services", {"FriendlyName": "Customer Support"})
    hooks = {"PostWebhookUrl": "https://live.example.com/"}
    account.post(f"/v1/Services/{account.service('Customer Support')}/Configuration/Webhooks", hooks)
    account.now = NOON.replace(hour=18)
    files = "version: 1\nservices: {s: {friendly_name: Customer Support, webhooks: {post_webhook_url: 'https://x.example.com/'}}}"
    forged = Account().approve(files)

    def date(content: dict[str, Any]) -> None:
        content["created_at"] = since if since.startswith("2020") else "2026-01-02T18:00:00Z"

    assert account.differences(edited(forged, date), files)


# --- resuming --------------------------------------------------------------------------------------------------------


class Refusing:
    """The API, which refuses every write after some."""

    def __init__(self, account: World, writes: int) -> None:
        self.account = account
        self.left = writes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            self.left -= 1
            if self.left < 0:
                body = b'{"code": 20001, "message": "refused by the test", "status": 400}'
                headers = [(b"content-type", b"application/json")]
                await send({"type": "http.response.start", "status": 400, "headers": headers})
                await send({"type": "http.response.body", "body": body})
                return
        await self.account.emulator(scope, receive, send)


def apply_part(account: Account, files: str, env: Mapping[str, str], writes: int, **options: Any) -> int:
    """Apply files until so many writes are done; gives how many writes took place."""
    made = account.plan(read(files, env), **options)
    app = Refusing(account, writes)

    async def no_time(_seconds: float) -> None:
        await asyncio.sleep(0)

    async def run() -> None:
        async with Client(
            "https://conversations.twilio.com",
            Credentials(ACCOUNT, "emulator", ACCOUNT),
            transport=in_process(app),
            retry=Retry(attempts=1, sleep=no_time),
            concurrency=1,
        ) as client:
            await apply(made, client, Silent())

    account.forget_requests()
    asyncio.run(run())
    return len(account.writes)


WHOLE = """
version: 1
account:
  configuration: {default_service: support}
services:
  support:
    friendly_name: Customer Support
    configuration: {default_conversation_role: helper, default_chat_service_role: clerk}
    webhooks: {pre_webhook_url: "https://hooks.example.com/?t=${secret:FCM}", method: POST, filters: [onMessageAdd]}
    notifications: {log_enabled: true, new_message: {enabled: true, template: x}}
    roles:
      helper: {type: conversation, permissions: [sendMessage]}
      clerk: {type: service, permissions: [joinConversation]}
      channel user: {permissions: [sendMessage, leaveConversation]}
    users: {ada: {role: clerk}, bob: {role: service admin}}
    conversations:
      lobby:
        participants: {ada: {identity: ada, role: helper}, bob: {identity: bob, role: channel admin}}
        webhooks: {crm: {target: webhook, url: "https://crm.example.com/", filters: [onMessageAdded], method: POST}}
      archive: {state: closed, participants: {ada: {identity: ada}}}
addresses:
  "+14155550100": {type: sms, auto_creation: {enabled: true, type: default, service: support}}
"""
BEFORE = """
version: 1
services:
  support:
    friendly_name: Customer Support
    configuration: {default_conversation_role: agent}
    roles:
      agent: {type: conversation, permissions: [sendMessage]}
      clerk: {type: conversation, permissions: [sendMessage]}
      gone: {type: conversation, permissions: [sendMessage]}
    users: {ada: {role: service user}, eve: {}}
    conversations:
      lobby:
        participants:
          customer: {address: "+14155550199", proxy_address: "+14155550100"}
          ada: {identity: ada, role: agent}
      hall: {}
addresses:
  "+14155550100": {type: sms, address_country: US}
"""
AFTER = """
version: 1
services:
  support:
    friendly_name: Customer Support
    configuration: {default_conversation_role: helper}
    roles:
      helper: {renamed_from: agent, type: conversation, permissions: [sendMessage, leaveConversation]}
      clerk: {type: service, permissions: [joinConversation]}
    users: {ada: {role: clerk}, eve: {absent: true}}
    conversations:
      lobby: {participants: {ada: {identity: ada, role: helper}}, prune: [participants]}
      hall:
        participants:
          customer: {address: "+14155550199", proxy_address: "+14155550100"}
    prune: [roles]
addresses:
  "+14155550100": {type: sms, address_country: DE}
limits: {deletes: 100}
"""


@pytest.mark.parametrize(
    ("before", "files"),
    [
        pytest.param("version: 1\n", harness.FILES, id="every kind created"),
        pytest.param("version: 1\n", WHOLE, id="a service with its settings created"),
        pytest.param("version: 1\nservices: {s: {friendly_name: Customer Support}}", WHOLE, id="in a live service"),
        pytest.param(BEFORE, AFTER, id="replaced, renamed, pruned, moved"),
    ],
)
def test_applying_a_plan_again_resumes_it_wherever_it_stopped(before: str, files: str) -> None:
    writes = 0
    begun = Account()
    begun.converge(read(before, harness.SECRET))
    approved = begun.approve(files, harness.SECRET)
    begun.now = NOON.replace(hour=13)
    while True:
        account = begun.copied()
        done = apply_part(account, files, harness.SECRET, writes)
        assert account.differences(approved, files, harness.SECRET) == (), writes
        if done < writes:
            break
        writes += 1
    assert writes > 5


def test_a_new_service_of_the_approved_name_with_other_webhooks_is_refused() -> None:
    account = Account()
    approved = account.approve(WHOLE, harness.SECRET)
    account.post("/v1/Services", {"FriendlyName": "Customer Support"})
    assert account.differences(approved, WHOLE, harness.SECRET) == ()
    hooks = {"PreWebhookUrl": "https://theirs.example.com/"}
    account.post(f"/v1/Services/{account.service('Customer Support')}/Configuration/Webhooks", hooks)
    (found,) = account.differences(approved, WHOLE, harness.SECRET)
    assert found == (
        'services.support.webhooks: pre_webhook_url is "https://theirs.example.com/" already; a new service, '
        "which has none, was approved"
    )


def test_a_service_that_was_there_before_the_plan_is_not_what_it_made() -> None:
    account = Account()
    approved = account.approve(WHOLE, harness.SECRET)
    account.now = NOON.replace(hour=11)
    account.post("/v1/Services", {"FriendlyName": "Customer Support"})
    assert account.differences(approved, WHOLE, harness.SECRET)


def test_a_conversation_that_took_the_approved_name_is_not_what_the_plan_made() -> None:
    account = Account()
    account.now = NOON.replace(hour=9)
    account.converge(read("version: 1\nservices: {support: {conversations: {old: {}}}}"))
    account.now = NOON
    approved = account.approve(LOBBY)
    conversations = f"/v1/Services/{account.service('support')}/Conversations"
    account.post(f"{conversations}/old", {"UniqueName": "lobby"})
    service, old = account.service("support"), account.get(f"{conversations}/lobby")["sid"]
    (found,) = account.differences(approved, LOBBY)
    assert found == f"{ADA}: it would be applied in {service} / {old}; {service} / a new resource was approved"


def test_what_was_made_with_other_contents_is_not_what_the_plan_made() -> None:
    account = Account()
    account.post("/v1/Services", {"FriendlyName": "Customer Support"})
    approved = account.approve(SUPPORT)
    account.add("Customer Support", "Users", {"Identity": "ada", "Attributes": '{"team": 2}'})
    found = account.differences(approved, SUPPORT)
    told = 'attributes is {"team": 2} in the new resource, which the approved plan does not set'
    assert f"services.support.users.ada: {told}" in found


def test_a_resumed_plan_of_other_files_is_refused() -> None:
    account = Account()
    approved = account.approve(SUPPORT)
    account.post("/v1/Services", {"FriendlyName": "Customer Support"})
    assert account.differences(approved, SUPPORT) == ()
    assert account.differences(approved, SUPPORT + "limits: {deletes: 3}\n")


# --- secrets ---------------------------------------------------------------------------------------------------------

HOOKS = "version: 1\naccount: {webhooks: {post_webhook_url: 'https://h.example.com/?t=${secret:TOKEN}'}}\n"


def test_a_secret_without_a_digest_is_approved_by_its_name() -> None:
    account = Account()

    def unset(content: dict[str, Any]) -> None:
        del content["changes"][0]["fields"][0]["after"]["digest"]

    approved = edited(account.approve(HOOKS, {"TOKEN": "one"}), unset)
    assert account.differences(approved, HOOKS, {"TOKEN": "two"}) == ()
    other = HOOKS.replace("TOKEN", "OTHER")
    assert account.differences(approved, other, {"OTHER": "two"})
    moved = HOOKS.replace("h.example.com", "evil.example.com")
    assert account.differences(approved, moved, {"TOKEN": "two"})
    assert account.differences(account.approve(HOOKS, {"TOKEN": "one"}), HOOKS, {"TOKEN": "two"})


def test_a_secret_name_that_names_another_resource_now_is_refused() -> None:
    inside = "{unique_name: '${secret:ROOM}', participants: {p: {identity: ada}}}"
    files = f"version: 1\nservices: {{s: {{conversations: {{c: {inside}}}}}}}"
    account = Account()
    account.post("/v1/Services", {"FriendlyName": "s"})
    approved = account.approve(files, {"ROOM": "lobby"})
    account.add("s", "Conversations", {"UniqueName": "boardroom"})
    assert account.differences(approved, files, {"ROOM": "boardroom"})


# --- files -----------------------------------------------------------------------------------------------------------


def test_a_plan_of_a_release_without_parents_is_refused_with_what_to_do() -> None:
    content = json.loads(Account().approve(SUPPORT).to_json())
    for change in content["changes"]:
        del change["parents"]
    with pytest.raises(PlanFileError) as error:
        parse_plan(json.dumps(content), "plan.json")
    assert str(error.value) == (
        "plan.json was made by an older release of reconciler, which did not record the SIDs that an approval covers. "
        "Make a new plan with `reconciler plan --out plan.json`"
    )


def test_a_plan_with_two_changes_of_one_address_is_refused() -> None:
    content = json.loads(Account().approve(SUPPORT).to_json())
    content["changes"].append(content["changes"][0])
    content["summary"]["create"] += 1
    with pytest.raises(PlanFileError, match=r"^plan.json has two changes of services.support. Make a new plan"):
        parse_plan(json.dumps(content), "plan.json")


def test_references_and_parents_have_the_form_of_the_contract() -> None:
    account = Account()
    account.converge(read(SUPPORT.replace("role: agent, ", "")))
    (change,) = json.loads(account.approve(SUPPORT).to_json())["changes"]
    assert change["parents"] == [account.service("Customer Support")]
    assert change["fields"][0]["after"] == {
        "ref": "services.support.roles.agent",
        "sid": account.role("Customer Support", "Agent"),
    }
    assert change["steps"] == [{"id": "services.support.users.ada#update", "op": "update", "needs": []}]


# --- what its own steps change about the rest ------------------------------------------------------------------------


def _renamed_default(account: Account) -> tuple[PlanFile, str, str]:
    """The approved rename of a default role; gives the service's path and the old role, too."""
    service = f"/v1/Services/{account.post('/v1/Services', {'FriendlyName': 'Customer Support'})['sid']}"
    old = account.add("Customer Support", "Roles", OLD)
    account.post(f"{service}/Configuration", {"DefaultChatServiceRoleSid": old})
    approved = account.approve(RENAMED)
    account.now = NOON.replace(hour=13)
    account.add("Customer Support", "Roles", OLD | {"FriendlyName": "agent", "Permission": "deleteConversation"})
    return approved, service, old


def test_a_default_that_an_approved_rename_moves_is_approved_without_its_records() -> None:
    account = Account()
    approved, service, _old = _renamed_default(account)
    (change,) = account.plan(read(RENAMED)).changes
    assert (str(change.address), change.action) == ("services.support.configuration", "update")
    assert account.differences(approved, RENAMED) == ()
    account.post(
        f"{service}/Configuration", {"DefaultConversationRoleSid": account.role("Customer Support", "channel admin")}
    )
    assert account.differences(approved, RENAMED) == ()


def test_a_default_that_moves_to_a_role_which_the_plan_did_not_create_is_refused() -> None:
    account = Account()
    approved, _service, _old = _renamed_default(account)

    def date(content: dict[str, Any]) -> None:
        content["created_at"] = "2026-01-02T18:00:00Z"

    (found,) = account.differences(edited(approved, date), RENAMED)
    assert found == "services.support.configuration: update was not in the approved plan"


def test_a_role_of_a_name_with_two_types_is_the_one_that_the_plan_created() -> None:
    account = Account()
    account.post("/v1/Services", {"FriendlyName": "Customer Support"})
    files = """
version: 1
services:
  support:
    friendly_name: Customer Support
    roles:
      agent: {type: service, permissions: [joinConversation]}
      second: {friendly_name: agent, type: conversation, permissions: [sendMessage]}
    users: {ada: {role: agent}}
"""
    approved = account.approve(files)
    account.now = NOON.replace(hour=13)
    assert apply_part(account, files, {}, 2) == 2
    assert account.differences(approved, files) == ()


def test_the_decisions_of_a_plan_are_its_creates_and_what_it_withholds() -> None:
    account = Account()
    account.post("/v1/Services", {"FriendlyName": "Customer Support"})
    old = account.add("Customer Support", "Roles", OLD)
    account.add("Customer Support", "Users", {"Identity": "eve", "RoleSid": old})
    approved = account.approve(SUPPORT + "    prune: [roles]\n")
    support = "services.support"
    assert reviewed_decisions(approved, is_sealed=True) == Reviewed(
        creates=frozenset(map(Address.parse, (f"{support}.roles.agent", f"{support}.users.ada"))),
        withheld=frozenset({Address.parse(f'{support}.roles["{old}"]')}),
        kept=frozenset({old}),
    )

    def spoil(content: dict[str, Any]) -> None:
        for change in content["changes"]:
            change["address"] = "no address [" if change["kind"] == "user" else change["address"]

    assert reviewed_decisions(edited(approved, spoil), is_sealed=False).creates == {
        Address.parse(f"{support}.roles.agent")
    }


def test_what_an_approved_plan_withholds_is_withheld_though_it_is_possible_now() -> None:
    account = Account()
    service = account.post("/v1/Services", {"FriendlyName": "Customer Support"})["sid"]
    old = account.add("Customer Support", "Roles", OLD)
    user = account.add("Customer Support", "Users", {"Identity": "eve", "RoleSid": old})
    files = read(SUPPORT + "    prune: [roles]\n")
    approved = account.approve(SUPPORT + "    prune: [roles]\n")
    account.post(f"/v1/Services/{service}/Users/{user}", {"RoleSid": account.role("Customer Support", "service user")})
    free = account.plan(files).changes[-1]
    kept = account.plan(files, reviewed=reviewed_decisions(approved, is_sealed=True)).changes[-1]
    assert (free.action, free.sid, free.guard) == ("delete", old, None)
    assert kept.guard is not None
    assert (kept.sid, kept.guard.name, kept.guard.verdict, kept.is_withheld) == (old, "reviewed", "withheld", True)


def test_a_replaced_address_that_moves_to_a_new_service_says_so_from_the_beginning() -> None:
    account = Account()
    number = {"Type": "sms", "Address": "+14155550100", "AutoCreation.Enabled": "true", "AutoCreation.Type": "default"}
    account.post("/v1/Configuration/Addresses", number)
    files = """
version: 1
services: {support: {friendly_name: Customer Support}}
addresses: {main: {address: "+14155550122", renamed_from: "+14155550100", auto_creation: {service: support}}}
"""
    approved = account.approve(files)
    (change,) = (entry for entry in approved.changes if entry.address == "addresses.main")
    assert "Messages to this address start conversations in another service." in change.consequences
    account.now = NOON.replace(hour=13)
    account.post("/v1/Services", {"FriendlyName": "Customer Support"})
    assert account.differences(approved, files) == ()
