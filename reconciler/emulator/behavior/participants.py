"""Participants of a conversation: chat users by identity, others by address and proxy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from reconciler.emulator.arguments import Faults
from reconciler.emulator.behavior import checks, conversations, users
from reconciler.emulator.behavior.context import (
    Behavior,
    Body,
    Context,
    Reply,
    Table,
    in_both_forms,
    read_date,
    write_date,
)
from reconciler.emulator.errors import UNKNOWN_PARAMETER, ApiError, refused
from reconciler.emulator.paging import Children, page
from reconciler.emulator.store import Facts, Row

# Error dictionary; the limits that 50417 and 50422 belong to are our decision.
BAD_ROLE = 50101
USER_IN_TOO_MANY = 50214
NO_MESSAGING_SERVICE = 50373
BAD_ADDRESS = 50407
BAD_PROXY = 50408
ADDRESS_IS_PROXY = 50409
CHANNELS_DIFFER = 50414
PAIR_TAKEN = 50416
TOO_MANY = 50417
TOO_MANY_OUTSIDE_CHAT = 50422
ALREADY_IN = 50433
GROUP_TOO_LARGE = 50436
IN_GROUP_TWICE = 50437
PROXY_IS_FIXED = 50441
NO_PROJECTION = 50442
IDENTITY_IS_FIXED = 50444

# Docs, limits; the maximum of all participants is a rule.
MOST_OUTSIDE_CHAT = 50
MOST_IN_GROUP = 10
MOST_CONVERSATIONS = 1000
LONGEST_ATTRIBUTES = 4 * 1024

# The channel by the form of an address (docs, Flex address guides; OpenAPI examples). Any other is a text message.
_CHANNELS: Mapping[str, re.Pattern[str]] = {
    "whatsapp": re.compile(r"whatsapp:\+?[0-9]{3,15}\Z"),
    "messenger": re.compile(r"messenger:\S+\Z"),
    "rcs": re.compile(r"rcs:\S+\Z"),
    "email": re.compile(r"[^\s@:]+@[^\s@]+\Z"),
    "sms": re.compile(r"\+?[0-9]{3,15}\Z"),
}
# This literal text removes a proxy or projected address (OpenAPI, the parameters' text).
_REMOVAL = "null"


class NewParticipant(NamedTuple):
    """Find the requested participant."""

    identity: str | None
    address: str | None
    proxy_address: str | None
    projected_address: str | None
    attributes: str | None
    role_sid: str | None


def body(context: Context, row: Row) -> Body:
    """Render a participant; paths with a service also return the service (OpenAPI)."""
    facts = row.facts
    conversation_sid = row.parent
    assert conversation_sid is not None
    return {
        "account_sid": context.account_sid,
        **({"chat_service_sid": facts["chat_service_sid"]} if context.in_service_form else {}),
        "conversation_sid": conversation_sid,
        "sid": row.sid,
        "identity": row.name,
        "attributes": facts["attributes"],
        "messaging_binding": facts["messaging_binding"],
        "role_sid": facts["role_sid"],
        "date_created": facts["date_created"],
        "date_updated": facts["date_updated"],
        "url": context.url(context.home(), "Conversations", conversation_sid, "Participants", row.sid),
        "last_read_message_index": facts["last_read_message_index"],
        "last_read_timestamp": facts["last_read_timestamp"],
    }


def add(context: Context, service: Row, conversation: Row, requested: NewParticipant) -> Row:
    """Add a participant to a conversation.

    Raises:
        ApiError: The participant exists, an address is invalid or in use, or a limit is reached.
    """
    conversations.refuse_closed(conversation)
    binding = _binding(context, conversation, requested)
    if requested.identity is None and binding is None:
        raise refused(UNKNOWN_PARAMETER, "A participant needs an Identity or a MessagingBinding.Address")
    if requested.identity is not None:
        _judge_new_identity(context, service, conversation, requested.identity)
    _judge_limits(context, conversation, binding)
    role = requested.role_sid
    # An address alone, as in a group, has no role (OpenAPI example).
    if role is None and (requested.identity is not None or requested.proxy_address is not None):
        role = service.facts["configuration"]["default_conversation_role_sid"]
    attributes = requested.attributes
    facts: Facts = {
        "chat_service_sid": service.sid,
        "attributes": "{}" if attributes is None else checks.attributes(attributes, LONGEST_ATTRIBUTES),
        "messaging_binding": binding,
        "role_sid": role,
        "date_created": context.stamp,
        "date_updated": context.stamp,
        "last_read_message_index": None,
        "last_read_timestamp": None,
        "notification_level": "default",
    }
    return context.store.add("participant", context.new_sid("MB"), conversation.sid, facts, name=requested.identity)


def _judge_new_identity(context: Context, service: Row, conversation: Row, identity: str) -> None:
    users.judge_identity(identity)
    store = context.store
    if store.named("participant", conversation.sid, identity):
        raise ApiError(409, ALREADY_IN, "Participant already exists")
    if store.count_named("participant", identity) >= MOST_CONVERSATIONS:
        held = [
            row
            for row in store.all_named("participant", identity)
            if row.facts["chat_service_sid"] == service.sid and _is_open(context, row)
        ]
        if len(held) >= MOST_CONVERSATIONS:
            raise ApiError(
                context.rules.limit_status, USER_IN_TOO_MANY, f"More than {MOST_CONVERSATIONS} conversations"
            )
    if context.rules.implicit_user == "created" and not store.named("user", service.sid, identity):
        users.add(context, service, identity, {})


def _is_open(context: Context, participant: Row) -> bool:
    """Return whether a participant's conversation is not closed; the docs count active and inactive ones together."""
    assert participant.parent is not None
    conversation = context.store.get("conversation", participant.parent)
    return conversation is not None and conversation.facts["state"] != "closed"


