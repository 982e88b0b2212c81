"""Slots are shared evenly, never more than there are, and none is ever lost."""

from __future__ import annotations

import asyncio
import random

from hypothesis import given
from hypothesis import strategies as st

from reconciler.execution.fair_slots import FairSlots
from tests.simulated_time import SimulatedTime


def began(at_once: int, wanted: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """Who began when, of those who want a turn at the same time, each for so many seconds."""
    time, told = SimulatedTime(), list[tuple[str, float]]()

    async def one(slots: FairSlots, owner: str, seconds: float) -> None:
        async with slots.slot(owner):
            told.append((owner, round(time.now, 3)))
            await asyncio.sleep(seconds)

    async def everybody() -> None:
        slots = FairSlots(at_once)
        await asyncio.gather(*(one(slots, *want) for want in wanted))

    time.run(everybody())
    return told


def test_of_ones_own_the_first_is_first() -> None:
    assert began(1, [("a", 1), ("a", 2), ("a", 3)]) == [("a", 0), ("a", 1), ("a", 3)]


def test_whoever_has_fewest_is_next_however_many_wait_before() -> None:
    wanted = [("large", 1.0)] * 6 + [("small", 1.0)] * 2
    assert began(2, wanted) == [
        ("large", 0),
        ("large", 0),
        ("small", 1),
        ("large", 1),
        ("small", 2),
        ("large", 2),
        ("large", 3),
        ("large", 3),
    ]


def test_who_waits_long_for_something_else_does_not_take_what_others_could_use() -> None:
    wanted = [("slow", 100.0)] * 9 + [("quick", 1.0)] * 4
    told = began(4, wanted)
    # The slow came first and have all; as soon as one ends, the quick have their share, one after the other.
    assert told[:8] == [("slow", 0)] * 4 + [("quick", 100), ("quick", 100), ("slow", 100), ("slow", 100)]
    assert told[8:10] == [("quick", 101)] * 2


def test_of_those_who_have_as_many_the_one_who_has_waited_longest_is_next() -> None:
    wanted = [("z", 1.0), ("b", 1.0), ("a", 1.0), ("b", 1.0)]
    assert [owner for owner, _ in began(1, wanted)] == ["z", "b", "a", "b"]


@given(
    at_once=st.integers(1, 5),
    wants=st.lists(
        st.tuples(st.sampled_from("abcd"), st.integers(0, 4), st.integers(0, 4), st.none() | st.integers(0, 6)),
        max_size=25,
    ),
    chance=st.randoms(use_true_random=False),
)
def test_there_are_never_more_than_so_many_and_none_is_lost(
    at_once: int, wants: list[tuple[str, int, int, int | None]], chance: random.Random
) -> None:
    time, held, most = SimulatedTime(), 0, 0

    async def one(slots: FairSlots, owner: str, begins: int, seconds: int) -> None:
        nonlocal held, most
        await asyncio.sleep(begins)
        async with slots.slot(owner):
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
        tasks = [asyncio.ensure_future(one(slots, owner, begins, seconds)) for owner, begins, seconds, _ in wants]
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
