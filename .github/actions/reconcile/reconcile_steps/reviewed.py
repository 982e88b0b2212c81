"""Finds the plan that was reviewed in the pull request of a merged commit, and says why when there is none.

Takes a push to the branch that is deployed; gives the plan, its digest and the pull request's number, or ends with 3.

Trusted: git, GitHub's record of which pull request a commit came from, and this code, which comes from the branch that
is deployed. Not trusted: the pull request's run, its artifact, and comments. Whoever may push a branch can change the
workflow that runs for it, upload any plan, and write any comment in the bot's name. GitHub does not tell which base
had the workflow of a run: its `pull_requests` are those that are open with the same head, and none after the merge.

* A run counts only if it is the plan workflow's, for the newest commit and the branch of this pull request, which no
  other pull request shares, and if the pull request does not touch `.github/`.
* The comment that people saw must be, to the letter, what this code makes of the kept plan.
* The merged files must be the planned files.
* The kept plan must be, but for its time and its seal, the plan that this code makes of the merged files and the
  account now. So everything that reviewers read (risks, consequences, reasons, places) is derived again, wherever the
  plan came from.
* `apply --plan` sends nothing that this plan does not have.
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
from reconcile_steps.github import GitHub, NotThere
from reconcile_steps.job import Failed, Job
from reconcile_steps.run import call, digest_of, files_of, has_changes, leave, rendered

STALE = 3
LATE = (2, 4)
"""How many seconds GitHub may take to know of a merge that has just been."""
MEMBER_LIMIT = 64 * 1024 * 1024
NAMED = 40
_UNCOMPARED = frozenset({"created_at", "seal"})
"""Parts of a plan that differ with the time and the key. The apply checks the seal before approvals count."""
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
    run = _run(job, github, pull_request)
    _own_head(github, pull_request)
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
        _as_planned_now(job, file)
    job.summary(markdown)
    sys.stdout.write(f"Reviewed in pull request {number}, planned by {_url(job, run)}: {digest}\n")
    job.output("pull-request", str(number))
    job.output("kept", str(folder))
    job.output("plan", str(file))
    job.output("digest", digest)
    job.output("has-changes", str(changes).lower())


def _url(job: Job, run: dict[str, Any]) -> str:
    return f"{job.told('GITHUB_SERVER_URL')}/{job.repository}/actions/runs/{int(run['id'])}"


def _own_head(github: GitHub, pull_request: dict[str, Any]) -> None:
    """Check that no other pull request has the same newest commit.

    Raises:
        NotReviewed: one has, so that a run for this commit may be that one's, with the workflow of another base.
    """
    head = str(pull_request["head"]["sha"])
    others = sorted(
        int(item["number"])
        for item in github.pages(f"commits/{head}/pulls")
        if item["number"] != pull_request["number"] and (item.get("head") or {}).get("sha") == head
    )
    if others:
        raise NotReviewed(f"pull request {others[0]} has the same newest commit, so whose plan this is cannot be told")


def _run(job: Job, github: GitHub, pull_request: dict[str, Any]) -> dict[str, Any]:
    """Find the newest run of the plan workflow for a pull request's newest commit; it must have succeeded."""
    head = str(pull_request["head"]["sha"])
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
    for run in found:
        if not _is_of(run, pull_request):
            raise NotReviewed(
                f"{_url(job, run)} planned {head} for another pull request, branch, or base, so whose plan is the one "
                "that was reviewed cannot be told"
            )
    newest = max(found, key=lambda run: (str(run.get("run_started_at")), int(run["id"])))
    if newest.get("conclusion") is None:
        raise NotReviewed(f"the plan of {head} was not done when it was merged: {_url(job, newest)}")
    if newest["conclusion"] != "success":
        raise NotReviewed(f"the plan of {head} did not go well: {_url(job, newest)}")
    return newest


