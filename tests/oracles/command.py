"""The command line, run in this process in a folder of its own, in front of an account that a recorder watches.

The command is told to use the built-in emulator, and meets the recorder in its place: that is the one thing replaced.
Time is simulated, so that waiting takes none.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import shutil
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest import mock

from reconciler.cli import main
from tests.oracles.account import Account
from tests.oracles.recorder import Exchange, Fault, Killed, Recorder
from tests.simulated_time import SimulatedTime

DATABASE = "account.db"
"""The file that the command is told to keep its emulator in; nothing is read from it."""


@dataclass(frozen=True)
class Run:
    """How a command ended.

    Attributes:
        code: its exit code.
        out: standard output.
        err: standard error.
        log: its requests.
        was_killed: whether the process was killed; the code and the texts mean nothing then.
    """

    code: int
    out: str
    err: str
    log: tuple[Exchange, ...]
    was_killed: bool

    @property
    def writes(self) -> list[Exchange]:
        return [exchange for exchange in self.log if exchange.is_write]

    @cached_property
    def document(self) -> Any:
        """Standard output as the JSON document that it is."""
        return json.loads(self.out)

    @property
    def traffic(self) -> str:
        return "\n".join(f"    {exchange}" for exchange in self.writes)


class Folder:
    """A folder with a configuration, in which commands are run.

    Args:
        path: where; everything in it is removed when a project is begun.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, configuration: str) -> None:
        """Forget everything that former commands left, and write a configuration."""
        for resource in self.path.iterdir():
            if not resource.name.startswith(DATABASE):
                _remove(resource)
        self.write(configuration)

    def write(self, configuration: str) -> None:
        (self.path / "reconciler.yaml").write_text(configuration, encoding="utf-8")

    def run(
        self,
        account: Account,
        *arguments: str,
        fault: Fault | None = None,
        environment: Mapping[str, str] | None = None,
        with_states: bool = False,
    ) -> Run:
        """Run a command on an account; what a killed process left on the disk is what it left when it was killed."""
        kept: dict[Path, bytes] = {}
        recorder = Recorder(account, fault, at_death=lambda: kept.update(self._files()), with_states=with_states)
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2))
        with (
            _surroundings(self.path, recorder, environment or {}),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = main([*arguments, "--emulator", DATABASE])
        if recorder.is_dead:
            self._restore(kept)
        texts = [stream.buffer.getvalue().decode() for stream in (out, err)]
        return Run(code, texts[0], texts[1], tuple(recorder.log), recorder.is_dead)

    def _files(self) -> dict[Path, bytes]:
        return {
            path: path.read_bytes()
            for path in self.path.rglob("*")
            if path.is_file() and not path.name.startswith(DATABASE)
        }

    def _restore(self, kept: Mapping[Path, bytes]) -> None:
        for path in self._files().keys() - kept.keys():
            path.unlink()
        for path, content in kept.items():
            if not path.exists() or path.read_bytes() != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)


def _remove(resource: Path) -> None:
    shutil.rmtree(resource) if resource.is_dir() else resource.unlink()


@contextlib.contextmanager
def _surroundings(folder: Path, recorder: Recorder, environment: Mapping[str, str]) -> Iterator[None]:
    """What the command meets: its folder, no environment variables but those given, its account, simulated time."""
    home = Path.cwd()
    given = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "TMPDIR": str(folder), **environment}

    def run(work: Coroutine[Any, Any, object]) -> object:
        result = SimulatedTime().run(recorder.until_death(work))
        if recorder.is_dead:
            raise Killed
        return result

    os.chdir(folder)
    try:
        with (
            mock.patch.dict(os.environ, given, clear=True),
            mock.patch("reconciler.emulator.Emulator", return_value=recorder),
            mock.patch.object(asyncio, "run", run),
        ):
            yield
    finally:
        os.chdir(home)
