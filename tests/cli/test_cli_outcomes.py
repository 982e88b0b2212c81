"""Whatever happens becomes an exit code and a sentence; with --format json, one document on standard output."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from reconciler import workflow
from reconciler.cli import exit_codes
from reconciler.documents.plan import PlanFile
from reconciler.documents.plan_steps import with_next_steps
from reconciler.documents.report import report_document
from reconciler.errors import (
    ConfigError,
    GuardRefusal,
    Interrupted,
    MatchError,
    PlanFileError,
    Problem,
    ReconcilerError,
    Refusal,
    Refused,
    StalePlan,
    Unreachable,
    UsageError,
)
from reconciler.report import Report
from tests.builders import TakesAll
from tests.commands import Result
from tests.render import plan_samples as samples

Cli = Callable[..., Result]
SECRET = "s3cr3t-of-somebody"

ERRORS: list[tuple[BaseException, int]] = [
    (ConfigError([Problem("c", "m")]), 1),
    (MatchError([Problem("c", "m")]), 1),
    (UsageError("m"), 1),
    (PlanFileError("m"), 1),
    (Unreachable("m"), 1),
    (Refused(Refusal("GET", "/", 401, 20003, "m")), 1),
    (StalePlan(["d"]), 3),
    (GuardRefusal(["r"]), 4),
    (Interrupted("m"), 130),
    (KeyboardInterrupt(), 130),
    (click.exceptions.Abort(), 130),
    (click.UsageError("m"), 1),
    (ZeroDivisionError("m"), 70),
    (SystemError("m"), 70),
    (ExceptionGroup("g", [UsageError("m"), StalePlan(["d"])]), 1),
    (ExceptionGroup("g", [UsageError("m"), ValueError("bug")]), 70),
    (BaseExceptionGroup("g", [ValueError("bug"), KeyboardInterrupt()]), 130),
]


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where traceback files go."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def raising(error: BaseException) -> Callable[..., Any]:
    def validate(*_: object, **__: object) -> None:
        raise error

    return validate


@pytest.mark.parametrize(("error", "code"), ERRORS, ids=lambda value: type(value).__name__)
def test_every_error_has_its_exit_code(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    monkeypatch.setattr(workflow, "validate", raising(error))
    result = cli("validate")
    assert result.code == code
    assert result.out == ""
    assert result.err.endswith("\n")
    as_json = cli("validate", "--format", "json")
    assert as_json.code == code
    assert as_json.json["format"] == "reconciler.error"
    assert as_json.json["exit_code"] == code
    assert as_json.json["message"]
    assert as_json.err == result.err or code == 70


def test_of_several_codes_the_worst_counts() -> None:
    assert exit_codes.worst([2, 5, 4, 3, 1, 70, 130]) == 130
    assert exit_codes.worst([2, 5, 4, 3, 1, 70]) == 70
    assert exit_codes.worst([2, 5, 4, 3, 1]) == 1
    assert exit_codes.worst([2, 5, 4, 3]) == 3
    assert exit_codes.worst([2, 5, 4]) == 4
    assert exit_codes.worst([2, 5]) == 5
    assert exit_codes.worst([0, 2]) == 2
    assert exit_codes.worst([]) == 0


def test_a_bug_is_told_in_a_sentence_and_its_traceback_kept_without_secrets(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, temporary_folder: Path
) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", SECRET)

    def validate(*_: object) -> None:
        empty: dict[str, int] = {}
        try:
            empty[f"hidden {SECRET}"]
        except KeyError as cause:
            raise TypeError(f"wrong type of {SECRET}") from cause

    monkeypatch.setattr(workflow, "validate", validate)
    result = cli("validate", "--var", f"token={SECRET}")
    assert result.code == 70
    assert "a bug in reconciler" in result.err
    assert SECRET not in result.out + result.err
    (file,) = temporary_folder.iterdir()
    assert str(file) in "".join(result.err.split("\n       "))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = file.read_text()
    assert SECRET not in kept
    assert "builtins.KeyError: (message left out" in kept
    assert "TypeError: (message left out" in kept
    assert re.search(r'File ".*test_cli_outcomes.py", line \d+, in validate', kept)


def test_a_bug_is_told_even_where_nothing_can_be_kept(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, temporary_folder: Path
) -> None:
    temporary_folder.rmdir()
    monkeypatch.setattr(workflow, "validate", raising(ValueError(SECRET)))
    result = cli("validate")
    assert result.code == 70
    assert "could not be written" in " ".join(result.err.split())
    assert SECRET not in result.err


def test_a_bug_in_telling_is_no_traceback_either(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from reconciler.cli import failures

    monkeypatch.setattr(failures, "error_text", raising(RuntimeError("again")))
    monkeypatch.setattr(workflow, "validate", raising(UsageError("m")))
    assert cli("validate").code == 70


def test_hostile_messages_are_escaped(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow, "validate", raising(UsageError("\x1b[2J\u202e")))
    assert "\\u001b[2J\\u202e" in cli("validate").err


@pytest.mark.parametrize(
    ("environment", "arguments", "colour"),
    [
        ({}, [], False),
        ({"FORCE_COLOR": "1"}, [], True),
        ({"FORCE_COLOR": "0"}, [], False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, [], False),
        ({"FORCE_COLOR": "1", "NO_COLOR": ""}, [], True),
        ({"FORCE_COLOR": "1"}, ["--no-color"], False),
    ],
)
def test_colours(
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    arguments: list[str],
    colour: bool,  # noqa: FBT001 - a column of the table
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    Path("plan.json").write_text(samples.SMALL.to_json())
    assert ("\x1b[" in cli("show", "plan.json", *arguments).out) is colour
    assert ("\x1b[" in cli("show", "nothing.json", *arguments).err) is colour


# --- exit codes of what went well ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        (samples.EMPTY, 0),
        (samples.MANY_UNMANAGED, 0),
        (samples.SMALL, 2),
        (samples.GUARDS, 2),
    ],
)
def test_a_plan_ends_with_2_only_when_that_is_asked_for(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, plan: Any, code: int
) -> None:
    async def planned(*_: object) -> workflow.Planned:
        return workflow.Planned(None, plan, 3, b"", TakesAll())  # type: ignore[arg-type]

    monkeypatch.setattr(workflow, "plan", planned)
    assert cli("plan").code == 0
    assert cli("plan", "--detailed-exitcode").code == code
    shown = PlanFile.from_json(cli("plan", "--detailed-exitcode", "--format", "json").out)
    assert with_next_steps(shown, None) == with_next_steps(plan.sealed(b""), None)


@pytest.mark.parametrize("code", [0, 1, 5, 130])
def test_an_apply_ends_with_the_code_of_its_report(cli: Cli, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    async def applied(*_: object, **__: object) -> workflow.Applied:
        report = Report((), interrupted=code == 130)
        return workflow.Applied(samples.SMALL, report, document=report_document(report, samples.SMALL))

    monkeypatch.setattr(workflow, "apply", applied)
    monkeypatch.setattr(Report, "exit_code", property(lambda _self: code))
    assert cli("apply", "--yes").code == code
    as_json = cli("apply", "--yes", "--format", "json")
    assert as_json.code == code
    assert as_json.json["format"] == "reconciler.report"
    assert as_json.json["exit_code"] == code


def test_declining_is_an_error(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    async def applied(*_: object, **__: object) -> workflow.Applied:
        return workflow.Applied(samples.SMALL, None, declined=True)

    monkeypatch.setattr(workflow, "apply", applied)
    result = cli("apply")
    assert (result.code, result.err) == (1, "Error: declined. Nothing was sent\n")


def test_every_exception_of_ours_ends_with_a_code_of_the_contract() -> None:
    def below(kind: type[ReconcilerError]) -> set[type[ReconcilerError]]:
        return {kind, *(inner for child in kind.__subclasses__() for inner in below(child))}

    assert {kind.exit_code for kind in below(ReconcilerError)} <= set(exit_codes.PRECEDENCE)


def test_a_reader_that_goes_away_changes_no_exit_code() -> None:
    Path("plan.json").write_text(samples.LARGE.to_json())
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", "show", "plan.json"], stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")
