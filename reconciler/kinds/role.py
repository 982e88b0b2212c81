"""The kind `role`: a named set of permissions in one service."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reconciler.kinds.base import Kind
from reconciler.kinds.markers import (
    AlwaysSent,
    Changes,
    Choice,
    Declaration,
    Example,
    Immutable,
    Length,
    NaturalKey,
    Required,
    Vocabulary,
    Wire,
)
from reconciler.kinds.vocabulary import CONVERSATION_PERMISSIONS, PERMISSIONS, SERVICE_PERMISSIONS


class Role(Declaration):
    """What can be set on a role."""

    friendly_name: Annotated[
        str | None,
        Wire("FriendlyName"),
        NaturalKey(),
        Immutable(),
        Required(),
        # Source: the documentation says 64; the community provider's live test creates one of 256.
        Length(256, doubtful=64),
        Example("agent"),
        Field(description="The role's name within its service. Default: the handle."),
    ] = None
    type: Annotated[
        str | None,
        Wire("Type"),
        Immutable(),
        Required(),
        Choice(("conversation", "service")),
        Changes("high", "everyone who holds the role gets another one"),
        Example("conversation"),
        Field(description="Whether the role counts within a conversation or in the whole service."),
    ] = None
    permissions: Annotated[
        tuple[str, ...] | None,
        Wire("Permission", response="permissions"),
        Required(),
        AlwaysSent(),
        Vocabulary(
            PERMISSIONS,
            by_type={"service": SERVICE_PERMISSIONS, "conversation": CONVERSATION_PERMISSIONS},
            at_least_one=True,
        ),
        Changes("medium"),
        Example(["sendMessage", "leaveConversation"]),
        Field(description="What holders of the role may do; replaced as a whole, never empty."),
    ] = None


# Source: Twilio docs, chat permissions guide, in the lower-case names that the API uses; `guest` is made by Flex.
BUILT_IN_ROLES = frozenset({"service admin", "service user", "channel admin", "channel user", "guest"})

ROLE = Kind(
    name="role",
    model=Role,
    section=("roles",),
    path="/v1/Services/{service}/Roles",
    summary="A named set of permissions that users hold in a service or participants in a conversation.",
    docs="https://www.twilio.com/docs/conversations/api/role-resource",
    parent="service",
    typical=("type", "permissions"),
    sid_prefix="RL",
    list_key="roles",
    # Source: the documented maximum for roles is 50.
    page_size=50,
    # The old one's permissions, and what refers to it, move to the new one.
    replace_risk="medium",
    built_in=BUILT_IN_ROLES,
    told_apart_by="type",
)
