"""A create whose answer is lost is looked up before it is sent again: never twice, never left out."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from reconciler.api.client import Client
from reconciler.api.credentials import Credentials
from reconciler.api.retry import Retry
from reconciler.api.transport import in_process
from reconciler.config.model import Config
from reconciler.emulator.app import Receive, Scope, Send
from reconciler.emulator.faults import Faults, Faulty
from reconciler.execution.apply import apply
from reconciler.report import Report, Silent
from tests.faults.harness import COUNTS, Once, Waited, counts, everything, failures, no_time, run
from tests.scenario import club
from tests.world import ACCOUNT, World, read

COLLECTIONS = ["Services", "Roles", "Users", "Conversations", "Participants", "Webhooks", "Addresses", "Credentials"]
DONE = ["reset-after", "504", "truncated", "invalid-json", "wrong-type"]
UNDONE = ["reset-before", "500", "502", "503"]


def creating(collection: str) -> Callable[[str, str], bool]:
    return lambda method, path: method == "POST" and path.endswith(f"/{collection}")


def creates(world: World, collection: str) -> int:
    return sum(creating(collection)(record.method, record.path) for record in world.emulator.requests)


@functools.cache
def sent_in_peace(collection: str) -> int:
    world = World()
    assert failures(run(world.emulator, everything())) == []
    assert counts(world) == COUNTS
    return creates(world, collection)


@pytest.mark.parametrize("fault", [*DONE, *UNDONE])
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_kind_is_made_once_whatever_happens_to_the_first_create(collection: str, fault: str) -> None:
    world = World()
    app = Once(world.emulator, fault, creating(collection))
    assert failures(run(app, everything())) == []
    assert app.wrong.injected == {fault: 1}
    assert counts(world) == COUNTS
    # What was done is not sent again, and what was not done did not reach the account the first time.
    assert creates(world, collection) == sent_in_peace(collection)
    assert world.plan(everything()).changes == ()


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_nothing_is_made_twice_when_several_answers_in_a_row_are_lost(collection: str) -> None:
    world = World()
    app = Once(world.emulator, "reset-after", creating(collection), times=2)
    assert failures(run(app, everything())) == []
    assert counts(world) == COUNTS
    assert world.plan(everything()).changes == ()


def test_a_lost_create_is_found_even_when_it_is_not_to_be_tried_again() -> None:
    world = World()
    app = Once(world.emulator, "reset-after", creating("Roles"))
    assert failures(run(app, everything(), attempts=1)) == []
    assert counts(world) == COUNTS


def test_what_never_took_place_is_a_failure_after_the_last_attempt() -> None:
    world = World()
    app = Once(world.emulator, "503", creating("Credentials"), times=100)
    report = run(app, everything())
    assert failures(report) == ["credentials.android#create: Twilio rejected the request"]
    assert [item.status for result in report.results for item in result.outcomes if item.refusal] == ["failed"]
    assert app.wrong.injected == {"503": 8}
    assert counts(world) == {**COUNTS, "credential": 0}


def test_what_cannot_be_looked_up_says_that_nobody_knows() -> None:
    world = World()
    sent: list[str] = []

    def from_the_create_on(method: str, path: str) -> bool:
        sent.extend([method] * path.endswith("/Credentials"))
        return path.endswith("/Credentials") and "POST" in sent

    report = run(Once(world.emulator, "reset-after", from_the_create_on, times=100), everything())
    (failure,) = failures(report)
    assert "whether it was created is unknown, because" in failure
    assert [
        item.status for result in report.results for item in result.outcomes if item.change == "credentials.android"
    ] == ["interrupted"]
    assert counts(world) == COUNTS
    assert failures(run(world.emulator, everything())) == []
    assert counts(world) == COUNTS


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_write_that_never_got_an_answer_is_not_said_to_have_failed(method: str) -> None:
    world = World()
    head = "version: 1\nservices: {support: {roles: "
    world.converge(read(head + "{reader: {type: conversation, permissions: [sendMessage]}}}}\n"))
    wanted = "{absent: true}" if method == "DELETE" else "{type: conversation, permissions: [leaveConversation]}"
    files = read(head + f"{{reader: {wanted}}}}}}}\n")
    sent: list[str] = []

    def from_the_write_on(verb: str, path: str) -> bool:
        sent.extend([verb] * ("/Roles/" in path))
        return "/Roles/" in path and method in sent

    app = Once(world.emulator, "reset-after", from_the_write_on, times=100)
    report = run(app, files, attempts=1 if method == "DELETE" else 3)
    assert [item.status for result in report.results for item in result.outcomes] == ["interrupted"]
    assert report.exit_code == 1
    assert world.plan(files).changes == ()


def test_another_resource_of_that_name_that_was_there_before_is_not_taken_for_it() -> None:
    """A role that is made anew before the old one goes: both have one name for a while."""
    world = World()
    head = "version: 1\nservices:\n  support:\n    roles:\n      reader: "
    world.converge(read(head + "{type: conversation, permissions: [sendMessage]}\n"))
    old = world.role("support", "reader")
    app = Once(world.emulator, "reset-before", creating("Roles"))
    files = read(head + "{type: service, permissions: [joinConversation]}\n")
    assert failures(run(app, files)) == []
    assert app.wrong.injected == {"reset-before": 1}
    assert world.role("support", "reader") != old
    assert world.plan(files).changes == ()


def test_what_somebody_changed_meanwhile_is_left_to_the_next_plan() -> None:
    """The answer is lost, and before the look somebody writes something else."""
    world = World()

    class Meddled(Once):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            was_lost = self.wrong.injected != {}
            if was_lost and scope["method"] == "GET" and scope["path"].endswith("/Users/ada"):
                world.emulator.call("POST", scope["path"], {"FriendlyName": "Somebody"})
            await super().__call__(scope, receive, send)

    app = Meddled(world.emulator, "reset-after", creating("Users"))
    files = read("version: 1\nservices: {support: {users: {ada: {friendly_name: Ada}}}}\n")
    (unknown,) = failures(run(app, files))
    assert "has the same name but other values, so it is not known whether this create succeeded" in unknown
    assert failures(run(world.emulator, files)) == []
    assert world.plan(files).changes == ()


def test_what_a_plan_did_not_see_is_not_overwritten_by_a_create_that_was_lost() -> None:
    """The list that the plan read lacked an address; its create is lost once, and then refused: it is somebody's."""
    world = World()
    for number in range(3):
        world.post("/v1/Configuration/Addresses", {"Address": f"+1415555010{number}", "Type": "sms"})
    before = world.snapshot()
    files = read('version: 1\naddresses: {"+14155550102": {friendly_name: Main line}}\n')
    planned = Faulty(world.emulator, Faults({"shifted": 1}, pages=2))
    app = Once(world.emulator, "503", creating("Addresses"))
    (unknown,) = failures(run(app, files, plan_over=planned))
    assert planned.injected == {"shifted": 1}
    assert "has the same name but other values" in unknown
    assert world.snapshot() == before
    world.converge(files)


