"""Bindings of a service: devices that get push notifications.

Only SDKs create them; the REST API reads and deletes them (OpenAPI).
"""

from __future__ import annotations

from typing import Literal

from reconciler.emulator.behavior.context import Behavior, Body, Context, Reply, Table
from reconciler.emulator.paging import Children, Source, ordered, page
from reconciler.emulator.store import Facts, Row

BindingType = Literal["apn", "gcm", "fcm"]

# OpenAPI example.
MESSAGE_TYPES = ("removed_from_conversation", "new_message", "added_to_conversation")


def facts(*, stamp: str, identity: str, binding_type: BindingType, endpoint: str, credential_sid: str | None) -> Facts:
    """Return a binding as stored."""
    return {
        "credential_sid": credential_sid,
        "date_created": stamp,
        "date_updated": stamp,
        "endpoint": endpoint,
        "identity": identity,
        "binding_type": binding_type,
        "message_types": list(MESSAGE_TYPES),
    }


def _body(context: Context, row: Row) -> Body:
    return {
        "sid": row.sid,
        "account_sid": context.account_sid,
        "chat_service_sid": row.parent,
        **row.facts,
        "url": context.url(context.home(), "Bindings", row.sid),
    }


def _list(context: Context) -> Reply:
    service = context.service()
    kinds, identities = context.args.texts("BindingType"), context.args.texts("Identity")
    source: Source = Children(context, "binding", service.sid)
    if kinds or identities:
        rows = [
            row
            for row in context.store.children("binding", service.sid)
            if (not kinds or row.facts["binding_type"] in kinds)
            and (not identities or row.facts["identity"] in identities)
        ]
        source = ordered(context, rows)
    return page(context, source, _body, most=100)


def _one(context: Context) -> Row:
    return context.found(context.store.get("binding", context.values["Sid"], context.service().sid))


def _fetch(context: Context) -> Reply:
    return Reply(200, _body(context, _one(context)))


def _delete(context: Context) -> Reply:
    context.store.remove(_one(context).sid)
    return Reply(204)


TABLE: Table = {
    ("GET", "/v1/Services/{ChatServiceSid}/Bindings"): Behavior(_list),
    ("GET", "/v1/Services/{ChatServiceSid}/Bindings/{Sid}"): Behavior(_fetch),
    ("DELETE", "/v1/Services/{ChatServiceSid}/Bindings/{Sid}"): Behavior(_delete),
}
