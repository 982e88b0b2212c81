"""The emulator's contract is what the OpenAPI description says, and nothing but facts."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from reconciler.emulator import contract
from reconciler.emulator.behavior import TABLE
from tests.contract import distill

DOCUMENT: dict[str, Any] = json.loads(distill.CONTRACT.read_text(encoding="utf-8"))
LOADED = contract.load()


def test_the_committed_contract_is_a_fresh_distillation() -> None:
    if not distill.DESCRIPTION.exists():
        pytest.skip(f"Twilio's OpenAPI description is not at hand ({distill.DESCRIPTION.name})")
    assert distill.CONTRACT.read_text(encoding="utf-8") == distill.serialise(
        distill.distill(distill.read(distill.DESCRIPTION))
    )


def test_it_is_serialised_as_the_distiller_writes_it() -> None:
    document = {
        "paths": {
            path: {method: {"parameters": told["parameters"], **told["response"]} for method, told in methods.items()}
            for path, methods in DOCUMENT["paths"].items()
        },
        "schemas": DOCUMENT["schemas"],
    }
    assert distill.serialise(document) == distill.CONTRACT.read_text(encoding="utf-8")


def test_it_has_every_path_and_method() -> None:
    methods = [(path, method) for path, operations in LOADED.operations.items() for method in operations]
    assert len(LOADED.operations) == 49
    assert len(methods) == 103
    assert {method for _, method in methods} == {"GET", "POST", "DELETE"}


def test_it_holds_no_sentences() -> None:
    def texts(node: Any) -> list[str]:
        if isinstance(node, dict):
            return [text for value in node.values() for text in texts(value)]
        if isinstance(node, list):
            return [text for value in node for text in texts(value)]
        return [node] if isinstance(node, str) else []

    assert [text for text in texts(DOCUMENT) if " " in text] == []


def test_every_pattern_is_a_sid() -> None:
    patterns = {
        parameter.fact.pattern.pattern
        for operations in LOADED.operations.values()
        for operation in operations.values()
        for place in operation.parameters.values()
        for parameter in place.values()
        if parameter.fact.pattern
    }
    assert all(re.fullmatch(r"\^[A-Z]{2}\[0-9a-fA-F\]\{32\}\\Z", pattern) for pattern in patterns)
    assert {pattern[1:3] for pattern in patterns} == {
        "BS", "CR", "DY", "FW", "HX", "IM", "IS", "ME", "MG", "RL", "WH",
    }  # fmt: skip


def test_a_role_is_created_with_three_required_parameters() -> None:
    operation = LOADED.operations["/v1/Services/{ChatServiceSid}/Roles"]["POST"]
    form = operation.parameters["form"]
    assert sorted(form) == ["FriendlyName", "Permission", "Type"]
    assert all(parameter.required for parameter in form.values())
    assert form["Permission"].fact.array
    assert form["Type"].fact.enum == ("conversation", "service")
    assert operation.success == (201,)
    assert operation.response is not None
    assert sorted(operation.response) == [
        "account_sid", "chat_service_sid", "date_created", "date_updated", "friendly_name", "permissions", "sid",
        "type", "url",
    ]  # fmt: skip


def test_lists_have_an_envelope_and_paging() -> None:
    operation = LOADED.operations["/v1/Configuration/Addresses"]["GET"]
    assert operation.envelope == "address_configurations"
    assert sorted(operation.parameters["query"]) == ["Page", "PageSize", "PageToken", "Type"]


def test_only_a_batch_may_answer_202() -> None:
    late = [
        (path, method)
        for path, operations in LOADED.operations.items()
        for method, operation in operations.items()
        if 202 in operation.success
    ]
    assert late == [
        ("/v1/ConversationWithParticipants", "POST"),
        ("/v1/Services/{ChatServiceSid}/ConversationWithParticipants", "POST"),
    ]


def test_every_operation_has_a_behavior_and_no_other_has() -> None:
    assert set(TABLE) == {
        (operation.method, path) for path, operations in LOADED.operations.items() for operation in operations.values()
    }


@pytest.mark.parametrize(
    ("path", "template", "values"),
    [
        ("/v1/Configuration", "/v1/Configuration", {}),
        ("/v1/Configuration/Addresses/%2B1415", "/v1/Configuration/Addresses/{Sid}", {"Sid": "+1415"}),
        ("/v1/Users/a%2Fb", "/v1/Users/{Sid}", {"Sid": "a/b"}),
        (
            "/v1/Services/IS1/Users/u/Conversations/c",
            "/v1/Services/{ChatServiceSid}/Users/{UserSid}/Conversations/{ConversationSid}",
            {"ChatServiceSid": "IS1", "UserSid": "u", "ConversationSid": "c"},
        ),
    ],
)
def test_a_path_is_matched_with_its_values_decoded(path: str, template: str, values: dict[str, str]) -> None:
    match = LOADED.match(path)
    assert match is not None
    assert (match.path, match.values) == (template, values)


@pytest.mark.parametrize(
    "path", ["", "/", "/v1", "/v1/", "/v2/Configuration", "/v1/Roles/", "/v1/Roles/RL1/More", "/V1/Roles"]
)
def test_other_paths_match_nothing(path: str) -> None:
    assert LOADED.match(path) is None
