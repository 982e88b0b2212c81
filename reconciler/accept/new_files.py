"""The file that a new service goes into: one of its own if the others have one each, and never that of another one.

Takes the addition of a service and the files of its layer; returns it for the right file, or the file to create.
"""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from reconciler.accept.files import Files
from reconciler.accept.model import Addition, Creation
from reconciler.accept.positions import Mapping as MappingNode
from reconciler.accept.positions import Scalar
from reconciler.accept.positions import Sequence as SequenceNode
from reconciler.config.sources import resolve_path, select

_NO_FILE_NAME = re.compile(r"[^A-Za-z0-9_.-]+")


def place_container(
    addition: Addition, files: Files, layer: Sequence[str], kind: str, taken: Collection[str] = ()
) -> Addition | Creation:
    """Choose the file for a new service.

    Args:
        addition: The addition to the file that has most of its keys.
        files: The files of the configuration.
        layer: The files that it may be written to, the root file or overlay first.
        kind: The name of its kind.
        taken: The files that are created already.
    """
    *section, handle = addition.parts
    siblings = {file: keys for file in layer if (keys := _keys(files, file, section))}
    owners = _owners(siblings, layer[0])
    shared = [file for file in siblings if file not in owners]
    if addition.file not in owners:
        return addition
    if shared:
        return replace(addition, file=shared[0])
    patterns = list(_include_patterns(files, layer))
    # Of several files of one service, that which is named like the kind is most likely its main one.
    for like in sorted(owners, key=lambda file: _stem(file) != kind):
        path = _path_like(like, owners[like], handle, {*files.contents, *taken})
        if any(len(select(pattern, [like, path])) == 2 for pattern in patterns):
            return Creation(path, like, addition.parts, addition.value)
    root = files.walk(layer[0], addition.parts)
    is_usable = files.is_blank(layer[0]) or (root.mapping is not None and not root.is_alias and not root.is_shared)
    return replace(addition, file=layer[0]) if is_usable else addition


def _keys(files: Files, file: str, section: Sequence[str]) -> list[str]:
    node = files.walk(file, section).node
    pairs = node.pairs if isinstance(node, MappingNode) else []
    return [key.text for key, _ in pairs if isinstance(key, Scalar)]


def _owners(siblings: Mapping[str, list[str]], root: str) -> dict[str, str]:
    """Return the files that belong to one service, with its handle: by their name, or because others are elsewhere."""
    single = {file: keys[0] for file, keys in siblings.items() if len(keys) == 1 and file != root}
    if len({key for keys in siblings.values() for key in keys}) > 1:
        return single
    return {
        file: handle
        for file, handle in single.items()
        if {handle, _file_name(handle)} & {*posixpath.dirname(file).split("/"), _stem(file)}
    }


def _stem(file: str) -> str:
    return posixpath.basename(file).partition(".")[0]


def _path_like(like: str, its_handle: str, handle: str, taken: Collection[str]) -> str:
    """Return a path that names a service where another one names its own; in the same folder if that one does not."""
    for number in itertools.count(1):
        name = f"{_file_name(handle)}-{number}" if number > 1 else _file_name(handle)
        *folders, last = like.split("/")
        stem, dot, suffix = last.partition(".")
        names = {its_handle, _file_name(its_handle)}
        path = [name if folder in names else folder for folder in folders]
        if stem in names or path == folders:
            last = name + dot + suffix
        if (found := "/".join([*path, last])) not in taken:
            return found
    raise AssertionError


def _file_name(handle: str) -> str:
    return _NO_FILE_NAME.sub("-", handle).strip("-.") or "service"


def _include_patterns(files: Files, layer: Sequence[str]) -> Iterator[str]:
    """Yield the patterns by which files include others, relative to the root file's folder."""
    for file in layer:
        node = files.walk(file, ("include",)).node
        for item in node.items if isinstance(node, SequenceNode) else [node]:
            pattern = resolve_path(file, item.text) if isinstance(item, Scalar) and "*" in item.text else None
            if pattern is not None:
                yield pattern
