"""What was applied last, for a plan: from the ledger, or from what ``--baseline`` names.

Takes a ledger, or the value of the option; gives a `Baseline` with the declarations of every entry that it mentions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler import config as config_package
from reconciler.errors import ConfigError, UsageError
from reconciler.sources.disk import DiskSources
from reconciler.workflow.inputs import NO_BASELINE
from reconciler.workflow.other_ledgers import OtherLedgers, deleted_in

if TYPE_CHECKING:
    from reconciler.address import Address
    from reconciler.config.model import Config, Declared
    from reconciler.documents.ledger import LedgerEntry
    from reconciler.ledger.opening import Ledger
    from reconciler.planning.baseline import Baseline
    from reconciler.workflow.inputs import Inputs


def baseline_for(
    ledger: Ledger | None, config: Config, inputs: Inputs, environment: Mapping[str, str]
) -> Baseline | None:
    """Return what a plan compares with; None without a baseline.

    Args:
        ledger: The ledger; None without one.
        config: The configuration.
        inputs: How it was read, and the value of ``--baseline``.
        environment: Environment variables.

    Raises:
        ConfigError: What ``--baseline`` names is not a valid configuration.
        LedgerError: This clone lacks an entry, or the files that it applied.
        UsageError: What ``--baseline`` names does not exist.
    """
    from reconciler.planning.baseline import Baseline, Record  # noqa: PLC0415 - see the package

    found = None if ledger is None else ledger_baseline(ledger, inputs, environment)
    if not inputs.baseline:
        return found
    if inputs.baseline == NO_BASELINE:
        return None if found is None else replace(found, is_compared=False)
    override = named_configuration(inputs, config).resources
    if found is not None:
        return replace(found, override=override)
    return Baseline(records={address: Record(None) for address in override}, override=override)


# --- from the ledger -------------------------------------------------------------------------------------------------


def ledger_baseline(ledger: Ledger, inputs: Inputs, environment: Mapping[str, str]) -> Baseline:
    """Return what a plan has to know of a ledger.

    Args:
        ledger: The ledger.
        inputs: How the configuration was read.
        environment: Environment variables.

    Raises:
        LedgerError: This clone lacks an entry, or the files that it applied.
    """
    from reconciler.planning.baseline import Baseline, EntryInfo  # noqa: PLC0415 - see the package
    from reconciler.workflow.removing_commits import removing_commits  # noqa: PLC0415 - only with a ledger

    entries = ledger.mentioned()
    declarations = {}
    for number, entry in entries.items():
        declared = load_declarations(ledger, entry, inputs, environment)
        if declared is not None:
            declarations[number] = declared
    if ledger.head is not None:
        entries[ledger.head.entry.number] = ledger.head.entry
    others = other_ledgers(ledger, inputs, environment)
    infos = {
        number: EntryInfo(number, entry.ended_at or entry.started_at, entry.source.commit, entry.environment)
        for number, entry in entries.items()
    }
    return Baseline(
        records=ledger.records(),
        declarations=declarations,
        entries=infos,
        head=None if ledger.head is None else infos[ledger.head.entry.number],
        is_first=ledger.is_first,
        first_attempts=tuple(
            load_declarations(ledger, entry, inputs, environment) or {} for entry in ledger.first_attempts
        ),
        removed_in=removing_commits(ledger, min(infos.items())[1].commit if infos else ""),
        digest_of=ledger.key.sid_digest,
        is_own_digest=ledger.key.has_made,
        deleted_in=deleted_in(ledger),
        declared_elsewhere=others.owner_of,
        has_fingerprints=all(entry.key_id == ledger.key.id for entry in entries.values()),
    )


def other_ledgers(ledger: Ledger, inputs: Inputs, environment: Mapping[str, str]) -> OtherLedgers:
    """Return the other ledgers of this clone that have the same account; see `ledger_baseline`."""
    return OtherLedgers(ledger, lambda entry: load_declarations(ledger, entry, inputs, environment))


def load_declarations(
    ledger: Ledger, entry: LedgerEntry, inputs: Inputs, environment: Mapping[str, str]
) -> Mapping[Address, Declared] | None:
    """Load what an entry applied, with its environment, overlays, and variables; None if this release cannot load it.

    A value from outside is unknown unless it is the same today.

    Args:
        ledger: The ledger.
        entry: The entry.
        inputs: How the present configuration was read: the values of variables that may not be stored.
        environment: The environment variables of today.

    Raises:
        LedgerError: This clone lacks files of the commit.
    """
    from reconciler.sources.past import PastSources  # noqa: PLC0415 - see the package

    repository, source = ledger.ref.repository, entry.source
    variables = _variables(ledger, entry, inputs)
    try:
        past = PastSources(
            repository.files_at(source.commit, source.root),
            DiskSources(str(Path(inputs.path)), environment),
            names=tuple(entry.fingerprints),
            matches=lambda name, text: ledger.key.fingerprint(name, text) == entry.fingerprints.get(name),
            environment=environment,
        )
        config = config_package.load(
            past,
            environment=entry.environment,
            variables=variables,
            overlays=source.overlays,
            allow_unset=True,
            unknown=past.unknown | {f"var:{name}" for name in source.variables if name not in variables},
        )
    except UsageError:
        raise ledger.ref.lacks() from None
    except ConfigError:
        if repository.lacks_content_of(source.commit):
            raise ledger.ref.lacks() from None
        return None
    return config.resources


def _variables(ledger: Ledger, entry: LedgerEntry, inputs: Inputs) -> dict[str, str]:
    """Return the values of ``--var`` that an entry stores, and those that are the same today."""
    variables = {}
    for name, stored in entry.source.variables.items():
        present = inputs.variables.get(name)
        if stored.value is not None:
            variables[name] = stored.value
        elif present is not None and ledger.key.fingerprint(f"var:{name}", present) == stored.fingerprint:
            variables[name] = present
    return variables


# --- named by --baseline ---------------------------------------------------------------------------------------------


def named_configuration(inputs: Inputs, config: Config) -> Config:
    """Load the configuration that ``--baseline`` names: ``git:REF``, ``git:REF:PATH``, or a path.

    Values from environment variables, secrets, and files that differ are unknown.

    Args:
        inputs: How the present configuration was read.
        config: The present configuration.

    Raises:
        ConfigError: It is not valid.
        UsageError: It does not exist.
    """
    from reconciler.sources.git import GitSources  # noqa: PLC0415 - see the package

    def load(sources: DiskSources | GitSources) -> Config:
        return config_package.load(
            sources,
            environment=config.environment,
            variables=inputs.variables,
            overlays=[sources.relative(overlay) for overlay in inputs.overlays],
            by_name=True,
        )

    if not inputs.baseline.startswith("git:"):
        return load(DiskSources(inputs.baseline, {}))
    ref, _, path = inputs.baseline.removeprefix("git:").partition(":")
    if not ref:
        raise UsageError(f"--baseline {inputs.baseline} has no commit. Use git:BRANCH, git:TAG, or git:COMMIT")
    with GitSources(ref, path or inputs.path, from_top=bool(path)) as sources:
        return load(sources)
