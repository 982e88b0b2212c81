"""The kind `credential`: keys and certificates for push notifications to an app."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated

from reconciler.kinds import certificates
from reconciler.kinds.base import Kind
from reconciler.kinds.certificates import Certificate, NotReadable, PrivateKey
from reconciler.kinds.hooks import Fault, PartialValues
from reconciler.kinds.markers import (
    Choice,
    Declaration,
    Description,
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

_NEEDED_TO_SEND = "a credential cannot send without it"


class Credential(Declaration):
    """The settings of a credential. Twilio never returns its secrets, so they cannot be compared."""

    type: Annotated[
        str | None,
        Wire("Type"),
        Required(),
        Choice(("apn", "gcm", "fcm")),
        OnChange("high", "apps that use it may stop receiving notifications"),
        Example("fcm"),
        Description("The push service: Apple (`apn`), Firebase (`fcm`), or Google's former service (`gcm`)."),
    ] = None
    friendly_name: Annotated[
        str | None,
        Wire("FriendlyName"),
        NaturalKey(),
        Length(64),
        NotClearable("it identifies the credential"),
        Example("Android push"),
        Description("The name that identifies it, together with its type. Default: the handle."),
    ] = None
    certificate: Annotated[
        str | None,
        Wire("Certificate"),
        WriteOnly(),
        Secret(),
        NotClearable(_NEEDED_TO_SEND),
        Example("${file:apn.pem}"),
        Description("The certificate as PEM text, for `apn`. `validate` warns before it expires."),
    ] = None
    private_key: Annotated[
        str | None,
        Wire("PrivateKey"),
        WriteOnly(),
        Secret(),
        NotClearable(_NEEDED_TO_SEND),
        Example("${secret:APN_KEY}"),
        Description("The certificate's private key as unencrypted PEM text, for `apn`."),
    ] = None
    sandbox: Annotated[
        bool | None,
        Wire("Sandbox"),
        OnChange("high", "notifications go to Apple's other network (development or production)"),
        Example(False),
        Description("Whether it is for Apple's development network, for `apn`."),
    ] = None
    api_key: Annotated[
        str | None,
        Wire("ApiKey"),
        WriteOnly(),
        Secret(),
        NotClearable(_NEEDED_TO_SEND),
        Example("${secret:GCM_KEY}"),
        Description("The API key, for `gcm`."),
    ] = None
    secret: Annotated[
        str | None,
        Wire("Secret"),
        WriteOnly(),
        Secret(),
        NotClearable(_NEEDED_TO_SEND),
        Example("${secret:FCM_SECRET}"),
        Description("The JSON key file of a service account, for `fcm`."),
    ] = None


# The fields of each type (source: OpenAPI description, texts of the parameters).
_FOR = {"apn": ("certificate", "private_key", "sandbox"), "gcm": ("api_key",), "fcm": ("secret",)}
_NEEDED = {"apn": ("certificate", "private_key"), "gcm": ("api_key",), "fcm": ("secret",)}
_OWN = ("certificate", "private_key", "sandbox", "api_key", "secret")


def _check(values: PartialValues) -> tuple[Fault, ...]:
    chosen = values.get("type")
    if chosen not in _FOR:
        return ()
    return tuple(
        Fault(
            path,
            f"{path} has no effect for type {chosen}",
            f"remove it; {chosen} uses {', '.join(_FOR[chosen])}",
        )
        for path in _OWN
        if path not in _FOR[chosen] and values.get(path) not in {None, False}
    )


def _check_create(values: PartialValues) -> tuple[Fault, ...]:
    chosen = str(values.get("type"))
    return tuple(
        Fault(
            "type", f"a credential of type {chosen} requires `{path}`", f"set {path} from ${{secret:…}} or ${{file:…}}"
        )
        for path in _NEEDED.get(chosen, ())
        if not values.get(path)
    )


_NOTICE = timedelta(days=30)
"""How long before its expiry a certificate is reported."""
# The form of Firebase's legacy server keys, and of those that came before.
_LEGACY_KEY = re.compile(r"AAAA[\w-]{7}:[\w-]{100,200}\Z|AIza[\w-]{35}\Z", re.ASCII)
_OF_SERVICE_ACCOUNT = ("project_id", "client_email", "private_key")
_RENEW = "get a new one from Apple and set it here"


def _inspect(values: PartialValues, now: datetime | None) -> tuple[Fault, ...]:
    """Check the contents of the secrets that are set and used by the type."""
    chosen = values.get("type")
    faults: list[Fault] = []
    if chosen == "gcm":
        message = "gcm is obsolete: Google has shut down the service"
        faults.append(Fault("type", message, "use fcm, with a service account", "warning", "obsolete-type"))
    if chosen in {"apn", None}:
        faults += _inspect_apn(values, now)
    if chosen in {"fcm", None} and isinstance(secret := values.get("secret"), str) and secret:
        faults += _inspect_fcm(secret)
    return tuple(faults)


def _inspect_apn(values: PartialValues, now: datetime | None) -> Iterator[Fault]:
    certificate: Certificate | None = None
    key: PrivateKey | None = None
    if isinstance(text := values.get("certificate"), str) and text:
        try:
            certificate = certificates.read_certificate(text)
        except NotReadable as error:
            yield Fault("certificate", f"certificate {error.message}", error.hint, code="malformed-certificate")
    if isinstance(text := values.get("private_key"), str) and text:
        try:
            key = certificates.read_private_key(text)
        except NotReadable as error:
            yield Fault("private_key", f"private_key {error.message}", error.hint, code="malformed-key")
    for path, found, command in (
        ("certificate", certificate, "openssl x509 -in FILE -out CERT.pem"),
        ("private_key", key, "openssl pkey -in FILE -out KEY.pem"),
    ):
        if found is not None and found.has_more:
            # Source: Twilio docs, push notifications on iOS: remove everything outside of the block.
            message = f"{path} contains more than one block of PEM text, but Twilio requires that block alone"
            hint = f"remove everything before its -----BEGIN and after its -----END: {command}"
            yield Fault(path, message, hint, "warning", "surplus-text")
        text = values.get(path)
        if found is not None and isinstance(text, str) and certificates.has_windows_line_breaks(text):
            # Our decision: RFC 7468 allows them; unverified whether Twilio accepts them.
            hint = r"convert it: sed -i 's/\r$//' FILE"
            yield Fault(path, f"{path} has Windows line breaks (CRLF)", hint, "warning", "windows-line-breaks")
    if certificate is None:
        return
    if key is not None and key.public_key != certificate.public_key and key.public_key and certificate.public_key:
        message = "private_key does not belong to the certificate"
        hint = "set the key with which the certificate was requested"
        yield Fault("private_key", message, hint, code="key-mismatch")
    if now is not None:
        yield from _inspect_dates(certificate, now)
    yield from _inspect_network(certificate, sandbox=values.get("sandbox"))


def _inspect_dates(certificate: Certificate, now: datetime) -> Iterator[Fault]:
    begins, ends = f"{certificate.begins:%Y-%m-%d}", f"{certificate.ends:%Y-%m-%d}"
    if certificate.ends <= now:
        hint = f"{_RENEW}, or remove the line to keep the live value"
        yield Fault(
            "certificate", f"certificate expired on {ends}", hint, code="expired-certificate", severity="warning"
        )
    elif certificate.begins > now:
        message = f"certificate is not valid before {begins}"
        yield Fault("certificate", message, "wait until then", "warning", "future-certificate")
    elif certificate.ends - now < _NOTICE:
        # No number of days: a plan of the same configuration and account must not change every day.
        yield Fault("certificate", f"certificate expires on {ends}", _RENEW, "warning", "expiring-certificate")


def _inspect_network(certificate: Certificate, *, sandbox: object) -> Iterator[Fault]:
    """Report a certificate for the other network; one for both networks, or for neither, fits any `sandbox`."""
    if certificate.for_sandbox == certificate.for_production or not isinstance(sandbox, bool):
        return
    if sandbox != certificate.for_sandbox:
        network = "development" if certificate.for_sandbox else "production"
        message = f"sandbox is {str(sandbox).lower()}, but the certificate is for Apple's {network} network"
        hint = f"set sandbox: {str(certificate.for_sandbox).lower()}, or use another certificate"
        yield Fault("sandbox", message, hint, "warning", "wrong-network")


def _inspect_fcm(secret: str) -> Iterator[Fault]:
    if _LEGACY_KEY.match(secret.strip()):
        # Source: error 52116.
        message = "secret looks like a legacy server key, which Firebase no longer accepts (Twilio warning 52116)"
        hint = "create a service account key in the Firebase console, and set its JSON file here"
        yield Fault("secret", message, hint, "warning", "legacy-key")
    elif secret.lstrip().startswith("{"):
        try:
            account = json.loads(secret)
        except (ValueError, RecursionError):
            message = "secret begins like JSON but is invalid JSON"
            yield Fault("secret", message, "set the whole file as it was downloaded", code="malformed-key")
            return
        if missing := [name for name in _OF_SERVICE_ACCOUNT if not account.get(name)]:
            message = f"secret is JSON but not a service account key: {missing[0]} is missing"
            hint = "create one in the Firebase console: Project settings, Service accounts"
            yield Fault("secret", message, hint, code="malformed-key")
    elif not secret.lstrip().startswith(('"', "'")):  # quotes around it are reported as such
        # Twilio documents both forms, but not which texts it rejects.
        message = "secret is neither the JSON key of a service account nor a server key of Firebase"
        hint = "set the JSON file as downloaded: ${file:service-account.json}, or a secret with its text"
        yield Fault("secret", message, hint, "warning", "unusual-key")


CREDENTIAL = Kind(
    name="credential",
    model=Credential,
    section=("credentials",),
    path="/v1/Credentials",
    summary="Keys or certificates with which Twilio sends push notifications to an app.",
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
