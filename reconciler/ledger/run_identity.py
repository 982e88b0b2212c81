"""The identity of this run: the actor, the CI run, the machine, and the process.

Takes environment variables; returns the description of a run for an entry, and whether the process of another run has
ended. Two processes are on the same machine only if they can see each other: the same boot and the same process
namespace.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import platform
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from reconciler.documents.ledger import LedgerRun

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = Path("/proc/self/ns/pid")
_START_TIME = 19
"""The position of the start time after the state in ``/proc/PID/stat``. Source: proc(5)."""
_LONGEST = 200


def utc_now() -> datetime:
    """Return the time of day, in UTC."""
    return datetime.now(UTC)


def as_text(moment: datetime) -> str:
    """Return a time as entries store it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def as_time(text: str) -> datetime:
    """Parse a time that an entry stores.

    Raises:
        ValueError: There is no such time.
    """
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def describe_run(environment: Mapping[str, str]) -> LedgerRun:
    """Describe this run."""
    run, attempt, url = _ci_run(environment)
    return LedgerRun(
        id=run[:_LONGEST],
        attempt=attempt,
        url=url[:_LONGEST],
        machine=platform.node()[:_LONGEST],
        machine_id=machine_id(),
        process=process_name(os.getpid()),
    )


def actor_of(environment: Mapping[str, str], git_name: Callable[[], str]) -> str:
    """Return the actor: the user of the CI service, or git's user, or the machine's.

    Args:
        environment: Environment variables.
        git_name: Returns the name of git's user; empty if none is configured. A CI service makes it unnecessary.
    """
    names = (
        *(environment.get(name, "") for name in ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_REQUESTEDFOR")),
        *(environment.get(name, "") for name in ("BUILDKITE_BUILD_CREATOR", "CIRCLE_USERNAME")),
    )
    found = next((name for name in names if name.strip()), "") or git_name().strip()
    if not found:
        try:
            found = getpass.getuser()
        except (OSError, KeyError):  # no name for this user ID, as in some containers
            found = "unknown"
    return "".join(character for character in found if character.isprintable())[:_LONGEST] or "unknown"


def _ci_run(environment: Mapping[str, str]) -> tuple[str, int, str]:
    """Return the run, its attempt, and its URL: those of a job, so that jobs of one run do not release each other.

    Sources: GitHub Docs, default environment variables; GitLab Docs, predefined CI/CD variables; Azure Pipelines,
    predefined variables; Buildkite, environment variables; CircleCI, built-in variables.
    """
    get = environment.get
    if get("GITHUB_RUN_ID"):
        url = f"{get('GITHUB_SERVER_URL', 'https://github.com')}/{get('GITHUB_REPOSITORY', '')}/actions/runs/"
        return (
            f"github {get('GITHUB_REPOSITORY', '')} {get('GITHUB_RUN_ID', '')} {get('GITHUB_JOB', '')}",
            _number(get("GITHUB_RUN_ATTEMPT")),
            f"{url}{get('GITHUB_RUN_ID', '')}",
        )
    if get("GITLAB_CI"):
        # A job that is run again has the same name in the same pipeline, and a higher ID.
        run = f"gitlab {get('CI_PROJECT_ID', '')} {get('CI_PIPELINE_ID', '')} {get('CI_JOB_NAME', '')}"
        return run, _number(get("CI_JOB_ID")), get("CI_JOB_URL", "")
    if get("TF_BUILD"):
        url = f"{get('SYSTEM_COLLECTIONURI', '')}{get('SYSTEM_TEAMPROJECT', '')}/_build/results?buildId="
        run = f"azure {get('SYSTEM_TEAMPROJECTID', '')} {get('BUILD_BUILDID', '')} {get('SYSTEM_JOBNAME', '')}"
        return run, _number(get("SYSTEM_JOBATTEMPT")), f"{url}{get('BUILD_BUILDID', '')}"
    if get("BUILDKITE"):
        run = f"buildkite {get('BUILDKITE_BUILD_ID', '')} {get('BUILDKITE_STEP_ID', '')}"
        return run, _number(get("BUILDKITE_RETRY_COUNT")), get("BUILDKITE_BUILD_URL", "")
    if get("CIRCLECI"):
        return f"circleci {get('CIRCLE_WORKFLOW_JOB_ID', '')}", 0, get("CIRCLE_BUILD_URL", "")
    return "", 0, ""


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else 0


def machine_id() -> str:
    """Return a digest shared by the processes of this machine that can see each other; empty if unknown."""
    try:
        parts = (_BOOT.read_text(encoding="ascii").strip(), str(_NAMESPACE.readlink()), platform.node())
    except (OSError, ValueError):
        return ""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def process_name(pid: int) -> str:
    """Return the name of a running process: its number and its start time; empty if there is none or it is unknown."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The program's name, in parentheses, may contain any character.
    state, *rest = stat.rpartition(")")[2].split()
    return "" if state in "ZXx" or len(rest) < _START_TIME else f"{pid} {rest[_START_TIME - 1]}"


def has_ended(run: LedgerRun) -> bool:
    """Return whether the process of a run has certainly ended: it was on this machine, and no longer exists."""
    pid, _, start = run.process.partition(" ")
    if not (run.machine_id and run.machine_id == machine_id() and start and pid.isascii() and pid.isdigit()):
        return False
    return len(pid) < 19 and process_name(int(pid)) != run.process
