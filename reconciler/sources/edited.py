"""Files in which some texts are replaced, in memory, and that remember what was read.

Takes and gives what `reconciler.config.sources.Sources` does: edits are tried before anything is written.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from types import MappingProxyType

from reconciler.config.sources import Sources, select

_NONE: Mapping[str, bytes] = MappingProxyType({})


class EditedSources:
    """Files with replaced texts.

    Args:
        files: The files.
        contents: The bytes of files that are not read again, or do not exist.

    Attributes:
        root: The root file's path as shown to users.
        reads: The paths of the files that were read, in order.
        contents: The bytes of these files.
    """

    def __init__(self, files: Sources, contents: Mapping[str, bytes] = _NONE) -> None:
        self.root = files.root
        self.reads: list[str] = []
        self.contents: dict[str, bytes] = {}
        self._files = files
        self._replaced = contents

    def read(self, path: str) -> bytes:
        """Return the bytes of a file; see `reconciler.config.sources.Sources.read`."""
        data = self._replaced[path] if path in self._replaced else self._files.read(path)
        self.reads.append(path)
        self.contents[path] = data
        return data

    def glob(self, pattern: str) -> Sequence[str]:
        """Return the files that match a pattern; see `reconciler.config.sources.Sources.glob`."""
        found = self._files.glob(pattern)
        created = [path for path in select(pattern, self._replaced) if path not in found]
        return sorted([*found, *created]) if created else found

    def identity(self, path: str) -> Hashable:
        """Return a value that all names of one file share; see `reconciler.config.sources.Sources.identity`."""
        return self._files.identity(path)

    def environment(self, name: str) -> str | None:
        """Return an environment variable, or None if it is not set."""
        return self._files.environment(name)
