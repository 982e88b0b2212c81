"""An account of the built-in emulator for tests: its resources, faults, and clock.

Takes a configuration; plans and applies it without a network or credentials. Not for production code.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Unpack

from reconciler.documents.drift import DriftFile
from reconciler.documents.plan import PlanFile
from reconciler.documents.report import ReportFile
from reconciler.emulator import Rules, Store
from reconciler.emulator.faults import Faults, FaultyEmulator
from reconciler.emulator.server import serving
from reconciler.workflow.library import Options, SyncReconciler

NOON = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
"""The moment of a new account."""


class EmulatedAccount:
    """An account of the built-in emulator, in memory.

    Args:
        account_sid: the account's SID; the emulator's default if empty.
        rules: the readings of Twilio's unverified behavior.
        seed: the random seed of SIDs and faults, which are the same in each run.
        now: the account's time at the start.
        tick: the time that passes whenever the account reads its clock, so that dates have an order.
        writes_per_second: the maximum number of writes to a service, or to a conversation, in one second of the
            account's time; further ones get 429. No limit if it is None.

    Attributes:
        now: the account's time, with its zone. Conversation timers run when it is moved forward.
        app: the emulator, an ASGI application.
    """

    def __init__(
        self,
        *,
        account_sid: str = "",
        rules: Rules | None = None,
        seed: int = 1,
        now: datetime = NOON,
        tick: timedelta = timedelta(0),
        writes_per_second: int | None = None,
    ) -> None:
        self.now = now
        self._tick = tick
        self.app = FaultyEmulator(
            Store.open(":memory:", account_sid=account_sid or None),
            Faults(),
            seed=seed,
            in_process=True,
            rules=rules or Rules(),
            clock=self._read_clock,
            writes_per_second=writes_per_second,
            entropy=random.Random(seed),  # noqa: S311 - SIDs that can be repeated are what is wanted
        )

    def _read_clock(self) -> datetime:
        now = self.now
        self.now += self._tick
        return now

    def close(self) -> None:
        """Discard the account."""
        self.app.faulty.close()
        self.app.store.close()

    @property
    def account_sid(self) -> str:
        """The account's SID."""
        return self.app.store.account_sid

    @property
    def rules(self) -> Rules:
        """The readings in effect; may be replaced between requests."""
        return self.app.rules

    @rules.setter
    def rules(self, rules: Rules) -> None:
        self.app.rules = rules

    @property
    def faults(self) -> str:
        """What goes wrong, such as ``503=0.1,reset-after=0.05``; see ``reconciler emulator serve --fault``.

        Raises:
            EmulatorError: it is set to an invalid specification; the message says why.
        """
        return self._faults

    @faults.setter
    def faults(self, specification: str) -> None:
        self.app.faulty.faults = Faults.parse(specification)
        self._faults = specification

    _faults = ""

    @property
    def requests(self) -> list[str]:
        """The requests so far, oldest first, as ``METHOD path``."""
        return [f"{record.method} {record.path}" for record in self.app.requests]

    @property
    def writes(self) -> list[str]:
        """Those of `requests` that are not reads."""
        return [request for request in self.requests if not request.startswith("GET ")]

    def get(self, path: str) -> dict[str, Any]:
        """Read one resource or one page of a list, from ``/v1`` on.

        Raises:
            AssertionError: the API refuses.
        """
        return self._call("GET", path, {}, {200})

    def post(self, path: str, form: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Create or update something in the account as another API client would, for example the Twilio Console.

        Args:
            path: from ``/v1`` on.
            form: Twilio's parameters; a list of values repeats the parameter.

        Raises:
            AssertionError: the API refuses.
        """
        return self._call("POST", path, form or {}, {200, 201})

    def delete(self, path: str) -> None:
        """Delete something as another API client would.

        Raises:
            AssertionError: the API refuses.
        """
        self._call("DELETE", path, {}, {204})

    def snapshot(self) -> dict[str, Any]:
        """Return everything in the account, by SID."""
        return dict(self.app.snapshot())

    def reconciler(self, path: str | os.PathLike[str] = ".", **options: Unpack[Options]) -> SyncReconciler:
        """Build a `SyncReconciler` for this account.

        Args:
            path: a root file, or a folder with a ``reconciler.yaml``.
            options: see `reconciler.Reconciler`.
        """
        options["emulator"] = self.app
        return SyncReconciler(path, **options)

    def plan(self, path: str | os.PathLike[str] = ".", **options: Unpack[Options]) -> PlanFile:
        """Plan a configuration against this account; see `reconciler.Reconciler.plan`."""
        return self.reconciler(path, **options).plan()

    def apply(self, path: str | os.PathLike[str] = ".", **options: Unpack[Options]) -> ReportFile:
        """Apply a configuration to this account; see `reconciler.Reconciler.apply`."""
        return self.reconciler(path, **options).apply()

    def drift(self, path: str | os.PathLike[str] = ".", **options: Unpack[Options]) -> DriftFile:
        """Detect drift of this account; see `reconciler.Reconciler.drift`."""
        return self.reconciler(path, **options).drift()

    def assert_converges(self, path: str | os.PathLike[str] = ".", **options: Unpack[Options]) -> ReportFile:
        """Apply a configuration, and check that nothing is left to do.

        Args:
            path: a root file, or a folder with a ``reconciler.yaml``.
            options: see `reconciler.Reconciler`.

        Returns:
            The report of the apply.

        Raises:
            AssertionError: the apply did not succeed, or the next plan has changes.
        """
        report = self.apply(path, **options)
        if report.exit_code != 0:
            failed = [
                f"{result.address}: {outcome.message or outcome.status}"
                for result in report.changes
                for outcome in result.outcomes
                if outcome.status not in {"done", "unchanged"}
            ]
            raise AssertionError(f"the apply exits with status {report.exit_code}: {'; '.join(failed)}")
        after = self.plan(path, **options)
        if after.changes:
            left = ", ".join(f"{change.action} {change.address}" for change in after.changes)
            raise AssertionError(f"the plan after a successful apply still has changes: {left}")
        return report

    @contextmanager
    def served(self) -> Iterator[str]:
        """Serve the account on a free port of this machine; yields the URL, for ``--api-url`` or any HTTP client.

        In this time, faults break connections as a network does.
        """
        self.app.faulty.raises = False
        try:
            with serving(self.app) as url:
                yield url
        finally:
            self.app.faulty.raises = True

    def _call(self, method: str, path: str, form: Mapping[str, Any], expected: set[int]) -> dict[str, Any]:
        bare, _, query = path.partition("?")
        reply = self.app.call(method, bare, form, query=query)
        if reply.status not in expected:
            raise AssertionError(f"{method} {path} {dict(form)}: {reply.status} {reply.body}")
        return reply.body if isinstance(reply.body, dict) else {}
