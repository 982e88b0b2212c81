"""The plan file is an approval: what of it a fresh plan must match, and what never leaves the process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.documents import approval
from reconciler.documents.live import live_at
from reconciler.documents.plan import PlanFile, parse_plan
from reconciler.errors import PlanFileError
from reconciler.planning.plan import Plan
from tests.world import World, read, seen

BASE = """
version: 1
services:
  support:
    friendly_name: Customer Support
    roles: {agent: {type: conversation, permissions: [sendMessage]}}
    configuration: {default_conversation_role: agent}
    webhooks: {post_webhook_url: "https://h.example.com/?t=${secret:TOKEN}"}
"""
TOKEN = {"TOKEN": "canary-5f3a"}
AGENT = "services.support.roles.agent"
SENDER, ADDED = '["sendMessage"]', '["addParticipant", "sendMessage"]'
LOST = "Everyone with the role 'agent', a default of its service, loses sendMediaMessage."


def fresh_plan(account: World, text: str, env: Mapping[str, str] = TOKEN, **options: Any) -> Plan:
    return account.plan(read(text, env), **options)


def plans(account: World, text: str, env: Mapping[str, str] = TOKEN, **options: Any) -> PlanFile:
    return seen(fresh_plan(account, text, env, **options))


def not_approved(approved: PlanFile, fresh: Plan | PlanFile) -> tuple[str, ...]:
    if isinstance(fresh, PlanFile):
        return approval.not_approved(approved, fresh, {})
    return approval.not_approved(approved, seen(fresh), live_at(fresh, approved, key=b"test"))


def edited(file: PlanFile, change: Any) -> PlanFile:
    """A plan file after somebody's hand was in it."""
    content = json.loads(file.to_json())
    change(content)
    return parse_plan(json.dumps(content), "plan.json")


def test_a_plan_is_its_own_approval() -> None:
    account = World()
    assert not_approved(plans(account, BASE), fresh_plan(account, BASE)) == ()


def test_a_plan_survives_its_file() -> None:
    file = plans(World(), BASE)
    assert parse_plan(file.to_json(), "plan.json") == file


def test_the_same_inputs_give_the_same_bytes() -> None:
    account = World()
    assert plans(account, BASE).to_json() == plans(account, BASE).to_json()


def test_the_file_has_the_form_of_the_contract() -> None:
    account = World()
    file = json.loads(plans(account, BASE.replace("agent]", "agent]")).to_json())
    assert list(file)[:9] == [
        "format", "format_version", "tool_version", "account_sid", "created_at", "config_digest", "options", "summary",
        "changes",
    ]  # fmt: skip
    assert file["summary"] == {
        "create": 2, "update": 2, "replace": 0, "delete": 0, "no-op": 0, "unmanaged": 1, "withheld": 0,
    }  # fmt: skip
    role = next(change for change in file["changes"] if change["kind"] == "role")
    assert role == {
        "address": "services.support.roles.agent",
        "kind": "role",
        "action": "create",
        "sid": None,
        "name": "agent",
        "service": "Customer Support",
        "parents": [None],
        "fields": [
            _field("friendly_name", None, "agent", line=6, column=13),
            _field("type", None, "conversation", line=6, column=27),
            _field("permissions", None, ["sendMessage"], line=6, column=54),
        ],
        "steps": [
            {"id": "services.support.roles.agent#create", "op": "create", "needs": ["services.support#create"]},
        ],
        "reason": "not in the account",
        "risk": "low",
        "consequences": [],
        "guard": None,
        "source": {"file": "reconciler.yaml", "line": 6, "column": 13, "via": ""},
    }


def _field(path: str, before: Any, after: Any, *, line: int, column: int) -> dict[str, Any]:
    return {
        "path": path,
        "before": before,
        "after": after,
        "before_name": "",
        "sensitive": False,
        "forces_replacement": False,
        "source": {"file": "reconciler.yaml", "line": line, "column": column, "via": ""},
        "inside": [],
    }


def test_references_and_what_is_not_known_yet_have_their_own_form() -> None:
    file = plans(World(), BASE)
    configuration = next(change for change in file.changes if change.kind == "service_configuration")
    (field,) = configuration.fields
    assert field.before == {"unknown": "known after apply"}
    assert field.after == {"ref": "services.support.roles.agent", "sid": None}


# --- secrets ---------------------------------------------------------------------------------------------------------


