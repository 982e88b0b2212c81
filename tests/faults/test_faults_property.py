"""Whatever goes wrong, however often: one more apply converges, and nothing is there twice."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from reconciler.emulator.faults import FAULTS, Faults, Faulty
from reconciler.errors import ApiError
from tests.faults.harness import COUNTS, Waited, counts, everything, failures, run
from tests.world import World

few = settings(
    max_examples=12,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)


many = settings(few, max_examples=100)
applies = given(seed=st.integers(0, 2**32), chosen=st.sets(st.sampled_from(sorted(FAULTS)), min_size=1))


@few
@applies
def test_an_apply_under_faults_succeeds_or_the_next_one_converges(seed: int, chosen: set[str]) -> None:
    succeeds_or_converges(seed, chosen)


@pytest.mark.slow
@many
@applies
def test_an_apply_under_faults_succeeds_or_the_next_one_converges_thoroughly(seed: int, chosen: set[str]) -> None:
    succeeds_or_converges(seed, chosen)


def succeeds_or_converges(seed: int, chosen: set[str]) -> None:
    world = World()
    time = Waited()
    faults = Faults({name: 0.2 / len(chosen) for name in sorted(chosen)}, crowd=8)
    app = Faulty(world.emulator, faults, seed=seed, clock=time)
    try:
        told = failures(run(app, everything(), clock=time, sleep=time.sleep))
    except ApiError:
        # Reading may fail for good: then nothing was written.
        told = ["not read"]
    asyncio.run(app.finish_late())
    there = counts(world)
    assert all(there[kind] <= most for kind, most in COUNTS.items()), there
    if not told:
        assert there == COUNTS
        assert world.plan(everything()).changes == ()
    assert failures(run(world.emulator, everything())) == []
    assert counts(world) == COUNTS
    assert world.plan(everything()).changes == ()


def test_a_fifth_of_all_requests_going_wrong_is_no_failure() -> None:
    injected = 0
    for seed in range(10):
        world = World()
        time = Waited()
        app = Faulty(world.emulator, Faults.parse("any=0.2,crowd=8"), seed=seed, clock=time)
        assert failures(run(app, everything(), clock=time, sleep=time.sleep)) == []
        injected += sum(app.injected.values())
        assert counts(world) == COUNTS
        assert world.plan(everything()).changes == ()
    assert injected > 30
