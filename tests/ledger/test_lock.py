"""When the lock of a started entry is released, and how its holder is named."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.documents.ledger import LedgerEntry, LedgerRun
from reconciler.ledger import lock
from reconciler.ledger.run_identity import actor_of, as_text, describe_run, has_ended, machine_id, process_name
from tests.ledger.stored import started

NOW = datetime(2026, 11, 20, 14, 10, tzinfo=UTC)
GITHUB = {
    "GITHUB_RUN_ID": "981",
    "GITHUB_RUN_ATTEMPT": "1",
    "GITHUB_JOB": "apply",
    "GITHUB_REPOSITORY": "acme/config",
    "GITHUB_ACTOR": "deploy-bot",
}
ELSEWHERE = LedgerRun(machine="ci-7", machine_id="other", process="12 345")
HERE = describe_run({})


def is_held(entry: LedgerEntry, run: LedgerRun = HERE, now: datetime = NOW) -> bool:
    return lock.is_held(entry, run, now)


def test_a_start_is_held_until_its_outcome() -> None:
    assert is_held(started(run=ELSEWHERE))
    assert not is_held(started(run=ELSEWHERE, status="incomplete"))
    assert not is_held(started(run=ELSEWHERE, status="applied"))


def test_it_is_released_five_minutes_after_its_deadline() -> None:
    deadline = datetime(2026, 11, 20, 14, 32, tzinfo=UTC)
    assert is_held(started(run=ELSEWHERE), now=deadline + timedelta(minutes=5))
    assert not is_held(started(run=ELSEWHERE), now=deadline + timedelta(minutes=5, seconds=1))


def test_a_start_in_the_future_is_not_released() -> None:
    late = as_text(NOW + timedelta(minutes=6))
    assert is_held(started(run=ELSEWHERE, started_at=late, deadline="2020-01-01T00:00:00Z"))
    assert is_held(started(run=ELSEWHERE, started_at="2026-13-40T00:00:00Z", deadline="2020-01-01T00:00:00Z"))


def test_it_is_released_by_a_later_attempt_of_its_ci_job() -> None:
    first = describe_run(GITHUB)
    entry = started(run=replace(first, machine_id="other"))
    assert is_held(entry, first)
    assert not is_held(entry, describe_run({**GITHUB, "GITHUB_RUN_ATTEMPT": "2"}))
    assert is_held(entry, describe_run({**GITHUB, "GITHUB_RUN_ATTEMPT": "2", "GITHUB_JOB": "other"}))
    assert is_held(entry, describe_run({**GITHUB, "GITHUB_RUN_ATTEMPT": "2", "GITHUB_RUN_ID": "982"}))


@pytest.mark.skipif(not machine_id(), reason="this system does not tell its processes apart")
def test_it_is_released_by_the_end_of_its_process_on_this_machine() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    run = replace(HERE, process=process_name(child.pid))
    assert is_held(started(run=run))
    child.kill()
    child.communicate()
    assert not is_held(started(run=run))
    assert is_held(started(run=replace(run, machine_id="other")))
    assert has_ended(replace(HERE, process=f"{os.getpid()} 1"))  # a number that was used again
    assert not has_ended(HERE)
    assert not has_ended(replace(HERE, process="x y"))


def test_the_holder_is_named() -> None:
    entry = started(run=replace(ELSEWHERE, url="https://ci.example.com/runs/981"))
    assert str(lock.held(entry, "prod", NOW)) == (
        "another apply of prod is in progress\n"
        "  started 14:02 UTC by deploy-bot, deadline 14:32 UTC, https://ci.example.com/runs/981\n"
        "  = wait for it; if it has ended, use --take-over"
    )
    assert lock.in_progress(started(run=ELSEWHERE), "prod", NOW + timedelta(days=1)).splitlines()[1] == (
        "  started 2026-11-20 14:02 UTC by deploy-bot, deadline 2026-11-20 14:32 UTC, ci-7, process 12"
    )


def test_the_actor_is_that_of_the_ci_service_or_of_git() -> None:
    assert actor_of(GITHUB, lambda: "Ada") == "deploy-bot"
    assert actor_of({}, lambda: "Ada\x1b[31m") == "Ada[31m"
    assert actor_of({}, lambda: "")


def test_a_run_is_named_by_its_ci_service() -> None:
    run = describe_run(GITHUB)
    assert (run.id, run.attempt) == ("github acme/config 981 apply", 1)
    assert run.url == "https://github.com/acme/config/actions/runs/981"
    gitlab = {
        "GITLAB_CI": "true",
        "CI_PROJECT_ID": "5",
        "CI_PIPELINE_ID": "7",
        "CI_JOB_NAME": "apply",
        "CI_JOB_ID": "9",
    }
    run = describe_run(gitlab)
    assert (run.id, run.attempt) == ("gitlab 5 7 apply", 9)
    assert (HERE.id, HERE.attempt, HERE.url) == ("", 0, "")
