"""The files that an apply writes while it runs: its journal, and its report so far.

Takes a plan and paths, and receives the progress of every step. The report of an apply that is still running or was
killed shows the state at the time of the last write.
"""

from __future__ import annotations

import shlex
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.address import Address
from reconciler.change import Change, Step
from reconciler.documents.journal import JournalScope, parse_saved_replace, saved_replace
from reconciler.documents.plan import PlanFile
from reconciler.documents.report import EarlierRunPart, ReportFile, parse_report, report_document
from reconciler.documents.saved import format_of
from reconciler.documents.step_values import StepValues
from reconciler.errors import JournalError, PlanFileError, UsageError
from reconciler.execution.journal_file import JournalFile, is_tracked, write_durably
from reconciler.execution.schedule import is_withheld, withheld_without_steps
from reconciler.journal import UnfinishedReplace
from reconciler.planning.plan import Plan
from reconciler.report import Outcome, Progress, Report, ReportOrigin, Written, result_of

_SECONDS = 1.0
"""The shortest interval between two writes of the report, unless something has to be saved."""
_MOST_TIMES = 10
"""The interval is at least so many times as long as a write takes, so that a large report does not slow the apply."""
_LARGEST = 200_000_000


class Record:
    """The record of one apply: a `reconciler.journal.Journal`, and a `Progress` that forwards to another one.

    Args:
        plan: the plan that is applied.
        seen: its document, redacted.
        scope: the scope of the journal and of the report's saved replaces.
        journal: the journal; None if the folder cannot be written to.
        report: the file of the report; None if there is no report.
        unfinished: what interrupted applies saved.
        past: the sealed report that the file has; None for none.
        values: describes the values before and after the steps.
        key: seals the report.
        origin: what the report says besides the outcomes.
        progress: receives the progress as well.
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
        past: ReportFile | None = None,
        values: StepValues,
        key: bytes,
        origin: ReportOrigin,
        progress: Progress,
    ) -> None:
        self._plan = plan
        self._seen = seen
        self._scope = scope
        self._journal = journal
        self._report = report
        self._progress = progress
        self._values = values
        self._key = key
        self._origin = origin
        self._unfinished = {saved.sid: saved for saved in unfinished}
        self._earlier: tuple[EarlierRunPart, ...] = ()
        if past is not None:
            self._earlier = past.runs_to_continue(seen.config_digest, has_changes=bool(plan.changes))
        self._outcomes: dict[str, Outcome] = {}
        self._begun: set[str] = set()
        self._may_write: dict[str, Written] = {}
        self._begin = time.monotonic()
        self._next_write = float("-inf")

    def start(self) -> None:
        """Remove the replaces that are complete, and write the first report.

        Raises:
            JournalError: the journal or the report cannot be written.
        """
        try:
            for sid in self._plan.execution.finished_replaces:
                self.finish(sid)
            self._write_report()
        except OSError as error:
            where = str(error.filename or self._report)
            if self._report is not None and Path(where).name.startswith(f".{self._report.name}."):
                where = str(self._report)  # not the temporary file that replaces it
            raise JournalError(f"cannot write {where}: {error.strerror or error}; nothing was sent") from None

    def end(self, report: Report) -> ReportFile:
        """Write the final report, and return it without a seal.

        Raises:
            UsageError: it cannot be written.
        """
        found = self._file(report, ended=True)
        if self._report is not None:
            try:
                write_durably(self._report, found.sealed(self._key).to_json())
            except OSError as error:
                raise UsageError(f"cannot write {self._report}: {error.strerror or error}") from None
        return found

    # --- the journal --------------------------------------------------------------------------------------------------

    def begin(self, saved: UnfinishedReplace) -> None:
        """Store a saved replace; see `reconciler.journal.Journal`."""
        if self._journal is not None:
            self._journal.begin(saved)
        elif saved.sensitive:
            paths = ", ".join(sorted(saved.sensitive))
            raise OSError(f"{paths} must not be in a report, and .reconciler/ is not writable")
        self._unfinished[saved.sid] = saved
        self._write_report()

    def finish(self, sid: str) -> None:
        """Remove a saved replace; see `reconciler.journal.Journal`."""
        if self._unfinished.pop(sid, None) is not None and self._journal is not None:
            self._journal.finish(sid)

    # --- the progress -------------------------------------------------------------------------------------------------

    def reading(self, answered: int, asked: int) -> None:
        """Forward to the other progress."""
        self._progress.reading(answered, asked)

    def working(self, what: str) -> None:
        """Forward to the other progress."""
        self._progress.working(what)

    def started(self, step: Step) -> None:
        """Note that a step was started."""
        self._begun.add(step.id)
        self._progress.started(step)

    def ended(self, outcome: Outcome, done: int, total: int) -> None:
        """Note the outcome of a step."""
        self._outcomes[outcome.step] = outcome
        if self._report is not None and time.monotonic() >= self._next_write:
            # A report that cannot be written now must not end the apply.
            try:
                self._write_report()
            except OSError:
                self._next_write = time.monotonic() + _SECONDS
        self._progress.ended(outcome, done, total)

    def waiting(self, seconds: float, why: str) -> None:
        """Forward to the other progress."""
        self._progress.waiting(seconds, why)

    # --- the report ---------------------------------------------------------------------------------------------------

    def _write_report(self) -> None:
        if self._report is None:
            return
        results = tuple(
            result_of(change, [self._outcome(change, step) for step in change.steps] or withheld_without_steps(change))
            for change in self._plan.changes
        )
        seconds = time.monotonic() - self._begin
        report = Report(results, seconds=seconds, interrupted=True)
        begin = time.monotonic()
        write_durably(self._report, self._file(report, ended=False).sealed(self._key).to_json())
        now = time.monotonic()
        self._next_write = now + max(_SECONDS, _MOST_TIMES * (now - begin))

    def _outcome(self, change: Change, step: Step) -> Outcome:
        """Return the outcome of a step, or the one that it would have if the apply were cut off now."""
        found = self._outcomes.get(step.id)
        if found is not None:
            return found
        address, sid = str(change.address), step.sid or ""
        if is_withheld(change, step):
            return Outcome(step.id, address, step.op, "withheld", sid, change.guard.message if change.guard else "")
        # If the apply is killed before the next write, this step may be done all the same.
        if step.id not in self._may_write:
            self._may_write[step.id] = self._values.planned(step)
        written = self._may_write[step.id]
        if step.id in self._begun:
            message = "its request was in progress when this report was written"
            return Outcome(step.id, address, step.op, "interrupted", sid, message, cause="interrupted", written=written)
        message = "it had not started when this report was written"
        return Outcome(step.id, address, step.op, "skipped", sid, message, cause="interrupted", written=written)

    def _file(self, report: Report, *, ended: bool) -> ReportFile:
        replaces = []
        for saved in self._unfinished.values():
            shown = {path: value for path, value in saved.values.items() if path not in saved.sensitive}
            named = replace(saved, values=shown)
            if saved.title:
                digest = saved.name_digest or self._scope.digest(saved.name)
                named = replace(named, name="", name_digest=digest)
            replaces.append(saved_replace(named))
        found = report_document(replace(report, origin=self._origin), self._seen)
        signature = self._scope.signature(replaces) if replaces else ""
        return replace(
            found, ended=ended, earlier=self._earlier, unfinished=tuple(replaces), unfinished_signature=signature
        )


@dataclass(frozen=True, slots=True)
class PastReport:
    """What a report of an earlier apply says, which is about to be replaced.

    Attributes:
        unfinished: the replaces that it began.
        report: the report of an apply to the same account, if it is sealed. No claim of another one gets a seal.
    """

    unfinished: tuple[UnfinishedReplace, ...] = ()
    report: ReportFile | None = None


def read_report(
    path: Path,
    scope: JournalScope,
    names: Callable[[Address], Iterable[str]],
    *,
    key: bytes,
) -> PastReport:
    """Read the report of an earlier apply that is about to be replaced.

    Args:
        path: the file; it may be missing or empty.
        scope: the scope of the apply.
        names: returns the natural keys, present and former, that the configuration has for an address.
        key: the key of seals.

    Raises:
        UsageError: the file is not a report, or what it saved belongs to another scope.
    """
    report = _read_report(path)
    if report is None:
        return PastReport()
    is_same_account = report.account_sid == scope.account_sid and report.format_version == 2
    is_own = is_same_account and report.options.undo is None and report.has_valid_seal(key)
    return PastReport(tuple(_saved_replaces(report, path, scope, names)), report if is_own else None)


def _read_report(path: Path) -> ReportFile | None:
    """Return a report; None if the file is missing or empty.

    Raises:
        UsageError: it is something else.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UsageError(f"cannot write {path}: it is not a regular file. Use another file")
        with path.open("rb") as file:
            text = file.read(_LARGEST)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from None
    if not text:
        return None
    try:
        if format_of(text) != "reconciler.report":
            raise UsageError(f"cannot write {path}: the file exists and is not a report. Use another file")
        return parse_report(text, str(path))
    except PlanFileError as error:
        raise UsageError(f"cannot write {path}: {error}") from None


