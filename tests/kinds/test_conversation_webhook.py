"""The kind `conversation_webhook`."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.api import wire
from reconciler.json_text import Json
from reconciler.kinds.conversation_webhook import CONVERSATION_WEBHOOK
from reconciler.kinds.hooks import Fault
from reconciler.kinds.markers import Choice, Url, Vocabulary
from reconciler.kinds.vocabulary import POST_FILTERS, PRE_FILTERS
from tests.builders import sid

URL = "https://crm.example.com/hook"
FLOW = sid("FW")


def test_its_target_is_given_once_and_where_it_leads_may_change() -> None:
    assert [field.path for field in CONVERSATION_WEBHOOK.fields if field.forces_replacement] == [
        "target",
        "replay_after",
    ]
    assert [field.path for field in CONVERSATION_WEBHOOK.fields if field.write_only] == ["replay_after"]


def test_a_conversation_has_five_at_most_and_they_have_no_names() -> None:
    assert CONVERSATION_WEBHOOK.max_per_parent == CONVERSATION_WEBHOOK.page_size == 5
    assert CONVERSATION_WEBHOOK.match_by_content
    assert CONVERSATION_WEBHOOK.discriminator == "target"


def test_its_writes_know_no_header_for_webhooks() -> None:
    assert not CONVERSATION_WEBHOOK.webhook_header


def test_it_hears_only_of_what_has_happened() -> None:
    vocabulary = CONVERSATION_WEBHOOK.by_path["filters"].marker(Vocabulary)
    assert vocabulary is not None
    assert vocabulary.words == POST_FILTERS
    assert set(vocabulary.words).isdisjoint(PRE_FILTERS)
    assert vocabulary.at_least_one


def test_its_url_has_a_limit() -> None:
    assert CONVERSATION_WEBHOOK.by_path["url"].marker(Url) == Url(512)


@pytest.mark.parametrize(
    ("contents", "name"),
    [
        ({"target": "webhook", "url": URL}, f"webhook {URL}"),
        ({"target": "studio", "flow_sid": FLOW}, f"studio {FLOW}"),
        ({"target": "studio", "flow_sid": FLOW, "url": URL}, f"studio {FLOW}"),
        ({"target": "trigger"}, "trigger"),
        ({"url": URL}, URL),
        ({}, ""),
    ],
)
def test_it_is_told_by_its_target_and_where_it_leads(contents: dict[str, Any], name: str) -> None:
    assert CONVERSATION_WEBHOOK.name_of(contents) == name


@pytest.mark.parametrize(
    "contents",
    [
        {},
        {"target": "webhook", "url": URL, "method": "POST", "filters": ("onMessageAdded",), "replay_after": 0},
        {"target": "trigger", "url": URL, "method": "GET", "triggers": ("help", "stop", "a", "b", "c")},
        {"target": "trigger", "url": URL, "triggers": ("x" * 248,)},
        {"target": "studio", "flow_sid": FLOW, "replay_after": 3, "filters": ("onMessageAdded",)},
        {"target": "studio", "flow_sid": FLOW, "url": None},
        # Without a target, which of them count is not known yet.
        {"url": URL, "flow_sid": FLOW},
    ],
)
def test_these_go_together(contents: dict[str, Any]) -> None:
    assert CONVERSATION_WEBHOOK.check(contents) == ()


@pytest.mark.parametrize(
    ("contents", "path", "hint"),
    [
        ({"target": "webhook", "triggers": ("help",)}, "triggers", "webhook uses url, method, filters"),
        ({"target": "webhook", "flow_sid": FLOW}, "flow_sid", "webhook uses url, method, filters"),
        ({"target": "trigger", "filters": ("onMessageAdded",)}, "filters", "trigger uses url, method, triggers"),
        ({"target": "studio", "url": URL}, "url", "studio uses flow_sid, filters"),
        ({"target": "studio", "method": "POST"}, "method", "studio uses flow_sid, filters"),
    ],
)
def test_a_field_of_another_target_is_a_fault(contents: dict[str, Any], path: str, hint: str) -> None:
    assert CONVERSATION_WEBHOOK.check(contents) == (
        Fault(path, f"{path} has no effect for target {contents['target']}", f"remove it; {hint}"),
    )


def test_the_most_and_the_longest_triggers() -> None:
    six = tuple("abcdef")
    assert CONVERSATION_WEBHOOK.check({"target": "trigger", "triggers": six}) == (
        Fault(
            "triggers",
            "6 triggers are too many: Twilio accepts 5",
            "remove some, or declare another webhook for them",
        ),
    )
    assert CONVERSATION_WEBHOOK.check({"triggers": ("x" * 249,)}) == (
        Fault("triggers", "a trigger is too long: Twilio accepts 248 characters", "shorten it"),
    )


@pytest.mark.parametrize(
    ("contents", "missing"),
    [
        ({"target": "webhook"}, ["url", "filters"]),
        ({"target": "webhook", "url": URL, "filters": ()}, ["filters"]),
        ({"target": "trigger", "url": URL}, ["triggers"]),
        ({"target": "trigger", "triggers": ("help",)}, ["url"]),
        ({"target": "studio"}, ["flow_sid"]),
        ({"target": "studio", "flow_sid": FLOW}, []),
        ({"target": "webhook", "url": URL, "filters": ("onMessageAdded",)}, []),
        ({}, []),
    ],
)
def test_a_create_needs_what_its_target_cannot_do_without(contents: dict[str, Any], missing: list[str]) -> None:
    target = contents.get("target")
    assert CONVERSATION_WEBHOOK.check_create(contents) == tuple(
        Fault("target", f"target {target} requires `{path}`", f"set {path}") for path in missing
    )


def test_every_target_is_known_to_the_checks() -> None:
    choice = CONVERSATION_WEBHOOK.by_path["target"].marker(Choice)
    assert choice is not None
    for word in choice.words:
        assert CONVERSATION_WEBHOOK.check_create({"target": word}) != ()


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        (
            {"url": URL, "method": "post", "filters": ["onMessageRemoved", "onMessageAdded"]},
            {"url": URL, "method": "POST", "filters": ("onMessageAdded", "onMessageRemoved")},
        ),
        ({"flow_sid": FLOW}, {"flow_sid": FLOW}),
        (
            {"url": URL, "method": "GET", "triggers": ["stop", "help"], "replay_after": 7},
            {"url": URL, "method": "GET", "triggers": ("help", "stop")},
        ),
        (None, {}),
    ],
)
def test_reads_only_what_the_answer_holds(configuration: Any, expected: dict[str, Any]) -> None:
    body = {"sid": sid("WH"), "target": "webhook", "configuration": configuration}
    found = wire.decode(CONVERSATION_WEBHOOK, body).values
    assert {path: content for path, content in found.items() if content is not None} == {
        "target": "webhook",
        **expected,
    }
    assert "replay_after" not in found


@pytest.mark.parametrize("where", ["triggers", "filters"])
def test_the_words_of_a_trigger_are_read_wherever_they_come_back(where: str) -> None:
    body: dict[str, Json] = {
        "sid": sid("WH"),
        "target": "trigger",
        "configuration": {"url": URL, where: ["stop", "help"]},
    }
    values = wire.decode(CONVERSATION_WEBHOOK, body).values
    assert (values["triggers"], values["filters"]) == (("help", "stop"), None)
