"""Push credentials (`/v1/Credentials`).

Secrets are never returned (OpenAPI). Only their digests are stored.
"""

from __future__ import annotations

import hashlib

from reconciler.emulator.behavior import checks
from reconciler.emulator.behavior.context import Behavior, Body, Context, Reply, Table
from reconciler.emulator.errors import UNKNOWN_PARAMETER, refused
from reconciler.emulator.paging import Children, page
from reconciler.emulator.store import Facts, Row

# OpenAPI: the type of each is documented, but an example has a credential with nothing but a type.
SECRETS = ("Certificate", "PrivateKey", "ApiKey", "Secret")
LONGEST_NAME = 64


def _body(context: Context, row: Row) -> Body:
    facts = row.facts
    return {
        "sid": row.sid,
        "account_sid": context.account_sid,
        "friendly_name": checks.shown_text(context, facts["friendly_name"]),
        "type": facts["type"],
        "sandbox": _sandbox(context, facts),
        "date_created": facts["date_created"],
        "date_updated": facts["date_updated"],
        "url": context.url("/v1/Credentials", row.sid),
    }


def _sandbox(context: Context, facts: Facts) -> str | None:
    """Return sandbox as text (OpenAPI; a fixed bug of the community provider); null for FCM (a recorded response)."""
    if facts["type"] == "fcm":
        return None
    text = str(facts["sandbox"])
    return text if context.rules.sandbox_text == "title" else text.lower()


def _sent(context: Context, facts: Facts) -> None:
    name = context.args.text("FriendlyName")
    if name or (name is not None and context.rules.empty_credential_name == "clears"):
        facts["friendly_name"] = checks.friendly_name(name, LONGEST_NAME)
    sandbox = context.args.flag("Sandbox")
    if sandbox is not None:
        facts["sandbox"] = sandbox
    for parameter in SECRETS:
        secret = context.args.text(parameter)
        if secret is not None:
            facts["secrets"][parameter] = "sha256:" + hashlib.sha256(secret.encode()).hexdigest()


def _list(context: Context) -> Reply:
    return page(context, Children(context, "credential", context.account_sid), _body, most=100)


def _create(context: Context) -> Reply:
    facts: Facts = {
        "type": context.args.text("Type"),
        "friendly_name": None,
        "sandbox": False,
        "secrets": {},
        "date_created": context.stamp,
        "date_updated": context.stamp,
    }
    _sent(context, facts)
    return Reply(
        201, _body(context, context.store.add("credential", context.new_sid("CR"), context.account_sid, facts))
    )


def _one(context: Context) -> Row:
    return context.found(context.store.get("credential", context.values["Sid"]))


def _fetch(context: Context) -> Reply:
    return Reply(200, _body(context, _one(context)))


def _update(context: Context) -> Reply:
    row = _one(context)
    kind = context.args.text("Type")
    if kind is not None and kind != row.facts["type"]:
        if context.rules.credential_type_update == "refused":
            raise refused(UNKNOWN_PARAMETER, "The type of a credential cannot be changed")
        if context.rules.credential_type_update == "changes":
            row.facts["type"] = kind
    _sent(context, row.facts)
    row.facts["date_updated"] = context.stamp
    context.store.put(row)
    return Reply(200, _body(context, row))


def _delete(context: Context) -> Reply:
    context.store.remove(_one(context).sid)
    return Reply(204)


TABLE: Table = {
    ("GET", "/v1/Credentials"): Behavior(_list),
    ("POST", "/v1/Credentials"): Behavior(_create),
    ("GET", "/v1/Credentials/{Sid}"): Behavior(_fetch),
    ("POST", "/v1/Credentials/{Sid}"): Behavior(_update),
    ("DELETE", "/v1/Credentials/{Sid}"): Behavior(_delete),
}
