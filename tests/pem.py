"""Certificates and private keys as PEM text, made as tests need them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from tests.world import NOON

PLAIN = NoEncryption()


@cache
def rsa_key(number: int = 0) -> rsa.RSAPrivateKey:
    """One of a few keys; making them takes long."""
    del number
    return rsa.generate_private_key(65537, 2048)


@cache
def quick_key() -> ec.EllipticCurvePrivateKey:
    """A key that is read in no time; OpenSSL checks the primes of an RSA key whenever it reads one."""
    return ec.generate_private_key(ec.SECP256R1())


def key_text(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | None = None,
    form: PrivateFormat = PrivateFormat.TraditionalOpenSSL,
    lock: KeySerializationEncryption = PLAIN,
) -> str:
    return (key or rsa_key()).private_bytes(Encoding.PEM, form, lock).decode()


def certificate_text(
    *,
    begins: datetime = NOON - timedelta(100),
    ends: datetime = NOON + timedelta(200),
    oids: Sequence[str] = (),
    name: str = "Apple Push Services: com.example.app",
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | None = None,
) -> str:
    key = key or rsa_key()
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(called)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(begins)
        .not_valid_after(ends)
    )
    for oid in oids:
        # As Apple writes it: an extension that is there, and says nothing.
        builder = builder.add_extension(
            x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), b"\x05\x00"), critical=False
        )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
