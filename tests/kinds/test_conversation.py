"""The kind `conversation`."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.api import wire
from reconciler.json_text import Json
from reconciler.kinds.conversation import CONVERSATION
from reconciler.kinds.hooks import Fault
from reconciler.kinds.markers import Length, Timer
from tests.builders import sid


def test_what_the_api_never_returns() -> None:
    assert [field.path for field in CONVERSATION.fields if field.write_only] == [
        "timers.inactive",
        "timers.closed",
        "bindings.email.address",
    ]
    assert [field.path for field in CONVERSATION.fields if field.secret] == []


def test_nothing_of_it_is_given_once() -> None:
    assert [field.path for field in CONVERSATION.fields if field.forces_replacement or field.required] == []


def test_its_dates_are_no_settings() -> None:
    assert CONVERSATION.runtime_params == ("DateCreated", "DateUpdated")


def test_the_least_a_timer_can_be_and_the_most_attributes() -> None:
    assert CONVERSATION.by_path["timers.inactive"].marker(Timer) == Timer(60, "PT1M")
    assert CONVERSATION.by_path["timers.closed"].marker(Timer) == Timer(600, "PT10M")
    assert CONVERSATION.by_path["attributes"].marker(Length) == Length(16384)


@pytest.mark.parametrize(
    ("contents", "derived"),
    [
        ({"timers.inactive": "PT1H"}, {"state": "active"}),
        ({"timers.closed": "P1D"}, {"state": "active"}),
        # The files' own state wins: who derives leaves out what is written.
        ({"timers.closed": "P1D", "state": "inactive"}, {"state": "active"}),
        ({"timers.closed": None}, {}),
        ({"friendly_name": "Announcements"}, {}),
        ({}, {}),
    ],
)
def test_timers_come_with_a_state(contents: dict[str, Any], derived: dict[str, Any]) -> None:
    assert CONVERSATION.derive(contents) == derived


@pytest.mark.parametrize("timer", ["timers.inactive", "timers.closed"])
def test_what_is_closed_has_no_timers(timer: str) -> None:
    assert CONVERSATION.check({"state": "closed", timer: "PT1H"}) == (
        Fault("state", "a closed conversation has no timers", "remove the timers, or set another state"),
    )


@pytest.mark.parametrize(
    "contents",
    [
        {},
        {"state": "closed"},
        {"state": "closed", "timers.closed": None},
        {"state": "active", "timers.closed": "P1D"},
        {"state": "inactive", "timers.inactive": "PT1H"},
        {"timers.inactive": "PT1H"},
    ],
)
def test_these_go_together(contents: dict[str, Any]) -> None:
    assert CONVERSATION.check(contents) == ()
    assert CONVERSATION.check_create(contents) == ()


@pytest.mark.parametrize(
    ("path", "desired", "live", "tolerated"),
    [
        ("state", "active", "inactive", True),
        ("state", "inactive", "active", False),
        ("state", "active", "closed", False),
        ("state", "inactive", "closed", False),
        ("state", "closed", "inactive", False),
        ("friendly_name", "active", "inactive", False),
    ],
)
def test_a_timer_that_ran_out_is_no_difference(path: str, desired: str, live: str, *, tolerated: bool) -> None:
    assert CONVERSATION.tolerates(path, desired, live) is tolerated


@pytest.mark.parametrize(
    ("state", "is_final"), [("closed", True), ("inactive", False), ("active", False), (None, False)]
)
def test_only_closed_is_final(state: str | None, *, is_final: bool) -> None:
    assert bool(CONVERSATION.why_final({"state": state})) is is_final


def test_it_cannot_be_made_closed_but_closed_later() -> None:
    assert CONVERSATION.deferred == {"state": ("closed",)}


def test_deleting_one_needs_approval_for_what_it_destroys() -> None:
    assert CONVERSATION.destroys == "every message and participant in it"


def test_another_name_of_the_email_binding_takes_its_address_along() -> None:
    assert CONVERSATION.resend_with == {"bindings.email.name": ("bindings.email.address",)}


def test_reads_an_answer_without_what_cannot_be_compared() -> None:
    body: dict[str, Json] = {
        "sid": sid("CH"),
        "account_sid": sid("AC"),
        "chat_service_sid": sid("IS"),
        "messaging_service_sid": sid("MG"),
        "friendly_name": "Announcements",
        "unique_name": "announcements",
        "attributes": '{"pinned": true}',
        "state": "inactive",
        "timers": {"date_inactive": "2026-01-02T03:04:05Z", "date_closed": "2026-01-03T03:04:05Z"},
        "bindings": {"email": {"projected_address": "desk+1f@example.com", "name": "Desk"}},
        "date_created": "2026-01-02T03:04:05Z",
        "date_updated": "2026-01-02T03:04:05Z",
        "links": {},
    }
    assert wire.decode(CONVERSATION, body).values == {
        "unique_name": "announcements",
        "friendly_name": "Announcements",
        "state": "inactive",
        "messaging_service_sid": sid("MG"),
        "attributes": {"pinned": True},
        "bindings.email.name": "Desk",
    }
