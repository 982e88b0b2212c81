"""Addresses of an undo's resources in the ledger: a handle may have changed, or mean another resource, since. Pure.

Takes the resources of a report, each with what identifies it, and the records of an entry with the declarations that
they mention; gives the address of each resource's record. The resource with the same identity comes first; otherwise it
is the one under the same handle, unless that one is known to be another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace

from reconciler.address import Address
from reconciler.config.model import Declared
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.baseline import NOT_DECLARED, Record
from reconciler.planning.declared_identity import Identities, address_in
from reconciler.planning.handles import free_address
from reconciler.planning.plan import UndoneAddress

Declarations = Mapping[int, Mapping[Address, Declared]]
"""What entries declare, by number; one that cannot be read is missing."""


@dataclass(frozen=True, slots=True)
class UndoneRecords:
    """What an undo does, and the records that it concerns, in the addresses of the newest entry.

    Attributes:
        undone: What the undo does with each resource.
        left: The records that the apply left.
        before: The records before it.
    """

    undone: Mapping[Address, UndoneAddress] = field(default_factory=dict)
    left: Mapping[Address, Record] = field(default_factory=dict)
    before: Mapping[Address, Record] = field(default_factory=dict)


def mentioned(*records: Mapping[Address, Record]) -> frozenset[int]:
    """Return the numbers of the entries that records mention."""
    every = (one for some in records for one in some.values())
    return frozenset(number for one in every for number in _numbers(one))


def in_present_addresses(
    found: UndoneRecords,
    current: Mapping[Address, Record],
    identities: Mapping[Address, Declared],
    declarations: Declarations,
    is_another: Callable[[Record, str], bool],
) -> UndoneRecords:
    """Give everything the addresses that the resources have in the newest entry.

    Args:
        found: What the undo does, and the records, in the addresses of the report and of the entry before it.
        current: The records of the newest entry.
        identities: What identifies each resource of the report, and what contains it, by its address in the report. The
            pin is its SID; it has none if it does not exist.
        declarations: What the entries declare that these records mention.
        is_another: Whether a record is of a resource with another SID.
    """
    undone = found.undone
    present = _Finder(current, declarations).find(
        identities,
        # A deleted resource has no record that is newer than its own.
        lambda address, record: (
            (address not in undone or address in found.left or not undone[address].existed)
            and not is_another(record, identities[address].pin or "")
        ),
    )
    former = _Finder(found.before, declarations).find(
        identities, lambda address, _record: address not in undone or undone[address].existed
    )
    places = _places(identities, present, current)
    before = {
        address: one for address, one in found.before.items() if address not in {*former.values(), *places.values()}
    }
    for address, old in former.items():
        if address in undone and old is not None:
            before[places[address]] = moved_record(found.before[old], old, places[address])
    left = {address: one for address, one in found.left.items() if address not in {*places, *places.values()}}
    for address in places.keys() & found.left.keys():
        left[places[address]] = moved_record(found.left[address], address, places[address])
    return UndoneRecords({places[address]: item for address, item in undone.items()}, left, before)


def moved_record(record: Record, old: Address, new: Address) -> Record:
    """Return a record for another address; it knows under which one each entry declares its resource."""
    if old == new:
        return record
    raw = {number: record.declared_as.get(number, old) for number in _numbers(record)}
    return replace(record, declared_as={number: address for number, address in raw.items() if address != new})


class _Finder:
    """Finds the records of resources.

    Args:
        records: The records of one entry.
        declarations: What the entries declare that they mention.
    """

    def __init__(self, records: Mapping[Address, Record], declarations: Declarations) -> None:
        self._records = records
        self._index = Identities(_declared(records, declarations))

    def find(
        self, identities: Mapping[Address, Declared], is_under_handle: Callable[[Address, Record], bool]
    ) -> dict[Address, Address | None]:
        """Return the address of the record of each resource; None if it has none.

        Args:
            identities: What identifies each resource.
            is_under_handle: Whether a resource may be the one of the record under its handle, if no record has its
                identity.
        """
        found: dict[Address, Address | None] = {}
        levels: dict[int, list[Declared]] = {}
        for one in identities.values():
            levels.setdefault(len(one.address.parts), []).append(one)
        for _, level in sorted(levels.items()):
            self._find_level(sorted(level, key=lambda one: one.address), found, is_under_handle)
        return found

    def _find_level(
        self,
        level: Iterable[Declared],
        found: dict[Address, Address | None],
        is_under_handle: Callable[[Address, Record], bool],
    ) -> None:
        taken = set[Address]()
        left: list[tuple[Declared, Address]] = []
        for one in level:
            parent = None if one.parent is None else found.get(one.parent, one.parent)
            if one.parent is not None and parent is None:
                found[one.address] = None
                continue
            home = address_in(one, parent, one.address)
            same = self._index.same_resource(one, parent, home)
            if same is not None and same not in taken:
                found[one.address] = same
                taken.add(same)
            else:
                left.append((one, home))
        for one, home in left:
            record = self._records.get(home)
            is_its = record is not None and home not in taken and is_under_handle(one.address, record)
            found[one.address] = home if is_its else None
            taken.add(home)


def _declared(records: Mapping[Address, Record], declarations: Declarations) -> Iterable[Declared]:
    """Yield the newest declaration of each record that can be read, at the address of the record."""
    for address, record in records.items():
        every = (
            declarations.get(number, {}).get(record.declared_as.get(number, address)) for number in _numbers(record)
        )
        declared = next((one for one in every if one is not None), None)
        if declared is not None:
            yield replace(declared, address=address, parent=address.owner(declared.kind.section))


def _places(
    identities: Mapping[Address, Declared],
    present: Mapping[Address, Address | None],
    current: Mapping[Address, Record],
) -> dict[Address, Address]:
    """Return the present address of each resource: that of its record, or else one that no record has."""
    places = {address: one for address, one in present.items() if one is not None}
    taken, nothing = {*current, *places.values()}, Identities(())
    for address in sorted(present.keys() - places.keys(), key=lambda one: (len(one.parts), one)):
        one = identities[address]
        parent = None if one.parent is None else places.get(one.parent, one.parent)
        places[address] = free_address(address_in(one, parent, address), one, taken, nothing)
        taken.add(places[address])
    return places


def _numbers(record: Record) -> tuple[int, ...]:
    """Return the entries that a record mentions, newest first."""
    numbers = (*reversed(record.attempted), record.baseline or NOT_DECLARED)
    return tuple(number for number in dict.fromkeys(numbers) if number != NOT_DECLARED)
