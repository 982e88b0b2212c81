"""The ledger's ref compared with that of its remote: the newest entry, and whether the two have diverged.

Takes a `LedgerRef` and a remote; returns `Tips`, or the error with its fix. Moves nothing.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from reconciler.documents.ledger import LedgerEntry, LedgerRun, parse_entry
from reconciler.errors import LedgerError
from reconciler.lazy_dataclass import dataclass
from reconciler.ledger import lock
from reconciler.ledger.entries import LedgerRef


@dataclass(frozen=True, slots=True)
class Tips:
    """The newest entries.

    Attributes:
        newest: The newest commit that this clone has; empty if there is no ledger.
        local: The commit of the local ref; empty if it does not exist.
        remote: The commit of the remote's ref; empty if it does not exist, or without a remote.
        lacks_newer: Whether the remote has an entry that this clone lacks.
        published: The remote's branches and tags, with their objects.
    """

    newest: str
    local: str
    remote: str = ""
    lacks_newer: bool = False
    published: Mapping[str, str] = field(default_factory=dict)


def find_tips(ref: LedgerRef, remote: str, *, prefix: str, run: LedgerRun | None, now: datetime) -> Tips:
    """Find the newest entry.

    Args:
        ref: The ledger's ref.
        remote: The remote; empty without one.
        prefix: The prefix of the ledger's refs.
        run: The run that will write; None if it only reads.
        now: The time of day, in UTC.

    Raises:
        LedgerError: The local ref is missing, behind, or has diverged, or the remote cannot be reached.
    """
    local = ref.tip()
    if not remote:
        return Tips(local, local)
    patterns = ("refs/heads/*", "refs/tags/*") if run is not None else ()
    published = ref.repository.remote_refs(remote, ref.name, *patterns)
    theirs = published.pop(ref.name, "")
    if theirs and not local:
        raise LedgerError(
            f"the ledger of {ref.label} is on {remote}, but not in this clone. Fetch it:\n"
            f"{fetch_command(remote, prefix)}"
        )
    if theirs in {"", local}:
        return Tips(local, local, theirs, published=published)
    if ref.repository.commit(theirs) is None:
        if run is not None:
            raise newer_entry(ref, remote, prefix=prefix, run=run, now=now, oid=theirs)
        return Tips(local, local, theirs, lacks_newer=True)
    if ref.follows(theirs, local):
        return Tips(theirs, local, theirs, published=published)
    if ref.follows(local, theirs):
        return Tips(local, local, theirs, published=published)
    ours, other = ref.read(local).entry, ref.read(theirs).entry
    raise LedgerError(
        f"the ledger of {ref.label} was rewritten: this clone has entry {ours.number} (commit {local}), and {remote} "
        f"has entry {other.number} (commit {theirs}), which does not follow it. Find out who changed {ref.name}. To "
        f"continue with the one on {remote}, fetch it:\n{fetch_command(remote, prefix)}"
    )


def newer_entry(
    ref: LedgerRef, remote: str, *, prefix: str, run: LedgerRun, now: datetime, oid: str = ""
) -> LedgerError:
    """Return the error for a remote with an entry that this clone lacks, with its author if that can be read.

    Args:
        ref: The ledger's ref.
        remote: The remote.
        prefix: The prefix of the ledger's refs.
        run: This run.
        now: The time of day, in UTC.
        oid: The remote's commit, if it is known.
    """
    entry = peek(ref, remote)
    if entry is not None and lock.is_held(entry, run, now):
        return lock.held(entry, ref.label, now)
    what = f"commit {oid[:12]}" if entry is None else f"entry {entry.number}, {entry.started_at}, by {entry.actor}"
    return LedgerError(
        f"{remote} has a newer entry of the ledger of {ref.label} than this clone ({what.strip()}). Nothing was sent. "
        f"Fetch it, and run the command again:\n{fetch_command(remote, prefix)}"
    )


def peek(ref: LedgerRef, remote: str) -> LedgerEntry | None:
    """Return the newest entry of a remote, for a message; None if it cannot be read. Nothing of the clone changes."""
    data = ref.repository.peek(remote, ref.name)
    try:
        return None if data is None else parse_entry(data)
    except LedgerError:
        return None


def fetch_command(remote: str, prefix: str) -> str:
    """Return the command that fetches the ledger, indented."""
    return f"  git fetch {shlex.quote(remote)} '+{prefix}/*:{prefix}/*'"
