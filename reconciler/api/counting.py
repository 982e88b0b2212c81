"""Counts of lists, read no further than needed.

Takes a `ReadClient`, the path of a resource, and what to count of it; returns a `Counted`. Keeps nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from reconciler.api.client import ReadClient
from reconciler.errors import Refused
from reconciler.kinds.impact import Count
from reconciler.state import Counted

_PAGE = 50
"""The largest page that every list allows (source: Twilio's best practices and the pages of the resources)."""
_UNREADABLE = frozenset({403, 404})
"""Statuses of a list that the key may not read, or that the account or region does not have."""

Noticed: TypeAlias = Callable[[], None]


async def count_of(client: ReadClient, resource: str, count: Count, limit: int, noticed: Noticed) -> Counted:
    """Count the resources in a list below a resource.

    Args:
        client: reads.
        resource: the path of the resource.
        count: what to count.
        limit: the number from which on no further page is read; at least 1.
        noticed: called for each page.

    Raises:
        ApiError: the API could not be reached, or refused a request for a reason that does not concern this list alone.
    """
    path = f"{resource}/{count.path}"
    number, newest = 0, ""
    try:
        async for items, is_last in client.pages(path, count.list_key, min(_PAGE, limit), count.query):
            noticed()
            if count.newest and not number and items and isinstance(first := items[0], dict):
                newest = str(first.get(count.newest) or "")
            number += len(items)
            if is_last or number >= limit:
                return Counted(number, is_exact=is_last, newest=newest)
    except Refused as error:
        if error.refusal.status not in _UNREADABLE:
            raise
        return Counted(0, is_exact=False, refusal=error.refusal)
    return Counted(number, newest=newest)
