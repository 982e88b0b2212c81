"""Finds near misses: the name, word, or address that was probably meant.

Takes texts and candidates; returns the most similar candidate, or none. Used only for suggestions, never to decide what
a plan does. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from difflib import SequenceMatcher, get_close_matches

from reconciler.address import Address

SIMILAR = 0.6
"""The least ratio of `SequenceMatcher` at which two names are similar."""
LONGEST = 200
"""Characters; longer texts are not compared."""
_SHORTEST_WORDS = 3
_SHORTEST_NUMBER = 7
_MOST_MISSING = 3
_WORD = re.compile(r"[^\W_]+")
_DIGITS = re.compile(r"\d+")


def closest(text: str, candidates: Iterable[str], *, cutoff: float = SIMILAR) -> str:
    """Return the candidate that is most similar to a text, without regard to case; empty if none is similar.

    Args:
        text: The text.
        candidates: The known texts.
        cutoff: The least ratio of `SequenceMatcher`.
    """
    if not text or len(text) > LONGEST:
        return ""
    by_lower = {item.lower(): item for item in sorted(set(candidates), reverse=True) if len(item) <= LONGEST}
    near = get_close_matches(text.lower(), by_lower, n=1, cutoff=cutoff)
    return by_lower[near[0]] if near else ""


def no_fields(_address: Address) -> Iterable[str]:
    """Return no paths: for addresses that are never those of fields."""
    return ()


def closest_address(
    address: Address,
    known: Iterable[Address],
    names: Iterable[tuple[Address, str]] = (),
    fields: Callable[[Address], Iterable[str]] = no_fields,
    find: Callable[[str, Iterable[str]], str] = closest,
) -> Address | None:
    """Return the known address that was probably meant; None if none is similar.

    Each part may be misspelled, or the name or SID of a resource in place of its handle; what comes before a handle may
    be left out.

    Args:
        address: The address as it was written.
        known: The addresses that exist.
        names: Names of some of them, such as the friendly name of a role.
        fields: Returns the paths of the fields of a known address.
        find: Returns the most similar candidate.
    """
    every = sorted(set(known))
    below: dict[tuple[str, ...], dict[str, str]] = {}
    for one, name in names:
        below.setdefault(one.collection.parts, {})[name] = one.parts[-1]
    named = {(*parts, name): handle for parts, found in below.items() for name, handle in found.items()}
    for one in every:
        for end, part in enumerate(one.parts):
            below.setdefault(one.parts[:end], {})[part] = part
    right: tuple[str, ...] = ()
    for position, part in enumerate(address.parts):
        there = below.get(right, {})
        meant = there.get(part) or there.get(find(part, there))
        if not meant:
            path = ".".join(address.parts[position:])
            field = find(path, fields(Address(right))) if right else ""
            return Address((*right, *field.split("."))) if field else _with_beginning(address, every, named)
        right = (*right, meant)
    return Address(right)


def _with_beginning(address: Address, known: Iterable[Address], named: Mapping[tuple[str, ...], str]) -> Address | None:
    """Return the only known address that ends like this one, which lacks its beginning."""
    number = len(address.parts)
    ends = {one for one in known if one.parts[-number:] == address.parts}
    ends |= {Address((*parts[:-1], handle)) for parts, handle in named.items() if parts[-number:] == address.parts}
    return ends.pop() if len(ends) == 1 else None


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
    if max(len(one), len(other)) > LONGEST:
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
