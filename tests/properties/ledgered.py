"""An emulated account with a ledger in memory: applies, failures, and kills, without git and without the command line.

The records are those of the product (`reconciler.ledger.records`), and so are the plan and the apply.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from reconciler.address import Address
from reconciler.api.transport import Transport, in_process
from reconciler.config.model import Config
from reconciler.emulator.app import Receive, Scope, Send
from reconciler.ledger import records
from reconciler.planning.baseline import Baseline, EntryInfo, Record
from reconciler.planning.plan import Plan
from reconciler.report import Report
from tests.world import World

Side = Literal["before", "after", "refused"]


class Killed(BaseException):
    """The process ended in the middle of an apply."""


@dataclass
class Fault:
    """What happens at a write.

    Attributes:
        at: The number of the write, from 0.
        side: Whether the process ends before it is sent, or after it was carried out; or whether it is refused.
    """

    at: int
    side: Side


class _Faulty:
    """An ASGI application at one of whose writes a fault happens."""

    def __init__(self, app: Any, fault: Fault | None) -> None:
        self.app = app
        self.fault = fault
        self.writes = 0
        self.is_dead = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.is_dead:
            raise Killed
        if scope["method"] == "GET" or self.fault is None:
            await self.app(scope, receive, send)
            return
        number, self.writes = self.writes, self.writes + 1
        if number != self.fault.at:
            await self.app(scope, receive, send)
        elif self.fault.side == "refused":
            body = b'{"code": 20001, "message": "refused", "more_info": "", "status": 400}'
            await send(
                {"type": "http.response.start", "status": 400, "headers": [(b"content-type", b"application/json")]}
            )
            await send({"type": "http.response.body", "body": body})
        else:
            self.is_dead = True
            if self.fault.side == "after":

                async def nowhere(_message: Any) -> None:
                    """Lose the answer."""

                await self.app(scope, receive, nowhere)
            raise Killed


class FaultyWorld(World):
    """An account at one of whose writes a fault happens.

    Args:
        world: The account.
    """

    def __init__(self, world: World) -> None:
        self.account = world.account
        self.forbidden = {}
        self.post, self.get, self.delete = world.post, world.get, world.delete
        self.snapshot = world.snapshot
        self.fault: Fault | None = None

    def transport(self) -> Transport:
        return in_process(_Faulty(self.emulator, self.fault))


@dataclass
class Ledgered:
    """An account and its ledger.

    Attributes:
        account: The account.
        applied: The configuration of each entry.
        remembered: The records of the newest entry.
    """

    account: FaultyWorld
    applied: list[Config] = field(default_factory=list)
    remembered: Mapping[Address, Record] = field(default_factory=dict)

    @property
    def baseline(self) -> Baseline:
        infos = {
            number: EntryInfo(number, "2026-01-01T12:00:00Z", f"{number:040x}")
            for number in range(1, len(self.applied) + 1)
        }
        return Baseline(
            records=self.remembered,
            declarations={number: config.resources for number, config in enumerate(self.applied, 1)},
            entries=infos,
            head=infos.get(len(self.applied)),
            removed_in=lambda _key: ("f" * 40, True),
            digest_of=_digest,
        )

    def plan(self, files: Config, **options: Any) -> Plan:
        """Plan, with every destructive change approved."""
        first = self.account.plan(files, baseline=self.baseline, **options)
        wanting = [
            f"{change.action}:{change.address}"
            for change in first.changes
            if change.guard is not None and change.guard.name == "approval"
        ]
        return self.account.plan(files, baseline=self.baseline, approved=wanting, **options) if wanting else first

    def apply(self, files: Config, *, fault: Fault | None = None, **options: Any) -> Report | None:
        """Plan and apply, and record it; None if the process was killed."""
        made = self.plan(files, **options)
        assert made.blocking() == ()
        planned = records.planned_addresses(made)
        number, previous = len(self.applied) + 1, made.remembered
        self.applied.append(files)
        self.remembered = records.started_records(previous, planned, number)
        self.account.fault = fault
        try:
            report = self.account.do(made)
        except Killed:
            return None
        finally:
            self.account.fault = None
        sids = {address: live.sid for address, live in made.live.items()}
        for result in report.results:
            for outcome in result.outcomes:
                if outcome.op == "create" and outcome.status in {"done", "unchanged"} and outcome.sid:
                    sids[result.change.address] = outcome.sid
        self.remembered = records.outcome_records(
            previous,
            planned,
            records.endings(report),
            declared={address: () if one.absent else one.remembered_paths for address, one in files.resources.items()},
            number=number,
            sid_digest_of=lambda address: _digest(sids[address]) if address in sids else "",
        )
        return report


def _digest(sid: str) -> str:
    return f"digest of {sid}"
