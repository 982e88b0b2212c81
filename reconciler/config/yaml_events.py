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
_ESCAPED_SURROGATE = re.compile(
    r"(?<!\\)(?P<start>(?:\\\\)*\\(?:u|U0000))(?:(?P<lower>d[89a-f])|(?P<upper>D[89A-F]))(?=[0-9a-fA-F]{2})"
)
_ESCAPED_STAND_IN = re.compile(r"(?P<start>\\(?:u|U0000))(?:(?P<lower>e[0-7])|(?P<upper>E[0-7]))")
_STAND_IN = re.compile("[\ue000-\ue7ff]")
_DISTANCE = 0xE000 - 0xD800


def read_events(text: str, build: Callable[[Iterator[Event]], Built]) -> Built:
    """Read the events of a text.

    JSON writes a character beyond the first 65,536 as two escapes, a surrogate pair, which libyaml refuses. In a text
    with such escapes, each half is replaced by a private-use character of the same length before the text is parsed,
    and restored in the events; `join_surrogates` joins the halves.

    Args:
        text: The text, without a byte order mark.
        build: Reads the events. It is called again, from the first event, if the text contains surrogate pairs.

    Raises:
        yaml.YAMLError: The text is malformed.
    """
    parser = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        return build(_events(text, parser))
    except yaml.MarkedYAMLError:
        replaced = _ESCAPED_SURROGATE.sub(lambda found: found["start"] + _moved(found, _DISTANCE), text)
        if replaced == text:
            raise
        if _STAND_IN.search(text) is None and _ESCAPED_STAND_IN.search(text) is None:
            return build(map(_restored, _events(replaced, parser)))
        # The pure parser reads the halves. It is slower, and refuses tabs that libyaml allows.
        return build(_events(text, yaml.BaseLoader))


def _moved(found: re.Match[str], distance: int) -> str:
    """Return the first half of an escape of a character at a distance, in the same case."""
    digits = f"{int((found['lower'] or found['upper']) + '00', 16) + distance:04x}"[:2]
    return digits if found["lower"] else digits.upper()


def _restored(event: Event) -> Event:
    """Return an event with the surrogates of the original text in its value."""
    if type(event) is not yaml.ScalarEvent:
        return event
    if event.style == '"':
        event.value = _STAND_IN.sub(lambda found: chr(ord(found[0]) - _DISTANCE), event.value)
    else:
        # Other scalars have no escapes: this is text that looks like one.
        event.value = _ESCAPED_STAND_IN.sub(lambda found: found["start"] + _moved(found, -_DISTANCE), event.value)
    return event


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
