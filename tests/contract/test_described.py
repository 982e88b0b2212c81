"""schemathesis finds no answer of the served emulator that a description of the API does not allow.

Requests are generated from the description, good ones and bad ones, half of them with the SIDs of what the account
holds and values that are good together. Every answer is judged by the description: our contract, or Twilio's own when
that is at hand.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from reconciler.emulator import Store, contract
from tests.contract import described, distill
from tests.contract.distill import FORM
from tests.emulator.served import served
from tests.emulator.test_emulator_contract import World, good_form
from tests.emulator.witness import ACCOUNT, Api

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
OPERATIONS = {
    f"{operation.method} {operation.path}": operation
    for operations in contract.load().operations.values()
    for operation in operations.values()
}
every_operation = pytest.mark.parametrize("label", OPERATIONS)
at_hand = pytest.mark.skipif(
    not distill.DESCRIPTION.exists(),
    reason=f"Twilio's OpenAPI description is not at hand ({distill.DESCRIPTION.name})",
)


@cache
def ours() -> dict[str, Any]:
    return _load(described.from_contract(json.loads(distill.CONTRACT.read_text(encoding="utf-8"))))


@cache
def twilios() -> dict[str, Any]:
    return _load(described.with_errors(distill.read(distill.DESCRIPTION)))


def _load(document: dict[str, Any]) -> dict[str, Any]:
    schema = schemathesis.openapi.from_dict(document)
    found: list[Any] = list(schema.get_all_operations())
    return {result.ok().label: result.ok() for result in found}


class Bench:
    """A served account that is the same before every request."""

    def __init__(self, url: str, api: Api) -> None:
        self.url = url
        self.world = World(api)
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = (ACCOUNT, "emulator")
        self._connection = api.store._connection
        self._content = self._connection.serialize()

    def restore(self) -> None:
        self._connection.deserialize(self._content)

    def known(self, operation: contract.Operation) -> dict[str, str]:
        """The values of a path's placeholders that lead to something."""
        match = contract.load().match(self.world.path(operation).partition("?")[0])
        assert match is not None
        return dict(match.values)

    def send(self, case: Any) -> requests.Response:
        self.restore()
        headers = {"Authorization": requests.auth._basic_auth_str(ACCOUNT, "emulator")}
        response: requests.Response = case.call(base_url=self.url, session=self.session, headers=headers)
        case.validate_response(response, checks=CHECKS)
        return response


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    api = Api(Store.open(":memory:"), require_auth=True)
    with served(api.app) as host:
        bench = Bench(host.url, api)
        yield bench
        bench.session.close()
    api.store.close()


def can_be_wrong(operation: contract.Operation) -> bool:
    """Whether there is anything a request could get wrong; any text may stand in some paths."""
    places = operation.parameters
    return any(places[place] for place in ("query", "header", "form")) or any(
        parameter.fact.pattern for parameter in places["path"].values()
    )


def run(bench: Bench, description: dict[str, Any], label: str, *, examples: int) -> None:
    operation, told = OPERATIONS[label], description[label]
    known, good = bench.known(operation), good_form(operation)
    modes = [schemathesis.GenerationMode.POSITIVE]
    if can_be_wrong(operation):
        modes.append(schemathesis.GenerationMode.NEGATIVE)

    @settings(
        max_examples=examples,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=st.one_of([told.as_strategy(generation_mode=mode) for mode in modes]),
        lead=st.booleans(),
        fill=st.booleans(),
    )
    def attempt(case: Any, *, lead: bool, fill: bool) -> None:
        if lead:
            case.path_parameters = {**(case.path_parameters or {}), **known}
        if fill and good and isinstance(case.body, dict):
            case.body = {**case.body, **good}
        bench.send(case)

    succeed(bench, told, label)
    attempt()


def succeed(bench: Bench, told: Any, label: str) -> None:
    """A request that is answered as it should be, so that not only refusals are judged."""
    operation = OPERATIONS[label]
    good = good_form(operation)
    query = {"Identity": "ada"} if label.endswith("ParticipantConversations") else None
    form = {"body": good, "media_type": FORM} if good else {}
    response = bench.send(told.Case(path_parameters=bench.known(operation), query=query, **form))
    assert response.status_code in operation.success, response.text


@pytest.mark.parametrize("label", [*OPERATIONS][::2])
def test_answers_are_what_the_contract_allows(bench: Bench, label: str) -> None:
    """Every other operation; the slow test below asks all of them, and more often."""
    run(bench, ours(), label, examples=3)


@at_hand
def test_answers_are_what_twilios_description_allows(bench: Bench) -> None:
    assert sorted(twilios()) == sorted(OPERATIONS)
    for label in OPERATIONS:
        succeed(bench, twilios()[label], label)


@pytest.mark.slow
@every_operation
def test_many_answers_are_what_the_contract_allows(bench: Bench, label: str) -> None:
    run(bench, ours(), label, examples=40)


@at_hand
@pytest.mark.slow
@every_operation
def test_many_answers_are_what_twilios_description_allows(bench: Bench, label: str) -> None:
    run(bench, twilios(), label, examples=40)
