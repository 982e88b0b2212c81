"""Which entries of the ledger declare the live resource of an address, and which of them another one.

A handle may mean another resource now: another name of a kind that cannot be renamed, or a container that is another
one. What entries declared of the former resource, attempts included, says nothing about the present one. Takes a
`Widened` and the matched account; gives the same without these entries. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, TypeAlias

from reconciler.address import Address
from reconciler.config.model import Declared
from reconciler.planning.baseline import NOT_DECLARED, Record
from reconciler.planning.match import Matching
from reconciler.planning.three_way import Past
from reconciler.planning.widening import Widened
from reconciler.state import Live, State

_Container: TypeAlias = Literal["same", "renamed", "another"]


def with_own_entries(widened: Widened, matching: Matching, state: State) -> Widened:
    """Return the baseline without the entries in which an address had another resource.

    Args:
        widened: The configuration with placeholders.
        matching: The live resource of each declared or remembered address.
        state: The account.
    """
    entries = _Entries(widened, matching, state)
    recorded = {address: entries.own(address, past) for address, past in widened.recorded.items()}
    if widened.baseline.override is not None:
        return replace(widened, recorded=recorded)
    own = tuple(address for address in widened.removed if recorded[address].declarations)
    forgotten = widened.forgotten | (set(widened.removed) - set(own))
    return replace(widened, recorded=recorded, pasts=recorded, removed=own, forgotten=forgotten)


class _Entries:
    """One run of `with_own_entries`."""

    def __init__(self, widened: Widened, matching: Matching, state: State) -> None:
        self.widened = widened
        self.baseline = widened.baseline
        self.live: Mapping[Address, Live] = matching.live
        self.state = state
        self.containers: dict[tuple[int, Address], _Container] = {}

    def own(self, address: Address, past: Past) -> Past:
        """Return the former declarations of an address that are of its present resource."""
        if past.record is None or not past.declarations:
            return past
        return self._of_same_name(address, self._in_same_container(address, past))

    # --- containers --------------------------------------------------------------------------------------------------

    def _in_same_container(self, address: Address, past: Past) -> Past:
        record = past.record
        if record is None or past.declarations[0].parent is None:
            return past
        attempts = list(zip(reversed(record.attempted), past.attempted, strict=True))
        kept = [(number, one) for number, one in attempts if self._is_own(number, one, record)]
        is_completed = self._is_own(record.baseline or NOT_DECLARED, past.completed, record)
        if (len(kept) == len(attempts) and is_completed) or self._has_own_digest(address, record):
            return past
        numbers = tuple(number for number, _ in reversed(kept))
        record = replace(record, baseline=record.baseline if is_completed else None, attempted=numbers)
        found = Past(record, past.completed if is_completed else None, tuple(one for _, one in kept), past.is_readable)
        return found if found.declarations else Past()

    def _is_own(self, number: int, declared: Declared | None, record: Record) -> bool:
        """Whether an entry declares a resource in the present container."""
        if declared is None:
            return True
        parent = declared.parent
        while parent is not None:
            container = self._container(number, parent)
            if container == "another" or (container == "renamed" and record.origin == "created"):
                return False
            above = self.baseline.declarations.get(number, {}).get(parent)
            parent = None if above is None else above.parent
        return True

    def _container(self, number: int, address: Address) -> _Container:
        key = (number, address)
        if key not in self.containers:
            before = self.baseline.declarations.get(number, {}).get(address)
            self.containers[key] = "same" if before is None else self._compared(address, before)
        return self.containers[key]

    def _compared(self, address: Address, before: Declared) -> _Container:
        """Return whether the live resource of an address is the one that an entry declared there."""
        live = self.live.get(address)
        if live is None:
            present = self.widened.declared.resources.get(address)
            return "same" if present is None or not _have_two_names(before, present) else "another"
        digest = self._is_digest_of(address, live)
        if self._is_called(before, live):
            return "another" if digest is False else "same"
        if digest:
            return "same"
        past = self.widened.recorded.get(address, Past())
        is_renamed = before.kind.updatable and any(one.natural_key == live.name for one in past.declarations)
        return "renamed" if is_renamed else "another"

    def _is_called(self, before: Declared, live: Live) -> bool:
        if before.pin == "default":
            return self.state.default_service_sid in {"", live.sid}
        if before.pin is not None:
            return before.pin == live.sid
        return before.natural_key in {"", live.name}

    def _is_digest_of(self, address: Address, live: Live) -> bool | None:
        """Whether the record of an address is of a live resource; None if it does not say."""
        record = self.baseline.records.get(address)
        if record is None or not record.sid_digest or not self.baseline.is_own_digest(record.sid_digest):
            return None
        digest = self.baseline.digest_of(live.sid)
        return digest == record.sid_digest if digest else None

    def _has_own_digest(self, address: Address, record: Record) -> bool:
        live = self.live.get(address)
        return bool(record.sid_digest) and live is not None and self._is_digest_of(address, live) is True

    # --- names -------------------------------------------------------------------------------------------------------

    def _of_same_name(self, address: Address, past: Past) -> Past:
        """Leave out an adopted resource whose place a new one has taken: a kind that cannot be renamed is replaced."""
        record, before = past.record, past.completed
        if record is None or record.origin != "adopted" or before is None or before.absent or not _is_final(before):
            return past
        live, declared = self.live.get(address), self.widened.declared.resources.get(address)
        name = live.name if live is not None else "" if declared is None else declared.natural_key
        if name in {"", before.natural_key}:
            return past
        attempts = [
            (number, one)
            for number, one in zip(reversed(record.attempted), past.attempted, strict=True)
            if one is not None and one.natural_key == name
        ]
        if live is None or not attempts:
            return Past()
        numbers = tuple(number for number, _ in reversed(attempts))
        # An interrupted apply has replaced it.
        created = replace(record, baseline=None, attempted=numbers, origin="created", adopted={}, sid_digest="")
        return Past(created, None, tuple(one for _, one in attempts), past.is_readable)


def _is_final(declared: Declared) -> bool:
    """Whether the natural key of a resource is known, and no update can change it."""
    fields = [field for field in declared.kind.fields if field.natural_key]
    is_final = bool(fields) and all(field.forces_replacement for field in fields)
    is_final = is_final or not declared.kind.updatable
    return is_final and declared.pin is None and bool(declared.natural_key) and not declared.kind.match_by_content


def _have_two_names(one: Declared, other: Declared) -> bool:
    if one.pin is not None or other.pin is not None:
        return False
    return bool(one.natural_key) and bool(other.natural_key) and one.natural_key != other.natural_key
