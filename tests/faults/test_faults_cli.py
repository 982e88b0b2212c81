"""The options for faults and for a deadline, on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.cli import main


def run(*arguments: str) -> int:
    return main(list(arguments))


@pytest.mark.parametrize(
    ("spec", "said"), [("resets=1", "unknown fault 'resets'"), ("503=2", "503 takes a share from 0 to 1")]
)
def test_a_fault_that_is_none_is_one_sentence_and_leaves_no_file(
    spec: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "served.db"
    assert run("emulator", "serve", "--db", str(file), "--fault", spec) == 1
    assert capsys.readouterr().err.startswith(f"Error: --fault: {said}")
    assert not file.exists()


@pytest.mark.parametrize("seconds", ["0", "-1", "soon"])
def test_a_deadline_is_a_number_of_seconds(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("plan", "--timeout", seconds) == 1
    assert "--timeout" in capsys.readouterr().err


def test_a_deadline_that_is_over_ends_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "reconciler.yaml").write_text("version: 1\nservices: {support: {}}\n")
    account = str(tmp_path / "account.db")
    assert run("plan", str(tmp_path), "--emulator", account, "--timeout", "0.000001") == 1
    assert "not sent, the command's deadline has passed" in capsys.readouterr().err
    assert run("plan", str(tmp_path), "--emulator", account, "--timeout", "60") == 0
