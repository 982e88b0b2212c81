"""The order in which an apply sends writes that depend on each other, and what it skips after a failure."""

from __future__ import annotations

from reconciler.report import Outcome, Silent
from tests.planning.test_replacing import ADDRESSES, MAIN, Refusing, do, numbers, statuses
from tests.scenario import club, told
from tests.world import World, read

DESK = "+14155550100"
HEAD = "version: 1\nservices:\n  club:\n    friendly_name: Members' club\n"
CONVERSATIONS = HEAD + "    conversations:\n"
ROOMS = "services.club.conversations"


def pair(number: int) -> str:
    """A participant with a pair of addresses, as YAML."""
    return f'{{address: "+1415555020{number}", proxy_address: "{DESK}"}}'


def room(world: World, service: str, name: str, *pairs: int) -> str:
    """Create a conversation with participants; return its path."""
    path = f"{service}/Conversations/{world.post(f'{service}/Conversations', {'UniqueName': name})['sid']}"
    for number in pairs:
        binding = {"MessagingBinding.Address": f"+1415555020{number}", "MessagingBinding.ProxyAddress": DESK}
        world.post(f"{path}/Participants", binding)
    return path


def sid(path: str) -> str:
    return path.rsplit("/", 1)[1]


def pairs(world: World, conversation: str) -> list[str]:
    """The addresses of the participants of a conversation, by its path."""
    participants = world.get(f"{conversation}/Participants")["participants"]
    return sorted(item["messaging_binding"]["address"] for item in participants)


def refusing_pair(world: World, conversation: str) -> Refusing:
    """Refuse the first participant of a conversation, by its path."""
    return Refusing(world, lambda method, path: (method, path) == ("POST", f"{conversation}/Participants"))


# --- keys that move --------------------------------------------------------------------------------------------------


def test_a_number_is_deleted_before_another_address_takes_it() -> None:
    world = World()
    first = world.post(ADDRESSES, MAIN)["sid"]
    second = world.post(ADDRESSES, {**MAIN, "Address": "+14155550122", "FriendlyName": "Second line"})["sid"]
    files = read(
        "version: 1\naddresses:\n"
        '  a: {address: "+14155550122", renamed_from: "+14155550111"}\n'
        '  b: {address: "+14155550133", renamed_from: "+14155550122"}\n'
    )
    world.forget_requests()
    report = do(world, files)
    assert set(statuses(report).values()) == {"done"}
    assert numbers(world) == ["+14155550122", "+14155550133"]
    assert world.writes == [
        f"POST {ADDRESSES}", f"DELETE {ADDRESSES}/{second}", f"POST {ADDRESSES}", f"DELETE {ADDRESSES}/{first}",
    ]  # fmt: skip


def test_the_name_of_a_deleted_conversation_is_free_before_another_takes_it() -> None:
    world, service = club()
    old, kept = room(world, service, "lobby"), room(world, service, "hall")
    files = read(
        CONVERSATIONS + f"      old: {{sid: {sid(old)}, absent: true}}\n"
        f"      kept: {{sid: {sid(kept)}, unique_name: lobby}}\n"
    )
    world.forget_requests()
    world.converge(files, approved=[f"{ROOMS}.old"])
    assert world.writes == [f"DELETE {old}", f"POST {kept}"]


def test_a_pair_of_a_deleted_participant_is_free_before_another_conversation_takes_it() -> None:
    world, service = club()
    old, new = room(world, service, "a-old", 1), room(world, service, "b-new")
    (participant,) = world.get(f"{old}/Participants")["participants"]
    files = read(
        CONVERSATIONS + f"      a-old: {{participants: {{out: {{absent: true, {pair(1)[1:]}}}}}\n"
        f"      b-new: {{participants: {{in: {pair(1)}}}}}\n"
    )
    world.forget_requests()
    world.converge(files)
    assert world.writes == [f"DELETE {old}/Participants/{participant['sid']}", f"POST {new}/Participants"]


