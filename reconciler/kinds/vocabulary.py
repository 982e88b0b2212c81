"""Words that Twilio extends over time: permissions, webhook filters, and their names in other products.

Facts, each with its source. A word that is missing here is a warning, never an error: the API decides.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import islice, product

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

# --- words of other places -------------------------------------------------------------------------------------------

# Source: Twilio docs, "Migrating from Programmable Chat to Conversations": channels became conversations, members
# participants. Chat's role types and permissions say `channel` and `deployment`, its events `onChannelAdded` and so on,
# its sent messages `onMessageSent`. The parameters of the REST API end in `Sid` where the files have a handle.
_TOKENS = {
    "channel": ("conversation",), "channels": ("conversations",), "member": ("participant",),
    "members": ("participants",), "deployment": ("service",), "invite": ("add",), "invited": ("added",),
    "send": ("add",), "sent": ("added",), "create": ("add",), "created": ("added",), "destroy": ("delete", "remove"),
    "destroyed": ("removed", "deleted"), "delete": ("remove",), "deleted": ("removed",), "remove": ("delete",),
    "edit": ("update",), "edited": ("updated",), "update": ("edit",), "kick": ("remove",), "ban": ("remove",),
    "instance": ("service",), "chat": ("",), "sid": ("",), "service": ("chatservice",),
}  # fmt: skip
_WHOLE = {
    "http": "webhook", "https": "webhook", "url": "webhook", "web": "webhook", "flow": "studio", "keyword": "trigger",
    "keywords": "trigger", "open": "active", "archived": "closed", "sendmedia": "sendMediaMessage",
    "permission": "permissions", "phone": "sms", "mms": "sms", "facebook": "messenger", "mail": "email",
    "ios": "apn", "apns": "apn", "android": "fcm", "firebase": "fcm", "google": "gcm",
}  # fmt: skip
_TOKEN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_LONGEST_WORD = 60
_MOST_SPELLINGS = 64


def former_word(word: str, candidates: Collection[str]) -> str:
    """Return the candidate that has this name in Programmable Chat or in the REST API.

    Args:
        word: The word.
        candidates: The known words.

    Returns:
        The candidate; empty if there is none.
    """
    tokens = [token.lower() for token in _TOKEN.findall(word)] if len(word) <= _LONGEST_WORD else []
    known = {re.sub(r"[_ -]", "", item.lower()): item for item in sorted(candidates, reverse=True)}
    whole = _WHOLE.get("".join(tokens))
    if whole is not None and whole.lower() in known:
        return known[whole.lower()]
    if not any(token in _TOKENS for token in tokens):
        return ""
    spellings = product(*((token, *_TOKENS.get(token, ())) for token in tokens))
    return next((known[text] for text in map("".join, islice(spellings, _MOST_SPELLINGS)) if text in known), "")


def misplaced_event(word: str, words: Collection[str]) -> tuple[str, str] | None:
    """Explain an event that Twilio has, but not in this set of filters.

    Args:
        word: The event.
        words: The events of the set.

    Returns:
        What is wrong, as the end of a sentence, and the hint; None if no webhook has this event.
    """
    event = next((item for item in ACCOUNT_FILTERS if item.lower() == word.lower()), None)
    if event is None or event in words:
        return None
    if event in PRE_FILTERS:
        after = next((item for item in POST_FILTERS if item in {f"{event}ed", f"{event}d"}), "")
        why = "is a pre-action event, which only the webhooks of accounts and services have"
        return why, f"did you mean {after}?" if after in words else "remove it"
    where = "the account's webhooks have" if "User" in event else "the webhooks of accounts and services have"
    return f"is an event that only {where}", "remove it, or set it there"
