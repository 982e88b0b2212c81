"""What an apply writes to the disk while it runs: its journal, and its report as far as it has come.

Takes a plan and where to write; is told about every step. The report of an apply that still runs, or was killed, says
what would be known if it had been cut off at that moment.
"""

from __future__ import annotations

import stat
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from reconciler.address import Address
from reconciler.change import Change, Step
from reconciler.documents.journal import JournalScope, journal_entry, parse_entry
from reconciler.documents.plan import PlanFile
from reconciler.documents.report import ReportFile, parse_report, report_document
from reconciler.documents.saved import format_of
from reconciler.errors import JournalError, PlanFileError, UsageError
from reconciler.execution.journal_file import JournalFile, is_tracked, write_durably
from reconciler.execution.schedule import is_withheld
from reconciler.journal import UnfinishedReplace
from reconciler.planning.plan import Plan
from reconciler.report import Outcome, Progress, Report, result_of

_SECONDS = 1.0
"""How often the report is written again while nothing has to be saved."""
_LARGEST = 200_000_000


class Record:
    """What one apply writes down; a `reconciler.journal.Journal`, and a `Progress` that tells another one as well.

    Args:
        plan: what is applied.
        seen: the same as it may be shown.
        scope: what is written down belongs to.
        journal: where replaces are written down; None when the folder cannot be written to.
        report: the file of the report; None for none.
        unfinished: what interrupted applies left.
        progress: who is told as well.
    """

    def __init__(
        self,
        plan: Plan,
        seen: PlanFile,
        *,
        scope: JournalScope,
        journal: JournalFile | None,
        report: Path | None,
        unfinished: Iterable[UnfinishedReplace],
        progress: Progress,
    ) -> None:
        self._plan = plan
        self._seen = seen
        self._scope = scope
        self._journal = journal
        self._report = report
        self._progress = progress
        self._unfinished = {entry.sid: entry for entry in unfinished}
        self._outcomes: dict[str, Outcome] = {}
        self._begun: set[str] = set()
        self._begin = time.monotonic()
        self._written = float("-inf")

    def start(self) -> None:
        """Forget what is complete by now, and write the first report.

        Raises:
            JournalError: something cannot be written.
        """
        try:
            for sid in self._plan.execution.finished_replaces:
                self.finish(sid)
            self._write_report()
        except OSError as error:
            where = str(error.filename or self._report)
            if self._report is not None and Path(where).name.startswith(f".{self._report.name}."):
                where = str(self._report)  # not the temporary file that takes its place
            raise JournalError(f"cannot write {where}: {error.strerror or error}; nothing was sent") from None

    def end(self, report: Report) -> ReportFile:
        """Write the last report; gives it.

        Raises:
            UsageError: it cannot be written.
        """
        found = self._file(report, ended=True)
        if self._report is not None:
            try:
                write_durably(self._report, found.to_json())
            except OSError as error:
                raise UsageError(f"cannot write {self._report}: {error.strerror or error}") from None
        return found

    # --- the journal --------------------------------------------------------------------------------------------------

    def begin(self, entry: UnfinishedReplace) -> None:
        """Keep an entry durably; see `reconciler.journal.Journal`."""
        if self._journal is not None:
            self._journal.begin(entry)
        elif entry.sensitive:
            paths = ", ".join(sorted(entry.sensitive))
            raise OSError(f"{paths} may not be in a report, and .reconciler/ cannot be written to")
        self._unfinished[entry.sid] = entry
        self._write_report()

    def finish(self, sid: str) -> None:
        """Forget an entry; see `reconciler.journal.Journal`."""
        if self._unfinished.pop(sid, None) is not None and self._journal is not None:
            self._journal.finish(sid)

    # --- the progress -------------------------------------------------------------------------------------------------

    def reading(self, answered: int, asked: int) -> None:
        """Tell the other one."""
        self._progress.reading(answered, asked)

    def started(self, step: Step) -> None:
        """Note that a step was sent."""
        self._begun.add(step.id)
        self._progress.started(step)

    def ended(self, outcome: Outcome, done: int, total: int) -> None:
        """Note how a step ended."""
        self._outcomes[outcome.step] = outcome
        if self._report is not None and time.monotonic() - self._written >= _SECONDS:
            # A report that cannot be written now is not worth ending an apply for.
            try:
                self._write_report()
            except OSError:
                self._written = time.monotonic()
        self._progress.ended(outcome, done, total)

    def waiting(self, seconds: float, why: str) -> None:
        """Tell the other one."""
        self._progress.waiting(seconds, why)

    # --- the report ---------------------------------------------------------------------------------------------------

    def _write_report(self) -> None:
        if self._report is None:
            return
        results = tuple(
            result_of(change, [self._outcome(change, step) for step in change.steps]) for change in self._plan.changes
        )
        report = Report(results, seconds=time.monotonic() - self._begin, interrupted=True)
        write_durably(self._report, self._file(report, ended=False).to_json())
        self._written = time.monotonic()

    def _outcome(self, change: Change, step: Step) -> Outcome:
        """How a step ended, or how it would have if the apply were cut off now."""
        found = self._outcomes.get(step.id)
        if found is not None:
            return found
        address, sid = str(change.address), step.sid or ""
        if is_withheld(change, step):
            return Outcome(step.id, address, step.op, "withheld", sid, change.guard.message if change.guard else "")
        if step.id in self._begun:
            message = "its request was under way when this report was written"
            return Outcome(step.id, address, step.op, "interrupted", sid, message, cause="interrupted")
        message = "the apply had not come to it when this report was written"
        return Outcome(step.id, address, step.op, "skipped", sid, message, cause="interrupted")

    def _file(self, report: Report, *, ended: bool) -> ReportFile:
        entries = []
        for entry in self._unfinished.values():
            shown = {path: value for path, value in entry.values.items() if path not in entry.sensitive}
            named = replace(entry, values=shown)
            if entry.title:
                digest = entry.name_digest or self._scope.digest(entry.name)
                named = replace(named, name="", name_digest=digest)
            entries.append(journal_entry(named))
        found = report_document(report, self._seen)
        signature = self._scope.signature(entries) if entries else ""
        return found.model_copy(
            update={"ended": ended, "unfinished": tuple(entries), "unfinished_signature": signature}
        )


