"""An apply that ends before everything was sent: out of time, stopped, cut off; each step says what is known of it."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

import reconciler.execution.apply
from reconciler.api.client import Client
from reconciler.api.credentials import Credentials
from reconciler.api.retry import Retry
from reconciler.api.transport import in_process
from reconciler.emulator.app import Receive, Scope, Send
from reconciler.execution.apply import apply
from reconciler.planning.plan import Plan
from reconciler.report import Outcome, Report, Silent
from reconciler.workflow.planning import fetch_and_plan
from tests.world import ACCOUNT, World, read

FILES = "version: 1\nservices:\n  support:\n    users:\n" + "".join(f"      user{n}: {{}}\n" for n in range(12))
Work = Callable[[Client, Plan], Coroutine[Any, Any, Report]]


class Account:
    """An emulated account whose every answer takes a second of a clock, or stays away."""

    def __init__(self) -> None:
        self.world = World()
        self.now = 0.0
        self.writes = 0
        self.hangs_from = 10**9

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.now += 1
        self.writes += scope["method"] == "POST"
        if self.writes >= self.hangs_from:
            await asyncio.Event().wait()
        for _ in range(5):
            # Others have their turn meanwhile, as they would over a network.
            await asyncio.sleep(0)
        await self.world.emulator(scope, receive, send)

    def run(self, work: Work, *, timeout: float = float("inf"), stop: asyncio.Event | None = None) -> Report:
        async def both() -> Report:
            files = read(FILES)
            credentials = Credentials(ACCOUNT, "emulator", ACCOUNT)
            url = "https://x.example.com"
            async with Client(url, credentials, transport=in_process(self.world.emulator)) as client:
                made = await fetch_and_plan(files, client, Silent())
            retry = Retry(timeout=timeout, clock=lambda: self.now, stop=stop)
            async with Client(url, credentials, concurrency=2, transport=in_process(self), retry=retry) as client:
                return await work(client, made)

        return asyncio.run(both())

    async def has_written(self, number: int) -> None:
        for _ in range(100_000):
            if self.writes >= number:
                return
            await asyncio.sleep(0)
        raise AssertionError("it never came to that")

    def users(self) -> set[str]:
        return {row["name"] for row in self.world.snapshot().values() if row["kind"] == "user"}


def outcomes(report: Report) -> list[Outcome]:
    return [outcome for result in report.results for outcome in result.outcomes]


def statuses(report: Report) -> Counter[str]:
    return Counter(outcome.status for outcome in outcomes(report))


def done(report: Report) -> set[str]:
    """The users that a report says are there."""
    found = (re.search(r"users\.(\w+)", outcome.change) for outcome in outcomes(report) if outcome.status == "done")
    return {match[1] for match in found if match}


def test_out_of_time_the_rest_is_not_sent_and_says_so() -> None:
    account = Account()
    report = account.run(lambda client, made: apply(made, client, Silent()), timeout=5)
    assert set(statuses(report)) == {"done", "skipped"}
    assert done(report) == account.users()
    assert 0 < len(account.users()) < 12
    assert {(item.message, item.cause, item.because) for item in outcomes(report) if item.status == "skipped"} == {
        ("the command's deadline passed before this step (--timeout)", "deadline", "")
    }
    assert (report.exit_code, report.interrupted, report.writes) == (1, False, statuses(report)["done"])
    account.world.converge(read(FILES))
    assert len(account.users()) == 12


def test_what_needs_what_was_not_sent_gives_the_same_reason() -> None:
    account = Account()
    report = account.run(lambda client, made: apply(made, client, Silent()), timeout=0)
    assert statuses(report) == {"skipped": 13}
    assert {(item.cause, item.because) for item in outcomes(report)} == {("deadline", "")}
    assert report.requests == 0


def test_without_an_interrupt_no_time_limit_applies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciler.execution.apply, "GRACE_SECONDS", 0.0)
    account = Account()
    report = account.run(lambda client, made: apply(made, client, Silent()))
    assert statuses(report) == {"done": 13}


async def stopped_after(account: Account, client: Client, made: Plan, *, writes: int, then: str) -> Report:
    """Apply, stop when so many writes have come, and then wait or cancel."""
    stop = asyncio.Event()
    running = asyncio.ensure_future(apply(made, client, Silent(), stop))
    await account.has_written(writes)
    stop.set()
    if then == "cancel":
        await asyncio.sleep(0)
        running.cancel()
    report = await running
    # The cancellation ends here, and nothing is left behind that runs on.
    assert running.cancelling() == 0
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    return report


def test_stopped_what_is_under_way_ends_and_nothing_else_begins() -> None:
    account = Account()
    report = account.run(lambda client, made: stopped_after(account, client, made, writes=4, then="wait"))
    assert statuses(report) == {"done": 4, "skipped": 9}
    assert done(report) == account.users()
    assert {(item.message, item.cause) for item in outcomes(report) if item.status == "skipped"} == {
        ("the run was interrupted before this step", "interrupted")
    }
    assert (report.exit_code, report.interrupted) == (130, True)


# Two writes are under way at the interrupt, of which one ends within the time of grace.
@pytest.mark.parametrize(("then", "cut_off"), [("wait", 1), ("cancel", 2)])
def test_what_does_not_end_is_cut_off_and_nobody_knows(
    then: str, cut_off: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler.execution.apply, "GRACE_SECONDS", 0.05 if then == "wait" else 3600.0)
    account = Account()
    account.hangs_from = 4
    report = account.run(lambda client, made: stopped_after(account, client, made, writes=4, then=then))
    assert statuses(report) == {"done": 4 - cut_off, "interrupted": cut_off, "skipped": 9}
    assert done(report) == account.users()
    assert [(item.message, item.cause) for item in outcomes(report) if item.status == "interrupted"] == [
        ("the run was stopped while its request was in progress", "interrupted")
    ] * cut_off
    assert (report.exit_code, report.interrupted) == (130, True)


def test_who_cancels_without_stopping_first_gets_no_report() -> None:
    account = Account()
    account.hangs_from = 2

    async def cancelled(client: Client, made: Plan) -> Report:
        running = asyncio.ensure_future(apply(made, client, Silent()))
        await account.has_written(2)
        running.cancel()
        return await running

    with pytest.raises(asyncio.CancelledError):
        account.run(cancelled)


def test_a_bug_in_one_step_lets_the_others_end_and_starts_none(monkeypatch: pytest.MonkeyPatch) -> None:
    account = Account()
    made_by = Client.post
    numbers = iter(range(100))

    async def post(self: Client, *arguments: Any, **options: Any) -> Any:
        if next(numbers) == 3:
            raise ZeroDivisionError
        return await made_by(self, *arguments, **options)

    monkeypatch.setattr(Client, "post", post)
    with pytest.raises(ZeroDivisionError):
        account.run(lambda client, made: apply(made, client, Silent()))
    assert len(account.users()) < 5
