"""The job that a step runs in: GitHub's environment variables and files, in both directions.

Takes the environment; gives inputs, the event, outputs, and summaries. Uses no network.
"""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SUMMARY_LIMIT = 900_000
"""GitHub drops a summary that exceeds one mebibyte."""


class Failed(Exception):
    """A step that failed, with its message and exit code."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Job:
    """A job.

    Attributes:
        environment: The environment variables.
    """

    environment: Mapping[str, str]

    def variable(self, name: str) -> str:
        """Return an environment variable that GitHub always sets.

        Raises:
            Failed: It is not set.
        """
        text = self.environment.get(name, "")
        if not text:
            raise Failed(f"{name} is not set. Run this as a step of a GitHub Actions job")
        return text

    def input(self, name: str) -> str:
        """Return an input of the action; empty if it was not given."""
        return self.environment.get(f"INPUT_{name.upper().replace('-', '_')}", "").strip()

    def flag(self, name: str) -> bool:
        """Return a Boolean input.

        Raises:
            Failed: It is neither true nor false.
        """
        text = self.input(name)
        if text not in {"true", "false"}:
            raise Failed(f"invalid input {name}: {text!r}. Use true or false")
        return text == "true"

    @property
    def folder(self) -> Path:
        """The folder that the steps of one use of the action share."""
        return Path(self.variable("FOLDER"))

    @property
    def workspace(self) -> Path:
        """The folder of the checked-out repository."""
        return Path(self.variable("GITHUB_WORKSPACE")).resolve()

    @property
    def repository(self) -> str:
        """``owner/name``."""
        return self.variable("GITHUB_REPOSITORY")

    @property
    def run_url(self) -> str:
        """The URL of this run."""
        return f"{self.variable('GITHUB_SERVER_URL')}/{self.repository}/actions/runs/{self.variable('GITHUB_RUN_ID')}"

    def event(self) -> dict[str, Any]:
        """Return the event that triggered the run."""
        found = json.loads(Path(self.variable("GITHUB_EVENT_PATH")).read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}

    def pull_request(self) -> dict[str, Any]:
        """Return the pull request of the event; empty if it has none."""
        found = self.event().get("pull_request")
        return found if isinstance(found, dict) else {}

    # --- results -----------------------------------------------------------------------------------------------

    def output(self, name: str, value: str) -> None:
        """Set an output to any value."""
        end = f"end-{secrets.token_hex(16)}"
        with Path(self.variable("GITHUB_OUTPUT")).open("a", encoding="utf-8") as file:
            file.write(f"{name}<<{end}\n{value}\n{end}\n")

    def add_path(self, folder: str) -> None:
        """Prepend a folder to the PATH of later steps."""
        with Path(self.variable("GITHUB_PATH")).open("a", encoding="utf-8") as file:
            file.write(f"{folder}\n")

    def summary(self, text: str) -> None:
        """Append to the summary of the run."""
        with Path(self.variable("GITHUB_STEP_SUMMARY")).open("a", encoding="utf-8") as file:
            file.write(text[:SUMMARY_LIMIT] + "\n")

    def arguments(self) -> list[str]:
        """Return the options of the input `args`."""
        return [line.strip() for line in self.input("args").splitlines() if line.strip()]

    def notice(self, message: str) -> None:
        """Report a fact in the log and at the top of the run."""
        self._annotate("notice", message)

    def warning(self, message: str) -> None:
        """Report a problem in the log and at the top of the run."""
        self._annotate("warning", message)

    def error(self, message: str) -> None:
        """Report an error in the log and at the top of the run."""
        self._annotate("error", message)

    @staticmethod
    def _annotate(level: str, message: str) -> None:
        escaped = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        sys.stdout.write(f"::{level} title=reconciler::{escaped}\n")
        sys.stdout.flush()
