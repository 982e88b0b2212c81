"""`init`: a starter that works as it stands, the examples' workflows, and never a file written over."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler import schema
from reconciler.cli import init as initial
from tests.commands import Result

Cli = Callable[..., Result]
ROOT = Path(__file__).resolve().parents[2]
GITHUB = ("apply.yml", "drift.yml", "plan.yml")
STARTER = [".gitignore", ".reconciler/config.schema.json", ".reconciler/overlay.schema.json", "reconciler.yaml"]


def everything(folder: Path) -> list[str]:
    """Every file below a folder but for git's own."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
    return sorted(path for path in found if not path.startswith(".git/"))


def test_the_starter_is_valid_and_converges_as_it_stands(cli: Cli, tmp_path: Path) -> None:
    assert cli("init").code == 0
    assert everything(tmp_path) == STARTER
    assert cli("validate", "--strict").code == 0
    first = cli("plan", "--emulator", "demo.db", "--detailed-exitcode", "--format", "json")
    assert first.code == 2
    assert [change["address"] for change in first.json["changes"]] == [
        "services.support", "services.support.roles.agent", "services.support.configuration",
        "services.support.webhooks",
    ]  # fmt: skip
    assert first.json["warnings"] == []
    assert cli("apply", "--emulator", "demo.db", "--yes").code == 0
    assert cli("plan", "--emulator", "demo.db", "--detailed-exitcode").code == 0
    for environment in ("staging", "prod"):
        assert cli("validate", "--strict", "--env", environment).code == 0


def test_every_line_of_the_starter_that_is_commented_out_is_right_too(cli: Cli) -> None:
    cli("init")
    file = Path("reconciler.yaml")
    wanted = (
        "account:",
        "  sid: AC",
        "prune: [roles]",
        "addresses:",
        '  "+1415',
        "    auto_creation:",
        "account_sid: AC",
    )
    lines = []
    for line in file.read_text().splitlines():
        before, mark, after = line.partition("# ")
        lines.append(before + after if mark and not before.strip() and after.startswith(wanted) else line)
    assert sum(line != old for line, old in zip(lines, file.read_text().splitlines(), strict=True)) == 8
    file.write_text("\n".join(lines))
    for environment in ("staging", "prod"):
        result = cli("validate", "--strict", "--env", environment)
        assert (result.code, result.err) == (0, "")


@pytest.mark.parametrize(
    ("ci", "last"),
    [
        ("github", "request: the plan of a pull request that also changes workflows cannot be\napplied.\n"),
        ("gitlab", "Before you use .gitlab-ci.yml, follow the comment at its top.\n"),
    ],
)
def test_what_it_says_fits_a_terminal_and_ends_with_what_is_to_be_filled_in(cli: Cli, ci: str, last: str) -> None:
    told = cli("init", "--ci", ci).out
    assert max(len(line) for line in told.splitlines()) <= 80
    assert "\n\nBefore you use " in told
    assert told.endswith(last)


def test_it_says_what_it_wrote_and_what_comes_next(cli: Cli) -> None:
    assert cli("init", "my files") == Result(
        0,
        "Wrote my files/reconciler.yaml\n"
        "Wrote my files/.reconciler/config.schema.json\n"
        "Wrote my files/.reconciler/overlay.schema.json\n"
        "Wrote my files/.gitignore\n"
        "\n"
        "Next:\n"
        "  # show the changes, with an emulated account\n"
        "  reconciler plan 'my files' --emulator demo.db\n"
        "  # apply them to the emulated account\n"
        "  reconciler apply 'my files' --emulator demo.db\n"
        "  # or start with the configuration of an existing account\n"
        "  reconciler export --out FOLDER\n"
        "\n"
        "Commit these files, the schemas in .reconciler included.\n"
        "\n"
        "--ci github or --ci gitlab adds workflows that plan, apply, and detect drift.\n",
        "",
    )


def test_editors_find_the_schema_that_the_first_line_names(cli: Cli) -> None:
    cli("init", "a/b")
    first = Path("a/b/reconciler.yaml").read_text().splitlines()[0]
    named = first.removeprefix("# yaml-language-server: $schema=")
    assert (Path("a/b") / named).read_text() == schema.schema_text("config")


# --- nothing is written over -----------------------------------------------------------------------------------------


