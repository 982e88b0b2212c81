"""The kinds, one module each, in an explicit table. A new kind is one module and one line here."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.kinds.account_configuration import ACCOUNT_CONFIGURATION
from reconciler.kinds.account_webhook import ACCOUNT_WEBHOOK
from reconciler.kinds.address_configuration import ADDRESS_CONFIGURATION
from reconciler.kinds.base import Kind
from reconciler.kinds.conversation import CONVERSATION
from reconciler.kinds.conversation_webhook import CONVERSATION_WEBHOOK
from reconciler.kinds.credential import CREDENTIAL
from reconciler.kinds.participant import PARTICIPANT
from reconciler.kinds.role import ROLE
from reconciler.kinds.service import SERVICE
from reconciler.kinds.service_configuration import SERVICE_CONFIGURATION
from reconciler.kinds.service_notification import SERVICE_NOTIFICATION
from reconciler.kinds.service_webhook import SERVICE_WEBHOOK
from reconciler.kinds.user import USER

KINDS: tuple[Kind, ...] = (
    ACCOUNT_CONFIGURATION,
    ACCOUNT_WEBHOOK,
    SERVICE,
    SERVICE_CONFIGURATION,
    SERVICE_NOTIFICATION,
    SERVICE_WEBHOOK,
    ROLE,
    USER,
    CONVERSATION,
    CONVERSATION_WEBHOOK,
    PARTICIPANT,
    ADDRESS_CONFIGURATION,
    CREDENTIAL,
)
"""Every kind, in the order in which the files and the reference documentation tell them."""

BY_NAME: Mapping[str, Kind] = {kind.name: kind for kind in KINDS}
"""The same by name."""

PARENTS: tuple[Kind, ...] = tuple(kind for kind in KINDS if any(other.parent == kind.name for other in KINDS))
"""Those that contain others, the outer before the inner."""


def kind_noun(name: str) -> str:
    """What people call a kind, by its name; one that is none of ours too."""
    kind = BY_NAME.get(name)
    return name.replace("_", " ") if kind is None else kind.noun


__all__ = ["BY_NAME", "KINDS", "PARENTS", "Kind", "kind_noun"]
