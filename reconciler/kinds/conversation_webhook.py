"""The kind `conversation_webhook`: a webhook, keyword trigger, or Studio flow of one conversation."""

from __future__ import annotations

from typing import Annotated

from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content, words_of
from reconciler.kinds.hooks import Fault, PartialValues, Values
from reconciler.kinds.markers import (
    Choice,
    Declaration,
    Description,
    Example,
    FreeWords,
    Immutable,
    NotClearable,
    OnChange,
    Range,
    Required,
    Sid,
    Url,
    Vocabulary,
    Wire,
    WriteOnly,
)
from reconciler.kinds.vocabulary import METHODS, POST_FILTERS


class ConversationWebhook(Declaration):
    """The settings of a conversation's webhook."""

    target: Annotated[
        str | None,
        Wire("Target"),
        Immutable(),
        Required(),
        Choice(("webhook", "trigger", "studio")),
        OnChange("high"),
        Example("webhook"),
        Description("The type: a URL that receives events, a URL that receives keywords, or a Studio flow."),
    ] = None
    url: Annotated[
        str | None,
        Wire("Configuration.Url"),
        # Source: error 50372.
        Url(512),
        NotClearable("a webhook requires a URL"),
        OnChange("medium"),
        Example("https://crm.example.com/hook"),
        Description("The URL that is called. For targets `webhook` and `trigger`."),
    ] = None
    method: Annotated[
        str | None,
        Wire("Configuration.Method"),
        Choice(METHODS),
        OnChange("medium"),
        Example("POST"),
        Description("The HTTP method. For targets `webhook` and `trigger`."),
    ] = None
    filters: Annotated[
        tuple[str, ...] | None,
        Wire("Configuration.Filters"),
        # Source: Twilio docs, conversation-scoped webhooks: post-action events only.
        Vocabulary(POST_FILTERS, at_least_one=True),
        OnChange("medium"),
        Example(["onMessageAdded"]),
        Description("The events that are sent. For targets `webhook` and `studio`."),
    ] = None
    triggers: Annotated[
        tuple[str, ...] | None,
        Wire("Configuration.Triggers"),
        FreeWords(),
        OnChange("medium"),
        Example(["help", "stop"]),
        Description("The keywords in a message that call the URL, at most five. For target `trigger`."),
    ] = None
    flow_sid: Annotated[
        str | None,
        Wire("Configuration.FlowSid"),
        Sid("FW"),
        OnChange("medium"),
        Example("FW0123456789abcdef0123456789abcdef"),
        Description("The Studio flow that is started. For target `studio`."),
    ] = None
    replay_after: Annotated[
        int | None,
        Wire("Configuration.ReplayAfter"),
        Immutable(),
        # Unverified whether it is returned: the examples lack it, the community provider reads it.
        WriteOnly(),
        Range(0, 2**31 - 1),
        Example(0),
        Description("On create, existing messages after this message index are sent once."),
    ] = None


# The fields of each target, and those that it requires (errors 50367 to 50371). A Studio webhook accepts filters, too
# (community Terraform provider).
_FOR = {
    "webhook": ("url", "method", "filters"),
    "trigger": ("url", "method", "triggers"),
    "studio": ("flow_sid", "filters"),
}
_NEEDED = {"webhook": ("url", "filters"), "trigger": ("url", "triggers"), "studio": ("flow_sid",)}
_CONFIGURED = ("url", "method", "filters", "triggers", "flow_sid")


def _names(values: PartialValues) -> str:
    """Return the target and its destination."""
    parts = (values.get("target"), values.get("flow_sid") or values.get("url"))
    return " ".join(part for part in parts if isinstance(part, str))


def _normalize(live: Values) -> Values:
    """Move live values to the fields that the configuration uses.

    A trigger's keywords are returned under `triggers` (community provider) or under `filters` (example in the OpenAPI
    description). Unverified whether a Studio flow's filters are returned: if there are none, they are unknown.
    """
    if live.get("target") == "studio" and not live.get("filters"):
        return {path: content for path, content in live.items() if path != "filters"}
    if live.get("target") != "trigger" or live.get("triggers"):
        return live
    return {**live, "triggers": live.get("filters"), "filters": None}


def _tolerates(path: str, _desired: object, live: Content) -> bool:
    """Tolerate any filters of a Studio flow if the API does not return them."""
    return path == "filters" and live is None


_MOST_TRIGGERS, _LONGEST_TRIGGER = 5, 248
"""Source: errors 50362 and 50366."""


def _check(values: PartialValues) -> tuple[Fault, ...]:
    target, triggers = values.get("target"), words_of(values.get("triggers"))
    faults: list[Fault] = []
    if len(triggers) > _MOST_TRIGGERS:
        message = f"{len(triggers)} triggers are too many: Twilio accepts {_MOST_TRIGGERS}"
        faults.append(Fault("triggers", message, "remove some, or declare another webhook for them"))
    if any(len(word) > _LONGEST_TRIGGER for word in triggers):
        message = f"a trigger is too long: Twilio accepts {_LONGEST_TRIGGER} characters"
        faults.append(Fault("triggers", message, "shorten it"))
    if target not in _FOR:
        return tuple(faults)
    return (*faults, *_misplaced(str(target), values))


def _misplaced(target: str, values: PartialValues) -> tuple[Fault, ...]:
    return tuple(
        Fault(
            path,
            f"{path} has no effect for target {target}",
            f"remove it; {target} uses {', '.join(_FOR[target])}",
        )
        for path in _CONFIGURED
        if path not in _FOR[target] and values.get(path) is not None
    )


def _check_create(values: PartialValues) -> tuple[Fault, ...]:
    target = str(values.get("target"))
    return tuple(
        Fault("target", f"target {target} requires `{path}`", f"set {path}")
        for path in _NEEDED.get(target, ())
        if not values.get(path)
    )


CONVERSATION_WEBHOOK = Kind(
    name="conversation_webhook",
    model=ConversationWebhook,
    section=("webhooks",),
    path="/v1/Services/{service}/Conversations/{conversation}/Webhooks",
    summary="A webhook, keyword trigger, or Studio flow of one conversation. A conversation can have at most five.",
    docs="https://www.twilio.com/docs/conversations/api/conversation-scoped-webhook-resource",
    parent="conversation",
    typical_fields=("target", "url", "method", "filters"),
    sid_prefix="WH",
    list_key="webhooks",
    # Source: the documented page size of scoped webhooks is 5, which is also their maximum number.
    page_size=5,
    check=_check,
    check_create=_check_create,
    compose_key=_names,
    key_summary="`target` and `url` or `flow_sid`, then the most similar one",
    normalize=_normalize,
    tolerates=_tolerates,
    discriminator="target",
    match_by_content=True,
    handle_fields=("target",),
    # Source: error 50361, the sixth webhook of a conversation.
    max_per_parent=5,
)
