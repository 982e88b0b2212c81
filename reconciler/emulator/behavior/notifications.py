"""Push notifications of a service (`/v1/Services/{sid}/Configuration/Notifications`).

Defaults: every `enabled` false, `log_enabled` false, no template, and no sound (docs, push notification configuration,
and the community provider's live test). An empty template or sound clears it (the same test).
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.emulator.behavior import checks
from reconciler.emulator.behavior.context import Behavior, Body, Context, Reply, Table
from reconciler.emulator.store import Facts, Row

# Block, parameter, response keys on the way to the value (OpenAPI).
_TEXTS: Mapping[str, tuple[str, ...]] = {
    "NewMessage.Template": ("new_message", "template"),
    "NewMessage.Sound": ("new_message", "sound"),
    "NewMessage.WithMedia.Template": ("new_message", "with_media", "template"),
    "AddedToConversation.Template": ("added_to_conversation", "template"),
    "AddedToConversation.Sound": ("added_to_conversation", "sound"),
    "RemovedFromConversation.Template": ("removed_from_conversation", "template"),
    "RemovedFromConversation.Sound": ("removed_from_conversation", "sound"),
}
_FLAGS: Mapping[str, tuple[str, ...]] = {
    "LogEnabled": ("log_enabled",),
    "NewMessage.Enabled": ("new_message", "enabled"),
    "NewMessage.BadgeCountEnabled": ("new_message", "badge_count_enabled"),
    "NewMessage.WithMedia.Enabled": ("new_message", "with_media", "enabled"),
    "AddedToConversation.Enabled": ("added_to_conversation", "enabled"),
    "RemovedFromConversation.Enabled": ("removed_from_conversation", "enabled"),
}
# Returned even if nothing was ever set (an old capture); the others are then omitted.
_ALWAYS = {
    ("log_enabled",),
    ("new_message", "enabled"),
    ("added_to_conversation", "enabled"),
    ("removed_from_conversation", "enabled"),
}

# Error dictionary: 50058, 50059. The values are not published: our decision.
_LONGEST = {"template": (2048, 50058), "sound": (256, 50059)}


def unset() -> Facts:
    """Return notifications that were never configured."""
    return {}


def _body(context: Context, service: Row) -> Body:
    stored = service.facts["notifications"]
    body: Body = {
        "account_sid": context.account_sid,
        "chat_service_sid": service.sid,
        "url": context.url("/v1/Services", service.sid, "Configuration", "Notifications"),
    }
    for paths, fallback in ((_FLAGS, False), (_TEXTS, None)):
        for name, path in paths.items():
            value = stored.get(name, fallback)
            if name not in stored and context.rules.unset_notifications == "absent" and path not in _ALWAYS:
                continue
            if value is None and context.rules.unset_notifications == "empty":
                value = ""
            block = body
            for key in path[:-1]:
                block = block.setdefault(key, {})
            block[path[-1]] = value
    return body


def _fetch(context: Context) -> Reply:
    return Reply(200, _body(context, context.service()))


def _update(context: Context) -> Reply:
    service = context.service()
    stored = service.facts["notifications"]
    for name in _FLAGS:
        flag = context.args.flag(name)
        if flag is not None:
            stored[name] = flag
    for name, path in _TEXTS.items():
        text = context.args.text(name)
        if text:
            most, code = _LONGEST[path[-1]]
            stored[name] = checks.text_of_length(text, name, most, code)
        elif text is not None:
            stored.pop(name, None)
    context.store.put(service)
    return Reply(200, _body(context, service))


TABLE: Table = {
    ("GET", "/v1/Services/{ChatServiceSid}/Configuration/Notifications"): Behavior(_fetch),
    ("POST", "/v1/Services/{ChatServiceSid}/Configuration/Notifications"): Behavior(_update),
}
