"""The workflows of examples/github-actions, run step by step: what is reviewed is what is applied, or nothing is."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from reconcile_steps import comment

from reconciler.documents.plan import PlanFile
from reconciler.render.markdown import plan_markdown
from reconciler.render.markdown_text import Repository
from tests.action.conftest import FILES, SECRETS, Pull, World, world_in
from tests.action.runner import Run
from tests.action.stand_in import BOT, REPOSITORY, packed

PATH = "conversations/reconciler.yaml"
MORE = FILES.replace("[sendMessage]", "[sendMessage, leaveConversation]")
LEAD = "      lead: {type: conversation, permissions: [sendMessage]}\n"
AGENT = "      agent: {type: conversation, permissions: [sendMessage]}\n"


def refused(world: World, run: Run, number: int, *reasons: str) -> None:
    """Ended with 3, sent nothing, and said why in the pull request and in the summary."""
    assert run.results == {"reviewed": "failure", "apply": "skipped"}, run.log
    assert run.jobs["reviewed"].code == 3
    assert world.writes == []
    (said,) = [body for body in world.github.bodies(number) if body.startswith("<!-- reconciler:action apply ")]
    assert "⛔ Not applied: no reviewed plan fits. Nothing was sent" in said
    for reason in reasons:
        assert reason in said
        assert reason in run.summary


@pytest.mark.parametrize("plans_here", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_change_from_its_pull_request_into_the_account(real_world: World, plans_here: bool) -> None:  # noqa: FBT001
    world = real_world
    world.runner.in_process = plans_here
    pull = world.open("more", {PATH: MORE})
    first = world.planned(pull)
    assert first.results == {"plan": "success", "offline": "skipped"}, first.log
    (body,) = world.github.bodies(pull.number)
    assert body.startswith("<!-- reconciler:action plan conversations prod -->\n<!-- reconciler:plan AC")
    assert "### 2 to create, 1 to update, 0 to replace, 0 to delete" in body
    assert "leaveConversation" in body
    assert "t0ken" not in body
    assert len(body) < 65_536
    assert "2 to create" in first.summary

    # A second push: the same comment, and no other, not even of the hundreds that people have written.
    for number in range(250):
        world.github.say(pull.number, "ada", f"Comment {number}")
    world.push(pull, {PATH: MORE + "x-note: another\n"})
    world.runner.in_process = True
    second = world.planned(pull)
    world.runner.in_process = False
    assert second.results == {"plan": "success", "offline": "skipped"}, second.log
    (again,) = world.github.bodies(pull.number)
    assert world.github.comments[pull.number][0]["body"] == again
    assert again != body
    assert world.writes == []

    applied = world.pushed(world.merge(pull))
    assert applied.results == {"reviewed": "success", "apply": "success"}, applied.log
    assert world.roles() == {"agent": ["leaveConversation", "sendMessage"]}
    outermost, *inside = [path.rsplit("/", 1)[-1] for _, path in world.writes]
    assert (outermost, sorted(inside)) == ("Services", ["Roles", "Webhooks"])
    plan, report = world.github.bodies(pull.number)
    assert plan == again
    assert report.startswith("<!-- reconciler:action apply conversations prod -->\n")
    assert "### ✅ Applied: 2 created, 1 updated, 0 replaced, 0 deleted" in report
    # What each job may: nothing that it does not need, and the key that writes only after the reviewers' yes.
    seen = {
        name: {text for environment in job.environments for text in environment.values() if text.endswith("-is-secret")}
        for name, job in applied.jobs.items()
    }
    assert seen == {"reviewed": {"looking-is-secret"}, "apply": {"writing-is-secret"}}
    kept = world.github.kept(applied.number, "reconciler-report")
    assert json.loads(kept["report.json"])["format"] == "reconciler.report"


def test_a_pull_request_elsewhere_passes_the_required_check(world: World) -> None:
    run = world.planned(world.open("words", {"README.md": "Words\n"}))
    assert run.results == {"plan": "success", "offline": "skipped"}, run.log
    assert run.summary == "The configuration did not change.\n"
    assert world.github.comments == {}
    assert not world.calls.read_text()
    seen = {text for job in run.jobs.values() for step in job.environments for text in step.values()}
    assert not [text for text in seen if text.endswith("-is-secret")]


def test_a_pull_request_that_takes_its_changes_back_says_so_in_the_comment_on_its_plan(world: World) -> None:
    pull = world.open("more", {PATH: MORE, "README.md": "Words\n"})
    world.planned(pull)
    (before,) = world.github.bodies(pull.number)
    world.push(pull, {PATH: FILES})
    run = world.planned(pull)
    assert run.results == {"plan": "success", "offline": "skipped"}, run.log
    (after,) = world.github.bodies(pull.number)
    first, *text = after.split("\n")
    assert first == before.partition("\n")[0]
    assert text[:3] == [
        "### No changes",
        "",
        "This pull request does not change the configuration, so there is nothing to apply.",
    ]
    world.push(pull, {PATH: MORE})
    world.planned(pull)
    (again,) = world.github.bodies(pull.number)
    assert "### 2 to create, 1 to update, 0 to replace, 0 to delete" in again
    # As promised of this world, no command was a process of its own, which takes ten times as long.
    assert not world.pid.exists()


@pytest.mark.slow
def test_lines_that_a_pull_request_removes_are_in_its_summary(world: World) -> None:
    world.on_main({PATH: FILES.replace(AGENT, AGENT + LEAD)})
    run = world.planned(world.open("back", {PATH: FILES}))
    assert run.results == {"plan": "success", "offline": "skipped"}, run.log
    assert "No longer managed" in run.summary


@pytest.mark.slow
def test_a_base_that_is_invalid_or_missing_does_not_fail_the_plan_that_mends_it(world: World) -> None:
    world.on_main({PATH: "version: [\n"})
    run = world.planned(world.open("mended", {PATH: MORE}))
    assert run.results == {"plan": "success", "offline": "skipped"}, run.log


@pytest.mark.slow
def test_an_option_of_a_plan_that_is_made_by_hand(world: World) -> None:
    world.on_main({PATH: MORE})
    run = world.by_hand("apply.yml", options="--target=services.support.roles.agent")
    assert run.results == {"reviewed": "success", "apply": "success"}, run.log
    assert {path.rsplit("/", 1)[-1] for _, path in world.writes} == {"Services", "Roles"}


@pytest.mark.slow
@pytest.mark.parametrize("job", ["reviewed", "apply"])
def test_somebody_changed_the_account_after_the_review(world: World, job: str) -> None:
    first = world.open("begin", {PATH: FILES + "x-note: begin\n"})
    world.planned(first)
    world.pushed(world.merge(first))
    pull = world.open("more", {PATH: MORE})
    world.planned(pull)
    # At the merge, or while the reviewers of the environment take their time.
    world.runner.before[job] = lambda: world.set_role("agent", ["sendMessage", "sendMediaMessage"])

    ended = world.pushed(world.merge(pull))
    results = {
        "reviewed": {"reviewed": "failure", "apply": "skipped"},
        "apply": {"reviewed": "success", "apply": "failure"},
    }
    assert ended.results == results[job], ended.log
    assert ended.jobs[job].code == 3
    assert world.roles() == {"agent": ["sendMediaMessage", "sendMessage"]}
    said = world.github.bodies(pull.number)[-1]
    heading = {"reviewed": "no reviewed plan fits", "apply": "The approved plan no longer matches"}
    assert heading[job] in said
    assert "services.support.roles.agent" in said


@pytest.mark.slow
def test_where_no_plan_fits_the_way_on_is_a_fresh_one(world: World) -> None:
    world.on_main({PATH: FILES + "x-note: begin\n"})
    assert world.by_hand("apply.yml").results == {"reviewed": "success", "apply": "success"}
    world.set_role("agent", ["sendMessage", "sendMediaMessage"])
    world.on_main({PATH: MORE})
    # The reviewers of the environment see it before they say yes.
    by_hand = world.by_hand("apply.yml")
    assert by_hand.results == {"reviewed": "success", "apply": "success"}, by_hand.log
    assert "sendMediaMessage" in by_hand.jobs["reviewed"].summary
    assert world.roles() == {"agent": ["leaveConversation", "sendMessage"]}
    assert world.by_hand("apply.yml").results == {"reviewed": "success", "apply": "skipped"}


@pytest.mark.slow
def test_without_a_shared_key_secrets_of_a_plan_cannot_be_compared(world: World) -> None:
    world.runner.secrets = {
        name: {"TWILIO_API_SECRET": known["TWILIO_API_SECRET"], "RECONCILER_PLAN_KEY": ""}
        for name, known in SECRETS.items()
    }
    pull = world.open("more", {PATH: MORE})
    world.planned(pull)
    ended = world.pushed(world.merge(pull))
    assert ended.results == {"reviewed": "success", "apply": "failure"}, ended.log
    assert ended.jobs["apply"].code == 3
    assert world.writes == []
    said = world.github.bodies(pull.number)[-1]
    assert "RECONCILER_PLAN_KEY" in said


def test_another_merge_came_in_between(world: World) -> None:
    pull = world.open("lead", {PATH: FILES.replace(AGENT, AGENT + LEAD)})
    world.planned(pull)
    world.on_main({"conversations/other.yaml": "version: 1\n", "README.md": "Elsewhere\n"})
    refused(
        world, world.pushed(world.merge(pull)), pull.number,
        "the merged files differ from the planned files", "+ 'conversations/other.yaml'",
    )  # fmt: skip
    assert "README" not in world.github.bodies(pull.number)[-1]


@pytest.mark.slow
def test_what_was_taken_back_while_the_reviewers_took_their_time_is_not_applied(world: World) -> None:
    world.pushed(world.merge(planned(world, "begin", FILES + "x-note: begin\n")))
    before, sent = world.roles(), len(world.writes)
    merged = world.merge(planned(world, "more", MORE))
    world.on_main({PATH: FILES}, "Take it back")
    late = world.pushed(merged)
    assert late.results == {"reviewed": "success", "apply": "success"}, late.log
    assert (world.roles(), len(world.writes)) == (before, sent)


@pytest.mark.slow
def test_what_was_added_while_the_reviewers_took_their_time_is_not_applied(world: World) -> None:
    merged = world.merge(planned(world, "more", MORE))
    world.on_main({PATH: MORE.replace("sendMessage,", "sendMessage, sendMediaMessage,")})
    late = world.pushed(merged)
    assert late.results == {"reviewed": "success", "apply": "failure"}, late.log
    assert late.jobs["apply"].code == 3
    assert world.writes == []


def planned(world: World, branch: str, text: str) -> Pull:
    """A pull request that was planned."""
    pull = world.open(branch, {PATH: text})
    world.planned(pull)
    return pull


@pytest.mark.slow
def test_a_merge_elsewhere_does_not_matter(world: World) -> None:
    pull = world.open("more", {PATH: MORE})
    world.planned(pull)
    world.on_main({"README.md": "Elsewhere\n", ".github/workflows/other.yml": "on: push\n"})
    assert world.pushed(world.merge(pull)).results == {"reviewed": "success", "apply": "success"}


@pytest.mark.slow
def test_a_pull_request_without_changes_needs_no_reviewer(world: World) -> None:
    first = world.open("begin", {PATH: FILES + "x-note: begin\n"})
    world.planned(first)
    world.pushed(world.merge(first))
    pull = world.open("words", {PATH: FILES + "# a word\n"})
    world.planned(pull)
    assert "✅ No changes" in world.github.bodies(pull.number)[0]
    assert world.pushed(world.merge(pull)).results == {"reviewed": "success", "apply": "skipped"}


# --- what somebody might try -----------------------------------------------------------------------------------------


@dataclass
class Merged:
    """A pull request that was planned, reviewed and merged, and is yet to be applied."""

    world: World
    pull: Pull
    run: Run
    sha: str

    def kept(self) -> tuple[bytes, dict[str, object]]:
        """The plan and the manifest that the run kept."""
        found = self.world.github.kept(self.run.number, "reconciler-plan")
        return found["plan.json"], json.loads(found["manifest.json"])

    def keep(self, plan: bytes, manifest: dict[str, object]) -> None:
        """Exchanges what the run kept, as somebody could whose workflow ran."""
        files = {"plan.json": plan, "manifest.json": json.dumps(manifest).encode()}
        self.world.github.keep(self.run.number, "reconciler-plan", files)

    @property
    def comment(self) -> dict[str, Any]:
        return self.world.github.comments[self.pull.number][0]

    def refused(self, *reasons: str) -> None:
        refused(self.world, self.world.pushed(self.sha), self.pull.number, *reasons)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Merged]:
    with world_in(tmp_path_factory.mktemp("once"), in_process=True) as world:
        pull = world.open("more", {PATH: MORE})
        run = world.planned(pull)
        assert run.results == {"plan": "success", "offline": "skipped"}, run.log
        yield Merged(world, pull, run, world.merge(pull))


@pytest.fixture
def merged(once: Merged) -> Iterator[Merged]:
    github = once.world.github
    before = copy.deepcopy((github.comments, github.artifacts, github.runs, github.pulls, github.files))
    yield once
    github.comments, github.artifacts, github.runs, github.pulls, github.files = before


EXCHANGED = (b"leaveConversation", b"addParticipant")


def test_a_plan_that_was_exchanged(merged: Merged) -> None:
    plan, manifest = merged.kept()
    merged.keep(plan.replace(*EXCHANGED), manifest)
    merged.refused("the uploaded plan belongs to a different change: its plan is")


def test_a_plan_that_was_exchanged_together_with_its_digest(merged: Merged) -> None:
    plan, manifest = merged.kept()
    other = plan.replace(*EXCHANGED)
    digest = f"sha256:{hashlib.sha256(other).hexdigest()}"
    merged.keep(other, {**manifest, "plan": digest})
    merged.refused("the comment on the pull request differs from the uploaded plan")
    # Even in the comment: what people read there is still another plan.
    merged.comment["body"] = merged.comment["body"].replace(str(manifest["plan"]), digest)
    merged.refused("the comment on the pull request differs from the uploaded plan")


def test_a_plan_of_something_else(merged: Merged) -> None:
    plan, manifest = merged.kept()
    for name, other in (("pull_request", 1), ("head", "0" * 40), ("env", "staging"), ("path", ".")):
        merged.keep(plan, {**manifest, name: other})
        merged.refused(f"the uploaded plan belongs to a different change: its {name} is {other!r}")


def test_what_was_kept_is_no_plan(merged: Merged) -> None:
    _, manifest = merged.kept()
    ((number, (run, name, _)),) = merged.world.github.artifacts.items()
    for data in (b"no archive", packed({"plan.json": b"{}"})):
        merged.world.github.artifacts[number] = (run, name, data)
        merged.refused("is not a plan")
    merged.keep(b"{}", {**manifest, "plan": f"sha256:{hashlib.sha256(b'{}').hexdigest()}"})
    merged.refused("the uploaded plan is invalid: the plan cannot be rendered")
    merged.keep(b"{}", {"format": "something"})
    merged.refused("the uploaded manifest is invalid")
    merged.world.github.artifacts.clear()
    merged.refused(f"runs/{run} has no artifact")


def test_a_manifest_cannot_put_words_into_the_comment(merged: Merged) -> None:
    plan, manifest = merged.kept()
    planned = str(manifest["planned"])
    words = f"{planned}.\n\n### Nothing to see here"
    merged.keep(plan, {**manifest, "planned": words})
    merged.comment["body"] = merged.comment["body"].replace(planned, words)
    merged.refused("the uploaded manifest does not contain the planned commit")


def test_a_comment_that_was_edited(merged: Merged) -> None:
    merged.comment["body"] = merged.comment["body"].replace("leaveConversation", "sendMessage")
    merged.refused("the comment on the pull request differs from the uploaded plan")


@pytest.mark.parametrize("author", ["mallory", "github-actions", ""])
def test_a_comment_that_somebody_else_wrote(merged: Merged, author: str) -> None:
    merged.comment["user"] = {"login": author}
    merged.refused("no comment by github-actions[bot]")


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"head_repository": {"full_name": "mallory/desk"}}, "plan.yml has not planned"),
        ({"event": "push"}, "plan.yml has not planned"),
        ({"event": "workflow_dispatch"}, "plan.yml has not planned"),
        ({"head_branch": "another"}, "for another pull request, branch, or base"),
        ({"head_sha": "0" * 40}, "plan.yml has not planned"),
        ({"path": ".github/workflows/other/plan.yml"}, "plan.yml has not planned"),
        ({"conclusion": "failure"}, " failed: https://github.example/"),
        ({"conclusion": None}, "was not finished when the pull request was merged"),
    ],
)
def test_a_run_that_is_not_the_plan_of_this_commit(merged: Merged, other: dict[str, Any], reason: str) -> None:
    merged.world.github.runs[merged.run.number] |= other
    merged.refused(reason)


# --- who may push a branch can have any plan kept, and any comment written in the bot's name --------------------------


def forge(merged: Merged, alter: Callable[[dict[str, Any]], None]) -> None:
    """Exchanges the plan, its digest, and the comment, as a run of a workflow in another branch can."""
    plan, manifest = merged.kept()
    forged = json.loads(plan)
    alter(forged)
    data = json.dumps(forged).encode()
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    merged.keep(data, {**manifest, "plan": digest})
    head, planned = str(manifest["head"]), str(manifest["planned"])
    shown = plan_markdown(PlanFile.from_json(data), Repository.of("https://github.example", REPOSITORY, head))
    url = f"https://github.example/{REPOSITORY}/actions/runs/{merged.run.number}"
    mark = merged.comment["body"].partition("\n")[0]
    merged.comment["body"] = comment.plan_body(mark, shown, digest=digest, head=head, planned=planned, run_url=url)


def test_the_same_plan_in_other_bytes_is_not_refused(merged: Merged) -> None:
    forge(merged, lambda _plan: None)
    known = merged.world.runner.secrets
    merged.world.runner.secrets = {
        **known,
        "production": SECRETS["production"] | {"TWILIO_API_SECRET": "not yet given"},
    }
    try:
        run = merged.world.pushed(merged.sha)
    finally:
        merged.world.runner.secrets = known
    assert run.results == {"reviewed": "success", "apply": "failure"}, run.log
    assert merged.world.writes == []


def every_change(**parts: object) -> Callable[[dict[str, Any]], None]:
    def alter(plan: dict[str, Any]) -> None:
        for change in plan["changes"]:
            change.update(parts)

    return alter


def every_source(plan: dict[str, Any]) -> None:
    for change in plan["changes"]:
        for item in change["fields"]:
            item["source"] = None


def the_first_of(plan: dict[str, Any]) -> None:
    plan["changes"] = plan["changes"][:1]
    # A summary that does not fit its changes is refused for that alone.
    for action in ("create", "update", "replace", "delete"):
        plan["summary"][action] = sum(change["action"] == action for change in plan["changes"])


def in_another_order(plan: dict[str, Any]) -> None:
    plan["changes"].reverse()


def something_unmanaged(plan: dict[str, Any]) -> None:
    plan["unmanaged"] = []
    plan["summary"]["unmanaged"] = 0


ALL_CHANGES = "now, in\n  'services.support'\n  'services.support.roles.agent'\n  'services.support.webhooks'"
FORGED: list[Any] = [
    pytest.param(
        every_change(risk="low", consequences=[], service="Sandbox for load tests", reason="formatting only"),
        ALL_CHANGES, id="labels",
    ),
    *(
        pytest.param(alter, reason, id=name, marks=pytest.mark.slow)
        for name, alter, reason in (
            ("risk", every_change(risk="high"), ALL_CHANGES),
            ("consequences", every_change(consequences=["Nothing happens."]), ALL_CHANGES),
            ("service", every_change(service="Sandbox"), ALL_CHANGES),
            ("reason", every_change(reason="formatting only"), ALL_CHANGES),
            ("name", every_change(name="test"), ALL_CHANGES),
            ("places", every_source, ALL_CHANGES),
            ("a change less", the_first_of, "now, in\n  'services.support"),
            ("order", in_another_order, "now, in\n  'changes'"),
            ("unmanaged", something_unmanaged, "now, in\n  'summary'\n  'unmanaged'"),
            ("files", lambda plan: plan.update(config_digest="sha256:" + "0" * 64), "now, in\n  'config_digest'"),
            ("account", lambda plan: plan.update(account_sid="AC" + "1" * 32), "now, in\n  'account_sid'"),
        )
    ),
    pytest.param(
        lambda plan: plan["options"].update(env="staging"), "now, in\n  'options'", id="another environment"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("alter", "reason"), FORGED)
def test_what_reviewers_read_is_what_the_files_and_the_account_say(
    merged: Merged, alter: Callable[[dict[str, Any]], None], reason: str
) -> None:
    forge(merged, alter)
    # Whatever GitHub tells of the run: after the merge, it may name no pull request.
    merged.world.github.runs[merged.run.number]["pull_requests"] = []
    merged.refused("the reviewed plan differs from a plan of the merged files and the account now", reason)


def twin(merged: Merged, base: str) -> int:
    """Opens another pull request of the same commit, into a branch with another workflow; gives its number."""
    github = merged.world.github
    number = github.new_id()
    mine = github.pulls[merged.pull.number]
    github.pulls[number] = {
        **mine,
        "number": number,
        "merged_at": None,
        "merge_commit_sha": None,
        "base": {"ref": base},
    }
    return number


def test_another_pull_request_of_the_same_commit(merged: Merged) -> None:
    number = twin(merged, "branch-with-another-workflow")
    merged.refused(f"pull request {number} has the same head commit")


def test_a_run_for_another_pull_request_of_the_same_commit(merged: Merged) -> None:
    github = merged.world.github
    number = twin(merged, "branch-with-another-workflow")
    newer = {**github.runs[merged.run.number], "id": github.new_id(), "run_started_at": github.now()}
    newer["pull_requests"] = github.open_with(str(newer["head_sha"]))
    github.runs[newer["id"]] = newer
    # It was closed meanwhile. GitHub tells of it no more, but for the run.
    del github.pulls[number]
    forge(merged, every_change(reason="formatting only"))
    plan, manifest = merged.kept()
    github.keep(newer["id"], "reconciler-plan", {"plan.json": plan, "manifest.json": json.dumps(manifest).encode()})
    url = f"runs/{merged.run.number}"
    merged.comment["body"] = merged.comment["body"].replace(url, f"runs/{newer['id']}")
    merged.refused(f"runs/{newer['id']} planned {newer['head_sha']} for another pull request, branch, or base")
    newer["pull_requests"] = []
    merged.refused("the reviewed plan differs from a plan of the merged files and the account now")


def test_the_base_was_changed_after_the_review(merged: Merged) -> None:
    run = merged.world.github.runs[merged.run.number]
    run["pull_requests"][0]["base"]["ref"] = "branch-with-another-workflow"
    merged.refused("for another pull request, branch, or base")


def test_a_head_that_was_forced_after_the_review(merged: Merged) -> None:
    merged.world.github.pulls[merged.pull.number]["head"]["sha"] = "0" * 40
    merged.refused(f"plan.yml has not planned {'0' * 40}")


def test_a_plan_of_an_earlier_attempt(merged: Merged) -> None:
    github = merged.world.github
    github.runs[merged.run.number] |= {"run_attempt": 2, "run_started_at": github.now()}
    merged.refused(f"an earlier attempt of https://github.example/acme/desk/actions/runs/{merged.run.number}")


def test_a_plan_that_has_expired(merged: Merged) -> None:
    ((number, _),) = merged.world.github.artifacts.items()
    merged.world.github.expired.add(number)
    try:
        merged.refused("has expired")
    finally:
        merged.world.github.expired.clear()


def test_two_plans_under_one_name(merged: Merged) -> None:
    github = merged.world.github
    ((_, kept),) = github.artifacts.items()
    number = github.new_id()
    github.artifacts[number], github.kept_at[number] = kept, github.now()
    merged.refused("has 2 artifacts 'reconciler-plan'")


def test_two_comments_that_show_a_plan(merged: Merged) -> None:
    merged.world.github.say(merged.pull.number, BOT, merged.comment["body"])
    merged.refused("2 comments by github-actions[bot] on the pull request show a plan")


def test_files_that_can_no_longer_be_planned(merged: Merged) -> None:
    known = merged.world.runner.secrets
    looking = SECRETS["conversations-plan"] | {"TWILIO_API_SECRET": "a wrong one"}
    merged.world.runner.secrets = {**known, "conversations-plan": looking}
    try:
        merged.refused("planning the merged files again failed with status 1")
    finally:
        merged.world.runner.secrets = known


@pytest.mark.slow
def test_somebody_elses_comment_with_our_first_line_is_left_alone(world: World) -> None:
    pull = world.open("more", {PATH: MORE})
    bait = "<!-- reconciler:action plan conversations prod -->\nNothing to see here"
    world.github.say(pull.number, "mallory", bait)
    world.planned(pull)
    assert world.github.bodies(pull.number, "mallory") == [bait]
    assert len(world.github.bodies(pull.number)) == 1


@pytest.mark.slow
def test_a_pull_request_that_changes_the_workflow_that_plans_it(world: World) -> None:
    pull = world.open("both", {PATH: MORE, ".github/workflows/plan.yml": "on: [pull_request]\n"})
    world.planned(pull)
    refused(world, world.pushed(world.merge(pull)), pull.number, "the pull request changes .github/workflows/plan.yml")


@pytest.mark.slow
def test_commits_that_nobody_planned(world: World) -> None:
    direct = world.pushed(world.on_main({PATH: MORE}))
    assert direct.results == {"reviewed": "failure", "apply": "skipped"}
    assert direct.jobs["reviewed"].code == 3
    assert "is not the merge of exactly one pull request" in direct.summary

    unplanned = world.open("unplanned", {PATH: MORE + "x-note: 1\n"})
    refused(world, world.pushed(world.merge(unplanned)), unplanned.number, "plan.yml has not planned")

    moved = world.open("moved", {PATH: MORE + "x-note: 2\n"})
    world.planned(moved)
    world.push(moved, {PATH: MORE + "x-note: 3\n"})
    refused(world, world.pushed(world.merge(moved)), moved.number, "plan.yml has not planned")


@pytest.mark.slow
def test_a_plan_that_failed(world: World) -> None:
    pull = world.open("broken", {PATH: MORE.replace("type: conversation", "type: conversatoin")})
    run = world.planned(pull)
    assert run.results == {"plan": "failure", "offline": "skipped"}
    (said,) = world.github.bodies(pull.number)
    assert "### ❌ 1 error" in said
    assert f"acme/desk/blob/{world.github.pulls[pull.number]['head']['sha']}/conversations/reconciler.yaml#L6" in said
    assert "::error file=conversations/reconciler.yaml,line=6,col=21," in run.log
    refused(world, world.pushed(world.merge(pull)), pull.number, "failed: https://github.example/")


def test_a_fork_sees_no_secret_and_no_account(world: World) -> None:
    pull = world.open("fork", {PATH: MORE}, fork=True)
    run = world.planned(pull)
    assert run.results == {"plan": "skipped", "offline": "success"}, run.log
    (job,) = [job for job in run.jobs.values() if job.result != "skipped"]
    assert job.permissions == {"contents": "read"}
    secrets = {text for known in SECRETS.values() for text in known.values()}
    for environment in job.environments:
        assert not secrets & set(environment.values())
        assert not [name for name in environment if name.startswith("TWILIO_")]
        assert not environment.get("INPUT_TOKEN")
    assert list(world.account.requests) == []
    assert world.github.asked == []
    assert "valid" in run.summary
    assert "leaveConversation" in run.summary
    refused(world, world.pushed(world.merge(pull)), pull.number, "the pull request comes from a fork")


@pytest.mark.slow
def test_dependabot_is_treated_like_a_fork(world: World) -> None:
    pull = world.open("bump", {PATH: MORE})
    pull.author = "dependabot[bot]"
    world.push(pull, {"conversations/note": "x\n"})
    assert world.planned(pull).results == {"plan": "skipped", "offline": "success"}


# --- drift -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_one_issue_while_there_is_a_drift(world: World) -> None:
    first = world.open("begin", {PATH: FILES + "x-note: begin\n"})
    world.planned(first)
    world.pushed(world.merge(first))
    none = world.by_hand("drift.yml")
    assert none.results == {"drift": "success"}, none.log
    assert world.github.issues == {}

    # Neither of these is ours.
    world.github.issues[1] = {
        "number": 1, "state": "open", "title": "Ours?", "user": {"login": "mallory"},
        "body": "<!-- reconciler:action drift conversations prod -->",
    }  # fmt: skip
    world.github.issues[2] = {
        "number": 2, "state": "open", "title": "Ours?", "user": {"login": BOT}, "pull_request": {},
        "body": "<!-- reconciler:action drift conversations prod -->",
    }  # fmt: skip
    world.set_role("agent", ["sendMessage", "addParticipant"])
    found = world.by_hand("drift.yml")
    assert found.results == {"drift": "success"}, found.log
    (issue,) = [issue for number, issue in world.github.issues.items() if number > 2]
    assert issue["title"] == "Conversations: the account differs from the configuration (prod)"
    assert "addParticipant" in issue["body"]

    world.set_role("agent", ["addParticipant", "leaveConversation"])
    world.by_hand("drift.yml")
    assert len(world.github.issues) == 3
    assert "leaveConversation" in issue["body"]
    assert issue["state"] == "open"

    # An account that cannot be asked is no account without a drift.
    world.runner.secrets = {**SECRETS, "conversations-plan": {"TWILIO_API_SECRET": "a wrong one"}}
    failed = world.by_hand("drift.yml")
    assert failed.results == {"drift": "failure"}
    assert failed.jobs["drift"].code == 1
    assert issue["state"] == "open"

    world.runner.secrets = SECRETS
    world.set_role("agent", ["sendMessage"])
    world.by_hand("drift.yml")
    assert (issue["state"], issue["state_reason"]) == ("closed", "completed")
    assert [world.github.issues[number]["state"] for number in (1, 2)] == ["open", "open"]
