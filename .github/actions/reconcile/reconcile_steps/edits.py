"""Prepares the edits that accept drift: runs `reconciler accept`, collects the changed files, and restores them.

Takes the checked-out branch; gives a file from which a later step, usually of another job, makes a pull request. That
step needs neither the account nor the configuration, so the job that writes to the repository has no access to the
account.
"""

from __future__ import annotations

import base64
import hashlib
import json
import posixpath
import re
import subprocess
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from reconcile_steps import comment
from reconcile_steps.job import Failed, Job
from reconcile_steps.program import command_words, print_unparsed, run_quietly

FORMAT, VERSION = "reconciler.edits", 1
ROOT = "reconciler.yaml"
"""The name of a configuration's root file, unless the input `path` names another."""
BRANCH = "reconciler/accept-drift"
"""The default of the input `branch`."""
MANY = 600
"""The most findings that are remembered one by one. Their keys must have room beside the text of the renderer."""
WRITTEN = {0, 5}
"""Exit codes of an accept that wrote what it could."""
_ONLY_DRIFT = {"--fail-on", "--metrics", "--history", "--remind", "--every", "--health", "--format"}
"""Options of `drift` that `accept` does not have, each with a value."""
_FLAGS_ONLY_DRIFT = {"--start-ledger"}
_NARROWING = {"--target", "--exclude"}
_SHORTEST_SECRET = 8
_SECRET = re.compile(r"secret|token|passw|private|credential|key", re.IGNORECASE)


def prepare(job: Job, *, has_drift: bool) -> tuple[int, str]:
    """Prepare the edits; set the output `edits` to the folder of the file.

    Args:
        job: The job.
        has_drift: Whether `drift` found any.

    Returns:
        The exit code, which is 0 or that of an accept that failed; and the branch of the pull request, empty without
        edits.
    """
    ref = job.variable("GITHUB_REF")
    if job.pull_request() or not ref.startswith("refs/heads/"):
        job.notice("accept works only on a branch, so no edits were prepared")
        return 0, ""
    arguments = list(_arguments(job))
    document: dict[str, Any] = {"accepted": [], "refused": []}
    files: list[Edited] = []
    if has_drift or any(line.startswith("--fail-on") for line in job.arguments()):
        code, text, files = _accept(job, arguments)
        if code not in WRITTEN:
            return code, ""
        document = json.loads(text)
    _save(job, ref.removeprefix("refs/heads/"), document, files)
    return 0, branch_of(job) if files else ""


def _accept(job: Job, arguments: Sequence[str]) -> tuple[int, str, list[Edited]]:
    """Run `accept`; return its exit code, its document, and the edited files, which are restored."""
    if dirty := _changed(job):
        raise Failed(f"accept needs a clean checkout, and an earlier step changed {dirty[0].path}")
    words = command_words(job, "accept", ["--yes", "--format", "json"], arguments)
    try:
        code, document, log = run_quietly(job, words, with_ledger=True)
        print_unparsed(log)
        files = _changed(job)
        _check_secrets(job, files)
    finally:
        _git(job, "checkout", "--quiet", "--force", "HEAD", "--", ".")
    return code, document, files


def branch_of(job: Job) -> str:
    """Return the branch of the pull request: one for each environment and configuration of the repository.

    It depends on nothing else, so that it stays the same when another configuration is added.
    """
    path = _path(job) if job.input("branch") == BRANCH else ""
    return _former_branch(job) + (f"@{_in_branch(path)}" if path else "")


def _former_branch(job: Job) -> str:
    """Return the name without the path: that of a branch that an earlier version of the action made."""
    return job.input("branch") + (f"-{_in_branch(job.input('env'))}" if job.input("env") else "")


