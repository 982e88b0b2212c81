"""Renders the history of a ledger as text: its entries, one in each line, or one of them whole.

Takes documents; returns escaped text that ends in a newline.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.documents.drift_log import DriftLogFile
from reconciler.documents.ledger import HistoryEntry, HistoryFile, LedgerEntry, LedgerSummary
from reconciler.render.terminal import cells, escape
from reconciler.render.wording import minute

_WORDS = (
    ("create", "created"), ("update", "updated"), ("replace", "replaced"), ("delete", "deleted"),
    ("partly", "done in part"), ("failed", "failed"), ("interrupted", "interrupted"), ("skipped", "skipped"),
    ("withheld", "withheld"),
)  # fmt: skip


def history_text(document: HistoryFile) -> str:
    """Render a list of entries, newest first."""
    rows = [
        (
            str(entry.number),
            minute(entry.started_at),
            entry.status,
            entry.source_commit[:7],
            escape(entry.actor),
            _content(entry),
        )
        for entry in document.entries
    ]
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    return "".join("  ".join(map(_padded, row, widths)).rstrip() + "\n" for row in rows)


def drift_log_text(document: DriftLogFile) -> str:
    """Render the history of drift; those that remain first."""
    if not document.findings:
        return "No findings.\n"
    head = ("FIRST SEEN", "LAST SEEN", "GONE", "CLASS", "ENVIRONMENT", "FINDING")
    rows = [
        (
            minute(row.first_seen),
            minute(row.last_seen),
            minute(row.gone) if row.gone else "-",
            escape(row.standing),
            escape(row.env) or "-",
            escape(f"{row.address}.{row.field}" if row.field else row.address),
        )
        for row in document.findings
    ]
    widths = [max(map(cells, column)) for column in zip(head, *rows, strict=True)]
    return "".join("  ".join(map(_padded, row, widths)).rstrip() + "\n" for row in (head, *rows))


def entry_text(entry: LedgerEntry) -> str:
    """Render one entry whole."""
    source, run = entry.source, entry.run
    place = ", ".join(part for part in (run.url, run.machine and f"machine {run.machine}") if part)
    head = [
        ("environment", entry.environment or "(none)"),
        ("account", f"{entry.account_sid} at {entry.host}"),
        ("started", f"{minute(entry.started_at)} by {entry.actor}"),
        ("ended", minute(entry.ended_at) if entry.ended_at else f"not yet; deadline {minute(entry.deadline)}"),
        ("run", place),
        ("commit", source.commit),
        ("files", ", ".join((source.root, *source.overlays))),
        ("variables", ", ".join(f"{name}={value.value or '(hidden)'}" for name, value in source.variables.items())),
        ("changes", _counts(entry.summary)),
    ]
    lines = [f"Entry {entry.number}: {entry.operation}, {entry.status}", ""]
    lines += [f"  {name:<11}  {escape(text)}" for name, text in head if text]
    if entry.resources:
        lines += ["", "Resources:"]
        width = max(cells(escape(address)) for address in entry.resources)
        for address, item in sorted(entry.resources.items()):
            known = [item.origin, f"baseline {item.baseline}" if item.baseline else "no baseline"]
            known += [f"attempted {', '.join(map(str, item.attempted))}"] if item.attempted else []
            known += [f"adopted {', '.join(item.adopted)}"] if item.adopted else []
            lines.append(f"  {_padded(escape(address), width)}  {escape('; '.join(known))}")
    return "\n".join(lines) + "\n"


def _content(entry: HistoryEntry) -> str:
    if entry.operation == "rename":
        return f"renamed to {escape(entry.environment) or 'no environment'}"
    counts = _counts(entry.summary) or ("no changes" if entry.status != "started" else "")
    return f"undo: {counts}" if entry.operation == "undo" and counts else counts


def _counts(summary: LedgerSummary) -> str:
    counted: Iterable[tuple[int, str]] = ((getattr(summary, name), word) for name, word in _WORDS)
    return ", ".join(f"{number:,} {word}" for number, word in counted if number)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cells(text))
