"""The kind `account_configuration`."""

from __future__ import annotations

from typing import Any

from reconciler.api import wire
from reconciler.kinds.account_configuration import ACCOUNT_CONFIGURATION
from reconciler.kinds.markers import Ref, Sid, Timer
from tests.builders import sid


def test_it_refers_to_a_service_of_the_files_and_to_a_messaging_service_outside_of_them() -> None:
    assert ACCOUNT_CONFIGURATION.by_path["default_service"].marker(Ref) == Ref("service", "account")
    assert ACCOUNT_CONFIGURATION.by_path["default_messaging_service_sid"].marker(Sid) == Sid("MG")


def test_its_timers_have_the_apis_minima() -> None:
    assert ACCOUNT_CONFIGURATION.by_path["default_inactive_timer"].marker(Timer) == Timer(60, "PT1M")
    assert ACCOUNT_CONFIGURATION.by_path["default_closed_timer"].marker(Timer) == Timer(600, "PT10M")


def test_reads_an_answer() -> None:
    body: dict[str, Any] = {
        "account_sid": sid("AC"),
        "default_chat_service_sid": sid("IS"),
        "default_messaging_service_sid": sid("MG"),
        "default_inactive_timer": "PT1M",
        "default_closed_timer": None,
        "links": {},
        "url": "https://conversations.twilio.com/v1/Configuration",
    }
    assert wire.decode(ACCOUNT_CONFIGURATION, body).values == {
        "default_service": sid("IS"),
        "default_messaging_service_sid": sid("MG"),
        "default_inactive_timer": "PT1M",
        "default_closed_timer": None,
    }
