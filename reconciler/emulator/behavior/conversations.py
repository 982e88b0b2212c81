"""Conversations of a service (`…/Conversations`, and `/v1/Conversations` for the default service)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import get_args

from reconciler.emulator.arguments import Faults
from reconciler.emulator.behavior import checks, timers
from reconciler.emulator.behavior.context import Behavior, Body, Context, Reply, Table, in_both_forms, read_date
from reconciler.emulator.errors import UNKNOWN_PARAMETER, ApiError, refused
from reconciler.emulator.paging import Children, Selected, Source, page
from reconciler.emulator.store import Facts, Row

# Error dictionary.
UNIQUE_NAME_TOO_LONG = 50004
UNIQUE_NAME_LIKE_SID = 50306
BAD_MESSAGING_SERVICE = 50341
EMPTY_UPDATE = 50347
UNIQUE_NAME_TAKEN = 50353
EMPTY_STATE = 50374
CLOSED_IS_FINAL = 50377
BAD_STATE = 50378
TIMERS_WITHOUT_STATE = 50382
CREATED_CLOSED = 50384
INITIALIZING = 50386
END_BEFORE_START = 50396

# Docs, limits.
LONGEST_ATTRIBUTES = 16 * 1024
# A maximum exists (50004), but its value is not published: our decision.
LONGEST_UNIQUE_NAME = 256

_STATES = ("inactive", "active", "closed")
_CONVERSATION_SID = re.compile(r"CH[0-9a-fA-F]{32}\Z")
_EMAIL = re.compile(r"([^\s@]+)@([^\s@]+)\Z")
_TIMER_PARAMETERS: Mapping[timers.Name, str] = {"inactive": "Timers.Inactive", "closed": "Timers.Closed"}
assert set(_TIMER_PARAMETERS) == set(get_args(timers.Name))


def find(context: Context, service: Row, key: str) -> Row:
    """Find a conversation by SID or unique name (OpenAPI)."""
    store = context.store
    return context.found(store.get("conversation", key, service.sid) or store.named("conversation", service.sid, key))


def parent(context: Context) -> tuple[Row, Row]:
    """Find the service and the conversation of a nested resource; that its path accepts both names is inferred."""
    service, key = context.service(), context.values["ConversationSid"]
    if context.rules.conversation_in_paths == "sid only":
        return service, context.found(context.store.get("conversation", key, service.sid))
    return service, find(context, service, key)


def refuse_closed(conversation: Row) -> None:
    """Refuse a change of a closed conversation (docs, states and timers; error dictionary: 50377)."""
    if conversation.facts["state"] == "closed":
        raise refused(CLOSED_IS_FINAL, f"The conversation {conversation.sid} is closed")


def home(context: Context, conversation: Row) -> tuple[str, ...]:
    """Return the base URL of resources in a conversation."""
    return context.home(), "Conversations", conversation.sid


def body(context: Context, row: Row) -> Body:
    """Render a conversation."""
    facts = row.facts
    url = home(context, row)
    return {
        "account_sid": context.account_sid,
        "chat_service_sid": row.parent,
        "messaging_service_sid": facts["messaging_service_sid"],
        "sid": row.sid,
        "friendly_name": facts["friendly_name"],
        "unique_name": checks.shown_text(context, facts["unique_name"]),
        "attributes": facts["attributes"],
        "state": facts["state"],
        "date_created": facts["date_created"],
        "date_updated": facts["date_updated"],
        "timers": facts["timers"],
        "url": context.url(*url),
        "links": {
            "participants": context.url(*url, "Participants"),
            "messages": context.url(*url, "Messages"),
            "webhooks": context.url(*url, "Webhooks"),
            # The 2026 description's examples.
            "export": context.url(*url, "Export"),
        },
        "bindings": _shown_bindings(facts["bindings"]),
    }


def _shown_bindings(stored: Facts) -> Body:
    """Return the bindings: the address that was sent is not returned, its projection is (OpenAPI example)."""
    return {"email": {key: value for key, value in stored.items() if key != "address"}} if stored else {}


def create(context: Context) -> Row:
    """Create a conversation from the request."""
    service, args = context.service(), context.args
    defaults = context.account.facts["configuration"]
    if args.text("State") is None and any(name in args for name in _TIMER_PARAMETERS.values()):
        raise refused(TIMERS_WITHOUT_STATE, "Timers of a new conversation need its State")
    state = _state(context) or "active"
    if state == "closed":
        raise refused(CREATED_CLOSED, "A conversation cannot be created closed")
    name = _unique_name(context, service, None) or None
    facts: Facts = {
        "friendly_name": None,
        "unique_name": name,
        "attributes": "{}",
        "messaging_service_sid": defaults["default_messaging_service_sid"],
        "state": state,
        # The account's defaults apply to every conversation without timers of its own (OpenAPI, their text).
        "durations": {
            name: defaults[f"default_{name}_timer"] for name in _TIMER_PARAMETERS if defaults[f"default_{name}_timer"]
        },
        "timers": {},
        "bindings": {},
        "created_by": "system",
        "next_index": 0,
        "date_created": context.stamp,
        "date_updated": context.stamp,
    }
    _sent(context, facts)
    row = context.store.add("conversation", context.new_sid("CH"), service.sid, facts, name=name)
    timers.restart(row, context.stamp)
    context.store.put(row)
    return row


def _unique_name(context: Context, service: Row, own: Row | None) -> str | None:
    """Check that a unique name is free in the service; "" clears it (the provider's live test)."""
    name = context.args.text("UniqueName")
    if not name:
        return name
    checks.text_of_length(name, "UniqueName", LONGEST_UNIQUE_NAME, UNIQUE_NAME_TOO_LONG)
    if _CONVERSATION_SID.match(name):
        raise refused(UNIQUE_NAME_LIKE_SID, f"UniqueName has the form of a conversation's SID: {name}")
    other = context.store.named("conversation", service.sid, name)
    if other is not None and (own is None or other.sid != own.sid):
        # Status and message as logged in public.
        raise ApiError(409, UNIQUE_NAME_TAKEN, "Conversation with provided unique name already exists")
    return name


def _state(context: Context) -> str | None:
    text = context.args.text("State")
    if text is None:
        return None
    if not text:
        raise refused(EMPTY_STATE, "State may not be empty")
    if text.lower() == "initializing":
        raise refused(INITIALIZING, "A conversation cannot be set to initializing")
    if text.lower() not in _STATES:
        raise refused(BAD_STATE, f"Invalid value of State: {text}")
    return text.lower()


def _sent(context: Context, facts: Facts) -> None:
    """Apply the parameters that create and update have in common."""
    args, rules = context.args, context.rules
    name = args.text("FriendlyName")
    if name:
        # An empty one keeps the old value (the community provider's note).
        facts["friendly_name"] = checks.friendly_name(name, 256)
    attributes = args.text("Attributes")
    if attributes is not None:
        facts["attributes"] = checks.attributes(attributes, LONGEST_ATTRIBUTES)
    messaging = args.text("MessagingServiceSid")
    if messaging:
        facts["messaging_service_sid"] = messaging
    elif messaging is not None and checks.emptied(
        rules.empty_messaging_service, refused(BAD_MESSAGING_SERVICE, "MessagingServiceSid is empty")
    ):
        facts["messaging_service_sid"] = context.account.facts["configuration"]["default_messaging_service_sid"]
    for timer, parameter in _TIMER_PARAMETERS.items():
        text = args.text(parameter)
        if text is None:
            continue
        judged = timers.judge(timer, text, empty=rules.empty_conversation_timer, zero=rules.zero_timer)
        if judged:
            facts["durations"][timer] = judged
        elif judged is not None:
            facts["durations"].pop(timer, None)
    _set_bindings(context, facts)
    checks.set_dates(context, facts)


def _set_bindings(context: Context, facts: Facts) -> None:
    address, name = context.args.text("Bindings.Email.Address"), context.args.text("Bindings.Email.Name")
    bindings: Facts = facts["bindings"]
    if address is not None and address != bindings.get("address"):
        found = _EMAIL.match(address)
        if found is None:
            raise refused(UNKNOWN_PARAMETER, "Bindings.Email.Address is not an email address")
        # A generated plus-address (OpenAPI example); how it is generated is our decision.
        bindings |= {"address": address, "projected_address": f"{found[1]}+{context.new_sid('')[:16]}@{found[2]}"}
    if name is not None:
        if not bindings:
            raise refused(UNKNOWN_PARAMETER, "Bindings.Email.Name needs Bindings.Email.Address")
        bindings["name"] = name
    if bindings:
        bindings.setdefault("name", None)


def _list(context: Context) -> Reply:
    """List conversations, newest first: by activity, or by creation if dates are given (docs, Conversations)."""
    service = context.service()
    state, start, end = context.args.text("State"), _bound(context, "StartDate"), _bound(context, "EndDate")
    if start and end and end < start:
        raise refused(END_BEFORE_START, "EndDate is before StartDate")
    source: Source = Children(context, "conversation", service.sid, order="active", newest_first=True)
    if state or start or end:
        rows = context.store.children("conversation", service.sid)
        rows = [row for row in rows if state in {None, row.facts["state"]} and _within(row, start, end)]
        if start or end:
            rows.sort(key=lambda row: (row.facts["date_created"], row.made), reverse=True)
        else:
            rows.sort(key=lambda row: row.active, reverse=True)
        source = Selected(rows)
    return page(context, source, body, most=100)


def _bound(context: Context, name: str) -> datetime | None:
    text = context.args.text(name)
    if not text:
        return None
    try:
        moment = read_date(text)
        # A day ends with its last second.
        return moment + timedelta(days=1, seconds=-1) if name == "EndDate" and "T" not in text else moment
    except (ValueError, OverflowError) as error:
        raise refused(UNKNOWN_PARAMETER, f"{name} is not an ISO 8601 date") from error


def _within(row: Row, start: datetime | None, end: datetime | None) -> bool:
    created = read_date(row.facts["date_created"])
    return (start is None or start <= created) and (end is None or created <= end)


def _create(context: Context) -> Reply:
    return Reply(201, body(context, create(context)))


def _one(context: Context) -> Row:
    return find(context, context.service(), context.values["Sid"])


def _fetch(context: Context) -> Reply:
    return Reply(200, body(context, _one(context)))


def _update(context: Context) -> Reply:
    service, row = context.service(), _one(context)
    refuse_closed(row)
    state, name = _state(context), _unique_name(context, service, row)
    row.facts["date_updated"] = context.stamp
    _sent(context, row.facts)
    if name is not None:
        row.name, row.facts["unique_name"] = name or None, name
    if state is not None:
        timers.set_state(row, state)
    # Unverified, our decision: setting a state or a timer restarts all timers; other changes do not.
    if state is not None or any(parameter in context.args for parameter in _TIMER_PARAMETERS.values()):
        timers.restart(row, context.stamp)
    context.store.put(row)
    return Reply(200, body(context, row))


def _delete(context: Context) -> Reply:
    context.store.remove(_one(context).sid)
    return Reply(204)


FAULTS = Faults(
    invalid={"MessagingServiceSid": BAD_MESSAGING_SERVICE},
    may_be_empty=frozenset({"MessagingServiceSid"}),
    own=frozenset({"State"}),
)

TABLE: Table = in_both_forms(
    {
        ("GET", "Conversations"): Behavior(_list),
        ("POST", "Conversations"): Behavior(_create, FAULTS),
        ("GET", "Conversations/{Sid}"): Behavior(_fetch),
        ("POST", "Conversations/{Sid}"): Behavior(_update, FAULTS, EMPTY_UPDATE),
        ("DELETE", "Conversations/{Sid}"): Behavior(_delete),
    }
)
