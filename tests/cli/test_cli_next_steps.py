"""The ways out that a plan prints: each command is run, and each YAML is pasted."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.documents.plan import PlanFile
from reconciler.documents.plan_steps import with_next_steps
from tests.commands import Run as Cli
from tests.render import plan_samples as samples

OLD = "      old/lead [1]: {type: conversation, permissions: [sendMessage]}\n"
EMULATED = ("--emulator", "demo.db")
FILES = """\
version: 1
services:
  support:
    friendly_name: Customer Support
    roles:
      agent: {type: conversation, permissions: [sendMessage]}
      old/lead [1]: {type: conversation, permissions: [sendMessage]}
  sales: {friendly_name: Sales}
environments: {prod: {account_sid: AC00000000000000000000000000000000}}
"""
FOLDER = Path("my config")
WHERE = ("my config/reconciler.yaml", "--env", "prod", *EMULATED)


@pytest.fixture
def applied(cli: Cli, tmp_path: Path) -> Path:
    """The configuration, in a folder with a space, and an account that matches it."""
    (tmp_path / FOLDER).mkdir()
    path = tmp_path / FOLDER / "reconciler.yaml"
    path.write_text(FILES)
    assert cli("apply", *WHERE, "--yes").code == 0
    return path


def run(cli: Cli, command: str) -> int:
    """Run a printed command, as a shell would."""
    program, *words = shlex.split(command)
    assert program == "reconciler"
    return cli(*words, "--yes").code


def paste(path: Path, line: str) -> None:
    """Merge a printed line of YAML into the configuration."""
    path.write_text(yaml.safe_dump(_merged(yaml.safe_load(path.read_text()), yaml.safe_load(line))))


def _merged(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **{key: _merged(one.get(key), value) for key, value in other.items()}}
    return other


def commands(out: str) -> list[str]:
    return re.findall(r"^  (reconciler .*)$", out, re.MULTILINE)


def test_a_plan_ends_with_the_commands_that_apply_and_accept_it(cli: Cli, applied: Path) -> None:
    drifted = FILES.replace("[sendMessage]", "[leaveConversation]")
    applied.write_text(drifted)
    out = cli("plan", *WHERE).out
    tail = " 'my config/reconciler.yaml'"
    apply = f"reconciler apply{tail} --env prod --emulator demo.db"
    accept = (
        f"reconciler accept{tail} services.support.roles.agent.permissions "
        "'services.support.roles[\"old/lead [1]\"].permissions' --env prod --emulator demo.db"
    )
    assert out.endswith(
        f"To apply:\n  {apply}\nTo write the account's values into the configuration instead:\n  {accept}\n"
    )
    for command in commands(out):
        assert run(cli, command) == 0
        assert cli("plan", *WHERE, "--detailed-exitcode").code == 0
        assert applied.read_text() == (drifted if command == apply else FILES)
        applied.write_text(drifted if command != apply else FILES)
        assert cli("apply", *WHERE, "--yes").code == 0
        applied.write_text(FILES)
        assert cli("apply", *WHERE, "--yes").code == 0
        applied.write_text(drifted)


MIXED = """\
version: 1
variables: {team: Blue}
services:
  support:
    users:
      ada: {friendly_name: "Team ${var:team}"}
      bob: {friendly_name: Bob, attributes: {level: 1}}
    webhooks: {post_webhook_url: "https://x.example.com/?token=a1b2c3d4e5f6a7b8", filters: [onMessageAdded]}
