"""An apply reads and writes over the same connections, and closes them however it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.api import transport
from reconciler.emulator import Emulator, Store
from tests.builders import ACCOUNT
from tests.commands import forget_surroundings, runner
from tests.emulator.served import served

DESK = f"""\
version: 1
account: {{sid: {ACCOUNT}}}
services: {{desk: {{roles: {{agent: {{type: service, permissions: [addParticipant]}}}}}}}}
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    store = Store.open(":memory:")
    with served(Emulator(store, require_auth=True)) as host:
        yield host.url
    store.close()


@pytest.fixture
def run(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., int]:
    """Runs a command on a configuration; returns its exit code."""
    forget_surroundings(monkeypatch)
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", ACCOUNT)
    monkeypatch.chdir(tmp_path)
    execute = runner(capsys)

    def run(text: str, *arguments: str, token: str = "emulator") -> int:
        Path("reconciler.yaml").write_text(text)
        monkeypatch.setenv("TWILIO_AUTH_TOKEN", token)
        return execute(*arguments, "--api-url", url).code

    return run


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What becomes of the connections: opened, closed."""
    seen: list[str] = []
    opens, closes = transport.ConnectionPools.__init__, transport.ConnectionPools.__aexit__

    def init(self: transport.ConnectionPools, *given: Any, **named: Any) -> None:
        seen.append("opened")
        opens(self, *given, **named)

    async def exit_(self: transport.ConnectionPools, *given: Any) -> None:
        seen.append("closed")
        await closes(self, *given)

    monkeypatch.setattr(transport.ConnectionPools, "__init__", init)
    monkeypatch.setattr(transport.ConnectionPools, "__aexit__", exit_)
    return seen


@pytest.mark.parametrize(
    ("text", "token", "code"),
    [
        pytest.param(f"{DESK}limits: {{creates: 1}}\n", "emulator", 4, id="a guard refuses"),
        pytest.param(DESK, "wrong", 1, id="the account may not be read"),
        pytest.param(DESK, "emulator", 0, id="it is applied"),
        pytest.param(DESK, "emulator", 0, id="there is nothing to do"),
    ],
)
def test_an_apply_opens_connections_once_and_closes_them(
    text: str, token: str, code: int, run: Callable[..., int], watched: list[str]
) -> None:
    assert run(text, "apply", "--yes", token=token) == code
    assert watched == ["opened", "closed"]


def test_a_plan_closes_its_own_connections(run: Callable[..., int], watched: list[str]) -> None:
    assert run(DESK, "plan") == 0
    assert watched == ["opened", "closed"]
