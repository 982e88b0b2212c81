"""One switch for each unverified fact about Twilio.

Gives ``Rules``: a frozen set of plausible readings. The emulator behaves as the selected readings say; tests draw any
combination and require that a client converges or fails honestly. A rule never switches a known fact.

Each default is the reading with the better evidence; without evidence, the one that is more likely for an API of
Twilio.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, get_args, get_type_hints

from reconciler.emulator.errors import EmulatorError

Clearing = Literal["clears", "ignored"]
StrictClearing = Literal["clears", "ignored", "refused"]
Verdict = Literal["refused", "allowed"]


@dataclass(frozen=True, slots=True)
class Rules:
    """The readings in effect. If clearing is "ignored", the response has status 200 and the old value is kept."""

    # --- Clearing what was set -------------------------------------------------------------------------------------
    empty_webhook_url: Clearing = "clears"
    """An empty PreWebhookUrl or PostWebhookUrl (account and service webhooks)."""
    empty_filters: StrictClearing = "clears"
    """A list of filters sent as one empty value, the only spelling a form has for an empty list."""
    empty_address_name: Clearing = "clears"
    """An empty FriendlyName of an address configuration."""
    empty_credential_name: Clearing = "clears"
    """An empty FriendlyName of a credential."""
    empty_auto_creation_service: StrictClearing = "clears"
    """An empty AutoCreation.ConversationServiceSid of an address configuration."""
    empty_account_timer: StrictClearing = "refused"
    """An empty DefaultInactiveTimer or DefaultClosedTimer; refused as an invalid ISO 8601 duration (50379, 50380)."""
    empty_conversation_timer: StrictClearing = "refused"
    """An empty Timers.Inactive or Timers.Closed of a conversation; refused as above."""
    zero_timer: Literal["refused", "clears"] = "refused"
    """The duration PT0S (or any other of zero length) for a timer; refused as below the minimum (50375, 50376)."""
    empty_messaging_service: StrictClearing = "ignored"
    """An empty messaging service SID: of the account's configuration it clears, of a conversation it resets to that."""
    cleared_text: Literal["null", "empty"] = "null"
    """How a text that an empty value has cleared is returned: null or an empty text."""

    # --- Names -----------------------------------------------------------------------------------------------------
    role_names: Literal["repeatable", "unique"] = "repeatable"
    """Whether two roles of one type in one service may have the same friendly name. Names repeat across types (docs,
    Flex conversations roles)."""
    service_names: Literal["repeatable", "unique"] = "repeatable"
    """Whether two services may have the same friendly name."""
    role_name_limit: Literal[256, 64] = 256
    """Longest friendly name of a role, in characters: 64 in the description's text, 256 seen to work."""
    user_attributes_limit: Literal[4096, 16384] = 4096
    """Longest attributes of a user, in bytes; no figure is published."""

    # --- Deleting --------------------------------------------------------------------------------------------------
    role_in_use: Verdict = "refused"
    """Deleting a role that users or participants hold; if allowed, its holders get the service's default role."""
    default_role: Verdict = "refused"
    """Deleting a role that the service's configuration names; if allowed, the configuration then has null."""
    default_service: Verdict = "refused"
    """Deleting the account's default service; if allowed, the account has no default service until one is set."""
    address_of_deleted_service: Literal["kept", "cleared", "deleted"] = "kept"
    """What happens to an address that creates conversations in a deleted service: it keeps the dead SID, falls back to
    the default service, or is deleted."""
    participants_of_deleted_user: Literal["removed", "kept"] = "removed"
    """What happens to the participants of a deleted user."""

    # --- HTTP statuses that are not known ---------------------------------------------------------------------------
    duplicate_status: Literal[409, 400] = 409
    """HTTP status of a duplicate identity of a user (50201), a duplicate address or unique name (20409), and a pair of
    addresses that is already bound (50416)."""
    limit_status: Literal[400, 403, 409] = 400
    """HTTP status of the sixth scoped webhook (50361) and of the sixth trigger (50362)."""
    large_page: Literal["clamped", "served", "refused"] = "clamped"
    """A PageSize between the list's documented maximum and 1000: reduced to the maximum, served as requested, or 400
    with code 20007. Over 1000 it is always 20007 (error dictionary)."""

    # --- Form of responses ------------------------------------------------------------------------------------------
    unset_webhooks: Literal["null", "empty", "post"] = "null"
    """Webhooks of a service that were never configured: nulls (the description's example), POST with empty texts and no
    filters, or POST with null URLs and no filters."""
    unset_account_webhooks: Literal["post", "null", "empty"] = "post"
    """The same for the account's webhooks. POST with null URLs and no filters is what the community SDK's fixture and
    the community provider's data source show."""
    unset_notifications: Literal["absent", "null", "empty"] = "absent"
    """Notification keys that were never set: omitted (an old capture), null, or an empty text."""
    set_order: Literal["as sent", "sorted", "reversed"] = "as sent"
    """Order in which permissions and filters are returned."""
    page_order: Literal["oldest first", "newest first"] = "oldest first"
    """Order of lists, except for conversations and messages, whose orders are documented."""
    method_case: Literal["upper", "as sent", "lower"] = "upper"
    """How a webhook's method is returned. Recorded responses have upper case for a sent lower case; examples show
    both."""
    service_account_sid: Literal["given", "null"] = "given"
    """A service's account_sid: promised by the description, seen as null by the community provider."""
    sandbox_text: Literal["title", "lower"] = "title"
    """A credential's sandbox, which is a text: "True" (the description's example) or "true"."""
    trigger_keywords: Literal["triggers", "filters"] = "triggers"
    """Where a trigger webhook's keywords are returned: the provider reads triggers, the description's example
    filters."""
    replay_after: Literal["shown", "hidden"] = "shown"
    """Whether a scoped webhook's replay_after is returned: the provider reads it, the examples omit it."""
    studio_filters: Literal["shown", "hidden"] = "shown"
    """Whether the filters of a Studio webhook are returned: it accepts them, but no example has any."""
    built_in_permissions: Literal["translated", "extended"] = "translated"
    """Permissions of built-in roles: those of the Chat guide in today's names (for `channel admin`, the recorded 13),
    or also further ones seen in practice."""
    creator_default: Literal["channel admin", "channel user"] = "channel admin"
    """The built-in role that a new service's default_conversation_creator_role_sid names."""
    guest_role: bool = False
    """Whether a new service has a fifth role, `guest`, as a Flex account's service does."""
    auto_creation_keys: Literal["all", "applicable"] = "all"
    """Keys of auto_creation in responses: all of them, null if unset (a recorded response), or only those that its type
    uses (the description's examples)."""
    default_auto_creation_service: Literal["shown", "hidden"] = "shown"
    """Whether auto_creation of type default returns a service that was sent with it (no example has one)."""

    conversation_in_paths: Literal["sid or unique name", "sid only"] = "sid or unique name"
    """What identifies a conversation in the paths of its parts; for the conversation itself, the description allows
    both."""
    slash_in_path: Literal["found", "not_found"] = "found"
    """A path with an encoded slash (`%2F`) in a segment: found like any other, or 404, as on many servers."""

    # --- What is accepted ------------------------------------------------------------------------------------------
    unknown_parameter: Literal["ignored", "refused"] = "ignored"
    """An unknown query or form parameter: ignored (error dictionary: 20001 is a warning), or
    400 with code 20001."""
    empty_update: Verdict = "allowed"
    """An update without parameters: 200 (live tests of the community SDK and provider), or 400 with code 20161 (50347
    for a conversation). For a conversation's webhooks it is always refused (the community SDK, March 2021)."""
    unknown_permission: Verdict = "refused"
    """A permission outside the role type's list, including the four seen in practice: 50104, or accepted."""
    unknown_filter: Verdict = "refused"
    """A webhook filter outside the list for its place: 400, or accepted."""
    service_user_filters: Verdict = "allowed"
    """The three user events as filters of a service's webhooks: the description's list omits them."""
    newer_address_types: Verdict = "allowed"
    """The address types of the 2026 description: rcs, apple, chat."""
    inapplicable: Literal["ignored", "refused"] = "ignored"
    """A parameter that the target or type does not use, such as a flow SID for a webhook: dropped, or 400."""
    auto_creation_enabled: bool = False
    """AutoCreation.Enabled of a new address if omitted; false in a recorded response."""
    incomplete_auto_creation: Verdict = "refused"
    """Auto creation of type studio without a flow (45763) or of type webhook without a URL (45764). Both are errors
    of Flex web chat that may occur only later (error dictionary); then the configuration is accepted."""
    participant_limit: Literal[100, 1000] = 100
    """Maximum number of participants in a conversation (50417): 100 by default, up to 1000 on request (error
    dictionary)."""
    credential_type_update: Literal["changes", "ignored", "refused"] = "changes"
    """Another Type in the update of a credential: the description has it, the provider never sends it."""
    implicit_user: Literal["created", "absent"] = "created"
    """Whether adding a participant with an unknown identity creates a user with it."""

    @staticmethod
    def fields() -> Mapping[str, tuple[Any, ...]]:
        """Return every switch with its readings, the default first, in the order above."""
        return _readings()

    @staticmethod
    def read(settings: Mapping[str, str]) -> Rules:
        """Build rules from texts, such as those of a command line.

        Args:
            settings: The name of a switch to the text of a reading (`true`, `409`, `as sent`).

        Raises:
            EmulatorError: A switch or reading does not exist; the message lists those that do.
        """
        chosen = {}
        for name, text in settings.items():
            if name not in _readings():
                raise EmulatorError(f"There is no rule {name!r}. Rules: {', '.join(_readings())}.")
            by_text = {str(reading).lower(): reading for reading in _readings()[name]}
            if text.lower() not in by_text:
                raise EmulatorError(f"The rule {name} cannot be {text!r}. It can be: {', '.join(by_text)}.")
            chosen[name] = by_text[text.lower()]
        return Rules(**chosen)


@cache
def _readings() -> Mapping[str, tuple[Any, ...]]:
    defaults, readings = Rules(), {}
    for name, hint in get_type_hints(Rules).items():
        default = getattr(defaults, name)
        values = (True, False) if hint is bool else get_args(hint)
        readings[name] = (default, *(value for value in values if value != default))
    return MappingProxyType(readings)
