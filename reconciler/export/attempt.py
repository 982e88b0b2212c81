"""One attempt at an export: the files, loaded and planned, and the exclusions for the next attempt. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from reconciler import config
from reconciler.address import Address
from reconciler.change import Change
from reconciler.config.model import Config
from reconciler.config.sources import select
from reconciler.errors import ConfigError, MatchError, ProblemsError
from reconciler.export.exclusions import FieldKey
from reconciler.export.existing import ExistingFiles
from reconciler.export.files import ROOT, Files
from reconciler.export.trees import TreeWriter
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.plan import Plan, make_plan

_SOLVED_BY_PIN = frozenset({"declared-twice"})
"""Codes of configuration problems that a pin solves."""
_NOT_IDENTIFIED = "only its SID identifies it"


@dataclass
class _Sources:
    """The exported files in memory, and the outside values that the existing files interpolate."""

    files: Mapping[str, str]
    existing: ExistingFiles
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    root: str = ROOT

    def __post_init__(self) -> None:
        self._names = self.existing.names()

    def read(self, path: str) -> bytes:
        return self.files[path].encode() if path in self.files else self.existing.read(path)

    def glob(self, pattern: str) -> Sequence[str]:
        return select(pattern, self.files)

    def identity(self, path: str) -> str:
        return path

    def environment(self, name: str) -> str | None:
        if name in self.secrets:
            return self.secrets[name]
        return self.existing.environment(name) if name in self._names else None


@dataclass
class Attempt:
    """One attempt.

    Attributes:
        writer: The trees of the files; its exclusions grow.
        files: The files.
        reasons: Why the files are not an export yet, as sentences.
        differing: Interpolated fields for which the account has a different value.
    """

    writer: TreeWriter
    files: Files
    reasons: list[str] = field(default_factory=list)
    differing: set[FieldKey] = field(default_factory=set)

    def load(self) -> Config | None:
        """Load and plan the files.

        Returns:
            The configuration if its plan is empty; otherwise None, and the exclusions contain what to leave out or pin.
        """
        sources = _Sources(self.files.texts, self.writer.existing, self.writer.values.looked_up)
        try:
            loaded = config.load(sources, allow_unset=True)
            plan = make_plan(loaded, self.writer.state)
        except ConfigError as error:
            self._exclude_problems(error, _SOLVED_BY_PIN)
            return None
        except MatchError as error:
            self._exclude_problems(error, None)
            return None
        return None if self._exclude_changes(plan) else loaded

    def _exclude_problems(self, error: ProblemsError, pinnable: frozenset[str] | None) -> None:
        """Pin or leave out the subjects of problems.

        Args:
            error: The problems.
            pinnable: Codes of the problems that a pin solves; None for all.
        """
        exclusions = self.writer.exclusions
        for problem in error.problems:
            place = problem.place
            if problem.severity != "error":
                continue
            self.reasons.append(problem.message)
            owners = self.files.owners.get(place.file, []) if place is not None else []
            key = owners[place.line - 1] if place is not None and 0 < place.line <= len(owners) else None
            if key is None:
                continue
            if (pinnable is None or problem.code in pinnable) and key.sid in self.writer.naming.pinnable():
                exclusions.pinned[key.sid] = _NOT_IDENTIFIED
            else:
                self._leave_out(key, problem.message)

    def _exclude_changes(self, plan: Plan) -> bool:
        """Pin or leave out the subjects of changes, except for values that the files interpolate.

        Returns:
            Whether anything else would change.
        """
        exclusions = self.writer.exclusions
        for change in plan.changes:
            reason = f"a plan would {change.action} {change.address}"
            sid = self.writer.placed.get(change.address, "")
            keys = {FieldKey(sid, item.path) for item in change.fields}
            if keys and change.action in {"update", "replace"} and keys <= self.writer.existing.kept.keys():
                self.differing |= keys
                continue
            self.reasons.append(reason)
            if change.action == "delete" and not sid:
                exclusions.unpruned.add(_collection_of(change))
            elif sid in self.writer.naming.pinnable():
                exclusions.pinned[sid] = _NOT_IDENTIFIED
            elif sid:
                for key in keys or {FieldKey(sid)}:
                    self._leave_out(key, reason)
        return bool(self.reasons)

    def _leave_out(self, key: FieldKey, reason: str) -> None:
        """Leave out a field, or its whole resource if the field is left out already."""
        left_out = self.writer.exclusions.left_out
        left_out[key if key not in left_out else FieldKey(key.sid)] = reason


def _collection_of(change: Change) -> Address:
    return Address(change.kind.section) if change.parent is None else change.parent.child(*change.kind.section)
