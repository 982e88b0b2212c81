"""Slots for steps that run concurrently, shared fairly between the resources that they write into.

Takes the owner of each step (the resource that it writes into); returns slots. A step that waits for its owner's rate
limit (`reconciler.api.rate_limit`) keeps its slot. If slots were granted in the order of requests, the largest service
would hold all of them while every other one waited. Independent of plans and the HTTP library.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar


class FairSlots:
    """A number of slots, shared evenly between the owners that request them.

    The owner that holds the fewest is next; of several, the one that has waited longest. An owner's own requests are
    served in order.

    Args:
        count: the maximum number of slots.
        allowed: gives the present number, which is looked at whenever a slot is requested or released; by default
            the highest.
    """

    def __init__(self, count: int, allowed: Callable[[], int] | None = None) -> None:
        self._used = 0
        self._allowed = allowed or (lambda: count)
        self._gate = asyncio.Lock()
        self._shared = 0
        self._no_shared = asyncio.Event()
        self._held: defaultdict[Hashable, int] = defaultdict(int)
        self._queues: dict[Hashable, deque[asyncio.Future[None]]] = {}
        # The waiting owners, by the number of slots that they hold; dicts keep their order of arrival.
        self._waiting: list[dict[Hashable, None]] = [{} for _ in range(count + 1)]

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """Wait until everything `shared` has ended, and let nothing else begin until then.

        The caller must hold a `slot`, and must not be `shared` itself.
        """
        async with self._gate:
            while self._shared:
                self._no_shared.clear()
                await self._no_shared.wait()
            yield

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """Run concurrently with others, but not while something is `exclusive`."""
        async with self._gate:
            self._shared += 1
        try:
            yield
        finally:
            self._shared -= 1
            if not self._shared:
                self._no_shared.set()

    @asynccontextmanager
    async def step_slot(self, owner: Hashable) -> AsyncIterator[None]:
        """Hold a `shared` slot for a step, which gives it up within `slot_released`."""
        step_slot = _StepSlot(self, owner)
        await step_slot.acquire()
        token = _STEP_SLOT.set(step_slot)
        try:
            yield
        finally:
            _STEP_SLOT.reset(token)
            await step_slot.release()

    @asynccontextmanager
    async def slot(self, owner: Hashable) -> AsyncIterator[None]:
        """Hold a slot."""
        await self._acquire(owner)
        try:
            yield
        finally:
            self._release(owner)

    async def _acquire(self, owner: Hashable) -> None:
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if owner not in self._queues:
            self._queues[owner] = deque()
            self._waiting[self._held[owner]][owner] = None
        self._queues[owner].append(granted)
        self._grant()
        try:
            await granted
        except asyncio.CancelledError:
            if not granted.cancelled():
                # The slot was granted in the moment of the cancellation.
                self._release(owner)
            raise

    def _release(self, owner: Hashable) -> None:
        self._used -= 1
        self._count(owner, -1)
        self._grant()

    def _grant(self) -> None:
        """Grant the free slots to the owners that wait."""
        while self._queues and self._used < self._allowed():
            owner = next(iter(next(filter(None, self._waiting))))
            granted = self._queues[owner].popleft()
            if not self._queues[owner]:
                del self._queues[owner]
                del self._waiting[self._held[owner]][owner]
            # A cancelled request is still in the queue.
            if not granted.cancelled():
                self._used += 1
                self._count(owner, 1)
                granted.set_result(None)

    def _count(self, owner: Hashable, delta: int) -> None:
        """Adjust the number of slots held by an owner by delta."""
        if owner in self._queues:
            del self._waiting[self._held[owner]][owner]
            self._waiting[self._held[owner] + delta][owner] = None
        self._held[owner] += delta
        if not self._held[owner]:
            del self._held[owner]


class _StepSlot:
    """A slot that can be given up and acquired again."""

    def __init__(self, slots: FairSlots, owner: Hashable) -> None:
        self._slots = slots
        self._owner = owner
        self._held = AsyncExitStack()

    async def acquire(self) -> None:
        """Wait for a slot, then for the end of an exclusive sequence: always in this order, which avoids deadlocks."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._slots.slot(self._owner))
            await stack.enter_async_context(self._slots.shared())
            self._held = stack.pop_all()

    async def release(self) -> None:
        """Give the slot up, if it is held."""
        await self._held.aclose()


_STEP_SLOT: ContextVar[_StepSlot | None] = ContextVar("step_slot", default=None)
"""The slot of the step that runs in this task; None in a sequence of steps that runs exclusively."""


@asynccontextmanager
async def slot_released() -> AsyncIterator[None]:
    """Give up this task's slot while it reads or waits, and acquire one again afterwards, unless an error ends it."""
    step_slot = _STEP_SLOT.get()
    if step_slot is None:
        yield
        return
    await step_slot.release()
    yield
    await step_slot.acquire()
