"""Messages of a conversation and their delivery receipts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from reconciler.emulator.behavior import checks, conversations, timers
from reconciler.emulator.behavior.context import Behavior, Body, Context, Reply, Table, in_both_forms
from reconciler.emulator.errors import UNKNOWN_PARAMETER, refused
from reconciler.emulator.paging import Children, page
from reconciler.emulator.store import Facts, Row

# OpenAPI, the parameters' texts; docs, limits.
LONGEST_BODY = 1600
LONGEST_SUBJECT = 256
LONGEST_ATTRIBUTES = 4 * 1024

Status = Literal["sent", "delivered", "read", "failed", "undelivered"]

# The statuses that each status implies (OpenAPI example: a read message was delivered and sent).
_PASSED: Mapping[Status, set[Status]] = {
    "sent": {"sent"},
    "delivered": {"sent", "delivered"},
    "read": {"sent", "delivered", "read"},
    "failed": {"failed"},
    "undelivered": {"sent", "undelivered"},
}
_STATUSES: tuple[Status, ...] = get_args(Status)


def _home(context: Context, conversation: Row, message: Row) -> tuple[str, ...]:
    return (*conversations.home(context, conversation), "Messages", message.sid)


def _body(context: Context, row: Row) -> Body:
    facts = row.facts
    service, conversation = conversations.parent(context)
    url = _home(context, conversation, row)
    return {
        "account_sid": context.account_sid,
        **({"chat_service_sid": service.sid} if context.in_service_form else {}),
        "conversation_sid": conversation.sid,
        "sid": row.sid,
        "index": facts["index"],
        "author": facts["author"],
        "body": facts["body"],
        "media": facts["media"],
        "attributes": facts["attributes"],
        "participant_sid": facts["participant_sid"],
        "date_created": facts["date_created"],
        "date_updated": facts["date_updated"],
        "url": context.url(*url),
        "delivery": _delivery(context.store.children("receipt", row.sid)),
        "links": {
            "delivery_receipts": context.url(*url, "Receipts"),
            "channel_metadata": context.url(*url, "ChannelMetadata"),
        },
        "content_sid": facts["content_sid"],
    }


def _delivery(receipts: Sequence[Row]) -> Body | None:
    """Summarize the receipts by status; empty for a message that never left chat (our decision)."""
    if not receipts:
        return None
    counts = {status: sum(status in _PASSED[receipt.facts["status"]] for receipt in receipts) for status in _STATUSES}
    words = {0: "none", len(receipts): "all"}
    return {"total": len(receipts), **{status: words.get(count, "some") for status, count in counts.items()}}


def _sent(context: Context, facts: Facts) -> None:
    args = context.args
    body, subject, author, attributes = (args.text(name) for name in ("Body", "Subject", "Author", "Attributes"))
    if body is not None:
        facts["body"] = checks.text_of_length(body, "Body", LONGEST_BODY, UNKNOWN_PARAMETER)
    if subject is not None:
        # Never returned (OpenAPI).
        checks.text_of_length(subject, "Subject", LONGEST_SUBJECT, UNKNOWN_PARAMETER)
    if author:
        facts["author"] = author
    if attributes is not None:
        facts["attributes"] = checks.attributes(attributes, LONGEST_ATTRIBUTES)
    checks.set_dates(context, facts)


def _list(context: Context) -> Reply:
    _, conversation = conversations.parent(context)
    newest_first = context.args.text("Order") == "desc"
    return page(context, Children(context, "message", conversation.sid, newest_first=newest_first), _body, most=100)


def _create(context: Context) -> Reply:
    _, conversation = conversations.parent(context)
    conversations.refuse_closed(conversation)
    args, store = context.args, context.store
    media, content = args.text("MediaSid"), args.text("ContentSid")
    if not (args.text("Body") or media or content):
        raise refused(UNKNOWN_PARAMETER, "A message needs a Body, a MediaSid or a ContentSid")
    facts: Facts = {
        "index": conversation.facts["next_index"],
        "author": "system",
        "body": None,
        # Size, type, and name belong to another API (our decision).
        "media": [{"sid": media, "size": 0, "content_type": None, "filename": None}] if media else None,
        "attributes": "{}",
        "content_sid": content,
        "date_created": context.stamp,
        "date_updated": context.stamp,
    }
    _sent(context, facts)
    if content:
        # A template replaces the others (OpenAPI).
        facts["body"] = facts["media"] = None
    participants = store.children("participant", conversation.sid)
    author = next((row for row in participants if facts["author"] in {row.name, _address(row)}), None)
    facts["participant_sid"] = author.sid if author else None
    message = store.add("message", context.new_sid("IM"), conversation.sid, facts)
    for participant in participants:
        if _address(participant) is not None and participant is not author:
            _send(context, message, participant)
    _wake(context, conversation)
    return Reply(201, _body(context, message))


def _address(participant: Row) -> str | None:
    address = (participant.facts["messaging_binding"] or {}).get("address")
    assert address is None or isinstance(address, str)
    return address


def _send(context: Context, message: Row, participant: Row) -> None:
    """Deliver every message outside chat at once (our decision)."""
    facts: Facts = {
        "participant_sid": participant.sid,
        "channel_message_sid": context.new_sid("SM"),
        "status": "delivered",
        "error_code": 0,
        "date_created": context.stamp,
        "date_updated": context.stamp,
    }
    context.store.add("receipt", context.new_sid("DY"), message.sid, facts)


def _wake(context: Context, conversation: Row) -> None:
    """Make the conversation of a new message active and restart its timers (docs, states and timers)."""
    conversation.facts["next_index"] += 1
    timers.set_state(conversation, "active")
    timers.restart(conversation, context.stamp)
    context.store.touch(conversation)
    context.store.put(conversation)


def _one(context: Context, name: str = "Sid") -> Row:
    _, conversation = conversations.parent(context)
    return context.found(context.store.get("message", context.values[name], conversation.sid))


def _fetch(context: Context) -> Reply:
    return Reply(200, _body(context, _one(context)))


def _update(context: Context) -> Reply:
    row = _one(context)
    conversations.refuse_closed(conversations.parent(context)[1])
    row.facts["date_updated"] = context.stamp
    _sent(context, row.facts)
    context.store.put(row)
    return Reply(200, _body(context, row))


def _delete(context: Context) -> Reply:
    context.store.remove(_one(context).sid)
    return Reply(204)


def _receipt_body(context: Context, row: Row) -> Body:
    service, conversation = conversations.parent(context)
    message = _one(context, "MessageSid")
    return {
        "account_sid": context.account_sid,
        **({"chat_service_sid": service.sid} if context.in_service_form else {}),
        "conversation_sid": conversation.sid,
        "sid": row.sid,
        "message_sid": message.sid,
        **row.facts,
        "url": context.url(*_home(context, conversation, message), "Receipts", row.sid),
    }


def _list_receipts(context: Context) -> Reply:
    return page(context, Children(context, "receipt", _one(context, "MessageSid").sid), _receipt_body, most=50)


def _fetch_receipt(context: Context) -> Reply:
    message = _one(context, "MessageSid")
    row = context.found(context.store.get("receipt", context.values["Sid"], message.sid))
    return Reply(200, _receipt_body(context, row))


TABLE: Table = in_both_forms(
    {
        ("GET", "Conversations/{ConversationSid}/Messages"): Behavior(_list),
        ("POST", "Conversations/{ConversationSid}/Messages"): Behavior(_create),
        ("GET", "Conversations/{ConversationSid}/Messages/{Sid}"): Behavior(_fetch),
        ("POST", "Conversations/{ConversationSid}/Messages/{Sid}"): Behavior(_update),
        ("DELETE", "Conversations/{ConversationSid}/Messages/{Sid}"): Behavior(_delete),
        ("GET", "Conversations/{ConversationSid}/Messages/{MessageSid}/Receipts"): Behavior(_list_receipts),
        ("GET", "Conversations/{ConversationSid}/Messages/{MessageSid}/Receipts/{Sid}"): Behavior(_fetch_receipt),
    }
)
