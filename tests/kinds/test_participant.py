"""The kind `participant`."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.api import wire
from reconciler.kinds.hooks import Fault
from reconciler.kinds.markers import Length, Ref
from reconciler.kinds.participant import PARTICIPANT
from tests.builders import sid

CUSTOMER = "+14155550199"
DESK = "+14155550100"


def test_who_it_is_cannot_change_in_place() -> None:
    assert {field.path: field.immutable for field in PARTICIPANT.fields if field.forces_replacement} == {
        "identity": False,
        "address": True,
        "proxy_address": False,
        "projected_address": False,
    }
    assert PARTICIPANT.replace_risk == "high"


def test_its_dates_and_what_it_has_read_are_no_settings() -> None:
    assert PARTICIPANT.runtime_params == ("DateCreated", "DateUpdated", "LastReadMessageIndex", "LastReadTimestamp")


def test_its_role_is_one_for_conversations() -> None:
    assert PARTICIPANT.by_path["role"].marker(Ref) == Ref(
        "role", "service", of_type="conversation", default="default_conversation_role"
    )
    assert PARTICIPANT.by_path["attributes"].marker(Length) == Length(4096)


def test_what_it_shares_and_whom_it_waits_for() -> None:
    assert PARTICIPANT.unique == ((("identity",), "parent"), (("address", "proxy_address"), "account"))
    assert PARTICIPANT.implies == {"identity": "user"}


@pytest.mark.parametrize(
    ("contents", "name"),
    [
        ({"identity": "ada@example.com"}, "ada@example.com"),
        ({"identity": "ada@example.com", "projected_address": DESK}, "ada@example.com"),
        ({"identity": None, "address": CUSTOMER, "proxy_address": DESK}, f"{CUSTOMER} via {DESK}"),
        ({"address": CUSTOMER}, CUSTOMER),
        ({"address": CUSTOMER, "proxy_address": None}, CUSTOMER),
        ({"identity": "", "proxy_address": DESK}, DESK),
        ({"projected_address": DESK}, ""),
        ({}, ""),
    ],
)
def test_it_is_named_by_its_identity_or_by_its_address_and_proxy(contents: dict[str, Any], name: str) -> None:
    assert PARTICIPANT.name_of(contents) == name
    assert PARTICIPANT.natural_key == ""


@pytest.mark.parametrize(
    "contents",
    [
        {},
        {"identity": "ada@example.com"},
        {"identity": "ada@example.com", "projected_address": DESK},
        {"address": CUSTOMER, "proxy_address": DESK},
        {"address": CUSTOMER},
        {"role": "agent"},
    ],
)
def test_these_go_together(contents: dict[str, Any]) -> None:
    assert PARTICIPANT.check(contents) == ()


def test_it_takes_part_in_one_way() -> None:
    assert PARTICIPANT.check({"identity": "ada@example.com", "address": CUSTOMER}) == (
        Fault("address", "a participant has an identity or an address, not both", "remove one of them"),
    )


def test_nobody_writes_to_themselves() -> None:
    assert PARTICIPANT.check({"address": CUSTOMER, "proxy_address": CUSTOMER}) == (
        Fault("proxy_address", "the proxy address is the participant's own address", "use your own address"),
    )


@pytest.mark.parametrize("contents", [{}, {"proxy_address": DESK}, {"role": "agent"}, {"identity": None}])
def test_a_create_needs_somebody(contents: dict[str, Any]) -> None:
    assert PARTICIPANT.check_create(contents) == (
        Fault("", "a participant requires an identity or an address", "add `identity` or `address`"),
    )


@pytest.mark.parametrize("path", ["identity", "address", "projected_address"])
def test_any_of_these_is_somebody(path: str) -> None:
    assert PARTICIPANT.check_create({path: "x"}) == ()


@pytest.mark.parametrize(
    ("binding", "expected"),
    [
        (None, {}),
        ({}, {}),
        (
            {"type": "sms", "address": CUSTOMER, "proxy_address": DESK},
            {"address": CUSTOMER, "proxy_address": DESK},
        ),
        ({"type": "sms", "projected_address": DESK}, {"projected_address": DESK}),
        (
            {"type": "sms", "level": None, "name": None, "address": CUSTOMER, "proxy_address": None},
            {"address": CUSTOMER},
        ),
    ],
)
def test_reads_the_binding_that_the_answer_holds(binding: Any, expected: dict[str, Any]) -> None:
    body = {"sid": sid("MB"), "identity": None, "attributes": "{}", "role_sid": None, "messaging_binding": binding}
    found = wire.decode(PARTICIPANT, body).values
    assert {path: content for path, content in found.items() if content is not None} == {"attributes": {}, **expected}
    assert set(found) == set(PARTICIPANT.by_path)


@pytest.mark.parametrize(
    ("contents", "faults"),
    [
        ({"address": CUSTOMER, "proxy_address": DESK}, []),
        ({"address": f"whatsapp:{CUSTOMER}", "proxy_address": f"whatsapp:{DESK}"}, []),
        ({"address": "messenger:1", "proxy_address": "messenger:2"}, []),
        ({"address": CUSTOMER, "proxy_address": "12345"}, []),
        ({"address": CUSTOMER}, []),
        ({"identity": "ada", "projected_address": DESK}, []),
        ({"address": "4155550199", "proxy_address": DESK}, [("address", "number without +")]),
        ({"address": CUSTOMER, "proxy_address": "14155550100"}, [("proxy_address", "number without +")]),
        ({"identity": "ada", "projected_address": "14155550100"}, [("projected_address", "number without +")]),
        (
            {"address": "+1 415 555 0194", "proxy_address": DESK},
            [("address", "look like an address of any channel")],
        ),
        (
            {"address": CUSTOMER, "proxy_address": f"whatsapp:{DESK}"},
            [("proxy_address", "is of type whatsapp")],
        ),
        (
            {"address": f"whatsapp:{CUSTOMER}", "proxy_address": DESK},
            [("proxy_address", "is of type sms")],
        ),
    ],
)
def test_addresses_of_an_unusual_form(contents: dict[str, Any], faults: list[tuple[str, str]]) -> None:
    found = PARTICIPANT.check(contents)
    assert [(fault.path, fault.severity, fault.code) for fault in found] == [
        (path, "warning", "unusual-address") for path, _ in faults
    ]
    assert all(words in fault.message for fault, (_, words) in zip(found, faults, strict=True))
