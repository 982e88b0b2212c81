"""The kind `account_webhook`: where the events of services without webhooks of their own go."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reconciler.kinds.base import Kind
from reconciler.kinds.markers import Choice, Declaration, Example, OnChange, Url, Vocabulary, Wire
from reconciler.kinds.vocabulary import ACCOUNT_FILTERS, METHODS

# Both hooks are the same for the account and for a service.
Method = Annotated[
    str | None,
    Wire("Method"),
    Choice(METHODS),
    OnChange("medium"),
    Example("POST"),
    Field(description="The HTTP method of both hooks."),
]
PreWebhookUrl = Annotated[
    str | None,
    Wire("PreWebhookUrl"),
    Url(),
    OnChange("high", "another server may change or reject what people send"),
    Example("https://hooks.example.com/pre"),
    Field(description="Asked before an event takes place; it may change or reject it."),
]
PostWebhookUrl = Annotated[
    str | None,
    Wire("PostWebhookUrl"),
    Url(),
    OnChange("medium"),
    Example("https://hooks.example.com/post"),
    Field(description="Told after an event took place."),
]


class AccountWebhook(Declaration):
    """What can be set on the account's webhooks."""

    target: Annotated[
        str | None,
        Wire("Target"),
        Choice(("webhook", "flex")),
        OnChange("high", "the account's events go to another place altogether"),
        Example("webhook"),
        Field(description="Whether events go to the URLs here or to Flex."),
    ] = None
    method: Method = None
    filters: Annotated[
        tuple[str, ...] | None,
        Wire("Filters"),
        Vocabulary(ACCOUNT_FILTERS),
        OnChange("medium"),
        Example(["onMessageAdded", "onConversationAdded"]),
        Field(description="The events that are sent."),
    ] = None
    pre_webhook_url: PreWebhookUrl = None
    post_webhook_url: PostWebhookUrl = None


ACCOUNT_WEBHOOK = Kind(
    name="account_webhook",
    model=AccountWebhook,
    section=("account", "webhooks"),
    path="/v1/Configuration/Webhooks",
    summary="Where the events of services without webhooks of their own go.",
    docs="https://www.twilio.com/docs/conversations/api/webhook-configuration-resource",
    singleton=True,
    initial={"method": "POST", "target": "webhook"},
    deletable=False,
)
