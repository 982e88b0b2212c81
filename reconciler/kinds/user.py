"""The kind `user`: a person or program that takes part in a service's conversations."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from reconciler.kinds.base import Kind
from reconciler.kinds.hooks import Consequence, PartialContents
from reconciler.kinds.markers import Declaration, Example, Immutable, Length, NaturalKey, OnChange, Ref, Required, Wire


class User(Declaration):
    """What can be set on a user. Whether it is online or can be notified is no setting, and changes by itself."""

    identity: Annotated[
        str | None,
        Wire("Identity"),
        NaturalKey(),
        Immutable(),
        Required(),
        Length(256),
        Example("ada@example.com"),
        Field(description="Who the user is for your own systems; upper and lower case count. Default: the handle."),
    ] = None
    friendly_name: Annotated[
        str | None, Wire("FriendlyName"), Example("Ada"), Field(description="A name for people.")
    ] = None
    role: Annotated[
        str | None,
        Wire("RoleSid"),
        Ref("role", "service", of_type="service", default="default_chat_service_role"),
        OnChange("medium", "the user may do other things in the service"),
        Example("service admin"),
        Field(description="The user's role in the service; the service's default when never set."),
    ] = None
    attributes: Annotated[
        dict[str, Any] | None,  # JSON of the user's own shape
        Wire("Attributes"),
        # Our decision: no limit is published for users. 4 KB, as for participants and messages, is likely; 16 KB, as
        # for conversations, is the largest that any resource has.
        Length(16384, doubtful=4096),
        Example({"team": 1}),
        Field(description="Data of your own, as a mapping; compared by meaning."),
    ] = None


def _consequences(_before: PartialContents | None, after: PartialContents | None, name: str) -> tuple[Consequence, ...]:
    return () if after is not None else (Consequence("medium", f"{name} leaves every conversation it takes part in."),)


USER = Kind(
    name="user",
    model=User,
    section=("users",),
    path="/v1/Services/{service}/Users",
    summary="A person or program that takes part in a service's conversations.",
    docs="https://www.twilio.com/docs/conversations/api/user-resource",
    parent="service",
    typical_fields=("friendly_name", "role"),
    sid_prefix="US",
    list_key="users",
    # Source: the documented maximum for users is 50.
    page_size=50,
    # Source: the OpenAPI description of Identity; error 50201.
    unique=((("identity",), "parent"),),
    webhook_header=True,
    is_traffic=True,
    write_limit="container",
    key_as_handle=True,
    consequences=_consequences,
    # Source: the OpenAPI description of {Sid}: a SID or the identity.
    readable_by_name=True,
)
