"""Encryption, and tunnels through proxies, with real sockets on loopback: who sees what, and what was sent."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.api import transport
from reconciler.api.client import Client
from reconciler.api.credentials import Credentials
from reconciler.api.retry import is_ambiguous
from reconciler.errors import ApiError, Unreachable, Unsent, UsageError
from tests.api.serving import Behavior, Line, Server, answer_all, serving
from tests.api.test_client_tls import self_signed
from tests.builders import ACCOUNT

CREDENTIALS = Credentials("SK1", "s3cret", ACCOUNT)
PROXY_LOGIN = "Basic " + b64encode(b"user:pr0xy p@ss").decode()
VARIABLES = [f"{name}_PROXY" for name in ("HTTP", "HTTPS", "ALL", "NO")]


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, *map(str.lower, VARIABLES), "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    return self_signed(tmp_path)


@pytest.fixture
def tls(pem: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """What a server proves itself with, whom the client trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


async def create(client: Client) -> Any:
    return await client.post("/v1/Services", [("FriendlyName", "a")])


async def failure(url: str) -> ApiError:
    async with Client(url, CREDENTIALS) as client:
        with pytest.raises(ApiError) as raised:
            await create(client)
    assert "pr0xy" not in repr(raised.value) + str(raised.value)
    return raised.value


# --- encryption ------------------------------------------------------------------------------------------------------


def test_an_encrypted_connection_is_kept_as_well(tls: ssl.SSLContext) -> None:
    async def run() -> list[int]:
        async with serving(answer_all, tls) as server, Client(server.url, CREDENTIALS) as client:
            assert [await create(client) for _ in range(3)] == [{}] * 3
            return [line.received.count(b"HTTP/1.1") for line in server.lines]

    assert asyncio.run(run()) == [3]


def test_the_folder_of_trusted_certificates_counts(
    tls: ssl.SSLContext, pem: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "trusted"
    folder.mkdir()
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))
    # OpenSSL looks for a certificate by the hash of its subject.
    trusted, text = folder / f"{_subject_hash(pem)}.0", pem.read_text()

    async def run() -> Any:
        async with serving(answer_all, tls) as server:
            error = await failure(server.url)
            assert (type(error), "certificate verify failed" in str(error)) == (Unsent, True)
            trusted.write_text(text)
            async with Client(server.url, CREDENTIALS) as client:
                return await create(client)

    assert asyncio.run(run()) == {}


def _subject_hash(pem: Path) -> str:
    """What `openssl x509 -hash` prints."""
    from hashlib import sha1

    from cryptography import x509

    # The canonical form of a name: each attribute's text in lower case, as UTF-8 (OpenSSL, x509_name_canon).
    (name,) = x509.load_pem_x509_certificate(pem.read_bytes()).subject
    text = str(name.value).lower().encode()
    value = b"\x0c" + bytes([len(text)]) + text
    attribute = b"\x30" + bytes([5 + len(value)]) + b"\x06\x03\x55\x04\x03" + value
    digest = sha1(b"\x31" + bytes([len(attribute)]) + attribute, usedforsecurity=False).digest()
    return f"{int.from_bytes(digest[:4], 'little'):08x}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SSL_CERT_FILE", "/no/such/pr0xy"),
        *(
            (name, value)
            for name in ("HTTPS_PROXY", "ALL_PROXY")
            for value in ("socks5://user:pr0xy@host", "http://user:pr0xy@host:port")
        ),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_but_not_repeated(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=name) as raised:
        Client("https://conversations.twilio.com", CREDENTIALS)
    assert "pr0xy" not in str(raised.value)


async def never_shake_hands(line: Line) -> None:
    await line.reader.read()


async def hang_up(line: Line) -> None:
    await line.reader.read(1)
    line.reset()


async def speak_plainly(line: Line) -> None:
    await line.reader.read(1)
    line.writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.mark.parametrize("behavior", [never_shake_hands, hang_up, speak_plainly])
def test_a_connection_that_is_not_encrypted_was_sent_nothing(
    behavior: Behavior, monkeypatch: pytest.MonkeyPatch
) -> None:
    if behavior is never_shake_hands:
        monkeypatch.setattr(transport, "_TIMEOUT", httpx.Timeout(30.0, connect=0.05))

    async def run() -> ApiError:
        async with serving(behavior) as server:
            return await failure(server.url.replace("http:", "https:"))

    assert type(asyncio.run(run())) is Unsent


def test_a_server_that_is_another_than_its_name_says_is_sent_nothing(tls: ssl.SSLContext) -> None:
    async def run() -> tuple[ApiError, list[bytes]]:
        async with serving(answer_all, tls) as server:
            error = await failure(server.url.replace("127.0.0.1", "localhost"))
            return error, [line.received for line in server.lines]

    error, received = asyncio.run(run())
    assert (type(error), "Hostname mismatch" in str(error), b"".join(received)) == (Unsent, True, b"")


def test_an_encrypted_connection_that_breaks_after_the_request_is_ambiguous(tls: ssl.SSLContext) -> None:
    async def behave(line: Line) -> None:
        await line.request()
        line.reset()

    async def run() -> ApiError:
        async with serving(behave, tls) as server:
            return await failure(server.url)

    assert type(asyncio.run(run())) is Unreachable


# --- proxies ---------------------------------------------------------------------------------------------------------


