"""Roles of a service (`…/Roles`, and `/v1/Roles` for the default service)."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.emulator.arguments import Faults
from reconciler.emulator.behavior import checks, vocabulary
from reconciler.emulator.behavior.context import Behavior, Body, Context, Reply, Table, in_both_forms
from reconciler.emulator.behavior.vocabulary import DEFAULT_ROLES, RoleType
from reconciler.emulator.errors import CONFLICT, ApiError, refused
from reconciler.emulator.paging import Children, page
from reconciler.emulator.store import Row

# Error dictionary.
NAME_MISSING = 50000
UNKNOWN_PERMISSION = 50104
BAD_TYPE = 50105


def add(context: Context, service: Row, name: str, kind: RoleType, permissions: Sequence[str]) -> Row:
    """Create a role."""
    return context.store.add(
        "role",
        context.new_sid("RL"),
        service.sid,
        {
            "friendly_name": name,
            "type": kind,
            "permissions": list(permissions),
            "date_created": context.stamp,
            "date_updated": context.stamp,
        },
        name=name,
    )


def _body(context: Context, row: Row) -> Body:
    return {
        "sid": row.sid,
        "account_sid": context.account_sid,
        "chat_service_sid": row.parent,
        **row.facts,
        "permissions": checks.shown_set(context, row.facts["permissions"]),
        "url": context.url(context.home(), "Roles", row.sid),
    }


def _permissions(context: Context, kind: RoleType) -> list[str]:
    permissions = context.args.texts("Permission") or []
    unknown = [permission for permission in permissions if permission not in vocabulary.PERMISSIONS[kind]]
    if unknown and context.rules.unknown_permission == "refused":
        raise refused(UNKNOWN_PERMISSION, f"Unknown permissions of a {kind} role: {', '.join(unknown)}")
    return list(dict.fromkeys(permissions))


def _list(context: Context) -> Reply:
    return page(context, Children(context, "role", context.service().sid), _body, most=50)


def _create(context: Context) -> Reply:
    service = context.service()
    name = checks.friendly_name(context.args.text("FriendlyName") or "", context.rules.role_name_limit)
    kind: RoleType = "service" if context.args.text("Type") == "service" else "conversation"
    permissions = _permissions(context, kind)
    alike = [role for role in context.store.children("role", service.sid) if role.name == name]
    if context.rules.role_names == "unique" and any(role.facts["type"] == kind for role in alike):
        raise ApiError(context.rules.duplicate_status, CONFLICT, f"A role named {name} already exists")
    return Reply(201, _body(context, add(context, service, name, kind, permissions)))


def _one(context: Context) -> Row:
    return context.found(context.store.get("role", context.values["Sid"], context.service().sid))


def _fetch(context: Context) -> Reply:
    return Reply(200, _body(context, _one(context)))


def _update(context: Context) -> Reply:
    role = _one(context)
    # The whole set is replaced (OpenAPI, the parameter's text).
    role.facts["permissions"] = _permissions(context, role.facts["type"])
    role.facts["date_updated"] = context.stamp
    context.store.put(role)
    return Reply(200, _body(context, role))


def _delete(context: Context) -> Reply:
    """Delete a role. No rule on default roles and roles in use is documented, so each is a switch."""
    service, role, rules, store = context.service(), _one(context), context.rules, context.store
    configuration = service.facts["configuration"]
    named_by = [key for key in DEFAULT_ROLES if configuration[key] == role.sid]
    if named_by and rules.default_role == "refused":
        raise ApiError(400, CONFLICT, f"The role is the service's {named_by[0]}")
    holders = store.holders(role.sid)
    if holders and rules.role_in_use == "refused":
        raise ApiError(400, CONFLICT, f"The role is held by {len(holders)} users or participants")
    for key in named_by:
        configuration[key] = None
    store.put(service)
    for holder in holders:
        is_user = holder.kind == "user"
        holder.facts["role_sid"] = configuration[
            "default_chat_service_role_sid" if is_user else "default_conversation_role_sid"
        ]
        store.put(holder)
    store.remove(role.sid)
    return Reply(204)


_CREATE_FAULTS = Faults(missing={"FriendlyName": NAME_MISSING, "Type": BAD_TYPE}, invalid={"Type": BAD_TYPE})

TABLE: Table = in_both_forms(
    {
        ("GET", "Roles"): Behavior(_list),
        ("POST", "Roles"): Behavior(_create, _CREATE_FAULTS),
        ("GET", "Roles/{Sid}"): Behavior(_fetch),
        ("POST", "Roles/{Sid}"): Behavior(_update),
        ("DELETE", "Roles/{Sid}"): Behavior(_delete),
    }
)
