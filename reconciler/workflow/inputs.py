"""The user's request: the configuration, and the account.

Plain values. Reads nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING

from reconciler.address import Address, AddressError
from reconciler.errors import UsageError
from reconciler.lazy_dataclass import dataclass
from reconciler.ledger.options import LedgerOptions

if TYPE_CHECKING:
    from reconciler.emulator import Emulator


NO_BASELINE = "none"
"""The value of ``--baseline`` for a plan that compares only the configuration and the account."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The configuration to read, and the options to read and narrow it.

    Attributes:
        path: The root file, or a folder that contains ``reconciler.yaml``.
        ref: The commit to read it at (only for compare); empty for the disk.
        from_top: Whether the path is relative to the top of the repository. Used only with a ref.
        environment: The environment to select; empty for none.
        variables: Values from ``--var``.
        overlays: Files from ``--overlay``, relative to the current folder.
        strict: Whether warnings are errors.
        allow_unset: Whether unset variables are unknown values (only for validate).
        targets: Addresses to narrow to, as text.
        excludes: Addresses to leave out, as text.
        approved: Approved destructive changes, as ``[ACTION:]ADDRESS``.
        rotate: Addresses whose write-only values are sent again, as text.
        count_limit: The number up to which the resources are counted that a planned delete affects.
        baseline: What to compare with in place of the ledger: ``git:REF``, ``git:REF:PATH``, a path, or ``none``; empty
            for the ledger.
        ours: Whether the configuration wins every conflict with the account.
        ledger: The options on the ledger.
    """

    path: str = "."
    ref: str = ""
    from_top: bool = False
    environment: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    overlays: tuple[str, ...] = ()
    strict: bool = False
    allow_unset: bool = False
    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    approved: tuple[str, ...] = ()
    rotate: tuple[str, ...] = ()
    count_limit: int = 200
    baseline: str = ""
    ours: bool = False
    ledger: LedgerOptions = field(default_factory=LedgerOptions)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The API to use, and the credentials for it.

    Attributes:
        emulator: The emulator's SQLite file, used in process; empty for a real API.
        api_url: The URL of another API; empty for Twilio.
        profile: A profile of the Twilio CLI; empty for the credentials in `environment`.
        concurrency: The number of requests that may be in flight at once; writes start at half of it.
        timeout: The overall deadline for API calls in seconds, retries included. The time that a user takes to answer
            is not counted.
        environment: Environment variables, for credentials, region, and edge.
        app: An emulator that already runs in this process, instead of `emulator`. Retries do not wait for it.
    """

    emulator: str = ""
    api_url: str = ""
    profile: str = ""
    concurrency: int = 10
    timeout: float = 1800
    environment: Mapping[str, str] = field(default_factory=dict)
    app: Emulator | None = None


def parse_addresses(option: str, texts: Sequence[str]) -> tuple[Address, ...]:
    """Parse the addresses of an option.

    Raises:
        UsageError: One is invalid.
    """
    try:
        return tuple(Address.parse(text) for text in texts)
    except AddressError as error:
        raise UsageError(
            f'{option}: {error}; an address looks like services.support.roles.agent or addresses["+14155550100"]'
        ) from None
