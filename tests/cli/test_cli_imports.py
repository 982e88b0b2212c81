"""The modules that each command may import: most of the CPU time of a short command is the time of its imports.

A command that needs another module gets it here, after a look at `python -m tests.benchmarks startup`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
LIBRARIES = _names("asyncio click cryptography deepdiff httpx logging pydantic sqlite3 ssl uvicorn yaml")
"""What is looked for besides the modules of this project: its dependencies, and the slow parts of Python's library."""
WHOLE = _names("api config emulator kinds planning redaction")
"""Packages of which only the name is listed."""

START = _names("click cli cli.console cli.entry cli.exit_codes cli.manual cli.root cli.signals errors lazy_dataclass")
OPTIONS = START | _names(
    "logging address cli.candidates cli.choices cli.options cli.output config ledger ledger.options api redaction "
    "sources sources.near_files workflow workflow.inputs"
)
READING = OPTIONS | _names(
    "yaml json_text kinds render render.terminal sources.disk workflow.loading workflow.replacing"
)
PLAN_OPTIONS = OPTIONS | _names("cli.files cli.next_steps cli.plan cli.running cli.showing render render.terminal")
COMMANDS: Mapping[str, tuple[Sequence[str], frozenset[str]]] = {
    "--version": (["--version"], START),
    "plan --help": (["plan", "--help"], PLAN_OPTIONS),
    "completion of an address": ([], PLAN_OPTIONS | _names("yaml cli.shells json_text kinds sources.disk")),
    "validate": (["validate", "quickstart"], READING | {"cli.validate", "render.problems"}),
    "plan --emulator": (
        ["plan", "quickstart", "--emulator", "FILE"],
        PLAN_OPTIONS
        | READING
        | _names(
            "asyncio httpx sqlite3 ssl api change documents documents.base documents.journal documents.parts "
            "documents.plan documents.plan_steps documents.saved documents.values documents.ways_out emulator "
            "execution execution.journal_file journal planning render.line_diff render.progress render.rows "
            "render.standing render.text render.values render.view render.wording report sources.git_process state "
            "workflow.baselines workflow.connecting workflow.ledgers workflow.other_ledgers workflow.owners "
            "workflow.planning workflow.recording"
        ),
    ),
}
PROGRAM = """\
import atexit, sys
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
from reconciler.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_imports_no_more_than_it_needs(name: str, tmp_path: Path) -> None:
    arguments, allowed = COMMANDS[name]
    words = {"_RECONCILER_COMPLETE": "zsh_complete", "COMP_WORDS": "reconciler\nplan\nquickstart\n--target"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *(str(tmp_path / "a.db") if word == "FILE" else word for word in arguments)],
        cwd=EXAMPLES,
        env=os.environ | ({} if arguments else words | {"COMP_CURRENT": ""}),
        capture_output=True,
        text=True,
        check=True,
    )
    modules = done.stderr.splitlines()[-1].split()
    parts = [module.split(".")[1:] for module in modules if module.startswith("reconciler.")]
    own = {part[0] if part[0] in WHOLE else ".".join(part) for part in parts}
    assert sorted((own | (LIBRARIES & set(modules))) - allowed) == []
    assert sorted(allowed - own - LIBRARIES) == []  # nothing is listed in vain
