"""Sources in memory, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.config.sources import SourceError, select


class MemorySources:
    """Files in a dictionary; the first one is the root.

    Args:
        files: text or bytes by path; the root file's folder is the top.
        env: the environment variables.
        root: the root file.
    """

    def __init__(
        self, files: Mapping[str, str | bytes], env: Mapping[str, str] | None = None, root: str = "reconciler.yaml"
    ) -> None:
        self._files = files
        self._env = env or {}
        self.root = root

    def read(self, path: str) -> bytes:
        if path not in self._files:
            raise SourceError(f"{path} does not exist", "check the name", missing=True)
        data = self._files[path]
        return data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data

    def glob(self, pattern: str) -> Sequence[str]:
        return select(pattern, self._files)

    def identity(self, path: str) -> str:
        return path

    def environment(self, name: str) -> str | None:
        return self._env.get(name)