def test_a_secret_is_a_name_and_a_keyed_digest() -> None:
    file = plans(World(), BASE)
    assert "canary" not in file.to_json()
    webhooks = next(change for change in file.changes if change.kind == "service_webhook")
    after = webhooks.fields[0].after
    assert isinstance(after, dict)
    assert after["secret"] == "TOKEN"
    assert str(after["digest"]).startswith("hmac-sha256:")


def test_the_live_side_of_a_secret_field_is_a_digest_too() -> None:
    account = World()
    account.converge(read(BASE, TOKEN))
    file = seen(account.plan(read(BASE, {"TOKEN": "canary-other"})))
    assert "canary" not in file.to_json()
    (field,) = file.changes[0].fields
    assert isinstance(field.before, dict)
    assert isinstance(field.after, dict)
    assert list(field.before) == ["digest", "shown"]
    assert field.before["shown"] == field.after["shown"] == "https://h.example.com/?t=(sensitive)"


def test_another_secret_is_another_plan() -> None:
    account = World()
    (told,) = not_approved(plans(account, BASE), fresh_plan(account, BASE, {"TOKEN": "changed"}))
    assert told == (
        "services.support.webhooks: post_webhook_url would become another value of the secret TOKEN; another value of "
        "the secret TOKEN was approved (or the plan was made with different credentials; use RECONCILER_PLAN_KEY)"
    )


def test_a_password_in_a_live_url_is_hidden_though_the_files_have_none() -> None:
    account = World()
    account.post("/v1/Configuration/Webhooks", {"PostWebhookUrl": "https://bot:canary@h.example.com/"})
    file = seen(account.plan(read("version: 1\naccount: {webhooks: {post_webhook_url: https://h.example.com/}}\n")))
    assert file.changes[0].fields[0].sensitive
    assert "canary" not in file.to_json()


def test_a_sensitive_reference_keeps_the_former_name_to_itself() -> None:
    account = World()
    account.converge(read(BASE, TOKEN))
    wanted = BASE.replace("default_conversation_role: agent", "default_conversation_role: channel user")
    hidden = wanted.replace("channel user}", "channel user, sensitive: [default_conversation_role]}")
    (field,) = plans(account, wanted).changes[0].fields
    assert (field.sensitive, field.before_name) == (False, "agent")
    (field,) = plans(account, hidden).changes[0].fields
    assert isinstance(field.before, dict)
    assert (field.sensitive, field.before_name, list(field.before)) == (True, "", ["digest"])


def test_nothing_is_no_secret() -> None:
    file = plans(
        World(), "version: 1\naccount: {webhooks: {post_webhook_url: 'https://h.example.com/?t=${secret:TOKEN}'}}"
    )
    (field,) = file.changes[0].fields
    assert (field.sensitive, field.before) == (True, None)


def test_a_plan_file_is_ascii_whatever_it_tells() -> None:
    text = plans(World(), BASE.replace("Customer Support", '"Zoë \\u202e\\x7f"')).to_json()
    assert text.isascii()
    assert "Zo\\u00eb \\u202e\\u007f" in text


# --- approval --------------------------------------------------------------------------------------------------------


def test_a_change_that_nobody_saw_is_refused() -> None:
    account = World()
    approved = plans(account, BASE)
    more = BASE.replace("roles: {", "roles: {boss: {type: service, permissions: [joinConversation]}, ")
    assert not_approved(approved, fresh_plan(account, more)) == (
        "services.support.roles.boss: create was not in the approved plan",
    )


def test_a_delete_of_what_was_to_be_updated_is_refused() -> None:
    account = World()
    files = "version: 1\nservices: {support: {users: {ada: {friendly_name: Ada}}}}"
    account.converge(read(files))
    approved = plans(account, files.replace("name: Ada", "name: Eve"))
    assert not_approved(approved, fresh_plan(account, files.replace("friendly_name: Ada", "absent: true"))) == (
        "services.support.users.ada: update was approved, but now it would be delete",
    )


def test_a_create_of_what_was_to_be_updated_is_refused() -> None:
    account = World()
    files = "version: 1\nservices: {support: {users: {ada: {friendly_name: Ada}}}}"
    account.converge(read(files))
    changed = files.replace("name: Ada", "name: Eve")
    approved = plans(account, changed)
    users = f"/v1/Services/{account.service('support')}/Users"
    account.delete(f"{users}/ada")
    assert not_approved(approved, fresh_plan(account, changed)) == (
        "services.support.users.ada: update was approved, but now it would be create",
    )


