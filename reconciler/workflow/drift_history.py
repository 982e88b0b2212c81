"""The file of ``drift --history``: a SQLite database, or JSON, that remembers when each finding was seen.

Takes a path and a drift; returns rows. Stores addresses, fields, kinds, and classes, and no values. JSON, for a file
whose name ends in ``.json``, is what `drift log` prints; it is loaded into a database in memory and written back whole,
so only one run at a time may use it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from reconciler.documents.conversion import from_content
from reconciler.documents.drift import NOT_DRIFT, DriftFile
from reconciler.documents.drift_log import DriftLogFile, SightingPart
from reconciler.documents.findings import Finding, findings
from reconciler.documents.saved import parse_as
from reconciler.documents.sightings import with_sightings
from reconciler.documents.writing import to_content
from reconciler.errors import PlanFileError, UsageError

_APPLICATION_ID = 0x52634472
"""``RcDr`` as a number: identifies our files among SQLite databases (PRAGMA application_id)."""
_VERSION = 2
_BUSY_SECONDS = 10.0
SHOWN = 500
"""The rows of the history that a drift contains; what remains comes first."""
_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS finding (
  account TEXT NOT NULL, environment TEXT NOT NULL, address TEXT NOT NULL, field TEXT NOT NULL, kind TEXT NOT NULL,
  class TEXT NOT NULL, first_seen TEXT NOT NULL, last_seen TEXT NOT NULL, gone TEXT NOT NULL DEFAULT '',
  notified TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS remaining
  ON finding (account, environment, address, field, class) WHERE gone = '';
"""
_MIGRATION = """
UPDATE finding SET notified = '{}' WHERE notified = '';
UPDATE finding SET notified = '{"chat":"' || notified || '","json":"' || notified || '","github":"' || notified || '"}'
  WHERE notified <> '{}';
"""
"""From version 1, in which a report in any format counted for all."""
_COLUMNS = "account, environment, address, field, kind, class, first_seen, last_seen, gone, notified"
_NAMES = ("account_sid", "env", "address", "field", "kind", "class", "first_seen", "last_seen", "gone", "notified")
_INSERT = "INSERT INTO finding VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
CHANNELS = frozenset({"chat", "json", "github"})
"""The formats that report what is new: to a chat, to programs, and in the action's issue."""
_LARGEST = 16 * 1024 * 1024


def record_drift(path: str, drift: DriftFile, *, remind_days: int = 0, channel: str = "json") -> DriftFile:
    """Record a drift in its history, and return it with the history as it is once this drift has been reported.

    What is due counts as reported only after `record_report`.

    A finding is gone only if this run could have seen it: a run with ``--target`` or ``--exclude``, or one that could
    not read everything, marks none.

    Args:
        path: The file, which is created if it does not exist.
        drift: The drift.
        remind_days: After how many days a finding that remains is due again; 0 for never.
        channel: The format in which this run reports what is due. Others report it, too; only those in `CHANNELS`
            count as reports.

    Raises:
        UsageError: The file cannot be used, or is not a history.
    """
    scope = (drift.account_sid, drift.env)
    seen = _seen(drift)
    with _opened(path) as connection:
        remaining = _remaining(connection, drift)
        for key, item in seen.items():
            if key in remaining:
                connection.execute(
                    "UPDATE finding SET last_seen = ? WHERE rowid = ?", (drift.created_at, remaining[key][0])
                )
            else:
                moments = (drift.created_at, drift.created_at, "", "{}")
                connection.execute(_INSERT, (*scope, item.address, item.field, item.kind, item.standing, *moments))
        if not (drift.target or drift.exclude or drift.unreadable):
            gone = [
                (drift.created_at, number)
                for key, (number, _) in remaining.items()
                if key not in seen and not (key[2] == "unmanaged" and drift.unsearched)
            ]
            connection.executemany("UPDATE finding SET gone = ? WHERE rowid = ?", gone)
        connection.execute("SAVEPOINT report")
        to_notify = _mark_reported(connection, drift, remind_days, channel)
        rows = _rows(connection, "WHERE account = ? AND environment = ?", (*scope, SHOWN))
        connection.execute("ROLLBACK TO report")
        connection.execute("RELEASE report")
    return with_sightings(drift, rows, to_notify=to_notify)


def record_report(path: str, drift: DriftFile, *, remind_days: int = 0, channel: str = "json") -> None:
    """Record that a drift was reported. What could not be written stays due.

    Args:
        path: The file that has the drift.
        drift: The drift.
        remind_days: See `record_drift`.
        channel: The format in which it was reported.

    Raises:
        UsageError: The file cannot be used, or is not a history.
    """
    if channel in CHANNELS and drift.to_notify:
        with _opened(path) as connection:
            _mark_reported(connection, drift, remind_days, channel)


_Key: TypeAlias = tuple[str, str, str]


def _seen(drift: DriftFile) -> dict[_Key, Finding]:
    found = {(item.address, item.field, item.standing): item for item in findings(drift)}
    return {key: item for key, item in found.items() if item.standing not in NOT_DRIFT}


