"""What a step of GitHub Actions gets: annotations, a summary, and no command that somebody else wrote; and SARIF."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import FILES
from tests.commands import Result
from tests.render import plan_samples as samples

Cli = Callable[..., Result]
EMULATED = ("--emulator", "demo.db")
GITHUB = ("--format", "github")


@pytest.fixture(autouse=True)
def summary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The file of the job's summary."""
    for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path.parent))
    path = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    return path


def obeyed(text: str) -> list[str]:
    """The commands that a runner would obey: it looks for them until it is told to stop, up to the token."""
    found: list[str] = []
    token = ""
    for line in text.splitlines():
        if token:
            token = "" if line == f"::{token}::" else token
        elif match := re.fullmatch(r"::stop-commands::([0-9a-f]{32})", line):
            token = match[1]
        elif line.strip().startswith("::") or "##[" in line:
            found.append(line)
    assert token == "", "commands are looked for again in the end"
    return found


def test_validate_puts_problems_at_their_lines(cli: Cli, files: Path, summary: Path) -> None:
    files.write_text(FILES.replace("friendly_name", "freindly_name"))
    result = cli("validate", *GITHUB)
    assert (result.code, result.err) == (1, "")
    (command,) = obeyed(result.out)
    assert command.startswith(
        f"::error file={files.parent.name}/reconciler.yaml,line=4,col=5,title=reconciler%3A unknown-key::"
    )
    assert "--> reconciler.yaml:4:5" in result.out
    assert "### ❌ 1 error" in summary.read_text()
    assert cli("validate", "--format", "markdown").out + "\n" == summary.read_text()


def test_validate_of_what_is_valid(cli: Cli, files: Path, summary: Path) -> None:
    files.write_text(FILES.replace("sendMessage", "sendMesage"))
    result = cli("validate", *GITHUB)
    assert (result.code, result.err) == (0, "")
    assert [command.split(" ")[0] for command in obeyed(result.out)] == ["::warning"]
    assert "### ✅ `.` is valid: 3 resources, 1 warning" in summary.read_text()


def test_plan_apply_and_drift_add_to_the_summary(cli: Cli, files: Path, summary: Path) -> None:
    assert files.exists()
    planned = cli("plan", *EMULATED, *GITHUB)
    assert planned.code == 0
    assert "Plan: 2 to create" in planned.out
    assert obeyed(planned.out) == []
    assert cli("drift", *EMULATED, *GITHUB).code == 2
    applied = cli("apply", *EMULATED, "--yes", *GITHUB)
    assert applied.code == 0
    assert "  + services.support created" in applied.out
    assert obeyed(applied.out) == []
    markers = re.findall(r"<!-- reconciler:(\w+)", summary.read_text())
    assert markers == ["plan", "drift", "report"]


def test_nothing_to_do_ends_with_commands_on(cli: Cli, files: Path) -> None:
    assert files.exists()
    cli("apply", *EMULATED, "--yes")
    again = cli("apply", *EMULATED, "--yes", *GITHUB)
    assert again.code == 0
    assert "No changes" in again.out
    assert obeyed(again.out) == []


def test_a_refused_apply_ends_with_commands_on_and_says_why(cli: Cli, files: Path, summary: Path) -> None:
    cli("apply", *EMULATED, "--yes")
    files.write_text("version: 1\nprune: [services]\nservices: {}\n")
    refused = cli("apply", *EMULATED, "--yes", *GITHUB)
    assert (refused.code, refused.err) == (4, "")
    (command,) = obeyed(refused.out)
    assert command.startswith("::error title=A guard refuses this apply; nothing was sent::")
    assert "### ⛔ A guard refuses this apply; nothing was sent" in summary.read_text()


@pytest.mark.parametrize("attack", ["::add-mask::a", "##[add-mask]a", "\n::error::x", "::stop-commands::x"])
def test_values_of_the_account_are_no_commands(cli: Cli, attack: str) -> None:
    change = samples.change(
        attack, attack, "delete", samples.field(attack, attack, attack), name=attack, consequences=(attack,)
    )
    Path("plan.json").write_text(samples.plan(change).to_json())
    shown = cli("show", "plan.json", *GITHUB)
    assert shown.code == 0
    (command,) = obeyed(shown.out)
    assert command.startswith("::warning title=Deletes ")


def test_a_summary_that_cannot_be_written_ends_nothing(cli: Cli, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert files.exists()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(files.parent / "missing" / "x"))
    result = cli("plan", *EMULATED, *GITHUB)
    assert result.code == 0
    assert result.err == "warning: cannot write the job's summary: No such file or directory\n"


def test_outside_of_github_there_is_no_summary(cli: Cli, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    assert cli("plan", *EMULATED, *GITHUB).code == 0
    assert sorted(path.name for path in files.parent.iterdir() if not path.name.startswith("demo.db")) == [
        "reconciler.yaml"
    ]


# --- SARIF -----------------------------------------------------------------------------------------------------------


def test_sarif_is_all_there_is_on_standard_output(cli: Cli, files: Path) -> None:
    assert cli("validate", "--format", "sarif").json["runs"][0]["results"] == []
    files.write_text(FILES.replace("friendly_name", "freindly_name").replace("sendMessage", "sendMesage"))
    result = cli("validate", "--format", "sarif")
    assert result.code == 1
    [run] = result.json["runs"]
    found = [
        (it["ruleId"], it["level"], it["locations"][0]["physicalLocation"]["region"]["startLine"])
        for it in run["results"]
    ]
    assert found == [("unknown-key", "error", 4), ("unknown-word", "warning", 6)]
    missing = cli("validate", "nothing.yaml", "--format", "sarif")
    assert missing.code == 1
    assert missing.json["version"] == "2.1.0"


def test_no_secret_lands_in_sarif(cli: Cli, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_TOKEN", "s3cr3t-of-somebody")
    files.write_text(
        FILES + "account: {webhooks: {target: webhook, method: '${secret:HOOK_TOKEN}', token: s3cr3t-of-somebody}}\n"
    )
    result = cli("validate", "--format", "sarif")
    assert result.code == 1
    assert len(result.json["runs"][0]["results"]) >= 2
    assert "s3cr3t" not in result.out
