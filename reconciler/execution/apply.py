"""Doing a plan: its steps as a graph, each as soon as what it needs is done, through a `Client`.

Takes a `Plan` and a `Client`; gives a `Report` with one outcome for every step. Decides nothing: what is done was
decided by the plan and its guards, and whoever calls this has asked for consent. What a write returns is compared with
what was sent, and a field that the API kept is a failure. A failure skips what needs it, by name; everything else goes
on; what is `last` runs only when all that is not last has succeeded. A create whose answer was lost is looked up before
it is sent again, so that nothing is made twice; where the API itself would take a second one of the same name, it is
looked for several times, and before the first create too.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as default
from functools import cached_property
from types import MappingProxyType
from typing import TypeVar

from reconciler import logs
from reconciler.address import Address
from reconciler.api import wire
from reconciler.api.client import Client
from reconciler.api.retry import is_ambiguous
from reconciler.api.wire import Decoded
from reconciler.change import Change, Step
from reconciler.config.model import Reference, Unknown
from reconciler.errors import ApiError, Cause, Refusal, Refused, cause_of
from reconciler.execution.fair_slots import FairSlots, slot_released
from reconciler.journal import Journal, Unfinished
from reconciler.json_text import Json
from reconciler.kinds import BY_NAME
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content, Shape
from reconciler.planning import graph
from reconciler.planning.plan import Plan
from reconciler.redaction import HIDDEN, Redaction, texts_of
from reconciler.report import ChangeResult, Outcome, Progress, Report, Status, result_of


async def apply(
    plan: Plan,
    client: Client,
    progress: Progress,
    stop: asyncio.Event | None = None,
    *,
    trigger_webhooks: bool = False,
    journal: Journal | None = None,
) -> Report:
    """Do everything in a plan that no guard withholds.

    Args:
        plan: what to do; nothing in it may refuse the apply (`Plan.blocking`).
        client: how to write.
        progress: who is told.
        stop: when set, no further step is started; those under way end, within `GRACE_SECONDS`. Whoever cancels this
            after that gets the report at once.
        trigger_webhooks: whether the account's own webhooks are told of the writes that can tell them.
        journal: where every replace is written down before its first request is sent; nowhere when left out.

    Returns:
        How each step ended; never raises for what the API does.
    """
    run = _Run(plan, client, progress, stop or asyncio.Event(), trigger_webhooks=trigger_webhooks, journal=journal)
    started, requests, writes, resent = time.monotonic(), client.requests, client.writes, client.resent
    results = await run.everything()
    return Report(
        results=tuple(results),
        requests=client.requests - requests,
        writes=client.writes - writes,
        resent=client.resent - resent,
        seconds=time.monotonic() - started,
        interrupted=run.stop.is_set(),
        unreadable=plan.unreadable,
    )


GRACE_SECONDS = 10.0
"""How long what is under way may take to end after an interrupt."""

_INTERRUPTED = "the run was interrupted first"
_ENDED: Mapping[str, str] = {
    "failed": "failed",
    "skipped": "was skipped",
    "interrupted": "was interrupted",
    "withheld": "is withheld",
}
"""How a step ended that another one needs, in words."""
_OUT_OF_TIME = "the command's time was up first (--timeout)"

Answer = TypeVar("Answer")

_NOTHING: Mapping[str, Content] = MappingProxyType({})
_NOT_FOUND = 404
_REFUSED = frozenset({400, 409})
"""How the API refuses what does not fit the account as it is; which code a role in use has is undocumented."""
_DONE = frozenset({"done", "unchanged"})
_UNDONE = frozenset({"failed", "skipped", "interrupted"})


_SETTLING = (1.0, 4.0)
"""How many seconds are waited before each look that has to show that something is really not there: a read may lag
behind the writes (no read-after-write is documented), and a request whose answer was lost may still be under way."""


_SENT_AGAIN = (
    f"its answer was lost, and {sum(_SETTLING):.0f} seconds of looking did not find it, so it was sent again; if the "
    "first one turns up later there are two: run `reconciler plan` in a few minutes, which names both"
)


def _told(outcome: Outcome) -> str:
    """How a step ended that others wait for, in words: people do not know the ids of steps."""
    return f"the {outcome.op} of {outcome.change} {_ENDED[outcome.status]}"


class _Failure(Exception):
    """A step failed for a reason of our own; the message says which."""


class _Unknown(Exception):
    """Whether a step took place could not be found out; the message says why."""


@dataclass
class _Run:
    """One apply."""

    plan: Plan
    client: Client
    progress: Progress
    stop: asyncio.Event
    trigger_webhooks: bool = False
    journal: Journal | None = None
    outcomes: dict[str, Outcome] = default(default_factory=dict)
    ended: int = 0

    def __post_init__(self) -> None:
        self.sids: dict[Address, str] = dict(self.plan.sids)
        self.members: dict[tuple[str, Address | None], asyncio.Future[list[Decoded]]] = {}
        self.owner = {step.id: change for change in self.plan.changes for step in change.steps}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.begun: set[str] = set()
        self.creating: dict[tuple[str, Address | None, str], asyncio.Lock] = {}
        self.looks: dict[tuple[str, Address | None], asyncio.Future[list[Decoded]]] = {}
        self.doubts: dict[str, str] = {}
        self.slots = FairSlots(self.client.write_concurrency)
        self.total = sum(1 for change in self.plan.changes for step in change.steps if not _is_withheld(change, step))

    async def everything(self) -> list[ChangeResult]:
        steps = [step for change in self.plan.changes for step in change.steps]
        for change in self.plan.changes:
            for step in change.steps:
                if _is_withheld(change, step):
                    message = change.guard.message if change.guard is not None else ""
                    self._keep(Outcome(step.id, str(change.address), step.op, "withheld", step.sid or "", message))
        for phase in _phases([step for step in steps if step.id not in self.outcomes]):
            blocker = next((item for item in self.outcomes.values() if item.status in _UNDONE), None)
            for step in phase:
                if blocker is not None and (step.last or step.late):
                    because = f"deletes wait for everything else, and {_told(blocker)}"
                    self._skip(step, blocker.step, because)
            doing = [step for step in phase if step.id not in self.outcomes]
            self.tasks = {}
            for together in _together(doing):
                task = asyncio.create_task(self._when_ready(together))
                self.tasks.update((step.id, task) for step in together)
            await self._all_ended()
            for step in doing:
                self._end_early(step)
        return [result_of(change, [self.outcomes[step.id] for step in change.steps]) for change in self.plan.changes]

    async def _all_ended(self) -> None:
        """Wait for every task; after an interrupt only for some seconds, after a second one not at all.

        Raises:
            BaseException: a bug in one of them, after what was under way has ended.
        """
        tasks = list(self.tasks.values())
        if not tasks:
            return
        everything, late = asyncio.ensure_future(asyncio.wait(tasks)), asyncio.ensure_future(self._too_late())
        try:
            await asyncio.wait([everything, late], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if not self.stop.is_set() or current is None:
                raise
            # The second interrupt. What it cuts off is told in the report, so this is not its end.
            current.uncancel()
        finally:
            everything.cancel()
            late.cancel()
            for task in tasks:
                task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, BaseException) and not isinstance(ended, asyncio.CancelledError):
                raise ended

    async def _too_late(self) -> None:
        await self.stop.wait()
        await asyncio.sleep(GRACE_SECONDS)

    def _end_early(self, step: Step) -> None:
        """Say of a step that was cut off what is known of it."""
        if step.id in self.outcomes:
            return
        if step.id in self.begun:
            change = str(self.owner[step.id].address)
            message = "the run was stopped while its request was under way"
            self._keep(Outcome(step.id, change, step.op, "interrupted", step.sid or "", message, cause="interrupted"))
        else:
            self._skip(step, "", _INTERRUPTED, "interrupted")

    async def _when_ready(self, together: Sequence[Step]) -> None:
        """Do one step, or several that belong together, when everything else that they need has been done.

        Args:
            together: one step; or deletes, and after them the steps that they make way for, in an order in which each
                comes after what it needs.
        """
        own = {step.id for step in together}
        for step in together:
            for need in step.needs:
                task = self.tasks.get(need)
                if need in own or task is None:
                    continue
                await asyncio.wait([task])
        for step in together:
            if self._skipped_for_need(step, own):
                for other in together:
                    if other is not step:
                        self._skip(other, step.id, _told(self.outcomes[step.id]))
                return
        # A step starts when it can be sent, not when it could be waiting to: an interrupt stops what has not started.
        if len(together) == 1:
            async with self.slots.step_slot(together[0].parent):
                if not self._stopped(together):
                    await self._carry_out(together[0])
            return
        # Nothing comes between a delete and what takes its place: no other step, no interrupt, no deadline.
        async with self.slots.slot(together[0].parent), self.slots.exclusive():
            if not self._stopped(together):
                with self.client.retry.finishing():
                    await self._one_after_the_other(together)

    async def _one_after_the_other(self, together: Sequence[Step]) -> None:
        has_failed = False
        for step in together:
            if has_failed and step.op == "delete":
                self._skip(step, "", "a delete before it did not succeed, so what it makes way for cannot be done")
            elif not self._skipped_for_need(step, frozenset()):
                await self._carry_out(step)
                has_failed = has_failed or self.outcomes[step.id].status in _UNDONE

    def _skipped_for_need(self, step: Step, but: Container[str]) -> bool:
        """Skip a step if anything that it needs, apart from some steps, did not succeed; gives whether it did."""
        for need in step.needs:
            outcome = None if need in but else self.outcomes.get(need)
            if outcome is None or outcome.status in _DONE:
                continue
            # What a guard withholds was taken account of by the plan; what the API keeps was not.
            if outcome.status == "withheld" and outcome.refusal is None:
                continue
            if outcome.status == "skipped" and outcome.cause:
                # Nothing is wrong with what it needs: the whole run ended.
                self._skip(step, "", outcome.message, outcome.cause)
            else:
                self._skip(step, need, _told(outcome))
            return True
        return False

    def _stopped(self, together: Sequence[Step]) -> bool:
        """Skip steps if the run ends before they begin; gives whether it does."""
        if self.stop.is_set():
            for step in together:
                self._skip(step, "", _INTERRUPTED, "interrupted")
            return True
        if self.client.retry.is_past_deadline:
            for step in together:
                self._skip(step, "", _OUT_OF_TIME, "deadline")
            return True
        return False

    async def _carry_out(self, step: Step) -> None:
        self.progress.started(step)
        self.begun.add(step.id)
        begun = time.monotonic()
        try:
            outcome = await self._not_saved(step) or await self._attempt(step)
        except BaseException:
            # A bug, or the second interrupt: nothing else begins.
            self.stop.set()
            raise
        self._keep(outcome, ms=(time.monotonic() - begun) * 1000)

    async def _not_saved(self, step: Step) -> Outcome | None:
        """Write a replace down before its first step; gives how the step ends where that is not possible."""
        change = self.owner[step.id]
        if self.journal is None or change.action != "replace" or change.sid is None or step is not change.steps[0]:
            return None
        create = next(item for item in change.steps if item.op == "create")
        hidden = {item.path for item in change.fields if item.sensitive}
        name = "" if change.former is None else change.former.name
        try:
            values = await self._resolved({path: create.values[path] for path in change.carried})
            self.journal.begin(
                Unfinished(
                    address=change.address,
                    kind=change.kind,
                    sid=change.sid,
                    name=name,
                    title="" if change.former_title == name else change.former_title or HIDDEN,
                    parents=self._parents(change.parent),
                    values=values,
                    sensitive=frozenset(hidden & values.keys()),
                    former={
                        item.path: item.before
                        for item in change.fields
                        if not (item.sensitive or item.before is None or isinstance(item.before, (Reference, Unknown)))
                        if item.path not in values
                    },
                )
            )
        except _Failure as error:
            message = self.redact(str(error))
        except OSError as error:
            message = f"not sent: the values that only the account has could not be saved ({error.strerror or error})"
        else:
            return None
        return Outcome(step.id, str(change.address), step.op, "failed", step.sid or "", message, cause="other")

    def _forget(self, change: Change) -> None:
        """Take a replace out of the journal when every step of it is done."""
        sid = change.completes or (change.sid if change.action == "replace" else None)
        outcomes = [self.outcomes.get(step.id) for step in change.steps]
        if self.journal is None or not sid or not all(item and item.status in _DONE for item in outcomes):
            return
        # An entry that stays is found to be complete by the next run.
        with contextlib.suppress(OSError):
            self.journal.finish(sid)

    def _skip(self, step: Step, because: str, message: str, cause: Cause = "") -> None:
        change = str(self.owner[step.id].address)
        self._keep(Outcome(step.id, change, step.op, "skipped", step.sid or "", message, because=because, cause=cause))

    def _keep(self, ended: Outcome, *, ms: float | None = None) -> None:
        outcome = self._named(ended)
        self.outcomes[outcome.step] = outcome
        self._forget(self.owner[outcome.step])
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
            self.ended += 1
            self.progress.ended(outcome, self.ended, self.total)

    def _named(self, outcome: Outcome) -> Outcome:
        """Add to the outcome of a delete the name of what it deletes: an address may be made of SIDs, or be shared."""
        if outcome.op != "delete":
            return outcome
        change = self.owner[outcome.step]
        is_old = change.action == "replace"
        name = change.former_title if is_old else change.name
        return replace(outcome, name=self.redact(name), is_old=is_old)

    async def _attempt(self, step: Step) -> Outcome:
        change = str(self.owner[step.id].address)
        status: Status
        refusal: Refusal | None = None
        message = ""
        cause: Cause = ""
        try:
            status = await self._do(step)
            message = self.doubts.get(step.id, "")
        except _Unknown as error:
            status, message, cause = "interrupted", self.redact(str(error)), "other"
        except Refused as error:
            cause, refusal = cause_of(error), self._shown(error.refusal)
            if step.op == "delete" and step.kind.delete_refusal and error.refusal.status in _REFUSED:
                status, message, cause = "withheld", step.kind.delete_refusal, ""
            else:
                status, message = "interrupted" if error.may_be_done else "failed", "the API refused it"
        except ApiError as error:
            status, message = "interrupted" if error.may_be_done else "failed", self.redact(str(error))
            cause = cause_of(error)
        except _Failure as error:
            status, message, cause = "failed", self.redact(str(error)), "other"
        sid = step.sid or ("" if step.kind.singleton else self.sids.get(step.address, ""))
        return Outcome(step.id, change, step.op, status, sid, message, refusal, cause=cause)

    @cached_property
    def redact(self) -> Redaction:
        """Takes out of words that are not ours what they may repeat of what was sent."""
        return self.client.redact.joined(_hidden(self.plan))

    def _shown(self, refusal: Refusal) -> Refusal:
        return replace(
            refusal,
            path=self.redact(refusal.path),
            message=self.redact(refusal.message),
            more_info=self.redact(refusal.more_info),
            request_id=self.redact(refusal.request_id),
        )

    async def _do(self, step: Step) -> Status:
        match step.op:
            case "create" if step.adopts is None:
                return await self._create(step, step.values)
            case "create":
                return await self._create_unless_there(step)
            case "delete":
                return await self._delete(step)
            case "update" if step.adopts is None:
                path = wire.instance_path(step.kind, self._parents(step.parent), self._sid(step))
                await self._write(step.kind, path, await self._resolved(step.values), step.expects)
                return "done"
            case "update" if step.kind.singleton:
                return await self._settle(step)
            case _:
                return await self._adopt(step)

    # --- the ways to write -------------------------------------------------------------------------------------------

    async def _create(self, step: Step, values: Mapping[str, Content | Reference | Unknown]) -> Status:
        kind, parents = step.kind, self._parents(step.parent)
        resolved = await self._resolved(values)
        filled = {path: content for path, content in resolved.items() if not _is_left_out(kind, path, content)}
        # One at a time of those that a look could take for each other.
        async with self.creating.setdefault((kind.name, step.parent, kind.name_of(filled)), asyncio.Lock()):
            await self._check_absent(step, filled)
            decoded = await self._made(step, filled)
            # Known before the answer is judged: what was made is there, and must not be made again.
            self.sids[step.address] = decoded.sid
        _check(kind, filled, decoded)
        remaining = _remaining(kind, resolved, filled, decoded)
        if remaining:
            await self._write(kind, wire.instance_path(kind, parents, decoded.sid), remaining)
        return "done"

    async def _check_absent(self, step: Step, filled: Mapping[str, Content]) -> None:
        """Look whether the same has been made since the account was read, or a list was read in a bad moment.

        The API takes a second service, role, credential or webhook of one name, and then nobody knows which is which.

        Raises:
            _Failure: it is there.
        """
        if step.kind.unique or (step.parent is not None and step.parent not in self.plan.sids):
            return
        where = (step.kind.name, step.parent)
        if where not in self.looks:
            self.looks[where] = asyncio.ensure_future(self._list(step.kind, step.parent, consistent=True))
        found = self._new(step.kind, filled, await self.looks[where])
        if step.kind.match_by_content:
            found = [item for item in found if _is_as_sent(step.kind, filled, item)]
        if found:
            raise _Failure(
                f"{found[0].sid} is the same and was not there when the account was read; nothing was sent, plan again"
            )

    async def _made(self, step: Step, filled: Mapping[str, Content]) -> Decoded:
        """Create, and look whether it took place whenever that is not known.

        What the API itself keeps unique is sent again after one look: a second one would be refused, and then it is
        looked for again. Anything else is only sent again when several looks did not find it.

        Raises:
            _Unknown: whether it took place could not be found out.
            _Failure: there is more than one that it may be.
            ApiError: it did not take place.
        """
        kind = step.kind
        path = wire.collection_path(kind, self._parents(step.parent))
        attempt, was_lost = 1, False
        while True:
            try:
                return wire.decode(kind, await self._post(kind, path, filled, attempt=attempt))
            except ApiError as error:
                is_lost = is_ambiguous(error)
                was_lost = was_lost or is_lost
                if not was_lost:
                    raise
                # First the wait, then the look: what is lost may still be under way.
                is_to_be_sent = (
                    await self.client.wait_to_retry("POST", path, attempt, error, error.retry_after) and is_lost
                )
                is_guarded = is_to_be_sent and bool(kind.unique)
                try:
                    found, is_settled = await self._search(step, filled, is_one_enough=is_guarded)
                except ApiError as unknown:
                    raise _Unknown(
                        f"{error}; whether it was created all the same could not be found out: {unknown}; "
                        "run the same command again"
                    ) from None
                if found is not None and not _is_as_sent(kind, filled, found):
                    # Ours and changed since, or somebody else's: what nobody was shown is not written.
                    raise _Unknown(
                        f"the answer was lost, and {found.sid} of that name has other contents; whether it is the one "
                        "that was created nobody can tell: run the same command again"
                    ) from None
                if found is not None:
                    return found
                if not is_settled and not is_guarded:
                    raise _Unknown(
                        f"{error}; there was no time to find out whether it was created all the same; "
                        "run the same command again"
                    ) from None
                if not is_to_be_sent:
                    error.may_be_done = False
                    raise
                if not is_guarded:
                    self.doubts[step.id] = _SENT_AGAIN
            attempt += 1

    async def _search(
        self, step: Step, filled: Mapping[str, Content], *, is_one_enough: bool
    ) -> tuple[Decoded | None, bool]:
        """Look for what a lost create made; gives it, and whether there was time for as many looks as it takes."""
        async with slot_released():
            if is_one_enough:
                return await self._look_up(step, filled), False
            for seconds in _SETTLING:
                is_in_time = await self.client.retry.sleep_within_deadline(seconds)
                found = await self._look_up(step, filled)
                if found is not None or not is_in_time:
                    return found, is_in_time
            return None, True

    async def _look_up(self, step: Step, filled: Mapping[str, Content]) -> Decoded | None:
        """What a lost create made, if it made anything.

        Raises:
            _Failure: there is more than one that it may be.
        """
        kind, name = step.kind, step.kind.name_of(filled)
        if kind.readable_by_name and name and wire.is_plain_in_path(name):
            try:
                body = await self.client.get(wire.instance_path(kind, self._parents(step.parent), name))
            except Refused as error:
                if error.refusal.status != _NOT_FOUND:
                    raise
                return None
            candidates = [wire.decode(kind, body)]
        else:
            candidates = await self._list(kind, step.parent, consistent=not kind.unique)
        new = self._new(kind, filled, candidates)
        alike = [item for item in new if _is_as_sent(kind, filled, item)]
        # Without a name, contents are all there is to go by; with one, what was sent may have been changed since.
        found = alike if alike or kind.match_by_content or not name else new
        if len(found) > 1:
            raise _Failure(
                f"the answer was lost, and {len(found)} new resources of kind {kind.noun} may be the one that was "
                "created; delete those that are not wanted, and run the same command again"
            )
        return found[0] if found else None

    def _new(self, kind: Kind, filled: Mapping[str, Content], candidates: Iterable[Decoded]) -> list[Decoded]:
        """Those of the same name that were not there when the account was read, and that this run has not made."""
        name, apart = kind.name_of(filled), kind.discriminator
        taken = {*self.plan.existing_sids, *self.sids.values()}
        return [
            item
            for item in {item.sid: item for item in candidates}.values()
            if item.sid not in taken
            and kind.name_of(item.values) == name
            and not (apart and _differs(kind, apart, filled.get(apart), item))
        ]

    async def _delete(self, step: Step) -> Status:
        path = wire.instance_path(step.kind, self._parents(step.parent), self._sid(step))
        try:
            await self.client.delete(path, webhooks=self.trigger_webhooks and step.kind.webhook_header)
        except Refused as error:
            if error.refusal.status != _NOT_FOUND:
                raise
            return "unchanged"
        return "done"

    async def _post(
        self, kind: Kind, path: str, values: Mapping[str, Content], *, idempotent: bool = False, attempt: int = 1
    ) -> Json:
        form = wire.encode(kind, values, lambda content: content)
        webhooks = self.trigger_webhooks and kind.webhook_header
        return await self.client.post(path, form, idempotent=idempotent, webhooks=webhooks, attempt=attempt)

    async def _write(
        self, kind: Kind, path: str, values: Mapping[str, Content], expects: Mapping[str, object] = _NOTHING
    ) -> Decoded:
        decoded = wire.decode(kind, await self._post(kind, path, values, idempotent=True))
        _check(kind, {**expects, **values}, decoded)
        return decoded

    async def _settle(self, step: Step) -> Status:
        """Set a singleton of a service that has just been made, whose contents nobody has read.

        What is to be empty is most likely empty, so only the rest is sent; the answer shows whether more is needed.
        """
        path = wire.instance_path(step.kind, self._parents(step.parent), "")
        values = await self._resolved(step.values)
        filled = {name: content for name, content in values.items() if not step.kind.by_path[name].is_empty(content)}
        if filled:
            decoded = await self._write(step.kind, path, filled)
        else:
            async with slot_released():
                body = await self._once_there(lambda: self.client.get(path))
            decoded = wire.decode(step.kind, body)
        remaining = _remaining(step.kind, values, filled, decoded)
        if remaining:
            await self._write(step.kind, path, remaining)
        return "done" if filled or remaining else "unchanged"

    async def _adopt(self, step: Step) -> Status:
        """Find what Twilio made by itself in a service that has just been made, and update it where it differs."""
        kind, key = step.kind, step.adopts or {}
        async with slot_released():
            found = await self._find(kind, step.parent, key)
        if found is None:
            missing = [item.path for item in kind.fields if item.required and item.path not in {**key, **step.values}]
            if missing:
                raise _Failure(
                    f"the new service has no {kind.noun} {key.get(kind.natural_key)!r} of its own, and {missing[0]} "
                    "is not in the files to create it"
                )
            return await self._create(step, {**key, **step.values})
        wrong = [path for path, content in key.items() if _differs(kind, path, content, found)]
        if wrong:
            self.sids[step.address] = found.sid
            raise _Failure(f"Twilio made this {kind.noun} with another {wrong[0]}, which cannot be changed")
        return await self._update_found(step, found)

    async def _create_unless_there(self, step: Step) -> Status:
        """Create what a new service may have already (Flex makes a role `guest`), or else update what is there.

        Looked for once, without waiting: a service that is made over the API most likely does not have it.
        """
        kind, key = step.kind, step.adopts or {}
        found = await self._find(kind, step.parent, key, is_patient=False)
        if found is None or any(_differs(kind, path, content, found) for path, content in key.items()):
            return await self._create(step, step.values)
        return await self._update_found(step, found)

    async def _update_found(self, step: Step, found: Decoded) -> Status:
        kind = step.kind
        self.sids[step.address] = found.sid
        values = await self._resolved(step.values)
        differing = {path: content for path, content in values.items() if _differs(kind, path, content, found)}
        if not differing:
            return "unchanged"
        for item in kind.fields:
            if item.always_sent and item.path not in differing:
                differing[item.path] = found.values.get(item.path)
        await self._write(kind, wire.instance_path(kind, self._parents(step.parent), found.sid), differing)
        return "done"

    # --- SIDs --------------------------------------------------------------------------------------------------------

    def _parents(self, parent: Address | None) -> tuple[str, ...]:
        """The SIDs above a resource: every second part of its parent's address is a handle."""
        if parent is None:
            return ()
        above = [Address(parent.parts[:length]) for length in range(2, len(parent.parts) + 1, 2)]
        return tuple(self.sids.get(address, address.parts[-1]) for address in above)

    def _sid(self, step: Step) -> str:
        if step.kind.singleton:
            return ""
        return step.sid or self.sids[step.address]

    async def _resolved(self, values: Mapping[str, Content | Reference | Unknown]) -> dict[str, Content]:
        """The same contents with SIDs in the place of references.

        Raises:
            _Failure: for what is still unknown, and for what Twilio should have made by itself and has not.
        """
        resolved: dict[str, Content] = {}
        for path, content in values.items():
            if isinstance(content, Unknown):
                raise _Failure(f"{path} is not known: {content.reason}")
            resolved[path] = await self._reference(content) if isinstance(content, Reference) else content
        return resolved

    async def _reference(self, reference: Reference) -> str:
        known = self.sids.get(reference.address)
        if known is not None:
            return known
        kind = BY_NAME[reference.kind]
        parent = Address(reference.address.parts[: -len(kind.section) - 1])
        key = self.plan.builtin_refs.get(reference.address, {})
        found = None
        if key:
            async with slot_released():
                found = await self._find(kind, parent, key)
        if found is None:
            raise _Failure(f"{reference.address} is not there to be referred to")
        self.sids[reference.address] = found.sid
        return found.sid

    async def _find(
        self, kind: Kind, parent: Address | None, key: Mapping[str, object], *, is_patient: bool = True
    ) -> Decoded | None:
        """The only member of a collection in a new service whose name is the key's; the list is read once.

        A new service has what it has from the beginning, but a read may lag behind: what is not there is looked for
        again before anything is made of it.
        """
        where, name = (kind.name, parent), key.get(kind.natural_key)
        for seconds in (0.0, *_SETTLING) if is_patient else (0.0,):
            known = self.members.get(where)
            if seconds and not await self.client.retry.sleep_within_deadline(seconds):
                break
            if known is None or (seconds and self.members[where] is known):
                self.members[where] = asyncio.ensure_future(self._once_there(lambda: self._list(kind, parent)))
            found = [item for item in await self.members[where] if item.values.get(kind.natural_key) == name]
            if len(found) > 1:
                raise _Failure(f"the new service has {len(found)} resources of kind {kind.noun} named {name!r}")
            if found:
                return found[0]
        return None

    async def _list(self, kind: Kind, parent: Address | None, *, consistent: bool = False) -> list[Decoded]:
        path = wire.collection_path(kind, self._parents(parent))
        bodies: list[Json] = list(await self.client.list(path, kind.list_key, kind.page_size, consistent=consistent))
        return [wire.decode(kind, body) for body in bodies]

    async def _once_there(self, read: Callable[[], Awaitable[Answer]]) -> Answer:
        """Read in what this run has just made; a read that lags behind does not know it yet."""
        for seconds in _SETTLING:
            try:
                return await read()
            except Refused as error:
                if error.refusal.status != _NOT_FOUND or not await self.client.retry.sleep_within_deadline(seconds):
                    raise
        return await read()


