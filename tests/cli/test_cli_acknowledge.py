"""``acknowledge`` in the configuration: warnings that are known are counted, and neither shown nor errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import Run as Cli

EMULATED = ("--emulator", "demo.db")
# A permission that nobody knows is a warning of the files; a rename that is done is one of the plan.
FILES = """\
version: 1
services:
  desk:
    roles:
      agent: {type: conversation, permissions: [sendMessage], renamed_from: old}
      scout: {type: conversation, permissions: [sendMesage]}
"""
OF_PLAN, AGENT = "stale-renamed-from", "services.desk.roles.agent"


def write(folder: Path, *entries: str) -> None:
    text = FILES.replace("[sendMesage]", "[sendMessage, flyToTheMoon]")
    (folder / "reconciler.yaml").write_text(text + (f"acknowledge: [{', '.join(entries)}]\n" if entries else ""))


@pytest.fixture
def code(cli: Cli, tmp_path: Path) -> str:
    """The code of the files' warning, in a folder with an account in which the rename is done."""
    (tmp_path / "reconciler.yaml").write_text(
        FILES.replace("renamed_from: old", "").replace("sendMessage], }", "sendMessage]}").replace("Mesage", "Message")
    )
    assert cli("apply", *EMULATED, "--yes").code == 0
    write(tmp_path)
    (problem,) = cli("validate", "--format", "json").json["problems"]
    assert isinstance(problem["code"], str)
    return problem["code"]


def test_an_acknowledged_warning_of_the_files_is_counted_and_not_shown(cli: Cli, tmp_path: Path, code: str) -> None:
    write(tmp_path)
    assert cli("validate", "--strict").code == 1
    write(tmp_path, f"{{code: {code}, address: services.desk.roles.scout}}")
    result = cli("validate", "--strict")
    assert (result.code, result.err) == (0, "")
    assert result.out == ". is valid: 3 resources (1 service, 2 roles). 1 warning acknowledged.\n"
    document = cli("validate", "--format", "json").json
    assert (document["problems"], document["acknowledged"]) == ([], 1)


def test_an_acknowledged_warning_of_the_plan_is_counted_and_not_shown(cli: Cli, tmp_path: Path, code: str) -> None:
    write(tmp_path)
    told = {warning["code"] for warning in cli("plan", *EMULATED, "--format", "json").json["warnings"]}
    assert told == {code, OF_PLAN}
    write(tmp_path, f"{{code: {OF_PLAN}, address: services.desk.roles.agent}}", f"{{code: {code}}}")
    document = cli("plan", *EMULATED, "--format", "json").json
    assert (document["warnings"], document["acknowledged"]) == ([], 2)
    for command in ("plan", "drift"):
        for form in ("text", "markdown", "html"):
            out = cli(command, *EMULATED, "--format", form).out
            assert ("2 warnings acknowledged" in out, "flyToTheMoon acknowledged" in out) == (True, False)
    (tmp_path / "plan.json").write_text(cli("plan", *EMULATED, "--format", "json").out)
    assert "2 warnings acknowledged" in cli("show", "plan.json").out


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            "{code: stale-renamed-form}",
            "acknowledge: no warning stale-renamed-form. Did you mean code stale-renamed-from?",
        ),
        (
            "{code: stale-renamed-from, address: services.desk.roles.agnet}",
            f"acknowledge: no warning {OF_PLAN} about services.desk.roles.agnet. Did you mean address {AGENT}?",
        ),
        (
            "{code: nothing-like-it, address: services.desk}",
            "acknowledge: no warning nothing-like-it about services.desk",
        ),
    ],
)
def test_one_that_acknowledges_nothing_is_reported_by_the_plan(
    cli: Cli, tmp_path: Path, code: str, entry: str, message: str
) -> None:
    write(tmp_path, entry, f"{{code: {code}}}")
    warnings = cli("plan", *EMULATED, "--format", "json").json["warnings"]
    told = [warning["message"] for warning in warnings if warning["code"] == "unused-acknowledgement"]
    assert told == [message]
    # What only an account tells is not known offline, and a narrowed plan may not have looked.
    assert cli("validate", "--strict").code == 0
    narrowed = cli("plan", *EMULATED, "--target", "services.desk.roles.scout", "--format", "json").json["warnings"]
    assert not any(warning["code"] == "unused-acknowledgement" for warning in narrowed)


def test_errors_are_not_acknowledged(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "reconciler.yaml").write_text(
        "version: 1\nservices: {desk: {colour: red}}\nacknowledge: [{code: unknown-key}]\n"
    )
    assert cli("validate").code == 1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{}", "acknowledge must be a list"),
        ("[x]", "an item of acknowledge must be a mapping with code and address"),
        ("[{address: services.desk}]", "an item of acknowledge has no code"),
        ("[{code: x, adress: services.desk}]", 'an item of acknowledge has no key "adress"'),
        ("[{code: x, address: 'services.desk.'}]", '"services.desk." is not a valid address'),
    ],
)
def test_what_is_no_acknowledgement_is_an_error(cli: Cli, tmp_path: Path, value: str, message: str) -> None:
    (tmp_path / "reconciler.yaml").write_text(f"version: 1\nservices: {{desk: {{}}}}\nacknowledge: {value}\n")
    result = cli("validate", "--format", "json")
    assert result.code == 1
    assert message in [problem["message"] for problem in result.json["problems"]]


def test_those_of_included_files_are_combined(cli: Cli, tmp_path: Path, code: str) -> None:
    write(tmp_path, f"{{code: {code}}}")
    root = tmp_path / "reconciler.yaml"
    root.write_text(f"{root.read_text()}include: [more.yaml]\n")
    (tmp_path / "more.yaml").write_text(f"acknowledge: [{{code: {OF_PLAN}}}]\n")
    assert cli("plan", *EMULATED, "--format", "json").json["acknowledged"] == 2
