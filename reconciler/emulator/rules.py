"""One switch for each fact about Twilio that nobody outside could verify.

Gives ``Rules``: a frozen set of readings, all of them plausible. The emulator behaves by the reading that is set; a
test draws any combination and asks that a client converges or fails honestly under each. A rule never switches a fact
that is known.

Every default is the reading with the better evidence; where there is none, the one that is the more likely in an API of
Twilio's making.
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
    """The readings the emulator behaves by. A clearing that is "ignored" answers 200 and keeps the old value."""

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
    """An empty DefaultInactiveTimer or DefaultClosedTimer; refused as no ISO 8601 duration (50379, 50380)."""
    empty_conversation_timer: StrictClearing = "refused"
    """An empty Timers.Inactive or Timers.Closed of a conversation; refused as above."""
    zero_timer: Literal["refused", "clears"] = "refused"
    """The duration PT0S (any that lasts no time) for a timer; refused as under the minimum (50375, 50376)."""
    empty_messaging_service: StrictClearing = "ignored"
    """An empty messaging service SID: of the account's configuration it clears, of a conversation it resets to that."""
    cleared_text: Literal["null", "empty"] = "null"
    """How a text that was cleared by an empty value comes back: null or an empty text."""

    # --- Names -----------------------------------------------------------------------------------------------------
    role_names: Literal["repeatable", "unique"] = "repeatable"
    """Whether two roles of one type in one service may have the same friendly name. Names repeat across types (docs,
    Flex conversations roles)."""
    service_names: Literal["repeatable", "unique"] = "repeatable"
    """Whether two services may have one friendly name."""
    role_name_limit: Literal[256, 64] = 256
    """Longest friendly name of a role, in characters: 64 in the description's text, 256 seen to work."""
    user_attributes_limit: Literal[4096, 16384] = 4096
    """Longest attributes of a user, in bytes; no figure is published."""

    # --- Deleting --------------------------------------------------------------------------------------------------
    role_in_use: Verdict = "refused"
    """Deleting a role that users or participants hold; where allowed, its holders get the service's default role."""
    default_role: Verdict = "refused"
    """Deleting a role that the service's configuration names; where allowed, the configuration then says null."""
    default_service: Verdict = "refused"
    """Deleting the account's default service; where allowed, the account has none until one is set."""
    address_of_deleted_service: Literal["kept", "cleared", "deleted"] = "kept"
    """What becomes of an address that creates conversations in a service that is deleted: it keeps the dead SID, falls
    back to the default service, or goes too."""
    participants_of_deleted_user: Literal["removed", "kept"] = "removed"
    """What becomes of the participants of a user who is deleted."""

    # --- Statuses whose code is known (or not even that) and whose number is not -----------------------------------
    duplicate_status: Literal[409, 400] = 409
    """HTTP status of a second user of one identity (50201), a second address and a name that must be unique (20409),
    and a pair of addresses that is bound already (50416)."""
    limit_status: Literal[400, 403, 409] = 400
    """HTTP status of the sixth scoped webhook (50361) and of the sixth trigger (50362)."""
    large_page: Literal["clamped", "served", "refused"] = "clamped"
    """A PageSize between the list's documented maximum and 1000: reduced to the maximum, served as requested, or 400
    with code 20007. Over 1000 it is always 20007 (error dictionary)."""

    # --- Shapes of answers -----------------------------------------------------------------------------------------
    unset_webhooks: Literal["null", "empty", "post"] = "null"
    """Webhooks of a service that nobody configured: nulls (the description's example), POST with empty texts and no
    filters, or POST with null URLs and no filters."""
    unset_account_webhooks: Literal["post", "null", "empty"] = "post"
    """The same for the account's webhooks. POST with null URLs and no filters is what the community SDK's fixture and
    the community provider's data source show."""
    unset_notifications: Literal["absent", "null", "empty"] = "absent"
    """Notification keys that were never set: left out (an old capture), null or an empty text."""
    set_order: Literal["as sent", "sorted", "reversed"] = "as sent"
    """Order in which permissions and filters come back."""
    page_order: Literal["oldest first", "newest first"] = "oldest first"
    """Order of lists, conversations and messages (whose orders are documented) aside."""
    method_case: Literal["upper", "as sent", "lower"] = "upper"
    """How a webhook's method comes back. Recorded answers have upper case for a sent lower case; examples show each."""
    service_account_sid: Literal["given", "null"] = "given"
    """A service's account_sid: promised by the description, seen as null by the community provider."""
    sandbox_text: Literal["title", "lower"] = "title"
    """A credential's sandbox, which is a text: "True" (the description's example) or "true"."""
    trigger_keywords: Literal["triggers", "filters"] = "triggers"
    """Where a trigger webhook's keywords come back: the provider reads triggers, the description's example filters."""
    replay_after: Literal["shown", "hidden"] = "shown"
    """Whether a scoped webhook's replay_after comes back: the provider reads it, the examples leave it out."""
    studio_filters: Literal["shown", "hidden"] = "shown"
    """Whether the filters of a Studio webhook come back: it may be sent some; no example has any."""
    built_in_permissions: Literal["translated", "extended"] = "translated"
    """Permissions of the roles that Twilio makes: the Chat guide's in today's words (of `channel admin`, the recorded
    13), or with further ones seen in practice."""
    creator_default: Literal["channel admin", "channel user"] = "channel admin"
    """The built-in role that a new service's default_conversation_creator_role_sid names."""
    guest_role: bool = False
    """Whether a new service has a fifth role, `guest`, as a Flex account's service does."""
    auto_creation_keys: Literal["all", "applicable"] = "all"
    """Keys of an answer's auto_creation: all of them, null where unset (a recorded answer), or only those that its type
    uses (the description's examples)."""
    default_auto_creation_service: Literal["shown", "hidden"] = "shown"
    """Whether auto_creation of type default shows a service that was sent with it (no example has one)."""

    conversation_in_paths: Literal["sid or unique name", "sid only"] = "sid or unique name"
    """What names a conversation in the paths of its parts; for the conversation itself the description says both."""
    slash_in_path: Literal["found", "not_found"] = "found"
    """A path with an encoded slash (`%2F`) in a segment: found like any other, or 404, as many servers answer it."""

    # --- What is accepted ------------------------------------------------------------------------------------------
    unknown_parameter: Literal["ignored", "refused"] = "ignored"
    """A query or form parameter that the operation does not have: ignored (error dictionary: 20001 is a warning), or
    400 with code 20001."""
    empty_update: Verdict = "allowed"
    """An update without parameters: 200 (live tests of the community SDK and provider), or 400 with code 20161 (50347
    for a conversation). For a conversation's webhooks it is always refused (the community SDK, March 2021)."""
    unknown_permission: Verdict = "refused"
    """A permission outside the role type's list, the four of practice included: 50104, or taken as it is."""
    unknown_filter: Verdict = "refused"
    """A webhook filter outside the list of the place it is for: 400, or taken as it is."""
    service_user_filters: Verdict = "allowed"
    """The three user events among a service's webhook filters: the description's list leaves them out."""
    newer_address_types: Verdict = "allowed"
    """The address types of the 2026 description: rcs, apple, chat."""
    inapplicable: Literal["ignored", "refused"] = "ignored"
    """A parameter that the target or type has no use for, such as a flow SID for a webhook: dropped, or 400."""
    auto_creation_enabled: bool = False
    """AutoCreation.Enabled of a new address when it is left out; false in a recorded answer."""
    incomplete_auto_creation: Verdict = "refused"
    """Auto creation of type studio without a flow (45763) or of type webhook without a URL (45764). Both are errors of
    Flex web chat that may come later only (error dictionary); then the configuration is accepted."""
    participant_limit: Literal[100, 1000] = 100
    """Most participants in a conversation (50417): 100 by default, up to 1000 on request (error dictionary)."""
    credential_type_update: Literal["changes", "ignored", "refused"] = "changes"
    """Another Type in the update of a credential: the description has it, the provider never sends it."""
    implicit_user: Literal["created", "absent"] = "created"
    """Whether a participant with an identity nobody has makes a user of that identity."""

    @staticmethod
    def fields() -> Mapping[str, tuple[Any, ...]]:
        """Every switch with its readings, the default first, in the order they are written above."""
        return _readings()

    @staticmethod
    def read(settings: Mapping[str, str]) -> Rules:
        """The rules that texts ask for, such as a command line's.

        Args:
            settings: name of a switch to the text of one of its readings (`true`, `409`, `as sent`).

        Raises:
            EmulatorError: a switch or reading that does not exist; the message lists those that do.
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
