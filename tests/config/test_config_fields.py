"""Fields: typed by their kind, limits, null, and the keys that all resources have."""
# ruff: noqa: E501 - whole messages read better on one line

from __future__ import annotations

from typing import Any

import pytest

from reconciler.config.model import Lifecycle
from reconciler.config.value_parsers import InvalidValueError, parse_json_scalar
from tests.config.told import content, problems_of, read, told

TIMER = "account: {{configuration: {{default_inactive_timer: {}}}}}"
CLOSED = "account: {{configuration: {{default_closed_timer: {}}}}}"
SID = "account: {{configuration: {{default_messaging_service_sid: {}}}}}"
BOOL = "services: {{s: {{configuration: {{reachability_enabled: {}}}}}}}"
METHOD = "account: {{webhooks: {{method: {}}}}}"
URL = "account: {{webhooks: {{pre_webhook_url: {}}}}}"
FILTERS = "account: {{webhooks: {{filters: {}}}}}"
RETRIES = "addresses: {{'+1': {{auto_creation: {{studio_retry_count: {}}}}}}}"
TYPE = "addresses: {{'+1': {{type: {}}}}}"
SOUND = "services: {{s: {{notifications: {{new_message: {{sound: {}}}}}}}}}"
NAME = "services: {{s: {{friendly_name: {}}}}}"
ROLE = "services: {{s: {{roles: {{r: {{type: service, permissions: {}}}}}}}}}"
COUNTRY = "addresses: {{'+1': {{address_country: {}}}}}"


@pytest.mark.parametrize(
    ("where", "written", "expected"),
    [
        (NAME, "+14155550100", "+14155550100"),
        (NAME, "NO", "NO"),
        (NAME, "1e3", "1e3"),
        (NAME, "2024-01-01", "2024-01-01"),
        (NAME, '"null"', "null"),
        (NAME, '" "', " "),
        (SOUND, '""', ""),
        (SOUND, "null", None),
        (SOUND, "~", None),
        (SOUND, "", None),
        (SOUND, "nULL", "nULL"),
        (BOOL, "true", True),
        (BOOL, "YES", True),
        (BOOL, "'On'", True),
        (BOOL, "False", False),
        (BOOL, "no", False),
        (BOOL, "OFF", False),
        (BOOL, "null", None),
        (RETRIES, "3", 3),
        (RETRIES, "'+2'", 2),
        (RETRIES, "01", 1),
        (METHOD, "post", "POST"),
        (TYPE, "WhatsApp", "whatsapp"),
        (TIMER, "pt15m", "PT15M"),
        (TIMER, "P1M", "P1M"),
        (CLOSED, "P30D", "P30D"),
        (SID, "MG0123456789ABCDEF0123456789abcdef", "MG0123456789ABCDEF0123456789abcdef"),
        (URL, "http://localhost:8080/a?b=c#d", "http://localhost:8080/a?b=c#d"),
        (URL, "'https://[::1]/'", "https://[::1]/"),
        (URL, "''", ""),
        (FILTERS, "[onMessageAdded, 'onMessageAdd']", ("onMessageAdd", "onMessageAdded")),
        (FILTERS, "[]", ()),
        (FILTERS, "null", None),
    ],
)
def test_a_scalar_is_typed_by_its_field(where: str, written: str, expected: object) -> None:
    config = read(where.format(written))
    contents = [value.content for item in config.resources.values() for value in item.values.values()]
    assert expected in contents
    assert type(expected) in {type(item) for item in contents}


