"""Another name under a handle that is not a rename: nothing is forgotten, and no plan is stuck."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.address import Address
from reconciler.change import Action, Standing
from reconciler.config.model import Config
from reconciler.planning.baseline import Record
from reconciler.planning.plan import Plan
from tests.properties.ledgered import Fault, FaultyWorld, Ledgered
from tests.world import World, read

OWN, THEIRS = ["sendMessage"], ["addParticipant"]


@pytest.fixture
def ledger() -> Ledgered:
    return Ledgered(FaultyWorld(World()))


def files(inside: str) -> Config:
    return read(f"version: 1\nservices: {{s: {{{inside}}}}}\n")


def roles(**handles: str) -> Config:
    lines = (
        f"{handle}: {{friendly_name: {name}, type: conversation, permissions: [sendMessage]}}"
        for handle, name in handles.items()
    )
    return files(f"roles: {{{', '.join(lines)}}}")


def told(made: Plan) -> dict[str, tuple[Action, str, set[Standing]]]:
    """What a plan does with each address: the action, the guard, and the standings."""
    return {
        str(change.address).removeprefix("services.s."): (
            change.action,
            "" if change.guard is None else change.guard.name,
            {change.standing, *(item.standing for item in change.fields)} - {""},
        )
        for change in made.changes
    }


def add(ledger: Ledgered, path: str, **form: Any) -> str:
    sid = ledger.account.post(f"/v1/Services/{ledger.account.service('s')}/{path}", form)["sid"]
    assert isinstance(sid, str)
    return sid


def other_role(ledger: Ledgered, name: str) -> str:
    return add(ledger, "Roles", FriendlyName=name, Type="conversation", Permission=THEIRS)


def names(ledger: Ledgered) -> set[str]:
    path = f"/v1/Services/{ledger.account.service('s')}/Roles"
    return {item["friendly_name"] for item in ledger.account.get(path)["roles"]} & {"Alpha", "Beta", "Gamma"}


def origins(ledger: Ledgered) -> dict[str, str]:
    return {str(address).removeprefix("services.s."): one.origin for address, one in ledger.remembered.items()}


@pytest.mark.parametrize("has_digest", [True, False])
def test_a_handle_that_gets_the_name_of_another_resource(ledger: Ledgered, has_digest: bool) -> None:  # noqa: FBT001 - a column
    ledger.apply(roles(a="Alpha"))
    if not has_digest:
        ledger.remembered = {one: Record(record.baseline) for one, record in ledger.remembered.items()}
    other_role(ledger, "Beta")
    made = ledger.plan(roles(a="Beta"))
    assert told(made) == {
        "roles.a": ("update", "", {"newly_declared"}),
        "roles.Alpha": ("delete", "", {"removed"}),
    }
    assert made.warnings == ()
    ledger.apply(roles(a="Beta"))
    assert names(ledger) == {"Beta"}
    assert origins(ledger)["roles.a"] == "adopted"


def test_a_handle_that_gets_another_name_is_a_rename(ledger: Ledgered) -> None:
    ledger.apply(roles(a="Alpha"))
    assert told(ledger.plan(roles(a="Beta"))) == {"roles.a": ("replace", "", {"pending"})}
    ledger.apply(roles(a="Beta"))
    assert (names(ledger), origins(ledger)["roles.a"]) == ({"Beta"}, "created")


def test_a_user_whose_former_identity_another_one_has_again(ledger: Ledgered) -> None:
    users = "users: {lead: {identity: %s, friendly_name: Lead}}"
    ledger.apply(files(users % "ada"))
    ledger.apply(files(users % "bob"))
    add(ledger, "Users", Identity="ada", FriendlyName="Of the app")
    made = ledger.plan(files(users % "ada"))
    assert told(made) == {
        "users.lead": ("update", "", {"newly_declared"}),
        "users.bob": ("delete", "", {"removed"}),
    }


def test_a_former_name_in_the_configuration_makes_no_other_resource_the_recorded_one(ledger: Ledgered) -> None:
    ledger.apply(roles(a="Alpha"))
    other_role(ledger, "Beta")
    beta = "{friendly_name: Beta, renamed_from: Alpha, type: conversation, permissions: [sendMessage]}"
    assert told(ledger.plan(files(f"roles: {{a: {beta}}}"))) == {
        "roles.a": ("update", "", {"newly_declared"}),
        "roles.Alpha": ("delete", "", {"removed"}),
    }


WEBHOOK = "{target: webhook, method: POST, url: 'https://%s.example.com', filters: [%s]}"
WEBHOOKS = f"conversations: {{talk: {{webhooks: {{w: {WEBHOOK}}}}}}}"


def urls(ledger: Ledgered) -> list[str]:
    service = f"/v1/Services/{ledger.account.service('s')}"
    (talk,) = ledger.account.get(f"{service}/Conversations")["conversations"]
    found = ledger.account.get(f"{service}/Conversations/{talk['sid']}/Webhooks")["webhooks"]
    return sorted(item["configuration"]["url"] for item in found)


def test_a_webhook_with_another_url_takes_the_place_of_the_former_one(ledger: Ledgered) -> None:
    ledger.apply(files(WEBHOOKS % ("old", "onMessageAdded")))
    ledger.apply(files(WEBHOOKS % ("new", "onMessageAdded")))
    assert urls(ledger) == ["https://new.example.com"]
    assert told(ledger.plan(files(WEBHOOKS % ("new", "onMessageAdded")))) == {}


def test_a_webhook_with_other_filters_is_updated(ledger: Ledgered) -> None:
    ledger.apply(files(WEBHOOKS % ("old", "onMessageAdded")))
    assert told(ledger.plan(files(WEBHOOKS % ("old", "onMessageRemoved")))) == {
        "conversations.talk.webhooks.w": ("update", "", {"pending"})
    }


def test_the_webhook_of_others_under_another_url_is_adopted(ledger: Ledgered) -> None:
    ledger.apply(files(WEBHOOKS % ("old", "onMessageAdded")))
    service = f"/v1/Services/{ledger.account.service('s')}"
    (talk,) = ledger.account.get(f"{service}/Conversations")["conversations"]
    form = {"Configuration.Url": "https://new.example.com", "Configuration.Filters": "onMessageAdded"}
    path = f"{service}/Conversations/{talk['sid']}/Webhooks"
    ledger.account.post(path, {"Target": "webhook", "Configuration.Method": "POST", **form})
    ledger.apply(files(WEBHOOKS % ("new", "onMessageAdded")))
    assert (urls(ledger), origins(ledger)["conversations.talk.webhooks.w"]) == (["https://new.example.com"], "adopted")
    assert told(ledger.plan(files("conversations: {talk: {webhooks: {}}}"))) == {}


def delete_role(ledger: Ledgered, name: str) -> None:
    path = f"/v1/Services/{ledger.account.service('s')}/Roles"
    (sid,) = (item["sid"] for item in ledger.account.get(path)["roles"] if item["friendly_name"] == name)
    ledger.account.delete(f"{path}/{sid}")


def test_a_handle_that_gets_another_name_when_the_former_resource_is_gone(ledger: Ledgered) -> None:
    ledger.apply(roles(a="Alpha"))
    delete_role(ledger, "Alpha")
    assert told(ledger.plan(roles(a="Beta"))) == {"roles.a": ("create", "", {"pending"})}


@pytest.mark.parametrize("digest", ["", "of another key", "of Alpha"])
def test_without_its_sid_a_resource_of_the_new_name_is_the_former_one(ledger: Ledgered, digest: str) -> None:
    ledger.apply(roles(a="Alpha"))
    delete_role(ledger, "Alpha")
    for name in ("Beta", "Gamma"):
        other_role(ledger, name)
    a = Address.parse("services.s.roles.a")
    ledger.remembered = {**ledger.remembered, a: Record(1, sid_digest=digest)}
    baseline = replace(ledger.baseline, is_own_digest=lambda one: one != "of another key")
    record = ledger.account.plan(roles(a="Beta"), baseline=baseline).decisions[a].record
    is_known = digest == "of Alpha"
    assert (record.baseline, record.origin) == ((None, "adopted") if is_known else (1, "created"))


def test_a_name_that_is_to_be_absent_removes_nothing_else(ledger: Ledgered) -> None:
    ledger.apply(roles(a="Alpha"))
    other_role(ledger, "Beta")
    absent = files("roles: {a: {friendly_name: Beta, absent: true}}")
    assert told(ledger.plan(absent)) == {"roles.a": ("delete", "", {"pending"})}


# --- participants ----------------------------------------------------------------------------------------------------

PARTICIPANT = "conversations: {talk: {participants: {ada: {identity: ada}}}}"


def test_a_removed_user_whom_a_participant_needs_is_withheld(ledger: Ledgered) -> None:
    ledger.apply(files(f"users: {{ada: {{friendly_name: Ada}}}}, {PARTICIPANT}"))
    report = ledger.apply(files(PARTICIPANT))
    assert report is not None
    assert report.exit_code == 5
    assert told(ledger.plan(files(PARTICIPANT))) == {"users.ada": ("delete", "implied", {"removed"})}
    ledger.apply(files("conversations: {talk: {participants: {}}}"))
    ledger.apply(files("conversations: {talk: {participants: {}}}"))
    assert {str(one) for one in ledger.remembered} == {"services.s", "services.s.conversations.talk"}


def test_a_handle_that_leaves_a_user_whom_a_participant_needs(ledger: Ledgered) -> None:
    users = "users: {lead: {identity: %s, friendly_name: Lead}}"
    ledger.apply(files(f"{users % 'ada'}, {PARTICIPANT}"))
    assert told(ledger.plan(files(f"{users % 'bob'}, {PARTICIPANT}"))) == {
        "users.lead": ("create", "", {"pending"}),
        "users.ada": ("delete", "implied", {"removed"}),
    }


def test_the_user_of_a_participant_may_have_another_handle(ledger: Ledgered) -> None:
    ledger.apply(files(f"users: {{a: {{identity: ada}}}}, {PARTICIPANT}"))
    assert told(ledger.plan(files(f"users: {{b: {{identity: ada}}}}, {PARTICIPANT}"))) == {}


# --- records that an earlier release left ----------------------------------------------------------------------------


def test_two_records_that_claim_one_resource_stop_no_plan(ledger: Ledgered) -> None:
    ledger.apply(roles(a="Alpha"))
    ledger.apply(roles(a="Beta", b="Alpha"))
    a = Address.parse("services.s.roles.a")
    former = ledger.remembered[a]
    ledger.remembered = {**ledger.remembered, a: Record(former.baseline, (1,), sid_digest=former.sid_digest)}
    ledger.apply(files("roles: {}"))
    assert "Alpha" not in names(ledger)


# --- what a plan does not cover --------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"targets": ("services.s.users",)}, {"excludes": ("services.s.conversations",)}])
def test_an_apply_of_something_else_moves_no_record(ledger: Ledgered, options: dict[str, Any]) -> None:
    hook = "webhooks: {crm: {target: webhook, url: 'https://%s.example.com', method: POST, filters: [onMessageAdded]}}"
    talk = f"conversations: {{talk: {{{hook}, prune: [webhooks]}}}}, users: {{%s}}"
    ledger.apply(files(talk % ("a", "ada: {}")))
    after = files(talk % ("b", "ada: {friendly_name: Ada}"))
    ledger.apply(after, **options)
    crm = Address.parse("services.s.conversations.talk.webhooks.crm")
    assert [address for address in ledger.remembered if address.is_within(crm.collection)] == [crm]
    assert told(ledger.plan(after)) == {"conversations.talk.webhooks.crm": ("update", "", {"pending"})}


@pytest.mark.parametrize(
    ("then", "options"),
    [
        ("version: 1\nservices: {}\n", {"targets": ("services.s.roles.a",)}),
        ("version: 1\nservices: {}\n", {"excludes": ("services.s.roles.a",)}),
        ("version: 1\nservices: {}\n", {"excludes": ("services.s.configuration",)}),
        ("version: 1\nservices: {s: {absent: true}}\n", {"excludes": ("services.s.roles.a",)}),
        ("version: 1\nservices: {s: {absent: true}}\n", {"targets": ("services.s.roles.a",)}),
    ],
)
def test_a_removed_container_is_remembered_until_a_plan_deletes_it(
    ledger: Ledgered, then: str, options: dict[str, Any]
) -> None:
    ledger.apply(
        files(
            "configuration: {reachability_enabled: true}, roles: {a: {type: conversation, permissions: [sendMessage]}}"
        )
    )
    remembered = dict(ledger.remembered)
    made = ledger.plan(read(then), **options)
    assert (made.changes, made.decisions) == ((), {})
    ledger.apply(read(then), **options)
    assert ledger.remembered == remembered
    assert [str(change.address) for change in ledger.plan(read(then)).changes] == ["services.s"]


@pytest.mark.parametrize("options", [{}, {"targets": ("services.s.roles.a",)}])
def test_a_second_rename_after_a_killed_one_forgets_no_role(ledger: Ledgered, options: dict[str, Any]) -> None:
    ledger.apply(roles(a="Alpha"))
    assert ledger.apply(roles(a="Beta"), fault=Fault(1, "before")) is None
    assert names(ledger) == {"Alpha", "Beta"}
    ledger.apply(roles(a="Gamma"), **options)
    assert names(ledger) == ({"Alpha", "Gamma"} if options else {"Gamma"})
    ledger.apply(roles(a="Gamma"))
    assert names(ledger) == {"Gamma"}
    assert set(origins(ledger)) == {"services.s", "roles.a"}


def test_two_records_that_claim_what_neither_has_any_more_stop_no_plan(ledger: Ledgered) -> None:
    for handles in ({"a": "Alpha"}, {"a": "Beta", "b": "Alpha"}, {"a": "Beta", "b": "Gamma"}):
        ledger.apply(roles(**handles))
    add(ledger, "Roles", FriendlyName="Alpha", Type="conversation", Permission=OWN)
    a, b = (Address.parse(f"services.s.roles.{handle}") for handle in "ab")
    ledger.remembered = {**ledger.remembered, a: Record(3, (1,)), b: Record(3, (2,))}
    assert told(ledger.plan(files("roles: {}"))) == {
        f"roles.{one}": ("delete", "", {"removed"}) for one in ("Alpha", "a", "b")
    }
