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

A record is of one resource, so two records never get one address, whichever entries declare them. Identities come
first, over all records; the others get the address of their own handle, or a free one. One exception: after a killed
apply, earlier releases left a record under the former handle beside the one under the present handle.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Collection, Container, Hashable, Iterable, Iterator, Mapping
from dataclasses import replace

from reconciler.address import Address
from reconciler.config.model import Config, Declared, Reference
from reconciler.kinds.fields import Content
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.baseline import NOT_DECLARED, Baseline, Record
from reconciler.planning.declared_identity import (
    Identities,
    address_in,
    identity_of,
    is_same,
    moved,
    moved_content,
)

_OVERRIDE = -1
"""The number of the configuration that ``--baseline`` names, which is older than any entry."""


def with_present_handles(baseline: Baseline, config: Config, others: Collection[Address] = frozenset()) -> Baseline:
    """Return a baseline whose resources have the addresses of the configuration.

    Each record knows under which other address an entry declares its resource, so that it can be stored as it is.

    Args:
        baseline: The baseline.
        config: The configuration.
        others: The addresses of the configuration that only a resource with the same identity has.
    """
    return _Handles(baseline, Identities(config.resources.values()), others).run()


def in_addresses_of(resources: Mapping[Address, Declared], config: Config) -> Config:
    """Return a configuration in the addresses that other declarations of the same resources have.

    Args:
        resources: The other declarations.
        config: The configuration. What is inside of a resource, and approvals of it, move with it.
    """
    mapping = _present_addresses(Identities(resources.values()), config.resources)
    if all(old == new for old, new in mapping.items()):
        return config
    present = {mapping[one.address]: moved(one, mapping) for one in config.resources.values()}
    approvals = tuple(replace(one, address=_moved_address(one.address, mapping)) for one in config.approvals)
    return replace(config, resources=dict(sorted(present.items())), approvals=approvals)


def _moved_address(address: Address, mapping: Mapping[Address, Address]) -> Address:
    """Return an address with what contains it at its other address."""
    for length in range(len(address.parts), 0, -1):
        found = mapping.get(Address(address.parts[:length]))
        if found is not None:
            return Address((*found.parts, *address.parts[length:]))
    return address


# --- one configuration -----------------------------------------------------------------------------------------------


def _present_addresses(index: Identities, resources: Mapping[Address, Declared]) -> dict[Address, Address]:
    """Return the present address of each resource of another configuration."""
    mapping: dict[Address, Address] = {}
    for level in _levels(resources).values():
        _map_level(index, level, mapping)
    return mapping


def _levels(resources: Mapping[Address, Declared]) -> dict[int, list[Declared]]:
    """Return resources by depth; parents come first."""
    levels: dict[int, list[Declared]] = {}
    for declared in resources.values():
        levels.setdefault(len(declared.address.parts), []).append(declared)
    return dict(sorted(levels.items()))


def _map_level(
    index: Identities,
    level: Iterable[Declared],
    mapping: dict[Address, Address],
    present: Mapping[Address, Address] | None = None,
    reserved: Iterable[Address] = (),
) -> None:
    """Add the present addresses of the resources of one depth to those that are known.

    Args:
        index: The present configuration.
        level: The resources.
        mapping: The present addresses.
        present: The present addresses of records, for what has no other identity.
        reserved: Addresses that only a resource with the same identity may have.
    """
    taken, left = set(mapping.values()), [one for one in level if one.address not in mapping]
    homes = {one.address: address_in(one, parent_of(one, mapping), one.address) for one in left}
    same = {
        one.address: index.same_resource(one, parent_of(one, mapping), homes[one.address])
        for one in sorted(left, key=lambda one: one.address)
    }
    ordered = sorted(same.items(), key=lambda item: item[1] != homes[item[0]])
    for address, found in (*ordered, *((one.address, (present or {}).get(one.address)) for one in left)):
        if found is not None and found not in taken and address not in mapping:
            mapping[address] = found
            taken.add(found)
    taken.update(reserved)
    for one in left:
        if one.address not in mapping:
            mapping[one.address] = free_address(homes[one.address], one, taken, index)
            taken.add(mapping[one.address])


def parent_of(declared: Declared, mapping: Mapping[Address, Address]) -> Address | None:
    """Return the present address of the container of a resource."""
    return None if declared.parent is None else mapping.get(declared.parent, declared.parent)


def free_address(home: Address, declared: Declared | None, taken: Container[Address], index: Identities) -> Address:
    """Return the address under its own handle, or by its natural key if another resource has that handle now."""
    address, number = home, 1
    while address in taken or (number > 1 and address in index.resources):
        number += 1
        name = (declared.natural_key if declared is not None else "") or home.parts[-1]
        address = home.collection.child(name if number == 2 else f"{name} ({number - 1})")
    return address


