"""The files that commands read and write themselves: plan files, and the files of an export.

Takes paths as typed. Reads with a size limit, because a plan file is hostile input. A file is written atomically, and
readable only by its owner by default.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import PlanFileError, UsageError
from reconciler.sources.near_files import or_near_file

if TYPE_CHECKING:
    from reconciler.documents.plan import PlanFile

PRIVATE = 0o600
READABLE = 0o644
SIZE_LIMIT = 128 * 1024 * 1024


def read_limited(path: str, document: str = "") -> bytes:
    """Read a file, or standard input for ``-``.

    Args:
        path: The path.
        document: The format of the document that it has to be; empty for any.

    Raises:
        PlanFileError: It cannot be read, or is larger than any plan.
    """
    try:
        if path == "-":
            content = sys.stdin.buffer.read(SIZE_LIMIT + 1)
        else:
            with Path(path).open("rb") as file:
                content = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        near = or_near_file(path, document) if isinstance(error, FileNotFoundError) else ""
        raise PlanFileError(f"cannot read {path}: {error.strerror or error}{near}") from None
    if len(content) > SIZE_LIMIT:
        raise PlanFileError(f"{path} is larger than {SIZE_LIMIT // 1024 // 1024} MB, the largest size of a plan")
    return content


def read_plan(path: str) -> PlanFile:
    """Read a saved plan.

    Raises:
        PlanFileError: It cannot be read, or is not a plan.
    """
    from reconciler.documents.plan import parse_plan  # noqa: PLC0415 - help and completion do without
    from reconciler.documents.saved import intended_format  # noqa: PLC0415 - help and completion do without

    content = read_limited(path, "reconciler.plan")
    noun = intended_format(content).removeprefix("reconciler.")
    if noun in {"report", "drift", "diff", "accept", "sids", "validation", "error"}:
        article = "an" if noun == "accept" else "a"
        raise PlanFileError(
            f"{path} is {article} {noun}, not a plan. Make a plan with `reconciler plan --out plan.json`; "
            f"`reconciler show {path}` shows this file"
            if noun in {"report", "drift", "diff", "accept"}
            else f"{path} is not a plan. Make one with `reconciler plan --out plan.json`"
        )
    return parse_plan(content, path)


def check_replaceable(path: str) -> None:
    """Check that saving a plan destroys nothing else: an existing file must be empty, or a plan.

    Raises:
        UsageError: It is another file, such as one of the configuration.
    """
    from reconciler.documents.saved import format_of  # noqa: PLC0415 - help and completion do without

    try:
        if not Path(path).is_file():
            return  # Reading a pipe would block; writing to one is refused.
        with Path(path).open("rb") as file:
            content = file.read(SIZE_LIMIT)
    except OSError:
        return  # It does not exist, or writing it will report why it cannot be written.
    if content and format_of(content) != "reconciler.plan":
        raise UsageError(f"cannot write {path}: the file exists and is not a plan. Use another file")


def write_file(path: Path, text: str, mode: int = PRIVATE) -> None:
    """Write a file atomically; see `write_files`."""
    write_files({path: text}, mode)


def write_files(texts: Mapping[Path, str], mode: int = PRIVATE) -> None:
    """Write files atomically, and none before there is room for all.

    Args:
        texts: The texts by path. Existing files are replaced, in this order.
        mode: The permissions; by default only for the owner.

    Raises:
        UsageError: One cannot be written.
    """
    temporaries: dict[Path, Path] = {}
    at = Path()
    try:
        for at, text in texts.items():
            if at.exists() and not at.is_file():
                raise UsageError(f"cannot write {at}: it exists and is not a regular file")
            # Created with mode 600 in the same folder, so that the rename is atomic.
            import tempfile  # noqa: PLC0415 - most commands write no file

            descriptor, temporary = tempfile.mkstemp(prefix=f".{at.name}.", suffix=".tmp", dir=at.parent)
            temporaries[at] = Path(temporary)
            with os.fdopen(descriptor, "wb") as file:
                file.write(text.encode("utf-8", "backslashreplace"))
                file.flush()
                os.fsync(file.fileno())
            if mode != PRIVATE:
                temporaries[at].chmod(mode)
        for at in texts:
            temporaries[at].replace(at)
            del temporaries[at]
    except OSError as error:
        raise UsageError(f"cannot write {at}: {error.strerror or error}") from None
    finally:
        for left in temporaries.values():
            left.unlink(missing_ok=True)
