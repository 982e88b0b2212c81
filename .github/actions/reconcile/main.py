"""Runs a step of the action: ``python main.py STEP``, with everything else in environment variables.

Needs only Python: it runs before `reconciler` is installed, and must not import what it installs.
"""

from __future__ import annotations

import os
import sys

from reconcile_steps import install, issue, publish, pull_request, reviewed, run
from reconcile_steps.job import Failed, Job

STEPS = {
    "install": install.main,
    "recall": issue.recall,
    "reviewed": reviewed.main,
    "run": run.main,
    "publish": publish.main,
    "accept": pull_request.main,
    "end": run.end,
}


def main() -> int:
    """Run a step.

    Returns:
        The exit code of the step.
    """
    job = Job(os.environ)
    try:
        return STEPS[sys.argv[1]](job)
    except Failed as failure:
        job.error(str(failure))
        return failure.code


if __name__ == "__main__":
    sys.exit(main())
