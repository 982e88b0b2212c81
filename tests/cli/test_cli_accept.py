"""``reconciler accept``: the diff, the question, and the exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import FILES, Tty
from tests.commands import Result

Cli = Callable[..., Result]
EMULATED = ("--emulator", "demo.db")
NAME = "services.support.roles.agent.permissions"
DIFF = """\
--- reconciler.yaml
+++ reconciler.yaml
@@ -3,5 +3,5 @@
   support:
     friendly_name: Customer Support
     roles:
-      agent: {type: conversation, permissions: [sendMessage]}
+      agent: {type: conversation, permissions: [leaveConversation]}
     configuration: {default_conversation_role: agent}
"""


EFFECTS = [
    "Everyone with the role 'agent', a default of its service, gains sendMessage.",
    "Everyone with the role 'agent', a default of its service, loses leaveConversation.",
]


@pytest.fixture
def drifted(cli: Cli, files: Path) -> Path:
    """The role in the account has another permission than the file says."""
    changed = FILES.replace("[sendMessage]", "[leaveConversation]")
    files.write_text(changed)
    assert cli("apply", *EMULATED, "--yes").code == 0
    files.write_text(FILES)
    return files


def test_it_shows_the_edits_and_writes_them(cli: Cli, drifted: Path) -> None:
    result = cli("accept", NAME, *EMULATED, "--yes")
    assert result.code == 0
    assert result.out == f"{DIFF}\nThese edits accept 1 difference.\nWrote 1 file.\n"
    assert drifted.read_text() == FILES.replace("sendMessage", "leaveConversation")
    assert cli("plan", *EMULATED, "--detailed-exitcode").code == 0
    again = cli("accept", NAME, *EMULATED, "--yes")
    assert (again.code, again.out) == (0, "Nothing to accept. The values match the account.\n")


def test_a_dry_run_writes_nothing(cli: Cli, drifted: Path) -> None:
    result = cli("accept", ".", NAME, *EMULATED, "--dry-run")
    assert result.code == 0
    assert result.out.startswith(DIFF)
    assert drifted.read_text() == FILES
    document = cli("accept", "reconciler.yaml", NAME, *EMULATED, "--dry-run", "--format", "json").json
    assert document == {
        "format": "reconciler.accept",
        "format_version": 1,
        "account_sid": "AC00000000000000000000000000000000",
        "env": "",
        "written": False,
        "accepted": [{"address": "services.support.roles.agent", "field": "permissions", "action": "set"}],
        "refused": [],
        "affected": [
            {
                "address": "services.support.roles.agent",
                "kind": "role",
                "service": "Customer Support",
                "risk": "high",
                "effects": EFFECTS,
            }
        ],
        "files": [{"path": "reconciler.yaml", "diff": DIFF.splitlines()}],
    }


@pytest.mark.parametrize(("answer", "code"), [("yes\n", 0), ("y\n", 1), ("", 1)])
def test_it_asks(cli: Cli, drifted: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int) -> None:
    monkeypatch.setattr(sys, "stdin", Tty(answer))
    monkeypatch.setattr("reconciler.cli.accept.console.is_terminal", lambda _stream: True)
    result = cli("accept", NAME, *EMULATED)
    assert result.code == code
    assert 'Write this file?\nOnly "yes" is accepted to approve. Enter a value: ' in result.err
    assert (drifted.read_text() == FILES) == (code != 0)


def test_without_a_terminal_it_cannot_ask(cli: Cli, drifted: Path) -> None:
    result = cli("accept", NAME, *EMULATED)
    assert result.code == 1
    assert "no terminal to ask for approval, so no file was changed." in result.err
    assert cli("accept", NAME, *EMULATED, "--format", "json").code == 1
    assert drifted.read_text() == FILES


def test_a_refused_name_writes_nothing(cli: Cli, drifted: Path) -> None:
    aliased = FILES.replace("[sendMessage]", "&words [sendMessage]") + "x-words: *words\n"
    drifted.write_text(aliased)
    result = cli("accept", NAME, *EMULATED, "--yes")
    assert result.code == 1
    assert result.err == (
        "Error: nothing was written, because a named value cannot be accepted:\n"
        f"  {NAME}: an alias in reconciler.yaml repeats the value\n"
        "    = write the value out in place of the alias, or change the anchor by hand\n"
    )
    assert drifted.read_text() == aliased


def test_without_names_the_refused_values_are_listed(cli: Cli, drifted: Path, tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(FILES)
    result = cli("accept", *EMULATED, "--yes")
    assert result.code == 1
    assert "which requires a baseline" in result.err
    drifted.write_text(FILES.replace("[sendMessage]", "&words [sendMessage]") + "x-words: *words\n")
    result = cli("accept", *EMULATED, "--yes", "--baseline", "base.yaml")
    assert result.code == 5
    assert result.err.startswith(f"Not accepted:\n  {NAME}: an alias in reconciler.yaml repeats the value\n")
    drifted.write_text(FILES)
    assert cli("accept", *EMULATED, "--yes", "--baseline", "base.yaml").code == 0
    assert drifted.read_text() == FILES.replace("sendMessage", "leaveConversation")


def test_what_was_applied_from_outside_is_listed_without_names(
    cli: Cli, drifted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERMISSION", "sendMessage")
    outside = FILES.replace("[sendMessage]", '["${env:PERMISSION}"]')
    (tmp_path / "base.yaml").write_text(outside)
    for files, reason, hint in (
        (
            outside,
            "the value comes from environment variable PERMISSION",
            "change the environment variable, or write the value in the file",
        ),
        (
            # A literal now: it may be what a merged commit changed.
            FILES,
            "the value that was applied last is unknown, so the configuration may be what changed",
            "name it: `reconciler accept` then takes the account's value",
        ),
    ):
        drifted.write_text(files)
        result = cli("accept", *EMULATED, "--yes", "--baseline", "base.yaml")
        naming = (
            f"To accept the account's values:\n  reconciler accept {NAME} --baseline base.yaml --emulator demo.db\n"
        )
        named = "" if files == outside else naming
        assert (result.code, result.err) == (5, f"Not accepted:\n  {NAME}: {reason}\n    = {hint}\n{named}")
        assert drifted.read_text() == files
    assert cli("accept", NAME, *EMULATED, "--yes", "--baseline", "base.yaml").code == 0
    assert drifted.read_text() == FILES.replace("sendMessage", "leaveConversation")


def test_it_says_why_there_is_nothing_to_accept(cli: Cli, drifted: Path) -> None:
    drifted.write_text(
        FILES.replace("sendMessage", "leaveConversation") + "    conversations: {line: {timers: {inactive: PT10M}}}\n"
    )
    assert cli("apply", *EMULATED, "--yes").code == 0
    assert cli("accept", "account.configuration", *EMULATED, "--dry-run").out.endswith(
        "These edits accept 2 differences.\n"
    )
    assert cli("accept", ".", "account", *EMULATED).out == (
        "Nothing to accept. These values differ, and are accepted only by their own names:\n"
        "  account.configuration.default_service\n"
        "  account.configuration.default_messaging_service_sid\n"
    )
    timer = "services.support.conversations.line.timers.inactive"
    assert cli("accept", timer, *EMULATED).out == f"Nothing to accept. Twilio does not return {timer}.\n"
    # Blocks of settings need not be declared.
    for name in ("services.support.webhooks", "services.support.webhooks.method", "account.webhooks"):
        result = cli("accept", ".", name, *EMULATED)
        assert (result.code, result.out) == (0, "Nothing to accept. The values match the account.\n")
    assert cli("accept", "services.support.webhooks.mathod", *EMULATED).code == 1


@pytest.mark.parametrize(
    ("names", "accepted"),
    [
        pytest.param(["level"], "{level: 2, team: {name: Red, size: 3}}", id="a changed value"),
        pytest.param(["team.name"], "{level: 1, team: {name: Blue, size: 3}}", id="a value in a mapping"),
        pytest.param(["team.size"], "{level: 1, team: {name: Red}}", id="a value that the account lacks"),
        pytest.param(["since"], "{level: 1, team: {name: Red, size: 3}, since: 2020}", id="a value that only it has"),
        pytest.param(["level", "team"], "{level: 2, team: {name: Blue}}", id="a value and a mapping"),
        pytest.param(["same"], None, id="a value that does not differ"),
        pytest.param(["level", ""], "{level: 2, team: {name: Blue}, since: 2020}", id="a value and the field"),
    ],
)
def test_of_json_only_the_named_values_are_accepted(
    cli: Cli, drifted: Path, names: list[str], accepted: str | None
) -> None:
    line = "    users: {ada: {attributes: {same: 0, level: 2, team: {name: Blue}, since: 2020}}}\n"
    drifted.write_text(FILES + line)
    assert cli("apply", *EMULATED, "--yes").code == 0
    declared = "{level: 1, team: {name: Red, size: 3}}"
    drifted.write_text(FILES + f"    users: {{ada: {{attributes: {with_same(declared)}}}}}\n")
    paths = [f"services.support.users.ada.attributes.{name}".rstrip(".") for name in names]
    result = cli("accept", *paths, *EMULATED, "--yes")
    assert result.code == 0
    expected = f"    users: {{ada: {{attributes: {with_same(accepted or declared)}}}}}\n"
    assert drifted.read_text() == FILES + expected
    assert ("Nothing to accept." in result.out) == (accepted is None)


def with_same(attributes: str) -> str:
    return attributes.replace("{", "{same: 0, ", 1)


def test_a_value_inside_json_that_is_nowhere_is_an_error(cli: Cli, drifted: Path) -> None:
    drifted.write_text(FILES + "    users: {ada: {attributes: {level: 2}}}\n")
    result = cli("accept", "services.support.users.ada.attributes.lebel", *EMULATED, "--yes")
    assert result.code == 1
    assert "neither the configuration nor the account has such a value" in result.err.replace("\n       ", " ")


def test_lines_with_secrets_are_not_shown(cli: Cli, drifted: Path) -> None:
    changed = FILES.replace(
        "    configuration:",
        "    webhooks: {post_webhook_url: 'https://x.example.com/?token=a1b2c3d4e5f6a7b8'}\n    configuration:",
    )
    drifted.write_text(changed)
    result = cli("accept", NAME, *EMULATED, "--dry-run")
    assert result.code == 0
    assert "a1b2c3d4" not in result.out
    assert " (hidden: this line contains a secret)\n" in result.out


def test_drift_names_the_command(cli: Cli, drifted: Path) -> None:
    assert drifted.exists()
    assert f"\n  accept: reconciler accept {NAME} --emulator demo.db\n" in cli("drift", *EMULATED).out


def test_an_interrupted_accept_is_completed_by_the_next_command(
    cli: Cli, drifted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_folder: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("reconciler.workflow.replacing.complete", killed)
        assert cli("accept", NAME, *EMULATED, "--yes").code == 130
    assert drifted.read_text() == FILES
    assert cli("validate").code == 0
    assert drifted.read_text() == FILES.replace("sendMessage", "leaveConversation")


def test_other_formats_give_one_document_and_cannot_ask(
    cli: Cli, drifted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("accept", NAME, *EMULATED, "--format", "markdown").code == 1
    markdown = cli("accept", NAME, *EMULATED, "--dry-run", "--format", "markdown").out
    assert "### Accept 1 difference\n" in markdown
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    log = cli("accept", NAME, *EMULATED, "--yes", "--format", "github").out
    assert log.startswith("::stop-commands::")
    assert DIFF in log
    assert (tmp_path / "summary.md").read_text() == f"{markdown}\n"
    assert drifted.read_text() == FILES.replace("sendMessage", "leaveConversation")


def test_saved_edits_are_shown_in_any_format(cli: Cli, drifted: Path) -> None:
    assert drifted.exists()
    Path("edits.json").write_text(cli("accept", NAME, *EMULATED, "--dry-run", "--format", "json").out)
    markdown = cli("accept", NAME, *EMULATED, "--dry-run", "--format", "markdown").out
    assert cli("show", "edits.json", "--format", "markdown").out == markdown
    assert cli("show", "edits.json").out.startswith(DIFF)
    assert cli("show", "edits.json", "--format", "html").code == 1
    assert "is an accept, not a plan" in cli("apply", *EMULATED, "--plan", "edits.json").err


def test_the_owners_of_the_files_are_named(cli: Cli, drifted: Path, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "CODEOWNERS").write_text(f"{drifted.name} @acme/desk\n")
    words = ("accept", NAME, *EMULATED, "--dry-run", "--format")
    assert [part["owners"] for part in cli(*words, "json").json["affected"]] == [["@acme/desk"]]
    assert "| role | `Customer Support` | `@acme/desk` |\n" in cli(*words, "markdown").out
