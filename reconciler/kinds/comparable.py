"""Forms of durations, sets, and JSON in which values of equal meaning are equal."""

from __future__ import annotations

import re
from collections.abc import Hashable
from functools import lru_cache

# Bounded: Python refuses to parse integers of thousands of digits.
_DURATION = re.compile(
    r"P(?:(?P<years>N)Y)?(?:(?P<months>N)M)?(?:(?P<weeks>N)W)?(?:(?P<days>N)D)?"
    r"(?:T(?:(?P<hours>N)H)?(?:(?P<minutes>N)M)?(?:(?P<seconds>N)(?:\.0+)?S)?)?\Z".replace("N", "[0-9]{1,18}")
)


def duration(text: str) -> tuple[int, int] | None:
    """Parse an ISO 8601 duration as (months, seconds), because a month has no fixed length.

    Returns:
        The two numbers; None if the text is not a duration, is empty (``P``, ``PT``), or ends in ``T``.
    """
    match = _DURATION.match(text.strip().upper())
    if match is None or text.strip().upper().endswith(("P", "T")):
        return None
    part = {name: int(number or 0) for name, number in match.groupdict().items()}
    days = part["weeks"] * 7 + part["days"]
    seconds = ((days * 24 + part["hours"]) * 60 + part["minutes"]) * 60 + part["seconds"]
    return (part["years"] * 12 + part["months"], seconds)


@lru_cache(maxsize=128)
def word_set(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of a set, sorted and without duplicates.

    Equal sets are usually one object, since most roles and webhooks of an account share a few, declared and live. So
    they take no memory of their own, and comparing them is one step.
    """
    found = tuple(sorted(set(words)))
    return found if found == words else word_set(found)


def canonical_json(value: object) -> Hashable:
    """Convert JSON to a hashable form that compares by meaning: mappings become sorted tuples, 1.0 becomes 1.

    Booleans stay distinct from numbers, which Python's own equality mixes.
    """
    match value:
        case bool():
            return ("bool", value)
        case float() if value.is_integer():
            return int(value)
        case dict():
            return ("object", tuple(sorted((key, canonical_json(item)) for key, item in value.items())))
        case list() | tuple():
            return ("array", tuple(canonical_json(item) for item in value))
        case _:
            return value
