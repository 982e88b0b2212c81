"""The ledger's record of each address during and after an apply: the records of its two entries. Pure.

Takes the previous records, the plan's decision about each address, and the outcome of each change; returns the next
records. The `started` entry marks everything that may be written as attempted. The outcome sets a new baseline for
completed addresses; others stay attempted if a write may have had an effect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import field, replace
from typing import Literal

from reconciler.address import Address
from reconciler.documents.ledger import LedgerSummary
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.baseline import Record
from reconciler.planning.plan import Plan, UndoneAddress
from reconciler.report import ChangeResult, Outcome, Report

Ended = Literal["done", "not written", "unknown"]
"""The ending of a change: completed, certainly without an effect, or possibly with one."""

_UNSENT = frozenset({"network", "deadline", "interrupted"})
"""Causes of a failure before the request was sent; one that may have been sent counts as interrupted."""


@dataclass(frozen=True, slots=True)
class Planned:
    """The decision of a plan about an address.

    Attributes:
        record: Its record, with the origin and adopted values that the plan determined.
        writes: Whether the plan writes to it.
        creates: Whether it may create the resource, which then has a new SID.
        is_withheld: Whether a part of it, or all of it, is withheld.
        is_renewed: Whether it puts a new resource with another name in the place of the present one.
        change: The address of the change that it is part of, if that is another one.
    """

    record: Record
    writes: bool = False
    creates: bool = False
    is_withheld: bool = False
    is_renewed: bool = False
    change: Address | None = None


def planned_addresses(plan: Plan) -> dict[Address, Planned]:
    """Return the decision of a plan about each address that it covers."""
    changes = {change.address: change for change in plan.changes}
    planned = {}
    for address, decision in plan.decisions.items():
        change = changes.get(decision.covered_by or address)
        is_stopped = change is not None and change.is_withheld
        planned[address] = Planned(
            decision.record,
            writes=change is not None and not is_stopped and decision.handling != "withheld" and bool(change.steps),
            creates=change is not None and decision.covered_by is None and change.action in {"create", "replace"},
            is_withheld=is_stopped
            or decision.handling == "withheld"
            or decision.is_partial
            or (change is not None and change.guard is not None),
            is_renewed=decision.is_renewed,
            change=decision.covered_by,
        )
    return planned


def started_records(
    previous: Mapping[Address, Record], planned: Mapping[Address, Planned], number: int
) -> dict[Address, Record]:
    """Return the records of a `started` entry: everything that may be written is attempted.

    Args:
        previous: The records of the previous entry, in present addresses.
        planned: The decisions of the plan.
        number: The number of the entry.
    """
    records = dict(previous)
    for address, item in planned.items():
        if item.writes:
            digest = "" if item.creates else item.record.sid_digest
            records[address] = replace(item.record, attempted=(*item.record.attempted, number), sid_digest=digest)
    return records


def outcome_records(
    previous: Mapping[Address, Record],
    planned: Mapping[Address, Planned],
    ended: Mapping[Address, Ended],
    *,
    declared: Mapping[Address, Collection[str]],
    number: int,
    sid_digest_of: Callable[[Address], str],
) -> dict[Address, Record]:
    """Return the records of an outcome.

    Args:
        previous: The records of the entry before the apply, in present addresses.
        planned: The decisions of the plan.
        ended: The ending of each change; changes that are missing are done.
        declared: The paths that each declared address declares; none for an `absent` one.
        number: The number of the entry.
        sid_digest_of: Returns the digest of a live resource's SID; empty if unknown.
    """
    started = started_records(previous, planned, number)
    completed, attempted = dict[Address, Record](), list[Address]()
    for address, item in planned.items():
        how = ended.get(item.change or address, "done")
        if item.writes and (how == "unknown" or (item.is_withheld and how == "done")):
            attempted.append(address)
        elif not item.is_withheld and (how == "done" or not item.writes):
            is_new = item.is_renewed and item.record.origin == "adopted"
            completed[address] = replace(item.record, origin="created", adopted={}) if is_new else item.record
    records = {address: record for address, record in previous.items() if address not in completed}
    records |= {address: started[address] for address in attempted}
    for address, record in completed.items():
        paths = declared.get(address)
        if paths is not None:
            records[address] = Record(
                number,
                (),
                record.origin,
                {path: value for path, value in record.adopted.items() if path in paths},
                sid_digest_of(address) if record.origin == "created" else "",
            )
    return records


NOT_DECLARED = 0
"""An attempted undo back to an address without a record."""


@dataclass(frozen=True, slots=True)
class UndoneEntry:
    """The entry of an apply that is undone, as the undo needs it.

    Attributes:
        number: Its number; 0 if the ledger does not have it.
        left: The records that it left.
        before: The records before it.
        is_proved: Whether the report proves what the apply did. Claims of an edited one forget nothing.
    """

    number: int = 0
    left: Mapping[Address, Record] = field(default_factory=dict)
    before: Mapping[Address, Record] = field(default_factory=dict)
    is_proved: bool = True

    def is_taken_back(self, address: Address, current: Record | None) -> bool:
        """Return whether the record of an address is what this entry left, or what an undo of it began.

        A record that a later entry made is of other changes than those that are undone, and is kept.
        """
        if not self.is_proved:
            return False
        if current is None:
            return address not in self.left
        return max(current.baseline or 0, *current.attempted, 0) <= self.number

    def had_another_handle(self, address: Address) -> bool:
        """Return whether the record of a resource that existed before may have had another address then."""
        if address in self.before:
            return False
        gone = (other for other in self.before if other not in self.left)
        return any(other.parts[::2] == address.parts[::2] for other in gone)


def undo_started_records(
    current: Mapping[Address, Record], entry: UndoneEntry, undone: Mapping[Address, UndoneAddress]
) -> dict[Address, Record]:
    """Return the records of the `started` entry of an undo: both records of each address that may be written (U5).

    Args:
        current: The records of the newest entry.
        entry: The entry of the apply that is undone.
        undone: What the undo does with each address.
    """
    records = dict(current)
    for address, item in undone.items():
        is_forgotten = address not in current and not entry.is_taken_back(address, None)
        if (item.decision == "write" or _is_kept(item)) and not is_forgotten:
            present, previous = current.get(address), entry.before.get(address)
            if _is_kept(item) and _has_attempted(present, previous):
                continue
            record = _with_previous(present, previous)
            if record is not None:
                records[address] = replace(record, sid_digest="") if item.creates else record
    return records


def _is_kept(item: UndoneAddress) -> bool:
    """Return whether nothing can be set back that is not as before."""
    return item.decision == "nothing" and item.is_partial


def _has_attempted(current: Record | None, previous: Record | None) -> bool:
    """Return whether a record remembers a previous one already, so that the same undo again adds nothing."""
    if current is None:
        return False
    attempted = (NOT_DECLARED,) if previous is None else (*previous.attempted, previous.baseline or NOT_DECLARED)
    return current.attempted[-len(attempted) :] == attempted


def _with_previous(current: Record | None, previous: Record | None) -> Record | None:
    """Return a record that remembers both, so that a killed undo loses nothing."""
    if previous is None or current is None:
        # Without a present record, the resource may still be missing.
        only = current or previous
        return None if only is None else replace(only, attempted=(*only.attempted, NOT_DECLARED))
    return replace(
        current,
        attempted=(*current.attempted, *previous.attempted, previous.baseline or NOT_DECLARED),
        adopted={**previous.adopted, **current.adopted},
        declared_as={**previous.declared_as, **current.declared_as},
    )


def undo_outcome_records(
    current: Mapping[Address, Record],
    entry: UndoneEntry,
    undone: Mapping[Address, UndoneAddress],
    ended: Mapping[Address, Ended],
    sid_digest_of: Callable[[Address], str],
) -> dict[Address, Record]:
    """Return the records of the outcome of an undo: addresses that it took back have their previous record, or none.

    Where a later entry changed the record, the report proves nothing, or a field stays as the apply left it because it
    cannot be set back, both records stay, as in a `started` entry.

    Args:
        current: The records of the newest entry.
        entry: The entry of the apply that is undone.
        undone: What the undo does with each address.
        ended: The ending of each change, by address.
        sid_digest_of: Returns the digest of the SID of a resource that was created again; empty if unknown.
    """
    started = undo_started_records(current, entry, undone)
    records = dict(current)
    for address, item in undone.items():
        how = worst_of(ended.get(change, "not written") for change in item.changes)
        is_written = item.decision == "write" and how == "done"
        is_taken_back = entry.is_taken_back(address, current.get(address))
        if address in started and (
            (item.decision == "write" and how == "unknown")
            or (is_written and not (is_taken_back and not item.is_partial))
            or _is_kept(item)
        ):
            records[address] = started[address]
            # With two resources, a digest would say that one of them is someone else's.
            if is_written and item.creates and not item.is_partial:
                records[address] = replace(started[address], sid_digest=sid_digest_of(address))
        # A deleted resource that exists again, although no undo tried to create it, was created by someone else.
        elif is_taken_back and (
            is_written or (item.decision == "nothing" and not (item.creates and address not in current))
        ):
            present = records.pop(address, None)
            if present is not None and item.existed and entry.had_another_handle(address):
                kept = _with_previous(present, None) or present
                records[address] = replace(kept, sid_digest=sid_digest_of(address)) if item.creates else kept
            if address in entry.before:
                record = entry.before[address]
                if item.creates and record.origin == "created":
                    is_found = bool(item.sid) and not _is_own(current.get(address), entry.left.get(address))
                    digest = sid_digest_of(address)
                    record = (
                        _found(record, current[address], digest) if is_found else replace(record, sid_digest=digest)
                    )
                records[address] = record
    return records


def _is_own(current: Record | None, left: Record | None) -> bool:
    """Return whether an earlier undo may have created a resource that exists again: it forgot the former SID."""
    return current is not None and current != left and not current.sid_digest


def _found(former: Record, current: Record, digest: str) -> Record:
    """Return the record of a created resource that exists again although no undo created it.

    It was never deleted, or someone else made another one since, which its SID shows.

    Args:
        former: The record before the apply.
        current: The present record.
        digest: The digest of its present SID.
    """
    known = former.sid_digest
    if (current.baseline, current.attempted) == (former.baseline, former.attempted):
        known = current.sid_digest  # an earlier undo took it back
    # Of a create whose outcome is unknown, no SID was recorded; the next plan compares its values.
    is_created = bool(known) or not digest or former.baseline is None
    return replace(former, sid_digest=known, origin="created" if is_created else "adopted")


def worst_of(endings_of_changes: Iterable[Ended]) -> Ended:
    """Return how several changes ended together."""
    found = set(endings_of_changes)
    if found <= {"done"}:
        return "done"
    return "not written" if found == {"not written"} else "unknown"


def have_moved(
    previous: Mapping[Address, Record],
    records: Mapping[Address, Record],
    *,
    is_same_configuration: bool,
    has_same_declaration: Callable[[Address, int], bool],
) -> bool:
    """Return whether an apply without changes has something to record.

    Args:
        previous: The records of the previous entry.
        records: The records of the outcome.
        is_same_configuration: Whether the previous entry applied the same configuration.
        has_same_declaration: Whether an entry declares an address as the configuration does.
    """
    if not is_same_configuration or previous.keys() != records.keys():
        return True
    return any(
        record.attempted or record.baseline is None or not has_same_declaration(address, record.baseline)
        for address, record in previous.items()
        if records[address] != record
    )


def endings(report: Report) -> dict[Address, Ended]:
    """Return the ending of the change of each address."""
    return {result.change.address: _ended(result) for result in report.results}


def _ended(result: ChangeResult) -> Ended:
    if result.status == "done":
        return "done"
    return "not written" if all(map(_had_no_effect, result.outcomes)) else "unknown"


def _had_no_effect(outcome: Outcome) -> bool:
    if outcome.status == "failed":
        return outcome.refusal is not None or outcome.cause in _UNSENT
    return outcome.status in {"skipped", "withheld", "unchanged"}


def is_whole(plan: Plan, planned: Iterable[Planned], report: Report | None) -> bool:
    """Return whether an apply was complete: nothing is withheld, failed, or left out."""
    results = () if report is None else report.results
    return not (
        plan.options.targets
        or plan.options.excludes
        or plan.unreadable
        or any(item.is_withheld for item in planned)
        or any(result.status != "done" or _keeps_something(result) for result in results)
    )


def _keeps_something(result: ChangeResult) -> bool:
    return any(outcome.status == "withheld" for outcome in result.outcomes)


def summary_of(report: Report | None) -> LedgerSummary:
    """Count the changes of an apply by how they ended."""
    if report is None:
        return LedgerSummary()
    statuses = Counter(result.status for result in report.results)
    return LedgerSummary(
        **report.counts(),
        partly=statuses["partly"],
        failed=statuses["failed"],
        skipped=statuses["skipped"],
        withheld=statuses["withheld"],
        interrupted=statuses["interrupted"],
    )
