"""Finds the plan that was reviewed in the pull request of a merged commit, or explains why there is none.

Takes a push to the deployed branch; gives the plan, its digest, and the number of the pull request, or exits with
status 3.

Trusted: git, GitHub's record of the pull request that a commit came from, and this code, which comes from the deployed
branch. Not trusted: the pull request's run, its artifact, and comments. Anyone who may push a branch can change the
workflow that runs for it, upload any plan, and write any comment as the bot. GitHub does not record the base of a run:
its `pull_requests` are the open ones with the same head, and none after the merge.

* A run counts only if it belongs to the plan workflow, the head commit, and the branch of this pull request, if no
  other pull request shares that commit, and if the pull request does not change `.github/`.
* The comment that reviewers saw must equal, to the letter, what this code renders from the uploaded plan.
* The merged files must be the planned files.
* The uploaded plan must equal, except for its time and seal, the plan that this code makes from the merged files and
  the current account. With a ledger, entries and commits that it names may differ too: a squash merge is a new commit.
  So everything that reviewers read (risks, consequences, reasons, locations) is derived again, regardless of the origin
  of the plan.
* `apply --plan` sends nothing that is not in this plan.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

from reconcile_steps import comment
from reconcile_steps.github import GitHub, NotFound
from reconcile_steps.job import Failed, Job
from reconcile_steps.program import render_plan, run_command
from reconcile_steps.run import digest_of, has_changes, list_files, save_messages

STALE = 3
LATE = (2, 4)
"""How many seconds GitHub may take to list a merge that has just happened."""
MEMBER_LIMIT = 64 * 1024 * 1024
NAMED = 40
"""The number of differences that are named."""
MANY = 3_000
"""The most files of a pull request that GitHub lists."""
_UNCOMPARED = frozenset({"created_at", "seal", "baseline"})
"""Parts of a plan that depend on the time, the key, and the ledger's newest entry.

The apply checks the seal before approvals count.
"""


class NotReviewed(Failed):
    """No reviewed plan fits."""

    def __init__(self, message: str, number: int = 0) -> None:
        super().__init__(message, STALE)
        self.number = number


def main(job: Job) -> int:
    """Find the plan, check it, and keep it."""
    github = GitHub(job)
    try:
        pull_request = _merged_pull_request(job, github)
        try:
            _check(job, github, pull_request)
        except NotReviewed as failure:
            raise NotReviewed(str(failure), int(pull_request["number"])) from None
    except NotReviewed as failure:
        job.error(str(failure))
        body = comment.log_body(
            comment.marker("apply", job.input("path"), job.input("env")),
            comment.NOT_SENT,
            f"{failure}\n\nTo continue, run the apply workflow manually: it makes a new plan and waits for reviewers.",
            commit=job.variable("GITHUB_SHA"),
            run_url=job.run_url,
        )
        job.summary(body)
        save_messages(job, {"comment": body, "pull_request": failure.number} if failure.number else {})
        job.output("exit-code", str(STALE))
        return 0
    save_messages(job, {})
    job.output("exit-code", "0")
    return 0


def _merged_pull_request(job: Job, github: GitHub) -> dict[str, Any]:
    """Return the pull request that was merged as this commit."""
    sha = job.variable("GITHUB_SHA")
    branch = job.variable("GITHUB_REF").removeprefix("refs/heads/")
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
        raise NotReviewed(f"commit {sha} is not the merge of exactly one pull request, so no plan of it was reviewed")
    return found[0]


def _check(job: Job, github: GitHub, pull_request: dict[str, Any]) -> None:
    number, head = int(pull_request["number"]), str(pull_request["head"]["sha"])
    if (pull_request["head"].get("repo") or {}).get("full_name") != job.repository:
        raise NotReviewed("the pull request comes from a fork, and forks have no plan")
    run = _find_run(job, github, pull_request)
    _check_head_is_unique(github, pull_request)
    kept = _fetch_artifact(job, github, run)
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
            raise NotReviewed(
                f"the uploaded plan belongs to a different change: its {name} is {manifest.get(name)!r}, not {wanted!r}"
            )
    planned = manifest.get("planned")
    if not (isinstance(planned, str) and re.fullmatch(r"[0-9a-f]{40,64}", planned)):
        # It is part of the comment, so it must not be free text.
        raise NotReviewed("the uploaded manifest does not contain the planned commit")
    try:
        markdown = render_plan(job, file, head)
    except Failed as failure:
        raise NotReviewed(f"the uploaded plan is invalid: {failure}") from None
    mark = comment.marker("plan", job.input("path"), job.input("env"))
    wanted = comment.plan_body(mark, markdown, digest=digest, head=head, planned=planned, run_url=_url(job, run))
    _check_comment(job, github, number, wanted)
    changes = has_changes(file)
    if changes:
        _check_workflows_unchanged(github, number)
        _check_files(job, manifest)
        _check_fresh_plan(job, file)
    job.summary(markdown)
    sys.stdout.write(f"Reviewed in pull request {number}, planned by {_url(job, run)}: {digest}\n")
    job.output("pull-request", str(number))
    job.output("kept", str(folder))
    job.output("plan", str(file))
    job.output("digest", digest)
    job.output("has-changes", str(changes).lower())


def _url(job: Job, run: dict[str, Any]) -> str:
    return f"{job.variable('GITHUB_SERVER_URL')}/{job.repository}/actions/runs/{int(run['id'])}"


def _check_head_is_unique(github: GitHub, pull_request: dict[str, Any]) -> None:
    """Check that no other pull request has the same head commit.

    Raises:
        NotReviewed: One has, so a run for this commit may belong to it, with the workflow of another base.
    """
    head = str(pull_request["head"]["sha"])
    others = sorted(
        int(item["number"])
        for item in github.pages(f"commits/{head}/pulls")
        if item["number"] != pull_request["number"] and (item.get("head") or {}).get("sha") == head
    )
    if others:
        raise NotReviewed(f"pull request {others[0]} has the same head commit, so the plan may belong to either")


def _find_run(job: Job, github: GitHub, pull_request: dict[str, Any]) -> dict[str, Any]:
    """Find the newest run of the plan workflow for a pull request's head commit; it must have succeeded."""
    head = str(pull_request["head"]["sha"])
    workflow = job.input("workflow")
    if not re.fullmatch(r"[A-Za-z0-9._-]+\.ya?ml", workflow):
        raise Failed(f"invalid input workflow: {workflow!r}. Use the name of a file in .github/workflows")
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
    except NotFound:
        raise NotReviewed(f"workflow {workflow} does not exist") from None
    if not found:
        raise NotReviewed(f"{workflow} has not planned {head}, the head commit of the pull request")
    for run in found:
        if not _may_belong_to(run, pull_request):
            raise NotReviewed(
                f"{_url(job, run)} planned {head} for another pull request, branch, or base, so the reviewed plan "
                "cannot be identified"
            )
    newest = max(found, key=lambda run: (str(run.get("run_started_at")), int(run["id"])))
    if newest.get("conclusion") is None:
        raise NotReviewed(f"the plan of {head} was not finished when the pull request was merged: {_url(job, newest)}")
    if newest["conclusion"] != "success":
        raise NotReviewed(f"the plan of {head} failed: {_url(job, newest)}")
    return newest


