"""Two applies of the same files against one account at the same moment, interleaved request by request.

The API has no locks, so what it takes twice may be there twice afterwards: then the next plan says so, and names both.
Everything else is there once, every report says what is true, and the next apply converges.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from reconciler.api.client import Client
from reconciler.api.credentials import Credentials
from reconciler.api.retry import Retry
from reconciler.api.transport import in_process
from reconciler.config.model import Config
from reconciler.emulator.app import Receive, Scope, Send
from reconciler.errors import MatchError
from reconciler.execution.apply import apply
from reconciler.report import Report, Silent
from reconciler.workflow.planning import fetch_and_plan
from tests.faults.harness import COUNTS, counts, everything, no_time
from tests.world import ACCOUNT, World

REPEATABLE = {"service", "role", "credential", "webhook"}


def both(world: World, files: Config, seed: int, head_start: int) -> tuple[Report, Report]:
    """Two applies whose requests reach the account, and whose answers reach them, in an order that is drawn."""
    draw = random.Random(seed)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for _ in range(draw.randrange(40)):
            await asyncio.sleep(0)
        await world.emulator(scope, receive, send)
        for _ in range(draw.randrange(40)):
            await asyncio.sleep(0)

    async def one(late: int) -> Report:
        for _ in range(late):
            await asyncio.sleep(0)
        retry = Retry(sleep=no_time, uniform=random.Random(seed).uniform)
        credentials = Credentials(ACCOUNT, "emulator", ACCOUNT)
        async with Client("https://x.example.com", credentials, transport=in_process(app), retry=retry) as client:
            made = await fetch_and_plan(files, client, Silent())
            return await apply(made, client, Silent())

    async def all_of_it() -> tuple[Report, Report]:
        return await asyncio.gather(one(0), one(head_start))

    return asyncio.run(all_of_it())


def judged(seed: int) -> str:
    """Run both, prove what can be promised; gives what became of it."""
    world, files = World(), everything()
    # The later the second one is, the more it sees of the first.
    reports = both(world, files, seed, head_start=random.Random(seed).choice((0, 100, 400, 800, 1600)))
    after = world.snapshot()
    made = Counter(
        outcome.sid
        for report in reports
        for result in report.results
        for outcome in result.outcomes
        if outcome.op == "create" and outcome.status == "done"
    )
    assert made.keys() <= after.keys()
    for report in reports:
        for result in report.results:
            for outcome in result.outcomes:
                assert outcome.status != "interrupted", outcome
                assert outcome.status != "failed" or outcome.refusal is not None or outcome.message, outcome
    twice = {kind for kind, number in counts(world).items() if number > COUNTS[kind]}
    if "service" not in twice:
        # Everything else is unique within its service.
        assert twice <= REPEATABLE, twice
    try:
        world.plan(files)
    except MatchError as error:
        told = [problem for problem in error.problems if problem.severity == "error"]
        assert {problem.code for problem in told} == {"ambiguous-name"}
        assert twice
        # Each is named with all that may be meant, so that a person can delete one or pin the other.
        for problem in told:
            named = [sid for sid in after if sid in problem.message]
            assert len(named) == 2, problem
            assert after[named[0]]["name"] == after[named[1]]["name"] or after[named[0]]["kind"] == "credential"
        return "told as ambiguous"
    if twice:
        assert twice == {"webhook"}
        extra = {str(item.live.sid) for item in world.plan(files).unmanaged}
        assert (
            len([sid for sid in extra if after[sid]["kind"] == "webhook"])
            == counts(world)["webhook"] - COUNTS["webhook"]
        )
    world.converge(files)
    return "told as unmanaged" if twice else "converged"


def test_two_at_once_end_well_or_the_next_plan_says_what_is_there_twice() -> None:
    results = Counter(judged(seed) for seed in range(15))
    assert results["converged"] > 0
    assert results["told as ambiguous"] > 0


@pytest.mark.slow
def test_two_at_once_end_well_or_the_next_plan_says_so_many_times(capsys: pytest.CaptureFixture[str]) -> None:
    results = Counter(judged(seed) for seed in range(15, 825))
    with capsys.disabled():
        print(f"\ntwo at once: {dict(results)}")
    assert sum(results.values()) == 810
