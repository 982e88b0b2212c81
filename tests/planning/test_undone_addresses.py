"""What an undo says to the ledger about each address: what it sets back, and what stays as the apply left it."""

from __future__ import annotations

import pytest

from reconciler.address import Address
from reconciler.planning.plan import UndoneAddress
from tests.undone import do, plan_undo
from tests.world import World, read

_ROLES = "roles: {x: {friendly_name: %s, type: %s, permissions: [%s]}}"

SERVICE = "version: 1\nservices: {desk: {friendly_name: Desk, %s}}\n"
HOOKS = Address.parse("services.desk.webhooks")
CONFIGURATION = Address.parse("services.desk.configuration")


def undone(before: str, after: str, address: Address, *, gone: str = "") -> UndoneAddress:
    """What the undo of the second apply does with an address; `gone` is applied in between the apply and the undo."""
    account = World()
    account.do(account.plan(read(SERVICE % before)))
    files = read(SERVICE % after)
    _, report = do(account, account.plan(files), files)
    if gone:
        account.do(account.plan(read(SERVICE % gone)))
    return plan_undo(account, report, files).undone[address]


@pytest.mark.parametrize("other", ["", ", filters: [onMessageAdd]"])
def test_a_sensitive_former_value_stays(other: str) -> None:
    before = "webhooks: {pre_webhook_url: 'https://h.example.com/x?token=SECRET123'}"
    after = f"webhooks: {{pre_webhook_url: 'https://new.example.com/pre'{other}}}"
    found = undone(before, after, HOOKS)
    assert found == UndoneAddress(
        "write" if other else "nothing", changes=(HOOKS,) if other else (), existed=True, is_partial=True
    )


def test_a_reference_to_what_is_gone_stays() -> None:
    role, used = "type: conversation, permissions: [sendMessage]", "configuration: {default_conversation_role: %s}"
    both = f"roles: {{old: {{{role}}}, new: {{{role}}}}}"
    found = undone(
        f"{both}, {used % 'old'}", f"{both}, {used % 'new'}", CONFIGURATION, gone="roles: {old: {absent: true}}"
    )
    assert found == UndoneAddress("nothing", existed=True, is_partial=True)


def test_a_timer_that_cannot_be_removed_stays() -> None:
    account, files = World(), read("version: 1\naccount: {configuration: {default_inactive_timer: PT15M}}\n")
    _, report = do(account, account.plan(files), files)
    found = plan_undo(account, report, files).undone
    assert found == {
        Address.parse("account.configuration"): UndoneAddress("nothing", existed=True, is_partial=True),
    }


def test_what_can_be_set_back_is_set_back_whole() -> None:
    hooks = "webhooks: {pre_webhook_url: 'https://%s.example.com/pre'}"
    found = undone(hooks % "old", hooks % "new", HOOKS)
    assert found == UndoneAddress("write", changes=(HOOKS,), existed=True)


# --- replaced resources ----------------------------------------------------------------------------------------------

ALPHA = _ROLES % ("Alpha", "conversation", "sendMessage")
BETA = _ROLES % ("Beta, renamed_from: Alpha", "conversation", "sendMessage")
OF_SERVICE = _ROLES % ("Alpha", "service", "addParticipant")
USERS = "users: {x: {identity: %s, friendly_name: Ada}}"
THEIRS = ("Roles", {"FriendlyName": "Alpha", "Type": "conversation", "Permission": "leaveConversation"})
AT_RUNTIME = ("Users", {"Identity": "ada", "FriendlyName": "At runtime"})


