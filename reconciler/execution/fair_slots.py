"""Which of the steps that could be sent is next, when not all of them may be under way at once.

Takes what each step writes into; gives slots. One that waits for its own pace (`reconciler.api.rate_limit`) keeps its
turn, so slots that were simply first come, first served would all be held by the largest service, while every other
stood still. Knows neither plans nor HTTP's library.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar


class FairSlots:
    """So many at once, shared evenly between those who want some.

    Whoever has the fewest is next; of several, who has waited longest; of one's own, the first.

    Args:
        at_once: how many.
    """

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._gate = asyncio.Lock()
        self._beside = 0
        self._is_quiet = asyncio.Event()
        self._taken: defaultdict[Hashable, int] = defaultdict(int)
        self._queues: dict[Hashable, deque[asyncio.Future[None]]] = {}
        # Who waits, by how many slots they have; dicts keep the order in which they came.
        self._waiting: list[dict[Hashable, None]] = [{} for _ in range(at_once + 1)]

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """Let what has begun end, and nothing else begin meanwhile. Only for whoever holds a turn, and not `shared`."""
        async with self._gate:
            while self._beside:
                self._is_quiet.clear()
                await self._is_quiet.wait()
            yield

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """Run beside others, but not while one is `exclusive`."""
        async with self._gate:
            self._beside += 1
        try:
            yield
        finally:
            self._beside -= 1
            if not self._beside:
                self._is_quiet.set()

    @asynccontextmanager
    async def step_slot(self, owner: Hashable) -> AsyncIterator[None]:
        """Hold a turn `shared` others, and give it up for as long as the step is `slot_released`."""
        place = _Place(self, owner)
        await place.take()
        token = _PLACE.set(place)
        try:
            yield
        finally:
            _PLACE.reset(token)
            await place.leave()

    @asynccontextmanager
    async def slot(self, owner: Hashable) -> AsyncIterator[None]:
        """Hold a turn."""
        await self._take(owner)
        try:
            yield
        finally:
            self._give_back(owner)

    async def _take(self, owner: Hashable) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if owner not in self._queues:
            self._queues[owner] = deque()
            self._waiting[self._taken[owner]][owner] = None
        self._queues[owner].append(turn)
        self._share()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                # It was given just when nobody wanted it any more.
                self._give_back(owner)
            raise

    def _give_back(self, owner: Hashable) -> None:
        self._free += 1
        self._count(owner, -1)
        self._share()

    def _share(self) -> None:
        """Give what is free to those who wait."""
        while self._free and self._queues:
            owner = next(iter(next(filter(None, self._waiting))))
            turn = self._queues[owner].popleft()
            if not self._queues[owner]:
                del self._queues[owner]
                del self._waiting[self._taken[owner]][owner]
            # Who gave up still stands in the queue.
            if not turn.cancelled():
                self._free -= 1
                self._count(owner, 1)
                turn.set_result(None)

    def _count(self, owner: Hashable, more: int) -> None:
        """Let an owner have so many more, and wait among those who have as many."""
        if owner in self._queues:
            del self._waiting[self._taken[owner]][owner]
            self._waiting[self._taken[owner] + more][owner] = None
        self._taken[owner] += more
        if not self._taken[owner]:
            del self._taken[owner]


class _Place:
    """A turn that can be given up and taken again."""

    def __init__(self, slots: FairSlots, owner: Hashable) -> None:
        self._turns = slots
        self._owner = owner
        self._held = AsyncExitStack()

    async def take(self) -> None:
        """Wait for a turn, and then for whoever runs alone: always in this order, so that no two block each other."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._turns.slot(self._owner))
            await stack.enter_async_context(self._turns.shared())
            self._held = stack.pop_all()

    async def leave(self) -> None:
        """Give the turn up, if it is held."""
        await self._held.aclose()


_PLACE: ContextVar[_Place | None] = ContextVar("place", default=None)
"""The place of the step that runs in this task; none where several steps belong together."""


@asynccontextmanager
async def slot_released() -> AsyncIterator[None]:
    """Give this task's place up while it reads or waits, and take one again afterwards; after an error, take none."""
    place = _PLACE.get()
    if place is None:
        yield
        return
    await place.leave()
    yield
    await place.take()
