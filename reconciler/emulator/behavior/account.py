"""The account: its initial state and its configuration (`/v1/Configuration`)."""

from __future__ import annotations

from reconciler.emulator.arguments import Faults
from reconciler.emulator.behavior import checks, services, timers, webhooks
from reconciler.emulator.behavior.context import Behavior, Body, Context, Reply, Table
from reconciler.emulator.errors import refused

# Its name in the console (public code).
DEFAULT_SERVICE_NAME = "Default Conversations Service"
# Error dictionary.
BAD_MESSAGING_SERVICE = 50341


def create(context: Context) -> None:
    """Create the account as a new one is: with a default service and a default messaging service, without timers.

    Public code shows that both exist from the start. The target of the account's webhooks is `webhook`, unlike Flex's
    (inferred).
    """
    account = context.store.add(
        "account",
        context.account_sid,
        None,
        {
            "configuration": {
                "default_chat_service_sid": None,
                "default_messaging_service_sid": context.new_sid("MG"),
                "default_inactive_timer": None,
                "default_closed_timer": None,
            },
            "webhooks": {**webhooks.unset(), "target": "webhook"},
        },
    )
    service = services.create(context, DEFAULT_SERVICE_NAME)
    account.facts["configuration"]["default_chat_service_sid"] = service.sid
    context.store.put(account)


def _body(context: Context) -> Body:
    configuration = context.account.facts["configuration"]
    service = configuration["default_chat_service_sid"]
    return {
        "account_sid": context.account_sid,
        **configuration,
        "url": context.url("/v1/Configuration"),
        "links": {
            "service": context.url("/v1/Services", service, "Configuration") if service else None,
            "webhooks": context.url("/v1/Configuration/Webhooks"),
        },
    }


def _fetch(context: Context) -> Reply:
    return Reply(200, _body(context))


def _update(context: Context) -> Reply:
    account, args, rules = context.account, context.args, context.rules
    configuration = account.facts["configuration"]
    service = args.text("DefaultChatServiceSid")
    if service is not None:
        configuration["default_chat_service_sid"] = checks.service_sid(context, service, "DefaultChatServiceSid")
    messaging = args.text("DefaultMessagingServiceSid")
    if messaging:
        # Messaging services belong to another API: any well-formed SID is accepted as one of this account (our
        # decision).
        configuration["default_messaging_service_sid"] = messaging
    elif messaging is not None and checks.emptied(
        rules.empty_messaging_service, refused(BAD_MESSAGING_SERVICE, "DefaultMessagingServiceSid is empty")
    ):
        configuration["default_messaging_service_sid"] = None
    timer_names: tuple[tuple[timers.Name, str], ...] = (
        ("inactive", "DefaultInactiveTimer"),
        ("closed", "DefaultClosedTimer"),
    )
    for name, parameter in timer_names:
        text = args.text(parameter)
        if text is None:
            continue
        judged = timers.judge(name, text, empty=rules.empty_account_timer, zero=rules.zero_timer)
        if judged is not None:
            configuration[f"default_{name}_timer"] = judged or None
    context.store.put(account)
    return Reply(200, _body(context))


_FAULTS = Faults(
    invalid={"DefaultMessagingServiceSid": BAD_MESSAGING_SERVICE},
    may_be_empty=frozenset({"DefaultMessagingServiceSid"}),
)

TABLE: Table = {
    ("GET", "/v1/Configuration"): Behavior(_fetch),
    ("POST", "/v1/Configuration"): Behavior(_update, _FAULTS),
}
