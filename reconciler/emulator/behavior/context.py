"""The context of a behavior: one request, the account that it acts on, and its response.

Gives ``Context`` (store, rules, clock, SIDs, the request's arguments, and URLs in the form of its path), ``Reply``, and
``Behavior`` (a function with the error codes of its family). Knows neither HTTP nor the rules of a family.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, TypeAlias
from urllib.parse import quote

from reconciler.emulator.arguments import Arguments, Faults
from reconciler.emulator.contract import SERVICE_PREFIX, Operation
from reconciler.emulator.errors import NOT_FOUND, UPDATE_WITHOUT_PARAMETERS, ApiError
from reconciler.emulator.rules import Rules
from reconciler.emulator.store import Row, Store

# A response body: JSON has no static shape.
Body: TypeAlias = dict[str, Any]
Render: TypeAlias = Callable[["Context", Row], Body]


@dataclass(frozen=True, slots=True)
class Reply:
    """A response: its status and its body (None for 204)."""

    status: int
    body: Body | None = None


@dataclass(frozen=True, slots=True)
class Behavior:
    """The behavior of one operation.

    Attributes:
        run: Processes the request; called inside a transaction.
        faults: The errors for wrong parameters.
        empty_update: The code for an update without parameters, if that is refused.
        may_update_nothing: Whether an update without parameters may be accepted (by the rule `empty_update`).
    """

    run: Callable[[Context], Reply]
    faults: Faults = field(default_factory=Faults)
    empty_update: int = UPDATE_WITHOUT_PARAMETERS
    may_update_nothing: bool = True


Table: TypeAlias = Mapping[tuple[Literal["GET", "POST", "DELETE"], str], Behavior]


class Surroundings(NamedTuple):
    """The state that all requests of one emulator share."""

    store: Store
    rules: Rules
    entropy: random.Random

    def new_sid(self, prefix: str) -> str:
        """Return an unused SID: a prefix and 32 hexadecimal digits (OpenAPI patterns)."""
        while True:
            sid = f"{prefix}{self.entropy.getrandbits(128):032x}"
            if not self.store.known(sid):
                return sid


class Context:
    """One request.

    Args:
        around: The state that all requests share.
        now: The time of the request.
        base_url: Scheme and host of every URL in the response.
        operation: The requested operation.
        path: The requested path, without the query.
        values: The values of the path's placeholders.
        arguments: Query and form.
    """

    def __init__(
        self,
        around: Surroundings,
        *,
        now: datetime,
        base_url: str,
        operation: Operation,
        path: str,
        values: Mapping[str, str],
        arguments: Arguments,
    ) -> None:
        self.store = around.store
        self.rules = around.rules
        self.new_sid = around.new_sid
        self.now = now
        self.base_url = base_url
        self.operation = operation
        self.path = path
        self.values = values
        self.args = arguments
        self.account_sid = around.store.account_sid

    @property
    def stamp(self) -> str:
        """The time of the request as the API writes dates (OpenAPI examples)."""
        return write_date(self.now)

    @property
    def in_service_form(self) -> bool:
        """Whether the request names its service; URLs in the response then do so too (OpenAPI examples)."""
        return self.operation.path.startswith(SERVICE_PREFIX)

    @property
    def account(self) -> Row:
        """The account; its facts are the account-wide configuration."""
        row = self.store.get("account", self.account_sid)
        assert row is not None
        return row

    @property
    def default_service_sid(self) -> str | None:
        """The SID of the default service, which account-level paths mean; None after it was deleted."""
        sid = self.account.facts["configuration"]["default_chat_service_sid"]
        assert sid is None or isinstance(sid, str)
        return sid

    def service(self) -> Row:
        """Return the service of the request: the one in its path, else the account's default.

        Raises:
            ApiError: There is no such service.
        """
        sid = self.values["ChatServiceSid"] if self.in_service_form else self.default_service_sid
        return self.found(self.store.get("service", sid) if sid else None)

    def home(self) -> str:
        """Return the base URL of resources of the request's service, in the form that the request used."""
        return f"/v1/Services/{self.values['ChatServiceSid']}" if self.in_service_form else "/v1"

    def url(self, *segments: str) -> str:
        """Build a URL: the first segment unchanged, the others percent-encoded."""
        first, *rest = segments
        # Nearly all are SIDs and words, for which `quote` takes half of the time of a page of 50.
        encoded = [item if item.isascii() and item.isalnum() else quote(item, safe="") for item in rest]
        return "/".join([self.base_url + first, *encoded])

    def found(self, row: Row | None) -> Row:
        """Return a row that must exist.

        Raises:
            ApiError: It does not exist; the error has the requested path (a public issue).
        """
        if row is None:
            raise not_found(self.path)
        return row


def not_found(path: str) -> ApiError:
    """Build the error for a path or SID that does not exist. Its path has no version (a public issue)."""
    return ApiError(404, NOT_FOUND, f"The requested resource {path.removeprefix('/v1')} was not found")


def write_date(moment: datetime) -> str:
    """Format a time as the API writes it: UTC, whole seconds, `Z` (OpenAPI examples)."""
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def read_date(text: str) -> datetime:
    """Parse a time from ``write_date``, or any ISO 8601 date with a time; UTC without a zone.

    Raises:
        ValueError: The text is not a time.
    """
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def in_both_forms(table: Table) -> Table:
    """Register behaviors of paths below a service, and of their aliases for the account's default service.

    Args:
        table: Behaviors keyed by method and the path after the version or service, such as `Roles/{Sid}`.
    """
    return {
        (method, prefix + path): behavior
        for (method, path), behavior in table.items()
        for prefix in ("/v1/", SERVICE_PREFIX)
    }
