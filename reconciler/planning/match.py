"""Match declared resources with live ones.

Takes a `Config` and a `State`; returns a `Matching`, or every problem that prevents it. Pure. Never guesses: several
possible live resources are a problem.

| declared                                | live                                | result                               |
|-----------------------------------------|-------------------------------------|--------------------------------------|
| a pin                                   | that SID                            | that one, whatever its name          |
| a pin                                   | no such SID                         | a problem, never a create            |
| a name                                  | one of that name                    | that one                             |
| a name                                  | several of that name                | a problem that lists them            |
| a role's name and type                  | several, one of that type           | that one                             |
| a role's name and type                  | one, of another type                | that one (a replace)                 |
| a role's name and type                  | one, of another type, that another  | nothing (a create)                   |
|                                         | declared one of its type was named  |                                      |
| a role's name, type, `renamed_from`     | of another type by the new name;    | the one of the former name           |
|                                         | of that type by the former name     |                                      |
| a role's name, type, `renamed_from`     | the same, and another declared one  | nothing (a create)                   |
|                                         | has that former name                |                                      |
| `absent`, a role's name and type        | one, of another type                | nothing                              |
| a role's name and type                  | several, none of that type          | nothing (a create)                   |
| a name and `renamed_from`               | only one of the former name         | that one (a replace or an update)    |
| a name and `renamed_from`               | both                                | the new; the old one is left alone   |
| names that follow each other (`b` from  | all three, `b` not as declared, and | a problem: `b` may be the former `c` |
| `a`, `c` from `b`)                      | not newer than `c`                  |                                      |
| names that follow each other (`a` from  | `b` and `c`, no `a`                 | `a` is the old `b`, `b` the old `c`  |
| `b`, `b` from `c`)                      |                                     |                                      |
| `absent` and `renamed_from`             | only one of the former name         | nothing: only the present name goes  |
| anything in a service that is yet to be | nothing                             | nothing (found or made by the apply) |
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import field
from types import MappingProxyType

from reconciler.address import Address
from reconciler.config.model import Config, Declared
from reconciler.config.selection import EVERYTHING, Selection
from reconciler.errors import Problem
from reconciler.kinds.base import Kind
from reconciler.kinds.relations import is_held
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.desired import Desired
from reconciler.planning.match_by_content import pair_by_content
from reconciler.planning.match_by_name import NameMatcher, is_of_type
from reconciler.planning.match_problems import MatchProblems
from reconciler.planning.rename_hints import former_role, former_service
from reconciler.state import Live, State

Compare = Callable[[Declared, Live], Sequence[str]]
"""Compares a declared resource with its live one; returns the fields that may differ."""


@dataclass(frozen=True, slots=True)
class Matching:
    """The match between declared and live resources.

    Attributes:
        live: the live resource of each declared one that has one, by address.
        addresses: the declared address of each live resource that has one, by SID.
        sids: the SID of each matched resource that is not a singleton, by its declared address.
        left_over: live resources whose `renamed_from` successor already exists, by SID, with the successor's address.
            For information only: they are not necessarily the resource that was renamed.
        former: for declared resources without a live one, the unmanaged live ones that probably are them, by address.
        unequal: for each matched resource with any, what the comparison returned; empty if nothing was compared.
        unsettled: the declared resources that have no live one or are among the unequal ones, in order.
        problems: everything that does not fit; if it contains an error, do not use the other attributes.
    """

    live: Mapping[Address, Live] = field(default_factory=dict)
    addresses: Mapping[str, Address] = field(default_factory=dict)
    sids: Mapping[Address, str] = field(default_factory=dict)
    left_over: Mapping[str, Address] = field(default_factory=dict)
    former: Mapping[Address, Live] = field(default_factory=dict)
    unequal: Mapping[Address, Sequence[str]] = field(default_factory=dict)
    unsettled: Sequence[Declared] = ()
    problems: tuple[Problem, ...] = ()


def match(
    config: Config,
    state: State,
    kinds: Iterable[Kind] | None = None,
    selection: Selection = EVERYTHING,
    under_way: Mapping[str, Address] = MappingProxyType({}),
    *,
    new: Collection[Address] = (),
    compare: Compare | None = None,
) -> Matching:
    """Find the live resource of every declared one.

    Args:
        config: the configuration.
        state: the account, as far as it was read.
        kinds: only these kinds, for a first pass that finds what else to read; all by default.
        selection: the part of the configuration that the plan covers. The rest is matched as far as it was read,
            without problems: a resource that was not read is not missing.
        under_way: renames that an interrupted apply began: the SID of each old resource, and the address of its
            successor. Such a resource only matches its successor, even if another resource is declared by its name.
        new: addresses of resources that are known to be new, which never match a live resource under another name.
        compare: compares each declared resource with its live one right after they are matched, while the processor
            still has both in its caches: in a large account, another pass over all of them takes twice as long.
    """
    wanted = None if kinds is None else frozenset(kinds)
    return _Matcher(config, state, wanted, selection, under_way, new=new, compare=compare).run()


class _Matcher:
    """One run of `match`; parents are matched before their contents, because addresses sort that way."""

    def __init__(
        self,
        config: Config,
        state: State,
        kinds: frozenset[Kind] | None,
        selection: Selection,
        under_way: Mapping[str, Address],
        *,
        new: Collection[Address],
        compare: Compare | None,
    ) -> None:
        self.config = config
        self.new = new
        self.compare = compare
        self.state = state
        self.kinds = kinds
        self.live: dict[Address, Live] = {}
        self.owners: dict[str, Address] = {}
        self.sids: dict[Address, str] = {}
        self.former: dict[Address, Live] = {}
        self.problems = MatchProblems(selection)
        self.pins = {self._pinned_sid(item): item for item in config.exceptions if item.pin is not None}
        self.names = NameMatcher(config, state, self.pins, under_way, self.problems)
        self.by_content: dict[tuple[Kind, Address | None], Mapping[Address, Live]] = {}

    def run(self) -> Matching:
        """Match every declared resource."""
        inside_absent = Desired.contents_of_absent(self.config)
        unmatched: list[Declared] = []
        unsettled: list[Declared] = []
        unequal: dict[Address, Sequence[str]] = {}
        kind: Kind | None = None
        parent: Address | None = None
        named: Mapping[str, Live] = {}
        for declared in self._declared():
            if inside_absent and declared.address in inside_absent:
                continue
            if declared.kind is not kind or declared.parent is not parent:
                kind, parent = declared.kind, declared.parent
                named = self.names.plain(kind, parent, self._parents(declared))
            live = named.get(declared.natural_key)
            if live is None or not is_of_type(declared, live):
                live = self._find(declared)
            if live is None:
                unmatched.append(declared)
                unsettled.append(declared)
            elif not self._bind(declared, live):
                unsettled.append(declared)
            elif self.compare is not None and (paths := self.compare(declared, live)):
                unequal[declared.address] = paths
                unsettled.append(declared)
        left_over = {sid: address for sid, address in self.names.left_over.items() if sid not in self.owners}
        return Matching(
            live=self.live,
            addresses=self.owners,
            sids=self.sids,
            left_over=left_over,
            former={**self.former, **self._former_names(unmatched)},
            unequal=unequal,
            unsettled=unsettled,
            problems=self.problems.all,
        )

    def _declared(self) -> Iterable[Declared]:
        """Yield what is to be matched, parents first."""
        if self.kinds is None:
            yield from self.config.resources.values()
            return
        for (kind, _), members in self.config.collections.items():
            if kind in self.kinds:
                yield from members

    def _pinned_sid(self, declared: Declared) -> str:
        return self.state.default_service_sid if declared.pin == "default" else declared.pin or ""

    def _parents(self, declared: Declared) -> tuple[str, ...] | None:
        """Return the SIDs of the containing resources, or None while one of them does not exist."""
        if declared.parent is None:
            return ()
        above = self.live.get(declared.parent)
        return None if above is None else above.lineage

    def _find(self, declared: Declared) -> Live | None:
        parents = self._parents(declared)
        if declared.pin is not None:
            return self._find_pinned(declared, parents)
        if parents is None:
            return None
        if declared.kind.singleton:
            return self.state.singleton(declared.kind, parents)
        if declared.kind.match_by_content:
            return self._find_by_content(declared, parents)
        return self.names.find(declared, parents)

    def _find_pinned(self, declared: Declared, parents: tuple[str, ...] | None) -> Live | None:
        sid = self._pinned_sid(declared)
        if declared.pin == "default" and not sid:
            self.problems.add(
                declared, "no-default-service", "the account has no default service", "Pin a SID, or remove the pin."
            )
            return None
        live = self.state.get(sid)
        if live is not None and live.kind == declared.kind and live.parents == parents:
            return live
        if not declared.absent:
            where = f" in {declared.parent}" if declared.parent is not None else " in the account"
            self.problems.add(
                declared,
                "dead-pin",
                f"{declared.address} is pinned to {sid}, but there is no such {declared.kind.noun}{where}",
                "Correct the SID, or remove it to match the resource by name.",
            )
        return None

    def _find_by_content(self, declared: Declared, parents: tuple[str, ...]) -> Live | None:
        """Match a resource of a kind without names: all of one parent are paired at once, exact matches first."""
        key = (declared.kind, declared.parent)
        if key not in self.by_content:
            collection = declared.parent.child(*declared.kind.section) if declared.parent is not None else None
            found = pair_by_content(
                declared.kind,
                [item for item in self.config.collection(*key) if item.pin is None],
                [live for live in self.state.collection(declared.kind, parents) if live.sid not in self.pins],
                is_pruned=collection in self.config.prune,
                new=self.new,
            )
            for ambiguous, candidates in found.ambiguous:
                self.problems.add_ambiguous(ambiguous, candidates)
            self.former |= found.former
            self.by_content[key] = found.pairs
        return self.by_content[key].get(declared.address)

    def _bind(self, declared: Declared, live: Live) -> bool:
        """Note a match, and return True; report it if another address has the live resource already."""
        address = self.owners.setdefault(live.sid, declared.address)
        if address is not declared.address:
            self.problems.add_two_addresses(declared, self.config.resources[address], live)
            return False
        self.live[address] = live
        if not declared.kind.singleton:
            self.sids[address] = live.sid
        return True

    def _former_names(self, unmatched: list[Declared]) -> dict[Address, Live]:
        """Return the unmanaged live resources that unmatched declared ones probably are."""
        found: dict[Address, Live] = {}
        for declared in unmatched:
            if declared.absent or declared.pin is not None or declared.address in self.new:
                continue
            former: Live | None = None
            if is_held(declared.kind):
                former = former_role(declared, self._parents(declared), self.state, self.owners)
            elif not declared.kind.updatable:
                former = former_service(declared, self.state, self.owners)
            if former is not None:
                found[declared.address] = former
        return found
