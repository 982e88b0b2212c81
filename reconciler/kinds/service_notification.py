"""The kind `service_notification`: the push notifications of a service."""

from __future__ import annotations

from typing import Annotated

from reconciler.kinds.base import Kind
from reconciler.kinds.markers import Declaration, Description, Example, Template, Wire


class WithMedia(Declaration):
    """Notifications of messages with media."""

    enabled: Annotated[
        bool | None, Wire("Enabled"), Description("Whether messages with media use a separate notification.")
    ] = None
    template: Annotated[
        str | None,
        Wire("Template"),
        Template(),
        Example("${PARTICIPANT} sent a file"),
        Description("The text, with Twilio's placeholders. Empty: Twilio's default text."),
    ] = None


class NewMessage(Declaration):
    """Notifications of new messages."""

    enabled: Annotated[bool | None, Wire("Enabled"), Description("Whether new messages send notifications.")] = None
    template: Annotated[
        str | None,
        Wire("Template"),
        Template(),
        Example("${PARTICIPANT}: ${MESSAGE}"),
        Description("The text, with Twilio's placeholders. Empty: Twilio's default text."),
    ] = None
    sound: Annotated[
        str | None, Wire("Sound"), Example("ring"), Description("The name of the sound, such as `default`.")
    ] = None
    badge_count_enabled: Annotated[
        bool | None,
        Wire("BadgeCountEnabled"),
        Description("Whether the app's badge count increases (APNs only)."),
    ] = None
    with_media: Annotated[
        WithMedia | None, Wire("WithMedia"), Description("The notification for messages with media.")
    ] = None


class Membership(Declaration):
    """Notifications when a user is added to or removed from a conversation."""

    enabled: Annotated[bool | None, Wire("Enabled"), Description("Whether this event sends notifications.")] = None
    template: Annotated[
        str | None,
        Wire("Template"),
        Template(),
        Example("Welcome to ${CONVERSATION}"),
        Description("The text, with Twilio's placeholders. Empty: Twilio's default text."),
    ] = None
    sound: Annotated[
        str | None, Wire("Sound"), Example("default"), Description("The name of the sound, such as `default`.")
    ] = None


class ServiceNotification(Declaration):
    """The settings of a service's notifications."""

    log_enabled: Annotated[bool | None, Wire("LogEnabled"), Description("Whether Twilio logs notifications.")] = None
    new_message: Annotated[NewMessage | None, Wire("NewMessage"), Description("The notification for new messages.")] = (
        None
    )
    added_to_conversation: Annotated[
        Membership | None,
        Wire("AddedToConversation"),
        Description("The notification when a user is added to a conversation."),
    ] = None
    removed_from_conversation: Annotated[
        Membership | None,
        Wire("RemovedFromConversation"),
        Description("The notification when a user is removed from a conversation."),
    ] = None


SERVICE_NOTIFICATION = Kind(
    name="service_notification",
    model=ServiceNotification,
    section=("notifications",),
    path="/v1/Services/{service}/Configuration/Notifications",
    summary="Push notifications of a service: their events, texts, and sounds.",
    docs="https://www.twilio.com/docs/conversations/api/service-notification-resource",
    parent="service",
    singleton=True,
    deletable=False,
)
