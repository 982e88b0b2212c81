"""The table of kinds, and a cache for what is derived from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import ParamSpec, TypeVar, cast, overload

from reconciler.kinds.base import Kind

P = ParamSpec("P")
R = TypeVar("R")


class Catalog(Sequence[Kind]):
    """The kinds, in the order of the configuration and of the reference documentation.

    Args:
        kinds: Every kind; parents before their children.

    Attributes:
        by_name: The same by name.
    """

    def __init__(self, *kinds: Kind) -> None:
        self._kinds: tuple[Kind, ...] = ()
        self._names: dict[str, Kind] = {}
        self._clear_caches: list[Callable[[], None]] = []
        self.by_name: Mapping[str, Kind] = self._names
        self._replace(kinds)

    @property
    def parents(self) -> tuple[Kind, ...]:
        """The kinds that contain others, outer before inner."""
        containing = {kind.parent for kind in self._kinds}
        return tuple(kind for kind in self._kinds if kind.name in containing)

    @contextmanager
    def extended(self, *kinds: Kind) -> Iterator[None]:
        """Add kinds for as long as the context lasts; tests of new kinds use it.

        Raises:
            ValueError: Two kinds have the same name, or a parent is missing.
        """
        before = self._kinds
        self._replace((*before, *kinds))
        try:
            yield
        finally:
            self._replace(before)

    def derived(self, function: Callable[P, R]) -> Callable[P, R]:
        """Cache the results of a function for as long as the kinds stay the same."""
        cached = cache(function)
        self._clear_caches.append(cached.cache_clear)
        return cast("Callable[P, R]", cached)  # the cache itself, since a function around it costs more than the lookup

    def _replace(self, kinds: tuple[Kind, ...]) -> None:
        names: dict[str, Kind] = {}
        for kind in kinds:
            if kind.name in names:
                raise ValueError(f"two kinds are named {kind.name!r}")
            if kind.parent is not None and kind.parent not in names:
                raise ValueError(f"the kind {kind.name!r} comes before its parent {kind.parent!r}, or has none")
            names[kind.name] = kind
        self._kinds = kinds
        self._names.clear()
        self._names.update(names)
        for clear in self._clear_caches:
            clear()

    @overload
    def __getitem__(self, index: int) -> Kind: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Kind, ...]: ...

    def __getitem__(self, index: int | slice) -> Kind | tuple[Kind, ...]:
        """Return kinds by their position."""
        return self._kinds[index]

    def __len__(self) -> int:
        """Return the number of kinds."""
        return len(self._kinds)
