"""Edits of the parts of a value that differ: the words of a set, and the inner values of JSON.

Takes the node of a value, what it is, and what it is to be; gives edits that leave all equal parts as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from reconciler.accept import values
from reconciler.accept.model import InFile, Op, RefusedError
from reconciler.accept.positions import Alias, Node, Scalar
from reconciler.accept.positions import Mapping as MappingNode
from reconciler.accept.positions import Sequence as SequenceNode
from reconciler.accept.splice import Drop, Items, Put, Set
from reconciler.accept.writing import Value
from reconciler.kinds.comparable import canonical_json

_MOST_COMPARED = 10_000
"""Pairs of list items that are compared with each other; in a longer list, only equal items are found again."""


def set_edits(file: str, node: SequenceNode, live: Sequence[str]) -> Iterator[Op]:
    """Remove and add words, so that the order and the comments of the others stay."""
    texts: list[str] = []
    for item in node.items:
        if isinstance(item, Alias) or not isinstance(item, Scalar):
            raise RefusedError("the list contains a YAML alias", "write the list by hand")
        texts.append(item.text)
    removed = [number for number, text in enumerate(texts) if text not in live]
    for number in removed:
        values.check_literal(node.items[number])
    # A word that a lookup gives is not among the texts, but it may be live.
    if any(values.lookups(text) for text in texts):
        raise RefusedError("a word of the list is interpolated", "write the list by hand")
    added = tuple(word for word in live if word not in texts)
    if removed or added:
        yield InFile(file, Items(node, frozenset(removed), tuple((len(texts), word) for word in added)))


def node_edits(file: str, node: Node, old: object, new: object) -> Iterator[Op]:
    """Replace the parts of a JSON value that differ, inside one file."""
    if values.same(old, new):
        return
    if isinstance(node, MappingNode) and isinstance(old, dict) and isinstance(new, dict):
        own = {key.text: value for key, value in node.pairs if isinstance(key, Scalar)}
        for key in dict.fromkeys([*old, *new]):
            written = str(values.escaped(key))
            if key not in old:
                yield InFile(file, Put(node, written, values.escaped(new[key])))
            elif written not in own:
                raise RefusedError("the mapping is written with a merge key", "write it by hand")
            elif key not in new:
                values.check_literal(own[written])
                yield InFile(file, Drop(node, written))
            else:
                yield from node_edits(file, own[written], old[key], new[key])
        return
    if (
        isinstance(node, SequenceNode)
        and isinstance(old, (list, tuple))
        and isinstance(new, (list, tuple))
        and len(node.items) == len(old)
        and old
        and new
    ):
        yield from _list_edits(file, node, old, new)
        return
    if isinstance(node, Alias):
        raise RefusedError("the value comes through a YAML alias", "write the value out in place of the alias")
    values.check_literal(node)
    yield InFile(file, Set(node, values.escaped(new)))


def _list_edits(file: str, node: SequenceNode, old: Sequence[object], new: Sequence[object]) -> Iterator[Op]:
    """Change the items that differ, remove those that are gone, and add new ones between the others."""
    pairs = list(_pairs(old, new))
    for number, other in pairs:
        yield from node_edits(file, node.items[number], old[number], new[other])
    removed = frozenset(range(len(old))) - {number for number, _ in pairs}
    for number in removed:
        values.check_literal(node.items[number])
    before = {other: number for number, other in pairs}
    added: list[tuple[int, Value]] = []
    place = len(old)
    for other in reversed(range(len(new))):
        if other in before:
            place = before[other]
        else:
            added.insert(0, (place, values.escaped(new[other])))
    if removed or added:
        yield InFile(file, Items(node, removed, tuple(added)))


def _pairs(old: Sequence[object], new: Sequence[object]) -> Iterator[tuple[int, int]]:
    """Yield the positions of the items that correspond to each other, in order: equal ones, and those between them."""
    matcher = SequenceMatcher(None, list(map(canonical_json, old)), list(map(canonical_json, new)), autojunk=False)
    for action, start, end, other_start, other_end in matcher.get_opcodes():
        if action == "equal":
            yield from zip(range(start, end), range(other_start, other_end), strict=True)
        elif action == "replace":
            inner = _similar(old[start:end], new[other_start:other_end])
            yield from ((start + number, other_start + other) for number, other in inner)


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
    return sum(key in other and values.same(value, other[key]) for key, value in one.items()) / max(
        len(one), len(other)
    )
