"""Resources that a change of identity left: an interrupted replace creates one before it deletes the other.

Takes the former declarations of an address, once its live resource is known; gives what else these entries created. It
is no longer declared, so `removals` removes it under an address of its own. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from reconciler.address import Address
from reconciler.config.model import Declared, Unknown
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.baseline import NOT_DECLARED, Baseline, Record
from reconciler.planning.match import Matching
from reconciler.planning.three_way import Past
from reconciler.state import Live, State


@dataclass(frozen=True, slots=True)
class LeftResource:
    """A live resource that an entry created, and that is not the one of its record's address.

    Attributes:
        declared: Its declaration, under an address of its own.
        live: The resource.
        record: Its record.
    """

    declared: Declared
    live: Live
    record: Record


def left_resources(
    past: Past,
    declared: Declared | None,
    *,
    state: State,
    matching: Matching,
    baseline: Baseline,
    taken: Collection[Address],
) -> Iterator[LeftResource]:
    """Yield the live resources that other entries of a record created, under identities that no update can change.

    Not the former resource of a declared one: the configuration says whether that is to be replaced.

    Args:
        past: The former declarations of the record.
        declared: What the configuration declares at its address; None if it declares nothing.
        state: The account.
        matching: The live resource of each declared or remembered address.
        baseline: The baseline.
        taken: The addresses that others have.
    """
    record = past.record
    if record is None:
        return
    numbers = (*reversed(record.attempted), record.baseline or NOT_DECLARED)
    entries = list(zip(numbers, (*past.attempted, past.completed), strict=True))
    own = [_identity(one) for one in _not_left(past, declared, matching) if one is not None]
    known = {*matching.addresses, *(live.sid for live in matching.former.values())}
    used = set(taken)
    for number, before in entries:
        if number == NOT_DECLARED or before is None or before.absent or not _is_final(before):
            continue
        if number == record.baseline and record.origin != "created":
            continue
        identity = _identity(before)
        if identity is None or identity in own:
            continue
        own.append(identity)
        above = matching.live.get(before.parent) if before.parent is not None else None
        if before.parent is not None and above is None:
            continue
        for live in state.collection(before.kind, () if above is None else above.lineage):
            digest, is_former = baseline.digest_of(live.sid), number == record.baseline
            if baseline.is_own_digest(record.sid_digest) and record.sid_digest and digest:
                is_own = (digest == record.sid_digest) == is_former
            else:
                is_own = True
            if live.sid not in known and is_own and identity == _identity_of(live):
                address = _free_address(before.address, before.natural_key, used)
                used.add(address)
                raw = record.declared_as.get(number, before.address)
                yield LeftResource(
                    replace(before, address=address),
                    live,
                    Record(number, (), "created", {}, record.sid_digest if is_former else digest, {number: raw}),
                )


def _not_left(past: Past, declared: Declared | None, matching: Matching) -> tuple[Declared | None, ...]:
    """Return the declarations whose resources nothing left: the present one, and the one that it replaces or keeps.

    That is the last one that was completed, unless an attempt after it created the live resource.
    """
    live = None if declared is None else matching.live.get(declared.address)
    is_attempted = live is not None and any(
        one is not None and _identity(one) == _identity_of(live) for one in past.attempted
    )
    return (declared,) if declared is None or is_attempted else (declared, past.completed)


def _is_final(declared: Declared) -> bool:
    """Whether an update cannot change what identifies a resource, so that another identity is another resource."""
    fields = [field for field in declared.kind.fields if field.natural_key]
    is_final = bool(fields) and all(field.forces_replacement for field in fields)
    return is_final and declared.kind.updatable and declared.pin is None


def _identity(declared: Declared) -> Mapping[str, object] | None:
    """Return the values that identify a declared resource; None if one of them is unknown."""
    of_type = declared.values.get(declared.kind.discriminator)
    if of_type is not None and isinstance(of_type.content, Unknown):
        return None
    return {"": declared.natural_key, **({"type": of_type.content} if of_type is not None else {})}


def _identity_of(live: Live) -> Mapping[str, object]:
    kind = live.kind
    return {"": live.name, **({"type": live.values.get(kind.discriminator)} if kind.discriminator else {})}


def _free_address(address: Address, name: str, taken: Collection[Address]) -> Address:
    """Return the address with its natural key as the handle, or with a number behind it."""
    found, number = address.collection.child(name), 1
    while found in taken or found == address:
        number += 1
        found = address.collection.child(f"{name} ({number})")
    return found
