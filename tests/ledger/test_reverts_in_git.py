"""A revert with real git takes back what an apply did, for all kinds, whenever the process died in between.

`tests/properties/test_reverts.py` has the same property for many more examples, without git.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, event, given, settings
from hypothesis import strategies as st

from reconciler.config.model import Config
from reconciler.errors import ConfigError, MatchError
from tests.commands import forget_surroundings
from tests.ledger import clones
from tests.ledger.clones import ACCOUNT, git
from tests.ledger.lives import WRITING, Death, Lives
from tests.properties.account_differences import check_sameness
from tests.properties.strategies import CONVERSATIONS, configurations, text
from tests.properties.test_reverts import reversible
from tests.world import read

ORDINARY, MANY = 2, 60
quick = settings(
    max_examples=ORDINARY,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    deadline=None,
)
_CONVERSATIONS = [
    f'services.s{number}.conversations["{name}"]'
    if not name.isidentifier()
    else f"services.s{number}.conversations.{name}"
    for number in range(4)
    for name in CONVERSATIONS
]


def of(root: Any) -> str:
    """The text of a configuration with a ledger, in which everything may be deleted."""
    account = {"sid": ACCOUNT, **reversible(root).get("account", {})}
    more = {
        "ledger": {"git": "refs/reconciler", "remote": "origin"},
        "environments": {"prod": {"account_sid": ACCOUNT}},
        "limits": {"deletes": 1000},
        "approvals": [{"address": one} for one in (*(f"services.s{number}" for number in range(4)), *_CONVERSATIONS)],
        "account": account,
    }
    return text(reversible(root) | more)


def reverts(folder: Path, template: Path, first: Any, second: Any, deaths: list[Death]) -> None:
    """Check the property in a new clone."""
    assume(of(first) != of(second))  # there is nothing to revert
    with pytest.MonkeyPatch.context() as monkeypatch:
        folder.mkdir()
        forget_surroundings(monkeypatch)
        clones.forget_git(monkeypatch, folder)
        clones.copied(template, folder)
        lives = Lives(folder, monkeypatch)
        lives.commit(of(first))
        try:
            check(lives, of(second), [read(text(reversible(one))) for one in (first, second)], deaths)
        except (MatchError, ConfigError) as error:
            event(f"cannot be planned: {error.problems[0].code}")


def check(lives: Lives, second: str, files: list[Config], deaths: list[Death]) -> None:
    """Apply the first, the second, and the first again."""
    begun = lives.apply(starts=True)
    assert begun is not None
    if begun.report is not None and begun.report.exit_code not in {0, 5}:
        event("the first configuration cannot be applied")
        return
    lives.apply()
    before = lives.app.snapshot()
    lives.commit(second)
    for death in deaths:
        lives.apply(death=death)
    git("revert", "--no-edit", "HEAD", at=lives.folder / "here")
    git("push", "-q", "origin", "main", at=lives.folder / "here")
    made = lives.plan()
    standings = {item.standing for change in made.changes for item in change.fields}
    assert not {"conflict", "removed_conflict"} & (standings | {change.standing for change in made.changes})
    for _ in range(3):
        applied = lives.apply()
        assert applied is not None
        assert applied.report is None or applied.report.exit_code in {0, 5}
    rest = lives.plan()
    assert [change for change in rest.changes if change.guard is None] == []
    check_sameness(before, lives.app.snapshot(), files, rest)
    event("reverted")


deaths = st.lists(
    st.builds(lambda at, side: Death(at, side, only=WRITING), st.integers(0, 30), st.sampled_from(("before", "after"))),
    max_size=2,
)


def check_all(folder: Path, template: Path, examples: int) -> None:
    numbers = iter(range(10_000))

    @settings(quick, max_examples=examples)
    @given(configurations(), configurations(), deaths)
    def every(first: Any, second: Any, died: list[Death]) -> None:
        reverts(folder / str(next(numbers)), template, first, second, died)

    every()


def test_a_revert_with_git_takes_back_what_an_apply_did(tmp_path: Path, template: Path) -> None:
    check_all(tmp_path, template, ORDINARY)


@pytest.mark.slow
def test_a_revert_with_git_takes_back_what_an_apply_did_often(tmp_path: Path, template: Path) -> None:
    check_all(tmp_path, template, MANY)
