"""The scripts of the pipeline for GitLab, run in order against a served emulator."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from reconciler.cli.workflow_files import gitlab_with_ledger
from tests.action.conftest import FILES, SECRETS, VARIABLES, World
from tests.action.runner import ROOT, git
from tests.action.stand_in import BOT, REPOSITORY, Token

MORE = FILES.replace("[sendMessage]", "[sendMessage, leaveConversation]")


@pytest.mark.slow
def test_a_change_goes_through_the_pipeline(world: World) -> None:
    described = yaml.safe_load((ROOT / "examples" / "gitlab-ci" / ".gitlab-ci.yml").read_text(encoding="utf-8"))
    path = "conversations/reconciler.yaml"
    # What jobs hand to one another is no part of the repository.
    (world.clone / ".git" / "info" / "exclude").write_text("plan.*\ndrift.md\n")

    def run(job: str) -> int:
        # As GitLab's runner does: one bash for all lines, which ends at the first that fails.
        script = "\n".join(["set -eo pipefail", *described[job]["script"]])
        variables = {name: value for name, value in described["variables"].items() if not name.startswith("RECONCILER")}
        named = described[job].get("environment", {}).get("name", "")
        known = {**VARIABLES.get(named, {}), **SECRETS.get(named, {})}
        environment = {
            "PATH": os.pathsep.join([*map(str, world.runner.path), "/usr/bin", "/bin"]), "LANG": "C.UTF-8", **variables,
            **known, "CI_DEFAULT_BRANCH": "main",
        }  # fmt: skip
        return subprocess.run(["bash", "-c", script], cwd=world.clone, env=environment, check=False).returncode

    world.on_main({path: MORE})
    assert run("validate") == 0
    assert run("plan") == 0
    assert "### 2 to create, 1 to update" in (world.clone / "plan.md").read_text()
    assert world.writes == []
    assert run("apply") == 0
    assert world.roles() == {"agent": ["leaveConversation", "sendMessage"]}
    assert run("drift") == 0
    world.set_role("agent", ["sendMessage"])
    assert run("drift") == 2
    assert "leaveConversation" in (world.clone / "drift.md").read_text()
    # The plan that was saved says nothing of this.
    world.on_main({path: FILES.replace("[sendMessage]", "[addParticipant]")})
    assert run("apply") == 3
    # What was taken back between the plan and the button is not applied.
    sent = len(world.writes)
    assert run("plan") == 0
    world.on_main({path: FILES})
    git(world.clone, "checkout", "-q", "HEAD^")
    assert run("apply") == 0
    assert (world.roles(), len(world.writes)) == ({"agent": ["sendMessage"]}, sent)


@pytest.mark.slow
def test_a_revert_goes_through_the_pipeline_with_a_ledger(world: World, tmp_path: Path) -> None:
    text = (ROOT / "examples" / "gitlab-ci" / ".gitlab-ci.yml").read_text(encoding="utf-8")
    described = yaml.safe_load(gitlab_with_ledger(text, "refs/reconciler"))
    world.github.tokens |= {"job": Token(BOT, {"contents": "read"}), "project": Token(BOT, {"contents": "write"})}
    host = f"{world.github.url.removeprefix('http://')}/{REPOSITORY}"
    clones = 0

    def run(*jobs: str) -> list[int]:
        # GitLab's runner leaves the job token, which cannot push, in the URL of the remote. These jobs are one
        # pipeline, and share its clone.
        nonlocal clones
        clones += 1
        folder = tmp_path / f"job-{clones}"
        assert described["variables"]["GIT_DEPTH"] == "0"
        git(tmp_path, "clone", "-q", f"http://gitlab-ci-token:job@{host}", str(folder))
        codes = []
        for job in jobs:
            named = described[job]["environment"]["name"]
            variables = {
                name: value for name, value in described["variables"].items() if not name.startswith("RECONCILER")
            }
            token = {"LEDGER_TOKEN": "project"} if named == "production" else {}
            environment = {
                "PATH": os.pathsep.join([*map(str, world.runner.path), "/usr/bin", "/bin"]), "LANG": "C.UTF-8",
                **variables, **VARIABLES[named], **SECRETS[named], **token, "CI_DEFAULT_BRANCH": "main",
                "CI_SERVER_PROTOCOL": "http", "CI_REPOSITORY_URL": f"http://gitlab-ci-token:job@{host}",
                "GITLAB_CI": "true", "CI_PROJECT_ID": "1", "CI_PIPELINE_ID": str(clones), "CI_JOB_NAME": job,
                "CI_JOB_ID": str(clones), "HOME": str(tmp_path), "GIT_CONFIG_GLOBAL": os.devnull,
            }  # fmt: skip
            script = "\n".join(["set -eo pipefail", *described[job]["script"]])
            codes.append(subprocess.run(["bash", "-c", script], cwd=folder, env=environment, check=False).returncode)
        assert "project" not in (folder / ".git" / "config").read_text()
        return codes

    ledger = "ledger: {git: refs/reconciler, remote: origin}\n"
    hook = 'webhooks: {pre_webhook_url: "https://hooks.example.com/veto", '
    path = "conversations/reconciler.yaml"
    sha = world.on_main({path: FILES + ledger})
    # The first apply runs on somebody's machine, which may push.
    first = {"PATH": os.pathsep.join([*map(str, world.runner.path), "/usr/bin", "/bin"]), **VARIABLES["production"]}
    words = ["reconciler", "apply", "conversations", "--env", "prod", "--start-ledger", "--yes"]
    subprocess.run(words, cwd=world.clone, env=first | SECRETS["production"], check=True)
    assert git(world.origin, "rev-parse", "refs/reconciler/prod^2") == sha
    sha = world.on_main({path: FILES.replace("webhooks: {", hook) + ledger})
    assert run("plan", "apply") == [0, 0]
    assert world.pre_webhook() == "https://hooks.example.com/veto"
    assert git(world.origin, "rev-parse", "refs/reconciler/prod^2") == sha
    world.on_main({path: FILES + ledger}, "Revert")
    assert run("plan", "apply", "drift") == [0, 0, 0]
    assert not world.pre_webhook()


@pytest.mark.slow
def test_the_pipeline_installs_what_a_commit_names(tmp_path: Path) -> None:
    described = yaml.safe_load((ROOT / "examples" / "gitlab-ci" / ".gitlab-ci.yml").read_text(encoding="utf-8"))
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    inherited = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_CERT"))}

    def run(lines: list[str], **variables: str) -> str:
        script = "\n".join(["set -eo pipefail", *lines]).replace("/tmp/", f"{tmp_path}/")
        done = subprocess.run(
            ["bash", "-c", script], cwd=workspace, capture_output=True, text=True, check=False,
            env={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "LANG": "C.UTF-8", **variables},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    commit = git(ROOT, "rev-parse", "HEAD")
    run(
        described["install"]["script"], RECONCILER_REPOSITORY=ROOT.as_uri(), RECONCILER_COMMIT=commit,
        HOME=str(tmp_path), **inherited,
    )  # fmt: skip
    # A wheel that was exchanged on the way is refused by its hash, before anything of it is run.
    (wheel,) = (workspace / ".packages").glob("click-*.whl")
    data = wheel.read_bytes()
    wheel.write_bytes(data + b"x")
    with pytest.raises(AssertionError, match=r"(?i)hash"):
        run(described["default"]["before_script"])
    wheel.write_bytes(data)
    said = run([*described["default"]["before_script"], "reconciler --version"])
    assert said.startswith("reconciler ")
