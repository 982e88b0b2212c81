"""What identifies a declared resource: the values by which another configuration declares the same one. Pure.

Takes declared resources; finds the one that is the same as a resource of another configuration, and gives resources
their present addresses.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from reconciler.address import Address
from reconciler.config.model import Declared, Reference, Unknown

ContentT = TypeVar("ContentT")


class Identities:
    """The declared resources of a configuration, by their identifying values.

    Args:
        resources: The resources.

    Attributes:
        resources: The same, by address.
    """

    def __init__(self, resources: Iterable[Declared]) -> None:
        self.resources: Mapping[Address, Declared] = {declared.address: declared for declared in resources}
        self._by_key: dict[Hashable, Address] = {}
        for declared in self.resources.values():
            for key in _keys(declared, declared.parent):
                self._by_key.setdefault(key, declared.address)

    def same_resource(self, declared: Declared, parent: Address | None, home: Address) -> Address | None:
        """Find the declared resource with the same identity; the one under the same handle comes first.

        Args:
            declared: A resource of another configuration.
            parent: The present address of its container.
            home: The address that it has here if its handle is the same.
        """
        at_home = self.resources.get(home)
        if at_home is not None and is_same(declared, parent, at_home):
            return home
        return next((self._by_key[key] for key in _keys(declared, parent) if key in self._by_key), None)


def is_same(declared: Declared, parent: Address | None, present: Declared) -> bool:
    """Return whether a resource of another configuration is a declared one, beside which it is."""
    if declared.kind.singleton:
        return True
    return not set(_keys(declared, parent)).isdisjoint(_keys(present, parent))


def identity_of(declared: Declared, parent: Address | None) -> frozenset[Hashable]:
    """Return what identifies a resource, by the present address of its container."""
    return frozenset([(declared.kind.name, parent)] if declared.kind.singleton else _keys(declared, parent))


def address_in(declared: Declared, parent: Address | None, handle: Address) -> Address:
    """Return the address of a resource under a parent.

    Args:
        declared: The resource.
        parent: The address of its container.
        handle: An address that ends in its handle.
    """
    above = parent.parts if parent is not None else ()
    depth = len(declared.kind.section) + (0 if declared.kind.singleton else 1)
    return Address((*above, *handle.parts[-depth:]))


def _keys(declared: Declared, parent: Address | None) -> Iterable[Hashable]:
    """Return the identity of a resource: its pin, its natural key and type, or for a kind without names its content."""
    kind = declared.kind
    if kind.singleton:
        return
    if declared.pin is not None:
        yield (kind.name, parent, "pin", declared.pin)
    if kind.match_by_content:
        contents = {path: value.content for path, value in declared.values.items()}
        if not any(isinstance(content, (Unknown, Reference)) for content in contents.values()):
            compared = {path: kind.by_path[path].comparable(content) for path, content in contents.items()}
            yield (kind.name, parent, "content", tuple(sorted(compared.items())))
    elif declared.natural_key:
        of_type = declared.values.get(kind.discriminator)
        yield (kind.name, parent, "name", declared.natural_key, of_type.content if of_type is not None else None)


def moved(declared: Declared, mapping: Mapping[Address, Address]) -> Declared:
    """Return the same resource with present addresses, also in its references."""
    values = {
        path: replace(value, content=moved_content(value.content, declared.address, mapping))
        if isinstance(value.content, Reference)
        else value
        for path, value in declared.values.items()
    }
    parent = mapping.get(declared.parent, declared.parent) if declared.parent is not None else None
    return replace(declared, address=mapping[declared.address], parent=parent, values=values)


def moved_content(content: ContentT, owner: Address, mapping: Mapping[Address, Address]) -> ContentT | Reference:
    """Return the same content with the present address of the resource it refers to."""
    if not isinstance(content, Reference) or content.is_by_name:
        return content
    if content.address in mapping:
        return replace(content, address=mapping[content.address])
    if content.built_in:
        # A built-in role is not declared: its address is built from that of its service.
        service = mapping.get(owner.root, owner.root)
        return replace(content, address=Address((*service.parts, *content.address.parts[len(service.parts) :])))
    return content
