"""SIDs of resources: known from the plan, added by this run's creates, or looked up in a service created by this run.

Takes a `Plan` and a client; returns SIDs for addresses, and values with SIDs in place of references. Only reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from reconciler.address import Address
from reconciler.api import wire
from reconciler.api.answers import is_not_found
from reconciler.api.client import ReadClient
from reconciler.api.wire import Decoded
from reconciler.change import Step
from reconciler.config.model import Reference, Unknown
from reconciler.errors import ApiError
from reconciler.execution.fair_slots import slot_released
from reconciler.execution.step_errors import StepFailed
from reconciler.json_text import Json
from reconciler.kinds import BY_NAME
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content
from reconciler.planning.plan import Plan

T = TypeVar("T")

LOOKUP_DELAYS = (1.0, 4.0)
"""Seconds to wait before each further lookup of a missing resource. A read may lag behind the writes (no
read-after-write consistency is documented), and a request whose answer was lost may still be in progress."""


class References:
    """The SIDs that the steps of one apply use.

    Args:
        plan: provides the SIDs known so far, and the resources that Twilio creates in a new service.
        client: reads.

    Attributes:
        sids: SIDs by address; this run's creates are added.
    """

    def __init__(self, plan: Plan, client: ReadClient) -> None:
        self.sids: dict[Address, str] = dict(plan.execution.sids)
        self._builtin_refs = plan.execution.builtin_refs
        self._client = client
        self._lists: dict[tuple[str, Address | None], asyncio.Future[list[Decoded]]] = {}

    def parents(self, parent: Address | None) -> tuple[str, ...]:
        """Return the SIDs of the containing resources, outermost first.

        Args:
            parent: the address of its parent, of which every second part is a handle; None at the top.
        """
        if parent is None:
            return ()
        above = [Address(parent.parts[:length]) for length in range(2, len(parent.parts) + 1, 2)]
        return tuple(self.sids[address] for address in above)

    def instance_path(self, step: Step) -> str:
        """Return the path of the resource that a step updates or deletes."""
        sid = "" if step.kind.singleton else step.sid or self.sids[step.address]
        return wire.instance_path(step.kind, self.parents(step.parent), sid)

    async def resolve(self, values: Mapping[str, Content | Reference | Unknown]) -> dict[str, Content]:
        """Replace references by SIDs.

        Raises:
            StepFailed: a value is still unknown, or the target of a reference does not exist.
        """
        resolved: dict[str, Content] = {}
        for path, content in values.items():
            if isinstance(content, Unknown):
                raise StepFailed(f"the value of {path} is unknown: {content.reason}")
            resolved[path] = await self._sid_of(content) if isinstance(content, Reference) else content
        return resolved

    async def _sid_of(self, reference: Reference) -> str:
        sid = self.sids.get(reference.address)
        if sid is not None:
            return sid
        kind = BY_NAME[reference.kind]
        parent = reference.address.owner(kind.section)
        key = self._builtin_refs.get(reference.address, {})
        resource = None
        if key:
            async with slot_released():
                resource = await self.find_builtin(kind, parent, key)
        if resource is None:
            raise StepFailed(f"{reference.address}, which this resource refers to, does not exist")
        self.sids[reference.address] = resource.sid
        return resource.sid

    async def find_builtin(
        self, kind: Kind, parent: Address | None, key: Mapping[str, object], *, wait: bool = True
    ) -> Decoded | None:
        """Find a resource that Twilio creates in a new service, by name. The list is read once for all names.

        Args:
            kind: its kind.
            parent: the address of the service.
            key: its identifying values; the natural key is used.
            wait: whether to look again after `LOOKUP_DELAYS` if it is missing, since a read may lag behind.

        Returns:
            The resource; None if it does not exist.

        Raises:
            StepFailed: several resources have that name.
        """
        collection, name = (kind.name, parent), key.get(kind.natural_key)
        for seconds in (0.0, *LOOKUP_DELAYS) if wait else (0.0,):
            previous = self._lists.get(collection)
            if seconds and not await self._client.retry.sleep_within_deadline(seconds):
                break
            if previous is None or (seconds and self._lists[collection] is previous):
                self._lists[collection] = asyncio.ensure_future(
                    self.read_new(lambda: self.list_collection(kind, parent))
                )
            same = [item for item in await self._lists[collection] if item.values.get(kind.natural_key) == name]
            if len(same) > 1:
                raise StepFailed(
                    f"the new service has {len(same)} resources of kind {kind.noun} named {name!r}, so the one to "
                    "update is ambiguous. Pin it with `sid`"
                )
            if same:
                return same[0]
        return None

    async def list_collection(self, kind: Kind, parent: Address | None, *, consistent: bool = False) -> list[Decoded]:
        """Read a whole collection; for `consistent` see `reconciler.api.client.ReadClient.list`."""
        path = wire.collection_path(kind, self.parents(parent))
        bodies: list[Json] = list(await self._client.list(path, kind.list_key, kind.page_size, consistent=consistent))
        return [wire.decode(kind, body) for body in bodies]

    async def read_new(self, read: Callable[[], Awaitable[T]]) -> T:
        """Read a resource that this run has just created, and wait if a lagging read does not return it yet."""
        for seconds in LOOKUP_DELAYS:
            try:
                return await read()
            except ApiError as error:
                if not is_not_found(error) or not await self._client.retry.sleep_within_deadline(seconds):
                    raise
        return await read()
