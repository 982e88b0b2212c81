"""Reading many things of an account at once: what `fetch` (what a plan needs) and `export` (everything) have in common.

Takes a `ReadClient`, which cannot write, and paths; gives what the API says, and tells how many requests are out and
back. Decides nothing about what is read, and keeps nothing of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Coroutine, Sequence
from typing import TypeVar

from reconciler.api import wire
from reconciler.api.client import Pages, ReadClient
from reconciler.errors import Malformed, Refused, UsageError
from reconciler.json_text import Json
from reconciler.kinds.base import Kind
from reconciler.report import Progress
from reconciler.state import Live

Answer = TypeVar("Answer")

"""Says which account answers."""


class ReadSession:
    """Requests of one reading of an account, and how many of them have been answered.

    Args:
        client: how to read.
        progress: who is told how many requests are out and back.
    """

    def __init__(self, client: ReadClient, progress: Progress) -> None:
        self.client = client
        self._progress = progress
        self._asked = 0
        self._answered = 0

    async def counted(self, request: Awaitable[Answer]) -> Answer:
        """Await one request."""
        self._tell(asked=1)
        answer = await request
        self._tell(answered=1)
        return answer

    async def counted_pages(self, pages: Pages) -> AsyncIterator[tuple[Sequence[Json], bool]]:
        """Each page as `Pages` gives it; how many there are is known only as they come."""
        async for page in pages:
            self._tell(asked=1, answered=1)
            yield page

    def check_credentials(self, account_sid: str) -> None:
        """Check that the account that answers is the one that the environment names, if it names one.

        Raises:
            UsageError: when it is another one.
        """
        expected = self.client.credentials.account_sid
        if expected and expected != account_sid:
            raise UsageError(f"TWILIO_ACCOUNT_SID is {expected}, but the credentials are for account {account_sid}")

    def _tell(self, *, asked: int = 0, answered: int = 0) -> None:
        self._asked += asked
        self._answered += answered
        self._progress.reading(self._answered, self._asked)


def is_unreadable_collection(error: Refused) -> bool:
    """Whether a refused read concerns one collection only, so that everything else can still be read.

    403: the key lacks the permission (Twilio error 70051, source: docs/api/errors/70051). 404: the collection does not
    exist for this account or region. Everything else, such as 401, concerns the whole account.
    """
    return error.refusal.status in {403, 404}


def account_of(body: Json) -> tuple[str, str]:
    """The account that answers, and its default service or "" when it has none, by the account's configuration.

    Raises:
        Malformed: when it does not tell.
    """
    if not isinstance(body, dict) or not isinstance(sid := body.get("account_sid"), str):
        raise Malformed("GET /v1/Configuration: the answer names no account")
    return sid, str(body.get("default_chat_service_sid") or "")


def to_live(kind: Kind, body: Json, parents: tuple[str, ...]) -> Live:
    """One resource of an answer."""
    decoded = wire.decode(kind, body)
    sid = wire.collection_path(kind, parents) if kind.singleton else decoded.sid
    return Live(kind, sid, parents, decoded.values, decoded.created, decoded.updated)


async def gather_or_cancel(requests: Sequence[Coroutine[None, None, Answer]]) -> list[Answer]:
    """Run everything at once; when one fails, stop the rest and raise that one's error, not a group of errors."""
    tasks = [asyncio.ensure_future(request) for request in requests]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
