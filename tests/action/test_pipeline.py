"""The scripts of the pipeline for GitLab, run in order against a served emulator."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.action.conftest import FILES, SECRETS, VARIABLES, World
from tests.action.runner import ROOT, git

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
