"""An account in the emulator, and the verbs on it without disk or network: the harness of the tests of the whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar

from reconciler import config
from reconciler.address import Address
from reconciler.api.client import Client, ReadClient
from reconciler.api.credentials import Credentials
from reconciler.api.retry import Retry
from reconciler.api.transport import Transport, in_process
from reconciler.config.model import Approval, Config
from reconciler.documents.plan import PlanFile, plan_document
from reconciler.emulator import Emulator, Rules
from reconciler.execution.apply import apply
from reconciler.journal import UnfinishedReplace
from reconciler.planning.baseline import Baseline
from reconciler.planning.options import PlanOptions
from reconciler.planning.plan import Plan
from reconciler.report import Report, Silent
from reconciler.testing import EmulatedAccount
from reconciler.workflow.planning import fetch_and_plan
from tests.config.memory import MemorySources
from tests.restricted import Restricted

Result = TypeVar("Result")
ACCOUNT = "AC" + "0" * 32
NOON = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)


def read(files: str | Mapping[str, str], env: Mapping[str, str] | None = None, **options: Any) -> Config:
    """Load a configuration from text."""
    named = {"reconciler.yaml": files} if isinstance(files, str) else files
    return config.load(MemorySources(named, env), **options)


class World:
    """One emulated account, and the verbs on it without files.

    Args:
        rules: the readings of what is unverified.
        seed: for SIDs, so that a test can name them.
        now: the account's time; timers run when it is moved forward.
        forbidden: what the key may not request: patterns of ``METHOD path``, each with the status of the response.
        tick: how much time passes whenever the account reads its clock.
        writes_per_second: the most writes to a service or a conversation; no limit if it is None.
    """

    def __init__(
        self,
        rules: Rules | None = None,
        *,
        seed: int = 1,
        now: datetime = NOON,
        forbidden: dict[str, int] | None = None,
        tick: timedelta = timedelta(0),
        writes_per_second: int | None = None,
    ) -> None:
        self.account = EmulatedAccount(rules=rules, seed=seed, now=now, tick=tick, writes_per_second=writes_per_second)
        self.forbidden = forbidden if forbidden is not None else {}
        self.post, self.get, self.delete = self.account.post, self.account.get, self.account.delete
        self.snapshot = self.account.snapshot

    @property
    def emulator(self) -> Emulator:
        """The account's emulator; read-only, so that no other one takes the place of the account's."""
        return self.account.app

    @property
    def now(self) -> datetime:
        return self.account.now

    @now.setter
    def now(self, moment: datetime) -> None:
        self.account.now = moment

    @property
    def rules(self) -> Rules:
        return self.account.rules

    @property
    def requests(self) -> list[str]:
        """What was requested, oldest first, as ``METHOD path``."""
        return self.account.requests

    @property
    def writes(self) -> list[str]:
        return self.account.writes

    def copied(self) -> Self:
        """The account as it is now; what happens to one of the two does not happen to the other."""
        other = type(self)(self.rules, now=self.now, forbidden=dict(self.forbidden))
        other.emulator.store.close()
        other.emulator.store = other.emulator._transients._store = self.emulator.store.copied()
        other.emulator._entropy.setstate(self.emulator._entropy.getstate())
        return other

    def forget_requests(self) -> None:
        self.emulator.requests.clear()

    def service(self, name: str) -> str:
        """The SID of the service of that name."""
        return self._sid("/v1/Services", "services", name)

    def role(self, service: str, name: str) -> str:
        """The SID of the role of that name in the service of that name."""
        return self._sid(f"/v1/Services/{self.service(service)}/Roles", "roles", name)

    def _sid(self, path: str, key: str, name: str) -> str:
        found = [item["sid"] for item in self.get(path)[key] if item["friendly_name"] == name]
        assert len(found) == 1, (path, name, found)
        return str(found[0])

    def transport(self) -> Transport:
        """The way to the account for a key with its permissions."""
        return in_process(Restricted(self.emulator, self.forbidden))

    def plan(self, files: Config, **options: Any) -> Plan:
        """Fetch and plan with a client that cannot write; `unfinished` is what interrupted applies left."""
        unfinished: Sequence[UnfinishedReplace] = options.pop("unfinished", ())
        baseline: Baseline | None = options.pop("baseline", None)

        async def run() -> Plan:
            async with ReadClient(
                "https://conversations.twilio.com",
                _ANYONE,
                transport=self.transport(),
            ) as client:
                return await fetch_and_plan(
                    files, client, Silent(), _options(options), lambda _account_sid: unfinished, baseline=baseline
                )

        return _result(run())

    def do(self, made: Plan, *, trigger_webhooks: bool = False) -> Report:
        """Apply a plan."""

        async def run() -> Report:
            async with Client(
                "https://conversations.twilio.com",
                _ANYONE,
                transport=self.transport(),
                retry=_once(),
            ) as client:
                return await apply(made, client, Silent(), trigger_webhooks=trigger_webhooks)

        return _result(run())

    def apply(self, files: Config, **options: Any) -> Report:
        """Plan and apply; fails the test when a guard refuses."""
        made = self.plan(files, **options)
        assert made.blocking() == ()
        return self.do(made)

    def converge(self, files: Config, **options: Any) -> Report:
        """Apply, and prove that the next plan has nothing to do."""
        report = self.apply(files, **options)
        assert report.exit_code == 0, [outcome for result in report.results for outcome in result.outcomes]
        after = self.plan(files, **options)
        assert after.changes == (), after.changes
        return report


def _result(work: Coroutine[Any, Any, Result]) -> Result:
    """Do what `asyncio.run` does, which also builds the `repr` of a result: up to a tenth of the CPU of a plan."""
    results: list[Result] = []

    async def run() -> None:
        results.append(await work)

    asyncio.run(run())
    return results[0]


_ANYONE = Credentials(ACCOUNT, "emulator", ACCOUNT)


def _once() -> Retry:
    """Every request once, and waiting takes no time."""

    async def sleep(_seconds: float) -> None:
        await asyncio.sleep(0)

    return Retry(attempts=1, sleep=sleep)


def _options(options: Mapping[str, Any]) -> PlanOptions:
    parse: Mapping[str, Callable[[str], Any]] = {"approved": Approval.parse}
    given: dict[str, Any] = {
        name: texts
        if name in {"reviewed", "ours", "searches", "settings", "count_limit"}
        else tuple(map(parse.get(name, Address.parse), texts))
        for name, texts in options.items()
    }
    return PlanOptions(**given)


def seen(made: Plan) -> PlanFile:
    """A plan as it may be shown."""
    return plan_document(made, key=b"test", tool_version="0", created_at="2026-01-02T12:00:00Z")
