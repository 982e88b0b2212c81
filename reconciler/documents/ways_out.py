"""What the ways out of a drift and of a plan share: the commands, and how an unmanaged resource is adopted or deleted.

Takes parts of documents, and functions that write commands; returns text. Does no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Protocol, TypeAlias

from reconciler.address import Address, AddressError, looks_like_sid
from reconciler.config import paste
from reconciler.documents.parts import UnmanagedPart
from reconciler.kinds import KINDS
from reconciler.lazy_dataclass import dataclass

OUTDATED = frozenset({"ledger-behind", "older-commit"})
"""Warnings that the clone is to be updated before anything else: no command would do what it says."""

CommandLine: TypeAlias = Callable[[Sequence[str]], str]
"""Writes a command with these words."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The differences that one `accept` takes.

    Attributes:
        words: The names and the options to give it; empty if it takes nothing.
        refused: Why it refuses a name, and what to do instead.
        omitted: The names that would make the command too long.
    """

    words: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    omitted: tuple[str, ...] = ()


class Accepting(Protocol):
    """Knows what `accept` takes."""

    def taken(self, names: Sequence[str]) -> Taken:
        """Return the command that accepts as much as possible of some resources and fields that differ."""

    def added(self, name: str, kind_name: str) -> tuple[str, ...]:
        """Return the words that add an unmanaged resource of a kind."""


@dataclass(frozen=True, slots=True)
class Commands:
    """The commands that the ways out use, each with the path and the options of the command that ran."""

    accept: CommandLine
    apply: CommandLine
    drift: CommandLine
    accepting: Accepting

    def accepted(self, names: Sequence[str]) -> tuple[str, Taken]:
        """Return the command that accepts as much as possible of some resources and fields; empty if it takes none."""
        taken = self.accepting.taken(names)
        return self.accept(taken.words) if taken.words else "", taken


def by_hand(address: str, taken: Taken) -> str:
    """Return the fields of a resource that `accept` leaves out, each with the reason and what to do instead."""
    left = [f"{name.removeprefix(f'{address}.')}: {why}" for name, why in taken.refused.items()]
    return "; ".join([*left, *(name.removeprefix(f"{address}.") for name in taken.omitted)])


def deletion(part: UnmanagedPart) -> str:
    """Return YAML that deletes an unmanaged resource; empty if there is none.

    The part may come from a saved document, whose address may be anything.
    """
    kind = next((kind for kind in KINDS if kind.name == part.kind), None)
    try:
        address = Address.parse(part.address)
    except AddressError:
        return ""
    if kind is None or not kind.deletable or part.is_default or any(map(looks_like_sid, address.collection.parts)):
        return ""
    return paste.deletion(address, part.name, part.sid)


def adopted(part: UnmanagedPart, commands: Commands) -> str:
    """Return the command that adds an unmanaged resource to the configuration."""
    return commands.accept(commands.accepting.added(part.address, part.kind))
