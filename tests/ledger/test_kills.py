"""The process dies at any request and between any two git commands; then it is run again.

Proved each time: the account converges to what the next commit declares, no address that was ever created is forgotten,
and the ledger's ref is never wrong, here or on the remote.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.emulator import Store
from tests.commands import forget_surroundings
from tests.ledger import clones
from tests.ledger.clones import FILES, HOOK
from tests.ledger.lives import WRITING, Death, Lives, Side

SECOND = (
    FILES.replace("method: POST", f"method: POST, pre_webhook_url: {HOOK}")
    .replace("friendly_name: Main}", 'friendly_name: Other}, "+14155550101": {type: sms}')
    .replace("{support: {roles: {agent: {type: conversation, permissions: [sendMessage]}}}}", "{support: {}}")
)
"""A field more, a field that is changed, a resource more, and one less."""
SIDES: tuple[Side, Side] = ("before", "after")
REQUESTS = ("POST", "DELETE")
PARTS = 4
"""Of the slow tests, which run at once."""


@dataclass(frozen=True)
class Begun:
    """A clone whose first commit was applied, and whose second one is pushed; copied for each death.

    Attributes:
        folder: The folder with both repositories.
        store: The account.
        console: The SIDs of what the tool did not create.
    """

    folder: Path
    store: Store
    console: set[str]

    def copied(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Lives:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        forget_surroundings(monkeypatch)
        clones.forget_git(monkeypatch, folder)
        clones.copied(self.folder, folder)
        lives = Lives(folder, monkeypatch, self.store)
        lives.console = self.console
        lives.number = 1
        return lives


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Begun:
    folder = tmp_path_factory.mktemp("begun")
    with pytest.MonkeyPatch.context() as monkeypatch:
        forget_surroundings(monkeypatch)
        clones.forget_git(monkeypatch, folder)
        clones.copied(template, folder)
        lives = Lives(folder, monkeypatch)
        assert lives.apply(starts=True) is not None
        lives.commit(SECOND)
    return Begun(folder, lives.app.store, lives.console)


def created(lives: Lives) -> set[str]:
    """The addresses of what the tool created and that is live, among those of the tests."""
    names = {
        "+14155550100": 'addresses["+14155550100"]',
        "+14155550101": 'addresses["+14155550101"]',
        "support": "services.support",
        "agent": "services.support.roles.agent",
    }
    rows = (row for sid, row in lives.app.snapshot().items() if sid not in lives.console)
    found = {str(row.get("address") or row.get("friendly_name")) for row in rows}
    return {names[name] for name in found & names.keys()}


def check(lives: Lives, ends: list[str], then: str) -> None:
    """Check the refs and the records after a death, and what the next apply makes of it."""
    lives.check_refs()
    assert created(lives) <= {str(address) for address in lives.records()}
    if then != SECOND:
        lives.commit(then)
    again = lives.apply()
    assert again is not None
    assert again.report is None or again.report.exit_code == 0
    lives.check_refs()
    assert len(set(lives.tips())) == 1
    assert lives.plan().changes == ()
    assert lives.values() == ends


Deaths = list[tuple[int, Side]]


def each(seen: Sequence[str]) -> Deaths:
    """Before and after each event."""
    return [(at, side) for at in range(len(seen)) for side in SIDES]


def one_of_each_kind(seen: Sequence[str]) -> Deaths:
    """After the first event of each name, and before requests, whose answer may be lost."""
    first = [(name, seen.index(name)) for name in dict.fromkeys(seen)]
    return [(at, side) for name, at in first for side in SIDES if side == "after" or name in REQUESTS]


def run(
    begun: Begun, folder: Path, then: str, choose: Callable[[Sequence[str]], Deaths], *, only: frozenset[str] | None
) -> Deaths:
    """Let an apply die at some events; return at which."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        lives = begun.copied(folder, monkeypatch)
        before = lives.values()
        whole = Death(only=only)
        assert lives.apply(death=whole) is not None
        ends = lives.values() if then == SECOND else before
    deaths = choose(whole.seen)
    for at, side in deaths:
        with pytest.MonkeyPatch.context() as monkeypatch:
            lives = begun.copied(folder, monkeypatch)
            assert lives.apply(death=Death(at, side, only)) is None, (at, side)
            check(lives, ends, then)
    return deaths


def test_a_death_at_any_write_is_made_good_by_the_next_apply(begun: Begun, tmp_path: Path) -> None:
    assert len(run(begun, tmp_path / "lives", SECOND, one_of_each_kind, only=WRITING)) == 9


def test_a_death_at_any_write_is_made_good_by_a_revert(begun: Begun, tmp_path: Path) -> None:
    def after_a_write(seen: Sequence[str]) -> Deaths:
        return [(seen.index(name), "after") for name in ("push", *REQUESTS)]

    assert len(run(begun, tmp_path / "lives", FILES, after_a_write, only=WRITING)) == 3


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("then", [SECOND, FILES], ids=["again", "revert"])
def test_a_death_at_any_request_or_git_command_is_made_good(begun: Begun, tmp_path: Path, then: str, part: int) -> None:
    deaths = run(begun, tmp_path / "lives", then, lambda seen: each(seen)[part::PARTS], only=None)
    assert len(deaths) > 50 // PARTS
