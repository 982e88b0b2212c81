"""Match resources that have no name, such as webhooks, by how much of their content is equal.

Takes the declared and the live resources of one parent; returns the pairs. Exact matches come before similar ones, and
present resources before absent ones. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import field

from reconciler.address import Address
from reconciler.config.model import Declared, Unknown
from reconciler.config.unknown_values import can_equal, can_equal_text
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Shape
from reconciler.lazy_dataclass import dataclass
from reconciler.state import Live


@dataclass(frozen=True, slots=True)
class ContentPairs:
    """The match between the declared and the live resources of one parent.

    Attributes:
        pairs: the live resource of each declared one that has one.
        former: a live resource that a declared one without a match probably replaces.
        ambiguous: declared resources that fit several live ones, with those live ones.
    """

    pairs: dict[Address, Live] = field(default_factory=dict)
    former: dict[Address, Live] = field(default_factory=dict)
    ambiguous: list[tuple[Declared, Sequence[Live]]] = field(default_factory=list)


def pair_by_content(
    kind: Kind,
    siblings: Sequence[Declared],
    candidates: Iterable[Live],
    *,
    is_pruned: bool,
    new: Collection[Address] = (),
) -> ContentPairs:
    """Pair the declared resources of one kind and parent with the live ones.

    Args:
        kind: their kind.
        siblings: the declared resources, without pinned ones.
        candidates: the live resources, without pinned ones.
        is_pruned: whether the collection is pruned; if so, a single leftover pair of one type is an update.
        new: addresses of resources that are known to be new, which are never paired as leftovers.
    """
    pairing = _Pairing(kind, siblings, candidates)
    for fits_live, is_absent in _ROUNDS:
        pairing.pair(fits_live, is_absent=is_absent)
    pairing.pair_renamed()
    pairing.pair_leftovers(is_pruned=is_pruned, new=new)
    return pairing.result


class _Pairing:
    """One run of `pair_by_content`."""

    def __init__(self, kind: Kind, siblings: Sequence[Declared], candidates: Iterable[Live]) -> None:
        self.kind = kind
        self.siblings = siblings
        self.left = list(candidates)
        self.result = ContentPairs()

    def pair(self, fits_live: Callable[[Declared, Live], bool], *, is_absent: bool) -> None:
        """Pair the resources that fit, among the present or among the absent ones."""
        ambiguous = {declared.address for declared, _ in self.result.ambiguous}
        open_ones = [
            declared
            for declared in self.siblings
            if declared.absent is is_absent and declared.address not in {*self.result.pairs, *ambiguous}
        ]
        if is_absent:
            # The most specific one first. The user must decide which of several live ones to delete.
            open_ones.sort(key=lambda declared: -len(declared.values))
        elif fits_live is not _has_same_name:
            certain = [declared for declared in open_ones if not _has_unknown(declared)]
            assigned = _assign(certain, self.left, fits_live)
            for declared, live in assigned:
                self._take(declared, live)
            for declared, live in assigned:
                self._check_only_one(declared, live, [other for other in self.left if fits_live(declared, other)])
        for declared in open_ones:
            if declared.address not in self.result.pairs:
                self._take_only_one(declared, [live for live in self.left if fits_live(declared, live)])

    def pair_renamed(self) -> None:
        """Pair the remaining resources with the live resources of their former names."""
        for declared in self.siblings:
            if declared.address not in self.result.pairs and not declared.absent and declared.renamed_from:
                self._take_only_one(declared, [live for live in self.left if live.name == declared.renamed_from])

    def pair_leftovers(self, *, is_pruned: bool, new: Collection[Address]) -> None:
        """Pair the only remaining declared and live resource of a type, or note them as a probable rename."""
        for declared in self.siblings:
            if declared.address in self.result.pairs or declared.absent or declared.address in new:
                continue
            of_type = _type_of(self.kind, declared)
            others = [
                item
                for item in self.siblings
                if item.address not in self.result.pairs
                and self.kind.discriminator in item.values
                and _type_of(self.kind, item) == of_type
            ]
            leftover = [live for live in self.left if live.values.get(self.kind.discriminator) == of_type]
            if len(others) == 1 and len(leftover) == 1:
                if is_pruned:
                    self._take(declared, leftover[0])
                else:
                    self.result.former[declared.address] = leftover[0]

    def _take(self, declared: Declared, live: Live) -> None:
        self.result.pairs[declared.address] = live
        self.left.remove(live)

    def _check_only_one(self, declared: Declared, live: Live, others: Iterable[Live]) -> None:
        """Note that a declared resource fits other live ones as well, unless they are copies of its match."""
        different = [other for other in others if not _is_copy(live, other)]
        if different:
            self.result.ambiguous.append((declared, [live, *different]))

    def _take_only_one(self, declared: Declared, candidates: Sequence[Live]) -> None:
        if len(candidates) > 1:
            self.result.ambiguous.append((declared, candidates))
        elif candidates:
            self._take(declared, candidates[0])


def _type_of(kind: Kind, declared: Declared) -> object:
    value = declared.values.get(kind.discriminator)
    return None if value is None else value.content


def _assign(
    siblings: Iterable[Declared], candidates: Iterable[Live], fits_live: Callable[[Declared, Live], bool]
) -> list[tuple[Declared, Live]]:
    """Pair as many declared resources as possible with a live one that fits, each live one at most once.

    A declared resource with few fields may fit several live ones; it yields those that are the only fit for others.
    Without such a conflict, it gets the first live one (a maximum bipartite matching by augmenting paths); whether that
    one differs from the others is checked afterwards.
    """
    options = {item.address: [live for live in candidates if fits_live(item, live)] for item in siblings}
    declared_by_address = {item.address: item for item in siblings}
    taken: dict[str, Address] = {}

    def find_place(address: Address, seen: set[str]) -> bool:
        for live in options[address]:
            if live.sid not in seen:
                seen.add(live.sid)
                if live.sid not in taken or find_place(taken[live.sid], seen):
                    taken[live.sid] = address
                    return True
        return False

    for address in options:
        find_place(address, set())
    by_sid = {live.sid: live for lives in options.values() for live in lives}
    return [(declared_by_address[address], by_sid[sid]) for sid, address in taken.items()]


def _has_unknown(declared: Declared) -> bool:
    return any(isinstance(value.content, Unknown) for value in declared.values.values())


def _is_exact(declared: Declared, live: Live) -> bool:
    """Return whether a live resource matches all declared fields."""
    return _has_same_name(declared, live) and all(
        _may_equal(declared, path, live) for path in declared.values if not declared.kind.by_path[path].write_only
    )


def _may_equal(declared: Declared, path: str, live: Live) -> bool:
    """Whether a live content may equal the declared one, as far as it is known."""
    field, content, found = declared.kind.by_path[path], declared.values[path].content, live.values.get(path)
    if isinstance(content, Unknown):
        return can_equal(content, found)
    return bool(field.comparable(content) == field.comparable(found))


def _is_copy(one: Live, other: Live) -> bool:
    """Whether two live resources have the same content and are therefore interchangeable."""
    return all(
        field.comparable(one.values.get(field.path)) == field.comparable(other.values.get(field.path))
        for field in one.kind.fields
    )


def _is_nearly_exact(declared: Declared, live: Live) -> bool:
    """Return whether the declared sets equal those of a live resource of the same name."""
    named = [path for path in declared.values if declared.kind.by_path[path].shape is Shape.SET]
    return bool(named) and _has_same_name(declared, live) and all(_may_equal(declared, path, live) for path in named)


def _has_same_name(declared: Declared, live: Live) -> bool:
    if not any(isinstance(value.content, Unknown) for value in declared.values.values()):
        return live.name == declared.natural_key
    known = {
        path: value.content.written if isinstance(value.content, Unknown) else value.content
        for path, value in declared.values.items()
    }
    return can_equal_text(declared.kind.name_of(known), live.name)


_ROUNDS: tuple[tuple[Callable[[Declared, Live], bool], bool], ...] = (
    # An absent resource never takes a live one that fits a present resource, so no apply deletes a declared resource.
    (_is_exact, False),
    (_is_nearly_exact, False),
    (_is_exact, True),
    (_is_nearly_exact, True),
    (_has_same_name, False),
    (_has_same_name, True),
)
"""The rounds of pairing, in order: which resources fit, and whether absent ones are paired."""
