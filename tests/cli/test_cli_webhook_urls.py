"""Reviewers see in every format where traffic goes, and no secret part of a webhook's URL."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import Run

EMULATED = ("--emulator", "e.db")
CANARY = "canary7XkQ83hdk29dkEl2"
OTHER = "canaryPqW5tz71mmRu4bVs"
URL = f"https://ada:{OTHER}@hooks.example.com/in?token=${{secret:HOOK_TOKEN}}&v=1"
HOOK = f'version: 1\nservices: {{s: {{webhooks: {{post_webhook_url: "{URL}"}}}}}}\n'
FORMS = {
    "plan": ("text", "markdown", "html", "json", "github"),
    "drift": ("text", "markdown", "html", "json", "github", "chat"),
    "diff": ("text", "markdown", "html", "json"),
}
EVERY = [(command, form) for command, forms in FORMS.items() for form in forms]
TELL_NO_VALUES = {("drift", "chat")}


@pytest.fixture(autouse=True)
def _in_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("token", [CANARY, OTHER], ids=["same token", "other token"])
@pytest.mark.parametrize(("command", "form"), EVERY)
def test_redirected_traffic_is_seen_and_no_token(
    cli: Run, monkeypatch: pytest.MonkeyPatch, command: str, form: str, token: str
) -> None:
    monkeypatch.setenv("HOOK_TOKEN", CANARY)
    for name in ("reconciler.yaml", "old.yaml"):
        Path(name).write_text(HOOK)
    assert cli("apply", *EMULATED, "--yes").code == 0
    monkeypatch.setenv("HOOK_TOKEN", token)
    Path("reconciler.yaml").write_text(HOOK.replace("hooks.example.com", "evil.example.net"))
    arguments = ("old.yaml", "reconciler.yaml") if command == "diff" else EMULATED
    ended = cli(command, *arguments, "--format", form)
    assert CANARY not in ended.out + ended.err
    assert OTHER not in ended.out + ended.err
    is_telling = (command, form) not in TELL_NO_VALUES
    assert ("hooks.example.com/in?token=" in ended.out) is is_telling
    assert ("evil.example.net/in?token=" in ended.out) is is_telling


@pytest.mark.parametrize("is_set", [True, False])
def test_a_saved_plan_with_a_masked_url_is_applied(
    cli: Run,
    monkeypatch: pytest.MonkeyPatch,
    is_set: bool,  # noqa: FBT001 - a literal
) -> None:
    Path("reconciler.yaml").write_text(HOOK)
    monkeypatch.setenv("RECONCILER_PLAN_KEY", "k" * 32)
    if is_set:
        monkeypatch.setenv("HOOK_TOKEN", CANARY)
    assert cli("plan", *EMULATED, "--out", "plan.json").code == 0
    assert "hooks.example.com/in" in cli("show", "plan.json").out
    monkeypatch.setenv("HOOK_TOKEN", CANARY)
    ended = cli("apply", *EMULATED, "--plan", "plan.json", "--yes", "--report", "report.json")
    assert ended.code == 0
    for told in (ended.out, ended.err, Path("plan.json").read_text(), Path("report.json").read_text()):
        assert CANARY not in told
        assert OTHER not in told
    assert cli("plan", *EMULATED, "--detailed-exitcode").code == 0
    assert not Path(".reconciler").exists() or not any(Path(".reconciler").iterdir())


def test_a_plan_of_redirected_traffic_is_refused_with_both_hosts(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_TOKEN", CANARY)
    Path("reconciler.yaml").write_text(HOOK)
    assert cli("plan", *EMULATED, "--out", "plan.json").code == 0
    Path("reconciler.yaml").write_text(HOOK.replace("hooks.example.com", "evil.example.net"))
    ended = cli("apply", *EMULATED, "--plan", "plan.json", "--yes")
    assert ended.code == 3
    assert "https://(sensitive)@evil.example.net/in" in ended.err
    assert "https://(sensitive)@hooks.example.com/in" in ended.err


def test_an_address_of_an_api_with_a_token_is_not_repeated(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("reconciler.yaml").write_text("version: 1\n")
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC" + "0" * 32)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "t" * 32)
    for url in (
        f"ftp://h.example.com/?token={CANARY}",
        f"http://h.example.com/?token={CANARY}",
        f"https://ada:{CANARY}@h.example.com/",
        f"https://h.example.com:x{CANARY}/",
        f"https://127.0.0.1:9/?token={CANARY}",
    ):
        ended = cli("plan", "--api-url", url, "--timeout", "1")
        assert ended.code == 1
        assert CANARY not in ended.out + ended.err


MORE = """\
version: 1
services:
  s:
    webhooks: {post_webhook_url: "https://ada:%s@hooks.example.com/x?token=${secret:HOOK_TOKEN}"}
    users: {ada@example.com: {friendly_name: Ada}, bob@hooks.example.com: {}, "%s@example.com": {}}
    conversations:
      c: {webhooks: {w: {target: webhook, url: "https://w1.example.com/x", method: POST, filters: [onMessageAdded]}}}
"""
FEWER = """\
version: 1
services:
  s:
    webhooks: {post_webhook_url: "https://ada:%s@hooks.example.com/y?token=${secret:HOOK_TOKEN}"}
    users: {ada@example.com: {friendly_name: Ada}}
    prune: [users]
    conversations: {c: {prune: [webhooks], webhooks: {}}}
"""


def test_a_secret_in_one_url_hides_no_host_of_other_resources(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_TOKEN", CANARY)
    Path("reconciler.yaml").write_text(MORE % (OTHER, OTHER))
    assert cli("apply", *EMULATED, "--yes").code == 0
    Path("reconciler.yaml").write_text(FEWER % OTHER)
    texts = [
        cli("plan", *EMULATED).out,
        cli("apply", *EMULATED, "--yes", "--report", "r.json").out,
        Path("r.json").read_text(),
        cli("show", "r.json").out,
        cli("undo", "r.json", *EMULATED, "--yes").out,
    ]
    for text in texts:
        assert "bob@hooks.example.com" in text
        assert "https://w1.example.com" in text
        assert CANARY not in text
        assert OTHER not in text
