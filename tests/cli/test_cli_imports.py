"""The modules that each command may import: most of the CPU time of a short command is the time of its imports.

`tests/golden/imports.txt` lists them: first what every command imports, then what each imports besides. A command that
needs another module gets it with `pytest --update-golden`, after a look at `python -m tests.benchmarks startup`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from reconciler.cli.root import ROOT
from tests.cli import import_recorder

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "quickstart" / "reconciler.yaml"
WHOLE = frozenset({"api", "config", "emulator", "kinds", "planning", "redaction"})
"""Packages of which only the name is listed."""

ON_TAB = {"_RECONCILER_COMPLETE": "zsh_complete"}
EMULATED = ("--emulator", "demo.db")
Case = tuple[Sequence[str], Mapping[str, str]]
CASES: Mapping[str, Case] = {
    "--version": (["--version"], {}),
    "plan --help": (["plan", "--help"], {}),
    "completion of a command": ([], {**ON_TAB, "COMP_WORDS": "reconciler", "COMP_CURRENT": "pl"}),
    "completion of an address": ([], {**ON_TAB, "COMP_WORDS": "reconciler\nplan\n--target", "COMP_CURRENT": ""}),
    "init": (["init", "new"], {}),
    "validate": (["validate"], {}),
    "plan": (["plan", *EMULATED], {}),
    "plan --out": (["plan", *EMULATED, "--out", "plan.json"], {}),
    "show": (["show", "plan.json"], {}),
    "apply": (["apply", *EMULATED, "--yes", "--report", "report.json"], {}),
    "drift": (["drift", "changed.yaml", *EMULATED, "--history", "history.jsonl"], {}),
    "drift log": (["drift", "log", "--history", "history.jsonl"], {}),
    "accept": (["accept", "changed.yaml", "services.support.roles.agent", *EMULATED, "--dry-run"], {}),
    "diff": (["diff", "reconciler.yaml", "changed.yaml"], {}),
    "export": (["export", *EMULATED], {}),
    "sids": (["sids", *EMULATED], {}),
    "undo": (["undo", "report.json", *EMULATED, "--yes"], {}),
    "graph": (["graph"], {}),
    "schema": (["schema"], {}),
    "apply with a ledger": (["apply", "kept.yaml", "--emulator", "kept.db", "--yes", "--start-ledger"], {}),
    "history": (["history", "kept.yaml"], {}),
    "ledger push": (["ledger", "push", "kept.yaml"], {}),
    "ledger rename": (["ledger", "rename", "default", "prod", "kept.yaml", "--emulator", "kept.db"], {}),
    "completion": (["completion", "zsh"], {}),
    "emulator seed": (["emulator", "seed", "--db", "seeded.db", "--users", "1"], {}),
    "emulator serve": (["emulator", "serve", "--db", "demo.db", "--port", "PORT"], {}),
    "docs": (["docs", "guide"], {}),
    "help": (["help", "options"], {}),
}
OTHERS = {
    "--version",
    "plan --out",
    "plan --help",
    "completion of a command",
    "completion of an address",
    "apply with a ledger",
}
CODES = {"drift": 2, "emulator serve": 1}
"""Exit codes other than 0: the emulator's port is taken."""


def recorded(folder: Path) -> Mapping[str, Any]:
    """Run every command in a folder; return what each imported."""
    shutil.copy(EXAMPLE, folder / "reconciler.yaml")
    text = EXAMPLE.read_text()
    (folder / "changed.yaml").write_text(text.replace(", leaveConversation", ""))
    ledger = "version: 1\nledger: {git: refs/reconciler, remote: origin}\nenvironments: {prod: {}}\n"
    (folder / "kept.yaml").write_text(text.replace("version: 1\n", ledger))
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-C", str(folder)]
    for words in (
        "init -q",
        "init -q --bare far",
        "remote add origin far",
        "add kept.yaml",
        "commit -q -m Add",
        "push -q origin HEAD:main",
    ):
        subprocess.run([*git, *words.split()], check=True)
    done = subprocess.run(
        [sys.executable, import_recorder.__file__],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        input=json.dumps(CASES),
        capture_output=True,
        text=True,
        check=True,
    )
    found: Mapping[str, Any] = json.loads(done.stdout)
    assert {name: item["code"] for name, item in found.items() if item["code"]} == CODES, found
    return found


def listed(found: Mapping[str, Any]) -> str:
    """List what every command imports, then what each imports besides."""
    sets = {name: {*item["modules"], *(f"library.{one}" for one in item["libraries"])} for name, item in found.items()}
    common = set.intersection(*sets.values())
    parts = {"every command": common} | {name: names - common for name, names in sets.items()}
    return "\n".join(f"{name}\n{''.join(_lines(names))}" for name, names in parts.items())


def _lines(names: set[str]) -> Iterator[str]:
    """Yield a line for the libraries, one for modules and whole packages, and one for each package of which a part."""
    parts = defaultdict[str, set[str]](set)
    for name in names:
        package, _, module = name.partition(".")
        parts[package].add(module)
    yield from _line("libraries", parts.pop("library", set()))
    single = {package for package, modules in parts.items() if modules == {""} or package in WHOLE}
    yield from _line("modules and packages", single)
    for package in sorted(parts.keys() - single):
        yield from _line(f"of {package}", parts[package] - {""})


def _line(title: str, names: set[str]) -> Iterator[str]:
    if names:
        yield (
            textwrap.fill(f"{title}: {' '.join(sorted(names))}", 100, initial_indent="  ", subsequent_indent="    ")
            + "\n"
        )


def test_a_command_imports_no_more_than_is_listed(tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    golden("imports.txt", listed(recorded(tmp_path)))


def _commands(command: click.Command, words: Sequence[str] = ()) -> Iterator[str]:
    """Yield the words of each command that does something by itself."""
    if not isinstance(command, click.Group):
        yield " ".join(words)
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None
        yield from _commands(inner, [*words, name])


def test_every_command_is_run() -> None:
    assert sorted(_commands(ROOT)) == sorted(CASES.keys() - OTHERS)
