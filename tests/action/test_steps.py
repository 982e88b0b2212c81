"""The steps of the action, each on its own: GitHub over HTTP, what goes into a comment, what goes into the log."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from reconcile_steps import comment, github, install, publish, result, run
from reconcile_steps.job import Failed, Job
from reconcile_steps.program import run_command

from reconciler.documents.plan import PlanFile
from reconciler.render.markdown import plan_markdown
from reconciler.render.markdown_text import Repository
from tests.action.runner import ACTION
from tests.action.stand_in import BOT, REPOSITORY, GitHub, Query, Refused, Token, served
from tests.render import plan_samples as samples

WRITES = {"issues": "write", "pull-requests": "write", "actions": "read", "contents": "read"}


@pytest.fixture
def stand_in() -> Iterator[GitHub]:
    with served(GitHub()) as found:
        found.tokens["ghs_token"] = Token(BOT, WRITES)
        yield found


def job(stand_in: GitHub, folder: Path, **more: str) -> Job:
    (folder / "event.json").write_text("{}")
    told = {
        "GITHUB_API_URL": stand_in.url, "GITHUB_REPOSITORY": REPOSITORY, "INPUT_TOKEN": "ghs_token",
        "INPUT_AUTHOR": BOT, "GITHUB_OUTPUT": str(folder / "output"), "FOLDER": str(folder),
        "GITHUB_EVENT_PATH": str(folder / "event.json"), "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "GITHUB_WORKSPACE": str(folder),
    }  # fmt: skip
    return Job(told | more)


# --- GitHub ----------------------------------------------------------------------------------------------------------


def test_every_page_is_read(stand_in: GitHub, tmp_path: Path) -> None:
    for number in range(201):
        stand_in.say(7, "ada", str(number))
    found = list(github.GitHub(job(stand_in, tmp_path)).pages("issues/7/comments"))
    assert [item["body"] for item in found] == [str(number) for number in range(201)]
    assert len(stand_in.asked) == 3


def test_reading_is_tried_again_and_writing_is_not(
    stand_in: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    answer = stand_in.answer

    def fails(method: str, path: str, query: Query, body: dict[str, Any], token: Token) -> Any:
        if len(stand_in.asked) < 3:
            raise Refused(503, "Unavailable")
        return answer(method, path, query, body, token)

    monkeypatch.setattr(stand_in, "answer", fails)
    asked = github.GitHub(job(stand_in, tmp_path))
    assert asked.get("issues/7/comments") == []
    assert waited == [1, 2]
    stand_in.asked.clear()
    with pytest.raises(Failed, match="POST /repos/acme/desk/issues: 503, Unavailable"):
        asked.send("POST", "issues", {"title": "t", "body": "b"})
    assert len(stand_in.asked) == 1
    assert stand_in.issues == {}


def test_a_permission_that_is_missing_is_named_as_such(stand_in: GitHub, tmp_path: Path) -> None:
    stand_in.tokens["ghs_token"] = Token(BOT, {"contents": "read"})
    with pytest.raises(Failed, match=r"403, Resource not accessible by integration\. Check the permissions of the job"):
        github.GitHub(job(stand_in, tmp_path)).get("issues")


def test_the_token_is_not_sent_in_the_clear(stand_in: GitHub, tmp_path: Path) -> None:
    with pytest.raises(Failed, match="is not https"):
        github.GitHub(job(stand_in, tmp_path, GITHUB_API_URL="http://github.example"))


def test_an_artifact_is_fetched_without_the_token(stand_in: GitHub, tmp_path: Path) -> None:
    stand_in.keep(5, "plan", {"plan.json": b"{}"})
    ((number, _),) = stand_in.artifacts.items()
    # The stand-in refuses a token at the place where artifacts are kept.
    packed = github.GitHub(job(stand_in, tmp_path)).download(f"actions/artifacts/{number}/zip")
    assert packed == stand_in.artifacts[number][2]


def test_a_comment_that_github_keeps_otherwise_is_told_at_once(
    stand_in: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = f"{comment.marker('plan', '.', '')}\nAll of it\n"
    asked = job(stand_in, tmp_path)
    say = stand_in.say
    monkeypatch.setattr(stand_in, "say", lambda number, login, text: say(number, login, text.replace("\n", " \r\n")))
    assert publish.keep_comment(asked, github.GitHub(asked), 7, body)
    monkeypatch.setattr(stand_in, "say", lambda number, login, text: say(number, login, text[:-5]))
    with pytest.raises(Failed, match="stored another text"):
        publish.keep_comment(asked, github.GitHub(asked), 8, body)


def test_another_author_than_was_told_is_told(stand_in: GitHub, tmp_path: Path) -> None:
    stand_in.tokens["ghs_token"] = Token("desk-app[bot]", WRITES)
    asked = job(stand_in, tmp_path)
    with pytest.raises(Failed, match=r"is desk-app\[bot\], not github-actions\[bot\]\. Set the input author"):
        publish.keep_comment(asked, github.GitHub(asked), 7, f"{comment.marker('plan', '.', '')}\nIt\n")


# --- comments --------------------------------------------------------------------------------------------------------


def test_markers_differ_where_what_they_are_about_does() -> None:
    told = [("plan", ".", ""), ("plan", "a", ""), ("plan", "a", "b"), ("plan", "a b", ""), ("apply", "a", "b")]
    assert [comment.marker(*one) for one in told] == [
        "<!-- reconciler:action plan . . -->",
        "<!-- reconciler:action plan a . -->",
        "<!-- reconciler:action plan a b -->",
        "<!-- reconciler:action plan a%20b . -->",
        "<!-- reconciler:action apply a b -->",
    ]
    # Nothing in a name ends the marker early.
    assert comment.marker("plan", "a-->b", "--") == "<!-- reconciler:action plan a%2D%2D%3Eb %2D%2D -->"


@pytest.mark.parametrize("text", ["```\n# Heading\n```", "````", "@ada <img src=x>", "a\r\n::error::b", "x" * 100_000])
def test_what_a_command_said_stays_in_its_block(text: str) -> None:
    body = comment.log_body("<!-- m -->", "❌ It failed", text, commit="abc", run_url="https://github.example/run")
    assert len(body) < comment.LIMIT
    kinds = [token.type for token in MarkdownIt().parse(body) if token.nesting >= 0]
    assert kinds == ["html_block", "heading_open", "inline", "fence", "hr", "paragraph_open", "inline"]


@pytest.mark.parametrize("length", [0, 63_000, 64_900, 65_400, 200_000])
def test_a_body_is_never_longer_than_a_comment(length: int) -> None:
    text = "m" * length
    url = "https://github.example/acme/desk/actions/runs/1"
    bodies = [
        comment.plan_body(
            "<!-- m -->", text, digest="sha256:" + "0" * 64, head="1" * 40, planned="2" * 40, run_url=url
        ),
        comment.result_body("<!-- m -->", "❌", result.CommandResult(1, "", text), commit="1" * 40, run_url=url),
        comment.drift_body("<!-- m -->", text, run_url=url),
        comment.log_body("<!-- m -->", "❌", text, commit="1" * 40, run_url=url),
    ]
    for body in bodies:
        assert len(body) <= 65_536
        assert body.startswith("<!-- m -->\n")
    assert ("too long" in bodies[0]) is (length > 65_000)


@pytest.mark.parametrize("sample", [samples.LARGE, samples.HOSTILE, samples.MANY_UNMANAGED])
def test_the_largest_plan_has_room_in_a_comment(sample: PlanFile) -> None:
    markdown = plan_markdown(sample, Repository.of("https://github.example", "a" * 39 + "/" + "d" * 100, "1" * 40))
    mark = comment.marker("plan", "conversations/" + "p" * 200, "e" * 100)
    url = f"https://github.example/{'a' * 39}/{'d' * 100}/actions/runs/12345678901"
    body = comment.plan_body(mark, markdown, digest="sha256:" + "0" * 64, head="1" * 40, planned="2" * 40, run_url=url)
    assert markdown.rstrip() in body
    assert len(body.encode("utf-16-le")) // 2 < 65_536


# --- running it ------------------------------------------------------------------------------------------------------


def program(folder: Path, text: str) -> str:
    file = folder / "program"
    file.write_text(f"#!{sys.executable}\n{text}\n")
    file.chmod(0o755)
    return str(file)


def test_what_nobody_guards_cannot_give_commands_to_the_runner(
    tmp_path: Path, stand_in: GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = program(tmp_path, "import sys\nprint('::set-env name=A::b', file=sys.stderr)\nprint('Said')\nsys.exit(4)")
    ended = run_command(job(stand_in, tmp_path, RECONCILER=hostile), "plan", [])
    assert ended == result.CommandResult(4, "Said\n::set-env name=A::b\n", "")
    said, first, hidden, empty, last = capsys.readouterr().out.splitlines()
    name, guard = first[2:].split("::")
    assert (said, name, len(guard), hidden, empty, last) == (
        "Said", "stop-commands", 32, "::set-env name=A::b", "", f"::{guard}::",
    )  # fmt: skip


def test_arguments_are_handed_over_as_they_are(tmp_path: Path, stand_in: GitHub) -> None:
    tells = program(tmp_path, "import json, os, sys\nprint(json.dumps([sys.argv[1:], dict(os.environ)]))")
    told = job(
        stand_in, tmp_path, RECONCILER=tells, INPUT_PATH="-x $(id)", INPUT_ENV="pr;od", HOOK_TOKEN="t",
        INPUT_ARGS='--approve\nservices["a b"]\n\n  --strict  ', INPUT_AGAINST="git:HEAD^1", GITHUB_SHA="1",
    )  # fmt: skip
    words, environment = json.loads(run_command(told, "diff", ["--one"], GITHUB_SHA="2").output)
    assert words == [
        "diff", "--one", "--format", "github", "--env", "pr;od", "--approve", 'services["a b"]', "--strict",
        "--", "git:HEAD^1", "-x $(id)",
    ]  # fmt: skip
    assert environment["HOOK_TOKEN"] == "t"
    assert environment["GITHUB_SHA"] == "2"
    assert environment["GITHUB_STEP_SUMMARY"] == str(tmp_path / "summary.md")
    assert not [name for name in environment if name.startswith("INPUT_") or name == "GITHUB_OUTPUT"]


def test_the_summary_is_the_commands_own(tmp_path: Path, stand_in: GitHub) -> None:
    (tmp_path / "summary.md").write_text("Of an earlier one")
    writes = program(tmp_path, "import os\nopen(os.environ['GITHUB_STEP_SUMMARY'], 'a').write('### It')")
    assert run_command(job(stand_in, tmp_path, RECONCILER=writes), "validate", []).markdown == "### It"
    assert run_command(job(stand_in, tmp_path, RECONCILER=program(tmp_path, "")), "validate", []).markdown == ""


def test_an_output_takes_any_text(stand_in: GitHub, tmp_path: Path) -> None:
    told = job(stand_in, tmp_path)
    told.output("plan", "a\nhas-changes<<x\nfalse\nx")
    lines = (tmp_path / "output").read_text().splitlines()
    name, end = lines[0].split("<<")
    assert (name, lines[1:]) == ("plan", ["a", "has-changes<<x", "false", "x", end])


@pytest.mark.parametrize(
    ("command", "issue", "code", "ends"),
    [("drift", "true", 2, 0), ("drift", "false", 2, 2), ("drift", "true", 1, 1), ("plan", "true", 2, 2),
     ("apply", "false", 3, 3), ("reviewed", "false", 3, 3), ("plan", "false", 0, 0)],
)  # fmt: skip
def test_a_step_ends_as_the_command_did(command: str, issue: str, code: int, ends: int) -> None:
    told = {"INPUT_COMMAND": command, "INPUT_ISSUE": issue, "INPUT_ACCEPT": "false", "EXIT_CODE": str(code)}
    assert run.end(Job(told)) == ends


def test_an_apply_of_another_plan_than_was_reviewed_is_not_begun(tmp_path: Path, stand_in: GitHub) -> None:
    never = program(tmp_path, "raise SystemExit('begun')")
    plan = tmp_path / "plan.json"
    plan.write_text('{"summary": {"create": 1}}')
    told = job(
        stand_in, tmp_path, RECONCILER=never, INPUT_COMMAND="apply", INPUT_PLAN=str(plan), INPUT_PATH=".",
        INPUT_DIGEST="sha256:" + "0" * 64, GITHUB_SHA="1" * 40, GITHUB_RUN_ID="1", GITHUB_SERVER_URL="https://g.example",
    )  # fmt: skip
    assert run.main(told) == 0
    assert "exit-code<<" in (tmp_path / "output").read_text()
    said = json.loads((tmp_path / "messages.json").read_text())["comment"]
    assert "⛔ Not applied: no reviewed plan fits. Nothing was sent" in said
    assert "begun" not in said
    assert "\n3\n" in (tmp_path / "output").read_text()


@pytest.mark.parametrize("text", [b"[]", b"{", b"\xff", b'{"summary": []}', b"[" * 100_000])
def test_what_the_command_says_of_a_file_that_is_no_plan_is_told(tmp_path: Path, stand_in: GitHub, text: bytes) -> None:
    refused = program(tmp_path, "print('plan.json is no plan'); raise SystemExit(1)")
    plan = tmp_path / "plan.json"
    plan.write_bytes(text)
    told = job(
        stand_in, tmp_path, RECONCILER=refused, INPUT_COMMAND="apply", INPUT_PLAN=str(plan), INPUT_PATH=".",
        GITHUB_SHA="1" * 40, GITHUB_RUN_ID="1", GITHUB_SERVER_URL="https://g.example",
    )  # fmt: skip
    assert run.main(told) == 0
    assert "plan.json is no plan" in json.loads((tmp_path / "messages.json").read_text())["comment"]
    assert "\n1\n" in (tmp_path / "output").read_text()


def environment_of_pip(monkeypatch: pytest.MonkeyPatch, told: Mapping[str, str], tmp_path: Path) -> dict[str, str]:
    seen: list[dict[str, str]] = []
    monkeypatch.setattr(subprocess, "run", lambda *_words, env, **_named: seen.append(env))
    install._install(Job(told), "", tmp_path / "environment")
    assert all(one == seen[0] for one in seen)
    return seen[0]


def test_what_pip_runs_sees_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    needed = {"PATH": "/bin", "HOME": "/home", "PIP_INDEX_URL": "https://mirror.example", "https_proxy": "p"}
    secrets = {"TWILIO_API_SECRET": "s", "HOOK_TOKEN": "t", "GITHUB_TOKEN": "g", "INPUT_TOKEN": "i", "PATHOS": "x"}
    assert environment_of_pip(monkeypatch, needed | secrets, tmp_path) == needed


@pytest.mark.slow
def test_the_action_installs_its_own_version(tmp_path: Path) -> None:
    output = tmp_path / "output"
    told = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "RUNNER_TEMP": str(tmp_path), "GITHUB_OUTPUT": str(output)}
    subprocess.run([sys.executable, str(ACTION / "main.py"), "install"], env=told, check=True)
    lines = output.read_text().splitlines()
    reconciler = lines[[line.startswith("reconciler<<") for line in lines].index(True) + 1]
    version = subprocess.run([reconciler, "--version"], capture_output=True, text=True, check=True).stdout
    from reconciler import __version__

    assert version == f"reconciler {__version__}\n"
