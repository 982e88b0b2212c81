"""The behavior of Twilio, by family of resources.

Gives ``TABLE``: every operation of the contract with its behavior. Each rule has its source in a comment: a page of
Twilio's docs, the OpenAPI description, the error dictionary, the community Terraform provider's live tests, or
"unverified: our decision". An unverified fact that matters to clients is a switch in ``rules``.
"""

from __future__ import annotations

from reconciler.emulator.behavior import (
    account,
    addresses,
    batch,
    bindings,
    conversations,
    credentials,
    memberships,
    messages,
    notifications,
    participants,
    roles,
    scoped_webhooks,
    services,
    users,
    webhooks,
)
from reconciler.emulator.behavior.context import Table

_FAMILIES = (
    account,
    addresses,
    batch,
    bindings,
    conversations,
    credentials,
    memberships,
    messages,
    notifications,
    participants,
    roles,
    scoped_webhooks,
    services,
    users,
    webhooks,
)

TABLE: Table = {key: behavior for family in _FAMILIES for key, behavior in family.TABLE.items()}
