"""Finds the ledger of a configuration, and checks the conditions for its use.

Takes a loaded configuration and its sources; returns a `Ledger`, or raises the error with its fix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace
from datetime import datetime
from pathlib import Path

from reconciler.address import Address
from reconciler.config.model import Config, LedgerSetting
from reconciler.documents.ledger import LedgerEntry, LedgerKey, LedgerRun
from reconciler.errors import LedgerError, Problem
from reconciler.lazy_dataclass import dataclass
from reconciler.ledger import lock, preconditions
from reconciler.ledger.entries import LedgerRef, Stored
from reconciler.ledger.options import LedgerOptions
from reconciler.ledger.preconditions import LedgerScope
from reconciler.ledger.ref_names import ref_of
from reconciler.ledger.remote_ref import Tips, find_tips, peek
from reconciler.ledger.repository import Repository
from reconciler.ledger.run_identity import describe_run, utc_now
from reconciler.planning.baseline import Record
from reconciler.sources.disk import DiskSources
from reconciler.sources.recording import RecordingSources


@dataclass(slots=True)
class Ledger:
    """The ledger of a configuration. Close it when done.

    Attributes:
        ref: Its ref.
        setting: Its location.
        scope: Its scope.
        key: Makes the digests.
        tips: The newest commits.
        previous: The newest entry; None if there is none.
        head: The same, unless `--start-ledger` continues the ref without what it remembers.
        begins: Whether the ledger begins with this run.
        is_first: Whether everything declared counts as created, because the ledger begins with this run.
        first_attempts: The entries of the killed applies with which the ledger began, if no other apply followed.
        source: The commit of the configuration; empty if there is none.
        run: This run.
        options: The command-line options.
        now: Returns the present time.
    """

    ref: LedgerRef
    setting: LedgerSetting
    scope: LedgerScope
    key: LedgerKey
    tips: Tips
    previous: Stored | None
    head: Stored | None
    begins: bool
    is_first: bool
    source: str
    run: LedgerRun
    options: LedgerOptions
    now: Callable[[], datetime] = utc_now
    first_attempts: tuple[LedgerEntry, ...] = ()
    _entries: dict[int, Stored] = field(default_factory=dict)

    def records(self) -> dict[Address, Record]:
        """Return the records of the newest entry."""
        return {} if self.head is None else self.head.entry.records()

    def mentioned(self) -> dict[int, LedgerEntry]:
        """Return the entries that records mention, by number.

        Raises:
            LedgerError: This clone lacks one, or the files that it applied.
        """
        if self.head is None:
            return {}
        records = self.records().values()
        numbers = {number for record in records for number in (record.baseline or 0, *record.attempted) if number}
        missing = numbers - self._entries.keys()
        if missing:
            found = self.ref.find(self.tips.newest, missing)
            if missing - found.keys():
                raise LedgerError(
                    f"entry {self.head.entry.number} mentions entry {min(missing - found.keys())}, which the ledger of "
                    f"{self.ref.label} does not have: it was modified. Restore {self.ref.name}, or start again with "
                    "--start-ledger"
                )
            for stored in found.values():
                if not self.ref.repository.has_files_of(stored.entry.source.commit):
                    raise self.ref.lacks()
            self._entries |= found
        return {number: self._entries[number].entry for number in sorted(numbers)}

    def close(self) -> None:
        """End the git process."""
        self.ref.repository.close()


def open_ledger(
    config: Config,
    files: DiskSources,
    *,
    environment: Mapping[str, str],
    scope: LedgerScope,
    key: LedgerKey,
    options: LedgerOptions,
    writes: bool,
    is_trial: bool = False,
    applies_source: bool = True,
    now: Callable[[], datetime] = utc_now,
) -> tuple[Ledger | None, tuple[Problem, ...]]:
    """Find the ledger of a configuration, and the warnings about it.

    There is none if it belongs to another host and this run is only a trial.

    Args:
        config: The configuration; it has a ledger.
        files: Its sources; those of an apply remember what was read.
        environment: Environment variables.
        scope: The account, host, and environment.
        key: Makes the digests.
        options: The command-line options.
        writes: Whether this is an apply.
        is_trial: Whether an emulated account may stand in for the one that the ledger is for.
        applies_source: Whether the commit of the configuration is what is applied, and not undone.
        now: Returns the present time.

    Raises:
        LedgerError: It cannot be used.
        GuardRefusal: An older commit would be applied.
    """
    setting = config.ledger
    assert setting is not None
    repository = Repository(Path(files.root), environment)
    try:
        ref = LedgerRef(
            repository,
            ref_of(setting.prefix, scope.environment),
            label=scope.label,
            key=key,
            remote=setting.remote,
        )
        if is_trial and (local := ref.tip()) and (entry := ref.read(local).entry).host != scope.host:
            repository.close()
            return None, (preconditions.not_used(entry, scope),)
        run = describe_run(environment)
        tips = find_tips(ref, setting.remote, prefix=setting.prefix, run=run if writes else None, now=now())
        ledger = _checked(ref, setting, scope, key, tips, repository.head(), run, options, now)
        notes = [*_notes(ledger, writes=writes), *_older_commit(ledger, config, is_shown=applies_source and not writes)]
        if writes:
            assert isinstance(files, RecordingSources)
            notes += _catch_up(ledger)
            if applies_source:
                notes += _check_apply(ledger, config, files)
    except BaseException:
        repository.close()
        raise
    return ledger, tuple(notes)


def check_unlocked(
    setting: LedgerSetting,
    files: DiskSources,
    scope: LedgerScope,
    *,
    environment: Mapping[str, str],
    options: LedgerOptions,
) -> None:
    """Check that no other run holds the lock of a ledger that is not used otherwise.

    It may be unusable: no git, a remote that cannot be reached, an entry that was modified. Only this clone is asked.

    Args:
        setting: Its location.
        files: The sources of the configuration.
        scope: The account, host, and environment.
        environment: Environment variables.
        options: The command-line options.

    Raises:
        LedgerError: Another run holds the lock.
    """
    try:
        repository = Repository(Path(files.root), environment)
    except LedgerError:
        return
    ref = LedgerRef(repository, ref_of(setting.prefix, scope.environment), label=scope.label)
    try:
        tip = ref.tip()
        entry = ref.read(tip).entry if tip else None
    except LedgerError:
        entry = None
    finally:
        repository.close()
    if entry is None or options.takes_over or (entry.account_sid, entry.host) != (scope.account_sid, scope.host):
        return
    now = utc_now()
    if lock.is_held(entry, describe_run(environment), now):
        raise lock.held(entry, ref.label, now)


def _checked(  # noqa: PLR0917 - the parts of a ledger
    ref: LedgerRef,
    setting: LedgerSetting,
    scope: LedgerScope,
    key: LedgerKey,
    tips: Tips,
    source: str,
    run: LedgerRun,
    options: LedgerOptions,
    now: Callable[[], datetime],
) -> Ledger:
    """Read the newest entry, and decide whether it is used.

    Raises:
        LedgerError: It cannot be used, or there is none.
    """
    if not tips.newest:
        if not options.starts:
            raise preconditions.no_ledger(ref, scope, prefix=setting.prefix, remote=setting.remote)
        return Ledger(ref, setting, scope, key, tips, None, None, True, True, source, run, options, now=now)
    previous = ref.read(tips.newest)
    entry = previous.entry
    try:
        preconditions.check_scope(entry, scope, ref.name)
        preconditions.check_root(entry, ref.repository, source, ref.name)
    except LedgerError:
        if not options.starts:
            raise
        return Ledger(ref, setting, scope, key, tips, previous, None, True, True, source, run, options, now=now)
    if options.starts and not (entry.begins and entry.status != "applied"):
        raise LedgerError(
            f"{ref.label} has a ledger already; its newest entry is {entry.number}. Remove --start-ledger to use it"
        )
    begins = entry.begins and entry.status == "started"
    attempts = tuple(_first_attempts(ref, tips, entry))
    return Ledger(
        ref, setting, scope, key, tips, previous, previous, begins, False, source, run, options,
        now=now, first_attempts=attempts,
    )  # fmt: skip


def _first_attempts(ref: LedgerRef, tips: Tips, newest: LedgerEntry) -> Iterator[LedgerEntry]:
    entry: LedgerEntry | None = newest
    while entry is not None and entry.begins and entry.status == "started":
        yield entry
        found = ref.find(tips.newest, {entry.number - 1}) if entry.number > 1 else {}
        entry = found[entry.number - 1].entry if found else None


def _notes(ledger: Ledger, *, writes: bool) -> Iterable[Problem]:
    """Return the warnings; raise if another run holds the lock of an apply."""
    now, label, remote = ledger.now(), ledger.ref.label, ledger.setting.remote
    newest = None if ledger.previous is None else ledger.previous.entry
    if ledger.tips.lacks_newer:
        newest = peek(ledger.ref, remote) or newest
    if newest is not None and lock.is_held(newest, ledger.run, now) and not ledger.options.takes_over:
        if writes:
            raise lock.held(newest, label, now)
        yield Problem(
            "apply-in-progress",
            lock.in_progress(newest, label, now).replace("\n ", ":"),
            None,
            "what it has not done yet is still shown",
            "warning",
        )
    if ledger.ref.has_other_key:
        yield Problem(
            "other-ledger-key",
            f"the ledger of {label} was written with another key, so its signature, which values of secrets and "
            "environment variables it was applied with, and which resources it created cannot be checked",
            None,
            "set the same RECONCILER_PLAN_KEY for everyone who plans and applies",
            "warning",
        )
    if _is_ahead(ledger) and not ledger.tips.lacks_newer and not (writes and ledger.options.records):
        yield _ahead(ledger)
    if ledger.tips.lacks_newer:
        prefix = ledger.setting.prefix
        yield Problem(
            "ledger-behind",
            f"{remote} has a newer entry of the ledger of {label} than this clone",
            None,
            f"fetch it, and update this clone: git fetch {remote} '+{prefix}/*:{prefix}/*' && git pull",
            "warning",
        )


def _older_commit(ledger: Ledger, config: Config, *, is_shown: bool) -> tuple[Problem, ...]:
    """Warn of an older commit if the command shows what an apply would do; an apply refuses it."""
    if ledger.head is None or not is_shown:
        return ()
    return preconditions.warn_if_older(ledger.head.entry, ledger.ref.repository, ledger.source, config)


def _catch_up(ledger: Ledger) -> tuple[Problem, ...]:
    """Move the ref that lacks the newest entry: the local one after a kill, the remote's after a failed push (G13)."""
    tips, ref, remote = ledger.tips, ledger.ref, ledger.setting.remote
    if _is_ahead(ledger) and ledger.options.records:
        told = ref.repository.push(remote, (ref.name, tips.local, tips.remote))
        if not told:
            ledger.tips = replace(tips, remote=tips.local)
        return () if told in {"", "moved"} else (_ahead(ledger, f": {told}"),)
    if tips.newest != tips.local and not ref.repository.move_ref(ref.name, tips.newest, tips.local):
        ledger.tips = replace(tips, local=tips.newest)
    return ()


