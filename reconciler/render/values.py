"""Renders values as escaped text: quoted if necessary, and shortened if long.

Takes the sides of a field; returns text without control characters and colors.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import accumulate, groupby
from typing import TypeAlias

from reconciler.json_text import Json
from reconciler.kinds import kind_nouns
from reconciler.lazy_dataclass import dataclass
from reconciler.render.line_diff import DiffLine
from reconciler.render.rows import KNOWN_LATER, Hidden, Nothing, Plain, Pointer, Side, Unclear
from reconciler.render.terminal import code_points, escape

TEXT_LIMIT = 300
"""The characters of a value that are shown without --verbose."""
CONTEXT = 30
"""The equal characters that are shown around the difference of two long texts."""
PLACE = 90
"""The minimum number of characters for each of several different places."""
MOST_WORDS = 500
"""The words up to which two texts are aligned, which takes quadratic time; longer ones are compared word by word."""

_WORDS = re.compile(r"\s*\S+|\s+")
# Letters that look like Latin ones in most fonts (Unicode's confusables.txt, Cyrillic and Greek), and two hyphens.
_LATIN = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u051d"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0406\u0408\u0405"
    "\u03bf\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u2010\u2212",
    "aeopcyxijshdqwABEKMHOPCTXIJSoABEZHIKMNOPTYX--",
)

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
    """Write a value; text is unquoted if it cannot be mistaken for another type."""
    if isinstance(value, str):
        plain = value.isprintable() and _BARE.match(value) is not None and _OTHER_TYPE.match(value) is None
        return escape(value) if plain else quoted(value)
    return escape(json.dumps(value, ensure_ascii=False, sort_keys=True))


def side_text(side: Side, *, limit: int = 0) -> str:
    """Render one side of a field.

    Args:
        side: the side.
        limit: the number of characters to show; 0 for all.
    """
    match side:
        case Nothing():
            return "(none)"
        case Hidden(shown=str(shown)) if shown:
            return side_text(Plain(shown), limit=limit) + _about(side)
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
            return _Excerpt(written, len(text), ((0, min(limit, len(written))),), quotes=True).text()
        case Plain(value=value):
            return excerpt(literal(value), limit=limit)


def _about(side: Hidden) -> str:
    """Return the note after a URL whose secret parts are masked."""
    secret = f"secret {escape(side.secret)}" if side.secret else ""
    if side.pending:
        return f" ({secret}, set at apply)"
    notes = [secret, "sensitive parts differ" if side.differs else ""]
    words = ", ".join(word for word in notes if word)
    return f" ({words})" if words else ""


def both_texts(before: Side, after: Side, *, limit: int) -> tuple[str, str]:
    """Render both sides; of two long values only the part that differs and its surroundings.

    Args:
        before: the former side.
        after: the configured side.
        limit: the number of characters of each to show; 0 for all.
    """
    if not (isinstance(before, Plain) and isinstance(after, Plain)):
        return side_text(before, limit=limit), side_text(after, limit=limit)
    values = before.value, after.value
    are_texts = all(isinstance(value, str) for value in values)
    bare = distinct(literal(values[0]), literal(values[1]))
    if not limit or max(map(len, bare)) <= limit:
        return bare
    written = distinct(_inner(values[0]), _inner(values[1])) if are_texts else bare
    windows, rest = _windows(*written, limit=limit)
    texts = [
        _Excerpt(text, len(value) if isinstance(value, str) else len(text), spans, rest, quotes=are_texts).text()
        if len(short) > limit
        else short
        for text, value, spans, short in zip(written, values, windows, bare, strict=True)
    ]
    return texts[0], texts[1]


def _inner(value: Json) -> str:
    """Write a text as JSON does, without the quotes around it."""
    return quoted(str(value))[1:-1]


Spans: TypeAlias = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Excerpt:
    """Parts of a long text.

    Attributes:
        whole: the escaped text.
        length: the number of characters of the value.
        spans: the start and end of each part, in order.
        rest: a note on differences that the parts do not show; empty if there are none.
        quotes: whether to put each part in quotes.
    """

    whole: str
    length: int
    spans: Spans
    rest: str = ""
    quotes: bool = False

    def text(self) -> str:
        quote = '"' if self.quotes else ""
        parts = "…".join(f"{quote}{self.whole[start:end]}{quote}" for start, end in self.spans)
        head = "…" if self.spans[0][0] else ""
        tail = "…" if self.spans[-1][1] < len(self.whole) else ""
        return f"{head}{parts}{tail} ({self.length:,} characters{self.rest})"


def _windows(old: str, new: str, *, limit: int) -> tuple[tuple[Spans, Spans], str]:
    """Choose the parts of two texts to show: each place that differs, with its surroundings, as far as they fit.

    Returns:
        The parts of each text, and a note on the differences that they do not show.
    """
    places = _places(old, new)
    if len(places) > 1:
        first, last = places[0], places[-1]
        if max(last.old_end - first.old_start, last.new_end - first.new_start) + 2 * CONTEXT <= limit:
            places = [_Place(first.old_start, last.old_end, first.new_start, last.new_end)]
    shown = places[: max(1, limit // PLACE)]
    share = limit // len(shown)
    pairs = [
        (
            _around(place.old_start, place.old_end, len(old), share),
            _around(place.new_start, place.new_end, len(new), share),
        )
        for place in shown
    ]
    rest = ""
    if len(places) > len(shown):
        number = len(places) - len(shown)
        rest = f"; {number:,} more difference{'' if number == 1 else 's'}"
    elif any(
        left[1] < place.old_end or right[1] < place.new_end for place, (left, right) in zip(shown, pairs, strict=True)
    ):
        rest = "; the difference continues"
    return (tuple(left for left, _ in pairs), tuple(right for _, right in pairs)), rest


def _around(start: int, end: int, length: int, share: int) -> tuple[int, int]:
    begin = max(0, start - CONTEXT)
    return begin, min(length, end + CONTEXT, begin + share)


@dataclass(frozen=True, slots=True)
class _Place:
    """A place where two texts differ, with its start and end in each."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


