"""The kinds of resources: one module for each, and one explicit table.

Adding a kind takes one module here and one line in `KINDS`; see "Adding a kind" in `.github/CONTRIBUTING.md`. The rest
of the program works from this table.

    markers, fields, flatten    a kind's model, and the fields that it declares
    base, hooks                 a kind, and the functions that it may provide
    catalog                     the table of kinds
    relations                   which kinds refer to which, derived from the fields
    api_paths, sids             URL paths and SIDs
    comparable, vocabulary      equal meanings of values; words that Twilio extends over time
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.kinds.account_configuration import ACCOUNT_CONFIGURATION
from reconciler.kinds.account_webhook import ACCOUNT_WEBHOOK
from reconciler.kinds.address_configuration import ADDRESS_CONFIGURATION
from reconciler.kinds.base import Kind
from reconciler.kinds.catalog import Catalog
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

KINDS = Catalog(
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
"""Every kind, in the order of the configuration and of the reference documentation."""

BY_NAME: Mapping[str, Kind] = KINDS.by_name
"""The kinds by name."""

ACCOUNT: Kind = ACCOUNT_CONFIGURATION
"""The singleton whose response says which account answered."""


def kind_noun(name: str) -> str:
    """Return the noun of a kind by its name; also for a name of no known kind."""
    kind = BY_NAME.get(name)
    return name.replace("_", " ") if kind is None else kind.noun


def kind_nouns(name: str) -> tuple[str, str]:
    """Return the noun of a kind, and that of the container around it; the latter is empty for the container itself."""
    kind = BY_NAME.get(name)
    container = next((kind.noun for kind in KINDS if kind.is_container), "")
    return kind_noun(name), "" if kind is not None and kind.is_container else container


__all__ = ["ACCOUNT", "BY_NAME", "KINDS", "Catalog", "Kind", "kind_noun", "kind_nouns"]
