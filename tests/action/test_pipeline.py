"""The scripts of the pipeline for GitLab, run in order against a served emulator."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from reconcile_steps import edits
from reconcile_steps.job import Job

from reconciler.cli.workflow_files import gitlab_with_ledger, workflow_examples
from tests.action.conftest import FILES, SECRETS, VARIABLES, World
from tests.action.runner import ROOT, git
from tests.action.stand_in import BOT, REPOSITORY, Token

MORE = FILES.replace("[sendMessage]", "[sendMessage, leaveConversation]")


@pytest.mark.slow
def test_a_change_goes_through_the_pipeline(world: World) -> None:
    described = yaml.safe_load((ROOT / "examples" / "gitlab-ci" / ".gitlab-ci.yml").read_text(encoding="utf-8"))
    path = "conversations/reconciler.yaml"
    # What jobs hand to one another is no part of the repository.
    (world.clone / ".git" / "info" / "exclude").write_text("plan.*\ndrift.md\n")

    def run(job: str) -> int:
        # As GitLab's runner does: one bash for all lines, which ends at the first that fails.
        script = "\n".join(["set -eo pipefail", *described[job]["script"]])
        variables = {name: value for name, value in described["variables"].items() if not name.startswith("RECONCILER")}
        named = described[job].get("environment", {}).get("name", "")
        known = {**VARIABLES.get(named, {}), **SECRETS.get(named, {})}
        environment = {
            "PATH": os.pathsep.join([*map(str, world.runner.path), "/usr/bin", "/bin"]), "LANG": "C.UTF-8", **variables,
            **known, "CI_DEFAULT_BRANCH": "main",
        }  # fmt: skip
        return subprocess.run(["bash", "-c", script], cwd=world.clone, env=environment, check=False).returncode

    world.on_main({path: MORE})
    assert run("validate") == 0
    assert run("plan") == 0
    assert "### 2 to create, 1 to update" in (world.clone / "plan.md").read_text()
    assert world.writes == []
    assert run("apply") == 0
    assert world.roles() == {"agent": ["leaveConversation", "sendMessage"]}
    assert run("drift") == 0
    world.set_role("agent", ["sendMessage"])
    assert run("drift") == 2
    assert "leaveConversation" in (world.clone / "drift.md").read_text()
    # The plan that was saved says nothing of this.
    world.on_main({path: FILES.replace("[sendMessage]", "[addParticipant]")})
    assert run("apply") == 3
    # What was taken back between the plan and the button is not applied.
    sent = len(world.writes)
    assert run("plan") == 0
    world.on_main({path: FILES})
    git(world.clone, "checkout", "-q", "HEAD^")
    assert run("apply") == 0
    assert (world.roles(), len(world.writes)) == ({"agent": ["sendMessage"]}, sent)


@pytest.mark.slow
def test_a_revert_goes_through_the_pipeline_with_a_ledger(world: World, tmp_path: Path) -> None:
    [text] = workflow_examples(ROOT / "examples" / "gitlab-ci", ".gitlab-ci.yml", with_ledger=True).values()
    described = yaml.safe_load(gitlab_with_ledger(text, "refs/reconciler"))
    world.github.tokens |= {"job": Token(BOT, {"contents": "read"}), "project": Token(BOT, {"contents": "write"})}
    host = f"{world.github.url.removeprefix('http://')}/{REPOSITORY}"
    clones = 0

    def run(*jobs: str) -> list[int]:
        # GitLab's runner leaves the job token, which cannot push, in the URL of the remote. These jobs are one
        # pipeline, and share its clone.
        nonlocal clones
        clones += 1
        folder = tmp_path / f"job-{clones}"
        assert described["variables"]["GIT_DEPTH"] == "0"
        git(tmp_path, "clone", "-q", f"http://gitlab-ci-token:job@{host}", str(folder))
        codes = []
        for job in jobs:
            named = described[job]["environment"]["name"]
            variables = {
                name: value for name, value in described["variables"].items() if not name.startswith("RECONCILER")
            }
            token = {"LEDGER_TOKEN": "project"} if named == "production" else {}
            environment = {
                "PATH": os.pathsep.join([*map(str, world.runner.path), "/usr/bin", "/bin"]), "LANG": "C.UTF-8",
                **variables, **VARIABLES[named], **SECRETS[named], **token, "CI_DEFAULT_BRANCH": "main",
                "CI_SERVER_PROTOCOL": "http", "CI_REPOSITORY_URL": f"http://gitlab-ci-token:job@{host}",
                "GITLAB_CI": "true", "CI_PROJECT_ID": "1", "CI_PIPELINE_ID": str(clones), "CI_JOB_NAME": job,
                "CI_JOB_ID": str(clones), "HOME": str(tmp_path), "GIT_CONFIG_GLOBAL": os.devnull,
            }  # fmt: skip
            script = "\n".join(["set -eo pipefail", *described[job]["script"]])
            codes.append(subprocess.run(["bash", "-c", script], cwd=folder, env=environment, check=False).returncode)
        assert "project" not in (folder / ".git" / "config").read_text()
        return codes

    ledger = "ledger: {git: refs/reconciler, remote: origin}\n"
    hook = 'webhooks: {pre_webhook_url: "https://hooks.example.com/veto", '
    path = "conversations/reconciler.yaml"
    sha = world.on_main({path: FILES + ledger})
    # The first apply runs on somebody's machine, which may push.
    first = {"PATH": os.pathsep.join([*map(str, world.runner.path), "/usr/bin", "/bin"]), **VARIABLES["production"]}
    words = ["reconciler", "apply", "conversations", "--env", "prod", "--start-ledger", "--yes"]
    subprocess.run(words, cwd=world.clone, env=first | SECRETS["production"], check=True)
    assert git(world.origin, "rev-parse", "refs/reconciler/prod^2") == sha
    sha = world.on_main({path: FILES.replace("webhooks: {", hook) + ledger})
    assert run("plan", "apply") == [0, 0]
    assert world.pre_webhook() == "https://hooks.example.com/veto"
    assert git(world.origin, "rev-parse", "refs/reconciler/prod^2") == sha
    world.on_main({path: FILES + ledger}, "Revert")
    assert run("plan", "apply", "drift") == [0, 0, 0]
    assert not world.pre_webhook()


@pytest.mark.slow
def test_the_pipeline_installs_what_a_commit_names(tmp_path: Path) -> None:
    described = yaml.safe_load((ROOT / "examples" / "gitlab-ci" / ".gitlab-ci.yml").read_text(encoding="utf-8"))
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    inherited = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_CERT"))}

    def run(lines: list[str], **variables: str) -> str:
        script = "\n".join(["set -eo pipefail", *lines]).replace("/tmp/", f"{tmp_path}/")
        done = subprocess.run(
            ["bash", "-c", script], cwd=workspace, capture_output=True, text=True, check=False,
            env={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "LANG": "C.UTF-8", **variables},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    commit = git(ROOT, "rev-parse", "HEAD")
    run(
        described["install"]["script"], RECONCILER_REPOSITORY=ROOT.as_uri(), RECONCILER_COMMIT=commit,
        HOME=str(tmp_path), **inherited,
    )  # fmt: skip
    # A wheel that was exchanged on the way is refused by its hash, before anything of it is run.
    (wheel,) = (workspace / ".packages").glob("click-*.whl")
    data = wheel.read_bytes()
    wheel.write_bytes(data + b"x")
    with pytest.raises(AssertionError, match=r"(?i)hash"):
        run(described["default"]["before_script"])
    wheel.write_bytes(data)
    said = run([*described["default"]["before_script"], "reconciler --version"])
    assert said.startswith("reconciler ")


HOOK = """\
#!/bin/sh
cat > /dev/null
number=0
while test "$number" -lt "${GIT_PUSH_OPTION_COUNT:-0}"; do
  eval "printf '%s\\n' \\"\\$GIT_PUSH_OPTION_$number\\"" >> "$GIT_DIR/options"
  number=$((number + 1))
