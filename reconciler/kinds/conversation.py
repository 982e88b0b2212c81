"""The kind `conversation`: a conversation that is configuration, not traffic, such as a permanent channel."""

from __future__ import annotations

from typing import Annotated, Any

from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content
from reconciler.kinds.hooks import Consequence, Fault, PartialValues, Values
from reconciler.kinds.impact import Count
from reconciler.kinds.markers import (
    Choice,
    Declaration,
    Description,
    Example,
    Length,
    NaturalKey,
    NotClearable,
    OnChange,
    Sid,
    Timer,
    Wire,
    WriteOnly,
)


class Timers(Declaration):
    """Timers that change the state of a conversation without activity."""

    inactive: Annotated[
        str | None,
        Wire("Inactive"),
        WriteOnly(),
        # Source: error 50375, the inactive timer is at least a minute.
        Timer(60, "PT1M"),
        Example("PT1H"),
        Description("Time without activity until it becomes inactive, as an ISO 8601 duration."),
    ] = None
    closed: Annotated[
        str | None,
        Wire("Closed"),
        WriteOnly(),
        # Source: error 50376, the closed timer is at least ten minutes.
        Timer(600, "PT10M"),
        Example("P1D"),
        Description("Time without activity until it closes permanently, as an ISO 8601 duration."),
    ] = None


class Email(Declaration):
    """The email binding of a conversation."""

    # Source: OpenAPI examples: the response has a generated address (projected_address), not the one that was sent.
    address: Annotated[
        str | None,
        Wire("Address"),
        WriteOnly(),
        NotClearable("Twilio cannot remove a binding"),
        Example("desk@example.com"),
        Description("The email address. Twilio returns a generated address instead."),
    ] = None
    name: Annotated[
        str | None,
        Wire("Name"),
        NotClearable("Twilio cannot remove a binding"),
        Example("Desk"),
        Description("The sender name of emails."),
    ] = None


class Bindings(Declaration):
    """Other channels of a conversation."""

    email: Annotated[Email | None, Wire("Email"), Description("The email binding.")] = None


class Conversation(Declaration):
    """The settings of a conversation. Its dates change by themselves and are not settings."""

    unique_name: Annotated[
        str | None,
        Wire("UniqueName"),
        NaturalKey(),
        Length(256),
        NotClearable("it identifies the conversation"),
        OnChange("medium", "systems that find the conversation by its unique name no longer do"),
        Example("announcements"),
        Description("The name that identifies it within its service. Default: the handle."),
    ] = None
    friendly_name: Annotated[
        str | None,
        Wire("FriendlyName"),
        Length(256),
        # Source: the community provider's live tests: an empty name is ignored.
        NotClearable("Twilio keeps the old name"),
        Example("Announcements"),
        Description("The display name."),
    ] = None
    state: Annotated[
        str | None,
        Wire("State"),
        Choice(("active", "inactive", "closed")),
        OnChange("medium"),
        Example("active"),
        Description("`closed` is permanent. `active` also matches a conversation that a timer made inactive."),
    ] = None
    timers: Annotated[Timers | None, Wire("Timers"), Description("Timers that change its state without activity.")] = (
        None
    )
    messaging_service_sid: Annotated[
        str | None,
        Wire("MessagingServiceSid"),
        Sid("MG"),
        OnChange("medium", "its messages use another messaging service"),
        Example("MG0123456789abcdef0123456789abcdef"),
        Description("The messaging service. Default on create: the account's `default_messaging_service_sid`."),
    ] = None
    attributes: Annotated[
        dict[str, Any] | None,  # JSON of the user's own shape
        Wire("Attributes"),
        # Source: the documented limit of a conversation's attributes is 16 KB.
        Length(16384),
        Example({"pinned": True}),
        Description("Your own data, as a mapping. Compared as JSON, so order and spacing do not matter."),
    ] = None
    bindings: Annotated[Bindings | None, Wire("Bindings"), Description("Other channels of the conversation.")] = None


def _tolerates(path: str, desired: object, live: Content) -> bool:
    """Tolerate inactive for active: a timer makes it so (source: Twilio docs, states of conversations)."""
    return path == "state" and desired == "active" and live == "inactive"


def _final(live: PartialValues) -> str:
    """Source: error 50377: a closed conversation accepts no update, and nothing can be added to it."""
    return "it is closed, which is permanent" if live.get("state") == "closed" else ""


def _check(values: PartialValues) -> tuple[Fault, ...]:
    if values.get("state") == "closed" and any(values.get(f"timers.{name}") for name in ("inactive", "closed")):
        return (Fault("state", "a closed conversation has no timers", "remove the timers, or set another state"),)
    return ()


def _derive(values: PartialValues) -> Values:
    """Source: error 50382: timers on a create require an explicit state."""
    has_timers = any(values.get(f"timers.{name}") for name in ("inactive", "closed"))
    return {"state": "active"} if has_timers else {}


def _consequences(before: PartialValues | None, after: PartialValues | None, name: str) -> tuple[Consequence, ...]:
    """Say that a close is final: nothing in a closed conversation can be changed, and it cannot be opened again."""
    if before is None or after is None or before.get("state") == "closed" or after.get("state") != "closed":
        return ()
    return (Consequence("high", f"Closes {name} permanently: no one can write in it, and it cannot be reopened."),)


CONVERSATION = Kind(
    name="conversation",
    model=Conversation,
    section=("conversations",),
    path="/v1/Services/{service}/Conversations",
    summary="A conversation that is configuration, not traffic, such as a permanent channel.",
    docs="https://www.twilio.com/docs/conversations/api/conversation-resource",
    parent="service",
    typical_fields=("friendly_name",),
    sid_prefix="CH",
    list_key="conversations",
    # Source: default 50, documented maximum 100.
    page_size=50,
    destroys="every message and participant in it",
    counts=(
        # Source: docs, conversation message resource: `Order=desc` lists the newest message first.
        Count("messages", "message", "Messages", "messages", query=(("Order", "desc"),), newest="date_created"),
        Count("participants", "participant", "Participants", "participants"),
    ),
    check=_check,
    derive=_derive,
    tolerates=_tolerates,
    consequences=_consequences,
    runtime_params=("DateCreated", "DateUpdated"),
    why_final=_final,
    # Source: error 50353.
    unique=((("unique_name",), "parent"),),
    # Source: the OpenAPI description of both configurations: the defaults of new conversations and their creators.
    inherits=(
        ("", "service_configuration", "default_conversation_creator_role"),
        ("messaging_service_sid", "account_configuration", "default_messaging_service_sid"),
        ("timers.inactive", "account_configuration", "default_inactive_timer"),
        ("timers.closed", "account_configuration", "default_closed_timer"),
    ),
    # Source: error 50384: a create with state closed is rejected.
    deferred={"state": ("closed",)},
    resend_with={"bindings.email.name": ("bindings.email.address",)},
    webhook_header=True,
    is_traffic=True,
    write_limit="resource",
    key_as_handle=True,
    # Source: OpenAPI description of State, "defaults to active".
    initial={"state": "active"},
    # Source: the OpenAPI description of {Sid}: a SID or the unique name.
    readable_by_name=True,
)
