"""The journal of an apply on disk: written durably, locked while an apply writes it, removed when empty.

Takes a folder and the scope of the journal. A reader sees the journal before or after a write, never a part of one.
Only its owner may read the file, since it may contain secrets (`reconciler.journal`).
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shlex
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.documents.journal import JournalScope, journal_text, parse_journal
from reconciler.errors import JournalError, UsageError
from reconciler.journal import UnfinishedReplace
from reconciler.sources.disk import sync_folder
from reconciler.sources.git_process import GitProcess, git_environment

try:
    import fcntl
except ImportError:  # not on Windows, where two simultaneous applies are not detected
    fcntl = None  # type: ignore[assignment]

FOLDER = ".reconciler"
_LARGEST = 50_000_000
_CAREFULLY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_SPECIAL = frozenset({errno.ELOOP, errno.ENXIO, errno.EISDIR})
"""How opening a link, a socket, or (on some systems) a folder fails."""


class JournalFile:
    """A journal on disk.

    Args:
        folder: the folder of the root file.
        scope: the scope of the journal.

    Attributes:
        path: the file.
        replaces: what it holds, by the SID of the old resource.
        is_locked: whether another apply holds the lock.
    """

    def __init__(self, folder: Path, scope: JournalScope) -> None:
        names = f"{scope.root}\0{scope.endpoint}"
        key = hashlib.sha256(names.encode(errors="surrogateescape")).hexdigest()[:12]
        self.scope = scope
        self.path = folder / FOLDER / f"journal-{scope.account_sid}-{key}.json"
        self.replaces: dict[str, UnfinishedReplace] = {}
        self.is_locked = False

    def load(self) -> tuple[UnfinishedReplace, ...]:
        """Read what interrupted applies saved.

        Raises:
            JournalError: the file cannot be read, or does not belong to this scope.
        """
        shown = self.path.as_posix()
        not_regular = (
            f"cannot read the journal {shown}: it is not a regular file. Remove it, or restore the original file"
        )
        self._check_folder()
        try:
            descriptor = os.open(self.path, os.O_RDONLY | _CAREFULLY)
        except (FileNotFoundError, NotADirectoryError):
            self.replaces = {}
            return ()
        except OSError as error:
            if error.errno in _SPECIAL:
                raise JournalError(not_regular) from None
            raise JournalError(f"cannot read the journal {shown}: {error.strerror or error}") from None
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise JournalError(not_regular)
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                text = file.read(_LARGEST + 1)
        except OSError as error:
            raise JournalError(f"cannot read the journal {shown}: {error.strerror or error}") from None
        finally:
            os.close(descriptor)
        if len(text) > _LARGEST:
            raise JournalError(f"cannot read the journal {shown}: it is larger than {_LARGEST // 1_000_000} MB")
        if is_tracked(self.path):
            raise JournalError(
                f"git tracks the journal {shown}, so it is not used: it may contain secrets, and a commit could "
                f"have changed it. Remove it from git: git rm --cached {shlex.quote(shown)}"
            )
        found = parse_journal(text, shown, self.scope)
        self.replaces = {saved.sid: saved for saved in found}
        return found

    @contextmanager
    def writing(self) -> Iterator[JournalFile]:
        """Hold the journal's lock while an apply runs; remove an empty journal at the end.

        Raises:
            JournalError: the folder cannot be written to, or another apply holds the lock.
        """
        self._check_folder()
        try:
            lock = self._acquire_lock()
        except OSError as error:
            raise JournalError(
                f"cannot write to {self.path.parent.as_posix()}: {error.strerror or error}; nothing was sent. An apply "
                "that replaces resources saves values there that only the account has. Make the folder writable"
            ) from None
        try:
            yield self
        finally:
            with contextlib.suppress(OSError):
                self._lock_path.unlink()
            os.close(lock)
            with contextlib.suppress(OSError):
                self.path.parent.rmdir()

    def begin(self, saved: UnfinishedReplace) -> None:
        """Store a saved replace; see `reconciler.journal.Journal`."""
        self._write({**self.replaces, saved.sid: saved})

    def finish(self, sid: str) -> None:
        """Remove a saved replace; see `reconciler.journal.Journal`."""
        if sid in self.replaces:
            self._write({key: saved for key, saved in self.replaces.items() if key != sid})

    def _check_folder(self) -> None:
        """Check that the folder is not a link: a journal must not leave this machine.

        Raises:
            JournalError: it is a link.
        """
        folder = self.path.parent
        if folder.is_symlink():
            raise JournalError(
                f"{folder.as_posix()} is a link, so nothing is saved there, and nothing was sent: a journal may "
                "contain secrets, and a link can lead anywhere. Replace it with a folder"
            )

    @property
    def _lock_path(self) -> Path:
        return self.path.with_suffix(".lock")

    def _acquire_lock(self) -> int:
        while True:
            self.path.parent.mkdir(exist_ok=True)
            try:
                descriptor = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | _CAREFULLY, 0o600)
            except FileNotFoundError:
                continue  # another apply has just removed the folder
            try:
                if fcntl is not None:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(descriptor), self._lock_path.stat()):
                    return descriptor
            except FileNotFoundError:
                pass  # another apply has just removed it
            except BlockingIOError:
                os.close(descriptor)
                self.is_locked = True
                raise JournalError(
                    f"another apply of this configuration is running and holds {self._lock_path.as_posix()}; nothing "
                    "was sent. Wait until it ends, then run the command again"
                ) from None
            os.close(descriptor)

    def _write(self, replaces: dict[str, UnfinishedReplace]) -> None:
        """Replace the file; when this returns, it is on disk.

        Raises:
            OSError: it could not be written; its former content is unchanged.
        """
        if replaces:
            write_durably(self.path, journal_text(self.scope, replaces.values()))
        else:
            self.path.unlink(missing_ok=True)
            sync_folder(self.path.parent)
        self.replaces = replaces


def is_tracked(path: Path) -> bool:
    """Return whether git tracks a file; False without a repository or without git.

    Raises:
        JournalError: the file is in a repository that files of another one form, which could deny that it is tracked.
    """
    git = GitProcess("HEAD", str(path.parent), git_environment(os.environ))
    try:
        if found := git.embedded():
            raise JournalError(
                f"cannot tell whether git tracks {path.as_posix()}: {found} looks like a git repository inside of "
                "another one. Remove HEAD, objects, and refs from it"
            )
        # No program of the repository's own configuration is run.
        arguments = ("-c", "core.fsmonitor=false", "ls-files", "--error-unmatch", "--", path.name)
        return git.run(*arguments).returncode == 0
    except UsageError:
        return False


def write_durably(path: Path, text: str) -> None:
    """Replace a file atomically; when this returns, it is on disk. Only its owner may read it.

    Raises:
        OSError: it could not be written; its former content is unchanged.
    """
    if path.exists() and not path.is_file():
        raise OSError(f"{path} exists and is not a regular file")
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
