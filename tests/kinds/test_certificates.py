"""Certificates and keys of push credentials: what is read of them, and what is said before they are sent."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    PrivateFormat,
)

from reconciler import config
from reconciler.config.model import Unknown
from reconciler.errors import ConfigError, Problem
from reconciler.kinds import certificates
from reconciler.kinds.credential import CREDENTIAL
from tests.config.memory import MemorySources
from tests.pem import certificate_text, key_text, rsa_key
from tests.world import NOON

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Told:
    severity: str
    code: str
    message: str
    place: str


def told(problems: Sequence[Problem]) -> list[Told]:
    return [
        Told(item.severity, item.code, item.message, "" if item.place is None else f"{item.place.line}")
        for item in problems
    ]


def load(
    lines: str,
    env: Mapping[str, str] | None = None,
    *,
    now: datetime | None = NOON,
    files: Mapping[str, str | bytes] | None = None,
) -> list[Problem]:
    """Everything that is said of the credential ``push`` with these lines."""
    text = "version: 1\ncredentials:\n  push:\n" + "".join(f"    {line}\n" for line in lines.splitlines())
    try:
        found = config.load(MemorySources({"reconciler.yaml": text, **(files or {})}, env), now=now)
    except ConfigError as error:
        return list(error.problems)
    return list(found.warnings)


APN = "type: apn\ncertificate: ${secret:CERTIFICATE}\nprivate_key: ${secret:KEY}\n"
CERTIFICATE_LINE, KEY_LINE, NEXT_LINE = "5", "6", "7"


def apn(certificate: str, key: str = "", more: str = "", *, now: datetime | None = NOON) -> list[Told]:
    return told(load(APN + more, {"CERTIFICATE": certificate, "KEY": key or key_text()}, now=now))


# --- reading ---------------------------------------------------------------------------------------------------------


def test_what_a_certificate_says_of_itself() -> None:
    read = certificates.read_certificate(certificate_text(oids=[certificates.SANDBOX_OID]))
    assert (read.begins, read.ends) == (NOON - 100 * DAY, NOON + 200 * DAY)
    assert (read.for_sandbox, read.for_production, read.has_more) == (True, False, False)


@pytest.mark.parametrize(
    ("name", "oids", "networks"),
    [
        ("Apple Push Services: com.example.app", [], (False, False)),
        ("Apple Push Services: com.example.app", [certificates.SANDBOX_OID, certificates.PRODUCTION_OID], (True, True)),
        ("anything", [certificates.PRODUCTION_OID], (False, True)),
        ("anything", ["1.2.840.113635.100.6.3.3"], (False, False)),
        ("Apple Development IOS Push Services: com.example.app", [], (True, False)),
        ("Apple Sandbox Push Services: com.example.app", [], (True, False)),
        ("Apple Production IOS Push Services: com.example.app", [], (False, True)),
    ],
)
def test_which_of_apples_networks_it_is_for(name: str, oids: list[str], networks: tuple[bool, bool]) -> None:
    read = certificates.read_certificate(certificate_text(name=name, oids=oids))
    assert (read.for_sandbox, read.for_production) == networks


@pytest.mark.parametrize("form", [PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8])
def test_a_key_of_any_spelling_has_the_public_half_of_its_certificate(form: PrivateFormat) -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    for key in (rsa_key(), curve):
        assert certificates.read_private_key(key_text(key, form)).public_key == (
            certificates.read_certificate(certificate_text(key=key)).public_key
        )


def test_windows_line_ends_are_read_too() -> None:
    text = certificate_text().replace("\n", "\r\n")
    assert not certificates.read_certificate(text).has_more
    assert certificates.read_private_key(key_text().replace("\n", "\r\n")).public_key


# --- what is fine ----------------------------------------------------------------------------------------------------


def test_a_fitting_pair_is_nothing_to_speak_of() -> None:
    assert apn(certificate_text()) == []


@pytest.mark.parametrize("sandbox", ["true", "false"])
def test_a_certificate_for_both_networks_fits_either(sandbox: str) -> None:
    both = certificate_text(oids=[certificates.SANDBOX_OID, certificates.PRODUCTION_OID])
    assert apn(both, more=f"sandbox: {sandbox}\n") == []


def test_what_is_not_set_is_not_looked_into() -> None:
    assert load(APN) == []
    loaded = config.load(MemorySources({"reconciler.yaml": "version: 1\ncredentials: {push: {type: apn, certificate: "
                                        "'${secret:C}'}}"}), now=NOON)  # fmt: skip
    (push,) = loaded.resources.values()
    assert push.values["certificate"].content == Unknown("secret C is not set", "${secret:C}")


def test_one_of_the_two_may_be_missing() -> None:
    assert load(APN, {"CERTIFICATE": certificate_text()}) == []
    assert load(APN, {"KEY": key_text()}) == []


def test_nothing_is_said_of_what_is_to_go() -> None:
    assert load("absent: true\n" + APN, {"CERTIFICATE": "nonsense", "KEY": "nonsense"}) == []


def test_a_certificate_comes_from_a_file() -> None:
    lines = "type: apn\ncertificate: ${file:apn.pem}\nprivate_key: ${file:apn.key}\n"
    files = {"apn.pem": certificate_text(ends=NOON - DAY), "apn.key": key_text()}
    assert told(load(lines, files=files)) == [
        Told("warning", "expired-certificate", "certificate expired on 2026-01-01", CERTIFICATE_LINE)
    ]


# --- what is wrong ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "certificate is not PEM text"),
        (
            "-----BEGIN CERTIFICATE-----\nMIIC",
            "certificate has no END line that matches its BEGIN line, so it is truncated",
        ),
        ("-----BEGIN A-----\n" * 3000, "certificate is 54000 characters long, longer than any certificate or key"),
        (
            "-----BEGIN CERTIFICATE-----\nTk9QRQ==\n-----END CERTIFICATE-----",
            "certificate is damaged: its content is not an X.509 certificate",
        ),
        (
            "-----BEGIN CERTIFICATE-----\nMIIC*\n-----END CERTIFICATE-----",
            "certificate is damaged: its content is not an X.509 certificate",
        ),
        ("KEY", "certificate contains a private key, not a certificate"),
        (
            "-----BEGIN PUBLIC KEY-----\nMIIC\n-----END PUBLIC KEY-----",
            "certificate contains something else, not a certificate",
        ),
    ],
)
def test_what_is_no_certificate(text: str, message: str) -> None:
    assert apn(key_text() if text == "KEY" else text) == [
        Told("error", "malformed-certificate", message, CERTIFICATE_LINE)
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "private_key is not PEM text"),
        ("CERTIFICATE", "private_key contains a certificate, not a private key"),
        (
            "-----BEGIN PRIVATE KEY-----\nTk9QRQ==\n-----END PRIVATE KEY-----",
            "private_key is damaged: its content is not a private key",
        ),
    ],
)
def test_what_is_no_key(text: str, message: str) -> None:
    text = certificate_text() if text == "CERTIFICATE" else text
    assert apn(certificate_text(), text) == [Told("error", "malformed-key", message, KEY_LINE)]


def in_one_line(text: str) -> str:
    return " ".join(text.split())


def without_inner_line_breaks(text: str) -> str:
    begin, *body, end = text.strip().split("\n")
    return f"{begin}\n{''.join(body)}\n{end}\n"


BEGIN_AND_END = "has lost the line breaks between its BEGIN and END lines"
DAMAGED_TEXTS = {
    "blanks": (in_one_line, "has lost its line breaks"),
    "nothing": (lambda text: text.replace("\n", ""), "has lost its line breaks"),
    "carriage returns": (lambda text: text.replace("\n", "\r"), "has lost its line breaks"),
    "tabs": (lambda text: text.replace("\n", "\t"), "has lost its line breaks"),
    "backslash n": (lambda text: text.replace("\n", "\\n"), "contains a backslash and an n instead of line breaks"),
    "backslash r n": (
        lambda text: text.replace("\n", "\\r\\n"),
        "contains a backslash and an n instead of line breaks",
    ),
    "one long line": (without_inner_line_breaks, BEGIN_AND_END),
    "indented": (lambda text: text.replace("\n", "\n  "), "has spaces at the ends of its lines"),
    "blanks at the ends": (lambda text: text.replace("\n", " \n"), "has spaces at the ends of its lines"),
    "mark": (lambda text: "\ufeff" + text, "begins with a byte order mark"),
    "quotes": (lambda text: f'"{text.strip()}"', "is in quotes, which are part of the value"),
    "dashes": (lambda text: text.replace("-----", "\u2014\u2014-"), "has typographic dashes in its BEGIN line"),
    "cut off": (lambda text: text[:200], "has no END line that matches its BEGIN line, so it is truncated"),
    "base64": (
        lambda text: base64.b64encode(text.encode()).decode(),
        "is PEM text encoded as base64 again",
    ),
    "body": (
        lambda text: "\n".join(text.strip().split("\n")[1:-1]),
        "is base64 without its BEGIN and END lines",
    ),
}


@pytest.mark.parametrize("name", DAMAGED_TEXTS)
def test_what_shells_and_editors_make_of_a_text(name: str) -> None:
    damage, why = DAMAGED_TEXTS[name]
    found = load(APN, {"CERTIFICATE": damage(certificate_text()), "KEY": damage(key_text())})
    assert told(found) == [
        Told("error", "malformed-certificate", f"certificate {why}", CERTIFICATE_LINE),
        Told("error", "malformed-key", f"private_key {why}", KEY_LINE),
    ]
    assert all(item.hint for item in found)


def test_swapped_texts_say_so() -> None:
    found = load(APN, {"CERTIFICATE": key_text(), "KEY": certificate_text()})
    assert [item.message for item in found] == [
        "certificate contains a private key, not a certificate",
        "private_key contains a certificate, not a private key",
    ]  # fmt: skip
    assert all(item.hint.endswith("are the two swapped?") for item in found)


def test_windows_line_breaks_are_a_warning() -> None:
    found = load(APN, {"CERTIFICATE": certificate_text().replace("\n", "\r\n"), "KEY": key_text()})
    assert [(item.severity, item.code, item.hint) for item in found] == [
        ("warning", "windows-line-breaks", r"convert it: sed -i 's/\r$//' FILE")
    ]


DER = b"\x30\x82\x05\xaa"


@pytest.mark.parametrize(
    ("name", "data", "message", "hint"),
    [
        ("apn.cer", DER, "is binary (DER), not PEM text", "openssl x509 -inform der -in apn.cer -out apn.pem"),
        ("apn.key", DER, "is binary (DER), not PEM text", "openssl pkey -inform der -in apn.key -out apn.pem"),
        ("apn.p12", DER, "is a PKCS #12 bundle, not PEM text", "openssl pkcs12 -in apn.p12 -nodes -clcerts"),
        ("apn.pem", "x".encode("utf-16"), "is UTF-16, not UTF-8", "save it as UTF-8 text"),
        ("apn.pem", b"\xff\x00", "is not UTF-8 text", "save it as UTF-8 text"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_text(name: str, data: bytes, message: str, hint: str) -> None:
    (problem,) = load(f"type: apn\ncertificate: ${{file:{name}}}\n", files={name: data})
    assert problem.message == f"{name} {message}"
    assert hint in problem.hint


@pytest.mark.parametrize("form", [PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8])
def test_an_encrypted_key_is_told_as_such(form: PrivateFormat) -> None:
    locked = key_text(form=form, lock=BestAvailableEncryption(b"passphrase"))
    assert apn(certificate_text(), locked) == [
        Told("error", "malformed-key", "private_key is encrypted, so Twilio cannot read it", KEY_LINE)
    ]


def test_a_key_of_another_certificate() -> None:
    assert apn(certificate_text(), key_text(rsa_key(1))) == [
        Told("error", "key-mismatch", "private_key does not belong to the certificate", KEY_LINE)
    ]
    curve = ec.generate_private_key(ec.SECP256R1())
    assert [item.code for item in apn(certificate_text(), key_text(curve))] == ["key-mismatch"]


# --- dates -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("begins", "ends", "expected"),
    [
        (-10, -1, ("warning", "expired-certificate", "certificate expired on 2026-01-01")),
        (-10, 0, ("warning", "expired-certificate", "certificate expired on 2026-01-02")),
        (-10, 1, ("warning", "expiring-certificate", "certificate expires on 2026-01-03")),
        (-10, 29, ("warning", "expiring-certificate", "certificate expires on 2026-01-31")),
        (-10, 30, None),
        (0, 100, None),
        (1, 100, ("warning", "future-certificate", "certificate is not valid before 2026-01-03")),
    ],
)
def test_dates_are_compared_with_the_moment(begins: int, ends: int, expected: tuple[str, str, str] | None) -> None:
    text = certificate_text(begins=NOON + begins * DAY, ends=NOON + ends * DAY)
    assert apn(text) == ([] if expected is None else [Told(*expected, CERTIFICATE_LINE)])


def test_nothing_is_said_of_dates_when_nobody_tells_the_moment() -> None:
    assert apn(certificate_text(ends=NOON - DAY), now=None) == []


def test_an_expired_certificate_of_the_wrong_key_is_told_as_both() -> None:
    found = apn(certificate_text(ends=NOON - DAY), key_text(rsa_key(1)))
    assert [item.code for item in found] == ["expired-certificate", "key-mismatch"]


# --- networks, surplus -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("oid", "sandbox", "message"),
    [
        (
            certificates.SANDBOX_OID,
            "false",
            "sandbox is false, but the certificate is for Apple's development network",
        ),
        (certificates.PRODUCTION_OID, "true", "sandbox is true, but the certificate is for Apple's production network"),
        (certificates.SANDBOX_OID, "true", ""),
        (certificates.PRODUCTION_OID, "false", ""),
    ],
)
def test_a_certificate_for_the_other_network(oid: str, sandbox: str, message: str) -> None:
    found = apn(certificate_text(oids=[oid]), more=f"sandbox: {sandbox}\n")
    assert found == ([Told("warning", "wrong-network", message, NEXT_LINE)] if message else [])


def test_a_sandbox_that_nobody_set_is_not_judged() -> None:
    assert apn(certificate_text(oids=[certificates.SANDBOX_OID])) == []


def test_what_stands_around_the_block_is_too_much() -> None:
    bag = "Bag Attributes\n    friendlyName: Ada\n"
    found = apn(bag + certificate_text(), key_text() + certificate_text())
    assert [(item.severity, item.code, item.place) for item in found] == [
        ("warning", "surplus-text", CERTIFICATE_LINE),
        ("warning", "surplus-text", KEY_LINE),
    ]


# --- the other types -------------------------------------------------------------------------------------------------

ACCOUNT = {"type": "service_account", "project_id": "p", "client_email": "a@example.com", "private_key": "hunter2"}


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        (json.dumps(ACCOUNT), None),
        (json.dumps(ACCOUNT, indent=2), None),
        (
            "anything-else",
            (
                "warning",
                "unusual-key",
                "secret is neither the JSON key of a service account nor a server key of Firebase",
            ),
        ),
        (
            "AAAAabc-_12:" + "APA91b" + "x" * 134,
            (
                "warning",
                "legacy-key",
                "secret looks like a legacy server key, which Firebase no longer accepts (Twilio warning 52116)",
            ),
        ),
        (
            "AIza" + "x" * 35,
            (
                "warning",
                "legacy-key",
                "secret looks like a legacy server key, which Firebase no longer accepts (Twilio warning 52116)",
            ),
        ),
        ('{"type": "service_account", ', ("error", "malformed-key", "secret begins like JSON but is invalid JSON")),
        (
            '{"project_info": {"project_id": "hunter2"}}',
            ("error", "malformed-key", "secret is JSON but not a service account key: project_id is missing"),
        ),
    ],
)
def test_what_firebase_takes(secret: str, expected: tuple[str, str, str] | None) -> None:
    found = told(load("type: fcm\nsecret: ${secret:FCM}\n", {"FCM": secret}))
    assert found == ([] if expected is None else [Told(*expected, "5")])


def test_google_has_another_service_now() -> None:
    found = told(load("type: gcm\napi_key: ${secret:GCM}\n", {"GCM": "k"}))
    assert found == [Told("warning", "obsolete-type", "gcm is obsolete: Google has shut down the service", "4")]


def test_what_does_not_count_for_the_type_is_not_looked_into() -> None:
    found = load("type: fcm\nsecret: ${secret:S}\ncertificate: ${secret:S}\n", {"S": "nonsense"})
    assert [item.code for item in found] == ["unusual-key", "inconsistent"]


def test_a_pinned_credential_may_leave_its_type_out() -> None:
    found = load(f"sid: CR{'0' * 32}\ncertificate: ${{secret:S}}\n", {"S": "nonsense"})
    assert [item.code for item in found] == ["malformed-certificate"]


# --- nothing gets out ------------------------------------------------------------------------------------------------


def shown_of(problems: Sequence[Problem]) -> str:
    return "\n".join(f"{item.message} {item.hint}" for item in problems)


@pytest.mark.parametrize(
    "secret",
    [
        "hunter2-hunter2",
        "-----BEGIN HUNTER2 KEY-----\nhunter2\n-----END HUNTER2 KEY-----",
        '{"hunter2": "hunter2"}',
        "{hunter2",
        "AIzahunter2" + "x" * 28,
    ],
)
def test_no_message_holds_a_part_of_what_was_read(secret: str) -> None:
    env = {"S": secret}
    found = [
        *load("type: apn\ncertificate: ${secret:S}\nprivate_key: ${secret:S}\n", env),
        *load("type: fcm\nsecret: ${secret:S}\n", env),
    ]
    assert found
    assert "hunter2" not in shown_of(found).lower()


def test_the_name_in_a_certificate_stays_in_it() -> None:
    text = certificate_text(name="hunter2", ends=NOON - DAY, oids=[certificates.SANDBOX_OID])
    found = load(APN + "sandbox: false\n", {"CERTIFICATE": text, "KEY": key_text(rsa_key(1))})
    assert len(found) == 3
    assert "hunter2" not in shown_of(found)


def test_the_lines_of_a_literal_are_concealed() -> None:
    text = certificate_text(ends=NOON - DAY)
    written = "".join(f"      {line}\n" for line in text.splitlines())
    file = f"version: 1\ncredentials:\n  push:\n    type: apn\n    certificate: |\n{written}    sandbox: false\n"
    with pytest.raises(ConfigError) as error:
        config.load(MemorySources({"reconciler.yaml": file}), now=NOON, strict=True)
    assert {item.code: item.place and item.place.line for item in error.value.problems} == {
        "literal-secret": 5,
        "expired-certificate": 5,
    }
    lines = [line for lines in error.value.lines.values() for line in lines]
    assert "    sandbox: false" in lines
    assert not any(line and line in "\n".join(lines) for line in text.splitlines())


# --- how it is done --------------------------------------------------------------------------------------------------


def test_a_warning_is_an_error_when_asked() -> None:
    env = {"CERTIFICATE": certificate_text(ends=NOON + DAY), "KEY": key_text()}
    file = "version: 1\ncredentials: {push: {type: apn, certificate: '${secret:CERTIFICATE}'}}"
    with pytest.raises(ConfigError) as error:
        config.load(MemorySources({"reconciler.yaml": file}, env), now=NOON, strict=True)
    assert [(item.severity, item.code) for item in error.value.problems] == [("error", "expiring-certificate")]


def test_the_library_is_imported_only_for_what_it_reads() -> None:
    script = """
import sys
from reconciler import config
from tests.config.memory import MemorySources
text = "version: 1\\ncredentials: {a: {type: fcm, secret: '${secret:A}'}, b: {type: apn, certificate: '${secret:B}'}}"
config.load(MemorySources({"reconciler.yaml": text}, {"A": "x"}))
sys.exit(any(name.startswith("cryptography") for name in sys.modules))
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_the_kind_itself_says_nothing_of_what_is_not_text() -> None:
    contents = {"type": "apn", "certificate": None, "private_key": None, "sandbox": None}
    assert CREDENTIAL.inspect(contents, NOON) == ()
    assert CREDENTIAL.inspect({"type": "fcm", "secret": None}, NOON) == ()
    assert CREDENTIAL.inspect({}, None) == ()
