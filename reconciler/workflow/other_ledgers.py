"""What a plan has to know of ledgers besides its baseline: who else declares a resource, and when one was deleted.

Takes a `Ledger`, and a function that loads what an entry declares; returns functions that read only if they are called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice, pairwise
from typing import TYPE_CHECKING, NamedTuple

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

_SHORT_COMMIT = 7
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
        self._found: list[_OtherLedger] | None = None

    def owner_of(self, lineage: tuple[LiveIdentity, ...]) -> str:
        """Say which ledger declares a resource for the same account, or may declare it; empty if none does.

        Args:
            lineage: The identity of the resource, behind those of everything that contains it, outermost first.

        Returns:
            The start of a sentence: ``the ledger refs/reconciler/b declares``.
        """
        if self._found is None:
            self._found = list(self._ledgers())
        ledgers = sorted(self._found, key=lambda other: bool(other.why_unknown))
        return next((found for found in (other.declares(lineage) for other in ledgers) if found), "")

    def _ledgers(self) -> Iterator[_OtherLedger]:
        from reconciler.ledger.preconditions import heads, other_refs  # noqa: PLC0415 - see the package

        ledger, scope = self._ledger, self._ledger.scope
        for name, entry in heads(ledger.ref.repository, other_refs(ledger.ref)):
            if entry is None:
                yield _OtherLedger(name, why_unknown="cannot be read: a newer release wrote it, or it is damaged")
            elif (entry.account_sid, entry.host) == (scope.account_sid, scope.host):
                yield self._read(name, entry)

    def _read(self, name: str, entry: LedgerEntry) -> _OtherLedger:
        commit = entry.source.commit[:_SHORT_COMMIT]
        try:
            declared = self._load(entry)
            why = f"cannot be compared: this release cannot load the configuration of commit {commit}"
        except LedgerError:
            declared, why = None, f"cannot be compared: this clone lacks files of commit {commit}"
        if declared is None:
            return _OtherLedger(name, kinds=frozenset(_kinds(entry.declared)), why_unknown=why)
        return _OtherLedger(name, tuple(_lineage(one, declared) for one in declared.values() if not one.absent))


class _OtherLedger(NamedTuple):
    """What another ledger declares.

    Attributes:
        name: Its ref.
        lineages: The declared resources.
        kinds: If they are unknown, the names of their kinds; None if these are unknown, too.
        why_unknown: Why they are unknown.
    """

    name: str
    lineages: tuple[Lineage, ...] = ()
    kinds: frozenset[str] | None = None
    why_unknown: str = ""

    def declares(self, lineage: tuple[LiveIdentity, ...]) -> str:
        """See `OtherLedgers.owner_of`. Nothing is deleted because a ledger is not understood."""
        if self.why_unknown:
            may_declare = self.kinds is None or lineage[-1].kind in self.kinds
            return f"the ledger {self.name} {self.why_unknown}, so it may declare" if may_declare else ""
        is_declared = any(_is_same(declared, lineage) for declared in self.lineages)
        return f"the ledger {self.name} declares" if is_declared else ""


def _kinds(addresses: Iterable[str]) -> Iterator[str]:
    """Yield the names of the kinds of the addresses that an entry declares."""
    from reconciler.address import Address, AddressError  # noqa: PLC0415 - see the package
    from reconciler.config.layout import standard_layout  # noqa: PLC0415 - see the package

    for text in addresses:
        try:
            kind = standard_layout().kind_at(Address.parse(text).parts)
        except AddressError:
            continue
        if kind is not None:
            yield kind.name


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
