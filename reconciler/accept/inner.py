"""Edits of the parts of a value that differ: the words of a set, and the inner values of JSON.

Takes the node of a value, what it is, and what it is to be; gives edits that leave all equal parts as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.accept import values
from reconciler.accept.alignment import pairs_of, unpaired
from reconciler.accept.model import InFile, Op, RefusedError
from reconciler.accept.positions import Alias, Node, Scalar
from reconciler.accept.positions import Mapping as MappingNode
from reconciler.accept.positions import Sequence as SequenceNode
from reconciler.accept.splice import Drop, Items, Put, Set


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
    pairs = dict(pairs_of(old, new))
    for number, other in pairs.items():
        yield from node_edits(file, node.items[number], old[number], new[other])
    removed = frozenset(range(len(old))) - pairs.keys()
    for number in removed:
        values.check_literal(node.items[number])
    added = tuple((place, values.escaped(new[other])) for place, other in unpaired(pairs, len(old), len(new)))
    if removed or added:
        yield InFile(file, Items(node, removed, added))
