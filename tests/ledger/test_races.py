"""Two applies at once from two clones with one remote: one wins, and the other names who holds the lock."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler import workflow
from reconciler.emulator import Emulator, Store
from reconciler.emulator.app import Receive, Scope, Send
from reconciler.errors import LedgerError
from reconciler.ledger.options import LedgerOptions
from reconciler.report import Silent
from reconciler.workflow import Applied, Decision, Endpoint, Inputs
from tests.commands import forget_surroundings
from tests.ledger import clones
from tests.ledger.clones import FILES, REF, commit, git

HOLDS = re.compile(
    r"another apply of prod is in progress\n"
    r"  started \d\d:\d\d UTC by (Ada|Bob), deadline (?:\d{4}-\d\d-\d\d )?\d\d:\d\d UTC, \S+, process \d+\n"
    r"  = wait for it; if it has ended, use --take-over"
)
NAMES = {"here": "Ada", "there": "Bob"}
SECOND = FILES.replace("friendly_name: Main", "friendly_name: Other").replace(
    "services: {", "credentials: {push: {type: fcm, friendly_name: Push, secret: abcdefgh}}\nservices: {"
)


class Waiting(Emulator):
    """An emulator that carries out no write before the other apply has ended."""

    ended = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while scope.get("method") in {"POST", "DELETE"} and not self.ended.is_set():  # noqa: ASYNC110 - see below
            await asyncio.sleep(0.002)  # the event is one of threads
        await super().__call__(scope, receive, send)


@dataclass
class Racer:
    """One of two applies.

    Attributes:
        folder: The folder with both clones, the remote, and the account.
        name: Its clone.
        barrier: Where both wait once they have planned.
        ended: Set when one of them has ended.
    """

    folder: Path
    name: str
    barrier: threading.Barrier
    ended: threading.Event
    writes: int = 0

    def run(self) -> Applied | str:
        """Apply; give what was applied, or the error."""
        store = Store.open(self.folder / "account.db")
        app = Waiting(store)
        app.ended = self.ended
        inputs = Inputs(str(self.folder / self.name), environment="prod")
        endpoint = Endpoint(app=app, environment=dict(os.environ))
        try:
            return asyncio.run(workflow.apply(inputs, endpoint, Silent(), lambda _plan: None, self._planned))
        except LedgerError as error:
            return str(error)
        finally:
            self.ended.set()
            self.writes = sum(request.method != "GET" for request in app.requests)
            store.close()

    async def _planned(self, _plan: object) -> Decision:
        self.barrier.wait(timeout=60)
        return Decision.PREAPPROVED


@pytest.fixture(scope="module")
def start(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clones that are up to date, with a commit that is not applied yet."""
    folder = tmp_path_factory.mktemp("start")
    with pytest.MonkeyPatch.context() as monkeypatch:
        forget_surroundings(monkeypatch)
        clones.forget_git(monkeypatch, folder)
        clones.copied(template, folder)
        here = folder / "here"
        endpoint = Endpoint(emulator=str(folder / "account.db"), environment=dict(os.environ))
        inputs = Inputs(str(here), environment="prod", ledger=LedgerOptions(starts=True))
        asyncio.run(workflow.apply(inputs, endpoint, Silent(), lambda _plan: None, _approve))
        commit({"reconciler.yaml": SECOND}, here)
        git("push", "-q", "origin", "main", at=here)
        shutil.copytree(here, folder / "there")
        git("config", "user.name", "Bob", at=folder / "there")
    return folder


async def _approve(_plan: object) -> Decision:
    return Decision.PREAPPROVED


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forget_surroundings(monkeypatch)
    clones.forget_git(monkeypatch, tmp_path)


def race(start: Path, folder: Path) -> str:
    """Let two applies run at once, and check what became of both; give the name of the winner."""
    shutil.copytree(start, folder)
    ended, barrier = threading.Event(), threading.Barrier(2)
    racers = [Racer(folder, name, barrier, ended) for name in NAMES]
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(Racer.run, racers))
    won = [racer for racer, result in zip(racers, results, strict=True) if isinstance(result, Applied)]
    (error,) = [result for result in results if isinstance(result, str)]
    (winner,) = won
    named = HOLDS.fullmatch(error)
    assert named is not None, error
    assert named[1] == NAMES[winner.name]
    assert {racer.name: racer.writes for racer in racers} == {winner.name: 2} | {
        racer.name: 0 for racer in racers if racer is not winner
    }
    subjects = git("log", "--first-parent", "--format=%s", "-3", REF, at=folder / "remote.git").splitlines()
    assert subjects == ["apply 2 applied", "apply 2 started", "apply 1 applied"]
    assert git("rev-parse", REF, at=folder / winner.name) == git("rev-parse", REF, at=folder / "remote.git")
    shutil.rmtree(folder)
    return winner.name


@pytest.mark.usefixtures("surroundings")
def test_of_two_applies_at_once_one_wins_and_the_other_names_it(start: Path, tmp_path: Path) -> None:
    for number in range(3):
        race(start, tmp_path / str(number))


@pytest.mark.slow
@pytest.mark.usefixtures("surroundings")
def test_of_two_applies_at_once_one_wins_100_times(start: Path, tmp_path: Path) -> None:
    winners = [race(start, tmp_path / str(number)) for number in range(100)]
    assert set(winners) == set(NAMES)


# --- the ref moves between plan and apply -----------------------------------------------------------------------------


def planned_then(start: Path, folder: Path, between: str, *, local: bool = False) -> str:
    """Plan here; then let another apply run to its end, before the first one begins. Give the error."""
    shutil.copytree(start, folder)
    if local:
        git("fetch", "-q", "origin", at=folder / "here")
        commit({"reconciler.yaml": SECOND.replace(", remote: origin", "")}, folder / "here")
    endpoint = Endpoint(emulator=str(folder / "account.db"), environment=dict(os.environ))

    async def apply(clone: str, confirm: workflow.Confirm) -> Applied:
        inputs = Inputs(str(folder / clone), environment="prod")
        return await workflow.apply(inputs, endpoint, Silent(), lambda _plan: None, confirm)

    async def confirm(_plan: object) -> Decision:
        await apply(between, _approve)
        return Decision.PREAPPROVED

    with pytest.raises(LedgerError) as caught:
        asyncio.run(apply("here", confirm))
    return str(caught.value)


@pytest.mark.usefixtures("surroundings")
def test_an_entry_that_another_clone_pushed_since_the_plan(start: Path, tmp_path: Path) -> None:
    error = planned_then(start, tmp_path / "race", "there")
    assert re.fullmatch(
        r"origin has a newer entry of the ledger of prod than this clone \(entry 2, \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, "
        r"by Bob\)\. Nothing was sent\. Fetch it, and run the command again:\n"
        r"  git fetch origin '\+refs/reconciler/\*:refs/reconciler/\*'",
        error,
    )


@pytest.mark.usefixtures("surroundings")
def test_an_entry_that_was_written_in_this_clone_since_the_plan(start: Path, tmp_path: Path) -> None:
    error = planned_then(start, tmp_path / "race", "here", local=True)
    assert re.fullmatch(
        r"the ledger of prod moved since the plan: entry 2 was written at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ by Ada\. "
        r"Nothing was sent\. Run the command again",
        error,
    )
