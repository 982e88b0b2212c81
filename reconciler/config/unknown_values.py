"""What a value may become once its secrets are set.

Takes an `Unknown`, which says what is known of a value and names the rest, and a live content; tells whether the two
can be the same. Pure. A wrong guess is always "yes": a value whose secret is not set is then not compared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from reconciler.config.model import Unknown
from reconciler.json_text import Json
from reconciler.kinds.fields import Content

_LOOKUP = re.compile(r"\$\{[a-z]+:[^{}]*\}")


def may_be(unknown: Unknown, before: Content) -> bool:
    """Whether a live content may be what a value becomes once its secrets are set; a secret is never empty.

    Args:
        unknown: the declared value, with what is known of it and the secrets by name.
        before: the live content.
    """
    if isinstance(before, str):
        return fits(unknown.written, before)
    if before in (None, {}, ()):
        return False
    if not isinstance(before, (dict, tuple, frozenset)):
        return True  # a switch or a number has no parts
    try:
        written = json.loads(unknown.written)
    except ValueError:
        return True  # all of it comes from one secret
    return _parts_fit(written, before if isinstance(before, dict) else sorted(map(str, before)))


def fits(written: str, text: str) -> bool:
    """Whether a text may be the written one once every ``${secret:NAME}`` is replaced by a text that is not empty."""
    return pieces_fit(_LOOKUP.split(written), text)


def pieces_fit(pieces: Sequence[str], text: str) -> bool:
    """Whether a text consists of these pieces in this order, with at least one character between each two."""
    first, *rest = pieces
    if not rest:
        return text == first
    *middle, last = rest
    if not text.startswith(first):
        return False
    position = len(first)
    for known in middle:
        # One character at least belongs to the secret before it.
        found = text.find(known, position + 1)
        if found < 0:
            return False
        position = found + len(known)
    return text.endswith(last) and len(text) - len(last) > position


def _parts_fit(written: Json, before: Json) -> bool:
    """The same for what is inside of JSON; the order of a set is not known where its members are not."""
    match written, before:
        case dict(), dict():
            return written.keys() == before.keys() and all(
                _parts_fit(item, before[key]) for key, item in written.items()
            )
        case list(), list():
            known = [item for item in written if not isinstance(item, str) or _LOOKUP.search(item) is None]
            return len(written) == len(before) and all(any(_parts_fit(item, one) for one in before) for item in known)
        case str(), str():
            return fits(written, before)
        case _:
            # How a number was written is not kept.
            return isinstance(written, str) and not isinstance(before, (dict, list))
