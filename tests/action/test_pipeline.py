"""The scripts of the pipeline for GitLab, run in order against a served emulator."""

from __future__ import annotations

import os
import subprocess

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
        variables = {name: value for name, value in described["variables"].items() if name != "RECONCILER"}
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
