"""Finds near misses among the resources of an account, within a budget of comparisons.

Takes a text and candidates; returns the most similar candidate, or none. Used only for suggestions, never to decide
what a plan does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.address import Address
from reconciler.config.model import Config
from reconciler.config.similar import SIMILAR, closest, closest_address, is_mistyped_number, similarity
from reconciler.state import Live

_MOST_COMPARISONS = 20_000
"""Comparisons of one run; later ones find only names with the same words."""


def declared_names(config: Config) -> list[tuple[Address, str]]:
    """Return the names of declared resources that may be shown, with the addresses."""
    return [(address, item.natural_key) for address, item in config.resources.items() if item.title == item.natural_key]


class Nearness:
    """Finds near misses, within a budget of comparisons."""

    def __init__(self) -> None:
        self._comparisons = 0

    def closest(self, name: str, candidates: Sequence[Live]) -> Live | None:
        """Return the live resource whose natural key or friendly name is most similar; None if none is similar."""
        if not name or not self._may_compare(len(candidates)):
            return None
        scored = [
            (max(similarity(name, text) for text in _names(live)), live.sid, live)
            for live in candidates
            if _names(live)
        ]
        best = max(scored, default=None, key=lambda item: (item[0], item[1]))
        if best is not None and best[0] >= SIMILAR:
            return best[2]
        by_name = [live for _, _, live in sorted(scored, key=lambda item: item[2].title)]
        return next((live for live in by_name if is_mistyped_number(name, live.title)), None)

    def closest_address(
        self, address: Address, known: Sequence[Address], names: Iterable[tuple[Address, str]]
    ) -> Address | None:
        """Return the known address that was probably meant; see `reconciler.config.similar`."""
        may_compare = self._may_compare(len(known))
        return closest_address(address, known, names, find=closest if may_compare else _none)

    def _may_compare(self, count: int) -> bool:
        self._comparisons += count
        return self._comparisons <= _MOST_COMPARISONS


def _none(_text: str, _candidates: Iterable[str]) -> str:
    """Find nothing similar: the budget is used up."""
    return ""


def _names(live: Live) -> list[str]:
    friendly = live.values.get("friendly_name")
    return [name for name in (live.title, friendly) if isinstance(name, str) and name]
