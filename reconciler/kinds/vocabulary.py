"""Words that Twilio extends over time: permissions, webhook filters. Facts, each with its source; no behaviour.

A word that is missing here is a warning for a person, never an error: the API decides.
"""

from __future__ import annotations

# Source: Twilio docs, "Role resource", Permission Values; the last four of both are accepted in practice (community
# Terraform provider's list and public code) though that page lacks them.
SERVICE_PERMISSIONS = (
    "addParticipant", "createConversation", "deleteAnyMessage", "deleteConversation", "editAnyMessage",
    "editAnyMessageAttributes", "editAnyUserInfo", "editConversationAttributes", "editConversationName",
    "editOwnMessage", "editOwnMessageAttributes", "editOwnUserInfo", "joinConversation", "removeParticipant",
    "addNonChatParticipant", "editAnyParticipantAttributes", "editOwnParticipantAttributes", "deleteOwnMessage",
)  # fmt: skip
CONVERSATION_PERMISSIONS = (
    "addParticipant", "deleteAnyMessage", "deleteOwnMessage", "deleteConversation", "editAnyMessage",
    "editAnyMessageAttributes", "editAnyUserInfo", "editConversationAttributes", "editConversationName",
    "editOwnMessage", "editOwnMessageAttributes", "editOwnUserInfo", "leaveConversation", "removeParticipant",
    "sendMediaMessage", "sendMessage",
    "addNonChatParticipant", "editAnyParticipantAttributes", "editOwnParticipantAttributes", "editNotificationLevel",
)  # fmt: skip
PERMISSIONS = tuple(dict.fromkeys(SERVICE_PERMISSIONS + CONVERSATION_PERMISSIONS))

# Source: Twilio docs, "Conversations webhooks"; the April 2026 description lists the same 23 (10 pre, 13 post).
PRE_FILTERS = (
    "onMessageAdd", "onMessageUpdate", "onMessageRemove", "onConversationAdd", "onConversationUpdate",
    "onConversationRemove", "onParticipantAdd", "onParticipantUpdate", "onParticipantRemove", "onUserUpdate",
)  # fmt: skip
POST_FILTERS = (
    "onMessageAdded", "onMessageUpdated", "onMessageRemoved", "onConversationAdded", "onConversationUpdated",
    "onConversationRemoved", "onConversationStateUpdated", "onParticipantAdded", "onParticipantUpdated",
    "onParticipantRemoved", "onUserAdded", "onUserUpdated", "onDeliveryUpdated",
)  # fmt: skip
ACCOUNT_FILTERS = PRE_FILTERS + POST_FILTERS
# Source: the OpenAPI description of service webhooks names 20: all but the user events, which are unverified there.
SERVICE_FILTERS = tuple(word for word in ACCOUNT_FILTERS if "User" not in word)
# Source: the OpenAPI description of AutoCreation.WebhookFilters.
ADDRESS_FILTERS = (
    "onMessageAdded", "onMessageUpdated", "onMessageRemoved", "onConversationUpdated", "onConversationStateUpdated",
    "onConversationRemoved", "onParticipantAdded", "onParticipantUpdated", "onParticipantRemoved", "onDeliveryUpdated",
)  # fmt: skip

# Source: the OpenAPI description (October 2024) has the first five; the April 2026 one adds the rest.
ADDRESS_TYPES = ("sms", "whatsapp", "messenger", "gbm", "email", "rcs", "apple", "chat")
METHODS = ("GET", "POST")
