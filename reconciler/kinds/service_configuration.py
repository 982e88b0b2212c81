"""The kind `service_configuration`: a service's default roles and reachability."""

from __future__ import annotations

from typing import Annotated

from reconciler.kinds.base import Kind
from reconciler.kinds.markers import Declaration, Description, Example, OnChange, Ref, Wire


class ServiceConfiguration(Declaration):
    """The settings of a service's configuration."""

    default_conversation_creator_role: Annotated[
        str | None,
        Wire("DefaultConversationCreatorRoleSid"),
        # Unverified: which of the two a new service has (inferred from the Chat guide and error 50106).
        Ref("role", "service", of_type="conversation", initial=("channel admin", "channel user")),
        OnChange("medium", "creators of new conversations get a different role"),
        Example("channel admin"),
        Description("Default role of the participant who creates a conversation."),
    ] = None
    default_conversation_role: Annotated[
        str | None,
        Wire("DefaultConversationRoleSid"),
        # Source: Chat guide on permissions, "the default member role".
        Ref("role", "service", of_type="conversation", initial=("channel user",)),
        OnChange("medium", "new participants get a different role"),
        Example("agent"),
        Description("Default role of other participants in a conversation."),
    ] = None
    default_chat_service_role: Annotated[
        str | None,
        Wire("DefaultChatServiceRoleSid"),
        # Source: Chat guide on permissions, "the default service role".
        Ref("role", "service", of_type="service", initial=("service user",)),
        OnChange("medium", "new users get a different role"),
        Example("service user"),
        Description("Default role of a new user in the service."),
    ] = None
    reachability_enabled: Annotated[
        bool | None,
        Wire("ReachabilityEnabled"),
        Example(True),
        Description("Whether Twilio tracks if users are online and reachable by push notification."),
    ] = None


SERVICE_CONFIGURATION = Kind(
    name="service_configuration",
    model=ServiceConfiguration,
    section=("configuration",),
    path="/v1/Services/{service}/Configuration",
    summary="Default roles of a service, and its reachability indicator.",
    docs="https://www.twilio.com/docs/conversations/api/service-configuration-resource",
    parent="service",
    singleton=True,
    deletable=False,
)
