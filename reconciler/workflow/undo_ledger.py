"""Records an undo in the ledger, and finds the commits to revert.

Takes a `Ledger` and the report of the apply that is undone; returns an `UndoRecorder`, and the commands that make the
configuration agree with the account.
"""

from __future__ import annotations

import itertools
import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from reconciler.config.sources import looks_like_yaml
from reconciler.sources.git_process import revert_command_of

if TYPE_CHECKING:
    from reconciler.documents.ledger import LedgerEntry
    from reconciler.documents.report import ReportFile
    from reconciler.ledger.opening import Ledger
    from reconciler.ledger.repository import Repository
    from reconciler.planning.plan import Plan
    from reconciler.report import Report
    from reconciler.sources.recording import RecordingSources

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")

_FILE = re.compile(rb"\$\{file:([^}]*)\}")


def _entries(ledger: Ledger, report: ReportFile) -> tuple[LedgerEntry | None, LedgerEntry | None]:
    """Return the entry of an apply and the one before it, or before the runs that it continued.

    Returns:
        Neither, if the report does not name its entry, or another apply has that number.
    """
    if not report.entry or ledger.head is None:
        return None, None
    first = next(run.entry for run in report.runs if run.entry)
    numbers = {report.entry, first, first - 1} - {0}
    found = {number: stored.entry for number, stored in ledger.ref.find(ledger.tips.newest, numbers).items()}
    entry = found.get(report.entry)
    if entry is None or entry.source.config_digest != report.config_digest or entry.operation == "rename":
        return None, None
    begins = entry.begins or first not in found or found[first].begins
    return entry, None if begins else found.get(first - 1)


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
        is_sealed: Whether the report is unchanged since its apply.
    """

    def __init__(
        self, ledger: Ledger, plan: Plan, report: ReportFile, environment: Mapping[str, str], *, is_sealed: bool
    ) -> None:
        from reconciler.ledger.records import UndoneEntry  # noqa: PLC0415 - see the package
        from reconciler.ledger.writing import Applied, LedgerWriter  # noqa: PLC0415 - see the package

        head = ledger.head
        entry, before = _entries(ledger, report)
        self._ledger = ledger
        self._plan = plan
        self._current = ledger.records()
        # An apply that the ledger does not have changed no record.
        self._undone = {} if entry is None else plan.undone
        self._entry = UndoneEntry(
            0 if entry is None else entry.number,
            {} if entry is None else entry.records(),
            {} if before is None else before.records(),
            is_proved=is_sealed,
        )
        same_as = None if head is None else head.entry
        self._writer = LedgerWriter(ledger, Applied(plan.config_digest), environment, "undo", same_as)

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


def revert_commands(ledger: Ledger, report: ReportFile, files: RecordingSources) -> tuple[str, ...]:
    """Return the commands that make the configuration agree with the account after an undo.

    They revert the commits that changed the configuration's files since the previous entry, newest first; or restore
    the files, if these commits are not one after another in the history.

    Args:
        ledger: The ledger.
        report: The report of the apply that is undone.
        files: The files of the configuration.
    """
    if report.options.undo is not None:
        return ()
    repository = ledger.ref.repository
    entry, before = _entries(ledger, report)
    if entry is not None:
        before = _with_another_commit(ledger, entry, before)
    if entry is None or before is None:
        commit = report.source_commit
        found = repository.commit(commit) if _COMMIT.fullmatch(commit) else None
        return () if found is None else tuple(_reverts(repository, [commit]))
    old, new = before.source.commit, entry.source.commit
    removed = repository.output("diff", "--name-only", "--diff-filter=D", "--relative", old, new, "--", ".") or ""
    yaml = sorted({*files.paths, *filter(looks_like_yaml, removed.splitlines())})
    paths = sorted({*yaml, *(_files_in(repository, old, yaml) & {*removed.splitlines()})})
    line = (repository.output("rev-list", "--first-parent", new) or "").split()
    if old not in line:
        return tuple(_restores(repository, old, paths))
    commits = (repository.output("rev-list", "--first-parent", f"{old}..{new}", "--", *paths) or "").split()
    return tuple(_reverts(repository, commits))


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
