"""Runs `reconciler`, and leaves for the next steps what to tell about it.

Never ends with the command's own code: the comment and the plan are wanted of a failure too. `end` does, at last.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconcile_steps import comment
from reconcile_steps.job import Failed, Job

COMMANDS = ("plan", "apply", "drift", "validate", "diff")
KEPT = 500
"""How many lines of what a command says are kept, from the end."""
_OURS = ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended and what it said.

    Attributes:
        code: its exit code.
        said: what it wrote, its end where that was long.
        markdown: what it would have a job's summary say; empty when it came to nothing.
    """

    code: int
    said: str
    markdown: str


def main(job: Job) -> int:
    """Run the command of the input `command`."""
    command = job.input("command")
    if command not in COMMANDS:
        raise Failed(f"the input command takes {', '.join(('install', *COMMANDS, 'reviewed'))}, not {command!r}")
    told: dict[str, Any] = {}
    match command:
        case "plan":
            code = _plan(job, told)
        case "apply":
            code = _apply(job, told)
        case "drift":
            code = _drift(job, told)
        case _:
            code = _others(job, command)
    leave(job, told)
    job.output("exit-code", str(code))
    return 0


def end(job: Job) -> int:
    """End with the command's exit code; a drift that an issue tells of is no failure."""
    code = int(job.told("EXIT_CODE"))
    return 0 if job.input("command") == "drift" and code == 2 and job.flag("issue") else code


def leave(job: Job, told: dict[str, Any]) -> None:
    """Leave for the step `tell` what it shall tell."""
    (job.folder / "tell.json").write_text(json.dumps(told), encoding="utf-8")


# --- the commands -----------------------------------------------------------------------------------------------------


def _plan(job: Job, told: dict[str, Any]) -> int:
    kept = job.folder / "kept"
    kept.mkdir()
    file = kept / "plan.json"
    mark = comment.marker("plan", job.input("path"), job.input("env"))
    pull_request = job.pull_request()
    planned = job.told("GITHUB_SHA")
    # Links lead to the pull request's own commit: the one that tries the merge is not kept for ever.
    head = str(pull_request.get("head", {}).get("sha", "")) or planned
    ended = call(job, "plan", ["--out", str(file)], GITHUB_SHA=head)
    job.summary(ended.markdown)
    if not file.is_file():
        told["comment"] = comment.ended_body(mark, "❌ There is no plan", ended, commit=head, run_url=job.run_url)
        return ended.code or 1
    digest = digest_of(file)
    told["comment"] = comment.plan_body(
        mark, rendered(job, file, head), digest=digest, head=head, planned=planned, run_url=job.run_url
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
            "files": files_of(job),
        }
        (kept / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True), encoding="utf-8")
    job.output("kept", str(kept))
    _tell_plan(job, file)
    return ended.code


def _apply(job: Job, told: dict[str, Any]) -> int:
    file = Path(job.input("plan"))
    if not job.input("plan") or not file.is_file():
        raise Failed("the input plan has to name the file of a plan that was reviewed")
    wanted = job.input("digest")
    if wanted and digest_of(file) != wanted:
        said = f"The plan is not the one that was reviewed: its digest is\n{digest_of(file)} and should be\n{wanted}\n"
        sys.stdout.write(said)
        ended = Ended(3, said, "")
    else:
        ended = call(job, "apply", ["--plan", str(file)])
    mark = comment.marker("apply", job.input("path"), job.input("env"))
    heading = comment.NOT_SENT if ended.code == 3 else f"❌ The apply ended with {ended.code}"
    body = comment.ended_body(mark, heading, ended, commit=job.told("GITHUB_SHA"), run_url=job.run_url)
    job.summary(body)
    told["comment"] = body
    _tell_plan(job, file)
    return ended.code


def _tell_plan(job: Job, file: Path) -> None:
    job.output("plan", str(file))
    job.output("digest", digest_of(file))
    job.output("has-changes", str(has_changes(file)).lower())


