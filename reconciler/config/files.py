"""The files of a configuration, merged into one tree: the root file, its includes, and overlays.

Takes `Sources`; returns the merged tree and the lines of every file. Reports files that cannot be read, include cycles,
and values that are set twice. Interprets only the keys that belong to a file: `version`, `include`, and `x-*`.
"""

from __future__ import annotations

import posixpath
import unicodedata
from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from reconciler.config import globs
from reconciler.config.findings import Findings, shown
from reconciler.config.merge import Merger
from reconciler.config.nodes import ListNode, MapNode, Node, Origin, ScalarNode, is_null
from reconciler.config.sources import SourceError, Sources, display_path, resolve_path
from reconciler.config.yaml_text import parse
from reconciler.errors import Place

VERSION = "1"
_MOST_NESTED = 50
_MOST_PATTERNS = 1000
"""The maximum number of include patterns: each one lists folders, and matches every name in them."""


class _Asked(NamedTuple):
    """The place that asked for a file."""

    place: Place | None
    via: str


class _Seen:
    """The files read so far for one root file."""

    def __init__(self) -> None:
        self.paths: set[str] = set()
        self.files: dict[Hashable, str] = {}
        self.names: dict[str, str] = {}


class FileLoader:
    """Reads files and merges them.

    Args:
        sources: The files.
        findings: Collects the problems.

    Attributes:
        lines: The lines of every file, by its path as shown to users.
        complete: Whether every file could be read. If not, missing names are not reported, since a broken file may have
            them.
    """

    def __init__(self, sources: Sources, findings: Findings) -> None:
        self.lines: dict[str, tuple[str, ...]] = {}
        self.complete = True
        self._sources = sources
        self._findings = findings
        self._merger = Merger(findings)
        self._folder = posixpath.dirname(sources.root)
        self._unsets = False
        self._globbed: set[tuple[str, str]] = set()
        self._root_path = posixpath.basename(sources.root)

    def base(self) -> MapNode:
        """Return the root file merged with its includes."""
        return self._read_united(self._root_path, _Asked(None, ""), is_root=True)

    def apply_overlay(self, tree: MapNode, path: str, place: Place | None) -> MapNode:
        """Merge an overlay file and its includes over a tree.

        Args:
            tree: The tree.
            path: The overlay, relative to the root file's folder.
            place: The place that refers to it; None for the command line.
        """
        return self._merger.override(
            tree, self._read_united(path, _Asked(place, f"overlay {display_path(path)}"), is_root=False)
        )

    def apply_template(self, template: MapNode, service: MapNode) -> MapNode:
        """Merge a service over its template."""
        # A separate merger, since other services use the template, too.
        return Merger(self._findings).expand(template, service)

    def without_unset_marks(self, tree: MapNode) -> MapNode:
        """Return the tree without ``!unset`` marks."""
        return self._merger.without_unset_marks(tree) if self._unsets else tree

    def _read_united(self, path: str, asked: _Asked, *, is_root: bool) -> MapNode:
        tables: list[MapNode] = []
        self._gather(path, asked, is_root=is_root, stack=[], seen=_Seen(), tables=tables)
        return self._merger.unite(tables) if tables else MapNode({}, Origin(self.shown(path), path, asked.via), 1, 1)

    def shown(self, path: str) -> str:
        """Return a path for messages."""
        return display_path(posixpath.join(self._folder, path))

    def _gather(
        self, path: str, asked: _Asked, *, is_root: bool, stack: list[str], seen: _Seen, tables: list[MapNode]
    ) -> None:
        """Add a file's mapping and those of its includes, each file once."""
        if path in stack:
            cycle = " includes ".join(self.shown(item) for item in [*stack[stack.index(path) :], path])
            hint = "remove one of these includes"
            self._findings.error("include-cycle", f"include cycle: {cycle}", asked.place, hint)
            return
        if path in seen.paths or self._is_same_file(path, asked, seen):
            return
        if len(stack) > _MOST_NESTED:
            message = f"includes are nested more than {_MOST_NESTED} deep"
            self._findings.error("too-deep", message, asked.place, "include them from the root file")
            return
        table = self._read(path, asked)
        if table is None:
            return
        self._check_version(table, path, is_root=is_root)
        include = table.by_key.get("include")
        own = {key: pair for key, pair in table.by_key.items() if not _belongs_to_file(key)}
        tables.append(MapNode(own, table.origin, table.line, table.column))
        if include is None:
            return
        stack.append(path)
        for item in self._included(include.value):
            for found in self._matches(item, path):
                self._gather(found, _Asked(item.place, asked.via), is_root=False, stack=stack, seen=seen, tables=tables)
        stack.pop()

    def _is_same_file(self, path: str, asked: _Asked, seen: _Seen) -> bool:
        """Whether a file was read under another name. Warns about that, and about names that differ only in case."""
        seen.paths.add(path)
        first = seen.files.setdefault(self._sources.identity(path), path)
        if first != path:
            message = f"{self.shown(path)} and {self.shown(first)} are the same file, which is read once"
            self._findings.warning("included-twice", message, asked.place, "include it under one name")
            return True
        other = seen.names.setdefault(unicodedata.normalize("NFC", path).casefold(), path)
        if other != path:
            message = f"{self.shown(path)} and {self.shown(other)} differ only in case or in Unicode form"
            hint = "rename one of them: on macOS and Windows they are the same file"
            self._findings.warning("similar-files", message, asked.place, hint)
        return False

    def _read(self, path: str, asked: _Asked) -> MapNode | None:
        file = self.shown(path)
        try:
            data = self._sources.read(path)
        except SourceError as error:
            self.complete = False
            place = asked.place or (Place(file) if not asked.via else None)
            hint = error.hint
            if error.missing and asked.place is None and asked.via:
                near = error.hint.startswith("did you mean")
                hint = error.hint if near else "check the name given to --overlay; it is relative to the current folder"
            self._findings.error("unreadable-file", error.message, place, hint)
            return None
        parsed = parse(data, Origin(file, path, asked.via), self._findings)
        self.lines[file] = parsed.lines
        self._unsets = self._unsets or parsed.unsets
        if parsed.broken:
            self.complete = False
            return None
        node = parsed.node
        if isinstance(node, MapNode):
            return node
        if node is None or is_null(node):
            return MapNode({}, Origin(file, path, asked.via), 1, 1)
        self.complete = False
        message = f"{file} must contain a mapping with keys such as services and account"
        self._findings.error("wrong-type", message, node.place, "start the file with version: 1")
        return None

    def _check_version(self, table: MapNode, path: str, *, is_root: bool) -> None:
        pair = table.by_key.get("version")
        if pair is None:
            if is_root:
                message = f"{self.shown(path)} has no version"
                self._findings.error(
                    "missing-version", message, Place(self.shown(path), 1, 1), "start the file with version: 1"
                )
        elif not isinstance(pair.value, ScalarNode):
            self._findings.error("wrong-type", "version must be 1", pair.key.place, "write version: 1")
        elif pair.value.text != VERSION:
            message = f"unsupported version {shown(pair.value.text)}"
            self._findings.error("unknown-version", message, pair.value.place, "write version: 1")

    def _included(self, node: Node) -> Sequence[ScalarNode]:
        return text_items(node, "include", self._findings)

    def _matches(self, item: ScalarNode, path: str) -> Sequence[str]:
        """Return the files that an item of `include` matches."""
        # The name of the including file's folder may contain wildcard characters, so it is escaped.
        pattern = self.resolve_path(item, globs.escape(path))
        if pattern is None:
            return ()
        if not globs.is_glob(item.text):
            return (globs.literal(pattern),)
        if (pattern, path) in self._globbed:
            return ()  # its files have been read
        if len(self._globbed) >= _MOST_PATTERNS:
            self.complete = False
            message = f"includes have more than {_MOST_PATTERNS} patterns"
            self._findings.error("too-large", message, item.place, "use fewer patterns, for instance one with **")
            return ()
        self._globbed.add((pattern, path))
        try:
            # A pattern does not match the file that contains it.
            found = [match for match in self._sources.glob(pattern) if match != path]
        except SourceError as error:
            self.complete = False
            self._findings.error("unreadable-file", error.message, item.place, error.hint)
            return ()
        if not found:
            hint = "patterns are relative to their file; remove the pattern if there is nothing to include"
            self._findings.warning("include-nothing", f"{shown(item.text)} matches no file", item.place, hint)
        return found

    def resolve_path(self, item: ScalarNode, path: str) -> str | None:
        """Return the path in a scalar, relative to the root file's folder; None if it is invalid."""
        if "${" in item.text:
            hint = "write out the path; use overlays for differences between environments"
            self._findings.error("interpolated-path", "file names are not interpolated", item.place, hint)
            return None
        found = resolve_path(path, item.text)
        if found is None or not item.text:
            message = f"{shown(item.text)} is outside of the root file's folder" if item.text else "a path is empty"
            self._findings.error("outside-folder", message, item.place, "use a file in that folder or below it")
            return None
        return found


def text_items(node: Node, name: str, findings: Findings) -> list[ScalarNode]:
    """Return the scalars of a list of texts; null counts as an empty list. Reports anything else."""
    if is_null(node):
        return []
    if not isinstance(node, ListNode):
        example = node.text if isinstance(node, ScalarNode) and len(node.text) < 40 and "${" not in node.text else "…"
        findings.error("wrong-type", f"{name} must be a list", node.place, f"write a list: [{example}]")
        return []
    found = []
    for item in node.items:
        if isinstance(item, ScalarNode) and not item.is_null:
            found.append(item)
        else:
            findings.error("wrong-type", f"each item of {name} must be text", item.place, "write it without nesting")
    return found


def _belongs_to_file(key: str) -> bool:
    return key in {"version", "include"} or key.startswith("x-")


def line_of(lines: Mapping[str, tuple[str, ...]], scalar: ScalarNode) -> str:
    """Return the line where a scalar begins; empty if it is unknown."""
    text = lines.get(scalar.origin.file, ())
    return text[scalar.line - 1] if 0 < scalar.line <= len(text) else ""
