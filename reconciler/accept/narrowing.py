"""Values inside JSON that the user named: of a field that differs, only they are accepted.

Takes chosen differences and the names; returns the differences with the value that the field is to get.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from reconciler.accept.model import Item
from reconciler.accept.values import same
from reconciler.address import Address
from reconciler.config.model import Config
from reconciler.kinds.fields import Shape


def whole_field(name: Address, config: Config) -> Address:
    """Return the JSON field for the name of a value inside it, as a drift shows it; any other name as it is."""
    for end in range(1, len(name.parts)):
        declared = config.resources.get(Address(name.parts[:end]))
        path = name.parts[end:]
        for length in range(1, len(path)):
            field = declared.kind.by_path.get(".".join(path[:length])) if declared is not None else None
            if field is not None and field.shape is Shape.JSON:
                return Address(name.parts[: end + length])
    return name


def narrowed(item: Item, names: Iterable[Address]) -> Item | None:
    """Return a difference with only the named inner values of the account; None if they do not differ.

    Args:
        item: The difference.
        names: What the user named.
    """
    field = item.address.child(*item.path.split(".")) if item.path else item.address
    inner = [name.parts[len(field.parts) :] for name in names if name.is_within(field) and name != field]
    if not inner or any(field.is_within(name) for name in names):
        return item
    content = item.declared
    for path in inner:
        content = _with(content, item.content, path)
    if same(content, item.declared):
        return None
    return item if same(content, item.content) else replace(item, content=content, is_part=True)  # type: ignore[arg-type]


def unknown_names(names: Iterable[Address], items: Iterable[Item], config: Config) -> list[Address]:
    """Return the names of values inside JSON that neither the configuration nor the account has.

    Args:
        names: What the user named.
        items: All differences.
        config: The configuration.
    """
    live = {item.address.child(*item.path.split(".")): item.content for item in items if item.path}
    found: list[Address] = []
    for name in names:
        field = whole_field(name, config)
        if field == name:
            continue
        sides = (_declared(field, config), live.get(field))
        if not any(_has(side, name.parts[len(field.parts) :]) for side in sides):
            found.append(name)
    return found


def _declared(field: Address, config: Config) -> object:
    for end in range(1, len(field.parts)):
        declared = config.resources.get(Address(field.parts[:end]))
        value = declared.values.get(".".join(field.parts[end:])) if declared is not None else None
        if value is not None:
            return value.content
    return None


def _has(content: object, path: Sequence[str]) -> bool:
    for key in path:
        if not isinstance(content, Mapping) or key not in content:
            return False
        content = content[key]
    return True


def _with(declared: object, live: object, path: Sequence[str]) -> object:
    """Return a declared value with one of its inner values as the account has it."""
    if not path:
        return live
    declared = {} if declared is None else declared
    if not isinstance(declared, Mapping) or not isinstance(live, Mapping):
        # One side has no such value because it has something else in its place.
        return live
    key = path[0]
    if key not in live:
        return {name: value for name, value in declared.items() if name != key}
    return {**declared, key: _with(declared.get(key), live[key], path[1:])}
