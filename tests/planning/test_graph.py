"""Order: everything after what it needs, the same every time; cycles named."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.planning.graph import CycleError, order

Needs = Mapping[int, Iterable[int]]


@st.composite
def graphs(draw: st.DrawFn) -> dict[int, set[int]]:
    """Nodes that need some of the nodes before them in a hidden order: never a circle."""
    nodes = draw(st.lists(st.integers(0, 50), unique=True, max_size=12))
    return {node: set(draw(st.lists(st.sampled_from(nodes[:at])))) if at else set() for at, node in enumerate(nodes)}


def ranked(nodes: Iterable[int]) -> dict[int, int]:
    return {node: node for node in nodes}


@given(graphs())
def test_everything_comes_once_and_after_what_it_needs(needs: dict[int, set[int]]) -> None:
    ordered = order(ranked(needs), needs)
    assert sorted(ordered) == sorted(needs)
    assert [(node, need) for node in needs for need in needs[node] if ordered.index(need) > ordered.index(node)] == []


@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(needs: dict[int, set[int]], chance: random.Random) -> None:
    nodes = list(needs)
    chance.shuffle(nodes)
    shuffled = {node: chance.sample(sorted(needs[node]), len(needs[node])) for node in nodes}
    assert order(ranked(nodes), shuffled) == order(ranked(needs), needs)


@given(graphs())
def test_the_lowest_rank_that_is_free_always_comes_next(needs: dict[int, set[int]]) -> None:
    done: set[int] = set()
    for node in order(ranked(needs), needs):
        free = [other for other in needs if other not in done and needs[other] <= done]
        assert node == min(free)
        done.add(node)


def test_rank_decides_where_nothing_is_needed() -> None:
    assert order({"b": 2, "c": 1, "a": 3}, {}) == ["c", "b", "a"]


def test_need_is_stronger_than_rank() -> None:
    assert order({"a": 1, "b": 2}, {"a": ["b"]}) == ["b", "a"]


def test_what_is_no_node_is_not_waited_for() -> None:
    assert order({"a": 1}, {"a": ["elsewhere"], "elsewhere": ["a"]}) == ["a"]


def test_a_node_never_waits_for_itself() -> None:
    assert order({"a": 1}, {"a": ["a"]}) == ["a"]


def test_a_need_that_is_named_twice_is_one() -> None:
    assert order({"a": 1, "b": 2}, {"a": ["b", "b"]}) == ["b", "a"]


def test_nothing_in_order_is_nothing() -> None:
    empty: Needs = {}
    assert order({}, empty) == []


def test_a_circle_is_named() -> None:
    with pytest.raises(CycleError) as raised:
        order(ranked(range(1, 6)), {1: [], 2: [3], 3: [4], 4: [2], 5: [4]})
    assert raised.value.cycle == (2, 3, 4, 2)
    assert str(raised.value) == "2 → 3 → 4 → 2"


def test_what_only_leads_into_a_circle_is_not_named() -> None:
    with pytest.raises(CycleError) as raised:
        order(ranked(range(1, 4)), {1: [2], 2: [3], 3: [2]})
    assert raised.value.cycle == (2, 3, 2)


@given(graphs(), st.randoms(use_true_random=False), st.data())
def test_a_circle_is_a_true_one_and_the_same_for_shuffled_inputs(
    needs: dict[int, set[int]], chance: random.Random, data: st.DataObject
) -> None:
    nodes = [*needs, 100, 101]
    ring = data.draw(st.permutations(nodes).map(lambda some: [100, 101, *(node for node in some if node < 100)][:4]))
    closed = {node: set(needs.get(node, ())) for node in nodes}
    for node, following in zip(ring, [*ring[1:], ring[0]], strict=True):
        closed[node].add(following)
    with pytest.raises(CycleError) as raised:
        order(ranked(closed), closed)
    cycle = raised.value.cycle
    assert cycle[0] == cycle[-1]
    assert len(set(cycle)) == len(cycle) - 1 >= 2
    assert all(following in closed[node] for node, following in pairwise(cycle))
    chance.shuffle(nodes)
    with pytest.raises(CycleError) as again:
        order(ranked(nodes), {node: chance.sample(sorted(closed[node]), len(closed[node])) for node in nodes})
    assert again.value.cycle == cycle


def test_a_long_chain_is_no_recursion() -> None:
    length = 20_000
    assert order(ranked(range(length)), {node: [node + 1] for node in range(length)}) == list(reversed(range(length)))


def test_a_wide_graph_is_put_into_order_in_no_time() -> None:
    width = 20_000
    needs: Needs = {node: [0] for node in range(1, width)}
    assert order(ranked(range(width)), needs) == list(range(width))
