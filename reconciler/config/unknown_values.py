"""Whether a live value can equal a declared one whose secrets are not set.

Takes an `Unknown`, with the known parts of a value and the names of the rest, and a live content. Pure. In doubt the
answer is yes, and the value is not compared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from reconciler.config.model import Unknown
from reconciler.json_text import Json
from reconciler.kinds.fields import Content

_LOOKUP = re.compile(r"\$\{[a-z]+:[^{}]*\}")


def can_equal(unknown: Unknown, before: Content) -> bool:
    """Whether a live content can equal a value once its secrets are set. Secrets are never empty.

    Args:
        unknown: The declared value, with its known parts and its secrets by name.
        before: The live content.
    """
    if isinstance(before, str):
        return can_equal_text(unknown.written, before)
    if before in (None, {}, ()):
        return False
    if not isinstance(before, (dict, tuple, frozenset)):
        return True  # a switch or a number has no parts
    try:
        written = json.loads(unknown.written)
    except ValueError:
        return True  # all of it comes from one secret
    return _parts_fit(written, before if isinstance(before, dict) else sorted(map(str, before)))


def can_equal_text(written: str, text: str) -> bool:
    """Whether a text can result from another one once each ``${secret:NAME}`` is replaced by a non-empty text."""
    return can_consist_of(_LOOKUP.split(written), text)


def can_consist_of(pieces: Sequence[str], text: str) -> bool:
    """Whether a text consists of these pieces in this order, with at least one character between each two."""
    first, *rest = pieces
    if not rest:
        return text == first
    *middle, last = rest
    if not text.startswith(first):
        return False
    position = len(first)
    for known in middle:
        # At least one character belongs to the secret before it.
        found = text.find(known, position + 1)
        if found < 0:
            return False
        position = found + len(known)
    return text.endswith(last) and len(text) - len(last) > position


def _parts_fit(written: Json, before: Json) -> bool:
    """Whether JSON can equal other JSON. The order of a set is unknown if its members are."""
    match written, before:
        case dict(), dict():
            return written.keys() == before.keys() and all(
                _parts_fit(item, before[key]) for key, item in written.items()
            )
        case list(), list():
            known = [item for item in written if not isinstance(item, str) or _LOOKUP.search(item) is None]
            return len(written) == len(before) and all(any(_parts_fit(item, one) for one in before) for item in known)
        case str(), str():
            return can_equal_text(written, before)
        case _:
            # The spelling of a number is not stored.
            return isinstance(written, str) and not isinstance(before, (dict, list))
