"""Exports: reads the whole account and writes it as a configuration, in memory (read-only).

Takes an `Endpoint`; returns an `Export`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.config.sources import display_path
from reconciler.errors import ConfigError, UsageError
from reconciler.sources.disk import DiskSources
from reconciler.sources.edited import EditedSources
from reconciler.workflow.connecting import connect
from reconciler.workflow.inputs import parse_addresses
from reconciler.workflow.loading import validate

if TYPE_CHECKING:
    from reconciler.config.model import Config
    from reconciler.export import Export
    from reconciler.report import Progress
    from reconciler.state import State
    from reconciler.workflow.inputs import Endpoint, Inputs


async def export(
    endpoint: Endpoint,
    progress: Progress,
    *,
    include: Sequence[str] = (),
    targets: Sequence[str] = (),
    former: Inputs | None = None,
    in_one_file: bool = True,
) -> Export:
    """Write the live account as a configuration, in memory (read-only: the client has no write methods).

    Args:
        endpoint: The API.
        progress: Receives the progress.
        include: The collections to include that may be very long: ``users``, ``conversations``.
        targets: Addresses to narrow to, as text; empty for everything. They include the collections that they name.
        former: An existing configuration, whose handles and interpolated values are kept. Of the long collections,
            those that it contains are included too. None for none.
        in_one_file: Whether to write everything into one file.

    Raises:
        UsageError: The existing configuration is for another account or invalid, it would lose values that an export
            cannot restore, a target is invalid or matches nothing, or the emulator's file does not exist.
        ReconcilerError: See `reconciler.errors`.
    """
    from reconciler.api.client import ReadClient  # noqa: PLC0415 - see the package
    from reconciler.export import export as write  # noqa: PLC0415 - see the package
    from reconciler.export.account import read_account  # noqa: PLC0415 - see the package
    from reconciler.export.existing import collect_existing  # noqa: PLC0415 - see the package
    from reconciler.export.targets import long_words  # noqa: PLC0415 - see the package
    from reconciler.kinds.relations import long_collections  # noqa: PLC0415 - see the package

    only = parse_addresses("--target", targets)
    existing = _load_existing(former, endpoint.environment) if former is not None else None
    kinds = {declared.kind for declared in existing.resources.values()} if existing is not None else set()
    wanted = {
        *include,
        *long_words(only),
        *(word for word, names in long_collections().items() if not kinds.isdisjoint(names)),
    }
    async with connect(endpoint, ReadClient, progress) as client:
        state = await read_account(client, progress, sorted(wanted), only)
    progress.working("Writing the configuration")
    if existing is None or former is None:
        return write(state, in_one_file=in_one_file, only=only)
    _check_existing(existing, state, endpoint)
    sources = DiskSources(former.path, endpoint.environment)
    return write(
        state, existing=collect_existing(existing, state, sources.environment, sources.read), in_one_file=in_one_file
    )


def _check_existing(existing: Config, state: State, endpoint: Endpoint) -> None:
    """Check that an export may overwrite an existing configuration.

    Raises:
        UsageError: It is for another account, or would lose declared resources that the API key may not read.
    """
    from reconciler.kinds import BY_NAME  # noqa: PLC0415 - see the package

    if existing.account_sid not in {None, state.account_sid}:
        holder = f"{endpoint.emulator} contains" if endpoint.emulator else "the credentials are for"
        raise UsageError(
            f"the existing configuration is for account {existing.account_sid}, but {holder} account "
            f"{state.account_sid}; use another folder"
        )
    if state.unreadable:
        nouns = sorted({BY_NAME[collection.kind].noun for collection in state.unreadable})
        raise UsageError(
            f"the API key may not read everything ({', '.join(nouns)}), so an export over the existing configuration "
            "would lose what it declares; give the key permission, or use another folder"
        )


def is_written_by_hand(inputs: Inputs, environment: Mapping[str, str]) -> bool:
    """Return whether people wrote a configuration: it has environments, or a file that no export wrote.

    Args:
        inputs: The configuration.
        environment: Environment variables.

    Raises:
        UsageError: It is invalid.
    """
    from reconciler.export import MARK  # noqa: PLC0415 - see the package

    sources = EditedSources(DiskSources(inputs.path, environment))
    config = _load_existing(inputs, environment, sources)
    folder = posixpath.dirname(sources.root)
    files = [
        data for path, data in sources.contents.items() if display_path(posixpath.join(folder, path)) in config.lines
    ]
    return bool(config.environments) or not all(data.startswith(MARK.encode()) for data in files)


def _load_existing(inputs: Inputs, environment: Mapping[str, str], sources: EditedSources | None = None) -> Config:
    """Load the configuration that an export overwrites.

    Raises:
        UsageError: It is invalid, so its handles and interpolated values cannot be kept.
    """
    try:
        return validate(replace(inputs, allow_unset=True), environment, sources=sources)
    except ConfigError as error:
        first = next(problem for problem in error.problems if problem.severity == "error")
        where = f"{first.place}: " if first.place is not None else ""
        raise UsageError(
            f"the existing configuration is invalid ({where}{first.message}), so an export cannot keep its handles and "
            "the values that it takes from secrets; fix it (`reconciler validate` lists every problem), or name "
            "another folder"
        ) from None