def test_everything_in_the_way_is_named_and_nothing_is_written(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / ".github/workflows").mkdir(parents=True)
    for name in ("plan.yml", "drift.yml"):
        (tmp_path / ".github/workflows" / name).write_text("mine\n")
    before = everything(tmp_path)
    result = cli("init", "--ci", "github")
    assert result.code == 1
    told = " ".join(result.err.split())
    assert ".github/workflows/drift.yml, .github/workflows/plan.yml already exist" in told
    assert "Nothing was written" in told
    assert everything(tmp_path) == before
    assert (tmp_path / ".github/workflows/plan.yml").read_text() == "mine\n"


def test_a_configuration_that_is_there_is_in_the_way(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "reconciler.yaml").symlink_to("nowhere.yaml")
    result = cli("init")
    assert (result.code, everything(tmp_path)) == (1, ["reconciler.yaml"])
    assert "reconciler.yaml already exists" in " ".join(result.err.split())


def test_workflows_are_added_to_a_configuration_that_is_there(cli: Cli, files: Path) -> None:
    before = files.read_text()
    result = cli("init", "--ci", "gitlab")
    assert result.code == 0
    assert "Kept reconciler.yaml" in result.out
    assert files.read_text() == before
    assert everything(Path()) == sorted([*STARTER, ".gitlab-ci.yml"])


def test_again_is_nothing_and_what_is_ours_is_brought_up_to_date(cli: Cli) -> None:
    cli("init")
    assert cli("init").out.startswith("Nothing to write: all files exist.\n")
    ours = Path(".reconciler/config.schema.json")
    ours.write_text(ours.read_text().replace('"version"', '"versoin"'))
    result = cli("init", "--ci", "none")
    assert result.out.startswith("Updated .reconciler/config.schema.json\n")
    assert ours.read_text() == schema.schema_text("config")
    ours.write_text("somebody else's")
    assert cli("init").code == 1
    assert ours.read_text() == "somebody else's"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("build/", "build/\nplan.json\nreport.json\n*.db\n*.db-*\n.reconciler/journal-*\n"),
        ("*.db\nbuild/\n", "*.db\nbuild/\nplan.json\nreport.json\n*.db-*\n.reconciler/journal-*\n"),
        ("*.db-*\nplan.json\n*.db\n", "*.db-*\nplan.json\n*.db\nreport.json\n.reconciler/journal-*\n"),
    ],
)
def test_lines_are_added_to_what_git_ignores(cli: Cli, before: str, after: str) -> None:
    Path(".gitignore").write_text(before)
    assert cli("init").code == 0
    assert Path(".gitignore").read_text() == after


def test_what_git_ignores_keeps_its_line_ends_and_its_mode(cli: Cli) -> None:
    ignored = Path(".gitignore")
    ignored.write_bytes(b"build/\r\n*.db\r\n")
    ignored.chmod(0o640)
    assert cli("init").code == 0
    assert ignored.read_bytes() == b"build/\r\n*.db\r\nplan.json\r\nreport.json\r\n*.db-*\r\n.reconciler/journal-*\r\n"
    assert ignored.stat().st_mode & 0o777 == 0o640


def test_a_link_is_in_the_way_and_stays_one(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "shared").write_text("build/\n")
    (tmp_path / ".gitignore").symlink_to("shared")
    result = cli("init")
    assert (result.code, everything(tmp_path)) == (1, [".gitignore", "shared"])
    assert ".gitignore already exists" in " ".join(result.err.split())
    assert (tmp_path / ".gitignore").is_symlink()
    assert (tmp_path / "shared").read_text() == "build/\n"


def test_a_failure_half_way_leaves_nothing_behind(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    links = []

    def link(source: Path, target: Path) -> None:
        links.append(target)
        if len(links) == 3:
            raise FileExistsError(17, "File exists", str(source), None, str(target))
        Path(target).write_bytes(Path(source).read_bytes())

    monkeypatch.setattr(os, "link", link)
    result = cli("init", "a/b", "--ci", "github")
    assert result.code == 1
    assert "Nothing was written" in result.err
    assert list(tmp_path.rglob("*")) == []


def test_a_folder_that_is_a_file_is_refused(cli: Cli) -> None:
    Path("file").write_text("")
    result = cli("init", "file")
    assert result.code == 1
    assert "file is not a folder" in result.err


# --- workflows -------------------------------------------------------------------------------------------------------


def test_what_is_written_for_github_is_the_examples_to_the_byte(cli: Cli, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "."], check=True)
    assert cli("init", "conversations", "--ci", "github").code == 0
    assert everything(tmp_path) == sorted(
        [
            ".gitignore",
            *(f".github/workflows/{name}" for name in GITHUB),
            *(f"conversations/{name}" for name in STARTER),
        ]
    )
    # Plans and emulated accounts are left where commands run, which is the top of the repository.
    assert (tmp_path / ".gitignore").read_text() == "plan.json\nreport.json\n*.db\n*.db-*\n"
    for name in GITHUB:
        written = (tmp_path / ".github/workflows" / name).read_bytes()
        assert written == (ROOT / "examples/github-actions" / name).read_bytes()
    assert sorted(GITHUB) == sorted(path.name for path in (ROOT / "examples/github-actions").glob("*.yml"))


