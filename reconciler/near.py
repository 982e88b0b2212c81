"""Near misses: the name that was probably meant. Takes a text and candidates; gives the most similar one, or none.

Used only for suggestions, never to decide what a plan does.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher, get_close_matches

from reconciler.state import Live

SIMILAR = 0.6
"""The least ratio of `SequenceMatcher` at which two names are similar."""
_MOST_COMPARISONS = 20_000
"""Comparisons of one run; later ones find only names with the same words."""
_LONGEST = 200
_SHORTEST_WORDS = 3
_WORD = re.compile(r"[^\W_]+")
_DIGITS = re.compile(r"\d+")


def words(name: str) -> tuple[str, ...]:
    """The letters and digits of a name as words, without regard to case and Unicode form."""
    return tuple(_WORD.findall(unicodedata.normalize("NFKC", name).casefold()))


def similarity(one: str, other: str) -> float:
    """How similar two names are, from 0 to 1.

    Names of the same words are equal, also if one has further words: ``Ada`` and ``ada@example.com``. Names that differ
    in their digits are not similar: ``user-101`` and ``user-102``, or two phone numbers.
    """
    first, second = words(one), words(other)
    if first and "".join(first) == "".join(second):
        return 1.0
    if _DIGITS.findall("".join(first)) != _DIGITS.findall("".join(second)):
        has_both = any(map(str.isdigit, "".join(first))) and any(map(str.isdigit, "".join(second)))
        if has_both:
            return 0.0
    shorter, longer = sorted((set(first), set(second)), key=len)
    if shorter and shorter <= longer and len("".join(shorter)) >= _SHORTEST_WORDS:
        return 0.9
    if max(len(one), len(other)) > _LONGEST:
        return 0.0
    return 0.89 * SequenceMatcher(None, one.casefold(), other.casefold()).ratio()


class Nearness:
    """Finds near misses, within a budget of comparisons."""

    def __init__(self) -> None:
        self._comparisons = 0

    def closest(self, name: str, candidates: Sequence[Live]) -> Live | None:
        """The live resource whose natural key or friendly name is most similar to a name; None if none is."""
        if not name or not self._may_compare(len(candidates)):
            return None
        scored = [
            (max(similarity(name, text) for text in _names(live)), live.sid, live)
            for live in candidates
            if _names(live)
        ]
        best = max(scored, default=None, key=lambda item: (item[0], item[1]))
        return best[2] if best is not None and best[0] >= SIMILAR else None

    def closest_text(self, text: str, candidates: Iterable[str]) -> str:
        """The most similar text, digits included; empty if none is similar."""
        found = sorted(set(candidates))
        if not text or len(text) > _LONGEST or not self._may_compare(len(found)):
            return ""
        return next(iter(get_close_matches(text, found, n=1, cutoff=SIMILAR)), "")

    def _may_compare(self, count: int) -> bool:
        self._comparisons += count
        return self._comparisons <= _MOST_COMPARISONS


def _names(live: Live) -> list[str]:
    friendly = live.values.get("friendly_name")
    return [name for name in (live.title, friendly) if isinstance(name, str) and name]
