"""Describes the relation of a difference to the baseline, the last applied configuration.

Takes the standing and the entry of a row; returns text for every renderer, without markup and without foreign text.
"""

from __future__ import annotations

from reconciler.change import Standing
from reconciler.render.rows import ChangeRow, ChangesView, FieldRow, SinceRow
from reconciler.render.wording import count, minute

SHORT_COMMIT = 7
_REMOVED = "removed from the configuration"


def field_standing(row: FieldRow, change: ChangeRow) -> str:
    """Describe the relation of a field to the baseline; empty without a baseline.

    Args:
        row: The field.
        change: Its change. If the whole resource was removed, the reason of the change states that.
    """
    is_said = row.standing == "removed" and change.reason.startswith(_REMOVED)
    words = [] if is_said else [_standing(row.standing, row.since)]
    words += ["as before it was managed"] if row.adopted else []
    return "; ".join(filter(None, words))


def change_standing(change: ChangeRow) -> str:
    """Describe the relation of a resource to the baseline; empty if only fields differ, or if the reason states it."""
    if change.standing == "pending" and change.action == "create":
        return "newly declared" if change.since is not None else ""
    return "" if change.standing == "removed" else _standing(change.standing, change.since)


def _standing(standing: Standing, since: SinceRow | None) -> str:
    match standing:
        case "pending":
            return f"changed in the configuration{_since(since)}"
        case "newly_declared":
            return "newly declared"
        case "drifted":
            return f"drifted{_since(since)}"
        case "conflict":
            return f"conflict: changed in the configuration and in the account{_since(since)}"
        case "unknown":
            return "the value that was applied last is unknown"
        case "removed":
            return _removed(since)
        case "removed_conflict":
            return f"conflict: {_removed(since)} and changed in the account"
        case _:
            return ""


def _since(since: SinceRow | None) -> str:
    if since is None:
        return ""
    return f" since entry {since.entry:,}" if since.entry else f" since commit {since.commit[:SHORT_COMMIT]}"


def _removed(since: SinceRow | None) -> str:
    if since is None or not since.commit:
        return _REMOVED
    return f"removed in commit {since.commit[:SHORT_COMMIT]}"


def baseline_text(baseline: SinceRow) -> str:
    """Name a baseline: ``entry 41, 2026-11-18 09:30 UTC, commit 9d0e11f``."""
    parts = [f"entry {baseline.entry:,}"] if baseline.entry else []
    parts += [minute(baseline.at)] if baseline.at else []
    parts += [f"commit {baseline.commit[:SHORT_COMMIT]}"] if baseline.commit else []
    return ", ".join(parts) or "none"


def pending_text(rows: ChangesView) -> str:
    """Count the changes that were merged and not applied; empty for none."""
    number = len(rows.pending)
    if not number:
        return ""
    return f"{count(number, 'change')} {'is' if number == 1 else 'are'} merged but not applied"
