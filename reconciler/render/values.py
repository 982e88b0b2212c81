"""Values as words on a terminal: quoted where that is needed, cut where they are long, never raw.

Takes the sides of a field as `view` gives them; gives escaped text without colours.
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
"""Over this many characters a text is shown in part, unless everything is asked for."""
KNOWN_LATER = "known after apply"
CONTEXT = 30
"""How many equal characters are shown before the first difference of two long texts."""

# What can stand without quotes: no spaces, nothing that reads as punctuation of ours, no look-alike of another type.
_BARE = re.compile(r"[^\s\"'`\\(){}\[\],;#→…]+\Z")
_OTHER_TYPE = re.compile(r"(?:true|false|null|none|yes|no|[-+~]+|-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)\Z", re.IGNORECASE)


def what_text(kind: str, name: str, service: str) -> str:
    """What a resource is, in words: ``role "agent" of service "Support"``."""
    noun, container = kind_nouns(kind)
    if service and container:
        named = f" {quoted(name)}" if name else ""
        return f"{escape(noun.removeprefix(f'{container} '))}{named} of {container} {quoted(service)}"
    return f"{escape(noun)} {quoted(name)}" if name else escape(noun)


def quoted(text: str) -> str:
    """A text in quotes, as JSON would write it."""
    return '"' + escape(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def literal(value: Json) -> str:
    """A value as it would be written; texts without quotes where nothing can be mistaken."""
    if isinstance(value, str):
        plain = value.isprintable() and _BARE.match(value) is not None and _OTHER_TYPE.match(value) is None
        return escape(value) if plain else quoted(value)
    return escape(json.dumps(value, ensure_ascii=False, sort_keys=True))


def side_text(side: Side, *, limit: int = 0, start: int = 0, end: int | None = None) -> str:
    """One side of a field.

    Args:
        side: which.
        limit: how many characters of a text to show; 0 for all.
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
    """What follows a URL whose secret parts are masked."""
    secret = f"secret {escape(side.secret)}" if side.secret else ""
    if side.pending:
        return f" ({secret}, set at apply)"
    told = [secret, "sensitive parts differ" if side.differs else ""]
    words = ", ".join(word for word in told if word)
    return f" ({words})" if words else ""


def both_texts(before: Side, after: Side, *, limit: int) -> tuple[str, str]:
    """Both sides; of two long values only the part that differs, with a little around it.

    Args:
        before: the live side.
        after: the files' side.
        limit: how many characters of each to show; 0 for all.
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
    """Where to start and end showing two texts, so that the part that differs is seen with a little around it."""
    head = equal_start(old, new)
    tail = equal_start(old[head:][::-1], new[head:][::-1])
    start = max(0, head - CONTEXT)
    return start, (min(len(old), len(old) - tail + CONTEXT), min(len(new), len(new) - tail + CONTEXT))


def excerpt(text: str, *, limit: int, start: int = 0, end: int | None = None) -> str:
    """An escaped text, or if it is over the limit the part of it from `start` on, and its length."""
    if not limit or len(text) <= limit:
        return text
    stop = min(start + limit, len(text) if end is None else end)
    shown = ("…" if start else "") + text[start:stop] + ("…" if stop < len(text) else "")
    return f"{shown} ({len(text):,} characters)"


def line_texts(lines: Sequence[DiffLine], *, limit: int) -> Iterator[DiffLine]:
    """The lines of a difference as they are shown: escaped, and of long ones the part that differs.

    Args:
        lines: as `FieldRow.lines` gives them.
        limit: how many characters of each to show; 0 for all.
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
    """How many characters are equal from the start, found by halving."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
