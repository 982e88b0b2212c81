"""Finds the plan that was reviewed in the pull request of a merged commit, and says why when there is none.

Takes a push to the branch that is deployed; gives the plan, its digest and the pull request's number, or ends with 3.

What is trusted: git, GitHub's own account of which pull request a commit came from, and this code, which comes from
the branch that is deployed. What is not: the pull request's run and what it kept. Whoever may push a branch may also
change the workflow that runs for it, and have it upload any plan, and write any comment in the bot's name. So

* a run counts only when it is the plan workflow's, for the newest commit of a branch of this repository, and the pull
  request does not touch `.github/`;
* the comment that people saw has to be, to the letter, what this code makes of the plan that was kept;
* the files that were merged have to be the files that were planned;
* and `apply --plan` sends nothing that the merged files do not say and that plan does not have.

What is applied is then what stood in the comment, wherever the plan came from.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import sys
import time
import zipfile
from typing import Any

from reconcile_steps import comment
from reconcile_steps.github import GitHub, NotThere
from reconcile_steps.job import Failed, Job
from reconcile_steps.run import digest_of, files_of, has_changes, leave, rendered

STALE = 3
LATE = (2, 4)
"""How many seconds GitHub may take to know of a merge that has just been."""
MEMBER_LIMIT = 64 * 1024 * 1024
NAMED = 40
"""How many files that differ are named."""
MANY = 3_000
"""GitHub lists no more files of a pull request than this."""


class NotReviewed(Failed):
    """There is no plan that was reviewed and still fits."""

    def __init__(self, message: str, number: int = 0) -> None:
        super().__init__(message, STALE)
        self.number = number


def main(job: Job) -> int:
    """Find the plan, check it, and leave it to be kept."""
    github = GitHub(job)
    try:
        pull_request = _merged(job, github)
        try:
            _check(job, github, pull_request)
        except NotReviewed as failure:
            raise NotReviewed(str(failure), int(pull_request["number"])) from None
    except NotReviewed as failure:
        job.error(str(failure))
        body = comment.told_body(
            comment.marker("apply", job.input("path"), job.input("env")),
            comment.NOT_SENT,
            f"{failure}\n\nTo go on, start the apply workflow by hand: it makes a new plan and asks its reviewers.",
            commit=job.told("GITHUB_SHA"),
            run_url=job.run_url,
        )
        job.summary(body)
        leave(job, {"comment": body, "pull_request": failure.number} if failure.number else {})
        job.output("exit-code", str(STALE))
        return 0
    leave(job, {})
    job.output("exit-code", "0")
    return 0


def _merged(job: Job, github: GitHub) -> dict[str, Any]:
    """The pull request that was merged as this commit."""
    sha = job.told("GITHUB_SHA")
    branch = job.told("GITHUB_REF").removeprefix("refs/heads/")
    found: list[dict[str, Any]] = []
    for wait in (0, *LATE):
        time.sleep(wait)
        found = [
            item
            for item in github.pages(f"commits/{sha}/pulls")
            if item.get("merged_at") and item.get("merge_commit_sha") == sha and item["base"]["ref"] == branch
        ]
        if found:
            break
    if len(found) != 1:
        raise NotReviewed(
            f"commit {sha} is not what one pull request was merged as, so nobody has reviewed a plan of it"
        )
    return found[0]


def _check(job: Job, github: GitHub, pull_request: dict[str, Any]) -> None:
    number, head = int(pull_request["number"]), str(pull_request["head"]["sha"])
    if (pull_request["head"].get("repo") or {}).get("full_name") != job.repository:
        raise NotReviewed("the pull request came from a fork, whose branches are not planned")
    run = _run(job, github, head)
    kept = _kept(job, github, run)
    folder = job.folder / "kept"
    folder.mkdir()
    file = folder / "plan.json"
    file.write_bytes(kept["plan.json"])
    manifest = _manifest(kept["manifest.json"])
    digest = digest_of(file)
    for name, wanted in (
        ("plan", digest),
        ("pull_request", number),
        ("head", head),
        ("path", job.input("path")),
        ("env", job.input("env")),
    ):
        if manifest.get(name) != wanted:
            raise NotReviewed(f"what was kept is not about this: its {name} is {manifest.get(name)!r}, not {wanted!r}")
    planned = manifest.get("planned")
    if not (isinstance(planned, str) and re.fullmatch(r"[0-9a-f]{40,64}", planned)):
        # It stands in the comment, where it must not be able to say anything.
        raise NotReviewed("what was kept does not say which commit was planned")
    try:
        markdown = rendered(job, file, head)
    except Failed as failure:
        raise NotReviewed(f"what was kept is no plan: {failure}") from None
    mark = comment.marker("plan", job.input("path"), job.input("env"))
    wanted = comment.plan_body(mark, markdown, digest=digest, head=head, planned=planned, run_url=_url(job, run))
    _as_shown(job, github, number, wanted)
    changes = has_changes(file)
    if changes:
        _own_workflow(github, number)
        _as_merged(job, manifest)
    job.summary(markdown)
    sys.stdout.write(f"Reviewed in pull request {number}, planned by {_url(job, run)}: {digest}\n")
    job.output("pull-request", str(number))
    job.output("kept", str(folder))
    job.output("plan", str(file))
    job.output("digest", digest)
    job.output("has-changes", str(changes).lower())


def _url(job: Job, run: dict[str, Any]) -> str:
    return f"{job.told('GITHUB_SERVER_URL')}/{job.repository}/actions/runs/{int(run['id'])}"


def _run(job: Job, github: GitHub, head: str) -> dict[str, Any]:
    """The newest run of the plan workflow for a commit, which has to have gone well."""
    workflow = job.input("workflow")
    if not re.fullmatch(r"[A-Za-z0-9._-]+\.ya?ml", workflow):
        raise Failed(f"the input workflow takes the name of a file below .github/workflows, not {workflow!r}")
    query = {"event": "pull_request", "head_sha": head}
    try:
        found = [
            run
            for run in github.pages(f"actions/workflows/{workflow}/runs", query, key="workflow_runs")
            if run.get("event") == "pull_request"
            and run.get("head_sha") == head
            and (run.get("head_repository") or {}).get("full_name") == job.repository
            and str(run.get("path", "")).partition("@")[0] == f".github/workflows/{workflow}"
        ]
    except NotThere:
        raise NotReviewed(f"there is no workflow {workflow}") from None
    if not found:
        raise NotReviewed(f"{workflow} has not planned {head}, the newest commit of the pull request")
    newest = max(found, key=lambda run: (str(run.get("run_started_at")), int(run["id"])))
    if newest.get("conclusion") is None:
        raise NotReviewed(f"the plan of {head} was not done when it was merged: {_url(job, newest)}")
    if newest["conclusion"] != "success":
        raise NotReviewed(f"the plan of {head} did not go well: {_url(job, newest)}")
    return newest


def _kept(job: Job, github: GitHub, run: dict[str, Any]) -> dict[str, bytes]:
    """What that run kept: the plan and what it says of itself."""
    name = job.input("artifact")
    found = [
        item
        for item in github.pages(f"actions/runs/{int(run['id'])}/artifacts", {"name": name}, key="artifacts")
        if item.get("name") == name
    ]
    if not found:
        raise NotReviewed(f"{_url(job, run)} kept no plan under the name {name!r}")
    newest = max(found, key=lambda item: int(item["id"]))
    if newest.get("expired"):
        raise NotReviewed(f"the plan that {_url(job, run)} kept has expired")
    packed = github.download(f"actions/artifacts/{int(newest['id'])}/zip")
    digest = newest.get("digest")
    if digest and digest != "sha256:" + hashlib.sha256(packed).hexdigest():
        raise NotReviewed("what GitHub keeps of the plan is damaged: it has another digest")
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            return {member: _member(archive, member) for member in ("plan.json", "manifest.json")}
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError) as error:
        raise NotReviewed(f"what {_url(job, run)} kept is no plan: {error}") from None


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as file:
        found = file.read(MEMBER_LIMIT + 1)
    if len(found) > MEMBER_LIMIT:
        raise NotReviewed(f"the {name} that was kept is over {MEMBER_LIMIT:,} bytes")
    return found


def _manifest(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or (found.get("format"), found.get("format_version")) != ("reconciler.reviewed", 1):
        raise NotReviewed("what was kept does not say which commit it is about, or another version wrote it")
    return found


def _as_shown(job: Job, github: GitHub, number: int, wanted: str) -> None:
    """The comment says what the plan says.

    Raises:
        NotReviewed: there is none, or it says something else.
    """
    mark = wanted.partition("\n")[0]
    author = job.input("author")
    found = (item for item in github.pages(f"issues/{number}/comments") if comment.is_ours(item, mark, author))
    shown = next(found, None)
    if shown is None:
        raise NotReviewed(f"no comment of {author} on the pull request shows a plan")
    if comment.same(str(shown.get("body"))) != comment.same(wanted):
        raise NotReviewed(
            "the comment on the pull request shows something else than the plan that was kept: somebody edited it, or "
            "another version of reconciler wrote it"
        )


def _own_workflow(github: GitHub, number: int) -> None:
    """The pull request left the workflows alone, so what planned it is what this branch had.

    Raises:
        NotReviewed: it did not, or has too many files to tell.
    """
    count = 0
    for item in github.pages(f"pulls/{number}/files"):
        count += 1
        for name in (item.get("filename"), item.get("previous_filename")):
            if str(name or "").startswith(".github/"):
                raise NotReviewed(
                    f"the pull request changes {name}: what planned it was not what this branch has; merge workflows "
                    "and configuration apart"
                )
    if count >= MANY:
        raise NotReviewed(f"the pull request changes {count:,} files or more, and GitHub lists no more than that")


def _as_merged(job: Job, manifest: dict[str, Any]) -> None:
    """The files that were merged are those that were planned.

    Raises:
        NotReviewed: they are not, with what differs.
    """
    planned = manifest.get("files")
    planned = planned if isinstance(planned, dict) else {}
    merged = files_of(job)
    differ = sorted(name for name in planned.keys() | merged.keys() if planned.get(name) != merged.get(name))
    if not differ:
        return
    lines = [
        f"  {'+' if name not in planned else '-' if name not in merged else '~'} {name!r}"[:200]
        for name in differ[:NAMED]
    ]
    if len(differ) > NAMED:
        lines.append(f"  … {len(differ) - NAMED:,} more")
    raise NotReviewed(
        "the files that were merged are not the files that were planned: the branch had moved.\n" + "\n".join(lines)
    )
