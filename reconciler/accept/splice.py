"""Changes a YAML text at single values, and nowhere else.

Takes a `Document` and edits of its nodes; gives the new text, in which every other line is the same, byte for byte. The
style of a value stays: its quotes, its block or flow form, its indent, and the line breaks of the file.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as AbstractMapping
from collections.abc import Sequence as AbstractSequence
from dataclasses import field
from typing import NamedTuple, Protocol, TypeAlias, runtime_checkable

from reconciler.accept.positions import BREAK, Alias, Document, Mapping, Node, Scalar, Sequence
from reconciler.accept.scalars import Plain, block_scalar, scalar
from reconciler.lazy_dataclass import dataclass

Value: TypeAlias = "Plain | AbstractSequence[Value] | AbstractMapping[str, Value]"
"""What can be written: JSON."""


@runtime_checkable
class Commented(Protocol):
    """A mapping with comments, which are written in block form only.

    Attributes:
        comments: The lines above each key; those of the empty key are at the beginning.
    """

    comments: AbstractMapping[str, tuple[str, ...]]


_PROPERTY = re.compile(r"[&!][^\s,\[\]{}]*")
_HEADER = re.compile(r"[|>][-+0-9]*")
_COMMENT_LINE = re.compile(r"[ \t]*#")
_WIDTH = 100
"""Columns; a longer list is written with one item in each line."""
_STEP = 2
"""Columns of an indent, where the file shows no other."""


class SpliceError(Exception):
    """A node cannot be edited in place: it is written in a rare form, or two edits overlap."""


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
    """Remove items of a list and add others to its end.

    Attributes:
        sequence: The list.
        removed: The positions of the items to remove.
        added: The items to add.
    """

    sequence: Sequence
    removed: frozenset[int] = frozenset()
    added: tuple[Plain, ...] = ()


Edit: TypeAlias = Set | Put | Drop | Items


class _Splice(NamedTuple):
    start: int
    end: int
    text: str


class _Parent(NamedTuple):
    """Where a node is: in which mapping or list, and below which key."""

    node: Mapping | Sequence
    key: Node | None


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
    splices: list[_Splice] = []
    for edit in edits:
        match edit:
            case Set():
                splices += page.replace(edit.node, edit.value)
            case Items():
                splices += page.items(edit)
            case Drop():
                drops.setdefault(id(edit.mapping), (edit.mapping, set()))[1].add(edit.key)
            case Put():
                puts.setdefault(id(edit.mapping), (edit.mapping, []))[1].append(edit)
    for key in dict.fromkeys([*drops, *puts]):
        mapping, dropped = drops.get(key) or (puts[key][0], set())
        splices += page.keys(mapping, dropped, puts[key][1] if key in puts else [])
    return page.text(splices)


def _order(one: _Splice) -> tuple[int, int, int, bool]:
    """Return a key that sorts splices by position, and lines to insert at one position from the inside out.

    Of lines at one column, the items of a list come before the next key: the list may be at the column of its key.
    """
    inner = one.text.lstrip(" ")
    return (one.start, one.end, len(inner) - len(one.text), not inner.startswith("- "))


@dataclass(slots=True)
class _Lines:
    """A document by lines. Its text ends with a line break, which is taken off at the end if it had none."""

    document: Document
    whole: str = ""
    newline: str = "\n"
    lines: list[int] = field(default_factory=list)
    parents: dict[int, _Parent] = field(default_factory=dict)
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
                self.parents.update((id(item), _Parent(node, None)) for item in node.items)
                waiting += node.items
            elif isinstance(node, Mapping):
                self.parents.update((id(value), _Parent(node, key)) for key, value in node.pairs)
                waiting += [value for _, value in node.pairs]
            elif isinstance(node, Scalar) and node.style in {"|", ">"}:
                header = _HEADER.match(self.whole, node.start)
                if header is not None and "+" in header[0]:
                    self.keeping.append(node.end)

    def text(self, splices: list[_Splice]) -> str:
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
        header = _HEADER.match(self.whole, node.start)
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

    def comments_above(self, start: int, column: int) -> int:
        """Return where the comment lines directly above a line begin, which have its indent."""
        while start:
            above = self.line_start(start - 1)
            line = self.whole[above:start]
            if _COMMENT_LINE.match(line) is None or len(line) - len(line.lstrip(" \t")) != column:
                break
            start = above
        return start

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
            return width if width > 0 else _STEP
        return _STEP


@dataclass(slots=True)
class _Page(_Lines):
    """A document while it is edited."""

    # --- one value ----------------------------------------------------------------------------------------------------

    def replace(self, node: Node, value: Value) -> Iterator[_Splice]:
        """Replace a value."""
        parent = self._parent(node)
        in_flow = parent is not None and self._is_in_flow(parent.node)
        if isinstance(node, Scalar) and node.style in {"|", ">"}:
            yield from self._set_block_scalar(node, value)
            return
        if isinstance(node, (Mapping, Sequence)) and not node.is_flow:
            yield from self._set_block(node, value)
            return
        if isinstance(value, (AbstractMapping, list, tuple)):
            if parent is not None and parent.key is not None and not in_flow and value and not _fits(value):
                assert isinstance(parent.node, Mapping)
                indent = self.column(parent.key.outer)
                start = self.whole[: node.outer].rstrip(" \t")
                yield _Splice(len(start), node.end, "")
                lines = _block(value, indent + self.step(parent.node), self.step(parent.node))
                yield _Splice(self.next_line(node.end), self.next_line(node.end), self._joined(lines))
                return
            yield self._inline(node, _flow(value))
            return
        style = node.style if isinstance(node, Scalar) else ""
        yield self._inline(node, scalar(_plain(value), style=style, in_flow=in_flow))

    def _parent(self, node: Node) -> _Parent | None:
        """Return where a node is; None for the root.

        Raises:
            ValueError: It is a node of another document.
        """
        found = self.parents.get(id(node))
        if found is None and node is not self.document.root:
            raise ValueError("the node belongs to another document")
        return found

    def _inline(self, node: Node, text: str) -> _Splice:
        """Replace a node in its line, with a space before it if it is empty."""
        start, end = node.start, node.end
        if isinstance(node, Alias):
            start = node.outer
        before = self.whole[start - 1 : start]
        space = " " if start == end and before not in {"", " ", "\t", "\n"} else ""
        after = self.whole[end : end + 1]
        if isinstance(node, Scalar) and node.start == node.end and after == "#":
            text += " "
        return _Splice(start, end, space + text)

    def _is_in_flow(self, node: Mapping | Sequence) -> bool:
        return node.is_flow

    def _set_block_scalar(self, node: Scalar, value: Value) -> Iterator[_Splice]:
        header = _HEADER.match(self.whole, node.start)
        assert header is not None
        content, end = self.next_line(node.start), self.block_end(node)
        first = self.whole[content:end].lstrip("\r\n")
        indent = first[: len(first) - len(first.lstrip(" "))]
        written = None
        if isinstance(value, str) and not any(character.isdigit() for character in header[0]):
            written = block_scalar(value, style=node.style, indent=indent, newline=self.newline) if indent else None
        if written is None:
            inline = _flow(value) if isinstance(value, (AbstractMapping, list, tuple)) else scalar(_plain(value))
            yield _Splice(node.start, header.end(), inline)
            yield _Splice(content, end, "")
            return
        yield _Splice(node.start, header.end(), written[0])
        yield _Splice(content, end if "+" not in written[0] else node.end, written[1])

    def _set_block(self, node: Mapping | Sequence, value: Value) -> Iterator[_Splice]:
        """Replace a mapping or list in block form."""
        parent = self._parent(node)
        if parent is None or parent.key is None:
            # The root, or an item of a list.
            if not isinstance(value, (AbstractMapping, list, tuple)):
                raise SpliceError("a block can be replaced by a block only")
            if self.whole[self.line_start(node.start) : node.start].strip(" -"):
                raise SpliceError("the block does not begin its line")
            lines = (
                _block(value, self.column(node.start), _STEP)
                if value
                else [" " * self.column(node.start) + _flow(value)]
            )
            end = self.after(node)
            yield _Splice(node.start, end, self._joined(lines).lstrip(" "))
            return
        assert isinstance(parent.node, Mapping)
        colon = self._colon(parent.key)
        if node.outer != node.start:
            found = _PROPERTY.match(self.whole, node.outer)
            assert found is not None
            colon = found.end()
        first = self.line_start(node.start)
        if first <= colon:
            raise SpliceError("the block begins in the line of its key")
        end = self.after(node)
        if (
            isinstance(value, (AbstractMapping, list, tuple))
            and value
            and not (isinstance(value, (list, tuple)) and _fits(value))
        ):
            column = self.column(node.start)
            key_column = self.column(parent.key.outer)
            lines = _block(value, column, max(column - key_column, _STEP))
            yield _Splice(first, end, self._joined(lines))
            return
        text = _flow(value) if isinstance(value, (AbstractMapping, list, tuple)) else scalar(_plain(value))
        yield _Splice(colon, colon, " " + text)
        yield _Splice(first, end, "")

    def _colon(self, key: Node) -> int:
        """Return the position after the colon of a key in block form."""
        at = key.end
        while self.whole[at : at + 1] in {" ", "\t"}:
            at += 1
        if self.whole[at : at + 1] != ":":
            raise SpliceError("the key has no colon in its line")
        return at + 1

    def _joined(self, lines: AbstractSequence[str]) -> str:
        return "".join(line + self.newline for line in lines)

    # --- keys ---------------------------------------------------------------------------------------------------------

    def keys(self, mapping: Mapping, dropped: set[str], added: list[Put]) -> Iterator[_Splice]:
        """Remove and add keys of one mapping."""
        pairs = mapping.pairs
        gone = [number for number, (key, _) in enumerate(pairs) if isinstance(key, Scalar) and key.text in dropped]
        if len(gone) != len(dropped):
            raise SpliceError("a key to remove is not written in this mapping")
        if mapping.is_flow:
            texts = [f"{scalar(put.key, in_flow=True, as_key=True)}: {_value_in_flow(put.value)}" for put in added]
            spans = [(key.outer, value.end) for key, value in pairs]
            yield from self._flow_members(mapping, spans, frozenset(gone), texts)
            return
        if gone and len(gone) == len(pairs):
            yield from self._set_block(mapping, {put.key: put.value for put in added})
            return
        column = self.column(pairs[0][0].outer)
        for number in gone:
            yield self._without_pair(mapping, number)
        if added:
            if self.whole[self.line_start(pairs[-1][0].outer) : pairs[-1][0].outer].strip(" -"):
                raise SpliceError("the mapping is not written with one key in each line")
            at = self.after(pairs[-1][1])
            step = self.step(mapping)
            lines = [line for put in added for line in _block({put.key: put.value}, column, step)]
            yield _Splice(at, at, self._joined(lines))

    def _without_pair(self, mapping: Mapping, number: int) -> _Splice:
        key, value = mapping.pairs[number]
        start, end = self.line_start(key.outer), self.after(value)
        before = self.whole[start : key.outer]
        self.check_above(start)
        if not before.strip(" "):
            is_first_of_file = number == 0 and mapping is self.document.root
            return _Splice(start if is_first_of_file else self.comments_above(start, len(before)), end, "")
        # The first key of an item of a list, after its hyphen.
        if number or before.strip(" -") or len(mapping.pairs) == 1:
            raise SpliceError("the key does not begin its line")
        following = mapping.pairs[1][0]
        return _Splice(key.outer, following.outer, "")

    # --- lists --------------------------------------------------------------------------------------------------------

    def items(self, edit: Items) -> Iterator[_Splice]:
        """Remove and add items of a list."""
        sequence = edit.sequence
        if not edit.removed and not edit.added:
            return
        if sequence.is_flow:
            spans = [(item.outer, item.end) for item in sequence.items]
            texts = [scalar(item, style=self._style(sequence), in_flow=True) for item in edit.added]
            yield from self._flow_members(sequence, spans, edit.removed, texts)
            return
        kept = [item for number, item in enumerate(sequence.items) if number not in edit.removed]
        if not kept:
            yield from self._set_block(sequence, list(edit.added))
            return
        hyphens = [self._hyphen(item) for item in sequence.items]
        column = self.column(hyphens[0])
        for number in edit.removed:
            start = self.line_start(hyphens[number])
            if self.whole[start : hyphens[number]].strip(" "):
                raise SpliceError("the item does not begin its line")
            self.check_above(start)
            above = self.comments_above(start, column) if number else start
            yield _Splice(above, self.after(sequence.items[number]), "")
        if edit.added:
            at = self.after(sequence.items[-1])
            lines = [f"{' ' * column}- {scalar(item, style=self._style(sequence))}" for item in edit.added]
            yield _Splice(at, at, self._joined(lines))

    @staticmethod
    def _style(sequence: Sequence) -> str:
        """Return the quotes that all items have; empty if they differ."""
        styles = {item.style for item in sequence.items if isinstance(item, Scalar)}
        return styles.pop() if len(styles) == 1 and styles <= {"'", '"'} else ""

    def _hyphen(self, item: Node) -> int:
        at = item.outer
        while at and self.whole[at - 1] in " \t\r\n":
            at -= 1
        if not at or self.whole[at - 1] != "-":
            raise SpliceError("the item is not written after its hyphen")
        return at - 1

    def _flow_members(
        self,
        node: Mapping | Sequence,
        spans: AbstractSequence[tuple[int, int]],
        removed: frozenset[int],
        added: AbstractSequence[str],
    ) -> Iterator[_Splice]:
        """Remove and add members of a list or mapping in brackets."""
        kept = [number for number in range(len(spans)) if number not in removed]
        if not kept:
            yield _Splice(node.start + 1, node.end - 1, ", ".join(added))
            return
        last = kept[-1]
        for number in sorted(removed):
            if number < last:
                yield _Splice(spans[number][0], spans[number + 1][0], "")
        end = spans[last][1]
        if last < len(spans) - 1:
            yield _Splice(end, spans[-1][1], "")
        if not added:
            return
        prefix = self.whole[self.line_start(spans[last][0]) : spans[last][0]]
        if prefix.strip(" \t") or last < len(spans) - 1 or self.line_start(end) == self.line_start(node.end):
            yield _Splice(end, end, "".join(f", {text}" for text in added))
            return
        # One member in each line: a comment after the last one stays with it.
        rest = self.whole[end : self.line_break(end)]
        has_comma = rest.lstrip(" \t").startswith(",")
        if not has_comma:
            yield _Splice(end, end, ",")
        at = self.line_break(end)
        comma = "," if has_comma else ""
        yield _Splice(at, at, self.newline + f",{self.newline}".join(prefix + text for text in added) + comma)


# --- writing ---------------------------------------------------------------------------------------------------------


def _plain(value: Value) -> Plain:
    assert value is None or isinstance(value, (str, int, float, bool))
    return value


def _fits(value: Value) -> bool:
    """Whether a value is better written in one line: short lists, and what is empty."""
    if isinstance(value, AbstractMapping):
        return not value
    return len(_flow(value)) <= _WIDTH and not any(
        isinstance(item, (AbstractMapping, list, tuple))
        for item in value  # type: ignore[union-attr]
    )


def _value_in_flow(value: Value) -> str:
    if isinstance(value, (AbstractMapping, list, tuple)):
        return _flow(value)
    return scalar(_plain(value), in_flow=True)


def _flow(value: Value) -> str:
    """Write a value in brackets or braces."""
    if isinstance(value, AbstractMapping):
        pairs = (f"{scalar(key, in_flow=True, as_key=True)}: {_value_in_flow(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    assert isinstance(value, (list, tuple))
    return "[" + ", ".join(map(_value_in_flow, value)) + "]"


def document(value: AbstractMapping[str, Value]) -> str:
    """Write a mapping as a document."""
    return "".join(f"{line}\n" for line in _block(value, 0, _STEP))


def _block(value: Value, column: int, step: int) -> list[str]:
    """Write a mapping or a list as lines."""
    lines: list[str] = []
    pad = " " * column
    if isinstance(value, AbstractMapping):
        comments: AbstractMapping[str, tuple[str, ...]] = value.comments if isinstance(value, Commented) else {}
        lines += [f"{pad}# {comment}" for comment in comments.get("", ())]
        for key, item in value.items():
            lines += [f"{pad}# {comment}" for comment in comments.get(key, ())]
            head = f"{pad}{scalar(key, as_key=True)}:"
            if isinstance(item, (AbstractMapping, list, tuple)) and not _fits(item):
                lines += [head, *_block(item, column + step, step)]
            elif (
                isinstance(item, str)
                and "\n" in item.rstrip("\n")
                and (written := block_scalar(item, style="|", indent=pad + " " * step, newline="\n"))
            ):
                lines += [f"{head} {written[0]}", *written[1].removesuffix("\n").split("\n")]
            else:
                lines.append(f"{head} {_in_one_line(item)}")
        return lines
    assert isinstance(value, (list, tuple))
    return [f"{pad}- {_in_one_line(item)}" for item in value]


def _in_one_line(value: Value) -> str:
    return _flow(value) if isinstance(value, (AbstractMapping, list, tuple)) else scalar(_plain(value))
