"""Opens the ledger of a configuration, and records an apply in it.

Takes a configuration that has a ledger, and the client that reads its account; returns a `Ledger`, and a
`LedgerRecorder` that writes the start and the outcome of an apply.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.documents.writing import to_text
from reconciler.errors import UsageError
from reconciler.redaction import Redaction, may_be_secret, texts_of, url_parts
from reconciler.workflow.connecting import plan_key
from reconciler.workflow.inputs import NO_BASELINE

if TYPE_CHECKING:
    from reconciler.address import Address
    from reconciler.api.client import ReadClient
    from reconciler.config.model import Config
    from reconciler.documents.plan import PlanFile
    from reconciler.errors import Problem
    from reconciler.ledger.opening import Ledger
    from reconciler.ledger.records import Planned
    from reconciler.ledger.writing import Applied
    from reconciler.planning.baseline import Record
    from reconciler.planning.plan import Plan
    from reconciler.report import Report
    from reconciler.sources.disk import DiskSources
    from reconciler.workflow.inputs import Endpoint, Inputs


def check_options(config: Config, inputs: Inputs) -> None:
    """Check that the options about the ledger have a ledger.

    Raises:
        UsageError: They have none.
    """
    options = inputs.ledger
    given = [
        name
        for name, is_given in (
            ("--start-ledger", options.starts),
            ("--take-over", options.takes_over),
            ("--rollback", options.rolls_back),
        )
        if is_given
    ]
    if given and config.ledger is None:
        raise UsageError(f"{given[0]} needs a ledger. Add `ledger: git` to the root file, or remove {given[0]}")


async def open_ledger(
    config: Config,
    inputs: Inputs,
    endpoint: Endpoint,
    client: ReadClient,
    files: DiskSources,
    *,
    writes: bool,
    applies_source: bool = True,
) -> tuple[Ledger | None, tuple[Problem, ...]]:
    """Find the ledger of a configuration, and what to warn about; None if it has none, or it is not used.

    Args:
        config: The configuration.
        inputs: The options on the ledger.
        endpoint: The API, with the environment variables.
        client: The API, which knows the account and the host.
        files: What the configuration was loaded from.
        writes: Whether this is an apply.
        applies_source: Whether it applies the commit of the configuration, and does not undo an apply.

    Raises:
        LedgerError: It cannot be used.
        GuardRefusal: An older commit would be applied.
    """
    check_options(config, inputs)
    is_unused = inputs.baseline == NO_BASELINE and not (writes and inputs.ledger.records)
    if config.ledger is None or (is_unused and not writes):
        return None, ()
    from reconciler.documents.ledger import LedgerKey  # noqa: PLC0415 - see the package
    from reconciler.ledger import opening  # noqa: PLC0415 - see the package
    from reconciler.ledger.preconditions import LedgerScope  # noqa: PLC0415 - see the package

    scope = LedgerScope(
        account_sid=config.account_sid or client.credentials.account_sid,
        host=await client.locate(),
        environment=config.environment,
    )
    if is_unused:
        opening.check_unlocked(config.ledger, files, scope, environment=endpoint.environment, options=inputs.ledger)
        return None, ()
    return opening.open_ledger(
        config,
        files,
        environment=endpoint.environment,
        scope=scope,
        key=LedgerKey(plan_key(endpoint) or client.credentials.signing_key()),
        options=inputs.ledger,
        writes=writes,
        is_trial=bool(endpoint.emulator or endpoint.app),
        applies_source=applies_source,
    )


def _without_secrets(planned: Mapping[Address, Planned], config: Config) -> dict[Address, Planned]:
    """Leave out adopted values that repeat a secret of the configuration: someone typed it into the console."""
    redact = Redaction(config.secrets)

    def is_fit(content: object) -> bool:
        return not isinstance(content, (str, dict, list, tuple)) or all(
            redact(text) == text for text in texts_of(content)
        )

    return {
        address: replace(
            one,
            record=replace(
                one.record, adopted={path: value for path, value in one.record.adopted.items() if is_fit(value)}
            ),
        )
        for address, one in planned.items()
    }


class LedgerRecorder:
    """Records one apply in its ledger.

    Args:
        ledger: The ledger.
        plan: The plan that is applied.
        document: The same in a form that may be shown.
        config: The configuration.
        inputs: How it was read.
        endpoint: The API, with the environment variables.
        files: What the configuration was loaded from.
    """

    def __init__(
        self,
        ledger: Ledger,
        plan: Plan,
        document: PlanFile,
        config: Config,
        inputs: Inputs,
        *,
        endpoint: Endpoint,
        files: DiskSources,
    ) -> None:
        from reconciler.ledger.records import planned_addresses  # noqa: PLC0415 - see the package
        from reconciler.ledger.writing import LedgerWriter  # noqa: PLC0415 - see the package

        self._ledger = ledger
        self._plan = plan
        self._config = config
        self._planned = _without_secrets(planned_addresses(plan), config)
        self._previous = ledger.records()
        self._writer = LedgerWriter(ledger, _applied(config, inputs, document, files), endpoint.environment)
        self.failure = ""

    @property
    def number(self) -> int:
        """The number of the entry."""
        return self._writer.number

    def recording(self, seconds: float) -> AbstractContextManager[None]:
        """Hold the lock during an apply, if it sends anything. Call `end` before it is over.

        Args:
            seconds: How long the apply may send requests.

        Raises:
            LedgerError: The lock could not be taken; nothing was sent.
        """
        from reconciler.ledger.records import started_records  # noqa: PLC0415 - see the package

        records = started_records(self._plan.remembered, self._planned, self._writer.number)
        return self._writer.recording(records, seconds, is_sending=self._plan.is_sending)

    def end(self, report: Report | None) -> str:
        """Write the outcome, if there is anything to record.

        Args:
            report: How the steps ended; None if there was nothing to do.

        Returns:
            Why it could not be recorded, in a sentence; empty if it was.

        Raises:
            LedgerError: Nothing was sent, and it could not be recorded.
        """
        from reconciler.ledger import records  # noqa: PLC0415 - see the package

        found = records.outcome_records(
            self._plan.remembered,
            self._planned,
            {} if report is None else records.endings(report),
            declared={
                address: () if declared.absent else declared.remembered_paths
                for address, declared in self._config.resources.items()
            },
            number=self._writer.number,
            sid_digest_of=self._digests(report).__getitem__,
        )
        if not self._writer.holds_lock and not self._has_moved(found):
            return ""
        is_whole = records.is_whole(self._plan, self._planned.values(), report)
        return self._writer.finish(found, "applied" if is_whole else "incomplete", records.summary_of(report))

    def _has_moved(self, found: Mapping[Address, Record]) -> bool:
        from reconciler.ledger.records import have_moved  # noqa: PLC0415 - see the package

        head = self._ledger.head
        digest = self._config.digest
        mentioned = self._ledger.mentioned()
        return have_moved(
            self._previous,
            found,
            is_same_configuration=head is not None and head.entry.source.config_digest == digest,
            has_same_declaration=lambda _address, number: mentioned[number].source.config_digest == digest,
        )

    def _digests(self, report: Report | None) -> _Digests:
        sids = {str(address): live.sid for address, live in self._plan.live.items()}
        for result in () if report is None else report.results:
            for outcome in result.outcomes:
                if outcome.op == "create" and outcome.status in {"done", "unchanged"} and outcome.sid:
                    sids[outcome.change] = outcome.sid
        key = self._ledger.key
        # A digest that another key made cannot be compared. It is kept as the only evidence.
        former = {
            str(address): item.record.sid_digest
            for address, item in self._planned.items()
            if item.record.sid_digest and not item.creates and not key.has_made(item.record.sid_digest)
        }
        return _Digests({address: key.sid_digest(sid) for address, sid in sids.items()} | former)


class _Digests(dict[str, str]):
    """The digests of SIDs, by address as text; empty for an address without one."""

    def __getitem__(self, address: object) -> str:
        return self.get(str(address), "")


def _applied(config: Config, inputs: Inputs, document: PlanFile, files: DiskSources) -> Applied:
    from reconciler.ledger.writing import Applied  # noqa: PLC0415 - see the package

    text = to_text(document, exclude={"created_at", "seal"})
    declared: list[Address] = [one.address for one in config.resources.values() if not one.absent]
    return Applied(
        config_digest=config.digest,
        plan_digest=f"sha256:{hashlib.sha256(text.encode()).hexdigest()}",
        overlays=tuple(files.relative(overlay) for overlay in inputs.overlays),
        variables=inputs.variables,
        hidden_variables=hidden_variables(config, inputs),
        external=config.external,
        declared=declared,
    )


def hidden_variables(config: Config, inputs: Inputs) -> frozenset[str]:
    """Return the names of the values of ``--var`` that reach a text that may not be shown."""
    hidden = list(config.secrets)
    for declared in config.resources.values():
        for path, value in declared.values.items():
            is_whole = path in declared.sensitive or declared.kind.by_path[path].secret
            for text in texts_of(value.content):
                parts = () if is_whole else url_parts(text)
                if parts:
                    hidden += [part.text for part in parts if part.secret]
                elif is_whole or value.sensitive:
                    hidden.append(text)
    return frozenset(
        name for name, text in inputs.variables.items() if may_be_secret(name) or any(text in other for other in hidden)
    )
