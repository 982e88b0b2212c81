"""What is said of resources: old ones by their old names, and steps by what they do and never by their ids."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.commands import Run as Cli

RENAMED = """\
version: 1
services:
  desk:
    roles: {adviser: {renamed_from: agent, type: conversation, permissions: [sendMessage]}}
    configuration: {default_conversation_role: adviser}
"""
FORMER = RENAMED.replace("adviser: {renamed_from: agent, ", "agent: {").replace("role: adviser", "role: agent")
FORMATS = ("text", "markdown", "html", "github")


def test_a_rename_lists_what_changes_and_names_the_old_resource(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "reconciler.yaml").write_text(FORMER)
    assert cli("apply", "--emulator", "demo.db", "--yes").code == 0
    (tmp_path / "reconciler.yaml").write_text(RENAMED)
    out = cli("plan", "--emulator", "demo.db").out
    sid = re.findall(r"RL[0-9a-f]{32}", out)[0]
    change, configuration = re.split(r"\n(?=  ~ services)", out.partition("\n\n")[2].partition("\n\nUnmanaged")[0])
    assert [line for line in change.splitlines() if line.startswith("      ~")] == [
        "      ~ friendly_name: agent → adviser  # forces replacement; line 4"
    ]
    assert f"- agent ({sid})" in configuration
    assert "+ services.desk.roles.adviser (known after apply)" in configuration
    for command in ("plan", "drift"):
        for form in ("text", "markdown", "html"):
            told = cli(command, "--emulator", "demo.db", "--format", form, "--verbose").out
            assert ("agent" in told, "sendMessage" in told, "#create" in told) == (True, False, False)
    # For an approval, the plan file has all that a replace sends.
    fields = cli("plan", "--emulator", "demo.db", "--format", "json").json["changes"][0]["fields"]
    assert [field["path"] for field in fields] == ["friendly_name", "type", "permissions"]


@pytest.mark.parametrize(("change", "shown"), [("[sendMessage, leaveConversation]", True), ("[sendMessage]", False)])
def test_a_replace_shows_what_else_changes(cli: Cli, tmp_path: Path, change: str, *, shown: bool) -> None:
    (tmp_path / "reconciler.yaml").write_text(FORMER)
    assert cli("apply", "--emulator", "demo.db", "--yes").code == 0
    (tmp_path / "reconciler.yaml").write_text(RENAMED.replace("[sendMessage]", change))
    assert ("permissions" in cli("plan", "--emulator", "demo.db").out) is shown


def test_a_name_that_is_kept_secret_is_not_shown_as_the_old_one(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = RENAMED.replace("adviser: {", "adviser: {friendly_name: '${secret:NAME}', ")
    monkeypatch.setenv("NAME", "hush-hush-one")
    (tmp_path / "reconciler.yaml").write_text(files.replace("renamed_from: agent, ", ""))
    assert cli("apply", "--emulator", "demo.db", "--yes").code == 0
    monkeypatch.setenv("NAME", "another-secret")
    (tmp_path / "reconciler.yaml").write_text(files.replace("agent", "hush-hush-one"))
    configuration = cli("plan", "--emulator", "demo.db").out.partition("services.desk.configuration")[2]
    assert "default_conversation_role" in configuration
    assert "hush-hush-one" not in configuration


BROKEN = """\
version: 1
services:
  desk:
    roles: {broken: {type: service, permissions: [flyToTheMoon]}}
    users: {ada: {role: broken}}
"""


def test_no_id_of_a_step_is_shown_to_people(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "reconciler.yaml").write_text(BROKEN)
    ids = re.compile(r"#(?:create|update|delete|repoint)")
    for form in FORMATS:
        result = cli("apply", "--emulator", f"{form}.db", "--yes", "--format", form)
        told = result.out + result.err
        assert result.code == 1
        assert ids.search(told) is None
        assert "the create of services.desk.roles.broken failed" in " ".join(told.split())
    report = cli("apply", "--emulator", "json.db", "--yes", "--format", "json")
    outcomes = {change["address"]: change["outcomes"][0] for change in report.json["changes"]}
    assert outcomes["services.desk.users.ada"]["because"] == "services.desk.roles.broken#create"
    (tmp_path / "report.json").write_text(report.out)
    for form in FORMATS:
        assert ids.search(cli("show", "report.json", "--format", form).out) is None
