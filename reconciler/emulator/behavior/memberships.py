"""Conversations of a user (`…/Users/{sid}/Conversations`), or of an identity or address."""

from __future__ import annotations

from reconciler.emulator.behavior import conversations, participants, users
from reconciler.emulator.behavior.context import Behavior, Body, Context, Reply, Table, in_both_forms
from reconciler.emulator.errors import UNKNOWN_PARAMETER, refused
from reconciler.emulator.paging import ordered, page
from reconciler.emulator.store import Row

# OpenAPI example: all keys of a binding, including those without a value.
_BINDING_KEYS = ("type", "address", "proxy_address", "level", "name", "projected_address")


def _links(context: Context, conversation: Row, participant: Row) -> Body:
    url = conversations.home(context, conversation)
    return {
        "participant": context.url(*url, "Participants", participant.sid),
        "conversation": context.url(*url),
    }


def _conversation(context: Context, participant: Row) -> Row:
    assert participant.parent is not None
    return context.found(context.store.get("conversation", participant.parent))


def _user_conversation_body(context: Context, row: Row) -> Body:
    conversation = _conversation(context, row)
    user = users.find(context, context.service(), context.values["UserSid"])
    facts, last_read = conversation.facts, row.facts["last_read_message_index"]
    shown = conversations.body(context, conversation)
    return {
        "account_sid": context.account_sid,
        "chat_service_sid": conversation.parent,
        "conversation_sid": conversation.sid,
        # Nothing to count from until something was read (our decision).
        "unread_messages_count": None if last_read is None else max(facts["next_index"] - 1 - last_read, 0),
        "last_read_message_index": last_read,
        "participant_sid": row.sid,
        "user_sid": user.sid,
        "friendly_name": shown["friendly_name"],
        "conversation_state": shown["state"],
        "timers": shown["timers"],
        "attributes": shown["attributes"],
        "date_created": shown["date_created"],
        "date_updated": shown["date_updated"],
        "created_by": facts["created_by"],
        "notification_level": row.facts["notification_level"],
        "unique_name": shown["unique_name"],
        "url": context.url(context.home(), "Users", user.sid, "Conversations", conversation.sid),
        "links": _links(context, conversation, row),
    }


def _list_of_user(context: Context) -> Reply:
    service = context.service()
    user = users.find(context, service, context.values["UserSid"])
    assert user.name is not None
    rows = [
        row for row in context.store.all_named("participant", user.name) if row.facts["chat_service_sid"] == service.sid
    ]
    return page(context, ordered(context, rows), _user_conversation_body, most=50)


def _one(context: Context) -> Row:
    service = context.service()
    user = users.find(context, service, context.values["UserSid"])
    # The description itself allows a unique name here.
    conversation = conversations.find(context, service, context.values["ConversationSid"])
    assert user.name is not None
    return context.found(context.store.named("participant", conversation.sid, user.name))


def _fetch_of_user(context: Context) -> Reply:
    return Reply(200, _user_conversation_body(context, _one(context)))


def _update_of_user(context: Context) -> Reply:
    row = _one(context)
    row.facts["notification_level"] = context.args.text("NotificationLevel") or row.facts["notification_level"]
    participants.set_last_read(context, row)
    row.facts["date_updated"] = context.stamp
    context.store.put(row)
    return Reply(200, _user_conversation_body(context, row))


def _leave(context: Context) -> Reply:
    """Remove the user from the conversation (OpenAPI, the operation's text)."""
    context.store.remove(_one(context).sid)
    return Reply(204)


def _participant_conversation_body(context: Context, row: Row) -> Body:
    conversation = _conversation(context, row)
    assert conversation.parent is not None
    user = context.store.named("user", conversation.parent, row.name) if row.name is not None else None
    binding = row.facts["messaging_binding"]
    shown = conversations.body(context, conversation)
    return {
        "account_sid": context.account_sid,
        "chat_service_sid": conversation.parent,
        "participant_sid": row.sid,
        "participant_user_sid": user.sid if user else None,
        "participant_identity": row.name,
        "participant_messaging_binding": binding and {key: binding.get(key) for key in _BINDING_KEYS},
        "conversation_sid": conversation.sid,
        "conversation_unique_name": shown["unique_name"],
        "conversation_friendly_name": shown["friendly_name"],
        "conversation_attributes": shown["attributes"],
        "conversation_date_created": shown["date_created"],
        "conversation_date_updated": shown["date_updated"],
        "conversation_created_by": conversation.facts["created_by"],
        "conversation_state": shown["state"],
        "conversation_timers": shown["timers"],
        "links": _links(context, conversation, row),
    }


def _list_of_participant(context: Context) -> Reply:
    """List by identity or by address, never by both (OpenAPI); without a service, in the default one (docs)."""
    service = context.service()
    identity, address = context.args.text("Identity"), context.args.text("Address")
    if bool(identity) == bool(address):
        raise refused(UNKNOWN_PARAMETER, "Either Identity or Address is needed")
    store = context.store
    rows = store.all_named("participant", identity) if identity else store.addressed(address or "")
    here = [row for row in rows if row.facts["chat_service_sid"] == service.sid]
    return page(context, ordered(context, here), _participant_conversation_body, most=50)


TABLE: Table = in_both_forms(
    {
        ("GET", "Users/{UserSid}/Conversations"): Behavior(_list_of_user),
        ("GET", "Users/{UserSid}/Conversations/{ConversationSid}"): Behavior(_fetch_of_user),
        ("POST", "Users/{UserSid}/Conversations/{ConversationSid}"): Behavior(_update_of_user),
        ("DELETE", "Users/{UserSid}/Conversations/{ConversationSid}"): Behavior(_leave),
        ("GET", "ParticipantConversations"): Behavior(_list_of_participant),
    }
)
