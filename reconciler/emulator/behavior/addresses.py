"""Address configurations (`/v1/Configuration/Addresses`): the handling of messages that match no conversation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from reconciler.emulator.arguments import Faults
from reconciler.emulator.behavior import checks
from reconciler.emulator.behavior.context import Behavior, Body, Context, Reply, Table
from reconciler.emulator.behavior.vocabulary import AUTO_CREATION_FILTERS
from reconciler.emulator.errors import CONFLICT, UNKNOWN_PARAMETER, ApiError, refused
from reconciler.emulator.paging import Children, Source, ordered, page
from reconciler.emulator.store import Facts, Row

Type = Literal["webhook", "studio", "default"]

# Error dictionary. Both are errors of Flex web chat; a rule says whether this API has them.
FLOW_MISSING = 45763
WEBHOOK_URL_MISSING = 45764

# OpenAPI; the second set is the 2026 description's.
_TYPES = ("sms", "whatsapp", "messenger", "gbm", "email")
_NEWER_TYPES = ("rcs", "apple", "chat")
# The form of each type's addresses: docs, Flex address guides, and public code; apple and rcs: 2026 description. The
# forms of gbm and chat are unknown.
_FORMS: Mapping[str, re.Pattern[str]] = {
    "sms": re.compile(r"\+?[0-9]{3,15}\Z"),
    "whatsapp": re.compile(r"whatsapp:\+?[0-9]{3,15}\Z"),
    "messenger": re.compile(r"messenger:\S+\Z"),
    "email": re.compile(r"[^\s@]+@[^\s@]+\Z"),
    "rcs": re.compile(r"rcs:\S+\Z"),
    "apple": re.compile(r"urn:\S+\Z"),
}
_COUNTRY = re.compile(r"[A-Za-z]{2}\Z")

# The parameters that each type of auto creation uses, besides Enabled, Type, and ConversationServiceSid.
_OF_TYPE: Mapping[Type, tuple[str, ...]] = {
    "webhook": ("AutoCreation.WebhookUrl", "AutoCreation.WebhookMethod", "AutoCreation.WebhookFilters"),
    "studio": ("AutoCreation.StudioFlowSid", "AutoCreation.StudioRetryCount"),
    "default": (),
}
# Zero to three in the community provider.
_MOST_RETRIES = 3


def _body(context: Context, row: Row) -> Body:
    facts = row.facts
    return {
        "sid": row.sid,
        "account_sid": context.account_sid,
        "type": facts["type"],
        "address": row.name,
        "friendly_name": checks.shown_text(context, facts["friendly_name"]),
        "auto_creation": _shown_auto_creation(context, facts["auto_creation"]),
        "address_country": facts["address_country"],
        "date_created": facts["date_created"],
        "date_updated": facts["date_updated"],
        "url": context.url("/v1/Configuration/Addresses", row.sid),
    }


# A recorded response of the community SDK (December 2022).
_AUTO_CREATION_KEYS = (
    "enabled",
    "type",
    "conversation_service_sid",
    "webhook_url",
    "webhook_method",
    "webhook_filters",
    "studio_flow_sid",
    "studio_retry_count",
    "binding_name",
)


def _shown_auto_creation(context: Context, stored: Facts) -> Body:
    """Return every key, null if unset (a recorded response), or only those of the type (OpenAPI examples)."""
    shown = dict(stored)
    if stored["type"] == "default" and context.rules.default_auto_creation_service == "hidden":
        shown.pop("conversation_service_sid", None)
    if stored["type"] == "webhook":
        shown["webhook_method"] = checks.shown_method(context, stored["webhook_method"])
        shown["webhook_filters"] = checks.shown_set(context, stored["webhook_filters"])
    if context.rules.auto_creation_keys == "all":
        return {key: shown.get(key) for key in _AUTO_CREATION_KEYS}
    return shown


def _auto_creation(context: Context, before: Facts) -> Facts:
    """Return the new auto creation.

    A change of type drops the former type's values and keeps the service (OpenAPI example).
    """
    args = context.args
    kind: Type = args.text("AutoCreation.Type") or before["type"]  # type: ignore[assignment]  # the enum was judged
    checks.refuse_inapplicable(
        context, [name for other, names in _OF_TYPE.items() if other != kind for name in names], f"the type {kind}"
    )
    enabled = args.flag("AutoCreation.Enabled")
    after: Facts = {"enabled": before["enabled"] if enabled is None else enabled, "type": kind}
    service = _service_sid(context, before)
    if service is not None:
        after["conversation_service_sid"] = service
    former = before if before["type"] == kind else {}
    if kind == "webhook":
        after |= _webhook(context, former)
    elif kind == "studio":
        after |= _studio(context, former)
    return after


def _service_sid(context: Context, before: Facts) -> str | None:
    name = "AutoCreation.ConversationServiceSid"
    sid, old = context.args.text(name), before.get("conversation_service_sid")
    if sid:
        return checks.service_sid(context, sid, name)
    cleared = sid is not None and checks.emptied(
        context.rules.empty_auto_creation_service, refused(UNKNOWN_PARAMETER, f"Invalid value of {name}: ")
    )
    assert old is None or isinstance(old, str)
    return None if cleared else old


def _webhook(context: Context, before: Facts) -> Facts:
    args = context.args
    url = args.text("AutoCreation.WebhookUrl")
    url = before.get("webhook_url") if url is None else url
    if not url and context.rules.incomplete_auto_creation == "refused":
        raise refused(WEBHOOK_URL_MISSING, "AutoCreation.WebhookUrl is missing")
    filters = args.texts("AutoCreation.WebhookFilters")
    if filters:
        chosen = checks.filters(context, filters, AUTO_CREATION_FILTERS, UNKNOWN_PARAMETER)
    elif filters is not None and checks.emptied(
        context.rules.empty_filters, refused(UNKNOWN_PARAMETER, "AutoCreation.WebhookFilters may not be empty")
    ):
        chosen = []
    else:
        chosen = before.get("webhook_filters", [])
    return {
        "webhook_url": checks.web_url(url, "AutoCreation.WebhookUrl", UNKNOWN_PARAMETER) if url else None,
        # POST if none was sent (the community provider's default).
        "webhook_method": args.text("AutoCreation.WebhookMethod") or before.get("webhook_method", "POST"),
        "webhook_filters": chosen,
    }


def _studio(context: Context, before: Facts) -> Facts:
    flow = context.args.text("AutoCreation.StudioFlowSid") or before.get("studio_flow_sid")
    if not flow and context.rules.incomplete_auto_creation == "refused":
        raise refused(FLOW_MISSING, "AutoCreation.StudioFlowSid is missing")
    retries = context.args.number("AutoCreation.StudioRetryCount")
    if retries is not None and not 0 <= retries <= _MOST_RETRIES:
        raise refused(UNKNOWN_PARAMETER, f"AutoCreation.StudioRetryCount is not between 0 and {_MOST_RETRIES}")
    return {
        "studio_flow_sid": flow,
        "studio_retry_count": before.get("studio_retry_count", 0) if retries is None else retries,
    }


def _judge_type(context: Context, text: str) -> str:
    known = _TYPES + (_NEWER_TYPES if context.rules.newer_address_types == "allowed" else ())
    if text.lower() not in known:
        raise refused(UNKNOWN_PARAMETER, f"Invalid value of Type: {text}")
    return text.lower()


def _list(context: Context) -> Reply:
    kind = context.args.text("Type")
    source: Source = Children(context, "address", context.account_sid)
    if kind:
        rows = context.store.children("address", context.account_sid)
        source = ordered(context, [row for row in rows if row.facts["type"] == kind.lower()])
    return page(context, source, _body, most=50)


def _create(context: Context) -> Reply:
    args, store = context.args, context.store
    kind = _judge_type(context, args.text("Type") or "")
    address = checks.text_of_length(args.text("Address") or "", "Address", 256, UNKNOWN_PARAMETER)
    if kind in _FORMS and not _FORMS[kind].match(address):
        raise refused(UNKNOWN_PARAMETER, f"Not an address of type {kind}: {address}")
    country = args.text("AddressCountry")
    if country is not None and not _COUNTRY.match(country):
        raise refused(UNKNOWN_PARAMETER, f"Invalid value of AddressCountry: {country}")
    name = args.text("FriendlyName")
    facts: Facts = {
        "type": kind,
        "friendly_name": checks.friendly_name(name, 256) if name else None,
        "auto_creation": _auto_creation(context, {"enabled": context.rules.auto_creation_enabled, "type": "default"}),
        "address_country": country.upper() if country else None,
        "date_created": context.stamp,
        "date_updated": context.stamp,
    }
    if store.named("address", context.account_sid, address):
        # One configuration for an address (the provider's docs); the code is our decision.
        raise ApiError(context.rules.duplicate_status, CONFLICT, f"The address {address} is already configured")
    row = store.add("address", context.new_sid("IG"), context.account_sid, facts, name=address)
    return Reply(201, _body(context, row))


def _one(context: Context) -> Row:
    """Find an address configuration by SID or by the address itself (OpenAPI)."""
    key, store = context.values["Sid"], context.store
    return context.found(store.get("address", key) or store.named("address", context.account_sid, key))


def _fetch(context: Context) -> Reply:
    return Reply(200, _body(context, _one(context)))


def _update(context: Context) -> Reply:
    row = _one(context)
    name = context.args.text("FriendlyName")
    if name or (name is not None and context.rules.empty_address_name == "clears"):
        row.facts["friendly_name"] = checks.friendly_name(name, 256)
    row.facts["auto_creation"] = _auto_creation(context, row.facts["auto_creation"])
    row.facts["date_updated"] = context.stamp
    context.store.put(row)
    return Reply(200, _body(context, row))


def _delete(context: Context) -> Reply:
    context.store.remove(_one(context).sid)
    return Reply(204)


_FAULTS = Faults(
    may_be_empty=frozenset({"AutoCreation.ConversationServiceSid"}),
    own=frozenset({"Type"}),
    as_sent=frozenset({"AutoCreation.WebhookMethod"}),
)

TABLE: Table = {
    ("GET", "/v1/Configuration/Addresses"): Behavior(_list),
    ("POST", "/v1/Configuration/Addresses"): Behavior(_create, _FAULTS),
    ("GET", "/v1/Configuration/Addresses/{Sid}"): Behavior(_fetch),
    ("POST", "/v1/Configuration/Addresses/{Sid}"): Behavior(_update, _FAULTS),
    ("DELETE", "/v1/Configuration/Addresses/{Sid}"): Behavior(_delete),
}
