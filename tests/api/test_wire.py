"""Between the files' vocabulary and Twilio's: forms out, resources in, hostile values included."""

from __future__ import annotations

import functools
import json
from typing import Annotated, Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from reconciler.api import wire
from reconciler.errors import Malformed
from reconciler.json_text import Json
from reconciler.kinds import BY_NAME, KINDS
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content, Field, Shape
from reconciler.kinds.markers import Choice, Declaration, Vocabulary, Wire, WriteOnly
from tests.builders import reference, sid

SERVICE = BY_NAME["service"]
ROLE = BY_NAME["role"]
ADDRESS = BY_NAME["address_configuration"]
ACCOUNT_CONFIGURATION = BY_NAME["account_configuration"]
ACCOUNT_WEBHOOK = BY_NAME["account_webhook"]
NOTIFICATION = BY_NAME["service_notification"]


class Attributed(Declaration):
    """JSON and a secret, which none of the kinds has yet."""

    attributes: Annotated[dict[str, Any] | None, Wire("Attributes")] = None
    token: Annotated[str | None, Wire("Token"), WriteOnly()] = None


ATTRIBUTED = Kind(
    name="attributed", model=Attributed, section=("x",), path="/v1/X", summary="", docs="", sid_prefix="XX"
)


def as_is(content: Content) -> Content:
    return content


# --- paths -----------------------------------------------------------------------------------------------------------


def test_paths_of_collections_singletons_and_instances() -> None:
    assert [
        wire.collection_path(SERVICE, ()),
        wire.instance_path(SERVICE, (), "IS1"),
        wire.collection_path(ROLE, ("IS1",)),
        wire.instance_path(ROLE, ("IS1",), "RL1"),
        wire.collection_path(NOTIFICATION, ("IS1",)),
        wire.instance_path(NOTIFICATION, ("IS1",), ""),
        wire.instance_path(ACCOUNT_CONFIGURATION, (), ""),
    ] == [
        "/v1/Services",
        "/v1/Services/IS1",
        "/v1/Services/IS1/Roles",
        "/v1/Services/IS1/Roles/RL1",
        "/v1/Services/IS1/Configuration/Notifications",
        "/v1/Services/IS1/Configuration/Notifications",
        "/v1/Configuration",
    ]


def test_nothing_in_a_path_can_leave_its_place() -> None:
    assert wire.instance_path(ROLE, ("a/b?c",), "ü&+#") == "/v1/Services/a%2Fb%3Fc/Roles/%C3%BC%26%2B%23"


# --- out -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "values", "form"),
    [
        (ACCOUNT_WEBHOOK, {"post_webhook_url": "https://a.example?x=1&y=ü"}, [("PostWebhookUrl", "https://a.example?x=1&y=ü")]),
        (ACCOUNT_WEBHOOK, {"post_webhook_url": None}, [("PostWebhookUrl", "")]),
        (ACCOUNT_WEBHOOK, {"filters": ("a", "b")}, [("Filters", "a"), ("Filters", "b")]),
        (ACCOUNT_WEBHOOK, {"filters": ()}, [("Filters", "")]),
        (ACCOUNT_WEBHOOK, {"filters": None}, [("Filters", "")]),
        (ACCOUNT_WEBHOOK, {"method": "POST"}, [("Method", "POST")]),
        (ACCOUNT_CONFIGURATION, {"default_inactive_timer": "PT15M"}, [("DefaultInactiveTimer", "PT15M")]),
        (ACCOUNT_CONFIGURATION, {"default_messaging_service_sid": "MG1"}, [("DefaultMessagingServiceSid", "MG1")]),
        (ROLE, {"permissions": ("a", "b")}, [("Permission", "a"), ("Permission", "b")]),
        (NOTIFICATION, {"log_enabled": True}, [("LogEnabled", "true")]),
        (NOTIFICATION, {"log_enabled": False}, [("LogEnabled", "false")]),
        (NOTIFICATION, {"log_enabled": None}, [("LogEnabled", "false")]),
        (NOTIFICATION, {"new_message.with_media.template": " x "}, [("NewMessage.WithMedia.Template", " x ")]),
        (NOTIFICATION, {"new_message.sound": None}, [("NewMessage.Sound", "")]),
        (ADDRESS, {"auto_creation.studio_retry_count": 0}, [("AutoCreation.StudioRetryCount", "0")]),
        (ATTRIBUTED, {"attributes": {"b": [1, True, None], "a": "ü"}}, [("Attributes", '{"b":[1,true,null],"a":"ü"}')]),
        (ATTRIBUTED, {"attributes": None}, [("Attributes", "{}")]),
        (ATTRIBUTED, {"attributes": {}}, [("Attributes", "{}")]),
        (ATTRIBUTED, {"token": "t"}, [("Token", "t")]),
        (NOTIFICATION, {}, []),
    ],
)  # fmt: skip
def test_sends_a_content_so(kind: Kind, values: dict[str, Content], form: list[tuple[str, str]]) -> None:
    assert wire.encode(kind, values, as_is) == tuple(form)


