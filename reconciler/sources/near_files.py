"""Near misses of file names, for suggestions.

Takes the path of a file that does not exist; returns a path beside it, or none. Lists one folder, and reads at most the
beginning of one file.
"""

from __future__ import annotations

import itertools
from pathlib import Path

from reconciler.config.similar import closest

_MOST_LISTED = 1_000
_HEAD = 100
"""The bytes of a document that contain its format."""


def near_file(path: Path) -> Path | None:
    """Return the path of the file or folder beside a missing one whose name is most similar; None if there is none."""
    try:
        names = [one.name for one in itertools.islice(path.parent.iterdir(), _MOST_LISTED)]
    except (OSError, ValueError):
        return None
    meant = closest(path.name, (name for name in names if not name.startswith(".")))
    return path.parent / meant if meant and meant != path.name else None


def or_near_file(path: str, document: str = "") -> str:
    """Return the sentence that suggests another file; empty if no name is similar. Starts with a period.

    Args:
        path: The path of the missing file.
        document: The format of the document that the file has to be, such as ``reconciler.plan``; empty for any file.
    """
    meant = near_file(Path(path))
    return f". Did you mean {meant.as_posix()}?" if meant is not None and _begins_with(meant, document) else ""


def _begins_with(path: Path, document: str) -> bool:
    """Whether a file begins like a document of a format."""
    if not document:
        return True
    try:
        with path.open("rb") as file:
            return f'"{document}"'.encode() in file.read(_HEAD)
    except OSError:
        return False
