"""A repository on a stand-in for GitHub, an account on a served emulator, and our workflows between the two."""

from __future__ import annotations

import os
import random
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator import Emulator, Store
from tests.action.runner import ROOT, Run, Runner, git
from tests.action.stand_in import REPOSITORY, GitHub
from tests.action.stand_in import served as stand_in_served
from tests.emulator.served import served as emulator_served

WORKFLOWS = ROOT / "examples" / "github-actions"
ACCOUNT = "AC" + "0" * 32
VARIABLES = {
    "conversations-plan": {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_API_KEY": "SK" + "0" * 32},
    "production": {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_API_KEY": "SK" + "1" * 32},
}
PLAN_KEY = "the-same-" * 4
SECRETS = {
    "conversations-plan": {"TWILIO_API_SECRET": "looking-is-secret", "RECONCILER_PLAN_KEY": PLAN_KEY},
    "production": {"TWILIO_API_SECRET": "writing-is-secret", "RECONCILER_PLAN_KEY": PLAN_KEY},
}
FILES = f"""\
version: 1
services:
  support:
    friendly_name: Customer Support
    roles:
      agent: {{type: conversation, permissions: [sendMessage]}}
    webhooks: {{post_webhook_url: "https://hooks.example.com/t0ken", sensitive: [post_webhook_url]}}
environments:
  prod: {{account_sid: {ACCOUNT}}}
"""

WRAPPER = """\
#!{python}
import os, sys
with open({calls!r}, "a") as file:
    file.write(" ".join(sys.argv[1:]) + "\\n")
verb = sys.argv[1]
told = ["--api-url", {url!r}] if verb in ("plan", "apply", "drift") else []
environment = dict(os.environ)
if told and environment.get("TWILIO_API_SECRET") in {secrets!r}:
    environment["TWILIO_API_SECRET"] = "emulator"
os.execve({python!r}, [{python!r}, "-P", "-m", "reconciler", verb, *told, *sys.argv[2:]], environment)
"""
"""The reconciler on the PATH: the real one, which takes the served emulator for Twilio."""


@dataclass
class Pull:
    """A pull request that is open."""

    number: int
    branch: str
    fork: bool
    author: str = "ada"


class World:
    """Everything, and what people do in it."""

    def __init__(self, folder: Path, github: GitHub, account: Emulator, url: str, *, in_process: bool) -> None:
        self.github = github
        self.account = account
        self.origin = folder / "origin.git"
        self.clone = folder / "clone"
        self.calls = folder / "calls"
        self.calls.touch()
        git(folder, "init", "-q", "--bare", "-b", "main", str(self.origin))
        git(self.origin, "config", "uploadpack.allowAnySHA1InWant", "true")
        git(folder, "clone", "-q", str(self.origin), str(self.clone))
        git(self.clone, "checkout", "-q", "-b", "main")
        programs = folder / "programs"
        programs.mkdir()
        python = Path(sys.executable)
        (programs / "python").symlink_to(python)
        wrapper = programs / "reconciler"
        known = [one["TWILIO_API_SECRET"] for one in SECRETS.values()]
        wrapper.write_text(WRAPPER.format(python=str(python), calls=str(self.calls), url=url, secrets=known))
        wrapper.chmod(0o755)
        git_program = shutil.which("git")
        assert git_program
        self.runner = Runner(
            github=github, origin=self.origin, scratch=folder, path=[programs, Path(git_program).parent],
            secrets=SECRETS, variables=VARIABLES, in_process=in_process,
        )  # fmt: skip
        self.write({"conversations/reconciler.yaml": FILES, ".github/workflows/plan.yml": "on: pull_request\n"})
        self.commit("main", "Begin")

    # --- what people do -----------------------------------------------------------------------------------------------

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.clone / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def commit(self, branch: str, message: str) -> str:
        git(self.clone, "add", "-A")
        git(self.clone, "commit", "-q", "-m", message)
        git(self.clone, "push", "-q", "origin", f"HEAD:refs/heads/{branch}")
        return git(self.clone, "rev-parse", "HEAD")

    def on_main(self, files: dict[str, str], message: str = "Meanwhile") -> str:
        git(self.clone, "checkout", "-q", "main")
        self.write(files)
        return self.commit("main", message)

    def open(self, branch: str, files: dict[str, str], *, fork: bool = False) -> Pull:
        """Opens a pull request."""
        git(self.clone, "checkout", "-q", "main")
        git(self.clone, "checkout", "-q", "-b", branch)
        pull = Pull(self.github.new_id(), branch, fork)
        self.push(pull, files)
        return pull

    def push(self, pull: Pull, files: dict[str, str]) -> None:
        """Pushes to a pull request: GitHub tries the merge."""
        git(self.clone, "checkout", "-q", pull.branch)
        self.write(files)
        head = self.commit(pull.branch, "Change")
        names = git(self.clone, "diff", "--name-only", "main...HEAD").splitlines()
        git(self.clone, "checkout", "-q", "--detach", "main")
        git(self.clone, "merge", "-q", "--no-ff", "-m", f"Merge {head}", pull.branch)
        git(self.clone, "push", "-q", "-f", "origin", f"HEAD:refs/pull/{pull.number}/merge")
        self.github.files[pull.number] = [{"filename": name} for name in names]
        self.github.pulls[pull.number] = {
            "number": pull.number, "merged_at": None, "merge_commit_sha": git(self.clone, "rev-parse", "HEAD"),
            "head": {
                "sha": head, "ref": pull.branch, "repo": {"full_name": "mallory/desk" if pull.fork else REPOSITORY},
            },
            "base": {"ref": "main"}, "user": {"login": pull.author},
        }  # fmt: skip

    def merge(self, pull: Pull) -> str:
        """Merges it, squashed."""
        git(self.clone, "checkout", "-q", "main")
        git(self.clone, "merge", "-q", "--squash", pull.branch)
        sha = self.commit("main", f"Change (#{pull.number})")
        self.github.pulls[pull.number] |= {"merged_at": "2026-01-02T00:00:00Z", "merge_commit_sha": sha}
        return sha

    # --- what GitHub runs ---------------------------------------------------------------------------------------------

    def planned(self, pull: Pull) -> Run:
        described = self.github.pulls[pull.number]
        return self.runner.run(
            WORKFLOWS / "plan.yml", "pull_request", {"number": pull.number, "pull_request": described},
            sha=described["merge_commit_sha"], ref=f"refs/pull/{pull.number}/merge",
        )  # fmt: skip

    def pushed(self, sha: str) -> Run:
        return self.runner.run(WORKFLOWS / "apply.yml", "push", {"after": sha}, sha=sha, ref="refs/heads/main")

    def by_hand(self, workflow: str, **inputs: str) -> Run:
        sha = git(self.clone, "rev-parse", "main")
        return self.runner.run(WORKFLOWS / workflow, "workflow_dispatch", {}, sha=sha, ref="refs/heads/main", **inputs)

    # --- what can be seen ---------------------------------------------------------------------------------------------

    @property
    def writes(self) -> list[tuple[str, str]]:
        return [(record.method, record.path) for record in self.account.requests if record.method != "GET"]

    def roles(self) -> dict[str, list[str]]:
        """The permissions of the roles of the service, by name; of those that the files name."""
        return {
            role["friendly_name"]: sorted(role["permissions"])
            for service in self._list("/v1/Services", "services")
            if service["friendly_name"] == "Customer Support"
            for role in self._list(f"/v1/Services/{service['sid']}/Roles", "roles")
            if role["friendly_name"] in {"agent", "lead"}
        }

    def set_role(self, name: str, permissions: list[str]) -> None:
        """Somebody changes a role in the account, past the files."""
        for service in self._list("/v1/Services", "services"):
            for role in self._list(f"/v1/Services/{service['sid']}/Roles", "roles"):
                if (service["friendly_name"], role["friendly_name"]) == ("Customer Support", name):
                    path = f"/v1/Services/{service['sid']}/Roles/{role['sid']}"
                    assert self.account.call("POST", path, {"Permission": permissions}).status == 200

    def _list(self, path: str, key: str) -> list[dict[str, Any]]:
        body = self.account.call("GET", path).body
        assert body is not None
        found: list[dict[str, Any]] = body[key]
        return found


@contextmanager
def world_in(folder: Path, *, in_process: bool = False) -> Iterator[World]:
    """A world whose repository and workspaces are below a folder; see `Runner.in_process`."""
    account = Emulator(Store.open(":memory:"), require_auth=True, entropy=random.Random(1))
    with emulator_served(account) as host, stand_in_served(GitHub()) as github:
        yield World(folder, github, account, host.url, in_process=in_process)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_in(tmp_path) as found:
        yield found


@pytest.fixture
def quick_world(tmp_path: Path) -> Iterator[World]:
    with world_in(tmp_path, in_process=True) as found:
        yield found


@pytest.fixture(autouse=True)
def nobodys_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("TWILIO_", "GITHUB_")):
            monkeypatch.delenv(name)
