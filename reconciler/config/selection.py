"""The part of a configuration that a plan covers, as narrowed by `--target` and `--exclude`.

Takes a `Config` and addresses; returns a `Selection`. Pure. Coverage does not depend on the live account.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from reconciler.address import Address
from reconciler.config.model import Config, Declared, Reference
from reconciler.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Selection:
    """The part of a configuration that a plan covers.

    Attributes:
        targets: The selected addresses, with everything below them, their parents, and what they refer to; empty for
            all.
        excludes: The excluded addresses, with everything below them and everything that depends on them.
        omitted: The declared addresses that are left out.
        unreadable: The declared addresses that cannot be planned because a dependency cannot be read.
        searches: Whether unmanaged resources are also searched for in collections in which nothing is declared.
        settings: Whether undeclared settings are looked for: the singletons of the account and of each declared service
            are then read even if the configuration lacks them.
        remembered: The addresses that only the ledger has: their undeclared settings are not looked for.
    """

    targets: tuple[Address, ...] = ()
    excludes: tuple[Address, ...] = ()
    omitted: frozenset[Address] = frozenset()
    unreadable: frozenset[Address] = frozenset()
    searches: bool = False
    settings: bool = False
    remembered: frozenset[Address] = frozenset()

    def covers(self, declared: Declared) -> bool:
        """Whether a declared resource is part of the plan."""
        if not self.omitted and not self.unreadable:
            return True
        return declared.address not in self.omitted and declared.address not in self.unreadable

    def covered(self, resources: Sequence[Declared]) -> Sequence[Declared]:
        """Return those of several resources that are part of the plan."""
        if not self.omitted and not self.unreadable:
            return resources
        return tuple(declared for declared in resources if self.covers(declared))

    def covers_collection(self, collection: Address) -> bool:
        """Whether the plan may cover something in a collection: ``services.support.roles``."""
        if any(collection.is_within(one) for one in self.excludes):
            return False
        return not self.targets or any(collection.is_within(one) or one.is_within(collection) for one in self.targets)

    def covers_delete(self, address: Address) -> bool:
        """Whether a live resource may be deleted: it is selected, and nothing in it or around it is excluded."""
        if any(address.is_within(one) or one.is_within(address) for one in self.excludes):
            return False
        return not self.targets or any(address.is_within(one) for one in self.targets)

    def without(self, config: Config, unreadable: Iterable[Address]) -> Selection:
        """Return the selection without the unreadable resources and their dependents."""
        return replace(self, unreadable=frozenset(_closure(set(unreadable), _dependents(config))))


EVERYTHING = Selection()
"""The selection of everything."""


def select(config: Config, targets: Sequence[Address], excludes: Sequence[Address]) -> Selection:
    """Narrow a configuration to its targets, without the excludes.

    A target keeps everything below it, its parents, and its references, with their parents and references. An exclude
    drops everything below it and its dependents: the resources that refer to it, and their contents.

    Args:
        config: The whole configuration.
        targets: The addresses to keep; all if empty.
        excludes: The addresses to drop, even if a target keeps them.
    """
    resources = config.resources
    if not targets and not excludes:
        return EVERYTHING
    needs = {address: tuple(_needs(declared, resources)) for address, declared in resources.items()}
    kept = set(resources)
    if targets:
        # An undeclared live target still needs the declared resource that contains it.
        kept = {
            address for address in resources if any(address.is_within(one) or one.is_within(address) for one in targets)
        }
        kept = _closure(kept, needs)
    if excludes:
        dropped = {address for address in resources if any(address.is_within(one) for one in excludes)}
        kept -= _closure(dropped, _dependents(config))
    return Selection(tuple(targets), tuple(excludes), frozenset(resources.keys() - kept))


def _dependents(config: Config) -> Mapping[Address, Sequence[Address]]:
    """Return the direct dependents of each resource."""
    dependents: dict[Address, list[Address]] = {}
    for address, declared in config.resources.items():
        for needed in _needs(declared, config.resources):
            dependents.setdefault(needed, []).append(address)
    return dependents


def _needs(declared: Declared, resources: Mapping[Address, Declared]) -> Iterable[Address]:
    """Yield the direct dependencies of a resource: its parent, and the resources it refers to."""
    if declared.parent is not None and declared.parent in resources:
        yield declared.parent
    for value in declared.values.values():
        if isinstance(value.content, Reference) and value.content.address in resources:
            yield value.content.address


def _closure(start: set[Address], edges: Mapping[Address, Sequence[Address]]) -> set[Address]:
    """Return everything that can be reached from the start."""
    found, todo = set(start), list(start)
    while todo:
        fresh = [one for one in edges.get(todo.pop(), ()) if one not in found]
        found.update(fresh)
        todo.extend(fresh)
    return found
