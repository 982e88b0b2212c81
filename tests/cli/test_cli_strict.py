"""``--strict``: the warnings of a plan are errors, as those of the configuration are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.emulator import Emulator, Store
from tests.commands import Result

Cli = Callable[..., Result]
EMULATED = ("--emulator", "demo.db")
STALE = """\
version: 1
services:
  support:
    roles:
      agent: {type: conversation, permissions: [sendMessage], renamed_from: helper}
    webhooks: {post_webhook_url: "https://hooks.example.com/${secret:HOOK_TOKEN}"}
"""
COMMANDS = [("plan",), ("apply", "--yes"), ("drift",)]


@pytest.fixture(autouse=True)
def applied(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "reconciler.yaml").write_text(STALE)
    with monkeypatch.context() as patched:
        patched.setenv("HOOK_TOKEN", "abcdefgh")
        assert cli("apply", *EMULATED, "--yes").code == 0


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_warning_of_a_plan_is_an_error(cli: Cli, command: tuple[str, ...]) -> None:
    lenient = cli(*command, *EMULATED)
    assert lenient.code == 0
    assert "renamed_from" in lenient.out
    strict = cli(*command, *EMULATED, "--strict")
    assert (strict.code, strict.out) == (1, "")
    assert [word for word in ("renamed_from", "HOOK_TOKEN", "2 errors") if word not in strict.err] == []


def test_nothing_is_sent_when_a_warning_is_an_error(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "reconciler.yaml").write_text(STALE.replace("sendMessage", "leaveConversation"))
    before = stored()
    assert cli("apply", *EMULATED, "--strict", "--yes").code == 1
    assert stored() == before
    assert cli("plan", *EMULATED, "--strict", "--out", "plan.json").code == 1
    assert not Path("plan.json").exists()


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_an_acknowledged_warning_is_none(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("HOOK_TOKEN", "abcdefgh")
    codes = cli("plan", *EMULATED, "--format", "json").json["warnings"]
    (code,) = {warning["code"] for warning in codes}
    (tmp_path / "reconciler.yaml").write_text(f"{STALE}acknowledge: [{{code: {code}}}]\n")
    assert cli(*command, *EMULATED, "--strict").code == 0


def stored() -> dict[str, object]:
    store = Store.open("demo.db")
    try:
        return dict(Emulator(store).snapshot())
    finally:
        store.close()