def tunnel(port: int) -> Behavior:
    """A proxy that opens tunnels to that port, whatever host it is asked for."""

    async def behave(line: Line) -> None:
        await line.request()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        line.writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")

        async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                target.write(data)
            target.close()

        await asyncio.gather(copy(line.reader, writer), copy(reader, line.writer))

    return behave


def through(
    proxy: Callable[[int], Behavior],
    work: Callable[[str, Server], Awaitable[Any]],
    tls: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
    *,
    behavior: Behavior = answer_all,
    encrypted: bool = False,
) -> tuple[Any, list[bytes], list[bytes]]:
    """Work through a proxy; give the result, and what arrived in the clear at the proxy, and at the API."""

    async def run() -> tuple[Any, list[bytes], list[bytes]]:
        async with serving(behavior, tls) as api, serving(proxy(api.port), tls if encrypted else None) as between:
            address = between.url.removeprefix("https://").removeprefix("http://")
            scheme = "https" if encrypted else "http"
            monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://user:pr0xy%20p%40ss@{address}")
            result = await work(api.url, between)
            return result, [line.received for line in between.lines], [line.received for line in api.lines]

    return asyncio.run(run())


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_proxy_gets_its_own_credentials_and_sees_nothing_of_the_request(
    encrypted: bool, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch  # noqa: FBT001 - a table's column
) -> None:  # fmt: skip
    port = 0

    async def work(url: str, _proxy: Server) -> Any:
        nonlocal port
        port = httpx.URL(url).port or 0
        async with Client(url, CREDENTIALS) as client:
            return [await create(client), await create(client)]

    found, at_proxy, at_api = through(tunnel, work, tls, monkeypatch, encrypted=encrypted)
    assert found == [{}, {}]
    host = f"127.0.0.1:{port}"
    assert at_proxy == [
        f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\nProxy-Authorization: {PROXY_LOGIN}\r\n\r\n".encode()
    ]
    (received,) = at_api
    assert received.count(b"POST /v1/Services HTTP/1.1\r\n") == 2
    assert b"Authorization: Basic " + b64encode(b"SK1:s3cret") in received
    assert PROXY_LOGIN.encode() not in received


def refusing(answer: bytes) -> Callable[[int], Behavior]:
    async def behave(line: Line) -> None:
        await line.request()
        line.writer.write(answer)

    return lambda _port: behave


def silent(_port: int) -> Behavior:
    return never_shake_hands


def hanging_up(_port: int) -> Behavior:
    return hang_up


def hanging_up_in_the_tunnel(_port: int) -> Behavior:
    async def behave(line: Line) -> None:
        await line.request()
        line.writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await line.reader.read(1)
        line.reset()

    return behave


HINT = "; check HTTPS_PROXY and NO_PROXY"
PROXIES: dict[str, tuple[Callable[[int], Behavior], str]] = {
    "no login": (
        refusing(f"HTTP/1.1 407 {PROXY_LOGIN} pr0xy\r\nContent-Length: 0\r\n\r\n".encode()),
        f"cannot be reached: the proxy refused: 407 Proxy Authentication Required{HINT}",
    ),
    "bad gateway": (
        refusing(b"HTTP/1.1 502 no\r\n\r\n"), f"cannot be reached: the proxy refused: 502 Bad Gateway{HINT}",
    ),
    "hung up after it": (refusing(b"HTTP/1.1 299 odd\r\n\r\n"), "cannot be reached: "),
    "odd refusal": (refusing(b"HTTP/1.1 499 odd\r\n\r\n"), f"cannot be reached: the proxy refused: 499{HINT}"),
    "hung up in the tunnel": (hanging_up_in_the_tunnel, "cannot be reached: "),
}  # fmt: skip


@pytest.mark.parametrize("fault", PROXIES)
def test_a_proxy_that_opens_no_tunnel_has_forwarded_nothing(
    fault: str, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, text = PROXIES[fault]
    error, _, at_api = through(proxy, lambda url, _proxy: failure(url), tls, monkeypatch)
    assert (type(error), text in str(error), at_api) == (Unsent, True, []), str(error)


@pytest.mark.parametrize(
    "proxy", [refusing(b"SSH-2.0-OpenSSH_9\r\n\r\n"), hanging_up, silent], ids=["no HTTP", "hung up", "silent"]
)
def test_after_a_proxy_that_gives_no_answer_the_outcome_counts_as_unknown(
    proxy: Callable[[int], Behavior], tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was forwarded, which the library does not tell: then a create is looked up before it is sent again."""
    monkeypatch.setattr(transport, "_TIMEOUT", httpx.Timeout(0.3))
    error, _, at_api = through(proxy, lambda url, _proxy: failure(url), tls, monkeypatch)
    assert (type(error), is_ambiguous(error), at_api) == (Unreachable, True, [])


def test_a_proxy_that_cannot_be_reached_is_sent_nothing(tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(url: str, _proxy: Server) -> ApiError:
        async with serving(answer_all) as gone:
            pass
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:pr0xy@127.0.0.1:{gone.port}")
        return await failure(url)

    error, _, at_api = through(tunnel, work, tls, monkeypatch)
    assert (type(error), at_api) == (Unsent, [])
    assert str(error).endswith("cannot be reached: All connection attempts failed")


def test_a_connection_through_a_proxy_that_breaks_after_the_request_is_ambiguous(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def behave(line: Line) -> None:
        await line.request()
        line.reset()

    error, _, at_api = through(tunnel, lambda url, _proxy: failure(url), tls, monkeypatch, behavior=behave)
    assert (type(error), len(at_api)) == (Unreachable, 1)
