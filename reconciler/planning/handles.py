"""Current addresses of the resources in the ledger: a handle is only a name in the configuration.

Takes a `Baseline` and a `Config`; returns the baseline in the addresses of the configuration. A new handle for the same
natural key is the same resource. Pure.

| the baseline has       | the configuration has            | result                                             |
|------------------------|----------------------------------|----------------------------------------------------|
| a handle and a key     | another handle with that key     | the same resource under its new handle             |
| a handle and a key     | that handle with another key     | the same resource, renamed                         |
| both of these          | the first handle with the second | the second resource under its new handle; the      |
|                        | key                              | first one is removed, and gets an address of its   |
|                        |                                  | own                                                |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from reconciler.address import Address
from reconciler.config.model import Config, Declared, Reference, Unknown
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.baseline import Baseline

ContentT = TypeVar("ContentT")


@dataclass(frozen=True, slots=True)
class Remembered:
    """A baseline in the addresses of the present configuration.

    Attributes:
        baseline: The baseline.
        moved: The present addresses of those whose address differs.
    """

    baseline: Baseline
    moved: Mapping[Address, Address]


def with_present_handles(baseline: Baseline, config: Config) -> Remembered:
    """Return a baseline whose resources have the addresses of the configuration."""
    declarations, mappings = {}, {}
    index = _Index(config.resources.values())
    for number, resources in baseline.declarations.items():
        mapping = index.present_addresses(resources)
        mappings[number] = mapping
        is_same = all(old == new for old, new in mapping.items())
        declarations[number] = (
            resources if is_same else {mapping[one.address]: _moved(one, mapping) for one in resources.values()}
        )
    override, own = baseline.override, dict[Address, Address]()
    if override is not None:
        own = index.present_addresses(override)
        override = {own[one.address]: _moved(one, own) for one in override.values()}
    records, moved = {}, {}
    for address, record in baseline.records.items():
        numbers = (*reversed(record.attempted), record.baseline or 0)
        mapping = next((mappings[number] for number in numbers if address in mappings.get(number, {})), own)
        found = mapping.get(address, address)
        if found != address:
            moved[address] = found
        adopted = {path: _moved_content(content, address, mapping) for path, content in record.adopted.items()}
        record = replace(record, adopted=adopted) if adopted != record.adopted else record  # noqa: PLW2901 - the same
        if found in records and found == address:
            records[found] = record  # the present handle's own record is newer
        records.setdefault(found, record)
    begun = [index.declared_again(resources) for resources in baseline.first_attempts]
    present = replace(
        baseline,
        records=records,
        declarations=declarations,
        override=override,
        begun=frozenset.intersection(*begun) if begun else frozenset(),
    )
    return Remembered(present, moved)


def in_addresses_of(resources: Mapping[Address, Declared], config: Config) -> Config:
    """Return a configuration in the addresses that other declarations of the same resources have.

    Args:
        resources: The other declarations.
        config: The configuration. What is inside of a resource, and approvals of it, move with it.
    """
    mapping = _Index(resources.values()).present_addresses(config.resources)
    if all(old == new for old, new in mapping.items()):
        return config
    moved = {mapping[one.address]: _moved(one, mapping) for one in config.resources.values()}
    approvals = tuple(replace(one, address=_moved_address(one.address, mapping)) for one in config.approvals)
    return replace(config, resources=dict(sorted(moved.items())), approvals=approvals)


def _moved_address(address: Address, mapping: Mapping[Address, Address]) -> Address:
    """Return an address with what contains it at its other address."""
    for length in range(len(address.parts), 0, -1):
        found = mapping.get(Address(address.parts[:length]))
        if found is not None:
            return Address((*found.parts, *address.parts[length:]))
    return address


class _Index:
    """The declared resources of a configuration, by their identifying values."""

    def __init__(self, resources: Iterable[Declared]) -> None:
        self._resources = {declared.address: declared for declared in resources}
        self._by_key: dict[tuple[object, ...], Address] = {}
        for declared in self._resources.values():
            for key in _keys(declared, declared.parent):
                self._by_key.setdefault(key, declared.address)

    def present_addresses(self, resources: Mapping[Address, Declared]) -> dict[Address, Address]:
        """Return the present address of each resource of another configuration; parents come first."""
        mapping: dict[Address, Address] = {}
        by_level: dict[int, list[Declared]] = {}
        for declared in resources.values():
            by_level.setdefault(len(declared.address.parts), []).append(declared)
        for _, level in sorted(by_level.items()):
            taken: set[Address] = set()
            rest = []
            for declared in level:
                parent = self._parent(declared, mapping)
                found = self._same_resource(declared, parent)
                if found is None or found in taken:
                    rest.append(declared)
                else:
                    mapping[declared.address] = found
                    taken.add(found)
            for declared in rest:
                mapping[declared.address] = self._own_address(declared, self._parent(declared, mapping), taken)
                taken.add(mapping[declared.address])
        return mapping

    def declared_again(self, resources: Mapping[Address, Declared]) -> frozenset[Address]:
        """Return the present addresses of resources that another configuration declares, too, under any handle."""
        mapping, same = self.present_addresses(resources), set[Address]()
        for declared in sorted(resources.values(), key=lambda one: len(one.address.parts)):
            address, parent = mapping[declared.address], self._parent(declared, mapping)
            present = self._resources.get(address)
            if present is None or (parent is not None and parent not in same):
                continue
            if declared.kind.singleton or set(_keys(declared, parent)) & set(_keys(present, parent)):
                same.add(address)
        return frozenset(same)

    @staticmethod
    def _parent(declared: Declared, mapping: Mapping[Address, Address]) -> Address | None:
        return None if declared.parent is None else mapping.get(declared.parent, declared.parent)

    def _same_resource(self, declared: Declared, parent: Address | None) -> Address | None:
        """Find the declared resource with the same identity; one under the same handle comes first."""
        at_home = self._resources.get(_address_in(declared, parent))
        keys = list(_keys(declared, parent))
        if at_home is not None and (declared.kind.singleton or set(keys) & set(_keys(at_home, parent))):
            return at_home.address
        return next((self._by_key[key] for key in keys if key in self._by_key), None)

    def _own_address(self, declared: Declared, parent: Address | None, taken: set[Address]) -> Address:
        """The address under its own handle, or by its natural key if another resource has that handle now."""
        address = _address_in(declared, parent)
        number = 1
        while address in taken:
            number += 1
            name = declared.natural_key or declared.address.parts[-1]
            handle = name if number == 2 else f"{name} ({number})"
            address = address.collection.child(handle)
        return address


def _address_in(declared: Declared, parent: Address | None) -> Address:
    above = parent.parts if parent is not None else ()
    depth = len(declared.kind.section) + (0 if declared.kind.singleton else 1)
    return Address((*above, *declared.address.parts[-depth:]))


def _keys(declared: Declared, parent: Address | None) -> Iterable[tuple[object, ...]]:
    """Return the identity of a resource: its pin, its natural key and type, or for a kind without names its content."""
    kind = declared.kind
    if kind.singleton:
        return
    if declared.pin is not None:
        yield (kind.name, parent, "pin", declared.pin)
    if kind.match_by_content:
        contents = {path: value.content for path, value in declared.values.items()}
        if not any(isinstance(content, (Unknown, Reference)) for content in contents.values()):
            compared = {path: kind.by_path[path].comparable(content) for path, content in contents.items()}
            yield (kind.name, parent, "content", tuple(sorted(compared.items())))
    elif declared.natural_key:
        of_type = declared.values.get(kind.discriminator)
        yield (kind.name, parent, "name", declared.natural_key, of_type.content if of_type is not None else None)


def _moved(declared: Declared, mapping: Mapping[Address, Address]) -> Declared:
    """The same resource with present addresses, also in its references."""
    values = {
        path: replace(value, content=_moved_content(value.content, declared.address, mapping))
        if isinstance(value.content, Reference)
        else value
        for path, value in declared.values.items()
    }
    parent = mapping.get(declared.parent, declared.parent) if declared.parent is not None else None
    return replace(declared, address=mapping[declared.address], parent=parent, values=values)


def _moved_content(content: ContentT, owner: Address, mapping: Mapping[Address, Address]) -> ContentT | Reference:
    """Return the same content with the current address of the resource it refers to."""
    if not isinstance(content, Reference) or content.is_by_name:
        return content
    if content.address in mapping:
        return replace(content, address=mapping[content.address])
    if content.built_in:
        # A built-in role is not declared: its address is built from that of its service.
        service = mapping.get(owner.root, owner.root)
        return replace(content, address=Address((*service.parts, *content.address.parts[len(service.parts) :])))
    return content
