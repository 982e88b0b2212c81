"""The log on the command line: on standard error only, as much as was asked for, and never a secret."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler import workflow
from reconciler.api import logs
from reconciler.cli.root import commands
from reconciler.errors import Unreachable
from tests.builders import TakesAll
from tests.cli.conftest import Tty
from tests.commands import Result
from tests.render import plan_samples as samples

Cli = Callable[..., Result]
EMULATED = ("--emulator", "account.db")


def names(result: Result) -> list[str]:
    return [json.loads(line)["event"] for line in result.err.splitlines()]


def test_a_log_in_json_leaves_standard_output_alone(cli: Cli, files: Path) -> None:
    assert files.exists()
    result = cli("plan", *EMULATED, "--format", "json", "--log-format", "json", "--log-level", "debug")
    assert result.json["format"] == "reconciler.plan"
    told = [json.loads(line) for line in result.err.splitlines()]
    assert told[0]["event"] == "begin"
    assert told[0]["command"] == "plan"
    assert {event["event"] for event in told[1:-1]} == {"request"}
    assert (told[-1]["event"], told[-1]["exit_code"]) == ("end", 0)


def test_without_being_asked_for_there_is_none(cli: Cli, files: Path) -> None:
    assert files.exists()
    assert cli("plan", *EMULATED).err == ""


def test_a_format_alone_means_info(cli: Cli, files: Path) -> None:
    assert files.exists()
    result = cli("apply", *EMULATED, "--yes", "--log-format", "json", "--format", "json")
    steps = [line for line in result.err.splitlines() if line.startswith("{")]
    assert [json.loads(line)["event"] for line in steps] == ["begin", "step", "step", "step", "end"]


def test_the_environment_asks_for_a_log_too(cli: Cli, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert files.exists()
    monkeypatch.setenv("RECONCILER_LOG_FORMAT", "json")
    monkeypatch.setenv("RECONCILER_LOG_LEVEL", "info")
    assert names(cli("plan", *EMULATED)) == ["begin", "end"]
    monkeypatch.setenv("RECONCILER_LOG_LEVEL", "loud")
    refused = cli("plan", *EMULATED).err
    assert [words for words in ("loud", "debug", "warning") if words not in refused] == []


def test_the_end_has_the_exit_code_of_an_error(cli: Cli, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert files.exists()

    async def plan(*_: object) -> Any:
        raise Unreachable("s3cr3t")

    monkeypatch.setattr(workflow, "plan", plan)
    result = cli("plan", *EMULATED, "--log-format", "json")
    last = [json.loads(line) for line in result.err.splitlines() if line.startswith("{")][-1]
    assert (last["event"], last["exit_code"], last["level"]) == ("end", 1, "info")


@pytest.mark.parametrize(("is_terminal", "shown"), [(False, 1), (True, 0)])
def test_only_a_long_wait_is_told_unasked_and_only_where_there_is_no_terminal(
    cli: Cli,
    files: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_terminal: bool,  # noqa: FBT001 - a column of the table
    shown: int,
) -> None:
    assert files.exists()
    stream = Tty() if is_terminal else None

    async def plan(*_: object) -> workflow.Planned:
        logs.retry("GET", "/v1/Services", attempt=1, seconds=1, reason="no answer")
        logs.retry("GET", "/v1/Services", attempt=4, seconds=8, reason="no answer", level="warning")
        logs.step("create", "services.a", status="failed")
        return workflow.Planned(None, samples.EMPTY, 0, b"", TakesAll())  # type: ignore[arg-type]

    monkeypatch.setattr(workflow, "plan", plan)
    if stream is not None:
        monkeypatch.setattr(sys, "stderr", stream)
    result = cli("plan", *EMULATED)
    told = stream.getvalue() if stream is not None else result.err
    assert told.count('retry method=GET path=/v1/Services attempt=4 seconds=8 reason="no answer"') == shown
    assert told.count("attempt=1") == told.count("services.a") == 0


def test_a_line_of_the_log_does_not_break_the_line_of_the_terminal(
    cli: Cli, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert files.exists()
    assert cli("apply", *EMULATED, "--yes").code == 0
    stream = Tty()
    monkeypatch.setattr(sys, "stderr", stream)
    assert cli("plan", *EMULATED, "--log-level", "debug").code == 0
    drawn = stream.getvalue().replace("\r\x1b[K", "\r")
    for line in drawn.split("\n")[:-1]:
        assert line.rpartition("\r")[2][:2] == "20", line


def test_every_command_that_speaks_with_an_account_has_a_log() -> None:
    options = {name: {option.name for option in command.params} for name, command in commands()}
    speaking = {name for name, names in options.items() if "api_url" in names}
    assert {name for name, names in options.items() if "log_level" in names} == speaking
