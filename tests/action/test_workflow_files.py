"""What holds of every workflow, of the action and of the pipeline, read as files."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from tests.action.runner import ACTION, OURS, ROOT

FOLDER = ROOT / "examples" / "github-actions"
EXAMPLES = sorted(FOLDER.glob("*.yml"))
WITH_LEDGER = FOLDER / "with-ledger" / "drift.yml"
WORKFLOWS = [*EXAMPLES, WITH_LEDGER, *sorted((ROOT / ".github" / "workflows").glob("*.yml"))]
FILES = [*WORKFLOWS, ACTION / "action.yml"]


def read(file: Path) -> Any:
    return yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


def steps(file: Path) -> list[dict[str, Any]]:
    described = read(file)
    if "runs" in described:
        return list(described["runs"]["steps"])
    return [step for job in described["jobs"].values() for step in job["steps"]]


def named(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def test_there_are_the_workflows_that_are_told_of() -> None:
    assert [file.relative_to(FOLDER).as_posix() for file in sorted(FOLDER.rglob("*.yml"))] == [
        "apply.yml", "drift.yml", "plan.yml", "with-ledger/drift.yml",
    ]  # fmt: skip


@pytest.mark.parametrize("file", FILES, ids=named)
def test_actions_are_pinned_by_commit_with_their_version_beside(file: Path) -> None:
    lines = re.findall(r"uses: (.+)", file.read_text(encoding="utf-8"))
    assert len(lines) == len([step for step in steps(file) if "uses" in step])
    for line in lines:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # (v\d+\.\d+\.\d+|your version)", line), line


def test_an_action_is_the_same_everywhere() -> None:
    pins: dict[str, set[str]] = {}
    for file in FILES:
        for name, rest in re.findall(r"uses: ([\w./-]+)@(.+)", file.read_text(encoding="utf-8")):
            pins.setdefault(name, set()).add(rest)
    assert {name: len(found) for name, found in pins.items()} == dict.fromkeys(pins, 1)
    assert OURS.partition("@")[0] in pins


@pytest.mark.parametrize("file", FILES, ids=named)
def test_no_expression_reaches_a_shell(file: Path) -> None:
    for step in steps(file):
        assert "${{" not in step.get("run", "")


@pytest.mark.parametrize("file", WORKFLOWS, ids=named)
def test_a_workflow_may_nothing_and_its_jobs_what_they_need(file: Path) -> None:
    described = read(file)
    assert described["permissions"] == {}
    assert set(described["on"]) <= {"pull_request", "push", "schedule", "workflow_dispatch"}
    for name, job in described["jobs"].items():
        if (file, name) != (WITH_LEDGER, "accept"):
            assert job["permissions"]["contents"] == "read"
        assert int(job["timeout-minutes"]) > 0
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] == "false"


def test_only_the_apply_job_names_the_environment_that_writes() -> None:
    found = {
        (file.name, name): (job.get("environment") or {"name": ""})
        for file in EXAMPLES
        for name, job in read(file)["jobs"].items()
    }
    environments = {key: what if isinstance(what, str) else what["name"] for key, what in found.items()}
    assert environments == {
        ("apply.yml", "reviewed"): "conversations-plan",
        ("apply.yml", "apply"): "production",
        ("drift.yml", "drift"): "conversations-plan",
        ("plan.yml", "plan"): "conversations-plan",
        ("plan.yml", "offline"): "",
    }


def test_the_job_that_accepts_drift_cannot_reach_the_account() -> None:
    job = read(WITH_LEDGER)["jobs"]["accept"]
    assert job["permissions"] == {"contents": "write", "pull-requests": "write"}
    assert "environment" not in job
    assert "secrets." not in str(job)
    assert [step["uses"].partition("@")[0] for step in job["steps"]] == [
        "actions/download-artifact", OURS.partition("@")[0],
    ]  # fmt: skip
    assert job["steps"][1]["with"]["command"] == "accept"


def test_the_workflow_with_a_ledger_is_the_other_one_with_a_job_more() -> None:
    plain, ledger = read(FOLDER / "drift.yml"), read(WITH_LEDGER)
    jobs = ledger["jobs"]
    assert jobs.pop("accept")["needs"] == "drift"
    [*_, step] = jobs["drift"]["steps"]
    assert (step.pop("id"), jobs["drift"].pop("outputs")) == ("drift", {"edits": "${{ steps.drift.outputs.edits }}"})
    assert (step["with"].pop("accept"), step["with"].pop("ledger")) == ("true", "refs/reconciler")
    assert step["env"].pop("RECONCILER_PLAN_KEY") == "${{ secrets.RECONCILER_PLAN_KEY }}"
    assert jobs["drift"]["steps"][0]["with"].pop("fetch-depth") == "0"
    assert ledger == plain


def test_the_token_is_given_to_the_steps_that_speak_with_github() -> None:
    described = {step["name"]: step for step in steps(ACTION / "action.yml")}
    assert [name for name, step in described.items() if "token" in str(step.get("env", {})).lower()] == [
        "Find the reviewed plan",
        "Read the history in the issue",
        "Run reconciler",
        "Update the comment and the issue",
        "Update the pull request",
    ]
    assert described["Run reconciler"]["env"]["INPUT_TOKEN"] == "${{ inputs.ledger != '' && inputs.token || '' }}"


def test_no_step_that_installs_has_a_secret() -> None:
    for file in WORKFLOWS:
        for step in steps(file):
            if "secrets." in str(step):
                assert step["with"]["package"] == "installed", (file, step)
        assert "secrets." not in str([job.get("env") for job in read(file)["jobs"].values()] + [read(file).get("env")])
    described = {step["name"]: step for step in steps(ACTION / "action.yml")}
    assert described["Set up Python"]["if"] == "inputs.package != 'installed'"


def test_every_job_with_a_secret_installs_before() -> None:
    for file in (*EXAMPLES, WITH_LEDGER):
        for name, job in read(file)["jobs"].items():
            if name == "accept":  # it has none, and installs nothing
                continue
            ours = [step["with"] for step in job["steps"] if step.get("uses", "").startswith(OURS.partition("@")[0])]
            assert ours[0] == {"command": "install"}
            assert {given["package"] for given in ours[1:]} == {"installed"}


def test_every_input_is_used_and_every_one_that_is_used_is_declared() -> None:
    described = read(ACTION / "action.yml")
    used = set(re.findall(r"inputs\.([\w-]+)", str(described["runs"])))
    assert used == set(described["inputs"])


def test_what_the_action_installs_is_what_the_project_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = [Requirement(text) for text in (*project["project"]["dependencies"], *project["build-system"]["requires"])]
    text = (ACTION / "requirements.txt").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))
    for requirement in needed:
        assert requirement.specifier.contains(pinned[requirement.name]), requirement
    # Each with its hashes, or pip refuses all of them.
    assert len(re.findall(r"^[a-z0-9-]+==.*\\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)) == len(pinned)


def test_the_pipeline_runs_the_same_commands() -> None:
    described = read(ROOT / "examples" / "gitlab-ci" / ".gitlab-ci.yml")
    jobs = {name: job for name, job in described.items() if isinstance(job, dict) and "script" in job}
    assert {name: job["stage"] for name, job in jobs.items()} == {
        "install": "install", "validate": "check", "plan": "plan", "apply": "apply", "drift": "drift",
    }  # fmt: skip
    assert jobs["apply"]["rules"][0]["when"] == "manual"
    assert jobs["drift"]["allow_failure"] == {"exit_codes": "2"}


def test_no_job_of_the_pipeline_that_installs_has_a_key() -> None:
    described = read(ROOT / "examples" / "gitlab-ci" / ".gitlab-ci.yml")
    jobs = {name: job for name, job in described.items() if isinstance(job, dict) and "script" in job}
    # Variables of an environment go to the jobs that name it.
    assert [name for name, job in jobs.items() if "environment" not in job] == ["install", "validate"]
    assert jobs["apply"]["needs"] == ["install", "plan"]
    lines = {
        name: [*job.get("before_script", described["default"]["before_script"]), *job["script"]]
        for name, job in jobs.items()
    }
    for name, script in lines.items():
        for line in script:
            if " pip " in line or "/pip " in line:
                assert "--require-hashes" in line or "--no-deps" in line, line
                assert name == "install" or (line.startswith('env -i PATH="$PATH" ') and " --no-index " in line), line
                assert "--only-binary :all:" in line or "pip wheel" in line, line