def _is_ahead(ledger: Ledger) -> bool:
    """Whether the remote lacks the newest entry of this clone."""
    tips = ledger.tips
    return bool(ledger.setting.remote) and bool(tips.local) and tips.remote != tips.local == tips.newest


def _ahead(ledger: Ledger, why: str = "") -> Problem:
    return Problem(
        "ledger-ahead",
        f"{ledger.setting.remote} lacks the newest entry of the ledger of {ledger.ref.label}, so applies of other "
        f"clones may be blocked{why}",
        None,
        "push it: reconciler ledger push",
        "warning",
    )


def _check_apply(ledger: Ledger, config: Config, files: RecordingSources) -> tuple[Problem, ...]:
    """Check the conditions for an apply.

    Raises:
        LedgerError: The source commit does not contain the configuration, or was not pushed.
        GuardRefusal: It is older than the newest entry's.
    """
    repository = ledger.ref.repository
    if ledger.options.records:
        preconditions.check_committed(repository, ledger.source, files, config)
        if ledger.setting.remote:
            preconditions.check_pushed(repository, ledger.source, ledger.tips, ledger.setting.remote)
    if ledger.head is None:
        return ()
    return preconditions.check_not_older(
        ledger.head.entry, repository, ledger.source, config, allows_rollback=ledger.options.rolls_back
    )
