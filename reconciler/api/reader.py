"""Many reads of one account: the common part of `fetch` (what a plan needs) and `export` (everything).

Takes a `ReadClient`, which cannot write, and requests; returns their answers, and reports the progress. Does not decide
what to read, and stores nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Coroutine, Sequence
from typing import TypeVar, cast

from reconciler.api import wire
from reconciler.api.client import ReadClient
from reconciler.api.paging import Pages
from reconciler.errors import Malformed, Refused, UsageError
from reconciler.json_text import Json
from reconciler.kinds.base import Kind
from reconciler.report import Progress
from reconciler.state import Live

T = TypeVar("T")
Other = TypeVar("Other")


class ReadSession:
    """The reads of one account, counted for the progress display.

    Args:
        client: reads.
        progress: receives the number of requests sent and answered.
    """

    def __init__(self, client: ReadClient, progress: Progress) -> None:
        self.client = client
        self._progress = progress
        self._sent = 0
        self._answered = 0

    async def counted(self, request: Awaitable[T]) -> T:
        """Await one request and count it."""
        self._count(sent=1)
        answer = await request
        self._count(answered=1)
        return answer

    async def counted_pages(self, pages: Pages) -> AsyncIterator[tuple[Sequence[Json], bool]]:
        """Iterate over pages and count them; their number is known only at the end."""
        async for page in pages:
            self._count(sent=1, answered=1)
            yield page

    def page_read(self) -> None:
        """Count one page, as `counted_pages` does."""
        self._count(sent=1, answered=1)

    def check_credentials(self, account_sid: str) -> None:
        """Check that the account is the one in the environment, if it contains one.

        Raises:
            UsageError: it is another account.
        """
        expected = self.client.credentials.account_sid
        if expected and expected != account_sid:
            raise UsageError(
                f"TWILIO_ACCOUNT_SID is {expected}, but the credentials belong to account {account_sid}. Set the "
                "credentials of the intended account"
            )

    def _count(self, *, sent: int = 0, answered: int = 0) -> None:
        self._sent += sent
        self._answered += answered
        self._progress.reading(self._answered, self._sent)


def is_unreadable_collection(error: Refused) -> bool:
    """Return whether a refused read concerns one collection only, so that everything else can still be read.

    403: the key lacks the permission (Twilio error 70051, source: docs/api/errors/70051). 404: the collection does not
    exist for this account or region. Everything else, such as 401, concerns the whole account.
    """
    return error.refusal.status in {403, 404}


def account_of(body: Json) -> tuple[str, str]:
    """Return the account and its default service, "" if it has none.

    Args:
        body: the account's configuration as the API returned it.

    Raises:
        Malformed: it does not contain the account.
    """
    if not isinstance(body, dict) or not isinstance(sid := body.get("account_sid"), str):
        raise Malformed("GET /v1/Configuration: the answer does not name the account")
    return sid, str(body.get("default_chat_service_sid") or "")


def to_live(kind: Kind, body: Json, parents: tuple[str, ...]) -> Live:
    """Decode one resource of an answer."""
    decoded = wire.decode(kind, body)
    sid = wire.collection_path(kind, parents) if kind.singleton else decoded.sid
    return Live(kind, sid, parents, decoded.values, decoded.created, decoded.updated)


async def both_or_cancel(first: Coroutine[None, None, T], second: Coroutine[None, None, Other]) -> tuple[T, Other]:
    """Do as `gather_or_cancel` with two requests whose results differ in type."""
    results: list[T | Other] = await gather_or_cancel([first, second])
    return cast("tuple[T, Other]", tuple(results))


async def gather_or_cancel(requests: Sequence[Coroutine[None, None, T]]) -> list[T]:
    """Run requests concurrently; if one fails, cancel the others and raise its error, not a group of errors."""
    tasks = [asyncio.ensure_future(request) for request in requests]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
