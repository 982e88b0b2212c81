"""Lays out a page of the documentation for a terminal: filled paragraphs, tables in columns, and links to follow.

Takes the Markdown of our own pages; returns text that ends in a newline. Markdown that it does not know is left out of
no page: `tests/docs` renders every one. Not to be confused with `reconciler.render.markdown`, which writes Markdown.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from reconciler.lazy_dataclass import dataclass
from reconciler.render.terminal import Paint, cells

NARROWEST = 40
_FIXED_SPACE = "\xa0"
"""Keeps a short piece of code on one line until the text is filled."""
_LONGEST_FIXED = 30
_GAP = "  "
_NARROWEST_COLUMN = 16
"""The least number of columns of a cell that is filled; what needs more room than there is becomes a list."""

FollowLink = Callable[[str], str]
"""Returns how to follow a link, such as a command; empty if its text says it all."""


def page_text(markdown: str, follow: FollowLink, *, colour: bool, width: int) -> str:
    """Lay out a page.

    Args:
        markdown: The page.
        follow: Returns how to follow a link, given its target.
        colour: Whether headings are bold.
        width: The number of columns; at least 40 are used. Code is not folded.
    """
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    layout = _Layout(follow, Paint(colour))
    lines = layout.blocks(SyntaxTreeNode(tokens).children, max(width, NARROWEST))
    return "\n".join(lines).rstrip("\n") + "\n"


@dataclass(frozen=True, slots=True)
class _Layout:
    """Lays out the blocks of one page."""

    follow: FollowLink
    paint: Paint

    def blocks(self, nodes: Sequence[SyntaxTreeNode], width: int, *, is_tight: bool = False) -> list[str]:
        """Return the lines of blocks, with an empty line between any two."""
        lines: list[str] = []
        for node in nodes:
            found = self._block(node, width)
            if found:
                lines += ["", *found] if lines and not is_tight else found
        return lines

    def _block(self, node: SyntaxTreeNode, width: int) -> list[str]:
        match node.type:
            case "heading":
                return [self.paint(f"{node.markup} {self._inline(node)}", "bold")]
            case "paragraph":
                return _filled(self._inline(node), width)
            case "bullet_list" | "ordered_list":
                return self._list(node, width)
            case "fence" | "code_block":
                return [f"    {line}".rstrip() for line in node.content.rstrip("\n").split("\n")]
            case "table":
                return self._table(node, width)
            case "blockquote":
                return [f"> {line}".rstrip() for line in self.blocks(node.children, width - 2)]
            case "hr":
                return ["-" * min(width, 20)]
            case _:  # comments, which say how tests are to read a page
                return []

    def _list(self, node: SyntaxTreeNode, width: int) -> list[str]:
        lines: list[str] = []
        first = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else 0
        for number, item in enumerate(node.children, first):
            bullet = f"{number}. " if node.type == "ordered_list" else "- "
            is_tight = any(child.hidden for child in item.children)
            inner = self.blocks(item.children, width - len(bullet), is_tight=is_tight)
            if lines and not is_tight:
                lines.append("")
            lines += textwrap.indent("\n".join(inner), " " * len(bullet)).split("\n")
            lines[-len(inner)] = bullet + inner[0]
        return lines

    def _table(self, node: SyntaxTreeNode, width: int) -> list[str]:
        rows = [[self._inline(cell) for cell in row.children] for section in node.children for row in section.children]
        widths = _column_widths(rows, width)
        if widths is None:
            return self._records(rows, width)
        laid_out = [_columns(row, widths) for row in rows]
        head, *body = laid_out
        is_spaced = any(len(lines) > 1 for lines in body)
        lines = [*(self.paint(line, "bold") for line in head), _GAP.join("-" * one for one in widths)]
        for position, row in enumerate(body):
            lines += ["", *row] if is_spaced and position else row
        return lines

    def _records(self, rows: Sequence[Sequence[str]], width: int) -> list[str]:
        """Return a table that does not fit as a list of its rows, each cell after its heading."""
        head, *body = rows
        lines: list[str] = []
        for row in body:
            lines += ["", *_filled(row[0], width)] if lines else _filled(row[0], width)
            for name, cell in zip(head[1:], row[1:], strict=True):
                lines += _filled(f"{_GAP}{name}: {cell}", width, indent=_GAP * 2) if cell else []
        return lines

    # --- inside of a block --------------------------------------------------------------------------------------------

    def _inline(self, node: SyntaxTreeNode) -> str:
        return "".join(self._pieces(node.children))

    def _pieces(self, nodes: Sequence[SyntaxTreeNode]) -> Iterator[str]:
        for node in nodes:
            match node.type:
                case "text":
                    yield node.content
                case "code_inline":
                    yield _together(f"`{node.content}`")
                case "softbreak" | "hardbreak":
                    yield " "
                case "html_inline":
                    yield ""
                case "link":
                    text = self._inline(node)
                    way = self.follow(str(node.attrs["href"]))
                    yield f"{text} ({_together(way)})" if way and way.strip("`") not in text else text
                case _:  # emphasis, and what contains other pieces
                    yield self._inline(node)


def _together(code: str) -> str:
    """Keep a short piece of code on one line."""
    return code.replace(" ", _FIXED_SPACE) if code.startswith("`") and len(code) <= _LONGEST_FIXED else code


def _filled(text: str, width: int, *, indent: str = "") -> list[str]:
    lines = textwrap.wrap(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return [line.replace(_FIXED_SPACE, " ") for line in lines]


def _column_widths(rows: Sequence[Sequence[str]], width: int) -> list[int] | None:
    """Return the widths of columns, the widest ones narrowed until all fit; None if they cannot fit."""
    columns = list(zip(*rows, strict=True))
    widths = [max(map(cells, column)) for column in columns]
    longest_words = [max(cells(word) for cell in column for word in cell.split(" ")) for column in columns]
    least = [max(word, min(_NARROWEST_COLUMN, wide)) for word, wide in zip(longest_words, widths, strict=True)]
    room = width - len(_GAP) * (len(widths) - 1)
    if sum(least) > room:
        return None
    while sum(widths) > room:
        spare = [wide - low for wide, low in zip(widths, least, strict=True)]
        widest = max(range(len(widths)), key=lambda at: (spare[at] > 0, widths[at]))
        widths[widest] -= 1
    return widths


def _columns(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Return one row of a table, its cells filled to their columns."""
    filled = [_filled(cell, wide) or [""] for cell, wide in zip(row, widths, strict=True)]
    lines = []
    for number in range(max(map(len, filled))):
        parts = [part[number] if number < len(part) else "" for part in filled]
        padded = (part + " " * max(wide - cells(part), 0) for part, wide in zip(parts, widths, strict=True))
        lines.append(_GAP.join(padded).rstrip())
    return lines