def test_an_update_of_what_was_to_be_replaced_is_refused() -> None:
    account = World()
    files = "version: 1\nservices: {support: {roles: {clerk: {type: conversation, permissions: [sendMessage]}}}}"
    account.converge(read(files))
    approved = plans(account, files.replace("type: conversation", "type: service"))
    assert not_approved(approved, fresh_plan(account, files.replace("sendMessage", "leaveConversation"))) == (
        "services.support.roles.clerk: replace was approved, but now it would be update",
    )


def test_consent_that_was_asked_for_may_be_given_when_a_plan_is_applied() -> None:
    account = World()
    account.converge(read(BASE, TOKEN))
    gone = "version: 1\nservices: {support: {friendly_name: Customer Support, absent: true}}"
    approved = plans(account, gone)
    assert [(change.guard and change.guard.verdict) for change in approved.changes] == ["refused"]
    fresh = fresh_plan(account, gone, approved=["services.support"])
    assert [change.guard for change in fresh.changes] == [None]
    assert not_approved(approved, fresh) == ()


def test_another_value_than_the_approved_one_is_refused() -> None:
    account = World()
    approved = plans(account, BASE)
    other = fresh_plan(account, BASE.replace("[sendMessage]", "[sendMessage, addParticipant]"))
    assert not_approved(approved, other) == (f"{AGENT}: permissions would become {ADDED}; {SENDER} was approved",)


def test_a_live_value_that_moved_in_between_is_refused() -> None:
    account = World()
    account.converge(read(BASE, TOKEN))
    wanted = BASE.replace("[sendMessage]", "[leaveConversation]")
    approved = plans(account, wanted)
    role = f"/v1/Services/{account.service('Customer Support')}/Roles/{account.role('Customer Support', 'agent')}"
    account.post(role, {"Permission": ["sendMediaMessage"]})
    assert not_approved(approved, fresh_plan(account, wanted)) == (
        f'{AGENT}: permissions is now ["sendMediaMessage"]; it was {SENDER} in the approved plan',
        f"{AGENT}: it has an effect that was not in the approved plan: {LOST}",
    )


ADA = """
version: 1
services:
  support:
    users: {ada: {friendly_name: Ada, role: service user, attributes: {team: 1}}}
"""


@pytest.mark.parametrize(
    ("meanwhile", "reason"),
    [
        ({"Attributes": '{"team": 3}'}, 'attributes is now {"team": 3}; it was {"team": 1} in the approved plan'),
        ({"Attributes": '{"team": true}'}, 'attributes is now {"team": true}; it was {"team": 1} in the approved plan'),
        ({"Attributes": '{"team": 1.0}'}, 'attributes is now {"team": 1.0}; it was {"team": 1} in the approved plan'),
        ({"FriendlyName": "Zoe"}, 'friendly_name is now "Zoe"; it was "Ada" in the approved plan'),
        (
            {"RoleSid": "service admin"},
            'role was not in the approved change; it would become services.support.roles["service user"] ({role})',
        ),
    ],
)
def test_a_resource_that_somebody_touched_in_between_is_refused(meanwhile: dict[str, str], reason: str) -> None:
    account = World()
    account.converge(read(ADA))
    wanted = ADA.replace("team: 1", "team: 2").replace("name: Ada", "name: Eve")
    approved = plans(account, wanted)
    if "RoleSid" in meanwhile:
        meanwhile = {"RoleSid": account.role("support", meanwhile["RoleSid"])}
    account.post(f"/v1/Services/{account.service('support')}/Users/ada", meanwhile)
    reason = reason.replace("{role}", account.role("support", "service user"))
    assert not_approved(approved, fresh_plan(account, wanted))[0] == f"services.support.users.ada: {reason}"


@pytest.mark.parametrize("meanwhile", [{"Attributes": '{"team": 2}'}, {"FriendlyName": "Eve"}])
def test_a_field_that_has_the_approved_value_by_now_is_no_difference(meanwhile: dict[str, str]) -> None:
    account = World()
    account.converge(read(ADA))
    wanted = ADA.replace("team: 1", "team: 2").replace("name: Ada", "name: Eve")
    approved = plans(account, wanted)
    account.post(f"/v1/Services/{account.service('support')}/Users/ada", meanwhile)
    assert not_approved(approved, fresh_plan(account, wanted)) == ()


def test_a_field_that_the_configuration_dropped_since_is_refused() -> None:
    account = World()
    account.converge(read(ADA))
    wanted = ADA.replace("team: 1", "team: 2").replace("name: Ada", "name: Eve")
    approved = plans(account, wanted)
    assert not_approved(approved, fresh_plan(account, wanted.replace(", attributes: {team: 2}", ""))) == (
        'services.support.users.ada: attributes is no longer part of the change; it was to become {"team": 2}',
    )


