"""The kind `credential`: what Twilio needs to send push notifications to an app."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reconciler.kinds.base import (
    Changes,
    Choice,
    Contents,
    Declaration,
    Example,
    Fault,
    Kept,
    Kind,
    Length,
    NaturalKey,
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
        Changes("high", "apps that use it get their notifications another way, or not at all"),
        Example("fcm"),
        Field(description="Apple's service, Google's old one, or Firebase."),
    ] = None
    friendly_name: Annotated[
        str | None,
        Wire("FriendlyName"),
        NaturalKey(),
        Length(64),
        Kept("it recognises the credential"),
        Example("Android push"),
        Field(description="The name that recognises it, together with its type. Default: the handle."),
    ] = None
    certificate: Annotated[
        str | None,
        Wire("Certificate"),
        WriteOnly(),
        Secret(),
        Kept(_NEEDED_TO_SEND),
        Example("${file:apn.pem}"),
        Field(description="The certificate as PEM text; for `apn`."),
    ] = None
    private_key: Annotated[
        str | None,
        Wire("PrivateKey"),
        WriteOnly(),
        Secret(),
        Kept(_NEEDED_TO_SEND),
        Example("${secret:APN_KEY}"),
        Field(description="The certificate's private key as PEM text; for `apn`."),
    ] = None
    sandbox: Annotated[
        bool | None,
        Wire("Sandbox"),
        Changes("high", "notifications go to the other one of Apple's two networks"),
        Example(False),
        Field(description="Whether it is for Apple's development network; for `apn`."),
    ] = None
    api_key: Annotated[
        str | None,
        Wire("ApiKey"),
        WriteOnly(),
        Secret(),
        Kept(_NEEDED_TO_SEND),
        Example("${secret:GCM_KEY}"),
        Field(description="The API key; for `gcm`."),
    ] = None
    secret: Annotated[
        str | None,
        Wire("Secret"),
        WriteOnly(),
        Secret(),
        Kept(_NEEDED_TO_SEND),
        Example("${secret:FCM_SECRET}"),
        Field(description="The server key or service account; for `fcm`."),
    ] = None


# Which fields count for which type (OpenAPI description, texts of the parameters).
_FOR = {"apn": ("certificate", "private_key", "sandbox"), "gcm": ("api_key",), "fcm": ("secret",)}
_NEEDED = {"apn": ("certificate", "private_key"), "gcm": ("api_key",), "fcm": ("secret",)}
_OWN = ("certificate", "private_key", "sandbox", "api_key", "secret")


def _check(contents: Contents) -> tuple[Fault, ...]:
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


def _check_create(contents: Contents) -> tuple[Fault, ...]:
    chosen = str(contents.get("type"))
    return tuple(
        Fault("type", f"a credential of type {chosen} needs `{path}`", f"set {path} from ${{secret:…}} or ${{file:…}}")
        for path in _NEEDED.get(chosen, ())
        if not contents.get(path)
    )


CREDENTIAL = Kind(
    name="credential",
    model=Credential,
    section=("credentials",),
    path="/v1/Credentials",
    summary="What Twilio needs to send push notifications to an app.",
    docs="https://www.twilio.com/docs/conversations/api/credential-resource",
    sid_prefix="CR",
    list_key="credentials",
    # Source: default 50, documented maximum 100.
    page_size=50,
    check=_check,
    check_create=_check_create,
    told_apart_by="type",
    resend={"type": ("certificate", "private_key", "api_key", "secret")},
)
