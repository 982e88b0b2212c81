"""The two entries of an apply: its start, which takes the lock, and its outcome, which releases it.

Takes a `Ledger` and records; returns an error message or nothing. An entry is added to the ref only if the ref still
has the commit that was read: first the remote's ref, then the local one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import field, replace
from datetime import datetime, timedelta

from reconciler import __version__
from reconciler.address import Address
from reconciler.documents.ledger import (
    EntryStatus,
    LedgerEntry,
    LedgerSource,
    LedgerSummary,
    LedgerVariable,
    Operation,
    stored_resource,
)
from reconciler.errors import LedgerError, ReconcilerError
from reconciler.lazy_dataclass import dataclass
from reconciler.ledger import lock
from reconciler.ledger.entries import subject_of
from reconciler.ledger.opening import Ledger
from reconciler.ledger.remote_ref import newer_entry
from reconciler.ledger.run_identity import actor_of, as_text
from reconciler.planning.baseline import Record


@dataclass(frozen=True, slots=True)
class Applied:
    """The configuration of an entry.

    Attributes:
        config_digest: The digest of its meaning.
        plan_digest: The digest of the plan; empty without one.
        overlays: `--overlay`, relative to the root file's folder.
        variables: Values of `--var`, by name.
        hidden_variables: The names of those whose values may not be stored.
        external: The text of every environment variable, secret, and file that it uses.
        declared: The declared addresses, without `absent` ones.
    """

    config_digest: str
    plan_digest: str = ""
    overlays: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    hidden_variables: frozenset[str] = frozenset()
    external: Mapping[str, str] = field(default_factory=dict, repr=False)
    declared: Iterable[Address] = ()


class LedgerWriter:
    """Writes the entries of one apply.

    Args:
        ledger: The ledger.
        applied: The configuration.
        environment: Environment variables, which name the actor.
        operation: The command.
        same_as: An entry whose configuration remains the applied one; None for the present configuration.
    """

    def __init__(
        self,
        ledger: Ledger,
        applied: Applied,
        environment: Mapping[str, str],
        operation: Operation = "apply",
        same_as: LedgerEntry | None = None,
    ) -> None:
        self._ledger = ledger
        self._operation: Operation = operation
        self._remote = ledger.tips.remote
        self._local = ledger.tips.local
        self._parent = "" if ledger.previous is None else ledger.previous.commit
        self._started: LedgerEntry | None = None
        self._is_finished = False
        repository = ledger.ref.repository
        fingerprint = ledger.key.fingerprint
        self._actor = actor_of(environment, repository.user_name)
        self._declared = tuple(str(address) for address in applied.declared)
        self._fingerprints = {name: fingerprint(name, text) for name, text in applied.external.items()}
        self._source = LedgerSource(
            commit=ledger.source,
            root=repository.root,
            overlays=applied.overlays,
            variables={
                name: LedgerVariable(fingerprint=fingerprint(f"var:{name}", text))
                if name in applied.hidden_variables
                else LedgerVariable(value=text)
                for name, text in sorted(applied.variables.items())
            },
            config_digest=applied.config_digest,
            plan_digest=applied.plan_digest,
            tool_version=__version__,
        )
        if same_as is not None:
            self._declared, self._fingerprints = same_as.declared, same_as.fingerprints
            self._source = replace(same_as.source, tool_version=__version__)

    @property
    def number(self) -> int:
        """The number of the entry."""
        return 1 if self._ledger.previous is None else self._ledger.previous.entry.number + 1

    @property
    def holds_lock(self) -> bool:
        """Whether the start was written, and the outcome was not."""
        return self._started is not None and not self._is_finished

    @contextmanager
    def recording(self, records: Mapping[Address, Record], seconds: float, *, is_sending: bool) -> Iterator[None]:
        """Hold the lock while requests are sent. Call `finish` before it is over.

        If an error ends the run, the lock is released, and the error is what is reported.

        Args:
            records: The records, with everything that may be written marked as attempted.
            seconds: The time in which requests may be sent.
            is_sending: Whether any will be sent. Otherwise, no lock is needed.

        Raises:
            LedgerError: The lock could not be taken; nothing was sent.
        """
        if is_sending:
            self.start(records, seconds)
        try:
            yield
        except BaseException:
            if self.holds_lock:
                with suppress(ReconcilerError):
                    self.finish(records, "incomplete", LedgerSummary())
            raise

    def start(self, records: Mapping[Address, Record], seconds: float) -> None:
        """Write the start, which takes the lock.

        Args:
            records: The records, with everything that may be written marked as attempted.
            seconds: The time in which the apply may send requests.

        Raises:
            LedgerError: The lock could not be taken; nothing was sent.
        """
        now = self._ledger.now()
        entry = self._entry("started", records, now, as_text(now + timedelta(seconds=seconds)))
        try:
            commit = self._store(entry, now)
        except LedgerError as error:
            raise self._not_taken(str(error)) from None
        if self._ledger.setting.remote:
            told = self._push(commit)
            if told:
                raise self._not_taken(told)
        told = self._ledger.ref.repository.move_ref(self._ledger.ref.name, commit, self._local)
        if told:
            refusal = self._not_taken(told, is_local=True)
            self._give_back(entry, commit)
            raise refusal
        self._started, self._parent, self._remote, self._local = entry, commit, commit, commit

    def finish(self, records: Mapping[Address, Record], status: EntryStatus, summary: LedgerSummary) -> str:
        """Write the outcome, which releases the lock.

        Args:
            records: The records.
            status: Whether everything was done.
            summary: The number of changes by outcome.

        Returns:
            An error message in one sentence; empty on success.

        Raises:
            LedgerError: There was no start, and the entry could not be written.
        """
        self._is_finished = True
        now, started = self._ledger.now(), self._started
        entry = self._entry(
            status, records, now, as_text(now) if started is None else started.deadline, summary=summary
        )
        try:
            commit = self._store(entry, now)
        except LedgerError as error:
            return self._unrecorded(str(error))
        told = self._push(commit) if self._ledger.setting.remote else ""
        if told == "moved" or (told and started is None):
            return self._lost(told)
        local = self._ledger.ref.repository.move_ref(self._ledger.ref.name, commit, self._local)
        if local == "moved":
            return self._lost(local, is_local=True)
        if local and self._ledger.setting.remote and not told:
            return f"{local}. The outcome of this apply is on {self._ledger.setting.remote}, and the next apply uses it"
        if local:
            return self._unrecorded(local)
        if told:
            return (
                f"{told}. The outcome of this apply is in the ledger of this clone only; until it is pushed, other "
                "applies are blocked. Push it with `reconciler ledger push`"
            )
        return ""

    def _entry(
        self,
        status: EntryStatus,
        records: Mapping[Address, Record],
        now: datetime,
        deadline: str,
        *,
        summary: LedgerSummary | None = None,
    ) -> LedgerEntry:
        ledger, started = self._ledger, self._started
        return ledger.key.sign(
            LedgerEntry(
                number=self.number,
                operation=self._operation,
                status=status,
                begins=ledger.begins,
                account_sid=ledger.scope.account_sid,
                host=ledger.scope.host,
                environment=ledger.scope.environment,
                source=self._source,
                actor=self._actor,
                run=ledger.run,
                started_at=as_text(now) if started is None else started.started_at,
                ended_at="" if status == "started" else as_text(now),
                deadline=deadline,
                previous=self._parent,
                fingerprints=self._fingerprints,
                declared=self._declared,
                resources={str(address): stored_resource(records[address]) for address in sorted(records)},
                summary=summary or LedgerSummary(),
                key_id="",
            )
        )

    def _store(self, entry: LedgerEntry, now: datetime) -> str:
        parents = (*([entry.previous] if entry.previous else []), entry.source.commit)
        return self._ledger.ref.repository.write_entry(
            entry.to_json(), parents, subject_of(entry), self._actor, as_text(now)
        )

    def _push(self, commit: str) -> str:
        ledger = self._ledger
        return ledger.ref.repository.push(ledger.setting.remote, (ledger.ref.name, commit, self._remote))

    def _give_back(self, started: LedgerEntry, commit: str) -> None:
        """Release the lock on the remote, since the local ref could not be moved."""
        if not self._ledger.setting.remote:
            return
        self._started, self._parent, self._remote = started, commit, commit
        now = self._ledger.now()
        entry = self._entry("incomplete", self._ledger.records(), now, started.deadline)
        self._push(self._store(entry, now))

    def _not_taken(self, told: str, *, is_local: bool = False) -> LedgerError:
        """Return the error for a lock that could not be taken."""
        ledger = self._ledger
        setting, now = ledger.setting, ledger.now()
        if told != "moved":
            return LedgerError(f"{told}. Nothing was sent")
        if not is_local:
            return newer_entry(ledger.ref, setting.remote, prefix=setting.prefix, run=ledger.run, now=now)
        try:
            entry = ledger.ref.read(ledger.ref.tip()).entry
        except LedgerError:
            return LedgerError(
                f"the ref {ledger.ref.name} cannot be moved, or was moved by another program. Nothing was sent"
            )
        if lock.is_held(entry, ledger.run, now):
            return lock.held(entry, ledger.ref.label, now)
        return LedgerError(
            f"the ledger of {ledger.ref.label} moved since the plan: entry {entry.number} was written at "
            f"{entry.started_at} by {entry.actor}. Nothing was sent. Run the command again"
        )

    def _unrecorded(self, why: str) -> str:
        """Return the message for an outcome that could not be stored."""
        if self._started is None:
            raise self._not_taken(why)
        return (
            f"{why}. The changes of this apply were made, but its outcome was not recorded: it counts as incomplete. "
            "Correct the cause, and run the command again"
        )

    def _lost(self, told: str, *, is_local: bool = False) -> str:
        error = str(self._not_taken(told, is_local=is_local)).replace(" Nothing was sent.", "")
        if self._started is None:
            raise LedgerError(error)
        return (
            f"this apply lost the lock of the ledger of {self._ledger.ref.label}, so its outcome was not recorded: it "
            f"counts as incomplete. {error}"
        )
