"""Golden files: what a renderer gave when somebody last looked at it.

`pytest tests/render --update-golden` writes them anew; the difference in git is then to be read by a person.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).resolve().parents[1] / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares a text with a golden file, by its path in tests/golden."""
    # The option is not known where this folder is only one of many; then nothing is updated.
    update = bool(request.config.getoption("--update-golden", default=False))

    def compare(path: str, text: str) -> None:
        file = GOLDEN / path
        if update:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="")
        assert file.exists(), "new: run `pytest tests/render --update-golden` and look at it"
        assert text == file.read_text(encoding="utf-8")

    return compare
