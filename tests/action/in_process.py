"""The `reconciler` that steps of our action call, run in the test's process: a process and its imports cost more."""

from __future__ import annotations

import contextlib
import io
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO
from unittest import mock

from reconciler.cli import main


@dataclass(frozen=True)
class _Ended:
    """A command that has ended, as a program that was started."""

    stdout: TextIO
    code: int

    def wait(self) -> int:
        return self.code


@dataclass(frozen=True)
class Programs:
    """Stands for the module `subprocess` in a step: `reconciler` runs here, and any other program runs as always.

    Attributes:
        told: The words and the environment variables that the wrapper on the PATH would give to the command.
    """

    told: Callable[[Sequence[str], Mapping[str, str]], tuple[list[str], dict[str, str]]]
    PIPE = subprocess.PIPE
    DEVNULL = subprocess.DEVNULL

    def run(self, words: Sequence[str], *, env: Mapping[str, str] | None = None, **options: Any) -> Any:
        if Path(words[0]).name != "reconciler":
            return subprocess.run(words, env=env, check=options.pop("check"), **options)
        assert env is not None
        return subprocess.CompletedProcess(words, *self._reconciled(words[1:], env))

    @contextlib.contextmanager
    def Popen(  # noqa: N802 - as in the module
        self, words: Sequence[str], *, env: Mapping[str, str], stderr: TextIO, **_: Any
    ) -> Iterator[_Ended]:
        code, out, err = self._reconciled(words[1:], env)
        stderr.write(err)
        yield _Ended(io.StringIO(out), code)

    def _reconciled(self, words: Sequence[str], env: Mapping[str, str]) -> tuple[int, str, str]:
        arguments, environment = self.told(words, env)
        # Every job has a machine of its own.
        machine = environment.get("RUNNER_NAME") or platform.node()
        out, err = io.StringIO(), io.StringIO()
        with (
            mock.patch.dict(os.environ, environment, clear=True),
            mock.patch.object(platform, "node", return_value=machine),
            mock.patch.object(sys, "stdin", io.StringIO()),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = main(arguments)
        return code, out.getvalue(), err.getvalue()
