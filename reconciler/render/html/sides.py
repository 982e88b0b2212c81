"""Fields that differ as markup: both sides next to one another.

Takes rows of `view`; gives `Html`. On the left is what the account has, on the right what the files say;
`del` and `ins` say so without colours and without a style sheet.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby, zip_longest
from operator import itemgetter

from reconciler.render.html.markup import Html, by_line, join, tag, text
from reconciler.render.line_diff import DiffLine, LineMark
from reconciler.render.rows import FieldRow, Nothing, Plain, Pointer, SetDiff, Side
from reconciler.render.values import equal_start, literal, side_text

CONTEXT = 80
"""How many equal characters stand around a difference in a long text."""
WORD = 24
"""Up to this many characters a word that differs is marked as a whole."""
LONG = 400
"""Over this many characters only what differs of a text is shown, and what is around it."""
SHOWN = 4_000
"""How many characters of a difference are shown."""
KEPT = 12
"""Up to this many items that are the same on both sides are named."""


def side(shown: Side) -> Html:
    """One side of a field."""
    name = "code" if isinstance(shown, (Plain, Pointer)) else "i"
    if isinstance(shown, Plain) and isinstance(shown.value, str) and len(shown.value) > LONG:
        first = tag("summary", tag(name, side_text(shown, limit=CONTEXT)))
        return tag("details", first, tag(name, side_text(shown)))
    return tag(name, side_text(shown))


def sides(before: Side, after: Side) -> tuple[Html, Html]:
    """Both sides; of two texts, with what differs marked."""
    match before, after:
        case Plain(value=str(old)), Plain(value=str(new)) if old != new:
            head, tail = _ends(old, new)
            # Where one of them could be mistaken for something else, both are written in quotes.
            quotes = literal(old) != old or literal(new) != new
            return _text(old, head, tail, quotes=quotes), _text(new, head, tail, quotes=quotes)
    return side(before), side(after)


def _text(whole: str, head: int, tail: int, *, quotes: bool) -> Html:
    end = len(whole) - tail
    start, stop = (0, len(whole)) if len(whole) <= LONG else (max(0, head - CONTEXT), min(len(whole), end + CONTEXT))
    differing, cut = whole[head : min(end, head + SHOWN)], end - head > SHOWN

    def shown(part: str) -> str:
        return part.replace("\\", "\\\\").replace('"', '\\"') if quotes else part

    quote = '"' if quotes else ""
    parts = [text(("…" if start else "") + quote + shown(whole[start:head]))]
    if differing and head + tail:
        parts.append(tag("mark", shown(differing) + ("…" if cut else "")))
    elif differing:
        parts.append(text(shown(differing) + ("…" if cut else "")))
    parts.append(text(shown(whole[end:stop]) + quote + ("…" if stop < len(whole) else "")))
    if len(whole) > LONG:
        parts.append(tag("small", f" ({len(whole):,} characters)"))
    return tag("code", *parts)


def _ends(old: str, new: str) -> tuple[int, int]:
    """How many characters are equal at the start and at the end, up to whole words where these are short."""
    head = equal_start(old, new)
    tail = equal_start(old[head:][::-1], new[head:][::-1])
    if old[head : head + 1].isalnum() or new[head : head + 1].isalnum():
        head = _back(old, head)
    old_end, new_end = len(old) - tail, len(new) - tail
    if (old_end > head and old[old_end - 1].isalnum()) or (new_end > head and new[new_end - 1].isalnum()):
        tail = _back(old[::-1], tail)
    return head, tail


def _back(text: str, position: int) -> int:
    """The start of the word that a position is in, unless that word is long."""
    start = position
    while start and text[start - 1].isalnum():
        start -= 1
        if position - start > WORD:
            return position
    return start


def field(row: FieldRow, notes: Html, *, acts: bool, alone: bool) -> Html:
    """One field.

    Args:
        row: which.
        notes: what is told of it beside its name.
        acts: whether something will be done, so that a side with nothing in it goes without saying.
        alone: whether there is only the files' side to tell of.
    """
    head = tag("dt", tag("code", row.path), notes)
    if row.items is not None:
        body = _items(row, row.items, alone=alone)
    elif lines := row.lines:
        body = tag("dd", *_lines(lines), class_="lines")
    else:
        before, after = sides(row.before, row.after)
        gone = isinstance(row.after, Nothing) and acts
        body = Html("") if alone else _cell("b", before, empty=isinstance(row.before, Nothing))
        body = Html(body + _cell("a", after, empty=gone or isinstance(row.after, Nothing)))
    return tag("div", head, body)


def _cell(which: str, content: Html, *, empty: bool = False) -> Html:
    return tag("dd", content, class_=f"{which} none" if empty else which)


def _items(row: FieldRow, items: SetDiff, *, alone: bool) -> Html:
    cells = [] if alone else [_side_of_set("b", "del", items.removed, row.before)]
    cells.append(_side_of_set("a", "ins", items.added, row.after))
    if items.kept:
        few = len(items.kept) <= KEPT
        told = (
            join([tag("code", literal(item)) for item in items.kept], ", ")
            if few
            else text(f"{len(items.kept):,} items")
        )
        cells.append(tag("dd", "The same on both sides: ", told, class_="kept"))
    return join(cells)


def _side_of_set(which: str, name: str, items: tuple[str, ...], whole: Side) -> Html:
    if not items:
        told = tag("i", "nothing else") if isinstance(whole, Plain) else side(whole)
        return tag("dd", told, class_=f"{which} none")
    return tag("dd", *(tag(name, literal(item)) for item in items), class_=f"{which} set")


def _lines(lines: tuple[DiffLine, ...]) -> list[Html]:
    """Lines in pairs: what stands on the left was there in the place of what stands on the right.

    Equal lines next to one another are one element, since a page may have hundreds of thousands of them.
    """
    found: list[Html] = []
    for changed, group in groupby(lines, lambda line: line[0] in "+-"):
        run = list(group)
        if not changed:
            found.append(tag("p", *(_equal_lines(mark, same) for mark, same in groupby(run, itemgetter(0)))))
            continue
        old, new = ([line for mark, line in run if mark == which] for which in "-+")
        for before, after in zip_longest(old, new):
            pair = [tag("del", before)] if before is not None else []
            pair += [tag("ins", after)] if after is not None else []
            found.append(tag("p", *pair))
    return found


def _equal_lines(mark: LineMark, lines: Iterable[DiffLine]) -> Html:
    texts = [line for _, line in lines]
    return tag("i", f"{texts[0]} equal lines") if mark == "…" else tag("span", by_line(texts))
