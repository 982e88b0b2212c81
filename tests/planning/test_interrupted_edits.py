"""The configuration changes after an apply was interrupted in the middle of a replace: nothing is doubled or lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracles.account import Account, picture
from tests.oracles.command import Folder, Run
from tests.oracles.recorder import Fault

BETWEEN = Fault("killed before", 1)
"""The process dies between the two steps of a replace."""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def apply(folder: Folder, account: Account, *options: str, fault: Fault | None = None) -> Run:
    return folder.run(account, "apply", "--yes", "--format", "json", *options, fault=fault)


def journals(folder: Folder) -> list[Path]:
    return sorted(folder.path.glob(".reconciler/journal*.json"))


def warned(folder: Folder, account: Account) -> list[str]:
    return [item["code"] for item in folder.run(account, "plan", "--format", "json").document["warnings"]]


# --- the old resource is declared again, to keep it ------------------------------------------------------------------

SERVICE_ROLE = "type: service, permissions: [joinConversation]"
KEPT = {
    "role": ("roles", SERVICE_ROLE, f"friendly_name: old, {SERVICE_ROLE}"),
    "role without type": ("roles", SERVICE_ROLE, "friendly_name: old"),
    "role with a stale former name": ("roles", SERVICE_ROLE, f"friendly_name: old, renamed_from: gone, {SERVICE_ROLE}"),
    "user": ("users", "", "identity: old"),
}


def begun(kind: str) -> Account:
    account = Account()
    service = account.service("club")
    if KEPT[kind][0] == "roles":
        account.role(service, "old", "service", "joinConversation")
    else:
        account.user(service, "old")
    return account


def renaming(section: str, more: str, kept: str = "") -> str:
    new = ", ".join(filter(None, ("renamed_from: old", more)))
    return f"version: 1\nservices: {{club: {{{section}: {{new: {{{new}}}{kept}}}}}}}\n"


@pytest.mark.parametrize("kind", KEPT)
@pytest.mark.parametrize("journal", ["there", "lost"])
def test_the_old_resource_of_a_rename_that_is_declared_again_stays(folder: Folder, kind: str, journal: str) -> None:
    section, more, keep = KEPT[kind]
    account = begun(kind)
    folder.write(renaming(section, more))
    assert apply(folder, account, fault=BETWEEN).was_killed
    assert len(journals(folder)) == 1
    if journal == "lost":
        journals(folder)[0].unlink()
    before = account.state()
    folder.write(renaming(section, more, f", keep: {{{keep}}}"))
    for _ in range(2):
        run = apply(folder, account)
        assert (run.code, run.writes) == (0, []), run.out + run.err
        assert journals(folder) == []
    assert account.state().keys() == before.keys()


def test_a_held_role_that_is_declared_again_ends_the_withholding(folder: Folder) -> None:
    account = Account()
    service = account.service("club")
    account.user(service, "zed", account.role(service, "old", "service", "joinConversation"))
    folder.write(renaming("roles", SERVICE_ROLE))
    assert apply(folder, account).code == 5
    after = picture(account.state())
    folder.write(renaming("roles", SERVICE_ROLE, f", keep: {{friendly_name: old, {SERVICE_ROLE}}}"))
    run = apply(folder, account)
    assert (run.code, run.writes, journals(folder)) == (0, [], [])
    assert picture(account.state()) == after


@pytest.mark.parametrize("write", range(6))
@pytest.mark.parametrize("failure", ["refused", "killed after"])
def test_a_name_that_another_role_takes_over_is_not_kept(folder: Folder, write: int, failure: str) -> None:
    def roles() -> Account:
        account = Account()
        service = account.service("club")
        account.role(service, "b", "service", "joinConversation")
        account.role(service, "c", "service", "createConversation")
        return account

    folder.write("version: 1\nservices: {club: {roles: {a: {renamed_from: b}, b: {renamed_from: c}}}}\n")
    undisturbed = roles()
    assert apply(folder, undisturbed).code == 0
    account = roles()
    apply(folder, account, fault=Fault(failure, write))  # type: ignore[arg-type]
    assert apply(folder, account).code == 0
    assert picture(account.state()) == picture(undisturbed.state())
    assert journals(folder) == []


# --- handles change ---------------------------------------------------------------------------------------------------

DESK = "desk@example.com"


def desk() -> Account:
    account = Account()
    account.post("/v1/Configuration/Addresses", {"Type": "email", "Address": DESK, "FriendlyName": "Main"})
    return account


@pytest.mark.parametrize(
    "after",
    [
        f"{{front: {{address: {DESK}, type: chat}}}}",
        f"{{front: {{address: {DESK}, type: email}}}}",
        f"{{{DESK}: {{type: chat}}}}",
        f"{{front: {{address: {DESK}, type: chat}}, main: {{address: other@example.com}}}}",
    ],
)
def test_saved_values_are_restored_under_another_handle(folder: Folder, after: str) -> None:
    account = desk()
    folder.write(f"version: 1\naddresses: {{main: {{address: {DESK}, type: chat}}}}\n")
    assert apply(folder, account, fault=BETWEEN).was_killed
    folder.write(f"version: 1\naddresses: {after}\n")
    assert warned(folder, account) == []
    assert apply(folder, account).code == 0
    (row,) = [row for row in account.state().values() if row["kind"] == "address" and row["friendly_name"] == "Main"]
    assert DESK in row.values()
    assert journals(folder) == []
    assert apply(folder, account).writes == []


@pytest.mark.parametrize("service", ["club", "guild"])
@pytest.mark.parametrize("handle", ["new", "fresh"])
def test_a_rename_is_completed_under_other_handles(folder: Folder, service: str, handle: str) -> None:
    files = "version: 1\nservices: {SERVICE: {friendly_name: Club, roles: {HANDLE: {friendly_name: new, FROM}}}}\n"

    def written(service: str, handle: str) -> str:
        text = files.replace("SERVICE", service).replace("HANDLE", handle)
        return text.replace("FROM", f"renamed_from: old, {SERVICE_ROLE}")

    def club() -> Account:
        account = Account()
        path = account.service("Club")
        account.default_roles(path, user=account.role(path, "old", "service", "joinConversation"))
        return account

    folder.write(written("club", "new"))
    undisturbed = club()
    assert apply(folder, undisturbed).code == 0
    for write in (1, 2):
        account = club()
        assert apply(folder, account, fault=Fault("killed before", write)).was_killed
        folder.write(written(service, handle))
        run = apply(folder, account)
        assert run.code == 0, run.out + run.err
        assert picture(account.state()) == picture(undisturbed.state())
        assert journals(folder) == []
        folder.begin(written("club", "new"))


@pytest.mark.parametrize("default", [True, False])
def test_a_second_rename_reports_what_the_first_one_left(folder: Folder, *, default: bool) -> None:
    account = Account()
    service = account.service("club")
    old = account.role(service, "old", "service", "joinConversation")
    if default:
        account.default_roles(service, user=old)
    folder.write(renaming("roles", SERVICE_ROLE))
    assert apply(folder, account, fault=BETWEEN).was_killed
    folder.write(renaming("roles", SERVICE_ROLE).replace("renamed_from: old", "friendly_name: last, renamed_from: new"))
    (warning,) = [
        item
        for item in folder.run(account, "plan", "--format", "json").document["warnings"]
        if item["code"] == "not-completed"
    ]
    sid = service.rpartition("/")[2]
    assert warning["message"] == (
        f'an interrupted apply left services.club.roles["{old}"], the old role of services.club.roles.new, whose name '
        "has changed since; it is kept, and references to it do not change"
    )
    assert warning["hint"] == f"To delete it, declare it as {{sid: {old}, absent: true}}."
    assert apply(folder, account).code == 0
    names = {row["name"] for row in account.state().values() if row["kind"] == "role" and row["parent"] == sid}
    assert {"last", "old"} <= names
    assert "new" not in names


def test_a_role_that_exists_in_both_types_for_a_moment_makes_no_service_flexs(folder: Folder) -> None:
    files = "version: 1\nservices: {club: {roles: {admin: {type: conversation, permissions: [sendMessage]}}}}\n"
    account = Account()
    account.role(account.service("club"), "admin", "service")
    folder.write(files)
    assert apply(folder, account, fault=BETWEEN).was_killed
    assert sorted(row["type"] for row in account.state().values() if row.get("name") == "admin") == [
        "conversation",
        "service",
    ]
    run = apply(folder, account)
    assert run.code == 0, run.out + run.err
    assert [row["type"] for row in account.state().values() if row.get("name") == "admin"] == ["conversation"]


def test_a_stale_former_name_takes_over_no_interrupted_rename(folder: Folder) -> None:
    account = Account()
    service = account.service("club")
    account.role(service, "lead", "service", "joinConversation", "deleteAnyMessage")
    old = account.role(service, "agent", "service", "joinConversation")
    account.default_roles(service, user=old)
    lead = "lead: {type: service, permissions: [joinConversation, deleteAnyMessage]%s}"
    desk = "desk: {type: service, permissions: [joinConversation]%s}"
    roles = f"version: 1\nservices: {{club: {{roles: {{{lead}, {desk}}}}}}}\n"
    folder.write(roles % ("", ", renamed_from: agent"))
    assert apply(folder, account, fault=BETWEEN).was_killed
    folder.write(roles % (", renamed_from: agent", ""))
    document = folder.run(account, "plan", "--format", "json").document
    assert [change["address"] for change in document["changes"] if change["action"] == "delete"] == []
    assert "not-completed" in [item["code"] for item in document["warnings"]]