def _phases(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """Steps in three parts, of which each begins when the one before has ended.

    First everything that is neither last nor late; then what is late, with what waits for it; then what is last.
    """
    waiting: dict[str, list[Step]] = {}
    for step in steps:
        for need in step.needs:
            waiting.setdefault(need, []).append(step)
    left = [step for step in steps if step.late]
    after = {step.id for step in left}
    while left:
        for step in waiting.get(left.pop().id, ()):
            if step.id not in after:
                after.add(step.id)
                left.append(step)
    yield [step for step in steps if not step.last and step.id not in after]
    yield [step for step in steps if not step.last and step.id in after]
    yield [step for step in steps if step.last]


def _together(steps: Sequence[Step]) -> list[list[Step]]:
    """Steps that have to be done one right after the other, each with the others: deletes, then what they make way for.

    Every other step is by itself.
    """
    by_id = {step.id: step for step in steps}
    at = {step.id: index for index, step in enumerate(steps)}
    group = {step.id: {step.id} for step in steps}
    for step in steps:
        for taker in step.makes_way_for:
            if taker in by_id and group[taker] is not group[step.id]:
                group[step.id] |= group[taker]
                group.update(dict.fromkeys(group[taker], group[step.id]))
    while True:
        groups = {min(members): members for members in group.values()}
        name = {step: first for first, members in groups.items() for step in members}
        needs = {
            first: {name[need] for step in members for need in by_id[step].needs if need in name} - {first}
            for first, members in groups.items()
        }
        try:
            # Where nothing else decides, in the order of the plan.
            order = graph.order({first: min(at[step] for step in groups[first]) for first in groups}, needs)
        except graph.CycleError as error:
            # Groups that wait for each other become one: in it, each step comes after what it needs.
            merged = set().union(*(groups[first] for first in error.cycle))
            group.update(dict.fromkeys(merged, merged))
            continue
        return [_in_group([by_id[step] for step in sorted(groups[first])]) for first in order]


def _in_group(steps: Sequence[Step]) -> list[Step]:
    """The deletes first, as far as they can be, and each step after what it needs."""
    by_id = {step.id: step for step in steps}
    ranks = {step.id: (step.op != "delete", step.id) for step in steps}
    return [by_id[step] for step in graph.order(ranks, {step.id: step.needs for step in steps})]


def _is_withheld(change: Change, step: Step) -> bool:
    if change.guard is None or change.guard.verdict != "withheld":
        return False
    return step.last or not change.guard.only_delete


def _hidden(plan: Plan) -> Iterator[str]:
    """Every text that may not be shown, of whichever side."""
    for change in plan.changes:
        for item in change.fields:
            if item.sensitive:
                yield from texts_of(item.before)
                yield from texts_of(item.after)


def _is_left_out(kind: Kind, path: str, content: Content) -> bool:
    """Whether a create leaves a field out, because the API most likely has it empty anyway.

    A switch is always sent: what the API takes for one that is left out is unverified.
    """
    field = kind.by_path[path]
    return field.is_empty(content) and field.shape is not Shape.BOOL


def _remaining(
    kind: Kind, wanted: Mapping[str, Content], sent: Mapping[str, Content], decoded: Decoded
) -> dict[str, Content]:
    """What was not sent because it is to be empty, and is not."""
    return {
        path: content
        for path, content in wanted.items()
        if path not in sent and path in decoded.values and _differs(kind, path, content, decoded)
    }


def _differs(kind: Kind, path: str, content: object, found: Decoded) -> bool:
    field = kind.by_path[path]
    return bool(field.comparable(content) != field.comparable(found.values.get(path)))


def _is_as_sent(kind: Kind, sent: Mapping[str, Content], found: Decoded) -> bool:
    return not any(path in found.values and _differs(kind, path, content, found) for path, content in sent.items())


def _check(kind: Kind, sent: Mapping[str, object], decoded: Decoded) -> None:
    """Compare what a write answered with what it was sent; contents are not named, since they may be secret.

    Raises:
        _Failure: when the API kept something.
    """
    kept = [path for path, content in sent.items() if path in decoded.values and _differs(kind, path, content, decoded)]
    if kept:
        raise _Failure(
            f"the API answered with success, but has its own value of {', '.join(kept)}; set it where Twilio lets you, "
            "or let the files leave it alone (lifecycle.ignore_changes)"
        )
