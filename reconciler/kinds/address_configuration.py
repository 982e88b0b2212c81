"""The kind `address_configuration`: what happens when a message reaches an address outside of any conversation."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from reconciler.kinds.base import Kind
from reconciler.kinds.hooks import Consequence, Contents, Fault, PartialContents
from reconciler.kinds.markers import (
    Choice,
    Declaration,
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
    """Conversations made by themselves."""

    enabled: Annotated[
        bool | None,
        Wire("Enabled"),
        OnChange("high"),
        Example(True),
        Field(description="Whether a message outside of any conversation starts one. Twilio's default: false."),
    ] = None
    type: Annotated[
        str | None,
        Wire("Type"),
        Choice(("webhook", "studio", "default")),
        OnChange("medium"),
        Example("webhook"),
        Field(description="What is told of the new conversation: a webhook, a Studio flow, or nothing."),
    ] = None
    service: Annotated[
        str | None,
        Wire("ConversationServiceSid"),
        Ref("service", "account", verb="starts conversations in"),
        OnChange("high", "messages to this address start their conversations in another service"),
        Example("support"),
        Field(description="The service in which conversations start; the account's default when never set."),
    ] = None
    webhook_url: Annotated[
        str | None,
        Wire("WebhookUrl"),
        Url(),
        OnChange("medium"),
        Example("https://hooks.example.com/new"),
        Field(description="The URL that is told; for type `webhook`."),
    ] = None
    webhook_method: Annotated[
        str | None,
        Wire("WebhookMethod"),
        Choice(METHODS),
        OnChange("medium"),
        Example("POST"),
        Field(description="The HTTP method; for type `webhook`."),
    ] = None
    webhook_filters: Annotated[
        tuple[str, ...] | None,
        Wire("WebhookFilters"),
        Vocabulary(ADDRESS_FILTERS),
        OnChange("medium"),
        Example(["onMessageAdded"]),
        Field(description="The events that are sent; for type `webhook`."),
    ] = None
    studio_flow_sid: Annotated[
        str | None,
        Wire("StudioFlowSid"),
        Sid("FW"),
        OnChange("medium"),
        Example("FW0123456789abcdef0123456789abcdef"),
        Field(description="The Studio flow; for type `studio`."),
    ] = None
    studio_retry_count: Annotated[
        int | None,
        Wire("StudioRetryCount"),
        # Source: the community Terraform provider; the OpenAPI description has no limits.
        Range(0, 3),
        Example(3),
        Field(description="How often the flow is tried again, 0 to 3; for type `studio`."),
    ] = None


class AddressConfiguration(Declaration):
    """What can be set on an address."""

    address: Annotated[
        str | None,
        Wire("Address"),
        NaturalKey(),
        Immutable(),
        Required(),
        Length(256),
        Example("+14155550100"),
        Field(description="The address itself, for instance `whatsapp:+14155550100`. Default: the handle."),
    ] = None
    type: Annotated[
        str | None,
        Wire("Type"),
        Immutable(),
        Required(),
        Choice(ADDRESS_TYPES, extended_by_twilio=True),
        OnChange("high"),
        Example("sms"),
        Field(description="The channel. Default: told by the address's form."),
    ] = None
    friendly_name: Annotated[
        str | None,
        Wire("FriendlyName"),
        Length(256),
        Example("Main line"),
        Field(description="A name for people."),
    ] = None
    auto_creation: Annotated[
        AutoCreation | None, Wire("AutoCreation"), Field(description="Conversations made by themselves.")
    ] = None
    address_country: Annotated[
        str | None,
        Wire("AddressCountry"),
        Immutable(),
        Length(2),
        OnChange("medium"),
        Example("US"),
        Field(description="The country of a short code, as two letters (ISO 3166-1)."),
    ] = None


# Source: Twilio docs, Flex address guides and "Conversations addresses": how an address of each begins, and one.
_FORMS = (
    ("whatsapp", re.compile(r"whatsapp:\+\d+\Z"), "whatsapp:+14155550100"),
    ("messenger", re.compile(r"messenger:.+\Z"), "messenger:103000"),
    ("rcs", re.compile(r"rcs:.+\Z"), "rcs:brand_agent"),
    ("apple", re.compile(r"urn:mbid:.+\Z"), "urn:mbid:AwESTYoM"),
    ("email", re.compile(r"[^@\s:]+@[^@\s:]+\Z"), "desk@example.com"),
    ("sms", re.compile(r"\+?\d+\Z"), "+14155550100"),
)

# Source: short codes have 3 to 8 digits, by country; longer numbers are E.164, which begins with a plus sign.
_BARE_NUMBER = re.compile(r"\d{9,}\Z")

# Which fields count for which type: a response only holds the keys that apply (OpenAPI examples).
_ONLY_FOR = {
    "webhook": ("auto_creation.webhook_url", "auto_creation.webhook_method", "auto_creation.webhook_filters"),
    "studio": ("auto_creation.studio_flow_sid", "auto_creation.studio_retry_count"),
}
# Source: OpenAPI description and the community provider: what each type cannot do without.
_NEEDED = {"webhook": "auto_creation.webhook_url", "studio": "auto_creation.studio_flow_sid"}


def _type_of(contents: PartialContents) -> Contents:
    """The type that the address's form tells, when it tells one."""
    address = contents.get("address")
    if not isinstance(address, str):
        return {}
    return next(({"type": name} for name, form, _ in _FORMS if form.match(address)), {})


