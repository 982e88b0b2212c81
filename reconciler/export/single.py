"""One live resource as the keys of its block, for a configuration that people wrote. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from reconciler.address import Address
from reconciler.config.interpolation_syntax import escape
from reconciler.export.exclusions import Exclusions, FieldKey
from reconciler.export.existing import ExistingFiles
from reconciler.export.trees import TreeWriter
from reconciler.export.yaml_writer import Data, Literal, Tree, Writable
from reconciler.state import Live, State


def single(
    state: State, live: Live, addresses: Mapping[str, Address], secrets: Mapping[str, str]
) -> tuple[Address | None, Mapping[str, Writable], tuple[str, ...]]:
    """Write one resource.

    Args:
        state: The account.
        live: The resource.
        addresses: The addresses of the resources that the configuration declares, by SID.
        secrets: The values of the secrets that it uses, by name.

    Returns:
        Its address, with a handle that the configuration does not have; None if an export would leave it out. Its keys
        with their values, and sentences on what is left out.
    """
    writer = TreeWriter(state, ExistingFiles(addresses, secrets=secrets), Exclusions())
    address = writer.naming.addresses.get(live.sid)
    if address is None:
        return None, {}, ()
    tree = writer.resource(live)
    return address, _plain(tree), tuple(tree.comments)


def _plain(tree: Tree[FieldKey]) -> dict[str, Writable]:
    keys: dict[str, Writable] = {}
    for written in tree.keys:
        match written.value:
            case Tree():
                keys[written.key] = _plain(written.value)
            case Literal():
                keys[written.key] = _read(written.value)
            case Data():
                keys[written.key] = _escaped(written.value.value)
            case tuple():
                keys[written.key] = [
                    _read(item) if isinstance(item, Literal) else escape(item) for item in written.value
                ]
            case str():
                keys[written.key] = escape(written.value)
    return keys


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
