"""The impact of deletes in every format, and bounded approvals from the plan to the exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator import Emulator, Store
from tests.commands import Run

EMULATED = ("--emulator", "demo.db")
FILES = """\
version: 1
services:
  support:
    friendly_name: Support
    conversations: {lobby: {}}
"""
GONE = FILES.replace("{lobby: {}}", "{lobby: {absent: true}}")
ADDRESS = "services.support.conversations.lobby"
BOUND = f"{GONE}approvals: [{{address: {ADDRESS}, at_most: {{messages: 2}}}}]\n"


def say(number: int) -> None:
    """Write messages into the conversation, as a customer would."""
    store = Store.open("demo.db")
    emulator = Emulator(store)
    services: Any = emulator.call("GET", "/v1/Services", {}).body
    [service] = [item["sid"] for item in services["services"] if item["friendly_name"] == "Support"]
    for _ in range(number):
        path = f"/v1/Services/{service}/Conversations/lobby/Messages"
        assert emulator.call("POST", path, {"Body": "hello"}).status == 201
    store.close()


@pytest.fixture
def lobby(cli: Run, files: Path) -> Path:
    """A conversation with two messages, which the configuration is to delete."""
    files.write_text(FILES)
    assert cli("apply", *EMULATED, "--yes").code == 0
    say(2)
    files.write_text(GONE)
    return files


@pytest.mark.usefixtures("lobby")
def test_every_format_shows_the_impact(cli: Run) -> None:
    told = cli("plan", *EMULATED, "--format", "json").json["changes"][0]["impact"]
    assert told["counts"] == {
        "messages": {"number": 2, "at_least": False, "noun": "message"},
        "participants": {"number": 0, "at_least": False, "noun": "participant"},
    }
    sentence = f"Impact: 2 messages, 0 participants, last message {told['last_message']}."
    assert f"! {sentence}" in " ".join(cli("plan", *EMULATED).out.split())
    assert f"- **High risk** `{ADDRESS}`: Impact: 2 messages, 0 participants," in (
        cli("plan", *EMULATED, "--format", "markdown").out
    )
    html = cli("plan", *EMULATED, "--format", "html")
    assert html.err == ""
    assert sentence in html.out
    assert sentence in cli("plan", *EMULATED, "--format", "github").out


def test_a_limit_ends_the_count(cli: Run, lobby: Path) -> None:
    assert lobby.exists()
    assert "Impact: at least 1 message, 0 participants," in " ".join(
        cli("plan", *EMULATED, "--count-limit", "1").out.split()
    )
    assert cli("plan", *EMULATED, "--count-limit", "0").code == 1


def test_a_reviewed_plan_is_applied_although_a_count_rose(cli: Run, lobby: Path) -> None:
    saved = lobby.with_name("plan.json")
    assert cli("plan", *EMULATED, "--approve", ADDRESS, "--out", str(saved)).code == 0
    say(1)
    result = cli("apply", *EMULATED, "--plan", str(saved))
    assert (result.code, result.err) == (0, "")
    # An edited impact breaks the seal like any other edit, and the approval of the plan no longer counts.
    assert json.loads(saved.read_text())["changes"][0]["impact"]["counts"]["messages"]["number"] == 2


def test_a_bound_approves_until_it_is_exceeded(cli: Run, lobby: Path) -> None:
    lobby.write_text(BOUND)
    saved = lobby.with_name("plan.json")
    assert cli("plan", *EMULATED, "--out", str(saved)).code == 0
    say(1)
    refused = cli("apply", *EMULATED, "--plan", str(saved))
    assert refused.code == 4
    assert "has 3 messages (at most 2 approved)" in " ".join(refused.err.split())
    lobby.write_text(BOUND.replace("messages: 2", "messages: 3"))
    assert cli("apply", *EMULATED, "--yes").code == 0


def test_drift_counts_nothing(cli: Run, lobby: Path) -> None:
    assert lobby.exists()
    [difference] = cli("drift", *EMULATED, "--format", "json").json["differences"]
    assert difference["state"] == "unwanted"
    assert "Impact" not in cli("drift", *EMULATED).out
