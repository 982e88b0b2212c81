"""Commands run in this process, as by a person whose surroundings say nothing."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.cli import main


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


Run = Callable[..., Result]


def runner(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command line with these arguments; no command may end in a traceback."""

    def run(*arguments: str) -> Result:
        capsys.readouterr()
        result = Result(main(arguments), *capsys.readouterr())
        assert "Traceback" not in result.out + result.err
        return result

    return run


def forget_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No colours, no credentials and no width of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith(("TWILIO_", "RECONCILER_")) or name in {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}:
            monkeypatch.delenv(name)


@functools.cache
def _published(kind: str) -> Draft202012Validator:
    schema = Path(__file__).resolve().parents[1] / "schemas" / f"{kind}.schema.json"
    return Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")))
