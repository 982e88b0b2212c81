"""Every page for users against the tool: its commands run, its configurations are valid, its links lead somewhere."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import pytest
import yaml

from reconciler import workflow
from reconciler.cli import main
from reconciler.cli.root import ROOT as COMMANDS
from reconciler.cli.root import VERBS
from tests.docs.pages import PAGES, REPOSITORY, Command, anchors, blocks, commands, links, read

PROGRAMS = {".", "cp", "mkdir", "mv", "rm", "sed", "git"}
"""Programs of the shell that pages use beside `reconciler`; entering a virtual environment has no effect here."""
NOT_OF_OURS = {"--require-hashes", "--no-deps", "--no-build-isolation", "--write", "--unshallow", "--no-edit"}
"""Options of other programs."""


# --- commands --------------------------------------------------------------------------------------------------------


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of a repository with the examples in it, and nobody's settings."""
    for name in [name for name in os.environ if name.startswith(("TWILIO_", "GIT_", "RECONCILER_"))]:
        monkeypatch.delenv(name)
    for name in ("FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.com")
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    shutil.copytree(REPOSITORY / "examples", origin / "examples")
    for command in (
        "git init -q -b main .",
        "git add -A",
        "git -c user.name=Ada -c user.email=ada@example.com commit -qm examples",
        f"git clone -q . {shlex.quote(str(clone))}",
    ):
        subprocess.run(shlex.split(command), cwd=origin, check=True, capture_output=True)
    monkeypatch.chdir(clone)
    return clone


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.usefixtures("clone")
def test_the_commands_of_a_page_work_one_after_the_other(
    page: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = _Shell(monkeypatch, capsys)
    with shell:
        for block in blocks(page, "sh", "console", "yaml"):
            if block.comment.startswith("file: "):
                path = Path(block.comment.removeprefix("file: "))
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text, encoding="utf-8")
            elif block.language != "yaml" and not block.comment.startswith(("command:test", "not run: ")):
                for command in commands(block):
                    shell.run(command, f"{page}:{block.line}")


