"""The kind `participant`: a member of a conversation, by identity or by an address with a proxy address."""

from __future__ import annotations

from typing import Annotated, Any

from reconciler.kinds.address_configuration import channel_of, check_form
from reconciler.kinds.base import Kind
from reconciler.kinds.hooks import Fault, PartialValues
from reconciler.kinds.markers import (
    Declaration,
    Description,
    Example,
    Immutable,
    Length,
    OnChange,
    Ref,
    ReplaceOnly,
    Wire,
)


class Participant(Declaration):
    """The settings of a participant. Its dates and read positions are traffic, not settings."""

    identity: Annotated[
        str | None,
        Wire("Identity"),
        Length(256),
        # Source: error 50444: an identity can only be added to a participant that has a projected address and none yet.
        ReplaceOnly("Twilio rejects a changed identity (50444)"),
        Example("ada@example.com"),
        Description("The identity of a user who participates through your app."),
    ] = None
    address: Annotated[
        str | None,
        Wire("MessagingBinding.Address"),
        Immutable(),
        Length(256),
        Example("+14155550199"),
        Description("The address of an external participant, such as a phone number."),
    ] = None
    proxy_address: Annotated[
        str | None,
        Wire("MessagingBinding.ProxyAddress"),
        Length(256),
        # Source: error 50441, seen as HTTP 400 in the issues of Twilio's own Terraform provider.
        ReplaceOnly("Twilio rejects a changed proxy address (50441)"),
        Example("+14155550100"),
        Description("Your address, to which the participant sends messages."),
    ] = None
    projected_address: Annotated[
        str | None,
        Wire("MessagingBinding.ProjectedAddress"),
        Length(256),
        # Source: errors 50440 to 50443: it is undocumented which changes of a projected address are accepted.
        ReplaceOnly("it is undocumented which changes Twilio accepts (50440 to 50443)"),
        Example("+14155550100"),
        Description("Your address that represents the participant in a group text message."),
    ] = None
    role: Annotated[
        str | None,
        Wire("RoleSid"),
        Ref("role", "service", of_type="conversation", default="default_conversation_role"),
        OnChange("medium", "the participant's permissions in the conversation change"),
        Example("agent"),
        Description("The role. Default on create: the service's `default_conversation_role`."),
    ] = None
    attributes: Annotated[
        dict[str, Any] | None,  # JSON of the user's own shape
        Wire("Attributes"),
        # Source: the documented limit of a participant's attributes is 4 KB.
        Length(4096),
        Example({"vip": True}),
        Description("Your own data, as a mapping. Compared as JSON, so order and spacing do not matter."),
    ] = None


def _names(values: PartialValues) -> str:
    """Return the identity, or else the address and its proxy address."""
    identity = values.get("identity")
    if isinstance(identity, str) and identity:
        return identity
    parts = [values.get("address"), values.get("proxy_address")]
    return " via ".join(part for part in parts if isinstance(part, str) and part)


def _check(values: PartialValues) -> tuple[Fault, ...]:
    identity, address, proxy = (values.get(path) for path in ("identity", "address", "proxy_address"))
    faults: list[Fault] = []
    if identity and address:
        faults.append(Fault("address", "a participant has an identity or an address, not both", "remove one of them"))
    if address and address == proxy:
        # Source: error 50409.
        faults.append(
            Fault("proxy_address", "the proxy address is the participant's own address", "use your own address")
        )
    for path in ("address", "proxy_address", "projected_address"):
        text = values.get(path)
        if isinstance(text, str) and text:
            faults += check_form(path, text, "Use a form such as {}.")
    if isinstance(address, str) and isinstance(proxy, str):
        ours, theirs = channel_of(proxy), channel_of(address)
        if ours and theirs and ours != theirs:
            message = f"the address is of type {theirs}, but the proxy address is of type {ours}"
            hint = "use two addresses of the same type"
            faults.append(Fault("proxy_address", message, hint, severity="warning", code="unusual-address"))
    return tuple(faults)


def _check_create(values: PartialValues) -> tuple[Fault, ...]:
    if values.get("identity") or values.get("address") or values.get("projected_address"):
        return ()
    return (Fault("", "a participant requires an identity or an address", "add `identity` or `address`"),)


PARTICIPANT = Kind(
    name="participant",
    model=Participant,
    section=("participants",),
    path="/v1/Services/{service}/Conversations/{conversation}/Participants",
    summary="A member of a conversation: a user by identity, or an external address.",
    docs="https://www.twilio.com/docs/conversations/api/conversation-participant-resource",
    parent="conversation",
    typical_fields=("identity", "role"),
    sid_prefix="MB",
    list_key="participants",
    # Source: default 50, documented maximum 100.
    page_size=50,
    check=_check,
    check_create=_check_create,
    compose_key=_names,
    key_summary="`identity`, or `address` and `proxy_address`",
    runtime_params=("DateCreated", "DateUpdated", "LastReadMessageIndex", "LastReadTimestamp"),
    # Source: errors 50433 and 50416; a pair is unique across all active conversations of the account.
    unique=((("identity",), "parent"), (("address", "proxy_address"), "account")),
    implies={"identity": "user"},
    # Inferred: Twilio creates a user for an identity without one, with the default role.
    inherits=(("", "service_configuration", "default_chat_service_role"),),
    webhook_header=True,
    is_traffic=True,
    key_as_handle=True,
    exclusive_pair=("address", "proxy_address"),
    handle_fields=("identity", "address", "projected_address"),
)