def _channel(address: str, code: int) -> str:
    if len(address) <= 256:
        for channel, form in _CHANNELS.items():
            if form.match(address):
                return channel
    raise refused(code, f"Invalid messaging binding address: {address}")


def _binding(context: Context, conversation: Row, requested: NewParticipant) -> Facts | None:
    address, proxy, projected = requested.address, requested.proxy_address, requested.projected_address
    if address is None:
        if proxy is not None:
            raise refused(BAD_ADDRESS, "MessagingBinding.ProxyAddress needs MessagingBinding.Address")
        return None if projected is None else {"type": _channel(projected, BAD_PROXY), "projected_address": projected}
    channel = _channel(address, BAD_ADDRESS)
    if conversation.facts["messaging_service_sid"] is None:
        raise refused(NO_MESSAGING_SERVICE, "The conversation has no messaging service")
    if proxy is None:
        if any(
            row.parent == conversation.sid and "proxy_address" not in row.facts["messaging_binding"]
            for row in context.store.addressed(address)
        ):
            raise ApiError(
                context.rules.duplicate_status, IN_GROUP_TWICE, f"The address {address} is already in the conversation"
            )
        return {"type": channel, "address": address}
    if proxy == address:
        raise refused(ADDRESS_IS_PROXY, "MessagingBinding.Address and MessagingBinding.ProxyAddress are the same")
    if _channel(proxy, BAD_PROXY) != channel:
        raise refused(CHANNELS_DIFFER, "MessagingBinding.Address and MessagingBinding.ProxyAddress differ in channel")
    # Unique across all open conversations of the account; the message as in public code.
    for row in context.store.addressed(address):
        if row.facts["messaging_binding"].get("proxy_address") == proxy and _is_open(context, row):
            message = f"A binding for this participant and proxy address already exists in Conversation {row.parent}"
            raise ApiError(context.rules.duplicate_status, PAIR_TAKEN, message)
    return {"type": channel, "address": address, "proxy_address": proxy}


def _judge_limits(context: Context, conversation: Row, binding: Facts | None) -> None:
    store, status = context.store, context.rules.limit_status
    number = store.count("participant", conversation.sid)
    most = context.rules.participant_limit
    if number >= most:
        raise ApiError(status, TOO_MANY, f"More than {most} participants")
    if binding is None or number < MOST_IN_GROUP:
        return
    bindings = [row.facts["messaging_binding"] for row in store.children("participant", conversation.sid)]
    outside = [other for other in bindings if other is not None]
    if "proxy_address" not in binding and len([one for one in outside if "proxy_address" not in one]) >= MOST_IN_GROUP:
        raise ApiError(status, GROUP_TOO_LARGE, f"More than {MOST_IN_GROUP} participants in a group")
    if len(outside) >= MOST_OUTSIDE_CHAT:
        raise ApiError(status, TOO_MANY_OUTSIDE_CHAT, f"More than {MOST_OUTSIDE_CHAT} participants outside chat")


def _list(context: Context) -> Reply:
    _, conversation = conversations.parent(context)
    return page(context, Children(context, "participant", conversation.sid), body, most=100)


