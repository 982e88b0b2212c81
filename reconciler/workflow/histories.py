"""Lists, pushes, and renames the ledgers of a configuration, without its account.

Takes `Inputs`; returns documents. Only the keys `ledger` and `environments` of the configuration count, so it may
have errors elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.config.sources import SourceError
from reconciler.errors import UsageError
from reconciler.sources.disk import DiskSources
from reconciler.workflow.connecting import ledger_key

if TYPE_CHECKING:
    from reconciler.config.outline import Outline
    from reconciler.documents.ledger import HistoryFile, LedgerEntry
    from reconciler.ledger.managing import Place
    from reconciler.workflow.inputs import Endpoint, Inputs

DEFAULT = "default"


def history(inputs: Inputs, environment: Mapping[str, str]) -> HistoryFile:
    """List the entries of a ledger that this clone has, newest first.

    Raises:
        LedgerError: It has none.
        UsageError: The configuration has no ledger.
    """
    from reconciler.documents.ledger import history_document  # noqa: PLC0415 - see the package

    with _place(inputs, environment) as place:
        ref, found = place.history(inputs.environment)
        return history_document(inputs.environment, ref, ((one.commit, one.entry) for one in found))


def history_entry(inputs: Inputs, environment: Mapping[str, str], number: int) -> LedgerEntry:
    """Return one entry of a ledger.

    Raises:
        LedgerError: This clone does not have it.
        UsageError: The configuration has no ledger.
    """
    with _place(inputs, environment) as place:
        return place.entry(inputs.environment, number).entry


def push_ledger(inputs: Inputs, environment: Mapping[str, str]) -> LedgerEntry | None:
    """Push the newest entry, which the remote lacks; return it, or None if the remote has it.

    Raises:
        LedgerError: It cannot be pushed.
        UsageError: The configuration has no ledger.
    """
    with _place(inputs, environment) as place:
        pushed = place.push(inputs.environment)
        return None if pushed is None else pushed.entry


def rename_ledger(inputs: Inputs, endpoint: Endpoint, old: str, new: str) -> LedgerEntry:
    """Move the ledger of an environment to its new name; return the entry that says so.

    Args:
        inputs: The configuration.
        endpoint: The credentials, which sign the entry unless `RECONCILER_PLAN_KEY` is set.
        old: The former name; ``default`` for no environment.
        new: The new name; ``default`` for no environment.

    Raises:
        LedgerError: It cannot be renamed.
        UsageError: The configuration has no ledger, or no environment of the new name.
    """
    from reconciler.documents.ledger import LedgerKey  # noqa: PLC0415 - see the package

    former, present = ("" if name == DEFAULT else name for name in (old, new))
    with _place(inputs, endpoint.environment) as place:
        known = _outline(inputs, endpoint.environment).environments
        if present and present not in known:
            raise UsageError(
                f"the configuration has no environment {present}; it has {', '.join(known) or 'none'}. Rename it "
                "there first"
            )
        entry = place.newest(former)
        key = LedgerKey(ledger_key(endpoint, entry.account_sid))
        return place.rename(former, present, key, dict(endpoint.environment)).entry


def _outline(inputs: Inputs, environment: Mapping[str, str]) -> Outline:
    from reconciler.config.outline import outline  # noqa: PLC0415 - see the package

    return outline(DiskSources(inputs.path, environment))


@contextmanager
def _place(inputs: Inputs, environment: Mapping[str, str]) -> Iterator[Place]:
    from reconciler.ledger.managing import Place  # noqa: PLC0415 - see the package
    from reconciler.ledger.repository import Repository  # noqa: PLC0415 - see the package

    sources = DiskSources(inputs.path, environment)
    setting = _outline(inputs, environment).ledger
    if setting is None:
        try:
            sources.read(Path(sources.root).name)
        except SourceError as error:
            hint = f". {error.hint[0].upper()}{error.hint[1:]}" if error.hint else ""
            raise UsageError(f"{error.message}{hint}") from None
        raise UsageError(f"{sources.root} has no ledger. Add `ledger: git` to it")
    repository = Repository(Path(sources.root), environment)
    try:
        yield Place(repository, setting)
    finally:
        repository.close()
