"""The result of a command, which steps and comments are made from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The result of a `reconciler` command.

    Attributes:
        code: Its exit code.
        output: What it wrote; only the end if it was long.
        markdown: What it added to the job's summary; empty if it failed before that.
    """

    code: int
    output: str
    markdown: str
