"""The verbs, from files to a converged account in the emulator."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.cli import files as cli_files
from reconciler.emulator import Store
from reconciler.render.report_markdown import report_markdown
from reconciler.render.report_text import report_text
from reconciler.schema import SCHEMAS, schema_text
from tests.cli.conftest import FILES, Tty
from tests.commands import Result
from tests.render import plan_samples as samples

Cli = Callable[..., Result]
EMULATED = ("--emulator", "demo.db")


# --- validate --------------------------------------------------------------------------------------------------------


def test_validate_counts_what_it_read(cli: Cli, files: Path) -> None:
    assert files.exists()
    result = cli("validate")
    assert result.code == 0
    assert result.out == ". is valid: 3 resources (1 service, 1 service configuration, 1 role).\n"
    assert cli("validate", "--format", "json").json["resources"] == 3


def test_validate_tells_every_problem_with_its_place(cli: Cli, files: Path) -> None:
    files.write_text(FILES.replace("friendly_name", "freindly_name").replace("type: conversation", "type: room"))
    result = cli("validate")
    assert result.code == 1
    assert "reconciler.yaml:4:5" in result.err
    assert "reconciler.yaml:6:21" in result.err
    problems = cli("validate", "--format", "json").json["problems"]
    assert [problem["place"]["line"] for problem in problems] == [4, 6]


def test_validate_shows_warnings_and_strict_makes_them_errors(cli: Cli, files: Path) -> None:
    files.write_text(FILES.replace("sendMessage", "sendMesage"))
    result = cli("validate")
    assert result.code == 0
    assert "sendMesage" in result.err
    assert cli("validate", "--strict").code == 1


@pytest.mark.parametrize("path", ["nothing", "nothing.yaml", "."])
def test_a_missing_path_is_one_clear_sentence(cli: Cli, path: str) -> None:
    result = cli("validate", path)
    assert result.code == 1
    assert result.err.strip()


# --- plan, apply, show -----------------------------------------------------------------------------------------------


def test_the_whole_way_through(cli: Cli, files: Path) -> None:
    planned = cli("plan", *EMULATED, "--detailed-exitcode")
    assert planned.code == 2
    assert "Plan: 2 to create, 1 to update, 0 to replace, 0 to delete" in planned.out
    applied = cli("apply", *EMULATED, "--yes")
    assert applied.code == 0, applied.err
    assert "  + services.support created (" in applied.out
    assert "Applied: 2 created, 1 updated, 0 replaced, 0 deleted." in applied.out
    empty = cli("plan", *EMULATED, "--detailed-exitcode")
    assert empty.code == 0
    assert empty.out.startswith("No changes. Account AC00000000000000000000000000000000 matches the configuration")
    again = cli("apply", *EMULATED, "--yes")
    assert again.code == 0
    assert again.out == empty.out

    files.write_text(FILES.replace("[sendMessage]", "[sendMessage, leaveConversation]"))
    changed = cli("plan", *EMULATED, "--detailed-exitcode")
    assert changed.code == 2
    assert "+ leaveConversation" in changed.out
    assert "Plan: 0 to create, 1 to update, 0 to replace, 0 to delete" in changed.out
    assert cli("apply", *EMULATED, "--yes").code == 0
    assert cli("plan", *EMULATED, "--detailed-exitcode").code == 0


def test_a_plan_is_saved_privately_and_shown_again(cli: Cli, files: Path) -> None:
    assert files.exists()
    planned = cli("plan", *EMULATED, "--out", "plan.json")
    assert "reconciler apply --plan plan.json" in planned.out
    assert stat.S_IMODE(Path("plan.json").stat().st_mode) == 0o600
    assert [path.name for path in Path().glob(".plan.json*")] == []
    shown = cli("show", "plan.json")
    assert planned.out.startswith(shown.out)
    assert cli("show", "plan.json", "--format", "json").out == Path("plan.json").read_text()


def test_json_is_all_there_is_on_standard_output(cli: Cli, files: Path) -> None:
    assert files.exists()
    planned = cli("plan", *EMULATED, "--format", "json", "--out", "plan.json")
    assert planned.json["format"] == "reconciler.plan"
    assert planned.out == Path("plan.json").read_text()
    assert cli("apply", *EMULATED, "--format", "json").json["format"] == "reconciler.error"
    applied = cli("apply", *EMULATED, "--format", "json", "--yes")
    assert applied.json["format"] == "reconciler.report"
    assert [change["status"] for change in applied.json["changes"]] == ["done"] * 3
    assert "  + services.support created" in applied.err
    nothing = cli("apply", *EMULATED, "--format", "json", "--yes")
    assert nothing.json["changes"] == []
    assert nothing.code == 0


def test_applying_a_plan_again_does_not_miss_what_its_approvals_were_for(cli: Cli, files: Path) -> None:
    assert cli("apply", *EMULATED, "--yes").code == 0
    files.write_text("version: 1\nservices: {support: {friendly_name: Customer Support, absent: true}}\n")
    made = cli("plan", *EMULATED, "--approve", "services.support", "--out", "plan.json")
    assert (made.code, "1 to delete" in made.out) == (0, True)
    assert cli("apply", *EMULATED, "--plan", "plan.json").code == 0
    again = cli("apply", *EMULATED, "--plan", "plan.json")
    assert (again.code, "approval" in again.out + again.err) == (0, False)
    # What is approved by hand and is nowhere is most likely misspelt.
    by_hand = cli("plan", *EMULATED, "--approve", "services.suport")
    told = "--approve: no such resource services.suport. Did you mean services.support?"
    assert told in " ".join(by_hand.out.split())


def test_an_approved_plan_is_applied_without_asking_and_a_stale_one_is_not(cli: Cli, files: Path) -> None:
    cli("plan", *EMULATED, "--out", "plan.json")
    files.write_text(FILES.replace("[sendMessage]", "[sendMessage, leaveConversation]"))
    stale = cli("apply", *EMULATED, "--plan", "plan.json")
    assert stale.code == 3
    assert "no longer matches" in stale.err
    assert cli("apply", *EMULATED, "--plan", "plan.json", "--format", "json").json["differences"]
    files.write_text(FILES)
    assert cli("apply", *EMULATED, "--plan", "plan.json").code == 0
    assert cli("apply", *EMULATED, "--plan", "plan.json").code == 0


def test_a_plan_of_another_account_does_not_fit_though_there_is_nothing_to_do(cli: Cli, files: Path) -> None:
    assert files.exists()
    cli("plan", *EMULATED, "--out", "plan.json")
    cli("apply", *EMULATED, "--yes")
    plan = Path("plan.json")
    plan.write_text(plan.read_text().replace('"account_sid": "AC0', '"account_sid": "AC1'))
    result = cli("apply", *EMULATED, "--plan", "plan.json")
    assert result.code == 3
    assert "the plan was made for account AC1" in " ".join(result.err.split())


ENVIRONMENTS = """
variables: {name: Support}
environments: {staging: {variables: {name: Staging}}, prod: {variables: {name: Prod}}}
"""


def test_a_plan_key_keys_the_digests_of_secrets_in_plans(
    cli: Cli, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.write_text(FILES + "    webhooks: {post_webhook_url: 'https://example.com/?token=${secret:HOOK_TOKEN}'}\n")
    monkeypatch.setenv("HOOK_TOKEN", "canary")

    def digest() -> str:
        planned = cli("plan", "--emulator", "account.db", "--format", "json").json
        (found,) = (
            field["after"]["digest"]
            for change in planned["changes"]
            for field in change["fields"]
            if change["kind"] == "service_webhook"
        )
        return str(found)

    digests = [digest(), digest()]
    for key in ("k" * 32, "k" * 31 + "l", "k" * 32):
        monkeypatch.setenv("RECONCILER_PLAN_KEY", key)
        digests.append(digest())
    assert digests[0] == digests[1]
    assert digests[2] == digests[4]
    assert len(set(digests)) == 3

    monkeypatch.setenv("RECONCILER_PLAN_KEY", "k" * 31)
    for verb in ("plan", "apply"):
        refused = cli(verb, "--emulator", "account.db")
        assert refused.code == 1
        assert "RECONCILER_PLAN_KEY has fewer than 32 characters" in " ".join(refused.err.split())


def test_a_plan_keeps_its_options(cli: Cli, files: Path) -> None:
    files.write_text(FILES.replace("Customer Support", "${var:name}") + ENVIRONMENTS)
    cli("plan", *EMULATED, "--env", "staging", "--target", "services.support.roles.agent", "--out", "plan.json")
    other = cli("apply", *EMULATED, "--plan", "plan.json", "--env", "prod")
    assert other.code == 1
    assert "made with --env staging" in other.err
    assert "without --exclude" in cli("apply", *EMULATED, "--plan", "plan.json", "--exclude", "addresses").err
    applied = cli("apply", *EMULATED, "--plan", "plan.json", "--env", "staging")
    assert applied.code == 0, applied.err
    assert 'service "Staging"' in applied.out
    assert "services.support.configuration updated" not in applied.out


def test_without_a_terminal_nothing_is_sent_and_the_way_out_is_told(cli: Cli, files: Path) -> None:
    assert files.exists()
    result = cli("apply", *EMULATED)
    assert result.code == 1
    assert "Plan: 2 to create" in result.out
    assert "--yes" in result.err
    assert "2 to create" in cli("plan", *EMULATED).out


@pytest.mark.parametrize(("answer", "code"), [("yes\n", 0), ("YES\n", 0), ("y\n", 1), ("no\n", 1), ("\n", 1), ("", 1)])
def test_only_yes_is_taken_for_yes(
    cli: Cli, files: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    assert files.exists()
    terminal = Tty()
    monkeypatch.setattr(sys, "stdin", Tty(answer))
    monkeypatch.setattr(sys, "stderr", terminal)
    result = cli("apply", *EMULATED)
    assert result.code == code
    assert (
        "Apply these 3 changes to account AC00000000000000000000000000000000?\n"
        "  on the emulator demo.db\n"
        'Only "yes" is accepted to approve. Enter a value: '
    ) in terminal.getvalue()
    assert ("declined. Nothing was sent" in terminal.getvalue()) is (code == 1)
    assert ("Applied: 2 created" in result.out) is (code == 0)


@pytest.mark.usefixtures("files")
def test_an_interrupt_at_the_question_is_told_on_a_line_of_its_own(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, keyboard = Tty(), Tty()

    def ctrl_c() -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(keyboard, "readline", ctrl_c)
    monkeypatch.setattr(sys, "stdin", keyboard)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("NO_COLOR", "1")
    assert cli("apply", *EMULATED).code == 130
    assert terminal.getvalue().endswith(
        'Only "yes" is accepted to approve. Enter a value: \nError: interrupted. The account was not changed\n'
    )


@pytest.mark.parametrize("name", samples.REPORTS)
def test_a_report_is_shown_again(cli: Cli, name: str) -> None:
    report = samples.REPORTS[name]
    Path("report.json").write_text(report.to_json())
    assert cli("show", "report.json", "--format", "json").out == report.to_json()
    assert cli("show", "report.json").out == report_text(report, colour=False, width=100)
    assert cli("show", "report.json", "--format", "markdown").out == report_markdown(report)
    wrong = cli("show", "report.json", "--format", "chat")
    assert wrong.code == 1
    assert "a report cannot be shown as chat. Use one of text, markdown, html, json" in wrong.err


@pytest.mark.usefixtures("account")
def test_a_drift_is_shown_again(cli: Cli, files: Path) -> None:
    assert files.exists()
    for name in ("text", "markdown", "html", "json", "chat"):
        Path("drift.json").write_text(cli("drift", *EMULATED, "--format", "json").out)
        told = cli("drift", *EMULATED, "--format", name)
        shown = cli("show", "drift.json", "--format", name)
        assert shown.code == 0
        moment = r"20\d\d-[0-9T:-]+Z"
        # A drift that is shown again does not know the command that detected it.
        told_out = told.out.partition("\nTo revert all of the drift")[0]
        assert re.sub(moment, "", shown.out) == re.sub(moment, "", told_out)


def test_apply_tells_in_markdown_what_it_did_and_nothing_else(cli: Cli, files: Path) -> None:
    assert files.exists()
    applied = cli("apply", *EMULATED, "--yes", "--format", "markdown")
    assert applied.code == 0
    assert applied.out.startswith("<!-- reconciler:report AC00000000000000000000000000000000 -->\n\n### ✅ Applied: 2 ")
    assert "  + services.support created" in applied.err
    assert "### ✅ No changes" in cli("apply", *EMULATED, "--yes", "--format", "markdown").out


def test_plan_apply_and_show_as_a_page(cli: Cli, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("GITHUB_SERVER_URL", "https://github.com"), ("GITHUB_REPOSITORY", "acme/desk"),
                        ("GITHUB_SHA", "0" * 40), ("GITHUB_WORKSPACE", str(files.parent))):  # fmt: skip
        monkeypatch.setenv(name, value)
    planned = cli("plan", *EMULATED, "--out", "plan.json", "--format", "html")
    assert planned.out.startswith("<!DOCTYPE html>\n<html lang=")
    assert '<a href="https://github.com/acme/desk/blob/' in planned.out
    assert cli("show", "plan.json", "--format", "html").out == planned.out
    applied = cli("apply", *EMULATED, "--plan", "plan.json", "--format", "html")
    assert applied.code == 0
    # What was done, with what differed; and nothing but the page on standard output.
    assert applied.out.lstrip("\n").startswith("<!DOCTYPE html>\n<html lang=")
    assert applied.out.endswith("</html>\n")
    assert "</span> Applied</h1>" in applied.out
    assert '<dl class="fields alone">' in applied.out


# --- plan files are hostile ------------------------------------------------------------------------------------------


def broken(**changes: object) -> str:
    return json.dumps({**json.loads(samples.SMALL.to_json()), **changes})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"\xff\xfe\x00",
        b"[]",
        b"{}",
        b"[" * 100_000,
        broken(format_version=2).encode(),
        broken(format="other").encode(),
        broken(extra=1).encode(),
        broken(changes=[{"address": "\x1b[2J"}]).encode(),
    ],
    ids=range(10),
)
@pytest.mark.parametrize("arguments", [["show", "plan.json"], ["apply", "--plan", "plan.json", *EMULATED]])
def test_what_is_no_plan_is_an_error(cli: Cli, content: bytes, arguments: list[str]) -> None:
    Path("plan.json").write_bytes(content)
    result = cli(*arguments)
    assert result.code == 1
    assert "plan.json" in result.err
    assert "\x1b" not in result.err
    assert cli(*arguments, "--format", "json").json["exit_code"] == 1


@pytest.mark.parametrize("path", ["nothing.json", "."])
def test_a_plan_that_cannot_be_read_is_an_error(cli: Cli, path: str) -> None:
    result = cli("show", path)
    assert result.code == 1
    assert path in result.err


def test_a_plan_that_is_too_large_is_not_read(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_files, "SIZE_LIMIT", 100)
    Path("plan.json").write_text(samples.SMALL.to_json())
    assert "larger than" in cli("show", "plan.json").err


def test_a_plan_can_come_through_a_pipe(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(samples.SMALL.to_json().encode())))
    assert "services.support.roles.agent" in cli("show", "-").out


@pytest.mark.parametrize("target", ["missing/plan.json", "folder"])
def test_a_plan_that_cannot_be_saved_is_an_error_and_leaves_nothing(cli: Cli, files: Path, target: str) -> None:
    Path("folder").mkdir()
    before = set(Path().iterdir())
    result = cli("plan", *EMULATED, "--out", target)
    assert files.exists()
    assert result.code == 1
    assert f"cannot write {target}" in result.err
    assert {path for path in set(Path().iterdir()) - before if not path.name.startswith("demo.db")} == set()


# --- schema, emulator ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", SCHEMAS)
def test_schema(cli: Cli, which: str) -> None:
    assert cli("schema", which).out == schema_text(which)
    assert cli("schema").out == schema_text("config")


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


def test_the_emulator_serves_an_account_that_can_be_planned_against(cli: Cli, files: Path) -> None:
    assert files.exists()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "reconciler", "emulator", "serve", "--db", "served.db", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert url in server.stdout.readline()
        credentials = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "emulator"}
        done = subprocess.run(
            [sys.executable, "-m", "reconciler", "apply", "--api-url", url, "--yes"],
            env={**os.environ, **credentials}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        wrong = subprocess.run(
            [sys.executable, "-m", "reconciler", "plan", "--api-url", url],
            env={**os.environ, **credentials, "TWILIO_AUTH_TOKEN": "guessed"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert wrong.returncode == 1
        assert "TWILIO_AUTH_TOKEN" in wrong.stderr
        assert "guessed" not in wrong.stderr
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=120) == 0
    assert cli("plan", "--emulator", "served.db", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("arguments", [["--db", "."], ["--db", "missing/x.db"]])
def test_an_emulator_that_cannot_start_is_one_sentence(cli: Cli, arguments: list[str]) -> None:
    result = cli("emulator", "serve", *arguments)
    assert result.code == 1
    assert result.err.startswith("Error: --db")


# --- interrupts ------------------------------------------------------------------------------------------------------

SLOW = """
import asyncio, sys
from reconciler import workflow
from reconciler.cli import main
sys.path.insert(0, {root!r})
from tests.render import plan_samples as samples
from reconciler.documents.report import report_document
from reconciler.report import Report

