"""A YAML document by lines: where lines and comments begin and end, and the splices that change its text.

Takes a `Document`; gives positions in its text, and the text with splices applied.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence as AbstractSequence
from dataclasses import field
from typing import NamedTuple

from reconciler.accept.positions import BREAK, Document, Mapping, Node, Scalar, Sequence
from reconciler.lazy_dataclass import dataclass

HEADER = re.compile(r"[|>][-+0-9]*")
"""The beginning of a block scalar."""
STEP = 2
"""Columns of an indent, where the file shows no other."""
_COLON = re.compile(r"[ \t]*:")
_QUESTION_MARK = re.compile(r"\?[ \t]+\Z")
_COMMENT_LINE = re.compile(r"[ \t]*#")


class SpliceError(Exception):
    """A node cannot be edited in place: it is written in a rare form, or two edits overlap."""


class Splice(NamedTuple):
    """A part of the text to replace."""

    start: int
    end: int
    text: str


class Parent(NamedTuple):
    """Where a node is: in which mapping or list, and below which key."""

    node: Mapping | Sequence
    key: Node | None


def _order(one: Splice) -> tuple[int, int, int, bool]:
    """Return a key that sorts splices by position, and lines to insert at one position from the inside out.

    Of lines at one column, the items of a list come before the next key: the list may be at the column of its key.
    """
    inner = one.text.lstrip(" ")
    return (one.start, one.end, len(inner) - len(one.text), not inner.startswith("- "))


@dataclass(slots=True)
class Lines:
    """A document by lines. Its text ends with a line break, which is taken off at the end if it had none."""

    document: Document
    whole: str = ""
    newline: str = "\n"
    lines: list[int] = field(default_factory=list)
    parents: dict[int, Parent] = field(default_factory=dict)
    keeping: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        text = self.document.text
        found = BREAK.search(text)
        self.newline = "\r\n" if found is not None and found[0] == "\r\n" else "\n"
        self.whole = text if not text or BREAK.match(text, len(text) - 1) else text + self.newline
        self.lines = [0, *(found.end() for found in BREAK.finditer(self.whole))]
        waiting = [self.document.root] if self.document.root is not None else []
        while waiting:
            node = waiting.pop()
            if isinstance(node, Sequence):
                self.parents.update((id(item), Parent(node, None)) for item in node.items)
                waiting += node.items
            elif isinstance(node, Mapping):
                self.parents.update((id(value), Parent(node, key)) for key, value in node.pairs)
                waiting += [value for _, value in node.pairs]
            elif isinstance(node, Scalar) and node.style in {"|", ">"}:
                header = HEADER.match(self.whole, node.start)
                if header is not None and "+" in header[0]:
                    self.keeping.append(node.end)

    def text(self, splices: list[Splice]) -> str:
        """Apply the splices.

        Raises:
            SpliceError: Two of them overlap.
        """
        parts: list[str] = []
        at = 0
        for one in sorted(splices, key=_order):
            if one.start < at:
                raise SpliceError("two edits overlap")
            parts += [self.whole[at : one.start], one.text]
            at = one.end
        parts.append(self.whole[at:])
        changed = "".join(parts)
        if len(self.whole) != len(self.document.text):
            changed = changed.removesuffix(self.newline)
        return changed

    # --- lines --------------------------------------------------------------------------------------------------------

    def line_start(self, at: int) -> int:
        """Return where the line of a position begins."""
        return self.lines[bisect_right(self.lines, at) - 1]

    def next_line(self, at: int) -> int:
        """Return where the line after that of a position begins."""
        number = bisect_right(self.lines, at)
        return self.lines[number] if number < len(self.lines) else len(self.whole)

    def column(self, at: int) -> int:
        """Return the column of a position, from 0."""
        return at - self.line_start(at)

    def has_colon(self, key: Node) -> bool:
        """Whether a key is followed by its colon, as all keys are that are not written with a question mark."""
        return _COLON.match(self.whole, key.end) is not None

    def start_of(self, key: Node) -> int:
        """Return where a key begins, with its question mark if it has one.

        Raises:
            SpliceError: The question mark is in another line.
        """
        if self.has_colon(key):
            return key.outer
        found = _QUESTION_MARK.search(self.whole, self.line_start(key.outer), key.outer)
        if found is None:
            raise SpliceError("the key is not written in the line of its question mark")
        return found.start()

    def is_left_out(self, key: Node, node: Node) -> bool:
        """Whether a key has no value, and no colon either."""
        return isinstance(node, Scalar) and node.outer == node.end == key.end and not self.has_colon(key)

    def joined(self, lines: AbstractSequence[str]) -> str:
        """Join lines with the line breaks of the document."""
        return "".join(line + self.newline for line in lines)

    def line_break(self, at: int) -> int:
        """Return where the line break at the end of the line of a position begins."""
        found = BREAK.search(self.whole, at)
        return len(self.whole) if found is None else found.start()

    def after(self, node: Node) -> int:
        """Return where the line after a node begins; after the last line of a block scalar that is not empty."""
        last = node
        while isinstance(last, (Mapping, Sequence)) and not last.is_flow:
            last = last.pairs[-1][1] if isinstance(last, Mapping) else last.items[-1]
        if isinstance(last, Scalar) and last.style in {"|", ">"}:
            return self.block_end(last)
        return self.next_line(last.end)

    def block_end(self, node: Scalar) -> int:
        """Return where the content of a block scalar ends, without empty lines that are no part of it."""
        header = HEADER.match(self.whole, node.start)
        if header is None or "+" in header[0]:
            return node.end
        content = self.whole[self.next_line(node.start) : node.end]
        kept = content.rstrip(" \t\r\n\x85\u2028\u2029")
        if not kept:
            return node.end
        end = self.next_line(node.start) + len(kept)
        return min(self.next_line(end), node.end)

    def check_above(self, start: int) -> None:
        """Check that no block scalar ends above a line whose empty lines would become part of it without that line.

        Raises:
            SpliceError: One does: it keeps all of its line breaks (``|+``).
        """
        for end in self.keeping:
            between = self.whole[end:start] if end <= start else "-"
            if all(not line.strip() or _COMMENT_LINE.match(line) for line in BREAK.split(between)):
                raise SpliceError("a block scalar that keeps its line breaks ends above")

    def comments_above(self, start: int, *columns: int) -> int:
        """Return where the comment lines directly above a line begin, which begin at one of its columns."""
        while start:
            above = self.line_start(start - 1)
            if self._indent_of_comment(above) not in columns:
                break
            start = above
        return start

    def comments_behind(self, start: int, line: int) -> int:
        """Return where the comment that begins behind a value ends: it may go on in lines below, at its column.

        Args:
            start: Where the value ends.
            line: Where the line below it begins.
        """
        behind = self.whole[start:line].lstrip(" \t,")
        if behind.startswith("#"):
            column = self.column(line - len(behind))
            while self._indent_of_comment(line) == column:
                line = self.next_line(line)
        return line

    def end_with_comments(self, node: Node, column: int) -> int:
        """Return where a value ends with the comments that go with it when it is removed.

        Args:
            node: The value.
            column: The column of its key or hyphen.
        """
        if isinstance(node, (Mapping, Sequence)) and not node.is_flow:
            return self.block_end_with_comments(node, column)
        after = self.after(node)
        return after if isinstance(node, Scalar) and node.style in {"|", ">"} else self.comments_behind(node.end, after)

    def block_end_with_comments(self, node: Node, column: int) -> int:
        """Return where a value in block form ends, with the comments below it that are indented more than its key.

        Args:
            node: The value.
            column: The column of the key or hyphen.
        """
        at = end = self.after(node)
        while at < len(self.whole):
            indent = self._indent_of_comment(at)
            following = self.next_line(at)
            if indent is not None and indent > column:
                end = following
            elif indent is not None or self.whole[at:following].strip():
                break
            at = following
        return end

    def _indent_of_comment(self, line: int) -> int | None:
        """Return the indent of a comment line; None if the line is anything else."""
        found = _COMMENT_LINE.match(self.whole, line)
        return found.end() - 1 - line if found is not None else None

    def step(self, mapping: Mapping) -> int:
        """Return the indent that the file uses below this mapping."""
        for key, value in mapping.pairs:
            if isinstance(value, Mapping) and not value.is_flow and value.pairs:
                width = self.column(value.pairs[0][0].outer) - self.column(key.outer)
                if width > 0:
                    return width
        parent = self.parents.get(id(mapping))
        if parent is not None and parent.key is not None:
            width = self.column(mapping.pairs[0][0].outer) - self.column(parent.key.outer)
            return width if width > 0 else STEP
        return STEP
