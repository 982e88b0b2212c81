"""Attempts at an export until the plan of one is empty. Pure."""

from __future__ import annotations

from reconciler.config.model import Config
from reconciler.errors import ReconcilerError
from reconciler.export import notes
from reconciler.export.attempt import Attempt
from reconciler.export.exclusions import Exclusions
from reconciler.export.existing import ExistingFiles
from reconciler.export.files import SERVICES, build_files
from reconciler.export.trees import TreeWriter
from reconciler.state import State

_MOST_ATTEMPTS = 20


def settle(
    state: State, existing: ExistingFiles, scope: frozenset[str] | None = None, *, in_one_file: bool = True
) -> tuple[Attempt, Config]:
    """Return the attempt whose plan is empty, with its configuration.

    Args:
        state: The account.
        existing: The existing files.
        scope: SIDs of the resources to write; None for all.
        in_one_file: Whether everything goes into one file; otherwise each service has its own.

    Raises:
        ReconcilerError: No attempt had an empty plan, which is a bug.
    """
    exclusions = Exclusions()
    reasons: list[str] = []
    for _ in range(_MOST_ATTEMPTS):
        writer = TreeWriter(state, existing, exclusions, "" if in_one_file else SERVICES, scope)
        attempt = Attempt(writer, build_files(writer, notes.unreadable(state), in_one_file=in_one_file))
        before = len(exclusions)
        loaded = attempt.load()
        if loaded is not None:
            return attempt, loaded
        reasons = attempt.reasons
        if before == len(exclusions):
            break
    raise ReconcilerError(
        f"cannot write this account as files with an empty plan, which is a bug in reconciler: {'; '.join(reasons[:3])}"
    )