def _declared_again(index: Identities, resources: Mapping[Address, Declared]) -> frozenset[Address]:
    """Return the present addresses of the resources that another configuration declares, too, whatever their handle."""
    mapping, same = _present_addresses(index, resources), set[Address]()
    for declared in sorted(resources.values(), key=lambda one: len(one.address.parts)):
        address, parent = mapping[declared.address], parent_of(declared, mapping)
        present = index.resources.get(address)
        if present is None or (parent is not None and parent not in same):
            continue
        if is_same(declared, parent, present):
            same.add(address)
    return frozenset(same)


# --- all entries -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Claim:
    """An entry's declaration of a remembered resource.

    Attributes:
        record: The address of the record.
        number: The number of the entry.
        declared: The declaration.
        parent: The present address of its container.
        home: The present address that it has if its handle is the same.
        found: The present address of the declared resource that it is; None if there is none.
    """

    record: Address
    number: int
    declared: Declared
    parent: Address | None
    home: Address
    found: Address | None


class _Handles:
    """One run of `with_present_handles`.

    Attributes:
        present: The present address of each record.
        mappings: The present address of each declaration, by entry.
        used: The present addresses in each of these.
        owners: The claim of each record that has its present address, by the identity of the resource.
    """

    def __init__(self, baseline: Baseline, index: Identities, others: Collection[Address]) -> None:
        self.baseline = baseline
        self.index = index
        self.others = others
        self.entries = dict(baseline.declarations)
        if baseline.override is not None:
            self.entries[_OVERRIDE] = baseline.override
        self.present: dict[Address, Address] = {}
        self.mappings: dict[int, dict[Address, Address]] = {number: {} for number in self.entries}
        self.used: dict[int, set[Address]] = {number: set() for number in self.entries}
        self.owners: dict[Hashable, _Claim] = {}

    def run(self) -> Baseline:
        """Give every record and every declaration its present address, parents first."""
        records: dict[int, list[Address]] = {}
        for address in sorted(self.baseline.records, key=lambda one: (-_newest(self.baseline.records[one]), one)):
            records.setdefault(len(address.parts), []).append(address)
        levels = {number: _levels(resources) for number, resources in self.entries.items()}
        for depth in sorted({*records, *(depth for one in levels.values() for depth in one)}):
            self._map_records(records.get(depth, []))
            reserved: dict[int, list[Address]] = {}
            for record in records.get(depth, []):
                for number in _numbers(self.baseline.records[record]):
                    reserved.setdefault(number, []).append(self.present[record])
            for number, mapping in self.mappings.items():
                level = levels[number].get(depth, [])
                _map_level(self.index, level, mapping, self.present, reserved.get(number, ()))
        begun = [_declared_again(self.index, resources) for resources in self.baseline.first_attempts]
        entries = {number: self._declarations(number) for number in self.entries}
        override = entries.pop(_OVERRIDE, None)
        return replace(
            self.baseline,
            records=self._records(),
            declarations=entries,
            override=override,
            begun=frozenset.intersection(*begun) if begun else frozenset(),
        )

    # --- addresses of records ----------------------------------------------------------------------------------------

    def _map_records(self, records: list[Address]) -> None:
        """Give the records of one depth their present addresses; the newest come first."""
        claims = {record: list(self._claims(record)) for record in records}
        found = [claim for record in records for claim in claims[record] if claim.found is not None]
        owners: dict[Address, _Claim] = {}
        for claim in sorted(found, key=lambda one: (one.found != one.home, -one.number)):
            address = claim.found
            if address is None or claim.record in self.present:
                continue
            if address not in owners or self._is_same(owners[address], claim):
                owners.setdefault(address, claim)
                self._place(claim, address)
        self._map_others(records, {record: one[0] for record, one in claims.items() if one})
        for record in records:
            address = self.present[record]
            for claim in claims[record]:
                raw, number = claim.declared.address, claim.number
                if raw not in self.mappings[number] and address not in self.used[number]:
                    self._use(number, raw, address)

    def _map_others(self, records: list[Address], claims: Mapping[Address, _Claim]) -> None:
        """Give the records that the configuration does not declare the address of their handle, or a free one."""
        taken = {*self.others, *(self.present[record] for record in records if record in self.present)}
        for is_last in (False, True):
            for record in records:
                claim = claims.get(record)
                home = self._home(record) if claim is None else claim.home
                if record in self.present or (home in taken and not is_last):
                    continue
                if claim is None:
                    self.present[record] = free_address(home, None, taken, self.index)
                else:
                    twin = self._twin(claim)
                    self._place(claim, twin or free_address(home, claim.declared, taken, self.index))
                taken.add(self.present[record])

    def _claims(self, record: Address) -> Iterator[_Claim]:
        """Yield what the entries of a record declare of it, newest first."""
        remembered = self.baseline.records[record]
        declared = [
            (number, one)
            for number in _numbers(remembered)
            if (one := self.entries.get(number, {}).get(remembered.declared_as.get(number, record))) is not None
        ]
        if not declared and record in self.entries.get(_OVERRIDE, {}):
            declared = [(_OVERRIDE, self.entries[_OVERRIDE][record])]
        for number, one in declared:
            parent = parent_of(one, self.mappings[number])
            home = address_in(one, parent, record)
            yield _Claim(record, number, one, parent, home, self.index.same_resource(one, parent, home))

    def _home(self, record: Address) -> Address:
        """Return the address of a record of which no declaration is known, with what contains it where it is now."""
        for length in range(len(record.parts) - 1, 0, -1):
            above = self.present.get(Address(record.parts[:length]))
            if above is not None:
                return Address((*above.parts, *record.parts[length:]))
        return record

    def _place(self, claim: _Claim, address: Address) -> None:
        self.present[claim.record] = address
        for key in identity_of(claim.declared, claim.parent):
            self.owners.setdefault(key, claim)
        if claim.declared.address not in self.mappings[claim.number]:
            self._use(claim.number, claim.declared.address, address)

    def _use(self, number: int, raw: Address, address: Address) -> None:
        self.mappings[number][raw] = address
        self.used[number].add(address)

    def _twin(self, claim: _Claim) -> Address | None:
        """Return the present address of the same resource's other record; None if there is none."""
        owners = (self.owners.get(key) for key in identity_of(claim.declared, claim.parent))
        return next((self.present[one.record] for one in owners if one and self._is_same(one, claim)), None)

    def _is_same(self, one: _Claim, other: _Claim) -> bool:
        """Whether two records with one identity are of one resource: that of a former handle was left by an apply."""
        if one.declared.kind.singleton:
            return True
        records = [self.baseline.records[claim.record] for claim in (one, other)]
        older, newer = sorted(records, key=lambda record: len(record.attempted))
        if one.number == other.number:
            return False
        if older.sid_digest and newer.sid_digest:
            return older.sid_digest == newer.sid_digest
        begun = newer.attempted[: len(older.attempted)] == older.attempted != newer.attempted
        return begun and older.baseline == newer.baseline

    # --- in these addresses ------------------------------------------------------------------------------------------

    def _declarations(self, number: int) -> Mapping[Address, Declared]:
        resources, mapping = self.entries[number], self.mappings[number]
        if all(old == new for old, new in mapping.items()):
            return resources
        return {mapping[one.address]: moved(one, mapping) for one in resources.values()}

    def _records(self) -> dict[Address, Record]:
        """Return the records in present addresses; of two of one resource, the newer one."""
        raw = {number: {new: old for old, new in mapping.items()} for number, mapping in self.mappings.items()}
        records: dict[Address, Record] = {}
        for address, record in self.baseline.records.items():
            present, numbers = self.present[address], _numbers(record)
            kept = records.get(present)
            if kept is not None and (_newest(kept), False) >= (_newest(record), address == present):
                continue
            declared_as = {
                number: raw.get(number, {}).get(present, record.declared_as.get(number, address)) for number in numbers
            }
            known = (self.mappings[one] for one in numbers if address in self.mappings.get(one, {}))
            mapping = next(known, self.mappings.get(_OVERRIDE, {}))
            records[present] = replace(
                record,
                adopted={path: self._content(content, address, mapping) for path, content in record.adopted.items()},
                declared_as={number: one for number, one in declared_as.items() if one != present},
            )
        return records

    def _content(
        self, content: Content | Reference, owner: Address, mapping: Mapping[Address, Address]
    ) -> Content | Reference:
        """Return an adopted value in present addresses."""
        if not isinstance(content, Reference):
            return content
        return moved_content(content, owner, ChainMap(self.present, dict(mapping)))


def _numbers(record: Record) -> tuple[int, ...]:
    """Return the entries that a record mentions, newest first."""
    numbers = (*reversed(record.attempted), record.baseline or NOT_DECLARED)
    return tuple(number for number in dict.fromkeys(numbers) if number != NOT_DECLARED)


def _newest(record: Record) -> int:
    return max(_numbers(record), default=0)
