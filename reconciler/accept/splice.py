"""Changes a YAML text at single values, and nowhere else.

Takes a `Document` and edits of its nodes; gives the new text, in which every other line is the same, byte for byte. The
style of a value stays: its quotes, its block or flow form, its indent, and the line breaks of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as AbstractMapping
from typing import TypeAlias

from reconciler.accept.flow import edit_members, fill_brackets, is_empty_over_lines
from reconciler.accept.lines import HEADER, STEP, Lines, Parent, Splice, SpliceError
from reconciler.accept.positions import Alias, Document, Mapping, Node, Scalar, Sequence
from reconciler.accept.scalars import UNSET, block_scalar, scalar
from reconciler.accept.writing import Value, block, fits_line, flow, members, plain, value_in_flow
from reconciler.lazy_dataclass import dataclass

_LAST_HYPHEN = re.compile(r"([ \t-]*)-[ \t]*(?:(?<=[ \t])#.*)?\s*\Z")
"""A line up to the item of a list, or with its hyphen and a comment only."""
_DOCUMENT_END = re.compile(r"^\.\.\.(?=\s|\Z)", re.MULTILINE)
_TAG = re.compile(r"(?:^|(?<=\s))(![^\s,\[\]{}]*)[ \t]*")
_TAGGED: AbstractMapping[str, tuple[type, ...]] = {
    "!": (str,),
    "!!str": (str,),
    "!!map": (AbstractMapping,),
    "!!seq": (list, tuple),
}
"""The values that each tag fits."""
_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*[ \t]*)+")


@dataclass(frozen=True, slots=True)
class Set:
    """Put another value in the place of one.

    Attributes:
        node: The present value.
        value: The new one.
    """

    node: Node
    value: Value


@dataclass(frozen=True, slots=True)
class Put:
    """Add a key to the end of a mapping.

    Attributes:
        mapping: The mapping.
        key: The key, which it does not have.
        value: Its value.
    """

    mapping: Mapping
    key: str
    value: Value


@dataclass(frozen=True, slots=True)
class Drop:
    """Remove a key with its value and the comments directly above.

    Attributes:
        mapping: The mapping.
        key: The key.
    """

    mapping: Mapping
    key: str


@dataclass(frozen=True, slots=True)
class Items:
    """Remove items of a list and add others.

    Attributes:
        sequence: The list.
        removed: The positions of the items to remove.
        added: The items to add in order, each with the position of the item that it comes before; the number of items
            for the end.
    """

    sequence: Sequence
    removed: frozenset[int] = frozenset()
    added: tuple[tuple[int, Value], ...] = ()


@dataclass(frozen=True, slots=True)
class Fill:
    """Write the first keys of a document that has none: at its end, below its comments.

    Attributes:
        value: The keys with their values.
    """

    value: AbstractMapping[str, Value]


Edit: TypeAlias = Set | Put | Drop | Items | Fill


def _fits(tag: str, value: Value) -> bool:
    """Whether a value may have a tag. To unset a key is a tag of its own."""
    return value is not UNSET and isinstance(value, _TAGGED.get(tag, ()))


def splice(document: Document, edits: Iterable[Edit]) -> str:
    """Apply edits to a document.

    Args:
        document: The document.
        edits: The edits, of which no two concern the same part.

    Raises:
        SpliceError: One of them cannot be made in place.
    """
    page = _Page(document)
    drops: dict[int, tuple[Mapping, set[str]]] = {}
    puts: dict[int, tuple[Mapping, list[Put]]] = {}
    splices: list[Splice] = []
    for edit in edits:
        match edit:
            case Set():
                splices += page.replace(edit.node, edit.value)
            case Items():
                splices += page.items(edit)
            case Fill():
                splices += page.fill(edit.value)
            case Drop():
                drops.setdefault(id(edit.mapping), (edit.mapping, set()))[1].add(edit.key)
            case Put():
                puts.setdefault(id(edit.mapping), (edit.mapping, []))[1].append(edit)
    for key in dict.fromkeys([*drops, *puts]):
        mapping, dropped = drops.get(key) or (puts[key][0], set())
        splices += page.keys(mapping, dropped, puts[key][1] if key in puts else [])
    return page.text(splices)


@dataclass(slots=True)
class _Page(Lines):
    """A document while it is edited."""

    # --- one value ----------------------------------------------------------------------------------------------------

    def replace(self, node: Node, value: Value) -> Iterator[Splice]:
        """Replace a value, and its tag if that does not fit the new one."""
        parent = self._parent(node)
        in_flow = parent is not None and self._is_in_flow(parent.node)
        if isinstance(node, Scalar) and node.style in {"|", ">"}:
            yield from self._without_tag(node, value)
            yield from self._set_block_scalar(node, value)
            return
        if isinstance(node, (Mapping, Sequence)) and not node.is_flow:
            yield from self._set_block(node, value)
            return
        if parent is not None and parent.key is not None and self.is_left_out(parent.key, node):
            yield from self._set_left_out(parent, value)
            return
        if isinstance(value, (AbstractMapping, list, tuple)):
            if value and isinstance(node, (Mapping, Sequence)) and is_empty_over_lines(self, node):
                yield from self._without_tag(node, value)
                yield from fill_brackets(
                    self, node, members(value), "{}" if isinstance(value, AbstractMapping) else "[]"
                )
                return
            if parent is not None and parent.key is not None and not in_flow and value and not fits_line(value):
                assert isinstance(parent.node, Mapping)
                indent = self.column(parent.key.outer)
                start = self.whole[: node.outer].rstrip(" \t")
                yield Splice(len(start), node.end, "")
                lines = block(value, indent + self.step(parent.node), self.step(parent.node))
                # Below the comments of a section that had nothing else.
                at = self.block_end_with_comments(node, indent)
                yield Splice(at, at, self.joined(lines))
                return
            yield from self._without_tag(node, value)
            yield self._inline(node, flow(value))
            return
        yield from self._without_tag(node, value)
        style = node.style if isinstance(node, Scalar) else ""
        yield self._inline(node, scalar(plain(value), style=style, in_flow=in_flow))

    def _set_left_out(self, parent: Parent, value: Value) -> Iterator[Splice]:
        """Write the value of a key that has none; a question mark before it goes."""
        key = parent.key
        assert key is not None
        is_collection = isinstance(value, (AbstractMapping, list, tuple))
        text = flow(value) if isinstance(value, (AbstractMapping, list, tuple)) else ""
        if self._is_in_flow(parent.node):
            yield Splice(key.end, key.end, f": {text or scalar(plain(value), in_flow=True)}")
            return
        start = self.start_of(key)
        yield Splice(start, key.outer, "")
        if is_collection and value and not fits_line(value):
            assert isinstance(parent.node, Mapping)
            column = self.column(start)
            yield Splice(key.end, key.end, ":")
            at = self.block_end_with_comments(Scalar(key.end, key.end, key.end, "", ""), column)
            step = self.step(parent.node)
            yield Splice(at, at, self.joined(block(value, column + step, step)))
            return
        yield Splice(key.end, key.end, f": {text or scalar(plain(value))}")

    def _without_tag(self, node: Node, value: Value) -> Iterator[Splice]:
        """Remove a tag that does not fit the new value."""
        tag = _TAG.search(self.whole[node.outer : node.start])
        if tag is not None and not _fits(tag[1], value):
            yield Splice(node.outer + tag.start(), node.outer + tag.end(), "")

    def _parent(self, node: Node) -> Parent | None:
        """Return where a node is; None for the root.

        Raises:
            ValueError: It is a node of another document.
        """
        found = self.parents.get(id(node))
        if found is None and node is not self.document.root:
            raise ValueError("the node belongs to another document")
        return found

    def _inline(self, node: Node, text: str) -> Splice:
        """Replace a node in its line, with a space before it if it is empty."""
        start, end = node.start, node.end
        if isinstance(node, Alias):
            start = node.outer
        before = self.whole[start - 1 : start]
        space = " " if start == end and before not in {"", " ", "\t", "\n"} else ""
        after = self.whole[end : end + 1]
        if isinstance(node, Scalar) and node.start == node.end and after == "#":
            text += " "
        return Splice(start, end, space + text)

    def _is_in_flow(self, node: Mapping | Sequence) -> bool:
        return node.is_flow

    def _set_block_scalar(self, node: Scalar, value: Value) -> Iterator[Splice]:
        header = HEADER.match(self.whole, node.start)
        assert header is not None
        content, end = self.next_line(node.start), self.block_end(node)
        first = self.whole[content:end].lstrip("\r\n")
        indent = first[: len(first) - len(first.lstrip(" "))]
        written = None
        if isinstance(value, str) and value is not UNSET and not any(character.isdigit() for character in header[0]):
            written = block_scalar(value, style=node.style, indent=indent, newline=self.newline) if indent else None
        if written is None:
            inline = flow(value) if isinstance(value, (AbstractMapping, list, tuple)) else scalar(plain(value))
            yield Splice(node.start, header.end(), inline)
            yield Splice(content, end, "")
            return
        yield Splice(node.start, header.end(), written[0])
        yield Splice(content, end if "+" not in written[0] else node.end, written[1])

    def _set_block(self, node: Mapping | Sequence, value: Value) -> Iterator[Splice]:
        """Replace a mapping or list in block form."""
        parent = self._parent(node)
        if parent is None or parent.key is None:
            # The root, or an item of a list.
            if not isinstance(value, (AbstractMapping, list, tuple)):
                raise SpliceError("a block can be replaced by a block only")
            if self.whole[self.line_start(node.start) : node.start].strip(" -"):
                raise SpliceError("the block does not begin its line")
            lines = (
                block(value, self.column(node.start), STEP) if value else [" " * self.column(node.start) + flow(value)]
            )
            end = self.after(node)
            yield from self._without_tag(node, value)
            yield Splice(node.start, end, self.joined(lines).lstrip(" "))
            return
        assert isinstance(parent.node, Mapping)
        start, colon, properties = self._head(parent.key, node, value)
        first = self.line_start(node.start)
        if first <= colon:
            raise SpliceError("the block begins in the line of its key")
        last = node.pairs[-1][1] if isinstance(node, Mapping) else node.items[-1]
        end = self.end_with_comments(last, self.column(node.start))
        if (
            isinstance(value, (AbstractMapping, list, tuple))
            and value
            and not (isinstance(value, (list, tuple)) and fits_line(value) and isinstance(node, Mapping))
        ):
            column = self.column(node.start)
            key_column = self.column(parent.key.outer)
            lines = block(value, column, max(column - key_column, STEP))
            yield Splice(start, colon, properties)
            yield Splice(first, end, self.joined(lines))
            return
        text = flow(value) if isinstance(value, (AbstractMapping, list, tuple)) else scalar(plain(value))
        yield Splice(start, colon, f"{properties} {text}")
        yield Splice(self.comments_above(first, self.column(node.start)), end, "")

    def _head(self, key: Node, node: Mapping | Sequence, value: Value) -> tuple[int, int, str]:
        """Return where the anchor and tag behind a key begin and end, and those of them that fit a new value."""
        colon = self._colon(key)
        if node.outer == node.start:
            return colon, colon, ""
        found = _PROPERTIES.match(self.whole, node.outer)
        assert found is not None
        kept = [text for text in found[0].split() if not text.startswith("!") or _fits(text, value)]
        return colon, node.outer + len(found[0].rstrip()), "".join(f" {text}" for text in kept)

    def _colon(self, key: Node) -> int:
        """Return the position after the colon of a key in block form."""
        at = key.end
        while self.whole[at : at + 1] in {" ", "\t"}:
            at += 1
        if self.whole[at : at + 1] != ":":
            raise SpliceError("the key has no colon in its line")
        return at + 1

    def fill(self, value: AbstractMapping[str, Value]) -> Iterator[Splice]:
        """Write the first keys of the document."""
        root = self.document.root
        if root is not None:
            assert isinstance(root, Scalar)
            yield Splice(root.outer, root.end, "")
        end = _DOCUMENT_END.search(self.whole)
        at = end.start() if end is not None else len(self.whole)
        yield Splice(at, at, self.joined(block(value, 0, STEP)))

    # --- keys ---------------------------------------------------------------------------------------------------------

    def keys(self, mapping: Mapping, dropped: set[str], added: list[Put]) -> Iterator[Splice]:
        """Remove and add keys of one mapping."""
        pairs = mapping.pairs
        gone = [number for number, (key, _) in enumerate(pairs) if isinstance(key, Scalar) and key.text in dropped]
        if len(gone) != len(dropped):
            raise SpliceError("a key to remove is not written in this mapping")
        if mapping.is_flow:
            texts = [text for put in added for text in members({put.key: put.value})]
            yield from edit_members(self, mapping, frozenset(gone), [(len(pairs), text) for text in texts])
            return
        first = self.start_of(pairs[0][0])
        is_after_hyphen = bool(self.whole[self.line_start(first) : first].strip(" "))
        if gone and len(gone) == len(pairs) and (is_after_hyphen or not added):
            yield from self._set_block(mapping, {put.key: put.value for put in added})
            return
        column = self.column(first)
        leading = next(number for number in range(len(pairs) + 1) if number not in gone) if is_after_hyphen else 0
        if leading:
            yield self._without_first(mapping, leading)
        for number in gone[leading:]:
            yield self._without_pair(mapping, number)
        if added:
            last = self.start_of(pairs[-1][0])
            if self.whole[self.line_start(last) : last].strip(" -:"):
                raise SpliceError("the mapping is not written with one key in each line")
            at = self.block_end_with_comments(pairs[-1][1], column)
            step = self.step(mapping)
            lines = [line for put in added for line in block({put.key: put.value}, column, step)]
            yield Splice(at, at, self.joined(lines))

    def _without_pair(self, mapping: Mapping, number: int) -> Splice:
        key, value = mapping.pairs[number]
        begin = self.start_of(key)
        start = self.line_start(begin)
        before = self.whole[start:begin]
        self.check_above(start)
        if before.strip(" "):
            raise SpliceError("the key does not begin its line")
        is_first_of_file = number == 0 and mapping is self.document.root
        above = start if is_first_of_file else self.comments_above(start, len(before))
        return Splice(above, self.end_with_comments(value, len(before)), "")

    def _without_first(self, mapping: Mapping, count: int) -> Splice:
        """Remove the first keys behind a hyphen, or behind a colon that begins a line; the next one's comments stay."""
        start, following = self.start_of(mapping.pairs[0][0]), self.start_of(mapping.pairs[count][0])
        line = self.line_start(start)
        self.check_above(line)
        if self.whole[line:start].strip(" -:") or self.whole[self.line_start(following) : following].strip(" "):
            raise SpliceError("the key does not begin its line")
        end = self.end_with_comments(mapping.pairs[count - 1][1], self.column(start))
        if not self.whole[end:following].strip():
            return Splice(start, following, "")
        end -= 2 if self.whole[end - 2 : end] == "\r\n" else 1
        return Splice(len(self.whole[:start].rstrip(" ")), end, "")

    # --- lists --------------------------------------------------------------------------------------------------------

    def items(self, edit: Items) -> Iterator[Splice]:
        """Remove and add items of a list."""
        sequence = edit.sequence
        if not edit.removed and not edit.added:
            return
        style = self._style(sequence)
        if sequence.is_flow:
            texts = [(before, value_in_flow(item, style=style)) for before, item in edit.added]
            yield from edit_members(self, sequence, edit.removed, texts)
            return
        if len(edit.removed) == len(sequence.items) and not edit.added:
            yield from self._set_block(sequence, [])
            return
        hyphens = [self._hyphen(item) for item in sequence.items]
        column = self.column(hyphens[0])
        starts = [self.line_start(hyphen) for hyphen in hyphens]
        above = [self.comments_above(start, column) for start in starts]
        if above[1:] == starts[1:]:
            above[0] = starts[0]  # the only comment is about the list
        for number in edit.removed:
            if self.whole[starts[number] : hyphens[number]].strip(" "):
                raise SpliceError("the item does not begin its line")
            self.check_above(starts[number])
            yield Splice(above[number], self.end_with_comments(sequence.items[number], column), "")
        for place in dict.fromkeys(before for before, _ in edit.added):
            if self.whole[starts[0] : hyphens[0]].strip(" "):
                raise SpliceError("the item does not begin its line")
            at = self.block_end_with_comments(sequence.items[place - 1], column) if place else above[0]
            added = [item for before, item in edit.added if before == place]
            lines = [line for item in added for line in self._item(sequence, item, column, style)]
            yield Splice(at, at, self.joined(lines))

    def _item(self, sequence: Sequence, value: Value, column: int, style: str) -> list[str]:
        """Write an item of a list in block form as the other items are written."""
        inner = [item for item in sequence.items if isinstance(item, (Mapping, Sequence))]
        if isinstance(value, (AbstractMapping, list, tuple)) and value and not any(item.is_flow for item in inner):
            width = self.column(inner[0].start) - column if inner else STEP
            step = self.step(inner[0]) if inner and isinstance(inner[0], Mapping) else STEP
            first, *rest = block(value, column + width, step)
            return [f"{' ' * column}-{' ' * (width - 1)}{first.lstrip(' ')}", *rest]
        return [f"{' ' * column}- {value_in_flow(value, style=style, in_flow=False)}"]

    @staticmethod
    def _style(sequence: Sequence) -> str:
        """Return the quotes that all items have; empty if they differ."""
        styles = {item.style for item in sequence.items if isinstance(item, Scalar)}
        return styles.pop() if len(styles) == 1 and styles <= {"'", '"'} else ""

    def _hyphen(self, item: Node) -> int:
        """Return the position of an item's hyphen; between the two may be lines with comments only."""
        start = self.line_start(item.outer)
        before = self.whole[start : item.outer]
        while start and not before.split("#")[0].strip():
            end, start = start, self.line_start(start - 1)
            before = self.whole[start:end]
        found = _LAST_HYPHEN.match(before)
        if found is None:
            raise SpliceError("the item is not written after its hyphen")
        return start + found.end(1)
