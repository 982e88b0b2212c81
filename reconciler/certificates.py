"""What is inside of certificates and private keys, as far as it decides whether they can be used.

Takes PEM text; gives what a certificate says of itself, or an error that never holds a part of the text. Pure: what
time it is, and what any of it means for Twilio, others know. The package `cryptography` is imported when something is
read and no sooner: hardly any command needs it.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

Found = TypeVar("Found")

# Source: Apple's certification practice statement for its developers' certificates, extensions of push certificates.
SANDBOX_OID = "1.2.840.113635.100.6.3.1"
PRODUCTION_OID = "1.2.840.113635.100.6.3.2"
# Before there were extensions, and beside them since, the name says it.
_SANDBOX_NAME = re.compile(r"Apple (?:Development|Sandbox) (?:IOS |Mac )?Push Services:", re.IGNORECASE)
_PRODUCTION_NAME = re.compile(r"Apple Production (?:IOS |Mac )?Push Services:", re.IGNORECASE)

_BLOCK = re.compile(r"-----BEGIN (?P<label>[A-Z0-9 ]{1,40})-----.*?-----END (?P=label)-----", re.DOTALL)
_KEY_LABEL = "PRIVATE KEY"
# Looking for blocks takes long in a long text that has only beginnings; a chain of certificates has a fifth of this.
_LONGEST = 50_000
_TO_PEM = "convert it to PEM: text that begins with -----BEGIN"


class NotReadable(Exception):
    """A text is not what it has to be.

    Args:
        message: the rest of a sentence that begins with the name of what was read.
        hint: what to do.
    """

    def __init__(self, message: str, hint: str) -> None:
        self.message = message
        self.hint = hint
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says of itself.

    Attributes:
        begins: the moment from which it is valid.
        ends: the moment until which it is valid.
        for_sandbox: whether Apple's development network takes it.
        for_production: whether Apple's production network takes it; with neither, it does not say.
        public_key: the public half of its key, to be compared with that of a private key; empty when nobody can tell.
        has_more: whether the text holds anything besides this certificate.
    """

    begins: datetime
    ends: datetime
    for_sandbox: bool
    for_production: bool
    public_key: bytes
    has_more: bool


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """What a private key says of itself.

    Attributes:
        public_key: its public half; empty when nobody can tell.
        has_more: whether the text holds anything besides this key.
    """

    public_key: bytes
    has_more: bool


def read_certificate(text: str) -> Certificate:
    """Read the first certificate of a PEM text.

    Raises:
        NotReadable: when there is none.
    """
    from cryptography import x509  # noqa: PLC0415 - see above

    blocks = _blocks(text, f"{_TO_PEM} CERTIFICATE")
    labels = [match["label"] for match in blocks]
    if "CERTIFICATE" not in labels:
        what = "a private key" if any(label.endswith(_KEY_LABEL) for label in labels) else "something else"
        raise NotReadable(f"holds {what} and no certificate", "set the certificate that belongs to the key")
    block = blocks[labels.index("CERTIFICATE")][0]
    certificate = _tried(lambda: x509.load_pem_x509_certificate(block.encode()))
    dates = None if certificate is None else _tried(
        lambda: (certificate.not_valid_before_utc, certificate.not_valid_after_utc)
    )  # fmt: skip
    if certificate is None or dates is None:
        raise NotReadable("is damaged: what it holds is no X.509 certificate", "download it again, and convert it anew")
    oids = _tried(lambda: {extension.oid.dotted_string for extension in certificate.extensions}) or set()
    name = _common_name(certificate)
    return Certificate(
        begins=dates[0],
        ends=dates[1],
        for_sandbox=SANDBOX_OID in oids or _SANDBOX_NAME.match(name) is not None,
        for_production=PRODUCTION_OID in oids or _PRODUCTION_NAME.match(name) is not None,
        public_key=_tried(lambda: _spelled(certificate.public_key())) or b"",
        has_more=text.strip() != block,
    )


def read_private_key(text: str) -> PrivateKey:
    """Read the private key of a PEM text.

    Raises:
        NotReadable: when there is none, or it is encrypted.
    """
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - see above

    blocks = _blocks(text, f"{_TO_PEM}, and that says PRIVATE KEY")
    found = next((match for match in blocks if match["label"].endswith(_KEY_LABEL)), None)
    if found is None:
        raise NotReadable("holds no private key", "set the key that the certificate was asked for with")
    if found["label"] == "ENCRYPTED PRIVATE KEY" or "\nProc-Type: 4,ENCRYPTED" in found[0].replace("\r", ""):
        hint = "take its passphrase off: openssl pkey -in KEY -out PLAIN_KEY"
        raise NotReadable("is encrypted, and nobody but you can read it", hint)
    key = _tried(lambda: load_pem_private_key(found[0].encode(), password=None))
    if key is None:
        raise NotReadable("is damaged: what it holds is no private key", "export it again")
    return PrivateKey(_tried(lambda: _spelled(key.public_key())) or b"", has_more=text.strip() != found[0])


def _blocks(text: str, hint: str) -> list[re.Match[str]]:
    """The blocks of a PEM text, at least one."""
    if len(text) > _LONGEST:
        raise NotReadable(f"is {len(text)} characters long, which none is", "set that one alone")
    blocks = list(_BLOCK.finditer(text))
    if not blocks:
        raise NotReadable("is no PEM text", hint)
    return blocks


def _common_name(certificate: x509.Certificate) -> str:
    from cryptography.x509.oid import NameOID  # noqa: PLC0415 - see above

    names = _tried(lambda: certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)) or []
    return str(names[0].value) if names else ""


def _spelled(key: PublicKeyTypes) -> bytes:
    """A public key in the one spelling that two equal keys share."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415 - see above

    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _tried(read: Callable[[], Found]) -> Found | None:
    """What can be read, or None: text of any origin may be damaged in any way, and each has its own exception."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - see above
    from cryptography.x509 import DuplicateExtension, UnsupportedGeneralNameType  # noqa: PLC0415 - see above

    with warnings.catch_warnings():
        # About spellings that are not quite right; they are Apple's business.
        warnings.simplefilter("ignore")
        try:
            return read()
        except (ValueError, TypeError, UnsupportedAlgorithm, DuplicateExtension, UnsupportedGeneralNameType):
            return None