def test_another_resource_of_the_same_name_is_refused() -> None:
    account = World()
    account.converge(read(BASE, TOKEN))
    wanted = BASE.replace("[sendMessage]", "[leaveConversation]")
    approved = plans(account, wanted)

    def other(content: dict[str, Any]) -> None:
        content["changes"][0]["sid"] = "RL" + "0" * 32

    assert len(not_approved(edited(approved, other), fresh_plan(account, wanted))) == 1


def test_another_account_is_refused() -> None:
    account = World()

    def other(content: dict[str, Any]) -> None:
        content["account_sid"] = "AC" + "1" * 32

    (reason,) = not_approved(edited(plans(account, BASE), other), plans(account, BASE))
    assert reason.startswith("the plan was made for account AC1111")


def test_what_is_done_already_is_simply_no_longer_there() -> None:
    account = World()
    approved = plans(account, BASE)
    account.converge(read(BASE, TOKEN))
    assert not_approved(approved, fresh_plan(account, BASE)) == ()


def test_a_plan_that_was_half_done_can_go_on() -> None:
    account = World()
    approved = plans(account, BASE)
    account.converge(read("version: 1\nservices: {support: {friendly_name: Customer Support}}\n"))
    fresh = fresh_plan(account, BASE)
    assert len(fresh.changes) == 3
    assert not_approved(approved, fresh) == ()


def test_a_replace_that_lost_its_old_resource_can_go_on() -> None:
    account = World()
    old = account.post("/v1/Configuration/Addresses", {"Type": "sms", "Address": "+14155550100"})["sid"]
    files = 'version: 1\naddresses: {"+14155550100": {address_country: US, friendly_name: Main}}\n'
    approved = plans(account, files)
    account.delete(f"/v1/Configuration/Addresses/{old}")
    fresh = fresh_plan(account, files)
    assert [change.action for change in fresh.changes] == ["create"]
    assert not_approved(approved, fresh) == ()


def test_a_rename_that_has_its_new_role_can_go_on() -> None:
    account = World()
    account.converge(read(BASE, TOKEN))
    renamed = BASE.replace("agent: {", "helper: {renamed_from: agent, ").replace("role: agent", "role: helper")
    approved = plans(account, renamed)
    form = {"FriendlyName": "helper", "Type": "conversation", "Permission": ["sendMessage"]}
    account.post(f"/v1/Services/{account.service('Customer Support')}/Roles", form)
    fresh = fresh_plan(account, renamed)
    assert [change.action for change in fresh.changes] == ["update"]
    assert not_approved(approved, fresh) == ()


@pytest.mark.parametrize(
    ("later", "reason"),
    [
        pytest.param("{clerk: {absent: true}}", "clerk: replace was approved, but now it would be delete", id="absent"),
        pytest.param("{}, prune: [roles]", '["{old}"]: delete was not in the approved plan', id="pruned"),
    ],
)
def test_a_delete_without_the_new_one_of_an_approved_replace_is_refused(later: str, reason: str) -> None:
    account = World()
    files = "version: 1\nservices: {support: {roles: {clerk: {type: conversation, permissions: [sendMessage]}}}}"
    account.converge(read(files))
    old = account.role("support", "clerk")
    approved = plans(account, files.replace("type: conversation", "type: service").replace("sendM", "editAnyM"))
    assert [(change.action, change.sid) for change in approved.changes] == [("replace", old)]
    fresh = fresh_plan(account, f"version: 1\nservices: {{support: {{roles: {later}}}}}")
    assert [(change.action, change.sid) for change in fresh.changes] == [("delete", old)]
    (found,) = not_approved(approved, fresh)
    assert found.endswith(reason.replace("{old}", old))


def test_what_was_withheld_in_the_approved_plan_is_not_approved() -> None:
    account = World()
    account.converge(read(BASE, TOKEN))
    service = account.service("Customer Support")
    user = account.post(f"/v1/Services/{service}/Users", {"Identity": "ada"})["sid"]
    form = {"FriendlyName": "old", "Type": "service", "Permission": ["joinConversation"]}
    old = account.post(f"/v1/Services/{service}/Roles", form)["sid"]
    account.post(f"/v1/Services/{service}/Users/{user}", {"RoleSid": old})
    pruned = BASE + "    prune: [roles]\n"
    approved = plans(account, pruned)
    assert [(change.action, change.guard and change.guard.name) for change in approved.changes] == [
        ("delete", "role_in_use")
    ]
    assert (approved.summary.delete, approved.summary.withheld) == (0, 1)
    assert not_approved(approved, fresh_plan(account, pruned)) == ()
    account.post(f"/v1/Services/{service}/Users/{user}", {"RoleSid": account.role("Customer Support", "service user")})
    assert not_approved(approved, fresh_plan(account, pruned)) == (
        f'services.support.roles["{old}"]: the delete was withheld in the approved plan, but now it would be applied',
    )


