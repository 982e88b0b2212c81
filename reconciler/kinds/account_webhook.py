"""The kind `account_webhook`: the webhooks of services without webhooks of their own."""

from __future__ import annotations

from typing import Annotated

from reconciler.kinds.base import Kind
from reconciler.kinds.markers import Choice, Declaration, Description, Example, OnChange, Url, Vocabulary, Wire
from reconciler.kinds.vocabulary import ACCOUNT_FILTERS, METHODS

# The account and its services have the same two webhooks.
Method = Annotated[
    str | None,
    Wire("Method"),
    Choice(METHODS),
    OnChange("medium"),
    Example("POST"),
    Description("The HTTP method of both webhooks."),
]
PreWebhookUrl = Annotated[
    str | None,
    Wire("PreWebhookUrl"),
    Url(),
    OnChange(
        "high",
        "a different server can change or reject messages and other requests",
        # Not that no server could: a service without webhooks has those of the account.
        added="this server can now change or reject messages and other requests",
        removed="this server can no longer change or reject messages and other requests",
    ),
    Example("https://hooks.example.com/pre"),
    Description("Called before an event; its response can change or reject the event."),
]
PostWebhookUrl = Annotated[
    str | None,
    Wire("PostWebhookUrl"),
    Url(),
    OnChange("medium"),
    Example("https://hooks.example.com/post"),
    Description("Called after an event."),
]


class AccountWebhook(Declaration):
    """The settings of the account's webhooks."""

    target: Annotated[
        str | None,
        Wire("Target"),
        Choice(("webhook", "flex")),
        OnChange("high", "the account's events go to Flex instead of the webhooks, or the reverse"),
        Example("webhook"),
        Description("The destination of events: these webhooks, or Flex."),
    ] = None
    method: Method = None
    filters: Annotated[
        tuple[str, ...] | None,
        Wire("Filters"),
        Vocabulary(ACCOUNT_FILTERS),
        OnChange("medium"),
        Example(["onMessageAdded", "onConversationAdded"]),
        Description("The events that trigger the webhooks."),
    ] = None
    pre_webhook_url: PreWebhookUrl = None
    post_webhook_url: PostWebhookUrl = None


ACCOUNT_WEBHOOK = Kind(
    name="account_webhook",
    model=AccountWebhook,
    section=("account", "webhooks"),
    path="/v1/Configuration/Webhooks",
    summary="Webhooks for the events of all services that have no webhooks of their own.",
    docs="https://www.twilio.com/docs/conversations/api/webhook-configuration-resource",
    singleton=True,
    initial={"method": "POST", "target": "webhook"},
    deletable=False,
)
