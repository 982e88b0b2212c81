"""The emulator on a port, as its own process, with a real client."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
from multiprocessing.connection import Connection
from pathlib import Path

import httpx
import pytest

from reconciler.emulator import Emulator, EmulatorError, Store, serve
from reconciler.emulator.server import listen
from tests.emulator.witness import ACCOUNT


def run(file: Path, pipe: Connection) -> None:
    serve(Emulator(Store.open(file), require_auth=True), port=0, ready=pipe.send)


def test_served_stopped_and_served_again(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    seen = []
    for how, code in ((signal.SIGINT, 0), (signal.SIGKILL, -signal.SIGKILL)):
        here, there = spawn.Pipe()
        process = spawn.Process(target=run, args=(tmp_path / "account.db", there))
        process.start()
        assert here.poll(30)
        url = here.recv()
        assert url.startswith("http://127.0.0.1:")
        with httpx.Client(base_url=url, auth=(ACCOUNT, "emulator"), trust_env=False) as client:
            assert client.get("/v1/Configuration", auth=("x", "y")).status_code == 401
            created = client.post("/v1/Users", data={"Identity": f"a/b {int(how)}", "FriendlyName": "Grüße"})
            assert (created.status_code, created.json()["friendly_name"]) == (201, "Grüße")
            assert client.get(f"/v1/Users/a%2Fb%20{int(how)}").json() == created.json()
            body = client.get("/v1/Roles", params={"PageSize": 1}).json()
            # The next page is served by the emulator, never by Twilio.
            following = client.get(body["meta"]["next_page_url"])
            assert following.json()["meta"]["page"] == 1
            assert client.delete(created.json()["url"].removeprefix(url)).status_code == 204
            seen.append([role["sid"] for role in client.get("/v1/Roles").json()["roles"]])
        assert process.pid is not None
        os.kill(process.pid, how)
        process.join(30)
        assert process.exitcode == code
    assert seen[0] == seen[1]


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EmulatorError, match=f"Cannot listen on 127.0.0.1 port {port}"):
            serve(Emulator(Store.open(":memory:")), port=port)


def test_answers_leave_at_once() -> None:
    app = Emulator(Store.open(":memory:"))
    with listen(app) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    app.store.close()
