"""Standard streams that are closed, full or gone: a run goes on to its end, and says what is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")
PLAN = "plan --emulator demo.db"


def in_a_shell(command: str) -> subprocess.CompletedProcess[str]:
    """A command line as a shell runs it, with its redirections."""
    program = f"'{sys.executable}' -m reconciler {command}"
    return subprocess.run(["bash", "-c", program], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    "closed",
    [">&-", "<&- >&- 2>&-", pytest.param("2>&-", marks=pytest.mark.slow), pytest.param("<&-", marks=pytest.mark.slow)],
)
def test_a_stream_that_is_closed_is_no_bug(closed: str, files: Path) -> None:
    assert files.exists()
    ended = in_a_shell(f"{PLAN} {closed}")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.endswith("unmanaged.\n") == (">&-" not in closed.replace("2>&-", ""))
    # What it writes to is not what it opened afterwards.
    applied = in_a_shell(f"apply --emulator demo.db --yes {closed}")
    assert applied.returncode == 0
    assert in_a_shell(f"{PLAN} --detailed-exitcode").returncode == 0


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize(
    "command", [PLAN, "plan --emulator demo.db --format json", "export --emulator demo.db", "schema"]
)
def test_output_that_cannot_be_written_is_an_error_and_no_bug(command: str, files: Path) -> None:
    assert files.exists()
    ended = in_a_shell(f"{command} >{FULL}")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "Error: standard output could not be written: No space left on device\n"


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("streams", [f">{FULL}", f"2>{FULL}", f">{FULL} 2>{FULL}"])
def test_an_apply_goes_on_whose_words_cannot_be_written(streams: str, files: Path) -> None:
    assert files.exists()
    ended = in_a_shell(f"apply --emulator demo.db --yes {streams}")
    assert ended.returncode == (0 if streams.startswith("2") else 1)
    assert "a bug" not in ended.stderr
    assert in_a_shell(f"{PLAN} --detailed-exitcode").returncode == 0


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
def test_help_that_cannot_be_written_is_no_bug() -> None:
    ended = in_a_shell(f"--help >{FULL}")
    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: this machine cannot go on: No space left on device\n")