def test_a_participant_of_a_closing_conversation_takes_a_pair_that_is_deleted_elsewhere() -> None:
    world, service = club()
    closing, old = room(world, service, "a-closing"), room(world, service, "b-old", 1)
    (participant,) = world.get(f"{old}/Participants")["participants"]
    files = read(
        CONVERSATIONS + f"      a-closing: {{state: closed, participants: {{in: {pair(1)}}}}}\n"
        f"      b-old: {{participants: {{out: {{absent: true, {pair(1)[1:]}}}}}\n"
    )
    world.forget_requests()
    world.converge(files)
    assert world.writes == [
        f"DELETE {old}/Participants/{participant['sid']}", f"POST {closing}/Participants", f"POST {closing}",
    ]  # fmt: skip


def test_a_pair_deleted_in_a_closing_conversation_is_deleted_before_the_close() -> None:
    world, service = club()
    closing, new = room(world, service, "a-closing", 1), room(world, service, "b-new")
    (participant,) = world.get(f"{closing}/Participants")["participants"]
    files = read(
        CONVERSATIONS + f"      a-closing: {{state: closed, participants: {{out: {{absent: true, {pair(1)[1:]}}}}}\n"
        f"      b-new: {{participants: {{in: {pair(1)}}}}}\n"
    )
    world.forget_requests()
    world.converge(files)
    assert world.writes[0] == f"DELETE {closing}/Participants/{participant['sid']}"
    assert sorted(world.writes[1:]) == sorted([f"POST {new}/Participants", f"POST {closing}"])


def test_a_pair_in_a_closing_conversation_is_free_after_the_close_even_if_it_is_declared_there() -> None:
    world, service = club()
    closing, new = room(world, service, "a-closing", 1), room(world, service, "b-new")
    (participant,) = world.get(f"{closing}/Participants")["participants"]
    files = read(
        CONVERSATIONS
        + f"      a-closing: {{state: closed, participants: {{old: {{attributes: {{a: 1}}, {pair(1)[1:]}}}}}\n"
        f"      b-new: {{participants: {{new: {pair(1)}}}}}\n"
    )
    world.forget_requests()
    world.converge(files)
    assert world.writes == [
        f"POST {closing}/Participants/{participant['sid']}", f"POST {closing}", f"POST {new}/Participants",
    ]  # fmt: skip


def test_names_and_pairs_that_cross_are_moved_as_one_unit() -> None:
    world, service = club()
    one, two, kept = room(world, service, "one", 1), room(world, service, "two", 2, 3), room(world, service, "z-kept")
    files = read(
        CONVERSATIONS + f"      old1: {{sid: {sid(one)}, absent: true}}\n"
        f"      old2: {{sid: {sid(two)}, absent: true}}\n"
        f"      new1: {{unique_name: one, participants: {{p: {pair(2)}}}}}\n"
        f"      new2: {{unique_name: two, participants: {{p: {pair(1)}}}}}\n"
        f"      z-kept: {{participants: {{p: {pair(3)}}}}}\n"
        "    users: {" + ", ".join(f"u{number}: {{}}" for number in range(12)) + "}\n"
    )
    world.forget_requests()
    world.converge(files, approved=[f"{ROOMS}.old1", f"{ROOMS}.old2"])
    rooms = {item["unique_name"]: item["sid"] for item in world.get(f"{service}/Conversations")["conversations"]}
    new1, new2 = (f"{service}/Conversations/{rooms[name]}" for name in ("one", "two"))
    # After the twelve users: nothing is sent between a delete and the creates that take what it frees.
    assert world.writes[:12] == [f"POST {service}/Users"] * 12
    assert world.writes[12:] == [
        f"DELETE {two}", f"POST {service}/Conversations", f"DELETE {one}", f"POST {service}/Conversations",
        f"POST {new1}/Participants", f"POST {new2}/Participants", f"POST {kept}/Participants",
    ]  # fmt: skip
    assert [pairs(world, path) for path in (new1, new2, kept)] == [["+14155550202"], ["+14155550201"], ["+14155550203"]]


def test_a_participant_waits_for_its_conversation_and_for_the_default_role_that_it_gets() -> None:
    world, service = club()
    files = read(
        HEAD + "    roles: {guest: {type: conversation, permissions: [sendMessage]}}\n"
        "    configuration: {default_conversation_role: guest}\n"
        f"    conversations: {{room: {{participants: {{p: {pair(1)}}}}}}}\n"
    )
    made = world.plan(files)
    needs = {step.id: step.needs for change in made.changes for step in change.steps}
    assert needs[f"{ROOMS}.room.participants.p#create"] == (
        f"{ROOMS}.room#create", "services.club.configuration#update",
    )  # fmt: skip
    world.converge(files)
    (participant,) = world.get(f"{service}/Conversations/room/Participants")["participants"]
    assert participant["role_sid"] == world.role("Members' club", "guest")


