"""Who is who: which declared resource is which live one.

Takes a `Config` and a `State`; gives a `Matching`, or every reason why there is none. Pure: reads nothing, changes
nothing, and never guesses: where two live resources could be meant, that is a problem for a person.

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
| names that follow each other (`a` from  | `b` and `c`, no `a`                 | `a` is the old `b`, `b` the old `c`  |
| `b`, `b` from `c`)                      |                                     |                                      |
| `absent` and `renamed_from`             | only one of the former name         | nothing: only the present name goes  |
| anything in a service that is yet to be | nothing                             | nothing (found or made by the apply) |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from types import MappingProxyType

from reconciler.address import Address
from reconciler.config.model import Config, Declared, Reference, Unknown
from reconciler.config.selection import EVERYTHING, Selection
from reconciler.config.unknown_values import fits, may_be
from reconciler.errors import Problem
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content, Shape
from reconciler.kinds.relations import is_held
from reconciler.planning.near import SIMILAR, similarity
from reconciler.state import Live, State


@dataclass(frozen=True, slots=True)
class Matching:
    """Which declared resource is which live one.

    Attributes:
        live: the live resource of each declared one that has one, by address.
        addresses: the declared address of each live resource that has one, by SID.
        left_over: live resources whose `renamed_from` successor already exists, by SID, with the successor's address.
            Information only: nobody knows whether they are still the resource that was renamed.
        former: for declared resources without a live one, unmanaged live ones that are likely to be meant, by address.
        problems: everything that does not fit; with any error in it, nothing else here may be acted on.
    """

    live: Mapping[Address, Live] = field(default_factory=dict)
    addresses: Mapping[str, Address] = field(default_factory=dict)
    left_over: Mapping[str, Address] = field(default_factory=dict)
    former: Mapping[Address, Live] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def match(
    config: Config,
    state: State,
    kinds: Iterable[Kind] | None = None,
    selection: Selection = EVERYTHING,
    under_way: Mapping[str, Address] = MappingProxyType({}),
) -> Matching:
    """Find the live resource of every declared one.

    Args:
        config: the files.
        state: the account, as far as it was read.
        kinds: only these kinds, for a first look at what else has to be read; all when left out.
        selection: what part of the files the plan covers. The rest is matched as far as it was read, and reported by
            no problem: what was not read is not missing.
        under_way: renames that an interrupted apply began: the SID of each old resource, and the address of its
            successor. Such a resource is only what its successor replaces, whatever else is declared by its name.
    """
    return _Matcher(config, state, None if kinds is None else frozenset(kinds), selection, under_way).run()


class _Matcher:
    """One run of `match`; parents are matched before what they contain, for addresses sort that way."""

    def __init__(
        self,
        config: Config,
        state: State,
        kinds: frozenset[Kind] | None,
        selection: Selection,
        under_way: Mapping[str, Address],
    ) -> None:
        self.config = config
        self.selection = selection
        self.state = state
        self.kinds = kinds
        self.under_way = under_way
        self.renames: dict[tuple[Kind, Address | None], dict[Address, Live]] = {}
        self.live: dict[Address, Live] = {}
        self.owners: dict[str, Declared] = {}
        self.left_over: dict[str, Address] = {}
        self.problems: list[Problem] = []
        self.pins = {self._pinned_sid(item): item for item in config.resources.values() if item.pin is not None}
        self.alike: dict[tuple[Kind, Address | None], dict[Address, Live]] = {}
        self.former: dict[Address, Live] = {}
        self.by_name: dict[tuple[Kind, tuple[str, ...]], dict[str, list[Live]]] = {}
        self.declared_names: dict[tuple[Kind, Address | None, str], list[Declared]] = {}
        for item in config.resources.values():
            self.declared_names.setdefault((item.kind, item.parent, item.natural_key), []).append(item)
        self.renaming: dict[tuple[Kind, Address | None], list[Declared]] = {}
        for item in config.resources.values():
            if item.renamed_from and item.pin is None and not item.absent:
                self.renaming.setdefault((item.kind, item.parent), []).append(item)
        self.nameless: dict[tuple[Kind, Address | None], list[Declared]] = {}
        for item in config.resources.values():
            if item.kind.match_by_content and item.pin is None:
                self.nameless.setdefault((item.kind, item.parent), []).append(item)

    def run(self) -> Matching:
        absent: set[Address] = set()
        unmatched: list[Declared] = []
        for address, declared in self.config.resources.items():
            if declared.parent is not None and declared.parent in absent:
                absent.add(address)
                continue
            if declared.absent:
                absent.add(address)
            if self.kinds is not None and declared.kind not in self.kinds:
                continue
            live = self._find_alike(declared) if declared.kind.match_by_content else self._find(declared)
            if live is None:
                unmatched.append(declared)
            else:
                self._bind(declared, live)
        left_over = {sid: address for sid, address in self.left_over.items() if sid not in self.owners}
        return Matching(
            live=self.live,
            addresses={sid: declared.address for sid, declared in self.owners.items()},
            left_over=left_over,
            former={**self.former, **self._former_names(unmatched)},
            problems=tuple(self.problems),
        )

    def _pinned_sid(self, declared: Declared) -> str:
        return self.state.default_service_sid if declared.pin == "default" else declared.pin or ""

    def _parents(self, declared: Declared) -> tuple[str, ...] | None:
        """The SIDs above a resource, or None while what contains it does not exist."""
        if declared.parent is None:
            return ()
        above = self.live.get(declared.parent)
        return None if above is None else (*above.parents, above.sid)

    def _find(self, declared: Declared) -> Live | None:
        parents = self._parents(declared)
        if declared.pin is not None:
            return self._find_pinned(declared, parents)
        if parents is None:
            return None
        if declared.kind.singleton:
            return self.state.singleton(declared.kind, parents)
        if not self._check_key_is_known(declared):
            return None
        chained = self._chained(declared.kind, declared.parent, parents)
        if declared.address in chained:
            return chained[declared.address]
        found = self._find_named(declared, parents, declared.natural_key)
        if not declared.renamed_from or declared.absent:
            return found  # a former name is no license to delete what has it now
        former = self._find_named(declared, parents, declared.renamed_from)
        if found is not None and former is not None:
            self.left_over[former.sid] = declared.address
        return found or former

    def _find_pinned(self, declared: Declared, parents: tuple[str, ...] | None) -> Live | None:
        sid = self._pinned_sid(declared)
        if declared.pin == "default" and not sid:
            self._problem(
                declared, "no-default-service", "the account has no default service", "pin a SID, or take the pin out"
            )
            return None
        live = self.state.get(sid)
        if live is not None and live.kind == declared.kind and live.parents == parents:
            return live
        if not declared.absent:
            where = f" in {declared.parent}" if declared.parent is not None else " in the account"
            self._problem(
                declared,
                "dead-pin",
                f"{declared.address} is pinned to {sid}, and there is no such {declared.kind.noun}{where}",
                "correct the sid, or take it out to recognise the resource by its name",
            )
        return None

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
            self._tell_pinned_elsewhere(declared, parents)
        apart = declared.kind.discriminator
        value = declared.values.get(apart)
        if value is not None and (
            declared.absent or len(candidates) > 1 or not declared.kind.by_path[apart].forces_replacement
        ):
            candidates = [live for live in candidates if live.values.get(apart) == value.content]
        candidates = [
            live
            for live in candidates
            if self._is_of_type(declared, live) or self._changes_type(declared, live, parents)
        ]
        if len(candidates) > 1:
            self._tell_ambiguous(declared, candidates)
            return None
        return candidates[0] if candidates else None

    # --- renames that follow each other ---

    def _is_others(self, declared: Declared, live: Live, parents: tuple[str, ...]) -> bool:
        """Whether a live resource of the name of a declared one is meant by another declared one."""
        begun = self.under_way.get(live.sid)
        if begun is not None:
            return begun != declared.address
        return self._fits_another(declared, live) or self._is_handed_on(declared, live, parents)

    def _is_handed_on(self, declared: Declared, live: Live, parents: tuple[str, ...]) -> bool:
        """Whether a chain of renames gives a live resource to another declared one."""
        chained = self._chained(declared.kind, declared.parent, parents)
        return any(taken.sid == live.sid and address != declared.address for address, taken in chained.items())

    def _chained(self, kind: Kind, parent: Address | None, parents: tuple[str, ...]) -> Mapping[Address, Live]:
        """The live resource of each declared one that takes a name which another one gives up in the same plan.

        A chain begins at a resource whose own name is not live in its own type. It is followed only if its last former
        name is live and nobody else's: otherwise a resource in the middle would lose its live one.
        """
        key = (kind, parent)
        if key not in self.renames:
            found: dict[Address, Live] = {}
            self.renames[key] = found
            names = self._named(kind, parents)
            for first in self.renaming.get(key, ()):
                if not any(self._is_of_type(first, live) for live in names.get(first.natural_key, ())):
                    found.update(self._chain(first, parents))
        return self.renames[key]

    def _chain(self, first: Declared, parents: tuple[str, ...]) -> dict[Address, Live]:
        """The chain that begins at a declared resource; empty where nobody else declares its former name."""
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
                if other.pin is None and self._is_of_type(other, candidates[0])
            ]
            is_declared = is_declared or bool(named)
            # What must not exist is gone by that name once it is renamed.
            declared = next((other for other in named if not other.absent), None)
        return chain if is_declared else {}

    def _of_name(self, declared: Declared, parents: tuple[str, ...], name: str) -> list[Live]:
        """The live resources of a name that a declared one could be, whoever else means them."""
        return [
            live
            for live in self._named(declared.kind, parents).get(name, ())
            if live.sid not in self.pins
            and self._is_of_type(declared, live)
            and self.under_way.get(live.sid, declared.address) == declared.address
        ]

    @staticmethod
    def _is_of_type(declared: Declared, live: Live) -> bool:
        value = declared.values.get(declared.kind.discriminator)
        return value is None or value.content == live.values.get(declared.kind.discriminator)

    def _changes_type(self, declared: Declared, live: Live, parents: tuple[str, ...]) -> bool:
        """Whether a live resource of another type can be the declared one before its type was changed.

        It cannot where it is renamed, or where the present or the former name is live in the declared type: that one
        is the declared resource, or was until another declared one took its name.
        """
        names = self._named(declared.kind, parents)
        own = {declared.natural_key, declared.renamed_from or declared.natural_key}
        return not self._is_renamed_to_another(declared, live) and not any(
            self._is_of_type(declared, other) for name in own for other in names.get(name, ())
        )

    def _is_renamed_to_another(self, declared: Declared, live: Live) -> bool:
        """Whether a live resource has the former name of another declared one of its type."""
        return any(
            other is not declared and other.renamed_from == live.name and self._is_of_type(other, live)
            for other in self.renaming.get((declared.kind, declared.parent), ())
        )

    def _tell_pinned_elsewhere(self, declared: Declared, parents: tuple[str, ...]) -> None:
        """Find a problem where a live resource of that name is another address's, which leaves its name as it is."""
        apart = declared.values.get(declared.kind.discriminator)
        for live in self._named(declared.kind, parents).get(declared.natural_key, ()):
            other = self.pins.get(live.sid)
            if other is None or other.natural_key not in {"", live.name} or declared.absent or other.absent:
                continue
            if apart is not None and apart.content != live.values.get(declared.kind.discriminator):
                continue
            self._tell_two(declared, other, live)
            return

    def _fits_another(self, declared: Declared, live: Live) -> bool:
        """Whether another declared resource of that name means the live one, and means it exactly."""
        for other in self.declared_names.get((declared.kind, declared.parent, live.name), ()):
            if other is declared or other.pin is not None:
                continue
            if self._is_of_type(other, live) and (
                live.name != declared.natural_key or declared.kind.discriminator in other.values
            ):
                return True
        return False

    def _find_alike(self, declared: Declared) -> Live | None:
        """One of a kind whose resources have no name: found for all of one parent at once, the exact ones first."""
        parents = self._parents(declared)
        if declared.pin is not None:
            return self._find_pinned(declared, parents)
        if parents is None:
            return None
        key = (declared.kind, declared.parent)
        if key not in self.alike:
            self.alike[key] = self._pair(declared.kind, declared.parent, self.nameless.get(key, []), parents)
        return self.alike[key].get(declared.address)

    def _pair(
        self, kind: Kind, parent: Address | None, siblings: list[Declared], parents: tuple[str, ...]
    ) -> dict[Address, Live]:
        left = [live for live in self.state.collection(kind, parents) if live.sid not in self.pins]
        pairs: dict[Address, Live] = {}

        def take(declared: Declared, live: Live) -> None:
            pairs[declared.address] = live
            left.remove(live)

        ambiguous: set[Address] = set()
        # What must not exist takes nothing that fits a resource that must, so that no apply deletes what it declares.
        for likeness, is_absent in (
            (_is_exact, False),
            (_is_nearly_exact, False),
            (_is_exact, True),
            (_is_nearly_exact, True),
            (_has_same_name, False),
            (_has_same_name, True),
        ):
            open_ones = [
                declared
                for declared in siblings
                if declared.absent is is_absent and declared.address not in {*pairs, *ambiguous}
            ]
            if is_absent:
                # The most specific one first; which of several live ones goes is for a person to say.
                open_ones.sort(key=lambda declared: -len(declared.values))
            elif likeness is not _has_same_name:
                certain = [declared for declared in open_ones if not _has_unknown(declared)]
                for declared, live in _assign(certain, left, likeness):
                    take(declared, live)
            for declared in open_ones:
                if declared.address in pairs:
                    continue
                alike = [live for live in left if likeness(declared, live)]
                if len(alike) > 1:
                    ambiguous.add(declared.address)
                    self._tell_ambiguous(declared, alike)
                elif alike:
                    take(declared, alike[0])
        for declared in siblings:
            if declared.address in pairs or declared.absent or not declared.renamed_from:
                continue
            former = [live for live in left if live.name == declared.renamed_from]
            if len(former) > 1:
                self._tell_ambiguous(declared, former)
            elif former:
                take(declared, former[0])
        is_pruned = parent is not None and parent.child(*kind.section) in self.config.prune
        for declared in siblings:
            if declared.address in pairs or declared.absent:
                continue
            target = declared.values.get(kind.discriminator)
            content = None if target is None else target.content
            others = [
                item
                for item in siblings
                if item.address not in pairs
                and (value := item.values.get(kind.discriminator)) is not None
                and value.content == content
            ]
            leftover = [live for live in left if live.values.get(kind.discriminator) == content]
            if len(others) == 1 and len(leftover) == 1:
                if is_pruned:
                    take(declared, leftover[0])
                else:
                    self.former[declared.address] = leftover[0]
        return pairs

    def _tell_ambiguous(self, declared: Declared, candidates: list[Live]) -> None:
        listed = ", ".join(
            f"{live.sid} (created {live.created or 'at an unknown time'}, updated {live.updated or 'never'})"
            for live in candidates
        )
        name = _title(declared, candidates[0])
        self._problem(
            declared,
            "ambiguous-name",
            f"{len(candidates)} live resources of kind {declared.kind.noun} are named {name!r}: {listed}",
            f"say which one is meant with `sid:` under {declared.address}",
        )

    def _check_key_is_known(self, declared: Declared) -> bool:
        """Report a resource that cannot be recognized because its natural key comes from a secret that is not set."""
        unknown = [path for path, value in declared.values.items() if _names(declared, path, value.content)]
        for path in unknown:
            self._problem(
                declared,
                "unset-secret",
                f"{declared.address} is recognized by its {path}, which comes from "
                f"{', '.join(declared.values[path].secrets) or 'an unset variable'}, which is not set",
                "set the environment variable, or pin the resource with `sid`",
            )
        return not unknown

    def _bind(self, declared: Declared, live: Live) -> None:
        other = self.owners.get(live.sid)
        if other is not None:
            self._tell_two(declared, other, live)
            return
        self.owners[live.sid] = declared
        self.live[declared.address] = live

    def _tell_two(self, declared: Declared, other: Declared, live: Live) -> None:
        if not (self.selection.covers(declared) or self.selection.covers(other)):
            return
        title = _title(declared, live)
        named = f" ({title!r})" if title else ""
        self.problems.append(
            Problem(
                code="two-addresses",
                message=f"{declared.address} and {other.address} both mean the live {live.kind.noun} {live.sid}{named}",
                place=declared.place,
                hint="declare it once",
                related=((other.place, "the other one"),),
                address=str(declared.address),
            )
        )

    def _former_names(self, unmatched: list[Declared]) -> dict[Address, Live]:
        """Unmanaged services that are likely to have been renamed in the files; Twilio cannot rename them.

        Their name is close to the new one, or is what the handle says.
        """
        former: dict[Address, Live] = {}
        for declared in unmatched:
            if declared.absent or declared.pin is not None:
                continue
            if is_held(declared.kind):
                former |= self._former_role(declared)
            if declared.kind.updatable:
                continue
            rest = [live for live in self.state.collection(declared.kind, ()) if live.sid not in self.owners]
            # The handle usually still says the old name.
            handle = _slug(declared.address.parts[-1])
            likeness = {
                live.sid: 1.0 if _slug(live.name) == handle else _likeness(live.name, declared.natural_key)
                for live in rest
            }
            best = max(rest, key=lambda live: (likeness[live.sid], live.sid), default=None)
            if best is not None and likeness[best.sid] >= 0.6:
                former[declared.address] = best
        return former

    def _former_role(self, declared: Declared) -> dict[Address, Live]:
        """The unmanaged role of the same type that has a similar name, or else exactly the same permissions."""
        parents = self._parents(declared)
        if parents is None or declared.natural_key in declared.kind.built_in:
            return {}
        rest = [
            live
            for live in self.state.collection(declared.kind, parents)
            if live.sid not in self.owners and not self.state.is_protected(live) and self._is_of_type(declared, live)
        ]
        wanted = declared.values.get("permissions")
        permissions = declared.kind.by_path["permissions"].comparable(wanted.content) if wanted is not None else None
        scores = [
            (
                similarity(live.name, declared.natural_key),
                declared.kind.by_path["permissions"].comparable(live.values.get("permissions")) == permissions,
                live.sid,
                live,
            )
            for live in rest
        ]
        alike = [score for score in scores if score[0] >= SIMILAR]
        same = [score for score in scores if score[1]]
        if alike:
            return {declared.address: max(alike, key=lambda score: score[:3])[3]}
        return {declared.address: same[0][3]} if len(same) == 1 else {}

    def _problem(self, declared: Declared, code: str, message: str, hint: str) -> None:
        if not self.selection.covers(declared):
            return  # it was not looked for
        place = declared.pin_place or declared.place
        self.problems.append(Problem(code, message, place, hint, address=str(declared.address)))


