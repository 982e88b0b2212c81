"""Finds near misses.

Takes a text and candidates; returns the most similar candidate, or none. Used only for suggestions, never to decide
what a plan does.
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
_SHORTEST_NUMBER = 7
_MOST_MISSING = 3
_WORD = re.compile(r"[^\W_]+")
_DIGITS = re.compile(r"\d+")


def words(name: str) -> tuple[str, ...]:
    """Return the words of a name, made of letters and digits, without regard to case and Unicode form."""
    return tuple(_WORD.findall(unicodedata.normalize("NFKC", name).casefold()))


def similarity(one: str, other: str) -> float:
    """Return how similar two names are, from 0 to 1.

    Names with the same words are equal, even if one has further words: ``Ada`` and ``ada@example.com``. Names that
    differ in their digits are not similar: ``user-101`` and ``user-102``, or two phone numbers.
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


def is_mistyped_number(text: str, number: str) -> bool:
    """Whether a text is a phone number with digits missing, one too many, or two exchanged.

    A number with one different digit is a different number, not a typo.
    """
    one, other = "".join(_DIGITS.findall(text)), "".join(_DIGITS.findall(number))
    if min(len(one), len(other)) < _SHORTEST_NUMBER or any(map(str.isalpha, text)) != any(map(str.isalpha, number)):
        return False
    if len(one) == len(other):
        wrong = [index for index, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
        return len(wrong) == 2 and wrong[1] == wrong[0] + 1 and one[wrong[0]] == other[wrong[1]] and (
            one[wrong[1]] == other[wrong[0]]
        )  # fmt: skip
    shorter, longer = sorted((one, other), key=len)
    if len(longer) - len(shorter) > _MOST_MISSING:
        return False
    rest = iter(longer)
    return all(digit in rest for digit in shorter)


def is_typo(text: str, name: str) -> bool:
    """Whether a text is a name with one typo: other case or separators, or one character too many, missing, or wrong.

    Stricter than `similarity`: it distinguishes a misspelled name from the name of a deleted resource.
    """
    if text == name:
        return False
    if words(text) and "".join(words(text)) == "".join(words(name)):
        return True
    one, other = text.casefold(), name.casefold()
    if min(len(one), len(other)) < _SHORTEST_WORDS or _DIGITS.findall(one) != _DIGITS.findall(other):
        return False
    begin = next((index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    begin = min(len(one), len(other)) if begin is None else begin
    one, other = one[begin:], other[begin:]
    if one[1:] == other or one == other[1:]:
        return True
    if len(one) > 1 and one[:2] == other[1::-1] and one[2:] == other[2:]:
        return True
    # One different letter, except in short words, such as the regions eu and us.
    word = next((found for found in _WORD.finditer(name.casefold()) if found.start() <= begin < found.end()), None)
    return one[1:] == other[1:] and word is not None and len(word[0]) > _SHORTEST_WORDS


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

    def closest_text(self, text: str, candidates: Iterable[str]) -> str:
        """Return the most similar text, digits included; empty if none is similar."""
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