# --- reads of deleted resources --------------------------------------------------------------------------------------


def reads(world: World, files: str) -> list[str]:
    """Plan, and return the reads of users and participants."""
    world.forget_requests()
    world.plan(read(files))
    paths = [request.partition("?")[0] for request in world.requests]
    return [path for path in paths if path.endswith(("/Users", "/Participants"))]


def test_only_deleted_collections_that_may_hold_a_key_are_read() -> None:
    world, service = club()
    closed, kept = room(world, service, "a-closing", 1), room(world, service, "b-kept", 2)
    other = f"/v1/Services/{world.post('/v1/Services', {'FriendlyName': 'Other'})['sid']}"
    deleted = room(world, other, "deleted", 3)
    head = (
        "version: 1\nservices:\n  other: {friendly_name: Other, absent: true}\n"
        "  club:\n    friendly_name: Members' club\n"
    )
    # A new user is unique in its own service.
    assert reads(world, head + "    users: {ada: {}}\n") == [f"GET {service}/Users"]
    # A new pair may be held by any conversation that is deleted or closed, but not by one that is only renamed.
    rooms = (
        "    conversations:\n      a-closing: {state: closed}\n      b-kept: {friendly_name: Kept}\n"
        f"      c-new: {{participants: {{p: {pair(4)}}}}}\n"
    )
    assert sorted(reads(world, head + rooms)) == sorted([f"GET {closed}/Participants", f"GET {deleted}/Participants"])
    assert pairs(world, kept) == ["+14155550202"]


def test_participants_of_a_deleted_conversation_that_may_not_be_read_do_not_stop_a_plan() -> None:
    world, service = club()
    old, new = room(world, service, "a-old", 1), room(world, service, "b-new")
    world.forbidden[f"GET {old}/Participants"] = 403
    files = CONVERSATIONS + f"      a-old: {{absent: true}}\n      b-new: {{participants: {{p: {pair(2)}}}}}\n"
    made = world.plan(read(files))
    assert told(made) == [f"create {ROOMS}.b-new.participants.p", f"delete {ROOMS}.a-old"]
    messages = [problem.message for problem in made.unreadable]
    assert messages == ["cannot read the participant list of 'a-old': HTTP 403, Twilio error 70051"]
    assert pairs(world, new) == []


# --- the phases of an apply ------------------------------------------------------------------------------------------


def test_a_service_deleted_late_waits_for_the_addresses_that_use_it_but_not_for_others() -> None:
    world, service = club()
    new = room(world, service, "new")
    old = f"/v1/Services/{world.post('/v1/Services', {'FriendlyName': 'Old'})['sid']}"
    room(world, old, "room", 1)
    using = {"AutoCreation.ConversationServiceSid": sid(old)}
    user, other = (
        f"{ADDRESSES}/{world.post(ADDRESSES, {**MAIN, **form})['sid']}"
        for form in ({**using}, {"Address": "+14155550122", "AutoCreation.ConversationServiceSid": sid(service)})
    )
    push = world.post("/v1/Credentials", {"Type": "fcm", "FriendlyName": "Push", "Secret": "AAAA" + "x" * 60})["sid"]
    files = read(
        CONVERSATIONS + f"      new: {{participants: {{p: {pair(1)}}}}}\n  old: {{friendly_name: Old, absent: true}}\n"
        "credentials: {push: {type: fcm, friendly_name: Push, absent: true}}\n"
        'addresses: {"+14155550111": {absent: true}, "+14155550122": {absent: true}}\n'
        "approvals: [{address: services.old}]\n"
    )
    world.forget_requests()
    world.converge(files)
    assert world.writes[:3] == [f"DELETE {user}", f"DELETE {old}", f"POST {new}/Participants"]
    assert sorted(world.writes[3:]) == sorted([f"DELETE {other}", f"DELETE /v1/Credentials/{push}"])