def _places(old: str, new: str) -> list[_Place]:
    """Find the places where two texts differ: by words, and those that are near each other as one."""
    head = equal_start(old, new)
    tail = equal_start(old[head:][::-1], new[head:][::-1])
    whole = _Place(head, len(old) - tail, head, len(new) - tail)
    old_words, new_words = (_WORDS.findall(text[head : len(text) - tail]) for text in (old, new))
    old_ends, new_ends = ([head, *accumulate(map(len, words), initial=head)][1:] for words in (old_words, new_words))
    places: list[_Place] = []
    for old_from, old_to, new_from, new_to in _different_words(old_words, new_words):
        place = _Place(old_ends[old_from], old_ends[old_to], new_ends[new_from], new_ends[new_to])
        if places and place.old_start - places[-1].old_end <= 2 * CONTEXT:
            last = places.pop()
            place = _Place(last.old_start, place.old_end, last.new_start, place.new_end)
        places.append(place)
    return places or [whole]


def _different_words(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """Yield the start and end of each run of words that differs, in both texts."""
    if max(len(old), len(new)) <= MOST_WORDS:
        for tag, *run in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            if tag != "equal":
                yield run[0], run[1], run[2], run[3]
    elif len(old) == len(new):
        yield from (
            (at, at + 1, at, at + 1) for at, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1]
        )
    else:
        yield 0, len(old), 0, len(new)


def distinct(old: str, new: str) -> tuple[str, str]:
    """Return two escaped texts; with code points in place of characters if they differ but look the same."""
    if old == new or (old.isascii() and new.isascii()) or _appearance(old) != _appearance(new):
        return old, new
    return code_points(old), code_points(new)


def _appearance(text: str) -> str:
    """Return a form that is equal for texts that look the same: of one Unicode form, and with Latin letters."""
    return unicodedata.normalize("NFKC", text).translate(_LATIN)


def excerpt(text: str, *, limit: int) -> str:
    """Return an escaped text, or if it is over the limit, its beginning and its length."""
    if not limit or len(text) <= limit:
        return text
    return _Excerpt(text, len(text), ((0, limit),)).text()


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
    before, after = distinct(escape(old), escape(new))
    if not limit or max(len(before), len(after)) <= limit:
        return before, after
    (left, right), rest = _windows(before, after, limit=limit)
    texts = [
        _Excerpt(text, len(text), spans, rest).text() if len(text) > limit else text
        for text, spans in ((before, left), (after, right))
    ]
    return texts[0], texts[1]


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
