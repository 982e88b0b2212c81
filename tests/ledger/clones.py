"""Repositories with a ledger: a bare remote, clones of it, and the commands run in them.

One template is made with real git and copied for each test, since a copy is ten times as fast.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.documents.ledger import LedgerEntry, LedgerKey, parse_entry
from reconciler.ledger.repository import Repository
from tests.commands import Result, Run

ACCOUNT = "AC" + "0" * 32
HOOK = "https://hooks.example.com/pre"
FILES = f"""\
version: 1
ledger: {{git: refs/reconciler, remote: origin}}
account:
  sid: {ACCOUNT}
  webhooks: {{target: webhook, method: POST}}
addresses: {{"+14155550100": {{type: sms, friendly_name: Main}}}}
services: {{support: {{roles: {{agent: {{type: conversation, permissions: [sendMessage]}}}}}}}}
environments: {{prod: {{account_sid: {ACCOUNT}}}, staging: {{account_sid: {ACCOUNT}}}}}
"""
REF = "refs/reconciler/prod"
WITHOUT_MAINTENANCE = """\
[gc]
\tauto = 0
[maintenance]
\tauto = false
[receive]
\tautogc = false
"""
"""Settings that spare every commit, fetch, and push some processes."""
REPOSITORIES = ("here", "remote.git")
OWN = ["here/reconciler.yaml", "here/.git/config", "here/.git/HEAD", "here/.git/refs/heads/main", "remote.git/config"]
"""The files that tests change before they begin a ledger."""
FETCH = "git fetch origin '+refs/reconciler/*:refs/reconciler/*'"


def git(*arguments: str, at: str | Path = ".") -> str:
    done = subprocess.run(["git", *arguments], cwd=at, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def forget_git(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Let git have no configuration but a name, and this process no CI service."""
    for name in [name for name in os.environ if name.startswith(("GIT_", "GITHUB_", "GITLAB_", "CI"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.com")


def commit(files: Mapping[str, str], at: str | Path = ".", message: str = "change") -> str:
    for path, text in files.items():
        (Path(at) / path).parent.mkdir(parents=True, exist_ok=True)
        (Path(at) / path).write_text(text, encoding="utf-8")
    git("add", "-A", at=at)
    git("commit", "-q", "--allow-empty", "-m", message, at=at)
    return git("rev-parse", "HEAD", at=at)


def build(folder: Path) -> None:
    """Make a bare remote, and a clone of it with a configuration that is pushed."""
    git("init", "-q", "--template=", "--bare", "-b", "main", str(folder / "remote.git"))
    git("init", "-q", "--template=", "-b", "main", str(folder / "here"))
    here = folder / "here"
    for repository in (here / ".git", folder / "remote.git"):
        with (repository / "config").open("a", encoding="utf-8") as config:
            config.write(WITHOUT_MAINTENANCE)
    git("config", "user.name", "Ada", at=here)
    git("remote", "add", "origin", "../remote.git", at=here)
    commit({"reconciler.yaml": FILES, ".gitignore": "*.db\n"}, here)
    git("push", "-q", "origin", "main", at=here)


@dataclass
class Clones:
    """A remote and its clones, below one folder.

    Attributes:
        folder: The folder.
        run: Runs the command line.
        chdir: Changes the current folder.
        template: What the folder was copied from.
    """

    folder: Path
    run: Run
    chdir: Callable[[Path], None]
    template: Path

    @property
    def here(self) -> Path:
        return self.folder / "here"

    @property
    def account(self) -> str:
        return str(self.folder / "account.db")

    def at(self, clone: str, *arguments: str, env: str = "prod") -> Result:
        """Run a command in a clone, on the shared account."""
        self.chdir(self.folder / clone)
        return self.run(*arguments, "--env", env, "--emulator", self.account)

    def apply(self, *arguments: str, clone: str = "here", env: str = "prod") -> Result:
        return self.at(clone, "apply", "--yes", *arguments, env=env)

    def plan(self, *arguments: str, clone: str = "here", env: str = "prod") -> Result:
        return self.at(clone, "plan", *arguments, env=env)

    def clone(self, name: str, *options: str) -> Path:
        """Clone the remote, without its ledger."""
        git("clone", "-q", *options, f"file://{self.folder / 'remote.git'}", str(self.folder / name))
        return self.folder / name

    def start(self) -> None:
        """Begin the ledger."""
        self.after("begun", self._begin)

    def _begin(self) -> None:
        assert self.apply("--start-ledger").code == 0

    def after(self, name: str, make: Callable[[], None]) -> None:
        """Make something in the folder, or copy what the first test made under that name.

        It is not copied if the test has changed something before.
        """
        kept, is_new = self.template / name, self._is_new()
        if is_new and kept.exists():
            for repository in REPOSITORIES:
                shutil.rmtree(self.folder / repository)
            shutil.copytree(kept, self.folder, dirs_exist_ok=True)
            self.chdir(self.here)
            return
        make()
        if is_new:
            shutil.copytree(self.folder, kept)

    def _is_new(self) -> bool:
        """Whether all is as in the template, and nothing in the environment says how to apply."""
        told = any(name.startswith(("RECONCILER_", "TWILIO_")) for name in os.environ)
        files = {path.name for path in self.folder.iterdir()}
        return (
            not told
            and files == {*REPOSITORIES}
            and filecmp.cmpfiles(self.template, self.folder, OWN, shallow=False)[0] == OWN
        )

    def tip(self, at: str = "here", ref: str = REF) -> str:
        return git("rev-parse", "--verify", ref, at=self.folder / at)

    def entry(self, commit: str = REF, at: str = "here") -> LedgerEntry:
        return parse_entry(git("show", f"{commit}:entry.json", at=self.folder / at).encode())

    def forge(self, *parents: str, key: LedgerKey | None = None, **changes: Any) -> str:
        """Put an entry on the ref of both repositories: the newest one with some changes.

        Args:
            parents: Its parents; those of the newest entry if none are given.
            key: Signs it; the signature stays as it was if it is None.
            changes: The values of its keys.
        """
        entry = replace(self.entry(), **changes)
        if key is not None:
            entry = key.sign(entry)
        return self.write(entry.to_json(), *parents, subject=f"{entry.operation} {entry.number} {entry.status}")

    def write(self, text: str, *parents: str, subject: str) -> str:
        repository = Repository(self.here / "reconciler.yaml", os.environ)
        above = parents or tuple(git("show", "-s", "--format=%P", REF, at=self.here).split())
        made = repository.write_entry(text, above, subject, "Eve", "2026-11-20T14:02:00Z")
        repository.close()
        git("update-ref", REF, made, at=self.here)
        git("push", "-q", "-f", "origin", f"{REF}:{REF}", at=self.here)
        return made


def copied(template: Path, folder: Path) -> None:
    for name in REPOSITORIES:
        shutil.copytree(template / name, folder / name)
