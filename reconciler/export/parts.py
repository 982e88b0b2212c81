"""Live resources as keys and values, for a configuration that people wrote. Pure.

Takes a `State` and the parts of the existing files that count; returns each resource as a `Part`: as data instead of
text, because the files decide the form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import yaml

from reconciler.address import Address
from reconciler.config.interpolation_syntax import escape
from reconciler.export.exclusions import Exclusions, FieldKey
from reconciler.export.existing import ExistingFiles
from reconciler.export.settling import settle
from reconciler.export.trees import TreeWriter
from reconciler.export.yaml_writer import Data, Literal, Tree, Writable, comment_lines
from reconciler.lazy_dataclass import dataclass
from reconciler.state import Live, State

_WIDTH = 100
"""Columns of a comment."""
_SEALED = "sealed"
"""The key that an export adds to complete services: whether undeclared settings are cleared is for people to decide."""


class Block(dict[str, Writable]):
    """A mapping with comments.

    Attributes:
        comments: The lines above each key; those of the empty key are at the beginning.
    """

    comments: Mapping[str, tuple[str, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Part:
    """A resource.

    Attributes:
        address: Its address, with a handle that the configuration does not have.
        data: Its keys with their values.
        left_out: Sentences on the values that its data lack.
        pinned: The addresses that only their SID identifies.
    """

    address: Address
    data: Block
    left_out: tuple[str, ...] = ()
    pinned: tuple[Address, ...] = ()


class PartWriter:
    """Writes parts of an account.

    Args:
        state: The account.
        existing: The addresses and secrets of the existing files.
        scope: SIDs of the resources to write, and of those that these refer to or are in; None for all.
    """

    def __init__(self, state: State, existing: ExistingFiles, scope: frozenset[str] | None = None) -> None:
        # The values that no file can contain are found by attempts; a single part is checked where it is used.
        exclusions = settle(state, existing, scope)[0].writer.exclusions if scope is not None else Exclusions()
        self._writer = TreeWriter(state, existing, exclusions, scope=scope)
        self._settings: dict[str, Block] = {}

    @property
    def secrets(self) -> frozenset[str]:
        """The names of the secrets that the parts so far use and the existing files do not."""
        return frozenset({*self._writer.values.secrets.values(), *self._writer.values.looked_up})

    def part(self, live: Live, *, whole: bool = True) -> Part | None:
        """Write a resource.

        Args:
            live: The resource.
            whole: Whether the resources inside it are written, too.

        Returns:
            None if an export leaves it out.
        """
        address = self._writer.naming.addresses.get(live.sid)
        if address is None:
            return None
        tree = self._writer.member(live) if whole else self._writer.resource(live)
        tree.keys = [written for written in tree.keys if written.key != _SEALED]
        left_out = tuple(f"{place}: {text}" for place, text in _comments(address, tree))
        pinned = tuple(
            inner
            for sid, inner in self._writer.naming.addresses.items()
            if inner.is_within(address) and (found := self._writer.state.get(sid)) and self._writer.naming.pin(found)
        )
        return Part(address, _block(tree), left_out, pinned)

    def settings(self, live: Live) -> Block:
        """Write the values of a singleton."""
        if live.sid not in self._settings:
            self._settings[live.sid] = _block(self._writer.resource(live))
        return self._settings[live.sid]


def _comments(address: Address, tree: Tree[FieldKey]) -> Iterator[tuple[Address, str]]:
    yield from ((address, text) for text in tree.comments)
    for written in tree.keys:
        if isinstance(written.value, Tree):
            yield from _comments(address.child(written.key), written.value)


def _block(tree: Tree[FieldKey]) -> Block:
    block = Block()
    comments = {"": tuple(comment_lines(tree.comments, _WIDTH))}
    for written in tree.keys:
        comments[written.key] = tuple(comment_lines(written.comments, _WIDTH))
        match written.value:
            case Tree():
                block[written.key] = _block(written.value)
            case Literal():
                block[written.key] = _read(written.value)
            case Data():
                block[written.key] = _escaped(written.value.value)
            case tuple():
                block[written.key] = [
                    _read(item) if isinstance(item, Literal) else escape(item) for item in written.value
                ]
            case str():
                block[written.key] = escape(written.value)
    block.comments = comments
    return block


def _read(literal: Literal) -> str | int | bool:
    """Return the value of text that is YAML already; what it interpolates stays."""
    value: str | int | bool = yaml.safe_load(literal.text)
    return value


def _escaped(value: Writable) -> Writable:
    match value:
        case str():
            return escape(value)
        case Literal():
            return _read(value)
        case Mapping():
            return {escape(key): _escaped(item) for key, item in value.items()}
        case list() | tuple():
            return [_escaped(item) for item in value]
        case _:
            return value