def _may_belong_to(run: dict[str, Any], pull_request: dict[str, Any]) -> bool:
    """Return whether a run can belong to a pull request, by its branch and the open pull requests that GitHub lists."""
    base, head = pull_request["base"], pull_request["head"]
    if run.get("head_branch", head.get("ref")) != head.get("ref"):
        return False
    return all(
        item.get("number", pull_request["number"]) == pull_request["number"]
        and (item.get("base") or {}).get("ref") == base["ref"]
        for item in run.get("pull_requests") or []
    )


def _fetch_artifact(job: Job, github: GitHub, run: dict[str, Any]) -> dict[str, bytes]:
    """Fetch the artifact of a run: the plan and its manifest."""
    name = job.input("artifact")
    found = [
        item
        for item in github.pages(f"actions/runs/{int(run['id'])}/artifacts", {"name": name}, key="artifacts")
        if item.get("name") == name
    ]
    if not found:
        raise NotReviewed(f"{_url(job, run)} has no artifact {name!r}")
    if len(found) > 1:
        raise NotReviewed(f"{_url(job, run)} has {len(found)} artifacts {name!r}")
    (kept,) = found
    if kept.get("expired"):
        raise NotReviewed(f"the artifact of {_url(job, run)} has expired")
    if (kept.get("workflow_run") or {}).get("id", run["id"]) != run["id"]:
        raise NotReviewed(f"the artifact belongs to a different run from {_url(job, run)}")
    # Both are ISO 8601 in UTC. The time of a run is that of its last attempt.
    if str(kept.get("created_at") or "~") < str(run.get("run_started_at") or ""):
        raise NotReviewed(f"the plan comes from an earlier attempt of {_url(job, run)}; the latest one uploaded none")
    packed = github.download(f"actions/artifacts/{int(kept['id'])}/zip")
    digest = kept.get("digest")
    if digest and digest != "sha256:" + hashlib.sha256(packed).hexdigest():
        raise NotReviewed("the artifact is damaged: its digest does not match")
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            return {member: _member(archive, member) for member in ("plan.json", "manifest.json")}
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError) as error:
        raise NotReviewed(f"the artifact of {_url(job, run)} is not a plan: {error}") from None


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as file:
        found = file.read(MEMBER_LIMIT + 1)
    if len(found) > MEMBER_LIMIT:
        raise NotReviewed(f"{name} in the artifact exceeds {MEMBER_LIMIT:,} bytes")
    return found


