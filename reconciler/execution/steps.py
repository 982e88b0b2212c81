"""One step of a plan: create, update, or delete a resource, or adopt one that Twilio created.

Takes a step; returns its status, or raises. Decides nothing about order, and reports nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from reconciler.api import wire
from reconciler.api.client import Client
from reconciler.api.counting import count_of
from reconciler.api.wire import Decoded
from reconciler.change import Step
from reconciler.config.model import Reference, Unknown
from reconciler.documents.step_values import NEVER_RETURNED, Values
from reconciler.execution.answer_check import check_answer, differs, is_left_out, still_to_clear
from reconciler.execution.fair_slots import slot_released
from reconciler.execution.lost_creates import Creates
from reconciler.execution.references import References
from reconciler.execution.step_errors import StepFailed
from reconciler.execution.writes import Writes
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content
from reconciler.planning.counts import count_named, exceeded, uncountable
from reconciler.planning.plan import Plan
from reconciler.report import Status


class StepRunner:
    """Runs single steps of one apply.

    Args:
        plan: the plan that the steps belong to.
        client: reads and writes.
        trigger_webhooks: whether writes fire the account's webhooks where the API allows to choose.

    Attributes:
        references: the SIDs known so far.
        observed: by step ID, the values before and after each write that took effect; None where there was no resource.
    """

    def __init__(self, plan: Plan, client: Client, *, trigger_webhooks: bool) -> None:
        self.references = References(plan, client)
        self._client = client
        self._writes = Writes(client, trigger_webhooks=trigger_webhooks)
        self._creates = Creates(plan, client, self._writes, self.references)
        self._former = plan.execution.former
        self.observed: dict[str, tuple[Values | None, Values | None]] = {}

    def alone(self, steps: Sequence[Step]) -> AbstractAsyncContextManager[None]:
        """Run steps while none runs whose create could be confused with theirs; see `Creates.alone`."""
        return self._creates.alone(steps)

    async def read_ahead(self, step: Step) -> None:
        """Read what a step reads before it sends anything, without a slot; see `Creates.read_ahead`."""
        await self._creates.read_ahead(step)

    def doubt(self, step: Step) -> str:
        """Return what remains uncertain about a step that succeeded; empty if nothing does."""
        return self._creates.doubts.get(step.id, "")

    async def above_bounds(self, step: Step) -> str:
        """Count again what the approval of a delete is bound to; return why it is withheld, empty if it is not."""
        if not step.at_most:
            return ""
        kind, path = step.kind, self.references.instance_path(step)
        counts = {
            name: await count_of(self._client, path, count_named(kind, name), most + 1, lambda: None)
            for name, most in step.at_most
        }
        if above := exceeded(kind, step.at_most, counts):
            return f"it has {above} by now; raise at_most of its approval, or have it reviewed again"
        if unknown := uncountable(kind, step.at_most, counts):
            return f"its approval has bounds that cannot be checked: {unknown}"
        return ""

    async def run(self, step: Step) -> Status:
        """Run a step.

        Returns:
            ``done``, or ``unchanged`` if there was nothing to send.

        Raises:
            StepFailed: it failed for a reason other than the API's.
            OutcomeUnknown: it is not known whether it had an effect.
            ApiError: the API failed or refused it.
        """
        if step.adopts is not None:
            return await self._run_in_new_parent(step, step.adopts)
        match step.op:
            case "create":
                return await self._create(step, step.values)
            case "delete":
                deleted = await self._writes.delete(step.kind, self.references.instance_path(step))
                if deleted:
                    former = self._former.get(step.id)
                    self.observed[step.id] = (None if former is None else former.values, None)
                return "done" if deleted else "unchanged"
            case "update":
                former = self._former.get(step.id)
                values = await self.references.resolve(step.values)
                path = self.references.instance_path(step)
                await self._update(step, path, values, None if former is None else former.values, step.expects)
                return "done"

    async def _run_in_new_parent(self, step: Step, adopts: Mapping[str, Content | Reference | Unknown]) -> Status:
        """Run a step whose resource Twilio may have created along with a service of this run."""
        if step.op == "create":
            return await self._create_or_update(step, adopts)
        if step.kind.singleton:
            return await self._update_new_singleton(step)
        return await self._adopt(step, adopts)

    async def _create(self, step: Step, values: Mapping[str, Content | Reference | Unknown]) -> Status:
        """Create a resource, and clear the fields that the API has set by default."""
        kind = step.kind
        resolved = await self.references.resolve(values)
        sent = {path: content for path, content in resolved.items() if not is_left_out(kind, path, content)}
        created = await self._creates.create(step, sent)
        self.observed[step.id] = (None, {**sent, **created.values})
        check_answer(kind, sent, created)
        remaining = still_to_clear(kind, resolved, sent, created)
        if remaining:
            path = wire.instance_path(kind, self.references.parents(step.parent), created.sid)
            cleared = await self._writes.update(kind, path, remaining)
            self.observed[step.id] = (None, {**sent, **cleared.values})
        return "done"

    async def _update(
        self,
        step: Step,
        path: str,
        values: Mapping[str, Content],
        before: Values | None,
        expects: Mapping[str, object] | None = None,
    ) -> Decoded:
        """Send an update, and note the values of its fields before and after.

        Args:
            step: the step.
            path: the path of its resource.
            values: the values to send.
            before: the live values before; None if they were never read.
            expects: further values that it must have afterwards.
        """
        try:
            answer = await self._writes.update(step.kind, path, values, expects)
        except StepFailed as error:
            if error.answer is not None:
                self.observed[step.id] = _changed(step.kind, values, before, error.answer)
            raise
        self.observed[step.id] = _changed(step.kind, values, before, answer.values)
        return answer

    async def _update_new_singleton(self, step: Step) -> Status:
        """Update a singleton of a service created by this run, whose values were never read.

        Fields to be cleared are most likely empty already, so only the others are sent; the answer shows whether more
        is needed.
        """
        path = self.references.instance_path(step)
        values = await self.references.resolve(step.values)
        sent = {name: content for name, content in values.items() if not step.kind.by_path[name].is_empty(content)}
        if sent:
            live = await self._update(step, path, sent, None)
        else:
            async with slot_released():
                body = await self.references.read_new(lambda: self._client.get(path))
            live = wire.decode(step.kind, body)
        remaining = still_to_clear(step.kind, values, sent, live)
        if remaining:
            cleared = await self._writes.update(step.kind, path, remaining)
            self.observed[step.id] = (None, {name: cleared.values.get(name) for name in (*sent, *remaining)})
        return "done" if sent or remaining else "unchanged"

    async def _adopt(self, step: Step, key: Mapping[str, Content | Reference | Unknown]) -> Status:
        """Find a resource that Twilio creates in a new service, and update the fields that differ."""
        kind = step.kind
        async with slot_released():
            live = await self.references.find_builtin(kind, step.parent, key)
        if live is None:
            missing = [item.path for item in kind.fields if item.required and item.path not in {**key, **step.values}]
            if missing:
                raise StepFailed(
                    f"the new service has no built-in {kind.noun} {key.get(kind.natural_key)!r}, and the "
                    f"configuration does not set {missing[0]}, which is needed to create it. Set {missing[0]}"
                )
            return await self._create(step, {**key, **step.values})
        wrong = [path for path, content in key.items() if differs(kind, path, content, live)]
        if wrong:
            self.references.sids[step.address] = live.sid
            raise StepFailed(f"Twilio created this {kind.noun} with a different {wrong[0]}, which cannot be changed")
        return await self._update_live(step, live)

    async def _create_or_update(self, step: Step, key: Mapping[str, Content | Reference | Unknown]) -> Status:
        """Create a resource that a new service may already have (Flex creates a role `guest`), or update it.

        It is looked up once, without waiting: a service created through the API most likely does not have it.
        """
        kind = step.kind
        async with slot_released():
            live = await self.references.find_builtin(kind, step.parent, key, wait=False)
        if live is None or any(differs(kind, path, content, live) for path, content in key.items()):
            return await self._create(step, step.values)
        return await self._update_live(step, live)

    async def _update_live(self, step: Step, live: Decoded) -> Status:
        """Update the fields of a live resource that differ."""
        kind = step.kind
        self.references.sids[step.address] = live.sid
        values = await self.references.resolve(step.values)
        differing = {path: content for path, content in values.items() if differs(kind, path, content, live)}
        if not differing:
            return "unchanged"
        path = wire.instance_path(kind, self.references.parents(step.parent), live.sid)
        await self._update(step, path, differing, live.values)
        return "done"


def _changed(
    kind: Kind, sent: Mapping[str, Content], before: Values | None, answer: Mapping[str, Content]
) -> tuple[Values | None, Values]:
    """Return the fields before and after an update: those that were sent, and those that Twilio changed with them."""
    paths = [*sent]
    if before is not None:
        paths += [
            field.path
            for field in kind.fields
            if field.path in before and field.path in answer
            if field.comparable(before[field.path]) != field.comparable(answer[field.path])
            if not kind.tolerates(field.path, before[field.path], answer[field.path])
        ]
    former = None if before is None else {path: before.get(path, NEVER_RETURNED) for path in paths}
    return former, {path: answer[path] if path in answer else sent[path] for path in paths}
