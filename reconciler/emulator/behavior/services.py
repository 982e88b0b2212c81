"""Services and their configuration (`/v1/Services`, `/v1/Services/{sid}/Configuration`)."""

from __future__ import annotations

from reconciler.emulator.arguments import Faults
from reconciler.emulator.behavior import checks, notifications, roles, webhooks
from reconciler.emulator.behavior.context import Behavior, Body, Context, Reply, Table
from reconciler.emulator.behavior.vocabulary import DEFAULT_ROLES, RoleType, built_in_roles, default_role_names
from reconciler.emulator.errors import CONFLICT, ApiError
from reconciler.emulator.paging import Children, page
from reconciler.emulator.store import Row

# Error dictionary: 50000 a friendly name is missing.
NAME_MISSING = 50000

# Parameter, response key, required type of the role, code if the role does not exist (error dictionary).
_ROLE_DEFAULTS: tuple[tuple[str, str, RoleType, int], ...] = (
    ("DefaultConversationCreatorRoleSid", "default_conversation_creator_role_sid", "conversation", 50106),
    ("DefaultConversationRoleSid", "default_conversation_role_sid", "conversation", 50101),
    ("DefaultChatServiceRoleSid", "default_chat_service_role_sid", "service", 50102),
)

_LINKS = {
    "conversations": ("Conversations",),
    "users": ("Users",),
    "roles": ("Roles",),
    "bindings": ("Bindings",),
    "configuration": ("Configuration",),
    "participant_conversations": ("ParticipantConversations",),
    "conversation_with_participants": ("ConversationWithParticipants",),
}


def create(context: Context, name: str) -> Row:
    """Create a service with the built-in roles and a configuration that names three of them.

    That all three defaults are set from the start is proved by the community provider's live test.
    """
    store = context.store
    service = store.add(
        "service",
        context.new_sid("IS"),
        context.account_sid,
        {
            "friendly_name": name,
            "date_created": context.stamp,
            "date_updated": context.stamp,
            "configuration": {**dict.fromkeys(DEFAULT_ROLES), "reachability_enabled": False},
            "notifications": notifications.unset(),
            "webhooks": webhooks.unset(),
        },
        name=name,
    )
    sids = {
        role_name: roles.add(context, service, role_name, kind, permissions).sid
        for role_name, kind, permissions in built_in_roles(context.rules)
    }
    for key, role_name in default_role_names(context.rules).items():
        service.facts["configuration"][key] = sids[role_name]
    store.put(service)
    return service


def _body(context: Context, row: Row) -> Body:
    return {
        "account_sid": context.account_sid if context.rules.service_account_sid == "given" else None,
        "sid": row.sid,
        "friendly_name": row.facts["friendly_name"],
        "date_created": row.facts["date_created"],
        "date_updated": row.facts["date_updated"],
        "url": context.url("/v1/Services", row.sid),
        "links": {key: context.url("/v1/Services", row.sid, *rest) for key, rest in _LINKS.items()},
    }


def _list(context: Context) -> Reply:
    return page(context, Children(context, "service", context.account_sid), _body, most=100)


def _create(context: Context) -> Reply:
    name = checks.friendly_name(context.args.text("FriendlyName") or "", 256)
    if context.rules.service_names == "unique" and context.store.named("service", context.account_sid, name):
        raise ApiError(context.rules.duplicate_status, CONFLICT, f"A service named {name} already exists")
    return Reply(201, _body(context, create(context, name)))


def _one(context: Context) -> Row:
    return context.found(context.store.get("service", context.values["Sid"]))


def _fetch(context: Context) -> Reply:
    return Reply(200, _body(context, _one(context)))


def _delete(context: Context) -> Reply:
    """Delete a service and everything in it (OpenAPI, the operation's text)."""
    service, account, store = _one(context), context.account, context.store
    if context.default_service_sid == service.sid:
        if context.rules.default_service == "refused":
            raise ApiError(400, CONFLICT, "The default service cannot be deleted")
        account.facts["configuration"]["default_chat_service_sid"] = None
        store.put(account)
    if context.rules.address_of_deleted_service != "kept":
        for address in store.children("address", context.account_sid):
            if address.facts["auto_creation"].get("conversation_service_sid") != service.sid:
                continue
            if context.rules.address_of_deleted_service == "deleted":
                store.remove(address.sid)
            else:
                del address.facts["auto_creation"]["conversation_service_sid"]
                store.put(address)
    store.remove(service.sid)
    return Reply(204)


def _configuration_body(context: Context, row: Row) -> Body:
    return {
        "chat_service_sid": row.sid,
        **row.facts["configuration"],
        "url": context.url("/v1/Services", row.sid, "Configuration"),
        "links": {
            "notifications": context.url("/v1/Services", row.sid, "Configuration", "Notifications"),
            "webhooks": context.url("/v1/Services", row.sid, "Configuration", "Webhooks"),
        },
    }


def _fetch_configuration(context: Context) -> Reply:
    return Reply(200, _configuration_body(context, context.service()))


def _update_configuration(context: Context) -> Reply:
    service = context.service()
    configuration = service.facts["configuration"]
    for name, key, kind, code in _ROLE_DEFAULTS:
        sid = checks.role(context, service, name, kind, code)
        if sid is not None:
            configuration[key] = sid
    reachable = context.args.flag("ReachabilityEnabled")
    if reachable is not None:
        configuration["reachability_enabled"] = reachable
    context.store.put(service)
    return Reply(200, _configuration_body(context, service))


_CONFIGURATION_FAULTS = Faults(invalid={name: code for name, _, _, code in _ROLE_DEFAULTS})

TABLE: Table = {
    ("GET", "/v1/Services"): Behavior(_list),
    ("POST", "/v1/Services"): Behavior(_create, Faults(missing={"FriendlyName": NAME_MISSING})),
    ("GET", "/v1/Services/{Sid}"): Behavior(_fetch),
    ("DELETE", "/v1/Services/{Sid}"): Behavior(_delete),
    ("GET", "/v1/Services/{ChatServiceSid}/Configuration"): Behavior(_fetch_configuration),
    ("POST", "/v1/Services/{ChatServiceSid}/Configuration"): Behavior(_update_configuration, _CONFIGURATION_FAULTS),
}
