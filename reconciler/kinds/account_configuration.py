"""The kind `account_configuration`: the account's default service, messaging service, and timers."""

from __future__ import annotations

from typing import Annotated

from reconciler.kinds.base import Kind
from reconciler.kinds.markers import Declaration, Description, Example, OnChange, Ref, Sid, Timer, Wire


class AccountConfiguration(Declaration):
    """The settings of the account's configuration."""

    default_service: Annotated[
        str | None,
        Wire("DefaultChatServiceSid"),
        Ref("service", "account"),
        OnChange("high", "new conversations and account-level API paths use another service"),
        Example("support"),
        Description("The account's default service, used if a request names none."),
    ] = None
    default_messaging_service_sid: Annotated[
        str | None,
        Wire("DefaultMessagingServiceSid"),
        Sid("MG"),
        OnChange("medium", "new conversations use another messaging service"),
        Example("MG0123456789abcdef0123456789abcdef"),
        Description("The messaging service of new conversations."),
    ] = None
    default_inactive_timer: Annotated[
        str | None,
        Wire("DefaultInactiveTimer"),
        # Source: OpenAPI description, "Minimum value for this timer is 1 minute"; error 50375.
        Timer(60, "PT1M"),
        OnChange("medium"),
        Example("PT15M"),
        Description("Time without activity until a conversation becomes inactive, as an ISO 8601 duration."),
    ] = None
    default_closed_timer: Annotated[
        str | None,
        Wire("DefaultClosedTimer"),
        # Source: OpenAPI description, "Minimum value for this timer is 10 minutes"; error 50376.
        Timer(600, "PT10M"),
        OnChange("medium", "conversations close permanently after a different time"),
        Example("P30D"),
        Description("Time without activity until a conversation closes permanently, as an ISO 8601 duration."),
    ] = None


ACCOUNT_CONFIGURATION = Kind(
    name="account_configuration",
    model=AccountConfiguration,
    section=("account", "configuration"),
    path="/v1/Configuration",
    summary="Defaults of the account: service, messaging service, and timers.",
    docs="https://www.twilio.com/docs/conversations/api/configuration-resource",
    singleton=True,
    deletable=False,
)
