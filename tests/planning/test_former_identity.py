"""What entries declared of another resource says nothing about the present one of a handle."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.address import Address
from reconciler.planning.baseline import Record
from tests.properties.ledgered import Fault, FaultyWorld, Ledgered, Side
from tests.world import World, read

DESK = "version: 1\nservices: {{desk: {{friendly_name: {}, {}}}}}\n"
ROLE = "roles: {x: {type: conversation, permissions: [%s]}}"
USER = "users: {lead: {identity: %s, friendly_name: Lead}}"
HOOK = "webhooks: {post_webhook_url: 'https://%s.example.com'}"
ROLES, LEAD = Address.parse("services.desk.roles.x"), Address.parse("services.desk.users.lead")
HOOKS = Address.parse("services.desk.webhooks")


WARNING = (
    "The old user existed before it was declared, and is deleted. To keep it, declare the new one under another handle."
)


@pytest.fixture
def ledger() -> Ledgered:
    """An account in which others made the service `Other`, and the first apply the service `Desk`."""
    ledger = Ledgered(FaultyWorld(World()))
    ledger.account.post("/v1/Services", {"FriendlyName": "Other"})
    ledger.apply(read(DESK.format("Desk", "roles: {}")))
    return ledger


def make(ledger: Ledgered, service: str, path: str, **values: str) -> str:
    sid = ledger.account.service(service)
    return str(ledger.account.post(f"/v1/Services/{sid}/{path}", values)["sid"])


def removed(ledger: Ledgered, text: str) -> list[str]:
    """What an apply that removes something does."""
    return [f"{one.action} {one.address}" for one in ledger.plan(read(text)).changes]


@pytest.mark.parametrize("side", ["before", "after"])
def test_an_attempt_in_another_service_does_not_count(ledger: Ledgered, side: Side) -> None:
    make(ledger, "Other", "Roles", FriendlyName="x", Type="conversation", Permission="sendMessage")
    role = ROLE % "sendMessage"
    assert ledger.apply(read(DESK.format("Desk", role)), fault=Fault(0, side)) is None
    assert ledger.plan(read(DESK.format("Desk", role))).decisions[ROLES].record.origin == "created"
    ledger.apply(read(DESK.format("Other", role)))
    assert ledger.remembered[ROLES] == Record(3, origin="adopted", adopted={"permissions": ("sendMessage",)})
    assert removed(ledger, DESK.format("Other", "roles: {}")) == []


def test_an_attempt_in_another_conversation_does_not_count(ledger: Ledgered) -> None:
    text = "conversations: {{gen: {{unique_name: {}, participants: {{x: {{identity: x}}}}}}}}"
    other = make(ledger, "Desk", "Conversations", UniqueName="two")
    ledger.apply(read(DESK.format("Desk", "conversations: {gen: {unique_name: one}}")))
    make(ledger, "Desk", f"Conversations/{other}/Participants", Identity="x")
    assert ledger.apply(read(DESK.format("Desk", text.format("one"))), fault=Fault(0, "after")) is None
    ledger.apply(read(DESK.format("Desk", text.format("two"))))
    participant = Address.parse("services.desk.conversations.gen.participants.x")
    assert ledger.remembered[participant].origin == "adopted"
    assert removed(ledger, DESK.format("Desk", "conversations: {gen: {unique_name: two}}")) == []


def test_a_conversation_that_is_renamed_keeps_the_records_of_what_is_in_it(ledger: Ledgered) -> None:
    text = "conversations: {{gen: {{unique_name: {}, participants: {{x: {{identity: x, attributes: {{n: {}}}}}}}}}}}"
    gen = make(ledger, "Desk", "Conversations", UniqueName="one")
    make(ledger, "Desk", f"Conversations/{gen}/Participants", Identity="x", Attributes='{"n": 0}')
    ledger.apply(read(DESK.format("Desk", text.format("one", 1))))
    participant = Address.parse("services.desk.conversations.gen.participants.x")
    before = ledger.remembered[participant]
    assert (before.origin, before.adopted["attributes"]) == ("adopted", {"n": 0})
    ledger.apply(read(DESK.format("Desk", text.format("two", 2))), fault=Fault(1, "before"))
    assert ledger.plan(read(DESK.format("Desk", text.format("two", 2)))).decisions[participant].record.adopted == (
        before.adopted
    )


@pytest.mark.parametrize("address", [ROLES, HOOKS])
def test_adopted_values_are_not_those_of_another_service(ledger: Ledgered, address: Address) -> None:
    for name, permission in (("Desk", "leaveConversation"), ("Other", "sendMediaMessage")):
        make(ledger, name, "Roles", FriendlyName="x", Type="conversation", Permission=permission)
        sid, url = ledger.account.service(name), f"https://{name}.example.com"
        ledger.account.post(f"/v1/Services/{sid}/Configuration/Webhooks", {"PostWebhookUrl": url})
    text = f"{ROLE % 'sendMessage'}, {HOOK % 'ours'}"
    ledger.apply(read(DESK.format("Desk", text)))
    ledger.apply(read(DESK.format("Other", text)))
    adopted: Any = {
        ROLES: {"permissions": ("sendMediaMessage",)},
        HOOKS: {"post_webhook_url": "https://Other.example.com"},
    }
    assert ledger.remembered[address] == Record(3, origin="adopted", adopted=adopted[address])


def test_only_entries_of_the_present_service_count_of_many(ledger: Ledgered) -> None:
    ledger.apply(read(DESK.format("Desk", ROLE % "sendMessage")))
    killed: list[tuple[str, str, Side]] = [
        ("Other", ROLE % "addParticipant", "before"),
        ("Desk", ROLE % "leaveConversation", "after"),
        ("Desk", ROLE % "removeParticipant", "before"),
        ("Desk", "roles: {}", "before"),
    ]
    for service, content, side in killed:
        assert ledger.apply(read(DESK.format(service, content)), fault=Fault(0, side)) is None
    # As an undo may leave them: records that also mention the entry of the other service, and no SIDs.
    ledger.remembered = {Address.parse("services.desk"): Record(2), ROLES: Record(2, (3, 4, 5, 6))}
    (change,) = ledger.plan(read(DESK.format("Desk", "roles: {}"))).changes
    assert (change.action, change.guard) == ("delete", None)
    made = ledger.plan(read(DESK.format("Desk", ROLE % "sendMessage")))
    assert made.decisions[ROLES].record == Record(2, (4, 5, 6))


def test_an_entry_of_another_service_does_not_count_although_the_handle_has_a_new_one(ledger: Ledgered) -> None:
    make(ledger, "Desk", "Roles", FriendlyName="x", Type="conversation", Permission="leaveConversation")
    make(ledger, "Other", "Roles", FriendlyName="x", Type="conversation", Permission="addParticipant")
    ledger.apply(read(DESK.format("Desk", ROLE % "sendMessage")))
    files = read(DESK.format("Other", f"{ROLE % 'sendMessage'}, {HOOK % 'ours'}"))
    ledger.apply(files, targets=[str(HOOKS)])
    assert ledger.remembered[ROLES].baseline == 2
    assert ledger.plan(files).decisions[ROLES].record.adopted == {"permissions": ("addParticipant",)}


def test_in_a_service_that_does_not_exist_yet_everything_is_created(ledger: Ledgered) -> None:
    make(ledger, "Desk", "Roles", FriendlyName="x", Type="conversation", Permission="leaveConversation")
    ledger.apply(read(DESK.format("Desk", ROLE % "sendMessage")))
    made = ledger.plan(read(DESK.format("Third", ROLE % "sendMessage")))
    assert made.decisions[ROLES].record == Record(None)


def test_an_attempt_in_a_service_that_was_made_anew_does_not_count(ledger: Ledgered) -> None:
    role = ROLE % "sendMessage"
    assert ledger.apply(read(DESK.format("Desk", role)), fault=Fault(0, "after")) is None
    ledger.account.delete(f"/v1/Services/{ledger.account.service('Desk')}")
    ledger.account.post("/v1/Services", {"FriendlyName": "Desk"})
    make(ledger, "Desk", "Roles", FriendlyName="x", Type="conversation", Permission="sendMessage")
    record = ledger.plan(read(DESK.format("Desk", role))).decisions[ROLES].record
    assert record == Record(None, origin="adopted", adopted={"permissions": ("sendMessage",)})
    assert removed(ledger, DESK.format("Desk", "roles: {}")) == []


@pytest.mark.parametrize("pin", ["", "default"])
def test_an_entry_of_another_pinned_service_does_not_count(pin: str) -> None:
    pinned = "version: 1\nservices: {{desk: {{sid: {}, {}}}}}\n"
    ledger = Ledgered(FaultyWorld(World()))
    ledger.account.post("/v1/Services", {"FriendlyName": "Desk"})
    ledger.account.post("/v1/Services", {"FriendlyName": "Other"})
    make(ledger, "Other", "Roles", FriendlyName="x", Type="conversation", Permission="addParticipant")
    desk, other = ledger.account.service("Desk"), ledger.account.service("Other")
    ledger.apply(read(pinned.format(pin or desk, ROLE % "sendMessage")))
    # Under the same pin, the record is still that of the role.
    assert ledger.plan(read(pinned.format(pin or desk, ROLE % "x"))).decisions[ROLES].record == ledger.remembered[ROLES]
    record = ledger.plan(read(pinned.format(other, ROLE % "sendMessage"))).decisions[ROLES].record
    assert record == Record(None, origin="adopted", adopted={"permissions": ("addParticipant",)})


# --- containers that are renamed -------------------------------------------------------------------------------------

IN_TALK = "conversations: {{gen: {{unique_name: {}, participants: {{x: {{identity: x, attributes: {{n: {}}}}}}}}}}}"
TALK = "conversations: {gen: {unique_name: %s}}"
PARTICIPANT = Address.parse("services.desk.conversations.gen.participants.x")


@pytest.mark.parametrize("is_own", [True, False])
def test_an_attempt_before_a_rename_counts_if_the_conversation_is_known(
    ledger: Ledgered,
    is_own: bool,  # noqa: FBT001 - a column
) -> None:
    if not is_own:
        make(ledger, "Desk", "Conversations", UniqueName="one")
    ledger.apply(read(DESK.format("Desk", TALK % "one")))
    assert ledger.apply(read(DESK.format("Desk", IN_TALK.format("one", 1))), fault=Fault(0, "after")) is None
    assert ledger.apply(read(DESK.format("Desk", IN_TALK.format("two", 2))), fault=Fault(1, "before")) is None
    record = ledger.plan(read(DESK.format("Desk", IN_TALK.format("two", 3)))).decisions[PARTICIPANT].record
    # The ledger has the SID of the conversation that it created, and otherwise only its former name.
    assert (record.origin, record.attempted) == (("created", (3, 4)) if is_own else ("adopted", (4,)))
    deletes = removed(ledger, DESK.format("Desk", TALK % "two"))
    assert deletes == ([f"delete {PARTICIPANT}"] if is_own else [])


def test_a_created_participant_of_a_renamed_conversation_is_known_by_its_sid(ledger: Ledgered) -> None:
    make(ledger, "Desk", "Conversations", UniqueName="one")
    ledger.apply(read(DESK.format("Desk", IN_TALK.format("one", 1))))
    ledger.apply(read(DESK.format("Desk", IN_TALK.format("two", 1))))
    assert ledger.remembered[PARTICIPANT].origin == "created"
    assert removed(ledger, DESK.format("Desk", TALK % "two")) == [f"delete {PARTICIPANT}"]


# --- other names -----------------------------------------------------------------------------------------------------


def adopted_lead(ledger: Ledgered) -> None:
    make(ledger, "Desk", "Users", Identity="ada", FriendlyName="Ada")
    ledger.apply(read(DESK.format("Desk", USER % "ada")))
    assert ledger.remembered[LEAD] == Record(2, origin="adopted", adopted={"friendly_name": "Ada"})


def is_created(ledger: Ledgered) -> bool:
    record = ledger.remembered[LEAD]
    return (record.origin, record.adopted, bool(record.sid_digest)) == ("created", {}, True)


def test_what_replaces_an_adopted_resource_by_another_name_is_created(ledger: Ledgered) -> None:
    adopted_lead(ledger)
    (change,) = ledger.plan(read(DESK.format("Desk", USER % "bob"))).changes
    assert (change.action, change.risk) == ("replace", "high")
    assert WARNING in change.consequences
    ledger.apply(read(DESK.format("Desk", USER % "bob")))
    assert is_created(ledger)
    assert removed(ledger, DESK.format("Desk", "users: {}")) == ["delete services.desk.users.lead"]
    (change,) = ledger.plan(read(DESK.format("Desk", USER % "cleo"))).changes
    assert WARNING not in change.consequences


@pytest.mark.parametrize(("at", "side"), [(0, "before"), (0, "after"), (1, "before"), (1, "after")])
def test_a_killed_replace_counts_for_neither_too_much_nor_too_little(ledger: Ledgered, at: int, side: Side) -> None:
    adopted_lead(ledger)
    assert ledger.apply(read(DESK.format("Desk", USER % "bob")), fault=Fault(at, side)) is None
    if (at, side) != (1, "after"):
        # The former resource is still adopted.
        back = ledger.plan(read(DESK.format("Desk", USER % "ada"))).decisions[LEAD].record
        assert (back.origin, back.adopted) == ("adopted", {"friendly_name": "Ada"})
    ledger.apply(read(DESK.format("Desk", USER % "bob")))
    assert is_created(ledger)


def test_only_the_killed_replace_that_created_the_user_counts(ledger: Ledgered) -> None:
    adopted_lead(ledger)
    ledger.apply(read(DESK.format("Desk", USER % "bob")), fault=Fault(0, "before"))
    ledger.apply(read(DESK.format("Desk", USER % "cleo")), fault=Fault(0, "after"))
    record = ledger.plan(read(DESK.format("Desk", USER % "cleo"))).decisions[LEAD].record
    assert record == Record(None, (4,), origin="created")


def test_of_a_killed_replace_of_a_created_user_both_are_removed(ledger: Ledgered) -> None:
    ledger.apply(read(DESK.format("Desk", USER % "ada")))
    ledger.apply(read(DESK.format("Desk", USER % "bob")), fault=Fault(0, "after"))
    assert removed(ledger, DESK.format("Desk", "users: {}")) == [
        "delete services.desk.users.ada",
        "delete services.desk.users.lead",
    ]


def test_a_conversation_that_was_adopted_stays_so_after_a_killed_rename(ledger: Ledgered) -> None:
    text = "conversations: {{gen: {{unique_name: {}, friendly_name: Ours}}}}"
    make(ledger, "Desk", "Conversations", UniqueName="one", FriendlyName="General")
    ledger.apply(read(DESK.format("Desk", text.format("one"))))
    ledger.apply(read(DESK.format("Desk", text.format("two"))), fault=Fault(0, "after"))
    # It is returned, not deleted.
    (change,) = ledger.plan(read(DESK.format("Desk", "conversations: {}"))).changes
    assert [(item.path, item.before, item.after) for item in change.fields] == [("friendly_name", "Ours", "General")]
    assert change.action == "update"


@pytest.mark.parametrize("is_removed", [True, False])
def test_an_existing_resource_of_the_other_name_is_adopted(
    ledger: Ledgered,
    is_removed: bool,  # noqa: FBT001 - a column
) -> None:
    adopted_lead(ledger)
    make(ledger, "Desk", "Users", Identity="bob", FriendlyName="Bob")
    if is_removed:
        assert ledger.apply(read(DESK.format("Desk", "users: {}")), fault=Fault(0, "before")) is None
    record = ledger.plan(read(DESK.format("Desk", USER % "bob"))).decisions[LEAD].record
    assert record == Record(None, origin="adopted", adopted={"friendly_name": "Bob"})


def test_an_existing_resource_of_the_other_name_is_adopted_with_its_own_values(ledger: Ledgered) -> None:
    adopted_lead(ledger)
    make(ledger, "Desk", "Users", Identity="bob", FriendlyName="Bob")
    ledger.apply(read(DESK.format("Desk", USER % "bob")), fault=Fault(0, "before"))
    ledger.apply(read(DESK.format("Desk", USER % "bob")))
    assert ledger.remembered[LEAD] == Record(4, origin="adopted", adopted={"friendly_name": "Bob"})


def test_a_new_resource_in_the_place_of_an_adopted_one_that_is_gone_is_created(ledger: Ledgered) -> None:
    adopted_lead(ledger)
    service = ledger.account.service("Desk")
    (user,) = ledger.account.get(f"/v1/Services/{service}/Users")["users"]
    ledger.account.delete(f"/v1/Services/{service}/Users/{user['sid']}")
    ledger.apply(read(DESK.format("Desk", USER % "bob")))
    assert is_created(ledger)


def test_what_is_no_longer_declared_in_another_service_is_forgotten(ledger: Ledgered) -> None:
    make(ledger, "Desk", "Roles", FriendlyName="x", Type="conversation", Permission="leaveConversation")
    other = make(ledger, "Other", "Roles", FriendlyName="x", Type="conversation", Permission="sendMessage")
    ledger.apply(read(DESK.format("Desk", ROLE % "sendMessage")))
    made = ledger.plan(read(DESK.format("Other", "roles: {}")))
    assert (made.changes, made.decisions[ROLES].handling) == ((), "forget")
    ledger.apply(read(DESK.format("Other", "roles: {}")))
    assert ROLES not in ledger.remembered
    assert ledger.account.snapshot()[other]["permissions"] == ["sendMessage"]


# --- killed at any write ---------------------------------------------------------------------------------------------

FULL = f"""{ROLE % "sendMessage, leaveConversation"}, {USER % "ada"}, {HOOK % "ours"},
  conversations: {{gen: {{unique_name: gen, friendly_name: General, attributes: {{n: 1}},
    participants: {{ada: {{identity: ada, attributes: {{n: 1}}}}}},
    webhooks: {{in: {{target: webhook, url: "https://in.example.com", filters: [onMessageAdded]}}}}}}}}"""


@pytest.mark.parametrize("side", ["before", "after", "refused"])
@pytest.mark.parametrize("at", [pytest.param(at, marks=[] if at in {1, 5} else [pytest.mark.slow]) for at in range(10)])
def test_after_a_kill_what_others_made_in_another_service_stays(ledger: Ledgered, at: int, side: Side) -> None:
    ledger.account.do(ledger.account.plan(read(DESK.format("Other", FULL))))
    before = rows_of_other(ledger)
    ledger.apply(read(DESK.format("Desk", FULL)), fault=Fault(at, side))
    ledger.apply(read(DESK.format("Other", FULL)))
    ledger.apply(read(DESK.format("Other", "roles: {}")))
    assert rows_of_other(ledger) == before


def rows_of_other(ledger: Ledgered) -> dict[str, Any]:
    """The service `Other` and everything in it."""
    rows, inside = ledger.account.snapshot(), {ledger.account.service("Other")}
    for sid, row in rows.items():
        inside |= {sid} if row["parent"] in inside else set()
    return {sid: rows[sid] for sid in inside}
