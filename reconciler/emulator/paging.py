"""Lists in pages.

Takes a source of items in a fixed order and the request's paging parameters; returns the envelope of Twilio's lists:
the items under the list's key, and `meta` with the URLs of the pages. A page token names a position in the order, not a
number of items, so a delete between two pages shifts no items.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

from reconciler.emulator.behavior.context import Context, Render, Reply
from reconciler.emulator.errors import PAGE_SIZE_TOO_LARGE, UNKNOWN_PARAMETER, refused
from reconciler.emulator.store import Order, Row

PAGING = ("PageSize", "Page", "PageToken")
# Error dictionary: 20007.
LARGEST_PAGE = 1000


class Source(Protocol):
    """Items in an order, each with its position."""

    def read(self, past: int | None, limit: int, *, backwards: bool) -> Sequence[tuple[int, Row]]:
        """Return up to ``limit`` items after a position (None: from the start), forward or backward."""
        ...


@dataclass(frozen=True, slots=True)
class Children:
    """The resources of a kind in a parent, read from the store."""

    context: Context
    kind: str
    parent: str
    order: Order = "made"
    newest_first: bool | None = None

    def read(self, past: int | None, limit: int, *, backwards: bool) -> Sequence[tuple[int, Row]]:
        """Return a slice, as ``Source`` describes."""
        newest_first = self.newest_first
        if newest_first is None:
            newest_first = self.context.rules.page_order == "newest first"
        rows = self.context.store.slice(
            self.kind, self.parent, order=self.order, newest_first=newest_first != backwards, past=past, limit=limit
        )
        return [(row.made if self.order == "made" else row.active, row) for row in rows]


@dataclass(frozen=True, slots=True)
class Selected:
    """Rows that are already selected and ordered; their positions are numbers from 1."""

    rows: Sequence[Row]

    def read(self, past: int | None, limit: int, *, backwards: bool) -> Sequence[tuple[int, Row]]:
        """Return a slice, as ``Source`` describes."""
        places = list(enumerate(self.rows, 1))
        if backwards:
            return [place for place in reversed(places) if past is None or place[0] < past][:limit]
        return places[past or 0 :][:limit]


def ordered(context: Context, rows: Sequence[Row]) -> Selected:
    """Order rows, given oldest first, as the rule says."""
    return Selected(rows if context.rules.page_order == "oldest first" else rows[::-1])


def page(context: Context, source: Source, render: Render, *, most: int, usual: int = 50) -> Reply:
    """Build one page of a list.

    Args:
        context: The request.
        source: The items.
        render: Builds an item's body.
        most: The list's true maximum (2026 description and docs; the 2024 description says 1000 for every list).
        usual: The default page size.

    Raises:
        ApiError: The page size is over 1000, or over the maximum and the rule refuses it; or the token is invalid.
    """
    size = context.args.number("PageSize") or min(usual, most)
    allowed = most if context.rules.large_page == "refused" else LARGEST_PAGE
    if size > allowed:
        raise refused(PAGE_SIZE_TOO_LARGE, f"Page size too large: {size}; the maximum is {allowed}")
    if context.rules.large_page == "clamped":
        size = min(size, most)
    token = context.args.text("PageToken")
    place = _read_token(token) if token else {"page": context.args.number("Page") or 0}
    backwards = "before" in place
    found = list(source.read(place.get("before", place.get("after")), size + 1, backwards=backwards))
    more, items = len(found) > size, found[:size]
    if backwards:
        items.reverse()
    number: int = place["page"]
    url = _page_urls(context, size)
    # Going backward, there is a next page: the one that the client came from.
    after = items[-1][0] if items and (more or backwards) else None
    before = items[0][0] if items and token and (not backwards or more) else None
    key = context.operation.envelope
    assert key is not None
    return Reply(
        200,
        {
            "meta": {
                "page": number,
                "page_size": size,
                "first_page_url": url(0, None),
                "previous_page_url": url(max(number - 1, 0), {"before": before}) if before is not None else None,
                "url": url(number, place if token else None),
                "next_page_url": url(number + 1, {"after": after}) if after is not None else None,
                "key": key,
            },
            key: [render(context, row) for _, row in items],
        },
    )


def _page_urls(context: Context, size: int) -> Callable[[int, dict[str, Any] | None], str]:
    filters = [
        (name, value)
        for name in context.operation.parameters["query"]
        if name in context.args and name not in PAGING
        for value in _as_texts(context, name)
    ]

    def url(number: int, place: dict[str, Any] | None) -> str:
        query = [*filters, ("PageSize", str(size)), ("Page", str(number))]
        if place is not None:
            query.append(("PageToken", _write_token({**place, "page": number})))
        return f"{context.base_url}{context.path}?{urlencode(query)}"

    return url


def _as_texts(context: Context, name: str) -> list[str]:
    if context.operation.parameters["query"][name].fact.array:
        return context.args.texts(name) or []
    return [context.args.text(name) or ""]


# A page token is `PT` and Base64 of JSON (a log in a public issue); the content of the JSON is our decision.
def _write_token(place: dict[str, Any]) -> str:
    text = json.dumps(place, separators=(",", ":"), sort_keys=True)
    return "PT" + base64.urlsafe_b64encode(text.encode()).decode()


def _read_token(token: str) -> dict[str, Any]:
    wrong = refused(UNKNOWN_PARAMETER, f"Invalid value of PageToken: {token}")
    if not token.startswith("PT"):
        raise wrong
    try:
        place = json.loads(base64.b64decode(token[2:], altchars=b"-_", validate=True))
    except ValueError as error:
        raise wrong from error
    if not isinstance(place, dict) or set(place) not in ({"page", "after"}, {"page", "before"}):
        raise wrong
    # A position in the store is a 64-bit number.
    if not all(isinstance(value, int) and 0 <= value < 2**63 for value in place.values()):
        raise wrong
    return place
