"""Running the command line as a person would, in this process or in one of its own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from reconciler.emulator import Store
from tests.commands import Run, forget_surroundings, runner

FILES = """\
version: 1
services:
  support:
    friendly_name: Customer Support
    roles:
      agent: {type: conversation, permissions: [sendMessage]}
    configuration: {default_conversation_role: agent}
"""


@pytest.fixture(autouse=True)
def quiet_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No colours, no credentials and no width of whoever runs the tests."""
    forget_surroundings(monkeypatch)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command line in this process."""
    return runner(capsys)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A small configuration in the current folder."""
    path = tmp_path / "reconciler.yaml"
    path.write_text(FILES)
    return path


@pytest.fixture
def account(tmp_path: Path) -> None:
    """An emulated account as Twilio makes it, in demo.db: commands that only read create none."""
    Store.open(tmp_path / "demo.db").close()


def in_process_of_its_own(
    *arguments: str, environment: Mapping[str, str] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the command line as a process."""
    return subprocess.run(
        [sys.executable, "-m", "reconciler", *arguments],
        capture_output=True,
        text=True,
        input=stdin,
        timeout=120,
        check=False,
        env={**os.environ, **(environment or {})},
    )


class Tty(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True
