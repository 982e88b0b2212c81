"""The guide for contributors against the project: layers, dependencies, locks."""

from __future__ import annotations

import itertools
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.docs.modules import module
from tests.docs.pages import REPOSITORY

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


# --- limits of size ---------------------------------------------------------------------------------------------------


def paths() -> list[Path]:
    """Return every module of the package and of the action."""
    folders = (REPOSITORY / "reconciler", REPOSITORY / ".github" / "actions" / "reconcile")
    return [path for folder in folders for path in folder.rglob("*.py")]


@pytest.mark.parametrize(("sort", "limit"), [("function", 60), ("class", 300)], ids=["function", "class"])
def test_no_function_or_class_is_longer_than_the_guide_allows(sort: str, limit: int) -> None:
    assert "Functions have at most 60 lines, classes at most 300." in CONTRIBUTING
    long = [
        f"{path.relative_to(REPOSITORY)}:{found.line}"
        for path in paths()
        for found in module(path).definitions
        if found.sort == sort and found.length > limit
    ]
    assert long == []


def test_few_modules_are_at_the_top() -> None:
    assert len([path for path in paths() if path.parent == REPOSITORY / "reconciler"]) <= 13


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [path for path in paths() if path.stem in {"utils", "helpers", "manager"}] == []