def test_what_is_written_for_gitlab_is_the_example_to_the_byte(cli: Cli, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "."], check=True)
    assert cli("init", "conversations", "--ci", "gitlab").code == 0
    assert (tmp_path / ".gitlab-ci.yml").read_bytes() == (ROOT / "examples/gitlab-ci/.gitlab-ci.yml").read_bytes()


def test_workflows_belong_at_the_root_of_the_repository(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "init", "-q", "."], check=True)
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    result = cli("init", "twilio", "--ci", "github")
    assert "Wrote ../.github/workflows/plan.yml\n" in result.out
    assert folders_in(tmp_path / ".github/workflows/plan.yml") == {"deep/twilio"}


def folders_in(path: Path) -> set[str]:
    """The folders that a workflow names, from every place where one can stand."""
    document: Any = yaml.load(path.read_text(), yaml.BaseLoader)
    found = set()
    if path.name == ".gitlab-ci.yml":
        found.add(document["variables"]["CONFIGURATION"])
        globs = document["validate"]["rules"][0]["changes"]
        found |= {glob.removesuffix("**/*").rstrip("/") or "." for glob in globs if "*" in glob}
        return found
    for trigger in ("push", "pull_request"):
        globs = (document["on"].get(trigger) or {}).get("paths", ())
        found |= {glob.removesuffix("**").rstrip("/") or "." for glob in globs if "*" in glob}
    for job in document["jobs"].values():
        for step in job["steps"]:
            if "reconcile@" in step.get("uses", "") and step["with"]["command"] != "install":
                found.add(step["with"]["path"])
    return found


@pytest.mark.parametrize("folder", [".", "conversations", "infra/twilio-eu", ".conf"])
@pytest.mark.parametrize("ci", ["github", "gitlab"])
def test_workflows_plan_the_folder_that_they_were_written_for(cli: Cli, tmp_path: Path, ci: str, folder: str) -> None:
    assert cli("init", folder, "--ci", ci).code == 0
    written = [tmp_path / ".gitlab-ci.yml"] if ci == "gitlab" else sorted((tmp_path / ".github/workflows").iterdir())
    for path in written:
        assert folders_in(path) == {folder}, path.name
        assert "Conversations" in path.read_text() or ci == "gitlab"


def test_a_folder_that_workflows_could_not_name_is_refused(cli: Cli, tmp_path: Path) -> None:
    result = cli("init", "my folder", "--ci", "github")
    assert result.code == 1
    assert "needs quotes" in result.err
    assert list(tmp_path.iterdir()) == []


