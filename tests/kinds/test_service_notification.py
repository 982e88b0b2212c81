"""The kind `service_notification`."""

from __future__ import annotations

from reconciler.api import wire
from reconciler.json_text import Json
from reconciler.kinds.fields import Content
from reconciler.kinds.service_notification import SERVICE_NOTIFICATION


def test_its_blocks() -> None:
    assert [block.path for block in SERVICE_NOTIFICATION.blocks] == [
        "new_message",
        "new_message.with_media",
        "added_to_conversation",
        "removed_from_conversation",
    ]


def test_an_untouched_service_is_all_empty() -> None:
    # Captured answers of untouched services hold this much and no more.
    body: dict[str, Json] = {
        "log_enabled": False,
        "new_message": {"enabled": False},
        "added_to_conversation": {"enabled": False},
        "removed_from_conversation": {"enabled": False},
    }
    found = wire.decode(SERVICE_NOTIFICATION, body).values
    assert [field.path for field in SERVICE_NOTIFICATION.fields if not field.is_empty(found[field.path])] == []


def test_sends_every_setting_under_its_own_name() -> None:
    values: dict[str, Content] = {
        "log_enabled": True,
        "new_message.enabled": True,
        "new_message.template": "${PARTICIPANT}: ${MESSAGE}",
        "new_message.sound": "ring",
        "new_message.badge_count_enabled": True,
        "new_message.with_media.enabled": False,
        "new_message.with_media.template": None,
        "added_to_conversation.enabled": True,
        "added_to_conversation.template": "Hello",
        "added_to_conversation.sound": "default",
        "removed_from_conversation.enabled": None,
        "removed_from_conversation.template": "Bye",
        "removed_from_conversation.sound": None,
    }
    assert set(values) == set(SERVICE_NOTIFICATION.by_path)
    assert wire.encode(SERVICE_NOTIFICATION, values, lambda content: content) == (
        ("LogEnabled", "true"),
        ("NewMessage.Enabled", "true"),
        ("NewMessage.Template", "${PARTICIPANT}: ${MESSAGE}"),
        ("NewMessage.Sound", "ring"),
        ("NewMessage.BadgeCountEnabled", "true"),
        ("NewMessage.WithMedia.Enabled", "false"),
        ("NewMessage.WithMedia.Template", ""),
        ("AddedToConversation.Enabled", "true"),
        ("AddedToConversation.Template", "Hello"),
        ("AddedToConversation.Sound", "default"),
        ("RemovedFromConversation.Enabled", "false"),
        ("RemovedFromConversation.Template", "Bye"),
        ("RemovedFromConversation.Sound", ""),
    )
