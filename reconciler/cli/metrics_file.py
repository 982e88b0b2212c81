"""The file of ``drift --metrics``.

Takes a path and the result of a run; writes the file atomically, readable by others, as a collector of metrics needs.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.files import READABLE, write_file
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.documents.drift import DriftFile

_LARGEST = 16 * 1024 * 1024


class MetricsFile:
    """The file with the metrics of the last run.

    Args:
        path: Its path.
        environment: The environment of the configuration; empty for none.

    Raises:
        UsageError: The file exists and has other content, or cannot be read.
    """

    def __init__(self, path: str, environment: str) -> None:
        from reconciler.render.metrics import FIRST_LINE, last_success_in  # noqa: PLC0415 - help does without

        self._path = Path(path)
        self._environment = environment
        self._started = time.monotonic()
        text = _text_of(self._path)
        if text and not text.startswith(FIRST_LINE):
            raise UsageError(f"cannot write {path}: the file exists and has no metrics of drift. Use another file")
        self._last_success = last_success_in(text, environment)

    def write(self, drift: DriftFile | None) -> None:
        """Write the metrics of a run; None for one that failed.

        Raises:
            UsageError: The file cannot be written.
        """
        from reconciler.render.metrics import RunFacts, drift_metrics  # noqa: PLC0415 - help does without

        now = time.time()
        if drift is not None and not drift.unreadable:
            self._last_success = now
        facts = RunFacts(self._environment, now, time.monotonic() - self._started, self._last_success)
        write_file(self._path, drift_metrics(drift, facts), READABLE)


def _text_of(path: Path) -> str:
    """Read an earlier file; empty if there is none."""
    try:
        if not path.exists():
            return ""
        if not path.is_file() or path.stat().st_size > _LARGEST:
            raise UsageError(f"cannot write {path}: it exists and is not a file with metrics of drift")
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from None
