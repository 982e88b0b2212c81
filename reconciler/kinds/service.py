"""The kind `service`: a Conversations service, which contains everything except addresses and credentials."""

from __future__ import annotations

from typing import Annotated

from reconciler.kinds.base import Kind
from reconciler.kinds.impact import Count
from reconciler.kinds.markers import Declaration, Description, Example, Immutable, Length, NaturalKey, Required, Wire


class Service(Declaration):
    """The settings of a service: its name, on create only."""

    friendly_name: Annotated[
        str | None,
        Wire("FriendlyName"),
        NaturalKey(),
        Immutable(),
        Required(),
        Length(256),
        Example("Customer Support"),
        Description("The name, which Twilio cannot change. Default: the handle."),
    ] = None


SERVICE = Kind(
    name="service",
    model=Service,
    section=("services",),
    path="/v1/Services",
    summary="A Conversations service: it contains roles, users, conversations, and their settings.",
    docs="https://www.twilio.com/docs/conversations/api/service-resource",
    typical_fields=("friendly_name",),
    sid_prefix="IS",
    list_key="services",
    page_size=50,
    is_container=True,
    # Source: the OpenAPI description has no update operation on /v1/Services/{Sid}.
    updatable=False,
    irreplaceable="Twilio cannot rename a service, and a new one would start without its conversations",
    destroys="every conversation, message, user, and role in it",
    counts=(
        # Source: docs, conversation resource: the list takes `State`.
        Count(
            "active_conversations",
            "active conversation",
            "Conversations",
            "conversations",
            query=(("State", "active"),),
        ),
        Count("conversations", "conversation", "Conversations", "conversations"),
        Count("users", "user", "Users", "users"),
        # Source: OpenAPI description, the bindings of push notifications.
        Count("bindings", "binding", "Bindings", "bindings"),
    ),
)
