"""The history of drift in an issue: a hidden line with compressed rows, which `drift --history` reads and writes.

Takes the body of an issue, which others can edit, so every row is checked; gives a file for `reconciler`, a hidden
line, and the findings that are new or due.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reconcile_steps import comment
from reconcile_steps.job import Job

NAMED = 50
"""The number of findings that a comment names."""
MOST_ROWS = 2_000
_LARGEST = 4 * 1024 * 1024
_LINE = re.compile(r"^<!-- reconciler:history (whole|part) ([A-Za-z0-9+/=]+) -->$", re.MULTILINE)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_TEXTS = {"account_sid", "env", "address", "field", "kind", "class"}
_TIMES = {"first_seen", "last_seen"}
_KEYS = {*_TEXTS, *_TIMES, "gone", "notified"}
_FORMAT = "github"
"""The format of the runs that the issue reports."""

Row = Mapping[str, Any]


def file_of(job: Job) -> Path:
    """Return the file that `drift` reads and writes."""
    return job.folder / "history.json"


def save(job: Job, body: str) -> None:
    """Save the history in a body for `drift`; one that is missing or was edited is not used."""
    found = _LINE.search(body.replace("\r", ""))
    rows = _decoded(found[2]) if found else None
    if found is None or rows is None:
        return
    document = {"format": "reconciler.drift-log", "format_version": 1, "findings": rows}
    file_of(job).write_text(json.dumps(document), encoding="utf-8")
    if found[1] == "whole":
        _whole(job).touch()


def load(job: Job) -> list[dict[str, Any]]:
    """Load the rows that `drift` wrote; none if it wrote none."""
    try:
        found = json.loads(file_of(job).read_bytes())
    except FileNotFoundError:
        return []
    return [dict(row) for row in found["findings"]]


def hidden_line(rows: Sequence[Row], room: int) -> str:
    """Return the hidden line; findings that are gone are left out first. Empty if there is no room.

    Args:
        rows: The rows.
        room: The number of characters that it may take.
    """
    remaining = sorted((row for row in rows if not row["gone"]), key=lambda row: row["first_seen"])
    gone = sorted((row for row in rows if row["gone"]), key=lambda row: row["gone"], reverse=True)
    kept = [*remaining, *gone][:MOST_ROWS]
    while kept:
        state = "whole" if len(kept) >= len(remaining) else "part"
        line = f"<!-- reconciler:history {state} {_encoded(kept)} -->"
        if len(line) <= room:
            return line
        kept = kept[: len(kept) * 3 // 4]
    return ""


def replaced(body: str, line: str) -> str:
    """Return a body with another hidden line, if it has one."""
    return _LINE.sub(lambda _: line, body.replace("\r", ""), count=1) if line else body


def due_text(job: Job, rows: Sequence[Row], remind: str) -> str:
    """Return the comment on findings that are new or due for a reminder; empty for none.

    Without the whole history of the issue, it is unknown which findings are new.
    """
    if not _whole(job).is_file():
        return ""
    now = max((row["last_seen"] for row in rows), default="")
    due = [row for row in rows if not row["gone"] and row.get("notified", {}).get(_FORMAT) == now]
    new = [row for row in due if row["first_seen"] == now]
    parts = [_listed("New since the last run:", new)]
    parts += [_listed(f"Still there after {remind} days:", [row for row in due if row not in new])]
    return "\n\n".join(filter(None, parts))


def _whole(job: Job) -> Path:
    return job.folder / "history.whole"


def _listed(title: str, rows: Sequence[Row]) -> str:
    names = [f"{row['address']}.{row['field']}" if row["field"] else row["address"] for row in rows]
    more = [f"… {len(names) - NAMED:,} more"] if len(names) > NAMED else []
    return f"**{title}**\n\n{comment.fenced(chr(10).join([*names[:NAMED], *more]))}" if names else ""


def _encoded(rows: Sequence[Row]) -> str:
    text = json.dumps([dict(row) for row in rows], separators=(",", ":"), sort_keys=True)
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def _decoded(text: str) -> list[dict[str, Any]] | None:
    """Return the rows of a hidden line; None if it was edited."""
    try:
        data = zlib.decompressobj().decompress(base64.b64decode(text, validate=True), _LARGEST)
        found = json.loads(data)
    except (binascii.Error, zlib.error, ValueError, RecursionError):
        return None
    return found if isinstance(found, list) and all(map(_is_row, found)) else None


def _is_row(found: Any) -> bool:
    if not isinstance(found, dict) or found.keys() != _KEYS or not isinstance(found["notified"], dict):
        return False
    notified = found["notified"]
    texts = [*(text for name, text in found.items() if name != "notified"), *notified, *notified.values()]
    if not all(isinstance(text, str) and text.isprintable() for text in texts):
        return False
    times = [*(found[name] for name in _TIMES), *([found["gone"]] if found["gone"] else []), *notified.values()]
    return all(map(_TIME.fullmatch, times))
