"""An answer of any size costs a bounded amount of memory, packed or not, and is told for what it is."""

from __future__ import annotations

import asyncio
import gzip
import os
import socket
import threading
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from reconciler.api.client import Client, ReadClient
from reconciler.api.credentials import Credentials
from reconciler.api.retry import Retry, is_ambiguous
from reconciler.api.transport import _LARGEST_ANSWER
from reconciler.errors import Malformed, Refused, TooLarge
from tests.builders import ACCOUNT

BLOCK = b"\0" * 1_000_000
NOTHING = b'{"a": 1}'


def bomb(blocks: int) -> bytes:
    """So many megabytes of nothing, as gzip."""
    pack = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return b"".join([*(pack.compress(BLOCK) for _ in range(blocks)), pack.flush()])


@contextmanager
def answering(
    head: str, *bodies: bytes, endless: bool = False, status: str = "200 OK"
) -> Iterator[tuple[str, list[bytes]]]:
    """A server that gives every request the same answer, as the bytes that go over the line; its URL, and who asked."""
    asked: list[bytes] = []
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)

    def talk(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            asked.append(connection.recv(65536))
            connection.sendall(f"HTTP/1.1 {status}\r\n{head}Connection: close\r\n\r\n".encode())
            for body in bodies:
                connection.sendall(body)
            while endless and not over.is_set():
                connection.sendall(BLOCK)

    def serve() -> None:
        while not over.is_set():
            with suppress(TimeoutError):
                talk(listener.accept()[0])

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
    finally:
        over.set()
        thread.join(30)
        listener.close()
        assert not thread.is_alive()


def get(url: str) -> object:
    async def run() -> object:
        retry = Retry(attempts=3, sleep=_at_once)
        async with ReadClient(url, Credentials("SK1", "s3cret", ACCOUNT), retry=retry) as client:
            return await client.get("/v1/Configuration")

    return asyncio.run(run())


async def _at_once(_seconds: float) -> None:
    """Wait for nothing."""


def test_an_answer_without_an_end_is_not_read_to_its_end() -> None:
    with answering("", endless=True) as (url, asked):
        tracemalloc.start()
        with pytest.raises(TooLarge) as caught:
            get(url)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert str(caught.value) == ("GET /v1/Configuration: the answer is larger than 10 MB, more than Twilio ever sends")
    assert most < 6 * _LARGEST_ANSWER
    assert len(asked) == 1  # and not asked for again


@pytest.mark.parametrize("often", [1, 2])
def test_a_packed_answer_is_unpacked_no_further_than_that(often: int) -> None:
    # 200 megabytes in a fifth of one, and in a few kilobytes when they are packed twice.
    packed = bomb(200) if often == 1 else gzip.compress(bomb(200), mtime=0)
    with answering(f"Content-Encoding: {', '.join(['gzip'] * often)}\r\nContent-Length: {len(packed)}\r\n", packed) as (
        url,
        _,
    ):
        tracemalloc.start()
        with pytest.raises(TooLarge if often == 1 else Malformed):
            get(url)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert most < 6 * _LARGEST_ANSWER


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("", NOTHING),
        ("identity", NOTHING),
        ("gzip", gzip.compress(NOTHING, mtime=0)),
        ("GZIP", gzip.compress(NOTHING, mtime=0)),
    ],
)
def test_an_answer_of_an_ordinary_size_is_read(coding: str, body: bytes) -> None:
    named = f"Content-Encoding: {coding}\r\n" if coding else ""
    with answering(f"{named}Content-Length: {len(body)}\r\n", body[:3], body[3:]) as (url, asked):
        assert get(url) == {"a": 1}
    assert b"accept-encoding: gzip\r\n" in asked[0].lower()


def test_the_largest_answer_is_read() -> None:
    text = os.urandom(10).hex().encode()
    body = b'{"a": "' + text * ((_LARGEST_ANSWER - 9) // len(text)) + b'"}'
    with answering("Content-Encoding: gzip\r\n", gzip.compress(body, 1, mtime=0)) as (url, _):
        assert isinstance(get(url), dict)


@pytest.mark.parametrize(
    ("coding", "body", "told"),
    [
        ("br", b"x", "the answer has the encoding 'br', which was not requested"),
        ("gzip", b"no gzip", "the answer claims to be gzip, but is not"),
        ("gzip", gzip.compress(NOTHING, mtime=0)[:-9], "the answer is incomplete"),
    ],
)
def test_what_cannot_be_unpacked_is_told_and_asked_for_again(coding: str, body: bytes, told: str) -> None:
    with answering(f"Content-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n", body) as (url, asked):
        with pytest.raises(Malformed) as caught:
            get(url)
        assert str(caught.value) == f"GET /v1/Configuration: {told}"
        assert len(asked) == 3


def test_a_refusal_is_read_as_far_as_any_answer() -> None:
    refused = "401 Unauthorized"
    with answering("", endless=True, status=refused) as (url, _), pytest.raises(TooLarge):
        get(url)
    packed = gzip.compress(b"{}", mtime=0)
    with answering("Content-Encoding: gzip\r\n", packed, status=refused) as (url, _), pytest.raises(Refused):
        get(url)


@pytest.mark.parametrize(("status", "often"), [("403 Forbidden", 1), ("429 Too Many Requests", 3)])
def test_a_refusal_holds_however_its_words_are_packed(status: str, often: int) -> None:
    with answering("Content-Encoding: br\r\nContent-Length: 1\r\n", b"x", status=status) as (url, asked):
        with pytest.raises(Refused) as caught:
            get(url)
        assert caught.value.refusal.status == int(status[:3])
        assert len(asked) == often


def test_a_write_whose_answer_is_too_large_may_have_taken_place() -> None:
    async def run(url: str) -> None:
        async with Client(url, Credentials("SK1", "s3cret", ACCOUNT)) as client:
            await client.post("/v1/Services", [("FriendlyName", "a")])

    with answering("", endless=True, status="201 Created") as (url, asked):
        with pytest.raises(TooLarge) as caught:
            asyncio.run(run(url))
        assert is_ambiguous(caught.value)
        assert caught.value.may_be_done
        assert len(asked) == 1
