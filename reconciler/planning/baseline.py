"""The baseline: the last applied configuration, as a plan needs it.

`reconciler.workflow` builds a `Baseline` from the ledger, or from the configuration given with `--baseline`. A plan
compares with it and returns a `Decision` for each address that it covers; the ledger's next records follow from these.
Pure data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Literal, TypeAlias

from reconciler.address import Address
from reconciler.change import Standing
from reconciler.config.model import Declared, Reference
from reconciler.kinds.fields import Content
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.live_identity import LiveIdentity

NOT_DECLARED = 0
"""In `Record.attempted`: an undo to an address without a record."""


@dataclass(frozen=True, slots=True)
class Record:
    """The record of an address in an entry of the ledger.

    Attributes:
        baseline: The number of the entry whose apply last completed the address; None if none did.
        attempted: The numbers of later entries that wrote, or may have written, without completing it, oldest first;
            `NOT_DECLARED` for an undo to an address without a record.
        origin: Whether the tool created the resource, or it existed when it was first declared.
        adopted: The live values that fields had before they were managed, by path. A reference is that to the declared
            resource that it meant, or to the name of another one in the same service, as `Reference.built_in`.
        sid_digest: A keyed digest of the SID of a resource that the tool created; empty if it is not known.
        declared_as: The addresses under which entries declare the resource, by number, where they differ from that of
            the record: its handle has changed since, or another resource has it now.
    """

    baseline: int | None
    attempted: tuple[int, ...] = ()
    origin: Literal["created", "adopted"] = "created"
    adopted: Mapping[str, Content | Reference] = field(default_factory=dict)
    sid_digest: str = ""
    declared_as: Mapping[int, Address] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EntryInfo:
    """An entry of the ledger, for display.

    Attributes:
        number: Its number.
        at: When it was written, as ISO 8601 in UTC.
        commit: The full object name of its source commit.
        environment: The name of its environment; empty without one.
    """

    number: int
    at: str
    commit: str
    environment: str = ""


def _no_digest(_sid: str) -> str:
    return ""


def _is_own(_digest: str) -> bool:
    return True


def _not_deleted(_declared: Declared) -> EntryInfo | None:
    return None


DeclaredElsewhere: TypeAlias = "Callable[[tuple[LiveIdentity, ...]], str]"
"""Says which other ledger declares a live resource, or may declare it, given with what contains it: ``the ledger …
declares``. Empty if none does."""


def nowhere(_lineage: tuple[LiveIdentity, ...]) -> str:
    """No other ledger declares a resource."""
    return ""


def _unknown_commit(_key: str) -> tuple[str, bool]:
    return "", True


@dataclass(frozen=True, slots=True)
class Baseline:
    """The part of the ledger that a plan needs.

    Attributes:
        records: The records of the newest entry, by address.
        declarations: The declarations of each entry that a record mentions, by its number. An entry that cannot be read
            is missing.
        entries: The entries that records mention, and the newest one, by number.
        head: The newest entry; None before the first one.
        is_first: Whether the ledger begins with this run, so that everything declared counts as created.
        first_attempts: What each of the killed applies declared with which the ledger began.
        begun: The addresses that count as created, because each of these applies declared the same resources.
        removed_in: Gives the commit that removed a key, such as a handle, from the files, empty if unknown; and whether
            that is certain, or an earlier one may have.
        digest_of: Gives the keyed digest of a SID; empty for a digest that cannot be computed.
        is_own_digest: Whether a digest was made with the key of this run. Another one cannot be compared.
        has_fingerprints: Whether values from outside could be compared with those of then; if not, which of them were
            sent is not known.
        override: The declarations given with ``--baseline``, instead of those of the entries; None without it.
        is_compared: Whether plans compare with it. Otherwise it only serves to decide the next records.
        deleted_in: Gives the entry in which a declared resource was deleted; None if it was not.
        declared_elsewhere: Says which other ledger of the same account declares a resource, or may declare it, given
            with what contains it, outermost first; empty if none does.
    """

    records: Mapping[Address, Record] = field(default_factory=dict)
    declarations: Mapping[int, Mapping[Address, Declared]] = field(default_factory=dict)
    entries: Mapping[int, EntryInfo] = field(default_factory=dict)
    head: EntryInfo | None = None
    is_first: bool = False
    first_attempts: tuple[Mapping[Address, Declared], ...] = ()
    begun: frozenset[Address] = frozenset()
    removed_in: Callable[[str], tuple[str, bool]] = _unknown_commit
    digest_of: Callable[[str], str] = _no_digest
    is_own_digest: Callable[[str], bool] = _is_own
    has_fingerprints: bool = True
    override: Mapping[Address, Declared] | None = None
    is_compared: bool = True
    deleted_in: Callable[[Declared], EntryInfo | None] = _not_deleted
    declared_elsewhere: DeclaredElsewhere = nowhere


Handling = Literal["none", "change", "forget", "withheld"]


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision of a plan about an address, for the ledger.

    Attributes:
        record: Its record with the origin, adopted values, and digest that this plan gives it. Adopted values of fields
            that are no longer declared are still in it: they are needed until these fields have returned.
        handling: Whether nothing is to be done and the address is declared (`none`), the plan has a change of it, it is
            no longer remembered (`forget`), or it is not changed (`withheld`).
        standing: The standing of the resource as a whole.
        is_partial: Whether the plan changes one part and withholds another; after the change, the address has not been
            completed.
        is_renewed: Whether the change puts a new resource with another name in the place of the present one.
        covered_by: For a resource that is deleted with its container, the address of the change that deletes the
            container.
    """

    record: Record
    handling: Handling
    standing: Standing = ""
    is_partial: bool = False
    is_renewed: bool = False
    covered_by: Address | None = None
