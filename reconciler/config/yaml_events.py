"""The events of a YAML text, as PyYAML's parsers give them.

Takes a text and a function that reads its events; gives what this function returns. Knows nothing of configurations.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias, TypeVar

import yaml

Event: TypeAlias = Any  # PyYAML has no types for them
Built = TypeVar("Built")
SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED_SURROGATE = re.compile(r"\\(?:u[dD]|U0000[dD])[89a-fA-F]")


def read_events(text: str, build: Callable[[Iterator[Event]], Built]) -> Built:
    """Read the events of a text.

    JSON writes a character beyond the first 65,536 as two escapes, a surrogate pair, which libyaml refuses. The pure
    parser reads the two halves, and `join_surrogates` joins them. It is three times slower, so only such texts use it.

    Args:
        text: The text, without a byte order mark.
        build: Reads the events. It is called again, from the first event, if the text needs the pure parser.

    Raises:
        yaml.YAMLError: The text is malformed.
    """
    try:
        return build(_events(text, getattr(yaml, "CBaseLoader", yaml.BaseLoader)))
    except yaml.MarkedYAMLError as error:
        if _ESCAPED_SURROGATE.search(text) is None:
            raise
        try:
            return build(_events(text, yaml.BaseLoader))
        except yaml.MarkedYAMLError as other:
            # libyaml's message for the same mistake is the one that is explained.
            raise (error if _line_of(error) == _line_of(other) else other) from None


def join_surrogates(text: str) -> str:
    """Join the halves of surrogate pairs; half a pair without the other one stays."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _events(text: str, parser: Callable[[str], Any]) -> Iterator[Event]:
    loader = parser(text)
    try:
        # As `yaml.parse` does, but with one call for each event in place of four.
        yield from iter(loader.get_event, None)
    except (ValueError, OverflowError):
        # The pure parser lets them through for escapes such as \UFFFFFFFF. Their text may repeat the file's.
        raise yaml.YAMLError("an escape in quotes names no character") from None
    finally:
        loader.dispose()


def _line_of(error: yaml.MarkedYAMLError) -> int:
    mark = error.problem_mark or error.context_mark
    return -1 if mark is None else int(mark.line)