def test_a_rate_of_writes_that_is_too_high_is_waited_out() -> None:
    world = World(writes_per_second=1)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # A second goes by for every few requests.
        world.now += timedelta(seconds=0.3)
        await world.emulator(scope, receive, send)

    assert failures(run(app, everything(), attempts=50)) == []
    assert any(record.status == 429 for record in world.emulator.requests)
    assert counts(world) == COUNTS


# --- what the API would make twice: it is made when several looks did not find it ----------------------------------


REPEATABLE = ["Services", "Roles", "Webhooks", "Credentials"]


def run_over_late(faulty: Callable[[Waited], Faulty], is_meant: Callable[[str, str], bool], world: World) -> Report:
    """An apply of everything in which the first request that is meant meets a faulty API, and reads are stale after."""
    time = Waited()
    wrong = faulty(time)
    met: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if is_meant(scope["method"], scope["path"]) and not met:
            met.append(scope["path"])
            await wrong(scope, receive, send)
            return
        if met:
            wrong.faults = Faults({"stale": 1}, lag=wrong.faults.lag)
            await wrong(scope, receive, send)
            return
        await world.emulator(scope, receive, send)

    report = run(app, everything(), clock=time, sleep=time.sleep)
    asyncio.run(wrong.finish_late())
    wrong.close()
    assert met
    return report


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_what_is_done_late_is_not_done_twice(collection: str) -> None:
    world = World()
    report = run_over_late(
        lambda time: Faulty(world.emulator, Faults({"reset-taken": 1}, lag=2400), seed=4, clock=time),
        creating(collection),
        world,
    )
    assert counts(world) == COUNTS, failures(report)
    assert failures(run(world.emulator, everything())) == []
    assert counts(world) == COUNTS


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_a_lost_create_that_reads_do_not_show_yet_is_waited_for(collection: str) -> None:
    world = World()
    lost = {"stale": 0.0, "reset-after": 1.0}
    report = run_over_late(
        lambda time: Faulty(world.emulator, Faults(lost | {"stale": 1e-9}, lag=4500), clock=time),
        creating(collection),
        world,
    )
    assert failures(report) == []
    assert counts(world) == COUNTS
    assert world.plan(everything()).changes == ()


