"""Reports of format 2: the values before and after every step, without secrets."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.documents.report import ReportFile, parse_report
from reconciler.documents.writing import to_content
from reconciler.errors import PlanFileError
from reconciler.testing import EmulatedAccount

BEFORE = """\
version: 1
services:
  desk:
    roles:
      agent: {type: service, permissions: [addParticipant]}
      lead: {type: conversation, permissions: [sendMessage]}
    users:
      ada: {role: agent}
addresses:
  main: {address: "+14155550100", type: sms, friendly_name: Main}
"""
AFTER = """\
version: 1
services:
  desk:
    configuration: {reachability_enabled: true, default_chat_service_role: agent}
    webhooks: {post_webhook_url: "https://hooks.example.com/in?token=${env:TOKEN}"}
    roles:
      agent: {type: service, permissions: [addParticipant, joinConversation]}
      lead: {type: service, permissions: [joinConversation]}
    users:
      ada: {role: lead, attributes: {team: 1, note: a-long-secret}}
addresses:
  main: {address: "+14155550100", absent: true}
"""
WRITTEN = {"sid", "address", "kind", "parents", "before", "after"}
ENVIRONMENT = {"TOKEN": "hunter2-hunter2"}


def written(report: ReportFile) -> dict[str, dict[str, Any]]:
    """What each step wrote, by step."""
    return {
        outcome.step: {name: value for name, value in to_content(outcome).items() if name in WRITTEN}
        for change in report.changes
        for outcome in change.outcomes
    }


@pytest.fixture
def applied(tmp_path: Path, emulated_account: EmulatedAccount) -> tuple[ReportFile, ReportFile]:
    """The reports of two applies, of which the second changes everything that the first one made."""
    file = tmp_path / "reconciler.yaml"
    file.write_text(BEFORE)
    first = emulated_account.apply(file)
    file.write_text(AFTER)
    return first, emulated_account.apply(file, environ=ENVIRONMENT)


def test_a_create_has_the_whole_resource_as_the_account_has_it(applied: tuple[ReportFile, ReportFile]) -> None:
    first = written(applied[0])
    service = first["services.desk#create"]["sid"]
    agent = first["services.desk.roles.agent#create"]["sid"]
    assert first["services.desk#create"] == {"sid": service, "after": {"friendly_name": "desk"}}
    assert first["services.desk.users.ada#create"] == {
        "sid": first["services.desk.users.ada#create"]["sid"],
        "parents": [service],
        "after": {
            "identity": "ada",
            "friendly_name": None,
            "role": {"ref": "services.desk.roles.agent", "sid": agent},
            "attributes": {"json": {}},
        },
    }


def test_an_update_has_the_fields_that_it_wrote(applied: tuple[ReportFile, ReportFile]) -> None:
    first, second = map(written, applied)
    service = first["services.desk#create"]["sid"]
    (old, new) = (step["services.desk.roles.lead#create"]["sid"] for step in (first, second))
    update = second["services.desk.roles.agent#update"]
    assert update["before"] == {"permissions": ["addParticipant"]}
    assert update["after"] == {"permissions": ["addParticipant", "joinConversation"]}
    assert update["parents"] == [service]
    ada = second["services.desk.users.ada#update"]
    assert ada["before"]["role"] == {
        "ref": "services.desk.roles.agent",
        "sid": first["services.desk.roles.agent#create"]["sid"],
    }
    assert ada["after"] == {
        "role": {"ref": "services.desk.roles.lead", "sid": new},
        "attributes": {"json": {"team": 1, "note": "a-long-secret"}},
    }
    assert second["services.desk.roles.lead#delete"]["sid"] == old


def test_a_replace_and_a_delete_have_the_whole_old_resource(applied: tuple[ReportFile, ReportFile]) -> None:
    second = written(applied[1])
    assert second["services.desk.roles.lead#delete"]["before"] == {
        "friendly_name": "lead",
        "type": "conversation",
        "permissions": ["sendMessage"],
    }
    assert "after" not in second["services.desk.roles.lead#delete"]
    assert second["services.desk.roles.lead#create"]["after"]["type"] == "service"
    main = second["addresses.main#delete"]["before"]
    assert (main["address"], main["type"], main["friendly_name"]) == ("+14155550100", "sms", "Main")


def test_secret_parts_are_masked_and_digested(applied: tuple[ReportFile, ReportFile]) -> None:
    text = applied[1].to_json()
    assert "hunter2" not in text
    webhooks = written(applied[1])["services.desk.webhooks#update"]
    assert webhooks["before"] == {"post_webhook_url": None}
    after = webhooks["after"]["post_webhook_url"]
    assert after["shown"] == "https://hooks.example.com/in?token=(sensitive)"
    assert after["digest"].startswith("hmac-sha256:")


def test_a_seal_tells_an_edited_report(
    applied: tuple[ReportFile, ReportFile], emulated_account: EmulatedAccount
) -> None:
    report = applied[1]
    key = b"0123456789abcdef0123456789abcdef"
    sealed = report.sealed(key)
    assert parse_report(sealed.to_json(), "r.json") == sealed
    assert sealed.has_valid_seal(key)
    assert not sealed.has_valid_seal(b"another key")
    assert not replace(sealed, account_sid=emulated_account.account_sid[:-1] + "f").has_valid_seal(key)
    assert report.seal


def test_the_commit_is_named_if_there_is_one(tmp_path: Path, emulated_account: EmulatedAccount) -> None:
    file = tmp_path / "reconciler.yaml"
    file.write_text(BEFORE)
    assert emulated_account.apply(file).source_commit == ""
    for command in (
        ["init", "-q"],
        ["add", "reconciler.yaml"],
        ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "-qm", "Add the desk"],
    ):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert emulated_account.apply(file).source_commit == head.stdout.strip()
    assert emulated_account.apply(file, environ={"PATH": ""}).source_commit in {"", head.stdout.strip()}


def test_reports_of_format_1_are_read_and_later_ones_are_not(applied: tuple[ReportFile, ReportFile]) -> None:
    document = json.loads(applied[1].to_json())
    for change in document["changes"]:
        for outcome in change["outcomes"]:
            for key in ("address", "kind", "parents", "before", "after"):
                outcome.pop(key, None)
    del document["seal"]
    document["format_version"] = 1
    assert parse_report(json.dumps(document), "old.json").format_version == 1
    document["format_version"] = 3
    with pytest.raises(PlanFileError, match=r"new\.json is a report of format version 3, .* reads version 2\."):
        parse_report(json.dumps(document), "new.json")
