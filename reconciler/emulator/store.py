"""Where the emulated account is kept: one SQLite database, in a file or in memory.

Takes rows (kind, SID, parent, natural key, facts as JSON) inside transactions, gives them back in the order they were
made or were last active. It knows nothing of Twilio's rules. Everything an answer depends on is in the database, so a
process may be killed at any moment and another one go on with the same answers.
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

# Facts of a resource as they are kept; JSON has no static shape.
Facts: TypeAlias = dict[str, Any]
Order = Literal["made", "active"]

# "TwEm" as a number: tells our files from other SQLite databases (PRAGMA application_id).
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
    """One resource as it is kept.

    Attributes:
        made: its place in the order of creation.
        active: its place in the order of activity; the higher, the more recent.
        kind: the family it belongs to.
        sid: its SID.
        parent: the SID of what contains it and takes it along when deleted; None for the account.
        name: the natural key it is looked up by, if its kind has one.
        due: when something is to happen to it by itself (an API date), if ever.
        facts: everything else.
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
    """An open database. Made by ``Store.open``."""

    def __init__(self, connection: sqlite3.Connection, account_sid: str, path: str) -> None:
        self._connection = connection
        # A server's thread and the test that looks into the account share one connection.
        self._lock = threading.RLock()
        self.account_sid = account_sid
        self.path = path
        self._public_id = ""

    @classmethod
    def open(cls, path: str | Path, *, account_sid: str | None = None) -> Store:
        """Opens a database, and makes it when there is none yet.

        Args:
            path: a file, or ":memory:" for one that is gone when closed.
            account_sid: the emulated account; of a new database ``AC`` and 32 zeros when left out. One that exists
                keeps its own.

        Raises:
            EmulatorError: the file is no emulator database, is of a newer version, belongs to another account, or
                cannot be opened.
        """
        text = str(path)
        try:
            if text != ":memory:":
                # Made for its owner alone: it keeps what Twilio keeps, keys that were sent included.
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
            raise EmulatorError(f"{text} is not an emulator database ({error}). Name another file.") from error
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Closes the database; closing again does nothing."""
        with self._lock:
            self._connection.close()

    def private_key(self) -> str:
        """A random text that only this database holds, made when it is first asked for."""
        with self._lock:
            self._connection.execute(
                "INSERT OR IGNORE INTO setting VALUES ('private_key', ?)", (secrets.token_hex(32),)
            )
            (kept,) = self._connection.execute("SELECT value FROM setting WHERE name = 'private_key'").fetchone()
        return str(kept)

    def public_id(self) -> str:
        """What tells this database from every other one; empty if that cannot be written down now."""
        if not self._public_id:
            with suppress(sqlite3.Error):
                self._public_id = hashlib.sha256(f"emulator id\0{self.private_key()}".encode()).hexdigest()[:32]
        return self._public_id

    def copied(self) -> Store:
        """Everything there is, apart, in memory."""
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        with self._lock:
            self._connection.backup(connection)
        connection.execute("PRAGMA foreign_keys = ON")
        return Store(connection, self.account_sid, ":memory:")

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[None]:
        """Everything inside happens, or, when it raises, nothing of it.

        Args:
            write: whether it may change anything. A writer waits for other writers (also of other processes) before it
                reads, so what it decides on cannot change under it.

        Raises:
            sqlite3.OperationalError: another process kept the database for too long.
        """
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                # A failed statement may have ended the transaction already.
                with suppress(sqlite3.OperationalError):
                    self._connection.execute("ROLLBACK")
                raise

    def add(
        self, kind: str, sid: str, parent: str | None, facts: Facts, *, name: str | None = None, due: str | None = None
    ) -> Row:
        """Keeps a new resource and gives it back."""
        cursor = self._connection.execute(
            "INSERT INTO resource (active, kind, sid, parent, name, due, facts) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (active := self._latest(kind, parent) + 1, kind, sid, parent, name, due, _dump(facts)),
        )
        made = cursor.lastrowid
        assert made is not None
        return Row(made, active, kind, sid, parent, name, due, facts)

    def put(self, row: Row) -> None:
        """Keeps what was changed in a row: its name, due, activity and facts."""
        self._connection.execute(
            "UPDATE resource SET name = ?, due = ?, active = ?, facts = ? WHERE made = ?",
            (row.name, row.due, row.active, _dump(row.facts), row.made),
        )

    def touch(self, row: Row) -> None:
        """Makes a row the most recently active of its kind in its parent; ``put`` keeps it."""
        row.active = self._latest(row.kind, row.parent) + 1

    def _latest(self, kind: str, parent: str | None) -> int:
        query = "SELECT coalesce(max(active), 0) FROM resource WHERE parent = ? AND kind = ?"
        (latest,) = self._connection.execute(query, (parent, kind)).fetchone()
        return int(latest)

    def remove(self, sid: str) -> None:
        """Forgets a resource and everything in it."""
        self._connection.execute("DELETE FROM resource WHERE sid = ?", (sid,))

    def get(self, kind: str, sid: str, parent: str | None = None) -> Row | None:
        """A resource by its SID; None when there is none of this kind (in this parent, if one is named)."""
        row = self._one("sid = ?", (sid,))
        if row is None or row.kind != kind or (parent is not None and row.parent != parent):
            return None
        return row

    def known(self, sid: str) -> bool:
        """Whether a SID is taken."""
        return self._connection.execute("SELECT 1 FROM resource WHERE sid = ?", (sid,)).fetchone() is not None

    def named(self, kind: str, parent: str, name: str) -> Row | None:
        """The oldest resource of a natural key in a parent; None when there is none."""
        return self._one("kind = ? AND name = ? AND parent = ? ORDER BY made LIMIT 1", (kind, name, parent))

    def all_named(self, kind: str, name: str) -> list[Row]:
        """Every resource of a natural key, wherever it is, oldest first."""
        return self._many("kind = ? AND name = ? ORDER BY made", (kind, name))

    def count_named(self, kind: str, name: str) -> int:
        """How many resources of a natural key there are, wherever."""
        query = "SELECT count(*) FROM resource WHERE kind = ? AND name = ?"
        (number,) = self._connection.execute(query, (kind, name)).fetchone()
        return int(number)

    def children(self, kind: str, parent: str) -> list[Row]:
        """Every resource of a kind in a parent, oldest first."""
        return self._many("parent = ? AND kind = ? ORDER BY made", (parent, kind))

    def count(self, kind: str, parent: str) -> int:
        """How many resources of a kind a parent has."""
        query = "SELECT count(*) FROM resource WHERE parent = ? AND kind = ?"
        (number,) = self._connection.execute(query, (parent, kind)).fetchone()
        return int(number)

    def slice(
        self, kind: str, parent: str, *, order: Order, newest_first: bool, past: int | None, limit: int
    ) -> list[Row]:
        """Some resources of a kind in a parent, in order, beginning past a place in that order.

        Args:
            kind: the kind.
            parent: the parent's SID.
            order: by creation or by activity.
            newest_first: the direction.
            past: the place (``made`` or ``active``) after which to begin; None for the beginning.
            limit: how many at most.
        """
        sign, way = ("<", "DESC") if newest_first else (">", "ASC")
        where = "parent = ? AND kind = ?"
        bound: list[str | int] = [parent, kind]
        if past is not None:
            where += f" AND {order} {sign} ?"
            bound.append(past)
        return self._many(f"{where} ORDER BY {order} {way} LIMIT ?", (*bound, limit))

    def holders(self, role_sid: str) -> list[Row]:
        """The users and participants who hold a role."""
        return self._many("kind IN ('user', 'participant') AND json_extract(facts, '$.role_sid') = ?", (role_sid,))

    def addressed(self, address: str) -> list[Row]:
        """The participants of every conversation who are reached at an address."""
        return self._many(
            "kind = 'participant' AND json_extract(facts, '$.messaging_binding.address') = ? ORDER BY made", (address,)
        )

    def due(self, now: str) -> list[Row]:
        """The resources to which something was to happen by now, the earliest first."""
        return self._many("due <= ? ORDER BY due, made", (now,))

    def everything(self) -> list[Row]:
        """Every resource there is, oldest first."""
        return self._many("1 ORDER BY made", ())

    def _one(self, where: str, values: tuple[object, ...]) -> Row | None:
        rows = self._many(where, values)
        return rows[0] if rows else None

    def _many(self, where: str, values: tuple[object, ...]) -> list[Row]:
        with self._lock:
            query = f"SELECT {_COLUMNS} FROM resource WHERE {where}"  # noqa: S608 - conditions are this module's own
            # What a request says is only ever bound.
            found = self._connection.execute(query, values)
            return [
                Row(made, active, kind, sid, parent, name, due, json.loads(facts))
                for made, active, kind, sid, parent, name, due, facts in found
            ]


def _dump(facts: Facts) -> str:
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":"))


def _prepare(connection: sqlite3.Connection, path: str, account_sid: str | None) -> str:
    """Makes the tables when there are none, judges what is there otherwise; gives the account's SID."""
    connection.execute("PRAGMA foreign_keys = ON")
    empty = _version(connection, path) is None
    if path != ":memory:":
        # Only after the file was found to be ours. A killed process loses nothing that was answered; only a power cut
        # may lose the last moments.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
    if empty:
        connection.execute("BEGIN IMMEDIATE")
        # Two processes may have met here; only the first makes the tables.
        if _version(connection, path) is None:
            for statement in SCHEMA.split(";\n")[:-1]:
                connection.execute(statement)
            connection.execute("INSERT INTO setting VALUES ('account_sid', ?)", (account_sid or DEFAULT_ACCOUNT_SID,))
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    (kept,) = connection.execute("SELECT value FROM setting WHERE name = 'account_sid'").fetchone()
    if account_sid is not None and account_sid != kept:
        raise OtherAccountError(path, str(kept), account_sid)
    return str(kept)


def _version(connection: sqlite3.Connection, path: str) -> int | None:
    """The schema's version; None when the database is empty."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not tables:
        return None
    if application != APPLICATION_ID:
        raise EmulatorError(f"{path} is a SQLite database, but not an emulator's. Name another file.")
    if version != SCHEMA_VERSION:
        raise EmulatorError(f"{path} is of version {version}; this emulator reads version {SCHEMA_VERSION}.")
    return int(version)
