"""Runs `reconciler`, and prepares the comment or issue that the step `publish` posts.

Never exits with the command's status: the comment and the plan of a failed command are published too. `end` exits with
it, last.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reconcile_steps import comment, ledger
from reconcile_steps.job import Failed, Job
from reconcile_steps.result import CommandResult

COMMANDS = ("plan", "unchanged", "apply", "drift", "validate", "diff")
KEPT = 500
"""The number of lines of a command's output that are kept, from the end."""
_GITHUB_FILES = ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE")


def main(job: Job) -> int:
    """Run the command of the input `command`."""
    command = job.input("command")
    if command not in COMMANDS:
        raise Failed(f"invalid input command: {command!r}. Use one of {', '.join(('install', *COMMANDS, 'reviewed'))}")
    messages: dict[str, Any] = {}
    match command:
        case "plan":
            code = _plan(job, messages)
        case "unchanged":
            code = _unchanged(job, messages)
        case "apply":
            code = _apply(job, messages)
        case "drift":
            code = _drift(job, messages)
        case _:
            code = _others(job, command)
    save_messages(job, messages)
    job.output("exit-code", str(code))
    return 0


def end(job: Job) -> int:
    """Exit with the command's status; a drift that an issue reports is not a failure."""
    code = int(job.variable("EXIT_CODE"))
    return 0 if job.input("command") == "drift" and code == 2 and job.flag("issue") else code


def save_messages(job: Job, messages: dict[str, Any]) -> None:
    """Save the comment or issue that the step `publish` posts."""
    (job.folder / "messages.json").write_text(json.dumps(messages), encoding="utf-8")


# --- the commands -----------------------------------------------------------------------------------------------------


def _plan(job: Job, messages: dict[str, Any]) -> int:
    kept = job.folder / "kept"
    kept.mkdir()
    file = kept / "plan.json"
    mark = comment.marker("plan", job.input("path"), job.input("env"))
    pull_request = job.pull_request()
    planned = job.variable("GITHUB_SHA")
    # Links lead to the pull request's own commit: GitHub deletes the trial merge commit some day.
    head = str(pull_request.get("head", {}).get("sha", "")) or planned
    result = run_command(job, "plan", ["--out", str(file)], GITHUB_SHA=head)
    job.summary(result.markdown)
    if not file.is_file():
        messages["comment"] = comment.result_body(mark, "❌ Planning failed", result, commit=head, run_url=job.run_url)
        return result.code or 1
    digest = digest_of(file)
    messages["comment"] = comment.plan_body(
        mark, render_plan(job, file, head), digest=digest, head=head, planned=planned, run_url=job.run_url
    )
    if pull_request:
        manifest = {
            "format": "reconciler.reviewed",
            "format_version": 1,
            "plan": digest,
            "pull_request": pull_request["number"],
            "head": head,
            "planned": planned,
            "path": job.input("path"),
            "env": job.input("env"),
            "files": list_files(job),
        }
        (kept / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True), encoding="utf-8")
    job.output("kept", str(kept))
    _output_plan(job, file)
    return result.code


def _unchanged(job: Job, messages: dict[str, Any]) -> int:
    """Prepare the text for the comment on an earlier plan: the pull request took its changes back."""
    mark = comment.marker("plan", job.input("path"), job.input("env"))
    commit = str(job.pull_request().get("head", {}).get("sha", "")) or job.variable("GITHUB_SHA")
    messages["comment"] = comment.unchanged_body(mark, commit=commit, run_url=job.run_url)
    messages["is_edit"] = True
    return 0


def _apply(job: Job, messages: dict[str, Any]) -> int:
    file = Path(job.input("plan"))
    if not job.input("plan") or not file.is_file():
        raise Failed("invalid input plan: no such file. Name the file of a reviewed plan")
    wanted = job.input("digest")
    if wanted and digest_of(file) != wanted:
        output = f"The plan is not the reviewed one: its digest is\n{digest_of(file)} and should be\n{wanted}\n"
        sys.stdout.write(output)
        result = CommandResult(3, output, "")
    else:
        result = _apply_plan(job, file)
    mark = comment.marker("apply", job.input("path"), job.input("env"))
    heading = comment.NOT_SENT if result.code == 3 else f"❌ The apply exited with status {result.code}"
    body = comment.result_body(mark, heading, result, commit=job.variable("GITHUB_SHA"), run_url=job.run_url)
    job.summary(body)
    messages["comment"] = body
    _output_plan(job, file)
    return result.code