@pytest.mark.parametrize(
    ("where", "written", "expected"),
    [
        (BOOL, "maybe", 'reachability_enabled must be true or false, not "maybe" (write true or false)'),
        (BOOL, "1", 'reachability_enabled must be true or false, not "1" (write true or false)'),
        (BOOL, "''", 'reachability_enabled must be true or false, not "" (write true or false)'),
        (BOOL, "[true]", "reachability_enabled must be a single value, not a list (write it on one line)"),
        (NAME, "{a: b}", "friendly_name must be a single value, not a mapping (write it on one line)"),
        (
            RETRIES,
            "4",
            'auto_creation.studio_retry_count must be between 0 and 3, not "4" (write a number from 0 to 3)',
        ),
        (RETRIES, "1.0", 'auto_creation.studio_retry_count must be a whole number, not "1.0" (write digits only)'),
        (
            RETRIES,
            "9" * 5000,
            'auto_creation.studio_retry_count must be a whole number, not "' + "9" * 59 + '…" (write digits only)',
        ),
        (METHOD, "PUT", 'method cannot be "PUT" (write GET or POST)'),
        (METHOD, "PSOT", 'method cannot be "PSOT" (did you mean POST?)'),
        (METHOD, "null", "method cannot be cleared: Twilio does not accept an empty value (give it a value, or remove the line to leave the field unmanaged)"),
        (TIMER, "PT59S", 'default_inactive_timer is "PT59S", below its minimum of PT1M (write PT1M or more)'),
        (CLOSED, "PT9M", 'default_closed_timer is "PT9M", below its minimum of PT10M (write PT10M or more)'),
        (TIMER, "15m", 'default_inactive_timer must be an ISO 8601 duration, not "15m" (write, for example, PT15M, PT1H or P30D)'),
        (TIMER, f"P{'9' * 5000}D", 'default_inactive_timer must be an ISO 8601 duration, not "P' + "9" * 58 + '…" (write, for example, PT15M, PT1H or P30D)'),
        (TIMER, "''", "default_inactive_timer cannot be cleared: Twilio can overwrite a timer but not clear it (give it a value, or remove the line to leave the field unmanaged)"),
        (SID, "FW0123456789abcdef0123456789abcdef", 'default_messaging_service_sid is "FW0123456789abcdef0123456789abcdef", the SID of a Studio flow (write the SID of a messaging service, MG and 32 hexadecimal digits)'),
        (SID, "XX0123456789abcdef0123456789abcdef", 'default_messaging_service_sid is "XX0123456789abcdef0123456789abcdef", the SID of a resource whose SID begins with XX (write the SID of a messaging service, MG and 32 hexadecimal digits)'),
        (SID, "MG01", "default_messaging_service_sid must be the SID of a messaging service, MG and 32 hexadecimal digits, not \"MG01\" (copy it from Twilio's console: MG…)"),
        (URL, "example.com/a", 'pre_webhook_url must be an absolute http or https URL, not "example.com/a" (write https://host/path)'),
        (URL, "ftp://example.com/a", 'pre_webhook_url must be an absolute http or https URL, not "ftp://example.com/a" (write https://host/path)'),
        (URL, "https:///a", 'pre_webhook_url must be an absolute http or https URL, not "https:///a" (write https://host/path)'),
        (URL, "'https://a b/'", 'pre_webhook_url contains a space or a control character: "https://a b/" (write a space as %20)'),
        (URL, '"https://a/\\x1b"', 'pre_webhook_url contains a space or a control character: "https://a/\\x1b" (write a space as %20)'),
        (URL, "'https://[a/'", 'pre_webhook_url is not a valid URL: "https://[a/" (write https://host/path)'),
        (URL, "https://a:99999/", 'pre_webhook_url is not a valid URL: "https://a:99999/" (write https://host/path)'),
        (FILTERS, "onMessageAdded", "filters must be a list (write a list: filters: [onMessageAdded])"),
        (FILTERS, "{a: b}", "filters must be a list (write a list with a - before each item)"),
        (FILTERS, "[[a]]", "each item of filters must be text (write each item as one word)"),
        (FILTERS, "[~]", "an item of filters is empty (remove it, or quote it)"),
        (ROLE, "[]", "permissions cannot be empty: Twilio requires it (list at least one, or remove the line to leave the field unmanaged)"),
        (ROLE, "null", "permissions cannot be empty: Twilio requires it (list at least one, or remove the line to leave the field unmanaged)"),
        (NAME, "''", "friendly_name cannot be cleared: it cannot change once the resource exists (give it a value, or remove the line to leave the field unmanaged)"),
        (NAME, "a" * 257, "friendly_name is 257 characters long, over its limit of 256 (shorten it to 256 characters)"),
        (COUNTRY, "USA", "address_country is 3 characters long, over its limit of 2 (shorten it to 2 characters)"),
        ("services: {{s: {{notifications: {{new_message: {}}}}}}}", "on", "new_message must be a mapping (write keys with colons below it, for instance enabled)"),
        ("services: {{s: {{notifications: {}}}}}", "[a]", '"notifications" must be a mapping of settings (write keys with colons, indented below it, or {} for none)'),
        ("services: {}", "[a]", "services must be a mapping of handles (write keys with colons, indented below it, or {} for none)"),
        ("account: {}", "a", "account must be a mapping (write keys with colons, indented below it, or {} for none)"),
    ],
)  # fmt: skip
def test_what_a_field_cannot_take(where: str, written: str, expected: str) -> None:
    (line,) = told(where.format(written))
    assert line.split(": ", 1)[1] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            FILTERS.format("[onMessageAded]"),
            '2:32 warning unknown-word: filters: "onMessageAded" is not known to this release (did you mean onMessageAdded?)',
        ),
        (
            FILTERS.format("[onMessageAdded, onMessageAdd, onMessageAdded]"),
            '2:62 warning duplicate-item: filters: "onMessageAdded" occurs twice in the list (remove one of them)',
        ),
        (
            ROLE.format("[sendMessage]"),
            '2:57 warning word-of-other-type: permissions: "sendMessage" belongs to type conversation, but the type here is service (remove it, or change the type)',
        ),
        (
            TYPE.format("signal"),
            '2:26 warning unknown-word: type "signal" is not known to this release (write sms, whatsapp, messenger, gbm, email, rcs, apple or chat)',
        ),
        (
            "services: {s: {roles: {r: {friendly_name: " + "a" * 65 + "}}}}",
            ("2:43 warning doubtful-length: friendly_name is 65 characters long; the documentation allows 64 (shorten "
            "it to 64 characters to be safe)"),
        ),
    ],
)  # fmt: skip
def test_what_is_only_doubtful_is_a_warning(text: str, expected: str) -> None:
    assert told(text) == [expected]
    assert [problem.severity for problem in problems_of(text, strict=True)] == ["error"]