def test_a_service_is_deleted_after_the_addresses_and_only_if_those_deletes_succeed() -> None:
    world = World()
    service = world.post("/v1/Services", {"FriendlyName": "Old"})["sid"]
    address = world.post(ADDRESSES, MAIN)["sid"]
    files = read(
        "version: 1\nservices: {old: {friendly_name: Old, absent: true}}\n"
        'addresses: {main: {address: "+14155550111", absent: true}}\napprovals: [{address: services.old}]\n'
    )
    report = do(world, files, Refusing(world, lambda method, _path: method == "DELETE"))
    assert statuses(report) == {"addresses.main#delete": "failed", "services.old#delete": "skipped"}
    more = read(
        "version: 1\nservices: {old: {friendly_name: Old, absent: true}, new: {}}\n"
        'addresses: {main: {address: "+14155550111", absent: true}}\napprovals: [{address: services.old}]\n'
    )
    report = do(world, more, Refusing(world, lambda method, _path: method == "POST"))
    assert statuses(report) == {
        "services.new#create": "failed", "addresses.main#delete": "skipped", "services.old#delete": "skipped",
    }  # fmt: skip
    world.forget_requests()
    world.converge(files)
    assert world.writes == [f"DELETE {ADDRESSES}/{address}", f"DELETE /v1/Services/{service}"]


def test_a_resource_that_takes_a_key_is_created_although_something_else_failed() -> None:
    world, service = club()
    old, new = room(world, service, "a-old", 1), room(world, service, "b-new")
    files = read(
        HEAD + "    users: {ada: {}}\n    conversations:\n"
        f"      a-old: {{participants: {{out: {{absent: true, {pair(1)[1:]}}}}}\n"
        f"      b-new: {{participants: {{in: {pair(1)}}}}}\n"
    )
    report = do(world, files, Refusing(world, lambda method, path: method == "POST" and path.endswith("/Users")))
    assert statuses(report) == {
        "services.club.users.ada#create": "failed",
        f"{ROOMS}.a-old.participants.out#delete": "done",
        f"{ROOMS}.b-new.participants.in#create": "done",
    }
    assert (pairs(world, old), pairs(world, new)) == ([], ["+14155550201"])


def test_a_pair_is_freed_although_the_participant_that_takes_it_is_withheld() -> None:
    world, service = club()
    old, new = room(world, service, "a-old", 1), room(world, service, "b-new")
    files = read(
        CONVERSATIONS + f"      a-old: {{participants: {{out: {{absent: true, {pair(1)[1:]}}}}}\n"
        f"      b-new: {{participants: {{in: {{lifecycle: {{prevent_create: true}}, {pair(1)[1:]}}}}}\n"
    )
    report = do(world, files)
    assert statuses(report) == {
        f"{ROOMS}.a-old.participants.out#delete": "done",
        f"{ROOMS}.b-new.participants.in#create": "withheld",
    }
    assert (pairs(world, old), pairs(world, new)) == ([], [])


def test_a_conversation_closes_after_a_participant_that_waits_for_a_late_delete() -> None:
    world, service = club()
    old, closing = room(world, service, "a-old", 1), room(world, service, "b-closing")
    files = read(
        CONVERSATIONS + "      a-old: {absent: true}\n"
        f"      b-closing: {{state: closed, participants: {{in: {pair(1)}}}}}\n"
    )
    world.forget_requests()
    world.converge(files, approved=[f"{ROOMS}.a-old"])
    assert world.writes == [f"DELETE {old}", f"POST {closing}/Participants", f"POST {closing}"]


def test_after_a_failure_late_deletes_stay_done_and_last_deletes_are_skipped() -> None:
    world, service = club()
    old1, old2 = room(world, service, "old1", 1), room(world, service, "old2", 2)
    new1, new2 = room(world, service, "new1"), room(world, service, "new2")
    world.post(f"{service}/Users", {"Identity": "ada"})
    files = read(
        HEAD + "    users: {ada: {absent: true}}\n    conversations:\n"
        "      old1: {absent: true}\n      old2: {absent: true}\n"
        f"      new1: {{participants: {{p: {pair(1)}}}}}\n"
        f"      new2: {{participants: {{p: {pair(2)}}}}}\n"
        f"approvals: [{{address: {ROOMS}.old1}}, {{address: {ROOMS}.old2}}]\n"
    )
    world.forget_requests()
    report = do(world, files, refusing_pair(world, new1))
    assert statuses(report) == {
        f"{ROOMS}.old1#delete": "done",
        f"{ROOMS}.old2#delete": "done",
        f"{ROOMS}.new1.participants.p#create": "failed",
        f"{ROOMS}.new2.participants.p#create": "done",
        "services.club.users.ada#delete": "skipped",
    }
    assert world.writes == [f"DELETE {old1}", f"DELETE {old2}", f"POST {new2}/Participants"]