def _apply_plan(job: Job, file: Path) -> CommandResult:
    """Apply a plan; keep the report, with which a later run completes an apply that was interrupted."""
    report = job.folder / "report" / "report.json"
    report.parent.mkdir()
    result = run_command(job, "apply", ["--plan", str(file), "--report", str(report)])
    if report.is_file():
        job.output("report", str(report.parent))
    return result


def _output_plan(job: Job, file: Path) -> None:
    job.output("plan", str(file))
    job.output("digest", digest_of(file))
    job.output("has-changes", str(has_changes(file)).lower())


def _drift(job: Job, messages: dict[str, Any]) -> int:
    result = run_command(job, "drift", [])
    job.summary(result.markdown)
    # If the account could not be read, the issue stays unchanged.
    if result.code in {0, 2}:
        mark = comment.marker("drift", job.input("path"), job.input("env"))
        what = job.input("env") or job.input("path")
        messages["issue"] = {
            "open": result.code == 2,
            "mark": mark,
            "title": "Conversations: the account differs from the configuration"
            + (f" ({what})" if what != "." else ""),
            "body": comment.drift_body(mark, result.markdown, run_url=job.run_url),
        }
    return result.code


def _others(job: Job, command: str) -> int:
    result = run_command(job, command, [])
    job.summary(result.markdown)
    return result.code


# --- shared --------------------------------------------------------------------------------------------------


def run_command(job: Job, command: str, options: Sequence[str], **environment: str) -> CommandResult:
    """Run a command and print its output as it comes, with annotations at the lines of the configuration.

    Args:
        job: The job.
        command: The command.
        options: The options that only this command has.
        environment: Environment variables that override the job's.
    """
    words = [job.variable("RECONCILER"), command, *options, "--format", "github"]
    if job.input("env"):
        words += ["--env", job.input("env")]
    words += [line.strip() for line in job.input("args").splitlines() if line.strip()]
    words += ["--", *([job.input("against")] if command == "diff" else []), job.input("path")]
    summary = job.folder / "summary.md"
    summary.unlink(missing_ok=True)
    environment = {**_environment(job), **ledger.environment(job), "GITHUB_STEP_SUMMARY": str(summary), **environment}
    code, said = _stream(words, environment)
    return CommandResult(code, said, summary.read_text(encoding="utf-8") if summary.is_file() else "")


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
    if log:
        guard = secrets.token_hex(16)
        sys.stdout.write(f"::stop-commands::{guard}\n{log}\n::{guard}::\n")
        sys.stdout.flush()
    return code if code >= 0 else 128 - code, "".join(kept) + log


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


def digest_of(file: Path) -> str:
    """Return the digest of a file, as it is published."""
    return "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest()


def has_changes(file: Path) -> bool:
    """Return whether a plan has changes; an invalid plan has none, and the command has reported it."""
    try:
        found = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        return False
    summary = found.get("summary") if isinstance(found, dict) else None
    actions = ("create", "update", "replace", "delete")
    return isinstance(summary, dict) and any(summary.get(action) for action in actions)


def list_files(job: Job) -> dict[str, str]:
    """List every tracked file beside and below the root file, with git's mode and digest.

    Raises:
        Failed: git fails, or the configuration is outside the workspace.
    """
    root = (job.workspace / job.input("path")).resolve()
    folder = root if root.is_dir() else root.parent
    if not folder.is_relative_to(job.workspace):
        raise Failed(f"{job.input('path')} is outside the workspace")
    below = folder.relative_to(job.workspace).as_posix()
    listed = subprocess.run(  # noqa: S603 - no shell reads the words
        ["git", "ls-tree", "-r", "-z", "--full-tree", "HEAD", *(["--", f"{below}/"] if below != "." else [])],  # noqa: S607 - the runner's git
        cwd=job.workspace, capture_output=True, check=False, text=True, encoding="utf-8", errors="surrogateescape",
    )  # fmt: skip
    if listed.returncode:
        raise Failed(f"git cannot list the files: {listed.stderr.strip()}")
    found: dict[str, str] = {}
    for line in listed.stdout.split("\0"):
        what, _, name = line.partition("\t")
        # Workflows are beside a configuration at the top of the repository, but are not part of it.
        if name and not name.startswith(".github/"):
            mode, _, blob = what.split(" ")
            found[name.encode("utf-8", "backslashreplace").decode()] = f"{mode} {blob}"
    return found