@pytest.mark.parametrize(
    ("before", "after", "theirs"),
    [
        (ALPHA, BETA, THEIRS),
        (ALPHA, OF_SERVICE, THEIRS),
        (USERS % "ada", USERS % "ada2, renamed_from: ada", AT_RUNTIME),
        (ALPHA, "roles: {x: {friendly_name: Alpha, absent: true}}", THEIRS),  # deleted, not replaced
    ],
)
def test_an_undo_does_not_take_what_someone_made_with_the_former_name(
    before: str, after: str, theirs: tuple[str, dict[str, str]]
) -> None:
    account = World()
    account.do(account.plan(read(SERVICE % before)))
    files = read(SERVICE % after)
    _, report = do(account, account.plan(files, approved=["delete:services.desk.roles.x"]), files)
    sid = account.post(f"/v1/Services/{account.service('Desk')}/{theirs[0]}", theirs[1])["sid"]
    row = account.snapshot()[sid]
    made = plan_undo(account, report, files)
    assert "withheld" in {one.decision for one in made.undone.values()}
    do(account, made, files)
    assert account.snapshot()[sid] == row


@pytest.mark.parametrize("after", [BETA, OF_SERVICE])
def test_a_role_that_replaced_another_one_and_is_held_stays_beside_it(after: str) -> None:
    account, role = World(), Address.parse("services.desk.roles.x")
    account.do(account.plan(read(SERVICE % ALPHA)))
    files = read(SERVICE % after)
    _, report = do(account, account.plan(files), files)
    service = account.service("Desk")
    roles = {one["friendly_name"]: one["sid"] for one in account.get(f"/v1/Services/{service}/Roles")["roles"]}
    held = roles["Beta" if "Beta" in after else "Alpha"]
    if after == OF_SERVICE:
        account.post(f"/v1/Services/{service}/Users", {"Identity": "bob", "RoleSid": held})
    else:
        conversation = account.post(f"/v1/Services/{service}/Conversations", {})["sid"]
        where = f"/v1/Services/{service}/Conversations/{conversation}/Participants"
        account.post(where, {"Identity": "bob", "RoleSid": held})
    made = plan_undo(account, report, files)
    assert made.undone == {role: UndoneAddress("write", True, changes=(role,), existed=True, is_partial=True)}
    do(account, made, files)
    again = plan_undo(account, report, files)
    assert again.undone == {role: UndoneAddress("withheld")}


@pytest.mark.parametrize("is_held", [True, False])
@pytest.mark.parametrize("after", [BETA, OF_SERVICE])
def test_a_former_role_that_is_there_is_not_created_again(after: str, is_held: bool) -> None:  # noqa: FBT001 - a column
    account, files = World(), read(SERVICE % after)
    account.do(account.plan(read(SERVICE % ALPHA)))
    service, former = f"/v1/Services/{account.service('Desk')}", account.role("Desk", "Alpha")
    if is_held:  # so the apply kept it beside its successor
        conversation = account.post(f"{service}/Conversations", {})["sid"]
        form = {"Identity": "bob", "RoleSid": former}
        account.post(f"{service}/Conversations/{conversation}/Participants", form)
    before = account.snapshot()
    _, report = do(account, account.plan(files), files)
    (successor,) = account.snapshot().keys() - before.keys()
    if not is_held:  # someone made an equal one since
        form = {"FriendlyName": "Alpha", "Type": "conversation", "Permission": "sendMessage"}
        former = account.post(f"{service}/Roles", form)["sid"]
    made = plan_undo(account, report, files)
    assert [(change.action, change.sid, change.guard) for change in made.changes] == [("delete", successor, None)]
    changes = (Address.parse("services.desk.roles").child(successor),)
    assert made.undone == {
        Address.parse("services.desk.roles.x"): UndoneAddress("write", True, former, changes, existed=True)
    }


def test_what_a_new_conversation_lacks_does_not_make_its_undo_partial() -> None:
    account, talk = World(), Address.parse("services.desk.conversations.talk")
    account.do(account.plan(read(SERVICE % "conversations: {talk: {friendly_name: Talk}}")))
    files = read(SERVICE % "conversations: {talk: {absent: true}}")
    _, report = do(account, account.plan(files, approved=[str(talk)]), files)
    made = plan_undo(account, report, files)
    assert talk in dict(made.irreversible)
    assert made.undone == {talk: UndoneAddress("write", True, changes=(talk,), existed=True)}
