"""Slots are shared evenly, never more than there are, and none is ever lost."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.rate_limit import RateLimit
from reconciler.execution.fair_slots import FairSlots
from reconciler.kinds.api_paths import WriteScope
from tests.simulated_time import SimulatedTime


def began(
    at_once: int, wanted: Sequence[tuple[str, float] | tuple[str, float, int]], writes: int | None = None
) -> list[tuple[str, float]]:
    """Who began when, of those who want a turn at the same time, each for so many seconds, some with a rank.

    Args:
        at_once: how many slots there are.
        wanted: owner, seconds, and rank of each.
        writes: the most writes of the owner "limited" within a second; any number if it is None.
    """
    time, told = SimulatedTime(), list[tuple[str, float]]()
    pace = None if writes is None else RateLimit(time.retry(), writes)

    async def one(slots: FairSlots, owner: str, seconds: float, rank: int = 0) -> None:
        async with slots.slot(WriteScope(owner) if owner == "limited" else owner, rank):
            begin = time.now
            async with contextlib.AsyncExitStack() as stack:
                if pace is not None and owner == "limited":
                    await stack.enter_async_context(pace.slot("POST", f"/v1/Services/{owner}/Users"))
                # Who has a slot never waits for anything but the answer.
                assert time.now == begin
                told.append((owner, round(time.now, 3)))
                await asyncio.sleep(seconds)

    async def everybody() -> None:
        slots = FairSlots(at_once, pace=pace)
        await asyncio.gather(*(one(slots, *want) for want in wanted))

    time.run(everybody())
    return told


def test_of_ones_own_the_first_is_first() -> None:
    assert began(1, [("a", 1), ("a", 2), ("a", 3)]) == [("a", 0), ("a", 1), ("a", 3)]


def test_whoever_has_fewest_is_next_however_many_wait_before() -> None:
    wanted = [("large", 1.0)] * 6 + [("small", 1.0)] * 2
    assert began(2, wanted) == [
        ("large", 0),
        ("small", 0),
        ("large", 1),
        ("small", 1),
        ("large", 2),
        ("large", 2),
        ("large", 3),
        ("large", 3),
    ]


def test_who_waits_long_for_something_else_does_not_take_what_others_could_use() -> None:
    wanted = [("slow", 100.0)] * 9 + [("quick", 1.0)] * 4
    told = began(4, wanted)
    # Half of the slots for each; when the quick are done, the slow have all.
    assert told[:6] == [("slow", 0), ("quick", 0)] * 2 + [("quick", 1), ("quick", 1)]
    assert told[6:] == [("slow", 2)] * 2 + [("slow", 100)] * 2 + [("slow", 102)] * 2 + [("slow", 200)]


def test_of_those_who_have_as_many_the_one_who_has_waited_longest_is_next() -> None:
    wanted = [("z", 1.0), ("b", 1.0), ("a", 1.0), ("b", 1.0)]
    assert [owner for owner, _ in began(1, wanted)] == ["z", "b", "a", "b"]


def test_the_lowest_rank_goes_first_before_longer_waits_and_fewer_slots() -> None:
    wanted = [("a", 1.0, 0), ("b", 1.0, 0), ("a", 1.0, -2), ("a", 1.0, -1), ("b", 1.0, -2)]
    assert began(1, wanted) == [("a", 0), ("b", 1), ("a", 2), ("b", 3), ("a", 4)]
    assert began(2, wanted)[2:] == [("a", 1), ("b", 1), ("a", 2)]


def test_who_may_not_write_yet_gets_no_slot_however_urgent() -> None:
    wanted = [("limited", 0.5, -1)] * 4 + [("free", 1.0, 0)] * 6
    assert began(2, wanted, writes=2) == [
        ("limited", 0), ("limited", 0),
        ("free", 0.5), ("free", 0.5),  # not before 1.5 may more be written to the limited one
        ("limited", 1.5), ("limited", 1.5),
        ("free", 2), ("free", 2), ("free", 3), ("free", 3),
    ]  # fmt: skip


def test_a_slot_that_is_free_is_used_as_soon_as_its_owner_may_write() -> None:
    assert began(5, [("limited", 0.5)] * 5, writes=2) == [("limited", when) for when in (0, 0, 1.5, 1.5, 3)]


@given(
    at_once=st.integers(1, 5),
    wants=st.lists(
        st.tuples(
            st.sampled_from("abcd"),
            st.integers(0, 4),
            st.integers(0, 4),
            st.none() | st.integers(0, 6),
            st.integers(-2, 0),
        ),
        max_size=25,
    ),
    chance=st.randoms(use_true_random=False),
)
def test_there_are_never_more_than_so_many_and_none_is_lost(
    at_once: int, wants: list[tuple[str, int, int, int | None, int]], chance: random.Random
) -> None:
    time, held, most = SimulatedTime(), 0, 0

    async def one(slots: FairSlots, owner: str, begins: int, seconds: int, rank: int = 0) -> None:
        nonlocal held, most
        await asyncio.sleep(begins)
        async with slots.slot(owner, rank):
            held += 1
            most = max(most, held)
            try:
                # Some end at the very moment at which others give up.
                await asyncio.sleep(seconds + chance.choice((0, 0, 1e-6)))
            finally:
                held -= 1

    async def gives_up(task: asyncio.Task[None], when: int | None) -> None:
        if when is not None:
            await asyncio.sleep(when)
            task.cancel()

    async def everybody() -> None:
        slots = FairSlots(at_once)
        tasks = [
            asyncio.ensure_future(one(slots, owner, begins, seconds, rank)) for owner, begins, seconds, _, rank in wants
        ]
        await asyncio.gather(*(gives_up(task, want[3]) for task, want in zip(tasks, wants, strict=True)))
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(end is None or isinstance(end, asyncio.CancelledError) for end in ended)
        # Who gave up has left nothing behind: as many as ever have their turn at once.
        again = [asyncio.ensure_future(one(slots, "a", 0, 1)) for _ in range(2 * at_once)]
        begun = time.now
        await asyncio.gather(*again)
        assert 2 <= time.now - begun < 2.1

    time.run(everybody())
    assert most <= at_once
