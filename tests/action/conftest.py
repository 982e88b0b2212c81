"""A repository on a stand-in for GitHub, an account on a served emulator, and our workflows between the two."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator import Emulator, Store
from reconciler.emulator.app import Receive, Scope, Send
from tests.action.in_process import Programs
from tests.action.runner import ROOT, Run, Runner, git
from tests.action.stand_in import REPOSITORY, GitHub
from tests.action.stand_in import served as stand_in_served
from tests.emulator.served import served as emulator_served
from tests.ledger.clones import WITHOUT_MAINTENANCE

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
#!{python} -IS
import os, sys
with open({calls!r}, "a") as file:
    file.write(" ".join(sys.argv[1:]) + "\\n")
with open({pid!r}, "w") as file:
    file.write(str(os.getpid()))
verb = sys.argv[1]
told = ["--api-url", {url!r}] if verb in ("plan", "apply", "drift", "accept") else []
environment = dict(os.environ)
if told and environment.get("TWILIO_API_SECRET") in {secrets!r}:
    environment["TWILIO_API_SECRET"] = "emulator"
os.execve({python!r}, [{python!r}, "-P", "-c", {boot!r}, verb, *told, *sys.argv[2:]], environment)
"""
"""The reconciler on the PATH: the real one, which takes the served emulator for Twilio."""
BOOT = """\
import os, platform, runpy
name = os.environ.get("RUNNER_NAME") or platform.node()
platform.node = lambda: name
runpy.run_module("reconciler", run_name="__main__", alter_sys=True)
"""
"""Every job of GitHub has a machine of its own."""


class Watched(Emulator):
    """An emulator that can lose writes, and tells of each one."""

    on_lost_write: Callable[[], None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.on_lost_write is not None and scope.get("method") in {"POST", "DELETE"}:
            self.on_lost_write()
            await send({"type": "http.response.start", "status": 500, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await super().__call__(scope, receive, send)


@dataclass
class Pull:
    """A pull request that is open."""

    number: int
    branch: str
    fork: bool
    author: str = "ada"


class World:
    """Everything, and what people do in it."""

    def __init__(self, folder: Path, github: GitHub, account: Watched, url: str, *, in_process: bool) -> None:
        self.github = github
        self.account = account
        self.workflows = WORKFLOWS
        self.origin = github.origin = folder / "origin.git"
        self.clone = folder / "clone"
        self.calls = folder / "calls"
        self.calls.touch()
        git(folder, "init", "-q", "--bare", "-b", "main", str(self.origin))
        with (self.origin / "config").open("a", encoding="utf-8") as config:
            config.write(f"{WITHOUT_MAINTENANCE}[uploadpack]\n\tallowAnySHA1InWant = true\n")
        git(folder, "clone", "-q", str(self.origin), str(self.clone))
        git(self.clone, "checkout", "-q", "-b", "main")
        programs = folder / "programs"
        programs.mkdir()
        python = Path(sys.executable)
        (programs / "python").symlink_to(python)
        wrapper = programs / "reconciler"
        known = [one["TWILIO_API_SECRET"] for one in SECRETS.values()]
        self.pid = folder / "pid"
        wrapper.write_text(
            WRAPPER.format(
                python=str(python), calls=str(self.calls), pid=str(self.pid), url=url, secrets=known, boot=BOOT
            )
        )
        wrapper.chmod(0o755)
        git_program = shutil.which("git")
        assert git_program
        self.runner = Runner(
            github=github, origin=self.origin, scratch=folder, path=[programs, Path(git_program).parent],
            secrets=SECRETS, variables=VARIABLES, in_process=in_process, programs=Programs(self._told),
        )  # fmt: skip
        self._url = url
        self.write({"conversations/reconciler.yaml": FILES, ".github/workflows/plan.yml": "on: pull_request\n"})
        self.commit("main", "Begin")

    def _told(self, words: Sequence[str], environment: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
        """What the wrapper gives to the command."""
        with self.calls.open("a") as file:
            file.write(" ".join(words) + "\n")
        verb, *rest = words
        told = ["--api-url", self._url] if verb in {"plan", "apply", "drift", "accept"} else []
        known = [one["TWILIO_API_SECRET"] for one in SECRETS.values()]
        is_known = bool(told) and environment.get("TWILIO_API_SECRET") in known
        return [verb, *told, *rest], {**environment, **({"TWILIO_API_SECRET": "emulator"} if is_known else {})}

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

    def open_revert(self, branch: str, sha: str) -> Pull:
        """Opens a pull request that reverts a commit."""
        git(self.clone, "checkout", "-q", "-b", branch, "main")
        git(self.clone, "revert", "--no-commit", sha)
        pull = Pull(self.github.new_id(), branch, fork=False)
        self.push(pull, {})
        return pull

    def start_ledger(self) -> Run:
        """Adds a ledger and the workflows that `init` writes for it to main, and runs the first apply by hand."""
        path = "conversations/reconciler.yaml"
        ledger = "ledger: {git: refs/reconciler, remote: origin}\n"
        git(self.clone, "checkout", "-q", "main")
        (self.clone / ".github" / "workflows" / "plan.yml").unlink()
        self.write({path: (self.clone / path).read_text() + ledger})
        words = [sys.executable, "-P", "-m", "reconciler", "init", "conversations", "--ci", "github"]
        subprocess.run(words, cwd=self.clone, check=True, capture_output=True)
        self.commit("main", "Add a ledger")
        # Later commits do not change them.
        self.workflows = self.clone / ".github" / "workflows"
        self.runner.server = self.github.url
        return self.by_hand("apply.yml", options="--start-ledger")

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
            "number": pull.number, "state": "open", "merged_at": None,
            "merge_commit_sha": git(self.clone, "rev-parse", "HEAD"), "head": {
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
            self.workflows / "plan.yml", "pull_request", {"number": pull.number, "pull_request": described},
            sha=described["merge_commit_sha"], ref=f"refs/pull/{pull.number}/merge",
        )  # fmt: skip

    def pushed(self, sha: str, *, again: Run | None = None) -> Run:
        workflow = self.workflows / "apply.yml"
        return self.runner.run(workflow, "push", {"after": sha}, sha=sha, ref="refs/heads/main", again=again)

    def by_hand(self, workflow: str, **inputs: str) -> Run:
        sha = git(self.clone, "rev-parse", "main")
        file = self.workflows / workflow
        return self.runner.run(file, "workflow_dispatch", {}, sha=sha, ref="refs/heads/main", inputs=inputs)

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

    def pre_webhook(self) -> str | None:
        """The pre-webhook of the service."""
        (sid,) = (
            service["sid"] for service in self._list("/v1/Services", "services")
            if service["friendly_name"] == "Customer Support"
        )  # fmt: skip
        body = self.account.call("GET", f"/v1/Services/{sid}/Configuration/Webhooks").body
        assert body is not None
        found: str | None = body["pre_webhook_url"]
        return found

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
    account = Watched(Store.open(":memory:"), require_auth=True, entropy=random.Random(1))
    with emulator_served(account) as host, stand_in_served(GitHub()) as github:
        yield World(folder, github, account, host.url, in_process=in_process)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world in which the steps of our action, and the commands that they call, run in this process."""
    with world_in(tmp_path, in_process=True) as found:
        yield found


@pytest.fixture
def real_world(tmp_path: Path) -> Iterator[World]:
    """A world in which each step is a process of its own, as in jobs."""
    with world_in(tmp_path) as found:
        yield found


@pytest.fixture(autouse=True)
def nobodys_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("TWILIO_", "GITHUB_")):
            monkeypatch.delenv(name)
