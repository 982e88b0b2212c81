"""The kind `credential`: what Twilio needs to send push notifications to an app."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from reconciler import certificates
from reconciler.certificates import Certificate, NotReadable, PrivateKey
from reconciler.kinds.base import Kind
from reconciler.kinds.hooks import Fault, PartialContents
from reconciler.kinds.markers import (
    Choice,
    Declaration,
    Example,
    Length,
    NaturalKey,
    NotClearable,
    OnChange,
    Required,
    Secret,
    Wire,
    WriteOnly,
)

_NEEDED_TO_SEND = "a credential without it sends nothing"


class Credential(Declaration):
    """What can be set on a credential. What is secret in it never comes back, so it cannot be compared."""

    type: Annotated[
        str | None,
        Wire("Type"),
        Required(),
        Choice(("apn", "gcm", "fcm")),
        OnChange("high", "apps that use it get their notifications another way, or not at all"),
        Example("fcm"),
        Field(description="Apple's service, Google's old one, or Firebase."),
    ] = None
    friendly_name: Annotated[
        str | None,
        Wire("FriendlyName"),
        NaturalKey(),
        Length(64),
        NotClearable("it recognises the credential"),
        Example("Android push"),
        Field(description="The name that recognises it, together with its type. Default: the handle."),
    ] = None
    certificate: Annotated[
        str | None,
        Wire("Certificate"),
        WriteOnly(),
        Secret(),
        NotClearable(_NEEDED_TO_SEND),
        Example("${file:apn.pem}"),
        Field(description="The certificate as PEM text; for `apn`. Read first; said when it has expired or soon will."),
    ] = None
    private_key: Annotated[
        str | None,
        Wire("PrivateKey"),
        WriteOnly(),
        Secret(),
        NotClearable(_NEEDED_TO_SEND),
        Example("${secret:APN_KEY}"),
        Field(description="The certificate's private key as PEM text, not encrypted; for `apn`."),
    ] = None
    sandbox: Annotated[
        bool | None,
        Wire("Sandbox"),
        OnChange("high", "notifications go to the other one of Apple's two networks"),
        Example(False),
        Field(description="Whether it is for Apple's development network; for `apn`."),
    ] = None
    api_key: Annotated[
        str | None,
        Wire("ApiKey"),
        WriteOnly(),
        Secret(),
        NotClearable(_NEEDED_TO_SEND),
        Example("${secret:GCM_KEY}"),
        Field(description="The API key; for `gcm`."),
    ] = None
    secret: Annotated[
        str | None,
        Wire("Secret"),
        WriteOnly(),
        Secret(),
        NotClearable(_NEEDED_TO_SEND),
        Example("${secret:FCM_SECRET}"),
        Field(description="The JSON key of a service account; for `fcm`."),
    ] = None


# Which fields count for which type (OpenAPI description, texts of the parameters).
_FOR = {"apn": ("certificate", "private_key", "sandbox"), "gcm": ("api_key",), "fcm": ("secret",)}
_NEEDED = {"apn": ("certificate", "private_key"), "gcm": ("api_key",), "fcm": ("secret",)}
_OWN = ("certificate", "private_key", "sandbox", "api_key", "secret")


def _check(contents: PartialContents) -> tuple[Fault, ...]:
    chosen = contents.get("type")
    if chosen not in _FOR:
        return ()
    return tuple(
        Fault(
            path,
            f"{path} does not count for type {chosen}",
            f"take the line out; {chosen} has {', '.join(_FOR[chosen])}",
        )
        for path in _OWN
        if path not in _FOR[chosen] and contents.get(path) not in {None, False}
    )


def _check_create(contents: PartialContents) -> tuple[Fault, ...]:
    chosen = str(contents.get("type"))
    return tuple(
        Fault("type", f"a credential of type {chosen} needs `{path}`", f"set {path} from ${{secret:…}} or ${{file:…}}")
        for path in _NEEDED.get(chosen, ())
        if not contents.get(path)
    )


_NOTICE = timedelta(days=30)
"""How long before a certificate ends somebody has to begin to renew it."""
# The form of Firebase's legacy server keys, and of those that came before.
_LEGACY_KEY = re.compile(r"AAAA[\w-]{7}:[\w-]{100,200}\Z|AIza[\w-]{35}\Z", re.ASCII)
_OF_SERVICE_ACCOUNT = ("project_id", "client_email", "private_key")
_RENEW = "get a new one from Apple and set it here"


def _inspect(contents: PartialContents, now: datetime | None) -> tuple[Fault, ...]:
    """What is inside of the secrets; of those that are set, and count for the type."""
    chosen = contents.get("type")
    faults: list[Fault] = []
    if chosen == "gcm":
        message = "gcm is obsolete: Google has shut its service down"
        faults.append(Fault("type", message, "use fcm, with a service account", "warning", "obsolete-type"))
    if chosen in {"apn", None}:
        faults += _inspect_apn(contents, now)
    if chosen in {"fcm", None} and isinstance(secret := contents.get("secret"), str) and secret:
        faults += _inspect_fcm(secret)
    return tuple(faults)


def _inspect_apn(contents: PartialContents, now: datetime | None) -> Iterator[Fault]:
    certificate: Certificate | None = None
    key: PrivateKey | None = None
    if isinstance(text := contents.get("certificate"), str) and text:
        try:
            certificate = certificates.read_certificate(text)
        except NotReadable as error:
            yield Fault("certificate", f"certificate {error.message}", error.hint, code="malformed-certificate")
    if isinstance(text := contents.get("private_key"), str) and text:
        try:
            key = certificates.read_private_key(text)
        except NotReadable as error:
            yield Fault("private_key", f"private_key {error.message}", error.hint, code="malformed-key")
    for path, found, command in (
        ("certificate", certificate, "openssl x509 -in FILE -out CERT.pem"),
        ("private_key", key, "openssl pkey -in FILE -out KEY.pem"),
    ):
        if found is not None and found.has_more:
            # Source: Twilio docs, push notifications on iOS: everything outside of the block is to be taken out.
            message = f"{path} holds more than one block of PEM text, and Twilio asks for that block alone"
            hint = f"take out what stands before its -----BEGIN and after its -----END: {command}"
            yield Fault(path, message, hint, "warning", "surplus-text")
        text = contents.get(path)
        if found is not None and isinstance(text, str) and certificates.has_windows_line_breaks(text):
            # Our decision: RFC 7468 allows them, and whether Twilio reads them is not known.
            hint = r"convert it: sed -i 's/\r$//' FILE"
            yield Fault(path, f"{path} has Windows line breaks (CRLF)", hint, "warning", "windows-line-breaks")
    if certificate is None:
        return
    if key is not None and key.public_key != certificate.public_key and key.public_key and certificate.public_key:
        message = "private_key does not belong to the certificate"
        hint = "set the key that the certificate was asked for with"
        yield Fault("private_key", message, hint, code="key-mismatch")
    if now is not None:
        yield from _inspect_dates(certificate, now)
    yield from _inspect_network(certificate, sandbox=contents.get("sandbox"))


def _inspect_dates(certificate: Certificate, now: datetime) -> Iterator[Fault]:
    begins, ends = f"{certificate.begins:%Y-%m-%d}", f"{certificate.ends:%Y-%m-%d}"
    if certificate.ends <= now:
        hint = f"{_RENEW}, or take the line out to leave what Twilio has as it is"
        yield Fault(
            "certificate", f"certificate expired on {ends}", hint, code="expired-certificate", severity="warning"
        )
    elif certificate.begins > now:
        message = f"certificate is not valid before {begins}"
        yield Fault("certificate", message, "wait until then", "warning", "future-certificate")
    elif certificate.ends - now < _NOTICE:
        # How many days are left is not said: a plan of the same files and account says the same every day.
        yield Fault("certificate", f"certificate expires on {ends}", _RENEW, "warning", "expiring-certificate")


def _inspect_network(certificate: Certificate, *, sandbox: object) -> Iterator[Fault]:
    """One that says it is for both networks, or for neither, fits whatever `sandbox` says."""
    if certificate.for_sandbox == certificate.for_production or not isinstance(sandbox, bool):
        return
    if sandbox != certificate.for_sandbox:
        network = "development" if certificate.for_sandbox else "production"
        message = f"sandbox is {str(sandbox).lower()}, and the certificate is for Apple's {network} network"
        hint = f"set sandbox: {str(certificate.for_sandbox).lower()}, or another certificate"
        yield Fault("sandbox", message, hint, "warning", "wrong-network")


def _inspect_fcm(secret: str) -> Iterator[Fault]:
    if _LEGACY_KEY.match(secret.strip()):
        # Source: error 52116.
        message = "secret looks like a legacy server key, which Firebase no longer takes and Twilio warns of (52116)"
        hint = "create a key of a service account in Firebase's console, and set the JSON file here"
        yield Fault("secret", message, hint, "warning", "legacy-key")
    elif secret.lstrip().startswith("{"):
        try:
            account = json.loads(secret)
        except (ValueError, RecursionError):
            message = "secret begins like JSON, and is none"
            yield Fault("secret", message, "set the whole file, as it was downloaded", code="malformed-key")
            return
        if missing := [name for name in _OF_SERVICE_ACCOUNT if not account.get(name)]:
            message = f"secret is JSON, but no key of a service account: it has no {missing[0]}"
            hint = "create one in Firebase's console: Project settings, Service accounts"
            yield Fault("secret", message, hint, code="malformed-key")
    elif not secret.lstrip().startswith(('"', "'")):  # quotes around it are reported as such
        # Twilio documents both forms, and not which texts it refuses.
        message = "secret is neither the JSON key of a service account nor a server key of Firebase"
        hint = "set the JSON file as downloaded: ${file:service-account.json}, or a secret with its text"
        yield Fault("secret", message, hint, "warning", "unusual-key")


CREDENTIAL = Kind(
    name="credential",
    model=Credential,
    section=("credentials",),
    path="/v1/Credentials",
    summary="What Twilio needs to send push notifications to an app.",
    docs="https://www.twilio.com/docs/conversations/api/credential-resource",
    typical_fields=("type", "friendly_name", "secret"),
    sid_prefix="CR",
    list_key="credentials",
    # Source: default 50, documented maximum 100.
    page_size=50,
    check=_check,
    check_create=_check_create,
    inspect=_inspect,
    discriminator="type",
    resend_with={"type": ("certificate", "private_key", "api_key", "secret")},
)
