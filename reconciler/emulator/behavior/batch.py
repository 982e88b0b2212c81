"""A conversation and its first participants in one request (`…/ConversationWithParticipants`).

Twilio responds with 202 and continues in the background (docs). Here everything is done when the response is sent, and
nothing if one participant cannot be added (our decision).
"""

from __future__ import annotations

import json
from typing import Any

from reconciler.emulator.behavior import conversations, participants
from reconciler.emulator.behavior.context import Behavior, Context, Reply, Table, in_both_forms
from reconciler.emulator.errors import ApiError, refused
from reconciler.emulator.store import Row

# Error dictionary.
BAD_JSON = 50424
PAIR_TAKEN = 50425
TOO_MANY = 50426

# OpenAPI, the parameter's text.
MOST = 10

_KEYS = {"identity", "attributes", "role_sid", "messaging_binding"}
_BINDING_KEYS = {"address", "proxy_address", "projected_address"}


def _create(context: Context) -> Reply:
    requested = [_read(text) for text in context.args.texts("Participant") or []]
    if len(requested) > MOST:
        raise refused(TOO_MANY, f"More than {MOST} participants")
    conversation = conversations.create(context)
    service = context.service()
    for one in requested:
        _judge_role(context, service, one)
        try:
            participants.add(context, service, conversation, one)
        except ApiError as error:
            if error.code != participants.PAIR_TAKEN:
                raise
            raise ApiError(error.status, PAIR_TAKEN, error.message) from error
    return Reply(202 if requested else 201, conversations.body(context, conversation))


def _judge_role(context: Context, service: Row, participant: participants.NewParticipant) -> None:
    if participant.role_sid is None:
        return
    role = context.store.get("role", participant.role_sid, service.sid)
    if role is None or role.facts["type"] != "conversation":
        raise refused(
            participants.BAD_ROLE, f"No conversation role of the service {service.sid}: {participant.role_sid}"
        )


def _read(text: str) -> participants.NewParticipant:
    """Parse a participant in JSON (OpenAPI: it has the keys of the Participant resource)."""
    wrong = refused(BAD_JSON, "Participant is not the JSON of a participant")
    try:
        parsed: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise wrong from error
    if not isinstance(parsed, dict) or not set(parsed) <= _KEYS:
        raise wrong
    binding = parsed.pop("messaging_binding", None) or {}
    if not isinstance(binding, dict) or not set(binding) <= _BINDING_KEYS:
        raise wrong
    values = {**parsed, **binding}
    if not all(value is None or _is_text(value) for value in values.values()):
        raise wrong
    return participants.NewParticipant(
        identity=values.get("identity") or None,
        address=values.get("address") or None,
        proxy_address=values.get("proxy_address") or None,
        projected_address=values.get("projected_address") or None,
        attributes=values.get("attributes"),
        role_sid=values.get("role_sid"),
    )


def _is_text(value: object) -> bool:
    """Return whether a text can be stored; JSON can contain half a surrogate pair, which cannot."""
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)


TABLE: Table = in_both_forms({("POST", "ConversationWithParticipants"): Behavior(_create, conversations.FAULTS)})
