"""Runs our workflows as they are written: jobs in order of need, steps in order, their shell with bash.

Actions of others are played: checkout is git over HTTP with the job's token, which it does not leave in the clone, to
the depth that is asked for; setup-python is nothing; artifacts are kept by the stand-in for GitHub.
Whatever a workflow says that is not known here is an error.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import io
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import main as action_program
import yaml
from reconcile_steps import program

from tests.action.expressions import Strict, Unknown, filled, holds
from tests.action.in_process import Programs
from tests.action.stand_in import BOT, REPOSITORY, GitHub, Token

ROOT = Path(__file__).resolve().parents[2]
ACTION = ROOT / ".github" / "actions" / "reconcile"
OURS = "example-org/reconciler/.github/actions/reconcile@0000000000000000000000000000000000000000"
JOB_KEYS = {
    "name", "if", "runs-on", "timeout-minutes", "environment", "permissions", "steps", "outputs", "needs",
    "concurrency",
}  # fmt: skip
STEP_KEYS = {"name", "id", "if", "uses", "with", "env", "run", "shell", "continue-on-error"}
ACTION_STEP = re.compile(r'python "\$GITHUB_ACTION_PATH/main\.py" (?P<step>\w+)')


@dataclass
class Ended:
    """How a job ended."""

    result: str
    outputs: dict[str, str] = field(default_factory=dict)
    log: str = ""
    summary: str = ""
    environments: list[dict[str, str]] = field(default_factory=list)
    """What each of its processes saw."""
    permissions: dict[str, str] = field(default_factory=dict)
    code: int = 0


@dataclass
class Run:
    """How a run of a workflow ended."""

    number: int
    jobs: dict[str, Ended]
    attempt: int = 1

    @property
    def log(self) -> str:
        return "".join(job.log for job in self.jobs.values())

    @property
    def summary(self) -> str:
        return "".join(job.summary for job in self.jobs.values())

    @property
    def results(self) -> dict[str, str]:
        return {name: job.result for name, job in self.jobs.items()}


@dataclass
class Runner:
    """Where workflows run.

    Attributes:
        github: the stand-in.
        origin: the bare repository.
        scratch: where workspaces go.
        path: folders of programs, before those of the system.
        secrets: by environment, what GitHub gives to a job that names it.
        variables: by environment, what is no secret.
        package: the input `package` of the action where a workflow leaves it out.
        before: by job, what happens before it begins, for instance while its reviewers take their time.
        server: the URL of the server, as jobs hear of it; links lead there.
        in_process: whether steps of our action run in this process, which saves a shell and a Python for each of them.
    """

    github: GitHub
    origin: Path
    scratch: Path
    path: list[Path]
    programs: Programs
    secrets: Mapping[str, Mapping[str, str]]
    variables: Mapping[str, Mapping[str, str]]
    package: str = "installed"
    before: dict[str, Callable[[], None]] = field(default_factory=dict)
    server: str = "https://github.example"
    in_process: bool = False

    def run(
        self,
        workflow: Path,
        event_name: str,
        event: dict[str, Any],
        *,
        sha: str,
        ref: str,
        inputs: Mapping[str, str] | None = None,
        again: Run | None = None,
    ) -> Run:
        """One run of a workflow, or the failed jobs of an earlier one again."""
        described = _described(workflow)
        assert event_name in described["on"], described["on"]
        assert described["permissions"] == {}
        number = again.number if again else self.github.new_id()
        attempt = again.attempt + 1 if again else 1
        pull = event.get("pull_request", {})
        from_here = pull.get("head", {}).get("repo", {}).get("full_name", REPOSITORY) == REPOSITORY
        run = {
            "id": number, "event": event_name, "head_sha": pull["head"]["sha"] if pull else sha,
            "path": f".github/workflows/{workflow.name}", "run_started_at": self.github.now(), "run_attempt": attempt,
            "head_repository": {"full_name": pull["head"]["repo"]["full_name"] if pull else REPOSITORY},
            "head_branch": pull["head"]["ref"] if pull else ref.removeprefix("refs/heads/"),
            "pull_requests": self.github.open_with(pull["head"]["sha"]) if pull and from_here else [],
            "conclusion": None,
        }  # fmt: skip
        self.github.runs[number] = run
        github = Strict(
            event_name=event_name, event=event, sha=sha, ref=ref, repository=REPOSITORY, run_id=str(number),
            run_attempt=str(attempt), workflow=described["name"],
        )  # fmt: skip
        on = described["on"]
        declared = (on.get("workflow_dispatch") or {}).get("inputs", {}) if isinstance(on, dict) else {}
        assert (inputs or {}).keys() <= declared.keys()
        given = dict.fromkeys(declared, "") | dict(inputs or {})
        ended = {name: job for name, job in again.jobs.items() if job.result == "success"} if again else {}
        for name, job in described["jobs"].items():
            if name in ended:
                continue
            self.before.get(name, lambda: None)()
            named = Strict(github | {"job": name})
            ended[name] = self._job(job, named, ended, Strict(given), from_here=from_here)
        failed = any(job.result == "failure" for job in ended.values())
        run["conclusion"] = "failure" if failed else "success"
        return Run(number, ended, attempt)

    def _job(
        self, job: dict[str, Any], github: Strict, ended: Mapping[str, Ended], inputs: Strict, *, from_here: bool
    ) -> Ended:
        _only(job, JOB_KEYS)
        assert int(job["timeout-minutes"]) <= 60
        needs = [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
        contexts: dict[str, Any] = {
            "github": github,
            "inputs": inputs,
            "needs": Strict({name: {"outputs": ended[name].outputs, "result": ended[name].result} for name in needs}),
        }
        if any(ended[name].result != "success" for name in needs) or not holds(job.get("if", True), contexts):
            return Ended("skipped")
        environment = job.get("environment", "")
        named = environment["name"] if isinstance(environment, dict) else environment
        token = f"ghs_{secrets.token_hex(12)}"
        permissions = job["permissions"]
        if not from_here:
            permissions = dict.fromkeys(permissions, "read")
        self.github.tokens[token] = Token(BOT, permissions)
        contexts["github"] = Strict(github | {"token": token})
        contexts["secrets"] = Strict(self.secrets.get(named, {}) if from_here else {})
        contexts["vars"] = Strict(self.variables.get(named, {}) if from_here else {})
        return _Job(self, contexts, permissions).run(job)


class _Job:
    def __init__(self, runner: Runner, contexts: dict[str, Any], permissions: dict[str, str]) -> None:
        self.runner = runner
        self.contexts = contexts
        self.folder = runner.scratch / f"job-{runner.github.new_id()}"
        self.workspace = self.folder / "workspace"
        self.temp = self.folder / "temp"
        for folder in (self.workspace, self.temp):
            folder.mkdir(parents=True)
        self.summary = self.folder / "summary.md"
        self.summary.touch()
        self.event = self.folder / "event.json"
        self.event.write_text(json.dumps(contexts["github"]["event"]))
        contexts["runner"] = Strict({"temp": str(self.temp)})
        self.path = self.folder / "path"
        self.path.touch()
        self.ended = Ended("success", permissions=permissions)

    def run(self, job: dict[str, Any]) -> Ended:
        steps: dict[str, Any] = {}
        contexts = {**self.contexts, "steps": steps}
        self._steps(job["steps"], contexts, {}, None)
        self.ended.summary = self.summary.read_text(encoding="utf-8")
        self.ended.outputs = {name: filled(text, contexts) for name, text in job.get("outputs", {}).items()}
        return self.ended

    def _steps(
        self, steps: list[dict[str, Any]], contexts: dict[str, Any], env: dict[str, str], action: Path | None
    ) -> None:
        for step in steps:
            _only(step, STEP_KEYS)
            if self.ended.result == "failure":
                return
            if not holds(step.get("if", True), contexts):
                continue
            own = env | {name: filled(text, contexts) for name, text in step.get("env", {}).items()}
            given = {name: filled(text, contexts) for name, text in step.get("with", {}).items()}
            outputs: dict[str, str] = {}
            if "run" in step:
                assert step["shell"] == "bash"
                assert "${{" not in step["run"], "an expression in a shell's text"
                outputs = self._bash(step["run"], own, action)
            elif step["uses"] == OURS:
                outputs = self._ours(given, own, contexts)
            else:
                self._others(step["uses"], given, own)
            if step.get("continue-on-error") == "true" and self.ended.result == "failure":
                self.ended.result, self.ended.code = "success", 0
            if "id" in step:
                contexts["steps"][step["id"]] = {"outputs": outputs}

    def _ours(self, given: dict[str, str], env: dict[str, str], contexts: dict[str, Any]) -> dict[str, str]:
        """A composite action: its inputs, its steps in order, its outputs."""
        described = _described(ACTION / "action.yml")
        assert described["runs"]["using"] == "composite"
        declared = described["inputs"]
        assert given.keys() <= declared.keys(), given.keys() - declared.keys()
        assert all(name in given for name, what in declared.items() if what.get("required") == "true")
        inputs = Strict({name: filled(what.get("default", ""), contexts) for name, what in declared.items()} | given)
        inputs["package"] = inputs["package"] or self.runner.package
        steps: dict[str, Any] = {}
        inner = {"inputs": inputs, "steps": steps, "github": contexts["github"], "runner": contexts["runner"]}
        self._steps(described["runs"]["steps"], inner, env, ACTION)
        return {name: filled(what["value"], inner) for name, what in described["outputs"].items()}

    def _bash(self, text: str, env: dict[str, str], action: Path | None) -> dict[str, str]:
        script = self.folder / f"step-{self.runner.github.new_id()}.sh"
        script.write_text(text)
        output = script.with_suffix(".out")
        output.touch()
        github = self.contexts["github"]
        added = reversed(self.path.read_text(encoding="utf-8").splitlines())
        environment = {
            "PATH": os.pathsep.join([*added, *map(str, self.runner.path), "/usr/bin", "/bin"]),
            "HOME": str(self.folder), "LANG": "C.UTF-8", "CI": "true", "GITHUB_ACTIONS": "true",
            "GITHUB_SERVER_URL": self.runner.server, "GITHUB_API_URL": self.runner.github.url,
            "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_SHA": github["sha"], "GITHUB_REF": github["ref"],
            "GITHUB_RUN_ID": github["run_id"], "GITHUB_EVENT_NAME": github["event_name"],
            "GITHUB_EVENT_PATH": str(self.event), "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(self.summary), "RUNNER_TEMP": str(self.temp),
            "GITHUB_PATH": str(self.path), "GITHUB_JOB": github["job"], "GITHUB_RUN_ATTEMPT": github["run_attempt"],
            "GITHUB_ACTOR": "ada", "RUNNER_NAME": self.folder.name,
            **({"GITHUB_ACTION_PATH": str(action)} if action else {}), **env,
        }  # fmt: skip
        self.ended.environments.append(environment)
        step = ACTION_STEP.fullmatch(text) if self.runner.in_process else None
        if step:
            code, log = _run_here(step["step"], environment, self.workspace, self.runner.programs)
        else:
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
                env=environment, cwd=self.workspace, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, check=False,
            )  # fmt: skip
            code, log = done.returncode, done.stdout
        self.ended.log += log
        if code:
            self.ended.result = "failure"
            self.ended.code = code
        return _outputs(output.read_text(encoding="utf-8"))

    def _others(self, uses: str, given: dict[str, str], env: dict[str, str]) -> None:
        # Of those, upload-artifact alone is between steps that need the secrets of a job.
        assert not env or uses.startswith("actions/upload-artifact@"), uses
        name, _, commit = uses.partition("@")
        assert len(commit) == 40, uses
        run = int(self.contexts["github"]["run_id"])
        match name:
            case "actions/checkout":
                assert given.pop("persist-credentials") == "false"
                self._checkout(int(given.pop("fetch-depth", "1")), given.pop("ref", ""))
            case "actions/setup-python":
                assert given.pop("python-version") == "3.12"
            case "actions/upload-artifact":
                assert given.pop("overwrite") == "true"
                assert given.pop("if-no-files-found") == "error"
                folder = Path(given.pop("path"))
                files = {file.name: file.read_bytes() for file in folder.iterdir()}
                assert files
                self.runner.github.keep(run, given.pop("name"), files)
            case "actions/download-artifact":
                target = Path(given.pop("path"))
                target.mkdir(parents=True)
                for member, data in self.runner.github.kept(run, given.pop("name")).items():
                    (target / member).write_bytes(data)
            case _:
                raise Unknown(uses)
        assert not given, given

    def _checkout(self, depth: int, branch: str) -> None:
        """What actions/checkout fetches: all branches and tags, or the commit to a depth. Source: its ref-helper.ts."""
        github, url = self.contexts["github"], f"{self.runner.github.url}/{REPOSITORY}"
        ref = f"refs/heads/{branch}" if branch else github["ref"]
        local = ref.replace("refs/heads/", "refs/remotes/origin/").replace("refs/pull/", "refs/remotes/pull/")
        wanted = [f"+{ref if branch else github['sha']}:{local}"]
        if depth == 0:
            wanted = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*", *wanted]
        basic = base64.b64encode(f"x-access-token:{github['token']}".encode()).decode()
        access = ["-c", f"http.{self.runner.github.url}/.extraheader=AUTHORIZATION: basic {basic}"]
        git(self.workspace, "init", "-q")
        git(self.workspace, "remote", "add", "origin", url)
        # In two steps, since a refspec of all branches may name the same local ref.
        for refspecs in ([wanted[:-1]] if depth == 0 else []) + [wanted[-1:]]:
            options = ["--depth", str(depth)] if depth else []
            git(self.workspace, *access, "fetch", "-q", "--no-tags", *options, "origin", *refspecs)
        git(self.workspace, "checkout", "-q", "--detach", local)


@functools.cache
def _described(file: Path) -> Any:
    """A workflow or an action as it is written; all of them are part of this repository, and stay as they are."""
    return yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


def _run_here(step: str, environment: dict[str, str], folder: Path, programs: Programs) -> tuple[int, str]:
    """Run a step of our action in this process; gives its exit code and its output."""
    log = io.StringIO()
    with (
        mock.patch.dict(os.environ, environment, clear=True),
        mock.patch.object(sys, "argv", ["main.py", step]),
        mock.patch.object(program, "subprocess", programs),
        contextlib.chdir(folder),
        contextlib.redirect_stdout(log),
    ):
        return action_program.main(), log.getvalue()


def _only(found: Mapping[str, Any], known: set[str]) -> None:
    if not found.keys() <= known:
        raise Unknown(f"{found.keys() - known}")


def _outputs(text: str) -> dict[str, str]:
    """What a step wrote to GITHUB_OUTPUT: lines of NAME=VALUE, or the form that takes any value."""
    found: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        name, sign, end = line.partition("<<")
        if not sign:
            name, sign, text = line.partition("=")
            found[name] = text
            assert sign, line
            continue
        value: list[str] = []
        for inner in lines:
            if inner == end:
                break
            value.append(inner)
        found[name] = "\n".join(value)
    return found


def git(folder: Path, *words: str) -> str:
    """Runs git, with nobody's own settings."""
    program = shutil.which("git")
    assert program
    done = subprocess.run(
        [program, *words], cwd=folder, capture_output=True, text=True, check=False,
        env={
            "PATH": os.environ["PATH"], "HOME": str(folder),
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull,
            # Every commit, fetch, and push would look for work in processes of its own.
            "GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "gc.auto", "GIT_CONFIG_VALUE_0": "0",
            "GIT_CONFIG_KEY_1": "maintenance.auto", "GIT_CONFIG_VALUE_1": "false",
            "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.com", "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.com",
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