def _title(declared: Declared, live: Live) -> str:
    """The live name, unless the files say that it may not be shown."""
    return live.title if declared.title == declared.natural_key else declared.title


def _assign(
    siblings: Iterable[Declared], candidates: Iterable[Live], fits_live: Callable[[Declared, Live], bool]
) -> list[tuple[Declared, Live]]:
    """Pair as many declared resources as possible with a live one that fits, each live one at most once.

    A declared resource with few fields may fit several live ones; it leaves to the others what only they fit. Without
    such a conflict, it gets the first live one (a maximum bipartite matching by augmenting paths).
    """
    options = {item.address: [live for live in candidates if fits_live(item, live)] for item in siblings}
    declared_by_address = {item.address: item for item in siblings}
    taken: dict[str, Address] = {}

    def find_place(address: Address, seen: set[str]) -> bool:
        for live in options[address]:
            if live.sid not in seen:
                seen.add(live.sid)
                if live.sid not in taken or find_place(taken[live.sid], seen):
                    taken[live.sid] = address
                    return True
        return False

    for address in options:
        find_place(address, set())
    by_sid = {live.sid: live for lives in options.values() for live in lives}
    return [(declared_by_address[address], by_sid[sid]) for sid, address in taken.items()]


def _has_unknown(declared: Declared) -> bool:
    return any(isinstance(value.content, Unknown) for value in declared.values.values())


