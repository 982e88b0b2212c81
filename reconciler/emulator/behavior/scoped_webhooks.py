"""Webhooks of one conversation: at most five, each with a webhook, a trigger, or a Studio flow as its target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from reconciler.emulator.arguments import Faults
from reconciler.emulator.behavior import checks, conversations
from reconciler.emulator.behavior.context import Behavior, Body, Context, Reply, Table, in_both_forms
from reconciler.emulator.behavior.vocabulary import SCOPED_FILTERS
from reconciler.emulator.errors import UNKNOWN_PARAMETER, ApiError, refused
from reconciler.emulator.paging import Children, page
from reconciler.emulator.store import Facts, Row

Target = Literal["webhook", "trigger", "studio"]

# Error dictionary.
TOO_MANY = 50361
TOO_MANY_TRIGGERS = 50362
BAD_TARGET = 50364
BAD_FILTER = 50365
BAD_TRIGGER = 50366
BAD_FLOW = 50367
TARGET_MISSING = 50368
URL_MISSING = 50369
FILTERS_MISSING = 50370
TRIGGERS_MISSING = 50371
URL_TOO_LONG = 50372

# Docs, conversation-scoped webhook resource; error dictionary 50361, 50362, 50366, 50372.
MOST = 5
MOST_TRIGGERS = 5
LONGEST_TRIGGER = 248
LONGEST_URL = 512

_URL, _METHOD, _FILTERS, _TRIGGERS, _FLOW = (
    f"Configuration.{name}" for name in ("Url", "Method", "Filters", "Triggers", "FlowSid")
)
# The parameters that each target uses (error dictionary 50367 to 50371), except for ReplayAfter.
_OF_TARGET: Mapping[Target, tuple[str, ...]] = {
    "webhook": (_URL, _METHOD, _FILTERS),
    "trigger": (_URL, _METHOD, _TRIGGERS),
    # Filters as the community Terraform provider sends them.
    "studio": (_FLOW, _FILTERS),
}


def _body(context: Context, row: Row) -> Body:
    facts = row.facts
    _, conversation = conversations.parent(context)
    return {
        "sid": row.sid,
        "account_sid": context.account_sid,
        **({"chat_service_sid": conversation.parent} if context.in_service_form else {}),
        "conversation_sid": conversation.sid,
        "target": facts["target"],
        "url": context.url(*conversations.home(context, conversation), "Webhooks", row.sid),
        "configuration": _shown(context, facts["configuration"]),
        "date_created": facts["date_created"],
        "date_updated": facts["date_updated"],
    }


def _shown(context: Context, stored: Facts) -> Body:
    shown = dict(stored)
    if "method" in shown:
        shown["method"] = checks.shown_method(context, shown["method"])
    if "flow_sid" in shown and context.rules.studio_filters == "hidden":
        shown.pop("filters", None)
    if "filters" in shown:
        shown["filters"] = checks.shown_set(context, shown["filters"])
    if "triggers" in shown and context.rules.trigger_keywords == "filters":
        shown["filters"] = shown.pop("triggers")
    if context.rules.replay_after == "hidden":
        shown.pop("replay_after", None)
    return shown


def _configuration(context: Context, target: Target, before: Facts) -> Facts:
    """Return a webhook's new configuration, with only the keys that its target uses (OpenAPI examples)."""
    useless = {name for names in _OF_TARGET.values() for name in names} - set(_OF_TARGET[target])
    checks.refuse_inapplicable(context, sorted(useless), f"the target {target}")
    if target == "studio":
        flow = context.args.text(_FLOW) or before.get("flow_sid")
        if not flow:
            raise refused(BAD_FLOW, f"{_FLOW} is missing")
        after: Facts = {"flow_sid": flow}
        filters = context.args.texts(_FILTERS)
        chosen = before.get("filters") if filters is None else filters
        if chosen:
            after["filters"] = checks.filters(context, chosen, SCOPED_FILTERS, BAD_FILTER)
    else:
        after = {
            "url": _url(context, before),
            # Unverified, our decision: POST if none was sent.
            "method": context.args.text(_METHOD) or before.get("method", "POST"),
        }
        if target == "webhook":
            after["filters"] = _filters(context, before)
        else:
            after["triggers"] = _triggers(context, before)
    if "replay_after" in before:
        after["replay_after"] = before["replay_after"]
    return after


