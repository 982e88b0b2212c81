"""Replaces several files, all or none, also if the process is killed in between.

A draft of the journal names the files and the new texts, which are then written beside their files. The draft becomes
the journal, and from there on the replacement is complete as soon as the renames are made: by this process, or by the
next command. A draft whose process was killed is removed by the next command, with the texts that it names. Links are
never followed out of the root file's folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from reconciler.errors import JournalError, UsageError
from reconciler.lazy_dataclass import dataclass
from reconciler.sources.disk import sync_folder

try:
    import fcntl
except ImportError:  # there are no such locks on Windows; drafts are kept there
    fcntl = None  # type: ignore[assignment]

_FOLDER = ".reconciler"
_JOURNAL = "accept.json"
_SUFFIX = ".accept.tmp"
_DRAFT_SUFFIX = ".tmp"
_LARGEST = 1_000_000
_NEW = 0o644
"""The permissions of a new file: it contains no secrets."""
_FORMAT = "reconciler.accept-journal"


@dataclass(frozen=True, slots=True)
class Replacement:
    """A file and its new bytes.

    Attributes:
        before: The bytes that it has; None if it does not exist.
        after: The bytes that it gets.
    """

    before: bytes | None
    after: bytes


def replace_files(folder: Path, replacements: Mapping[str, Replacement]) -> None:
    """Replace files, all or none.

    Args:
        folder: The root file's folder.
        replacements: The files by their paths relative to it.

    Raises:
        UsageError: A file changed since it was read, leads out of the folder, or cannot be written; no file changed.
    """
    made: list[Path] = []
    try:
        for path, one in replacements.items():
            if one.before is None:
                _make_folders(folder, path, made)
        _replace(folder, replacements)
    except BaseException:
        for new in reversed(made):
            with contextlib.suppress(OSError):
                new.rmdir()  # not if it contains what the next command completes
        raise


def _make_folders(folder: Path, path: str, made: list[Path]) -> None:
    """Make the folders that a new file requires, and note each of them.

    Raises:
        UsageError: One cannot be made.
    """
    missing: list[Path] = []
    parent = (folder / path).parent
    while not parent.exists() and not parent.is_symlink():
        missing.append(parent)
        parent = parent.parent
    if not parent.resolve().is_relative_to(folder.resolve()):
        return  # refused below
    try:
        for new in reversed(missing):
            new.mkdir()
            made.append(new)
            sync_folder(new.parent)
    except OSError as error:
        raise UsageError(
            f"cannot make the folder of {folder / path}: {error.strerror or error}; no file was changed"
        ) from None


def _replace(folder: Path, replacements: Mapping[str, Replacement]) -> None:
    targets = {path: _target(folder, path, is_new=one.before is None) for path, one in replacements.items()}
    temporaries = {path: target.with_name(_temporary_name(target)) for path, target in targets.items()}
    written: dict[str, Path] = {}
    journal = folder / _FOLDER / _JOURNAL
    path = f"{_FOLDER}/{_JOURNAL}"
    try:
        with _draft(journal, _journal_text(replacements, temporaries), written) as draft:
            for path, replacement in replacements.items():
                _check_unchanged(targets[path], replacement)
                _write_beside(targets[path], temporaries[path], replacement.after, written)
            for path in replacements:
                sync_folder(targets[path].parent)
            path = f"{_FOLDER}/{_JOURNAL}"
            draft.replace(journal)
            sync_folder(journal.parent)
            sync_folder(folder)
    except OSError as error:
        _discard(journal, {})
        raise UsageError(f"cannot write {folder / path}: {error.strerror or error}; no file was changed") from None
    except BaseException:
        _discard(journal, {})
        raise
    try:
        changed = complete(folder)
    except OSError as error:
        raise UsageError(
            f"cannot replace the files in {folder}: {error.strerror or error}. The next command completes this"
        ) from None
    if changed:
        raise UsageError(f"{folder / changed} changed while it was read; no file was changed. Run the command again")


def complete(folder: Path) -> str:
    """Complete what an interrupted command began to replace; does nothing if there is no such thing.

    If it had replaced no file yet, and one was changed since, it is given up.

    Returns:
        The path of the file because of which it is given up; empty otherwise.

    Raises:
        JournalError: The journal is invalid, or some files were replaced and another one was changed since.
    """
    journal = folder / _FOLDER / _JOURNAL
    _discard_drafts(folder, journal)
    if not journal.exists() and not journal.is_symlink():
        return ""
    entries = _read_journal(journal)
    renames: list[tuple[Path, Path]] = []
    temporaries: dict[str, Path] = {}
    changed, is_begun = "", False
    for path, entry in entries.items():
        try:
            target = _target(folder, path, is_new=not entry["before"])
        except UsageError as error:
            raise JournalError(f"cannot complete {journal}: {error}") from None
        temporary = temporaries[path] = target.parent / entry["temporary"]
        found = _digest(target.read_bytes()) if target.exists() else ""
        if found == entry["after"]:
            is_begun = True
        elif found == entry["before"] and _is_regular(temporary) and _digest(temporary.read_bytes()) == entry["after"]:
            renames.append((temporary, target))
        else:
            changed = changed or path
    if changed and not is_begun:
        _discard(journal, temporaries)
        return changed
    if changed:
        raise JournalError(
            f"an interrupted `reconciler accept` or `export` cannot be completed: {folder / changed}, or what it was "
            f"to be replaced with, was changed since. Compare the files with your repository, then remove {journal}"
        )
    for temporary, target in renames:
        # Another command may complete the same journal at this moment.
        with contextlib.suppress(FileNotFoundError):
            temporary.replace(target)
        sync_folder(target.parent)
    for temporary in temporaries.values():
        temporary.unlink(missing_ok=True)
    journal.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        journal.parent.rmdir()
    return ""


def _target(folder: Path, path: str, *, is_new: bool) -> Path:
    """Return the file to replace, with links resolved.

    Raises:
        UsageError: It is missing, unless it is new; or it is not a regular file, or out of the folder.
    """
    try:
        target = (folder / path).parent.resolve(strict=True) / Path(path).name
        target = target if is_new and not target.is_symlink() else target.resolve(strict=True)
        is_inside = target.is_relative_to(folder.resolve(strict=True))
    except (OSError, RuntimeError, ValueError):
        raise UsageError(f"cannot write {folder / path}: it does not exist") from None
    if not is_inside:
        raise UsageError(f"cannot write {folder / path}: it leads out of the root file's folder; edit it by hand")
    if not _is_regular(target) and not (is_new and not target.exists()):
        raise UsageError(f"cannot write {folder / path}: it is not a regular file")
    return target


def _check_unchanged(target: Path, replacement: Replacement) -> None:
    """Check that a file was not changed since it was read.

    Raises:
        UsageError: It was.
    """
    if (target.read_bytes() if target.exists() else None) != replacement.before:
        raise UsageError(f"{target} changed while it was read; no file was changed. Run the command again")


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _temporary_name(target: Path) -> str:
    return f".{target.name}.{secrets.token_hex(4)}{_SUFFIX}"


def _write_beside(target: Path, temporary: Path, data: bytes, written: dict[str, Path]) -> None:
    """Write a new text beside its file, and note it as soon as it exists."""
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    written[str(target)] = temporary
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.chmod(stat.S_IMODE(target.stat().st_mode) if target.exists() else _NEW)


def _journal_text(replacements: Mapping[str, Replacement], temporaries: Mapping[str, Path]) -> bytes:
    document = {
        "format": _FORMAT,
        "format_version": 1,
        "files": {
            path: {
                "temporary": temporaries[path].name,
                "before": _digest(one.before) if one.before is not None else "",
                "after": _digest(one.after),
            }
            for path, one in replacements.items()
        },
    }
    return json.dumps(document, indent=2).encode()


@contextlib.contextmanager
def _draft(journal: Path, data: bytes, written: Mapping[str, Path]) -> Iterator[Path]:
    """Write a draft of a journal. While it is locked, no other command removes what it names.

    Args:
        journal: The journal.
        data: Its text.
        written: The new texts that exist, which are removed before the draft if an error occurs.

    Raises:
        UsageError: The folder is a link.
    """
    import tempfile  # noqa: PLC0415 - most commands write no file

    if journal.parent.is_symlink():
        raise UsageError(f"{journal.parent} is a link, so nothing was written. Replace it with a folder")
    journal.parent.mkdir(exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{journal.name}.", suffix=_DRAFT_SUFFIX, dir=journal.parent)
    draft = Path(name)
    with os.fdopen(descriptor, "wb") as file:
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            sync_folder(journal.parent)
            sync_folder(journal.parent.parent)
            yield draft
        except BaseException:
            for left in written.values():
                with contextlib.suppress(OSError):
                    left.unlink(missing_ok=True)
            draft.unlink(missing_ok=True)
            raise


def _discard_drafts(folder: Path, journal: Path) -> None:
    """Remove the drafts of processes that were killed, and the new texts that they name."""
    if journal.parent.is_symlink():
        return
    for draft in journal.parent.glob(f".{journal.name}.*{_DRAFT_SUFFIX}"):
        with contextlib.suppress(OSError):
            if _is_regular(draft):
                _discard_draft(folder, draft)
                draft.parent.rmdir()


def _discard_draft(folder: Path, draft: Path) -> None:
    """Remove a draft unless its process is running.

    Raises:
        OSError: It is running, or a file cannot be removed.
    """
    if fcntl is not None:
        with draft.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Without a valid draft, its texts were not begun.
            for path, entry in (_entries(file.read(_LARGEST)) or {}).items():
                _discard_text(folder, path, entry)
            draft.unlink(missing_ok=True)


def _discard_text(folder: Path, path: str, entry: Mapping[str, str]) -> None:
    try:
        parent = (folder / path).resolve().parent
        is_inside = parent.is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):
        return
    temporary = parent / entry["temporary"]
    if is_inside and _is_regular(temporary):
        temporary.unlink(missing_ok=True)


def _read_journal(journal: Path) -> Mapping[str, Mapping[str, str]]:
    invalid = JournalError(f"{journal} is not a journal of `reconciler accept`. Remove it")
    if journal.parent.is_symlink() or not _is_regular(journal):
        raise invalid
    try:
        with journal.open("rb") as file:
            entries = _entries(file.read(_LARGEST))
    except OSError:
        raise invalid from None
    if entries is None:
        raise invalid
    return entries


def _entries(data: bytes) -> Mapping[str, Mapping[str, str]] | None:
    """Return the files that a journal lists; None if it is not a journal of this version."""
    try:
        document = json.loads(data)
    except ValueError:
        return None
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        return None
    version = document.get("format_version")
    if type(version) is not int or version != 1:
        return None
    files = document.get("files")
    return files if isinstance(files, dict) and all(map(_is_entry, files.values())) else None


def _is_entry(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and all(isinstance(entry.get(key), str) for key in ("temporary", "before", "after"))
        and entry["temporary"].startswith(".")
        and entry["temporary"].endswith(_SUFFIX)
        and Path(entry["temporary"]).name == entry["temporary"]
    )


def _discard(journal: Path, temporaries: Mapping[str, Path]) -> None:
    """Remove what was written before the journal."""
    for left in temporaries.values():
        with contextlib.suppress(OSError):
            left.unlink(missing_ok=True)
    if not journal.parent.is_symlink():
        with contextlib.suppress(OSError):
            journal.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            journal.parent.rmdir()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
