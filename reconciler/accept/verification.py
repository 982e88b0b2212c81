"""Checks that edits changed what they should and nothing else, by comparing the configurations before and after."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from reconciler.accept.model import Subject
from reconciler.address import Address
from reconciler.config.model import Config, Declared


def unexpected(environment: str, before: Config, after: Config, allowed: Collection[Subject]) -> Iterator[str]:
    """Yield what changed although it should not have, as sentences.

    Args:
        environment: The environment; empty for none.
        before: The configuration before the edits.
        after: The configuration after them.
        allowed: What may change.
    """
    where = f" in environment {environment}" if environment else ""
    paths: dict[Address, set[str]] = {}
    for name, address, path in allowed:
        if name == environment:
            paths.setdefault(address, set()).add(path)
    whole = {address for address, own in paths.items() if "" in own}

    def is_whole(address: Address) -> bool:
        return bool(whole) and any(Address(address.parts[:end]) in whole for end in range(1, len(address.parts) + 1))

    for address in dict.fromkeys([*before.resources, *after.resources]):
        one, other = before.resources.get(address), after.resources.get(address)
        if is_whole(address):
            continue
        fields = paths.get(address, set())
        if one is None or other is None:
            if not (one is None and fields):
                yield f"{address} would be {'added' if one is None else 'removed'}{where}"
            continue
        for path in _changed(one, other):
            if path not in fields:
                yield f"{address.child(*path.split('.'))} would change{where}"
    if _settings(before, is_whole) != _settings(after, is_whole):
        yield f"settings of the configuration would change{where}"


def _changed(one: Declared, other: Declared) -> Iterator[str]:
    if one.values is other.values:
        return
    for path in dict.fromkeys([*one.values, *other.values]):
        first, second = one.values.get(path), other.values.get(path)
        if first is None or second is None or first.content != second.content or first.sensitive != second.sensitive:
            yield path
    rest = ("pin", "absent", "renamed_from", "lifecycle", "sensitive")
    if any(getattr(one, name) != getattr(other, name) for name in rest):
        yield "lifecycle"


def _settings(config: Config, is_whole: Callable[[Address], bool]) -> tuple[object, ...]:
    """Return the settings of the configuration, without those that are written inside a resource that may change."""
    return (
        config.account_sid,
        config.environments,
        {address: (item.match, item.keep) for address, item in config.prune.items() if not is_whole(address)},
        config.limits,
        [(item.address, item.action) for item in config.approvals],
        config.unmanaged_ignore,
        dict(config.on_removal),
        [item.address for item in config.removed],
    )