@pytest.mark.parametrize("collection", REPEATABLE)
def test_without_time_for_another_look_nothing_is_sent_again(collection: str) -> None:
    world = World()
    time = Waited()
    app = Once(world.emulator, "503", creating(collection), times=100)
    report = run(app, everything(), clock=time, sleep=time.sleep, timeout=0.9)
    unknown = [item for result in report.results for item in result.outcomes if item.status == "interrupted"]
    assert unknown
    assert all("there was no time left to find out whether it was created" in item.message for item in unknown)
    assert app.wrong.injected["503"] == len(unknown)


def test_what_somebody_made_since_the_account_was_read_is_not_made_again() -> None:
    world = World()
    files = read(
        "version: 1\nservices: {support: {roles: {reader: {type: conversation, permissions: [sendMessage]}}}}\n"
    )
    world.post("/v1/Services", {"FriendlyName": "support"})
    made = world.plan(files)
    roles = f"/v1/Services/{world.service('support')}/Roles"
    other = {"FriendlyName": "reader", "Type": "conversation", "Permission": "leaveConversation"}
    theirs = world.post(roles, other)["sid"]
    report = world.do(made)
    (failure,) = failures(report)
    assert failure == (
        f"services.support.roles.reader#create: the resource already exists: {theirs} was created after the account "
        "was read. Nothing was sent. Run the command again"
    )
    world.converge(files)
    assert world.role("support", "reader") == theirs


def test_what_a_moving_list_did_not_show_is_not_made_again() -> None:
    """A page of the plan's reading lacks a service; the look before the create has it."""
    world = World()
    for name in ("one", "support", "three"):
        world.post("/v1/Services", {"FriendlyName": name})
    files = read("version: 1\nservices: {support: {}}\n")
    app = Faulty(world.emulator, Faults({"shifted": 1}, pages=2))
    (failure,) = failures(run(app, files))
    assert "the resource already exists: " in failure
    assert app.injected == {"shifted": 1}
    assert run(world.emulator, files).results == ()


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_a_create_waits_as_long_as_the_answer_asks_before_it_is_looked_for(collection: str) -> None:
    world, waits = World(), list[float]()
    refused = False

    async def busy(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal refused
        if refused or not creating(collection)(scope["method"], scope["path"]):
            await world.emulator(scope, receive, send)
            return
        refused = True
        waits.clear()
        await send({"type": "http.response.start", "status": 503, "headers": [(b"Retry-After", b"77")]})
        await send({"type": "http.response.body", "body": b""})

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)

    assert failures(run(busy, everything(), sleep=sleep)) == []
    assert (refused, waits[0]) == (True, 77.0)
    assert counts(world) == COUNTS


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_what_was_sent_again_and_may_turn_up_twice_is_told(collection: str) -> None:
    world = World()
    report = run(Once(world.emulator, "reset-before", creating(collection)), everything())
    assert report.exit_code == 0
    doubts = [
        (item.status, item.message)
        for result in report.results
        for item in result.outcomes
        if item.message and item.op == "create"
    ]
    told = (
        "its answer was lost, and it was not found within 5 seconds, so it was sent again. If the first request still "
        "succeeds later, there will be two: run `reconciler plan` in a few minutes, which lists both"
    )
    # What the API keeps unique cannot be there twice.
    assert doubts == ([("done", told)] if collection in REPEATABLE else [])


