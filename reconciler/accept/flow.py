"""Members of lists and mappings in brackets: removes and adds them with their commas and comments.

Takes the lines of a document and a collection; gives splices. A comment belongs to the members in its line, or to those
in the line directly below it. Everything else stays, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Sequence as AbstractSequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from reconciler.accept.lines import STEP, Lines, Splice
from reconciler.accept.positions import BREAK, Mapping, Node, Scalar, Sequence
from reconciler.lazy_dataclass import dataclass

_COMMA = re.compile(r"(?:[^,#]|#[^\r\n\x85\u2028\u2029]*+)*+,")
"""Everything up to a comma that is not in a comment."""
Added: TypeAlias = tuple[int, str]
"""A member to add: the position of the member that it comes before, or their number for the end; and its text."""


def edit_members(
    page: Lines, node: Mapping | Sequence, removed: frozenset[int], added: AbstractSequence[Added]
) -> Iterator[Splice]:
    """Remove and add members of a list or mapping in brackets.

    Args:
        page: The document.
        node: The list or mapping.
        removed: The positions of the members to remove.
        added: The members to add, in order.
    """
    yield from _Members(page, node, _spans(page, node), removed).edit(added) if removed or added else ()


def is_empty_over_lines(page: Lines, node: Mapping | Sequence) -> bool:
    """Whether a list or mapping in brackets is empty but for line breaks and comments."""
    is_empty = node.is_flow and not _spans(page, node)
    return is_empty and BREAK.search(page.whole, node.start, node.end) is not None


def fill_brackets(
    page: Lines, node: Mapping | Sequence, texts: AbstractSequence[str], brackets: str
) -> Iterator[Splice]:
    """Write the first members of an empty list or mapping.

    Args:
        page: The document.
        node: The list or mapping.
        texts: The members.
        brackets: The brackets that it is to have.
    """
    yield Splice(node.start, node.start + 1, brackets[0])
    yield _filled(page, node, texts)
    yield Splice(node.end - 1, node.end, brackets[1])


def _filled(page: Lines, node: Mapping | Sequence, texts: AbstractSequence[str]) -> Splice:
    """Add members where there are none: in the line of the brackets, or below the lines that are between them."""
    start, end = node.start + 1, node.end - 1
    inside = page.whole[start:end]
    if BREAK.search(inside) is None:
        return Splice(start, end, ", ".join(texts))
    opening = page.whole[page.line_start(start) : start]
    least = len(opening) - len(opening.lstrip(" -"))
    # The first comment may be behind the bracket, and the last line is that of the closing one.
    comments = [line for line in BREAK.split(inside)[1:-1] if line.strip()]
    column = len(comments[-1]) - len(comments[-1].lstrip(" ")) if comments else 0
    pad = " " * (column if column > least else least + STEP)
    lines = f",{page.newline}".join(pad + text for text in texts).rstrip(" ") + page.newline
    line = page.line_start(end)
    return Splice(line, line, lines)


def _spans(page: Lines, node: Mapping | Sequence) -> list[tuple[int, int]]:
    """Return where each member begins and ends."""
    if isinstance(node, Sequence):
        return [(item.outer, item.end) for item in node.items]
    return [(key.outer, _end(page, key, value)) for key, value in node.pairs]


def _end(page: Lines, key: Node, value: Node) -> int:
    """Return where a pair ends: the parser gives the next token for the position of a value that is left out."""
    if not isinstance(value, Scalar) or value.outer != value.end:
        return value.end
    colon = re.compile(r"[ \t]*:").match(page.whole, key.end)
    return colon.end() if colon is not None else key.end


class _Row(NamedTuple):
    """Members that share a line.

    Attributes:
        first: The position of the first one.
        last: The position of the last one.
        start: Where the row begins: with the comments above it if it begins a line.
        end: Where the row ends: with the comments behind it if it ends a line.
        begins: Whether it begins a line.
        ends: Whether it ends a line.
    """

    first: int
    last: int
    start: int
    end: int
    begins: bool
    ends: bool


@dataclass(slots=True)
class _Members:
    page: Lines
    node: Mapping | Sequence
    spans: list[tuple[int, int]]
    removed: frozenset[int]

    def edit(self, added: AbstractSequence[Added]) -> Iterator[Splice]:
        if not self.spans:
            yield _filled(self.page, self.node, [text for _, text in added])
            return
        rows = self._rows()
        kept = [number for number in range(len(self.spans)) if number not in self.removed]
        if not kept:
            yield from self._replace_all(rows, [text for _, text in added])
            return
        cuts = [cut for row in rows for cut in self._cuts(row)]
        yield from cuts
        row_of = {number: row for row in rows for number in range(row.first, row.last + 1)}
        for before, after in pairwise([-1, *kept, len(self.spans)]):
            texts = [text for number, text in added if before < number <= after]
            commas = [
                comma
                for number in range(max(before, 0), min(after, len(self.spans)))
                if (comma := self._comma(number)) is not None
                if not any(start <= comma < end for start, end, _ in cuts)
            ]
            if before < 0:
                yield from self._at_the_beginning(row_of[after], after, texts, commas)
            else:
                yield from self._behind(row_of[before], before, texts, commas, is_last=after == len(self.spans))

    # --- rows and commas ----------------------------------------------------------------------------------------------

    def _gap(self, number: int) -> tuple[int, int]:
        """Return the part between a member and the next one, or the closing bracket."""
        is_last = number == len(self.spans) - 1
        return self.spans[number][1], self.node.end - 1 if is_last else self.spans[number + 1][0]

    def _comma(self, number: int) -> int | None:
        """Return where the comma behind a member is; None if there is none."""
        start, end = self._gap(number)
        found = _COMMA.match(self.page.whole, start, end)
        return found.end() - 1 if found is not None else None

    def _rows(self) -> list[_Row]:
        page = self.page
        rows: list[_Row] = []
        first = 0
        for number in range(len(self.spans)):
            found = BREAK.search(page.whole, *self._gap(number))
            if found is None and number < len(self.spans) - 1:
                continue
            start, end = self.spans[first][0], self.spans[number][1]
            prefix = page.whole[page.line_start(start) : start]
            begins = not prefix.strip(" \t,?")
            if begins:
                indent = len(prefix) - len(prefix.lstrip(" \t"))
                start = page.comments_above(page.line_start(start), indent, len(prefix))
            if found is not None:
                end = page.comments_behind(end, found.end())
            elif (comma := self._comma(number)) is not None:
                end = comma + 1
            rows.append(_Row(first, number, start, end, begins, found is not None))
            first = number + 1
        return [self._without_comment_of_list(rows[0], rows[1:]), *rows[1:]]

    def _without_comment_of_list(self, row: _Row, others: list[_Row]) -> _Row:
        """Leave out the comment above the first item, which is about the list unless other items have comments, too."""
        line = self.page.line_start(self.spans[0][0])
        is_own = any(self.page.line_start(self.spans[other.first][0]) != other.start for other in others)
        return row if isinstance(self.node, Mapping) or is_own or not row.begins else row._replace(start=line)

    # --- removing -----------------------------------------------------------------------------------------------------

    def _cuts(self, row: _Row) -> Iterator[Splice]:
        """Remove members of a row; without any left, the row with its comments."""
        members = range(row.first, row.last + 1)
        whole = self.page.whole
        kept = [number for number in members if number not in self.removed]
        if not kept:
            start = self.spans[row.first][0]
            if row.begins and row.ends:
                yield Splice(row.start, row.end, "")
            elif row.begins:
                line = self.page.line_start(start)
                indent = whole[line:start][: len(whole[line:start]) - len(whole[line:start].lstrip(" \t"))]
                yield Splice(row.start, self.node.end - 1, indent)
            elif row.ends:
                start = len(whole[:start].rstrip(" \t"))
                end = self.page.line_break(self.spans[row.last][1])
                yield Splice(start, end, "")
                yield Splice(self.page.next_line(end), row.end, "")
            return
        for number in members:
            if number in self.removed and number < kept[-1]:
                yield Splice(self.spans[number][0], self.spans[number + 1][0], "")
        if kept[-1] < row.last:
            yield Splice(self.spans[kept[-1]][1], self.spans[row.last][1], "")

    def _without_comma(self, comma: int) -> Splice:
        found = re.compile(r",[ \t]*(?!#|[ \t])|,").match(self.page.whole, comma)
        return Splice(comma, found.end() if found is not None else comma + 1, "")

    def _replace_all(self, rows: list[_Row], texts: list[str]) -> Iterator[Splice]:
        """Remove all members and add others in their place."""
        start, end = self.node.start + 1, self.node.end - 1
        if not rows[0].begins:
            yield Splice(start, end, ", ".join(texts))
            return
        cuts = [cut for row in rows for cut in self._cuts(row)]
        left, at = "", start
        for cut in cuts:
            left, at = left + self.page.whole[at : cut.start], cut.end
        if not texts and not (left + self.page.whole[at:end]).strip():
            yield Splice(start, end, "")
            return
        has_comma = self._comma(len(self.spans) - 1) is not None
        yield Splice(rows[0].start, rows[0].start, self._lines(rows[0], texts, has_comma=has_comma))
        yield from cuts

    # --- adding -------------------------------------------------------------------------------------------------------

    def _lines(self, row: _Row, texts: list[str], *, has_comma: bool) -> str:
        """Write members as lines, each with a comma; the last one only if asked for."""
        start = self.spans[row.first][0]
        prefix = re.sub(r"[,?]", " ", self.page.whole[self.page.line_start(start) : start])
        ends = [","] * (len(texts) - 1) + ["," if has_comma else ""]
        return "".join(prefix + text + end + self.page.newline for text, end in zip(texts, ends, strict=False))

    def _at_the_beginning(self, row: _Row, first: int, texts: list[str], commas: list[int]) -> Iterator[Splice]:
        """Add members before the first one that is kept."""
        yield from map(self._without_comma, commas)
        if not texts:
            return
        if row.begins and row.first == row.last:
            yield Splice(row.start, row.start, self._lines(row, texts, has_comma=True))
        else:
            start = self.spans[first][0]
            yield Splice(start, start, "".join(f"{text}, " for text in texts))

    def _behind(
        self, row: _Row, number: int, texts: list[str], commas: list[int], *, is_last: bool
    ) -> Iterator[Splice]:
        """Add members behind one, and leave as many commas as are needed."""
        in_lines = bool(texts) and row.begins and row.ends and row.first == row.last
        behind = "" if in_lines else "".join(f", {text}" for text in texts)
        own = bool(commas) and commas[0] < row.end  # otherwise, the comma begins the line of the next member
        has_comma = bool(commas)
        if is_last:
            has_comma = self._comma(len(self.spans) - 1) is not None
            needed = int(own if in_lines else has_comma)
        else:
            needed = 1
        if (in_lines and not own) or (not commas and not is_last):
            behind += ","
        if in_lines and not is_last:
            has_comma = own or not commas
        yield from map(self._without_comma, commas[needed:])
        if behind:
            yield Splice(self.spans[number][1], self.spans[number][1], behind)
        if in_lines:
            yield Splice(row.end, row.end, self._lines(row, texts, has_comma=has_comma))
