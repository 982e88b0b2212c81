"""Records an undo in the ledger.

Takes a `Ledger` and the report of the apply that is undone; returns an `UndoRecorder`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NamedTuple

from reconciler.errors import LedgerError

if TYPE_CHECKING:
    from reconciler.address import Address
    from reconciler.config.model import Declared
    from reconciler.documents.ledger import LedgerEntry
    from reconciler.documents.report import ReportFile
    from reconciler.ledger.opening import Ledger
    from reconciler.ledger.undone_addresses import UndoneRecords
    from reconciler.planning.baseline import Record
    from reconciler.planning.plan import Plan
    from reconciler.report import Report


class Span(NamedTuple):
    """Runs of a report between which no one else applied anything.

    Attributes:
        runs: The numbers of their entries.
        entry: The entry of the last one.
        before: The entry before the first one; None if it is the first of its ledger.
    """

    runs: frozenset[int]
    entry: LedgerEntry
    before: LedgerEntry | None


def spans_of(ledger: Ledger, report: ReportFile) -> list[Span]:
    """Return the runs of a report, oldest first, as far as the ledger has them.

    Returns:
        None of them, if the report does not name its entry, or another apply has that number.
    """
    runs = [run.entry for run in report.runs if run.entry]
    # The file may have been edited, and the numbers between its runs are searched for.
    if not report.entry or ledger.head is None or max(runs) > ledger.head.entry.number:
        return []
    numbers = {*range(runs[0] - 1, report.entry + 1)} - {0}
    found = {number: stored.entry for number, stored in ledger.ref.find(ledger.tips.newest, numbers).items()}
    entry = found.get(report.entry)
    if entry is None or entry.source.config_digest != report.config_digest or entry.operation == "rename":
        return []
    groups: list[list[int]] = []
    for number in runs:
        between = range(groups[-1][-1] + 1, number) if groups else range(0)
        if groups and not any(_has_applied(found.get(one)) for one in between):
            groups[-1].append(number)
        else:
            groups.append([number])
    spans = []
    for group in groups:
        first, last = found.get(group[0]), found.get(group[-1])
        if last is not None:
            begins = last.begins or first is None or first.begins
            spans.append(Span(frozenset(group), last, None if begins else found.get(group[0] - 1)))
    return spans


def _has_applied(entry: LedgerEntry | None) -> bool:
    """Whether the apply of an entry changed something, or may have."""
    if entry is None or entry.operation != "apply":
        return False
    done = entry.summary
    written = (done.create, done.update, done.replace, done.delete, done.partly, done.interrupted)
    return entry.status == "started" or any(written)


class UndoRecorder:
    """Records one undo in the ledger: the addresses that it takes back get their records from before the apply.

    The configuration of the newest entry remains the applied one, so the undone changes are pending until the
    configuration follows.

    Args:
        ledger: The ledger.
        plan: The plan of the undo.
        report: The report of the apply that is undone.
        environment: Environment variables, which name the actor.
        load: Loads what an entry declares; None if this release cannot load it.
        is_sealed: Whether the report is unchanged since its apply.
    """

    def __init__(
        self,
        ledger: Ledger,
        plan: Plan,
        report: ReportFile,
        environment: Mapping[str, str],
        load: Callable[[LedgerEntry], Mapping[Address, Declared] | None],
        *,
        is_sealed: bool,
    ) -> None:
        from reconciler.ledger.records import UndoneEntry  # noqa: PLC0415 - see the package
        from reconciler.ledger.undone_addresses import UndoneRecords  # noqa: PLC0415 - see the package
        from reconciler.ledger.writing import Applied, LedgerWriter  # noqa: PLC0415 - see the package

        head = ledger.head
        spans = spans_of(ledger, report)
        self._ledger = ledger
        self._plan = plan
        self._current = ledger.records()
        found = UndoneRecords()
        if spans:  # an apply that the ledger does not have changed no record
            found = UndoneRecords(plan.undone, spans[-1].entry.records(), records_before(spans, plan))
            found = self._in_present_addresses(found, load)
        number = spans[-1].entry.number if spans else 0
        self._undone = found.undone
        self._entry = UndoneEntry(number, found.left, found.before, is_proved=is_sealed)
        same_as = None if head is None else head.entry
        self._writer = LedgerWriter(ledger, Applied(plan.config_digest), environment, "undo", same_as)

    def _in_present_addresses(
        self, found: UndoneRecords, load: Callable[[LedgerEntry], Mapping[Address, Declared] | None]
    ) -> UndoneRecords:
        """Give the records the addresses of the newest entry, whose configuration may have other handles."""
        from reconciler.ledger.undone_addresses import in_present_addresses, mentioned  # noqa: PLC0415 - see the package

        key, ref, numbers = self._ledger.key, self._ledger.ref, mentioned(self._current, found.before)
        declarations = {}
        for number, stored in ref.find(self._ledger.tips.newest, numbers).items():
            try:
                declared = load(stored.entry)
            except LedgerError:
                continue  # this clone lacks its commit; the handles are compared instead
            if declared is not None:
                declarations[number] = declared

        def is_another(record: Record, sid: str) -> bool:
            is_known = bool(sid and record.sid_digest) and key.has_made(record.sid_digest)
            return is_known and key.sid_digest(sid) != record.sid_digest

        return in_present_addresses(found, self._current, self._plan.identities, declarations, is_another)

    @property
    def number(self) -> int:
        """The number of the entry."""
        return self._writer.number

    def recording(self, seconds: float) -> AbstractContextManager[None]:
        """Hold the lock during an undo, if it sends anything. Call `end` before it is over.

        Args:
            seconds: How long the undo may send requests.

        Raises:
            LedgerError: The lock could not be taken; nothing was sent.
        """
        from reconciler.ledger.records import undo_started_records  # noqa: PLC0415 - see the package

        records = undo_started_records(self._current, self._entry, self._undone)
        return self._writer.recording(records, seconds, is_sending=self._plan.is_sending)

    def end(self, report: Report | None) -> str:
        """Write the outcome, if there is anything to record.

        Args:
            report: How the steps ended; None if there was nothing to do.

        Returns:
            Why it could not be recorded, in a sentence; empty if it was.

        Raises:
            LedgerError: Nothing was sent, and it could not be recorded.
        """
        from reconciler.ledger import records  # noqa: PLC0415 - see the package

        ended = {} if report is None else records.endings(report)
        digests = self._digests(report)
        found = records.undo_outcome_records(
            self._current, self._entry, self._undone, ended, lambda address: digests.get(str(address), "")
        )
        if not self._writer.holds_lock and found == self._current:
            return ""
        is_whole = all(
            (item.decision == "nothing" and not item.is_partial)
            or (
                item.decision == "write"
                and not item.is_partial
                and records.worst_of(ended.get(one, "not written") for one in item.changes) == "done"
            )
            for item in self._plan.undone.values()
        )
        return self._writer.finish(found, "applied" if is_whole else "incomplete", records.summary_of(report))

    def _digests(self, report: Report | None) -> dict[str, str]:
        """Return the digests of the SIDs of resources that exist again, by address."""
        sids = {str(address): item.sid for address, item in self._undone.items() if item.sid}
        created = {
            outcome.change: outcome.sid
            for result in (() if report is None else report.results)
            for outcome in result.outcomes
            if outcome.op == "create" and outcome.status in {"done", "unchanged"} and outcome.sid
        }
        for address, item in self._undone.items():
            sids |= {str(address): created[str(change)] for change in item.changes if str(change) in created}
        return {address: self._ledger.key.sid_digest(sid) for address, sid in sids.items()}


def records_before(spans: list[Span], plan: Plan) -> dict[Address, Record]:
    """Return the record of each address before the first run that is undone for it."""
    if not spans:
        return {}
    former = [{} if span.before is None else span.before.records() for span in spans]
    records = dict(former[-1])
    for address, item in plan.undone.items():
        number = next((index for index, span in enumerate(spans) if item.entry in span.runs), -1)
        found = former[number].get(address)
        records.pop(address, None)
        if found is not None:
            records[address] = found
    return records
