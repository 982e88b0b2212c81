"""What the ways out of a drift and of a plan share: the commands, and how an unmanaged resource is adopted or deleted.

Takes parts of documents, and functions that write commands; returns text. Does no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

from reconciler.address import Address, AddressError, looks_like_sid
from reconciler.config import paste
from reconciler.documents.parts import UnmanagedPart
from reconciler.kinds import KINDS
from reconciler.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from reconciler.documents.drift import DriftField
    from reconciler.documents.parts import FieldPart
    from reconciler.json_text import Json

Takes: TypeAlias = Literal["certainly", "perhaps", "never"]
CommandLine: TypeAlias = Callable[[Sequence[str]], str]
"""Writes a command with these words."""


@dataclass(frozen=True, slots=True)
class Commands:
    """The commands that the ways out use, each with the path and the options of the command that ran."""

    accept: CommandLine
    apply: CommandLine
    drift: CommandLine


def takes(field: FieldPart | DriftField, live: Json) -> Takes:
    """Return whether `accept` takes a field: certainly, perhaps (its value comes from a variable), or never.

    Args:
        field: The field.
        live: Its live value, in one of the forms of `reconciler.documents.values`.
    """
    if field.sensitive or (isinstance(live, dict) and "json" not in live):
        return "never"
    via = "" if field.source is None else field.source.via
    return "perhaps" if any(part.startswith("variable ") for part in via.split(", ")) else "certainly"


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
    return commands.accept(["--unmanaged", part.address])