def test_a_permission_of_either_type_is_known_while_the_type_is_not() -> None:
    assert told("services: {s: {roles: {r: {permissions: [sendMessage, joinConversation]}}}}") == []


def test_null_blocks_and_collections_are_empty() -> None:
    config = read("services:\n  s:\n    roles:\n    webhooks:\n    notifications: {new_message: ~}\naddresses:\n")
    assert {str(item.address): list(item.values) for item in config.resources.values()} == {
        "services.s": ["friendly_name"],
        "services.s.notifications": [],
        "services.s.webhooks": [],
    }


def test_unknown_keys_have_suggestions() -> None:
    text = """
servics: {}
account: {webhok: {}, configuration: {default_servce: x}}
services:
  s: {rols: {}, notifications: {new_message: {with_media: {enabld: true}}}, webhooks: {sid: x, absent: true}}
limits: {delete: 1}
"""
    assert told(text) == [
        '3:1 unknown-key: a configuration has no key "servics" (did you mean services?)',
        '4:11 unknown-key: account has no key "webhok" (did you mean webhooks?)',
        '4:39 unknown-key: an account configuration has no key "default_servce" (did you mean default_service?)',
        '6:7 unknown-key: a service has no key "rols" (did you mean roles?)',
        '6:60 unknown-key: a service notification has no key "enabld" (did you mean enabled?)',
        "6:88 unknown-key: sid does not apply to a service webhook, which always exists (remove the line)",
        "6:96 unknown-key: absent does not apply to a service webhook, which always exists (remove the line)",
        '7:10 unknown-key: limits has no key "delete" (did you mean deletes?)',
    ]


def test_fields_that_contradict_each_other() -> None:
    text = "addresses: {'+1': {auto_creation: {enabled: true, type: studio, webhook_url: 'https://a.example', studio_flow_sid: FW0123456789abcdef0123456789abcdef}}}"
    assert told(text) == [
        (
            "2:78 inconsistent: auto_creation.webhook_url has no effect for auto_creation.type studio, only for "
            "webhook (remove it, or set auto_creation.type: webhook)"
        )
    ]


def test_the_natural_key_is_the_handle_and_the_type_is_told_by_it() -> None:
    config = read("addresses: {'whatsapp:+14155550100': {}, ada@example.com: {type: sms}, main: {address: '+1'}}")
    assert {
        item.address.parts[1]: (item.natural_key, dict(item.derived), str(item.values["address"].place))
        for item in config.resources.values()
    } == {
        "whatsapp:+14155550100": ("whatsapp:+14155550100", {"type": "whatsapp"}, "reconciler.yaml:2:13"),
        "ada@example.com": ("ada@example.com", {}, "reconciler.yaml:2:42"),
        "main": ("+1", {"type": "sms"}, "reconciler.yaml:2:88"),
    }


