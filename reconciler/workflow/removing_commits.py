"""Finds the commit that removed a declaration from the files of a configuration.

Takes a `Ledger`; returns a function that reads the newest changes of the files only if it is called.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from reconciler.ledger.opening import Ledger

_MOST_COMMITS = 100
_LOG = (
    "--no-literal-pathspecs", "log", f"--max-count={_MOST_COMMITS}", "--patch", "--unified=0", "--no-renames",
    "--no-color", "--no-ext-diff", "--no-textconv", "--format=%x00%H",
)  # fmt: skip


class Removing(NamedTuple):
    """A commit that removed a declaration.

    Attributes:
        commit: The commit; empty if there is none.
        is_certain: Whether it is known that no earlier commit removed it.
    """

    commit: str
    is_certain: bool


def removing_commits(ledger: Ledger, oldest: str) -> Callable[[str], Removing]:
    """Return a function that finds the commit that removed a key from the files.

    Several commits may remove the same key from different places; then the newest one is not certain.

    Args:
        ledger: The ledger.
        oldest: The commit of the oldest entry that a declaration may be from; empty if unknown.
    """
    changes: list[tuple[str, str]] | None = None

    def find(key: str) -> Removing:
        nonlocal changes
        if changes is None:
            changes = _changes(ledger, oldest)
        if not changes:
            return Removing(ledger.source, is_certain=False)
        written = re.compile(rf"(?<![\w.-]){re.escape(key)}[\"']?\s*:")
        found = [commit for commit, patch in changes if _removes(patch, written)] if len(changes) > 1 else []
        return Removing((found or [changes[0][0]])[0], is_certain=len(found) == 1 or len(changes) == 1)

    return find


def _changes(ledger: Ledger, oldest: str) -> list[tuple[str, str]]:
    """List the commits that changed YAML in the configuration's folder since an entry, newest first, with patches."""
    scope = ["HEAD", f"^{oldest}"] if oldest else ["HEAD"]
    text = ledger.ref.repository.output(*_LOG, *scope, "--", "*.yaml", "*.yml") if ledger.source else None
    parts = (part.partition("\n") for part in (text or "").split("\0")[1:])
    return [(commit.strip(), patch) for commit, _, patch in parts]


def _removes(patch: str, written: re.Pattern[str]) -> bool:
    balance = 0
    for line in patch.split("\n"):
        if line.startswith(("-", "+")) and not line.startswith(("---", "+++")):
            balance += len(written.findall(line)) * (1 if line[0] == "-" else -1)
    return balance > 0
