"""Finds the records that interrupted applies left on disk, and opens the files that an apply writes.

Takes a configuration, a client, and paths; returns a `Recorder`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import JournalError, UsageError
from reconciler.lazy_dataclass import dataclass
from reconciler.sources.disk import DiskSources
from reconciler.workflow.loading import other_root

if TYPE_CHECKING:
    from reconciler.address import Address
    from reconciler.api.client import ReadClient
    from reconciler.config.model import Config
    from reconciler.documents.plan import PlanFile
    from reconciler.documents.report import ReportFile
    from reconciler.documents.step_values import StepValues
    from reconciler.execution.journal_file import JournalFile
    from reconciler.execution.record import Record
    from reconciler.journal import UnfinishedReplace
    from reconciler.planning.plan import Plan
    from reconciler.report import Progress, ReportOrigin
    from reconciler.workflow.inputs import Inputs


@dataclass(frozen=True, slots=True)
class Recorder:
    """The files on disk that an apply reads and writes.

    Attributes:
        journal: The journal's file.
        report: The report's file; None if there is no report.
        unfinished: The replaces that interrupted applies began.
        key: The key of digests and seals.
        past: The sealed report that the file has, which the apply may continue; None for none.
    """

    journal: JournalFile
    report: Path | None
    unfinished: tuple[UnfinishedReplace, ...]
    key: bytes = field(repr=False)
    past: ReportFile | None = field(default=None, repr=False)

    @contextmanager
    def record(
        self, plan: Plan, document: PlanFile, values: StepValues, origin: ReportOrigin, progress: Progress
    ) -> Iterator[Record]:
        """Open the record of an apply. The journal is locked and written only if there is something to write.

        Args:
            plan: The plan that is applied.
            document: The plan as it may be shown.
            values: Describes the values before and after the steps.
            origin: What the report says besides the outcomes.
            progress: Receives the progress as well.

        Raises:
            JournalError: The journal cannot be written, or another apply writes it.
        """
        from reconciler.execution.record import Record  # noqa: PLC0415 - see the package

        with ExitStack() as stack:
            has_replaces = any(change.action == "replace" and not change.is_withheld for change in plan.changes)
            record = Record(
                plan,
                document,
                scope=self.journal.scope,
                journal=self._open_journal(stack) if self.unfinished or has_replaces else None,
                report=self.report,
                unfinished=self.unfinished,
                past=self.past,
                values=values,
                key=self.key,
                origin=origin,
                progress=progress,
            )
            record.start()
            yield record

    def _open_journal(self, stack: ExitStack) -> JournalFile | None:
        """Lock the journal; return None if it cannot be written and a report keeps the values that may be shown.

        Raises:
            JournalError: It cannot be written and there is no report, or another apply writes or changed it.
        """
        before = self.journal.replaces
        try:
            journal = stack.enter_context(self.journal.writing())
        except JournalError:
            if self.report is None or self.journal.is_locked:
                raise
            return None
        journal.load()
        if journal.replaces.keys() != before.keys():
            raise JournalError(
                f"another apply changed {journal.path.as_posix()} in the meantime; nothing was sent. Run the command "
                "again"
            )
        return journal


def find_recorder(
    config: Config, inputs: Inputs, client: ReadClient, account_sid: str, *, key: bytes | None, report: str
) -> Recorder:
    """Read the records that interrupted applies of this configuration and account left, in any environment.

    Args:
        config: The configuration.
        inputs: The path of the configuration; the journal is in the same folder.
        client: The API, which scopes the journal.
        account_sid: The account that was read.
        key: The key that plan and apply share; None for the credentials' own.
        report: The file of the report, which may be that of an interrupted apply; empty for none.
    """
    from reconciler.documents.journal import JournalScope  # noqa: PLC0415 - see the package
    from reconciler.execution.journal_file import JournalFile  # noqa: PLC0415 - see the package

    root = Path(DiskSources(inputs.path, {}).root)
    scope = JournalScope(
        account_sid=account_sid,
        root=root.name,
        endpoint=client.endpoint,
        key=key or client.credentials.signing_key(),
    )
    journal = JournalFile(root.parent, scope)

    def names(address: Address) -> tuple[str, ...]:
        declared = config.resources.get(address)
        return () if declared is None else (declared.natural_key, declared.renamed_from)

    shared = key or client.credentials.digest_key()
    replaces: dict[str, UnfinishedReplace] = {}
    found = None
    if report:
        from reconciler.execution.record import read_report  # noqa: PLC0415 - see the package

        past = read_report(Path(report), scope, names, key=shared)
        replaces, found = {saved.sid: saved for saved in past.unfinished}, past.report
    # The journal contains what a report leaves out.
    replaces |= {saved.sid: saved for saved in journal.load()}
    return Recorder(journal, Path(report) if report else None, tuple(replaces.values()), shared, found)


def continued(past: ReportFile | None, path: str, inputs: Inputs, environment: Mapping[str, str]) -> ReportFile | None:
    """Return the report that an apply may continue: not that of another configuration or environment.

    Args:
        past: The report that the file has; None for none.
        path: The file.
        inputs: The configuration that is applied.
        environment: Environment variables.

    Raises:
        UsageError: It is of another one, and of an apply that did not complete, so it may be needed to undo that.
    """
    if past is None:
        return None
    other = other_root(past.source_root, inputs, environment)
    if other is None and past.options.env == inputs.environment:
        return past
    if not past.has_failed:
        return None
    of = past.source_root if other is not None else "this configuration"
    of += f", environment {past.options.env}" if past.options.env else ""
    raise UsageError(
        f"{path} is the report of an apply of {of} that did not complete. Use another file for this apply, so that the "
        "other one can be undone or continued"
    )
