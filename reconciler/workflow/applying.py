"""Applies: plans again, asks for approval, and executes the plan.

Takes `Inputs`, an `Endpoint`, and functions that show and decide; returns an `Applied`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, nullcontext
from dataclasses import field, replace
from enum import Enum
from typing import TYPE_CHECKING

from reconciler.errors import ConfigError, GuardRefusal, MatchError, Problem, StalePlan, UsageError
from reconciler.lazy_dataclass import dataclass
from reconciler.sources.edited import EditedSources
from reconciler.sources.recording import RecordingSources
from reconciler.workflow.baselines import load_declarations
from reconciler.workflow.connecting import PLAN_KEY, connect, is_local, plan_key, shared_connections
from reconciler.workflow.ledgers import LedgerRecorder, open_ledger
from reconciler.workflow.loading import Source, current_source, validate
from reconciler.workflow.planning import approvals, build_document, known_secrets, plan_options, plan_with_records
from reconciler.workflow.prospects import LazyProspects
from reconciler.workflow.undo_ledger import UndoRecorder

if TYPE_CHECKING:
    import asyncio

    from reconciler.api.transport import SharedConnections
    from reconciler.config.model import Config
    from reconciler.config.sources import Sources
    from reconciler.documents.plan import PlanFile
    from reconciler.documents.report import ReportFile
    from reconciler.documents.step_values import StepValues
    from reconciler.documents.ways_out import Accepting
    from reconciler.ledger.opening import Ledger
    from reconciler.planning.options import PlanOptions
    from reconciler.planning.plan import Plan
    from reconciler.report import Progress, Report
    from reconciler.workflow.inputs import Endpoint, Inputs
    from reconciler.workflow.recording import Recorder
    from reconciler.workflow.undoing import UndoSource


@dataclass(frozen=True, slots=True)
class Applied:
    """The result of an apply.

    Attributes:
        file: The plan that was applied.
        report: The outcomes; None if there was nothing to do, or the user declined.
        declined: Whether the user declined.
        document: The report in a form that may be shown, without a seal; None if the user declined.
        key: The key of the report's seal.
        begun_ledger: The ref of the ledger, if it began with this apply; empty otherwise.
    """

    file: PlanFile
    report: Report | None
    declined: bool = False
    document: ReportFile | None = None
    key: bytes = field(default=b"", repr=False)
    begun_ledger: str = ""

    def sealed(self) -> ReportFile:
        """Return the report with its seal, without which an undo of the saved report requires approvals."""
        assert self.document is not None  # the user did not decline
        return self.document.sealed(self.key)


Show = Callable[["PlanFile"], None]
"""Shows a plan that has changes, before anything else is done with it."""


class Decision(Enum):
    """The decision about a plan that was shown.

    Attributes:
        DECLINED: It is not applied.
        APPROVED: A user approved it just now. The account may have changed while the user read the plan, so it is
            planned again, and only the changes that were shown are applied.
        PREAPPROVED: It was approved from the start, so no time has passed since it was made.
    """

    DECLINED = "declined"
    APPROVED = "approved"
    PREAPPROVED = "preapproved"


Confirm = Callable[["PlanFile"], Awaitable[Decision]]
"""Decides about a plan that was shown."""


async def apply(
    inputs: Inputs,
    endpoint: Endpoint,
    progress: Progress,
    show: Show,
    confirm: Confirm,
    *,
    approved: PlanFile | None = None,
    stop: asyncio.Event | None = None,
    trigger_webhooks: bool = False,
    report: str = "",
    undo: UndoSource | None = None,
    on_stale: Callable[[], None] | None = None,
    on_prospects: Callable[[Accepting], None] = lambda _prospects: None,
) -> Applied:
    """Plan again and apply, or undo.

    Args:
        inputs: The configuration.
        endpoint: The API.
        progress: Receives the progress.
        show: Shows the plan, unless there is nothing to do.
        confirm: Decides about the plan before anything is written.
        approved: A reviewed plan, which must contain every change of the fresh one. Its approvals count if its seal
            matches.
        stop: If set, no further step is started.
        trigger_webhooks: Whether writes trigger the account's own webhooks.
        report: A file that the report is written to during the apply; empty for no report.
        undo: The report whose apply is undone; None to apply the configuration.
        on_stale: Called before the plan is shown if the approved plan no longer fits.
        on_prospects: Called before the plan is shown, with what `accept` would take of it.

    Raises:
        JournalError: Values that only the account has could not be saved; nothing was sent.
        MatchError: A step needs a secret that is not set; nothing was sent.
        StalePlan: The approved plan no longer fits, or belongs to another configuration; nothing was sent.
        GuardRefusal: A guard refuses; nothing was sent.
        ReconcilerError: See `reconciler.errors`; nothing was sent.
    """
    files = RecordingSources(inputs.path, endpoint.environment)
    sources = EditedSources(files)
    config = _load(inputs, approved, endpoint.environment, sources)
    _check_account(config, endpoint)
    async with AsyncExitStack() as opened:
        shared = await opened.enter_async_context(shared_connections())
        planning = _Planning(config, inputs, progress, report, files, opened, shared, undo)
        fresh, endpoint = await planning.run(endpoint, approved)
        on_prospects(LazyProspects(fresh.plan, config, inputs, files, sources))
        if fresh.plan.changes or fresh.differences:
            if fresh.differences and on_stale is not None:
                on_stale()
            show(fresh.document)
            fresh.check()
            decision = await confirm(fresh.document)
            if decision is Decision.DECLINED:
                return Applied(fresh.document, None, declined=True)
            if decision is Decision.APPROVED:
                fresh, endpoint = await planning.run(endpoint, fresh.document.sealed(fresh.recorder.key))
                fresh.check()
        return await _carry_out(fresh, planning, endpoint, stop, trigger_webhooks=trigger_webhooks)


async def _carry_out(
    fresh: _Fresh, planning: _Planning, endpoint: Endpoint, stop: asyncio.Event | None, *, trigger_webhooks: bool
) -> Applied:
    """Send the steps of a plan, between the two entries of the ledger."""
    from reconciler.api.client import Client  # noqa: PLC0415 - see the package
    from reconciler.execution.apply import apply as apply_plan  # noqa: PLC0415 - see the package
    from reconciler.report import Report, ReportOrigin  # noqa: PLC0415 - see the package

    made, document, values, progress = fresh.plan, fresh.document, fresh.values, planning.progress
    recorder = planning.ledger_recorder(fresh, endpoint)
    ledger = fresh.ledger
    source = (
        Source(ledger.source, ledger.ref.repository.root)
        if ledger is not None and ledger.source
        else current_source(planning.inputs, endpoint.environment)
    )
    origin = ReportOrigin(
        source_commit=source.commit,
        source_root=source.root,
        entry=0 if recorder is None else recorder.number,
        follow_up=planning.follow_up(fresh, endpoint),
    )
    begun = ledger.ref.name if recorder is not None and ledger is not None and ledger.begins else ""
    if not made.changes:
        with fresh.recorder.record(made, document, values, origin, progress) as record:
            shown = record.end(Report(()))
        if recorder is not None:
            recorder.end(None)
        return Applied(document, None, document=shown, key=fresh.recorder.key, begun_ledger=begun)
    async with connect(
        endpoint, Client, progress, stop, config=planning.config, creates_emulator=True, shared=planning.shared
    ) as client:
        with fresh.recorder.record(made, document, values, origin, progress) as record:
            with recorder.recording(client.retry.seconds_left) if recorder else nullcontext():
                report = await apply_plan(
                    made, client, record, stop, trigger_webhooks=trigger_webhooks, journal=record, values=values
                )
                if recorder is not None:
                    report = replace(report, unrecorded=recorder.end(report))
            ended = record.end(report)
            return Applied(document, report, document=ended, key=fresh.recorder.key, begun_ledger=begun)


@dataclass(frozen=True, slots=True)
class _Fresh:
    """A plan that was made to be applied.

    Attributes:
        plan: The plan.
        document: The plan in a form that may be shown.
        recorder: The files on the disk that the apply reads and writes.
        values: Describes the values before and after the steps, for the report.
        differences: The changes that the approved plan does not contain, one sentence each.
        is_sealed: Whether the approvals of the approved plan count.
        ledger: The ledger; None without one.
        is_proved: Whether the report that is undone proves what its apply did.
    """

    plan: Plan
    document: PlanFile
    recorder: Recorder
    values: StepValues
    differences: tuple[str, ...]
    is_sealed: bool
    ledger: Ledger | None = None
    is_proved: bool = True

    def check(self) -> None:
        """Raise the reason why the plan cannot be applied, if there is one.

        Raises:
            StalePlan: The approved plan does not contain it.
            GuardRefusal: A guard refuses it.
        """
        if self.differences:
            raise StalePlan(self.differences)
        if self.plan.blocking():
            raise GuardRefusal((*self.plan.blocking(), *(() if self.is_sealed else _unsealed(self.plan))))


@dataclass(frozen=True, slots=True)
class _Planning:
    """Plans to apply; the second time, with the remaining time of the deadline.

    Attributes:
        config: The configuration.
        inputs: The options of the plan.
        progress: Receives the progress.
        report: The file that the report is written to during the apply; empty for none.
        files: What the configuration was loaded from.
        opened: Closes the ledgers.
        shared: The connections of the reads and the writes.
        source: The report whose apply is undone; None to apply the configuration.
    """

    config: Config
    inputs: Inputs
    progress: Progress
    report: str
    files: RecordingSources
    opened: AsyncExitStack
    shared: SharedConnections
    source: UndoSource | None

    def ledger_recorder(self, fresh: _Fresh, endpoint: Endpoint) -> LedgerRecorder | UndoRecorder | None:
        """Return what records the apply of a plan; None without a ledger, and with ``--no-record``."""
        if fresh.ledger is None or not self.inputs.ledger.records:
            return None
        if self.source is not None:
            ledger, environment = fresh.ledger, endpoint.environment
            return UndoRecorder(
                ledger,
                fresh.plan,
                self.source.report,
                environment,
                lambda entry: load_declarations(ledger, entry, self.inputs, environment),
                is_sealed=fresh.is_proved,
            )
        return LedgerRecorder(
            fresh.ledger, fresh.plan, fresh.document, self.config, self.inputs, endpoint=endpoint, files=self.files
        )

    def follow_up(self, fresh: _Fresh, endpoint: Endpoint) -> tuple[str, ...]:
        """Return the commands that follow an undo."""
        if self.source is None:
            return ()
        from reconciler.workflow.reverting import reverts_with_ledger, reverts_without_ledger  # noqa: PLC0415 - for undo

        if fresh.ledger is not None:
            return reverts_with_ledger(fresh.ledger, self.source, fresh.plan, self.files)
        return reverts_without_ledger(self.source, fresh.plan, self.inputs, endpoint.environment)

    async def run(self, endpoint: Endpoint, approved: PlanFile | None) -> tuple[_Fresh, Endpoint]:
        """Plan; return the plan, and the endpoint with the remaining time of the deadline.

        Args:
            endpoint: The API.
            approved: A plan that must contain the fresh one.

        Raises:
            MatchError: A step needs a secret that is not set.
        """
        begin = time.monotonic()
        fresh = await self._plan(endpoint, approved)
        return fresh, replace(endpoint, timeout=endpoint.timeout - (time.monotonic() - begin))

    async def _plan(self, endpoint: Endpoint, approved: PlanFile | None) -> _Fresh:
        from reconciler.api.client import ReadClient  # noqa: PLC0415 - see the package

        config, inputs = self.config, self.inputs
        shared_key = plan_key(endpoint)
        options = plan_options(inputs)
        is_sealed = True
        async with connect(
            endpoint, ReadClient, self.progress, config=config, creates_emulator=True, shared=self.shared
        ) as reader:
            key = shared_key or reader.credentials.digest_key()
            if approved is not None:
                is_sealed = approved.has_valid_seal(key)
                options = _with_approvals(options, approved, is_sealed=is_sealed)
                if approved.config_digest == config.digest:
                    from reconciler.documents.kept_decisions import reviewed_decisions  # noqa: PLC0415 - see the package

                    options = replace(options, reviewed=reviewed_decisions(approved, is_sealed=is_sealed))
            ledger, notes = await open_ledger(
                config, inputs, endpoint, reader, self.files, writes=True, applies_source=self.source is None
            )
            if ledger is not None:
                self.opened.callback(ledger.close)
            undo = None
            if self.source is not None:
                planner = self.source.undo(config, key, inputs, endpoint.environment, is_plan_sealed=is_sealed)
                undo = (self.source, planner)
            if ledger is not None and approved is not None:
                notes += _moved(ledger, approved)
            made, recorder = await plan_with_records(
                config,
                inputs,
                replace(options, notes=notes),
                reader,
                self.progress,
                key=shared_key,
                report=self.report,
                ledger=ledger,
                environment=endpoint.environment,
                undo=undo,
            )
            # Not before the account is read: they are imported while requests are in flight.
            from reconciler.documents.step_values import StepValues  # noqa: PLC0415 - see the package
            from reconciler.documents.values import Digests, Mask  # noqa: PLC0415 - see the package

            document = build_document(made, reader, key, config)
            hidden = tuple(known_secrets(config, reader))
            described = config.resources if undo is None else undo[1].described()
            values = StepValues(made, described, Mask(hidden), Digests(made.account_sid, key))
        if made.unset:
            raise MatchError(made.unset, config.lines)
        differences: tuple[str, ...] = ()
        if approved is not None:
            from reconciler.documents.approval import not_approved  # noqa: PLC0415 - see the package
            from reconciler.documents.live import live_at  # noqa: PLC0415 - see the package

            differences = not_approved(approved, document, live_at(made, approved, key=key, hidden=hidden))
        is_proved = undo is None or undo[1].is_sealed
        return _Fresh(made, document, recorder, values, differences, is_sealed, ledger, is_proved)


def _moved(ledger: Ledger, approved: PlanFile) -> tuple[Problem, ...]:
    """Note that another apply was recorded since the approved plan was made (T9)."""
    head = ledger.head.entry.number if ledger.head is not None else 0
    before = approved.baseline.entry if approved.baseline is not None else head
    if before == head:
        return ()
    message = (
        f"the ledger moved since the approved plan was made, from entry {before} to {head}; the account is compared "
        "with the new entry"
    )
    return (Problem("ledger-moved", message, severity="notice"),)


def _with_approvals(options: PlanOptions, approved: PlanFile, *, is_sealed: bool) -> PlanOptions:
    """Add the approvals of an approved plan, which count only if its seal proves that they were not edited.

    The plan is compared with a fresh one, so editing it gains nothing else.
    """
    brought = approvals(approved.options.approved)
    counting = dict.fromkeys((*brought, *options.approved) if is_sealed else options.approved)
    ours = options.ours or (is_sealed and approved.options.ours)
    return replace(options, approved=tuple(counting), brought=brought, ours=ours)


def _unsealed(made: Plan) -> Iterator[str]:
    """Explain why an approval in the plan file does not count, if a guard requires it."""
    brought = {(approval.address, approval.action) for approval in made.options.brought}
    required = [
        change
        for change in made.changes
        if change.guard is not None and change.guard.name == "approval" and (change.address, change.action) in brought
    ]
    if required:
        yield (
            "the approvals in the plan file do not count, because its seal does not match: the file was edited, or "
            "made with other credentials; give --approve again, or set the same "
            f"{PLAN_KEY} (or use the same credentials) for plan and apply"
        )


def _check_account(config: Config, endpoint: Endpoint) -> None:
    """Check that a configuration for a real account declares it.

    Raises:
        UsageError: It does not.
    """
    if config.account_sid is None and not is_local(endpoint):
        raise UsageError(
            "the configuration does not declare its account, so it is not applied to a real one; set account.sid, or "
            "account_sid of the environment, to the account's SID"
        )


def _load(inputs: Inputs, approved: PlanFile | None, environment: Mapping[str, str], files: Sources) -> Config:
    """Load the configuration to apply.

    Raises:
        StalePlan: It has no environment of the name that the approved plan was made for.
    """
    try:
        return validate(inputs, environment, secrets_later=True, sources=files)
    except ConfigError as error:
        unknown = next((problem for problem in error.problems if problem.code == "unknown-environment"), None)
        if approved is None or unknown is None:
            raise
        difference = (
            f"the plan was made for environment {approved.options.env!r}, which {inputs.path} does not define "
            f"({unknown.hint}); if the plan belongs to another configuration, pass the path of that one"
        )
        raise StalePlan([difference]) from None