def test_a_handle_that_is_a_natural_key_is_checked_like_one() -> None:
    assert told(f"services: {{{'a' * 257}: {{}}}}") == [
        "2:12 too-long: friendly_name is 257 characters long, over its limit of 256 (shorten it to 256 characters)"
    ]


@pytest.mark.parametrize(
    ("handle", "expected"),
    [
        ("''", "a handle is empty (give the resource a name)"),
        ('"\\u200b"', "a handle is empty (give the resource a name)"),
        ('"\\u2800 "', "a handle is empty (give the resource a name)"),
        (
            "IS0123456789abcdef0123456789abcdef",
            (
                'the handle "IS0123456789abcdef0123456789abcdef" looks like a SID '
                "(choose a name, and pin the resource with sid:)"
            ),
        ),
        ('"a\\nb"', 'the handle "a\\nb" contains a line break or a control character (remove it)'),
        ('"a\\u2028b"', 'the handle "a\\u2028b" contains a line break or a control character (remove it)'),
        ('"a\\u202eb"', 'the handle "a\\u202eb" contains a line break or a control character (remove it)'),
        ('"a\\u2067b"', 'the handle "a\\u2067b" contains a line break or a control character (remove it)'),
    ],
)
def test_handles(handle: str, expected: str) -> None:
    assert told(f"services: {{{handle}: {{}}}}") == [f"2:12 malformed-handle: {expected}"]


@pytest.mark.parametrize("handle", ["null", "Null", "~", "true", "1e3", '"null"'])
def test_a_handle_is_text_whatever_yaml_reads_in_it(handle: str) -> None:
    config = read(f"services: {{s: {{users: {{{handle}: {{friendly_name: x}}}}}}}}")
    text = handle.strip('"')
    assert [item.natural_key for item in config.resources.values()] == ["s", text]


@pytest.mark.parametrize(
    "handle", ["\U0001f468\u200d\U0001f469", "\u0646\u0627\u0645\u0647\u200c\u0647\u0627", "a\u3000b", "caf\u00e9"]
)
@pytest.mark.parametrize("body", ["{}", "{friendly_name: plain}"])
def test_a_handle_may_have_characters_that_are_no_letters_of_ascii(handle: str, body: str) -> None:
    assert told(f"services: {{{handle}: {body}}}") == []


@pytest.mark.parametrize(
    ("handle", "character"),
    [
        ("a\u00a0b", "U+00A0 (no-break space)"),
        ("a\u200bb", "U+200B (zero width space)"),
        ("a\u200db", "U+200D (zero width joiner)"),
        ("a\ue000b", "U+E000"),
    ],
)
@pytest.mark.parametrize(
    ("body", "subject", "what"), [("{}", "friendly_name", "the name"), ("{friendly_name: plain}", "the handle", "it")]
)
def test_an_invisible_character_in_a_handle(handle: str, character: str, body: str, subject: str, what: str) -> None:
    assert told(f'services: {{"{handle}": {body}}}') == [
        (
            f"2:12 warning invisible-character: {subject} contains the invisible character {character} "
            f"(remove it, or type {what} again)"
        )
    ]


# --- what every resource has ---


def test_what_every_resource_has() -> None:
    text = """
services:
  s:
    sid: IS0123456789abcdef0123456789abcdef
    renamed_from: Old
    lifecycle: {prevent_destroy: yes, prevent_create: true, ignore_changes: [friendly_name]}
    sensitive: [friendly_name]
    notifications: {lifecycle: {ignore_changes: [new_message]}, sensitive: [new_message.with_media, log_enabled]}
    roles: {r: {absent: true}}
"""
    service, notifications, role = read(text).resources.values()
    assert (service.pin, str(service.pin_place), service.natural_key) == (
        "IS0123456789abcdef0123456789abcdef", "reconciler.yaml:5:10", "",
    )  # fmt: skip
    assert service.renamed_from == "Old"
    assert service.lifecycle == Lifecycle(
        prevent_destroy=True, prevent_create=True, ignore_changes=frozenset({"friendly_name"})
    )
    assert service.sensitive == {"friendly_name"}
    assert notifications.lifecycle.ignore_changes == {
        "new_message.enabled", "new_message.template", "new_message.sound", "new_message.badge_count_enabled",
        "new_message.with_media.enabled", "new_message.with_media.template",
    }  # fmt: skip
    assert notifications.sensitive == {
        "new_message.with_media.enabled", "new_message.with_media.template", "log_enabled",
    }  # fmt: skip
    assert (role.absent, role.parent, str(role.place)) == (True, service.address, "reconciler.yaml:10:13")


