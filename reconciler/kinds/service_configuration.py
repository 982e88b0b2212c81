"""The kind `service_configuration`: a service's default roles and reachability."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reconciler.kinds.base import Kind
from reconciler.kinds.markers import Declaration, Example, OnChange, Ref, Wire


class ServiceConfiguration(Declaration):
    """What can be set on a service's configuration."""

    default_conversation_creator_role: Annotated[
        str | None,
        Wire("DefaultConversationCreatorRoleSid"),
        Ref("role", "service", of_type="conversation"),
        OnChange("medium", "whoever creates a conversation from now on gets another role in it"),
        Example("channel admin"),
        Field(description="The role of whoever creates a conversation."),
    ] = None
    default_conversation_role: Annotated[
        str | None,
        Wire("DefaultConversationRoleSid"),
        Ref("role", "service", of_type="conversation"),
        OnChange("medium", "whoever joins a conversation from now on gets another role in it"),
        Example("agent"),
        Field(description="The role of whoever joins a conversation."),
    ] = None
    default_chat_service_role: Annotated[
        str | None,
        Wire("DefaultChatServiceRoleSid"),
        Ref("role", "service", of_type="service"),
        OnChange("medium", "users made from now on get another role"),
        Example("service user"),
        Field(description="The role of a new user in the service."),
    ] = None
    reachability_enabled: Annotated[
        bool | None,
        Wire("ReachabilityEnabled"),
        Example(True),
        Field(description="Whether users' online state and reachability are tracked."),
    ] = None


SERVICE_CONFIGURATION = Kind(
    name="service_configuration",
    model=ServiceConfiguration,
    section=("configuration",),
    path="/v1/Services/{service}/Configuration",
    summary="A service's default roles and its reachability indicator.",
    docs="https://www.twilio.com/docs/conversations/api/service-configuration-resource",
    parent="service",
    singleton=True,
    deletable=False,
)
