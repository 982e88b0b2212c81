"""Running the command line as a person would, in this process or in one of its own."""

from __future__ import annotations

import functools
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.cli import main

FILES = """\
version: 1
services:
  support:
    friendly_name: Customer Support
    roles:
      agent: {type: conversation, permissions: [sendMessage]}
    configuration: {default_conversation_role: agent}
"""


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the one JSON document that it has to be, as its published schema says."""
        document = json.loads(self.out)
        kind = document.get("format", "").removeprefix("reconciler.")
        if kind:
            _published(kind).validate(document)
            assert document.get("exit_code", self.code) == self.code
        return document


@functools.cache
def _published(kind: str) -> Draft202012Validator:
    schema = Path(__file__).resolve().parents[2] / "schemas" / f"{kind}.schema.json"
    return Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")))


@pytest.fixture(autouse=True)
def quiet_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No colours, no credentials and no width of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith("TWILIO_") or name in {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Runs the command line in this process."""

    def run(*arguments: str) -> Result:
        capsys.readouterr()
        code = main(arguments)
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return Result(code, out, err)

    return run


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A small configuration in the current folder."""
    path = tmp_path / "reconciler.yaml"
    path.write_text(FILES)
    return path


def in_process_of_its_own(
    *arguments: str, environment: Mapping[str, str] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the command line as a process."""
    return subprocess.run(
        [sys.executable, "-m", "reconciler", *arguments],
        capture_output=True,
        text=True,
        input=stdin,
        timeout=60,
        check=False,
        env={**os.environ, **(environment or {})},
    )


class Tty(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True