class _Shell:
    """Runs a page's commands in this process, one after the other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self._servers = contextlib.ExitStack()
        self._url = ""

    def __enter__(self) -> None:
        """Start nothing yet."""

    def __exit__(self, *_error: object) -> None:
        """Stop the servers."""
        self._servers.close()

    def run(self, command: Command, where: str) -> None:
        """Run a command, and compare its exit status and its output with the page."""
        program, *arguments = shlex.split(command.text, comments=True)
        if program in PROGRAMS:
            assert program == "." or subprocess.run([program, *arguments], check=False).returncode == 0, where
        elif program == "cd":
            self._monkeypatch.chdir(arguments[0])
        elif program == "export":
            for setting in arguments:
                name, _, value = setting.partition("=")
                self._monkeypatch.setenv(name, value)
        elif arguments[:2] == ["emulator", "serve"]:
            self._url = self._servers.enter_context(serving(arguments))
        else:
            assert program == "reconciler", f"{where}: {command.text}"
            self._reconcile(command, arguments, where)

    def _reconcile(self, command: Command, arguments: list[str], where: str) -> None:
        target = arguments[arguments.index(">") + 1] if ">" in arguments else ""
        # Another test may have the port of the page.
        given = [self._url if word == "http://127.0.0.1:4010" else word for word in arguments]
        given = given[: given.index(">")] if target else given
        self._capsys.readouterr()
        code = main(given)
        written = self._capsys.readouterr()
        if target:
            Path(target).write_text(written.out, encoding="utf-8")
        shown = ("" if target else written.out) + written.err
        assert code == command.exits, f"{where}: {command.text}\n{shown}"
        assert not re.search(r"\[unused-|Nothing to undo", shown), f"{where}: in vain: {command.text}\n{shown}"
        # On a terminal both streams are one.
        assert command.output is None or fits(command.output, shown), f"{where}: {command.text}\n{shown}"


def without_durations(text: str) -> str:
    return re.sub(r"\d+\.\d ?s\b", "0.0 s", text)


def fits(shown: Sequence[str], printed: str) -> bool:
    """Whether lines are those of a text; a line that is only … stands for any number of them, at an end for any."""
    pattern = "".join(
        "(?:.*\n)*" if line == "…" else re.escape(line).replace("…", ".*") + "\n"
        for line in map(without_durations, shown)
    )
    return re.fullmatch(pattern, without_durations(printed)) is not None


@contextlib.contextmanager
def serving(arguments: Sequence[str]) -> Iterator[str]:
    """A command that serves an emulator, on a port of its own; gives its URL."""
    port = arguments.index("--port") if "--port" in arguments else len(arguments)
    given = [*arguments[:port], *arguments[port + 2 :], "--port", "0"]
    command = [sys.executable, "-m", "reconciler", *given]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found is not None, arguments
            yield found[0]
        finally:
            process.terminate()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_each_file_that_it_shows(page: str) -> None:
    for text, name in re.findall(r"\n\n((?:(?!\n\n).)+)\n\n<!-- file: (\S+) -->", read(page), re.DOTALL):
        assert f"`{name}`" in text


# --- options ---------------------------------------------------------------------------------------------------------


def leaves(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None
            yield from leaves(found, f"{name} {below}".strip())
    else:
        yield name, command


LEAVES = dict(leaves(COMMANDS, ""))
OPTIONS = {
    option
    for command in LEAVES.values()
    for parameter in command.params
    if isinstance(parameter, click.Option)
    for option in (*parameter.opts, *parameter.secondary_opts)
}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_no_option_that_does_not_exist(page: str) -> None:
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", read(page))) <= OPTIONS | {"--help", "--version"} | NOT_OF_OURS


@pytest.mark.parametrize("page", PAGES)
def test_every_command_line_of_a_page_is_understood(page: str) -> None:
    found = re.findall(r"\breconciler ((?:(?!&&|`|\n| #| \| |\)\").)+)", read(page))
    for line in found:
        words = line.split(" ")
        if words[0] not in VERBS or "[" in line or "…" in line or any(word.isupper() for word in words):
            continue  # the name of a command in a sentence, or one with placeholders
        words = shlex.split(line.partition(" > ")[0])
        command: click.Command = COMMANDS
        context = click.Context(COMMANDS)
        while isinstance(command, click.Group) and words:
            name, found_command, words = command.resolve_command(context, words)
            assert found_command is not None, line
            command, context = found_command, click.Context(found_command, info_name=name)
        if words:
            command.make_context(command.name, words)  # raises for what does not exist


# --- configurations --------------------------------------------------------------------------------------------------

CONFIGURATIONS = [
    (f"{page}:{block.line}", block.text)
    for page in PAGES
    for block in blocks(page, "yaml")
    if block.comment not in {"not a configuration", "a part of a configuration"}
    and not block.comment.startswith("file: ")  # the commands of the page use these
]


@pytest.mark.parametrize(("place", "text"), CONFIGURATIONS)
def test_every_configuration_of_a_page_is_valid(place: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / "reconciler.yaml"
    file.write_text(text)
    for environment in yaml.safe_load(text).get("environments", {"": None}):
        config = workflow.validate(
            workflow.Inputs(str(file), environment=environment, strict=True), {"HOOK_TOKEN": "token"}
        )
        assert config.resources, place


# --- Python ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "text"), [(f"{page}:{block.line}", block.text) for page in PAGES for block in blocks(page, "python")]
)
def test_the_python_of_a_page_runs(place: str, text: str, clone: Path) -> None:
    shutil.copytree("examples/quickstart", "conversations")
    text = text.replace(', env="staging"', "")
    file = clone / "test_of_the_page.py"
    file.write_text(text)
    # Without the plugins that only this run needs; ours comes with the package.
    others = ("cacheprovider", "schemathesis", "hypothesispytest", "anyio", "pytest_cov", "xdist", "xdist.looponfail")
    without = [word for name in others for word in ("-p", f"no:{name}")]
    run = [sys.executable, "-m", "pytest", "-q", *without] if "def test_" in text else [sys.executable]
    # Not the options of this run, such as those for coverage.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    ended = subprocess.run([*run, file.name], capture_output=True, text=True, check=False, env=environment)
    assert ended.returncode == 0, f"{place}\n{ended.stdout}{ended.stderr}"


# --- links -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*PAGES, ".github/CONTRIBUTING.md", ".github/SECURITY.md", "CHANGELOG.md"])
def test_links_lead_somewhere(name: str) -> None:
    file = REPOSITORY / name
    for target in links(read(name)):
        path, _, anchor = target.partition("#")
        if target.startswith("https://"):
            continue
        assert "://" not in target
        assert not path.startswith("/"), target
        linked = (file.parent / path) if path else file
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked.read_text(encoding="utf-8")), target


def test_every_page_is_linked_from_the_readme() -> None:
    linked = {str(Path(os.path.normpath(target.partition("#")[0]))) for target in links(read("README.md"))}
    assert set(PAGES) - {"README.md"} <= linked