def _is_of(run: dict[str, Any], pull_request: dict[str, Any]) -> bool:
    """Whether a run can be that of a pull request, by its branch and the open pull requests that GitHub names."""
    base, head = pull_request["base"], pull_request["head"]
    if run.get("head_branch", head.get("ref")) != head.get("ref"):
        return False
    return all(
        item.get("number", pull_request["number"]) == pull_request["number"]
        and (item.get("base") or {}).get("ref") == base["ref"]
        for item in run.get("pull_requests") or []
    )


def _kept(job: Job, github: GitHub, run: dict[str, Any]) -> dict[str, bytes]:
    """Fetch what a run kept: the plan, and what it says of itself."""
    name = job.input("artifact")
    found = [
        item
        for item in github.pages(f"actions/runs/{int(run['id'])}/artifacts", {"name": name}, key="artifacts")
        if item.get("name") == name
    ]
    if not found:
        raise NotReviewed(f"{_url(job, run)} kept no plan under the name {name!r}")
    if len(found) > 1:
        raise NotReviewed(f"{_url(job, run)} kept {len(found)} plans under the name {name!r}")
    (kept,) = found
    if kept.get("expired"):
        raise NotReviewed(f"the plan that {_url(job, run)} kept has expired")
    if (kept.get("workflow_run") or {}).get("id", run["id"]) != run["id"]:
        raise NotReviewed(f"another run than {_url(job, run)} kept the plan")
    # Both are ISO 8601 in UTC. Of a run that was started again, the time is that of its last attempt.
    if str(kept.get("created_at") or "~") < str(run.get("run_started_at") or ""):
        raise NotReviewed(f"an earlier attempt of {_url(job, run)} kept the plan, and the last one kept none")
    packed = github.download(f"actions/artifacts/{int(kept['id'])}/zip")
    digest = kept.get("digest")
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
    """Check that the one comment says what the plan says.

    Raises:
        NotReviewed: there is none or more than one, or it says something else.
    """
    mark = wanted.partition("\n")[0]
    author = job.input("author")
    found = [item for item in github.pages(f"issues/{number}/comments") if comment.is_ours(item, mark, author)]
    if not found:
        raise NotReviewed(f"no comment of {author} on the pull request shows a plan")
    if len(found) > 1:
        raise NotReviewed(f"{len(found)} comments of {author} on the pull request show a plan: which one was reviewed?")
    (shown,) = found
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


def _as_planned_now(job: Job, file: Path) -> None:
    """Check that the kept plan is what the merged files and the account give now.

    Equal files and accounts give equal plans but for the time, so whatever else differs was changed since, or forged.

    Raises:
        NotReviewed: it is not, with what differs, or the plan could not be made.
    """
    fresh = job.folder / "fresh.json"
    ended = call(job, "plan", ["--out", str(fresh)])
    if not fresh.is_file():
        raise NotReviewed(f"the plan could not be made again from the merged files: it ended with {ended.code}")
    differ = _differences(json.loads(file.read_bytes()), json.loads(fresh.read_bytes()))
    if differ:
        lines = [f"  {name!r}"[:200] for name in differ[:NAMED]]
        if len(differ) > NAMED:
            lines.append(f"  … {len(differ) - NAMED:,} more")
        raise NotReviewed(
            "the reviewed plan is not what the merged files and the account give now. Different in\n" + "\n".join(lines)
        )


def _differences(kept: dict[str, Any], fresh: dict[str, Any]) -> list[str]:
    """List the addresses of changes, and the other parts, that two plans do not share."""
    kept, fresh = ({name: part for name, part in plan.items() if name not in _UNCOMPARED} for plan in (kept, fresh))
    # As text: in Python true is 1.
    ours, theirs = ({_spelled(change): change for change in plan.pop("changes")} for plan in (kept, fresh))
    changes = [(ours | theirs)[spelled] for spelled in ours.keys() ^ theirs.keys()]
    parts = [name for name in kept.keys() | fresh.keys() if _spelled(kept.get(name)) != _spelled(fresh.get(name))]
    if not changes and list(ours) != list(theirs):
        parts.append("changes")
    return sorted({str(change["address"]) for change in changes}) + sorted(parts)


def _spelled(found: Any) -> str:
    return json.dumps(found, sort_keys=True)
