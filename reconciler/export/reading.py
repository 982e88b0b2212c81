"""Reading a whole account: everything that can be exported, in rounds, each asked at once.

Takes a `ReadClient`, which cannot write, and what to include of the collections that may be very long; gives a `State`.
Decides nothing about what is written. Holds everything in memory, as a plan does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence

from reconciler import wire
from reconciler.client import ReadClient
from reconciler.errors import Malformed, Refused, UsageError
from reconciler.kinds import BY_NAME, KINDS
from reconciler.kinds.base import Json, Kind
from reconciler.report import Progress
from reconciler.state import Collection, Live, State

LONG: dict[str, tuple[str, ...]] = {
    "users": ("user",),
    "conversations": ("conversation", "conversation_webhook", "participant"),
}
"""What is read only when it is asked for, since there may be millions: by the word that asks, the kinds."""

_ACCOUNT = BY_NAME["account_configuration"]
_CONVERSATION = BY_NAME["conversation"]


async def read_account(client: ReadClient, progress: Progress, include: Sequence[str] = ()) -> State:
    """Read everything but what is long and not asked for.

    Args:
        client: how to read.
        progress: who is told how many requests are out and back.
        include: keys of `LONG`.

    Raises:
        UsageError: when the account is not the one that the environment names.
        ApiError: when the API could not be asked or refused.
    """
    left_out = {name for word, names in LONG.items() if word not in include for name in names}
    return await _Reading(client, progress, [kind for kind in KINDS if kind.name not in left_out]).everything()


class _Reading:
    """One reading of an account, and how many of its requests have been answered."""

    def __init__(self, client: ReadClient, progress: Progress, kinds: Sequence[Kind]) -> None:
        self.client = client
        self.progress = progress
        self.kinds = kinds
        self.asked = 0
        self.answered = 0
        self.found: dict[str, Live] = {}
        self.complete: list[Collection] = []
        self.gone: set[str] = set()

    async def everything(self) -> State:
        await self._all([self._read(kind, ()) for kind in self.kinds if kind.parent is None and kind != _ACCOUNT] + [
            self._read_account()
        ])  # fmt: skip
        parents = [live for live in self.found.values() if live.kind.name == "service"]
        await self._below(parents)
        # A closed conversation is history: nothing in it can change, and it is not exported.
        await self._below(
            [live for live in self.found.values() if live.kind == _CONVERSATION and live.kind.final(live.values) == ""]
        )
        kept = [live for live in self.found.values() if self.gone.isdisjoint({live.sid, *live.parents})]
        return State(
            account_sid=self.account_sid,
            default_service_sid=self.default_service_sid,
            resources=kept,
            complete=self.complete,
        )

    async def _below(self, parents: Sequence[Live]) -> None:
        await self._all(
            [
                self._read(kind, (*live.parents, live.sid))
                for live in parents
                for kind in self.kinds
                if kind.parent == live.kind.name
            ]
        )

    async def _read_account(self) -> None:
        path = wire.collection_path(_ACCOUNT, ())
        account = await self._counted_get(path)
        sid = account.get("account_sid") if isinstance(account, dict) else None
        if not isinstance(sid, str):
            raise Malformed("GET /v1/Configuration: the answer names no account")
        expected = self.client.credentials.account_sid
        if expected and expected != sid:
            raise UsageError(f"TWILIO_ACCOUNT_SID is {expected}, but the credentials are for account {sid}")
        self.account_sid = sid
        self.default_service_sid = str(account.get("default_chat_service_sid") or "")
        self._keep(_ACCOUNT, account, ())

    async def _read(self, kind: Kind, parents: tuple[str, ...]) -> None:
        path = wire.collection_path(kind, parents)
        try:
            if kind.singleton:
                self._keep(kind, await self._counted_get(path), parents)
            else:
                async for page, _ in self.client.pages(path, kind.list_key, kind.page_size):
                    self._tell(asked=1, answered=1)
                    for body in page:
                        self._keep(kind, body, parents)
        except Refused as error:
            if not parents or error.refusal.status != 404:
                raise
            # Somebody deleted it since the round before.
            self.gone.add(parents[-1])
        self.complete.append(Collection(kind.name, parents))

    def _keep(self, kind: Kind, body: Json, parents: tuple[str, ...]) -> None:
        decoded = wire.decode(kind, body)
        sid = wire.collection_path(kind, parents) if kind.singleton else decoded.sid
        self.found[sid] = Live(kind, sid, parents, decoded.values, decoded.created, decoded.updated)

    async def _counted_get(self, path: str) -> Json:
        self._tell(asked=1)
        body = await self.client.get(path)
        self._tell(answered=1)
        return body

    def _tell(self, *, asked: int = 0, answered: int = 0) -> None:
        self.asked += asked
        self.answered += answered
        self.progress.reading(self.answered, self.asked)

    async def _all(self, requests: Sequence[Coroutine[None, None, None]]) -> None:
        """Run everything at once; when one fails, stop the rest and raise that one's error."""
        tasks = [asyncio.ensure_future(request) for request in requests]
        try:
            await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise
