"""An account in the emulator, and the verbs on it without disk or network: the harness of the tests of the whole."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from reconciler import config
from reconciler.address import Address
from reconciler.api.client import Client, ReadClient
from reconciler.api.credentials import Credentials
from reconciler.api.retry import Retry
from reconciler.api.transport import Transport, in_process
from reconciler.config.model import Approval, Config
from reconciler.documents.plan import PlanFile, plan_document
from reconciler.emulator import Emulator, Rules, Store
from reconciler.execution.apply import apply
from reconciler.journal import UnfinishedReplace
from reconciler.planning.plan import Plan, PlanOptions
from reconciler.report import Report, Silent
from reconciler.workflow.planning import fetch_and_plan
from tests.config.memory import MemorySources
from tests.restricted import Restricted

ACCOUNT = "AC" + "0" * 32
NOON = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)


def read(files: str | Mapping[str, str], env: Mapping[str, str] | None = None, **options: Any) -> Config:
    """Load a configuration from text."""
    named = {"reconciler.yaml": files} if isinstance(files, str) else files
    return config.load(MemorySources(named, env), **options)


@dataclass
class World:
    """One emulated account.

    Attributes:
        rules: the readings of what is unverified.
        seed: for SIDs, so that a test can name them.
        now: the account's moment; timers run when it is moved on.
        forbidden: what the key may not ask: patterns of ``METHOD path``, each with the status of the answer.
    """

    rules: Rules = field(default_factory=Rules)
    seed: int = 1
    now: datetime = NOON
    forbidden: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.emulator = Emulator(
            Store.open(":memory:"), rules=self.rules, clock=lambda: self.now, entropy=random.Random(self.seed)
        )

    @property
    def requests(self) -> list[str]:
        """What was asked, oldest first, as ``METHOD path``."""
        return [f"{record.method} {record.path}" for record in self.emulator.requests]

    @property
    def writes(self) -> list[str]:
        return [request for request in self.requests if not request.startswith("GET ")]

    def forget_requests(self) -> None:
        self.emulator.requests.clear()

    def post(self, path: str, form: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Change the account as somebody else would; fails the test when the API refuses."""
        reply = self.emulator.call("POST", path, form or {})
        assert reply.status in {200, 201}, (path, form, reply.body)
        assert isinstance(reply.body, dict)
        return reply.body

    def get(self, path: str) -> dict[str, Any]:
        reply = self.emulator.call("GET", path)
        assert reply.status == 200, (path, reply.body)
        assert isinstance(reply.body, dict)
        return reply.body

    def delete(self, path: str) -> None:
        reply = self.emulator.call("DELETE", path)
        assert reply.status == 204, (path, reply.body)

    def snapshot(self) -> dict[str, Any]:
        """Everything in the account, by SID."""
        return dict(self.emulator.snapshot())

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

        async def run() -> Plan:
            async with ReadClient(
                "https://conversations.twilio.com",
                _ANYONE,
                transport=self.transport(),
            ) as client:
                return await fetch_and_plan(files, client, Silent(), _options(options), lambda _account_sid: unfinished)

        return asyncio.run(run())

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

        return asyncio.run(run())

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


_ANYONE = Credentials(ACCOUNT, "emulator", ACCOUNT)


def _once() -> Retry:
    """Every request once, and waiting takes no time."""

    async def sleep(_seconds: float) -> None:
        await asyncio.sleep(0)

    return Retry(attempts=1, sleep=sleep)


def _options(options: Mapping[str, Any]) -> PlanOptions:
    parse: Mapping[str, Callable[[str], Any]] = {"approved": Approval.parse}
    given: dict[str, Any] = {
        name: tuple(parse.get(name, Address.parse)(text) for text in texts) if name != "reviewed" else texts
        for name, texts in options.items()
    }
    return PlanOptions(**given)


def seen(made: Plan) -> PlanFile:
    """A plan as it may be shown."""
    return plan_document(made, key=b"test", tool_version="0", created_at="2026-01-02T12:00:00Z")