def test_without_links_files_are_written_all_the_same(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    assert cli("init").code == 0
    assert everything(Path()) == STARTER


def test_what_git_should_ignore_is_what_commands_leave(cli: Cli) -> None:
    assert initial.IGNORED == ("plan.json", "report.json", "*.db", "*.db-*", ".reconciler/journal-*")
    cli("init")
    subprocess.run(["git", "init", "-q", "."], check=True)
    cli("apply", "--emulator", "demo.db", "--yes")
    cli("plan", "--emulator", "demo.db", "--out", "plan.json")
    done = subprocess.run(["git", "status", "--porcelain", "-uall"], capture_output=True, text=True, check=True)
    assert sorted(line[3:] for line in done.stdout.splitlines()) == STARTER


@pytest.mark.parametrize("ci", ["github", "gitlab"])
def test_workflows_that_were_filled_in_are_kept(cli: Cli, tmp_path: Path, ci: str) -> None:
    subprocess.run(["git", "init", "-q", "."], check=True)
    assert cli("init", "conversations", "--ci", ci).code == 0
    files = [*tmp_path.glob(".github/workflows/*.yml"), *tmp_path.glob(".gitlab-ci.yml")]
    for file in files:
        file.write_text(file.read_text().replace("0000000000000000000000000000000000000000", "1" * 40))
    before = {file: file.read_bytes() for file in files}
    files[0].unlink()
    again = cli("init", "conversations", "--ci", ci)
    assert again.code == 0, again.err
    assert f"Wrote {files[0].relative_to(tmp_path)}" in again.out
    assert {file: file.read_bytes() for file in files[1:]} == {file: before[file] for file in files[1:]}
    assert [f"Kept {file.relative_to(tmp_path)}" in again.out for file in files[1:]] == [True] * (len(files) - 1)


@pytest.mark.parametrize(("environments", "name"), [("", ""), ("environments: {eu: {}}\n", "eu")])
def test_workflows_name_an_environment_that_the_configuration_has(
    cli: Cli, tmp_path: Path, environments: str, name: str
) -> None:
    (tmp_path / "conversations").mkdir()
    (tmp_path / "conversations/reconciler.yaml").write_text(f"version: 1\n{environments}")
    subprocess.run(["git", "init", "-q", "."], check=True)
    result = cli("init", "conversations", "--ci", "github")
    assert cli("init", "conversations", "--ci", "gitlab").code == result.code == 0
    for file in tmp_path.glob(".github/workflows/*.yml"):
        found = re.findall(r"^ +env: (\w+)$", file.read_text(), re.MULTILINE)
        assert set(found) == ({name} if name else set()), file
    pipeline = (tmp_path / ".gitlab-ci.yml").read_text()
    assert (f"CONFIGURATION_ENV: {name}\n" in pipeline) == ("--env" in pipeline) == bool(name)
    # It was exported or written already.
    assert "export" not in result.out


@pytest.mark.parametrize("ci", ["github", "gitlab"])
@pytest.mark.parametrize("prefix", ["refs/reconciler", "refs/sales/eu"])
def test_workflows_fetch_the_ledger_of_the_configuration(cli: Cli, tmp_path: Path, ci: str, prefix: str) -> None:
    (tmp_path / "conversations").mkdir()
    (tmp_path / "conversations/reconciler.yaml").write_text(
        f"version: 1\nledger: {{git: {prefix}, remote: origin}}\nenvironments: {{prod: {{}}}}\n"
    )
    subprocess.run(["git", "init", "-q", "."], check=True)
    assert cli("init", "conversations", "--ci", ci).code == 0
    if ci == "gitlab":
        pipeline = yaml.safe_load((tmp_path / ".gitlab-ci.yml").read_text())
        fetch = f"git fetch --quiet origin '+{prefix}/*:{prefix}/*'"
        jobs = {name for name, job in pipeline.items() if isinstance(job, dict) and fetch in job.get("script", ())}
        assert jobs == {"plan", "apply", "drift", "accept-edits"}
        assert pipeline["variables"]["GIT_DEPTH"] == "0"
        assert "--depth" not in str([pipeline[job] for job in jobs])
        scripts = {
            name: str(job["script"]) for name, job in pipeline.items() if isinstance(job, dict) and "script" in job
        }
        assert [name for name, script in scripts.items() if "LEDGER_TOKEN" in script] == ["apply"]
        assert [name for name, script in scripts.items() if "ACCEPT_TOKEN" in script] == ["accept"]
        return
    counts = {
        name: (tmp_path / f".github/workflows/{name}").read_text().count(f"ledger: {prefix}\n") for name in GITHUB
    }
    assert counts == {"apply.yml": 3, "drift.yml": 1, "plan.yml": 1}
    assert "command: accept\n" in (tmp_path / ".github/workflows/drift.yml").read_text()


@pytest.mark.parametrize(
    ("ledger", "message"),
    [
        ("git", "is not shared through a remote"),
        ("{git: refs/reconciler, remote: upstream}", "is shared through the remote upstream"),
    ],
)
def test_a_ledger_that_jobs_could_not_share_is_refused(cli: Cli, tmp_path: Path, ledger: str, message: str) -> None:
    (tmp_path / "reconciler.yaml").write_text(f"version: 1\nledger: {ledger}\n")
    result = cli("init", "--ci", "github")
    assert result.code == 1
    told = " ".join(result.err.split())
    assert f"the ledger in reconciler.yaml {message}" in told
    assert "Write ledger: {git: refs/reconciler, remote: origin}" in told
    assert not (tmp_path / ".github").exists()