def _in_branch(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", lambda found: quote(found[0], safe="").replace(".", "%2E"), text)


def _path(job: Job) -> str:
    """Return the path of the configuration in the repository; empty for one at its top."""
    path = posixpath.normpath(job.input("path"))
    folder, name = (path, ROOT) if not path.endswith((".yaml", ".yml")) else posixpath.split(path)
    root = posixpath.normpath(posixpath.join(folder, name))
    return "" if root == ROOT else folder if name == ROOT else root


class Edited:
    """A file that was edited.

    Attributes:
        path: Its path in the repository.
        mode: Its mode, as git writes it.
        before: The digest of its former content.
        content: The bytes that git would store.
    """

    def __init__(self, job: Job, path: str, mode: str, before: str) -> None:
        self.path, self.mode, self.before = path, mode, before
        after = _git(job, "hash-object", "-w", f"--path={path}", "--", path).decode().strip()
        self.after = after
        self.content = _git(job, "cat-file", "blob", after)


def _changed(job: Job) -> list[Edited]:
    """List the tracked files that differ from the commit."""
    parts = iter(
        _git(job, "diff", "--raw", "-z", "--no-abbrev", "--no-renames", "HEAD")
        .decode(errors="surrogateescape")
        .split("\0")
    )
    return [Edited(job, path, *_mode_and_blob(what)) for what, path in zip(parts, parts, strict=False) if path]


def _mode_and_blob(what: str) -> tuple[str, str]:
    # `:100644 100644 <former blob> <blob, or zeros> M`
    _, mode, before, _, status = what.split(" ")
    if status != "M":
        raise Failed(f"a tracked file was added, removed, or replaced by another kind of file (status {status})")
    return mode, before


def _git(job: Job, *words: str) -> bytes:
    done = subprocess.run(  # noqa: S603 - no shell reads the words
        ["git", *words], cwd=job.workspace, capture_output=True, check=False,  # noqa: S607 - the runner's git
    )  # fmt: skip
    if done.returncode:
        raise Failed(f"git {words[0]} failed: {done.stderr.decode(errors='backslashreplace').strip()}")
    return done.stdout


def _arguments(job: Job) -> Iterator[str]:
    """Yield the options of the input `args` that `accept` has, too.

    Raises:
        Failed: The drift is narrowed, so the edits would not be all.
    """
    lines = iter(job.arguments())
    for line in lines:
        name, sign, _ = line.partition("=")
        if name in _NARROWING:
            raise Failed(f"accept cannot be used together with {name} in args. Remove one of them")
        if name in _ONLY_DRIFT:
            if not sign:
                next(lines, None)
        elif name not in _FLAGS_ONLY_DRIFT:
            yield line


def _check_secrets(job: Job, files: Sequence[Edited]) -> None:
    """Check that no edit contains a secret of the environment. `accept` refuses them; this does not rely on it.

    Raises:
        Failed: One does.
    """
    secrets = [
        (name, text.encode())
        for name, text in job.environment.items()
        if _SECRET.search(name) and len(text) >= _SHORTEST_SECRET and not name.startswith(("GITHUB_", "INPUT_"))
    ]
    for file in files:
        former = _git(job, "cat-file", "blob", file.before)
        for name, secret in secrets:
            if secret in file.content and secret not in former:
                raise Failed(f"the edits of {file.path} would contain the value of {name}, so they are not published")


def _save(job: Job, base: str, document: dict[str, Any], files: Sequence[Edited]) -> None:
    """Save the edits with the text of the pull request."""
    scope = ", ".join(filter(None, [job.input("env"), _path(job)]))
    content = {
        "format": FORMAT,
        "format_version": VERSION,
        "mark": comment.marker("accept", job.input("path"), job.input("env")),
        "branch": branch_of(job),
        "former_branch": _former_branch(job),
        "base": base,
        "commit": job.variable("GITHUB_SHA"),
        "title": "Conversations: accept the drift of the account" + (f" ({scope})" if scope else ""),
        "markdown": _render(job, document) if document["accepted"] or document["refused"] else "",
        "findings": finding_keys(document),
        "files": [
            {
                "path": file.path,
                "mode": file.mode,
                "before": file.before,
                "after": file.after,
                "content": base64.b64encode(file.content).decode(),
            }
            for file in files
        ],
    }
    folder = job.folder / "edits"
    folder.mkdir()
    (folder / "edits.json").write_text(json.dumps(content, indent=1), encoding="utf-8")
    job.output("edits", str(folder))


def _render(job: Job, document: dict[str, Any]) -> str:
    """Render the edits as Markdown, and add them to the summary."""
    saved = job.folder / "accept.json"
    saved.write_text(json.dumps(document), encoding="utf-8")
    code, markdown, log = run_quietly(job, [job.variable("RECONCILER"), "show", "--format", "markdown", str(saved)])
    if code:
        raise Failed(f"the edits cannot be rendered: {log.strip()}")
    job.summary(markdown)
    return markdown


def finding_keys(document: dict[str, Any]) -> list[str]:
    """Return a short key of each difference, accepted or refused, without its values."""
    parts = [*document["accepted"], *document["refused"]]
    names = sorted({f"{part['address']}\0{part['field']}" for part in parts})
    if len(names) > MANY:
        names = ["\1".join(names)]
    return [hashlib.sha256(name.encode()).hexdigest()[:12] for name in names]