class Meanwhile:
    """An API whose first answer to a create is lost, after somebody else has created something."""

    def __init__(self, world: World, collection: str, fault: str, path: str, form: dict[str, str]) -> None:
        self.once = Once(world.emulator, fault, creating(collection))
        self.world, self.is_meant, self.path, self.form = world, creating(collection), path, form
        self.other = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.other and self.is_meant(scope["method"], scope["path"]):
            self.other = str(self.world.post(self.path, self.form)["sid"])
        await self.once(scope, receive, send)


ROLE = "{roles: {reader: {type: conversation, permissions: [sendMessage]}}}"
HOOK = (
    "{conversations: {lounge: {webhooks: {crm: {target: webhook, url: 'https://a.example.com', "
    "filters: [onMessageAdded]}}}}}"
)
OTHER_HOOK = {
    "Target": "webhook",
    "Configuration.Url": "https://b.example.com",
    "Configuration.Filters": "onMessageAdded",
}


def of_support(content: str) -> Config:
    return read(f"version: 1\nservices: {{support: {content}}}\n")


def test_the_one_with_the_values_that_were_sent_is_the_lost_one() -> None:
    world = World()
    world.converge(of_support("{}"))
    path = f"/v1/Services/{world.service('support')}/Roles"
    form = {"FriendlyName": "reader", "Type": "conversation", "Permission": "leaveConversation"}
    app = Meanwhile(world, "Roles", "reset-after", path, form)
    report = run(app, of_support(ROLE))
    assert failures(report) == []
    (created,) = [item.sid for result in report.results for item in result.outcomes]
    assert created != app.other
    assert world.get(f"{path}/{created}")["permissions"] == ["sendMessage"]


@pytest.mark.parametrize("url", ["https://a.example.com", "https://b.example.com"])
@pytest.mark.parametrize("fault", ["reset-before", "reset-after"])
def test_another_webhook_that_somebody_made_meanwhile_is_not_the_lost_one(fault: str, url: str) -> None:
    world = World()
    world.converge(of_support("{conversations: {lounge: {}}}"))
    service = world.service("support")
    (lounge,) = (item["sid"] for item in world.get(f"/v1/Services/{service}/Conversations")["conversations"])
    path = f"/v1/Services/{service}/Conversations/{lounge}/Webhooks"
    other = {**OTHER_HOOK, "Configuration.Url": url, "Configuration.Filters": "onConversationUpdated"}
    app = Meanwhile(world, "Webhooks", fault, path, other)
    assert failures(run(app, of_support(HOOK))) == []
    assert len(world.get(path)["webhooks"]) == 2


@pytest.mark.parametrize("url", ["https://a.example.com", "https://b.example.com"])
def test_another_webhook_that_somebody_made_before_does_not_stop_a_create(url: str) -> None:
    world = World()
    world.converge(of_support("{conversations: {lounge: {}}}"))
    made = world.plan(of_support(HOOK))
    service = world.service("support")
    (lounge,) = (item["sid"] for item in world.get(f"/v1/Services/{service}/Conversations")["conversations"])
    path = f"/v1/Services/{service}/Conversations/{lounge}/Webhooks"
    world.post(path, {**OTHER_HOOK, "Configuration.Url": url, "Configuration.Filters": "onConversationUpdated"})
    assert failures(world.do(made)) == []
    assert len(world.get(path)["webhooks"]) == 2


def test_a_lost_create_that_the_only_look_in_time_finds_is_done() -> None:
    world = World()
    time = Waited()
    app = Once(world.emulator, "reset-after", creating("Roles"), times=100)
    assert failures(run(app, everything(), clock=time, sleep=time.sleep, timeout=0.9)) == []
    assert counts(world) == COUNTS


def test_a_refused_create_is_not_looked_for() -> None:
    world = World()
    world.converge(of_support("{}"))
    files = of_support(ROLE.replace("sendMessage", "noSuchPermission"))
    made = world.plan(files)
    world.forget_requests()
    (failure,) = failures(world.do(made))
    assert failure.endswith("Twilio rejected the request")
    # Before the create, and never after it.
    assert [request.split()[0] for request in world.requests] == ["GET", "POST"]


