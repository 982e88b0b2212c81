"""The story of examples/ledger: the script runs, and its output is what the page shows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import REPOSITORY, blocks

PAGE = "examples/ledger/README.md"


def normalized(text: str) -> str:
    """A text without what differs from run to run."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "TIME", text)
    return re.sub(r"\b(?=[0-9a-f]*\d)[0-9a-f]{7,40}\b", "COMMIT", re.sub(r"\b[a-f]{7,40}\b", "COMMIT", text))


def pattern(shown: str) -> str:
    """The regular expression of a shortened output: … stands for the rest of a line, or, alone, for any lines."""
    lines = normalized(shown).splitlines()
    return "".join("(?:.*\n)*?" if line == "…" else ".*".join(map(re.escape, line.split("…"))) + "\n" for line in lines)


@pytest.mark.slow
def test_the_story_happens_as_the_page_tells_it(tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    git = shutil.which("git")
    assert git
    (programs / "git").symlink_to(git)
    (programs / "reconciler").write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m reconciler "$@"\n')
    (programs / "reconciler").chmod(0o755)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    script = str(REPOSITORY / "examples/ledger/story.sh")
    done = subprocess.run(
        ["bash", script], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={
            "PATH": f"{programs}{os.pathsep}/usr/bin{os.pathsep}/bin", "HOME": str(tmp_path), "LANG": "C.UTF-8",
            "TMPDIR": str(temporary), "GIT_CONFIG_NOSYSTEM": "1",
        },
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert list(temporary.iterdir()) == []
    output, position = normalized(done.stdout), 0
    for block in blocks(PAGE, "text"):
        found = re.compile(pattern(block.text)).search(output, position)
        assert found, f"{PAGE}:{block.line}"
        position = found.end()
