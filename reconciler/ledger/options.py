"""The command-line options of the ledger. Plain data, which help and completion import."""

from __future__ import annotations

from reconciler.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class LedgerOptions:
    """The command-line options of the ledger.

    Attributes:
        starts: Whether it may begin (``--start-ledger``).
        takes_over: Whether the lock of another apply is ignored (``--take-over``).
        records: Whether an apply writes entries; False for ``--no-record``.
        rolls_back: Whether an older commit may be applied (``--rollback``).
    """

    starts: bool = False
    takes_over: bool = False
    records: bool = True
    rolls_back: bool = False
