"""The job that a step runs in: what GitHub tells in environment variables and files, and what it takes back.

Takes the environment; gives inputs, the event, outputs and summaries. Speaks with nobody.
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
"""GitHub drops a summary of over a mebibyte."""


class Failed(Exception):
    """A step that cannot go on, with what to tell and what to end with."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Job:
    """One job.

    Attributes:
        environment: its environment variables.
    """

    environment: Mapping[str, str]

    def told(self, name: str) -> str:
        """A variable that GitHub always sets.

        Raises:
            Failed: it is not there.
        """
        text = self.environment.get(name, "")
        if not text:
            raise Failed(f"{name} is not set; this runs as a step of a GitHub job")
        return text

    def input(self, name: str) -> str:
        """An input of the action; empty when it was not given."""
        return self.environment.get(f"INPUT_{name.upper().replace('-', '_')}", "").strip()

    def flag(self, name: str) -> bool:
        """An input that is true or false.

        Raises:
            Failed: it is neither.
        """
        text = self.input(name)
        if text not in {"true", "false"}:
            raise Failed(f"the input {name} takes true or false, not {text!r}")
        return text == "true"

    @property
    def folder(self) -> Path:
        """Where the steps of one use of the action leave things for one another."""
        return Path(self.told("FOLDER"))

    @property
    def workspace(self) -> Path:
        """Where the repository was checked out."""
        return Path(self.told("GITHUB_WORKSPACE")).resolve()

    @property
    def repository(self) -> str:
        """``owner/name``."""
        return self.told("GITHUB_REPOSITORY")

    @property
    def run_url(self) -> str:
        """Where this run can be looked at."""
        return f"{self.told('GITHUB_SERVER_URL')}/{self.repository}/actions/runs/{self.told('GITHUB_RUN_ID')}"

    def event(self) -> dict[str, Any]:
        """What started the run, as GitHub describes it."""
        found = json.loads(Path(self.told("GITHUB_EVENT_PATH")).read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}

    def pull_request(self) -> dict[str, Any]:
        """The pull request that the event is about; empty for an event that is about none."""
        found = self.event().get("pull_request")
        return found if isinstance(found, dict) else {}

    # --- what goes back -----------------------------------------------------------------------------------------------

    def output(self, name: str, value: str) -> None:
        """Give an output, whatever is in it."""
        end = f"end-{secrets.token_hex(16)}"
        with Path(self.told("GITHUB_OUTPUT")).open("a", encoding="utf-8") as file:
            file.write(f"{name}<<{end}\n{value}\n{end}\n")

    def add_path(self, folder: str) -> None:
        """Put a folder before the PATH of the steps that follow."""
        with Path(self.told("GITHUB_PATH")).open("a", encoding="utf-8") as file:
            file.write(f"{folder}\n")

    def summary(self, text: str) -> None:
        """Add to the summary of the run."""
        with Path(self.told("GITHUB_STEP_SUMMARY")).open("a", encoding="utf-8") as file:
            file.write(text[:SUMMARY_LIMIT] + "\n")

    def error(self, message: str) -> None:
        """Show an error in the log and at the top of the run."""
        escaped = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        sys.stdout.write(f"::error title=reconciler::{escaped}\n")
        sys.stdout.flush()