async def plan(inputs, endpoint, progress):
    progress.reading(1, 2)
    print("ready", flush=True)
    await asyncio.sleep(60)

async def apply(inputs, endpoint, progress, show, confirm, *, approved=None, stop=None, trigger_webhooks=False, **more):
    show(samples.SMALL)
    await confirm(samples.SMALL)
    print("ready", flush=True)
    await stop.wait()
    print("stopped", flush=True)
    if {stubborn}:
        await asyncio.sleep(60)
    report = Report((), interrupted=True)
    return workflow.Applied(samples.SMALL, report, document=report_document(report, samples.SMALL))

workflow.plan, workflow.apply = plan, apply
sys.exit(main(sys.argv[1:]))
"""


def interrupted(*arguments: str, number: signal.Signals, stubborn: bool = False) -> tuple[int, str, str]:
    root = str(Path(__file__).resolve().parents[2])
    program = SLOW.format(root=root, stubborn=stubborn)
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line == "ready\n":
                break
        process.send_signal(number)
        if stubborn:
            assert process.stdout.readline() == "stopped\n"
            process.send_signal(number)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_an_interrupt_while_reading_ends_at_once(number: signal.Signals) -> None:
    code, out, err = interrupted("plan", number=number)
    assert (code, out) == (130, "")
    assert err == "Error: interrupted. The account was not changed\n"


def test_the_first_interrupt_while_writing_lets_the_report_be_written() -> None:
    code, out, err = interrupted("apply", "--yes", number=signal.SIGINT)
    assert (code, err) == (130, "Stopping. Waiting for requests in flight; interrupt again to cancel them.\n")
    assert "stopped\n" in out
    assert "Apply incomplete" in out


def test_the_second_interrupt_while_writing_ends_at_once() -> None:
    code, _, err = interrupted("apply", "--yes", number=signal.SIGINT, stubborn=True)
    assert code == 130
    assert "it is unknown whether they took effect" in " ".join(err.split())


# --- what a plan may be saved over -----------------------------------------------------------------------------------


def test_a_plan_is_not_saved_over_what_is_no_plan(cli: Cli, files: Path) -> None:
    refused = cli("plan", *EMULATED, "--out", "reconciler.yaml")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == "Error: cannot write reconciler.yaml: the file exists and is not a plan. Use another file\n"
    assert files.read_text() == FILES
    assert not Path("demo.db").exists()


def test_a_plan_is_saved_over_an_earlier_one_and_over_an_empty_file(cli: Cli, files: Path) -> None:
    Path("plan.json").touch()
    for name in ("Customer Support", "Customer Care"):
        files.write_text(FILES.replace("Customer Support", name))
        assert cli("plan", *EMULATED, "--out", "plan.json").code == 0
        assert name in Path("plan.json").read_text()


@pytest.mark.usefixtures("files")
def test_what_show_cannot_read_it_does_not_ask_to_be_written_over(cli: Cli) -> None:
    refused = cli("show", "reconciler.yaml")
    assert refused.code == 1
    assert " ".join(refused.err.split()) == (
        "Error: reconciler.yaml is not a plan or report of this version of reconciler (not JSON: Expecting value: "
        "line 1 column 1 (char 0)). Make one with `reconciler plan --out plan.json` or `reconciler apply --report "
        "report.json`"
    )


@pytest.mark.usefixtures("files")
def test_a_damaged_report_is_called_a_report(cli: Cli) -> None:
    assert cli("apply", *EMULATED, "--yes", "--report", "report.json").code == 0
    text = Path("report.json").read_text()
    damages = {
        text[:300]: "not JSON: ",
        text.replace('"AC', '"\\ud800AC'): "it contains half of a surrogate pair",
        text.replace('"exit_code": 0', '"exit_code": "0"'): "at exit_code: it must be an integer",
        text.replace('"exit_code": 0', '"exit_code": false'): "at exit_code: it must be an integer",
    }
    for damaged, why in damages.items():
        Path("damaged.json").write_text(damaged)
        for command in (["show", "damaged.json"], ["undo", "damaged.json", *EMULATED, "--yes"]):
            refused = cli(*command)
            assert refused.code == 1
            assert f"damaged.json is not a report of this version of reconciler ({why}" in " ".join(refused.err.split())
        refused = cli("apply", *EMULATED, "--plan", "damaged.json")
        assert "damaged.json is a report, not a plan" in " ".join(refused.err.split())


@pytest.mark.usefixtures("files")
def test_a_saved_plan_without_changes_is_said_to_be_saved(cli: Cli) -> None:
    assert cli("apply", *EMULATED, "--yes").code == 0
    assert cli("plan", *EMULATED, "--out", "plan.json").out.endswith(
        "\nSaved to plan.json. It has no changes to apply.\n"
    )
    assert Path("plan.json").exists()


def test_a_saved_plan_that_would_be_refused_says_so(cli: Cli, files: Path) -> None:
    assert cli("apply", *EMULATED, "--yes").code == 0
    files.write_text("version: 1\nservices:\n  support: {friendly_name: Customer Support, absent: true}\n")
    saved = cli("plan", *EMULATED, "--out", "plan.json")
    assert saved.out.endswith(
        "\nSaved to plan.json. To approve and apply exactly this plan:\n"
        "  reconciler apply --plan plan.json --approve services.support --emulator demo.db\n"
    )
    refused = cli("apply", *EMULATED, "--yes")
    assert refused.code == 4
    assert refused.out.endswith(
        "To approve and apply:\n  reconciler apply --approve services.support --emulator demo.db\n\n"
    )
    assert cli("apply", "--plan", "plan.json", "--approve", "services.support", *EMULATED).code == 0


# --- the emulator ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("files")
def test_a_plan_says_that_it_created_an_account_and_a_failed_one_leaves_none(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = cli("plan", "--emulator", "new.db", "--target", "services.nope")
    assert (failed.code, [path.name for path in Path().glob("new.db*")]) == (1, [])
    monkeypatch.setattr("reconciler.cli.console.is_terminal", lambda _stream: True)
    assert "Created a new, empty account: new.db\n" in cli("plan", "--emulator", "new.db").err
    assert "Created" not in cli("plan", "--emulator", "new.db").err


def test_the_emulator_alone_is_its_help(cli: Cli) -> None:
    alone = cli("emulator")
    assert (alone.code, alone.err) == (0, "")
    assert alone.out == cli("emulator", "--help").out


def test_a_plan_of_other_files_is_told(cli: Cli, files: Path, tmp_path: Path) -> None:
    variables = 'environments: {staging: {account_sid: "AC00000000000000000000000000000000"}}\n'
    files.write_text(files.read_text() + variables)
    assert cli("plan", *EMULATED, "--env", "staging", "--out", "plan.json").code == 0
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "reconciler.yaml").write_text("version: 1\nservices: {other: {}}\n")
    refused = cli("apply", "other", *EMULATED, "--plan", "plan.json")
    assert (refused.code, refused.out) == (3, "")
    assert " ".join(refused.err.split()) == (
        "Error: the approved plan no longer matches the configuration or the account; nothing was sent: - the plan was "
        "made for environment 'staging', which other does not define (the configuration defines none; add it under "
        "environments); if "
        "the plan belongs to another configuration, pass the path of that one Make a new plan and have it reviewed: "
        "reconciler plan other --out plan.json --env staging --emulator demo.db"
    )


def test_the_hint_of_a_stale_plan_repeats_the_path_and_the_options(cli: Cli, files: Path) -> None:
    files.write_text(files.read_text().replace("friendly_name: Customer Support", "friendly_name: ${var:name}"))
    given = ("reconciler.yaml", *EMULATED, "--var", "name=Customer Support", "--strict")
    assert cli("apply", *given, "--yes").code == 0
    files.write_text(files.read_text().replace("[sendMessage]", "[leaveConversation]"))
    scope = ("--target", "services.support")
    assert cli("plan", *given, *scope, "--out", "plan.json").code == 0
    files.write_text(files.read_text().replace("[leaveConversation]", "[sendMediaMessage]"))
    stale = cli("apply", *given, "--plan", "plan.json")
    assert stale.code == 3
    assert stale.out.startswith("The approved plan no longer matches, so nothing is sent. The plan is now:\n\n")
    assert stale.err.endswith(
        "Make a new plan and have it reviewed:\n"
        "  reconciler plan reconciler.yaml --out plan.json --target services.support "
        "--var 'name=…' --emulator demo.db --strict\n"
    )


def test_an_emulator_whose_disk_is_full_fails_steps_and_is_no_bug(
    cli: Cli, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert files.exists()
    assert cli("plan", *EMULATED).code == 0
    opened = Store.open

    def nearly_full(path: str, *, account_sid: str | None) -> Store:
        store = opened(path, account_sid=account_sid)
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages}")
        return store

    monkeypatch.setattr(Store, "open", nearly_full)
    long = "x" * 200
    files.write_text(
        f"version: 1\nservices: {{a{long}: {{}}, b{long}: {{}}, c{long}: {{}}, d{long}: {{}}, e{long}: {{}}}}\n"
    )
    ended = cli("apply", *EMULATED, "--yes")
    assert ended.code == 1
    assert (
        "HTTP 507, Twilio error 20503: The emulator's database cannot be written: database or disk is full"
        in " ".join(ended.out.split())
    )
    monkeypatch.setattr(Store, "open", opened)
    assert cli("plan", *EMULATED).code == 0


def test_a_file_whose_name_is_no_text_is_planned_saved_and_shown(cli: Cli, tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.yaml")
    try:
        (tmp_path / name).write_text("version: 1\nservices: {desk: {}}\n")
    except OSError:
        pytest.skip("this file system takes no such names")
    planned = cli("plan", name, *EMULATED, "--format", "json")
    assert planned.code == 0, planned.err
    assert json.loads(planned.out)["changes"][0]["source"]["file"] == "caf\\xe9.yaml"
    assert cli("plan", name, *EMULATED, "--out", "plan.json").code == 0
    for form in ("text", "html", "markdown", "github", "json"):
        assert cli("show", "plan.json", "--format", form).code == 0
    assert cli("apply", name, *EMULATED, "--plan", "plan.json").code == 0
    assert cli("diff", name, name, "--format", "json").code == 0
    (tmp_path / name).write_text("version: 1\nservices: 1\n")
    for form in ("json", "sarif", "markdown"):
        assert cli("validate", name, "--format", form).code == 1


def test_a_plan_of_a_later_version_is_told_for_what_it_is(cli: Cli, files: Path, tmp_path: Path) -> None:
    assert files.exists()
    assert cli("plan", *EMULATED, "--out", "plan.json").code == 0
    saved = tmp_path / "plan.json"
    saved.write_text(saved.read_text().replace('"format_version": 1,', '"format_version": 2, "more": 1,'))
    refused = cli("apply", *EMULATED, "--plan", "plan.json")
    assert refused.code == 1
    assert " ".join(refused.err.split()) == (
        "Error: plan.json is a plan of format version 2, but this release of reconciler reads version 1. Use the "
        "release that made it, or make a new one with `reconciler plan --out plan.json`"
    )


def test_a_plan_is_not_saved_onto_a_pipe(cli: Cli, files: Path) -> None:
    assert files.exists()
    os.mkfifo("pipe")
    refused = cli("plan", *EMULATED, "--out", "pipe")
    assert refused.code == 1
    assert "cannot write pipe: it exists and is not a regular file" in refused.err


def test_a_variable_that_is_no_text_is_not_repeated(cli: Cli, files: Path) -> None:
    assert files.exists()
    refused = cli("plan", *EMULATED, "--var", os.fsdecode(b"a=hush\xe9"))
    assert refused.code == 1
    assert "'--var': it contains bytes that are not UTF-8" in refused.err
    assert "hush" not in refused.err


def test_a_report_that_is_given_as_a_plan_is_named(cli: Cli, files: Path) -> None:
    assert files.exists()
    assert cli("apply", *EMULATED, "--yes", "--report", "report.json").code == 0
    for command in (("apply", *EMULATED, "--plan", "report.json"), ("graph", "--plan", "report.json")):
        refused = cli(*command)
        assert refused.code == 1
        assert "report.json is a report, not a plan. Make a plan with `reconciler plan --out plan.json`" in " ".join(
            refused.err.split()
        )


def test_drift_names_the_command_that_reverts_it(cli: Cli, files: Path) -> None:
    files.write_text(files.read_text() + "environments: {prod: {}}\n")
    assert cli("plan", *EMULATED, "--env", "prod").code == 0
    result = cli("drift", "reconciler.yaml", *EMULATED, "--env", "prod")
    assert result.code == 2
    assert "\n  reconciler apply reconciler.yaml --env prod --emulator demo.db\n" in result.out


def test_without_a_terminal_the_commands_to_review_a_plan_are_complete(cli: Cli, files: Path) -> None:
    files.write_text(files.read_text() + "environments: {prod: {}}\n")
    refused = cli("apply", "reconciler.yaml", *EMULATED, "--env", "prod")
    assert refused.code == 1
    assert "  reconciler plan reconciler.yaml --out plan.json --env prod --emulator demo.db\n" in refused.err
    assert "  reconciler apply reconciler.yaml --plan plan.json --emulator demo.db\n" in refused.err


def test_an_invalid_environment_variable_is_named(cli: Cli, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert files.exists()
    monkeypatch.setenv("RECONCILER_LOG_LEVEL", "loud")
    refused = cli("plan", *EMULATED)
    assert refused.code == 1
    assert "Invalid value of the environment variable RECONCILER_LOG_LEVEL: 'loud'" in refused.err
