"""Renders the result of `drift` in the text format of Prometheus.

Takes a drift and facts about the run; returns text. Contains no values of the account or of the configuration. Does no
I/O.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from reconciler.documents.drift import DriftFile
from reconciler.documents.findings import findings
from reconciler.lazy_dataclass import dataclass
from reconciler.render.wording import seconds_between

FIRST_LINE = "# HELP reconciler_drift_success "
"""The start of every file, by which an earlier one is recognized."""
_LAST_SUCCESS = "reconciler_drift_last_success_timestamp_seconds"
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Facts about one run of `drift`.

    Attributes:
        environment: The environment; empty for none.
        ended: When it ended, as seconds since 1970.
        seconds: How long it took.
        last_success: When a run last read the whole account, this one included; None if none did.
    """

    environment: str
    ended: float
    seconds: float
    last_success: float | None


def drift_metrics(drift: DriftFile | None, run: RunFacts) -> str:
    """Render a run as metrics.

    Args:
        drift: What it found; None if it failed.
        run: Facts about it.
    """
    environment = {"environment": run.environment}
    is_whole = drift is not None and not drift.unreadable
    lines = [
        *_metric("success", "Whether the last run read the whole account.", [(environment, int(is_whole))]),
        *_metric("last_run_timestamp_seconds", "When the last run ended.", [(environment, run.ended)]),
        *_metric("duration_seconds", "How long the last run took.", [(environment, run.seconds)]),
    ]
    if run.last_success is not None:
        told = "When a run last read the whole account."
        lines += _metric("last_success_timestamp_seconds", told, [(environment, run.last_success)])
    if drift is not None:
        lines += _metric("requests", "The number of requests of the last run.", [(environment, drift.requests)])
        about = environment | {"account": drift.account_sid, "version": drift.tool_version}
        lines += _metric("info", "The account and the version of the tool.", [(about, 1)])
        counted = Counter((finding.kind, finding.standing) for finding in findings(drift))
        rows = [
            (environment | {"kind": kind, "class": standing}, number)
            for (kind, standing), number in sorted(counted.items())
        ]
        lines += _metric("findings", "The findings of the last run, by kind and class.", rows)
        oldest = sorted(_oldest(drift).items())
        ages = [(environment | {"class": standing}, number) for standing, number in oldest]
        told = "The age of the oldest finding, by class."
        lines += _metric("oldest_finding_age_seconds", told, ages) if ages else []
    return "\n".join(lines) + "\n"


def _oldest(drift: DriftFile) -> Mapping[str, int]:
    """Return the age of the oldest remaining finding of each class, from the history."""
    found: dict[str, int] = {}
    for row in drift.history:
        seconds = None if row.gone else seconds_between(row.first_seen, drift.created_at)
        if seconds is not None:
            found[row.standing] = max(seconds, found.get(row.standing, 0))
    return found


def last_success_in(text: str, environment: str) -> float | None:
    """Return when a run last read the whole account, from the metrics of an earlier run; None if it is unknown."""
    start = f"{_LAST_SUCCESS}{_labels({'environment': environment})} "
    line = next((line for line in text.splitlines() if line.startswith(start)), "").removeprefix(start)
    return float(line) if re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,9})?", line) else None


def _metric(name: str, told: str, rows: Iterable[tuple[Mapping[str, str], float]]) -> Iterator[str]:
    yield f"# HELP reconciler_drift_{name} {told}"
    yield f"# TYPE reconciler_drift_{name} gauge"
    for labels, value in rows:
        number = str(value) if isinstance(value, int) else f"{value:.3f}"
        yield f"reconciler_drift_{name}{_labels(labels)} {number}"


def _labels(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in labels.items()) + "}"
