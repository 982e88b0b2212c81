"""The kind `address_configuration`: whether messages to an address start conversations, and where."""

from __future__ import annotations

import re
from typing import Annotated

from reconciler.kinds.base import Kind
from reconciler.kinds.hooks import Consequence, Fault, PartialValues, Values
from reconciler.kinds.markers import (
    Choice,
    Declaration,
    Description,
    Example,
    Immutable,
    Length,
    NaturalKey,
    OnChange,
    Range,
    Ref,
    Required,
    Sid,
    Url,
    Vocabulary,
    Wire,
)
from reconciler.kinds.vocabulary import ADDRESS_FILTERS, ADDRESS_TYPES, METHODS


class AutoCreation(Declaration):
    """Automatic creation of conversations."""

    enabled: Annotated[
        bool | None,
        Wire("Enabled"),
        OnChange("high"),
        Example(True),
        Description("Whether a message that belongs to no conversation starts one. Twilio's default: false."),
    ] = None
    type: Annotated[
        str | None,
        Wire("Type"),
        Choice(("webhook", "studio", "default")),
        OnChange("medium"),
        Example("webhook"),
        Description("The handler of the new conversation: a webhook, a Studio flow, or none (`default`)."),
    ] = None
    service: Annotated[
        str | None,
        Wire("ConversationServiceSid"),
        Ref("service", "account", verb="starts conversations in"),
        OnChange("high", "messages to this address start conversations in another service"),
        Example("support"),
        Description("The service in which conversations start. Default on create: the account's default."),
    ] = None
    webhook_url: Annotated[
        str | None,
        Wire("WebhookUrl"),
        Url(),
        OnChange("medium"),
        Example("https://hooks.example.com/new"),
        Description("The URL that is called. For type `webhook`."),
    ] = None
    webhook_method: Annotated[
        str | None,
        Wire("WebhookMethod"),
        Choice(METHODS),
        OnChange("medium"),
        Example("POST"),
        Description("The HTTP method. For type `webhook`."),
    ] = None
    webhook_filters: Annotated[
        tuple[str, ...] | None,
        Wire("WebhookFilters"),
        Vocabulary(ADDRESS_FILTERS),
        OnChange("medium"),
        Example(["onMessageAdded"]),
        Description("The events that are sent. For type `webhook`."),
    ] = None
    studio_flow_sid: Annotated[
        str | None,
        Wire("StudioFlowSid"),
        Sid("FW"),
        OnChange("medium"),
        Example("FW0123456789abcdef0123456789abcdef"),
        Description("The Studio flow that is started. For type `studio`."),
    ] = None
    studio_retry_count: Annotated[
        int | None,
        Wire("StudioRetryCount"),
        # Source: the community Terraform provider; the OpenAPI description has no limits.
        Range(0, 3),
        Example(3),
        Description("Number of retries of the flow, 0 to 3. For type `studio`."),
    ] = None


class AddressConfiguration(Declaration):
    """The settings of an address."""

    address: Annotated[
        str | None,
        Wire("Address"),
        NaturalKey(),
        Immutable(),
        Required(),
        Length(256),
        Example("+14155550100"),
        Description("The address, such as `whatsapp:+14155550100`. Default: the handle."),
    ] = None
    type: Annotated[
        str | None,
        Wire("Type"),
        Immutable(),
        Required(),
        Choice(ADDRESS_TYPES, extended_by_twilio=True),
        OnChange("high"),
        Example("sms"),
        Description("The channel. Default: derived from the form of the address."),
    ] = None
    friendly_name: Annotated[
        str | None,
        Wire("FriendlyName"),
        Length(256),
        Example("Main line"),
        Description("The display name."),
    ] = None
    auto_creation: Annotated[
        AutoCreation | None, Wire("AutoCreation"), Description("Automatic creation of conversations.")
    ] = None
    address_country: Annotated[
        str | None,
        Wire("AddressCountry"),
        Immutable(),
        Length(2),
        OnChange("medium"),
        Example("US"),
        Description("The country of a short code, as a two-letter ISO 3166-1 code."),
    ] = None