def _create(context: Context) -> Reply:
    service, conversation = conversations.parent(context)
    args = context.args
    requested = NewParticipant(
        identity=args.text("Identity") or None,
        address=args.text("MessagingBinding.Address") or None,
        proxy_address=args.text("MessagingBinding.ProxyAddress") or None,
        projected_address=args.text("MessagingBinding.ProjectedAddress") or None,
        attributes=args.text("Attributes"),
        role_sid=checks.role(context, service, "RoleSid", "conversation", BAD_ROLE),
    )
    row = add(context, service, conversation, requested)
    checks.set_dates(context, row.facts)
    context.store.put(row)
    return Reply(201, body(context, row))


def _one(context: Context, conversation: Row) -> Row:
    """Find a participant by SID or identity (OpenAPI)."""
    key, store = context.values["Sid"], context.store
    return context.found(
        store.get("participant", key, conversation.sid) or store.named("participant", conversation.sid, key)
    )


def _fetch(context: Context) -> Reply:
    _, conversation = conversations.parent(context)
    return Reply(200, body(context, _one(context, conversation)))


def _update(context: Context) -> Reply:
    service, conversation = conversations.parent(context)
    row, args = _one(context, conversation), context.args
    conversations.refuse_closed(conversation)
    row.facts["date_updated"] = context.stamp
    _update_identity(context, service, conversation, row)
    _update_binding(context, row)
    attributes = args.text("Attributes")
    if attributes is not None:
        row.facts["attributes"] = checks.attributes(attributes, LONGEST_ATTRIBUTES)
    row.facts["role_sid"] = checks.role(context, service, "RoleSid", "conversation", BAD_ROLE) or row.facts["role_sid"]
    set_last_read(context, row)
    checks.set_dates(context, row.facts)
    context.store.put(row)
    return Reply(200, body(context, row))


def set_last_read(context: Context, row: Row) -> None:
    """Apply how far a participant has read (OpenAPI: update only)."""
    index, moment = context.args.number("LastReadMessageIndex"), context.args.text("LastReadTimestamp")
    if index is not None:
        row.facts["last_read_message_index"] = index
        row.facts["last_read_timestamp"] = context.stamp
    if moment is not None:
        try:
            row.facts["last_read_timestamp"] = write_date(read_date(moment))
        except (ValueError, OverflowError) as error:
            raise refused(UNKNOWN_PARAMETER, "LastReadTimestamp is not an ISO 8601 date") from error


def _update_identity(context: Context, service: Row, conversation: Row, row: Row) -> None:
    identity = context.args.text("Identity")
    if identity is None or identity == row.name:
        return
    if row.name is not None or "projected_address" not in (row.facts["messaging_binding"] or {}):
        raise refused(IDENTITY_IS_FIXED, "Only a participant with a projected address can be given an Identity")
    _judge_new_identity(context, service, conversation, identity)
    row.name = identity


def _update_binding(context: Context, row: Row) -> None:
    """Refuse another proxy address (an issue with the generated provider: 400, 50441); removing it is allowed."""
    binding: Facts = dict(row.facts["messaging_binding"] or {})
    proxy = context.args.text("MessagingBinding.ProxyAddress")
    projected = context.args.text("MessagingBinding.ProjectedAddress")
    if proxy == _REMOVAL:
        binding.pop("proxy_address", None)
    elif proxy is not None and proxy != binding.get("proxy_address"):
        raise refused(PROXY_IS_FIXED, "MessagingBinding.ProxyAddress cannot be changed")
    if projected == _REMOVAL:
        binding.pop("projected_address", None)
    elif projected is not None:
        if row.name is None:
            raise refused(NO_PROJECTION, "Only a participant with an Identity can have a projected address")
        binding |= {"type": _channel(projected, BAD_PROXY), "projected_address": projected}
    row.facts["messaging_binding"] = binding if set(binding) - {"type"} else None


def _delete(context: Context) -> Reply:
    _, conversation = conversations.parent(context)
    context.store.remove(_one(context, conversation).sid)
    return Reply(204)


_FAULTS = Faults(invalid={"RoleSid": BAD_ROLE})

TABLE: Table = in_both_forms(
    {
        ("GET", "Conversations/{ConversationSid}/Participants"): Behavior(_list),
        ("POST", "Conversations/{ConversationSid}/Participants"): Behavior(_create, _FAULTS),
        ("GET", "Conversations/{ConversationSid}/Participants/{Sid}"): Behavior(_fetch),
        ("POST", "Conversations/{ConversationSid}/Participants/{Sid}"): Behavior(_update, _FAULTS),
        ("DELETE", "Conversations/{ConversationSid}/Participants/{Sid}"): Behavior(_delete),
    }
)
