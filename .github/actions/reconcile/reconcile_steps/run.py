"""Runs `reconciler`, and prepares the comment or issue that the step `publish` posts.

Never exits with the command's status: the comment and the plan of a failed command are published too. `end` exits with
it, last.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from reconcile_steps import comment, edits, history
from reconcile_steps.job import Failed, Job
from reconcile_steps.program import render_plan, run_command
from reconcile_steps.result import CommandResult

COMMANDS = ("plan", "unchanged", "apply", "drift", "validate", "diff")


def main(job: Job) -> int:
    """Run the command of the input `command`."""
    command = job.input("command")
    if command not in COMMANDS:
        known = ", ".join(("install", *COMMANDS, "reviewed", "accept"))
        raise Failed(f"invalid input command: {command!r}. Use one of {known}")
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
    """Exit with the command's status; a drift that an issue or a pull request reports is not a failure."""
    code = int(job.variable("EXIT_CODE"))
    is_reported = job.input("command") == "drift" and (job.flag("issue") or job.flag("accept"))
    return 0 if code == 2 and is_reported else code


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
    keeps_history = job.flag("issue") and not any(line.startswith("--history") for line in job.arguments())
    result = run_command(job, "drift", _history_options(job) if keeps_history else [])
    job.summary(result.markdown)
    # If the account could not be read, the issue and the pull request stay unchanged.
    if result.code not in {0, 2}:
        return result.code
    failed, branch = 0, ""
    if job.flag("accept"):
        failed, branch = edits.prepare(job, has_drift=result.code == 2)
    rows = history.load(job) if keeps_history else []
    mark = comment.marker("drift", job.input("path"), job.input("env"))
    what = job.input("env") or job.input("path")
    body = comment.drift_body(mark, result.markdown, run_url=job.run_url, branch=branch)
    line = history.hidden_line(rows, comment.room_in(body))
    messages["issue"] = {
        "open": result.code == 2,
        "mark": mark,
        "title": "Conversations: the account differs from the configuration" + (f" ({what})" if what != "." else ""),
        "body": body.replace(f"{mark}\n", f"{mark}\n{line}\n", 1) if line else body,
        "history": line,
        "due": history.due_text(job, rows, job.input("remind")),
    }
    return failed or result.code


def _history_options(job: Job) -> list[str]:
    remind = job.input("remind")
    if remind and not remind.isdecimal():
        raise Failed(f"invalid input remind: {remind!r}. Use a number of days")
    return ["--history", str(history.file_of(job)), *(["--remind", remind] if remind else [])]


def _others(job: Job, command: str) -> int:
    result = run_command(job, command, [])
    job.summary(result.markdown)
    return result.code


# --- shared --------------------------------------------------------------------------------------------------


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