def test_a_create_that_is_refused_after_a_lost_answer_is_looked_for_and_not_sent_again() -> None:
    world = World()
    world.converge(of_support("{}"))
    statuses = iter([500, 400])

    async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
        status = next(statuses, None) if creating("Roles")(scope["method"], scope["path"]) else None
        if status is None:
            await world.emulator(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b'{"code": 20001, "message": "refused"}'})

    (failure,) = failures(run(refusing, of_support(ROLE), plan_over=world.emulator))
    assert failure.endswith("Twilio rejected the request")
    assert world.plan(of_support(ROLE)).changes != ()


def test_a_name_that_a_path_may_not_carry_is_looked_for_in_the_list() -> None:
    world = World()
    app = Once(world.emulator, "reset-after", creating("Users"), times=2)
    assert failures(run(app, of_support("{users: {a/b: {}}}"))) == []
    gets = [request for request in world.requests if request.startswith("GET") and "/Users" in request]
    assert gets
    assert not any("a%2Fb" in request or "a/b" in request for request in gets), gets


def test_lists_that_decide_about_a_second_resource_are_read_until_they_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    seen: set[tuple[str, bool]] = set()
    plain = Client.list

    async def watched(self: Client, path: str, *args: Any, consistent: bool = False) -> Any:
        seen.add((path.rpartition("/")[2], consistent))
        return await plain(self, path, *args, consistent=consistent)

    world.converge(of_support("{conversations: {lounge: {}}}"))
    monkeypatch.setattr(Client, "list", watched)
    lost = ("Roles", "Participants")
    app = Once(world.emulator, "reset-after", lambda method, path: method == "POST" and path.endswith(lost), times=2)
    files = of_support(
        "{roles: {reader: {type: conversation, permissions: [sendMessage]}}, "
        "conversations: {lounge: {participants: {ada: {identity: ada}}}}}"
    )
    made = world.plan(files)
    seen.clear()

    async def carry_out() -> Report:
        credentials, retry = Credentials(ACCOUNT, "emulator", ACCOUNT), Retry(sleep=no_time)
        async with Client("https://x.example.com", credentials, transport=in_process(app), retry=retry) as client:
            return await apply(made, client, Silent())

    assert failures(asyncio.run(carry_out())) == []
    assert seen == {("Roles", True), ("Participants", False)}


def test_two_resources_that_may_be_the_lost_one_are_a_failure() -> None:
    world = World()
    world.converge(of_support("{}"))
    path = f"/v1/Services/{world.service('support')}/Roles"
    form = {"FriendlyName": "reader", "Type": "conversation", "Permission": "sendMessage"}
    app = Meanwhile(world, "Roles", "reset-after", path, form)
    (failure,) = failures(run(app, of_support(ROLE)))
    assert "2 new resources of kind role may be the one that was created" in failure


def test_a_role_of_another_type_that_somebody_made_meanwhile_is_not_the_lost_one() -> None:
    world = World()
    world.converge(of_support("{}"))
    path = f"/v1/Services/{world.service('support')}/Roles"
    form = {"FriendlyName": "reader", "Type": "service", "Permission": "joinConversation"}
    app = Meanwhile(world, "Roles", "reset-before", path, form)
    assert failures(run(app, of_support(ROLE))) == []
    assert [role["type"] for role in world.get(path)["roles"] if role["friendly_name"] == "reader"] in (
        ["service", "conversation"],
        ["conversation", "service"],
    )


def test_a_lost_create_that_is_looked_up_and_one_that_makes_room_do_not_wait_for_each_other() -> None:
    world, service = club()
    lobby = f"{service}/Conversations/{world.post(f'{service}/Conversations', {'UniqueName': 'lobby'})['sid']}"
    for number in range(4):
        url = f"https://{number}.example.com/"
        configuration = {"Configuration.Url": url, "Configuration.Filters": "onMessageAdded"}
        world.post(f"{lobby}/Webhooks", {"Target": "webhook", **configuration})
    hook = "          {}: {{target: webhook, url: '{}', filters: [{}]{}}}\n".format
    # Five are the most: the second new one, which has the same destination as the first, needs the place of an old one.
    files = read(
        "version: 1\nservices:\n  club:\n    friendly_name: Members' club\n    conversations:\n      lobby:\n"
        "        webhooks:\n"
        + hook("x", "https://new.example.com/", "onMessageAdded", "")
        + hook("y", "https://new.example.com/", "onMessageRemoved", "")
        + hook("z", "https://0.example.com/", "onMessageAdded", ", absent: true")
    )
    app = Once(world.emulator, "reset-after", creating("Webhooks"))
    assert failures(run(app, files)) == []
    assert app.wrong.injected == {"reset-after": 1}
    assert world.plan(files).changes == ()