def _saved_replaces(
    report: ReportFile, path: Path, scope: JournalScope, names: Callable[[Address], Iterable[str]]
) -> Iterator[UnfinishedReplace]:
    """Yield the replaces that a report saved.

    Raises:
        UsageError: they belong to another scope, or git tracks the file.
    """
    if not report.unfinished:
        return
    if not scope.has_signed(report.unfinished, report.unfinished_signature):
        raise UsageError(
            f"cannot write {path}: it contains values that an interrupted apply to account {report.account_sid} "
            "saved, "
            "but it was edited, or that apply used different credentials, RECONCILER_PLAN_KEY, endpoint, or "
            "root file. "
            "Use another file"
        )
    if is_tracked(path):
        raise UsageError(
            f"cannot write {path}: it contains values that an interrupted apply saved, and git tracks it. "
            f"Remove it from git: git rm --cached {shlex.quote(str(path))}"
        )
    for part in report.unfinished:
        saved = parse_saved_replace(part, str(path))
        yield _named(saved, names(saved.address), scope)


def _named(saved: UnfinishedReplace, names: Iterable[str], scope: JournalScope) -> UnfinishedReplace:
    """Restore the natural key, which a report may contain only as a digest, if it is one of the names."""
    found = next((name for name in names if scope.digest(name) == saved.name_digest), "")
    return replace(saved, name=found) if saved.name_digest else saved