def test_sends_parameters_in_the_order_of_the_fields() -> None:
    values = {"permissions": ("z",), "type": "service", "friendly_name": "n"}
    assert [name for name, _ in wire.encode(ROLE, values, as_is)] == ["FriendlyName", "Type", "Permission"]


def test_sends_the_sid_that_a_reference_stands_for() -> None:
    support = reference("services.support")
    form = wire.encode(ACCOUNT_CONFIGURATION, {"default_service": support}, {support: "IS1"}.__getitem__)
    assert form == (("DefaultChatServiceSid", "IS1"),)


# --- in --------------------------------------------------------------------------------------------------------------

ROLE_BODY = {
    "sid": sid("RL"),
    "account_sid": "AC1",
    "chat_service_sid": "IS1",
    "friendly_name": "agent",
    "type": "conversation",
    "permissions": ["sendMessage", "leaveConversation", "sendMessage"],
    "date_created": "2026-01-02T03:04:05Z",
    "date_updated": "2026-01-03T03:04:05Z",
    "url": "https://conversations.twilio.com/v1/Services/IS1/Roles/RL1",
}


def test_reads_a_resource() -> None:
    assert wire.decode(ROLE, ROLE_BODY) == wire.Decoded(
        sid=sid("RL"),
        values={
            "friendly_name": "agent",
            "type": "conversation",
            "permissions": ("leaveConversation", "sendMessage"),
        },
        created="2026-01-02T03:04:05Z",
        updated="2026-01-03T03:04:05Z",
    )


def test_reads_a_singleton_without_a_sid() -> None:
    body = {"target": "flex", "filters": None, "method": "post", "pre_webhook_url": "", "account_sid": "AC1"}
    assert wire.decode(ACCOUNT_WEBHOOK, body) == wire.Decoded(
        sid="",
        values={"target": "flex", "method": "POST", "filters": None, "pre_webhook_url": None, "post_webhook_url": None},
    )


def test_reads_what_stands_in_blocks() -> None:
    body: dict[str, Json] = {
        "new_message": {"enabled": True, "with_media": {"template": "t"}},
        "added_to_conversation": None,
    }
    found = wire.decode(NOTIFICATION, body).values
    assert {path: content for path, content in found.items() if content is not None} == {
        "new_message.enabled": True,
        "new_message.with_media.template": "t",
    }
    assert set(found) == set(NOTIFICATION.by_path)


def test_halves_of_characters_are_none() -> None:
    for half in ("\ud800", '{"a": "\ud800"}', '{"a": "\\uD800"}', '"\\ud800"'):
        read = wire.decode(ATTRIBUTED, {"sid": sid("XX"), "attributes": half}).values["attributes"]
        assert json.loads(json.dumps(read, ensure_ascii=False).encode()) in ("?", {"a": "?"})


def test_never_reads_what_is_only_written() -> None:
    assert wire.decode(ATTRIBUTED, {"sid": sid("XX"), "token": "leaked"}).values == {"attributes": None}


FIELDS = {
    "text": (ADDRESS, "friendly_name"),
    "boolean": (NOTIFICATION, "log_enabled"),
    "integer": (ADDRESS, "auto_creation.studio_retry_count"),
    "choice": (ACCOUNT_WEBHOOK, "method"),
    "extended choice": (ADDRESS, "type"),
    "set": (ACCOUNT_WEBHOOK, "filters"),
    "duration": (ACCOUNT_CONFIGURATION, "default_inactive_timer"),
    "reference": (ACCOUNT_CONFIGURATION, "default_service"),
    "json": (ATTRIBUTED, "attributes"),
}


def body_with(kind: Kind, field: Field, content: Any) -> dict[str, Any]:
    """A response in which one field has this content."""
    body: dict[str, Any] = {} if kind.singleton else {"sid": sid(kind.sid_prefix)}
    inner = body
    *blocks, last = field.response
    for block in blocks:
        inner = inner.setdefault(block, {})
    inner[last] = content
    return body


def read(shape: str, content: Any) -> Content:
    kind, path = FIELDS[shape]
    return wire.decode(kind, body_with(kind, kind.by_path[path], content)).values[path]


@pytest.mark.parametrize("shape", FIELDS)
def test_null_and_absent_are_none(shape: str) -> None:
    kind, path = FIELDS[shape]
    assert read(shape, None) is None
    assert wire.decode(kind, {} if kind.singleton else {"sid": sid(kind.sid_prefix)}).values[path] is None


