"""What one `accept` of given names would take, judged from the files that a plan has read.

Takes a plan and the files of its environment; returns the words of a command, and why the rest is refused. The other
environments are not loaded, which would take as long as this one for each: they are taken to use all that is in the
base files. So a command may have an option that it does not need, and never lacks one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

from reconciler.accept.candidates import Candidate, candidates, choose
from reconciler.accept.edits import build_groups
from reconciler.accept.files import Files
from reconciler.accept.model import At, Item, Refusal
from reconciler.accept.origins import Environment, assumed
from reconciler.address import Address, AddressError
from reconciler.config.model import Config
from reconciler.documents.ways_out import Taken
from reconciler.errors import Place
from reconciler.kinds import KINDS
from reconciler.planning.plan import Plan
from reconciler.state import State

_MOST_NAMED = 10
"""The names of one command. More are replaced by names that contain them, if nothing else would be accepted."""
_WHERE: tuple[At, ...] = ("", "overlay", "base")
"""Where to write, from what changes least for others."""


class Prospects:
    """What `accept` would take of a plan's differences.

    Args:
        plan: The plan.
        files: The files of the configuration.
        environment: The configuration as it was read for the selected environment.
        variables: The names of the variables of the command line.
    """

    def __init__(self, plan: Plan, files: Files, environment: Environment, variables: Collection[str]) -> None:
        self._plan, self._files, self._own, self._variables = plan, files, environment, variables
        others = [name for name in environment.config.environments if name != environment.name]
        self._environments = [environment, *(assumed(files, environment, name) for name in others)]

    @property
    def _config(self) -> Config:
        return self._own.config

    @cached_property
    def _candidates(self) -> Sequence[Candidate]:
        return list(candidates(self._plan, State(account_sid=""), self._config))

    @cached_property
    def _by_address(self) -> Mapping[Address, Sequence[Candidate]]:
        found: dict[Address, list[Candidate]] = {}
        for one in self._candidates:
            found.setdefault(one.item.address, []).append(one)
        return found

    @cached_property
    def _places(self) -> Mapping[str, Place]:
        return {
            str(change.address.child(*one.path.split("."))): one.source
            for change in self._plan.changes
            for one in change.fields
            if one.source is not None
        } | {str(change.address): change.source for change in self._plan.changes if change.source is not None}

    # --- what differs -------------------------------------------------------------------------------------------------

    def taken(self, names: Sequence[str]) -> Taken:
        """Return the command that accepts as much as possible.

        Args:
            names: Addresses of resources and fields that differ.
        """
        meant = [name for text in names if (name := self._meant(Address.parse(text))) is not None]
        addresses = {str(name): name for name in meant}
        found = [one for name in addresses.values() for one in self._at(name)]
        found = list({id(one): one for one in found}.values())
        tried = [(at, *self._tried(found, addresses, at)) for at in self._where()]
        at, kept, refused = max(tried, key=lambda one: len(one[1]))
        named, omitted = self._shortened(kept, addresses)
        return Taken((*named, *_option(at)) if named else (), refused, tuple(omitted))

    def _where(self) -> Sequence[At]:
        return _WHERE if len(self._environments) > 1 else _WHERE[:1]

    def _meant(self, name: Address) -> Address | None:
        """Return a name, or that of the missing resource that contains it; None if nothing differs there."""
        for end in range(1, len(name.parts)):
            above = Address(name.parts[:end])
            if any(not one.item.path for one in self._by_address.get(above, ())):
                return above
        return name if self._at(name) else None

    def _at(self, name: Address) -> Sequence[Candidate]:
        """Return what differs in the resource of a name."""
        ends = range(len(name.parts), 0, -1)
        return next((found for end in ends if (found := self._by_address.get(Address(name.parts[:end])))), ())

    def _tried(
        self, found: Sequence[Candidate], names: Mapping[str, Address], at: At
    ) -> tuple[list[str], Mapping[str, str]]:
        """Return the names that one command takes, and why it refuses the others."""
        kept, refused = list(names), dict[str, str]()
        while kept:
            chosen, _ = choose(found, [names[name] for name in kept], self._config)
            refusals = self._refusals([one.item for one in chosen], at)
            if not refusals:
                break
            for one in refusals:
                whole = f"{one.address}.{one.path}" if one.path else one.address
                refused |= {name: self._sentence(name, one) for name in kept if name in {whole, one.address}}
            if not refused.keys() & set(kept):  # of a field that belongs to none of the names
                refused |= {name: self._sentence(name, refusals[0]) for name in kept}
            kept = [name for name in kept if name not in refused]
        return kept, refused

    def _refusals(self, items: Sequence[Item], at: At) -> Sequence[Refusal]:
        _, refused = build_groups(items, self._files, self._environments, self._own.name, at, self._variables)
        return refused

    def _sentence(self, name: str, refusal: Refusal) -> str:
        place = self._places.get(name)
        hint = "" if refusal.hint.startswith("change it by hand") else f"; {refusal.hint}"
        return refusal.reason + (f" ({place})" if place is not None else "") + hint

    # --- many names ---------------------------------------------------------------------------------------------------

    def _shortened(self, names: Sequence[str], addresses: Mapping[str, Address]) -> tuple[list[str], list[str]]:
        """Return at most `_MOST_NAMED` names that mean the same, and the names that these leave out."""
        found = list(names)
        if len(found) <= _MOST_NAMED:
            return found, []
        own = {addresses[name] for name in names}
        others: Counter[tuple[str, ...]] = Counter()
        for one in self._candidates:
            address = one.item.address
            whole = address.child(*one.item.path.split(".")) if one.item.path else address
            if whole not in own:
                others.update(address.parts[:end] for end in range(1, len(address.parts) + 1))
        settings = {one.item.address for one in self._candidates if one.item.kind.singleton}
        short = {name: self._covering(addresses[name], others, settings) for name in names}
        for steps in range(1, max(map(len, short.values()))):
            found = list(dict.fromkeys(str(ways[min(steps, len(ways) - 1)]) for ways in short.values()))
            if len(found) <= _MOST_NAMED:
                return found, []
        kept = set(found[:_MOST_NAMED])
        return found[:_MOST_NAMED], [name for name in names if str(short[name][-1]) not in kept]

    @staticmethod
    def _covering(
        name: Address, others: Mapping[tuple[str, ...], int], settings: Collection[Address]
    ) -> Sequence[Address]:
        """Return a name, and the shorter ones whose differences are all wanted.

        The name of a block of settings also means what is not declared in it, which a plan does not read.
        """
        above = (Address(name.parts[:end]) for end in range(len(name.parts) - 1, 1, -1))
        return [name, *(one for one in above if one.parts not in others and one not in settings)]

    # --- unmanaged ----------------------------------------------------------------------------------------------------

    def added(self, name: str, kind_name: str) -> tuple[str, ...]:
        """Return the words that add an unmanaged resource.

        Args:
            name: Its address.
            kind_name: Its kind.
        """
        words = ("--unmanaged", name)
        kind = next((kind for kind in KINDS if kind.name == kind_name), None)
        try:
            address = Address.parse(name)
        except AddressError:
            return words
        if kind is None:
            return words
        for at in self._where():
            if not self._refusals([Item("add", address, kind, data={"sid": name})], at):
                return (*words, *_option(at))
        return words


def _option(at: At) -> tuple[str, ...]:
    return ("--at", at) if at else ()