def _url(context: Context, before: Facts) -> str:
    url = context.args.text(_URL)
    url = before.get("url") if url is None else url
    if not url:
        raise refused(URL_MISSING, f"{_URL} is missing")
    checks.text_of_length(url, _URL, LONGEST_URL, URL_TOO_LONG)
    return checks.web_url(url, _URL, UNKNOWN_PARAMETER)


def _filters(context: Context, before: Facts) -> list[str]:
    sent = context.args.texts(_FILTERS)
    if sent:
        return checks.filters(context, sent, SCOPED_FILTERS, BAD_FILTER)
    filters: list[str] = before.get("filters", [])
    # A webhook needs filters (50370), so clearing them is refused as well.
    if not filters or (sent is not None and checks.emptied(context.rules.empty_filters, refused(BAD_FILTER, _FILTERS))):
        raise refused(FILTERS_MISSING, f"{_FILTERS} is missing")
    return filters


def _triggers(context: Context, before: Facts) -> list[str]:
    sent = context.args.texts(_TRIGGERS)
    if sent is None:
        sent = before.get("triggers", [])
    if not sent:
        raise refused(TRIGGERS_MISSING, f"{_TRIGGERS} is missing")
    if len(sent) > MOST_TRIGGERS:
        raise ApiError(context.rules.limit_status, TOO_MANY_TRIGGERS, f"More than {MOST_TRIGGERS} triggers")
    for trigger in sent:
        checks.text_of_length(trigger, _TRIGGERS, LONGEST_TRIGGER, BAD_TRIGGER)
    return sent


def _list(context: Context) -> Reply:
    _, conversation = conversations.parent(context)
    return page(context, Children(context, "webhook", conversation.sid), _body, usual=MOST, most=MOST)


def _create(context: Context) -> Reply:
    _, conversation = conversations.parent(context)
    target: Target = context.args.text("Target")  # type: ignore[assignment]  # required, and the enum was judged
    replay = context.args.number("Configuration.ReplayAfter")
    if replay is not None and replay < 0:
        raise refused(UNKNOWN_PARAMETER, "Configuration.ReplayAfter is negative")
    configuration = _configuration(context, target, {} if replay is None else {"replay_after": replay})
    if context.store.count("webhook", conversation.sid) >= MOST:
        raise ApiError(context.rules.limit_status, TOO_MANY, f"More than {MOST} webhooks in a conversation")
    facts: Facts = {
        "target": target,
        "configuration": configuration,
        "date_created": context.stamp,
        "date_updated": context.stamp,
    }
    return Reply(201, _body(context, context.store.add("webhook", context.new_sid("WH"), conversation.sid, facts)))


def _one(context: Context) -> Row:
    _, conversation = conversations.parent(context)
    return context.found(context.store.get("webhook", context.values["Sid"], conversation.sid))


def _fetch(context: Context) -> Reply:
    return Reply(200, _body(context, _one(context)))


def _update(context: Context) -> Reply:
    row = _one(context)
    row.facts["configuration"] = _configuration(context, row.facts["target"], row.facts["configuration"])
    row.facts["date_updated"] = context.stamp
    context.store.put(row)
    return Reply(200, _body(context, row))


def _delete(context: Context) -> Reply:
    context.store.remove(_one(context).sid)
    return Reply(204)


_FAULTS = Faults(
    missing={"Target": TARGET_MISSING}, invalid={"Target": BAD_TARGET, _FLOW: BAD_FLOW}, as_sent=frozenset({_METHOD})
)

TABLE: Table = in_both_forms(
    {
        ("GET", "Conversations/{ConversationSid}/Webhooks"): Behavior(_list),
        ("POST", "Conversations/{ConversationSid}/Webhooks"): Behavior(_create, _FAULTS),
        ("GET", "Conversations/{ConversationSid}/Webhooks/{Sid}"): Behavior(_fetch),
        # Refused since March 2021 (the community SDK's changelog), unlike every other update without parameters.
        ("POST", "Conversations/{ConversationSid}/Webhooks/{Sid}"): Behavior(
            _update, _FAULTS, may_update_nothing=False
        ),
        ("DELETE", "Conversations/{ConversationSid}/Webhooks/{Sid}"): Behavior(_delete),
    }
)
