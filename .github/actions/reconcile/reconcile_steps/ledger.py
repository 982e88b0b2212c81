"""Gives `reconciler` the ledger: the job's clone gets its refs, and git gets the token for the repository.

Takes the input `ledger`, the prefix of the refs. The token is in an environment variable of the processes that need it,
never in the clone, so other steps of the job cannot use it. Only the permission `contents: write` lets it push.
"""

from __future__ import annotations

import base64
import re
import subprocess
import sys

from reconcile_steps.job import Failed, Job

_PREFIX = re.compile(r"refs(/[\w-][\w.-]*)+", re.ASCII)


def environment(job: Job) -> dict[str, str]:
    """Fetch the ledger; return the environment variables that let git reach it. Without the input, do nothing.

    Raises:
        Failed: The input is not a prefix, or git cannot fetch.
    """
    prefix = job.input("ledger")
    if not prefix:
        return {}
    if not _PREFIX.fullmatch(prefix):
        raise Failed(f"invalid input ledger: {prefix!r}. Use the prefix of the ledger's refs, such as refs/reconciler")
    access = _access(job)
    # A remote without a ledger has no such refs, and nothing is fetched.
    done = subprocess.run(  # noqa: S603 - no shell reads the words
        ["git", "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "origin", f"+{prefix}/*:{prefix}/*"],  # noqa: S607 - the runner's git
        cwd=job.workspace, env={**job.environment, **access}, capture_output=True, check=False, text=True,
        encoding="utf-8", errors="backslashreplace",
    )  # fmt: skip
    if done.returncode:
        raise Failed(f"git cannot fetch the ledger: {done.stderr.strip()}")
    return access


def _access(job: Job) -> dict[str, str]:
    """Return the environment variables with which git sends the token to this GitHub server, and to no other."""
    basic = base64.b64encode(f"x-access-token:{job.variable('INPUT_TOKEN')}".encode()).decode()
    # The runner masks the token in logs, but does not know this form of it.
    sys.stdout.write(f"::add-mask::{basic}\n")
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{job.variable('GITHUB_SERVER_URL')}/.extraheader",
        "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {basic}",
        "GIT_TERMINAL_PROMPT": "0",
    }
