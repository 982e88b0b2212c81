"""Certificates and private keys: the properties that decide whether they can be used.

Takes PEM text; returns what a certificate states, or an error that never contains a part of the text. Pure: the caller
knows the current time and Twilio's rules. The package `cryptography` is imported on first use; few commands need it.
"""

from __future__ import annotations

import base64
import re
import warnings
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from reconciler.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

Found = TypeVar("Found")

# Source: Apple's certification practice statement for its developers' certificates, extensions of push certificates.
SANDBOX_OID = "1.2.840.113635.100.6.3.1"
PRODUCTION_OID = "1.2.840.113635.100.6.3.2"
# Older certificates, and newer ones in addition, say so in their name.
_SANDBOX_NAME = re.compile(r"Apple (?:Development|Sandbox) (?:IOS |Mac )?Push Services:", re.IGNORECASE)
_PRODUCTION_NAME = re.compile(r"Apple Production (?:IOS |Mac )?Push Services:", re.IGNORECASE)

_DASHES = "-----"
_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{1,40}-----")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}\Z")
_ODD_DASHES = re.compile("[\u2010-\u2015\u2212]")
_MARK = "\ufeff"
_LONGEST_BODY_LINE = 76
"""RFC 7468 writes 64 characters a line, MIME 76; OpenSSL gives up on much longer ones."""
_FROM_FILE = "use ${file:PATH}, or quote it where it is set"
_BLOCK = re.compile(r"-----BEGIN (?P<label>[A-Z0-9 ]{1,40})-----.*?-----END (?P=label)-----", re.DOTALL)
_KEY_LABEL = "PRIVATE KEY"
# Searching blocks is slow in a long text of BEGIN lines only. A chain of certificates has a fifth of this size.
_LONGEST = 50_000
_SHORTEST_DER = 100
_TO_PEM = "convert it to PEM: text that begins with -----BEGIN"


class NotReadable(Exception):
    """A text is not a valid certificate or key.

    Args:
        message: The rest of a sentence that starts with the name of the value.
        hint: How to fix it.
    """

    def __init__(self, message: str, hint: str) -> None:
        self.message = message
        self.hint = hint
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Certificate:
    """The properties of a certificate.

    Attributes:
        begins: The time from which it is valid.
        ends: The time until which it is valid.
        for_sandbox: Whether Apple's development network accepts it.
        for_production: Whether Apple's production network accepts it. With neither, it does not say.
        public_key: Its public key, to compare with that of a private key; empty if it cannot be read.
        has_more: Whether the text contains anything besides this certificate.
    """

    begins: datetime
    ends: datetime
    for_sandbox: bool
    for_production: bool
    public_key: bytes
    has_more: bool


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """The properties of a private key.

    Attributes:
        public_key: Its public half; empty if it cannot be read.
        has_more: Whether the text contains anything besides this key.
    """

    public_key: bytes
    has_more: bool


