"""The kind `service_webhook`: the webhooks of one service, which replace the account's for that service."""

from __future__ import annotations

from typing import Annotated

from reconciler.kinds.account_webhook import Method, PostWebhookUrl, PreWebhookUrl
from reconciler.kinds.base import Kind
from reconciler.kinds.hooks import Consequence, PartialValues
from reconciler.kinds.markers import Declaration, Description, Example, OnChange, Vocabulary, Wire
from reconciler.kinds.vocabulary import SERVICE_FILTERS


class ServiceWebhook(Declaration):
    """The settings of a service's webhooks."""

    method: Method = None
    filters: Annotated[
        tuple[str, ...] | None,
        Wire("Filters"),
        Vocabulary(SERVICE_FILTERS),
        OnChange("medium"),
        Example(["onMessageAdded"]),
        Description("The events that trigger the webhooks."),
    ] = None
    pre_webhook_url: PreWebhookUrl = None
    post_webhook_url: PostWebhookUrl = None


def _consequences(before: PartialValues | None, after: PartialValues | None, _name: str) -> tuple[Consequence, ...]:
    """Report that a service's first webhook replaces the account's (source: Twilio docs, per-service webhooks)."""
    had, has = (
        any((values or {}).get(path) for path in ("pre_webhook_url", "post_webhook_url")) for values in (before, after)
    )
    if has and before is None:
        return (Consequence("low", "The account's webhooks do not receive this service's events."),)
    if has and not had:
        return (Consequence("low", "The account's webhooks no longer receive this service's events."),)
    if had and not has:
        return (Consequence("low", "The account's webhooks receive this service's events again."),)
    return ()


SERVICE_WEBHOOK = Kind(
    name="service_webhook",
    model=ServiceWebhook,
    section=("webhooks",),
    path="/v1/Services/{service}/Configuration/Webhooks",
    summary="Webhooks for the events of one service. If set, they replace the account's webhooks for that service.",
    docs="https://www.twilio.com/docs/conversations/api/per-service-webhook-resource",
    parent="service",
    singleton=True,
    initial={"method": "POST"},
    deletable=False,
    consequences=_consequences,
)
