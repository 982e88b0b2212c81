"""The pull request that accepts drift: against the stand-in, and as a whole in the workflow for a ledger."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from reconcile_steps import edits, pull_request
from reconcile_steps.github import GitHub as Client
from reconcile_steps.job import Failed, Job

from reconciler.render.acceptance import BUDGET
from tests.action.conftest import FILES, SECRETS, World
from tests.action.runner import git
from tests.action.stand_in import BOT, REPOSITORY, GitHub, Token, served
from tests.action.test_ledger import LEDGER
from tests.action.test_steps import job, program

FILE = "conversations/reconciler.yaml"
FORMER = "reconciler/accept-drift-prod"
BRANCH = f"{FORMER}@conversations"
REF = f"refs/heads/{BRANCH}"
MARK = "<!-- reconciler:action accept conversations prod -->"
PUSHES = {"contents": "write", "pull-requests": "write"}
ROLE, HOOK = {"address": "services.support.roles.agent", "field": "permissions"}, {"address": "a", "field": "url"}


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[GitHub]:
    """A repository with one file on main, and a token that may push."""
    with served(GitHub()) as found:
        found.origin = tmp_path / "origin.git"
        clone = tmp_path / "clone"
        git(tmp_path, "init", "-q", "--bare", "-b", "main", str(found.origin))
        git(tmp_path, "clone", "-q", str(found.origin), str(clone))
        (clone / "conversations").mkdir()
        (clone / FILE).write_text("a: 1\n")
        (clone / "other.txt").write_text("Other\n")
        git(clone, "add", "-A")
        git(clone, "commit", "-q", "-m", "Begin")
        git(clone, "push", "-q", "origin", "HEAD:refs/heads/main")
        found.tokens["ghs_token"] = Token(BOT, PUSHES)
        yield found


def kept(
    stand_in: GitHub,
    folder: Path,
    text: str | None,
    *found: Mapping[str, str],
    base: str = "main",
    branch: str = BRANCH,
) -> str:
    """Run the step with these edits; return the URL."""
    files = []
    if text is not None:
        before, after = (
            stand_in.git("rev-parse", f"{base}:{FILE}"),
            stand_in.git("hash-object", "--stdin", data=text.encode()),
        )
        content = base64.b64encode(text.encode()).decode()
        files = [{"path": FILE, "mode": "100644", "before": before, "after": after, "content": content}]
    document = {
        "format": "reconciler.edits", "format_version": 1, "mark": MARK, "branch": branch, "former_branch": FORMER,
        "base": "main", "commit": stand_in.git("rev-parse", base), "title": "Accept it",
        "markdown": "### Accept 1 difference\n",
        "findings": edits.finding_keys({"accepted": list(found), "refused": []}), "files": files,
    }  # fmt: skip
    (folder / "edits.json").write_text(json.dumps(document))
    output = folder / "output"
    output.unlink(missing_ok=True)
    told = job(
        stand_in, folder, INPUT_EDITS=str(folder), GITHUB_SERVER_URL="https://github.example", GITHUB_RUN_ID="5",
        INPUT_BRANCH="reconciler/accept-drift",
    )  # fmt: skip
    assert pull_request.main(told) == 0
    return output.read_text().splitlines()[1]


def opened(stand_in: GitHub) -> list[dict[str, Any]]:
    return [pull for pull in stand_in.pulls.values() if pull["state"] == "open"]


def test_the_pull_request_has_only_the_edited_files(stand_in: GitHub, tmp_path: Path) -> None:
    url = kept(stand_in, tmp_path, "a: 2\n", ROLE)
    [pull] = opened(stand_in)
    assert (pull["html_url"], pull["title"], pull["base"]["ref"], pull["head"]["ref"]) == (
        url,
        "Accept it",
        "main",
        BRANCH,
    )
    first, second, *_ = pull["body"].split("\n")
    assert (first, second.startswith("<!-- reconciler:findings ")) == (MARK, True)
    assert "### Accept 1 difference\n\n---\n**Merge** this pull request to keep the live values" in pull["body"]
    assert stand_in.git("diff", "--name-only", "main", REF) == FILE
    assert stand_in.git("show", f"{REF}:{FILE}") == "a: 2"
    assert stand_in.git("rev-parse", f"{REF}^@") == stand_in.git("rev-parse", "main")


def test_equal_edits_make_no_other_commit(stand_in: GitHub, tmp_path: Path) -> None:
    kept(stand_in, tmp_path, "a: 2\n", ROLE)
    head = stand_in.git("rev-parse", REF)
    kept(stand_in, tmp_path, "a: 2\n", ROLE)
    assert stand_in.git("rev-parse", REF) == head
    assert len(stand_in.pulls) == 1


def test_other_edits_are_a_commit_on_top(stand_in: GitHub, tmp_path: Path) -> None:
    kept(stand_in, tmp_path, "a: 2\n", ROLE)
    former, base = stand_in.git("rev-parse", REF), stand_in.git("rev-parse", "main")
    kept(stand_in, tmp_path, "a: 3\n", ROLE)
    assert stand_in.git("show", f"{REF}:{FILE}") == "a: 3"
    assert stand_in.git("rev-parse", f"{REF}^@") == former
    # The base branch moves: its commit becomes a parent.
    tree = stand_in.git("rev-parse", "main^{tree}")
    moved = stand_in.git("commit-tree", tree, "-p", base, data=b"Elsewhere")
    stand_in.git("update-ref", "refs/heads/main", moved)
    head = stand_in.git("rev-parse", REF)
    kept(stand_in, tmp_path, "a: 3\n", ROLE)
    assert stand_in.git("rev-parse", REF) == head
    kept(stand_in, tmp_path, "a: 4\n", ROLE)
    assert stand_in.git("rev-parse", f"{REF}^@").split() == [head, moved]
    assert stand_in.git("diff", "--name-only", f"main...{REF}") == FILE
    assert len(opened(stand_in)) == 1


def test_the_branch_of_an_earlier_version_is_continued(stand_in: GitHub, tmp_path: Path) -> None:
    kept(stand_in, tmp_path, "a: 2\n", ROLE, branch=FORMER)
    kept(stand_in, tmp_path, "a: 3\n", ROLE, HOOK)
    [pull] = stand_in.pulls.values()
    assert (pull["head"]["ref"], stand_in.git("show", f"refs/heads/{FORMER}:{FILE}")) == (FORMER, "a: 3")
    # Closed, and kept: the same findings open none. Without drift, the branch is deleted.
    pull["state"] = "closed"
    assert kept(stand_in, tmp_path, "a: 3\n", ROLE, HOOK) == ""
    kept(stand_in, tmp_path, None)
    assert stand_in.git("for-each-ref", "refs/heads/reconciler") == ""
    kept(stand_in, tmp_path, "a: 2\n", ROLE)
    assert [item["head"]["ref"] for item in opened(stand_in)] == [BRANCH]


def test_the_branch_of_another_configuration_is_not_continued(stand_in: GitHub, tmp_path: Path) -> None:
    kept(stand_in, tmp_path, "a: 2\n", ROLE, branch=FORMER)
    [pull] = stand_in.pulls.values()
    pull["body"] = pull["body"].replace(MARK, MARK.replace("conversations", "sales"))
    kept(stand_in, tmp_path, "a: 3\n", ROLE)
    assert {item["head"]["ref"] for item in opened(stand_in)} == {FORMER, BRANCH}
    assert stand_in.git("show", f"refs/heads/{FORMER}:{FILE}") == "a: 2"


def test_a_closed_one_is_not_opened_again_for_the_same_findings(stand_in: GitHub, tmp_path: Path) -> None:
    kept(stand_in, tmp_path, "a: 2\n", ROLE)
    [pull] = stand_in.pulls.values()
    pull["state"] = "closed"
    # Not even if the value changes once more.
    assert kept(stand_in, tmp_path, "a: 3\n", ROLE) == ""
    assert opened(stand_in) == []
    # Another finding opens another one, with all edits.
    assert kept(stand_in, tmp_path, "a: 4\n", ROLE, HOOK) != pull["html_url"]
    assert len(opened(stand_in)) == 1


def test_findings_that_were_gone_count_as_new(stand_in: GitHub, tmp_path: Path) -> None:
    kept(stand_in, tmp_path, "a: 2\n", ROLE, HOOK)
    [pull] = stand_in.pulls.values()
    pull["state"] = "closed"
    assert kept(stand_in, tmp_path, "a: 3\n", ROLE) == ""
    assert kept(stand_in, tmp_path, "a: 2\n", ROLE, HOOK) != ""
    for one in opened(stand_in):
        one["state"] = "closed"
    kept(stand_in, tmp_path, None)
    assert kept(stand_in, tmp_path, "a: 2\n", ROLE) != ""


def test_it_closes_when_the_drift_is_gone(stand_in: GitHub, tmp_path: Path) -> None:
    kept(stand_in, tmp_path, "a: 2\n", ROLE)
    kept(stand_in, tmp_path, None)
    [pull] = stand_in.pulls.values()
    assert pull["state"] == "closed"
    assert stand_in.bodies(pull["number"]) == [pull_request.GONE]
    assert stand_in.git("for-each-ref", REF) == ""
    # It was not declined, so the next drift opens one.
    kept(stand_in, tmp_path, "a: 2\n", ROLE)
    assert len(opened(stand_in)) == 1


def test_it_closes_when_nothing_can_be_accepted(stand_in: GitHub, tmp_path: Path) -> None:
    kept(stand_in, tmp_path, "a: 2\n", ROLE)
    kept(stand_in, tmp_path, None, ROLE)
    [pull] = stand_in.pulls.values()
    assert (pull["state"], stand_in.bodies(pull["number"])) == ("closed", [pull_request.NOTHING_LEFT])


def test_without_drift_nothing_is_written(stand_in: GitHub, tmp_path: Path) -> None:
    assert kept(stand_in, tmp_path, None) == ""
    assert [method for method, _ in stand_in.asked] == ["GET"] * 3


def test_after_a_merge_its_branch_is_deleted(stand_in: GitHub, tmp_path: Path) -> None:
    kept(stand_in, tmp_path, "a: 2\n", ROLE)
    [pull] = stand_in.pulls.values()
    pull |= {"state": "closed", "merged_at": "2026-01-02T00:00:00Z"}
    stand_in.git("update-ref", "refs/heads/main", stand_in.git("rev-parse", REF))
    kept(stand_in, tmp_path, None)
    assert stand_in.git("for-each-ref", REF) == ""
    kept(stand_in, tmp_path, "a: 3\n", ROLE)
    assert len(opened(stand_in)) == 1


@pytest.mark.parametrize("text", ["a: 3\n", None])
def test_a_commit_of_somebody_else_is_left_alone(
    stand_in: GitHub, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None
) -> None:
    kept(stand_in, tmp_path, "a: 2\n", ROLE)
    head = stand_in.git("rev-parse", REF)
    message = stand_in.git("log", "-1", "--format=%B", head)
    tree = stand_in.git("rev-parse", "main^{tree}")
    # On top, or in place of ours, with our message.
    for parents in (["-p", head], ["-p", f"{head}^"]):
        other = stand_in.git("commit-tree", tree, *parents, data=message.encode(), who="ada")
        stand_in.git("update-ref", REF, other)
        url = kept(stand_in, tmp_path, text, *([ROLE] if text else []))
        [pull] = opened(stand_in)
        assert (url, stand_in.git("rev-parse", REF)) == (pull["html_url"], other)
        assert f"::warning title=reconciler::branch {BRANCH} is left alone: " in capsys.readouterr().out
        assert f"did not make its newest commit {other}" in (tmp_path / "summary").read_text()


def test_a_push_at_the_same_time_is_not_overwritten(stand_in: GitHub, tmp_path: Path) -> None:
    kept(stand_in, tmp_path, "a: 2\n", ROLE)
    head = stand_in.git("rev-parse", REF)
    other = stand_in.git("commit-tree", f"{head}^{{tree}}", "-p", head, data=b"Theirs", who="ada")
    stand_in.before_move = lambda: stand_in.git("update-ref", REF, other)
    with pytest.raises(Failed, match="Update is not a fast forward"):
        kept(stand_in, tmp_path, "a: 3\n", ROLE)
    assert stand_in.git("rev-parse", REF) == other


def test_a_branch_of_somebody_else_is_left_alone(stand_in: GitHub, tmp_path: Path) -> None:
    stand_in.git("update-ref", REF, "main")
    assert kept(stand_in, tmp_path, "a: 2\n", ROLE) == ""
    assert stand_in.pulls == {}
    assert stand_in.git("rev-parse", REF) == stand_in.git("rev-parse", "main")


def test_the_pull_request_of_somebody_else_is_left_alone(stand_in: GitHub, tmp_path: Path) -> None:
    stand_in.tokens["ghs_token"] = Token("mallory", PUSHES)
    with pytest.raises(Failed, match=r"the author of the pull request is mallory, not github-actions\[bot\]"):
        kept(stand_in, tmp_path, "a: 2\n", ROLE)
    [pull] = stand_in.pulls.values()
    stand_in.tokens["ghs_token"] = Token(BOT, PUSHES)
    kept(stand_in, tmp_path, None)
    assert pull["state"] == "open"


def test_a_setting_that_forbids_pull_requests_is_named(stand_in: GitHub, tmp_path: Path) -> None:
    stand_in.may_open_pulls = False
    with pytest.raises(Failed, match="GitHub Actions is not permitted to create or approve pull requests"):
        kept(stand_in, tmp_path, "a: 2\n", ROLE)
    # The branch is there, and the next run continues.
    stand_in.may_open_pulls = True
    kept(stand_in, tmp_path, "a: 2\n", ROLE)
    assert len(opened(stand_in)) == 1


@pytest.mark.parametrize("length", [1_000, BUDGET + 300, 65_000])
def test_the_body_fits_into_a_pull_request(stand_in: GitHub, tmp_path: Path, length: int) -> None:
    found = {
        "mark": MARK, "branch": BRANCH, "commit": "1" * 40, "markdown": "m" * length,
        "findings": [f"{number:012x}" for number in range(edits.MANY)],
    }  # fmt: skip
    told = job(stand_in, tmp_path, GITHUB_SERVER_URL="https://github.example", GITHUB_RUN_ID="5")
    body = pull_request._Keeper(told, Client(told), found)._body()
    assert len(body) <= 65_536
    # The longest text of the renderer has room.
    assert ("m" * length in body) is (length < 65_000)
    # What was declined is known in any case.
    assert len(pull_request._findings_of({"body": body})) == edits.MANY


@pytest.mark.parametrize("text", ["", "{}", "[]", "{"])
def test_edits_that_are_none(stand_in: GitHub, tmp_path: Path, text: str) -> None:
    (tmp_path / "edits.json").write_text(text)
    for folder in ("", str(tmp_path), str(tmp_path / "missing")):
        with pytest.raises(Failed, match="invalid input edits"):
            pull_request.load_edits(job(stand_in, tmp_path, INPUT_EDITS=folder))


# --- preparing the edits ----------------------------------------------------------------------------------------------

ACCEPTS = """\
import json, sys
from pathlib import Path
if sys.argv[1] == "show":
    print("### Accept it")
    raise SystemExit
