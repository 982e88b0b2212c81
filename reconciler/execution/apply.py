"""An apply: runs the steps of a plan as a graph, each one as soon as its dependencies have succeeded.

Takes a `Plan` and a `Client`; returns a `Report` with one outcome for each step. Decides nothing: the plan and its
guards have decided, and the caller has the approval. If a step fails, its dependents are skipped, and independent steps
go on. Steps that are `last` run only if everything before them succeeded.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace

from reconciler.api import logs
from reconciler.api.client import Client
from reconciler.change import Step
from reconciler.documents.step_values import StepValues
from reconciler.errors import ApiError, Cause, Refusal, Refused, cause_of
from reconciler.execution.fair_slots import FairSlots
from reconciler.execution.replace_journal import ReplaceJournal
from reconciler.execution.schedule import groups, is_withheld, phases, ranks, scope_of, withheld_without_steps
from reconciler.execution.step_errors import OutcomeUnknown, StepFailed
from reconciler.execution.steps import StepRunner
from reconciler.journal import Journal
from reconciler.planning.plan import Plan
from reconciler.redaction import texts_of
from reconciler.redaction.urls import hidden_parts
from reconciler.report import ChangeResult, Outcome, Progress, Report, Status, Written, result_of

GRACE_SECONDS = 10.0
"""Seconds that requests in progress have to complete after an interrupt."""

_INTERRUPTED = "the run was interrupted before this step"
_OUT_OF_TIME = "the command's deadline passed before this step (--timeout)"
_RESULT: Mapping[str, str] = {
    "failed": "failed",
    "skipped": "was skipped",
    "interrupted": "was interrupted",
    "withheld": "was withheld",
}
"""Describes how a step ended, for the steps that depend on it."""
_REJECTED = frozenset({400, 409})
"""Statuses of a delete that does not fit the state of the account; the one for a role in use is undocumented."""
_SUCCEEDED = frozenset({"done", "unchanged"})
_UNFINISHED = frozenset({"failed", "skipped", "interrupted"})


async def apply(
    plan: Plan,
    client: Client,
    progress: Progress,
    stop: asyncio.Event | None = None,
    *,
    trigger_webhooks: bool = False,
    journal: Journal | None = None,
    values: StepValues | None = None,
) -> Report:
    """Apply every change of a plan that no guard withholds.

    Args:
        plan: the plan; no guard may refuse it as a whole (`Plan.blocking`).
        client: sends the requests.
        progress: receives the start and the outcome of each step.
        stop: when set, no further step is started; requests in progress end within `GRACE_SECONDS`. If this is
            cancelled after that, it returns the report at once.
        trigger_webhooks: whether writes fire the account's webhooks where the API allows to choose.
        journal: keeps each replace from before its first request; none if left out.
        values: describes the values before and after each step for the report, which has none if this is left out.

    Returns:
        The outcome of each step. Errors of the API are outcomes, not exceptions.
    """
    steps = StepRunner(plan, client, trigger_webhooks=trigger_webhooks)
    run = _Apply(plan, client, progress, stop or asyncio.Event(), steps=steps, journal=journal, values=values)
    started, requests, writes, resent = time.monotonic(), client.requests, client.writes, client.resent
    results = await run.run()
    return Report(
        results=tuple(results),
        requests=client.requests - requests,
        writes=client.writes - writes,
        resent=client.resent - resent,
        seconds=time.monotonic() - started,
        interrupted=run.stop.is_set(),
        unreadable=plan.unreadable,
    )


class _Apply:
    """One apply; for the arguments see `apply`."""

    def __init__(
        self,
        plan: Plan,
        client: Client,
        progress: Progress,
        stop: asyncio.Event,
        *,
        steps: StepRunner,
        journal: Journal | None,
        values: StepValues | None,
    ) -> None:
        self.stop = stop
        self._plan = plan
        self._client = client
        self._progress = progress
        self._steps = steps
        self._values = values
        self._replaces = ReplaceJournal(journal, self._steps.references, plan.environment)
        self._redact = client.redact.joined(_sensitive_texts(plan))
        self._slots = FairSlots(max(1, client.concurrency), lambda: client.write_concurrency, client.rate_limit)
        self._change = {step.id: change for change in plan.changes for step in change.steps}
        self._outcomes: dict[str, Outcome] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._group_ended: dict[str, asyncio.Event] = {}
        self._begun: set[str] = set()
        self._ended = 0
        self._total = sum(1 for change in plan.changes for step in change.steps if not is_withheld(change, step))

    async def run(self) -> list[ChangeResult]:
        """Run every step, phase by phase."""
        changes = self._plan.changes
        for change in changes:
            for step in change.steps:
                if is_withheld(change, step):
                    message = change.guard.message if change.guard is not None else ""
                    self._record(Outcome(step.id, str(change.address), step.op, "withheld", step.sid or "", message))
        steps = [step for change in changes for step in change.steps if step.id not in self._outcomes]
        for phase in phases(steps):
            await self._run_phase(phase)
        return [
            result_of(change, [self._outcomes[step.id] for step in change.steps] or withheld_without_steps(change))
            for change in changes
        ]

    async def _run_phase(self, phase: Sequence[Step]) -> None:
        blocker = next((item for item in self._outcomes.values() if item.status in _UNFINISHED), None)
        for step in phase:
            if blocker is not None and (step.last or step.late):
                message = f"deletes run only after everything else has succeeded, and {_described(blocker)}"
                self._skip(step, blocker.step, message)
        remaining = [step for step in phase if step.id not in self._outcomes]
        ordered = groups(remaining)
        for group, rank in zip(ordered, ranks(ordered), strict=True):
            self._group_ended.update(dict.fromkeys((step.id for step in group), asyncio.Event()))
            self._tasks.append(asyncio.create_task(self._run_when_ready(group, rank)))
        await self._wait_for_tasks()
        for step in remaining:
            self._record_cut_off(step)

    async def _wait_for_tasks(self) -> None:
        """Wait for every task; after an interrupt only for the grace period, after a second one not at all.

        Raises:
            BaseException: a bug in one of them, raised after the requests in progress have ended.
        """
        tasks, self._tasks = self._tasks, []
        if not tasks:
            return
        everything, grace = asyncio.ensure_future(asyncio.wait(tasks)), asyncio.ensure_future(self._end_of_grace())
        try:
            await asyncio.wait([everything, grace], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if not self.stop.is_set() or current is None:
                raise
            # The second interrupt. The report still has to say what it cut off, so the run goes on to its end.
            current.uncancel()
        finally:
            everything.cancel()
            grace.cancel()
            for task in tasks:
                task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, BaseException) and not isinstance(ended, asyncio.CancelledError):
                raise ended

    async def _end_of_grace(self) -> None:
        await self.stop.wait()
        await asyncio.sleep(GRACE_SECONDS)

    async def _run_when_ready(self, group: Sequence[Step], rank: int) -> None:
        """Run a group of steps when all of its other dependencies have succeeded.

        Args:
            group: a single step; or deletes and the steps that they make room for, each after its dependencies.
            rank: which of the groups that are ready goes first: the one with the lowest rank.
        """
        own, ended = {step.id for step in group}, self._group_ended[group[0].id]
        try:
            for need in (need for step in group for need in step.needs if need not in own):
                if need in self._group_ended:
                    await self._group_ended[need].wait()
            for step in group:
                if self._skip_if_need_failed(step, except_for=own):
                    for other in group:
                        if other is not step:
                            self._skip(other, step.id, _described(self._outcomes[step.id]))
                    return
            async with self._steps.alone(group):
                if not self.stop.is_set():
                    for step in group:
                        await self._steps.read_ahead(step)
                await self._run_in_slot(group, rank, ended)
        finally:
            ended.set()

    async def _run_in_slot(self, group: Sequence[Step], rank: int, ended: asyncio.Event) -> None:
        """Run a group of steps that is ready, as soon as one of the simultaneous writes is free for it.

        The end is announced while the slot is held, so that the groups that waited for this one compete for the slot.
        """
        step, references = group[0], self._steps.references
        sid = step.sid or references.sids.get(step.address, "")
        owner = scope_of(step, references.parents(step.parent), sid)
        # A step begins when it can be sent, not when it starts to wait: an interrupt stops what has not begun.
        if len(group) == 1:
            async with self._slots.step_slot(owner, rank):
                if not self._skip_if_over(group):
                    await self._run_step(group[0])
                ended.set()
            return
        # Nothing comes between a delete and the create of its replacement: no other step, no interrupt, no deadline.
        async with self._slots.slot(owner, rank), self._slots.exclusive():
            if not self._skip_if_over(group):
                with self._client.retry.finishing():
                    await self._run_in_sequence(group)
            ended.set()

    async def _run_in_sequence(self, group: Sequence[Step]) -> None:
        failed: Step | None = None
        for step in group:
            if failed is not None and step.op == "delete":
                stopped = "deletes that make room for other changes stop after a failure"
                self._skip(step, failed.id, f"{stopped}, and {_described(self._outcomes[failed.id])}")
            elif not self._skip_if_need_failed(step, except_for=frozenset()):
                await self._run_step(step)
                if self._outcomes[step.id].status in _UNFINISHED:
                    failed = step

    def _skip_if_need_failed(self, step: Step, *, except_for: Container[str]) -> bool:
        """Skip a step if one of its dependencies did not succeed; return whether it was skipped."""
        for need in step.needs:
            outcome = None if need in except_for else self._outcomes.get(need)
            if outcome is None or outcome.status in _SUCCEEDED:
                continue
            # The plan accounts for withheld changes, but not for deletes that are withheld during the apply.
            if outcome.status == "withheld" and need not in self._begun:
                continue
            if outcome.status == "skipped" and outcome.cause:
                # Its dependency did not fail: the whole run ended.
                self._skip(step, "", outcome.message, outcome.cause)
            else:
                self._skip(step, need, _described(outcome))
            return True
        return False

    def _skip_if_over(self, group: Sequence[Step]) -> bool:
        """Skip steps if the run ends before they begin; return whether they were skipped."""
        message: str
        cause: Cause
        if self.stop.is_set():
            message, cause = _INTERRUPTED, "interrupted"
        elif self._client.retry.is_past_deadline:
            message, cause = _OUT_OF_TIME, "deadline"
        else:
            return False
        for step in group:
            self._skip(step, "", message, cause)
        return True

    async def _run_step(self, step: Step) -> None:
        self._progress.started(step)
        self._begun.add(step.id)
        begin = time.monotonic()
        try:
            outcome = await self._outcome_of(step)
        except BaseException:
            # A bug, or the second interrupt: no other step starts.
            self.stop.set()
            raise
        self._record(outcome, ms=(time.monotonic() - begin) * 1000)

    async def _outcome_of(self, step: Step) -> Outcome:
        """Run a step, and turn its result or its error into an outcome."""
        change = self._change[step.id]
        status: Status
        refusal: Refusal | None = None
        message = ""
        cause: Cause = ""
        try:
            if above := await self._steps.above_bounds(step):
                status, message = "withheld", above
            else:
                await self._replaces.begin(change, step)
                status = await self._steps.run(step)
                message = self._steps.doubt(step)
        except OutcomeUnknown as error:
            status, message, cause = "interrupted", self._redact(str(error)), "other"
        except StepFailed as error:
            status, message, cause = "failed", self._redact(str(error)), "other"
        except Refused as error:
            cause, refusal = cause_of(error), self._redacted(error.refusal)
            if step.op == "delete" and step.kind.delete_refusal and error.refusal.status in _REJECTED:
                status, message, cause = "withheld", step.kind.delete_refusal, ""
            else:
                status, message = "interrupted" if error.may_be_done else "failed", "Twilio rejected the request"
        except ApiError as error:
            status, message = "interrupted" if error.may_be_done else "failed", self._redact(str(error))
            cause = cause_of(error)
        sid = step.sid or ("" if step.kind.singleton else self._steps.references.sids.get(step.address, ""))
        written = self._written(step, is_unknown=status == "interrupted")
        return Outcome(
            step.id, str(change.address), step.op, status, sid, message, refusal, cause=cause, written=written
        )

    def _written(self, step: Step, *, is_unknown: bool) -> Written | None:
        """Describe what a step wrote, or may have written; None if it had no effect."""
        if self._values is None:
            return None
        observed = self._steps.observed.get(step.id)
        if observed is not None:
            return self._values.written(step, *observed, parents=self._steps.references.parents(step.parent))
        return self._values.planned(step) if is_unknown else None

    def _record_cut_off(self, step: Step) -> None:
        """Record the outcome of a step that was cut off, if it has none."""
        if step.id in self._outcomes:
            return
        if step.id in self._begun:
            change = str(self._change[step.id].address)
            message = "the run was stopped while its request was in progress"
            written = self._written(step, is_unknown=True)
            cut_off = Outcome(step.id, change, step.op, "interrupted", step.sid or "", message, written=written)
            self._record(replace(cut_off, cause="interrupted"))
        else:
            self._skip(step, "", _INTERRUPTED, "interrupted")

    def _skip(self, step: Step, because: str, message: str, cause: Cause = "") -> None:
        change = str(self._change[step.id].address)
        self._record(
            Outcome(step.id, change, step.op, "skipped", step.sid or "", message, because=because, cause=cause)
        )

    def _record(self, ended: Outcome, *, ms: float | None = None) -> None:
        """Store, log, and report an outcome."""
        outcome = self._named(ended)
        self._outcomes[outcome.step] = outcome
        change = self._change[outcome.step]
        outcomes = [self._outcomes.get(step.id) for step in change.steps]
        if all(item is not None and item.status in _SUCCEEDED for item in outcomes):
            self._replaces.finish(change)
        refusal = outcome.refusal
        logs.step(
            outcome.op,
            outcome.change,
            status=outcome.status,
            ms=ms,
            sid=outcome.sid,
            cause=outcome.cause,
            code=None if refusal is None else refusal.code,
            request_id="" if refusal is None else refusal.request_id,
        )
        if outcome.status != "withheld":
            self._ended += 1
            self._progress.ended(outcome, self._ended, self._total)

    def _named(self, outcome: Outcome) -> Outcome:
        """Add the name of the resource to the outcome of a delete: its address may consist of SIDs or be shared."""
        if outcome.op != "delete":
            return outcome
        change = self._change[outcome.step]
        is_old = change.action == "replace"
        name = change.former_title if is_old else change.name
        return replace(outcome, name=self._redact(name), is_old=is_old)

    def _redacted(self, refusal: Refusal) -> Refusal:
        return replace(
            refusal,
            path=self._redact(refusal.path),
            message=self._redact(refusal.message),
            more_info=self._redact(refusal.more_info),
            request_id=self._redact(refusal.request_id),
        )


def _described(outcome: Outcome) -> str:
    """Describe how a step ended for those that depend on it, without its id, which users do not know."""
    return f"the {outcome.op} of {outcome.change} {_RESULT[outcome.status]}"


def _sensitive_texts(plan: Plan) -> Iterator[str]:
    """Return every sensitive text of a plan, of both sides; of a URL, only its secret parts."""
    for change in plan.changes:
        for item in change.fields:
            if item.sensitive:
                for content, shown in ((item.before, item.before_shown), (item.after, item.after_shown)):
                    for text in texts_of(content):
                        yield from hidden_parts(text, shown)
