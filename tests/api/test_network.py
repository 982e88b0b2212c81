"""Connections over the network, with real sockets on loopback: when they are kept, and what their end means."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from reconciler.api import transport
from reconciler.api.client import Client
from reconciler.api.credentials import Credentials
from reconciler.api.retry import is_ambiguous
from reconciler.api.transport import SharedConnections
from reconciler.errors import ApiError, Unreachable, Unsent
from tests.api.serving import OK, Behavior, Line, Server, answer_all, serving
from tests.builders import ACCOUNT

CREDENTIALS = Credentials("SK1", "s3cret", ACCOUNT)
CONFIGURATION = "/v1/Configuration"


def run(behavior: Behavior, work: Callable[[Client, Server], Awaitable[Any]], *, concurrency: int = 10) -> list[int]:
    """Work with a client of such a server; give the number of requests on each connection."""

    async def both() -> list[int]:
        async with serving(behavior) as server:
            async with Client(server.url, CREDENTIALS, concurrency=concurrency) as client:
                await work(client, server)
            return [line.received.count(b"HTTP/1.1") for line in server.lines]

    return asyncio.run(both())


async def get_twice(client: Client, _server: Server) -> None:
    assert [await client.get(CONFIGURATION), await client.get(CONFIGURATION)] == [{}, {}]


async def get_many(client: Client, _server: Server) -> None:
    assert await asyncio.gather(*(client.get(CONFIGURATION) for _ in range(60))) == [{}] * 60


# --- connections that are kept ---------------------------------------------------------------------------------------


def test_requests_one_after_the_other_share_a_connection() -> None:
    assert run(answer_all, get_twice) == [2]


def test_there_are_no_more_connections_than_requests_at_once() -> None:
    counts = run(answer_all, get_many, concurrency=4)
    assert (len(counts), sum(counts)) == (4, 60)


def test_more_than_fifty_at_once_have_a_connection_each() -> None:
    assert len(run(answer_all, get_many, concurrency=60)) == 60


def answering(*pieces: bytes) -> Behavior:
    """Give every request an answer of these pieces, on one connection."""

    async def behave(line: Line) -> None:
        while await line.request():
            for piece in pieces:
                line.writer.write(piece)
                await line.writer.drain()
                await asyncio.sleep(0.001)

    return behave


@pytest.mark.parametrize(
    "pieces",
    [
        (OK[:20], OK[20:-1], OK[-1:]),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", OK),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", b"1\r\n}\r\n0\r\nTrailer: a\r\n\r\n"),
    ],
    ids=["in pieces", "after another", "in chunks"],
)
def test_an_answer_may_come_in_any_form(pieces: tuple[bytes, ...]) -> None:
    assert run(answering(*pieces), get_twice) == [2]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    ],
    ids=["close", "1.0"],
)
def test_a_connection_is_not_used_again_after_an_answer_that_ends_it(answer: bytes) -> None:
    assert run(answering(answer), get_twice) == [1, 1]


def test_an_answer_may_end_with_its_connection() -> None:
    async def behave(line: Line) -> None:
        await line.request()
        line.writer.write(b"HTTP/1.1 200 OK\r\n\r\n{}")

    assert run(behave, get_twice) == [1, 1]


async def answer_once(line: Line) -> None:
    await line.request()
    line.writer.write(OK)


def test_a_connection_that_the_server_closed_while_idle_takes_no_request() -> None:
    """A write on it would have an unknown outcome."""

    async def work(client: Client, _server: Server) -> None:
        for _ in range(3):
            assert await client.post("/v1/Services", [("FriendlyName", "a")]) == {}
            await asyncio.sleep(0.01)

    assert run(answer_once, work) == [1, 1, 1]


def test_nor_does_one_that_was_closed_while_the_event_loop_was_busy() -> None:
    """As it is while a plan is computed: the loop notices nothing, and no time passes for it."""
    received: list[bytes] = []

    async def work(url: str, closed: threading.Semaphore) -> None:
        async with Client(url, CREDENTIALS) as client:
            for _ in range(3):
                assert await client.post("/v1/Services", [("FriendlyName", "a")]) == {}
                assert closed.acquire(timeout=30)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = threading.Semaphore(0)

        def serve() -> None:
            for _ in range(3):
                with listener.accept()[0] as line:
                    received.append(line.recv(65536))
                    line.sendall(OK)
                closed.release()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        asyncio.run(work(f"http://127.0.0.1:{listener.getsockname()[1]}", closed))
        thread.join(30)
    assert [request.count(b"HTTP/1.1") for request in received] == [1, 1, 1]


def test_bytes_that_nobody_asked_for_answer_no_request() -> None:
    async def behave(line: Line) -> None:
        while await line.request():
            line.writer.write(OK)
            await line.writer.drain()
            await asyncio.sleep(0.001)
            line.writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"evil"')

    async def work(client: Client, _server: Server) -> None:
        for _ in range(3):
            assert await client.get(CONFIGURATION) == {}
            await asyncio.sleep(0.01)

    assert run(behave, work) == [1, 1, 1]


def test_the_answer_to_a_cancelled_request_is_never_that_to_another() -> None:
    async def behave(line: Line) -> None:
        while request := await line.request():
            await asyncio.sleep(0.02)
            path = request.split()[1].decode()
            line.writer.write(f'HTTP/1.1 200 OK\r\nContent-Length: {len(path) + 2}\r\n\r\n"{path}"'.encode())

    async def work(client: Client, server: Server) -> None:
        for wait in (0.0, 0.002, 0.01, 0.019, 0.02):
            cancelled = asyncio.create_task(client.get("/v1/cancelled"))
            await asyncio.sleep(wait)
            cancelled.cancel()
            assert await client.get(f"/v1/{wait}") == f"/v1/{wait}"
        assert len(server.lines) <= 10

    run(behave, work)


# --- connections that clients share ----------------------------------------------------------------------------------


def share(*credentials: Credentials, wait: float = 0.0) -> list[int]:
    """Let clients read one after the other over shared connections; return the number of requests on each of these."""

    async def work() -> list[int]:
        async with serving(answer_all) as server:
            async with SharedConnections() as shared:
                for one in credentials:
                    connections = shared.pools(server.url, one, 2)
                    async with Client(server.url, one, concurrency=2, connections=connections) as client:
                        await client.get(CONFIGURATION)
                    await asyncio.sleep(wait)
                counts = [line.received.count(b"HTTP/1.1") for line in server.lines]
            await asyncio.gather(*(asyncio.wait_for(line.writer.wait_closed(), 5) for line in server.lines))
            return counts

    return asyncio.run(work())


def test_clients_of_the_same_credentials_share_connections_until_all_are_closed() -> None:
    assert share(CREDENTIALS, CREDENTIALS, CREDENTIALS) == [3]
    assert share(CREDENTIALS, Credentials("SK2", "s3cret", ACCOUNT), CREDENTIALS) == [2, 1]


def test_a_connection_that_was_unused_for_long_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_LONGEST_IDLE", 0.02)
    assert share(CREDENTIALS, CREDENTIALS, wait=0.05) == [1, 1]


# --- connections that break ------------------------------------------------------------------------------------------


async def hang_up(line: Line) -> None:
    line.reset()


async def hang_up_after_the_request(line: Line) -> None:
    await line.request()


async def reset_after_the_request(line: Line) -> None:
    await line.request()
    line.reset()


async def stay_silent(line: Line) -> None:
    await line.request()
    await line.reader.read()


def breaking_off(answer: bytes, *, reset: bool = False) -> Behavior:
    async def behave(line: Line) -> None:
        await line.request()
        line.writer.write(answer)
        await line.writer.drain()
        if reset:
            await asyncio.sleep(0.01)
            line.reset()

    return behave


def falling_silent(answer: bytes) -> Behavior:
    async def behave(line: Line) -> None:
        await line.request()
        line.writer.write(answer)
        await line.reader.read()

    return behave


BROKEN: dict[str, tuple[Behavior, str]] = {
    "hung up at once": (hang_up, "cannot be reached: "),
    "hung up": (hang_up_after_the_request, "cannot be reached: Server disconnected without sending a response."),
    "reset": (reset_after_the_request, "cannot be reached: ReadError"),
    "half a head": (breaking_off(OK[:20]), "cannot be reached: "),
    "half a body": (breaking_off(OK[:-1]), "cannot be reached: peer closed connection without sending complete"),
    "half a body, reset": (breaking_off(OK[:-1], reset=True), "cannot be reached: ReadError"),
    "half a chunk": (
        breaking_off(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}"), "cannot be reached: peer closed",
    ),
    "no HTTP": (breaking_off(b"SSH-2.0-OpenSSH_9\r\n\r\n"), "cannot be reached: illegal status line"),
    "an endless head": (falling_silent(OK[:17] + b"A: " + b"a" * 200_000), "cannot be reached: Receive buffer"),
    "silent": (stay_silent, "no answer from "),
    "silent in a body": (falling_silent(OK[:-1]), "no answer from "),
}  # fmt: skip


async def send(client: Client, method: str) -> Any:
    if method == "GET":
        return await client.get(CONFIGURATION)
    return await (client.post("/v1/Services", [("FriendlyName", "a")]) if method == "POST" else client.delete("/v1/X"))


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("fault", BROKEN)
def test_a_request_whose_connection_breaks_may_have_arrived_and_is_sent_once(
    fault: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault.startswith("silent"):
        monkeypatch.setattr(transport, "_TIMEOUT", httpx.Timeout(0.05))
    behavior, text = BROKEN[fault]

    async def work(client: Client, _server: Server) -> None:
        with pytest.raises(Unreachable) as raised:
            await send(client, method)
        assert is_ambiguous(raised.value)
        assert raised.value.may_be_done
        assert text in str(raised.value)

    assert len(run(behavior, work)) == 1


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("fault", ["hung up", "reset"])
def test_a_write_on_a_kept_connection_that_breaks_is_not_repeated_silently(fault: str, method: str) -> None:
    async def behave(line: Line) -> None:
        await answer_once(line)
        await BROKEN[fault][0](line)

    async def work(client: Client, _server: Server) -> None:
        assert await client.get(CONFIGURATION) == {}
        with pytest.raises(Unreachable) as raised:
            await send(client, method)
        assert is_ambiguous(raised.value)
        assert (client.requests, client.writes, client.resent) == (2, 1, 0)

    assert run(behave, work) == [2]


def test_a_name_with_several_addresses_is_reached_at_one_of_them() -> None:
    async def by_name() -> Any:
        async with serving(answer_all) as server:
            url = server.url.replace("127.0.0.1", "localhost")
            async with Client(url, CREDENTIALS) as client:
                return await client.get(CONFIGURATION)

    assert asyncio.run(by_name()) == {}


async def failure(url: str) -> ApiError:
    async with Client(url, CREDENTIALS) as client:
        with pytest.raises(ApiError) as raised:
            await client.post("/v1/Services", [("FriendlyName", "a")])
    return raised.value


def test_a_port_where_nothing_listens_was_sent_nothing() -> None:
    async def closed_port() -> str:
        async with serving(answer_all) as server:
            return server.url

    url = asyncio.run(closed_port())
    error = asyncio.run(failure(url))
    assert type(error) is Unsent
    assert str(error) == f"POST /v1/Services: {url} cannot be reached: All connection attempts failed"


@pytest.mark.parametrize(
    "host", ["nowhere.invalid", "a..example.invalid", f"{'a' * 70}.invalid"], ids=["unknown", "empty", "long"]
)
def test_a_host_that_does_not_exist_was_sent_nothing(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    error = asyncio.run(failure(f"https://{host}"))
    assert type(error) is Unsent
    assert str(error).startswith(f"POST /v1/Services: https://{host} cannot be reached: ")
