"""The kind `service_notification`: the push notifications that a service sends."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reconciler.kinds.base import Kind
from reconciler.kinds.markers import Declaration, Example, Template, Wire


class WithMedia(Declaration):
    """Notifications of messages that carry media."""

    enabled: Annotated[
        bool | None, Wire("Enabled"), Field(description="Whether messages with media have a notification of their own.")
    ] = None
    template: Annotated[
        str | None,
        Wire("Template"),
        Template(),
        Example("${PARTICIPANT} sent a file"),
        Field(description="The text; empty means Twilio's own."),
    ] = None


class NewMessage(Declaration):
    """Notifications of new messages."""

    enabled: Annotated[bool | None, Wire("Enabled"), Field(description="Whether new messages are notified.")] = None
    template: Annotated[
        str | None,
        Wire("Template"),
        Template(),
        Example("${PARTICIPANT}: ${MESSAGE}"),
        Field(description="The text; empty means Twilio's own."),
    ] = None
    sound: Annotated[
        str | None, Wire("Sound"), Example("ring"), Field(description="The sound's name, for instance `default`.")
    ] = None
    badge_count_enabled: Annotated[
        bool | None, Wire("BadgeCountEnabled"), Field(description="Whether the app's badge is counted up (APNs only).")
    ] = None
    with_media: Annotated[WithMedia | None, Wire("WithMedia"), Field(description="Messages that carry media.")] = None


class Membership(Declaration):
    """Notifications of being added to or removed from a conversation."""

    enabled: Annotated[bool | None, Wire("Enabled"), Field(description="Whether this is notified.")] = None
    template: Annotated[
        str | None,
        Wire("Template"),
        Template(),
        Example("Welcome to ${CONVERSATION}"),
        Field(description="The text; empty means Twilio's own."),
    ] = None
    sound: Annotated[
        str | None, Wire("Sound"), Example("default"), Field(description="The sound's name, for instance `default`.")
    ] = None


class ServiceNotification(Declaration):
    """What can be set on a service's notifications."""

    log_enabled: Annotated[bool | None, Wire("LogEnabled"), Field(description="Whether notifications are logged.")] = (
        None
    )
    new_message: Annotated[NewMessage | None, Wire("NewMessage"), Field(description="New messages.")] = None
    added_to_conversation: Annotated[
        Membership | None, Wire("AddedToConversation"), Field(description="Being added to a conversation.")
    ] = None
    removed_from_conversation: Annotated[
        Membership | None, Wire("RemovedFromConversation"), Field(description="Being removed from a conversation.")
    ] = None


SERVICE_NOTIFICATION = Kind(
    name="service_notification",
    model=ServiceNotification,
    section=("notifications",),
    path="/v1/Services/{service}/Configuration/Notifications",
    summary="Push notifications: which are sent, with which text and sound.",
    docs="https://www.twilio.com/docs/conversations/api/service-notification-resource",
    parent="service",
    singleton=True,
    deletable=False,
)