@pytest.mark.parametrize(
    ("shape", "content", "expected"),
    [
        ("text", "", None),
        ("text", " ", " "),
        ("text", "null", "null"),
        ("text", 0, "0"),
        ("text", False, "false"),
        ("text", {"b": 1, "a": "ü"}, '{"a": "ü", "b": 1}'),
        ("text", [], "[]"),
        ("boolean", True, True),
        ("boolean", False, False),
        ("boolean", "True", True),
        ("boolean", "False", False),
        ("boolean", " true ", True),
        ("boolean", "", False),
        ("boolean", "yes", False),
        ("boolean", 1, True),
        ("boolean", 0, False),
        ("boolean", [], False),
        ("integer", 3, 3),
        ("integer", 0, 0),
        ("integer", "3", 3),
        ("integer", "-3", -3),
        ("integer", 3.0, 3),
        ("integer", 3.5, "3.5"),
        ("integer", "3.5", "3.5"),
        ("integer", "", None),
        ("integer", True, "true"),
        ("integer", "9" * 5000, "9" * 5000),
        ("integer", {}, "{}"),
        ("choice", "post", "POST"),
        ("choice", "pOsT", "POST"),
        ("choice", "PUT", "PUT"),
        ("choice", "", None),
        ("choice", 5, "5"),
        ("extended choice", "SMS", "sms"),
        ("extended choice", "pigeon", "pigeon"),
        ("set", ["b", "a", "b"], ("a", "b")),
        ("set", [], None),
        ("set", "", None),
        ("set", [""], None),
        ("set", [None], None),
        ("set", ["a", ""], ("a",)),
        ("set", "a", ("a",)),
        ("set", [1, {"a": 1}, None, ["x"]], ("1", '["x"]', '{"a": 1}')),
        ("set", {"a": 1}, ('{"a": 1}',)),
        ("set", False, ("false",)),
        ("duration", "PT60M", "PT60M"),
        ("duration", 900, "900"),
        ("reference", sid("IS"), sid("IS")),
        ("reference", "", None),
        ("reference", 7, "7"),
        ("json", "{}", {}),
        ("json", '{"a": [1, true]}', {"a": [1, True]}),
        ("json", {"a": 1}, {"a": 1}),
        ("json", "no json", "no json"),
        ("json", "[" * 100_000, "[" * 100_000),
        ("json", '{"a": NaN}', '{"a": NaN}'),
    ],
)
def test_reads_a_live_value_so(shape: str, content: Any, expected: Content) -> None:
    found = read(shape, content)
    assert found == expected
    assert type(found) is type(expected)


def test_json_that_nests_too_deep_to_be_compared_stays_text() -> None:
    text = "[" * 900 + "]" * 900
    assert read("json", text) == text
    assert read("json", "[" * 50 + "]" * 50) == json.loads("[" * 50 + "]" * 50)


@pytest.mark.parametrize("body", [None, [], "text", 1, True, [{"sid": sid("RL")}]])
def test_what_is_no_object_is_malformed(body: Any) -> None:
    with pytest.raises(Malformed, match="of kind role was expected"):
        wire.decode(ROLE, body)
    with pytest.raises(Malformed, match="of kind account webhook was expected"):
        wire.decode(ACCOUNT_WEBHOOK, body)


@pytest.mark.parametrize(
    "bad",
    [None, "", 7, [], {}, "..", "RL1", sid("RL") + "\n", sid("IS"), f"../{sid('RL')}", "RL" + "\x1b" * 32, "\ud800"],
)
def test_a_resource_without_a_sid_of_its_kind_is_malformed(bad: Any) -> None:
    with pytest.raises(Malformed, match="of kind role without a SID of its kind"):
        wire.decode(ROLE, {**ROLE_BODY, "sid": bad})


