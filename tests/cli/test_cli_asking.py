"""What happens to the account while `apply` waits for an answer: only what was shown is applied."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator import Emulator, Rules, Store
from tests.cli.conftest import Tty
from tests.commands import Run

BEFORE = """\
version: 1
services:
  desk:
    roles:
      agent: {type: service, permissions: [addParticipant]}
      old: {type: service, permissions: [addParticipant]}
    users: {ada: {friendly_name: Ada}}
"""
AFTER = """\
version: 1
services:
  desk:
    roles:
      agent: {type: service, permissions: [addParticipant, joinConversation]}
      old: {absent: true}
    users: {ada: {friendly_name: Ada Lovelace}}
"""

Act = Callable[[Emulator, str], None]


class Slow(Tty):
    """A terminal at which somebody answers "yes" after something else has happened."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__("yes\n")
        self._act = act

    def readline(self, _size: int | None = -1, /) -> str:  # type: ignore[override]
        self._act()
        return super().readline()


def item(emulator: Emulator, path: str, key: str, name: str) -> dict[str, Any]:
    body = emulator.call("GET", path).body
    assert isinstance(body, dict)
    return next(one for one in body[key] if name in {one["friendly_name"], one.get("identity")})


def role(emulator: Emulator, service: str, name: str) -> dict[str, Any]:
    return item(emulator, f"/v1/Services/{service}/Roles", "roles", name)


def post(emulator: Emulator, path: str, form: dict[str, Any]) -> None:
    assert emulator.call("POST", path, form).status in {200, 201}


def extend_role(emulator: Emulator, service: str) -> None:
    form = {"Permission": ["addParticipant", "createConversation"]}
    post(emulator, f"/v1/Services/{service}/Roles/{role(emulator, service, 'agent')['sid']}", form)


def rename_user(emulator: Emulator, service: str) -> None:
    user = item(emulator, f"/v1/Services/{service}/Users", "users", "ada")
    post(emulator, f"/v1/Services/{service}/Users/{user['sid']}", {"FriendlyName": "Countess"})


def give_role(emulator: Emulator, service: str) -> None:
    user = item(emulator, f"/v1/Services/{service}/Users", "users", "ada")
    form = {"RoleSid": role(emulator, service, "old")["sid"]}
    post(emulator, f"/v1/Services/{service}/Users/{user['sid']}", form)


def add_service(emulator: Emulator, _service: str) -> None:
    post(emulator, "/v1/Services", {"FriendlyName": "elsewhere"})


def apply_all(emulator: Emulator, service: str) -> None:
    rename = {"FriendlyName": "Ada Lovelace"}
    user = item(emulator, f"/v1/Services/{service}/Users", "users", "ada")
    post(emulator, f"/v1/Services/{service}/Users/{user['sid']}", rename)


@pytest.mark.parametrize(
    ("act", "code", "writes"),
    [
        (extend_role, 3, 0),
        (rename_user, 3, 0),
        (give_role, 5, 2),  # the role is held now, so its delete is withheld
        (add_service, 0, 3),  # none of the plan's business
        (apply_all, 0, 2),  # somebody did a part of it
    ],
)
def test_only_what_was_shown_is_applied_after_a_long_answer(
    act: Act, code: int, writes: int, *, cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "reconciler.yaml"
    root.write_text(BEFORE)
    assert cli("apply", "--yes", "--emulator", "demo.db").code == 0
    root.write_text(AFTER)
    before: dict[str, Any] = {}

    def happen() -> None:
        store = Store.open("demo.db")
        emulator = Emulator(store, rules=Rules(role_in_use="allowed"))
        act(emulator, item(emulator, "/v1/Services", "services", "desk")["sid"])
        before.update(emulator.snapshot())
        store.close()

    monkeypatch.setattr(sys, "stdin", Slow(happen))
    monkeypatch.setattr(sys, "stderr", Tty())
    assert cli("apply", "--emulator", "demo.db").code == code
    store = Store.open("demo.db")
    after = dict(Emulator(store).snapshot())
    store.close()
    changed = [key for key in {*before, *after} if before.get(key) != after.get(key)]
    assert len(changed) == writes


@pytest.mark.parametrize("form", ["text", "github", "json", "markdown"])
def test_the_terminal_shows_the_plan_even_if_standard_output_is_redirected(
    form: str, cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reconciler.yaml").write_text(BEFORE)
    terminal = Tty()
    monkeypatch.setattr(sys, "stdin", Tty("no\n"))
    monkeypatch.setattr(sys, "stderr", terminal)
    assert cli("apply", "--emulator", "demo.db", "--format", form).code == 1
    shown, question, _ = terminal.getvalue().partition("Enter a value")
    assert "services.desk.roles.agent" in shown
    assert "Plan: 4 to create" in shown
    assert question
