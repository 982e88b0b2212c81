"""What to accept, what is refused, and the edits that accept it. Plain data."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import field
from typing import Literal, TypeAlias

from reconciler.accept.splice import Edit
from reconciler.accept.writing import Value
from reconciler.address import Address
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content
from reconciler.lazy_dataclass import dataclass

At: TypeAlias = Literal["", "template", "overlay", "base"]
"""Where to write a value that several resources or environments share; empty to refuse that."""
Subject: TypeAlias = "tuple[str, Address, str]"
"""A value: the environment, the address, and the path of the field; an empty path for the whole resource."""


@dataclass(frozen=True, slots=True, repr=False)
class Item:
    """One difference to accept.

    Attributes:
        action: Whether a field takes its live value, a resource that does not exist is removed from the files, or a
            resource that they lack is added.
        address: The resource; for a new one, the address that it gets.
        kind: Its kind.
        path: The field; empty for a whole resource.
        content: The live value, with references as the files write them.
        declared: The declared value, for JSON and sets.
        data: The keys of a new resource; of an added field, its last key with the value.
        hidden: Why the value is never written; empty if it may be written.
        unit: The field whose other value decides which of these fields the resource has: all of them are accepted, or
            none; empty for a field of its own.
        is_dropped: Whether the key is removed, because the live resource has no such value.
        is_part: Whether only some inner values of the field are accepted, so that the content is not the live value.
    """

    action: Literal["set", "remove", "add"]
    address: Address
    kind: Kind
    path: str = ""
    content: Content = None
    declared: object = None
    data: Mapping[str, Value] = field(default_factory=dict)
    hidden: str = ""
    unit: str = ""
    is_dropped: bool = False
    is_part: bool = False

    @property
    def name(self) -> str:
        """The address with the field."""
        return str(self.address.child(*self.path.split("."))) if self.path else str(self.address)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A difference that is not accepted.

    Attributes:
        address: The resource, as text.
        path: The field; empty for a whole resource.
        reason: Why, as a sentence without a period.
        hint: How to accept it nevertheless, as a clause.
        is_nameable: Whether it is accepted if it is named.
    """

    address: str
    path: str
    reason: str
    hint: str
    is_nameable: bool = False

    @property
    def name(self) -> str:
        """Its name in commands."""
        address = Address.parse(self.address)
        return str(address.child(*self.path.split(".")) if self.path else address)


class RefusedError(Exception):
    """A difference cannot be accepted.

    Args:
        reason: Why.
        hint: How to accept it nevertheless.
    """

    def __init__(self, reason: str, hint: str) -> None:
        self.reason, self.hint = reason, hint
        super().__init__(reason)

    def of(self, item: Item) -> Refusal:
        """Return the refusal of an item."""
        return Refusal(str(item.address), item.path, self.reason, self.hint)


class SharedError(RefusedError):
    """A difference cannot be accepted unless an option says where to write what others use, too.

    Args:
        reason: Why.
        choices: What each value of the option ``--at`` would do, as an infinitive. Without a value, only the first one.
        otherwise: What to do without the option, as a clause; empty if only the option helps.
    """

    def __init__(self, reason: str, choices: Mapping[At, str], otherwise: str = "") -> None:
        self.choices, self.otherwise = choices, otherwise
        super().__init__(reason, self.offering(choices))

    def offering(self, found: Collection[At]) -> str:
        """Return the hint with some of the values."""
        offered = [f"--at {at} {does}" if at else does for at, does in self.choices.items() if at in found]
        if offered:
            offered[0] = f"use {offered[0]}" if offered[0].startswith("--at") else f"accept without --at {offered[0]}"
        return ", or ".join([*offered, *([self.otherwise] if self.otherwise else [])])


@dataclass(frozen=True, slots=True)
class InFile:
    """An edit of a value that is in a file.

    Attributes:
        file: The path of the file, relative to the root file's folder.
        edit: The edit.
    """

    file: str
    edit: Edit


@dataclass(frozen=True, slots=True)
class Addition:
    """A key to add, together with the keys above it that a file lacks.

    Attributes:
        file: The path of the file.
        parts: The keys from the top of the file.
        value: The value.
    """

    file: str
    parts: tuple[str, ...]
    value: Value


@dataclass(frozen=True, slots=True)
class Creation:
    """A file to create.

    Attributes:
        file: The path of the file.
        like: The path of a file of its kind, whose line breaks and first comment it gets.
        parts: The keys from the top of the file.
        value: The value.
    """

    file: str
    like: str
    parts: tuple[str, ...]
    value: Value


Op: TypeAlias = InFile | Addition | Creation


@dataclass(slots=True)
class Group:
    """Edits that belong together: all of them are made, or none.

    Attributes:
        items: The differences that they accept.
        ops: The edits.
        allowed: The values that they change on purpose.
    """

    items: list[Item] = field(default_factory=list)
    ops: list[Op] = field(default_factory=list)
    allowed: set[Subject] = field(default_factory=set)
