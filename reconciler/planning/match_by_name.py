"""Match resources by their natural key, their type, and their former name.

Takes declared resources and the account; returns the live resource of each. Chained renames (`a` from `b`, `b` from
`c`) are resolved together. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.address import Address
from reconciler.config.model import Config, Declared, Reference, Unknown
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content
from reconciler.planning.match_problems import MatchProblems
from reconciler.state import Live, State


def is_of_type(declared: Declared, live: Live) -> bool:
    """Whether a live resource has the type of a declared one, if that declares a type."""
    value = declared.values.get(declared.kind.discriminator)
    return value is None or value.content == live.values.get(declared.kind.discriminator)


class NameMatcher:
    """Finds live resources by name.

    Args:
        config: the configuration.
        state: the account.
        pins: the declared resource of each pinned SID.
        under_way: renames that an interrupted apply began: the SID of each old resource, and the address of its
            successor.
        problems: receives the ambiguous and unknown names.

    Attributes:
        left_over: live resources whose `renamed_from` successor already exists, by SID, with the successor's address.
    """

    def __init__(
        self,
        config: Config,
        state: State,
        pins: Mapping[str, Declared],
        under_way: Mapping[str, Address],
        problems: MatchProblems,
    ) -> None:
        self.state = state
        self.pins = pins
        self.under_way = under_way
        self.problems = problems
        self.left_over: dict[str, Address] = {}
        self.renames: dict[tuple[Kind, Address | None], dict[Address, Live]] = {}
        self.by_name: dict[tuple[Kind, tuple[str, ...]], dict[str, list[Live]]] = {}
        self.declared_names: dict[tuple[Kind, Address | None, str], list[Declared]] = {}
        self.renaming: dict[tuple[Kind, Address | None], list[Declared]] = {}
        for item in config.resources.values():
            self.declared_names.setdefault((item.kind, item.parent, item.natural_key), []).append(item)
            if item.renamed_from and item.pin is None and not item.absent:
                self.renaming.setdefault((item.kind, item.parent), []).append(item)

    def find(self, declared: Declared, parents: tuple[str, ...]) -> Live | None:
        """Return the live resource of a declared one, by its present or otherwise by its former name.

        Args:
            declared: a resource with a natural key and without a pin.
            parents: the SIDs of the containing resources.
        """
        if not self._check_key_is_known(declared):
            return None
        chained = self._chained(declared.kind, declared.parent, parents)
        if declared.address in chained:
            return chained[declared.address]
        found = self._find_named(declared, parents, declared.natural_key)
        if not declared.renamed_from or declared.absent:
            return found  # an absent resource never deletes the one that now has its former name
        former = self._find_named(declared, parents, declared.renamed_from)
        if found is not None and former is not None:
            self.left_over[former.sid] = declared.address
        return found or former

    def _named(self, kind: Kind, parents: tuple[str, ...]) -> dict[str, list[Live]]:
        key = (kind, parents)
        if key not in self.by_name:
            names: dict[str, list[Live]] = {}
            for live in self.state.collection(kind, parents):
                names.setdefault(live.name, []).append(live)
            self.by_name[key] = names
        return self.by_name[key]

    def _find_named(self, declared: Declared, parents: tuple[str, ...], name: str) -> Live | None:
        candidates = [
            live
            for live in self._named(declared.kind, parents).get(name, ())
            if live.sid not in self.pins and not self._is_others(declared, live, parents)
        ]
        if not candidates and name == declared.natural_key:
            self._report_pinned_elsewhere(declared, parents)
        apart = declared.kind.discriminator
        value = declared.values.get(apart)
        if value is not None and (
            declared.absent or len(candidates) > 1 or not declared.kind.by_path[apart].forces_replacement
        ):
            candidates = [live for live in candidates if live.values.get(apart) == value.content]
        candidates = [
            live for live in candidates if is_of_type(declared, live) or self._changes_type(declared, live, parents)
        ]
        if len(candidates) > 1:
            self.problems.add_ambiguous(declared, candidates)
            return None
        return candidates[0] if candidates else None

    # --- chained renames ---

    def _is_others(self, declared: Declared, live: Live, parents: tuple[str, ...]) -> bool:
        """Whether a live resource with the name of a declared one belongs to another declared one."""
        begun = self.under_way.get(live.sid)
        if begun is not None:
            return begun != declared.address
        return self._fits_another(declared, live) or self._is_handed_on(declared, live, parents)

    def _is_handed_on(self, declared: Declared, live: Live, parents: tuple[str, ...]) -> bool:
        """Whether a chain of renames assigns a live resource to another declared one."""
        chained = self._chained(declared.kind, declared.parent, parents)
        return any(taken.sid == live.sid and address != declared.address for address, taken in chained.items())

    def _chained(self, kind: Kind, parent: Address | None, parents: tuple[str, ...]) -> Mapping[Address, Live]:
        """Return the live resource of each declared one that takes a name that another one gives up in the same plan.

        A chain begins at a resource whose own name is not live in its own type. It is followed only if its last former
        name is live and not declared by another resource: otherwise a resource in the middle would lose its live one.
        """
        key = (kind, parent)
        if key not in self.renames:
            found: dict[Address, Live] = {}
            self.renames[key] = found
            names = self._named(kind, parents)
            for first in self.renaming.get(key, ()):
                if not any(is_of_type(first, live) for live in names.get(first.natural_key, ())):
                    found.update(self._chain(first, parents))
        return self.renames[key]

    def _chain(self, first: Declared, parents: tuple[str, ...]) -> dict[Address, Live]:
        """Return the chain that begins at a declared resource; empty if no other one declares its former name."""
        chain: dict[Address, Live] = {}
        is_declared = False
        declared: Declared | None = first
        while declared is not None:
            candidates = self._of_name(declared, parents, declared.renamed_from) if declared.renamed_from else []
            if len(candidates) != 1 or declared.address in chain:
                return {}
            chain[declared.address] = candidates[0]
            named = [
                other
                for other in self.declared_names.get((first.kind, first.parent, declared.renamed_from), ())
                if other.pin is None and is_of_type(other, candidates[0])
            ]
            is_declared = is_declared or bool(named)
            # An absent resource no longer exists by that name once it is renamed.
            declared = next((other for other in named if not other.absent), None)
        return chain if is_declared else {}

    def _of_name(self, declared: Declared, parents: tuple[str, ...], name: str) -> list[Live]:
        """Return the live resources of a name that could match a declared one, even if another one matches them."""
        return [
            live
            for live in self._named(declared.kind, parents).get(name, ())
            if live.sid not in self.pins
            and is_of_type(declared, live)
            and self.under_way.get(live.sid, declared.address) == declared.address
        ]

    def _changes_type(self, declared: Declared, live: Live, parents: tuple[str, ...]) -> bool:
        """Whether a live resource of another type can be the declared one before its type was changed.

        It cannot if it is renamed, or if the present or the former name is live in the declared type: that one
        is the declared resource, or was until another declared one took its name.
        """
        names = self._named(declared.kind, parents)
        own = {declared.natural_key, declared.renamed_from or declared.natural_key}
        return not self._is_renamed_to_another(declared, live) and not any(
            is_of_type(declared, other) for name in own for other in names.get(name, ())
        )

    def _is_renamed_to_another(self, declared: Declared, live: Live) -> bool:
        """Whether a live resource has the former name of another declared one of its type."""
        return any(
            other is not declared and other.renamed_from == live.name and is_of_type(other, live)
            for other in self.renaming.get((declared.kind, declared.parent), ())
        )

    def _report_pinned_elsewhere(self, declared: Declared, parents: tuple[str, ...]) -> None:
        """Report a live resource of that name that is pinned by another address, which keeps the name."""
        apart = declared.values.get(declared.kind.discriminator)
        for live in self._named(declared.kind, parents).get(declared.natural_key, ()):
            other = self.pins.get(live.sid)
            if other is None or other.natural_key not in {"", live.name} or declared.absent or other.absent:
                continue
            if apart is not None and apart.content != live.values.get(declared.kind.discriminator):
                continue
            self.problems.add_two_addresses(declared, other, live)
            return

    def _fits_another(self, declared: Declared, live: Live) -> bool:
        """Whether another declared resource of that name matches the live one exactly."""
        for other in self.declared_names.get((declared.kind, declared.parent, live.name), ()):
            if other is declared or other.pin is not None:
                continue
            if is_of_type(other, live) and (
                live.name != declared.natural_key or declared.kind.discriminator in other.values
            ):
                return True
        return False

    def _check_key_is_known(self, declared: Declared) -> bool:
        """Report a resource that cannot be matched because its natural key comes from a secret that is not set."""
        unknown = [path for path, value in declared.values.items() if _names(declared, path, value.content)]
        for path in unknown:
            self.problems.add(
                declared,
                "unset-secret",
                f"{declared.address} is matched by its {path}, whose value requires "
                f"{', '.join(declared.values[path].secrets) or 'an unset variable'}, which is not set",
                "Set the environment variable, or pin the resource with `sid`.",
            )
        return not unknown


def _names(declared: Declared, path: str, content: Content | Reference | Unknown) -> bool:
    """Whether an unknown value is part of the natural key."""
    if not isinstance(content, Unknown):
        return False
    mark = "\0unknown"
    contents = {other: value.content for other, value in declared.values.items()}
    return mark in declared.kind.name_of({**contents, path: mark})
