"""Trees as files: the file of each tree, its name, and its header. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field

from reconciler.export.exclusions import FieldKey
from reconciler.export.handles import slug
from reconciler.export.trees import TreeWriter
from reconciler.export.yaml_writer import Line, Tree, lines, scalar
from reconciler.kinds.relations import long_collections
from reconciler.lazy_dataclass import dataclass

ROOT = "reconciler.yaml"
SERVICES = "services"
MARK = "# Written by `reconciler export`."
"""The beginning of every exported file, by which the next export recognizes files that it may overwrite."""
MOST_IN_FILE = 5_000_000
"""Maximum size of the users and conversations in one file, in bytes; a configuration accepts twice that."""

_HEADER = f"{MARK} The next export overwrites this file; remove this line to prevent that."
_NAMELESS = "service"
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul", *(f"{name}{number}" for name in ("com", "lpt") for number in "123456789")}
)
"""File names that Windows reserves."""


@dataclass
class Files:
    """The files of one attempt.

    Attributes:
        texts: Their texts by path, the root file first.
        owners: The owner of each of their lines, by path.
    """

    texts: dict[str, str] = field(default_factory=dict)
    owners: dict[str, list[FieldKey | None]] = field(default_factory=dict)

    def add(self, path: str, tree: Tree[FieldKey], *head: str) -> None:
        """Add a file with a header.

        Args:
            path: Its path, relative to the root file.
            tree: Its contents.
            head: Lines between the header and the contents.
        """
        written: list[Line[FieldKey]] = [Line(text) for text in (_HEADER, *head)] + [*lines(tree)]
        self.texts[path] = "".join(f"{line.text}\n" for line in written)
        self.owners[path] = [line.owner for line in written]


def build_files(writer: TreeWriter, comments: Iterable[str], *, in_one_file: bool) -> Files:
    """Distribute the trees of an export to files.

    Args:
        writer: Writes the trees.
        comments: Comments at the beginning of the root file.
        in_one_file: Whether everything goes into the root file; otherwise each service has files of its own.
    """
    files = Files()
    head = [f"# {text}" for text in comments]
    if in_one_file:
        files.add(ROOT, writer.top(with_services=True), *head, "version: 1")
        return files
    top, services = writer.top(with_services=False), list(writer.services())
    names = _file_names([handle for handle, _ in services])
    trees: dict[str, Tree[FieldKey]] = {}
    for handle, tree in services:
        first, *others = _split(handle, tree)
        trees[f"{SERVICES}/{names[handle]}.yaml"] = first
        for number, other in enumerate(others, 2):
            trees[f"{SERVICES}/{names[handle]}.{number}.yaml"] = other
    include = [f"  - {scalar(path)}" for path in trees]
    files.add(ROOT, top, *head, "version: 1", *(["include:", *include] if include else []))
    for path, tree in trees.items():
        files.add(path, tree)
    return files


def _file_names(handles: Sequence[str]) -> dict[str, str]:
    """Return a file name for each service, unique even on file systems that ignore case."""
    names: dict[str, str] = {}
    for handle in handles:
        wanted = slug(handle) or _NAMELESS
        if wanted in _RESERVED:
            wanted += f"-{_NAMELESS}"
        name, number = wanted, 1
        while name in names.values():
            number += 1
            name = f"{wanted}-{number}"
        names[handle] = name
    return names


def _split(handle: str, tree: Tree[FieldKey]) -> list[Tree[FieldKey]]:
    """Split a service's tree so that each part fits into a file, because there may be many users and conversations."""
    parts, size = [tree], 0
    for section in tree.below("services", handle).keys:
        if section.key not in long_collections() or not isinstance(section.value, Tree):
            continue
        members, section.value.keys = section.value.keys, []
        for member in members:
            weight = sum(len(line.text.encode()) + 1 for line in lines(Tree([member]), indent=6))
            if size and size + weight > MOST_IN_FILE:
                parts.append(Tree())
                size = 0
            size += weight
            parts[-1].below("services", handle, section.key).keys.append(member)
    return parts
