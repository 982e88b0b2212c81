"""Files on disk that remember what was read, and the comparison of that with a commit.

Takes and gives what `reconciler.sources.disk` does. An apply with a ledger has to know that a commit contains the
configuration.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from reconciler.config.sources import SourceError, Sources
from reconciler.sources.disk import DiskSources


class RecordingSources(DiskSources):
    """Files on disk that remember what was read.

    Args:
        path: The root file, or a folder that contains it.
        env: The environment variables.
    """

    def __init__(self, path: str = ".", env: Mapping[str, str] | None = None) -> None:
        super().__init__(path, env)
        self._digests: dict[str, bytes] = {}
        self._matches: dict[str, tuple[str, ...]] = {}

    def read(self, path: str) -> bytes:
        """Return the bytes of a file; see `reconciler.config.sources.Sources.read`."""
        data = super().read(path)
        self._digests[path] = _digest(data)
        return data

    def glob(self, pattern: str) -> Sequence[str]:
        """Return the files that match a pattern; see `reconciler.config.sources.Sources.glob`."""
        found = super().glob(pattern)
        self._matches[pattern] = tuple(found)
        return found

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that were read, relative to the root file's folder."""
        return tuple(sorted(self._digests))

    def differences(self, committed: Sources) -> Iterator[str]:
        """Yield every path that was read, or would be read, and is not the same in a commit.

        Line ends do not count: git may convert them.

        Args:
            committed: The files of the commit.
        """
        seen = set[str]()
        for path, digest in self._digests.items():
            seen.add(path)
            try:
                if _digest(committed.read(path)) != digest:
                    yield path
            except SourceError:
                yield path
        for pattern, found in self._matches.items():
            try:
                matches = committed.glob(pattern)
            except SourceError:
                matches = ()
            yield from (path for path in matches if path not in found and path not in seen)


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data.replace(b"\r\n", b"\n")).digest()
