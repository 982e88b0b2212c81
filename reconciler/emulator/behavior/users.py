"""Users of a service (`…/Users`, and `/v1/Users` for the default service)."""

from __future__ import annotations

import re

from reconciler.emulator.arguments import Faults
from reconciler.emulator.behavior import checks
from reconciler.emulator.behavior.context import Behavior, Body, Context, Reply, Table, in_both_forms
from reconciler.emulator.errors import ApiError, refused
from reconciler.emulator.paging import Children, page
from reconciler.emulator.store import Facts, Row

# Error dictionary.
EXISTS = 50201
IDENTITY_MISSING = 50204
IDENTITY_LIKE_SID = 50206
IDENTITY_TOO_LONG = 50207
# A user's role is a role of type service (docs, User resource).
BAD_ROLE = 50102

_USER_SID = re.compile(r"US[0-9a-fA-F]{32}\Z")


def judge_identity(identity: str) -> str:
    """Check an identity (error dictionary: 50206, 50207; OpenAPI: 256 characters)."""
    checks.text_of_length(identity, "Identity", 256, IDENTITY_TOO_LONG)
    if _USER_SID.match(identity):
        raise refused(IDENTITY_LIKE_SID, f"Identity has the form of a user's SID: {identity}")
    return identity


def add(context: Context, service: Row, identity: str, facts: Facts) -> Row:
    """Create a user, with the service's default role unless the facts have one."""
    return context.store.add(
        "user",
        context.new_sid("US"),
        service.sid,
        {
            "friendly_name": None,
            "attributes": "{}",
            "role_sid": service.facts["configuration"]["default_chat_service_role_sid"],
            "date_created": context.stamp,
            "date_updated": context.stamp,
            **facts,
        },
        name=identity,
    )


def find(context: Context, service: Row, key: str) -> Row:
    """Find a user by SID or identity (OpenAPI: both are accepted in paths)."""
    store = context.store
    return context.found(store.get("user", key, service.sid) or store.named("user", service.sid, key))


def _body(context: Context, row: Row) -> Body:
    facts = row.facts
    return {
        "sid": row.sid,
        "account_sid": context.account_sid,
        "chat_service_sid": row.parent,
        "role_sid": facts["role_sid"],
        "identity": row.name,
        "friendly_name": checks.shown_text(context, facts["friendly_name"]),
        "attributes": facts["attributes"],
        # Volatile, and null in lists (OpenAPI); no user is ever online here.
        "is_online": None if context.operation.envelope else False,
        "is_notifiable": None if context.operation.envelope else False,
        "date_created": facts["date_created"],
        "date_updated": facts["date_updated"],
        "url": context.url(context.home(), "Users", row.sid),
        "links": {"user_conversations": context.url(context.home(), "Users", row.sid, "Conversations")},
    }


def _sent(context: Context, service: Row) -> Facts:
    facts: Facts = {}
    name = context.args.text("FriendlyName")
    if name is not None:
        # An empty name clears it (the community provider's live test).
        facts["friendly_name"] = checks.friendly_name(name, 256)
    attributes = context.args.text("Attributes")
    if attributes is not None:
        facts["attributes"] = checks.attributes(attributes, context.rules.user_attributes_limit)
    role = checks.role(context, service, "RoleSid", "service", BAD_ROLE)
    if role is not None:
        facts["role_sid"] = role
    return facts


def _list(context: Context) -> Reply:
    return page(context, Children(context, "user", context.service().sid), _body, most=50)


def _create(context: Context) -> Reply:
    service = context.service()
    identity = judge_identity(context.args.text("Identity") or "")
    facts = _sent(context, service)
    if context.store.named("user", service.sid, identity):
        # Unique in the service, case-sensitive (OpenAPI, the parameter's text).
        raise ApiError(context.rules.duplicate_status, EXISTS, "User already exists")
    return Reply(201, _body(context, add(context, service, identity, facts)))


def _fetch(context: Context) -> Reply:
    return Reply(200, _body(context, find(context, context.service(), context.values["Sid"])))


def _update(context: Context) -> Reply:
    service = context.service()
    user = find(context, service, context.values["Sid"])
    user.facts.update(_sent(context, service), date_updated=context.stamp)
    context.store.put(user)
    return Reply(200, _body(context, user))


def _delete(context: Context) -> Reply:
    service = context.service()
    user = find(context, service, context.values["Sid"])
    identity = user.name
    assert identity is not None
    if context.rules.participants_of_deleted_user == "removed":
        for participant in context.store.all_named("participant", identity):
            if participant.facts["chat_service_sid"] == service.sid:
                context.store.remove(participant.sid)
    context.store.remove(user.sid)
    return Reply(204)


_INVALID = {"RoleSid": BAD_ROLE}

TABLE: Table = in_both_forms(
    {
        ("GET", "Users"): Behavior(_list),
        ("POST", "Users"): Behavior(_create, Faults(missing={"Identity": IDENTITY_MISSING}, invalid=_INVALID)),
        ("GET", "Users/{Sid}"): Behavior(_fetch),
        ("POST", "Users/{Sid}"): Behavior(_update, Faults(invalid=_INVALID)),
        ("DELETE", "Users/{Sid}"): Behavior(_delete),
    }
)
