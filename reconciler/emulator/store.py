"""Storage of the emulated account: one SQLite database, in a file or in memory.

Takes rows (kind, SID, parent, natural key, facts as JSON) inside transactions; returns them by creation or last
activity. Knows nothing of Twilio's rules. Everything that a response depends on is in the database, so a process can be
killed at any moment, and another one continues with the same responses.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from reconciler.emulator.errors import EmulatorError, OtherAccountError

DEFAULT_ACCOUNT_SID = "AC" + "0" * 32

# Facts of a resource as stored; JSON has no static shape.
Facts: TypeAlias = dict[str, Any]
Order = Literal["made", "active"]

# "TwEm" as a number: identifies our files among SQLite databases (PRAGMA application_id).
APPLICATION_ID = 0x5477456D
SCHEMA_VERSION = 1
BUSY_TIMEOUT_SECONDS = 10.0

SCHEMA = """
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE resource (
  made INTEGER PRIMARY KEY AUTOINCREMENT,
  active INTEGER NOT NULL,
  kind TEXT NOT NULL,
  sid TEXT NOT NULL UNIQUE,
  parent TEXT REFERENCES resource (sid) ON DELETE CASCADE,
  name TEXT,
  due TEXT,
  facts TEXT NOT NULL
);
CREATE INDEX by_parent ON resource (parent, kind, made);
CREATE INDEX by_activity ON resource (parent, kind, active);
CREATE INDEX by_name ON resource (kind, name);
CREATE INDEX by_due ON resource (due) WHERE due IS NOT NULL;
CREATE INDEX by_role ON resource (json_extract(facts, '$.role_sid')) WHERE kind IN ('user', 'participant');
CREATE INDEX by_address ON resource (json_extract(facts, '$.messaging_binding.address')) WHERE kind = 'participant';
"""

_COLUMNS = "made, active, kind, sid, parent, name, due, facts"


@dataclass(slots=True)
class Row:
    """A resource as stored.

    Attributes:
        made: The position in the order of creation.
        active: The position in the order of activity; higher is more recent.
        kind: The family of the resource.
        sid: The SID.
        parent: The SID of the containing resource, whose delete includes this one; None for the account.
        name: The natural key, if the kind has one.
        due: The time of the next timer of the resource (an API date), if any.
        facts: Everything else.
    """

    made: int
    active: int
    kind: str
    sid: str
    parent: str | None
    name: str | None
    due: str | None
    facts: Facts


class Store:
    """An open database, created by ``Store.open``."""

    def __init__(self, connection: sqlite3.Connection, account_sid: str, path: str) -> None:
        self._connection = connection
        # A server's thread and a test that inspects the account share one connection.
        self._lock = threading.RLock()
        self.account_sid = account_sid
        self.path = path
        self._public_id = ""

    @classmethod
    def open(cls, path: str | Path, *, account_sid: str | None = None) -> Store:
        """Open a database; create it if it does not exist.

        Args:
            path: A file, or ":memory:" for a database that ends with the process.
            account_sid: The emulated account; for a new database, ``AC`` and 32 zeros by default. An existing database
                keeps its account.

        Raises:
            EmulatorError: The file is not an emulator database, is of a newer version, contains another account, or
                cannot be opened.
        """
        text = str(path)
        try:
            if text != ":memory:":
                # Readable by its owner only: it contains what Twilio stores, including keys that were sent.
                os.close(os.open(text, os.O_RDWR | os.O_CREAT, 0o600))
        except (OSError, ValueError) as error:
            raise EmulatorError(
                f"Cannot open {text}: {getattr(error, 'strerror', '') or 'unable to open it'}."
            ) from None
        try:
            connection = sqlite3.connect(
                text, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
            )
        except sqlite3.Error as error:
            raise EmulatorError(f"Cannot open {text}: {error}.") from error
        try:
            return cls(connection, _prepare(connection, text, account_sid), text)
        except sqlite3.OperationalError as error:
            connection.close()
            raise EmulatorError(f"Cannot open {text}: {error}.") from error
        except sqlite3.DatabaseError as error:
            connection.close()
            raise EmulatorError(f"{text} is not an emulator database ({error}). Use another file.") from error
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Close the database; closing it again does nothing."""
        with self._lock:
            self._connection.close()

    def private_key(self) -> str:
        """Return a random text that only this database contains; created on first use."""
        with self._lock:
            self._connection.execute(
                "INSERT OR IGNORE INTO setting VALUES ('private_key', ?)", (secrets.token_hex(32),)
            )
            (kept,) = self._connection.execute("SELECT value FROM setting WHERE name = 'private_key'").fetchone()
        return str(kept)

    def public_id(self) -> str:
        """Return a random identifier of this database; empty if it cannot be written now."""
        if not self._public_id:
            with suppress(sqlite3.Error):
                self._public_id = hashlib.sha256(f"emulator id\0{self.private_key()}".encode()).hexdigest()[:32]
        return self._public_id

    def copied(self) -> Store:
        """Copy everything into a separate database in memory."""
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        with self._lock:
            self._connection.backup(connection)
        connection.execute("PRAGMA foreign_keys = ON")
        return Store(connection, self.account_sid, ":memory:")

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[None]:
        """Run a block as a transaction: if it raises, none of it has an effect.

        Args:
            write: Whether the block may write. A writer waits for other writers (also of other processes) before it
                reads, so that nothing changes between its reads and its writes.

        Raises:
            sqlite3.OperationalError: Another process locked the database for too long.
        """
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                # A failed statement may already have ended the transaction.
                with suppress(sqlite3.OperationalError):
                    self._connection.execute("ROLLBACK")
                raise

    def add(
        self, kind: str, sid: str, parent: str | None, facts: Facts, *, name: str | None = None, due: str | None = None
    ) -> Row:
        """Insert a new resource and return it."""
        cursor = self._connection.execute(
            "INSERT INTO resource (active, kind, sid, parent, name, due, facts) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (active := self._latest(kind, parent) + 1, kind, sid, parent, name, due, _dump(facts)),
        )
        made = cursor.lastrowid
        assert made is not None
        return Row(made, active, kind, sid, parent, name, due, facts)

    def put(self, row: Row) -> None:
        """Save the changes of a row: its name, due date, activity, and facts."""
        self._connection.execute(
            "UPDATE resource SET name = ?, due = ?, active = ?, facts = ? WHERE made = ?",
            (row.name, row.due, row.active, _dump(row.facts), row.made),
        )

    def touch(self, row: Row) -> None:
        """Make a row the most recently active of its kind in its parent; ``put`` saves it."""
        row.active = self._latest(row.kind, row.parent) + 1

    def _latest(self, kind: str, parent: str | None) -> int:
        query = "SELECT coalesce(max(active), 0) FROM resource WHERE parent = ? AND kind = ?"
        (latest,) = self._connection.execute(query, (parent, kind)).fetchone()
        return int(latest)

    def remove(self, sid: str) -> None:
        """Delete a resource and everything in it."""
        self._connection.execute("DELETE FROM resource WHERE sid = ?", (sid,))

    def get(self, kind: str, sid: str, parent: str | None = None) -> Row | None:
        """Return a resource by SID; None if there is none of this kind (in this parent, if given)."""
        row = self._one("sid = ?", (sid,))
        if row is None or row.kind != kind or (parent is not None and row.parent != parent):
            return None
        return row

    def known(self, sid: str) -> bool:
        """Return whether a SID is in use."""
        return self._connection.execute("SELECT 1 FROM resource WHERE sid = ?", (sid,)).fetchone() is not None

    def named(self, kind: str, parent: str, name: str) -> Row | None:
        """Return the oldest resource with a natural key in a parent; None if there is none."""
        return self._one("kind = ? AND name = ? AND parent = ? ORDER BY made LIMIT 1", (kind, name, parent))

    def all_named(self, kind: str, name: str) -> list[Row]:
        """Return every resource with a natural key in any parent, oldest first."""
        return self._many("kind = ? AND name = ? ORDER BY made", (kind, name))

    def count_named(self, kind: str, name: str) -> int:
        """Count the resources with a natural key in any parent."""
        query = "SELECT count(*) FROM resource WHERE kind = ? AND name = ?"
        (number,) = self._connection.execute(query, (kind, name)).fetchone()
        return int(number)

    def children(self, kind: str, parent: str) -> list[Row]:
        """Return every resource of a kind in a parent, oldest first."""
        return self._many("parent = ? AND kind = ? ORDER BY made", (parent, kind))

    def count(self, kind: str, parent: str) -> int:
        """Count the resources of a kind in a parent."""
        query = "SELECT count(*) FROM resource WHERE parent = ? AND kind = ?"
        (number,) = self._connection.execute(query, (parent, kind)).fetchone()
        return int(number)

    def slice(
        self, kind: str, parent: str, *, order: Order, newest_first: bool, past: int | None, limit: int
    ) -> list[Row]:
        """Return some resources of a kind in a parent, in order, after a position.

        Args:
            kind: The kind.
            parent: The parent's SID.
            order: By creation or by activity.
            newest_first: The direction.
            past: The position (``made`` or ``active``) after which to begin; None for the beginning.
            limit: The maximum number.
        """
        sign, way = ("<", "DESC") if newest_first else (">", "ASC")
        where = "parent = ? AND kind = ?"
        bound: list[str | int] = [parent, kind]
        if past is not None:
            where += f" AND {order} {sign} ?"
            bound.append(past)
        return self._many(f"{where} ORDER BY {order} {way} LIMIT ?", (*bound, limit))

    def holders(self, role_sid: str) -> list[Row]:
        """Return the users and participants who hold a role."""
        return self._many("kind IN ('user', 'participant') AND json_extract(facts, '$.role_sid') = ?", (role_sid,))

    def addressed(self, address: str) -> list[Row]:
        """Return the participants of any conversation who have an address."""
        return self._many(
            "kind = 'participant' AND json_extract(facts, '$.messaging_binding.address') = ? ORDER BY made", (address,)
        )

    def due(self, now: str) -> list[Row]:
        """Return the resources whose due date has passed, earliest first."""
        return self._many("due <= ? ORDER BY due, made", (now,))

    def everything(self) -> list[Row]:
        """Return every resource, oldest first."""
        return self._many("1 ORDER BY made", ())

    def _one(self, where: str, values: tuple[object, ...]) -> Row | None:
        rows = self._many(where, values)
        return rows[0] if rows else None

    def _many(self, where: str, values: tuple[object, ...]) -> list[Row]:
        with self._lock:
            query = f"SELECT {_COLUMNS} FROM resource WHERE {where}"  # noqa: S608 - conditions are this module's own
            # Values of requests are only ever bound.
            found = self._connection.execute(query, values).fetchall()
        # All facts at once: a call for each would take a sixth of the time of a page of 50.
        facts = json.loads(f"[{','.join([row[-1] for row in found])}]")
        return [
            Row(made, active, kind, sid, parent, name, due, each)
            for (made, active, kind, sid, parent, name, due, _), each in zip(found, facts, strict=True)
        ]


