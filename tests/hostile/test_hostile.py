"""Hostile files, live values and saved files: each ends as the corpus says, and does nothing to a terminal."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.cli import main
from tests.hostile import corpus
from tests.hostile.corpus import Case

CASES = tuple(corpus.cases())
LONGEST = {
    "a plan with inside of everything", "a saved file of many lists", "a million items", "ten thousand services",
    "twenty thousand unknown keys", "a plan with a hundred thousand unmanaged", "live a name that is a megabyte",
}  # fmt: skip
"""Cases that take long; other cases of the same sort take less."""


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("account") / "a.db"
    corpus.account(path)
    return path


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith("TWILIO_") or name in {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_corpus_is_large_and_no_case_stands_in_it_twice() -> None:
    assert len({case.name for case in CASES}) == len(CASES) > 300


@pytest.mark.parametrize(
    ("case", "every"),
    [
        pytest.param(case, every, id=f"{case.name}-{way}", marks=[pytest.mark.slow] if every or is_long else [])
        for case in CASES
        for every, way in ((False, "once"), (True, "every way"))
        for is_long in [case.name in LONGEST]
    ],
)
def test_hostile_input_ends_as_the_corpus_says(  # noqa: PLR0917 - fixtures
    case: Case,
    every: bool,  # noqa: FBT001 - a table's column
    account: Path,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    corpus.lay_out(case, here)
    if case.answers:
        (here / "a.db").write_bytes(account.read_bytes())
        corpus.tamper(case, monkeypatch.setattr)
    for number, command in enumerate(case.commands if every else case.commands[:1]):
        code = main(command)
        out, err = capsys.readouterr()
        assert (code, "Traceback" in out + err) == (case.exit, False), err[:2000]
        # Whatever it was, the only thing in what is said that moves a cursor is our own line break.
        assert (out + err).replace("\n", "").isprintable()
        if number == 0:
            assert case.says in " ".join((out + err).split())


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in CASES if not case.answers], ids=lambda case: case.name)
def test_hostile_input_stays_within_its_limits_of_processor_and_memory(case: Case, here: Path) -> None:
    corpus.lay_out(case, here)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

    ended = subprocess.run(
        [sys.executable, "-m", "reconciler", *case.commands[0]], capture_output=True, check=False, preexec_fn=limit
    )
    assert ended.returncode == case.exit
