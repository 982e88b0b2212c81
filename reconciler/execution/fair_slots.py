"""Slots for steps that run concurrently: the most urgent step first, and fairly between the owners of equal steps.

Takes the owner of each step (whose limit of writes per second it counts against, if any) and its rank; returns slots. A
step whose owner takes no more writes at present (`reconciler.api.rate_limit`) gets no slot until it does, so that
others can use it. Independent of plans and the HTTP library.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from dataclasses import field
from typing import Protocol

from reconciler.lazy_dataclass import dataclass


class Pace(Protocol):
    """A limit of the writes per second of each owner."""

    def room(self, owner: Hashable) -> float:
        """Return how many writes the owner takes now, those in progress included."""
        ...

    async def wait_for_room(self, owner: Hashable) -> None:
        """Wait until `room` has risen, or everything is to end."""
        ...


@dataclass(slots=True, eq=False)
class _Owner:
    """An owner: the slots that it holds, and its waiting requests by rank and arrival.

    Attributes:
        version: the number of its present entry in the queue of owners; an entry with another number is out of date.
    """

    held: int = 0
    waiting: list[tuple[int, int, asyncio.Future[None]]] = field(default_factory=list)
    version: int = 0


class FairSlots:
    """A number of slots, shared between the owners that request them.

    The request with the lowest rank is next; of several, the one whose owner holds the fewest slots; of these, the one
    whose owner has waited longest.

    Args:
        count: the maximum number of slots.
        allowed: gives the present number, which is looked at whenever a slot is requested or released; by default
            the highest.
        pace: limits the writes per second of each owner; unlimited by default.
    """

    def __init__(self, count: int, allowed: Callable[[], int] | None = None, pace: Pace | None = None) -> None:
        self._used = 0
        self._will_grant = False
        self._allowed = allowed or (lambda: count)
        self._pace = pace
        self._gate = asyncio.Lock()
        self._shared = 0
        self._no_shared = asyncio.Event()
        self._owners: dict[Hashable, _Owner] = {}
        self._numbers = itertools.count(1)
        # The waiting owners, each with the rank of its first request, the slots that it holds, and its version.
        self._queue: list[tuple[int, int, int, Hashable]] = []
        self._waits: dict[Hashable, asyncio.Task[None]] = {}

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
    async def step_slot(self, owner: Hashable, rank: int = 0) -> AsyncIterator[None]:
        """Hold a `shared` slot for a step, which gives it up within `slot_released`."""
        step_slot = _StepSlot(self, owner, rank)
        await step_slot.acquire()
        token = _STEP_SLOT.set(step_slot)
        try:
            yield
        finally:
            _STEP_SLOT.reset(token)
            await step_slot.release()

    @asynccontextmanager
    async def slot(self, owner: Hashable, rank: int = 0) -> AsyncIterator[None]:
        """Hold a slot."""
        await self._acquire(owner, rank)
        try:
            yield
        finally:
            self._release(owner)

    async def _acquire(self, owner: Hashable, rank: int) -> None:
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = self._owners.setdefault(owner, _Owner())
        heapq.heappush(entry.waiting, (rank, next(self._numbers), granted))
        if entry.waiting[0][2] is granted:
            self._enqueue(owner, entry)
        self._grant_soon()
        try:
            await granted
        except asyncio.CancelledError:
            if not granted.cancelled():
                # The slot was granted in the moment of the cancellation.
                self._release(owner)
            raise

    def _release(self, owner: Hashable) -> None:
        self._used -= 1
        entry = self._owners[owner]
        entry.held -= 1
        self._enqueue(owner, entry)
        self._grant_soon()

    def _enqueue(self, owner: Hashable, entry: _Owner) -> None:
        """Put an owner in the queue, in place of its former entry, or forget it if it neither waits nor holds."""
        entry.version = next(self._numbers)
        if entry.waiting:
            heapq.heappush(self._queue, (entry.waiting[0][0], entry.held, entry.version, owner))
        elif not entry.held:
            del self._owners[owner]

    def _grant_soon(self) -> None:
        """Grant the free slots after everything that is ready now has requested one.

        So the steps that waited for the one that has just ended compete for its slot.
        """
        if not self._will_grant:
            self._will_grant = True
            asyncio.get_running_loop().call_soon(self._grant)

    def _grant(self) -> None:
        """Grant the free slots to the owners that wait and take writes."""
        self._will_grant = False
        full: list[tuple[int, int, int, Hashable]] = []
        while self._queue and self._used < self._allowed():
            first = heapq.heappop(self._queue)
            _rank, _held, version, owner = first
            entry = self._owners.get(owner)
            if entry is None or entry.version != version:
                continue
            if self._pace is not None and entry.held >= self._pace.room(owner):
                full.append(first)
                continue
            granted = heapq.heappop(entry.waiting)[2]
            # A cancelled request is still in the queue.
            if not granted.cancelled():
                self._used += 1
                entry.held += 1
                granted.set_result(None)
            self._enqueue(owner, entry)
        for waiting in full:
            heapq.heappush(self._queue, waiting)
            self._await_room(waiting[3])

    def _await_room(self, owner: Hashable) -> None:
        """Look again when an owner takes more writes."""

        async def wait(pace: Pace) -> None:
            await pace.wait_for_room(owner)
            del self._waits[owner]
            self._grant()

        if self._pace is not None and owner not in self._waits:
            self._waits[owner] = asyncio.ensure_future(wait(self._pace))


class _StepSlot:
    """A slot that can be given up and acquired again."""

    def __init__(self, slots: FairSlots, owner: Hashable, rank: int) -> None:
        self._slots = slots
        self._owner = owner
        self._rank = rank
        self._held = AsyncExitStack()

    async def acquire(self) -> None:
        """Wait for a slot, then for the end of an exclusive sequence: always in this order, which avoids deadlocks."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._slots.slot(self._owner, self._rank))
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
