"""Renders values as escaped text: quoted if necessary, and shortened if long.

Takes the sides of a field; gives text without control characters and colors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from reconciler.json_text import Json
from reconciler.kinds import kind_nouns
from reconciler.render.line_diff import DiffLine
from reconciler.render.rows import Hidden, Nothing, Plain, Pointer, Side, Unclear
from reconciler.render.terminal import escape

TEXT_LIMIT = 300
"""The characters of a value that are shown without --verbose."""
KNOWN_LATER = "known after apply"
CONTEXT = 30
"""The equal characters that are shown around the difference of two long texts."""

# Texts that need no quotes: without spaces and our punctuation, and unlike a value of another type.
_BARE = re.compile(r"[^\s\"'`\\(){}\[\],;#→…]+\Z")
_OTHER_TYPE = re.compile(r"(?:true|false|null|none|yes|no|[-+~]+|-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)\Z", re.IGNORECASE)


def what_text(kind: str, name: str, service: str) -> str:
    """Describe a resource: ``role "agent" of service "Support"``."""
    noun, container = kind_nouns(kind)
    if service and container:
        named = f" {quoted(name)}" if name else ""
        return f"{escape(noun.removeprefix(f'{container} '))}{named} of {container} {quoted(service)}"
    return f"{escape(noun)} {quoted(name)}" if name else escape(noun)


def quoted(text: str) -> str:
    """Quote a text, as JSON does."""
    return '"' + escape(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def literal(value: Json) -> str:
    """Write a value; a text without quotes if it cannot be mistaken for anything else."""
    if isinstance(value, str):
        plain = value.isprintable() and _BARE.match(value) is not None and _OTHER_TYPE.match(value) is None
        return escape(value) if plain else quoted(value)
    return escape(json.dumps(value, ensure_ascii=False, sort_keys=True))


def side_text(side: Side, *, limit: int = 0, start: int = 0, end: int | None = None) -> str:
    """Render one side of a field.

    Args:
        side: the side.
        limit: the number of characters to show; 0 for all.
        start: where in the escaped text to start, when it is over the limit.
        end: where in the escaped text to stop at the latest, when it is over the limit; its end when left out.
    """
    match side:
        case Nothing():
            return "(none)"
        case Hidden(shown=str(shown)) if shown:
            return side_text(Plain(shown), limit=limit, start=start, end=end) + _about(side)
        case Hidden(secret=""):
            return "(sensitive value)"
        case Hidden(secret=secret, pending=True):
            return f"(value of {escape(secret)}, set at apply)"
        case Hidden(secret=secret):
            return f"(sensitive value of {escape(secret)})"
        case Unclear(reason=reason):
            return f"({escape(reason)})" if reason == KNOWN_LATER else f"(unknown: {escape(reason)})"
        case Pointer(address="", name=name, sid=sid):
            return f"{literal(name)} ({escape(sid)})"
        case Pointer(address=address, pending=pending):
            return escape(address) + (" (known after apply)" if pending else "")
        case Plain(value=str(text)) if limit and len(text) > limit:
            written = quoted(text)[1:-1]
            stop = min(start + limit, len(written) if end is None else end)
            shown = ("…" if start else "") + f'"{written[start:stop]}"' + ("…" if stop < len(written) else "")
            return f"{shown} ({len(text):,} characters)"
        case Plain(value=value):
            return excerpt(literal(value), limit=limit)


def _about(side: Hidden) -> str:
    """The note after a URL whose secret parts are masked."""
    secret = f"secret {escape(side.secret)}" if side.secret else ""
    if side.pending:
        return f" ({secret}, set at apply)"
    told = [secret, "sensitive parts differ" if side.differs else ""]
    words = ", ".join(word for word in told if word)
    return f" ({words})" if words else ""


def both_texts(before: Side, after: Side, *, limit: int) -> tuple[str, str]:
    """Render both sides; of two long values only the part that differs and its surroundings.

    Args:
        before: the former side.
        after: the configured side.
        limit: the number of characters of each to show; 0 for all.
    """
    match before, after:
        case Plain(value=str(old)), Plain(value=str(new)) if limit:
            start, ends = _window(quoted(old)[1:-1], quoted(new)[1:-1])
            return (
                side_text(before, limit=limit, start=start, end=ends[0]),
                side_text(after, limit=limit, start=start, end=ends[1]),
            )
        case Plain(value=old), Plain(value=new) if limit:
            texts = literal(old), literal(new)
            start, ends = _window(*texts)
            return (
                excerpt(texts[0], limit=limit, start=start, end=ends[0]),
                excerpt(texts[1], limit=limit, start=start, end=ends[1]),
            )
    return side_text(before, limit=limit), side_text(after, limit=limit)


def _window(old: str, new: str) -> tuple[int, tuple[int, int]]:
    """Return the start and the two ends of the part of two texts that differs, with its surroundings."""
    head = equal_start(old, new)
    tail = equal_start(old[head:][::-1], new[head:][::-1])
    start = max(0, head - CONTEXT)
    return start, (min(len(old), len(old) - tail + CONTEXT), min(len(new), len(new) - tail + CONTEXT))


def excerpt(text: str, *, limit: int, start: int = 0, end: int | None = None) -> str:
    """Return an escaped text, or if it is over the limit, a part of it and its length."""
    if not limit or len(text) <= limit:
        return text
    stop = min(start + limit, len(text) if end is None else end)
    shown = ("…" if start else "") + text[start:stop] + ("…" if stop < len(text) else "")
    return f"{shown} ({len(text):,} characters)"


def line_texts(lines: Sequence[DiffLine], *, limit: int) -> Iterator[DiffLine]:
    """Render the lines of a difference: escaped, and of long ones the part that differs.

    Args:
        lines: the lines; see `FieldRow.lines`.
        limit: the number of characters of each to show; 0 for all.
    """
    for changed, group in groupby(lines, lambda line: line[0] in "+-"):
        run = list(group)
        if not changed:
            yield from ((mark, excerpt(escape(text), limit=limit)) for mark, text in run)
            continue
        old, new = ([text for mark, text in run if mark == which] for which in "-+")
        pairs = [_two_lines(*pair, limit=limit) for pair in zip(old, new, strict=False)]
        yield from (("-", before) for before, _ in pairs)
        yield from (("-", excerpt(escape(text), limit=limit)) for text in old[len(pairs) :])
        yield from (("+", after) for _, after in pairs)
        yield from (("+", excerpt(escape(text), limit=limit)) for text in new[len(pairs) :])


def _two_lines(old: str, new: str, *, limit: int) -> tuple[str, str]:
    before, after = escape(old), escape(new)
    if not limit or max(len(before), len(after)) <= limit:
        return before, after
    start, ends = _window(before, after)
    return (
        excerpt(before, limit=limit, start=start, end=ends[0]),
        excerpt(after, limit=limit, start=start, end=ends[1]),
    )


def equal_start(one: str, other: str) -> int:
    """Count the equal characters at the start, by bisection."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
