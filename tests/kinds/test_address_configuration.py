"""The kind `address_configuration`."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.api import wire
from reconciler.kinds.address_configuration import ADDRESS_CONFIGURATION
from reconciler.kinds.hooks import Fault
from reconciler.kinds.markers import Choice, Range, Ref
from tests.builders import sid

URL = "https://hooks.example.com/a"
FLOW = sid("FW")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("+14155550100", "sms"),
        ("55501", "sms"),
        ("whatsapp:+14155550100", "whatsapp"),
        ("messenger:103000", "messenger"),
        ("rcs:brand_agent", "rcs"),
        ("urn:mbid:AwESTYoM", "apple"),
        ("desk@example.com", "email"),
        ("desk+eu@mail.example.com", "email"),
        ("whatsapp:14155550100", None),
        ("whatsapp:", None),
        ("messenger:", None),
        ("WhatsApp:+14155550100", None),
        ("+1 415 555 0100", None),
        ("+14155550100\n", None),
        ("rcs:a\nb", None),
        ("@example.com", None),
        ("desk@", None),
        ("a@b@c", None),
        ("main", None),
        ("", None),
        ("+", None),
    ],
)
def test_the_form_of_an_address_tells_its_type(address: str, expected: str | None) -> None:
    assert ADDRESS_CONFIGURATION.derive({"address": address}) == ({} if expected is None else {"type": expected})


@pytest.mark.parametrize(
    ("address", "kind", "looks_like"),
    [
        ("main", "sms", "+14155550100"),
        ("+14155550100", "whatsapp", "whatsapp:+14155550100"),
        ("whatsapp:+14155550100", "sms", "+14155550100"),
        ("Desk", "email", "desk@example.com"),
    ],
)
def test_an_address_of_another_form_than_its_type_is_doubtful(address: str, kind: str, looks_like: str) -> None:
    assert ADDRESS_CONFIGURATION.check({"address": address, "type": kind}) == (
        Fault(
            "address",
            f"the address does not look like one of type {kind}",
            f"expected a form such as {looks_like}; without `address`, the handle is the address",
            severity="warning",
            code="unusual-address",
        ),
    )


@pytest.mark.parametrize(("address", "kind"), [("+14155550100", "sms"), ("anything", "chat"), ("anything", "gbm")])
def test_an_address_of_its_form_or_of_a_type_without_a_known_form_is_not(address: str, kind: str) -> None:
    assert ADDRESS_CONFIGURATION.check({"address": address, "type": kind}) == ()


@pytest.mark.parametrize("contents", [{}, {"address": None}, {"address": 5}, {"friendly_name": "+14155550100"}])
def test_without_an_address_nothing_is_told(contents: dict[str, Any]) -> None:
    assert ADDRESS_CONFIGURATION.derive(contents) == {}


def test_every_type_that_is_told_is_a_known_one() -> None:
    choice = ADDRESS_CONFIGURATION.by_path["type"].marker(Choice)
    assert choice is not None
    assert {"sms", "whatsapp", "messenger", "rcs", "apple", "email"} <= set(choice.words)
    assert choice.extended_by_twilio


@pytest.mark.parametrize(
    "contents",
    [
        {},
        {"auto_creation.enabled": True},
        {"auto_creation.enabled": True, "auto_creation.type": "default"},
        {"auto_creation.enabled": True, "auto_creation.type": "default", "auto_creation.service": sid("IS")},
        {
            "auto_creation.enabled": True,
            "auto_creation.type": "webhook",
            "auto_creation.webhook_url": URL,
            "auto_creation.webhook_method": "POST",
        },
        {
            "auto_creation.enabled": True,
            "auto_creation.type": "webhook",
            "auto_creation.webhook_filters": ("onMessageAdded",),
        },
        {"auto_creation.enabled": True, "auto_creation.type": "webhook"},
        {
            "auto_creation.enabled": True,
            "auto_creation.type": "studio",
            "auto_creation.studio_flow_sid": FLOW,
            "auto_creation.studio_retry_count": 0,
        },
        {
            "auto_creation.enabled": True,
            "auto_creation.type": "studio",
            "auto_creation.studio_flow_sid": FLOW,
            "auto_creation.webhook_url": None,
        },
        {"auto_creation.webhook_url": URL, "auto_creation.studio_flow_sid": FLOW},
        {"auto_creation.webhook_url": None},
    ],
)
def test_these_go_together(contents: dict[str, Any]) -> None:
    assert ADDRESS_CONFIGURATION.check(contents) == ()


@pytest.mark.parametrize(
    ("contents", "faults"),
    [
        (
            {"auto_creation.enabled": True, "auto_creation.type": "studio", "auto_creation.webhook_url": URL},
            [("auto_creation.webhook_url", "webhook", "studio")],
        ),
        (
            {
                "auto_creation.enabled": False,
                "auto_creation.type": "default",
                "auto_creation.webhook_method": "POST",
                "auto_creation.webhook_filters": ("onMessageAdded",),
                "auto_creation.studio_retry_count": 0,
            },
            [
                ("auto_creation.webhook_method", "webhook", "default"),
                ("auto_creation.webhook_filters", "webhook", "default"),
                ("auto_creation.studio_retry_count", "studio", "default"),
            ],
        ),
        (
            {"auto_creation.enabled": True, "auto_creation.type": "webhook", "auto_creation.studio_flow_sid": FLOW},
            [("auto_creation.studio_flow_sid", "studio", "webhook")],
        ),
    ],
)
def test_a_field_of_another_type_is_a_fault(contents: dict[str, Any], faults: list[tuple[str, str, str]]) -> None:
    assert ADDRESS_CONFIGURATION.check(contents) == tuple(
        Fault(
            path,
            f"{path} has no effect for auto_creation.type {chosen}, only for {owner}",
            f"remove it, or set auto_creation.type: {owner}",
            is_ineffective=True,
        )
        for path, owner, chosen in faults
    )


@pytest.mark.parametrize("kind", ["webhook", "studio", "default"])
def test_a_type_without_a_switch_is_doubtful(kind: str) -> None:
    assert ADDRESS_CONFIGURATION.check({"auto_creation.type": kind}) == (
        Fault(
            "auto_creation.type",
            "auto_creation.type is set without auto_creation.enabled: Twilio creates the address with "
            "auto-creation off",
            "set auto_creation.enabled: true (or false)",
            severity="warning",
            code="auto-creation-off",
        ),
    )
    for enabled in (True, False, None):
        assert ADDRESS_CONFIGURATION.check({"auto_creation.type": kind, "auto_creation.enabled": enabled}) == ()


@pytest.mark.parametrize("empty", [None, ""])
def test_what_a_type_cannot_do_without_cannot_be_cleared(empty: str | None) -> None:
    assert ADDRESS_CONFIGURATION.check(
        {"auto_creation.enabled": True, "auto_creation.type": "webhook", "auto_creation.webhook_url": empty}
    ) == (
        Fault(
            "auto_creation.webhook_url",
            "auto_creation.type webhook requires auto_creation.webhook_url",
            "set a value, or change the type",
        ),
    )


@pytest.mark.parametrize(
    ("contents", "needed"),
    [
        ({"auto_creation.type": "webhook"}, "auto_creation.webhook_url"),
        ({"auto_creation.type": "webhook", "auto_creation.webhook_url": None}, "auto_creation.webhook_url"),
        ({"auto_creation.type": "studio"}, "auto_creation.studio_flow_sid"),
        ({"auto_creation.type": "studio", "auto_creation.studio_retry_count": 1}, "auto_creation.studio_flow_sid"),
    ],
)
def test_a_create_needs_what_its_type_cannot_do_without(contents: dict[str, Any], needed: str) -> None:
    chosen = contents["auto_creation.type"]
    assert ADDRESS_CONFIGURATION.check_create(contents) == (
        Fault("auto_creation.type", f"auto_creation.type {chosen} requires {needed}", f"set {needed}"),
    )


@pytest.mark.parametrize(
    "contents",
    [
        {},
        {"auto_creation.enabled": True},
        {"auto_creation.type": "default"},
        {"auto_creation.type": "webhook", "auto_creation.webhook_url": URL},
        {"auto_creation.type": "studio", "auto_creation.studio_flow_sid": FLOW},
    ],
)
def test_a_create_needs_nothing_else(contents: dict[str, Any]) -> None:
    assert ADDRESS_CONFIGURATION.check_create(contents) == ()


def test_what_stays_unique_goes_before_its_successor_comes() -> None:
    assert ADDRESS_CONFIGURATION.replace_risk == "high"


def test_it_refers_to_a_service_and_limits_retries() -> None:
    ref = ADDRESS_CONFIGURATION.by_path["auto_creation.service"].marker(Ref)
    assert ref == Ref("service", "account", verb="starts conversations in")
    assert ADDRESS_CONFIGURATION.by_path["auto_creation.studio_retry_count"].marker(Range) == Range(0, 3)


@pytest.mark.parametrize(
    ("auto_creation", "expected"),
    [
        (None, {}),
        ({}, {}),
        ({"enabled": True, "type": "default"}, {"auto_creation.enabled": True, "auto_creation.type": "default"}),
        (
            {
                "enabled": False,
                "type": "webhook",
                "conversation_service_sid": sid("IS"),
                "webhook_url": URL,
                "webhook_method": "post",
                "webhook_filters": ["onParticipantAdded", "onMessageAdded"],
            },
            {
                "auto_creation.enabled": False,
                "auto_creation.type": "webhook",
                "auto_creation.service": sid("IS"),
                "auto_creation.webhook_url": URL,
                "auto_creation.webhook_method": "POST",
                "auto_creation.webhook_filters": ("onMessageAdded", "onParticipantAdded"),
            },
        ),
        (
            {"enabled": True, "type": "studio", "studio_flow_sid": FLOW, "studio_retry_count": 3},
            {
                "auto_creation.enabled": True,
                "auto_creation.type": "studio",
                "auto_creation.studio_flow_sid": FLOW,
                "auto_creation.studio_retry_count": 3,
            },
        ),
    ],
)
def test_reads_only_what_the_answer_holds(auto_creation: Any, expected: dict[str, Any]) -> None:
    body = {"sid": sid("IG"), "address": "+14155550100", "type": "sms", "auto_creation": auto_creation}
    found = wire.decode(ADDRESS_CONFIGURATION, body).values
    assert {path: content for path, content in found.items() if content is not None} == {
        "address": "+14155550100",
        "type": "sms",
        **expected,
    }
    assert set(found) == set(ADDRESS_CONFIGURATION.by_path)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        *((address, "the address does not look like an address of any channel") for address in (
            "+1 415 555 0100", "whatsapp:14155550102", "WhatsApp:+14155550103", "%2B14155550105", "RCS:agent_x",
            "mailto:desk@example.com", "main", "tel:+14155550100", "+", "(415) 555-0100", "whatsapp:+1-415", "a@b@c",
        )),
        *((address, "the address is a number without +, too long for a short code") for address in (
            "4155550107", "00442071838750", "123456789",
        )),
    ],
)  # fmt: skip
def test_an_address_of_no_channel_is_doubtful(address: str, message: str) -> None:
    (fault,) = ADDRESS_CONFIGURATION.check({"address": address})
    assert (fault.path, fault.message, fault.severity, fault.code) == ("address", message, "warning", "unusual-address")


@pytest.mark.parametrize(
    "address",
    [
        "+14155550100", "55501", "12345678", "whatsapp:+14155550100", "messenger:103000", "rcs:brand_agent",
        "urn:mbid:AwESTYoM", "desk@example.com",
    ],
)  # fmt: skip
def test_an_address_of_a_channel_is_not_doubtful(address: str) -> None:
    assert ADDRESS_CONFIGURATION.check({"address": address}) == ()


def test_a_number_without_plus_is_doubtful_for_a_declared_type_too() -> None:
    (fault,) = ADDRESS_CONFIGURATION.check({"address": "4155550107", "type": "sms"})
    assert fault.message == "the address is a number without +, too long for a short code"
    assert ADDRESS_CONFIGURATION.check({"address": "4155550107", "type": "gbm"}) == ()