def read_report(
    path: Path, scope: JournalScope, names: Callable[[Address], Iterable[str]]
) -> tuple[UnfinishedReplace, ...]:
    """Read what an interrupted apply left in a report that is to be replaced.

    Args:
        path: the file; there may be none, and it may be empty.
        scope: what the apply is for.
        names: gives the natural keys, present and former, that the configuration has for an address.

    Raises:
        UsageError: the file is something else, or what is left in it belongs to something else.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UsageError(f"cannot write {path}: it is not a regular file. Name another file")
        with path.open("rb") as file:
            text = file.read(_LARGEST)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from None
    if not text:
        return ()
    try:
        if format_of(text) != "reconciler.report":
            raise UsageError(f"cannot write {path}: the file exists and is not a report. Name another file")
        report = parse_report(text, str(path))
    except PlanFileError as error:
        raise UsageError(f"cannot write {path}: {error}") from None
    if not report.unfinished:
        return ()
    if not scope.has_signed(report.unfinished, report.unfinished_signature):
        raise UsageError(
            f"cannot write {path}: it holds what an interrupted apply to account {report.account_sid} saved, and was "
            "edited, or that apply had other credentials, another RECONCILER_PLAN_KEY, endpoint, or root file. "
            "Name another file"
        )
    if is_tracked(path):
        raise UsageError(f"cannot write {path}: it holds what an interrupted apply saved, and git tracks it")
    entries = (parse_entry(entry, str(path)) for entry in report.unfinished)
    return tuple(_named(entry, names(entry.address), scope) for entry in entries)


def _named(entry: UnfinishedReplace, names: Iterable[str], scope: JournalScope) -> UnfinishedReplace:
    """The same entry with its natural key, which a report may not hold, if that is one of several."""
    found = next((name for name in names if scope.digest(name) == entry.name_digest), "")
    return replace(entry, name=found) if entry.name_digest else entry
