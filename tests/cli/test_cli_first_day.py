"""The first day with it: an emulator of the configuration's own account, and environments."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator import DEFAULT_ACCOUNT_SID, Store
from tests.cli.conftest import Tty
from tests.commands import Run as Cli

ONE, OTHER = "AC" + "1" * 32, "AC" + "2" * 32
DESK = "services: {desk: {}}\n"


def account_of(path: str) -> str:
    store = Store.open(path)
    try:
        return store.account_sid
    finally:
        store.close()


# --- the emulator's account -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "options", "account"),
    [
        ("", (), DEFAULT_ACCOUNT_SID),
        (f"account: {{sid: {ONE}}}\n", (), ONE),
        (f"environments: {{prod: {{account_sid: {OTHER}}}}}\n", ("--env", "prod"), OTHER),
        (f"variables: {{sid: {ONE}}}\naccount: {{sid: '${{var:sid}}'}}\n", (), ONE),
    ],
)
def test_a_new_emulator_gets_the_account_of_the_configuration(
    cli: Cli, tmp_path: Path, text: str, options: tuple[str, ...], account: str
) -> None:
    (tmp_path / "reconciler.yaml").write_text(f"version: 1\n{text}{DESK}")
    assert cli("apply", "--emulator", "demo.db", "--yes", *options).code == 0
    assert account_of("demo.db") == account
    assert cli("plan", "--emulator", "demo.db", "--detailed-exitcode", *options).code == 0
    assert f"sid: {account}" in cli("export", "--emulator", "demo.db").out


def test_an_emulator_of_another_account_is_an_error_with_a_way_out(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "reconciler.yaml").write_text(f"version: 1\n{DESK}")
    assert cli("apply", "--emulator", "demo.db", "--yes").code == 0
    (tmp_path / "reconciler.yaml").write_text(f"version: 1\naccount: {{sid: {ONE}}}\n{DESK}")
    for command in ("plan", "apply", "drift"):
        result = cli(command, "--emulator", "demo.db")
        assert result.code == 1
        assert result.err == (
            f"error: demo.db contains account {DEFAULT_ACCOUNT_SID}, but the configuration is for account {ONE}\n"
            "  --> reconciler.yaml:2:16\n"
            "  |\n"
            f"2 | account: {{sid: {ONE}}}\n"
            "  |                ^\n"
            "  = use another --emulator FILE (a new file gets the account of the configuration), or another "
            "environment (--env)\n\n1 error\n"
        )
    # A configuration for any account takes any file.
    (tmp_path / "reconciler.yaml").write_text(f"version: 1\n{DESK}")
    assert cli("plan", "--emulator", "demo.db").code == 0


@pytest.mark.parametrize("sid", ["AC1", "IS" + "1" * 32, "AC" + "G" * 32])
def test_a_served_account_has_a_sid_of_an_account(cli: Cli, sid: str) -> None:
    result = cli("emulator", "serve", "--db", "demo.db", "--account-sid", sid)
    assert (result.code, "--account-sid" in result.err) == (1, True)
    assert not Path("demo.db").exists()


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("role_in_use", "--rule role_in_use: use NAME=READING, such as --rule role_in_use=allowed"),
        ("role_in_use=perhaps", "--rule: The rule role_in_use cannot be 'perhaps'. It can be: refused, allowed."),
        ("role=allowed", "--rule: There is no rule 'role'. Rules: empty_webhook_url, empty_filters, "),
    ],
)
def test_a_served_account_has_rules_that_exist(cli: Cli, rule: str, says: str) -> None:
    result = cli("emulator", "serve", "--db", "demo.db", "--rule", rule)
    assert result.code == 1
    assert " ".join(result.err.split()).startswith(f"Error: {says}")
    assert not Path("demo.db").exists()


def test_a_served_account_follows_its_rules(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Any] = []
    monkeypatch.setattr("reconciler.cli.emulator.serve", lambda app, *_args, **_options: served.append(app.rules))
    assert (
        cli("emulator", "serve", "--db", "demo.db", "--rule", "role_in_use=allowed", "--rule", "limit_status=409").code
        == 0
    )
    (rules,) = served
    assert (rules.role_in_use, rules.limit_status, rules.default_role) == ("allowed", 409, "refused")


# --- environments -----------------------------------------------------------------------------------------------------

ENVIRONMENTS = """\
version: 1
environments:
  staging: {variables: {name: Staging}}
  prod: {variables: {name: Production}}
