"""Reads a whole account: everything that can be exported, in rounds of parallel requests.

Takes a `ReadClient`, which cannot write, and the very long collections to include; returns a `State`. Does not decide
what is written. Keeps everything in memory, as a plan does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Collection as Collection_

from reconciler.address import Address
from reconciler.api import wire
from reconciler.api.client import ReadClient
from reconciler.api.reader import ReadSession, account_of, gather_or_cancel, is_unreadable_collection, to_live
from reconciler.errors import Refusal, Refused
from reconciler.export.exclusions import Exclusions
from reconciler.export.existing import ExistingFiles
from reconciler.export.fields import FieldFilter
from reconciler.export.naming import Naming
from reconciler.export.targets import kinds_of, overlaps, paths
from reconciler.json_text import Json
from reconciler.kinds import ACCOUNT, KINDS
from reconciler.kinds.base import Kind
from reconciler.kinds.relations import long_collections
from reconciler.report import Progress
from reconciler.state import Collection, Live, State


async def read_account(
    client: ReadClient, progress: Progress, include: Sequence[str] = (), targets: Sequence[Address] = ()
) -> State:
    """Read everything except long collections that are not included.

    Args:
        client: The API.
        progress: Receives the number of requests.
        include: Keys of `long_collections`.
        targets: Addresses that the export is narrowed to; empty for everything.

    Raises:
        UsageError: The account is not the one in the environment.
        ApiError: A request failed or was refused.
    """
    left_out = {kind for word, kinds in long_collections().items() if word not in include for kind in kinds}
    kinds = [kind for kind in KINDS if kind not in left_out]
    if targets:
        needed = kinds_of(targets)
        kinds = [kind for kind in kinds if kind in needed]
    return await AccountReader(client, progress, kinds, targets).read()


async def read_rest(
    client: ReadClient, progress: Progress, state: State, kinds_in: Callable[[Live], Collection_[Kind]]
) -> None:
    """Read into an account what a plan did not read.

    Args:
        client: The API.
        progress: Receives the number of requests.
        state: The account; receives what is read.
        kinds_in: Returns the kinds to read in a resource.

    Raises:
        ApiError: A request failed or was refused.
    """
    reader = AccountReader(client, progress, KINDS)
    await reader.read_into(state, kinds_in)


class AccountReader(ReadSession):
    """Reads the resources of some kinds."""

    def __init__(
        self, client: ReadClient, progress: Progress, kinds: Sequence[Kind], targets: Sequence[Address] = ()
    ) -> None:
        super().__init__(client, progress)
        self.kinds = kinds
        self.targets = targets
        self.found: dict[str, Live] = {}
        self.complete: list[Collection] = []
        self.unreadable: dict[Collection, Refusal] = {}
        self.gone: set[str] = set()
        self.account_sid = self.default_service_sid = ""

    async def read(self) -> State:
        """Read every resource of the kinds."""
        top = [kind for kind in self.kinds if kind.parent is None and kind != ACCOUNT]
        await gather_or_cancel([self._read_account(), *(self._read(kind, ()) for kind in top)])
        for parent in KINDS.parents:
            await self._below([item for item in self._targeted() if item.kind == parent])
        return self._state()

    async def read_into(self, state: State, kinds_in: Callable[[Live], Collection_[Kind]]) -> None:
        """Read the collections in each resource that were not read; see `read_rest`."""
        self.account_sid = state.account_sid
        for parent in KINDS.parents:
            above = [item for item in state if item.kind == parent and not item.kind.why_final(item.values)]
            await gather_or_cancel(
                [
                    self._read(kind, item.lineage)
                    for item in above
                    for kind in kinds_in(item)
                    if kind.parent == parent.name and not _is_read(state, kind, item.lineage)
                ]
            )
            for live in self._state():
                state.add(live)
        state.complete |= set(self.complete)
        state.unreadable |= self.unreadable

    def _targeted(self) -> list[Live]:
        """Return what was read and may contain a target."""
        if not self.targets:
            return list(self.found.values())
        state = self._state()
        known = paths(state, Naming(state, FieldFilter(ExistingFiles(), Exclusions())).addresses)
        return [
            item
            for item in self.found.values()
            if item.sid in known and any(overlaps(known[item.sid], target) for target in self.targets)
        ]

    def _state(self) -> State:
        kept = [item for item in self.found.values() if self.gone.isdisjoint({item.sid, *item.parents})]
        return State(
            account_sid=self.account_sid,
            default_service_sid=self.default_service_sid,
            resources=kept,
            complete=self.complete,
            unreadable={
                collection: refusal
                for collection, refusal in self.unreadable.items()
                if self.gone.isdisjoint(collection.parents)
            },
        )

    async def _below(self, parents: Sequence[Live]) -> None:
        await gather_or_cancel(
            [
                self._read(kind, parent.lineage)
                for parent in parents
                # A final resource is history: nothing in it can change, and it is not exported.
                if not parent.kind.why_final(parent.values)
                for kind in self.kinds
                if kind.parent == parent.kind.name
            ]
        )

    async def _read_account(self) -> None:
        body = await self.counted(self.client.get(wire.collection_path(ACCOUNT, ())))
        self.account_sid, self.default_service_sid = account_of(body)
        self.check_credentials(self.account_sid)
        self._keep(ACCOUNT, body, ())

    async def _read(self, kind: Kind, parents: tuple[str, ...]) -> None:
        path = wire.collection_path(kind, parents)
        try:
            if kind.singleton:
                self._keep(kind, await self.counted(self.client.get(path)), parents)
            else:
                await self._read_list(kind, path, parents)
        except Refused as error:
            if not is_unreadable_collection(error):
                raise
            if parents and error.refusal.status == 404 and not await self._is_there(parents):
                # It was deleted since the previous round.
                self.gone.add(parents[-1])
            else:
                self.unreadable[Collection(kind.name, parents)] = error.refusal
            return
        self.complete.append(Collection(kind.name, parents))

    async def _is_there(self, parents: tuple[str, ...]) -> bool:
        """Return whether the innermost of these parents still exists."""
        kind = self.found[parents[-1]].kind
        try:
            await self.counted(self.client.get(wire.instance_path(kind, parents[:-1], parents[-1])))
        except Refused as error:
            return error.refusal.status != 404
        return True

    async def _read_list(self, kind: Kind, path: str, parents: tuple[str, ...]) -> None:
        # Read again if the list changed: a repeated resource suggests that another one was missed.
        for _ in range(2):
            pages = self.client.pages(path, kind.list_key, kind.page_size)
            async for page, _is_last in self.counted_pages(pages):
                for body in page:
                    self._keep(kind, body, parents)
            if not pages.has_moved:
                return

    def _keep(self, kind: Kind, body: Json, parents: tuple[str, ...]) -> None:
        found = to_live(kind, body, parents)
        self.found[found.sid] = found


def _is_read(state: State, kind: Kind, parents: tuple[str, ...]) -> bool:
    collection = Collection(kind.name, parents)
    is_known = kind.singleton and state.singleton(kind, parents) is not None
    return is_known or collection in state.complete or collection in state.unreadable
