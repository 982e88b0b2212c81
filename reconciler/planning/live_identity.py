"""What identifies a live resource for another configuration, which may pin it, or give it another handle. Pure.

Takes a resource that the baseline declared, and the account; gives its identity, and those of its containers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.address import Address
from reconciler.config.model import Declared
from reconciler.kinds.relations import account_default_of
from reconciler.state import Live, State


@dataclass(frozen=True, slots=True)
class LiveIdentity:
    """What identifies a live resource among its neighbors, as any configuration may write it.

    Attributes:
        kind: The name of its kind.
        pins: The pins that identify it: its SID, and ``default`` for a service that is, or may be, the default one.
        names: Its natural keys, in the account and in the baseline; empty for a kind without names.
    """

    kind: str
    pins: frozenset[str]
    names: frozenset[str]

    def is_declared_as(self, declared: Declared) -> bool:
        """Return whether a declaration among the same neighbors means this resource, or may mean it."""
        if declared.kind.name != self.kind:
            return False
        if declared.pin is not None:
            return declared.pin in self.pins
        return declared.natural_key in self.names or not (declared.natural_key and self.names)


def lineage_of(lineage: Iterable[Declared], live: Mapping[Address, Live], state: State) -> Iterator[LiveIdentity]:
    """Yield the identity of each resource of a lineage.

    Args:
        lineage: A declared resource behind everything that contains it, outermost first.
        live: The live resource at each address.
        state: The account.
    """
    for declared in lineage:
        found = live.get(declared.address)
        pins = {pin for pin in (declared.pin, None if found is None else found.sid) if pin}
        default = state.default_service_sid
        if account_default_of(declared.kind) is not None and (not default or default in pins):
            pins.add("default")
        names = {declared.natural_key, "" if found is None else found.name}
        yield LiveIdentity(declared.kind.name, frozenset(pins), frozenset(names - {""}))
