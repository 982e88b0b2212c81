"""Interrupted replaces of an earlier apply, related to the present configuration and account.

Takes the replaces that a journal holds, a `Config`, and a `State`; returns them with their present addresses, and which
of them the configuration still asks for. `Interrupted` adds what follows once resources are matched. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from reconciler.address import Address
from reconciler.config.model import Config, Declared
from reconciler.config.selection import Selection
from reconciler.journal import UnfinishedReplace
from reconciler.kinds import KINDS
from reconciler.kinds.fields import Content
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.desired import Desired
from reconciler.planning.match import Matching, match
from reconciler.planning.match_by_name import is_of_type
from reconciler.state import Live, State


def with_present_addresses(
    unfinished: Sequence[UnfinishedReplace], config: Config, state: State, selection: Selection
) -> tuple[UnfinishedReplace, ...]:
    """Give each saved replace the address that the configuration gives its resource now: a handle may have changed."""
    moved = [saved for saved in unfinished if not _is_named(config.resources.get(saved.address), saved)]
    if not moved:
        return tuple(unfinished)
    parents = match(config, state, KINDS.parents, selection).live
    finder = _HeirFinder(config, state, {address: live.lineage for address, live in parents.items()})
    return tuple(finder.with_present_address(saved) if saved in moved else saved for saved in unfinished)


def under_way(unfinished: Sequence[UnfinishedReplace], config: Config, state: State) -> dict[str, Address]:
    """Return the old resources that the configuration still replaces, by SID, with the address that replaces them."""
    return {saved.sid: saved.address for saved in unfinished if _is_wanted(saved, unfinished, config, state)}


def begun_replaces(
    unfinished: Sequence[UnfinishedReplace], config: Config, state: State, selection: Selection
) -> dict[str, Address]:
    """Return `under_way` of entries that may have former addresses."""
    return under_way(with_present_addresses(unfinished, config, state, selection), config, state)


@dataclass(frozen=True)
class Interrupted:
    """The interrupted replaces beside the matched resources.

    Attributes:
        replaces: what the journal holds, with their present addresses.
        under_way: SIDs of the old resources that the configuration still replaces, with the address that replaces them.
        config: the configuration.
        state: the account.
        selection: the part of the configuration that the plan covers.
        desired: the desired state of the configuration.
        matching: the live resource of each declared one.
    """

    replaces: tuple[UnfinishedReplace, ...]
    under_way: Mapping[str, Address]
    config: Config
    state: State
    selection: Selection
    desired: Desired
    matching: Matching

    def saved_values(self, declared: Declared, parents: tuple[str, ...] | None) -> UnfinishedReplace | None:
        """Return the saved values of a resource that an apply deleted and did not recreate.

        Args:
            declared: the resource to create.
            parents: the SIDs of the containing resources; None if one does not exist.
        """
        for saved in reversed(self.replaces):  # of several, the last one
            if (
                saved.address == declared.address
                and saved.kind == declared.kind
                and saved.name in {declared.natural_key, declared.renamed_from}
                and saved.parents == parents
                and self.state.get(saved.sid) is None
            ):
                return saved
        return None

    def to_complete(self) -> Iterator[tuple[UnfinishedReplace, Live]]:
        """Yield the replaces whose old resource still exists alongside the new one, with the old resource."""
        removed = self.desired.removed
        for saved in self.replaces:
            declared, old = self.config.resources.get(saved.address), self.state.get(saved.sid)
            new = self.matching.live.get(saved.address)
            if (
                declared is not None
                and old is not None
                and new is not None
                and old.sid in self.under_way
                and declared.address not in removed
                and self.selection.covers(declared)
                and new.sid != old.sid
                and old.sid not in self.matching.addresses
                and (old.kind, old.parents) == (new.kind, new.parents)
            ):
                yield saved, old

    @cached_property
    def completed_by(self) -> Mapping[str, Address]:
        """The addresses whose interrupted replaces this plan completes, by the SID of the old resource."""
        return {old.sid: saved.address for saved, old in self.to_complete()}

    @cached_property
    def replacements(self) -> frozenset[str]:
        """The SIDs of the new resources of the replaces that are under way."""
        found = (self.matching.live.get(saved.address) for saved in self.replaces if saved.sid in self.under_way)
        return frozenset(live.sid for live in found if live is not None and live.sid not in self.under_way)

    @property
    def finished(self) -> frozenset[str]:
        """The SIDs of the old resources of saved replaces that are no longer needed."""
        return frozenset(saved.sid for saved in self.replaces if self._is_finished(saved))

    def _is_finished(self, saved: UnfinishedReplace) -> bool:
        """Whether nothing is left to do for a saved replace, and none of its saved values can be needed."""
        declared, old = self.config.resources.get(saved.address), self.state.get(saved.sid)
        if saved.environment != self.config.environment and not _is_named(declared, saved):
            # Another environment of the account may complete it; this one may not even have read the old resource.
            return False
        if old is not None:
            # It has all of its saved values.
            return old.sid not in self.under_way or old.sid in self.matching.addresses
        live = self.matching.live.get(saved.address)
        if declared is None or declared.absent:
            return not self.unrestored_fields(saved)
        return self.selection.covers(declared) and live is not None and not self.unrestored_fields(saved)

    def is_of_other_environment(self, saved: UnfinishedReplace) -> bool:
        """Return whether only another environment of the same account can complete a replace."""
        declared = self.config.resources.get(saved.address)
        is_own = saved.environment == self.config.environment or _is_named(declared, saved)
        return not is_own and saved.sid not in self.matching.addresses

    def unrestored_fields(self, saved: UnfinishedReplace) -> tuple[str, ...]:
        """Return the paths of the saved values of a deleted resource that only the journal still holds.

        The configuration does not set them, and the live resource does not have them.
        """
        declared, live = self.config.resources.get(saved.address), self.matching.live.get(saved.address)
        values = live.values if live is not None and live.kind == saved.kind else {}
        return tuple(
            path
            for path in (*saved.values, *saved.lost)
            if declared is None or path not in declared.values or path in declared.lifecycle.ignore_changes
            if _differs_from_saved(saved, path, values.get(path))
        )


class _HeirFinder:
    """Finds the declared resource that a saved replace is about, after its handle has changed."""

    def __init__(self, config: Config, state: State, lineages: Mapping[Address, tuple[str, ...]]) -> None:
        self.config = config
        self.state = state
        self.lineages = lineages

    def with_present_address(self, saved: UnfinishedReplace) -> UnfinishedReplace:
        """Return a saved replace with the address of the one resource that has its natural key, or else as it is."""
        siblings = [
            declared
            for declared in self.config.resources.values()
            if declared.kind == saved.kind and not declared.absent and declared.pin is None
            if saved.parents == (self.lineages.get(declared.parent) if declared.parent is not None else ())
        ]
        for heirs in (
            [declared for declared in siblings if declared.natural_key == saved.name],
            [
                declared
                for declared in siblings
                if declared.renamed_from == saved.name and self._may_be_heir(declared, saved)
            ],
        ):
            of_type = [declared for declared in heirs if is_of_type(declared, saved.as_live())]
            chosen = heirs if len(heirs) == 1 else of_type
            if len(chosen) == 1:
                return replace(saved, address=chosen[0].address)
        return saved

    def _may_be_heir(self, declared: Declared, saved: UnfinishedReplace) -> bool:
        """Whether a resource that is renamed from the old one of a saved replace can be the one that was to replace it.

        It cannot if it existed before the old one did, or if the saved address still declares the new resource.
        """
        old = self.state.get(saved.sid)
        if old is None:
            return True
        if self._is_newer(self.config.resources.get(saved.address), old):
            return False
        return not self._of_name(declared, old) or self._is_newer(declared, old)

    def _is_newer(self, declared: Declared | None, old: Live) -> bool:
        """Whether a declared resource is live and was created after another one; dates have whole seconds."""
        if declared is None or declared.kind != old.kind or declared.absent:
            return False
        return any(live.created >= old.created for live in self._of_name(declared, old))

    def _of_name(self, declared: Declared, old: Live) -> list[Live]:
        """Return the siblings of an old resource that have the name and type of a declared one."""
        return [
            live
            for live in self.state.collection(old.kind, old.parents)
            if live.sid != old.sid and live.name == declared.natural_key and is_of_type(declared, live)
        ]


def _is_wanted(saved: UnfinishedReplace, unfinished: Sequence[UnfinishedReplace], config: Config, state: State) -> bool:
    """Whether the configuration still asks to replace the old resource of a saved replace."""
    declared, old = config.resources.get(saved.address), state.get(saved.sid)
    if declared is None or declared.absent or old is None or declared.kind != old.kind:
        return False
    siblings = [other for other in config.collection(old.kind, declared.parent) if other is not declared]
    return (
        old.name in {declared.natural_key, declared.renamed_from}
        and saved.is_still(old)
        and not any(_keeps(other, old, unfinished, state) for other in siblings)
    )


def _keeps(other: Declared, old: Live, unfinished: Sequence[UnfinishedReplace], state: State) -> bool:
    """Whether a declared sibling of the replacing resource is the old one, which must then be kept.

    It has the name of the old one. A resource that takes over this name from another one is not, nor is one that
    already exists.
    """
    if other.absent or other.pin is not None or other.natural_key != old.name or not is_of_type(other, old):
        return False
    siblings = state.collection(old.kind, old.parents)
    exists = any(live.name == old.name and live.sid != old.sid and is_of_type(other, live) for live in siblings)
    is_renamed = bool(other.renamed_from) and (
        any(live.name == other.renamed_from for live in siblings)
        or any(saved.address == other.address for saved in unfinished)
    )
    return not exists and not is_renamed


def _is_named(declared: Declared | None, saved: UnfinishedReplace) -> bool:
    """Whether a declared resource has the kind and the natural key of a saved replace, or is renamed from it."""
    return (
        declared is not None
        and declared.kind == saved.kind
        and saved.name in {declared.natural_key, declared.renamed_from}
    )


def _differs_from_saved(saved: UnfinishedReplace, path: str, content: Content) -> bool:
    field = saved.kind.by_path[path]
    if path in saved.lost:
        # A value that was not saved counts as missing only if the live field is empty.
        return field.is_empty(content)
    return bool(field.comparable(content) != field.comparable(saved.values[path]))
