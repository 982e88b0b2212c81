"""The switches as such, and that under any of them the emulator answers in the contract's words."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.emulator import EmulatorError, Rules, contract
from reconciler.emulator.contract import Operation, Parameter
from tests.emulator.witness import Api, sid

any_rules = st.builds(Rules, **{name: st.sampled_from(readings) for name, readings in Rules.fields().items()})


def test_every_switch_has_readings_and_the_default_comes_first() -> None:
    fields = Rules.fields()
    assert list(fields) == [field.name for field in dataclasses.fields(Rules)]
    for name, readings in fields.items():
        assert readings[0] == getattr(Rules(), name)
        assert len(readings) == len(set(readings)) >= 2


def test_every_switch_has_a_sentence() -> None:
    source = Path(str(contract.__file__)).with_name("rules.py").read_text(encoding="utf-8")
    for name in Rules.fields():
        declaration = source.index(f"    {name}: ")
        after = source[source.index("\n", declaration) :].lstrip()
        assert after.startswith('"""'), name


def test_every_switch_is_tested_under_every_reading() -> None:
    tests = "".join(
        file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_*.py") if file != Path(__file__)
    )
    for name, readings in Rules.fields().items():
        assert f"{name}=" in tests, name
        for reading in readings[1:]:
            assert json.dumps(reading) in tests or str(reading) in tests, (name, reading)


def test_rules_are_read_from_texts() -> None:
    settings_of_a_command_line = {
        "role_names": "unique",
        "limit_status": "409",
        "guest_role": "true",
        "set_order": "As Sent",
    }
    assert Rules.read(settings_of_a_command_line) == Rules(role_names="unique", limit_status=409, guest_role=True)
    assert Rules.read({}) == Rules()
    with pytest.raises(EmulatorError, match="no rule 'role_name'"):
        Rules.read({"role_name": "unique"})
    with pytest.raises(EmulatorError, match=r"role_names cannot be .maybe.\. It can be: repeatable, unique"):
        Rules.read({"role_names": "maybe"})


def plausible(parameter: Parameter, world: list[str]) -> st.SearchStrategy[Any]:
    """Values near enough to good ones that many are taken."""
    fact, name = parameter.fact, parameter.name
    if fact.pattern:
        prefix = fact.pattern.pattern[1:3]
        known = [found for found in world if found.startswith(prefix)]
        one: st.SearchStrategy[str] = st.sampled_from([*known, sid(prefix), ""])
    elif fact.enum:
        one = st.sampled_from([*fact.enum, fact.enum[0].upper(), "nonsense", ""])
    elif fact.type == "boolean":
        one = st.sampled_from(["true", "False", ""])
    elif fact.type == "integer":
        one = st.sampled_from(["0", "3", "-1", "x"])
    elif name == "Type":
        one = st.sampled_from(["sms", "whatsapp", "email", "chat", "rcs"])
    elif "Timer" in name:
        one = st.sampled_from(["PT1M", "P1D", "PT0S", "", "x"])
    elif "Date" in name or "Timestamp" in name:
        one = st.sampled_from(["2026-01-01T00:00:00Z", "x"])
    elif "Address" in name:
        one = st.sampled_from(["+14155550100", "+14155550199", "whatsapp:+14155550100", "a@example.com", "null", ""])
    elif name == "Permission":
        one = st.sampled_from(["sendMessage", "joinConversation", "addParticipant", "fly", ""])
    elif "Filters" in name:
        one = st.sampled_from(["onMessageAdded", "onMessageAdd", "onUserAdded", "x", ""])
    elif "Url" in name:
        one = st.sampled_from(["https://example.com", "", "x"])
    elif name == "Participant":
        one = st.sampled_from(['{"identity": "ada"}', '{"identity": "eve"}', "{"])
    elif name == "Attributes":
        one = st.sampled_from(["{}", '{"a": 1}', ""])
    else:
        one = st.sampled_from(["ada", "eve", "GET", "post", ""])
    return st.lists(one, min_size=1, max_size=3) if fact.array else one


OPERATIONS = [operation for methods in contract.load().operations.values() for operation in methods.values()]


def draw_request(data: st.DataObject, twilio: Api) -> tuple[Operation, str, dict[str, Any], str]:
    operation = data.draw(st.sampled_from(OPERATIONS))
    world = list(twilio.app.snapshot())
    path = operation.path
    for name, parameter in operation.parameters["path"].items():
        prefix = {"ConversationSid": "CH", "UserSid": "US", "MessageSid": "IM", "ChatServiceSid": "IS"}.get(name)
        fitting = [one for one in world if prefix is None or one.startswith(prefix)]
        if parameter.fact.pattern:
            fitting = [one for one in world if one.startswith(parameter.fact.pattern.pattern[1:3])]
        path = path.replace("{" + name + "}", data.draw(st.sampled_from([*fitting, "ada"])))
    form = {
        name: data.draw(plausible(parameter, world))
        for name, parameter in operation.parameters["form"].items()
        if parameter.required or data.draw(st.booleans())
    }
    query = "PageSize=3&" if operation.envelope else ""
    if path.endswith("ParticipantConversations"):
        query += "Identity=ada&"
    return operation, path, form, query.removesuffix("&")


@settings(max_examples=40)
@given(rules=any_rules, data=st.data())
def test_under_any_rules_any_requests_are_answered_in_the_contracts_words(rules: Rules, data: st.DataObject) -> None:
    twilio = Api(rules=rules)
    # Something to begin with, so that deep paths lead somewhere.
    twilio.app.call("POST", "/v1/Conversations", {"UniqueName": "ada"})
    twilio.app.call("POST", "/v1/Conversations/ada/Participants", {"Identity": "ada"})
    for _ in range(15):
        operation, path, form, query = draw_request(data, twilio)
        before = twilio.app.snapshot()
        reply = twilio.app.call(operation.method, path, form, query=query)
        after = twilio.app.snapshot()
        if reply.status >= 400:
            assert reply.body is not None
            assert set(reply.body) == {"code", "message", "more_info", "status"}
            assert (reply.status, reply.status < 500) == (reply.body["status"], True)
        else:
            assert reply.status in operation.success
            judge_body(operation, reply.body)
        if reply.status >= 400 or operation.method == "GET":
            assert after == before
        judge_account(after)
        twilio.pass_time(seconds=data.draw(st.sampled_from([0, 40, 600])))
    twilio.store.close()


def judge_body(operation: Operation, body: dict[str, Any] | None) -> None:
    if operation.response is None:
        assert body is None
        return
    assert body is not None
    items = [body] if operation.envelope is None else body[operation.envelope]
    for item in items:
        assert set(item) == set(operation.response)
    json.dumps(body)


def judge_account(snapshot: dict[str, dict[str, Any]]) -> None:
    """What holds in every state: parents exist, unique names are unique, no default role is of another service."""
    seen = set()
    for one, row in snapshot.items():
        assert row["parent"] is None or row["parent"] in snapshot
        if row["kind"] in {"user", "participant", "conversation", "address"} and row["name"] is not None:
            assert (row["kind"], row["parent"], row["name"]) not in seen
            seen.add((row["kind"], row["parent"], row["name"]))
        if row["kind"] == "service":
            for key, role in row["configuration"].items():
                assert not key.endswith("_sid") or role is None or snapshot[role]["parent"] == one
        if row["kind"] in {"user", "participant"} and row["role_sid"] is not None:
            assert row["role_sid"] in snapshot
