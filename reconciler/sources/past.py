"""Files at a commit, with the values from outside that were used then, as far as they are the same today.

Takes the files of a commit, the fingerprints of an entry of the ledger, and the values of today; gives what
`reconciler.config.sources.Sources` does. A value whose fingerprint differs is listed as unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence

from reconciler.config.external_values import without_only_line_break
from reconciler.config.sources import SourceError, Sources

Matches = Callable[[str, str], bool]
"""Whether a text is the value of a name (``env:NAME``, ``secret:NAME``, ``file:PATH``) as it was used then."""


class PastSources:
    """Files at a commit, with values from outside.

    Args:
        committed: The files of the commit.
        present: The files of today, for those that git ignores.
        names: The names of the values from outside that were used then.
        matches: Whether a text is the value that a name had.
        environment: The environment variables of today.

    Attributes:
        root: The root file's path as shown to users.
        unknown: The names whose values of then are not known.
    """

    def __init__(
        self,
        committed: Sources,
        present: Sources,
        *,
        names: Sequence[str],
        matches: Matches,
        environment: Mapping[str, str],
    ) -> None:
        self.root = committed.root
        self._committed = committed
        self._variables: dict[str, str] = {}
        self._ignored: dict[str, bytes] = {}
        unknown = set[str]()
        for name in names:
            namespace, _, rest = name.partition(":")
            if namespace == "file":
                data = self._same_file(rest, name, (committed, present), matches)
                if data is None:
                    unknown.add(name)
                else:
                    self._ignored[rest] = data
            elif namespace in {"env", "secret"}:
                text = environment.get(rest)
                if text is not None and matches(name, text):
                    self._variables[rest] = text
                else:
                    unknown.add(name)
        self.unknown = frozenset(unknown)

    def read(self, path: str) -> bytes:
        """Return the bytes of a file; see `reconciler.config.sources.Sources.read`."""
        try:
            return self._committed.read(path)
        except SourceError:
            if path in self._ignored:
                return self._ignored[path]
            raise

    def glob(self, pattern: str) -> Sequence[str]:
        """Return the files that match a pattern; see `reconciler.config.sources.Sources.glob`."""
        return self._committed.glob(pattern)

    def identity(self, path: str) -> Hashable:
        """Return a value that all names of one file share; see `reconciler.config.sources.Sources.identity`."""
        return self._committed.identity(path)

    def environment(self, name: str) -> str | None:
        """Return an environment variable that has the value of then; None otherwise."""
        return self._variables.get(name)

    @staticmethod
    def _same_file(path: str, name: str, places: Sequence[Sources], matches: Matches) -> bytes | None:
        for place in places:
            try:
                data = place.read(path)
                text = without_only_line_break(data.decode("utf-8-sig"))
            except (SourceError, UnicodeDecodeError):
                continue
            if matches(name, text):
                return data
        return None
