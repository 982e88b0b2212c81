"""What a plan has to know of ledgers besides its baseline: who else declares a resource, and when one was deleted.

Takes a `Ledger`, and a function that loads what an entry declares; returns functions that read only if they are called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from reconciler.errors import LedgerError

if TYPE_CHECKING:
    from reconciler.address import Address
    from reconciler.config.model import Declared
    from reconciler.documents.ledger import LedgerEntry
    from reconciler.ledger.opening import Ledger
    from reconciler.planning.baseline import EntryInfo

Load = Callable[["LedgerEntry"], "Mapping[Address, Declared] | None"]
Identity = tuple[str, ...]

_MOST_ENTRIES = 50
"""So many entries are searched for the one that deleted a resource."""


class OtherLedgers:
    """The other ledgers of this clone that have the same account.

    Args:
        ledger: The ledger of the configuration.
        load: Loads what an entry declares; None if this release cannot.
        own: Everything that the ledger's own entries declare, to find what contains a resource.
    """

    def __init__(self, ledger: Ledger, load: Load, own: Mapping[Address, Declared]) -> None:
        self._ledger = ledger
        self._load = load
        self._own = own
        self._owners: Mapping[Identity, str] | None = None

    def owner_of(self, declared: Declared) -> str:
        """Name the ref of the ledger that declares a resource for the same account; empty if none does."""
        if self._owners is None:
            self._owners = dict(self._found())
        return self._owners.get(_identity(declared, self._own), "")

    def _found(self) -> Iterator[tuple[Identity, str]]:
        from reconciler.ledger.preconditions import heads, other_refs  # noqa: PLC0415 - see the package

        ledger, scope = self._ledger, self._ledger.scope
        for name, entry in heads(ledger.ref.repository, other_refs(ledger.ref)):
            if (entry.account_sid, entry.host) != (scope.account_sid, scope.host):
                continue
            try:
                declared = self._load(entry) or {}
            except LedgerError:
                continue  # its commit is not in this clone
            for one in declared.values():
                if not one.absent:
                    yield _identity(one, declared), name


def _identity(declared: Declared, around: Mapping[Address, Declared]) -> Identity:
    """What identifies a declared resource in its account, whatever its handles: its name, and those around it."""
    parent = around.get(declared.parent) if declared.parent is not None else None
    above = () if declared.parent is None else (str(declared.parent),) if parent is None else _identity(parent, around)
    return (*above, declared.kind.name, declared.natural_key or declared.pin or "")


def deleted_in(ledger: Ledger) -> Callable[[Declared], EntryInfo | None]:
    """Return a function that finds the entry in which a resource was deleted, among the newest ones."""
    deleted: dict[Address, EntryInfo] | None = None

    def find(declared: Declared) -> EntryInfo | None:
        nonlocal deleted
        if deleted is None:
            deleted = dict(_deletions(ledger))
        return deleted.get(declared.address)

    return find


def _deletions(ledger: Ledger) -> Iterator[tuple[Address, EntryInfo]]:
    """Yield what entries forgot, oldest first, with these entries."""
    from reconciler.planning.baseline import EntryInfo  # noqa: PLC0415 - see the package

    if ledger.head is None:
        return
    newest = [stored.entry for stored in islice(ledger.ref.entries(ledger.head.commit), _MOST_ENTRIES)]
    for before, after in pairwise(reversed(newest)):
        if after.summary.delete or after.summary.partly or after.summary.replace:
            info = EntryInfo(after.number, after.ended_at, after.source.commit, after.environment)
            gone = before.resources.keys() - after.resources.keys()
            yield from ((address, info) for address in before.records() if str(address) in gone)
