"""What no plan shows: the tool's own credentials, values that the plan hides, and names of customers."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.config.model import Config
from reconciler.errors import ConfigError
from tests.commands import Run
from tests.world import World, read, seen

EMULATED = ("--emulator", "e.db")


@pytest.fixture(autouse=True)
def _in_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "RECONCILER_PLAN_KEY",
        "reconciler_plan_key",
        "RECONCILER_ENV",
        "TWILIO_AUTH_TOKEN",
        "TWILIO_API_KEY",
        "TWILIO_API_SECRET",
        "GITHUB_TOKEN",
        "GH_TOKEN",
        "CI_JOB_TOKEN",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        "INPUT_TOKEN",
        "INPUT_GITHUB_TOKEN",
        "CI_REGISTRY_PASSWORD",
        "CI_DEPLOY_PASSWORD",
        "CI_DEPENDENCY_PROXY_PASSWORD",
        "CI_JOB_JWT",
        "CI_JOB_JWT_V2",
        "SYSTEM_ACCESSTOKEN",
        "BITBUCKET_STEP_OIDC_TOKEN",
        "CIRCLE_OIDC_TOKEN",
        "CIRCLE_OIDC_TOKEN_V2",
    ],
)
@pytest.mark.parametrize("form", ["${env:%s}", "${secret:%s}", "x ${env:%s:-y}"])
def test_a_configuration_cannot_read_the_credentials_of_the_tool(form: str, name: str) -> None:
    files = f'version: 1\nservices: {{s: {{users: {{ada: {{friendly_name: "{form % name}"}}}}}}}}\n'
    with pytest.raises(ConfigError) as error:
        read(files, {name: "canary-5f3a" * 4})
    (problem,) = error.value.problems
    assert problem.code == "tool-variable"
    assert problem.message == f"the environment variable {name} configures this tool or its CI service"
    assert "canary" not in str(error.value)


@pytest.mark.parametrize("tool", ["RECONCILER_PLAN_KEY", "TWILIO_AUTH_TOKEN", "TWILIO_API_SECRET"])
@pytest.mark.parametrize("form", ["${env:COPY}", "x ${env:COPY}", "${file:copy.txt}", "${env:NOT_SET:-${env:COPY}}"])
def test_a_credential_of_the_tool_under_another_name_is_not_shown(form: str, tool: str) -> None:
    secret = "canary-5f3a" * 4
    root = f'version: 1\nservices: {{s: {{users: {{ada: {{friendly_name: "{form}"}}}}}}}}\n'
    with pytest.raises(ConfigError) as error:
        read({"reconciler.yaml": root, "copy.txt": f"of {secret}\n"}, {tool: secret, "COPY": f"{secret}!"})
    (problem,) = error.value.problems
    assert problem.code == "tool-variable"
    assert problem.message.endswith(f"contains the value of {tool}, a credential of this tool")
    assert "canary" not in str(error.value)


def test_other_variables_can_be_read() -> None:
    files = 'version: 1\nservices: {s: {friendly_name: "${env:TWILIO_ACCOUNT_SID} ${env:MY_GITHUB_TOKEN_NAME}"}}\n'
    assert isinstance(read(files, {"TWILIO_ACCOUNT_SID": "AC1", "MY_GITHUB_TOKEN_NAME": "x"}), Config)


TRAFFIC = """
version: 1
services:
  desk:
    users: {bot: {friendly_name: Bot}}
    conversations: {lobby: {participants: {bot: {identity: bot}}}}
