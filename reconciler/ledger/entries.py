"""The entries on a ledger's ref, newest first.

Takes a `Repository` and a ref; returns entries whose place in the history was checked. An entry is hostile input:
anyone who can push the ref can write one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from reconciler.documents.ledger import LedgerEntry, LedgerKey, modified, parse_entry
from reconciler.errors import LedgerError
from reconciler.lazy_dataclass import dataclass
from reconciler.ledger.repository import ENTRY, Commit, Repository


@dataclass(frozen=True, slots=True)
class Stored:
    """An entry on the ref.

    Attributes:
        commit: The object name of its commit.
        entry: Its content.
    """

    commit: str
    entry: LedgerEntry


class LedgerRef:
    """A ledger's ref in a repository.

    Args:
        repository: The repository.
        name: The ref.
        label: The environment, for messages.
        key: Checks the signatures; None to check none.
        remote: The remote, for hints; empty without one.

    Attributes:
        has_other_key: Whether an entry was read whose digests were made with another key.
    """

    def __init__(
        self, repository: Repository, name: str, *, label: str, key: LedgerKey | None = None, remote: str = ""
    ) -> None:
        self.repository = repository
        self.name = name
        self.label = label
        self.has_other_key = False
        self._key = key
        self._remote = remote

    def tip(self) -> str:
        """Return the newest commit; empty if the ref does not exist."""
        return self.repository.ref(self.name)

    def read(self, name: str) -> Stored:
        """Return the entry of a commit.

        Raises:
            LedgerError: It is missing, or was modified.
        """
        return self._read(self._commit(name))

    def entries(self, tip: str) -> Iterator[Stored]:
        """Yield every entry, newest first; of an apply that ended, only its outcome.

        Raises:
            LedgerError: One is missing, or was modified.
        """
        for commit in self._commits(tip):
            yield self._read(commit)

    def find(self, tip: str, numbers: Collection[int]) -> dict[int, Stored]:
        """Return the entries with some numbers.

        Raises:
            LedgerError: One is missing, or was modified.
        """
        wanted, found = set(numbers), dict[int, Stored]()
        if not wanted:
            return found
        for commit in self._commits(tip):
            number, _ = _told(commit)
            if number in wanted:
                found[number] = self._read(commit)
                wanted.discard(number)
            if not wanted:
                break
        return found

    def follows(self, newer: str, older: str) -> bool:
        """Return whether a commit of the ledger comes after another one.

        Raises:
            LedgerError: The clone lacks an entry between them.
        """
        end = self.repository.commit(older)
        least = 0 if end is None else _told(end)[0]
        name = newer
        while name != older:
            commit = self._commit(name)
            if _told(commit)[0] < least or not _previous(commit):
                return False
            name = _previous(commit)
        return True

    def _commits(self, tip: str) -> Iterator[Commit]:
        """Yield the commits of the entries, newest first, without the starts of applies that ended.

        Raises:
            LedgerError: One is missing, or does not fit the one after it.
        """
        name, after, is_start_of_after = tip, 0, False
        while name:
            commit = self._commit(name)
            number, is_started = _told(commit)
            if after and not (number == after - 1 or (is_start_of_after and number == after and is_started)):
                raise modified(after, "the entry before it does not fit")
            if not after or number != after:
                yield commit
            name, after, is_start_of_after = _previous(commit), number, not is_started
        if after > 1:
            raise modified(after, "the entry before it is missing")

    def _commit(self, name: str) -> Commit:
        commit = self.repository.commit(name)
        if commit is None:
            raise self.lacks()
        return commit

    def _read(self, commit: Commit) -> Stored:
        data = self.repository.file(commit.name, ENTRY)
        number, is_started = _told(commit)
        if data is None and (
            self.repository.lists(commit.name, ENTRY) or not self.repository.has_files_of(commit.name)
        ):
            raise self.lacks()
        if data is None:
            raise modified(number or None, f"its commit {commit.name[:12]} has no {ENTRY}")
        entry = parse_entry(data)
        fits = (
            entry.number == number
            and (entry.status == "started") == is_started
            and commit.parents == (*([entry.previous] if entry.previous else []), entry.source.commit)
        )
        if not fits:
            raise modified(entry.number, f"it does not fit its commit {commit.name[:12]}")
        is_signed = self._key.has_signed(entry) if self._key is not None else True
        if is_signed is False:
            raise modified(entry.number, "its signature does not match")
        self.has_other_key |= is_signed is None
        return Stored(commit.name, entry)

    def lacks(self) -> LedgerError:
        """Return the error for a clone that lacks a part of the ledger."""
        return LedgerError(
            f"this clone lacks objects that the ledger of {self.label} needs: it is shallow or partial. Fetch them:\n"
            f"  {self.repository.complete_with(self._remote)}"
        )


def subject_of(entry: LedgerEntry) -> str:
    """Return the first line of the message of an entry's commit."""
    return f"{entry.operation} {entry.number} {entry.status}"


def _told(commit: Commit) -> tuple[int, bool]:
    """Return the number in a commit's message, and whether it is a start; 0 if the message is another one."""
    words = commit.subject.split(" ")
    if len(words) != 3 or not (words[1].isascii() and words[1].isdigit() and len(words[1]) < 10):
        return 0, False
    return int(words[1]), words[2] == "started"


def _previous(commit: Commit) -> str:
    """Return the commit of the entry before a commit's; empty for the first one."""
    return commit.parents[0] if len(commit.parents) > 1 else ""
