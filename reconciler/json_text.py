"""JSON text -> values, as strictly as the standard: Python itself accepts and writes more than that.

Takes text from any source: plan files, live attributes, attributes in files. Imports nothing of the package.
"""

from __future__ import annotations

import json
import math
import re
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
    """A JSON value. A tuple counts as a list."""
else:
    # pydantic evaluates the annotations of the documents. It must neither walk nor convert opaque values.
    Json = Any

_DEEPEST = 130
"""The maximum number of levels of a document: its own, plus those of a live value."""
_MOST_DIGITS = 4300
"""The maximum number of levels of a live value: Python itself can read no more."""
_MOST_KEYS = 20_000
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_document(text: str | bytes, *, most_keys: int = _MOST_KEYS) -> Json:
    """Parse JSON that a user wrote, and refuse text that two parsers could read differently.

    Args:
        text: The text; bytes are UTF-8.
        most_keys: How many keys an object may have.

    Raises:
        ValueError: It is not valid JSON, has a duplicate key, or contains a value that JSON cannot express. The message
            states the problem and, if known, its position, and never quotes the text.
        RecursionError: It is nested too deeply.
    """
    try:
        shown = text if isinstance(text, str) else text.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    found: Json = json.loads(
        shown,
        object_pairs_hook=partial(_once_each, most_keys=most_keys),
        parse_constant=_no_constant,
        parse_float=_finite,
        parse_int=_short,
    )
    if nests_deeper(found, _DEEPEST):
        raise RecursionError
    if _ESCAPED_SURROGATE.search(shown):
        try:
            json.dumps(found, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("it contains half of a surrogate pair") from None
    return found


def parse_live(text: str) -> Json:
    """Parse JSON that the API returned. The last one of duplicate keys counts.

    Raises:
        ValueError: It is not valid JSON, or contains a number that JSON cannot express.
        RecursionError: It is nested too deeply.
    """
    found: Json = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    return found


def nests_deeper(value: Json, most: int) -> bool:
    """Whether a value has more than this many levels; text or a number has one."""
    level = [value]
    for _ in range(most):
        level = [
            inner
            for item in level
            if isinstance(item, (dict, list))
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True


def _once_each(pairs: list[tuple[str, Json]], *, most_keys: int) -> dict[str, Json]:
    if len(pairs) > most_keys:
        raise ValueError(f"an object has more than {most_keys} keys")
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has a duplicate key")
    return found


def _no_constant(word: str) -> Json:
    """Refuse NaN and Infinity, which Python accepts. NaN is not even equal to itself."""
    raise ValueError(f"JSON has no {word}")


def _finite(text: str) -> float:
    """Refuse numbers such as 1e999, which Python turns into infinity."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _short(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"a number has more than {_MOST_DIGITS} digits")
    return int(text)
