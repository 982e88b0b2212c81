"""Records an undo in the ledger, and finds the commits to revert.

Takes a `Ledger` and the report of the apply that is undone; returns an `UndoRecorder`, and the commands that make the
configuration agree with the account.
"""

from __future__ import annotations

import itertools
import posixpath
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NamedTuple

from reconciler.config.sources import looks_like_yaml
from reconciler.errors import LedgerError
from reconciler.sources.git_process import revert_command_of

if TYPE_CHECKING:
    from reconciler.address import Address
    from reconciler.config.model import Declared
    from reconciler.documents.ledger import LedgerEntry
    from reconciler.documents.report import ReportFile
    from reconciler.ledger.opening import Ledger
    from reconciler.ledger.repository import Repository
    from reconciler.ledger.undone_addresses import UndoneRecords
    from reconciler.planning.baseline import Record
    from reconciler.planning.plan import Plan
    from reconciler.report import Report
    from reconciler.sources.recording import RecordingSources

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")

_FILE = re.compile(rb"\$\{file:([^}]*)\}")


class _Span(NamedTuple):
    """Runs of a report between which no one else applied anything.

    Attributes:
        runs: The numbers of their entries.
        entry: The entry of the last one.
        before: The entry before the first one; None if it is the first of its ledger.
    """

    runs: frozenset[int]
    entry: LedgerEntry
    before: LedgerEntry | None


def _spans(ledger: Ledger, report: ReportFile) -> list[_Span]:
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
            spans.append(_Span(frozenset(group), last, None if begins else found.get(group[0] - 1)))
    return spans


def _has_applied(entry: LedgerEntry | None) -> bool:
    """Whether the apply of an entry changed something, or may have."""
    if entry is None or entry.operation != "apply":
        return False
    done = entry.summary
    written = (done.create, done.update, done.replace, done.delete, done.partly, done.interrupted)
    return entry.status == "started" or any(written)


def _with_another_commit(ledger: Ledger, entry: LedgerEntry, before: LedgerEntry | None) -> LedgerEntry | None:
    """Return the entry before an apply, or before the attempts at the same commit that it continued.

    These did not complete, or were undone. After one that did, an apply of the same commit changed only what someone
    else had changed in the account.
    """
    undone = 0
    while before is not None and before.source.commit == entry.source.commit:
        if before.operation == "undo":
            undone += 1
        elif before.status == "applied":
            if not undone:
                return before
            undone -= 1
        number = before.number - 1
        found = ledger.ref.find(ledger.tips.newest, {number}) if number and not before.begins else {}
        before = found[number].entry if number in found else None
    return before


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
        spans = _spans(ledger, report)
        self._ledger = ledger
        self._plan = plan
        self._current = ledger.records()
        found = UndoneRecords()
        if spans:  # an apply that the ledger does not have changed no record
            found = UndoneRecords(plan.undone, spans[-1].entry.records(), _records_before(spans, plan))
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


def _records_before(spans: list[_Span], plan: Plan) -> dict[Address, Record]:
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


def revert_commands(ledger: Ledger, report: ReportFile, plan: Plan, files: RecordingSources) -> tuple[str, ...]:
    """Return the commands that make the configuration agree with the account after an undo.

    They revert the commits that changed the configuration's files since the previous entry, newest first; or restore
    the files, if these commits are not one after another in the history. Commits that someone else applied between two
    runs of the report are not among them.

    Args:
        ledger: The ledger.
        report: The report of the apply that is undone.
        plan: The plan of the undo.
        files: The files of the configuration.
    """
    if report.options.undo is not None:
        return ()
    repository = ledger.ref.repository
    spans = _spans(ledger, report)
    before = _with_another_commit(ledger, spans[-1].entry, spans[-1].before) if spans else None
    if before is None:
        commit = report.source_commit
        found = repository.commit(commit) if _COMMIT.fullmatch(commit) else None
        return () if found is None else tuple(_reverts(repository, [commit]))
    commits, paths = _changing(repository, before, spans[-1].entry, files)
    if commits is None:
        return tuple(_restores(repository, before.source.commit, paths))
    undone = {item.entry for item in plan.undone.values()}
    for span in reversed(spans[:-1]):
        older = _with_another_commit(ledger, span.entry, span.before) if undone & span.runs else None
        if older is not None:
            commits += _changing(repository, older, span.entry, files)[0] or []
    return tuple(_reverts(repository, list(dict.fromkeys(commits))))


def _changing(
    repository: Repository, before: LedgerEntry, entry: LedgerEntry, files: RecordingSources
) -> tuple[list[str] | None, list[str]]:
    """Return the commits that changed the configuration's files between two entries, newest first, and these files.

    Returns:
        No commits, if they are not one after another in the history.
    """
    old, new = before.source.commit, entry.source.commit
    removed = repository.output("diff", "--name-only", "--diff-filter=D", "--relative", old, new, "--", ".") or ""
    yaml = sorted({*files.paths, *filter(looks_like_yaml, removed.splitlines())})
    paths = sorted({*yaml, *(_files_in(repository, old, yaml) & {*removed.splitlines()})})
    line = (repository.output("rev-list", "--first-parent", new) or "").split()
    if old not in line:
        return None, paths
    return (repository.output("rev-list", "--first-parent", f"{old}..{new}", "--", *paths) or "").split(), paths


def _files_in(repository: Repository, commit: str, paths: list[str]) -> set[str]:
    """Return the targets of `${file:}` in files at a commit; both are relative to the root file's folder."""
    top = posixpath.dirname(repository.root)
    texts = (repository.file(commit, posixpath.join(top, path)) or b"" for path in paths)
    found = (name.decode("utf-8", "replace") for text in texts for name in _FILE.findall(text))
    return {posixpath.normpath(name.strip()) for name in found}


def _reverts(repository: Repository, commits: list[str]) -> Iterator[str]:
    """Yield one command for each group of consecutive commits that are all merges, or all not."""
    folder = repository.other_folder()
    for is_merge, group in itertools.groupby(commits, lambda commit: _is_merge(repository, commit)):
        yield revert_command_of(*group, is_merge=is_merge, folder=folder)


def _is_merge(repository: Repository, commit: str) -> bool:
    found = repository.commit(commit)
    return found is not None and len(found.parents) > 1


def _restores(repository: Repository, commit: str, paths: list[str]) -> Iterator[str]:
    """Yield the commands that restore files as they were at a commit."""
    folder, top = repository.folder, posixpath.dirname(repository.root)
    there = [path for path in paths if repository.file(commit, posixpath.join(top, path)) is not None]
    git = ["git", *(["-C", folder] if folder != "." else [])]
    if there:
        yield shlex.join([*git, "restore", f"--source={commit}", "--", *there])
    added = [path for path in paths if path not in there]
    if added:
        yield shlex.join([*git, "rm", "--", *added])