def _remaining(connection: sqlite3.Connection, drift: DriftFile) -> dict[_Key, tuple[int, dict[str, str]]]:
    """Return the findings that are not gone, with their row and when each format last reported them."""
    return {
        (address, field, standing): (number, json.loads(notified))
        for number, address, field, standing, notified in connection.execute(
            "SELECT rowid, address, field, class, notified FROM finding "
            "WHERE account = ? AND environment = ? AND gone = ''",
            (drift.account_sid, drift.env),
        )
    }


def _mark_reported(connection: sqlite3.Connection, drift: DriftFile, remind_days: int, channel: str) -> int:
    """Mark what is due as reported in a format; return how much is due."""
    due_before = _days_before(drift.created_at, remind_days) if remind_days else ""
    to_notify = 0
    remaining = _remaining(connection, drift)
    for key in _seen(drift):
        number, notified = remaining.get(key, (0, {}))
        last = notified.get(channel, "") if channel in CHANNELS else max(notified.values(), default="")
        if last <= due_before:
            to_notify += 1
            if channel in CHANNELS:
                text = json.dumps({**notified, channel: drift.created_at})
                connection.execute("UPDATE finding SET notified = ? WHERE rowid = ?", (text, number))
    return to_notify


def read_drift_log(path: str) -> DriftLogFile:
    """List the findings in a history.

    Raises:
        UsageError: The file does not exist, cannot be read, or is not a history.
    """
    if not Path(path).is_file():
        raise UsageError(f"cannot read {path}: no such file. `reconciler drift --history {path}` creates it")
    with _opened(path) as connection:
        return DriftLogFile(findings=_rows(connection, "", (-1,)))


def _rows(connection: sqlite3.Connection, where: str, values: tuple[str | int, ...]) -> tuple[SightingPart, ...]:
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM finding {where} ORDER BY gone <> '', first_seen, address, field LIMIT ?",  # noqa: S608 - our own words
        values,
    )
    return tuple(
        from_content(SightingPart, {**dict(zip(_NAMES, row, strict=True)), "notified": json.loads(row[-1])})
        for row in found
    )


@contextmanager
def _opened(path: str) -> Iterator[sqlite3.Connection]:
    """Open a history for one transaction."""
    if path.endswith(".json"):
        with _opened_json(Path(path)) as connection:
            yield connection
        return
    try:
        with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            _check(connection, path)
            yield connection
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise UsageError(f"cannot use {path} as a history of drift: {error}") from None
    except ValueError:  # of json and pydantic
        raise UsageError(f"cannot use {path} as a history of drift: it was modified") from None


@contextmanager
def _opened_json(path: Path) -> Iterator[sqlite3.Connection]:
    """Load a history from JSON, and write it back."""
    rows: tuple[SightingPart, ...] = ()
    try:
        if path.exists() and path.stat().st_size > _LARGEST:
            raise UsageError(f"cannot use {path} as a history of drift: it exceeds {_LARGEST:,} bytes")
        if path.exists():
            rows = parse_as(DriftLogFile, path.read_bytes(), str(path), "history", "reconciler drift").findings
    except PlanFileError as error:
        raise UsageError(f"cannot use {path} as a history of drift: {error}") from None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from None
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        _check(connection, str(path))
        # A finding that remains is there once; of a file that was edited, the first row counts.
        values = [
            (*(to_content(row).get(name, "") for name in _NAMES[:-1]), json.dumps(dict(row.notified))) for row in rows
        ]
        connection.executemany(_INSERT.replace("INSERT", "INSERT OR IGNORE"), values)
        yield connection
        text = DriftLogFile(findings=_rows(connection, "", (-1,))).to_json()
    replacement = path.with_name(f".{path.name}.tmp")
    try:
        replacement.write_text(text, encoding="ascii")
        replacement.replace(path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        replacement.unlink(missing_ok=True)


def _check(connection: sqlite3.Connection, path: str) -> None:
    """Create the table in a new file; refuse another database.

    Raises:
        UsageError: It is another database, or one of a newer version.
    """
    [identity] = connection.execute("PRAGMA application_id").fetchone()
    [version] = connection.execute("PRAGMA user_version").fetchone()
    [tables] = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if identity != _APPLICATION_ID and tables:
        raise UsageError(f"cannot use {path} as a history of drift: it is another database. Use another file")
    if version > _VERSION:
        raise UsageError(f"{path} was written by a newer version of reconciler. Update it")
    if tables and version < _VERSION:
        _run(connection, _MIGRATION)
        connection.execute(f"PRAGMA user_version = {_VERSION}")
    if not tables:
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {_VERSION}")
        _run(connection, _SCHEMA)


def _run(connection: sqlite3.Connection, script: str) -> None:
    """Run statements in the transaction that is open; `executescript` would commit it."""
    for statement in filter(None, map(str.strip, script.split(";"))):
        connection.execute(statement)


def _days_before(moment: str, days: int) -> str:
    return (datetime.strptime(moment, _FORMAT).replace(tzinfo=UTC) - timedelta(days=days)).strftime(_FORMAT)
