"""The store: files that outlive processes, files that are none of ours, two processes at once."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator import Emulator, EmulatorError, Store
from reconciler.emulator import store as store_module
from reconciler.emulator.store import APPLICATION_ID
from tests.emulator.witness import ACCOUNT, Api, sid


def test_a_file_keeps_everything(tmp_path: Path) -> None:
    file = tmp_path / "account.db"
    paths = ["/v1/Configuration", "/v1/Services", "/v1/Roles", "/v1/Users", "/v1/Conversations"]
    first = Api(Store.open(file))
    first.create("/v1/Users", Identity="ada")
    first.create("/v1/Conversations", State="active", Timers_Inactive="PT1M")
    answers, snapshot = [first.get(path) for path in paths], first.app.snapshot()
    first.store.close()
    first.store.close()
    second = Api(Store.open(file), seed=2)
    assert second.app.snapshot() == snapshot
    assert [second.get(path) for path in paths] == answers
    second.pass_time(minutes=1)
    assert second.get("/v1/Conversations")["conversations"][0]["state"] == "inactive"


def test_a_seed_used_again_on_a_file_gives_new_sids(tmp_path: Path) -> None:
    made = set()
    for _ in range(3):
        twilio = Api(Store.open(tmp_path / "account.db"), seed=1)
        made.add(twilio.create("/v1/Services", FriendlyName="x")["sid"])
        twilio.store.close()
    assert len(made) == 3


def test_the_account_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "account.db"
    assert Store.open(":memory:").account_sid == ACCOUNT
    store = Store.open(file, account_sid=sid("AC"))
    assert Emulator(store).call("GET", "/v1/Configuration").body["account_sid"] == sid("AC")  # type: ignore[index]  # it has a body
    store.close()
    assert Store.open(file).account_sid == sid("AC")
    assert Store.open(str(file), account_sid=sid("AC")).account_sid == sid("AC")
    with pytest.raises(EmulatorError, match="contains account ACaaa"):
        Store.open(file, account_sid=sid("AC", "b"))


class Late(sqlite3.Connection):
    """A connection to a file whose tables another process creates after the first query."""

    path = ""

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        if not self.path:
            return super().execute(*arguments)
        (number,) = super().execute(*arguments).fetchone()
        path, self.path = self.path, ""
        Store.open(path).close()
        return super().execute(f"SELECT {number}")


def test_a_file_that_another_process_is_creating_is_ours(tmp_path: Path) -> None:
    path = str(tmp_path / "account.db")
    connection = sqlite3.connect(path, isolation_level=None, factory=Late)
    connection.path = path
    assert store_module._version(connection, path) is None
    assert store_module._prepare(connection, path, None) == ACCOUNT
    connection.close()


def test_files_that_are_none_of_ours_are_told_and_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "reconciler.yaml"
    text.write_text("version: 1\n" * 200)
    with pytest.raises(EmulatorError, match=r"reconciler\.yaml is not an emulator database"):
        Store.open(text)
    assert text.read_text() == "version: 1\n" * 200
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE mine (x)")
    connection.commit()
    connection.close()
    before = other.read_bytes()
    with pytest.raises(EmulatorError, match="is a SQLite database, but not an emulator's"):
        Store.open(other)
    assert other.read_bytes() == before
    with pytest.raises(EmulatorError, match="Cannot open"):
        Store.open(tmp_path / "missing" / "account.db")
    with pytest.raises(EmulatorError, match="Cannot open"):
        Store.open(tmp_path)


def test_a_file_of_a_newer_version_is_told(tmp_path: Path) -> None:
    file = tmp_path / "account.db"
    Store.open(file).close()
    connection = sqlite3.connect(file)
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(EmulatorError, match="is of version 99; this emulator reads version 1"):
        Store.open(file)


def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    file = tmp_path / "account.db"
    file.touch()
    assert Api(Store.open(file)).get("/v1/Configuration")["account_sid"] == ACCOUNT


def write_for_ever(file: Path, name: str) -> None:
    app = Emulator(Store.open(file))
    for at in range(100_000):
        reply = app.call("POST", "/v1/Services", {"FriendlyName": f"{name} {at}"})
        if reply.status != 201:
            os._exit(9)


def create_some(file: Path, name: str, number: int) -> None:
    app = Emulator(Store.open(file))
    replies = [app.call("POST", "/v1/Users", {"Identity": f"user {at}"}).status for at in range(number)]
    replies += [app.call("POST", "/v1/Services", {"FriendlyName": name}).status for _ in range(number)]
    if not set(replies) <= {201, 409}:
        os._exit(9)


def test_a_killed_process_leaves_whole_services(tmp_path: Path) -> None:
    file = tmp_path / "account.db"
    process = multiprocessing.get_context("spawn").Process(target=write_for_ever, args=(file, "service"))
    process.start()
    deadline = time.monotonic() + 120
    while not file.exists() or len(services(file)) < 20:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    app = Emulator(Store.open(file))
    snapshot = app.snapshot()
    kinds = [row["kind"] for row in snapshot.values()]
    assert kinds.count("role") == 4 * kinds.count("service")
    for row in snapshot.values():
        if row["kind"] == "service":
            assert all(row["configuration"][key] in snapshot for key in row["configuration"] if key.endswith("_sid"))


def services(file: Path) -> list[str]:
    connection = sqlite3.connect(file, timeout=60)
    try:
        return [name for (name,) in connection.execute("SELECT name FROM resource WHERE kind = 'service'")]
    except sqlite3.OperationalError:
        # The tables are not there yet.
        return []
    finally:
        connection.close()


def test_two_processes_on_one_file(tmp_path: Path) -> None:
    file = tmp_path / "account.db"
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=create_some, args=(file, name, 25)) for name in ("a", "b")]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0, 0]
    app = Emulator(Store.open(file))
    rows = list(app.snapshot().values())
    # One account, made once; every identity once, though both processes wanted it.
    assert sorted(row["name"] for row in rows if row["kind"] == "service") == sorted(
        ["Default Conversations Service", *["a"] * 25, *["b"] * 25]
    )
    assert sorted(row["name"] for row in rows if row["kind"] == "user") == sorted(f"user {at}" for at in range(25))


def test_a_database_that_somebody_keeps_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "account.db"
    monkeypatch.setattr("reconciler.emulator.store.BUSY_TIMEOUT_SECONDS", 0.05)
    twilio = Api(Store.open(file))
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert twilio.refusal("POST", "/v1/Services", FriendlyName="x") == (503, 20503)
    assert len(twilio.get("/v1/Services")["services"]) == 1
    other.execute("ROLLBACK")
    other.close()
    twilio.create("/v1/Services", FriendlyName="x")
