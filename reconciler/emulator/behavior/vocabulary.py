"""Twilio's words for permissions, webhook filters, and address types, and the built-in roles.

Data with its sources; the rules say whether other words are refused.
"""

from __future__ import annotations

from typing import Literal

from reconciler.emulator.rules import Rules

RoleType = Literal["service", "conversation"]

# Docs, Role resource, permission values; the last four of service roles from the community provider's list and public
# code.
_SERVICE_PERMISSIONS = frozenset(
    {
        "addParticipant",
        "createConversation",
        "deleteAnyMessage",
        "deleteConversation",
        "editAnyMessage",
        "editAnyMessageAttributes",
        "editAnyUserInfo",
        "editConversationAttributes",
        "editConversationName",
        "editOwnMessage",
        "editOwnMessageAttributes",
        "editOwnUserInfo",
        "joinConversation",
        "removeParticipant",
        "addNonChatParticipant",
        "deleteOwnMessage",
        "editAnyParticipantAttributes",
        "editOwnParticipantAttributes",
    }
)
_CONVERSATION_PERMISSIONS = frozenset(
    {
        "addParticipant",
        "deleteAnyMessage",
        "deleteOwnMessage",
        "deleteConversation",
        "editAnyMessage",
        "editAnyMessageAttributes",
        "editAnyUserInfo",
        "editConversationAttributes",
        "editConversationName",
        "editOwnMessage",
        "editOwnMessageAttributes",
        "editOwnUserInfo",
        "leaveConversation",
        "removeParticipant",
        "sendMediaMessage",
        "sendMessage",
    }
)
# Accepted in practice (the community provider's list and public code), not on that page.
_PRACTISED_PERMISSIONS = frozenset(
    {"addNonChatParticipant", "editAnyParticipantAttributes", "editOwnParticipantAttributes", "editNotificationLevel"}
)

PERMISSIONS: dict[RoleType, frozenset[str]] = {
    "service": _SERVICE_PERMISSIONS,
    "conversation": _CONVERSATION_PERMISSIONS | _PRACTISED_PERMISSIONS,
}

# Docs, Chat guide on permissions, in today's names. The channel admin's 13 are from a recorded response of the
# community SDK; the channel user's list is unknown: our decision. Names in lower case: public code.
_TRANSLATED: tuple[tuple[str, RoleType, tuple[str, ...]], ...] = (
    (
        "service admin",
        "service",
        (
            "addParticipant",
            "createConversation",
            "deleteAnyMessage",
            "deleteConversation",
            "editAnyMessage",
            "editAnyMessageAttributes",
            "editAnyUserInfo",
            "editConversationAttributes",
            "editConversationName",
            "joinConversation",
            "removeParticipant",
        ),
    ),
    ("service user", "service", ("createConversation", "editOwnUserInfo", "joinConversation")),
    (
        "channel admin",
        "conversation",
        (
            "addParticipant",
            "deleteAnyMessage",
            "deleteConversation",
            "editAnyMessage",
            "editAnyMessageAttributes",
            "editAnyParticipantAttributes",
            "editConversationAttributes",
            "editConversationName",
            "editNotificationLevel",
            "leaveConversation",
            "removeParticipant",
            "sendMediaMessage",
            "sendMessage",
        ),
    ),
    (
        "channel user",
        "conversation",
        (
            "deleteOwnMessage",
            "editOwnMessage",
            "editOwnMessageAttributes",
            "leaveConversation",
            "sendMediaMessage",
            "sendMessage",
        ),
    ),
)
# Unverified, our decision: permissions that each role may have been given since.
_EXTENSIONS: dict[str, tuple[str, ...]] = {
    "service admin": ("editOwnMessage", "editOwnMessageAttributes", "editOwnUserInfo"),
    "service user": (),
    "channel admin": ("addNonChatParticipant", "editOwnUserInfo"),
    "channel user": ("editNotificationLevel", "editOwnParticipantAttributes", "editOwnUserInfo"),
}

DEFAULT_ROLES = (
    "default_chat_service_role_sid",
    "default_conversation_role_sid",
    "default_conversation_creator_role_sid",
)


def default_role_names(rules: Rules) -> dict[str, str]:
    """Return the default roles of a new service's configuration (Chat guide; the creator's: inferred, error 50106)."""
    return dict(zip(DEFAULT_ROLES, ("service user", "channel user", rules.creator_default), strict=True))


def built_in_roles(rules: Rules) -> list[tuple[str, RoleType, list[str]]]:
    """Return the roles of a new service as the rules say: name, type, and permissions."""
    extended = rules.built_in_permissions == "extended"
    roles: list[tuple[str, RoleType, list[str]]] = [
        (name, kind, [*permissions, *(_EXTENSIONS[name] if extended else ())])
        for name, kind, permissions in _TRANSLATED
    ]
    if rules.guest_role:
        # The list is our decision.
        roles.append(("guest", "conversation", ["leaveConversation", "sendMediaMessage", "sendMessage"]))
    return roles


# Docs, Conversations webhooks.
_PRE_EVENTS = frozenset(
    {
        "onMessageAdd",
        "onMessageUpdate",
        "onMessageRemove",
        "onConversationAdd",
        "onConversationUpdate",
        "onConversationRemove",
        "onParticipantAdd",
        "onParticipantUpdate",
        "onParticipantRemove",
    }
)
_POST_EVENTS = frozenset(
    {
        "onMessageAdded",
        "onMessageUpdated",
        "onMessageRemoved",
        "onConversationAdded",
        "onConversationUpdated",
        "onConversationRemoved",
        "onConversationStateUpdated",
        "onParticipantAdded",
        "onParticipantUpdated",
        "onParticipantRemoved",
        "onDeliveryUpdated",
    }
)
_USER_EVENTS = frozenset({"onUserUpdate", "onUserAdded", "onUserUpdated"})

# The 2026 description and the docs: all 23.
ACCOUNT_FILTERS = _PRE_EVENTS | _POST_EVENTS | _USER_EVENTS
# Docs, conversation-scoped webhook resource: post events only.
SCOPED_FILTERS = _POST_EVENTS | {"onUserAdded", "onUserUpdated"}
# OpenAPI, address configuration: post events of a conversation that exists.
AUTO_CREATION_FILTERS = _POST_EVENTS - {"onConversationAdded"}


def service_filters(rules: Rules) -> frozenset[str]:
    """Return the filters of a service's webhooks: 20 in the description, the user events by the rule."""
    return ACCOUNT_FILTERS if rules.service_user_filters == "allowed" else _PRE_EVENTS | _POST_EVENTS