"""


def test_the_command_names_what_accept_takes_and_says_what_it_leaves_out(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "reconciler.yaml"
    changed = MIXED.replace("Blue", "Red").replace("level: 1", "level: 2").replace("Bob,", "Rob,")
    changed = changed.replace("a1b2c3d4e5f6a7b8", "a1b2c3d4e5f6a7b9").replace("onMessageAdded", "onMessageUpdated")
    path.write_text(changed)
    assert cli("apply", *EMULATED, "--yes").code == 0
    path.write_text(MIXED + "    roles: {new: {type: service, permissions: [joinConversation]}}\n")
    out = cli("plan", *EMULATED).out
    accept = (
        "reconciler accept services.support.users.bob.friendly_name services.support.users.bob.attributes "
        "services.support.webhooks.filters --emulator demo.db"
    )
    head = f"To write the account's values into the configuration instead:\n  {accept}\n"
    assert " ".join(out.partition(head)[2].split()) == (
        "That leaves out services.support.roles.new, services.support.users.ada.friendly_name, "
        "services.support.webhooks.post_webhook_url. `reconciler drift` shows the options."
    )
    steps = {
        part["address"]: part["next_steps"] for part in cli("drift", *EMULATED, "--format", "json").json["differences"]
    }
    # A command with one refused value would write nothing.
    assert steps["services.support.webhooks"]["accept"] == (
        "reconciler accept services.support.webhooks.filters --emulator demo.db"
    )
    reason = "post_webhook_url: the value is sensitive (reconciler.yaml:8:34)"
    assert steps["services.support.webhooks"]["by_hand"] == reason
    assert f"\n  by hand: {reason}\n" in cli("drift", *EMULATED).out
    assert steps["services.support.users.ada"]["accept"] == ""
    assert run(cli, accept) == 0
    assert [text for text in commands(cli("plan", *EMULATED).out) if " accept " in text] == []


def test_an_apply_that_lacks_an_approval_names_no_command_to_accept(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "reconciler.yaml"
    path.write_text(MIXED.replace("Bob,", "Rob,") + "    conversations: {lobby: {}}\n")
    assert cli("apply", *EMULATED, "--yes").code == 0
    path.write_text(MIXED + "    conversations: {lobby: {absent: true}}\n")
    plan, apply = cli("plan", *EMULATED).out, cli("apply", *EMULATED, "--yes").out
    assert [" accept " in text and "That leaves out" in text for text in (plan, apply)] == [True, False]
    assert "That leaves out" not in apply


def test_a_name_with_a_slash_is_not_taken_for_a_path(cli: Cli, applied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(applied.parent)
    account = ("--env", "prod", "--emulator", "../demo.db")
    applied.write_text(FILES.replace("old/lead [1]: {type: conversation, permissions: [sendMessage",
                                     "old/lead [1]: {type: conversation, permissions: [leaveConversation"))  # fmt: skip
    [command] = [text for text in commands(cli("plan", *account).out) if " accept " in text]
    assert command.startswith("reconciler accept 'services.support.roles[\"old/lead [1]\"].permissions' --env")
    assert run(cli, command) == 0
    assert applied.read_text() == FILES


def test_the_options_that_a_plan_needs_are_repeated(cli: Cli, applied: Path) -> None:
    applied.write_text(FILES.replace("[sendMessage]", "[leaveConversation]"))
    narrow = ("--target", "services.support.roles.agent", "--baseline", "none")
    [apply, accept] = commands(cli("plan", *WHERE, *narrow).out)
    assert " --target services.support.roles.agent --baseline none " in apply
    assert " --target " not in accept
    assert run(cli, apply) == 0
    assert cli("plan", *WHERE, *narrow, "--detailed-exitcode").code == 0


def test_a_delete_that_needs_approval_ends_with_the_command_that_approves_it(cli: Cli, applied: Path) -> None:
    applied.write_text(FILES.replace("sales: {friendly_name: Sales}", "sales: {friendly_name: Sales, absent: true}"))
    result = cli("plan", *WHERE)
    title, command = result.out.splitlines()[-2:]
    assert title == "To approve and apply:"
    assert " --approve services.sales " in command
    assert run(cli, command.strip()) == 0
    assert cli("plan", *WHERE, "--detailed-exitcode").code == 0


def test_unmanaged_resources_can_be_adopted_deleted_and_ignored(cli: Cli, applied: Path) -> None:
    less = FILES.replace(OLD, "")
    for way in ("accept", "delete", "ignore"):
        applied.write_text(less)
        [part] = [part for part in cli("plan", *WHERE, "--format", "json").json["unmanaged"] if part["kind"] == "role"]
        text = part["next_steps"][way]
        assert f"    {way}: {text}\n" in cli("plan", *WHERE, "--verbose").out
        if way == "accept":
            assert run(cli, text) == 0
            assert "old/lead [1]" in applied.read_text()
        else:
            paste(applied, text)
        left = cli("plan", *WHERE, "--format", "json").json
        assert [item["kind"] for item in left["unmanaged"]] == ["service"]
        assert [item["action"] for item in left["changes"]] == (["delete"] if way == "delete" else [])


def test_a_conflict_has_both_sides_and_what_is_removed_can_be_forgotten(cli: Cli, applied: Path) -> None:
    base = applied.parent / "base.yaml"
    base.write_text(FILES)
    applied.write_text(FILES.replace("[sendMessage]", "[leaveConversation]"))
    assert cli("apply", *WHERE, "--yes").code == 0
    wanted = FILES.replace(
        "agent: {type: conversation, permissions: [sendMessage",
        "agent: {type: conversation, permissions: [editOwnMessage",
    )
    wanted = wanted.replace(OLD, "")
    compared = (*WHERE, "--baseline", str(base))
    for way in ("accept", "approve", "forget"):
        applied.write_text(wanted)
        changes = {part["address"]: part for part in cli("plan", *compared, "--format", "json").json["changes"]}
        conflict, removed = (changes[f"services.support.roles{key}"] for key in (".agent", '["old/lead [1]"]'))
        assert set(conflict["next_steps"]) == {"accept", "revert", "ignore", "approve"}
        assert (conflict["guard"]["verdict"], removed["guard"]["verdict"]) == ("refused", "withheld")
        text = (removed if way == "forget" else conflict)["next_steps"][way]
        assert f"          {way}: {text}\n" in cli("plan", *compared).out
        if way == "forget":
            paste(applied, text)
            left = cli("plan", *compared, "--format", "json").json["changes"]
            assert [part["address"] for part in left] == ["services.support.roles.agent"]
        else:
            assert run(cli, text) == (0 if way == "accept" else 5)
            left = cli("plan", *compared, "--format", "json").json["changes"]
            assert [part["guard"]["verdict"] for part in left] == ["withheld"]
            applied.write_text(FILES.replace("[sendMessage]", "[leaveConversation]"))
            assert cli("apply", *WHERE, "--yes").code == 0


@pytest.mark.parametrize("name", samples.GOLDEN_PLANS)
def test_ways_out_do_not_change_the_seal(name: str) -> None:
    key = b"k" * 32
    sealed = samples.GOLDEN_PLANS[name].sealed(key)
    shown = with_next_steps(sealed, None)
    assert PlanFile.from_json(shown.to_json()) == shown
    assert shown.has_valid_seal(key)


def test_a_first_plan_does_not_suggest_to_accept_an_empty_account(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "reconciler.yaml").write_text(
        "version: 1\naccount: {configuration: {default_service: desk}}\nservices: {desk: {}}\n"
    )
    assert cli("plan", *EMULATED).out.splitlines()[-2:] == ["To apply:", "  reconciler apply --emulator demo.db"]