# Source: Twilio docs, Flex address guides and "Conversations addresses": the form of each channel's addresses, and an
# example.
_FORMS = (
    ("whatsapp", re.compile(r"whatsapp:\+\d+\Z"), "whatsapp:+14155550100"),
    ("messenger", re.compile(r"messenger:.+\Z"), "messenger:103000"),
    ("rcs", re.compile(r"rcs:.+\Z"), "rcs:brand_agent"),
    ("apple", re.compile(r"urn:mbid:.+\Z"), "urn:mbid:AwESTYoM"),
    ("email", re.compile(r"[^@\s:]+@[^@\s:]+\Z"), "desk@example.com"),
    ("sms", re.compile(r"\+?\d+\Z"), "+14155550100"),
)

# Source: short codes have 3 to 8 digits, depending on the country; longer numbers are E.164, which starts with a plus.
_BARE_NUMBER = re.compile(r"\d{9,}\Z")

# The fields of each type; a response has only the keys that apply (source: OpenAPI examples).
_ONLY_FOR = {
    "webhook": ("auto_creation.webhook_url", "auto_creation.webhook_method", "auto_creation.webhook_filters"),
    "studio": ("auto_creation.studio_flow_sid", "auto_creation.studio_retry_count"),
}
# Source: OpenAPI description and the community provider: what each type requires.
_NEEDED = {"webhook": "auto_creation.webhook_url", "studio": "auto_creation.studio_flow_sid"}


def _type_of(values: PartialValues) -> Values:
    """Derive the type from the form of the address, if it determines one."""
    address = values.get("address")
    if not isinstance(address, str):
        return {}
    return next(({"type": name} for name, form, _ in _FORMS if form.match(address)), {})


def _check(values: PartialValues) -> tuple[Fault, ...]:
    """Report fields of another auto-creation type, which Twilio would drop, and unusual addresses."""
    chosen = values.get("auto_creation.type")
    faults = [
        Fault(
            path,
            f"{path} has no effect for auto_creation.type {chosen}, only for {owner}",
            f"remove it, or set auto_creation.type: {owner}",
            is_ineffective=True,
        )
        for owner, paths in _ONLY_FOR.items()
        for path in paths
        if chosen is not None and owner != chosen and values.get(path) is not None
    ]
    channel, address = values.get("type"), values.get("address")
    form = next((form for name, form, _ in _FORMS if name == channel), None)
    if isinstance(address, str) and address and (channel is None or (channel == "sms" and _BARE_NUMBER.match(address))):
        faults += check_form(
            "address", address, "Use a form such as {}, or set type. Without `address`, the handle is the address."
        )
    elif form is not None and isinstance(address, str) and address and not form.match(address):
        # A warning only: Twilio accepts more than it documents, and has extended it before.
        example = next(example for name, _, example in _FORMS if name == channel)
        faults.append(
            Fault(
                "address",
                f"the address does not look like one of type {channel}",
                f"expected a form such as {example}; without `address`, the handle is the address",
                severity="warning",
                code="unusual-address",
            )
        )
    if chosen is not None and "auto_creation.enabled" not in values:
        faults.append(
            Fault(
                "auto_creation.type",
                "auto_creation.type is set without auto_creation.enabled: Twilio creates the address with "
                "auto-creation off",
                "set auto_creation.enabled: true (or false)",
                severity="warning",
                code="auto-creation-off",
            )
        )
    needed = _NEEDED.get(str(chosen))
    if needed is not None and needed in values and not values[needed]:
        faults.append(
            Fault(needed, f"auto_creation.type {chosen} requires {needed}", "set a value, or change the type")
        )
    return tuple(faults)


def check_form(path: str, address: str, hint: str) -> list[Fault]:
    """Report an address that looks like one of no channel, or like a number without its plus sign.

    Args:
        path: The field.
        address: Its text.
        hint: How to fix it, with ``{}`` for the examples.
    """
    what = path.replace("_", " ")
    looks = f"the {what} does not look like an address of any channel"
    if _type_of({"address": address}):
        if not _BARE_NUMBER.match(address):
            return []
        looks = f"the {what} is a number without +, too long for a short code"
    examples = ", ".join(example for _, _, example in _FORMS)
    return [Fault(path, looks, hint.format(examples), severity="warning", code="unusual-address")]


