"""All kinds: the table is whole, and what each kind declares is what the API's description says."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Annotated, Any, get_args, get_type_hints

import pytest
from pydantic import TypeAdapter

from reconciler import kinds
from reconciler.emulator import contract
from reconciler.emulator.contract import Fact, Operation
from reconciler.kinds import BY_NAME, KINDS, Kind
from reconciler.kinds.comparable import duration
from reconciler.kinds.fields import Field, Shape, words_of
from reconciler.kinds.markers import Choice, Declaration, Example, FreeWords, Range, Ref, Sid, Timer, Vocabulary, Wire
from reconciler.kinds.vocabulary import (
    ACCOUNT_FILTERS,
    ADDRESS_FILTERS,
    ADDRESS_TYPES,
    CONVERSATION_PERMISSIONS,
    POST_FILTERS,
    PRE_FILTERS,
    SERVICE_FILTERS,
    SERVICE_PERMISSIONS,
)

OPERATIONS = contract.load().operations
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
every_field = pytest.mark.parametrize(
    ("kind", "field"),
    [pytest.param(kind, field, id=f"{kind.name}.{field.path}") for kind in KINDS for field in kind.fields],
)


def collection_of(kind: Kind) -> dict[str, Operation]:
    """The operations of a kind's collection, or of the singleton itself."""
    return OPERATIONS[_path(kind)]


def instance_of(kind: Kind) -> dict[str, Operation]:
    """The operations of one resource."""
    return collection_of(kind) if kind.singleton else OPERATIONS[_path(kind) + "/{Sid}"]


def _path(kind: Kind) -> str:
    return kind.path.replace("{service}", "{ChatServiceSid}").replace("{conversation}", "{ConversationSid}")


def ancestors(kind: Kind) -> list[str]:
    return [] if kind.parent is None else [*ancestors(BY_NAME[kind.parent]), kind.parent]


def create_body(kind: Kind) -> dict[str, Any]:
    return {} if kind.singleton else _settings(kind, collection_of(kind)["POST"])


def update_body(kind: Kind) -> dict[str, Any]:
    operation = instance_of(kind).get("POST")
    return {} if operation is None else _settings(kind, operation)


def _settings(kind: Kind, operation: Operation) -> dict[str, Any]:
    """A body without what moves by itself."""
    return {name: item for name, item in operation.parameters["form"].items() if name not in kind.runtime_params}


# --- the table -------------------------------------------------------------------------------------------------------


def test_every_kind_that_a_module_makes_is_registered() -> None:
    made = {
        item
        for info in pkgutil.iter_modules(kinds.__path__)
        for item in vars(importlib.import_module(f"reconciler.kinds.{info.name}")).values()
        if isinstance(item, Kind)
    }
    assert {kind.name for kind in made} == {kind.name for kind in KINDS}
    assert made == set(KINDS)


TOOLS = {
    "api_paths", "base", "catalog", "certificates", "comparable", "fields", "flatten", "flex", "hooks", "impact",
    "markers", "relations", "sids", "vocabulary",
}  # fmt: skip


def test_every_module_but_the_tools_makes_the_kind_of_its_name() -> None:
    modules = {info.name for info in pkgutil.iter_modules(kinds.__path__)}
    assert modules - TOOLS == {kind.name for kind in KINDS}
    for kind in KINDS:
        assert getattr(importlib.import_module(f"reconciler.kinds.{kind.name}"), kind.name.upper()) is kind


def test_names_and_sections_tell_kinds_apart() -> None:
    assert list(BY_NAME) == [kind.name for kind in KINDS]
    places = [(kind.parent, kind.section) for kind in KINDS]
    assert len(set(places)) == len(places)


def test_what_contains_a_kind_is_a_kind_and_stands_before_it() -> None:
    before: set[str] = set()
    for kind in KINDS:
        assert kind.parent is None or kind.parent in before
        before.add(kind.name)


@every_kind
def test_its_path_names_its_parent_and_nothing_else(kind: Kind) -> None:
    assert [part[1:-1] for part in kind.path.split("/") if part.startswith("{")] == ancestors(kind)


@every_kind
def test_it_is_documented(kind: Kind) -> None:
    assert kind.docs.startswith("https://www.twilio.com/docs/conversations/")
    assert kind.summary.endswith(".")
    assert [field.path for field in kind.fields if not field.description.endswith(".")] == []
    assert [block.path for block in kind.blocks if not block.description.endswith(".")] == []


