"""Connections that are encrypted: to whom credentials go, and to whom they do not. On loopback, with real sockets."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from reconciler.api.client import ReadClient
from reconciler.api.credentials import Credentials
from reconciler.errors import Unreachable

ACCOUNT = "AC" + "0" * 32
CREDENTIALS = Credentials(ACCOUNT, "the token", ACCOUNT)


class Server(ThreadingHTTPServer):
    """An HTTPS server that keeps what it was told in the header Authorization."""

    url = ""
    authorizations: list[str | None]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever does not trust the certificate hangs up: nothing to tell."""


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        self.server.authorizations.append(self.headers["Authorization"])
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"account_sid": "AC"}')

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is inherited
        pass


def self_signed(folder: Path) -> Path:
    """The path of a PEM file with a key and its certificate for 127.0.0.1, which nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    return self_signed(tmp_path)


@pytest.fixture
def server(pem: Path) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with Server(("127.0.0.1", 0), Answer) as made:
        made.socket = context.wrap_socket(made.socket, server_side=True)
        made.authorizations = []
        made.url = f"https://127.0.0.1:{made.server_address[1]}"
        thread = threading.Thread(target=made.serve_forever, daemon=True)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def get(url: str) -> object:
    async def once() -> object:
        async with ReadClient(url, CREDENTIALS) as client:
            return await client.get("/v1/Configuration")

    return asyncio.run(once())


def test_a_certificate_that_nobody_vouches_for_ends_it_before_anything_is_sent(server: Server) -> None:
    with pytest.raises(Unreachable, match="certificate"):
        get(server.url)
    assert server.authorizations == []


def test_where_the_certificate_is_trusted_the_credentials_are_ours_whatever_a_netrc_says(
    server: Server, pem: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\ndefault login any password one\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert get(server.url) == {"account_sid": "AC"}
    assert server.authorizations == ["Basic " + b64encode(f"{ACCOUNT}:the token".encode()).decode()]
