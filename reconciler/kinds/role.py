"""The kind `role`: a named set of permissions in one service."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from reconciler.kinds.base import Kind
from reconciler.kinds.hooks import Consequence, Fault, PartialValues
from reconciler.kinds.markers import (
    AlwaysSent,
    Choice,
    Declaration,
    Description,
    Example,
    Immutable,
    Length,
    NaturalKey,
    OnChange,
    Required,
    Vocabulary,
    Wire,
)
from reconciler.kinds.vocabulary import CONVERSATION_PERMISSIONS, PERMISSIONS, SERVICE_PERMISSIONS


class Role(Declaration):
    """The settings of a role."""

    friendly_name: Annotated[
        str | None,
        Wire("FriendlyName"),
        NaturalKey(),
        Immutable(),
        Required(),
        # Source: the documentation says 64; the community provider's live test creates one of 256.
        Length(256, doubtful=64),
        Example("agent"),
        Description("The name in the service. Default: the handle."),
    ] = None
    type: Annotated[
        str | None,
        Wire("Type"),
        Immutable(),
        Required(),
        Choice(("conversation", "service")),
        OnChange("high", "everyone with the role gets a different one"),
        Example("conversation"),
        Description("Whether the role applies in a conversation (participants) or in the whole service (users)."),
    ] = None
    permissions: Annotated[
        tuple[str, ...] | None,
        Wire("Permission", response="permissions"),
        Required(),
        AlwaysSent(),
        Vocabulary(
            PERMISSIONS,
            by_type={"service": SERVICE_PERMISSIONS, "conversation": CONVERSATION_PERMISSIONS},
            at_least_one=True,
        ),
        OnChange("medium"),
        Example(["sendMessage", "leaveConversation"]),
        Description("The permissions of the role. The list replaces the live one and cannot be empty."),
    ] = None


# Source: Twilio docs, chat permissions guide, in the lower-case names that the API uses.
BUILT_IN_ROLES: Mapping[str, str] = {
    "service admin": "service",
    "service user": "service",
    "channel admin": "conversation",
    "channel user": "conversation",
}

# Source: Twilio docs, Flex "Conversations roles"; `admin` and `supervisor` exist as service and as conversation roles.
FLEX_ROLES = frozenset({"admin", "supervisor", "agent", "guest"})

_WORD = re.compile(r"[^\W_]+")


def _words(name: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(name.lower()))


_BUILT_IN_BY_WORDS = {_words(name): name for name in BUILT_IN_ROLES}


def _check(values: PartialValues) -> tuple[Fault, ...]:
    """Report a name that differs from that of a built-in role only in spelling."""
    name = values.get("friendly_name")
    if not isinstance(name, str) or name in BUILT_IN_ROLES:
        return ()
    own = _BUILT_IN_BY_WORDS.get(_words(name))
    if own is None:
        return ()
    message = f'this is not the built-in role "{own}": names are compared exactly, so it is a different role'
    hint = f"Write friendly_name: {own} to change the built-in role, or choose a name that differs more."
    return (Fault("friendly_name", message, hint, severity="warning", code="like-built-in"),)


def _consequences(before: PartialValues | None, after: PartialValues | None, _name: str) -> tuple[Consequence, ...]:
    former = before.get("friendly_name") if before is not None else None
    if before is None or former not in FLEX_ROLES:
        return ()
    # A replace deletes the old role as well.
    if after is not None and all(after.get(path) == before.get(path) for path in ("friendly_name", "type")):
        return ()
    return (Consequence("high", f"Flex creates a role named {former!r}: check that Flex does not use this one."),)


ROLE = Kind(
    name="role",
    model=Role,
    section=("roles",),
    path="/v1/Services/{service}/Roles",
    summary="A named set of permissions that users hold in a service, or participants in a conversation.",
    docs="https://www.twilio.com/docs/conversations/api/role-resource",
    parent="service",
    typical_fields=("type", "permissions"),
    sid_prefix="RL",
    list_key="roles",
    # Source: the documented maximum for roles is 50.
    page_size=50,
    # Permissions and references move to the new role.
    replace_risk="medium",
    built_in=BUILT_IN_ROLES,
    built_in_fallback={"service": "service user", "conversation": "channel user"},
    built_in_by_flex=FLEX_ROLES,
    # Flex creates it, and whether a service belongs to Flex is not certain.
    never_pruned=frozenset({"guest"}),
    write_limit="container",
    discriminator="type",
    # Whether the API refuses is unverified; holders in other conversations are not looked up.
    delete_refusal=(
        "Twilio refused to delete the role, probably because it is still held, so it is kept; give its holders another "
        "role, then apply again"
    ),
    check=_check,
    consequences=_consequences,
)
