"""What an apply reports of each step: its status, its reason, its resource, and what it wrote."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

import reconciler.execution.apply
from reconciler.address import Address
from reconciler.api import logs
from reconciler.api.client import Client
from reconciler.api.credentials import Credentials
from reconciler.api.transport import in_process
from reconciler.change import Action, Change, Guard, Step
from reconciler.documents.step_values import StepValues
from reconciler.documents.values import Digests, Mask
from reconciler.emulator.app import Receive, Scope, Send
from reconciler.execution.apply import apply
from reconciler.kinds import BY_NAME
from reconciler.report import Outcome, Report, Silent
from tests.execution.test_write_order import CONVERSATIONS, ROOMS, pair, refusing_pair, room, sid
from tests.planning.test_replacing import ADDRESSES, MAIN, Refusing, do, statuses
from tests.scenario import HEAD, club
from tests.world import ACCOUNT, World, read


def ended(report: Report) -> dict[str, Outcome]:
    return {outcome.step: outcome for result in report.results for outcome in result.outcomes}


def refusing(world: World, method: str, end: str) -> Refusing:
    """Refuse the first request of a method whose path has an end."""
    return Refusing(world, lambda sent, path: sent == method and path.endswith(end))


# --- after a failure -------------------------------------------------------------------------------------------------


def test_what_depends_on_a_failed_step_names_it() -> None:
    world, _ = club()
    files = read(CONVERSATIONS + "      lounge: {participants: {ada: {identity: ada}}}\n")
    outcome = ended(do(world, files, refusing(world, "POST", "/Conversations")))[
        f"{ROOMS}.lounge.participants.ada#create"
    ]
    assert (outcome.status, outcome.because, outcome.message, outcome.cause, outcome.sid) == (
        "skipped", f"{ROOMS}.lounge#create", f"the create of {ROOMS}.lounge failed", "", "",
    )  # fmt: skip


def test_a_replace_in_one_sequence_is_skipped_as_a_whole() -> None:
    world = World()
    old = world.post(ADDRESSES, MAIN)["sid"]
    files = read(
        "version: 1\nservices: {two: {friendly_name: Two}}\naddresses:\n"
        '  main: {address: "+14155550111", type: sms, address_country: US, auto_creation: {service: two}}\n'
    )
    outcomes = ended(do(world, files, refusing(world, "POST", "/v1/Services")))
    delete, create = outcomes["addresses.main#delete"], outcomes["addresses.main#create"]
    assert (delete.status, delete.because, delete.message, delete.sid) == (
        "skipped", "services.two#create", "the create of services.two failed", old,
    )  # fmt: skip
    assert (create.status, create.because, create.message, create.cause) == (
        "skipped", "addresses.main#delete", "the delete of addresses.main was skipped", "",
    )  # fmt: skip


def test_a_sequence_deletes_nothing_more_after_a_failure() -> None:
    world, service = club()
    one, two, kept = room(world, service, "one", 1), room(world, service, "two", 2, 3), room(world, service, "a-kept")
    files = read(
        CONVERSATIONS + f"      old1: {{sid: {sid(one)}, absent: true}}\n"
        f"      old2: {{sid: {sid(two)}, absent: true}}\n"
        f"      new1: {{unique_name: one, participants: {{p: {pair(2)}}}}}\n"
        f"      new2: {{unique_name: two, participants: {{p: {pair(1)}}}}}\n"
        f"      a-kept: {{participants: {{p: {pair(3)}}}}}\n"
        f"approvals: [{{address: {ROOMS}.old1}}, {{address: {ROOMS}.old2}}]\n"
    )
    world.forget_requests()
    report = do(world, files, refusing_pair(world, kept))
    assert statuses(report) == {
        f"{ROOMS}.old2#delete": "done",
        f"{ROOMS}.a-kept.participants.p#create": "failed",
        # It follows the delete that has been made, whatever else failed.
        f"{ROOMS}.new2#create": "done",
        f"{ROOMS}.old1#delete": "skipped",
        f"{ROOMS}.new1#create": "skipped",
        f"{ROOMS}.new1.participants.p#create": "skipped",
        f"{ROOMS}.new2.participants.p#create": "skipped",
    }
    delete = ended(report)[f"{ROOMS}.old1#delete"]
    assert delete.because == f"{ROOMS}.a-kept.participants.p#create"
    assert delete.message == (
        "deletes that make room for other changes stop after a failure, and the create of "
        f"{ROOMS}.a-kept.participants.p failed"
    )
    assert world.writes == [f"DELETE {two}", f"POST {service}/Conversations"]


def test_a_step_does_not_wait_for_what_a_guard_withholds() -> None:
    world, service = club()
    room(world, service, "lounge")
    participant = "{identity: ada, lifecycle: {prevent_create: true}}"
    files = read(CONVERSATIONS + f"      lounge: {{state: closed, participants: {{ada: {participant}}}}}\n")
    assert statuses(do(world, files)) == {
        f"{ROOMS}.lounge.participants.ada#create": "withheld",
        f"{ROOMS}.lounge#update": "done",
    }


def test_a_role_that_cannot_be_created_is_a_failure() -> None:
    world, _ = club()
    files = read(HEAD + "    roles: {guide: {type: service, permissions: [joinConversation]}}\n")
    outcome = ended(do(world, files, refusing(world, "POST", "/Roles")))["services.club.roles.guide#create"]
    assert (outcome.status, outcome.message, outcome.cause) == ("failed", "Twilio rejected the request", "validation")


def test_a_sensitive_value_that_twilio_repeats_is_hidden() -> None:
    world, service = club()
    world.post(f"{service}/Users", {"Identity": "ada", "FriendlyName": "former s3cret"})

    async def repeating(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "GET":
            await world.emulator(scope, receive, send)
            return
        body = {"code": 20001, "message": "hunter22 is like former s3cret", "status": 400}
        await send({"type": "http.response.start", "status": 400, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    files = read(HEAD + "    users: {ada: {friendly_name: '${secret:NAME}'}}\n", {"NAME": "hunter22"})
    refusal = ended(do(world, files, repeating))["services.club.users.ada#update"].refusal
    assert refusal is not None
    assert refusal.message == "(sensitive value) is like (sensitive value)"


# --- what each outcome has -------------------------------------------------------------------------------------------


def test_each_outcome_has_the_sid_of_its_resource() -> None:
    world, service = club()
    users = {name: world.post(f"{service}/Users", {"Identity": name})["sid"] for name in ("ada", "bob", "eve")}
    files = read(
        HEAD + "    configuration: {reachability_enabled: true}\n    users:\n"
        "      ada: {friendly_name: Ada}\n      bob: {friendly_name: Bob}\n      eve: {absent: true}\n      zoe: {}\n"
    )
    outcomes = ended(do(world, files, refusing(world, "POST", users["ada"])))
    created = next(user["sid"] for user in world.get(f"{service}/Users")["users"] if user["identity"] == "zoe")
    assert {outcome.step: (outcome.status, outcome.sid) for outcome in outcomes.values()} == {
        "services.club.configuration#update": ("done", ""),
        "services.club.users.ada#update": ("failed", users["ada"]),
        "services.club.users.bob#update": ("done", users["bob"]),
        "services.club.users.zoe#create": ("done", created),
        "services.club.users.eve#delete": ("skipped", users["eve"]),
    }


def test_the_outcome_of_a_delete_has_the_name_of_what_it_deleted() -> None:
    world, service = club()
    ada, eve = (world.post(f"{service}/Users", {"Identity": name})["sid"] for name in ("ada", "eve"))
    files = read(HEAD + "    users: {bob: {renamed_from: ada}, eve: {absent: true}}\n")
    outcomes = ended(do(world, files))
    [bob] = [user["sid"] for user in world.get(f"{service}/Users")["users"]]
    assert {outcome.step: (outcome.sid, outcome.name, outcome.is_old) for outcome in outcomes.values()} == {
        "services.club.users.bob#create": (bob, "", False),
        "services.club.users.bob#delete": (ada, "ada", True),
        "services.club.users.eve#delete": (eve, "eve", False),
    }


@pytest.mark.parametrize(("action", "op"), [("create", "create"), ("update", "update"), ("replace", "update")])
@pytest.mark.parametrize("known", ["US1", None])
def test_a_change_that_is_withheld_before_it_has_steps_has_one_outcome(
    action: Action, op: str, known: str | None
) -> None:
    world, _ = club()
    made = world.plan(read(HEAD))
    address = Address.parse("services.club.users.ada")
    guard = Guard("irreversible", "withheld", "messages cannot be restored")
    change = Change(address, BY_NAME["user"], action, known, "ada", guard=guard)
    [result] = world.do(replace(made, changes=(change,))).results
    assert result.status == "withheld"
    assert result.outcomes == (
        Outcome(f"{address}#{op}", str(address), op, "withheld", known or "", "messages cannot be restored"),  # type: ignore[arg-type] # a column of the table
    )


class Starts(Silent):
    """Keeps the steps that began."""

    def __init__(self) -> None:
        self.started_steps: list[str] = []

    def started(self, step: Step) -> None:
        self.started_steps.append(step.id)


def test_the_progress_is_told_of_each_step_that_begins() -> None:
    world, _ = club()
    progress = Starts()
    files = read(CONVERSATIONS + "      lounge: {participants: {ada: {identity: ada}}}\n    users: {eve: {}}\n")
    do(world, files, refusing(world, "POST", "/Conversations"), progress=progress)
    assert sorted(progress.started_steps) == [f"{ROOMS}.lounge#create", "services.club.users.eve#create"]


def test_the_log_has_the_duration_of_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(100, 200))
    logged: list[float | None] = []
    monkeypatch.setattr(reconciler.execution.apply, "time", SimpleNamespace(monotonic=lambda: float(next(now))))
    monkeypatch.setattr(logs, "step", lambda *_args, ms, **_more: logged.append(ms))
    world, _ = club()
    report = do(world, read(HEAD + "    users: {ada: {}}\n"))
    assert logged == [1000]
    # From 100 to 103: the step asked for the time twice.
    assert report.seconds == 3


def test_an_update_that_is_cut_off_has_its_resource_and_what_it_may_have_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reconciler.execution.apply, "GRACE_SECONDS", 0.0)
    world, service = club()
    ada = world.post(f"{service}/Users", {"Identity": "ada", "FriendlyName": "Ada"})["sid"]
    config = read(HEAD + "    users: {ada: {friendly_name: Ada L}}\n")
    made = world.plan(config)
    values = StepValues(made, config.resources, Mask(), Digests(made.account_sid, b"k" * 32))

    async def run() -> Report:
        stop = asyncio.Event()

        async def hanging(_scope: Scope, _receive: Receive, _send: Send) -> None:
            stop.set()
            await asyncio.Event().wait()

        credentials = Credentials(ACCOUNT, "emulator", ACCOUNT)
        async with Client("https://x.example.com", credentials, transport=in_process(hanging)) as client:
            return await apply(made, client, Silent(), stop, values=values)

    outcome = ended(asyncio.run(run()))["services.club.users.ada#update"]
    assert (outcome.status, outcome.sid) == ("interrupted", ada)
    assert outcome.written is not None
    assert (outcome.written.before, outcome.written.after) == ({"friendly_name": "Ada"}, {"friendly_name": "Ada L"})