def test_common_keys_that_are_wrong() -> None:
    text = """
services:
  s: {sid: RL0123456789abcdef0123456789abcdef, absent: maybe, lifecycle: {prevent: true, ignore_changes: frendly_name}}
  t: {sid: , sensitive: [frendly_name], lifecycle: [a], absent: true}
  u: {absent: true, lifecycle: {prevent_destroy: true}, roles: {r: {sid: default}}}
  v: {renamed_from: v, webhooks: {lifecycle: {prevent_destroy: true}}}
"""
    assert told(text) == [
        (
            '4:12 wrong-sid: sid is "RL0123456789abcdef0123456789abcdef", the SID of a role '
            "(write the SID of a service, IS and 32 hexadecimal digits)"
        ),
        '4:56 wrong-type: absent must be true or false, not "maybe"',
        '4:75 unknown-key: lifecycle has no key "prevent" (did you mean prevent_create?)',
        "4:106 wrong-type: ignore_changes must be a list (write a list: [frendly_name])",
        "5:12 wrong-type: sid has no value (give it a value, or remove the line)",
        '5:26 unknown-field: a service has no field "frendly_name" (did you mean friendly_name?)',
        "5:52 wrong-type: lifecycle must be a mapping (write, for example, lifecycle: {ignore_changes: [FIELD]})",
        (
            "6:15 absent-and-protected: absent: true deletes the resource, but lifecycle.prevent_destroy prevents "
            "that (remove one of the two)"
        ),
        "6:74 wrong-sid: sid: default is for services only (write RL…)",
        (
            "7:21 renamed-from-itself: renamed_from equals the current friendly_name "
            "(remove the line once the rename is done)"
        ),
        "7:47 unknown-key: prevent_destroy does not apply to singletons (the only one is ignore_changes)",
    ]


def test_fields_keep_the_order_of_their_kind() -> None:
    text = "services: {s: {webhooks: {post_webhook_url: https://a.example, filters: [], method: GET}}}"
    assert list(list(read(text).resources.values())[1].values) == ["method", "filters", "post_webhook_url"]


# --- JSON ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None), ("~", None), ("null", None), ("true", True), ("FALSE", False), ("yes", "yes"), ("1", 1),
        ("-01", -1), ("0o17", 15), ("0x1f", 31), ("1.0", 1.0), ("-.5e3", -500.0), ("1_000", "1_000"),
        ("1e", "1e"), ("0b1", "0b1"), ("2024-01-01", "2024-01-01"), ("+14155550100", 14155550100), ("nUll", "nUll"),
    ],
)  # fmt: skip
def test_json_follows_the_core_schema(text: str, expected: Any) -> None:
    assert (parse_json_scalar(text, "", bare=True), type(parse_json_scalar(text, "", bare=True))) == (
        expected,
        type(expected),
    )
    assert parse_json_scalar(text, "", bare=False) == text
    assert parse_json_scalar(text, "str", bare=False) == text


@pytest.mark.parametrize("text", [".inf", "-.INF", ".nan", "1e999", "9" * 5000])
def test_numbers_that_json_has_not(text: str) -> None:
    with pytest.raises(InvalidValueError, match="JSON has no such number"):
        parse_json_scalar(text, "", bare=True)


def test_a_tag_that_does_not_fit() -> None:
    assert parse_json_scalar("5", "float", bare=False) == 5.0
    with pytest.raises(InvalidValueError, match="does not match its tag !!int"):
        parse_json_scalar("x", "int", bare=True)


def test_text_of_a_field_is_never_null_by_a_tag() -> None:
    assert content(NAME.format("!!str ~"), "services.s", "friendly_name") == "~"