def test_after_an_early_failure_a_late_delete_is_skipped_and_each_message_names_the_reason() -> None:
    world, service = club()
    room(world, service, "old", 1)
    room(world, service, "new")
    files = read(
        HEAD + f"    users: {{ada: {{}}}}\n    conversations:\n      old: {{absent: true}}\n"
        f"      new: {{participants: {{p: {pair(1)}}}}}\napprovals: [{{address: {ROOMS}.old}}]\n"
    )
    report = do(world, files, Refusing(world, lambda method, path: method == "POST" and path.endswith("/Users")))
    outcomes = {item.step: item for result in report.results for item in result.outcomes}
    delete, create = outcomes[f"{ROOMS}.old#delete"], outcomes[f"{ROOMS}.new.participants.p#create"]
    assert (delete.status, delete.because, delete.message) == (
        "skipped", "services.club.users.ada#create",
        "deletes run only after everything else has succeeded, and the create of services.club.users.ada failed",
    )  # fmt: skip
    assert (create.status, create.because, create.message) == (
        "skipped", f"{ROOMS}.old#delete", f"the delete of {ROOMS}.old was skipped",
    )  # fmt: skip


# --- withheld steps --------------------------------------------------------------------------------------------------


class Counting(Silent):
    """Keeps the number of each step that ended, of the total, and its status."""

    def __init__(self) -> None:
        self.numbers: list[tuple[int, int, str]] = []

    def ended(self, outcome: Outcome, done: int, total: int) -> None:
        self.numbers.append((done, total, outcome.status))


def test_withheld_steps_are_reported_and_neither_counted_nor_skipped() -> None:
    world, service = club()
    role = world.post(
        f"{service}/Roles", {"FriendlyName": "held", "Type": "service", "Permission": "joinConversation"}
    )["sid"]
    world.post(f"{service}/Users", {"Identity": "bob", "RoleSid": role})
    world.post(f"{service}/Users", {"Identity": "eve"})
    files = read(
        HEAD + "    roles: {held: {absent: true}}\n"
        "    users: {ada: {}, amy: {}, eve: {absent: true}, zoe: {lifecycle: {prevent_create: true}}}\n"
    )
    progress = Counting()
    app = Refusing(world, lambda method, path: (method, path) == ("POST", f"{service}/Users"))
    report = do(world, files, app, progress=progress)
    assert statuses(report) == {
        "services.club.users.ada#create": "failed",
        "services.club.users.amy#create": "done",
        "services.club.users.zoe#create": "withheld",
        "services.club.users.eve#delete": "skipped",
        "services.club.roles.held#delete": "withheld",
    }
    withheld = {item.step: item for result in report.results for item in result.outcomes if item.status == "withheld"}
    delete, create = (withheld[f"services.club.{step}"] for step in ("roles.held#delete", "users.zoe#create"))
    assert (delete.sid, create.sid) == (role, "")
    assert delete.message.startswith("1 user ")
    assert create.message == "services.club.users.zoe is not in the account, and lifecycle.prevent_create is set"
    assert progress.numbers == [(1, 3, "failed"), (2, 3, "done"), (3, 3, "skipped")]


def test_the_old_role_of_a_replace_is_kept_while_a_user_holds_it() -> None:
    world, service = club()
    old = world.post(f"{service}/Roles", {"FriendlyName": "old", "Type": "service", "Permission": "joinConversation"})[
        "sid"
    ]
    world.post(f"{service}/Users", {"Identity": "bob", "RoleSid": old})
    files = read(HEAD + "    roles: {new: {renamed_from: old, type: service, permissions: [joinConversation]}}\n")
    assert statuses(do(world, files)) == {
        "services.club.roles.new#create": "done",
        "services.club.roles.new#delete": "withheld",
    }
    assert world.writes[-1] == f"POST {service}/Roles"
    assert {"old", "new"} <= {role["friendly_name"] for role in world.get(f"{service}/Roles")["roles"]}
