"""The log of a step of GitHub Actions: texts in which the runner must not look for commands, and the job's summary.

Takes finished texts; writes to standard output, and to the file that GITHUB_STEP_SUMMARY names.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from reconciler.cli import console
from reconciler.render.terminal import escape


class GithubLog:
    """Whether the runner looks for commands in what is written now.

    Between `pause` and `resume` it does not: values that come from the account or from files stand only there. The
    token that ends a pause is new each time, so nobody can have put it into a value.
    """

    def __init__(self) -> None:
        self._token = ""

    def pause(self) -> None:
        """From here on, commands are only text."""
        if not self._token:
            self._token = secrets.token_hex(16)
            console.out(f"::stop-commands::{self._token}\n")

    def resume(self) -> None:
        """From here on, commands are commands again."""
        if self._token:
            console.out(f"::{self._token}::\n")
            self._token = ""

    def tell(self, text: str, annotations: str, summary: str) -> None:
        """A text for people, then its annotations; the summary where there is a place for one."""
        self.pause()
        console.out(text)
        self.resume()
        console.out(annotations)
        write_summary(summary)


LOG = GithubLog()
"""The one log that a process has."""


def write_summary(markdown: str) -> None:
    """Add to the job's summary, where there is one; that it cannot be written ends nothing."""
    path = os.environ.get("GITHUB_STEP_SUMMARY", "")
    if not path or not markdown:
        return
    try:
        with Path(path).open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(markdown + "\n")
    except OSError as error:
        console.err(f"The job's summary cannot be written: {escape(error.strerror or str(error))}\n")
