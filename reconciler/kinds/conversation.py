"""The kind `conversation`: one conversation that is configuration rather than traffic, such as a standing channel."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content
from reconciler.kinds.hooks import Consequence, Contents, Fault, PartialContents
from reconciler.kinds.markers import (
    Choice,
    Declaration,
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
    """When a quiet conversation changes its state by itself."""

    inactive: Annotated[
        str | None,
        Wire("Inactive"),
        WriteOnly(),
        # Source: error 50375, the inactive timer is at least a minute.
        Timer(60, "PT1M"),
        Example("PT1H"),
        Field(description="How long until it becomes inactive; an ISO 8601 duration."),
    ] = None
    closed: Annotated[
        str | None,
        Wire("Closed"),
        WriteOnly(),
        # Source: error 50376, the closed timer is at least ten minutes.
        Timer(600, "PT10M"),
        Example("P1D"),
        Field(description="How long until it is closed for good; an ISO 8601 duration."),
    ] = None


class Email(Declaration):
    """Where messages of the conversation go as e-mail."""

    # Source: OpenAPI examples: what comes back is a generated address (projected_address), not what was sent.
    address: Annotated[
        str | None,
        Wire("Address"),
        WriteOnly(),
        NotClearable("the API has no way to take a binding away"),
        Example("desk@example.com"),
        Field(description="The address; Twilio answers with one of its own making."),
    ] = None
    name: Annotated[
        str | None,
        Wire("Name"),
        NotClearable("the API has no way to take a binding away"),
        Example("Desk"),
        Field(description="The name that messages come from."),
    ] = None


class Bindings(Declaration):
    """Other channels that the conversation reaches."""

    email: Annotated[Email | None, Wire("Email"), Field(description="E-mail.")] = None


class Conversation(Declaration):
    """What can be set on a conversation. Its dates move by themselves, and are no settings."""

    unique_name: Annotated[
        str | None,
        Wire("UniqueName"),
        NaturalKey(),
        Length(256),
        NotClearable("it recognises the conversation"),
        OnChange("medium", "whatever finds the conversation by its name no longer does"),
        Example("announcements"),
        Field(description="The name that recognises it within its service. Default: the handle."),
    ] = None
    friendly_name: Annotated[
        str | None,
        Wire("FriendlyName"),
        Length(256),
        # Source: the community provider's live tests: an empty one is ignored.
        NotClearable("the API keeps the old name"),
        Example("Announcements"),
        Field(description="A name for people."),
    ] = None
    state: Annotated[
        str | None,
        Wire("State"),
        Choice(("active", "inactive", "closed")),
        OnChange("medium"),
        Example("active"),
        Field(
            description="`closed` is for good. A timer may make an active conversation inactive; that is no difference."
        ),
    ] = None
    timers: Annotated[Timers | None, Wire("Timers"), Field(description="When its state changes by itself.")] = None
    messaging_service_sid: Annotated[
        str | None,
        Wire("MessagingServiceSid"),
        Sid("MG"),
        OnChange("medium", "its messages go out through another messaging service"),
        Example("MG0123456789abcdef0123456789abcdef"),
        Field(description="The messaging service; the account's default when never set."),
    ] = None
    attributes: Annotated[
        dict[str, Any] | None,  # JSON of the user's own shape
        Wire("Attributes"),
        # Source: the documented limit of a conversation's attributes is 16 KB.
        Length(16384),
        Example({"pinned": True}),
        Field(description="Data of your own, as a mapping; compared by meaning."),
    ] = None
    bindings: Annotated[Bindings | None, Wire("Bindings"), Field(description="Other channels.")] = None


def _tolerates(path: str, desired: object, live: Content) -> bool:
    """An inactive conversation is an active one whose timer ran out, or that nobody wrote in (Twilio docs, states)."""
    return path == "state" and desired == "active" and live == "inactive"


def _final(live: PartialContents) -> str:
    """Source: error 50377, a closed conversation takes no update, and nothing can be added to it."""
    return "it is closed, which is for good" if live.get("state") == "closed" else ""


def _check(contents: PartialContents) -> tuple[Fault, ...]:
    if contents.get("state") == "closed" and any(contents.get(f"timers.{name}") for name in ("inactive", "closed")):
        return (Fault("state", "a closed conversation has no timers", "take the timers out, or set another state"),)
    return ()


def _derive(contents: PartialContents) -> Contents:
    """Source: error 50382, timers on a create need an explicit state."""
    has_timers = any(contents.get(f"timers.{name}") for name in ("inactive", "closed"))
    return {"state": "active"} if has_timers else {}


def _consequences(before: PartialContents | None, after: PartialContents | None, name: str) -> tuple[Consequence, ...]:
    """Say that a close is final: nothing in a closed conversation can be changed, and it cannot be opened again."""
    if before is None or after is None or before.get("state") == "closed" or after.get("state") != "closed":
        return ()
    return (Consequence("high", f"Closes {name} permanently: nobody can write in it, and it cannot be reopened."),)


CONVERSATION = Kind(
    name="conversation",
    model=Conversation,
    section=("conversations",),
    path="/v1/Services/{service}/Conversations",
    summary="One conversation that is configuration rather than traffic, such as a standing channel.",
    docs="https://www.twilio.com/docs/conversations/api/conversation-resource",
    parent="service",
    typical_fields=("friendly_name",),
    sid_prefix="CH",
    list_key="conversations",
    # Source: default 50, documented maximum 100.
    page_size=50,
    destroys="every message and participant in it",
    check=_check,
    derive=_derive,
    tolerates=_tolerates,
    consequences=_consequences,
    runtime_params=("DateCreated", "DateUpdated"),
    why_final=_final,
    # Source: error 50353.
    unique=((("unique_name",), "parent"),),
    # Source: the OpenAPI description of both configurations: what new conversations and their creators get.
    inherits=(
        ("", "service_configuration", "default_conversation_creator_role"),
        ("messaging_service_sid", "account_configuration", "default_messaging_service_sid"),
        ("timers.inactive", "account_configuration", "default_inactive_timer"),
        ("timers.closed", "account_configuration", "default_closed_timer"),
    ),
    # Source: error 50384, a create as closed is refused.
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
