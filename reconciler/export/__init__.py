"""State -> YAML: a live account as a configuration whose plan is empty.

Takes a `State` and, if there are existing files, their configuration; returns texts by path. Pure except for `account`,
which reads the state; nothing here writes a file. An export does not trust its own output: it loads and plans the files
against the same state. Values and resources that the files cannot contain (an invalid URL, a word that no field
accepts, a name that two resources share) are left out with a comment, or pinned, until the plan is empty.

    account      reads the account: `State`
    existing     existing files: handles and interpolations that an export keeps
    policies     existing files: limits, prune rules, lifecycles, and approvals that an export keeps
    exclusions   exclusions of earlier attempts
    fields       which fields are written
    handles      handles from names
    targets      which part of the account is exported
    naming       which resources are written, at which addresses
    values       values of fields
    trees        resources as trees of keys and values
    yaml_text    trees as YAML text
    files        trees as files
    attempt      files, loaded and planned
    settling     attempts until a plan is empty
    notes        secrets to set, and warnings
    parts        single resources as data, for a configuration that people wrote
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.address import Address
from reconciler.config.model import Config
from reconciler.export import notes, targets
from reconciler.export.exclusions import Exclusions
from reconciler.export.existing import ExistingFiles
from reconciler.export.fields import FieldFilter
from reconciler.export.files import MARK
from reconciler.export.naming import Naming
from reconciler.export.settling import settle
from reconciler.lazy_dataclass import dataclass
from reconciler.state import State


@dataclass(frozen=True, slots=True)
class Export:
    """An account as configuration files.

    Attributes:
        files: Texts by path, the root file first; paths are relative to the root file's folder.
        config: The same files, loaded.
        secrets: The names of the secrets that a user has to set, sorted.
        left_out: The number of live values and resources that the files do not contain; each has a comment.
        pinned: The addresses of resources that only their SID identifies, sorted.
        warnings: Sentences on differences between the files and the account, and on settings that the files no longer
            contain.
        mark: The beginning of every file.
        unreadable: Sentences on collections that are missing because they cannot be read.
    """

    files: Mapping[str, str]
    config: Config
    secrets: tuple[str, ...] = ()
    left_out: int = 0
    pinned: tuple[Address, ...] = ()
    warnings: tuple[str, ...] = ()
    mark: str = MARK
    unreadable: tuple[str, ...] = ()

    @property
    def is_sealed(self) -> bool:
        """Whether the files declare settings as empty that they do not contain."""
        return any(value.sealed for declared in self.config.resources.values() for value in declared.values.values())


def export(
    state: State,
    *,
    existing: ExistingFiles | None = None,
    in_one_file: bool = True,
    only: Sequence[Address] = (),
) -> Export:
    """Write an account as configuration files, in memory.

    Args:
        state: The account, read completely except for what is not exported.
        existing: The existing files, whose handles, interpolations, and policies are kept.
        in_one_file: Whether everything goes into one file; otherwise each service has its own.
        only: The exported addresses, with everything below them, their parents, and their references; empty for all.

    Raises:
        UsageError: One of these addresses matches nothing.
        ReconcilerError: No attempt had an empty plan, which is a bug.
    """
    existing = existing or ExistingFiles()
    scope: frozenset[str] | None = None
    if only:
        scope = targets.select(state, Naming(state, FieldFilter(existing, Exclusions())).addresses, only)
    attempt, loaded = settle(state, existing, scope, in_one_file=in_one_file)
    writer = attempt.writer
    return Export(
        files=attempt.files.texts,
        config=loaded,
        secrets=tuple(sorted(notes.secrets(attempt))),
        left_out=len(writer.commented_out | writer.exclusions.left_out.keys()),
        pinned=tuple(address for address, declared in loaded.resources.items() if declared.pin is not None),
        warnings=tuple(notes.warnings(attempt, loaded)),
        unreadable=tuple(notes.unreadable(state)),
    )


__all__ = ["MARK", "Export", "export"]