def _dump(facts: Facts) -> str:
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":"))


def _prepare(connection: sqlite3.Connection, path: str, account_sid: str | None) -> str:
    """Create the tables, or check the existing ones; return the account's SID."""
    connection.execute("PRAGMA foreign_keys = ON")
    empty = _version(connection, path) is None
    if empty:
        # Without waiting for the disk, which takes longer than everything else: a power failure loses an empty account.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN IMMEDIATE")
        # Two processes may get here; only the first one creates the tables.
        if _version(connection, path) is None:
            for statement in SCHEMA.split(";\n")[:-1]:
                connection.execute(statement)
            connection.execute("INSERT INTO setting VALUES ('account_sid', ?)", (account_sid or DEFAULT_ACCOUNT_SID,))
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    if path != ":memory:":
        # Only once the file is known to be ours. A killed process loses no write that was answered; only a power
        # failure may lose the last moments.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
    (kept,) = connection.execute("SELECT value FROM setting WHERE name = 'account_sid'").fetchone()
    if account_sid is not None and account_sid != kept:
        raise OtherAccountError(path, str(kept), account_sid)
    return str(kept)


def _version(connection: sqlite3.Connection, path: str) -> int | None:
    """Return the schema's version; None if the database is empty."""
    # First, since another process may create the tables now, and sets the other two with them.
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not tables:
        return None
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise EmulatorError(f"{path} is a SQLite database, but not an emulator's. Use another file.")
    if version != SCHEMA_VERSION:
        raise EmulatorError(f"{path} is of version {version}; this emulator reads version {SCHEMA_VERSION}.")
    return int(version)
