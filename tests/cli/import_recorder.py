"""Runs commands and records what each imports: a program of its own, so that nothing is imported before it.

Takes cases as JSON on standard input, a name and arguments each; prints JSON: by name, the exit code, the modules of
this project, and the libraries that they import. Each command runs in a fork that has only what every command imports.
Most of the time of a command is that of importing libraries, so they are imported once, before the forks: a library
counts if a module of this project asks for it, whether or not it is there.
"""

from __future__ import annotations

import builtins
import json
import os
import socket
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

LIBRARIES = (
    "asyncio", "click", "cryptography", "deepdiff", "httpx", "logging", "pydantic", "sqlite3", "ssl", "uvicorn", "yaml",
)  # fmt: skip
"""What is recorded besides the modules of this project: its dependencies, and the slow parts of Python's library."""
ASKED: set[str] = set()
IMPORT = builtins.__import__


def recording_import(name: str, *details: Any, **more: Any) -> ModuleType:
    """Note the libraries that modules of this project import."""
    importing = details[0] if details else more.get("globals")
    if importing and str(importing.get("__name__")).partition(".")[0] == "reconciler":
        ASKED.add(name.partition(".")[0])
    return IMPORT(name, *details, **more)


def run(arguments: list[str], environment: dict[str, str]) -> dict[str, Any]:
    """Run a command in a fork; return what it imported."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        void = os.open(os.devnull, os.O_RDWR)
        errors = os.open("errors.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream, target in ((0, void), (1, void), (2, errors)):
            os.dup2(target, stream)
        os.environ.update(environment)
        sys.argv = ["reconciler", *arguments]
        code = import_module("reconciler.cli").main()
        sys.stderr.flush()
        modules = [name.partition(".")[2] for name in sys.modules if name.startswith("reconciler.")]
        result = {"code": code, "modules": modules, "libraries": sorted(ASKED & set(LIBRARIES))}
        with os.fdopen(writing, "w", encoding="utf-8") as file:
            json.dump(result, file)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as file:
        text = file.read()
    os.waitpid(child, 0)
    return {**json.loads(text), "errors": Path("errors.txt").read_text(encoding="utf-8")}


def main() -> None:
    """Run every case, in order."""
    cases = json.load(sys.stdin)
    for library in LIBRARIES:
        import_module(library)
    builtins.__import__ = recording_import
    import_module("reconciler.cli.entry")
    taken = socket.create_server(("127.0.0.1", 0))
    port = str(taken.getsockname()[1])
    json.dump(
        {
            name: run([port if word == "PORT" else word for word in arguments], environment)
            for name, (arguments, environment) in cases.items()
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
