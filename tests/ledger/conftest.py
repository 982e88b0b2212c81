"""A remote and a clone with a configuration, copied from one template."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import forget_surroundings, runner
from tests.ledger import clones as module
from tests.ledger.clones import Clones


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as monkeypatch:
        module.forget_git(monkeypatch, folder)
        module.build(folder)
    return folder


@pytest.fixture
def clones(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Clones:
    """A remote and a clone of it; the ledger has not begun."""
    forget_surroundings(monkeypatch)
    monkeypatch.setenv("COLUMNS", "1000")
    module.forget_git(monkeypatch, tmp_path)
    module.copied(template, tmp_path)
    monkeypatch.chdir(tmp_path / "here")
    return Clones(tmp_path, runner(capsys), monkeypatch.chdir, template)