def read_certificate(text: str) -> Certificate:
    """Read the first certificate of a PEM text.

    Raises:
        NotReadable: It contains none.
    """
    from cryptography import x509  # noqa: PLC0415 - see above

    blocks = _blocks(text, f"{_TO_PEM} CERTIFICATE")
    labels = [match["label"] for match in blocks]
    if "CERTIFICATE" not in labels:
        label = next((label for label in labels if label.endswith(_KEY_LABEL)), labels[0])
        what, hint = _NOT_A_CERTIFICATE.get(_KEY_LABEL if label.endswith(_KEY_LABEL) else label, ("", ""))
        hint = hint or "set the certificate that belongs to the key"
        raise NotReadable(f"contains {what or 'something else'}, not a certificate", hint)
    block = blocks[labels.index("CERTIFICATE")][0]
    certificate = _tried(lambda: x509.load_pem_x509_certificate(block.encode()))
    dates = None if certificate is None else _tried(
        lambda: (certificate.not_valid_before_utc, certificate.not_valid_after_utc)
    )  # fmt: skip
    if certificate is None or dates is None:
        raise NotReadable(
            "is damaged: its content is not an X.509 certificate", "download it again, and convert it again"
        )
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
        NotReadable: It contains none, or an encrypted one.
    """
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - see above

    blocks = _blocks(text, f"{_TO_PEM}, and that says PRIVATE KEY")
    found = next((match for match in blocks if match["label"].endswith(_KEY_LABEL)), None)
    if found is None:
        if blocks[0]["label"] == "CERTIFICATE":
            hint = "set the key that the certificate was requested with; are the two swapped?"
            raise NotReadable("contains a certificate, not a private key", hint)
        raise NotReadable("contains no private key", "set the key that the certificate was requested with")
    if found["label"] == "ENCRYPTED PRIVATE KEY" or "\nProc-Type: 4,ENCRYPTED" in found[0].replace("\r", ""):
        hint = "remove its passphrase: openssl pkey -in KEY -out PLAIN_KEY"
        raise NotReadable("is encrypted, so Twilio cannot read it", hint)
    key = _tried(lambda: load_pem_private_key(found[0].encode(), password=None))
    if key is None:
        raise NotReadable("is damaged: its content is not a private key", "export it again")
    return PrivateKey(_tried(lambda: _spelled(key.public_key())) or b"", has_more=text.strip() != found[0])


_NOT_A_CERTIFICATE = {
    _KEY_LABEL: ("a private key", "set the certificate that belongs to the key; are the two swapped?"),
    "CERTIFICATE REQUEST": ("a certificate request", "set the certificate that Apple issued for it"),
    "NEW CERTIFICATE REQUEST": ("a certificate request", "set the certificate that Apple issued for it"),
    "PKCS7": ("a PKCS #7 bundle", "extract it: openssl pkcs7 -in FILE -print_certs -out CERT.pem"),
    "TRUSTED CERTIFICATE": (
        "a certificate in OpenSSL's own formatat",
        "convert it: openssl x509 -in FILE -out CERT.pem",
    ),
}


def has_windows_line_breaks(text: str) -> bool:
    """Whether the lines of a PEM text end in CRLF. OpenSSL accepts them; whether Twilio does is not known."""
    return "\r\n" in text and _BEGIN.search(text) is not None


def _blocks(text: str, hint: str) -> list[re.Match[str]]:
    """Return the blocks of a PEM text, at least one, with their line breaks."""
    if len(text) > _LONGEST:
        raise NotReadable(
            f"is {len(text)} characters long, longer than any certificate or key", "set only the certificate or the key"
        )
    _check_spelling(text)
    blocks = list(_BLOCK.finditer(text))
    if not blocks:
        if _BEGIN.search(text) is not None:
            raise NotReadable(
                "has no END line that matches its BEGIN line, so it is truncated", f"set the whole text: {_FROM_FILE}"
            )
        raise _no_pem(text, hint)
    for block in blocks:
        _check_lines(block[0])
    return blocks


def _check_spelling(text: str) -> None:
    """Refuse damage by a shell, an editor, or a CI system."""
    if text.startswith(_MARK):
        raise NotReadable("begins with a byte order mark", r"remove it: sed -i '1s/^\xEF\xBB\xBF//' FILE")
    if "\\n" in text and _DASHES in text:
        hint = f'{_FROM_FILE}; or replace them: export NAME="$(printf \'%b\' "$NAME")"'
        raise NotReadable(r"contains a backslash and an n instead of line breaks", hint)
    stripped = text.strip()
    if stripped[:1] in {'"', "'"} and stripped[:1] == stripped[-1:] and _DASHES in stripped:
        raise NotReadable("is in quotes, which are part of the value", "remove the quotes where it is set")
    if _ODD_DASHES.search(text[:_LONGEST]) and "BEGIN" in text:
        raise NotReadable(
            "has typographic dashes in its BEGIN line", "copy it again from the file, not from a document"
        )


def _check_lines(block: str) -> None:
    """Refuse a block that has lost its line breaks: OpenSSL does not read it, though `cryptography` does."""
    lines = re.split(r"\r\n|\n", block)
    if "\r" in block.replace("\r\n", "\n"):
        hint = f"replace its carriage returns: tr '\\r' '\\n' < FILE > FIXED; then {_FROM_FILE}"
        raise NotReadable("has lost its line breaks", hint)
    if _BEGIN.fullmatch(lines[0].rstrip()) is None or len(lines) < 3:
        hint = f'{_FROM_FILE}: export NAME="$(cat FILE)"'
        raise NotReadable("has lost its line breaks", hint)
    if any(line != line.strip() for line in lines):
        raise NotReadable("has spaces at the ends of its lines", "remove them: sed -i 's/^ *//; s/ *$//' FILE")
    if any(len(line) > _LONGEST_BODY_LINE for line in lines if ":" not in line):
        hint = "fold them: openssl x509 -in FILE, or fold -w 64 for the lines between BEGIN and END"
        raise NotReadable("has lost the line breaks between its BEGIN and END lines", hint)


def _no_pem(text: str, hint: str) -> NotReadable:
    """Return the error for a text without a block. Base64 of PEM text or DER can be converted."""
    packed = "".join(text.split())
    if _BASE64.match(packed):
        begin = _tried(
            lambda: base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_" if "_" in packed else None)
        )
        if begin is not None and begin.lstrip().startswith(b"-----BEGIN"):
            return NotReadable("is PEM text encoded as base64 again", "decode it: base64 -d < FILE > FILE.pem")
        if begin is not None and begin.startswith(b"\x30") and len(begin) > _SHORTEST_DER:
            why = "is base64 without its BEGIN and END lines"
            return NotReadable(why, "convert it: base64 -d < FILE | openssl x509 -inform der -out FILE.pem")
    return NotReadable("is not PEM text", hint)


def _common_name(certificate: x509.Certificate) -> str:
    from cryptography.x509.oid import NameOID  # noqa: PLC0415 - see above

    names = _tried(lambda: certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)) or []
    return str(names[0].value) if names else ""


def _spelled(key: PublicKeyTypes) -> bytes:
    """Return a public key in a canonical encoding."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415 - see above

    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _tried(read: Callable[[], Found]) -> Found | None:
    """Return what can be read, or None. Damaged text raises many different exceptions."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - see above
    from cryptography.x509 import DuplicateExtension, UnsupportedGeneralNameType  # noqa: PLC0415 - see above

    with warnings.catch_warnings():
        # Warnings about Apple's own deviations from the standard.
        warnings.simplefilter("ignore")
        try:
            return read()
        except (ValueError, TypeError, UnsupportedAlgorithm, DuplicateExtension, UnsupportedGeneralNameType):
            return None
