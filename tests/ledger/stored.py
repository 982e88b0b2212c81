"""An entry of the ledger as a document, without a repository."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reconciler.documents.ledger import LedgerEntry, LedgerRun, LedgerSource

_STARTED = LedgerEntry(
    number=42,
    operation="apply",
    status="started",
    account_sid="AC" + "0" * 32,
    host="us1.twilio.com",
    environment="prod",
    source=LedgerSource(commit="c" * 40, root="reconciler.yaml", config_digest="sha256:0", tool_version="1.0.0"),
    actor="deploy-bot",
    run=LedgerRun(),
    started_at="2026-11-20T14:02:00Z",
    deadline="2026-11-20T14:32:00Z",
    previous="a" * 40,
    key_id="",
)


def started(**changes: Any) -> LedgerEntry:
    """The entry of an apply that has begun, unsigned, with some changes."""
    return replace(_STARTED, **changes)