done
"""
"""GitLab makes a merge request of these."""
BRANCH = "refs/heads/reconciler/accept-drift-prod@conversations"


class Offers:
    """The job `accept` of the pipeline, and what it pushes."""

    def __init__(self, world: World, folder: Path) -> None:
        [text] = workflow_examples(ROOT / "examples" / "gitlab-ci", ".gitlab-ci.yml", with_ledger=True).values()
        self.job = yaml.safe_load(gitlab_with_ledger(text, "refs/reconciler"))["accept"]
        self.world = world
        self.folder = folder
        self.clones = 0
        world.github.tokens |= {"job": Token(BOT, {"contents": "read"}), "project": Token(BOT, {"contents": "write"})}
        git(world.origin, "config", "receive.advertisePushOptions", "true")
        hook = world.origin / "hooks" / "post-receive"
        hook.write_text(HOOK)
        hook.chmod(0o755)

    def run(self, change: tuple[str, str] | None, differences: str = "agent") -> list[str]:
        """Run the job with a patch of differences; return the push options."""
        host = f"{self.world.github.url.removeprefix('http://')}/{REPOSITORY}"
        self.clones += 1
        clone = self.folder / f"job-{self.clones}"
        git(self.folder, "clone", "-q", f"http://gitlab-ci-token:job@{host}", str(clone))
        git(clone, "checkout", "-q", "--detach")
        file = clone / "conversations" / "reconciler.yaml"
        text = file.read_text()
        if change is not None:
            file.write_text(text.replace(*change))
        patch = git(clone, "diff", "--binary", "HEAD")
        file.write_text(text)
        (clone / "accept.patch").write_text(f"{patch}\n" if patch else "")
        (clone / "accept.md").write_text(f"### Accept 1 difference\n\n# Not a comment\n\n| ~ | `{differences}` |\n")
        options = self.world.origin / "options"
        options.write_text("")
        environment = {
            "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(self.folder), "GIT_CONFIG_GLOBAL": os.devnull,
            "CONFIGURATION": "conversations", "CONFIGURATION_ENV": "prod", "CI_DEFAULT_BRANCH": "main",
            "CI_SERVER_PROTOCOL": "http", "CI_REPOSITORY_URL": f"http://gitlab-ci-token:job@{host}",
            "ACCEPT_TOKEN": "project", "CI_PIPELINE_URL": "https://gitlab.example/1",
        }  # fmt: skip
        script = "\n".join(["set -eo pipefail", *self.job["script"]])
        subprocess.run(["bash", "-c", script], cwd=clone, env=environment, check=True)
        assert "project" not in (clone / ".git" / "config").read_text()
        return options.read_text().splitlines()

    @property
    def head(self) -> str:
        return git(self.world.origin, "for-each-ref", "--format=%(objectname)", BRANCH)


PLACES = {
    # The variables CONFIGURATION and CONFIGURATION_ENV, and the end of the branch, which is that of the action.
    (".", ""): "", ("./", "prod"): "-prod", ("reconciler.yaml", "prod"): "-prod", ("sales", ""): "@sales",
    ("./sales/", "prod"): "-prod@sales", ("sales/reconciler.yaml", "prod"): "-prod@sales",
    ("apps/sales", "prod"): "-prod@apps%2Fsales", ("eu.yaml", "prod"): "-prod@eu%2Eyaml",
    ("my-reconciler.yaml", ""): "@my-reconciler%2Eyaml",
}  # fmt: skip


@pytest.mark.parametrize(("configuration", "environment"), PLACES)
def test_each_configuration_has_the_branch_of_its_path_on_both_platforms(configuration: str, environment: str) -> None:
    wanted = f"reconciler/accept-drift{PLACES[configuration, environment]}"
    [text] = workflow_examples(ROOT / "examples" / "gitlab-ci", ".gitlab-ci.yml", with_ledger=True).values()
    script = [line for line in yaml.safe_load(text)["accept"]["script"] if re.match("(path|scope|branch)=", line)]
    variables = {"CONFIGURATION": configuration, "CONFIGURATION_ENV": environment, "PATH": "/usr/bin:/bin"}
    command = "\n".join(["set -eu", *script, 'printf %s "$branch"'])
    done = subprocess.run(["sh", "-c", command], env=variables, check=True, capture_output=True, text=True)
    assert done.stdout == f"refs/heads/{wanted}"
    inputs = {"INPUT_PATH": configuration, "INPUT_ENV": environment, "INPUT_BRANCH": edits.BRANCH}
    assert edits.branch_of(Job(inputs)) == wanted


@pytest.mark.slow
def test_the_pipeline_offers_a_merge_request_that_accepts_drift(world: World, tmp_path: Path) -> None:
    offers = Offers(world, tmp_path)
    more, other = ("[sendMessage]", "[sendMessage, leaveConversation]"), ("[sendMessage]", "[addParticipant]")
    assert offers.run(None) == []
    create, target, remove, title, description = offers.run(more)
    assert [create, target, remove, title] == [
        "merge_request.create", "merge_request.target=main", "merge_request.remove_source_branch",
        "merge_request.title=Conversations: accept the drift of the account (prod@conversations)",
    ]  # fmt: skip
    assert description.endswith("Pipeline: https://gitlab.example/1")
    first = offers.head
    assert git(world.origin, "diff", "--name-only", "main", first) == "conversations/reconciler.yaml"
    assert "\n# Not a comment" in git(world.origin, "log", "-1", "--format=%B", first)
    # The same edits are not pushed again, also if the target has moved: a closed merge request stays closed.
    world.on_main({"README.md": "Words\n"})
    assert (offers.run(more), offers.head) == ([], first)
    # Nor if other lines of the file have changed; but for another value, and for another difference.
    world.on_main({"conversations/reconciler.yaml": f"# The desk\n{FILES}"})
    assert (offers.run(more), offers.head) == ([], first)
    assert offers.run(more, "lead")[0] == "merge_request.create"
    first = offers.head
    # A commit that conflicts with the merge request is taken over into it.
    line = next(line for line in FILES.splitlines(keepends=True) if "[sendMessage]" in line)
    world.on_main({"conversations/reconciler.yaml": FILES.replace(line, f"{line}# About the next one\n")})
    assert offers.run(more, "lead")[0] == "merge_request.create"
    first = offers.head
    assert offers.run(other, "lead")[0] == "merge_request.create"
    assert offers.head != first
    # A commit of somebody else stays.
    git(world.clone, "fetch", "-q", "origin", BRANCH)
    git(world.clone, "checkout", "-q", "--detach", "FETCH_HEAD")
    (world.clone / "theirs").write_text("x")
    theirs = world.commit(BRANCH.removeprefix("refs/heads/"), "Theirs")
    assert (offers.run(more), offers.run(None), offers.head) == ([], [], theirs)
    git(world.origin, "update-ref", BRANCH, first)
    # Without the branch, the merge request is closed.
    assert (offers.run(None), offers.head) == ([], "")
