"""Whether a service belongs to Flex, which creates resources of its own in it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from reconciler.kinds.account_webhook import ACCOUNT_WEBHOOK
from reconciler.kinds.hooks import Values
from reconciler.kinds.role import FLEX_ROLES, ROLE

ROLES, WEBHOOK = ROLE, ACCOUNT_WEBHOOK
"""The kinds whose resources are evidence: the roles of the service, and the account's webhook."""

# Source: Twilio docs, Flex "Conversations roles": these exist as service roles and as conversation roles.
_IN_BOTH_TYPES = ("admin", "supervisor")
_WORD = re.compile(r"[^\W_]+")


def is_flex_service(name: str, roles: Iterable[Values], default_webhook: Values | None = None) -> bool:
    """Return whether a service probably belongs to Flex.

    Nothing in the API marks such a service. This is our decision: the name contains the word "Flex" (Flex's own is
    "Flex Chat Service"), `admin` or `supervisor` exists in both types, all of Flex's roles exist, or it is the default
    service and the account's webhooks go to Flex.

    Args:
        name: The service's friendly name.
        roles: The values of its roles, as far as they were read.
        default_webhook: The values of the account's webhook if the service is the account's default; else None.
    """
    found = {(role.get("friendly_name"), role.get("type")) for role in roles}
    names = {one for one, _ in found}
    return (
        (default_webhook is not None and default_webhook.get("target") == "flex")
        or "flex" in _WORD.findall(name.lower())
        or any((one, "service") in found and (one, "conversation") in found for one in _IN_BOTH_TYPES)
        or names >= FLEX_ROLES
    )
