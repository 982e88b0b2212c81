"""``diff``, from two arguments to what it says and ends with."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import FILES
from tests.commands import Result

Cli = Callable[..., Result]
ENVIRONMENTS = "environments: {staging: {variables: {may: sendMessage}}, prod: {variables: {may: leaveConversation}}}\n"


@pytest.fixture
def repository(files: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The configuration, committed."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    for name, value in (("CONFIG_GLOBAL", os.devnull), ("CONFIG_NOSYSTEM", "1"), ("AUTHOR_NAME", "a"), ("AUTHOR_EMAIL", "a@b"), ("COMMITTER_NAME", "a"), ("COMMITTER_EMAIL", "a@b")):  # fmt: skip # noqa: E501 - a table
        monkeypatch.setenv(f"GIT_{name}", value)
    monkeypatch.setenv("HOME", str(files.parent / "home"))
    git("init", "-q", "-b", "main")
    commit()
    return files


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)


def commit() -> None:
    git("add", "-A")
    git("commit", "-q", "-m", "change")


def test_the_work_tree_is_compared_with_a_commit(cli: Cli, repository: Path) -> None:
    assert cli("diff", "git:main", "--detailed-exitcode").code == 0
    repository.write_text(FILES.replace("[sendMessage]", "[leaveConversation]"))
    result = cli("diff", "git:main")
    assert (result.code, cli("diff", "git:main", "--detailed-exitcode").code) == (0, 2)
    assert result.out.startswith("From git:main:./reconciler.yaml to reconciler.yaml. Changes as if the account ")
    assert "+ leaveConversation  # line 6; was main:./reconciler.yaml:6\n" in result.out
    assert "Everyone with the role 'agent', a default of its service, loses sendMessage." in result.out


def test_a_ledger_removes_what_is_no_longer_declared(cli: Cli, repository: Path) -> None:
    repository.write_text("version: 1\nledger: git\n")
    text = cli("diff", "git:main").out
    sentence = "that only the first declares; with the ledger, an apply removes them as the plan shows"
    assert sentence in " ".join(text.split())
    assert "\n\nNo longer declared: 3 resources that" in text
    assert "the account keeps" not in text
    for form in ("markdown", "html"):
        shown = cli("diff", "git:main", "--format", form).out
        assert sentence in shown
        assert "the account keeps" not in shown
    assert cli("diff", "git:main", "--format", "json").json["removes"] is True
    repository.write_text("version: 1\n")
    assert "removes" not in cli("diff", "git:main", "--format", "json").json


def test_a_ref_alone_means_the_other_path(cli: Cli, repository: Path) -> None:
    Path("conf").mkdir()
    repository.rename("conf/desk.yaml")
    commit()
    for arguments in (("git:main", "conf/desk.yaml"), ("conf/desk.yaml", "git:main"), ("git:main:conf/desk.yaml", "git:main")):  # fmt: skip # noqa: E501 - a table
        sides = cli("diff", *arguments, "--format", "json").json
        names = {sides["before"]["name"].removeprefix("git:main:"), sides["after"]["name"].removeprefix("git:main:")}
        assert names == {"conf/desk.yaml"}


def test_environments_are_named_behind_an_at(cli: Cli, repository: Path) -> None:
    text = FILES.replace("[sendMessage]", "['${var:may}']") + ENVIRONMENTS
    repository.write_text(text)
    commit()
    Path("a@b.yaml").write_text(text)
    cases = {
        ("@staging", "@prod"): ("reconciler.yaml@staging", "reconciler.yaml@prod"),
        (".@staging", "a@b.yaml@prod"): ("reconciler.yaml@staging", "a@b.yaml@prod"),
        ("a@b.yaml", "a@b.yaml@"): ("a@b.yaml", "a@b.yaml"),
        ("git:main@staging", "@prod"): ("git:main:./reconciler.yaml@staging", "reconciler.yaml@prod"),
        ("git:HEAD@{0}", "git:HEAD:reconciler.yaml@prod"): (
            "git:HEAD@{0}:./reconciler.yaml", "git:HEAD:./reconciler.yaml@prod",
        ),
        ("git:main", ".", "--env", "prod"): ("git:main:./reconciler.yaml@prod", "reconciler.yaml@prod"),
    }  # fmt: skip
    for arguments, names in cases.items():
        told = cli("diff", *arguments, "--format", "json").json
        assert (told["before"]["name"], told["after"]["name"]) == names
    result = cli("diff", "@staging", "@prod")
    assert "Diff: 0 only in the second, 1 different; 2 unchanged, 0 only in the first." in result.out


def test_it_needs_no_credentials_and_reads_no_environment(
    cli: Cli, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_TOKEN", "hunter2")
    Path("other.yaml").write_text(FILES.replace("Customer Support", "'${env:HOOK_TOKEN}'"))
    result = cli("diff", str(files), "other.yaml", "--format", "markdown")
    assert result.code == 0
    assert "hunter2" not in result.out + result.err
    assert "${env:HOOK\\_TOKEN}" in result.out or "${env:HOOK_TOKEN}" in result.out


def test_what_is_wrong_with_either_is_told_at_once(cli: Cli, repository: Path) -> None:
    repository.write_text(FILES + "nonsense: 1\n")
    commit()
    repository.write_text(FILES + "rubbish: 1\n")
    result = cli("diff", "git:main")
    assert result.code == 1
    assert "--> main:./reconciler.yaml:8:1" in result.err
    assert "--> reconciler.yaml:8:1" in result.err


def test_a_missing_commit_says_how_to_get_it(cli: Cli, repository: Path) -> None:
    assert repository.exists()
    result = cli("diff", "git:nope")
    assert result.code == 1
    assert "git:nope: this repository has no such commit; there is no remote to fetch it from" in " ".join(
        result.err.split()
    )


@pytest.mark.parametrize("side", ["git:", "git::conf", "git:@prod", ""])
@pytest.mark.parametrize("first", [True, False])
def test_nothing_is_compared_with_itself_because_a_variable_is_not_set(
    cli: Cli, repository: Path, side: str, *, first: bool
) -> None:
    sides = (side, repository.name) if first else (repository.name, side)
    result = cli("diff", *sides)
    assert (result.code, result.out) == (1, "")
    assert ("has no commit" if side else "it is empty") in result.err


def test_a_saved_diff_is_shown_again_and_is_no_approval(cli: Cli, repository: Path) -> None:
    repository.write_text(FILES.replace("[sendMessage]", "[leaveConversation]"))
    saved = cli("diff", "git:main", "--format", "json").out
    assert saved == cli("diff", "git:main", "--format", "json").out
    Path("diff.json").write_text(saved)
    assert cli("show", "diff.json").out == cli("diff", "git:main").out
    refused = cli("apply", "--emulator", "demo.db", "--plan", "diff.json")
    assert refused.code == 1
    assert "diff.json is a diff, not a plan" in refused.err


def test_an_overlay_is_laid_over_both(cli: Cli, repository: Path) -> None:
    Path("over.yaml").write_text("services: {support: {roles: {agent: {permissions: [leaveConversation]}}}}\n")
    commit()
    repository.write_text(FILES.replace("[sendMessage]", "[editOwnMessage]"))
    assert cli("diff", "git:main", "--overlay", "over.yaml", "--detailed-exitcode").code == 0
