"""Address configurations and what they create by themselves."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.witness import ACCOUNT, STAMP, TWILIO, Api, api, segment, sid

ADDRESSES = "/v1/Configuration/Addresses"
NUMBER = {"Type": "sms", "Address": "+14155550100"}
WEBHOOK = {**NUMBER, "AutoCreation.Type": "webhook", "AutoCreation.WebhookUrl": "https://example.com"}
UNSET = {
    "conversation_service_sid": None,
    "webhook_url": None,
    "webhook_method": None,
    "webhook_filters": None,
    "studio_flow_sid": None,
    "studio_retry_count": None,
    "binding_name": None,
}
STUDIO = {**NUMBER, "AutoCreation.Type": "studio", "AutoCreation.StudioFlowSid": sid("FW")}


def test_an_address_with_a_webhook() -> None:
    twilio = Api()
    service = twilio.default_service()
    address = twilio.create(
        ADDRESSES,
        **WEBHOOK,
        FriendlyName="Main line",
        AutoCreation_Enabled="false",
        AutoCreation_ConversationServiceSid=service,
        AutoCreation_WebhookFilters=["onParticipantAdded", "onMessageAdded"],
        AddressCountry="ca",
    )
    assert address == {
        "sid": address["sid"],
        "account_sid": ACCOUNT,
        "type": "sms",
        "address": "+14155550100",
        "friendly_name": "Main line",
        "auto_creation": {
            **UNSET,
            "enabled": False,
            "type": "webhook",
            "conversation_service_sid": service,
            "webhook_url": "https://example.com",
            "webhook_method": "POST",
            "webhook_filters": ["onParticipantAdded", "onMessageAdded"],
        },
        "address_country": "CA",
        "date_created": STAMP,
        "date_updated": STAMP,
        "url": f"{TWILIO}{ADDRESSES}/{address['sid']}",
    }
    assert address["sid"].startswith("IG")
    by_sid, by_address = f"{ADDRESSES}/{address['sid']}", f"{ADDRESSES}/{segment('+14155550100')}"
    assert twilio.get(by_sid) == twilio.get(by_address) == address
    assert twilio.listed(ADDRESSES) == [address]
    twilio.delete(by_address)
    assert twilio.refusal("GET", by_sid) == (404, 20404)


def test_a_change_of_type_drops_the_other_types_keys_and_keeps_the_service() -> None:
    twilio = Api()
    service = twilio.default_service()
    path = f"{ADDRESSES}/{twilio.create(ADDRESSES, **WEBHOOK, AutoCreation_ConversationServiceSid=service)['sid']}"
    sent = {
        "AutoCreation.Type": "studio",
        "AutoCreation.StudioFlowSid": sid("FW"),
        "AutoCreation.StudioRetryCount": "3",
    }
    assert twilio.update(path, **sent, AutoCreation_Enabled="false")["auto_creation"] == {
        **UNSET,
        "enabled": False,
        "type": "studio",
        "conversation_service_sid": service,
        "studio_flow_sid": sid("FW"),
        "studio_retry_count": 3,
    }
    default = {**UNSET, "enabled": False, "type": "default", "conversation_service_sid": service}
    assert twilio.update(path, AutoCreation_Type="default")["auto_creation"] == default
    assert twilio.refusal("POST", path, AutoCreation_Type="webhook") == (400, 45764)


def test_an_update_keeps_what_was_not_sent() -> None:
    twilio = Api()
    before = twilio.create(ADDRESSES, **WEBHOOK, AutoCreation_WebhookFilters="onMessageAdded", FriendlyName="x")
    path = f"{ADDRESSES}/{before['sid']}"
    after = twilio.update(path, AutoCreation_WebhookMethod="GET")
    assert after == {**before, "auto_creation": {**before["auto_creation"], "webhook_method": "GET"}}
    assert twilio.update(path, FriendlyName="y") == {**after, "friendly_name": "y"}


@pytest.mark.parametrize("enabled", [True, False])
def test_an_address_of_little(enabled: bool) -> None:  # noqa: FBT001 — pytest passes parameters by name
    twilio = api(auto_creation_enabled=enabled)
    address = twilio.create(ADDRESSES, **NUMBER)
    assert address["auto_creation"] == {**UNSET, "enabled": enabled, "type": "default"}
    assert (address["friendly_name"], address["address_country"]) == (None, None)


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, 20001),
        ({"Type": "sms"}, 20001),
        ({"Address": "+14155550100"}, 20001),
        ({"Type": "fax", "Address": "+14155550100"}, 20001),
        ({"Type": "rcs", "Address": "+14155550100"}, 20001),
        ({"Type": "apple", "Address": "mbid:x"}, 20001),
        ({"Type": "sms", "Address": "whatsapp:+14155550100"}, 20001),
        ({"Type": "whatsapp", "Address": "+14155550100"}, 20001),
        ({"Type": "email", "Address": "desk"}, 20001),
        ({**NUMBER, "FriendlyName": "x" * 257}, 50003),
        ({**NUMBER, "AddressCountry": "USA"}, 20001),
        ({**NUMBER, "AutoCreation.Enabled": "on"}, 20001),
        ({**NUMBER, "AutoCreation.Type": "fax"}, 20001),
        ({**NUMBER, "AutoCreation.Type": "webhook"}, 45764),
        ({**WEBHOOK, "AutoCreation.WebhookUrl": ""}, 45764),
        ({**WEBHOOK, "AutoCreation.WebhookUrl": "example"}, 20001),
        ({**WEBHOOK, "AutoCreation.WebhookMethod": "PUT"}, 20001),
        ({**WEBHOOK, "AutoCreation.WebhookFilters": "onConversationAdded"}, 20001),
        ({**WEBHOOK, "AutoCreation.ConversationServiceSid": sid("IS")}, 50050),
        ({**NUMBER, "AutoCreation.Type": "studio"}, 45763),
        ({**STUDIO, "AutoCreation.StudioFlowSid": "FW1"}, 20001),
        ({**STUDIO, "AutoCreation.StudioRetryCount": "4"}, 20001),
        ({**STUDIO, "AutoCreation.StudioRetryCount": "-1"}, 20001),
        ({**STUDIO, "AutoCreation.StudioRetryCount": "two"}, 20001),
    ],
)
def test_a_wrong_address_is_refused(form: dict[str, str], code: int) -> None:
    twilio = Api()
    before = twilio.app.snapshot()
    assert twilio.refusal("POST", ADDRESSES, **form) == (400, code)
    assert twilio.app.snapshot() == before


def test_type_address_and_country_are_fixed() -> None:
    twilio = Api()
    before = twilio.create(ADDRESSES, **NUMBER)
    path = f"{ADDRESSES}/{before['sid']}"
    for name, value in {"Type": "email", "Address": "a@example.com", "AddressCountry": "US"}.items():
        assert twilio.update(path, **{name: value}) == before
    assert twilio.update(path) == before


@pytest.mark.parametrize("status", [409, 400])
def test_one_configuration_for_an_address(status: int) -> None:
    twilio = api(duplicate_status=status)
    twilio.create(ADDRESSES, **NUMBER)
    assert twilio.refusal("POST", ADDRESSES, **WEBHOOK) == (status, 20409)
    twilio.create(ADDRESSES, Type="WhatsApp", Address="whatsapp:+14155550100")


def test_newer_address_types() -> None:
    allowing, refusing = api(newer_address_types="allowed"), api(newer_address_types="refused")
    for kind, address in {"rcs": "rcs:brand", "Apple": "urn:mbid:x", "chat": "desk"}.items():
        assert allowing.create(ADDRESSES, Type=kind, Address=address)["type"] == kind.lower()
        assert refusing.refusal("POST", ADDRESSES, Type=kind, Address=address) == (400, 20001)


def test_auto_creation_may_lack_what_its_type_needs() -> None:
    twilio = api(incomplete_auto_creation="allowed")
    for address, kind in (("+14155550100", "webhook"), ("+14155550101", "studio")):
        made = twilio.create(ADDRESSES, Type="sms", Address=address, AutoCreation_Type=kind)["auto_creation"]
        assert (made["type"], made["webhook_url"], made["studio_flow_sid"]) == (kind, None, None)
    path = f"{ADDRESSES}/{segment('+14155550100')}"
    assert twilio.update(path, AutoCreation_WebhookUrl="https://example.com")["auto_creation"]["webhook_url"]
    assert twilio.update(path, AutoCreation_WebhookUrl="")["auto_creation"]["webhook_url"] is None
    assert twilio.refusal("POST", path, AutoCreation_WebhookUrl="example") == (400, 20001)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (NUMBER, {"enabled": False, "type": "default"}),
        (
            WEBHOOK,
            {
                "enabled": False,
                "type": "webhook",
                "webhook_url": "https://example.com",
                "webhook_method": "POST",
                "webhook_filters": [],
            },
        ),
        (STUDIO, {"enabled": False, "type": "studio", "studio_flow_sid": sid("FW"), "studio_retry_count": 0}),
    ],
)
def test_keys_of_auto_creation(form: dict[str, str], expected: dict[str, Any]) -> None:
    assert api(auto_creation_keys="applicable").create(ADDRESSES, **form)["auto_creation"] == expected
    assert api(auto_creation_keys="all").create(ADDRESSES, **form)["auto_creation"] == {**UNSET, **expected}


def test_the_list_by_type() -> None:
    twilio = Api()
    twilio.create(ADDRESSES, **NUMBER)
    twilio.create(ADDRESSES, Type="email", Address="desk@example.com")
    body = twilio.get(f"{ADDRESSES}?Type=email&PageSize=1")
    assert [item["address"] for item in body["address_configurations"]] == ["desk@example.com"]
    assert body["meta"] == {
        "page": 0,
        "page_size": 1,
        "first_page_url": f"{TWILIO}{ADDRESSES}?Type=email&PageSize=1&Page=0",
        "previous_page_url": None,
        "url": f"{TWILIO}{ADDRESSES}?Type=email&PageSize=1&Page=0",
        "next_page_url": None,
        "key": "address_configurations",
    }


@pytest.mark.parametrize(("reading", "after"), [("clears", None), ("ignored", "Main")])
def test_an_empty_address_name(reading: str, after: str | None) -> None:
    twilio = api(empty_address_name=reading)
    path = f"{ADDRESSES}/{twilio.create(ADDRESSES, **NUMBER, FriendlyName='Main')['sid']}"
    assert twilio.update(path, FriendlyName="")["friendly_name"] == after


def test_an_empty_service_of_auto_creation() -> None:
    for reading in ("clears", "ignored", "refused"):
        twilio = api(empty_auto_creation_service=reading)
        sent = {**WEBHOOK, "AutoCreation.ConversationServiceSid": twilio.default_service()}
        path = f"{ADDRESSES}/{twilio.create(ADDRESSES, **sent)['sid']}"
        if reading == "refused":
            assert twilio.refusal("POST", path, AutoCreation_ConversationServiceSid="") == (400, 20001)
            continue
        after = twilio.update(path, AutoCreation_ConversationServiceSid="")["auto_creation"]
        assert (after["conversation_service_sid"] is not None) == (reading == "ignored")


def test_empty_filters_of_auto_creation() -> None:
    expected: dict[str, list[str]] = {"clears": [], "ignored": ["onMessageAdded"]}
    for reading in ("clears", "ignored", "refused"):
        twilio = api(empty_filters=reading)
        sent = {**WEBHOOK, "AutoCreation.WebhookFilters": "onMessageAdded"}
        path = f"{ADDRESSES}/{twilio.create(ADDRESSES, **sent)['sid']}"
        if reading == "refused":
            assert twilio.refusal("POST", path, AutoCreation_WebhookFilters="") == (400, 20001)
        else:
            after = twilio.update(path, AutoCreation_WebhookFilters="")["auto_creation"]
            assert after["webhook_filters"] == expected[reading]


def test_parameters_the_type_has_no_use_for() -> None:
    ignoring, refusing = api(inapplicable="ignored"), api(inapplicable="refused")
    sent = {**WEBHOOK, "AutoCreation.StudioFlowSid": sid("FW")}
    assert ignoring.create(ADDRESSES, **sent)["auto_creation"]["studio_flow_sid"] is None
    assert refusing.refusal("POST", ADDRESSES, **sent) == (400, 20001)


@pytest.mark.parametrize(("reading", "shown"), [("shown", True), ("hidden", False)])
def test_the_service_of_the_default_type(reading: str, shown: bool) -> None:  # noqa: FBT001 — as above
    twilio = api(default_auto_creation_service=reading)
    sent = {**NUMBER, "AutoCreation.ConversationServiceSid": twilio.default_service()}
    assert (twilio.create(ADDRESSES, **sent)["auto_creation"]["conversation_service_sid"] is not None) == shown


@pytest.mark.parametrize(("reading", "after"), [("as sent", "get"), ("upper", "GET"), ("lower", "get")])
def test_the_case_of_a_webhooks_method(reading: str, after: str) -> None:
    twilio = api(method_case=reading)
    sent = {**WEBHOOK, "AutoCreation.WebhookMethod": "get"}
    assert twilio.create(ADDRESSES, **sent)["auto_creation"]["webhook_method"] == after


def test_an_address_whose_service_is_deleted() -> None:
    for reading in ("kept", "cleared", "deleted"):
        twilio = api(address_of_deleted_service=reading)
        service = twilio.create("/v1/Services", FriendlyName="x")["sid"]
        sent: dict[str, Any] = {**WEBHOOK, "AutoCreation.ConversationServiceSid": service}
        address = twilio.create(ADDRESSES, **sent)
        other = twilio.create(ADDRESSES, Type="email", Address="desk@example.com")
        twilio.delete(f"/v1/Services/{service}")
        cleared = {**address["auto_creation"], "conversation_service_sid": None}
        expected = {
            "kept": [address, other],
            "cleared": [{**address, "auto_creation": cleared}, other],
            "deleted": [other],
        }
        assert twilio.listed(ADDRESSES) == expected[reading]