@pytest.mark.parametrize("only_delete", [False, True])
def test_a_replace_of_which_a_part_was_withheld_is_not_approved_as_a_whole(*, only_delete: bool) -> None:
    account = World()
    account.converge(read(BASE, TOKEN))
    wanted = BASE.replace(
        "type: conversation, permissions: [sendMessage", "type: service, permissions: [joinConversation"
    )
    wanted = wanted.replace("    configuration: {default_conversation_role: agent}\n", "")
    service = account.service("Customer Support")
    other = {"DefaultConversationRoleSid": account.role("Customer Support", "channel user")}
    account.post(f"/v1/Services/{service}/Configuration", other)
    fresh = plans(account, wanted)
    assert [change.action for change in fresh.changes] == ["replace"]

    def hold(content: dict[str, Any]) -> None:
        guard = {"name": "role_in_use", "verdict": "withheld", "message": "held", "only_delete": only_delete}
        content["changes"][0]["guard"] = guard
        if not only_delete:
            content["summary"] |= {"replace": 0, "withheld": 1}

    held = edited(fresh, hold)
    what = "delete of the old resource" if only_delete else "replace"
    assert not_approved(held, fresh) == (
        f"services.support.roles.agent: the {what} was withheld in the approved plan, but now it would be applied",
    )
    assert not_approved(held, held) == ()
    # Its new role was made meanwhile; what is left is the delete that was withheld.
    form = {"FriendlyName": "agent", "Type": "service", "Permission": ["joinConversation"]}
    account.post(f"/v1/Services/{service}/Roles", form)
    rest = fresh_plan(account, wanted + "    prune: [roles]\n")
    assert {change.action for change in rest.changes} == {"delete"}
    assert any("delete was not in the approved plan" in reason for reason in not_approved(held, rest))


# --- hostile files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1 column 1"),
        ("[]", "plan.json"),
        ('{"format": "terraform"}', "at format: "),
    ],
)
def test_what_is_no_plan_is_told_in_a_sentence(text: str, says: str) -> None:
    with pytest.raises(PlanFileError) as error:
        parse_plan(text, "plan.json")
    assert says in str(error.value)
    assert "Make one with `reconciler plan --out plan.json`" in str(error.value)


def test_a_plan_of_a_later_format_is_told_with_who_can_read_it() -> None:
    with pytest.raises(PlanFileError) as error:
        parse_plan('{"format": "reconciler.plan", "format_version": 2}', "plan.json")
    assert str(error.value) == (
        "plan.json is a plan of format version 2, but this release of reconciler reads version 1. Use the release that "
        "made it, or make a new one with `reconciler plan --out plan.json`"
    )


def test_what_was_hidden_from_who_approved_it_is_not_approved() -> None:
    fresh = plans(World(), BASE)

    def hide(content: dict[str, Any]) -> None:
        content["changes"][1]["fields"][2]["sensitive"] = True

    assert not_approved(edited(fresh, hide), fresh) == (
        "services.support.roles.agent: permissions was hidden in the approved plan, but is no longer sensitive",
    )


@pytest.mark.parametrize(
    ("key", "says"),
    [("create", r"at summary\.create: it holds 2"), ("unmanaged", r"at summary\.unmanaged: it holds 1")],
)
def test_a_summary_that_does_not_count_its_plan_is_refused(key: str, says: str) -> None:
    def less(content: dict[str, Any]) -> None:
        content["summary"][key] -= 1

    with pytest.raises(PlanFileError, match=says):
        edited(plans(World(), BASE), less)


def test_a_plan_that_is_said_to_hold_nothing_back_is_refused() -> None:
    def hold(content: dict[str, Any]) -> None:
        content["changes"][0]["guard"] = {"name": "final", "verdict": "withheld", "message": "closed"}

    with pytest.raises(PlanFileError, match=r"at summary\.create: it holds 1"):
        edited(plans(World(), BASE), hold)


@given(st.binary())
def test_no_bytes_do_more_than_be_refused(data: bytes) -> None:
    with pytest.raises(PlanFileError):
        parse_plan(data, "plan.json")
