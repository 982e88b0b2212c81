"""The README against what it tells about: its commands run, its files load, its tables are complete."""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import pytest
import yaml
from packaging.requirements import Requirement

from reconciler import errors, workflow
from reconciler.cli import exit_codes, main
from reconciler.cli.root import ROOT as COMMANDS
from reconciler.cli.root import VERBS

REPOSITORY = Path(__file__).resolve().parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
OWN_WORDS = README.partition("<!-- reference:start -->")[0]
"""Without the reference, which is generated and has tests of its own."""


def blocks(language: str) -> list[tuple[int, str, str]]:
    """Every fenced block of a language: its line, the comment right above it, its text."""
    found = re.finditer(rf"(?:<!-- ([^>]*) -->\n)?```{language}\n(.*?)```", README, re.DOTALL)
    return [(README.count("\n", 0, match.start()) + 1, match[1] or "", match[2]) for match in found]


def table(first_heading: str) -> list[list[str]]:
    """The rows of the table whose first column has this heading, cells without their padding."""
    _, found, rest = OWN_WORDS.partition(f"\n| {first_heading} |")
    assert found, first_heading
    lines = rest.partition("\n\n")[0].split("\n")[2:]
    return [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


# --- the two commands ------------------------------------------------------------------------------------------------


def read_by_ci(name: str) -> str:
    """A command as .ci/run finds it: the very function, in the very shell."""
    script = (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")
    function = next(line for line in script.splitlines() if line.startswith("command_after()"))
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"{function}\ncommand_after {name}"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return result.stdout.strip()


def test_ci_runs_the_two_commands_of_the_readme() -> None:
    assert read_by_ci("run") == (
        "python3 -m venv .venv && .venv/bin/pip install -q . && "
        ".venv/bin/reconciler apply examples/quickstart --emulator demo.db --yes"
    )
    assert read_by_ci("test") == (
        "python3 -m venv .venv && .venv/bin/pip install -q --require-hashes -r requirements.lock && "
        ".venv/bin/pip install -q --no-deps --no-build-isolation -e . && .venv/bin/pytest -q"
    )


def test_the_two_commands_are_each_on_one_line_of_the_readme() -> None:
    commands = {comment: text for _, comment, text in blocks("sh") if comment.startswith("command:")}
    assert {name: text.count("\n") for name, text in commands.items()} == {"command:run": 1, "command:test": 1}


# --- what is shown on a terminal -------------------------------------------------------------------------------------


def steps() -> Iterator[tuple[str, list[str]]]:
    """Every command that the README shows with its output, in order."""
    for _, _, text in blocks("console"):
        for step in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            command, *output = step.rstrip("\n").split("\n")
            yield command, output


def without_durations(text: str) -> str:
    return re.sub(r"\d+\.\d s", "0.0 s", text)


def fits(shown: list[str], told: str) -> bool:
    """Whether lines are those of a text; a line that is only … stands for any number of them, at an end for any."""
    pattern = "".join(
        "(?:.*\n)*" if line == "…" else re.escape(line).replace("…", ".*") + "\n"
        for line in map(without_durations, shown)
    )
    return re.fullmatch(pattern, without_durations(told)) is not None


def test_what_the_readme_shows_on_a_terminal_is_what_a_terminal_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(REPOSITORY / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("TWILIO_")] + ["FORCE_COLOR", "COLUMNS"]:
        monkeypatch.delenv(name, raising=False)
    run = read_by_ci("run").rpartition(".venv/bin/reconciler ")[2]
    assert main(shlex.split(run)) == 0
    for command, output in steps():
        capsys.readouterr()
        program, *arguments = shlex.split(command)
        if program == "reconciler":
            main(arguments)
            told = capsys.readouterr()
            # On a terminal both streams are one.
            assert fits(output, told.out + told.err), f"{command}\n{told.out}{told.err}"
        else:
            assert program == "sed"
            subprocess.run([program, *arguments], check=True)
            assert output == []
    assert len(list(steps())) >= 6


def story() -> Iterator[tuple[str, int]]:
    """Every command that the README shows on a terminal or in a shell, in order, and how it ends."""
    found = re.finditer(r"(?:<!-- ([^>]*) -->\n)?```(sh|console)\n(.*?)```", OWN_WORDS, re.DOTALL)
    for match in found:
        if (match[1] or "").startswith("command:test"):
            continue
        if match[2] == "sh":
            # What installs it comes before the last `&&`.
            yield from ((line.rpartition("&& .venv/bin/")[2], 0) for line in match[3].splitlines())
            continue
        for step in re.split(r"^\$ ", match[3], flags=re.MULTILINE)[1:]:
            command, _, output = step.partition("\n")
            yield command, int("error:" in output)


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of a repository with the examples in it, and nobody's surroundings."""
    for name in [name for name in os.environ if name.startswith(("TWILIO_", "GIT_", "RECONCILER_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
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


def test_the_commands_of_the_readme_work_one_after_the_other(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = ""
    with contextlib.ExitStack() as servers:
        for command, expected in story():
            program, *arguments = shlex.split(command)
            if program in {".", "mkdir", "sed"}:
                assert program == "." or subprocess.run([program, *arguments], check=False).returncode == 0
            elif program == "export":
                for setting in arguments:
                    monkeypatch.setenv(*setting.split("=", 1))
            elif arguments[:2] == ["emulator", "serve"]:
                url = servers.enter_context(serving(arguments))
            else:
                assert program == "reconciler", command
                target = arguments[arguments.index(">") + 1] if ">" in arguments else os.devnull
                given = arguments[: arguments.index(">")] if ">" in arguments else arguments
                with Path(target).open("w", encoding="utf-8") as out, contextlib.redirect_stdout(out):
                    # Another test may have the port of the README.
                    code = main([url if word == "http://127.0.0.1:4010" else word for word in given])
                assert code == expected, command
    assert {"comment.md", "plan.html", "report.html", "issue.md"} <= {path.name for path in clone.iterdir()}


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


# --- commands, options, exit codes -----------------------------------------------------------------------------------


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
    (name, option)
    for name, command in LEAVES.items()
    for parameter in command.params
    if isinstance(parameter, click.Option)
    for option in (*parameter.opts, *parameter.secondary_opts)
}


def spelled(command: str) -> str:
    parameters = (parameter for parameter in LEAVES[command].params if isinstance(parameter, click.Argument))
    words = [parameter.make_metavar(click.Context(LEAVES[command])) for parameter in parameters]
    return " ".join(["reconciler", command, *words])


def test_the_table_of_commands_is_complete() -> None:
    assert [row[0].strip("`") for row in table("command")] == [spelled(name) for name in LEAVES]


def test_the_table_of_options_is_complete() -> None:
    told = {
        (command, option.split(" ")[0])
        for options, commands, _ in table("option")
        for option in re.findall(r"`([^`]+)`", options)
        for command in commands.split(", ")
    }
    assert told == OPTIONS


def test_the_table_of_options_names_what_they_take_and_what_they_are_without() -> None:
    for options, commands, what in table("option"):
        for command in commands.split(", "):
            defaults = []
            for text in re.findall(r"`([^`]+)`", options):
                name, _, takes = text.partition(" ")
                option = next(item for item in LEAVES[command].params if name in item.opts)
                assert isinstance(option, click.Option)
                metavar = re.sub(r"^\[(.*)\]$", r"\1", option.make_metavar(click.Context(LEAVES[command])))
                assert takes == ("" if option.is_flag else metavar), (command, name)
                assert ("Repeatable" in what) is option.multiple, (command, name)
                if isinstance(option.default, (int, str)) and option.show_default and not option.is_flag:
                    defaults.append(str(option.default))
            shown = f"({', '.join(defaults)})"
            assert not defaults or defaults == ["text"] or shown in what, (command, shown)


def test_the_readme_names_no_option_that_does_not_exist() -> None:
    known = {option for _, option in OPTIONS} | {"--help"}
    of_pip = {"--require-hashes", "--no-deps", "--no-build-isolation"}
    elsewhere = {"--write", *of_pip}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", OWN_WORDS)) <= known | elsewhere


def test_every_command_line_in_the_readme_is_understood() -> None:
    found = re.findall(r"\breconciler ((?:(?!&&|`|\n| #|\)\").)+)", OWN_WORDS)
    lines = [line for line in found if line.split(" ")[0] in VERBS and "[" not in line]
    assert len(lines) >= 12
    for line in lines:
        words = shlex.split(line.partition(" > ")[0].replace("OLD NAME", "OLD"))
        command: click.Command = COMMANDS
        context = click.Context(COMMANDS)
        while isinstance(command, click.Group):
            name, found_command, words = command.resolve_command(context, words)
            assert found_command is not None, line
            command, context = found_command, click.Context(found_command, info_name=name)
        if words:
            command.make_context(command.name, words)  # raises for what does not exist


def tree(error: type[BaseException]) -> Iterator[type[BaseException]]:
    yield error
    for below in error.__subclasses__():
        yield from tree(below)


def test_the_table_of_exit_codes_is_complete() -> None:
    codes = [int(row[0]) for row in table("code")]
    assert sorted(codes) == sorted(exit_codes.PRECEDENCE)
    raised = {error.exit_code for error in tree(errors.ReconcilerError) if issubclass(error, errors.ReconcilerError)}
    assert raised == {1, 3, 4, 130}
    assert raised | {exit_codes.DONE, exit_codes.DIFFERENCES, exit_codes.WITHHELD, exit_codes.BUG} == set(codes)


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "text"), [(line, text) for line, comment, text in blocks("yaml") if comment != "not a configuration"]
)
def test_every_configuration_in_the_readme_is_valid(line: int, text: str, tmp_path: Path) -> None:
    file = tmp_path / "reconciler.yaml"
    file.write_text(text)
    for environment in yaml.safe_load(text).get("environments", {"": None}):
        config = workflow.validate(
            workflow.Inputs(str(file), environment=environment, strict=True), {"HOOK_TOKEN": "token"}
        )
        assert config.resources, f"README.md:{line}"


def test_the_tables_of_the_action_are_the_action() -> None:
    action = yaml.safe_load((REPOSITORY / ".github/actions/reconcile/action.yml").read_text(encoding="utf-8"))
    inputs = {name: (what["description"], what.get("default")) for name, what in action["inputs"].items()}
    assert inputs == {
        name.strip("`"): (what.removesuffix("."), None if default == "required" else default.strip("`"))
        for name, what, default in table("input")
    }
    assert {name: what["description"] for name, what in action["outputs"].items()} == {
        name.strip("`"): what.removesuffix(".") for name, what in table("output")
    }


def test_the_readme_uses_the_action_as_it_is() -> None:
    hooks = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    action = yaml.safe_load((REPOSITORY / ".github/actions/reconcile/action.yml").read_text(encoding="utf-8"))
    shown = [yaml.safe_load(text) for _, comment, text in blocks("yaml") if comment == "not a configuration"]
    (steps, repositories) = shown
    assert [step["with"]["command"] for step in steps] == ["install", "plan"]
    assert all(step["with"].keys() <= action["inputs"].keys() for step in steps)
    assert [hook["id"] for hook in repositories["repos"][0]["hooks"]] == [hook["id"] for hook in hooks]


def test_every_top_level_key_is_in_the_table() -> None:
    from reconciler.config.layout import standard_layout

    layout = standard_layout()
    assert {row[0].strip("`") for row in table("key")} == {*layout.top_keys, "x-…"}


# --- the guide for contributors --------------------------------------------------------------------------------------


CONTRIBUTING = (REPOSITORY / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
LOCKS = ("requirements.lock", ".github/actions/reconcile/requirements.txt")
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_guide_draws_the_layers_as_they_are_checked() -> None:
    drawn = [" ".join(text.split()).split(" › ") for text in re.findall(r"```\n([^`]*›[^`]*)```", CONTRIBUTING)]
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    checked = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    assert drawn == [[layer for layer in layers if layer != "__main__"] for layers in checked]


def test_the_lock_file_agrees_with_the_project() -> None:
    project = PROJECT["project"]
    extras = itertools.chain(*project["optional-dependencies"].values())
    wanted = [Requirement(text) for text in (*project["dependencies"], *extras, *PROJECT["build-system"]["requires"])]
    text = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))
    assert [str(one) for one in wanted if not one.specifier.contains(locked.get(one.name.lower(), "0"))] == []
    # Each with its hashes, and from wherever the machine gets its packages.
    entries = re.findall(r"^[a-z0-9-]+==.*\\\n(?: {4}--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", text, re.MULTILINE)
    assert len(entries) == len(locked)
    head, _, below = text.partition("#    .ci/lock\n")
    assert all(line.startswith("# ") and "/" not in line for line in head.splitlines())
    assert below == "".join(entries)


def test_the_action_installs_what_the_lock_file_has() -> None:
    texts = [(REPOSITORY / name).read_text(encoding="utf-8") for name in LOCKS]
    everything, installed = (set(re.findall(r"^([a-z0-9-]+==\S+)", text, re.MULTILINE)) for text in texts)
    assert installed <= everything


def test_every_dependency_has_a_reason_in_the_guide() -> None:
    project = PROJECT["project"]
    required = [*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values())]
    names = {re.split(r"[>=<\[]", text)[0].lower() for text in required}
    rows = re.findall(r"^\| ([a-z, *-]+) \| ", CONTRIBUTING.partition("## Dependencies")[2], re.MULTILINE)
    told = {name for row in rows for name in row.split(", ")} - {"package"}
    assert {name for name in names if not name.startswith("types-")} == told - {"types-*"}


# --- the rest --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["README.md", ".github/CONTRIBUTING.md", ".github/SECURITY.md", "CHANGELOG.md"])
def test_links_lead_somewhere(name: str) -> None:
    file = REPOSITORY / name
    text = file.read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        if target.startswith("https://"):
            continue
        assert "://" not in target
        assert not path.startswith("/"), target
        assert not path or (file.parent / path).exists(), target
        assert not anchor or path or anchor in headings, target


def test_the_picture_is_current() -> None:
    script = REPOSITORY / ".github" / "picture.py"
    spec = importlib.util.spec_from_file_location("picture", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PICTURE.read_text(encoding="utf-8") == module.picture(), "draw it anew: python .github/picture.py"


def test_the_picture_says_in_words_what_it_shows() -> None:
    (alternative,) = re.findall(r"!\[([^\]]+)\]\(\.github/plan\.svg\)", README)
    assert len(alternative) > 100
