"""Renders fields that differ as markup, with both sides next to each other.

Takes rows; returns `Html`. The former side is on the left, the configured one on the right; `del` and `ins` say so
without colors and without a style sheet.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby, zip_longest
from operator import itemgetter

from reconciler.render.html.markup import Html, by_line, join, tag, text
from reconciler.render.line_diff import DiffLine, LineMark
from reconciler.render.rows import FieldRow, Nothing, Plain, Pointer, SetDiff, Side
from reconciler.render.values import distinct, equal_start, literal, side_text

CONTEXT = 80
"""The number of equal characters around a difference in a long text."""
WORD = 24
"""The length up to which a word that differs is marked as a whole."""
LONG = 400
"""The length from which only the difference of a text is shown, with its surroundings."""
SHOWN = 4_000
"""The number of characters of a difference that are shown."""
KEPT = 12
"""The number up to which equal items are named."""


def side(shown: Side) -> Html:
    """Render one side of a field."""
    name = "code" if isinstance(shown, (Plain, Pointer)) else "i"
    if isinstance(shown, Plain) and isinstance(shown.value, str) and len(shown.value) > LONG:
        first = tag("summary", tag(name, side_text(shown, limit=CONTEXT)))
        return tag("details", first, tag(name, side_text(shown)))
    return tag(name, side_text(shown))


def sides(before: Side, after: Side) -> tuple[Html, Html]:
    """Render both sides, with the difference of two texts marked."""
    match before, after:
        case Plain(value=str(old)), Plain(value=str(new)) if old != new:
            written = literal(old), literal(new)
            if (revealed := distinct(*written)) != written:
                return tag("code", revealed[0]), tag("code", revealed[1])
            head, tail = _ends(old, new)
            # If one of them could be mistaken for another type, both are quoted.
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
    """Count the equal characters at the start and at the end, without breaking short words."""
    head = equal_start(old, new)
    tail = equal_start(old[head:][::-1], new[head:][::-1])
    if old[head : head + 1].isalnum() or new[head : head + 1].isalnum():
        head = _back(old, head)
    old_end, new_end = len(old) - tail, len(new) - tail
    if (old_end > head and old[old_end - 1].isalnum()) or (new_end > head and new[new_end - 1].isalnum()):
        tail = _back(old[::-1], tail)
    return head, tail


def _back(text: str, position: int) -> int:
    """Return the start of the word at a position, unless that word is long."""
    start = position
    while start and text[start - 1].isalnum():
        start -= 1
        if position - start > WORD:
            return position
    return start


def field(row: FieldRow, notes: Html, *, acts: bool, alone: bool) -> Html:
    """Render one field.

    Args:
        row: the field.
        notes: the notes beside its name.
        acts: whether something will be done, so that an empty side needs no label.
        alone: whether there is only the configured side.
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
        markup = (
            join([tag("code", literal(item)) for item in items.kept], ", ")
            if few
            else text(f"{len(items.kept):,} items")
        )
        cells.append(tag("dd", "Unchanged: ", markup, class_="kept"))
    return join(cells)


def _side_of_set(which: str, name: str, items: tuple[str, ...], whole: Side) -> Html:
    if not items:
        markup = tag("i", "nothing else") if isinstance(whole, Plain) else side(whole)
        return tag("dd", markup, class_=f"{which} none")
    return tag("dd", *(tag(name, literal(item)) for item in items), class_=f"{which} set")


def _lines(lines: tuple[DiffLine, ...]) -> list[Html]:
    """Render lines in pairs: the line on the left was replaced by the one on the right.

    Adjacent unchanged lines are one element, since a page may have hundreds of thousands of them.
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
    return tag("i", f"{texts[0]} unchanged lines") if mark == "…" else tag("span", by_line(texts))
