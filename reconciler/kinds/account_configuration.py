"""The kind `account_configuration`: the account's default service, messaging service and timers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reconciler.kinds.base import Kind
from reconciler.kinds.markers import Declaration, Example, OnChange, Ref, Sid, Timer, Wire


class AccountConfiguration(Declaration):
    """What can be set on the account's configuration."""

    default_service: Annotated[
        str | None,
        Wire("DefaultChatServiceSid"),
        Ref("service", "account"),
        OnChange("high", "new conversations, and every account-level path, move to another service"),
        Example("support"),
        Field(description="The service that is meant where none is named."),
    ] = None
    default_messaging_service_sid: Annotated[
        str | None,
        Wire("DefaultMessagingServiceSid"),
        Sid("MG"),
        OnChange("medium", "new conversations send through another messaging service"),
        Example("MG0123456789abcdef0123456789abcdef"),
        Field(description="The messaging service that new conversations use."),
    ] = None
    default_inactive_timer: Annotated[
        str | None,
        Wire("DefaultInactiveTimer"),
        # Source: OpenAPI description, "Minimum value for this timer is 1 minute"; error 50375.
        Timer(60, "PT1M"),
        OnChange("medium"),
        Example("PT15M"),
        Field(description="How long until a quiet conversation becomes inactive; an ISO 8601 duration."),
    ] = None
    default_closed_timer: Annotated[
        str | None,
        Wire("DefaultClosedTimer"),
        # Source: OpenAPI description, "Minimum value for this timer is 10 minutes"; error 50376.
        Timer(600, "PT10M"),
        OnChange("medium", "conversations close, for good, after another time"),
        Example("P30D"),
        Field(description="How long until a quiet conversation is closed for good; an ISO 8601 duration."),
    ] = None


ACCOUNT_CONFIGURATION = Kind(
    name="account_configuration",
    model=AccountConfiguration,
    section=("account", "configuration"),
    path="/v1/Configuration",
    summary="The account's defaults: service, messaging service, timers.",
    docs="https://www.twilio.com/docs/conversations/api/configuration-resource",
    singleton=True,
    deletable=False,
)
