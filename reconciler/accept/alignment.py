"""Which items of two lists correspond to each other.

Takes the values of JSON lists; gives pairs of positions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher

from reconciler.kinds.comparable import canonical_json

_MOST_COMPARED = 10_000
"""Pairs of list items that are compared with each other; in a longer list, only equal items are found again."""

_MOST_EQUAL = 1_000_000
"""Pairs of equal items among which the longest equal parts are searched; of more, frequent items are left out."""


def pairs_of(old: Sequence[object], new: Sequence[object]) -> Iterator[tuple[int, int]]:
    """Yield the positions of the items that correspond to each other, in order: equal ones, and those between them."""
    texts, others = list(map(canonical_json, old)), list(map(canonical_json, new))
    counts = Counter(others)
    matcher = SequenceMatcher(None, texts, others, autojunk=sum(counts[text] for text in texts) > _MOST_EQUAL)
    for action, start, end, other_start, other_end in matcher.get_opcodes():
        if action == "equal":
            yield from zip(range(start, end), range(other_start, other_end), strict=True)
        elif action == "replace":
            inner = _similar(old[start:end], new[other_start:other_end])
            yield from ((start + number, other_start + other) for number, other in inner)


def unpaired(pairs: Mapping[int, int], count: int, other_count: int) -> list[tuple[int, int]]:
    """Return the positions of the other list's items without a pair, each after that of the item it comes before.

    Args:
        pairs: The positions that correspond to each other.
        count: The number of items of the list.
        other_count: That of the other list.
    """
    numbers = {other: number for number, other in pairs.items()}
    found: list[tuple[int, int]] = []
    place = count
    for other in reversed(range(other_count)):
        if other in numbers:
            place = numbers[other]
        else:
            found.append((place, other))
    return found[::-1]


def _similar(old: Sequence[object], new: Sequence[object]) -> Iterator[tuple[int, int]]:
    """Yield the positions of mappings with common values, and of the items between them if these are equally many."""
    at = other_at = 0
    for number, other in [*_common(old, new), (len(old), len(new))]:
        if number - at == other - other_at:
            yield from zip(range(at, number), range(other_at, other), strict=True)
        if number < len(old):
            yield number, other
        at, other_at = number + 1, other + 1


def _common(old: Sequence[object], new: Sequence[object]) -> list[tuple[int, int]]:
    """Return the positions of mappings in the same order that have most values in common."""
    if len(old) * len(new) > _MOST_COMPARED:
        return []
    best: list[list[float]] = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for number in reversed(range(len(old))):
        for other in reversed(range(len(new))):
            paired = _similarity(old[number], new[other]) + best[number + 1][other + 1]
            best[number][other] = max(paired, best[number + 1][other], best[number][other + 1])
    found: list[tuple[int, int]] = []
    number = other = 0
    while number < len(old) and other < len(new):
        if best[number][other] == best[number + 1][other]:
            number += 1
        elif best[number][other] == best[number][other + 1]:
            other += 1
        else:
            found.append((number, other))
            number, other = number + 1, other + 1
    return found


def _similarity(one: object, other: object) -> float:
    """Return how much of two mappings is the same, from 0 to 1."""
    if not isinstance(one, dict) or not isinstance(other, dict) or not one or not other:
        return 0
    return sum(
        key in other and canonical_json(value) == canonical_json(other[key]) for key, value in one.items()
    ) / max(len(one), len(other))
