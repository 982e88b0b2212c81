"""Every operation of the contract, judged alike: keys of answers, unknown parameters, unknown SIDs, wrong methods."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest

from reconciler.emulator import contract
from tests.emulator.witness import TWILIO, Api, api, dotted, sid

OPERATIONS = [operation for operations in contract.load().operations.values() for operation in operations.values()]
IDS = [f"{operation.method} {operation.path}" for operation in OPERATIONS]
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=IDS)

# A form that is good, by the end of the path.
GOOD: dict[str, dict[str, str | list[str]]] = {
    "/Configuration/Addresses": {"Type": "sms", "Address": "+14155550111"},
    "/Configuration/Addresses/{Sid}": {"FriendlyName": "x"},
    "/Configuration/Webhooks": {"Method": "GET"},
    "/Configuration/Notifications": {"LogEnabled": "true"},
    "/v1/Configuration": {"DefaultInactiveTimer": "PT1M"},
    "{ChatServiceSid}/Configuration": {"ReachabilityEnabled": "true"},
    "/v1/Services": {"FriendlyName": "x"},
    "/Roles": {"FriendlyName": "x", "Type": "conversation", "Permission": ["sendMessage"]},
    "/Roles/{Sid}": {"Permission": ["sendMessage"]},
    "/Users": {"Identity": "eve"},
    "/Users/{Sid}": {"FriendlyName": "x"},
    "/Users/{UserSid}/Conversations/{ConversationSid}": {"NotificationLevel": "muted"},
    "/Conversations": {"FriendlyName": "x"},
    "/Conversations/{Sid}": {"FriendlyName": "x"},
    "/Participants": {"Identity": "eve"},
    "/Participants/{Sid}": {"Attributes": "{}"},
    "/Conversations/{ConversationSid}/Webhooks": {"Target": "studio", "Configuration.FlowSid": sid("FW")},
    "/Conversations/{ConversationSid}/Webhooks/{Sid}": {"Configuration.FlowSid": sid("FW", "b")},
    "/Messages": {"Body": "x"},
    "/Messages/{Sid}": {"Body": "y"},
    "/Credentials": {"Type": "apn"},
    "/Credentials/{Sid}": {"FriendlyName": "x"},
    "/ConversationWithParticipants": {"Participant": [json.dumps({"identity": "eve"})]},
}


def good_form(operation: contract.Operation) -> dict[str, str | list[str]]:
    if operation.method != "POST":
        return {}
    ends = [end for end in GOOD if operation.path.endswith(end)]
    return GOOD[max(ends, key=len)]


@dataclass
class World:
    """An account with one of everything, and the SIDs that fill the paths."""

    twilio: Api = field(default_factory=Api)

    def __post_init__(self) -> None:
        twilio = self.twilio

        def create(path: str, **form: str) -> str:
            reply = twilio.app.call("POST", path, dotted(form))
            assert reply.status == 201, reply.body
            assert reply.body is not None
            return str(reply.body["sid"])

        self.service = twilio.default_service()
        self.role = create("/v1/Roles", FriendlyName="spare", Type="conversation", Permission="sendMessage")
        self.user = create("/v1/Users", Identity="ada")
        # A service that may be deleted.
        self.spare = create("/v1/Services", FriendlyName="spare")
        self.address = create("/v1/Configuration/Addresses", Type="sms", Address="+14155550100")
        self.credential = create("/v1/Credentials", Type="apn")
        self.conversation = create("/v1/Conversations", UniqueName="desk")
        inside = f"/v1/Conversations/{self.conversation}"
        self.participant = create(f"{inside}/Participants", Identity="ada")
        outside = {"MessagingBinding.Address": "+14155550199", "MessagingBinding.ProxyAddress": "+14155550100"}
        create(f"{inside}/Participants", **outside)
        self.webhook = create(f"{inside}/Webhooks", Target="studio", Configuration_FlowSid=sid("FW"))
        self.message = create(f"{inside}/Messages", Author="ada", Body="hello")
        receipts = twilio.app.call("GET", f"{inside}/Messages/{self.message}/Receipts").body
        assert receipts is not None
        (self.receipt,) = (receipt["sid"] for receipt in receipts["delivery_receipts"])
        self.binding = twilio.app.add_binding(self.service, identity="ada")

    def path(self, operation: contract.Operation) -> str:
        path, last = operation.path, operation.path.split("/")
        own = {
            "Addresses": self.address,
            "Conversations": self.conversation,
            "Messages": self.message,
            "Receipts": self.receipt,
            "Participants": self.participant,
            "Webhooks": self.webhook,
            "Credentials": self.credential,
            "Roles": self.role,
            "Services": self.spare,
            "Bindings": self.binding,
            "Users": self.user,
        }
        values = {
            "ChatServiceSid": self.service,
            "ConversationSid": self.conversation,
            "MessageSid": self.message,
            "UserSid": self.user,
        }
        if last[-1] == "{Sid}":
            values["Sid"] = own[last[-2]]
        for name, value in values.items():
            path = path.replace("{" + name + "}", value)
        if path.endswith("ParticipantConversations"):
            path += "?Identity=ada"
        return path


@cache
def shared_world() -> World:
    """One world for all requests that change nothing."""
    return World(api(unknown_parameter="refused", empty_update="refused"))


def keys_of(answer: dict[str, Any], operation: contract.Operation) -> list[set[str]]:
    """The keys of what is answered, of every item where it is a list."""
    if operation.envelope is None:
        return [set(answer)]
    assert set(answer) == {"meta", operation.envelope}
    assert answer["meta"]["key"] == operation.envelope
    assert answer[operation.envelope], "a list without items proves nothing"
    return [set(item) for item in answer[operation.envelope]]


@every_operation
def test_a_good_request_is_answered_with_exactly_the_contracts_keys(operation: contract.Operation) -> None:
    world = World()
    path = world.path(operation)
    response = world.twilio.send(operation.method, path, good_form(operation) or None)
    assert response.status_code in operation.success, response.text
    if operation.response is None:
        assert (response.status_code, response.content) == (204, b"")
        return
    body = response.json()
    for keys in keys_of(body, operation):
        assert keys == set(operation.response)
    for item in [body] if operation.envelope is None else body[operation.envelope]:
        judge_values(item, operation)


def judge_values(item: dict[str, Any], operation: contract.Operation) -> None:
    """Each value as the contract says: SIDs by their patterns, URLs that lead to what they name."""
    assert operation.response is not None
    for key, fact in operation.response.items():
        value = item[key]
        if value is None:
            continue
        if fact.pattern:
            assert fact.pattern.match(value), key
        if fact.enum:
            assert value in fact.enum, key
        if fact.array:
            assert isinstance(value, list), key
        elif fact.type is not None:
            types = {"string": str, "integer": int, "boolean": bool, "object": dict}
            assert isinstance(value, types[fact.type]), key
        if fact.format == "date-time":
            assert len(value) == len("2026-01-02T03:04:05Z")
    if item.get("url"):
        in_service = operation.path.startswith("/v1/Services/{ChatServiceSid}")
        service_part = f"{TWILIO}/v1/Services/"
        assert item["url"].startswith(service_part) == (in_service or operation.path.startswith("/v1/Services"))
        match = contract.load().match(item["url"].removeprefix(TWILIO))
        assert match is not None


@every_operation
def test_an_unknown_parameter_is_ignored(operation: contract.Operation) -> None:
    answers = []
    for more in ({}, {"Nonsense": "1"}):
        world = World()
        path = world.path(operation)
        if more:
            path = f"{path}{'&' if '?' in path else '?'}Nonsense=1"
        form = {**good_form(operation), **more} if operation.method == "POST" else None
        response = world.twilio.send(operation.method, path, form)
        answers.append((response.status_code, response.content))
    assert answers[0][0] in operation.success
    assert answers[0] == answers[1]


@every_operation
def test_where_an_unknown_parameter_is_refused_it_is_named(operation: contract.Operation) -> None:
    world = shared_world()
    before = world.twilio.app.snapshot()
    path = world.path(operation)
    by_query = world.twilio.send(
        operation.method, f"{path}{'&' if '?' in path else '?'}Nonsense=1", good_form(operation)
    )
    assert (by_query.status_code, by_query.json()["code"]) == (400, 20001)
    if operation.method == "POST":
        form = {**good_form(operation), "Nonsense": "1"}
        by_form = world.twilio.send("POST", path, form)
        assert (by_form.status_code, by_form.json()["code"]) == (400, 20001)
        assert "Nonsense" in by_form.json()["message"]
    assert world.twilio.app.snapshot() == before


@pytest.mark.parametrize(
    "operation",
    [operation for operation in OPERATIONS if operation.parameters["path"]],
    ids=lambda one: f"{one.method} {one.path}",
)
def test_an_unknown_sid_is_not_found(operation: contract.Operation) -> None:
    world = shared_world()
    before = world.twilio.app.snapshot()
    for name in operation.parameters["path"]:
        known = world.path(operation).split("?")
        prefix = operation.path.split("{" + name + "}")[0]
        at = len(prefix.split("/")) - 1
        segments = known[0].split("/")
        segments[at] = segments[at][:2] + "f" * 32
        path = "/".join(segments)
        response = world.twilio.send(operation.method, "?".join([path, *known[1:]]), good_form(operation) or None)
        body = response.json()
        assert (response.status_code, body["code"]) == (404, 20404), name
        assert body["message"] == f"The requested resource {path.removeprefix('/v1')} was not found"
    assert world.twilio.app.snapshot() == before


@pytest.mark.parametrize("path", sorted(contract.load().operations))
def test_another_method_is_not_allowed(path: str) -> None:
    operations = contract.load().operations[path]
    world = shared_world()
    for method in {"GET", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"} - set(operations):
        response = world.twilio.send(method, world.path(operations["GET" if "GET" in operations else "POST"]))
        assert (response.status_code, response.json()["code"]) == (405, 20004)


@pytest.mark.parametrize(
    "operation",
    [operation for operation in OPERATIONS if operation.is_update],
    ids=lambda one: f"{one.method} {one.path}",
)
def test_an_update_of_nothing_is_accepted_but_for_a_conversations_webhook(operation: contract.Operation) -> None:
    world = World()
    before = world.twilio.app.snapshot()
    response = world.twilio.send("POST", world.path(operation), {})
    if operation.path.endswith("Roles/{Sid}"):
        assert (response.status_code, response.json()["code"]) == (400, 20001)
    elif operation.path.endswith("{ConversationSid}/Webhooks/{Sid}"):
        assert (response.status_code, response.json()["code"]) == (400, 20161)
    else:
        assert response.status_code == 200
    assert world.twilio.app.snapshot() == before


@pytest.mark.parametrize(
    "operation",
    [operation for operation in OPERATIONS if operation.is_update],
    ids=lambda one: f"{one.method} {one.path}",
)
def test_where_an_update_of_nothing_is_refused_the_code_says_so(operation: contract.Operation) -> None:
    world = shared_world()
    response = world.twilio.send("POST", world.path(operation), {})
    expected = 20161
    if operation.path.endswith("Roles/{Sid}"):
        expected = 20001
    elif operation.path.endswith("/Conversations/{Sid}"):
        expected = 50347
    assert (response.status_code, response.json()["code"]) == (400, expected)


def required(operation: contract.Operation) -> list[str]:
    return [name for name, parameter in operation.parameters["form"].items() if parameter.required]


@pytest.mark.parametrize(
    "operation", [one for one in OPERATIONS if required(one)], ids=lambda one: f"{one.method} {one.path}"
)
def test_a_missing_parameter_is_named(operation: contract.Operation) -> None:
    world = shared_world()
    for name in required(operation):
        for form in (
            {key: value for key, value in good_form(operation).items() if key != name},
            {**good_form(operation), name: ""},
        ):
            response = world.twilio.send("POST", world.path(operation), form)
            assert response.status_code == 400
            assert name in response.json()["message"]


@pytest.mark.parametrize(
    "operation", [one for one in OPERATIONS if one.method == "POST"], ids=lambda one: f"{one.method} {one.path}"
)
def test_every_malformed_value_is_refused(operation: contract.Operation) -> None:
    world = shared_world()
    before = world.twilio.app.snapshot()
    for name, parameter in operation.parameters["form"].items():
        fact = parameter.fact
        if not (fact.pattern or fact.enum or fact.type in {"boolean", "integer"} or fact.format == "date-time"):
            continue
        response = world.twilio.send("POST", world.path(operation), {**good_form(operation), name: "nonsense"})
        assert response.status_code == 400, name
        assert response.json()["code"] >= 20001
    assert world.twilio.app.snapshot() == before


@pytest.mark.parametrize(
    "operation", [one for one in OPERATIONS if one.parameters["header"]], ids=lambda one: f"{one.method} {one.path}"
)
def test_the_webhook_header_is_true_or_false(operation: contract.Operation) -> None:
    world = World()
    path, form = world.path(operation), good_form(operation) or None
    response = world.twilio.send(operation.method, path, form, headers={"X-Twilio-Webhook-Enabled": "maybe"})
    assert (response.status_code, response.json()["code"]) == (400, 20001)
    response = world.twilio.send(operation.method, path, form, headers={"X-Twilio-Webhook-Enabled": "true"})
    assert response.status_code in operation.success


def test_where_there_is_no_webhook_header_it_says_nothing() -> None:
    response = Api().send("GET", "/v1/Configuration", headers={"X-Twilio-Webhook-Enabled": "maybe"})
    assert response.status_code == 200
