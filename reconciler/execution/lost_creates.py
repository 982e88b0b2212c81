"""Creates that happen exactly once: one whose answer was lost is looked up before it is sent again.

Takes a step and its values; returns the new resource. If the API itself rejects a second resource with the same key,
one lookup is enough before a create is sent again. If it would accept one, the resource is looked up several times, and
also before the first create.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from reconciler.address import Address
from reconciler.api import wire
from reconciler.api.answers import is_not_found
from reconciler.api.client import Client
from reconciler.api.retry import is_ambiguous
from reconciler.api.wire import Decoded
from reconciler.change import Step
from reconciler.errors import ApiError
from reconciler.execution.answer_check import differs, matches
from reconciler.execution.fair_slots import slot_released
from reconciler.execution.references import LOOKUP_DELAYS, References
from reconciler.execution.step_errors import OutcomeUnknown, StepFailed
from reconciler.execution.writes import Writes
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content
from reconciler.planning.plan import Plan

_RERUN = "run the same command again"
_SENT_AGAIN = (
    f"its answer was lost, and it was not found within {sum(LOOKUP_DELAYS):.0f} seconds, so it was sent again. If the "
    "first request still succeeds later, there will be two: run `reconciler plan` in a few minutes, which lists both"
)


class Creates:
    """The creates of one apply.

    Args:
        plan: provides the SIDs that existed when the account was read.
        client: reads, and waits between attempts.
        writes: sends.
        references: provides the SIDs of parents, and receives those of new resources.

    Attributes:
        doubts: by the step's id, what remains uncertain about a create that succeeded.
    """

    def __init__(self, plan: Plan, client: Client, writes: Writes, references: References) -> None:
        self.doubts: dict[str, str] = {}
        self._known_parents = plan.execution.sids
        self._existing_sids = plan.execution.existing_sids
        self._client = client
        self._writes = writes
        self._references = references
        self._locks: dict[tuple[str, str, str], asyncio.Lock] = {}
        self._lists: dict[tuple[str, Address | None], asyncio.Future[list[Decoded]]] = {}

    @asynccontextmanager
    async def alone(self, steps: Sequence[Step]) -> AsyncIterator[None]:
        """Run steps while no create of another task runs that a lookup could confuse with theirs.

        A task that waits here must not hold a slot: the other create gives up its own slot while it looks itself up.
        """
        keys = {
            (step.kind.name, str(step.parent), step.kind.name_of(step.values)) for step in steps if step.op == "create"
        }
        async with AsyncExitStack() as stack:
            # In the same order everywhere, so that two sequences never wait for each other.
            for key in sorted(keys):
                await stack.enter_async_context(self._locks.setdefault(key, asyncio.Lock()))
            yield

    async def read_ahead(self, step: Step) -> None:
        """Read what `create` reads before it sends anything, once for all steps; errors are raised by `create`."""
        if step.op == "create" and self._is_checked(step):
            with suppress(ApiError):
                await self._present(step)

    async def create(self, step: Step, values: Mapping[str, Content]) -> Decoded:
        """Create a resource, and look it up if it is not known whether that succeeded.

        The caller holds `alone`.

        Args:
            step: the create.
            values: what to send.

        Raises:
            OutcomeUnknown: it is not known whether it succeeded.
            StepFailed: the resource existed already, or several may be the new one.
            ApiError: it failed.
        """
        await self._check_absent(step, values)
        created = await self._create_once(step, values)
        # Stored before the answer is checked: the resource exists and must not be created again.
        self._references.sids[step.address] = created.sid
        return created

    def _is_checked(self, step: Step) -> bool:
        """Whether the account is read again before a create, because the API would accept a second resource."""
        return not step.kind.unique and (step.parent is None or step.parent in self._known_parents)

    def _present(self, step: Step) -> asyncio.Future[list[Decoded]]:
        """Read the collection of a create, once for all of its creates."""
        collection = (step.kind.name, step.parent)
        if collection not in self._lists:
            self._lists[collection] = asyncio.ensure_future(
                self._references.list_collection(step.kind, step.parent, consistent=True)
            )
        return self._lists[collection]

    async def _check_absent(self, step: Step, values: Mapping[str, Content]) -> None:
        """Check that the resource was not created since the account was read, for instance by another apply.

        The API accepts a second service, role, credential, or webhook with the same name, and the two would be
        indistinguishable.

        Raises:
            StepFailed: it exists.
        """
        if not self._is_checked(step):
            return
        kind = step.kind
        new = self._new_resources(kind, values, await self._present(step))
        if kind.match_by_content:
            new = [item for item in new if matches(kind, values, item)]
        if new:
            raise StepFailed(
                f"the resource already exists: {new[0].sid} was created after the account was read. Nothing was sent. "
                "Run the command again"
            )

    async def _create_once(self, step: Step, values: Mapping[str, Content]) -> Decoded:
        """Send the create until it is certain that it succeeded, or attempts run out."""
        kind = step.kind
        path = wire.collection_path(kind, self._references.parents(step.parent))
        attempt, was_lost = 1, False
        while True:
            try:
                return await self._writes.create(kind, path, values, attempt)
            except ApiError as error:
                is_lost = is_ambiguous(error)
                was_lost = was_lost or is_lost
                if not was_lost:
                    raise
                async with slot_released():
                    # The wait comes before the lookup: the lost request may still be in progress.
                    waited = await self._client.wait_to_retry("POST", path, attempt, error, error.retry_after)
                    may_resend = waited and is_lost
                    created = await self._after_loss(step, values, error, may_resend=may_resend)
                if created is not None:
                    return created
                if not may_resend:
                    error.may_be_done = False
                    raise
                if not kind.unique:
                    self.doubts[step.id] = _SENT_AGAIN
            attempt += 1

    async def _after_loss(
        self, step: Step, values: Mapping[str, Content], error: ApiError, *, may_resend: bool
    ) -> Decoded | None:
        """Look up a create whose answer was lost.

        Args:
            step: the create.
            values: what was sent.
            error: the failure.
            may_resend: whether the create will be sent again if it is not found.

        Returns:
            The new resource; None if the create certainly failed, or may be sent again without harm.

        Raises:
            OutcomeUnknown: neither is certain.
        """
        is_guarded = may_resend and bool(step.kind.unique)
        try:
            created, is_conclusive = await self._find_lost_create(step, values, is_guarded=is_guarded)
        except ApiError as unknown:
            raise OutcomeUnknown(f"{error}; whether it was created is unknown, because {unknown}; {_RERUN}") from None
        if created is not None and not matches(step.kind, values, created):
            # This run's and changed since, or created by someone else: the plan does not show a change to it.
            raise OutcomeUnknown(
                f"the answer was lost, and {created.sid} has the same name but other values, so it is not known "
                f"whether this create succeeded; {_RERUN}"
            )
        if created is None and not is_conclusive:
            raise OutcomeUnknown(
                f"{error}; there was no time left to find out whether it was created; {_RERUN}"
            ) from None
        return created

    async def _find_lost_create(
        self, step: Step, values: Mapping[str, Content], *, is_guarded: bool
    ) -> tuple[Decoded | None, bool]:
        """Look for the resource of a lost create.

        Args:
            step: the create.
            values: what was sent.
            is_guarded: whether the API would reject a second create, so that one lookup is enough.

        Returns:
            The resource or None, and whether None is enough to go on: the API would reject a second create, or there
            was time for every lookup.
        """
        if is_guarded:
            return await self._look_up(step, values), True
        for seconds in LOOKUP_DELAYS:
            has_waited = await self._client.retry.sleep_within_deadline(seconds)
            created = await self._look_up(step, values)
            if created is not None or not has_waited:
                return created, has_waited
        return None, True

    async def _look_up(self, step: Step, values: Mapping[str, Content]) -> Decoded | None:
        """Look once for the resource of a lost create.

        Raises:
            StepFailed: several resources may be the one.
        """
        kind, name = step.kind, step.kind.name_of(values)
        if kind.readable_by_name and wire.is_plain_in_path(name):
            path = wire.instance_path(kind, self._references.parents(step.parent), name)
            try:
                body = await self._client.get(path)
            except ApiError as error:
                if not is_not_found(error):
                    raise
                return None
            candidates = [wire.decode(kind, body)]
        else:
            candidates = await self._references.list_collection(kind, step.parent, consistent=not kind.unique)
        new = self._new_resources(kind, values, candidates)
        same = [item for item in new if matches(kind, values, item)]
        # In a kind without names, only the values identify it. With a name, it may have changed after it was created.
        found = same if same or kind.match_by_content else new
        if len(found) > 1:
            raise StepFailed(
                f"the answer was lost, and {len(found)} new resources of kind {kind.noun} may be the one that was "
                f"created. Delete the unwanted ones, and {_RERUN}"
            )
        return found[0] if found else None

    def _new_resources(self, kind: Kind, values: Mapping[str, Content], candidates: Iterable[Decoded]) -> list[Decoded]:
        """Return the resources of the same key that are new: not read before the apply, and not created by this run."""
        name, discriminator = kind.name_of(values), kind.discriminator
        known = {*self._existing_sids, *self._references.sids.values()}
        return [
            item
            for item in {item.sid: item for item in candidates}.values()
            if item.sid not in known
            and kind.name_of(item.values) == name
            and not (discriminator and differs(kind, discriminator, values.get(discriminator), item))
        ]