def _is_exact(declared: Declared, live: Live) -> bool:
    """Whether a live resource is already all that the files say of it."""
    return _has_same_name(declared, live) and all(
        _may_equal(declared, path, live) for path in declared.values if not declared.kind.by_path[path].write_only
    )


def _may_equal(declared: Declared, path: str, live: Live) -> bool:
    """Whether a live content is the declared one, as far as that is known."""
    field, content, found = declared.kind.by_path[path], declared.values[path].content, live.values.get(path)
    if isinstance(content, Unknown):
        return may_be(content, found)
    return bool(field.comparable(content) == field.comparable(found))


def _is_nearly_exact(declared: Declared, live: Live) -> bool:
    """Whether the sets that the files name are those of a live resource of the same name."""
    named = [path for path in declared.values if declared.kind.by_path[path].shape is Shape.SET]
    return bool(named) and _has_same_name(declared, live) and all(_may_equal(declared, path, live) for path in named)


def _names(declared: Declared, path: str, content: Content | Reference | Unknown) -> bool:
    """Whether an unknown value is part of the natural key."""
    if not isinstance(content, Unknown):
        return False
    mark = "\0unknown"
    contents = {other: value.content for other, value in declared.values.items()}
    return mark in declared.kind.name_of({**contents, path: mark})


def _has_same_name(declared: Declared, live: Live) -> bool:
    if not any(isinstance(value.content, Unknown) for value in declared.values.values()):
        return live.name == declared.natural_key
    known = {
        path: value.content.written if isinstance(value.content, Unknown) else value.content
        for path, value in declared.values.items()
    }
    return fits(declared.kind.name_of(known), live.name)


_TELLING = 4
"""How many characters of a name must be in another one to mean anything."""
_WORD = re.compile(r"[^\W_]+")


def _slug(name: str) -> str:
    """A name as a handle would have it: lower case, and whatever is no letter or digit a dash."""
    return "-".join(_WORD.findall(name.lower()))


def _likeness(one: str, other: str) -> float:
    """How alike two names are, from 0 to 1, without regard to case; 1 when one contains the other."""
    first, second = one.lower().strip(), other.lower().strip()
    shorter = min(first, second, key=len)
    if len(shorter) >= _TELLING and (first in second or second in first):
        return 1.0
    return SequenceMatcher(None, first, second).ratio()