def _drift(job: Job, told: dict[str, Any]) -> int:
    ended = call(job, "drift", [])
    job.summary(ended.markdown)
    # Of an account that could not be asked nothing is known, so the issue stays as it is.
    if ended.code in {0, 2}:
        mark = comment.marker("drift", job.input("path"), job.input("env"))
        what = job.input("env") or job.input("path")
        told["issue"] = {
            "open": ended.code == 2,
            "mark": mark,
            "title": "Conversations: the account differs from the files" + (f" ({what})" if what != "." else ""),
            "body": comment.drift_body(mark, ended.markdown, run_url=job.run_url),
        }
    return ended.code


def _others(job: Job, command: str) -> int:
    ended = call(job, command, [])
    job.summary(ended.markdown)
    return ended.code


# --- what they share --------------------------------------------------------------------------------------------------


def call(job: Job, command: str, options: Sequence[str], **environment: str) -> Ended:
    """Run a command, showing what it says while it says it, with annotations at the lines of the files.

    Args:
        job: the job.
        command: the verb.
        options: what only this verb takes.
        environment: variables that the command sees otherwise than the job.
    """
    words = [job.told("RECONCILER"), command, *options, "--format", "github"]
    if job.input("env"):
        words += ["--env", job.input("env")]
    words += [line.strip() for line in job.input("args").splitlines() if line.strip()]
    words += ["--", *([job.input("against")] if command == "diff" else []), job.input("path")]
    summary = job.folder / "summary.md"
    summary.unlink(missing_ok=True)
    environment = {**_environment(job), "GITHUB_STEP_SUMMARY": str(summary), **environment}
    code, said = _streamed(words, environment)
    return Ended(code, said, summary.read_text(encoding="utf-8") if summary.is_file() else "")


def _environment(job: Job) -> dict[str, str]:
    """What `reconciler` sees: the job's variables, but for where steps write and what the action was given."""
    return {name: text for name, text in job.environment.items() if name not in _OURS and not name.startswith("INPUT_")}


def _streamed(words: Sequence[str], environment: dict[str, str]) -> tuple[int, str]:
    """Run it; give its exit code and the end of what it said.

    Standard output goes on as it comes: the command itself tells the runner where to look for commands in it. Of
    standard error nobody does, so that it follows at the end, as mere text.
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
        told = errors.read()
    if told:
        guard = secrets.token_hex(16)
        sys.stdout.write(f"::stop-commands::{guard}\n{told}\n::{guard}::\n")
        sys.stdout.flush()
    return code if code >= 0 else 128 - code, "".join(kept) + told


def rendered(job: Job, file: Path, head: str) -> str:
    """A plan as Markdown, its links leading to the pull request's commit.

    Raises:
        Failed: `reconciler` cannot read it.
    """
    ended = subprocess.run(  # noqa: S603 - no shell reads the words
        [job.told("RECONCILER"), "show", "--format", "markdown", str(file)],
        env={**_environment(job), "GITHUB_SHA": head}, stdin=subprocess.DEVNULL, capture_output=True, check=False,
        text=True, encoding="utf-8", errors="backslashreplace",
    )  # fmt: skip
    if ended.returncode:
        raise Failed(f"the plan cannot be shown: {ended.stderr.strip()}")
    return ended.stdout


def digest_of(file: Path) -> str:
    """The digest of a file, as it is published."""
    return "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest()


def has_changes(file: Path) -> bool:
    """Whether a plan would change anything; what is no plan changes nothing, and the command has told what it is."""
    try:
        found = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        return False
    summary = found.get("summary") if isinstance(found, dict) else None
    actions = ("create", "update", "replace", "delete")
    return isinstance(summary, dict) and any(summary.get(action) for action in actions)


def files_of(job: Job) -> dict[str, str]:
    """Every file that git has beside and below the root file, with git's digest of its content.

    Raises:
        Failed: git cannot tell, or the files are outside of the workspace.
    """
    root = (job.workspace / job.input("path")).resolve()
    folder = root if root.is_dir() else root.parent
    if not folder.is_relative_to(job.workspace):
        raise Failed(f"{job.input('path')} is outside of the workspace")
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
        # Workflows lie beside a configuration at the top, and mean nothing to it.
        if name and not name.startswith(".github/"):
            mode, _, blob = what.split(" ")
            found[name.encode("utf-8", "backslashreplace").decode()] = f"{mode} {blob}"
    return found