def _check(contents: PartialContents) -> tuple[Fault, ...]:
    """Fields of another auto-creation type than the declared one, which the API would not keep; an odd address."""
    chosen = contents.get("auto_creation.type")
    faults = [
        Fault(
            path,
            f"{path} counts only for auto_creation.type {owner}, and here the type is {chosen}",
            f"take the line out, or set auto_creation.type: {owner}",
        )
        for owner, paths in _ONLY_FOR.items()
        for path in paths
        if chosen is not None and owner != chosen and contents.get(path) is not None
    ]
    channel, address = contents.get("type"), contents.get("address")
    form = next((form for name, form, _ in _FORMS if name == channel), None)
    if isinstance(address, str) and address and (channel is None or (channel == "sms" and _BARE_NUMBER.match(address))):
        faults += check_form(
            "address", address, "Write it like one of {}, or set type. Without `address`, the handle is the address."
        )
    elif form is not None and isinstance(address, str) and address and not form.match(address):
        # Only doubtful: what Twilio takes is wider than what it documents, and has become wider before.
        example = next(example for name, _, example in _FORMS if name == channel)
        faults.append(
            Fault(
                "address",
                f"the address has not the form of an address of type {channel}",
                f"such an address looks like {example}; without `address`, the handle is the address",
                severity="warning",
                code="unusual-address",
            )
        )
    if chosen is not None and "auto_creation.enabled" not in contents:
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
    if needed is not None and needed in contents and not contents[needed]:
        faults.append(
            Fault(
                needed, f"auto_creation.type {chosen} cannot do without {needed}", "give it a value, or change the type"
            )
        )
    return tuple(faults)


def check_form(path: str, address: str, hint: str) -> list[Fault]:
    """Check the form of an address: it may be that of no channel, or of a number that lacks its plus sign.

    Args:
        path: the field.
        address: its text.
        hint: how to fix it, with ``{}`` for the examples.
    """
    what = path.replace("_", " ")
    looks = f"the {what} has the form of no channel"
    if _type_of({"address": address}):
        if not _BARE_NUMBER.match(address):
            return []
        looks = f"the {what} is a number without +, and too long for a short code"
    examples = ", ".join(example for _, _, example in _FORMS)
    return [Fault(path, looks, hint.format(examples), severity="warning", code="unusual-address")]


def channel_of(address: str) -> str:
    """The type that an address's form tells; empty if it tells none."""
    return str(_type_of({"address": address}).get("type", ""))


def _check_create(contents: PartialContents) -> tuple[Fault, ...]:
    """What the chosen auto-creation type cannot do without."""
    chosen = contents.get("auto_creation.type")
    needed = _NEEDED.get(str(chosen))
    if needed is not None and not contents.get(needed):
        return (Fault("auto_creation.type", f"auto_creation.type {chosen} needs {needed}", f"set {needed}"),)
    return ()


# What tells of new conversations, by type.
_TELLS = {"webhook": "webhook", "studio": "Studio flow"}


def _consequences(before: PartialContents | None, after: PartialContents | None, name: str) -> tuple[Consequence, ...]:
    """Where messages that match no conversation go from now on, and who is no longer told of new ones."""
    if after is None:
        if before and before.get("auto_creation.enabled"):
            return (Consequence("high", f"Messages to {name} no longer start conversations."),)
        return ()
    if before is None:
        if after.get("auto_creation.enabled") is True:
            return (Consequence("medium", f"Messages to {name} that match no conversation start one from now on."),)
        return ()
    found = []
    starts = after.get("auto_creation.enabled")
    started = before.get("auto_creation.enabled", starts)  # what is not known may be the same
    if starts and not started:
        sentence = f"Messages to {name} that match no conversation start one from now on"
        found.append(Consequence("high", f"{sentence}, instead of reaching the number's own messaging webhook."))
    if started and not starts:
        sentence = f"Messages to {name} that match no conversation start none any more"
        found.append(Consequence("high", f"{sentence}, and reach the number's own messaging webhook."))
    told, tells = before.get("auto_creation.type"), after.get("auto_creation.type")
    if isinstance(told, str) and told in _TELLS and told != tells:
        # The settings of a type go with it.
        sentence = f"The {_TELLS[told]} that {name} has now is no longer told of new conversations."
        found.append(Consequence("low", sentence))
    return tuple(found)


ADDRESS_CONFIGURATION = Kind(
    name="address_configuration",
    noun="address",
    model=AddressConfiguration,
    section=("addresses",),
    path="/v1/Configuration/Addresses",
    summary="What happens when a message reaches an address outside of any conversation.",
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
    derive=_type_of,
    consequences=_consequences,
)