"""


def crowded() -> World:
    account = World()
    account.converge(read(TRAFFIC))
    base = f"/v1/Services/{account.service('desk')}"
    for number in range(60):
        account.post(f"{base}/Users", {"Identity": f"customer{number}@example.com"})
        account.post(f"{base}/Conversations", {"UniqueName": f"sms-customer-{number}"})
        account.post(f"{base}/Conversations/lobby/Participants", {"Identity": f"customer{number}@example.com"})
    return account


def test_a_plan_names_no_customers() -> None:
    file = seen(crowded().plan(read(TRAFFIC.replace("Bot}", "Robot}"))))
    assert "customer" not in file.to_json()
    assert [entry.kind for entry in file.unmanaged] == ["service"]
    assert file.unlisted == (
        "services.desk.conversations",
        "services.desk.conversations.lobby.participants",
        "services.desk.users",
    )


def test_a_pruned_collection_is_compared_and_listed() -> None:
    pruned = TRAFFIC + "    prune: {users: {match: 'customer1*'}}\nlimits: {deletes: 1000}\n"
    file = seen(crowded().plan(read(pruned)))
    assert "services.desk.users" not in file.unlisted
    users = [entry for entry in file.unmanaged if entry.kind == "user"]
    assert len(users) + len([entry for entry in file.changes if entry.action == "delete"]) == 60


@pytest.mark.parametrize("command", ["plan", "drift"])
@pytest.mark.parametrize("form", ["text", "markdown", "html", "json", "github"])
def test_no_format_names_customers(cli: Run, tmp_path: Path, command: str, form: str) -> None:
    (tmp_path / "reconciler.yaml").write_text(TRAFFIC)
    assert cli("apply", *EMULATED, "--yes").code == 0
    others = TRAFFIC.replace("bot", "customer-1").replace("lobby", "customer-2")
    (tmp_path / "reconciler.yaml").write_text(others)
    assert cli("apply", *EMULATED, "--yes").code == 0
    (tmp_path / "reconciler.yaml").write_text(TRAFFIC)
    ended = cli(command, *EMULATED, "--format", form)
    assert "customer" not in ended.out + ended.err
    if form != "github":
        assert "services.desk.users" in ended.out


@pytest.mark.parametrize("prune", ["", "    prune: {users: {match: 'zed'}}\n", "    prune: [users]\n"])
def test_a_secret_identity_is_shown_nowhere(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prune: str
) -> None:
    monkeypatch.setenv("WHO", "canary-identity-4711")
    files = "version: 1\nservices:\n  s:\n    users: {zed: {}}\n"
    inside = "    conversations: {c: {participants: {p: {identity: '${secret:WHO}'}}}}\n"
    (tmp_path / "reconciler.yaml").write_text(files + inside)
    assert cli("apply", *EMULATED, "--yes").code == 0
    (tmp_path / "reconciler.yaml").write_text(files + inside + prune)
    for command in ("plan", "drift"):
        for form in ("text", "json", "markdown", "html"):
            ended = cli(command, *EMULATED, "--format", form)
            assert "canary-identity" not in ended.out + ended.err


HOOK = 'version: 1\nservices: {s: {webhooks: {post_webhook_url: "https://h.example.com/%s"}}}\n'


@pytest.mark.parametrize("name", ["hook_token", "t"])
def test_a_hint_repeats_no_value_that_the_plan_hides(cli: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "reconciler.yaml").write_text(HOOK % f"?token=${{var:{name}}}")
    ended = cli("plan", *EMULATED, "--out", "plan.json", "--var", f"{name}=HOOKTOKEN12345")
    assert "HOOKTOKEN" not in ended.out + ended.err
    assert f"--var {name}=…" in ended.out or f"--var '{name}=…'" in ended.out


def test_a_hint_repeats_a_value_that_the_plan_shows(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "reconciler.yaml").write_text(HOOK % "${var:path}")
    ended = cli("plan", *EMULATED, "--out", "plan.json", "--var", "path=prod")
    assert "--var path=prod" in ended.out


def test_the_digests_of_an_emulated_account_cannot_be_guessed(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIN", "4711")
    (tmp_path / "reconciler.yaml").write_text('version: 1\ncredentials: {c: {type: fcm, secret: "${secret:PIN}"}}\n')
    assert cli("plan", *EMULATED, "--out", "plan.json").code == 0
    told: dict[str, Any] = json.loads((tmp_path / "plan.json").read_text())
    (digest,) = [f["after"]["digest"] for c in told["changes"] for f in c["fields"] if f["path"] == "secret"]
    sid = told["account_sid"]
    key = hashlib.sha256(f"reconciler plan digest\0{sid}\0emulator".encode()).digest()
    text = json.dumps([sid, "credentials.c", "secret", "4711"])
    assert digest != "hmac-sha256:" + hmac.new(key, text.encode(), "sha256").hexdigest()
    # The same database has the same key, so that the plan can be applied.
    assert cli("apply", *EMULATED, "--plan", "plan.json").code == 0
