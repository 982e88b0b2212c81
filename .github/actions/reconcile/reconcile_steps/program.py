"""Runs `reconciler`: with its output in the log, or quietly for its document.

Takes a job and words; gives exit codes and texts. What the program writes to standard error is never parsed for
workflow commands.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path

from reconcile_steps import ledger
from reconcile_steps.job import Failed, Job
from reconcile_steps.result import CommandResult

KEPT = 500
"""The number of lines of a command's output that are kept, from the end."""
_GITHUB_FILES = ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE")


def command_words(job: Job, command: str, options: Sequence[str], arguments: Iterable[str]) -> list[str]:
    """Return the words of a command on the configuration of the job.

    Args:
        job: The job.
        command: The command.
        options: The options that only this command has.
        arguments: The options of the input `args`.
    """
    words = [job.variable("RECONCILER"), command, *options]
    if job.input("env"):
        words += ["--env", job.input("env")]
    words += arguments
    return [*words, "--", *([job.input("against")] if command == "diff" else []), job.input("path")]


def run_command(job: Job, command: str, options: Sequence[str], **environment: str) -> CommandResult:
    """Run a command and print its output as it comes, with annotations at the lines of the configuration.

    Args:
        job: The job.
        command: The command.
        options: The options that only this command has.
        environment: Environment variables that override the job's.
    """
    words = command_words(job, command, [*options, "--format", "github"], job.arguments())
    summary = job.folder / "summary.md"
    summary.unlink(missing_ok=True)
    environment = {**_environment(job), **ledger.environment(job), "GITHUB_STEP_SUMMARY": str(summary), **environment}
    code, said = _stream(words, environment)
    return CommandResult(code, said, summary.read_text(encoding="utf-8") if summary.is_file() else "")


def run_quietly(job: Job, words: Sequence[str], *, with_ledger: bool = False) -> tuple[int, str, str]:
    """Run a command; return its exit code, its document, and what it wrote to standard error."""
    environment = _environment(job) | (ledger.environment(job) if with_ledger else {})
    done = subprocess.run(  # noqa: S603 - no shell reads the words
        words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True,
        encoding="utf-8", errors="backslashreplace",
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def render_plan(job: Job, file: Path, head: str) -> str:
    """Render a plan as Markdown, with links to the pull request's commit.

    Raises:
        Failed: `reconciler` cannot read it.
    """
    result = subprocess.run(  # noqa: S603 - no shell reads the words
        [job.variable("RECONCILER"), "show", "--format", "markdown", str(file)],
        env={**_environment(job), "GITHUB_SHA": head}, stdin=subprocess.DEVNULL, capture_output=True, check=False,
        text=True, encoding="utf-8", errors="backslashreplace",
    )  # fmt: skip
    if result.returncode:
        raise Failed(f"the plan cannot be rendered: {result.stderr.strip()}")
    return result.stdout


def print_unparsed(log: str) -> None:
    """Print a text in which the runner does not look for workflow commands."""
    if log:
        guard = secrets.token_hex(16)
        sys.stdout.write(f"::stop-commands::{guard}\n{log}\n::{guard}::\n")
        sys.stdout.flush()


def _environment(job: Job) -> dict[str, str]:
    """Return the job's environment variables without GitHub's files and the action's inputs."""
    return {
        name: text
        for name, text in job.environment.items()
        if name not in _GITHUB_FILES and not name.startswith("INPUT_")
    }


def _stream(words: Sequence[str], environment: dict[str, str]) -> tuple[int, str]:
    """Run a command; return its exit code and the end of its output.

    Standard output is passed on as it comes: the command itself marks what the runner may parse for workflow commands.
    Standard error has no such marks, so it follows at the end, as text that is not parsed.
    """
    kept: deque[str] = deque(maxlen=KEPT)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="backslashreplace") as errors:
        with subprocess.Popen(  # noqa: S603 - no shell reads the words
            words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
            text=True, encoding="utf-8", errors="backslashreplace",
        ) as process:  # fmt: skip
            assert process.stdout is not None
            for line in process.stdout:
                sys.stdout.write(line)
                sys.stdout.flush()
                kept.append(line)
            code = process.wait()
        errors.seek(0)
        log = errors.read()
    print_unparsed(log)
    return code if code >= 0 else 128 - code, "".join(kept) + log