Path("arguments.txt").write_text(" ".join(sys.argv[1:]))
Path("a.yaml").write_bytes(b"a: 2\\r\\n")
print(json.dumps({"accepted": [{"address": "a", "field": "b"}], "refused": []}))
print("::error::Not a command", file=sys.stderr)
raise SystemExit(CODE)
"""


def prepared(folder: Path, code: int = 0, **more: str) -> tuple[Job, Path]:
    """A job in a checked-out repository, with a program that edits a file."""
    workspace = folder / "workspace"
    workspace.mkdir()
    git(workspace, "init", "-q")
    (workspace / "a.yaml").write_bytes(b"a: 1\r\n")
    (workspace / ".gitignore").write_text("arguments.txt\n")
    git(workspace, "add", "-A")
    git(workspace, "commit", "-q", "-m", "Begin")
    (folder / "event.json").write_text("{}")
    accepts = folder / "accepts.py"
    accepts.write_text(ACCEPTS.replace("CODE", str(code)))
    runs = f"import os, runpy\nos.chdir({str(workspace)!r})\nrunpy.run_path({str(accepts)!r})"
    told = {
        "GITHUB_WORKSPACE": str(workspace), "FOLDER": str(folder), "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_EVENT_PATH": str(folder / "event.json"), "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "GITHUB_REF": "refs/heads/main", "GITHUB_SHA": "1" * 40, "INPUT_PATH": ".", "INPUT_ENV": "eu.prod",
        "INPUT_BRANCH": "reconciler/accept-drift",
        "RECONCILER": program(folder, runs),
    }  # fmt: skip
    return Job(told | more), workspace


def test_the_edits_are_collected_and_the_files_restored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told, workspace = prepared(tmp_path, 5)
    assert edits.prepare(told, has_drift=True) == (0, "reconciler/accept-drift-eu%2Eprod")
    found = json.loads((tmp_path / "edits" / "edits.json").read_text())
    [file] = found.pop("files")
    assert (file["path"], file["mode"], base64.b64decode(file["content"])) == ("a.yaml", "100644", b"a: 2\r\n")
    assert found == {
        "format": "reconciler.edits", "format_version": 1, "mark": "<!-- reconciler:action accept . eu.prod -->",
        "branch": "reconciler/accept-drift-eu%2Eprod", "former_branch": "reconciler/accept-drift-eu%2Eprod",
        "base": "main", "commit": "1" * 40,
        "title": "Conversations: accept the drift of the account (eu.prod)", "markdown": "### Accept it\n",
        "findings": edits.finding_keys({"accepted": [{"address": "a", "field": "b"}], "refused": []}),
    }  # fmt: skip
    assert (workspace / "a.yaml").read_bytes() == b"a: 1\r\n"
    assert git(workspace, "status", "--porcelain") == ""
    assert (tmp_path / "summary").read_text() == "### Accept it\n\n"
    first, line, *_ = capsys.readouterr().out.splitlines()
    assert (first.startswith("::stop-commands::"), line) == (True, "::error::Not a command")


def test_another_configuration_does_not_rename_the_branch_of_a_first_one(tmp_path: Path) -> None:
    told, workspace = prepared(tmp_path, INPUT_PATH="sales", INPUT_ENV="prod")
    branch = "reconciler/accept-drift-prod@sales"
    assert edits.branch_of(told) == branch
    (workspace / "support").mkdir()
    (workspace / "support" / "reconciler.yaml").write_text("version: 1\n")
    git(workspace, "add", "-A")
    git(workspace, "commit", "-q", "-m", "More")
    assert edits.branch_of(told) == branch
    edits.prepare(told, has_drift=False)
    found = json.loads((tmp_path / "edits" / "edits.json").read_text())
    assert found["title"] == "Conversations: accept the drift of the account (prod, sales)"
    assert (found["branch"], found["former_branch"]) == (branch, "reconciler/accept-drift-prod")
    # A name of the user's choice has no path.
    chosen = Job({**told.environment, "INPUT_BRANCH": "drift"})
    assert edits.branch_of(chosen) == "drift-prod"


def test_options_that_only_drift_has_are_left_out(tmp_path: Path) -> None:
    args = "--fail-on=unmanaged\n--var\nhost=a\n--history\nx.db\n--strict\n--start-ledger\n--baseline=git:v1"
    told, workspace = prepared(tmp_path, INPUT_ARGS=args)
    edits.prepare(told, has_drift=False)
    assert (workspace / "arguments.txt").read_text() == (
        "accept --yes --format json --env eu.prod --var host=a --strict --baseline=git:v1 -- ."
    )


def test_without_drift_the_account_is_not_read_again(tmp_path: Path) -> None:
    told, workspace = prepared(tmp_path)
    assert edits.prepare(told, has_drift=False) == (0, "")
    assert not (workspace / "arguments.txt").exists()
    assert json.loads((tmp_path / "edits" / "edits.json").read_text())["files"] == []


def test_an_accept_that_fails_prepares_nothing(tmp_path: Path) -> None:
    told, workspace = prepared(tmp_path, 1)
    assert edits.prepare(told, has_drift=True) == (1, "")
    assert not (tmp_path / "edits").exists()
    assert (workspace / "a.yaml").read_bytes() == b"a: 1\r\n"


def test_nothing_is_prepared_outside_of_a_branch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told, workspace = prepared(tmp_path, GITHUB_REF="refs/pull/5/merge")
    assert edits.prepare(told, has_drift=True) == (0, "")
    (tmp_path / "event.json").write_text('{"pull_request": {"number": 5}}')
    assert edits.prepare(Job({**told.environment, "GITHUB_REF": "refs/heads/main"}), has_drift=True) == (0, "")
    assert capsys.readouterr().out.count("::notice title=reconciler::accept works only on a branch") == 2
    assert not (workspace / "arguments.txt").exists()
    assert not (tmp_path / "edits").exists()


def test_what_cannot_be_accepted_as_a_whole_is_an_error(tmp_path: Path) -> None:
    told, workspace = prepared(tmp_path, INPUT_ARGS="--target=services.support")
    with pytest.raises(Failed, match="accept cannot be used together with --target"):
        edits.prepare(told, has_drift=True)
    (workspace / "a.yaml").write_text("a: 3\n")
    with pytest.raises(Failed, match=r"an earlier step changed a\.yaml"):
        edits.prepare(Job({**told.environment, "INPUT_ARGS": ""}), has_drift=True)
    assert (workspace / "a.yaml").read_text() == "a: 3\n"


def test_a_secret_of_the_job_is_never_published(tmp_path: Path) -> None:
    told, workspace = prepared(tmp_path, HOOK_TOKEN="hunter2hunter2")
    accepts = tmp_path / "accepts.py"
    accepts.write_text(accepts.read_text().replace("a: 2", "a: hunter2hunter2"))
    with pytest.raises(Failed, match="would contain the value of HOOK_TOKEN, so they are not published"):
        edits.prepare(told, has_drift=True)
    assert not (tmp_path / "edits").exists()
    assert (workspace / "a.yaml").read_bytes() == b"a: 1\r\n"


def test_many_findings_have_one_key() -> None:
    many = [{"address": f"a{number}", "field": ""} for number in range(edits.MANY + 1)]
    assert len(edits.finding_keys({"accepted": many, "refused": []})) == 1
    assert len(edits.finding_keys({"accepted": many[:-1], "refused": many[:5]})) == edits.MANY


# --- the whole workflow -----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_one_pull_request_beside_the_issue(world: World) -> None:
    assert world.start_ledger().results == {"reviewed": "success", "apply": "success"}
    none = world.by_hand("drift.yml")
    assert none.results == {"drift": "success", "accept": "success"}, none.log
    assert (world.github.pulls, world.github.issues) == ({}, {})

    world.set_role("agent", ["sendMessage", "addParticipant"])
    found = world.by_hand("drift.yml")
    assert found.results == {"drift": "success", "accept": "success"}, found.log
    [pull] = world.github.pulls.values()
    [issue] = world.github.issues.values()
    assert (pull["title"], pull["head"]["ref"]) == (
        "Conversations: accept the drift of the account (prod, conversations)",
        BRANCH,
    )
    assert "### Accept 1 difference\n" in pull["body"]
    assert "`services.support.roles.agent.permissions`" in pull["body"]
    assert f"A pull request from the branch `{BRANCH}` accepts what can be accepted." in issue["body"]
    edited = FILES.replace("[sendMessage]", "[sendMessage, addParticipant]") + LEDGER
    assert git(world.origin, "show", f"{BRANCH}:{FILE}") == edited.strip()
    # The job that pushes has neither the account's key nor the ledger's.
    seen = [text for environment in found.jobs["accept"].environments for text in environment.values()]
    assert not [text for text in seen if text.endswith("-is-secret")]

    # Merged: the account's side has won.
    git(world.clone, "fetch", "-q", "origin", BRANCH)
    git(world.clone, "checkout", "-q", "main")
    git(world.clone, "merge", "-q", "--squash", "FETCH_HEAD")
    world.commit("main", "Accept drift")
    pull |= {"state": "closed", "merged_at": "2026-01-02T00:00:00Z"}
    merged = world.by_hand("drift.yml")
    assert merged.results == {"drift": "success", "accept": "success"}, merged.log
    assert issue["state"] == "closed"
    assert git(world.origin, "for-each-ref", REF) == ""
    assert world.by_hand("apply.yml").results == {"reviewed": "success", "apply": "success"}

    # Closed: the configuration wins, and the same finding opens none.
    world.set_role("agent", ["sendMessage"])
    world.by_hand("drift.yml")
    [other] = opened(world.github)
    other["state"] = "closed"
    world.by_hand("drift.yml")
    assert opened(world.github) == []
    assert world.by_hand("apply.yml").results == {"reviewed": "success", "apply": "success"}
    assert world.roles() == {"agent": ["addParticipant", "sendMessage"]}
    world.by_hand("drift.yml")
    assert world.github.issues[max(world.github.issues)]["state"] == "closed"

    # An account that cannot be read changes neither.
    world.set_role("agent", ["sendMessage"])
    world.by_hand("drift.yml")
    assert len(opened(world.github)) == 1
    wrong = SECRETS["conversations-plan"] | {"TWILIO_API_SECRET": "a wrong one"}
    world.runner.secrets = {**SECRETS, "conversations-plan": wrong}
    assert world.by_hand("drift.yml").results == {"drift": "failure", "accept": "skipped"}
    assert len(opened(world.github)) == 1
    assert REPOSITORY in opened(world.github)[0]["html_url"]
