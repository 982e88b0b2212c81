"""The README on its own: the two commands that it promises, its size, and its picture."""

from __future__ import annotations

import importlib.util
import re
import subprocess

import yaml

from tests.docs.pages import REPOSITORY, blocks, read

README = read("README.md")


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
    found = {block.comment: block.text for block in blocks("README.md", "sh") if block.comment.startswith("command:")}
    assert {name: text.count("\n") for name, text in found.items()} == {"command:run": 1, "command:test": 1}


def test_the_readme_can_be_read_in_a_few_minutes() -> None:
    assert 8_000 <= len(README.encode()) <= 10_000


def test_the_readme_uses_the_action_as_it_is() -> None:
    action = yaml.safe_load((REPOSITORY / ".github/actions/reconcile/action.yml").read_text(encoding="utf-8"))
    (block,) = (block for block in blocks("README.md", "yaml") if block.comment == "not a configuration")
    (job,) = yaml.safe_load(block.text)["jobs"].values()
    (step,) = (step for step in job["steps"] if "/reconcile@" in step["uses"])
    assert step["with"].keys() <= action["inputs"].keys()


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
