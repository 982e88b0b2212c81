"""Applies with a ledger in real git that die at any moment: at a request, or at a git command.

A process that dies is a `Killed` that everything raises from then on, so that nothing of it runs any more. The next one
has another name, and the lock sees that the former one has ended.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, Literal

import pytest

from reconciler import workflow
from reconciler.address import Address
from reconciler.documents.ledger import LedgerRun, parse_entry
from reconciler.emulator import Emulator, Store
from reconciler.emulator.app import Receive, Scope, Send
from reconciler.ledger import lock, opening, repository
from reconciler.ledger.entries import LedgerRef
from reconciler.ledger.options import LedgerOptions
from reconciler.ledger.repository import Repository
from reconciler.planning.baseline import Record
from reconciler.report import Silent
from reconciler.sources import git_process
from reconciler.workflow import Applied, Decision, Endpoint, Inputs
from tests.faults.chaos import Killed
from tests.ledger.clones import REF, commit, git

Side = Literal["before", "after"]
WRITING = frozenset({"hash-object", "mktree", "commit-tree", "push", "update-ref", "POST", "DELETE"})
"""The git commands and verbs that change something."""


@dataclass
class Death:
    """When a process dies.

    Attributes:
        at: The number of the event; -1 for never.
        side: Whether before the event, or after it.
        only: The events that count; all if it is None.
        seen: The names of the events so far.
        is_dead: Whether it has died.
    """

    at: int = -1
    side: Side = "before"
    only: frozenset[str] | None = None
    seen: list[str] = field(default_factory=list)
    is_dead: bool = False

    def before(self, name: str) -> bool:
        """Note an event; return whether the process dies after it."""
        if self.is_dead:
            raise Killed
        if self.only is not None and name not in self.only:
            return False
        number = len(self.seen)
        self.seen.append(name)
        if number != self.at:
            return False
        self.is_dead = True
        if self.side == "before":
            raise Killed
        return True


class Mortal(Emulator):
    """An emulator whose client may die."""

    death = Death()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        dies = scope["type"] == "http" and self.death.before(str(scope["method"]))
        await super().__call__(scope, receive, _unheard if dies else send)
        if dies:
            raise Killed


async def _unheard(_message: object) -> None:
    """Discard the answer."""


class Lives:
    """A clone with a ledger and an account, and the processes that apply.

    Args:
        folder: The folder with `here` and `remote.git`.
        monkeypatch: Replaces git, and the names of processes.
        store: The account, which is copied; a new one if it is None.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, store: Store | None = None) -> None:
        self.folder = folder
        self.app = Mortal(store.copied() if store is not None else Store.open(":memory:"))
        self.death = Death()
        self.number = 0
        self.ended: set[str] = set()
        self.console = self.sids()
        real = git_process.run_git

        def run_git(arguments: Sequence[str], *others: Any, **options: Any) -> CompletedProcess[bytes]:
            words = list(arguments)
            while words[:1] == ["-c"]:
                del words[:2]
            dies = self.death.before(words[0])
            done = real(arguments, *others, **options)
            if dies:
                raise Killed
            return done

        monkeypatch.setattr(git_process, "run_git", run_git)
        monkeypatch.setattr(repository, "run_git", run_git)
        monkeypatch.setattr(opening, "describe_run", lambda _environment: LedgerRun(process=f"life {self.number}"))
        monkeypatch.setattr(lock, "has_ended", lambda run: run.process in self.ended)

    def sids(self) -> set[str]:
        """The SIDs of everything live."""
        return set(self.app.snapshot())

    def values(self) -> list[str]:
        """What the account has, without SIDs and dates, as text; an empty text is null."""
        hidden = re.compile(r"\b[A-Z]{2}[0-9a-f]{32}\b")
        rows = (
            {key: value for key, value in row.items() if not key.startswith("date_")}
            for row in self.app.snapshot().values()
        )
        return sorted(
            hidden.sub("SID", json.dumps(row, sort_keys=True, default=str).replace('""', "null")) for row in rows
        )

    def apply(self, clone: str = "here", death: Death | None = None, **options: bool) -> Applied | None:
        """Apply in a new process; None if it dies."""
        self.number += 1
        self.death = self.app.death = death or Death()
        inputs = Inputs(str(self.folder / clone), environment="prod", ledger=LedgerOptions(**options))
        endpoint = Endpoint(app=self.app, environment=dict(os.environ))
        try:
            return asyncio.run(workflow.apply(inputs, endpoint, Silent(), _show, _yes))
        except Killed:
            return None
        finally:
            self.ended.add(f"life {self.number}")
            self.death = self.app.death = Death()

    def plan(self, clone: str = "here") -> Any:
        self.number += 1
        inputs = Inputs(str(self.folder / clone), environment="prod")
        endpoint = Endpoint(app=self.app, environment=dict(os.environ))
        return asyncio.run(workflow.plan(inputs, endpoint, Silent())).file

    def commit(self, text: str, clone: str = "here") -> None:
        commit({"reconciler.yaml": text}, self.folder / clone)
        git("push", "-q", "origin", "main", at=self.folder / clone)

    def tips(self) -> tuple[str, str]:
        """The ref here and on the remote; empty if it does not exist."""
        found = (
            git("for-each-ref", "--format=%(objectname)", REF, at=self.folder / at) for at in ("here", "remote.git")
        )
        local, remote = found
        return local, remote

    def check_refs(self) -> None:
        """Check that both refs are whole, and that one of them follows the other."""
        local, remote = self.tips()
        source = Repository(self.folder / "here" / "reconciler.yaml", os.environ)
        try:
            ref = LedgerRef(source, REF, label="prod")
            for tip in filter(None, (local, remote)):
                numbers = [one.entry.number for one in ref.entries(tip)]
                assert numbers == list(range(len(numbers), 0, -1))
            if local and remote:
                assert ref.follows(remote, local) or ref.follows(local, remote)
            else:
                assert not local  # what is pushed first is on the remote first
        finally:
            source.close()

    def records(self) -> Mapping[Address, Record]:
        """What the newest entry remembers."""
        local, remote = self.tips()
        newest = remote or local
        if not newest:
            return {}
        text = git("show", f"{newest}:entry.json", at=self.folder / "here")
        return parse_entry(text.encode()).records()


def _show(_plan: object) -> None:
    """Show nothing."""


async def _yes(_plan: object) -> Decision:
    return Decision.PREAPPROVED


Check = Callable[[Lives], None]
