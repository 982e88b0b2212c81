"""Starting up: help, versions, wrong usage, and importing no more than is needed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from reconciler import __version__
from reconciler.cli.root import VERBS
from tests.cli.conftest import in_process_of_its_own
from tests.commands import Result

Cli = Callable[..., Result]
HEAVY = ("pydantic", "httpx", "yaml", "asyncio", "uvicorn", "sqlite3")


@pytest.mark.parametrize(
    ("commands", "without"),
    [
        (
            [
                ["--help"],
                ["--version"],
                [],
                *([verb, "--help"] for verb in VERBS if verb != "emulator"),
                ["completion", "bash"],
            ],
            HEAVY,
        ),
        ([["schema", "plan"]], ("httpx", "yaml", "uvicorn", "sqlite3")),
    ],
    ids=["no plan", "schema"],
)
def test_start_up_is_lean(commands: list[list[str]], without: tuple[str, ...]) -> None:
    # One process for all of them: what none of them imports, no single one imports.
    program = (
        "import sys, reconciler.cli\n"
        f"for arguments in {commands!r}:\n"
        "    code = reconciler.cli.main(arguments)\n"
        f"    print('imported:', sorted(set({without!r}) & set(sys.modules)), code, arguments)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    told = [line for line in done.stdout.splitlines() if line.startswith("imported:")]
    assert told == [f"imported: [] 0 {arguments}" for arguments in commands], done.stderr


def test_version(cli: Cli) -> None:
    assert cli("--version") == Result(0, f"reconciler {__version__}\n", "")


def test_as_a_module() -> None:
    done = in_process_of_its_own("--version")
    assert (done.returncode, done.stdout) == (0, f"reconciler {__version__}\n")


def test_help_lists_every_verb_with_a_sentence(cli: Cli) -> None:
    result = cli("--help")
    assert result.code == 0
    for verb, (_, sentence) in VERBS.items():
        assert f"  {verb} " in result.out
        assert sentence in " ".join(result.out.split())
    assert cli() == result


@pytest.mark.parametrize("verb", [*VERBS, "emulator serve"])
def test_every_verb_explains_itself(cli: Cli, verb: str) -> None:
    result = cli(*verb.split(), "--help")
    assert result.code == 0
    assert f"Usage: reconciler {verb}" in result.out
    assert verb == "emulator" or "Example" in result.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["pln"], "Did you mean `reconciler plan`?"),
        (["frobnicate"], "Available: init, validate, plan"),
        (["plan", "--evn", "x"], "--env"),
        (["plan", "a", "b"], "unexpected extra argument"),
        (["plan", "--concurrency", "0"], "--concurrency"),
        (["plan", "--var", "nothing"], "NAME=VALUE"),
        (["plan", "--target", "a b"], "services.support.roles.agent"),
        (["plan", "--emulator", "x", "--api-url", "https://x"], "use either --emulator or --api-url, not both"),
        (["plan", "--emulator", "x", "--profile", "y"], "--profile"),
        (["plan", "--format", "yaml"], "json"),
        (["show"], "FILE"),
        (["schema", "other"], "config"),
        (["emulator", "serve"], "--db"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_ends_with_1_and_says_the_way_out(cli: Cli, arguments: list[str], says: str) -> None:
    result = cli(*arguments)
    assert result.code == 1
    assert result.out == ""
    assert says in " ".join(result.err.split())
    assert "--help" in result.err
    as_json = cli(*arguments, "--format=json")
    assert as_json.code == 1
    assert as_json.json["exit_code"] == 1


def test_a_variable_that_is_malformed_is_not_repeated(cli: Cli) -> None:
    assert "hunter2" not in cli("plan", "--var", "hunter2").err
