"""Near misses of file names, for suggestions.

Takes the path of a file that does not exist; returns a path beside it, or none. Lists one folder, and reads no file.
"""

from __future__ import annotations

import itertools
from pathlib import Path

from reconciler.config.similar import closest

_MOST_LISTED = 1_000


def near_file(path: Path) -> Path | None:
    """Return the path of the file or folder beside a missing one whose name is most similar; None if there is none."""
    try:
        names = [one.name for one in itertools.islice(path.parent.iterdir(), _MOST_LISTED)]
    except (OSError, ValueError):
        return None
    meant = closest(path.name, (name for name in names if not name.startswith(".")))
    return path.parent / meant if meant and meant != path.name else None


def or_near_file(path: str) -> str:
    """Return the sentence that suggests another file; empty if no name is similar. Starts with a period."""
    meant = near_file(Path(path))
    return f". Did you mean {meant.as_posix()}?" if meant is not None else ""
