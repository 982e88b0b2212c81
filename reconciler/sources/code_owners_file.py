"""Reads the CODEOWNERS file of the repository that contains a configuration.

Takes a path; returns the top folder of its repository and the text of the file. Does not run git.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
"""In the order of GitHub, which uses the first one that exists (GitHub docs, "About code owners")."""
LARGEST = 3_000_000
"""Bytes: GitHub ignores a larger file (GitHub docs, "About code owners")."""


class CodeOwnersText(NamedTuple):
    """The top folder of a repository, and the text of its CODEOWNERS file."""

    top: Path
    text: str


def read_code_owners(path: str) -> CodeOwnersText | None:
    """Return the CODEOWNERS file that applies to a path; None without a repository, or without a readable file."""
    try:
        start = Path(path).resolve()
        # In a worktree or a submodule, .git is a file.
        top = next((folder for folder in (start, *start.parents) if (folder / ".git").exists()), None)
        found = next((top / place for place in PLACES if (top / place).is_file()), None) if top else None
        if top is None or found is None or found.stat().st_size > LARGEST:
            return None
        return CodeOwnersText(top, found.read_text(encoding="utf-8-sig", errors="replace"))
    except (OSError, ValueError):
        return None


def path_in(top: Path, file: str) -> str:
    """Return the path of a file from the top of its repository; empty if it is not in it."""
    try:
        place = Path(file).resolve()
        return place.relative_to(top).as_posix() if place.is_file() else ""
    except (OSError, ValueError):
        return ""
