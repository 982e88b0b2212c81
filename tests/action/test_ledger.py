"""The ledger in jobs: the action's access to it, and the workflows that `init` writes for it, run step by step."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
import yaml
from reconcile_steps import ledger
from reconcile_steps.job import Failed, Job

from reconciler.cli.workflow_files import github_with_ledger, workflow_examples
from reconciler.documents.ledger import LedgerEntry, parse_entry
from tests.action.conftest import FILES, World
from tests.action.runner import git
from tests.action.stand_in import BOT, REPOSITORY, Token
from tests.action.test_workflow_files import EXAMPLES, FOLDER

PATH = "conversations/reconciler.yaml"
REF = "refs/reconciler/prod"
LEDGER = "ledger: {git: refs/reconciler, remote: origin}\n"
HOOK = "https://hooks.example.com/veto"
CHECKED = FILES.replace("webhooks: {", f'webhooks: {{pre_webhook_url: "{HOOK}", ') + LEDGER


def newest(world: World) -> LedgerEntry:
    """The newest entry on the remote."""
    return parse_entry(git(world.origin, "show", f"{REF}:entry.json").encode())


def job_of(world: World, folder: Path, contents: str, prefix: str = "refs/reconciler") -> Job:
    """A job with a clone as actions/checkout leaves it, and a permission."""
    git(folder, "init", "-q")
    git(folder, "remote", "add", "origin", f"{world.github.url}/{REPOSITORY}")
    world.github.tokens["ghs_token"] = Token(BOT, {"contents": contents})
    return Job(
        {
            "PATH": os.environ["PATH"], "GITHUB_WORKSPACE": str(folder), "GITHUB_SERVER_URL": world.github.url,
            "INPUT_LEDGER": prefix, "INPUT_TOKEN": "ghs_token", "GIT_CONFIG_GLOBAL": os.devnull,
        }
    )  # fmt: skip


def pushes(folder: Path, access: dict[str, str]) -> int:
    """Push an entry from a job's clone, as `reconciler` does; give git's exit status."""
    environment = {"PATH": os.environ["PATH"], "GIT_TERMINAL_PROMPT": "0", **access}
    words = ["git", "push", "-q", "origin", f"{REF}:refs/reconciler/other"]
    return subprocess.run(words, cwd=folder, env=environment, check=False, capture_output=True).returncode


@pytest.mark.parametrize(("contents", "status"), [("read", 1), ("write", 0)])
def test_a_job_fetches_the_ledger_and_pushes_it_only_with_the_permission(
    world: World, tmp_path: Path, contents: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    git(world.origin, "update-ref", REF, "main")
    git(world.origin, "update-ref", "refs/other/prod", "main")
    folder = tmp_path / "workspace"
    folder.mkdir()
    access = ledger.environment(job_of(world, folder, contents))
    assert git(folder, "for-each-ref", "--format=%(refname)") == REF
    assert bool(pushes(folder, access)) == bool(status)
    # The token is neither in the clone nor, in any form, readable in the log.
    assert pushes(folder, {}) != 0
    assert "token" not in (folder / ".git" / "config").read_text()
    secret = access["GIT_CONFIG_VALUE_0"].rpartition(" ")[2]
    assert capsys.readouterr().out == f"::add-mask::{secret}\n"


def test_a_remote_without_a_ledger_gives_none(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "workspace"
    folder.mkdir()
    ledger.environment(job_of(world, folder, "read"))
    assert git(folder, "for-each-ref") == ""


def test_an_action_without_a_ledger_needs_no_token(tmp_path: Path) -> None:
    assert ledger.environment(Job({"GITHUB_WORKSPACE": str(tmp_path)})) == {}


@pytest.mark.parametrize(
    "prefix", ["reconciler", "refs", "refs/", "--all", "refs/a b", "refs/heads/*", "refs//a", "refs/../a"]
)
def test_an_input_that_is_no_prefix_is_refused(world: World, tmp_path: Path, prefix: str) -> None:
    folder = tmp_path / "workspace"
    folder.mkdir()
    with pytest.raises(Failed, match="invalid input ledger"):
        ledger.environment(job_of(world, folder, "read", prefix))


def test_a_ledger_that_cannot_be_fetched_fails_the_step(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "workspace"
    folder.mkdir()
    with pytest.raises(Failed, match="git cannot fetch the ledger: "):
        ledger.environment(job_of(world, folder, "none"))


def test_only_the_jobs_that_push_get_the_permission() -> None:
    found = {}
    for name_of_file, example in workflow_examples(FOLDER, "*.yml", with_ledger=True).items():
        text = github_with_ledger(example, "refs/sales")
        for name, job in yaml.safe_load(text)["jobs"].items():
            steps = [step.get("with", {}) for step in job["steps"] if "uses" in step]
            depths = {step["fetch-depth"] for step in steps if "persist-credentials" in step}
            ledgers = {
                step["command"]: step.get("ledger") for step in steps if step.get("command", "install") != "install"
            }
            found[name_of_file.removesuffix(".yml"), name] = job["permissions"]["contents"], depths, ledgers
    # The examples without a ledger set nothing of it; a comment may name it.
    lines = [line.partition("#")[0] for file in EXAMPLES for line in file.read_text(encoding="utf-8").splitlines()]
    assert not [line for line in lines if "ledger" in line]
    prefix = "refs/sales"
    assert found == {
        ("apply", "reviewed"): ("read", {0}, {"reviewed": prefix, "plan": prefix}),
        ("apply", "apply"): ("write", {0}, {"apply": prefix}),
        ("drift", "drift"): ("read", {0}, {"drift": prefix}),
        ("drift", "accept"): ("write", set(), {"accept": None}),
        ("plan", "plan"): ("read", {0}, {"diff": None, "plan": prefix, "unchanged": None}),
        ("plan", "offline"): ("read", {0}, {"validate": None, "diff": None}),
    }


@pytest.mark.slow
def test_a_revert_from_its_pull_request_into_the_account(real_world: World) -> None:
    world = real_world  # an apply is killed
    first = world.start_ledger()
    assert first.results == {"reviewed": "success", "apply": "success"}, first.log
    assert (newest(world).number, newest(world).status) == (1, "applied")

    # A pull request is planned with the baseline, and a squash merge of it is applied.
    pull = world.open("check", {PATH: CHECKED})
    planned = world.planned(pull)
    assert planned.results == {"plan": "success", "offline": "skipped"}, planned.log
    (body,) = world.github.bodies(pull.number)
    assert "Baseline: entry 1, " in body
    assert "# newly declared; conversations/reconciler.yaml:7" in body
    sha = world.merge(pull)
    applied = world.pushed(sha)
    assert applied.results == {"reviewed": "success", "apply": "success"}, applied.log
    assert (newest(world).number, newest(world).source.commit) == (2, sha)
    assert world.pre_webhook() == HOOK
    # Only the job that applies may push.
    permissions = {name: job.permissions["contents"] for name, job in (planned.jobs | applied.jobs).items() if job.log}
    assert permissions == {"plan": "read", "reviewed": "read", "apply": "write"}

    # The apply of the revert is killed while it holds the lock.
    back = world.open_revert("back", sha)
    reverted = world.planned(back)
    assert reverted.results == {"plan": "success", "offline": "skipped"}, reverted.log
    (body,) = world.github.bodies(back.number)
    assert f"-   pre_webhook_url: {HOOK}  # removed in commit " in body
    assert "; as before it was managed\n" in body
    merged = world.merge(back)
    world.account.on_lost_write = lambda: os.kill(int(world.pid.read_text()), signal.SIGKILL)
    killed = world.pushed(merged)
    world.account.on_lost_write = None
    assert killed.results == {"reviewed": "success", "apply": "failure"}, killed.log
    assert (newest(world).number, newest(world).status) == (3, "started")

    # Another run is refused and names the first one; a second attempt of the first one continues.
    other = world.by_hand("apply.yml")
    assert other.results == {"reviewed": "success", "apply": "failure"}, other.log
    assert other.jobs["apply"].code == 1
    assert "another apply of prod is in progress" in other.jobs["apply"].log
    assert f"/acme/desk/actions/runs/{killed.number}" in other.jobs["apply"].log
    assert newest(world).number == 3
    again = world.pushed(merged, again=killed)
    assert again.results == {"reviewed": "success", "apply": "success"}, again.log
    assert (newest(world).number, newest(world).status) == (4, "applied")
    assert not world.pre_webhook()

    drift = world.by_hand("drift.yml")
    assert drift.results == {"drift": "success", "accept": "success"}, drift.log
    assert world.github.issues == {}
