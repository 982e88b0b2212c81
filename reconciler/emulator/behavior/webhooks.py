"""Webhooks of the account (`/v1/Configuration/Webhooks`) and of a service (`…/Configuration/Webhooks`).

Singletons: they always exist, and unset fields are null (OpenAPI, the service's example of an empty one).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from reconciler.emulator.arguments import Faults
from reconciler.emulator.behavior import checks, vocabulary
from reconciler.emulator.behavior.context import Behavior, Body, Context, Reply, Table
from reconciler.emulator.errors import refused
from reconciler.emulator.store import Facts

# Error dictionary; that filters have code 50054 is our decision.
BAD_FILTERS = 50054
BAD_METHOD = 50055
BAD_URLS = {"PreWebhookUrl": 50077, "PostWebhookUrl": 50078}

URL_KEYS = {"PreWebhookUrl": "pre_webhook_url", "PostWebhookUrl": "post_webhook_url"}


def unset() -> Facts:
    """Return webhooks that were never configured."""
    return {"method": None, "filters": None, "pre_webhook_url": None, "post_webhook_url": None}


def _update(context: Context, facts: Facts, known: Collection[str]) -> None:
    method = context.args.text("Method")
    if method is not None:
        facts["method"] = checks.method(method, "Method", BAD_METHOD)
    filters = context.args.texts("Filters")
    if filters:
        facts["filters"] = checks.filters(context, filters, known, BAD_FILTERS)
    elif filters is not None and checks.emptied(
        context.rules.empty_filters, refused(BAD_FILTERS, "Filters may not be empty")
    ):
        facts["filters"] = []
    for name, key in URL_KEYS.items():
        url = context.args.text(name)
        if url:
            facts[key] = checks.web_url(url, name, BAD_URLS[name])
        elif url is not None and checks.emptied(context.rules.empty_webhook_url, refused(BAD_URLS[name], name)):
            facts[key] = ""


# What replaces null in webhooks that were never configured, by the rule's reading.
_UNSET: Mapping[str, Mapping[str, Any]] = {
    "null": {},
    "empty": {"method": "POST", "filters": [], "pre_webhook_url": "", "post_webhook_url": ""},
    "post": {"method": "POST", "filters": []},
}


def _render(context: Context, facts: Facts, unset: str) -> Body:
    body: Body = {
        "method": checks.shown_method(context, facts["method"]),
        "filters": None if facts["filters"] is None else checks.shown_set(context, facts["filters"]),
        "pre_webhook_url": checks.shown_text(context, facts["pre_webhook_url"]),
        "post_webhook_url": checks.shown_text(context, facts["post_webhook_url"]),
    }
    usual = _UNSET[unset]
    return {key: usual.get(key) if facts[key] is None else value for key, value in body.items()}


def _account_body(context: Context, facts: Facts) -> Body:
    return {
        "account_sid": context.account_sid,
        **_render(context, facts, context.rules.unset_account_webhooks),
        "target": facts["target"],
        "url": context.url("/v1/Configuration/Webhooks"),
    }


def _fetch_of_account(context: Context) -> Reply:
    return Reply(200, _account_body(context, context.account.facts["webhooks"]))


def _update_of_account(context: Context) -> Reply:
    account = context.account
    facts = account.facts["webhooks"]
    _update(context, facts, vocabulary.ACCOUNT_FILTERS)
    facts["target"] = context.args.text("Target") or facts["target"]
    context.store.put(account)
    return Reply(200, _account_body(context, facts))


def _service_body(context: Context, facts: Facts) -> Body:
    return {
        "account_sid": context.account_sid,
        "chat_service_sid": context.values["ChatServiceSid"],
        **_render(context, facts, context.rules.unset_webhooks),
        "url": context.url(context.home(), "Configuration", "Webhooks"),
    }


def _fetch_of_service(context: Context) -> Reply:
    return Reply(200, _service_body(context, context.service().facts["webhooks"]))


def _update_of_service(context: Context) -> Reply:
    service = context.service()
    facts = service.facts["webhooks"]
    _update(context, facts, vocabulary.service_filters(context.rules))
    context.store.put(service)
    return Reply(200, _service_body(context, facts))


_FAULTS = Faults(invalid={"Method": BAD_METHOD})

# The community SDK and provider use the first path for the second one's resource in their live tests.
ALIASES: Mapping[str, str] = {"/v1/Conversations/Webhooks": "/v1/Configuration/Webhooks"}

TABLE: Table = {
    ("GET", "/v1/Configuration/Webhooks"): Behavior(_fetch_of_account),
    ("POST", "/v1/Configuration/Webhooks"): Behavior(_update_of_account, _FAULTS),
    ("GET", "/v1/Services/{ChatServiceSid}/Configuration/Webhooks"): Behavior(_fetch_of_service),
    ("POST", "/v1/Services/{ChatServiceSid}/Configuration/Webhooks"): Behavior(_update_of_service, _FAULTS),
}
