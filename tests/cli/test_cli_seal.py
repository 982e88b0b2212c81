"""Approvals inside a plan file count only while its seal shows that nobody edited it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.documents.plan import parse_plan
from tests.commands import Run, runner

HERE = ("--emulator", "e.db")
BEFORE = "version: 1\nservices: {s: {}, t: {}}\n"
AFTER = "version: 1\nservices: {s: {absent: true}, t: {}}\n"
KEY = "k" * 32
ADDRESS = "services.s"


@pytest.fixture(autouse=True)
def _in_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RECONCILER_PLAN_KEY", raising=False)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    run = runner(capsys)
    Path("reconciler.yaml").write_text(BEFORE)
    assert run("apply", *HERE, "--yes").code == 0
    Path("reconciler.yaml").write_text(AFTER)
    return run


def edit(change: Callable[[Any], object]) -> None:
    plan = json.loads(Path("plan.json").read_text())
    change(plan)
    Path("plan.json").write_text(json.dumps(plan))


def services(run: Run) -> set[str]:
    Path("nothing.yaml").write_text("version: 1\nservices: {nobody: {absent: true}}\n")
    found = run("plan", "nothing.yaml", *HERE, "--format", "json").json
    return {item["name"] for item in found["unmanaged"] if item["kind"] == "service"} - {
        "Default Conversations Service"
    }


def approve(plan: Any) -> None:
    plan["options"]["approved"] = [ADDRESS]
    for change in plan["changes"]:
        change["guard"] = None


def approve_without_seal(plan: Any) -> None:
    approve(plan)
    plan.pop("seal")


def approve_with_seal_of_other_plan(plan: Any) -> None:
    approve(plan)
    plan["seal"] = "hmac-sha256:" + "0" * 64


@pytest.mark.parametrize("forge", [approve, approve_without_seal, approve_with_seal_of_other_plan])
def test_an_approval_that_was_edited_into_a_plan_does_not_count(run: Run, forge: Callable[[Any], object]) -> None:
    run("plan", *HERE, "--out", "plan.json")
    edit(forge)
    done = run("apply", *HERE, "--plan", "plan.json")
    assert done.code == 4
    assert (
        "the approvals in the plan file do not count, because its seal does not match: the file was edited, or made "
        "with other credentials; give --approve again, or set the same RECONCILER_PLAN_KEY (or use the same "
        "credentials) for plan and apply"
    ) in " ".join(done.err.split())
    assert services(run) == {"s", "t"}


@pytest.mark.parametrize(
    "change",
    [
        lambda plan: plan["changes"][0].update(reason="harmless"),
        lambda plan: plan["changes"][0].update(consequences=[]),
        lambda plan: plan["warnings"].append({"code": "c", "message": "m"}),
        lambda plan: plan["options"].update(approved=[ADDRESS, "services.t"]),
        lambda plan: plan.update(tool_version="other"),
        lambda plan: plan.update(seal=""),
    ],
)
def test_any_edit_of_a_plan_with_approvals_breaks_its_seal(run: Run, change: Callable[[Any], object]) -> None:
    run("plan", *HERE, "--approve", ADDRESS, "--out", "plan.json")
    edit(change)
    assert run("apply", *HERE, "--plan", "plan.json").code in {3, 4}
    assert services(run) == {"s", "t"}


def test_an_approval_given_to_the_plan_counts(run: Run) -> None:
    run("plan", *HERE, "--approve", ADDRESS, "--out", "plan.json")
    assert run("apply", *HERE, "--plan", "plan.json").code == 0
    assert services(run) == {"t"}
    # And again, when there is nothing left to approve.
    assert run("apply", *HERE, "--plan", "plan.json").code == 0


@pytest.mark.parametrize("indent", [None, 1, 4])
def test_another_layout_or_another_time_leaves_the_seal_whole(run: Run, indent: int | None) -> None:
    run("plan", *HERE, "--approve", ADDRESS, "--out", "plan.json")
    plan = json.loads(Path("plan.json").read_text())
    plan["created_at"] = "2026-01-01T00:00:00Z"
    Path("plan.json").write_text(json.dumps(plan, indent=indent, sort_keys=True, ensure_ascii=indent is None))
    assert run("apply", *HERE, "--plan", "plan.json").code == 0
    assert services(run) == {"t"}


def test_a_plan_without_approvals_needs_no_seal(run: Run) -> None:
    Path("reconciler.yaml").write_text("version: 1\nservices: {s: {}, t: {}, u: {}}\n")
    run("plan", *HERE, "--out", "plan.json")
    edit(lambda plan: plan.pop("seal"))
    assert run("apply", *HERE, "--plan", "plan.json").code == 0
    assert services(run) == {"s", "t", "u"}


def test_approvals_on_the_command_line_and_in_the_files_need_no_seal(run: Run) -> None:
    run("plan", *HERE, "--out", "plan.json")
    edit(approve)
    assert run("apply", *HERE, "--plan", "plan.json", "--approve", ADDRESS).code == 0
    assert services(run) == {"t"}


def test_an_approval_in_the_files_needs_no_seal(run: Run) -> None:
    Path("reconciler.yaml").write_text(AFTER + f"approvals: [{{address: {ADDRESS}}}]\n")
    run("plan", *HERE, "--out", "plan.json")
    edit(lambda plan: plan.pop("seal"))
    assert run("apply", *HERE, "--plan", "plan.json").code == 0
    assert services(run) == {"t"}


@pytest.mark.parametrize(
    ("planned", "applied", "code"), [("", KEY, 4), (KEY, "", 4), (KEY, "j" * 32, 4), (KEY, KEY, 0)]
)
def test_plan_and_apply_need_the_same_key(
    run: Run, monkeypatch: pytest.MonkeyPatch, planned: str, applied: str, code: int
) -> None:
    monkeypatch.setenv("RECONCILER_PLAN_KEY", planned)
    run("plan", *HERE, "--approve", ADDRESS, "--out", "plan.json")
    monkeypatch.setenv("RECONCILER_PLAN_KEY", applied)
    assert run("apply", *HERE, "--plan", "plan.json").code == code
    assert run("apply", *HERE, "--plan", "plan.json", "--approve", ADDRESS).code == 0


def test_a_refusal_of_something_else_does_not_speak_of_the_seal(run: Run) -> None:
    run("plan", *HERE, "--out", "plan.json")
    done = run("apply", *HERE, "--plan", "plan.json")
    assert (done.code, "seal" in done.err) == (4, False)


def test_the_seal_depends_on_key_and_contents_and_on_no_time(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONCILER_PLAN_KEY", KEY)
    plan = parse_plan(json.dumps(run("plan", *HERE, "--format", "json").json), "plan.json")
    again = parse_plan(json.dumps(run("plan", *HERE, "--format", "json").json), "plan.json")
    assert plan.seal == again.seal
    assert plan.seal.startswith("hmac-sha256:")
    assert replace(plan, created_at="", seal="").sealed(b"a") == replace(plan, created_at="", seal="").sealed(b"a")
    assert plan.sealed(b"a").seal != plan.sealed(b"b").seal
    assert plan.sealed(b"a").has_valid_seal(b"a")
    assert not plan.sealed(b"a").has_valid_seal(b"b")


@pytest.mark.parametrize("content", [1.0, 1, 1e300, 2**70, -0.0, {"b": [1.5, None], "a": "\u00e9\x7f"}, "\u200b", True])
def test_a_seal_survives_being_saved_and_read(run: Run, content: Any) -> None:
    attributes = json.dumps(content if isinstance(content, dict) else {"a": content})
    Path("reconciler.yaml").write_text(
        f"version: 1\nservices: {{s: {{absent: true}}, t: {{users: {{u: {{attributes: {attributes}}}}}}}}}\n"
    )
    run("plan", *HERE, "--approve", ADDRESS, "--out", "plan.json")
    assert run("apply", *HERE, "--plan", "plan.json").code == 0
    assert services(run) == {"t"}