json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False),
        st.text(max_size=6),
        st.sampled_from(["", "true", "{}", "[1", '{"a": NaN}', "PT1H", 1e400]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def hostile_bodies(draw: st.DrawFn, kind: Kind) -> dict[str, Any]:
    """Any JSON object, in which the keys that the kind looks for are likely to hold something odd."""
    body = draw(st.dictionaries(st.text(max_size=4), json_values, max_size=2))
    for field in kind.fields:
        if not draw(st.booleans()):
            continue
        inner: Any = body
        for key in field.response[:-1]:
            if not isinstance(inner.get(key), dict):
                inner[key] = {} if draw(st.booleans()) else draw(json_values)
            inner = inner[key]
            if not isinstance(inner, dict):
                break
        if isinstance(inner, dict):
            inner[field.response[-1]] = draw(json_values)
    for key in ("date_created", "date_updated"):
        if draw(st.booleans()):
            body[key] = draw(json_values)
    return body if kind.singleton else {**body, "sid": sid(kind.sid_prefix)}


@pytest.mark.parametrize("kind", [*KINDS, ATTRIBUTED], ids=lambda kind: kind.name)
@settings(max_examples=25)
@given(data=st.data())
def test_whatever_the_api_answers_can_be_compared_and_shown(kind: Kind, data: st.DataObject) -> None:
    body = data.draw(hostile_bodies(kind))
    decoded = wire.decode(kind, body)
    again = wire.decode(kind, json.loads(json.dumps(body)))
    for field in kind.fields:
        if field.write_only:
            continue
        content = decoded.values[field.path]
        assert field.comparable(content) == field.comparable(again.values[field.path])
        assert hash(field.comparable(content)) is not None
        assert isinstance(field.is_empty(content), bool)
        assert isinstance(json.dumps(content), str)
        assert wire.encode(kind, {field.path: content}, as_is)
    assert isinstance(decoded.created, str)
    assert isinstance(decoded.updated, str)


# --- there and back --------------------------------------------------------------------------------------------------


def contents(field: Field) -> st.SearchStrategy[Content]:
    """Contents as the files give them."""
    text = st.text(min_size=1, max_size=8)
    choice, vocabulary = field.marker(Choice), field.marker(Vocabulary)
    words = vocabulary.words if vocabulary is not None else choice.words if choice is not None else ("a", "b c")
    by_shape: dict[Shape, st.SearchStrategy[Content]] = {
        Shape.TEXT: text,
        Shape.URL: text.map(lambda tail: f"https://a.example/{tail}"),
        Shape.BOOL: st.booleans(),
        Shape.INT: st.integers(0, 3),
        Shape.ENUM: st.sampled_from(words),
        Shape.SET: st.sets(st.sampled_from(words), max_size=3).map(lambda some: tuple(sorted(some))),
        Shape.TIMER: st.sampled_from(["PT15M", "P1D", "PT60M"]),
        Shape.SID: st.just(sid("MG")),
        Shape.REF: st.just(sid("IS")),
        Shape.JSON: st.dictionaries(
            text, st.none() | st.booleans() | st.integers() | text | st.lists(text), max_size=3
        ),
    }
    clearable = st.none() if not field.why_not_clearable() else st.nothing()
    return by_shape[field.shape] | clearable


@functools.cache
def all_contents(kind: Kind) -> dict[str, st.SearchStrategy[Content]]:
    """The contents of each field, by path; hypothesis examines each new strategy before it draws from it."""
    return {field.path: contents(field) for field in kind.fields}


@functools.cache
def some_paths(kind: Kind) -> st.SearchStrategy[set[str]]:
    return st.sets(st.sampled_from([field.path for field in kind.fields]))


def answer(kind: Kind, form: wire.Form) -> dict[str, Any]:
    """What an API answers that keeps what it was sent: every parameter at its place in the response."""
    body: dict[str, Any] = {} if kind.singleton else {"sid": sid(kind.sid_prefix)}
    for field in kind.fields:
        sent = [text for name, text in form if name == field.param]
        if not sent or field.write_only:
            continue
        stored: Any = sent[0]
        if field.shape is Shape.SET:
            stored = [text for text in sent if text]
        elif field.shape is Shape.BOOL:
            stored = sent[0] == "true"
        elif field.shape is Shape.INT:
            stored = int(sent[0])
        inner = body
        for key in field.response[:-1]:
            inner = inner.setdefault(key, {})
        inner[field.response[-1]] = stored
    return body


@pytest.mark.parametrize("kind", [*KINDS, ATTRIBUTED], ids=lambda kind: kind.name)
# Of some kinds, most sets of fields do not go together.
@settings(max_examples=25, suppress_health_check=[HealthCheck.filter_too_much])
@given(data=st.data())
def test_what_is_sent_and_kept_reads_back_as_what_was_meant(kind: Kind, data: st.DataObject) -> None:
    chosen = data.draw(some_paths(kind))
    values = {path: data.draw(strategy) for path, strategy in all_contents(kind).items() if path in chosen}
    assume(not kind.check(values))
    decoded = wire.decode(kind, answer(kind, wire.encode(kind, values, as_is)))
    for field in kind.fields:
        if field.write_only:
            assert field.path not in decoded.values
        elif field.path not in decoded.values:
            # Nothing is known of it, as of a Studio webhook's filters that do not come back.
            assert field.comparable(values.get(field.path)) == field.comparable(None)
        else:
            meant = values.get(field.path)
            assert field.comparable(decoded.values[field.path]) == field.comparable(meant)
