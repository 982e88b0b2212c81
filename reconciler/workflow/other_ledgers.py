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
    from reconciler.planning.live_identity import LiveIdentity

Load = Callable[["LedgerEntry"], "Mapping[Address, Declared] | None"]
Lineage = tuple["Declared", ...]
"""A declared resource behind everything that contains it, outermost first."""

_MOST_ENTRIES = 50
"""So many entries are searched for the one that deleted a resource."""


class OtherLedgers:
    """The other ledgers of this clone that have the same account.

    Args:
        ledger: The ledger of the configuration.
        load: Loads what an entry declares; None if this release cannot.
    """

    def __init__(self, ledger: Ledger, load: Load) -> None:
        self._ledger = ledger
        self._load = load
        self._owners: list[tuple[Lineage, str]] | None = None

    def owner_of(self, lineage: tuple[LiveIdentity, ...]) -> str:
        """Name the ref of the ledger that declares a resource for the same account; empty if none does.

        Args:
            lineage: The identity of the resource, behind those of everything that contains it, outermost first.
        """
        if self._owners is None:
            self._owners = list(self._found())
        return next((name for declared, name in self._owners if _is_same(declared, lineage)), "")

    def _found(self) -> Iterator[tuple[Lineage, str]]:
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
                    yield _lineage(one, declared), name


def _lineage(declared: Declared, around: Mapping[Address, Declared]) -> Lineage:
    above = around.get(declared.parent) if declared.parent is not None else None
    return (declared,) if above is None else (*_lineage(above, around), declared)


def _is_same(declared: Lineage, live: tuple[LiveIdentity, ...]) -> bool:
    """Whether a declared resource is, or may be, a live one; so for what contains it."""
    return len(declared) == len(live) and all(
        one.is_declared_as(other) for one, other in zip(live, declared, strict=True)
    )


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
