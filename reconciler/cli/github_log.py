"""The log of a GitHub Actions step: text that the runner must not parse for commands, and the job's summary.

Takes finished texts; writes to standard output and to the file in GITHUB_STEP_SUMMARY.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from reconciler.cli import console
from reconciler.render.terminal import escape


class GithubLog:
    """Switches the runner's parsing of workflow commands off and on.

    Values of the account and the configuration are only written between `pause` and `resume`. The token that ends a
    pause is random, so no value can contain it.
    """

    def __init__(self) -> None:
        self._token = ""

    def pause(self) -> None:
        """Stop the runner from parsing commands."""
        if not self._token:
            self._token = secrets.token_hex(16)
            console.out(f"::stop-commands::{self._token}\n")

    def resume(self) -> None:
        """Let the runner parse commands again."""
        if self._token:
            console.out(f"::{self._token}::\n")
            self._token = ""

    def write(self, text: str, annotations: str, summary: str) -> None:
        """Write a text, then its annotations; add the summary if there is a file for it."""
        self.pause()
        console.out(text)
        self.resume()
        console.out(annotations)
        write_summary(summary)


LOG = GithubLog()
"""The log of this process."""


def write_summary(markdown: str) -> None:
    """Add to the job's summary, if there is one. A failure to write it is only a warning."""
    path = os.environ.get("GITHUB_STEP_SUMMARY", "")
    if not path or not markdown:
        return
    try:
        with Path(path).open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(markdown + "\n")
    except OSError as error:
        console.err(f"warning: cannot write the job's summary: {escape(error.strerror or str(error))}\n")
