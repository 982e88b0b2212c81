"""The action's steps: ``python main.py STEP``, with everything else in environment variables.

Needs nothing but Python: it runs before `reconciler` is installed, and must not import what it installs.
"""

from __future__ import annotations

import os
import sys

from reconcile_steps import install, reviewed, run, tell
from reconcile_steps.job import Failed, Job

STEPS = {"install": install.main, "reviewed": reviewed.main, "run": run.main, "tell": tell.main, "end": run.end}


def main() -> int:
    """Run a step.

    Returns:
        What the step ends with: 0, or what failed.
    """
    job = Job(os.environ)
    try:
        return STEPS[sys.argv[1]](job)
    except Failed as failure:
        job.error(str(failure))
        return failure.code


if __name__ == "__main__":
    sys.exit(main())
