"""Whether a `started` entry still blocks other applies.

Takes the newest entry, this run, and the time; returns whether it is released, and the error that names its holder.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from reconciler.documents.ledger import LedgerEntry, LedgerRun
from reconciler.errors import LedgerError
from reconciler.ledger.run_identity import as_time, has_ended

GRACE = timedelta(minutes=5)
"""The maximum difference of the clocks of two machines, and the time that a lock is kept after its deadline."""


def is_held(entry: LedgerEntry, run: LedgerRun, now: datetime) -> bool:
    """Return whether another run still holds the lock.

    Args:
        entry: The newest entry.
        run: This run.
        now: The time of day, in UTC.
    """
    if entry.status != "started":
        return False
    try:
        started, deadline = as_time(entry.started_at), as_time(entry.deadline)
    except ValueError:
        return True
    if started > now + GRACE:
        return True
    is_later_attempt = bool(run.id) and run.id == entry.run.id and run.attempt > entry.run.attempt
    return not (is_later_attempt or now > deadline + GRACE or has_ended(entry.run))


def in_progress(entry: LedgerEntry, label: str, now: datetime) -> str:
    """Describe the apply that holds the lock, in two lines."""
    where = entry.run.url or ", ".join(
        part for part in (entry.run.machine, f"process {entry.run.process.partition(' ')[0]}") if part
    )
    return (
        f"another {entry.operation} of {label} is in progress\n"
        f"  started {_shown(entry.started_at, now)} by {entry.actor}, deadline {_shown(entry.deadline, now)}, {where}"
    )


def held(entry: LedgerEntry, label: str, now: datetime) -> LedgerError:
    """Return the error for a lock that another run holds."""
    return LedgerError(f"{in_progress(entry, label, now)}\n  = wait for it; if it has ended, use --take-over")


def _shown(text: str, now: datetime) -> str:
    """Return a time for display: without today's date."""
    day, _, clock = text.partition("T")
    short = f"{clock[:5]} UTC"
    return short if day == f"{now:%Y-%m-%d}" else f"{day} {short}"
