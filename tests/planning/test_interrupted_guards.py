"""Guards of replaces: an interrupted one is completed as it would have been, and none deletes what it cannot create."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracles.account import Account, picture
from tests.oracles.command import Folder, Run
from tests.oracles.recorder import Fault

DESK = "desk@example.com"
NUMBER = "+14155550111"
BETWEEN = Fault("killed before", 1)
"""The process dies between the two steps of a replace."""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def apply(folder: Folder, account: Account, *options: str, fault: Fault | None = None) -> Run:
    return folder.run(account, "apply", "--yes", "--format", "json", *options, fault=fault)


def guards(folder: Folder, account: Account) -> dict[str, str]:
    changes = folder.run(account, "plan", "--format", "json").document["changes"]
    return {change["address"]: change["guard"]["name"] for change in changes if change["guard"] is not None}


def desk(**fields: str) -> Account:
    account = Account()
    account.post("/v1/Configuration/Addresses", {"Type": "email", "Address": DESK, "FriendlyName": "Main", **fields})
    return account


# --- what an interrupted replace may do ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "files",
    [
        f"addresses: {{main: {{address: {DESK}, type: chat, lifecycle: {{prevent_create: true}}}}}}",
        f"addresses: {{main: {{address: {DESK}, type: chat}}}}\nlimits: {{creates: 0}}",
        f"addresses: {{main: {{address: {DESK}, type: chat}}}}\nlimits: {{creates: 0, updates: 0, deletes: 1}}",
    ],
)
def test_guards_of_creates_let_an_interrupted_replace_complete(folder: Folder, files: str) -> None:
    folder.write(f"version: 1\n{files}\n")
    undisturbed = desk()
    assert apply(folder, undisturbed).code == 0
    account = desk()
    assert apply(folder, account, fault=BETWEEN).was_killed
    assert not any(row["kind"] == "address" for row in account.state().values())
    assert guards(folder, account) == {}
    run = apply(folder, account)
    assert run.code == 0, run.out + run.err
    assert picture(account.state()) == picture(undisturbed.state())


def test_guards_of_creates_still_count_other_creates(folder: Folder) -> None:
    files = f"version: 1\nlimits: {{creates: 0}}\naddresses: {{main: {{address: {DESK}, type: chat}}}}\n"
    folder.write(files)
    account = desk()
    assert apply(folder, account, fault=BETWEEN).was_killed
    folder.write(files + "services: {club: {}}\n")
    run = apply(folder, account)
    assert (run.code, run.writes) == (4, [])


RENAMES = {
    "role": ("roles", ", type: service, permissions: [joinConversation]"),
    "user": ("users", ""),
}


@pytest.mark.parametrize("kind", RENAMES)
def test_prevent_destroy_keeps_the_old_resource_of_an_interrupted_replace(folder: Folder, kind: str) -> None:
    section, more = RENAMES[kind]
    account = Account()
    service = account.service("club")
    account.role(service, "old") if kind == "role" else account.user(service, "old")
    files = f"version: 1\nservices: {{club: {{{section}: {{new: {{renamed_from: old{more}LIFE}}}}}}}}\n"
    folder.write(files.replace("LIFE", ""))
    assert apply(folder, account, "--approve", f"replace:services.club.{section}.new", fault=BETWEEN).was_killed
    after = picture(account.state())
    folder.write(files.replace("LIFE", ", lifecycle: {prevent_destroy: true}"))
    for _ in range(2):
        run = apply(folder, account, "--approve", f"services.club.{section}.old")
        assert (run.code, run.writes) == (5, []), run.out + run.err
        assert set(guards(folder, account).values()) == {"prevent_destroy"}
    assert picture(account.state()) == after


# --- what no replace may delete --------------------------------------------------------------------------------------


@pytest.mark.parametrize("declared", [False, True], ids=["carried over", "declared"])
@pytest.mark.parametrize("sensitive", [False, True])
def test_an_address_is_not_replaced_where_its_service_does_not_exist(
    folder: Folder, *, declared: bool, sensitive: bool
) -> None:
    account = Account()
    service = account.service("gone")
    gone = service.rpartition("/")[2]
    form = {"AutoCreation.Enabled": "true", "AutoCreation.Type": "default", "AutoCreation.ConversationServiceSid": gone}
    account.post("/v1/Configuration/Addresses", {"Type": "email", "Address": DESK, **form})
    account.delete(service)
    more = f", auto_creation: {{service: {gone}}}" if declared else ""
    more += ", sensitive: [auto_creation.service]" if sensitive else ""
    folder.write(f"version: 1\naddresses: {{main: {{address: {DESK}, type: chat{more}}}}}\n")
    before = picture(account.state())
    for _ in range(2):
        run = apply(folder, account)
        assert (run.code, run.writes) == (5, [])
        assert guards(folder, account) == {"addresses.main": "dead_reference"}
    assert picture(account.state()) == before
    (message,) = {
        change["guard"]["message"] for change in folder.run(account, "plan", "--format", "json").document["changes"]
    }
    assert message == (
        "auto_creation.service of addresses.main refers to a service that does not exist"
        f"{'' if sensitive else f' ({gone})'}, so the API would reject the new one; set auto_creation.service "
        "to a service that exists"
    )
    folder.write(
        f"version: 1\nservices: {{club: {{}}}}\naddresses: {{main: {{address: {DESK}, type: chat, "
        "auto_creation: {service: club}}}\n"
    )
    assert apply(folder, account).code == 0
    assert apply(folder, account).writes == []


def test_a_service_that_goes_after_the_delete_keeps_the_values_until_another_is_chosen(folder: Folder) -> None:
    account = Account()
    service = account.service("gone")
    form = {
        "AutoCreation.Enabled": "true",
        "AutoCreation.Type": "default",
        "AutoCreation.ConversationServiceSid": service.rpartition("/")[2],
    }
    account.post("/v1/Configuration/Addresses", {"Type": "email", "Address": DESK, "FriendlyName": "Main", **form})
    files = f"version: 1\naddresses: {{main: {{address: {DESK}, type: chat}}}}\n"
    folder.write(files)
    assert apply(folder, account, fault=BETWEEN).was_killed
    account.delete(service)
    run = apply(folder, account)
    assert (run.code, run.writes) == (5, [])
    folder.write(files.replace("type: chat", "type: chat, auto_creation: {service: club}") + "services: {club: {}}\n")
    assert apply(folder, account).code == 0
    (row,) = [row for row in account.state().values() if row["kind"] == "address"]
    assert row["friendly_name"] == "Main"
    assert apply(folder, account).writes == []


@pytest.mark.parametrize(
    ("of_type", "address", "declared", "held"),
    [
        ("sms", NUMBER, "type: whatsapp", True),
        ("chat", "rcs:brand", "type: sms", True),
        ("chat", "rcs:brand", "type: rcs", False),
        ("email", DESK, "type: whatsapp", True),
        ("sms", NUMBER, "address_country: US", False),
    ],
)
def test_an_address_of_another_types_form_is_not_deleted(
    folder: Folder, of_type: str, address: str, declared: str, *, held: bool
) -> None:
    account = Account()
    account.post("/v1/Configuration/Addresses", {"Type": of_type, "Address": address})
    folder.write(f"version: 1\naddresses: {{main: {{address: '{address}', {declared}}}}}\n")
    before = picture(account.state())
    run = apply(folder, account)
    assert run.code == (5 if held else 0), run.out + run.err
    assert (run.writes == []) == held
    assert (picture(account.state()) == before) == held
    if held:
        assert guards(folder, account) == {"addresses.main": "doubtful_create"}
