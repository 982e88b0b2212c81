"""Words of Programmable Chat and of the REST API, and events in the wrong place: the suggestion is the right word."""

from __future__ import annotations

import pytest

from reconciler.config.layout import Layout
from reconciler.kinds import KINDS
from tests.config.told import problems_of

LAYOUT = Layout.of(KINDS)


def one(text: str) -> tuple[str, str, str]:
    (problem,) = problems_of(text, layout=LAYOUT)
    return problem.severity, problem.code, problem.hint


@pytest.mark.parametrize(
    ("of_type", "word", "meant"),
    [
        ("service", "createChannel", "createConversation"),
        ("service", "destroyChannel", "deleteConversation"),
        ("service", "joinChannel", "joinConversation"),
        ("service", "addMember", "addParticipant"),
        ("service", "inviteMember", "addParticipant"),
        ("service", "removeMember", "removeParticipant"),
        ("service", "editChannelName", "editConversationName"),
        ("service", "editChannelAttributes", "editConversationAttributes"),
        ("conversation", "leaveChannel", "leaveConversation"),
        ("conversation", "addMember", "addParticipant"),
        ("conversation", "editAnyMemberAttributes", "editAnyParticipantAttributes"),
        ("conversation", "deleteChannel", "deleteConversation"),
        ("conversation", "removeAnyMessage", "deleteAnyMessage"),
        ("conversation", "updateOwnMessage", "editOwnMessage"),
        ("conversation", "sendMedia", "sendMediaMessage"),
        ("conversation", "sendmessage", "sendMessage"),
    ],
)
def test_a_permission_of_programmable_chat(of_type: str, word: str, meant: str) -> None:
    text = f"services: {{s: {{roles: {{r: {{type: {of_type}, permissions: [{word}]}}}}}}}}"
    assert one(text) == ("warning", "unknown-word", f"did you mean {meant}?")


@pytest.mark.parametrize(
    ("word", "meant"), [("channel", "conversation"), ("deployment", "service"), ("instance", "service")]
)
def test_a_role_type_of_programmable_chat(word: str, meant: str) -> None:
    text = f"services: {{s: {{roles: {{r: {{type: {word}, permissions: [addParticipant]}}}}}}}}"
    assert one(text) == ("error", "unknown-choice", f"did you mean {meant}?")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("onChannelAdded", "onConversationAdded"),
        ("onChannelAdd", "onConversationAdd"),
        ("onChannelUpdated", "onConversationUpdated"),
        ("onChannelDestroyed", "onConversationRemoved"),
        ("onChannelDestroy", "onConversationRemove"),
        ("onMemberAdded", "onParticipantAdded"),
        ("onMemberAdd", "onParticipantAdd"),
        ("onMemberUpdated", "onParticipantUpdated"),
        ("onMemberRemoved", "onParticipantRemoved"),
        ("onMessageSent", "onMessageAdded"),
        ("onMessageSend", "onMessageAdd"),
        ("onConversationCreated", "onConversationAdded"),
        ("onMessageDeleted", "onMessageRemoved"),
        ("onMessageEdited", "onMessageUpdated"),
        ("onMesageAdded", "onMessageAdded"),
    ],
)
@pytest.mark.parametrize(
    "where", ["account: {webhooks: {filters: [%s]}}", "services: {s: {webhooks: {filters: [%s]}}}"]
)
def test_an_event_of_programmable_chat(word: str, meant: str, where: str) -> None:
    assert one(where % word) == ("warning", "unknown-word", f"did you mean {meant}?")


CONVERSATION = (
    "services: {s: {conversations: {c: {webhooks: {w: {target: webhook, url: https://a.example/, filters: [%s]}}}}}}"
)
ADDRESS = "addresses: {'+14155550100': {auto_creation: {enabled: true, type: webhook, webhook_url: https://a.example/, webhook_filters: [%s]}}}"  # noqa: E501 - one line of a file


@pytest.mark.parametrize(
    ("where", "word", "hint"),
    [
        (CONVERSATION, "onMessageAdd", "did you mean onMessageAdded?"),
        (CONVERSATION, "onMessageUpdate", "did you mean onMessageUpdated?"),
        (CONVERSATION, "onMessageRemove", "did you mean onMessageRemoved?"),
        (CONVERSATION, "onParticipantAdd", "did you mean onParticipantAdded?"),
        (CONVERSATION, "onuserupdate", "did you mean onUserUpdated?"),
        (ADDRESS, "onMessageAdd", "did you mean onMessageAdded?"),
        (ADDRESS, "onConversationUpdate", "did you mean onConversationUpdated?"),
        (ADDRESS, "onConversationAdd", "remove it"),
        (ADDRESS, "onConversationAdded", "remove it, or set it there"),
        (ADDRESS, "onUserAdded", "remove it, or set it there"),
        ("services: {s: {webhooks: {filters: [%s]}}}", "onUserAdded", "remove it, or set it there"),
        ("services: {s: {webhooks: {filters: [%s]}}}", "onUserUpdate", "remove it"),
    ],
)
def test_an_event_in_the_wrong_place(where: str, word: str, hint: str) -> None:
    assert one(where % word) == ("warning", "misplaced-event", hint)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("services: {s: {channels: {}}}", "conversations"),
        ("services: {s: {conversations: {c: {members: {}}}}}", "participants"),
        ("services: {s: {configuration: {default_channel_role: channel user}}}", "default_conversation_role"),
        (
            "services: {s: {configuration: {default_channel_creator_role: channel admin}}}",
            "default_conversation_creator_role",
        ),
        ("services: {s: {configuration: {default_service_role: service user}}}", "default_chat_service_role"),
        (
            "services: {s: {configuration: {default_conversation_role_sid: channel user}}}",
            "default_conversation_role",
        ),
        ("services: {s: {notifications: {added_to_channel: {}}}}", "added_to_conversation"),
        ("services: {s: {notifications: {removed_from_channel: {}}}}", "removed_from_conversation"),
        ("services: {s: {users: {u: {role_sid: x}}}}", "role"),
        ("account: {configuration: {default_chat_service_sid: x}}", "default_service"),
    ],
)
def test_a_key_of_programmable_chat_or_of_the_api(text: str, meant: str) -> None:
    assert one(text) == ("error", "unknown-key", f"did you mean {meant}?")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("services: {s: {conversations: {c: {state: open}}}}", "active"),
        ("services: {s: {conversations: {c: {state: archived}}}}", "closed"),
        ("services: {s: {conversations: {c: {webhooks: {w: {target: http}}}}}}", "webhook"),
        ("services: {s: {conversations: {c: {webhooks: {w: {target: keyword}}}}}}", "trigger"),
        ("services: {s: {conversations: {c: {webhooks: {w: {target: flow}}}}}}", "studio"),
        ("credentials: {c: {type: firebase}}", "fcm"),
        ("credentials: {c: {type: apns}}", "apn"),
    ],
)
def test_a_choice_of_other_places(text: str, meant: str) -> None:
    assert one(text) == ("error", "unknown-choice", f"did you mean {meant}?")
