"""The process dies at any request and between any two git commands; then it is run again.

Proved each time: the account converges to what the next commit declares, no address that was ever created is forgotten,
and the ledger's ref is never wrong, here or on the remote.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

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


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lives")


def begin(folder: Path, template: Path, monkeypatch: pytest.MonkeyPatch) -> Lives:
    """A clone whose first commit was applied, and whose second one is pushed."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    forget_surroundings(monkeypatch)
    clones.forget_git(monkeypatch, folder)
    clones.copied(template, folder)
    lives = Lives(folder, monkeypatch)
    assert lives.apply(starts=True) is not None
    lives.commit(SECOND)
    return lives


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


def run(folder: Path, template: Path, then: str, *, only: frozenset[str] | None, every: int = 1) -> int:
    """Let an apply die at each event; return how many deaths there were."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        lives = begin(folder, template, monkeypatch)
        before = lives.values()
        whole = Death(only=only)
        assert lives.apply(death=whole) is not None
        ends = lives.values() if then == SECOND else before
    deaths: list[tuple[int, Side]] = [(at, side) for at in range(len(whole.seen)) for side in ("before", "after")]
    for at, side in deaths[::every]:
        with pytest.MonkeyPatch.context() as monkeypatch:
            lives = begin(folder, template, monkeypatch)
            assert lives.apply(death=Death(at, side, only)) is None, (at, side)
            check(lives, ends, then)
    return len(deaths[::every])


def test_a_death_at_any_write_is_made_good_by_the_next_apply(world: Path, template: Path) -> None:
    assert run(world / "ordinary", template, SECOND, only=WRITING, every=3) > 8


def test_a_death_at_any_write_is_made_good_by_a_revert(world: Path, template: Path) -> None:
    assert run(world / "revert", template, FILES, only=WRITING, every=7) > 3


@pytest.mark.slow
@pytest.mark.parametrize("then", [SECOND, FILES], ids=["again", "revert"])
def test_a_death_at_any_request_or_git_command_is_made_good(world: Path, template: Path, then: str) -> None:
    assert run(world / "slow", template, then, only=None) > 80
