"""What a behavior works with: one request, the account it acts on, and the answer it gives.

Gives ``Context`` (store, rules, clock, SIDs, the request's arguments and the URLs of its form), ``Reply`` and
``Behavior`` (a function with the error codes of its family). It knows no HTTP and no family's rules.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias
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
    """An answer: its status and its body (None for 204)."""

    status: int
    body: Body | None = None


@dataclass(frozen=True, slots=True)
class Behavior:
    """What one operation does.

    Attributes:
        run: does it; called inside a transaction.
        faults: how wrong parameters are answered.
        empty_update: the code for an update that sends nothing, where that is refused.
        may_update_nothing: whether an update that sends nothing may be accepted (by the rule `empty_update`).
    """

    run: Callable[[Context], Reply]
    faults: Faults = field(default_factory=Faults)
    empty_update: int = UPDATE_WITHOUT_PARAMETERS
    may_update_nothing: bool = True


Table: TypeAlias = Mapping[tuple[Literal["GET", "POST", "DELETE"], str], Behavior]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every request of one emulator shares."""

    store: Store
    rules: Rules
    entropy: random.Random

    def new_sid(self, prefix: str) -> str:
        """A SID nobody has: a prefix and 32 hexadecimal digits (OpenAPI patterns)."""
        while True:
            sid = f"{prefix}{self.entropy.getrandbits(128):032x}"
            if not self.store.known(sid):
                return sid


class Context:
    """One request.

    Args:
        around: what all requests share.
        now: the request's moment.
        base_url: scheme and host of every URL in the answer.
        operation: what is asked for.
        path: the path as asked for, without the query.
        values: the path's placeholders.
        arguments: query and form.
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
        """The request's moment as the API writes dates (OpenAPI examples)."""
        return write_date(self.now)

    @property
    def in_service_form(self) -> bool:
        """Whether the request names its service; URLs in the answer then do so too (OpenAPI examples)."""
        return self.operation.path.startswith(SERVICE_PREFIX)

    @property
    def account(self) -> Row:
        """The account; its facts are the account-wide configuration."""
        row = self.store.get("account", self.account_sid)
        assert row is not None
        return row

    @property
    def default_service_sid(self) -> str | None:
        """The SID that account-level paths stand for; None after the default service was deleted."""
        sid = self.account.facts["configuration"]["default_chat_service_sid"]
        assert sid is None or isinstance(sid, str)
        return sid

    def service(self) -> Row:
        """The service the request is about: the one its path names, else the account's default.

        Raises:
            ApiError: there is none.
        """
        sid = self.values["ChatServiceSid"] if self.in_service_form else self.default_service_sid
        return self.found(self.store.get("service", sid) if sid else None)

    def home(self) -> str:
        """The beginning of URLs of what belongs to the request's service, in the form the request used."""
        return f"/v1/Services/{self.values['ChatServiceSid']}" if self.in_service_form else "/v1"

    def url(self, *segments: str) -> str:
        """A URL: the first segment as it is, the others percent-encoded."""
        first, *rest = segments
        return "/".join([self.base_url + first, *(quote(segment, safe="") for segment in rest)])

    def found(self, row: Row | None) -> Row:
        """The row.

        Raises:
            ApiError: there is none; the error says the path asked for, as a public issue shows it.
        """
        if row is None:
            raise not_found(self.path)
        return row


def not_found(path: str) -> ApiError:
    """The answer to a path or SID that does not exist. The path is told without its version (a public issue)."""
    return ApiError(404, NOT_FOUND, f"The requested resource {path.removeprefix('/v1')} was not found")


def write_date(moment: datetime) -> str:
    """A moment as the API writes it: UTC, whole seconds, `Z` (OpenAPI examples)."""
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def read_date(text: str) -> datetime:
    """A moment that ``write_date`` wrote, or any ISO 8601 date with a time; UTC when it names no zone.

    Raises:
        ValueError: it is none.
    """
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def in_both_forms(table: Table) -> Table:
    """Behaviors of paths that exist below a service and, for the account's default service, without it.

    Args:
        table: keyed by method and the path after the version or service, such as `Roles/{Sid}`.
    """
    return {
        (method, prefix + path): behavior
        for (method, path), behavior in table.items()
        for prefix in ("/v1/", SERVICE_PREFIX)
    }