# --- the API's description -------------------------------------------------------------------------------------------


def test_only_dates_and_what_has_been_read_are_no_settings() -> None:
    assert {kind.name: kind.runtime_params for kind in KINDS if kind.runtime_params} == {
        "conversation": ("DateCreated", "DateUpdated"),
        "participant": ("DateCreated", "DateUpdated", "LastReadMessageIndex", "LastReadTimestamp"),
    }
    for kind in KINDS:
        assert set(kind.runtime_params) <= set(
            instance_of(kind)["POST"].parameters["form"] if kind.runtime_params else ()
        )


@every_kind
def test_a_create_has_its_fields_and_no_others(kind: Kind) -> None:
    expected = set() if kind.singleton else {field.param for field in kind.fields}
    assert set(create_body(kind)) == expected


@every_kind
def test_an_update_has_its_fields_that_are_not_immutable_and_no_others(kind: Kind) -> None:
    assert set(update_body(kind)) == {field.param for field in kind.fields if not field.immutable}


@every_kind
def test_immutable_is_what_the_update_body_lacks(kind: Kind) -> None:
    body = update_body(kind)
    assert {field.path for field in kind.fields if field.immutable} == {
        field.path for field in kind.fields if field.param not in body
    }


@every_kind
def test_required_is_what_a_create_cannot_do_without(kind: Kind) -> None:
    assert {field.param for field in kind.fields if field.required} == {
        name for name, parameter in create_body(kind).items() if parameter.required
    }


@every_kind
def test_always_sent_is_what_an_update_cannot_do_without(kind: Kind) -> None:
    assert {field.param for field in kind.fields if field.always_sent} == {
        name for name, parameter in update_body(kind).items() if parameter.required
    }


@every_kind
def test_it_can_do_what_the_api_has_operations_for(kind: Kind) -> None:
    assert kind.singleton == ("DELETE" not in instance_of(kind) and collection_of(kind)["POST"].is_update)
    assert kind.updatable == ("POST" in instance_of(kind))
    assert kind.deletable == ("DELETE" in instance_of(kind))


@every_kind
def test_its_list_is_read_under_the_right_key_and_never_in_larger_pages_than_the_api_gives(kind: Kind) -> None:
    if kind.singleton:
        assert (kind.list_key, kind.sid_prefix) == ("", "")
        return
    assert kind.list_key == collection_of(kind)["GET"].envelope
    assert kind.page_size == (5 if kind.name == "conversation_webhook" else 50)
    response = collection_of(kind)["GET"].response
    assert response is not None
    pattern = response["sid"].pattern
    assert pattern is not None
    assert pattern.match(kind.sid_prefix + "0" * 32)


@every_field
def test_the_response_has_it_where_it_is_looked_for(kind: Kind, field: Field) -> None:
    response = instance_of(kind)["GET"].response
    assert response is not None
    if field.write_only:
        # What is inside of an untyped block, the description does not say.
        assert field.response[0] not in response or len(field.response) > 1
        return
    assert field.response[0] in response
    untyped = response[field.response[0]].type is None
    assert untyped == (len(field.response) > 1)


@every_field
def test_the_block_in_the_response_is_spelt_as_in_the_request(kind: Kind, field: Field) -> None:
    del kind
    if len(field.response) > 1:
        snake = ["".join(f"_{c.lower()}" if c.isupper() else c for c in part)[1:] for part in field.param.split(".")]
        assert list(field.response) == snake


def _shapes_of(fact: Fact) -> set[Shape]:
    """The shapes that a parameter of the description may have here."""
    if fact.array:
        return {Shape.SET}
    if fact.enum:
        return {Shape.ENUM}
    if fact.pattern is not None:
        return {Shape.SID, Shape.REF}
    by_type = {
        "boolean": {Shape.BOOL},
        "integer": {Shape.INT},
        # Plain strings in the description: whatever the documentation says of them.
        "string": {Shape.TEXT, Shape.URL, Shape.TIMER, Shape.ENUM, Shape.JSON},
    }
    return by_type[fact.type or ""]


@every_field
def test_its_type_is_the_apis(kind: Kind, field: Field) -> None:
    parameter = {**create_body(kind), **update_body(kind)}[field.param]
    assert field.shape in _shapes_of(parameter.fact)


