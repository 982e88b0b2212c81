"""Lists of the API: pages in order, without duplicates and without end.

Takes a function that reads one page; returns the items. Sends nothing itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from urllib.parse import urlsplit

from reconciler.errors import Malformed
from reconciler.json_text import Json

_IDLE_PAGES = 5
"""The number of consecutive pages without a new item after which a list is considered endless."""
_MOST_PAGES = 100_000
"""Five million users or conversations, the longest lists; a longer list is considered endless."""

ReadPage = Callable[[str], Awaitable[tuple[Sequence[Json], str | None]]]
"""Reads a page, given its path and query; returns its items, and path and query of the next page or None."""


class Pages:
    """One pass through a list, page by page, for as long as it is iterated. No item is given twice.

    Iterating gives the new items of each page, and whether the page is the last one. It raises an `ApiError` if a page
    cannot be read, or if page after page contains nothing new.

    Args:
        path: the list.
        first: path and query of the first page.
        read_page: reads a page.

    Attributes:
        number: the number of pages read.
        sids: the SIDs of the items read.
        has_moved: whether an item was repeated. The list changed while it was read, so an item may be missing, too.
    """

    def __init__(self, path: str, first: str, read_page: ReadPage) -> None:
        self.number = 0
        self.sids: set[str] = set()
        self.has_moved = False
        self._path = path
        self._next: str | None = first
        self._read_page = read_page

    async def __aiter__(self) -> AsyncIterator[tuple[Sequence[Json], bool]]:
        """Read the pages; see the class."""
        requested: set[str] = set()
        idle = 0
        while self._next is not None:
            page = self._next
            items, self._next = await self._read_page(page)
            self.number += 1
            new = [item for item in items if self._is_new(item)]
            is_repeated = page in requested
            if len(new) < len(items) or is_repeated:
                self.has_moved = True
            idle = 0 if new and not is_repeated else idle + 1
            requested.add(page)
            if self._next is not None and (idle >= _IDLE_PAGES or self.number >= _MOST_PAGES):
                why = "form a loop" if idle >= _IDLE_PAGES else f"exceed {_MOST_PAGES}"
                raise Malformed(f"GET {self._path}: the pages {why} at {self._next}")
            yield new, self._next is None

    def _is_new(self, item: Json) -> bool:
        """Return whether the item was not read before; an item without a SID counts as new."""
        sid = item.get("sid") if isinstance(item, dict) else None
        if not isinstance(sid, str):
            return True
        is_new = sid not in self.sids
        self.sids.add(sid)
        return is_new


def next_page(page: Json, base_path: str) -> str | None:
    """Return path and query of the next page, relative to the base URL; None after the last page.

    The host in ``next_page_url`` is ignored, so an answer cannot redirect credentials to another host.

    Args:
        page: the envelope of a page.
        base_path: the path of the base URL.

    Raises:
        Malformed: ``next_page_url`` is not a URL with a path.
    """
    meta = page.get("meta") if isinstance(page, dict) else None
    url = meta.get("next_page_url") if isinstance(meta, dict) else None
    if not url:
        return None
    try:
        parts = urlsplit(str(url))
    except ValueError:
        raise Malformed(f"the API's next_page_url is not a valid URL: {str(url)[:200]!r}") from None
    if not parts.path.startswith("/"):
        raise Malformed(f"the API's next_page_url has no path: {str(url)[:200]!r}")
    # A server below a base path may or may not include that path in its links.
    path = parts.path.removeprefix(base_path) if parts.path.startswith(f"{base_path}/") else parts.path
    return f"{path}?{parts.query}" if parts.query else path
