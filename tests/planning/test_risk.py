"""How careful to be with a change, and what only a person can judge, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.address import Address
from reconciler.change import Action, Change, FieldChange
from reconciler.config.model import Unknown
from reconciler.kinds import BY_NAME, KINDS
from reconciler.kinds.fields import Content
from reconciler.kinds.markers import OnChange, Risk
from reconciler.planning.risk import higher, judge
from reconciler.state import Live
from tests.builders import kind_at, live, reference, sid

SUPPORT = sid("IS", 1)
AGENT = "services.support.roles.agent"
HOOK = "https://hooks.example.com"
NOT_YET = Unknown("known after apply")


def change(address: str, action: Action, fields: Mapping[str, tuple[Any, Any]], **more: Any) -> Change:
    where = Address.parse(address)
    kind, parent = kind_at(where)
    listed = tuple(FieldChange(path, before, after, **more) for path, (before, after) in fields.items())
    name = "" if kind.singleton else where.parts[-1]
    return Change(where, kind, action, None, name, parent, fields=listed)


def judged(
    address: str,
    action: Action,
    fields: Mapping[str, tuple[Any, Any]] | None = None,
    *,
    item: Live | None = None,
    default_roles: tuple[str, ...] = (),
    former: Live | None = None,
    **more: Any,
) -> tuple[Risk, tuple[str, ...]]:
    found = judge(
        change(address, action, fields or {}, **more),
        item,
        former,
        is_default=item is not None and item.sid in default_roles,
    )
    return found.risk, found.consequences


# --- fields ----------------------------------------------------------------------------------------------------------


def test_every_field_has_the_risk_that_people_were_promised() -> None:
    # The kinds that make up an account's settings; any other kind's risks are for its own test file.
    names = ("account_configuration", "account_webhook", "service", "service_configuration", "service_notification",
             "service_webhook", "role", "address_configuration")  # fmt: skip
    risks: dict[str, list[str]] = {"high": [], "medium": [], "low": []}
    for kind in (BY_NAME[name] for name in names):
        for field in kind.fields:
            marker = field.marker(OnChange)
            risks["low" if marker is None else marker.risk].append(f"{kind.name}.{field.path}")
    assert risks["high"] == [
        "account_configuration.default_service",
        "account_webhook.target",
        "account_webhook.pre_webhook_url",
        "service_webhook.pre_webhook_url",
        "role.type",
        "address_configuration.type",
        "address_configuration.auto_creation.enabled",
        "address_configuration.auto_creation.service",
    ]
    assert risks["medium"] == [
        "account_configuration.default_messaging_service_sid",
        "account_configuration.default_inactive_timer",
        "account_configuration.default_closed_timer",
        "account_webhook.method",
        "account_webhook.filters",
        "account_webhook.post_webhook_url",
        "service_configuration.default_conversation_creator_role",
        "service_configuration.default_conversation_role",
        "service_configuration.default_chat_service_role",
        "service_webhook.method",
        "service_webhook.filters",
        "service_webhook.post_webhook_url",
        "role.permissions",
        "address_configuration.auto_creation.type",
        "address_configuration.auto_creation.webhook_url",
        "address_configuration.auto_creation.webhook_method",
        "address_configuration.auto_creation.webhook_filters",
        "address_configuration.auto_creation.studio_flow_sid",
        "address_configuration.address_country",
    ]


def test_what_a_field_means_is_said_as_sentences() -> None:
    said = {
        f"{kind.name}.{field.path}": marker.effect
        for kind in KINDS
        for field in kind.fields
        if (marker := field.marker(OnChange)) is not None and marker.effect
    }
    assert [path for path, words in said.items() if words[0].isupper() or words.endswith(".")] == []


@pytest.mark.parametrize(
    ("address", "fields", "expected"),
    [
        (
            "account.configuration",
            {"default_service": ("IS1", "IS2"), "default_closed_timer": ("P1D", "P2D")},
            (
                "high",
                (
                    "New conversations and account-level API paths use another service.",
                    "Conversations close permanently after a different time.",
                ),
            ),
        ),
        ("account.webhooks", {"post_webhook_url": (HOOK, None), "method": ("GET", "POST")}, ("medium", ())),
        (
            "account.webhooks",
            {"pre_webhook_url": (HOOK, None)},
            ("high", ("This server can no longer change or reject messages and other requests.",)),
        ),
        (
            "account.webhooks",
            {"pre_webhook_url": ("", HOOK)},
            ("high", ("This server can now change or reject messages and other requests.",)),
        ),
        (
            "account.webhooks",
            {"pre_webhook_url": (HOOK, HOOK + "/2")},
            ("high", ("A different server can change or reject messages and other requests.",)),
        ),
        ("services.support.notifications", {"new_message.template": ("a", "b")}, ("low", ())),
        ("addresses.main", {"friendly_name": ("a", "b")}, ("low", ())),
        ("addresses.main", {"auto_creation.studio_retry_count": (1, 2)}, ("low", ())),
        (
            "addresses.main",
            {"auto_creation.type": ("webhook", "studio")},
            ("medium", ("The webhook of main no longer receives new conversations.",)),
        ),
        (
            "addresses.main",
            {"auto_creation.type": ("studio", "default")},
            ("medium", ("The Studio flow of main no longer receives new conversations.",)),
        ),
        ("addresses.main", {"auto_creation.type": ("default", "webhook")}, ("medium", ())),
        ("addresses.main", {"auto_creation.type": (None, "webhook")}, ("medium", ())),
    ],
)
def test_an_update_is_as_risky_as_its_riskiest_field(
    address: str, fields: dict[str, tuple[Content, Content]], expected: tuple[Risk, tuple[str, ...]]
) -> None:
    assert judged(address, "update", fields) == expected


def test_nothing_changed_is_low() -> None:
    assert judged("addresses.main", "update") == ("low", ())


def test_a_setting_of_a_service_that_is_yet_to_be_moves_nothing() -> None:
    fields = {"default_conversation_role": (NOT_YET, reference(AGENT))}
    assert judged("services.support.configuration", "update", fields) == ("low", ())
    assert judged("services.support.webhooks", "update", {"pre_webhook_url": (NOT_YET, HOOK)})[0] == "low"


def test_a_field_of_a_replace_that_stays_as_it_is_does_not_count() -> None:
    fields = {"type": ("conversation", "conversation"), "friendly_name": ("clerk", "agent")}
    assert judged(AGENT, "replace", fields) == ("medium", ())


# --- creates, replaces, deletes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "fields"),
    [
        ("services.support", {"friendly_name": (None, "Support")}),
        (AGENT, {"permissions": (None, ("sendMessage",)), "type": (None, "conversation")}),
        ("addresses.main", {"auto_creation.enabled": (None, False), "auto_creation.service": (None, "IS1")}),
        ("addresses.main", {}),
    ],
)
def test_a_create_is_low(address: str, fields: dict[str, tuple[Content, Content]]) -> None:
    assert judged(address, "create", fields) == ("low", ())


def test_an_address_that_starts_conversations_takes_messages_over() -> None:
    assert judged("addresses.main", "create", {"auto_creation.enabled": (None, True)}) == (
        "medium",
        ("Messages to main that belong to no conversation start one.",),
    )


@pytest.mark.parametrize(
    ("before", "after", "sentences"),
    [
        (False, True, ("start one, instead of reaching the number's messaging webhook.",)),
        (True, False, ("no longer start one, and reach the number's messaging webhook instead.",)),
        (False, None, ()),
    ],
)
def test_an_address_that_begins_or_ends_to_start_conversations_moves_traffic(
    before: Content, after: Content, sentences: tuple[str, ...]
) -> None:
    told = tuple(f"Messages to main that belong to no conversation {sentence}" for sentence in sentences)
    assert judged("addresses.main", "update", {"auto_creation.enabled": (before, after)}) == ("high", told)


def test_a_service_that_looks_like_a_new_name_is_high_and_says_the_way_out() -> None:
    former = live("service", 7, {"friendly_name": "Support"})
    sentence = (
        f"Looks like a new name for the live service 'Support' ({sid('IS', 7)}). Twilio cannot rename it: this "
        f"creates a second, empty one. To keep the live one, use its present name, or pin it with sid: {sid('IS', 7)}."
    )
    assert judged("services.support", "create", former=former) == (
        "high",
        (sentence,),
    )


@pytest.mark.parametrize(("address", "expected"), [(AGENT, "medium"), ("addresses.main", "high")])
def test_a_replace_is_high_when_there_is_a_moment_without_it(address: str, expected: Risk) -> None:
    assert judged(address, "replace", {"friendly_name": ("a", "b")}) == (expected, ())


def test_a_role_of_another_type_is_high() -> None:
    assert judged(AGENT, "replace", {"type": ("service", "conversation")}) == (
        "high",
        ("Everyone with the role gets a different one.",),
    )


def test_deleting_a_service_destroys_history() -> None:
    assert judged("services.support", "delete") == (
        "high",
        ("Destroys every conversation, message, user, and role in it permanently.",),
    )


def test_deleting_an_address_that_starts_conversations_moves_traffic() -> None:
    on = live("address_configuration", contents={"address": "main", "auto_creation.enabled": True})
    off = live("address_configuration", contents={"address": "main", "auto_creation.enabled": False})
    assert judged("addresses.main", "delete", item=on) == ("high", ("Messages to main no longer start conversations.",))
    assert judged("addresses.main", "delete", item=off) == ("medium", ())
    assert judged("addresses.main", "delete") == ("medium", ())


def test_deleting_anything_else_is_medium() -> None:
    assert judged(AGENT, "delete") == ("medium", ())


# --- permissions -----------------------------------------------------------------------------------------------------

ROLE = live("role", 1, {"friendly_name": "agent"}, parents=(SUPPORT,))


def permissions(before: object, after: object, *, default: bool = False, **more: Any) -> tuple[Risk, tuple[str, ...]]:
    defaults = (ROLE.sid,) if default else (sid("RL", 2),)
    return judged(AGENT, "update", {"permissions": (before, after)}, item=ROLE, default_roles=defaults, **more)


def test_permissions_gained_and_lost_are_named() -> None:
    assert permissions(("a", "b", "c"), ("c", "d", "e", "f")) == (
        "medium",
        (
            "Everyone with the role 'agent' gains d, e and f.",
            "Everyone with the role 'agent' loses a and b.",
        ),
    )


def test_a_single_permission_is_named() -> None:
    assert permissions(("a",), ("a", "b")) == ("medium", ("Everyone with the role 'agent' gains b.",))
    assert permissions(("a", "b"), ("b",)) == ("medium", ("Everyone with the role 'agent' loses a.",))


def test_a_default_role_that_loses_permissions_is_high() -> None:
    assert permissions(("a", "b"), ("b",), default=True)[0] == "high"


def test_a_default_role_that_gains_permissions_is_not() -> None:
    assert permissions(("a",), ("a", "b"), default=True)[0] == "medium"


def test_a_replaced_default_role_that_loses_permissions_is_high() -> None:
    fields = {"friendly_name": ("clerk", "agent"), "permissions": (("a", "b"), ("b",))}
    assert judged(AGENT, "replace", fields, item=ROLE, default_roles=(ROLE.sid,)) == (
        "high",
        ("Everyone with the role 'agent', a default of its service, loses a.",),
    )


def test_permissions_of_a_role_that_is_yet_to_be_are_neither_gained_nor_lost() -> None:
    assert judged(AGENT, "update", {"permissions": (NOT_YET, ("a",))}) == ("low", ())


def test_permissions_that_are_not_known_yet_are_neither_gained_nor_lost() -> None:
    assert permissions(("a",), Unknown("variable x is not set"), default=True) == ("medium", ())


def test_sensitive_permissions_are_judged_and_not_named() -> None:
    assert permissions(("a", "b"), ("b",), default=True, sensitive=True) == ("high", ())


def test_a_live_role_without_permissions_only_gains() -> None:
    assert permissions(None, ("a",), default=True) == (
        "medium",
        ("Everyone with the role 'agent', a default of its service, gains a.",),
    )


def test_a_hostile_name_is_quoted() -> None:
    item = live("role", 1, {"friendly_name": "a\n\x1b[2J"}, parents=(SUPPORT,))
    one = change('services.support.roles["a\\n\\u001b[2J"]', "update", {"permissions": (("a",), ("b",))})
    said = judge(one, item).consequences
    assert said[0] == "Everyone with the role 'a\\n\\x1b[2J' gains b."


# --- shadowing -------------------------------------------------------------------------------------------------------

TAKEN = "The account's webhooks no longer receive this service's events."
NEVER_GIVEN = "The account's webhooks do not receive this service's events."
GIVEN_BACK = "The account's webhooks receive this service's events again."


def webhooks(before: dict[str, Content] | None, fields: dict[str, tuple[Content, Content]]) -> tuple[str, ...]:
    item = None if before is None else live("service_webhook", contents=before, parents=(SUPPORT,))
    said = judged("services.support.webhooks", "update", fields, item=item)[1]
    return tuple(sentence for sentence in said if sentence in {TAKEN, NEVER_GIVEN, GIVEN_BACK})


@pytest.mark.parametrize(
    ("before", "fields", "expected"),
    [
        ({}, {"post_webhook_url": (None, HOOK)}, (TAKEN,)),
        ({}, {"pre_webhook_url": (None, HOOK)}, (TAKEN,)),
        ({"method": "POST", "filters": ("a",)}, {"post_webhook_url": (None, HOOK)}, (TAKEN,)),
        (None, {"post_webhook_url": (NOT_YET, HOOK)}, (NEVER_GIVEN,)),
        (None, {"post_webhook_url": (NOT_YET, Unknown("secret"))}, (NEVER_GIVEN,)),
        ({"pre_webhook_url": HOOK}, {"post_webhook_url": (None, HOOK)}, ()),
        ({"post_webhook_url": HOOK}, {"post_webhook_url": (HOOK, HOOK + "/2")}, ()),
        ({}, {"filters": (None, ("a",)), "method": (None, "POST")}, ()),
        (None, {"filters": (NOT_YET, ("a",))}, ()),
        ({"post_webhook_url": HOOK}, {"post_webhook_url": (HOOK, None)}, (GIVEN_BACK,)),
        ({"post_webhook_url": HOOK, "pre_webhook_url": HOOK}, {"post_webhook_url": (HOOK, None)}, ()),
        (
            {"post_webhook_url": HOOK, "pre_webhook_url": HOOK},
            {"post_webhook_url": (HOOK, None), "pre_webhook_url": (HOOK, "")},
            (GIVEN_BACK,),
        ),
        ({"post_webhook_url": HOOK}, {"post_webhook_url": (HOOK, None), "pre_webhook_url": (None, HOOK)}, ()),
        ({"post_webhook_url": HOOK}, {"method": ("GET", "POST")}, ()),
    ],
)
def test_the_first_webhook_of_a_service_shadows_the_accounts(
    before: dict[str, Content] | None, fields: dict[str, tuple[Content, Content]], expected: tuple[str, ...]
) -> None:
    assert webhooks(before, fields) == expected


def test_the_accounts_own_webhooks_shadow_nothing() -> None:
    assert judged("account.webhooks", "update", {"post_webhook_url": (None, HOOK)}) == ("medium", ())


# --- the scale -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("risks", "expected"),
    [((), "low"), (("low", "medium"), "medium"), (("high", "medium", "low"), "high"), (("low", "low"), "low")],
)
def test_the_highest_risk_counts(risks: tuple[Risk, ...], expected: Risk) -> None:
    assert higher(*risks) == expected


def test_a_consequence_is_said_once() -> None:
    fields = {"target": ("flex", "webhook"), "pre_webhook_url": (None, HOOK)}
    risk, said = judged("account.webhooks", "update", fields)
    assert risk == "high"
    assert len(said) == len(set(said)) == 2


def test_judging_changes_nothing_but_risk_and_consequences() -> None:
    one = change(AGENT, "update", {"permissions": (("a",), ("b",))})
    found = judge(one, ROLE)
    assert (found.address, found.fields, found.steps, found.guard) == (one.address, one.fields, one.steps, one.guard)


def test_a_reference_to_what_is_referred_to_now_changes_nothing() -> None:
    one = change("addresses.main", "replace", {"auto_creation.service": (SUPPORT, reference("services.support"))})
    same = judge(one, None, sid_of=lambda _reference: SUPPORT)
    moved = judge(one, None, sid_of=lambda _reference: sid("IS", 2))
    assert same.consequences == ()
    assert moved.consequences == ("Messages to this address start conversations in another service.",)


def test_a_replaced_address_starts_no_conversation_between_delete_and_create() -> None:
    moved = {"address_country": ("US", "CA")}
    starting: dict[str, Content] = {"address": "12345", "auto_creation.enabled": True}
    gap = "Between delete and create, messages to main start no conversation."
    assert judged("addresses.main", "replace", moved, item=live("address_configuration", 1, starting)) == (
        "high",
        (gap,),
    )
    # Nothing is interrupted if it started none, if the new one starts none, or if the new one comes first.
    silent: dict[str, Content] = {**starting, "auto_creation.enabled": False}
    assert judged("addresses.main", "replace", moved, item=live("address_configuration", 1, silent))[1] == ()
    for fields in ({**moved, "auto_creation.enabled": (True, False)}, {"address": ("12345", "67890")}):
        assert (
            gap not in judged("addresses.main", "replace", fields, item=live("address_configuration", 1, starting))[1]
        )


def test_closing_a_conversation_is_high_and_says_that_it_is_for_good() -> None:
    closing = {"state": ("active", "closed")}
    assert judged("services.support.conversations.lobby", "update", closing) == (
        "high",
        ("Closes lobby permanently: no one can write in it, and it cannot be reopened.",),
    )
    assert judged("services.support.conversations.lobby", "update", {"state": ("active", "inactive")})[0] == "medium"