@every_field
def test_a_sid_has_the_prefix_that_the_api_takes(kind: Kind, field: Field) -> None:
    pattern = {**create_body(kind), **update_body(kind)}[field.param].fact.pattern
    to, outside = field.marker(Ref), field.marker(Sid)
    if pattern is None:
        assert (to, outside) == (None, None)
        return
    prefix = outside.prefix if outside is not None else BY_NAME[to.kind].sid_prefix if to is not None else ""
    assert pattern.match(prefix + "0" * 32)


@every_field
def test_its_words_are_the_apis_and_more_only_where_twilio_extends_them(kind: Kind, field: Field) -> None:
    choice = field.marker(Choice)
    words = set({**create_body(kind), **update_body(kind)}[field.param].fact.enum)
    if choice is None:
        assert not words
        return
    response = instance_of(kind)["GET"].response
    assert response is not None
    # A method is a plain string in some requests, and a closed set in the response to the same.
    words = words or set(response[field.response[0]].enum if field.response[0] in response else ())
    assert words <= set(choice.words)
    assert choice.extended_by_twilio == (words < set(choice.words))


@every_field
def test_its_example_is_of_its_type(kind: Kind, field: Field) -> None:
    marker = field.marker(Example)
    if marker is None:
        assert field.shape == Shape.BOOL
        return
    *blocks, last = field.path.split(".")
    model: Any = kind.model
    for block in blocks:
        model, _ = get_args(get_type_hints(model)[block])
    TypeAdapter(get_type_hints(model)[last]).validate_python(marker.value)
    match field.shape:
        case Shape.ENUM:
            choice = field.marker(Choice)
            assert choice is not None
            assert marker.value in choice.words
        case Shape.SET:
            vocabulary = field.marker(Vocabulary)
            assert vocabulary is None or set(words_of(marker.value)) <= set(vocabulary.words)
            assert vocabulary is not None or field.marker(FreeWords) is not None
        case Shape.TIMER:
            timer, length = field.marker(Timer), duration(str(marker.value))
            assert timer is not None
            assert length is not None
            assert length[0] or length[1] >= timer.minimum
        case Shape.INT:
            between = field.marker(Range)
            assert isinstance(marker.value, int)
            assert between is None or between.least <= marker.value <= between.most
        case _:
            pass


@every_field
def test_a_reference_names_a_kind_that_can_be_referred_to(kind: Kind, field: Field) -> None:
    to = field.marker(Ref)
    if to is None:
        return
    target = BY_NAME[to.kind]
    assert not target.singleton
    assert to.scope == ("account" if target.parent is None else "service")
    assert to.scope == "account" or target.parent in ancestors(kind)
    if to.of_type:
        choice = target.by_path["type"].marker(Choice)
        assert choice is not None
        assert to.of_type in choice.words


@every_field
def test_a_minimum_is_written_as_long_as_it_is(kind: Kind, field: Field) -> None:
    del kind
    timer = field.marker(Timer)
    assert timer is None or duration(timer.written) == (0, timer.minimum)


@every_kind
def test_a_resource_is_recognised_by_one_field_or_by_its_contents(kind: Kind) -> None:
    keys = [field.path for field in kind.fields if field.natural_key]
    assert len(keys) == (0 if kind.singleton or kind.compose_key is not None else 1)
    assert kind.natural_key == (keys[0] if keys else "")


def test_names_that_are_made_of_more_than_one_field() -> None:
    participant, webhook = BY_NAME["participant"], BY_NAME["conversation_webhook"]
    assert participant.name_of({"identity": "ada", "address": None}) == "ada"
    assert participant.name_of({"address": "+1", "proxy_address": "+2"}) == "+1 via +2"
    assert participant.name_of({}) == ""
    assert webhook.name_of({"target": "webhook", "url": "https://a"}) == "webhook https://a"
    assert webhook.name_of({"target": "studio", "flow_sid": "FW1"}) == "studio FW1"


def test_natural_keys() -> None:
    assert {kind.name: kind.natural_key for kind in KINDS if kind.natural_key} == {
        "service": "friendly_name",
        "role": "friendly_name",
        "user": "identity",
        "conversation": "unique_name",
        "address_configuration": "address",
        "credential": "friendly_name",
    }


# --- clearing --------------------------------------------------------------------------------------------------------