def _manifest(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or (found.get("format"), found.get("format_version")) != ("reconciler.reviewed", 1):
        raise NotReviewed("the uploaded manifest is invalid, or a different version wrote it")
    return found


def _check_comment(job: Job, github: GitHub, number: int, wanted: str) -> None:
    """Check that the one comment shows the uploaded plan.

    Raises:
        NotReviewed: There is none, or more than one, or it differs.
    """
    mark = wanted.partition("\n")[0]
    author = job.input("author")
    found = [item for item in github.pages(f"issues/{number}/comments") if comment.is_own(item, mark, author)]
    if not found:
        raise NotReviewed(f"no comment by {author} on the pull request shows a plan")
    if len(found) > 1:
        raise NotReviewed(
            f"{len(found)} comments by {author} on the pull request show a plan, so the reviewed one is unknown"
        )
    (shown,) = found
    if comment.normalize(str(shown.get("body"))) != comment.normalize(wanted):
        raise NotReviewed(
            "the comment on the pull request differs from the uploaded plan: it was edited, or a different version of "
            "reconciler wrote it"
        )


def _check_workflows_unchanged(github: GitHub, number: int) -> None:
    """Check that the pull request does not change workflows, so the workflow that planned it is this branch's.

    Raises:
        NotReviewed: It changes one, or it has more files than GitHub lists.
    """
    count = 0
    for item in github.pages(f"pulls/{number}/files"):
        count += 1
        for name in (item.get("filename"), item.get("previous_filename")):
            if str(name or "").startswith(".github/"):
                raise NotReviewed(
                    f"the pull request changes {name}, so a changed workflow may have planned it. Merge changes of "
                    "workflows and of the configuration separately"
                )
    if count >= MANY:
        raise NotReviewed(f"the pull request changes {count:,} or more files, and GitHub lists no more than that")


def _check_files(job: Job, manifest: dict[str, Any]) -> None:
    """Check that the merged files are the planned files.

    Raises:
        NotReviewed: They are not; the message lists the differences.
    """
    planned = manifest.get("files")
    planned = planned if isinstance(planned, dict) else {}
    merged = list_files(job)
    differing = sorted(name for name in planned.keys() | merged.keys() if planned.get(name) != merged.get(name))
    if not differing:
        return
    lines = [
        f"  {'+' if name not in planned else '-' if name not in merged else '~'} {name!r}"[:200]
        for name in differing[:NAMED]
    ]
    if len(differing) > NAMED:
        lines.append(f"  … {len(differing) - NAMED:,} more")
    raise NotReviewed("the merged files differ from the planned files: the branch has moved.\n" + "\n".join(lines))


def _check_fresh_plan(job: Job, file: Path) -> None:
    """Check that the uploaded plan equals a plan of the merged files and the account now.

    Equal files and accounts give equal plans except for the time, so any other difference was changed since, or forged.

    Raises:
        NotReviewed: It differs (the message lists the differences), or planning failed.
    """
    fresh = job.folder / "fresh.json"
    result = run_command(job, "plan", ["--out", str(fresh)])
    if not fresh.is_file():
        raise NotReviewed(f"planning the merged files again failed with status {result.code}")
    differ = _differences(json.loads(file.read_bytes()), json.loads(fresh.read_bytes()))
    if differ:
        lines = [f"  {name!r}"[:200] for name in differ[:NAMED]]
        if len(differ) > NAMED:
            lines.append(f"  … {len(differ) - NAMED:,} more")
        raise NotReviewed(
            "the reviewed plan differs from a plan of the merged files and the account now, in\n" + "\n".join(lines)
        )


def _differences(kept: dict[str, Any], fresh: dict[str, Any]) -> list[str]:
    """List the addresses of changes, and the other parts, in which two plans differ."""
    kept, fresh = ({name: part for name, part in plan.items() if name not in _UNCOMPARED} for plan in (kept, fresh))
    # Compared as JSON text, because True equals 1 in Python.
    ours, theirs = ({_canonical(_timeless(change)): change for change in plan.pop("changes")} for plan in (kept, fresh))
    changes = [(ours | theirs)[spelled] for spelled in ours.keys() ^ theirs.keys()]
    parts = [name for name in kept.keys() | fresh.keys() if _canonical(kept.get(name)) != _canonical(fresh.get(name))]
    if not changes and list(ours) != list(theirs):
        parts.append("changes")
    return sorted({str(change["address"]) for change in changes}) + sorted(parts)


def _timeless(change: dict[str, Any]) -> dict[str, Any]:
    """Return a change without the entry or commit since which it applies; its class stays."""
    fields = [{name: part for name, part in field.items() if name != "since"} for field in change.get("fields") or ()]
    return {**{name: part for name, part in change.items() if name != "since"}, "fields": fields}


def _canonical(found: Any) -> str:
    return json.dumps(found, sort_keys=True)