def test_of_two_webhooks_that_a_lookup_could_confuse_one_is_created_after_the_other() -> None:
    """The first create fails; if the second were sent meanwhile, a lookup would take its webhook for the first one."""
    world = World()
    world.converge(of_support("{conversations: {lounge: {}}}"))
    hook = "{{target: webhook, url: 'https://a.example.com', filters: [onMessageAdded]{}}}".format
    files = of_support(f"{{conversations: {{lounge: {{webhooks: {{a: {hook('')}, b: {hook(', method: GET')}}}}}}}}}")
    app = Once(world.emulator, "reset-before", creating("Webhooks"))
    is_looked_up = asyncio.Event()

    async def held(scope: Scope, receive: Receive, send: Send) -> None:
        """Hold the answer to every other create until the first one has been looked up."""

        async def later(message: Any) -> None:
            await is_looked_up.wait()
            await send(message)

        is_first = app.times == 1
        is_create = creating("Webhooks")(scope["method"], scope["path"])
        await app(scope, receive, later if is_create and not is_first else send)
        if scope["method"] == "GET" and not is_first:
            is_looked_up.set()

    assert failures(run(held, files, plan_over=world.emulator)) == []
    assert world.plan(files).changes == ()


def test_a_webhook_that_this_apply_created_is_not_the_lost_one() -> None:
    world = World()
    world.converge(of_support("{conversations: {lounge: {}}}"))
    hook = "{{target: webhook, url: 'https://a.example.com', filters: [onMessageAdded]{}}}".format
    files = of_support(f"{{conversations: {{lounge: {{webhooks: {{a: {hook(', method: GET')}, b: {hook('')}}}}}}}}}")
    sent: list[str] = []

    def is_second(method: str, path: str) -> bool:
        sent.extend([path] * creating("Webhooks")(method, path))
        return creating("Webhooks")(method, path) and len(sent) == 2

    app = Once(world.emulator, "reset-before", is_second)
    assert failures(run(app, files)) == []
    assert app.wrong.injected == {"reset-before": 1}
    assert world.plan(files).changes == ()


def test_a_role_takes_over_the_name_of_one_that_is_still_there() -> None:
    world = World()
    role = "{type: conversation, permissions: [sendMessage]%s}"
    world.converge(of_support(f"{{roles: {{a: {role % ''}, b: {role % ''}}}}}"))
    renamed = [f"{name}: {role % f', renamed_from: {former}'}" for name, former in (("b", "a"), ("c", "b"))]
    files = of_support(f"{{roles: {{{', '.join(renamed)}}}}}")
    app = Once(world.emulator, "reset-before", creating("Roles"), times=2)
    assert failures(run(app, files)) == []
    assert world.plan(of_support(f"{{roles: {{b: {role % ''}, c: {role % ''}}}}}")).changes == ()


def test_updates_read_nothing_and_wait_for_nothing() -> None:
    world = World()
    roles = "{roles: {one: {type: conversation, permissions: [%s]}, two: {type: conversation, permissions: [%s]}}}"
    world.converge(of_support(roles % (("sendMessage",) * 2)))
    files, both, sent = of_support(roles % (("leaveConversation",) * 2)), asyncio.Event(), list[str]()

    async def together(scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an update as soon as the other one was sent, too."""
        sent.append(scope["method"])
        if len(sent) == 2:
            both.set()
        await asyncio.wait_for(both.wait(), 5)
        await world.emulator(scope, receive, send)

    assert failures(run(together, files, plan_over=world.emulator)) == []
    assert sent == ["POST", "POST"]