def test_what_can_be_cleared() -> None:
    assert {kind.name: [field.path for field in kind.fields if not field.why_not_clearable()] for kind in KINDS} == {
        "account_configuration": [],
        "account_webhook": ["filters", "pre_webhook_url", "post_webhook_url"],
        "service": [],
        "service_configuration": ["reachability_enabled"],
        "service_notification": [
            "log_enabled",
            "new_message.enabled",
            "new_message.template",
            "new_message.sound",
            "new_message.badge_count_enabled",
            "new_message.with_media.enabled",
            "new_message.with_media.template",
            "added_to_conversation.enabled",
            "added_to_conversation.template",
            "added_to_conversation.sound",
            "removed_from_conversation.enabled",
            "removed_from_conversation.template",
            "removed_from_conversation.sound",
        ],
        "service_webhook": ["filters", "pre_webhook_url", "post_webhook_url"],
        "role": [],
        "user": ["friendly_name", "attributes"],
        "conversation": ["attributes"],
        "conversation_webhook": [],
        "participant": ["attributes"],
        "address_configuration": [
            "friendly_name",
            "auto_creation.enabled",
            "auto_creation.webhook_url",
            "auto_creation.webhook_filters",
        ],
        "credential": ["sandbox"],
    }


@pytest.mark.parametrize(
    ("kind", "path", "why"),
    [
        ("account_configuration", "default_service", "Twilio can replace a reference but not remove it"),
        ("service_configuration", "default_chat_service_role", "Twilio can replace a reference but not remove it"),
        ("account_configuration", "default_closed_timer", "Twilio can overwrite a timer but not clear it"),
        ("account_webhook", "method", "Twilio does not accept an empty value"),
        ("service", "friendly_name", "it cannot change once the resource exists"),
        ("role", "permissions", "Twilio requires it"),
        ("address_configuration", "auto_creation.studio_retry_count", "Twilio does not accept an empty value"),
    ],
)  # fmt: skip
def test_says_why_a_field_cannot_be_cleared(kind: str, path: str, why: str) -> None:
    assert BY_NAME[kind].by_path[path].why_not_clearable() == why


# --- vocabulary ------------------------------------------------------------------------------------------------------


def test_webhook_filters() -> None:
    assert (len(PRE_FILTERS), len(POST_FILTERS), len(set(ACCOUNT_FILTERS))) == (10, 13, 23)
    assert set(ACCOUNT_FILTERS) - set(SERVICE_FILTERS) == {"onUserUpdate", "onUserAdded", "onUserUpdated"}
    assert set(ADDRESS_FILTERS) < set(POST_FILTERS)
    assert len(ADDRESS_FILTERS) == 10


def test_permissions() -> None:
    assert (len(set(SERVICE_PERMISSIONS)), len(set(CONVERSATION_PERMISSIONS))) == (18, 20)
    assert set(SERVICE_PERMISSIONS) - set(CONVERSATION_PERMISSIONS) == {"createConversation", "joinConversation"}


def test_address_types_hold_everything_that_either_description_has() -> None:
    assert set(ADDRESS_TYPES) == {"sms", "whatsapp", "messenger", "gbm", "email", "rcs", "apple", "chat"}


# --- how a kind is declared ------------------------------------------------------------------------------------------


def test_a_field_without_its_spelling_on_the_wire_is_refused() -> None:
    class Careless(Declaration):
        name: str | None = None

    with pytest.raises(TypeError, match=r"Careless\.name lacks its Wire marker"):
        _ = made(Careless).fields


def test_a_field_of_a_type_that_nobody_can_send_is_refused() -> None:
    class Odd(Declaration):
        ratio: Annotated[float | None, Wire("Ratio")] = None

    with pytest.raises(TypeError, match="no shape is known for a field of type"):
        _ = made(Odd).fields


class Inner(Declaration):
    flow_sid: Annotated[str | None, Wire("FlowSid"), Sid("FW")] = None


def test_blocks_prefix_what_is_in_them() -> None:
    class Outer(Declaration):
        studio: Annotated[Inner | None, Wire("Studio", response="settings.studio")] = None

    (field,) = made(Outer).fields
    assert (field.path, field.param, field.response) == (
        "studio.flow_sid",
        "Studio.FlowSid",
        ("settings", "studio", "flow_sid"),
    )
    assert [block.path for block in made(Outer).blocks] == ["studio"]


def made(model: type[Declaration]) -> Kind:
    return Kind(name="made", model=model, section=("made",), path="/v1/Made", summary="", docs="")
