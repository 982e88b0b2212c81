"""The part of an account that an export is narrowed to. Pure.

Takes addresses, whose parts may be handles, natural keys, or SIDs; returns the SIDs of the selected resources, of
everything below them, of their parents, and of the resources that they refer to, with parents and references.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from reconciler.address import Address
from reconciler.config import paste
from reconciler.config.similar import closest_address
from reconciler.errors import UsageError
from reconciler.kinds import ACCOUNT, BY_NAME, KINDS
from reconciler.kinds.base import Kind
from reconciler.kinds.markers import Ref
from reconciler.kinds.relations import long_collections
from reconciler.state import Live, State

Path: TypeAlias = "tuple[frozenset[str], ...]"
"""The address of a resource, each part in every form: the handle, the natural key, the SID."""


def paths(state: State, addresses: Mapping[str, Address]) -> dict[str, Path]:
    """Return the path of each live resource, by SID.

    Args:
        state: The account.
        addresses: The address of each resource that has a handle, by SID.
    """
    found: dict[str, Path] = {}
    for live in sorted(state, key=lambda live: len(live.parents)):
        if not live.parents or live.parents[-1] in found:
            above = found[live.parents[-1]] if live.parents else ()
            found[live.sid] = (*above, *_sections(live.kind), *_handle(live, addresses.get(live.sid)))
    return found


def _sections(kind: Kind) -> Iterator[frozenset[str]]:
    return (frozenset({part}) for part in kind.section)


def _handle(live: Live, address: Address | None) -> Iterator[frozenset[str]]:
    if not live.kind.singleton:
        yield frozenset(filter(None, (live.sid, live.name, address.parts[-1] if address is not None else "")))


def is_within(path: Path, target: Address) -> bool:
    """Return whether a resource is selected by a target, or below one that is."""
    return len(path) >= len(target.parts) and _agree(path, target)


def overlaps(path: Path, target: Address) -> bool:
    """Return whether a resource is selected by a target, or contains what is."""
    return _agree(path, target)


def _agree(path: Path, target: Address) -> bool:
    return all(part in names for part, names in zip(target.parts, path, strict=False))


def select(state: State, addresses: Mapping[str, Address], targets: Sequence[Address]) -> frozenset[str]:
    """Return the SIDs that targets select.

    Args:
        state: The account.
        addresses: The address of each resource that has a handle, by SID.
        targets: The addresses.

    Raises:
        UsageError: One of them matches nothing.
    """
    known = paths(state, addresses)
    selected: set[str] = set()
    for target in targets:
        within = {sid for sid, path in known.items() if is_within(path, target)}
        if not within and not _is_collection(target):
            raise _unknown(target, addresses, state)
        selected |= within
    return frozenset(with_needs(state, selected))


def with_needs(state: State, selected: Iterable[str]) -> set[str]:
    """Return resources with their parents and the resources that they refer to, and so on."""
    found, waiting = set(selected), list(selected)
    while waiting:
        live = state.get(waiting.pop())
        if live is not None:
            fresh = {sid for sid in _needs(live) if state.get(sid) is not None} - found
            found |= fresh
            waiting += fresh
    return found


def _needs(live: Live) -> Iterator[str]:
    yield from live.parents[-1:]
    for field in live.kind.fields:
        content = live.values.get(field.path)
        if field.marker(Ref) is not None and isinstance(content, str):
            yield content


def _is_collection(target: Address) -> bool:
    """Return whether a target is a collection at the top, which may be empty."""
    return any(kind.parent is None and kind.section == target.parts for kind in KINDS)


def _unknown(target: Address, addresses: Mapping[str, Address], state: State) -> UsageError:
    known = [*addresses.values()]
    names = [(address, live.title) for sid, address in addresses.items() if (live := state.get(sid)) is not None]
    meant = closest_address(target, known, names)
    above = None if meant is not None else closest_address(target.root, {one.root for one in known}, names)
    if above is not None:
        meant = above.child(*target.parts[len(target.root.parts) :])
    hint = "`reconciler drift --fail-on unmanaged` lists unmanaged resources"
    if meant is not None:
        hint = f"Did you mean this?\n  {paste.option('--target', meant)}"
    return UsageError(f"--target {target}: no such live resource. {hint}")


def kinds_of(targets: Sequence[Address]) -> frozenset[Kind]:
    """Return the kinds that have to be read for targets: with the kinds above them and those that they refer to."""
    waiting = [kind for kind in KINDS if any(_may_contain(kind, target) for target in targets)]
    found: set[Kind] = set()
    while waiting:
        kind = waiting.pop()
        if kind not in found:
            found.add(kind)
            waiting += [BY_NAME[ref.kind] for field in kind.fields if (ref := field.marker(Ref)) is not None]
            waiting += [BY_NAME[kind.parent]] if kind.parent is not None else []
    return frozenset({*found, ACCOUNT})


def long_words(targets: Sequence[Address]) -> set[str]:
    """Return the words of `--include` that targets imply: they name such a collection, or something in it."""
    return {
        word
        for word, kinds in long_collections().items()
        for kind in kinds
        for target in targets
        if _may_contain(kind, target) and len(target.parts) >= len(_pattern(kind)) - (not kind.singleton)
    }


def _may_contain(kind: Kind, target: Address) -> bool:
    """Return whether a resource of a kind may be within a target."""
    pattern = _pattern(kind)
    parts = target.parts
    return len(parts) <= len(pattern) and all(
        wanted in {None, part} for wanted, part in zip(pattern, parts, strict=False)
    )


def _pattern(kind: Kind) -> tuple[str | None, ...]:
    above = _pattern(BY_NAME[kind.parent]) if kind.parent is not None else ()
    return (*above, *kind.section, *(() if kind.singleton else (None,)))
