"""The files of a configuration as parsed texts, and the places of keys in them.

Takes the bytes of files; returns `Walk`s. Aliases and merge keys are followed, so that a value that comes through one
is recognized.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

from reconciler.accept.lines import SpliceError
from reconciler.accept.model import Addition, Creation, Group, InFile, RefusedError
from reconciler.accept.positions import Alias, Document, Node, PositionsError, Scalar, parse
from reconciler.accept.positions import Mapping as MappingNode
from reconciler.accept.positions import Sequence as SequenceNode
from reconciler.accept.scalars import UNSET
from reconciler.accept.splice import Edit, Fill, Put, Set, splice
from reconciler.accept.writing import Value, document
from reconciler.lazy_dataclass import dataclass

_MERGE = "<<"
_MODELINE = "# yaml-language-server:"
"""The beginning of a comment that names the schema for editors."""


@dataclass(frozen=True, slots=True)
class Walk:
    """How far a file has a path of keys.

    Attributes:
        file: The file.
        depth: How many of the keys it has.
        mapping: The innermost mapping on the way.
        node: The value of the last key; None if the file lacks it.
        is_alias: Whether the way leads through an alias or a merge key.
        is_shared: Whether an alias elsewhere repeats this part of the file.
    """

    file: str
    depth: int
    mapping: MappingNode | None
    node: Node | None
    is_alias: bool = False
    is_shared: bool = False

    @property
    def is_same_as(self) -> tuple[str, int]:
        """A value that all ways to one node share."""
        return (self.file, self.node.outer if self.node is not None else -1)


@dataclass
class Files:
    """The files of a configuration.

    Attributes:
        contents: Their bytes by path.
    """

    contents: Mapping[str, bytes]
    _documents: dict[str, Document | None] = field(default_factory=dict)
    _keys: dict[int, dict[str, Node]] = field(default_factory=dict)
    _anchors: dict[str, dict[str, Node]] = field(default_factory=dict)

    def document(self, file: str) -> Document | None:
        """Return a file as a document; None if it cannot be edited: it is empty, or not UTF-8."""
        if file not in self._documents:
            try:
                text = self.contents[file].decode("utf-8")
                document = parse(text)
            except (UnicodeDecodeError, PositionsError):
                self._documents[file] = None
            else:
                self._documents[file] = document
                self._anchors[file] = dict(_anchored(document.root)) if document.aliases else {}
        return self._documents[file]

    def walk(self, file: str, parts: Sequence[str]) -> Walk:
        """Follow keys from the top of a file."""
        document = self.document(file)
        node: Node | None = document.root if document is not None else None
        mapping: MappingNode | None = None
        is_alias = is_shared = False
        for depth, part in enumerate((*parts, "")):
            if isinstance(node, Alias):
                node, is_alias = self._anchors[file].get(node.name), True
            assert document is not None or node is None
            anchor = "" if node is None or isinstance(node, Alias) else node.anchor
            is_shared = is_shared or bool(anchor and document is not None and document.aliases.get(anchor))
            if depth == len(parts):
                return Walk(file, depth, mapping, node, is_alias, is_shared)
            if not isinstance(node, MappingNode):
                return Walk(file, depth, mapping, None, is_alias, is_shared)
            mapping = node
            found = self.keys(node).get(part)
            if found is None and (found := self._merged(file, node, part)) is not None:
                is_alias = True
            if found is None:
                return Walk(file, depth, mapping, None, is_alias, is_shared)
            node = found
        raise AssertionError

    def is_blank(self, file: str) -> bool:
        """Whether a file has no keys yet: it is empty, or has only comments."""
        document = self.document(file)
        root = document.root if document is not None else None
        return document is not None and (root is None or (isinstance(root, Scalar) and _is_null(root)))

    def keys(self, mapping: MappingNode) -> dict[str, Node]:
        """Return the values of a mapping by their keys."""
        if id(mapping) not in self._keys:
            self._keys[id(mapping)] = {key.text: value for key, value in mapping.pairs if isinstance(key, Scalar)}
        return self._keys[id(mapping)]

    def _merged(self, file: str, mapping: MappingNode, part: str) -> Node | None:
        merged = self.keys(mapping).get(_MERGE)
        nodes = merged.items if isinstance(merged, SequenceNode) else [merged] if merged is not None else []
        for node in nodes:
            target = self._anchors[file].get(node.name) if isinstance(node, Alias) else node
            if isinstance(target, MappingNode):
                found = self.keys(target).get(part) or self._merged(file, target, part)
                if found is not None:
                    return found
        return None

    # --- editing ------------------------------------------------------------------------------------------------------

    def edited(self, groups: Iterable[Group]) -> dict[str, bytes]:
        """Return the files that edits change.

        Raises:
            RefusedError: A file is written in a form that cannot be edited in place.
        """
        edits: dict[str, list[Edit]] = {}
        additions: dict[str, list[Addition]] = {}
        changed: dict[str, bytes] = {}
        for group in groups:
            for op in group.ops:
                match op:
                    case InFile():
                        edits.setdefault(op.file, []).append(op.edit)
                    case Addition():
                        additions.setdefault(op.file, []).append(op)
                    case Creation():
                        changed[op.file] = self._created(op)
        for file in dict.fromkeys([*edits, *additions]):
            parsed = self.document(file)
            if parsed is None:
                raise RefusedError(f"{file} is empty, or not one document in UTF-8", "edit it by hand")
            try:
                puts = self._puts(file, additions.get(file, []))
                text = splice(parsed, [*edits.get(file, []), *puts])
            except SpliceError as error:
                raise RefusedError(f"{file} cannot be edited in place: {error}", "edit it by hand") from None
            mark = codecs.BOM_UTF8 if self.contents[file].startswith(codecs.BOM_UTF8) else b""
            data = mark + text.encode()
            if data != self.contents[file]:
                changed[file] = data
        return changed

    def _created(self, op: Creation) -> bytes:
        value = op.value
        for part in reversed(op.parts):
            value = {part: value}
        assert isinstance(value, Mapping)
        like = self.contents[op.like].decode("utf-8-sig")
        first = like.partition("\n")[0].rstrip("\r")
        head = f"{first}\n" if first.startswith(_MODELINE) else ""
        return (head + document(value)).replace("\n", "\r\n" if "\r\n" in like else "\n").encode()

    def _puts(self, file: str, additions: Sequence[Addition]) -> list[Edit]:
        """Return edits that add or unset keys; keys that the file lacks above them are added once."""
        edits: list[Edit] = []
        trees: dict[int, tuple[Walk, dict[str, Value]]] = {}
        is_blank = self.is_blank(file)
        for addition in additions:
            walk = self.walk(file, addition.parts)
            if walk.is_alias or walk.is_shared:
                raise SpliceError(f"{addition.parts[-1]} would be added to a part that an alias repeats")
            if walk.node is not None and addition.value is UNSET:
                edits.append(Set(walk.node, UNSET))
                continue
            if walk.depth == len(addition.parts):
                raise SpliceError(f"it has {addition.parts[-1]} already")
            if walk.mapping is None and not is_blank:
                raise SpliceError("it has no keys at its top")
            above = self.walk(file, addition.parts[: walk.depth])
            if not is_blank and not isinstance(above.node, (MappingNode, Scalar)):
                raise SpliceError(f"{addition.parts[walk.depth - 1]} is not a mapping")
            _, tree = trees.setdefault(id(above.node), (above, {}))
            for part in addition.parts[walk.depth : -1]:
                below = tree.setdefault(part, {})
                assert isinstance(below, dict)
                tree = below
            tree[addition.parts[-1]] = addition.value
        for above, tree in trees.values():
            if is_blank:
                edits.append(Fill(tree))
            elif isinstance(above.node, MappingNode):
                edits += [Put(above.node, key, value) for key, value in tree.items()]
            elif isinstance(above.node, Scalar) and _is_null(above.node):
                edits.append(Set(above.node, tree))
            else:
                raise SpliceError("a value is in the place of a mapping")
        return edits


def _is_null(node: Scalar) -> bool:
    return node.text in {"", "~", "null"}


def _anchored(root: Node | None) -> Iterable[tuple[str, Node]]:
    waiting = [root] if root is not None else []
    while waiting:
        node = waiting.pop()
        if isinstance(node, Alias):
            continue
        if node.anchor:
            yield node.anchor, node
        if isinstance(node, SequenceNode):
            waiting += node.items
        elif isinstance(node, MappingNode):
            waiting += [value for _, value in node.pairs]
