"""The kind `user`: a person or program that participates in a service's conversations through an app."""

from __future__ import annotations

from typing import Annotated, Any

from reconciler.kinds.base import Kind
from reconciler.kinds.hooks import Consequence, PartialValues
from reconciler.kinds.impact import Count
from reconciler.kinds.markers import (
    Declaration,
    Description,
    Example,
    Immutable,
    Length,
    NaturalKey,
    OnChange,
    Ref,
    Required,
    Wire,
)


class User(Declaration):
    """The settings of a user. Whether it is online or reachable changes by itself and is not a setting."""

    identity: Annotated[
        str | None,
        Wire("Identity"),
        NaturalKey(),
        Immutable(),
        Required(),
        Length(256),
        Example("ada@example.com"),
        Description("The user's ID in your own systems; case-sensitive. Default: the handle."),
    ] = None
    friendly_name: Annotated[str | None, Wire("FriendlyName"), Example("Ada"), Description("The display name.")] = None
    role: Annotated[
        str | None,
        Wire("RoleSid"),
        Ref("role", "service", of_type="service", default="default_chat_service_role"),
        OnChange("medium", "the user's permissions in the service change"),
        Example("service admin"),
        Description("The role in the service. Default on create: the service's `default_chat_service_role`."),
    ] = None
    attributes: Annotated[
        dict[str, Any] | None,  # JSON of the user's own shape
        Wire("Attributes"),
        # Our decision: no limit is published for users. 4 KB, as for participants and messages, is likely; 16 KB, as
        # for conversations, is the largest that any resource has.
        Length(16384, doubtful=4096),
        Example({"team": 1}),
        Description("Your own data, as a mapping. Compared as JSON, so order and spacing do not matter."),
    ] = None


def _consequences(_before: PartialValues | None, after: PartialValues | None, name: str) -> tuple[Consequence, ...]:
    return () if after is not None else (Consequence("medium", f"{name} is removed from all of its conversations."),)


USER = Kind(
    name="user",
    model=User,
    section=("users",),
    path="/v1/Services/{service}/Users",
    summary="A person or program that participates in a service's conversations through an app.",
    docs="https://www.twilio.com/docs/conversations/api/user-resource",
    parent="service",
    typical_fields=("friendly_name", "role"),
    sid_prefix="US",
    list_key="users",
    # Source: the documented maximum for users is 50.
    page_size=50,
    # Source: the OpenAPI description of Identity; error 50201.
    unique=((("identity",), "parent"),),
    webhook_header=True,
    is_traffic=True,
    write_limit="container",
    # Source: OpenAPI description, user conversation resource.
    counts=(Count("conversations", "conversation", "Conversations", "conversations"),),
    key_as_handle=True,
    consequences=_consequences,
    # Source: the OpenAPI description of {Sid}: a SID or the identity.
    readable_by_name=True,
)