services: {desk: {friendly_name: "${var:name}"}}
"""


def test_the_environment_variable_selects_the_environment_and_the_option_wins(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reconciler.yaml").write_text(ENVIRONMENTS)
    assert cli("validate").code == 1
    monkeypatch.setenv("RECONCILER_ENV", "prod")
    assert "valid for environment prod:" in cli("validate").out
    assert "valid for environment staging:" in cli("validate", "--env", "staging").out
    assert cli("apply", "--emulator", "demo.db", "--yes").code == 0
    assert '"Production"' in cli("plan", "--emulator", "new.db").out.replace("Production", '"Production"')
    assert cli("graph").code == 0
    monkeypatch.setenv("RECONCILER_ENV", "")
    assert cli("validate").code == 1
    monkeypatch.setenv("RECONCILER_ENV", "pord")
    result = cli("validate")
    assert (result.code, 'unknown environment "pord"' in result.err) == (1, True)


def test_a_plan_of_another_environment_is_applied_only_if_that_is_said(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reconciler.yaml").write_text(ENVIRONMENTS)
    monkeypatch.setenv("RECONCILER_ENV", "prod")
    assert cli("plan", "--env", "staging", "--emulator", "demo.db", "--out", "plan.json").code == 0
    result = cli("apply", "--emulator", "demo.db", "--plan", "plan.json")
    assert result.code == 1
    assert " ".join(result.err.split()) == (
        "Error: the plan was made for environment staging, but RECONCILER_ENV is prod. Add --env staging to apply the "
        "plan"
    )
    assert cli("apply", "--emulator", "demo.db", "--plan", "plan.json", "--env", "staging").code == 0


def test_all_environments_are_validated_at_once(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "reconciler.yaml").write_text(ENVIRONMENTS)
    assert cli("validate", "--all-environments").out == (
        ". is valid for environment prod: 1 resource (1 service).\n"
        ". is valid for environment staging: 1 resource (1 service).\n"
    )
    document = cli("validate", "--all-environments", "--format", "json").json
    assert (document["environment"], document["environments"], document["resources"]) == (
        "",
        [{"name": "prod", "resources": 1}, {"name": "staging", "resources": 1}],
        1,
    )
    monkeypatch.setenv("RECONCILER_ENV", "prod")
    assert cli("validate", "--all-environments").code == 0
    result = cli("validate", "--all-environments", "--env", "prod")
    assert (result.code, "use either --env or --all-environments, not both" in result.err) == (1, True)


def test_what_is_wrong_in_some_environments_says_in_which(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "reconciler.yaml").write_text(
        "version: 1\n"
        "environments:\n"
        "  staging: {variables: {state: activ}}\n"
        "  prod: {variables: {state: active}}\n"
        "  test: {variables: {state: activ}}\n"
        'services: {desk: {conversations: {a: {state: "${var:state}", colour: red}}}}\n'
    )
    result = cli("validate", "--all-environments", "--format", "json")
    assert result.code == 1
    told = [(problem["code"], problem["message"].rpartition(" (in ")[2]) for problem in result.json["problems"]]
    assert told == [("unknown-choice", "staging, test)"), ("unknown-key", 'a conversation has no key "colour"')]


def test_files_without_environments_are_validated_once(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "reconciler.yaml").write_text(f"version: 1\n{DESK}")
    assert cli("validate", "--all-environments").out == ". is valid: 1 resource (1 service).\n"
    (tmp_path / "reconciler.yaml").write_text("version: [\n")
    assert cli("validate", "--all-environments").code == 1
    document = json.loads(cli("validate", "--all-environments", "--format", "json").out)
    assert document["format"] == "reconciler.error"


def test_the_question_names_the_environment_and_the_account(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reconciler.yaml").write_text(ENVIRONMENTS.replace("prod: {", f"prod: {{account_sid: {ONE}, "))
    terminal = Tty()
    monkeypatch.setattr(sys, "stdin", Tty("no\n"))
    monkeypatch.setattr(sys, "stderr", terminal)
    assert cli("apply", "--emulator", "demo.db", "--env", "prod").code == 1
    assert (
        f'Apply this change to environment "prod"?\n  account {ONE}, on the emulator demo.db\n'
        'Only "yes" is accepted to approve. Enter a value: '
    ) in terminal.getvalue()


# --- a folder without a root file -------------------------------------------------------------------------------------

BEGIN = "`reconciler init{}` creates one, and `reconciler export --out FOLDER` writes one from a live account"
ROOT = "version: 1\n"


@pytest.mark.parametrize(
    ("files", "at", "path", "hint"),
    [
        ({}, ".", ".", BEGIN.format("")),
        ({"conf/notes.txt": ""}, ".", "conf", BEGIN.format(" conf")),
        ({"my conf/notes.txt": ""}, ".", "my conf", BEGIN.format(" 'my conf'")),
        # Hidden files and YAML of other programs are nobody's configuration.
        ({".gitlab-ci.yml": ROOT, ".pre-commit-config.yaml": ROOT, "a.yml": "site: x\n"}, ".", ".", BEGIN.format("")),
        ({".hidden/reconciler.yaml": ROOT}, ".", ".", BEGIN.format("")),
        ({"desk.yml": ROOT, "a.yaml": "services: {}\n"}, ".", ".", "use the file desk.yml"),
        ({"conf/reconciler.yaml": ROOT, "docs/x.txt": ""}, ".", ".", "use the folder that contains it: conf"),
        (
            {"conf/reconciler.yaml": ROOT + "include: [services/*.yaml]\n", "conf/services/a.yaml": "services: {}\n"},
            "conf/services", ".", "../reconciler.yaml includes its files; use that file",
        ),
        (
            {"conf/reconciler.yaml": ROOT + "include:\n  - 'services/**/*.yaml'\n",
             "conf/services/a/desk.yaml": "services: {}\n"},
            ".", "conf/services/a", "conf/reconciler.yaml includes its files; use that file",
        ),
        # One that does not include it is another configuration.
        (
            {"reconciler.yaml": ROOT + "include: [other/*.yaml]\n", "conf/desk.yaml": "services: {}\n"},
            ".", "conf", BEGIN.format(" conf"),
        ),
        # What is beyond the repository is somebody else's.
        (
            {"reconciler.yaml": ROOT + "include: [repo/*.yaml]\n", "repo/a.yaml": "services: {}\n", "repo/.git/x": ""},
            "repo", ".", BEGIN.format(""),
        ),
    ],
)  # fmt: skip
def test_a_folder_without_a_root_file_says_what_to_name_or_how_to_begin(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, files: dict[str, str], at: str, path: str, hint: str
) -> None:
    (tmp_path / ".git").mkdir()
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path / at)
    result = cli("validate", path, "--format", "json")
    assert result.code == 1
    (problem,) = result.json["problems"]
    assert (problem["message"], problem["hint"]) == (f"the folder {path} contains no reconciler.yaml", hint)
    # What is suggested works.
    if hint.endswith("name that"):
        assert cli("validate", hint.partition(" ")[0]).code == 0


@pytest.mark.parametrize("command", ["drift", "sids", "export"])
def test_a_command_that_only_reads_creates_no_account(cli: Cli, files: Path, command: str) -> None:
    assert files.exists()
    result = cli(command, "--emulator", "demo.bd")
    assert (result.code, result.out) == (1, "")
    assert "--emulator demo.bd: no such file. Check the name" in " ".join(result.err.split())
    assert not Path("demo.bd").exists()
