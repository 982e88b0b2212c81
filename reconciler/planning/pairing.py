"""Matches the resources of two configurations with each other.

Takes two `Config`s; returns `Pairs`. Pure; compares only the values that identify a resource.

Configurations of one account are paired by natural keys and pins, as `match` pairs a configuration with an account.
Those of two accounts are paired by address, because their names and SIDs differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import cast

from reconciler.address import Address
from reconciler.config.model import Config, Declared, Reference, Unknown, Value
from reconciler.kinds import BY_NAME
from reconciler.kinds.fields import Content, Field, Shape
from reconciler.kinds.relations import account_defaults
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.desired import Desired
from reconciler.planning.match import Matching, match
from reconciler.state import Live, State

_TEXTS = frozenset({Shape.TEXT, Shape.URL, Shape.SID, Shape.ENUM})


@dataclass(frozen=True, slots=True)
class Pairs:
    """The resources of two configurations, matched with each other.

    Attributes:
        before: the resources that the first configuration declares present, by address.
        after: the resources that the second declares present, by address.
        absent: the resources that the second declares absent, by address.
        former: the address in the first of each resource of the second that exists there, absent ones included.
        likely: for resources of the second that are new, resources of the first that are probably the same ones under
            a former name.
        sids: addresses in the first by SID, if either configuration contains the SID.
    """

    before: Mapping[Address, Declared]
    after: Mapping[Address, Declared]
    absent: Mapping[Address, Declared]
    former: Mapping[Address, Address] = field(default_factory=dict)
    likely: Mapping[Address, Address] = field(default_factory=dict)
    sids: Mapping[str, Address] = field(default_factory=dict)

    def counterpart(self, item: Declared) -> Declared | None:
        """Return the counterpart in the first configuration of a resource of the second; None if it is new."""
        address = self.former.get(item.address)
        return None if address is None else self.before.get(address)


def pair(before: Config, after: Config, *, one_account: bool) -> Pairs:
    """Find the counterpart of every resource.

    Args:
        before: the first configuration.
        after: the second one.
        one_account: whether both are for the same account.
    """
    old = {declared.address: declared for declared in Desired.of(before).present}
    desired = Desired.of(after)
    new = {declared.address: declared for declared in desired.present}
    gone = {declared.address: declared for declared in desired.absent}
    if not one_account:
        same = {address: address for address, item in {**new, **gone}.items() if _is_at(old, address, item)}
        return Pairs(old, new, gone, same)
    candidates = _Candidates(old, after)
    matching = candidates.matching()
    named = {candidates.ids[address]: address for address in old}
    return Pairs(
        before=old,
        after=new,
        absent=gone,
        former={address: named[live.sid] for address, live in matching.live.items()},
        likely={address: named[live.sid] for address, live in matching.former.items()},
        sids={pin: address for pin, address in named.items() if pin in candidates.pins},
    )


def _as_live(values: Mapping[str, Content | Reference | Unknown]) -> Mapping[str, Content]:
    """Return declared contents as if they were live; a reference or an unknown equals only the same one."""
    return cast("Mapping[str, Content]", values)


def as_written(field: Field, content: Content | Reference | Unknown) -> Content | Reference | Unknown:
    """Return an unknown content as its text in the configuration if the field takes text."""
    if isinstance(content, Unknown) and content.written:
        return content.written if field.shape in _TEXTS else Unknown(content.written, content.written)
    return content


def _is_at(old: Mapping[Address, Declared], address: Address, item: Declared) -> bool:
    return address in old and old[address].kind == item.kind


class _Candidates:
    """The resources of the first configuration, as candidates for those of the second.

    A resource is identified by its pin or, without one, by its address: a configuration knows no other identity.
    """

    def __init__(self, old: Mapping[Address, Declared], after: Config) -> None:
        self.old = old
        self.after = after
        self.ids: dict[Address, str] = {}
        self.pins: set[str] = set()
        self.default = ""
        self._identify()

    def _identify(self) -> None:
        pinned = {item.pin for item in self.old.values()}
        for address, item in self.old.items():
            there = self.after.resources.get(address)
            pins = [item.pin, there.pin if there is not None and there.pin not in pinned and item.pin is None else None]
            pin = next((pin for pin in pins if pin is not None and pin != "default"), "")
            self.ids[address] = pin or str(address)
            if pin:
                self.pins.add(pin)
            if "default" in pins:
                self.default = self.ids[address]
        for name, path in account_defaults():
            configuration = self.old.get(Address(BY_NAME[name].section))
            chosen = configuration.values.get(path) if configuration is not None else None
            if not self.default and chosen is not None and isinstance(chosen.content, Reference):
                self.default = self.ids.get(chosen.content.address, "")

    def matching(self) -> Matching:
        known = {*self.ids.values(), *(["default"] if self.default else [])}
        # A pin that the first does not contain would be reported as dead; only the account shows whether it is.
        asked = {
            address: _recognisable(item)
            for address, item in self.after.resources.items()
            if item.pin is None or item.pin in known
        }
        state = State(account_sid="", default_service_sid=self.default, resources=map(self._live, self.old.values()))
        return match(replace(self.after, resources=asked), state)

    def _live(self, item: Declared) -> Live:
        values = {path: value.content for path, value in _recognisable(item).values.items()}
        key = item.kind.natural_key
        there = self.after.resources.get(item.address)
        if key and key not in values and there is not None and there.pin is None and key in there.values:
            # Matched by a pin that the second no longer has.
            values[key] = _recognisable(there).values[key].content
        return Live(item.kind, self.ids[item.address], self._parents(item), _as_live({**item.derived, **values}))

    def _parents(self, item: Declared) -> tuple[str, ...]:
        if item.parent is None:
            return ()
        return (*self._parents(self.old[item.parent]), self.ids[item.parent])


def _recognisable(item: Declared) -> Declared:
    """Return a resource whose unknown contents are texts and words that can be compared."""
    values = {}
    for path, value in item.values.items():
        field = item.kind.by_path[path]
        content = as_written(field, value.content)
        if isinstance(content, Unknown):
            content = (content.written,) if field.shape is Shape.SET else None
        values[path] = Value(content, value.place)
    return replace(item, values=values)