def channel_of(address: str) -> str:
    """Return the type that the form of an address determines; empty if it determines none."""
    return str(_type_of({"address": address}).get("type", ""))


def _check_create(values: PartialValues) -> tuple[Fault, ...]:
    """Report fields that the auto-creation type requires."""
    chosen = values.get("auto_creation.type")
    needed = _NEEDED.get(str(chosen))
    if needed is not None and not values.get(needed):
        return (Fault("auto_creation.type", f"auto_creation.type {chosen} requires {needed}", f"set {needed}"),)
    return ()


# What handles new conversations, by type.
_HANDLERS = {"webhook": "webhook", "studio": "Studio flow"}


def _consequences(before: PartialValues | None, after: PartialValues | None, name: str) -> tuple[Consequence, ...]:
    """Report where messages that belong to no conversation go, and what no longer handles new conversations."""
    if after is None:
        if before and before.get("auto_creation.enabled"):
            return (Consequence("high", f"Messages to {name} no longer start conversations."),)
        return ()
    if before is None:
        if after.get("auto_creation.enabled") is True:
            return (Consequence("medium", f"Messages to {name} that belong to no conversation start one."),)
        return ()
    found = []
    starts = after.get("auto_creation.enabled")
    started = before.get("auto_creation.enabled", starts)  # an unknown value may be the same
    if starts and not started:
        sentence = f"Messages to {name} that belong to no conversation start one"
        found.append(Consequence("high", f"{sentence}, instead of reaching the number's messaging webhook."))
    if started and not starts:
        sentence = f"Messages to {name} that belong to no conversation no longer start one"
        found.append(Consequence("high", f"{sentence}, and reach the number's messaging webhook instead."))
    former, chosen = before.get("auto_creation.type"), after.get("auto_creation.type")
    if isinstance(former, str) and former in _HANDLERS and former != chosen:
        # The settings of the former type are lost.
        sentence = f"The {_HANDLERS[former]} of {name} no longer receives new conversations."
        found.append(Consequence("low", sentence))
    return tuple(found)


def _diverts(live: PartialValues) -> str:
    """Say where messages go without the address (source: docs, inbound autocreation)."""
    if live.get("auto_creation.enabled"):
        return "messages that belong to no conversation reach the number's messaging webhook"
    return "messages still reach the number's messaging webhook, because auto-creation is off"


def _interruption(before: PartialValues, after: PartialValues, name: str) -> tuple[Consequence, ...]:
    """Report that no conversation starts while an address is replaced: Twilio accepts an address only once."""
    if not (before.get("auto_creation.enabled") and after.get("auto_creation.enabled")):
        return ()
    return (Consequence("high", f"Between delete and create, messages to {name} start no conversation."),)


ADDRESS_CONFIGURATION = Kind(
    name="address_configuration",
    noun="address",
    model=AddressConfiguration,
    section=("addresses",),
    path="/v1/Configuration/Addresses",
    summary="An address, and whether messages to it that belong to no conversation start one.",
    docs="https://www.twilio.com/docs/conversations/api/address-configuration-resource",
    typical_fields=("friendly_name", "auto_creation.enabled", "auto_creation.type", "auto_creation.service"),
    sid_prefix="IG",
    list_key="address_configurations",
    # Source: the documented maximum for addresses is 50.
    page_size=50,
    key_as_handle=True,
    unique=((("address",), "account"),),
    check=_check,
    check_create=_check_create,
    # Source: OpenAPI examples: after an update from webhook to studio, the keys of webhook are gone.
    dropped_with={"auto_creation.type": tuple(path for paths in _ONLY_FOR.values() for path in paths)},
    derive=_type_of,
    consequences=_consequences,
    diverts=_diverts,
    interruption=_interruption,
)
